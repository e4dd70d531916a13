"""What fitting did to pictures: how many were cut to their centre square, made smaller or made larger."""

from collections.abc import Iterator


class FitCount:
    """Counts what was done to pictures that were fitted to a square, and says it in a sentence or two.

    Example:
        >>> count = FitCount()
        >>> for size in ((4032, 3024), (640, 480)):
        ...     count.add(size, 64)
        >>> list(count.sentences())
        ['2 pictures were cut to their centre square and shrunk to 64x64 (from up to 3024x4032)']
    """

    def __init__(self):
        self._sizes: dict[tuple[bool, int, int], list[tuple[int, int]]] = {}

    def add(self, size: tuple[int, int], side: int) -> None:
        """Count one picture.

        Arguments:
            size: its height and width in pixels.
            side: of the square that it was fitted to, in pixels.
        """
        shortest = min(size)
        if size != (side, side):
            change = (shortest > side) - (shortest < side)
            self._sizes.setdefault((size[0] != size[1], change, side), []).append(size)

    def sentences(self) -> Iterator[str]:
        """Say what was done, a sentence for each combination of cutting and resizing; nothing of pictures that fit."""
        for (cut, change, side), sizes in self._sizes.items():
            square = f"{side}x{side}"
            deeds = ["cut to the centre square" if len(sizes) == 1 else "cut to their centre square"] if cut else []
            deeds += {0: [], 1: [f"shrunk to {square}"], -1: [f"enlarged to {square}"]}[change]
            height, width = (min if change < 0 else max)(sizes, key=lambda size: size[0] * size[1])
            extent = "as small as" if change < 0 else "up to"
            extent = f"{extent} " if len(set(sizes)) > 1 else ""
            pictures = "1 picture was" if len(sizes) == 1 else f"{len(sizes)} pictures were"
            yield f"{pictures} {' and '.join(deeds)} (from {extent}{width}x{height})"
