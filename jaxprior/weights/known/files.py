"""What the tables of known networks are made of: a published file, and a network that lies in such files."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """A file that somebody else publishes.

    Fields:
        url: where it is. name: what it is called.
        sha256: of its content in hex digits: all 64, or the first 8 where only these are published, in the file's name;
            None where the publishers give no hash.
        size: in bytes; of some files only about, computed from the network's sizes; None where it is not known.
    """

    url: str
    name: str
    sha256: str | None
    size: int | None


@dataclass(frozen=True, kw_only=True)
class KnownNetwork:
    """A network that can be installed by its name.

    Fields:
        title: what it is. page: where its publishers describe it.
        licence: of the weights, as far as the publishers state one, in a few words; licence_note: for whom they state
            it, where that is not plain.
        files: what to fetch; the second file, if any, goes onto the first (`weights_convert.convert(onto=...)`). Empty
            where there is no address from which a program can fetch: such a file is carried by hand.
    """

    title: str
    page: str
    licence: str
    files: tuple[RemoteFile, ...]
    licence_note: str = ""

    @property
    def stated_licence(self) -> str:
        """The licence with all that is to be said of it."""
        return f"{self.licence}: {self.licence_note}" if self.licence_note else self.licence

    @property
    def size(self) -> int | None:
        """Bytes of all files together; None where they are not known."""
        sizes = [file.size for file in self.files]
        known = [size for size in sizes if size is not None]
        return sum(known) if known and len(known) == len(sizes) else None


def shown_size(size: int | None) -> str:
    """Bytes in words for people.

    Example:
        >>> shown_size(73_400_000), shown_size(None)
        ('73.4 MB', 'size unknown')
    """
    if size is None:
        return "size unknown"
    return f"{size / 1e6:.3g} MB" if size >= 1e6 else f"{size / 1e3:.3g} kB"
