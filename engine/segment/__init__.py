"""Click-to-matte models."""
