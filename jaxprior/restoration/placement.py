"""A set of pictures as lanes of the engine: several starts of a picture, further passes, spread over devices.

A CPU solves one picture at a time on each of its devices, or eight if each is a single code, whose step would mostly
wait for the weights: more at once are not faster there (docs/runs.md). Their number is fixed and groups are padded, so
that no result depends on the batch it was in, to the bit. An accelerator solves as many at once as it is told to.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxprior.errors import MemoryLimitError
from jaxprior.inversion import batching
from jaxprior.inversion.batching import Batch
from jaxprior.inversion.engine import Codes, choose, compile_step
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.state import Moment
from jaxprior.operators import Operator, take
from jaxprior.restoration.banks import sample_bank
from jaxprior.restoration.memory import FULL_SPEED, GIB, Economy, Recomputed, economies, limit_of
from jaxprior.weights.priors import Prior
from jaxprior.weights.storage import flatten, unflatten


Array = jax.Array
Progress = Callable[[int, int, int, int, float], None]
FIXED = ("cpu",)
"""Kinds of devices to which a larger batch brings no speed, and the number of pictures at once is ours to choose."""
TOGETHER = 8
"""Single codes at once on such a device."""


class Keeper(Protocol):
    """Where a group in flight is saved, so that an interrupted one can be gone on with."""

    def due(self) -> bool:
        """Whether it should be saved now; asked between chunks."""

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """Keep these arrays and forget earlier ones."""

    def load(self) -> Mapping[str, np.ndarray] | None:
        """What was saved last, or None."""


class Lanes:
    """A prior and a method made ready on some devices, for any number of pictures.

    Arguments:
        prior: the generator.
        codes, objective, solve: what is optimised, what is minimised, and how.
        devices: over which the pictures are spread; all of this process by default.

    Fields:
        economy: what is done to save memory; nothing at first, see `fitted`.

    Raises:
        ValueError: a layer that the prior does not have.
    """

    def __init__(
        self,
        prior: Prior,
        *,
        codes: Codes,
        objective: Objective,
        solve: Solve,
        devices: Sequence[jax.Device] | None = None,
    ):
        self.devices = list(devices or jax.local_devices())
        alone = self.devices == jax.local_devices()[:1]
        mesh = None if alone else Mesh(np.array(self.devices), ("image",))
        self._by_image = None if mesh is None else NamedSharding(mesh, PartitionSpec("image"))
        everywhere = None if mesh is None else NamedSharding(mesh, PartitionSpec())
        self.codes, self.settings = codes, solve
        bank = sample_bank(prior, solve.bank_size) if solve.init == "bank" else None
        platform = self.devices[0].platform
        generator = prior.split(codes.layer, precision=solve.precision, platform=platform)
        ready = (generator, objective.prepared(platform), bank)
        self.generator, self.objective, self.bank = ready if mesh is None else jax.device_put(ready, everywhere)
        self.economy = FULL_SPEED

    def with_economy(self, economy: Economy) -> "Lanes":
        """The same, with a step that saves memory."""
        other = copy.copy(self)
        other.economy = economy
        other.generator = replace(self.generator, recompute=economy.recompute, at_once=economy.at_once)
        if economy.recompute and not self.economy.recompute and self.objective.features is not None:
            other.objective = replace(self.objective, features=Recomputed(self.objective.features))
        return other

    def thriftier(self) -> "Lanes | None":
        """The same with a step that needs less memory and more time, or None if there is none."""
        ways = economies(self.codes.num_codes, self.devices[0].platform)
        later = ways[ways.index(self.economy) + 1 :] if self.economy in ways else []
        return self.with_economy(later[0]) if later else None

    def fitted(
        self, operator: Operator, observed: Any, *, size: int, memory: float | None = None
    ) -> tuple["Lanes", int]:
        """The same, for so many pictures at once, and with such a step, as the memory of the devices holds.

        Arguments:
            operator, observed: as for `compiled`.
            size: pictures wanted at once.
            memory: bytes that a step may need on each device, if less than the device has. A CPU does not tell what it
                has; without a number it gets what is wanted.

        Returns:
            (lanes, pictures in a group).

        Raises:
            MemoryLimitError: not even one picture on each device fits.
        """
        limit, size, lanes = limit_of(self.devices, memory), self.group(size), self
        while limit is not None and (needs := lanes.step_bytes(operator, observed, size=size)) > limit:
            each = size if lanes.fixed else len(self.devices)
            smaller = min(int(size * limit / needs) // each * each, size - each)
            thrifty = lanes.thriftier()
            if smaller > 0:
                size = smaller
            elif size > each:
                size = each
            elif thrifty is not None:
                lanes, size = thrifty, thrifty.group(size)
            else:
                raise MemoryLimitError(
                    f"A step of one picture needs {needs / GIB:.2f} GiB with one code at a time, and may take "
                    f"{limit / GIB:.2f} GiB: use a smaller prior or another device."
                )
        return lanes, size

    def group(self, wanted: int) -> int:
        """Pictures in one compiled shape where so many are wanted at once: a multiple of the devices."""
        each = len(self.devices)
        if not self.fixed:
            return -(-wanted // each) * each
        together = self.codes.num_codes == 1 and not self.economy.alone
        return each * max(TOGETHER // self.settings.starts, 1) if together else each

    @property
    def fixed(self) -> bool:
        """Whether a group has the same size, whatever is wanted."""
        return self.devices[0].platform in FIXED

    def compiled(self, operator: Operator, observed: Any, *, size: int) -> jax.stages.Compiled:
        """The program of one step of a group, compiled and not run.

        Arguments:
            operator: forward operator of one picture, arrays shared; observed: shape and type of one observation.
            size: pictures wanted at once.
        """
        lanes = self.group(size) * self.settings.starts

        def stacked(leaf: Any) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct((lanes, *np.shape(leaf)), leaf.dtype, sharding=self._by_image)

        key = jax.eval_shape(lambda: jax.random.key(0))
        return compile_step(
            self.generator, self.objective, jax.tree.map(stacked, operator), stacked(observed), stacked(key),
            codes=self.codes, solve=self.settings,
        )  # fmt: skip

    def step_bytes(self, operator: Operator, observed: Any, *, size: int) -> int:
        """Bytes on each device that one step of a group needs, weights and latents included, as the compiler plans it.

        Arguments:
            operator, observed, size: as for `compiled`.
        """
        needs = self.compiled(operator, observed, size=size).memory_analysis()
        return (
            needs.argument_size_in_bytes
            + needs.output_size_in_bytes
            - needs.alias_size_in_bytes
            + needs.temp_size_in_bytes
            + needs.generated_code_size_in_bytes
        )

    def solve(
        self,
        operator: Operator,
        observed: Array,
        keys: Array,
        *,
        size: int,
        progress: Progress | None = None,
        keeper: Keeper | None = None,
    ) -> dict[str, Any]:
        """Solve every lane, go on with those that miss the target, and average the starts of a picture.

        A target PSNR ends some pictures early; the next ones then take their places.

        Arguments:
            operator: forward operator, all arrays with a leading axis b; observed: observations [b, ...].
            keys: one random key per picture [b]; the first start uses it as it is, the others are folded in.
            size: pictures wanted at once; the last group is padded.
            progress: called with (pictures done, pictures, steps done, steps, mean loss of those that run).
            keeper: where everything is saved, what was found of these pictures and what is in flight.

        Returns:
            dict with images [b, r, r, c], latents (leading axis b, then the starts if there are several), loss, psnr,
            step [b], trace [b, steps + 1] and seconds [b].
        """
        starts, solve = self.settings.starts, self.settings
        lanes = np.arange(len(observed) * starts)
        turn, found, saved = _unpacked(None if keeper is None else keeper.load())

        watched = keeper is not None or progress is not None  # else nobody waits for a device between chunks

        def on_chunk(moment: Moment) -> None:
            if keeper is not None and keeper.due():
                keeper.save(_packed(turn, found, moment))
            if progress is not None:
                done, pictures = int(moment.ended.sum() / starts), int(len(moment.ended) / starts)
                progress(done, pictures, moment.steps, solve.steps, moment.loss)

        while turn < solve.passes:
            short = lanes if found is None else np.flatnonzero(~(np.asarray(found["psnr"]) >= solve.target_psnr))
            if not len(short):
                break
            start = None if found is None else jax.tree.map(lambda x, short=short: x[short], found["latents"])
            again = batching.solve(
                self.generator, self.objective, _Lanes(self, operator, observed, keys, short, start),
                size=self.group(size) * starts, codes=self.codes, solve=solve, bank=self.bank,
                on_chunk=on_chunk if watched else None, resume=saved,
            )  # fmt: skip
            found = again if found is None else _better(found, again, short)
            turn, saved = turn + 1, None
        return _average(found, starts)

    def place(self, tree: Any) -> Any:
        """Arrays with a leading axis of a group's lanes, each lane to its device."""
        return tree if self._by_image is None else jax.device_put(tree, self._by_image)


class _Lanes:
    """Some lanes as problems of the engine. Lane i is start i % starts of picture i // starts.

    Arguments:
        ready: where they are solved.
        operator, observed, keys: of all pictures.
        lanes: which; start: latents of all of them to go on from, or None.
    """

    def __init__(self, ready: Lanes, operator: Operator, observed: Array, keys: Array, lanes: np.ndarray, start: Any):
        self.ready, self.lanes, self.start = ready, lanes, start
        self.operator, self.observed, self.keys = operator, observed, keys

    def __len__(self) -> int:
        return len(self.lanes)

    def take(self, indices: np.ndarray) -> Batch:
        """Some of them, spread over the devices."""
        row, nth = np.divmod(self.lanes[indices], self.ready.settings.starts)
        keys = jax.vmap(lambda k, s: jnp.where(s == 0, k, jax.random.fold_in(k, s)))(self.keys[row], nth)
        start = None if self.start is None else jax.tree.map(lambda x: jnp.asarray(x[indices]), self.start)
        batch = Batch(take(self.operator, row), self.observed[row], keys, jnp.asarray(nth), start)
        return self.ready.place(batch)


def _packed(turn: int, found: dict | None, moment: Moment) -> dict[str, np.ndarray]:
    """A group in flight as named arrays: the pass, what earlier passes found, where this one stands."""
    arrays = {"pass": np.array(turn), **{f"moment/{name}": array for name, array in moment.to_arrays().items()}}
    if found is not None:
        arrays |= {f"found/{name}": np.asarray(array) for name, array in flatten(found).items()}
    return arrays


def _unpacked(arrays: Mapping[str, np.ndarray] | None) -> tuple[int, dict | None, dict | None]:
    if arrays is None:
        return 0, None, None
    parts = {"found": {}, "moment": {}}
    for name, array in arrays.items():
        kind, _, rest = name.partition("/")
        if kind in parts:
            parts[kind][rest] = array
    return int(arrays["pass"]), unflatten(parts["found"]) or None, parts["moment"]


def _better(found: dict, again: dict, lanes: np.ndarray) -> dict:
    """What two passes found: of each lane that was gone on with, the better one; the times of both."""
    old = jax.tree.map(lambda x: x[lanes], found)
    wins = jnp.asarray(np.isfinite(again["loss"]) & ~(again["loss"] >= old["loss"]))
    chosen = choose(wins, again, old)
    chosen["seconds"] = again["seconds"] + old["seconds"]
    return jax.tree.map(lambda x, new: jnp.asarray(x).at[lanes].set(new), found, chosen)


def _average(found: dict, starts: int) -> dict:
    """Lanes -> pictures: images, losses and traces averaged over the starts that have a finite loss."""
    if starts == 1:
        return jax.tree.map(jnp.asarray, found)
    found = jax.tree.map(lambda x: jnp.asarray(x).reshape(-1, starts, *x.shape[1:]), found)
    sound = jnp.isfinite(found["loss"])

    def mean(x: Array) -> Array:
        use = sound.reshape(sound.shape + (1,) * (x.ndim - 2))
        return jnp.where(use, x, 0).sum(axis=1) / jnp.maximum(use.sum(axis=1), 1)

    found["images"], found["psnr"] = mean(found["images"]), mean(found["psnr"])
    found["loss"] = jnp.where(sound.any(axis=1), mean(found["loss"]), jnp.inf)
    found["trace"] = found["trace"].mean(axis=1)
    found["step"], found["seconds"] = found["step"].max(axis=1), found["seconds"].sum(axis=1)
    return found
