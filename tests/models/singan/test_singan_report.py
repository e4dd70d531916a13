"""The page of a training: what a SinGAN makes at every scale, curves, settings; and the commands that write it."""

import csv
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from browser import in_browser, needs_chromium
from report_helpers import HOSTILE, Page
from tiny_singan import random_variables
from typer.testing import CliRunner

from jaxprior import metrics
from jaxprior.cli import app
from jaxprior.data import images
from jaxprior.errors import RunError, WeightsError
from jaxprior.evaluation import is_training, write_training_report
from jaxprior.models.consingan.config import ConsinganRecipe
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.consingan.stage import networks_of
from jaxprior.models.singan import (
    Scale,
    SinGan,
    build_pyramid,
    draw_scales,
    load_singan,
    plan_scales,
    reconstruct,
    save_singan,
)
from jaxprior.models.singan.networks import Generator
from jaxprior.models.singan.viewing import draw_from, real_pyramid
from jaxprior.models.squeezenet.networks import SqueezeNet
from jaxprior.reporting.plots import curves
from jaxprior.weights import storage
from jaxprior.weights.card import Card


SAMPLES, STARTS = 16, 3


def waves(height: int, width: int) -> np.ndarray:
    """A smooth picture without any symmetry, uint8."""
    y, x = np.mgrid[:height, :width]
    bands = [np.sin(0.3 * x + 0.1 * y), np.cos(0.2 * y), np.sin(0.11 * x * y / 9)]
    return np.uint8(np.round(127.5 + 100 * np.stack(bands, axis=-1)))


def make_model(resize: str = "bicubic_u8", rule: str = "singan") -> tuple[SinGan, list[np.ndarray]]:
    """Three scales of random networks, and the pyramid that a training would see."""
    picture = waves(27, 36)
    plan = plan_scales(27, 36, rule=rule, num_scales=3, min_size=14)
    reals = build_pyramid(picture, plan, method=resize)
    generator = Generator(width=4, least_width=4, layers=2)
    scales = []
    for n, size in enumerate(plan.sizes):
        noise = np.random.default_rng(n).normal(size=(*size, 3)) if n == 0 else np.zeros((*size, 3))
        variables = random_variables(generator, n)
        amplitude = jnp.float32(1.0 if n == 0 else 0.3)
        scales.append(Scale(generator=generator, variables=variables, amplitude=amplitude,
                            noise=jnp.asarray(noise, jnp.float32), size=size))  # fmt: skip
    card = Card({"name": "waves", "source": f"waves {HOSTILE}", "licence": "none"})
    return SinGan(
        scales=tuple(scales), image=jnp.asarray(reals[-1]), factor=plan.step, resize=resize, card=card
    ), list(reals)


@pytest.fixture(scope="module")
def model():
    return make_model()[0]


def make_growing() -> ConSinGan:
    """Two scales of a random growing generator."""
    generator, _ = networks_of(ConsinganRecipe(width=4, layers=1), 2)
    sizes, chance = ((9, 12), (12, 16)), np.random.default_rng(0)
    noises = [chance.normal(size=generator.noise_shape(n, size)) for n, size in enumerate(sizes)]
    return ConSinGan(
        generator=generator, variables=random_variables(generator, 0), amplitudes=jnp.float32([1, 0.25]),
        noises=tuple(map(jnp.float32, noises)), sizes=sizes, image=jnp.asarray(images.to_float(waves(12, 16))),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["pyramid", "growing"])
def test_one_program_draws_what_draw_scales_and_reconstruct_do(model, kind):
    made, key = model if kind == "pyramid" else make_growing(), jax.random.key(3)
    whole = [jnp.repeat(image, 2, axis=0) for image in reconstruct(made)]
    expected = draw_scales(made, key, count=2, start_scale=1)
    for start, images_of in ((1, expected), (len(made.sizes), whole)):
        found = draw_from(made, key, start, count=2)
        for ours, theirs in zip(found, images_of, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=2e-6)
    assert np.abs(expected[-1] - whole[-1]).max() > 1e-4
    assert np.abs(draw_from(made, key, 0, count=2)[0] - whole[0]).max() > 1e-4


@pytest.mark.parametrize(
    "resize, rule",
    [("bicubic_u8", "singan"), ("bicubic_u8", "seed002"), ("bicubic", "singan"), ("bilinear_aa", "seed002")],
)
def test_the_pyramid_made_from_the_finest_picture_is_the_trainings(resize, rule):
    made, reals = make_model(resize, rule)
    found = real_pyramid(made)
    assert all(a.dtype == np.float32 and a.shape == b.shape for a, b in zip(found, reals, strict=True))
    assert max(127.5 * np.abs(a - b).max() for a, b in zip(found, reals, strict=True)) < 1e-3
    np.testing.assert_array_equal(found[-1], reals[-1])


def cells(text: str, row: int) -> list[str]:
    """Texts of the cells of a row of the first table."""
    body = re.search("<tbody>(.*?)</tbody>", text, re.S).group(1)
    return re.findall(r"<td[^>]*>([^<]*)", body.split("</tr>")[row])


def check_offline(text: str) -> None:
    assert "<script>alert" not in text
    assert all(address.startswith("data:image/png;base64,") for address in re.findall(r'src="([^"]*)"', text))
    assert not re.search(r'href="|url\(|@import|https?://', text)
    Page(text)


def test_page_of_a_file_shows_every_scale(tmp_path, model):
    path = tmp_path / "waves.safetensors"
    save_singan(path, model)
    assert is_training(path) and write_training_report(path) == tmp_path / "waves.html"
    text = (tmp_path / "waves.html").read_text()
    check_offline(text)
    assert "&lt;script&gt;alert" in text and "Losses" not in text
    assert text.count("<img style") == 2 + SAMPLES + 3 * (2 + 4) + STARTS * 4
    assert 'style="width:400px;height:300px"' in text and 'id="rows"' not in text and "getElementById" not in text
    reals, remade = real_pyramid(model), reconstruct(model)
    for n, size in enumerate(model.sizes):
        row = cells(text, n)
        assert row[:4] == [str(n), f"{size[1]}x{size[0]}", "4", "1" if n == 0 else "0.3"]
        error = float(metrics.rmse(np.asarray(remade[n]), reals[n][None])[0])
        assert float(row[4]) == pytest.approx(error, abs=0.006) and 0 < float(row[5]) < 100
    again = write_training_report(path).read_text()
    assert again == text


def make_run(folder, model, *, phases: int, card: dict | None = None) -> None:
    """A training of `phases` scales of ten steps each, as its session leaves it."""
    folder.mkdir()
    part = SinGan(scales=model.scales[:phases], image=jnp.asarray(real_pyramid(model)[phases - 1]), factor=model.factor)
    save_singan(folder / "model.safetensors", part)
    configuration = {"recipe": "singan", "steps": 10, "width": 4, "num_scales": None}
    record = {"kind": "training", "configuration": configuration, "data": "waves.png", "versions": {"jax": "9"}}
    (folder / "run.json").write_text(json.dumps({**record, "device": "abacus"}))
    rows = ["step,phase,images,critic_loss,reconstruction_rmse"]
    rows += [
        f"{10 * n + step},scale {n} of 0 to 2,{10 * n + step},{-n - step / 10},{'' if step == 5 else 0.5}"
        for n in range(phases) for step in (5, 10)
    ]  # fmt: skip
    (folder / "metrics.csv").write_text("\n".join(rows) + "\n")


def test_page_of_an_unfinished_run_has_its_scales_curves_and_settings(tmp_path, model):
    make_run(tmp_path / "run", model, phases=2)
    text = write_training_report(tmp_path / "run").read_text()
    check_offline(text)
    assert text.count("<img style") == 2 + SAMPLES + 2 * (2 + 4) + 2 * 4
    assert "last logged: scale 1 of 0 to 2, step 20" in text and "abacus" in text and "waves.png" in text
    plots = re.findall(r"<h3>(.*?)</h3>(.*?)</div></div>", text, re.S)
    assert [title for title, _ in plots] == ["critic loss", "reconstruction rmse"]
    lines = [re.findall(r'class="line" d="M([^"]*)"', plot) for _, plot in plots]
    assert [[way.count("L") for way in ways] for ways in lines] == [[1, 1], [0, 0]]
    first, second = (way.split("L") for way in lines[0])
    assert [point.split()[0] for point in first] == [point.split()[0] for point in second]  # steps of the phase
    assert ">scale 0</span>" in text and ">scale 1</span>" in text
    assert ">width</td>" in text and ">versions.jax</td>" in text and "num_scales" not in text


def test_page_of_a_growing_generator(tmp_path):
    save_singan(tmp_path / "growing.safetensors", make_growing())
    text = write_training_report(tmp_path / "growing.safetensors").read_text()
    check_offline(text)
    assert text.count("<img style") == 2 + SAMPLES + 2 * (2 + 4) + 2 * 4
    assert cells(text, 0)[:4] == ["0", "12x9", "4", "1"] and cells(text, 1)[:4] == ["1", "16x12", "4", "0.25"]


def test_page_of_another_training_has_its_sheet_curves_and_figures(tmp_path):
    run = tmp_path / "cats"
    run.mkdir()
    storage.save_weights(run / "model.safetensors", {"generator": {"x": np.zeros(1, np.float32)}}, {
        "architecture": "pggan", "training": {"seconds": 7300, "recipe": {"latent": 8}},
    })  # fmt: skip
    record = {"kind": "training", "configuration": {"recipe": "pggan"}, "data": f"{HOSTILE} \udcff"}
    (run / "run.json").write_text(json.dumps(record))
    losses = [f"{step},{'' if step % 2 else 'p'},{step * 8},{step / 10},nan" for step in (1, 2, 3)]
    (run / "metrics.csv").write_text("step,phase,images,loss,score\n" + "\n".join(losses) + "\n")
    (run / "swd.csv").write_text("step,phase,images,swd_mean\n3,64x64,24,12.5\n")
    images.save_png(run / "samples.png", waves(20, 80))
    text = write_training_report(run).read_text()
    check_offline(text)
    assert text.count("<img style") == 1 and 'style="width:1200px;height:300px"' in text and "2.0 h of training" in text
    assert re.findall("<h3>(.*?)</h3>", text) == ["loss"]  # what is never a number has no plot
    assert cells(text, 0) == ["64x64", "3", "24", "12.5"]


def test_what_has_no_page_is_a_sentence(tmp_path, model):
    run, other = tmp_path / "run", tmp_path / "other.safetensors"
    make_run(run, model, phases=1)
    (run / "model.safetensors").unlink()
    storage.save_weights(other, {"x": np.zeros(1, np.float32)}, {"architecture": "vgg16"})
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "run.json").write_text('{"kind": "restoration"}')
    assert is_training(run) and not is_training(foreign) and not is_training(tmp_path)
    for path, error, said in (
        (run, RunError, "has no weights yet"), (other, WeightsError, "its card names 'vgg16'"),
        (foreign, RunError, "holds a restoration run, not a training run"), (tmp_path, RunError, "holds no run"),
    ):  # fmt: skip
        with pytest.raises(error, match=said):
            write_training_report(path)


def test_curves_are_where_their_values_are():
    plot = curves({"a": [(0, 1.0), (10, 2.0)], f"b {HOSTILE}": [(5, 1.5)]}, across="step", upwards="loss")
    Page(plot)
    (low, high), ((x, y),) = ([tuple(map(float, p.split())) for p in way.split("L")]
                              for way in re.findall(r'class="line" d="M([^"]*)"', plot))  # fmt: skip
    assert low[0] < x < high[0] and x == pytest.approx((low[0] + high[0]) / 2, abs=0.1)
    assert low[1] > y > high[1] and y == pytest.approx((low[1] + high[1]) / 2, abs=0.1)
    assert plot.count("<circle") == 1 and "<script>" not in plot
    flat = curves({"a": [(3, 0.0)]}, across="step", upwards="loss")
    assert "nan" not in flat and "inf" not in flat


@needs_chromium
def test_a_picture_grows_when_clicked(tmp_path, model):
    path = tmp_path / "waves.safetensors"
    save_singan(path, model)
    page = write_training_report(path)
    script = """const picture = document.querySelector("figure img"); picture.click();
      const first = dialog.open && dialog.querySelector("img").src === picture.src; dialog.querySelector("img").click();
      document.title = [first, dialog.open, dialog.querySelector("p").textContent].join(";");"""
    assert in_browser(page, script) == "true;false;picture"


def call(*arguments, code: int = 0) -> str:
    """Run the program in this process; what it printed."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code and "Traceback" not in result.output, result.output
    return result.output


def test_commands_write_the_page_at_a_stop_and_at_the_end_and_measure_samples(tmp_path):
    picture, run, out = tmp_path / "waves.png", tmp_path / "run", tmp_path / "out"
    images.save_png(picture, waves(30, 40))
    flags = ("--min-size", 20, "--num-scales", 2, "--steps", 1, "--width", 4, "--layers", 2)
    command = ("singan", "train", picture, "-o", run, *flags, "--critic-steps", 1, "--generator-steps", 1)
    said = call(*command, "--minutes", 0)
    assert "the same command goes on" in said and f"report: {run / 'report.html'}" in said
    assert (run / "report.html").read_text().count("<img style") == 2 + SAMPLES + 6
    assert f"report: {run / 'report.html'}" in call(*command)
    text = (run / "report.html").read_text()
    assert text.count("<img style") == 2 + SAMPLES + 2 * 6 + 2 * 4 and "last logged: scale 1 of 0 to 1" in text
    (run / "report.html").unlink()
    assert f"report: {run / 'report.html'}" in call("report", run)
    assert cells((run / "report.html").read_text(), 1) == cells(text, 1)

    shapes = jax.eval_shape(SqueezeNet(cuts=(13,)).init, jax.random.key(0), jnp.zeros((1, 32, 32, 3)))["params"]
    chance = np.random.default_rng(0)
    network = jax.tree.map(lambda x: chance.normal(0, 0.1, x.shape).astype(np.float32), shapes)
    storage.save_weights(tmp_path / "squeezenet.safetensors", {"network": network}, {"architecture": "squeezenet"})
    measured = ("singan", "sample", run, "-o", out, "--count", 3, "--features")
    said = call(*measured, tmp_path / "squeezenet.safetensors")
    with open(out / "quality.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["sample"] for row in rows] == ["000", "001", "002", "mean"]
    distances = [float(row["patch_frechet"]) for row in rows]
    assert min(distances) > 0 and distances[3] == pytest.approx(np.mean(distances[:3]), rel=1e-4)
    samples = images.to_float(np.stack([images.load_image(out / f"{n:03d}.png") for n in range(3)]))
    diversity = float(metrics.diversity(samples, load_singan(run).image))
    assert float(rows[3]["diversity"]) == pytest.approx(diversity, rel=1e-5) and f"diversity {diversity:.3f}" in said
    assert "squeezenet[:5]" in said
    assert "neither an installed network" in call(*measured[:4], tmp_path / "none", "--features", "nothing", code=2)
    assert not (tmp_path / "none").exists()
