"""How programs are compiled that run once or a few times a picture: quickly, because compiling them takes longer."""

from importlib.metadata import version


QUICKLY_COMPILED = {"xla_cpu_use_fusion_emitters": False} if version("jaxlib").startswith("0.10.") else None
"""`compiler_options` of `jax.jit` for such a program on a CPU: a third less to compile, the same bits.

JAX refuses options of a function that is called inside another compiled one. Later compilers do not know this option.
"""
