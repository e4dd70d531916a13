"""How the latents are optimised: optimiser, schedule, number of steps, which iterate is kept, precision."""

from dataclasses import dataclass, replace

import optax


OPTIMIZERS = ("adam", "sgd")
SCHEDULES = ("constant", "cosine")
KEEP = ("best", "last")
PRECISIONS = ("fp32", "tf32", "bf16")


@dataclass(frozen=True, kw_only=True)
class Solve:
    """How an inversion is solved; every choice is a plain value.

    Fields:
        steps: gradient evaluations, one an iteration.
        optimizer: "adam" (0.9, 0.999, 1e-8) or "sgd" (plain, as the public mGANprior code).
        learning_rate: of the optimiser.
        schedule: "constant", or "cosine" to zero over the steps.
        keep: "best": the iterate with the lowest finite loss; "last": the last one, as the public code does.
        precision: "fp32" (highest), "tf32", or "bf16" (the generator's convolutions only). Latents, optimiser state,
            norms and losses stay float32.
    """

    steps: int = 300
    optimizer: str = "adam"
    learning_rate: float = 0.05
    schedule: str = "constant"
    keep: str = "best"
    precision: str = "fp32"

    def __post_init__(self):
        if self.steps < 0:
            raise ValueError(f"`steps` must be 0 or more, got {self.steps}")
        if not self.learning_rate > 0:
            raise ValueError(f"`learning_rate` must be positive, got {self.learning_rate}")
        for name, legal in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("keep", KEEP),
            ("precision", PRECISIONS),
        ):
            if getattr(self, name) not in legal:
                raise ValueError(f"`{name}` must be one of {legal}, got {getattr(self, name)!r}")

    def of_one_step(self) -> "Solve":
        """The same settings with what a single step does not depend on set to one value."""
        return replace(self, keep="best", steps=self.steps if self.schedule == "cosine" else 0)

    @property
    def matmul_precision(self) -> str:
        """JAX's name for the precision of matrix products and convolutions."""
        return {"fp32": "highest", "tf32": "tensorfloat32", "bf16": "default"}[self.precision]


def make_optimizer(solve: Solve) -> optax.GradientTransformation:
    """The optax optimiser of a `Solve`. It acts element by element, so that a batch is a set of separate problems."""
    rate = solve.learning_rate
    if solve.schedule == "cosine":
        rate = optax.cosine_decay_schedule(rate, max(solve.steps, 1))
    return {"adam": optax.adam, "sgd": optax.sgd}[solve.optimizer](rate)
