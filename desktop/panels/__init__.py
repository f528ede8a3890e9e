"""The docked panels: removals, effect, render."""
