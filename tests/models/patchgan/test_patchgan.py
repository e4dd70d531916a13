"""Networks of patch-based inpainting: CycleGAN's public ones are configurations of them, and any size goes through."""

from functools import partial

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cyclegan_golden import blocks_of, cotangent_of, input_of, public_gradients, variables_of

from jaxprior.models.patchgan.networks import MULTIPLE, Critic, Generator, from_config, to_config
from jaxprior.nn.filling import smooth_fill
from jaxprior.nn.norm import fold
from jaxprior.training import losses


def network_of(name: str, norm: str):
    if name.startswith("resg"):
        return Generator(8, (1, 1), norm, "transposed", dtype=jnp.float64)
    return Critic((8, 16, 32), 64, None, norm=norm, dtype=jnp.float64)


def applied(network, variables, x, train):
    """The picture of a generator, or the patch map of a critic; and the new running statistics."""
    y, changed = network.apply(variables, x, train=train, mutable=["batch_stats"])
    return (y["patch"] if isinstance(network, Critic) else y), changed


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("name", ["resg_bn", "resg_in", "patch_bn", "patch_in", "patch_int"])
def test_networks_of_the_public_cyclegan(golden, name, mode):
    """Results, losses of a map, gradients in the input and in every weight, and what the statistics become."""
    with jax.enable_x64(True):
        arrays = golden("cyclegan")
        variables, norm, train = variables_of(arrays, name), "instance", mode == "train"
        affine = variables.pop("affine", None)
        if name.endswith("_bn"):
            norm = "batch"
        elif affine is not None and not train:
            variables, norm = {"params": affine}, "affine"
        network = network_of(name, norm)
        x, cot = (jnp.asarray(f(arrays, name, mode)) for f in (input_of, cotangent_of))

        @jax.jit
        def both(params, x):
            y, changed = applied(network, {**variables, "params": params}, x, train)
            return jnp.sum(y * cot), (y, changed)

        (dparams, dx), (y, changed) = jax.grad(both, (0, 1), has_aux=True)(variables["params"], x)
        place = f"{name}.{mode}"
        np.testing.assert_allclose(y.transpose(0, 3, 1, 2), arrays[f"{place}.y"], atol=2e-6)
        np.testing.assert_allclose(dx.transpose(0, 3, 1, 2)[:, :, ::4, ::3], arrays[f"{place}.dx.part"], atol=2e-6)
        assert float(jnp.linalg.norm(dx.ravel())) == pytest.approx(float(arrays[f"{place}.dx.norm"]), rel=1e-6)
        if isinstance(network, Critic):
            least_squares = [2 * losses.least_squares_generator(y, c=c) for c in (1.0, 0.0)]
            np.testing.assert_allclose(least_squares, arrays[f"{place}.lsgan_real_fake"], rtol=1e-9)
            entropies = [losses.nonsaturating_generator(y), -losses.saturating_generator(y)]
            np.testing.assert_allclose(entropies, arrays[f"{place}.bce_real_fake"], rtol=1e-9)
        if norm == "affine":
            return  # its parameters are made of several public ones
        theirs = public_gradients(name, dparams)
        norms = [np.linalg.norm(theirs[str(key)]) for key in arrays[f"{place}.gradkeys"]]
        expected = arrays[f"{place}.gradnorms"]
        assert len(norms) == len(theirs)
        counted = expected > 1e-6 * expected.max()  # a bias before a norm has none but rounding
        np.testing.assert_allclose(np.asarray(norms)[counted], expected[counted], rtol=1e-7)
        for key, gradient in theirs.items():
            if (whole := arrays.get(f"{place}.grad.{key.removeprefix(f'{name}.')}")) is not None:
                np.testing.assert_allclose(gradient, whole, atol=2e-5)
        if norm == "batch" and train:
            _check_statistics(arrays, name, variables, changed)


def _check_statistics(arrays, name, variables, changed):
    """PyTorch's running variance is that of a sample, n / (n - 1) of ours; the mean is the same."""
    public = {norm: ours for ours, (_, norm) in blocks_of(name).items()}
    known = [key for key in arrays if key.startswith(f"{name}.after_train") and key.endswith("running_mean")]
    assert known
    for key in known:
        ours = public[key.split(".")[3]]
        new, old = (tree["batch_stats"][ours]["norm"] for tree in (changed, variables))
        np.testing.assert_allclose(new["mean"], arrays[key], atol=1e-6)
        b, _, h, w = arrays[f"{name}.shape"]
        n = b * h * w // 16 if isinstance(network_of(name, "batch"), Critic) else b * h * w
        theirs = 0.9 * old["var"] + (new["var"] - 0.9 * old["var"]) * n / (n - 1)
        np.testing.assert_allclose(theirs, arrays[key.replace("mean", "var")], atol=1e-6)


@pytest.fixture(scope="module")
def generator():
    """A small generator with statistics as after some training, its variables, and the same folded."""
    network = Generator(4, (1, 2))
    variables = jax.jit(network.init_variables)(jax.random.key(0))
    variables["params"]["output"]["kernel"] *= 5  # further from the start's pictures, which are nearly grey
    x = jax.random.normal(jax.random.key(1), (4, 24, 24, 4))
    look = jax.jit(partial(network.apply, train=True, mutable=["batch_stats"]))
    for _ in range(40):
        variables |= look(variables, x)[1]
    return network, variables, from_config(to_config(network)), fold(variables)


def test_folded_weights_make_the_same_pictures_at_every_size(generator):
    network, variables, folded, params = generator
    assert folded.norm == "affine" and set(params["down0"]) == {"kernel", "scale", "bias"}
    for shape in ((64, 64), (96, 64), (4, 12)):
        x = jax.random.normal(jax.random.key(2), (2, *shape, 4))
        y = jax.jit(folded.apply)({"params": params}, x)
        assert y.shape == (2, *shape, 3) and np.ptp(np.asarray(y)) > 0.1
        np.testing.assert_allclose(y, jax.jit(network.apply)(variables, x), atol=1e-5)


def test_with_a_smooth_base_the_network_adds_to_a_fill_of_the_holes():
    """Known pixels need no network; and a part with all that it sees is filled as in the whole picture."""
    network = from_config(to_config(Generator(4, (1,), "affine", base="smooth")))
    assert network.base == "smooth" and network.multiple == 32
    params = jax.jit(network.init_variables)(jax.random.key(0))["params"]
    chance = np.random.default_rng(0)
    pictures = jnp.asarray(chance.uniform(-1, 1, (1, 512, 64, 3)), jnp.float32)
    missing = jnp.asarray(chance.uniform(size=(1, 512, 64, 1)) < 0.7, jnp.float32)
    shown = jnp.concatenate([jnp.where(missing > 0, 0.1, pictures), missing], axis=-1)
    still = {**params, "output": jax.tree.map(jnp.zeros_like, params["output"])}
    made = jax.jit(network.apply)({"params": still}, shown)
    np.testing.assert_array_equal(np.where(missing > 0, 0, made), np.where(missing > 0, 0, pictures))
    np.testing.assert_allclose(made, smooth_fill(shown[..., :3], missing, levels=5), atol=1e-6)
    assert network.reach < 128
    loud = {name: {**block, "kernel": 8 * block["kernel"]} for name, block in params.items()}
    draw = jax.jit(network.apply)
    whole, part = draw({"params": loud}, shown), draw({"params": loud}, shown[:, 128:480])
    assert float(jnp.abs(whole - made).max()) > 0.05
    np.testing.assert_array_equal(np.where(missing > 0, 0, whole), np.where(missing > 0, 0, pictures))
    np.testing.assert_allclose(part[:, 128:192], whole[:, 256:320], atol=1e-5)


def test_with_skips_what_the_way_down_saw_is_added_on_the_way_up():
    """Without its blocks' changes and its ways up, the network still sees full-size detail; a card keeps the field."""
    network = from_config(to_config(Generator(4, (1,), "affine", skips=True)))
    assert network.skips and "skips" not in to_config(Generator(4))
    params = jax.jit(network.init_variables)(jax.random.key(0))["params"]
    for name in ("up0", "up1"):
        params[name] = jax.tree.map(jnp.zeros_like, params[name])
    x = jax.random.normal(jax.random.key(1), (1, 32, 32, 4))
    draw = jax.jit(network.apply)
    made = draw({"params": params}, x)
    only = nn.relu(jax.jit(lambda x: network.apply({"params": params}, x, method=lambda self, x: self.input(x)))(x))
    expected = jnp.tanh(network.apply({"params": params}, only, method=lambda self, x: self.output(x)))
    np.testing.assert_allclose(made, expected, atol=1e-6)
    plain = from_config({**to_config(network), "skips": False})
    assert float(jnp.abs(jax.jit(plain.apply)({"params": params}, x)).max()) == 0 < float(jnp.abs(made).max())


@pytest.mark.parametrize("up", ["nearest", "transposed"])
def test_reach_is_how_far_a_pixel_is_seen(up):
    """The farthest pixel that matters is as far as that; and a shift by four pixels shifts the result."""
    network = Generator(2, (1, 2), "none", up)
    variables = jax.jit(network.init_variables)(jax.random.key(0))
    variables = jax.tree.map(jnp.abs, variables)  # nothing cancels
    side, reach, draw = 160, network.reach, jax.jit(network.apply)
    x = jax.random.uniform(jax.random.key(1), (1, side, side, 4))

    @jax.jit
    def seen(row):
        return jax.grad(lambda x: network.apply(variables, x)[0, row, 80].sum())(x)

    distances = []
    for row in range(80, 80 + MULTIPLE):
        there = np.flatnonzero(np.abs(seen(row)).sum(axis=(0, 2, 3)))
        distances += [row - there.min(), there.max() - row]
    assert max(distances) == reach
    moved, still = draw(variables, jnp.roll(x, 4, axis=1)), draw(variables, x)
    inner = slice(reach + 4, side - reach)
    np.testing.assert_allclose(moved[:, inner], jnp.roll(still, 4, axis=1)[:, inner], rtol=1e-4)


def test_an_instance_norm_sees_the_whole_picture():
    """Which is why no restorer has one: the same place of a part and of the whole differ."""
    network = Generator(4, (), "instance")
    variables = jax.jit(network.init_variables)(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (1, 128, 32, 4))
    for norm in ("instance", "none"):
        draw = jax.jit(Generator(4, (), norm).apply)
        whole, part = (np.asarray(draw(variables, pictures))[0, 28:36] for pictures in (x, x[:, :64]))
        assert network.reach <= 28 and (np.abs(whole - part).max() > 1e-4) == (norm == "instance")


def test_both_heads_rate_and_both_teach_the_trunk():
    critic = Critic((4, 6, 8), 10, 32)
    variables = jax.jit(critic.init_variables)(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (3, 32, 32, 3))
    scores = jax.jit(critic.apply)(variables, x)
    assert {name: score.shape for name, score in scores.items()} == {"global": (3,), "patch": (3, 2, 2, 1)}

    @jax.jit
    def squares(params):
        return {name: jnp.sum(s**2) for name, s in critic.apply({**variables, "params": params}, x).items()}

    slopes = jax.jit(jax.jacrev(squares))(variables["params"])
    for head, other in (("global", "patch"), ("patch", "global")):
        slope = slopes[head]
        size = {name: sum(float(jnp.abs(g).sum()) for g in jax.tree.leaves(tree)) for name, tree in slope.items()}
        assert all(size[f"layer{k}"] > 0 for k in range(3)) and size[f"{head}_output"] > 0
        assert size[f"{other}_layer"] == size[f"{other}_output"] == 0
    for one, layers in ((Critic((4,), 4, None), "patch"), (Critic((4,), 4, 8, patch=False), "global")):
        variables = jax.eval_shape(one.init_variables, jax.random.key(0))
        assert set(variables["params"]) == {"layer0", f"{layers}_layer", f"{layers}_output"}
        assert set(jax.eval_shape(one.apply, variables, x[:, :8, :8])) == {layers}


def test_the_map_of_patches_shifts_with_the_picture():
    critic = Critic((4, 6, 8), 10, None, norm="none")
    variables = jax.jit(critic.init_variables)(jax.random.key(0))
    x = jax.random.normal(jax.random.key(1), (1, 160, 64, 3))
    rate = jax.jit(critic.apply)
    here, there = (rate(variables, pictures)["patch"] for pictures in (x, jnp.roll(x, 16, axis=1)))
    assert here.shape == (1, 18, 6, 1)
    np.testing.assert_allclose(there[:, 7:-5], here[:, 5:-7], atol=1e-6)  # sixteen pixels are two of the map
    assert np.abs(there[:, 7:-5] - here[:, 7:-5]).max() > 1e-4


def test_configs_that_describe_no_network():
    config = to_config(Generator(4, (1, 2)))
    assert from_config(config) == Generator(4, (1, 2), "affine")
    for change in ({"width": 0}, {"dilations": [1.5]}, {"up": "cubic"}, {"norm": "batch"}, {"more": 1}):
        with pytest.raises(TypeError):
            from_config({**config, **change})
    with pytest.raises(KeyError):
        from_config({"width": 4})
