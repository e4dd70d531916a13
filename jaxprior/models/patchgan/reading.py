"""What patch-based inpainting is trained on: whole pictures, or photographs of which it sees random crops."""

from jaxprior.models.patchgan.config import PIECE, PatchganRecipe
from jaxprior.training import photo_crops, pictures
from jaxprior.training.pictures import TrainingData
from jaxprior.training.settings import PictureInputs


def read(inputs: PictureInputs, settings: PatchganRecipe, *, limit: int | None = None) -> TrainingData:
    """Read pictures of the side `settings.resolution`, or pieces of photographs whose sides are twice as long.

    Arguments:
        inputs: where they are; settings: of the training; limit: use only the first so many files.

    Raises:
        ImageError: nothing usable is found.
    """
    if not settings.crops:
        return pictures.read(inputs, settings, limit=limit)
    pieces = settings.changed({"resolution": PIECE * settings.resolution})
    return photo_crops.read(inputs, pieces, limit=limit)
