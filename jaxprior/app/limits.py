"""How large a photograph may be that the page takes, and how long a job may take."""

from dataclasses import dataclass

from jaxprior.errors import ImageError, JaxpriorError


MILLION = 1_000_000

ENLARGED = 4
"""An enlarged picture may have so many times the pixels that a photograph may have."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the page refuses.

    Fields:
        megabytes: a file that is uploaded may have.
        megapixels: a photograph may have, in millions.
        minutes: a job may take; then it is stopped.

    Example:
        >>> Limits(megapixels=2).check_enlarged((1000, 1000), 2)
        >>> Limits(megapixels=2).check_enlarged((1000, 1000), 4)
        Traceback (most recent call last):
        ...
        jaxprior.errors.ImageError: The enlarged picture would have 16 million pixels, and the page makes 8 million at \
most: take a smaller photograph, or `jaxprior superres` on the command line.
    """

    megabytes: float = 50
    megapixels: float = 24
    minutes: float = 10

    def __post_init__(self):
        for name in ("megabytes", "megapixels", "minutes"):
            if not 0 < getattr(self, name) < float("inf"):
                raise JaxpriorError(f"--{name} must be a number above 0, got {getattr(self, name)}.")

    @property
    def pixels(self) -> int:
        """A photograph may have."""
        return int(self.megapixels * MILLION)

    def check_file(self, size: int) -> None:
        """Refuse a file that is too large.

        Arguments:
            size: in bytes.

        Raises:
            ImageError: saying what it has and what it may have.
        """
        if size > self.megabytes * MILLION:
            raise ImageError(
                f"The file has {size / MILLION:.1f} MB, and the page takes {self.megabytes:g} MB at most: make it "
                "smaller, or start the page with a larger --megabytes."
            )

    def check_enlarged(self, shape: tuple[int, int], factor: int) -> None:
        """Refuse a photograph that would become too large.

        Arguments:
            shape: its height and width; factor: by which its sides are enlarged.

        Raises:
            ImageError: saying what it would have and what it may have.
        """
        pixels = shape[0] * shape[1] * factor**2
        if pixels > ENLARGED * self.pixels:
            raise ImageError(
                f"The enlarged picture would have {pixels / MILLION:.0f} million pixels, and the page makes "
                f"{ENLARGED * self.megapixels:g} million at most: take a smaller photograph, or `jaxprior superres` on "
                "the command line."
            )
