"""Compare restored pictures with the truth: the figures of a journal row, for a whole batch at once.

The figures are those of the installed metrics (see `jaxprior.metrics.Metric`) for which there is something to compare.
PSNR and SSIM are computed on [0, 1] from the unrounded float output of the generator; SSIM uses the uniform 7x7 window.
See `jaxprior.metrics.CONVENTION`, which every table prints.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from jaxprior.data.pixels import to_float
from jaxprior.errors import SettingsError
from jaxprior.metrics import Metric, Scored, installed_metrics, is_asked, own_metrics, takes
from jaxprior.metrics._images import clip
from jaxprior.metrics.draws import SPREAD
from jaxprior.metrics.perceptual import feature_distance
from jaxprior.operators import Identity, Operator, batched, map_images
from jaxprior.protocols import DRAWS, HOLE, MASK, MERGE, MERGED, NETWORK, OBSERVED, RESULT, TRUTH, VOLUMES, WHOLE
from jaxprior.system.quick_programs import QUICKLY_COMPILED


def score(
    task: Operator,
    raw: np.ndarray,
    merged: np.ndarray,
    observed: np.ndarray,
    truth: np.ndarray | None,
    masks: np.ndarray | None,
    *,
    network: Callable | None = None,
    draws: np.ndarray | None = None,
    measures: Sequence[str] = (),
) -> list[dict[str, float]]:
    """Return the figures of each picture.

    Arguments:
        task: the forward operator, arrays shared or per image.
        raw, `merged`: float32 [b, h, w, c] in [-1, 1]; or volumes, [b, d, h, w, c].
        observed: the observations [b, ...].
        truth: the originals in the layout of `raw`, or None if they are not known.
        masks: [b, h, w], 1 = missing, or [b, d, h, w] of volumes; None for a task without a mask.
        network: a feature network in which results are compared with the originals as well, see
            `jaxprior.metrics.perceptual`. It sees each picture once, whatever the number of figures.
        draws: several answers for each picture, merged, [b, K, h, w, c], or None.
        measures: words by which further figures are asked for, see `Metric.asked_as`.

    Returns:
        one dictionary a picture: figures by the names of the installed metrics, without those for which there is
        nothing to compare.

    Raises:
        SettingsError: a metric of another package fails, or returns something else than one number a picture.
    """
    scored = Scored(raw, merged, observed, truth, masks, task)
    figures = {name: np.asarray(values) for name, values in _own_figures(scored).items()}
    if network is not None and truth is not None:
        scored = scored._replace(distance=feature_distance(network, clip(merged), clip(truth)))
        in_network = _own_figures(scored, beside=NETWORK)  # apart: the bits of the others do not depend on a network
        figures |= {name: np.asarray(values) for name, values in in_network.items()}
    if draws is not None:
        of_draws = _own_figures(scored._replace(distance=None, draws=draws), beside=DRAWS)
        if draws.shape[1] == 1:  # 0 would say that nothing else is plausible
            del of_draws[SPREAD.name]
        figures |= {name: np.asarray(values) for name, values in of_draws.items()}
        scored = scored._replace(draws=draws)
    if measures and truth is not None:
        asked = _own_figures(scored._replace(distance=None, draws=None), asked=tuple(measures))
        figures |= {name: np.asarray(values) for name, values in asked.items()}
    side = min(np.shape(raw)[1:-1])
    foreign = [
        one
        for one in installed_metrics()[len(own_metrics()) :]
        if is_asked(one, measures, side) and takes(one, np.ndim(raw) - 1)
    ]
    if foreign:
        scored = scored._replace(task=batched(task, len(raw)))
        given = _given(scored)
        figures |= {one.name: _foreign_figure(one, scored) for one in foreign if one.needs <= given}
    return [{name: float(values[i]) for name, values in figures.items()} for i in range(len(raw))]


def score_photo(
    merged: np.ndarray,
    truth: np.ndarray,
    raw: tuple[np.ndarray, np.ndarray] | None,
    *,
    task: Operator | None = None,
    network: Any = None,
    measures: Sequence[str] = (),
) -> dict[str, float]:
    """Return the figures of a whole photograph at its own size, which compare the result with the original.

    Arguments:
        merged, truth: uint8 [h, w, 3].
        raw: the photograph with the generator's own output in it, uint8 [h, w, 3], and where that is, bool [h, w]; None
            if there is none.
        task: the forward operator where it says something of the figures, as its factor the border that some leave
            out; without it, one that fills holes or gives colours.
        network: see `score`; what is too small for it is not compared in it.
        measures: see `score`.

    Raises:
        SettingsError: see `score`.
    """
    result, original = (to_float(picture)[None] for picture in (merged, truth))
    own, mask = (result, None) if raw is None else (to_float(raw[0])[None], raw[1][None].astype(np.float32))
    scored = Scored(own, result, result, original, mask, Identity() if task is None else task)
    merging = task is None or task.fills_holes
    parts = {MERGED: {TRUTH, MERGE}} if merging else {WHOLE: {TRUTH}}
    parts |= {} if raw is None else {HOLE: {TRUTH, MASK}}
    if network is not None and network.refuses(truth.shape) is None:
        scored = scored._replace(distance=feature_distance(network, clip(result), clip(original)))
        parts = {part: {*there, NETWORK} for part, there in parts.items()} | {RESULT: {TRUTH, NETWORK}}
    return {
        one.name: float(_foreign_figure(one, scored)[0])
        for one in installed_metrics()
        if one.needs <= parts.get(one.part, set()) and is_asked(one, measures, min(truth.shape[:2])) and takes(one, 3)
    }


def merges(task: Operator, observed: jax.ShapeDtypeStruct, restored: jax.ShapeDtypeStruct) -> bool:
    """Say whether an operator's `merge` changes a restored image at all.

    Arguments:
        task: the forward operator of one image; observed, restored: shapes of its observation and its images.
    """
    traced = jax.make_jaxpr(type(task).merge)(task, observed, restored).jaxpr
    return traced.outvars[0] is not traced.invars[-1]


@partial(jax.jit, static_argnames=("beside", "asked"), compiler_options=QUICKLY_COMPILED)
def _own_figures(
    scored: Scored, *, beside: str | None = None, asked: tuple[str, ...] = ()
) -> dict[str, jax.Array]:
    """The figures of this package's metrics as one program, which metrics of other packages do not change.

    Arguments:
        scored: the pictures.
        beside: which of the optional figures are wanted, those that need `NETWORK` or those that need `DRAWS`; None for
            all others.
        asked: instead, those that are only there when they are asked for by these words.
    """
    scored = scored._replace(task=batched(scored.task, len(scored.raw)))
    given = _given(scored)
    if asked:
        wanted = [one for one in own_metrics() if one.asked_as and is_asked(one, asked, min(scored.raw.shape[1:-1]))]
    else:
        wanted = [one for one in own_metrics() if (_is_usual(one, scored) if beside is None else beside in one.needs)]
    fit = [one for one in wanted if one.needs <= given and takes(one, scored.raw.ndim - 1)]
    return {one.name: one.function(scored) for one in fit}


def _is_usual(one: Metric, scored: Scored) -> bool:
    """Whether every run has a figure; those of volumes alone are optional only so that no other run mentions them."""
    return not one.optional or (one.takes == VOLUMES and not one.asked_as and scored.raw.ndim == 5)


def _given(scored: Scored) -> set[str]:
    """What metrics can need (see `jaxprior.metrics.Metric`) and these pictures have."""
    one = map_images(lambda array: array[0], scored.task)
    given = {
        TRUTH: scored.truth is not None,
        MASK: scored.masks is not None,
        OBSERVED: scored.masks is not None or not isinstance(scored.task, Identity),
        MERGE: merges(one, scored.observed[0], scored.raw[0]),
        NETWORK: scored.distance is not None,
        DRAWS: scored.draws is not None,
    }
    return {name for name, there in given.items() if there}


def _foreign_figure(metric: Metric, scored: Scored) -> np.ndarray:
    """The figure [b] of a metric of another package, whose code can fail in any way."""
    try:
        values = np.asarray(metric.function(scored), np.float64)
    except Exception as error:
        raise SettingsError(
            f"the metric {metric.name} of another package fails ({type(error).__name__}: {error}); "
            "mend or uninstall that package."
        ) from error
    if values.shape != (len(scored.raw),):
        raise SettingsError(
            f"the metric {metric.name} of another package: expected one number a picture, [{len(scored.raw)}], "
            f"got {list(values.shape)}; mend or uninstall that package."
        )
    return values
