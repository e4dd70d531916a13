"""Attention modules against public PyTorch code (golden arrays, and PyTorch itself), and what inversion relies on."""

import math
import re
import zlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_weights import nhwc
from skimage.measure import block_reduce

from jaxprior.inversion.codes.attention import CBAM, SelfAttention, channel_gate, spatial_gate


MODULES = [
    SelfAttention(),
    SelfAttention(scaled=True),
    SelfAttention(pool=2, value_ratio=0.5, biases=False),
    CBAM(),
    CBAM(start="random"),
    CBAM(norm="none", start="random"),
]


def drawn(name, shape):
    """Recipe of the golden arrays: weights under their PyTorch names, inputs as "input:..."."""
    values = np.random.default_rng([20261120, zlib.crc32(name.encode())]).normal(size=shape)
    last = name.rsplit(".", 1)[-1]
    if name.startswith("input:") or not shape:
        pass
    elif last in ("running_mean", "bias"):
        values = 0.1 * values
    elif last == "running_var":
        values = np.exp(0.2 * values)
    elif last == "gamma":
        values = 0.5 + 0.1 * values
    elif len(shape) >= 2:
        values = values * math.sqrt(2.0 / math.prod(shape[1:]))
    else:  # a norm's scale of one element
        values = 0.25 + 0.05 * values
    return values.astype(np.float32)


def tensors(arrays, case):
    """PyTorch's state dict of a golden case."""
    found = {}
    for entry in arrays[f"{case}.keys"]:
        name, shape = re.fullmatch(r"(\S+) \((.*)\)", str(entry)).groups()
        found[name] = drawn(name, tuple(int(n) for n in shape.split(",") if n.strip()))
    return found


def cbam_params(t):
    """State dict of the official CBAM -> parameters."""
    mlp, spatial = "ChannelGate.mlp", "SpatialGate.spatial"
    return {
        "reduce": {"kernel": t[f"{mlp}.1.weight"].T, "bias": t[f"{mlp}.1.bias"]},
        "expand": {"kernel": t[f"{mlp}.3.weight"].T, "bias": t[f"{mlp}.3.bias"]},
        "spatial": {"kernel": t[f"{spatial}.conv.weight"].transpose(2, 3, 1, 0)},
        "norm": {"scale": t[f"{spatial}.bn.weight"][0], "bias": t[f"{spatial}.bn.bias"][0]},
    }


def folded(t):
    """The same with the running statistics of the batch normalisation folded into its scale and bias."""
    params = cbam_params(t)
    bn = "SpatialGate.spatial.bn"
    scale = params["norm"]["scale"] / np.sqrt(t[f"{bn}.running_var"][0] + 1e-5)
    return {**params, "norm": {"scale": scale, "bias": params["norm"]["bias"] - t[f"{bn}.running_mean"][0] * scale}}


def random_params(module, channels=16, seed=0):
    """Parameters away from the neutral start."""
    params = module.init(jax.random.key(seed), channels)
    leaves, tree = jax.tree.flatten(params)
    keys = jax.random.split(jax.random.key(seed + 1), len(leaves))
    return tree.unflatten([p + 0.3 * jax.random.normal(k, p.shape) for p, k in zip(leaves, keys, strict=True)])


def features_of(*shape, seed=3):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def close(a, b, *, atol=0.0, rtol=0.0):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=atol)


def compare(function, arrays, case, inputs, *, atol):
    """Output and input gradient of `function` for the golden input; large cases keep every 4th channel."""
    channels = int(re.search(r"\d+", inputs).group())
    side, kept = (8, 1) if channels == 64 else (4, 4)
    x = jnp.asarray(nhwc(drawn(f"input:{inputs}", (2, channels, side, side))))
    y, pull = jax.vjp(jax.jit(function), x)
    (dx,) = pull(jnp.asarray(nhwc(drawn(f"input:{case}:cot", (2, channels, side, side)))))
    close(y[..., ::kept], nhwc(arrays[f"{case}.y"]), atol=atol)
    expected = nhwc(arrays[f"{case}.dx"])
    assert np.linalg.norm(dx[..., ::kept] - expected) < 1e-5 * np.linalg.norm(expected)
    close(dx[..., ::kept], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("channels, atol", [(64, 5e-6), (512, 2e-5)])
def test_self_attention_equals_public_pytorch_code(golden, channels, atol):
    arrays, case = golden("attention_sagan"), f"attn{channels}"
    t = tensors(arrays, case)
    params = {
        name: {"kernel": t[f"{name}_conv.weight"][:, :, 0, 0].T, "bias": t[f"{name}_conv.bias"]}
        for name in ("query", "key", "value")
    }
    params["gamma"] = t["gamma"][0]
    module = SelfAttention()
    compare(lambda x: module.apply(params, x), arrays, case, case, atol=atol)
    side = 8 if channels == 64 else 4
    weights = module.attention(params, nhwc(drawn(f"input:{case}", (2, channels, side, side))))
    close(weights, arrays[f"{case}.attn"], atol=atol)


@pytest.mark.parametrize("channels", [64, 512])
@pytest.mark.parametrize("mode", ["eval", "train", "channelgate"])
def test_cbam_equals_the_official_code(golden, channels, mode):
    arrays, case = golden("attention_cbam"), f"cbam{channels}"
    t = tensors(arrays, case)

    def evaluated(x):
        return CBAM(norm="none").apply(folded(t), x)

    def gated(x):
        return x * channel_gate(cbam_params(t), x)

    def trained(x):  # the official batch normalisation mixes the images of the batch
        return gated(x) * spatial_gate(cbam_params(t), gated(x), axes=(0, 1, 2, 3))

    function = {"eval": evaluated, "train": trained, "channelgate": gated}[mode]
    compare(function, arrays, f"{case}.{mode}", case, atol=2e-6)


def test_cbam_per_image_equals_pytorch_on_batches_of_one():
    torch = pytest.importorskip("torch")
    ops = torch.nn.functional
    module = CBAM(reduction=4, start="random")
    params = random_params(module)
    x, cotangent = features_of(3, 6, 9, 16), features_of(3, 6, 9, 16, seed=4)
    leaves, tree = jax.tree.flatten(params)
    twins = [torch.tensor(np.array(leaf), requires_grad=True) for leaf in leaves]
    p = tree.unflatten(twins)

    def mlp(pooled):
        hidden = ops.relu(ops.linear(pooled.flatten(1), p["reduce"]["kernel"].T, p["reduce"]["bias"]))
        return ops.linear(hidden, p["expand"]["kernel"].T, p["expand"]["bias"])

    def one(image):  # [1, c, h, w]
        gate = torch.sigmoid(mlp(ops.adaptive_avg_pool2d(image, 1)) + mlp(ops.adaptive_max_pool2d(image, 1)))
        image = image * gate[:, :, None, None]
        pooled = torch.cat([image.amax(1, keepdim=True), image.mean(1, keepdim=True)], 1)
        maps = ops.conv2d(pooled, p["spatial"]["kernel"].permute(3, 2, 0, 1), padding=3)
        scale, bias = p["norm"]["scale"].reshape(1), p["norm"]["bias"].reshape(1)
        return image * torch.sigmoid(ops.batch_norm(maps, None, None, scale, bias, training=True))

    twin_x = torch.tensor(np.array(x).transpose(0, 3, 1, 2), requires_grad=True)
    expected = torch.cat([one(twin_x[i : i + 1]) for i in range(3)])
    expected.backward(torch.tensor(np.array(cotangent).transpose(0, 3, 1, 2)))
    y, pull = jax.vjp(jax.jit(module.apply), params, x)
    gradients, dx = pull(cotangent)
    close(y, nhwc(expected.detach().numpy()), atol=2e-6)
    close(dx, nhwc(twin_x.grad.numpy()), rtol=1e-3, atol=1e-5)
    for ours, twin in zip(jax.tree.leaves(gradients), twins, strict=True):
        close(ours, twin.grad.numpy(), rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("module", MODULES)
def test_an_image_does_not_see_the_others(module):
    """A batch of one, a batch of four with its own parameters each, and leading axes with shared parameters."""
    x = features_of(4, 8, 8, 16)
    each = [random_params(module, seed=10 * i) for i in range(4)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *each)

    def loss(params, image):
        y = module.apply(params, image)
        return jnp.sum(jnp.sin(y)), y

    step = jax.jit(jax.vmap(jax.grad(loss, has_aux=True)))
    gradients, together = step(stacked, x)
    for i in range(4):
        one = slice(i, i + 1)
        alone_gradients, alone = step(jax.tree.map(lambda p, one=one: p[one], stacked), x[one])
        close(together[one], alone, atol=1e-6, rtol=1e-6)
        jax.tree.map(lambda a, b, one=one: close(a[one], b, atol=2e-5, rtol=1e-4), gradients, alone_gradients)
    shared = jax.jit(module.apply)(each[1], x.reshape(2, 2, 8, 8, 16))
    close(shared[0, 1], together[1], atol=1e-6, rtol=1e-6)
    assert np.abs(together - x).max() > 0.05


@pytest.mark.parametrize("module", MODULES)
def test_no_convolution_under_vmap(module):
    params = jax.vmap(lambda key: module.init(key, 16))(jax.random.split(jax.random.key(0), 3))

    def loss(params, image):
        return jnp.sum(module.apply(params, image) ** 2)

    step = jax.vmap(jax.grad(loss, argnums=(0, 1)))
    assert "conv_general_dilated" not in str(jax.make_jaxpr(step)(params, features_of(3, 8, 8, 16)))


@pytest.mark.parametrize("scaled", [False, True])
def test_self_attention_starts_as_the_identity(scaled):
    module = SelfAttention(scaled=scaled)
    x = features_of(2, 8, 8, 16)
    params = module.init(jax.random.key(0), 16)
    np.testing.assert_array_equal(module.apply(params, x), x)
    gradients = jax.jit(jax.grad(lambda p: jnp.sum(jnp.sin(module.apply(p, x)))))(params)
    assert abs(gradients.pop("gamma")) > 1e-3
    assert all(not np.any(leaf) for leaf in jax.tree.leaves(gradients))
    moved = jax.grad(lambda p: jnp.sum(jnp.sin(module.apply(p, x))))({**params, "gamma": jnp.ones(())})
    assert all(np.any(moved[name]["kernel"]) for name in ("query", "key", "value"))


def test_scaled_scores_are_divided_by_the_root_of_the_key_channels():
    params, x = random_params(SelfAttention(), channels=32), features_of(2, 4, 4, 32)
    root = math.sqrt(32 // 8)
    shrunk = {**params, "query": jax.tree.map(lambda p: p / root, params["query"])}
    scaled, plain = SelfAttention(scaled=True), SelfAttention()
    close(scaled.apply(params, x), plain.apply(shrunk, x), atol=1e-5)
    assert np.abs(scaled.apply(params, x) - plain.apply(params, x)).max() > 1e-2
    weights = scaled.attention(params, x)
    assert weights.shape == (2, 16, 16)
    close(weights.sum(-1), np.ones((2, 16)), atol=1e-6)


def test_the_published_form_attends_to_pooled_keys_with_half_as_many_values():
    module = SelfAttention(pool=2, value_ratio=0.5, biases=False)
    params, x = random_params(module, channels=16), np.asarray(features_of(2, 6, 8, 16), np.float64)
    assert {name: set(layer) for name, layer in params.items() if name != "gamma"} == dict.fromkeys(
        ("query", "key", "value", "output"), {"kernel"}
    )
    kernels = {name: np.asarray(layer["kernel"], np.float64) for name, layer in params.items() if name != "gamma"}
    assert kernels["value"].shape == (16, 8) and kernels["output"].shape == (8, 16)
    for image, made in zip(x, np.asarray(module.apply(params, x.astype(np.float32))), strict=True):
        keys, values = (block_reduce(image @ kernels[name], (2, 2, 1), np.max) for name in ("key", "value"))
        scores = np.einsum("hwd,yxd->hwyx", image @ kernels["query"], keys)
        weights = np.exp(scores) / np.exp(scores).sum(axis=(2, 3), keepdims=True)
        expected = float(params["gamma"]) * np.einsum("hwyx,yxc->hwc", weights, values) @ kernels["output"] + image
        close(made, expected, atol=1e-5)


def test_squares_that_do_not_fit_the_map_are_refused():
    module = SelfAttention(pool=2)
    with pytest.raises(ValueError, match="the feature map has 5x4 pixels, and 2 divides not both"):
        module.apply(module.init(jax.random.key(0), 8), features_of(5, 4, 8))


@pytest.mark.parametrize("norm", ["per-image", "none"])
def test_cbam_identity_start_is_a_quarter(norm):
    module = CBAM(norm=norm)
    x = features_of(2, 8, 8, 32)
    params = module.init(jax.random.key(0), 32)
    np.testing.assert_array_equal(module.apply(params, x), x / 4)
    gradients = jax.jit(jax.grad(lambda p: jnp.sum(jnp.sin(module.apply(p, x)))))(params)
    assert np.all(np.isfinite(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(gradients)])))
    assert np.any(gradients["expand"]["kernel"]) and np.any(gradients["norm"]["scale"])  # it can leave this start
    assert np.all(np.isfinite(module.apply(params, jnp.zeros_like(x))))


def test_cbam_random_start_follows_the_ranges():
    params = CBAM(start="random").init(jax.random.key(0), 512)
    assert params["reduce"]["kernel"].shape == (512, 32) and params["expand"]["kernel"].shape == (32, 512)
    for leaf, bound in (
        (params["reduce"]["kernel"], 512**-0.5),
        (params["expand"]["kernel"], 32**-0.5),
        (params["expand"]["bias"], 32**-0.5),
        (params["spatial"]["kernel"], 98**-0.5),
    ):
        assert 0.9 * bound < np.abs(leaf).max() <= bound
    assert params["norm"] == {"scale": 1.0, "bias": 0.0}


@pytest.mark.parametrize("module", MODULES)
def test_narrow_maps_and_types(module):
    params, size = module.init(jax.random.key(0), 3), (4, 4 if getattr(module, "pool", 1) == 2 else 5, 3)
    assert {leaf.dtype for leaf in jax.tree.leaves(params)} == {jnp.dtype("float32")}
    assert module.apply(params, features_of(*size)).shape == size
    assert hash(module) == hash(type(module)(**{name: getattr(module, name) for name in vars(module)}))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: SelfAttention(where="both"), r"`where` must be one of \('composed', 'each'\), got 'both'"),
        (lambda: SelfAttention(scaled="dot"), "`scaled` must be one of"),
        (lambda: SelfAttention(pool=0), "`pool` must be 1 or more, got 0"),
        (lambda: SelfAttention(value_ratio=1.5), "`value_ratio` must be a number above 0 and up to 1, got 1.5"),
        (lambda: SelfAttention(value_ratio="half"), "`value_ratio` must be a number above 0 and up to 1, got 'half'"),
        (lambda: SelfAttention(biases=1), "`biases` must be one of"),
        (lambda: CBAM(where="both"), "`where` must be one of"),
        (lambda: CBAM(norm="batch"), r"`norm` must be one of \('per-image', 'none'\), got 'batch'"),
        (lambda: CBAM(start="zero"), r"`start` must be one of \('identity', 'random'\), got 'zero'"),
        (lambda: CBAM(reduction=0), "`reduction` must be 1 or more, got 0"),
        (lambda: CBAM(optimise="no"), "`optimise` must be one of"),
        (lambda: CBAM().init(jax.random.key(0), 0), "`channels` must be 1 or more, got 0"),
    ],
)
def test_wrong_values(make, message):
    with pytest.raises(ValueError, match=message):
        make()
