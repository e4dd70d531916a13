"""What a conversion found, left out and wrote."""

from dataclasses import dataclass
from pathlib import Path


def printable(text: str) -> str:
    """Text from a file as it may be shown: short, and without characters that steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text[:60])


@dataclass(frozen=True)
class Converted:
    """A network in our form: parameter tree, configuration for the card, and what to tell the user."""

    params: dict
    config: dict
    used: str  # which networks of the file became which part
    left_out: tuple[str, ...]
    extra: dict  # free keys of the card


@dataclass(frozen=True)
class Report:
    """Result of `weights_convert.convert`; `str(report)` is what the command prints."""

    source: Path
    format: str
    network: str
    resolution: int
    latent_dim: int
    widths: tuple[int, ...]
    image_channels: int
    upsample: str
    tensors: int
    used: str
    left_out: tuple[str, ...]
    out: Path
    sha256: str

    def __str__(self) -> str:
        left_out = ", ".join(map(printable, self.left_out[:8])) or "nothing"
        if len(self.left_out) > 8:
            left_out += f" and {len(self.left_out) - 8} more"
        up = "fused (transposed convolution)" if self.upsample == "fused" else "nearest, then convolution"
        size = f"{self.resolution}x{self.resolution}, {self.image_channels} channels"
        return "\n".join(
            [
                f"{self.source}: {self.format}",
                f"  network     {self.network}, {size}",
                f"  used        {self.used}",
                f"  latent      {self.latent_dim}",
                f"  widths      {' '.join(map(str, self.widths))} (from 4x4 up)",
                f"  upsampling  {up}",
                f"  left out    {left_out}",
                f"wrote {self.out}: {self.tensors} tensors, sha256 {self.sha256[:12]}...",
            ]
        )
