"""How several answers are made for every picture: how many, how each is found, and how long each of them moves on.

What a hole hides is not determined by what is known around it. A draw is one answer of many: an inversion of its own,
which begins on another part of the prior's samples, and then moves on at random by Langevin dynamics
(`jaxprior.inversion.optimizers.langevin`), which keeps it among the latents that explain what is known. Nothing is
averaged.

An encoder answers with a single feature map, which lies near the mean of all that is plausible. Draws that begin there
are all alike, and blurred like the mean. So where a method takes an encoder's answer as it is, without any step, a draw
is the inversion of a single latent code that begins on one of the prior's samples: every draw is then a picture that
the prior can make. Some of these searches end in a blur that explains the observation badly. So there are more
candidates than draws, and those stay that explain it best. This module imports no JAX.
"""

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from jaxprior.checks import whole_number
from jaxprior.inversion.codes import SingleCode
from jaxprior.inversion.codes.projections import Projection
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.starts import GivenStart
from jaxprior.inversion.starts.encoder import EncoderStart
from jaxprior.protocols import Codes
from jaxprior.settings import setting


STEPS = 25
"""Evaluations of a single code that begins on one of the prior's samples."""

CANDIDATES = 2
"""So many of them are solved for each draw that stays."""

HOTTER = 10.0
"""So many times the method's temperature counts for the random moves of single codes: one code explains a picture worse
than several do, and errs alike over larger parts of it."""

PROJECTIONS: dict[str, Projection] = {"uniform": "clip", "sphere": "sphere"}
"""How a single code is kept where the prior's training drew its codes, if that is not all of the space."""


@dataclass(frozen=True, kw_only=True)
class Draws:
    """Several answers for every picture, each of them plausible.

    Fields:
        count: draws of each picture, 1 or more.
        moves: random moves of each of them by Langevin dynamics, after its inversion; 0 leaves them out. Their
            temperature is `Solve.temperature`, and `HOTTER` times that for single codes that are found by themselves.
        steps: evaluations of the inversion of each draw; None for as many as the method has, or `STEPS` where the
            method takes an encoder's answer without any step.

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
    steps: int | None = field(default=None, metadata={"added_later": True})

    def __post_init__(self):
        whole_number("count", self.count, least=1)
        whole_number("moves", self.moves, least=0)
        if self.steps is not None:
            whole_number("steps", self.steps, least=0)

    def of(self, solve: Solve) -> tuple[Solve, Solve]:
        """How draws are solved where one answer is solved like this: their inversions, then their random moves."""
        begun = replace(solve, starts=self.count, steps=solve.steps if self.steps is None else self.steps)
        moved = replace(
            begun, optimizer="langevin", schedule="constant", steps=self.moves, keep="last", target_psnr=None, passes=1
        )
        return begun, moved


class OwnInversion(NamedTuple):
    """How draws are found where they are not found as the method says: codes and solve, as of a `Method`."""

    codes: Codes
    solve: Solve


def own_inversion(draws: Draws | None, *, solve: Solve, start: Any, code_distribution: str) -> OwnInversion | None:
    """How draws are found where the method takes an encoder's answer as it is; None for all other methods.

    Arguments:
        draws: of each picture, or None.
        solve, start: of the method.
        code_distribution: what the prior's training drew its codes from.

    Example:
        >>> own = own_inversion(Draws(), solve=Solve(init="encoder", steps=0), start=None, code_distribution="normal")
        >>> own.codes, own.solve.init, own.solve.steps
        (SingleCode(project='none', start=None), 'bank', 25)
    """
    answered = isinstance(start, EncoderStart) or (solve.init == "encoder" and not isinstance(start, GivenStart))
    if draws is None or solve.steps or not answered:
        return None
    its = Solve(
        steps=STEPS if draws.steps is None else draws.steps,
        optimizer="lbfgs",
        init="bank",
        starts=CANDIDATES * draws.count,
        bank_size=solve.bank_size,
        temperature=HOTTER * solve.temperature,
        precision=solve.precision,
    )
    return OwnInversion(SingleCode(project=PROJECTIONS.get(code_distribution, "none")), its)


def evaluations_of_draws(draws: Draws | None, solve: Solve, own: Solve | None = None) -> int:
    """Gradient evaluations of all draws of a picture: of their inversions and of their random moves.

    Arguments:
        draws: of each picture, or None.
        solve: how one inversion of the method is solved.
        own: how draws are solved if that is by an `own_inversion`.

    Example:
        >>> evaluations_of_draws(Draws(count=8, moves=50), Solve(steps=25, starts=4))
        600
    """
    if draws is None:
        return 0
    begun, moved = draws.of(solve if own is None else own)
    return sum(one.steps * one.passes * one.starts for one in (own or begun, moved))


def as_draws(draws: "Draws | int | None") -> "Draws | None":
    """The draws that were asked for: a number stands for so many.

    Raises:
        ArgumentError: it is no such thing.

    Example:
        >>> as_draws(3)
        Draws(count=3, moves=50, steps=None)
    """
    if draws is None or isinstance(draws, Draws):
        return draws
    return Draws(count=whole_number("draws", draws, least=1))
