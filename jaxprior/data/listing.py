"""Finding the pictures in files, folders and zip archives, and saying what was passed over there.

Pictures are listed without being opened. Thus a run over a hundred thousand pictures starts at once, and a damaged one
among them costs one failed row and not the run.

- Folders are searched with all their sub-folders. Linked folders are followed, after all others and each once, so that
  links in a circle end. Linked files are read.
- A picture that is reached in several ways is listed once: by two spellings of its path, through a linked folder, or
  through a link that has the name of its file. A link with another name is a picture of its own.
- Folders of runs that lie among the pictures are passed over: their pictures are inputs, masks and results, and the
  command that made them would take them for pictures of its own when it is repeated.
- In archives "\\" separates folders too, because some programs write it. Unpacking programs take it so as well.
- Hidden files, folders called `__MACOSX`, and files that usually lie beside pictures (texts, tables) are left out
  without a word. Every other file without the ending of a picture is counted in `Listing.sentences`.
"""

import collections
import dataclasses
import glob
import os
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from jaxprior.checks import described, whole_number
from jaxprior.data.kinds import ARCHIVES, COMPANIONS, EXTENSIONS, foreign_archive
from jaxprior.data.sources import ImageSource, PathLike, error_words, file_source, is_archive, printable, start_of
from jaxprior.errors import ArgumentError, ImageError, JaxpriorWarning
from jaxprior.runs.kinds import RECORD, is_run, what_it_is


SYSTEM_FILES = frozenset(("__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r"))
"""Files and folders that operating systems add."""

NAMED = 3
"""How many archives or links a sentence names."""


@dataclasses.dataclass(frozen=True)
class Listing:
    """The pictures that were found, and the other files.

    Arguments:
        places: those paths in which something was passed over.
        sources: the pictures, in the order of all paths that were searched, and in the order of names within each.
        others: names of files that are no pictures by their endings, and that one could expect to be read.
        runs: folders of runs inside folders, whose pictures are not listed.
        archives: names of archives inside folders and archives, which are not searched.
        broken_links: names of links that lead nowhere and do not have the ending of a picture.
        replaced: names of which a zip archive has several pictures. The last one counts, as where the archive is
            unpacked.
    """

    places: tuple[str, ...]
    sources: tuple[ImageSource, ...]
    others: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    broken_links: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """Say what was passed over; there is no sentence if nothing was.

        Example:
            >>> Listing(("photos",), (), others=("photos/a.heic", "photos/b.heic", "photos/c.jp2")).sentences()
            ['photos: passed over 3 files that are not read here: 2 .heic, 1 .jp2 (convert them to PNG or JPEG first).']
        """
        said = []
        if self.others:
            endings = collections.Counter(PurePosixPath(name).suffix.lower() for name in self.others)
            ranked = sorted(endings.items(), key=lambda item: (-item[1], item[0]))
            kinds = ", ".join(f"{count} {ending or 'without an ending'}" for ending, count in ranked)
            verb, them = ("is", "it") if len(self.others) == 1 else ("are", "them")
            files = f"{_count(self.others, 'file')} that {verb} not read here"
            said.append(f"{files}: {kinds} (convert {them} to PNG or JPEG first)")
        if self.runs:
            advice = "to take pictures of a run, give one of its folders"
            said.append(f"{_count(self.runs, 'run')} of jaxprior: {_named(self.runs)} ({advice})")
        if self.archives:
            it = "unpack it, or give its own path if it is a zip file"
            them = "unpack them, or give the paths of zip files"
            advice = it if len(self.archives) == 1 else them
            said.append(f"{_count(self.archives, 'archive')}: {_named(self.archives)} ({advice})")
        if self.broken_links:
            said.append(f"{_count(self.broken_links, 'link')} to nowhere: {_named(self.broken_links)}")
        if self.replaced:
            entries = "an entry" if len(self.replaced) == 1 else f"{len(self.replaced)} entries"
            said.append(f"{entries} before the last one of the same name: {_named(self.replaced)}")
        return [f"{_named(self.places)}: passed over {sentence}." for sentence in said]


def list_images(paths: PathLike | Iterable[PathLike], *, limit: int | None = None) -> list[ImageSource]:
    """Find the pictures in files, folders and zip archives, without reading them.

    Folders and archives are searched with all their sub-folders, in the order of names. Hidden files, and files without
    the ending of a picture are left out; a `JaxpriorWarning` counts those that one could expect to be read, and the
    command line prints it. A file that is given by its own path is always listed.

    Arguments:
        paths: one path or several; a picture that is found twice is listed once, also if its path is spelled in two
            ways. A path that does not exist and has *, ? or [ in it is a pattern: what matches it is taken in the order
            of names.
        limit: list only this many pictures, the first ones.

    Returns:
        the pictures, at least one.

    Raises:
        ImageError: a path does not exist, an archive is damaged or of another kind than zip, or no picture is found.

    Example:
        >>> for source in list_images(["photos", "photos.zip", "cat.png"], limit=100):
        ...     data = source.read()
    """
    listing = survey(paths, limit=limit)
    for sentence in listing.sentences():
        warnings.warn(sentence, JaxpriorWarning, stacklevel=2)
    return list(listing.sources)


def survey(paths: PathLike | Iterable[PathLike], *, limit: int | None = None) -> Listing:
    """Find the pictures as `list_images` does, and return what was passed over instead of warning of it.

    Arguments:
        paths, limit: see `list_images`.

    Raises:
        ImageError: see `list_images`.

    Example:
        >>> survey("photos").others
        ()
    """
    if limit is not None:
        whole_number("limit", limit, least=1, error=ImageError)
    given = [paths] if isinstance(paths, str | os.PathLike) or not isinstance(paths, Iterable) else list(paths)
    for path in given:
        if not isinstance(path, str | os.PathLike) or not str(path):
            raise ArgumentError(f"`paths` must be one path or several, got {described(path)}.")
    places = [place for path in given for place in _expanded(Path(path))]
    found = _Found()
    for place in places:
        found.search(place)
    listing = Listing(
        places=tuple(found.places),
        sources=tuple(found.distinct()),
        others=tuple(found.others.values()),
        runs=tuple(found.runs.values()),
        archives=tuple(found.archives.values()),
        broken_links=tuple(found.broken_links.values()),
        replaced=tuple(found.replaced.values()),
    )
    if not listing.sources:
        where = _named([str(place) for place in places]) or "an empty list of paths"
        expected = " ".join(sorted(EXTENSIONS))
        others = "".join(f" {sentence}" for sentence in listing.sentences())
        raise ImageError(f"{where}: no pictures found; expected files ending in {expected}.{others}")
    return dataclasses.replace(listing, sources=listing.sources[:limit])


def _expanded(place: Path) -> list[Path]:
    """The path itself, or what matches it if it is a pattern of which nothing has the name."""
    if os.path.lexists(place) or not glob.has_magic(str(place)):
        return [place]
    found = sorted(glob.glob(str(place), recursive=True))
    if not found:
        raise ImageError(f"{place}: no such file or folder, and nothing matches it as a pattern.")
    return [Path(path) for path in found]


class _Found:
    """What has been found so far: pictures by their locations, and names of other files by their real paths."""

    def __init__(self):
        self.places: list[str] = []
        self.sources: dict[tuple[str, str], ImageSource] = {}
        self.others: dict[str, str] = {}
        self.runs: dict[str, str] = {}
        self.archives: dict[str, str] = {}
        self.broken_links: dict[str, str] = {}
        self.replaced: dict[str, str] = {}

    def search(self, place: Path) -> None:
        """Add what one path holds."""
        before = self._passed_over()
        self._search(place)
        if self._passed_over() > before:
            self.places.append(str(place))

    def _passed_over(self) -> int:
        return len(self.others) + len(self.runs) + len(self.archives) + len(self.broken_links) + len(self.replaced)

    def _search(self, place: Path) -> None:
        if place.is_dir():
            self._search_folder(place)
        elif not place.exists():
            raise ImageError(f"{place}: no such file or folder.")
        elif is_archive(place):
            self._search_archive(place)
        elif (what := foreign_archive(start_of(place))) is not None:
            raise ImageError(f"{place}: it is {what}.")
        else:
            self._add(file_source(place))

    def distinct(self) -> Iterator[ImageSource]:
        """The pictures, with names that differ. Two names can become one where what is not printable is escaped."""
        names = collections.Counter()
        for source in self.sources.values():
            names[source.name] += 1
            number = names[source.name]
            yield source if number == 1 else dataclasses.replace(source, name=f"{source.name} ({number})")

    def _add(self, source: ImageSource) -> None:
        self.sources.setdefault(source.location, source)

    def _search_folder(self, folder: Path) -> None:
        if is_run(folder):
            raise ImageError(
                f"{folder} {what_it_is(folder)}, with pictures of several kinds: give one of its folders, for example "
                f"{folder / 'images'}."
            )
        real, linked = [], []
        for parent, names in _walk(folder, self._pass_over_run):
            for name in names:
                file = Path(parent, name)
                if _is_picture(name):
                    (linked if file.is_symlink() else real).append(file.relative_to(folder))
                else:
                    self._pass_over(file.as_posix(), file, broken=file.is_symlink() and not file.exists())
        sources = {}  # of a file and a link to it the file is listed, wherever they stand in the order of names
        for inside in [*real, *linked]:
            source = dataclasses.replace(file_source(folder / inside), inside=inside.as_posix())
            sources.setdefault(source.location, (inside.parts, source))
        for _, source in sorted(sources.values(), key=lambda pair: pair[0]):
            self._add(source)

    def _search_archive(self, archive: Path) -> None:
        try:
            with zipfile.ZipFile(archive) as opened:
                members = [(_path_of(member), member) for member in opened.infolist()]
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise ImageError(f"{archive}: it is not a readable zip archive ({error_words(error)}).") from error
        last = dict(members)
        for inside, member in members:
            kept = last[inside]
            if (member.CRC, member.file_size) != (kept.CRC, kept.file_size) and _is_picture(inside.name):
                name = printable(f"{archive.as_posix()}/{inside}")
                self.replaced.setdefault(f"{os.path.realpath(archive)}/{inside}", name)
        for inside, member in sorted(last.items(), key=lambda item: item[0].parts):
            if member.is_dir() or member.filename.endswith("\\") or not all(_is_wanted(part) for part in inside.parts):
                continue
            name = f"{archive.as_posix()}/{str(inside).lstrip('/')}"
            if _is_picture(inside.name):
                self._add(ImageSource(printable(name), inside.stem, archive, member, inside.as_posix()))
            else:
                self._pass_over(name, archive / inside)

    def _pass_over_run(self, path: str) -> None:
        """Take note of the folder of a run."""
        self.runs.setdefault(os.path.realpath(path), printable(Path(path).as_posix()))

    def _pass_over(self, name: str, path: Path, *, broken: bool = False) -> None:
        """Take note of a file that is no picture by its ending."""
        place, ending = os.path.realpath(path), path.suffix.lower()
        if broken:
            self.broken_links.setdefault(str(path), printable(name))
        elif ending in ARCHIVES:
            self.archives.setdefault(place, printable(name))
        elif ending not in COMPANIONS:
            self.others.setdefault(place, printable(name))


def _walk(folder: Path, on_run: Callable[[str], None]) -> Iterator[tuple[str, list[str]]]:
    """Search a folder with all that are below it: (path of a folder, names of its files), each folder once.

    Folders of runs are not searched; `on_run` is called with the path of each. Linked folders come after all others, so
    that a folder that also has a link to it keeps its own path.
    """
    waiting, seen = [str(folder)], set()
    while waiting:
        for parent, folders, names in os.walk(waiting.pop(0)):
            real_path = os.path.realpath(parent)
            if real_path in seen:
                folders.clear()
                continue
            seen.add(real_path)
            if RECORD in names and is_run(parent):
                on_run(parent)
                folders.clear()
                continue
            wanted = sorted(filter(_is_wanted, folders))
            links = [name for name in wanted if os.path.islink(os.path.join(parent, name))]
            waiting += [os.path.join(parent, name) for name in links]
            folders[:] = [name for name in wanted if name not in links]
            yield parent, sorted(filter(_is_wanted, names))


def _path_of(member: zipfile.ZipInfo) -> PurePosixPath:
    """The path of an entry inside its archive."""
    return PurePosixPath(member.filename.replace("\\", "/"))


def _is_picture(name: str) -> bool:
    """Whether a file has the ending of a picture."""
    return os.path.splitext(name)[1].lower() in EXTENSIONS


def _is_wanted(name: str) -> bool:
    """Whether a file or folder is neither hidden nor one of those that operating systems add."""
    return name == ".." or not (name.startswith(".") or name in SYSTEM_FILES)


def _count(names: Sequence[str], word: str) -> str:
    return f"{len(names)} {word}{'' if len(names) == 1 else 's'}"


def _named(names: Sequence[str]) -> str:
    """The first of some names, and how many there are more."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
