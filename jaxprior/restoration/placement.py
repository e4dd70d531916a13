"""A prior and a method placed on devices: several starts of each picture, further passes, batches that fit the memory.

Every start of every picture is an entry of a batch of its own; entry i is start i % starts of picture i // starts.

A CPU solves one picture at a time on each of its devices, or eight if each is a single code, whose step would mostly
wait for the weights: more at once are not faster there (docs/runs.md). Their number is fixed and groups are padded, so
that no result depends on the batch it was in, to the bit. An accelerator solves as many at once as it is told to.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxprior.errors import MemoryLimitError
from jaxprior.inversion import batching
from jaxprior.inversion.batching import Batch
from jaxprior.inversion.codes.tuned import CHANGE, TunedCode
from jaxprior.inversion.engine import CHUNK, choose, compile_ahead, compile_step, step_shapes, trace_step
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.starts import GivenStart, make_start
from jaxprior.inversion.starts.given import check_given
from jaxprior.inversion.state import BatchState, named, nested
from jaxprior.operators import Operator, take
from jaxprior.protocols import Codes
from jaxprior.restoration.banks import sample_bank
from jaxprior.restoration.costs import StepCost, count
from jaxprior.restoration.memory import (
    FULL_SPEED,
    MemoryPlan,
    Recomputed,
    limit_of,
    memory_plans,
    planned_bytes,
    too_much,
)
from jaxprior.restoration.tuning import joined, no_changes, objective_of_tuning, solve_of_tuning
from jaxprior.system.activity import doing
from jaxprior.system.devices import Device
from jaxprior.system.programs import compiling, is_known
from jaxprior.weights.priors import Prior


Array = jax.Array
Progress = Callable[[int, int, int, int, float], None]
FIXED = ("cpu",)
"""Kinds of devices to which a larger batch brings no speed, and the number of pictures at once is ours to choose."""
TOGETHER = 8
"""Single codes at once on such a device."""


@runtime_checkable
class SavePoint(Protocol):
    """Where a group in flight is saved, so that an interrupted one can be gone on with."""

    def due(self) -> bool:
        """Whether it should be saved now; asked between chunks."""
        ...

    def save(self, arrays: dict[str, np.ndarray]) -> None:
        """Keep these arrays and forget earlier ones."""

    def load(self) -> Mapping[str, np.ndarray] | None:
        """What was saved last, or None."""
        ...


class Placement:
    """A prior and a method made ready on some devices, for any number of pictures.

    Arguments:
        prior: the generator.
        codes, objective, solve: what is optimised, what is minimised, and how.
        start: where latents begin (see `jaxprior.inversion.starts`); the one that `solve` names where None.
        devices: over which the pictures are spread; all of this process by default.
        platform: kind of device that everything is made ready for, if not the one of these devices. Such a placement
            can be counted (`step_cost`, `counted_fit`) and cannot solve anything.

    Fields:
        codes: what is found first.
        tuned: the same with the change of the generator that is found then (`jaxprior.restoration.tuning`), or None.
        memory_plan: what is done to save memory; nothing at first, see `fitted`.
        platform: kind of the devices, "cpu", "gpu" or "tpu".

    Raises:
        ValueError: a layer that the prior does not have, or a term of the objective that the codes cannot serve.
    """

    def __init__(
        self,
        prior: Prior,
        *,
        codes: Codes,
        objective: Objective,
        solve: Solve,
        start: Any = None,
        devices: Sequence[Device] | None = None,
        platform: str | None = None,
    ):
        objective.check(prior, codes)
        self.devices = list(devices or jax.local_devices())
        self.platform = platform or self.devices[0].platform  # the devices are all of one kind
        alone = self.devices == jax.local_devices()[:1]
        mesh = None if alone else Mesh(np.array(self.devices), ("image",))
        self._by_image = None if mesh is None else NamedSharding(mesh, PartitionSpec("image"))
        everywhere = None if mesh is None else NamedSharding(mesh, PartitionSpec())
        self.stated, self.tuned = codes, codes if isinstance(codes, TunedCode) else None
        self.codes, self.settings = codes if self.tuned is None else self.tuned.codes, solve
        start = make_start(solve.init, bank_size=solve.bank_size) if start is None else start
        start = start.ready(prior, samples=partial(sample_bank, prior))
        with doing("preparing the networks for this device"):
            generator = prior.split(codes.layer, precision=solve.precision, platform=self.platform)
            ready = (generator, objective.prepared(self.platform), start)
        self.generator, self.objective, self.start = ready if mesh is None else jax.device_put(ready, everywhere)
        self.memory_plan = FULL_SPEED
        self.phases: list[tuple[Codes, Solve]] = [(self.codes, solve)]
        if self.tuned is not None:
            shapes = jax.eval_shape(self.tuned.init, generator, jax.random.key(0))
            self.phases.append((self.tuned, solve_of_tuning(self.tuned, solve, shapes)))

    def with_memory_plan(self, memory_plan: MemoryPlan) -> "Placement":
        """The same, with a step that saves memory."""
        other = copy.copy(self)
        other.memory_plan = memory_plan
        other.generator = replace(self.generator, recompute=memory_plan.recompute, at_once=memory_plan.at_once)
        if memory_plan.recompute and not self.memory_plan.recompute and self.objective.features is not None:
            other.objective = replace(self.objective, features=Recomputed(self.objective.features))
        return other

    def with_less_memory(self) -> "Placement | None":
        """The same with a step that needs less memory and more time, or None if there is none."""
        ways = memory_plans(self.codes.num_codes, self.platform)
        later = ways[ways.index(self.memory_plan) + 1 :] if self.memory_plan in ways else []
        return self.with_memory_plan(later[0]) if later else None

    def with_settings(self, solve: Solve) -> "Placement":
        """The same networks and start for other settings, which must name the same start and precision; not tuned."""
        other = copy.copy(self)
        other.settings, other.tuned, other.phases = solve, None, [(self.codes, solve)]
        return other

    def fitted(
        self, operator: Operator, observed: Any, *, size: int, memory: float | None = None
    ) -> tuple["Placement", int]:
        """The same, for so many pictures at once, and with such a step, as the memory of the devices holds.

        Arguments:
            operator, observed: as for `compiled`.
            size: pictures wanted at once.
            memory: bytes that a step may need on each device, if less than the device has. A CPU does not tell what it
                has; without a number it gets what is wanted.

        Returns:
            (placement, pictures in a group).

        Raises:
            MemoryLimitError: not even one picture on each device fits.
        """
        limit, size, placement = limit_of(self.devices, memory), self.group(size), self
        while limit is not None and (needs := placement.step_bytes(operator, observed, size=size)) > limit:
            each = size if placement.fixed else len(self.devices)
            smaller = min(int(size * limit / needs) // each * each, size - each)
            smaller_plan = placement.with_less_memory()
            if smaller > 0:
                size = smaller
            elif size > each:
                size = each
            elif smaller_plan is not None:
                placement, size = smaller_plan, smaller_plan.group(size)
            else:
                raise MemoryLimitError(too_much(needs, limit, starts=self.settings.starts))
        return placement, size

    def counted_fit(
        self, operator: Operator, observed: Any, *, size: int, limit: float
    ) -> tuple["Placement", int, StepCost]:
        """As `fitted`, for devices that this machine does not have: what a step needs is counted and not compiled.

        Arguments:
            operator, observed, size: as for `fitted`.
            limit: bytes that a step may need on each device.

        Returns:
            (placement, pictures in a group, what its step takes).

        Raises:
            MemoryLimitError: not even one picture on each device fits.
        """
        placement, size = self, self.group(size)
        while (cost := placement.step_cost(operator, observed, size=size)).bytes > limit:
            smaller_plan = placement.with_less_memory()
            if size > 1:
                size = max(min(int(size * limit / cost.bytes), size - 1), 1)
            elif smaller_plan is not None:
                placement = smaller_plan
            else:
                raise MemoryLimitError(too_much(cost.bytes, limit, starts=self.settings.starts))
        return placement, size, cost

    def group(self, wanted: int) -> int:
        """Pictures in one compiled shape where so many are wanted at once: a multiple of the devices."""
        each = len(self.devices)
        if not self.fixed:
            return -(-wanted // each) * each
        together = self.codes.num_codes == 1 and not self.memory_plan.alone
        return each * max(TOGETHER // self.settings.starts, 1) if together else each

    @property
    def fixed(self) -> bool:
        """Whether a group has the same size, whatever is wanted."""
        return self.platform in FIXED

    def compiled(self, operator: Operator, observed: Any, *, size: int, phase: int = 0) -> jax.stages.Compiled:
        """The program of one step of a group, compiled and not run.

        Arguments:
            operator: forward operator of one picture, arrays shared; observed: shape and type of one observation.
            size: pictures wanted at once.
            phase: 0 finds the codes, 1 tunes the generator.
        """
        arguments = self.step_arguments(operator, observed, size=size, phase=phase)
        codes, solve = self.phases[phase]
        with compiling("the step, to see what memory it needs", *arguments, codes, solve):
            return compile_step(*arguments, codes=codes, solve=solve, platform=self.platform)

    def compile_ahead(self, operator: Operator, observed: Any, *, size: int) -> None:
        """Let threads compile the programs of a group, where that is one CPU; see `engine.compile_ahead`.

        Arguments:
            operator, observed, size: as for `compiled`.
        """
        if self.fixed and self._by_image is None:
            for phase, (codes, solve) in enumerate(self.phases):
                arguments = self.step_arguments(operator, observed, size=size, phase=phase)
                compile_ahead(*arguments, codes=codes, solve=solve)

    def step_cost(self, operator: Operator, observed: Any, *, size: int) -> StepCost:
        """What one step of a group takes, counted and not compiled: a step that finds codes, and the memory of any.

        Arguments:
            operator, observed, size: as for `compiled`.
        """
        costs = []
        for phase, (codes, solve) in enumerate(self.phases):
            arguments = self.step_arguments(operator, observed, size=size, phase=phase)
            costs.append(count(trace_step(*arguments, codes=codes, solve=solve)))
        return replace(costs[0], bytes=max(cost.bytes for cost in costs))

    def knows_step(self, operator: Operator, observed: Any, *, size: int) -> bool:
        """Whether the step of a group was compiled on this machine before, so that it is read from the cache.

        Arguments:
            operator, observed, size: as for `compiled`.
        """
        static = {"codes": self.codes, "solve": self.settings}
        shapes = step_shapes(*self.step_arguments(operator, observed, size=size), **static)
        return is_known("the step", *shapes, self.codes, self.settings.of_one_step(), *([] if self.fixed else [CHUNK]))

    def step_arguments(self, operator: Operator, observed: Any, *, size: int, phase: int = 0) -> tuple[Any, ...]:
        """The networks, and the shapes of a group's operators, observations and keys, as the engine takes them.

        Arguments:
            operator, observed, size, phase: as for `compiled`.
        """
        entries = self.group(size) * self.settings.starts

        def stacked(leaf: Any) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct((entries, *np.shape(leaf)), leaf.dtype, sharding=self._by_image)

        key = jax.eval_shape(lambda: jax.random.key(0))
        objective = objective_of_tuning(self.objective) if phase else self.objective
        return self.generator, objective, jax.tree.map(stacked, operator), stacked(observed), stacked(key)

    def step_bytes(self, operator: Operator, observed: Any, *, size: int) -> int:
        """Bytes on each device that one step of a group needs, weights and latents included, as the compiler plans it.

        Arguments:
            operator, observed, size: as for `compiled`.
        """
        phases = range(len(self.phases))
        return max(planned_bytes(self.compiled(operator, observed, size=size, phase=phase)) for phase in phases)

    def solve(
        self,
        operator: Operator,
        observed: Array,
        keys: Array,
        *,
        size: int,
        progress: Progress | None = None,
        save_point: SavePoint | None = None,
    ) -> dict[str, Any]:
        """Solve every entry, go on with those that miss the target, tune, and average the starts of a picture.

        A target PSNR ends some pictures early; the next ones then take their places.

        Arguments:
            operator: forward operator, all arrays with a leading axis b; observed: observations [b, ...].
            keys: one random key per picture [b]; the first start uses it as it is, the others are folded in.
            size: pictures wanted at once; the last group is padded.
            progress: called with (pictures done, pictures, steps done, steps, mean loss of those that run).
            save_point: where everything is saved, what was found of these pictures and what is in flight.

        Returns:
            dict with images [b, r, r, c], latents (leading axis b, then the starts if there are several), loss, psnr,
            step [b], trace [b, steps + 1] and seconds [b].
        """
        starts, every = self.settings.starts, sum(settings.steps for _, settings in self.phases)

        def watch(batch: BatchState, phase: int = 0) -> None:
            if progress is not None:
                last = phase == len(self.phases) - 1  # no picture is done before
                done, pictures = int(batch.ended.sum() / starts) if last else 0, int(len(batch.ended) / starts)
                progress(done, pictures, phase * self.settings.steps + batch.steps, every, batch.loss)

        options = {"slots": self.group(size) * starts, "save_point": save_point}
        found = self.solve_starts(operator, observed, keys, watch=None if progress is None else watch, **options)
        if self.tuned is not None:
            tell = None if progress is None else partial(watch, phase=1)
            found = self.tune_starts(operator, observed, keys, found, watch=tell, **options)
        return _average(found, starts)

    def solve_starts(
        self,
        operator: Operator,
        observed: Array,
        keys: Array,
        *,
        slots: int,
        latents: Any = None,
        watch: Callable[[BatchState], None] | None = None,
        save_point: SavePoint | None = None,
    ) -> dict[str, Any]:
        """Solve every entry, and go on with those that miss the target; every start of a picture is by itself.

        Arguments:
            operator, observed, keys, save_point: as for `solve`.
            slots: entries solved at once.
            latents: to go on from, with a leading axis of the entries, or None.
            watch: called with the state of the batch after every chunk of steps.

        Returns:
            dict with images [entries, r, r, c], latents (leading axis of the entries), loss, psnr, step and seconds
            [entries], trace [entries, steps + 1].
        """
        solve, entries = self.settings, np.arange(len(observed) * self.settings.starts)
        turn, found, saved = _unpacked(None if save_point is None else save_point.load())

        watched = save_point is not None or watch is not None  # else nobody waits for a device between chunks

        def on_chunk(batch: BatchState) -> None:
            if save_point is not None and save_point.due():
                save_point.save(_packed(turn, found, batch))
            if watch is not None:
                watch(batch)

        while turn < solve.passes:
            short = entries if found is None else np.flatnonzero(~(np.asarray(found["psnr"]) >= solve.target_psnr))
            if not len(short):
                break
            if found is not None:
                begun = jax.tree.map(lambda x, short=short: x[short], found["latents"])
            else:
                begun = self._given(short, keys) if latents is None else latents
                begun = begun and {name: part for name, part in begun.items() if name != CHANGE}
            again = batching.solve(
                self.generator, self.objective, _Problems(self, operator, observed, keys, short, begun),
                size=slots, codes=self.codes, solve=solve, platform=self.platform, start=self.start,
                on_chunk=on_chunk if watched else None, resume=saved,
            )  # fmt: skip
            found = again if found is None else _better(found, again, short)
            turn, saved = turn + 1, None
        return found or {}

    def tune_starts(
        self,
        operator: Operator,
        observed: Array,
        keys: Array,
        pivot: dict[str, Any],
        *,
        slots: int,
        watch: Callable[[BatchState], None] | None = None,
        save_point: SavePoint | None = None,
    ) -> dict[str, Any]:
        """Tune the generator to every entry, whose codes have been found.

        Arguments:
            operator, observed, keys, slots, watch, save_point: as for `solve_starts`.
            pivot: what `solve_starts` returned.

        Returns:
            The same of both phases together.
        """
        codes, solve = self.phases[1]
        entries = np.arange(len(observed) * self.settings.starts)
        turn, _, saved = _unpacked(None if save_point is None else save_point.load())

        def on_chunk(batch: BatchState) -> None:
            if save_point is not None and save_point.due():
                save_point.save(_packed(self.settings.passes, pivot, batch))
            if watch is not None:
                watch(batch)

        begun = {**pivot["latents"], CHANGE: self._changes(entries, keys)}
        objective = objective_of_tuning(self.objective)
        found = batching.solve(
            self.generator, objective, _Problems(self, operator, observed, keys, entries, begun), size=slots,
            codes=codes, solve=solve, platform=self.platform,
            on_chunk=on_chunk if save_point is not None or watch is not None else None,
            resume=saved if turn == self.settings.passes else None,
        )  # fmt: skip
        return joined(pivot, found)

    def _changes(self, entries: np.ndarray, keys: Array) -> Any:
        """The change of the generator on which the tuning of these entries begins: the given one, or none yet."""
        if (given := self._given(entries, keys)) is not None:
            return given[CHANGE]
        rows, nth = np.divmod(entries, self.settings.starts)
        assert self.tuned is not None
        return jax.device_get(no_changes(self.generator, _keys_of_entries(keys, rows, nth), tuned=self.tuned))

    def _given(self, entries: np.ndarray, keys: Array) -> Any:
        """Latents that the caller gave of these entries, completed by what the codes begin with; None without any."""
        if not isinstance(self.start, GivenStart):
            return None
        codes = self.stated
        wanted = jax.eval_shape(codes.init, self.generator, keys[0])
        check_given(self.start.given, wanted, pictures=len(keys), starts=self.settings.starts)
        rows, nth = np.divmod(entries, self.settings.starts)
        begun = jax.vmap(partial(codes.init, self.generator))(keys[rows])
        per_start = self.start.given["z"].ndim == begun["z"].ndim + 1
        return {**begun, **self.start.of_entries(rows, nth, per_start=per_start)}

    def place(self, tree: Any) -> Any:
        """Arrays with a leading axis of a group's entries, each to its device."""
        return jax.device_put(tree, self._by_image)


class _Problems:
    """Some entries as problems of the engine.

    Arguments:
        ready: where they are solved.
        operator, observed, keys: of all pictures.
        entries: which; latents: of all of them, to begin or go on with, or None.
    """

    def __init__(
        self, ready: Placement, operator: Operator, observed: Array, keys: Array, entries: np.ndarray, latents: Any
    ):
        self.ready, self.entries, self.latents = ready, entries, latents
        # Entries are picked out on the host, where this takes no program.
        self.operator, self.observed, self.keys = jax.tree.map(np.asarray, operator), np.asarray(observed), keys

    def __len__(self) -> int:
        return len(self.entries)

    def take(self, indices: np.ndarray) -> Batch:
        """Some of them, spread over the devices."""
        row, nth = np.divmod(self.entries[indices], self.ready.settings.starts)
        latents = None if self.latents is None else jax.tree.map(lambda x: x[indices], self.latents)
        keys = _keys_of_entries(self.keys, row, nth)
        return self.ready.place(Batch(take(self.operator, row), self.observed[row], keys, nth, latents))


@jax.jit
def _keys_of_entries(keys: Array, row: Array, nth: Array) -> Array:
    """The random keys of some starts: the first start of a picture has the picture's own."""
    return jax.vmap(lambda key, s: jnp.where(s == 0, key, jax.random.fold_in(key, s)))(keys[row], nth)


def _packed(turn: int, found: dict | None, batch: BatchState) -> dict[str, np.ndarray]:
    """A group in flight as named arrays: the pass, what earlier passes found, where this one stands."""
    arrays = {"pass": np.array(turn), **{f"moment/{name}": array for name, array in batch.to_arrays().items()}}
    if found is not None:
        arrays |= {f"found/{name}": np.asarray(array) for name, array in named(found).items()}
    return arrays


def _unpacked(arrays: Mapping[str, np.ndarray] | None) -> tuple[int, dict | None, dict | None]:
    if arrays is None:
        return 0, None, None
    parts = {"found": {}, "moment": {}}
    for name, array in arrays.items():
        kind, _, rest = name.partition("/")
        if kind in parts:
            parts[kind][rest] = array
    return int(arrays["pass"]), nested(parts["found"]) or None, parts["moment"]


def _better(found: dict, again: dict, entries: np.ndarray) -> dict:
    """What two passes found: of each entry that was gone on with, the better one; the times of both."""
    old = jax.tree.map(lambda x: x[entries], found)
    wins = jnp.asarray(np.isfinite(again["loss"]) & ~(again["loss"] >= old["loss"]))
    chosen = choose(wins, again, old)
    chosen["seconds"] = again["seconds"] + old["seconds"]
    return jax.tree.map(lambda x, new: jnp.asarray(x).at[entries].set(new), found, chosen)


def _average(found: dict, starts: int) -> dict:
    """Placement -> pictures: images, losses and traces averaged over the starts that have a finite loss.

    All of it lies on the host, where NumPy computes it: JAX would compile a program for each of these lines.
    """
    if starts > 1:
        found = jax.tree.map(lambda x: np.asarray(x).reshape(-1, starts, *x.shape[1:]), found)
        sound = np.isfinite(found["loss"])

        def mean(x: np.ndarray) -> np.ndarray:
            use = sound.reshape(sound.shape + (1,) * (x.ndim - 2))
            return np.where(use, x, 0).sum(axis=1) / np.maximum(use.sum(axis=1), 1).astype(x.dtype)

        found["images"], found["psnr"] = mean(found["images"]), mean(found["psnr"])
        found["loss"] = np.where(sound.any(axis=1), mean(found["loss"]), np.float32(np.inf))
        found["trace"] = found["trace"].mean(axis=1)
        found["step"], found["seconds"] = found["step"].max(axis=1), found["seconds"].sum(axis=1)
    return jax.device_put(found)
