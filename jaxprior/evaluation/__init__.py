"""Evaluation: a cell (prior, task, method) over many pictures, or a recipe of many cells; journal, tables and report.

    recipe = load_recipe("quick")
    run_recipe(recipe, "runs/quick")
    means = [summarise(run.rows()) for run in runs_in("runs/quick")]

`__init__.pyi` lists what there is; a name's module, and JAX with it, is imported when the name is first used.
"""

from jaxprior.lazy_names import names_of_stub


__getattr__, __dir__, __all__ = names_of_stub(__name__, __file__)
