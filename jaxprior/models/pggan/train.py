"""Recipe: progressive growing of GANs (Karras et al., ICLR 2018).

Numerics of the official code: a critic step with the generator's moving average beside it, then a generator step;
Adam(0, 0.99) whose state is zeroed whenever the network changes; images faded in over `fade_kimg`, then trained for
`train_kimg`. A training that goes on from exported weights has the last stage alone. Two losses: WGAN-GP with drift as
published, and the non-saturating one with lazy R1, which costs half.
"""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.errors import JaxpriorWarning
from jaxprior.models.pggan.config import PgganRecipe, feature_widths
from jaxprior.models.pggan.continued import check_card, check_equal, networks_of, resolved
from jaxprior.models.pggan.networks import to_config
from jaxprior.models.pggan.stage import grow, highest_rate, make_networks, make_step, reset
from jaxprior.system.ahead import Program, shapes_of
from jaxprior.system.amounts import plural
from jaxprior.training.evaluators import CODES, SHOWN, SlicedWasserstein
from jaxprior.training.feature_distances import evaluation_network
from jaxprior.training.phases import Phase
from jaxprior.training.pictures import Pictures, draw_batch
from jaxprior.training.players import copied, step_programs
from jaxprior.training.session import Plan, settings_of
from jaxprior.weights import loader, storage
from jaxprior.weights.priors import Prior


@partial(jax.jit, static_argnums=0)  # one program; operation by operation the networks' 18 shapes need 250
def init_state(recipe: PgganRecipe, key: jax.Array) -> dict:
    """Start state: parameters of both networks at every stage, the generator's average, both Adam states."""
    generator, critic = make_networks(recipe)
    g_key, c_key = jax.random.split(key)
    g, c = generator.init_params(g_key), critic.init_params(c_key)
    return reset({"generator": g, "critic": c, "average": copied(g)})


def start_state(recipe: PgganRecipe, prior: Prior) -> dict:
    """Start state of a training that goes on from weights: both networks as they are, the average as the generator."""
    assert prior.critic is not None  # `check_card` refuses a prior without one
    generator, critic = copied(prior.params), copied(prior.critic.params)
    return reset({"generator": generator, "critic": critic, "average": copied(generator)})


def phases(recipe: PgganRecipe, pictures: Pictures) -> list[Phase]:
    """The phases of a recipe: "4x4", then "8x8 fade", "8x8", and so on to the full resolution.

    A recipe that goes on from weights has the last of these alone.

    Arguments:
        recipe: the recipe.
        pictures: training pictures at the recipe's resolution.
    """
    last = len(feature_widths(recipe.resolution)) - 1
    first = last if recipe.start_from is not None else recipe.start_resolution.bit_length() - 3
    plan, position = [], 0
    for stage in range(first, last + 1):
        size = 4 << stage
        batch = recipe.batch_at(size)
        pixels = pictures.halved(last - stage).pixels
        train_kimg = recipe.train_kimg if stage < last or recipe.final_kimg is None else recipe.final_kimg
        fade_steps = 0 if stage == first else round(recipe.fade_kimg * 1000 / batch)
        train_steps = round(train_kimg * 1000 / batch)
        step = make_step(recipe, stage, fade_steps, train_steps if stage == last else 0)
        parts: list[tuple[str, int, int, Callable[[dict], dict]]] = []
        if fade_steps:
            parts.append((f"{size}x{size} fade", fade_steps, 0, partial(grow, stage)))
        parts.append((f"{size}x{size}", train_steps, fade_steps, reset))
        for name, steps, offset, begin in parts:
            plan.append(
                Phase(
                    name=name,
                    steps=steps,
                    begin=begin,
                    step=lambda index, *args, offset=offset, step=step: step(index + offset, *args),
                    batch=partial(draw_batch, pixels, position, batch, recipe.seed),
                    images_per_step=batch,
                    programs=partial(step_programs, step),
                )
            )
            position += steps * batch
    return plan


def plan(recipe: PgganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures.

    Raises:
        WeightsError, SettingsError: the recipe goes on from weights, and there are none, or none that fit it.

    Example:
        >>> session.run(  # trains for hours # doctest: +SKIP
        ...     plan(PRESETS["fast"], pictures), "runs/cats", source="cats.zip"
        ... )
    """
    recipe = resolved(recipe)
    prior = None if recipe.start_from is None else _prior_of(recipe)
    generator, _ = make_networks(recipe)
    plan_phases = phases(recipe, pictures)
    stages = [_stage_of(phase) for phase in plan_phases]
    _warn_of_warm_up(recipe, plan_phases)

    @partial(jax.jit, static_argnames="stage")
    def draw_images(params, codes, fade, *, stage: int):
        return generator.apply({"params": params}, codes, stage=stage, fade=fade)

    def drawing(phase: Phase, state: Any) -> list[Program]:
        """What draws the sheet at the end of a phase, and the evaluator's pictures, as many at a time."""
        fade = jax.ShapeDtypeStruct((), jnp.float32) if _fades(phase) else None
        return [Program(draw_images, (state["average"], shapes_of(codes[:SHOWN]), fade), {"stage": _stage_of(phase)})]

    def sample(state, moment, codes):
        steps = plan_phases[moment.phase_number].steps
        fade = jnp.float32(1.0 - moment.index / steps) if _fades(plan_phases[moment.phase_number]) else None
        return draw_images(state["average"], codes, fade, stage=stages[moment.phase_number])

    codes = np.asarray(jax.random.normal(jax.random.key(recipe.seed + 1), (CODES, generator.latent_dim)))
    return Plan(
        name="pggan",
        settings=settings_of(recipe) | ({} if prior is None else {"start_from": prior.card["sha256"]}),
        phases=[replace(phase, programs_at_end=partial(drawing, phase)) for phase in plan_phases],
        init=partial(init_state, recipe) if prior is None else lambda _key: start_state(recipe, prior),
        show=lambda state, moment: sample(state, moment, codes[:SHOWN]),
        evaluator=SlicedWasserstein(
            sample=sample, codes=codes, pictures=pictures, seed=recipe.seed, network=evaluation_network(recipe)
        ),
        export=lambda state: {"generator": state["average"], "critic": state["critic"]},
        card=lambda _state: {"architecture": "pggan", "config": to_config(generator), **_origin(prior)},
        pictures=pictures,
        seed=recipe.seed,
    )


def _warn_of_warm_up(recipe: PgganRecipe, plan_phases: list[Phase]) -> None:
    """Say so if the training is too short for its learning rate to rise as far as it should."""
    longest = max(plan_phases, key=lambda phase: phase.steps)
    if not longest.steps or not recipe.warmup_steps or longest.steps >= recipe.warmup_steps:
        return
    reached = highest_rate(recipe, longest.steps, longest.steps if longest is plan_phases[-1] else 0)
    warnings.warn(
        f"The learning rate rises over {recipe.warmup_steps} steps, and this training makes {longest.steps} "
        f"{plural('step', longest.steps)}{' at most' if len(plan_phases) > 1 else ''} before it ends or Adam begins "
        f"anew: the rate reaches {reached:.2g} instead of {recipe.learning_rate:g}; give fewer --warmup-steps, or "
        "train longer.",
        JaxpriorWarning,
        stacklevel=3,
    )


def _prior_of(recipe: PgganRecipe) -> Prior:
    """The weights that a recipe goes on from, if they fit it."""
    source = str(recipe.start_from)
    path = loader.find(source, role="prior")
    found = check_card(source, storage.read_card(path), storage.read_names(path))
    check_equal(source, found, networks_of(recipe))
    return loader.load(source, role="prior")


def _origin(prior: Prior | None) -> dict[str, Any]:
    """What the card of the new weights says of those that the training went on from."""
    if prior is None:
        return {}
    return {"start_from": {name: prior.card.get(name) for name in ("name", "sha256")}}


def _fades(phase: Phase) -> bool:
    return phase.name.endswith("fade")


def _stage_of(phase: Phase) -> int:
    return int(phase.name.split("x")[0]).bit_length() - 3
