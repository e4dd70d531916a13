"""`jaxprior singan train|sample|paint|harmonize|edit|superres|animate`: one module a command."""

from jaxprior.models.singan.commands.animate import animate
from jaxprior.models.singan.commands.edit import edit
from jaxprior.models.singan.commands.harmonize import harmonize
from jaxprior.models.singan.commands.paint import paint
from jaxprior.models.singan.commands.sample import sample
from jaxprior.models.singan.commands.superres import superres
from jaxprior.models.singan.commands.train import train


__all__ = ["animate", "edit", "harmonize", "paint", "sample", "superres", "train"]
