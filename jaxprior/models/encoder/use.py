"""In which command a trained encoder serves: that of a task it was trained for. No JAX is imported here."""

from collections.abc import Mapping
from typing import Any

from jaxprior.operators import task_options, task_table


HOLES = "inpaint"


def command(settings: Mapping[str, Any]) -> str:
    """The command in which a run serves; the run follows.

    An encoder that has seen holes states itself how they are filled. For another task it is told to begin with the
    features that it has learned.

    Arguments:
        settings: of the training, as plain values: "tasks" and "layer" are looked at.

    Example:
        >>> command({"tasks": ["superres 4"], "layer": 4})
        'jaxprior superres IMAGES --factor 4 -o OUT --codes-kind feature --layer 4 --steps 10 --init encoder --encoder'
    """
    tables = [task_table(words) for words in settings["tasks"]]
    if any(table["name"] == HOLES for table in tables):
        return f"jaxprior {HOLES} IMAGES --mask MASK -o OUT --init encoder --encoder"
    said = " ".join(filter(None, ("IMAGES", task_options(tables[0]))))
    codes = f"--codes-kind feature --layer {settings['layer']} --steps 10"
    return f"jaxprior {tables[0]['name']} {said} -o OUT {codes} --init encoder --encoder"
