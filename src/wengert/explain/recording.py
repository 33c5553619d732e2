"""A numbered record of what a function computes, and the two sweeps over it, by each primitive's own rules.

Inputs are the values v_(1-n) ... v_0, results of operations v_1, v_2, ... in the order they were computed
(Griewank and Walther, Evaluating Derivatives, 2nd edition (2008), section 2.2).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert.control.unrolling import here, is_loop, step_count, unrolled
from wengert.core.dispatch import NO_PARAMS, Interpreter, bind
from wengert.core.numpy_protocol import replace_traced
from wengert.core.primitive import LazyScatter, Site
from wengert.core.tracer import Tracer
from wengert.errors import RuleMissingError
from wengert.ops.indexing import add_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wengert.control.unrolling import Standing, Steps
    from wengert.core.dispatch import Traced
    from wengert.core.primitive import Primitive

__all__ = ["Contribution", "Loss", "Operation", "Recorder", "Recording"]

_PRESENT = Site(0, None, NO_PARAMS, (), None, None, ())  # a parent, so that the rule computes its cotangent


class Operation(NamedTuple):
    """One application of a primitive; operands and results are numbers of values, None for a constant.

    `standing` is where it was written, `steps` of a loop their number; `decisions` are the comparisons that made
    constant operands, None for others.
    """

    prim: Primitive
    params: dict[str, Any]
    xs: tuple[Any, ...]
    y: Any
    saved: Any
    operands: tuple[int | None, ...]
    results: tuple[int, ...]
    standing: Standing | None = None
    steps: int | None = None
    decisions: tuple[Operation | None, ...] = ()

    def site(self, active: frozenset[int]) -> Site:
        """Return the site for the primitive's `vjp` rule, where only active operands need a cotangent."""
        parents = tuple([_PRESENT if i in active else None for i in self.operands])
        return Site(0, self.prim, self.params, self.xs, self.y, self.saved, parents)


class Loss(NamedTuple):
    """A call of a function that has no derivative: its name, the numbers of its operands, its result, and where."""

    name: str
    operands: tuple[int, ...]
    y: Any
    standing: Standing


class Contribution(NamedTuple):
    """What one operand of an operation receives in the reverse sweep; without an operation, the seed of the output."""

    target: int
    operation: Operation | None
    position: int
    amount: Any
    total: Any


@dataclass(eq=False, slots=True)
class Recording:
    """Values by number, and the operations among them; the first `inputs` values are inputs.

    `decisions` are the comparisons, which have no number; `losses` the calls of functions without derivative.
    """

    inputs: int
    values: list[Any]
    operations: list[Operation] = field(default_factory=list)
    decisions: list[Operation] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    output: Any = None  # the value of the output
    output_index: int | None = None  # its number, None for a constant

    def maker(self, i: int) -> Operation:
        """Return the operation that made a value, which is no input."""
        return self.operations[bisect_right(self.operations, i, key=lambda made: made.results[0]) - 1]

    def active(self, chosen: Sequence[int]) -> frozenset[int]:
        """Return the numbers of values that depend on chosen inputs."""
        found = set(chosen)
        for operation in self.operations:
            if operation.prim.differentiable and any(i in found for i in operation.operands):
                found.update(operation.results)
        return frozenset(found)

    def tangents(self, seeds: dict[int, Any]) -> list[Any]:
        """Return the tangents of all values for those of some inputs, by forward mode; None is zero."""
        dots: list[Any] = [None] * len(self.values)
        for i, x_dot in seeds.items():
            dots[i] = x_dot
        for operation in self.operations:
            x_dots = [None if i is None else dots[i] for i in operation.operands]
            if not operation.prim.differentiable or all(x_dot is None for x_dot in x_dots):
                continue
            rule = _required(operation.prim, "jvp")
            _, y_dot = rule(operation.xs, x_dots, **operation.params)
            y_dots = (
                y_dot if operation.prim.multiple and y_dot is not None else (y_dot,) * len(operation.results)
            )
            for i, v_dot in zip(operation.results, y_dots, strict=True):
                dots[i] = v_dot
        return dots

    def adjoints(self, y_bar: Any, active: frozenset[int]) -> Iterator[Contribution]:
        """Yield the contributions to adjoints of active values, in the order of the reverse sweep."""
        if self.output_index not in active:
            return
        bars: dict[int, Any] = {self.output_index: y_bar}
        yield Contribution(self.output_index, None, 0, y_bar, y_bar)
        for operation in reversed(self.operations):
            y_bars = tuple([bars.get(i) for i in operation.results])
            if not operation.prim.differentiable or all(v_bar is None for v_bar in y_bars):
                continue
            x_bars = _required(operation.prim, "vjp")(
                y_bars if operation.prim.multiple else y_bars[0], operation.site(active), **operation.params
            )
            for position, (i, x_bar) in enumerate(zip(operation.operands, x_bars, strict=True)):
                if i not in active or x_bar is None:
                    continue
                amount = _dense(x_bar, operation.xs[position])
                bars[i] = amount if i not in bars else bars[i] + amount
                yield Contribution(i, operation, position, amount, bars[i])


class Recorder(Interpreter):
    """Numbers every value that its tracers produce.

    Branches and calls of compiled functions are seen as the operations that they do, and so are the wanted steps of
    loops.
    """

    __slots__ = ("_made_by", "_steps", "made")
    name = "evaluation trace"

    def __init__(self, inputs: Sequence[Any], steps: Steps | None = None) -> None:
        super().__init__()
        self.made = Recording(len(inputs), list(inputs))
        self._steps = steps
        self._made_by: dict[int, tuple[Any, Operation]] = {}  # comparisons, by the arrays that they gave

    def lift(self, i: int) -> Tracer:
        """Return an input as a tracer; a tracer's `info` is its number."""
        return Tracer(self, self.made.values[i], i)

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Evaluate a primitive, and number its results."""
        if not self.direct:
            seen = self.consider(prim)
            if seen is None:
                return self.unrecorded(prim, xs, params)
            prim = seen
        if not is_loop(params):
            inside = unrolled(prim, xs, params)
        elif self._steps is not None:
            inside = unrolled(prim, xs, params, self._steps, self._applied)
        else:
            inside = None
        return self._applied(prim, xs, params) if inside is None else inside

    def _applied(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Evaluate a primitive as one operation."""
        operands = tuple([x.info if self.owns(x) else None for x in xs])
        values = tuple([x.value if self.owns(x) else x for x in xs])
        y, saved = prim.save(*values, **params) if prim.save else (bind(prim, values, params), None)
        first = len(self.made.values)
        decided = not prim.differentiable and not _is_float(y)
        ys = () if decided else y if prim.multiple else (y,)
        results = tuple(range(first, first + len(ys)))
        made = self._operation(prim, params, values, y, saved, operands, results)
        if decided:
            self.made.decisions.append(made)
            if isinstance(y, np.ndarray):
                self._made_by[id(y)] = y, made
            return y  # an index or a condition: plain, so that the program can use it as such
        self.made.values += ys
        self.made.operations.append(made)
        tracers = tuple([Tracer(self, v, i) for v, i in zip(ys, results, strict=True)])
        return tracers if prim.multiple else tracers[0]

    def _operation(
        self,
        prim: Primitive,
        params: dict[str, Any],
        values: tuple[Any, ...],
        y: Any,
        saved: Any,
        operands: tuple[int | None, ...],
        results: tuple[int, ...],
    ) -> Operation:
        steps = step_count(prim, values, params) if prim.name in ("scan", "while") else None
        known = [self._made_by.get(id(x)) for x in values]
        decisions = tuple([None if found is None else found[1] for found in known])
        return Operation(prim, params, values, y, saved, operands, results, here(), steps, decisions)

    def constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Call a function on plain values: its result is a constant."""
        self.require_open()
        seen: list[int] = []

        def plain(x: Traced) -> Any:
            seen.append(x.info)
            return x.value

        args, kwargs = replace_traced((args, kwargs), self, plain)
        y = function(*args, **kwargs)
        self.made.losses.append(Loss(getattr(function, "__name__", "a function"), tuple(seen), y, here()))
        return y

    def finish(self, y: Any) -> Recording:
        """Return the recording, with its output."""
        owned = self.owns(y)
        self.made.output = y.value if owned else y
        self.made.output_index = y.info if owned else None
        return self.made


# helpers


def _required(prim: Primitive, rule: str) -> Callable[..., Any]:
    """Return a rule of a primitive, or raise if it has none."""
    found: Callable[..., Any] | None = getattr(prim, rule)
    if found is None:
        raise RuleMissingError(
            f"primitive {prim.name!r} has no {rule} rule", instead=f"give its record a {rule} rule."
        )
    return found


def _is_float(y: Any) -> bool:
    return not isinstance(y, tuple) and y.dtype.kind in "fc"


def _dense(x_bar: Any, x: Any) -> Any:
    """Return a cotangent as an array, where an indexing rule gave only its entries."""
    if not isinstance(x_bar, LazyScatter):
        return x_bar
    dense = np.zeros(np.shape(x), x.dtype)
    add_at(dense, x_bar.index, x_bar.piece)
    return dense
