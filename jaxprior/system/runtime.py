"""The process and its surroundings: compiled programs kept on disk, and the other processes of a run.

The persistent compilation cache is on by default, so that the second run of a command starts at once.
"""

import os
from pathlib import Path

import jax


def cache_folder() -> Path | None:
    """Where compiled programs are kept, or None when the cache is off.

    `JAXPRIOR_CACHE` names another folder, or switches it off with "off"; a folder that JAX itself was told of wins.
    The folder is trusted: whoever can write to it can make JAX run code.
    """
    if jax.config.jax_compilation_cache_dir:
        return Path(jax.config.jax_compilation_cache_dir)
    chosen = os.environ.get("JAXPRIOR_CACHE", "")
    if chosen.lower() == "off":
        return None
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "jaxprior" / f"jax-{jax.__version__}"


def enable_compilation_cache() -> None:
    """Turn the cache on, unless the user configured JAX's own or switched it off. Safe to call often."""
    if jax.config.jax_compilation_cache_dir or (folder := cache_folder()) is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return  # a read-only home costs compile time, nothing else
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)


def forget_programs() -> None:
    """Let go of all compiled programs of this process; what is needed again is compiled, or read from the cache.

    For long processes that meet ever new shapes: each program takes some mappings of memory, of which Linux allows a
    process 65,530, and the compiler crashes without more. A small SinGAN takes about a thousand of them.
    """
    jax.clear_caches()


MATMUL_PRECISION = {"fp32": "highest", "tf32": "tensorfloat32", "bf16": "default"}
"""Our words for the precision of matrix products and convolutions, and JAX's. "bf16" computes in bfloat16 what is cast
to it, and the rest as fast as the device likes."""

AUTO = "auto"


def meet(coordinator: str, *, count: int | None = None, index: int | None = None) -> tuple[int, int]:
    """Meet the other processes of one job, before anything else is done with JAX, and agree on who is who.

    Afterwards each process is on its own, with its own devices: what they share are files, and the death of one does
    not stop the others.

    Arguments:
        coordinator: "host:port" of the first process, or "auto" where the batch system says it.
        count, index: processes, and the number of this one from 0; where None, JAX takes them from the batch system's
            variables (Slurm, Open MPI and others).

    Returns:
        (index, count).

    Raises:
        ValueError: they cannot be found out, or the others do not come.

    Example:
        >>> index, count = meet("10.0.0.1:1234", count=2, index=0)      # doctest: +SKIP
    """
    address = None if coordinator == AUTO else coordinator
    try:
        jax.distributed.initialize(coordinator_address=address, num_processes=count, process_id=index)
        found = jax.process_index(), jax.process_count()
        jax.distributed.shutdown()
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"coordinator {coordinator}: the processes of this run did not meet ({reason}); give every process the "
            "same --coordinator HOST:PORT and --num-processes, and each its own --process-id from 0."
        ) from None
    return found
