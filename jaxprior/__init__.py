"""jaxprior: restore images with a trained GAN as the prior.

    import jax, jaxprior as jp

    prior = jp.load_prior()
    photos = jp.load_images(["cat.jpg"], size=prior.resolution)
    mask = jp.parse_mask("center:0.25").draw(prior.resolution)
    result = jp.restore(prior, photos, jp.Inpaint(mask), key=jax.random.key(0))
    jp.metrics.psnr(result.images, photos, mask=mask)

Images are float32 [b, h, w, c] in [-1, 1]; masks are 1 where pixels are missing.

`__init__.pyi` lists what there is; a name's module, and JAX with it, is imported when the name is first used, so that
the command line answers at once.
"""

import lazy_loader


__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
