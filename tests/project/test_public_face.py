"""The public face keeps its style: documented, keyword-only options, no **kwargs, light and clean imports."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jaxprior as jp


ROOT = Path(jp.__file__).parent
PUBLIC = {name: getattr(jp, name) for name in dir(jp) if callable(getattr(jp, name)) and not name.startswith("_")}
PUBLIC |= {f"metrics.{name}": getattr(jp.metrics, name) for name in jp.metrics.__all__}
MAIN_ARGUMENTS = 3
"""As many arguments may be positional: restore(prior, photos, task)."""


def test_the_public_face_is_complete():
    promised = {
        "BankStart", "CBAM", "Colorize", "Compose", "Critic", "Deblur", "Denoise", "FeatureNetwork", "GivenStart",
        "Identity", "Inpaint", "JaxpriorError", "Method", "MultiCode", "Objective", "Operator", "Prior", "RandomStart",
        "Refiner", "Result", "SelfAttention", "SingleCode", "Solve", "SuperResolve", "edit", "interpolate", "invert",
        "list_priors", "load_features",
        "load_images", "load_prior", "load_refiner", "metrics.diversity", "metrics.patch_frechet", "metrics.perceptual",
        "metrics.psnr", "metrics.rmse", "metrics.ssim", "metrics.swd", "parse_mask", "preset", "render",
        "restore", "to_uint8", "untrained",
    }  # fmt: skip
    assert set(PUBLIC) == promised


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_documented_and_keyword_only(name):
    thing = PUBLIC[name]
    text = inspect.getdoc(thing)
    assert text and text.split("\n")[0].endswith((".", ":")), f"{name}: the first line is not a sentence"
    if inspect.isfunction(thing):
        signature = inspect.signature(thing)
        kinds = [p.kind for p in signature.parameters.values()]
        assert inspect.Parameter.VAR_KEYWORD not in kinds
        positional = [k for k in kinds if k is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        assert len(positional) <= MAIN_ARGUMENTS
        if signature.parameters:
            assert "Arguments:" in text, f"{name}: no Arguments section"


def test_every_module_says_what_it_is_for():
    for path in [*ROOT.rglob("*.py"), *(ROOT.parent / "weights_convert").rglob("*.py")]:
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), f"{path.name} has no docstring"
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef) and not getattr(node, "name", "").startswith("_"):
                for item in node.body:
                    public = isinstance(item, ast.FunctionDef | ast.ClassDef) and not item.name.startswith("_")
                    assert not public or ast.get_docstring(item), f"{path.name}: {item.name} has no docstring"


def test_nothing_heavy_and_nothing_unsafe_at_import():
    code = "import sys, jaxprior{}; print(' '.join(sys.modules))"
    heavy = {"torch", "orbax", "skimage", "matplotlib", "typer", "tensorflow", "h5py"}
    jax = {"jax", "flax", "numpy"}
    everything = "; [getattr(jaxprior, name) for name in dir(jaxprior)]"
    cases = {everything: heavy, "": heavy | jax, ".cli": heavy - {"typer"} | jax}
    for using, unwanted in cases.items():
        command = [sys.executable, "-c", code.format(using)]
        loaded = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        assert not unwanted & set(loaded), using


def test_the_package_imports_neither_pickle_nor_torch():
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {n.split(".")[0] for n in names} & {"pickle", "torch", "tensorflow", "dill"}, path


FLOORS = [
    {"errors", "files", "runtime", "checkpoints", "settings"},
    {"decoding", "sources", "images", "masks", "animations", "pixels", "sheets"},
    {"models", "metrics", "operators", "weights"},
    {"networks", "priors"},
    {"banks", "features", "refiners"},
    {"inversion"},
    {"benchmarking", "editing", "lanes", "presets", "restoration", "singan", "training"},
    {"evaluation"},
    {"cli"},
]


def test_imports_go_downwards_only():
    floor_of = {name: i for i, names in enumerate(FLOORS) for name in names}
    for path in ROOT.rglob("*.py"):
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if own in ("__init__", "__main__"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jaxprior":
                parts = node.module.split(".")
                targets = [parts[1]] if len(parts) > 1 else [a.name for a in node.names]
            elif isinstance(node, ast.Import):
                targets = [a.name.split(".")[1] for a in node.names if a.name.startswith("jaxprior.")]
            else:
                continue
            for target in targets:
                if target in floor_of and target != own:
                    assert floor_of[target] <= floor_of[own], f"{path.relative_to(ROOT)} imports {target} from above"
                    assert {own, target} != {"training", "restoration"}
        if own == "models":
            assert "jaxprior.inversion" not in path.read_text()
        if own == "inversion":
            assert "flax" not in path.read_text()


def test_no_name_of_a_machine_in_the_tree():
    for path in [*ROOT.rglob("*.py"), *ROOT.parent.glob("*.md")]:
        assert not re.search(r"/(?:home|root|tmp)/", path.read_text()), path
