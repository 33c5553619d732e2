"""compare: every way to take a derivative, measured side by side.

Errors are measured against arithmetic of 50 digits where the function's operations have values there
(`methods/reference.py`). Times are taken in turns, memory and calls apart from times.

References
----------
A. Griewank and A. Walther, Evaluating Derivatives, 2nd edition (2008), chapter 3: the cost of a tangent is 2 to 5/2, of
a gradient 3 to 4 times that of the function. A. G. Baydin et al., Journal of Machine Learning Research 18 (2018),
section 3: a Jacobian costs n c ops(f) by forward mode and m c ops(f) by reverse mode, with c < 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from wengert.api.arguments import ArgNums
from wengert.errors import ArgumentError, WengertError, check_callable
from wengert.explain.candidates import Candidate, candidates, operations
from wengert.explain.comparison import Bound, Comparison, Row
from wengert.explain.measuring import Timing, once, peak_bytes, side_by_side
from wengert.explain.problem import Problem, posed
from wengert.explain.symbolic_candidates import symbolic_candidates
from wengert.explain.units import seconds_text
from wengert.jit import jit
from wengert.methods.error_curve import ErrorCurve, error_curve
from wengert.methods.reference import Reference, graph_at, reference

__all__ = ["compare"]

_EXAMINING = 0.5  # of the work, about, before times are taken
_CURVE = 16  # inputs, of which the error of differences is drawn against the step


def compare(
    fun: Callable[..., Any],
    *args: Any,
    manual: Callable[..., Any] | None = None,
    argnums: ArgNums | None = None,
    seconds: float = 2.0,
    progress: Callable[[str, float], None] | None = None,
) -> Comparison:
    """Take a derivative in every way there is, and measure errors, times, memory and operations.

    Parameters
    ----------
    fun : callable
        Function of real numbers, arrays, or containers of them, with one real number or array as result.
    *args
        Its arguments: the point.
    manual : callable, optional
        A derivative by hand: of the same arguments, with the gradient or Jacobian as `grad` and `jacobian` return it.
    argnums : int or tuple of int, optional
        Which arguments to differentiate by; by default all that are floating-point.
    seconds : float
        About how long to measure times. A way whose one call would take longer is left out, and the report says so.
    progress : callable, optional
        Called now and then with what is measured next, and the share of the work that is done; never within a sample.

    Returns
    -------
    Comparison
        Prints as a table; `save("report.html")` writes it with plots, `to_dict()` has the numbers.

    Raises
    ------
    ArgumentError, NotDifferentiableError
        If there is nothing to differentiate by, or the result is not one real number or array.

    Notes
    -----
    Every number is measured, on this machine, now. An interrupt from the keyboard ends the measurement, and what was
    measured until then is reported.

    Examples
    --------
    >>> import wengert as wg
    >>> def f(x1, x2):
    ...     return np.log(x1) + x1 * x2 - np.sin(x2)
    >>> report = wg.compare(f, 2.0, 5.0, seconds=0.1)
    >>> report.row("reverse mode").error < 1e-15 < report.row("forward difference").error
    True
    """
    check_callable(fun, "compare")
    if not seconds > 0:
        raise ArgumentError(f"compare: seconds={seconds!r}", instead="a positive number")
    with np.errstate(all="ignore"):
        problem = posed(fun, args, argnums, "compare")
        return _Measurement(problem, manual, seconds, progress or _silent).report()


class _Measurement:
    """Measures the ways to take one derivative."""

    def __init__(
        self,
        problem: Problem,
        manual: Callable[..., Any] | None,
        seconds: float,
        progress: Callable[[str, float], None],
    ) -> None:
        self._problem, self._seconds, self._progress = problem, seconds, progress
        self._calls = 0
        counted = replace(problem, fun=self._counted)
        self._ways = [*candidates(problem, manual), *symbolic_candidates(problem)]
        self._counting = {way.name: way for way in candidates(counted, manual)}
        function = partial(problem.fun, *problem.args)
        graph = partial(graph_at, problem.of_leaves, problem.leaves)
        jitted = jit(problem.of_leaves)
        leaves = problem.leaves
        self._own = Candidate("f", "function", function, partial(problem.matrix, who="f"), 1, graph)
        self._own_compiled = Candidate(
            "f, compiled",
            "function",
            lambda: jitted(*leaves),
            partial(problem.matrix, who="f"),
            1,
            lambda: jitted.graph(*leaves),
            lambda: jitted.memory(*leaves),
        )
        self._interrupted = False

    def _counted(self, *args: Any) -> Any:
        self._calls += 1
        return self._problem.fun(*args)

    def report(self) -> Comparison:
        """Measure everything."""
        problem = self._problem
        self._progress("reference", 0.0)
        truth = reference(problem.of_leaves, problem.leaves, seconds=self._seconds)
        took = once(self._own.call)[1]
        rows: dict[str, Row] = {}
        try:
            for k, way in enumerate(self._ways):
                self._progress(way.name, (k + 1) / (len(self._ways) + 1) * _EXAMINING)
                rows[way.name] = self._examined(way, truth, took)
        except KeyboardInterrupt:
            self._interrupted = True
        primal, compiled = (self._function(way, truth) for way in (self._own, self._own_compiled))
        timings = self._times(rows)
        rows = {name: _with(row, timings.get(name)) for name, row in rows.items()}
        primal, compiled = _with(primal, timings.get("f")), _with(compiled, timings.get("f, compiled"))
        return Comparison(
            problem.name,
            problem.n,
            problem.m,
            primal,
            compiled,
            tuple(rows.values()),
            tuple(_bounds(problem, primal, compiled, rows.values())),
            _described(truth),
            self._interrupted,
            self._curve(took),
        )

    def _curve(self, took: float) -> ErrorCurve | None:
        """Return the error of differences against the step, where that is little work."""
        problem = self._problem
        if problem.n > _CURVE or problem.n * took > self._seconds / 4000 or self._interrupted:
            return None
        ends = np.cumsum([np.size(x) for x in problem.leaves])

        def of_vector(x: Any) -> Any:
            parts = [
                np.reshape(x[end - np.size(a) : end], np.shape(a))
                for a, end in zip(problem.leaves, ends, strict=True)
            ]
            return problem.of_leaves(*parts)

        try:
            return error_curve(of_vector, np.concatenate([np.ravel(x) for x in problem.leaves]))
        except (ArithmeticError, TypeError, ValueError, RuntimeError, WengertError):
            return None

    def _function(self, way: Candidate, truth: Reference) -> Row:
        """Return a row of the function itself."""
        first = once(way.call)[1]
        return Row(
            name=way.name,
            group="function",
            error=truth.value_error if way is self._own else float("nan"),
            first=first,
            peak=peak_bytes(way.call) + _arena(way),
            operations=operations(way.program),
        )

    def _examined(self, way: Candidate, truth: Reference, took: float) -> Row:
        """Return all of a row but its time: the error, and what is counted."""
        row = Row(name=way.name, group=way.group, note=way.note)
        if way.missing:
            return replace(row, note=way.missing)
        if way.cost * took > self._seconds:
            return replace(row, note=f"left out: a call would take {seconds_text(way.cost * took)} or more.")
        try:
            y, first = once(way.call)
            error = truth.error(way.matrix(y))
        except (ArithmeticError, TypeError, ValueError, RuntimeError, WengertError) as why:
            if way.group == "by hand":
                raise
            return replace(row, note=f"fails: {getattr(why, 'what', None) or why}")
        if first > self._seconds and once(way.call)[1] > self._seconds:
            return replace(row, error=error, seconds=first, samples=1, first=first, note="timed once.")
        return replace(
            row,
            error=0.0 if error < 1e-30 else error,
            first=first,
            calls=self._counted_calls(way),
            peak=peak_bytes(way.call) + _arena(way),
            operations=operations(way.program),
            expression=None if way.expression is None else way.expression(),
            note=way.note or _remark(way, first, error),
        )

    def _counted_calls(self, way: Candidate) -> int | None:
        """Return how often a call evaluates the function, after the first."""
        if way.evaluations is not None:
            return way.evaluations()
        counting = self._counting.get(way.name)
        if way.group == "by hand" or counting is None:
            return 0
        self._calls = 0
        counting.call()
        return self._calls

    def _times(self, rows: dict[str, Row]) -> dict[str, Timing]:
        """Take all times in turns, those of the function first."""
        calls = {"f": self._own.call, "f, compiled": self._own_compiled.call}
        for way in self._ways:
            row = rows.get(way.name)
            if row is not None and row.error == row.error and not row.samples:
                calls[way.name] = way.call
        timings = side_by_side(
            calls, self._seconds, lambda done: self._progress("times", _EXAMINING + (1 - _EXAMINING) * done)
        )
        self._interrupted |= len(timings) < len(calls)
        return timings


# helpers


def _silent(what: str, done: float) -> None:
    """Tell nobody."""


def _with(row: Row, timing: Timing | None) -> Row:
    if timing is None:
        return row
    return replace(row, seconds=timing.seconds, spread=timing.spread, samples=timing.samples)


def _bounds(problem: Problem, primal: Row, compiled: Row, rows: Iterable[Row]) -> Iterator[Bound]:
    """Yield the cost of either mode in units of the function's own and of the sweeps it takes."""
    for row in rows:
        if row.group not in {"forward", "reverse", "compiled"} or not row.samples:
            continue
        sweeps = problem.n if row.name.startswith("forward") else problem.m
        own = compiled if row.group == "compiled" else primal
        counted = row.operations / own.operations if row.operations and own.operations else float("nan")
        yield Bound(row.name, sweeps, counted / sweeps, row.seconds / own.seconds / sweeps)


def _arena(way: Candidate) -> int:
    """Return the bytes that native code works in, which Python's count does not see."""
    if way.arena is None:
        return 0
    try:
        return int(way.arena())
    except WengertError:
        return 0


def _remark(way: Candidate, first: float, error: float) -> str:
    if way.group == "compiled":
        return f"the first call took {seconds_text(first)}, for staging and compilation."
    if way.group == "symbolic":
        return f"the first call took {seconds_text(first)}, with the derivation."
    if way.name == "complex step" and error > 1e-6:
        return "wrong here: the function is not analytic, or loses the imaginary part."
    return ""


def _described(truth: Reference) -> dict[str, Any]:
    names = {
        "complex step": "the complex step",
        "richardson": "Richardson's extrapolation of central differences",
    }
    return {
        "method": f"arithmetic of {truth.method}"
        if not truth.reason
        else names.get(truth.method, truth.method),
        "reason": truth.reason,
        "columns": len(truth.columns),
        "estimate": truth.estimate,
        "kinks": list(truth.kinks),
    }
