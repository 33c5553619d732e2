"""Losses of learning, in float32: cross-entropy alone, and behind three dense layers; and a product with a Hessian."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from workloads.workload import Limit, Workload

import wengert as wg

LAYERS = (784, 256, 256, 10)


def cross_entropy(z, labels):
    """Return the mean cross-entropy of the softmax of rows."""
    s = z - np.max(z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(s), axis=1)) - s[np.arange(len(labels)), labels])


def perceptron(parameters, x, labels):
    """Return the loss of dense layers with tanh between them."""
    *hidden, (w, b) = parameters
    for v, c in hidden:
        x = np.tanh(x @ v + c)
    return cross_entropy(x @ w + b, labels)


def _logits(smoke):
    rows, columns = (6, 20) if smoke else (1024, 1000)
    random = np.random.default_rng(0)
    z = random.normal(size=(rows, columns)).astype(np.float32)
    return z, random.integers(0, columns, rows)


def _parameters(random, layers, dtype):
    shapes = pairwise(layers)
    return [
        ((random.normal(size=(m, n)) / np.sqrt(m)).astype(dtype), (0.1 * random.normal(size=n)).astype(dtype))
        for m, n in shapes
    ]


def _batch(smoke, batch, dtype):
    layers, batch = ((7, 5, 4, 3), 6) if smoke else (LAYERS, batch)
    random = np.random.default_rng(0)
    x = random.normal(size=(batch, layers[0])).astype(dtype)
    return _parameters(random, layers, dtype), x, random.integers(0, layers[-1], batch)


def _with_direction(smoke):
    parameters, x, labels = _batch(smoke, 64, np.float64)
    layers = [parameters[0][0].shape[0], *[len(b) for _, b in parameters]]
    return parameters, _parameters(np.random.default_rng(1), layers, np.float64), x, labels


def _product(fun, argnums):
    def product(parameters, direction, x, labels):
        return wg.hvp(lambda p: fun(p, direction, x, labels), (parameters,), (direction,))[1]

    return product


def _loss(parameters, direction, x, labels):
    return perceptron(parameters, x, labels)


def _sizes(args):
    """Return the number of layers, the batch and the widths."""
    parameters, x = args[0], args[-2]
    return [len(parameters), len(x), x.shape[1], *[len(b) for _, b in parameters]]


WORKLOADS = [
    Workload(
        "cross-entropy, 1024 x 1000 float32",
        cross_entropy,
        _logits,
        "entropy",
        "entropy",
        Limit(1.5),
        sizes=lambda args: args[0].shape,
        rtol=1e-5,
    ),
    Workload(
        "perceptron, float32",
        perceptron,
        lambda smoke: _batch(smoke, 128, np.float32),
        "perceptron",
        "gradient",
        Limit(1.05),
        sizes=_sizes,
        routine="sgemm",
        rtol=1e-4,
    ),
    Workload(
        "perceptron, Hessian times vector",
        _loss,
        _with_direction,
        "perceptron_hessian",
        "hessian_product",
        Limit(1.2),
        sizes=_sizes,
        derivative=_product,
        routine="dgemm",
    ),
]
