"""Measures of quality, each stating its range, window, border and quantisation.

Fidelity to the original, one value an image: `psnr`, `ssim`, whole or only in a hole. Distance between two
sets of images: `swd`. Images are float `[b, h, w, c]` in [-1, 1], as everywhere in the library; they are
clipped, mapped to [0, 1] inside where that matters, and never rounded to 8 bits.
"""

from jaxprior.metrics.fidelity import psnr, ssim
from jaxprior.metrics.sliced_wasserstein import swd


__all__ = ["psnr", "ssim", "swd"]
