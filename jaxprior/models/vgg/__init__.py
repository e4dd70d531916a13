"""The family vgg."""
