"""The plan of the house: imports go downwards only, file by file, and nobody meets himself on the way."""

import ast
from pathlib import Path

import pytest

import jaxprior
from jaxprior import discovery


ROOT = Path(jaxprior.__file__).parent
FLOORS = [
    {"errors", "protocols"},
    {"discovery", "settings", "pytrees", "checks", "lazy_jax", "lazy_names"},
    {"system"},
    {"data", "nn", "runs"},
    {"operators"},
    {"metrics", "inversion"},
    {"weights"},
    {"training", "restoration"},
    {"models"},
    {"evaluation", "reporting"},
    {"cli", "app"},
]
"""From the ground up; what stands on one floor may import from its own floor and from those below."""

IN_A_FAMILY = {"networks": "nn", "config": "data", "__init__": "discovery", "page": "reporting", "commands": "cli"}
"""Files of a family that stand on another floor than its training."""

ALONE = {"training/settings.py": "settings"}
"""Files that stand lower than their folder: the settings of all trainings, which families' own are made of."""

FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}


def floor_of(path: Path) -> int:
    """The floor of a file. A family's networks stand on the floor of layers, its pages and commands with the others."""
    if (alone := ALONE.get(path.relative_to(ROOT).as_posix())) is not None:
        return FLOOR_OF[alone]
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "models" and len(parts) > 2:
        return FLOOR_OF[IN_A_FAMILY.get(parts[2], "models")]
    return FLOOR_OF[parts[0]]


def modules() -> dict[str, Path]:
    """Dotted names of all files of the package, and of the converter beside it."""
    found = {}
    for path in [*sorted(ROOT.rglob("*.py")), *sorted((ROOT.parent / "weights_convert").rglob("*.py"))]:
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
OWN = {name: path for name, path in MODULES.items() if name.split(".")[0] == "jaxprior"}


def imports_of(path: Path) -> set[str]:
    """Dotted names of the package's files that a file imports anywhere in it; those for types alone do not count."""
    found = set()
    tree = ast.parse(path.read_text())
    for node in [node for node in ast.walk(tree) if isinstance(node, ast.If)]:
        if "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in names]
        found |= {name for name in names if name in MODULES and name != "jaxprior"}
    return found


IMPORTS = {name: imports_of(path) for name, path in MODULES.items()}


def test_no_file_imports_itself_on_the_way():
    done, way = set(), []

    def visit(name: str) -> None:
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name in done:
            return
        way.append(name)
        for other in sorted(IMPORTS[name]):
            visit(other)
        done.add(way.pop())

    for name in MODULES:
        visit(name)


@pytest.mark.parametrize("name", [name for name in OWN if name.count(".") and not name.endswith("__main__")])
def test_imports_go_downwards_only(name):
    own = floor_of(MODULES[name])
    for other in IMPORTS[name] & OWN.keys():
        assert floor_of(MODULES[other]) <= own, f"{name} imports {other}, which stands above it"


def test_a_family_imports_another_only_if_it_says_so():
    for family in discovery.names("jaxprior.models"):
        uses = {family, *discovery.load("jaxprior.models", family).FAMILY.uses}
        for name in MODULES:
            if name.startswith(f"jaxprior.models.{family}"):
                met = {other.split(".")[2] for other in IMPORTS[name] if other.startswith("jaxprior.models.")}
                assert met <= uses, f"{name} imports {met - uses}: FAMILY of {family} does not say so"


def test_the_engine_has_neither_flax_nor_files():
    for name, path in MODULES.items():
        if name.startswith("jaxprior.inversion"):
            source = path.read_text()
            for word in ("flax", "pathlib", "open(", "jaxprior.weights", "jaxprior.system.files", "jaxprior.runs"):
                assert word not in source, f"{name}: {word}"


def test_what_the_command_line_reads_of_a_family_imports_no_jax():
    for name, path in MODULES.items():
        if name.startswith("jaxprior.models.") and (path.stem == "config" or name.count(".") == 2):
            reached, waiting = set(), [name]
            while waiting:
                one = waiting.pop()
                reached.add(one)
                waiting += [other for other in IMPORTS[one] if other not in reached]
            for one in reached:
                tops = {
                    (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
                    for node in ast.parse(MODULES[one].read_text()).body
                    if isinstance(node, ast.Import | ast.ImportFrom)
                    for alias in node.names
                }
                assert not tops & {"jax", "flax", "optax"}, f"{name} reaches {one}, which imports {tops}"


def test_every_file_of_tests_has_a_name_of_its_own():
    names = sorted(path.name for path in (ROOT.parent / "tests").rglob("test_*.py"))
    assert not {name for name in names if names.count(name) > 1}  # pytest would collect only one of them
