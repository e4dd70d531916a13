"""The tables of `jaxprior priors`: networks that are bundled, installed, or published by others, in any width."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from jaxprior.cli.console import print_table, say
from jaxprior.errors import JaxpriorError, JaxpriorWarning
from jaxprior.protocols import Restores


WIDE = 120
"""From so many characters on there is room for the data set and for the whole command in each row."""

LONGEST = {"name": 24, "shows": 21, "command": 48}
"""Characters in a line of a column; longer words of a user's own go on in the next line."""

TAKEN = {"refiner": "--refine {name}", "singan": "jaxprior singan sample {name}"}
"""Role of a bundled network that is neither prior nor restorer -> how a command takes it."""

IN_A_FILE = 160
"""Characters in a line of files and pipes."""


@dataclass(frozen=True)
class _Row:
    """What a table says of a prior, in words."""

    name: str
    shows: str
    data: str
    pixels: str
    size: str
    licence: str
    command: str = ""


def print_priors() -> None:
    """Print the priors that are bundled, then those that are installed, then those that can be.

    Raises:
        JaxpriorError: no prior is bundled.
    """
    from jaxprior.weights import registry
    from jaxprior.weights.known.priors import PRIORS
    from jaxprior.weights.loader import bundled

    if not bundled():
        raise JaxpriorError(
            "This installation has no bundled prior: train one with `jaxprior train pggan`, or convert "
            "one with `jaxprior convert`."
        )
    here, own = _here(), set(registry.installed_priors())
    known = {name: prior for name, prior in PRIORS.items() if name not in own}
    groups = [
        ("Bundled:", [row for row in here if row.name in bundled()]),
        (f"Installed in {registry.priors_folder()}:", [row for row in here if row.name not in bundled()]),
        ("Never trained, its weights are found for each picture:", _untrained()),
        (
            "Published by others, `jaxprior priors get NAME` downloads and installs one:",
            [_known(name) for name, prior in known.items() if prior.files],
        ),
        (
            "Carried here by hand, `jaxprior priors get NAME --from FILE` installs one:",
            [_known(name) for name, prior in known.items() if not prior.files],
        ),
    ]
    _print_groups([(title, rows) for title, rows in groups if rows])
    notes = {prior.licence: prior.licence_note for prior in known.values() if prior.licence_note}
    say("\n" + "\n".join(f"{licence}: {note}" for licence, note in sorted(notes.items(), key=lambda note: note[::-1])))
    pages = dict.fromkeys(prior.page for prior in known.values())
    say("They are described at\n" + "\n".join(f"  {page}" for page in pages))
    say("`jaxprior priors show NAME` says more of one that is here; `jaxprior convert` reads files of your own.")


def print_restorers() -> bool:
    """Print the restorers that are bundled or installed; returns whether there are any."""
    from jaxprior.weights.known.files import shown_size
    from jaxprior.weights.loader import bundled, named_restorers
    from jaxprior.weights.outlines import outline_restorer

    rows, own = [], bundled("restorer")
    for name, path in named_restorers().items():
        state, size = "bundled" if name in own else "installed", shown_size(path.stat().st_size)
        try:
            outline = outline_restorer(name)
        except JaxpriorError as error:  # one damaged file must not hide the others
            rows.append((name, "damaged", str(error), "", size, ""))
            continue
        data = str(outline.card.get("data", outline.card.get("source", "")))
        rows.append((name, state, restores_words(outline.restores), data, size, str(outline.card.get("licence", ""))))
    if rows:
        print_table(("restorer", "state", "what it does", "trained on", "size", "licence"), rows, words=6)
        say("`--restorer NAME` takes one in place of a prior, for pictures of any size.")
    return bool(rows)


def print_others() -> bool:
    """Print the refiners and the models of one picture that are bundled; returns whether there are any."""
    from jaxprior.weights.known.files import shown_size
    from jaxprior.weights.loader import bundled
    from jaxprior.weights.storage import read_card

    rows = []
    for role, taken in TAKEN.items():
        for name, path in bundled(role).items():
            try:
                card = read_card(path)
            except JaxpriorError as error:  # one damaged file must not hide the others
                rows.append((name, "damaged", str(error), "", "", ""))
                continue
            source, licence = (str(card.get(word, "")) for word in ("source", "licence"))
            size = shown_size(path.stat().st_size)
            rows.append((name, str(card.get("title", "")), source, size, licence, taken.format(name=name)))
    if rows:
        print_table(("network", "what it is", "trained on", "size", "licence", "how it is taken"), rows, words=6)
    return bool(rows)


def restores_words(restores: Restores | None) -> str:
    """What a restorer does, in words; empty if its card does not tell."""
    if restores is None:
        return ""
    return "fills holes" if restores.task == "inpaint" else f"enlarges by {restores.factor}"


def print_networks() -> None:
    """Print the feature networks that are installed, and those that can be."""
    from jaxprior.weights import registry
    from jaxprior.weights.known.files import shown_size
    from jaxprior.weights.known.networks import NETWORKS
    from jaxprior.weights.storage import read_card

    rows, installed = [], registry.installed()
    for name, path in installed.items():
        try:
            card = read_card(path)
        except JaxpriorError as error:  # one damaged file must not hide the others
            rows.append((name, "damaged", str(error), ""))
            continue
        architecture = card.get("architecture", "")
        title = card.get("title", NETWORKS[architecture].title if architecture in NETWORKS else architecture)
        rows.append((name, "installed", title, card.get("licence", "")))
    for name, known in NETWORKS.items():
        if name not in installed:
            rows.append((name, f"get, {shown_size(known.size)}", known.title, known.licence))
    print_table(("feature network", "state", "what it is", "licence"), rows, words=4)
    for name, known in NETWORKS.items():
        say(f"{name} is described at {known.page}")
    say(f"`jaxprior priors get NAME` installs one; they are kept in {registry.folder()}.")


def _here() -> list[_Row]:
    """The priors that are bundled or installed; one that is damaged says so."""
    from jaxprior.weights.known.files import shown_size
    from jaxprior.weights.loader import named_priors, prior_cards

    files = named_priors()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JaxpriorWarning)  # their rows say it
        cards = {card["name"]: card for card in prior_cards()}
    rows = []
    for name in [*cards, *(name for name in files if name not in cards)]:
        card = cards.get(name)
        if card is None:
            command = f"jaxprior priors remove {name}"
            rows.append(_Row(name, "damaged: install it again", "", "?", "?", "", command))
            continue
        size = shown_size(files[name].stat().st_size)
        data = str(card.get("data", card.get("source", "")))
        pixels = str(card.get("config", {}).get("resolution", "?"))
        shows = str(card.get("subject", data))
        rows.append(_Row(name, shows, "" if shows == data else data, pixels, size, str(card.get("licence", ""))))
    return rows


def _untrained() -> list[_Row]:
    """The priors whose weights are found for each picture."""
    from jaxprior.weights.loader import untrained_priors
    from jaxprior.weights.outlines import outline_prior

    rows = []
    for name in untrained_priors():
        outline = outline_prior(name)
        assert outline is not None  # ours tell their sizes
        rows.append(_Row(name, "deep image prior", "", str(outline.resolution), "0 MB", "none needed"))
    return sorted(rows, key=lambda row: int(row.pixels))


def _known(name: str) -> _Row:
    from jaxprior.weights.known.files import shown_size
    from jaxprior.weights.known.priors import PRIORS

    prior = PRIORS[name]
    size = "?" if prior.size is None else shown_size(prior.size)
    command = f"jaxprior priors get {name}" + ("" if prior.files else " --from FILE")
    return _Row(name, prior.subject, prior.data, str(prior.resolution), size, prior.licence, command)


def _print_groups(groups: Sequence[tuple[str, Sequence[_Row]]]) -> None:
    """Print a table a group, all with the same columns."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=IN_A_FILE)
    wide = console.width >= WIDE
    columns = ("name", "shows", "data", "pixels", "size", "licence", "command")
    columns = columns if wide else tuple(column for column in columns if column not in ("data", "command"))
    titles = {"data": "trained on", "name": "prior"}
    everything = [row for _, rows in groups for row in rows]
    widths = {c: max(len(titles.get(c, c)), *(len(getattr(row, c)) for row in everything)) for c in columns}
    for column, most in LONGEST.items():
        if column in widths:
            widths[column] = min(widths[column], most)
    if wide:
        widths["data"] = min(widths["data"], 20 + (console.width - WIDE) // 4)
    rest = console.width - sum(widths[c] + 2 for c in columns if c != "licence")
    widths["licence"] = max(10, min(widths["licence"], rest))
    for number, (heading, rows) in enumerate(groups):
        say(heading if number == 0 else f"\n{heading}")
        table = Table(box=None, header_style="bold", pad_edge=False, show_header=number == 0)
        for column in columns:
            right = column in ("pixels", "size")
            title = titles.get(column, column)
            table.add_column(title, width=widths[column], justify="right" if right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(getattr(row, column) for column in columns))
        console.print(table, markup=False)
