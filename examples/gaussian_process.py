"""Carbon dioxide over Mauna Loa: a Gaussian process whose eleven hyper-parameters are found by exact gradients.

The log marginal likelihood of the observations,

    log p(y) = -1/2 y^T K^-1 y - 1/2 log det K - n/2 log 2 pi,

is differentiated through the Cholesky factorisation of K and climbed by SciPy's L-BFGS-B. The kernel is that of
Rasmussen and Williams (2006, section 5.4.3): a rise over decades, a year's cycle that changes slowly, irregularities of
some years, and noise. It is fitted to monthly means before 1998 and predicts what came after.

    python examples/gaussian_process.py [--figure co2.png]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from statsmodels.datasets import co2

import wengert as wg
from wengert import optim
from wengert.scipy.linalg import solve_triangular

LAST_YEAR = 1998.0  # what comes after is predicted
NAMES = (
    "rise, size (ppm)", "rise, length (y)",
    "cycle, size (ppm)", "cycle, decay (y)", "cycle, smoothness",
    "irregularities, size (ppm)", "irregularities, length (y)", "irregularities, shape",
    "correlated noise, size (ppm)", "correlated noise, length (y)", "noise, size (ppm)",
)  # fmt: skip
START = np.array([66.0, 67.0, 2.4, 90.0, 1.3, 0.66, 1.2, 0.78, 0.18, 0.13, 0.19])  # as found by the book


def load() -> tuple[np.ndarray, np.ndarray]:
    """Return years and monthly means in parts per million; months without a measurement are left out."""
    months = co2.load_pandas().data["co2"].resample("MS").mean().dropna()
    return months.index.year.to_numpy() + (months.index.month.to_numpy() - 0.5) / 12, months.to_numpy()


def covariance(theta: Any, s: np.ndarray, t: np.ndarray) -> Any:
    """Return the kernel between years; `theta` holds the logarithms of the hyper-parameters."""
    a1, l1, a2, l2, l3, a3, l4, shape, a4, l5, _ = np.exp(theta)
    d = s[:, None] - t[None, :]
    square = d * d
    rise = a1**2 * np.exp(-square / (2 * l1**2))
    cycle = a2**2 * np.exp(-square / (2 * l2**2) - 2 * np.sin(np.pi * d) ** 2 / l3**2)
    irregular = a3**2 * (1 + square / (2 * shape * l4**2)) ** -shape
    return rise + cycle + irregular + a4**2 * np.exp(-square / (2 * l5**2))


def factor(theta: Any, t: np.ndarray) -> Any:
    """Return the Cholesky factor of the covariance of observations, noise included."""
    return np.linalg.cholesky(covariance(theta, t, t) + np.exp(2 * theta[-1]) * np.eye(len(t)))


def loss(theta: Any, t: np.ndarray, y: np.ndarray) -> Any:
    """Return minus the log marginal likelihood."""
    lower = factor(theta, t)
    white = solve_triangular(lower, y, lower=True)
    return 0.5 * white @ white + np.sum(np.log(np.diagonal(lower))) + 0.5 * len(y) * np.log(2 * np.pi)


def predict(
    theta: np.ndarray, t: np.ndarray, y: np.ndarray, new: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of new observations (Rasmussen and Williams, algorithm 2.1)."""
    lower = factor(theta, t)
    across = solve_triangular(lower, covariance(theta, t, new), lower=True)
    prior = np.diag(covariance(theta, new, new)) + np.exp(2 * theta[-1])
    mean = across.T @ solve_triangular(lower, y, lower=True)
    return mean, np.sqrt(prior - np.sum(across**2, axis=0))


def slope_error(theta: np.ndarray, t: np.ndarray, y: np.ndarray) -> float:
    """Return how far the gradient is from its closed form, relative to its largest entry.

    With a = K^-1 y it is -1/2 tr((a a^T - K^-1) dK/dtheta) (Rasmussen and Williams, equation 5.9).
    """
    lower = factor(theta, t)
    inverse = np.linalg.inv(lower @ lower.T)
    a = inverse @ y
    slopes = wg.jacfwd(lambda p: covariance(p, t, t) + np.exp(2 * p[-1]) * np.eye(len(t)))(theta)
    closed = -0.5 * np.einsum("ij,ijk->k", np.outer(a, a) - inverse, slopes)
    return float(np.max(np.abs(wg.grad(loss)(theta, t, y) - closed)) / np.max(np.abs(closed)))


@dataclass(frozen=True)
class Found:
    """The maximum of the marginal likelihood, and what it predicts."""

    theta: np.ndarray
    before: float  # minus the log marginal likelihood, at the start
    after: float
    slope_error: float
    years: np.ndarray
    seen: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray

    def error(self) -> float:
        """Return the root of the mean square of what the prediction is off by, in ppm."""
        return float(np.sqrt(np.mean((self.mean - self.seen) ** 2)))


def fit() -> Found:
    """Find the hyper-parameters and predict the years left out."""
    years, ppm = load()
    old = years < LAST_YEAR
    t, level = years[old], float(np.mean(ppm[old]))
    y = ppm[old] - level
    start = np.log(START)
    best = optim.minimize(loss, start, t, y, maxiter=60)
    mean, deviation = predict(best.params, t, y, years[~old])
    return Found(
        best.params,
        float(loss(start, t, y)),
        best.value,
        slope_error(start, t, y),
        years[~old],
        ppm[~old],
        mean + level,
        deviation,
    )


def table(found: Found) -> Table:
    """Return the hyper-parameters, at the start and at the maximum."""
    rows = Table(title="Hyper-parameters")
    rows.add_column("")
    for header in ("start", "found"):
        rows.add_column(header, justify="right")
    for name, before, after in zip(NAMES, START, np.exp(found.theta), strict=True):
        rows.add_row(name, f"{before:.3g}", f"{after:.3g}")
    rows.add_row("log marginal likelihood", f"{-found.before:.2f}", f"{-found.after:.2f}")
    return rows


def draw(found: Found, path: Path) -> None:
    """Save prediction and measurements of the years left out."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    axes.fill_between(
        found.years, found.mean - 2 * found.deviation, found.mean + 2 * found.deviation, alpha=0.3
    )
    axes.plot(found.years, found.mean, label="predicted, with two standard deviations")
    axes.plot(found.years, found.seen, ".", color="black", label="measured")
    axes.set(xlabel="year", ylabel="CO2 (ppm)", title=f"Predicted from the months before {LAST_YEAR:.0f}")
    axes.legend()
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> int:
    """Fit, predict and print; fail where the gradient or the prediction is off."""
    parser = argparse.ArgumentParser(description="Gaussian-process regression of CO2 over Mauna Loa.")
    parser.add_argument("--figure", type=Path, help="where to save a picture of the prediction")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    found = fit()
    console.print(table(found))
    console.print(f"The gradient differs from its closed form by {found.slope_error:.1e}, relatively")
    console.print(f"{len(found.years)} months ahead: off by {found.error():.2f} ppm (root mean square)")
    if options.figure:
        draw(found, options.figure)
    held = found.after < found.before and found.slope_error < 1e-6 and found.error() < 2
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
