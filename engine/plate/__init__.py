"""Clean plates: the true background of a shot, from the frames that show it."""
