"""Where a NaN or an infinity is born: in which operation, of which operands, at which line of the program.

While `debug_nans` watches, interpreters see every primitive through a lens: a copy of the record whose rules
look at what goes in and what comes out, and which remembers the user's line for the backward sweep. Nothing
else in the system knows of it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.products import jvp, vjp
from wengert.control.unrolling import here, placed, unrolled
from wengert.core.attention import Blocks, lenses
from wengert.core.dispatch import Interpreter, bind
from wengert.core.numpy_protocol import replace_traced
from wengert.core.primitive import LazyScatter, Primitive
from wengert.core.tracer import Tracer
from wengert.core.views import root
from wengert.errors import NonFiniteError, line_text
from wengert.transforms.accumulation import LazyItem
from wengert.types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wengert.control.unrolling import Standing

__all__ = ["debug_nans", "watched"]


_HOLDERS = frozenset(("scan", "while", "switch", "call"))


class debug_nans:  # noqa: N801 - used as a function
    """Raise where an operation makes a NaN or an infinity, forward or backward.

    Parameters
    ----------
    infinities : bool
        Raise for infinities as well.

    Raises
    ------
    NonFiniteError
        In the block, at the first such operation on a traced value. It names the operation, its operands, the
        place in the array, and the user's line; for a derivative, the line of the operation whose derivative
        it is.

    Notes
    -----
    A context manager, for `grad`, `jvp`, `vmap`, `Variable` and all that is built on them. Operations on
    plain arrays are not seen, but where a function compiled by `jit` gives such a number, it is run once more,
    uncompiled, to name the operation. Of a loop the step is named, and the line of its body, if what
    a step makes reaches the loop's result or derivative. Values that are not
    finite may come in, as arguments or as constants such as ``-np.inf``, and may be passed on: it is the first
    one that raises, an infinity made of finite operands or a NaN made of operands without one. A derivative is
    watched if both its operation and its sweep are in the block. In the block programs are slower, and outside of
    it as quick as ever.

    Examples
    --------
    >>> from wengert.api.gradients import grad
    >>> with debug_nans():
    ...     grad(lambda x: np.sqrt(x - 1.0))(1.0)
    Traceback (most recent call last):
    wengert.errors.NonFiniteError: the derivative of sqrt gives inf
      where: File "<doctest wengert.debug.debug_nans[1]>", line 2, in <lambda>...
      why: sqrt was applied to f64[], 0.0 there, and the cotangent that arrives is f64[], 1.0 there.
      instead: ...
    """

    _blocks = Blocks(lenses)

    def __init__(self, *, infinities: bool = True) -> None:
        self.infinities = infinities

    def __enter__(self) -> None:
        self._blocks.push(self._lens)

    def __exit__(self, *_: object) -> None:
        self._blocks.pop()

    def _lens(self, prim: Primitive) -> Primitive:
        """Return a primitive that is watched, once."""
        if isinstance(getattr(prim.eval, "__self__", None), _Watched):
            return prim
        watched = _Watched(prim, here(), self.infinities)
        return prim.with_rules(
            quick=None,
            **{
                rule: getattr(watched, rule)
                for rule in ("eval", "save", "jvp", "taylor", "vjp", "batch")
                if getattr(prim, rule) is not None
            },
        )


def watched(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function of plain values, which in a block of `debug_nans` raises if its result is not finite.

    Parameters
    ----------
    fun : callable
    args, kwargs
        Its arguments.

    Returns
    -------
    pytree
        Its result.
    """
    y = fun(*args, **kwargs)
    owners = [getattr(lens, "__self__", None) for lens in lenses.get()]
    blocks = [owner for owner in owners if isinstance(owner, debug_nans)]
    if blocks and any(_is_tainted(v, infinities=blocks[-1].infinities) for v in _numbers(tree.flatten(y)[0])):
        leaves, structure = tree.flatten((args, kwargs))
        with _Witness() as witness:
            seen = tree.unflatten(structure, [witness.lift(x) for x in leaves])
            fun(*seen[0], **seen[1])
    return y


def _is_tainted(y: Any, *, infinities: bool) -> bool:
    return bool(np.any(~np.isfinite(y) if infinities else np.isnan(y)))


class _Witness(Interpreter):
    """Evaluates plain values, so that lenses see their operations."""

    __slots__ = ()
    name = "debug_nans"

    def lift(self, x: Any) -> Any:
        """Return a floating-point number or array as a tracer."""
        plain = isinstance(x, float | complex | np.ndarray | np.inexact)
        return Tracer(self, np.asarray(x)[()], None) if plain and np.asarray(x).dtype.kind in "fc" else x

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        seen = self.consider(prim)
        values = [x.value if self.owns(x) else x for x in xs]
        y = bind(prim if seen is None else seen, values, params)
        return tuple(map(self._lifted, y)) if prim.multiple else self._lifted(y)

    def _lifted(self, y: Any) -> Any:
        return Tracer(self, y, None) if y.dtype.kind in "fc" else y

    def constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        args, kwargs = replace_traced((args, kwargs), self, lambda x: x.value)
        return function(*args, **kwargs)

    def hold(self, value: Any) -> Tracer:
        return Tracer(self, value, None)


@dataclass(frozen=True, slots=True, eq=False)
class _Watched:
    """The rules of a primitive that was applied at a line, with an eye on what they make."""

    prim: Primitive
    standing: Standing
    infinities: bool

    def eval(self, *xs: Any, **params: Any) -> Any:
        with self._quiet():
            y = bind(self.prim, xs, params)
        self._forward(y, xs, params)
        return y

    def save(self, *xs: Any, **params: Any) -> tuple[Any, Any]:
        with self._quiet(), self._blaming(xs, params):
            y, saved = self.prim.save(*xs, **params)  # type: ignore[misc]
        self._forward(y, xs, params)
        return y, saved

    def batch(self, size: int, xs: Sequence[Any], batched: Sequence[bool], **params: Any) -> Any:
        with self._quiet():
            y = self.prim.batch(size, xs, batched, **params)  # type: ignore[misc]
        self._forward(y, xs, params)
        return y

    def jvp(self, xs: Sequence[Any], x_dots: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        with self._quiet(), self._blaming(xs, params, "tangent", x_dots):
            y, y_dot = self.prim.jvp(xs, x_dots, **params)  # type: ignore[misc]
        self._forward(y, xs, params)
        self._derivative(y_dot, (*xs, y, *x_dots), xs, params, "tangent", x_dots)
        return y, y_dot

    def taylor(self, xs: Sequence[Any], series: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        with self._quiet(), self._blaming(xs, params):
            y, y_series = self.prim.taylor(xs, series, **params)  # type: ignore[misc]
        self._forward(y, xs, params)
        given = [next((c for c in s if c is not None), None) for s in series]
        self._derivative(y_series, (*xs, y, *series), xs, params, "coefficient", given)
        return y, y_series

    def vjp(self, y_bar: Any, site: Any, **params: Any) -> Any:
        with self._blaming(site.xs, params, "cotangent", (y_bar,)):
            x_bars = self.prim.vjp(y_bar, site, **params)  # type: ignore[misc]
        if lenses.get():
            self._derivative(x_bars, (*site.xs, site.y, y_bar), site.xs, params, "cotangent", (y_bar,))
        return x_bars

    # What they look for

    def _quiet(self) -> np.errstate:
        """Return NumPy's settings without the warnings of what raises here."""
        infinite = "ignore" if self.infinities else None
        return np.errstate(invalid="ignore", divide=infinite, over=infinite)  # type: ignore[arg-type]

    def _forward(self, y: Any, xs: Sequence[Any], params: dict[str, Any]) -> None:
        for value, index in self._born(y, xs):
            self._look_inside(xs, params)
            raise NonFiniteError(
                f"{self.prim.name} gives {value}{_at(index)}{self._round()}",
                where=self._where(),
                why=f"{self._operands(xs, index)}.",
                instead="keep operands in the domain. To leave entries out, replace them before the operation: "
                "np.log(np.where(x > 0, x, 1.0)).",
            )

    def _derivative(
        self,
        results: Any,
        causes: Sequence[Any],
        xs: Sequence[Any],
        params: dict[str, Any],
        kind: str,
        directions: Sequence[Any],
    ) -> None:
        for value, index in self._born(results, causes):
            self._look_inside(xs, params, kind, directions)
            given = " and ".join([_described(_plain(v), index) for v in directions if v is not None])
            raise NonFiniteError(
                f"the derivative of {self.prim.name} gives {value}{_at(index)}{self._round()}",
                where=self._where(),
                why=f"{self._operands(xs, index)}, and the {kind} that arrives is {given}.",
                instead="keep operands away from where the derivative is infinite or undefined, e.g. "
                "np.sqrt(np.where(x > 0, x, 1.0)).",
            )

    @contextmanager
    def _blaming(self, xs: Sequence[Any], params: dict[str, Any], *cause: Any) -> Iterator[None]:
        """Name the line in a loop's body instead of the loop's, where a rule of the loop raises."""
        try:
            yield
        except NonFiniteError:
            self._look_inside(xs, params, *cause)
            raise

    def _look_inside(
        self, xs: Sequence[Any], params: dict[str, Any], kind: str = "", directions: Sequence[Any] = ()
    ) -> None:
        """Do what a loop, a branch or a call did once more, operation by operation: the one at fault raises."""
        operands = [_plain(x) for x in xs]
        if self.prim.name not in _HOLDERS or any(
            np.shape(x) != np.shape(v) for x, v in zip(xs, operands, strict=True)
        ):
            return
        moving = [k for k, x in enumerate(operands) if np.asarray(x).dtype.kind in "fc"]

        def inside(*values: Any) -> Any:
            for k, x in zip(moving, values, strict=True):
                operands[k] = x
            with placed(self.standing.place):
                return unrolled(self.prim, operands, params)

        values = tuple([operands[k] for k in moving])
        with np.errstate(all="ignore"):
            self._replayed(
                inside, values, [directions[k] for k in moving] if kind == "tangent" else directions, kind
            )

    @staticmethod
    def _replayed(
        inside: Callable[..., Any], values: tuple[Any, ...], directions: Sequence[Any], kind: str
    ) -> None:
        if kind == "tangent":
            given = [None if d is None else _plain(d) for d in directions]
            dots = [np.zeros_like(x) if d is None else d for x, d in zip(values, given, strict=True)]
            jvp(inside, values, tuple(dots))
        else:
            ys, pullback = vjp(inside, *values)
            if kind == "cotangent":
                bars = [None if bar is None else _plain(bar) for bar in directions[0]]
                pullback(tuple([np.zeros_like(y) if b is None else b for y, b in zip(ys, bars, strict=True)]))

    def _where(self) -> str | None:
        place = self.standing.place
        return None if place is None else line_text(*place)

    def _round(self) -> str:
        return f" in {', '.join(self.standing.rounds)}" if self.standing.rounds else ""

    def _born(self, results: Any, causes: Sequence[Any]) -> Iterator[tuple[Any, tuple[int, ...]]]:
        """Yield the first NaN or infinity that the causes do not explain, and its place."""
        plain = [v for cause in causes for v in _numbers(cause)]
        for y in _numbers(results):
            for wanted, explains in ((np.isnan, np.isnan), (np.isinf, _is_not_finite))[: 1 + self.infinities]:
                born = wanted(y)
                if born.any():
                    for x in plain:
                        born = born & ~_reaching(explains(x), y.shape, entrywise=self.prim.elementwise)
                if born.any():
                    index = tuple(map(int, np.unravel_index(np.argmax(born), y.shape)))
                    yield y[index], index

    def _operands(self, xs: Sequence[Any], index: tuple[int, ...]) -> str:
        shown = [_described(_plain(x), index if self.prim.elementwise else None) for x in xs]
        return f"{self.prim.name} was applied to {' and '.join(shown)}"


def _is_not_finite(x: Any) -> Any:
    return ~np.isfinite(x)


def _reaching(explained: Any, shape: tuple[int, ...], *, entrywise: bool) -> Any:
    """Return which entries of a result a property of an operand's entries can reach."""
    if entrywise and explained.shape == shape:
        return explained
    return np.broadcast_to(explained.any(), shape)


def _plain(x: Any) -> Any:
    """Return the plain value under tracers, or of what a lazy cotangent holds."""
    if isinstance(x, LazyScatter):
        x = x.piece
    elif isinstance(x, LazyItem):
        x = x.y_bar
    return root(x)


def _numbers(x: Any) -> Iterator[np.ndarray[Any, Any]]:
    """Yield the arrays of floats in a value, or in several."""
    if isinstance(x, tuple | list):
        for item in x:
            yield from _numbers(item)
        return
    v = _plain(x)
    if isinstance(v, np.ndarray | np.generic | float | complex) and np.asarray(v).dtype.kind in "fc":
        yield np.asarray(v)


def _at(index: tuple[int, ...]) -> str:
    return f" at [{', '.join(map(str, index))}]" if index else ""


def _described(v: Any, index: tuple[int, ...] | None) -> str:
    """Return the type of an operand, and its entry at an entry of the result."""
    if v is None or isinstance(v, tuple):
        return "constants"
    entry = _entry(v, index)
    return str(type_of(v)) if entry is None else f"{type_of(v)}, {entry} there"


def _entry(v: Any, index: tuple[int, ...] | None) -> Any:
    """Return the entry of an operand that broadcasting brings to an entry of the result; None if it does not."""
    shape = np.shape(v)
    if not shape:
        return v
    if index is None or len(shape) > len(index):
        return None
    own = tuple([i if n > 1 else 0 for i, n in zip(index[len(index) - len(shape) :], shape, strict=True)])
    return v[own] if all(i < n for i, n in zip(own, shape, strict=True)) else None
