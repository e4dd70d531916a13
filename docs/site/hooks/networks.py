"""A hook of mkdocs: a page for every family of networks, made from what the family says of itself.

It shows the docstring of the family's folder, the paper, what its networks serve as, which of them come along, and how
one is trained: the command's help, its presets and its settings. A family that is added has its page without a change
here. In mkdocs.yml, `networks/*` stands for these pages.
"""

import dataclasses
import functools
import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from placing import add, place

from jaxprior import discovery
from jaxprior.cli.derived import spelled_option
from jaxprior.protocols import Family, Trainer
from jaxprior.settings import about
from jaxprior.weights import loader, storage


DOCS = Path(__file__).resolve().parents[2]
PACKAGE = Path(str(resources.files("jaxprior")))
PLACE = "networks"
ROLES = {
    "prior": "a prior, a generator that is searched (`--prior`)",
    "critic": "a critic, which tells generated pictures from real ones",
    "encoder": "an encoder, which says at once where an inversion begins (`--encoder`)",
    "features": "a feature network, in whose features pictures are compared (`--features`, `--perceptual`)",
    "refiner": "a refiner, which repairs what was completed (`--refine`)",
    "restorer": "a restorer, which answers at once for pictures of any size (`--restorer`)",
    "attributes": "a model of labelled pictures (`jaxprior attributes`)",
    "singan": "a model of one picture (`jaxprior singan`)",
}
TAKEN = {
    "prior": "--prior {name}",
    "restorer": "--restorer {name}",
    "refiner": "--refine {name}",
    "singan": "jaxprior singan sample {name} -o samples",
}
"""Role of a network that comes along -> how a command takes it."""
MOST_PAGES = 5
"""As many other pages are named as pages that say more."""


@functools.cache
def families() -> dict[str, Family]:
    """Every family of this package by the name of its folder, in order of their titles."""
    own = {name: discovery.family(name) for name in discovery.own(discovery.FAMILIES)}
    said = {name: family for name, family in own.items() if family is not None}
    return dict(sorted(said.items(), key=lambda item: item[1].title.lower()))


def short_title(family: Family) -> str:
    """The name of a family for a list: its title up to the first comma or colon."""
    return re.split(r"[,:]", title(family))[0]


def title(family: Family) -> str:
    """The title of a family as a heading, with a capital letter."""
    return family.title[:1].upper() + family.title[1:]


def bundled(family: Family) -> Iterator[tuple[str, str, Path]]:
    """The networks of a family that come with the package: name, how a command takes it, and file."""
    for role, taken in TAKEN.items():
        for name, path in loader.bundled(role).items():
            if storage.read_card(path)["architecture"] in family.architectures:
                yield name, taken.format(name=name), path


def roles(family: Family) -> list[str]:
    """What networks of a family serve as, a line each."""
    found = dict.fromkeys(role for parts in family.architectures.values() for role in parts)
    return [f"- {ROLES.get(role, role)}" for role in found]


def trainings(family: Family) -> dict[str, Trainer]:
    """Command of each training -> what the family says of it."""
    found = {f"jaxprior train {name}": trainer for name, trainer in family.trainers.items()}
    if family.single_image is not None:
        found["jaxprior singan train"] = family.single_image
    return found


def training_text(family: Family, command: str, trainer: Trainer) -> str:
    """The part of a page about one training: help, presets, settings."""
    config = discovery.imported(trainer.config)
    presets = discovery.imported(trainer.presets)
    parts = [f"## `{command}`", inspect.cleandoc(trainer.text)]
    if trainer.use_of is None:
        parts.append(f"The trained RUN then serves in\n\n```\n{trainer.use} RUN\n```")
    if len(presets) > 1:
        rows = [(f"`{name}`", differences(preset, config)) for name, preset in presets.items()]
        parts += [f"### Presets of {command}", trainer.preset_text, table(("`--preset`", "settings"), rows)]
    rows = list(settings_rows(config, presets[trainer.default]))
    if trainer is not family.single_image:
        rows = [*settings_rows(discovery.imported(trainer.inputs), None), *rows]
    parts += [
        f"### Settings of {command}",
        f"The values are those of the preset `{trainer.default}`. Help with ranges: `{command} --help`.",
        table(("option", "value", "what it is"), rows),
    ]
    return "\n\n".join(parts)


def settings_rows(config: type, preset: Any) -> Iterator[tuple[str, str, str]]:
    """A row for each setting that has an option: how it is spelled, its value, and what it means."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    for name, one in about(config).items():
        value = defaults[name] if preset is None else getattr(preset, name)
        yield f"`{spelled_option(name, one)}`", shown(value), one.text


def shown(value: Any) -> str:
    """A value as a command line has it."""
    if value is None or value is dataclasses.MISSING or value == ():
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{','.join(map(str, value)) if isinstance(value, tuple) else value}`"


def differences(preset: Any, config: type) -> str:
    """Those settings of a preset that are not the defaults of its fields."""
    defaults, described = {field.name: field.default for field in dataclasses.fields(config)}, about(config)
    changed = {name: getattr(preset, name) for name in described if getattr(preset, name) != defaults[name]}
    said = [f"`{spelled_option(name, described[name])}` {shown(value)}".strip() for name, value in changed.items()]
    return ", ".join(said) or "the default of every setting"


def table(head: tuple[str, ...], rows: list) -> str:
    """A table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def other_pages(name: str, family: Family) -> list[str]:
    """Pages that speak of a family: its own, then those that name its commands, architectures or files most often."""
    words = {name, short_title(family), *family.architectures, *family.trainers}
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, words))})(?![\w-])", re.IGNORECASE)
    found = []
    for path in DOCS.glob("*.md"):
        text = path.read_text()
        heading = text.partition("\n")[0].lstrip("# ")
        often = len(pattern.findall(text)) + (100 if path.stem in words or pattern.search(heading) else 0)
        if often > 2:
            found.append((-often, path.name, heading))
    return [f"- [{heading}](../{file})" for _, file, heading in sorted(found)[:MOST_PAGES]]


def text_of(name: str, family: Family) -> str:
    """The page of a family, in Markdown."""
    said = discovery.summary(discovery.FAMILIES, name)
    parts = [f"# {title(family)}", *([] if said.startswith(title(family)) else [said])]
    parts += [f"**From** {family.paper.rstrip('.')}.", "**Networks of this family serve as**", "\n".join(roles(family))]
    if family.uses:
        known = families()
        links = [f"[{short_title(known[used])}]({used}.md)" if used in known else used for used in family.uses]
        parts.append(f"It is made of parts of other families: {', '.join(links)}.")
    for named, taken, path in bundled(family):
        parts.append(f"## `{named}` comes along")
        parts.append(f"`{taken}`. The file is {path.stat().st_size / 1e6:.1f} MB.")
        if (path.parent / "samples.png").is_file():
            beside = path.parent.relative_to(PACKAGE)
            parts.append(f"![Samples of {named}, not chosen](../../jaxprior/{beside}/samples.png)")
        card = storage.read_card(path)
        parts += [f"{word.capitalize()}: {card[word]}" for word in ("source", "author", "licence") if card.get(word)]
    parts += [training_text(family, command, trainer) for command, trainer in trainings(family).items()]
    if family.commands:
        parts.append(commands_text(name, family))
    if pages := other_pages(name, family):
        parts += ["## More", "\n".join(pages)]
    return "\n\n".join(parts) + "\n"


def commands_text(name: str, family: Family) -> str:
    """The further commands of a family, with the first sentence of each."""
    from typer.main import get_command

    group = get_command(discovery.imported(family.commands))
    commands: Mapping[str, Any] = getattr(group, "commands", {})
    rows = [(f"`jaxprior {name} {word}`", (one.help or "").partition("\n\n")[0]) for word, one in commands.items()]
    return f"## All commands\n\n{table(('command', 'what it does'), rows)}"


def overview() -> str:
    """The page that lists all families."""
    rows = []
    for name, family in families().items():
        served = dict.fromkeys(role for parts in family.architectures.values() for role in parts)
        commands = ", ".join(f"`{command}`" for command in trainings(family)) or "elsewhere, and converted"
        rows.append((f"[{short_title(family)}]({name}.md)", ", ".join(served), commands, family.paper))
    return "\n\n".join(
        [
            "# Networks",
            "Every family of networks has a page: the paper, what its networks serve as, and how one is trained.",
            table(("family", "serves as", "trained by", "paper"), rows),
            "[Priors that others published](../priors.md) lists those that one command gets. Files of others are "
            "read by [`jaxprior convert`](../converting.md).\n",
        ]
    )


def on_config(config: Any) -> Any:
    """Put the pages in the place of `networks/*` in the navigation."""
    listed = [{short_title(family): f"{PLACE}/{name}.md"} for name, family in families().items()]
    place(config.nav, f"{PLACE}/*", [f"{PLACE}/index.md", *listed])
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    texts = {f"{PLACE}/{name}.md": text_of(name, family) for name, family in families().items()}
    return add(files, config, {f"{PLACE}/index.md": overview(), **texts})
