"""The folder of an official ConSinGAN training (PyTorch; Hinz et al., WACV 2021) -> the file of `models.consingan`.

    fixed_noise.pth, noise_amp.pth, reals.pth    lists with an entry for each stage, coarsest first
    parameters.txt                               lines "name - value": what the training was told
    2/netG.pth, 2/netD.pth                       state dicts of the last stage, 2 being its number; the critic is
                                                 optional, and the folders of earlier stages are not needed

`G.pth`, which holds a pickled module, is never opened. A batch norm of the official code stays in training mode, where
a batch is one image: it becomes an instance norm here, which makes the convolution's bias before it and its running
statistics superfluous.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from jaxprior.errors import WeightsError
from weights_convert.checkpoint import read_checkpoint, read_file
from weights_convert.picture_folders import entries, image, left_out, number
from weights_convert.report import Converted, printable
from weights_convert.tensors import as_weight


NETWORK = "consingan"
FORMAT = "folder of an official ConSinGAN training (PyTorch)"
LISTS = ("fixed_noise.pth", "noise_amp.pth", "reals.pth")
PARAMETERS = "parameters.txt"

MODES = {"generation": "noise", "animation": "noise", "retarget": "noise",
         "harmonization": "augmented", "editing": "shuffled"}  # fmt: skip
"""`--train_mode` -> what the coarsest stage was trained on."""

ENLARGED = ("generation", "animation")
"""The modes in which features are enlarged by the margin; in the others zeros are put around them."""

FIXED = {"ker_size": "3", "padd_size": "0", "activation": "lrelu"}
"""Parameters that only have one value here."""

SETTINGS = {
    "train_depth": "train_depth", "niter": "steps", "Dsteps": "critic_steps", "Gsteps": "generator_steps",
    "lr_g": "learning_rate", "beta1": "beta1", "gamma": "gamma", "lr_scale": "lr_scale",
    "lambda_grad": "penalty", "alpha": "reconstruction_weight",
}  # fmt: skip
"""Parameters of the training -> settings of ours with the same meaning, for those who train a model further."""

_LINE = re.compile(r"(\w+)\t?\s*-\s*(.*)")
_STATISTICS = ("norm.running_mean", "norm.running_var", "norm.num_batches_tracked")


def recognise(folder: Path) -> bool:
    """Whether a folder is one of a ConSinGAN training, by a name that SinGAN's do not have."""
    return (folder / LISTS[0]).is_file()


def read_folder(folder: Path) -> dict[str, bytes]:
    """The files of a training that are converted, by name ("2/netG.pth").

    Raises:
        WeightsError: one that must be there is missing or unreadable.
    """
    stages = [int(path.parent.name) for path in folder.glob("*/netG.pth") if path.parent.name.isdecimal()]
    names = [*LISTS, PARAMETERS, f"{max(stages, default=0)}/netG.pth"]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise WeightsError(
            f"{folder}: the folder of a ConSinGAN training, but {missing[0]} is missing; expected "
            f"{', '.join(LISTS)}, {PARAMETERS} and the netG.pth of the last stage, such as 5/netG.pth"
        )
    critic = f"{max(stages)}/netD.pth"
    return {name: read_file(folder / name) for name in [*names, *([critic] if (folder / critic).is_file() else [])]}


def convert(folder: Path, files: dict[str, bytes]) -> Converted:
    """Bring a training's network, noises and picture into our form.

    Arguments:
        folder: where it lies, for messages.
        files: of `read_folder`.

    Returns:
        Parameter tree and configuration, checked against our network.

    Raises:
        WeightsError: missing, damaged, hostile or misshapen parts; the sentence starts with the folder.
    """
    # Imports JAX, which other conversions do without.
    from jaxprior.models.consingan.model import ConSinGan
    from jaxprior.models.consingan.stored import build_consingan

    told = _Parameters(folder / PARAMETERS, files[PARAMETERS])
    noises, amplitudes, pictures = (entries(folder / name, files[name]) for name in LISTS)
    count = len(pictures)
    last = next(int(name.split("/")[0]) for name in files if name.endswith("netG.pth"))
    if not 0 < len(noises) == len(amplitudes) == count or last != count - 1:
        raise WeightsError(
            f"{folder}: {count} stages in reals.pth, but {len(noises)} in fixed_noise.pth, {len(amplitudes)} in "
            f"noise_amp.pth, and the last folder with netG.pth is {last}; expected as many of each (was the training "
            "interrupted?)"
        )
    pictures = [image(folder / LISTS[2], n, value) for n, value in enumerate(pictures)]
    layers, normed = told.count("num_layer"), told.flag("batch_norm")
    generator = _network(folder, files, f"{last}/netG.pth", _generator_blocks(count, layers), normed=normed)
    params = {
        "generator": {"params": generator},
        "noise": {f"stage{n}": image(folder / LISTS[0], n, value) for n, value in enumerate(noises)},
        "amplitudes": np.stack([number(folder / LISTS[1], n, value) for n, value in enumerate(amplitudes)]),
        "image": pictures[-1],
    }
    has_critic = f"{last}/netD.pth" in files
    if has_critic:
        critic = _network(folder, files, f"{last}/netD.pth", _critic_blocks(layers), normed=False)
        params["critic"] = {"params": critic}
    sizes = [list(picture.shape[:2]) for picture in pictures]
    mode = told.one_of("train_mode", MODES)
    config = {
        "sizes": sizes,
        "width": told.count("nfc"),
        "layers": layers,
        "image_channels": pictures[-1].shape[-1],
        "norm": "instance" if normed else "none",
        "slope": told.number("lrelu_alpha"),
        "edges": "enlarged" if mode in ENLARGED else "zero",
        "critic_layers": layers + 2 if has_critic else None,
        **({} if MODES[mode] == "noise" else {"starts_from": MODES[mode]}),
    }
    build_consingan(params, {"architecture": ConSinGan.architecture, "config": config}, where=str(folder))
    return Converted(
        params=params,
        config=config,
        used=f"the generator{', the critic' if has_critic else ''}, noises and amplitudes of all stages, the picture",
        left_out=left_out(folder, files),
        extra={"training": {"recipe": told.settings()}},
        size=f"{count} stages",
        details=(("sizes", " ".join(f"{h}x{w}" for h, w in sizes)), ("mode", mode)),
    )


class _Parameters:
    """What parameters.txt says, each value asked for by its kind.

    Raises:
        WeightsError: a text that cannot be read, a value of another kind, or one that is none of those known here.
    """

    def __init__(self, path: Path, data: bytes):
        self.path = path
        lines = (_LINE.match(line) for line in data.decode(errors="replace").splitlines())
        self.values = {line[1]: line[2].strip() for line in lines if line}
        for name, only in FIXED.items():
            if self._text(name) != only:
                self._refuse(name, only)

    def count(self, name: str) -> int:
        text = self._text(name)
        return int(text) if text.isdecimal() and 0 < len(text) < 6 else self._refuse(name, "a whole number")

    def number(self, name: str) -> float:
        try:
            return float(self._text(name))
        except ValueError:
            return self._refuse(name, "a number")

    def flag(self, name: str) -> bool:
        return self.one_of(name, {"True": True, "1": True, "False": False, "0": False}) in ("True", "1")

    def one_of(self, name: str, known: Mapping) -> str:
        text = self._text(name)
        return text if text in known else self._refuse(name, f"one of {', '.join(known)}")

    def settings(self) -> dict[str, int | float]:
        """Those settings of the training that it says, as `SETTINGS` calls them."""
        wholes = ("train_depth", "niter", "Dsteps", "Gsteps")
        given = [name for name in SETTINGS if name in self.values]
        return {SETTINGS[name]: self.count(name) if name in wholes else self.number(name) for name in given}

    def _text(self, name: str) -> str:
        if name not in self.values:
            raise WeightsError(f"{self.path}: it says nothing of {name}; expected a line '{name} - value'")
        return self.values[name]

    def _refuse(self, name: str, expected: str):
        raise WeightsError(f"{self.path}: {name} is {printable(self.values[name])!r}; expected {expected}")


def _generator_blocks(stages: int, layers: int) -> dict[str, tuple[str, ...]]:
    """Official name of each block of the generator -> where its parameters belong."""
    body = {f"body.{n}.block{k}": (f"stage{n}", f"layer{k}") for n in range(stages) for k in range(layers)}
    return {"head": ("head",), **body, "tail.0": ("tail",)}


def _critic_blocks(layers: int) -> dict[str, tuple[str, ...]]:
    body = {f"body.block{k}": (f"layer{k + 1}",) for k in range(layers)}
    return {"head": ("layer0",), **body, "tail": ("output",)}


def _network(
    folder: Path, files: dict[str, bytes], name: str, blocks: dict[str, tuple[str, ...]], *, normed: bool
) -> dict:
    """The parameters of one network; every name must be one that it has, and every name that it has must be there."""
    checkpoint = read_checkpoint(folder / name, files[name])
    try:
        divided = checkpoint.with_states_of(lambda state: "head.conv.weight" in state)
        if divided is None:
            raise WeightsError("tensor head.conv.weight is missing; expected a network of a ConSinGAN training")
        state = divided.states[divided.choose(lambda state: "head.conv.weight" in state)]
        state.check_tensors()
        own = {key: array for key, array in state.items() if not key.endswith(_STATISTICS)}
        params: dict = {}
        expected = set()
        for block, place in blocks.items():
            plain = block.startswith("tail")
            names = _tensors_of(block, plain=plain, normed=normed)
            expected |= set(names)
            if missing := [key for key in names if key not in own]:
                raise WeightsError(f"tensor {state.in_file(missing[0])} is missing; expected {len(blocks)} layers")
            weight, *vectors = (as_weight(state.in_file(key), own[key]).astype(np.float32) for key in names)
            if weight.ndim != 4:
                where = f"tensor {state.in_file(names[0])}"
                raise WeightsError(f"{where}: expected a kernel [o, i, 3, 3], got {weight.shape}")
            inner = params
            for part in place[:-1]:
                inner = inner.setdefault(part, {})
            inner[place[-1]] = _block(weight.transpose(2, 3, 1, 0), vectors)
        if unknown := sorted(set(own) - expected):
            raise WeightsError(f"tensor {state.in_file(unknown[0])} is not one of this ConSinGAN network")
    except WeightsError as error:
        raise WeightsError(f"{folder / name}: {error}") from error
    return params


def _tensors_of(block: str, *, plain: bool, normed: bool) -> list[str]:
    """Names of a block's kernel, its bias, and the scale and shift of its norm."""
    conv = block if plain else f"{block}.conv"
    norm = [f"{block}.norm.weight", f"{block}.norm.bias"] if normed and not plain else []
    return [f"{conv}.weight", f"{conv}.bias", *norm]


def _block(kernel: np.ndarray, vectors: list[np.ndarray]) -> dict:
    if len(vectors) == 1:
        return {"kernel": kernel, "bias": vectors[0]}
    return {"kernel": kernel, "norm": {"scale": vectors[1], "bias": vectors[2]}}
