"""Shapes: what is done to them, and files of other programs."""
