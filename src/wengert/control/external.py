"""Opaque functions with derivatives: the short registry of rules, and code that only takes plain numbers.

primitive(fun), defvjp(f, *makers), defjvp(f, *rules)     autograd's form, for functions of arrays with one result
external(fun, jvp=..., vjp=..., fd=...)                   C, Fortran, a service; differences on request
"""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.control.custom import bound_method, custom_derivative, require_plain, zero_like
from wengert.control.differences import STEPS, difference_rules
from wengert.core.dispatch import Traced
from wengert.core.primitive import Primitive, Site
from wengert.errors import ArgumentError, RuleMissingError
from wengert.ops.families import match, spread
from wengert.transforms.reverse import record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["UserPrimitive", "defjvp", "defvjp", "external", "primitive"]


class UserPrimitive:
    """An opaque function of arrays with one result, and the rules registered for it."""

    def __init__(self, fun: Callable[..., Any]) -> None:
        self.fun = fun
        self.name: str = getattr(fun, "__name__", repr(fun))
        self.vjp_makers: dict[int, Any] = {}
        self.jvp_rules: dict[int, Any] = {}
        update_wrapper(self, fun)
        self._record = Primitive(
            name=self.name, doc="A function of the user's own.", eval=self._eval, jvp=self._jvp, vjp=self._vjp
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        traced = [name for name, value in kwargs.items() if isinstance(value, Traced)]
        if traced:
            raise ArgumentError(
                f"{self.name} was called with a traced keyword argument {traced[0]!r}",
                why="keyword arguments of a primitive are constants; its rules give no derivative for them.",
                instead="pass it by position, or pass wengert.stop_gradient(value).",
            )
        return self._record(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Be a method when looked up on an object: the object is the first argument."""
        return bound_method(self, instance)

    def _eval(self, *xs: Any, **kwargs: Any) -> Any:
        y = self.fun(*xs, **kwargs)
        require_plain([y], xs, self.name)
        return y if hasattr(y, "dtype") else np.asarray(y)[()]

    def _rule(self, rules: dict[int, Any], i: int, kind: str) -> Any:
        if i not in rules and None not in rules:
            raise RuleMissingError(
                f"{self.name} has no derivative rule for argument {i}",
                instead=f"register one with wengert.{kind}({self.name}, ...), None for an argument without derivative.",
            )
        return rules[i]

    def _jvp(self, xs: Sequence[Any], x_dots: Sequence[Any], **kwargs: Any) -> tuple[Any, Any]:
        y = self(*xs, **kwargs)
        if not self.jvp_rules:
            return y, self._transposed_makers(y, xs, x_dots, kwargs)
        y_dot = None
        for i, x_dot in enumerate(x_dots):
            if x_dot is None or (rule := self._rule(self.jvp_rules, i, "defjvp")) is None:
                continue
            if rule == "same":
                part = self(*[x_dot if j == i else x for j, x in enumerate(xs)], **kwargs)
            else:
                part = rule(x_dot, y, *xs, **kwargs)
            y_dot = part if y_dot is None else y_dot + part
        return y, None if y_dot is None else spread(y_dot, y)

    def _transposed_makers(self, y: Any, xs: Sequence[Any], x_dots: Sequence[Any], kwargs: Any) -> Any:
        active = [i for i, x_dot in enumerate(x_dots) if x_dot is not None]

        def pull(y_bar: Any) -> list[Any]:
            return [self._x_bar(i, y_bar, y, xs, kwargs) for i in active]

        _, transpose = record(pull, [zero_like(y)])
        return transpose([x_dots[i] for i in active])[0]

    def _x_bar(self, i: int, y_bar: Any, y: Any, xs: Sequence[Any], kwargs: Any) -> Any:
        maker = self._rule(self.vjp_makers, i, "defvjp")
        return zero_like(xs[i]) if maker is None else match(maker(y, *xs, **kwargs)(y_bar), xs[i])

    def _vjp(self, y_bar: Any, site: Site, **kwargs: Any) -> list[Any]:
        if self.vjp_makers:
            return [
                self._x_bar(i, y_bar, site.y, site.xs, kwargs) if need else None
                for i, need in enumerate(site.needs)
            ]
        same = {
            i
            for i, need in enumerate(site.needs)
            if need and self._rule(self.jvp_rules, i, "defjvp") == "same"
        }
        active = [i for i, need in enumerate(site.needs) if need and i not in same]
        found = {i: self._transposed_columns(i, y_bar, site.xs, kwargs) for i in same}

        def push(*dots: Any) -> list[Any]:
            x_dots: list[Any] = [None] * len(site.xs)
            for i, dot in zip(active, dots, strict=True):
                x_dots[i] = dot
            return [self._jvp(site.xs, x_dots, **kwargs)[1]]

        if active:
            _, transpose = record(push, [zero_like(site.xs[i]) for i in active])
            found.update(zip(active, transpose([y_bar]), strict=True))
        return [found.get(i) for i in range(len(site.xs))]

    def _transposed_columns(self, i: int, y_bar: Any, xs: Sequence[Any], kwargs: Any) -> Any:
        """Return the cotangent of an argument in which the opaque function is linear: one call per entry."""
        x = xs[i]
        units = np.eye(np.size(x), dtype=x.dtype).reshape((np.size(x), *np.shape(x)))
        columns = [self(*xs[:i], unit, *xs[i + 1 :], **kwargs) for unit in units]
        return np.reshape(np.stack([np.sum(y_bar * column) for column in columns]), np.shape(x))


def primitive(fun: Callable[..., Any]) -> UserPrimitive:
    """Return a function of arrays as an opaque operation, whose derivatives `defvjp` and `defjvp` declare.

    Parameters
    ----------
    fun : callable
        Takes plain arrays by position and returns one array; keyword arguments are constants.

    Returns
    -------
    callable
        The same function on plain and traced arrays.

    Raises
    ------
    RuleMissingError
        When differentiated with respect to an argument without a rule.

    Examples
    --------
    >>> from wengert import defvjp, grad, primitive
    >>> cube = primitive(lambda x: x**3)
    >>> defvjp(cube, lambda y, x: lambda g: 3.0 * x**2 * g)
    >>> grad(cube)(2.0)
    np.float64(12.0)
    """
    return UserPrimitive(fun)


def _require_primitive(f: Any, name: str) -> UserPrimitive:
    if isinstance(f, UserPrimitive):
        return f
    raise ArgumentError(
        f"{name} needs a function made by wengert.primitive, not {type(f).__name__}",
        why="it registers rules with an opaque function.",
        instead="write f = wengert.primitive(fun), or use wengert.custom_derivative.",
    )


def defvjp(f: UserPrimitive, *makers: Any, argnums: Sequence[int] | None = None) -> None:
    r"""Declare cotangent rules of a primitive: for each argument a maker (y, \*xs) -> (y_bar -> x_bar), or None.

    Parameters
    ----------
    f : primitive
        Made by `primitive`.
    *makers : callable or None
        One per argument; None for an argument without derivative.
    argnums : sequence of int, optional
        Which arguments the makers are for; the first ones by default.

    Raises
    ------
    ArgumentError
        If `f` is no primitive.

    Notes
    -----
    y_bar has the shape of y, x_bar must have that of x: it is the transposed Jacobian times y_bar, without
    conjugation for complex numbers. Rules are plain NumPy, and are differentiated for higher orders.

    Examples
    --------
    >>> from wengert import defvjp, grad, primitive
    >>> product = primitive(lambda x, y: x * y)
    >>> defvjp(product, lambda z, x, y: lambda g: g * y, lambda z, x, y: lambda g: g * x)
    >>> grad(product, argnums=(0, 1))(2.0, 5.0)
    (np.float64(5.0), np.float64(2.0))
    """
    places = range(len(makers)) if argnums is None else argnums
    _require_primitive(f, "defvjp").vjp_makers.update(zip(places, makers, strict=True))


def defjvp(f: UserPrimitive, *rules: Any, argnums: Sequence[int] | None = None) -> None:
    r"""Declare tangent rules of a primitive: for each argument (x_dot, y, \*xs) -> y_dot, "same" if linear, or None.

    Parameters
    ----------
    f : primitive
        Made by `primitive`.
    *rules : callable, "same" or None
        One per argument; "same" for an argument in which `f` is linear.
    argnums : sequence of int, optional
        Which arguments the rules are for; the first ones by default.

    Raises
    ------
    ArgumentError
        If `f` is no primitive.

    Notes
    -----
    x_dot has the shape of x, y_dot must have that of y: it is the Jacobian times x_dot. Contributions of
    several arguments are added.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import defjvp, jvp, primitive
    >>> scaled_exp = primitive(lambda a, x: a * np.exp(x))
    >>> defjvp(scaled_exp, "same", lambda x_dot, y, a, x: y * x_dot)
    >>> jvp(scaled_exp, (2.0, 0.0), (1.0, 1.0))
    (np.float64(2.0), np.float64(3.0))
    """
    places = range(len(rules)) if argnums is None else argnums
    _require_primitive(f, "defjvp").jvp_rules.update(zip(places, rules, strict=True))


# External -----------------------------------------------------------------------------------------------------------


def _check_rules(jvp: Any, vjp: Any, fd: str | None) -> None:
    if fd is not None and fd not in STEPS:
        raise ArgumentError(
            f"fd is {fd!r}",
            why="it names a difference quotient.",
            instead='give None, "central" or "complex".',
        )
    if jvp is None and vjp is None and fd is None:
        raise ArgumentError(
            "external needs a derivative: jvp=, vjp= or fd=",
            why="nothing is known of the code inside.",
            instead='pass a rule, fd="central" to approximate it, or wrap arguments in wengert.stop_gradient.',
        )


def external(
    fun: Callable[..., Any],
    *,
    out: Any = None,
    jvp: Callable[..., Any] | None = None,
    vjp: Callable[..., Any] | None = None,
    fd: str | None = None,
) -> Callable[..., Any]:
    """Return opaque code as a differentiable function of arrays.

    Parameters
    ----------
    fun : callable
        Takes plain arrays by position, and is never given traced values.
    out : array type, optional
        Shape and dtype of the result, for tools that need it before a call.
    jvp : callable, optional
        (primals, tangents) -> (y, y_dot), tuples with one entry per argument.
    vjp : callable, optional
        (primals, y_bar) -> tuple of x_bars.
    fd : {None, "central", "complex"}
        Approximate the derivative by differences, where no rule is given: "central" is accurate to about
        1e-10 relative, "complex" (the complex step of Squire & Trapp 1998) to rounding, if `fun` accepts
        complex arguments and is analytic. The points are in double precision.

    Returns
    -------
    callable
        The differentiable function.

    Raises
    ------
    ArgumentError
        If neither a rule nor `fd` is given where a derivative is wanted, or `fd` is unknown.
    NotDifferentiableError
        For a second derivative by differences.

    Examples
    --------
    >>> import math
    >>> from wengert import external, grad
    >>> grad(external(lambda x: math.sin(float(x)), fd="central"))(0.5)  # doctest: +ELLIPSIS
    np.float64(0.87758256...)
    """
    _check_rules(jvp, vjp, fd)
    wrapped = custom_derivative(fun)
    wrapped.out = out  # type: ignore[attr-defined]
    if jvp is not None:
        wrapped.defjvp(jvp)
    if vjp is not None:
        wrapped.defvjp(lambda *xs: (wrapped(*xs), xs), vjp)
    if fd is not None:
        tangent, cotangent = difference_rules(wrapped, fd)
        if jvp is None:
            wrapped.defjvp(tangent)
        if vjp is None:
            wrapped.defvjp(lambda *xs: (wrapped(*xs), xs), cotangent)
    return wrapped
