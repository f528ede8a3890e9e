"""Tracking: boxes that follow their object, regions that follow a surface, boxes proposed from motion."""
