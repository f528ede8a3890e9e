"""Grayplate's own sample shot: the clip, its true plate, its boxes, and the scripts that make them."""
