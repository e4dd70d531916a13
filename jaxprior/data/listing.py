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
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from jaxprior.checks import described, whole_number
from jaxprior.data.kinds import ARCHIVES, COMPANIONS, EXTENSIONS, foreign_archive
from jaxprior.data.places import Archive, Folder, path_of_entry
from jaxprior.data.sources import ImageSource, PathLike, error_words, file_source, is_archive, printable, start_of
from jaxprior.data.walking import is_wanted, walk
from jaxprior.errors import ArgumentError, ImageError, JaxpriorWarning
from jaxprior.runs.kinds import is_run, what_it_is


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
    """What has been found so far: pictures, where they lie, and names of other files by their real paths."""

    def __init__(self):
        self.places: list[str] = []
        self.sources: list[ImageSource] = []
        self._taken: dict[str, set[str]] = collections.defaultdict(set)
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
            self._add_file(place)

    def distinct(self) -> Iterator[ImageSource]:
        """The pictures, with names that differ. Two names can become one where what is not printable is escaped."""
        names = collections.Counter()
        for source in self.sources:
            names[source.name] += 1
            number = names[source.name]
            yield source if number == 1 else source.renamed(f"{source.name} ({number})")

    def _is_new(self, place: str, name: str) -> bool:
        """Whether a file of a real folder, or an entry of an archive, was not found before; it is from now on."""
        taken = self._taken[place]
        if name in taken:
            return False
        taken.add(name)
        return True

    def _add_file(self, path: Path) -> None:
        source = file_source(path)
        if self._is_new(*os.path.split(source.location[0])):
            self.sources.append(source)

    def _search_folder(self, path: Path) -> None:
        if is_run(path):
            raise ImageError(
                f"{path} {what_it_is(path)}, with pictures of several kinds: give one of its folders, for example "
                f"{path / 'images'}."
            )
        # Links come after all files: of a file and a link to it the file is listed, wherever they stand in the order.
        found, linked = [], []
        for folder, files in walk(path, self._pass_over_run):
            parts = folder.parts
            for name, is_link in files:
                if not _is_picture(name):
                    self._pass_over_file(folder, name, is_link=is_link)
                elif is_link:
                    linked.append((folder, name))
                elif self._is_new(folder.real, name):
                    found.append(((*parts, name), folder))
        for folder, name in linked:
            folder.follow(name)
            if self._is_new(*os.path.split(folder.location(name)[0])):
                found.append(((*folder.parts, name), folder))
        found.sort(key=_parts_of)
        for parts, folder in found:
            self.sources.append(ImageSource.at(folder, parts[-1], printable(folder.prefix + parts[-1])))

    def _search_archive(self, path: Path) -> None:
        try:
            with zipfile.ZipFile(path) as opened:
                members = [(path_of_entry(member.filename), member) for member in opened.infolist()]
        except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise ImageError(f"{path}: it is not a readable zip archive ({error_words(error)}).") from error
        last, real = dict(members), os.path.realpath(path)
        if len(last) < len(members):
            for inside, member in members:
                kept = last[inside]
                if (member.CRC, member.file_size) != (kept.CRC, kept.file_size) and _is_picture(inside):
                    self.replaced.setdefault(f"{real}/{inside}", printable(f"{path.as_posix()}/{inside}"))
        found = []
        for parts, inside in sorted((_parts(inside), inside) for inside in last):
            member = last[inside]
            if member.filename.endswith(("/", "\\")) or not all(map(is_wanted, parts)):
                continue
            name = f"{path.as_posix()}/{inside.lstrip('/')}"
            if not _is_picture(inside):
                self._pass_over(name, f"{real}/{inside}", PurePosixPath(inside).suffix)
            elif self._is_new(real + "/", member.filename):
                found.append((member, printable(name)))
        archive = Archive(path, [member for member, _ in found])
        self.sources.extend(ImageSource.at(archive, number, name) for number, (_, name) in enumerate(found))

    def _pass_over_run(self, path: str) -> None:
        """Take note of the folder of a run."""
        self.runs.setdefault(os.path.realpath(path), printable(Path(path).as_posix()))

    def _pass_over_file(self, folder: Folder, name: str, *, is_link: bool) -> None:
        """Take note of a file that is no picture by its ending."""
        path = folder.prefix + name
        if is_link and not os.path.exists(path):
            self.broken_links.setdefault(path, printable(path))
            return
        place = os.path.realpath(path) if is_link else os.path.join(folder.real, name)
        self._pass_over(path, place, PurePosixPath(name).suffix)

    def _pass_over(self, name: str, place: str, ending: str) -> None:
        """Take note of a file or an entry with such an ending, in such a real place."""
        if ending.lower() in ARCHIVES:
            self.archives.setdefault(place, printable(name))
        elif ending.lower() not in COMPANIONS:
            self.others.setdefault(place, printable(name))


def _parts_of(found: tuple[tuple[str, ...], Folder]) -> tuple[str, ...]:
    return found[0]


def _parts(path: str) -> tuple[str, ...]:
    """The parts of a path inside an archive; the first is "/" where it starts so."""
    return PurePosixPath(path).parts if path.startswith("/") else tuple(path.split("/"))


def _is_picture(name: str) -> bool:
    """Whether a file has the ending of a picture."""
    return os.path.splitext(name)[1].lower() in EXTENSIONS


def _count(names: Sequence[str], word: str) -> str:
    return f"{len(names)} {word}{'' if len(names) == 1 else 's'}"


def _named(names: Sequence[str]) -> str:
    """The first of some names, and how many there are more."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
