"""A physics-informed network: Poisson's equation on a square, with the Laplacian by Taylor mode.

Sought is u with u_xx + u_yy = f inside the unit square and u = 0 on its border. With u = x (1 - x) y (1 - y) N(x, y)
the border is kept exactly (Lagaris, Likas and Fotiadis 1998), and the weights of the network N minimise the mean square
of the residual at points inside. The Laplacian takes one run of the network on values, slopes along both axes and the
sum of the second derivatives (collapsed Taylor mode: Dangel et al. 2025), so that no Hessian is formed; reverse mode
goes through it for the weights, and the whole is compiled once. With
f = -5 pi^2 sin(pi x) sin(2 pi y) the solution is sin(pi x) sin(2 pi y).

    python examples/poisson_network.py [--figure poisson.png]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import wengert as wg
from wengert import nn, optim

HIDDEN = 24
POINTS, ITERATIONS = 20, 600  # to a side; of L-BFGS


def exact(x: Any, y: Any) -> Any:
    """Return the solution."""
    return np.sin(np.pi * x) * np.sin(2 * np.pi * y)


def source(x: Any, y: Any) -> Any:
    """Return the right side, the Laplacian of the solution."""
    return -5 * np.pi**2 * exact(x, y)


def network(key: Any) -> nn.Sequential:
    """Return N, from points in the last axis."""
    first, second, third = wg.random.split(key, 3)
    return nn.Sequential(
        nn.Linear(2, HIDDEN, key=first, initializer=nn.glorot_normal),
        np.tanh,
        nn.Linear(HIDDEN, HIDDEN, key=second, initializer=nn.glorot_normal),
        np.tanh,
        nn.Linear(HIDDEN, 1, key=third, initializer=nn.glorot_normal),
    )


def solution(model: nn.Sequential, x: Any, y: Any) -> Any:
    """Return u at points, which vanishes on the border."""
    return x * (1 - x) * y * (1 - y) * model(np.stack([x, y], axis=-1))[..., 0]


def laplacian(u: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    """Return u_xx + u_yy at points: one shift moves them all, and u at a point depends on that point only."""
    return wg.laplacian(lambda shift: u(x + shift[0], y + shift[1]))(np.zeros(2))


def loss(model: nn.Sequential, x: Any, y: Any) -> Any:
    """Return the mean square of the residual."""
    return np.mean((laplacian(lambda v, w: solution(model, v, w), x, y) - source(x, y)) ** 2)


@dataclass(frozen=True)
class Found:
    """A network, how many steps it took, and how far the solution is off, relative to its largest value."""

    model: nn.Sequential
    evaluations: int
    residual: float
    error: float


def grid(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the middles of the cells of a square grid."""
    middles = (np.arange(points) + 0.5) / points
    x, y = np.meshgrid(middles, middles)
    return x.ravel(), y.ravel()


def fit(seed: int = 0) -> Found:
    """Minimise the residual, and compare with the solution where nothing was fitted."""
    best = optim.minimize(
        loss,
        network(wg.random.key(seed)),
        *grid(POINTS),
        maxiter=ITERATIONS,
        maxfun=2 * ITERATIONS,
        maxcor=50,
        ftol=0,
        gtol=0,
    )
    x, y = grid(3 * POINTS + 1)
    error = float(np.max(np.abs(solution(best.params, x, y) - exact(x, y))))
    return Found(best.params, best.evaluations, float(np.sqrt(best.value)), error)


def draw(found: Found, path: Path) -> None:
    """Save the solution found, and where it is off."""
    from matplotlib.figure import Figure

    x, y = (v.reshape(100, 100) for v in grid(100))
    u = solution(found.model, x, y)
    figure = Figure(figsize=(9, 4), layout="constrained")
    for axes, values, title in zip(
        figure.subplots(1, 2), (u, u - exact(x, y)), ("found", "error"), strict=True
    ):
        figure.colorbar(axes.pcolormesh(x, y, values), ax=axes)
        axes.set(title=title, xlabel="x", ylabel="y", aspect="equal")
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> int:
    """Solve and print; fail where the solution is off by more than a thousandth."""
    parser = argparse.ArgumentParser(description="Solve Poisson's equation by a network.")
    parser.add_argument("--figure", type=Path, help="where to save a picture of the solution")
    options = parser.parse_args(arguments)
    found = fit()
    table = Table(title="u_xx + u_yy = f on the unit square, by a network")
    for header in ("weights", "points", "evaluations", "residual", "largest error"):
        table.add_column(header, justify="right")
    cells = (
        sum(map(np.size, wg.tree.flatten(found.model)[0])),
        POINTS**2,
        found.evaluations,
        f"{found.residual:.1e}",
        f"{found.error:.1e}",
    )
    table.add_row(*map(str, cells))
    Console(highlight=False).print(table)
    if options.figure:
        draw(found, options.figure)
    return 0 if found.error < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
