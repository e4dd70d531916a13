"""Named settings: the prior's own defaults and the originals of the literature."""

import dataclasses
from typing import Any, NamedTuple

from jaxprior.features import load_features
from jaxprior.inversion.latents import MultiCode, SingleCode
from jaxprior.inversion.objective import Objective
from jaxprior.inversion.solvers import Solve
from jaxprior.operators import Identity, Operator
from jaxprior.priors import Prior


PRESETS = ("default", "mganprior", "thesis", "invertgan")


class Method(NamedTuple):
    """Codes, objective and solve: everything that an inversion depends on besides the pictures."""

    codes: MultiCode | SingleCode
    objective: Objective
    solve: Solve


def preset(name: str, task: Operator | None = None, *, prior: Prior, features: Any = "preset") -> Method:
    """Named settings.

    Arguments:
        name: "default": the prior's card, the best measured for the task.
            "mganprior": the public code: SGD with rate 1, last iterate, l2 + 0.001 x VGG-16 relu3_3 (a tenth of that
            for inpainting); 20 codes at layer 8 for 3000 iterations (30 at layer 4 for inpainting, 20 at layer 6 for
            1500 in colorization and for 2000 in super-resolution).
            "thesis": Adam, 20 codes, layer 8, 3000 iterations, Gaussian weights, l2 + 0.001 x VGG-16 relu4_3; the rate
            is not stated there, 0.05 is ours.
            "invertgan": one code, Adam with rate 0.1, 1400 iterations, pixels only (the control of Generative Encoder).
        task: forward operator; None reconstructs.
        prior: layers beyond its last are lowered to it.
        features: "preset" for what the preset says, None for pixels only, or a network to compare with instead.

    Raises:
        ValueError: unknown name.
        WeightsError: the preset compares features of a network that is not installed; the message says how to get it.
    """
    task_name = (Identity() if task is None else task).name
    if name == "default":
        return _from_card(prior, task_name, features)
    if name == "invertgan":
        solve = Solve(steps=1400, optimizer="adam", learning_rate=0.1)
        return Method(SingleCode(), Objective(features=None if features == "preset" else features), solve)
    if name == "mganprior":
        codes, layer, steps = PUBLIC_SETTINGS.get(task_name, (20, 8, 3000))
        solve = Solve(steps=steps, optimizer="sgd", learning_rate=1.0, keep="last")
        alpha, cut, weight = "mean", 16, 0.0001 if task_name == "inpaint" else 0.001
    elif name == "thesis":
        codes, layer = 20, 8
        solve = Solve(steps=3000, optimizer="adam", learning_rate=0.05)
        alpha, cut, weight = "gaussian", 23, 0.001
    else:
        raise ValueError(f"unknown preset {name!r}; expected one of {PRESETS}")
    if isinstance(features, str) and features == "preset":
        features = load_features("vgg16", cut=cut, size=256)
    objective = Objective(features=features, feature_weight=weight)
    return Method(MultiCode(num_codes=codes, layer=min(layer, prior.num_layers), alpha=alpha), objective, solve)


PUBLIC_SETTINGS = {"inpaint": (30, 4, 3000), "colorize": (20, 6, 1500), "superres": (20, 6, 2000)}
"""Codes, layer and iterations of mGANprior's scripts and README, where they differ from reconstruction."""

FALLBACK = {
    "codes": {"num_codes": 20, "layer": 8},
    "objective": {"pixel": "l2"},
    "solve": {"steps": 200, "optimizer": "lbfgs", "weight_rate": 0.3},
}
"""Settings of a prior whose card states none, e.g. a freshly converted one."""


def _from_card(prior: Prior, task_name: str, features: Any) -> Method:
    stated = {**FALLBACK, **prior.card.get("defaults", {}).get(task_name, {})}
    codes = MultiCode(**stated["codes"])
    codes = dataclasses.replace(codes, layer=min(codes.layer, prior.num_layers))
    objective = dict(stated["objective"])
    said = objective.pop("features", None)
    if not (isinstance(features, str) and features == "preset"):
        objective["features"] = features
    elif said == "critic":
        if prior.critic is None:
            raise ValueError(f"the defaults of {prior.card.get('name')} use its critic, which this prior lacks")
        objective["features"] = prior.critic
    return Method(codes, Objective(**objective), Solve(**stated["solve"]))
