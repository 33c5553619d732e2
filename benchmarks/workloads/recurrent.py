"""The loss of a recurrent network with diagonal weights (ADBench's LSTM) that predicts characters, given as bits."""

from __future__ import annotations

import numpy as np
from workloads.workload import Limit, Workload

import wengert as wg


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def recurrent(main, extra, state, sequence):
    """Return the mean negative logarithm of the likelihood of the next bits.

    main : (layers, 2, 4, bits), weights and biases of the forget, input, output and change gates;
    extra : (3, bits), weights of the input, weights and biases of the output;
    state : (layers, 2, bits), what is hidden and the cell.
    """
    layers = len(main)

    def step(state, pair):
        now, following = pair
        x, new = now * extra[0], []
        for layer in range(layers):
            (wf, wi, wo, wc), (bf, bi, bo, bc) = main[layer, 0], main[layer, 1]
            h, c = state[layer]
            forget, output = _sigmoid(x * wf + bf), _sigmoid(x * wo + bo)
            gate, change = _sigmoid(h * wi + bi), np.tanh(h * wc + bc)
            c = c * forget + gate * change
            x = output * np.tanh(c)
            new.append((x, c))
        y = x * extra[1] + extra[2]
        normalised = y - np.log(np.sum(np.exp(y)) + 2)
        return tuple(new), np.sum(following * normalised)

    first = tuple([(state[layer, 0], state[layer, 1]) for layer in range(layers)])
    _, likelihoods = wg.scan(step, first, (sequence[:-1], sequence[1:]))
    return -np.sum(likelihoods) / sequence[1:].size


def _arguments(smoke):
    layers, characters, bits = (2, 6, 3) if smoke else (2, 1024, 14)
    random = np.random.default_rng(0)
    return (
        random.normal(size=(layers, 2, 4, bits)),
        random.normal(size=(3, bits)),
        random.normal(size=(layers, 2, bits)),
        random.integers(0, 2, (characters, bits)).astype(float),
    )


WORKLOADS = [
    Workload(
        "recurrent network, 1024 characters",
        recurrent,
        _arguments,
        "recurrent",
        "recurrent",
        Limit(1.5),
        argnums=(0, 1),
        sizes=lambda args: (len(args[0]), *args[3].shape),
        rtol=1e-9,
    )
]
