"""Normalization against its definition, with the statistics of each variant."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.errors import ArgumentError

RNG = np.random.default_rng(7)
X = RNG.normal(size=(3, 4, 5)) * 2 + 1
S, B = RNG.normal(size=(2, 4))


def standard(x, axes, epsilon=1e-5):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)


VARIANTS = {
    "batch": (lambda x, s, b: nn.batch_norm(x, s, b), lambda x: standard(x, (0, 2)), (4, 1)),
    "batch, channels last": (
        lambda x, s, b: np.moveaxis(nn.batch_norm(np.moveaxis(x, 1, -1), s, b, axis=-1), -1, 1),
        lambda x: standard(x, (0, 2)),
        (4, 1),
    ),
    "layer": (
        lambda x, s, b: nn.layer_norm(x.swapaxes(1, 2), s, b).swapaxes(1, 2),
        lambda x: standard(x, 1),
        (4, 1),
    ),
    "layer, middle axis": (lambda x, s, b: nn.layer_norm(x, s, b, axes=1), lambda x: standard(x, 1), (4, 1)),
    "group": (
        lambda x, s, b: nn.group_norm(x, 2, s, b),
        lambda x: standard(x.reshape(3, 2, 2, 5), (2, 3)).reshape(3, 4, 5),
        (4, 1),
    ),
    "instance": (lambda x, s, b: nn.group_norm(x, 4, s, b), lambda x: standard(x, 2), (4, 1)),
    "rms": (
        lambda x, s, b: nn.rms_norm(x, s, axes=1, epsilon=1e-5) + b.reshape(4, 1),
        lambda x: x / np.sqrt((x * x).mean(1, keepdims=True) + 1e-5),
        (4, 1),
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_definition(name):
    f, normalized, column = VARIANTS[name]
    wanted = normalized(X) * S.reshape(column) + B.reshape(column)
    np.testing.assert_allclose(f(X, S, B), wanted, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(wg.jit(f)(X, S, B), wanted, rtol=1e-13, atol=1e-14)
    assert f(*(x.astype(np.float32) for x in (X, S, B))).dtype == np.float32


@pytest.mark.parametrize("name", VARIANTS)
def test_derivatives(name):
    f, _, _ = VARIANTS[name]
    wg.check_grads(f, (X[:, :, :2], S, B))


def test_running_statistics():
    mean, variance = nn.batch_statistics(X)
    np.testing.assert_allclose(mean, X.mean((0, 2)), rtol=1e-14)
    np.testing.assert_allclose(variance, X.var((0, 2)), rtol=1e-14)
    assert np.array_equal(nn.batch_norm(X, S, B, mean=mean, variance=variance), nn.batch_norm(X, S, B))
    y = nn.batch_norm(X, mean=np.zeros(4), variance=np.ones(4), epsilon=0.0)
    assert np.array_equal(y, X)
    wg.check_grads(lambda x, m, v: nn.batch_norm(x, mean=m, variance=v), (X[:, :, :1], mean, variance))


def test_several_axes():
    s, b = RNG.normal(size=(2, 4, 5))
    np.testing.assert_allclose(
        nn.layer_norm(X, s, b, axes=(1, 2)), standard(X, (1, 2)) * s + b, rtol=1e-13, atol=1e-14
    )


@pytest.mark.parametrize("f", [nn.layer_norm, nn.rms_norm, nn.batch_norm])
def test_constant_inputs_have_finite_derivatives(f):
    x = np.zeros((2, 3))
    assert np.array_equal(f(x), x)
    assert np.isfinite(wg.hessian(lambda x: np.sum(f(x) ** 2))(x)).all()


def test_a_large_mean_costs_no_digits_of_the_variance():
    x = np.array([[1e8 + 1.0, 1e8 - 1.0]])
    np.testing.assert_allclose(nn.layer_norm(x, epsilon=0.0), [[1.0, -1.0]], rtol=1e-15)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: nn.layer_norm(X, S), r"layer_norm: scale has shape \(4,\), inputs have shape \(3, 4, 5\)"),
        (lambda: nn.rms_norm(X, S), "rms_norm: scale has shape"),
        (lambda: nn.layer_norm(X, axes=3), r"layer_norm: axes 3 of an array of shape \(3, 4, 5\)"),
        (lambda: nn.batch_norm(X, np.ones(5)), r"batch_norm: scale has shape \(5,\)"),
        (lambda: nn.batch_norm(X, mean=S), "only one of mean and variance"),
        (
            lambda: nn.group_norm(X, 3),
            r"group_norm: 3 groups of the channels of an array of shape \(3, 4, 5\)",
        ),
        (lambda: nn.group_norm(X, 2, bias=np.ones(2)), r"group_norm: bias has shape \(2,\)"),
    ],
)
def test_errors(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()
