"""SRResNet in PyTorch in a process of its own, for a Python that has PyTorch and not JAX.

    python srgan_process.py WEIGHTS.npz

The file holds "config", the network's table as JSON, and its parameters by "layer/name", kernels being HWIO. On its
standard input the process reads a command a line, and answers each with a line of JSON on its standard output:

    {"do": "forward", "pictures": FILE.npy, "times": 2, "last": false, "threads": 1}
    {"do": "train", "small": FILE.npy, "large": FILE.npy, "times": 2, "last": false, "threads": 1}

The answer has the seconds of a call or of a step, and the losses of the steps. Pictures are NHWC in [-1, 1]; a forward
call writes the result into the file that "result" names. "last" asks for channels-last features, and "threads" says how
many there are. A training step takes "rate" and "betas" of Adam. Nothing of jaxprior is imported.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate, pixel_shuffle


class Generator(nn.Module):
    """The network of a card's table "config", at rest: batch norms are folded, or there are none."""

    def __init__(self, config: dict, params: dict[str, torch.Tensor]):
        super().__init__()
        self.config = config
        self.layers = nn.ModuleDict()
        for name in sorted({key.split("/")[0] for key in params}):
            if name.startswith("slope"):
                self.layers[name] = nn.PReLU()
                self.layers[name].weight.data = params[f"{name}/slope"].reshape(1)
                continue
            kernel = params[f"{name}/kernel"].permute(3, 2, 0, 1).contiguous()
            layer = nn.Conv2d(kernel.shape[1], kernel.shape[0], kernel.shape[2], padding=kernel.shape[2] // 2)
            layer.weight.data, layer.bias.data = kernel, params[f"{name}/bias"]
            self.layers[name] = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pictures [b, c, h, w] in [-1, 1] -> [b, c, factor h, factor w]."""
        config, layers, factor = self.config, self.layers, self.config["factor"]
        y = first = layers["slope_first"](layers["first"]((x + 1) / 2))
        for k in range(config["blocks"]):
            y = y + layers[f"block{k}_1"](layers[f"slope{k}"](layers[f"block{k}_0"](y)))
        y = layers["after"](y)
        y = first + (y if config["before_sum"] == "norm" else layers["slope_after"](y))
        if config["ending"] == "direct":
            y = pixel_shuffle(layers["output"](y), factor)
        else:
            for k in range(factor.bit_length() - 1):
                y = layers[f"slope_up{k}"](pixel_shuffle(layers[f"up{k}"](y), 2))
            y = layers["output"](y)
        y = torch.tanh(y) if config["output"] == "tanh" else y
        if config["skip"]:  # with `antialias` PyTorch takes Pillow's kernel and border
            y = y + interpolate(x, scale_factor=factor, mode="bicubic", antialias=True)
        return y


def pictures(path: str, *, last: bool) -> torch.Tensor:
    """Pictures of a file as NCHW."""
    found = torch.from_numpy(np.load(path)).permute(0, 3, 1, 2)
    return found.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


class Process:
    """What answers commands.

    Arguments:
        weights: the file.
    """

    def __init__(self, weights: Path):
        self.weights, self.steps = weights, {}

    def network(self, *, last: bool) -> Generator:
        """The network with the file's weights."""
        with np.load(self.weights) as held:
            params = {name: torch.from_numpy(held[name]) for name in held.files if name != "config"}
            made = Generator(json.loads(str(held["config"])), params)
        return made.to(memory_format=torch.channels_last) if last else made

    def forward(self, command: dict) -> dict:
        """Enlarge pictures so many times; seconds of a call, and where the result lies."""
        network, x = self.network(last=command["last"]).eval(), pictures(command["pictures"], last=command["last"])
        with torch.inference_mode():
            if "result" in command:
                np.save(command["result"], network(x).permute(0, 2, 3, 1).contiguous().numpy())
            began = time.perf_counter()
            for _ in range(command["times"]):
                network(x)
        return {"seconds": (time.perf_counter() - began) / max(command["times"], 1)}

    def train(self, command: dict) -> dict:
        """So many steps with the square error, by Adam, and a moving average of the weights; the state goes on."""
        last, way = command["last"], (command["last"], command["threads"])
        if way not in self.steps:
            network = self.network(last=last)
            settings = {"lr": command["rate"], "betas": command["betas"], "eps": 1e-8}
            average = [one.detach().clone() for one in network.parameters()]
            self.steps[way] = network, torch.optim.Adam(network.parameters(), **settings), average
        network, optimizer, average = self.steps[way]
        small, large = (pictures(command[name], last=last) for name in ("small", "large"))
        losses, began = [], time.perf_counter()
        for _ in range(command["times"]):
            loss = torch.mean(torch.square(network(small) - large))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, list(network.parameters()), 0.001)
            losses.append(float(loss.detach()))
        return {"seconds": (time.perf_counter() - began) / max(command["times"], 1), "losses": losses}


def main() -> None:
    """Answer until the input ends."""
    process = Process(Path(sys.argv[1]))
    print(json.dumps({"torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        torch.set_num_threads(command["threads"])
        print(json.dumps(getattr(process, command["do"])(command)), flush=True)


if __name__ == "__main__":
    main()
