"""JAX, imported when it is first used: for modules of which the command line reads settings before it computes.

    from jaxprior.lazy_jax import Array, jax, jnp

    @register_dataclass
    @dataclasses.dataclass(frozen=True)
    class Exposure(Operator):
        def apply(self, x):
            return jnp.minimum(2 * x, 1)        # JAX is imported here, if nobody has imported it before

Importing JAX takes most of a second of processor time. A command that is refused does not need it, and neither does
help. Where JAX is there already, these names are JAX's own; so a module that imports JAX itself works as well, it only
answers later.
"""

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any, TypeVar


Kind = TypeVar("Kind", bound=type)

_waiting: list[Callable[[], Any]] = []
"""What is to be done as soon as JAX is imported."""


class _LazyModule(types.ModuleType):
    """Stands for a module until something of it is used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


class _ArrayType(type):
    """The type of a class whose instances are those of `jax.Array`. Without JAX there are none."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return is_imported() and isinstance(instance, sys.modules["jax"].Array)


if TYPE_CHECKING or "jax" in sys.modules:
    import jax as jax
    import jax.numpy as jnp
    from jax import Array as Array
else:
    jax, jnp = _LazyModule("jax"), _LazyModule("jax.numpy")

    class Array(metaclass=_ArrayType):
        """`jax.Array` in annotations and for `isinstance`."""


def is_imported() -> bool:
    """Whether this process has imported JAX, whoever did it."""
    return hasattr(sys.modules.get("jax"), "Array")


def register_dataclass(kind: Kind) -> Kind:
    """Register a dataclass as a pytree, as `jax.tree_util.register_dataclass` does, as soon as JAX is imported.

    Arguments:
        kind: a dataclass; fields with the metadata `static` are no leaves.

    Returns:
        the same class.

    Example:
        >>> from dataclasses import dataclass
        >>> @register_dataclass
        ... @dataclass(frozen=True)
        ... class Gain:
        ...     gain: float
        >>> jax.tree.leaves(Gain(0.5))
        [0.5]
    """
    when_imported(lambda: jax.tree_util.register_dataclass(kind))
    return kind


def when_imported(action: Callable[[], Any]) -> None:
    """Do something at once if JAX is imported, otherwise right after it will have been.

    Arguments:
        action: called without arguments, once.
    """
    if is_imported():
        action()
        return
    if not _waiting:
        sys.meta_path.insert(0, _Watcher())
    _waiting.append(action)


class _Watcher(MetaPathFinder):
    """Is asked by Python where each module lies that is imported, and so learns when JAX is."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find JAX as Python would have found it, with a loader that afterwards does what waits for it."""
        if fullname != "jax":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            setattr(spec.loader, "exec_module", _and_then(spec.loader.exec_module))  # noqa: B010  an instance's own
        return spec


def _and_then(load: Callable[[types.ModuleType], None]) -> Callable[[types.ModuleType], None]:
    """A loader's function that does, after loading a module, everything that waits for it."""

    def exec_module(module: types.ModuleType) -> None:
        load(module)
        while _waiting:
            _waiting.pop(0)()

    return exec_module
