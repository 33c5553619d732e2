"""Convolution and correlation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from scipy import signal

from wengert.core.numpy_protocol import operand
from wengert.ops.products import conjugate
from wengert.ops.signal_convolution import convolve_full_, convolve_valid_
from wengert.scipy.mirror import mirrors
from wengert.types import Array, type_of

__all__ = ["convolve", "convolve2d", "correlate", "correlate2d", "fftconvolve", "oaconvolve"]

_MODES = ("full", "same", "valid")
_PADDING: dict[str, Any] = {  # SciPy's names of boundaries in those of np.pad
    **dict.fromkeys(("fill", "pad"), "constant"),
    **dict.fromkeys(("wrap", "circular"), "wrap"),
    **dict.fromkeys(("symm", "symmetric"), "symmetric"),
    "reflect": "reflect",
}


def _check(mode: str) -> None:
    if mode not in _MODES:
        message = "acceptable mode flags are 'valid', 'same', or 'full'"
        raise ValueError(message)


def _one_is_larger(a: Array, v: Array, rank: int) -> bool:
    """Say whether v is the larger operand of mode valid; one must be it along every axis."""
    n, m = np.shape(a)[np.ndim(a) - rank :], np.shape(v)[np.ndim(v) - rank :]
    if all(i >= j for i, j in zip(n, m, strict=True)):
        return False
    if all(i <= j for i, j in zip(n, m, strict=True)):
        return True
    message = "For 'valid' mode, one must be at least as large as the other in every dimension"
    raise ValueError(message)


def _middle(y: Array, shape: Sequence[int]) -> Array:
    """Return the middle entries of the last axes of y, as many as `shape` says."""
    starts = [(n - k) // 2 for n, k in zip(np.shape(y)[np.ndim(y) - len(shape) :], shape, strict=True)]
    return y[(..., *[slice(i, i + k) for i, k in zip(starts, shape, strict=True)])]


def _convolve(a: Array, v: Array, mode: str, rank: int, method: str) -> Array:
    """Convolve the last axes."""
    _check(mode)
    if mode == "valid":
        if _one_is_larger(a, v, rank):
            a, v = v, a
        return convolve_valid_(a, v, rank=rank, method=method)
    y = convolve_full_(a, v, rank=rank, method=method)
    return y if mode == "full" else _middle(y, np.shape(a)[np.ndim(a) - rank :])


def _operands(in1: Array, in2: Array) -> tuple[Array, Array]:
    in1, in2 = operand(in1), operand(in2)
    if np.ndim(in1) != np.ndim(in2):
        message = "in1 and in2 should have the same dimensionality"
        raise ValueError(message)
    return in1, in2


def _method(in1: Array, in2: Array, mode: str, method: str) -> str:
    """Return the method, chosen by the sizes as SciPy chooses it."""
    if method != "auto":
        return method
    stand_ins = [np.broadcast_to(np.ones((), type_of(x).dtype), np.shape(x)) for x in (in1, in2)]
    return str(signal.choose_conv_method(*stand_ins, mode=mode))


def _reversed(x: Array) -> Array:
    return conjugate(np.flip(x))


@mirrors(signal.convolve)
def convolve(in1: Array, in2: Array, mode: str = "full", method: str = "auto") -> Array:
    """Convolve over all axes."""
    in1, in2 = _operands(in1, in2)
    if not np.ndim(in1):
        return in1 * in2
    return _convolve(in1, in2, mode, np.ndim(in1), _method(in1, in2, mode, method))


@mirrors(signal.correlate)
def correlate(in1: Array, in2: Array, mode: str = "full", method: str = "auto") -> Array:
    """Convolve with the conjugate of in2, reversed."""
    in1, in2 = _operands(in1, in2)
    if not np.ndim(in1):
        return in1 * conjugate(in2)
    return _convolve(in1, _reversed(in2), mode, np.ndim(in1), _method(in1, in2, mode, method))


def _over_axes(in1: Array, in2: Array, mode: str, axes: Any, method: str) -> Array:
    """Convolve over some axes, which become the last ones; the others broadcast."""
    in1, in2 = _operands(in1, in2)
    if not np.ndim(in1):
        return in1 * in2
    if not (np.size(in1) and np.size(in2)):
        return np.zeros(0)  # as SciPy has it
    chosen = range(np.ndim(in1)) if axes is None else normalize_axis_tuple(axes, np.ndim(in1))
    places = tuple(range(-len(chosen), 0))
    a, v = (np.moveaxis(x, tuple(chosen), places) for x in (in1, in2))
    return np.moveaxis(_convolve(a, v, mode, len(chosen), method), places, tuple(chosen))


@mirrors(signal.fftconvolve)
def fftconvolve(in1: Array, in2: Array, mode: str = "full", axes: Any = None) -> Array:
    """Convolve by Fourier transforms."""
    return _over_axes(in1, in2, mode, axes, "fft")


@mirrors(signal.oaconvolve)
def oaconvolve(in1: Array, in2: Array, mode: str = "full", axes: Any = None) -> Array:
    """Convolve piece by piece, by Fourier transforms."""
    return _over_axes(in1, in2, mode, axes, "overlap")


# Images ---------------------------------------------------------------------------------


def _images(in1: Array, in2: Array, mode: str, boundary: str, fillvalue: Any, *, late: bool) -> Array:
    """Convolve images; mode same centers on the first of two middle products or, `late`, on the second."""
    _check(mode)
    if mode == "valid":
        return _convolve(in1, in2, mode, 2, "direct")
    if boundary not in _PADDING:
        message = "Acceptable boundary flags are 'fill', 'circular' (or 'wrap'), and 'symmetric' (or 'symm')."
        raise ValueError(message)
    options = {"constant_values": fillvalue} if _PADDING[boundary] == "constant" else {}
    width = [(m - 1, m - 1) for m in np.shape(in2)]
    y = convolve_valid_(np.pad(in1, width, _PADDING[boundary], **options), in2, rank=2, method="direct")
    if mode == "full":
        return y
    starts = [(m - 1 + late) // 2 for m in np.shape(in2)]
    return y[tuple(slice(i, i + n) for i, n in zip(starts, np.shape(in1), strict=True))]


@mirrors(signal.convolve2d)
def convolve2d(
    in1: Array, in2: Array, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Array:
    """Convolve images, continued beyond their boundary."""
    in1, in2 = _operands(in1, in2)
    return _images(in1, in2, mode, boundary, fillvalue, late=False)


@mirrors(signal.correlate2d)
def correlate2d(
    in1: Array, in2: Array, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Array:
    """Convolve with the conjugate of in2, reversed."""
    in1, in2 = _operands(in1, in2)
    return _images(in1, _reversed(in2), mode, boundary, fillvalue, late=True)
