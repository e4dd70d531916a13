"""deepinv's deep image prior in a process of its own, for a Python that has PyTorch and deepinv and not JAX.

    python deepinv_process.py OBSERVED.npy MASK.npy RESULT.npy ITERATIONS THREADS

Fills holes of pictures [b, h, w, 3] in [0, 1], one after the other, by `deepinv.models.DeepImagePrior` with the network
that its documentation recommends, `ConvDecoder`, its noise of 4x4 and its rate. A network is made anew for every
picture. Writes the pictures, and prints a line of JSON: seconds of each, and versions.
"""

import json
import sys
import time

import deepinv
import numpy as np
import torch


def main() -> None:
    """Fill every picture's hole."""
    observed, mask, result, iterations, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    pictures, seconds, found = np.load(observed), [], []
    known = torch.from_numpy(1.0 - np.load(mask)).float()[None]
    for number, picture in enumerate(pictures):
        torch.manual_seed(number)
        y = torch.from_numpy(picture).float().permute(2, 0, 1)
        physics = deepinv.physics.Inpainting(tuple(y.shape), mask=known.expand_as(y).contiguous())
        channels, side = 256, (4, 4)
        network = deepinv.models.ConvDecoder(tuple(y.shape), in_size=side, layers=7, channels=channels)
        prior = deepinv.models.DeepImagePrior(network, (channels, *side), iterations=int(iterations))
        began = time.perf_counter()
        answer = prior((y * known)[None], physics)
        seconds.append(time.perf_counter() - began)
        found.append(answer[0].detach().permute(1, 2, 0).numpy())
    np.save(result, np.stack(found))
    print(json.dumps({"seconds": seconds, "torch": torch.__version__, "deepinv": deepinv.__version__}))


if __name__ == "__main__":
    main()
