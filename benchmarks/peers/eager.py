"""Multi-code inversion in eager PyTorch, from the equations of mGANprior (Gu et al., CVPR 2020), at its best.

All codes of all pictures are one batch, weights are frozen with their constants multiplied in, features are
channels-last, the target's features are computed once, and the losses of the pictures are summed, not averaged, so that
pictures do not touch each other. `Eager` upsamples and then convolves, as the equations say; `EagerTransposed` computes
the same with 4/9 of the multiplications. Which is faster is for the benchmark to find. `EagerLoop` works as the public
code does: picture by picture, code by code, with parameters that are not frozen, and the target's features are computed
at every step.
"""

import math

import numpy as np
import torch
from torch.nn.functional import conv2d, conv_transpose2d, interpolate, leaky_relu, max_pool2d, pad, relu

from jaxprior.models.vgg import networks as vgg
from jaxprior.nn.imagenet import DEVIATION, MEAN
from jaxprior.restoration.benchmarking import PERCEPTUAL_WEIGHT, RATE, Problem


SQRT2 = math.sqrt(2.0)
LAYERS = vgg.layer_kinds(vgg.STAGES["vgg16"])[:vgg.CUT]


class Eager:
    """Inversion of b pictures at once; upsampling first, then 3x3 convolutions of the large maps.

    Arguments:
        problem: weights, start codes, targets and sizes.
        compiled: let torch.compile make one program of generator and loss.
    """

    name = "PyTorch, upsampling first"

    def __init__(self, problem: Problem, *, compiled: bool = False):
        case = problem.case
        self.problem, self.layer, self.module = problem, case.layer, problem.prior.module
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.bf16 = case.precision == "bf16"
        torch.set_float32_matmul_precision("highest" if case.precision == "fp32" else "high")
        torch.backends.cudnn.allow_tf32 = case.precision != "fp32"
        self.blocks = [self._block(f"layer{k}") for k in range(self.module.num_layers)]
        self.output = self._block(f"output{len(self.module.widths) - 1}", gain=1.0)
        self.vgg = {} if problem.features is None else self._vgg()
        self._judge = self._losses
        if compiled:
            self.name = f"{self.name}, torch.compile"
            self._judge = torch.compile(self._losses)
        self.restart()

    def restart(self) -> None:
        """Go back to the start."""
        b, n, _ = self.problem.z.shape
        alpha = torch.full((b, n, self.module.channels(self.layer)), 1 / n, device=self.device)
        self.latents = [self._tensor(self.problem.z), alpha]
        for latent in self.latents:
            latent.requires_grad_()
        self.target = self._tensor(self.problem.target.transpose(0, 3, 1, 2), image=True)
        with torch.no_grad():
            self.wanted = self._features(self.target)
        self.adam = torch.optim.Adam(self.latents, lr=RATE)

    def advance(self, steps: int) -> np.ndarray:
        """Do some steps; the losses [steps, b] before each, and not before everything is computed."""
        found = []
        for _ in range(steps):
            self.adam.zero_grad(set_to_none=True)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
                losses = self._judge(*self.latents, self.target, self.wanted)
            losses.sum().backward()
            self.adam.step()
            found.append(losses.detach())
        return torch.stack(found).float().cpu().numpy()

    def _losses(self, z, alpha, target, wanted):
        b, n, d = z.shape
        features = self._run(z.reshape(b * n, d, 1, 1), 0, self.layer)
        composed = (features.reshape(b, n, *features.shape[1:]) * alpha[..., None, None]).sum(1) / n
        return self._distance(self._image(composed), target, wanted)

    def _run(self, x, start: int, stop: int):
        for k in range(start, stop):
            x = _pixel_norm(x)
            if _doubles(k):
                x = self._upsampled(x, *self.blocks[k])
            else:
                x = conv2d(x, *self.blocks[k], padding=1 if k else 3)
            x = leaky_relu(x, 0.2)
        return x

    def _upsampled(self, x, kernel, bias):
        return conv2d(interpolate(x, scale_factor=2, mode="nearest"), kernel, bias, padding=1)

    def _image(self, composed):
        x = self._run(composed.contiguous(memory_format=torch.channels_last), self.layer, len(self.blocks))
        return conv2d(_pixel_norm(x), *self.output).float()

    def _distance(self, image, target, wanted):
        losses = (image - target).square().mean((1, 2, 3))
        if not self.vgg:
            return losses
        return losses + PERCEPTUAL_WEIGHT * (self._features(image) - wanted).abs().mean((1, 2, 3))

    def _features(self, image):
        mean, deviation = (torch.tensor(v, device=self.device)[:, None, None] for v in (MEAN, DEVIATION))
        x = (image * 0.5 + 0.5 - mean) / deviation
        for i, kind in enumerate(LAYERS if self.vgg else ()):
            if kind == "pool":
                x = max_pool2d(x, 2)
            else:
                x = relu(x) if kind == "relu" else conv2d(x, *self.vgg[i], padding=1)
        return x.float()

    def _block(self, name: str, gain: float = SQRT2):
        """Kernel OIHW with its constant, and bias; layer0 is a 4x4 convolution on the padded 1x1 code."""
        kernel, bias = (np.asarray(self.problem.prior.params[name][part]) for part in ("kernel", "bias"))
        if name == "layer0":
            kernel = kernel.transpose(3, 0, 1, 2)[:, :, ::-1, ::-1] * (gain / math.sqrt(16 * kernel.shape[0]))
        else:
            kernel = kernel.transpose(3, 2, 0, 1) * (gain / math.sqrt(math.prod(kernel.shape[:3])))
        return self._tensor(kernel, image=True), self._tensor(bias)

    def _vgg(self) -> dict:
        found = {}
        for name, part in self.problem.features.params.items():
            kernel = self._tensor(np.asarray(part["kernel"]).transpose(3, 2, 0, 1), image=True)
            found[int(name.removeprefix("conv"))] = (kernel, self._tensor(part["bias"]))
        return found

    def _tensor(self, array, *, image: bool = False):
        tensor = torch.tensor(np.ascontiguousarray(array, np.float32), device=self.device)
        return tensor.to(memory_format=torch.channels_last) if image else tensor


class EagerTransposed(Eager):
    """The same, but upsampling and the 3x3 convolution after it are one transposed convolution of stride 2.

    Arguments:
        problem: weights, start codes, targets and sizes.
        compiled: let torch.compile make one program of generator and loss.
    """

    name = "PyTorch, transposed convolutions"

    def __init__(self, problem: Problem, *, compiled: bool = False):
        super().__init__(problem, compiled=compiled)
        for k, (kernel, bias) in enumerate(self.blocks):
            if _doubles(k):
                self.blocks[k] = (transposed_kernel(kernel).contiguous(memory_format=torch.channels_last), bias)

    def _upsampled(self, x, kernel, bias):
        return conv_transpose2d(x, kernel, bias, stride=2, padding=1)


def transposed_kernel(kernel: torch.Tensor) -> torch.Tensor:
    """The kernel with which a transposed convolution of stride 2 upsamples and convolves at once.

    Arguments:
        kernel: [out, in, 3, 3], of a convolution after nearest upsampling by 2, with padding 1.

    Returns:
        [in, out, 4, 4], for `conv_transpose2d` with stride 2 and padding 1: the sum of the flipped kernel at four
        places, one for each of the four equal pixels that upsampling makes of one.

    Example:
        >>> kernel, x = torch.randn(7, 5, 3, 3, dtype=torch.float64), torch.randn(2, 5, 6, 6, dtype=torch.float64)
        >>> expected = conv2d(interpolate(x, scale_factor=2, mode="nearest"), kernel, padding=1)
        >>> found = conv_transpose2d(x, transposed_kernel(kernel), stride=2, padding=1)
        >>> torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    """
    flipped = kernel.flip(2, 3).transpose(0, 1)
    places = ((0, 1, 0, 1), (1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 1, 0))
    return torch.stack([pad(flipped, place) for place in places]).sum(0)


class EagerLoop(Eager):
    """The same as the public code does it: one picture after the other, one code after the other, nothing frozen."""

    name = "PyTorch, code by code, not frozen"
    one_by_one = True

    def __init__(self, problem: Problem):
        super().__init__(problem)
        for pair in (*self.blocks, self.output, *self.vgg.values()):
            for tensor in pair:
                tensor.requires_grad_()

    def restart(self) -> None:
        """Go back to the start."""
        super().restart()
        self.pictures = []
        for i in range(len(self.problem.z)):
            latents = [x[i : i + 1].detach().clone().requires_grad_() for x in self.latents]
            self.pictures.append((latents, self.target[i : i + 1], torch.optim.Adam(latents, lr=RATE)))

    def advance(self, steps: int) -> np.ndarray:
        """Do some steps of every picture; the losses [steps, b] before each."""
        found = []
        for latents, target, adam in self.pictures:
            for _ in range(steps):
                adam.zero_grad(set_to_none=True)
                losses = self._losses(*latents, target, None)
                losses.sum().backward()
                adam.step()
                found.append(losses.detach())
        return torch.cat(found).cpu().numpy().reshape(len(self.pictures), steps).T

    def _losses(self, z, alpha, target, _wanted):
        n = z.shape[1]
        parts = [
            self._run(z[:, i, :, None, None], 0, self.layer) * alpha[:, i, :, None, None] for i in range(n)
        ]
        return self._distance(self._image(sum(parts) / n), target, self._features(target))


def _doubles(k: int) -> bool:
    """Whether layer k upsamples its maps."""
    return k > 0 and k % 2 == 0


def _pixel_norm(x):
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
