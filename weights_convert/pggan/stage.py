"""How far a PGGAN had grown when it was saved: the resolution that its `lod` says.

The official code and its ports keep all layers in a file from the start, and a number `lod`, the level of detail: at 0
the network draws with all of them; at k the last k stages are not in use yet, and the image of the stage below is
enlarged to the full size; in between, two stages are mixed. Layers that are not in use hold the random numbers that
they began with. So a network that had not finished is built as far as it had grown: its images are those of the file,
not enlarged.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from jaxprior.errors import WeightsError
from weights_convert.averages import is_of_critic, words_of
from weights_convert.report import printable
from weights_convert.states import State
from weights_convert.tensors import as_number


_FADING = ("alpha", "fade", "fade_alpha", "fade_in", "transition_weight", "_curr_transition_weight")
_STAGE = ("depth", "stage", "current_depth", "cur_depth", "current_stage", "cur_stage")
_RESOLUTION = ("resolution", "current_resolution", "cur_resolution", "current_res", "cur_res", "img_size", "image_size")
_ROUND_LOD = ("cur", "curr", "current", "now", "in", "value", "net", "g", "gs", "gen", "generator", "ema", "d", "disc")
"""Words beside "lod" that leave its meaning as it is: `cur_lod`, `G_lod`."""


@dataclass(frozen=True)
class Growth:
    """How far a network had grown.

    Fields:
        unused: the number of stages, counted from the finest, that it did not use yet.
        said: what says so, "lod = 2".
        note: a sentence for the card and the report where nothing says it.
    """

    unused: int = 0
    said: str = ""
    note: str = ""


def growth_by_lod(state: State, stages: int) -> Growth:
    """How far a network had grown by its `lod`; all the way where the file says nothing of it.

    Arguments:
        state: its tensors. stages: how many it has.
    Raises:
        WeightsError: it is between two resolutions, or no level of this network; or the file has no `lod`, but other
            numbers that may mean the same.
    """
    value = state["lod"] if "lod" in state else state.said("lod")
    if value is None:
        _check_other_words(state, stages)
        return Growth()
    lod = as_number(value)
    if lod is None:
        raise WeightsError("lod is not one number; expected the level of detail at which the network was saved")
    whole = round(lod) if math.isfinite(lod) else -1
    if not 0 <= whole < stages or lod < -1e-4 or not math.isfinite(lod):
        raise WeightsError(
            f"{state.in_file('lod')} = {lod:g} is no level of detail of a network with {stages} stages; "
            f"expected 0 (finished) to {stages - 1} (4x4 pixels)"
        )
    if abs(lod - whole) > 1e-4:
        above, below = (4 * 2 ** (stages - 1 - level) for level in (math.floor(lod), math.ceil(lod)))
        raise WeightsError(
            f"{state.in_file('lod')} = {lod:g}: the network was saved while {above}x{above} pixels were fading in, and "
            f"its images are a mixture with those of {below}x{below} pixels, which is not converted; take a snapshot "
            "of the same training whose lod is a whole number"
        )
    return Growth(whole, f"lod = {whole}")


def check_other_levels(state: State, numbers: Mapping[str, float], unused: int, *, name: str) -> None:
    """Refuse a network of which the file says another level elsewhere: in buffers, in settings, or of its raw form.

    Arguments:
        state: its tensors. numbers: those in the whole file, by name. unused: see `Growth`.
        name: of the state.
    Raises:
        WeightsError: naming the other number. A critic's counts only if the generator has none of its own.
    """
    own = "lod" in state or state.said("lod") is not None
    for key, value in numbers.items():
        says_lod = {*words_of(re.split("[./]", key)[-1])} - {*_ROUND_LOD} == {"lod"}
        if says_lod and abs(value - unused) > 1e-4 and not (own and is_of_critic(key)):
            raise WeightsError(
                f"{f'its lod is {unused}' if own else 'the network has no lod of its own'}, but the file also says "
                f"{printable(key, 120)} = {value:g}, so it may have been saved before it had grown to its full size; "
                f"if {'its own lod is right' if own else 'it is finished'}, take it with "
                f"`--state {printable(name) or repr('')}` (`state=` in Python)"
            )


def cut_generator(tree: dict, config: dict, unused: int) -> tuple[dict, dict]:
    """A generator without its last stages.

    Arguments:
        tree, config: of the whole network. unused: the number of stages to leave out, counted from the finest.
    Returns:
        The same of the network that is left.
    """
    stages = len(config["widths"]) - unused
    layers = [f"layer{k}" for k in range(2 * stages)] + [f"output{b}" for b in range(stages)]
    smaller = {**config, "resolution": 2 << stages, "widths": config["widths"][:stages]}
    return {layer: tree[layer] for layer in layers if layer in tree}, smaller


def cut_critic(tree: dict, config: dict, unused: int) -> tuple[dict, dict]:
    """A critic without its first stages; see `cut_generator`."""
    stages = len(config["widths"]) - unused
    layers = [f"layer{k}" for k in range(2 * stages)] + [f"input{b}" for b in range(stages)] + ["output"]
    return {layer: tree[layer] for layer in layers}, {**config, "widths": config["widths"][:stages]}


def _check_other_words(state: State, stages: int) -> None:
    """Refuse a network without `lod` beside which the file has another number that may say how far it had grown."""
    for name in (*_FADING, *_STAGE, *_RESOLUTION):
        value = state.said(name)
        value = state.settings.get(name) if value is None and name in _RESOLUTION else value
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        fading = name in _FADING and 0 < value < 1
        early = name in _STAGE and 0 <= value < stages - 1
        small = name in _RESOLUTION and value in [4 << b for b in range(stages - 1)]
        if fading or early or small:
            raise WeightsError(
                f"the file has no lod, but {printable(name)} = {value:g} beside the network of "
                f"{4 << (stages - 1)}x{4 << (stages - 1)} pixels, so it may have been saved before it had grown to its "
                "full size; if it is finished, save its state dict alone"
            )
