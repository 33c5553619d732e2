"""Initial value problems: solve_ivp, differentiable in the start, the times, and the parameters.

Plain values go to SciPy's own function, so that the call is SciPy's bit by bit, and a right-hand side that counts or
prints does so. (One that `jit` made is compiled, and gets a compiled Jacobian for implicit methods.) Where something is
traced, the right-hand side is staged: run once on stand-ins, from which it follows what it closes over. The solution is
differentiated in one of two ways.

    discrete     explicit Runge-Kutta methods: SciPy chooses the steps, which are taken again, their lengths being
                 constants. The derivative is that of the numbers computed, to rounding (`runge_kutta`). For functions
                 that come again and again, SciPy's rule runs in a compiled loop (`step_control`).
    continuous   all methods: forward sensitivities or the adjoint equation, solved by the same method to the same
                 tolerances, which the derivative is accurate to (`sensitivity`).

Derivatives by t0 and t1 are those of the solution: f at the end, and what -f at the start becomes. How many steps there
are depends on values: in graphs and batches the whole is one operation that runs when they are known (`deferred`). A
right-hand side that asks for values cannot be staged; steps are then taken one by one, by the discrete way only, unless
`wengert.lift` keeps its branches.

Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, 1993; Cao, Li, Petzold & Serban, SIAM J. Sci.
Comput. 24, 2003; Chen, Rubanova, Bettencourt & Duvenaud, Neural Ordinary Differential Equations, 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import scipy.integrate
import scipy.sparse

from wengert import tree
from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand, traced_leaves
from wengert.core.views import is_open
from wengert.errors import ArgumentError, NotConcreteError, RefusedError
from wengert.jit import Jitted
from wengert.scipy.integrate.events import Events, marked
from wengert.scipy.integrate.parameters import as_double
from wengert.scipy.integrate.right_side import UserFunction
from wengert.scipy.integrate.runge_kutta import METHODS
from wengert.scipy.integrate.solution import (
    Continuous,
    Discrete,
    OdeResult,
    Solution,
    Stepwise,
    require_times,
)
from wengert.scipy.integrate.system import IMPLICIT, System

__all__ = ["solve_ivp"]


class _ClosesOverTracedError(Exception):
    """The right-hand side used a traced value that is not among the arguments."""


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    *,
    adjoint: str | None = None,
    **options: Any,
) -> Any:
    """Solve y' = f(t, y, *args), y(t0) = y0, with SciPy's solvers.

    Parameters
    ----------
    fun : callable
        (t, y, *args) -> derivative of y; it may close over traced values.
    t_span, y0
        (t0, t1) and the state at t0; t1 may be the earlier one.
    method, t_eval, dense_output, events, vectorized, args
        As in SciPy; args may be any pytrees. Solvers of one's own are for plain values. Graphs and batches need t_eval,
        and take no events. On traced values, `sol` solves again for the times that it is asked for.
    adjoint : {"discrete", "continuous"}, optional
        How to differentiate: steps taken again (explicit Runge-Kutta methods, their default), or equations for the
        derivatives, solved alike (all methods).
    **options
        As in SciPy. The Jacobian of traced problems is exact and dense; with jac_sparsity it is left to SciPy.

    Returns
    -------
    OdeResult
        t, y (states in columns), sol, t_events, y_events, nfev, njev, nlu, status, message, success.

    Raises
    ------
    ArgumentError, RefusedError
        For arguments that do not go together, or not with traced values.
    NotDifferentiableError
        Where something is traced, and the integration fails.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import grad
    >>> def end(p):  # of y' = -p y from 1: exp(-p t)
    ...     return solve_ivp(lambda t, y: -p * y, (0.0, 2.0), [1.0], rtol=1e-9, atol=1e-12).y[0, -1]
    >>> bool(abs(grad(end)(0.5) + 2.0 * np.exp(-1.0)) < 1e-7)
    True
    """
    _require_adjoint(adjoint, method)
    call = _Call(fun, method, dense_output, events, vectorized, args, adjoint, options)
    if not any(isinstance(x, Traced) for x in tree.flatten((t_span, y0, t_eval, args, options))[0]):
        try:
            return call.plain(t_span, y0, t_eval)
        except _ClosesOverTracedError:
            pass
    return call.traced(t_span, y0, t_eval)


def _require_adjoint(adjoint: Any, method: Any) -> None:
    if adjoint not in {None, "discrete", "continuous"}:
        raise ArgumentError(
            f"adjoint is {adjoint!r}",
            why="it names a way to differentiate a solution.",
            instead='give "discrete", "continuous", or None for the first of these that the method has.',
        )
    if adjoint == "discrete" and method not in METHODS:
        raise ArgumentError(
            f'adjoint="discrete" with method={method!r}',
            why=f"the steps of explicit Runge-Kutta methods ({', '.join(METHODS)}) are taken again; those of others "
            "solve equations.",
            instead='give adjoint="continuous".',
        )


class _Call(NamedTuple):
    """The arguments of a call but for its data."""

    fun: Callable[..., Any]
    method: Any
    dense_output: bool
    events: Any
    vectorized: bool
    args: Any
    adjoint: str | None
    options: dict[str, Any]

    # Plain values

    def plain(self, t_span: Any, y0: Any, t_eval: Any) -> Any:
        """Call SciPy, which must meet no traced value."""
        options = dict(self.options)
        if isinstance(self.fun, Jitted) and self.method in IMPLICIT and not _names_jacobian(options):
            options |= self._exact_jacobian(y0)

        events = self.events
        if events is not None:
            events = [marked(_watched(e), e) for e in ([events] if callable(events) else events)]
        return scipy.integrate.solve_ivp(
            _watched(self.fun),
            t_span,
            y0,
            self.method,
            t_eval,
            self.dense_output,
            events,
            self.vectorized,
            self.args,
            **options,
        )

    def _exact_jacobian(self, y0: Any) -> dict[str, Any]:
        """Return the compiled Jacobian as an option, if the function can be staged."""
        if np.asarray(y0).dtype.kind == "c" or np.ndim(y0) != 1:
            return {}
        function = UserFunction(self.fun, _as_tuple(self.args), len(y0), vectorized=self.vectorized)
        try:
            right, ps = function.right_side()
        except NotConcreteError:
            return {}
        if traced_leaves(ps):
            return {}
        jacobian = System(right, getattr(scipy.integrate, self.method), {}, function.name).of_jacobian(ps)
        return {"jac": lambda t, y, *_: jacobian["jac"](t, y)}

    # Traced values

    def traced(self, t_span: Any, y0: Any, t_eval: Any) -> OdeResult:
        """Solve, and differentiate."""
        t0, t1 = map(as_double, t_span)
        y0 = as_double(y0)
        times = None if t_eval is None else as_double(t_eval)
        self._require_differentiable(y0)
        if times is not None:
            require_times(t0, t1, times)
        args = _as_tuple(self.args)
        function = UserFunction(self.fun, args, len(y0), vectorized=self.vectorized)
        solution = self._solution(function, [t0, t1, y0, times])
        if self.events is not None:
            events = Events(self.events, args, function)
            result = events.result(solution, (self.method, self.options), t0, t1, times, y0)
        else:
            result = solution.result(t0, t1, times, y0)
        if not self.dense_output:
            result.sol = None
        return result

    def _require_differentiable(self, y0: Any) -> None:
        if np.ndim(y0) != 1:
            raise ArgumentError(
                f"y0 has shape {np.shape(y0)}",
                why="the state is a vector.",
                instead="give an array of one axis.",
            )
        reasons = {
            f"method={self.method!r}": (
                self.method not in (*METHODS, *IMPLICIT),
                "only SciPy's own methods have derivatives.",
            ),
            "an option that is traced": (
                bool(traced_leaves(list(self.options.values()))),
                "how accurate a solution is says nothing of its derivative.",
            ),
            "a complex state": (y0.dtype.kind == "c", "derivatives are those of real systems."),
        }
        for what, (is_so, why) in reasons.items():
            if is_so:
                raise RefusedError(
                    f"solve_ivp was called on traced values with {what}",
                    why=why,
                    instead="stop the gradient (wengert.stop_gradient), or write the problem without it.",
                )

    def _solution(self, function: UserFunction, data: list[Any]) -> Solution:
        is_discrete = (self.adjoint or ("discrete" if self.method in METHODS else "")) == "discrete"
        try:
            right, ps = function.right_side()
        except NotConcreteError as refusal:
            if not is_discrete or any(is_open(x) for x in (*data, *function.parameters)):
                raise
            return Stepwise(function, METHODS[self.method], self.options, refusal)
        sparsity = self.options.get("jac_sparsity")
        system = System(
            right,
            getattr(scipy.integrate, self.method),
            self.options,
            function.name,
            None if sparsity is None else scipy.sparse.csc_matrix(sparsity),
        )
        return (Discrete if is_discrete else Continuous)(system, ps)


def _watched(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that says at first whether its results are traced; NumPy takes no such values for numbers."""
    unseen = True

    def watched(*args: Any) -> Any:
        nonlocal unseen
        y = fun(*args)
        if unseen:
            if traced_leaves([operand(y)]):
                raise _ClosesOverTracedError
            unseen = False
        return y

    return watched


def _as_tuple(args: Any) -> tuple[Any, ...]:
    if args is None:
        return ()
    if not isinstance(args, Iterable) or getattr(args, "shape", None) == ():
        raise ArgumentError(
            f"args is of type {type(args).__name__}",
            why="it holds the arguments behind t and y, one by one.",
            instead="write args=(x,).",
        )
    return tuple(args)


def _names_jacobian(options: dict[str, Any]) -> bool:
    return any(options.get(name) is not None for name in ("jac", "jac_sparsity", "lband", "uband"))
