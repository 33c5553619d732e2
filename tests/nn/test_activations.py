"""Activations against their definitions in fifty digits, to second order, and where they would overflow."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

import wengert as wg
from wengert import nn


def _elu(x):
    return x if x > 0 else mp.expm1(x)


SMOOTH = {
    "elu": (nn.elu, _elu),
    "selu": (nn.selu, lambda x: mp.mpf("1.0507009873554804934193349852946") * (
        x if x > 0 else mp.mpf("1.6732632423543772848170429916717") * mp.expm1(x))),
    "gelu": (nn.gelu, lambda x: x * mp.erfc(-x / mp.sqrt(2)) / 2),
    "gelu of tanh": (
        lambda x: nn.gelu(x, approximate=True),
        lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3))),
    ),
    "silu": (nn.silu, lambda x: x / (1 + mp.exp(-x))),
    "softplus": (nn.softplus, lambda x: mp.log1p(mp.exp(x))),
    "sigmoid": (nn.sigmoid, lambda x: 1 / (1 + mp.exp(-x))),
    "log_sigmoid": (nn.log_sigmoid, lambda x: -mp.log1p(mp.exp(-x))),
    "hard_silu": (nn.hard_silu, lambda x: x * min(max(x / 6 + mp.mpf(0.5), 0), 1)),
    "relu": (nn.relu, lambda x: max(x, 0)),
    "relu6": (nn.relu6, lambda x: min(max(x, 0), 6)),
    "leaky_relu": (nn.leaky_relu, lambda x: x if x > 0 else mp.mpf(0.01) * x),
    "hard_tanh": (nn.hard_tanh, lambda x: min(max(x, -1), 1)),
    "hard_sigmoid": (nn.hard_sigmoid, lambda x: min(max(x / 6 + mp.mpf(0.5), 0), 1)),
}  # fmt: skip

POINTS = np.array([-30.0, -8.0, -2.5, -1.1, -0.3, -1e-9, 1e-9, 0.2, 0.9, 1.7, 2.9, 6.5, 40.0])
EPS = np.finfo(float).eps


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("how", ["eager", "compiled"])
@pytest.mark.usefixtures("machine_code")
def test_values_and_slopes(name, how):
    f, definition = SMOOTH[name]
    slope = wg.elementwise_grad(f)
    if how == "compiled":
        f, slope = wg.jit(f), wg.jit(slope)
    with mp.workdps(50):
        wanted = [definition(mp.mpf(x)) for x in POINTS]
        slopes = [mp.diff(definition, mp.mpf(x), h=mp.mpf(10) ** -20) for x in POINTS]
    # Each is a product or quotient of few factors; the exponentials among them multiply a relative error of their
    # argument by its size, up to 8 in exp(-x^2 / 2) at the points, 30 and 40 where the exponent is linear, and
    # 2 sqrt(2 / pi) (x + 0.0447 x^3) < 2000 in the form with tanh, where the value has vanished to 1e-800.
    size = np.maximum(np.abs(POINTS), POINTS**2 / 2)
    tolerance = 8 * EPS * (1 + size)
    for found, values in ((f(POINTS), wanted), (slope(POINTS), slopes)):
        exact = np.array([float(y) for y in values])
        assert np.all(np.abs(found - exact) <= tolerance * np.abs(exact) + 1e-300)


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives_to_second_order(name):
    f, _ = SMOOTH[name]
    x = np.array([-7.1, -2.0, -0.4, 0.5, 1.9, 3.7])  # away from kinks
    wg.check_grads(f, (x,), order=2)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("x", [1e4, -1e4, 1e30, -1e30])
def test_large_arguments(name, x):
    f, _ = SMOOTH[name]
    with np.errstate(over="ignore", under="ignore", invalid="raise", divide="raise"):
        for order in range(3):
            assert np.isfinite(f(np.array([x]))).all(), order
            f = wg.elementwise_grad(f)


@pytest.mark.parametrize("name", [name for name in SMOOTH if "gelu" not in name])  # which square or cube x
def test_large_arguments_do_not_overflow(name):
    f, _ = SMOOTH[name]
    x = np.array([1e4, -1e4, 1e300, -1e300])
    with np.errstate(over="raise"):
        f(x)
        wg.elementwise_grad(f)(x)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_types_stay(name, dtype):
    f, _ = SMOOTH[name]
    x = np.array([[-1.5, 0.5]], dtype)
    assert f(x).dtype == dtype
    assert wg.jit(f)(x).dtype == dtype
    assert wg.elementwise_grad(f)(x).dtype == dtype


@pytest.mark.parametrize("name", SMOOTH)
def test_nan_stays_nan(name):
    with np.errstate(invalid="ignore"):  # of np.logaddexp
        assert np.isnan(SMOOTH[name][0](np.array([np.nan]))).all()


def test_kinks():
    zero = np.zeros(1)
    assert wg.elementwise_grad(nn.relu)(zero) == 0
    assert wg.elementwise_grad(nn.relu6)(np.array([6.0])) == 0
    assert wg.elementwise_grad(nn.leaky_relu)(zero) == 0.01
    assert wg.elementwise_grad(nn.elu)(zero) == 1


# Distributions over an axis ---------------------------------------------------------------------


def _rows(rng=None):
    rng = rng or np.random.default_rng(4)
    return rng.normal(size=(3, 4)) * 3


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_and_its_logarithm(axis):
    x = _rows()
    exact = np.exp(x) / np.exp(x).sum(axis, keepdims=True)
    assert np.allclose(nn.softmax(x, axis), exact, rtol=16 * EPS, atol=0)
    assert np.allclose(np.exp(nn.log_softmax(x, axis)), exact, rtol=64 * EPS, atol=0)
    assert np.allclose(nn.logsumexp(x, axis), np.log(np.exp(x).sum(axis)), rtol=16 * EPS)
    for f in (nn.softmax, nn.log_softmax, nn.logsumexp):
        wg.check_grads(lambda x, f=f: f(x, axis), (x,))


def test_softmax_of_large_entries():
    x = np.array([1e4, 1e4 - 1.0, -1e4])
    for f in (nn.softmax, wg.jit(nn.softmax)):
        assert np.allclose(f(x), [1 / (1 + np.exp(-1)), 1 / (1 + np.e), 0], rtol=4 * EPS)
    # Written as x - logsumexp(x), this would have lost twelve digits.
    y = nn.log_softmax(np.array([1e4, 1e4 - 12.0]))
    assert np.allclose(y[0], -np.log1p(np.exp(-12.0)), rtol=1e3 * EPS * 12)
    assert np.array_equal(nn.log_softmax(np.array([-np.inf, 0.0])), [-np.inf, 0.0])


def test_softmax_where():
    x, allowed = _rows(), np.array([[1, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]], bool)
    y = nn.softmax(x, where=allowed)
    e = np.exp(x) * allowed
    total = e.sum(1, keepdims=True)
    assert np.allclose(y, np.divide(e, total, out=np.zeros_like(e), where=total > 0), rtol=16 * EPS)
    wg.check_grads(lambda x: nn.softmax(x, where=allowed), (x,))
    # What is left out may be anything.
    x[~allowed] = np.inf
    assert np.array_equal(nn.softmax(x, where=allowed), y)
    assert np.isfinite(wg.grad(lambda x: np.sum(nn.softmax(x, where=allowed) ** 2))(x)).all()


def test_one_hot():
    labels = np.array([[2, 0], [1, 5]])
    assert np.array_equal(nn.one_hot(labels, 3), np.eye(6, 3)[labels])
    assert nn.one_hot(labels, 3, np.float32).dtype == np.float32
    assert np.array_equal(wg.jit(lambda i: nn.one_hot(i, 3))(labels), nn.one_hot(labels, 3))


def test_glu():
    x = _rows()
    assert np.allclose(nn.glu(x), x[:, :2] * nn.sigmoid(x[:, 2:]))
    with pytest.raises(wg.errors.ArgumentError, match=r"axis 0 of shape \(3, 4\) has no two halves"):
        nn.glu(x, 0)
