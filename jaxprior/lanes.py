"""A set of pictures as lanes of the engine: groups of one compiled shape, several starts of a picture, further passes,
spread over devices.

A CPU solves one picture at a time on each of its devices: more at once are not faster there (docs/runs.md), and so no
result depends on the batch it was in, to the bit. An accelerator solves as many at once as it is told to.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from jaxprior.banks import sample_bank
from jaxprior.inversion.engine import Codes, choose, compile_step, solve_batch
from jaxprior.inversion.moments import Moment, to_arrays
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.operators import Operator, take
from jaxprior.priors import Prior
from jaxprior.weights import flatten, unflatten


Array = jax.Array
Progress = Callable[[int, int, int, int, float], None]
ONE_BY_ONE = ("cpu",)
"""Kinds of devices to which a larger batch brings no speed."""


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

    def group(self, wanted: int) -> int:
        """Pictures in one compiled shape where so many are wanted at once: a multiple of the devices."""
        if self.devices[0].platform in ONE_BY_ONE:
            return len(self.devices)
        return -(-wanted // len(self.devices)) * len(self.devices)

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

        Arguments:
            operator: forward operator, all arrays with a leading axis b; observed: observations [b, ...].
            keys: one random key per picture [b]; the first start uses it as it is, the others are folded in.
            size: pictures wanted at once; the last group is padded.
            progress: called with (pictures done, pictures, steps done, steps, mean loss of the running group).
            keeper: where the group in flight is saved; the pictures must fit one group.

        Returns:
            dict with images [b, r, r, c], latents (leading axis b, then the starts if there are several), loss, psnr,
            step [b], trace [b, steps + 1] and seconds [b].

        Raises:
            ValueError: a keeper, and more pictures than one group.
        """
        starts, target = self.settings.starts, self.settings.target_psnr
        run = _Run(self, operator, observed, keys, self.group(size) * starts, progress, keeper)
        lanes = np.arange(len(observed) * starts)
        if keeper is not None and len(lanes) > run.size:
            raise ValueError(f"{len(observed)} pictures are more than a group of {run.size // starts} that can be kept")
        turn, found, moment = _unpacked(None if keeper is None else keeper.load())
        while turn < self.settings.passes:
            unfinished = lanes if found is None else np.flatnonzero(~(np.asarray(found["psnr"]) >= target))
            if not len(unfinished):
                break
            again = run.all(unfinished, turn=turn, found=found, resume=moment)
            found = again if found is None else _better(found, again, unfinished)
            turn, moment = turn + 1, None
        return _average(found, starts)

    def place(self, tree: Any) -> Any:
        """Arrays with a leading axis of a group's lanes, each lane to its device."""
        return tree if self._by_image is None else jax.device_put(tree, self._by_image)


class _Run:
    """One call of `Lanes.solve`. Lane i is start i % starts of picture i // starts; `size` lanes are one group."""

    def __init__(self, ready, operator, observed, keys, size, progress, keeper):
        self.ready, self.settings = ready, ready.settings
        self.operator, self.observed, self.keys = operator, observed, keys
        self.size, self.progress, self.keeper = size, progress, keeper

    def all(self, lanes: np.ndarray, *, turn: int, found: dict | None, resume: Any) -> dict[str, Any]:
        """Solve some lanes, from what was found already or from new latents."""
        start = None if found is None else jax.tree.map(lambda x: x[lanes], found["latents"])
        parts, pictures = [], len(lanes) / self.settings.starts

        for first in range(0, len(lanes), self.size):
            real = min(self.size, len(lanes) - first)

            def on_chunk(moment: Moment, first: int = first, real: int = real) -> None:
                if self.keeper is not None and self.keeper.due():
                    self.keeper.save(_packed(turn, found, moment))
                tell(moment.done, moment.losses[:real], first)

            def tell(steps: int, losses: Array, solved: int) -> None:
                if self.progress is not None:
                    done = int(solved / self.settings.starts)
                    self.progress(done, int(pictures), steps, self.settings.steps, float(jnp.mean(losses)))

            part = self._group(lanes, first, real, start=start, on_chunk=on_chunk, resume=resume)
            parts.append(part)
            tell(self.settings.steps, part["loss"], first + real)
        return parts[0] if len(parts) == 1 else jax.tree.map(lambda *x: jnp.concatenate(x), *parts)

    def _group(self, lanes, first, real, *, start, on_chunk, resume) -> dict[str, Any]:
        began = time.perf_counter()
        places = np.minimum(np.arange(first, first + self.size), len(lanes) - 1)
        row, turn = np.divmod(lanes[places], self.settings.starts)
        keys = jax.vmap(lambda k, s: jnp.where(s == 0, k, jax.random.fold_in(k, s)))(self.keys[row], turn)
        start = None if start is None else jax.tree.map(lambda x: x[places], start)
        operator, observed, keys, turn, start = self.ready.place(
            (take(self.operator, row), self.observed[row], keys, jnp.asarray(turn), start)
        )
        found = solve_batch(
            self.ready.generator, self.ready.objective, operator, observed, keys,
            codes=self.ready.codes, solve=self.settings, bank=self.ready.bank, lanes=turn,
            start=start, on_chunk=on_chunk, resume=resume,
        )  # fmt: skip
        if len(self.ready.devices) > 1:
            found = jax.tree.map(jnp.asarray, jax.device_get(found))
        part = jax.block_until_ready(jax.tree.map(lambda x: x[:real], found))
        return {**part, "seconds": np.full(real, (time.perf_counter() - began) / real)}


def _packed(turn: int, found: dict | None, moment: Moment) -> dict[str, np.ndarray]:
    """A group in flight as named arrays: the pass, what earlier passes found, where this one stands."""
    arrays = {"pass": np.array(turn), **{f"moment/{name}": array for name, array in to_arrays(moment).items()}}
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
    wins = jnp.isfinite(again["loss"]) & ~(again["loss"] >= old["loss"])
    chosen = choose(wins, again, old)
    chosen["seconds"] = again["seconds"] + old["seconds"]
    return jax.tree.map(lambda x, new: jnp.asarray(x).at[lanes].set(new), found, chosen)


def _average(found: dict, starts: int) -> dict:
    """Lanes -> pictures: images, losses and traces averaged over the starts that have a finite loss."""
    if starts == 1:
        return found
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
