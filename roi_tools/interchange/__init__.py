"""Roto shapes for other programs."""
