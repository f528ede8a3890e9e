"""Presets of the effects, one JSON file each: name, effect, hint, and the parameters that it sets."""
