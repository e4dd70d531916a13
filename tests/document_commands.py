"""The commands of a document, and what makes them small enough for tests."""

import dataclasses
import re
import shlex
from pathlib import Path


BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

RESTORING = ("reconstruct", "inpaint", "colorize", "superres", "denoise", "deblur")

SMALL = {
    "train pggan": "--resolution 16 --start-resolution 16 --widths 4,4,4 --latent-dim 8 --batch-size 2 "
    "--train-kimg 0.002 --final-kimg 0.004",
    "train lsgan": "--resolution 16 --widths 6,4 --critic-widths 4,6 --latent-dim 8 --batch-size 2",
    "train began": "--resolution 16 --width 4 --latent-dim 8 --batch-size 2",
    "train aegan": "--resolution 16 --widths 4,4,4 --latent-dim 8 --encoder-width 4 --batch-size 2 "
    "--held-out 2",
    "train autoencoder": "--resolution 16 --widths 4,6 --batch-size 2 --held-out 1",
    "train autoencoder --preset pathak2016": "--overlap 1",
    "train encoder": "--layer 3 --widths 4,4,4 --bottleneck 4 --batch-size 4 --samples 16 --own-samples 1 "
    "--held-out 2",
    "train convae": "--resolution 16 --batch-size 4 --samples 8 --held-out 2",
    "train srgan": "--crop 32 --batch-size 2 --blocks 1 --width 4 --critic-widths 4,4,4,4 --held-out 1",
    "train patchgan": "--resolution 32 --width 4 --dilations 2 --critic-widths 4,6,8 --head-width 8 --batch-size 2 "
    "--held-out 2",
    "train icgan": "--resolution 16 --channels 1 --widths 5,4 --critic-widths 4,5 --latent-dim 6 --encoder-widths 3,4 "
    "--dense 7 --batch-size 4 --code-steps 2 --label-steps 2 --judge-steps 2 --held-out 4",
    "train gan3d": "--resolution 16 --widths 6,4 --critic-widths 4,6 --latent-dim 5 --batch-size 2",
    "singan train": "--max-size 20 --min-size 12 --num-scales 2 --width 4 --layers 2 --critic-steps 1 "
    "--generator-steps 1",
    "singan sample": "--count 2",
    "evaluate": "--limit 1 --steps 1 --features none --prior",
    "edit": "--prior tiny.safetensors",
    "bench": "--resolution 8 --codes 1 --layer 2 --batch-size 1 --steps 1",
}
"""Options that are added to commands that begin so; where a command has the option already, the later one counts."""

TINY_PRIOR = "tiny.safetensors"

PRIORS = {"cats64": TINY_PRIOR, "cats32": TINY_PRIOR, "bedroom256": TINY_PRIOR, "bedroom.safetensors": TINY_PRIOR}
PRIORS |= {"dip128": "dip64", "dip256": "dip64"}
FEATURES = {"squeezenet": "squeezenet.safetensors", "inception": "squeezenet.safetensors"}
FEATURES |= {f"lpips-{trunk}": "lpips.safetensors" for trunk in ("alex", "vgg", "squeeze")}

INSTEAD = {
    "--prior": PRIORS,
    "--from": PRIORS | {"checkpoint.pth": TINY_PRIOR},
    "remove": {"bedroom256": "my-own"},
    "--restorer": {"srgan_x4.safetensors": "srgan_x4_photos"},
    "--features": FEATURES,
    "--set-features": FEATURES,
    "--evaluate-features": FEATURES,
    "--perceptual": FEATURES,
}
"""By the word before them: smaller networks, or made-up ones, in place of those that the documents name."""

WHOLE = {"slices/", "faces/", "cats64_train.zip"}
"""Pictures that are all restored, because later commands of the pages need more than a few."""

STEPS = "2"
"""Of trainings, where a document has more or leaves them out."""


def small_value(option: str, value: str) -> str:
    """What stands after an option in place of a value, which stays where it is small already."""
    if option in INSTEAD:
        return INSTEAD[option].get(value, value)
    if option == "--limit":
        return str(min(int(value), 8))
    return STEPS if option.endswith("steps") and int(value) > int(STEPS) else value


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of a document.

    Fields:
        words: of the command, without "jaxprior".
        block: which of the document's blocks shows it.
    """

    words: tuple[str, ...]
    block: int

    @property
    def text(self) -> str:
        """The command as one line."""
        return shlex.join(self.words)

    @property
    def out(self) -> str | None:
        """What the command shall leave."""
        return self.words[self.words.index("-o") + 1] if "-o" in self.words else None

    def small(self) -> tuple[str, ...]:
        """The words of a command that does the same on less."""
        given = zip(("", *self.words), self.words, strict=False)
        words = tuple(small_value(before, word) for before, word in given)
        for prefix, options in SMALL.items():
            if self.text.startswith(prefix) and (self.out is not None or prefix in ("bench", "edit")):
                words += tuple(options.split())
                words += (self._prior(),) if prefix == "evaluate" else ()
        if words[0] in ("train", "singan") and "train" in words and "--steps" not in words:
            words += ("--steps", STEPS) if "pggan" not in words else ()
        if self.text.startswith("priors rank") and "--prior" not in words:
            words += ("--prior", TINY_PRIOR)
        return words + self._small_restoration() if words[0] in RESTORING else words

    def _prior(self) -> str:
        """A prior whose pictures are large enough for what compares them."""
        given = zip(self.words, self.words[1:], strict=False)
        compared = any(a in ("--perceptual", "--set-features") and b in FEATURES for a, b in given)
        return "cats32" if compared else TINY_PRIOR

    def _small_restoration(self) -> tuple[str, ...]:
        added = () if WHOLE & set(self.words) else ("--limit", "3")
        if "--restorer" in self.words:
            return added
        if "--prior" not in self.words:
            added += ("--prior", self._prior())
        if "--encoder" in self.words and "--preset" not in self.words or "--answer" in self.words:
            return added
        return (*added, "--steps", "1")


def commands(document: Path) -> list[Command]:
    """The commands of the blocks of a document, in their order."""
    found = []
    for number, (language, text) in enumerate(BLOCK.findall(document.read_text())):
        if language not in ("", "bash", "yaml"):
            continue
        for line in text.replace("\\\n", " ").splitlines():
            for command in re.sub(r"\s#.*", "", line).split("&&"):
                if command.strip().startswith("jaxprior "):
                    found.append(Command(tuple(shlex.split(command)[1:]), number))
    return found
