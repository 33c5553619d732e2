"""The workloads in JAX: `jit`, loops by `scan`, `fori_loop` and `while_loop`, forward mode where that is cheaper.

Arguments lie in JAX's own arrays before the clock starts; a call ends when its results are there.
"""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from workloads.mixture import normaliser

jax.config.update("jax_enable_x64", True)
jax.jit(lambda x: x + 1.0)(
    1.0
)  # as everybody's, JAX's first compilation is not counted: it starts the compiler


def _call2(x, y):
    return jnp.log(x) + x * y - jnp.sin(y)


def _logistic(x):
    return lax.fori_loop(0, 1000, lambda _, v: 4 * v * (1 - v), x)


def _lotka(p, h=0.01):
    a, b, c, d = p[:4]

    def slope(s):
        x, y = s
        return jnp.stack([a * x - b * x * y, d * x * y - c * y])

    def step(_, s):
        k1 = slope(s)
        k2 = slope(s + h / 2 * k1)
        k3 = slope(s + h / 2 * k2)
        k4 = slope(s + h * k3)
        return s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return jnp.sum(lax.fori_loop(0, 1000, step, p[4:]))


def _newton(p):
    def residual(x):
        return x - jnp.cos(p * x)

    def step(x):
        return x - residual(x) / (1 + p * jnp.sin(p * x))

    return lax.while_loop(lambda x: jnp.abs(residual(x)) > 1e-12, step, jnp.asarray(0.5))


def _rosenbrock(x):
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _elementwise(x):
    return jnp.sum(jnp.tanh(x) * jnp.exp(-(x**2)) + jnp.sin(x) * jnp.log1p(x**2))


def _tridiagonal(lower, diagonal, upper, right):
    def eliminate(carry, row):
        b, d = carry
        below, pivot, above, r = row
        w = below / b
        carry = pivot - w * above, r - w * d
        return carry, carry

    def substitute(after, row):
        b, d, above = row
        x = (d - above * after) / b
        return x, x

    first = diagonal[0], right[0]
    _, (b, d) = lax.scan(eliminate, first, (lower[1:], diagonal[1:], upper[:-1], right[1:]))
    b, d = jnp.concatenate([diagonal[:1], b]), jnp.concatenate([right[:1], d])
    last = d[-1] / b[-1]
    _, x = lax.scan(substitute, last, (b[:-1], d[:-1], upper[:-1]), reverse=True)
    return jnp.sum(x * x) + last * last


def _prefix(a, x):
    def step(y, pair):
        y = jnp.sin(pair[0] * y) + pair[1]
        return y, y

    _, y = lax.scan(step, x[0], (a[1:], x[1:]))
    return jnp.sum(y * y) + x[0] * x[0]


def _cross_entropy(z, labels):
    picked = jnp.take_along_axis(z, labels[:, None], 1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(z, axis=1) - picked)


def _perceptron(parameters, x, labels):
    *hidden, (w, b) = parameters
    for v, c in hidden:
        x = jnp.tanh(x @ v + c)
    return _cross_entropy(x @ w + b, labels)


def _hessian_product(parameters, direction, x, labels):
    gradient = jax.grad(partial(_perceptron, x=x, labels=labels))
    return jax.jvp(gradient, (parameters,), (direction,))[1]


def _mixture(alphas, means, factors, x):
    n, d = x.shape
    logarithms, below = factors[:, :d], factors[:, d:]
    diagonal = jnp.exp(logarithms)
    columns, rows = np.triu_indices(d, 1)
    lower = jnp.zeros((len(alphas), d, d)).at[:, rows, columns].set(below)
    lower = lower.at[:, np.arange(d), np.arange(d)].set(diagonal)
    whitened = (x - means[:, None, :]) @ jnp.swapaxes(lower, 1, 2)
    sums = jnp.sum(logarithms, axis=1)
    main = (alphas + sums)[:, None] - 0.5 * jnp.sum(whitened**2, axis=2)
    likelihood = jnp.sum(jax.nn.logsumexp(main, axis=0)) - n * jax.nn.logsumexp(alphas)
    prior = 0.5 * (jnp.sum(diagonal**2) + jnp.sum(below**2))
    return likelihood - 0.5 * n * d * math.log(2 * math.pi) + prior - len(alphas) * normaliser(d, 1.0, 0)


def _sees(camera, point, weight, feature):
    r, centre, focal, principal, (k1, k2) = camera[:3], camera[3:6], camera[6], camera[7:9], camera[9:]
    d = point - centre
    square = jnp.sum(r * r)
    angle = jnp.sqrt(square)
    axis = r / angle
    c, s = jnp.cos(angle), jnp.sin(angle)
    turned = d * c + jnp.cross(axis, d) * s + axis * (jnp.sum(axis * d) * (1 - c))
    seen = jnp.where(square == 0, d + jnp.cross(r, d), turned)
    p = seen[:2] / seen[2]
    q = jnp.sum(p * p)
    return weight * (p * (1 + k1 * q + k2 * q * q) * focal + principal - feature)


def _bundle(cameras, points, weights, observed, features):
    block = jax.vmap(jax.jacrev(_sees, (0, 1, 2)))
    return *block(cameras[observed[:, 0]], points[observed[:, 1]], weights, features), -2 * weights


def _recurrent(main, extra, state, sequence):
    def step(state, pair):
        now, following = pair
        x, new = now * extra[0], []
        for layer, (h, c) in enumerate(state):
            (wf, wi, wo, wc), (bf, bi, bo, bc) = main[layer, 0], main[layer, 1]
            forget, output = jax.nn.sigmoid(x * wf + bf), jax.nn.sigmoid(x * wo + bo)
            cell = c * forget + jax.nn.sigmoid(h * wi + bi) * jnp.tanh(h * wc + bc)
            x = output * jnp.tanh(cell)
            new.append((x, cell))
        y = x * extra[1] + extra[2]
        return tuple(new), jnp.sum(following * (y - jnp.log(jnp.sum(jnp.exp(y)) + 2)))

    first = tuple([(layer[0], layer[1]) for layer in state])
    _, likelihoods = lax.scan(step, first, (sequence[:-1], sequence[1:]))
    return -jnp.sum(likelihoods) / sequence[1:].size


def _rotation(r):
    angle = jnp.sqrt(jnp.sum(r * r))
    x, y, z = r / angle
    s, c = jnp.sin(angle), jnp.cos(angle)
    rows = [
        [x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
        [x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s],
        [x * z * (1 - c) - y * s, z * y * (1 - c) + x * s, z * z + (1 - z * z) * c],
    ]
    return jnp.where(angle < 1e-4, jnp.eye(3), jnp.array(rows))


def _bends(flexion, spread):
    cx, sx, cz, sz = jnp.cos(flexion), jnp.sin(flexion), jnp.cos(spread), jnp.sin(spread)
    no, one = jnp.zeros_like(cx), jnp.ones_like(cx)
    rows = [cz, -sz * cx, sz * sx, no, sz, cz * cx, -cz * sx, no, no, sx, cx, no, no, no, no, one]
    return jnp.stack(rows, -1).reshape(*flexion.shape, 4, 4)


def _vertices(pose, model, seen):
    angles = pose[6:].reshape(5, 4)
    no = jnp.zeros_like(angles[:, 1])
    bends = _bends(angles[:, np.array([0, 2, 3])], jnp.stack([angles[:, 1], no, no], 1))
    relative = model.fingers[:, 1:] @ bends
    bones = [model.wrist @ model.fingers[:, 0]]
    for k in range(3):
        bones.append(bones[-1] @ relative[:, k])
    fingers = jnp.stack(bones, 1).reshape(20, 4, 4)
    placed = (jnp.concatenate([model.wrist[None], fingers, model.forearm[None]]) @ model.inverse)[:, :3]
    blended = (model.weights[:, None, seen] * model.vertices[:, seen]).reshape(88, -1)
    skinned = jnp.swapaxes(placed, 0, 1).reshape(3, 88) @ blended
    return _rotation(pose[:3]) @ skinned + pose[3:6, None]


def _simple(pose, model, seen, points):
    return points - _vertices(pose, model, seen)


def _complicated(pose, within, model, triangles, seen, points):
    a, b, c = jnp.moveaxis(_vertices(pose, model, slice(None))[:, triangles[seen]], 2, 0)
    u, v = within.T
    return points - (u * a + v * b + (1 - u - v) * c)


def _columns(fun, pose, *rest):
    def along(direction):
        return jax.jvp(lambda p: fun(p, *rest), (pose,), (direction,))

    return jax.vmap(along, out_axes=(None, 0))(jnp.eye(len(pose)))


def _all_columns(pose, within, *rest):
    def along(direction):
        sides = jnp.broadcast_to(direction, within.shape)
        return jax.jvp(lambda u: _complicated(pose, u, *rest), (within,), (sides,))[1]

    return *_columns(_complicated, pose, within, *rest), jax.vmap(along)(jnp.eye(2))


# ----------------------------------------------------------------------------------------------------------------------


def _jitted(derivative):
    """Return a maker of calls: arguments in JAX's arrays, results waited for."""
    compiled = jax.jit(derivative)

    def make(*args):
        held = jax.tree.map(jnp.asarray, args)
        return lambda: jax.block_until_ready(compiled(*held))

    return make


def _reverse(fun, argnums=0):
    return _jitted(jax.value_and_grad(fun, argnums))


def _forward(fun):
    """Return a maker for a function of one number."""
    return _jitted(lambda x: jax.jvp(fun, (x,), (jnp.ones_like(x),)))


def _directions(*numbers):
    """Differentiate in all directions at once, beside the value."""
    p = jnp.stack(numbers)
    value, slopes = jax.vmap(lambda s: jax.jvp(_lotka, (p,), (s,)), out_axes=(None, 0))(jnp.eye(len(p)))
    return value, tuple(slopes)


PEERS = {
    "JAX": {
        "ln x + x y - sin y": _reverse(_call2, (0, 1)),
        "logistic map, 1000 steps": _forward(_logistic),
        "Lotka-Volterra, 1000 steps": _jitted(_directions),
        "Newton to tolerance": _forward(_newton),
        "Rosenbrock, n = 100": _reverse(_rosenbrock),
        "Rosenbrock, n = 1e6": _reverse(_rosenbrock),
        "elementwise, n = 1e3": _reverse(_elementwise),
        "elementwise, n = 4e6": _reverse(_elementwise),
        "tridiagonal solve, n = 1e4": _reverse(_tridiagonal, (0, 1, 2, 3)),
        "prefix recurrence, n = 1e4": _reverse(_prefix, (0, 1)),
        "cross-entropy, 1024 x 1000 float32": _reverse(_cross_entropy),
        "perceptron, float32": _reverse(_perceptron),
        "perceptron, Hessian times vector": _jitted(_hessian_product),
        "mixture of Gaussians, d 10": _reverse(_mixture, (0, 1, 2)),
        "mixture of Gaussians, d 64": _reverse(_mixture, (0, 1, 2)),
        "bundle adjustment, Jacobian": _jitted(_bundle),
        "recurrent network, 1024 characters": _reverse(_recurrent, (0, 1)),
        "hand tracking, simple": _jitted(partial(_columns, _simple)),
        "hand tracking, complicated": _jitted(_all_columns),
    }
}
