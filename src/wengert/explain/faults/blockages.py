"""Where derivatives end: operations that pass nothing on, units that are dead, functions that are flat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.faults.observed import site_at, site_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wengert.explain.faults.observed import Observed, Site
    from wengert.explain.recording import Operation

__all__ = ["Blockage", "blockages"]

_FLAT = frozenset(("tanh", "expit", "erf", "erfc", "arctan", "exp", "ndtr"))
_NEARLY_ZERO = 1e-6  # a local derivative that counts as none
_MOST = 0.9  # of the entries of a vector without derivative, from which on it is told of
_MANY = 0.25  # of the entries of a flat function


@dataclass(frozen=True, slots=True)
class Blockage:
    """A place where an adjoint arrives, and ends.

    Attributes
    ----------
    kind : str
        "blocked": nothing is passed on. "steps": the operation has no slope anywhere. "constant": a function has no
        derivative. "stopped": `stop_gradient`. "dead units": columns of an array receive nothing for any of their rows.
        "mostly dead": nearly all entries receive nothing. "saturated": the local derivative nearly vanishes. "unused":
        the result depends on inputs, and nothing depends on it.
    site : Site
    count, of : int
        Entries or units that are concerned.
    note : str
    times : int
        How often the operation ran.
    """

    kind: str
    site: Site
    count: int
    of: int
    note: str
    times: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        return {
            "kind": self.kind,
            **self.site.to_dict(),
            "count": self.count,
            "of": self.of,
            "note": self.note,
            "times": self.times,
        }


def blockages(seen: Observed) -> list[Blockage]:
    """Return where derivatives end; one entry for all runs of an operation of a line."""
    merged: dict[tuple[Any, ...], Blockage] = {}
    for one in [*_steps(seen), *_losses(seen), *_arriving(seen), *_unused(seen)]:
        key = (one.kind, one.site.operation, one.site.file, one.site.line, one.note)
        old = merged.get(key)
        merged[key] = (
            one
            if old is None
            else Blockage(old.kind, old.site, old.count + one.count, old.of + one.of, old.note, old.times + 1)
        )
    return list(merged.values())


def _steps(seen: Observed) -> Iterator[Blockage]:
    """Yield operations without slope between an input and the result."""
    for operation in seen.recording.operations:
        if operation.prim.differentiable or operation.prim.name == "constant":
            continue
        if any(i in seen.active for i in operation.operands) and seen.needed.intersection(operation.results):
            n = int(np.size(operation.y))
            wanted = operation.prim.name == "stop_gradient"
            note = "as the program asks" if wanted else "the slope is 0 between jumps"
            yield Blockage("stopped" if wanted else "steps", site_of(operation), n, n, note)


def _losses(seen: Observed) -> Iterator[Blockage]:
    """Yield calls of functions without derivative that gave floating-point numbers, from values that have one."""
    for loss in seen.recording.losses:
        y = np.asarray(loss.y) if isinstance(loss.y, np.ndarray | np.generic | float) else np.zeros(0, bool)
        if (
            y.dtype.kind == "f"
            and seen.active.intersection(loss.operands)
            and not loss.name.endswith("_like")
        ):
            yield Blockage(
                "constant", site_at(loss.standing, loss.name), y.size, y.size, "it has no derivative"
            )


def _arriving(seen: Observed) -> Iterator[Blockage]:
    for k, operation, bar in seen.arriving():
        if not np.any(bar):
            continue
        for position, i in enumerate(operation.operands):
            amount = seen.amounts.get((k, position))
            if i in seen.active and amount is not None and np.size(amount):
                found = _blockage(operation, position, np.asarray(amount), np.asarray(bar))
                if found is not None:
                    yield found


def _blockage(operation: Operation, position: int, amount: Any, bar: Any) -> Blockage | None:
    name = operation.prim.name
    zero = amount == 0
    if np.all(zero):
        return Blockage("blocked", site_of(operation), amount.size, amount.size, _reason(operation, position))
    if amount.shape != bar.shape:
        return None
    taken = _taken(operation, position)
    if taken is not None and taken.shape == bar.shape:
        rows = tuple(range(bar.ndim - 1))
        if bar.ndim > 1 and len(bar) > 1 and not np.all(np.any(taken, axis=rows)):
            units = ~np.any(taken, axis=rows)
            note = f"in all {bar.size // len(units)} rows"
            return Blockage("dead units", site_of(operation), int(np.sum(units)), len(units), note)
        if np.sum(~taken) >= _MOST * bar.size:
            return Blockage(
                "mostly dead", site_of(operation), int(np.sum(~taken)), bar.size, "they get nothing"
            )
    if name in _FLAT and operation.prim.elementwise:
        flat = (np.abs(amount) < _NEARLY_ZERO * np.abs(bar)) & (bar != 0)
        if np.sum(flat) >= _MANY * amount.size:
            note = f"slope below {_NEARLY_ZERO:g}"
            return Blockage("saturated", site_of(operation), int(np.sum(flat)), amount.size, note)
    return None


def _taken(operation: Operation, position: int) -> Any:
    """Return which entries of the result an operation that selects takes from an operand; None for others."""
    name, xs, y = operation.prim.name, operation.xs, operation.y
    if name in ("maximum", "minimum", "fmax", "fmin", "clip"):
        return (
            np.broadcast_to(np.equal(xs[position], y), np.shape(y))
            if name != "clip" or position == 0
            else None
        )
    if name == "where" and position:
        return np.broadcast_to(xs[0] if position == 1 else np.logical_not(xs[0]), np.shape(y))
    if name == "multiply" and np.all(np.isin(xs[1 - position], (0, 1))):
        return np.broadcast_to(np.not_equal(xs[1 - position], 0), np.shape(y))  # a mask
    return None


def _reason(operation: Operation, position: int) -> str:
    """Return why an operation passes nothing on."""
    name = operation.prim.name
    if name in ("maximum", "fmax", "minimum", "fmin"):
        return f"the other is {'larger' if 'max' in name else 'smaller'}"
    if name == "where":
        return "the other is taken"
    if name == "clip":
        return "outside of the bounds"
    others = [x for k, x in enumerate(operation.xs) if k != position]
    if (
        others
        and name in ("multiply", "matmul", "vecdot", "matvec", "vecmat", "tensordot", "einsum")
        and not (np.any(others[0]))
    ):
        return "the other operand is 0"
    if operation.prim.elementwise:
        return "the slope is 0"
    return "it passes nothing on"


def _unused(seen: Observed) -> Iterator[Blockage]:
    """Yield operations whose results depend on inputs, and reach nothing: of a chain of them, the last."""
    recording = seen.recording
    read = {i for made in recording.operations + recording.decisions for i in made.operands}
    read.update(i for loss in recording.losses for i in loss.operands)
    for operation in seen.recording.operations:
        results = operation.results
        wasted = seen.moving.intersection(results) and not seen.needed.intersection(results)
        if wasted and not read.intersection(results):
            inside = operation.standing is not None and operation.standing.rounds
            if not inside:
                n = int(np.size(operation.y)) if not operation.prim.multiple else len(results)
                yield Blockage("unused", site_of(operation), n, n, "never used")
