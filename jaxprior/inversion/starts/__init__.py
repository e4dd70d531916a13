"""Starts: where the latents of an image begin."""
