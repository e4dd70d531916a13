"""The bar on a terminal: the title of a run and how much is done in one line, what goes on at the moment below it."""

from collections.abc import Callable, Iterable, Sequence

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from jaxprior.runs.wording import State, count, pace, since, standing


class Bar:
    """Two lines at the bottom of a terminal that are drawn anew ten times a second, whatever the program does.

    Arguments:
        console: the terminal.
        states: of the activities that go on, the outermost first; the list is looked at again for every drawing.
        clock: tells the time in seconds.
    """

    def __init__(self, console: Console, states: Sequence[State], clock: Callable[[], float]):
        self.states = states
        self._progress = _Lines(console, states, clock)
        work = states[0].work
        self._task = self._progress.add_task(work.text, total=work.total, count=count(work))
        self._progress.start()

    def update(self) -> None:
        """Take over what the outermost activity says."""
        work = self.states[0].work
        done = work.done + work.partial
        self._progress.update(
            self._task, description=work.text, total=work.total, completed=done, count=count(work)
        )

    def close(self, *, keep: bool) -> None:
        """End the drawing, and keep the bar on the screen or remove it."""
        self._progress.live.transient = not keep
        self._progress.stop()


class _Lines(Progress):
    """The bar, and below it the state of the innermost activity."""

    def __init__(self, console: Console, states: Sequence[State], clock: Callable[[], float]):
        self._states, self._clock = states, clock
        title, number = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[count]}", markup=False)
        super().__init__(SpinnerColumn(), title, BarColumn(bar_width=20), number, console=console)

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn."""
        yield self.make_tasks_table(self.tasks)
        if states := list(self._states):
            yield Text(_status(states, self._clock()), style="dim", no_wrap=True, overflow="ellipsis")


def _status(states: Sequence[State], now: float) -> str:
    state = states[-1]
    if state.work.total is None and not state.work.detail:
        return f"{state.work.text} ({since(state, now)})"
    return pace(state, now) if len(states) == 1 else f"{state.work.text}: {standing(state, now)}"
