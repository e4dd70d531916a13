"""Feature networks on this machine: where they are kept, and which ones are known.

Nothing is downloaded unless `download.fetch` is called (`jaxprior priors get NAME`): the addresses below, each file
checked against its sha256 before anything reads it, then converted as `jaxprior convert` does and kept as safetensors.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RemoteFile:
    """A file that somebody else publishes.

    Fields:
        url, name: where it is and what it is called.
        sha256, size: of its content; size in bytes.
    """

    url: str
    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class KnownNetwork:
    """A network that can be fetched.

    Fields:
        title: what it is. page: where its publishers describe it. licence: of the weights.
        files: what to fetch; the second file, if any, goes onto the first (`weights_convert.convert(onto=...)`).
    """

    title: str
    page: str
    licence: str
    files: tuple[RemoteFile, ...]


_SQUEEZENET = RemoteFile(
    "https://raw.githubusercontent.com/DeepCognition/keras-squeezenet/a73d4339aa4d37c51a0b3ba044bed55477abec73/"
    "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
    "17154246284f555591549ac2c83e127abfbf4307dc4b0060fdaa2931d0fa38da",
    3_002_560,
)
_LPIPS_HEADS = RemoteFile(
    "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/082bb24f84c091ea94de2867d34c4544f68e0963/"
    "lpips/weights/v0.1/squeeze.pth",
    "squeeze.pth",
    "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
    10_811,
)
_TORCHVISION = "https://pytorch.org/vision/stable/models/vgg.html"

KNOWN = {
    "vgg16": KnownNetwork(
        "VGG-16, torchvision's weights (ImageNet)",
        _TORCHVISION,
        "BSD-3-Clause",
        (
            RemoteFile(
                "https://download.pytorch.org/models/vgg16-397923af.pth",
                "vgg16-397923af.pth",
                "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
                553_433_881,
            ),
        ),
    ),
    "vgg19": KnownNetwork(
        "VGG-19, torchvision's weights (ImageNet)",
        _TORCHVISION,
        "BSD-3-Clause",
        (
            RemoteFile(
                "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
                "vgg19-dcbb9e9d.pth",
                "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
                574_673_361,
            ),
        ),
    ),
    "squeezenet": KnownNetwork(
        "SqueezeNet 1.1, Caffe weights (ImageNet)",
        "https://github.com/DeepCognition/keras-squeezenet",
        "MIT (converted from BSD-2-Clause weights)",
        (_SQUEEZENET,),
    ),
    "lpips-squeeze": KnownNetwork(
        "LPIPS-style (SqueezeNet, Caffe weights)",
        "https://github.com/richzhang/PerceptualSimilarity",
        "MIT and BSD-2-Clause",
        (_SQUEEZENET, _LPIPS_HEADS),
    ),
}


def folder() -> Path:
    """Where installed networks lie, one `NAME.safetensors` each: `networks` in the user's data folder.

    `JAXPRIOR_DATA` names another data folder. The folder need not exist.
    """
    if chosen := os.environ.get("JAXPRIOR_DATA"):
        return Path(chosen) / "networks"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "jaxprior" / "networks"


def installed() -> dict[str, Path]:
    """Installed networks: name -> file."""
    return {path.stem: path for path in sorted(folder().glob("*.safetensors"))}


def missing(name: str) -> str:
    """The sentence about a network that is not here; of a known one it says how to get it."""
    if name in KNOWN:
        return (
            f"the network {name!r} is not installed: `jaxprior priors get {name}` fetches it; or convert a file that "
            f"you have ({_conversion(name)}) and name {name}.safetensors instead"
        )
    return (
        f"{name}: neither an installed network ({', '.join(installed()) or 'none is'}), nor one that can be fetched "
        f"({', '.join(KNOWN)}), nor a .safetensors file"
    )








def _conversion(name: str) -> str:
    first, *heads = KNOWN[name].files
    if not heads:
        return f"`jaxprior convert {first.name} -o {name}.safetensors`"
    return (
        f"`jaxprior convert {first.name} -o squeezenet.safetensors`, then "
        f"`jaxprior convert {heads[0].name} --onto squeezenet.safetensors -o {name}.safetensors`"
    )
