"""Solutions of one initial value problem as functions of t0, t1, the times looked at, y0, and the parameters.

Discrete      steps of an explicit Runge-Kutta method, taken again in compiled loops
Stepwise      the same, one by one, for a right-hand side that asks for values
Continuous    an operation with sensitivities and adjoint of its own
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.integrate
import scipy.optimize

from wengert.api.constants import no_grad
from wengert.core.dispatch import Traced
from wengert.core.views import is_open, root
from wengert.errors import ArgumentError, NotConcreteError
from wengert.scipy.integrate.deferred import Deferred, deferred_
from wengert.scipy.integrate.parameters import in_order
from wengert.scipy.integrate.right_side import UserFunction
from wengert.scipy.integrate.runge_kutta import Taken, interpolated, retaken, retaken_eagerly
from wengert.scipy.integrate.sensitivity import initial_value_
from wengert.scipy.integrate.step_control import chosen
from wengert.scipy.integrate.system import System, require_finite, require_solved
from wengert.types import ArrayType

__all__ = ["Continuous", "Discrete", "OdeResult", "Solution", "Stepwise", "require_times"]

_FINISHED = "The solver successfully reached the end of the integration interval."
_EXTRA_STAGES = 3  # of DOP853, for each step within which a state is asked for


class OdeResult(scipy.optimize.OptimizeResult):  # type: ignore[misc]  # SciPy has no types
    """What solve_ivp returns where something is traced: SciPy's attributes."""


class Found(NamedTuple):
    """States at times, in columns, and how often the solver did what (nfev, njev, nlu)."""

    t: Any
    y: Any
    counts: Any


class Solution:
    """The solution of a problem.

    Parameters
    ----------
    ps : sequence
        Values of the parameters.
    size : int
        Entries of the state.
    """

    def __init__(self, ps: Sequence[Any], size: int) -> None:
        self.ps = list(ps)
        self.size = size

    def found(self, t0: Any, t1: Any, times: Any, y0: Any, ps: Sequence[Any]) -> Found:
        """Solve, where the numbers under tracers may be looked at."""
        raise NotImplementedError

    def at(self, t0: Any, t1: Any, times: Any, y0: Any) -> Found:
        """Solve; in graphs and batches when the numbers are known."""
        xs = [t0, t1, y0, *self.ps] if times is None else [t0, t1, times, y0, *self.ps]
        if not any(is_open(x) for x in xs):
            return self.found(t0, t1, times, in_order(y0), list(map(in_order, self.ps)))
        if times is None:
            raise ArgumentError(
                "solve_ivp was called without t_eval in a graph or batch",
                why="how many steps a solver takes depends on values, so that the shape of the solution is not known.",
                instead="give t_eval: np.linspace(t0, t1, n), or np.array([t1]) for the end alone.",
            )
        types = [
            ArrayType((self.size, *np.shape(times)), np.dtype(float)),
            ArrayType((3,), np.dtype(np.int64)),
        ]

        def fun(t0: Any, t1: Any, times: Any, y0: Any, *ps: Any) -> Any:
            return self.found(t0, t1, times, in_order(y0), list(map(in_order, ps)))[1:]

        function = Deferred(fun, types, "solve_ivp")
        return Found(times, *deferred_(*xs, function=function))

    def result(self, t0: Any, t1: Any, times: Any, y0: Any) -> OdeResult:
        """Solve, and return what SciPy does."""
        t, y, (nfev, njev, nlu) = self.at(t0, t1, times, y0)
        return OdeResult(
            t=t,
            y=y,
            sol=self.interpolant(t0, t1, y0),
            t_events=None,
            y_events=None,
            nfev=_as_count(nfev),
            njev=_as_count(njev),
            nlu=_as_count(nlu),
            status=0,
            message=_FINISHED,
            success=True,
        )

    def interpolant(self, t0: Any, t1: Any, y0: Any) -> Callable[[Any], Any]:
        """Return the solution as a function of time, which solves again for the times that it is asked for."""

        def sol(t: Any) -> Any:
            times = np.reshape(t, (-1,))
            _require_within(t0, t1, times)
            return np.reshape(self.at(t0, t1, times, y0).y, (self.size, *np.shape(t)))

        return sol


def _as_count(x: Any) -> Any:
    return x if isinstance(x, Traced) else int(x)


def _require_within(t0: Any, t1: Any, times: Any) -> None:
    if any(is_open(x) for x in (t0, t1, times)):
        return
    low, high = sorted((float(root(t0)), float(root(t1))))
    if np.any(root(times) < low) or np.any(root(times) > high):
        raise ArgumentError(
            f"the solution was asked for outside of t_span, from {low:.6g} to {high:.6g}",
            why="it was integrated within.",
            instead="give a longer t_span.",
        )


def require_times(t0: Any, t1: Any, times: Any) -> None:
    """Raise unless times lie within a span, in order.

    Raises
    ------
    ArgumentError
    """
    if np.ndim(times) != 1:
        raise ArgumentError(
            f"t_eval has shape {np.shape(times)}",
            why="it is a list of times.",
            instead="give an array of one axis.",
        )
    _require_within(t0, t1, times)
    if any(is_open(x) for x in (t0, t1, times)):
        return
    if np.any(np.diff(root(times)) * np.sign(root(t1) - root(t0)) <= 0):
        raise ArgumentError(
            "the times in t_eval are not in order",
            why="SciPy's solvers pass them one after another.",
            instead="sort them from t0 to t1, each once; dense_output=True gives a function of any times.",
        )


# Steps that are taken again -------------------------------------------------------------------------------------------


class _Steps(NamedTuple):
    """Times at which the steps of SciPy's solver end, the first of which is t0, and its counts."""

    times: Any
    counts: tuple[int, int, int]


def _chosen(solver: Any, name: str) -> _Steps:
    """Let a solver go to the end."""
    times = [solver.t]
    while solver.status == "running":
        message = solver.step()
        require_solved(-1 if solver.status == "failed" else 0, str(message), solver.t, name)
        times.append(solver.t)
    return _Steps(np.array(times, float), (solver.nfev, solver.njev, solver.nlu))


class _Retaken(Solution):
    """A solution by an explicit Runge-Kutta method."""

    method: Any

    def steps(self, t0: Any, t1: Any, y0: Any, ps: Sequence[Any]) -> _Steps:
        """Return the steps that SciPy's solver chooses, for plain values."""
        raise NotImplementedError

    def taken(self, starts: Any, lengths: Any, y0: Any, ps: Sequence[Any], *, dense: bool) -> Taken:
        """Take steps again."""
        raise NotImplementedError

    def found(self, t0: Any, t1: Any, times: Any, y0: Any, ps: Sequence[Any]) -> Found:
        """Solve; the derivative is that of these steps."""
        ends, counts = self.steps(root(t0), root(t1), root(y0), list(map(root, ps)))
        starts, lengths = ends[:-1], np.diff(ends)
        if isinstance(t0, Traced):
            starts = starts + (t0 - root(t0))
        if isinstance(t0, Traced) or isinstance(t1, Traced):
            lengths = np.concatenate([lengths[:-1], np.reshape(t1 - starts[-1], (1,))])
        taken = self.taken(starts, lengths, y0, ps, dense=times is not None)
        if times is None:
            t = np.concatenate([starts, np.reshape(t1, (1,))])
            return Found(t, np.transpose(np.concatenate([taken.states, taken.last[None]])), counts)
        sign = 1.0 if ends[-1] >= ends[0] else -1.0
        places = np.minimum(np.searchsorted(sign * ends[1:], sign * root(times)), len(starts) - 1)
        if self.method is scipy.integrate.DOP853:
            counts = (counts[0] + _EXTRA_STAGES * len(np.unique(places)), *counts[1:])
        return Found(times, interpolated(self.method, taken, places, times), counts)


class Discrete(_Retaken):
    """A solution by an explicit Runge-Kutta method with a staged right-hand side; it remembers the latest steps."""

    def __init__(self, system: System, ps: Sequence[Any]) -> None:
        super().__init__(ps, system.right.size)
        self._system = system
        self.method = system.method
        self._latest: tuple[list[Any], _Steps] | None = None

    def steps(self, t0: Any, t1: Any, y0: Any, ps: Sequence[Any]) -> _Steps:
        """Return the steps that SciPy's solver chooses."""
        xs, latest = [t0, t1, y0, *ps], self._latest
        if latest is not None and all(map(np.array_equal, latest[0], xs)):
            return latest[1]
        system = self._system
        solver = system.solver(t0, y0, t1, ps)
        ours = chosen(system.right, solver, ps)
        found = _chosen(solver, system.name) if ours is None else _Steps(ours[0], (ours[1], 0, 0))
        self._latest = [np.copy(x) for x in xs], found
        return found

    def taken(self, starts: Any, lengths: Any, y0: Any, ps: Sequence[Any], *, dense: bool) -> Taken:
        """Take steps again."""
        return retaken(self._system.right, self.method, starts, lengths, y0, ps, dense=dense)


class Stepwise(_Retaken):
    """A solution by an explicit Runge-Kutta method with a right-hand side that asks for values."""

    def __init__(
        self, function: UserFunction, method: Any, options: dict[str, Any], refusal: NotConcreteError
    ) -> None:
        super().__init__(function.parameters, function.size)
        self._function, self.method, self._options, self._refusal = function, method, options, refusal

    def steps(self, t0: Any, t1: Any, y0: Any, ps: Sequence[Any]) -> _Steps:
        """Return the steps that SciPy's solver chooses."""

        def f(t: Any, y: Any) -> Any:
            y_dot = self._function(np.float64(t), y, *ps)
            if is_open(y_dot):  # it closes over values of a batch or a graph
                raise self._refusal
            return root(y_dot)

        with no_grad():
            require_finite(f(t0, y0), t0, self._function.name)
            return _chosen(self.method(f, float(t0), y0, float(t1), **self._options), self._function.name)

    def taken(self, starts: Any, lengths: Any, y0: Any, ps: Sequence[Any], *, dense: bool) -> Taken:
        """Take steps again."""
        return retaken_eagerly(
            lambda t, y: self._function(t, y, *ps), self.method, starts, lengths, y0, dense=dense
        )


# Differential equations for derivatives ------------------------------------------------------------------------------


class Continuous(Solution):
    """A solution whose derivatives solve differential equations."""

    def __init__(self, system: System, ps: Sequence[Any]) -> None:
        super().__init__(ps, system.right.size)
        self._system = system

    def found(self, t0: Any, t1: Any, times: Any, y0: Any, ps: Sequence[Any]) -> Found:
        """Solve; the derivatives are solutions too."""
        system = self._system
        if times is None:
            result = system.solved(root(t0), root(t1), None, root(y0), list(map(root, ps)))
            inner = result.t[1:-1]
            times = np.concatenate([np.reshape(t0, (1,)), inner, np.reshape(t1, (1,))])
        y = initial_value_(t0, t1, times, y0, *ps, system=system)
        return Found(times, y, tuple(system.counts))
