"""Solutions of initial value problems at given times, differentiated by differential equations of their own.

    y' = f(t, y, p),  y(t_0) = y_0,  y_k = y(t_k)

Forward sensitivities s = dy/deps go with the state (Caracotsios & Stewart 1985):

    s' = f_y s + f_p p_dot,  s(t_0) = y_0_dot - f(t_0, y_0) t_0_dot,  y_k_dot = s(t_k) + f(t_k, y_k) t_k_dot.

The adjoint a goes backwards along the solution, which was kept as polynomials, and jumps at the times looked at (Cao,
Li, Petzold & Serban 2003; Chen, Rubanova, Bettencourt & Duvenaud 2018):

    a' = -f_y^T a,  a(t_k - 0) = a(t_k + 0) + y_k_bar,  y_0_bar = a(t_0),  p_bar = int f_p^T a dt,
    t_k_bar = y_k_bar . f(t_k, y_k),  t_0_bar = -a(t_0) . f(t_0, y_0).

Both are linear, and solved for directions of length one, so that tolerances mean the same whatever a cotangent's scale.
The integral is no part of the system (as in CVODES): Gauss' formula sums it over the steps.

Derivatives of higher order are those of the same two operations on the systems of states and tangents: with F the
solution as a function of x, the derivative of F'(x)^T y_bar along x_dot is that of <F'(x) x_dot, y_bar> by x.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import scipy.integrate

from wengert.control.call import call_
from wengert.core.dispatch import innermost
from wengert.core.graph import Graph
from wengert.core.primitive import Primitive, Site, define
from wengert.core.views import root
from wengert.ops.families import match
from wengert.scipy.integrate.parameters import replaced
from wengert.scipy.integrate.right_side import RightSide
from wengert.scipy.integrate.system import System, require_solved
from wengert.scipy.integrate.trajectory import Trajectory
from wengert.transforms.reverse import record
from wengert.transforms.staging import stage
from wengert.types import ArrayType, type_of

__all__ = ["initial_value_", "initial_value_adjoint_"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(
    5
)  # exact for degree 9; SciPy's methods are of order 8 at most
_MULTISTEP = (scipy.integrate.BDF, scipy.integrate.LSODA)  # they begin with order 1, and so with short steps
_TOGETHER = 64  # points that one call sums over

# initial_value ------------------------------------------------------------------------------------------------------
#
# Operands are t0, t1, times, y0 and the parameters; the result has the states at the times in its columns. SciPy goes
# on to t1, which has no influence on them.


def _eval(t0: Any, t1: Any, times: Any, y0: Any, *ps: Any, system: System) -> Any:
    return _solved(system, t0, t1, times, y0, ps)[0]


def _solved(
    system: System, t0: Any, t1: Any, times: Any, y0: Any, ps: Sequence[Any], *, dense: bool = False
) -> tuple[Any, Any]:
    """Return the states at times in any order, and the solution between them if it is asked for."""
    if t0 == t1 or not len(times):
        return np.repeat(y0[:, None], len(times), axis=1), None
    if np.all(np.diff(times) * np.sign(t1 - t0) > 0):
        result = system.solved(t0, t1, times, y0, ps, dense=dense)
        return result.y, result.sol
    result = system.solved(t0, t1, None, y0, ps, dense=True)
    return result.sol(times), result.sol


def _tangent(xs: Sequence[Any], x_dots: Sequence[Any], y: Callable[[], Any], system: System) -> Any:
    """Return the tangent of the solution, which `y` computes if it is needed; None if it is zero."""
    (t0, t1, times, y0, *ps), (t0_dot, _, times_dot, y0_dot, *p_dots) = xs, x_dots
    n, terms = system.right.size, []
    start = y0_dot
    if t0_dot is not None:
        moved = -system.right(t0, y0, *ps) * t0_dot
        start = moved if start is None else start + moved
    on = tuple([p_dot is not None for p_dot in p_dots])
    if start is not None or any(on):
        dots = [p_dot for p_dot in p_dots if p_dot is not None]
        c = _size([*dots, *([] if start is None else [start])])
        z0 = np.concatenate([y0, np.zeros(n) if start is None else start / c])
        z = initial_value_(t0, t1, times, z0, *ps, *[p_dot / c for p_dot in dots], system=system.tangent(on))
        terms.append(c * z[n:])
    if times_dot is not None:
        terms.append(system.right.along(times, y(), ps) * times_dot)
    return sum(terms[1:], terms[0]) if terms else None


def _size(xs: Sequence[Any]) -> float:
    """Return the largest number in arrays, or 1: what to divide a direction by."""
    found = max([float(np.max(np.abs(root(x)), initial=0.0)) for x in xs])
    return found if 0.0 < found < np.inf else 1.0


def _jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, system: System) -> tuple[Any, Any]:
    y = initial_value_(*xs, system=system)
    return y, _tangent(xs, x_dots, lambda: y, system)


def _save(*xs: Any, system: System) -> tuple[Any, Any]:
    t0, t1, times, y0, *ps = xs
    if innermost(xs) is not None:
        return initial_value_(*xs, system=system), None
    return _solved(system, t0, t1, times, y0, ps, dense=True)


def _vjp(y_bar: Any, site: Site, *, system: System) -> list[Any]:
    (t0, _, times, y0, *ps), needs = site.xs, site.needs
    x_bars: list[Any] = [None] * len(needs)
    moving = tuple([i for i, need in enumerate(needs[4:]) if need])
    if needs[0] or needs[3] or moving:
        found = initial_value_adjoint_(*site.xs, y_bar, system=system, moving=moving, trajectory=site.saved)
        x_bars[3] = found[0]
        for i, p_bar in zip(moving, found[1:], strict=True):
            x_bars[4 + i] = p_bar
        if needs[0]:
            x_bars[0] = match(-np.sum(found[0] * system.right(t0, y0, *ps)), t0)
    if needs[2]:
        x_bars[2] = np.sum(y_bar * system.right.along(times, site.y, ps), axis=0)
    return [x_bar if need else None for x_bar, need in zip(x_bars, needs, strict=True)]


def _sample(rng: np.random.Generator) -> tuple[tuple[Any, ...], System]:
    def fun(t: Any, y: Any, p: Any) -> list[Any]:
        return [np.stack([y[1], -p * y[0] + np.sin(t)])]

    xs = (np.float64(0.1), np.float64(0.9), np.array([0.4, 0.9]), rng.normal(size=2), np.float64(1.3))
    graph, _ = stage(fun, [type_of(xs[0]), type_of(xs[3]), type_of(xs[4])], "sample")
    return xs, System(RightSide(graph, 2), scipy.integrate.RK45, {"rtol": 1e-9, "atol": 1e-12}, "sample")


def _samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    xs, system = _sample(rng)
    yield xs, {"system": system}


def _infer(*types: ArrayType, system: System) -> ArrayType:
    return ArrayType((system.right.size, *types[2].shape), np.dtype(float))


initial_value_: Primitive = define(
    name="initial_value",
    doc="The solution of an initial value problem at given times (SciPy's solvers); forward and adjoint sensitivities.",
    eval=_eval,
    infer=_infer,
    jvp=_jvp,
    save=_save,
    vjp=_vjp,
    samples=_samples,
    raises=True,
)


# initial_value_adjoint ----------------------------------------------------------------------------------------------
#
# Operands are those of the solution, then its cotangent; results are the cotangents of y0 and of some parameters.


def _adjoint_eval(*xs: Any, system: System, moving: tuple[int, ...], trajectory: Any) -> tuple[Any, ...]:
    t0, t1, times, y0, *ps, y_bar = xs
    order = np.argsort(times if t1 >= t0 else -times, kind="stable")
    times, y_bar, c = times[order], y_bar[:, order], _size([y_bar])
    zeros = [np.zeros(np.shape(ps[i]), type_of(ps[i]).dtype) for i in moving]
    if not len(times) or not np.any(y_bar):
        return np.zeros(len(y0)), *zeros
    if trajectory is None:
        trajectory = system.solved(t0, times[-1], times, y0, ps, dense=True).sol
    if float(times[-1]) == float(t0):
        return np.sum(y_bar, axis=1), *zeros
    sweep = _Backwards(system, ps, Trajectory(trajectory, system.method.__name__))
    a = sweep.through(t0, times, y_bar / c)
    sums = sweep.sums(moving)
    return c * a, *[np.astype(c * p_bar, zero.dtype)[()] for p_bar, zero in zip(sums, zeros, strict=True)]


class _Backwards:
    """One integration of the adjoint, and the points at which Gauss' formula looks at it."""

    def __init__(self, system: System, ps: Sequence[Any], trajectory: Trajectory) -> None:
        self._system, self._ps, self._y = system, ps, trajectory
        self._f = self._on_pieces(system.right.adjoint(trajectory.degree))
        self._options = {key: value for key, value in system.options.items() if key != "first_step"}
        if system.has_exact_jacobian:
            self._options["jac"] = self._on_pieces(system.right.adjoint_jacobian(trajectory.degree))
        elif system.is_implicit:
            self._options["jac_sparsity"] = system.sparsity.T.tocsc()
        self._points: list[tuple[Any, Any, Any]] = []  # times, weights, adjoints

    def _on_pieces(self, graph: Graph) -> Callable[[Any, Any], Any]:
        """Return a function of time and adjoint."""
        piece, ps = self._y.piece, self._ps
        return lambda t, a: call_.eval(np.float64(t), *piece(t), a, *ps, graph=graph, active=())[0]

    def through(self, t0: Any, times: Any, y_bar: Any) -> Any:
        """Return a(t0)."""
        stops = [*times[::-1].tolist(), float(t0)]
        a, step = np.zeros(self._system.right.size), None
        for k in range(len(times)):
            a = a + y_bar[:, -1 - k]
            start, stop = stops[k], stops[k + 1]
            if start != stop:
                a, step = self._leg(start, stop, a, step)
        return a

    def _leg(self, start: float, stop: float, a: Any, step: Any) -> tuple[Any, Any]:
        """Integrate between two jumps; return the adjoint there, and the longest step, with which to go on."""
        if step is not None and self._system.method not in _MULTISTEP:
            self._options["first_step"] = min(step, abs(stop - start))
        solver = self._system.method(self._f, start, a, stop, **self._options)
        longest = 0.0
        while solver.status == "running":
            message = solver.step()
            require_solved(
                -1 if solver.status == "failed" else 0,
                str(message),
                solver.t,
                f"the adjoint of {self._system.name}",
            )
            longest = max(longest, abs(solver.t - solver.t_old))
            self._look(solver)
        return solver.y, longest

    def _look(self, solver: Any) -> None:
        """Note Gauss' points within a step, and within steps of the solution that end inside of it."""
        low, high = sorted((solver.t_old, solver.t))
        ends = self._y.knots
        inner = ends[np.searchsorted(ends, low, side="right") : np.searchsorted(ends, high)]
        knots = np.concatenate([[low], inner, [high]])
        half = np.diff(knots)[:, None] / 2
        times = (knots[:-1, None] + half + half * _NODES).ravel()
        sign = np.sign(solver.t_old - solver.t)
        self._points.append((times, sign * (half * _WEIGHTS).ravel(), solver.dense_output()(times)))

    def sums(self, moving: Sequence[int]) -> list[Any]:
        """Return the integrals of f_p^T a for some of the parameters."""
        if not moving or not self._points:
            return [np.zeros(np.shape(self._ps[i])) for i in moving]
        times, weights, adjoints = (np.concatenate(part, axis=-1) for part in zip(*self._points, strict=True))
        spare = -len(times) % _TOGETHER
        times = np.concatenate([times, np.repeat(times[-1:], spare)])
        weighted = np.pad((adjoints * weights).T, ((0, spare), (0, 0)))
        states = self._y(times)
        graph = self._system.right.gathered(moving, _TOGETHER)
        sums: list[Any] = [0.0] * len(moving)
        for i in range(0, len(times), _TOGETHER):
            part = slice(i, i + _TOGETHER)
            found = call_.eval(times[part], states[part], weighted[part], *self._ps, graph=graph, active=())
            sums = [s + p_bar for s, p_bar in zip(sums, found, strict=True)]
        return sums


def _adjoint_jvp(
    xs: Sequence[Any], x_dots: Sequence[Any], *, system: System, moving: tuple[int, ...], trajectory: Any
) -> tuple[Any, Any]:
    value = initial_value_adjoint_(*xs, system=system, moving=moving, trajectory=trajectory)
    *dots, y_bar_dot = x_dots
    found: list[Any] = [None] * len(value)
    if any(dot is not None for dot in dots):
        wanted = [3, *[4 + i for i in moving]]
        _, pull = record(_along(xs[:-1], dots, wanted, system), [xs[i] for i in wanted])
        found = pull.once([xs[-1]])
    if y_bar_dot is not None:
        more = initial_value_adjoint_(
            *xs[:-1], y_bar_dot, system=system, moving=moving, trajectory=trajectory
        )
        found = [new if old is None else old + new for old, new in zip(found, more, strict=True)]
    return value, tuple(found)


def _along(
    xs: Sequence[Any], dots: Sequence[Any], wanted: Sequence[int], system: System
) -> Callable[..., list[Any]]:
    """Return the tangent of the solution as a function of some of its operands."""

    def fun(*new: Any) -> list[Any]:
        moved = replaced(xs, wanted, new)
        y_dot = _tangent(moved, dots, lambda: initial_value_(*moved, system=system), system)
        n = system.right.size
        return [np.zeros((n, np.shape(xs[2])[0])) if y_dot is None else y_dot]

    return fun


def _adjoint_vjp(
    bars: Sequence[Any], site: Site, *, system: System, moving: tuple[int, ...], trajectory: Any
) -> list[Any]:
    del trajectory
    *xs, y_bar = site.xs
    dots: list[Any] = [None] * len(xs)
    for i, bar in zip([3, *[4 + i for i in moving]], bars, strict=True):
        dots[i] = bar
    wanted = [i for i, need in enumerate(site.needs[:-1]) if need and i != 1]
    (y_dot,), pull = record(_along(xs, dots, wanted, system), [xs[i] for i in wanted])
    found = replaced([None] * len(xs), wanted, pull.once([y_bar]))
    return [*found, y_dot if site.needs[-1] else None]


def _adjoint_infer(*types: ArrayType, system: System, moving: tuple[int, ...], trajectory: Any) -> Any:
    del trajectory
    return (ArrayType((system.right.size,), np.dtype(float)), *[types[4 + i] for i in moving])


def _adjoint_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    xs, system = _sample(rng)
    yield (*xs, rng.normal(size=(2, 2))), {"system": system, "moving": (0,), "trajectory": None}


initial_value_adjoint_: Primitive = define(
    name="initial_value_adjoint",
    doc="Cotangents of the start and the parameters of an initial value problem (Cao, Li, Petzold & Serban 2003).",
    multiple=True,
    eval=_adjoint_eval,
    infer=_adjoint_infer,
    jvp=_adjoint_jvp,
    vjp=_adjoint_vjp,
    samples=_adjoint_samples,
    raises=True,
)
