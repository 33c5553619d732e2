"""Explicit Runge-Kutta methods: the steps that SciPy's solver chose, taken again as operations that are differentiated.

    k_1 = f(t, y),  k_s = f(t + c_s h, y + h sum_j a_sj k_j),  y' = y + h sum_s b_s k_s

with the tableaux of Bogacki & Shampine (1989), Dormand & Prince (1980), and DOP853 of Hairer, Norsett & Wanner (1993),
section II.10, as SciPy's classes hold them, and their polynomials for the times in between. Step sizes are constants:
the derivative is that of the numbers computed ("discretise, then differentiate"). A change of t_0 moves all times, and
the last step, which SciPy cuts at t_1, takes what is left.

The steps are taken in loops of a few lengths, so that each is compiled once, whatever the number of steps; steps of
length zero fill the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.integrate

from wengert.control.loop import scan
from wengert.core.graph import Graph
from wengert.scipy.integrate.right_side import RightSide, called, kept
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import ArrayType

__all__ = ["METHODS", "Taken", "combination", "interpolated", "retaken", "retaken_eagerly", "step"]

METHODS = {"RK23": scipy.integrate.RK23, "RK45": scipy.integrate.RK45, "DOP853": scipy.integrate.DOP853}

_LENGTHS = (64, 16)  # of loops

Field = Callable[[Any, Any], Any]


class Taken(NamedTuple):
    """Steps that were taken.

    Attributes
    ----------
    starts, lengths : array
        Times at which steps start, and their lengths.
    states : array
        Rows: the state at the start of each step.
    last : array
        The state at the end.
    coefficients : array or None
        Of the polynomials in between, one set for each step.
    """

    starts: Any
    lengths: Any
    states: Any
    last: Any
    coefficients: Any


# One step -----------------------------------------------------------------------------------------------------------


def combination(coefficients: Any, ks: Sequence[Any]) -> Any:
    """Return the sum of c_s k_s, without terms that are zero."""
    terms = [float(c) * k for c, k in zip(coefficients, ks, strict=False) if c]
    return sum(terms[1:], terms[0])


def step(f: Field, method: Any, t: Any, h: Any, y: Any, k: Any) -> tuple[Any, list[Any]]:
    """Return the next state, and the derivatives at the stages, the last of which is that of the next state."""
    ks = [k]
    for row, c in zip(method.A[1:], method.C[1:], strict=True):
        ks.append(f(t + float(c) * h, y + h * combination(row, ks)))
    y_new = y + h * combination(method.B, ks)
    return y_new, [*ks, f(t + h, y_new)]


def _polynomial(f: Field, method: Any, t: Any, h: Any, y: Any, y_new: Any, ks: list[Any]) -> Any:
    """Return the coefficients of the polynomial within a step, one in each row."""
    if method is not scipy.integrate.DOP853:
        return np.stack([combination(column, ks) for column in method.P.T])
    k_old, k_new, delta = ks[0], ks[-1], y_new - y
    for row, c in zip(method.A_EXTRA, method.C_EXTRA, strict=True):
        ks = [*ks, f(t + float(c) * h, y + h * combination(row, ks))]
    rest = [h * combination(row, ks) for row in method.D]
    return np.stack([delta, h * k_old - delta, 2 * delta - h * (k_new + k_old), *rest])


def interpolated(method: Any, taken: Taken, places: Any, times: Any) -> Any:
    """Return the states at times within steps, in columns; `places` says which step each is in."""
    h, y, q = taken.lengths[places], taken.states[places], taken.coefficients[places]
    since = times - taken.starts[places]
    x = (since / np.where(h == 0, 1.0, h))[:, None]
    if method is scipy.integrate.DOP853:
        rest = np.zeros(1)
        for i in range(q.shape[1] - 1, -1, -1):
            rest = (rest + q[:, i]) * (x if (q.shape[1] - 1 - i) % 2 == 0 else 1 - x)
        return np.transpose(y + rest)
    rest = q[:, -1]
    for i in range(q.shape[1] - 2, -1, -1):
        rest = q[:, i] + x * rest
    return np.transpose(y + since[:, None] * rest)


# All steps ----------------------------------------------------------------------------------------------------------


def _loop(right: RightSide, method: Any, length: int, *, dense: bool) -> Graph:
    """Return the graph of so many steps: from times, lengths, state, its derivative, and parameters."""

    def fun(ts: Any, hs: Any, y: Any, k: Any, *ps: Any) -> list[Any]:
        def f(t: Any, y: Any) -> Any:
            return right.graph.apply([t, y, *ps])[0]

        def one(carry: Any, x: Any) -> Any:
            (y, k), (t, h) = carry, x
            y_new, ks = step(f, method, t, h, y, k)
            within = _polynomial(f, method, t, h, y, y_new, ks) if dense else None
            return (y_new, ks[-1]), (y, within)

        (y, k), (states, within) = scan(one, (y, k), (ts, hs))
        return [y, k, states, within] if dense else [y, k, states]

    def make() -> Graph:
        times, state = ArrayType((length,), np.dtype(float)), ArrayType((right.size,), np.dtype(float))
        types = [times, times, state, state, *right.types]
        return simplify(stage(fun, types, f"steps of {right.graph.name}")[0])

    found: Graph = kept(right.graph, ("steps", method, length, dense), make)
    return found


def _pieces(n: int) -> list[int]:
    """Return the lengths of loops that take n steps."""
    found: list[int] = []
    while sum(found) < n:
        left = n - sum(found)
        found.append(next((length for length in _LENGTHS if length <= left), _LENGTHS[-1]))
    return found


def retaken(
    right: RightSide, method: Any, starts: Any, lengths: Any, y: Any, ps: Sequence[Any], *, dense: bool
) -> Taken:
    """Take steps of given lengths again."""
    n = np.shape(starts)[0]
    pieces = _pieces(n)
    spare = sum(pieces) - n
    ts = np.concatenate([starts, np.broadcast_to(starts[-1] + lengths[-1], (spare,))])
    hs = np.concatenate([lengths, np.zeros(spare)])
    k, done, states, within = right(starts[0], y, *ps), 0, [], []
    for length in pieces:
        part = slice(done, done + length)
        graph = _loop(right, method, length, dense=dense)
        y, k, *found = called(graph, [ts[part], hs[part], y, k, *ps])
        states.append(found[0])
        within += found[1:]
        done += length
    return Taken(starts, lengths, np.concatenate(states)[:n], y, np.concatenate(within) if dense else None)


def retaken_eagerly(f: Field, method: Any, starts: Any, lengths: Any, y: Any, *, dense: bool) -> Taken:
    """Take steps again one by one, with a function that asks for values."""
    k, states, within = f(starts[0], y), [], []
    for i in range(np.shape(starts)[0]):
        t, h = starts[i], lengths[i]
        y_new, ks = step(f, method, t, h, y, k)
        states.append(y)
        if dense:
            within.append(_polynomial(f, method, t, h, y, y_new, ks))
        y, k = y_new, ks[-1]
    return Taken(starts, lengths, np.stack(states), y, np.stack(within) if dense else None)
