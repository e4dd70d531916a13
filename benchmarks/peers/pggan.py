"""One training step of a PGGAN's last stage in PyTorch, from the papers' losses (Karras et al., ICLR 2018).

The networks are the recipe's: equalised learning rate, pixel norm, minibatch standard deviation, fused or plain
resampling. A step is the recipe's too: the critic, the generator's moving average, the generator. What PyTorch has for
speed is used: the optimiser's fused form, averages of all tensors in one call, and features that lie channels-last.
"""

import math

import jax
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, conv_transpose2d, interpolate, leaky_relu, softplus


SQRT2 = math.sqrt(2.0)


def tensors(tree: dict) -> dict:
    """Our parameters as PyTorch's: convolutions [out, in, h, w], the dense layers at 4x4 pixels as matrices."""

    def of_layer(name: str, layer: dict, *, generator: bool) -> dict[str, Tensor]:
        kernel = np.array(layer["kernel"])
        if name == "layer0":  # [latent, 4, 4, out] of a generator, [4, 4, in, out] of a critic
            kernel = kernel.transpose(0, 3, 1, 2) if generator else kernel.transpose(2, 0, 1, 3)
            kernel = kernel.reshape((len(kernel), -1) if generator else (-1, kernel.shape[-1]))
        elif kernel.ndim == 4:
            kernel = kernel.transpose(3, 2, 0, 1)
        values = {"kernel": kernel.copy(), "bias": np.array(layer["bias"])}
        return {part: torch.tensor(value, requires_grad=True) for part, value in values.items()}

    generator = "output0" in tree
    return {name: of_layer(name, layer, generator=generator) for name, layer in tree.items()}


def scaled(layer: dict[str, Tensor], gain: float = SQRT2) -> Tensor:
    """A convolution's kernel with its constant."""
    kernel = layer["kernel"]
    return kernel * (gain / math.sqrt(math.prod(kernel.shape[1:])))


def pixel_norm(x: Tensor) -> Tensor:
    """Unit mean square over the channels."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


def four_by_four(kernel: Tensor) -> Tensor:
    """A 3x3 kernel summed over the four shifts within 4x4: two by two neighbours share it."""
    wide = torch.nn.functional.pad(kernel, (1, 1, 1, 1))
    return wide[..., 1:, 1:] + wide[..., :-1, 1:] + wide[..., 1:, :-1] + wide[..., :-1, :-1]


class PgganStep:
    """The last stage of a recipe.

    Arguments:
        recipe: a `PgganRecipe` in fp32 without `mirror`.
        state: as `jaxprior.models.pggan.train.init_state` makes it.
        pictures: uint8 [b, r, r, c].
        channels_last: whether features lie so.
    """

    def __init__(self, recipe, state: dict, pictures: np.ndarray, *, channels_last: bool):
        self.name = f"PyTorch{', channels last' * channels_last}"
        self.recipe, self.count = recipe, 0
        self.form = torch.channels_last if channels_last else torch.contiguous_format
        self.generator, self.critic = tensors(state["generator"]), tensors(state["critic"])
        self.average = [leaf.detach().clone() for leaf in jax.tree.leaves(self.generator)]
        self.stage = len(recipe.widths) - 1
        rates = {"lr": recipe.learning_rate, "betas": (recipe.beta1, recipe.beta2), "eps": recipe.epsilon}
        self.g_adam, self.c_adam = (
            torch.optim.Adam(jax.tree.leaves(params), fused=True, **rates) for params in (self.generator, self.critic)
        )
        reals = torch.tensor(pictures.transpose(0, 3, 1, 2).copy()).float() / 127.5 - 1
        self.reals = reals.contiguous(memory_format=self.form)

    def generate(self, z: Tensor) -> Tensor:
        """Codes [b, latent] -> images [b, c, r, r]."""
        params = self.generator
        first = params["layer0"]
        x = pixel_norm(z) @ (first["kernel"] * (SQRT2 / math.sqrt(16 * z.shape[1])))
        x = x.reshape(len(z), -1, 4, 4).contiguous(memory_format=self.form)
        x = leaky_relu(x + first["bias"][:, None, None], 0.2)
        for k in range(1, 2 * self.stage + 2):
            layer, x = params[f"layer{k}"], pixel_norm(x)
            if k % 2 or not self.recipe.fused:
                x = x if k % 2 else interpolate(x, scale_factor=2, mode="nearest")
                x = conv2d(x, scaled(layer), layer["bias"], padding=1)
            else:
                kernel = four_by_four(scaled(layer).flip(2, 3)).transpose(0, 1)
                x = conv_transpose2d(x, kernel, layer["bias"], stride=2, padding=1)
            x = leaky_relu(x, 0.2)
        last = params[f"output{self.stage}"]
        return conv2d(pixel_norm(x), scaled(last, 1.0), last["bias"])

    def score(self, x: Tensor) -> Tensor:
        """Images -> scores [b]."""
        params, b = self.critic, len(x)
        first = params[f"input{self.stage}"]
        x = leaky_relu(conv2d(x, scaled(first), first["bias"]), 0.2)
        for stage in range(self.stage, 0, -1):
            layer = params[f"layer{2 * stage + 1}"]
            x = leaky_relu(conv2d(x, scaled(layer), layer["bias"], padding=1), 0.2)
            layer = params[f"layer{2 * stage}"]
            if self.recipe.fused:
                kernel = four_by_four(scaled(layer)) / 4
                x = leaky_relu(conv2d(x, kernel, layer["bias"], stride=2, padding=1), 0.2)
            else:
                x = avg_pool2d(leaky_relu(conv2d(x, scaled(layer), layer["bias"], padding=1), 0.2), 2)
        group = min(4, b)
        spread = x.reshape(group, b // group, *x.shape[1:]).var(0, correction=0).add(1e-8).sqrt().mean((1, 2, 3))
        plane = spread.repeat(group)[:, None, None, None].expand(-1, 1, 4, 4)
        layer = params["layer1"]
        x = leaky_relu(conv2d(torch.cat([x, plane], 1), scaled(layer), layer["bias"], padding=1), 0.2)
        layer = params["layer0"]
        kernel = layer["kernel"] * (SQRT2 / math.sqrt(len(layer["kernel"])))
        x = leaky_relu(x.reshape(b, -1) @ kernel + layer["bias"], 0.2)
        layer = params["output"]
        return (x @ (layer["kernel"] / math.sqrt(len(layer["kernel"]))) + layer["bias"])[:, 0]

    def step(self, codes: tuple[Tensor, Tensor] | None = None, mix: Tensor | None = None) -> dict[str, Tensor]:
        """One step; codes of both players [b, latent] and the penalty's mix [b, 1, 1, 1] are drawn if not given."""
        recipe, b = self.recipe, len(self.reals)
        critic_codes, generator_codes = codes if codes else torch.randn(2, b, recipe.latent_dim)
        wasserstein = recipe.loss == "wgan-gp"
        with torch.no_grad():
            fakes = self.generate(critic_codes)
        self.c_adam.zero_grad()
        regularise = wasserstein or self.count % recipe.r1_every == 0
        reals = self.reals.requires_grad_(regularise and not wasserstein)
        real, fake = self.score(reals), self.score(fakes)
        if wasserstein:
            loss, total = fake.mean() - real.mean(), recipe.drift * real.square().mean()
            mix = torch.rand(b, 1, 1, 1) if mix is None else mix
            between = (reals + (fakes - reals) * mix).requires_grad_()
            slope = torch.autograd.grad(self.score(between).sum(), between, create_graph=True)[0]
            norm = (slope.square().sum((1, 2, 3)) + 1e-12).sqrt()
            penalty = recipe.penalty * (norm - 1).square().mean() + total
            total = loss + penalty
        else:
            loss = softplus(-real).mean() + softplus(fake).mean()
            total = loss
            if regularise:
                slope = torch.autograd.grad(real.sum(), reals, create_graph=True)[0]
                gamma = recipe.r1_gamma * (1 << self.stage) ** recipe.r1_growth
                penalty = gamma * 0.5 * slope.square().sum((1, 2, 3)).mean()
                total = loss + recipe.r1_every * penalty
        total.backward()
        self.c_adam.step()
        torch._foreach_lerp_(self.average, [leaf.detach() for leaf in jax.tree.leaves(self.generator)], 0.001)
        for leaf in jax.tree.leaves(self.critic):
            leaf.requires_grad_(False)
        self.g_adam.zero_grad()
        score = self.score(self.generate(generator_codes))
        made = -score.mean() if wasserstein else softplus(-score).mean()
        made.backward()
        self.g_adam.step()
        for leaf in jax.tree.leaves(self.critic):
            leaf.requires_grad_(True)
        self.count += 1
        seen = {"critic_loss": loss, "generator_loss": made, "score_real": real.mean(), "score_fake": fake.mean()}
        seen |= {"penalty": penalty} if regularise else {}
        return {name: value.detach() for name, value in seen.items()}

    def advance(self, steps: int) -> None:
        """So many steps, waited for."""
        for _ in range(steps):
            seen = self.step()
        float(seen["critic_loss"])
