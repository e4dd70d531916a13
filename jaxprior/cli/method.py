"""From options to a method: a plain table of what was given, of which the library makes the method."""

from typing import Any

from jaxprior.cli.console import mistakes
from jaxprior.cli.options import Keep, MethodOptions


SETTINGS = {
    "preset": "preset",
    "codes": "codes.num_codes",
    "layer": "codes.layer",
    "weights": "codes.weights",
    "alpha": "codes.alpha",
    "attention": "codes.attention.type",
    "attention_where": "codes.attention.where",
    "init": "solve.init",
    "starts": "solve.starts",
    "steps": "solve.steps",
    "optimizer": "solve.optimizer",
    "lr": "solve.learning_rate",
    "schedule": "solve.schedule",
    "keep": "solve.keep",
    "target_psnr": "solve.target_psnr",
    "passes": "solve.passes",
    "window": "objective.window",
    "features": "objective.features",
    "feature_weight": "objective.feature_weight",
    "critic": "objective.critic",
    "critic_weight": "objective.critic_weight",
    "precision": "solve.precision",
    "refine": "refine",
}
"""Field of `MethodOptions` -> setting of a method's table."""

SPELLING = {setting: "--" + option.replace("_", "-") for option, setting in SETTINGS.items()}


def resolve(options: MethodOptions, task: Any, prior: Any) -> Any:
    """Return the `jaxprior.Method` that the options mean.

    Arguments:
        options: as they were given.
        task: forward operator; prior: a `jaxprior.Prior`.

    Raises:
        JaxpriorError: a layer that the prior does not have, options that exclude each other, a feature network that
            is missing, or what the library refuses.
    """
    from jaxprior.restoration.presets import make_method

    with mistakes():
        return make_method(method_table(options), task, prior=prior, names=SPELLING)


def method_table(options: MethodOptions) -> dict[str, Any]:
    """The options that were given, as the table that `jaxprior.restoration.presets.make_method` takes."""
    table: dict[str, Any] = {}
    for option, setting in SETTINGS.items():
        value = getattr(options, option)
        if value is None:
            continue
        *path, name = setting.split(".")
        part = table
        for step in path:
            part = part.setdefault(step, {})
        part[name] = _plain(value)
    return table


def _plain(value: Any) -> Any:
    """A choice as the library spells it."""
    if isinstance(value, Keep):
        return value.name
    return str(value) if isinstance(value, str) else value
