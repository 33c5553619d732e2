"""A neural ordinary differential equation: the field of a spiral, learned from where the spiral was seen.

The right side of dz/dt = N(z^3) is a network (Chen, Rubanova, Bettencourt and Duvenaud 2018; the spiral is theirs).
SciPy's solver integrates it with steps of its choice, and `wengert.scipy.integrate.solve_ivp` differentiates that in
two ways: by taking the same steps again (discretise, then differentiate), with which the weights are fitted, and by the
adjoint equation, which is another computation and gives the same gradient up to the solver's tolerance.

    python examples/neural_ode.py [--figure spiral.png]
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
from wengert.scipy.integrate import solve_ivp

TURN = np.array([[-0.1, 2.0], [-2.0, -0.1]])  # the field that made the data is z^3 TURN
START = np.array([2.0, 0.0])
SEEN, FOLLOWING, BETWEEN = 240, 120, 0.025  # points with data, points after them, and the time between two
NOISE, HIDDEN = 0.02, 24
PIECES = ((SEEN // 8, 60), (SEEN // 4, 60), (SEEN // 2, 100), (SEEN, 1500))  # points, and iterations
TOLERANCE = 1e-6  # of the solver, relatively; what the path of the data is drawn with is finer


def true_field(z: Any) -> Any:
    """Return dz/dt of the data."""
    return z**3 @ TURN


def cubes(z: Any) -> Any:
    """Return what the network is given."""
    return z**3


def network(key: Any) -> nn.Sequential:
    """Return dz/dt by a network with one hidden layer."""
    first, second = wg.random.split(key)
    return nn.Sequential(cubes, nn.Linear(2, HIDDEN, key=first), np.tanh, nn.Linear(HIDDEN, 2, key=second))


def path(
    field: Callable[[Any], Any], points: int, tolerance: float = TOLERANCE, adjoint: str = "discrete"
) -> Any:
    """Return the states at so many times after the start."""
    times = BETWEEN * np.arange(1, points + 1)
    solution = solve_ivp(
        lambda _, z: field(z),
        (0.0, times[-1]),
        START,
        t_eval=times,
        rtol=tolerance,
        atol=0.01 * tolerance,
        adjoint=adjoint,
    )
    return solution.y.T


def truth(points: int) -> Any:
    """Return the states of the true path."""
    return path(true_field, points, 1e-10)


def loss(model: nn.Sequential, data: Any, tolerance: float = TOLERANCE, adjoint: str = "discrete") -> Any:
    """Return the mean square of the distance between path and data."""
    return np.mean((path(model, len(data), tolerance, adjoint) - data) ** 2)


@dataclass(frozen=True)
class Found:
    """What was learned from the data, and how far it is from the truth."""

    model: nn.Sequential
    data: np.ndarray
    loss: float
    evaluations: int
    gradients_apart: float  # by steps taken again and by the adjoint equation, relatively

    def errors(self) -> tuple[float, float]:
        """Return how far the path is from the true one (root mean square), where there was data and after that."""
        found = path(self.model, SEEN + FOLLOWING)
        square = (found - truth(SEEN + FOLLOWING)) ** 2
        return float(np.sqrt(np.mean(square[:SEEN]))), float(np.sqrt(np.mean(square[SEEN:])))


def gradients_apart(model: nn.Sequential, data: Any, tolerance: float = TOLERANCE) -> float:
    """Return how far apart the gradients of the loss are by the two ways, relatively."""
    discrete, continuous = (
        np.concatenate([x.ravel() for x in wg.tree.flatten(wg.grad(loss)(model, data, tolerance, way))[0]])
        for way in ("discrete", "continuous")
    )
    return float(np.linalg.norm(discrete - continuous) / np.linalg.norm(discrete))


def fit(seed: int = 0) -> Found:
    """Learn the field, from longer and longer pieces of the path, as a whole path from wrong weights leads nowhere."""
    random = np.random.default_rng(seed)
    data = truth(SEEN) + NOISE * random.normal(size=(SEEN, 2))
    model, evaluations = network(wg.random.key(seed)), 0
    apart = gradients_apart(model, data)  # here, as at the end both are next to zero
    for piece, iterations in PIECES:
        best = optim.minimize(loss, model, data[:piece], maxiter=iterations)
        model, evaluations = best.params, evaluations + best.evaluations
    return Found(model, data, best.value, evaluations, apart)


def draw(found: Found, file: Path) -> None:
    """Save the data, and the path that was learned."""
    from matplotlib.figure import Figure

    learned = path(found.model, SEEN + FOLLOWING)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot(*found.data.T, ".", color="gray", label="data")
    axes.plot(*truth(SEEN + FOLLOWING).T, color="black", label="true path")
    axes.plot(*learned.T, "--", label="learned")
    axes.legend()
    figure.savefig(file)


def main(arguments: list[str] | None = None) -> int:
    """Learn and print; fail where the path is not closer than the data, or the two gradients are not the same.

    122 weights can follow the noise of 480 numbers to NOISE sqrt(122 / 480), half of it, were the path linear in them.
    """
    parser = argparse.ArgumentParser(description="Learn a spiral's field by a neural differential equation.")
    parser.add_argument("--figure", type=Path, help="where to save a picture of the paths")
    options = parser.parse_args(arguments)
    found = fit()
    seen, after = found.errors()
    table = Table(title=f"A spiral's field, from {SEEN} points with noise {NOISE}")
    for header in ("evaluations", "loss", "error, seen", "after", "gradients apart"):
        table.add_column(header, justify="right")
    table.add_row(
        str(found.evaluations), *[f"{v:.1e}" for v in (found.loss, seen, after, found.gradients_apart)]
    )
    Console(highlight=False).print(table)
    if options.figure:
        draw(found, options.figure)
    return 0 if seen < NOISE and found.gradients_apart < 100 * TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
