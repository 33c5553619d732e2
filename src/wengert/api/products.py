"""Products with Jacobians and Hessians: one sweep each, whatever the number of inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wengert import tree
from wengert.api.arguments import (
    disjoint,
    fresh,
    own_results,
    settled,
    zeros_of,
)
from wengert.api.flat import FlatFunction, zero_tangent
from wengert.api.gradients import grad, value_and_grad
from wengert.transforms.forward import push
from wengert.transforms.reverse import record

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["hvp", "jvp", "linear_transpose", "linearize", "vhp", "vjp"]


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Return f(x) and the Jacobian-vector product f'(x) x_dot, by forward mode.

    Parameters
    ----------
    fun : callable
        Any function of pytrees; with `has_aux` it returns (value, aux).
    primals, tangents : tuple
        One entry per positional argument, in equal structures; a tangent has the shape and dtype of its
        primal.
    has_aux : bool
        Whether `fun` returns (value, aux).

    Returns
    -------
    y, y_dot
        Of equal structure; with `has_aux`, aux as a third.

    Raises
    ------
    ArgumentError
        If the tangents do not fit the primals.
    NotDifferentiableError
        For primals that are not floating or complex.

    Notes
    -----
    Costs about 2 to 2.5 runs of `fun`, and keeps nothing of it (Griewank & Walther 2008, section 3.1).

    Examples
    --------
    >>> import numpy as np
    >>> jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    flat = FlatFunction(fun, primals, "jvp", has_aux=has_aux)
    x_dots = flat.directions(tuple(tangents), flat.structure, flat.leaves, "tangent")
    ys, y_dots = push(flat, flat.leaves, x_dots)
    dots = [zero_tangent(y) if y_dot is None else y_dot for y, y_dot in zip(ys, y_dots, strict=True)]
    y, y_dot = flat.result(ys), flat.result(disjoint(dots, x_dots))
    return (y, y_dot, settled(flat.aux)) if has_aux else (y, y_dot)


def vjp(fun: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return f(x) and its pullback y_bar -> y_bar f'(x), by reverse mode.

    Parameters
    ----------
    fun : callable
        Any function of pytrees; with `has_aux` it returns (value, aux).
    *primals
        Its arguments.
    has_aux : bool
        Whether `fun` returns (value, aux).

    Returns
    -------
    y, pullback
        `pullback(y_bar)` gives a tuple with one cotangent per argument, and can be called many times; with
        `has_aux`, aux as a third.

    Raises
    ------
    NotDifferentiableError
        For primals that are not floating or complex.
    ArgumentError
        From the pullback, if a cotangent does not fit the output.

    Notes
    -----
    Complex numbers: the pairing is Re(sum(y_bar * y_dot)), without conjugation, as in JAX and autograd.

    Examples
    --------
    >>> y, pullback = vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> pullback(1.0)
    (np.float64(4.0), np.float64(3.0))
    """
    flat = FlatFunction(fun, primals, "vjp", has_aux=has_aux)
    ys, pull = record(flat, flat.leaves)

    def pullback(y_bar: Any) -> Any:
        y_bars = flat.directions(y_bar, flat.out_structure, ys, "cotangent")
        x_bars = own_results(pull(y_bars), flat.leaves, taken=y_bars)
        return tree.unflatten(flat.structure, x_bars)

    y = flat.result([fresh(y) for y in ys])
    return (y, pullback, settled(flat.aux)) if has_aux else (y, pullback)


def linearize(fun: Callable[..., Any], *primals: Any) -> Any:
    """Return f(x) and the linear map x_dot -> f'(x) x_dot: the function runs once, the map applies many times.

    Parameters
    ----------
    fun : callable
        Any function of pytrees.
    *primals
        Its arguments.

    Returns
    -------
    y, jvp_fun
        `jvp_fun(*tangents)` gives y_dot.

    Raises
    ------
    NotDifferentiableError, ArgumentError
        As for `vjp` and `jvp`.

    Notes
    -----
    The pullback is linear in y_bar; its own pullback is the transpose of the transpose.

    Examples
    --------
    >>> import numpy as np
    >>> y, f_dot = linearize(np.sin, 0.0)
    >>> f_dot(1.0), f_dot(2.0)
    (np.float64(1.0), np.float64(2.0))
    """
    flat = FlatFunction(fun, primals, "linearize")
    ys, pull = record(flat, flat.leaves)
    x_zeros = [zeros_of(x) for x in flat.leaves]

    def pull_dense(*y_bars: Any) -> list[Any]:
        return [zero if x_bar is None else x_bar for x_bar, zero in zip(pull(y_bars), x_zeros, strict=True)]

    _, push_dense = record(pull_dense, [zero_tangent(y) for y in ys])

    def jvp_fun(*tangents: Any) -> Any:
        x_dots = flat.directions(tuple(tangents), flat.structure, flat.leaves, "tangent")
        return flat.result(own_results(push_dense(x_dots), [zero_tangent(y) for y in ys], taken=x_dots))

    return flat.result([fresh(y) for y in ys]), jvp_fun


def linear_transpose(fun: Callable[..., Any], *primals: Any) -> Callable[[Any], Any]:
    """Return the transpose of a linear function.

    Parameters
    ----------
    fun : callable
        Linear in its arguments, f(a x + b y) = a f(x) + b f(y).
    *primals
        Arguments of the right shapes and dtypes; their values do not matter.

    Returns
    -------
    callable
        y_bar -> tuple of x_bars.

    Raises
    ------
    NotDifferentiableError, ArgumentError
        As for `vjp`.

    Examples
    --------
    >>> linear_transpose(lambda x: 3.0 * x, 1.0)(2.0)
    (np.float64(6.0),)
    """
    _, pullback = vjp(fun, *primals)
    return pullback  # type: ignore[no-any-return]


def _as_primals(primals: Any, directions: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    return (
        (tuple(primals), tuple(directions))
        if isinstance(primals, tuple | list)
        else ((primals,), (directions,))
    )


def hvp(fun: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """Return the gradient and the Hessian-vector product H v of a real function, forward over reverse.

    Parameters
    ----------
    fun : callable
        Returns a real number.
    primals, tangents : tuple
        Arguments and the vector v, one entry per argument.

    Returns
    -------
    gradient, H v
        For one argument, each in its structure; for several, tuples.

    Raises
    ------
    NotDifferentiableError, ArgumentError
        As for `grad` and `jvp`.

    Notes
    -----
    Costs a small multiple of a gradient; the Hessian is never formed (Pearlmutter 1994).

    Examples
    --------
    >>> hvp(lambda x: x**3, (2.0,), (1.0,))
    (np.float64(12.0), np.float64(12.0))
    """
    primals, tangents = _as_primals(primals, tangents)
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(fun, argnums), primals, tangents)  # type: ignore[no-any-return]


def vhp(fun: Callable[..., Any], primals: Any, cotangent: Any) -> tuple[Any, Any]:
    """Return the value of a real function and the vector-Hessian product v^T H, reverse over reverse.

    Parameters
    ----------
    fun : callable
        Returns a real number.
    primals, cotangent : tuple
        Arguments and the vector v, one entry per argument.

    Returns
    -------
    value, v^T H
        For one argument v^T H in its structure; for several, a tuple.

    Raises
    ------
    NotDifferentiableError, ArgumentError
        As for `grad` and `vjp`.

    Examples
    --------
    >>> vhp(lambda x: x**3, (2.0,), (1.0,))
    (np.float64(8.0), np.float64(12.0))
    """
    primals, cotangent = _as_primals(primals, cotangent)
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    both = value_and_grad(fun, argnums)
    _, pullback, value = vjp(lambda *xs: both(*xs)[::-1], *primals, has_aux=True)
    x_bars = pullback(cotangent[0] if len(primals) == 1 else cotangent)
    return value, (x_bars[0] if len(primals) == 1 else x_bars)
