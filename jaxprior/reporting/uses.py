"""How a trained network is used: the commands that its family names."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxprior import discovery
from jaxprior.protocols import Trainer


PRIOR = "prior"
"""The role of generators that restore pictures."""
LOADERS = {PRIOR: "load_prior", "refiner": "load_refiner", "encoder": "load_encoder"}
"""The functions of the package that load what plays a role."""


def uses_of(configuration: Mapping[str, Any], architecture: str | None, path: Path) -> list[str]:
    """Return the commands and the line of Python in which a trained network serves.

    Arguments:
        configuration: of its training, whose "recipe" is the name of what trained it. With a "mask" the network was
            given pictures with holes, and serves in no command but from Python.
        architecture: the word of its card, or None.
        path: its run folder or file.

    Example:
        >>> uses_of({"recipe": "autoencoder"}, "autoencoder", Path("runs/refiner"))[0]
        'jaxprior inpaint IMAGES --mask MASK -o RUN --refine runs/refiner'
    """
    trainers, family = _trainers(), discovery.family_of(architecture)
    # A training that goes on with a model has a name of its own; what it makes serves as that model did.
    trainer = trainers.get(configuration.get("recipe", ""), trainers.get(architecture or ""))
    roles = {} if family is None or architecture is None else family.architectures[architecture]
    place, lines = shlex.quote(str(path)), []
    if PRIOR in roles:
        lines.append(f"jaxprior inpaint PHOTO --mask MASK -o RUN --prior {place}")
    if trainer is not None and configuration.get("mask") is None:
        lines.append(f"{command_of_use(trainer, configuration)} {place}")
    return [*lines, *(f"{role} = jaxprior.{LOADERS[role]}({str(path)!r})" for role in roles if role in LOADERS)]


def command_of_use(trainer: Trainer, settings: Mapping[str, Any]) -> str:
    """The command in which a trained network serves; its run follows.

    Arguments:
        trainer: what trained it.
        settings: of the training, as plain values.
    """
    return trainer.use if trainer.use_of is None else discovery.imported(trainer.use_of)(settings)


def _trainers() -> dict[str, Trainer]:
    """All trainers, by the names under which run folders know them."""
    found: dict[str, Trainer] = {}
    for name, family in discovery.families().items():
        found |= dict(family.trainers)
        if family.single_image is not None:
            found[name] = family.single_image
    return found
