"""The error of difference formulas against the step: the V that everyone who picks h should have seen once.

On the right of the V the truncation error falls with slope p, the order of the formula; on the left the round-off error
rises with slope -1; the complex step has no left branch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table
from rich.text import Text

from wengert.errors import ArgumentError
from wengert.explain.rendering import html_table, to_text
from wengert.methods.stencils import STENCILS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ErrorCurve", "error_curve"]


@dataclass(frozen=True, eq=False, slots=True)
class ErrorCurve:
    """Errors of difference formulas at a number of steps.

    Attributes
    ----------
    steps : (n,) array
        The steps h, falling.
    errors : dict of (n,) arrays
        For every kind, the largest absolute error of the derivative.
    """

    steps: Any
    errors: dict[str, Any]

    def best(self, kind: str) -> tuple[float, float]:
        """Return the step with the smallest error, and that error."""
        k = int(np.nanargmin(self.errors[kind]))
        return float(self.steps[k]), float(self.errors[kind][k])

    def slopes(self, kind: str) -> tuple[float, float]:
        """Return the slopes of log(error) against log(h) right and left of the best step; nan without a branch.

        Each is the median of the slopes between all pairs of points (Theil 1950, Sen 1968), as round-off
        errors scatter.
        """
        h, error = self.steps, self.errors[kind]
        h_best, error_best = self.best(kind)
        usable = np.isfinite(error) & (error > 0)
        # At 1/10 of the largest step higher terms are gone; a saturated branch (x + h == x) is flat and left out.
        right = usable & (h > 4 * h_best) & (h <= 0.1 * np.max(h)) & (error > 4 * error_best)
        left = usable & (h < h_best / 4) & (error < 0.1 * np.nanmax(error[h < h_best], initial=0.0))
        return _slope(h[right], error[right]), _slope(h[left], error[left])

    def __str__(self) -> str:
        return to_text(self)

    def __rich__(self) -> Table:
        """Return a table for rich: a row for every step, then best step and slopes."""
        table = Table(title="Error of difference formulas against the step")
        table.add_column("h", justify="right")
        for kind in self.errors:
            table.add_column(kind, justify="right")
        best = {kind: self.best(kind)[0] for kind in self.errors}
        for h, row in zip(self.steps, self._rows(), strict=True):
            cells = [Text(text, style="bold green" if best[kind] == h else "") for kind, text in row.items()]
            table.add_row(f"{h:.1e}", *cells)
        table.add_section()
        for name, summary in self._summary().items():
            table.add_row(name, *summary)
        return table

    def _repr_html_(self) -> str:
        rows = [[f"{h:.1e}", *row.values()] for h, row in zip(self.steps, self._rows(), strict=True)]
        rows += [[name, *summary] for name, summary in self._summary().items()]
        return html_table(["h", *self.errors], rows, caption="Error of difference formulas against the step")

    def _rows(self) -> list[dict[str, str]]:
        """Return the errors as text, the best of each kind starred: readable without color."""
        best = {kind: self.best(kind)[0] for kind in self.errors}
        return [
            {kind: f"{error[i]:.1e}{'*' if best[kind] == h else ' '}" for kind, error in self.errors.items()}
            for i, h in enumerate(self.steps)
        ]

    def _summary(self) -> dict[str, list[str]]:
        slopes = [self.slopes(kind) for kind in self.errors]
        return {
            "best h": [f"{self.best(kind)[0]:.1e} " for kind in self.errors],
            "slope, large h": [_number(right) for right, _ in slopes],
            "slope, small h": [_number(left) for _, left in slopes],
        }


def error_curve(
    fun: Callable[[Any], Any],
    x: Any,
    exact: Any,
    *,
    kinds: Sequence[str] = ("forward", "central", "five_point", "complex"),
    steps: Any = None,
) -> ErrorCurve:
    """Measure the error of difference formulas at a range of steps.

    Parameters
    ----------
    fun : callable
        Function of one number, or elementwise function.
    x : number or array
        Where to differentiate.
    exact : number or array
        The derivative there.
    kinds : sequence of str
        forward, backward, central, five_point, complex.
    steps : (n,) array, optional
        Absolute steps; by default from 1 to 1e-16, two for each factor of ten.

    Returns
    -------
    ErrorCurve
        Steps and errors; prints as a table.

    Examples
    --------
    >>> curve = error_curve(np.exp, 1.0, np.e, kinds=["central"])
    >>> 1e-6 < curve.best("central")[0] < 1e-4
    True
    """
    unknown = [kind for kind in kinds if kind not in STENCILS]
    if unknown or not kinds:
        raise ArgumentError(
            f"error_curve: there is no kind {unknown}", instead="kinds among " + ", ".join(STENCILS)
        )
    x = np.asarray(x, dtype=None if np.asarray(x).dtype.kind in "fc" else float)
    steps = np.sort(np.asarray(10.0 ** np.arange(0, -16.5, -0.5) if steps is None else steps, dtype=float))[
        ::-1
    ]
    if steps.ndim != 1 or steps.size == 0 or not np.all((steps > 0) & np.isfinite(steps)):
        raise ArgumentError(
            "error_curve: steps must be positive numbers", instead="for instance np.logspace(0, -16, 33)"
        )
    v = np.ones_like(x)
    errors = {kind: [_error(fun, x, v, exact, kind, float(h)) for h in steps] for kind in kinds}
    return ErrorCurve(steps, {kind: np.array(error) for kind, error in errors.items()})


# helpers


def _error(fun: Callable[[Any], Any], x: Any, v: Any, exact: Any, kind: str, h: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.max(np.abs(STENCILS[kind].difference(fun, x, v, h) - exact)))


def _slope(h: Any, error: Any) -> float:
    if len(h) < 3:
        return float("nan")
    i, j = np.triu_indices(len(h), k=1)
    return float(np.median(np.log(error[i] / error[j]) / np.log(h[i] / h[j])))


def _number(slope: float) -> str:
    return "- " if np.isnan(slope) else f"{slope:.1f} "
