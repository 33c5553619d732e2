"""How values of a graph lie is known while it is made, and nothing is computed for it."""

import numpy as np
import pytest

import wengert as wg
from wengert.transforms.staging import Stage

X = np.arange(24.0).reshape(4, 6)
RNG = np.random.default_rng(3)

# A reshape of these is a view, or a copy: what is written to it tells.
PROGRAMS = {
    "a product": lambda x: x @ x.T,
    "a product of transposes": lambda x: (x.T @ x).T,
    "an operation on a transpose": lambda x: 2.0 * x.T,
    "a sum in a transpose": lambda x: np.sum(x.reshape(2, 2, 6).T, axis=1),
    "a slice": lambda x: np.sin(x)[:, 1:3],
    "every other column of a product": lambda x: (x @ x.T)[:, ::2],
    "broadcast": lambda x: np.broadcast_to(np.exp(x[:1]), (3, 6)),
    "axes moved": lambda x: np.moveaxis((x * x).reshape(2, 2, 6), 0, 2),
    "axes moved and summed": lambda x: np.sum(np.moveaxis((x * x).reshape(2, 2, 6), 0, 2), axis=0),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "a padded transpose": lambda x: np.pad(x.T, 1),
    "rows stacked": lambda x: np.stack([x[0], x[1] * 2.0]),
    "flipped": lambda x: np.flip(x + 1.0, 0),
    "real": lambda x: np.real(x + 1j * x),
}


@pytest.mark.parametrize("make", PROGRAMS.values(), ids=PROGRAMS)
def test_writes_to_reshaped_arrays_go_where_numpy_lets_them(make):
    def written(x):
        y = make(x)
        if not y.flags.writeable:
            y = y + 0.0
        z = np.reshape(y, -1)
        z[0] = 100.0
        return y, z

    for x in (X, np.asfortranarray(X)):
        for found, wanted in zip(wg.jit(written)(x), written(x), strict=True):
            np.testing.assert_array_equal(found, wanted)


def attention(x):
    q, k = x @ x.T, np.exp(x) @ x.T
    scores = np.moveaxis((q @ k.T).reshape(2, 2, 2, 2), 1, 2).reshape(4, 4)
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return np.mean((weights / np.sum(weights, axis=-1, keepdims=True)).reshape(-1, 8) @ np.ones(8))


def test_nothing_is_computed_while_a_graph_is_made(monkeypatch):
    def computed(self, atom, memo=None):
        raise AssertionError(self._producers[atom])

    monkeypatch.setattr(Stage, "value_of", computed)
    compiled = wg.jit(wg.value_and_grad(attention))
    x = RNG.normal(size=(4, 6))
    value, gradient = compiled(x)
    wanted, slope = wg.value_and_grad(attention)(x)
    np.testing.assert_allclose(value, wanted, rtol=1e-14)
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-14 * np.max(np.abs(slope)))
