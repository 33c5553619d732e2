"""The networks in JAX: `jit` of gradients and of whole steps, which write over the state they are given."""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax
from peers.in_jax import _cross_entropy, _jitted, _perceptron
from workloads.networks import EPSILON, FIRST, HEADS, RATE, SECOND

LAYOUT = ("NCHW", "OIHW", "NCHW")


def _convolutional(parameters, x, y):
    *kernels, (w, b) = parameters
    for kernel, bias in kernels:
        x = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=LAYOUT)
        x = jax.nn.relu(x + bias[:, None, None])
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return _cross_entropy(x.reshape(len(x), -1) @ w + b, y)


def _normalised(x, scale, shift):
    centred = x - jnp.mean(x, axis=-1, keepdims=True)
    return centred * lax.rsqrt(jnp.mean(centred**2, axis=-1, keepdims=True) + 1e-5) * scale + shift


def _attention(qkv):
    batch, length, _ = qkv.shape
    q, k, v = jnp.moveaxis(qkv.reshape(batch, length, 3, HEADS, -1), (2, 3), (0, 2))
    scores = q @ jnp.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    scores = jnp.where(jnp.tri(length, dtype=bool), scores, -jnp.inf)
    return jnp.moveaxis(jax.nn.softmax(scores) @ v, 1, 2).reshape(batch, length, -1)


def _transformer(p, x, y):
    x = x + _attention(_normalised(x, *p["norm1"]) @ p["qkv"]) @ p["out"]
    x = x + jax.nn.gelu(_normalised(x, *p["norm2"]) @ p["up"] + p["up_bias"]) @ p["down"] + p["down_bias"]
    return jnp.mean((x - y) ** 2)


def _recurrent(p, x, y):
    inputs = p["embedding"][x] @ p["input"] + p["bias"]

    def step(state, row):
        h, c = state
        i, f, g, o = jnp.split(row + h @ p["hidden"], 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zero = jnp.zeros((x.shape[1], p["hidden"].shape[0]), p["hidden"].dtype)
    _, h = lax.scan(step, (zero, zero), inputs)
    logits = h @ p["head"] + p["head_bias"]
    return _cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1))


def _adam(fun, state, x, y):
    parameters, means, squares, count = state
    loss, gradients = jax.value_and_grad(fun)(parameters, x, y)
    count = count + 1
    means = jax.tree.map(lambda m, g: FIRST * m + (1 - FIRST) * g, means, gradients)
    squares = jax.tree.map(lambda s, g: SECOND * s + (1 - SECOND) * g * g, squares, gradients)
    scale, root = RATE / (1 - FIRST**count), jnp.sqrt(1 - SECOND**count)

    def moved(p, m, s):
        return p - scale.astype(p.dtype) * m / (jnp.sqrt(s) / root.astype(p.dtype) + EPSILON)

    return loss, (jax.tree.map(moved, parameters, means, squares), means, squares, count)


def _training(fun):
    """Return a maker of steps: each goes on from the state that the one before left, and returns its loss."""
    compiled = jax.jit(partial(_adam, fun), donate_argnums=0)

    def make(state, x, y):
        held, x, y = jax.tree.map(jnp.array, (state, x, y))

        def call():
            nonlocal held
            loss, held = jax.block_until_ready(compiled(held, x, y))
            return loss

        return call

    return make


LOSSES = {
    "perceptron": _perceptron,
    "convolutional network": _convolutional,
    "transformer block": _transformer,
    "LSTM, 64 characters": _recurrent,
}
GRADIENTS = {"JAX": {name: _jitted(jax.value_and_grad(fun)) for name, fun in LOSSES.items()}}
STEPS = {"JAX": {name: _training(fun) for name, fun in LOSSES.items()}}
