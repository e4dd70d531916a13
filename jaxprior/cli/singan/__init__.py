"""`jaxprior singan train|sample`: one module a command."""

from jaxprior.cli.singan.sample import sample
from jaxprior.cli.singan.train import train


__all__ = ["sample", "train"]
