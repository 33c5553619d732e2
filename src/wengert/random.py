"""Random numbers as functions of a key: nothing is hidden, nothing advances, and every transformation may see them.

A key is an array of two 32-bit words. Entry i of a draw is the block cipher Threefry-2x32 with 20 rounds (Salmon,
Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), applied to the counter i under that key:
integer operations only, so that the bits are the same eager, compiled and under `vmap`, and an entry does not depend on
how many others are drawn. The words, keys and splits are those of JAX's `threefry2x32` with partitionable counters.

Draw with a key once; get more keys with `split`, or one for each step of a loop with `fold_in`. A key that has been
split is not drawn with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special

from wengert.api.constants import stop_gradient
from wengert.core.dispatch import Traced
from wengert.errors import ArgumentError
from wengert.types import Array, type_of

__all__ = [
    "bernoulli",
    "bits",
    "bits_at",
    "categorical",
    "fold_in",
    "key",
    "normal",
    "permutation",
    "randint",
    "split",
    "truncated_normal",
    "uniform",
]

Shape = int | Sequence[int]
Words = tuple[Array, Array]

# Salmon et al., table 2 and section 3.3: rotations of Threefry-2x32, and the parity word of Threefish.
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)
_ROUNDS_OF_FOUR = 5


# Keys -------------------------------------------------------------------------------------------


def key(seed: Any) -> Array:
    """Key of a seed.

    Parameters
    ----------
    seed : int
        From 0 to 2^64 - 1.

    Returns
    -------
    (2,) array of uint32

    Raises
    ------
    ArgumentError
        If the seed is no integer of that range.

    Examples
    --------
    >>> key(7)
    array([0, 7], dtype=uint32)
    """
    if type(seed) is bool or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**64:
        raise ArgumentError(
            f"random.key: the seed is {seed!r}",
            why="a seed is an integer from 0 to 2**64 - 1.",
            instead="write wg.random.key(0); for a traced number, wg.random.fold_in(wg.random.key(0), n).",
        )
    return np.array([int(seed) >> 32, int(seed) & 0xFFFFFFFF], np.uint32)


def split(key: Array, n: int = 2) -> Array:
    """Make n keys of one, whose draws are independent of each other.

    Parameters
    ----------
    key : (2,) array of uint32
        Not to be drawn with any more.
    n : int

    Returns
    -------
    (n, 2) array of uint32
        Key i is the same whatever n.

    Examples
    --------
    >>> first, second = split(key(0))
    >>> np.array_equal(split(key(0), 3)[:2], [first, second])
    True
    """
    return np.stack(_blocks(key, (n,)), axis=-1)


def fold_in(key: Array, n: Any) -> Array:
    """Key of a key and a number, such as the step of a loop, which may be traced.

    Parameters
    ----------
    key : (2,) array of uint32
    n : int or integer scalar
        Taken modulo 2^32.

    Returns
    -------
    (2,) array of uint32
        Key n of what `split` makes.

    Examples
    --------
    >>> np.array_equal(fold_in(key(0), 3), split(key(0), 4)[3])
    True
    """
    if isinstance(n, int):
        n = np.uint32(n & 0xFFFFFFFF)
    elif type_of(n).dtype.kind not in "iu":
        raise ArgumentError(f"fold_in: {n!r} is no integer", instead="the number of a step, or int(...).")
    count = n.astype(np.uint32)
    return np.stack(_threefry(_checked(key), np.uint32(0) * count, count), axis=-1)


# Draws ------------------------------------------------------------------------------------------


def bits(key: Array, shape: Shape = ()) -> Array:
    """Uniform 32-bit words.

    Parameters
    ----------
    key : (2,) array of uint32
    shape : int or tuple of ints

    Returns
    -------
    array of uint32

    Examples
    --------
    >>> bits(key(0), 2).dtype
    dtype('uint32')
    """
    high, low = _blocks(key, shape)
    return high ^ low


def bits_at(key: Array, row: Array, column: Array) -> Array:
    """Uniform 32-bit words of the entries of a matrix, any part of which may be drawn by itself.

    Parameters
    ----------
    key : (2,) array of uint32
    row, column : array of uint32
        Places of the entries; they broadcast against each other.

    Returns
    -------
    array of uint32

    Examples
    --------
    >>> rows, columns = np.arange(4, dtype=np.uint32)[:, None], np.arange(6, dtype=np.uint32)
    >>> whole = bits_at(key(0), rows, columns)
    >>> np.array_equal(bits_at(key(0), rows[1:3], columns[4:]), whole[1:3, 4:])
    True
    """
    high, low = _threefry(_checked(key), row, column)
    return high ^ low


def uniform(key: Array, shape: Shape = (), dtype: Any = np.float64, low: Any = 0.0, high: Any = 1.0) -> Array:
    """Uniform numbers in [low, high).

    Parameters
    ----------
    key : (2,) array of uint32
    shape : int or tuple of ints
    dtype : dtype
        float32 draws have 24 random bits, float64 draws 53.
    low, high : float or array
        May be traced: draws are differentiable in them.

    Returns
    -------
    array

    Examples
    --------
    >>> u = uniform(key(0), (2, 3))
    >>> bool((u >= 0).all() and (u < 1).all())
    True
    """
    dtype = _floating("uniform", dtype)
    u = _unit(key, shape, dtype)
    if _is(low, 0.0):
        return u if _is(high, 1.0) else high * u
    return low + _rounded((high - low) * u)


def normal(key: Array, shape: Shape = (), dtype: Any = np.float64) -> Array:
    """Standard normal numbers.

    Parameters
    ----------
    key : (2,) array of uint32
    shape : int or tuple of ints
    dtype : dtype

    Returns
    -------
    array

    Notes
    -----
    Quantiles of midpoints (k + 1/2) / 2^32 for float32 and (k + 1/2) / 2^52 for float64, so that none is infinite: the
    tails reach 6.3 and 8.1 standard deviations. Scale and shift what is drawn: gradients go through that.

    Examples
    --------
    >>> z = normal(key(0), 10_000)
    >>> bool(abs(z.mean()) < 0.05 and abs(z.std() - 1) < 0.05)
    True
    """
    dtype = _floating("normal", dtype)
    return special.ndtri(_midpoint(key, shape, dtype)).astype(dtype)


def truncated_normal(
    key: Array, shape: Shape = (), dtype: Any = np.float64, low: float = -2.0, high: float = 2.0
) -> Array:
    """Standard normal numbers under the condition that they lie between two bounds.

    Parameters
    ----------
    key : (2,) array of uint32
    shape : int or tuple of ints
    dtype : dtype
    low, high : float
        Bounds, in standard deviations.

    Returns
    -------
    array

    Examples
    --------
    >>> bool(abs(truncated_normal(key(0), 1000)).max() <= 2.0)
    True
    """
    dtype = _floating("truncated_normal", dtype)
    a, b = special.ndtr(low), special.ndtr(high)
    return np.clip(special.ndtri(a + _rounded((b - a) * _midpoint(key, shape, dtype))), low, high).astype(
        dtype
    )


def bernoulli(key: Array, p: Any = 0.5, shape: Shape | None = None) -> Array:
    """Booleans that are true with probability p.

    Parameters
    ----------
    key : (2,) array of uint32
    p : float or array
        Probabilities, to 2^-32.
    shape : int or tuple of ints, optional
        The shape of `p` by default.

    Returns
    -------
    array of bool

    Examples
    --------
    >>> bool(abs(bernoulli(key(0), 0.9, 10_000).mean() - 0.9) < 0.01)
    True
    """
    words = bits(key, np.shape(p) if shape is None else shape)
    if isinstance(p, float | int):  # words / 2^32 < p, without leaving the integers
        bound = min(max(math.ceil(p * 2.0**32), 0), 2**32)
        return words <= np.uint32(bound - 1) if bound else words != words  # noqa: PLR0124 - nowhere
    return words.astype(np.float64) * 2.0**-32 < stop_gradient(p)


def randint(key: Array, low: int, high: int, shape: Shape = (), dtype: Any = np.int64) -> Array:
    """Integers from low to high - 1, all equally likely.

    Parameters
    ----------
    key : (2,) array of uint32
    low, high : int
        With 0 < high - low < 2^32.
    shape : int or tuple of ints
    dtype : dtype

    Returns
    -------
    array

    Notes
    -----
    The high part of a 64-bit word times the number of values (Lemire, "Fast random integer generation in an interval",
    2019), whose probabilities differ by less than 2^-32 of themselves.

    Examples
    --------
    >>> k = randint(key(0), -1, 2, 1000)
    >>> np.unique(k)
    array([-1,  0,  1])
    """
    whole = all(isinstance(bound, int | np.integer) for bound in (low, high))
    n = int(high) - int(low) if whole else 0
    if not 0 < n < 2**32:
        raise ArgumentError(
            f"random.randint: no integer to draw from {low} to {high} - 1",
            why="the number of values must be from 1 to 2**32 - 1.",
            instead="give the bounds as randint(key, low, high, shape), with low < high.",
        )
    upper, lower = (word.astype(np.uint64) * np.uint64(n) for word in _blocks(key, shape))
    index = (upper + (lower >> np.uint64(32))) >> np.uint64(32)
    return (index.astype(np.int64) + int(low)).astype(dtype)


def permutation(key: Array, x: Any) -> Array:
    """Rearrange entries along the first axis, all orders equally likely.

    Parameters
    ----------
    key : (2,) array of uint32
    x : int or array
        An int n stands for ``np.arange(n)``.

    Returns
    -------
    array

    Notes
    -----
    Sorts by 64-bit words, two of which are equal with probability below n^2 / 2^65.

    Examples
    --------
    >>> np.sort(permutation(key(0), 5))
    array([0, 1, 2, 3, 4])
    """
    n = x if isinstance(x, int | np.integer) else np.shape(x)[0]
    upper, lower = _blocks(key, (int(n),))
    words = (upper.astype(np.uint64) << np.uint64(32)) | lower.astype(np.uint64)
    order = np.argsort(words, kind="stable")
    if isinstance(x, int | np.integer):
        return order
    return np.take(np.asarray(x, like=order) if isinstance(order, Traced) else x, order, axis=0)


def categorical(key: Array, logits: Array, axis: int = -1, shape: Shape | None = None) -> Array:
    """Indices drawn with probabilities softmax(logits).

    Parameters
    ----------
    key : (2,) array of uint32
    logits : array
        Logarithms of probabilities up to a constant; -inf is never drawn.
    axis : int
        Axis of the alternatives.
    shape : int or tuple of ints, optional
        Of the result; ends with the shape of `logits` without `axis`, which is the default.

    Returns
    -------
    array of int64

    Notes
    -----
    The largest of logits plus Gumbel noise (Maddison, Tarlow and Minka, "A* sampling", 2014).

    Examples
    --------
    >>> categorical(key(0), np.array([-np.inf, 0.0, -np.inf]), shape=3)
    array([1, 1, 1])
    """
    logits = np.moveaxis(stop_gradient(logits), axis, -1)
    rest = np.shape(logits)[:-1]
    shape = rest if shape is None else _shape(shape)
    if shape[len(shape) - len(rest) :] != rest:
        raise ArgumentError(
            f"random.categorical: shape {shape} for logits of shape {np.shape(logits)}",
            why=f"each draw needs its own row of logits: the shape must end with {rest}.",
            instead="leave `shape` away for one draw of each row, or give (n, *rows) for n.",
        )
    u = _midpoint(key, (*shape, np.shape(logits)[-1]), np.dtype(np.float64))
    return np.argmax(logits - np.log(-np.log(u)), axis=-1)


# Threefry ---------------------------------------------------------------------------------------
#
# Four rounds (x, y) -> (x + y, rot(y) ^ (x + y)), then a key injection; the key words and their
# parity are used in turn.


def _rotated(x: Array, n: int) -> Array:
    return (x << np.uint32(n)) | (x >> np.uint32(32 - n))


def _threefry(key: Array, x: Array, y: Array) -> Words:
    """Encrypt two words under a key."""
    words = (key[0], key[1], key[0] ^ key[1] ^ _PARITY)
    with np.errstate(over="ignore"):  # of scalars; arrays wrap in silence
        x, y = x + words[0], y + words[1]
        for i in range(_ROUNDS_OF_FOUR):
            for n in _ROTATIONS[i % 2]:
                x = x + y
                y = _rotated(y, n) ^ x
            x = x + words[(i + 1) % 3]
            y = y + (words[(i + 2) % 3] + np.uint32(i + 1))
    return x, y


def _blocks(key: Array, shape: Shape) -> Words:
    """Encrypt the counters of every entry of an array."""
    shape = _shape(shape)
    size = math.prod(shape)
    if size >= 2**32:
        raise ArgumentError(
            f"random: a draw of shape {shape} has {size} entries",
            why="entries are numbered by 32-bit counters.",
            instead="draw parts, each with a key of its own from wg.random.split.",
        )
    count = np.arange(size, dtype=np.uint32).reshape(shape)
    return _threefry(_checked(key), np.zeros_like(count), count)


def _unit(key: Array, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Multiples of 2^-24 or 2^-53 in [0, 1); every operation is exact."""
    high, low = _blocks(key, shape)
    if dtype == np.float32:
        return ((high ^ low) >> np.uint32(8)).astype(np.int32).astype(np.float32) * np.float32(2.0**-24)
    upper = (high >> np.uint32(5)).astype(np.float64) * 2.0**26
    return (upper + (low >> np.uint32(6)).astype(np.float64)) * 2.0**-53


def _midpoint(key: Array, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """Odd multiples of 2^-33 or 2^-53 in (0, 1), in float64; every operation is exact."""
    high, low = _blocks(key, shape)
    if dtype == np.float32:
        return ((high ^ low).astype(np.float64) + 0.5) * 2.0**-32
    upper = (high >> np.uint32(6)).astype(np.float64) * 2.0**26
    return (upper + (low >> np.uint32(6)).astype(np.float64) + 0.5) * 2.0**-52


def _shape(shape: Shape) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, int | np.integer) else tuple([int(n) for n in shape])


def _rounded(product: Array) -> Array:
    """Return a product that the compiler cannot fuse with the sum it goes into, which would save a rounding."""
    limit = float(np.finfo(type_of(product).dtype).max)
    return np.clip(product, -limit, limit)


def _is(x: Any, value: float) -> bool:
    """Whether a bound is a plain number of that value; a traced one is not asked."""
    return isinstance(x, float | int) and x == value


def _checked(key: Array) -> Array:
    t = type_of(key)
    if t.shape != (2,) or t.dtype != np.uint32:
        raise ArgumentError(
            f"random: a key is a uint32 array of shape (2,), not {t}",
            why="keys hold the two words of Threefry-2x32.",
            instead="make one with wg.random.key(seed); draw with a stack of keys under wg.vmap.",
        )
    return key


def _floating(name: str, dtype: Any) -> np.dtype[Any]:
    wanted: np.dtype[Any] = np.dtype(dtype)
    if wanted not in (np.float32, np.float64):
        raise ArgumentError(
            f"random.{name} draws float32 or float64, not {wanted}",
            instead=f"draw wg.random.{name}(key, shape, np.float32) and convert it with .astype.",
        )
    return wanted
