"""Labels of pictures: classes of which each picture has one, or attributes of which it may have several.

They are read from where people keep them, and everything that does not fit is refused in one sentence:

    a folder per class    seven/a.png, nine/b.png: the first folder that tells pictures apart is the class
    a CSV file            a header, then a row for each picture: its name, and 0 or 1 (or -1 and 1) for every attribute;
                          or one column "class" with a word for each picture
    IDX files             images and labels of MNIST and its relatives, see `jaxprior.data.idx`

Values are 0 and 1 here. Networks see -1 and 1 in their place (`Labels.signed`).
"""

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from jaxprior.data.sources import ImageSource
from jaxprior.errors import ArgumentError, ImageError


NAMED = 3
"""How many pictures or rows a sentence names."""
CLASS_COLUMNS = ("class", "label")
"""Headings of a column that holds words in place of 0 and 1."""
MOST_BYTES = 1 << 30
"""Of a table of labels."""


@dataclass(frozen=True)
class Labels:
    """What is said of n pictures.

    Fields:
        names: of the k classes or attributes.
        values: uint8 [n, k], 1 where a picture is of the class or has the attribute.
        exclusive: whether the names are classes, of which every picture has exactly one.
    """

    names: tuple[str, ...]
    values: np.ndarray
    exclusive: bool

    def __len__(self) -> int:
        return len(self.values)

    @property
    def signed(self) -> np.ndarray:
        """The values as networks see them: float32 [n, k], -1 in place of 0."""
        return signed(self.values)

    def chosen(self, which: Sequence[int] | np.ndarray) -> "Labels":
        """The labels of some of the pictures, by their numbers."""
        return replace(self, values=self.values[np.asarray(which, int)])

    def counts(self) -> dict[str, int]:
        """How many pictures are of each class, or have each attribute."""
        return dict(zip(self.names, self.values.sum(axis=0, dtype=int).tolist(), strict=True))

    def sentence(self) -> str:
        """What there is, for people.

        Example:
            >>> Labels(("one", "two"), np.eye(2, dtype=np.uint8), True).sentence()
            '2 classes: one (1), two (1)'
        """
        counted = [f"{name} ({count})" for name, count in self.counts().items()]
        more = f" and {len(counted) - 12} more" if len(counted) > 12 else ""
        kind = "classes" if self.exclusive else f"{'attribute' if len(counted) == 1 else 'attributes'}"
        return f"{len(counted)} {kind}: {', '.join(counted[:12])}{more}"


def signed(values: np.ndarray) -> np.ndarray:
    """0 and 1 as the -1 and 1 that networks see, float32."""
    return 2.0 * np.asarray(values, np.float32) - 1.0


def composed(name: str) -> str:
    """A name with its accents as parts of their letters (NFC); macOS writes names of files with them apart.

    Example:
        >>> len("u\u0308ber"), len(composed("u\u0308ber"))
        (5, 4)
    """
    return unicodedata.normalize("NFC", name)


def spelled(names: Iterable[str]) -> str:
    """Names of labels with commas between them, in quotes where they hold commas themselves.

    Example:
        >>> spelled(["dark hair", "red, blue"])
        "dark hair, 'red, blue'"
    """
    return ", ".join(repr(name) if "," in name else name for name in names)


def number_of(name: str, names: Sequence[str], *, exclusive: bool) -> int:
    """The place of a label among the names of a model's labels.

    Arguments:
        name: of a class or an attribute.
        names, exclusive: see `Labels`.

    Raises:
        ArgumentError: it is none of the names.

    Example:
        >>> number_of("two", ("one", "two"), exclusive=True)
        1
    """
    name = composed(name) if isinstance(name, str) else name
    if name in names:
        return names.index(name)
    near = get_close_matches(str(name), names, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    kind = "class" if exclusive else "attribute"
    raise ArgumentError(f"There is no {kind} {name!r}; expected one of {spelled(names)}.{hint}")


def of_classes(each: Sequence[str], *, where: str, names: Sequence[str] | None = None) -> Labels:
    """Labels of pictures of which each has one class.

    Arguments:
        each: the class of every picture.
        where: what errors name.
        names: the classes in their order; by default those that there are, numbers by value and words by letters.

    Raises:
        ImageError: there is one class only, or a class is not among the names.
    """
    each = [composed(name) for name in each]
    found = set(each)
    if names is None:
        names = sorted(found, key=lambda name: (0, int(name), name) if name.isdecimal() else (1, 0, name))
        if len(found) < 2:
            only = f"all pictures are of the class {names[0]!r}" if names else "there are no pictures"
            raise ImageError(f"{where}: {only}; expected two classes or more.")
    elif unknown := sorted(found - set(names)):
        raise ImageError(f"{where}: unknown class {unknown[0]!r}; expected one of {spelled(names)}.")
    place = {name: number for number, name in enumerate(names)}
    values = np.zeros((len(each), len(names)), np.uint8)
    values[np.arange(len(each)), [place[name] for name in each]] = 1
    return Labels(tuple(names), values, exclusive=True)


def folder_labels(sources: Sequence[ImageSource], *, where: str, names: Sequence[str] | None = None) -> Labels:
    """Classes of pictures that lie in a folder for each class.

    A class is the first folder below the given one. Where all pictures lie in the same first folder, as in many
    archives, it is the folder below that.

    Arguments:
        sources: all pictures of one folder or archive, from `jaxprior.data.listing.list_images`.
        where: its path, for errors.
        names: see `of_classes`.

    Raises:
        ImageError: pictures that lie in no folder, or one class only.
    """
    parts = [source.inside.split("/")[:-1] for source in sources]
    while all(parts) and len({one[0] for one in parts}) == 1 and any(len(one) > 1 for one in parts):
        parts = [one[1:] for one in parts]
    if without := [source.name for source, one in zip(sources, parts, strict=True) if not one]:
        raise ImageError(
            f"{where}: {_many(len(without), 'picture lies', 'pictures lie')} in no folder of a class: "
            f"{_named(without)}; expected a folder for each class ({where}/cat/1.png), or a table of labels "
            "(--labels FILE.csv)."
        )
    return of_classes([one[0] for one in parts], where=where, names=names)


def table_labels(path: str | Path, sources: Sequence[ImageSource]) -> Labels:
    """Labels of pictures that a CSV file has a row for.

    Arguments:
        path: the file: commas, semicolons or tabs between its columns, a header first. The first column names a
            picture, by its path inside of the pictures' folder or by its file name, with or without the ending.
        sources: all pictures, from `jaxprior.data.listing.list_images`.

    Returns:
        the labels in the order of the pictures.

    Raises:
        ImageError: the file cannot be read or is no such table; a picture has no row, a row no picture; names appear
            twice; a value is neither 0 nor 1 (or -1 nor 1); an attribute or class is the same for all pictures.
    """
    header, rows, found, strangers = _matched(path, sources)
    if strangers:
        raise ImageError(
            f"{path}: {_many(len(strangers), 'row names a picture that is', 'rows name pictures that are')} not there: "
            f"{_named(strangers)}; expected names of the {len(sources)} pictures, such as {sources[0].inside}."
        )
    if without := [source.name for number, source in enumerate(sources) if number not in found]:
        raise ImageError(
            f"{path}: {_many(len(without), 'picture has', 'pictures have')} no row: {_named(without)}; add "
            "what they show, or take them out of the pictures."
        )
    return _labels_of_rows(path, header, [rows[found[number]] for number in range(len(sources))])


def labels_of_some(
    path: str | Path, sources: Sequence[ImageSource], *, attribute: str | None = None
) -> tuple[np.ndarray, Labels, int]:
    """Labels of those of the pictures that a CSV file has a row for.

    Arguments:
        path, sources: see `table_labels`.
        attribute: the only column that counts; what the others hold is not looked at. By default, and where there is
            no such column, all of them.

    Returns:
        the numbers [n] of the pictures that have a row, in their order; the labels of these; and how many rows name
        none of the pictures. Without any such picture the labels are empty, and have no names.

    Raises:
        ImageError: see `table_labels`, but for pictures without a row, rows without a picture, and one of several
            attributes that is the same for all pictures.
    """
    header, rows, found, strangers = _matched(path, sources)
    known = np.array(sorted(found), int)
    if not len(known):
        return known, Labels((), np.zeros((0, 0), np.uint8), exclusive=False), len(strangers)
    chosen = [rows[found[number]] for number in known]
    if attribute is not None and composed(attribute) in header[1:]:
        column = header.index(composed(attribute), 1)
        if len(header) > 2 or header[1].lower() not in CLASS_COLUMNS:
            header, chosen = [header[0], header[column]], [(line, [row[0], row[column]]) for line, row in chosen]
            return known, _attributes(path, header[1:], chosen), len(strangers)
    return known, _labels_of_rows(path, header, chosen, alike=len(header) > 2), len(strangers)


def _matched(
    path: str | Path, sources: Sequence[ImageSource]
) -> tuple[list[str], list[tuple[int, list[str]]], dict[int, int], list[str]]:
    """The header and rows of a table, the row of each picture that has one, and the rows that name no picture."""
    header, rows = _rows(path)
    by_name = _by_name(sources)
    found: dict[int, int] = {}
    strangers, doubtful = [], []
    for number, (line, cells) in enumerate(rows):
        match by_name.get(composed(cells[0]).strip().replace("\\", "/").removeprefix("./"), []):
            case [one]:
                if one in found:
                    before = rows[found[one]][0]
                    raise ImageError(
                        f"{path}, line {line}: {cells[0]} has a row already, line {before}; expected one row for each "
                        "picture."
                    )
                found[one] = number
            case []:
                strangers.append(f"{cells[0]} (line {line})")
            case several:
                doubtful.append((cells[0], line, [sources[one].name for one in several]))
    if doubtful:
        name, line, several = doubtful[0]
        raise ImageError(
            f"{path}, line {line}: {name} could be each of {_named(several)}; write the path inside of the folder."
        )
    return header, rows, found, strangers


def _labels_of_rows(
    path: str | Path, header: Sequence[str], rows: Sequence[tuple[int, list[str]]], *, alike: bool = False
) -> Labels:
    """Labels of the rows of a table, of which each has its line."""
    if len(header) == 2 and header[1].lower() in CLASS_COLUMNS:
        return of_classes([_word(path, line, header[1], cells[1]) for line, cells in rows], where=str(path))
    return _attributes(path, header[1:], rows, alike=alike)


def _attributes(
    path: str | Path, names: Sequence[str], rows: Sequence[tuple[int, list[str]]], *, alike: bool = False
) -> Labels:
    """Attributes of the rows of a table, whose values are all 0 and 1, or all -1 and 1.

    One that is the same for all pictures is refused unless `alike` allows it.
    """
    values = np.empty((len(rows), len(names)), np.int8)
    low: tuple[str, str] | None = None  # the first -1 or 0, and where it stands
    for number, (line, cells) in enumerate(rows):
        for column, cell in enumerate(cells[1:]):
            word = cell.strip()
            place = f"line {line}, column {names[column]!r}"
            if word not in ("0", "1", "-1"):
                hint = ' (a single column of words is called "class")' if len(names) == 1 else ""
                raise ImageError(
                    f"{path}, {place}: expected 0 or 1, or -1 or 1 in the whole table, got {cell!r}{hint}."
                )
            if word != "1":
                if low is not None and low[0] != word:
                    raise ImageError(
                        f"{path}, {place}: {word} in a table that has {low[0]} at {low[1]}; expected 0 and 1, or -1 "
                        "and 1, in the whole table."
                    )
                low = low or (word, place)
            values[number, column] = word == "1"
    for name, column in zip(names, values.T, strict=True):
        if column.min() == column.max() and not alike:
            same = "1" if column[0] or low is None else low[0]
            raise ImageError(
                f"{path}: the attribute {name!r} is {same} for all pictures, so that nothing can be learned of it; "
                "leave the column out, or add pictures of the other kind."
            )
    return Labels(tuple(names), values.astype(np.uint8), exclusive=False)


def _rows(path: str | Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header of a table, and its rows with their line numbers."""
    expected = "expected a header such as name,smiling,glasses and a row for each picture"
    try:
        data = Path(path).read_bytes() if Path(path).stat().st_size <= MOST_BYTES else None
    except OSError as error:
        raise ImageError(f"{path}: the table of labels cannot be read ({error.strerror}).") from error
    if data is None:
        raise ImageError(f"{path}: it is larger than 1 GiB, which is no table of labels; {expected}.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImageError(f"{path}: it is no text in UTF-8, so no table of labels; {expected}.") from error
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise ImageError(f"{path}: it is no table of labels ({error}); {expected}.") from error
    if not lines or len(lines[0][1]) < 2:
        raise ImageError(f"{path}: its first line has no columns with commas between them; {expected}.")
    header = [composed(name.strip()) for name in lines[0][1]]
    _check_header(path, header)
    if len(lines) == 1:
        raise ImageError(f"{path}: there are no rows below the header; {expected}.")
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise ImageError(f"{path}, line {line}: {len(cells)} values, but the header has {len(header)} columns.")
    return header, lines[1:]


def _check_header(path: str | Path, header: list[str]) -> None:
    names = header[1:]
    if not all(names):
        raise ImageError(f"{path}: column {header.index('', 1) + 1} has no name in the header; expected one.")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ImageError(f"{path}: {count} columns are called {name!r}; expected a name of its own for each.")
    if all(one in ("0", "1", "-1") for one in names):
        raise ImageError(f"{path}: its first line holds values; expected a header such as name,smiling,glasses.")
    if wrong := [one for one in names if "=" in one or "," in one]:
        raise ImageError(f"{path}: the name {wrong[0]!r} holds '=' or a comma; expected a name without.")


def _word(path: str | Path, line: int, column: str, cell: str) -> str:
    if not (word := cell.strip()):
        raise ImageError(f"{path}, line {line}: the column {column!r} is empty; expected the class of the picture.")
    return word


def _by_name(sources: Sequence[ImageSource]) -> dict[str, list[int]]:
    """Numbers of the pictures that a name can mean: a path inside, a file name, or either without its ending.

    A stronger sign wins: a name that is one picture's whole path does not also mean another one's file name.
    """
    found: dict[str, list[int]] = {}
    signs = (
        lambda inside: inside,
        lambda inside: inside.rsplit("/", 1)[-1],
        lambda inside: inside.rsplit(".", 1)[0],
        lambda inside: inside.rsplit("/", 1)[-1].rsplit(".", 1)[0],
    )
    for sign in signs:
        level: dict[str, list[int]] = {}
        for number, source in enumerate(sources):
            level.setdefault(sign(composed(source.inside)), []).append(number)
        found = level | found
    return found


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _named(names: Iterable[str]) -> str:
    names = list(names)
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
