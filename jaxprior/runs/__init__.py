"""A run on disk: its folder, record, lock, journal and checkpoints, how it is shared, and how it is stopped."""
