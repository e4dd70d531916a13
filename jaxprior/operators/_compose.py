"""Several degradations, one after the other: `Compose`."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array

from jaxprior.checks import described, is_array
from jaxprior.errors import ArgumentError
from jaxprior.operators._base import Image, Images, Operator, as_image, require_batch


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Compose(Operator):
    """A(x) = A_n(... A_2(A_1(x))): operators in the order in which they happened to the photo.

    Arguments:
        operators: one or more; each one's arrays must fit what the one before it gives.

    Raises:
        `ValueError` for no operators, or one that is not in a tuple.

    Example:
        >>> task = Compose((SuperResolve(4), Denoise(0.1)))
        >>> task.label
        'superres x4 bilinear + denoise 0.1'
        >>> task.apply(jnp.ones((64, 64, 3))).shape
        (16, 16, 3)
    """

    operators: tuple[Operator, ...] | list[Operator]

    name = "compose"

    def __post_init__(self):
        if isinstance(self.operators, list):
            object.__setattr__(self, "operators", tuple(self.operators))
        if not isinstance(self.operators, tuple) or self.operators == ():
            raise ArgumentError(
                "Compose: expected a tuple of one or more operators, `Compose((first, second))`, got "
                f"{described(self.operators)}."
            )
        for operator in self.operators:
            if isinstance(operator, str | type | int | float) or is_array(operator):
                raise ArgumentError(f"Compose: expected operators in `operators`, got {described(operator)}.")

    @property
    def linear(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  as linear as its operators
        """Whether all operators are linear."""
        return all(operator.linear for operator in self.operators)

    @property
    def observes_pictures(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  as its operators do
        """Whether what comes out of every operator is a picture."""
        return all(getattr(operator, "observes_pictures", False) for operator in self.operators)

    @property
    def observes_numbers(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  as its last one does
        """Whether what comes out of the last operator is a list of numbers."""
        return getattr(self.operators[-1], "observes_numbers", False)

    @property
    def takes_volumes(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]  as its operators do
        """Whether all operators take volumes."""
        return all(getattr(operator, "takes_volumes", False) for operator in self.operators)

    @property
    def label(self) -> str:
        """The operators' labels in their order, joined by " + "."""
        return " + ".join(operator.label for operator in self.operators)

    def apply(self, x: Image) -> Array:
        """Degrade one image `[h, w, c]` by all operators."""
        return self._stages(x)[-1]

    def observe(self, photos: Images, *, key: Array | None = None) -> Array:
        """Degrade a batch of clean photos by all operators, each with randomness of its own.

        Arguments:
            photos: `[b, h, w, c]` in [-1, 1].
            key: random keys `[b]`, one an image, if any operator adds noise; the others need none.

        Returns:
            observations of the last operator, leading axis b.

        Raises:
            `ValueError` as the operators do.
        """
        observed = jnp.asarray(require_batch(photos))
        for i, operator in enumerate(self.operators):
            own = None if key is None else jax.vmap(jax.random.fold_in, (0, None))(key, i)
            observed = operator.observe(observed, key=own)
        return observed

    def compared(self, observed: Array) -> Array:
        """What the last operator compares.

        What an earlier one lost cannot be told from here: where an earlier `Inpaint` has its hole, an observation has
        to look as `observe` leaves it. Put the mask last if it may show anything.
        """
        return self.operators[-1].compared(observed)

    def shown(self, observed: Array) -> Array:
        """What is compared; or, of a list of numbers, the picture that the last operator makes of it."""
        return self.operators[-1].shown(observed) if self.observes_numbers else self.compared(observed)

    def seen(self, compared: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """What the last operator shows of its input, and so on to the photo; known is what all of them leave known."""
        blank = jax.ShapeDtypeStruct(shape, compared.dtype)
        stages = [jax.eval_shape(lambda x, k=k: self._stages(x)[k], blank) for k in range(len(self.operators))]
        known: Array | None = None
        for operator, stage in zip(reversed(self.operators), reversed(stages), strict=True):
            compared, left = operator.seen(operator.compared(compared), stage.shape)
            if known is not None:
                known, _ = Operator.seen(operator, known, (*stage.shape[:-1], 1))
                left = left * known
            known = left
        assert known is not None  # there is one operator at least
        return compared * known, known

    def simulate(self, x: Image) -> Array:
        """What every operator repeats, one after the other."""
        simulated = jnp.asarray(x)
        for operator in self.operators:
            simulated = getattr(type(operator), "simulate", type(operator).apply)(operator, simulated)
        return simulated

    def merge(self, observed: Array, restored: Image) -> Array:
        """Put back what is known for certain, from the last operator to the first.

        Each operator merges what is known of its output into what the restored image has at that stage; the result is
        what is known of its input. An operator that keeps nothing (a blur) hands the restored stage on, so nothing
        uncertain passes it.
        """
        stages = self._stages(restored)[:-1]
        for operator, stage in zip(reversed(self.operators), reversed(stages), strict=True):
            observed = operator.merge(observed, stage)
        return observed

    def _stages(self, x: Image) -> list[Array]:
        """The image before the first operator, then after every one."""
        stages = [as_image(x)]
        for operator in self.operators:
            stages.append(operator.apply(stages[-1]))
        return stages
