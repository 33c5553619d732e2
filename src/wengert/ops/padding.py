"""`pad`: a primitive for constant borders, and the other modes composed of taking and joining.

constant, empty                      the primitive; the adjoint is a slice
edge, wrap, reflect, symmetric       taking, at the places that NumPy's own mode gives to 0, 1, ..., n - 1
... with reflect_type="odd"          2 edge - reflected: a combination of the taken entry and the two edges
linear_ramp, mean, maximum, ...      joining both borders, axis by axis
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.lowering import Piece, Placement
from wengert.core.numpy_protocol import implements, operand, traced_leaves
from wengert.core.primitive import Site, define
from wengert.errors import RefusedError
from wengert.ops.casting import order_of, ordered
from wengert.ops.coefficients import coefficientwise
from wengert.ops.families import match
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]
    Widths = tuple[tuple[int, int], ...]

__all__ = ["pad_"]


# pad ------------------------------------------------------------------------------------------------------------------


def _inside(x: Any, widths: Widths) -> Any:
    return x[tuple(slice(before, n - after) for (before, after), n in zip(widths, np.shape(x), strict=True))]


def _pad_eval(x: Any, *, widths: Widths, values: Any = 0) -> Any:
    return np.pad(x, widths or 0, constant_values=values)  # NumPy wants a width even for no axes


def _pad_infer(t: ArrayType, *, widths: Widths, values: Any = 0) -> ArrayType:
    del values
    return ArrayType(
        tuple(before + n + after for (before, after), n in zip(widths, t.shape, strict=True)), t.dtype
    )


def _pad_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, widths: Widths, values: Any = 0) -> tuple[Any, Any]:
    return pad_(xs[0], widths=widths, values=values), pad_(x_dots[0], widths=widths)


def _pad_vjp(y_bar: Any, site: Site, *, widths: Widths, values: Any = 0) -> list[Any]:
    del values
    return [match(_inside(y_bar, widths), site.xs[0])]


def _pad_batch(_size: int, xs: Any, _batched: Any, *, widths: Widths, values: Any = 0) -> Any:
    if np.ndim(values):
        values = ((0, 0), *np.broadcast_to(values, (len(widths), 2)).tolist())
    return pad_(xs[0], widths=((0, 0), *widths), values=values)


def _pad_pieces(shapes: Any, _: tuple[int, ...], /, *, widths: Widths, values: Any = 0) -> Any:
    """A border of zeros; any other is left to NumPy."""
    (shape,) = shapes
    if np.any(values):
        return None
    return [
        Piece(0, tuple([before for before, _ in widths]), (1,) * len(shape), shape, tuple(range(len(shape))))
    ]


def _pad_samples(rng: np.random.Generator) -> Samples:
    yield (rng.normal(size=3),), {"widths": ((1, 2),)}
    yield (rng.normal(size=(2, 1)),), {"widths": ((0, 1), (2, 0)), "values": 1.5}
    yield (rng.normal(size=(2, 2)),), {"widths": ((1, 0), (1, 1)), "values": ((1.0, 2.0), (3.0, 4.0))}
    yield (rng.normal(size=(0,)),), {"widths": ((1, 0),)}
    yield (np.asarray(rng.normal()),), {"widths": ()}


pad_ = define(
    name="pad",
    doc="x inside a border of constants; the adjoint is a slice.",
    eval=_pad_eval,
    infer=_pad_infer,
    jvp=_pad_jvp,
    taylor=coefficientwise(_pad_jvp),
    vjp=_pad_vjp,
    batch=_pad_batch,
    lower=Placement(_pad_pieces),
    samples=_pad_samples,
    complex=True,
)


# Arguments ------------------------------------------------------------------------------------------------------------

_KEYWORDS = {
    "constant": "constant_values",
    "empty": "",
    "edge": "",
    "wrap": "",
    "reflect": "reflect_type",
    "symmetric": "reflect_type",
    "linear_ramp": "end_values",
    "maximum": "stat_length",
    "minimum": "stat_length",
    "mean": "stat_length",
    "median": "stat_length",
}
_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}


def _pairs(x: Any, ndim: int) -> Any:
    """Return NumPy's short forms (one value, one pair, a value or a pair for each axis) as a pair for each axis."""
    if traced_leaves(x):
        wide = np.broadcast_to(operand(x), (ndim, 2))
        return [[wide[i, 0], wide[i, 1]] for i in range(ndim)]
    return np.broadcast_to(np.asarray(x), (ndim, 2)).tolist()


def _widths(pad_width: Any, ndim: int) -> Widths:
    if isinstance(pad_width, dict):
        pairs: list[Any] = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pairs[axis] = (width, width) if isinstance(width, int) else width
        pad_width = pairs
    if np.size(pad_width) and np.asarray(pad_width).dtype.kind != "i":
        message = "`pad_width` must be of integral type."
        raise TypeError(message)
    widths = tuple(
        (operator.index(before), operator.index(after)) for before, after in _pairs(pad_width, ndim)
    )
    if any(n < 0 for pair in widths for n in pair):
        message = "index can't contain negative values"
        raise ValueError(message)
    return widths


def _check_keywords(mode: str, keywords: dict[str, Any]) -> None:
    if mode not in _KEYWORDS:
        message = f"mode '{mode}' is not supported"
        raise ValueError(message)
    unsupported = set(keywords) - {_KEYWORDS[mode]}
    if unsupported:
        message = f"unsupported keyword arguments for mode '{mode}': {unsupported}"
        raise ValueError(message)


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Bind `pad`, or compose the mode."""
    if callable(mode):
        raise RefusedError(
            "np.pad was called on a traced value with a function as mode",
            why="such a function writes into the padded array in place, on plain vectors.",
            instead="compute the borders and join them with np.concatenate.",
        )
    _check_keywords(mode, kwargs)
    array = array if hasattr(array, "dtype") else np.asarray(array)
    widths, layout = _widths(pad_width, np.ndim(array)), order_of(array)
    if mode in {"constant", "empty"}:
        return ordered(_constant(array, widths, kwargs.get("constant_values", 0)), layout)
    for axis, (n, pair) in enumerate(zip(np.shape(array), widths, strict=True)):
        if n == 0 and any(pair):
            message = f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'"
            raise ValueError(message)
    if array.size == 0:
        return pad_(array, widths=widths)
    for axis, (pair, option) in enumerate(zip(widths, _options(mode, kwargs, np.ndim(array)), strict=True)):
        if any(pair):
            array = _pad_axis(array, axis, pair, mode, option)
    return ordered(array, layout)


def _options(mode: str, keywords: dict[str, Any], ndim: int) -> Any:
    """Return what a mode wants to know for each axis: how to reflect, or a value for each side."""
    if mode in {"reflect", "symmetric"}:
        return [keywords.get("reflect_type", "even")] * ndim
    return _pairs(keywords.get(_KEYWORDS[mode], 0 if mode == "linear_ramp" else None), ndim)


def _constant(x: Any, widths: Widths, values: Any) -> Any:
    if not (
        traced_leaves(values) or traced_leaves(np.ravel(values).tolist() if hasattr(values, "tolist") else [])
    ):
        values = np.asarray(values)
        return pad_(x, widths=widths, values=values.item() if values.ndim == 0 else _nested(values))
    for axis, (pair, ends) in enumerate(zip(widths, _pairs(values, np.ndim(x)), strict=True)):
        x = _join(x, axis, [np.broadcast_to(v, _border(x, axis, n)) for v, n in zip(ends, pair, strict=True)])
    return x


def _nested(values: Any) -> Any:
    """Return an array of numbers as nested tuples: parameters of primitives are hashable."""
    return tuple(map(_nested, values)) if values.ndim else values.item()


# Modes, along one axis ------------------------------------------------------------------------------------------------


def _border(x: Any, axis: int, width: int) -> tuple[int, ...]:
    return tuple(width if i == axis else n for i, n in enumerate(np.shape(x)))


def _join(x: Any, axis: int, borders: Sequence[Any]) -> Any:
    dtype = type_of(x).dtype
    before, after = (b if type_of(b).dtype == dtype else b.astype(dtype) for b in borders)
    return np.concatenate([before, x, after], axis=axis)


def _pad_axis(x: Any, axis: int, pair: tuple[int, int], mode: str, option: Any) -> Any:
    n = np.shape(x)[axis]
    if mode == "linear_ramp":
        return _join(x, axis, [_ramp(x, axis, *side) for side in zip(pair, option, (0, -1), strict=True)])
    if mode in _STATISTICS:
        return _join(
            x, axis, [_statistic(x, axis, mode, *side) for side in zip(pair, option, (0, -1), strict=True)]
        )
    if option == "odd" and n > 1:
        return _odd(x, axis, pair, mode)
    return np.take(x, np.pad(np.arange(n), pair, mode), axis=axis)  # type: ignore[call-overload]


def _along(v: Any, x: Any, axis: int) -> Any:
    """Return a plain vector as an array that varies along one axis of x."""
    return np.reshape(v, (-1, *[1] * (np.ndim(x) - axis - 1)))


def _ramp(x: Any, axis: int, width: int, end: Any, place: int) -> Any:
    """Run from the end value, which is reached, to the edge of x, which is not."""
    edge = np.take(x, [place], axis=axis)
    if width == 0:
        return np.take(x, np.arange(0), axis=axis)
    steps = np.arange(width, dtype=type_of(x).dtype)
    return _along(steps if place == 0 else steps[::-1], x, axis) * ((edge - end) / width) + end


def _statistic(x: Any, axis: int, mode: str, width: int, length: int | None, place: int) -> Any:
    """Repeat a statistic of the first or last `length` entries."""
    n = np.shape(x)[axis]
    length = n if length is None else min(length, n)
    if length == 0 and mode in {"maximum", "minimum"}:
        message = "stat_length of 0 yields no value for padding"
        raise ValueError(message)
    nearest = slice(0, length) if place == 0 else slice(n - length, n)
    value = _STATISTICS[mode](x[(*[slice(None)] * axis, nearest)], axis=axis, keepdims=True)
    return np.broadcast_to(value, _border(x, axis, width))


def _odd(x: Any, axis: int, pair: tuple[int, int], mode: str) -> Any:
    """Reflect about the edges as points.

    A reflection at the last entry takes f to 2 f(last) - f, one at the first to 2 f(first) - f, and both in
    turn shift f by a period and raise it by 2 (f(last) - f(first)). So with p = k period + q,

        f(p) = f(q) + 2 k (f(last) - f(first)),   f(q) = 2 f(last) - f(mirror of q) in the second half of a period.
    """
    n = np.shape(x)[axis]
    half = n if mode == "symmetric" else n - 1
    k, q = np.divmod(np.arange(-pair[0], n + pair[1]), 2 * half)
    mirrored = q >= n
    i = np.where(mirrored, 2 * n - 1 - q if mode == "symmetric" else 2 * half - q, q)
    sign, first, last = (
        _along(w.astype(type_of(x).dtype), x, axis) for w in (1 - 2 * mirrored, -2 * k, 2 * (k + mirrored))
    )
    return (
        sign * np.take(x, i, axis=axis)
        + first * np.take(x, [0], axis=axis)
        + last * np.take(x, [-1], axis=axis)
    )
