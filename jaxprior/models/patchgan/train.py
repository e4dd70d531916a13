"""Recipe: patch-based inpainting (Demir and Unal, 2018): an error of pixels, and a critic of wholes and of patches.

    L = l1 |G(x) - y|_1 / (w h c) + l2 g(filled) + l3 p(filled)

G sees a picture whose hole has the mean colour of what is known, and the mask. The error is the mean over all pixels
and channels, known ones included. The critic sees y with its hole filled by G, and g and p are the cross-entropies of
its global head's score and, as a mean, of its patch head's map. The critic itself learns both heads alike. The weights
are those that the paper is quoted with, 0.995, 0.0025 and 0.0025; with both adversarial ones 0 there is no critic, and
the training is one of a mean absolute error. Adam, and a moving average of the generator, are our choice.

With `features` a content loss is added, the distance of the filled picture to the original in a feature network's map,
as in SRGAN (Ledig et al., 2017). The paper has none. A critic has to learn what photographs look like, for which a
short training is too short; a feature network has learnt it.
"""

import shlex
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.metrics import perceptual
from jaxprior.models.patchgan.config import PatchganRecipe
from jaxprior.models.patchgan.evaluator import FilledHoles
from jaxprior.models.patchgan.networks import Critic, Generator, to_config
from jaxprior.models.patchgan.stored import as_restorer
from jaxprior.nn.norm import fold
from jaxprior.system.devices import default_platform
from jaxprior.system.evenly import evenly
from jaxprior.training import losses
from jaxprior.training.content import content_said, load_content
from jaxprior.training.damage import Batches, Damage, files_said, make_damages
from jaxprior.training.evaluators import SHOWN, rows_of_eight
from jaxprior.training.photo_crops import PhotoPieces
from jaxprior.training.pictures import Pictures, count_trained, to_images
from jaxprior.training.players import adam_start, copied, ema, player
from jaxprior.training.recipe import adam, average_decay, cut_into_parts, dtype_of
from jaxprior.training.session import Plan, settings_of
from jaxprior.training.statistics import apply_training, parted
from jaxprior.weights.features import load_features


Array = jax.Array

MEASURED = 64
"""Held-out pieces of photographs that are measured at most."""


def make_networks(recipe: PatchganRecipe) -> tuple[Generator, Critic]:
    """The two networks of a recipe; the critic is used only if one of its heads has a weight."""
    shared = {"norm": recipe.norm, "dtype": dtype_of(recipe), "platform": default_platform()}
    generator = Generator(recipe.width, recipe.dilations, up=recipe.up, base=recipe.base, skips=recipe.skips, **shared)
    return generator, Critic(
        recipe.critic_widths,
        recipe.head_width,
        recipe.resolution if recipe.global_weight else None,
        bool(recipe.patch_weight),
        **shared,
    )


def head_weights(recipe: PatchganRecipe) -> dict[str, float]:
    """The weights of the critic's heads that there are."""
    weights = {"global": recipe.global_weight, "patch": recipe.patch_weight}
    return {name: weight for name, weight in weights.items() if weight}


def prepared(generator: Generator, originals: Array, masks: Array) -> Array:
    """What the generator is shown of pictures with holes, exactly as the restorer that is made of it.

    Arguments:
        generator: the network; originals: [b, h, w, c] in [-1, 1]; masks: [b, h, w], 1 = missing.
    """
    return as_restorer(generator, {}).prepare(originals, masks)


def with_other_colours(shown: Array) -> Array:
    """Prepared pictures, in whose holes lies the mean colour of the known pixels of the next picture of the batch.

    For crops: a restorer lays the mean colour of the whole photograph into its holes, and a crop does not know that
    one. A network that sees a foreign colour in training learns to look at what is around the hole instead.

    Arguments:
        shown: [b, h, w, c + 1] from `prepared`.
    """
    pictures, missing = shown[..., :-1], shown[..., -1:]
    count = jnp.maximum(jnp.sum(1 - missing, axis=(1, 2), keepdims=True), 1)
    colours = jnp.sum(pictures * (1 - missing), axis=(1, 2), keepdims=True) / count
    other = jnp.where(missing > 0.5, jnp.roll(colours, 1, axis=0), pictures)
    return jnp.concatenate([other, missing], axis=-1)


def init_state(recipe: PatchganRecipe, key: Array) -> dict:
    """Start state: the generator's variables, their average, Adam's; the critic's too, if there is one."""
    generator, critic = make_networks(recipe)
    variables = jax.jit(generator.init_variables)(key)
    state = {"generator": variables, "average": copied(variables)}
    state["generator_opt"] = adam_start(variables["params"])
    if recipe.adversarial:
        state["critic"] = jax.jit(critic.init_variables)(jax.random.fold_in(key, 1))
        state["critic_opt"] = adam_start(state["critic"]["params"])
    return state


def make_losses(recipe: PatchganRecipe) -> tuple[Callable, Callable]:
    """The losses of both networks, as `jaxprior.training.players.player` takes them.

    Returns:
        The generator's: (params, statistics, shown [b, h, w, c + 1], originals [b, h, w, c], missing [b, h, w, 1],
        the critic's variables or None, the feature network or None) -> (value, (metrics, new statistics, filled
        pictures)).
        The critic's: (params, statistics, originals, filled) -> (value, (metrics, new statistics)).
    """
    generator, critic = make_networks(recipe)
    weights = head_weights(recipe)

    def error(params, statistics, shown, originals, missing, critic_variables, features=None):
        made, statistics = apply_training(generator, {"params": params, **statistics}, shown)
        seen = {"l1_loss": jnp.mean(jnp.abs(made - originals))}
        loss = recipe.reconstruction_weight * seen["l1_loss"]
        filled = jnp.where(missing, made, originals)
        if features is not None:
            seen["content_loss"] = jnp.mean(perceptual(features, filled, originals))
            loss += recipe.content_weight * seen["content_loss"]
        if weights:
            scores, _ = apply_training(critic, critic_variables, filled)
            for head, weight in weights.items():
                seen[f"{head}_loss"] = losses.nonsaturating_generator(scores[head])
                loss += weight * seen[f"{head}_loss"]
        return loss, (seen, statistics, filled)

    def doubt(params, statistics, originals, filled):
        real, statistics = apply_training(critic, {"params": params, **statistics}, originals)
        fake, statistics = apply_training(critic, {"params": params, **statistics}, filled)
        told = {f"critic_{head}_loss": losses.logistic_critic(real[head], fake[head]) for head in weights}
        return sum(told.values()), (told, statistics)

    return error, doubt


def make_step(recipe: PatchganRecipe) -> Callable:
    """The compiled step: (index since the training began, state, batch, key[, features]) -> (state, metrics).

    A batch is as of `jaxprior.training.damage.Batches`; `features` is the network of the content loss, or None.
    """
    generator, _ = make_networks(recipe)
    error, doubt = make_losses(recipe)

    @partial(jax.jit, donate_argnums=1)
    def step(index, state, batch, key, features=None):
        originals = to_images(batch["pictures"], key if recipe.mirror else None)
        masks = batch["mask"].astype(jnp.float32)
        shown = prepared(generator, originals, masks)
        if recipe.crops:
            shown = with_other_colours(shown)
        params, statistics = parted(state["generator"])
        params, optimizer, (seen, statistics, filled) = player(error, adam(recipe))(
            params, state["generator_opt"], statistics, shown, originals, masks[..., None] > 0.5, state.get("critic"),
            features,
        )  # fmt: skip
        variables = {"params": params, **statistics}
        average = ema(state["average"], variables, average_decay(recipe, index))
        new = {"generator": variables, "average": average, "generator_opt": optimizer}
        if recipe.adversarial:
            params, statistics = parted(state["critic"])
            params, optimizer, (told, statistics) = player(doubt, adam(recipe))(
                params, state["critic_opt"], statistics, originals, filled
            )
            new, seen = new | {"critic": {"params": params, **statistics}, "critic_opt": optimizer}, seen | told
        return new, seen

    return step


def plan(recipe: PatchganRecipe, pictures: Pictures) -> Plan:
    """Everything that `session.run` needs to train this recipe on these pictures.

    Raises:
        ImageError: too few pictures. WeightsError: there is no such feature network.
    """
    trained, held = trained_and_held_out(recipe, pictures)
    generator, _ = make_networks(recipe)
    tasks = [shlex.join(["inpaint", mask]) for mask in recipe.masks]
    damages = make_damages(tasks, (recipe.resolution, recipe.resolution, 3), seed=recipe.seed)
    masks = {
        words: held_out_masks(one, len(held), recipe.resolution)
        for words, one in zip(recipe.masks, damages, strict=True)
    }
    features = load_content(recipe.features, recipe.features_cut)
    judge = features if recipe.evaluate_features is None else load_features(recipe.evaluate_features)
    draw = jax.jit(generator.apply)
    shown = jax.jit(partial(prepared, generator))

    def fill(state, originals, missing):
        made = draw(state["average"], shown(originals, missing))
        return jnp.where(missing[..., None] > 0.5, made, originals)

    def show(state, _moment):
        """Rows of eight pictures with holes, the same filled, and the originals; the masks take turns."""
        some = max(min(SHOWN // 4, len(held)) // 8 * 8, 1)
        originals = np.asarray(to_images(held[:some], None))
        kinds = list(masks.values())
        missing = np.stack([kinds[row // 2 % len(kinds)][row] for row in range(some)])
        given = shown(originals, missing)[..., :3]
        return rows_of_eight(given, fill(state, originals, missing), originals)

    return Plan(
        name="patchgan",
        settings={**settings_of(recipe), **content_said(features), **files_said(tasks)},
        phases=cut_into_parts(
            make_step(recipe),
            Batches(
                trained, None, damages, 0, crop=recipe.resolution if recipe.crops else None, choose=recipe.choose
            ).batches,
            recipe,
            frozen=() if features is None else (features,),
        ),
        init=partial(init_state, recipe),
        show=show,
        evaluator=FilledHoles(
            fill=fill,
            originals=held,
            masks=masks,
            network=judge,
        ),
        export=lambda state: {"generator": fold(state["average"])},
        card=lambda _state: {"architecture": "patchgan", "config": to_config(generator)},
        pictures=pictures,
        seed=recipe.seed,
    )


def trained_and_held_out(recipe: PatchganRecipe, pictures: Pictures) -> tuple[Pictures, Any]:
    """The pictures that are trained on, and those that are measured; of photographs, the middles of pieces.

    Returns:
        The former, and uint8 [n, r, r, 3].

    Raises:
        ImageError: too few pictures.
    """
    if not isinstance(pictures, PhotoPieces):
        count = count_trained(pictures, recipe.held_out)
        return Pictures(pictures.pixels[:count]), np.asarray(pictures.pixels[count:])
    trained, held = pictures.parted(recipe.held_out)
    chosen = evenly(len(held), MEASURED)
    edge = (held.shape[1] - recipe.resolution) // 2
    middle = slice(edge, edge + recipe.resolution)
    return Pictures(trained), np.asarray(held[chosen])[:, middle, middle]


def held_out_masks(damage: Damage, count: int, side: int) -> np.ndarray:
    """The masks of held-out pictures, float32 [count, side, side]; the same at every measurement."""
    drawn = damage.masks
    assert drawn is not None  # every hole has a mask
    return np.stack([drawn[row % len(drawn)] for row in range(count)]).astype(np.float32)
