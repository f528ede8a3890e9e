"""Frames on their way to the screen: decoded, kept, shown through a look, played."""
