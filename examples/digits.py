"""Handwritten digits: a perceptron and Adam in plain NumPy, learned in seconds.

scikit-learn ships 1797 images of 8 x 8 pixels. The network, its loss and one step of training by Adam (Kingma and Ba
2015) are the first functions below; `wg.jit` compiles the step, gradient and update together. With `--torch` the same
network is trained by PyTorch from the same weights on the same batches, and the losses are compared.

    python examples/digits.py [--figure mistakes.png] [--curve curve.png] [--torch]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits

import wengert as wg

WIDTHS = (64, 96, 96, 10)
EPOCHS, BATCH, RATE = 40, 64, 2e-3
TESTED = 360  # images of 1797

Weights = list[tuple[Any, Any]]


def logits(weights: Weights, x: Any) -> Any:
    """Return scores of the ten digits, for each row of pixels."""
    *hidden, (w, b) = weights
    for v, c in hidden:
        x = np.maximum(x @ v + c, 0)
    return x @ w + b


def loss(weights: Weights, x: Any, y: Any) -> Any:
    """Return the mean cross-entropy of the softmax of the scores."""
    z = logits(weights, x)
    z = z - np.max(z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(len(y)), y])


def adam(p: Any, g: Any, m: Any, v: Any, t: Any) -> tuple[Any, Any, Any]:
    """Return an array of weights, and its means of gradients and of their squares, after step `t`."""
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    first, second = ((1 - b**t).astype(p.dtype) for b in (0.9, 0.999))  # 1 - 0.999 in float32 is off by 5e-5
    return p - RATE * (m / first) / (np.sqrt(v / second) + 1e-8), m, v


def step(weights: Weights, means: Weights, squares: Weights, t: Any, x: Any, y: Any) -> tuple[Any, ...]:
    """Return the loss of a batch, and weights, means and squares after a step of training."""
    value, slopes = wg.value_and_grad(loss)(weights, x, y)
    layers = zip(weights, slopes, means, squares, strict=True)
    new = [[adam(*arrays, t) for arrays in zip(*layer, strict=True)] for layer in layers]
    return value, *([tuple(three[k] for three in layer) for layer in new] for k in range(3))


# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Data:
    """Images as rows of pixels between 0 and 1, and which digits they show."""

    x: np.ndarray
    y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def load(dtype: Any = np.float32, seed: int = 0) -> Data:
    """Return scikit-learn's images, shuffled and split."""
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(digits))
    x, y = (images[order] / 16).astype(dtype), digits[order]
    return Data(x[TESTED:], y[TESTED:], x[:TESTED], y[:TESTED])


def start(dtype: Any = np.float32, seed: int = 0) -> Weights:
    """Return weights that keep the variance through rectifiers (He et al. 2015), and no bias."""
    random = np.random.default_rng(seed)
    return [
        ((np.sqrt(2 / m) * random.normal(size=(m, n))).astype(dtype), np.zeros(n, dtype))
        for m, n in pairwise(WIDTHS)
    ]


def batches(data: Data, epochs: int, seed: int = 0) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches of equal size, in an order of its own for each epoch."""
    random = np.random.default_rng(seed)
    for _ in range(epochs):
        order = random.permutation(len(data.y))
        for i in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[i : i + BATCH]
            yield data.x[chosen], data.y[chosen]


def train(
    data: Data, weights: Weights, epochs: int, compiler: Callable[..., Any] = wg.jit
) -> tuple[Weights, list[float]]:
    """Return the weights after training, and the loss of each batch."""
    compiled = compiler(step)
    means = squares = [(np.zeros_like(w), np.zeros_like(b)) for w, b in weights]
    losses = []
    for t, (x, y) in enumerate(batches(data, epochs), 1):
        value, weights, means, squares = compiled(weights, means, squares, np.float64(t), x, y)
        losses.append(float(value))
    return weights, losses


def train_in_torch(data: Data, weights: Weights, epochs: int) -> list[float]:
    """Return the loss of each batch, as PyTorch's layers, loss and Adam have it."""
    import torch

    layers: list[torch.nn.Module] = []
    for w, b in weights:
        linear = torch.nn.Linear(*w.shape, dtype=torch.from_numpy(w).dtype)
        linear.load_state_dict({"weight": torch.from_numpy(w.T.copy()), "bias": torch.from_numpy(b.copy())})
        layers += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    losses = []
    for x, y in batches(data, epochs):
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(model(torch.from_numpy(x)), torch.from_numpy(y))
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses


def mistakes(data: Data, scores: np.ndarray) -> dict[int, str]:
    """Return which test images were taken for another digit, and for which."""
    found = np.argmax(scores, axis=1)
    wrong = np.flatnonzero(found != data.test_y)
    return {int(k): f"{data.test_y[k]} taken for {found[k]}" for k in wrong}


def draw(data: Data, titles: dict[int, str], path: Path) -> None:
    """Save a picture of some test images with titles, sixteen at most."""
    from matplotlib.figure import Figure

    rows = max(-(-min(len(titles), 16) // 8), 1)
    figure = Figure(figsize=(8, 1.3 * rows), layout="constrained")
    for axes in (grid := figure.subplots(rows, 8, squeeze=False).ravel()):
        axes.axis("off")
    for axes, (k, title) in zip(grid, titles.items(), strict=False):
        axes.imshow(data.test_x[k].reshape(8, 8), cmap="gray_r")
        axes.set_title(title, fontsize=7)
    figure.savefig(path)


def draw_losses(losses: list[float], path: Path) -> None:
    """Save the loss of each batch, and its mean over each epoch."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    steps = np.arange(1, len(losses) + 1)
    axes.semilogy(steps, losses, color="#bbbbbb", lw=0.7, label="batch")
    ends = steps.reshape(EPOCHS, -1)[:, -1]
    axes.semilogy(ends, np.reshape(losses, (EPOCHS, -1)).mean(1), ".-", label="mean of an epoch")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend()
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> int:
    """Train and test; fail below 97 %, or where PyTorch's losses are others."""
    parser = argparse.ArgumentParser(description="Learn handwritten digits.")
    parser.add_argument("--figure", type=Path, help="where to save a picture of the mistakes")
    parser.add_argument("--curve", type=Path, help="where to save the losses")
    parser.add_argument("--torch", action="store_true", help="compare 100 losses with PyTorch's")
    options = parser.parse_args(arguments)
    data, began = load(), time.perf_counter()
    weights, losses = train(data, start(), EPOCHS)
    seconds = time.perf_counter() - began
    scores = logits(weights, data.test_x)
    accuracy = float(np.mean(np.argmax(scores, axis=1) == data.test_y))
    table = Table(title=f"{len(data.y)} digits learned, {TESTED} others tested")
    for header in ("steps", "seconds", "first loss", "last loss", "right"):
        table.add_column(header, justify="right")
    table.add_row(
        str(len(losses)), f"{seconds:.2f}", f"{losses[0]:.3f}", f"{losses[-1]:.4f}", f"{accuracy:.1%}"
    )
    console = Console(highlight=False)
    console.print(table)
    held = accuracy >= 0.97
    if options.torch:
        theirs = train_in_torch(data, start(), 5)[:100]
        apart = float(np.max(np.abs(np.subtract(losses[:100], theirs))))
        console.print(f"PyTorch's first 100 losses differ by at most {apart:.1e}")
        held = held and apart < 1e-5
    if options.figure:
        draw(data, mistakes(data, scores), options.figure)
    if options.curve:
        draw_losses(losses, options.curve)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
