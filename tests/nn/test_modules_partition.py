"""Parts of models: what is trained, what is not, what is shared."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn, random, tree
from wengert.errors import ArgumentError

X = np.linspace(-1.0, 1.0, 12).reshape(4, 3)


class Tied(nn.Module):
    """An encoder whose transpose decodes."""

    encoder: np.ndarray
    decoder: np.ndarray

    def __call__(self, x):
        return np.tanh(x @ self.encoder) @ self.decoder.T


def error(model):
    return np.sum((model(X) - X) ** 2)


def model():
    k = random.split(random.key(0), 2)
    return nn.Sequential(nn.Linear(3, 4, key=k[0]), nn.BatchNorm(4), nn.frozen(nn.Linear(4, 3, key=k[1])))


def test_the_parts_make_the_whole():
    whole = model()
    params, rest = nn.partition(whole)
    again = nn.combine(params, rest)
    for a, b in zip(tree.flatten(again)[0], tree.flatten(whole)[0], strict=True):
        assert a is b
    assert tree.flatten(again)[1] == tree.flatten(whole)[1]


def test_trained_are_floats_that_are_neither_frozen_nor_buffers():
    params, rest = nn.partition(model())
    assert [np.shape(x) for x in tree.flatten(params)[0]] == [(4, 3), (4,), (4,), (4,)]
    assert len(tree.flatten(rest)[0]) == 4
    assert params[2].weight is None


def test_integers_are_not_trained_and_do_not_disturb():
    params, rest = nn.partition({"w": 2.0, "n": np.arange(3), "flag": True, "z": 1j})
    assert params == {"w": 2.0, "n": None, "flag": None, "z": 1j}
    g = wg.grad(lambda p: nn.combine(p, rest)["w"] ** 2 * nn.combine(p, rest)["n"].sum())(
        {**params, "z": None}
    )
    assert g["w"] == 12.0


def test_one_chooses_by_path():
    params, _ = nn.partition(model(), lambda path, leaf: path == "layers[0].weight")
    assert [np.shape(x) for x in tree.flatten(params)[0]] == [(4, 3)]
    seen = []
    nn.filter(model(), lambda path, leaf: seen.append(path))
    assert seen == [
        *["layers[0].weight", "layers[0].bias"],
        *["layers[1].scale", "layers[1].bias", "layers[1].mean", "layers[1].variance"],
        *["layers[2].weight", "layers[2].bias"],
    ]


def test_training_a_part_leaves_the_rest():
    whole = model()
    params, rest = nn.partition(whole)
    step = wg.jit(wg.value_and_grad(lambda p, r: error(nn.combine(p, r))))
    for _ in range(3):
        _, g = step(params, rest)
        params = tree.map_leaves(lambda p, d: p - 0.01 * d, params, g)
    trained = nn.combine(params, rest)
    np.testing.assert_array_equal(trained[2].weight, whole[2].weight)
    assert error(trained) < error(whole)
    assert step.cache_info().misses == 1


# What is shared


def test_the_gradient_of_what_is_shared_is_the_sum_over_its_places():
    w = np.linspace(0.1, 0.5, 6).reshape(3, 2)
    tied = Tied(w, w)
    params, rest = nn.partition(tied)
    assert params.decoder is None
    assert repr(rest) == "Tied(encoder=None, decoder=shared(0))"
    g = wg.grad(lambda p: error(nn.combine(p, rest)))(params)
    direct = wg.grad(lambda w: error(Tied(w, w)))(w)
    np.testing.assert_allclose(g.encoder, direct, rtol=1e-14)
    apart = wg.grad(error)(tied)  # of two arguments that happen to be equal: one partial derivative for each
    np.testing.assert_allclose(apart.encoder + apart.decoder, direct, rtol=1e-13)
    assert np.abs(apart.encoder - direct).max() > 0.01


def test_what_is_shared_stays_shared_in_training():
    w = np.linspace(0.1, 0.5, 6).reshape(3, 2)
    params, rest = nn.partition(Tied(w, w))
    step = wg.jit(wg.grad(lambda p, r: error(nn.combine(p, r))))
    for _ in range(3):
        params = tree.map_leaves(lambda p, d: p - 0.01 * d, params, step(params, rest))
    trained = nn.combine(params, rest)
    assert trained.encoder is trained.decoder
    assert not np.array_equal(trained.encoder, w)


def test_a_shared_module_is_shared_in_all_its_leaves():
    layer = nn.Linear(3, 3, key=random.key(0))
    twice = nn.Sequential(layer, np.tanh, layer)
    params, rest = nn.partition(twice)
    assert len(tree.flatten(params)[0]) == 2
    assert nn.combine(params, rest)[2].weight is layer.weight


def test_equal_numbers_are_not_shared():
    params, _ = nn.partition([1.0, 1.0, np.float64(2.0), np.float64(2.0)])
    assert params == [1.0, 1.0, 2.0, 2.0]


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(ArgumentError, match="different structure"):
        nn.combine([1.0], [None, 2.0])
    with pytest.raises(ArgumentError, match=r"both parts given to combine have \[1\]"):
        nn.combine([1.0, 2.0], [None, 2.0])
