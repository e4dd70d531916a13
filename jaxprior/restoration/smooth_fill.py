"""Fill holes of a picture smoothly from the known pixels around them, without a prior.

Two classical fills, each the solution u of a linear equation at the missing pixels, with the known pixels given:

- harmonic, L u = 0: the membrane that is stretched over the hole (Laplace's equation; Perez, Gangnet and Blake 2003,
  "Poisson image editing", use it to join pictures without a seam);
- biharmonic, L L u = 0: the thin plate, which also continues slopes into the hole (Damelin and Hoang 2018, as in
  scikit-image's `inpaint_biharmonic`).

L is the Laplacian of the grid of pixels: (L u)(p) is the number of neighbours of p times u(p), minus the sum of u over
these neighbours (up, down, left and right). A pixel at the border has fewer neighbours, so that nothing flows over the
border (Neumann's condition).

Both are solved by conjugate gradients, preconditioned by one or two V-cycles of multigrid. Everything is a float32
function of one picture, which works under `jit` and `vmap`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxprior.checks import as_array, described, is_array
from jaxprior.errors import ImageError, MaskError


Array = jax.Array
Map = Callable[[Array], Array]

MOST_ITERATIONS = 300
"""Of conjugate gradients. The membrane takes 10 to 20 at any size, the plate 16 to 80 at the sizes of priors; over a
hole of more than a hundred pixels a side the plate is not quite at its end after these, which cannot be seen."""

HARMONIC_TOLERANCE, BIHARMONIC_TOLERANCE = 1e-5, 1e-4
"""Largest residual of the equation at any pixel at which the iteration ends, for pictures in [-1, 1]."""

DAMPING = 0.8
"""Of Jacobi's iteration, which smooths on every level of the multigrid."""

SMALLEST_SIDE = 8
"""Of a level of the multigrid that is halved no further: more levels are hardly better and take longer to compile."""


def harmonic_fill(values: Array, missing: Array, inside: Array | None = None) -> Array:
    """Fill the missing pixels of one picture by the membrane over the known ones around them.

    Arguments:
        values: floats [h, w, c], usually in [-1, 1]. What stands at missing pixels is ignored, NaN for example.
        missing: [h, w], 1 (or true) = missing, 0 = known.
        inside: [h, w], 1 (or true) = part of the picture, 0 = padding, which is no neighbour of anything; everything
            is part of the picture where None.

    Returns:
        float32 [h, w, c]: the known pixels and the padding as they were given, and the missing pixels filled in. A part
        of the hole that touches no known pixel becomes 0, mid-grey.

    Raises:
        ImageError: `values` is no picture [h, w, c] of floats.
        MaskError: `missing` or `inside` has another size.

    Example:
        >>> ramp = jnp.broadcast_to(jnp.linspace(-1.0, 1.0, 9)[None, :, None], (9, 9, 3))
        >>> hole = jnp.zeros((9, 9)).at[3:6, 3:6].set(1)
        >>> bool(jnp.allclose(harmonic_fill(ramp, hole), ramp, atol=1e-4))
        True
    """
    values, grid = _checked(values, missing, inside)
    return jnp.where(grid.hole > 0, _harmonic(values, grid), values)


def biharmonic_fill(values: Array, missing: Array, inside: Array | None = None, *, start: Array | None = None) -> Array:
    """Fill the missing pixels of one picture by the thin plate through the known ones around them.

    The plate overshoots where slopes are steep. As in scikit-image, what is filled in stays within the range of the
    known pixels of its channel.

    Arguments:
        values, missing, inside: as for `harmonic_fill`.
        start: float32 [h, w, c], where the iteration begins: the harmonic fill, which is computed where None.

    Returns:
        float32 [h, w, c], as from `harmonic_fill`.

    Raises:
        ImageError, MaskError: as of `harmonic_fill`.

    Example:
        >>> columns = jnp.linspace(-1.0, 1.0, 9)
        >>> bowl = jnp.broadcast_to((columns[None, :, None] * columns[:, None, None]), (9, 9, 3))
        >>> hole = jnp.zeros((9, 9)).at[3:6, 3:6].set(1)
        >>> bool(jnp.allclose(biharmonic_fill(bowl, hole), bowl, atol=1e-3))
        True
    """
    values, grid = _checked(values, missing, inside)

    def plate(u: Array) -> Array:
        return grid.hole * grid.laplacian(grid.laplacian(u))

    known = jnp.where(grid.known > 0, values, 0.0)
    found = _conjugate_gradients(
        plate,
        -plate(known),
        start=_harmonic(values, grid) if start is None else jnp.where(grid.hole > 0, start, 0.0),
        precondition=lambda residual: jax.lax.fori_loop(0, 2, lambda _, u: grid.v_cycle(u), residual),
        tolerance=BIHARMONIC_TOLERANCE,
    )
    least = jnp.min(jnp.where(grid.known > 0, values, jnp.inf), axis=(0, 1), keepdims=True)
    most = jnp.max(jnp.where(grid.known > 0, values, -jnp.inf), axis=(0, 1), keepdims=True)
    return jnp.where(grid.hole > 0, jnp.clip(found, least, most), values)


class _Level(NamedTuple):
    """A hole on one grid of the multigrid; all are float32 [h, w, 1].

    Fields:
        hole: 1 where a value is wanted.
        inside: 1 where there is a picture.
        degree: number of neighbours inside.
    """

    hole: Array
    inside: Array
    degree: Array

    @classmethod
    def of(cls, hole: Array, inside: Array) -> "_Level":
        """Count the neighbours."""
        return cls(hole, inside, _neighbours(inside))

    def laplacian(self, u: Array) -> Array:
        """L u inside the picture and 0 outside, of u that is 0 outside."""
        return self.inside * (self.degree * u - _neighbours(u))

    def halved(self) -> "_Level":
        """The grid with half the sides. Its hole are those pixels all of whose four fine ones are in the hole."""
        return self.of(jnp.where(_pooled(self.hole) > 3.5, 1.0, 0.0), jnp.where(_pooled(self.inside) > 0.5, 1.0, 0.0))


class _Grid(NamedTuple):
    """The levels of a multigrid, finest first."""

    levels: tuple[_Level, ...]

    @property
    def hole(self) -> Array:
        return self.levels[0].hole

    @property
    def known(self) -> Array:
        return self.levels[0].inside - self.levels[0].hole

    def laplacian(self, u: Array) -> Array:
        return self.levels[0].laplacian(u)

    def v_cycle(self, residual: Array) -> Array:
        """About the solution u of hole * L u = residual; linear and symmetric in the residual."""
        return _v_cycle(self.levels, residual)


def _checked(values: Any, missing: Any, inside: Any) -> tuple[Array, _Grid]:
    """The picture as float32, and the multigrid of its hole."""
    values = as_array("values", values)
    if not is_array(values) or values.ndim != 3 or not jnp.issubdtype(values.dtype, jnp.floating):
        raise ImageError(f"`values` must be one picture [h, w, c] of floats, got {described(values)}.")
    size = values.shape[:2]
    hole = _checked_mask("missing", missing, size)
    everywhere = 1.0 + 0.0 * hole  # no constant, whose neighbours XLA would count slowly while it compiles
    there = everywhere if inside is None else _checked_mask("inside", inside, size)
    levels = [_Level.of(hole * there, there)]
    while min(levels[-1].hole.shape[:2]) > SMALLEST_SIDE:
        levels.append(levels[-1].halved())
    return jnp.asarray(values, jnp.float32), _Grid(tuple(levels))


def _checked_mask(name: str, mask: Any, size: tuple[int, ...]) -> Array:
    mask = as_array(name, mask)
    if not is_array(mask) or mask.shape != size:
        raise MaskError(f"`{name}` must be an array {list(size)}, as large as the picture, got {described(mask)}.")
    return jnp.where(jnp.asarray(mask) > 0, 1.0, 0.0)[..., None]


def _harmonic(values: Array, grid: _Grid) -> Array:
    """The membrane at the missing pixels, and 0 elsewhere."""
    return _conjugate_gradients(
        lambda u: grid.hole * grid.laplacian(u),
        -grid.hole * grid.laplacian(jnp.where(grid.known > 0, values, 0.0)),
        precondition=grid.v_cycle,
        tolerance=HARMONIC_TOLERANCE,
    )


def _conjugate_gradients(
    operator: Map, right: Array, *, precondition: Map, tolerance: float, start: Array | None = None
) -> Array:
    """Solve operator(u) = right, every channel by itself.

    Arguments:
        operator: symmetric and positive definite on the hole, 0 elsewhere; so is what it is applied to.
        right: [h, w, c].
        precondition: about the inverse of the operator.
        tolerance: of the residual, see `HARMONIC_TOLERANCE`.
        start: u at the beginning; 0 where None, to which the operator is not applied, for XLA would do that while it
            compiles, for seconds if the picture is large.
    """
    inner = partial(jnp.sum, axis=(0, 1), keepdims=True)

    def unsolved(state):
        _, residual, _, _, count = state
        return (jnp.max(jnp.abs(residual)) > tolerance) & (count < MOST_ITERATIONS)

    def iterate(state):
        u, residual, direction, before, count = state
        preconditioned = precondition(residual)
        product = inner(residual * preconditioned)
        direction = preconditioned + _ratio(product, before) * direction
        image = operator(direction)
        step = _ratio(product, inner(direction * image))
        return u + step * direction, residual - step * image, direction, product, count + 1

    nothing = jnp.zeros_like(right)  # the first direction adds to no other
    u, residual = (nothing, right) if start is None else (start, right - operator(start))
    state = (u, residual, nothing, inner(nothing), jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(unsolved, iterate, state)[0]


def _ratio(above: Array, below: Array) -> Array:
    """The quotient, or 0 for a channel that is solved exactly."""
    return jnp.where(below > 0, above / jnp.where(below > 0, below, 1.0), 0.0)


def _v_cycle(levels: tuple[_Level, ...], right: Array) -> Array:
    """One step of Jacobi's iteration, a correction by the coarser grids, and another step."""
    level = levels[0]
    weight = DAMPING * level.hole / jnp.maximum(level.degree, 1.0)
    u = weight * right
    if len(levels) > 1:
        left = level.hole * (right - level.laplacian(u))
        u = u + level.hole * _repeated(_v_cycle(levels[1:], _pooled(left)), level.hole.shape)
    return u + weight * (right - level.laplacian(u))


def _neighbours(u: Array) -> Array:
    """The sum over the four neighbours, [h, w, c]; beyond the border there are none."""
    of_three = partial(_windows, u, strides=(1, 1, 1), padding="SAME")
    return of_three(window=(3, 1, 1)) + of_three(window=(1, 3, 1)) - 2 * u


def _pooled(u: Array) -> Array:
    """Sums over squares of two by two pixels; an odd side is continued by zeros."""
    h, w, _ = u.shape
    return _windows(u, window=(2, 2, 1), strides=(2, 2, 1), padding=((0, h % 2), (0, w % 2), (0, 0)))


def _windows(u: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Any) -> Array:
    """Sums over windows: one operation each, which is compiled sooner than slices that are added."""
    return jax.lax.reduce_window(u, 0.0, jax.lax.add, window, strides, padding)


def _repeated(u: Array, shape: tuple[int, ...]) -> Array:
    """Every pixel repeated two by two, cut to the height and width of the shape."""
    h, w, c = u.shape
    return jnp.broadcast_to(u[:, None, :, None], (h, 2, w, 2, c)).reshape(2 * h, 2 * w, c)[: shape[0], : shape[1]]
