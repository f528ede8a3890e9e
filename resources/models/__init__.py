"""Configurations of the Wan 2.1 models, for weights that come as single files without any."""
