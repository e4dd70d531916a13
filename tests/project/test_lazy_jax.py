"""Modules whose settings the command line reads import JAX when they compute, and their classes are pytrees by then."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np

import jaxprior.evaluation
from jaxprior import lazy_jax


PROGRAM = """
import dataclasses, sys
import numpy as np
from jaxprior import lazy_jax
from jaxprior.operators.inpaint import Inpaint
from jaxprior.operators.superres import SuperResolve
from jaxprior.inversion.objective import Objective

@lazy_jax.register_dataclass
@dataclasses.dataclass(frozen=True)
class Gain:
    gain: float

hole = np.zeros((8, 8), np.float32)
hole[2, 2] = 1
made = [Gain(0.5), Inpaint(hole), SuperResolve(4), Objective(features=len)]
assert not isinstance(hole, lazy_jax.Array)
assert "jax" not in sys.modules and not lazy_jax.is_imported()
{first}
import jax
assert lazy_jax.is_imported()
assert [len(jax.tree.leaves(one)) for one in made] == [1, 1, 0, 1]
assert isinstance(jax.numpy.ones(3), lazy_jax.Array) and not isinstance(hole, lazy_jax.Array)
assert float(jax.jit(lambda operator: operator.apply(np.ones((8, 8, 3), np.float32)).sum())(made[1])) == 189
print("done")
"""


def test_what_was_made_without_jax_is_a_pytree_whoever_imports_it():
    for first in ("", "import flax.linen", "lazy_jax.jnp.ones(3)", "made[2].apply(np.ones((8, 8, 3), np.float32))"):
        ended = subprocess.run([sys.executable, "-c", PROGRAM.format(first=first)], capture_output=True, text=True)
        assert ended.stdout == "done\n", ended.stderr


def test_where_jax_is_imported_the_names_are_its_own():
    assert lazy_jax.jax is jax and lazy_jax.jnp is jnp and lazy_jax.Array is jax.Array
    done = []
    lazy_jax.when_imported(lambda: done.append(1))
    assert done == [1]


def test_a_package_offers_what_its_stub_lists():
    assert jaxprior.evaluation.Row.__name__ == "Row" and "run_recipe" in dir(jaxprior.evaluation)
    assert np.all([hasattr(jaxprior.evaluation, name) for name in jaxprior.evaluation.__all__])
    assert not hasattr(jaxprior.evaluation, "nothing_of_the_kind")
