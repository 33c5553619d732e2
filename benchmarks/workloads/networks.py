"""Networks of deep learning as plain NumPy programs of a tree of parameters, and Adam: what one step of training is.

Each takes `(parameters, x, y)` and returns a loss. The convolutions have no padding; the transformer block normalises
before its halves and looks back only; the recurrent network reads characters and predicts the next.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from workloads.learning import LAYERS, cross_entropy, perceptron

import wengert as wg
from wengert import tree
from wengert.ops.convolution import conv_

RATE, FIRST, SECOND, EPSILON = 1e-3, 0.9, 0.999, 1e-8  # Adam's, and everybody's defaults
LATTICE = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
HEADS = 4
CUBIC = math.sqrt(2 / math.pi)


def convolutional(parameters, x, y):
    """Return the cross-entropy of two convolutions with pools behind them, and a dense layer."""
    for w, b in parameters[:-1]:
        x = pool(np.maximum(conv_(x, w, **LATTICE) + b[:, None, None], 0))
    w, b = parameters[-1]
    return cross_entropy(x.reshape(len(x), -1) @ w + b, y)


def pool(x):
    """Return the largest of each 2 x 2 square; what is left over at the end of an axis is dropped."""
    n, c, height, width = x.shape
    squares = x[:, :, : height // 2 * 2, : width // 2 * 2].reshape(n, c, height // 2, 2, width // 2, 2)
    return np.max(squares, axis=(3, 5))


def transformer(parameters, x, y):
    """Return the mean squared error of one pre-norm block: attention that looks back, then two dense layers."""
    p = parameters
    x = x + attention(normalised(x, *p["norm1"]) @ p["qkv"]) @ p["out"]
    x = x + gelu(normalised(x, *p["norm2"]) @ p["up"] + p["up_bias"]) @ p["down"] + p["down_bias"]
    return np.mean((x - y) ** 2)


def normalised(x, scale, shift):
    """Return the rows with mean 0 and variance 1, scaled and shifted."""
    centred = x - np.mean(x, axis=-1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5) * scale + shift


def attention(qkv, heads=HEADS):
    """Return softmax(q k^T / sqrt(d)) v in each head, where later positions are masked."""
    batch, length, width = qkv.shape
    q, k, v = np.moveaxis(qkv.reshape(batch, length, 3, heads, width // (3 * heads)), (2, 3), (0, 2))
    later = np.triu(np.full((length, length), -np.inf, qkv.dtype), 1)
    scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1]) + later
    e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    mixed = (e / np.sum(e, axis=-1, keepdims=True)) @ v
    return np.moveaxis(mixed, 1, 2).reshape(batch, length, -1)


def gelu(x):
    """Return the Gaussian error linear unit by its formula with tanh (Hendrycks and Gimpel, 2016)."""
    return 0.5 * x * (1 + np.tanh(CUBIC * (x + 0.044715 * x**3)))


def recurrent(parameters, x, y):
    """Return the mean cross-entropy of the next character, as one LSTM layer over embedded characters predicts it."""
    p = parameters
    inputs = p["embedding"][x] @ p["input"] + p["bias"]  # of all steps at once: (steps, batch, 4 hidden)

    def step(state, row):
        h, c = state
        i, f, g, o = np.split(row + h @ p["hidden"], 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return (h, c), h

    zero = np.zeros((x.shape[1], p["hidden"].shape[0]), p["hidden"].dtype)
    _, h = wg.scan(step, (zero, zero), inputs)
    logits = h @ p["head"] + p["head_bias"]
    return cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))


def sigmoid(x):
    """Return 1 / (1 + exp(-x)) where nothing overflows."""
    return 0.5 * (1 + np.tanh(0.5 * x))


# Adam -----------------------------------------------------------------------------------------------------------------


def training(fun: Callable[..., Any]) -> Callable[..., Any]:
    """Return one step of training: from (parameters, means, squares, count) and a batch, the loss and their next.

    Adam's update (Kingma and Ba, 2015, algorithm 1).
    """
    derivative = wg.value_and_grad(fun)

    def step(state, x, y):
        parameters, means, squares, count = state
        loss, gradients = derivative(parameters, x, y)
        count = count + 1
        means = tree.map_leaves(lambda m, g: FIRST * m + (1 - FIRST) * g, means, gradients)
        squares = tree.map_leaves(lambda s, g: SECOND * s + (1 - SECOND) * g * g, squares, gradients)
        scale, root = RATE / (1 - FIRST**count), np.sqrt(1 - SECOND**count)

        def moved(p, m, s):
            return p - scale.astype(p.dtype) * m / (np.sqrt(s) / root.astype(p.dtype) + EPSILON)

        return loss, (tree.map_leaves(moved, parameters, means, squares), means, squares, count)

    return step


def fresh(parameters: Any) -> tuple[Any, Any, Any, Any]:
    """Return Adam's state before the first step."""
    zeros = tree.map_leaves(np.zeros_like, parameters)
    return parameters, zeros, zeros, np.float64(0)


# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Network:
    """A loss, and what makes its arguments: from a dtype, and whether they are to be tiny."""

    name: str
    loss: Callable[..., Any]
    arguments: Callable[[Any, bool], tuple[Any, ...]]


def _normal(random, dtype):
    """Return a maker of weights of a shape, as large as keeps the variance where all axes but the last are summed."""
    return lambda *shape: (random.normal(size=shape) / math.sqrt(math.prod(shape[:-1]))).astype(dtype)


def _dense(dtype, smoke):
    layers, batch = ((7, 5, 4, 3), 6) if smoke else (LAYERS, 128)
    random = np.random.default_rng(0)
    normal = _normal(random, dtype)
    parameters = [(normal(m, n), np.zeros(n, dtype)) for m, n in pairwise(layers)]
    return (
        parameters,
        random.normal(size=(batch, layers[0])).astype(dtype),
        random.integers(0, layers[-1], batch),
    )


def _images(dtype, smoke):
    side, batch, channels = (10, 3, (1, 2, 3)) if smoke else (28, 32, (1, 16, 32))
    random = np.random.default_rng(0)
    kernels = [
        ((random.normal(size=(o, c, 3, 3)) / math.sqrt(9 * c)).astype(dtype), np.full(o, 0.1, dtype))
        for c, o in pairwise(channels)
    ]
    left = side
    for _ in kernels:
        left = (left - 2) // 2
    dense = _normal(random, dtype)(channels[-1] * left**2, 10), np.zeros(10, dtype)
    x = random.normal(size=(batch, 1, side, side)).astype(dtype)
    return [*kernels, dense], x, random.integers(0, 10, batch)


def _sequences(dtype, smoke):
    batch, length, d, wide = (2, 5, 8, 12) if smoke else (8, 128, 128, 512)
    random = np.random.default_rng(0)
    normal = _normal(random, dtype)
    ones, zeros = np.ones(d, dtype), np.zeros(d, dtype)
    parameters = {
        "norm1": (ones, zeros),
        "qkv": normal(d, 3 * d),
        "out": normal(d, d),
        "norm2": (ones, zeros),
        "up": normal(d, wide),
        "up_bias": np.zeros(wide, dtype),
        "down": normal(wide, d),
        "down_bias": zeros,
    }
    x, y = random.normal(size=(2, batch, length, d)).astype(dtype)
    return parameters, x, y


def _characters(dtype, smoke):
    steps, batch, symbols, d, hidden = (4, 2, 5, 3, 32) if smoke else (64, 32, 96, 64, 128)
    random = np.random.default_rng(0)
    normal = _normal(random, dtype)
    parameters = {
        "embedding": random.normal(size=(symbols, d)).astype(dtype),
        "input": normal(d, 4 * hidden),
        "hidden": normal(hidden, 4 * hidden),
        "bias": np.zeros(4 * hidden, dtype),
        "head": normal(hidden, symbols),
        "head_bias": np.zeros(symbols, dtype),
    }
    text = random.integers(0, symbols, (steps + 1, batch))
    return parameters, text[:-1], text[1:]


NETWORKS = [
    Network("perceptron", perceptron, _dense),
    Network("convolutional network", convolutional, _images),
    Network("transformer block", transformer, _sequences),
    Network("LSTM, 64 characters", recurrent, _characters),
]
