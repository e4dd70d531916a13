"""The seams of the house: what a generator, codes, a start, a term, an operator, a metric and a family are.

    photo --Operator--> observation y                          Start --> latents of every image
    latents --Codes.synthesize(Generator)--> image x            Term: distance of Operator(x) from y, and other terms
    result --Metric--> figures of a journal row                 Family: what a folder of jaxprior/models/ provides

Who reads this file knows which methods a piece must have, which shapes go through it, and what it may assume.
Shapes: b images of h x w pixels and c channels, N latent codes of d numbers. A volume has one axis more, [d, h, w, c],
wherever an image is [h, w, c].

These are structural types: a piece need not inherit from them. The base classes that save work are
`jaxprior.operators.Operator`, and the frozen dataclasses `Metric` and `Family` below.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias, TypeVar, runtime_checkable


if TYPE_CHECKING:
    import jax

    Array: TypeAlias = jax.Array

PyTree: TypeAlias = Any
"""A tree of arrays whose structure its owner knows: latents, parameters, optimiser states."""

Latents: TypeAlias = dict[str, Any]
"""What is optimised for ONE image: a dictionary of arrays, in which "z" holds the codes."""

Distribution: TypeAlias = Literal["normal", "uniform", "sphere"]
"""What the codes of a generator were drawn from while it was trained; `jaxprior.nn.latent.DISTRIBUTIONS` says what."""

Network = TypeVar("Network")


@runtime_checkable
class Generator(Protocol):
    """The architecture of a generator that can be inverted. A Flax module in this package; its parameters are apart.

    Layers count the blocks after which codes can be composed: 1 to `num_layers`.
    """

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of one image: (h, w, c), or (d, h, w, c) of a volume."""
        ...

    @property
    def latent_dim(self) -> int:
        """Length d of a latent code."""
        ...

    @property
    def num_layers(self) -> int:
        """The highest layer."""
        ...

    def channels(self, layer: int) -> int:
        """Number of feature maps after the first `layer` blocks. Raises ValueError for a layer that does not exist."""
        ...

    def head(self, z: "Array", layer: int) -> "Array":
        """Codes [b, d] -> features [b, *space, channels(layer)] after the first `layer` blocks."""
        ...

    def tail(self, features: "Array", layer: int) -> "Array":
        """Features as `head` gives them -> images [b, *image_shape], roughly in [-1, 1]."""
        ...

    def __call__(self, z: "Array") -> "Array":
        """Codes [b, d] -> images [b, *image_shape]."""
        ...

    def init_params(self, key: "Array") -> PyTree:
        """Random parameters."""
        ...

    def freeze(self, params: PyTree, *, platform: str, precision: str) -> "tuple[Generator, PyTree]":
        """Prepare trained parameters for inversion.

        Arguments:
            params: as they were trained.
            platform: kind of device, "cpu", "gpu" or "tpu".
            precision: "fp32", "tf32" or "bf16".

        Returns:
            (network, parameters) that compute the same images, to rounding.
        """
        ...


@runtime_checkable
class CutGenerator(Protocol):
    """A generator cut at one layer, with its parameters: what the engine sees."""

    @property
    def latent_dim(self) -> int:
        """Length d of a latent code."""
        ...

    @property
    def channels(self) -> int:
        """Number of feature maps at the cut."""
        ...

    def head(self, z: "Array") -> "Array":
        """Codes [n, d] -> features [n, *space, channels] at the cut."""
        ...

    def tail(self, features: "Array") -> "Array":
        """Features [b, *space, channels] at the cut -> images [b, *image_shape], float32."""
        ...


@runtime_checkable
class Tunable(CutGenerator, Protocol):
    """A cut generator whose weights can be changed for one picture, as `jaxprior.inversion.codes.tuned` does."""

    def tail_layers(self) -> dict[str, tuple[int, int]]:
        """The layers of the tail by their names, in order, with their channels in and out."""
        ...

    def changed(self, change: "Mapping[str, Mapping[str, Array]]") -> "CutGenerator":
        """The same with changed weights; see `jaxprior.nn.changed.changing` for what a change is."""
        ...


@runtime_checkable
class Untrained(CutGenerator, Protocol):
    """A network whose weights are found for each picture, as `jaxprior.inversion.codes.network` does it."""

    def draw(self, key: "Array") -> Latents:
        """What one image begins with: {"z": random weights [latent_dim], "input": what it makes the image of}."""
        ...

    def made_by(self, weights: "Array", given: "Array") -> "Array":
        """The image [*image_shape] of weights [latent_dim] and an input."""
        ...


@runtime_checkable
class Codes(Protocol):
    """How the latents of ONE image are laid out, start, and become an image. The engine maps it over the batch.

    Codes whose image is `generator.tail` of one map can tell that map by a method `composed(generator, latents)` ->
    [*space, c]; terms of the loss that look at it (`LatentTerm`) need it.

    Codes may also have a term of the loss of their own, a method `penalty(generator, latents)` that returns a scalar; a
    method `followed(latents, image)` -> latents, which after a step takes in the image that the step evaluated; and a
    method `answer(generator, latents)` -> the image that people get, where that is not `synthesize`'s.
    """

    @property
    def num_codes(self) -> int:
        """N, the number of latent codes."""
        ...

    @property
    def layer(self) -> int:
        """Layer at which the generator is cut."""
        ...

    def init(self, generator: CutGenerator, key: "Array", *, z: "Array | None" = None) -> Latents:
        """Latents at the start; `z` [N, d] gives the codes, which are drawn otherwise."""
        ...

    def synthesize(self, generator: CutGenerator, latents: Latents) -> "Array":
        """The image [*image_shape] of the latents."""
        ...

    def constrain(self, latents: Latents, key: "Array") -> Latents:
        """The latents after an update of the optimiser, moved back to where they may be."""
        ...


@runtime_checkable
class Start(Protocol):
    """Where the latents of every image begin: a frozen dataclass, and a pytree, whose arrays are placed on devices.

    `GivenStart`, which holds latents of the caller, is the only start without `latents`: the engine gets those.
    """

    name: str

    def ready(self, prior: Any, *, samples: Callable[[int], Any]) -> "Start":
        """The start that is used with one prior, called once before the first picture.

        Arguments:
            prior: the generator, with its card.
            samples: makes or reads a bank of so many samples of it, see `jaxprior.inversion.starts.bank.Bank`.
        """
        ...

    def latents(
        self, generator: CutGenerator, operator: Any, targets: Any, keys: "Array", nth: "Array", *, codes: Any,
        starts: int,
    ) -> Latents:  # fmt: skip
        """The latents of a batch of images at the start, every leaf with a leading axis b; called for every batch.

        Arguments:
            generator: cut where `codes` says.
            operator: forward operator, all arrays with a leading axis b.
            targets: what images are compared with, as `Objective.target` makes it, leading axis b.
            keys: one random key per image, [b].
            nth: which of its image's starts each entry is, integers [b].
            codes: what is optimised: `codes.init(generator, key, z=...)` makes latents of one image.
            starts: independent inversions of every image.
        """
        ...


@runtime_checkable
class Operator(Protocol):
    """A degradation of ONE image, y = A(x): differentiable, a pytree whose arrays are leaves."""

    name: str

    @property
    def label(self) -> str:
        """The name with what tells two operators of one kind apart."""
        ...

    def apply(self, x: "Array") -> "Array":
        """Image [*image_shape] in [-1, 1] -> observation, of any shape."""
        ...

    def observe(self, photos: "Array", *, key: "Array | None" = None) -> "Array":
        """Degrade clean photos [b, *image_shape], with noise if the operator adds any; keys are [b]."""
        ...

    def compared(self, observed: "Array") -> "Array":
        """The part of one observation that A(x) is compared with."""
        ...

    def shown(self, observed: "Array") -> "Array":
        """One observation as a report shows it."""
        ...

    def merge(self, observed: "Array", restored: "Array") -> "Array":
        """Put what is known for certain back into one restored image."""
        ...


@runtime_checkable
class Term(Protocol):
    """One term of the loss of ONE image."""

    def target(self, operator: Any, observed: "Array") -> PyTree:
        """What images are compared with, computed once for an observation."""
        ...

    def value(self, image: "Array", degraded: "Array", target: PyTree) -> "Array":
        """The term, a scalar.

        Arguments:
            image: the generated image [*image_shape].
            degraded: the operator's observation of it.
            target: from `target`.
        """
        ...


class Generated(NamedTuple):
    """One generated image, and what it was made of.

    Fields:
        image: [*image_shape].
        degraded: the operator's observation of it, 0 where pixels are held out of the fit.
        latents: of the image.
        features: the map [*space, c] that the generator's tail makes the image of; None for codes that do not tell it.
        began: the same map at the start of the inversion, or of its last pass.
        operator: the forward operator of the image.
        held: 1 where a pixel of the observation is held out of the fit, [*space, 1], or None.
    """

    image: Any
    degraded: Any
    latents: Latents
    features: Any
    began: Any
    operator: Any
    held: Any


@runtime_checkable
class LatentTerm(Protocol):
    """One term of the loss of ONE image that looks at more than the image."""

    @property
    def needs_features(self) -> bool:
        """Whether it looks at `Generated.features` or `Generated.began`, which cost something to keep."""
        ...

    def target(self, operator: Any, observed: "Array") -> PyTree:
        """What is needed of an observation, computed once for it."""
        ...

    def value_of(self, generated: Generated, target: PyTree) -> "Array":
        """The term, a scalar."""
        ...


TRUTH, MASK, MERGE, OBSERVED = "truth", "mask", "merge", "observed"
NETWORK, DRAWS = "network", "draws"
"""What a metric can need: the original; a mask of missing pixels; a task that puts back what is known for certain; a
task whose observation is something else than the picture itself; a feature network in which results are compared;
several answers for each picture."""

WHOLE, HOLE, MERGED, KNOWN, RESULT = "whole", "hole", "merged", "known", "result"
"""The part of a picture that a metric looks at: all of the generator's output, its missing pixels, the picture after
what is known was put back, what is known, and the picture that a user gets: merged where the task merges."""


class FeatureDistance(NamedTuple):
    """How far results are from their originals in the space of a feature network.

    Fields:
        whole: one distance a picture, [b].
        map: the distance at each pixel of the picture, [b, h, w].
    """

    whole: Any
    map: Any


class Scored(NamedTuple):
    """A batch of restored pictures, or of volumes [b, d, h, w, c], and what they can be compared with.

    Fields:
        raw: output of the generator, float32 [b, h, w, c] in [-1, 1]. It may lie outside: clip it if that matters.
        merged: the same after what is known for certain was put back.
        observed: what was given, [b, ...].
        truth: the originals in the layout of `raw`, or None if they are not known.
        masks: [b, h, w], 1 = missing, or None for a task without a mask.
        task: the forward operator, every array of it with a leading axis b.
        distance: a `FeatureDistance` of the results (see `RESULT`) from the originals, or None where no network or no
            original is there. It is computed once for all metrics.
        draws: several answers for each picture, merged, [b, K, h, w, c], or None where there is one.
    """

    raw: Any
    merged: Any
    observed: Any
    truth: Any
    masks: Any
    task: Any
    distance: Any = None
    draws: Any = None


PICTURES, VOLUMES, ANY = "pictures", "volumes", "any"
"""What a metric compares: pictures [b, h, w, c], volumes [b, d, h, w, c], or both."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure of every picture of a run.

    A file of `jaxprior/metrics/` may define any number of them. Another package brings one by an entry point of the
    group "jaxprior.metrics" that refers to a `Metric`, or to a list of them.

    Fields:
        name: in the journal, in `results.csv` and `summary.json`, for example "psnr_hole".
        title: for people, for example "PSNR hole".
        function: from a `Scored` batch to one number a picture, [b]. The package's own are compiled together and see
            JAX arrays; those of other packages are called with NumPy arrays and may be any Python.
        needs: what must be there for the figure to exist, of `TRUTH`, `MASK`, `MERGE`, `OBSERVED`, `NETWORK` and
            `DRAWS`. Where it is not, the function is not called and the figure is missing.
        part: the part of the picture that it looks at. Figures of one part stand together in the tables of a paper.
        unit: for example "dB"; empty if it has none.
        digits: decimals that people see.
        higher_is_better: whether more is better. Rows are listed worst first, and comparisons count wins, by it.
        order: its place among the figures, lowest first. Those of other packages follow the package's own.
        headline: its rank among the figures by which rows are sorted, lowest first; None if it never is that figure.
        note: a sentence on range, window and border, which tables print with the convention of the other figures.
        optional: the journal and `results.csv` mention the figure only where a picture has it.
        asked_as: the word by which a run asks for the figure, `--measures ms-ssim`; where it does not, the figure is
            missing. Empty: every run has it. Several figures may have one word.
        least: pixels of a side, of smaller pictures the figure is missing.
        takes: `PICTURES`, `VOLUMES` or `ANY`; of what it does not take, the figure is missing.

    Raises:
        ValueError: a name that is no identifier, or a need or part that does not exist.

    Example:
        >>> def function(scored):
        ...     return abs(scored.raw - scored.truth).max(axis=(1, 2, 3))
        >>> Metric(name="worst", title="Worst pixel", function=function, needs=frozenset({"truth"})).label
        'Worst pixel'
    """

    name: str
    title: str
    function: Callable[[Scored], Any]
    needs: frozenset[str] = frozenset()
    part: str = WHOLE
    unit: str = ""
    digits: int = 3
    higher_is_better: bool = True
    order: int = 100
    headline: int | None = None
    note: str = ""
    optional: bool = False
    asked_as: str = ""
    least: int = 1
    takes: str = PICTURES

    def __post_init__(self):
        object.__setattr__(self, "needs", frozenset(self.needs))
        if not self.name.isidentifier():
            raise ValueError(f"the metric {self.name!r}: expected a name of letters, digits and underscores.")
        if unknown := self.needs - {TRUTH, MASK, MERGE, OBSERVED, NETWORK, DRAWS}:
            raise ValueError(f"the metric {self.name}: `needs` has {', '.join(sorted(unknown))}, which does not exist.")
        if self.asked_as and not self.optional:
            raise ValueError(f"the metric {self.name}: what is only there when it is asked for must be optional.")
        if self.takes not in (PICTURES, VOLUMES, ANY):
            raise ValueError(f"the metric {self.name}: `takes` is {self.takes!r}; expected pictures, volumes or any.")
        if self.part not in (parts := (WHOLE, HOLE, MERGED, KNOWN, RESULT)):
            expected = f"{', '.join(parts[:-1])} or {parts[-1]}"
            raise ValueError(f"the metric {self.name}: `part` is {self.part!r}; expected {expected}.")

    @property
    def label(self) -> str:
        """The title with the unit, for the axis of a plot."""
        return f"{self.title}, {self.unit}" if self.unit else self.title

    @property
    def measure(self) -> str:
        """The title without the part: "PSNR" of "PSNR hole"."""
        return self.title.removesuffix(f" {self.part}")

    def gain(self, value: float) -> float:
        """Return a figure, or a difference of two, as more is better: its negative where less is better."""
        return value if self.higher_is_better else -value


@dataclass(frozen=True, kw_only=True)
class Trainer:
    """A training that a family offers as `jaxprior train NAME`.

    Fields:
        config: import string "module:Class" of the frozen dataclass of its settings, a subclass of
            `training.settings.TrainingSettings` in a module without JAX; the options of the command line are those of
            its fields that `jaxprior.settings.setting` made.
        presets: import string of a dictionary from names to such settings; default: the name of the first choice;
            preset_text: help text of the option `--preset`.
        plan: import string of the function (settings, pictures) -> `jaxprior.training.session.Plan`.
        settled: import string of a function (settings of the preset, settings that the command was given,
            preset_named=) -> settings to be changed by those given, where a training takes some from a file that it is
            given; it also refuses that file before pictures are read. In a module without JAX. None: the preset's.
        inputs: import string of the frozen dataclass that says what is trained on, whose fields are options too; by
            default a folder or an archive of pictures. In a module without JAX.
        read: import string of the function (inputs, settings, limit=) -> `jaxprior.training.pictures.TrainingData`.
        text: the help text of the command, with examples.
        use: the command in which the trained RUN serves; the RUN follows.
        use_of: import string of a function (settings of the training, as plain values) -> such a command, where it
            depends on them; in a module without JAX.
        finetuned: import string of the function (trained model of one picture, another picture, steps=, seed=) -> plan
            that trains the model further on that picture; None: there is none.
    """

    config: str
    presets: str
    default: str
    plan: str
    text: str
    preset_text: str = "Recipe to start from."
    settled: str | None = None
    inputs: str = "jaxprior.training.settings:PictureInputs"
    read: str = "jaxprior.training.pictures:read"
    use: str = "jaxprior reconstruct IMAGES -o RUN --prior"
    use_of: str | None = None
    finetuned: str | None = None


class Sizes(NamedTuple):
    """The sizes of a generator.

    Fields:
        image_shape: of one image, (h, w, c).
        latent_dim: length of a latent code.
        num_layers: composing layers go from 1 to this.
        options: what else of the card's "config" decides the images that the weights make, as (name, value) pairs;
            nothing of networks which are as their paper has them.
    """

    image_shape: tuple[int, ...]
    latent_dim: int
    num_layers: int
    options: tuple[tuple[str, Any], ...] = ()


RESTORER_TASKS = ("superres", "inpaint")
"""What a restorer can do: enlarge pictures, or fill their holes."""


class Restores(NamedTuple):
    """What a restorer does with pictures.

    Fields:
        task: one of `RESTORER_TASKS`.
        factor: how many times larger the result is; 1 where holes are filled.
    """

    task: str
    factor: int


@dataclass(frozen=True, kw_only=True)
class Family:
    """What a folder of `jaxprior/models/`, or an entry point of the group "jaxprior.models", says of itself.

    Everything is said by import strings "module:name", so that a family can be listed without importing JAX.

    Fields:
        title: one line for people.
        paper: where the networks come from.
        architectures: the word in a card's "architecture" -> {role: import string of the function that makes what plays
            the role}. Roles: "prior" and "critic" (a generator with the critic beside it, if there is one), "features",
            "refiner", "encoder", "restorer", "attributes", "singan". The function's arguments are (params, card, where)
            for all roles. An architecture that is a prior and an encoder has both in one file, and its prior has that
            encoder.
        trainers: command of `jaxprior train` -> `Trainer`.
        single_image: a training on one picture, whose presets `jaxprior singan train` offers, or None. Its settings are
            a subclass of `jaxprior.models.singan.config.PyramidRecipe`, and nothing but the picture is its input.
        commands: import string of a typer application with further commands of the family's own, or None.
        sizes: import string of the function from the table "config" of a prior's card to the prior's `Sizes`, in a
            module without JAX; None where only the networks know them. They serve to check a command before JAX is
            imported.
        restores: import string of the function from the table "config" of a restorer's card to what it `Restores`, in a
            module without JAX; None where only the networks know it. It serves to check a command before JAX is
            imported.
        page: import string of the function from a loaded network to sections of its report page, or None.
        uses: names of other families whose networks this one imports.
    """

    title: str
    paper: str
    architectures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    trainers: Mapping[str, Trainer] = field(default_factory=dict)
    single_image: Trainer | None = None
    commands: str | None = None
    sizes: str | None = None
    restores: str | None = None
    page: str | None = None
    uses: Sequence[str] = ()
