"""An initial value problem but for its data: the right-hand side, and how it is to be solved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.integrate
import scipy.sparse

from wengert.control.call import call_
from wengert.core.graph import Graph
from wengert.errors import NotDifferentiableError
from wengert.scipy.integrate.right_side import Flags, RightSide

__all__ = ["IMPLICIT", "System", "require_finite", "require_solved"]

IMPLICIT = ("Radau", "BDF", "LSODA")

_OF_JACOBIANS = ("jac", "jac_sparsity", "lband", "uband")  # options; the Jacobian is exact


def require_solved(status: int, message: str, t: Any, name: str) -> None:
    """Raise if an integration has failed."""
    if status >= 0:
        return
    raise NotDifferentiableError(
        f"solve_ivp of {name} stopped at t = {float(t):.6g}: {message}",
        why="there is no solution from there on, and so no derivative of it.",
        instead="look at the solution of plain values, whose status tells of this; give another method, other "
        "tolerances or a shorter t_span.",
    )


def require_finite(y_dot: Any, t: Any, name: str) -> None:
    """Raise if a system cannot even start: SciPy's solvers would look for a first step without end."""
    if np.all(np.isfinite(y_dot)):
        return
    raise NotDifferentiableError(
        f"the right-hand side {name} is not finite at the start, t = {float(t):.6g}: {y_dot}",
        why="there is no first step, and so no solution that has a derivative.",
        instead="look for NaN and infinities in y0 and the parameters; wengert.debug_nans() finds where they are made.",
    )


class System:
    """A right-hand side, and how it is to be solved.

    Attributes
    ----------
    right : RightSide
    method : type
        SciPy's class of the solver.
    options : dict
        Of the solver.
    sparsity : sparse array or None
        Where the Jacobian may be different from zero.
    name : str
        For messages.
    counts : list of int
        What the latest solution took: nfev, njev, nlu.
    """

    __slots__ = ("counts", "method", "name", "options", "right", "sparsity")

    def __init__(
        self, right: RightSide, method: Any, options: dict[str, Any], name: str, sparsity: Any = None
    ) -> None:
        self.right, self.method, self.name, self.sparsity = right, method, name, sparsity
        self.counts = [0, 0, 0]
        self.options = {key: value for key, value in options.items() if key not in _OF_JACOBIANS}

    @property
    def is_implicit(self) -> bool:
        """Whether the solver takes a Jacobian."""
        return self.method.__name__ in IMPLICIT

    @property
    def has_exact_jacobian(self) -> bool:
        """Whether it is that of the graph; where its pattern is given, SciPy takes differences."""
        return self.is_implicit and (self.sparsity is None or self.method is scipy.integrate.LSODA)

    def tangent(self, on: Flags) -> System:
        """Return the system of a state and its tangent, solved alike."""
        options = dict(self.options)
        if np.ndim(options.get("atol", 0.0)):
            options["atol"] = np.tile(options["atol"], 2)
        sparsity = self.sparsity
        if sparsity is not None:  # what f_i does not depend on, its derivatives f_y s + f_p p_dot do not
            sparsity = scipy.sparse.kron(np.array([[1, 0], [1, 1]]), sparsity).tocsc()
        return System(self.right.tangent(on), self.method, options, self.name, sparsity)

    def field(self, ps: Sequence[Any]) -> Callable[[Any, Any], Any]:
        """Return f(t, y) of plain numbers, for plain parameters."""
        return _of_numbers(self.right.graph, ps)

    def of_jacobian(self, ps: Sequence[Any]) -> dict[str, Any]:
        """Return the options of a solver that concern the Jacobian."""
        if self.has_exact_jacobian:
            return {"jac": _of_numbers(self.right.jacobian(), ps)}
        return {"jac_sparsity": self.sparsity} if self.is_implicit else {}

    def solver(self, t0: Any, y0: Any, t1: Any, ps: Sequence[Any]) -> Any:
        """Return SciPy's solver at the start."""
        f = self.field(ps)
        require_finite(f(t0, y0), t0, self.name)
        return self.method(f, float(t0), y0, float(t1), **self.options, **self.of_jacobian(ps))

    def solved(self, t0: Any, t1: Any, times: Any, y0: Any, ps: Sequence[Any], *, dense: bool = False) -> Any:
        """Return SciPy's solution at times, or where its steps end.

        Raises
        ------
        NotDifferentiableError
            If the integration failed.
        """
        f = self.field(ps)
        require_finite(f(t0, y0), t0, self.name)
        latest = t0

        def followed(t: Any, y: Any) -> Any:
            nonlocal latest
            latest = t
            return f(t, y)

        result = scipy.integrate.solve_ivp(
            followed,
            (t0, t1),
            y0,
            self.method,
            t_eval=times,
            dense_output=dense,
            **self.options,
            **self.of_jacobian(ps),
        )
        require_solved(result.status, result.message, latest, self.name)
        self.counts[:] = [result.nfev, result.njev, result.nlu]
        return result


def _of_numbers(graph: Graph, ps: Sequence[Any]) -> Callable[..., Any]:
    def fun(t: Any, *ys: Any) -> Any:
        return call_.eval(np.float64(t), *ys, *ps, graph=graph, active=())[0]

    return fun
