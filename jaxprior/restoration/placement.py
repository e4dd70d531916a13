"""A prior and a method placed on devices: several starts of each picture, further passes, batches that fit the memory.

Every start of every picture is an entry of a batch (`entries.py`). What is in flight can be saved (`save_points.py`),
and the generator can be tuned to each entry once its codes are found (`tuning.py`).

A CPU solves one picture at a time on each of its devices, or eight if each is a single code, whose step would mostly
wait for the weights: more at once are not faster there (docs/runs.md). Their number is fixed and groups are padded, so
that no result depends on the batch it was in, to the bit. An accelerator solves as many at once as it is told to.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxprior.errors import MemoryLimitError
from jaxprior.inversion import batching
from jaxprior.inversion.batching import Batch, Truth
from jaxprior.inversion.codes.network import NetworkCode
from jaxprior.inversion.codes.tuned import CHANGE, TunedCode
from jaxprior.inversion.engine import CHUNK, compile_ahead, compile_step, step_shapes, trace_step
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.starts import make_start
from jaxprior.inversion.state import BatchState
from jaxprior.operators import Operator, map_images
from jaxprior.protocols import Codes
from jaxprior.restoration.banks import sample_bank
from jaxprior.restoration.costs import StepCost, count
from jaxprior.restoration.entries import Problems, average, better, given_latents
from jaxprior.restoration.memory import (
    FULL_SPEED,
    MemoryPlan,
    Recomputed,
    limit_of,
    memory_plans,
    planned_bytes,
    too_much,
)
from jaxprior.restoration.save_points import SavePoint as SavePoint
from jaxprior.restoration.save_points import packed, unpacked
from jaxprior.restoration.tuning import objective_of_tuning, solve_of_tuning, tune_starts
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
        self._everywhere = everywhere = None if mesh is None else NamedSharding(mesh, PartitionSpec())
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
        shares_weights = not isinstance(self.codes, NetworkCode)
        together = self.codes.num_codes == 1 and shares_weights and not self.memory_plan.alone
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
        def same(leaf: Any) -> jax.ShapeDtypeStruct:
            return jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype, sharding=self._everywhere)

        return self.generator, objective, map_images(stacked, operator, same), stacked(observed), stacked(key)

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
        truth: Truth | None = None,
    ) -> dict[str, Any]:
        """Solve every entry, go on with those that miss the target, tune, and average the starts of a picture.

        A target PSNR ends some pictures early; the next ones then take their places.

        Arguments:
            operator: forward operator, all arrays with a leading axis b; observed: observations [b, ...].
            keys: one random key per picture [b]; the first start uses it as it is, the others are folded in.
            size: pictures wanted at once; the last group is padded.
            progress: called with (pictures done, pictures, steps done, steps, mean loss of those that run).
            save_point: where everything is saved, what was found of these pictures and what is in flight.
            truth: originals [b, ...] to which the iterates of the first pass are compared.

        Returns:
            dict with images [b, r, r, c], latents (leading axis b, then the starts if there are several), loss, psnr,
            step [b], trace [b, steps + 1] and seconds [b]; with originals also errors [b, k], means over the starts.
        """
        starts, every = self.settings.starts, sum(settings.steps for _, settings in self.phases)

        def watch(batch: BatchState, phase: int = 0) -> None:
            if progress is not None:
                last = phase == len(self.phases) - 1  # no picture is done before
                done, pictures = int(batch.ended.sum() / starts) if last else 0, int(len(batch.ended) / starts)
                progress(done, pictures, phase * self.settings.steps + batch.steps, every, batch.loss)

        options = {"slots": self.group(size) * starts, "save_point": save_point}
        tell = None if progress is None else watch
        found = self.solve_starts(operator, observed, keys, watch=tell, truth=truth, **options)
        if self.tuned is not None:
            tell = None if progress is None else partial(watch, phase=1)
            found = tune_starts(self, operator, observed, keys, found, watch=tell, **options)
        return average(found, starts)

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
        truth: Truth | None = None,
    ) -> dict[str, Any]:
        """Solve every entry, and go on with those that miss the target; every start of a picture is by itself.

        Arguments:
            operator, observed, keys, save_point, truth: as for `solve`.
            slots: entries solved at once.
            latents: to go on from, with a leading axis of the entries, or None.
            watch: called with the state of the batch after every chunk of steps.

        Returns:
            dict with images [entries, r, r, c], latents (leading axis of the entries), loss, psnr, step and seconds
            [entries], trace [entries, steps + 1].
        """
        solve, entries = self.settings, np.arange(len(observed) * self.settings.starts)
        turn, found, saved = unpacked(None if save_point is None else save_point.load())

        if truth is not None:
            truth = truth._replace(photos=np.repeat(np.asarray(truth.photos), self.settings.starts, axis=0))
        watched = save_point is not None or watch is not None  # else nobody waits for a device between chunks

        def on_chunk(batch: BatchState) -> None:
            if save_point is not None and save_point.due():
                save_point.save(packed(turn, found, batch))
            if watch is not None:
                watch(batch)

        while turn < solve.passes:
            short = entries if found is None else np.flatnonzero(~(np.asarray(found["psnr"]) >= solve.target_psnr))
            if not len(short):
                break
            if found is not None:
                begun = jax.tree.map(lambda x, short=short: x[short], found["latents"])
            else:
                begun = self.given(short, keys) if latents is None else latents
                begun = begun and {name: part for name, part in begun.items() if name != CHANGE}
            again = batching.solve(
                self.generator, self.objective, self.problems(operator, observed, keys, short, begun),
                size=slots, codes=self.codes, solve=solve, platform=self.platform, start=self.start,
                on_chunk=on_chunk if watched else None, resume=saved, truth=truth if found is None else None,
            )  # fmt: skip
            found = again if found is None else better(found, again, short)
            turn, saved = turn + 1, None
        return found or {}

    def problems(self, operator: Operator, observed: Array, keys: Array, entries: np.ndarray, latents: Any) -> Problems:
        """Some entries as problems of the engine, which places them on the devices; see `Problems`."""
        starts = self.settings.starts
        return Problems(operator, observed, keys, entries, latents, starts=starts, place=self.place_batch)

    def given(self, entries: np.ndarray, keys: Array) -> Any:
        """Latents that the caller gave of some entries, or None; see `given_latents`."""
        return given_latents(self.start, self.stated, self.generator, entries, keys, starts=self.settings.starts)

    def place(self, tree: Any) -> Any:
        """Arrays with a leading axis of a group's entries, each to its device."""
        return jax.device_put(tree, self._by_image)

    def place_batch(self, batch: Batch) -> Batch:
        """A group's entries on the devices."""
        rest = self.place(batch._replace(operator=None))
        return rest._replace(operator=self.place_operator(batch.operator))

    def place_operator(self, operator: Operator) -> Operator:
        """The operator of a group's entries: each entry's arrays to its device, and what is shared to all of them."""
        return map_images(self.place, operator, lambda array: jax.device_put(array, self._everywhere))
