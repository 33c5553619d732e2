"""Convolutions as machine code: every geometry, both precisions, and what is left to NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg
from wengert.ops.convolution import _geometries, conv_, conv_input_, conv_weight_

pytestmark = pytest.mark.usefixtures("machine_code")

GEOMETRIES = list(_geometries(np.random.default_rng(0)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("number", range(len(GEOMETRIES)))
def test_all_three_in_every_geometry(number, dtype):
    x, w, z, geometry = GEOMETRIES[number]
    x, w, z = (a.astype(dtype) for a in (x, w, z))
    spatial, kernel = x.shape[2:], w.shape[2:]
    for fun, args in (
        (lambda x, w: conv_(x, w, **geometry), (x, w)),
        (lambda z, w: conv_input_(z, w, spatial=spatial, **geometry), (z, w)),
        (lambda x, z: conv_weight_(x, z, kernel=kernel, **geometry), (x, z)),
    ):
        found, expected = wg.jit(fun)(*args), fun(*args)
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        # sums of at most 24 products of numbers of a size of 1, in another order
        np.testing.assert_allclose(found, expected, rtol=0, atol=24 * 4 * np.finfo(dtype).eps)


@st.composite
def side_by_side(draw):
    """Draw arrays and a geometry of stride 1: with margins, several groups, and kernels that reach far."""
    rank, groups = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    kernel = draw(st.tuples(*[st.integers(1, 3)] * rank))
    dilation = draw(st.tuples(*[st.integers(1, 2)] * rank))
    padding = draw(st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * rank))
    longer = draw(st.tuples(*[st.integers(0, 9 // rank)] * rank))
    spatial = [
        max(1, d * (k - 1) + 1 + n - low - high)
        for k, d, (low, high), n in zip(kernel, dilation, padding, longer, strict=True)
    ]
    examples, channels, outputs = [draw(st.integers(1, most)) for most in (3, 5, 18)]
    rng = np.random.default_rng(draw(st.integers(0, 9)))
    shapes = (examples, groups * channels, *spatial), (groups * outputs, channels, *kernel)
    geometry = {"stride": (1,) * rank, "padding": padding, "dilation": dilation, "groups": groups}
    return *[rng.integers(-4, 5, shape).astype(float) for shape in shapes], geometry


@settings(max_examples=40, deadline=None)
@given(side_by_side(), st.sampled_from([np.float64, np.float32]))
def test_images_side_by_side(drawn, dtype):
    """Of whole numbers, all sums are exact; the same by products of matrices and by copied windows."""
    x, w, geometry = drawn
    x, w = x.astype(dtype), w.astype(dtype)
    y = conv_(x, w, **geometry)
    z = np.arange(y.size).reshape(y.shape).astype(dtype) % 7 - 3
    for fun, args in (
        (lambda x, w: conv_(x, w, **geometry) + 1, (x, w)),
        (lambda z, w: conv_input_(z, w, spatial=x.shape[2:], **geometry), (z, w)),
        (lambda x, z: conv_weight_(x, z, kernel=w.shape[2:], **geometry), (x, z)),
    ):
        np.testing.assert_array_equal(wg.jit(fun)(*args), fun(*args))


def test_nothing_that_is_not_finite_reaches_what_it_is_no_part_of():
    """An infinite weight, or cotangent, has no part in entries at the edge: 0 times it is not added there."""
    geometry = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
    z, w, x = np.ones((1, 1, 3, 3)), np.ones((1, 1, 2, 2)), np.ones((1, 1, 4, 4))
    w[0, 0, 0, 0], x[0, 0, 0, 3] = np.inf, np.inf

    def images(z, w):
        return conv_input_(z, w, spatial=(4, 4), **geometry)

    def weights(x, z):
        return conv_weight_(x, z, kernel=(2, 2), **geometry)

    for fun, args in ((images, (z, w)), (weights, (x, z))):
        expected = fun(*args)
        assert not np.isnan(expected).any()
        np.testing.assert_array_equal(wg.jit(fun)(*args), expected)


@pytest.mark.parametrize(
    ("stride", "kernel", "found"), [(1, 3, "multiply"), (2, 3, "gemm"), (1, 6, "gemm"), (1, 1, "multiply")]
)
def test_which_convolutions_need_copies_of_windows(stride, kernel, found):
    """Those with gaps between windows, or with so few windows in a row that most would be computed in vain."""
    x, w = np.ones((2, 3, 7, 7)), np.ones((4, 3, kernel, kernel))
    geometry = {"stride": (stride,) * 2, "padding": ((0, 0),) * 2, "dilation": (1, 1), "groups": 1}
    fun = wg.jit(lambda x, w: conv_(x, w, **geometry))
    np.testing.assert_array_equal(fun(x, w), conv_(x, w, **geometry))
    text = fun.kernels(x, w)
    assert [word for word in ("multiply", "gemm") if word in text] == [found]


def test_no_operation_is_left_to_numpy():
    x, w, _, geometry = GEOMETRIES[2]
    fun = wg.jit(wg.grad(lambda w: np.sum(conv_(x, w, **geometry) ** 2)))
    fun(w)
    assert "host" not in fun.kernels(w)
    assert "gemm" in fun.kernels(w)


def test_a_stack_of_results_in_a_loop():
    """Results and operands that are parts of larger arrays, at places that are computed."""
    x = np.random.default_rng(0).normal(size=(3, 2, 1, 5, 5))
    w = np.random.default_rng(1).normal(size=(1, 1, 3, 3))
    geometry = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}

    def fun(x, w):
        return wg.scan(lambda c, image: (c + 1.0, conv_(image, w * c, **geometry)), 1.0, x)[1]

    expected = np.stack([conv_(image, w * (1.0 + k), **geometry) for k, image in enumerate(x)])
    np.testing.assert_allclose(wg.jit(fun)(x, w), expected, rtol=1e-13, atol=1e-14)


def test_mixed_precision_is_left_to_numpy():
    x, w, _, geometry = GEOMETRIES[0]
    fun = wg.jit(lambda x, w: conv_(x, w, **geometry) * 2.0)
    np.testing.assert_array_equal(
        fun(x.astype(np.float32), w), conv_(x.astype(np.float32), w, **geometry) * 2.0
    )
