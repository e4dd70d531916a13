"""The persistent compilation cache: on by default, so that the second run of a command starts at once."""

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
