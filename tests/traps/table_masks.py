"""Masked cotangents: a branch that is not taken contributes nothing, whatever stands in it."""

import numpy as np

import wengert as wg

from .trap import Trap, diagonal

__all__ = ["MASKS"]

INF, NAN = np.inf, np.nan
CONSTANT = "the branch taken is a constant"
POISON = np.array([[1.0, INF], [2.0, 3.0]])  # a matrix whose first column alone is asked for
HOLES = np.array([[1.0, NAN], [2.0, 3.0]])
FIRST = np.array([True, False])


def _guarded(y, mask):
    """The first entries of y, where nothing else may be asked for."""
    return np.sum(np.where(mask, y, 0.0))


def _assign(y, mask, value):
    y[mask] = value
    return np.sum(y)


def _zero_masked(name, fun, x, why=CONSTANT):
    return Trap(name=name, fun=fun, x=x, first=0.0, second=0.0, why=why)


BRANCHES = (
    _zero_masked("where(x > 0, sqrt(x), 0) at 0", lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0),
    _zero_masked("where(x > 0, log(x), 0) at 0", lambda x: np.where(x > 0, np.log(x), 0.0), 0.0),
    _zero_masked("where(x > 0, x log x, 0) at 0", lambda x: np.where(x > 0, x * np.log(x), 0.0), 0.0),
    _zero_masked("where(x > 0, 1/x, 0) at 0", lambda x: np.where(x > 0, 1 / x, 0.0), 0.0),
    _zero_masked("where(x > 0, x**-2, 0) at 0", lambda x: np.where(x > 0, x**-2.0, 0.0), 0.0),
    _zero_masked("where(x > 0, x**0.3, 0) at 0", lambda x: np.where(x > 0, x**0.3, 0.0), 0.0),
    _zero_masked("where(x != 0, sin(x)/x, 1) at 0", lambda x: np.where(x != 0, np.sin(x) / x, 1.0), 0.0),
    _zero_masked("where(x > 1, arccosh(x), 0) at 0.5", lambda x: np.where(x > 1, np.arccosh(x), 0.0), 0.5),
    _zero_masked("where(x > 1, arccosh(x), 0) at 1", lambda x: np.where(x > 1, np.arccosh(x), 0.0), 1.0),
    _zero_masked("where(x < 1, arctanh(x), 0) at 1", lambda x: np.where(x < 1, np.arctanh(x), 0.0), 1.0),
    _zero_masked("where(x < 700, exp(x), 0) at 1000", lambda x: np.where(x < 700, np.exp(x), 0.0), 1000.0),
    _zero_masked("where(x > 0, cbrt(x), 0) at 0", lambda x: np.where(x > 0, np.cbrt(x), 0.0), 0.0),
    _zero_masked("where(x > 0, log1p(-x/x), 0) at 0", lambda x: np.where(x > 0, np.log1p(-x / x), 0.0), 0.0),
    _zero_masked("where(isnan(y), 0, y) of sqrt(-1)", lambda x: np.where(np.isnan(np.sqrt(x)), 0.0, np.sqrt(x)), -1.0),
    _zero_masked("chain of nan behind a where", lambda x: np.where(x > 0, np.log(np.sqrt(np.log(x))), 0.0), -1.0),
    _zero_masked("chain of inf behind a where", lambda x: np.where(x > 0, np.exp(1 / np.sqrt(x)), 0.0), 0.0),
    _zero_masked("where(x > 0, x/x, 1) at 0", lambda x: np.where(x > 0, x / x, 1.0), 0.0),
    _zero_masked("where inside: sqrt(where(x > 0, x, 0)) at -1", lambda x: np.sqrt(np.where(x > 0, x, 0.0)), -1.0),
    _zero_masked("where inside: where(x > 0, x, 0)**0.5 at -1", lambda x: np.where(x > 0, x, 0.0) ** 0.5, -1.0),
    _zero_masked("sqrt(maximum(x, 0)) at -1", lambda x: np.sqrt(np.maximum(x, 0.0)), -1.0,
                 "maximum(x, 0) is the constant 0 near -1"),
    _zero_masked("log(clip(x, 0, 1)) at -1", lambda x: np.where(x > 0, np.log(np.clip(x, 0.0, 1.0)), 0.0), -1.0),
    _zero_masked(
        "nested where at 1",
        lambda x: np.where(x > 0, np.where(x > 1, np.log(x - 1), 0.0), np.sqrt(x - 2)), 1.0,
    ),
    _zero_masked(
        "nested where, nan in every branch not taken",
        lambda x: np.where(x > 0, np.sqrt(-x), np.where(x < -1, np.log(x), 3.0)), -0.5,
    ),
    Trap(
        name="where over an array with a zero", fun=lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)),
        x=np.array([0.0, 1.0, 4.0]), first=[0, 0.5, 0.25], second=diagonal(0, -0.25, -1 / 32),
        why="sqrt' = 1/(2 sqrt x), sqrt'' = -1/4 x^(-3/2); the first entry is constant",
    ),
    Trap(
        name="where(x < 1, arcsin(x), x) at 2", fun=lambda x: np.where(x < 1, np.arcsin(x), x), x=2.0,
        first=1.0, second=0.0, why="the branch taken is x",
    ),
    Trap(
        name="double where at 4", fun=lambda x: np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0), x=4.0,
        first=0.25, second=-1 / 32, why="the branch taken is sqrt(x)",
    ),
    Trap(
        name="where with both branches infinite", fun=lambda x: np.sum(np.where(x > 0, np.log(x), np.sqrt(x))),
        x=np.array([0.0, 1.0]), first=[INF, 1], second=diagonal(-INF, -1),
        why="sqrt'(0) = inf and sqrt''(0) = -inf are those of the branch taken; the other entry has no part in them",
    ),
    Trap(
        name="where with both branches nan but one entry",
        fun=lambda x: np.sum(np.where(x > 0, np.where(x > 1, np.log(-x), x**3), np.sqrt(-x / 0.0))),
        x=np.array([0.5]), first=[0.75], second=[[3.0]], why="the branch taken is x^3",
    ),
)  # fmt: skip

SELECTIONS = (
    Trap(
        name="select with nan on both sides",
        fun=lambda x: np.select([x < 0, x < 1], [np.log(x - 1), x * x], np.arccosh(x)), x=0.5,
        first=1.0, second=2.0, why="the branch taken is x^2",
    ),
    Trap(
        name="select with the default taken",
        fun=lambda x: np.select([x < 0, x < 1], [np.sqrt(-x), np.arctanh(x)], x**2), x=3.0,
        first=6.0, second=2.0, why="the branch taken is x^2",
    ),
    _zero_masked("clip(log(x), -10, 10) at 0", lambda x: np.clip(np.log(x), -10.0, 10.0), 0.0,
                 "log(0) = -inf is below the bound, where clip is constant"),
    _zero_masked("maximum(log(x), -10) at 0", lambda x: np.maximum(np.log(x), -10.0), 0.0, "-10 is larger"),
    _zero_masked("minimum(1/x, 5) at 0", lambda x: np.minimum(1 / x, 5.0), 0.0, "5 is smaller"),
    _zero_masked("fmax(sqrt(x), 2) at -1", lambda x: np.fmax(np.sqrt(x), 2.0), -1.0, "fmax ignores the nan"),
    _zero_masked("fmin(log(x), 2) at -1", lambda x: np.fmin(np.log(x), 2.0), -1.0, "fmin ignores the nan"),
    _zero_masked("max of a list with sqrt(0)", lambda x: np.max(np.stack([np.sqrt(x), x + 1.0 - x])), 0.0, "1 > 0"),
    _zero_masked("nan_to_num(log(x)) at 0", lambda x: np.nan_to_num(np.log(x)), 0.0, "the replacement is constant"),
    _zero_masked("nan_to_num(x/x) at 0", lambda x: np.nan_to_num(x / x), 0.0, "the replacement is constant"),
    _zero_masked("nan_to_num(sqrt(x)) at -1", lambda x: np.nan_to_num(np.sqrt(x)), -1.0,
                 "the replacement is constant"),
    Trap(
        name="choose past a nan", fun=lambda x: np.choose(1, [np.sqrt(-x), x**2, np.log(-x)]), x=2.0,
        first=4.0, second=2.0, why="the choice is x^2",
    ),
    Trap(
        name="piecewise with roots", fun=lambda x: np.sum(np.piecewise(x, [x < 0, x >= 0], [
            lambda t: np.sqrt(-t), lambda t: t**2])),
        x=np.array([-4.0, 0.0]), first=[-0.25, 0.0], second=diagonal(-1 / 32, 2),
        why="d sqrt(-x) = -1/(2 sqrt(-x)), and x^2 is smooth at 0",
    ),
    Trap(
        name="stack, then index past 1/x at 0", fun=lambda x: np.stack([1 / x, x * x])[1], x=0.0,
        first=0.0, second=2.0, why="the entry read is x^2",
    ),
    Trap(
        name="concatenate, then slice past sqrt at 0",
        fun=lambda x: np.sum(np.concatenate([np.sqrt(x), x**2])[2:]), x=np.zeros(2),
        first=0.0, second=2 * np.eye(2), why="the entries read are x^2",
    ),
    Trap(
        name="boolean selection past sqrt at 0", fun=lambda x: np.sum(np.sqrt(x)[x > 0]), x=np.array([0.0, 4.0]),
        first=[0, 0.25], second=diagonal(0, -1 / 32), why="only sqrt(4) is read",
    ),
    Trap(
        name="boolean assignment over sqrt at 0", fun=lambda x: _assign(np.sqrt(x), x <= 0, 0.0),
        x=np.array([0.0, 4.0]), first=[0, 0.25], second=diagonal(0, -1 / 32), why="the infinite entry is overwritten",
    ),
    Trap(
        name="boolean assignment over log of a negative", fun=lambda x: _assign(np.log(x), x < 0, -1.0),
        x=np.array([-1.0, 2.0]), first=[0, 0.5], second=diagonal(0, -0.25), why="the nan entry is overwritten",
    ),
    Trap(
        name="sum with where= past log of a negative", fun=lambda x: np.sum(np.log(x), where=x > 0),
        x=np.array([-1.0, 0.0, 2.0]), first=[0, 0, 0.5], second=diagonal(0, 0, -0.25), why="only log(2) is summed",
    ),
    Trap(
        name="prod with where= past 1/x at 0", fun=lambda x: np.prod(1 / x, where=x != 0),
        x=np.array([0.0, 2.0]), first=[0, -0.25], second=diagonal(0, 0.25), why="the product is 1/x2",
    ),
    Trap(
        name="mean with where= past sqrt at 0", fun=lambda x: np.mean(np.sqrt(x), where=x > 0),
        x=np.array([0.0, 4.0]), first=[0, 0.25], second=diagonal(0, -1 / 32), why="the mean is sqrt(x2)",
    ),
)  # fmt: skip

FACTORS = (
    _zero_masked("(x > 0) * sqrt(x) at 0", lambda x: (x > 0) * np.sqrt(x), 0.0, "the factor is 0: 0 inf = 0 here"),
    _zero_masked("0 * sqrt(x) at 0", lambda x: 0.0 * np.sqrt(x), 0.0, "the function is 0 wherever it is finite"),
    _zero_masked("sqrt(0 * x) at 1", lambda x: np.sqrt(0.0 * x), 1.0, "the function is 0 everywhere"),
    _zero_masked("log(1 + 0 x) / inf", lambda x: np.log(1 + x) / INF, 0.0, "the function is 0 everywhere"),
    _zero_masked("stop_gradient(sqrt(x)) at 0", lambda x: np.sum(wg.stop_gradient(np.sqrt(x)) + 0 * x), 0.0,
                 "what is stopped is a constant"),
    _zero_masked("where with stop_gradient(log x) at 0",
                 lambda x: np.where(x > 0, x * wg.stop_gradient(np.log(x)), 0.0), 0.0),
    Trap(
        name="stop_gradient(x) x at 3", fun=lambda x: wg.stop_gradient(x) * x, x=3.0, first=3.0, second=0.0,
        why="the first factor is the constant 3",
    ),
    Trap(
        name="straight-through rounding at 1.3", fun=lambda x: (x + wg.stop_gradient(np.round(x) - x)) ** 2, x=1.3,
        first=2.0, second=2.0, why="d y^2 = 2 y with y = round(1.3) = 1 and dy = 1",
    ),
    Trap(
        name="sqrt(stop_gradient(x)) + x at 0", fun=lambda x: np.sqrt(wg.stop_gradient(x)) + x, x=0.0, first=1.0,
        second=0.0, why="the root is a constant",
    ),
    Trap(
        name="one infinite entry does not spoil its neighbors", fun=lambda x: np.sum(np.sqrt(x) * np.ones(3)),
        x=np.array([0.0, 1.0, 4.0]), first=[INF, 0.5, 0.25], second=diagonal(-INF, -0.25, -1 / 32),
        why="entries are independent: sqrt'(0) = inf, sqrt''(0) = -inf",
    ),
)  # fmt: skip

PRODUCTS = (
    Trap(
        name="x @ W with inf behind a where", fun=lambda x: _guarded(x @ POISON, FIRST), x=np.array([1.0, 1.0]),
        first=[1, 2], second=0.0, why="the column asked for is (1, 2)",
    ),
    Trap(
        name="x @ W with nan behind a where", fun=lambda x: _guarded(x @ HOLES, FIRST), x=np.array([1.0, 1.0]),
        first=[1, 2], second=0.0, why="the column asked for is (1, 2)",
    ),
    Trap(
        name="W.T @ x with inf behind a where", fun=lambda x: _guarded(POISON.T @ x, FIRST), x=np.array([1.0, 1.0]),
        first=[1, 2], second=0.0, why="the row asked for is (1, 2)",
    ),
    Trap(
        name="X @ W with inf behind a where", fun=lambda x: _guarded((x @ POISON)[0] ** 2, FIRST), x=np.ones((1, 2)),
        first=[[6, 12]], second=np.array([[2, 4], [4, 8.0]]).reshape(1, 2, 1, 2),
        why="the square of x1 + 2 x2 = 3 has gradient 2 * 3 * (1, 2) and Hessian 2 (1, 2)(1, 2)^T",
    ),
    Trap(
        name="np.dot with nan behind a where", fun=lambda x: _guarded(np.dot(x, HOLES), FIRST),
        x=np.array([1.0, 1.0]), first=[1, 2], second=0.0, why="the column asked for is (1, 2)",
    ),
    Trap(
        name="np.inner with nan behind a where", fun=lambda x: _guarded(np.inner(HOLES.T, x), FIRST),
        x=np.array([1.0, 1.0]), first=[1, 2], second=0.0, why="the column asked for is (1, 2)",
    ),
    Trap(
        name="tensordot with nan behind a where", fun=lambda x: _guarded(np.tensordot(x, HOLES, 1), FIRST),
        x=np.array([1.0, 1.0]), first=[1, 2], second=0.0, why="the column asked for is (1, 2)",
    ),
    Trap(
        name="einsum with inf behind a where", fun=lambda x: _guarded(np.einsum("i,ij->j", x, POISON), FIRST),
        x=np.array([1.0, 1.0]), first=[1, 2], second=0.0, why="the column asked for is (1, 2)",
    ),
    Trap(
        name="outer with inf behind a where", fun=lambda x: _guarded(np.outer(x, [3.0, INF]), FIRST),
        x=np.array([1.0, 1.0]), first=[3, 3], second=0.0, why="the column asked for is 3 x",
    ),
    Trap(
        name="vecdot with nan behind a where", fun=lambda x: _guarded(np.vecdot(HOLES.T, x), FIRST),
        x=np.array([1.0, 1.0]), first=[1, 2], second=0.0, why="the row asked for is (1, 2)",
    ),
    Trap(
        name="matmul of traced parts, one of them 1/0", fun=lambda x: _guarded(
            np.stack([x, x]) @ np.stack([np.array([1.0, 2.0]) * x, 1 / (x - 1)], axis=1), FIRST),
        x=np.array([1.0, 1.0]), first=[4, 8], second=diagonal(4, 8),
        why="both rows give x1^2 + 2 x2^2 in the column asked for; the other has 1/0",
    ),
    Trap(
        name="masked attention", fun=lambda x: np.sum(
            np.where([[True, False]], x[:, None] * np.array([[2.0, INF]]), 0.0) @ np.array([1.0, 5.0])),
        x=np.array([1.0, 1.0]), first=[2, 2], second=0.0, why="the scores kept are 2 x",
    ),
    Trap(
        name="convolve with inf behind a slice", fun=lambda x: np.convolve(x, [2.0, INF])[0],
        x=np.array([3.0, 1.0]), first=[2, 0], second=0.0, why="the first entry is 2 x1",
    ),
    Trap(
        name="solve, then a where over nan rows", fun=lambda x: _guarded(
            np.linalg.solve(np.diag([2.0, 4.0]), x) / np.array([1.0, 0.0]), FIRST),
        x=np.array([3.0, 1.0]), first=[0.5, 0], second=0.0, why="the first entry is x1 / 2",
    ),
)  # fmt: skip

MASKS = (*BRANCHES, *SELECTIONS, *FACTORS, *PRODUCTS)
