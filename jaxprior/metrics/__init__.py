"""Measures of quality, each stating its range, window, border and quantisation.

Fidelity to the original, one value an image: `psnr`, `psnr_luma`, `mse`, `ssim`, whole or only in a hole, `ms_ssim`,
`gradient_energy`, which says how sharp a picture is, `iou`, which compares the occupied voxels of volumes, and
`perceptual`, in the space of a feature network, whose map over the pixels is `perceptual_map`. Distance between two
sets of images: `frechet`, `kid` and `precision_recall` in the features of a network, all at once by `compare_sets`, and
`swd`.
Generation from one picture: `patch_frechet`, `diversity`, `rmse`. Images are float `[b, h, w, c]` in [-1, 1], as
everywhere in the library; `psnr`, `ssim` and `swd` clip them and map them to [0, 1] inside where that matters. Nothing
is rounded to 8 bits.

A `Metric` is a figure that every picture of a run gets: a column of the journal and of `results.csv`, a line of the
summary, a column of tables and reports. It is found because a file of this folder defines it, or because another
package names it in its pyproject.toml:

    [project.entry-points."jaxprior.metrics"]
    worst = "my_package.metrics:WORST"

A metric may be there only where a run asks for it by a word, as for the mean squared error: `--measures mse`.
"""

from jaxprior.discovery import installed_metrics as installed_metrics
from jaxprior.discovery import own_metrics as own_metrics
from jaxprior.metrics._finding import CONVENTION as CONVENTION
from jaxprior.metrics._finding import check_measures as check_measures
from jaxprior.metrics._finding import headline_metrics as headline_metrics
from jaxprior.metrics._finding import is_asked as is_asked
from jaxprior.metrics._finding import metric as metric
from jaxprior.metrics._finding import metrics_of as metrics_of
from jaxprior.metrics._finding import takes as takes
from jaxprior.metrics.frechet import frechet
from jaxprior.metrics.gradient_energy import gradient_energy
from jaxprior.metrics.kid import kid
from jaxprior.metrics.luma_signal_to_noise import psnr_luma
from jaxprior.metrics.multi_scale_similarity import ms_ssim
from jaxprior.metrics.overlap import iou
from jaxprior.metrics.perceptual import perceptual, perceptual_map
from jaxprior.metrics.precision_recall import precision_recall
from jaxprior.metrics.sets import SetDistances, compare_sets
from jaxprior.metrics.signal_to_noise import psnr
from jaxprior.metrics.single_image import diversity, patch_frechet, rmse
from jaxprior.metrics.sliced_wasserstein import swd
from jaxprior.metrics.squared_error import mse
from jaxprior.metrics.structural_similarity import ssim
from jaxprior.protocols import Metric, Scored


__all__ = [
    "Metric", "Scored", "SetDistances", "compare_sets", "diversity", "frechet", "gradient_energy", "iou", "kid",
    "ms_ssim", "mse", "patch_frechet", "perceptual", "perceptual_map", "precision_recall", "psnr", "psnr_luma", "rmse",
    "ssim", "swd",
]  # fmt: skip
