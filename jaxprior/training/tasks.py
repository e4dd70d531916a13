"""Tasks that a training names in the words of a command; no JAX is imported here."""

from jaxprior.errors import SettingsError
from jaxprior.operators import make_task, task_table
from jaxprior.settings import at


def check_task(words: str, shape: tuple[int, ...]) -> None:
    """Refuse a task that is none, or that gives each picture a mask of its own name.

    Raises:
        SettingsError: it says what is wrong with the task.
    """
    with at(f"--task {words}"):
        _, mask = make_task(task_table(words), shape)
        if mask is not None and mask.kind == "folder":
            raise SettingsError(
                "a folder gives each picture the mask of its name, which a training does not know; give one file, or "
                "block:F for many masks."
            )
