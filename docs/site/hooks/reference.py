"""A hook of mkdocs: the API reference, made from the stub of the public face.

Every name of `jaxprior/__init__.pyi` gets its place by itself: names are grouped by the folder in which they are
defined, and each public module (`jaxprior.metrics`) has a page of its own. mkdocstrings then writes signatures and
docstrings. In mkdocs.yml, `reference/*` stands for these pages.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from placing import add, place


ROOT = Path(__file__).resolve().parents[3]
PLACE = "reference"
GROUPS = {
    "restoration": ("Restoring", "What restores pictures with a prior, and what comes back."),
    "operators": ("Tasks", "What happened to a picture: forward operators, which `restore` and `invert` take."),
    "inversion": ("Codes, objectives, solvers, starts", "What is optimised, what is minimised, how, and from where."),
    "weights": ("Networks", "Loading priors, encoders, restorers and networks that compare pictures."),
    "data": ("Pictures, masks, volumes", "Reading, showing and converting what is restored."),
    "errors": ("Errors", "What is raised when something cannot be done."),
}
"""Folder of the package -> title of its page, and what it is about; a folder that is new is called by its name."""

FIRST = ("restore", "invert", "restore_photo", "Result", "load_prior", "Prior", "load_images", "parse_mask", "Inpaint")
"""What most people look for, which stands first on its page; the rest follows in the order of the stub."""


class Name(NamedTuple):
    """A public name: how a user writes it, and where it is defined."""

    shown: str
    path: str


class Reference(NamedTuple):
    """A page of the reference: the names that it describes, and those that another page describes already."""

    title: str
    about: str
    names: list[Name]
    also: list[Name]


def module_file(module: str) -> Path | None:
    """The file of a module of this repository, or None for something else."""
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def imports(file: Path, module: str) -> Iterator[Name]:
    """What the file of a module imports: the name that it gets there, and the dotted path of what it is."""
    package = module.split(".") if file.stem == "__init__" else module.split(".")[:-1]
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            path = ".".join([*base, *([node.module] if node.module else [])])
            yield from (Name(alias.asname or alias.name, f"{path}.{alias.name}") for alias in node.names)


def definition(path: str) -> str:
    """Where something is defined, for a path at which it may only be handed on."""
    module, _, attribute = path.rpartition(".")
    file = module_file(module)
    if file is None:
        return path
    stub = file.with_suffix(".pyi")
    handed_on = {name.shown: name.path for name in imports(stub if stub.is_file() else file, module)}
    return definition(handed_on[attribute]) if attribute in handed_on else path


def module_names(module: str) -> list[Name]:
    """The public names of a module: those of its stub, else of its `__all__`, else what it defines with a docstring."""
    file = module_file(module)
    assert file is not None, module
    if (stub := file.with_suffix(".pyi")).is_file():
        return [name for name in imports(stub, module) if module_file(name.path) is None]
    tree, imported = ast.parse(file.read_text()), {name.shown: name.path for name in imports(file, module)}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            if isinstance(node.value, ast.List | ast.Tuple):
                listed = ast.literal_eval(node.value)
                return [Name(name, imported.get(name, f"{module}.{name}")) for name in listed]
    defined = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    return [Name(n.name, f"{module}.{n.name}") for n in defined if n.name[0] != "_" and ast.get_docstring(n)]


def first_line(module: str) -> str:
    """The first line of a module's docstring."""
    file = module_file(module)
    return (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0] if file else ""


def public_modules() -> dict[str, str]:
    """The modules among the public names, and the dotted path of each."""
    named = imports(ROOT / "jaxprior" / "__init__.pyi", "jaxprior")
    return {name.shown: name.path for name in named if module_file(name.path) is not None}


def pages() -> dict[str, Reference]:
    """The pages of the reference by their path in docs/, in order."""
    groups: dict[str, list[Name]] = {}
    for name in imports(ROOT / "jaxprior" / "__init__.pyi", "jaxprior"):
        if module_file(name.path) is None:
            path = definition(name.path)
            groups.setdefault(path.split(".")[1], []).append(Name(f"jp.{name.shown}", path))
    found = {}
    for folder in [*(g for g in GROUPS if g in groups), *(g for g in groups if g not in GROUPS)]:
        title, about = GROUPS.get(folder, (folder.capitalize(), ""))
        groups[folder].sort(key=lambda name: FIRST.index(word) if (word := name.shown[3:]) in FIRST else len(FIRST))
        found[f"{PLACE}/{folder}.md"] = Reference(title, about, groups[folder], [])
    for shown, path in public_modules().items():
        described = {one.path: one for page in found.values() for one in page.names}
        names = [Name(f"jp.{shown}.{name.shown}", definition(name.path)) for name in module_names(path)]
        own = [name for name in names if name.path not in described]
        page = f"{PLACE}/{shown}.md"
        if page not in found and own:
            found[page] = Reference(f"jp.{shown}", first_line(path), [], [])
        if page in found:
            here = {name.path for name in found[page].names}
            found[page].names.extend(own)
            found[page].also.extend(name for name in names if name.path in described and name.path not in here)
    return found


def text_of(page: Reference) -> str:
    """A page in Markdown: an entry of mkdocstrings for every name."""
    entry = "::: {}\n    options:\n      heading: {}\n      toc_label: {}\n"
    entries = [entry.format(name.path, name.shown, name.shown.rpartition(".")[2]) for name in page.names]
    also = ", ".join(f"[`{name.shown}`][{name.path}]" for name in page.also)
    also = [f"Described on other pages: {also}.\n"] if also else []
    return "\n".join([f"# {page.title}\n", f"{page.about}\n", *also, *entries])


def overview() -> str:
    """The page that lists all names, each with the first line of what it says of itself."""
    lines = [
        "# API reference\n",
        "`import jaxprior as jp` offers these names. A name's module, and JAX with it, is imported when the name is "
        "first used. Pictures are float32 `[b, h, w, c]` in [-1, 1]; masks are 1 where pixels are missing. What "
        "follows the first arguments is given by keyword.\n",
    ]
    for name, page in pages().items():
        lines.append(f"## [{page.title}]({name.removeprefix(PLACE + '/')})\n\n{page.about}\n")
        lines += [f"- [`{one.shown}`][{one.path}]: {summary_of(one)}" for one in page.names]
        lines.append("")
    lines += ["## Modules\n", *(f"- `jp.{shown}`: {first_line(path)}" for shown, path in public_modules().items())]
    return "\n".join(lines)


def summary_of(name: Name) -> str:
    """The first line of the docstring of a name, read without running its module."""
    module, _, attribute = definition(name.path).rpartition(".")
    file = module_file(module)
    for node in ast.parse(file.read_text()).body if file else []:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == attribute:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""


def on_config(config: Any) -> Any:
    """Put the pages in the place of `reference/*` in the navigation."""
    listed = [f"{PLACE}/index.md", *({page.title: name} for name, page in pages().items())]
    place(config.nav, f"{PLACE}/*", listed)
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    texts = {name: text_of(page) for name, page in pages().items()}
    return add(files, config, {f"{PLACE}/index.md": overview(), **texts})
