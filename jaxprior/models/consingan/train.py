"""Recipe: ConSinGAN, one generator that grows over the scales of one picture (Hinz et al., WACV 2021).

Every scale is a phase: the generator gets a stage, a copy of the one below, whose noise gets as strong as what the
others do not yet reconstruct; the critic goes on; Adam starts afresh. The newest stages are trained together, the lower
the slower, and the rest is frozen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.errors import ImageError
from jaxprior.models import singan as pyramids
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.consingan.networks import EDGES, NORMS, GrowingGenerator, critic_of
from jaxprior.models.consingan.stage import make_step
from jaxprior.models.consingan.state import assemble, begin_stage, init_state
from jaxprior.models.singan.networks import MAX_LAYERS, Critic
from jaxprior.models.singan.pyramid_recipe import PyramidRecipe
from jaxprior.training.evaluators import OwnPictures
from jaxprior.training.loop import Moment, Phase
from jaxprior.training.pictures import Pictures
from jaxprior.training.recipe import dtype_of
from jaxprior.training.session import Plan, settings_of


CHOICES = {
    "norm": NORMS,
    "edges": EDGES,
    "z_rec": ("image", "fixed"),
    "g_step": ("once", "recompute"),
}
"""Legal values of a recipe's fields."""

SAMPLES, AT_ONCE = 16, 4
"""Images of a sheet, and how many are drawn together: features of the finest scale are wide."""


@dataclass(frozen=True, kw_only=True)
class ConsinganRecipe(PyramidRecipe):
    """What a ConSinGAN training depends on, besides its picture and what all on a picture's scales depend on.

    Fields:
        width, layers, norm, slope, edges: of the generator, see `networks.GrowingGenerator`. The
            critic has two layers more.
        train_depth: so many of the newest stages are trained together.
        lr_scale: learning rate of a stage, as a multiple of that of the next finer one.
        g_step: the generator's gradient is computed "once" a step, and Adam goes several times with it, as the
            official code does; or again for every update ("recompute").
        z_rec: the coarsest noise of the reconstruction is the "image" at that scale, or "fixed" noise (the official
            code where it animates).
    """

    scale_rule: str = "consingan"
    num_scales: int | None = 6
    width: int = 64
    layers: int = 3
    norm: str = "none"
    slope: float = 0.05
    edges: str = "enlarged"
    train_depth: int = 3
    lr_scale: float = 0.1
    g_step: str = "once"
    z_rec: str = "image"

    def __post_init__(self):
        super().__post_init__()
        self.check_choices(CHOICES)
        self.check_counts("width", "train_depth")
        if not 1 <= self.layers <= MAX_LAYERS - 2:
            raise ValueError(f"`layers` must be from 1 to {MAX_LAYERS - 2}, got {self.layers}")
        if not 0 <= self.slope <= 1 or not 0 <= self.lr_scale <= 1:
            raise ValueError(f"`slope` and `lr_scale` must be from 0 to 1, got {self.slope} and {self.lr_scale}")

    def networks(self, stages: int) -> tuple[GrowingGenerator, Critic]:
        """Generator of so many stages, and critic."""
        generator = GrowingGenerator(
            stages, self.width, self.layers, norm=self.norm, slope=self.slope, edges=self.edges, dtype=dtype_of(self)
        )
        return generator, critic_of(generator, self.layers + 2)

    @property
    def patch(self) -> int:
        """Side of the patches that the critic sees, in pixels."""
        return 2 * self.networks(1)[1].margin + 1

    def trained(self, stage: int) -> dict[str, float]:
        """Parts of the generator that are trained while a stage is the newest, with their share of the learning rate:
        stages as deep as `train_depth`, the head if the first stage is one of them, and the tail."""
        first = max(stage - self.train_depth + 1, 0)
        stages = {f"stage{n}": self.lr_scale ** (stage - n) for n in range(first, stage + 1)}
        head = {} if first else {"head": self.lr_scale**stage}
        return {**head, **stages, "tail": 1.0}


PRESETS = {"consingan": ConsinganRecipe()}
"""Named recipes: the official code's options."""


def plan(recipe: ConsinganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on one picture.

    Raises:
        ValueError: the picture has no such pyramid; or there are several pictures.

    Example:
        >>> session.run(plan(PRESETS["consingan"], Pictures(pixels[None])), "runs/balloons", source="balloons.png")
    """
    if len(pictures) != 1:
        raise ImageError(f"a ConSinGAN is trained on one picture, got {len(pictures)}")
    pixels = pictures.pixels[0]
    scales = recipe.scales(*pixels.shape[:2])
    reals = pyramids.build_pyramid(pixels, scales, method=recipe.resize)
    trained = partial(_trained, recipe, scales, reals)

    def sample(state: dict, _moment: Moment) -> jax.Array:
        keys = jax.random.split(jax.random.key(recipe.seed + 1), SAMPLES // AT_ONCE)
        return np.concatenate([pyramids.draw(trained(state), key, count=AT_ONCE) for key in keys])

    return Plan(
        name="consingan",
        settings=settings_of(recipe),
        phases=[_phase(recipe, scales, reals, n) for n in range(len(reals))],
        init=partial(init_state, recipe, scales, reals[0]),
        show=sample,
        evaluator=OwnPictures(
            sample=lambda state, moment: sample(state, moment)[None],
            remake=lambda state, _moment: pyramids.reconstruct(trained(state))[-1],
            pictures=lambda moment: reals[moment.phase_number][None],
        ),
        export=lambda state: trained(state).params(),
        card=lambda state: {"architecture": ConSinGan.architecture, "config": trained(state).config()},
        at_rest=np.float32,  # the picture's levels and the small networks stay what they were
        pictures=pictures,
        seed=recipe.seed,
    )


def _phase(recipe: ConsinganRecipe, scales: pyramids.Plan, reals: Sequence[np.ndarray], stage: int) -> Phase:
    """Training of one scale."""
    picture = jnp.asarray(reals[stage][None])
    return Phase(
        name=f"scale {stage} of 0 to {len(reals) - 1}",
        steps=recipe.steps,
        begin=lambda state: begin_stage(recipe, scales, stage, picture, state),
        step=make_step(recipe, scales, stage),
        batch=lambda _index: picture,
        images_per_step=1,
    )


def _trained(
    recipe: ConsinganRecipe, scales: pyramids.Plan, reals: Sequence[np.ndarray], state: dict
) -> ConSinGan:
    """The stages that are trained or in training."""
    newest = int(state["stage"])
    return assemble(recipe, scales, state, newest + 1, reals[newest])
