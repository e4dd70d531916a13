"""Training: one loop, one checkpoint format, shared players; a recipe module for every model."""
