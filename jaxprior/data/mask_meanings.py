"""What a mask's file marks: whether that is clear, and which pixels are missing by each meaning.

`jaxprior.data.mask_files` describes the meanings. Here a picture counts as black and white if hardly anything in it is
coloured, at most half of it lies between black and white, and no whole area of it is grey. What then lies between is
soft edges and noise.

A pixel that a soft edge makes grey holds something of what is missing. It counts as missing if it is more than `EDGE`
levels of 255 away from what is known. JPEG and lossy WebP files have noise beside every edge, so there it is
`LOSSY_EDGE` levels; at quality 30 this noise makes a hole larger by about a twentieth of its area.
Where a photograph or a picture with whole areas of grey is read by "white" or "black", only what is really white or
black counts. So it is in label maps, where small numbers stand beside white: they look black, but are none.
"""

import numpy as np

from jaxprior.data.layers import Layers
from jaxprior.data.mask_words import MEANINGS, missing_percent


EDGE, LOSSY_EDGE = 8, 16
"""How many levels of 255 a pixel must be away from what is known to count as missing."""

DARK, BRIGHT = 32, 223
"""The highest level that is called black, and the lowest that is called white."""

_OPAQUE = 250  # alpha from here on counts as opaque: lossy files have values just below 255
_COLOURED = 48  # the difference between channels from which a pixel counts as coloured
_FEW_COLOURED = 0.02  # the share of coloured pixels, among those not dark, that a black and white picture may have
_MOSTLY_GREY = 0.5  # the share of pixels between black and white from which a picture is taken for a photograph
_FLAT, _FLAT_SHARE = 7, 0.005  # a flat area is a square of so many pixels of one value that so much of a picture has
_NAMED = 4  # values or colours that a message names
_LEAST_BACKGROUND = 0.3  # the share of the border that the background of a picture has at least


def doubt(layers: Layers) -> str | None:
    """Why a file cannot be read without a word about its meaning; None if it can."""
    if _has_alpha(layers):
        return "its transparency varies, so that either what is painted or what is transparent could be marked"
    values = _values(layers)
    levels = _grey_levels(layers.colours, layers.maximum)
    whiteness = _amount(layers, "white")
    if len(values) == 1 and levels.max() <= DARK:
        return "nothing in it is white: all of it is black"
    if len(values) == 1 and levels.min() >= BRIGHT:
        return "nothing is known under it: all of it is white"
    if len(values) == 1:
        return f"nothing is marked in it: all of it is {_listed(values)}"
    if whiteness.max() < BRIGHT:
        return f"no pixel is white; {_said(values)}"
    if levels.min() > DARK:
        return f"no pixel is black; {_said(values)}"
    if _is_coloured(layers.colours):
        return f"it is not black and white; {_said(values)}"
    between = (levels > DARK) & (whiteness < BRIGHT)
    if between.mean() > _MOSTLY_GREY:
        return f"it looks like a photograph: {missing_percent(between)} of its pixels are neither black nor white"
    flat = _flat_values(whiteness, between)
    if flat is not None and values.ndim == 2:
        return f"areas of it are neither black nor white; {_said(values)}"
    if flat is not None:
        return f"areas of it are grey, neither black nor white; {_said(flat, kind='grey ')}"
    if _has_labels(layers, levels):
        return f"areas of it have different values, all of them nearly black, as in a label map; {_said(values)}"
    return None


def obstacle(layers: Layers, means: str) -> str | None:
    """Why a file cannot be read with a meaning; None if it can."""
    if means == "transparent":
        if layers.alpha is None:
            return "it has no transparency"
        varies = np.ptp(layers.alpha) > 0 and not _has_alpha(layers)
        return "none of it is noticeably transparent" if varies else None
    if len(_values(layers)) == 1 and not _has_alpha(layers):
        return None  # a picture of one colour marks nothing, or everything
    if means == "painted":
        return None if _has_alpha(layers) else _obstacle_of_paint(layers)
    amount = _amount(layers, means)
    return None if amount.max() >= BRIGHT else f"no pixel is {means}; {_said(_values(layers))}"


def _obstacle_of_paint(layers: Layers) -> str | None:
    """Why what is painted cannot be told from the background of an opaque picture; None if it can."""
    background, share = _background(layers)
    if share < _LEAST_BACKGROUND:
        colour = _listed(background[None] if len(background) > 1 else background)
        return (
            f"it has no background: the most frequent colour at its border, {colour}, covers only "
            f"{missing_percent(share)} of the border; paint the hole on a layer or picture of its own"
        )
    if len(_values(layers)) > 1 and not _differs_from_background(layers).any():
        return f"nothing in it differs from the background by more than compression does; {_said(_values(layers))}"
    return None


def choices(layers: Layers) -> str:
    """Say what each meaning would mark, as far as it marks something and leaves something known."""
    shares = {}
    for means in MEANINGS:
        if obstacle(layers, means) is None:
            share = halves(layers, means)[1].mean()
            if 0 < share < 1:
                shares[means] = f"{means} ({missing_percent(share)})"
    if shares:
        return f"Say what marks the hole with --mask-means (in Python means=): {' or '.join(shares.values())}."
    if _grey_levels(layers.colours, layers.maximum).max() <= DARK:
        return "Paint white what is to be marked; if nothing is, say so with --mask-means white."
    return "Paint white what is to be marked, and all else black."


def _has_alpha(layers: Layers) -> bool:
    """Whether some pixels are more transparent than others."""
    return layers.alpha is not None and int(np.ptp(np.minimum(layers.alpha, _OPAQUE))) > 0


def _is_coloured(colours: np.ndarray) -> bool:
    """Whether a noticeable part of what is not dark has a colour."""
    if colours.shape[-1] == 1:
        return False
    highest = colours.max(axis=-1)
    coloured = highest - colours.min(axis=-1) > _COLOURED
    return bool(coloured.sum() > _FEW_COLOURED * max((highest > DARK).sum(), 1))


def _values(layers: Layers) -> np.ndarray:
    """The distinct values [n], or colours [n, 3] of a picture that is not grey, in ascending order."""
    colours = layers.colours
    if (colours == colours[..., :1]).all():
        return np.flatnonzero(np.bincount(colours[..., 0].ravel()))
    codes = np.unique(colours.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32))
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1)


def _said(values: np.ndarray, *, kind: str = "") -> str:
    """Name a few values or colours, or say how many there are."""
    if values.ndim == 2:
        many = f"it has {len(values):,} colours"
        return many if len(values) > _NAMED else f"its colours are {_listed(values)}"
    if len(values) > _NAMED:
        return f"its {kind}values go from {values[0]} to {values[-1]}"
    return f"its {kind}value is {values[0]}" if len(values) == 1 else f"its {kind}values are {_listed(values)}"


def _listed(values: np.ndarray) -> str:
    """A few values or colours as a sentence lists them."""
    names = [str(value) if values.ndim == 1 else f"({', '.join(map(str, value))})" for value in values]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _flat_values(levels: np.ndarray, between: np.ndarray) -> np.ndarray | None:
    """The grey levels that whole areas have, as in label maps with several values; None if there are none.

    Soft edges have such levels too, but only along a line.
    """
    from scipy.ndimage import maximum_filter, minimum_filter  # takes long to import

    shares = np.bincount(levels[between], minlength=256) / levels.size
    frequent = np.isin(levels, np.flatnonzero(shares > _FLAT_SHARE)) & between
    if not frequent.any():
        return None
    flat = frequent & (maximum_filter(levels, _FLAT) == minimum_filter(levels, _FLAT))
    return np.unique(levels[flat]) if flat.any() else None


def _has_labels(layers: Layers, levels: np.ndarray) -> bool:
    """Whether whole areas have different values that all look black, as in a label map that also has white.

    Soft edges and compression can leave such areas too, but never without something between black and white.

    Arguments:
        levels: the grey levels of the picture, uint8 [h, w].
    """
    from scipy.ndimage import maximum_filter, minimum_filter  # takes long to import

    if layers.lossy or _has_alpha(layers) or ((levels > DARK) & (levels < BRIGHT)).any():
        return False
    colours = layers.colours
    codes = colours.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1][-colours.shape[-1] :], np.uint32)
    dark = np.unique(codes[levels <= DARK])
    if len(dark) < 2:
        return False
    flat = (maximum_filter(codes, _FLAT) == minimum_filter(codes, _FLAT)) & (levels <= DARK)
    return len(np.unique(codes[flat])) > 1


def halves(layers: Layers, means: str) -> tuple[np.ndarray, np.ndarray]:
    """What holds something known, and what holds something missing, bool [h, w] each. Soft edges belong to both."""
    if means == "painted" and not _has_alpha(layers):
        missing = _differs_from_background(layers)
        return ~missing, missing
    amount = _amount(layers, means)
    if means in ("painted", "transparent"):  # also what is painted with half the opacity
        low, high = (int(amount.min()), int(amount.max())) if _has_alpha(layers) else (0, 255)
    else:
        between = (amount > DARK) & (amount < BRIGHT)
        flat = between.mean() > _MOSTLY_GREY or _flat_values(amount, between) is not None
        if flat or _has_labels(layers, _grey_levels(layers.colours, layers.maximum)):
            missing = amount >= BRIGHT  # a photograph or a label map: what is in between is no soft edge
            return ~missing, missing
        counts = np.bincount(amount.ravel(), minlength=256)
        low, high = _typical(counts[: DARK + 1], 0), BRIGHT + _typical(counts[BRIGHT:], 255 - BRIGHT)
    edge = LOSSY_EDGE if layers.lossy else EDGE
    return amount < high - edge, amount > low + edge


def _amount(layers: Layers, means: str) -> np.ndarray:
    """How much of each pixel is missing, uint8 [h, w] with 255 for all of it. What is transparent has no colour."""
    if means in ("painted", "transparent"):
        alpha = np.uint8(255) if layers.alpha is None else layers.alpha
        return np.broadcast_to(alpha if means == "painted" else 255 - alpha, layers.colours.shape[:2])
    levels = _to_levels(layers.colours, layers.maximum)
    amount = levels.min(axis=-1) if means == "white" else 255 - levels.max(axis=-1)
    if not _has_alpha(layers):
        return amount
    assert layers.alpha is not None
    return (amount.astype(np.uint16) * layers.alpha // 255).astype(np.uint8)


def _background(layers: Layers) -> tuple[np.ndarray, float]:
    """The most frequent colour at the border, and the share of the border that has it."""
    colours = layers.colours
    border = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    found, counts = np.unique(border, axis=0, return_counts=True)
    background = found[counts.argmax()]
    return background, float((_difference(border, background) <= _tolerance(layers)).mean())


def _differs_from_background(layers: Layers) -> np.ndarray:
    """What differs from the background; in a lossy file, by more than compression does."""
    return _difference(layers.colours, _background(layers)[0]) > _tolerance(layers)


def _difference(colours: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """By how much colours [..., c] differ from one colour, in the channel where they differ most."""
    return (np.maximum(colours, colour) - np.minimum(colours, colour)).max(axis=-1)


def _tolerance(layers: Layers) -> int:
    return LOSSY_EDGE if layers.lossy else 0


def _typical(counts: np.ndarray, default: int) -> int:
    """The median of values that were counted, or a default if there is none."""
    return int(np.searchsorted(np.cumsum(counts), counts.sum() / 2)) if counts.any() else default


def _grey_levels(colours: np.ndarray, maximum: int) -> np.ndarray:
    """The mean of the channels in levels of 255, uint8 [h, w]."""
    levels = _to_levels(colours, maximum)
    return (levels.sum(axis=-1, dtype=np.uint16) // levels.shape[-1]).astype(np.uint8)


def _to_levels(values: np.ndarray, maximum: int) -> np.ndarray:
    """Values from 0 to `maximum` as levels from 0 to 255, uint8."""
    if maximum == 255 and values.dtype == np.uint8:
        return values
    return ((values.astype(np.uint32) * 255 + maximum // 2) // maximum).clip(0, 255).astype(np.uint8)
