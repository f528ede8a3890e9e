"""What no frame shows, continued from the picture around."""
