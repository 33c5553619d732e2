"""Events: times at which a function of time and state is zero along a solution, as functions of all that decides on it.

SciPy finds the times t* of g(t, y(t)) = 0. They depend on the parameters by the implicit function theorem,

    dt*/dp = -(g_p + g_y y_p) / (g_t + g_y f),

which one step of Newton's method from the root, kept constant, has as its derivative; k steps have the derivatives of
up to order 2^k - 1, as the error squares in each. So as many are taken as the nesting of derivatives asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.integrate

from wengert import tree
from wengert.api.constants import no_grad
from wengert.api.products import jvp
from wengert.core.dispatch import Traced
from wengert.core.views import is_open, root
from wengert.errors import NotDifferentiableError, RefusedError
from wengert.scipy.integrate.right_side import UserFunction
from wengert.scipy.integrate.solution import OdeResult, Solution
from wengert.scipy.integrate.system import require_finite, require_solved

__all__ = ["Events", "marked"]


def marked(value: Any, event: Any) -> Callable[..., Any]:
    """Return a function with the marks by which SciPy knows what an event does."""
    value.__dict__.update(
        {name: getattr(event, name) for name in ("terminal", "direction") if hasattr(event, name)}
    )
    return value  # type: ignore[no-any-return]


def _nesting(xs: Sequence[Any]) -> int:
    """Return how many derivatives are nested around values."""

    def depth(x: Any) -> int:
        return 1 + depth(x.value) if isinstance(x, Traced) else 0

    return max(map(depth, xs), default=0)


class Events:
    """The events of a call.

    Parameters
    ----------
    events : callable or sequence of these
        (t, y, *args) -> number, with SciPy's attributes `terminal` and `direction`.
    args : tuple
        As given, traced or not.
    function : UserFunction
        The right-hand side.
    """

    def __init__(self, events: Any, args: Any, function: UserFunction) -> None:
        self._events = [events] if callable(events) else list(events)
        self._args = args
        self._function = function

    def result(
        self, solution: Solution, solver: tuple[str, dict[str, Any]], t0: Any, t1: Any, times: Any, y0: Any
    ) -> OdeResult:
        """Return what SciPy does, differentiable."""
        seen = [x for x in (t0, t1, times, y0, *solution.ps) if x is not None]
        if any(map(is_open, [*seen, *tree.flatten(self._args)[0]])):
            raise RefusedError(
                "solve_ivp was called with events in a graph or batch",
                why="how many events there are depends on values, so that the shape of the result is not known.",
                instead="leave the events out, or the call outside of jit and vmap.",
            )
        found = self._found(solver, root(t0), root(t1), root(times), root(y0))
        if found.status == 1:
            t1 = np.float64(found.sol.interpolants[-1].t)  # the end of a step: what follows may not exist
        nesting = _nesting([*seen, *self._at(t0, y0)])  # of what events close over, too
        roots = self._roots(solution, found.t_events, (t0, t1, y0), nesting)
        grid = self._grid(found, t0, t1, times, roots)
        m = len(found.t)
        y = solution.at(t0, t1, np.concatenate([grid, *roots]), y0).y
        ends = np.cumsum([m, *map(len, found.t_events)])
        pieces = [np.transpose(y[:, i:j]) for i, j in pairwise(ends)]
        result = OdeResult(
            {**found, "t": grid, "y": y[:, :m], "t_events": roots, "y_events": pieces, "sol": None}
        )
        result.sol = solution.interpolant(t0, t1, y0)
        return result

    def _at(self, t: Any, y: Any) -> list[Any]:
        return [event(t, y, *self._args) for event in self._events]

    def _found(self, solver: tuple[str, dict[str, Any]], t0: Any, t1: Any, times: Any, y0: Any) -> Any:
        """Return SciPy's result for plain numbers."""
        method, options = solver
        ps, args = list(map(root, self._function.parameters)), tree.map_leaves(root, self._args)

        def field(t: Any, y: Any) -> Any:
            return root(self._function(np.float64(t), y, *ps))

        def plain(event: Callable[..., Any]) -> Callable[..., Any]:
            def value(t: Any, y: Any) -> Any:
                return float(np.reshape(root(event(np.float64(t), y, *args)), ()))

            return marked(value, event)

        with no_grad():
            require_finite(field(t0, y0), t0, self._function.name)
            result = scipy.integrate.solve_ivp(
                field, (t0, t1), y0, method, times, True, list(map(plain, self._events)), **options
            )
        require_solved(result.status, result.message, result.t[-1], self._function.name)
        return result

    def _roots(
        self, solution: Solution, t_events: Sequence[Any], data: tuple[Any, Any, Any], nesting: int
    ) -> list[Any]:
        """Return the times of events, with derivatives."""
        t0, t1, y0 = data
        ends = np.cumsum(list(map(len, t_events)))
        times = np.concatenate(t_events)
        for _ in range((nesting).bit_length() if len(times) else 0):
            y = solution.at(t0, t1, times, y0).y
            steps = [
                self._newton(event, times[i], y[:, i])
                for event, end, n in zip(self._events, ends, map(len, t_events), strict=True)
                for i in range(end - n, end)
            ]
            times = times - np.stack(steps)
        return list(np.split(times, ends[:-1]))

    def _newton(self, event: Callable[..., Any], t: Any, y: Any) -> Any:
        """Return the step of Newton's method."""
        y_dot = self._function(t, y, *self._function.parameters)
        g, g_dot = jvp(
            lambda t, y: np.reshape(event(t, y, *self._args), ()), (t, y), (np.ones_like(t), y_dot)
        )
        if not is_open(g_dot) and float(root(g_dot)) == 0.0:
            raise NotDifferentiableError(
                f"the event {getattr(event, '__name__', repr(event))} does not change with time where it is zero, at "
                f"t = {float(root(t)):.6g}",
                why="the derivative of that time is one by the event's slope: it jumped, or only touched zero.",
                instead="give an event that is a smooth function of time and state, and changes its sign.",
            )
        return g / g_dot

    def _grid(self, found: Any, t0: Any, t1: Any, times: Any, roots: Sequence[Any]) -> Any:
        """Return the times of SciPy's result."""
        if times is not None:
            return times[: len(found.t)]
        if found.status == 0:
            last = t1
        else:
            last = next(
                r[-1]
                for r, plain in zip(roots, found.t_events, strict=True)
                if len(plain) and plain[-1] == found.t[-1]
            )
        return np.concatenate([np.reshape(t0, (1,)), found.t[1:-1], np.reshape(last, (1,))])
