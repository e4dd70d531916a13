"""`jaxprior convert`, from a foreign file to restored pictures."""

import numpy as np
import pytest
from commands import call
from foreign_files import pggan_state, torch_pickled
from PIL import Image

from jaxprior.weights.storage import read_card


SIZES = {"latent": 8, "fmaps_base": 64, "fmaps_max": 8}
QUICK = ("--layer", 2, "--codes", 1, "--steps", 1, "--starts", 1, "--init", "random", "--optimizer", "adam")


def test_networks_are_listed_and_named_by_an_option(tmp_path):
    state = pggan_state(8, **SIZES)
    other = {key: np.asarray(array * np.float32(2)) for key, array in state.items()}
    path, out = tmp_path / "g.pth", tmp_path / "g.safetensors"
    path.write_bytes(torch_pickled({"netA": state, "netB": other}))
    message = " ".join(call("convert", path, "-o", out, code=2).output.split())
    assert "netA (13 tensors), netB (13 tensors); name one with `--state NAME`" in message and not out.exists()
    assert "netB is taken, as was asked for, not netA" in call("convert", path, "-o", out, "--state", "netB").output
    assert read_card(out)["state"] == "netB"


@pytest.mark.parametrize("command", [("reconstruct",), ("inpaint", "--mask", "center:0.25")])
def test_a_grey_generator_restores_grey_and_coloured_pictures(command, tmp_path):
    prior = tmp_path / "grey.safetensors"
    (tmp_path / "grey.pth").write_bytes(torch_pickled(pggan_state(16, channels=1, **SIZES)))
    call("convert", tmp_path / "grey.pth", "-o", prior)
    chance = np.random.default_rng(0)
    for name, shape in (("grey", (20, 20)), ("coloured", (20, 20, 3))):
        pixels = chance.integers(0, 256, shape).astype(np.uint8)
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / f"photos/{name}.png")
    call(*command, tmp_path / "photos", "--prior", prior, *QUICK, "-o", tmp_path / "run")
    made = [np.asarray(Image.open(path).convert("RGB")) for path in sorted((tmp_path / "run/raw").glob("*.png"))]
    assert len(made) == 2
    for picture in made:
        assert (picture == picture[..., :1]).all()
