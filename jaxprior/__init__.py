"""jaxprior: restore images with a trained GAN as the prior."""

__version__ = "0.1.0"
