"""Sections of a page that show what a trained SinGAN makes: picture and samples, its scales, its start scales.

Everything is drawn from the weights with one fixed seed, so that the same weights give the same page.
"""

from collections.abc import Sequence

import jax
import numpy as np

from jaxprior import metrics
from jaxprior.models.singan.model import SingleImageModel
from jaxprior.models.singan.viewing import draw_from, real_pyramid
from jaxprior.reporting import page
from jaxprior.reporting.page_pictures import as_png


SAMPLES, AT_ONCE = 16, 4
"""Samples that the diversity is of, and how many are drawn together and shown of a scale."""

STARTS = 4
"""So many start scales besides 0 are shown, the lowest ones: above, samples are ever nearer to the picture."""

LARGE, MEDIUM, SMALL = (400, 300), (158, 150), (124, 100)
"""Boxes of pixels in which pictures are shown."""

NOTE = (
    f"Reconstruction: root mean squared error in levels of 255. Diversity: standard deviation of a pixel's intensity "
    f"over {SAMPLES} samples, mean over the pixels, as a share of the picture's own. Noise: its amplitude, 0.1 of what "
    "the scales below miss where the recipe is the usual one. All pictures are enlarged to one size."
)

rmse, diversity = jax.jit(metrics.rmse), jax.jit(metrics.diversity)
"""Compiled, so that values are not checked: a page is drawn of a model that diverged, too."""


def singan_sections(model: SingleImageModel) -> list[str]:
    """Return the sections (as HTML) of a trained model, finished or with the scales that it has."""
    keys = jax.random.split(jax.random.key(0), SAMPLES // AT_ONCE)
    reals = real_pyramid(model)

    def drawn(key: jax.Array, start: int) -> list[np.ndarray]:
        return [np.asarray(images) for images in draw_from(model, key, start, count=AT_ONCE)]

    remade = [images[0] for images in drawn(keys[0], len(reals))]
    samples = [np.concatenate(parts) for parts in zip(*(drawn(key, 0) for key in keys), strict=True)]
    started = {start: drawn(keys[0], start)[-1] for start in range(1, min(STARTS + 1, len(reals)))}
    return [
        *_picture(reals[-1], remade[-1], samples[-1]),
        *_scales(model.networks(), reals, remade, samples),
        *_starts({0: samples[-1][:AT_ONCE], **started}),
    ]


def _picture(real: np.ndarray, remade: np.ndarray, samples: np.ndarray) -> list[str]:
    height, width = real.shape[:2]
    large = [_framed(real, "picture", LARGE, caption=f"the picture, {width}x{height}")]
    large.append(_framed(remade, "reconstruction", LARGE, caption="its reconstruction"))
    small = [_framed(image, f"sample {i}", MEDIUM) for i, image in enumerate(samples)]
    return [
        "<h2>The picture</h2>", page.side_by_side(large),
        f"<h2>{len(samples)} samples</h2>", page.side_by_side(small),
    ]  # fmt: skip


def _scales(
    networks: Sequence[tuple[int, float]], reals: Sequence[np.ndarray], remade: Sequence[np.ndarray],
    samples: Sequence[np.ndarray],
) -> list[str]:  # fmt: skip
    """A line a scale: its network, its figures, its pictures."""
    lines = []
    for n, (network, real, own, drawn) in enumerate(zip(networks, reals, remade, samples, strict=True)):
        (channels, amplitude), (height, width) = network, real.shape[:2]
        shown = [_framed(image, f"scale {n}, sample {i}", SMALL) for i, image in enumerate(drawn[:AT_ONCE])]
        lines.append([
            str(n), f"{width}x{height}", str(channels), f"{amplitude:.3g}",
            f"{float(rmse(own[None], real[None])[0]):.2f}", f"{float(diversity(drawn, real)):.3f}",
            _framed(real, f"scale {n}, picture", SMALL), _framed(own, f"scale {n}, reconstruction", SMALL),
            page.side_by_side(shown),
        ])  # fmt: skip
    columns = ["scale", "size", "channels", "noise", "reconstruction error", "diversity"]
    table = page.figure_table([*columns, "picture", "reconstruction", "samples"], lines)
    return ["<h2>Scales</h2>", f'<div class="scales">{table}</div>', f'<p class="note">{NOTE}</p>']


def _starts(started: dict[int, np.ndarray]) -> list[str]:
    """Samples by start scale, the same noise in a column."""
    if len(started) < 2:
        return []
    lines = []
    for n, drawn in started.items():
        name = f"from scale {n}"
        lines.append([name, page.side_by_side(_framed(x, f"{name}, sample {i}", MEDIUM) for i, x in enumerate(drawn))])
    note = "Scales below the start are those of the picture; a column has the same noise at the scales that are drawn."
    table = page.figure_table(["start", "samples"], lines)
    return ["<h2>Start scales</h2>", f'<div class="scales">{table}</div>', f'<p class="note">{note}</p>']


def _framed(image: np.ndarray, name: str, box: tuple[int, int], *, caption: str = "") -> str:
    return page.framed(as_png(image), name, box=box, caption=caption)
