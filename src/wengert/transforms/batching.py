"""Batching: one run of a function of single examples computes many of them.

A batched tracer's value has the batch axis in front; the axes that the program sees are those behind it. A
primitive's `batch` rule works on all examples at once; one without is run example by example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Interpreter, Traced, bind
from wengert.core.numpy_protocol import replace_traced
from wengert.core.tracer import Tracer
from wengert.core.views import axes_in_memory, base_of
from wengert.errors import NotConcreteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.core.primitive import Primitive

__all__ = ["Batch", "Batched", "batch"]


class Batched(Tracer):
    """A tracer whose value carries a batch axis in front."""

    __slots__ = ()

    @Tracer.shape.getter  # type: ignore[attr-defined,untyped-decorator]  # inherited setters
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes of one example."""
        return self.value.shape[1:]  # type: ignore[no-any-return]


class Batch(Interpreter):
    """Carries a batch of `size` examples through every operation."""

    __slots__ = ("size",)
    name = "vmap"

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def lift(self, x: Any, axis: int) -> Batched:
        """Return an input whose examples lie along an axis."""
        return Batched(self, x if axis == 0 else np.moveaxis(x, axis, 0), None)

    def hold(self, value: Any) -> Batched:
        """Return a constant as a batch of equal examples."""
        x = Batched(self, _repeated(value, self.size), None)
        if not x.ndim:
            base_of(x)  # an array of no axes, which a batch of scalars is not
        return x

    def lower(self, y: Any, axis: int | None) -> Any:
        """Return an output with its examples along an axis; equal examples are repeated."""
        if axis is None:
            return y
        value = y.value if self.owns(y) else np.repeat(np.expand_dims(y, 0), self.size, axis=0)
        return value if axis == 0 else np.moveaxis(value, 0, axis)

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Run the batch rule, or the examples one by one."""
        if not self.direct:
            prim = self.consider(prim) or prim
        batched = tuple([self.owns(x) for x in xs])
        values = [x.value if own else x for x, own in zip(xs, batched, strict=True)]
        if prim.batch is not None:
            y = prim.batch(self.size, values, batched, **params)
        else:
            y = self._loop(prim, values, batched, params)
        return tuple([Batched(self, v, None) for v in y]) if prim.multiple else Batched(self, y, None)

    def _loop(
        self, prim: Primitive, values: Sequence[Any], batched: Sequence[bool], params: dict[str, Any]
    ) -> Any:
        def example(i: int | None) -> Any:
            xs = [_entry(x, i) if own else x for x, own in zip(values, batched, strict=True)]
            return bind(prim, xs, params)

        if not self.size:
            return _no_examples(example(None))
        ys = [example(i) for i in range(self.size)]
        return tuple([np.stack(part) for part in zip(*ys, strict=True)]) if prim.multiple else np.stack(ys)

    def constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Call the function on each example."""
        self.require_open()

        def example(i: int | None) -> Any:
            new_args, new_kwargs = replace_traced((args, kwargs), self, lambda x: _entry(x.value, i))
            return function(*new_args, **new_kwargs)

        if self.size:
            ys = [example(i) for i in range(self.size)]
            several = isinstance(ys[0], tuple)
            y = tuple([np.stack(part) for part in zip(*ys, strict=True)]) if several else np.stack(ys)
        else:
            y = _no_examples(example(None))
        return tuple([Batched(self, v, None) for v in y]) if isinstance(y, tuple) else Batched(self, y, None)

    def suspended(self) -> bool:
        """Say no: a batch is no derivative."""
        return False

    def truth(self, x: Traced) -> bool:
        """Raise: the examples may differ."""
        raise NotConcreteError(
            "Python asked for bool(x) of a value that differs from example to example under vmap",
            why="the examples may take different branches, but the function is run once for all of them.",
            instead="use np.where(condition, a, b), or write a loop over the examples.",
        )


def _repeated(value: Any, size: int) -> Any:
    """Return equal examples, each with memory of its own that is laid out as that of the one given."""
    axes = axes_in_memory(value)
    axes += set(range(np.ndim(value))).difference(axes)
    y = np.repeat(np.expand_dims(np.transpose(value, axes), 0), size, axis=0)
    return np.transpose(y, [0, *[1 + i for i in np.argsort(axes).tolist()]])


def _entry(x: Any, i: int | None) -> Any:
    """Return one example; of none, ones to find the shapes of results with."""
    return np.ones(x.shape[1:], x.dtype)[()] if i is None else x[i]


def _no_examples(y: Any) -> Any:
    """Return the results of no examples, in the shapes and dtypes of one."""
    if isinstance(y, tuple):
        return tuple([_no_examples(v) for v in y])
    return np.zeros((0, *np.shape(y)), np.result_type(y))


def batch(
    fun: Callable[..., Sequence[Any]], xs: Sequence[Any], axes: Sequence[int | None], size: int
) -> tuple[Batch, Sequence[Any]]:
    """Run a function of flat operands on a batch; return its interpreter, which lowers the results, and them."""
    interpreter = Batch(size)
    try:
        with interpreter:
            ys = fun(
                *[x if axis is None else interpreter.lift(x, axis) for x, axis in zip(xs, axes, strict=True)]
            )
    except BaseException:
        interpreter.abandon()
        raise
    return interpreter, ys
