"""One scale of a trained SinGAN is trained again on images of few colors, for paintings that enter there.

    below = snap(up(x_{n-1})) to the k-means colors of the picture at scale n

which is how a painting enters (`singan.paint` with `colors`). The official code does so where it quantizes
(Shaham et al., ICCV 2019): networks of that scale start afresh, the others stay, and what the picture is reconstructed
from is not snapped.
"""

import dataclasses
import hashlib
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.data import images
from jaxprior.models import singan as pyramids
from jaxprior.models.singan import SinGan
from jaxprior.models.singan.config import SinganRecipe
from jaxprior.models.singan.injecting import at_scale, check_start_scales
from jaxprior.models.singan.losses import networks_at
from jaxprior.models.singan.model import SingleImageModel, with_image_scales
from jaxprior.models.singan.planning import SAMPLES, single_image_plan
from jaxprior.models.singan.scale import make_step
from jaxprior.models.singan.state import reconstruction_error, start_adam
from jaxprior.training.phases import Phase
from jaxprior.training.pictures import Pictures
from jaxprior.training.session import Plan


def recipe_of(model: SingleImageModel, scale: int, *, steps: int | None = None, seed: int = 0) -> SinganRecipe:
    """The official recipe with the networks of one scale of a model.

    Arguments:
        model: the trained pyramid.
        scale: number of the scale.
        steps: of the training; None: the official 2000.
        seed: of everything random.

    Raises:
        ValueError: networks that `SinganRecipe` cannot describe.
        JaxpriorError: the model is no SinGAN.
    """
    pyramid = with_image_scales(model)
    part = pyramid.scales[scale]
    network, critic = part.generator, part.critic
    recipe = SinganRecipe(
        width=network.width, width_max=network.width, width_growth_every=None, layers=network.layers, norm=network.norm,
        critic_norm=critic.norm if critic else "batch", resize=pyramid.resize,
        padding=pyramid.padding,
        coarse_noise_channels=pyramid.coarse_noise_channels, seed=seed,
    )  # fmt: skip
    if networks_at(recipe, scale)[0] != network:
        raise ValueError(f"scale {scale}: its network {network} is none that can be trained here")
    return recipe if steps is None else dataclasses.replace(recipe, steps=steps)


def plan(recipe: SinganRecipe, model: SinGan, *, scale: int, colors: int) -> Plan:
    """Everything that `session.run` needs to train one scale of a model again.

    Arguments:
        recipe: of `recipe_of`.
        model: the trained pyramid.
        scale: where the paintings will enter, 1 to the last.
        colors: number of them.

    Returns:
        A plan whose weights are the whole pyramid, with that scale exchanged.

    Raises:
        ValueError: a scale that does not exist, or fewer colors in the picture.

    Example:
        >>> again = plan(recipe_of(model, 2), model, scale=2, colors=5)  # needs a trained model # doctest: +SKIP
    """
    check_start_scales(model, (scale,))
    name = f"scale{scale}"
    picture = at_scale(model, model.image, scale)
    snap = partial(pyramids.snap_to, centers=pyramids.color_centers(np.asarray(picture), colors))
    below = dataclasses.replace(model, scales=model.scales[:scale])
    compiled = make_step(recipe, scale, prepare=snap)

    def init(key: jax.Array) -> dict:
        networks = zip(("generator", "critic"), networks_at(recipe, scale), jax.random.split(key), strict=True)
        part = {name: network.init_variables(own) for name, network, own in networks}
        amplitude = recipe.noise_amplitude * reconstruction_error(below, picture[None])
        adam = {name: start_adam(part)}
        return {name: {**part, "noise": jnp.array(model.scales[scale].noise), "amplitude": amplitude}, "adam": adam}

    def step(index, state, picture, key):
        own = {"scale": state[name], "adam": state["adam"][name]}
        own, seen = compiled(index, own, below, picture, key)
        return {name: own["scale"], "adam": {name: own["adam"]}}, seen

    def trained(state: dict) -> SinGan:
        networks = dict(zip(("generator", "critic"), networks_at(recipe, scale), strict=True))
        part = dataclasses.replace(
            model.scales[scale], generator=networks["generator"], variables=state[name]["generator"],
            amplitude=state[name]["amplitude"],
        )  # fmt: skip
        if part.critic is not None:
            part = dataclasses.replace(part, critic=networks["critic"], critic_variables=state[name]["critic"])
        return dataclasses.replace(model, scales=(*model.scales[:scale], part, *model.scales[scale + 1 :]))

    digest = hashlib.sha256(b"".join(np.asarray(x).tobytes() for x in jax.tree.leaves(model))).hexdigest()
    return single_image_plan(
        recipe,
        Pictures(images.to_uint8(model.image)[None]),
        name="singan_repaint",
        settings={"scale": scale, "colors": colors, "model": digest},
        phases=[
            Phase(
                name=f"scale {scale}, {colors} colors",
                steps=recipe.steps,
                begin=lambda state: state,
                step=step,
                batch=lambda _index: picture[None],
                images_per_step=1,
                unit="steps",
            )
        ],
        init=init,
        trained=trained,
        sample=lambda model, key: _samples(model, key, snap.keywords["centers"], scale=scale)[None],
        remake=lambda model: pyramids.reconstruct(model)[-1],
        reals=lambda _phase: np.asarray(model.image)[None],
    )


@partial(jax.jit, static_argnames="scale")
def _samples(model: SinGan, key: jax.Array, centers: jax.Array, *, scale: int) -> jax.Array:
    """Random images, snapped where they enter the scale."""
    noises = model.draw_noises(key, model.sizes, count=SAMPLES)
    coarse = model.synthesize(noises[:scale])[-1]
    entering = pyramids.snap_to(model.enlarge(coarse, model.sizes[scale]), centers)
    return model.synthesize(noises[scale:], below=entering, start=scale)[-1]
