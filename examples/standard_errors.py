"""Logistic and Poisson regression, with standard errors: the Hessian of what is written down, nothing else.

A generalised linear model is fitted by Newton's method on its log likelihood, and the standard errors are the roots of
the diagonal of the inverse of the Hessian at the maximum. Wengert takes gradient and Hessian from the likelihood as it
stands; statsmodels, which has both by hand, is asked for the same numbers. The data are two that statsmodels ships:
the teaching experiment of Spector and Mazzeo (1980) and the doctor visits of the RAND health insurance experiment.

    python examples/standard_errors.py
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import statsmodels.api as sm
from rich.console import Console
from rich.table import Table

import wengert as wg

DIGITS = 6


def logistic(beta: Any, x: np.ndarray, y: np.ndarray) -> Any:
    """Return minus the log likelihood of yes and no, where the log odds are x beta."""
    eta = x @ beta
    return np.sum(np.logaddexp(0, eta) - y * eta)


def poisson(beta: Any, x: np.ndarray, y: np.ndarray) -> Any:
    """Return minus the log likelihood of counts with mean exp(x beta), without log y!, which is constant."""
    eta = x @ beta
    return np.sum(np.exp(eta) - y * eta)


@dataclass(frozen=True)
class Fit:
    """Coefficients and standard errors, as found here and by statsmodels."""

    title: str
    names: list[str]
    beta: np.ndarray
    errors: np.ndarray
    their_beta: np.ndarray
    their_errors: np.ndarray

    def digits(self) -> float:
        """Return to how many digits all numbers agree."""
        found = np.concatenate([self.beta, self.errors])
        theirs = np.concatenate([self.their_beta, self.their_errors])
        return float(-np.log10(max(np.max(np.abs(found / theirs - 1)), 1e-16)))


def newton(loss: Callable[..., Any], x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the minimum of a convex loss, and the roots of the diagonal of the inverse Hessian there.

    Steps are halved until the loss falls, and end when they are as small as rounding.
    """
    value = wg.jit(loss)
    slope, curvature = wg.jit(wg.grad(loss)), wg.jit(wg.hessian(loss))
    beta = np.zeros(x.shape[1])
    for _ in range(100):
        step = np.linalg.solve(curvature(beta, x, y), slope(beta, x, y))
        while value(beta - step, x, y) > value(beta, x, y) and np.max(np.abs(step)) > 1e-12:
            step = step / 2
        beta = beta - step
        if np.max(np.abs(step)) <= 1e-12 * np.max(np.abs(beta)):
            break
    return beta, np.sqrt(np.diag(np.linalg.inv(curvature(beta, x, y))))


def compare() -> list[Fit]:
    """Fit both models, here and with statsmodels."""
    cases = [
        ("Logistic: grades improved", logistic, sm.families.Binomial(), sm.datasets.spector),
        ("Poisson: visits to the doctor", poisson, sm.families.Poisson(), sm.datasets.randhie),
    ]
    fits = []
    for title, loss, family, dataset in cases:
        data = dataset.load_pandas()
        x = sm.add_constant(data.exog)
        y = np.asarray(data.endog, float)
        theirs = sm.GLM(y, x, family=family).fit(tol=1e-14)
        beta, errors = newton(loss, np.asarray(x, float), y)
        fits.append(Fit(title, list(x.columns), beta, errors, *map(np.asarray, (theirs.params, theirs.bse))))
    return fits


def table(fit: Fit) -> Table:
    """Return coefficients and standard errors side by side."""
    found = Table(title=fit.title)
    found.add_column("")
    for header in ("coefficient", "statsmodels", "std. error", "statsmodels"):
        found.add_column(header, justify="right")
    rows = zip(fit.names, fit.beta, fit.their_beta, fit.errors, fit.their_errors, strict=True)
    for name, *numbers in rows:
        found.add_row(name, *[f"{number:.7g}" for number in numbers])
    return found


def main() -> int:
    """Print both fits; fail where fewer digits agree than promised."""
    console = Console(highlight=False)
    fits = compare()
    for fit in fits:
        console.print(table(fit))
    agree = min(fit.digits() for fit in fits)
    console.print(f"Digits that agree in the worst number: {agree:.1f}")
    return 0 if agree >= DIGITS else 1


if __name__ == "__main__":
    sys.exit(main())
