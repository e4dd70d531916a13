"""Foreign checkpoints to jaxprior's safetensors: `python -m weights_convert SRC -o OUT.safetensors`.

A checkpoint from the internet is a program as much as it is data. The readers here interpret it with an
allow-list (`safe_unpickler`), import neither PyTorch nor TensorFlow, never run code that a file contains, and have no
fallback; HDF5 files are read by h5py in a process of its own, and only plain arrays in them. A reader (`checkpoint`)
delivers named arrays; `states` and `separation` find the networks among them, `choosing` takes one of
several, and a name map for each architecture (`pggan`, `vgg`, `lpips`, ...) turns it into our tree. `singan` and
`consingan` read the folders that official trainings of these leave. `other_formats` knows what else is taken for a
checkpoint.
"""

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jaxprior
from jaxprior.errors import WeightsError
from jaxprior.weights.storage import read_card, save_weights
from jaxprior.weights.tree import flatten
from weights_convert import consingan, singan
from weights_convert import hdf5 as hdf5
from weights_convert.checkpoint import read_checkpoint, read_file
from weights_convert.choosing import Asked
from weights_convert.other_formats import describe_folder
from weights_convert.report import Converted, Report


if TYPE_CHECKING:
    from weights_convert.networks import NETWORKS as NETWORKS
    from weights_convert.pggan.table import layout_table as layout_table

__all__ = ["NETWORKS", "Report", "convert", "layout_table"]


def __getattr__(name: str) -> Any:
    """The tables of networks, which imports JAX, and of layouts are imported when they are first used."""
    if name == "NETWORKS":
        from weights_convert.networks import NETWORKS

        return NETWORKS
    if name == "layout_table":
        from weights_convert.pggan.table import layout_table

        return layout_table
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def convert(
    src: str | os.PathLike,
    out: str | os.PathLike,
    *,
    network: str | None = None,
    name: str | None = None,
    licence: str = "unknown",
    onto: str | os.PathLike | None = None,
    state: str | None = None,
    layout: str | None = None,
    output: str | None = None,
    label: str | None = None,
) -> Report:
    """Convert a foreign checkpoint to one safetensors file with a card.

    Arguments:
        src: PyTorch checkpoint (.pth, .pt; any version), TensorFlow GAN pickle (.pkl), Keras weights (.h5, needs
        h5py) or foreign safetensors file, or the folder of an official SinGAN or ConSinGAN training. out: the file to
        write (atomically; an existing one is replaced). network: architecture, a key of `NETWORKS`; None recognises it
        by the names in the file. name: name of the network in its card; None takes it from `out`. licence: licence of
        the weights, for the card. onto: for the linear layers of LPIPS, the converted network that they belong on.
        state: name of the network to take, of several in the file. layout: of a PGGAN's tensors, a name of
        `layout_table`; None recognises it. output: what a PGGAN's images go through at the end, "none", "clip" or
        "tanh", where the file does not say it; label: the label to fix in a PGGAN that was trained with labels, a value
        for every attribute ("W,french") or its numbers ("0,1,0").
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
        raise WeightsError(f"{out}: expected a file that ends in .safetensors and is none of those that are read")
    asked = Asked(output, label, layout)
    form, network, converted, digest = (
        _from_folder(src, network, onto, state, asked) if src.is_dir() else _from_file(src, network, onto, state, asked)
    )
    card = {
        "name": name or out.stem,
        "architecture": network,
        "config": converted.config,
        "source": src.name,
        "licence": licence,
        "converter": jaxprior.__version__,
        "sha256_source": digest,
        **converted.extra,
        **({"state": converted.state, "notes": list(converted.notes)} if converted.notes else {}),
    }
    save_weights(out, converted.params, card)
    return Report(
        source=src,
        format=form,
        network=network,
        config=converted.config,
        size=converted.size,
        details=converted.details,
        tensors=len(flatten(converted.params)),
        used=converted.used,
        left_out=converted.left_out,
        out=out,
        sha256=read_card(out)["sha256"],
        notes=converted.notes,
    )


def _from_file(
    src: Path, network: str | None, onto, state: str | None, asked: Asked
) -> tuple[str, str, Converted, str]:
    data = read_file(src)
    checkpoint = replace(read_checkpoint(src, data, state=state), names=_names(src), asked=asked)
    from weights_convert.networks import NETWORKS, find_base, find_network  # imports JAX

    try:
        network, checkpoint = find_network(checkpoint, network)
        if asked != Asked() and network != "pggan":
            raise WeightsError(f"it holds {network}; `--layout`, `--output` and `--label` are for a PGGAN")
        base = find_base(network, onto)
        converted = NETWORKS[network].convert(checkpoint, *base)
    except WeightsError as error:
        raise WeightsError(f"{src}: {error}") from error
    return checkpoint.format, network, converted, hashlib.sha256(data).hexdigest()


def _names(src: Path) -> tuple[str, ...]:
    """The name of a file, and that of the file which it is a link to."""
    return tuple(dict.fromkeys((src.name, src.resolve().name)))


def _from_folder(
    src: Path, network: str | None, onto, state: str | None, asked: Asked
) -> tuple[str, str, Converted, str]:
    if known := describe_folder(src):
        raise WeightsError(f"{src}: {known}")
    reader = consingan if consingan.recognise(src) else singan
    if network not in (None, reader.NETWORK) or onto is not None or state is not None or asked != Asked():
        raise WeightsError(
            f"{src}: a folder is taken for an official SinGAN or ConSinGAN training; leave --network, --onto, --state, "
            "--layout, --output and --label out"
        )
    files = reader.read_folder(src)
    digest = hashlib.sha256()
    for name, data in sorted(files.items()):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return reader.FORMAT, reader.NETWORK, reader.convert(src, files), digest.hexdigest()
