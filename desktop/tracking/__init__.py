"""Boxes and shapes that follow what they mark."""
