"""`jaxprior singan train|sample|paint|harmonize|edit|superres|animate`: one module a command."""

from jaxprior.cli.singan.animate import animate
from jaxprior.cli.singan.edit import edit
from jaxprior.cli.singan.harmonize import harmonize
from jaxprior.cli.singan.paint import paint
from jaxprior.cli.singan.sample import sample
from jaxprior.cli.singan.superres import superres
from jaxprior.cli.singan.train import train


__all__ = ["animate", "edit", "harmonize", "paint", "sample", "superres", "train"]
