"""The document: media, shots, removals and the project file."""
