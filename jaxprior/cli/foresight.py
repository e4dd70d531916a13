"""What a training will do and need, printed before it starts (`--dry-run`)."""

from pathlib import Path
from typing import Any

from jaxprior.cli.console import print_table, say
from jaxprior.system.amounts import duration, plural, size


def say_forecast(plan: Any, out: Path, *, memory: float | None, devices: int | None) -> None:
    """Print what a training will take on this machine.

    Arguments:
        plan: made by a recipe.
        out: its run folder, where a part of it may be done.
        memory: bytes that a step may need on each device, or None.
        devices: number of devices over which its batches are spread, as far as they divide it; None for all.

    Raises:
        RunError: the folder holds something else than the beginning of this training.
        MemoryLimitError: a phase needs more than that.
        SettingsError: there are not so many devices.
    """
    from jaxprior.runs import checkpoints
    from jaxprior.training import foresight, session
    from jaxprior.training.data_parallel import DataParallel, first_devices

    session.check_folder(plan, out)
    placement = DataParallel(first_devices(devices), by_member=bool(plan.members))
    foresight.check_memory(plan, limit=memory, placement=placement)
    done = max(checkpoints.numbers(out / "checkpoints"), default=0)
    forecast = foresight.foresee(plan, done=done, placement=placement)
    rows = [
        (phase.name, phase.steps, phase.steps * phase.batch, phase.batch, _size(phase.bytes), _time(phase.seconds))
        for phase in forecast.phases
    ]
    steps = sum(phase.steps for phase in forecast.phases)
    shown = sum(phase.steps * phase.batch for phase in forecast.phases)
    last = ("all", steps, shown, "", _size(forecast.bytes), _time(forecast.seconds))
    nouns = "volumes" if plan.phases[0].unit == "volumes" else "pictures"
    print_table(("phase", "steps", nouns, "batch", "memory", "time"), [*rows, last], words=1)
    if done:
        are = f"{plural('step', done)} {'is' if done == 1 else 'are'}"
        say(f"\n{done} {are} done already; the table shows what is left.")
    count = len(placement.most(phase.images_per_step for phase in plan.phases))
    used, each = ("this device", "one device") if count == 1 else (f"{count} devices", "each device")
    if forecast.seconds is None:
        say("\nHow long the training takes is not known.")
    else:
        say(f"\nThe steps take about {duration(forecast.seconds)} on {used}.")
    say(
        f"Compiling took {duration(forecast.compiling_seconds)}; the programs are kept for the training, if the folder "
        "of compiled programs is on. Samples, figures and checkpoints take time besides."
    )
    measured = any(phase.measured and phase.steps for phase in forecast.phases)
    say(
        f"Memory is what the compiler plans for a step on {each}; the speed of this machine "
        f"{'was measured now, in a few steps' if measured else 'is known from before'}."
    )
    disk = f"up to {size(forecast.disk_bytes)} on the disk"
    if forecast.pictures_bytes:
        pictures = size(forecast.pictures_bytes)
        say(f"The decoded {nouns} take {pictures} of memory; checkpoints and weights take {disk}.")
    else:
        say(f"The decoded {nouns}, which lie in a file, checkpoints and weights take {disk}.")


def _size(count: int | None) -> str:
    return "not known" if count is None else size(count)


def _time(seconds: float | None) -> str:
    return "not known" if seconds is None else duration(seconds)
