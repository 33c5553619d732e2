"""The cost of a gradient, in units of the function itself.

For each function: the time of `value_and_grad` of the sum of its results over the time of that sum in plain
NumPy. Arrays have 100,000 entries (matrices are 200 x 200), so that the work of the rules is seen: not the
cost of a call, and not that of fresh memory from the system, which a gradient needs more of than the function
(the allocator is told to keep what it has). The goal is a median of at most 2.5 and none above 4. Compiled
code must reach it; eager code is reported: it makes a pass over memory for each product, where compiled code
fuses them.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from typing import Any

import harness
import numpy as np

import wengert as wg

LARGE = 100_000  # entries of an array
SIDE = 200  # of a matrix that is factorized
MEDIAN, LIMIT = 2.5, 4.0
KEPT = (
    30 << 20
)  # bytes: glibc keeps up to twice the largest block that was ever freed, if that is below 32 MiB

Function = Callable[[Any], Any]


def _elementwise(x: Any, n: int) -> dict[str, Function]:
    c = np.random.default_rng(2).uniform(0.5, 1.5, x.shape)
    return {
        "x * c": lambda v: v * c,
        "x / c": lambda v: v / c,
        "c / x": lambda v: c / v,
        "x * x": lambda v: v * v,
        "x ** 3": lambda v: v**3,
        "sqrt": np.sqrt,
        "exp": np.exp,
        "log": np.log,
        "sin": np.sin,
        "tanh": np.tanh,
        "arctan2": lambda v: np.arctan2(v, c),
        "hypot": lambda v: np.hypot(v, c),
        "logaddexp": lambda v: np.logaddexp(v, c),
        "absolute": np.abs,
        "sign(x) * x": lambda v: np.sign(v) * v,
        "maximum(x, 0)": lambda v: np.maximum(v, 0.0),
        "maximum(x, c)": lambda v: np.maximum(v, c),
        "where(x > 0, x, 0)": lambda v: np.where(v > 0, v, 0.0),
        "where(x > 0, x, c)": lambda v: np.where(v > 0, v, c),
        "clip": lambda v: np.clip(v, 0.75, 1.25),
    }


def _reductions(x: Any, n: int) -> dict[str, Function]:
    m = x.reshape(-1, min(n, 1000))
    return {
        "sum": np.sum,
        "mean": np.mean,
        "mean, axis 0": lambda v: np.mean(v.reshape(m.shape), axis=0),
        "var": np.var,
        "var, axis 0": lambda v: np.var(v.reshape(m.shape), axis=0),
        "std": np.std,
        "std, axis 1": lambda v: np.std(v.reshape(m.shape), axis=1),
        "max": np.max,
        "max, axis 1": lambda v: np.max(v.reshape(m.shape), axis=1),
        "max, axis 0": lambda v: np.max(v.reshape(m.shape), axis=0),
        "prod": lambda v: np.prod(v.reshape(m.shape), axis=1),
        "norm": np.linalg.norm,
        "nansum": np.nansum,
        "median": np.median,
    }


def _scans(x: Any, n: int) -> dict[str, Function]:
    m = x.reshape(-1, min(n, 1000))
    return {
        "cumsum": np.cumsum,
        "cumprod, axis 1": lambda v: np.cumprod(v.reshape(m.shape), axis=1),
        "diff": np.diff,
        "sort": np.sort,
    }


def _movement(x: Any, n: int) -> dict[str, Function]:
    rng = np.random.default_rng(3)
    m = x.reshape(-1, min(n, 1000))
    places = rng.integers(0, x.size, x.size)
    mask = rng.random(x.size) > 0.5
    rows = rng.integers(0, m.shape[0], m.shape[0])
    c = rng.normal(size=m.shape)
    return {
        "transpose * c.T": lambda v: v.reshape(m.shape).T * c.T,
        "concatenate": lambda v: np.concatenate([v, v]),
        "stack": lambda v: np.stack([v, v]),
        "tile": lambda v: np.tile(v, 2),
        "repeat": lambda v: np.repeat(v, 2),
        "pad": lambda v: np.pad(v, 10),
        "flip": np.flip,
        "roll": lambda v: np.roll(v, 7),
        "x[1:] - x[:-1]": lambda v: v[1:] - v[:-1],
        "x[integers]": lambda v: v[places],
        "x[mask]": lambda v: v[mask],
        "x[rows]": lambda v: v.reshape(m.shape)[rows],
        "take, axis 1": lambda v: np.take(v.reshape(m.shape), rows % m.shape[1], axis=1),
    }


def _products(a: Any, n: int) -> dict[str, Function]:
    rng = np.random.default_rng(4)
    b, v = rng.normal(size=a.shape), rng.normal(size=a.shape[0])
    return {
        "a @ b": lambda a: a @ b,
        "a @ a": lambda a: a @ a,
        "a @ v": lambda a: a @ v,
        "einsum ij,jk->ik": lambda a: np.einsum("ij,jk->ik", a, b, optimize=True),
        "outer": lambda a: np.outer(a[0], a[1]),
        "trace(a @ b)": lambda a: np.trace(a @ b),
    }


def _linalg(a: Any, n: int) -> dict[str, Function]:
    b = np.random.default_rng(5).normal(size=a.shape)
    return {
        "inv": np.linalg.inv,
        "solve": lambda a: np.linalg.solve(a, b),
        "det": lambda a: np.linalg.det(a / n),
        "slogdet": lambda a: np.linalg.slogdet(a)[1],
        "cholesky": np.linalg.cholesky,
        "eigvalsh": np.linalg.eigvalsh,
        "svdvals": np.linalg.svdvals,
        "qr": lambda a: np.linalg.qr(a).R,
    }


def _transforms(x: Any, n: int) -> dict[str, Function]:
    kernel = np.random.default_rng(6).normal(size=31)
    return {
        "abs(rfft) ** 2": lambda v: np.abs(np.fft.rfft(v)) ** 2,
        "real(fft)": lambda v: np.real(np.fft.fft(v)),
        "convolve, 31 taps": lambda v: np.convolve(v, kernel, mode="same"),
        "interp": lambda v: np.interp(v, [0.0, 1.0, 2.0], [0.0, 2.0, 3.0]),
    }


def cost(name: str, function: Function, x: Any, *, smoke: bool) -> harness.Row:
    """Time the gradient and the function in turns; the value is their ratio."""
    derivative = wg.value_and_grad(lambda v: np.sum(function(v)))
    candidates = {"function": lambda: np.sum(function(x)), "gradient": lambda: derivative(x)}
    times = harness.timed(name, candidates, rounds=5, smoke=smoke, unit="ms")
    values = {"wengert": times.values["gradient"] / times.values["function"]}
    return harness.Row(name, "ratio", values | {"ms": times.values["function"]}, times.spread)


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Measure all functions; the dearest first, the median last."""
    np.ones(KEPT, np.uint8)  # made and freed
    n, side = (1000, 8) if smoke else (LARGE, SIDE)
    rng = np.random.default_rng(0)
    x = rng.uniform(0.5, 1.5, n)
    a = rng.normal(size=(side, side))
    a = a @ a.T / side + np.eye(side)
    functions = [
        (f"{name}", f, point)
        for table, point in (
            (_elementwise, x),
            (_reductions, x),
            (_scans, x),
            (_movement, x),
            (_products, a),
            (_linalg, a),
            (_transforms, x),
        )
        for name, f in table(point, len(point)).items()
    ]
    found = [cost(name, f, point, smoke=smoke) for name, f, point in functions]
    found.sort(key=lambda row: -row.values["wengert"])
    ratios = [row.values["wengert"] for row in found]
    above = sum(ratio > LIMIT for ratio in ratios)
    print(f"{len(ratios)} functions, {above} above {LIMIT:g}")
    return [*found, harness.Row("median", "ratio", {"wengert": statistics.median(ratios)}, limit=MEDIAN)]


if __name__ == "__main__":
    harness.report("gradient_cost", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)
