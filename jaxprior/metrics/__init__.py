"""Measures of quality, each stating its range, window, border and quantisation.

Fidelity to the original, one value an image: `psnr`, `ssim`, whole or only in a hole, and `perceptual`, in the space
of a feature network. Distance between two sets of images: `swd`. Generation from one picture: `patch_frechet`,
`diversity`, `rmse`. Images are float `[b, h, w, c]` in [-1, 1], as everywhere in the library; `psnr`, `ssim` and `swd`
clip them and map them to [0, 1] inside where that matters. Nothing is rounded to 8 bits.
"""

from jaxprior.metrics.fidelity import psnr, ssim
from jaxprior.metrics.perceptual import perceptual
from jaxprior.metrics.single_image import diversity, patch_frechet, rmse
from jaxprior.metrics.sliced_wasserstein import swd


__all__ = ["diversity", "patch_frechet", "perceptual", "psnr", "rmse", "ssim", "swd"]
