"""What was done to pictures of other sizes than the prior's, counted and said in a sentence or two.

`FitCount`: how many were cut to their centre square, made smaller or made larger. `SquareCount`: into how many squares
those were cut that keep their size.
"""

import collections
from collections.abc import Iterator, Sequence


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
        self._sizes: dict[tuple[bool, int, int], collections.Counter[tuple[int, int]]] = {}

    def add(self, size: tuple[int, int], side: int) -> None:
        """Count one picture.

        Arguments:
            size: its height and width in pixels.
            side: of the square that it was fitted to, in pixels.
        """
        shortest = min(size)
        if size != (side, side):
            change = (shortest > side) - (shortest < side)
            self._sizes.setdefault((size[0] != size[1], change, side), collections.Counter())[size] += 1

    def sentences(self) -> Iterator[str]:
        """Say what was done, a sentence for each combination of cutting and resizing; nothing of pictures that fit."""
        for (cut, change, side), sizes in self._sizes.items():
            square, count = f"{side}x{side}", sizes.total()
            deeds = ["cut to the centre square" if count == 1 else "cut to their centre square"] if cut else []
            deeds += {0: [], 1: [f"shrunk to {square}"], -1: [f"enlarged to {square}"]}[change]
            height, width = (min if change < 0 else max)(sizes, key=lambda size: size[0] * size[1])
            extent = "as small as" if change < 0 else "up to"
            extent = f"{extent} " if len(sizes) > 1 else ""
            pictures = "1 picture was" if count == 1 else f"{count} pictures were"
            yield f"{pictures} {' and '.join(deeds)} (from {extent}{width}x{height})"


class SquareCount:
    """Counts the squares of pictures that keep their size, and says it in one sentence.

    Example:
        >>> count = SquareCount()
        >>> count.add((768, 1024), [205, 205], 64, holes=True)
        >>> list(count.sentences())
        ['1 picture 1024x768: 2 holes, each restored at 64x64 (x3.2 enlarged)']
    """

    def __init__(self):
        self._sizes: list[tuple[int, int]] = []
        self._sides: list[int] = []
        self._made = 0
        self._holes = True

    def add(self, size: tuple[int, int], sides: Sequence[int], made: int, *, holes: bool) -> None:
        """Count one picture; for the arguments see `jaxprior.runs.observer.Observer.cut`."""
        self._sizes.append(size)
        self._sides += sides
        self._made, self._holes = made, holes

    def sentences(self) -> Iterator[str]:
        """Say what was done; nothing if there were no pictures."""
        if not self._sizes:
            return
        count, made = len(self._sides), f"restored at {self._made}x{self._made}{self._enlarged()}"
        height, width = max(self._sizes, key=lambda size: size[0] * size[1])
        extent = "of up to " if len(set(self._sizes)) > 1 else ""
        pictures = "1 picture" if len(self._sizes) == 1 else f"{len(self._sizes)} pictures"
        if not count:
            made = "no hole is so thick that it needs the prior"
        elif self._holes:
            made = f"1 hole, {made}" if count == 1 else f"{count} holes, each {made}"
        else:
            made = f"colours of 1 square, {made}" if count == 1 else f"colours of {count} squares, each {made}"
        yield f"{pictures} {extent}{width}x{height}: {made}"

    def _enlarged(self) -> str:
        """By how much what was restored is resized, in brackets."""
        if not self._sides:
            return ""
        scales = [side / self._made for side in (min(self._sides), max(self._sides))]
        deed = "enlarged" if scales[1] >= 1 else "resized"
        shown = dict.fromkeys(f"x{scale:.1f}".removesuffix(".0") for scale in scales)
        return "" if list(shown) == ["x1"] else f" ({' to '.join(shown)} {deed})"
