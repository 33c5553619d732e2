"""Caches of keys and values: a text in parts is the text as a whole, in values, derivatives and compiled programs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import wengert as wg
from wengert import nn, random, tree
from wengert.errors import ArgumentError

RNG = np.random.default_rng(4)
KEY = random.key(2)
X = RNG.normal(size=(3, 7, 8))

# name -> a layer of a dtype
LAYERS = {
    "attention": lambda d: nn.MultiHeadAttention(8, 4, key=KEY, dtype=d),
    "rotary": lambda d: nn.MultiHeadAttention(8, 4, key=KEY, rotary=True, dtype=d),
    "grouped": lambda d: nn.MultiHeadAttention(8, 4, key=KEY, key_heads=2, rotary=True, dtype=d),
    "one head of keys": lambda d: nn.MultiHeadAttention(8, 4, key=KEY, key_heads=1, bias=False, dtype=d),
    "in blocks": lambda d: nn.MultiHeadAttention(8, 2, key=KEY, rotary=True, block=4, dtype=d),
    "block": lambda d: nn.TransformerBlock(8, 2, key=KEY, rotary=True, key_heads=1, dtype=d),
    "norm behind": lambda d: nn.TransformerBlock(8, 2, key=KEY, norm_first=False, dtype=d),
}


def in_parts(layer, x, ends, length=10, call=None):
    """Return the output for parts of a text that end at some places, and the last cache."""
    call = layer if call is None else call
    cache, ys = layer.empty_cache(length, np.shape(x)[:-2]), []
    for i, j in pairwise([0, *ends]):
        y, cache = call(x[..., i:j, :], cache=cache)
        ys.append(y)
    return np.concatenate(ys, axis=-2), cache


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("ends", [[7], [4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7], [2, 7]])
def test_parts_are_the_whole(name, ends):
    layer = LAYERS[name](np.float64)
    y, cache = in_parts(layer, X, ends)
    # Sums of at most 32 products of size 1, in another order, three times behind each other.
    np.testing.assert_allclose(y, layer(X, causal=True), rtol=1e-12, atol=1e-13)
    assert (cache.used, cache.length) == (7, 10)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_through_a_cache_are_those_of_the_whole(name):
    layer = LAYERS[name](np.float64)
    weights = RNG.normal(size=X.shape)
    parts = wg.grad(lambda m, x: np.sum(weights * in_parts(m, x, [3, 4, 5, 7])[0]), (0, 1))(layer, X)
    whole = wg.grad(lambda m, x: np.sum(weights * m(x, causal=True)), (0, 1))(layer, X)
    for found, wanted in zip(tree.flatten(parts)[0], tree.flatten(whole)[0], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["grouped", "in blocks"])
def test_derivatives_through_a_cache(name):
    layer = LAYERS[name](np.float64)
    order = 1 if layer.block else 2  # the second of blocks is in test_attention
    wg.check_grads(lambda x: in_parts(layer, x, [2, 3, 4])[0], (X[0, :4],), order=order)
    _, cache = in_parts(layer, X[0], [3])
    wg.check_grads(
        lambda k, v: layer(X[0, 3:5], cache=nn.KeyValueCache(k, v, cache.used))[0],
        (cache.keys, cache.values),
        order=order,
    )


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_program_serves_every_step(name, dtype):
    layer = LAYERS[name](dtype)
    step = wg.jit(lambda layer, x, cache: layer(x, cache=cache))
    x = X.astype(dtype)
    y, cache = in_parts(layer, x, range(1, 8), call=lambda x, cache: step(layer, x, cache))
    assert step.cache_info().misses == 1
    assert (y.dtype, cache.keys.dtype, cache.values.dtype) == (dtype, dtype, dtype)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y, layer(x, causal=True), rtol=0, atol=500 * eps)
    step.kernels(layer, x[:, :1], layer.empty_cache(10, (3,)))  # raises if there is no native program


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("name", ["grouped", "block"])
@pytest.mark.parametrize("n", [1, 2])
def test_a_compiled_loop_writes(name, n):
    layer, x, weights = LAYERS[name](np.float64), X[0, :6], RNG.normal(size=(6, 8))

    def run(layer, x):
        def step(cache, x):
            y, cache = layer(x, cache=cache)
            return cache, y

        cache, y = wg.scan(step, layer.empty_cache(6), np.reshape(x, (6 // n, n, 8)))
        return np.reshape(y, (6, 8)), cache.used

    y, used = wg.jit(run)(layer, x)
    np.testing.assert_allclose(y, layer(x, causal=True), rtol=1e-12, atol=1e-13)
    assert used == 6
    found = wg.jit(wg.grad(lambda layer, x: np.sum(weights * run(layer, x)[0]), (0, 1)))(layer, x)
    whole = wg.grad(lambda layer, x: np.sum(weights * layer(x, causal=True)), (0, 1))(layer, x)
    for a, b in zip(tree.flatten(found)[0], tree.flatten(whole)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


def test_sequences_of_a_batch_may_have_lengths_of_their_own():
    layer = LAYERS["grouped"](np.float64)
    lengths = [1, 3, 5]
    caches = [in_parts(layer, X[0], [n])[1] for n in lengths]
    stacked = tree.map_leaves(lambda *xs: np.stack(xs), *caches)
    y, new = wg.vmap(lambda x, cache: layer(x, cache=cache))(X[0, lengths][:, None], stacked)
    np.testing.assert_allclose(y[:, 0], layer(X[0], causal=True)[lengths], rtol=1e-12, atol=1e-13)
    assert new.used.tolist() == [2, 4, 6]


def test_a_cache_is_a_value():
    layer = LAYERS["rotary"](np.float64)
    _, cache = in_parts(layer, X, [3])
    before = tree.map_leaves(np.copy, cache)
    for text in (X, np.concatenate([X[:, :3], -X[:, 3:]], axis=1)):  # two ways to go on
        y, _ = layer(text[:, 3:], cache=cache)
        np.testing.assert_allclose(y, layer(text, causal=True)[:, 3:], rtol=1e-12, atol=1e-13)
    for a, b in zip(tree.flatten(cache)[0], tree.flatten(before)[0], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_mask_is_joined():
    layer = LAYERS["rotary"](np.float64)
    _, cache = in_parts(layer, X, [3], length=7)
    mask = RNG.random((3, 1, 1, 7)) < 0.6
    mask[..., 3] = True
    y, _ = layer(X[:, 3:], cache=cache, mask=mask)
    np.testing.assert_allclose(y, layer(X, causal=True, mask=mask)[:, 3:], rtol=1e-12, atol=1e-13)


def test_grouped_queries_need_less():
    grouped, full = (LAYERS[name](np.float64).empty_cache(10, (3,)) for name in ("grouped", "rotary"))
    assert grouped.keys.shape == (3, 2, 10, 2)
    assert full.keys.size == 2 * grouped.keys.size


# Errors -----------------------------------------------------------------------------------------


def says_all(error, *parts):
    text = str(error.value)
    assert all(part in text for part in ("\n  where: ", "\n  why: ", "\n  instead: ", *parts)), text


def test_a_full_cache():
    layer = LAYERS["rotary"](np.float64)
    _, cache = in_parts(layer, X, [4], length=5)
    step = wg.jit(lambda layer, x, cache: layer(x, cache=cache))
    for call in (layer, lambda x, cache: step(layer, x, cache)):
        with pytest.raises(ArgumentError) as error:
            call(X[:, 4:6], cache=cache)
        says_all(error, "no room for 2 places beside the 4 that it holds", "it has 5 places")
    with pytest.raises(ArgumentError, match="no room for 7 places beside the 0"):
        layer(X, cache=layer.empty_cache(5, (3,)))
    one = (np.zeros((4, 5, 2)), np.zeros((4, 5, 2)))
    with pytest.raises(ArgumentError, match="no room for 7 places beside those that it holds"):
        wg.vmap(lambda x, n: layer(x, cache=nn.KeyValueCache(*one, n)))(X, np.arange(3))


def test_a_full_cache_in_a_loop():
    layer = LAYERS["rotary"](np.float64)

    def run(x):
        def step(cache, x):
            y, cache = layer(x[None], cache=cache)
            return cache, y[0]

        return wg.scan(step, layer.empty_cache(6), x)

    for f in (run, wg.jit(run)):
        with pytest.raises(IndexError, match="index 6 is out of bounds for axis 1 with size 6"):
            f(X[0])


@pytest.mark.parametrize(
    ("made", "parts"),
    [
        (lambda m: m.empty_cache(9), ["cache.keys has shape (2, 9, 2)", "(3, 2, any, 2)"]),
        (lambda m: m.empty_cache(9, (1,)), ["cache.keys has shape (1, 2, 9, 2)"]),
        (lambda m: nn.KeyValueCache.empty(9, 4, 2, batch=(3,)), ["cache.keys has shape (3, 4, 9, 2)"]),
        (lambda m: nn.KeyValueCache.empty(9, 2, 4, batch=(3,)), ["cache.keys has shape (3, 2, 9, 4)"]),
        (
            lambda m: nn.KeyValueCache.empty(9, 2, 2, batch=(3,), dtype=np.float32),
            ["keys f64[3,2,7,2] for a cache of keys f32[3,2,9,2]"],
        ),
        (lambda m: [m.empty_cache(9, (3,))], ["a cache of class list"]),
    ],
)
def test_a_cache_that_does_not_fit(made, parts):
    layer = LAYERS["grouped"](np.float64)
    for call in (layer, wg.jit(lambda x, cache: layer(x, cache=cache))):
        with pytest.raises(ArgumentError) as error:
            call(X, cache=made(layer))
        says_all(error, *parts)


def test_other_errors():
    layer = LAYERS["grouped"](np.float64)
    with pytest.raises(ArgumentError) as error:
        layer(X, X, cache=layer.empty_cache(9, (3,)))
    says_all(error, "a context and a cache")
    with pytest.raises(ArgumentError) as error:
        layer.empty_cache(0)
    says_all(error, "length is 0")
