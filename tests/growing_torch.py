"""ConSinGAN's generator, critic and step in PyTorch, written from the paper and facts about the official code."""

from functools import partial

import jax
import numpy as np


def to_torch(x) -> np.ndarray:
    """A kernel [h, w, i, o] as PyTorch has it, [o, i, h, w]; a vector as it is."""
    return np.array(x).transpose(3, 2, 0, 1).copy() if x.ndim == 4 else np.array(x)


def nchw(torch, x):
    """Images [b, h, w, c] -> a tensor [b, c, h, w]."""
    return torch.tensor(np.array(x).transpose(0, 3, 1, 2).copy())


class Growing:
    """The generator and the critic, with the weights of ours."""

    def __init__(self, torch, recipe, generator: dict, critic: dict):
        self.torch, self.functional, self.recipe = torch, torch.nn.functional, recipe
        leaf = partial(torch.tensor, requires_grad=True)
        self.parts, self.critic_parts = (
            jax.tree.map(lambda x: leaf(to_torch(x)), tree) for tree in (generator, critic)
        )
        self.critic_adam = torch.optim.Adam(jax.tree.leaves(self.critic_parts), lr=5e-4, betas=(0.5, 0.999))

    def generator_adam(self, rates: dict[str, float]):
        """The optimiser of some parts, each at its own rate."""
        groups = [{"params": jax.tree.leaves(self.parts[name]), "lr": rate} for name, rate in rates.items()]
        return self.torch.optim.Adam(groups, betas=(0.5, 0.999))

    def block(self, part: dict, x):
        """Convolution and normalisation of the batch, which is one image."""
        x = self.functional.conv2d(x, part["kernel"], part.get("bias"))
        if norm := part.get("norm"):
            x = self.functional.batch_norm(x, None, None, norm["scale"], norm["bias"], training=True, eps=1e-5)
        return x

    def activated(self, part: dict, x):
        """The same with the activation."""
        return self.functional.leaky_relu(self.block(part, x), self.recipe.slope)

    def stage(self, n: int, x):
        """All layers of a stage."""
        for k in range(self.recipe.layers):
            x = self.activated(self.parts[f"stage{n}"][f"layer{k}"], x)
        return x

    def up(self, x, size):
        """Bicubic, corners aligned."""
        return self.functional.interpolate(x, size=tuple(size), mode="bicubic", align_corners=True)

    def generate(self, noises, amplitudes, sizes):
        """Images of noises, all [1, c, h, w]."""
        pad, layers = self.functional.pad, self.recipe.layers
        enlarged = self.recipe.edges == "enlarged"
        x = self.activated(self.parts["head"], pad(noises[0], (1,) * 4))
        if enlarged:
            x = self.up(x, (x.shape[2] + 2, x.shape[3] + 2))
        x = self.stage(0, pad(x, (layers - enlarged,) * 4))
        for n in range(1, len(noises)):
            skip = self.up(x, sizes[n])
            noise = amplitudes[n] * noises[n]
            if enlarged:
                entering = self.up(x, [side + 2 * layers for side in sizes[n]]) + noise
            else:
                entering = pad(skip + noise, (layers,) * 4)
            x = self.stage(n, entering) + skip
        return self.torch.tanh(self.block(self.parts["tail"], pad(x, (1,) * 4)))

    def judge(self, x):
        """Scores of patches."""
        for k in range(self.recipe.layers + 1):
            x = self.activated(self.critic_parts[f"layer{k}"], x)
        return self.block(self.critic_parts["output"], x)

    def step(self, real, noises, fixed, amplitudes, sizes, mixes, generator_adam) -> dict[str, float]:
        """One step: the critic's updates, then the generator's; the fake's graph is that from before the critic's."""
        torch, recipe = self.torch, self.recipe
        fake = self.generate(noises, amplitudes, sizes)
        for mix in mixes:
            self.critic_adam.zero_grad()
            loss = self.judge(fake.detach()).mean() - self.judge(real).mean()
            between = (real + (fake.detach() - real) * mix).requires_grad_()
            gradient = torch.autograd.grad(self.judge(between).sum(), between, create_graph=True)[0]
            penalty = recipe.penalty * (gradient.norm(2, dim=1) - 1).square().mean()
            (loss + penalty).backward()
            self.critic_adam.step()
        seen = {"critic_loss": loss, "penalty": penalty}
        for k in range(recipe.generator_steps):
            if k == 0 or recipe.g_step == "recompute":
                fake = fake if k == 0 else self.generate(noises, amplitudes, sizes)
                for part in jax.tree.leaves(self.parts):
                    part.grad = None
                loss = -self.judge(fake).mean()
                error = (self.generate(fixed, amplitudes, sizes) - real).square().mean()
                (loss + recipe.reconstruction_weight * error).backward()
            generator_adam.step()
        seen |= {"generator_loss": loss, "reconstruction_rmse": error.sqrt()}
        return {name: float(value.detach()) for name, value in seen.items()}
