"""A shot as clips for the model: scenes, stretches, crops, and what is known to fail before it is rendered."""
