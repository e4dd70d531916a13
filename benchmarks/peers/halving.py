"""Training steps in PyTorch of networks that halve and double maps: a least-squares GAN and an autoencoder (seed 001).

The networks are the recipes': 4x4 kernels of stride 2, normalised by the batch's own statistics, LeakyReLU, tanh at the
end (Radford et al., ICLR 2016; Mao et al., ICCV 2017). What PyTorch has for speed is used: the optimiser's fused form,
averages of all tensors in one call, features that lie channels-last, and torch.compile where it is asked for.
"""

from collections.abc import Callable

import jax
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import batch_norm, conv2d, conv_transpose2d, leaky_relu


class Network:
    """A stack of blocks, whose names say what they do, with the moving average of everything in it.

    Arguments:
        variables: ours, {"params": ..., "batch_stats": ...}.
        recipe: with Adam's settings, "kernel" and "slope".
        form: memory format of features and kernels.
        doubles: names of the blocks with transposed convolutions.
    """

    def __init__(self, variables: dict, recipe, form: torch.memory_format, doubles: tuple[str, ...]):
        self.recipe, self.form, self.doubles = recipe, form, doubles
        self.params = {
            name: {
                "kernel": self._kernel(name, np.asarray(block["kernel"])),
                "bias": self._tensor(block["norm"]["bias"] if "norm" in block else block["bias"]),
                **({"scale": self._tensor(block["norm"]["scale"])} if "norm" in block else {}),
            }
            for name, block in variables["params"].items()
        }
        self.statistics = {
            name: [torch.tensor(np.array(part["norm"][kind])) for kind in ("mean", "var")]
            for name, part in variables["batch_stats"].items()
        }
        betas = (recipe.beta1, recipe.beta2)
        self.leaves = jax.tree.leaves(self.params)
        self.adam = torch.optim.Adam(self.leaves, lr=recipe.learning_rate, betas=betas, fused=True)
        self.average = [leaf.detach().clone() for leaf in [*self.leaves, *jax.tree.leaves(self.statistics)]]

    def _tensor(self, value) -> Tensor:
        return torch.tensor(np.array(value), requires_grad=True)

    def _kernel(self, name: str, kernel: np.ndarray) -> Tensor:
        if kernel.ndim == 2 or len(kernel) != self.recipe.kernel:  # dense: [in, out], or [latent, 4, 4, out]
            return self._tensor(kernel)
        kernel = kernel.transpose((2, 3, 0, 1) if name in self.doubles else (3, 2, 0, 1))
        tensor = torch.tensor(kernel.copy()).contiguous(memory_format=self.form)
        return tensor.requires_grad_()

    def block(self, x: Tensor, name: str, *, activated: bool = True) -> Tensor:
        """A convolution and what follows it."""
        kernel = self.params[name]["kernel"]
        padding = (self.recipe.kernel - 1) // 2
        bias = None if name in self.statistics else self.params[name]["bias"]
        if name in self.doubles:
            x = conv_transpose2d(x, kernel, bias, stride=2, padding=padding)
        else:
            x = conv2d(x, kernel, bias, stride=2, padding=padding)
        return self.after(x, name) if activated else x

    def after(self, x: Tensor, name: str) -> Tensor:
        """The norm of a block and its activation."""
        if name in self.statistics:
            block, (mean, variance) = self.params[name], self.statistics[name]
            x = batch_norm(x, mean, variance, block["scale"], block["bias"], training=True, momentum=0.1, eps=1e-5)
        return leaky_relu(x, self.recipe.slope)

    def averaged(self) -> None:
        """Move the average."""
        now = [leaf.detach() for leaf in [*self.leaves, *jax.tree.leaves(self.statistics)]]
        torch._foreach_lerp_(self.average, now, 1 - self.recipe.ema_decay)

    def learn(self, wanted: bool) -> None:
        """Whether gradients of the parameters are computed."""
        for leaf in self.leaves:
            leaf.requires_grad_(wanted)


class _Step:
    """What both steps are: see `LsganStep`."""

    form: torch.memory_format

    def __init__(self, *, channels_last: bool, compiled: bool):
        self.name = f"PyTorch{', channels last' * channels_last}{', torch.compile' * compiled}"
        self.form = torch.channels_last if channels_last else torch.contiguous_format
        self.prepared: Callable = torch.compile if compiled else lambda function: function

    def images(self, pixels: np.ndarray) -> Tensor:
        """Pixels uint8 [b, h, w, c] -> images [b, c, h, w] in [-1, 1]."""
        images = torch.tensor(pixels.transpose(0, 3, 1, 2).copy()).float() / 127.5 - 1
        return images.contiguous(memory_format=self.form)

    def step(self, *given: Tensor) -> dict[str, Tensor]:
        """One step."""
        raise NotImplementedError

    def advance(self, steps: int) -> None:
        """So many steps, waited for."""
        for _ in range(steps):
            seen = self.step()
        float(next(iter(seen.values())))


class LsganStep(_Step):
    """A step of the critic and one of the generator.

    Arguments:
        recipe: an `LsganRecipe` in fp32 without `mirror` and dropout.
        state: as `jaxprior.models.dcgan.train.init_state` makes it.
        pictures: uint8 [b, r, r, c].
        channels_last: whether features lie so.
        compiled: whether torch.compile makes the losses' programs.
    """

    def __init__(self, recipe, state: dict, pictures: np.ndarray, *, channels_last: bool, compiled: bool = False):
        super().__init__(channels_last=channels_last, compiled=compiled)
        doubles = tuple(f"layer{k}" for k in range(1, len(recipe.widths))) + ("output",)
        self.recipe, self.reals, self.doubles = recipe, self.images(pictures), doubles
        self.generator = Network(state["generator"], recipe, self.form, doubles)
        self.critic = Network(state["critic"], recipe, self.form, ())
        self.critic_loss, self.generator_loss = self.prepared(self._critic_loss), self.prepared(self._generator_loss)
        self.generate = self.prepared(self._generate)

    def _generate(self, z: Tensor) -> Tensor:
        kernel = self.generator.params["layer0"]["kernel"]  # [latent, 4, 4, out]
        x = (z @ kernel.flatten(1)).reshape(len(z), 4, 4, -1).permute(0, 3, 1, 2).contiguous(memory_format=self.form)
        x = self.generator.after(x, "layer0")
        for name in self.doubles[:-1]:
            x = self.generator.block(x, name)
        return torch.tanh(self.generator.block(x, "output", activated=False))

    def _score(self, x: Tensor) -> Tensor:
        for k in range(len(self.recipe.critic_widths)):
            x = self.critic.block(x, f"layer{k}")
        output = self.critic.params["output"]
        return (x.permute(0, 2, 3, 1).flatten(1) @ output["kernel"] + output["bias"])[:, 0]

    def _critic_loss(self, fakes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        real, fake = self._score(self.reals), self._score(fakes)
        loss = 0.5 * ((real - 1).square().mean() + fake.square().mean())
        return loss, real.mean(), fake.mean()

    def _generator_loss(self, z: Tensor) -> Tensor:
        return 0.5 * (self._score(self._generate(z)) - 1).square().mean()

    def step(self, *given: Tensor) -> dict[str, Tensor]:
        """One step; codes of both players, [b, latent] each, are drawn if they are not given."""
        z, own = given or (2 * torch.rand(2, len(self.reals), self.recipe.latent_dim) - 1)
        with torch.no_grad():
            fakes = self.generate(z)
        self.critic.adam.zero_grad()
        loss, real, fake = self.critic_loss(fakes)
        loss.backward()
        self.critic.adam.step()
        self.critic.learn(False)
        self.generator.adam.zero_grad()
        made = self.generator_loss(own)
        made.backward()
        self.generator.adam.step()
        self.critic.learn(True)
        self.generator.averaged()
        seen = {"critic_loss": loss, "generator_loss": made, "score_real": real, "score_fake": fake}
        return {name: value.detach() for name, value in seen.items()}


class AutoencoderStep(_Step):
    """A step of an autoencoder without a critic.

    Arguments:
        recipe: an `AutoencoderRecipe` in fp32 without `mirror`, noise and critic.
        state: as `jaxprior.models.autoencoder.train.init_state` makes it.
        triples: uint8 [b, r, r, 9]: inputs, originals and masks.
        channels_last, compiled: see `LsganStep`.
    """

    def __init__(self, recipe, state: dict, triples: np.ndarray, *, channels_last: bool, compiled: bool = False):
        super().__init__(channels_last=channels_last, compiled=compiled)
        count = len(recipe.widths)
        self.downs = [f"down{k}" for k in range(count)]
        self.ups = [f"up{k}" for k in range(count - 1)]
        self.inputs, self.originals = self.images(triples[..., :3]), self.images(triples[..., 3:6])
        self.network = Network(state["autoencoder"], recipe, self.form, (*self.ups, "output"))
        self.loss = self.prepared(self._loss)

    def _loss(self) -> Tensor:
        x = self.inputs
        for name in self.downs + self.ups:
            x = self.network.block(x, name)
        repaired = torch.tanh(self.network.block(x, "output", activated=False))
        return (repaired - self.originals).square().mean()

    def step(self, *given: Tensor) -> dict[str, Tensor]:
        """One step; nothing is drawn."""
        self.network.adam.zero_grad()
        loss = self.loss()
        loss.backward()
        self.network.adam.step()
        self.network.averaged()
        return {"loss": loss.detach()}
