"""The ConSinGAN recipe: steps against PyTorch, how a stage begins, continuing a killed run, and the commands."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from growing_torch import Growing, nchw, to_torch
from program import printed
from resuming import check_resumes

from jaxprior.data import images
from jaxprior.models import singan
from jaxprior.models.consingan.augmenting import changed
from jaxprior.models.consingan.config import PRESETS, ConsinganRecipe
from jaxprior.models.consingan.model import ConSinGan
from jaxprior.models.consingan.stage import draw_inputs, make_step
from jaxprior.models.consingan.state import assemble, begin_stage, init_state
from jaxprior.models.consingan.train import plan
from jaxprior.models.singan import build_pyramid, load_singan, reconstruct
from jaxprior.models.singan.planning import scales_of
from jaxprior.training import session
from jaxprior.training.loop import Pace
from jaxprior.training.metrics_file import read_metrics
from jaxprior.training.pictures import Pictures
from jaxprior.weights.storage import read_card


PACE = Pace(log_every=1, checkpoint_seconds=1e9, snapshot_seconds=1e9)
SMALL = {
    "num_scales": 2, "min_size": 9, "width": 4, "layers": 1, "critic_steps": 1, "generator_steps": 2, "steps": 3,
    "seed": 3,
}  # fmt: skip
HEIGHT, WIDTH = 15, 19


def small_recipe(**changes) -> ConsinganRecipe:
    return ConsinganRecipe(**{**SMALL, "train_depth": 1, **changes})


def pairs(a, b) -> list[tuple]:
    """Leaves of two trees of one structure."""
    return list(zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    y, x, c = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), np.arange(3), indexing="ij")
    return Pictures(np.uint8(127.5 + 60 * np.sin(y / 3 + c) + 60 * np.cos(x / 4 - c))[None])


@pytest.fixture
def in_float64(monkeypatch):
    """Networks compute in float64."""
    monkeypatch.setattr("jaxprior.models.consingan.stage.dtype_of", lambda settings: jnp.float64)


def doubled(tree):
    return jax.tree.map(lambda x: x.astype(jnp.float64) if x.dtype == jnp.float32 else x, tree)


CASES = [
    {"generator_steps": 3, "critic_steps": 2},
    {"norm": "instance", "g_step": "recompute", "edges": "zero", "train_depth": 1},
    {"norm": "instance", "edges": "zero", "slope": 0.3, "starts_from": "shuffled"},
]


@pytest.mark.parametrize("changes", CASES, ids=["once", "recompute", "shuffled"])
def test_three_steps_are_those_of_pytorch_in_float64(changes, pictures, in_float64):
    """The finer of two stages. The learning rate falls before the third step; what is not trained stays as it is."""
    torch = pytest.importorskip("torch")
    recipe = ConsinganRecipe(**{**SMALL, "milestones": (0.6,), **changes})
    scales = scales_of(recipe, HEIGHT, WIDTH)
    reals = build_pyramid(pictures.pixels[0], scales)
    same = ("layers", "norm", "edges", "starts_from")
    single = small_recipe(**{name: getattr(recipe, name) for name in same})
    state = init_state(single, scales, reals[0], jax.random.key(0))
    with jax.enable_x64(True):
        state = doubled(state)
        picture = jnp.asarray(reals[1][None], jnp.float64)
        state = begin_stage(recipe, scales, 1, picture, state)
        before = jax.tree.map(np.array, state["generator"])  # a copy: steps donate their state
        theirs = Growing(torch, recipe, state["generator"], state["critic"])
        fixed = [nchw(torch, state["noise"][f"stage{n}"][None]) for n in (0, 1)]
        amplitudes, sizes = np.array(state["amplitudes"]), scales.sizes
        assert amplitudes[1] > 0.01
        optimizer = theirs.generator_adam({name: 5e-4 * share for name, share in recipe.trained(1).items()})
        step = make_step(recipe, scales, 1)
        differences = []
        for index in range(3):
            if index == 2:
                for group in (*optimizer.param_groups, *theirs.critic_adam.param_groups):
                    group["lr"] *= recipe.gamma
            key = jax.random.key(index)
            given = draw_inputs(recipe, scales, 1, key, dtype=jnp.float64)
            batch, noises = picture, list(given.noises)
            if recipe.starts_from != "noise":  # the picture with parts of it moved takes the place of the first noise
                noises[0] = jnp.asarray(changed("shuffled", reals[0], np.random.default_rng(index))[None], jnp.float64)
                batch = picture, noises[0]
            state, seen = step(index, state, batch, key)
            noises = [nchw(torch, noise) for noise in noises]
            mixes = [float(mix) for mix in given.mixes[:, 0, 0, 0]]
            found = theirs.step(nchw(torch, picture), noises, fixed, amplitudes, sizes, mixes, optimizer)
            assert set(seen) == set(found)
            differences.append(max(abs(float(seen[name]) - found[name]) for name in seen))
        assert max(differences) < 1e-9
        for ours, others in ((state["generator"], theirs.parts), (state["critic"], theirs.critic_parts)):
            worst = max(float(np.abs(to_torch(a) - b.detach().numpy()).max()) for a, b in pairs(ours, others))
            assert worst < 1e-7
        for name, part in state["generator"].items():
            moved = max(float(jnp.abs(a - b).max()) for a, b in pairs(part, before[name]))
            share = recipe.trained(1).get(name, 0)
            assert 5e-4 * share <= moved <= 5e-3 * share


@pytest.fixture(scope="module")
def work(pictures) -> session.Plan:
    """A plan of two scales, of which only the newest is trained; its steps are compiled once for several tests."""
    return plan(small_recipe(), pictures)


def test_a_stage_begins_as_a_copy_with_noise_as_strong_as_the_error(work):
    recipe = small_recipe()
    state = work.init(jax.random.key(0))
    scales = scales_of(recipe, HEIGHT, WIDTH)
    np.testing.assert_array_equal(state["noise"]["stage0"], work.phases[0].batch(0)[0])
    for number, phase in enumerate(work.phases):
        start = jax.tree.map(np.array, state)  # a copy: steps donate their state
        state = phase.begin(state)
        begun = jax.tree.map(np.array, state)
        assert jax.tree.structure(begun) == jax.tree.structure(start) and int(begun["stage"]) == number
        assert all(not leaf.any() for leaf in jax.tree.leaves(begun["adam"]))
        jax.tree.map(np.testing.assert_array_equal, begun["critic"], start["critic"])
        if number:
            own, below = (begun["generator"][f"stage{n}"] for n in (number, number - 1))
            jax.tree.map(np.testing.assert_array_equal, own, below)
            silent = {**state, "amplitudes": state["amplitudes"].at[number].set(0)}
            real = phase.batch(0)
            remade = reconstruct(assemble(recipe, scales, silent, number + 1, real[0]))[-1]
            error = np.sqrt(np.mean((np.asarray(real) - np.asarray(remade)) ** 2))
            assert float(begun["amplitudes"][number]) == pytest.approx(0.1 * error, rel=1e-5)
        with jax.default_matmul_precision("highest"):  # as in a session, so that nothing is compiled twice
            for index in range(2):
                state, metrics = phase.step(index, state, phase.batch(index), jax.random.key(index))
        assert all(np.isfinite(float(value)) for value in metrics.values())
        moving = recipe.trained(number)
        for name, part in state["generator"].items():
            same = all((a == b).all() for a, b in pairs(part, begun["generator"][name]))
            assert same == (name not in moving)
            assert int(state["adam"]["generator"][name][0].count) == (4 if name in moving else 0)
    assert "head" not in moving and "stage0" not in moving
    assert int(state["adam"]["critic"][0].count) == 2


def test_killed_and_resumed_equals_never_killed(tmp_path, work):
    """Stopped within the first scale, after it, and within the last."""
    whole = check_resumes(work, tmp_path, stops=(1, 1, 1), pace=PACE)
    assert [r["step"] for r in read_metrics(whole / "metrics.csv")] == [str(s) for s in range(1, 7)]
    figures = read_metrics(whole / "quality.csv")
    assert len(figures) == 2 and all(float(row["reconstruction"]) > 0 < float(row["diversity"]) for row in figures)
    card = read_card(whole / "model.safetensors")
    assert card["architecture"] == "consingan" and card["training"]["phase"] == "scale 1 of 0 to 1"
    model = load_singan(whole)
    assert model.sizes == scales_of(small_recipe(), HEIGHT, WIDTH).sizes
    error = 127.5 * float(jnp.sqrt(jnp.mean(jnp.square(reconstruct(model)[-1][0] - model.image))))
    assert error == pytest.approx(float(figures[-1]["reconstruction"]), rel=1e-3)


def test_mistakes_are_sentences(pictures):
    for change, said in (
        ({"norm": "batch"}, "`norm` must be one of"), ({"layers": 0}, "`layers` must be from 1"),
        ({"train_depth": 0}, "`train_depth` must be at least 1"), ({"lr_scale": 2.0}, "must be from 0 to 1"),
        ({"z_rec": "resample"}, "`z_rec` must be one of"),
        ({"starts_from": "clip art"}, "`starts_from` must be one of"),
        ({"starts_from": "shuffled", "z_rec": "fixed"}, "`z_rec` must be image where"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            small_recipe(**change)
    with pytest.raises(ValueError, match="smaller than a patch of 19"):
        plan(small_recipe(layers=7), pictures)
    with pytest.raises(ValueError, match="on one picture, got 2"):
        plan(small_recipe(), Pictures(np.repeat(pictures.pixels, 2, axis=0)))


def test_commands_train_and_sample(tmp_path, pictures):
    picture, run, out = tmp_path / "waves.png", tmp_path / "run", tmp_path / "out"
    images.save_png(picture, pictures.pixels[0])
    recipe = {**SMALL, "train_depth": 1, "lr_scale": 0.1, "slope": 0.05, "g_step": "once"}
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in recipe.items()]
    command = ("singan", "train", picture, "--preset", "consingan", "-o", run, *flags)
    shown = printed(*command)
    assert "2 scales" in shown and f"jaxprior singan sample -o samples {run}" in shown
    model = load_singan(run)
    assert isinstance(model, ConSinGan) and len(model.sizes) == 2
    printed("singan", "sample", run, "-o", out, "--count", 2, "--height-scale", 2)
    assert images.load_image(out / "000.png").shape == (2 * HEIGHT, WIDTH, 3)
    for arguments, said in (
        ((*command, "--critic-norm", "none", "--inherit", "never"), "--critic-norm, --inherit: this preset has"),
        ((*command[:3], "-o", run, "--train-depth", 2), "--train-depth: this preset has no such choice"),
        ((*command, "--z-rec", "resample"), "`z_rec` must be one of ('image', 'fixed')"),
        ((*command, "--seed", 7), "seed = 3"),
    ):
        message = printed(*arguments, code=2)
        assert said in message and message.count("\n") == 1, message


def test_a_model_that_harmonizes_is_trained_resumed_and_used(tmp_path, pictures):
    """What a step starts from follows from its place alone, so that killed and resumed equals never killed."""
    settings = {"starts_from": "augmented", "edges": "zero", "norm": "instance", "generator_steps": 1}
    work = plan(small_recipe(**settings), pictures)
    picture, first = work.phases[1].batch(1)
    assert first.shape == (1, *work.phases[0].batch(0)[0].shape[1:]) and picture.shape == (1, HEIGHT, WIDTH, 3)
    np.testing.assert_array_equal(first, plan(small_recipe(**settings), pictures).phases[1].batch(1)[1])
    firsts = [phase.batch(index)[1] for phase in work.phases for index in (0, 1)]
    assert len({first.tobytes() for first in firsts}) == 4
    whole = check_resumes(work, tmp_path, stops=(1, 1), pace=PACE)
    model = load_singan(whole)
    assert model.starts_from == "augmented" and read_card(whole / "model.safetensors")["config"]["edges"] == "zero"
    pasted = pictures.pixels[0].copy()
    pasted[3:9, 4:9] = 255
    mask = np.zeros((HEIGHT, WIDTH))
    mask[3:9, 4:9] = 1
    key = jax.random.key(0)
    made = singan.harmonize(model, pasted, mask, key=key, radius=1, sigma=0.5)
    assert made.images.shape == (1, 1, HEIGHT, WIDTH, 3) and made.start_scales == (0,)
    kept = np.asarray(made.mask) == 0
    np.testing.assert_array_equal(made.masked[0, 0][kept], made.reference[kept])
    own = singan.inject(model, np.asarray(model.image), key)[0, 0]
    assert float(jnp.abs(own - made.images[0, 0]).mean()) > 1e-4
    drawn = singan.draw(model, key, count=2, width_scale=2.0)
    assert drawn.shape == (2, HEIGHT, 2 * WIDTH, 3) and bool(jnp.isfinite(drawn).all())
    for call, said in (
        (lambda: singan.harmonize(model, pasted, mask, key=key, count=2), "makes always the same image"),
        (lambda: singan.edit(model, pasted, mask, key=key, start_scales=(1,)), "expected 0, where pictures enter"),
        (lambda: singan.paint(model, pasted, key), "take a SinGAN"),
    ):
        with pytest.raises(ValueError, match=said):
            call()


def test_presets_are_the_official_modes():
    recipes = {name: PRESETS[f"consingan-{name}"] for name in ("harmonize", "edit", "retarget", "animate")}
    assert scales_of(recipes["harmonize"], 180, 240).sizes == ((120, 160), (147, 196), (180, 240))
    assert scales_of(recipes["edit"], 167, 250).sizes[0] == (25, 38) and recipes["edit"].num_scales == 6
    assert scales_of(recipes["animate"], 167, 250).sizes[0] == (20, 30) and recipes["animate"].z_rec == "fixed"
    assert {name: recipe.edges for name, recipe in recipes.items() if recipe.edges == "enlarged"} == {
        "animate": "enlarged"
    }
    assert [recipe.norm for recipe in recipes.values()] == ["instance", "instance", "none", "none"]
