"""How several answers are made for every picture: how many, and how long each of them moves on.

What a hole hides is not determined by what is known around it. A draw is one answer of many: an inversion of its own,
which begins on another part of the prior's samples, and then moves on at random by Langevin dynamics
(`jaxprior.inversion.optimizers.langevin`), which keeps it among the latents that explain what is known. Nothing is
averaged, so that a draw is as sharp as the prior's pictures. This module imports no JAX.
"""

from dataclasses import dataclass, replace

from jaxprior.checks import whole_number
from jaxprior.inversion.solvers import Solve
from jaxprior.settings import setting


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Several answers for every picture, each of them plausible.

    Fields:
        count: draws of each picture, 1 or more.
        moves: random moves of each of them by Langevin dynamics, after an inversion as the method says; 0 leaves them
            out. Their temperature is `Solve.temperature`.

    Example:
        >>> Draws(count=4).of(Solve(steps=25, starts=2))[1].optimizer
        'langevin'
    """

    count: int = setting(
        8,
        "Make K further, different answers for every picture, and a map of how far they differ.",
        option="--draws",
        metavar="K",
        least=1,
        rank=52,
    )
    moves: int = setting(
        50, "Random moves of each draw by Langevin dynamics, after its inversion.", metavar="N", least=0, rank=52
    )

    def __post_init__(self):
        whole_number("count", self.count, least=1)
        whole_number("moves", self.moves, least=0)

    def of(self, solve: Solve) -> tuple[Solve, Solve]:
        """How draws are solved where one answer is solved like this: their inversions, then their random moves."""
        begun = replace(solve, starts=self.count)
        moved = replace(
            begun, optimizer="langevin", schedule="constant", steps=self.moves, keep="last", target_psnr=None, passes=1
        )
        return begun, moved


def work_with_draws(solve: Solve, draws: Draws | None) -> float:
    """How many times the evaluations of the answer of least error are made where there are draws as well.

    Arguments:
        solve: how that answer is solved.
        draws: of each picture, or None.

    Example:
        >>> work_with_draws(Solve(steps=25, starts=4), Draws(count=8, moves=50))
        7.0
    """
    if draws is None:
        return 1.0
    inversion = solve.steps * solve.passes
    return 1 + draws.count * (inversion + draws.moves) / max(inversion * solve.starts, 1)


def as_draws(draws: "Draws | int | None") -> "Draws | None":
    """The draws that were asked for: a number stands for so many.

    Raises:
        ArgumentError: it is no such thing.

    Example:
        >>> as_draws(3)
        Draws(count=3, moves=50)
    """
    if draws is None or isinstance(draws, Draws):
        return draws
    return Draws(count=whole_number("draws", draws, least=1))
