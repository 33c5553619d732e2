"""scaling: how the cost of a derivative grows with the number of inputs, by every way to take it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from wengert.api.arguments import ArgNums
from wengert.errors import ArgumentError, WengertError, check_callable
from wengert.explain.candidates import Candidate, candidates, operations
from wengert.explain.measuring import once, side_by_side
from wengert.explain.problem import Problem, posed
from wengert.explain.scaling_report import Curve, Point, Scaling
from wengert.explain.symbolic_candidates import symbolic_candidates
from wengert.methods.reference import graph_at

__all__ = ["scaling"]

_COUNTED = 4096  # the longest input of which the operations of derivatives are counted


def scaling(
    family: Callable[[int], tuple[Callable[..., Any], Sequence[Any]]],
    ns: Iterable[int],
    *,
    methods: Sequence[str] | None = None,
    argnums: ArgNums | None = None,
    seconds: float = 1.0,
    progress: bool | None = None,
) -> Scaling:
    """Measure the time of a derivative against the number of inputs, by every way to take it.

    Parameters
    ----------
    family : callable
        From n to a pair: a function, and the tuple of its arguments.
    ns : iterable of int
        Sizes, for instance 10, 100, 1000.
    methods : sequence of str, optional
        Which ways, by the names that `compare` gives them; by default all.
    argnums : int or tuple of int, optional
        Which arguments to differentiate by; by default all that are floating-point.
    seconds : float
        About how long to measure at each size. A way whose one call would take longer is left out from there on.
    progress : bool, optional
        Whether to show how far it is; by default on a terminal.

    Returns
    -------
    Scaling
        Prints as a table with fitted exponents; `save("report.html")` writes it with plots.

    Raises
    ------
    ArgumentError
        For an unknown method, or sizes that are no positive numbers.

    Notes
    -----
    An interrupt from the keyboard ends the measurement, and what was measured until then is reported.

    Examples
    --------
    >>> import wengert as wg
    >>> def family(n):
    ...     return lambda x: np.sum(np.sin(x) * x), (np.linspace(0.0, 1.0, n),)
    >>> report = wg.scaling(family, [2, 8], methods=["central difference", "reverse mode"], seconds=0.02)
    >>> report.curve("central difference").works
    [4.0, 16.0]
    """
    check_callable(family, "scaling")
    sizes = sorted({int(n) for n in ns})
    if not sizes or sizes[0] < 1 or not seconds > 0:
        raise ArgumentError(
            f"scaling: sizes {sizes} and seconds={seconds!r}",
            instead="positive numbers, for instance [10, 100, 1000]",
        )
    return _Run(family, methods, argnums, seconds).over(sizes, progress)


class _Run:
    """Measures one size after another, without the ways that have become too slow."""

    def __init__(
        self,
        family: Callable[[int], Any],
        methods: Sequence[str] | None,
        argnums: ArgNums | None,
        seconds: float,
    ) -> None:
        self._family, self._methods, self._argnums, self._seconds = family, methods, argnums, seconds
        self._points: dict[str, list[Point]] = {}
        self._groups: dict[str, str] = {}
        self._stopped: dict[str, str] = {}
        self._name = "f"

    def over(self, sizes: Sequence[int], progress: bool | None) -> Scaling:
        """Measure all sizes, as far as the user waits."""
        console = Console(stderr=True, force_terminal=progress or None)
        hidden = not (console.is_terminal if progress is None else progress)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with (
            Progress(*columns, console=console, transient=True, disable=hidden) as bar,
            np.errstate(all="ignore"),
        ):
            task = bar.add_task("scaling", total=len(sizes))
            try:
                for n in sizes:
                    bar.update(task, description=f"n = {n}")
                    self.at(n)
                    bar.advance(task)
            except KeyboardInterrupt:
                return self.result(interrupted=True)
        return self.result(interrupted=False)

    def at(self, size: int) -> None:
        """Measure all ways at a size."""
        fun, args = self._family(size)
        problem = posed(fun, args, self._argnums, "scaling")
        self._name = problem.name
        ways = self._wanted(problem)
        own = partial(problem.fun, *problem.args)
        took = once(own)[1]
        usable = {way.name: way for way in ways if self._possible(way, problem, took)}
        timings = side_by_side({"f": own, **{name: way.call for name, way in usable.items()}}, self._seconds)
        count = (
            operations(partial(graph_at, problem.of_leaves, problem.leaves))
            if problem.n <= _COUNTED
            else None
        )
        for name, timing in timings.items():
            work = 1.0 if name == "f" else _work(usable[name], problem, count)
            self._points.setdefault(name, []).append(
                Point(problem.n, problem.m, timing.seconds, timing.spread, work)
            )
        if len(timings) <= len(usable):
            raise KeyboardInterrupt  # it came while times were taken, which kept what it had

    def result(self, *, interrupted: bool) -> Scaling:
        """Return what was measured."""
        curves = [
            Curve(name, self._groups.get(name, "function"), tuple(found))
            for name, found in self._points.items()
        ]
        own = [curve for curve in curves if curve.name == "f"]
        others = [curve for curve in curves if curve.name != "f"]
        if not own:
            raise KeyboardInterrupt  # there is nothing to report
        return Scaling(self._name, own[0], tuple(others), dict(self._stopped), interrupted)

    def _wanted(self, problem: Problem) -> list[Candidate]:
        ways = [*candidates(problem), *symbolic_candidates(problem)]
        names = [way.name for way in ways]
        unknown = [name for name in self._methods or () if name not in names]
        if unknown:
            raise ArgumentError(
                f"scaling: there is no method {unknown[0]!r}", instead="among " + ", ".join(names)
            )
        wanted = [way for way in ways if self._methods is None or way.name in self._methods]
        self._groups |= {way.name: way.group for way in wanted}
        return wanted

    def _possible(self, way: Candidate, problem: Problem, took: float) -> bool:
        """Say whether a way can be measured at a size, calling it once; keep why not."""
        if way.name in self._stopped:
            return False
        expected = max(way.cost * took, self._extrapolated(way.name, problem.n))
        reason = way.missing or (f"too slow from n = {problem.n}" if expected > self._seconds else "")
        if not reason:
            try:
                way.call()
            except (ArithmeticError, TypeError, ValueError, RuntimeError, WengertError) as why:
                reason = f"fails at n = {problem.n}: {getattr(why, 'what', None) or why}"
        if reason:
            self._stopped[way.name] = reason
        return not reason

    def _extrapolated(self, name: str, n: int) -> float:
        """Return the time that a way would take if it grew from the last size as fast as before."""
        found = self._points.get(name, [])
        if not found:
            return 0.0
        power = 0.0
        if len(found) > 1:
            a, b = found[-2:]
            power = max(0.0, np.log(b.seconds / a.seconds) / np.log(b.n / a.n)) if b.n != a.n else 0.0
        return float(found[-1].seconds * (n / found[-1].n) ** power)


# helpers


def _work(way: Candidate, problem: Problem, count: int | None) -> float:
    """Return the cost in units of the function's own, counted: evaluations of differences, operations of programs."""
    if way.group == "differences":
        return float(_evaluations(way, problem))
    found = operations(way.program) if count and problem.n <= _COUNTED else None
    return found / count if found and count else float("nan")


def _evaluations(way: Candidate, problem: Problem) -> int:
    """Count how often a difference evaluates the function."""
    calls = 0

    def counted(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        return problem.fun(*args)

    posed_again = Problem(counted, problem.args, problem.argnums, problem.leaves, problem.shape)
    next(other for other in candidates(posed_again) if other.name == way.name).call()
    return calls
