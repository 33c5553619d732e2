"""The workloads in PyTorch, as it runs and behind `torch.compile`.

Loops are Python's, and those are not compiled, nor is what takes minutes to compile: the Jacobians of bundle adjustment
and hand tracking. Arguments lie in PyTorch's own tensors before the clock starts, on one thread.
"""

from __future__ import annotations

import math
import warnings
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch.func import grad, grad_and_value, jacfwd, jacrev, jvp, vmap
from workloads.mixture import normaliser

from wengert import tree

torch.set_num_threads(1)
warnings.filterwarnings("ignore", category=FutureWarning, module="torch")  # its own, of its own names


def _call2(x, y):
    return torch.log(x) + x * y - torch.sin(y)


def _logistic(x):
    for _ in range(1000):
        x = 4 * x * (1 - x)
    return x


def _lotka(a, b, c, d, x, y, h=0.01):
    p, q = torch.stack([a, -c]), torch.stack([-b, d])
    s = torch.stack([x, y])

    def slope(s):
        return p * s + q * (s[0] * s[1])

    for _ in range(1000):
        k1 = slope(s)
        k2 = slope(s + h / 2 * k1)
        k3 = slope(s + h / 2 * k2)
        k4 = slope(s + h * k3)
        s = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return s.sum()


def _newton(p):
    x = torch.tensor(0.5, dtype=torch.float64)
    while abs(residual := x - torch.cos(p * x)) > 1e-12:
        x = x - residual / (1 + p * torch.sin(p * x))
    return x


def _rosenbrock(x):
    return torch.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _elementwise(x):
    return torch.sum(torch.tanh(x) * torch.exp(-(x**2)) + torch.sin(x) * torch.log1p(x**2))


def _tridiagonal(lower, diagonal, upper, right):
    lower, diagonal, upper, right = (v.unbind() for v in (lower, diagonal, upper, right))
    b, d = [diagonal[0]], [right[0]]
    for i in range(1, len(right)):
        w = lower[i] / b[-1]
        b.append(diagonal[i] - w * upper[i - 1])
        d.append(right[i] - w * d[-1])
    x = [d[-1] / b[-1]]
    for i in range(len(right) - 2, -1, -1):
        x.append((d[i] - upper[i] * x[-1]) / b[i])
    return torch.sum(torch.stack(x) ** 2)


def _prefix(a, x):
    y = [x[0]]
    for a_i, x_i in zip(a[1:].unbind(), x[1:].unbind(), strict=True):
        y.append(torch.sin(a_i * y[-1]) + x_i)
    return torch.sum(torch.stack(y) ** 2)


def _perceptron(parameters, x, labels):
    *hidden, (w, b) = parameters
    for v, c in hidden:
        x = torch.tanh(torch.addmm(c, x, v))
    return torch.nn.functional.cross_entropy(torch.addmm(b, x, w), labels)


def _hessian_product(parameters, direction, x, labels):
    return jvp(grad(lambda p: _perceptron(p, x, labels)), (parameters,), (direction,))[1]


def _mixture(alphas, means, factors, x):
    n, d = x.shape
    logarithms, below = factors[:, :d], factors[:, d:]
    diagonal = torch.exp(logarithms)
    columns, rows = np.triu_indices(d, 1)
    lower = torch.diag_embed(diagonal)
    lower[:, rows, columns] = below
    whitened = (x - means[:, None, :]) @ lower.mT
    sums = logarithms.sum(1)
    main = (alphas + sums)[:, None] - 0.5 * torch.sum(whitened**2, 2)
    likelihood = torch.logsumexp(main, 0).sum() - n * torch.logsumexp(alphas, 0)
    prior = 0.5 * (torch.sum(diagonal**2) + torch.sum(below**2))
    return likelihood - 0.5 * n * d * math.log(2 * math.pi) + prior - len(alphas) * normaliser(d, 1.0, 0)


def _sees(camera, point, weight, feature):
    r, centre, focal, principal, k1, k2 = camera.split([3, 3, 1, 2, 1, 1])
    d = point - centre
    square = torch.sum(r * r)
    angle = torch.sqrt(square)
    axis = r / angle
    c, s = torch.cos(angle), torch.sin(angle)
    turned = d * c + torch.linalg.cross(axis, d) * s + axis * (torch.sum(axis * d) * (1 - c))
    seen = torch.where(square == 0, d + torch.linalg.cross(r, d), turned)
    p = seen[:2] / seen[2]
    q = torch.sum(p * p)
    return weight * (p * (1 + k1 * q + k2 * q * q) * focal + principal - feature)


def _bundle(cameras, points, weights, observed, features):
    block = vmap(jacrev(_sees, (0, 1, 2)))
    return *block(cameras[observed[:, 0]], points[observed[:, 1]], weights, features), -2 * weights


def _recurrent(main, extra, state, sequence):
    layers = [(*weights.unbind(), *biases.unbind()) for weights, biases in main]
    state = [(h, c) for h, c in state]
    likelihoods = []
    for now, following in pairwise(sequence):
        x = now * extra[0]
        for k, (wf, wi, wo, wc, bf, bi, bo, bc) in enumerate(layers):
            h, c = state[k]
            forget, output = torch.sigmoid(x * wf + bf), torch.sigmoid(x * wo + bo)
            cell = c * forget + torch.sigmoid(h * wi + bi) * torch.tanh(h * wc + bc)
            x = output * torch.tanh(cell)
            state[k] = x, cell
        y = x * extra[1] + extra[2]
        likelihoods.append(torch.dot(following, y - torch.log(torch.sum(torch.exp(y)) + 2)))
    return -torch.sum(torch.stack(likelihoods)) / sequence[1:].numel()


def _rotation(r):
    angle = torch.sqrt(torch.sum(r * r))
    x, y, z = r / angle
    s, c = torch.sin(angle), torch.cos(angle)
    rows = [
        [x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
        [x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s],
        [x * z * (1 - c) - y * s, z * y * (1 - c) + x * s, z * z + (1 - z * z) * c],
    ]
    turn = torch.stack([torch.stack(row) for row in rows])
    return torch.where(angle < 1e-4, torch.eye(3, dtype=r.dtype), turn)


def _bends(flexion, spread):
    cx, sx, cz, sz = torch.cos(flexion), torch.sin(flexion), torch.cos(spread), torch.sin(spread)
    no, one = torch.zeros_like(cx), torch.ones_like(cx)
    rows = [cz, -sz * cx, sz * sx, no, sz, cz * cx, -cz * sx, no, no, sx, cx, no, no, no, no, one]
    return torch.stack(rows, -1).reshape(*flexion.shape, 4, 4)


def _vertices(pose, model, seen):
    angles = pose[6:].reshape(5, 4)
    no = torch.zeros_like(angles[:, 1])
    bends = _bends(angles[:, [0, 2, 3]], torch.stack([angles[:, 1], no, no], 1))
    relative = model.fingers[:, 1:] @ bends
    bones = [model.wrist @ model.fingers[:, 0]]
    for k in range(3):
        bones.append(bones[-1] @ relative[:, k])
    fingers = torch.stack(bones, 1).reshape(20, 4, 4)
    placed = (torch.concatenate([model.wrist[None], fingers, model.forearm[None]]) @ model.inverse)[:, :3]
    blended = (model.weights[:, None, seen] * model.vertices[:, seen]).reshape(88, -1)
    skinned = torch.swapaxes(placed, 0, 1).reshape(3, 88) @ blended
    return _rotation(pose[:3]) @ skinned + pose[3:6, None]


def _simple(pose, model, seen, points):
    return points - _vertices(pose, model, seen)


def _complicated(pose, within, model, triangles, seen, points):
    a, b, c = _vertices(pose, model, slice(None))[:, triangles[seen]].movedim(2, 0)
    u, v = within.T
    return points - (u * a + v * b + (1 - u - v) * c)


def _columns(fun, pose, *rest):
    def both(p):
        residuals = fun(p, *rest)
        return residuals, residuals

    wide, residuals = jacfwd(both, has_aux=True)(pose)
    return residuals, wide.movedim(-1, 0)


def _all_columns(pose, within, *rest):
    def along(direction):
        return jvp(lambda u: _complicated(pose, u, *rest), (within,), (direction.expand(within.shape),))[1]

    return *_columns(_complicated, pose, within, *rest), vmap(along)(torch.eye(2, dtype=pose.dtype))


# ----------------------------------------------------------------------------------------------------------------------


def _tensors(args):
    return tree.map_leaves(lambda leaf: torch.from_numpy(np.array(leaf)), args)


def _reverse(fun, argnums=(0,)):
    """Return a maker of calls: the function, then the sweep back from its value."""

    def make(*args):
        held = _tensors(args)
        wanted = [leaf.requires_grad_() for k in argnums for leaf in tree.flatten(held[k])[0]]

        def call():
            value = fun(*held)
            return value.detach(), torch.autograd.grad(value, wanted)

        return call

    return make


def _direct(derivative):
    """Return a maker of calls of a derivative."""

    def make(*args):
        held = _tensors(args)
        return lambda: derivative(*held)

    return make


def _compiled(derivative):
    """Return what `_direct` returns, of a derivative compiled as a whole, anew for each workload and its shapes."""

    def make(*args):
        torch.compiler.reset()
        return _direct(torch.compile(derivative, dynamic=False))(*args)

    return make


def _value_and_gradient(fun, argnums=(0,)):
    """Return a derivative to compile: cheaper than the sweep back through what was compiled forward."""
    both = grad_and_value(fun, tuple(argnums))

    def derivative(*args):
        gradients, value = both(*args)
        return value, gradients

    return derivative


def _start_compiler():
    """Compile a first program: that one looks for a compiler of C++ and for what the processor has."""
    x = torch.ones(2, requires_grad=True)
    torch.compile(lambda v: torch.sum(torch.sin(v)))(x).backward()


ONE_PASS = {
    "ln x + x y - sin y": (_call2, (0, 1)),
    "Rosenbrock, n = 100": (_rosenbrock,),
    "Rosenbrock, n = 1e6": (_rosenbrock,),
    "elementwise, n = 1e3": (_elementwise,),
    "elementwise, n = 4e6": (_elementwise,),
    "cross-entropy, 1024 x 1000 float32": (torch.nn.functional.cross_entropy,),
    "perceptron, float32": (_perceptron,),
    "mixture of Gaussians, d 10": (_mixture, (0, 1, 2)),
    "mixture of Gaussians, d 64": (_mixture, (0, 1, 2)),
}
LOOPS = {
    "logistic map, 1000 steps": (_logistic,),
    "Lotka-Volterra, 1000 steps": (_lotka, range(6)),
    "Newton to tolerance": (_newton,),
    "tridiagonal solve, n = 1e4": (_tridiagonal, range(4)),
    "prefix recurrence, n = 1e4": (_prefix, (0, 1)),
    "recurrent network, 1024 characters": (_recurrent, (0, 1)),
}
DIRECT = {
    "perceptron, Hessian times vector": _hessian_product,
    "bundle adjustment, Jacobian": _bundle,
    "hand tracking, simple": partial(_columns, _simple),
    "hand tracking, complicated": _all_columns,
}
_start_compiler()
PEERS = {
    "PyTorch": {name: _reverse(*what) for name, what in (ONE_PASS | LOOPS).items()}
    | {name: _direct(what) for name, what in DIRECT.items()},
    "torch.compile": {name: _compiled(_value_and_gradient(*what)) for name, what in ONE_PASS.items()}
    | {"perceptron, Hessian times vector": _compiled(_hessian_product)},
}
