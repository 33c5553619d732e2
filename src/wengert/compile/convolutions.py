"""Convolutions: for each example, the windows of its image as the columns of a matrix, and products of matrices.

    conv            result = weights columns(image)
    conv_input      columns = weights^T cotangent, added to where they were taken from
    conv_weight     weights += cotangent columns(image)^T

One example's columns stay in the cache between being written and being read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from wengert.compile.affine import Slots, constant
from wengert.compile.blas import contiguous, gemm
from wengert.compile.definitions import Memory
from wengert.compile.direct_convolutions import is_direct, write_conv, write_conv_input, write_conv_weight
from wengert.compile.geometry import Geometry, Tap, geometry
from wengert.compile.lower import Body
from wengert.compile.nests import fill, loops
from wengert.compile.roots import Unit
from wengert.compile.writing import Writer, type_name
from wengert.core.graph import Node
from wengert.core.primitive import Primitive
from wengert.ops.convolution import Ints, conv_, conv_input_, conv_weight_
from wengert.types import ArrayType

__all__ = ["CONVOLUTIONS"]

_TAPS = 128  # entries of a kernel: each is a loop that is written out


class Columns:
    """The windows of one image at a time, as the columns of a matrix for each group.

    Parameters
    ----------
    body : Body
    g : Geometry
    type : dtype
    """

    def __init__(self, body: Body, g: Geometry, type: Any) -> None:
        self._w: Writer = body.lowering.writer
        self._g = g
        shape = (g.groups * g.channels, math.prod(g.kernel), *g.out)
        self.memory = body.lowering.scratch(ArrayType(shape, type))

    def clear(self) -> None:
        """Fill with zeros what no image fills."""
        if self._g.leaves_margins:
            fill(self._w, self.memory, self.memory.buffer.size)

    def take(self, image: Memory) -> None:
        """Write a loop that copies the windows of an image."""
        for source, target, shape in self._pairs(image):
            with loops(self._w, shape, lanes=True) as index:
                self._w.store(
                    self._w.load_here(image.buffer, source(index)), self.memory.buffer, target(index)
                )
        self._w.wrote(self.memory.buffer)

    def add_to(self, image: Memory) -> None:
        """Write a loop that adds each entry of the windows to the entry of the image that it stands for."""
        w = self._w
        for target, source, shape in self._pairs(image):
            with loops(w, shape, lanes=True) as index:
                one, more = (
                    w.load_here(image.buffer, target(index)),
                    w.load_here(self.memory.buffer, source(index)),
                )
                w.store(w("add", one, more), image.buffer, target(index))
        w.wrote(image.buffer)

    def _pairs(self, image: Memory) -> Iterator[tuple[Callable[[Slots], Any], Callable[[Slots], Any], Ints]]:
        """Yield, for each entry of the kernel, places in the image and in the columns, and how many."""
        g = self._g
        for tap in g.taps():

            def in_image(index: Slots, tap: Tap = tap) -> Any:
                steps = zip(index[1:], g.stride, tap.origin, strict=True)
                return image.place((index[0], *[p * s + first for p, s, first in steps]))

            def in_columns(index: Slots, tap: Tap = tap) -> Any:
                steps = [p + first for p, first in zip(index[1:], tap.start, strict=True)]
                return self.memory.place((index[0], constant(tap.number), *steps))

            if 0 not in tap.shape:
                yield in_image, in_columns, (g.groups * g.channels, *tap.shape)


def _products(
    w: Writer,
    g: Geometry,
    factors: tuple[Memory, Memory],
    y: Memory,
    sizes: tuple[int, int, int],
    *,
    turned: tuple[bool, bool] = (False, False),
    beta: float = 0.0,
) -> None:
    """Write y = a b + beta y for each group; matrices of a group lie behind those of the one before."""
    m, n, k = sizes
    shapes = (m, k), (k, n), (m, n)
    with loops(w, (g.groups,) if g.groups > 1 else ()) as index:
        at = sum(index, constant(0))
        a, b, result = [
            contiguous(x._replace(offset=x.offset + at * (rows * columns)), rows, columns, turned=side)
            for x, (rows, columns), side in zip((*factors, y), shapes, (*turned, False), strict=True)
        ]
        gemm(w, a, b, result, sizes, beta)


# The three operations -------------------------------------------------------------------------------------------------


def _unit(node: Node, g: Geometry, write: Callable[[], None]) -> Unit | None:
    """Return a convolution as a unit, where there is something to compute, in one type that BLAS has."""
    atoms = (*node.inputs, *node.outputs)
    types = {type_name(a.dtype) for a in atoms}
    if len(types) > 1 or not types <= {"f64", "f32"} or any(0 in a.shape for a in atoms):
        return None
    return Unit(node.inputs, node.outputs, write) if math.prod(g.kernel) <= _TAPS else None


def _conv(body: Body, node: Node) -> Unit | None:
    (x, weights), (y,) = node.inputs, node.outputs
    g = geometry(x.shape, weights.shape, y.shape, **node.params)

    def write() -> None:
        if is_direct(g):
            write_conv(body, g, (x, weights, y))
            return
        w = body.lowering.writer
        images, rows, results = body.contiguous(x), body.contiguous(weights), body.result(y)
        columns = None if g.is_plain else Columns(body, g, y.dtype)
        if columns is not None:
            columns.clear()
        with loops(w, (g.examples,)) as (i,):
            windows = _windows(_example(images, i), columns)
            _products(w, g, (rows, windows), _example(results, i), (g.outputs, g.points, g.depth))
        w.wrote(results.buffer)

    return _unit(node, g, write)


def _conv_input(body: Body, node: Node) -> Unit | None:
    (z, weights), (x,) = node.inputs, node.outputs
    params = {name: value for name, value in node.params.items() if name != "spatial"}
    g = geometry(x.shape, weights.shape, z.shape, **params)

    def write() -> None:
        if is_direct(g) and not body.lowering.masks:
            write_conv_input(body, g, (z, weights, x))
            return
        w = body.lowering.writer
        bars, rows, results = body.contiguous(z), body.contiguous(weights), body.result(x)
        columns = None if g.is_plain else Columns(body, g, x.dtype)
        with loops(w, (g.examples,)) as (i,):
            image = _example(results, i)
            windows = image if columns is None else columns.memory
            sizes = g.depth, g.points, g.outputs
            _products(w, g, (rows, _example(bars, i)), windows, sizes, turned=(True, False))
            if columns is not None:
                w.wrote(windows.buffer)
                fill(w, image, math.prod(x.shape[1:]))
                columns.add_to(image)
        w.wrote(results.buffer)

    return _unit(node, g, write)


def _conv_weight(body: Body, node: Node) -> Unit | None:
    (x, z), (weights,) = node.inputs, node.outputs
    params = {name: value for name, value in node.params.items() if name != "kernel"}
    g = geometry(x.shape, weights.shape, z.shape, **params)

    def write() -> None:
        if is_direct(g) and not body.lowering.masks:
            write_conv_weight(body, g, (x, z, weights))
            return
        w = body.lowering.writer
        images, bars, result = body.contiguous(x), body.contiguous(z), body.result(weights)
        columns = None if g.is_plain else Columns(body, g, weights.dtype)
        if columns is not None:
            columns.clear()
        fill(w, result, math.prod(weights.shape))
        with loops(w, (g.examples,)) as (i,):
            windows = _windows(_example(images, i), columns)
            sizes = g.outputs, g.depth, g.points
            _products(w, g, (_example(bars, i), windows), result, sizes, turned=(False, True), beta=1.0)
        w.wrote(result.buffer)

    return _unit(node, g, write)


def _windows(image: Memory, columns: Columns | None) -> Memory:
    """Return the windows of an image: copied, where they are not the image itself."""
    if columns is None:
        return image
    columns.take(image)
    return columns.memory


def _example(memory: Memory, i: Any) -> Memory:
    """Return the memory of one example."""
    return Memory(memory.buffer, memory.offset + i * memory.strides[0], memory.strides[1:])


CONVOLUTIONS: dict[Primitive | type, Callable[[Body, Node], Unit | None]] = {
    conv_: _conv,
    conv_input_: _conv_input,
    conv_weight_: _conv_weight,
}
