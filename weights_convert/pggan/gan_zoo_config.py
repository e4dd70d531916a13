"""The settings of a pytorch_GAN_zoo training, `config`, wherever a file keeps them and in whatever form.

torch.hub's files hold an object under the name `config`. Those who save such a network again often make a dict or a
namespace of it, give it another name, or put its entries beside the networks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.pggan.settings import check_flag
from weights_convert.report import printable
from weights_convert.settings_objects import plain_values
from weights_convert.states import State
from weights_convert.tensors import as_number


_USUAL_NAME = "config"
_KEYS = ("lossCriterion", "categoryVectorDim", "noiseVectorDim", "latentVectorDim", "attribKeysOrder", "depthScale0",
         "depthOtherScales", "equalizedlR", "leakyReluLeak", "perChannelNormalization")  # fmt: skip
"""Settings by which a `config` is recognised under any name. `alpha` alone may be something else."""
_MOST = 10  # of such settings in one file


@dataclass(frozen=True)
class Config:
    """The settings of a training. Fields: name: what the file calls them. values: the settings by name."""

    name: str
    values: Mapping[str, object]

    def of(self, setting: str) -> str:
        """A setting in words: "config.alpha"."""
        return f"{self.name}.{setting}" if self.name else setting


def config_of(state: State) -> Config | None:
    """The settings beside a network or around it, else those beside its raw form; None where the file has none.

    Arguments:
        state: the tensors of the network.
    Raises:
        WeightsError: the file has several that differ, or they cannot be read, or they make another network than ours.
    """
    found = list(_candidates({**state.objects, "": state.around})) or list(_candidates(state.elsewhere))
    if not found:
        unread = next((name for name in state.unknown if name.split(".")[-1] == _USUAL_NAME), None)
        if unread is not None:
            raise WeightsError(
                f"its {printable(unread)}, which says whether it is finished and how its images end, is an object of "
                f"{printable(state.unknown[unread])}, which cannot be read; save it as a dict"
            )
        return None
    first = found[0]
    others = [one for one in found[1:] if _decisive(one) != _decisive(first)]
    if others:
        names = " and ".join(printable(one.name) or "its own entries" for one in (first, others[0]))
        raise WeightsError(f"the file holds different settings of trainings, {names}; save only those of this network")
    if first.values.get("leakyReluLeak", 0.2) != 0.2:
        slope = printable(str(first.values["leakyReluLeak"]))
        raise WeightsError(f"{first.of('leakyReluLeak')} = {slope}: our LeakyReLU has the slope 0.2")
    if not check_flag(first.name, first.values, "perChannelNormalization"):
        raise WeightsError(f"{first.of('perChannelNormalization')} = False: our networks have that norm")
    return first


def _candidates(places: Mapping[str, Mapping[str, object]]) -> Iterator[Config]:
    """What may be the settings, of dicts by their names: by the usual name, or by what is in it."""
    places = {name: items for name, items in places.items() if _is_config(name, items)}
    if len(places) > _MOST:
        raise WeightsError(
            f"the file holds the settings of more than {_MOST} trainings; save only those of this network"
        )
    for name, items in places.items():
        numbers = {key: as_number(item) if isinstance(item, np.ndarray) else item for key, item in items.items()}
        kept = {key: item for key, item in numbers.items() if item is not None or items[key] is None}
        yield Config(printable(name), plain_values(kept))


def _is_config(name: str, items: Mapping[str, object]) -> bool:
    return any(key in items for key in _KEYS) or (name.split(".")[-1] == _USUAL_NAME and "alpha" in items)


def _decisive(config: Config) -> dict[str, object]:
    return {key: config.values[key] for key in (*_KEYS, "alpha") if key in config.values}


def check_form(config: Config, widths: Sequence[int], channels: int, latent: int) -> None:
    """Refuse settings that are those of a network of another size.

    Arguments:
        widths: of the stages, from 4x4 up. channels: of its images. latent: length of its codes, with the label.
    Raises:
        WeightsError: naming the setting that contradicts the tensors.
    """
    actual: dict[str, object] = {"latentVectorDim": latent, "dimOutput": channels, "depthScale0": widths[0],
                                 "depthOtherScales": list(widths[1:])}  # fmt: skip
    labels = config.values.get("categoryVectorDim", 0)
    if isinstance(labels, int) and "noiseVectorDim" in config.values:
        actual["noiseVectorDim"] = latent - labels
    for key, expected in actual.items():
        if key in config.values and config.values[key] != expected:
            raise WeightsError(
                f"{config.of(key)} = {printable(str(config.values[key]))}, but the tensors of the network say "
                f"{expected}; these are the settings of another network"
            )
