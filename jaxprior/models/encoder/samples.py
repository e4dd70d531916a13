"""The pictures that an encoder learns from: the prior's own samples, whose codes are known, and real ones."""

from jaxprior.models.encoder.config import EncoderInputs, EncoderRecipe
from jaxprior.training.own_samples import make_samples
from jaxprior.training.pictures import TrainingData, load_pictures
from jaxprior.weights import loader


def read(inputs: EncoderInputs, settings: EncoderRecipe, *, limit: int | None = None) -> TrainingData:
    """Read what an encoder is trained on: real pictures, or else the prior's own samples.

    Arguments:
        inputs: where the pictures are.
        settings: those of the training, with the size of the prior's pictures.
        limit: use only the first so many real pictures.

    Raises:
        ImageError: nothing usable is found.
    """
    if inputs.data is None:
        prior = loader.load(loader.prior_file(settings.prior), role="prior")
        source = f"samples of {prior.card.get('name') or settings.prior}"
        pictures = make_samples(settings.prior, settings.samples, prior)
        return TrainingData(pictures=pictures, kind="samples", source=source)
    pictures = load_pictures(inputs.data, resolution=settings.resolution, channels=settings.image_channels, limit=limit)
    return TrainingData(pictures=pictures, source=str(inputs.data))
