"""The steps that SciPy's explicit Runge-Kutta solvers choose, by a compiled loop for right-hand sides that come again.

Nine tenths of the time of such a solver go into Python between evaluations. The loop here is SciPy's, operation by
operation (Hairer, Norsett & Wanner 1993, section II.4): a step is accepted if the error, estimated by an embedded
formula and scaled by atol + rtol |y|, is less than 1, and the next length is 0.9 err^(-1/(q + 1)) times this one,
between a fifth and ten times. SciPy's solver begins (it checks the options and finds the first length), and takes over
where the loop fails. Lengths agree to rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.integrate

from wengert.control.call import compilers
from wengert.control.while_loop import while_loop
from wengert.core.graph import Graph
from wengert.scipy.integrate.right_side import RightSide, kept
from wengert.scipy.integrate.runge_kutta import combination, step
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import ArrayType

__all__ = ["chosen"]

_SAFETY, _LEAST, _MOST = 0.9, 0.2, 10.0  # SciPy's
_AT_ONCE = 1024  # accepted steps of one call
_BY_SCIPY = 2  # solutions, before the loop is compiled: most right-hand sides come once


def _error(method: Any, ks: Sequence[Any], h: Any, scale: Any) -> Any:
    """Return the norm of the estimated error."""
    n = scale.shape[0]
    if method is not scipy.integrate.DOP853:
        return np.sqrt(np.sum((h * combination(method.E, ks) / scale) ** 2) / n)
    err5, err3 = (np.sum((combination(e, ks) / scale) ** 2) for e in (method.E5, method.E3))
    both = err5 + 0.01 * err3
    return np.where(both == 0, 0.0, np.abs(h) * err5 / np.sqrt(np.where(both == 0, 1.0, both) * n))


def _loop(right: RightSide, method: Any) -> Graph:
    """Return the graph of steps: from state and options to the state after, times, and how many steps and attempts."""
    exponent = -1.0 / (method.error_estimator_order + 1)

    def fun(
        t: Any, y: Any, k: Any, h: Any, end: Any, longest: Any, rtol: Any, atol: Any, *ps: Any
    ) -> list[Any]:
        sign = np.where(end >= t, 1.0, -1.0)

        def goes_on(state: Any) -> Any:
            t, _, _, _, is_new, n, _, _, shortest_h = state
            return (n < _AT_ONCE) & (sign * (t - end) < 0) & (is_new | shortest_h)

        def attempt(state: Any) -> Any:
            t, y, k, h, is_new, n, tried, times, _ = state
            shortest = 10.0 * np.finfo(float).eps * np.abs(t)
            h = np.where(is_new, np.minimum(np.maximum(h, shortest), longest), h)
            t_new = t + sign * h
            t_new = np.where(sign * (t_new - end) > 0, end, t_new)
            h = t_new - t
            y_new, ks = step(lambda t, y: right.graph.apply([t, y, *ps])[0], method, t, h, y, k)
            error = _error(method, ks, h, atol + np.maximum(np.abs(y), np.abs(y_new)) * rtol)
            good = error < 1
            factor = _SAFETY * np.where(error == 0, 1.0, error) ** exponent
            longer = np.where(error == 0, _MOST, np.minimum(_MOST, factor))
            longer = np.where(is_new, longer, np.minimum(1.0, longer))
            h = np.abs(h) * np.where(good, longer, np.fmax(_LEAST, factor))
            times = times.copy()
            times[n] = t_new
            return (
                np.where(good, t_new, t),
                np.where(good, y_new, y),
                np.where(good, ks[-1], k),
                h,
                good,
                n + np.where(good, 1, 0),
                tried + 1,
                times,
                h >= shortest,
            )

        state = (t, y, k, h, np.bool_(True), 0, 0, np.zeros(_AT_ONCE + 1), np.bool_(True))
        t, y, k, h, good, n, tried, times, _ = while_loop(goes_on, attempt, state)
        return [t, y, k, h, good, n, tried, times]

    number, vector = ArrayType((), np.dtype(float)), ArrayType((right.size,), np.dtype(float))
    types = [number, vector, vector, number, number, number, number, vector, *right.types]
    return simplify(stage(fun, types, f"steps chosen for {right.graph.name}")[0])


def chosen(right: RightSide, solver: Any, ps: Sequence[Any]) -> tuple[Any, int] | None:
    """Return the times at which steps end, beginning with the start, and the number of evaluations.

    Parameters
    ----------
    right : RightSide
    solver : RungeKutta
        SciPy's, at the start.
    ps : sequence
        Values of the parameters.

    Returns
    -------
    times, nfev
        Or None: where no loop is compiled, or it does not get to the end.
    """
    method, derived = type(solver), right.graph.derived
    runs = derived["solutions", method] = derived.get(("solutions", method), 0) + 1
    if runs <= _BY_SCIPY:
        return None
    atol = np.broadcast_to(np.asarray(solver.atol, float), (right.size,)).copy()
    options = [*map(np.float64, (solver.t_bound, solver.max_step, solver.rtol)), atol]
    state = [np.float64(solver.t), solver.y, solver.f, np.float64(solver.h_abs)]
    graph = kept(right.graph, ("chosen", method), lambda: _loop(right, method))
    if "native" not in graph.derived:
        graph.derived["native"] = compilers[0](graph, [*state, *options, *ps])
    function, times, attempts = graph.derived["native"], [np.array([solver.t])], 0
    while function is not None:
        found = function(*state, *options, *ps)
        if found is None or not found[4]:
            return None
        *state, _, n, tried, ends = found
        times.append(ends[:n])
        attempts += int(tried)
        if state[0] == solver.t_bound:
            return np.concatenate(times), solver.nfev + attempts * method.n_stages
    return None
