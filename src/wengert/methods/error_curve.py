"""The error of difference formulas against the step: the V that everyone who picks h should have seen once.

On the right of the V the truncation error falls with slope p, the order of the formula; on the left the round-off error
rises with slope -1; the complex step has no left branch. Beside what is measured stands what theory bounds
(`error_theory`): the slopes, and the step where the two branches meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.errors import ArgumentError
from wengert.explain.rendering import jsonable
from wengert.explain.report import Block, Grid, Picture, Prose, Report
from wengert.methods.error_plot import drawn
from wengert.methods.error_theory import Bound, bounds
from wengert.methods.reference import reference
from wengert.methods.stencils import STENCILS, Stencil

__all__ = ["ErrorCurve", "error_curve"]

# D(h), D(h/2), D(h/4) of central differences with weights 1/45, -20/45, 64/45: the terms in h^2 and h^4 cancel, and
# that in h^6 has (1 - 20/2^6 + 64/4^6)/45 = 1/64 of its constant 1/7!.
_RICHARDSON = Stencil(
    "richardson",
    (-1, -0.5, -0.25, 0.25, 0.5, 1),
    (-1 / 90, 40 / 90, -256 / 90, 256 / 90, -40 / 90, 1 / 90),
    order=6,
    constant=1 / 64 / 5040,
)
_ROWS = 40  # of the table; curves may have more points
_FORMULAS = {**STENCILS, "richardson": _RICHARDSON}


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class ErrorCurve(Report):
    """Errors of difference formulas at a number of steps; prints as a table, and saves as HTML with a plot.

    Attributes
    ----------
    steps : (n,) array
        The steps h, falling.
    errors : dict of (n,) arrays
        For every kind, the largest absolute error of the derivative.
    theory : dict of Bound
        For every kind, the bound of the error against h.
    """

    steps: Any
    errors: dict[str, Any]
    theory: dict[str, Bound] = field(default_factory=dict)

    title = "Error of difference formulas against the step"

    def best(self, kind: str) -> tuple[float, float]:
        """Return the step with the smallest error, and that error."""
        k = int(np.argmin(_finite_or_inf(self.errors[kind])))
        return float(self.steps[k]), float(self.errors[kind][k])

    def predicted(self, kind: str) -> tuple[float, float]:
        """Return the step where theory's bound is least among those measured, and the bound; nan if it is not known."""
        bound = self.theory.get(kind)
        if bound is None or not np.isfinite(bound.truncation):
            return float("nan"), float("nan")
        h = float(np.clip(bound.best, np.min(self.steps), np.max(self.steps)))
        return h, float(bound(h))

    def slopes(self, kind: str) -> tuple[float, float]:
        """Return the slopes of log(error) against log(h) right and left of the best step; nan without a branch.

        Each is the median of the slopes between all pairs of points (Theil 1950, Sen 1968), as round-off
        errors scatter.
        """
        h, error = self.steps, self.errors[kind]
        usable = np.isfinite(error) & (error > 0)
        flat = _FORMULAS[kind].imaginary
        if flat:
            h_best, floor = 0.0, float(np.max(_finite_or_inf(error[-(len(h) // 3 or 1) :])))
        else:  # the turn of the curve: its least point may be far on the left of it, by luck
            h_best, floor = _turn(h, error)
        # At 1/10 of the largest step higher terms are gone, at 1/3 for high orders, whose branches are short. A
        # saturated branch (x + h == x) is flat and left out.
        right = (
            usable
            & (h > 2 * h_best)
            & (h <= (0.1 if _FORMULAS[kind].order < 4 else 0.34) * np.max(h))
            & (error > 4 * floor)
        )
        left = (
            usable
            & (h < h_best / 4)
            & (error < 0.1 * np.max(error[h < h_best], initial=0.0, where=usable[h < h_best]))
        )
        return _slope(h[right], error[right]), float("nan") if flat else _slope(h[left], error[left])

    def blocks(self) -> Iterator[Block]:
        """Yield best steps and slopes, the plot, and the errors at all steps, or at some if there are many."""
        summary = [[name, *cells] for name, cells in self._summary().items()]
        yield Grid("Best steps and slopes", ["", *self.errors], summary, sections=frozenset({1, 3}))
        yield Prose(
            "Predicted is where the sum of the bounds of truncation, from the next derivative in many digits, and of "
            "round-off is least. Slopes are fitted, with theory's in brackets."
        )
        yield Picture(self.title, drawn(self), (8.6, 5.0))
        best = {kind: self.best(kind)[0] for kind in self.errors}
        shown = [
            k
            for k, h in enumerate(self.steps)
            if len(self.steps) <= _ROWS or k % 2 == 0 or h in best.values()
        ]
        rows = [[f"{self.steps[k]:.1e}", *self._row(k, best)] for k in shown]
        cells = {
            (i, c + 1) for i, k in enumerate(shown) for c, h in enumerate(best.values()) if h == self.steps[k]
        }
        yield Grid(
            "Errors, the smallest of each starred", ["h", *self.errors], rows, frozenset(), frozenset(cells)
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON; what is not known is null."""
        kinds = {}
        for kind, error in self.errors.items():
            right, left = self.slopes(kind)
            step, least = self.best(kind)
            kinds[kind] = {
                "errors": [_known(e) for e in error],
                "best_step": step,
                "best_error": least,
                "predicted_step": _known(self.predicted(kind)[0]),
                "predicted_error": _known(self.predicted(kind)[1]),
                "slope_truncation": _known(right),
                "slope_round_off": _known(left),
            }
        return {"steps": jsonable(self.steps), "kinds": kinds}

    def _row(self, k: int, best: dict[str, float]) -> list[str]:
        """Return the errors at a step as text, the best of each kind starred: readable without color."""
        return [
            f"{error[k]:.1e}{'*' if best[kind] == self.steps[k] else ' '}"
            for kind, error in self.errors.items()
        ]

    def _summary(self) -> dict[str, list[str]]:
        slopes = [self.slopes(kind) for kind in self.errors]
        theory = [self.theory.get(kind) for kind in self.errors]
        return {
            "step found": [f"{self.best(kind)[0]:.1e} " for kind in self.errors],
            "step predicted": [_scientific(self.predicted(kind)[0]) for kind in self.errors],
            "error found": [f"{self.best(kind)[1]:.1e} " for kind in self.errors],
            "error predicted": [_scientific(self.predicted(kind)[1]) for kind in self.errors],
            "slope, large h": [
                _beside(right, None if t is None else t.order)
                for (right, _), t in zip(slopes, theory, strict=True)
            ],
            "slope, small h": [
                _beside(left, None if t is None else t.slope)
                for (_, left), t in zip(slopes, theory, strict=True)
            ],
        }


def error_curve(
    fun: Callable[[Any], Any],
    x: Any,
    exact: Any = None,
    *,
    kinds: Sequence[str] = ("forward", "central", "five_point", "richardson", "complex"),
    steps: Any = None,
) -> ErrorCurve:
    """Measure the error of difference formulas at a range of steps, beside what theory predicts.

    Parameters
    ----------
    fun : callable
        Function of one number or array, with one number or array as result.
    x : number or array
        Where to differentiate.
    exact : number or array, optional
        The derivative there: the Jacobian, of the shape of the result followed by that of x; or, for an elementwise
        function of an array, the derivative at each entry. By default it is found in many digits.
    kinds : sequence of str
        forward, backward, central, five_point, complex, and richardson: central differences
        at h, h/2 and h/4, extrapolated.
    steps : (n,) array, optional
        Absolute steps; by default from 1 to 1e-16, four for each factor of ten.

    Returns
    -------
    ErrorCurve
        Steps and errors; prints as a table, and `save("report.html")` adds a plot.

    Examples
    --------
    >>> curve = error_curve(np.exp, 1.0, kinds=["central"])
    >>> 1e-6 < curve.best("central")[0] < 1e-4
    True
    """
    unknown = [kind for kind in kinds if kind not in _FORMULAS]
    if unknown or not kinds:
        raise ArgumentError(
            f"error_curve: there is no kind {unknown}", instead="kinds among " + ", ".join(_FORMULAS)
        )
    x = np.asarray(x, dtype=None if np.asarray(x).dtype.kind in "fc" else float)
    steps = np.sort(np.asarray(10.0 ** np.arange(0, -16.25, -0.25) if steps is None else steps, dtype=float))[
        ::-1
    ]
    if steps.ndim != 1 or steps.size == 0 or not np.all((steps > 0) & np.isfinite(steps)):
        raise ArgumentError(
            "error_curve: steps must be positive numbers", instead="for instance np.logspace(0, -16, 33)"
        )
    with np.errstate(all="ignore"):
        columns = _columns(fun, x, exact)
        formulas = [_FORMULAS[kind] for kind in kinds]
        errors = {s.name: np.array([_error(fun, x, columns, s, float(h)) for h in steps]) for s in formulas}
        return ErrorCurve(steps, errors, bounds(fun, x, [v for v, _ in columns], formulas))


# helpers


def _columns(fun: Callable[[Any], Any], x: Any, exact: Any) -> list[tuple[Any, Any]]:
    """Return directions with the derivatives along them."""
    if exact is None:
        found = reference(fun, [x])
        shape = np.shape(fun(x))
        return [
            (_unit(x, k), np.array([float(y) for y in column]).reshape(shape))
            for k, column in zip(found.columns, found.values, strict=True)
        ]
    exact = np.asarray(exact)
    if exact.ndim <= x.ndim and exact.shape == np.shape(fun(x)):  # elementwise: along all entries together
        return [(np.ones_like(x), exact)]
    columns = np.reshape(exact, (*exact.shape[: exact.ndim - x.ndim], -1))
    return [(_unit(x, k), columns[..., k]) for k in range(x.size)]


def _unit(x: Any, k: int) -> Any:
    v = np.zeros_like(x)
    v.reshape(-1)[k] = 1
    return v


def _error(fun: Callable[[Any], Any], x: Any, columns: Sequence[Any], stencil: Stencil, h: float) -> float:
    return max(
        float(np.max(np.abs(stencil.difference(fun, x, v, h) - exact), initial=0)) for v, exact in columns
    )


def _finite_or_inf(error: Any) -> Any:
    """Return errors with inf where the function has no value, say outside its domain."""
    return np.where(np.isnan(error), np.inf, error)


def _turn(h: Any, error: Any) -> tuple[float, float]:
    """Return the step and the error where the running median of the errors is least."""
    width = 5 if len(h) > 20 else 3
    padded = np.pad(_finite_or_inf(error), width // 2, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=-1)
    k = int(np.argmin(smooth))
    return float(h[k]), float(smooth[k])


def _slope(h: Any, error: Any) -> float:
    if len(h) < 3:
        return float("nan")
    i, j = np.triu_indices(len(h), k=1)
    return float(np.median(np.log(error[i] / error[j]) / np.log(h[i] / h[j])))


def _known(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None


def _scientific(x: float) -> str:
    return "- " if np.isnan(x) else f"{x:.1e} "


def _beside(slope: float, theory: int | None) -> str:
    measured = "-" if np.isnan(slope) else f"{slope:.1f}"
    return f"{measured} " if theory is None else f"{measured} ({theory})"
