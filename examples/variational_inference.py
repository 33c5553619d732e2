"""Variational inference by the reparameterisation trick, against a posterior that is known.

In a linear model y = X w + noise with a Gaussian prior on w, the posterior is Gaussian, with

    covariance (X^T X / s^2 + 1 / t^2)^-1 and mean covariance X^T y / s^2.

Nothing of that is used by the fit: it draws w = m + L e with e standard normal, and climbs the evidence lower bound
E[log p(y, w) - log q(w)] in m and L by stochastic gradients through the draw (Kingma and Welling 2014). Where log q is
differentiated through the draw alone, with its own parameters held (Roeder, Wu and Duvenaud 2017), the noise of the
gradient vanishes as q approaches the posterior, so that the fit ends at it, not near it. The data are Brownlee's
stack loss, which statsmodels ships.

    python examples/variational_inference.py
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from statsmodels.datasets import stackloss

import wengert as wg
from wengert import optim

NOISE, PRIOR = 3.0, 10.0  # standard deviations of the noise and of each weight
DRAWS, STEPS, RATE = 16, 3000, 0.05


def load() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return names, a column of ones beside standardised measurements, and the loss of ammonia."""
    data = stackloss.load_pandas()
    x = np.asarray(data.exog, float)
    x = np.column_stack([np.ones(len(x)), (x - x.mean(0)) / x.std(0)])
    return ["mean", *data.exog.columns], x, np.asarray(data.endog, float)


def log_joint(w: Any, x: np.ndarray, y: np.ndarray) -> Any:
    """Return log p(y, w) for each row of `w`, without what is constant."""
    return -0.5 * np.sum((y - w @ x.T) ** 2, -1) / NOISE**2 - 0.5 * np.sum(w**2, -1) / PRIOR**2


def triangle(q: dict[str, Any]) -> Any:
    """Return L: strictly lower entries as they are, the diagonal from its logarithms."""
    return np.tril(q["below"], -1) + np.exp(q["diagonal"]) * np.eye(len(q["mean"]))


def log_density(w: Any, q: dict[str, Any]) -> Any:
    """Return log q(w) for each row of `w`, without what is constant."""
    white = np.linalg.solve(triangle(q), (w - q["mean"]).T)
    return -0.5 * np.sum(white**2, 0) - np.sum(q["diagonal"])


def bound(q: dict[str, Any], e: Any, x: Any, y: Any) -> Any:
    """Return the evidence lower bound as the draws `e` estimate it."""
    w = q["mean"] + e @ triangle(q).T
    return np.mean(log_joint(w, x, y) - log_density(w, wg.stop_gradient(q)))


@wg.jit
def fit(x: Any, y: Any, key: Any) -> dict[str, Any]:
    """Climb the bound by Adam, with a rate that falls to zero: all steps are one compiled loop."""
    d = x.shape[1]
    optimizer = optim.adam(optim.cosine(RATE, STEPS))

    def step(now: Any, key: Any) -> tuple[Any, None]:
        q, state = now
        draws = wg.random.normal(key, (DRAWS, d))
        slopes = wg.grad(lambda q: -bound(q, draws, x, y))(q)
        return optimizer.update(slopes, state, q), None

    q = {"mean": np.zeros(d), "below": np.zeros((d, d)), "diagonal": np.zeros(d)}
    return wg.scan(step, (q, optimizer.init(q)), wg.random.split(key, STEPS))[0][0]


@dataclass(frozen=True)
class Posterior:
    """A mean and a covariance."""

    mean: np.ndarray
    covariance: np.ndarray

    def deviations(self) -> np.ndarray:
        """Return the standard deviations."""
        return np.sqrt(np.diag(self.covariance))


def exact(x: np.ndarray, y: np.ndarray) -> Posterior:
    """Return the posterior by its closed form."""
    covariance = np.linalg.inv(x.T @ x / NOISE**2 + np.eye(x.shape[1]) / PRIOR**2)
    return Posterior(covariance @ x.T @ y / NOISE**2, covariance)


def divergence(q: Posterior, p: Posterior) -> float:
    """Return the Kullback-Leibler divergence of two Gaussians, KL(q || p)."""
    ratio = np.linalg.solve(p.covariance, q.covariance)
    off = q.mean - p.mean
    trace = np.trace(ratio) - len(off) - np.linalg.slogdet(ratio)[1]
    return float(0.5 * (trace + off @ np.linalg.solve(p.covariance, off)))


def main() -> int:
    """Fit, and compare with the posterior; fail where they are apart."""
    names, x, y = load()
    q = fit(x, y, wg.random.key(0))
    lower = triangle(q)
    found, right = Posterior(q["mean"], lower @ lower.T), exact(x, y)
    table = Table(title=f"Posterior of the weights of stack loss, {STEPS} steps of {DRAWS} draws")
    table.add_column("")
    for header in ("mean", "exact", "std. dev.", "exact"):
        table.add_column(header, justify="right")
    rows = zip(names, found.mean, right.mean, found.deviations(), right.deviations(), strict=True)
    for name, *numbers in rows:
        table.add_row(name, *[f"{number:.5f}" for number in numbers])
    console = Console(highlight=False)
    console.print(table)
    apart = divergence(found, right)
    console.print(f"Kullback-Leibler divergence from the exact posterior: {apart:.1e}")
    return 0 if apart < 1e-6 else 1


if __name__ == "__main__":
    sys.exit(main())
