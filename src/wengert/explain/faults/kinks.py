"""Kinks that the evaluation hits: points where a derivative jumps, is infinite, or is a matter of convention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.faults.observed import site_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wengert.explain.faults.observed import Observed, Site
    from wengert.explain.recording import Operation

__all__ = ["Kink", "kinks"]


@dataclass(frozen=True, slots=True)
class Kink:
    """An operation at a point where it has no derivative.

    Attributes
    ----------
    site : Site
    what, convention : str
        What was hit, and what is taken for the derivative.
    count, of : int
        Entries that are there.
    times : int
        How often the operation ran and hit it.
    """

    site: Site
    what: str
    convention: str
    count: int
    of: int
    times: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        return {
            "what": self.what,
            "convention": self.convention,
            **self.site.to_dict(),
            "count": self.count,
            "of": self.of,
            "times": self.times,
        }


Edge = tuple[str, str, Callable[["Operation"], Any]]


def _tie(op: Operation) -> Any:
    return np.equal(op.xs[0], op.xs[1])


def _zero(op: Operation) -> Any:
    return np.equal(op.xs[0], 0)


def _one(op: Operation) -> Any:
    return np.equal(np.abs(op.xs[0]), 1)


def _both_zero(op: Operation) -> Any:
    return np.equal(op.xs[0], 0) & np.equal(op.xs[1], 0)


def _zero_result(op: Operation) -> Any:
    return np.equal(op.y, 0)


def _bounds(op: Operation) -> Any:
    return np.any([np.equal(op.xs[0], bound) for bound in op.xs[1:] if bound is not None], axis=0)


def _root_of_zero(op: Operation) -> Any:
    exponent = np.asarray(op.xs[1])
    return np.equal(op.xs[0], 0) & (exponent < 1) & (exponent > 0)


def _shared_extremum(op: Operation) -> Any:
    axis, y = op.params.get("axis"), np.asarray(op.y)
    if not op.params.get("keepdims") and axis is not None:
        y = np.expand_dims(y, axis)
    ties = np.sum(np.equal(op.xs[0], y), axis=axis, keepdims=bool(op.params.get("keepdims")))
    return ties > 1


def _integral(op: Operation) -> Any:
    return np.equal(op.xs[0], np.round(op.xs[0]))


def _half(op: Operation) -> Any:
    return np.equal(np.abs(op.xs[0] - np.trunc(op.xs[0])), 0.5)


_TIE: Edge = ("equal operands", "half each", _tie)
_JUMP: Edge = ("at a jump", "0", _integral)
_EDGES: dict[str, Edge] = {
    "maximum": _TIE,
    "minimum": _TIE,
    "fmax": _TIE,
    "fmin": _TIE,
    "absolute": ("at 0", "0", _zero),
    "fabs": ("at 0", "0", _zero),
    "sign": ("at 0", "0", _zero),
    "floor": _JUMP,
    "ceil": _JUMP,
    "trunc": _JUMP,
    "rint": ("at a jump", "0", _half),
    "clip": ("at a bound", "1", _bounds),
    "max": ("largest entry twice", "shared", _shared_extremum),
    "min": ("smallest entry twice", "shared", _shared_extremum),
    "sqrt": ("at 0", "infinite", _zero),
    "cbrt": ("at 0", "infinite", _zero),
    "power": ("a root of 0", "infinite", _root_of_zero),
    "arcsin": ("at ±1", "infinite", _one),
    "arccos": ("at ±1", "infinite", _one),
    "hypot": ("operands 0", "0", _both_zero),
    "arctan2": ("operands 0", "undefined", _both_zero),
    "vector_norm": ("a zero vector", "0", _zero_result),
    "std": ("equal entries", "0", _zero_result),
}
_COMPARISONS = frozenset(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"))
_ORDERS = {"argsort": "equal entries", "argmax": "largest entry twice"} | {
    "argmin": "smallest entry twice",
    "argpartition": "equal entries",
}


def kinks(seen: Observed) -> list[Kink]:
    """Return the kinks at which an adjoint arrives; one entry for all runs of an operation of a line."""
    merged: dict[tuple[Any, ...], Kink] = {}
    for one in [*_of_operations(seen), *_of_decisions(seen)]:
        key = (one.what, one.site.operation, one.site.file, one.site.line)
        old = merged.get(key)
        merged[key] = (
            one
            if old is None
            else Kink(
                old.site, old.what, old.convention, old.count + one.count, old.of + one.of, old.times + 1
            )
        )
    return list(merged.values())


def _of_operations(seen: Observed) -> Iterator[Kink]:
    for operation in seen.recording.operations:
        edge = _EDGES.get(operation.prim.name)
        if edge is None or not seen.moving.intersection(i for i in operation.operands if i is not None):
            continue
        what, convention, at = edge
        bar = seen.bars.get(operation.results[0])
        if bar is None and operation.prim.differentiable:
            continue  # nothing asks for its derivative
        if bar is None and operation.results[0] not in seen.needed:
            continue
        hit = np.asarray(at(operation))
        if bar is not None and np.shape(bar) == np.shape(hit):
            hit = hit & (np.asarray(bar) != 0)
        if np.any(hit):
            yield Kink(site_of(operation), what, convention, int(np.sum(hit)), int(hit.size))


def _of_decisions(seen: Observed) -> Iterator[Kink]:
    """Yield comparisons of equal numbers, and orders of equal entries."""
    for decision in seen.recording.decisions:
        name = decision.prim.name
        if not seen.moving.intersection(i for i in decision.operands if i is not None):
            continue
        if name in _COMPARISONS:
            hit = np.equal(decision.xs[0], decision.xs[1])
            what, convention = "at its edge", "branch taken"
        elif name in _ORDERS:
            hit = _repeated(decision)
            what, convention = _ORDERS[name], "the first"
        else:
            continue
        if np.any(hit):
            yield Kink(site_of(decision), what, convention, int(np.sum(hit)), int(np.size(hit)))


def _repeated(decision: Operation) -> Any:
    """Return, slice by slice, whether what decides is there twice."""
    axis, x = decision.params.get("axis", -1), np.asarray(decision.xs[0])
    if axis is None:
        axis, x = 0, np.ravel(x)
    if decision.prim.name in ("argmax", "argmin"):
        extreme = np.max if decision.prim.name == "argmax" else np.min
        return np.sum(np.equal(x, extreme(x, axis=axis, keepdims=True)), axis=axis) > 1
    return np.any(np.diff(np.sort(x, axis=axis), axis=axis) == 0, axis=axis)
