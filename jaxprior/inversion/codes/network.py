"""The weights of an untrained network as what is found for each image: the deep image prior.

Ulyanov et al., "Deep Image Prior" (CVPR 2018): a convolutional network f with random weights is fitted to one
observation, and to nothing else. Natural pictures come out long before noise and holes are fitted, so the number of
steps is what regularises.

    argmin over weights w of  d(A(f_w(z + e)), y)        z noise of the image, which stays; e new noise at every step

The paper's code takes e from N(0, 0.03^2), or N(0, (1/30)^2) where noise is removed, beside z from U(0, 0.1), and for
its figures the moving average 0.99 a + 0.01 f_w(z + e) of what comes out at every step.
"""

from dataclasses import dataclass
from typing import Any, NoReturn

from jaxprior.checks import real_number
from jaxprior.errors import RunError
from jaxprior.lazy_jax import Array, jax, jnp
from jaxprior.protocols import Latents
from jaxprior.settings import setting


INPUT, SEED, AVERAGE, BEGUN = "input", "perturbation", "average", "average_begun"
"""The parts of the latents beside "z", which holds the weights; the last is 1 once the average holds an image."""

MOST_SEED = 2**24
"""Seeds of perturbations are whole numbers below it, which float32 holds exactly."""


@dataclass(frozen=True, kw_only=True)
class NetworkCode:
    """The weights of an untrained network, image = f_w(z): the deep image prior.

    It needs a prior that is such a network, `jaxprior.models.dip`; take `Solve(keep="last")` with it, since the lowest
    loss is always near the end. The images of the result are moving averages, unless `average` is 0.

    Fields:
        perturbation: standard deviation of the noise that is added to the network's input, anew at every step; 0 adds
            none.
        average: share of the moving average of images that a step keeps; 0 takes the image of the weights themselves.

    Example:
        >>> NetworkCode(perturbation=0.0).num_codes
        1
    """

    perturbation: float = setting(
        0.03,
        "Of an untrained network (dip64 and others): standard deviation of the noise that is added to its input at "
        "every step; 0 adds none.",
        option="--input-noise",
        metavar="X",
        least=0.0,
        rank=12,
    )
    average: float = setting(
        0.99,
        "Of an untrained network: share of the moving average of its pictures that a step keeps, below 1; 0 takes the "
        "picture of the last step.",
        option="--average-pictures",
        metavar="X",
        least=0.0,
        rank=12,
    )

    def __post_init__(self):
        real_number("perturbation", self.perturbation, least=0)
        real_number("average", self.average, least=0, below=1)

    @property
    def num_codes(self) -> int:
        """One."""
        return 1

    @property
    def layer(self) -> int:
        """The network is not cut."""
        return 1

    def init(self, generator: Any, key: Array, *, z: Array | None = None) -> Latents:
        """Latents of one image at the start.

        Arguments:
            generator: an untrained network, see `jaxprior.protocols.Untrained`.
            key: of the weights, the input and the first perturbation.
            z: weights to start from, [1, d].

        Returns:
            {"z": weights [d], "input": noise [h, w, i]}, with "perturbation" (the seed of the next one), and "average"
            [*image_shape] and "average_begun" (0), where these are asked for.

        Raises:
            ArgumentError: the generator is a trained one.
        """
        latents: Latents = generator.draw(key)
        if z is not None:
            latents["z"] = z[0]
        latents = self.constrain(latents, jax.random.fold_in(key, 1))
        if not self.average:
            return latents
        image = jax.eval_shape(self.synthesize, generator, latents)
        return {**latents, AVERAGE: jnp.zeros(image.shape, image.dtype), BEGUN: jnp.zeros((), image.dtype)}

    def synthesize(self, generator: Any, latents: Latents) -> Array:
        """The image [*image_shape] of the perturbed input. A gradient reaches the weights alone."""
        noise = jax.lax.stop_gradient(latents[INPUT])
        if self.perturbation:
            key = jax.random.key(jax.lax.stop_gradient(latents[SEED]).astype(jnp.uint32))
            noise = noise + self.perturbation * jax.random.normal(key, noise.shape)
        return generator.made_by(latents["z"], noise)

    def constrain(self, latents: Latents, key: Array) -> Latents:
        """Latents after an update, with the seed of the next perturbation."""
        if not self.perturbation:
            return latents
        return {**latents, SEED: jax.random.randint(key, (), 0, MOST_SEED).astype(jnp.float32)}

    def followed(self, latents: Latents, image: Array) -> Latents:
        """Latents after a step, whose moving average takes in the image that the step evaluated."""
        if not self.average:
            return latents
        keep = self.average * latents[BEGUN]
        return {**latents, AVERAGE: keep * latents[AVERAGE] + (1 - keep) * image, BEGUN: jnp.ones_like(latents[BEGUN])}

    def answer(self, generator: Any, latents: Latents) -> Array:
        """The image [*image_shape] that people get: the moving average, or that of the input as it is."""
        image = generator.made_by(latents["z"], latents[INPUT])
        return jnp.where(latents[BEGUN] > 0, latents[AVERAGE], image) if self.average else image


def refuse_moving(name: str) -> NoReturn:
    """Refuse to edit or interpolate the latents of a run with an untrained network of this name.

    Raises:
        RunError: always.
    """
    raise RunError(
        f"{name} is an untrained network, and the latents of the run are its weights: moving them changes no picture "
        "in a way that means anything. Edit the run of a trained prior."
    )
