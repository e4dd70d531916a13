"""Files of public PGGANs as their projects' trainings save them, with the weights of the golden arrays."""

from pathlib import Path

import numpy as np
from foreign_files import torch_pickled
from golden_layouts import GoldenLayout, State


ZOO, BAU, FORCE, AKA, MM = map(GoldenLayout, ("gan_zoo", "davidbau", "genforce", "akanimax", "mmgeneration"))


class BaseConfig:
    """In what the GAN zoo keeps its settings."""

    __module__ = "models.utils.config"
    __qualname__ = "BaseConfig"

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def save(path: Path, value) -> Path:
    """Save as PyTorch does."""
    path.write_bytes(torch_pickled(value, classes=(BaseConfig,)))
    return path


def prefixed(prefix: str, state: State) -> State:
    """A state dict with something before its names."""
    return {f"{prefix}{key}": array for key, array in state.items()}


def changed(state: State) -> State:
    """Another network of the same form, for what must not be taken."""
    return {key: array + np.float32(1) if array.ndim else array for key, array in state.items()}


def zoo_file(network: str = "zoo16", **settings) -> dict:
    """What pytorch_GAN_zoo saves; `settings` change its `config`."""
    config = {"alpha": 0.0, "lossCriterion": "WGANGP", "categoryVectorDim": 0, "attribKeysOrder": None,
              "leakyReluLeak": 0.2, "equalizedlR": True, "depthOtherScales": [10, 8], **settings}  # fmt: skip
    state = ZOO.state(network)
    networks = {"netG": changed(state), "netD": ZOO.state("zoo16.netD"), "avgG": state}
    return {"config": BaseConfig(**config), **networks, "tmp": BaseConfig(lossD=0.5, alpha=0.7)}


def mm_file(network: str = "mm16", **buffers) -> dict:
    """What mmgeneration saves; `buffers` change those beside the networks."""
    state = MM.state(network)
    flat = {**prefixed("generator.", changed(state)), **prefixed("generator_ema.", state)}
    flat |= prefixed("discriminator.", MM.state("mm16.D"))
    flat |= {"_curr_scale_int": np.array(16), "_curr_transition_weight": np.ones((), np.float32),
             "_next_scale_int": np.array(16), "shown_nkimg": np.array(6000.0, np.float32), **buffers}  # fmt: skip
    return {"meta": {"iter": 280000}, "state_dict": flat}


def aka_file(**conf) -> dict:
    """What pro_gan_pytorch 3 saves; `conf` changes the settings beside every network."""
    conf = {"depth": 4, "num_channels": 3, "latent_size": 24, "use_eql": True, **conf}
    state = AKA.state("aka3_16")
    networks = {"generator": changed(state), "shadow_generator": state, "discriminator": AKA.state("aka3_16.dis")}
    saved = {name: {"conf": conf, "state_dict": network} for name, network in networks.items()}
    return {**saved, "gen_optim": {"state": {0: {"exp_avg": np.ones(3, np.float32)}}, "param_groups": []}}


def force_file(network: str = "gf16") -> dict:
    """What genforce's trainer saves."""
    state = FORCE.state(network)
    networks = {"generator": changed(state), "discriminator": FORCE.state(f"{network}.D"), "generator_smooth": state}
    return {"models": networks, "running_metadata": {"iter": 100}, "learning_rates": {"generator": 0.001}}
