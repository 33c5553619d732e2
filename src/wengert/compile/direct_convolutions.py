"""Convolutions of stride 1 without copies of windows: products of matrices that lie in the image, side by side.

Entries of an image are numbered row by row, and windows by their first entries. Entry t of the kernel then meets window
p at the entry p + o_t of the image, so that

    conv            y[o, p]    =  sum_t sum_c  w[o, c, t] x[c, p + o_t]
    conv_input      x[c, q]    =  sum_t sum_o  w[o, c, t] z[o, q - o_t]
    conv_weight     w[c, t, o] =  sum_p        x[c, p + o_t] z[p, o]

Numbers at which no window begins, since it would reach over the end of a row, are computed in vain in the first, and
have cotangents z of zero in the others, which is right where all that they are multiplied by is finite: programs that
mask their products copy windows. An image with margins of zeros is copied first, with these. What is filled with zeros
is so for each example, so that threads can have their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from wengert.compile.affine import Affine, constant
from wengert.compile.definitions import Memory, row_major
from wengert.compile.geometry import Geometry
from wengert.compile.kernel import Block, Multiply, Turn
from wengert.compile.lower import Body
from wengert.compile.nests import copy, fill, loops
from wengert.compile.writing import Writer
from wengert.core.graph import Atom
from wengert.ops.convolution import Ints
from wengert.types import ArrayType

__all__ = ["is_direct", "write_conv", "write_conv_input", "write_conv_weight"]

_TAPS = 32  # entries of a kernel: each is written out
_VAIN = 1.5  # numbers for each window


class _Numbers(NamedTuple):
    """How the entries of an image, with its margins, are numbered.

    Attributes
    ----------
    whole, steps : tuple of int
        Its shape, and how far neighbours along each axis lie apart.
    size, span : int
        How many entries there are, and from the first window to the last.
    """

    whole: Ints
    steps: Ints
    size: int
    span: int


def _numbers(g: Geometry) -> _Numbers:
    whole = tuple([n + low + high for n, (low, high) in zip(g.spatial, g.padding, strict=True)])
    steps = row_major(whole)
    span = 1 + sum((n - 1) * step for n, step in zip(g.out, steps, strict=True))
    return _Numbers(whole, steps, math.prod(whole), span)


def _offsets(g: Geometry) -> list[int]:
    """Return at which number each entry of the kernel meets the first window."""
    steps = [d * step for d, step in zip(g.dilation, _numbers(g).steps, strict=True)]
    return [sum(k * s for k, s in zip(tap.place, steps, strict=True)) for tap in g.taps()]


def is_direct(g: Geometry) -> bool:
    """Whether windows lie side by side, and few numbers are computed in vain."""
    few = math.prod(g.kernel) <= _TAPS and _numbers(g).span <= _VAIN * g.points
    return few and set(g.stride) == {1} and min(min(pair) for pair in g.padding) >= 0


# Images with margins, and results with what is computed in vain -----------------------------------------------------


class _Images:
    """Images one at a time, with their margins: where they are, or copied."""

    def __init__(self, body: Body, g: Geometry, memory: Memory, type: Any) -> None:
        self._body, self._g, self._memory = body, g, memory
        self._copied: Memory | None = None
        if _numbers(g).whole != g.spatial:
            shape = g.groups * g.channels, *_numbers(g).whole
            self._copied = body.lowering.scratch(ArrayType(shape, type))

    def of(self, i: Affine) -> Memory:
        """Return the image of an example."""
        one = _example(self._memory, i)
        if self._copied is None:
            return one
        shape = self._g.groups * self._g.channels, *self._g.spatial
        fill(self._body.lowering.writer, self._copied, self._copied.buffer.size)
        copy(self._body.lowering.writer, one, _inside(self._copied, self._g), shape)
        return self._copied


def _inside(memory: Memory, g: Geometry) -> Memory:
    """Return an image without its margins."""
    lows = [low for low, _ in g.padding]
    return memory._replace(offset=memory.place((constant(0), *map(constant, lows))))


def _example(memory: Memory, i: Affine) -> Memory:
    return Memory(memory.buffer, memory.offset + i * memory.strides[0], memory.strides[1:])


def _at(memory: Memory, w: Writer, place: Affine | int, down: int, across: int) -> Block:
    return Block(memory.buffer, w.index(memory.offset + place), down, across)


def _each_group(w: Writer, g: Geometry) -> Any:
    return loops(w, (g.groups,) if g.groups > 1 else ())


# The three operations -------------------------------------------------------------------------------------------------


def write_conv(body: Body, g: Geometry, atoms: Sequence[Atom]) -> None:
    """Write y = conv(x, weights); y has room for what is computed in vain, unless it has a place already."""
    x, weights, y = atoms
    w, numbers = body.lowering.writer, _numbers(g)
    images, rows = _Images(body, g, body.contiguous(x), y.dtype), body.contiguous(weights)
    wide = (g.groups * g.outputs * numbers.span, numbers.span, *numbers.steps)
    target = body.destination(y)
    if target is None:
        results = body.result(y, (g.examples * wide[0], wide))
    else:
        results = body.lowering.scratch(ArrayType((wide[0],), y.dtype))._replace(strides=(0, *wide[1:]))
    depth = math.prod(g.kernel)
    taps = tuple(enumerate(_offsets(g)))
    with loops(w, (g.examples,)) as (i,):
        image, result = images.of(i), _example(results, i)
        with _each_group(w, g) as group:
            at = sum(group, constant(0))
            w.append(
                Multiply(
                    _at(result, w, at * (g.outputs * numbers.span), numbers.span, 1),
                    _at(rows, w, at * (g.outputs * g.channels * depth), g.channels * depth, depth),
                    _at(image, w, at * (g.channels * numbers.size), numbers.size, 1),
                    (g.outputs, numbers.span, g.channels),
                    taps=taps,
                )
            )
        w.wrote(results.buffer)
        if target is not None:
            copy(w, result, _example(target, i), y.shape[1:])
    w.wrote(results.buffer)
    if target is not None:
        w.wrote(target.buffer)
        body.entries.definitions[y] = target


def write_conv_input(body: Body, g: Geometry, atoms: Sequence[Atom]) -> None:
    """Write x = conv_input(z, weights)."""
    z, weights, x = atoms
    w, numbers, offsets = body.lowering.writer, _numbers(g), _offsets(g)
    bars, rows, results = body.contiguous(z), body.contiguous(weights), body.result(x)
    first = max(offsets)
    length = first + numbers.size
    spread = body.lowering.scratch(ArrayType((g.groups * g.outputs, length), x.dtype))
    windows = Memory(spread.buffer, spread.offset + first, (length, *numbers.steps))
    has_margins = numbers.whole != g.spatial
    shape = g.groups * g.channels, *numbers.whole
    wide = body.lowering.scratch(ArrayType(shape, x.dtype)) if has_margins else None
    depth = math.prod(g.kernel)
    taps = tuple([(t, first - offset) for t, offset in enumerate(offsets)])
    with loops(w, (g.examples,)) as (i,):
        fill(w, spread, g.groups * g.outputs * length)
        copy(w, _example(bars, i), windows, z.shape[1:])
        image = _example(results, i) if wide is None else wide
        with _each_group(w, g) as group:
            at = sum(group, constant(0))
            w.append(
                Multiply(
                    _at(image, w, at * (g.channels * numbers.size), numbers.size, 1),
                    _at(rows, w, at * (g.outputs * g.channels * depth), depth, g.channels * depth),
                    _at(spread, w, at * (g.outputs * length), length, 1),
                    (g.channels, numbers.size, g.outputs),
                    taps=taps,
                )
            )
        w.wrote(image.buffer)
        if wide is not None:
            copy(w, _inside(wide, g), _example(results, i), (shape[0], *g.spatial))
    w.wrote(results.buffer)


def write_conv_weight(body: Body, g: Geometry, atoms: Sequence[Atom]) -> None:
    """Write weights = conv_weight(x, z), whose axes are in another order until all examples are added up."""
    x, z, weights = atoms
    w, numbers = body.lowering.writer, _numbers(g)
    images, bars = _Images(body, g, body.contiguous(x), z.dtype), body.contiguous(z)
    count, depth = g.groups * g.outputs, math.prod(g.kernel)
    turned = body.lowering.scratch(ArrayType((numbers.span, count), z.dtype))
    shape = g.groups, g.channels, *g.kernel, g.outputs
    sums = body.lowering.scratch(ArrayType(shape, z.dtype))
    fill(w, sums, math.prod(shape))
    with loops(w, (g.examples,)) as (i,):
        fill(w, turned, numbers.span * count)
        _turn_windows(w, g, _example(bars, i), turned)
        image = images.of(i)
        with _each_group(w, g) as group:
            _add_products(w, g, sum(group, constant(0)), (image, turned, sums))
    result = body.result(weights)
    with loops(w, (g.groups, g.channels)) as (group, c):
        place = group * (g.outputs * g.channels * depth) + c * depth
        source = (group * g.channels + c) * (depth * g.outputs)
        y, sides = _at(result, w, place, g.channels * depth, 1), (g.outputs, depth)
        w.append(Turn(y, _at(sums, w, source, 1, g.outputs), sides))
    w.wrote(result.buffer)


def _turn_windows(w: Writer, g: Geometry, bars: Memory, turned: Memory) -> None:
    """Write a loop that puts the channels of a cotangent side by side, for each window."""
    count, steps = g.groups * g.outputs, _numbers(g).steps
    with loops(w, g.out[:-1]) as index:
        number = sum([e * step for e, step in zip(index, steps, strict=False)], constant(0))
        place = sum([e * s for e, s in zip(index, row_major(g.out), strict=False)], constant(0))
        y = _at(turned, w, number * count, count, 1)
        w.append(Turn(y, _at(bars, w, place, 1, g.points), (g.out[-1], count)))
    w.wrote(turned.buffer)


def _add_products(w: Writer, g: Geometry, group: Affine, parts: tuple[Memory, Memory, Memory]) -> None:
    """Write the products of a group, for each entry of the kernel: of all channels, or of the kernel's last axis."""
    image, turned, sums = parts
    numbers, depth = _numbers(g), math.prod(g.kernel)
    steps = [d * step for d, step in zip(g.dilation, numbers.steps, strict=True)]
    along_kernel = g.channels < g.kernel[-1]
    shape = (g.channels, *g.kernel[:-1]) if along_kernel else g.kernel
    own = ((numbers.size, *steps[:-1]), (depth, *row_major(g.kernel)[:-1])) if along_kernel else (
        steps, row_major(g.kernel)
    )  # fmt: skip
    rows, down_a, down_y = (
        (g.kernel[-1], steps[-1], g.outputs)
        if along_kernel
        else (g.channels, numbers.size, depth * g.outputs)
    )
    with loops(w, shape) as index:
        in_image, in_sums = [
            sum([e * s for e, s in zip(index, strides, strict=True)], constant(0)) for strides in own
        ]
        a = _at(image, w, group * (g.channels * numbers.size) + in_image, down_a, 1)
        y = _at(sums, w, (group * (g.channels * depth) + in_sums) * g.outputs, down_y, 1)
        b = _at(turned, w, group * g.outputs, g.groups * g.outputs, 1)
        w.append(Multiply(y, a, b, (rows, g.outputs, numbers.span), adds=True))
    w.wrote(sums.buffer)
