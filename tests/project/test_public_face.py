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
        "AttributeModel", "ChangedPictures",
        "BankStart", "CBAM", "Colorize", "Compose", "Critic", "Deblur", "Denoise", "Direction", "Draws", "Encoder",
        "EncoderStart", "FeatureCode", "Measure",
        "FeatureNetwork", "GivenStart", "HeldCode", "change_attributes", "codes_with_labels", "interpolate_attributes",
        "load_attribute_model", "swap_attributes", "NetworkCode", "deep_image_prior",
        "Identity", "Inpaint", "JaxpriorError", "Method", "MultiCode", "Objective", "Operator", "OwnAnswer", "Prior",
        "PriorRanking",
        "RandomStart",
        "Refiner", "RestoredPhoto", "Restorer", "Result", "SelfAttention", "SingleCode", "Solve", "SuperResolve",
        "TunedCode", "apply_restorer",
        "edit", "find_direction", "fit_of", "interpolate", "invert", "list_priors", "load_encoder", "load_features",
        "load_images", "load_prior", "load_refiner", "load_restorer", "load_volumes", "metrics.Metric",
        "metrics.Scored",
        "metrics.SetDistances", "metrics.compare_sets", "metrics.diversity", "metrics.frechet",
        "metrics.gradient_energy", "metrics.iou",
        "metrics.kid", "metrics.ms_ssim", "metrics.mse", "metrics.patch_frechet",
        "metrics.perceptual", "metrics.perceptual_map", "metrics.precision_recall", "metrics.psnr",
        "metrics.psnr_luma", "metrics.rmse", "metrics.ssim", "metrics.swd", "parse_mask", "preset", "rank_priors",
        "render", "restore", "restore_photo", "show", "to_uint8", "untrained",
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


def test_no_name_of_a_machine_in_the_tree():
    for path in [*ROOT.rglob("*.py"), *ROOT.parent.glob("*.md")]:
        assert not re.search(r"/(?:home|root|tmp)/", path.read_text()), path
