"""Pooling against loops over windows."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.errors import ArgumentError

RNG = np.random.default_rng(6)

CASES = [
    ((2, 3, 7), 2, {}),
    ((2, 3, 7), 3, {"stride": 2, "padding": 1}),
    ((1, 2, 5, 6), 2, {"stride": 1}),
    ((1, 2, 5, 6), (3, 2), {"stride": (2, 3), "padding": [(1, 0), (0, 1)]}),
    ((1, 2, 5, 6), 2, {"padding": "same"}),
    ((1, 1, 4, 4, 4), 2, {}),
    ((1, 1, 4, 3, 4), 2, {"stride": 1, "padding": "same"}),
    ((0, 1, 4), 2, {}),
]


def windows(x, window, stride=None, padding=0):
    """What each window sees of x, by index; padding left away."""
    rank = x.ndim - 2
    size = (window,) * rank if isinstance(window, int) else window
    steps = size if stride is None else (stride,) * rank if isinstance(stride, int) else stride
    if padding == "same":
        totals = [
            max((-(-n // s) - 1) * s + k - n, 0) for n, s, k in zip(x.shape[2:], steps, size, strict=True)
        ]
        pads = [(t // 2, t - t // 2) for t in totals]
    else:
        pads = [
            (p, p) if isinstance(p, int) else p
            for p in ([padding] * rank if isinstance(padding, int) else padding)
        ]
    out = [(n + a + b - k) // s + 1 for n, (a, b), k, s in zip(x.shape[2:], pads, size, steps, strict=True)]
    for p in np.ndindex(*x.shape[:2], *out):
        starts = [s * i - a for s, i, (a, _) in zip(steps, p[2:], pads, strict=True)]
        yield (
            p,
            x[(*p[:2], *[slice(max(i, 0), max(i + k, 0)) for i, k in zip(starts, size, strict=True)])],
            out,
        )


def pooled(reduce, x, *args, **how):
    y = None
    for p, seen, out in windows(x, *args, **how):
        y = np.zeros((*x.shape[:2], *out)) if y is None else y
        y[p] = reduce(seen)
    return y


@pytest.mark.parametrize(("shape", "window", "how"), CASES, ids=str)
def test_max_pool(shape, window, how):
    x = RNG.permutation(np.prod(shape, dtype=int)).reshape(shape) * 1.0
    y = nn.max_pool(x, window, **how)
    if x.size:
        assert np.array_equal(y, pooled(np.max, x, window, **how))
    assert np.array_equal(wg.jit(lambda x: nn.max_pool(x, window, **how))(x), y)
    wg.check_grads(lambda x: nn.max_pool(x, window, **how), (x,), order=1)
    assert np.array_equal(nn.max_pool(x.astype(int), window, **how), y)


@pytest.mark.parametrize(("shape", "window", "how"), CASES, ids=str)
def test_avg_pool(shape, window, how):
    x = RNG.normal(size=shape)
    size = window ** (len(shape) - 2) if isinstance(window, int) else np.prod(window)
    if x.size:
        np.testing.assert_allclose(
            nn.avg_pool(x, window, **how),
            pooled(lambda s: np.sum(s) / size, x, window, **how),
            rtol=1e-13,
            atol=1e-15,
        )
        np.testing.assert_allclose(
            nn.avg_pool(x, window, **how, count_padding=False),
            pooled(np.mean, x, window, **how),
            rtol=1e-13,
            atol=1e-15,
        )
    wg.check_grads(lambda x: nn.avg_pool(x, window, **how, count_padding=False) ** 2, (x,))


@pytest.mark.parametrize("out", [1, 2, 3, 5, 7, (2, 3)])
@pytest.mark.parametrize("reduce", [np.mean, np.max])
def test_adaptive_pool(out, reduce):
    x = RNG.normal(size=(2, 2, 6, 7))
    m = (out, out) if isinstance(out, int) else out
    wanted = np.zeros((2, 2, *m))
    for i, j in np.ndindex(*m):
        rows = slice(i * 6 // m[0], -((i + 1) * 6 // -m[0]))
        columns = slice(j * 7 // m[1], -((j + 1) * 7 // -m[1]))
        wanted[:, :, i, j] = reduce(x[:, :, rows, columns], axis=(2, 3))
    np.testing.assert_allclose(nn.adaptive_pool(x, out, reduce), wanted, rtol=1e-14, atol=1e-15)
    wg.check_grads(lambda x: nn.adaptive_pool(x, out, reduce), (x,), order=1)


def test_ties_share_the_derivative():
    x = np.zeros((1, 1, 3))
    assert np.array_equal(wg.grad(lambda x: np.sum(nn.max_pool(x, 3)))(x), np.full((1, 1, 3), 1 / 3))
    assert np.array_equal(wg.grad(lambda x: np.sum(nn.max_pool(x, 2, stride=1)))(x), [[[0.5, 1.0, 0.5]]])


def test_types_stay():
    x = np.ones((1, 1, 4), np.float32)
    for f in (nn.max_pool, nn.avg_pool):
        assert f(x, 3, stride=1, padding=1).dtype == np.float32
        assert f(x, 2).dtype == np.float32
    assert nn.adaptive_pool(x, 3).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: nn.max_pool(x, 9), r"max_pool: windows \(9,\) do not fit in images of shape \(1, 2, 5\)"),
        (lambda x: nn.avg_pool(x[0], 2), r"avg_pool: images of shape \(2, 5\)"),
        (lambda x: nn.max_pool(x, 2, padding=2), r"max_pool: padding \(\(2, 2\),\) with windows \(2,\)"),
        (lambda x: nn.max_pool(x, (2, 2)), "window is"),
        (lambda x: nn.adaptive_pool(x, 0), "out is 0"),
    ],
)
def test_errors(call, says):
    with pytest.raises(ArgumentError, match=says):
        call(np.ones((1, 2, 5)))
