"""Kinks and ties: the declared table. Between kinks these functions are linear, so their second derivatives are 0."""

import numpy as np
from scipy import special

from .trap import Trap, diagonal

__all__ = ["KINKS"]

INF = np.inf


def _kink(name, fun, x, first, why="the declared table", second=0.0):
    return Trap(name=name, fun=fun, x=x, first=first, second=second, why=why)


def _second_row(block):
    """Return the Hessian of a function of the second of two rows."""
    h = np.zeros((2, 2, 2, 2))
    h[1, :, 1, :] = block
    return h


ONE = (
    _kink("abs at 0", np.abs, 0.0, 0.0),
    _kink("abs at -0.0", np.abs, -0.0, 0.0),
    _kink("fabs at 0", np.fabs, 0.0, 0.0),
    _kink("abs of an array with zeros", lambda x: np.sum(np.abs(x)), np.array([-2.0, 0.0, 3.0]), [-1, 0, 1]),
    _kink("x |x| at 0", lambda x: x * np.abs(x), 0.0, 0.0, "d(x |x|) = |x| + x sign(x) = 0, and sign(0) = 0"),
    _kink("sign at 0", np.sign, 0.0, 0.0, "constant on both sides"),
    _kink("heaviside at 0", lambda x: np.heaviside(x, 0.5), 0.0, 0.0, "constant on both sides"),
    _kink("sqrt at 0", np.sqrt, 0.0, INF, "sqrt' = x^(-1/2)/2, sqrt'' = -x^(-3/2)/4", -INF),
    _kink("sqrt of an array with 0", lambda x: np.sum(np.sqrt(x)), np.array([0.0, 1.0]), [INF, 0.5],
          "sqrt' = x^(-1/2)/2, sqrt'' = -x^(-3/2)/4", diagonal(-INF, -0.25)),
    _kink("cbrt at 0", np.cbrt, 0.0, INF, "cbrt' = x^(-2/3)/3; cbrt'' is -inf from the right", -INF),
    _kink("copysign(x, 1) at 0", lambda x: np.copysign(x, 1.0), 0.0, 0.0, "it is |x|"),
    _kink("copysign(x, -1) at 2", lambda x: np.copysign(x, -1.0), 2.0, -1.0, "it is -|x|"),
    _kink("copysign(3, x) at 0", lambda x: np.copysign(3.0, x), 0.0, 0.0, "constant on both sides"),
    _kink("floor at 2", np.floor, 2.0, 0.0, "constant on both sides"),
    _kink("ceil at 2", np.ceil, 2.0, 0.0, "constant on both sides"),
    _kink("rint at 2.5", np.rint, 2.5, 0.0, "constant on both sides"),
    _kink("round at 0.5", np.round, 0.5, 0.0, "constant on both sides"),
    _kink("trunc at 0", np.trunc, 0.0, 0.0, "constant on both sides"),
    _kink("x - floor(x) at 2", lambda x: x - np.floor(x), 2.0, 1.0, "slope 1 on both sides"),
    _kink("modf fraction at 2", lambda x: np.modf(x)[0], 2.0, 1.0, "slope 1 on both sides"),
)  # fmt: skip

TWO = (
    _kink("maximum(x, 0) at 0", lambda x: np.maximum(x, 0.0), 0.0, 0.5, "ties give 1/2 each"),
    _kink("minimum(x, 0) at 0", lambda x: np.minimum(x, 0.0), 0.0, 0.5, "ties give 1/2 each"),
    _kink("maximum(x, x) at 1", lambda x: np.maximum(x, x), 1.0, 1.0, "1/2 and 1/2"),
    _kink("maximum of equal entries", lambda x: np.maximum(x[0], x[1]), np.ones(2), [0.5, 0.5], "1/2 each"),
    _kink("fmax of equal entries", lambda x: np.fmax(x[0], x[1]), np.ones(2), [0.5, 0.5], "1/2 each"),
    _kink("fmin of equal entries", lambda x: np.fmin(x[0], x[1]), np.ones(2), [0.5, 0.5], "1/2 each"),
    _kink("maximum(x**2, x) at 1", lambda x: np.maximum(x**2, x), 1.0, 1.5, "(2 + 1)/2, and (2 + 0)/2", 1.0),
    _kink("maximum(0.0, -0.0)", lambda x: np.maximum(x, -0.0), 0.0, 0.5, "the zeros are equal: 1/2"),
    _kink("minimum at inf", lambda x: np.minimum(x, INF), 1.0, 1.0, "x is smaller"),
    _kink("clip at its lower bound", lambda x: np.clip(x, 0.0, 1.0), 0.0, 1.0, "1 on a bound"),
    _kink("clip at its upper bound", lambda x: np.clip(x, 0.0, 1.0), 1.0, 1.0, "1 on a bound"),
    _kink("clip outside", lambda x: np.clip(x, 0.0, 1.0), 2.0, 0.0, "constant outside"),
    _kink("clip with equal bounds", lambda x: np.clip(x, 1.0, 1.0), 1.0, 1.0, "1 on a bound"),
    _kink("clip without an upper bound", lambda x: np.clip(x, 0.0, None), 0.0, 1.0, "1 on a bound"),
    _kink("clip of an array", lambda x: np.sum(np.clip(x, 0.0, 1.0) ** 2), np.array([-1.0, 0.0, 0.5, 1.0, 2.0]),
          [0, 0, 1, 2, 0], "2 clip(x) where it passes", diagonal(0, 2, 2, 2, 0)),
    _kink("x where x > 0 at 0", lambda x: np.where(x > 0, x, 0.0), 0.0, 0.0, "relu'(0) = 0: the branch taken is 0"),
    _kink("(x > 0) x at 0", lambda x: (x > 0) * x, 0.0, 0.0, "relu'(0) = 0: the factor is 0"),
    _kink("leaky relu at 0", lambda x: np.where(x > 0, x, 0.1 * x), 0.0, 0.1, "the branch taken is x/10"),
    _kink("abs(x - y) at a tie", lambda x: np.abs(x[0] - x[1]), np.ones(2), 0.0),
    _kink("hypot(0, 0)", lambda x: np.hypot(x[0], x[1]), np.zeros(2), 0.0),
    _kink("hypot(x, 0) at 0", lambda x: np.hypot(x, 0.0), 0.0, 0.0, "it is |x|"),
    _kink("hypot(3, 0)", lambda x: np.hypot(x[0], x[1]), np.array([3.0, 0.0]), [1, 0],
          "the gradient is x/h, the Hessian (I - x x^T/h^2)/h", diagonal(0, 1 / 3)),
    _kink("hypot(inf, x)", lambda x: np.hypot(INF, x), 3.0, 0.0, "x/h = 0 for h = inf"),
    _kink("hypot of large numbers", lambda x: np.hypot(x[0], x[1]), np.array([3e200, 4e200]), [0.6, 0.8],
          "the gradient is x/h, the Hessian (I - x x^T/h^2)/h",
          np.array([[0.64, -0.48], [-0.48, 0.36]]) / 5e200),
    _kink("arctan2(0, 0)", lambda x: np.arctan2(x[0], x[1]), np.zeros(2), 0.0, "the declared gradient of the origin"),
)  # fmt: skip

REDUCED = (
    _kink("max with two ties", np.max, np.array([1.0, 3.0, 3.0]), [0, 0.5, 0.5], "shared equally"),
    _kink("max of a constant", np.max, np.full(4, 2.0), 0.25, "shared equally"),
    _kink("min of a constant", np.min, np.full((2, 2), 2.0), 0.25, "shared equally"),
    _kink("max over an axis with ties", lambda x: np.sum(np.max(x, axis=1)), np.array([[1.0, 1.0], [0.0, 2.0]]),
          [[0.5, 0.5], [0, 1]], "shared equally in each row"),
    _kink("max of squares with ties", lambda x: np.max(x**2), np.array([1.0, -1.0]), [1, -1],
          "1/2 of 2 x each; the shares are constant, so the Hessian is 1/2 of 2 each", np.eye(2)),
    _kink("ptp of a constant", np.ptp, np.full(3, 2.0), 0.0, "1/3 - 1/3"),
    _kink("max with inf twice", np.max, np.array([INF, 1.0, INF]), [0.5, 0, 0.5], "shared equally"),
    _kink("max of -inf alone", np.max, np.array([-INF, -INF]), [0.5, 0.5], "shared equally"),
    _kink("norm at 0", np.linalg.norm, np.zeros(3), 0.0),
    _kink("norm of a matrix at 0", np.linalg.norm, np.zeros((2, 2)), 0.0),
    _kink("norm with one zero entry", np.linalg.norm, np.array([3.0, 0.0]), [1, 0],
          "the gradient is x/n, the Hessian (I - x x^T/n^2)/n", diagonal(0, 1 / 3)),
    _kink("1-norm at a zero entry", lambda x: np.linalg.norm(x, 1), np.array([-2.0, 0.0]), [-1, 0], "abs'(0) = 0"),
    _kink("inf-norm with ties", lambda x: np.linalg.norm(x, INF), np.array([-2.0, 2.0]), [-0.5, 0.5], "shared"),
    _kink("3-norm at 0", lambda x: np.linalg.norm(x, 3), np.zeros(2), 0.0),
    _kink("3-norm at a zero entry", lambda x: np.linalg.norm(x, 3), np.array([2.0, 0.0]), [1, 0],
          "|x1| (1 + |x2/x1|^3)^(1/3) is x1 + O(x2^3)"),
    _kink("rows of norms, one of them 0", lambda x: np.sum(np.linalg.norm(x, axis=1)),
          np.array([[0.0, 0.0], [3.0, 4.0]]), [[0, 0], [0.6, 0.8]], "x/n, and 0 at 0",
          _second_row(np.array([[0.64, -0.48], [-0.48, 0.36]]) / 5)),
    _kink("std of a constant", np.std, np.full(3, 2.0), 0.0),
    _kink("std of a constant that does not round", np.std, np.full(3, 0.1), 0.0),
    _kink("std with ddof of a constant", lambda x: np.std(x, ddof=1), np.full(3, 2.0), 0.0),
    _kink("std of one element", np.std, np.array([5.0]), 0.0, "it is 0 everywhere"),
    _kink("nanstd of a constant", np.nanstd, np.array([2.0, np.nan, 2.0]), 0.0),
    _kink("sum of squared std of a constant", lambda x: np.std(x) + np.sum(x), np.full(2, 2.0), 1.0, "0 + 1"),
    _kink("relu6 at 6", lambda x: np.minimum(np.maximum(x, 0.0), 6.0), 6.0, 0.5, "the tie with 6 gives 1/2"),
    _kink("hinge at the margin", lambda x: np.maximum(1.0 - x, 0.0) ** 2, 1.0, 0.0,
          "2 m dm = 0 with dm = -1/2; the second is 2 dm^2", 0.5),
    _kink("huber at its knot", lambda x: special.huber(1.0, x), 1.0, 1.0,
          "x and delta agree; the second derivative at r = delta is that of the parabola", 1.0),
)  # fmt: skip

KINKS = (*ONE, *TWO, *REDUCED)
