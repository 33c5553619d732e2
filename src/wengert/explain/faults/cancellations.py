"""Where digits are lost: differences of nearly equal numbers, and functions at points where they magnify errors.

An operation y = f(x) with operands that are right to one unit in the last place has a relative error of about
cond ε, cond = sum |x ∂y/∂x| / |y|. That matters to the result z as far as z depends on y: |y ȳ| / |z|.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.faults.observed import site_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wengert.explain.faults.observed import Observed, Site
    from wengert.explain.recording import Operation

__all__ = ["Cancellation", "cancellations"]

_DIGITS = 4.0  # lost by an operation, from which on it is told of
_WEIGHT = 1e-3  # of the operation in the result, below which it does not matter


@dataclass(frozen=True, slots=True)
class Cancellation:
    """An operation that loses digits.

    Attributes
    ----------
    site : Site
    condition : float
        By how much the operation magnifies relative errors of its operands, at its worst entry.
    weight : float
        The relative change of the result for one of this operation's; nan where the result is zero.
    operands : tuple of float
        At the worst entry.
    value : float
    hint : str
        What to write instead; empty where there is no rule of thumb.
    times : int
    """

    site: Site
    condition: float
    weight: float
    operands: tuple[float, ...]
    value: float
    hint: str
    times: int = 1

    @property
    def digits(self) -> float:
        """Decimal digits that are lost."""
        return float(np.log10(self.condition)) if np.isfinite(self.condition) else float("inf")

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers."""
        return {
            **self.site.to_dict(),
            "condition": self.condition,
            "digits": self.digits,
            "weight": self.weight,
            "operands": list(self.operands),
            "value": self.value,
            "hint": self.hint,
            "times": self.times,
        }


def cancellations(seen: Observed) -> list[Cancellation]:
    """Return the operations that lose digits of the result, the worst first; one entry for all runs of a line."""
    made = {i: op for op in seen.recording.operations for i in op.results}
    merged: dict[tuple[Any, ...], Cancellation] = {}
    for one in _lossy(seen, made):
        key = (one.site.operation, one.site.file, one.site.line)
        old = merged.get(key)
        if old is None:
            merged[key] = one
            continue
        worst = max(old, one, key=lambda c: c.condition)
        merged[key] = Cancellation(
            worst.site,
            worst.condition,
            worst.weight,
            worst.operands,
            worst.value,
            worst.hint,
            old.times + 1,
        )
    return sorted(merged.values(), key=lambda c: -c.condition)


def _lossy(seen: Observed, made: dict[int, Operation]) -> Iterator[Cancellation]:
    result = float(np.linalg.norm(np.ravel(seen.recording.output)))
    for _, operation, bar in seen.arriving():
        terms = _terms(operation, made)
        if terms is None or np.iscomplexobj(operation.y):
            continue
        y = np.asarray(operation.y)
        condition = np.where(
            y == 0, np.where(terms > 0, np.inf, 1.0), terms / np.where(y == 0, 1.0, np.abs(y))
        )
        weight = np.abs(y * bar) / result if result else np.full(y.shape, np.nan)
        # y = 0 has no weight of its own, but its error has
        heavy = np.abs(terms * bar) / result if result else np.full(y.shape, np.inf)
        doubtful = (condition >= 10**_DIGITS) & (heavy >= _WEIGHT * 10**_DIGITS) & (np.asarray(bar) != 0)
        if not np.any(doubtful) or (y.size > 1 and np.all(y[doubtful] == 0)):
            continue
        at = np.unravel_index(np.argmax(np.where(doubtful, condition, -1.0)), y.shape)
        yield Cancellation(
            site_of(operation),
            float(condition[at]),
            float(weight[at]),
            _operands_at(operation, at, y.shape),
            float(y[at]),
            _hint(operation, made),
        )


def _terms(operation: Operation, made: dict[int, Operation]) -> Any:
    """Return sum |x ∂y/∂x| for each entry of the result; None where operands are exact or the operation is harmless."""
    name, xs = operation.prim.name, operation.xs
    if not any(_inexact(i, made) for i in operation.operands):
        return None
    if name in ("add", "subtract"):
        # what is exact brings no error along: 1 - x is as good as x
        sizes = [np.abs(x) for x, i in zip(xs, operation.operands, strict=True) if _inexact(i, made)]
        return np.broadcast_to(sum(sizes), np.shape(operation.y))
    if name == "sum":
        kept = bool(operation.params.get("keepdims"))
        return np.asarray(np.sum(np.abs(xs[0]), axis=operation.params.get("axis"), keepdims=kept))
    if name == "log" and not np.iscomplexobj(xs[0]):
        return np.ones(np.shape(operation.y))  # |x / x|: relative to log x, which is near 0 for x near 1
    return None


def _inexact(i: int | None, made: dict[int, Operation]) -> bool:
    """Whether a value was rounded: results of operations were, inputs and constants are what they are."""
    while i in made and made[i].prim.name in _EXACT:
        i = made[i].operands[0]
    return i in made


_EXACT = frozenset(
    (
        "negative",
        "absolute",
        "getitem",
        "reshape",
        "transpose",
        "broadcast_to",
        "flip",
        "roll",
        "where",
        "max",
        "min",
    )
)


def _operands_at(operation: Operation, at: Any, shape: tuple[int, ...]) -> tuple[float, ...]:
    if operation.prim.name not in ("add", "subtract", "log"):
        return ()
    return tuple([float(np.broadcast_to(x, shape)[at]) for x in operation.xs])


def _hint(operation: Operation, made: dict[int, Operation]) -> str:
    """Return the function or identity that keeps the digits."""
    sources = [made[i].prim.name if i in made else "" for i in operation.operands]
    name = operation.prim.name
    if name == "log" and sources[0] in ("add", "subtract"):
        return "np.log1p(x) for np.log(1 + x)"
    if name in ("add", "subtract") and any(map(_is_one, operation.xs, operation.operands)):
        return _BY_ONE.get(next(filter(None, sources), ""), "")
    if name != "subtract":
        return ""
    if set(sources) == {"sqrt"}:
        return "(a-b)/(sqrt(a)+sqrt(b)) for sqrt(a)-sqrt(b)"
    if sources[1] in _SQUARES:
        same = sources[0] == sources[1]
        return "(a-b)*(a+b) for a**2 - b**2" if same else "np.var(x) for np.mean(x**2) - np.mean(x)**2"
    return ""


_BY_ONE = {"exp": "np.expm1(x) for np.exp(x) - 1", "cos": "2*np.sin(x/2)**2 for 1 - np.cos(x)"}
_SQUARES = ("square", "power", "multiply")


def _is_one(x: Any, i: int | None) -> bool:
    return i is None and np.ndim(x) == 0 and bool(abs(x) == 1)
