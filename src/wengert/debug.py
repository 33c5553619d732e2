"""Where a NaN or an infinity is born: in which operation, of which operands, at which line of the program.

While `debug_nans` watches, interpreters see every primitive through a lens: a copy of the record whose rules
look at what goes in and what comes out, and which remembers the user's line for the backward sweep. Nothing
else in the system knows of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.attention import Blocks, lenses
from wengert.core.dispatch import bind
from wengert.core.primitive import LazyScatter, Primitive
from wengert.core.views import root
from wengert.errors import NonFiniteError, user_line
from wengert.transforms.accumulation import LazyItem
from wengert.types import type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["debug_nans"]


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
    plain arrays are not seen. Values that are not finite may come in, as arguments or as constants such as
    ``-np.inf``, and may be passed on: it is the first one that raises, an infinity made of finite operands or
    a NaN made of operands without one. A derivative is watched if both its operation and its sweep are in the
    block. In the block programs are slower, and outside of it as quick as ever.

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
        watched = _Watched(prim, user_line(), self.infinities)
        return prim.with_rules(
            quick=None,
            **{
                rule: getattr(watched, rule)
                for rule in ("eval", "save", "jvp", "vjp", "batch")
                if getattr(prim, rule) is not None
            },
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Watched:
    """The rules of a primitive that was applied at a line, with an eye on what they make."""

    prim: Primitive
    where: str | None
    infinities: bool

    def eval(self, *xs: Any, **params: Any) -> Any:
        with self._quiet():
            y = bind(self.prim, xs, params)
        self._forward(y, xs)
        return y

    def save(self, *xs: Any, **params: Any) -> tuple[Any, Any]:
        with self._quiet():
            y, saved = self.prim.save(*xs, **params)  # type: ignore[misc]
        self._forward(y, xs)
        return y, saved

    def batch(self, size: int, xs: Sequence[Any], batched: Sequence[bool], **params: Any) -> Any:
        with self._quiet():
            y = self.prim.batch(size, xs, batched, **params)  # type: ignore[misc]
        self._forward(y, xs)
        return y

    def jvp(self, xs: Sequence[Any], x_dots: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        with self._quiet():
            y, y_dot = self.prim.jvp(xs, x_dots, **params)  # type: ignore[misc]
        self._forward(y, xs)
        self._derivative(y_dot, (*xs, y, *x_dots), xs, "tangent", x_dots)
        return y, y_dot

    def vjp(self, y_bar: Any, site: Any, **params: Any) -> Any:
        x_bars = self.prim.vjp(y_bar, site, **params)  # type: ignore[misc]
        if lenses.get():
            self._derivative(x_bars, (*site.xs, site.y, y_bar), site.xs, "cotangent", (y_bar,))
        return x_bars

    # What they look for

    def _quiet(self) -> np.errstate:
        """Return NumPy's settings without the warnings of what raises here."""
        infinite = "ignore" if self.infinities else None
        return np.errstate(invalid="ignore", divide=infinite, over=infinite)  # type: ignore[arg-type]

    def _forward(self, y: Any, xs: Sequence[Any]) -> None:
        for value, index in self._born(y, xs):
            raise NonFiniteError(
                f"{self.prim.name} gives {value}{_at(index)}",
                where=self.where,
                why=f"{self._operands(xs, index)}.",
                instead="keep operands in the domain. To leave entries out, replace them before the operation: "
                "np.log(np.where(x > 0, x, 1.0)).",
            )

    def _derivative(
        self, results: Any, causes: Sequence[Any], xs: Sequence[Any], kind: str, directions: Sequence[Any]
    ) -> None:
        for value, index in self._born(results, causes):
            given = " and ".join([_described(_plain(v), index) for v in directions if v is not None])
            raise NonFiniteError(
                f"the derivative of {self.prim.name} gives {value}{_at(index)}",
                where=self.where,
                why=f"{self._operands(xs, index)}, and the {kind} that arrives is {given}.",
                instead="keep operands away from where the derivative is infinite or undefined, e.g. "
                "np.sqrt(np.where(x > 0, x, 1.0)).",
            )

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
