"""A family of tiny restorers from another package, found through its entry point, and files of its weights."""

import contextlib
import importlib
import sys

import jax
import numpy as np

from jaxprior import discovery
from jaxprior.weights.storage import save_weights


FILES = {
    "tinyrestorer-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tinyrestorer\nVersion: 1.0\n",
    "tinyrestorer-1.0.dist-info/entry_points.txt": "[jaxprior.models]\ntinyrestorer = tinyrestorer:FAMILY\n",
    "tinyrestorer/__init__.py": '''
from jaxprior.protocols import Family

FAMILY = Family(
    title="Tiny restorers",
    paper="none",
    architectures={"tinyrestorer": {"restorer": "tinyrestorer.networks:build"}},
    restores="tinyrestorer.config:restores",
)
''',
    "tinyrestorer/config.py": '''
from jaxprior.protocols import Restores


def restores(config):
    return Restores(config["task"], config["factor"])
''',
    "tinyrestorer/networks.py": '''
import flax.linen as nn
import jax.numpy as jnp

from jaxprior.weights.card import Card
from jaxprior.weights.restorers import Restorer


class Network(nn.Module):
    """Convolutions of 3 pixels, the second with holes between its taps; then pixels of the factor's size."""

    factor: int
    width: int = 6

    @nn.compact
    def __call__(self, x):
        h = nn.relu(nn.Conv(self.width, (3, 3))(x))
        h = nn.relu(nn.Conv(self.width, (3, 3), kernel_dilation=(2, 2))(h))
        h = nn.Conv(3 * self.factor**2, (3, 3))(h)
        b, rows, columns, _ = h.shape
        h = h.reshape(b, rows, columns, self.factor, self.factor, 3).transpose(0, 1, 3, 2, 4, 5)
        skip = jnp.repeat(jnp.repeat(x[..., :3], self.factor, axis=1), self.factor, axis=2)
        return skip + 0.3 * h.reshape(b, rows * self.factor, columns * self.factor, 3)


def build(params, card, where):
    config = card["config"]
    return Restorer(
        module=Network(config["factor"]),
        params={k: {n: jnp.asarray(x, jnp.float32) for n, x in v.items()} for k, v in params["generator"].items()},
        task=config["task"],
        factor=config["factor"],
        reach=4,
        multiple=config["multiple"],
        takes_mask=config["task"] == "inpaint",
        card=Card(card),
    )
''',
}


def forget() -> None:
    """What is found is remembered for the length of a process: look again."""
    discovery._entry_points.cache_clear()
    importlib.invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] == "tinyrestorer"]:
        del sys.modules[name]


@contextlib.contextmanager
def installed(folder, monkeypatch):
    """The package lies where Python finds packages."""
    for name, text in FILES.items():
        path = folder / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(folder / "site")
    forget()
    yield
    monkeypatch.undo()
    forget()


def save(path, *, task: str = "superres", factor: int = 2, multiple: int = 1, name: str = "tiny"):
    """Write a file of random weights; its path."""
    from tinyrestorer.networks import Network  # only where the package is installed

    factor = factor if task == "superres" else 1
    shown = np.zeros((1, 8, 8, 3 if task == "superres" else 4), np.float32)
    params = Network(factor).init(jax.random.key(7), shown)["params"]
    config = {"task": task, "factor": factor, "multiple": multiple}
    save_weights(path, {"generator": params}, {"architecture": "tinyrestorer", "config": config, "name": name})
    return path
