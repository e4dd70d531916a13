"""A ConSinGAN that harmonizes or edits is trained further on the one picture that it shall do this with.

Only its last stage is trained (with those below it that were trained together with it). In place of the picture that is
changed anew at every step, the coarsest stage gets the picture with something pasted in; the critic goes on to compare
what is made of that with the model's own picture, and the own picture is still reconstructed. This is what the official
code does with `--fine_tune --model_dir` (Hinz et al., WACV 2021).
"""

import dataclasses
import hashlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.data import images
from jaxprior.errors import JaxpriorError
from jaxprior.models.consingan.augmenting import SHUFFLED_NOISE
from jaxprior.models.consingan.config import PRESETS, ConsinganRecipe
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.consingan.stage import make_step, networks_of
from jaxprior.models.consingan.starting import draw_starting, starting_program
from jaxprior.models.consingan.state import assemble, start_adam
from jaxprior.models.singan import ScalePlan, reconstruct
from jaxprior.models.singan.drawing import drawing_programs
from jaxprior.models.singan.fitting import fit_reference
from jaxprior.models.singan.injecting import at_coarsest
from jaxprior.models.singan.model import SingleImageModel
from jaxprior.models.singan.planning import SAMPLES, single_image_plan
from jaxprior.system.ahead import shapes_of
from jaxprior.training.phases import Phase
from jaxprior.training.pictures import Pictures
from jaxprior.training.players import step_programs
from jaxprior.training.session import Plan


KINDS = {"augmented": "consingan-harmonize", "shuffled": "consingan-edit"}
"""What a model starts from -> the preset with which such a model is trained."""


def recipe_of(model: SingleImageModel, *, steps: int | None = None, seed: int = 0) -> ConsinganRecipe:
    """The settings with which a model was trained, or those of its preset where its card does not say them.

    Arguments:
        model: a ConSinGAN that starts from pictures, with its critic.
        steps: of the training; None: as many as one of its stages was trained.
        seed: of everything random.

    Raises:
        JaxpriorError: another model, or one without its critic.
    """
    if not isinstance(model, ConSinGan) or model.starts_from == "noise":
        raise JaxpriorError(
            f"this model is a {model.title} that was not trained to harmonize or edit, so it cannot be trained further "
            f"for that; train one with `--preset {KINDS['augmented']}` or `{KINDS['shuffled']}`"
        )
    preset = PRESETS[KINDS[model.starts_from]]
    told = model.card.get("training", {}).get("recipe", {})
    fields = {field.name for field in dataclasses.fields(ConsinganRecipe)}
    known = {name: tuple(v) if isinstance(v, list) else v for name, v in told.items() if name in fields}
    network = {name: getattr(model.generator, name) for name in ("width", "layers", "norm", "slope", "edges")}
    own = {**network, "num_scales": len(model.sizes), "starts_from": model.starts_from, "seed": seed}
    recipe = dataclasses.replace(preset, **{**known, **own, **({} if steps is None else {"steps": steps})})
    if networks_of(recipe, len(model.sizes)) != (model.generator, model.critic):
        raise JaxpriorError(
            "this model holds no critic of the form that is trained here, so it cannot be trained further; take the "
            "run of its training, or convert its folder with the netD.pth in it"
        )
    return recipe


def finetuned(model: SingleImageModel, image: np.ndarray, *, steps: int | None = None, seed: int = 0) -> Plan:
    """The plan that trains a model further on one picture, see `recipe_of` and `plan`."""
    return plan(recipe_of(model, steps=steps, seed=seed), model, image)


def plan(recipe: ConsinganRecipe, model: SingleImageModel, image: np.ndarray) -> Plan:
    """Everything that `session.run` needs to train a model further on one picture.

    Arguments:
        recipe: of `recipe_of`.
        model: a ConSinGAN that starts from pictures.
        image: the model's picture with something pasted in or moved, [h, w, c], uint8 or floats in [-1, 1], of any
            size: see `fitting.fit_reference`.

    Returns:
        A plan whose weights are a whole model.

    Raises:
        ImageError: a picture that cannot be used.

    Example:
        >>> further = plan(recipe_of(model, steps=500), model, pasted)  # needs a trained model # doctest: +SKIP
    """
    assert isinstance(model, ConSinGan)
    _, fitting = fit_reference(model, image)
    small = at_coarsest(model, fitting.cut(np.asarray(image)))
    last, picture = len(model.sizes) - 1, jnp.asarray(model.image)[None]
    scales = ScalePlan(recipe.scale_rule, model.sizes, (), 1.0, 1.0)
    step = make_step(recipe, scales, last)

    def batch(index: int):
        noise = 0
        if model.starts_from == "shuffled":
            noise = SHUFFLED_NOISE * np.random.default_rng([recipe.seed, index]).standard_normal(small.shape)
        return picture, np.asarray(small + noise, np.float32)[None]

    def init(_key: jax.Array) -> dict:
        parts, critic = model.variables["params"], model.critic_variables["params"]
        state = {
            "generator": parts,
            "critic": critic,
            "noise": {f"stage{n}": noise for n, noise in enumerate(model.noises)},
            "amplitudes": model.amplitudes,
            "adam": start_adam(parts, critic),
            "stage": jnp.int32(last),
        }
        return jax.tree.map(jnp.array, state)  # copies, because steps donate their state

    def trained(state: dict) -> ConSinGan:
        return assemble(recipe, scales, state, last + 1, model.image)

    def programs_at_end(state):
        one = jax.eval_shape(trained, state)
        return [starting_program(one, count=SAMPLES), *drawing_programs(one, shapes_of(jax.random.key(0)), count=1)[1:]]

    phase = Phase(
        name="on the picture given",
        steps=recipe.steps,
        begin=lambda state: state,
        step=step,
        batch=batch,
        images_per_step=1,
        unit="steps",
        programs=partial(step_programs, step),
        programs_at_end=programs_at_end,
    )
    digest = hashlib.sha256(b"".join(np.asarray(x).tobytes() for x in jax.tree.leaves(model))).hexdigest()
    return single_image_plan(
        recipe,
        Pictures(images.to_uint8(model.image)[None]),
        name="consingan_finetune",
        settings={"model": digest, "reference": hashlib.sha256(small.tobytes()).hexdigest()},
        phases=[phase],
        init=init,
        trained=trained,
        sample=lambda model, key: np.asarray(draw_starting(model, np.stack([small] * SAMPLES), key))[None],
        remake=lambda model: reconstruct(model)[-1],
        reals=lambda _phase: np.asarray(model.image)[None],
    )
