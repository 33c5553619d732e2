r"""Values and derivatives of graphs in arithmetic of many digits: the truth for methods in double precision.

`evaluate` runs a graph in mpmath's numbers. `derivative` takes central differences of it,

    [f(x + h v) - f(x - h v)] / 2h  =  J v + h^2/6 f'''(x)[v, v, v] + ...,

with h = 10^-d and 3 d digits of working precision: truncation and cancellation both leave 2 d digits of J v. No rule
of differentiation takes part, so an error in one cannot hide. Where the difference quotients on both sides disagree by
far more than h, the function has a kink at x, and no derivative.

mpmath is needed: ``pip install wengert[symbolic]``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.control.scan import Loop
from wengert.core.graph import Const, Graph, Node
from wengert.errors import ArgumentError, RuleMissingError
from wengert.methods.high_precision_rules import Rule, rules

__all__ = ["Column", "HighPrecision"]

# By how much, in units of the slopes, one-sided quotients may differ: they are h f'' apart if there is no kink.
_KINK = 1e-6


@dataclass(frozen=True, slots=True)
class Column:
    """The derivative of a graph's result along one direction.

    Attributes
    ----------
    value : array of mpmath's numbers
        J v, in the shape of the result.
    kink : bool
        Whether the one-sided derivatives differ.
    """

    value: Any
    kink: bool


class HighPrecision:
    """Evaluates one graph in numbers of many digits.

    Parameters
    ----------
    graph : Graph
    digits : int
        Of derivatives; values have three halves as many.
    limit : float, optional
        Seconds that one evaluation may take.

    Raises
    ------
    ArgumentError
        If mpmath is not installed.

    Examples
    --------
    >>> from wengert.api.staging import trace
    >>> exact = HighPrecision(trace(np.exp)(1.0), digits=30)
    >>> exact.mp.nstr(exact.derivative([1.0], [1.0]).value.item(), 30)
    '2.71828182845904523536028747135'
    """

    def __init__(self, graph: Graph, digits: int = 50, limit: float | None = None) -> None:
        self.graph, self.digits, self._limit = graph, digits, limit
        self.mp = _context(self._working_digits)
        self._rules = rules(self.mp)
        self._number = np.frompyfunc(self.mp.convert, 1, 1)
        self._deadline = np.inf

    @property
    def _half(self) -> int:
        return -(-self.digits // 2)

    @property
    def _working_digits(self) -> int:
        return 3 * self._half + 5

    def evaluate(self, xs: Sequence[Any]) -> list[Any]:
        """Return the results of the graph for flat operands: arrays of mpmath's numbers, of integers or truth values.

        Raises
        ------
        RuleMissingError
            If a primitive has no value in many digits.
        TimeoutError
            If it takes longer than the limit.
        """
        self._deadline = np.inf if self._limit is None else time.perf_counter() + self._limit
        return self._run(self.graph, [self._boxed(x) for x in xs])

    def derivative(self, xs: Sequence[Any], directions: Sequence[Any]) -> Column:
        """Return the derivative of the first result along a direction, given as one array for each operand."""
        mp = self.mp
        x, v = [self._boxed(a) for a in xs], [self._boxed(a) for a in directions]
        scale = self._scale(x, v)
        # A step that is small beside tiny entries of x cancels as many digits more.
        mp.dps = self._working_digits + max(0, int(-mp.log10(scale)))
        h = mp.power(10, -self._half) * scale
        right, left = self._slopes(x, v, h)
        kink = self._apart(right, left) > _KINK * max([abs(y) for y in (*right, *left)], default=mp.zero)
        if kink:  # or slopes of almost nothing: without a kink they come together as the step shrinks
            kink = self._apart(*self._slopes(x, v, 1000 * h)) < 30 * self._apart(right, left)
        return Column(np.reshape((right + left) / 2, self.graph.outputs[0].shape), bool(kink))

    def _slopes(self, x: Sequence[Any], v: Sequence[Any], h: Any) -> tuple[Any, Any]:
        """Return the difference quotients on both sides, flat."""
        above, here, below = (
            np.ravel(self.evaluate([a + np.asarray(c * h * b) for a, b in zip(x, v, strict=True)])[0])
            for c in (1, 0, -1)
        )
        return (above - here) / h, (here - below) / h

    def _apart(self, right: Any, left: Any) -> Any:
        return max([abs(y) for y in right - left], default=self.mp.zero)

    def along(self, xs: Sequence[Any], directions: Sequence[Any], order: int) -> Any:
        """Return the derivative of some order along a direction, to ten digits or so, as an array of doubles.

        By central differences sum_i (-1)^i binomial(k, i) f(x + (k/2 - i) h v) / h^k, whose error is of order h^2.
        """
        mp, k = self.mp, order
        x, v = [self._boxed(a) for a in xs], [self._boxed(a) for a in directions]
        scale = self._scale(x, v)
        mp.dps = self._working_digits + 8 * k + max(0, k * int(-mp.log10(scale)))
        h = mp.mpf("1e-6") * scale
        total: Any = 0
        for i in range(k + 1):
            at = (mp.mpf(k) / 2 - i) * h
            y = self.evaluate([a + np.asarray(at * b) for a, b in zip(x, v, strict=True)])[0]
            total = total + (-1) ** i * mp.binomial(k, i) * y
        return np.asarray(total / h**k).astype(float)

    def _scale(self, x: Sequence[Any], v: Sequence[Any]) -> Any:
        """Return the length on which x moves by its own size along v."""
        sizes = [abs(a) or self.mp.one for array in x for a in np.ravel(array)]
        speeds = [abs(a) for array in v for a in np.ravel(array)]
        lengths = [size / speed for size, speed in zip(sizes, speeds, strict=True) if speed]
        return min(lengths, default=self.mp.one)

    # Graphs ---------------------------------------------------------------------------------------------------------

    def _run(self, graph: Graph, xs: Sequence[Any]) -> list[Any]:
        values: dict[Any, Any] = dict(zip(graph.inputs, xs, strict=True))

        def value(atom: Any) -> Any:
            if isinstance(atom, Const) and atom not in values:
                values[atom] = self._boxed(atom.value)
            return values[atom]

        for node in graph.nodes:
            if time.perf_counter() > self._deadline:
                message = f"evaluating {graph.name} in {self.mp.dps} digits takes longer than {self._limit} s"
                raise TimeoutError(message)
            y = self._apply(node, [value(a) for a in node.inputs])
            ys = y if node.prim.multiple else (y,)
            values.update(zip(node.outputs, map(_array, ys), strict=True))
        return [value(a) for a in graph.outputs]

    def _apply(self, node: Node, xs: Sequence[Any]) -> Any:
        name = node.prim.name
        nested = getattr(self, f"_{name}", None) if name in {"scan", "while", "switch", "call"} else None
        rule: Rule | None = nested or self._rules.get(name)
        if rule is None or any(a.dtype.kind == "c" for a in node.inputs):
            raise RuleMissingError(
                f"primitive {name!r} has no value in many digits"
                + ("" if rule is None else " for complex operands"),
                instead="compare with the complex step or with extrapolated differences.",
            )
        return rule(*xs, **node.params)

    def _call(self, *xs: Any, graph: Graph, **_: Any) -> list[Any]:
        return self._run(graph, xs)

    def _switch(self, index: Any, *xs: Any, graphs: tuple[Graph, ...]) -> list[Any]:
        return self._run(graphs[min(max(int(index), 0), len(graphs) - 1)], xs)

    def _scan(self, *operands: Any, loop: Loop) -> list[Any]:
        consts, carry, slices = loop.parts(operands)
        steps: list[list[Any]] = []
        for k in range(loop.length)[:: -1 if loop.reverse else 1]:
            ys = self._run(loop.body, [*consts, *carry, *[_array(x[k]) for x in slices]])
            carry = ys[: loop.n_carry]
            steps.append(ys[loop.n_carry :])
        rows = list(zip(*steps[:: -1 if loop.reverse else 1], strict=True))
        return [*carry, *[np.stack(row) for row in rows]]

    def _while(self, *operands: Any, loop: Any) -> list[Any]:
        consts, carry = list(operands[: loop.n_consts]), list(operands[loop.n_consts :])
        while bool(np.any(self._run(loop.condition, [*consts, *carry])[0])):
            carry = self._run(loop.body, [*consts, *carry])
        return carry

    def _boxed(self, x: Any) -> Any:
        """Return numbers as mpmath's; integers and truth values as they are, since they index and choose."""
        x = np.asarray(x)
        return _array(self._number(x)) if x.dtype.kind in "fO" else x


# helpers


def _array(y: Any) -> Any:
    """Return a number in an array without axes, as every value is one."""
    return y if isinstance(y, np.ndarray) else np.array(y, dtype=object if _is_object(y) else None)


def _is_object(y: Any) -> bool:
    return not isinstance(y, np.generic | bool | int | float)


def _context(digits: int) -> Any:
    """Return arithmetic of a precision of its own, which no other user of mpmath can change."""
    try:
        import mpmath
    except ImportError:
        raise ArgumentError(
            "arithmetic of many digits needs mpmath, which is not installed",
            instead="pip install wengert[symbolic]",
        ) from None
    new: Callable[[], Any] = mpmath.MPContext
    mp = new()
    mp.dps = digits
    return mp
