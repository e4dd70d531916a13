"""From the tables "codes" and "tune" of a method to codes: which kind is optimised, what is changed of the preset's.

    {"kind": "feature", "layer": 4}      {"num_codes": 10, "attention": "cbam"}      {"kind": "single"}
    {"steps": 20, "rank": 1}             the generator is tuned to each picture once these codes are found
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from jaxprior.errors import SettingsError
from jaxprior.inversion.codes import KINDS, CodesKind, FeatureCode, MultiCode, NetworkCode, SingleCode
from jaxprior.inversion.codes.attention import ATTENTION
from jaxprior.inversion.codes.tuned import TunedCode
from jaxprior.inversion.solvers import Solve
from jaxprior.nn.latent import WEIGHTS
from jaxprior.protocols import Codes
from jaxprior.settings import PLAIN, Names, check_choice, check_names, fields_of, spelled


HAVE = {
    "multi": "several latent codes",
    "single": "one latent code and no composing layer",
    "feature": "one latent code and one feature map",
    "network": "the weights of an untrained network",
}
"""What codes of each kind consist of."""


def make_codes(codes: Codes, given: Mapping, *, prior: Any, preset: str, names: Names) -> Codes:
    """Change codes as a table says.

    Arguments:
        codes: the preset's.
        given: "kind", one of `CodesKind`, and settings by the names of the fields of that kind. What another kind has
            in common with the preset's codes stays the preset's. The preset "default" becomes "multi" where settings
            are given that only several codes have.
        prior: of which a layer must exist, and whose distribution a single code is drawn from.
        preset: name of the preset.
        names: how settings are spelled in messages.

    Raises:
        SettingsError: a setting that codes of this kind do not have, a value of the wrong type, or a layer that the
            prior does not have.
        ValueError: a value that the codes refuse.
    """
    own: Any = kind_of_codes(codes)
    foreign = _without(given, own)
    if "kind" in given:
        check_choice(given["kind"], get_args(CodesKind), spelled("codes.kind", names))
        kind = given["kind"]
    else:
        kind = "multi" if preset == "default" and foreign and not _without(given, "multi") else own
    if foreign := _without(given, kind):
        settings = ", ".join(spelled(name, names) for part in foreign for name in _leaves(part, given[part]))
        chosen = "kind" in given
        said = f"{spelled('codes.kind', names)} {kind} means" if chosen else f"The preset {preset} has"
        other = " or ".join(spelled(name, names) for name in (["codes.kind"] if chosen else ["preset", "codes.kind"]))
        raise SettingsError(f"{said} {HAVE[kind]}: leave out {settings}, or take another {other}.")
    codes = codes if kind == own else _of_kind(kind, codes, prior)
    plain = {name: value for name, value in given.items() if name not in ("kind", "attention")}
    values = fields_of(type(codes), plain, prefix="codes.", names=names)
    if values.get("layer", 1) > prior.num_layers:
        layer = spelled("codes.layer", names)
        raise SettingsError(f"{layer} {values['layer']}: this prior has layers 1 to {prior.num_layers}.")
    if "attention" in given and isinstance(codes, MultiCode):
        values["attention"] = _attention(codes.attention, given["attention"], names)
    changed: Any = codes  # the codes of another package need not be a dataclass
    codes = dataclasses.replace(changed, **values)
    if isinstance(codes, SingleCode) and codes.start is None and prior.code_distribution != WEIGHTS:
        return dataclasses.replace(codes, start=prior.code_distribution)
    return codes


def stated_codes(stated: Mapping, *, prior: Any, preset: str, names: Names) -> Codes:
    """Make the codes that a card states; layers beyond the prior's last one are lowered to it.

    Arguments:
        stated: the table "codes" of a card, see `make_codes`; "multi" where it says no kind.
        prior, preset, names: see `make_codes`.
    """
    lowered = dict(stated)
    if isinstance(stated.get("layer"), int):
        lowered["layer"] = min(stated["layer"], prior.num_layers)
    begun = MultiCode(layer=min(MultiCode.layer, prior.num_layers))
    if "kind" in stated and stated["kind"] != "multi":  # nothing of the codes that were only a beginning stays
        check_choice(stated["kind"], get_args(CodesKind), spelled("codes.kind", names))
        begun = _of_kind(stated["kind"], None, prior)
    return make_codes(begun, lowered, prior=prior, preset=preset, names=names)


def check_network(codes: Codes, prior: Any, *, solve: Solve, draws: Any = None, names: Names = PLAIN) -> None:
    """Refuse codes of a trained generator for an untrained network, and the other way round.

    Arguments:
        codes: of any kind, tuned or not.
        prior: a `Prior`, or what is known of one.
        solve, draws: of the method: an untrained network has no distribution from which answers could be drawn.
        names: how settings are spelled in messages.

    Raises:
        SettingsError: they do not go together.
    """
    kind, name = spelled("codes.kind", names), prior.card.get("name", "this prior")
    finds_weights = isinstance(getattr(codes, "codes", codes), NetworkCode)
    if finds_weights and isinstance(codes, TunedCode):
        raise SettingsError("The weights of an untrained network are found for each picture already: do not tune them.")
    if finds_weights and (draws is not None or solve.optimizer == "langevin"):
        drawn = spelled("solve.optimizer", names) + " langevin" if draws is None else spelled("draws.count", names)
        raise SettingsError(
            f"{drawn}: an untrained network has no distribution of answers that could be drawn from; leave it out, or "
            "take a trained prior."
        )
    if finds_weights == (prior.code_distribution == WEIGHTS):
        return
    if finds_weights:
        raise SettingsError(
            f"{kind} network finds the weights of an untrained network, and {name} is a trained prior: take another "
            f"{kind}, or a prior such as dip64."
        )
    raise SettingsError(
        f"{name} is an untrained network, which has no latent codes: its weights are what is found. Take {kind} "
        "network and the preset default, which are its own settings, or a trained prior."
    )


def asks_for_other(given: Mapping, stated: Mapping) -> bool:
    """Whether a table asks for codes of another kind than a card states, or for a feature map of another layer.

    Arguments:
        given, stated: see `make_codes` and `stated_codes`.

    Example:
        >>> stated = {"kind": "feature", "layer": 4}
        >>> [asks_for_other(given, stated) for given in ({"num_codes": 10}, {"layer": 2}, {"layer": 4})]
        [True, True, False]
    """
    kind = stated.get("kind", "multi")
    if given.get("kind", kind) != kind or _without(given, kind):
        return True
    layer = stated.get("layer", FeatureCode.layer)
    return kind == "feature" and given.get("layer", layer) != layer


def kind_of_codes(codes: Any) -> str:
    """The word by which codes are chosen; the name of their class if another package brings them."""
    return next((word for word, kind in KINDS.items() if isinstance(codes, kind)), type(codes).__name__)


def make_tuned(codes: Codes, given: Mapping, *, names: Names) -> Codes:
    """Add the tuning of the generator that a method's table "tune" asks for.

    Arguments:
        codes: what is found first.
        given: settings by the names of the fields of `TunedCode`; without any, and with 0 steps, nothing is tuned.
        names: how settings are spelled in messages.

    Raises:
        SettingsError: an unknown setting, or a value of the wrong type.
        ValueError: a value that `TunedCode` refuses.
    """
    settings = [name for name in TunedCode.__dataclass_fields__ if name != "codes"]
    check_names(given, settings, prefix="tune.", names=names)
    if not given or given.get("steps") == 0:
        return codes
    return TunedCode(codes=codes, **fields_of(TunedCode, given, prefix="tune.", names=names))


def _of_kind(kind: Any, before: Any, prior: Any) -> Any:
    """Codes of another kind, with what they have in common with those before."""
    made = KINDS[kind]
    common = _fields(made) & (set() if before is None else _fields(type(before)))
    values = {name: getattr(before, name) for name in common}
    if "layer" in _fields(made):
        values["layer"] = min(values.get("layer", made.layer), prior.num_layers)
    return made(**values)


def _without(given: Iterable[str], kind: Any) -> list[str]:
    """Settings that codes of this kind do not have, and codes of another kind have."""
    known = set().union(*map(_fields, KINDS.values()))
    return [name for name in given if name in known - _fields(KINDS[kind])]


def _fields(kind: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def _leaves(part: str, value: Any) -> list[str]:
    """Dotted names of what was given of a part of the codes."""
    return [f"codes.{part}.{name}" for name in value] if isinstance(value, Mapping) else [f"codes.{part}"]


def _attention(attention: Any, given: Any, names: Names) -> Any:
    changes = dict(given) if isinstance(given, Mapping) else {"type": given}
    kind = names.get("codes.attention.type", "codes.attention")
    if "type" in changes:
        word = changes.pop("type")
        check_choice(word, ATTENTION, kind)
        attention = ATTENTION[word]
    if changes and attention is None:
        first = spelled(f"codes.attention.{next(iter(changes))}", names)
        *words, last = (word for word in ATTENTION if word != "none")
        raise SettingsError(f"{first}: give {kind} {', '.join(words)} or {last} with it.")
    if not changes:
        return attention
    return dataclasses.replace(attention, **fields_of(type(attention), changes, prefix="codes.attention.", names=names))
