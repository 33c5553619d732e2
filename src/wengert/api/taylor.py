"""Taylor mode: power series through a function, derivatives of high order, Laplacians."""

from __future__ import annotations

import math
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.arguments import Arguments, as_output, disjoint
from wengert.api.flat import FlatFunction, zero_tangent
from wengert.errors import ArgumentError, NotDifferentiableError, check_callable
from wengert.transforms.laplacian import collapse
from wengert.transforms.taylor import expand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["derivative", "laplacian", "taylor"]


def taylor(fun: Callable[..., Any], primals: Any, series: Any) -> tuple[Any, list[Any]]:
    """Return f(x_0) and the further coefficients of the power series of f(x_0 + x_1 t + x_2 t^2 + ...).

    Parameters
    ----------
    fun : callable
        Any function of pytrees.
    primals : tuple
        x_0, one entry per positional argument.
    series : tuple of lists
        For each argument [x_1, ..., x_K], in the structure of its primal. They are coefficients, not derivatives: x_k
        is the k-th derivative by t divided by k!.

    Returns
    -------
    y : pytree
        f(x_0).
    y_series : list of pytrees
        [y_1, ..., y_K] with f(x_0 + x_1 t + ...) = y + y_1 t + ... + y_K t^K + O(t^(K+1)).

    Raises
    ------
    ArgumentError
        If the lists have different lengths, or coefficients do not fit the primals.
    NotDifferentiableError
        For primals that are not floating or complex.

    Notes
    -----
    Costs of the order of K^2 runs of `fun`, where K nested forward modes cost 2^K: elementary functions have
    recurrences (Griewank and Walther 2008, chapter 13). Other operations go by their jvp rule on series of one order
    less.

    Examples
    --------
    >>> y, coefficients = taylor(np.exp, (0.0,), ([1.0, 0.0, 0.0],))
    >>> [float(y), *[round(float(c), 4) for c in coefficients]]
    [1.0, 1.0, 0.5, 0.1667]
    """
    flat = FlatFunction(fun, primals, "taylor")
    columns = _columns(primals, series)
    found = [flat.directions(column, flat.structure, flat.leaves, "coefficient") for column in columns]
    ys, y_series = expand(flat, flat.leaves, list(zip(*found, strict=True)), len(columns))
    given = [c for column in found for c in column]
    results = [
        [zero_tangent(y) if c is None else c for y, c in zip(ys, column, strict=True)]
        for column in (zip(*y_series, strict=True) if y_series else [()] * len(columns))
    ]
    own = iter(disjoint([c for column in results for c in column], given))
    return flat.result(ys), [flat.result([next(own) for _ in column]) for column in results]


def _columns(primals: Any, series: Any) -> list[tuple[Any, ...]]:
    """Return the coefficients of all arguments order by order, if there are as many of each."""
    rows = series if isinstance(series, tuple | list) else None
    if rows is None or len(rows) != len(primals) or not all(isinstance(row, tuple | list) for row in rows):
        raise ArgumentError(
            f"taylor takes one list of coefficients for each of its {len(primals)} primal(s)",
            why="every argument is a power series, and its primal the constant term.",
            instead="write taylor(f, (x,), ([x1, x2],)).",
        )
    lengths = sorted({len(row) for row in rows})
    if len(lengths) != 1 or not lengths[0]:
        raise ArgumentError(
            f"taylor got series of {' and '.join(map(str, lengths)) or 'no'} coefficients",
            why="the result has as many coefficients as each of the arguments, and at least one.",
            instead="give lists of equal lengths; fill up with zeros.",
        )
    return list(zip(*rows, strict=True))


def derivative(fun: Callable[..., Any], order: int = 1) -> Callable[..., Any]:
    """Return the derivative of some order of a function of one real number.

    Parameters
    ----------
    fun : callable
        Its first argument is a number, with respect to which it is differentiated; further ones are constants. Returns
        numbers, arrays or pytrees of them.
    order : int
        How often to differentiate; 0 or more.

    Returns
    -------
    callable
        With the arguments of `fun`; returns what `fun` returns, differentiated.

    Raises
    ------
    ArgumentError
        If the argument is not one real number, or the order not a whole one.

    Notes
    -----
    One run of `fun` on power series (see `taylor`): the work grows with the square of the order.

    Examples
    --------
    >>> derivative(np.tanh, 3)(0.0)
    np.float64(-2.0)
    """
    check_callable(fun, "derivative")
    if type(order) is not int or order < 0:
        raise ArgumentError(
            f"derivative got order {order!r}",
            why="a function is differentiated a whole number of times.",
            instead="give an integer of 0 or more.",
        )

    @wraps(fun)
    def derived(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments(0, args, kwargs, "derivative")
        x = _real_number(arguments.leaves)
        if not order:
            return fun(*args, **kwargs)
        structures: list[Any] = []

        def flat(x: Any) -> list[Any]:
            ys, structure = tree.flatten(arguments.call(fun, [x]))
            structures.append(structure)
            return [as_output(y, "derivative") for y in ys]

        ys, series = expand(flat, [x], [(x.dtype.type(1), *[None] * (order - 1))], order)
        found = [
            zero_tangent(y) if s[-1] is None else _factorial_times(s[-1], order)
            for y, s in zip(ys, series, strict=True)
        ]
        return tree.unflatten(structures[0], disjoint(found))

    return derived


def _real_number(leaves: Sequence[Any]) -> Any:
    if len(leaves) == 1 and not np.shape(leaves[0]) and leaves[0].dtype.kind == "f":
        return leaves[0]
    found = ", ".join(f"{x.dtype} of shape {np.shape(x)}" for x in leaves) or "nothing"
    raise ArgumentError(
        f"derivative was asked for at {found}",
        why="it differentiates a function of one real number.",
        instead="use wengert.elementwise_grad for a function that acts entry by entry, wengert.jacobian or "
        "wengert.taylor for others.",
    )


_LARGEST = 170  # whose factorial is a double


def _factorial_times(c: Any, order: int) -> Any:
    """Return order! c; a coefficient of high order is small where its derivative is not infinite."""
    c = c * float(math.factorial(min(order, _LARGEST)))
    for k in range(_LARGEST + 1, order + 1):
        c = c * float(k)
    return c


def laplacian(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return the Laplacian of a function: the sum of its second derivatives by every entry of its first argument.

    Parameters
    ----------
    fun : callable
        Its first argument is an array of real numbers, of any shape, or a pytree of them; further ones are constants.
        Returns numbers, arrays or pytrees of them.

    Returns
    -------
    callable
        With the arguments of `fun`; returns what `fun` returns, each entry as its Laplacian.

    Raises
    ------
    NotDifferentiableError
        For a first argument that is not real and floating.

    Notes
    -----
    One run of `fun` carries values, their derivatives along all n directions, and one sum of second derivatives: about
    half the work of n times forward over forward mode, without its overhead, and no Hessian is formed (Li et al. 2024,
    "A computational framework for neural network-based variational Monte Carlo with Forward Laplacian"; Dangel et al.
    2025, "Collapsing Taylor mode automatic differentiation").

    For a function that maps each of many points to a number, let one shift move them all:
    ``laplacian(lambda s: u(points + s))(np.zeros(d))`` has the Laplacians of u at all points.

    Examples
    --------
    >>> laplacian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    np.float64(18.0)
    """
    check_callable(fun, "laplacian")

    @wraps(fun)
    def summed(*args: Any, **kwargs: Any) -> Any:
        arguments = Arguments(0, args, kwargs, "laplacian")
        _require_real(arguments.leaves)
        structures: list[Any] = []

        def flat(*leaves: Any) -> list[Any]:
            ys, structure = tree.flatten(arguments.call(fun, leaves))
            structures.append(structure)
            return [as_output(y, "laplacian") for y in ys]

        ys, sums = collapse(flat, arguments.leaves)
        found = [zero_tangent(y) if s is None else s for y, s in zip(ys, sums, strict=True)]
        return tree.unflatten(structures[0], disjoint(found))

    return summed


def _require_real(leaves: Sequence[Any]) -> None:
    for x in leaves:
        if x.dtype.kind != "f":
            raise NotDifferentiableError(
                f"laplacian was asked for with respect to an array of {x.dtype}",
                why="it is the sum of second derivatives along the real axes.",
                instead="give real numbers: for z = x + iy, the parts x and y as two arrays.",
            )
