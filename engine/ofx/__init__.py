"""The Python-native image-effect model: OpenFX's actions, clips and parameters in plain Python."""
