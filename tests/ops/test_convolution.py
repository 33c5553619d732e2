"""Convolutions: NumPy's convolve and correlate in every mode, and conv against sums written out."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError
from wengert.nn import conv, conv_transpose

from .agreement import check


def normal(*shapes):
    rng = np.random.default_rng(7)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("lengths", [(5, 3), (3, 5), (4, 4), (6, 4), (4, 6), (2, 5), (1, 1), (1, 4)])
@pytest.mark.parametrize("fun", [np.convolve, np.correlate])
def test_convolve_and_correlate(fun, lengths, mode):
    a, v = normal(*lengths)
    check(lambda a, v: fun(a, v, mode), a, v)
    check(lambda a, v: fun(a, v, mode), a + 0.5j * a[::-1], v - 2j * v[::-1], batches=False)


def test_default_modes_are_numpys():
    a, v = normal(4, 3)
    assert wg.jvp(lambda a: np.convolve(a, v), (a,), (a,))[1].shape == (6,)
    assert wg.jvp(lambda a: np.correlate(a, v), (a,), (a,))[1].shape == (2,)


@pytest.mark.parametrize("fun", [np.convolve, np.correlate])
def test_errors_of_convolve(fun):
    for bad, match in ((np.ones(0), "empty"), (np.ones((2, 2)), "one-dimensional")):
        with pytest.raises(ValueError, match=match):
            wg.vjp(fun, bad, np.ones(2))
    with pytest.raises(ValueError, match="mode"):
        wg.vjp(lambda a: fun(a, a, "half"), np.ones(2))


def brute_force(x, w, stride, padding, dilation, groups):
    """The definition of conv, one product at a time."""
    x = np.pad(x, [(0, 0), (0, 0), *padding])
    (n, _, *spatial), (outputs, channels, *kernel) = x.shape, w.shape
    out = [
        (m - d * (k - 1) - 1) // s + 1 for m, k, s, d in zip(spatial, kernel, stride, dilation, strict=True)
    ]
    y = np.zeros((n, outputs, *out))
    for i, o, p in np.ndindex(n, outputs, int(np.prod(out))):
        at = np.unravel_index(p, out)
        first = o // (outputs // groups) * channels
        for c in range(channels):
            for k in np.ndindex(*kernel):
                source = [s * q + d * r for s, q, d, r in zip(stride, at, dilation, k, strict=True)]
                y[(i, o, *at)] += x[(i, first + c, *source)] * w[(o, c, *k)]
    return y


GEOMETRIES = [
    ((2, 3, 6), (4, 3, 3), (1,), [(0, 0)], (1,), 1), ((2, 3, 7), (2, 3, 2), (2,), [(1, 1)], (2,), 1),
    ((1, 4, 5), (6, 2, 2), (1,), [(0, 1)], (1,), 2), ((2, 4, 6), (4, 1, 3), (3,), [(1, 2)], (1,), 4),
    ((2, 2, 4, 5), (3, 2, 2, 3), (1, 1), [(0, 0), (0, 0)], (1, 1), 1),
    ((1, 2, 5, 6), (2, 2, 3, 2), (2, 3), [(1, 0), (2, 1)], (1, 2), 1),
    ((1, 4, 4, 3), (4, 2, 2, 2), (2, 1), [(1, 1), (0, 1)], (1, 1), 2),
    ((2, 2, 3, 3), (3, 2, 1, 1), (1, 1), [(0, 0), (0, 0)], (1, 1), 1),
    ((1, 2, 3, 4, 3), (2, 2, 2, 2, 2), (1, 2, 1), [(0, 0), (1, 0), (0, 0)], (1, 1, 2), 1),
]  # fmt: skip


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_conv_is_its_definition(geometry):
    images, weights, stride, padding, dilation, groups = geometry
    x, w = normal(images, weights)
    y = conv(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)
    np.testing.assert_allclose(
        y, brute_force(x, w, stride, padding, dilation, groups), rtol=1e-12, atol=1e-12
    )
    assert (
        wg.jvp(
            lambda x: conv(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups), (x,), (x,)
        )[1].shape
        == y.shape
    )


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_derivatives_of_conv(geometry):
    images, weights, stride, padding, dilation, groups = geometry
    check(
        lambda x, w: conv(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups),
        *normal(images, weights),
    )


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_conv_transpose_is_the_adjoint_of_conv(geometry):
    images, weights, stride, padding, dilation, groups = geometry
    x, w = normal(images, weights)
    y, pull = wg.vjp(
        lambda x: conv(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups), x
    )
    [z] = normal(y.shape)
    lost = [
        (m + sum(p) - d * (k - 1) - 1) % s
        for m, k, s, p, d in zip(images[2:], weights[2:], stride, padding, dilation, strict=True)
    ]
    how = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "output_padding": lost,
    }
    np.testing.assert_allclose(conv_transpose(z, w, **how), pull(z)[0], rtol=1e-12, atol=1e-12)
    check(lambda z, w: conv_transpose(z, w, **how), z, w)


def test_paddings():
    x, w = normal((1, 1, 6), (1, 1, 3))
    assert conv(x, w, padding="same").shape == x.shape
    np.testing.assert_array_equal(conv(x, w, padding="same"), conv(x, w, padding=1))
    np.testing.assert_array_equal(conv(x, w, padding="valid"), conv(x, w))
    np.testing.assert_array_equal(conv(x, w, padding=[(2, 0)]), conv(x, w, padding=2)[..., :6])
    assert conv(x, w[..., :2], padding="same").shape == x.shape


def test_large_batches_are_gathered_piece_by_piece():
    x, w = normal((40, 8, 24, 24), (4, 8, 3, 3))
    whole = conv(x, w, padding=1)
    np.testing.assert_allclose(
        whole, np.concatenate([conv(x[i : i + 1], w, padding=1) for i in range(40)]), rtol=1e-12
    )
    x_bar, w_bar = wg.grad(lambda x, w: np.sum(conv(x, w, padding=1) ** 2), argnums=(0, 1))(x, w)
    np.testing.assert_allclose(
        np.sum(x_bar * x), 2 * np.sum(whole**2), rtol=1e-12
    )  # Euler: the square is homogeneous
    np.testing.assert_allclose(np.sum(w_bar * w), 2 * np.sum(whole**2), rtol=1e-12)


def test_single_precision_stays_single():
    x, w = (z.astype(np.float32) for z in normal((2, 2, 5), (3, 2, 2)))
    x_bar, w_bar = wg.grad(lambda x, w: np.sum(conv(x, w) ** 2), argnums=(0, 1))(x, w)
    assert x_bar.dtype == w_bar.dtype == np.float32


BAD = [
    {"stride": 0}, {"stride": (1, 1)}, {"dilation": -1}, {"padding": -1}, {"padding": "full"}, {"padding": [(1, 2, 3)]},
    {"groups": 2}, {"dilation": 9}, {"stride": 1.5},
]  # fmt: skip


@pytest.mark.parametrize("arguments", BAD, ids=str)
def test_wrong_arguments_are_refused(arguments):
    x, w = normal((1, 2, 5), (3, 2, 2))
    with pytest.raises(ArgumentError, match=r"^conv: "):
        conv(x, w, **arguments)


def test_wrong_shapes_are_refused():
    x, w = normal((1, 2, 5), (3, 2, 2))
    for images, kernels in ((x[0], w), (x, w[0]), (x[:, :1], w), (x[0], w[0])):
        with pytest.raises(ArgumentError, match=r"^conv: "):
            conv(images, kernels)
    with pytest.raises(ArgumentError, match="output_padding"):
        conv_transpose(x, np.ones((2, 1, 2)), output_padding=1)
