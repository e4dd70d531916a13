"""SinGANs of several pictures: as one program they become what they are alone, and the command on a folder."""

import jax
import numpy as np
import pytest
from program import printed
from resuming import check_resumes
from tiny_singan import smooth_picture

from jaxprior.data import images
from jaxprior.models.singan import group as singan_group
from jaxprior.models.singan import load_singan
from jaxprior.models.singan import train as singan
from jaxprior.models.singan.config import SinganRecipe
from jaxprior.training import session
from jaxprior.training.loop import Pace
from jaxprior.training.pictures import Pictures


PACE = Pace(log_every=1, checkpoint_seconds=1e9, snapshot_seconds=1e9)
RECIPE = SinganRecipe(
    num_scales=2, min_size=12, width=4, layers=2, critic_steps=1, generator_steps=1, steps=2, seed=3
)


def test_together_they_become_what_they_are_alone(tmp_path):
    pixels = np.stack([smooth_picture(18, 24, pitch) for pitch in (3, 5)])
    together = singan_group.plan(RECIPE, Pictures(pixels), names=["a", "b"])
    run = check_resumes(together, tmp_path / "together", stops=(0, 1), pace=PACE)
    assert sorted(path.parent.name for path in run.glob("*/model.safetensors")) == ["a", "b"]
    assert not (run / "model.safetensors").exists()
    models = [load_singan(run / name) for name in "ab"]
    for name, own, model in zip("ab", pixels, models, strict=True):
        session.run(singan.plan(RECIPE, Pictures(own[None])), tmp_path / name, source="one", pace=PACE)
        alone = load_singan(tmp_path / name)
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=2e-4), model.scales, alone.scales)
        np.testing.assert_array_equal(model.image, alone.image)
    first, second = (jax.tree.leaves(model.scales[0].variables["params"]) for model in models)
    assert max(float(np.abs(x - y).max()) for x, y in zip(first, second, strict=True)) > 2e-3


def test_names_are_as_many_as_pictures_and_different():
    pictures = Pictures(np.stack([smooth_picture(18, 24, 3)] * 2))
    for names in (["a"], ["a", "a"]):
        with pytest.raises(ValueError, match="a name of its own for each of 2"):
            singan_group.plan(RECIPE, pictures, names=names)


def test_the_command_trains_a_folder(tmp_path):
    folder, out = tmp_path / "pictures", tmp_path / "out"
    folder.mkdir()
    images.save_png(folder / "a.png", smooth_picture(18, 24, 3))
    images.save_png(folder / "b.png", smooth_picture(18, 24, 5))
    images.save_png(folder / "tiny.png", smooth_picture(9, 24, 5))
    (folder / "broken.png").write_bytes(b"no picture")
    flags = ["--num-scales", 2, "--min-size", 12, "--width", 4, "--layers", 2, "--steps", 1]
    flags += ["--critic-steps", 1, "--generator-steps", 1]
    said = printed("singan", "train", folder, "-o", out, *flags, code=1)
    assert said.count("left out") == 2 and "broken.png" in said
    assert "tiny.png: a picture of 24x9 pixels has no coarser scales" in said
    runs = sorted(out.iterdir())
    assert [run.name[0] for run in runs] == ["a", "b"] and all((run / "report.html").is_file() for run in runs)
    printed("singan", "train", folder, "-o", tmp_path / "one", *flags, "--together", 2, code=1)
    members = sorted((tmp_path / "one").glob("24x18-a-*/*/model.safetensors"))
    assert len(members) == 2
    assert f"give a file, {members[0]}" in printed("report", members[0].parents[1], code=2)
    alone = ["singan", "train", folder, "-o", tmp_path / "x", "--preset", "consingan", "--together", 2]
    assert "none of its 4 pictures can be trained on" in printed(*alone, code=2)  # they are smaller than its scales
    said = printed(*alone, "--min-size", 12, "--num-scales", 2, code=2)
    assert "--together is for SinGANs" in said and "none of" not in said


def test_pictures_of_one_name_have_runs_of_their_own_and_equal_ones_are_told_of(tmp_path, monkeypatch):
    from jaxprior.models.singan.commands import folder as module

    told = {}
    for place, seed in (("a", 3), ("b", 5), ("c", 3)):
        (tmp_path / "in" / place).mkdir(parents=True)
        images.save_png(tmp_path / "in" / place / "x.png", smooth_picture(18, 24, seed))
    monkeypatch.setattr(module, "_run", lambda one, _r, _t, _o, out: told.update({one.source: out.name}))
    flags = ("--min-size", 12, "--num-scales", 2, "--layers", 2)
    said = printed("singan", "train", tmp_path / "in", "-o", tmp_path / "out", *flags)
    assert [name.rpartition("/in/")[2] for name in told] == ["a/x.png", "b/x.png"] and len(set(told.values())) == 2
    assert "in/c/x.png has the name and the pixels of " in said


def test_pictures_of_many_sizes_do_not_pile_up_programs(tmp_path, monkeypatch):
    """Between pictures of one size programs are kept, and given up for another size."""
    from jaxprior.models.singan.commands import folder as module

    sizes, told = [(18, 24), (18, 24), (20, 24), (18, 26)], []
    for number, size in enumerate(sizes):
        images.save_png(tmp_path / f"{number}.png", smooth_picture(*size, 3 + number))
    monkeypatch.setattr(module, "_run", lambda one, *_: told.append(one.pixels.shape[:2]))
    monkeypatch.setattr("jaxprior.system.runtime.forget_programs", lambda: told.append("forgotten"))
    printed("singan", "train", tmp_path, "-o", tmp_path / "out", "--min-size", 12, "--num-scales", 2, "--layers", 2)
    assert told == [(18, 24), (18, 24), "forgotten", (20, 24), "forgotten", (18, 26)]
