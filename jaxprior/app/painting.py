"""The tab of a model of one picture (SinGAN): strokes of a brush become part of the picture, or a picture like it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.app.photos import as_picture, strokes_of
from jaxprior.app.tasks import Answers
from jaxprior.data import images
from jaxprior.errors import MaskError
from jaxprior.system.activity import doing


MELT, PAINT = "melt", "paint"
"""Strokes melt into the picture (`singan.edit`), or all that is painted becomes a picture (`singan.paint`)."""

OFFICIAL = 250
"""Pixels of the longer side for which the mask's official radius and blur were chosen; they are taken in proportion."""


class Painter:
    """A trained model of one picture, ready to be painted on.

    Arguments:
        source: its run, file or name.

    Raises:
        WeightsError: there is none, or it is damaged.
    """

    def __init__(self, source: str | Path):
        from jaxprior.models import singan

        with doing("loading the model of one picture"):
            self.model = singan.load_singan(source)
        self.name = Path(source).stem
        self.picture = as_picture(self.model.image)

    def make(self, editor: Mapping[str, Any] | None, *, how: str, seed: int) -> Answers:
        """Make pictures of what was painted, one for each scale at which it can enter.

        Arguments:
            editor: what the browser's editor gives, "composite" and "layers".
            how: MELT or PAINT; seed: of all chance.

        Raises:
            MaskError: nothing was painted.
        """
        import jax

        from jaxprior.models.singan.manipulating import EDIT_RADIUS, SIGMA, edit, paint

        strokes = strokes_of(editor)
        if editor is None or not any(stroke.any() for stroke in strokes):
            raise MaskError("Nothing is painted yet: choose a colour and draw on the picture.")
        painting, key = np.ascontiguousarray(np.asarray(editor["composite"])[..., :3]), jax.random.key(seed)
        if self.model.image_channels == 1:
            painting = images.to_grey(painting)
        with doing("drawing pictures from every scale"):
            if how == PAINT:
                made = paint(self.model, painting, key)
                found = made.images
            else:
                share = max(self.picture.shape[:2]) / OFFICIAL
                made = edit(
                    self.model, painting, np.any(strokes, axis=0), key=key, radius=max(round(EDIT_RADIUS * share), 1),
                    sigma=SIGMA * share,
                )  # fmt: skip
                found = made.images if made.masked is None else made.masked
        pictures = tuple(as_picture(one[0]) for one in found)
        captions = tuple(f"from scale {scale}" for scale in made.start_scales)
        return Answers(before=images.to_rgb(painting), pictures=pictures, captions=captions, suffix="painted")
