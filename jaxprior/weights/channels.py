"""The channels of a prior's pictures: RGB, or grey. Everything above reads and compares pictures of these two kinds."""

from jaxprior.errors import WeightsError


def check_image_channels(channels: int, *, where: str | None = None) -> None:
    """Refuse a generator whose pictures have other channels than those that can be used.

    Arguments:
        channels: of its images.
        where: the file, for the error's sentence.

    Raises:
        WeightsError: neither 3 nor 1.

    Example:
        >>> check_image_channels(3)
    """
    if channels not in (1, 3):
        raise WeightsError(
            f"{where + ': ' if where else ''}this generator makes images of {channels} channels; expected 3 (RGB) or "
            "1 (grey)"
        )
