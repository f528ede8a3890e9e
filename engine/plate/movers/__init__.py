"""Things that walk by behind a hole, made whole."""
