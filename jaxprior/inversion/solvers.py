"""How the latents are optimised: optimiser, schedule, start, number of steps, which iterate is kept, precision."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

from jaxprior.checks import described, is_array, real_number, whole_number
from jaxprior.errors import ArgumentError
from jaxprior.inversion.starts import start_names
from jaxprior.settings import setting
from jaxprior.system.runtime import MATMUL_PRECISION


Optimizer = Literal["adam", "sgd", "nesterov", "lbfgs", "langevin"]
Schedule = Literal["constant", "cosine", "ramp"]
Keep = Literal["best", "last", "held_out"]
Precision = Literal["fp32", "tf32", "bf16"]
OPTIMIZERS, SCHEDULES, KEEP, PRECISIONS = map(get_args, (Optimizer, Schedule, Keep, Precision))


@dataclass(frozen=True, kw_only=True)
class Solve:
    """How an inversion is solved; every choice is a plain value.

    Fields:
        steps: gradient evaluations, one an iteration.
        optimizer: "adam" (0.9, 0.999, 1e-8), "sgd" (plain, as the public mGANprior code), "nesterov" (momentum 0.9, as
            the completion of seed 001: z - 0.9 v + 1.9 v' with v' = 0.9 v - rate gradient), "lbfgs" (batched in
            lock-step: every image takes one evaluation a step, with its own memory and backtracking) or "langevin" (a
            chain of random moves that draws from the posterior, see `jaxprior.inversion.optimizers.langevin`; take
            `keep="last"` with it).
        learning_rate: of Adam and SGD; for L-BFGS the root mean square of the first step, for "langevin" that of the
            first move's noise.
        weight_rate: rate of everything but the codes (channel weights, attention), as a multiple of the codes' own.
        schedule: of Adam's and SGD's rate: "constant", "cosine" (to zero over the steps) or "ramp" (linear over the
            first 5 %, cosine to zero over the last 25 %, as StyleGAN2's projector).
        init: name of the start: "random" codes, the best of a "bank" of the prior's samples, compared on what is known,
            what the prior's "encoder" answers, or one that another package brings (see `jaxprior.inversion.starts`).
        bank_size: samples in the bank.
        starts: independent inversions of every image, whose images are averaged.
        keep: "best": the iterate with the lowest finite loss; "last": the last one, as the public code does;
            "held_out": the iterate that explains best those known pixels that were held out of the fit.
        hold_out: share of the observation's pixels that "held_out" leaves out of the fit.
        target_psnr: None, or the PSNR in dB on what is known at which an image is done; what is kept of it then stays,
            and a batch ends when all of it is done.
        passes: an image that has not reached `target_psnr` is gone on with, from what was kept, up to so many times.
        temperature: of "langevin", also where it makes draws: how many times the variance of the errors, as the best
            latents leave it, is taken for an observation's uncertainty. 1 counts every pixel as independent of the
            others; higher values spread the draws farther.
        precision: "fp32" (highest), "tf32", or "bf16" (the generator's convolutions only). Latents, optimiser state,
            norms and losses stay float32.
    """

    steps: int = setting(
        300, "Steps of the inversion, each one evaluation of the gradient.", metavar="K", least=1, rank=22
    )
    optimizer: Optimizer = setting(
        "adam", "Optimiser; langevin moves at random and draws from the posterior (with --keep last).", rank=23
    )
    learning_rate: float = setting(0.05, "Learning rate of the codes.", option="--lr", metavar="X", least=0.0, rank=24)
    weight_rate: float = 1.0
    schedule: Schedule = setting(
        "constant", "How the learning rate changes over the steps, with Adam and SGD.", rank=25
    )
    init: str = setting(
        "random",
        "Where an inversion begins: on random codes, on the best of a bank of the prior's samples, or on the answer of "
        "its encoder.",
        words=lambda: sorted(start_names(), key=lambda name: name != "random"),
        rank=20,
    )
    bank_size: int = 4096
    starts: int = setting(
        1, "Independent inversions of each picture, whose results are averaged.", metavar="N", least=1, rank=21
    )
    keep: Keep = setting(
        "best",
        "Which step's result is kept: that of the lowest loss, the last one, or the one that is best on known pixels "
        "which were held out of the fit.",
        rank=26,
    )
    hold_out: float = 0.1
    target_psnr: float | None = setting(
        None, "Stop a picture as soon as its known pixels are explained with this PSNR.", metavar="DB", rank=27
    )
    passes: int = setting(
        1,
        "Invert pictures that miss --target-psnr again from where they are, up to N times in all.",
        metavar="N",
        least=1,
        rank=28,
    )
    temperature: float = setting(
        10.0,
        "How far the random moves of draws, and of --optimizer langevin, may go: 1 takes the errors of all pixels as "
        "independent; a larger T spreads draws farther. Draws that are single codes, as where an encoder answers, take "
        "ten times T.",
        metavar="T",
        least=0.0,
        rank=29,
        added_later=True,
    )
    precision: Precision = setting("fp32", "Number format in which the generator computes.", rank=40)

    def __post_init__(self):
        whole_number("steps", self.steps, least=0)
        for name in ("learning_rate", "weight_rate", "temperature"):
            number = real_number(name, getattr(self, name), above=0)
            if is_array(getattr(self, name)):  # the settings are hashed, which arrays are not
                object.__setattr__(self, name, number)
        for name in ("bank_size", "starts", "passes"):
            whole_number(name, getattr(self, name), least=1)
        real_number("hold_out", self.hold_out, above=0, below=1)
        if self.target_psnr is not None:
            real_number("target_psnr", self.target_psnr)
        if self.passes > 1 and self.target_psnr is None:
            raise ArgumentError("`passes` needs `target_psnr`: it says which images are gone on with.")
        for name, legal in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("init", start_names()),
            ("keep", KEEP),
            ("precision", PRECISIONS),
        ):
            if not isinstance(getattr(self, name), str) or getattr(self, name) not in legal:
                raise ArgumentError(f"`{name}` must be one of {legal}, got {described(getattr(self, name))}.")

    def of_one_step(self) -> "Solve":
        """The same settings with what a single step does not depend on set to one value."""
        scheduled = self.schedule != "constant" and self.optimizer != "lbfgs"
        temperature = self.temperature if self.optimizer == "langevin" else 1.0
        plain = {"init": "random", "bank_size": 1, "starts": 1, "passes": 1, "hold_out": 0.1}
        keep = "held_out" if self.keep == "held_out" else "best"
        return replace(self, keep=keep, steps=self.steps if scheduled else 0, temperature=temperature, **plain)

    @property
    def matmul_precision(self) -> str:
        """JAX's name for the precision of matrix products and convolutions."""
        return MATMUL_PRECISION[self.precision]
