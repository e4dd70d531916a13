"""Checks of arguments at the public borders: numbers, words, random keys and the shapes of arrays.

Each check is a function of the argument's name and value. It returns what the function that was called goes on with,
or raises one sentence that names the argument and says what was expected, what was given and what to do.

Inside of a user's `jit`, `vmap` or `grad` the values of arrays are not known. There only types and shapes are checked.
JAX is imported when it is needed, because the command line answers without it.
"""

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxprior.errors import ArgumentError, JaxpriorError
from jaxprior.lazy_jax import Array, is_imported, jax


LONGEST = 60
"""Characters of a value that are repeated in a sentence."""


def described(value: Any) -> str:
    """What was given, for the end of a sentence: type and shape of an array, the value of anything short.

    Example:
        >>> described(np.zeros((2, 3), np.uint8)), described("cats32"), described(2.5)
        ('an array uint8 [2, 3]', "'cats32'", '2.5')
    """
    if is_array(value):
        return f"an array {value.dtype} {list(np.shape(value))}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, (str, bytes, int, float, complex, type(None))):
        text = repr(value)
        return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
    return f"a {type(value).__name__}"


def is_array(value: Any) -> bool:
    """Whether a value is an array of NumPy or JAX, be it traced."""
    return hasattr(value, "dtype") and hasattr(value, "shape")


def as_array(name: str, value: Any) -> Any:
    """An array in a form that JAX takes: what another library holds becomes an array of NumPy.

    Arguments:
        name: of the argument.
        value: what was given. Arrays of NumPy in another byte order, or of more than 64 bits, are converted; arrays of
            JAX, and what is no array at all, are returned as they are.

    Raises:
        ArgumentError: a masked array with masked values, because every computation would use them like the others; or
            an array of another library that NumPy cannot read.

    Example:
        >>> as_array("x", np.ones(2, ">f4")).dtype.isnative
        True
    """
    if np.ma.is_masked(value):
        raise ArgumentError(
            f"`{name}` is a masked array, and its masked values would count like all others; fill them with "
            f"`{name}.filled(0)`, and say what is missing by a mask of 0 and 1."
        )
    if isinstance(value, Array) or isinstance(getattr(value, "dtype", None), np.dtype):
        if not isinstance(value, np.ndarray):
            return value
        value = np.asarray(value)
        dtype = np.dtype(np.float64) if value.dtype.kind == "f" and value.dtype.itemsize > 8 else value.dtype
        return value.astype(dtype.newbyteorder("="), copy=False)
    if isinstance(value, type) or not (hasattr(value, "__array__") or hasattr(value, "__array_interface__")):
        return value
    try:
        return np.asarray(value)
    except Exception as error:  # whatever another library raises, of a tensor on a GPU for example
        raise ArgumentError(
            f"`{name}` cannot be read as an array of NumPy, got {described(value)}; convert it, as with "
            "`.detach().cpu().numpy()`."
        ) from error


def tree_of_arrays(name: str, network: Any) -> None:
    """Refuse a network that is no pytree of arrays, and so cannot be an argument of compiled functions.

    Raises:
        ArgumentError: naming what it holds.
    """
    leaves = jax.tree.leaves(network)
    others = [leaf for leaf in leaves if not (is_array(leaf) or isinstance(leaf, int | float | complex))]
    if others:
        raise ArgumentError(
            f"`{name}` must be a pytree of arrays, as arguments of compiled functions are, but it holds "
            f"{described(others[0])}; `jax.tree_util.Partial(function)` makes one of a function."
        )


def is_traced(*trees: Any) -> bool:
    """Whether any array in some trees has no values yet, because a transformation of JAX traces the program."""
    if not is_imported():
        return False
    from jax.core import Tracer

    return any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(trees))


def whole_number(
    name: str, value: Any, *, least: int | None = None, most: int | None = None,
    error: type[JaxpriorError] = ArgumentError,
) -> int:  # fmt: skip
    """Require a whole number.

    Arguments:
        name: of the argument.
        value: what was given.
        least, most: its bounds, both included, or None.
        error: what is raised.

    Raises:
        ArgumentError: or another error that was asked for, if it is no whole number, or out of bounds. True and False
            are not numbers.

    Example:
        >>> whole_number("steps", 50, least=0)
        50
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if whole and (least is None or value >= least) and (most is None or value <= most):
        return int(value)
    raise error(_sentence(name, _bounded("" if whole else "a whole number", least, most), value, ""))


def real_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
    most: float | None = None,
) -> float:
    """Require a finite number.

    Arguments:
        name: of the argument.
        value: what was given; an array of one number counts.
        above, below: bounds that are excluded, or None.
        least, most: bounds that are included, or None.

    Raises:
        ArgumentError: it is no number, not finite, or out of bounds.

    Example:
        >>> real_number("learning_rate", 1, above=0)
        1.0
    """
    scalar = is_array(value) and np.shape(value) == () and np.dtype(value.dtype).kind in "iuf"
    number = math.nan
    if (scalar or isinstance(value, int | float)) and not isinstance(value, bool):
        number = float(value)
    inside = (above is None or number > above) and (below is None or number < below)
    inside = inside and (least is None or number >= least) and (most is None or number <= most)
    if math.isfinite(number) and inside:
        return number
    kind = "" if math.isfinite(number) else "a finite number"
    raise ArgumentError(_sentence(name, _bounded(kind, least, most, above, below), value, ""))


def one_of(name: str, value: Any, legal: Iterable[str]) -> str:
    """Require one of some words.

    Raises:
        ArgumentError: it is none of them.

    Example:
        >>> one_of("window", "uniform", ("uniform", "gaussian"))
        'uniform'
    """
    legal = list(legal)
    if isinstance(value, str) and value in legal:
        return value
    raise ArgumentError(_sentence(name, f"one of {', '.join(legal)}", value, ""))


def file_path(name: str, value: Any, noun: str = "a file") -> Path:
    """Require a path.

    Arguments:
        name: of the argument.
        value: what was given.
        noun: what the path is of.

    Raises:
        ArgumentError: it is no path, or an empty one, which would be the working folder.

    Example:
        >>> file_path("path", "photos/cat.png").name
        'cat.png'
    """
    if isinstance(value, str | os.PathLike) and str(value):
        return Path(value)
    raise ArgumentError(_sentence(name, f"the path of {noun}", value, ""))


def kind_of(name: str, value: Any, kinds: type | tuple[type, ...], expected: str, advice: str = "") -> Any:
    """Require an object of a class.

    Arguments:
        name: of the argument.
        value: what was given.
        kinds: the class or runtime-checkable protocol, or several.
        expected: words for what is wanted; advice: what to do, the end of the sentence.

    Raises:
        ArgumentError: it is something else; of a class the sentence says that it has to be called.
    """
    if not isinstance(value, type) and isinstance(value, kinds):
        return value
    if isinstance(value, type):
        advice = f"write {value.__name__}(...) with its arguments"
    raise ArgumentError(_sentence(name, expected, value, advice))


def random_key(name: str, value: Any) -> Any:
    """Require one random key of JAX, and return it in its new style, so that both styles give the same program.

    Arguments:
        name: of the argument.
        value: a key as `jax.random.key(0)` makes it, or one in the old style of `jax.random.PRNGKey(0)`.

    Raises:
        ArgumentError: it is something else, or holds several keys.

    Example:
        >>> random_key("key", jax.random.PRNGKey(0)) == jax.random.key(0)
        Array(True, dtype=bool)
    """
    advice = "`jax.random.key(0)` makes one"
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        advice = f"`jax.random.key({value})` makes one of this number"
    dtype: Any = getattr(value, "dtype", None)
    if is_array(value) and jax.numpy.issubdtype(dtype, jax.dtypes.prng_key):
        if np.shape(value) == ():
            return value
        advice = f"`{name}[0]` is the first of them, and each picture gets its own share of one key by itself"
    elif is_array(value) and dtype == np.uint32 and np.shape(value) == _old_key_shape():
        return jax.random.wrap_key_data(jax.numpy.asarray(value))
    raise ArgumentError(_sentence(name, "one random key of JAX", value, advice))


def float_array(name: str, value: Any, layout: Sequence[int | str], *, meaning: str, advice: str = "") -> Any:
    """Require an array of floats of a shape. Its values are not looked at, so that this works in compiled code.

    Arguments:
        name: of the argument.
        value: what was given.
        layout: of every axis its length, or a letter for any length.
        meaning: what the array holds, for the sentence.
        advice: what to do, the end of the sentence.

    Raises:
        ArgumentError: it is no array, holds no floats, or has another shape.

    Example:
        >>> float_array("z", np.zeros((2, 16), np.float32), ("b", 16), meaning="latent codes").shape
        (2, 16)
    """
    value = as_array(name, value)
    shape = np.shape(value) if is_array(value) else ()
    fits = len(shape) == len(layout) and all(
        isinstance(wanted, str) or wanted == length for wanted, length in zip(layout, shape, strict=True)
    )
    if is_array(value) and is_float(value) and fits:
        return value
    letters = ", ".join(map(str, layout))
    raise ArgumentError(_sentence(name, f"{meaning}, floats [{letters}]", value, advice))


def is_float(array: Any) -> bool:
    """Whether an array holds floating-point numbers, those of 16 bits included."""
    return bool(jax.numpy.issubdtype(array.dtype, np.floating))


def _old_key_shape() -> tuple[int, ...]:
    return jax.eval_shape(jax.random.key_data, jax.eval_shape(lambda: jax.random.key(0))).shape


def _bounded(
    kind: str, least: float | None, most: float | None, above: float | None = None, below: float | None = None
) -> str:
    """What was expected: the kind, if that is missing, and the bounds."""
    bounds = []
    if least is not None and most is not None:
        bounds.append(f"from {least:g} to {most:g}")
    elif least is not None:
        bounds.append(f"{least:g} or more")
    elif above is not None and below is not None:
        bounds.append(f"between {above:g} and {below:g}")
    elif above is not None:
        bounds.append("positive" if above == 0 else f"above {above:g}")
        bounds += [] if most is None else [f"at most {most:g}"]
    elif most is not None:
        bounds.append(f"at most {most:g}")
    return ", ".join([kind, *bounds] if kind else bounds)


def _sentence(name: str, expected: str, value: Any, advice: str) -> str:
    end = f"; {advice}." if advice else "."
    return f"`{name}` must be {expected}, got {described(value)}{end}"
