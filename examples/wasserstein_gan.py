"""A Wasserstein GAN on a ring of eight Gaussians, whose critic is 1-Lipschitz by construction.

The generator G turns noise into points, the critic f scores points, and both play (Arjovsky, Chintala and Bottou 2017)

    min over G, max over f 1-Lipschitz, of  E f(x) - E f(G(z)),

the maximum being the Wasserstein distance W1 of the two distributions (Kantorovich and Rubinstein). Each linear layer
of the critic is an `nn.SpectralNorm` (Miyato et al. 2018), and between them stands MaxMin, which sorts pairs and so
loses nothing of a gradient's norm (Anil, Lucas and Grosse 2019). One compiled program makes a round: some steps of the
critic, in a `wg.scan`, and one of the generator, each with a random key of its own.

By duality the gap of *any* 1-Lipschitz critic on two samples is at most W1 of the samples, which is an assignment of
points to points that SciPy solves exactly: both are printed. So is W1 of two samples of the data, the least there is.

    python examples/wasserstein_gan.py [--rounds 2000] [--figure ring.png]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

import wengert as wg
from wengert import nn, optim

MODES, RADIUS, DEVIATION = 8, 2.0, 0.1
NOISE, WIDTH = 2, 64
ROUNDS, CRITIC_STEPS, BATCH = 2000, 5, 128
SAMPLE = 1000  # points of each that are compared at the end


def ring(key: Any, n: int) -> Any:
    """Draw points of the data."""
    first, second = wg.random.split(key)
    angle = 2 * np.pi / MODES * wg.random.randint(first, 0, MODES, (n,))
    middle = RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return middle + DEVIATION * wg.random.normal(second, (n, 2))


def generated(generator: Any, key: Any, n: int) -> Any:
    """Draw points of the generator."""
    return generator(wg.random.normal(key, (n, NOISE)))


def max_min(x: Any) -> Any:
    """Return pairs of features sorted: the larger ones, then the smaller ones."""
    a, b = np.split(x, 2, axis=-1)
    return np.concatenate([np.maximum(a, b), np.minimum(a, b)], axis=-1)


def new_generator(key: Any) -> nn.Sequential:
    """Return a perceptron from noise to the plane."""
    first, second, third = wg.random.split(key, 3)
    return nn.Sequential(
        nn.Linear(NOISE, WIDTH, key=first),
        nn.relu,
        nn.Linear(WIDTH, WIDTH, key=second),
        nn.relu,
        nn.Linear(WIDTH, 2, key=third),
    )


def new_critic(key: Any) -> nn.Sequential:
    """Return a perceptron from the plane to a score, none of whose layers stretches."""
    layers: list[Any] = []
    for k, (m, n) in zip(wg.random.split(key, 3), pairwise((2, WIDTH, WIDTH, 1)), strict=True):
        first, second = wg.random.split(k)
        linear = nn.Linear(m, n, key=first, initializer=nn.orthogonal)
        layers += [nn.SpectralNorm(linear, key=second, iterations=2), max_min]
    return nn.Sequential(*layers[:-1])


# Training -------------------------------------------------------------------------------------------------------------


def optimizers(rounds: int) -> tuple[optim.Optimizer, optim.Optimizer]:
    """Return Adam for generator and critic, with little momentum, as the game turns, and rates that fall to zero."""
    return (
        optim.adam(optim.cosine(4e-3, rounds), b1=0.5, b2=0.9),
        optim.adam(optim.cosine(5e-3, rounds * CRITIC_STEPS), b1=0.5, b2=0.9),
    )


def gap(critic: Any, generator: Any, key: Any) -> tuple[Any, Any]:
    """Return mean score of the generator minus that of the data, and the critic with better singular vectors."""
    first, second = wg.random.split(key)
    points = np.concatenate([generated(generator, first, BATCH), ring(second, BATCH)])
    scores, critic = critic.train(points)
    return np.mean(scores[:BATCH]) - np.mean(scores[BATCH:]), critic


def critic_step(
    optimizer: optim.Optimizer, critic: Any, state: Any, generator: Any, key: Any
) -> tuple[Any, Any]:
    """Return the critic and the state of its optimiser after a step that widens the gap."""
    params, rest = nn.partition(critic)
    slopes, critic = wg.grad(lambda p: gap(nn.combine(p, rest), generator, key), has_aux=True)(params)
    params, state = optimizer.update(slopes, state, params)
    return nn.combine(params, nn.partition(critic)[1]), state


def generator_step(
    optimizer: optim.Optimizer, generator: Any, state: Any, critic: Any, key: Any
) -> tuple[Any, Any]:
    """Return the generator and the state of its optimiser after a step that raises its scores."""
    params, rest = nn.partition(generator)
    slopes = wg.grad(lambda p: -np.mean(critic(generated(nn.combine(p, rest), key, BATCH))))(params)
    params, state = optimizer.update(slopes, state, params)
    return nn.combine(params, rest), state


@dataclass(frozen=True)
class Trained:
    """Both players at the end, and how long they took."""

    generator: Any
    critic: Any
    seconds: float


def start(seed: int = 0) -> tuple[nn.Sequential, nn.Sequential, Any]:
    """Return a generator and a critic that know nothing, and a key for their rounds."""
    first, second, third = wg.random.split(wg.random.key(seed), 3)
    return new_generator(first), new_critic(second), third


def train(rounds: int = ROUNDS, seed: int = 0) -> Trained:
    """Play some rounds."""
    generator, critic, key = start(seed)
    for_generator, for_critic = optimizers(rounds)

    @wg.jit
    def play(players: Any, key: Any) -> Any:
        (generator, state), adversary = players
        *keys, last = wg.random.split(key, CRITIC_STEPS + 1)
        adversary, _ = wg.scan(
            lambda now, k: (critic_step(for_critic, *now, generator, k), None), adversary, np.stack(keys)
        )
        return generator_step(for_generator, generator, state, adversary[0], last), adversary

    began = time.perf_counter()
    players = (
        (generator, for_generator.init(nn.filter(generator))),
        (critic, for_critic.init(nn.filter(critic))),
    )
    for i in range(rounds):
        players = play(players, wg.random.fold_in(key, i))
    return Trained(players[0][0], players[1][0], time.perf_counter() - began)


# What came of it ------------------------------------------------------------------------------------------------------


@wg.jit
def settled(critic: nn.Sequential) -> nn.Sequential:
    """Return the critic after power iteration to the end, when no weights move any more."""
    return wg.fori_loop(0, 10_000, lambda _, now: now.train(np.zeros((1, 2)))[1], critic)


def stretch(critic: nn.Sequential) -> float:
    """Return the product of the largest singular values of the layers as they are used, a Lipschitz constant."""
    layers = [layer for layer in critic if isinstance(layer, nn.SpectralNorm)]
    # A linear layer without its offset, applied to unit vectors, is its matrix.
    return float(
        np.prod(
            [
                np.linalg.norm(layer(np.eye(n)) - layer(np.zeros((1, n))), 2)
                for layer in layers
                for n in layer.layer.weight.shape[1:]
            ]
        )
    )


def distance(x: np.ndarray, y: np.ndarray) -> float:
    """Return W1 of two samples of one size: the mean distance of the best pairs."""
    apart = cdist(x, y)
    return float(np.mean(apart[linear_sum_assignment(apart)]))


@dataclass(frozen=True)
class Quality:
    """Which modes the points of a generator are at, how many are near one, and how far they are from the data."""

    counts: np.ndarray  # of points within three deviations, by mode
    good: float  # their part of all
    distance: float
    gap: float  # of the critic, on the same samples

    def modes(self) -> int:
        """Return how many modes have a quarter of their share at least."""
        return int(np.sum(self.counts >= SAMPLE / MODES / 4))


def quality(generator: Any, critic: Any, seed: int = 1) -> Quality:
    """Compare new points of the generator with new points of the data."""
    first, second = wg.random.split(wg.random.key(seed))
    x, y = np.asarray(generated(generator, first, SAMPLE)), np.asarray(ring(second, SAMPLE))
    angle = 2 * np.pi / MODES * np.arange(MODES)
    from_modes = cdist(x, RADIUS * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    near = from_modes.min(axis=1) <= 3 * DEVIATION
    counts = np.bincount(from_modes.argmin(axis=1)[near], minlength=MODES)
    return Quality(
        counts, float(np.mean(near)), distance(x, y), float(np.mean(critic(y)) - np.mean(critic(x)))
    )


def draw(trained: Trained, path: Path) -> None:
    """Save points of the data and of the generator, above the scores of the critic."""
    from matplotlib.figure import Figure

    first, second = wg.random.split(wg.random.key(2))
    side = np.linspace(-1.4 * RADIUS, 1.4 * RADIUS, 101)
    x, y = np.meshgrid(side, side)
    scores = trained.critic(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(x.shape)
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(*ring(first, SAMPLE).T, ".", ms=3, color="gray", label="data")
    left.plot(*generated(trained.generator, second, SAMPLE).T, ".", ms=3, label="generated")
    left.legend()
    left.set_title(f"{SAMPLE} points of each")
    figure.colorbar(right.contourf(x, y, scores, 20), ax=right)
    right.set_title("scores of the critic")
    for axes in (left, right):
        axes.set(aspect="equal", xlim=(side[0], side[-1]), ylim=(side[0], side[-1]))
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> int:
    """Train and measure; fail where a mode is missing, points stray, or the critic breaks its bound."""
    parser = argparse.ArgumentParser(description="Learn a ring of Gaussians against a 1-Lipschitz critic.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="steps of the generator")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers")
    parser.add_argument("--figure", type=Path, help="where to save a picture")
    options = parser.parse_args(arguments)
    generator, critic, _ = start(options.seed)
    before = quality(generator, settled(critic))
    trained = train(options.rounds, options.seed)
    critic = settled(trained.critic)
    after = quality(trained.generator, critic)
    first, second = wg.random.split(wg.random.key(3))
    floor = distance(np.asarray(ring(first, SAMPLE)), np.asarray(ring(second, SAMPLE)))
    table = Table("", title=f"{options.rounds} rounds in {trained.seconds:.1f} s")
    for header in ("modes", "near one", "W1 to data", "gap of the critic"):
        table.add_column(header, justify="right")
    for name, found in (("before", before), ("after", after)):
        numbers = f"{found.good:.1%}", f"{found.distance:.3f}", f"{found.gap:.3f}"
        table.add_row(name, f"{found.modes()} of {MODES}", *numbers)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"W1 of two samples of the data: {floor:.3f}")
    console.print(
        f"The critic stretches by at most {stretch(critic):.12f}; before it settled, {stretch(trained.critic):.4f}"
    )
    if options.figure:
        draw(trained, options.figure)
    held = all(found.gap <= found.distance for found in (before, after)) and stretch(critic) < 1 + 1e-6
    return (
        0
        if held and after.modes() == MODES and after.good > 0.75 and after.distance < before.distance / 5
        else 1
    )


if __name__ == "__main__":
    sys.exit(main())
