"""New arrays after the pattern of a traced one: zeros_like(t) and its kin, and the constructors with `like=t`.

They return constants that belong to the innermost transformation of t: handles, into which traced values can
be written as into any NumPy array. Integers and booleans carry no derivative, so they are plain, but under
`vmap`, where they may come to differ from example to example. Traced values given as contents keep their
derivatives.

`np.full_like(plain, t)` and `np.full(shape, t)` do not tell us of t: NumPy raises there.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import creates, implements, operand, traced_leaves
from wengert.core.views import as_handle, example_of
from wengert.ops.casting import as_array, astype
from wengert.ops.families import nondifferentiable, unary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["held"]


def held(like: Any, value: Any) -> Any:
    """Return a plain array as a constant of the transformation that a tracer belongs to."""
    if not isinstance(like, Traced):
        return value
    like.interpreter.require_open()
    if like.interpreter.suspended():
        return value
    if value.dtype.kind in "fc":
        return as_handle(like.interpreter, value)
    return like.interpreter.constant(held, (like, value), {})


def _filled(fill_value: Any, shape: Any, dtype: Any) -> Any:
    """Return an array of its own, full of a traced value or of several that are broadcast."""
    fill_value = operand(fill_value)
    if dtype is not None:
        fill_value = astype(fill_value, dtype, copy=False)
    return np.copy(np.broadcast_to(fill_value, shape))


# zeros_like and its kin -----------------------------------------------------------------------------------------------


def _like(function: Any) -> Callable[..., Any]:
    def front(
        a: Any,
        dtype: Any = None,
        order: Any = "K",
        subok: bool = True,
        shape: Any = None,
        *,
        device: Any = None,
    ) -> Any:
        shape = np.shape(a) if shape is None else shape
        return held(a, function(example_of(a), dtype, order, subok, shape, device=device))

    return front


implements(np.zeros_like)(_like(np.zeros_like))
implements(np.empty_like)(_like(np.zeros_like))  # what nobody set is 0, never what memory held before
implements(np.ones_like)(_like(np.ones_like))


nondifferentiable(
    np._core.umath._ones_like,  # type: ignore[attr-defined]  # noqa: SLF001 - in NumPy's list
    name="ones",
    samples=unary(-1.0, 1.0),
    lower=lambda b, x: b.constant(1, x),
    doc="The number 1.",
)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """Return an array of one value, or of several that are broadcast, in the type of another."""
    shape = np.shape(a) if shape is None else shape
    if traced_leaves(fill_value):
        return _filled(fill_value, shape, a.dtype if dtype is None else dtype)
    return held(a, np.full_like(example_of(a), fill_value, dtype, order, subok, shape, device=device))


# Constructors with like= ----------------------------------------------------------------------------------------------


def _constructor(function: Any) -> Callable[..., Any]:
    return lambda *args, like, **kwargs: held(like, function(*args, **kwargs))


creates(np.empty)(_constructor(np.zeros))
for _function in (
    *(np.zeros, np.ones, np.eye, np.identity, np.tri),
    *(np.frombuffer, np.fromfile, np.fromstring, np.genfromtxt, np.loadtxt),
):
    creates(_function)(_constructor(_function))


@creates(np.full)
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, device: Any = None, like: Any
) -> Any:
    """Return an array of one value, or of several that are broadcast."""
    if traced_leaves(fill_value):
        return _filled(fill_value, shape, dtype)
    return held(like, np.full(shape, fill_value, dtype, order, device=device))


@creates(np.array)
def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any,
    **options: Any,
) -> Any:
    """Stack nested sequences with traced entries; hold plain ones."""
    if not traced_leaves(object):
        return held(
            like, np.array(object, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin, **options)
        )
    y = operand(object)
    if dtype is not None:
        y = astype(y, dtype, copy=False)
    if y is object and copy:
        y = np.copy(y)
    elif y is object and copy is None:
        y = as_array(y)
    if y is not object and copy is False:
        message = "Unable to avoid copy while creating an array as requested."
        raise ValueError(message)
    if order in {"C", "F"} and not example_of(y).flags[f"{order}_CONTIGUOUS"]:
        y = np.copy(y, order=order)
    missing = ndmin - np.ndim(y)
    return np.reshape(y, (*[1] * missing, *np.shape(y))) if missing > 0 else y


@creates(np.asarray, np.asanyarray)
def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: bool | None = None, like: Any
) -> Any:
    """Return a traced value as it is, unless it lies in memory otherwise; stack or hold anything else."""
    del device
    return array(a, dtype, copy=copy, order=order or "K", like=like)


@creates(np.ascontiguousarray)
def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any) -> Any:
    """Return a traced value in the order of C, with at least one axis, as NumPy does."""
    return array(a, dtype, copy=None, order="C", ndmin=1, like=like)


@creates(np.asfortranarray)
def asfortranarray(a: Any, dtype: Any = None, *, like: Any) -> Any:
    """Return a traced value in the order of Fortran, with at least one axis, as NumPy does."""
    return array(a, dtype, copy=None, order="F", ndmin=1, like=like)


@creates(np.require)
def require(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any) -> Any:
    """Return a traced value as it is: what is required concerns memory, of which it has none."""
    return array(a, dtype, copy=True if "E" in (requirements or ()) else None, like=like)


@creates(np.fromiter)
def fromiter(iter: Iterable[Any], dtype: Any, count: int = -1, *, like: Any) -> Any:
    """Stack the values that an iterator yields."""
    items = list(iter if count < 0 else islice(iter, count))
    if not traced_leaves(items):
        return held(like, np.fromiter(items, dtype, count))
    if len(items) < count:
        message = f"iterator too short: Expected {count} but iterator had only {len(items)} items."
        raise ValueError(message)
    return astype(operand(items), dtype, copy=False)


@creates(np.fromfunction)
def fromfunction(function: Any, shape: Any, *, dtype: Any = float, like: Any, **kwargs: Any) -> Any:
    """Call a function of the indices, whose result may be traced."""
    y = np.fromfunction(function, shape, dtype=dtype, **kwargs)
    return held(like, y) if isinstance(y, np.ndarray) else y
