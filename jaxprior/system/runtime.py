"""JAX in this process: the cache of compiled programs, the words for precision, and the other processes of a job.

Compiled programs are kept on disk by default, so that a command need not compile again when it is run a second time.
"""

import contextlib
import importlib.util
import os
import threading
from collections.abc import Hashable, Iterator
from pathlib import Path

from jaxprior.errors import SettingsError
from jaxprior.lazy_jax import jax
from jaxprior.system import program_cache
from jaxprior.system.activity import doing


CALLED_PROGRAMS: set[tuple] = set()
"""Programs that this process has called and need not compile again, as `jaxprior.system.programs` describes them."""

COMPILED_AHEAD: dict[Hashable, threading.Event] = {}
"""Programs that threads compile or have compiled, as `jaxprior.system.ahead` describes them: whether each is done."""


def cache_folder() -> Path | None:
    """Return the folder of compiled programs, or None when the cache is off.

    By default it lies in the user's cache folder. The environment variable `JAXPRIOR_CACHE` names another folder, or
    switches the cache off with the word "off". Where JAX itself has been given a cache folder, that one is used.
    Nobody else should be able to write to the folder, because JAX executes what lies in it.
    """
    if folder := _jax_cache():
        return Path(folder)
    folder = user_cache()
    return folder if folder is None or os.environ.get("JAXPRIOR_CACHE") else folder / f"jax-{jax.__version__}"


def user_cache() -> Path | None:
    """Return the user's cache folder of this package, or None when the environment variable `JAXPRIOR_CACHE` is "off".

    The variable names another folder than `~/.cache/jaxprior`. All that lies in it can be made again.
    """
    chosen = os.environ.get("JAXPRIOR_CACHE", "")
    if chosen.lower() == "off":
        return None
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "jaxprior"


def _jax_cache() -> str | None:
    """Return the cache folder that JAX was given, by its own setting or by ours."""
    return jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]  made at run time


def enable_compilation_cache() -> None:
    """Turn the cache of compiled programs on. It may be called several times.

    It does nothing where the user has given JAX a cache folder, or has switched the cache off.
    """
    if _jax_cache() or (folder := cache_folder()) is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # without a writable folder, programs are compiled anew in every process
    program_cache.prune(folder)
    program_cache.mend(folder)
    if not _may_have_accelerator():  # else this stays on, and the folder's path is a part of every program's key
        jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def _may_have_accelerator() -> bool:
    """Whether JAX could find other devices than CPUs, which is asked before it looks for them."""
    named = jax.config.jax_platforms  # pyright: ignore[reportAttributeAccessIssue]  made at run time
    return named != "cpu" and any(importlib.util.find_spec(name) for name in ("jax_plugins", "libtpu"))


def forget_programs() -> None:
    """Remove all compiled programs from the memory of this process.

    Programs that are needed again are compiled again, or read from the cache. This is for long processes that meet
    many shapes, one after the other: each program takes several memory mappings (a small SinGAN's takes about a
    thousand), Linux allows a process 65,530 of them, and the compiler crashes when there are no more.
    """
    jax.clear_caches()
    CALLED_PROGRAMS.clear()
    COMPILED_AHEAD.clear()


MATMUL_PRECISION = {"fp32": "highest", "tf32": "tensorfloat32", "bf16": "default"}
"""From jaxprior's words for the precision of matrix products and convolutions to JAX's words.

"default" lets the device choose. With "bf16" that holds for everything that is not cast to bfloat16 before.
"""

AUTO = "auto"
"""The coordinator's address where the batch system tells it to every process."""

PATIENCE = 180.0
"""Seconds that a process waits for the others to meet it: enough to start them by hand, one after the other."""

_NEVER = 7 * 24 * 3600
"""Seconds after which JAX itself would give up waiting, by which it ends the process without a word to Python."""


def check_coordinator(coordinator: str) -> None:
    """Refuse an address at which no processes can meet.

    Arguments:
        coordinator: "host:port" of the first process, or "auto".

    Raises:
        SettingsError: it has no host, or no port from 1 to 65535.

    Example:
        >>> check_coordinator("10.0.0.1:1234")
    """
    host, _, port = coordinator.rpartition(":")
    if coordinator != AUTO and not (host and port.isdecimal() and port.isascii() and 1 <= int(port) <= 65535):
        raise SettingsError(
            f"coordinator {coordinator}: expected the first process's HOST:PORT with a port from 1 to 65535, for "
            "example 10.0.0.1:1234, or auto."
        )


def meet(coordinator: str, *, count: int | None = None, index: int | None = None) -> tuple[int, int]:
    """Meet the other processes of one job, and agree on the number of each. Call it before JAX is used.

    Afterwards the processes are independent, each with its own devices. They share nothing but files, so that the
    death of one does not stop the others.

    Arguments:
        coordinator: "host:port" of the first process, or "auto" where the batch system tells it.
        count: the number of processes. JAX takes it from the variables of the batch system (Slurm, Open MPI and
            others) if it is None.
        index: the number of this process, counted from 0. If it is None, JAX finds it in the same way.

    Returns:
        (index, count).

    Raises:
        ValueError: the address is none, the numbers cannot be found out, or the other processes do not come in
            `PATIENCE` seconds.

    Example:
        >>> index, count = meet("10.0.0.1:1234", count=2, index=0)  # waits for another process # doctest: +SKIP
    """
    with _meeting(coordinator):
        found = _joined(coordinator, count, index, leaving=300)
        jax.distributed.shutdown()
    return found


def join(coordinator: str, *, count: int | None = None, index: int | None = None) -> tuple[int, int]:
    """Meet the other processes as `meet` does, and stay together: programs may use the devices of all of them.

    The death of one process ends the others. A signal that asks to end is left to Python.

    Arguments:
        coordinator, count, index: as for `meet`.

    Returns:
        (index, count).

    Raises:
        ValueError: as for `meet`.

    Example:
        >>> index, count = join("10.0.0.1:1234", count=2, index=0)  # waits for another process # doctest: +SKIP
    """
    with _meeting(coordinator):
        jax.config.update("jax_enable_preemption_service", False)  # which would take SIGTERM for itself
        return _joined(coordinator, count, index, leaving=30)


def _joined(coordinator: str, count: int | None, index: int | None, *, leaving: int) -> tuple[int, int]:
    """Join the processes; a process that leaves waits so many seconds for the others to leave too.

    JAX waits in a thread of its own. This thread, which hears signals, can end the wait at any moment.
    """
    check_coordinator(coordinator)
    failures: list[Exception] = []
    ended = threading.Event()

    def wait() -> None:
        try:
            jax.distributed.initialize(
                coordinator_address=None if coordinator == AUTO else coordinator,
                num_processes=count,
                process_id=index,
                initialization_timeout=_NEVER,
                shutdown_timeout_seconds=leaving,
            )
        except Exception as error:  # it is raised below, in the thread that waits for this one
            failures.append(error)
        ended.set()

    threading.Thread(target=wait, name="jaxprior-meeting", daemon=True).start()
    with doing("waiting for the other processes", announced=True):
        if not ended.wait(PATIENCE):
            raise ValueError(f"not all of them came within {PATIENCE:g} seconds")
    if failures:
        raise failures[0]
    return jax.process_index(), jax.process_count()


@contextlib.contextmanager
def _meeting(coordinator: str) -> Iterator[None]:
    """Around the meeting of processes: one sentence if they do not meet."""
    try:
        yield
    except SettingsError:
        raise
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"coordinator {coordinator}: the processes of this run did not meet ({reason}); give every process the "
            "same --coordinator HOST:PORT and --num-processes, and each its own --process-id from 0."
        ) from None
