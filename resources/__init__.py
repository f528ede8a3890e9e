"""Icons, themes, presets and the sample clip, found with :func:`importlib.resources.files`."""
