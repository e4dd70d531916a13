"""Recipe: an autoencoder that repairs pictures: it sees a completion and should show the original (seed 001).

The square error of all pixels, Adam, a moving average. Inputs are what a restoration run completed, or pictures whose
hole a mask has filled with the mean colour: the same network is then a context encoder (Pathak et al., CVPR 2016), with
`adversarial` weight also rated by a critic, and the control that tells what the completions are worth. With `code` it
is the public context encoder: it predicts the middle alone, and near the hole's edges the error counts ten times.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.models.autoencoder.config import AutoencoderRecipe
from jaxprior.models.autoencoder.networks import Autoencoder, ContextEncoder, to_config
from jaxprior.models.autoencoder.pairs import Triples, draw_masks, mask_spec
from jaxprior.models.dcgan import networks as dcgan
from jaxprior.nn.norm import fold
from jaxprior.system.devices import default_platform
from jaxprior.training import losses
from jaxprior.training.evaluators import SHOWN, Repaired, rows_of_eight
from jaxprior.training.pictures import Pictures, count_trained, to_images
from jaxprior.training.players import adam_start, copied, ema, player
from jaxprior.training.recipe import adam, average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of
from jaxprior.training.statistics import apply_training, parted


def make_networks(recipe: AutoencoderRecipe) -> tuple[Autoencoder | ContextEncoder, dcgan.Critic]:
    """The autoencoder of a recipe, and the critic, which is used only if `adversarial` is not 0.

    The critic of a context encoder sees the middle alone.
    """
    shared = {"kernel": recipe.kernel, "norm": recipe.norm, "slope": recipe.slope, "dtype": dtype_of(recipe)}
    shared["trained_on"] = default_platform()
    if recipe.code is not None:
        encoder = ContextEncoder(recipe.widths, recipe.code, recipe.overlap, **shared)
        return encoder, dcgan.Critic(recipe.critic_widths, recipe.resolution // 2, **shared)
    autoencoder = Autoencoder(recipe.widths, **shared)
    return autoencoder, dcgan.Critic(recipe.critic_widths, recipe.resolution, **shared)


def init_state(recipe: AutoencoderRecipe, key: jax.Array) -> dict:
    """Start state: variables, their average, Adam's; the critic's too, if it has a say."""
    network, critic = make_networks(recipe)
    pictures = jax.ShapeDtypeStruct((1, recipe.resolution, recipe.resolution, 3), jnp.float32)
    variables = network.lazy_init(key, pictures)
    state = {"autoencoder": variables, "average": copied(variables)}
    state["autoencoder_opt"] = adam_start(variables["params"])
    if recipe.adversarial:
        state["critic"] = critic.init_variables(jax.random.fold_in(key, 1))
        state["critic_opt"] = adam_start(state["critic"]["params"])
    return state


def make_step(recipe: AutoencoderRecipe):
    """The compiled step: (index since the training began, state, uint8 triples, key) -> (state, metrics)."""
    network, critic = make_networks(recipe)
    context = network if isinstance(network, ContextEncoder) else None

    def error(params, statistics, inputs, originals, critic_variables):
        method = "__call__" if context is None else "predicted"
        repaired, statistics = apply_training(network, {"params": params, **statistics}, inputs, method=method)
        squares = jnp.square(repaired - originals)
        loss = jnp.mean(squares if context is None else squares * context.weights())
        seen = {"loss": loss}
        if recipe.adversarial:
            scores = apply_training(critic, critic_variables, repaired)[0]
            seen["generator_loss"] = losses.nonsaturating_generator(scores)
            loss = (1 - recipe.adversarial) * loss + recipe.adversarial * seen["generator_loss"]
        return loss, (seen, statistics, repaired)

    def doubt(params, statistics, originals, repaired):
        real, statistics = apply_training(critic, {"params": params, **statistics}, originals)
        fake, statistics = apply_training(critic, {"params": params, **statistics}, repaired)
        loss = losses.logistic_critic(real, fake)
        return loss, ({"critic_loss": loss}, statistics)

    @partial(jax.jit, donate_argnums=1)
    def step(index, state, triples, key):
        flip_key, noise_key = jax.random.split(key)
        inputs, originals, _ = jnp.split(to_images(triples, flip_key if recipe.mirror else None), (3, 6), axis=-1)
        inputs = inputs + recipe.noise * jax.random.normal(noise_key, inputs.shape)
        if context is not None:
            originals = context.middle(originals)
        params, statistics = parted(state["autoencoder"])
        update = player(error, adam(recipe))
        params, optimizer, (seen, statistics, repaired) = update(
            params, state["autoencoder_opt"], statistics, inputs, originals, state.get("critic")
        )
        variables = {"params": params, **statistics}
        average = ema(state["average"], variables, average_decay(recipe, index))
        new = {"autoencoder": variables, "average": average, "autoencoder_opt": optimizer}
        if recipe.adversarial:
            update = player(doubt, adam(recipe, 0.1))
            params, statistics = parted(state["critic"])
            params, optimizer, (told, statistics) = update(
                params, state["critic_opt"], statistics, originals, repaired
            )
            new, seen = new | {"critic": {"params": params, **statistics}, "critic_opt": optimizer}, seen | told
        return new, seen

    return step


def plan(recipe: AutoencoderRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures, triples (`load_pairs`) or plain."""
    count = count_trained(pictures, recipe.held_out)
    network, _ = make_networks(recipe)
    spec = mask_spec(recipe)
    masks = None if spec is None else draw_masks(spec, recipe.resolution, seed=recipe.seed)
    triples = Triples(pictures.pixels[:count], masks)
    held = Triples(pictures.pixels[count:], masks).all()
    draw = jax.jit(network.apply)

    def repair(state, inputs):
        return draw(state["average"], inputs)

    def show(state, _moment):
        """Rows of eight inputs, their outputs, and the originals."""
        some = held[: SHOWN // 4]
        inputs, originals, _ = np.split(some / 127.5 - 1.0, (3, 6), axis=-1)  # as `to_images` does, in float64
        return rows_of_eight(inputs, repair(state, inputs), originals)

    return Plan(
        name="autoencoder",
        settings=settings_of(recipe),
        phases=cut_into_parts(make_step(recipe), triples.batches, recipe),
        init=partial(init_state, recipe),
        show=show,
        evaluator=Repaired(repair=repair, triples=held),
        export=lambda state: {"autoencoder": fold(state["average"])},
        card=lambda _state: {"architecture": "autoencoder", "config": to_config(network, recipe.resolution)},
        pictures=pictures,
        seed=recipe.seed,
    )
