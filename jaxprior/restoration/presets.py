"""Methods: named settings, and the plain table in which every method can be said.

    {"preset": "default", "codes": {"layer": 4, "attention": "cbam"},
     "objective": {"features": "critic"}, "solve": {"steps": 50}}

A recipe, the options of the command line and the card of a prior say their methods like this: a preset, and what is
changed of it. What is not said stays the preset's.
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from jaxprior import protocols
from jaxprior.checks import kind_of
from jaxprior.errors import ArgumentError, SettingsError
from jaxprior.inversion.codes import CodesKind
from jaxprior.inversion.codes.tuned import TunedCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.inversion.starts.encoder import EncoderStart, check_layer, missing_encoder
from jaxprior.operators import Identity, Operator
from jaxprior.protocols import Codes
from jaxprior.restoration.codes_table import check_network, make_codes, make_tuned
from jaxprior.restoration.defaults import origin_of_defaults
from jaxprior.restoration.draws import Draws
from jaxprior.restoration.encoder_settings import as_given, card_of_settings
from jaxprior.restoration.merge_rule import MERGES, Merge
from jaxprior.restoration.method_networks import (
    begun_with,
    in_code_space,
    objective_of,
    refuse_unused,
    repaired_by,
    restored_by,
)
from jaxprior.restoration.named_settings import CODE_SPACE, Preset, from_card, stated_by
from jaxprior.restoration.networks import Networks, OutlinedNetworks
from jaxprior.settings import (
    PLAIN,
    Names,
    as_table,
    check_choice,
    check_names,
    fields_of,
    is_none,
    setting,
    spelled,
)


if TYPE_CHECKING:
    from jaxprior.weights.outlines import PriorOutline
    from jaxprior.weights.priors import Prior


PARTS = ("codes", "objective", "solve")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outline:
    """What a method's table says besides its parts: where it starts from, and what repairs the results."""

    preset: Preset = setting("default", "Method to start from; the options below change it.", verbatim=True)
    codes_kind: CodesKind | None = setting(
        None,
        "What is optimised: several latent codes, a single one, one code and a feature map at --layer, or the weights "
        "of an untrained network (--prior dip64 and others).",
        rank=9,
    )
    refine: str | None = setting(
        None,
        "Let an autoencoder (`jaxprior train autoencoder`) repair the results before the known pixels are put back.",
        metavar="RUN|FILE|NAME",
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
            codes.kind: "multi", "single", "feature" or "network": the codes become a `MultiCode`, `SingleCode`,
            `FeatureCode` or `NetworkCode`.
            codes.attention: "none", "dot", "scaled-dot", "non-local", "cbam", or a table of its fields with such a
            `type`; without a type it changes the preset's module.
            objective.features: "none", "critic" (the prior's), an installed network or its file, or a table {"network":
            name or file, "cut": layer or layers, "size": pixels}; or a network itself.
            objective.critic: "none", "prior" (the prior's), or a critic itself.
            objective.in_domain: "none", "prior" (the prior's encoder), or an encoder itself.
            encoder: "none", the run of an encoder's training, its file, or an encoder itself, in place of the prior's
            own: latents begin with it, unless solve.init says otherwise. With the preset "generative_encoder" it is
            the network in whose code pictures are compared, and latents do not begin with it.
            tune: {"steps": 20, ...}, by the names of the fields of `TunedCode`: then the generator is tuned to each
            picture; 0 steps do not.
            refine: "none", the name of a bundled refiner, the run of an autoencoder's training, its file, or a refiner
            itself.
            answer: the same of an autoencoder that looks at what was observed, and whose answer is the result. Nothing
            is inverted, and settings of a search are refused beside it. See `jaxprior.OwnAnswer`.
            restorer: the name, run or file of a restorer, whose answer to what was observed is the result, at the
            prior's size; nothing is inverted. See `jaxprior.load_restorer`.
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
    check_names(
        table, ("preset", *PARTS, "tune", "encoder", "refine", "answer", "restorer", "merge", "draws"),
        names=names,
    )
    name, merge = table.get("preset", "default"), table.get("merge", Outline.merge)
    check_choice(merge, MERGES, spelled("merge", names))
    given = {part: as_table(table.get(part, {}), part) for part in (*PARTS, "tune")}
    if is_none(table.get("restorer")):
        given, refiner = repaired_by(table, given, prior, names, networks)
    else:
        given, refiner = restored_by(table, given, task, prior.image_shape, names, networks)
        merge = table.get("merge", "paste")  # as it does for photographs of their own size
    _refuse_merge_of_volumes(table, prior.image_shape, names)
    encoder = table.get("encoder")
    if name == CODE_SPACE:
        given = {**given, "objective": in_code_space(given["objective"], encoder, prior, names, networks)}
        encoder = None  # no start uses it
    given, prior = begun_with(encoder, given, prior, networks)
    begun, stated, solve, tuning = stated_by(name, _name_of(task), prior, given)
    codes = make_codes(begun, given["codes"], prior=prior, preset=name, names=names)
    objective = objective_of(stated, given["objective"], prior, names, networks)
    objective.check_codes(codes)
    solve = dataclasses.replace(solve, **fields_of(Solve, given["solve"], prefix="solve.", names=names))
    check_suits(task, objective, solve)
    refuse_unused(encoder, objective, solve, prior, names)
    codes = make_tuned(codes, {**tuning, **given["tune"]}, names=names)
    draws = _draws(table.get("draws"), names)
    check_network(codes, prior, solve=solve, draws=draws, names=names)
    return Method(
        codes,
        objective,
        solve,
        refiner,
        start=encoder_start(prior, codes, solve),
        merge=merge,
        draws=draws,
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
    if table.get("preset", Outline.preset) != Outline.preset or not is_none(table.get("answer")):
        return None
    given = {part: as_table(table.get(part, {}), part) for part in PARTS}
    given, prior = begun_with(table.get("encoder"), given, prior, OutlinedNetworks())
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
        begun, stated, default, tuning = from_card(card, prior, _name_of(task))
        codes = codes or make_tuned(begun, tuning, names=PLAIN)
        objective, solve = objective or objective_of(stated, {}, prior, PLAIN, Networks()), solve or default
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


def _refuse_merge_of_volumes(table: Mapping, image_shape: tuple[int, ...], names: Names) -> None:
    """Refuse a merge without a seam that was asked for where the prior makes volumes, which are always pasted."""
    if table.get("merge") == "harmonic" and len(image_shape) == 4:
        raise SettingsError(
            f"{spelled('merge', names)} harmonic joins pictures, and this prior makes volumes, whose generated voxels "
            f"are taken as they are: leave {spelled('merge', names)} out, or say paste."
        )


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
