"""The commands `jaxprior singan train|sample|paint|harmonize|edit|finetune|superres|animate`, a module each."""

import typer

from jaxprior.models.singan.commands.animate import animate
from jaxprior.models.singan.commands.finetune import finetune
from jaxprior.models.singan.commands.masked import edit, harmonize
from jaxprior.models.singan.commands.paint import paint
from jaxprior.models.singan.commands.sample import sample
from jaxprior.models.singan.commands.superres import superres
from jaxprior.models.singan.commands.train import train


app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Train a pyramid of GANs on a single picture, draw from it, and make other pictures like it.\n\n"
    "Read more in docs/singan.md.",
)
for command in (train, sample, paint, harmonize, edit, finetune, superres, animate):
    app.command()(command)
