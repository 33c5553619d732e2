"""Writing at an index: assignment and addition, as functions of the array, the values and the index.

    index_update  y = x; y[index] = v    adjoint: zero what was overwritten, read what was written
    index_add     y = x; y[index] += v   adjoint: read what was added; every repetition of an entry counts

Tracers are handles: `x[index] = v` and `np.add.at(x, index, v)` on a traced x rebind it to the results of these.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.lowering import Placement
from wengert.core.numpy_protocol import UFUNC_METHODS, implements, operand
from wengert.core.primitive import Primitive, Site, define
from wengert.core.views import same_layout
from wengert.errors import NotConcreteError, NotDifferentiableError
from wengert.ops.coefficients import coefficientwise
from wengert.ops.families import match, spread
from wengert.ops.index_forms import BatchedIndex, batched_index, fill, index_shape, layout, split
from wengert.ops.index_maps import piece_at, region
from wengert.ops.indexing import INDEX_SAMPLES, add_at, getitem, may_repeat
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

__all__ = ["index_add", "index_update", "index_update_", "require_traced_destination"]


# index_update ---------------------------------------------------------------------------------------------------------
#
# y is x but v at the index. Where index arrays name an entry several times the last write wins, as in NumPy, and only
# that part of v has an effect.


def _index_update_eval(x: Any, v: Any, *arrays: Any, index: Any) -> Any:
    dtype = np.result_type(x, v)
    y = x.astype(dtype) if isinstance(x, np.ndarray) else np.array(x, dtype)
    y[fill(index, arrays)] = v
    return y if y.ndim or isinstance(x, np.ndarray) else y[()]


def _index_update_overwrite(x: Any, v: Any, *arrays: Any, index: Any) -> Any:
    if x.dtype != np.result_type(x, v):
        return _index_update_eval(x, v, *arrays, index=index)
    x[fill(index, arrays)] = v
    return x


def _index_update_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, index: Any) -> tuple[Any, Any]:
    (_, _, *arrays), (x_dot, v_dot, *_) = xs, x_dots
    y = index_update_(*xs, index=index)
    x_dot = np.zeros(y.shape, y.dtype) if x_dot is None else x_dot
    y_dot = index_update_(x_dot, 0.0 if v_dot is None else v_dot, *arrays, index=index)
    return y, spread(y_dot, y)


def _last_writes(shape: tuple[int, ...], index: Any, written: tuple[int, ...]) -> Any:
    """Return which entries of v = x[index] are the last that an assignment writes: NumPy's own assignment decides."""
    order = np.arange(np.prod(written, dtype=np.intp)).reshape(written)
    return getitem(index_update(np.zeros(shape, np.intp), index, order), index) == order


def _index_update_vjp(y_bar: Any, site: Site, *, index: Any) -> list[Any]:
    (x, v, *arrays), (need_x, need_v, *_) = site.xs, site.needs
    index = fill(index, arrays)
    x_bar = v_bar = None
    if need_v:  # before y_bar is overwritten: in a graph, its last user may write into it
        read = getitem(y_bar, index)
        if any(map(np.ndim, arrays)) or may_repeat(index):
            read = np.where(_last_writes(np.shape(x), index, np.shape(read)), read, 0.0)
        v_bar = match(read, v)
    if need_x:
        x_bar = match(index_update(y_bar, index, 0.0), x)
    return [x_bar, v_bar, *[None] * len(arrays)]


def _index_update_quick(y_bar: Any, site: Any) -> tuple[Any, ...]:
    """Read the cotangent of what was written, and zero it there: y_bar is ours to write into."""
    _, _, params, (x, v, *arrays), _, _, (x_site, v_site, *_) = site
    index = fill(params["index"], arrays) if arrays else params["index"]
    v_bar = None
    if v_site is not None:
        read = y_bar[index]
        if any(map(np.ndim, arrays)) or (type(index) is not int and may_repeat(index)):
            read = np.where(_last_writes(np.shape(x), index, np.shape(read)), read, 0.0)
        v_bar = match(read.copy(), v)
    if x_site is None:
        return None, v_bar, *[None] * len(arrays)
    y_bar[index] = 0.0
    return match(y_bar, x), v_bar, *[None] * len(arrays)


def _written_piece(shapes: Any, shape: tuple[int, ...], /, *, index: Any) -> Any:
    where = region(shape, index)
    return None if where is None else [piece_at(1, shapes[1], where)]


def _value_of_batch(v: Any, moved: BatchedIndex, *, batched: bool) -> Any:
    """Return the values to write at the index into a batch."""
    size, shape = (np.shape(v)[0], np.shape(v)[1:]) if batched else (1, np.shape(v))
    if len(shape) > max(moved.ndim, 0):
        message = f"could not broadcast input array from shape {shape} into {moved.ndim} axes"
        raise ValueError(message)
    return moved.from_front(np.reshape(v, (size, *[1] * (moved.ndim - len(shape)), *shape)))


def _index_update_batch(size: int, xs: Sequence[Any], batched: Sequence[bool], *, index: Any) -> Any:
    (x, v, *arrays), (x_batched, v_batched, *array_batched) = xs, batched
    if not x_batched:
        x = np.broadcast_to(x, (size, *np.shape(x)))
    moved = batched_index(size, index, arrays, array_batched, np.ndim(x) - 1)
    return index_update(x, moved.index, _value_of_batch(v, moved, batched=v_batched))


def _index_update_samples(rng: np.random.Generator) -> Samples:
    for shape, index, arrays in INDEX_SAMPLES:
        full = index_shape(shape, index, arrays)
        for written in {full, full[1:]}:
            yield (
                (np.asarray(rng.normal(size=shape)), np.asarray(rng.normal(size=written)), *arrays),
                {"index": index},
            )


index_update_: Primitive = define(
    name="index_update",
    doc="A copy of x with v assigned at an index; of several writes to one entry the last wins.",
    eval=_index_update_eval,
    infer=lambda x, v, *_, **__: ArrayType(x.shape, np.result_type(x.dtype, v.dtype)),
    jvp=_index_update_jvp,
    taylor=coefficientwise(_index_update_jvp),
    vjp=_index_update_vjp,
    quick=_index_update_quick,
    overwrite=_index_update_overwrite,
    reuses=True,
    batch=_index_update_batch,
    lower=Placement(_written_piece, base=True),
    samples=_index_update_samples,
    complex=True,
)


@implements(operator.setitem)
def index_update(x: Any, index: Any, value: Any) -> Any:
    """Return x with x[index] = value done to a copy, in x's dtype."""
    value = _cast(operand(value), type_of(x).dtype)
    if index is Ellipsis and np.ndim(x) and isinstance(value, Traced) and type_of(value) == type_of(x):
        if same_layout(value, x):
            return value  # everything is overwritten
    elif _is_traced_mask(index) and np.ndim(value) <= np.ndim(x) - np.ndim(index):
        return _masked_update(x, index, value)
    index, arrays = split(index)
    return index_update_(x, _fitted(value, np.shape(x), index, arrays), *arrays, index=index)


def _is_traced_mask(index: Any) -> bool:
    return isinstance(index, Traced) and type_of(index).dtype.kind == "b"


def _masked_update(x: Any, mask: Any, value: Any) -> Any:
    """Assign one value to all entries where a mask holds: that needs no count of them, which may differ by example."""
    shape, lengths = np.shape(x), np.shape(mask)
    if lengths != shape[: len(lengths)]:
        np.empty(shape)[np.zeros(lengths, bool)] = 0  # raises NumPy's error
    return np.where(np.reshape(mask, (*lengths, *[1] * (len(shape) - len(lengths)))), value, x)


_REAL = frozenset({bool, int, float})
_NUMBERS = defaultdict(frozenset, {"b": frozenset({bool}), "f": _REAL, "c": _REAL | {complex}})  # that adapt


def _cast(value: Any, dtype: Any) -> Any:
    """Return a value in the dtype of the array that it is assigned into; a Python number adapts by itself."""
    found = getattr(value, "dtype", None)
    if found is None:
        return value if type(value) in _NUMBERS[dtype.kind] else np.array(value, dtype)
    if found == dtype:
        return value
    if dtype.kind not in "fc" and found.kind in "fc" and isinstance(value, Traced):
        raise NotDifferentiableError(
            f"A traced {found} is assigned into an array of {dtype}",
            why="the assignment would round it, and its derivative would be lost.",
            instead="x.astype(float) before the assignment, or wengert.stop_gradient(value).",
        )
    return np.astype(value, dtype)


def _fitted(value: Any, shape: tuple[int, ...], index: Any, arrays: Sequence[Any]) -> Any:
    """Drop leading axes of length 1 that x[index] does not have: an assignment ignores them."""
    lengths = np.shape(value)
    if not lengths or lengths[0] != 1:
        return value
    ndim = layout(
        fill(index, [np.zeros(np.shape(a), np.intp) if np.ndim(a) else 0 for a in arrays]), len(shape)
    ).ndim
    extra = len(lengths) - ndim
    if extra > 0 and all(n == 1 for n in lengths[:extra]):
        return np.reshape(value, lengths[extra:])
    return value


# index_add ------------------------------------------------------------------------------------------------------------
#
# Linear in x and v together. `np.add.at` adds in the order of the index, to the last bit unlike a sum with `scatter`.


def _sum_dtype(x: Any, v: Any) -> Any:
    return x.dtype if np.can_cast(v.dtype, x.dtype, "same_kind") else np.result_type(x.dtype, v.dtype)


def _index_add_eval(x: Any, v: Any, *arrays: Any, index: Any) -> Any:
    y = np.array(x, _sum_dtype(type_of(x), type_of(v)))
    add_at(y, fill(index, arrays), v)
    return y if y.ndim or isinstance(x, np.ndarray) else y[()]


def _index_add_overwrite(x: Any, v: Any, *arrays: Any, index: Any) -> Any:
    if x.dtype != _sum_dtype(type_of(x), type_of(v)):
        return _index_add_eval(x, v, *arrays, index=index)
    add_at(x, fill(index, arrays), v)
    return x


def _index_add_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, index: Any) -> tuple[Any, Any]:
    (x, _, *arrays), (x_dot, v_dot, *_) = xs, x_dots
    y = index_add_(*xs, index=index)
    if v_dot is None:
        return y, spread(x_dot, y)
    return y, spread(index_add_(np.zeros_like(x) if x_dot is None else x_dot, v_dot, *arrays, index=index), y)


def _index_add_vjp(y_bar: Any, site: Site, *, index: Any) -> list[Any]:
    (x, v, *arrays), (need_x, need_v, *_) = site.xs, site.needs
    v_bar = match(getitem(y_bar, fill(index, arrays)), v) if need_v else None
    return [match(y_bar, x) if need_x else None, v_bar, *[None] * len(arrays)]


def _index_add_batch(size: int, xs: Sequence[Any], batched: Sequence[bool], *, index: Any) -> Any:
    (x, v, *arrays), (x_batched, v_batched, *array_batched) = xs, batched
    if not x_batched:
        x = np.broadcast_to(x, (size, *np.shape(x)))
    moved = batched_index(size, index, arrays, array_batched, np.ndim(x) - 1)
    return index_add(x, moved.index, _value_of_batch(v, moved, batched=v_batched))


index_add_: Primitive = define(
    name="index_add",
    doc="A copy of x with v added at an index, repeated entries counting each time.",
    eval=_index_add_eval,
    infer=lambda x, v, *_, **__: ArrayType(x.shape, _sum_dtype(x, v)),
    jvp=_index_add_jvp,
    taylor=coefficientwise(_index_add_jvp),
    vjp=_index_add_vjp,
    overwrite=_index_add_overwrite,
    batch=_index_add_batch,
    lower=Placement(_written_piece, base=True, adds=True),
    samples=_index_update_samples,
    complex=True,
)


def index_add(x: Any, index: Any, value: Any) -> Any:
    """Return x with `np.add.at(x, index, value)` done to a copy: repeated entries are added each time.

    Parameters
    ----------
    x : array
    index : index
        Anything that x[index] takes.
    value : array
        Broadcast to the shape of x[index].

    Returns
    -------
    y : array
        Of x's shape and dtype.
    """
    value = operand(value)
    dtype, found = type_of(x).dtype, type_of(value).dtype
    if hasattr(value, "dtype") and not np.can_cast(found, dtype, "same_kind"):
        message = f"Cannot cast ufunc 'add' output from {found!r} to {dtype!r} with casting rule 'same_kind'"
        raise TypeError(message)
    index, arrays = split(index)
    return index_add_(x, value, *arrays, index=index)


# Writes into an array that the program holds --------------------------------------------------------------------------


def require_traced_destination(function: str, destination: Any) -> None:
    """Raise unless the destination of a write is traced: a traced value would be written into a plain array."""
    if not isinstance(destination, Traced):
        raise NotConcreteError(
            f"{function} would write a traced value into a plain array",
            why="a plain NumPy array cannot hold derivative information; it would be lost.",
            instead="a destination that is traced itself, e.g. buffer = buffer + 0.0 * x before the call, or build "
            "the result with np.where, np.stack or np.concatenate.",
        )


def _add_at_front(a: Any, indices: Any, b: Any) -> None:
    require_traced_destination("np.add.at", a)
    a[...] = index_add(a, indices, b)


def _subtract_at_front(a: Any, indices: Any, b: Any) -> None:
    require_traced_destination("np.subtract.at", a)
    a[...] = index_add(a, indices, -operand(b))


UFUNC_METHODS["at", np.add] = _add_at_front
UFUNC_METHODS["at", np.subtract] = _subtract_at_front
