"""Views, placements and reductions, computed entry by entry from their lowerings, on random shapes and parameters."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.cases import samples
from wengert.core.lowering import Placement, Reduction, View
from wengert.core.primitive import PRIMITIVES
from wengert.ops.index_forms import split
from wengert.types import type_of

from .entrywise import MEANINGS

PLACES = sorted(n for n, prim in PRIMITIVES.items() if isinstance(prim.lower, View | Placement | Reduction))


class Affine:
    """offset + sum of coefficient times counter: what an index may be made of."""

    def __init__(self, offset, coefficients):
        self.offset, self.coefficients = offset, coefficients

    def __add__(self, other):
        if type(other) is int:
            return Affine(self.offset + other, self.coefficients)
        both = np.add(self.coefficients, other.coefficients)
        return Affine(self.offset + other.offset, both)

    __radd__ = __add__

    def __mul__(self, factor):
        assert type(factor) is int
        return Affine(self.offset * factor, np.multiply(self.coefficients, factor))

    __rmul__ = __mul__

    def at(self, counters):
        return self.offset + int(np.dot(self.coefficients, counters))


def counters(ndim):
    return tuple(Affine(0, row) for row in np.eye(ndim, dtype=int))


# Meanings of the kinds


def viewed(view, xs, shape, params):
    """The entries of a view, by affine expressions and by plain integers, which must agree."""
    x = xs[0]
    source = view.source(counters(len(shape)), x.shape, shape, **params)
    if source is None:
        assert view.source((0,) * len(shape), x.shape, shape, **params) is None
        return None
    y = np.empty(shape, x.dtype)
    for at in np.ndindex(shape):
        place = tuple(e.at(at) if isinstance(e, Affine) else e for e in source)
        assert place == tuple(view.source(at, x.shape, shape, **params))
        assert all(0 <= i < n for i, n in zip(place, x.shape, strict=True))
        y[at] = x[place]
    return y


def placed(placement, xs, shape, dtype, params):
    pieces = placement.pieces([x.shape for x in xs], shape, **params)
    if pieces is None:
        return None
    y = xs[0].astype(dtype) if placement.base else np.zeros(shape, dtype)
    assert y.shape == shape
    written = np.zeros(shape, int)
    for piece in pieces:
        x = xs[piece.operand].astype(dtype)
        for n in np.ndindex(piece.extents):
            at = tuple(o + s * i for o, s, i in zip(piece.offsets, piece.strides, n, strict=True))
            assert all(0 <= i < length for i, length in zip(at, shape, strict=True))
            entry = x[tuple(0 if axis is None else n[axis] for axis in piece.axes)]
            y[at] = y[at] + entry if placement.adds else entry
            written[at] += 1
    assert placement.adds or not np.any(written > 1)
    return y


def reduced(reduction, xs, shape, dtype, params):
    x = xs[0]
    axes = reduction.axes(x.ndim, **params)
    if axes is None:
        return None
    meaning = MEANINGS[reduction.operation]
    x = (x != 0) if dtype == np.bool_ else x.astype(dtype)
    kept = [i for i in range(x.ndim) if i not in axes]
    lines = np.transpose(x, (*kept, *axes)).reshape(
        *[x.shape[i] for i in kept], math.prod(x.shape[i] for i in axes)
    )
    y = np.empty(lines.shape[:-1], dtype)
    for at in np.ndindex(y.shape):
        line = list(lines[at])
        assert line or reduction.first is not None
        y[at] = functools.reduce(meaning, line) if line else reduction.first
    return y.reshape(shape)


def computed(prim, xs, params):
    t = prim.infer(*[type_of(x) for x in xs], **params)
    if isinstance(prim.lower, View):
        return viewed(prim.lower, xs, t.shape, params)
    meaning = placed if isinstance(prim.lower, Placement) else reduced
    return meaning(prim.lower, xs, t.shape, t.dtype, params)


def check(name, xs, params, expects=None):
    """Hold a lowering to `eval`; `expects` says whether it applies, if that is known."""
    prim, xs = PRIMITIVES[name], [np.asarray(x) for x in xs]
    y = computed(prim, xs, params)
    if expects is not None:
        assert (y is not None) == expects, f"{name} {[x.shape for x in xs]} {params}"
    if y is None:
        return
    expected = np.asarray(prim.eval(*xs, **params))
    assert y.dtype == expected.dtype
    if isinstance(prim.lower, Reduction) and y.dtype.kind == "f":
        np.testing.assert_allclose(y, expected, rtol=1e-13)
    else:
        np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("name", PLACES)
def test_a_sample_has_the_entries_that_numpy_gives_it(name):
    for case in samples(PRIMITIVES[name]):
        check(name, case.xs, case.params)


# Random parameters

lengths = st.integers(0, 4)
shapes = st.lists(lengths, max_size=4).map(tuple)


def numbers(shape, dtype=float):
    """Numbers that all differ, and whose sums are exact."""
    return (np.arange(math.prod(shape)).reshape(shape) + 1).astype(dtype)


@st.composite
def basic_indices(draw, shape):
    """Integers and slices for some of the first axes, perhaps an Ellipsis and more for the last, and None anywhere."""
    first = draw(st.integers(0, len(shape)))
    last = draw(st.none() | st.integers(first, len(shape)))
    items = [draw(one_axis(n)) for n in shape[:first]]
    if last is not None:
        items += [Ellipsis, *[draw(one_axis(n)) for n in shape[last:]]]
    for _ in range(draw(st.integers(0, 2))):
        items.insert(draw(st.integers(0, len(items))), None)
    return split(items[0] if len(items) == 1 else tuple(items))[0]


def one_axis(n):
    """What an index may hold for an axis of a length."""
    return st.integers(-n, n - 1) | st.slices(n) if n else st.slices(n)


@st.composite
def written(draw, shape):
    """A shape that broadcasts to another one."""
    kept = shape[draw(st.integers(0, len(shape))) :]
    return tuple(1 if draw(st.booleans()) else n for n in kept)


@given(st.data(), shapes)
def test_getitem(data, shape):
    check("getitem", [numbers(shape)], {"index": data.draw(basic_indices(shape))}, expects=True)


def test_steps_of_any_size():
    for step in (2**63, -(2**70)):
        check("getitem", [numbers((3,))], {"index": slice(None, None, step)}, expects=True)
        check("index_update", [numbers((3,)), numbers(())], {"index": slice(None, None, step)}, expects=True)


@pytest.mark.parametrize("name", ["index_update", "index_add"])
@given(data=st.data(), shape=shapes, dtype=st.sampled_from([np.float64, np.float32, np.int64]))
def test_written_pieces(name, data, shape, dtype):
    index = data.draw(basic_indices(shape))
    piece = data.draw(written(np.zeros(shape)[index].shape))
    check(name, [numbers(shape, dtype), -numbers(piece, dtype)], {"index": index}, expects=True)


@given(st.data(), shapes)
def test_scatter(data, shape):
    indices = data.draw(st.lists(basic_indices(shape), min_size=1, max_size=3))
    pieces = [numbers(np.zeros(shape)[index].shape) for index in indices]
    check("scatter", pieces, {"indices": tuple(indices), "shape": shape}, expects=True)


@given(st.data(), shapes)
def test_transpose_and_flip(data, shape):
    axes = data.draw(st.permutations(range(len(shape))))
    check("transpose", [numbers(shape)], {"axes": tuple(axes)}, expects=True)
    some = axes[: data.draw(st.integers(0, len(shape)))]
    check("flip", [numbers(shape)], {"axis": tuple(some)}, expects=True)


@given(st.data(), shapes)
def test_broadcast_to(data, shape):
    check("broadcast_to", [numbers(data.draw(written(shape)))], {"shape": shape}, expects=True)


@given(st.data(), st.lists(st.integers(1, 4), max_size=3).map(tuple))
def test_reshape_applies_where_axes_are_split(data, shape):
    """Factors of each axis, and axes of length 1: all but merging."""
    new = []
    for n in shape:
        factor = data.draw(st.sampled_from([k for k in range(1, n + 1) if n % k == 0]))
        new += [factor, n // factor, *[1] * data.draw(st.integers(0, 1))]
    check("reshape", [numbers(shape)], {"shape": tuple(new)}, expects=True)
    check("reshape", [numbers(tuple(new))], {"shape": shape})
    check("reshape", [numbers(tuple(new))], {"shape": tuple(n for n in new if n != 1)}, expects=True)


def test_reshape_leaves_merged_axes():
    check("reshape", [numbers((2, 3))], {"shape": (6,)}, expects=False)
    check("reshape", [numbers((2, 3))], {"shape": (3, 2)}, expects=False)
    check("reshape", [numbers((4, 3))], {"shape": (2, 6)}, expects=False)


@given(st.data(), st.lists(lengths, min_size=2, max_size=4).map(tuple), st.integers(-5, 5))
def test_diagonal(data, shape, offset):
    axis1, axis2, *_ = data.draw(st.permutations(range(len(shape))))
    check("diagonal", [numbers(shape)], {"offset": offset, "axis1": axis1, "axis2": axis2}, expects=True)


@given(st.data(), shapes)
def test_pad(data, shape):
    widths = tuple(data.draw(st.tuples(lengths, lengths)) for _ in shape)
    check("pad", [numbers(shape)], {"widths": widths}, expects=True)
    check("pad", [numbers(shape)], {"widths": widths, "values": 1.0}, expects=False)


@given(st.data(), st.lists(lengths, min_size=1, max_size=3))
def test_concatenate(data, shape):
    axis = data.draw(st.integers(0, len(shape) - 1))
    parts = data.draw(st.lists(lengths, min_size=1, max_size=4))
    dtypes = [data.draw(st.sampled_from([np.float64, np.float32, np.int64])) for _ in parts]
    xs = [numbers((*shape[:axis], n, *shape[axis + 1 :]), t) for n, t in zip(parts, dtypes, strict=True)]
    check("concatenate", xs, {"axis": axis}, expects=True)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "any", "all"])
@given(
    data=st.data(),
    shape=shapes,
    dtype=st.sampled_from([np.float64, np.float32, np.int64, np.int32, np.uint8]),
)
@settings(deadline=None)
def test_reductions(name, data, shape, dtype):
    axes = data.draw(st.permutations(range(len(shape))))[: data.draw(st.integers(0, len(shape)))]
    params = {"axis": tuple(sorted(axes)), "keepdims": data.draw(st.booleans())}
    if name in {"max", "min"} and not all(shape[i] for i in axes):
        return
    x = np.asarray(
        data.draw(st.lists(st.integers(0, 3), min_size=math.prod(shape), max_size=math.prod(shape)))
    )
    check(name, [x.reshape(shape).astype(dtype)], params, expects=True)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.complex128])
def test_sums_in_a_type_that_is_given(dtype):
    x = np.array([[1, 2], [3, 100]], np.int8)
    check("sum", [x], {"axis": (0,), "keepdims": False, "dtype": np.dtype(dtype)}, expects=True)


def test_extremes_pass_on_nan():
    x = np.array([[1.0, np.nan], [3.0, 2.0]])
    for name in ("max", "min"):
        check(name, [x], {"axis": (0,), "keepdims": False}, expects=True)
