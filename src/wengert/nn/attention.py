"""Attention: softmax(q k^T / sqrt(d) + bias) v, whole or over blocks of keys in memory linear in their number.

Queries q (..., heads, queries, d), keys k (..., key_heads, keys, d), values v (..., key_heads, keys, d_v). Where
key_heads is a divisor of heads, that many successive query heads share a head of keys and values.

A query that may attend to nothing gets zeros. Dropout sets entries of the softmax to zero, the same ones in blocks of
any length (Srivastava et al., "Dropout", 2014; at this place in PyTorch).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wengert.errors import ArgumentError
from wengert.nn.activations import softmax
from wengert.nn.attention_dropout import Dropped, dropped_weights
from wengert.nn.blocked_attention import blocked
from wengert.types import Array, type_of

__all__ = ["attention", "rope"]


def attention(
    q: Array,
    k: Array,
    v: Array,
    *,
    mask: Array | None = None,
    bias: Array | None = None,
    causal: bool = False,
    scale: float | None = None,
    block: int | None = None,
    dropout: float = 0.0,
    key: Array | None = None,
) -> Array:
    """Scaled dot-product attention.

    Parameters
    ----------
    q : (..., heads, queries, d) array
    k : (..., key_heads, keys, d) array
    v : (..., key_heads, keys, d_v) array
        With key_heads a divisor of heads (grouped queries); 1 is multi-query attention.
    mask : array of bool, optional
        Broadcasts to (..., heads, queries, keys); True where a query may attend.
    bias : array, optional
        Broadcasts likewise; added to the scores.
    causal : bool
        A query attends to keys up to its own place, the last query to all: query i of n sees keys up to i + keys - n.
    scale : float, optional
        Of the scores; 1 / sqrt(d) by default.
    block : int, optional
        Keys at a time. Scores of one block only exist at once, in derivatives too, which compute them again.
    dropout : float
        Probability with which a weight is set to zero, for training; the others are divided by 1 - dropout.
    key : (2,) array of uint32, optional
        Of `wengert.random`, for dropout.

    Returns
    -------
    (..., heads, queries, d_v) array

    Raises
    ------
    ArgumentError
        If the shapes do not fit, or there is dropout and no key.

    Notes
    -----
    Vaswani et al., "Attention is all you need" (2017); grouped queries: Ainslie et al., "GQA" (2023).

    Examples
    --------
    >>> q = k = v = np.eye(3)[None]
    >>> attention(q, k, v, causal=True)[0, 0]
    array([1., 0., 0.])
    """
    groups = _check(q, k, v)
    _check_broadcasts((*np.shape(q)[:-1], np.shape(k)[-2]), mask=mask, bias=bias)
    q = q * (1.0 / math.sqrt(np.shape(q)[-1]) if scale is None else scale)
    way = partial(_attended, causal=causal, block=block, dropout=dropout, key=key)
    return _in_groups(way, groups, q, k, v, mask, bias)


def rope(
    x: Array,
    positions: Array | None = None,
    *,
    offset: Any = 0,
    base: float = 10000.0,
    interleaved: bool = False,
) -> Array:
    """Rotate pairs of features by angles proportional to positions: rotary position embedding.

    Parameters
    ----------
    x : (..., length, d) array
        Queries or keys, with d even.
    positions : (..., length) array, optional
        Broadcasts to the axes of x but the last; 0, 1, ... by default. Sequences of a batch that begin at places of
        their own have positions (batch, 1, length) beside queries (batch, heads, length, d).
    offset : int or integer scalar
        Added to the positions: with a cache of n keys, n. May be traced.
    base : float
        Pair i of d / 2 turns by position base^(-2 i / d) radians.
    interleaved : bool
        Pairs are neighbours (2 i, 2 i + 1), else (i, i + d / 2).

    Returns
    -------
    array

    Raises
    ------
    ArgumentError
        If d is odd, or the positions do not broadcast to the places.

    Notes
    -----
    Su et al., "RoFormer" (2021). A product of a rotated query and key depends on the difference of their
    positions only.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> rope(x).round(6)
    array([[1.      , 0.      ],
           [0.540302, 0.841471]])
    >>> np.array_equal(rope(x[1:], offset=1), rope(x)[1:])
    True
    """
    *places, d = np.shape(x)
    positions = np.arange(places[-1]) if positions is None else positions
    _check_positions(tuple(places), d, np.shape(positions))
    rates = base ** (np.arange(0, d, 2) / -d)
    angles = np.expand_dims(positions + offset, -1) * rates
    dtype = type_of(x).dtype
    cos, sin = np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)
    if interleaved:
        a, b = x[..., 0::2], x[..., 1::2]
        return np.reshape(np.stack([a * cos - b * sin, a * sin + b * cos], axis=-1), np.shape(x))
    a, b = x[..., : d // 2], x[..., d // 2 :]
    return np.concatenate([a * cos - b * sin, a * sin + b * cos], axis=-1)


def _check_positions(places: tuple[int, ...], d: int, given: tuple[int, ...]) -> None:
    fits = 0 < len(given) <= len(places) and given[-1] == places[-1]
    if d % 2 or not fits or any(n not in (1, m) for n, m in zip(given[::-1], places[::-1], strict=False)):
        raise ArgumentError(
            f"rope: inputs of shape {(*places, d)} with positions of shape {given}",
            why="features are rotated in pairs, and each place of axis -2 has a position.",
            instead="give an even number of features, and positions that broadcast to the axes before them.",
        )


# One head of keys for each of queries -----------------------------------------------------------


def _attended(
    q: Array, *operands: Array | None, causal: bool, block: int | None, dropout: float, key: Array | None
) -> Array:
    dropped = dropped_weights(key, np.shape(q)[:-1], dropout)
    way: Callable[..., Array] = _whole if block is None else partial(blocked, block=_length(block))
    return way(q, *operands, causal=causal, dropped=dropped)


def _whole(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    bias: Array | None,
    *,
    causal: bool,
    dropped: Dropped | None,
) -> Array:
    scores = np.matmul(q, np.swapaxes(k, -1, -2))
    scores = scores if bias is None else scores + bias
    queries, keys = np.shape(scores)[-2:]
    if causal:
        past = np.arange(keys) <= np.arange(queries)[:, None] + (keys - queries)
        mask = past if mask is None else np.logical_and(mask, past)
    weights = softmax(scores, where=mask)
    return np.matmul(weights if dropped is None else dropped.applied(weights, np.arange(keys)), v)


# Shapes -----------------------------------------------------------------------------------------


def _in_groups(
    way: Callable[..., Array],
    groups: int,
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    bias: Array | None,
) -> Array:
    """Let groups of query heads share a head of keys."""
    if groups == 1:
        return way(q, k, v, mask, bias)
    shape = (*np.shape(q)[:-1], np.shape(v)[-1])
    q, mask, bias = (_grouped(x, groups) for x in (q, mask, bias))
    return np.reshape(way(q, np.expand_dims(k, -3), np.expand_dims(v, -3), mask, bias), shape)


def _grouped(x: Any, groups: int) -> Any:
    """Before: (..., heads, n, m). After: (..., key_heads, groups, n, m)."""
    if x is None or np.ndim(x) < 3:
        return x
    *lead, heads, n, m = np.shape(x)
    return np.reshape(x, (*lead, *((1, 1) if heads == 1 else (heads // groups, groups)), n, m))


def _length(block: int) -> int:
    if block < 1:
        raise ArgumentError(
            f"attention: block is {block}", instead="give the number of keys of a block, 1 or more."
        )
    return block


def _check(q: Array, k: Array, v: Array) -> int:
    """Return how many query heads share one head of keys."""
    shapes = [np.shape(x) for x in (q, k, v)]
    if min(len(shape) for shape in shapes) < 3 or len({len(shape) for shape in shapes}) > 1:
        _refuse(shapes, "each needs axes (..., heads, length, features)")
    (*lead, heads, _, d), (*k_lead, k_heads, keys, k_d), (*v_lead, v_heads, values, _) = shapes
    if d != k_d:
        _refuse(shapes, f"queries have {d} features and keys {k_d}")
    if keys != values:
        _refuse(shapes, f"there are {keys} keys and {values} values")
    if k_heads != v_heads or heads % max(k_heads, 1):
        _refuse(
            shapes, f"{heads} heads of queries cannot share {k_heads} heads of keys and {v_heads} of values"
        )
    if not lead == k_lead == v_lead:
        _refuse(shapes, "the leading axes differ")
    return int(heads // k_heads)


def _refuse(shapes: list[Any], why: str) -> None:
    q, k, v = shapes
    raise ArgumentError(
        f"attention: queries of shape {q}, keys of shape {k}, values of shape {v}",
        why=why + ".",
        instead="give q (..., heads, queries, d), k (..., key_heads, keys, d), v (..., key_heads, keys, d_v).",
    )


def _check_broadcasts(shape: tuple[int, ...], **added: Array | None) -> None:
    for name, value in added.items():
        given = () if value is None else np.shape(value)
        padded = (1,) * (len(shape) - len(given)) + given
        if len(padded) != len(shape) or any(n not in (1, m) for n, m in zip(padded, shape, strict=True)):
            raise ArgumentError(
                f"attention: a {name} of shape {given} for scores of shape {shape}",
                why="scores are (..., heads, queries, keys).",
                instead=f"give a {name} that broadcasts to them, with axes of length 1 where it does not vary.",
            )
