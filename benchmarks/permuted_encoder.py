"""The control of an encoder: the same training, but each damaged picture is paired with another picture.

    python benchmarks/permuted_encoder.py --prior cats64 --data cats64_train.zip --steps 2000 -o runs/permuted

The words are those of `jaxprior train encoder`. Such an encoder knows what pictures of the prior look like on average,
and nothing of the picture that it sees: what it reaches in a hole, an encoder reaches without looking. What its run
measures of held-out pictures is measured on such pairs as well. The run's folder must not be gone on with by
`jaxprior train encoder`, which would pair the pictures rightly from there on.
"""

import sys

import jax.numpy as jnp

from jaxprior.cli import main
from jaxprior.models.encoder import train


damaged = train.damaged


def damaged_others(damages, originals, chosen, masks, key):
    """What the tasks leave of the picture before each one of a batch, in place of its own."""
    return damaged(damages, jnp.roll(originals, 1, axis=0), chosen, masks, key)


if __name__ == "__main__":
    train.damaged = damaged_others
    sys.argv[1:1] = ["train", "encoder"]
    main()
