"""Derivative rules of the user's own, as a tangent rule, a cotangent rule, or both.

A call of a function with own rules binds one primitive, `custom`, whose parameter holds the function, its
rules and the structure of its arguments. A rule that is missing is the transpose of the other: y_dot is
linear in x_dot and x_bar in y_bar, so one pullback through the given rule at zero yields the other one. Rules
run on values that may be traced by an outer transformation, so they differentiate again, to any order.
"""

from __future__ import annotations

import inspect
from functools import update_wrapper
from types import MethodType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from wengert import tree
from wengert.core.dispatch import Traced, innermost
from wengert.core.primitive import Site, define
from wengert.errors import ArgumentError
from wengert.transforms.reverse import record
from wengert.types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "CustomCall",
    "bound_method",
    "custom",
    "custom_derivative",
    "custom_eval",
    "require_plain",
    "zero_like",
]


def zero_like(x: Any) -> Any:
    """Return a zero in the shape and dtype of a value; that of an integer is a float."""
    t = type_of(x)
    return np.zeros(t.shape, t.dtype if t.dtype.kind in "fc" else np.float64)[()]


def _is_operand(leaf: Any) -> bool:
    return isinstance(leaf, Traced | np.ndarray | np.generic | float | int | complex) and not isinstance(
        leaf, bool
    )


def require_plain(ys: Sequence[Any], xs: Sequence[Any], name: str) -> None:
    """Raise if results are traced by a transformation that does not trace the operands: it came in by a closure."""
    inside, outside = innermost(ys), innermost(xs)
    if inside is not None and (outside is None or inside.tag > outside.tag):
        raise ArgumentError(
            f"{name} uses a traced value that is not among its arguments",
            why="its own derivative rules cannot know of a value that the function closes over.",
            instead="pass the value as an argument.",
        )


def bound_method(function: Any, instance: Any) -> Any:
    """Return a function looked up on an object as Python's own would be: with the object as first argument."""
    return function if instance is None else MethodType(function, instance)


class CustomCall:
    """One call: operands are the arrays among the leaves of the arguments, the rest stays in place."""

    __slots__ = ("_fixed", "_leaf_count", "_places", "_structure", "out_structure", "rules")

    def __init__(self, rules: custom_derivative, args: tuple[Any, ...]) -> None:
        self.rules = rules
        leaves, self._structure = tree.flatten(args)
        self._leaf_count = len(leaves)
        self._places = [k for k, leaf in enumerate(leaves) if _is_operand(leaf)]
        self._fixed = {k: leaf for k, leaf in enumerate(leaves) if not _is_operand(leaf)}
        self.out_structure: Any = None

    def operands(self, args: tuple[Any, ...]) -> list[Any]:
        """Return the operands among the arguments."""
        leaves, _ = tree.flatten(args)
        return [leaves[k] for k in self._places]

    def arguments(self, xs: Sequence[Any], fill: Callable[[Any], Any] = lambda leaf: leaf) -> tuple[Any, ...]:
        """Return the arguments with these operands; other leaves as `fill` makes them."""
        leaves = [fill(self._fixed.get(k)) for k in range(self._leaf_count)]
        for k, x in zip(self._places, xs, strict=True):
            leaves[k] = x
        return tree.unflatten(self._structure, leaves)  # type: ignore[no-any-return]

    def results(self, y: Any, xs: Sequence[Any]) -> tuple[Any, ...]:
        """Return the leaves of a result of operands."""
        ys, self.out_structure = tree.flatten(y)
        require_plain(ys, xs, self.rules.name)
        return tuple([v if hasattr(v, "dtype") else np.asarray(v)[()] for v in ys])

    def cotangents(self, x_bars: Any, xs: Sequence[Any]) -> list[Any]:
        """Return the operands' cotangents from what a rule returned, one entry per argument."""
        given = self._per_leaf(x_bars)
        found = [given[k] for k in self._places]
        return [self.checked(x_bar, x, "cotangent") for x_bar, x in zip(found, xs, strict=True)]

    def tangents(self, y_dots: Any, ys: Sequence[Any]) -> tuple[Any, ...]:
        """Return the results' tangents from what a rule returned in their structure."""
        try:
            found = tree.parts(self.out_structure, y_dots)
        except ValueError:
            raise ArgumentError(
                f"the jvp rule of {self.rules.name} returned tangents of another structure than its result",
                why="a tangent is a tree like the result that it belongs to.",
                instead="return (y, y_dot) in equal structures, with None for what has no derivative.",
            ) from None
        return tuple([self.checked(y_dot, y, "tangent") for y_dot, y in zip(found, ys, strict=True)])

    def _per_leaf(self, x_bars: Any) -> list[Any]:
        args = tree.unflatten(self._structure, [0.0] * self._leaf_count)
        if not isinstance(x_bars, tuple | list) or len(x_bars) != len(args):
            raise ArgumentError(
                f"the bwd rule of {self.rules.name} must return a tuple with {len(args)} entries",
                why="the function has that many positional arguments.",
                instead="return (x_bar, ...), with None for an argument that has no derivative.",
            )
        leaves: list[Any] = []
        try:
            for x_bar, arg in zip(x_bars, args, strict=True):
                zeros, structure = tree.flatten(arg)
                leaves += [None] * len(zeros) if x_bar is None else tree.parts(structure, x_bar)
        except ValueError:
            raise ArgumentError(
                f"the bwd rule of {self.rules.name} returned another structure than its arguments have",
                why="a cotangent is a tree like the argument that it belongs to.",
                instead="return each cotangent in the structure of its argument, None where it is zero.",
            ) from None
        return leaves

    def checked(self, v: Any, x: Any, what: str) -> Any:
        """Return what a rule returned in the dtype of its value; raise if the shape is another."""
        if v is None:
            return None
        if np.shape(v) != np.shape(x):
            raise ArgumentError(
                f"a rule of {self.rules.name} returned a {what} of shape {np.shape(v)} for shape {np.shape(x)}",
                why=f"a {what} has the shape of its value.",
                instead="sum over the axes along which the value was broadcast.",
            )
        dtype = type_of(x).dtype
        v = v if hasattr(v, "astype") else np.asarray(v)[()]
        return v if v.dtype == dtype or dtype.kind not in "fc" else v.astype(dtype)


# custom -------------------------------------------------------------------------------------------------------------


def custom_eval(*xs: Any, call: CustomCall) -> tuple[Any, ...]:
    """Call the function on plain operands; return the leaves of its result."""
    return call.results(call.rules.fun(*call.arguments(xs)), xs)


def _custom_jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, call: CustomCall) -> tuple[Any, Any]:
    rules = call.rules
    dense = [zero_like(x) if x_dot is None else x_dot for x, x_dot in zip(xs, x_dots, strict=True)]
    if rules.jvp_rule is not None:
        result = rules.jvp_rule(call.arguments(xs), call.arguments(dense, lambda _leaf: None))
        if not (isinstance(result, tuple) and len(result) == 2):
            raise ArgumentError(
                f"the jvp rule of {rules.name} must return a pair, not {type(result).__name__}",
                why="it computes the result and its tangent.",
                instead="return (y, y_dot).",
            )
        ys = call.results(result[0], [*xs, *dense])
        return ys, call.tangents(result[1], ys)
    ys, saved = _custom_save(*xs, call=call)
    _, transpose = record(
        lambda *y_bars: [_or_zero(g, x) for g, x in zip(_backward(call, saved, y_bars, xs), xs, strict=True)],
        [zero_like(y) for y in ys],
    )
    return ys, tuple(transpose(dense))


def _or_zero(x_bar: Any, x: Any) -> Any:
    return zero_like(x) if x_bar is None else x_bar


def _backward(call: CustomCall, saved: Any, y_bars: Sequence[Any], xs: Sequence[Any]) -> list[Any]:
    return call.cotangents(call.rules.bwd(saved, tree.unflatten(call.out_structure, y_bars)), xs)  # type: ignore[misc]


def _custom_save(*xs: Any, call: CustomCall) -> tuple[Any, Any]:
    if call.rules.fwd is None:
        return custom(*xs, call=call), None
    result = call.rules.fwd(*call.arguments(xs))
    if not (isinstance(result, tuple) and len(result) == 2):
        raise ArgumentError(
            f"the fwd rule of {call.rules.name} must return a pair, not {type(result).__name__}",
            why="the bwd rule is given the residuals that the fwd rule kept.",
            instead="return (result, residuals), with None for no residuals.",
        )
    return call.results(result[0], xs), result[1]


def _custom_vjp(y_bars: Sequence[Any], site: Site, *, call: CustomCall) -> list[Any]:
    dense = [zero_like(y) if y_bar is None else y_bar for y, y_bar in zip(site.y, y_bars, strict=True)]
    if call.rules.bwd is not None:
        return _backward(call, site.saved, dense, site.xs)

    def tangents(*x_dots: Any) -> list[Any]:
        _, y_dots = _custom_jvp(site.xs, x_dots, call=call)
        return [zero_like(y) if y_dot is None else y_dot for y, y_dot in zip(site.y, y_dots, strict=True)]

    _, transpose = record(tangents, [zero_like(x) for x in site.xs])
    return transpose(dense)


def _custom_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    product = custom_derivative(np.multiply)
    product.defjvp(lambda xs, x_dots: (xs[0] * xs[1], xs[0] * x_dots[1] + x_dots[0] * xs[1]))
    quotient = custom_derivative(lambda a, b: a / b)
    quotient.defvjp(
        lambda a, b: (a / b, (a, b)), lambda saved, g: (g / saved[1], -g * saved[0] / saved[1] ** 2)
    )
    for rules in (product, quotient):
        xs = tuple(rng.uniform(0.5, 2.0, 3) for _ in range(2))
        yield xs, {"call": CustomCall(rules, xs)}


def _custom_infer(*types: Any, call: CustomCall) -> Any:
    return tuple(type_of(y) for y in custom_eval(*[np.ones(t.shape, t.dtype) for t in types], call=call))


custom = define(
    name="custom",
    doc="A function with derivative rules of the user's own.",
    eval=custom_eval,
    infer=_custom_infer,
    jvp=_custom_jvp,
    save=_custom_save,
    vjp=_custom_vjp,
    samples=_custom_samples,
    multiple=True,
)


class custom_derivative:  # noqa: N801 - used as a decorator
    """A function with derivative rules of its own.

    Parameters
    ----------
    fun : callable
        A function of positional arguments, any pytrees; it must not use traced values that are not among
        them.

    Notes
    -----
    Give `defjvp`, `defvjp` or both; the missing one is derived by transposition. Without either, the
    derivative is that of the function's own operations.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import custom_derivative, grad
    >>> @custom_derivative
    ... def softplus(x):
    ...     return np.logaddexp(x, 0.0)
    >>> softplus.defvjp(lambda x: (softplus(x), x), lambda x, g: (g / (1.0 + np.exp(-x)),)).name
    'softplus'
    >>> grad(softplus)(0.0)
    np.float64(0.5)
    """

    def __init__(self, fun: Callable[..., Any]) -> None:
        if not callable(fun):
            raise ArgumentError(
                f"custom_derivative needs a function, not {type(fun).__name__}",
                why="it gives a function derivative rules of its own.",
                instead="use it as a decorator.",
            )
        self.fun = fun
        self.name: str = getattr(fun, "__name__", repr(fun))
        self.jvp_rule: Callable[..., Any] | None = None
        self.fwd: Callable[..., Any] | None = None
        self.bwd: Callable[..., Any] | None = None
        update_wrapper(self, fun)

    def defjvp(self, rule: Callable[..., Any]) -> Self:
        """Set the tangent rule: (primals, tangents) -> (y, y_dot), both tuples with one entry per argument."""
        self.jvp_rule = rule
        return self

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> Self:
        """Set the cotangent rule: `fwd(*args)` -> (y, residuals); `bwd(residuals, y_bar)` -> one x_bar per argument."""
        self.fwd, self.bwd = fwd, bwd
        return self

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Be a method when looked up on an object: the object is the first argument."""
        return bound_method(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        if kwargs:
            args = self._positional(args, kwargs)
        if self.jvp_rule is None and self.bwd is None:
            return self.fun(*args)
        call = CustomCall(self, args)
        ys = custom(*call.operands(args), call=call)
        return tree.unflatten(call.out_structure, ys)

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return the arguments of a call by position: a rule has one entry for each."""
        bound = inspect.signature(self.fun).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise ArgumentError(
                f"{self.name} has keyword-only arguments: {', '.join(bound.kwargs)}",
                why="derivative rules have one entry per positional argument.",
                instead="make them positional in the function's signature.",
            )
        return bound.args
