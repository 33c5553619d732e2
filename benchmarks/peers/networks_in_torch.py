"""The networks in PyTorch, as it runs and behind `torch.compile`, with its own layers and its own Adam.

The recurrent layer is one routine of PyTorch's, which `torch.compile` leaves as it is: there it has no row.
"""

from __future__ import annotations

import torch
from peers.in_torch import _compiled, _perceptron, _reverse, _tensors, _value_and_gradient
from torch.func import grad_and_value
from torch.nn import functional
from torch.utils._pytree import tree_map
from workloads.networks import EPSILON, FIRST, HEADS, RATE, SECOND

from wengert import tree


def _convolutional(parameters, x, y):
    *kernels, (w, b) = parameters
    for kernel, bias in kernels:
        x = functional.max_pool2d(torch.relu(functional.conv2d(x, kernel, bias)), 2)
    return functional.cross_entropy(torch.addmm(b, x.flatten(1), w), y)


def _transformer(p, x, y):
    d = x.shape[-1:]
    batch, length, _ = x.shape
    qkv = functional.layer_norm(x, d, *p["norm1"]) @ p["qkv"]
    q, k, v = qkv.view(batch, length, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
    mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + mixed.transpose(1, 2).reshape(batch, length, -1) @ p["out"]
    wide = functional.gelu(
        functional.layer_norm(x, d, *p["norm2"]) @ p["up"] + p["up_bias"], approximate="tanh"
    )
    return functional.mse_loss(x + wide @ p["down"] + p["down_bias"], y)


def _recurrent(p, x, y):
    inputs = functional.embedding(x, p["embedding"])
    zero = inputs.new_zeros(1, x.shape[1], len(p["hidden"]))
    weights = [p["input"].T, p["hidden"].T, p["bias"], torch.zeros_like(p["bias"])]
    h = torch.lstm(inputs, (zero, zero), weights, True, 1, 0.0, True, False, False)[0]
    return functional.cross_entropy((h @ p["head"] + p["head_bias"]).flatten(0, 1), y.flatten())


def _steps(fun):
    """Return a maker of steps: the sweep back into the parameters' own gradients, then PyTorch's Adam, fused."""

    def make(state, x, y):
        (parameters, _, _, _), x, y = _tensors((state, x, y))
        flat = [leaf.requires_grad_() for leaf in tree.flatten(parameters)[0]]
        optimizer = torch.optim.Adam(flat, RATE, (FIRST, SECOND), EPSILON, fused=True)

        def call():
            optimizer.zero_grad()
            loss = fun(parameters, x, y)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return call

    return make


def _adam(fun, state, x, y):
    parameters, means, squares, count = state
    gradients, loss = grad_and_value(fun)(parameters, x, y)
    count = count + 1
    means = tree_map(lambda m, g: FIRST * m + (1 - FIRST) * g, means, gradients)
    squares = tree_map(lambda s, g: SECOND * s + (1 - SECOND) * g * g, squares, gradients)
    scale, root = RATE / (1 - FIRST**count), torch.sqrt(1 - SECOND**count)

    def moved(p, m, s):
        return p - scale.to(p.dtype) * m / (torch.sqrt(s) / root.to(p.dtype) + EPSILON)

    return loss, (tree_map(moved, parameters, means, squares), means, squares, count)


def _compiled_steps(fun):
    """Return a maker of steps compiled as a whole: the gradient, and Adam's formula."""

    def make(state, x, y):
        torch.compiler.reset()
        compiled = torch.compile(lambda *args: _adam(fun, *args), dynamic=False)
        held, x, y = _tensors((state, x, y))

        def call():
            nonlocal held
            loss, held = compiled(held, x, y)
            return loss

        return call

    return make


ONE_PASS = {
    "perceptron": _perceptron,
    "convolutional network": _convolutional,
    "transformer block": _transformer,
}
LOSSES = ONE_PASS | {"LSTM, 64 characters": _recurrent}
GRADIENTS = {
    "PyTorch": {name: _reverse(fun) for name, fun in LOSSES.items()},
    "torch.compile": {name: _compiled(_value_and_gradient(fun)) for name, fun in ONE_PASS.items()},
}
STEPS = {
    "PyTorch": {name: _steps(fun) for name, fun in LOSSES.items()},
    "torch.compile": {name: _compiled_steps(fun) for name, fun in ONE_PASS.items()},
}
