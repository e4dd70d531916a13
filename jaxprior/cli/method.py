"""From options to a method: the preset of a task and a prior, changed by what was given."""

import dataclasses
from typing import Any

from jaxprior.cli.console import mistakes
from jaxprior.cli.options import MethodOptions
from jaxprior.errors import JaxpriorError


def resolve(options: MethodOptions, task: Any, prior: Any) -> Any:
    """Return the `jaxprior.Method` that the options mean.

    Arguments:
        options: as they were given.
        task: forward operator; prior: a `jaxprior.Prior`.

    Raises:
        JaxpriorError: a layer that the prior does not have, options that exclude each other, a feature network that
            is missing, or what the library refuses.
    """
    from jaxprior import restoration

    if options.layer is not None and options.layer > prior.num_layers:
        raise JaxpriorError(f"--layer {options.layer}: this prior has layers 1 to {prior.num_layers}.")
    with mistakes():
        method = restoration.preset(str(options.preset), task, prior=prior, features=_features(options.features, prior))
        return method._replace(
            codes=_codes(method.codes, options),
            objective=_objective(method.objective, options),
            solve=_changed(
                method.solve,
                init=options.init,
                starts=options.starts,
                steps=options.steps,
                optimizer=options.optimizer,
                learning_rate=options.lr,
                schedule=options.schedule,
                keep=options.keep and options.keep.name,
                target_psnr=options.target_psnr,
                passes=options.passes,
                precision=options.precision,
            ),
        )


def _features(source: str | None, prior: Any) -> Any:
    """What `restoration.preset` takes for --features."""
    if source is None:
        return "preset"
    if source == "none":
        return None
    if source != "critic":
        from jaxprior.features import load_features

        return load_features(source)
    if prior.critic is None:
        raise JaxpriorError("--features critic: this prior has no critic; take another distance, or none.")
    return prior.critic


def _codes(codes: Any, options: MethodOptions) -> Any:
    from jaxprior.inversion.latents import SingleCode

    changes = {"num_codes": options.codes, "layer": options.layer, "weights": options.weights, "alpha": options.alpha}
    if not isinstance(codes, SingleCode):
        return _changed(dataclasses.replace(codes, attention=_attention(codes.attention, options)), **changes)
    names = ("codes", "layer", "weights", "alpha", "attention", "attention_where")
    given = ["--" + name.replace("_", "-") for name in names if getattr(options, name) is not None]
    if given:
        raise JaxpriorError(
            f"The preset {options.preset} has one latent code and no composing layer: "
            f"leave out {', '.join(given)}, or take another --preset."
        )
    return codes


def _attention(attention: Any, options: MethodOptions) -> Any:
    from jaxprior.inversion.attention import CBAM, SelfAttention

    if options.attention is not None:
        kinds = {"dot": SelfAttention(), "scaled-dot": SelfAttention(scaled=True), "cbam": CBAM()}
        attention = kinds.get(options.attention.value)
    if options.attention_where is None:
        return attention
    if attention is None:
        raise JaxpriorError("--attention-where: give --attention dot, scaled-dot or cbam with it.")
    return dataclasses.replace(attention, where=str(options.attention_where))


def _objective(objective: Any, options: MethodOptions) -> Any:
    if options.feature_weight is None:
        return objective
    if objective.features is None:
        raise JaxpriorError("--feature-weight: there is no feature distance to weigh; give --features with it.")
    return dataclasses.replace(objective, feature_weight=options.feature_weight)


def _changed(value: Any, **changes: Any) -> Any:
    """Replace the fields of a frozen dataclass that were given; choices become plain strings."""
    given = {
        name: str(change) if isinstance(change, str) else change
        for name, change in changes.items()
        if change is not None
    }
    return dataclasses.replace(value, **given)
