"""The example set of derivative sources: functions of every kind, with arguments and what to differentiate by."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import special

import wengert as wg

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(7)
X = RNG.normal(size=(6, 4))
LABELS = RNG.integers(0, 3, 6)


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


# The seeds' examples ------------------------------------------------------------------------------------------------


def textbook(x1, x2):
    return np.log(x1) + x1 * x2 - np.sin(x2)


def difference_of_squares(x, y):
    a = x + y
    b = x - y
    return a * b


def logistic_unrolled(x):
    for _ in range(4):
        x = 4.0 * x * (1.0 - x)
    return x


def kinks(x):
    return np.sum(np.maximum(x, 0.0)) + np.max(x) + np.sum(np.abs(x)) + np.sum(np.clip(x, -0.5, 0.5))


def branch(x):
    if x > 0:
        return x * x
    return -x


def loop_by_value(x):
    y = x
    while y < 100.0:
        y = y * 2.0
    return y * x


def recursive_power(x, n=5):
    return 1.0 if n == 0 else x * recursive_power(x, n - 1)


def log_sum_exp(x):
    m = np.max(x)
    return m + np.log(np.sum(np.exp(x - m)))


def clipped(x, limit=1.0):
    norm = np.linalg.norm(x)
    return np.sum(x * np.minimum(1.0, limit / norm))


# Programs -------------------------------------------------------------------------------------------------------------


def perceptron(layers, x):
    h = x
    for layer in layers[:-1]:
        z = h @ layer["w"] + layer["b"]
        h = np.tanh(z)
    logits = h @ layers[-1]["w"] + layers[-1]["b"]
    shifted = logits - np.max(logits, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - shifted[np.arange(len(x)), LABELS])


def layers(*sizes):
    return [{"w": RNG.normal(size=(m, n)), "b": RNG.normal(size=n)} for m, n in pairwise(sizes)]


def lstm(w, u, b, xs):
    def step(state, x):
        h, c = state
        z = x @ w + h @ u + b
        i, f, o, g = sigmoid(z[:3]), sigmoid(z[3:6]), sigmoid(z[6:9]), np.tanh(z[9:])
        c = f * c + i * g
        h = o * np.tanh(c)
        return (h, c), np.sum(h * h)

    _, losses = wg.scan(step, (np.zeros(3), np.zeros(3)), xs)
    return np.mean(losses)


def runge_kutta(y, rate, h=0.05):
    def slope(y):
        return np.array([1.0, -1.0]) * rate * y[::-1] + np.sin(y)

    def step(_, y):
        k1 = slope(y)
        k2 = slope(y + h / 2 * k1)
        k3 = slope(y + h / 2 * k2)
        k4 = slope(y + h * k3)
        return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return np.sum(wg.fori_loop(0, 12, step, y) ** 2)


def newton(p, q):
    return wg.while_loop(
        lambda x: np.abs(x - np.cos(p * x) * q) > 1e-12,
        lambda x: x - (x - q * np.cos(p * x)) / (1 + p * q * np.sin(p * x)),
        0.5,
    )


def newton_in_python(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def tree_sum(tree, w):
    if isinstance(tree, tuple):
        left, right = tree
        return np.tanh(w * tree_sum(left, w) + tree_sum(right, w))
    return tree


def choice(x, y):
    s = wg.cond(x > y, lambda a, b: a * np.sin(b), lambda a, b: a + b * b, x, y)
    return wg.switch(2, [lambda a: a, lambda a: a * a, lambda a: a * a * a], s) + wg.cond(
        x < y, lambda: x, lambda: y * y
    )


@wg.lift
def tridiagonal(lower, diagonal, upper, right):
    n = len(right)
    b, d = diagonal.copy(), right.copy()
    for i in range(1, n):
        w = lower[i] / b[i - 1]
        b[i] = b[i] - w * upper[i - 1]
        d[i] = d[i] - w * d[i - 1]
    x = np.zeros_like(d)
    x[n - 1] = d[n - 1] / b[n - 1]
    for i in range(n - 2, -1, -1):
        x[i] = (d[i] - upper[i] * x[i + 1]) / b[i]
    return np.sum(x * x)


def checkpointed(x):
    last, ys = wg.scan(lambda c, t: (np.sin(c) * t, c * t), x, np.linspace(0.5, 1.5, 9), checkpoint=3)
    return last + np.sum(ys)


def in_place(x):
    y = np.zeros_like(x, shape=5)
    y[1:4] = x * x
    y[2] += x[0]
    y[[0, 4, 0]] = np.sum(x)
    return np.sum(y * np.arange(5.0))


def repeated_reads(x):
    return x[0] * x[1] + x[1] * x[2] + np.sum(x[[0, 0, 2]] ** 2) + np.sum(x[::2])


def linear_algebra(a, b):
    s = a @ a.T + 3.0 * np.eye(3)
    x = np.linalg.solve(s, b)
    return (
        np.sum(x * x) + np.linalg.slogdet(s)[1] + np.trace(np.linalg.inv(s)) + np.sum(np.linalg.cholesky(s))
    )


def spectra(a):
    s = a + a.T
    return np.sum(np.linalg.eigvalsh(s) ** 3) + np.sum(np.linalg.svd(a)[1]) + np.linalg.norm(a)


def special_functions(x):
    return np.sum(special.erf(x) + special.gammaln(x * x + 1.0) + special.j0(x) + special.expit(x))


def einsums(a, b):
    return np.sum(np.einsum("ij,kj->ik", a, b) ** 2) + np.sum(np.tensordot(a, b, axes=((0,), (0,))))


def waves(x):
    return np.sum(np.abs(np.fft.rfft(x)) ** 2) + np.sum(np.convolve(x, [1.0, -1.0, 0.5]))


def sorting(x):
    return np.sum(np.sort(x) * np.arange(len(x))) + np.median(x) + np.prod(x) + np.std(x) + np.cumsum(x)[-2]


def single(x):
    return np.sum(np.exp(x * np.float32(0.1)) / 3)


def mixed(x):
    """Numbers of NumPy's, unlike Python's, make the result double."""
    y = np.float64(0.1) * x + np.int64(3) * x
    return np.sum(wg.fori_loop(0, 3, lambda i, v: v + i * y, y))


def masked_root(x):
    return np.sum(np.where(x > 0, np.sqrt(x), 0.0))


def ragged(p):
    (a, b), c = p
    return np.sum(a) * b + c[0] * c[1]


@wg.custom_derivative
def softplus(x):
    return np.logaddexp(x, 0.0)


softplus.defvjp(lambda x: (softplus.fun(x), x), lambda x, g: (g * sigmoid(x),))
compiled = wg.jit(lambda x: np.sum(np.sin(x) * x))


def with_rules(x):
    return np.sum(softplus(x)) + compiled(x) + np.sum(np.floor(x)) * x[0]


def closure(w):
    return np.sum((X @ w) ** 2)


def vectorised(x):
    return np.sum(wg.vmap(lambda r: np.sin(r) @ r)(x))


def growth(x):
    return np.sum(wg.while_loop(lambda s: np.sum(s) < 50.0, lambda s: s * s + x, x))


def nested(x, y):
    def outer(i, a):
        return wg.fori_loop(0, 3, lambda j, b: np.sin(b) * y + i * j, a) + x

    return wg.fori_loop(0, 4, outer, x)


def one_array_twice(x):
    """Both variables that the loop carries are the same array, and one is written into."""

    def step(s, i):
        a, b = s
        b = b.copy()
        b[i % 3] = a[(i + 1) % 3] * 0.5 + b[i % 3] * a[0]
        return (b, b), np.sum(a * b)

    (a, b), ys = wg.scan(step, (x, x), np.arange(5))
    return np.sum(a * a) + np.sum(b) + np.sum(ys)


def shifted_history(x):
    """One variable keeps what another was before it is written into."""

    def step(i, s):
        before, now = s
        new = now.copy()
        new[i % 3] = np.sin(now[i % 3]) + before[0] * x[1]
        return now, new

    before, now = wg.fori_loop(0, 5, step, (x, 2.0 * x))
    return np.sum(before * now)


def written_while(x):
    def step(s):
        y, k = s
        y = y.copy()
        y[0] = y[0] * 1.5 + y[1] * x[2]
        return y, k + 1.0

    y, _ = wg.while_loop(lambda s: s[1] < 4.0, step, (x, 0.0))
    return np.sum(y * x)


# name: (function, arguments, argnums)
EXAMPLES = {
    "ln x1 + x1 x2 - sin x2": (textbook, (2.0, 5.0), (0, 1)),
    "(x + y)(x - y)": (difference_of_squares, (3.0, 2.0), (0, 1)),
    "x y + sin x": (lambda x, y: x * y + np.sin(x), (2.0, 3.0), (0, 1)),
    "(x + sigmoid y) tanh x": (lambda x, y: (x + sigmoid(y)) * np.tanh(x), (2.0, 1.0), (0, 1)),
    "x^2 + 2x": (lambda x: x**2 + 2 * x, (3.0,), 0),
    "sin x^2 + e^x": (lambda x: np.sin(x**2) + np.exp(x), (1.5,), 0),
    "(x + 1)^10": (lambda x: (x + 1) ** 10, (0.5,), 0),
    "logistic map": (logistic_unrolled, (0.3,), 0),
    "kinks": (kinks, (np.array([1.0, -2.0, 0.3, 0.0]),), 0),
    "branch": (branch, (-1.5,), 0),
    "loop by value": (loop_by_value, (3.0,), 0),
    "recursion": (recursive_power, (1.3,), 0),
    "log-sum-exp": (log_sum_exp, (np.array([1.0, 2.0, 700.0]),), 0),
    "clipping by norm": (clipped, (np.array([3.0, 4.0]),), 0),
    "perceptron": (perceptron, (layers(4, 5, 3), X), 0),
    "lstm": (lstm, tuple(RNG.normal(size=shape) for shape in ((2, 12), (3, 12), 12, (7, 2))), (0, 1, 2, 3)),
    "Runge-Kutta": (runge_kutta, (np.array([1.0, 0.5]), 1.5), (0, 1)),
    "Newton": (newton, (1.3, 0.9), (0, 1)),
    "Newton, one number": (lambda p: newton(p, 1.0), (1.3,), 0),
    "Newton in Python": (newton_in_python, (2.0,), 0),
    "tree recursion": (tree_sum, (((0.3, (0.5, -0.2)), (0.1, 0.7)), 1.2), (0, 1)),
    "branches": (choice, (0.4, 1.1), (0, 1)),
    "tridiagonal": (tridiagonal, tuple(RNG.uniform(a, a + 1, 8) for a in (0, 3, 0, -1)), (0, 1, 2, 3)),
    "checkpoints": (checkpointed, (0.7,), 0),
    "checkpoints of arrays": (lambda x: np.sum(checkpointed(x)), (np.array([0.7, 0.1]),), 0),
    "in place": (in_place, (RNG.normal(size=3),), 0),
    "reads": (repeated_reads, (RNG.normal(size=4),), 0),
    "linear algebra": (linear_algebra, (RNG.normal(size=(3, 3)), RNG.normal(size=3)), (0, 1)),
    "spectra": (spectra, (RNG.normal(size=(3, 3)),), 0),
    "special functions": (special_functions, (RNG.normal(size=5),), 0),
    "einsum": (einsums, (RNG.normal(size=(3, 4)), RNG.normal(size=(3, 4))), (0, 1)),
    "Fourier": (waves, (RNG.normal(size=8),), 0),
    "sorting": (sorting, (RNG.normal(size=6),), 0),
    "single precision": (single, (RNG.normal(size=4).astype(np.float32),), 0),
    "mixed precision": (mixed, (RNG.normal(size=4).astype(np.float32),), 0),
    "masked root": (masked_root, (np.array([0.0, 4.0, -1.0]),), 0),
    "containers": (ragged, (((np.ones(2), 2.0), [3.0, 4.0]),), 0),
    "rules of one's own": (with_rules, (RNG.normal(size=3),), 0),
    "closure": (closure, (RNG.normal(size=4),), 0),
    "vmap": (vectorised, (RNG.normal(size=(3, 2)),), 0),
    "while with arrays": (growth, (np.array([1.1, 2.0]),), 0),
    "nested loops": (nested, (0.3, 0.8), (0, 1)),
    "one array twice": (one_array_twice, (np.array([0.5, 0.7, 1.1]),), 0),
    "history": (shifted_history, (np.array([0.5, 0.7, 1.1]),), 0),
    "written while": (written_while, (np.array([0.5, 0.7, 1.1]),), 0),
    "remainders": (lambda x: np.sum(np.remainder(x, 0.7) * (x // 0.5)), (np.array([-1.3, 0.4, 2.5]),), 0),
    "grad of grad": (lambda x: wg.grad(lambda z: np.sum(np.sin(z) ** 3))(x) @ x, (RNG.normal(size=3),), 0),
}  # fmt: skip


def workloads():
    """The programs of the benchmarks in small sizes: name, function, arguments, argnums."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from workloads import arrays, bundle, learning, loops, mixture, recurrent, scalars
    finally:
        sys.path.pop(0)
    modules = (arrays, bundle, learning, loops, mixture, recurrent, scalars)
    return {w.name: w for module in modules for w in module.WORKLOADS}


def thurber():
    """The sum of squares that the example on real data minimises."""
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        import fit_thurber
    finally:
        sys.path.pop(0)
    problem = fit_thurber.load()
    return lambda b: np.sum(fit_thurber.residual(b, problem) ** 2), (problem.starts[0],), 0


def examples():
    """All: name, (function, arguments, argnums)."""
    found = {**EXAMPLES, "Thurber": thurber()}
    for name, w in workloads().items():
        if w.derivative is wg.value_and_grad:
            found[name] = (w.fun, w.arguments(True), w.argnums)
    return found
