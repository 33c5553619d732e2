"""Random numbers: known answers of Threefry, the same bits in every transformation, and distributions."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest
from scipy import stats

import wengert as wg
from wengert import random
from wengert.errors import ArgumentError

KEY = random.key(20)

# Random123, file kat_vectors, threefry2x32 with 20 rounds: counter, key, result.
KNOWN = [
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]

DRAWS = {
    "bits": lambda key: random.bits(key, (3, 50)),
    "uniform": lambda key: random.uniform(key, (3, 50)),
    "uniform of float32": lambda key: random.uniform(key, (3, 50), np.float32),
    "uniform between bounds": lambda key: random.uniform(key, 1000, low=-1.3, high=0.8),
    "uniform between bounds of float32": lambda key: random.uniform(key, 1000, np.float32, -1.3, 0.8),
    "normal": lambda key: random.normal(key, 200),
    "normal of float32": lambda key: random.normal(key, 200, np.float32),
    "truncated_normal": lambda key: random.truncated_normal(key, 200),
    "bernoulli": lambda key: random.bernoulli(key, 0.3, 200),
    "bernoulli of an array": lambda key: random.bernoulli(key, np.linspace(0.0, 1.0, 200)),
    "randint": lambda key: random.randint(key, -5, 9, 200),
    "permutation": lambda key: random.permutation(key, 40),
    "permutation of rows": lambda key: random.permutation(key, np.arange(12.0).reshape(6, 2)),
    "categorical": lambda key: random.categorical(key, np.arange(4.0), shape=200),
    "split": lambda key: random.split(key, 5),
    "fold_in": lambda key: random.fold_in(key, 7),
}


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_known_answers_of_threefry(counter, key, result):
    words = [np.uint32(n) for n in counter]
    assert tuple(random._threefry(np.array(key, np.uint32), *words)) == result


def test_keys_and_words_are_those_of_jax():
    # jax.random.split(jax.random.key(0)), with jax_threefry_partitionable
    wanted = [[1797259609, 2579123966], [928981903, 3453687069]]
    assert random.split(random.key(0)).tolist() == wanted


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_against_jax(seed):
    import jax

    key = jax.random.key(seed, impl="threefry2x32")
    with jax.threefry_partitionable(True):
        assert np.array_equal(random.bits(random.key(seed), (3, 5)), jax.random.bits(key, (3, 5)))
        assert np.array_equal(
            random.split(random.key(seed), 3), jax.random.key_data(jax.random.split(key, 3))
        )
        folded = jax.random.key_data(jax.random.fold_in(key, 9))
    assert np.array_equal(random.fold_in(random.key(seed), 9), folded)


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("name", DRAWS)
def test_the_same_bits_eager_compiled_and_batched(name):
    draw = DRAWS[name]
    keys = random.split(KEY, 3)
    eager = np.stack([draw(key) for key in keys])

    def looped(keys):
        return wg.scan(lambda carry, key: (carry, draw(key)), None, keys)[1]

    for found in (
        np.stack([wg.jit(draw)(key) for key in keys]),
        wg.vmap(draw)(keys),
        wg.jit(wg.vmap(draw))(keys),
        looped(keys),
        wg.jit(looped)(keys),
    ):
        assert found.dtype == eager.dtype
        assert np.array_equal(found, eager)


def test_an_entry_does_not_depend_on_how_many_are_drawn():
    assert np.array_equal(random.normal(KEY, 5), random.normal(KEY, (2, 5))[0])
    assert np.array_equal(random.split(KEY, 2), random.split(KEY, 7)[:2])


@pytest.mark.parametrize("n", [np.int32(3), np.uint32(3), np.int64(3), np.array(3)])
def test_a_step_may_be_traced(n):
    assert np.array_equal(wg.jit(random.fold_in)(KEY, n), random.fold_in(KEY, 3))
    for number in (3, np.int64(3), np.uint8(3), np.array(3), 3 + 2**32):
        assert np.array_equal(random.fold_in(KEY, number), random.fold_in(KEY, 3))
    with pytest.raises(ArgumentError, match="no integer"):
        random.fold_in(KEY, 1.5)
    keys = wg.fori_loop(0, 4, lambda i, key: random.fold_in(key, i), KEY)
    wanted = KEY
    for i in range(4):
        wanted = random.fold_in(wanted, i)
    assert np.array_equal(keys, wanted)


# A false alarm at any of these bounds has probability below 1e-6; seeds are fixed, so that there is none.
UNLIKELY = 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distributions(dtype):
    keys = random.split(KEY, 3)
    assert stats.kstest(random.uniform(keys[0], 20_000, dtype), "uniform").pvalue > UNLIKELY
    assert stats.kstest(random.normal(keys[1], 20_000, dtype), "norm").pvalue > UNLIKELY
    truncated = random.truncated_normal(keys[2], 20_000, dtype, -1.0, 2.0)
    assert stats.kstest(truncated, stats.truncnorm(-1.0, 2.0).cdf).pvalue > UNLIKELY


def test_frequencies():
    n, keys = 20_000, random.split(KEY, 3)
    assert stats.chisquare(np.bincount(random.randint(keys[0], 0, 7, n), minlength=7)).pvalue > UNLIKELY
    p = np.array([0.1, 0.2, 0.7])
    drawn = np.bincount(random.categorical(keys[1], np.log(p), shape=n), minlength=3)
    assert stats.chisquare(drawn, n * p).pvalue > UNLIKELY
    orders = wg.vmap(lambda key: random.permutation(key, 3))(random.split(keys[2], 6000))
    places = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(places) == 6
    assert stats.chisquare(places).pvalue > UNLIKELY


@pytest.mark.parametrize("bit", range(32))
def test_every_bit_is_even(bit):
    n = 4096
    ones = int(np.sum((random.bits(KEY, n) >> np.uint32(bit)) & np.uint32(1)))
    assert stats.binomtest(ones, n).pvalue > UNLIKELY


def test_keys_are_independent():
    n = 4096
    draws = np.stack(
        [random.normal(key, n) for key in (*random.split(KEY, 4), *random.split(random.key(21), 4))]
    )
    correlations = np.corrcoef(draws)[~np.eye(8, dtype=bool)]
    # A correlation of independent normals has deviation 1 / sqrt(n); 28 pairs.
    assert np.abs(correlations).max() < stats.norm.isf(UNLIKELY / 56) / math.sqrt(n)


def test_a_change_of_one_bit_changes_half_of_the_bits():
    other = KEY ^ np.array([0, 1], np.uint32)
    n = 512
    changed = int(np.sum(np.bitwise_count(random.bits(KEY, n) ^ random.bits(other, n))))
    assert stats.binomtest(changed, 32 * n).pvalue > UNLIKELY


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranges(dtype):
    u = random.uniform(KEY, 10_000, dtype)
    assert u.dtype == dtype
    assert u.min() >= 0
    assert u.max() < 1
    assert np.array_equal(u * 2.0 ** (24 if dtype == np.float32 else 53) % 1, np.zeros_like(u))
    assert np.isfinite(random.normal(KEY, 10_000, dtype)).all()
    assert random.normal(KEY, (), dtype).shape == ()


@pytest.mark.parametrize(("p", "mean"), [(0, 0), (0.0, 0), (1, 1), (1.0, 1), (2.0, 1), (-1.0, 0), (1e-12, 0)])
def test_certain_outcomes(p, mean):
    assert random.bernoulli(KEY, p, 1000).mean() == mean
    assert random.bernoulli(KEY, np.full(1000, float(p))).mean() == mean


def test_a_number_and_an_array_of_probabilities_agree():
    assert np.array_equal(random.bernoulli(KEY, 0.37, 999), random.bernoulli(KEY, np.full(999, 0.37)))


def test_an_impossible_alternative_is_never_drawn():
    logits = np.array([[0.0, -np.inf, 0.0], [-np.inf, -np.inf, 1.0]])
    drawn = random.categorical(KEY, logits, shape=(500, 2))
    assert set(np.unique(drawn[:, 0])) == {0, 2}
    assert set(np.unique(drawn[:, 1])) == {2}
    assert np.array_equal(random.categorical(KEY, logits.T, axis=0, shape=(500, 2)), drawn)


def test_draws_have_derivatives_in_scale_and_shift():
    wg.check_grads(lambda low, high: random.uniform(KEY, 4, low=low, high=high), (0.5, 2.0))
    wg.check_grads(lambda m, s: m + s * random.normal(KEY, 4), (0.5, 2.0))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: random.key(-1), "the seed is -1"),
        (lambda: random.key(True), "the seed is True"),
        (lambda: random.key(0.5), "the seed is 0.5"),
        (lambda: random.key(2**64), "from 0 to 2"),
        (lambda: random.normal(np.zeros(2)), r"uint32 array of shape \(2,\), not f64\[2\]"),
        (lambda: random.normal(random.split(KEY)), r"not u32\[2,2\]"),
        (lambda: random.normal(KEY, 3, np.int32), "float32 or float64, not int32"),
        (lambda: random.randint(KEY, (2,), 0, 5), r"no integer to draw from \(2,\) to 0"),
        (lambda: random.randint(KEY, 0.0, 5.0), "no integer to draw from 0.0"),
        (lambda: random.randint(KEY, 3, 3), "no integer to draw from 3 to 3 - 1"),
        (lambda: random.categorical(KEY, np.zeros((2, 3)), shape=3), r"must end with \(2,\)"),
        (lambda: random.bits(KEY, 2**32), "4294967296 entries"),
    ],
)
def test_errors(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()
