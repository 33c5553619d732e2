"""Change of precision: `astype` and `copy`.

A cast between inexact types is linear, and its adjoint casts back; a cast from complex to real drops the
imaginary part, and its adjoint embeds the real numbers. A cast to integers or booleans has derivative zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.lowering import Builder, Pointwise
from wengert.core.numpy_protocol import FUNCTIONS, implements
from wengert.core.primitive import Primitive, define
from wengert.core.views import axes_in_memory, base_of, is_scalar
from wengert.errors import warn
from wengert.ops.entries import truth
from wengert.ops.families import linear, match
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["as_array", "cast_", "discretize_", "order_of", "ordered"]


def _cast_eval(x: Any, *, dtype: Any) -> Any:
    if not hasattr(x, "astype"):
        return np.asarray(x, dtype)[()]
    return (x.real if x.dtype.kind == "c" and dtype.kind != "c" else x).astype(dtype)


def _cast_lower(b: Builder, x: Any, *, dtype: Any) -> Any:
    """The conversion to the dtype of the result, but for truth, is done for every rule."""
    return truth(b, x) if dtype.kind == "b" else x


def _cast_samples(rng: np.random.Generator) -> Samples:
    for shape in ((3,), (), (0, 2)):
        yield (np.asarray(rng.normal(size=shape)),), {"dtype": np.dtype(np.float64)}
    yield (rng.normal(size=3),), {"dtype": np.dtype(np.complex128)}


cast_: Primitive = linear(
    "cast",
    eval=_cast_eval,
    transpose=lambda y_bar, x, **_: match(y_bar, x),
    infer=lambda t, *, dtype: ArrayType(t.shape, dtype),
    batch=lambda _size, xs, _batched, *, dtype: cast_(xs[0], dtype=dtype),
    doc="A copy of x in another inexact type; the adjoint casts back.",
    samples=_cast_samples,
    cheap=True,
    lower=Pointwise(_cast_lower),
)


discretize_: Primitive = define(
    name="discretize",
    doc="A copy of x as integers or booleans, which has derivative zero.",
    eval=_cast_eval,
    infer=lambda t, *, dtype: ArrayType(t.shape, dtype),
    batch=lambda _size, xs, _batched, *, dtype: discretize_(xs[0], dtype=dtype),
    lower=Pointwise(_cast_lower),
    samples=lambda rng: iter([((rng.normal(size=3),), {"dtype": np.dtype(np.int64)})]),
    differentiable=False,
)


@implements(np.astype)
def astype(
    x: Any,
    dtype: Any,
    order: str = "K",
    casting: str = "unsafe",
    subok: bool = True,
    copy: bool = True,
    *,
    device: Any = None,
) -> Any:
    """Bind `cast`, or `discretize` for types that carry no derivative."""
    del subok, device  # a traced value has none of them
    old, new = type_of(x).dtype, np.dtype(dtype)
    if not np.can_cast(old, new, casting):  # type: ignore[arg-type]
        message = f"Cannot cast array data from {old!r} to {new!r} according to the rule {casting!r}"
        raise TypeError(message)
    if old == new and not copy:
        return x
    if old.kind == "c" and new.kind not in "cb":
        message = "Casting complex values to real discards the imaginary part"
        warn(message, np.exceptions.ComplexWarning)
    return ordered((cast_ if new.kind in "fc" else discretize_)(x, dtype=new), order)


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """Cast to the type that it has: a value of its own, which writes into `a` do not reach."""
    return as_array(astype(a, type_of(a).dtype, order, subok=subok))


def as_array(y: Any) -> Any:
    """Return a 0-d array for a NumPy scalar, which unlike it can be written into."""
    if np.ndim(y) or not isinstance(y, Traced) or not is_scalar(y):
        return y
    reshape = FUNCTIONS[np.reshape]
    y = reshape(reshape(y, (1,)), ())
    base_of(y)  # marks it as an array, where a batch does not tell
    return y


# Memory layout --------------------------------------------------------------------------------------------------------
#
# Whether a reshaped array is a view depends on it, so it is that of NumPy's own result.


def ordered(y: Any, order: str) -> Any:
    """Return a new array with its axes in the order of C or Fortran; in that of what it was made from, for K."""
    if order in {"F", "f"}:
        return np.transpose(ordered(np.transpose(y), "C"))
    if order in {"C", "c"} and np.ndim(y) > 1 and axes_in_memory(y) != sorted(axes_in_memory(y)):
        return np.reshape(np.reshape(y, -1), np.shape(y))
    return y


def order_of(x: Any) -> str:
    """Return F for an array in the order of Fortran alone, C for all others, as NumPy's functions choose."""
    axes = axes_in_memory(x)
    return "F" if axes != sorted(axes) and axes == sorted(axes, reverse=True) else "C"
