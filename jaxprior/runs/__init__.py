"""A run on disk: its folder, its journal, who writes which part of it, how it is stopped, checkpoints."""
