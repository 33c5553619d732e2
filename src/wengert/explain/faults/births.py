"""Where values or adjoints first stop being finite numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.faults.observed import site_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wengert.explain.faults.observed import Observed, Site

__all__ = ["Birth", "births"]


@dataclass(frozen=True, slots=True)
class Birth:
    """An operation that makes NaNs or infinities of finite numbers.

    Attributes
    ----------
    site : Site
    what : str
        "value", or "derivative" where the adjoint that arrives is finite and what an operand receives is not.
    count, of : int
        Entries.
    """

    site: Site
    what: str
    count: int
    of: int

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        return {"what": self.what, **self.site.to_dict(), "count": self.count, "of": self.of}


def births(seen: Observed) -> list[Birth]:
    """Return the operations that make numbers which are not finite, each once."""
    found: dict[tuple[Any, ...], Birth] = {}
    for one in _all(seen):
        found.setdefault((one.what, one.site.operation, one.site.file, one.site.line), one)
    return list(found.values())


def _all(seen: Observed) -> Iterator[Birth]:
    for k, operation in enumerate(seen.recording.operations):
        ys = operation.y if operation.prim.multiple else (operation.y,)
        finite = all(map(_is_finite, operation.xs))
        if finite:
            for y in ys:
                if not _is_finite(y):
                    yield Birth(site_of(operation), "value", int(np.sum(~np.isfinite(y))), int(np.size(y)))
        bars = [seen.bars[i] for i in operation.results if i in seen.bars]
        if finite and all(map(_is_finite, ys)) and all(map(_is_finite, bars)):
            for position in range(len(operation.operands)):
                amount = seen.amounts.get((k, position))
                if amount is not None and not _is_finite(amount):
                    n = int(np.sum(~np.isfinite(amount)))
                    yield Birth(site_of(operation), "derivative", n, int(np.size(amount)))


def _is_finite(x: Any) -> bool:
    x = np.asarray(x)
    return x.dtype.kind not in "fc" or bool(np.all(np.isfinite(x)))
