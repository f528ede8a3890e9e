"""What every room of the desktop stands on: language, errors, theme, settings, threads."""
