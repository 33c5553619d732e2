"""Spectral normalization against the singular value decomposition."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.errors import ArgumentError

RNG = np.random.default_rng(11)
W = RNG.normal(size=(4, 3))


def settled(w):
    """The left singular vector: from there, sigma is exact."""
    return np.linalg.svd(w.reshape(len(w), -1))[0][:, 0]


def test_value():
    y, u = nn.spectral_norm(W, RNG.normal(size=4), iterations=300)
    np.testing.assert_allclose(np.linalg.svd(y)[1][0], 1.0, rtol=1e-14)
    np.testing.assert_allclose(np.abs(u), np.abs(settled(W)), rtol=1e-12)


def test_one_step_is_power_iteration():
    u = RNG.normal(size=4)
    v = W.T @ u / np.linalg.norm(W.T @ u)
    new = W @ v / np.linalg.norm(W @ v)
    y, found = nn.spectral_norm(W, u)
    np.testing.assert_allclose(found, new, rtol=1e-14)
    np.testing.assert_allclose(y, W / (new @ W @ v), rtol=1e-14)
    c = RNG.normal(size=W.shape)
    slope = wg.grad(lambda w: np.sum(c * nn.spectral_norm(w, u)[0]))(W)
    np.testing.assert_allclose(
        slope, wg.grad(lambda w: np.sum(c * w) / (new @ w @ v))(W), rtol=1e-13, atol=1e-15
    )
    kept, same = nn.spectral_norm(W, new, iterations=0)
    assert np.array_equal(same, new)
    np.testing.assert_allclose(kept, W / np.linalg.norm(W.T @ new), rtol=1e-14)


def test_the_gradient_is_that_through_the_singular_value():
    c = RNG.normal(size=W.shape)
    found = wg.grad(lambda w: np.sum(c * nn.spectral_norm(w, settled(W), iterations=3)[0]))(W)
    wanted = wg.grad(lambda w: np.sum(c * w / np.linalg.norm(w, 2)))(W)
    np.testing.assert_allclose(found, wanted, rtol=1e-13, atol=1e-14)


@pytest.mark.usefixtures("machine_code")
def test_kernels_of_convolutions():
    w = RNG.normal(size=(4, 2, 3, 3)).astype(np.float32)
    y, u = wg.jit(nn.spectral_norm)(w, np.ones(4, np.float32))
    assert y.shape == w.shape
    assert y.dtype == u.dtype == np.float32
    for found, wanted in zip((y, u), nn.spectral_norm(w, np.ones(4, np.float32)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5)  # 100 eps: sums of 18 products, three times over


def test_errors():
    with pytest.raises(
        ArgumentError, match=r"spectral_norm: weights of shape \(4, 3\) with a vector of shape \(3,\)"
    ):
        nn.spectral_norm(W, np.ones(3))
