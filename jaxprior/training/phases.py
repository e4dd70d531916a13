"""The phases of a training, and how far it is: steps, pictures, and what its progress counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jaxprior.system.ahead import Program


Unit = Literal["pictures", "volumes", "steps"]


def no_programs(*_shapes: Any) -> Sequence[Program]:
    """Say of no program that a phase calls it; they are compiled when they are called."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of training with one network shape.

    Fields:
        name: shown in the progress and in `metrics.csv`.
        steps: number of steps.
        begin: state -> state, called once when the phase starts (grow, freeze, inherit, reset an optimiser).
        step: (index, state, batch, key) -> (state, metrics); compiled by the recipe.
        batch: index -> whatever `step` wants, on the host. Another thread calls it ahead of time (`reading_ahead`).
        images_per_step: for throughput and the image count; the first axis of a batch is so long.
        unit: what progress counts: "pictures" or "volumes" that were shown, or "steps" where all of them show the same
            picture.
        programs: (state, batch, key) as shapes -> the programs that its steps call. Threads compile them ahead.
        programs_at_end: state as shapes -> the programs that draw and measure it, and that the next phase begins with.
            Threads compile these, too.
    """

    name: str
    steps: int
    begin: Callable[[Any], Any]
    step: Callable
    batch: Callable[[int], Any]
    images_per_step: int
    unit: Unit = "pictures"
    programs: Callable[[Any, Any, Any], Sequence[Program]] = no_programs
    programs_at_end: Callable[[Any], Sequence[Program]] = no_programs

    @property
    def counted(self) -> int:
        """How much of what progress counts a step is."""
        return 1 if self.unit == "steps" else self.images_per_step


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where training stands: what observers get.

    Fields:
        phase, phase_number, index: the phase, its number, steps done in it.
        step: steps done altogether; images: pictures shown altogether; total_steps, total_images: at the end.
        images_per_second: measured since the last report.
        unit: what progress counts, see `Phase`.
        metrics: name -> float of the newest logged step.
    """

    phase: str
    phase_number: int
    index: int
    step: int
    total_steps: int
    images: int
    total_images: int
    images_per_second: float
    unit: str
    metrics: dict[str, float]


class Counts:
    """What the phases of a training are together, and how much of it is done at any place.

    Arguments:
        phases: in order.

    Example:
        >>> phase = Phase(name="all", steps=5, begin=None, step=None, batch=None, images_per_step=4)
        >>> Counts([phase, phase]).steps(1, 2), Counts([phase, phase]).images(1, 2)
        (7, 28)
    """

    def __init__(self, phases: Sequence[Phase]):
        self._phases = list(phases)

    def steps(self, number: int, index: int) -> int:
        """Steps that are done after `index` steps of phase `number`; after the last phase the number is theirs."""
        return sum(phase.steps for phase in self._phases[:number]) + index

    def images(self, number: int, index: int) -> int:
        """Pictures that were shown until then."""
        return self._until(number, index, [phase.images_per_step for phase in self._phases])

    def progress(self, number: int, index: int) -> int:
        """What progress has counted until then."""
        return self._until(number, index, [phase.counted for phase in self._phases])

    def moment(self, number: int, index: int, *, metrics: dict[str, float], images_per_second: float) -> Moment:
        """Where training stands then.

        Arguments:
            number, index: of the phase, and steps done in it.
            metrics, images_per_second: see `Moment`.
        """
        phase, everything = self._phases[number], (len(self._phases), 0)
        return Moment(
            phase=phase.name,
            phase_number=number,
            index=index,
            step=self.steps(number, index),
            total_steps=self.steps(*everything),
            images=self.images(number, index),
            total_images=self.images(*everything),
            images_per_second=images_per_second,
            unit=phase.unit,
            metrics=metrics,
        )

    def _until(self, number: int, index: int, each: Sequence[int]) -> int:
        whole = sum(phase.steps * one for phase, one in zip(self._phases[:number], each, strict=False))
        return whole + (index * each[number] if index else 0)
