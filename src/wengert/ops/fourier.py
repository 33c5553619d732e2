"""Discrete Fourier transforms: all of numpy.fft.

Three primitives suffice. `fft` is the complex transform, forward or inverse, over any axes; `rfft` takes a real axis
to the half of its spectrum that is not redundant; `irfft` comes back. The other transforms are made of them as NumPy
makes them, and cropping and zero-padding to another length are slices and pads.

Every transform is linear. In the pairing Re sum(y_bar * y_dot), which conjugates nothing, the adjoint of a matrix is
its plain transpose, and the Fourier matrix F[k, j] = exp(-2 pi i j k / n) is symmetric: so `fft` is its own adjoint,
with the same sign in the exponent and the same normalization.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.numpy_protocol import implements, operand
from wengert.core.primitive import Primitive
from wengert.errors import warn
from wengert.ops.families import linear, match
from wengert.ops.products import conjugate
from wengert.types import Array, ArrayType

__all__ = ["fft", "irfft", "rfft"]

Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

SWAPPED = {
    "backward": "forward",
    "ortho": "ortho",
    "forward": "backward",
}  # the norm of the opposite direction


def _complex_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.result_type(dtype, 1j)


def _real_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.empty(0, dtype if dtype.kind in "fc" else float).real.dtype


# fft ------------------------------------------------------------------------------------
# y = F x along each axis in turn. F is symmetric, so x_bar = F y_bar: the same call.


def _fft_eval(x: Array, *, axes: tuple[int, ...], inverse: bool, norm: str) -> Array:
    transform: Any = np.fft.ifftn if inverse else np.fft.fftn
    return transform(x, axes=axes, norm=norm)


def _fft_samples(rng: np.random.Generator) -> Samples:
    for shape, axes in (
        ((5,), (0,)),
        ((4,), (0,)),
        ((2, 3), (1,)),
        ((3, 4), (0, 1)),
        ((2, 3, 2), (2, 0)),
        ((1,), (0,)),
        ((3, 0), (0,)),
    ):
        for inverse, norm in ((False, "backward"), (True, "backward"), (False, "ortho"), (True, "forward")):
            yield (rng.normal(size=shape),), {"axes": axes, "inverse": inverse, "norm": norm}


fft: Primitive = linear(
    "fft",
    _fft_eval,
    lambda y_bar, x, **params: match(fft(y_bar, **params), x),
    infer=lambda t, *, axes, inverse, norm: ArrayType(t.shape, _complex_type(t.dtype)),
    batch=lambda _size, xs, _batched, *, axes, **params: fft(
        xs[0], axes=tuple([i + 1 for i in axes]), **params
    ),
    samples=_fft_samples,
    doc="Discrete Fourier transform along some axes, or its inverse. Cooley and Tukey 1965.",
)


# rfft and irfft -------------------------------------------------------------------------
# rfft keeps the rows k = 0 .. n // 2 of F, and x is real:
#   Re sum_k y_bar_k y_dot_k = sum_j x_dot_j Re sum_k y_bar_k exp(-2 pi i j k / n),
# and Re(z) = Re(conj z), so x_bar_j = Re sum_k conj(y_bar_k) exp(+2 pi i j k / n).  irfft without its factor computes
#   sum_k c_k Re(z_k exp(+2 pi i j k / n)),  c_k = 1 at k = 0 and at k = n/2 (n even), else 2, for the absent half;
# so x_bar = irfft(conj(y_bar) / c).  For irfft itself, y_dot_j = sum_k c_k Re(z_dot_k exp(+2 pi i j k / n)) gives
#   z_bar_k = c_k sum_j y_bar_j exp(+2 pi i j k / n) = c_k conj(rfft(y_bar))_k.
# Each norm puts a factor 1, n^(-1/2) or 1/n on one direction; the swapped norm puts the same factor on the other.


def _weights(n: int, axis: int, rank: int, dtype: np.dtype[Any]) -> Array:
    """How often each kept entry of the spectrum of n real numbers stands in the full one: c_k above."""
    c = np.full(n // 2 + 1, 2, dtype)
    c[0] = 1
    if n % 2 == 0:
        c[-1] = 1
    return c.reshape([-1 if i == axis else 1 for i in range(rank)])


def _rfft_transpose(y_bar: Array, x: Array, *, axis: int, norm: str) -> Array:
    n = np.shape(x)[axis]
    c = _weights(n, axis, np.ndim(x), _real_type(y_bar.dtype))
    return match(irfft(np.conj(y_bar) / c, n=n, axis=axis, norm=SWAPPED[norm]), x)


def _irfft_transpose(y_bar: Array, z: Array, *, n: int, axis: int, norm: str) -> Array:
    return match(
        _weights(n, axis, np.ndim(z), y_bar.dtype) * np.conj(rfft(y_bar, axis=axis, norm=SWAPPED[norm])), z
    )


def _rfft_infer(t: ArrayType, *, axis: int, norm: str) -> ArrayType:
    return ArrayType((*t.shape[:axis], t.shape[axis] // 2 + 1, *t.shape[axis + 1 :]), _complex_type(t.dtype))


def _irfft_infer(t: ArrayType, *, n: int, axis: int, norm: str) -> ArrayType:
    return ArrayType((*t.shape[:axis], n, *t.shape[axis + 1 :]), _real_type(t.dtype))


def _rfft_samples(rng: np.random.Generator) -> Samples:
    for shape, axis in (((4,), 0), ((5,), 0), ((1,), 0), ((2,), 0), ((2, 3), 1), ((4, 3), 0), ((0, 4), 1)):
        for norm in SWAPPED:
            yield (rng.normal(size=shape),), {"axis": axis, "norm": norm}


def _irfft_samples(rng: np.random.Generator) -> Samples:
    for (xs, params), norm in zip(_rfft_samples(rng), list(SWAPPED) * 7, strict=True):
        n, axis = xs[0].shape[params["axis"]], params["axis"]
        yield (np.fft.rfft(xs[0] + rng.normal(), axis=axis),), {"n": n, "axis": axis, "norm": norm}


rfft: Primitive = linear(
    "rfft",
    lambda x, *, axis, norm: np.fft.rfft(x, axis=axis, norm=norm),
    _rfft_transpose,
    infer=_rfft_infer,
    batch=lambda _size, xs, _batched, *, axis, norm: rfft(xs[0], axis=axis + 1, norm=norm),
    samples=_rfft_samples,
    doc="Half spectrum of a real array along an axis.",
    complex=False,
)

irfft: Primitive = linear(
    "irfft",
    lambda z, *, n, axis, norm: np.fft.irfft(z, n=n, axis=axis, norm=norm),
    _irfft_transpose,
    infer=_irfft_infer,
    batch=lambda _size, xs, _batched, *, n, axis, norm: irfft(xs[0], n=n, axis=axis + 1, norm=norm),
    samples=_irfft_samples,
    doc="Real array of length n from its half spectrum along an axis.",
)


# NumPy's functions: arguments -----------------------------------------------------------


def _norm(norm: str | None) -> str:
    norm = "backward" if norm is None else norm
    if norm not in SWAPPED:
        message = f'Invalid norm value {norm}; should be "backward","ortho" or "forward".'
        raise ValueError(message)
    return norm


def _resize(x: Array, n: int, axis: int) -> Array:
    """Crop or zero-pad one axis to length n."""
    if n < 1:
        message = f"Invalid number of FFT data points ({n}) specified."
        raise ValueError(message)
    length = np.shape(x)[axis]
    if n < length:
        return x[(slice(None),) * axis + (slice(n),)]
    if n > length:
        return np.pad(x, [(0, n - length if i == axis else 0) for i in range(np.ndim(x))])
    return x


def _sizes_and_axes(x: Array, s: Any, axes: Any) -> tuple[list[int | None], list[int]]:
    """Length and axis of each transform of a function over several axes; None is the default length."""
    if axes is None:
        axes = range(np.ndim(x)) if s is None else range(-len(s), 0)
        if s is not None:
            warn(
                "`axes` should not be `None` if `s` is not `None` (deprecated in NumPy 2.0): "
                "pass the axes that the entries of `s` belong to",
                DeprecationWarning,
            )
    axes = [normalize_axis_index(i, np.ndim(x)) for i in axes]
    if s is None:
        return [None] * len(axes), axes
    if len(s) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return [np.shape(x)[i] if n == -1 else n for n, i in zip(s, axes, strict=True)], axes


def _many(
    x: Array, s: Sequence[int | None], axes: Sequence[int], *, inverse: bool, norm: str | None
) -> Array:
    """Complex transform over several axes of given lengths; an axis named twice is transformed twice."""
    if len(set(axes)) < len(axes) or len(axes) == 1:
        for n, i in zip(reversed(s), reversed(axes), strict=True):
            x = _resize(x, np.shape(x)[i] if n is None else n, i)
            x = fft(x, axes=(i,), inverse=inverse, norm=_norm(norm))
        return x
    for n, i in zip(s, axes, strict=True):
        x = _resize(x, np.shape(x)[i] if n is None else n, i)
    return fft(x, axes=tuple(axes), inverse=inverse, norm=_norm(norm)) if axes else x


def _half(x: Array, n: int | None, axis: int, norm: str | None) -> Array:
    return rfft(_resize(x, np.shape(x)[axis] if n is None else n, axis), axis=axis, norm=_norm(norm))


def _whole(z: Array, n: int | None, axis: int, norm: str | None) -> Array:
    n = 2 * (np.shape(z)[axis] - 1) if n is None else n
    if n < 1:
        message = f"Invalid number of FFT data points ({n}) specified."
        raise ValueError(message)
    return irfft(_resize(z, n // 2 + 1, axis), n=n, axis=axis, norm=_norm(norm))


# NumPy's functions: one axis ------------------------------------------------------------


@implements(np.fft.fft)
def _fft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    a = operand(a)
    return _many(a, [n], [normalize_axis_index(axis, np.ndim(a))], inverse=False, norm=norm)


@implements(np.fft.ifft)
def _ifft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    a = operand(a)
    return _many(a, [n], [normalize_axis_index(axis, np.ndim(a))], inverse=True, norm=norm)


@implements(np.fft.rfft)
def _rfft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    a = operand(a)
    return _half(a, n, normalize_axis_index(axis, np.ndim(a)), norm)


@implements(np.fft.irfft)
def _irfft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    a = operand(a)
    return _whole(a, n, normalize_axis_index(axis, np.ndim(a)), norm)


@implements(np.fft.hfft)
def _hfft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    """Real spectrum of a Hermitian signal: irfft of the conjugate, with the factor of a forward transform."""
    return _irfft(conjugate(operand(a)), n, axis, SWAPPED[_norm(norm)])


@implements(np.fft.ihfft)
def _ihfft(a: Array, n: int | None = None, axis: int = -1, norm: str | None = None) -> Array:
    return np.conj(_rfft(a, n, axis, SWAPPED[_norm(norm)]))


# NumPy's functions: several axes --------------------------------------------------------


def _complex_front(*, inverse: bool, default: tuple[int, ...] | None) -> Callable[..., Array]:
    def front(a: Array, s: Any = None, axes: Any = default, norm: str | None = None) -> Array:
        a = operand(a)
        return _many(a, *_sizes_and_axes(a, s, axes), inverse=inverse, norm=norm)

    return front


def _real_front(default: tuple[int, ...] | None) -> Callable[..., Array]:
    def front(a: Array, s: Any = None, axes: Any = default, norm: str | None = None) -> Array:
        """The last axis by rfft, then the others."""
        a = operand(a)
        sizes, axes = _sizes_and_axes(a, s, axes)
        y = _half(a, sizes[-1], axes[-1], norm)
        return _many(y, sizes[:-1], axes[:-1], inverse=False, norm=norm)

    return front


def _inverse_real_front(default: tuple[int, ...] | None) -> Callable[..., Array]:
    def front(a: Array, s: Any = None, axes: Any = default, norm: str | None = None) -> Array:
        """All axes but the last by ifft, then the last by irfft."""
        a = operand(a)
        sizes, axes = _sizes_and_axes(a, s, axes)
        y = _many(a, sizes[:-1], axes[:-1], inverse=True, norm=norm)
        return _whole(y, sizes[-1], axes[-1], norm)

    return front


implements(np.fft.fftn)(_complex_front(inverse=False, default=None))
implements(np.fft.ifftn)(_complex_front(inverse=True, default=None))
implements(np.fft.fft2)(_complex_front(inverse=False, default=(-2, -1)))
implements(np.fft.ifft2)(_complex_front(inverse=True, default=(-2, -1)))
implements(np.fft.rfftn)(_real_front(None))
implements(np.fft.rfft2)(_real_front((-2, -1)))
implements(np.fft.irfftn)(_inverse_real_front(None))
implements(np.fft.irfft2)(_inverse_real_front((-2, -1)))


# Shifts ---------------------------------------------------------------------------------


@implements(np.fft.fftshift)
def _fftshift(x: Array, axes: Any = None) -> Array:
    """Roll the zero frequency from the front of each axis to its middle."""
    return _shift(operand(x), axes, lambda n: n // 2)


@implements(np.fft.ifftshift)
def _ifftshift(x: Array, axes: Any = None) -> Array:
    """Roll the zero frequency from the middle of each axis to its front."""
    return _shift(operand(x), axes, lambda n: -(n // 2))


def _shift(x: Array, axes: Any, distance: Callable[[int], int]) -> Array:
    axes = range(np.ndim(x)) if axes is None else (axes,) if isinstance(axes, int | np.integer) else axes
    axes = tuple(axes)
    return np.roll(x, tuple([distance(np.shape(x)[i]) for i in axes]), axes)
