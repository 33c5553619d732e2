"""Attention over blocks of keys: a scan that keeps a running maximum and sum, and a rule that computes scores again.

Forward, over blocks j of keys (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018):

    s = q k_j^T + bias_j     m' = max(m, max s)     p = exp(s - m')     c = exp(m - m')
    l' = c l + sum p         a' = c a + p v_j       and at the end  y = a / l,  L = m + log l

Reverse (Dao, Fu, Ermon, Rudra and Ré, "FlashAttention", 2022, appendix B), with p = exp(s - L) the probabilities:

    D = sum(y_bar y)         v_bar_j = p^T y_bar         s_bar = p (y_bar v_j^T - D)
    q_bar += s_bar k_j       k_bar_j = s_bar^T q         bias_bar_j = s_bar

Both passes hold the scores of one block. The rule is made of scans, which have derivatives themselves. Dropout
multiplies p where it meets v, not in the sum of p: with its factors f, a' = c a + (p f) v_j, v_bar_j = (p f)^T y_bar
and s_bar = p (f (y_bar v_j^T) - D).

Causal attention goes over queries in chunks as well, the blocks of keys behind the last query of a chunk left away:
with c chunks, (c + 1) / (2 c) of all scores are computed, in derivatives too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.control.custom import custom_derivative
from wengert.control.loop import scan
from wengert.nn.attention_dropout import Dropped
from wengert.ops.families import match
from wengert.types import Array, type_of

__all__ = ["blocked"]


CHUNKS = 8  # 9/16 of the scores; half as many programs to compile would leave 5/8


def blocked(
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    bias: Array | None,
    block: int,
    *,
    causal: bool = False,
    dropped: Dropped | None = None,
) -> Array:
    """Attention of scaled queries, `block` keys at a time.

    Parameters
    ----------
    q : (..., queries, d) array
        Already scaled.
    k, v : (..., keys, d) and (..., keys, d_v) arrays
        Whose leading axes broadcast against those of q.
    mask : array of bool, optional
    bias : array, optional
        Both broadcast to (..., queries, keys).
    block : int
    causal : bool
        Query i of n sees keys up to i + keys - n.
    dropped : Dropped, optional
        Which weights are set to zero.

    Returns
    -------
    (..., queries, d_v) array

    Examples
    --------
    >>> q = k = v = np.eye(2)
    >>> blocked(q, k, v, None, None, 1).round(6)
    array([[0.731059, 0.268941],
           [0.268941, 0.731059]])
    """
    queries, keys = np.shape(q)[-2], np.shape(k)[-2]
    parts = _chunks(queries, keys, block) if causal else [(slice(queries), slice(keys))]
    outputs = []
    for rows, columns in parts:
        size = Blocks(rows.stop - (rows.start or 0), columns.stop, block, causal)
        rest: list[Any] = [
            None if x is None else _part(_part(x, -2, rows), -1, columns) for x in (mask, bias)
        ]
        rest.append(None if dropped is None else dropped.rows(rows))
        outputs.append(_attend(size, q[..., rows, :], k[..., columns, :], v[..., columns, :], *rest))
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs, axis=-2)


def _chunks(queries: int, keys: int, block: int) -> list[tuple[slice, slice]]:
    """Return successive queries, each with the keys up to the last that one of them sees."""
    blocks = -(-keys // block)
    n = min(CHUNKS, blocks)
    ends = [min(-(-blocks * (i + 1) // n) * block, keys) for i in range(n)] or [0]
    stops = [max(end - (keys - queries), 0) for end in ends]
    starts = [0, *stops[:-1]]
    return [(slice(i, j), slice(end)) for i, j, end in zip(starts, stops, ends, strict=True) if i < j]


def _part(x: Array, axis: int, part: slice) -> Array:
    """Return a part of an axis, unless the array is the same all along it."""
    if np.ndim(x) < -axis or np.shape(x)[axis] == 1:
        return x
    return x[..., part] if axis == -1 else x[..., part, :]


def _attend(
    blocks: Blocks,
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    bias: Array | None,
    dropped: Dropped | None,
) -> Array:
    """Attention with the rule above."""

    @custom_derivative
    def attend(*operands: Any) -> Array:
        return _forward(blocks, *operands)[0]

    def fwd(*operands: Any) -> tuple[Array, Any]:
        y, log_total = _forward(blocks, *operands)
        return y, (*operands, y, log_total)

    def bwd(residuals: Any, y_bar: Array) -> tuple[Any, ...]:
        return _backward(blocks, residuals, y_bar)

    attend.defvjp(fwd, bwd)
    result: Array = attend(q, k, v, mask, bias, dropped)
    return result


@dataclass(frozen=True, slots=True)
class Blocks:
    """How the keys are cut.

    Attributes
    ----------
    queries, keys : int
    length : int
        Of a block; the last one is filled up.
    causal : bool
    """

    queries: int
    keys: int
    length: int
    causal: bool

    @property
    def count(self) -> int:
        """Number of blocks."""
        return -(-self.keys // self.length)

    def cut(self, x: Array, axis: int) -> Array:
        """Cut an axis of keys into blocks, which come first; zeros fill the last one.

        Parameters
        ----------
        x : array
        axis : int
            Of length 1 or `keys`.

        Returns
        -------
        (count, ...) array
        """
        axis = axis % np.ndim(x)
        if np.shape(x)[axis] != self.keys:
            x = np.broadcast_to(x, [self.keys if i == axis else n for i, n in enumerate(np.shape(x))])
        missing = self.count * self.length - self.keys
        if missing:
            x = np.pad(x, [(0, missing if i == axis else 0) for i in range(np.ndim(x))])
        shape = np.shape(x)
        return np.moveaxis(
            np.reshape(x, (*shape[:axis], self.count, self.length, *shape[axis + 1 :])), axis, 0
        )

    def joined(self, blocks: Array, x: Array, axis: int) -> Array:
        """Put blocks one after the other as the cotangent of x.

        Parameters
        ----------
        blocks : (count, ...) array
            Cotangents of what `cut` gave.
        x : array
        axis : int

        Returns
        -------
        array
            Of the shape of x.
        """
        axis = axis % np.ndim(x)
        y = np.moveaxis(blocks, 0, axis)
        shape = np.shape(y)
        y = np.reshape(y, (*shape[:axis], self.count * self.length, *shape[axis + 2 :]))
        y = y[(*[slice(None)] * axis, slice(self.keys))]
        return match(y, x)

    def slices(self, k: Array, v: Array, mask: Array | None, bias: Array | None) -> tuple[Any, ...]:
        """Cut all that a step sees.

        Parameters
        ----------
        k, v : array
        mask, bias : array, optional

        Returns
        -------
        tuple
            Keys, values, places of the keys, mask and bias of each block.
        """
        places = np.arange(self.count * self.length).reshape(self.count, self.length)
        parts = [None if x is None else self.cut(x, -1) for x in (mask, bias)]
        return (self.cut(k, -2), self.cut(v, -2), places, *parts)

    def allowed(self, places: Array, mask: Array | None) -> Array:
        """Say which keys of a block a query may attend to.

        Parameters
        ----------
        places : (length,) array of int
        mask : array of bool, optional

        Returns
        -------
        array of bool
        """
        seen = places < self.keys
        if self.causal:
            last = np.arange(self.queries)[:, None] + (self.keys - self.queries)
            seen = np.logical_and(seen, places <= last)
        return seen if mask is None else np.logical_and(seen, mask)


def _forward(
    blocks: Blocks,
    q: Array,
    k: Array,
    v: Array,
    mask: Array | None,
    bias: Array | None,
    dropped: Dropped | None,
) -> tuple[Array, Array]:
    """Return y, and L of each query."""
    dtype = np.result_type(*[type_of(x).dtype for x in (q, k, v, bias) if x is not None])
    lead = np.broadcast_shapes(*[np.shape(x)[:-2] for x in (q, k, v, mask, bias) if x is not None])
    rows = (*lead, np.shape(q)[-2])

    def step(carry: Any, x: Any) -> tuple[Any, None]:
        largest, total, sums = carry
        k_j, v_j, places, mask_j, bias_j = x
        scores = np.where(blocks.allowed(places, mask_j), _scores(q, k_j, bias_j), -np.inf)
        new = np.maximum(largest, np.max(scores, axis=-1))
        base = np.where(new == -np.inf, 0, new)  # a query that has seen nothing yet
        p = np.exp(scores - base[..., None])
        shrink = np.exp(largest - base)
        kept = p if dropped is None else dropped.applied(p, places)
        total = shrink * total + np.sum(p, axis=-1)
        return (new, total, shrink[..., None] * sums + np.matmul(kept, v_j)), None

    start = (
        np.full(rows, -np.inf, dtype),
        np.zeros(rows, dtype),
        np.zeros((*rows, np.shape(v)[-1]), dtype),
    )
    (largest, total, sums), _ = scan(step, start, blocks.slices(k, v, mask, bias))
    empty = total == 0
    total = np.where(empty, 1, total)
    return sums / total[..., None], np.where(empty, 0, largest) + np.log(total)


def _backward(blocks: Blocks, residuals: Any, y_bar: Array) -> tuple[Any, ...]:
    q, k, v, mask, bias, dropped, y, log_total = residuals
    inner = np.sum(y_bar * y, axis=-1, keepdims=True)

    def step(q_bar: Array, x: Any) -> tuple[Array, Any]:
        k_j, v_j, places, mask_j, bias_j = x
        seen = blocks.allowed(places, mask_j)
        scores = _scores(q, k_j, bias_j) - log_total[..., None]
        p = np.where(seen, np.exp(np.where(seen, scores, 0)), 0)
        p_bar = np.matmul(y_bar, np.swapaxes(v_j, -1, -2))
        kept, p_bar = (x if dropped is None else dropped.applied(x, places) for x in (p, p_bar))
        s_bar = p * (p_bar - inner)
        k_bar = match(np.matmul(np.swapaxes(s_bar, -1, -2), q), k_j)
        v_bar = match(np.matmul(np.swapaxes(kept, -1, -2), y_bar), v_j)
        bias_bar = None if bias_j is None else match(s_bar, bias_j)
        return q_bar + match(np.matmul(s_bar, k_j), q), (k_bar, v_bar, bias_bar)

    q_bar, (k_bars, v_bars, bias_bars) = scan(step, np.zeros_like(q), blocks.slices(k, v, mask, bias))
    bias_bar = None if bias is None else blocks.joined(bias_bars, bias, -1)
    return q_bar, blocks.joined(k_bars, k, -2), blocks.joined(v_bars, v, -2), None, bias_bar, None


def _scores(q: Array, k: Array, bias: Array | None) -> Array:
    scores = np.matmul(q, np.swapaxes(k, -1, -2))
    return scores if bias is None else scores + bias
