"""The workloads in CasADi that are scalar graphs: compiled by gcc, arguments and results in buffers bound once.

Programs of many repeated parts are a graph of one part, mapped over the columns of matrices or folded.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache

import casadi as ca
import numpy as np


@cache
def _options():
    """Return those of a compiled function; without gcc, functions run in CasADi's virtual machine."""
    if shutil.which("gcc") is None:
        return {}
    folder = tempfile.mkdtemp(prefix="wengert-benchmark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    flags = ["-O3", "-march=native", "-ffast-math"]
    compiler = {"flags": flags, "directory": f"{folder}/", "verbose": False}
    return {"jit": True, "compiler": "shell", "jit_options": compiler}


def _bound(function, arguments, shapes):
    """Return a call of a function, with what it reads and writes bound to arrays (of columns)."""
    buffer, run = function.buffer()
    held = [np.asfortranarray(a, dtype=float) for a in arguments]
    results = [np.zeros(shape, order="F") for shape in shapes]
    for k, a in enumerate(held):
        buffer.set_arg(k, memoryview(a.reshape(-1, order="F")))
    flat = [r.reshape(-1, order="F") for r in results]
    for k, r in enumerate(flat):
        buffer.set_res(k, memoryview(r))

    def call(_kept=(buffer, held, flat)):
        run()
        return results

    return call


def _gradients(fun, *, compiled=True):
    """Return a maker of calls: value and gradients of a program of numbers and vectors.

    A graph of many thousand operations runs in CasADi's virtual machine: gcc would take minutes.
    """

    def make(*args):
        inputs = [ca.SX.sym("x", np.size(a)) for a in args]
        value = fun(*inputs)
        outputs = [ca.densify(g) for g in [value, *(ca.gradient(value, x) for x in inputs)]]
        function = ca.Function("f", inputs, outputs, _options() if compiled else {})
        return _bound(function, args, [(), *[np.shape(a) for a in args]])

    return make


def _call2(x, y):
    return ca.log(x) + x * y - ca.sin(y)


def _rosenbrock(x):
    return ca.sum1(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def _elementwise(x):
    return ca.sum1(ca.tanh(x) * ca.exp(-(x**2)) + ca.sin(x) * ca.log1p(x**2))


def _tridiagonal(lower, diagonal, upper, right):
    lower, diagonal, upper, right = (ca.vertsplit(v) for v in (lower, diagonal, upper, right))
    b, d = [diagonal[0]], [right[0]]
    for i in range(1, len(right)):
        w = lower[i] / b[-1]
        b.append(diagonal[i] - w * upper[i - 1])
        d.append(right[i] - w * d[-1])
    x = [d[-1] / b[-1]]
    for i in range(len(right) - 2, -1, -1):
        x.append((d[i] - upper[i] * x[-1]) / b[i])
    return ca.sumsqr(ca.vertcat(*x))


def _prefix(a, x):
    a, x = ca.vertsplit(a), ca.vertsplit(x)
    y = [x[0]]
    for i in range(1, len(x)):
        y.append(ca.sin(a[i] * y[-1]) + x[i])
    return ca.sumsqr(ca.vertcat(*y))


def _logistic(start):
    """Fold a step of the value and its derivative."""
    x, slope = ca.SX.sym("x"), ca.SX.sym("slope")
    after = 4 * x * (1 - x)
    state = ca.vertcat(x, slope)
    step = ca.Function("step", [state], [ca.vertcat(after, ca.jtimes(after, x, slope))])
    first = ca.MX.sym("first")
    last = step.fold(1000)(ca.vertcat(first, 1))
    function = ca.Function("f", [first], [last[0], last[1]], _options())
    return _bound(function, [start], [(), ()])


def _lotka(*numbers, h=0.01):
    """Fold a step of the state and its derivatives in six directions."""
    p, s, seeds = ca.SX.sym("p", 4), ca.SX.sym("s", 2), ca.SX.sym("seeds", 2, 6)
    a, b, c, d = ca.vertsplit(p)

    def slope(s):
        return ca.vertcat(a * s[0] - b * s[0] * s[1], d * s[0] * s[1] - c * s[1])

    k1 = slope(s)
    k2 = slope(s + h / 2 * k1)
    k3 = slope(s + h / 2 * k2)
    k4 = slope(s + h * k3)
    after = s + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    directions = ca.vertcat(ca.horzcat(ca.SX.eye(4), ca.SX(4, 2)), seeds)
    moved = ca.jtimes(after, ca.vertcat(p, s), directions)
    step = ca.Function("step", [ca.horzcat(s, seeds), p], [ca.horzcat(after, moved)], ["s", "p"], ["t"])
    inputs = [ca.MX.sym("x") for _ in range(6)]
    first = ca.horzcat(ca.vertcat(*inputs[4:]), ca.DM(2, 4), ca.DM.eye(2))
    last = ca.sum1(step.fold(1000)(first, ca.repmat(ca.vertcat(*inputs[:4]), 1, 1000)))
    function = ca.Function("f", inputs, ca.horzsplit(last), _options())
    return _bound(function, numbers, [()] * 7)


def _newton(p):
    """Use CasADi's own solver, whose derivative is that of the equation."""
    x, q = ca.SX.sym("x"), ca.SX.sym("q")
    options = {"abstol": 1e-12, "error_on_fail": False}
    solver = ca.rootfinder("solver", "fast_newton", {"x": x, "p": q, "g": x - ca.cos(q * x)}, options)
    r = ca.MX.sym("r")
    root = solver(x0=0.5, p=r)["x"]
    return _bound(ca.Function("f", [r], [root, ca.jacobian(root, r)]), [p], [(), ()])


def _bundle(cameras, points, weights, observed, features):
    """Map the block of one observation over columns."""
    camera, point, weight, feature = (ca.SX.sym(n, k) for n, k in (("c", 11), ("p", 3), ("w", 1), ("f", 2)))
    r, d = camera[:3], point - camera[3:6]
    angle = ca.sqrt(ca.sumsqr(r))
    axis, c, s = r / angle, ca.cos(angle), ca.sin(angle)
    seen = d * c + ca.cross(axis, d) * s + axis * (ca.dot(axis, d) * (1 - c))
    p = seen[:2] / seen[2]
    q = ca.sumsqr(p)
    residual = weight * (p * (1 + camera[9] * q + camera[10] * q * q) * camera[6] + camera[7:9] - feature)
    inputs = [camera, point, weight, feature]
    blocks = [ca.vec(ca.densify(ca.jacobian(residual, x)).T) for x in inputs[:3]]
    function = ca.Function("block", inputs, [*blocks, -2 * weight])
    n = len(weights)
    mapped = function.map(n)
    held = [cameras[observed[:, 0]].T, points[observed[:, 1]].T, weights[None], features.T]
    whole = ca.Function("f", *_wrapped(mapped), _options())
    call = _bound(whole, held, [(22, n), (6, n), (2, n), (1, n)])

    def rows():
        a, b, c, d = call()
        return a.T.reshape(n, 2, 11), b.T.reshape(n, 2, 3), c.T, d[0]

    return rows


def _wrapped(function):
    """Return a function's inputs and outputs, as expressions."""
    inputs = [ca.MX.sym("x", function.size_in(k)) for k in range(function.n_in())]
    return inputs, function(*inputs)


PEERS = {
    "CasADi": {
        "ln x + x y - sin y": _gradients(_call2),
        "logistic map, 1000 steps": _logistic,
        "Lotka-Volterra, 1000 steps": _lotka,
        "Newton to tolerance": _newton,
        "Rosenbrock, n = 100": _gradients(_rosenbrock),
        "elementwise, n = 1e3": _gradients(_elementwise, compiled=False),
        "tridiagonal solve, n = 1e4": _gradients(_tridiagonal, compiled=False),
        "prefix recurrence, n = 1e4": _gradients(_prefix, compiled=False),
        "bundle adjustment, Jacobian": _bundle,
    }
}
