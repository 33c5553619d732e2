"""Handwritten digits by a convolutional network: modules, Adam and `wg.fit`, compiled, in seconds.

The images are those of `digits.py`, split in the same way: 1437 are learned, 360 are tested. Everything that was
chosen (layers, rate, epochs) was chosen on a part of the 1437. The network is trained from several random keys, none
of which is picked: what counts is the mean of all.

    python examples/digits_convolutional.py [--seeds 5] [--epochs 40] [--mistakes mistakes.png] [--curves curves.png]
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from digits import Data, draw, load, mistakes
from rich.console import Console
from rich.table import Table

import wengert as wg
from wengert import nn, optim

CHANNELS, EPOCHS, BATCH, RATE = 16, 40, 64, 3e-3


def as_images(x: Any) -> Any:
    """Return rows of pixels as images of one channel."""
    return np.reshape(x, (-1, 1, 8, 8))


def network(key: Any) -> nn.Sequential:
    """Return three convolutions, each normalised over the batch, and a linear layer."""
    *keys, last = wg.random.split(key, 4)
    channels = (1, CHANNELS, CHANNELS, 2 * CHANNELS)
    first, second, third = (
        (
            nn.Conv(m, n, 3, key=k, padding="same", bias=False, dtype="f4"),
            nn.BatchNorm(n, dtype="f4"),
            nn.relu,
        )
        for k, m, n in zip(keys, channels[:-1], channels[1:], strict=True)
    )
    head = nn.Flatten(), nn.Dropout(0.25), nn.Linear(2 * CHANNELS * 4, 10, key=last, dtype="f4")
    return nn.Sequential(as_images, *first, *second, nn.MaxPool(2), *third, nn.MaxPool(2), *head)


def loss(model: Any, x: Any, y: Any, key: Any = None) -> tuple[Any, dict[str, Any], Any]:
    """Return the cross-entropy, the part that is right, and the model with new averages; without key, as it is used."""
    scores, model = (model(x), model) if key is None else model.train(x, key=key)
    return nn.cross_entropy(scores, y), {"accuracy": np.mean(np.argmax(scores, axis=1) == y)}, model


@dataclass(frozen=True)
class Run:
    """One training: the scores of the test images, how many are right, and how it went."""

    scores: np.ndarray
    accuracy: float
    seconds: float
    history: wg.fitting.History


def train(data: Data, seed: int, epochs: int) -> Run:
    """Learn from a random key; the test images are looked at after each epoch for the curves alone."""
    first, second = wg.random.split(wg.random.key(seed))
    steps = epochs * -(-len(data.y) // BATCH)
    began = time.perf_counter()
    model, history = wg.fit(
        network(first),
        loss,
        (data.x, data.y),
        optim.adam(optim.cosine(RATE, steps)),
        epochs=epochs,
        validation=(data.test_x, data.test_y),
        batch_size=BATCH,
        key=second,
    )
    seconds = time.perf_counter() - began
    scores = model(data.test_x)
    return Run(scores, float(np.mean(np.argmax(scores, axis=1) == data.test_y)), seconds, history)


def titles(data: Data, runs: list[Run]) -> dict[int, str]:
    """Return which test images were taken for another digit by any network, and by how many."""
    found = [mistakes(data, run.scores) for run in runs]
    often = {k: sum(k in each for each in found) for each in found for k in each}
    text = {k: title for each in found for k, title in each.items()}
    return {k: f"{text[k]}\nby {often[k]} of {len(runs)}" for k in sorted(often, key=lambda k: -often[k])}


def main(arguments: list[str] | None = None) -> int:
    """Train and test from each key; fail where the mean is below 98.5 %."""
    parser = argparse.ArgumentParser(description="Learn handwritten digits by convolutions.")
    parser.add_argument("--seeds", type=int, default=5, help="how many trainings")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="how often each sees all images")
    parser.add_argument("--mistakes", type=Path, help="where to save a picture of the mistakes")
    parser.add_argument("--curves", type=Path, help="where to save the curves of the first one")
    options = parser.parse_args(arguments)
    data = load()
    runs = [train(data, seed, options.epochs) for seed in range(options.seeds)]
    table = Table(title=f"{len(data.y)} digits learned, {len(data.test_y)} others tested")
    for header in ("key", "seconds", "last loss", "right", "mistakes"):
        table.add_column(header, justify="right")
    for seed, run in enumerate(runs):
        wrong = round((1 - run.accuracy) * len(data.test_y))
        cells = f"{run.seconds:.1f}", f"{run.history['loss'][-1]:.4f}", f"{run.accuracy:.2%}", str(wrong)
        table.add_row(str(seed), *cells)
    right = [run.accuracy for run in runs]
    console = Console(highlight=False)
    console.print(table)
    console.print(f"Right: {np.mean(right):.2%} in the mean, from {min(right):.2%} to {max(right):.2%}")
    if options.mistakes:
        draw(data, titles(data, runs), options.mistakes)
    if options.curves:
        runs[0].history.plot().savefig(options.curves)
    return 0 if np.mean(right) >= 0.985 else 1


if __name__ == "__main__":
    sys.exit(main())
