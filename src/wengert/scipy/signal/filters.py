"""Linear filters, and the removal of trends."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy import signal

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.errors import RefusedError
from wengert.ops.locations import anywhere
from wengert.ops.signal_filters import lfilter_
from wengert.scipy.mirror import mirrors
from wengert.types import Array, type_of

__all__ = ["detrend", "filtfilt", "hilbert", "lfilter", "lfilter_zi", "sosfilt", "sosfilt_zi", "sosfiltfilt"]


def _floating(x: Array) -> Array:
    x = operand(x)
    return x if isinstance(x, Traced) or np.result_type(x).kind in "fc" else np.asarray(x, float)


# lfilter --------------------------------------------------------------------------------
# SciPy divides by a[0], and adds the state zi to the first entries of B x before it solves with A (the transposed
# direct form II). The final state is what the last entries of x and y, and a state that outlasts the signal, go on
# to add:
#   zf[i] = zi[i + n] + sum over k > i of b[k] x[n + i - k] - a[k] y[n + i - k]


@mirrors(signal.lfilter)
def lfilter(b: Array, a: Array, x: Array, axis: int = -1, zi: Array | None = None) -> Any:
    """Run a linear recurrence along an axis."""
    b, a, x = np.atleast_1d(_floating(b)), np.atleast_1d(_floating(a)), np.moveaxis(_floating(x), axis, -1)
    y = lfilter_(b, a, x)
    if zi is None:
        return np.moveaxis(y, -1, axis)
    zi = np.moveaxis(_floating(zi), axis, -1)
    order, n = max(np.shape(a)[0], np.shape(b)[0]) - 1, np.shape(x)[-1]
    if np.shape(zi)[-1] != order:
        message = (
            f"Unexpected shape for zi: expected {order} entries along the axis, found {np.shape(zi)[-1]}."
        )
        raise ValueError(message)
    b, a = (_widen(c / a[0], order + 1) for c in (b, a))
    start = _widen(zi, n) if n >= order else zi[..., :n]
    y = y + lfilter_(np.ones(1, a.dtype), a, np.broadcast_to(start, np.shape(y)))
    zf = _final_state(b, a, x, y, zi)
    return np.moveaxis(y, -1, axis), np.moveaxis(zf, -1, axis)


def _widen(x: Array, n: int) -> Array:
    """Return x with zeros appended to length n."""
    return np.concatenate((x, np.zeros((*np.shape(x)[:-1], n - np.shape(x)[-1]), type_of(x).dtype)), axis=-1)


def _final_state(b: Array, a: Array, x: Array, y: Array, zi: Array) -> Array:
    n, order, zero = np.shape(x)[-1], np.shape(zi)[-1], np.zeros((), type_of(y).dtype)
    parts = []
    for i in range(order):
        part = np.broadcast_to(zi[..., i + n] if i + n < order else zero, np.shape(y)[:-1])
        for k in range(i + 1, order + 1):
            if 0 <= n + i - k < n:
                part = part + b[k] * x[..., n + i - k] - a[k] * y[..., n + i - k]
        parts.append(part)
    return np.stack(parts, axis=-1)


@mirrors(signal.lfilter_zi)
def lfilter_zi(b: Array, a: Array) -> Array:
    """State in which the answer to a constant 1 is constant: zi = (I - F)^-1 (b[1:] - a[1:] b[0]), F the shift by a."""
    b, a = _floating(b), _floating(a)
    order = max(np.shape(a)[0], np.shape(b)[0]) - 1
    b, a = (_widen(c / a[0], order + 1) for c in (b, a))
    if not order:
        return b[:0]
    shift = np.eye(order, k=1, dtype=a.dtype)
    first = np.zeros(order, a.dtype)
    first[0] = 1.0
    matrix = np.eye(order, dtype=a.dtype) - shift + a[1:, np.newaxis] * first
    return np.linalg.solve(matrix, b[1:] - a[1:] * b[0])


# Sections -------------------------------------------------------------------------------


def _sections(sos: Array) -> Array:
    sos = _floating(sos)
    if np.ndim(sos) != 2 or np.shape(sos)[1] != 6:
        message = "sos array must be shape (n_sections, 6)"
        raise ValueError(message)
    if anywhere(sos[:, 3] != 1):
        message = "sos[:, 3] should be all ones"
        raise ValueError(message)
    return sos


@mirrors(signal.sosfilt)
def sosfilt(sos: Array, x: Array, axis: int = -1, zi: Array | None = None) -> Any:
    """Run the sections one after the other."""
    sos, x, states = _sections(sos), _floating(x), []
    for i in range(np.shape(sos)[0]):
        if zi is None:
            x = lfilter(sos[i, :3], sos[i, 3:], x, axis)
        else:
            x, state = lfilter(sos[i, :3], sos[i, 3:], x, axis, zi[i])
            states.append(state)
    return x if zi is None else (x, np.stack(states))


@mirrors(signal.sosfilt_zi)
def sosfilt_zi(sos: Array) -> Array:
    """State of every section in which the answer to a constant 1 is constant."""
    sos, scale, states = _sections(sos), 1.0, []
    for i in range(np.shape(sos)[0]):
        b, a = sos[i, :3], sos[i, 3:]
        states.append(scale * lfilter_zi(b, a))
        scale = scale * (np.sum(b) / np.sum(a))
    return np.stack(states)


# Forward and backward -------------------------------------------------------------------


def _extend(x: Array, n: int, padtype: str | None) -> Array:
    """Return x with n entries before and behind it: reflected in its ends, or constant."""
    if padtype not in {"odd", "even", "constant", None}:
        message = (
            f"Unknown value '{padtype}' given to padtype. padtype must be 'even', 'odd', 'constant', or None."
        )
        raise ValueError(message)
    if padtype is None or not n:
        return x
    if n >= np.shape(x)[-1]:
        message = f"The length of the input vector x must be greater than padlen, which is {n}."
        raise ValueError(message)
    before, behind = x[..., n:0:-1], x[..., -2 : -n - 2 : -1]
    if padtype == "odd":
        before, behind = 2.0 * x[..., :1] - before, 2.0 * x[..., -1:] - behind
    if padtype == "constant":
        before, behind = (np.broadcast_to(end, (*np.shape(x)[:-1], n)) for end in (x[..., :1], x[..., -1:]))
    return np.concatenate((before, x, behind), axis=-1)


@mirrors(signal.filtfilt)
def filtfilt(
    b: Array,
    a: Array,
    x: Array,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: int | None = None,
    method: str = "pad",
    irlen: int | None = None,
) -> Array:
    """Filter forward, then backward."""
    if method != "pad":
        raise RefusedError(
            f"scipy.signal.filtfilt was called on a traced value with method={method!r}",
            why="the rule is that of the default.",
            instead="method='pad'.",
        )
    b, a = np.atleast_1d(_floating(b)), np.atleast_1d(_floating(a))
    n = 3 * max(np.shape(a)[0], np.shape(b)[0]) if padlen is None else padlen
    x = _extend(np.moveaxis(_floating(x), axis, -1), n, padtype)
    zi = lfilter_zi(b, a)
    y, _ = lfilter(b, a, x, -1, zi * x[..., :1])
    y, _ = lfilter(b, a, np.flip(y, -1), -1, zi * y[..., -1:])
    return np.moveaxis(_unextend(np.flip(y, -1), n, padtype), -1, axis)


def _unextend(y: Array, n: int, padtype: str | None) -> Array:
    return y[..., n : np.shape(y)[-1] - n] if padtype is not None else y


@mirrors(signal.sosfiltfilt)
def sosfiltfilt(
    sos: Array, x: Array, axis: int = -1, padtype: str | None = "odd", padlen: int | None = None
) -> Array:
    """Filter forward, then backward, section by section."""
    sos = _sections(sos)
    if padlen is None:
        zeros = [np.sum(np.equal(sos[:, k], 0.0)) for k in (2, 5)]
        padlen = 3 * (2 * np.shape(sos)[0] + 1 - int(min(zeros)))
    x = _extend(np.moveaxis(_floating(x), axis, -1), padlen, padtype)
    zi = np.reshape(sosfilt_zi(sos), (np.shape(sos)[0], *(1,) * (np.ndim(x) - 1), 2))
    y, _ = sosfilt(sos, x, -1, zi * x[..., :1])
    y, _ = sosfilt(sos, np.flip(y, -1), -1, zi * y[..., -1:])
    return np.moveaxis(_unextend(np.flip(y, -1), padlen, padtype), -1, axis)


# Trends, and the analytic signal ----------------------------------------------------------


@mirrors(signal.detrend)
def detrend(
    data: Array, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Array:
    """Subtract the mean, or the straight line of least squares between break points."""
    data = _floating(data)
    if type in {"constant", "c"}:
        return data - np.mean(data, axis=axis, keepdims=True)
    if type not in {"linear", "l"}:
        message = "Trend type must be 'linear' or 'constant'."
        raise ValueError(message)
    x = np.moveaxis(data, axis, -1)
    n = np.shape(x)[-1]
    ends = np.unique(np.concatenate((np.atleast_1d(bp), [0, n])))
    if np.any(ends > n):
        message = "Breakpoints must be less than length of data along given axis."
        raise ValueError(message)
    return np.moveaxis(
        np.concatenate([_straightened(x[..., i:j]) for i, j in itertools.pairwise(ends)], axis=-1),
        -1,
        axis,
    )


def _straightened(x: Array) -> Array:
    """Subtract the line of least squares: orthogonal projections on the constants, and on centered time."""
    n = np.shape(x)[-1]
    time = np.arange(n) - (n - 1) / 2.0
    time = (time / max(np.linalg.norm(time), 1e-300)).astype(type_of(x).dtype)
    flat = x - np.mean(x, axis=-1, keepdims=True)
    return flat - np.sum(flat * time, axis=-1, keepdims=True) * time


@mirrors(signal.hilbert)
def hilbert(x: Array, N: int | None = None, axis: int = -1) -> Array:
    """Drop the negative frequencies, and double the positive ones."""
    x = _floating(x)
    if type_of(x).dtype.kind == "c":
        message = "x must be real."
        raise ValueError(message)
    n = np.shape(x)[axis] if N is None else N
    if n <= 0:
        message = "N must be positive."
        raise ValueError(message)
    gain = np.where(np.arange(n) < (n + 1) // 2, 2.0, 0.0).astype(type_of(x).dtype)
    gain[0] = 1.0
    if n % 2 == 0:
        gain[n // 2] = 1.0
    spectrum = np.moveaxis(np.fft.fft(x, n, axis=axis), axis, -1) * gain
    return np.fft.ifft(np.moveaxis(spectrum, -1, axis), axis=axis)
