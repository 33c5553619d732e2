"""Convolutions as layers: "same" with strides, biases, transposes; the sums are in tests/ops/test_convolution.py."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.errors import ArgumentError

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("n", range(1, 8))
@pytest.mark.parametrize("k", range(1, 5))
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same(n, k, stride, dilation):
    x, w = RNG.normal(size=(1, 1, n)), RNG.normal(size=(1, 1, k))
    y = nn.conv(x, w, padding="same", stride=stride, dilation=dilation)
    assert y.shape == (1, 1, -(-n // stride))
    # As many zeros as that takes, the odd one after.
    missing = max((y.shape[2] - 1) * stride + dilation * (k - 1) + 1 - n, 0)
    pads = [(missing // 2, missing - missing // 2)]
    assert np.array_equal(y, nn.conv(x, w, padding=pads, stride=stride, dilation=dilation))
    assert nn.conv_transpose(x, w, padding="same", stride=stride, dilation=dilation).shape == (
        1,
        1,
        stride * n,
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_bias(rank):
    x, w, b = RNG.normal(size=(2, 3, *[4] * rank)), RNG.normal(size=(5, 3, *[2] * rank)), RNG.normal(size=5)
    column = b.reshape(5, *[1] * rank)
    assert np.array_equal(nn.conv(x, w, b), nn.conv(x, w) + column)
    transposed = np.swapaxes(w, 0, 1)
    assert np.array_equal(nn.conv_transpose(x, transposed, b), nn.conv_transpose(x, transposed) + column)
    wg.check_grads(lambda x, w, b: nn.conv(x, w, b, stride=2, padding=1), (x, w, b), order=1)


def test_second_derivatives():
    x, w, b = RNG.normal(size=(1, 2, 4)), RNG.normal(size=(2, 1, 3)), RNG.normal(size=2)
    wg.check_grads(lambda x, w, b: nn.conv(x, w, b, padding="same", groups=2) ** 2, (x, w, b))
    wg.check_grads(lambda x, w, b: nn.conv_transpose(x, w, b, stride=2, groups=2) ** 2, (x, w, b))


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize(("extra", "padding"), [(1, 1), (2, 1), (2, 0), (2, 3)])
def test_output_padding_up_to_the_dilation(extra, padding):
    x, w = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(3, 2, 3))

    def f(x, w, extra=extra):
        return nn.conv_transpose(x, w, stride=2, dilation=3, padding=padding, output_padding=extra)

    y, least = f(x, w), f(x, w, 0)
    assert y.shape == (*least.shape[:2], least.shape[2] + extra)
    np.testing.assert_array_equal(y[:, :, : least.shape[2]], least)
    # <y, z> = <x, conv(z)>, where conv(z) has as many entries as x and those of the extra ones
    z = RNG.normal(size=y.shape)
    image = nn.conv(z, w, stride=2, dilation=3, padding=padding)[:, :, :4]
    np.testing.assert_allclose(np.sum(y * z), np.sum(x * image), rtol=1e-12, atol=1e-12)
    wg.check_grads(f, (x, w))


def test_compiled():
    x, w, b = RNG.normal(size=(2, 2, 6, 5)), RNG.normal(size=(4, 1, 3, 2)), RNG.normal(size=4)

    def f(x, w, b):
        return np.sum(nn.conv(x, w, b, stride=(2, 1), padding="same", groups=2) ** 2)

    eager = wg.value_and_grad(f, (0, 1, 2))(x, w, b)
    compiled = wg.jit(wg.value_and_grad(f, (0, 1, 2)))(x, w, b)
    np.testing.assert_allclose(compiled[0], eager[0], rtol=1e-13)  # sums of 1e2 products
    for a, c in zip(eager[1], compiled[1], strict=True):
        np.testing.assert_allclose(c, a, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x, w: nn.conv(x[0], w), r"conv: images of shape \(3, 8\), kernels of shape \(4, 3, 3\)"),
        (lambda x, w: nn.conv(x[:, :2], w), r"conv: images of shape \(2, 2, 8\) have 2 channels, .* take 3"),
        (lambda x, w: nn.conv(x, w[:, :1], groups=2), r"in 2 groups take 2"),
        (lambda x, w: nn.conv(x, w[:, :1], groups=3), "4 outputs in 3 groups"),
        (lambda x, w: nn.conv(x, w, np.ones(3)), r"a bias of shape \(3,\) for 4 output channels"),
        (lambda x, w: nn.conv(x, w, dilation=4), r"spatial lengths \(0,\)"),
        (lambda x, w: nn.conv(x, w, padding="full"), "padding is 'full' for 1 spatial axes"),
        (lambda x, w: nn.conv(x, w, padding=[(1, 2, 3)]), "padding is"),
        (lambda x, w: nn.conv(x, w, stride=(1, 1)), r"stride is \(1, 1\) for 1 spatial axes"),
        (lambda x, w: nn.conv_transpose(x, w), r"conv_transpose: .* have 3 channels, .* take 4"),
        (
            lambda x, w: nn.conv_transpose(x, w[:3], output_padding=1),
            r"output_padding \(1,\) with stride \(1,\)",
        ),
    ],
)
def test_errors(call, says):
    with pytest.raises(ArgumentError, match=says):
        call(np.ones((2, 3, 8)), np.ones((4, 3, 3)))
