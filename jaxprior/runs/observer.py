"""What a run tells whoever shows it: `Observer`."""

from collections.abc import Sequence

from jaxprior.runs.row import Row


class Observer:
    """What a run tells while it works; the default says nothing."""

    def begin(self, total: int) -> None:
        """Called once with the number of pictures."""

    def read(self, size: tuple[int, int], side: int) -> None:
        """Called with height and width of each picture that was read, and the side of the square it was fitted to."""

    def cut(self, size: tuple[int, int], sides: Sequence[int], made: int, *, holes: bool) -> None:
        """Called for each picture that keeps its size, with its height and width.

        Arguments:
            size: height and width.
            sides: of the squares that were cut out of it.
            made: side of the prior's images, at which the squares are restored.
            holes: whether the squares lie around holes; otherwise they cover the picture.
        """

    def step(self, pictures: int, steps_done: int, steps_total: int, mean_loss: float | None) -> None:
        """Called between chunks of steps of the current batch of so many pictures; of tiles where there is no loss."""

    def rows(self, rows: Sequence[Row], *, computed: bool) -> None:
        """Called with rows now in the journal; `computed` is false for those that took no solving."""

    def note(self, text: str) -> None:
        """Called with one sentence that people should know, e.g. that the memory did not suffice for the batch."""
