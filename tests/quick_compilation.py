"""Settings of XLA for programs that run for milliseconds: compiled with little optimisation, and so quickly."""

import importlib.metadata


QUICK_COMPILATION = "--xla_backend_optimization_level=0"
if importlib.metadata.version("jaxlib").startswith("0.10."):  # XLA ends a process that names a flag it does not know
    QUICK_COMPILATION += " --xla_cpu_use_fusion_emitters=false"
