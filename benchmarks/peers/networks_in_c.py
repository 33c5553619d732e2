"""The networks in C: gradients by hand, and Adam behind them, in place.

A C file is compiled for the type, and told the numbers of channels, which must be known where they fill registers, and
the tiles that stay near.
Parameters lie in one row, and so do derivatives and Adam's means: an update is one loop.
"""

from __future__ import annotations

import shutil

import numpy as np
from workloads import by_hand
from workloads.networks import HEADS

from wengert import tree

TYPES = {"float32": ("float", "sgemm"), "float64": ("double", "dgemm")}


def _laid_out(leaves):
    """Return a row of numbers, and its parts in the shapes of the leaves, with their values."""
    row = np.concatenate([leaf.ravel() for leaf in leaves])
    ends = np.cumsum([leaf.size for leaf in leaves])[:-1]
    return row, [part.reshape(leaf.shape) for part, leaf in zip(np.split(row, ends), leaves, strict=True)]


class _Problem:
    """A network's arguments and results in memory, and what its C file is told of them."""

    def __init__(self, network, parameters, x, y):
        leaves, self.structure = tree.flatten(parameters)
        self.row, parts = _laid_out(leaves)
        self.bars, self.derivatives = _laid_out([np.zeros_like(leaf) for leaf in leaves])
        self.value = np.zeros((), self.row.dtype)
        self.arrays = [*parts, x, y, self.value, *self.derivatives]
        self.file, sizes, defined = network
        self.sizes = sizes(parameters, x)
        self.kind, self.routine = TYPES[self.row.dtype.name]
        self.defined = {"TYPE": self.kind} | defined(parameters, x)

    def program(self, name, arrays=(), sizes=()):
        """Return a function of how often it runs, given more arrays and sizes first."""
        arrays, sizes = [*arrays, *self.arrays], [*sizes, *self.sizes]
        return by_hand.program(self.file, name, arrays, sizes, self.routine, self.defined)


def _gradient(network):
    def make(parameters, x, y):
        problem = _Problem(network, parameters, x, y)
        run = problem.program("gradient")

        def call():
            run(1)
            return problem.value[()], tree.unflatten(problem.structure, problem.derivatives)

        return call

    return make


def _step(network):
    def make(state, x, y):
        parameters, means, squares, count = state
        problem = _Problem(network, parameters, x, y)
        moments = [_laid_out(tree.flatten(moment)[0])[0] for moment in (means, squares)]
        arrays = [problem.row, problem.bars, *moments, np.array(count, np.float64)]
        run = problem.program("step", arrays, [problem.row.size])

        def call():
            run(1)
            return problem.value[()]

        return call

    return make


# Each: the file, what it is told when it is called, and when it is compiled. ------------------------------------------


def _nothing(parameters, x):
    return {}


def _dense(parameters, x):
    return [len(parameters), *x.shape, *[len(b) for _, b in parameters]]


def _images(parameters, x):
    return [len(x), x.shape[-1], len(parameters[-1][1])]


def _channels(parameters, x):
    (first, _), (second, _), _ = parameters
    return {"MIDDLE": len(first), "LAST": len(second)}


def _sequences(parameters, x):
    return [*x.shape, len(parameters["up_bias"]), HEADS]


def _tiles(parameters, x):
    batch, length, _ = x.shape
    return {"GROUP": max(1, batch // 4), "BLOCK": max(1, length // 2)}


def _characters(parameters, x):
    return [*x.shape, *parameters["embedding"].shape, len(parameters["hidden"])]


NETWORKS = {
    "perceptron": ("perceptron", _dense, _nothing),
    "convolutional network": ("convolutional", _images, _channels),
    "transformer block": ("transformer", _sequences, _tiles),
    "LSTM, 64 characters": ("characters", _characters, _nothing),
}
HERE = NETWORKS if shutil.which("gcc") else {}
GRADIENTS = {"C": {name: _gradient(network) for name, network in HERE.items()}}
STEPS = {"C": {name: _step(network) for name, network in HERE.items()}}
