"""The public mGANprior code (genforce/mganprior), as it is shipped, imported from a checkout whose path is given.

Only what it needs from outside is handed to it: random weights in place of files, a VGG-16 with the problem's weights,
and without CUDA a `cuda()` that does nothing. It inverts picture by picture and keeps the history of its video, which
is its default.
"""

import argparse
import sys
import types
from pathlib import Path

import numpy as np
import torch

from peers.eager import RATE


class Public:
    """Inversion by the public code.

    Arguments:
        problem: see `jaxprior.restoration.benchmarking.Problem`; fp32 only.
        checkout: folder of the repository.
    """

    name = "public mGANprior code"
    one_by_one = True

    def __init__(self, problem, checkout: Path):
        if not torch.cuda.is_available():
            torch.Tensor.cuda = lambda self, *_a, **_k: self
            torch.nn.Module.cuda = lambda self, *_a, **_k: self
        self.problem = problem
        _stand_in_for_torchvision()
        sys.path.insert(0, str(checkout))
        from derivable_models import derivable_generator, gan_utils
        from inversion import losses
        from models.pggan_generator_network import PGGANGeneratorNet

        def load(_name):
            network = PGGANGeneratorNet(resolution=problem.case.resolution)
            network.load_state_dict({"lod": torch.zeros(()), **_state(problem.prior.params)})
            children = list(network.children())
            for index in gan_utils.PGGAN_Inter_Output_Layer_256:
                children.pop(index)
            return torch.nn.Sequential(*children)

        derivable_generator.get_gan_model = load
        losses.vgg16 = lambda pretrained: torch.nn.Sequential(_vgg(problem.features))
        self.settings = argparse.Namespace(
            composing_layer=problem.case.layer, z_number=problem.case.num_codes, image_size=256, vgg_layer=16,
            vgg_loss_type="L1", l1_lambda=0.0, l2_lambda=1.0, vgg_lambda=1.0, lr=RATE, init_type="Normal",
        )  # fmt: skip
        self.generator = derivable_generator.get_derivable_generator("pggan", "PGGAN-Multi-Z", self.settings)
        kind = "L2" if problem.features is None else "Combine"
        self.loss = losses.get_loss(kind, self.settings)
        self.generator.cuda()
        self.loss.cuda()
        self.restart()

    def restart(self) -> None:
        """Go back to the start."""
        problem, self.pictures = self.problem, []
        n, channels = problem.case.num_codes, problem.prior.channels(problem.case.layer)
        for z, target in zip(problem.z, problem.target, strict=True):
            latents = [torch.tensor(z[None]).cuda(), torch.full((1, n, channels), 1 / n).cuda()]
            image = torch.tensor(np.ascontiguousarray(target.transpose(2, 0, 1)[None])).cuda()
            self.pictures.append((latents, image))

    def advance(self, steps: int) -> np.ndarray:
        """Do some steps of every picture; the losses [steps, b] before each. Adam begins anew."""
        from inversion import inversion_methods

        found = []
        for i, (latents, target) in enumerate(self.pictures):
            told = []

            def loss(image, wanted, told=told):
                value = self.loss(image, wanted)
                told.append(value.detach())
                return value

            settings = argparse.Namespace(**vars(self.settings), iterations=steps)
            method = inversion_methods.get_inversion("Adam", settings)
            latents, _ = method.invert(self.generator, target, loss, 1, True, *(x.detach() for x in latents))
            self.pictures[i] = (latents, target)
            found.append(torch.stack(told).cpu().numpy())
        return np.stack(found, axis=1)


def _state(params) -> dict:
    """Our parameters under the names and in the layout of the public code."""
    state = {}
    for name, block in params.items():
        kernel = np.asarray(block["kernel"])
        if name == "layer0":
            kernel = kernel.transpose(3, 0, 1, 2)[:, :, ::-1, ::-1]
        else:
            kernel = kernel.transpose(3, 2, 0, 1)
        state[f"{name}.conv.weight"] = torch.tensor(np.ascontiguousarray(kernel))
        state[f"{name}.wscale.bias"] = torch.tensor(np.asarray(block["bias"]))
    return state


def _vgg(features) -> torch.nn.Sequential:
    from jaxprior.models.vgg import networks as vgg

    layers, before = [], 3
    for i, kind in enumerate(vgg.layer_kinds(vgg.STAGES["vgg16"])[:16]):
        if isinstance(kind, int):
            layer = torch.nn.Conv2d(before, kind, 3, padding=1)
            part, before = features.params[f"conv{i}"], kind
            layer.weight.data = torch.tensor(np.asarray(part["kernel"]).transpose(3, 2, 0, 1).copy())
            layer.bias.data = torch.tensor(np.asarray(part["bias"]))
            layers.append(layer)
        else:
            layers.append(torch.nn.ReLU(inplace=True) if kind == "relu" else torch.nn.MaxPool2d(2))
    return torch.nn.Sequential(*layers)


def _stand_in_for_torchvision() -> None:
    """The public code imports two names from torchvision that are replaced anyway."""
    try:
        import torchvision  # noqa: F401
    except ImportError:
        for name in ("torchvision", "torchvision.models", "torchvision.models.vgg"):
            sys.modules[name] = types.ModuleType(name)
        sys.modules["torchvision.models.vgg"].vgg16 = sys.modules["torchvision.models.vgg"].vgg19 = None
