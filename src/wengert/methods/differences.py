"""Derivatives by difference formulas: along a direction, of elementwise functions, gradients and Jacobians."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import ArgumentError, NotDifferentiableError
from wengert.methods.adaptive import Estimate, adaptive, richardson
from wengert.methods.stencils import COMPLEX, FIVE_POINT, STENCILS, Stencil, epsilon, scale

__all__ = ["KINDS", "derivative", "directional", "gradient", "jacobian"]

KINDS = (*STENCILS, "richardson", "auto")

Step = float | str | None

# Ratios of complex steps: no powers of two, so that their round-off errors differ.
_SPREAD = (1.0, 0.71, 0.6, 0.37, 0.123)


def derivative(fun: Callable[[Any], Any], x: Any, *, kind: str = "central", step: Step = None) -> Any:
    """Derivative of a function of one number, or of an elementwise function at every entry of x.

    Parameters
    ----------
    fun : callable
        Function of one number; or elementwise, so that fun(x)[i] depends on x[i] alone.
    x : number or array
        Where to differentiate.
    kind : str
        forward, backward, central, five_point, complex, richardson or auto (see `directional`).
    step : float or "adaptive", optional
        The absolute step h; chosen from x and its precision when absent.

    Returns
    -------
    y_dot : number or array
        The derivative, of the shape of fun(x).

    Examples
    --------
    >>> derivative(np.sin, 0.0, kind="complex")
    np.float64(1.0)
    """
    x = _floating(x)
    if step is None and kind in STENCILS:
        # Every entry has a step of its own: move along the direction that has the size of the entries.
        speed = _sizes(x)
        h = STENCILS[kind].best_step(epsilon(x))
        return _plain(STENCILS[kind].difference(fun, x, speed, h) / speed)
    return directional(fun, x, np.ones_like(x), kind=kind, step=step).value


def gradient(fun: Callable[[Any], Any], x: Any, *, kind: str = "central", step: Step = None) -> Any:
    """Gradient of a function with one real or complex number as result, in the shape of x.

    The arguments are those of `derivative`; fun is called for each entry of x in turn.

    Examples
    --------
    >>> gradient(lambda x: x[0] * x[1], np.array([2.0, 5.0]), kind="complex")
    array([5., 2.])
    """
    rows = jacobian(fun, x, kind=kind, step=step)
    shape = np.shape(x)
    if np.size(rows) != np.size(x):
        raise ArgumentError(
            f"finite_difference.gradient: the result of the function has shape {rows.shape[: rows.ndim - len(shape)]}",
            why="a gradient needs a single number as result",
            instead="finite_difference.jacobian",
        )
    return _plain(np.reshape(rows, shape))


def jacobian(fun: Callable[[Any], Any], x: Any, *, kind: str = "central", step: Step = None) -> Any:
    """Jacobian of a function of an array, of shape fun(x).shape + x.shape.

    The arguments are those of `derivative`; fun is called for each entry of x in turn.

    Examples
    --------
    >>> jacobian(lambda x: np.stack([x[0] * x[1], x[0]]), np.array([2.0, 5.0]), kind="complex")
    array([[5., 2.],
           [1., 0.]])
    """
    x = _floating(x)
    _check_kind(kind)
    columns = []
    shared = kind in STENCILS and 0 in STENCILS[kind].offsets and step != "adaptive"
    here = fun(x) if shared and x.size else None  # all columns start from it
    for index in np.ndindex(x.shape):
        v = np.zeros_like(x)
        v[index] = 1.0
        columns.append(np.asarray(_column(fun, x, v, kind, step, here)))
    if not columns:
        return np.zeros(np.shape(fun(x)) + x.shape, x.dtype)
    rows = np.stack(columns, axis=-1)
    return _plain(np.reshape(rows, rows.shape[:-1] + x.shape))


def directional(
    fun: Callable[[Any], Any], x: Any, v: Any, kind: str = "auto", *, step: Step = None
) -> Estimate:
    """Derivative of fun at x along v, with an estimate of its error.

    Parameters
    ----------
    fun : callable
        Function of one array; its result is an array or a number.
    x, v : array
        Point and direction, of one shape.
    kind : str
        "auto": the complex step if the function accepts complex input and is analytic there, found out by
        comparing with a five-point difference, which is the answer otherwise. Or a kind of `derivative`.
    step : float or "adaptive", optional
        A fixed step, as multiple of v. When absent, or "adaptive", the best of a ladder of steps is found
        for every entry.

    Returns
    -------
    Estimate
        value, error, kind, step and the number of evaluations.

    Examples
    --------
    >>> found = directional(np.exp, np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    >>> found.kind, np.round(found.value, 12)
    ('complex', array([1., 0.]))
    """
    x, v = _point_and_direction(x, v)
    _check_kind(kind)
    if kind == "richardson":
        return _scalars(richardson(fun, x, v))
    if kind == "auto":
        return _scalars(_auto(fun, x, v))
    if kind == "complex":
        return _scalars(_complex_step(fun, x, v, step))
    if step is None or step == "adaptive":
        return _scalars(adaptive(fun, x, v, STENCILS[kind]))
    return _scalars(_fixed(fun, x, v, STENCILS[kind], _number(step)))


# helpers


def _auto(fun: Callable[[Any], Any], x: Any, v: Any) -> Estimate:
    """Return the complex step where it can be trusted, else the difference."""
    difference = adaptive(fun, x, v, FIVE_POINT)
    if np.iscomplexobj(x) or np.iscomplexobj(difference.value):
        return difference
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")
            exact = _complex_step(fun, x, v, None)
    except Exception:  # noqa: BLE001  a function that refuses complex numbers may do so in any way
        return difference
    # A function such as x*abs(x) accepts complex numbers but is not analytic, and its complex step is wrong.
    tolerance = 10 * difference.error + 100 * epsilon(difference.value) * np.abs(difference.value)
    with np.errstate(all="ignore"):
        agrees = np.all(np.abs(exact.value - difference.value) <= tolerance)
    if not agrees:
        return difference
    total = exact.evaluations + difference.evaluations
    return Estimate(exact.value, exact.error, exact.kind, exact.step, total)


def _complex_step(fun: Callable[[Any], Any], x: Any, v: Any, step: Step) -> Estimate:
    """Return the complex step, and as its error by how much rounding makes it differ between steps."""
    if np.iscomplexobj(x):
        raise NotDifferentiableError(
            "finite_difference: the complex step was asked for at a complex point",
            why="it reads the derivative from the imaginary part, which is in use",
            instead='kind="central" or "five_point"',
        )
    eps = epsilon(x)
    chosen = step is None or step == "adaptive"
    h = COMPLEX.best_step(eps) * scale(x, v) if chosen else _number(step)
    values = [np.asarray(fun(point)) for factor in _SPREAD for point in COMPLEX.points(x, v, factor * h)]
    if any(value.dtype.kind != "c" for value in values):
        raise NotDifferentiableError(
            "finite_difference: the complex step needs a function that returns complex numbers for complex input",
            why=f"the function returned {values[0].dtype}",
            instead='kind="central" or "five_point", or write the function in analytic operations',
        )
    found = np.stack([COMPLEX.combine([y], factor * h) for y, factor in zip(values, _SPREAD, strict=True)])
    value = found[0]
    error = np.max(np.abs(found - value), axis=0) + 4 * eps * np.abs(value)
    return Estimate(value, error, "complex", np.full(np.shape(value), h), len(values))


def _fixed(fun: Callable[[Any], Any], x: Any, v: Any, stencil: Stencil, h: float) -> Estimate:
    """Return D(h); its error is estimated from D(2h) and the bound of round-off."""
    values = [np.asarray(fun(point)) for point in stencil.points(x, v, h)]
    value = stencil.combine(values, h)
    coarse = stencil.difference(fun, x, v, 2 * h)
    truncation = np.abs(value - coarse) / (2**stencil.order - 1)
    error = truncation + stencil.round_off(values, epsilon(x, *values), h)
    return Estimate(value, error, stencil.name, np.full(np.shape(value), h), 2 * len(values))


def _column(fun: Callable[[Any], Any], x: Any, v: Any, kind: str, step: Step, here: Any) -> Any:
    """Return the derivative along a basis vector: the plain formula unless step selection is wanted."""
    if kind in STENCILS and step != "adaptive":
        stencil = STENCILS[kind]
        h = stencil.best_step(epsilon(x)) * scale(x, v) if step is None else _number(step)
        return stencil.difference(fun, x, v, h, here)
    return directional(fun, x, v, kind=kind, step=step).value


def _floating(x: Any) -> Any:
    x = np.asarray(x)
    if x.dtype.kind in "fc":
        return x
    if x.dtype.kind in "iub":
        return x.astype(float)
    raise NotDifferentiableError(
        f"finite_difference: the argument has dtype {x.dtype}", instead="one array of real or complex numbers"
    )


def _point_and_direction(x: Any, v: Any) -> tuple[Any, Any]:
    x, v = _floating(x), _floating(v)
    if x.shape != v.shape:
        raise ArgumentError(
            f"finite_difference: the point has shape {x.shape}, the direction {v.shape}",
            instead="a direction of the shape of the point",
        )
    return x, v.astype(np.result_type(x.dtype, v.dtype) if v.dtype.kind == "c" else x.dtype)


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ArgumentError(
            f"finite_difference: there is no kind {kind!r}", instead="one of " + ", ".join(KINDS)
        )


def _number(step: Step) -> float:
    number = np.nan if step is None or isinstance(step, str) else float(step)
    if not 0 < abs(number) < np.inf:
        raise ArgumentError(
            f"finite_difference: the step is {step!r}",
            instead='a number that is neither zero nor infinite, or step="adaptive"',
        )
    return number


def _sizes(x: Any) -> Any:
    """Return max(|x|, 1) for every entry, rounded to a power of two."""
    return np.exp2(np.round(np.log2(np.maximum(np.abs(x), 1)))).astype(x.real.dtype)


def _plain(y: Any) -> Any:
    """Return NumPy scalars for 0-d arrays, as NumPy does."""
    return y[()] if isinstance(y, np.ndarray) else y


def _scalars(estimate: Estimate) -> Estimate:
    return Estimate(
        _plain(estimate.value),
        _plain(estimate.error),
        estimate.kind,
        _plain(estimate.step),
        estimate.evaluations,
    )
