"""The engine: argmin over latents of d(A(G(latents)), y), for every image of a batch by itself, all at once.

Only mathematics. It sees a generator as an object with `head(z)`, `tail(features)` and `__call__(z)`, and knows no
network library, no files and no training.
"""
