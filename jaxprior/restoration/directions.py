"""A direction in latent space along which an attribute changes, from latents whose pictures are labelled.

    latents [b, d], labels [b] --logistic regression--> w [d],   direction = w / |w|

The direction is the normal of the plane that tells codes of pictures with the attribute from the others, as in
InterFaceGAN (Shen et al., CVPR 2020), which takes a support vector machine for it. Here it is a logistic regression
with an L2 penalty, whose only minimum Newton's method finds:

    minimise  sum_i log(1 + exp(-s_i (w x_i + c))) + strength / 2 |w|^2,   s_i = 1 with the attribute, -1 without

The intercept c is not penalised. Codes are centred, and divided by one number, the root of their mean variance, so that
strengths mean the same for all priors. There are often fewer pictures than numbers in a code; then a plane always tells
the labelled ones apart, and only pictures that were held out say whether it means anything.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize

from jaxprior.checks import described, real_number, whole_number
from jaxprior.errors import ArgumentError, JaxpriorWarning


STRENGTHS = (1.0, 5.0, 25.0, 125.0, 625.0, 3125.0)
"""Of the penalty; the one with the least held-out loss is taken."""

LEAST = 10
"""Pictures with the attribute, and without it, that are needed at least."""

FOLDS = 5

ITERATIONS, TOLERANCE = 1000, 1e-7
"""Of Newton's method; the tolerance is of the gradient's length, for each picture."""


@dataclass(frozen=True, kw_only=True)
class Direction:
    """A direction in latent space, and how well it tells pictures with an attribute from others.

    Fields:
        vector: float32 [d] of length 1; codes that are moved along it gain the attribute.
        accuracy: share of held-out pictures whose label the plane tells, 0 to 1. Each picture was held out once, and
            the strength of the penalty was chosen without it.
        larger: share of the larger of the two classes: the accuracy of always saying that one.
        ranking: share of the pairs of a held-out picture with the attribute and one without that lie in the right
            order along the direction, 0.5 by chance (the area under the ROC curve; a mean over the folds).
        without, with_it: how many pictures were labelled 0 and 1.
        apart: how far the means of both classes lie apart along the direction, in units of the codes. Amounts of an
            edit are best thought of in multiples of it.
        strength: of the penalty.
    """

    vector: np.ndarray
    accuracy: float
    larger: float
    ranking: float
    without: int
    with_it: int
    apart: float
    strength: float

    @property
    def is_better_than_chance(self) -> bool:
        """Whether the accuracy is above that of the larger class by two standard errors of a share."""
        error = np.sqrt(self.larger * (1 - self.larger) / (self.without + self.with_it))
        return self.accuracy > self.larger + 2 * error


def find_direction(latents: Any, labels: Any, *, strength: float | None = None, seed: int = 0) -> Direction:
    """Find the direction in latent space along which an attribute changes.

    Arguments:
        latents: `Result.latents` of b pictures, or their codes [b, d]. Where a picture has several codes, or several
            starts, [b, ..., d], their mean counts, because `edit` moves all of them alike.
        labels: [b], 1 (or true) where a picture has the attribute, 0 where it has not. Ten of each at least.
        strength: of the L2 penalty; by default the best of `STRENGTHS` on held-out pictures.
        seed: of the folds, in which a fifth of the pictures is held out in turn.

    Returns:
        the direction, with what it says of held-out pictures. Where that is no better than always saying the larger
        class, a `JaxpriorWarning` says so.

    Raises:
        ArgumentError: latents without codes, codes or labels of other shapes or values, or too few of one class.

    Example:
        >>> chance = np.random.default_rng(0)
        >>> codes, labels = chance.normal(size=(200, 4)), np.arange(200) % 2
        >>> codes[:, 1] += 3 * labels
        >>> found = find_direction(codes, labels)
        >>> bool(found.vector[1] > 0.95), bool(found.accuracy > 0.85), found.larger
        (True, True, 0.5)
    """
    codes = _codes_of(latents)
    has_it = _labels_of(labels, len(codes))
    if strength is not None:
        real_number("strength", strength, above=0)
    whole_number("seed", seed, least=0)
    with_it, without = int(has_it.sum()), int((~has_it).sum())
    if min(with_it, without) < LEAST:
        few, which = (with_it, "with the attribute") if with_it < without else (without, "without it")
        raise ArgumentError(
            f"`labels`: only {few} of the {len(has_it)} pictures are {which}; a direction wants {LEAST} or more of "
            "each. Label more pictures, or invert more."
        )
    strengths = STRENGTHS if strength is None else (float(strength),)
    accuracy, ranking = _held_out(codes, has_it, strengths, seed)
    chosen = _best_strength(codes, has_it, strengths, seed)
    weights, _ = _plane(codes, has_it, chosen)
    vector = weights / np.linalg.norm(weights)
    along = codes @ vector
    found = Direction(
        vector=vector.astype(np.float32),
        accuracy=accuracy,
        larger=max(with_it, without) / len(has_it),
        ranking=ranking,
        without=without,
        with_it=with_it,
        apart=float(along[has_it].mean() - along[~has_it].mean()),
        strength=chosen,
    )
    if not found.is_better_than_chance:
        warnings.warn(
            f"on held-out pictures the direction is right for {found.accuracy:.0%}, which is no better than always "
            f"saying the larger class ({found.larger:.0%}) but for chance: it may mean nothing",
            JaxpriorWarning,
            stacklevel=2,
        )
    return found


def logistic_regression(x: np.ndarray, has_it: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    """Fit w and c of the module's head to x as it is.

    SciPy's L-BFGS-B would need about as many operations, but calls LAPACK for matrices of a few numbers in every step.
    Its threads and those of NumPy then wait for each other, which took ten times as long.

    Arguments:
        x: [b, d]; has_it: bool [b], of both kinds; strength: of the penalty, above 0.

    Returns:
        w [d] and c, float64.
    """
    x, sign = np.asarray(x, np.float64), np.where(has_it, 1.0, -1.0)
    share = np.mean(has_it)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (x @ w[:-1] + w[-1])
        wrong = sign * 0.5 * (1 - np.tanh(0.5 * margin))  # 1 / (1 + exp(margin)), without overflow
        gradient = np.append(strength * w[:-1] - wrong @ x, -wrong.sum())
        return np.logaddexp(0, -margin).sum() + 0.5 * strength * float(w[:-1] @ w[:-1]), gradient

    def curved(w: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The product of the loss' second derivatives at w with v."""
        weight = 0.25 * (1 - np.tanh(0.5 * (x @ w[:-1] + w[-1])) ** 2) * (x @ v[:-1] + v[-1])
        return np.append(strength * v[:-1] + weight @ x, weight.sum())

    start = np.append(np.zeros(x.shape[1]), np.log(share / (1 - share)))
    options = {"maxiter": ITERATIONS, "gtol": TOLERANCE * len(x)}
    w = scipy.optimize.minimize(loss, start, jac=True, hessp=curved, method="trust-ncg", options=options).x
    return w[:-1], float(w[-1])


def _plane(codes: np.ndarray, has_it: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    """w [d] and c of codes as they are, fitted to centred and scaled ones."""
    mean = codes.mean(axis=0)
    scale = np.sqrt(codes.var(axis=0).mean())
    weights, intercept = logistic_regression((codes - mean) / scale, has_it, strength)
    return weights / scale, intercept - float(mean @ weights) / scale


def _held_out(codes: np.ndarray, has_it: np.ndarray, strengths: Sequence[float], seed: int) -> tuple[float, float]:
    """Accuracy and ranking on pictures that were held out, the strength being chosen without them."""
    right, rankings = 0, []
    for number, held in enumerate(_folds(has_it, seed)):
        best = _best_strength(codes[~held], has_it[~held], strengths, seed + number + 1)
        weights, intercept = _plane(codes[~held], has_it[~held], best)
        score = codes[held] @ weights + intercept
        right += int(((score > 0) == has_it[held]).sum())
        pairs = np.sign(score[has_it[held]][:, None] - score[~has_it[held]][None])
        rankings.append(float((pairs + 1).mean() / 2))
    return right / len(codes), float(np.mean(rankings))


def _best_strength(codes: np.ndarray, has_it: np.ndarray, strengths: Sequence[float], seed: int) -> float:
    """The strength with the least loss on held-out pictures."""
    if len(strengths) == 1:
        return strengths[0]
    sign, losses = np.where(has_it, 1.0, -1.0), np.zeros(len(strengths))
    for held in _folds(has_it, seed):
        for number, strength in enumerate(strengths):
            weights, intercept = _plane(codes[~held], has_it[~held], strength)
            losses[number] += np.logaddexp(0, -sign[held] * (codes[held] @ weights + intercept)).sum()
    return strengths[int(np.argmin(losses))]


def _folds(has_it: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Which pictures are held out, bool [b], once each; every fold has its share of both classes."""
    order, fold = np.random.default_rng(seed).permutation(len(has_it)), np.empty(len(has_it), int)
    for label in (True, False):
        which = order[has_it[order] == label]
        fold[which] = np.arange(len(which)) % FOLDS
    return (fold == number for number in range(FOLDS))


def _codes_of(latents: Any) -> np.ndarray:
    """One code a picture, float64 [b, d]."""
    given = latents.get("z") if isinstance(latents, Mapping) else latents
    try:
        codes = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        codes = np.zeros(0)
    if codes.ndim < 2 or 0 in codes.shape:
        raise ArgumentError(
            '`latents` must be codes [b, d], or latents of b pictures, a dictionary of arrays with "z", got '
            f"{described(latents)}."
        )
    if not np.isfinite(codes).all():
        raise ArgumentError("`latents` must be finite numbers, got others; leave pictures that diverged out.")
    codes = codes.reshape(len(codes), -1, codes.shape[-1]).mean(axis=1)
    if not codes.std(axis=0).any():
        raise ArgumentError("`latents`: all codes are the same, so that nothing tells pictures apart.")
    return codes


def _labels_of(labels: Any, count: int) -> np.ndarray:
    """Labels as bool [b]."""
    values = np.asarray(labels)
    if values.shape != (count,) or values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        raise ArgumentError(f"`labels` must be [{count}] of 0 and 1, one for each code, got {described(labels)}.")
    return values.astype(bool)
