"""`Inverter`: a prior and a method made ready once, for many batches of pictures."""

import copy
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import one_of, random_key
from jaxprior.errors import ImageError
from jaxprior.inversion.batching import Truth
from jaxprior.operators import Operator, batched
from jaxprior.restoration.arguments import as_ids
from jaxprior.restoration.codes_table import check_network
from jaxprior.restoration.completing import Completion
from jaxprior.restoration.drawing import fitted_with_draws, placement_of_draws, solve_with_draws, spread_of
from jaxprior.restoration.encoder_settings import merge_card
from jaxprior.restoration.memory import MemoryPlan
from jaxprior.restoration.merge_rule import MERGES, MergeRule
from jaxprior.restoration.placement import Placement, Progress
from jaxprior.restoration.presets import Method
from jaxprior.restoration.result import Result
from jaxprior.restoration.save_points import SavePoint
from jaxprior.system.devices import Device
from jaxprior.system.runtime import enable_compilation_cache
from jaxprior.weights.priors import Prior
from jaxprior.weights.refiners import OwnAnswer, check_fits


Array = jax.Array


class Inverter:
    """A prior and a method made ready once, for many batches of pictures.

    Arguments:
        prior: the trained generator.
        method: codes, objective, solve, refiner, start, merge and draws.
        devices: over which the pictures of a batch are spread; all of this process by default.

    Example:
        >>> inverter = Inverter(prior, jp.preset("default", task, prior=prior))  # inverts for minutes # doctest: +SKIP
        >>> results = [  # inverts for minutes # doctest: +SKIP
        ...     inverter.invert(observed, task, key=jax.random.key(0), ids=ids) for observed, ids in batches
        ... ]
    """

    def __init__(self, prior: Prior, method: Method, *, devices: Sequence[Device] | None = None):
        check_network(method.codes, prior, solve=method.solve, draws=method.draws)
        enable_compilation_cache()
        self.placement = Placement(
            prior, codes=method.codes, objective=method.objective, solve=method.solve, start=method.start,
            devices=devices,
        )  # fmt: skip
        check_fits(method.refine, prior.image_shape)
        self.refine, self.draws = method.refine, method.draws
        of_pictures = len(prior.image_shape) == 3  # the smooth fills know two axes; volumes are pasted
        harmonic = one_of("merge", method.merge, MERGES) == "harmonic" and of_pictures
        self.rule = MergeRule.of_card(merge_card(prior.card, self.placement.start)) if harmonic else None
        self.own_draws = placement_of_draws(prior, method, devices=devices)
        rule_of_draws = self.rule if self.own_draws is None else MergeRule.of_card(prior.card)
        self.rule_of_draws = rule_of_draws.of_draws() if harmonic and rule_of_draws is not None else None

    def fitted(
        self, task: Operator, observed: Any, *, wanted: int, memory: float | None = None
    ) -> tuple["Inverter", int]:
        """This inverter, changed if need be so that a step fits the devices' memory, and its pictures at once.

        Arguments:
            task: forward operator of one picture; shapes are enough.
            observed: shape and type of one observation.
            wanted: pictures at once, if they fit.
            memory: as for `restore`.

        Raises:
            MemoryLimitError: one picture does not fit, whatever is done.
        """
        placement, size = fitted_with_draws(
            self.placement, self.own_draws, task, observed, size=wanted, memory=memory
        )
        return self._with(placement), size

    def compile_ahead(self, task: Operator, observed: Any, *, wanted: int) -> None:
        """Let threads compile the programs of a group on a CPU, while this one makes ready what they will work on.

        Arguments:
            task, observed, wanted: as for `fitted`.
        """
        self.placement.compile_ahead(task, observed, size=wanted)

    def with_memory_plan(self, memory_plan: MemoryPlan) -> "Inverter":
        """The same, with a step that saves memory."""
        return self._with(self.placement.with_memory_plan(memory_plan))

    def with_less_memory(self) -> "Inverter | None":
        """The same with a step that needs less memory and more time, or None if there is none."""
        placement = self.placement.with_less_memory()
        return None if placement is None else self._with(placement)

    def _with(self, placement: Placement) -> "Inverter":
        other = copy.copy(self)
        other.placement = placement
        if self.own_draws is not None:
            other.own_draws = self.own_draws.with_memory_plan(placement.memory_plan)
        return other

    def invert(
        self,
        observed: Array,
        task: Operator,
        *,
        key: Array,
        ids: Array | None = None,
        batch_size: int | None = None,
        progress: Progress | None = None,
        save_point: SavePoint | None = None,
        truth: Truth | None = None,
    ) -> Result:
        """Invert observations [b, ...] of a task.

        Arguments:
            observed, task, key, ids, batch_size, progress: as for `invert`.
            save_point: where what was found and what is in flight is saved, and found again.
            truth: originals [b, ...] to which iterates are compared; no result depends on them.

        Raises:
            ValueError: shapes that do not fit the task, or what was kept is of other pictures.
        """
        observed = jax.device_put(np.asarray(observed, np.float32))
        b = len(observed)
        if b == 0:
            raise ImageError(f"`observed` holds no pictures: its shape is {list(observed.shape)}; give at least one.")
        operator = batched(task, b)
        keys = jax.vmap(jax.random.fold_in, (None, 0))(random_key("key", key), as_ids(ids, b))
        size = min(batch_size or b, b)
        found = solve_with_draws(
            self.placement, self.draws, operator, observed, keys, size=size, own=self.own_draws, progress=progress,
            save_point=save_point, truth=truth,
        )  # fmt: skip
        together = self.placement.group(size)
        completion = Completion(self.refine, self.placement)
        images, merged = completion.completed(operator, observed, found["images"], together, self.rule)
        errors = found.get("errors")
        if errors is not None and truth is not None and isinstance(self.refine, OwnAnswer):
            apart = np.square(np.asarray(images) - truth.photos)
            errors = jnp.asarray(apart.reshape(b, -1).mean(axis=1, keepdims=True))
        draws = None
        if self.draws is not None:
            each = [jnp.asarray(found["draws"][:, k]) for k in range(found["draws"].shape[1])]
            every = [completion.completed(operator, observed, one, together, self.rule_of_draws)[1] for one in each]
            draws = jnp.stack(every, axis=1)
        return Result(
            images=images,
            merged=merged,
            latents=found["latents"],
            loss=found["loss"],
            steps=found["step"],
            diverged=jax.device_put(~np.isfinite(found["trace"]).all(axis=1)),
            trace=found["trace"],
            seconds=np.asarray(found["seconds"]),
            errors=errors,
            draws=draws,
            spread=None if draws is None else spread_of(draws),
        )
