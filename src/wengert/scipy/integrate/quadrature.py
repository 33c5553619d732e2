"""Integrals of functions: quad, dblquad, fixed_quad.

The integral of f over (a, b) is differentiated by Leibniz' rule,

    d/dp int_a^b f(t, p) dt = f(b, p) b' - f(a, p) a' + int_a^b df/dp (t, p) dt,

where the integral on the right is an adaptive one of its own, to the same tolerances, rather than the
derivative of the steps that the first one took. Its integrand has several components: they are integrated one
by one, at points that mostly coincide, so that the integrand is evaluated once at each point and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.integrate

from wengert import tree
from wengert.api.products import jvp, vjp
from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand, traced_leaves
from wengert.core.primitive import Primitive, Site, define
from wengert.errors import ArgumentError, RefusedError
from wengert.ops.families import match, spread
from wengert.scipy.integrate.parameters import is_number, replaced
from wengert.types import ArrayType

__all__ = ["dblquad", "fixed_quad", "quad"]


@dataclass(frozen=True, eq=False)
class Integrand:
    """A function (t, *xs) -> vector of components, and how to integrate it.

    Attributes
    ----------
    fun, size : callable, int
        The function and the number of its components.
    options : dict
        Those of `scipy.integrate.quad`.
    name : str
        For messages.
    errors : list of float
        SciPy's estimates of the absolute error, one for each integral that was taken.
    """

    fun: Callable[..., Any]
    size: int
    options: dict[str, Any]
    name: str
    errors: list[float] = field(default_factory=list)

    def at(self, t: Any, xs: Sequence[Any]) -> Any:
        """Return the components at t."""
        return self.fun(t, *xs)

    def derived(self, fun: Callable[..., Any], size: int) -> Integrand:
        """Return a derivative of the function, to be integrated like it."""
        return Integrand(fun, size, self.options, self.name)


# integral -----------------------------------------------------------------------------------------------------------
#
# Operands are a, b and the parameters; the result is the vector of integrals.


class _ClosesOverTracedError(Exception):
    """The integrand used a traced value that is not among its arguments."""


def _integral_eval(a: Any, b: Any, *xs: Any, integrand: Integrand) -> Any:
    known: dict[float, Any] = {}

    def component(t: float, i: int) -> Any:
        if t not in known:
            known[t] = integrand.at(np.float64(t), xs)
            if isinstance(known[t], Traced):
                raise _ClosesOverTracedError
        return known[t][i]

    try:
        found = [
            scipy.integrate.quad(component, float(a), float(b), args=(i,), **integrand.options)[:2]
            for i in range(integrand.size)
        ]
    except _ClosesOverTracedError:
        raise ArgumentError(
            f"{integrand.name} uses a traced value that is not among its arguments",
            why="the integral is differentiated with respect to its limits and args; it cannot know of a value that "
            "the function closes over.",
            instead="pass the value through args=(...).",
        ) from None
    values = np.array(found).reshape(-1, 2)
    integrand.errors.extend(values[:, 1].tolist())
    return values[:, 0]


def _boundary(integrand: Integrand, limit: Any, xs: Sequence[Any]) -> Any:
    """Return the integrand at a limit; 0 at infinity, which does not move."""
    infinite: Any = np.isinf(limit)
    if isinstance(infinite, Traced):  # under `vmap`: some limits may be infinite
        some: Any = infinite
        return np.where(some, 0.0, integrand.at(np.where(some, 0.0, limit), xs))
    return np.zeros(integrand.size) if infinite else integrand.at(limit, xs)


def _integral_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, integrand: Integrand) -> tuple[Any, Any]:
    (a, b, *ps), (a_dot, b_dot, *p_dots) = xs, x_dots
    y = integral(a, b, *ps, integrand=integrand)
    terms = []
    if b_dot is not None:
        terms.append(_boundary(integrand, b, ps) * b_dot)
    if a_dot is not None:
        terms.append(-_boundary(integrand, a, ps) * a_dot)
    moving = [i for i, p_dot in enumerate(p_dots) if p_dot is not None]
    if moving:
        n = len(ps)

        def tangent(t: Any, *args: Any) -> Any:
            held, dots = args[:n], args[n:]
            return jvp(
                lambda *moved: integrand.at(t, replaced(held, moving, moved)),
                tuple([held[i] for i in moving]),
                tuple(dots),
            )[1]

        derived = integrand.derived(tangent, integrand.size)
        terms.append(integral(a, b, *ps, *[p_dots[i] for i in moving], integrand=derived))
    return y, spread(sum(terms[1:], terms[0]), y)


def _integral_vjp(y_bar: Any, site: Site, *, integrand: Integrand) -> list[Any]:
    (a, b, *ps), (need_a, need_b, *need_ps) = site.xs, site.needs
    x_bars: list[Any] = [None] * len(site.xs)
    if need_a:
        x_bars[0] = match(-np.sum(y_bar * _boundary(integrand, a, ps)), a)
    if need_b:
        x_bars[1] = match(np.sum(y_bar * _boundary(integrand, b, ps)), b)
    moving = [i for i, need in enumerate(need_ps) if need]
    if moving:
        sizes = [np.size(ps[i]) for i in moving]

        def cotangents(t: Any, *args: Any) -> Any:
            held, y_bar = args[:-1], args[-1]
            _, pullback = vjp(
                lambda *moved: integrand.at(t, replaced(held, moving, moved)), *[held[i] for i in moving]
            )
            return np.concatenate([np.reshape(bar, -1) for bar in pullback(y_bar)])

        derived = integrand.derived(cotangents, sum(sizes))
        flat = integral(a, b, *ps, y_bar, integrand=derived)
        pieces = np.split(flat, np.cumsum(sizes)[:-1])
        for i, piece in zip(moving, pieces, strict=True):
            x_bars[2 + i] = match(np.reshape(piece, np.shape(ps[i])), ps[i])
    return x_bars


def _integral_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    def fun(t: Any, p: Any) -> Any:
        return np.stack([np.sin(p[0] * t), t * p[1]])

    integrand = Integrand(fun, 2, {}, "fun")
    yield (np.float64(0.2), np.float64(1.3), rng.normal(size=2)), {"integrand": integrand}


integral: Primitive = define(
    name="integral",
    doc="Integral of a vector of functions over an interval, adaptive (QUADPACK); Leibniz' rule.",
    eval=_integral_eval,
    infer=lambda *_types, integrand: ArrayType((integrand.size,), np.dtype(np.float64)),
    jvp=_integral_jvp,
    vjp=_integral_vjp,
    samples=_integral_samples,
)


# Front functions ----------------------------------------------------------------------------------------------------

_OPTIONS = frozenset({"epsabs", "epsrel", "limit", "points"})


def quad(func: Callable[..., Any], a: Any, b: Any, args: Any = (), **options: Any) -> tuple[Any, Any]:
    """Integral of a function over an interval, adaptively.

    Parameters
    ----------
    func : callable
        (t, *args) -> number.
    a, b : float
        Limits; may be infinite.
    args : tuple
        Further arguments, any pytrees. Traced parameters must be here: a function that closes over one
        raises.
    **options
        Those of `scipy.integrate.quad`; on traced values `epsabs`, `epsrel`, `limit` and `points`.

    Returns
    -------
    y : float
        The integral.
    abserr : float
        SciPy's estimate of its absolute error, without derivative.

    Raises
    ------
    ArgumentError
        If `func` closes over a traced value, or returns no number.
    RefusedError
        For traced values with another option.

    Notes
    -----
    The derivative is by Leibniz' rule: an integral of its own to the same tolerances. f(a) and
    f(b) enter where a and b are differentiated, and must be finite there.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import grad
    >>> g = grad(lambda p: quad(lambda t, p: np.exp(-p * t), 0.0, np.inf, args=(p,))[0])(2.0)  # of 1/p
    >>> bool(abs(g + 0.25) < 1e-12)
    True
    """
    args = args if isinstance(args, tuple) else (args,)
    leaves, structure = tree.flatten(args)
    others = options.keys() - _OPTIONS
    if others:
        return _plain(func, a, b, args, options, leaves, min(others))
    fixed = {i: leaf for i, leaf in enumerate(leaves) if not is_number(leaf)}
    places = [i for i in range(len(leaves)) if i not in fixed]

    def fun(t: Any, *xs: Any) -> Any:
        full = replaced(leaves, places, xs)
        return _as_component(func(t, *tree.unflatten(structure, full)), integrand.name)

    integrand = Integrand(fun, 1, options, getattr(func, "__name__", repr(func)))
    y = integral(operand(a), operand(b), *[leaves[i] for i in places], integrand=integrand)
    return y[0], max(integrand.errors)


def _as_component(y: Any, name: str) -> Any:
    if np.size(y) != 1:
        raise ArgumentError(
            f"the integrand {name} returned an array of shape {np.shape(y)}",
            why="quad integrates functions that return one number.",
            instead="integrate component by component, or use fixed_quad.",
        )
    return np.reshape(y, (1,))


def _plain(func: Any, a: Any, b: Any, args: Any, options: Any, leaves: Any, option: str) -> tuple[Any, Any]:
    """Call SciPy, which has options that are refused on traced values."""
    if traced_leaves([a, b, *leaves]):
        raise RefusedError(
            f"quad was called on traced values with {option}=",
            why="Leibniz' rule is implemented for plain integrals: others weight or return more than the integral.",
            instead="write the weight into the function, and use epsabs, epsrel, limit and points only.",
        )
    result: tuple[Any, Any] = scipy.integrate.quad(func, a, b, args=args, **options)
    return result


def dblquad(
    func: Callable[..., Any],
    a: Any,
    b: Any,
    gfun: Any,
    hfun: Any,
    args: Any = (),
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
) -> tuple[Any, Any]:
    """Integral over a region of the plane, as an integral of integrals.

    Parameters
    ----------
    func : callable
        (y, x, *args) -> number.
    a, b : float
        Limits of x.
    gfun, hfun : float or callable
        Limits of y, as numbers or functions of x (without args, so that they hold no traced parameter).
    args : tuple
        Further arguments, any pytrees.
    epsabs, epsrel : float
        Tolerances of both integrals.

    Returns
    -------
    y, abserr : float
        The integral; SciPy's estimate of its absolute error, without derivative.
    """
    args = args if isinstance(args, tuple) else (args,)

    def inner(x: Any, *args: Any) -> Any:
        low, high = (limit(x) if callable(limit) else limit for limit in (gfun, hfun))
        return quad(func, low, high, (x, *args), epsabs=epsabs, epsrel=epsrel)[0]

    return quad(inner, a, b, args, epsabs=epsabs, epsrel=epsrel)


def fixed_quad(func: Callable[..., Any], a: Any, b: Any, args: Any = (), n: int = 5) -> tuple[Any, None]:
    """Integral by Gaussian quadrature of fixed order, differentiated through its parts.

    Parameters
    ----------
    func : callable
        (t, *args) -> array: its last axis is that of t, a vector.
    a, b : float
        Limits, finite. Both the function and args may hold traced values.
    args : tuple
    n : int
        Number of points; exact for polynomials of degree 2 n - 1.

    Returns
    -------
    y : array
        The integral.
    None
        As in SciPy.
    """
    if any(bool(np.any(np.isinf(limit))) for limit in (a, b) if not isinstance(limit, Traced)):
        message = "Gaussian quadrature is only available for finite limits."
        raise ValueError(message)
    nodes, weights = np.polynomial.legendre.leggauss(n)
    t = (b - a) * (nodes + 1) / 2.0 + a
    return (b - a) / 2.0 * np.sum(weights * func(t, *args), axis=-1), None
