"""Trained networks at rest (safetensors with a card), where they lie, and what they are once they are loaded."""
