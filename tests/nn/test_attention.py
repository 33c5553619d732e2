"""Attention against its definition, in blocks, with masks, groups of queries and rotated positions."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.errors import ArgumentError

RNG = np.random.default_rng(9)


def reference(q, k, v, mask=True, bias=0.0, causal=False, scale=None):
    """The definition, one query at a time."""
    heads, queries, d = q.shape[-3:]
    keys, shared = k.shape[-2], heads // k.shape[-3]
    mask = np.broadcast_to(mask, (*q.shape[:-1], keys))
    bias = np.broadcast_to(bias, (*q.shape[:-1], keys))
    y = np.zeros((*q.shape[:-1], v.shape[-1]))
    for at in np.ndindex(*q.shape[:-1]):
        lead, head, i = at[:-2], at[-2], at[-1]
        seen = mask[at].copy()
        if causal:
            seen &= np.arange(keys) <= i + keys - queries
        if not seen.any():
            continue
        s = k[(*lead, head // shared)][seen] @ q[at] * (d**-0.5 if scale is None else scale) + bias[at][seen]
        p = np.exp(s - s.max())
        y[at] = p @ v[(*lead, head // shared)][seen] / p.sum()
    return y


def operands(queries=4, keys=5, heads=2, key_heads=2, batch=(2,)):
    return (
        RNG.normal(size=(*batch, heads, queries, 4)),
        RNG.normal(size=(*batch, key_heads, keys, 4)),
        RNG.normal(size=(*batch, key_heads, keys, 3)),
    )


NONE = np.array([True, False, True, True])[:, None]  # the second query sees nothing

CASES = {
    "plain": ({}, {}),
    "one head": ({"heads": 1, "key_heads": 1}, {}),
    "no batch": ({"batch": ()}, {"causal": True}),
    "causal": ({}, {"causal": True}),
    "causal, with keys before": ({"queries": 2}, {"causal": True}),
    "causal, fewer keys than queries": ({"queries": 4, "keys": 3}, {"causal": True}),
    "grouped": ({"heads": 6}, {"causal": True}),
    "one head of keys": ({"heads": 3, "key_heads": 1}, {}),
    "mask": ({}, {"mask": RNG.random((2, 1, 4, 5)) < 0.6}),
    "mask of keys": ({"heads": 4}, {"mask": RNG.random((2, 1, 1, 5)) < 0.6}),
    "mask of heads": ({"heads": 6}, {"mask": RNG.random((6, 4, 5)) < 0.6}),
    "a query that sees nothing": ({}, {"mask": NONE, "causal": True}),
    "bias": ({"heads": 6}, {"bias": RNG.normal(size=(6, 4, 5))}),
    "bias of queries": ({}, {"bias": RNG.normal(size=(4, 1))}),
    "bias and mask": ({}, {"bias": RNG.normal(size=(1, 2, 1, 5)), "mask": RNG.random((4, 5)) < 0.6}),
    "scale": ({}, {"scale": 2.0}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("block", [None, 1, 2, 5, 64])
def test_definition(name, block):
    shapes, how = CASES[name]
    q, k, v = operands(**shapes)
    wanted = reference(q, k, v, **how)
    y = nn.attention(q, k, v, **how, block=block)
    # Scores are sums of 4 products of size up to about 10, and exp multiplies their error by 1.
    np.testing.assert_allclose(y, wanted, rtol=1e-13, atol=1e-14)
    compiled = wg.jit(lambda q, k, v: nn.attention(q, k, v, **how, block=block))(q, k, v)
    np.testing.assert_allclose(compiled, wanted, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_gradients_in_blocks_are_those_of_the_whole(name):
    shapes, how = CASES[name]
    q, k, v = operands(**shapes)
    bias = how.get("bias", np.zeros((1, 1)))
    weights = RNG.normal(size=(*q.shape[:-1], 3))

    def loss(q, k, v, bias, block):
        return np.sum(weights * nn.attention(q, k, v, **{**how, "bias": bias}, block=block))

    whole = wg.grad(loss, (0, 1, 2, 3))(q, k, v, bias, None)
    for block in (1, 2, 64):
        for found, wanted in zip(wg.grad(loss, (0, 1, 2, 3))(q, k, v, bias, block), whole, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["plain", "grouped", "a query that sees nothing", "bias"])
def test_derivatives_to_second_order(name):
    shapes, how = CASES[name]
    q, k, v = (x[..., :2] for x in operands(**{**shapes, "batch": (1,)}))
    wg.check_grads(lambda q, k, v: nn.attention(q, k, v, **how), (q, k, v))


def test_derivatives_of_blocks_to_second_order():
    q, k, v = (x[..., :2] for x in operands(2, 3, 2, 1, batch=()))
    mask, bias = np.array([[True, True, False], [False, True, True]]), RNG.normal(size=(2, 1, 3))
    wg.check_grads(lambda q, k, v, b: nn.attention(q, k, v, bias=b, mask=mask, block=2), (q, k, v, bias))


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("block", [None, 2])
def test_compiled(block):
    q, k, v = operands(heads=4)

    def loss(q, k, v):
        return np.sum(nn.attention(q, k, v, causal=True, block=block) ** 2)

    eager = wg.grad(loss, (0, 1, 2))(q, k, v)
    for found, wanted in zip(wg.jit(wg.grad(loss, (0, 1, 2)))(q, k, v), eager, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("block", [None, 2])
def test_batched(block):
    q, k, v = operands(batch=(3,))
    f = wg.vmap(lambda q, k, v: nn.attention(q, k, v, causal=True, block=block))
    np.testing.assert_allclose(f(q, k, v), reference(q, k, v, causal=True), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("block", [None, 2])
def test_large_scores(block):
    q, k, v = operands()
    y = nn.attention(1e6 * q, 1e6 * k, v, block=block)
    best = np.argmax(q @ np.swapaxes(k, -1, -2), -1)
    np.testing.assert_allclose(y, np.take_along_axis(v, best[..., None], -2), rtol=1e-15)
    g = wg.grad(lambda q: np.sum(nn.attention(q, 1e6 * k, v, block=block)))(1e6 * q)
    assert np.isfinite(g).all()


def test_single_precision_stays_single():
    q, k, v = (x.astype(np.float32) for x in operands(heads=4))
    for block in (None, 2):
        assert nn.attention(q, k, v, causal=True, block=block).dtype == np.float32
        g = wg.grad(lambda q, b=block: np.sum(nn.attention(nn.rope(q), k, v, block=b)))(q)
        assert g.dtype == np.float32


def peak(f):
    tracemalloc.start()
    f()
    bytes_ = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return bytes_


def test_memory_of_blocks_is_linear_in_the_length():
    def gradient(n, block):
        q, k, v = RNG.normal(size=(3, 1, n, 4))
        return peak(
            lambda: wg.grad(lambda q, k, v: np.sum(nn.attention(q, k, v, block=block)), (0, 1, 2))(q, k, v)
        )

    gradient(32, 16)
    short, long = gradient(256, 16), gradient(1024, 16)
    assert long < 5 * short  # 4 times, and what does not depend on the length
    assert long < 0.1 * gradient(1024, None)


# What is in the future -------------------------------------------------------------------------

SIZES = [(20, 20, 2), (20, 20, 3), (1, 20, 3), (3, 20, 2), (20, 7, 2), (20, 1, 1), (17, 16, 1), (16, 17, 1)]


@pytest.mark.parametrize(("queries", "keys", "block"), SIZES)
def test_causal_blocks_of_all_sizes(queries, keys, block):
    q, k, v = operands(queries, keys, 4, 2)
    bias, mask = RNG.normal(size=(4, queries, keys)), RNG.random((queries, 1)) < 0.9
    weights = RNG.normal(size=(*q.shape[:-1], 3))

    def loss(block, *x):
        q, k, v, bias = x
        y = nn.attention(q, k, v, bias=bias, mask=mask, causal=True, block=block)
        return np.sum(weights * y), y

    wanted = wg.grad(lambda *x: loss(None, *x), (0, 1, 2, 3), has_aux=True)(q, k, v, bias)
    found = wg.grad(lambda *x: loss(block, *x), (0, 1, 2, 3), has_aux=True)(q, k, v, bias)
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-13, atol=1e-14)
    for a, b in zip(found[0], wanted[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_blocks_in_the_future_are_not_touched():
    q, k, v = operands(16, 16, batch=())
    k[:, 14:], v[:, 14:] = np.nan, np.nan  # the last of 8 blocks; a product with a weight of 0 would be NaN
    y, back = wg.vjp(lambda q, k, v: nn.attention(q, k, v, causal=True, block=2), q, k, v)
    assert np.isfinite(y[:, :14]).all()
    y_bar = np.where(np.arange(16)[:, None] < 14, 1.0, 0.0) * np.ones_like(y)
    assert np.isfinite(back(y_bar)[0][:, :14]).all()


def test_operations_of_causal_blocks_are_nearly_half():
    q, k, v = operands(64, 64, batch=())

    def operations(causal):
        f = wg.grad(lambda q, k, v: np.sum(nn.attention(q, k, v, causal=causal, block=4)), (0, 1, 2))
        return wg.trace(f)(q, k, v).cost().operations

    # 8 chunks: 9/16 of the scores, and additions of the derivatives by keys of each chunk.
    assert 0.5 < operations(True) / operations(False) < 0.62


# Positions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("interleaved", [False, True])
def test_rope(interleaved):
    x, base = RNG.normal(size=(2, 3, 6)), 100.0
    pairs = [(2 * i, 2 * i + 1) if interleaved else (i, i + 3) for i in range(3)]
    wanted = np.zeros_like(x)
    for at in range(3):
        for i, (a, b) in enumerate(pairs):
            turned = (x[:, at, a] + 1j * x[:, at, b]) * np.exp(1j * (at + 2) * base ** (-2 * i / 6))
            wanted[:, at, a], wanted[:, at, b] = turned.real, turned.imag
    y = nn.rope(x, np.arange(2, 5), base=base, interleaved=interleaved)
    np.testing.assert_allclose(y, wanted, rtol=1e-14, atol=1e-15)
    wg.check_grads(lambda x: nn.rope(x, interleaved=interleaved), (x,))


def test_positions_of_sequences_and_offsets():
    x = RNG.normal(size=(2, 3, 4, 6))  # sequences, heads, places, features
    begins = np.array([5, 0])
    y = nn.rope(x, begins[:, None, None] + np.arange(4))
    for i, n in enumerate(begins):
        np.testing.assert_array_equal(y[i], nn.rope(x[i], offset=n))
        np.testing.assert_array_equal(y[i], nn.rope(x[i], np.arange(n, n + 4)))
        np.testing.assert_array_equal(y[i], nn.rope(x[i], np.arange(4) - 1, offset=n + 1))
    batched = wg.vmap(lambda x, n: nn.rope(x, offset=n))(x, begins)
    np.testing.assert_array_equal(batched, y)


def test_rotated_products_depend_on_differences_of_positions():
    q, k = RNG.normal(size=(2, 1, 8))
    products = [(nn.rope(q, np.array([i])) @ nn.rope(k, np.array([i + 3])).T).item() for i in (0, 1, 50)]
    # cos and sin of angles up to 53 with an error of 53 eps, in a sum of 8 products of size 1.
    np.testing.assert_allclose(products, products[0], atol=8 * 53 * 4 * np.finfo(float).eps)


def test_a_cache_of_keys_gives_the_same():
    q, k, v = operands(queries=5, keys=5)
    whole = nn.attention(nn.rope(q), nn.rope(k), v, causal=True)
    last = nn.attention(nn.rope(q[:, :, 4:], np.array([4])), nn.rope(k), v, causal=True)
    np.testing.assert_allclose(last, whole[:, :, 4:], rtol=1e-13, atol=1e-15)
    step = wg.jit(lambda q, n: nn.rope(q, n + np.arange(1)))  # a traced position
    np.testing.assert_allclose(
        step(q[:, :, 4:], 4), nn.rope(q, np.arange(5))[:, :, 4:], rtol=1e-13, atol=1e-15
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda q, k, v: (q, k[..., :3], v),
            r"shape \(2, 2, 5, 3\), .*\n.*\n.*queries have 4 features and keys 3",
        ),
        (lambda q, k, v: (q, k[:, :, :4], v), "4 keys and 5 values"),
        (
            lambda q, k, v: (q, k[:, [0, 1, 1]], v[:, [0, 1, 1]]),
            "2 heads of queries cannot share 3 heads of keys",
        ),
        (lambda q, k, v: (q, k[:1], v), "leading axes differ"),
        (lambda q, k, v: (q, k[0], v), r"needs axes \(..., heads, length, features\)"),
    ],
)
def test_shapes_that_do_not_fit(change, says):
    with pytest.raises(ArgumentError, match=says):
        nn.attention(*change(*operands()))


def test_other_errors():
    q, k, v = operands()
    with pytest.raises(ArgumentError, match=r"a mask of shape \(3, 5\) for scores of shape \(2, 2, 4, 5\)"):
        nn.attention(q, k, v, mask=np.ones((3, 5), bool))
    with pytest.raises(ArgumentError, match="a bias of shape"):
        nn.attention(q, k, v, bias=np.ones(4))
    with pytest.raises(ArgumentError, match="block is 0"):
        nn.attention(q, k, v, block=0)
    with pytest.raises(ArgumentError, match=r"rope: inputs of shape \(4, 3\)"):
        nn.rope(np.ones((4, 3)))
    with pytest.raises(ArgumentError, match=r"positions of shape \(3,\)"):
        nn.rope(np.ones((4, 2)), np.arange(3))
    with pytest.raises(ArgumentError, match=r"positions of shape \(2, 1, 4\)"):
        nn.rope(np.ones((3, 2, 4, 2)), np.ones((2, 1, 4)))
