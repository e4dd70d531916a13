"""What a conversion found, left out and wrote."""

from dataclasses import dataclass
from pathlib import Path


def printable(text: str, most: int = 60) -> str:
    """Text from a file as it may be shown: `most` characters, and without those that steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text[:most])


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
    notes: tuple[str, ...] = ()  # which network was taken, and what else is not plain: also in the card
    state: str = ""  # the file's name for the network that was taken


@dataclass(frozen=True)
class Report:
    """Result of `weights_convert.convert`; `str(report)` is what the command prints.

    `config` is the configuration in the card; what it holds depends on the network. `notes` say which of several
    networks was taken, and how far it had grown.
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
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        left_out = ", ".join(printable(name, 100) for name in self.left_out[:8]) or "nothing"
        if len(self.left_out) > 8:
            left_out += f" and {len(self.left_out) - 8} more"
        lines = [
            ("network", f"{self.network}, {self.size}"),
            ("used", self.used),
            *(("note", note) for note in self.notes),
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
