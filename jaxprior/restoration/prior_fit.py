"""Whether a picture looks like what a prior was trained on: `fit_of`.

The critic that was trained beside a generator knows what its pictures are made of. Its finest feature map gives two
numbers a channel: the mean and the standard deviation over the known part of a picture. Held-out pictures of the
prior's own kind say how these numbers usually lie: their means, their deviations, and the axes along which they vary
most. The distance of a picture is Mahalanobis's under this Gaussian, with one variance for all directions beside the
axes (Tipping and Bishop 1999, "Probabilistic principal component analysis"), divided by the number of values: it is
about 1 for a usual picture.

A picture fits poorly if it lies farther than 98 % of further held-out pictures. With less of a picture known distances
grow, so the limit is that of pictures of which as large a share was known. Where known pixels are few and scattered,
texture cannot be judged, and nothing is said. A poor fit can be believed, but a good one is no promise: more than half
of the photographs of other things pass for cats (docs/cats64.md has the figures).

What is judged is the observation, as a picture: holes are filled smoothly from around, small pictures are enlarged, and
grey, noisy and blurred ones are compared with held-out pictures that were made grey, noisy and blurred. So neither the
result of an inversion nor its settings matter. A bundled prior brings the numbers along in `fit.safetensors` beside
its weights, made by `benchmarks/fit.py`.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import safetensors.numpy

from jaxprior.errors import WeightsError
from jaxprior.operators import Operator, batched, fitting, map_images
from jaxprior.restoration.arguments import as_observed, as_prior, as_task, refuse_tracing
from jaxprior.restoration.smooth_fill import harmonic_fill
from jaxprior.runs.row import GOOD, POOR
from jaxprior.system.files import write_atomically
from jaxprior.system.quick_programs import QUICKLY_COMPILED
from jaxprior.weights import loader, storage
from jaxprior.weights.priors import Prior


Array = jax.Array
FILE = "fit.safetensors"
"""The numbers beside the weights of a bundled prior."""
ABOUT = "jaxprior_fit"
"""Name of the metadata: a JSON object that says whose numbers these are."""
SMALLEST = 1e-6
"""Added to deviations, so that a channel that never changes divides nothing by zero."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FitReference:
    """How the critic's values of held-out pictures lie, as one task observes them; arrays of floats.

    Fields:
        mean, deviation: of every value, [n].
        axes: along which the values, divided by their deviations, vary most, orthonormal [r, n].
        variances: along the axes, [r]; rest: in every other direction, [1].
        shares: of the critic's map that was known, rising, [m]; limits: the largest distance of a good fit there, [m].
    """

    mean: np.ndarray
    deviation: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    rest: np.ndarray
    shares: np.ndarray
    limits: np.ndarray

    def distance(self, values: np.ndarray) -> np.ndarray:
        """Distances [...] of values [..., n] from usual ones, about 1 for a usual picture."""
        values = (values - self.mean) / self.deviation
        along = values @ self.axes.T
        beside = (values**2).sum(-1) - (along**2).sum(-1)
        return ((along**2 / self.variances).sum(-1) + beside / self.rest[0]) / values.shape[-1]

    def judge(self, values: np.ndarray, share: float) -> str | None:
        """Say "good" or "poor" of a picture's values [n]; None if too small a share of it was known."""
        if not share >= self.shares[0]:
            return None
        return POOR if self.distance(values) > np.interp(share, self.shares, self.limits) else GOOD


def fit_of(prior: Prior | str | Path, observed: Array, task: Operator | None = None) -> list[str | None]:
    """Say of each picture whether it looks like what a prior was trained on.

    A poor fit can be believed; a good one is no promise (docs/cats64.md, "Pictures that are not cats"). What is judged
    is the observation, so nothing is inverted for it.

    Arguments:
        prior: the generator, or the name, file or training run that `load_prior` takes.
        observed: the pictures that would be restored, as the task observes them [b, ...], in [-1, 1].
        task: how they were degraded, such as `Inpaint(mask)`; its arrays serve all pictures or have a leading axis b.
            None for pictures that are whole.

    Returns:
        For each of the b pictures "good"; "poor" if it lies farther from the prior's own kind than 98 % of held-out
        pictures do; or None if that cannot be said, because the prior has no numbers for this task (only bundled priors
        have them), or because too little of the picture is known.

    Raises:
        ImageError, ArgumentError: as for `invert`.

    Example:
        >>> jp.fit_of(jp.load_prior("cats32"), 2 * np.random.default_rng(0).random((1, 32, 32, 3)) - 1)
        ['poor']
    """
    refuse_tracing("fit_of", prior, observed, task)
    prior = as_prior(prior)
    task = fitting(as_task(task), prior.image_shape)
    return judge(prior, as_observed(observed, task, prior, None), task)


def judge(prior: Prior, observed: Array | np.ndarray, task: Operator) -> list[str | None]:
    """What `fit_of` says of observations that need no check: those of a run."""
    reference = references(prior).get(task.label)
    if reference is None:
        return [None] * len(observed)
    values, shares = critic_values(prior, observed, task)
    return [reference.judge(one, float(share)) for one, share in zip(values, shares, strict=True)]


def critic_values(prior: Prior, observed: Array | np.ndarray, task: Operator) -> tuple[np.ndarray, np.ndarray]:
    """What the critic finds in observations, each picture by itself.

    Arguments:
        prior: with a critic.
        observed: observations of the task [b, ...], pictures of c channels, at most as large as the prior's.
        task: forward operator; its arrays serve all pictures or have a leading axis b.

    Returns:
        (mean and standard deviation of every channel of the finest map [b, n], shares of the map that were known [b]).
    """
    found, tasks = [], jax.device_get(batched(task, len(observed)))
    for i, one in enumerate(np.asarray(observed, np.float32)):  # one by one: a result does not depend on the others
        own = map_images(lambda array, i=i: array[i], tasks)
        found.append(jax.device_get(_values(prior.critic, own, one)))
    values, shares = zip(*found, strict=True)
    return np.stack(values), np.array(shares)


@partial(jax.jit, compiler_options=QUICKLY_COMPILED)
def _values(critic: Any, task: Operator, observed: Array) -> tuple[Array, Array]:
    """The values [n] of one observation, and the share of the critic's map that is known."""
    height, width = critic.module.image_shape[:2]
    picture = task.shown(observed)
    missing = getattr(task, "mask", None)
    if missing is None:
        missing = jnp.zeros(picture.shape[:2])
    else:
        picture = harmonic_fill(picture, missing)
    picture = jax.image.resize(picture, (height, width, picture.shape[-1]), "linear")
    features = critic.features(picture[None])[0][0]
    rows, columns = features.shape[:2]
    missing = jnp.asarray(missing, jnp.float32)
    if missing.shape != (height, width):  # of a smaller observation, of which nothing is missing
        missing = jnp.zeros((height, width))
    whole = 1 - missing.reshape(rows, height // rows, columns, width // columns).max((1, 3))
    weights = (whole / jnp.maximum(whole.sum(), 1))[..., None]
    mean = (weights * features).sum((0, 1), keepdims=True)
    deviation = jnp.sqrt((weights * (features - mean) ** 2).sum((0, 1)))
    return jnp.concatenate([mean[0, 0], deviation]), whole.mean()


def make_reference(
    usual: np.ndarray, held_out: Mapping[float, Sequence[np.ndarray]], *, axes: int = 24, quantile: float = 0.98
) -> FitReference:
    """Make the numbers of one task.

    Arguments:
        usual: values of pictures of the prior's kind, [b, n], of which everything is known.
        held_out: from shares of the map that were known to the values [b, n] of further such pictures, in one or
            several ways of losing that share; the limit is the largest of theirs.
        axes: principal axes that are kept, fewer than b.
        quantile: share of the held-out pictures that is a good fit.
    """
    usual = np.asarray(usual, np.float64)
    mean, deviation = usual.mean(0), usual.std(0) + SMALLEST
    scaled = (usual - mean) / deviation
    _, sizes, directions = np.linalg.svd(scaled, full_matrices=False)
    variances = sizes[:axes] ** 2 / len(usual)
    rest = (scaled.var(0).sum() - variances.sum()) / (usual.shape[1] - axes)
    shares = np.array(sorted(held_out))
    made = FitReference(
        mean=mean, deviation=deviation, axes=directions[:axes], variances=variances, rest=np.array([rest]),
        shares=shares, limits=np.zeros(len(shares)),
    )  # fmt: skip
    made = _as_kept(made)
    limits = [max(float(np.quantile(made.distance(values), quantile)) for values in held_out[s]) for s in shares]
    return _as_kept(dataclasses.replace(made, limits=np.array(limits)))


def write_references(path: Path, prior: Prior, made: Mapping[str, FitReference], *, pictures: str) -> None:
    """Write the numbers of a prior.

    Arguments:
        path: of the file.
        prior: whose they are.
        made: by the labels of the tasks.
        pictures: what the held-out pictures were, in a sentence.
    """
    tensors = {f"{label}/{name}": array for label, one in made.items() for name, array in vars(one).items()}
    about = json.dumps({"prior": prior.sha256, "pictures": pictures}, sort_keys=True)
    write_atomically(path, safetensors.numpy.save(tensors, {ABOUT: about}))


def references(prior: Prior) -> dict[str, FitReference]:
    """The numbers of a prior by the labels of tasks; empty for a prior that the package brings none for."""
    return {} if prior.critic is None else _bundled(prior.sha256)


@functools.cache
def _bundled(sha256: str) -> dict[str, FitReference]:
    for path in loader.bundled().values():
        try:
            tensors, metadata = storage.read_tensors(path.with_name(FILE))
            if json.loads(metadata[ABOUT])["prior"] == sha256:
                break
        except (WeightsError, KeyError, ValueError):
            continue
    else:
        return {}
    labels = {name.rpartition("/")[0] for name in tensors}
    names = [field.name for field in dataclasses.fields(FitReference)]
    return {label: FitReference(**{name: tensors[f"{label}/{name}"] for name in names}) for label in sorted(labels)}


def _as_kept(reference: FitReference) -> FitReference:
    """The same with arrays as the file has them."""
    return FitReference(**{name: np.ascontiguousarray(array, np.float32) for name, array in vars(reference).items()})
