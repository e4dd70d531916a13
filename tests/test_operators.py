"""Forward operators: linear ones are linear and adjoint; all work under jit, vmap and grad."""

import dataclasses
import doctest

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxprior import operators
from jaxprior.operators import Identity, Inpaint, Operator, batched, per_image, take


H, W = 12, 16


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Filter(Operator):
    """A user's operator with inner operators, to see that the interface carries one: correlate, then degrade."""

    kernel: jax.Array = per_image(ndim=2)
    then: tuple[Operator, ...] = ()

    name = "filter"

    def apply(self, x):
        rows, columns = self.kernel.shape
        y = sum(
            self.kernel[i, j] * x[i : x.shape[0] - rows + 1 + i, j : x.shape[1] - columns + 1 + j]
            for i in range(rows)
            for j in range(columns)
        )
        for operator in self.then:
            y = operator.apply(y)
        return y


def normal(seed, *shape):
    return jax.random.normal(jax.random.key(seed), shape)


def hole(seed=0, *lead, h=H, w=W):
    return (normal(seed, *lead, h, w) > 0).astype(jnp.float32)


LINEAR = {
    "identity": Identity(),
    "inpaint": Inpaint(hole()),
    "inpaint, nothing missing": Inpaint(jnp.zeros((H, W))),
    "composed": Filter(normal(1, 3, 3), (Inpaint(hole(2, h=H - 2, w=W - 2)),)),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_operators_are_linear_and_adjoint(name):
    operator = LINEAR[name]
    assert operator.linear
    x, other = normal(3, H, W, 3), normal(4, H, W, 3)
    y = normal(5, *operator.apply(x).shape)
    np.testing.assert_allclose(
        operator.apply(2 * x - 3 * other),
        2 * operator.apply(x) - 3 * operator.apply(other),
        rtol=1e-4,
        atol=1e-4,
    )
    (back,) = jax.linear_transpose(operator.apply, x)(y)
    np.testing.assert_allclose(jnp.vdot(operator.apply(x), y), jnp.vdot(x, back), rtol=1e-4, atol=1e-3)
    gradient = jax.grad(lambda x: jnp.sum(operator.apply(x) * y))(x)
    np.testing.assert_allclose(gradient, back, rtol=1e-5, atol=1e-5)


def test_every_linear_operator_of_the_library_is_tested_above():
    library = {value for value in vars(operators).values() if isinstance(value, type) and issubclass(value, Operator)}
    assert {value for value in library - {Operator} if value.linear} <= {type(op) for op in LINEAR.values()}


def test_inpaint_blanks_to_grey_and_is_its_own_adjoint_and_square():
    mask, x, y = hole(), normal(1, H, W, 3), normal(2, H, W, 3)
    operator = Inpaint(mask)
    seen = operator.apply(x)
    assert (seen[mask == 1] == 0).all() and (seen[mask == 0] == x[mask == 0]).all()
    np.testing.assert_allclose(jnp.vdot(seen, y), jnp.vdot(x, operator.apply(y)), rtol=1e-5)
    assert jnp.array_equal(operator.apply(seen), seen)


def test_merge_keeps_known_pixels_bit_for_bit():
    mask, photo, restored = hole(), normal(1, H, W, 3), normal(2, H, W, 3)
    merged = Inpaint(mask).merge(Inpaint(mask).apply(photo), restored)
    assert jnp.array_equal(merged[mask == 0], photo[mask == 0])
    assert jnp.array_equal(merged[mask == 1], restored[mask == 1])
    assert jnp.array_equal(Identity().merge(photo, restored), restored)
    diverged = Inpaint(mask).merge(photo, jnp.full_like(photo, jnp.nan))
    assert jnp.isfinite(diverged[mask == 0]).all()


@pytest.mark.parametrize("lead", [(), (5,)])
def test_batches_are_their_single_images(lead):
    photos = normal(1, 5, H, W, 3)
    operator = Inpaint(hole(2, *lead))
    observed = operator.observe(photos)
    single = [Inpaint(operator.mask[i] if lead else operator.mask).apply(photos[i]) for i in range(5)]
    assert jnp.array_equal(observed, jnp.stack(single))
    assert jnp.array_equal(jax.jit(lambda op, x: op.observe(x))(operator, photos), observed)
    assert jnp.array_equal(operator.observe(np.asarray(photos)), observed)
    merged = jax.vmap(Inpaint.merge)(batched(operator, 5), observed, photos)
    assert jnp.array_equal(merged, photos)
    assert jnp.array_equal(Identity().observe(photos), photos)


def test_operators_made_of_operators():
    operator = Filter(normal(1, 3, 3), (Inpaint(hole(2, 4, h=H - 2, w=W - 2)), Identity()))
    photos = normal(3, 4, H, W, 3)
    observed = operator.observe(photos)
    assert observed.shape == (4, H - 2, W - 2, 3)
    inner = dataclasses.replace(operator, then=(Inpaint(operator.then[0].mask[2]),))
    np.testing.assert_allclose(observed[2], inner.apply(photos[2]), rtol=1e-5, atol=1e-6)
    part = take(operator, jnp.array([2, 0]))
    assert part.kernel.shape == (3, 3) and part.then[0].mask.shape == (2, H - 2, W - 2)
    np.testing.assert_allclose(part.observe(photos[jnp.array([2, 0])]), observed[jnp.array([2, 0])], rtol=1e-5)
    gradient = jax.grad(lambda op: jnp.sum(op.observe(photos) ** 2))(operator)
    assert gradient.kernel.shape == (3, 3) and jnp.isfinite(gradient.kernel).all()


def test_batched_and_take_work_under_jit():
    masks = hole(1, 6)
    selected = jax.jit(lambda op, i: take(op, i))(Inpaint(masks), jnp.array([5, 5, 0]))
    assert jnp.array_equal(selected.mask, masks[jnp.array([5, 5, 0])])
    assert take(Inpaint(masks[0]), jnp.array([1])).mask.shape == (H, W)
    assert jax.jit(lambda op: batched(op, 3))(Inpaint(masks[0])).mask.shape == (3, H, W)
    assert batched(Identity(), 3) == Identity()
    assert len(jax.tree.leaves(Identity())) == 0 and len(jax.tree.leaves(Inpaint(masks))) == 1


def test_mistakes_are_sentences():
    photos = normal(1, 2, H, W, 3)
    for mask, words in [
        (jnp.zeros((8, 8)), r"got \(8, 8\) and \(12, 16, 3\)"),
        (jnp.zeros((3, H, W)), "first is the number of images, 2"),
        (jnp.zeros((2, H, W, 1)), "expected 2 axes for all images"),
    ]:
        with pytest.raises(ValueError, match=words):
            Inpaint(mask).observe(photos)
    with pytest.raises((ValueError, TypeError), match="observe` takes batches|apply"):  # jaxtyping's, if it checks
        Inpaint(jnp.zeros((H, W))).apply(photos)
    with pytest.raises(ValueError, match=r"0 \(known\) and 1 \(missing\), got values from 0 to 255"):
        Inpaint(np.array([[0, 255]], np.uint8))
    with pytest.raises(ValueError, match="expected a mask"):
        Inpaint(np.zeros((H, W, 1, 1)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        Inpaint(jnp.zeros((H, W))).mask = None


def test_masks_of_other_types_do_not_change_the_images_type():
    x = normal(1, H, W, 3)
    for mask in (
        np.asarray(hole()) > 0,
        np.asarray(hole()).astype(np.uint8),
        np.asarray(hole()).astype(np.float64),
    ):
        assert jnp.array_equal(Inpaint(mask).apply(x), Inpaint(hole()).apply(x))
        assert Inpaint(mask).apply(x).dtype == jnp.float32
        assert Inpaint(mask).apply(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16


def test_examples_run():
    assert doctest.testmod(operators).failed == 0
    assert doctest.testmod(operators).attempted >= 6
