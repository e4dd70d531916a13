"""Methods: named settings, and the plain table in which every method can be said.

    {"preset": "default", "codes": {"layer": 4, "attention": "cbam"},
     "objective": {"features": "critic"}, "solve": {"steps": 50}}

A recipe, the options of the command line and the card of a prior say their methods like this: a preset, and what is
changed of it. What is not said stays the preset's.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from jaxprior import protocols
from jaxprior.checks import kind_of
from jaxprior.errors import ArgumentError, SettingsError, WeightsError
from jaxprior.inversion.codes import CodesKind, MultiCode, SingleCode
from jaxprior.inversion.codes.tuned import TunedCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.starts.encoder import EncoderStart, check_layer, missing_encoder
from jaxprior.operators import Identity, Operator
from jaxprior.protocols import Codes
from jaxprior.restoration.codes_table import make_codes, make_tuned, stated_codes
from jaxprior.restoration.defaults import defaults_of, origin_of_defaults
from jaxprior.restoration.draws import Draws
from jaxprior.restoration.encoder_settings import Given, as_given, card_of_settings
from jaxprior.restoration.merge_rule import MERGES, Merge
from jaxprior.restoration.networks import Networks, OutlinedNetworks
from jaxprior.settings import (
    PLAIN,
    Names,
    as_table,
    at,
    check_choice,
    check_names,
    fields_of,
    is_none,
    setting,
    spelled,
    typed,
)
from jaxprior.system.amounts import with_article
from jaxprior.weights import registry
from jaxprior.weights.known.networks import NETWORKS


if TYPE_CHECKING:
    from jaxprior.weights.outlines import PriorOutline
    from jaxprior.weights.priors import Prior


Preset = Literal["default", "mganprior", "thesis", "invertgan", "invertgan_blind", "generative_encoder", "lsgan"]
PRESETS = get_args(Preset)
PARTS = ("codes", "objective", "solve")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outline:
    """What a method's table says besides its parts: where it starts from, and what repairs the results."""

    preset: Preset = setting("default", "Method to start from; the options below change it.", verbatim=True)
    codes_kind: CodesKind | None = setting(
        None,
        "What is optimised: several latent codes, a single one, or one code and a feature map at --layer.",
        rank=9,
    )
    refine: str | None = setting(
        None,
        "Let an autoencoder (`jaxprior train autoencoder`) repair the results before the known pixels are put back.",
        metavar="RUN|FILE",
        rank=50,
    )
    answer: str | None = setting(
        None,
        "Take the answer of this autoencoder (`jaxprior train convae`) to what was observed, instead of an inversion.",
        metavar="RUN|FILE",
        rank=50,
    )
    encoder: str | None = setting(
        None,
        "Begin with the answer of this encoder (`jaxprior train encoder`) instead of the prior's own; or with none. "
        "With --preset generative_encoder: compare pictures in the code of this one (`jaxprior train convae`).",
        metavar="none|RUN|FILE",
        rank=21,
    )
    merge: Merge = setting(
        "harmonic",
        "How the generated pixels join the known ones: without a seam (harmonic), or as they are (paste).",
        rank=51,
    )


class Method(NamedTuple):
    """Codes, objective, solve, what repairs the result, where latents begin if not by `solve.init`, merge and draws."""

    codes: Codes
    objective: Objective
    solve: Solve
    refine: Any = None
    start: Any = None
    merge: Merge = "harmonic"
    draws: Draws | None = None

    @property
    def evaluations(self) -> int:
        """Gradient evaluations of one start of a picture, at most: of all passes, and of the tuning."""
        tuning = self.codes.steps if isinstance(self.codes, TunedCode) else 0
        return self.solve.steps * self.solve.passes + tuning


def preset(
    name: str, task: Operator | None = None, *, prior: "Prior", features: Any = "preset", encoder: Any = None
) -> Method:
    """Named settings.

    Arguments:
        name: "default": the prior's card, the best measured for the task; for a card that states none what
            `jaxprior.restoration.defaults` chooses by size.
            "mganprior": the public code: SGD with rate 1, last iterate, l2 + 0.001 x VGG-16 relu3_3 (a tenth of that
            for inpainting); 20 codes at layer 8 for 3000 iterations (30 at layer 4 for inpainting, 20 at layer 6 for
            1500 in colorization and for 2000 in super-resolution).
            "thesis": Adam, 20 codes, layer 8, 3000 iterations, Gaussian weights, l2 + 0.001 x VGG-16 relu4_3; the rate
            is not stated there, 0.05 is ours.
            "lsgan": one code, Adam with rate 0.01, 1000 iterations, sum of absolute differences and 10 times the doubt
            of the prior's critic; codes that are drawn from U(-1, 1) stay in it (completion of seed 001).
            "generative_encoder": one code, Adam with rate 0.1, 1400 iterations from a random code; the iterate with
            the lowest loss |E(S(G(z))) - E(y)|^2 + 0.001 |z|^2 is kept, sums of squares; E is `encoder`, y the
            observation as a picture and S what of the degradation is repeated (seed 004, equation 3 and section 4.4;
            the weight of the penalty is not stated there, 0.001 is ours). See `Objective.compare`.
            "invertgan": the same search with pixels in place of codes: A(G(z)) is compared with the observation.
            "invertgan_blind": the same, and G(z) itself is compared with the observation as a picture, as if nothing
            had happened to the photo (equation 4 there, which is what that paper compares with).
        task: forward operator; None reconstructs.
        prior: layers beyond its last are lowered to it.
        features: "preset" for what the preset says, None for pixels only, or a network to compare with instead.
        encoder: of "generative_encoder", a feature network whose only map is the code, or its file or training run; of
            all others an encoder to begin with, in place of the prior's own.

    Raises:
        SettingsError: unknown name.
        ArgumentError: no prior, or no task.
        WeightsError: the preset compares features of a network that is not installed; the message says how to get it.
    """
    from jaxprior.weights.priors import Prior  # imports JAX

    kind_of("prior", prior, Prior, "a prior", "`load_prior` loads one")
    if task is not None:
        kind_of("task", task, (Operator, protocols.Operator), "a forward operator or None", "`jp.Colorize()` is one")
    changes = {} if isinstance(features, str) and features == "preset" else {"objective": {"features": features}}
    if encoder is not None:
        changes["encoder"] = encoder
    return make_method({"preset": name, **changes}, task, prior=prior)


def check_method(
    table: Mapping, task: Operator | None = None, *, prior: "PriorOutline", names: Names = PLAIN
) -> Method:
    """Refuse a table that makes no method, as far as that can be told without JAX, which is not imported.

    Arguments:
        table, task, names: see `make_method`.
        prior: from `jaxprior.weights.outlines.outline_prior`.

    Returns:
        the method, in which other things stand for networks.

    Raises:
        SettingsError, ValueError, WeightsError: see `make_method`.

    Example:
        >>> from jaxprior.weights.outlines import outline_prior
        >>> check_method({"solve": {"steps": 50}}, prior=outline_prior("cats32")).solve.steps
        50
    """
    return _made(table, task, prior, names, OutlinedNetworks())


def make_method(table: Mapping, task: Operator | None = None, *, prior: "Prior", names: Names = PLAIN) -> Method:
    """Make a method of a plain table.

    Arguments:
        table: "preset", "default" if it is not there; "codes", "objective" and "solve": what is changed of it, by the
            names of the fields of `MultiCode` (`SingleCode` for invertgan), `Objective` and `Solve`. Besides:
            codes.kind: "multi", "single" or "feature": the codes become a `MultiCode`, `SingleCode` or `FeatureCode`.
            codes.attention: "none", "dot", "scaled-dot", "cbam", or a table of its fields with such a `type`; without a
            type it changes the preset's module.
            objective.features: "none", "critic" (the prior's), an installed network or its file, or a table {"network":
            name or file, "cut": layer or layers, "size": pixels}; or a network itself.
            objective.critic: "none", "prior" (the prior's), or a critic itself.
            objective.in_domain: "none", "prior" (the prior's encoder), or an encoder itself.
            encoder: "none", the run of an encoder's training, its file, or an encoder itself, in place of the prior's
            own: latents begin with it, unless solve.init says otherwise. With the preset "generative_encoder" it is
            the network in whose code pictures are compared, and latents do not begin with it.
            tune: {"steps": 20, ...}, by the names of the fields of `TunedCode`: then the generator is tuned to each
            picture; 0 steps do not.
            refine: "none", the run of an autoencoder's training, its file, or a refiner itself.
            answer: the same of an autoencoder that looks at what was observed, and whose answer is the result; unless
            settings say otherwise nothing is inverted. See `jaxprior.OwnAnswer`.
            merge: "harmonic" or "paste", for tasks that fill holes; see `restore`.
        draws: so many different answers, or a table of the fields of `Draws`; none without it.
        task: forward operator; None reconstructs.
        prior: the preset's layer is lowered to its last; one that is asked for must exist.
        names: how settings are spelled in messages.

    Raises:
        SettingsError: an unknown name, a value of the wrong type, settings that do not go together.
        ValueError: a value that the codes, the objective or the solver refuse.
        WeightsError: a feature network that is not installed; the message says how to get it.

    Example:
        >>> make_method({"solve": {"steps": 50}}, prior=load_prior()).solve.steps
        50
    """
    return _made(table, task, prior, names, Networks())


def _made(table: Mapping, task: Operator | None, prior: Any, names: Names, networks: Networks) -> Method:
    """What `make_method` and `check_method` return."""
    check_names(table, ("preset", *PARTS, "tune", "encoder", "refine", "answer", "merge", "draws"), names=names)
    name, merge = table.get("preset", "default"), table.get("merge", Outline.merge)
    check_choice(merge, MERGES, spelled("merge", names))
    given = {part: as_table(table.get(part, {}), part) for part in (*PARTS, "tune")}
    given, refiner = _repaired_by(table, given, prior, names, networks)
    encoder = table.get("encoder")
    if name == CODE_SPACE:
        given = {**given, "objective": _in_code_space(given["objective"], encoder, prior, names, networks)}
        encoder = None  # no start uses it
    given, prior = _begun_with(encoder, given, prior, networks)
    begun, stated, solve, tuning = _start(name, _name_of(task), prior, given)
    codes = make_codes(begun, given["codes"], prior=prior, preset=name, names=names)
    objective = _objective(stated, given["objective"], prior, names, networks)
    objective.check_codes(codes)
    solve = dataclasses.replace(solve, **fields_of(Solve, given["solve"], prefix="solve.", names=names))
    check_suits(task, objective, solve)
    _refuse_unused(encoder, objective, solve, prior, names)
    tuning = {**tuning, **given["tune"]}
    return Method(
        make_tuned(codes, tuning, names=names),
        objective,
        solve,
        refiner,
        start=encoder_start(prior, codes, solve),
        merge=merge,
        draws=_draws(table.get("draws"), names),
    )


def origin_of_method(table: Mapping, task: Operator | None = None, *, prior: Any) -> str | None:
    """Say where settings come from that nobody gave and nobody measured on the prior; None where there are none.

    Arguments:
        table, task: as for `make_method`, which took them.
        prior: a `Prior`, or what is known of one.

    Example:
        >>> origin_of_method({"preset": "thesis"}, prior=load_prior()) is None
        True
    """
    if table.get("preset", Outline.preset) != Outline.preset:
        return None
    given = {part: as_table(table.get(part, {}), part) for part in PARTS}
    given, prior = _begun_with(table.get("encoder"), given, prior, OutlinedNetworks())
    card = card_of_settings(prior, _name_of(task), given)
    return origin_of_defaults(card, _name_of(task), image_shape=prior.image_shape)


def completed(
    prior: "Prior", task: Operator, *, codes: Codes | None, objective: Objective | None, solve: Solve | None, start: Any
) -> Method:
    """Complete what a caller gave of a method by the prior's defaults, or by those of the encoder it begins with.

    Whose settings count, `jaxprior.restoration.encoder_settings` says.

    Arguments:
        prior, task: as for `preset`.
        codes, objective, solve, start: what was given, or None.
    """
    if isinstance(start, EncoderStart) and start.encoder is None:
        start = dataclasses.replace(start, encoder=prior.encoder)
    elif isinstance(start, EncoderStart):
        prior = dataclasses.replace(prior, encoder=start.encoder)
    if codes is None or objective is None or solve is None:
        card = card_of_settings(prior, _name_of(task), as_given(codes, objective, solve, start))
        begun, stated, default, tuning = _from_card(card, prior, _name_of(task))
        codes = codes or make_tuned(begun, tuning, names=PLAIN)
        objective, solve = objective or _objective(stated, {}, prior, PLAIN, Networks()), solve or default
    check_suits(task, objective, solve)
    return Method(codes, objective, solve, start=encoder_start(prior, codes, solve) if start is None else start)


def check_suits(task: Operator | None, objective: Objective, solve: Solve) -> None:
    """Refuse a loss or a rule that looks at observed pictures, where a task observes a list of numbers.

    Raises:
        ArgumentError: naming the field and what to take instead.
    """
    if not getattr(task, "observes_numbers", False):
        return
    assert task is not None
    why = f"and {task.name} observes a list of numbers, which is no picture"
    if objective.features is not None and objective.compare == "observations":
        raise ArgumentError(f"`features` compares pictures in a network, {why}: take none, with `pixel` l2 or l1.")
    if objective.window:
        raise ArgumentError(f"`window` looks at pixels around a hole, {why}: take 0.")
    if solve.keep == "held_out":
        raise ArgumentError(f"`keep` held_out holds squares of a picture out of the fit, {why}: take best or last.")


def _name_of(task: Operator | None) -> str:
    return (Identity() if task is None else task).name


CODE_SPACE = "generative_encoder"
"""The preset whose encoder is no start: pictures are compared in its code."""

SEARCHES: dict[str, dict[str, Any]] = {
    CODE_SPACE: {
        "pixel": None,
        "feature_loss": "l2_sum",
        "feature_weight": 1.0,
        "code_penalty": 0.001,
        "compare": "pictures",
    },
    "invertgan": {},
    "invertgan_blind": {"compare": "generated"},
}
"""The presets of seed 004, which search for one code in the same way -> the objective of each."""

PUBLIC_SETTINGS = {"inpaint": (30, 4, 3000), "colorize": (20, 6, 1500), "superres": (20, 6, 2000)}
"""Codes, layer and iterations of mGANprior's scripts and README, where they differ from reconstruction."""


Begun = tuple[Codes, dict, Solve, dict]
"""Codes, table of the objective (its network is not loaded yet, for it may be changed), solve and table of a tuning."""


def _start(name: str, task_name: str, prior: Any, given: Given) -> Begun:
    """What a preset states."""
    check_choice(name, PRESETS, "preset")
    if name == "default":
        return _from_card(card_of_settings(prior, task_name, given), prior, task_name)
    if name in SEARCHES:
        return SingleCode(), SEARCHES[name], Solve(steps=1400, optimizer="adam", learning_rate=0.1), {}
    if name == "lsgan":
        codes = SingleCode(project="clip" if prior.code_distribution == "uniform" else "none")
        solve = Solve(steps=1000, optimizer="adam", learning_rate=0.01)
        return codes, {"pixel": "l1_sum", "critic": "prior"}, solve, {}
    if name == "mganprior":
        codes, layer, steps = PUBLIC_SETTINGS.get(task_name, (20, 8, 3000))
        solve = Solve(steps=steps, optimizer="sgd", learning_rate=1.0, keep="last")
        alpha, cut, weight = "mean", 16, 0.0001 if task_name == "inpaint" else 0.001
    else:
        codes, layer = 20, 8
        solve = Solve(steps=3000, optimizer="adam", learning_rate=0.05)
        alpha, cut, weight = "gaussian", 23, 0.001
    objective = {"features": {"network": "vgg16", "cut": cut, "size": 256}, "feature_weight": weight}
    return MultiCode(num_codes=codes, layer=min(layer, prior.num_layers), alpha=alpha), objective, solve, {}


def _from_card(card: Mapping, prior: Any, task_name: str) -> Begun:
    """What a card states for a task, or the defaults for images of this size."""
    stated = defaults_of(card, task_name, image_shape=prior.image_shape)
    with at(f"the card of {card.get('name')}"):
        codes = stated_codes(stated["codes"], prior=prior, preset="default", names=PLAIN)
        solve = Solve(**fields_of(Solve, stated["solve"], prefix="solve."))
    return codes, stated["objective"], solve, stated.get("tune", {})


def _objective(stated: Mapping, given: Mapping, prior: Any, names: Names, networks: Networks) -> Objective:
    check_names(given, Objective.__dataclass_fields__, prefix="objective.", names=names)
    table = {**stated, **given}
    with _saying_how_to_do_without(table.get("features"), spelled("objective.features", names)):
        features = _network(table.pop("features", None), prior, names, networks)
    if features is None and "feature_weight" in given:
        weight, network = spelled("objective.feature_weight", names), spelled("objective.features", names)
        raise SettingsError(f"{weight}: there is no feature distance to weigh; give {network} with it.")
    beside = {}
    for field, network in BESIDE.items():
        beside[field] = _beside_the_prior(table.pop(field, None), prior, spelled(f"objective.{field}", names), network)
        for about in (name for name in (f"{field}_weight", f"{field}_on") if name in given and beside[field] is None):
            setting, source = spelled(f"objective.{about}", names), spelled(f"objective.{field}", names)
            raise SettingsError(f"{setting}: there is no {network} to weigh; give {source} with it.")
    values = fields_of(Objective, table, prefix="objective.", names=names)
    return Objective(features=features, **beside, **values)


BESIDE = {"critic": "critic", "in_domain": "encoder"}
"""A field of the objective that takes a network which was trained beside the prior -> what the prior calls it."""


def _beside_the_prior(source: Any, prior: Any, setting: str, network: str) -> Any:
    """What a field of `BESIDE` takes."""
    if is_none(source):
        return None
    if isinstance(source, str) and source == "prior":
        found = getattr(prior, network, None)
        if found is None:
            how = "take none" if network == "critic" else "`jaxprior train encoder` trains one, or take none"
            raise SettingsError(f"{setting} prior: this prior has no {network}; {how}.")
        return found
    if callable(source):
        return source
    raise SettingsError(f'{setting}: expected "none", "prior" or {with_article(network)}, got {source!r}.')


def _draws(given: Any, names: Names) -> Draws | None:
    """What `restore` takes as `draws`."""
    if given is None:
        return None
    table = as_table(given, spelled("draws", names)) if isinstance(given, Mapping) else {"count": given}
    check_names(table, Draws.__dataclass_fields__, prefix="draws.", names=names)
    if table and "count" not in table:
        moves, count = spelled("draws.moves", names), spelled("draws.count", names)
        raise SettingsError(f"{moves}: there are no draws to move on; give {count} with it.")
    return Draws(**fields_of(Draws, table, prefix="draws.", names=names))


def _in_code_space(given: Mapping, encoder: Any, prior: Any, names: Names, networks: Networks) -> dict:
    """What is given of an objective, with the encoder in whose code the preset `CODE_SPACE` compares pictures.

    Raises:
        SettingsError: there is no encoder, or two networks; an encoder to begin with, or one of other pictures.
        WeightsError: there is no such file, or it holds something else.
    """
    called, other = spelled("encoder", names), spelled("objective.features", names)
    wanted = f"the RUN of `jaxprior train convae`, in whose code the preset {CODE_SPACE} compares pictures"
    if is_none(encoder):
        if is_none(given.get("features")):
            raise SettingsError(f"The preset {CODE_SPACE} needs an encoder: give {called}, {wanted}.")
        return dict(given)
    if "features" in given:
        raise SettingsError(f"{called} and {other} both name the network in which pictures are compared: give one.")
    if isinstance(encoder, str | Path):
        try:
            encoder = networks.features(str(encoder))
        except WeightsError as error:
            here = f"With the preset {CODE_SPACE}, {called} takes the RUN of `jaxprior train convae`"
            raise WeightsError(f"{error}. {here}, in whose code it compares pictures.") from None
    elif hasattr(encoder, "prior_sha256") or not (callable(encoder) or hasattr(encoder, "features")):
        raise SettingsError(f"{called}: expected a network of images, or {wanted}, got {encoder!r}.")
    refuses = getattr(encoder, "refuses", None)
    if refuses is not None and (why := refuses(prior.image_shape)) is not None:
        raise SettingsError(f"{called}: this encoder does not take pictures of the prior's size: {why}.")
    return {**given, "features": encoder}


def _begun_with(encoder: Any, given: Given, prior: Any, networks: Networks) -> tuple[Given, Any]:
    """The parts of a table and the prior as a table's encoder changes them: latents begin with it, unless they say no.

    Arguments:
        encoder: what the table says, see `make_method`; given: its parts.
        prior: with its own encoder; networks: where the other one comes from.
    """
    if is_none(encoder):
        return given, prior if encoder is None else dataclasses.replace(prior, encoder=None)
    encoder = _loaded(encoder, networks) if isinstance(encoder, str | Path) else encoder
    if (check_fits := getattr(encoder, "check_fits", None)) is not None:
        check_fits(prior)
    given = {**given, "solve": {"init": "encoder", **given["solve"]}}
    return given, dataclasses.replace(prior, encoder=encoder)


def _loaded(source: str | Path, networks: Networks) -> Any:
    """The encoder of a file or run that latents begin with."""
    try:
        return networks.encoder(source)
    except WeightsError as error:
        if not networks.is_features(str(source)):
            raise
        raise WeightsError(f"{error}; or take the preset {CODE_SPACE}, which compares pictures in its code") from None


def _refuse_unused(encoder: Any, objective: Objective, solve: Solve, prior: Any, names: Names) -> None:
    """Refuse an encoder that a table names and nothing uses."""
    if not is_none(encoder) and solve.init != "encoder" and objective.in_domain is not prior.encoder:
        begun, source = f"{spelled('solve.init', names)} {solve.init}", spelled("encoder", names)
        raise SettingsError(f"{source}: nothing uses it, because {begun} begins elsewhere; leave one of the two out.")


def encoder_start(prior: Any, codes: Codes, solve: Solve) -> Any:
    """The start that begins with the prior's encoder, if these settings ask for that; None for all other starts.

    Arguments:
        prior: a `Prior`, or what is known of one.
        codes, solve: of the method.

    Raises:
        ArgumentError: the prior has no encoder, or one of another layer than codes begin at.
    """
    if solve.init != "encoder":
        return None
    if prior.encoder is None:
        raise ArgumentError(missing_encoder(prior.card.get("name")))
    check_layer(prior.encoder, codes)
    return EncoderStart(encoder=prior.encoder, bank_size=solve.bank_size)


IDLE = {"codes": {"kind": "single"}, "solve": {"init": "random", "steps": 0}, "tune": {"steps": 0}}
"""Settings with which nothing is inverted, for results that come from another network."""


def _repaired_by(
    table: Mapping, given: Given, prior: Any, names: Names, networks: Networks
) -> tuple[Given, Any]:
    """The parts of a table as its autoencoder changes them, and what `restore` takes as `refine`.

    Arguments:
        table, prior, names: see `make_method`; given: the table's parts; networks: where autoencoders come from.

    Raises:
        SettingsError: it both repairs and answers, or answers several times.
    """
    refiner, answering = (_refiner(table.get(name), prior, networks) for name in ("refine", "answer"))
    if answering is None:
        return given, refiner
    called = spelled("answer", names)
    if refiner is not None:
        raise SettingsError(f"{called} and {spelled('refine', names)} are two uses of an autoencoder: give one.")
    if table.get("draws"):
        raise SettingsError(f"{called}: an autoencoder has one answer; leave out {spelled('draws', names)}.")
    given = {part: {**IDLE.get(part, {}), **settings} for part, settings in given.items()}
    return given, networks.own_answer(answering)


def _refiner(source: Any, prior: Any, networks: Networks) -> Any:
    """What `restore` takes as `refine`."""
    if is_none(source):
        return None
    refiner = networks.refiner(source) if isinstance(source, str | Path) else source
    networks.check_refiner(refiner, prior.image_shape)
    return refiner


def _network(source: Any, prior: Any, names: Names, networks: Networks) -> Any:
    """What `Objective.features` takes."""
    setting = spelled("objective.features", names)
    if is_none(source):
        return None
    if isinstance(source, str) and source == "critic":
        if prior.critic is None:
            raise SettingsError(f"{setting} critic: this prior has no critic; take another distance, or none.")
        return prior.critic
    if isinstance(source, str):
        return networks.features(source)
    if isinstance(source, Mapping):
        return _cut_network(source, setting, networks)
    if callable(source) or hasattr(source, "features"):
        return source
    raise SettingsError(f'{setting}: expected "none", "critic", a network or a table of one, got {source!r}.')


@contextlib.contextmanager
def _saying_how_to_do_without(source: Any, setting: str) -> Iterator[None]:
    """Let the sentence about a feature network that is not installed end with how to do without it."""
    try:
        yield
    except WeightsError as error:
        name = source.get("network") if isinstance(source, Mapping) else source
        if name not in NETWORKS or name in registry.installed():
            raise
        evaluated = "" if setting.startswith("--") else ", for `jaxprior evaluate` also --features none"
        raise WeightsError(f"{error}; or do without it: {setting} none{evaluated}") from None


def _cut_network(table: Mapping, setting: str, networks: Networks) -> Any:
    check_names(table, ("network", "cut", "size"), prefix=f"{setting}.")
    if "network" not in table:
        raise SettingsError(f'{setting}: say which network, e.g. network = "vgg16".')
    cut = table.get("cut")
    return networks.features(
        typed(table["network"], str, f"{setting}.network"),
        cut=tuple(cut) if isinstance(cut, list) else cut,
        size=typed(table.get("size"), int | None, f"{setting}.size"),
    )
