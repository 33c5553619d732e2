"""Programs and arguments whose graphs are kept as texts; their lines are part of these."""

import numpy as np

import wengert as wg


def formula(x, y):
    return np.log(x) + x * y - np.sin(y)


def layer(params, x):
    h = np.tanh(x @ params["w"] + params["b"])
    return {"h": h, "norm": np.sqrt(np.sum(h**2, axis=-1, keepdims=True))}


def indices(x):
    y = x[..., 1:4:2] + x[None, 0, ..., :2]
    return y[:, np.array([1, 0])], x[-1]


def fill(x):
    y = np.zeros_like(x)
    for i in range(2):
        y[i] = np.float32(2.0) * x[i]
    return y


def constants(x):
    return x * np.array([[1.0, 2.0]]) + 3, np.where(x > np.inf, 0.1, -0.0), 5


def loop(c, xs):
    def step(carry, x):
        return carry * x, np.sum(carry)

    return wg.scan(step, c, xs)


def branches(x):
    return wg.cond(x[0] > 0, lambda v: v * 2.0, lambda v: wg.cond(v[1] > 1, np.sin, np.cos, v), x)


def gradient(x):
    return wg.grad(lambda v: np.sum(v * np.exp(v)))(x)


VECTOR = np.array([0.5, 1.5])
MATRIX = np.arange(10.0).reshape(2, 5)

PROGRAMS = {
    "formula": (formula, (2.0, 5.0)),
    "layer": (layer, ({"w": np.ones((5, 3)), "b": np.zeros(3)}, MATRIX)),
    "indices": (indices, (MATRIX,)),
    "fill": (fill, (VECTOR.astype(np.float32),)),
    "constants": (constants, (VECTOR,)),
    "loop": (loop, (VECTOR, np.ones((4, 2)))),
    "branches": (branches, (VECTOR,)),
    "gradient": (gradient, (VECTOR,)),
}
