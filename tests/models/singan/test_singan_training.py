"""The SinGAN recipe: steps against PyTorch, how a scale begins, continuing a killed run, and the commands."""

import dataclasses
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from program import printed
from resuming import check_resumes
from tiny_singan import smooth_picture

from jaxprior.data import images
from jaxprior.models.singan import build_pyramid, load_singan, reconstruct
from jaxprior.models.singan.config import PRESETS, SinganRecipe
from jaxprior.models.singan.planning import scales_of
from jaxprior.models.singan.scale import draw_inputs, make_step
from jaxprior.models.singan.train import assemble, begin_scale, init_state, plan
from jaxprior.training import session
from jaxprior.training.loop import Interrupted, Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.pictures import Pictures
from jaxprior.weights.storage import read_card


PACE = Pace(log_every=1, checkpoint_seconds=1e9, snapshot_seconds=1e9)


def small_recipe(**changes) -> SinganRecipe:
    settings = {
        "num_scales": 2, "min_size": 12, "width": 4, "layers": 2, "critic_steps": 1, "generator_steps": 1, "steps": 3,
        "seed": 3,
    }  # fmt: skip
    return SinganRecipe(**{**settings, **changes})


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures(smooth_picture(18, 24)[None])


@pytest.fixture(scope="module")
def work(pictures) -> session.Plan:
    """A plan of two scales, whose steps are compiled once for several tests."""
    return plan(small_recipe(), pictures)


@pytest.fixture
def in_float64(monkeypatch):
    """Networks compute in float64."""
    monkeypatch.setattr("jaxprior.models.singan.losses.dtype_of", lambda settings: jnp.float64)


def to_torch(x) -> np.ndarray:
    """A kernel [h, w, i, o] as PyTorch has it, [o, i, h, w]; a vector as it is."""
    return np.array(x).transpose(3, 2, 0, 1).copy() if x.ndim == 4 else np.array(x)


class TorchNetwork:
    """A trained network of ours in PyTorch, normalised by the batch; `means` are its running means."""

    def __init__(self, torch, variables: dict, slope: float = 0.2):
        self.torch, self.functional, self.slope = torch, torch.nn.functional, slope
        self.params = jax.tree.map(lambda x: torch.tensor(to_torch(x), requires_grad=True), variables["params"])
        statistics = jax.tree.map(lambda x: torch.tensor(np.asarray(x)), variables["batch_stats"])
        self.statistics = {name: (part["norm"]["mean"], part["norm"]["var"]) for name, part in statistics.items()}
        self.adam = torch.optim.Adam(jax.tree.leaves(self.params), lr=5e-4, betas=(0.5, 0.999))

    def __call__(self, x):
        for name, (mean, variance) in self.statistics.items():
            norm = self.params[name]["norm"]
            x = self.functional.conv2d(x, self.params[name]["kernel"])
            x = self.functional.batch_norm(
                x, mean, variance, norm["scale"], norm["bias"], training=True, momentum=0.1, eps=1e-5
            )
            x = self.functional.leaky_relu(x, self.slope)
        return self.functional.conv2d(x, self.params["output"]["kernel"], self.params["output"]["bias"])


def torch_step(torch, generator: TorchNetwork, critic: TorchNetwork, recipe, given, amplitude, picture, rate) -> dict:
    """One official step, with fakes made anew in the generator's part, or by the recipe's `g_step`."""
    margin = recipe.layers

    def tensor(x):
        return torch.tensor(np.array(x).transpose(0, 3, 1, 2))

    def generate(noise, below):
        pad = partial(torch.nn.functional.pad, pad=(margin,) * 4)
        return torch.tanh(generator(amplitude * pad(noise) + pad(below))) + below

    real, noise, fixed, fixed_below = (tensor(x) for x in (picture, given.noise, given.fixed, given.fixed_below))
    belows = tensor(given.below).split(1)
    for network in (generator, critic):
        network.adam.param_groups[0]["lr"] = rate
    for k in range(recipe.critic_steps):
        below = belows[min(k, len(belows) - 1)]
        critic.adam.zero_grad()
        fake = generate(noise, below).detach()
        loss = critic(fake).mean() - critic(real).mean()
        between = (real + (fake - real) * float(given.mixes[k, 0, 0, 0])).requires_grad_()
        gradient = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
        norms = gradient.norm(2, dim=1) if recipe.gp == "pixel" else gradient.norm()
        penalty = recipe.penalty * (norms - 1).square().mean()
        (loss + penalty).backward()
        critic.adam.step()
    seen = {"critic_loss": loss, "penalty": penalty}
    parameters = jax.tree.leaves(generator.params)

    def adversarial():
        return -critic(generate(noise, below)).mean()

    def reconstruction():
        return (generate(fixed, fixed_below) - real).square().mean()

    if recipe.g_step == "frozen":
        before = {name: [part.clone() for part in parts] for name, parts in generator.statistics.items()}
        loss = adversarial()
        kept = torch.autograd.grad(loss, parameters)
        generator.statistics = before  # officially these fakes are those of the critic's part, not made again
    elif recipe.g_step == "once":
        loss, error = adversarial(), reconstruction()
        gradients = torch.autograd.grad(loss + recipe.reconstruction_weight * error, parameters)
    for _ in range(recipe.generator_steps):
        if recipe.g_step == "frozen":
            error = reconstruction()
            again = torch.autograd.grad(recipe.reconstruction_weight * error, parameters)
            gradients = [a + b for a, b in zip(kept, again, strict=True)]
        elif recipe.g_step == "recompute":
            loss, error = adversarial(), reconstruction()
            gradients = torch.autograd.grad(loss + recipe.reconstruction_weight * error, parameters)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        generator.adam.step()
    seen |= {"generator_loss": loss, "reconstruction_rmse": error.sqrt()}
    return {name: float(value.detach()) for name, value in seen.items()}


@pytest.mark.parametrize(("g_step", "gp"), [("recompute", "pixel"), ("frozen", "pixel"), ("once", "image")])
def test_three_steps_are_those_of_pytorch_in_float64(pictures, g_step, gp, in_float64):
    """The finer of two scales; the learning rate falls before the third step."""
    torch = pytest.importorskip("torch")
    recipe = SinganRecipe(
        num_scales=2, min_size=12, width=4, layers=2, steps=3, milestones=(0.6,), critic_steps=2, generator_steps=2,
        g_step=g_step, gp=gp,
    )  # fmt: skip
    scales = scales_of(recipe, 18, 24)
    reals = build_pyramid(pictures.pixels[0], scales)
    state = init_state(small_recipe(), scales, jax.random.key(0))
    with jax.enable_x64(True):
        state = jax.tree.map(lambda x: x.astype(jnp.float64) if x.dtype == jnp.float32 else x, state)
        picture = jnp.asarray(reals[1][None], jnp.float64)
        below = assemble(recipe, scales, state, 1, reals[0])
        state = begin_scale(recipe, below, 1, picture, state)
        own = {"scale": state["scale1"], "adam": state["adam"]["scale1"]}
        before = jax.tree.map(np.array, own["scale"])  # a copy: steps donate their state
        amplitude = float(own["scale"]["amplitude"])
        networks = [TorchNetwork(torch, own["scale"][name]) for name in ("generator", "critic")]
        step, draw = make_step(recipe, 1), jax.jit(partial(draw_inputs, recipe, 1))
        differences = []
        for index, rate in enumerate((5e-4, 5e-4, 5e-5)):
            key = jax.random.key(index + 1)
            given = draw(below, own["scale"]["noise"], picture, key)
            assert len(given.below) == 2 and given.noise.dtype == jnp.float64
            own, seen = step(index, own, below, picture, key)
            theirs = torch_step(torch, *networks, recipe, given, amplitude, picture, rate)
            assert set(seen) == set(theirs)
            differences.append(max(abs(float(seen[name]) - theirs[name]) for name in seen))
        assert max(differences) < 1e-9
        for name, network in zip(("generator", "critic"), networks, strict=True):
            ours = own["scale"][name]["params"]
            pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(network.params), strict=True)
            worst = max(float(np.abs(to_torch(a) - b.detach().numpy()).max()) for a, b in pairs)
            assert worst < 1e-7
            moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), ours, before[name]["params"])
            assert all(change > 1e-4 for change in jax.tree.leaves(moved)) or name == "critic"
        for name, (mean, _) in networks[0].statistics.items():
            np.testing.assert_allclose(own["scale"]["generator"]["batch_stats"][name]["norm"]["mean"], mean, atol=1e-7)


def test_a_scale_begins_with_the_weights_below_and_noise_as_strong_as_the_error(work):
    recipe = small_recipe()
    state = work.init(jax.random.key(0))
    for phase in work.phases:
        before = jax.tree.map(np.array, state)  # a copy: steps donate their state
        number = work.phases.index(phase)
        state = phase.begin(state)
        own = state[f"scale{number}"]
        if number == 0:
            assert float(own["amplitude"]) == 1
        else:
            made = assemble(recipe, scales_of(recipe, 18, 24), state, number, np.zeros((18, 24, 3)))
            real = phase.batch(0)
            error = np.asarray(real - made.enlarge(reconstruct(made)[-1], real.shape[1:3]))
            assert float(own["amplitude"]) == pytest.approx(0.1 * np.sqrt(np.mean(error**2)), rel=1e-5)
            jax.tree.map(np.testing.assert_array_equal, own["generator"], before["scale0"]["generator"])
            jax.tree.map(np.testing.assert_array_equal, own["critic"], before["scale0"]["critic"])
        with jax.default_matmul_precision("highest"):  # as in a session, so that nothing is compiled twice
            for index in range(2):
                state, metrics = phase.step(index, state, phase.batch(index), jax.random.key(index))
        assert all(np.isfinite(float(value)) for value in metrics.values())
        for frozen in range(number):
            jax.tree.map(np.testing.assert_array_equal, state[f"scale{frozen}"], before[f"scale{frozen}"])
        assert jax.tree.structure(state) == jax.tree.structure(before)
    noise = np.asarray(state["scale0"]["noise"])
    assert (noise == noise[..., :1]).all()
    assert int(state["adam"]["scale1"]["critic"][0].count) == 2


def test_a_wider_scale_keeps_its_own_start():
    assert [PRESETS["singan"].width_at(n) for n in (0, 3, 4, 8, 12)] == [32, 32, 64, 128, 128]
    recipe = small_recipe(width_growth_every=1)
    scales = scales_of(recipe, 18, 24)
    start = init_state(recipe, scales, jax.random.key(0))
    picture = jnp.zeros((1, *scales.sizes[1], 3))
    below = assemble(recipe, scales, start, 1, np.zeros((*scales.sizes[0], 3)))
    state = begin_scale(recipe, below, 1, picture, start)
    jax.tree.map(np.testing.assert_array_equal, state["scale1"]["generator"], start["scale1"]["generator"])
    assert state["scale1"]["generator"]["params"]["layer0"]["kernel"].shape[-1] == 8


def test_killed_and_resumed_equals_never_killed(tmp_path, work):
    """Stopped within the first scale, after it, and within the last."""
    whole = check_resumes(work, tmp_path, stops=(1, 1, 1), pace=PACE)
    assert [r["step"] for r in read_metrics(whole / "metrics.csv")] == [str(s) for s in range(1, 7)]
    figures = read_metrics(whole / "quality.csv")
    assert len(figures) == 2 and all(float(row["reconstruction"]) > 0 < float(row["diversity"]) for row in figures)
    assert read_card(whole / "model.safetensors")["training"]["quality"]["diversity"] == float(figures[1]["diversity"])


def seed002_recipe() -> SinganRecipe:
    small = small_recipe()
    names = ("min_size", "width", "layers", "critic_steps", "generator_steps", "steps", "seed")
    return dataclasses.replace(PRESETS["seed002"], num_scales=2, **{name: getattr(small, name) for name in names})


@pytest.mark.parametrize("recipe", [small_recipe(), seed002_recipe()], ids=("singan", "seed002"))
def test_a_trained_run_loads_and_remakes_what_the_trainer_did(tmp_path, pictures, work, recipe):
    work, states = work if recipe.scale_rule == "singan" else plan(recipe, pictures), []
    show, last = work.show, len(work.phases) - 1
    work = dataclasses.replace(work, show=lambda state, moment: states.append(state) or show(state, moment))
    with pytest.raises(Interrupted):
        logged = []
        session.run(
            work, tmp_path, source="noise", pace=PACE, on_log=logged.append, should_stop=lambda: len(logged) >= 2
        )
    partly = load_singan(tmp_path)
    assert len(partly.sizes) == 1 and partly.image.shape == (*partly.sizes[0], 3)
    session.run(work, tmp_path, source="noise", pace=PACE)
    model = load_singan(tmp_path)
    scales = scales_of(recipe, 18, 24)
    assert model.sizes == scales.sizes and model.factor == scales.step and model.resize == recipe.resize
    np.testing.assert_array_equal(model.image, build_pyramid(pictures.pixels[0], scales, method=recipe.resize)[-1])
    own = assemble(recipe, scales, states[-1], last + 1, np.asarray(model.image))
    for ours, theirs in zip(reconstruct(model), reconstruct(own), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert model.scales[last].critic.norm == "batch" and model.card["training"]["phase"] == "scale 1 of 0 to 1"


def test_mistakes_are_sentences(pictures):
    for change, said in (
        ({"norm": "group"}, "`norm` must be one of"), ({"layers": 1}, "`layers` must be from 2"),
        ({"critic_steps": 0}, "`critic_steps` must be at least 1"), ({"inherit": "always"}, "take same_width"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            small_recipe(**change)
    with pytest.raises(ValueError, match="picture of 24x18 pixels has no coarser scales.*`min_size`, which is 25"):
        plan(small_recipe(min_size=25), pictures)
    with pytest.raises(ValueError, match="smaller than a patch of 25"):
        plan(small_recipe(layers=12), pictures)
    with pytest.raises(ValueError, match="on one picture, got 2"):
        plan(small_recipe(), Pictures(np.repeat(pictures.pixels, 2, axis=0)))


def test_commands_train_and_sample(tmp_path):
    picture, run, out = tmp_path / "waves.png", tmp_path / "run", tmp_path / "out"
    images.save_png(picture, smooth_picture(30, 40))
    flags = ("--min-size", 15, "--num-scales", 2, "--steps", 5, "--width", 4, "--layers", 2)
    command = ("singan", "train", picture, "-o", run, *flags, "--critic-steps", 1, "--generator-steps", 1)
    shown = printed(*command)
    assert "2 scales" in shown and "40x30" in shown and f"jaxprior singan sample -o samples {run}" in shown
    assert {"run.json", "metrics.csv", "quality.csv", "samples.png", "curves.png", "model.safetensors"} <= {
        file.name for file in run.iterdir()
    }
    printed("singan", "sample", run, "-o", out, "--count", 3)
    names = ["000.png", "001.png", "002.png", "sheet.png"]
    assert sorted(file.name for file in out.iterdir()) == names
    some = [images.load_image(out / name) for name in names[:3]]
    assert all(image.shape == (30, 40, 3) for image in some) and (some[0] != some[1]).any()
    printed("singan", "sample", run / "model.safetensors", "-o", tmp_path / "wide", "--count", 1, "--width-scale", 2)
    assert images.load_image(tmp_path / "wide/000.png").shape == (30, 80, 3)

    other, tiny = tmp_path / "other.png", tmp_path / "tiny.png"
    images.save_png(other, 255 - smooth_picture(30, 40))
    images.save_png(tiny, smooth_picture(10, 12))
    sample = ("singan", "sample", run, "-o", tmp_path / "none")
    for arguments, said in (
        (("singan", "train", tiny, "-o", tmp_path / "none"), "tiny.png: a picture of 12x10 pixels has no coarser"),
        (("singan", "train", tiny, "-o", tmp_path / "none"), "or a smaller `min_size` (--min-size)"),
        ((*command, "--max-size", 15), "shrinks a picture of 40x30 to 15x12 pixels"),
        ((*command[:2], other, *command[3:]), "pictures.sha256"),
        ((*command[:-1], 2), "generator_steps = 1"),
        ((*command, "--preset", "seed002", "--width-growth-every", 2), "take same_width"),
        ((*command, "--coarse-noise-channels", 2), "`coarse_noise_channels` must be one of (1, 3), got 2"),
        (("singan", "sample", tmp_path / "nothing", "-o", tmp_path / "none"), "nothing"),
        ((*sample, "--start-scale", 2), "start_scale: expected 0 to 1"),
        ((*sample, "--start-scale", 1, "--width-scale", 2), "another size wants start_scale 0"),
        (("singan", "sample", run, "-o", picture, "--count", 3), "lies in a file or is one"),
    ):
        message = printed(*arguments, code=2)
        assert said in message and message.count("\n") == 1, message
    assert not Path(tmp_path / "none").exists()
