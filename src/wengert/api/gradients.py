"""Gradients of real functions: reverse mode from a single output."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.api.arguments import ArgNums, Arguments, as_output, own_results, resolve_argnums, settled
from wengert.errors import ArgumentError, NotDifferentiableError, check_callable
from wengert.lift import lift as lifted
from wengert.transforms.reverse import record

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["elementwise_grad", "grad", "value_and_grad"]


def value_and_grad(
    fun: Callable[..., Any],
    argnums: ArgNums = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    conj: bool = False,
    argnum: ArgNums | None = None,
    lift: bool = False,
) -> Callable[..., tuple[Any, Any]]:
    """Return a function that computes `fun` and its gradient, from one run of `fun`.

    Parameters
    ----------
    fun, argnums, has_aux, holomorphic, conj, argnum, lift
        As for `grad`.

    Returns
    -------
    callable
        With the arguments of `fun`; returns (value, gradient), with `has_aux` ((value, aux), gradient).

    Raises
    ------
    NotDifferentiableError, ArgumentError
        As for `grad`.

    Examples
    --------
    >>> value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    (np.float64(5.0), array([2., 4.]))
    """
    check_callable(fun, "value_and_grad")
    fun = lifted(fun) if lift else fun
    chosen = resolve_argnums(argnums, argnum)

    @wraps(fun)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        arguments = Arguments(chosen, args, kwargs, "grad")
        aux = None

        def flat(*leaves: Any) -> tuple[Any]:
            nonlocal aux
            y = arguments.call(fun, leaves)
            if has_aux:
                y, aux = _split_aux(y)
            return (as_output(y, "grad"),)

        (y,), pull = record(flat, arguments.leaves)
        seed = _seed(y, holomorphic=holomorphic)
        gradients = own_results(pull.once((seed,)), arguments.leaves)
        gradient = arguments.restore([np.conj(g) for g in gradients] if conj else gradients)
        return ((y, settled(aux)) if has_aux else y), gradient

    return value_and_gradient


def grad(
    fun: Callable[..., Any],
    argnums: ArgNums = 0,
    has_aux: bool = False,
    *,
    holomorphic: bool = False,
    conj: bool = False,
    argnum: ArgNums | None = None,
    lift: bool = False,
) -> Callable[..., Any]:
    """Return a function that computes the gradient of a real function of size-1 output, by reverse mode.

    For complex arguments z = x + iy of a real function f the gradient is df/dx - i df/dy (as in JAX and
    autograd); with ``conj=True`` it is df/dx + i df/dy, the direction of steepest ascent (as in PyTorch).

    Parameters
    ----------
    fun : callable
        Returns a real number or array of size 1; with `has_aux`, a pair of that and anything else.
    argnums : int or tuple of int
        Which positional arguments to differentiate (alias `argnum`): pytrees of floating or complex numbers
        and arrays; Python ints count as floats.
    has_aux : bool
        Whether `fun` returns (value, aux).
    holomorphic : bool
        Promise that `fun` is holomorphic: its output may be complex; the result is its complex derivative.
    conj : bool
        Conjugate the gradient.
    lift : bool
        Whether to rewrite the function from its source first: ``grad(lift(fun))``.

    Returns
    -------
    callable
        With the arguments of `fun`; returns the gradient, in the structure, shapes and dtypes of the
        arguments (a tuple if `argnums` is one), with `has_aux` (gradient, aux).

    Raises
    ------
    NotDifferentiableError, ArgumentError
        For integers, strings and the like, or an output that is no real scalar; argnums that do not fit.

    Notes
    -----
    Exact to rounding, at a small multiple of the cost of `fun`, whatever the number of inputs (Griewank &
    Walther 2008, section 4.6); memory grows with the number of operations.

    Examples
    --------
    >>> grad(lambda x, y: np.log(x) + x * y - np.sin(y), argnums=(0, 1))(2.0, 5.0)
    (np.float64(5.5), np.float64(1.7163378145367738))
    """
    both = value_and_grad(fun, argnums, has_aux, holomorphic=holomorphic, conj=conj, argnum=argnum, lift=lift)

    @wraps(fun)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, g = both(*args, **kwargs)
        return (g, value[1]) if has_aux else g

    return gradient


def elementwise_grad(fun: Callable[..., Any], argnum: int = 0) -> Callable[..., Any]:
    """Return the derivative of an elementwise function at every point of its argument.

    Parameters
    ----------
    fun : callable
        Its result has the shape of argument `argnum`, and each entry depends on the same entry of that
        argument only.
    argnum : int
        Which positional argument to differentiate.

    Returns
    -------
    callable
        With the arguments of `fun`; returns an array of the argument's shape.

    Raises
    ------
    ArgumentError
        If the result has another shape than the argument.

    Examples
    --------
    >>> elementwise_grad(np.tanh)(np.array([0.0, 1.0]))
    array([1.        , 0.41997434])
    """
    check_callable(fun, "elementwise_grad")

    @wraps(fun)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments(argnum, args, kwargs, "elementwise_grad")
        if len(arguments.leaves) != 1:
            raise ArgumentError(
                f"elementwise_grad was asked for the derivative with respect to {len(arguments.leaves)} arrays",
                why="it gives one derivative at every point of one array.",
                instead="use wengert.grad of a sum, or wengert.jacobian.",
            )
        ys, pull = record(
            lambda *leaves: (as_output(arguments.call(fun, leaves), "elementwise_grad"),), arguments.leaves
        )
        (x,), (y,) = arguments.leaves, ys
        if np.shape(y) != np.shape(x):
            raise ArgumentError(
                f"the function given to elementwise_grad maps shape {np.shape(x)} to {np.shape(y)}",
                why="the derivative at every point is defined only for functions that act entry by entry.",
                instead="use wengert.jacobian, or wengert.grad of a sum.",
            )
        (x_bar,) = pull.once((np.ones(np.shape(y), y.dtype)[()],))
        return own_results([x_bar], [x])[0]

    return derivative


def _split_aux(y: Any) -> tuple[Any, Any]:
    if not (isinstance(y, tuple) and len(y) == 2):
        raise ArgumentError(
            "with has_aux=True the function must return a pair (value, aux)",
            why="the value is differentiated, and aux is handed through.",
            instead="return (value, aux), or leave has_aux out.",
        )
    return y


def _seed(y: Any, *, holomorphic: bool) -> Any:
    """Return the cotangent 1 of an output, which must be real and of size 1."""
    if y.size != 1:
        raise NotDifferentiableError(
            f"the function given to grad returned shape {y.shape}; a gradient needs one number",
            why="the gradient is the derivative of a single real output.",
            instead="use wengert.jacobian for several outputs, elementwise_grad for an elementwise function, or a sum.",
        )
    if y.dtype.kind == "c" and not holomorphic:
        raise NotDifferentiableError(
            "the function given to grad returned a complex number",
            why="the gradient is that of a real function; a complex one has two.",
            instead="return np.abs(y), y.real or y.imag, or pass holomorphic=True if the function is holomorphic.",
        )
    if y.dtype.kind not in "fc":
        raise NotDifferentiableError(
            f"the function given to grad returned {y.dtype}",
            why="integers and booleans are constant wherever they have a derivative.",
            instead="return a float.",
        )
    return y.dtype.type(1) if not y.shape else np.ones(y.shape, y.dtype)
