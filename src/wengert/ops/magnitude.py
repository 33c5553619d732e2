"""Size, sign and parts of a number: absolute, sign, copysign, hypot; conjugate, real, imag, angle.

Functions of a complex z that are not holomorphic (conjugate, real, absolute, ...) are differentiated as functions of
two real variables, under the pairing Re(sum(y_bar y_dot)). Kinks: absolute'(0) = 0, and the gradient of hypot at the
origin is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wengert.core.lowering import Builder, Pointwise
from wengert.core.numpy_protocol import FUNCTIONS, UFUNCS, implements
from wengert.core.primitive import Primitive, define
from wengert.ops.coefficients import coefficientwise
from wengert.ops.entries import is_float, is_signed, pointwise
from wengert.ops.families import binary, elementwise, linear, masked, match, unary
from wengert.ops.recurrences import length, series_rule
from wengert.types import ArrayType, type_of

__all__ = ["absolute", "complex_", "conjugate", "copysign", "fabs", "hypot", "imag_", "real_", "sign"]


def _is_complex(x: Any) -> bool:
    return bool(type_of(x).dtype.kind == "c")


def _complex_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for shape in ((5,), (2, 3), ()):
        yield (np.asarray(rng.uniform(0.5, 2.0, shape) + 1j * rng.uniform(0.5, 2.0, shape)),), {}


# Parts ------------------------------------------------------------------------------------------------------------


def _part_type(t: ArrayType) -> ArrayType:
    return ArrayType(t.shape, np.empty(0, t.dtype).real.dtype)


_ITSELF = Pointwise(lambda b, x: x)  # of a real number, and kernels know no others

# With the pairing Re(x_bar x_dot): Re(y_bar conj(x_dot)) = Re(conj(y_bar) x_dot).
conjugate = linear(
    "conjugate",
    eval=np.conjugate,
    transpose=lambda y_bar, x: np.conjugate(y_bar),
    infer=lambda t: t,
    batch=lambda _size, xs, _batched: np.conjugate(*xs),
    samples=_complex_samples,
    doc="Complex conjugate of x. DLMF 1.9.11.",
    cheap=True,
    lower=_ITSELF,
)
UFUNCS[np.conjugate] = conjugate

# y_bar Re(x_dot) = Re(y_bar x_dot) for real y_bar.
real_ = linear(
    "real",
    eval=np.real,
    transpose=lambda y_bar, x: y_bar.astype(x.dtype),
    infer=_part_type,
    batch=lambda _size, xs, _batched: np.real(*xs),
    samples=_complex_samples,
    doc="Real part of a complex x. DLMF 1.9.2.",
    cheap=True,
    lower=_ITSELF,
)

# y_bar Im(x_dot) = Re(-i y_bar x_dot) for real y_bar.
imag_ = linear(
    "imag",
    eval=np.imag,
    transpose=lambda y_bar, x: (y_bar * -1j).astype(x.dtype),
    infer=_part_type,
    batch=lambda _size, xs, _batched: np.imag(*xs),
    samples=_complex_samples,
    doc="Imaginary part of a complex x. DLMF 1.9.2.",
    cheap=True,
)


# Re(y_bar (a_dot + i b_dot)) = Re(y_bar) a_dot - Im(y_bar) b_dot. Why not the sum a + 1j b: 1j inf is nan + inf j.


def _complex_type(a: ArrayType, b: ArrayType) -> ArrayType:
    return ArrayType(a.shape, np.result_type(a.dtype, b.dtype, np.complex64))


def _complex_eval(a: Any, b: Any) -> Any:
    y = np.empty(np.shape(a), np.result_type(a, b, np.complex64))
    y.real, y.imag = a, b
    return y[()]


def _complex_jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
    dots = [np.zeros_like(x) if x_dot is None else x_dot for x, x_dot in zip(xs, x_dots, strict=True)]
    return complex_(*xs), complex_(*dots)


def _complex_batch(size: int, xs: Sequence[Any], batched: Sequence[bool]) -> Any:
    return complex_(
        *[x if b else np.broadcast_to(x, (size, *np.shape(x))) for x, b in zip(xs, batched, strict=True)]
    )


def _pair_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for shape in ((5,), (2, 3), ()):
        yield (np.asarray(rng.normal(size=shape)), np.asarray(rng.normal(size=shape))), {}


complex_: Primitive = define(
    name="complex",
    doc="The complex numbers with real parts a and imaginary parts b, of one shape.",
    eval=_complex_eval,
    infer=_complex_type,
    jvp=_complex_jvp,
    taylor=coefficientwise(_complex_jvp),
    vjp=lambda y_bar, site: [
        match(part, x) if need else None
        for part, x, need in zip((np.real(y_bar), -np.imag(y_bar)), site.xs, site.needs, strict=True)
    ],
    batch=_complex_batch,
    samples=_pair_samples,
)
FUNCTIONS[complex] = complex_


@implements(np.real)
def real(val: Any) -> Any:
    """Bind `real`; a real value is its own real part."""
    return real_(val) if _is_complex(val) else val


@implements(np.imag)
def imag(val: Any) -> Any:
    """Bind `imag`; a real value has the constant imaginary part 0."""
    if _is_complex(val):
        return imag_(val)
    return np.broadcast_to(np.zeros((), type_of(val).dtype), np.shape(val))[()]  # read-only, as NumPy's


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """Compose atan2(Im z, Re z), in degrees if asked."""
    turned = np.arctan2(np.imag(z), np.real(z))
    return np.degrees(turned) if deg else turned


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """Drop the imaginary part if all of it is smaller than `tol` (in units of eps if above 1)."""
    if not _is_complex(a):
        return a
    limit = tol * np.finfo(a.dtype).eps if tol > 1 else tol
    return np.real(a) if np.all(np.absolute(np.imag(a)) < limit) else a


# sign -------------------------------------------------------------------------------------------------------------
#
# Of a real x: locally constant. Of a complex x = r u with |u| = 1, sign(x) = u turns when x moves across its ray:
#   u_dot = i u Im(conj(u) x_dot) / r
#   x_bar = i conj(u) Im(u y_bar) / r         from Im(w) = Re(-i w) and Re(i u y_bar) = -Im(u y_bar)


def _sign_turn(u: Any, r: Any, side: Any) -> Any:
    return 1j * u * (side / np.where(r == 0, 1, r))


def _sign_jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
    (x,), (x_dot,) = xs, x_dots
    u = np.sign(x)
    if not _is_complex(x):
        return u, None
    return u, _sign_turn(u, np.absolute(x), np.imag(np.conjugate(u) * x_dot))


def _sign_vjp(y_bar: Any, site: Any) -> tuple[Any]:
    _, _, _, (x,), u, _, _ = site
    if not _is_complex(x):
        return (None,)
    return (_sign_turn(np.conjugate(u), np.absolute(x), np.imag(u * y_bar)),)


def _register(ufunc: np.ufunc, **fields: Any) -> Primitive:
    """Define the primitive of a ufunc of one operand whose rules are not one partial derivative.

    The tape hands an elementwise rule its site as a plain tuple, for speed: operands are item 3, the result is item 4.
    """
    prim = define(
        name=ufunc.__name__,
        eval=ufunc,
        batch=lambda _size, xs, _batched: ufunc(*xs),
        elementwise=True,
        complex=True,
        **fields,
    )
    UFUNCS[ufunc] = prim
    return prim


def _sign_lower(b: Builder, x: Any) -> Any:
    """1, -1 or 0, and x itself where it is neither greater nor less than 0 nor equal to it."""
    zero, one = b.constant(0, x), b.constant(1, x)
    if not is_signed(x):
        return b("select", b("gt", x, zero), one, zero)
    y = b("select", b("eq", x, zero), zero, x) if is_float(x) else zero
    y = b("select", b("lt", x, zero), b.constant(-1, x), y)
    return b("select", b("gt", x, zero), one, y)


sign = _register(
    np.sign,
    infer=lambda t: t,
    jvp=_sign_jvp,
    vjp=_sign_vjp,
    lower=pointwise(_sign_lower, "f64"),
    samples=unary(0.5, 2.0),
    doc="Sign of a real x, with zero derivative; x / |x| of a complex x; 0 at 0.",
)


# absolute ---------------------------------------------------------------------------------------------------------
#
# |x| = r with x = r u:   r_dot = Re(conj(u) x_dot),   x_bar = conj(u) y_bar.   At 0, u = 0.


def _absolute_jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
    (x,), (x_dot,) = xs, x_dots
    y, u = np.absolute(x), np.sign(x)
    return y, np.real(masked(x_dot, np.conjugate(u))) if _is_complex(x) else masked(x_dot, u)


def _absolute_vjp(y_bar: Any, site: Any) -> tuple[Any]:
    u = np.sign(site[3][0])
    return (masked(y_bar, np.conjugate(u) if _is_complex(u) else u),)


def _absolute_quick(y_bar: Any, site: Any) -> tuple[Any]:
    u = np.sign(site[3][0])
    return (y_bar * (np.conjugate(u) if _is_complex(u) else u),)


absolute = _register(
    np.absolute,
    infer=_part_type,
    jvp=_absolute_jvp,
    vjp=_absolute_vjp,
    quick=_absolute_quick,
    lower=pointwise(lambda b, x: b("abs", x) if is_signed(x) else x, "f64"),
    samples=unary(0.5, 2.0),
    doc="Absolute value of x, with derivative 0 at 0. DLMF 1.9.7.",
)

fabs = elementwise(
    np.fabs,
    (lambda y, x: np.sign(x),),
    lower="abs",
    samples=unary(0.5, 2.0),
    doc="Absolute value of a real x, with derivative 0 at 0.",
)

# y = |x1| s with s the sign bit of x2; where x1 = 0 the partial is that of |x1|: 0.
copysign = elementwise(
    np.copysign,
    (lambda y, x1, x2: np.sign(x1) * np.sign(y), 0),
    lower="copysign",
    samples=binary(0.5, 2.0, -2.0, -0.5),
    doc="The absolute value of x1 with the sign of x2; its derivative to x2 is zero.",
)


def _cosine(y: Any, x: Any) -> Any:
    """X / y, and 0 at the origin, with its derivatives."""
    return np.where(y == 0, 0, x / np.where(y == 0, 1, y))


hypot = elementwise(
    np.hypot,
    (lambda y, x1, x2: _cosine(y, x1), lambda y, x1, x2: _cosine(y, x2)),
    taylor=series_rule(np.hypot, length),
    lower="hypot",
    samples=binary(0.5, 2.0, 0.5, 2.0),
    doc="Length of the vector (x1, x2), with gradient 0 at the origin.",
)
