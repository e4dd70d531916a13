"""Settings of PGGAN code that make another network than ours, where a file says so."""

from collections.abc import Mapping

from jaxprior.errors import WeightsError
from weights_convert.report import printable


SETTINGS = {
    "use_wscale": True,
    "use_pixelnorm": True,
    "use_leakyrelu": True,
    "normalize_latents": True,
    "label_size": 0,
    "tanh_at_end": False,
    "pixelnorm_epsilon": 1e-8,
}
"""Settings of the official code, and what our networks assume."""


def check_settings(who: str, settings: Mapping[str, object], ours: Mapping[str, object]) -> None:
    """Refuse a file that says of its network what ours is not.

    Arguments:
        who: begins the sentence. settings: what the file says. ours: what it would have to say.
    Raises:
        WeightsError: naming the setting.
    """
    for key, expected in ours.items():
        value = settings.get(key, expected)
        value = False if value is None else value
        if type(value) not in (bool, int, float) or value != expected:
            shown = value if type(value) in (bool, int, float) else "another value"
            raise WeightsError(f"{who} {key} = {shown}; expected {expected}")


def check_flag(who: str, settings: Mapping[str, object], key: str) -> bool:
    """A setting that is on or off; on where the file does not say it.

    Arguments:
        who: what the file calls the settings, or "". settings: what it says. key: the setting.
    Raises:
        WeightsError: it is something else than True, False, 1 or 0: a text "False", for example.
    """
    value = settings.get(key, True)
    if type(value) not in (bool, int, float) or value not in (0, 1):
        shown = printable(repr(value)) if isinstance(value, str) else "another value"
        raise WeightsError(f"{who}{'.' if who else ''}{key} = {shown}; expected True or False")
    return bool(value)
