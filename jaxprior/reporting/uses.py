"""How a trained network is used: the commands that its family names."""

import shlex
from pathlib import Path

from jaxprior import discovery
from jaxprior.protocols import Trainer


PRIOR = "prior"
"""The role of generators that restore pictures."""


def uses_of(recipe: str, architecture: str | None, path: Path) -> list[str]:
    """Return the commands, and for a prior the line of Python, in which a trained network serves.

    Arguments:
        recipe: name of what trained it; architecture: the word of its card, or None.
        path: its run folder or file.

    Example:
        >>> uses_of("autoencoder", "autoencoder", Path("runs/refiner"))
        ['jaxprior inpaint IMAGES --mask MASK -o RUN --refine runs/refiner']
    """
    trainer, family = _trainers().get(recipe), discovery.family_of(architecture)
    place = shlex.quote(str(path))
    lines = [] if trainer is None else [f"{trainer.use} {place}"]
    if family is not None and architecture is not None and PRIOR in family.architectures[architecture]:
        lines.insert(0, f"jaxprior inpaint PHOTO --mask MASK -o RUN --prior {place}")
        lines.append(f'prior = jaxprior.load_prior({str(path)!r})  # in Python')
    return lines


def _trainers() -> dict[str, Trainer]:
    """All trainers, by the names under which run folders know them."""
    found: dict[str, Trainer] = {}
    for name, family in discovery.families().items():
        found |= dict(family.trainers)
        if family.single_image is not None:
            found[name] = family.single_image
    return found
