"""GAN losses as pure functions of critic scores, gradient penalties of a critic, and the total variation of images.

Scores are [b], or maps [b, h, w, 1] of a critic that rates patches; every function returns a scalar, the mean over all
of them. `critic` arguments are functions from images [b, h, w, c] to scores.
"""

import jax
import jax.numpy as jnp


Array = jax.Array


def wasserstein_generator(fake: Array) -> Array:
    """-E D(G(z)) (Arjovsky et al., 2017)."""
    return -jnp.mean(fake)


def wasserstein_critic(real: Array, fake: Array) -> Array:
    """E D(G(z)) - E D(x)."""
    return jnp.mean(fake) - jnp.mean(real)


def drift(real: Array) -> Array:
    """E D(x)^2: keeps a Wasserstein critic's scores near zero (PGGAN uses the weight 0.001)."""
    return jnp.mean(jnp.square(real))


def nonsaturating_generator(fake: Array) -> Array:
    """-E log sigmoid D(G(z)) (Goodfellow et al., 2014)."""
    return jnp.mean(jax.nn.softplus(-fake))


def logistic_critic(real: Array, fake: Array) -> Array:
    """-E log sigmoid D(x) - E log(1 - sigmoid D(G(z)))."""
    return jnp.mean(jax.nn.softplus(-real)) + jnp.mean(jax.nn.softplus(fake))


def saturating_generator(fake: Array) -> Array:
    """E log(1 - sigmoid D(G(z))) (Goodfellow et al., 2014, eq. 1): flat where the critic is sure of a fake."""
    return -jnp.mean(jax.nn.softplus(fake))


def least_squares_critic(real: Array, fake: Array, *, a: float = 0.0, b: float = 1.0) -> Array:
    """E (D(x) - b)^2 / 2 + E (D(G(z)) - a)^2 / 2 (LSGAN, Mao et al., 2017, eq. 2)."""
    return 0.5 * (jnp.mean(jnp.square(real - b)) + jnp.mean(jnp.square(fake - a)))


def least_squares_generator(fake: Array, *, c: float = 1.0) -> Array:
    """E (D(G(z)) - c)^2 / 2."""
    return 0.5 * jnp.mean(jnp.square(fake - c))


def hinge_critic(real: Array, fake: Array) -> Array:
    """E max(0, 1 - D(x)) + E max(0, 1 + D(G(z))) (Lim and Ye, 2017); its generator's loss is the Wasserstein one."""
    return jnp.mean(jax.nn.relu(1.0 - real)) + jnp.mean(jax.nn.relu(1.0 + fake))


def image_gradients(critic, images: Array) -> Array:
    """Gradient of the summed scores with respect to the images, [b, h, w, c]."""
    return jax.grad(lambda x: jnp.sum(critic(x)))(images)


def gradient_penalty(critic, real: Array, fake: Array, mix: Array, *, target: float = 1.0) -> Array:
    """E (||grad D|| - target)^2 between reals and fakes (WGAN-GP, Gulrajani et al., 2017).

    Arguments:
        critic: images -> scores.
        real, fake: images [b, h, w, c].
        mix: position between them, 0 = real, 1 = fake, [b, 1, 1, 1].
        target: norm aimed at.
    """
    squared = jnp.sum(jnp.square(image_gradients(critic, real + (fake - real) * mix)), axis=(1, 2, 3))
    # The square root's own gradient is infinite at zero; a vanishing gradient still has to give a finite loss.
    return jnp.mean(jnp.square(jnp.sqrt(squared + 1e-12) - target))


def pixel_gradient_penalty(critic, real: Array, fake: Array, mix: Array, *, target: float = 1.0) -> Array:
    """E (||grad D||_2 over channels - target)^2, the mean over all pixels between reals and fakes.

    The penalty of SinGAN's code (Shaham et al., ICCV 2019), which sums a patch critic's scores and asks for a gradient
    of unit norm at every pixel; `gradient_penalty` has one norm an image.

    Arguments:
        critic: images -> scores [b] or [b, h, w, 1].
        real, fake: images [b, h, w, c].
        mix: position between them, 0 = real, 1 = fake, [b, 1, 1, 1]. (The official code's alpha is 1 - mix.)
        target: norm aimed at.
    """
    gradients = image_gradients(critic, real + (fake - real) * mix)
    squared = jnp.sum(jnp.square(gradients), axis=-1)
    # A square root with gradient 0 at 0; the inner choice keeps the infinite one out of the product that is left out.
    nonzero = squared > 0
    norms = jnp.where(nonzero, jnp.sqrt(jnp.where(nonzero, squared, 1.0)), 0.0)
    return jnp.mean(jnp.square(norms - target))


def r1_penalty(critic, real: Array) -> Array:
    """E ||grad D(x)||^2 / 2 on reals (R1, Mescheder et al., 2018); multiply by gamma."""
    return 0.5 * jnp.mean(jnp.sum(jnp.square(image_gradients(critic, real)), axis=(1, 2, 3)))


def total_variation(images: Array) -> Array:
    """Twice the mean square difference of neighbours, down and to the right: small for smooth images [b, h, w, c].

    So it is weighed in the public SRGAN of leftthomas, there of images in [0, 1]; in [-1, 1] it is 4 times as large.
    """
    down, right = jnp.diff(images, axis=1), jnp.diff(images, axis=2)
    return 2.0 * (jnp.mean(jnp.square(down)) + jnp.mean(jnp.square(right)))
