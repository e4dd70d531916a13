"""The family autoencoder."""
