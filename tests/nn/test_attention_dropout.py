"""Dropout on the weights of attention: which are dropped, what is kept, and that blocks change nothing."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn, random
from wengert.errors import ArgumentError

RNG = np.random.default_rng(3)
KEY = random.key(11)


def operands(queries=7, keys=9, heads=4, key_heads=2, batch=(2,)):
    return (
        RNG.normal(size=(*batch, heads, queries, 4)),
        RNG.normal(size=(*batch, key_heads, keys, 4)),
        RNG.normal(size=(*batch, key_heads, keys, 3)),
    )


CASES = {
    "plain": ({}, {}),
    "causal": ({"queries": 9}, {"causal": True}),
    "causal, with keys before": ({"queries": 3}, {"causal": True}),
    "mask and bias": ({}, {"mask": RNG.random((4, 7, 9)) < 0.6, "bias": RNG.normal(size=(1, 1, 9))}),
    "a head of keys each": ({"heads": 2}, {}),
    "no batch": ({"batch": ()}, {"causal": True}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("block", [1, 2, 4, 64])
def test_blocks_drop_the_same_weights(name, block):
    shapes, how = CASES[name]
    x, how = operands(**shapes), {**how, "dropout": 0.4, "key": KEY}
    weights = RNG.normal(size=(*x[0].shape[:-1], 3))

    def loss(q, k, v, block):
        return np.sum(weights * nn.attention(q, k, v, **how, block=block))

    # Scores are sums of 4 products of size up to about 10, and exp multiplies their error by 1.
    np.testing.assert_allclose(
        nn.attention(*x, **how, block=block), nn.attention(*x, **how), rtol=1e-13, atol=1e-14
    )
    for found, wanted in zip(
        wg.grad(loss, (0, 1, 2))(*x, block), wg.grad(loss, (0, 1, 2))(*x, None), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


def weights_of(rate, n=40, heads=3, key=KEY, **how):
    """With the identity as values the output is the weights."""
    q, k = RNG.normal(size=(2, 2, heads, n, 4))
    v = np.broadcast_to(np.eye(n), (2, heads, n, n))
    return nn.attention(q, k, v, dropout=rate, key=key, **how), nn.attention(q, k, v)


@pytest.mark.parametrize("block", [None, 8])
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_a_share_of_the_weights_is_dropped(rate, block):
    found, weights = weights_of(rate, block=block)
    kept = found != 0
    deviation = np.sqrt(kept.size * rate * (1 - rate))
    assert abs(np.count_nonzero(~kept) - rate * kept.size) < 5 * deviation
    np.testing.assert_allclose(found[kept], (weights / (1 - rate))[kept], rtol=1e-13)


def test_sequences_heads_queries_and_keys_are_dropped_apart():
    kept = weights_of(0.5)[0] != 0  # two patterns of n bits agree in n / 2 of them, within 5 deviations
    for axis in range(4):
        a, b = (np.take(kept, i, axis) for i in (0, 1))
        assert abs(np.mean(a == b) - 0.5) < 5 * 0.5 / np.sqrt(a.size)
    other = weights_of(0.5, key=random.key(12))[0] != 0
    assert abs(np.mean(kept == other) - 0.5) < 5 * 0.5 / np.sqrt(kept.size)


def test_derivatives_to_second_order():
    q, k, v = (x[..., :2] for x in operands(2, 3, 2, 1, batch=()))
    wg.check_grads(lambda q, k, v: nn.attention(q, k, v, causal=True, dropout=0.3, key=KEY), (q, k, v))


def test_second_derivatives_of_blocks_are_those_of_the_whole():
    x = operands(4, 5, 2, 1, batch=())

    def size(block, *x):
        def loss(*x):
            return np.sum(np.sin(nn.attention(*x, causal=True, dropout=0.3, key=KEY, block=block)))

        return sum(np.sum(g**2) for g in wg.grad(loss, (0, 1, 2))(*x))

    pairs = zip(*(wg.grad(size, (1, 2, 3))(block, *x) for block in (2, None)), strict=True)
    for found, wanted in pairs:
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("block", [None, 4])
def test_compiled_and_batched(block):
    q, k, v = operands()

    def loss(key, q, k, v):
        return np.sum(nn.attention(q, k, v, dropout=0.4, key=key, block=block) ** 2)

    gradient = wg.grad(loss, (1, 2, 3))
    for found, wanted in zip(wg.jit(gradient)(KEY, q, k, v), gradient(KEY, q, k, v), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)
    keys = random.split(KEY, 3)
    found = wg.vmap(lambda key: loss(key, q, k, v))(keys)
    np.testing.assert_allclose(found, [loss(key, q, k, v) for key in keys], rtol=1e-12)


def test_single_precision_stays_single():
    x = [a.astype(np.float32) for a in operands()]
    for block in (None, 4):
        assert nn.attention(*x, dropout=0.4, key=KEY, block=block).dtype == np.float32


def test_errors():
    x = operands()
    with pytest.raises(ArgumentError, match=r"attention: dropout of 0.4 got no key\n.*where"):
        nn.attention(*x, dropout=0.4)
    with pytest.raises(ArgumentError, match="dropout: the rate is 1"):
        nn.attention(*x, dropout=1.0, key=KEY)
    with pytest.raises(ArgumentError, match="MultiHeadAttention: dropout: the rate is -1"):
        nn.MultiHeadAttention(8, 2, key=KEY, dropout=-1.0)


# Layers -----------------------------------------------------------------------------------------


def test_a_layer_drops_weights_in_training_only():
    layer, x = nn.MultiHeadAttention(8, 2, key=KEY, dropout=0.5), RNG.normal(size=(3, 5, 8))
    assert layer.differs_in_training()
    assert not layer.replace(dropout=0.0).differs_in_training()
    np.testing.assert_array_equal(layer(x), layer.replace(dropout=0.0)(x))
    y, same = layer.train(x, key=KEY, causal=True)
    assert same is layer
    blocks, _ = layer.replace(block=2).train(x, key=KEY, causal=True)
    np.testing.assert_allclose(blocks, y, rtol=1e-12, atol=1e-14)
    q, k, v = (np.swapaxes(f(x).reshape(3, 5, 2, 4), 1, 2) for f in (layer.query, layer.key, layer.value))
    mixed = nn.attention(q, k, v, causal=True, dropout=0.5, key=KEY)
    np.testing.assert_allclose(
        y, layer.output(np.swapaxes(mixed, 1, 2).reshape(3, 5, 8)), rtol=1e-12, atol=1e-14
    )


def test_a_block_drops_at_both_places():
    x = RNG.normal(size=(3, 5, 8))
    block = nn.TransformerBlock(8, 2, key=KEY, dropout=0.5)
    assert block.attention.dropout == 0.5
    with pytest.raises(ArgumentError, match="got no key"):
        block.train(x)
    only = nn.TransformerBlock(8, 2, key=KEY, attention_dropout=0.5)
    assert only.differs_in_training()
    assert np.abs(only.train(x, key=KEY)[0] - only(x)).max() > 0.01
    assert np.abs(only.train(x, key=KEY)[0] - only.train(x, key=random.key(1))[0]).max() > 0.01
    without = nn.TransformerBlock(8, 2, key=KEY, dropout=0.5, attention_dropout=0.0)
    assert not without.attention.differs_in_training()
    assert np.abs(without.train(x, key=KEY)[0] - block.train(x, key=KEY)[0]).max() > 0.01
