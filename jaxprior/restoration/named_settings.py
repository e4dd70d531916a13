"""Named settings: what each preset states of codes, objective and solve. No JAX is imported here."""

from collections.abc import Mapping
from typing import Any, Literal, get_args

from jaxprior.inversion.codes import MultiCode, SingleCode
from jaxprior.inversion.solvers import Solve
from jaxprior.protocols import Codes
from jaxprior.restoration.codes_table import stated_codes
from jaxprior.restoration.defaults import defaults_of
from jaxprior.restoration.encoder_settings import Given, card_of_settings
from jaxprior.settings import PLAIN, at, check_choice, fields_of


Preset = Literal["default", "mganprior", "thesis", "invertgan", "invertgan_blind", "generative_encoder", "lsgan"]
PRESETS = get_args(Preset)

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
"""The presets of the paper on the Generative Encoder (Ong and Yang), which search for one code in the same way -> the
objective of each."""

PUBLIC_SETTINGS = {"inpaint": (30, 4, 3000), "colorize": (20, 6, 1500), "superres": (20, 6, 2000)}
"""Codes, layer and iterations of mGANprior's scripts and README, where they differ from reconstruction."""

Begun = tuple[Codes, dict, Solve, dict]
"""Codes, table of the objective (its network is not loaded yet, for it may be changed), solve and table of a tuning."""


def stated_by(name: str, task_name: str, prior: Any, given: Given) -> Begun:
    """What a preset states.

    Arguments:
        name: one of `PRESETS`.
        task_name: of the forward operator, e.g. "inpaint".
        prior: a `Prior`, or what is known of one.
        given: what is changed of the preset, which decides whether the prior's or its encoder's settings are meant.

    Raises:
        SettingsError: there is no such preset, or the card states something that does not fit.
    """
    check_choice(name, PRESETS, "preset")
    if name == "default":
        return from_card(card_of_settings(prior, task_name, given), prior, task_name)
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


def from_card(card: Mapping, prior: Any, task_name: str) -> Begun:
    """What a card states for a task, or the defaults for images of this size."""
    stated = defaults_of(card, task_name, image_shape=prior.image_shape)
    with at(f"the card of {card.get('name')}"):
        codes = stated_codes(stated["codes"], prior=prior, preset="default", names=PLAIN)
        solve = Solve(**fields_of(Solve, stated["solve"], prefix="solve."))
    return codes, stated["objective"], solve, stated.get("tune", {})
