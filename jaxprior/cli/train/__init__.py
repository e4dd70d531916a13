"""`jaxprior train pggan|lsgan|autoencoder`: one module a command."""

from jaxprior.cli.train.autoencoder import autoencoder
from jaxprior.cli.train.lsgan import lsgan
from jaxprior.cli.train.pggan import pggan


__all__ = ["autoencoder", "lsgan", "pggan"]
