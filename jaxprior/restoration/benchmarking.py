"""How fast inversions are on this device: random networks of the official sizes, one step after the other.

    problem = make_problem(Case(num_codes=20, layer=8, batch=4))
    runner = Runner(problem)
    measured = measure(runner, steps=25)

Random weights cost what trained ones cost; nothing here says anything about quality. Longer comparisons, and those with
other libraries, are in the repository's `benchmarks/`.
"""

import dataclasses
import functools
import statistics
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxprior.checks import kind_of, whole_number
from jaxprior.inversion import engine
from jaxprior.inversion.codes.multi import MultiCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Precision, Solve
from jaxprior.models.pggan.config import feature_widths
from jaxprior.models.pggan.networks import Generator
from jaxprior.models.vgg import networks as vgg
from jaxprior.operators import Identity, batched
from jaxprior.restoration.placement import Placement
from jaxprior.system.activity import doing, steps_of
from jaxprior.system.devices import CPU, default_platform
from jaxprior.system.runtime import MATMUL_PRECISION
from jaxprior.weights.card import Card
from jaxprior.weights.features import FeatureNetwork, build_features
from jaxprior.weights.priors import Prior


RATE = 0.01
"""Of Adam."""

PERCEPTUAL_WEIGHT = 0.001
"""mGANprior's, of the features of VGG-16's relu3_3."""

PAPER_STEPS = 3000
"""Iterations of the public code for a reconstruction; images an hour are counted for so many."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Case:
    """What is measured.

    Fields:
        resolution: of the official PGGAN, 8 to 1024 pixels.
        num_codes, layer: N codes composed at a layer.
        batch: pictures at once.
        precision: "fp32", "tf32" or "bf16".
        perceptual: with the distance in VGG-16's relu3_3, as mGANprior, or pixels alone.
    """

    resolution: int = 256
    num_codes: int = 20
    layer: int = 8
    batch: int = 1
    precision: Precision = "fp32"
    perceptual: bool = True

    @property
    def title(self) -> str:
        """In tables: "256 px, 20 codes at layer 8, batch 4, fp32"."""
        loss = "" if self.perceptual else ", pixel loss only"
        codes = f"{self.num_codes} code{'s' * (self.num_codes != 1)} at layer {self.layer}"
        return f"{self.resolution} px, {codes}, batch {self.batch}, {self.precision}{loss}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """A case with everything that its solution depends on.

    Fields:
        case: sizes and precision.
        prior: a random generator.
        features: a random VGG-16 up to relu3_3, or None.
        z: start codes [b, N, d]; target: pictures [b, r, r, 3] in [-1, 1].
    """

    case: Case
    prior: Prior
    features: FeatureNetwork | None
    z: np.ndarray
    target: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurement:
    """What a runner took.

    Fields:
        seconds: of one step of the whole batch, median over the rounds; fastest, slowest: of the rounds.
        first: seconds of the first step, with compilation.
        bytes: that a step needs on the device, as the compiler plans it, or None.
    """

    seconds: float
    fastest: float
    slowest: float
    first: float
    bytes: int | None = None


def make_problem(case: Case, *, seed: int = 0) -> Problem:
    """Draw weights, codes and targets.

    Arguments:
        case: what is to be measured.
        seed: of all of them.

    Raises:
        ValueError: a resolution or layer that does not exist.
    """
    kind_of("case", case, Case, "a case")
    whole_number("seed", seed, least=0)
    prior = random_prior(case.resolution, seed=seed)
    prior.channels(case.layer)
    random = np.random.default_rng([seed, 1])
    z = random.standard_normal((case.batch, case.num_codes, prior.latent_dim)).astype(np.float32)
    coarse = random.uniform(-1, 1, (case.batch, 8, 8, 3)).astype(np.float32)
    target = coarse.repeat(case.resolution // 8, axis=1).repeat(case.resolution // 8, axis=2)
    features = random_features(seed=seed) if case.perceptual else None
    return Problem(case=case, prior=prior, features=features, z=z, target=target)


def last_layer(resolution: int) -> int:
    """The last composing layer of the official network of a size.

    Raises:
        ValueError: a resolution that does not exist.

    Example:
        >>> last_layer(64)
        10
    """
    return 2 * len(feature_widths(resolution))


def random_prior(resolution: int, *, seed: int = 0) -> Prior:
    """The official PGGAN generator of a resolution with random weights."""
    module = Generator(feature_widths(resolution))
    shapes = jax.eval_shape(module.init_params, jax.random.key(0))
    random = np.random.default_rng([seed, 2])
    params = jax.tree.map(lambda leaf: jnp.asarray(random.standard_normal(leaf.shape, np.float32)), shapes)
    for block in params.values():
        block["bias"] *= 0.1
    return Prior(module=module, params=params, card=Card({"name": f"random-{resolution}"}))


def random_features(*, seed: int = 0) -> FeatureNetwork:
    """VGG-16 up to relu3_3 with random weights."""
    random = np.random.default_rng([seed, 3])
    tree = {}
    for i, shape in vgg.convolution_shapes(vgg.STAGES["vgg16"][:3]).items():
        kernel = random.standard_normal(shape, np.float32) * np.sqrt(2 / np.prod(shape[:3]), dtype=np.float32)
        tree[f"conv{i}"] = {"kernel": kernel, "bias": random.standard_normal(shape[3], np.float32) * np.float32(0.05)}
    return build_features({"network": tree}, {"architecture": "vgg16", "name": "random"}, cut=vgg.CUT)


class Runner:
    """jaxprior's own way through a problem, on the first device.

    Arguments:
        problem: from `make_problem`.
    """

    name = "jaxprior"

    def __init__(self, problem: Problem):
        case = problem.case
        self.problem = problem
        self.codes = MultiCode(num_codes=case.num_codes, layer=case.layer)
        self.solve = Solve(learning_rate=RATE, precision=case.precision)
        objective = Objective(features=problem.features, feature_weight=PERCEPTUAL_WEIGHT)
        devices = jax.local_devices()[:1]
        self.placement = Placement(
            problem.prior, codes=self.codes, objective=objective, solve=self.solve, devices=devices
        )
        self.group = self.placement.group(case.batch)
        self.restart()

    def restart(self) -> None:
        """Go back to the start."""
        problem, size = self.problem, self.group
        channels = problem.prior.channels(self.codes.layer)
        self.groups = []
        for first in range(0, problem.case.batch, size):
            z = jnp.asarray(problem.z[first : first + size])
            start = {"z": z, "alpha": jnp.full((len(z), self.codes.num_codes, channels), 1 / self.codes.num_codes)}
            operator, target = batched(Identity(), len(z)), jnp.asarray(problem.target[first : first + size])
            keys = jax.random.split(jax.random.key(0), len(z))
            with self._precision():
                state, target = engine.begin(
                    self.placement.generator, self.placement.objective, operator, target, keys,
                    codes=self.codes, solve=self.solve, latents=start,
                )  # fmt: skip
            self.groups.append((state, operator, target))

    def advance(self, steps: int) -> np.ndarray:
        """Do some steps; the losses [steps, b] before each, and not before everything is computed."""
        found = []
        for i, (state, operator, target) in enumerate(self.groups):
            parts = []
            with self._precision():
                while (done := sum(map(len, parts))) < steps:
                    state, losses = engine.advance(
                        state, self.placement.generator, self.placement.objective, operator, target,
                        codes=self.codes, solve=self.solve, steps=min(steps - done, engine.CHUNK),
                        platform=self.placement.platform,
                    )  # fmt: skip
                    parts.append(losses)
            self.groups[i] = (state, operator, target)
            found.append(np.concatenate([np.asarray(part) for part in parts]))
        return np.concatenate(found, axis=1)

    def bytes(self) -> int | None:
        """What a step needs on the device, as the compiler plans it."""
        observed = jax.ShapeDtypeStruct(self.problem.target.shape[1:], np.float32)
        return self.placement.step_bytes(Identity(), observed, size=self.problem.case.batch)

    def _precision(self) -> Any:
        return jax.default_matmul_precision(self.solve.matmul_precision)


def measure(runner: Any, *, steps: int, rounds: int = 5) -> Measurement:
    """Time a runner by itself.

    Arguments:
        runner: with `advance(steps)`, such as `Runner`.
        steps: in a round; rounds: how many.
    """
    began = time.perf_counter()
    with doing("measuring the first round, which also compiles"):
        runner.advance(steps)  # of the same length as all that follow, because an accelerator compiles each length anew
    first = time.perf_counter() - began
    seconds = [time_steps(runner, steps) for _ in steps_of("measuring", rounds, unit="rounds")]
    first -= (steps - 1) * statistics.median(seconds)
    needs = runner.bytes() if hasattr(runner, "bytes") else None
    return Measurement(
        seconds=statistics.median(seconds), fastest=min(seconds), slowest=max(seconds), first=first, bytes=needs
    )


def time_steps(runner: Any, steps: int) -> float:
    """Seconds of one step, averaged over `steps`."""
    began = time.perf_counter()
    runner.advance(steps)
    return (time.perf_counter() - began) / steps


def images_per_hour(case: Case, seconds: float) -> float:
    """Pictures that are done in an hour at 3000 iterations each, where a step of the batch takes so many seconds."""
    return case.batch * 3600 / (PAPER_STEPS * seconds)


def operations(problem: Problem) -> float:
    """Floating-point operations of one step, counted for direct convolutions with phase kernels, forward and gradient
    in the input: 2 for a multiplication and an addition, 473e9 for 256 pixels, 20 codes at layer 8, batch 1.

    Example:
        >>> operations(make_problem(Case())) / 1e9  # needs gigabytes of memory # doctest: +SKIP
        473.1
    """
    case, module = problem.case, problem.prior.module
    widths = module.widths

    def of_block(k: int) -> float:
        into, out, pixels = widths[max(k - 1, 0) // 2], widths[k // 2], module.feature_size(k + 1) ** 2
        taps = 4 if k and k % 2 == 0 else 9
        return module.latent_dim * out * pixels if k == 0 else taps * into * out * pixels

    head = sum(of_block(k) for k in range(case.layer))
    tail = sum(of_block(k) for k in range(case.layer, module.num_layers)) + 3 * widths[-1] * case.resolution**2
    network = 0.0
    if case.perceptual:
        side = case.resolution
        for i, kind in enumerate(vgg.layer_kinds(vgg.STAGES["vgg16"])[:vgg.CUT]):
            side = side // 2 if kind == "pool" else side
            if isinstance(kind, int):
                network += float(np.prod(vgg.convolution_shapes(vgg.STAGES["vgg16"])[i])) * side**2
    return 2 * 2 * case.batch * (case.num_codes * head + tail + network)


@functools.cache
def matmul_peak(precision: str = "fp32") -> float:
    """Operations a second of large square matrix products on this device, the best of five rounds; measured once."""
    size, count = (2048, 1) if default_platform() == CPU else (8192, 8)  # a round takes milliseconds on both
    dtype = jnp.bfloat16 if precision == "bf16" else jnp.float32
    with jax.default_matmul_precision(MATMUL_PRECISION[precision]):
        a = jax.random.normal(jax.random.key(0), (size, size), dtype)  # constant numbers multiply faster
        product = jax.jit(lambda a, b: jnp.matmul(a, b) / size**0.5)
        product(a, a).block_until_ready()
        times = []
        for _ in range(5):
            began, b = time.perf_counter(), a
            for _ in range(count):
                b = product(a, b)
            b.block_until_ready()
            times.append(time.perf_counter() - began)
    return 2 * size**3 * count / min(times)
