"""Plate and model together: what other frames show is recovered, and a model paints only what is left."""
