"""Makes golden/aegan.npz: two steps of an AEGAN in PyTorch, written from equation 6 and the networks' papers.

    python tests/aegan_torch.py tests/golden/aegan.npz          # needs PyTorch, which no test does

Everything is float64. Weights, pictures and codes are drawn with NumPy and stored, so the file holds all that a step
depends on. The networks are written here once more: kernels are laid out as the library stores them, [h, w, i, o].
"""

import math
import sys

import numpy as np


RESOLUTION, WIDTHS, LATENT, FIRST = 8, (6, 4), 5, 3
BATCH = 4
RATE, LAST_RATE, STEPS, BETAS, EPSILON = 2e-3, 5e-4, 4, (0.0, 0.99), 1e-8
WEIGHTS = {"reconstruction": 3.0, "divergence": 0.7, "adversarial": 0.6}
GAMMA, EVERY = 0.1 * 2**0.5, 16
SLOPE = 0.2


def shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of all weights that a step at the full resolution uses."""
    (wide, narrow), kernels = WIDTHS, {}
    kernels |= {"encoder/conv0": (3, 3, 3, FIRST), "encoder/conv1": (3, 3, FIRST, 2 * FIRST)}
    kernels |= {"encoder/mean": (8 * FIRST, LATENT), "encoder/log_variance": (8 * FIRST, LATENT)}
    kernels |= {"generator/layer0": (LATENT, 4, 4, wide), "generator/layer1": (3, 3, wide, wide)}
    kernels |= {"generator/layer2": (3, 3, wide, narrow), "generator/layer3": (3, 3, narrow, narrow)}
    kernels |= {"generator/output1": (1, 1, narrow, 3)}
    kernels |= {"critic/input1": (1, 1, 3, narrow), "critic/layer3": (3, 3, narrow, narrow)}
    kernels |= {"critic/layer2": (3, 3, narrow, wide), "critic/layer1": (3, 3, wide + 1, wide)}
    kernels |= {"critic/layer0": (4, 4, wide, wide), "critic/output": (wide, 1)}
    found = {}
    for name, shape in kernels.items():
        found |= {f"{name}/kernel": shape, f"{name}/bias": shape[-1:]}
    return found


def main(path: str) -> None:
    """Write the file."""
    import torch
    from torch.nn import functional as f

    chance = np.random.default_rng(11)
    stored = {}
    for name, shape in shapes().items():
        size = 0.3 if name.startswith("encoder") else 0.1 if name.endswith("bias") else 1.0
        stored[f"before/{name}"] = size * chance.standard_normal(shape)
    for step in range(2):
        stored[f"step{step}/reals"] = chance.uniform(-1, 1, (BATCH, RESOLUTION, RESOLUTION, 3))
        for name in ("critic_codes", "codes", "noise"):
            stored[f"step{step}/{name}"] = chance.standard_normal((BATCH, LATENT))
    p = {name: torch.tensor(stored[f"before/{name}"], requires_grad=True) for name in shapes()}

    def convolve(name, x, gain=None):
        kernel = p[f"{name}/kernel"]
        scale = 1.0 if gain is None else gain / math.sqrt(math.prod(kernel.shape[:3]))
        kernel = scale * kernel.permute(3, 2, 0, 1)
        return f.conv2d(x, kernel, p[f"{name}/bias"], padding=kernel.shape[-1] // 2)

    def norm(x):
        return x / torch.sqrt(torch.mean(x**2, dim=1, keepdim=True) + 1e-8)

    def encode(x):
        for name in ("conv0", "conv1"):
            x = f.max_pool2d(f.relu(convolve(f"encoder/{name}", x)), 2)
        x = x.permute(0, 2, 3, 1).reshape(len(x), -1)
        return tuple(x @ p[f"encoder/{n}/kernel"] + p[f"encoder/{n}/bias"] for n in ("mean", "log_variance"))

    def generate(z):
        root = math.sqrt(2)
        kernel = p["generator/layer0/kernel"] * (root / math.sqrt(16 * LATENT))
        x = torch.einsum("bi,iyxo->boyx", norm(z), kernel) + p["generator/layer0/bias"].reshape(1, -1, 1, 1)
        x = f.leaky_relu(x, SLOPE)
        x = f.leaky_relu(convolve("generator/layer1", norm(x), root), SLOPE)
        x = f.interpolate(norm(x), scale_factor=2, mode="nearest")
        x = f.leaky_relu(convolve("generator/layer2", x, root), SLOPE)
        x = f.leaky_relu(convolve("generator/layer3", norm(x), root), SLOPE)
        return convolve("generator/output1", norm(x), 1.0)

    def score(x):
        root = math.sqrt(2)
        for name in ("input1", "layer3", "layer2"):
            x = f.leaky_relu(convolve(f"critic/{name}", x, root), SLOPE)
        x = f.avg_pool2d(x, 2)
        deviation = torch.sqrt(torch.mean((x - x.mean(0)) ** 2, dim=0) + 1e-8).mean()
        x = torch.cat([x, deviation.expand(len(x), 1, 4, 4)], dim=1)
        x = f.leaky_relu(convolve("critic/layer1", x, root), SLOPE)
        kernel = p["critic/layer0/kernel"] * (root / math.sqrt(16 * WIDTHS[0]))
        x = f.leaky_relu(torch.einsum("biyx,yxio->bo", x, kernel) + p["critic/layer0/bias"], SLOPE)
        kernel = p["critic/output/kernel"] / math.sqrt(WIDTHS[0])
        return (x @ kernel + p["critic/output/bias"])[:, 0]

    def part(*prefixes):
        return [value for name, value in p.items() if name.startswith(prefixes)]

    players = {
        "critic": torch.optim.Adam(part("critic"), betas=BETAS, eps=EPSILON),
        "both": torch.optim.Adam(part("encoder", "generator"), betas=BETAS, eps=EPSILON),
    }

    def move(name, loss, rate):
        players[name].param_groups[0]["lr"] = rate
        for one in players.values():
            one.zero_grad()
        loss.backward()
        players[name].step()

    for step in range(2):
        rate = RATE + (LAST_RATE - RATE) * step / STEPS
        given = {name: torch.tensor(stored[f"step{step}/{name}"]) for name in ("critic_codes", "codes", "noise")}
        x = torch.tensor(stored[f"step{step}/reals"]).permute(0, 3, 1, 2).requires_grad_(True)
        real, fake = score(x), score(generate(given["critic_codes"]).detach())
        critic_loss = f.softplus(-real).mean() + f.softplus(fake).mean()
        total, told = critic_loss, {"critic_loss": critic_loss}
        if step == 0:
            (gradient,) = torch.autograd.grad(real.sum(), x, create_graph=True)
            told["penalty"] = GAMMA * 0.5 * (gradient**2).sum(dim=(1, 2, 3)).mean()
            total = total + EVERY * told["penalty"]
        move("critic", total, rate)
        x = x.detach()
        mean, log_variance = encode(x)
        code = mean + torch.exp(log_variance / 2) * given["noise"]
        told["reconstruction_loss"] = ((generate(code) - x) ** 2).mean()
        nats = 0.5 * (mean**2 + torch.exp(log_variance) - 1 - log_variance).sum(dim=1)
        told["divergence"] = nats.sum() / (LATENT * BATCH)
        told["generator_loss"] = f.softplus(-score(generate(given["codes"]))).mean()
        parts = zip(WEIGHTS.values(), ("reconstruction_loss", "divergence", "generator_loss"), strict=True)
        move("both", sum(weight * told[name] for weight, name in parts), rate)
        stored |= {f"step{step}/{name}": value.detach().numpy() for name, value in told.items()}
    stored |= {f"after/{name}": value.detach().numpy() for name, value in p.items()}
    np.savez_compressed(path, note=np.array(__doc__), **stored)


if __name__ == "__main__":
    main(sys.argv[1])
