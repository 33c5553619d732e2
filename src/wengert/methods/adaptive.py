r"""Difference quotients that choose their own step and estimate their own error.

`adaptive` evaluates one formula D on a ladder of steps h_0 > h_1 > ..., each a quarter of the one before. Two terms
estimate the error of D(h_k), entry by entry of the result:

    change       the largest of
                   |D_k - D_(k+1)|, what the next finer step changes;
                   |D_k - D_(k-1)| / (4^p - 1), what Richardson's comparison with the next coarser step predicts;
                   |D_j - D_(j+1)| h_(j+1) / h_k for all finer steps j: the noise of the function, which fine
                   steps show if its values are worse than full precision;
    round-off    the bound of the formula for function values computed to full precision, plus the effect of
                 rounding the points x + c h v themselves.

Every entry takes the step with the smallest sum. The ladder ends once the round-off term alone exceeds the
best estimate everywhere, which is usually after six steps. Steps at which the function fails or is not
finite, say outside its domain, do not compete.

`richardson` extrapolates central differences at h, h/2, h/4, ... to h = 0 by Neville's scheme: their error
is a series in h^2, of which each column removes a term.

The errors are estimates, not bounds: allow a factor of ten.

References
----------
C. J. F. Ridders, Advances in Engineering Software 4 (1982) 75, and W. H. Press et al., Numerical Recipes, 3rd edition
(2007), section 5.7: the extrapolation with its error estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.methods.stencils import CENTRAL, FIVE_POINT, Stencil, epsilon, scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Estimate", "adaptive", "richardson"]

_RATIO = 4.0  # of two steps of the ladder: a power of two, so that the steps stay exact
_COARSEST = 1 / 4  # the first step, in units of the scale of x
_ROWS = 12  # of the extrapolation


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """A derivative by differences.

    Attributes
    ----------
    value : number or array
        The derivative.
    error : number or array
        Estimate of its absolute error, entry by entry; inf where no step gave a finite value.
    kind : str
        The formula behind it.
    step : number or array
        The step behind each entry.
    evaluations : int
        How often the function was called.
    """

    value: Any
    error: Any
    kind: str
    step: Any
    evaluations: int


@dataclass(frozen=True, eq=False, slots=True)
class _Quotient:
    """D(h) with the bound of its round-off error."""

    step: float
    value: Any
    round_off: Any


def adaptive(fun: Callable[[Any], Any], x: Any, v: Any, stencil: Stencil = FIVE_POINT) -> Estimate:
    """Estimate the derivative of fun(x + t v) at t = 0, at the best step for every entry of the result."""
    fun, calls = _counted(fun)
    quotients: list[_Quotient] = []
    for quotient in _ladder(fun, x, v, stencil, _RATIO):
        quotients.append(quotient)
        if len(quotients) > 2:
            errors = _errors(quotients, stencil)
            if np.all(quotient.round_off > np.min(errors[:-1], axis=0)):
                break
    errors = _errors(quotients, stencil)
    return _select(quotients, errors, stencil.name, len(calls))


def richardson(fun: Callable[[Any], Any], x: Any, v: Any) -> Estimate:
    """Estimate the derivative of fun(x + t v) at t = 0 by Ridders' extrapolation of central differences."""
    fun, calls = _counted(fun)
    candidates: list[_Quotient] = []
    errors: list[Any] = []
    above: list[Any] = []
    for quotient in _ladder(fun, x, v, CENTRAL, 2.0, _ROWS):
        row = [quotient.value]
        for column, coarser in enumerate(above, start=1):
            factor = 4.0**column  # the step halves and the error is a series in h^2
            with np.errstate(all="ignore"):
                row.append((factor * row[-1] - coarser) / (factor - 1))
                difference = np.maximum(np.abs(row[-1] - row[-2]), np.abs(row[-1] - coarser))
            candidates.append(_Quotient(quotient.step, row[-1], quotient.round_off))
            errors.append(_finite_or_inf(difference + quotient.round_off))
        if errors and np.all(quotient.round_off > np.min(errors, axis=0)):
            break
        above = row
    if not candidates:  # a single step in the domain
        candidates, errors = [quotient], [np.full(np.shape(quotient.value), np.inf)]
    return _select(candidates, np.stack(errors), "richardson", len(calls))


# helpers


def _counted(fun: Callable[[Any], Any]) -> tuple[Callable[[Any], Any], list[None]]:
    """Return the function with plain floating-point results, and a list that grows with every call."""
    calls: list[None] = []

    def counted(x: Any) -> Any:
        calls.append(None)
        with np.errstate(all="ignore"):
            y = np.asarray(fun(x))
        return y if y.dtype.kind in "fc" else y.astype(float)

    return counted, calls


def _ladder(
    fun: Callable[[Any], Any], x: Any, v: Any, stencil: Stencil, ratio: float, most: int | None = None
) -> Iterator[_Quotient]:
    """Yield D(h) for falling h, without the steps at which the function raises; raise if there are no others."""
    unit, eps = scale(x, v), epsilon(x)
    failure: Exception | None = None
    succeeded = 0
    levels = int(np.ceil(np.log2(_COARSEST / eps) / np.log2(ratio)))
    for level in range(levels):
        h = unit * _COARSEST / ratio**level
        try:
            points = stencil.points(x, v, h)
            values = [fun(point) for point in points]
        except (ArithmeticError, ValueError) as error:
            failure = error
            continue
        with np.errstate(all="ignore"):
            value = stencil.combine(values, h)
            round_off = stencil.round_off(values, max(eps, epsilon(*values)), h)
            round_off = round_off + _blur(stencil, points, x, h * v) * np.abs(value)
        succeeded += 1
        yield _Quotient(h, value, round_off)
        if succeeded == most:
            return
    if not succeeded and failure is not None:
        raise failure


def _blur(stencil: Stencil, points: list[Any], x: Any, step: Any) -> float:
    """Return by what fraction of the step the points were moved when x + c h v was rounded; often exactly 0.

    As the change of direction in the worst case, it changes D(h) by about that fraction.
    """
    if not np.any(step):
        return 0.0
    moves = zip(stencil.offsets, points, strict=True)
    moved = max(np.max(np.abs((point - x) - offset * step)) for offset, point in moves)
    return float(moved / np.max(np.abs(step)))


def _errors(quotients: list[_Quotient], stencil: Stencil) -> Any:
    """Return the estimated errors of all quotients, stacked; inf where a value is not finite."""
    values = np.stack([q.value for q in quotients])
    round_off = np.stack([q.round_off for q in quotients])
    if len(quotients) == 1:
        return np.full(round_off.shape, np.inf)
    with np.errstate(all="ignore"):
        change = np.abs(np.diff(values, axis=0))
        finer = np.concatenate([change, _RATIO * change[-1:]])
        coarser = np.concatenate([0 * change[:1], change / (_RATIO**stencil.order - 1)])
        steps = np.array([q.step for q in quotients]).reshape(-1, *[1] * (values.ndim - 1))
        # The noise of the function, by the steps finer than each.
        noise = np.flip(np.fmax.accumulate(np.flip(change * steps[1:], axis=0)), axis=0)
        noise = np.concatenate([noise, noise[-1:]]) / steps
        return _finite_or_inf(np.fmax(np.fmax(finer, coarser), noise) + round_off)


def _finite_or_inf(errors: Any) -> Any:
    return np.where(np.isfinite(errors), errors, np.inf)


def _select(quotients: list[_Quotient], errors: Any, kind: str, evaluations: int) -> Estimate:
    """Return, entry by entry, the quotient with the smallest error."""
    best = np.argmin(errors, axis=0)[np.newaxis]
    values = np.stack([q.value for q in quotients])
    steps = np.array([q.step for q in quotients])
    value = np.take_along_axis(values, best, axis=0)[0]
    error = np.take_along_axis(errors, best, axis=0)[0]
    return Estimate(value, error, kind, steps[best[0]], evaluations)
