"""Roto: layers of animated shapes and their mattes."""
