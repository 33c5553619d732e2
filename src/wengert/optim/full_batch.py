"""SciPy's minimisers on trees of parameters, with compiled gradients and Hessian products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from wengert.api.gradients import value_and_grad
from wengert.api.products import hvp
from wengert.errors import ArgumentError, check_callable
from wengert.jit import jit
from wengert.optim.lbfgs import row_of, tree_like
from wengert.optim.optimizer import check_parameters

__all__ = ["Minimum", "minimize"]

_WITH_PRODUCTS = {"newton-cg", "trust-ncg", "trust-krylov", "trust-constr"}
_WITH_GRADIENT = {"cg", "bfgs", "l-bfgs-b", "tnc", "slsqp", *_WITH_PRODUCTS}


class Minimum(NamedTuple):
    """What `minimize` found.

    Attributes
    ----------
    params : pytree
        Where.
    value : float
        The loss there.
    success : bool
        Whether the method says that it has converged.
    message : str
        What it says.
    steps, evaluations : int

    Examples
    --------
    >>> found = minimize(lambda x: (x - 2.0) ** 2, 0.0)
    >>> found.success, round(float(found.params), 6)
    (True, 2.0)
    """

    params: Any
    value: float
    success: bool
    message: str
    steps: int
    evaluations: int


def minimize(
    loss: Callable[..., Any],
    params: Any,
    *args: Any,
    method: str = "L-BFGS-B",
    tolerance: float | None = None,
    callback: Callable[[Any], Any] | None = None,
    **options: Any,
) -> Minimum:
    """Minimise a loss over all data at once by one of SciPy's methods.

    Parameters
    ----------
    loss : callable
        ``loss(params, *args)`` is a number.
    params : pytree of floating-point arrays
        Where the search begins.
    *args
        Passed on.
    method : str
        As `scipy.optimize.minimize` has them: CG, BFGS, L-BFGS-B, TNC, SLSQP, which take a gradient, or Newton-CG,
        trust-ncg, trust-krylov, trust-constr, which take products with the Hessian too.
    tolerance : float, optional
        Of the method.
    callback : params -> None, optional
        Called after each step.
    **options
        Such as ``maxiter``.

    Returns
    -------
    Minimum

    Examples
    --------
    >>> x, y = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0])
    >>> line = lambda p: np.sum((p["slope"] * x + p["start"] - y) ** 2)
    >>> found = minimize(line, {"slope": 0.0, "start": 0.0})
    >>> {k: round(float(v), 5) for k, v in found.params.items()}
    {'slope': 2.0, 'start': 1.0}
    """
    check_callable(loss, "minimize")
    check_parameters("minimize", params)
    if method.lower() not in _WITH_GRADIENT:
        raise ArgumentError(
            f"minimize: no method {method!r} that takes derivatives",
            why="they are here for nothing otherwise.",
            instead=f"pass one of {', '.join(sorted(_WITH_GRADIENT))}.",
        )
    moved = None if callback is None else lambda x, *_: callback(tree_like(params, x))
    return _searched(
        loss, params, args, {"method": method, "tol": tolerance, "callback": moved, "options": options}
    )


def _searched(
    loss: Callable[..., Any], params: Any, args: tuple[Any, ...], settings: dict[str, Any]
) -> Minimum:
    from scipy.optimize import minimize as search

    both, product = _derivatives(loss, params, args)
    if settings["method"].lower() in _WITH_PRODUCTS:
        settings = {**settings, "hessp": product}
    found = search(both, np.asarray(row_of(params), float), jac=True, **settings)
    return Minimum(
        tree_like(params, found.x),
        float(found.fun),
        bool(found.success),
        str(found.message),
        int(found.nit),
        int(found.nfev),
    )


def _derivatives(loss: Callable[..., Any], params: Any, args: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return what gives value and gradient at a vector, and what gives products with the Hessian."""

    def flat(x: Any, *args: Any) -> Any:
        return loss(tree_like(params, x), *args)

    slope = jit(value_and_grad(flat))
    product = jit(lambda x, v, *args: hvp(lambda z: flat(z, *args), (x,), (v,))[1])

    def both(x: Any) -> tuple[float, Any]:
        value, gradient = slope(x, *args)
        return float(value), np.asarray(gradient, float)

    return both, lambda x, v: np.asarray(product(x, v, *args), float)
