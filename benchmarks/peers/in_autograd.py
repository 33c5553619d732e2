"""The workloads in autograd: NumPy as it is, loops as Python's, arrays that are not written into."""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise

import autograd.numpy as np
from autograd import grad, make_vjp, value_and_grad
from workloads.mixture import normaliser


def _call2(x, y):
    return np.log(x) + x * y - np.sin(y)


def _logistic(x):
    for _ in range(1000):
        x = 4 * x * (1 - x)
    return x


def _lotka(a, b, c, d, x, y, h=0.01):
    def slope(x, y):
        return a * x - b * x * y, d * x * y - c * y

    for _ in range(1000):
        k1, l1 = slope(x, y)
        k2, l2 = slope(x + h / 2 * k1, y + h / 2 * l1)
        k3, l3 = slope(x + h / 2 * k2, y + h / 2 * l2)
        k4, l4 = slope(x + h * k3, y + h * l3)
        x, y = x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), y + h / 6 * (l1 + 2 * l2 + 2 * l3 + l4)
    return x + y


def _newton(p):
    x = 0.5
    while abs(residual := x - np.cos(p * x)) > 1e-12:
        x = x - residual / (1 + p * np.sin(p * x))
    return x


def _rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _elementwise(x):
    return np.sum(np.tanh(x) * np.exp(-(x**2)) + np.sin(x) * np.log1p(x**2))


def _cross_entropy(z, labels):
    s = z - np.max(z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(s), axis=1)) - s[np.arange(len(labels)), labels])


def _perceptron(parameters, x, labels):
    *hidden, (w, b) = parameters
    for v, c in hidden:
        x = np.tanh(np.dot(x, v) + c)
    return _cross_entropy(np.dot(x, w) + b, labels)


def _hessian_product(parameters, direction, x, labels):
    gradient = grad(partial(_perceptron, x=x, labels=labels))

    def along(p):
        pairs = zip(gradient(p), direction, strict=True)
        return sum(np.sum(w * v) + np.sum(b * c) for (w, b), (v, c) in pairs)

    return grad(along)(parameters)


def _logsumexp(x):
    largest = np.max(x, axis=0)
    return largest + np.log(np.sum(np.exp(x - largest), axis=0))


def _mixture(alphas, means, factors, x):
    n, d = x.shape
    logarithms, below = factors[:, :d], factors[:, d:]
    diagonal = np.exp(logarithms)
    columns, rows = np.triu_indices(d, 1)
    position = np.full((d, d), below.shape[1])
    position[rows, columns] = np.arange(len(rows))
    padded = np.concatenate([below, np.zeros((len(alphas), 1))], axis=1)
    lower = padded[:, position] + diagonal[:, :, None] * np.eye(d)
    whitened = np.matmul(x - means[:, None, :], np.swapaxes(lower, 1, 2))
    sums = np.sum(logarithms, axis=1)
    main = (alphas + sums)[:, None] - 0.5 * np.sum(whitened**2, axis=2)
    likelihood = np.sum(_logsumexp(main)) - n * _logsumexp(alphas)
    prior = 0.5 * (np.sum(diagonal**2) + np.sum(below**2))
    return likelihood - 0.5 * n * d * math.log(2 * math.pi) + prior - len(alphas) * normaliser(d, 1.0, 0)


def _sees(camera, point, weight, feature):
    """Return the residuals of all observations, in rows."""
    r, centre, principal = camera[:, :3], camera[:, 3:6], camera[:, 7:9]
    d = point - centre
    angle = np.sqrt(np.sum(r * r, axis=1, keepdims=True))
    axis = r / angle
    c, s = np.cos(angle), np.sin(angle)
    turned = d * c + np.cross(axis, d) * s + axis * (np.sum(axis * d, axis=1, keepdims=True) * (1 - c))
    seen = np.where(angle == 0, d + np.cross(r, d), turned)
    p = seen[:, :2] / seen[:, 2:]
    q = np.sum(p * p, axis=1, keepdims=True)
    along = p * (1 + camera[:, 9:10] * q + camera[:, 10:] * q * q)
    return weight[:, None] * (along * camera[:, 6:7] + principal - feature)


def _bundle(cameras, points, weights, observed, features):
    """Sweep back once from each of the two coordinates: each touches its own observation."""
    held = cameras[observed[:, 0]], points[observed[:, 1]], weights
    pull, residuals = make_vjp(lambda all_: _sees(*all_, features), 0)(held)
    blocks = []
    for k in range(2):
        cotangent = np.zeros(residuals.shape)
        cotangent[:, k] = 1
        blocks.append(pull(cotangent))
    return *(np.stack(pair, axis=1) for pair in zip(*blocks, strict=True)), -2 * weights


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _recurrent(main, extra, state, sequence):
    state = [(h, c) for h, c in state]
    likelihood = 0.0
    for now, following in pairwise(sequence):
        x = now * extra[0]
        for layer, (h, c) in enumerate(state):
            (wf, wi, wo, wc), (bf, bi, bo, bc) = main[layer, 0], main[layer, 1]
            forget, output = _sigmoid(x * wf + bf), _sigmoid(x * wo + bo)
            cell = c * forget + _sigmoid(h * wi + bi) * np.tanh(h * wc + bc)
            x = output * np.tanh(cell)
            state[layer] = x, cell
        y = x * extra[1] + extra[2]
        likelihood = likelihood + np.sum(following * (y - np.log(np.sum(np.exp(y)) + 2)))
    return -likelihood / sequence[1:].size


# ----------------------------------------------------------------------------------------------------------------------


def _called(derivative):
    """Return a maker of calls."""
    return lambda *args: lambda: derivative(*args)


def _reverse(fun, argnums=0):
    return _called(value_and_grad(fun, argnums))


PEERS = {
    "autograd": {
        "ln x + x y - sin y": _reverse(_call2, (0, 1)),
        "logistic map, 1000 steps": _reverse(_logistic),
        "Lotka-Volterra, 1000 steps": _reverse(_lotka, tuple(range(6))),
        "Newton to tolerance": _reverse(_newton),
        "Rosenbrock, n = 100": _reverse(_rosenbrock),
        "Rosenbrock, n = 1e6": _reverse(_rosenbrock),
        "elementwise, n = 1e3": _reverse(_elementwise),
        "elementwise, n = 4e6": _reverse(_elementwise),
        "cross-entropy, 1024 x 1000 float32": _reverse(_cross_entropy),
        "perceptron, float32": _reverse(_perceptron),
        "perceptron, Hessian times vector": _called(_hessian_product),
        "mixture of Gaussians, d 10": _reverse(_mixture, (0, 1, 2)),
        "mixture of Gaussians, d 64": _reverse(_mixture, (0, 1, 2)),
        "bundle adjustment, Jacobian": _called(_bundle),
        "recurrent network, 1024 characters": _reverse(_recurrent, (0, 1)),
    }
}
