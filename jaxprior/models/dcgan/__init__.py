"""The family dcgan."""
