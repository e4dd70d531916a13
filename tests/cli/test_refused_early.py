"""A command that cannot be done is refused before JAX is imported, so that the answer comes at once."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from tiny_prior import write_tiny_prior
from tiny_singan import tiny_singan

from jaxprior.data import images
from jaxprior.models.singan import save_singan
from jaxprior.weights.storage import save_weights


INPAINT = "inpaint picture.png --prior prior.safetensors -o out"
HOLE = f"{INPAINT} --mask center:0.25"
TRAIN = "train pggan --data pictures --resolution 8 -o out"
SINGAN = "singan train picture.png -o out"
REFUSED = {
    # options
    f"{HOLE} --stepz 3": "--stepz",
    f"{HOLE} --steps 0": "--steps",
    f"{HOLE} --optimizer adamm": "--optimizer",
    f"{HOLE} --clean --reference pictures": "--clean says that the pictures are the originals",
    f"{HOLE} --preset invertgan --codes 3": "one latent code and no composing layer: leave out --codes",
    f"{HOLE} --attention-where 8": "--attention",
    f"{HOLE} --feature-weight 1": "--feature-weight: there is no feature distance to weigh",
    f"{HOLE} --critic prior": "this prior has no critic",
    f"{HOLE} --passes 3": "(--passes, --target-psnr)",
    f"{HOLE} --shard 3": "3",
    f"{HOLE} --num-processes 2": "need --coordinator",
    f"{HOLE} --coordinator 127.0.0.1": "coordinator 127.0.0.1: expected the first process's HOST:PORT",
    f"{HOLE} --coordinator 127.0.0.1:99999": "a port from 1 to 65535",
    f"{TRAIN} --coordinator 127.0.0.1:x": "coordinator 127.0.0.1:x: expected the first process's HOST:PORT",
    "denoise picture.png --prior prior.safetensors -o out --sigma 300": "noise of 300 levels of 255 is sigma=2.35",
    "deblur picture.png --prior prior.safetensors -o out --blur 1000": "expected up to 16, the side of the pictures",
    "deblur picture.png --prior prior.safetensors -o out": "give --blur SIGMA or --kernel FILE",
    "superres picture.png --prior prior.safetensors -o out --factor 99": "expected a whole factor from 2 to 16",
    "superres picture.png --prior prior.safetensors -o out --kernel boxx": "--kernel",
    f"{HOLE} --layer 99": "--layer 99: this prior has layers 1 to 6",
    # pictures and masks
    "inpaint nothing.png --mask center:0.25 -o out": "nothing.png: no such file or folder",
    "inpaint nothing.zip --mask center:0.25 -o out": "nothing.zip",
    "colorize empty -o out": "no pictures found",
    f"{INPAINT} --mask centre:0.25": "Did you mean center:0.25?",
    f"{INPAINT} --mask center:25": "Did you mean center:0.25?",
    f"{INPAINT} --size fit --mask center:0.0001": "at 16 pixels nothing is missing",
    f"{INPAINT} --size fit --mask pixels:0.0001": "at 16 pixels nothing is missing",
    f"{INPAINT} --mask grey.png": "grey.png",
    f"{INPAINT} --mask note.txt": "note.txt",
    f"{INPAINT} --mask empty": "no pictures found",
    f"{HOLE} --invert-mask": "this one is drawn",
    f"{HOLE} --reference empty": "no pictures found",
    # where results go
    "inpaint picture.png --mask center:0.25 -o note.txt": "note.txt",
    "inpaint pictures --mask center:0.25 -o pictures": "holds the pictures",
    f"{HOLE.replace('-o out', '-o run')} --codes 2 --layer 4 --steps 2 --seed 2": "was made with seed = 0, this",
    f"{HOLE.replace('-o out', '-o run')} --codes 2 --layer 3 --steps 2": "was made with codes.layer = 4, this",
    f"{HOLE.replace('-o out', '-o run')} --codes 2 --layer 4 --steps 3": "was made with solve.steps = 2, this",
    f"{INPAINT.replace('-o out', '-o run')} --mask block:0.25": "was made with mask",
    "reconstruct picture.png --prior prior.safetensors -o training": "holds a training run",
    # networks
    "reconstruct picture.png --prior cats65 -o out": "cats65: neither a bundled prior",
    "reconstruct picture.png --prior note.txt -o out": "not a safetensors file",
    "reconstruct picture.png --prior picture.png -o out": "is a picture; expected a prior",
    "reconstruct picture.png --prior singan.safetensors -o out": "is a model of one picture (singan)",
    f"{HOLE} --features vgg17": "vgg17",
    f"{HOLE} --refine nowhere": "nowhere: neither the run of `jaxprior train autoencoder`",
    # restorers
    "superres picture.png --restorer nowhere -o out": "nowhere: neither a bundled restorer",
    "superres picture.png --restorer prior.safetensors -o out": "expected a restorer",
    "superres picture.png --restorer x4.safetensors --factor 2 -o out": "x4 enlarges by 4, and the factor here is 2",
    "superres picture.png --restorer x4.safetensors --codes 2 -o out": "--codes means nothing beside it",
    "inpaint picture.png --restorer x4.safetensors --mask center:0.25 -o out": "give it to `jaxprior superres`",
    "superres picture.png --prior x4.safetensors -o out": "is a restorer (srgan), for --restorer",
    # evaluations
    "evaluate quikc -o out": "Did you mean quick?",
    "evaluate quick": "Say with -o RUN",
    "evaluate setting.toml -o out": "solve.stepz: no such setting; did you mean solve.steps?",
    "evaluate setting.toml -o out --dry-run": "solve.stepz: no such setting; did you mean solve.steps?",
    "evaluate mask.toml -o out": "Did you mean center:0.25?",
    "evaluate quick --data nothing.zip -o out": "nothing.zip",
    "evaluate quick --prior cats65 -o out": "cats65: neither a bundled prior",
    "evaluate quick -o run": "run holds a restoration run, not an evaluation",
    "report nowhere": "does not exist",
    "report run run run": "Expected one run, or two to compare",
    "edit nowhere --direction direction.npy --amount 1": "does not exist",
    "edit run --direction nothing.npy --amount 1 --prior prior.safetensors": "nothing.npy",
    "edit run --direction long.npy --amount 1 --prior prior.safetensors": "have 8 numbers, the file has 9",
    "edit run --direction direction.npy --amount 1": "which is not bundled",
    "edit run --direction direction.npy --amount 1 --prior cats65": "cats65: neither a bundled prior",
    "interpolate nowhere a b": "does not exist",
    "directions nowhere --labels labels.csv -o smile.npy": "does not exist",
    "directions run --labels nothing.csv -o smile.npy": "there is no such file",
    "directions run --labels note.txt -o smile.png": "ends in .npy",
    "attributes digits.safetensors picture.png --set tree -o out": "no class 'tree'; expected one of two, three",
    "attributes digits.safetensors picture.png --set two=0 -o out": "a picture has one class",
    "attributes faces.safetensors picture.png --set smilin=1 -o out": "Did you mean smiling?",
    "attributes faces.safetensors picture.png --set hat -o out": "expected hat=0 or hat=1",
    # networks of one's own
    f"{TRAIN} --widths 0,4": "--widths",
    f"{TRAIN} --resolution 12": "--resolution",
    f"{TRAIN} --presett small": "--presett",
    "train pggan --data nothing -o out": "nothing: no such file or folder",
    f"{TRAIN} --from nowhere": "nowhere: neither a bundled prior",
    f"{TRAIN} --from prior.safetensors": "prior.safetensors has a generator but no critic",
    f"{TRAIN} --from singan.safetensors": "singan.safetensors is a network of the kind 'singan'",
    f"{TRAIN} --from critic.safetensors": "has pixels a side = 16, this training has pixels a side = 8",
    "train pggan --data pictures --preset cats32 --from critic.safetensors -o out": "pixels a side = 16, this training",
    "train pggn --data pictures -o out": "Did you mean 'pggan'?",
    "train pggan --data pictures --resolution 8 -o pictures": "holds the pictures",
    "train pggan --data pictures --resolution 8 -o run": "run holds a restoration run, not a training run",
    "train patchgan --data pictures --features vgg17 -o out": "vgg17: neither an installed network",
    "train patchgan --data pictures --evaluate-features vgg17 -o out": "vgg17: neither an installed network",
    "train patchgan --data pictures --features cats32 -o out": "cats32: this is a prior (pggan)",
    "train patchgan --data pictures --choose 3 -o out": "give `crops` too (--choose, --crops)",
    "train srgan --data pictures --adversarial-steps 9 --features vgg17 -o out": "vgg17: neither an installed network",
    "train srgan --data pictures --evaluate-features vgg17 -o out": "vgg17: neither an installed network",
    "train encoder --data pictures --prior prior.safetensors --features vgg17 -o out": "vgg17: neither an installed",
    f"{TRAIN} --evaluate-features vgg17": "vgg17: neither an installed network",
    "singan train nothing.png -o out": "nothing.png: no such file",
    f"{SINGAN} --width 0": "--width",
    "singan sample nowhere -o out": "nowhere: neither the run of",
    "singan sample prior.safetensors -o out": "is a prior (pggan)",
    "singan sample singan.safetensors -o note.txt": "note.txt",
    "singan paint singan.safetensors nothing.png -o out": "nothing.png: no such file",
    "singan paint singan.safetensors nothing.png --retrain --colors 5 --start-scale 1 -o out": "nothing.png: no such",
    "singan harmonize singan.safetensors picture.png --mask half.png -o out": "mask: it is 8x16 and its picture 16x16",
    "singan finetune singan.safetensors picture.png -o out": "a SinGAN is not trained further",
    "singan finetune galaxies picture.png -o out": "a SinGAN is not trained further",
    "singan finetune growing picture.png -o growing": "growing holds the model that is trained further",
    "singan finetune growing picture.png -o run": "run holds a restoration run, not a training run",
    "convert nothing.pth -o out.safetensors": "nothing.pth",
    "convert note.txt -o out.pth": "ends in .safetensors",
    "priors get vgg17": "vgg17",
    "bench --resolution 48": "48",
}
"""Command -> what its sentence says."""

PROGRAM = """
import json, sys
from typer.testing import CliRunner
from jaxprior.cli import app

SLOW = ("jax", "flax", "optax", "orbax", "matplotlib", "skimage")
for command in json.load(sys.stdin):
    ended = CliRunner().invoke(app, command.split())
    imported = [name for name in SLOW if name in sys.modules]
    print(json.dumps([command, ended.exit_code, ended.output, repr(ended.exception), imported]))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with pictures, masks, networks, a run, and things that are none of them."""
    place = tmp_path_factory.mktemp("place")
    chance = np.random.default_rng(0)
    for name in ("picture.png", "pictures/other.png"):
        (place / name).parent.mkdir(exist_ok=True)
        images.save_png(place / name, chance.integers(0, 256, (16, 16, 3), np.uint8))
    Image.fromarray(chance.integers(60, 180, (16, 16), np.uint8)).save(place / "grey.png")
    Image.fromarray(np.uint8(255 * np.tri(16, 8))).save(place / "half.png")
    (place / "empty").mkdir()
    (place / "note.txt").write_text("This is no picture and no network.")
    write_tiny_prior(place / "prior.safetensors")
    write_tiny_prior(place / "critic.safetensors", critic=True)
    save_weights(
        place / "x4.safetensors",
        {"generator": {"first": np.ones(3, np.float32)}},
        {"architecture": "srgan", "config": {"factor": 4}, "name": "x4"},
    )
    for name, labels, exclusive in (("digits", ["two", "three"], True), ("faces", ["smiling", "hat"], False)):
        card = {"architecture": "icgan", "config": {"labels": labels, "exclusive": exclusive}, "name": name}
        save_weights(place / f"{name}.safetensors", {"generator": {"first": np.ones(3, np.float32)}}, card)
    save_singan(place / "singan.safetensors", tiny_singan())
    growing = {"architecture": "consingan", "config": {}, "name": "growing"}
    (place / "growing").mkdir()
    save_weights(place / "growing/model.safetensors", {"generator": {"first": np.ones(3, np.float32)}}, growing)
    np.save(place / "direction.npy", np.ones(8, np.float32))
    np.save(place / "long.npy", np.ones(9, np.float32))
    quick = 'title = "x"\n[[data]]\npath = "pictures"\n[[prior]]\nsource = "prior.safetensors"\n[[task]]\n'
    (place / "setting.toml").write_text(quick + 'name = "reconstruct"\n[[method]]\nsolve = { stepz = 3 }\n')
    (place / "mask.toml").write_text(quick + 'name = "inpaint"\nmask = "centre:0.25"\n')
    (place / "training").mkdir()
    (place / "training/run.json").write_text('{"kind": "training"}')
    made = [sys.executable, "-m", "jaxprior", *HOLE.replace("-o out", "-o run").split()]
    subprocess.run([*made, "--codes", "2", "--layer", "4", "--steps", "2"], cwd=place, check=True, capture_output=True)
    return place


@pytest.fixture(scope="module")
def answers(place):
    """How each command ended, all of them in one process: (exit code, what it said, exception, modules imported)."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=json.dumps(list(REFUSED)), cwd=place, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    return {command: answer for command, *answer in map(json.loads, ended.stdout.splitlines())}


@pytest.mark.parametrize("command", REFUSED)
def test_a_command_is_refused_without_jax(command, answers, place):
    code, said, exception, imported = answers[command]
    assert code == 2, (said, exception)
    assert REFUSED[command] in " ".join(said.replace("│", " ").split())
    assert imported == []
    assert not (place / "out").exists()
