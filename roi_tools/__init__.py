"""Geometry, shapes, keyframes and mattes: from what an artist draws to exact pixels."""
