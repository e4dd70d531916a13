"""Recipe: progressive growing of GANs (Karras et al., ICLR 2018).

Numerics of the official code: a critic step with the generator's moving average beside it, then a generator step;
Adam(0, 0.99) whose state is zeroed whenever the network changes; images faded in over `fade_kimg`, then trained for
`train_kimg`. Two losses: WGAN-GP with drift as published, and the non-saturating one with lazy R1, which costs half.
"""

from functools import partial

import jax
import jax.numpy as jnp

from jaxprior.models.pggan.config import PgganRecipe, feature_widths
from jaxprior.models.pggan.networks import to_config
from jaxprior.models.pggan.stage import grow, make_networks, make_step, reset
from jaxprior.training.evaluators import CODES, SHOWN, SlicedWasserstein
from jaxprior.training.loop import Phase
from jaxprior.training.pictures import Pictures, draw_batch
from jaxprior.training.players import copied
from jaxprior.training.session import Plan, settings_of


def init_state(recipe: PgganRecipe, key: jax.Array) -> dict:
    """Start state: parameters of both networks at every stage, the generator's average, both Adam states."""
    generator, critic = make_networks(recipe)
    g_key, c_key = jax.random.split(key)
    g, c = generator.init_params(g_key), critic.init_params(c_key)
    return reset(recipe, {"generator": g, "critic": c, "average": copied(g)})


def phases(recipe: PgganRecipe, pictures: Pictures) -> list[Phase]:
    """The phases of a recipe: "4x4", then "8x8 fade", "8x8", and so on to the full resolution.

    Arguments:
        recipe: the recipe.
        pictures: training pictures at the recipe's resolution.
    """
    last = len(feature_widths(recipe.resolution)) - 1
    first = recipe.start_resolution.bit_length() - 3
    plan, position = [], 0
    for stage in range(first, last + 1):
        size = 4 << stage
        batch = recipe.batch_at(size)
        pixels = pictures.halved(last - stage).pixels
        train_kimg = recipe.train_kimg if stage < last or recipe.final_kimg is None else recipe.final_kimg
        fade_steps = 0 if stage == first else round(recipe.fade_kimg * 1000 / batch)
        train_steps = round(train_kimg * 1000 / batch)
        step = make_step(recipe, stage, fade_steps, train_steps if stage == last else 0)
        parts = [(f"{size}x{size} fade", fade_steps, 0, partial(grow, recipe, stage))] if fade_steps else []
        parts.append((f"{size}x{size}", train_steps, fade_steps, partial(reset, recipe)))
        for name, steps, offset, begin in parts:
            plan.append(
                Phase(
                    name=name,
                    steps=steps,
                    begin=begin,
                    step=lambda index, *args, offset=offset, step=step: step(index + offset, *args),
                    batch=partial(draw_batch, pixels, position, batch, recipe.seed),
                    images_per_step=batch,
                )
            )
            position += steps * batch
    return plan


def plan(recipe: PgganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures.

    Example:
        >>> session.run(  # trains for hours # doctest: +SKIP
        ...     plan(PRESETS["fast"], pictures), "runs/cats", source="cats.zip"
        ... )
    """
    generator, _ = make_networks(recipe)
    plan_phases = phases(recipe, pictures)
    stages = [_stage_of(phase) for phase in plan_phases]

    @partial(jax.jit, static_argnames="stage")
    def draw_images(params, codes, fade, *, stage: int):
        return generator.apply({"params": params}, codes, stage=stage, fade=fade)

    def sample(state, moment, codes):
        steps = plan_phases[moment.phase_number].steps
        fading = moment.phase.endswith("fade")
        fade = jnp.float32(1.0 - moment.index / steps) if fading else None
        return draw_images(state["average"], codes, fade, stage=stages[moment.phase_number])

    codes = jax.random.normal(jax.random.key(recipe.seed + 1), (CODES, generator.latent_dim))
    return Plan(
        name="pggan",
        settings=settings_of(recipe),
        phases=plan_phases,
        init=partial(init_state, recipe),
        show=lambda state, moment: sample(state, moment, codes[:SHOWN]),
        evaluator=SlicedWasserstein(sample=sample, codes=codes, pictures=pictures, seed=recipe.seed),
        export=lambda state: {"generator": state["average"], "critic": state["critic"]},
        card=lambda _state: {"architecture": "pggan", "config": to_config(generator)},
        pictures=pictures,
        seed=recipe.seed,
    )


def _stage_of(phase: Phase) -> int:
    return int(phase.name.split("x")[0]).bit_length() - 3
