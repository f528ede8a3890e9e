"""The built-in effects: descriptors and actions over the engine's rooms."""
