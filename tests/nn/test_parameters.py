"""Embedding, dropout and initial values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

import wengert as wg
from wengert import nn, random
from wengert.errors import ArgumentError

KEY = random.key(12)
UNLIKELY = 1e-6

# Embedding --------------------------------------------------------------------------------------


def test_embedding():
    table, i = np.arange(12.0).reshape(4, 3), np.array([[3, 0], [3, 1]])
    assert np.array_equal(nn.embedding(table, i), table[i])
    assert np.array_equal(wg.jit(nn.embedding)(table, i), table[i])
    assert np.array_equal(wg.vmap(lambda i: nn.embedding(table, i))(i), table[i])
    counts = wg.grad(lambda t: np.sum(nn.embedding(t, i)))(table)
    assert counts[:, 0].tolist() == [1, 1, 0, 2]
    wg.check_grads(lambda t: nn.embedding(t, i) ** 2, (table,))


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("wrong", [-1, 4])
def test_indices_out_of_range(wrong):
    table = np.ones((4, 3))
    f = wg.jit(lambda t, i: np.sum(nn.embedding(t, i)))
    f(table, np.array([0, 1]))
    for call in (nn.embedding, f):
        with pytest.raises(
            ArgumentError, match=rf"index {wrong} is out of range for a table of shape \(4, 3\)"
        ):
            call(table, np.array([0, wrong]))
    with pytest.raises(IndexError):
        wg.vmap(lambda i: nn.embedding(table, i))(np.array([0, wrong]))


def test_indices_are_integers():
    with pytest.raises(ArgumentError, match=r"f64\[4,3\] indexed by f64\[2\]"):
        nn.embedding(np.ones((4, 3)), np.ones(2))


# Dropout ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout(rate):
    x = np.arange(1.0, 4001.0)
    y = nn.dropout(KEY, x, rate)
    kept = y != 0
    np.testing.assert_array_equal(y[kept], x[kept] / (1 - rate))
    assert stats.binomtest(int(kept.sum()), x.size, 1 - rate).pvalue > UNLIKELY
    assert np.array_equal(wg.grad(lambda x: np.sum(nn.dropout(KEY, x, rate)))(x), kept / (1 - rate))


@pytest.mark.usefixtures("machine_code")
def test_dropout_drops_the_same_eager_compiled_and_recomputed():
    x = np.ones((30, 7), np.float32)
    y = nn.dropout(KEY, x, 0.3)
    assert y.dtype == np.float32
    assert np.array_equal(wg.jit(lambda key, x: nn.dropout(key, x, 0.3))(KEY, x), y)
    slope = wg.grad(lambda x: np.sum(np.sin(nn.dropout(KEY, x, 0.3))))(x)
    again = wg.grad(lambda x: np.sum(wg.checkpoint(lambda x: np.sin(nn.dropout(KEY, x, 0.3)))(x)))(x)
    assert np.array_equal(again, slope)


def test_dropout_of_whole_channels():
    y = nn.dropout(KEY, np.ones((4, 10, 3, 3)), 0.5, shared=(2, 3))
    assert np.array_equal(y, np.broadcast_to(y[:, :, :1, :1], y.shape))
    assert set(np.unique(y)) == {0, 2}


def test_no_dropout():
    x = np.ones(3)
    assert nn.dropout(KEY, x, 0.0) is x
    for rate in (1.0, -0.1):
        with pytest.raises(ArgumentError, match=f"the rate is {rate}"):
            nn.dropout(KEY, x, rate)


def test_what_is_dropped_may_be_anything():
    dropped = nn.dropout(KEY, np.ones(50), 0.5) == 0
    x = np.where(dropped, np.nan, 1.0)
    value, slope = wg.value_and_grad(lambda x: np.sum(nn.dropout(KEY, x, 0.5)))(x)
    assert np.isfinite(value)
    assert np.isfinite(slope).all()


# Initial values ---------------------------------------------------------------------------------

SHAPE = (40, 30, 3)  # fan in 90, fan out 120
LAWS = {
    "glorot_uniform": stats.uniform(-math.sqrt(6 / 210), 2 * math.sqrt(6 / 210)),
    "glorot_normal": stats.norm(0, math.sqrt(2 / 210)),
    "he_uniform": stats.uniform(-math.sqrt(6 / 90), 2 * math.sqrt(6 / 90)),
    "he_normal": stats.norm(0, math.sqrt(2 / 90)),
    "lecun_normal": stats.norm(0, math.sqrt(1 / 90)),
    "fan_in_uniform": stats.uniform(-math.sqrt(1 / 90), 2 * math.sqrt(1 / 90)),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_initial_values(name, dtype):
    w = getattr(nn, name)(KEY, SHAPE, dtype)
    assert w.shape == SHAPE
    assert w.dtype == dtype
    assert stats.kstest(w.ravel(), LAWS[name].cdf).pvalue > UNLIKELY
    with pytest.raises(ArgumentError, match=rf"{name}: weights of shape \(3,\)"):
        getattr(nn, name)(KEY, (3,))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (3, 2, 2)])
def test_orthogonal(shape):
    w = nn.orthogonal(KEY, shape, gain=2.0).reshape(shape[0], -1) / 2.0
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-14)
    assert nn.orthogonal(KEY, shape, np.float32).dtype == np.float32


def test_orthogonal_matrices_are_uniform():
    # The first entry of a uniform rotation of the plane is the cosine of a uniform angle: an arcsine law.
    first = np.array([nn.orthogonal(key, (2, 2))[0, 0] for key in random.split(KEY, 2000)])
    assert stats.kstest(first, stats.arcsine(-1, 2).cdf).pvalue > UNLIKELY
