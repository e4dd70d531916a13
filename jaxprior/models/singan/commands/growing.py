"""Options of `jaxprior singan train` that only ConSinGAN's recipe has."""

import dataclasses
import enum
from typing import Annotated

from jaxprior.cli.training import network_option, recipe_option


Edges = enum.StrEnum("Edges", ["enlarged", "zero"])


@dataclasses.dataclass(frozen=True, kw_only=True)
class GrowingOptions:
    """Options of a growing generator, named as the recipe's fields."""

    train_depth: Annotated[
        int | None, recipe_option("consingan: stages that are trained together.", metavar="N", least=1)
    ] = None
    lr_scale: Annotated[
        float | None,
        recipe_option("consingan: of a stage's learning rate to the next finer one's.", metavar="X", least=0.0),
    ] = None
    slope: Annotated[float | None, network_option("consingan: of the LeakyReLU.", metavar="X", least=0.0)] = None
    edges: Annotated[
        Edges | None, network_option("consingan: around features, themselves enlarged (diverse edges), or zeros.")
    ] = None

    def changes(self) -> dict:
        """Fields of a recipe that were given."""
        return dataclasses.asdict(self)
