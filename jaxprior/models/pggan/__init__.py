"""The family pggan."""
