"""A clip of conditioned frames through the model: latents, context windows, solver, streamed VAE, previews."""
