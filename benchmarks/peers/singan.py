"""One training step of a SinGAN's scale in PyTorch, from the paper's losses (Shaham et al., ICCV 2019).

Features are channels-last where that is faster (GPUs). The work is the recipe's: so many updates of the critic with the
penalty of every pixel, then of the generator, whose fakes are made anew.
"""

import jax
import numpy as np
import torch
from torch.nn.functional import batch_norm, conv2d, leaky_relu, pad


class Network:
    """Five convolutions; all but the last normalised by the batch."""

    def __init__(self, variables: dict, device: torch.device, rate: float):
        def tensor(x):
            x = np.array(x)
            x = x.transpose(3, 2, 0, 1).copy() if x.ndim == 4 else x
            return torch.tensor(x, device=device, requires_grad=True)

        self.params = jax.tree.map(tensor, variables["params"])
        statistics = variables["batch_stats"]
        self.statistics = {
            name: [torch.tensor(np.array(part["norm"][kind]), device=device) for kind in ("mean", "var")]
            for name, part in statistics.items()
        }
        self.adam = torch.optim.Adam(jax.tree.leaves(self.params), lr=rate, betas=(0.5, 0.999))

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        for name, (mean, variance) in self.statistics.items():
            norm = self.params[name]["norm"]
            x = conv2d(x, self.params[name]["kernel"])
            x = batch_norm(x, mean, variance, norm["scale"], norm["bias"], training=True, momentum=0.1, eps=1e-5)
            x = leaky_relu(x, 0.2)
        return conv2d(x, self.params["output"]["kernel"], self.params["output"]["bias"])


class SinganStep:
    """A scale whose images from below are given.

    Arguments:
        recipe: a `SinganRecipe` with `g_step` "recompute" and `gp` "pixel".
        part: start of a scale: networks, noise, amplitude.
        picture: [1, h, w, 3] in [-1, 1]; below: the image from below, of the same shape.
    """

    name = "PyTorch"

    def __init__(self, recipe, part: dict, picture: np.ndarray, below: np.ndarray):
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.recipe, self.amplitude = recipe, float(part["amplitude"])
        self.generator, self.critic = (
            Network(part[name], self.device, recipe.learning_rate) for name in ("generator", "critic")
        )
        self.margin = recipe.margin
        self.picture, self.below = self._tensor(picture), self._tensor(below)

    def _tensor(self, x) -> torch.Tensor:
        return torch.tensor(np.asarray(x).transpose(0, 3, 1, 2), device=self.device)

    def _generate(self, noise: torch.Tensor) -> torch.Tensor:
        around = (self.margin,) * 4
        return torch.tanh(self.generator(self.amplitude * pad(noise, around) + pad(self.below, around))) + self.below

    def step(self, noises: np.ndarray | None = None, mixes: np.ndarray | None = None) -> dict[str, float]:
        """One step; noise of fakes and reconstruction [2, h, w, 3] and mixes [critic_steps] are drawn if not given."""
        recipe, real = self.recipe, self.picture
        if noises is None:
            noise, fixed = torch.randn((2, *real.shape), device=self.device)
            mixes = torch.rand(recipe.critic_steps, device=self.device)
        else:
            noise, fixed = self._tensor(noises).split(1)
            mixes = torch.tensor(mixes, device=self.device)
        for k in range(recipe.critic_steps):
            with torch.no_grad():
                fake = self._generate(noise)
            self.critic.adam.zero_grad()
            loss = self.critic(fake).mean() - self.critic(real).mean()
            between = (real + (fake - real) * mixes[k]).requires_grad_()
            slope = torch.autograd.grad(self.critic(between).sum(), between, create_graph=True)[0]
            penalty = recipe.penalty * (slope.norm(2, dim=1) - 1).square().mean()
            (loss + penalty).backward()
            self.critic.adam.step()
        for parameter in jax.tree.leaves(self.critic.params):
            parameter.requires_grad_(False)
        for _ in range(recipe.generator_steps):
            self.generator.adam.zero_grad()
            score = -self.critic(self._generate(noise)).mean()
            error = (self._generate(fixed) - real).square().mean()
            (score + recipe.reconstruction_weight * error).backward()
            self.generator.adam.step()
        for parameter in jax.tree.leaves(self.critic.params):
            parameter.requires_grad_(True)
        seen = {"critic_loss": loss, "penalty": penalty, "generator_loss": score, "reconstruction_rmse": error.sqrt()}
        return {name: value.detach() for name, value in seen.items()}

    def advance(self, steps: int) -> None:
        """So many steps, waited for."""
        for _ in range(steps):
            seen = self.step()
        float(seen["critic_loss"])
