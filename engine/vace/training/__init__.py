"""Trains small Wan-VACE models from scenes that are drawn on the fly: ``python -m engine.vace.training --help``."""
