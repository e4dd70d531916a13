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
    size: str  # in a few words
    details: tuple[tuple[str, str], ...] = ()  # further lines of the report: title, text


@dataclass(frozen=True)
class Report:
    """Result of `weights_convert.convert`; `str(report)` is what the command prints.

    `config` is the configuration in the card; what it holds depends on the network.
    """

    source: Path
    format: str
    network: str
    config: dict
    size: str
    details: tuple[tuple[str, str], ...]
    tensors: int
    used: str
    left_out: tuple[str, ...]
    out: Path
    sha256: str

    def __str__(self) -> str:
        left_out = ", ".join(map(printable, self.left_out[:8])) or "nothing"
        if len(self.left_out) > 8:
            left_out += f" and {len(self.left_out) - 8} more"
        lines = [
            ("network", f"{self.network}, {self.size}"),
            ("used", self.used),
            *self.details,
            ("left out", left_out),
        ]
        return "\n".join(
            [
                f"{self.source}: {self.format}",
                *(f"  {title:<10}  {text}" for title, text in lines),
                f"wrote {self.out}: {self.tensors} tensors, sha256 {self.sha256[:12]}...",
            ]
        )
