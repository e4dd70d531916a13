"""`jaxprior attributes`: change what a model of labels knows of a picture, and keep the rest."""

import csv
import io
from pathlib import Path
from typing import Annotated, Any

import typer

from jaxprior.cli import options as opt
from jaxprior.cli.console import load_jax, mistakes, print_table, say, say_error
from jaxprior.cli.solving import SOME_FAILED
from jaxprior.errors import ImageError, JaxpriorError


SHOWN = 20
"""Rows of the table that are printed; the file has all."""
FRAMES = 8
"""Of an interpolation."""
AT_ONCE = 64
"""Pictures that are changed at once."""


def attributes(
    run: Annotated[str, typer.Argument(help="A run of `jaxprior train icgan`, or its file.", metavar="RUN")],
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Pictures, folders or zip archives.", metavar="IMAGES")
    ] = None,
    wanted: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="What the pictures become: a class, as seven; or an attribute, as smiling=1 or hat=0. Several "
            "attributes are changed together; of several classes each is tried.",
            metavar="NAME[=0|1]",
        ),
    ] = None,
    swap: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Exchange the labels of two pictures.", metavar="A B")
    ] = None,
    interpolate: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Go from one picture to another in equal steps.", metavar="A B")
    ] = None,
    out: Annotated[
        Path | None, opt.out_option("Folder for the pictures, a sheet and a table.", metavar="DIR")
    ] = None,
    steps: Annotated[
        int,
        typer.Option(
            help="Gradient steps that bring each picture's code nearer to it before the change. 0: the encoder's code.",
            metavar="K",
            min=0,
        ),
    ] = 0,
    frames: Annotated[
        int | None,
        typer.Option(help="Pictures of --interpolate, both ends included; by default 8.", metavar="N", min=2),
    ] = None,
    limit: opt.Limit = None,
) -> None:
    """Change attributes or classes of pictures with a trained conditional GAN (IcGAN).

    A picture's code and label are read, the label is changed, and the generator makes the picture again. Beside the
    changed pictures, DIR gets a sheet (original, rebuilt without a change, changed), and a table of what the judge, a
    network of its own, reads before and after.

    ```
    jaxprior attributes runs/digits photos/ --set seven -o sevens
    jaxprior attributes runs/faces photos/ --set smiling=1 --set hat=0 -o smiles
    jaxprior attributes runs/faces --swap anna.png bob.png -o swapped
    jaxprior attributes runs/digits --interpolate two.png nine.png --frames 12 -o between
    ```

    Read more in docs/icgan.md.
    """
    from jaxprior.data.listing import list_images
    from jaxprior.system import files
    from jaxprior.weights.outlines import outline_attributes

    asked = [name for name, given in (("--set", wanted), ("--swap", swap), ("--interpolate", interpolate)) if given]
    if len(asked) != 1:
        got = " and ".join(asked) or "none of them"
        raise JaxpriorError(f"Say one thing to be done: --set NAME, --swap A B or --interpolate A B; got {got}.")
    if out is None:
        raise JaxpriorError("Say where the pictures go: -o DIR.")
    if wanted and not paths:
        raise JaxpriorError("--set wants pictures: name files, folders or zip archives behind the RUN.")
    if not wanted and paths:
        raise JaxpriorError(f"{asked[0]} names its two pictures itself: leave out {paths[0]}.")
    if frames is not None and not interpolate:
        raise JaxpriorError(f"--frames counts the pictures of --interpolate; leave it out with {asked[0]}.")
    if limit is not None and not wanted:
        raise JaxpriorError(f"--limit counts the pictures of --set; leave it out with {asked[0]}, which takes two.")
    pair = swap or interpolate
    files.check_plain_folder(out)
    opt.check_apart(out, list(pair or paths or []))
    outline = outline_attributes(run)
    with mistakes():
        if outline is not None:
            _changes(wanted or [], outline.names, exclusive=outline.exclusive)
    found = [one for path in pair for one in list_images([path])] if pair else list_images(paths or [], limit=limit)
    load_jax()
    from jaxprior.system import runtime
    from jaxprior.weights.attributes import load_attribute_model

    runtime.enable_compilation_cache()
    model = load_attribute_model(run)
    with mistakes():
        changes = _changes(wanted or [], model.names, exclusive=model.exclusive)
    photos, names, failed = _read(found, model, must=pair is not None)
    files.make_folder(out)
    if interpolate:
        _interpolated(model, photos, out, frames=frames or FRAMES, steps=steps)
    else:
        _changed(model, photos, names, changes, out, steps=steps)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _changes(wanted: list[str], names: tuple[str, ...], *, exclusive: bool) -> list[tuple[str, Any]]:
    """What the pictures are to become, with words for it: one entry for each class, or one of all attributes."""
    from jaxprior.data.labels import composed, number_of

    values: dict[str, int] = {}
    for word in wanted:
        is_name = composed(word) in names  # of a class, which may hold "="
        name, sign, value = (word, "", "") if is_name else word.partition("=")
        name = composed(name)
        if sign and value not in ("0", "1"):
            raise JaxpriorError(f"--set {word}: expected {name}=0 or {name}=1.")
        if not sign and not exclusive:
            raise JaxpriorError(f"--set {word}: expected {name}=0 or {name}=1, because {name} is an attribute.")
        if exclusive and value == "0":
            raise JaxpriorError(f"--set {word}: a picture has one class; name the one that it becomes.")
        number_of(name, names, exclusive=exclusive)  # refuses a name that is not there
        if values.setdefault(name, int(value or 1)) != int(value or 1):
            raise JaxpriorError(f"--set {word}: {name}={values[name]} was asked for too; expected one value.")
    if exclusive:
        return [(name, name) for name in values]
    return [(", ".join(f"{name}={value}" for name, value in values.items()), values)] if values else []


def _read(found: list[Any], model: Any, *, must: bool) -> tuple[Any, list[str], bool]:
    """Pictures of the model's size, [n, h, w, c] in [-1, 1], names for their files, and whether any could not be read.

    Raises:
        ImageError: none can be read, or one that must be there.
    """
    import numpy as np

    from jaxprior.data import images
    from jaxprior.data.fitting_many import fit_picture

    side, _, channels = model.image_shape
    pixels, names, failed = [], [], False
    for source in found:
        picture = fit_picture(source, side, channels)
        if picture.pixels is None:
            if must:
                raise ImageError(picture.error)
            say_error(f"left out: {picture.error}")
            failed = True
            continue
        pixels.append(picture.pixels)
        names.append(images.content_name(source.stem, images.to_rgb(picture.pixels)))
    if not pixels:
        raise ImageError(f"None of the {len(found)} pictures can be read.")
    return images.to_float(np.stack(pixels)), names, failed


def _changed(
    model: Any, photos: Any, names: list[str], changes: list[tuple[str, Any]], out: Path, *, steps: int
) -> None:
    """Change pictures; with no changes, exchange the labels of the two that there are."""
    import numpy as np

    from jaxprior.restoration.attributes import change_attributes, swap_attributes
    from jaxprior.system.activity import doing

    kinds = changes or [("swapped", None)]
    titles = ["picture", "change", "read", "judge before", "judge after", "as wanted"]
    endings = _file_words([words for words, _ in kinds])
    rows, columns = [], [photos]
    for words, wanted in kinds:
        parts = []
        with doing(f"changing pictures, {words}", total=len(photos), unit="pictures") as work, mistakes():
            for start in range(0, len(photos), AT_ONCE):
                some = photos[start : start + AT_ONCE]
                if wanted is None:
                    parts.append(swap_attributes(model, some[0], some[1], steps=steps))
                else:
                    parts.append(change_attributes(model, some, wanted, steps=steps))
                work.moved(start + len(some))
        images, rebuilt, own, before, after, to = (
            np.concatenate([np.asarray(getattr(part, name)) for part in parts])
            for name in ("images", "rebuilt", "own", "before", "after", "wanted")
        )
        if len(columns) == 1:
            columns.append(rebuilt)
        columns.append(images)
        for number, name in enumerate(names):
            read, first, last = (model.words_of(one[number : number + 1])[0] for one in (own, before, after))
            kept = "yes" if (after[number] == to[number]).all() else "no"
            rows.append([name, words, read, first, last, kept])
            _save(out / f"{name}-{endings[words]}.png", images[number])
    _sheet(out / "sheet.png", columns)
    _table(out / "labels.csv", titles, rows)
    print_table(titles, rows[:SHOWN], words=len(titles))
    if len(rows) > SHOWN:
        say(f"... and {len(rows) - SHOWN} more in labels.csv")
    right = sum(row[-1] == "yes" for row in rows)
    say(f"\n{right} of {len(rows)} are read by the judge as wanted\nsheet: {out / 'sheet.png'}")


def _interpolated(model: Any, photos: Any, out: Path, *, frames: int, steps: int) -> None:
    """Pictures on the way between two."""
    import numpy as np

    from jaxprior.restoration.attributes import interpolate_attributes

    with mistakes():
        made = np.asarray(interpolate_attributes(model, photos[0], photos[1], frames=frames, steps=steps))
    for number, image in enumerate(made):
        _save(out / f"frame-{number:03d}.png", image)
    _sheet(out / "sheet.png", list(np.concatenate([photos[:1], made, photos[1:]])[:, None]))
    words = model.words_of(model.judge_of(made))
    _table(out / "labels.csv", ["frame", "judge"], [[number, word] for number, word in enumerate(words)])
    say(f"{frames} frames, read by the judge as: {'; '.join(words)}\nsheet: {out / 'sheet.png'}")


def _file_words(kinds: list[str]) -> dict[str, str]:
    """What each change adds to the name of a file; no two add the same."""
    found: dict[str, str] = {}
    for words in kinds:
        plain = "".join(char if char.isalnum() else "-" for char in words.replace("=", "")).strip("-") or "changed"
        taken = {word.casefold() for word in found.values()}
        found[words] = plain if plain.casefold() not in taken else f"{plain}-{len(found) + 1}"
    return found


def _save(path: Path, image: Any) -> None:
    from jaxprior.data import images

    images.save_png(path, images.to_rgb(images.to_uint8(image)))


def _sheet(path: Path, columns: list[Any]) -> None:
    """Rows of pictures: the first of every column, then the second, ..."""
    import numpy as np

    from jaxprior.data import images

    rows = np.stack(columns, axis=1)
    tiles = images.to_rgb(images.to_uint8(rows.reshape(-1, *rows.shape[2:])))
    images.save_png(path, images.grid(tiles, columns=len(columns)))


def _table(path: Path, titles: list[str], rows: list[list[Any]]) -> None:
    from jaxprior.system.files import write_atomically

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([titles, *rows])
    write_atomically(path, text.getvalue().encode())
