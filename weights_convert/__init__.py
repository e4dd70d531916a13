"""Foreign checkpoints to jaxprior's safetensors: `python -m weights_convert SRC -o OUT.safetensors`.

A checkpoint from the internet is a program as much as it is data. The readers here interpret it with an
allow-list (`safe_unpickler`), import neither PyTorch nor TensorFlow, never run code that a file contains, and have no
fallback; HDF5 files are read by h5py in a process of its own, and only plain arrays in them. A reader delivers named
arrays (`checkpoint`), a name map for each architecture (`pggan`, `vgg`, `squeezenet`) turns them into our tree.
"""

import hashlib
import os
from pathlib import Path

import jaxprior
from jaxprior.errors import WeightsError
from jaxprior.weights import flatten, read_card, save_weights
from weights_convert import hdf5 as hdf5
from weights_convert.checkpoint import MAX_FILE_BYTES, read_checkpoint
from weights_convert.networks import NETWORKS, find_base, find_network
from weights_convert.report import Report


__all__ = ["NETWORKS", "Report", "convert"]


def convert(
    src: str | os.PathLike,
    out: str | os.PathLike,
    *,
    network: str | None = None,
    name: str | None = None,
    licence: str = "unknown",
    onto: str | os.PathLike | None = None,
) -> Report:
    """Convert a foreign checkpoint to one safetensors file with a card.

    Arguments:
        src: PyTorch checkpoint (.pth, .pt; any version), TensorFlow GAN pickle (.pkl), Keras weights (.h5, needs
        h5py) or foreign safetensors file. out: the .safetensors file to write (atomically; an existing one is
        replaced). network: architecture, a key of `NETWORKS`; None recognises it by the names in the file.
        name: name of the network in its card; None takes it from `out`. licence: licence of the weights, for the
        card. onto: for the linear layers of LPIPS, the converted network that they belong on.
    Returns:
        What was found, left out and written.
    Raises:
        WeightsError: unreadable, damaged, hostile or unknown file, in one sentence.

    Example:
        print(convert("karras2018iclr-lsun-bedroom-256x256.pkl", "bedroom.safetensors", licence="CC BY-NC
        4.0"))
    """
    src, out = Path(src), Path(out)
    if out.suffix != ".safetensors" or out.resolve() in [Path(path).resolve() for path in (src, onto) if path]:
        raise WeightsError(f"{out}: expected the name of a new file that ends in .safetensors")
    data = _read_file(src)
    checkpoint = read_checkpoint(src, data)
    try:
        network = find_network(checkpoint, network)
        base = find_base(network, onto)
        converted = NETWORKS[network].convert(checkpoint, *base)
    except WeightsError as error:
        raise WeightsError(f"{src}: {error}") from error
    card = {
        "name": name or out.stem,
        "architecture": network,
        "config": converted.config,
        "source": src.name,
        "licence": licence,
        "converter": jaxprior.__version__,
        "sha256_source": hashlib.sha256(data).hexdigest(),
        **converted.extra,
    }
    save_weights(out, converted.params, card)
    return Report(
        source=src,
        format=checkpoint.format,
        network=network,
        config=converted.config,
        size=converted.size,
        details=converted.details,
        tensors=len(flatten(converted.params)),
        used=converted.used,
        left_out=converted.left_out,
        out=out,
        sha256=read_card(out)["sha256"],
    )


def _read_file(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise WeightsError(f"{path}: the file has {size} bytes; at most {MAX_FILE_BYTES} are read")
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: the file cannot be read ({error.strerror or error})") from error
