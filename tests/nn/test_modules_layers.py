"""Layers: what they compute, their derivatives, what they keep of training."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import wengert as wg
from wengert import nn, random, tree
from wengert.errors import ArgumentError

RNG = np.random.default_rng(7)
KEY = random.key(5)


def draw(*shape):
    return RNG.normal(size=shape)


IMAGES = draw(2, 4, 6, 5)
SEQUENCE = draw(2, 5, 8)
ONE_AXIS = draw(2, 4, 7)

# name -> (layer of a dtype, its input)
LAYERS = {
    "Linear": (lambda d: nn.Linear(8, 3, key=KEY, dtype=d), SEQUENCE),
    "Linear without bias": (lambda d: nn.Linear(8, 3, key=KEY, dtype=d, bias=False), SEQUENCE),
    "Conv": (lambda d: nn.Conv(4, 6, 3, key=KEY, dtype=d, stride=2, padding=1, groups=2), IMAGES),
    "Conv, one axis": (lambda d: nn.Conv(4, 3, (3,), key=KEY, dtype=d, padding="same"), ONE_AXIS),
    "ConvTranspose": (lambda d: nn.ConvTranspose(4, 6, 3, key=KEY, dtype=d, stride=2, groups=2), IMAGES),
    "LayerNorm": (lambda d: nn.LayerNorm((5, 8), dtype=d), SEQUENCE),
    "RMSNorm": (lambda d: nn.RMSNorm(8, dtype=d), SEQUENCE),
    "GroupNorm": (lambda d: nn.GroupNorm(2, 4, dtype=d), IMAGES),
    "BatchNorm": (lambda d: nn.BatchNorm(4, dtype=d), IMAGES),
    "Dropout": (lambda d: nn.Dropout(0.25), SEQUENCE),
    "MaxPool": (lambda d: nn.MaxPool(2), IMAGES),
    "AvgPool": (lambda d: nn.AvgPool(2), IMAGES),
    "Flatten": (lambda d: nn.Flatten(), IMAGES),
    "MultiHeadAttention": (lambda d: nn.MultiHeadAttention(8, 2, key=KEY, dtype=d), SEQUENCE),
    "grouped and rotary": (
        lambda d: nn.MultiHeadAttention(8, 4, key=KEY, key_heads=2, rotary=True, dtype=d),
        SEQUENCE,
    ),
    "TransformerBlock": (lambda d: nn.TransformerBlock(8, 2, key=KEY, hidden=6, dtype=d), SEQUENCE),
    "norm behind": (lambda d: nn.TransformerBlock(8, 2, key=KEY, norm_first=False, dtype=d), SEQUENCE),
    "RNN": (lambda d: nn.RNN(8, 3, key=KEY, dtype=d), SEQUENCE),
    "LSTM": (lambda d: nn.LSTM(8, 3, key=KEY, dtype=d), SEQUENCE),
    "LSTM, backwards": (lambda d: nn.LSTM(8, 3, key=KEY, reverse=True, dtype=d), SEQUENCE),
    "GRU": (lambda d: nn.GRU(8, 3, key=KEY, dtype=d), SEQUENCE),
    "SpectralNorm": (lambda d: nn.SpectralNorm(nn.Linear(8, 3, key=KEY, dtype=d), key=KEY), SEQUENCE),
    "Residual": (lambda d: nn.Residual(nn.Linear(8, 8, key=KEY, dtype=d)), SEQUENCE),
}


def total(layer, x):
    return np.sum(np.sin(layer(x)))


@pytest.mark.parametrize("name", LAYERS)
def test_derivatives_of_layers_are_right(name):
    make, x = LAYERS[name]
    layer = make(np.float64)
    params, rest = nn.partition(layer)
    if tree.flatten(params)[0]:
        wg.check_grads(lambda p: total(nn.combine(p, rest), x), (params,), order=1)
    wg.check_grads(lambda x: total(layer, x), (x,), order=1)


@pytest.mark.parametrize("name", LAYERS)
def test_compiled_layers_are_the_layers(name):
    make, x = LAYERS[name]
    params, rest = nn.partition(make(np.float64))
    fun = wg.value_and_grad(lambda p, r, x: total(nn.combine(p, r), x))
    expected, g = fun(params, rest, x)
    value, h = wg.jit(fun)(params, rest, x)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for a, b in zip(tree.flatten(h)[0], tree.flatten(g)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_keep_float32(name):
    make, x = LAYERS[name]
    layer, x = make(np.float32), x.astype(np.float32)
    assert {a.dtype for a in tree.flatten(layer)[0]} <= {np.dtype(np.float32)}
    assert layer(x).dtype == np.float32
    y, new = layer.train(x, key=KEY)
    assert y.dtype == np.float32
    assert {a.dtype for a in tree.flatten(new)[0]} <= {np.dtype(np.float32)}
    assert tree.flatten(new)[1] == tree.flatten(layer)[1]  # so that a compiled step runs again
    g = wg.grad(total)(layer, x)
    assert {a.dtype for a in tree.flatten(g)[0]} <= {np.dtype(np.float32)}


WITH_WEIGHTS = [name for name, (make, _) in LAYERS.items() if tree.flatten(make(np.float64))[0]]


@pytest.mark.parametrize("name", WITH_WEIGHTS)
def test_layers_work_on_batches_of_models(name):
    make, x = LAYERS[name]
    layer = make(np.float64)
    stacked = tree.map_leaves(lambda a: np.stack([a, 2.0 * a]), layer)
    twice = tree.map_leaves(lambda a: 2.0 * a, layer)
    ys = wg.vmap(lambda m: m(x))(stacked)
    np.testing.assert_allclose(ys[0], layer(x), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(ys[1], twice(x), rtol=1e-11, atol=1e-12)


# One by one


def test_linear_is_an_affine_map():
    layer = nn.Linear(8, 3, key=KEY)
    np.testing.assert_allclose(layer(SEQUENCE), SEQUENCE @ layer.weight.T + layer.bias, rtol=1e-14)
    assert np.abs(layer.weight).max() <= 8**-0.5
    assert np.abs(layer.bias).max() <= 8**-0.5


def test_keys_decide():
    again = nn.Linear(8, 3, key=KEY)
    other = nn.Linear(8, 3, key=random.key(6))
    np.testing.assert_array_equal(nn.Linear(8, 3, key=KEY).weight, again.weight)
    assert not np.array_equal(other.weight, again.weight)
    block = nn.TransformerBlock(8, 2, key=KEY)
    weights = [block.attention.query.weight, block.attention.key.weight, block.attention.output.weight]
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(weights))


def test_batch_norm_trains_by_the_batch_and_runs_by_averages():
    layer = nn.BatchNorm(4, momentum=0.25)
    y, new = layer.train(IMAGES)
    np.testing.assert_allclose(y.mean((0, 2, 3)), 0.0, atol=1e-14)
    np.testing.assert_allclose(
        y.var((0, 2, 3)), 1.0, rtol=1e-4
    )  # epsilon = 1e-5 stands beside variances near 1
    np.testing.assert_allclose(new.mean, 0.25 * IMAGES.mean((0, 2, 3)), rtol=1e-13)
    unbiased = IMAGES.var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(new.variance, 0.75 + 0.25 * unbiased, rtol=1e-13)
    assert not layer.mean.any()
    shape = (1, 4, 1, 1)
    expected = (IMAGES - new.mean.reshape(shape)) / np.sqrt(new.variance.reshape(shape) + 1e-5)
    np.testing.assert_allclose(new(IMAGES), expected, rtol=1e-13)


def test_new_averages_come_out_of_a_compiled_gradient():
    model = nn.Sequential(nn.Conv(4, 3, 3, key=KEY), nn.BatchNorm(3), nn.relu)
    params, rest = nn.partition(model)

    @wg.jit
    def step(params, rest, x):
        def loss(params):
            y, new = nn.combine(params, rest).train(x)
            return np.mean(y**2), nn.partition(new)[1]

        return wg.value_and_grad(loss, has_aux=True)(params)

    (_, new), g = step(params, rest, IMAGES)
    _, expected = model.train(IMAGES)
    np.testing.assert_allclose(nn.combine(params, new)[1].mean, expected[1].mean, rtol=1e-12)
    wg.check_grads(lambda p: np.mean(nn.combine(p, rest).train(IMAGES)[0] ** 2), (params,), order=1)
    step(g, new, IMAGES)
    assert step.cache_info().misses == 1


def test_new_averages_have_no_derivative():
    def averages(x):
        return sum(np.sum(leaf) for leaf in tree.flatten(nn.BatchNorm(4).train(x)[1])[0])

    assert not wg.grad(averages)(IMAGES).any()


def test_dropout_needs_a_key_in_training():
    layer = nn.Dropout(0.25)
    assert layer(SEQUENCE) is SEQUENCE
    with pytest.raises(ArgumentError, match="Dropout in training got no key"):
        layer.train(SEQUENCE)
    with pytest.raises(ArgumentError, match="the rate is 1"):
        nn.Dropout(1.0)
    y, same = layer.train(np.ones(4000), key=KEY)
    assert same is layer
    kept = np.count_nonzero(y)
    assert abs(kept - 3000) < 5 * np.sqrt(4000 * 0.25 * 0.75)
    np.testing.assert_allclose(y[y != 0.0], 1.0 / 0.75, rtol=1e-15)


def test_layers_in_sequence_draw_differently():
    model = nn.Sequential(nn.Dropout(0.5), np.negative, nn.Dropout(0.5))
    y, _ = model.train(np.ones(4000), key=KEY)
    assert abs(np.count_nonzero(y) - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)
    eager, _ = model.train(np.ones(64), key=KEY)
    compiled, _ = wg.jit(lambda m, x, k: m.train(x, key=k))(model, np.ones(64), KEY)
    np.testing.assert_array_equal(eager, compiled)


def test_attention_looks_only_back_if_causal():
    layer = nn.MultiHeadAttention(8, 2, key=KEY)
    changed = SEQUENCE.copy()
    changed[:, 3:] += 1.0
    a, b = layer(SEQUENCE, causal=True), layer(changed, causal=True)
    np.testing.assert_allclose(a[:, :3], b[:, :3], rtol=1e-13)
    assert np.abs(a[:, 3:] - b[:, 3:]).max() > 0.01
    mask = np.tril(np.ones((5, 5), bool))
    np.testing.assert_allclose(layer(SEQUENCE, mask=mask), a, rtol=1e-12, atol=1e-14)


def test_rotary_attention_sees_distances():
    layer = nn.MultiHeadAttention(8, 2, key=KEY, rotary=True)
    y = layer(SEQUENCE)
    assert np.abs(y - layer.replace(rotary=False)(SEQUENCE)).max() > 0.01
    heads = [
        np.swapaxes(f(SEQUENCE).reshape(2, 5, 2, 4), 1, 2) for f in (layer.query, layer.key, layer.value)
    ]
    late = np.arange(100, 105)  # distances are what they were
    q, k = (nn.rope(x, late) for x in heads[:2])
    expected = np.swapaxes(nn.attention(q, k, heads[2]), 1, 2).reshape(2, 5, 8)
    np.testing.assert_allclose(y, layer.output(expected), rtol=1e-11, atol=1e-13)


def test_attention_takes_a_context_and_blocks():
    layer = nn.MultiHeadAttention(8, 2, key=KEY)
    assert layer(SEQUENCE, draw(2, 9, 8)).shape == SEQUENCE.shape
    np.testing.assert_allclose(layer.replace(block=2)(SEQUENCE), layer(SEQUENCE), rtol=1e-12, atol=1e-14)
    with pytest.raises(nn.ShapeError, match=r"context has shape \(2, 9, 7\)"):
        layer(SEQUENCE, draw(2, 9, 7))
    with pytest.raises(ArgumentError, match="width 8, 3 heads"):
        nn.MultiHeadAttention(8, 3, key=KEY)


@pytest.mark.parametrize("make", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_layers_go_on_from_a_state(make):
    layer = make(8, 3, key=KEY)
    hs, last = layer.run(SEQUENCE)
    first, state = layer.run(SEQUENCE[:1])
    rest, again = layer.run(SEQUENCE[1:], state)
    np.testing.assert_allclose(np.concatenate([first, rest]), hs, rtol=1e-12, atol=1e-14)
    for a, b in zip(tree.flatten(again)[0], tree.flatten(last)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    state = layer.step(SEQUENCE[1], state)
    h = state[0] if isinstance(state, tuple) else state
    np.testing.assert_allclose(h, hs[1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("layer", "x", "axis"),
    [
        (nn.Linear(8, 3, key=KEY), SEQUENCE, 0),
        (nn.Conv(4, 6, 3, key=KEY), IMAGES, 0),
        (nn.ConvTranspose(4, 6, 3, key=KEY), IMAGES, 1),
    ],
)
def test_spectral_norm_makes_the_largest_singular_value_one(layer, x, axis):
    normed = nn.SpectralNorm(layer, key=KEY, iterations=5)
    for _ in range(60):
        _, normed = normed.train(x)
    matrix = np.moveaxis(layer.weight, axis, 0).reshape(layer.weight.shape[axis], -1)
    sigma = np.linalg.norm(matrix, 2)
    scaled = layer.replace(weight=layer.weight / sigma)
    np.testing.assert_allclose(normed(x), scaled(x), rtol=1e-9, atol=1e-11)
    np.testing.assert_array_equal(normed.layer.weight, layer.weight)
    assert nn.filter(normed).vector is None


def test_embeddings_pick_rows_and_share_them():
    layer = nn.Embedding(10, 4, key=KEY)
    words = np.array([[1, 2], [2, 9]])
    np.testing.assert_array_equal(layer(words), layer.weight[words])
    g = wg.grad(lambda m: np.sum(m(words)))(layer)
    np.testing.assert_array_equal(g.weight[:, 0], [0, 1, 2, 0, 0, 0, 0, 0, 0, 1])
    np.testing.assert_allclose(layer.scores(draw(3, 4)).shape, (3, 10))
    with pytest.raises(ArgumentError, match="10"):
        layer(np.array([10]))


def test_sequences_are_sliced_and_counted():
    model = nn.Sequential(np.tanh, nn.Linear(8, 3, key=KEY), np.sin)
    assert len(model) == 3
    assert [type(layer).__name__ for layer in model] == ["Lambda", "Linear", "Lambda"]
    assert isinstance(model[:2], nn.Sequential)
    np.testing.assert_array_equal(np.sin(model[:2](SEQUENCE)), model(SEQUENCE))
    with pytest.raises(ArgumentError, match="layer 0 is a list"):
        nn.Sequential([np.tanh])


@pytest.mark.parametrize(
    ("layer", "x", "wanted"),
    [
        (nn.Linear(8, 3, key=KEY), draw(2, 7), r"Linear: x has shape \(2, 7\), and must have \(..., 8\)"),
        (
            nn.Conv(3, 6, 3, key=KEY),
            IMAGES,
            r"Conv: x has shape \(2, 4, 6, 5\), and must have \(batch, 3, any, any\)",
        ),
        (nn.Conv(4, 6, 3, key=KEY), draw(4, 6, 5), r"must have \(batch, 4, any, any\)"),
        (nn.BatchNorm(3), IMAGES, r"BatchNorm: x has shape .* must have \(batch, 3, any, any\)"),
        (nn.GroupNorm(2, 6), IMAGES, r"must have \(batch, 6, any, any\)"),
        (nn.LayerNorm((5, 7)), SEQUENCE, r"must have \(..., 5, 7\)"),
        (
            nn.LSTM(7, 3, key=KEY),
            SEQUENCE,
            r"LSTM: the sequence has shape \(2, 5, 8\), and must have \(..., any, 7\)",
        ),
        (nn.Linear(8, 3, key=KEY), np.float64(1.0), r"x has shape \(\)"),
    ],
)
def test_shapes_that_do_not_fit_are_named(layer, x, wanted):
    with pytest.raises(nn.ShapeError, match=wanted):
        layer(x)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Conv(4, 6, 3, key=KEY, groups=3),
        lambda: nn.GroupNorm(3, 4),
        lambda: nn.SpectralNorm(nn.relu, key=KEY),
    ],
)
def test_layers_that_cannot_be_are_refused(make):
    with pytest.raises(ArgumentError):
        make()
