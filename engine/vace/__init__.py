"""Wan VACE inpainting: torch and diffusers are imported inside functions only, so importing this costs nothing."""
