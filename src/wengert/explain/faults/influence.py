"""Which inputs matter: how much the result changes with each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.faults.observed import norm, rms

if TYPE_CHECKING:
    from wengert.explain.faults.observed import Observed

__all__ = ["Influence", "influences"]


@dataclass(frozen=True, slots=True)
class Influence:
    """How much the result depends on an input.

    Attributes
    ----------
    name : str
    shape : tuple of int
    size, gradient : float
        Root mean squares of the input's entries and of the gradient's.
    effect : float
        Norm of the products x dy/dx of all entries: the change of the result for a relative change of the input.
    share : float
        Of all inputs' effects, between 0 and 1; nan where none has any.
    zeros : int
        Entries whose derivative is exactly zero.
    reached : bool
        Whether the result is computed from this input at all.
    """

    name: str
    shape: tuple[int, ...]
    size: float
    gradient: float
    effect: float
    share: float
    zeros: int
    reached: bool

    @property
    def entries(self) -> int:
        """Number of entries."""
        return int(np.prod(self.shape))

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers."""
        return asdict(self)


def influences(seen: Observed) -> list[Influence]:
    """Return the influence of every chosen input, the greatest effect first."""
    values = seen.recording.values
    bars = [seen.bars.get(i, np.zeros(np.shape(values[i]))) for i in seen.chosen]
    effects = [norm(values[i] * bar) for i, bar in zip(seen.chosen, bars, strict=True)]
    total = float(np.sum(effects))
    found = [
        Influence(
            seen.names[i],
            np.shape(values[i]),
            rms(values[i]),
            rms(bar),
            effect,
            effect / total if total else float("nan"),
            int(np.sum(np.asarray(bar) == 0)),
            i in seen.needed,
        )
        for i, bar, effect in zip(seen.chosen, bars, effects, strict=True)
    ]
    return sorted(found, key=lambda one: -one.effect)
