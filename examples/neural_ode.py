"""A neural ordinary differential equation: the field of a spiral, learned from where the spiral was seen.

The right side of dz/dt = N(z^3) is a network (Chen, Rubanova, Bettencourt and Duvenaud 2018; the spiral is theirs). It
is integrated by the classic Runge-Kutta method in one loop, and the loop is differentiated as it runs: discretise, then
optimise, so that the gradient is that of the numbers computed, to rounding. `wg.checkpoint` lets reverse mode keep the
states alone and run the four stages of each step again; `checkpoint="sqrt"` would keep the states of a few steps only.
Neither changes the gradient.

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

TURN = np.array([[-0.1, 2.0], [-2.0, -0.1]])  # the field that made the data is z^3 TURN
START = np.array([2.0, 0.0])
SEEN, FOLLOWING, STEP = 240, 120, 0.025  # steps with data, steps after them, and their length
NOISE, HIDDEN = 0.02, 24


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


def path(field: Callable[[Any], Any], steps: int, repeated: str | None = "stages") -> Any:
    """Return the states after each step of the classic Runge-Kutta method (Kutta 1901).

    What reverse mode runs again is nothing, the stages of each step, or steps between about sqrt(steps) states.
    """

    def step(z: Any, _: None) -> tuple[Any, Any]:
        k1 = field(z)
        k2 = field(z + STEP / 2 * k1)
        k3 = field(z + STEP / 2 * k2)
        k4 = field(z + STEP * k3)
        z = z + STEP / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return z, z

    if repeated == "steps":
        return wg.scan(step, START, length=steps, checkpoint="sqrt")[1]
    return wg.scan(wg.checkpoint(step) if repeated else step, START, length=steps)[1]


def loss(model: nn.Sequential, data: Any, repeated: str | None = "stages") -> Any:
    """Return the mean square of the distance between path and data."""
    return np.mean((path(model, len(data), repeated) - data) ** 2)


@dataclass(frozen=True)
class Found:
    """What was learned from the data, and how far it is from the truth."""

    model: nn.Sequential
    data: np.ndarray
    loss: float
    evaluations: int
    gradients_apart: float  # with and without checkpoints, relatively

    def errors(self) -> tuple[float, float]:
        """Return how far the path is from the true one (root mean square), where there was data and after that."""
        found = path(self.model, SEEN + FOLLOWING)
        square = (found - path(true_field, SEEN + FOLLOWING)) ** 2
        return float(np.sqrt(np.mean(square[:SEEN]))), float(np.sqrt(np.mean(square[SEEN:])))


def fit(seed: int = 0) -> Found:
    """Learn the field, from longer and longer pieces of the path, as a whole path from wrong weights leads nowhere."""
    random = np.random.default_rng(seed)
    data = path(true_field, SEEN) + NOISE * random.normal(size=(SEEN, 2))
    model, evaluations = network(wg.random.key(seed)), 0
    for piece, iterations in ((SEEN // 8, 60), (SEEN // 4, 60), (SEEN // 2, 100), (SEEN, 1500)):
        best = optim.minimize(loss, model, data[:piece], maxiter=iterations)
        model, evaluations = best.params, evaluations + best.evaluations
    kept, *others = (
        np.concatenate([x.ravel() for x in wg.tree.flatten(wg.grad(loss)(model, data, repeated))[0]])
        for repeated in (None, "stages", "steps")
    )
    apart = max(float(np.max(np.abs(kept - other)) / np.max(np.abs(kept))) for other in others)
    return Found(model, data, best.value, evaluations, apart)


def draw(found: Found, file: Path) -> None:
    """Save the data, and the path that was learned."""
    from matplotlib.figure import Figure

    learned = path(found.model, SEEN + FOLLOWING)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot(*found.data.T, ".", color="gray", label="data")
    axes.plot(*path(true_field, SEEN + FOLLOWING).T, color="black", label="true path")
    axes.plot(*learned.T, "--", label="learned")
    axes.legend()
    figure.savefig(file)


def main(arguments: list[str] | None = None) -> int:
    """Learn and print; fail where the path is not closer than the data, or a checkpoint changes the gradient.

    122 weights can follow the noise of 480 numbers to NOISE sqrt(122 / 480), half of it, were the path linear in them.
    """
    parser = argparse.ArgumentParser(description="Learn a spiral's field by a neural differential equation.")
    parser.add_argument("--figure", type=Path, help="where to save a picture of the paths")
    options = parser.parse_args(arguments)
    found = fit()
    seen, after = found.errors()
    table = Table(title=f"A spiral's field, from {SEEN} points with noise {NOISE}")
    for header in ("evaluations", "loss", "error, seen", "after", "checkpoints change"):
        table.add_column(header, justify="right")
    table.add_row(
        str(found.evaluations), *[f"{v:.1e}" for v in (found.loss, seen, after, found.gradients_apart)]
    )
    Console(highlight=False).print(table)
    if options.figure:
        draw(found, options.figure)
    return 0 if seen < NOISE and found.gradients_apart < 1e-12 else 1


if __name__ == "__main__":
    sys.exit(main())
