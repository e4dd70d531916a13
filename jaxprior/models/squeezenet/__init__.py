"""The family squeezenet."""
