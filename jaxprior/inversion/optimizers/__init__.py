"""Optimisers of ONE image's latents, as optax transformations; the engine maps them over the batch."""
