"""Special points of smooth functions: infinite, huge and tiny arguments, and removable singularities."""

import math

import numpy as np
from scipy import special

from wengert.ops.extremes import logsumexp

from .trap import Trap

__all__ = ["FUNCTIONS"]

INF = np.inf
SPLIT = np.array([[0.25, -0.25], [-0.25, 0.25]])


def _trap(name, fun, x, first, second, why, rounding=16):
    return Trap(name=name, fun=fun, x=x, first=first, second=second, why=why, rounding=rounding)


def _vector(name, fun, x, first, second, why):
    return _trap(name, fun, np.array(x, float), first, second, why)


SOFT = "weights are exp(x - y), and the Hessian is diag(w) - w w^T"
LIMIT = "the derivatives of the limit, maximum, whose shares are constant"


def _first_of_two(x):
    """Return the log of the first entry of a softmax in which the third is masked."""
    kept = np.where([True, True, False], x, -INF)
    return kept[0] - logsumexp(kept)


EXPONENTIAL_SUMS = (
    _vector("logsumexp with -inf", logsumexp, [-INF, 0.0], [0, 1], 0.0, SOFT),
    _vector("logsumexp of -inf alone", logsumexp, [-INF, -INF], 0.0, 0.0, "no entry has any weight, as declared"),
    _vector("logsumexp with +inf", logsumexp, [INF, 0.0], [1, 0], 0.0, LIMIT),
    _vector("logsumexp with +inf twice", logsumexp, [INF, 0.0, INF], [0.5, 0, 0.5], 0.0, LIMIT),
    _vector("logsumexp of large numbers", logsumexp, [1000.0, 1000.0], 0.5, SPLIT, SOFT),
    _vector("logsumexp far apart", logsumexp, [-1000.0, 1000.0], [0, 1], 0.0, SOFT),
    _vector("logsumexp of one number", logsumexp, [3.0], 1.0, 0.0, "it is x"),
    _vector("logaddexp.reduce with -inf", np.logaddexp.reduce, [-INF, 0.0, 0.0], [0, 0.5, 0.5],
            np.pad(SPLIT, ((1, 0), (1, 0))), SOFT),
    _vector("log of a masked softmax", _first_of_two, [0.0, 0.0, 5.0], [0.5, -0.5, 0], np.pad(-SPLIT, ((0, 1), (0, 1))),
        "x1 - log(e^x1 + e^x2)"),
    _vector("softmax of a row of -inf, guarded", lambda x: np.sum(np.where(
        np.any(np.isfinite(x)), np.exp(x - np.max(x)) / np.sum(np.exp(x - np.max(x))), 0.0)), [-INF, -INF], 0.0, 0.0,
        "the branch taken is a constant"),
    _vector("logaddexp(-inf, -inf)", lambda x: np.logaddexp(x[0], x[1]), [-INF, -INF], 0.5, 0.0, LIMIT),
    _vector("logaddexp(-inf, 0)", lambda x: np.logaddexp(x[0], x[1]), [-INF, 0.0], [0, 1], 0.0, SOFT),
    _vector("logaddexp(inf, 0)", lambda x: np.logaddexp(x[0], x[1]), [INF, 0.0], [1, 0], 0.0, LIMIT),
    _vector("logaddexp of large numbers", lambda x: np.logaddexp(x[0], x[1]), [1e4, 1e4], 0.5, SPLIT, SOFT),
    _vector("logaddexp2(-inf, -inf)", lambda x: np.logaddexp2(x[0], x[1]), [-INF, -INF], 0.5, 0.0, LIMIT),
    _trap("logaddexp(x, x) at -inf", lambda x: np.logaddexp(x, x), -INF, 1.0, 0.0, "it is x + log 2"),
)  # fmt: skip

LARGE = (
    _trap("softplus at 1000", lambda x: np.logaddexp(0.0, x), 1000.0, 1.0, 0.0, "1/(1 + e^-x)"),
    _trap("softplus at -1000", lambda x: np.logaddexp(0.0, x), -1000.0, 0.0, 0.0, "e^-1000 underflows"),
    _trap("second derivative of softplus at 300", lambda x: np.logaddexp(0.0, x), 300.0, 1.0, math.exp(-300),
          "s (1 - s) = e^-300 to 1e-130"),
    _trap("softplus at 0", lambda x: np.logaddexp(0.0, x), 0.0, 0.5, 0.25, "s, s (1 - s)"),
    _trap("expit at 1000", special.expit, 1000.0, 0.0, 0.0, "s (1 - s) = e^-1000 underflows"),
    _trap("expit at -1000", special.expit, -1000.0, 0.0, 0.0, "s (1 - s) = e^-1000 underflows"),
    _trap("expit at 40", special.expit, 40.0, math.exp(-40), -math.exp(-40), "s (1 - s) = e^-40 to 1e-17", 64),
    _trap("expit at -40", special.expit, -40.0, math.exp(-40), math.exp(-40), "s (1 - s) = e^-40 to 1e-17", 64),
    _trap("log_expit at -1000", special.log_expit, -1000.0, 1.0, 0.0, "1 - s, -s (1 - s)"),
    _trap("log_expit at 1000", special.log_expit, 1000.0, 0.0, 0.0, "1 - s, -s (1 - s)"),
    _trap("logit at 0", special.logit, 0.0, INF, -INF, "1/(p (1 - p)), -1/p^2 + 1/(1 - p)^2"),
    _trap("logit at 1", special.logit, 1.0, INF, INF, "1/(p (1 - p)), -1/p^2 + 1/(1 - p)^2"),
    _trap("logit at 1/2", special.logit, 0.5, 4.0, 0.0, "1/(p (1 - p)), -1/p^2 + 1/(1 - p)^2"),
    _trap("tanh at 1000", np.tanh, 1000.0, 0.0, 0.0, "1 - tanh^2 underflows"),
    _trap("tanh at -inf", np.tanh, -INF, 0.0, 0.0, "constant in the limit"),
    _trap("expit at inf", special.expit, INF, 0.0, 0.0, "constant in the limit"),
    _trap("exp at -1000", np.exp, -1000.0, 0.0, 0.0, "underflows"),
    _trap("exp at 1000", np.exp, 1000.0, INF, INF, "overflows"),
    _trap("exp at -inf", np.exp, -INF, 0.0, 0.0, "the limit"),
    _trap("erf at 100", special.erf, 100.0, 0.0, 0.0, "e^-10000 underflows"),
    _trap("erf at inf", special.erf, INF, 0.0, 0.0, "the limit"),
    _trap("erf at 0", special.erf, 0.0, 2 / math.sqrt(math.pi), 0.0, "2 e^(-x^2) / sqrt(pi)"),
    _trap("erfcx at 1e10", special.erfcx, 1e10, -1e-20 / math.sqrt(math.pi), 2e-30 / math.sqrt(math.pi),
          "1 / (x sqrt(pi)) to 1e-20", 1 << 12),
    _trap("arctan at 1e200", np.arctan, 1e200, 0.0, 0.0, "1e-400 underflows"),
    _trap("arctan at inf", np.arctan, INF, 0.0, 0.0, "the limit"),
    _trap("arcsinh at 1e200", np.arcsinh, 1e200, 1e-200, 0.0, "1/x, and 1e-400 underflows"),
    _trap("sin at 1e22", np.sin, 1e22, 0.5232147853951389, 0.8522008497671888, "cos 1e22, -sin 1e22 (Ng 1992)"),
    _trap("cos at 1e22", np.cos, 1e22, 0.8522008497671888, -0.5232147853951389, "-sin 1e22, -cos 1e22 (Ng 1992)"),
    _trap("log at inf", np.log, INF, 0.0, 0.0, "1/x"),
    _trap("x / (1 + x) at inf, guarded", lambda x: 1 / (1 + 1 / x), INF, 0.0, 0.0, "constant in the limit"),
    _trap("gammaln at 1e300", special.gammaln, 1e300, math.log(1e300), 1e-300, "digamma = log x to 1/x"),
)  # fmt: skip

TINY = (
    _trap("expm1 at 1e-20", np.expm1, 1e-20, 1.0, 1.0, "e^x"),
    _trap("expm1 at -1000", np.expm1, -1000.0, 0.0, 0.0, "e^x underflows"),
    _trap("log1p at 1e-20", np.log1p, 1e-20, 1.0, -1.0, "1/(1 + x)"),
    _trap("log1p(expm1(x)) at 1e-20", lambda x: np.log1p(np.expm1(x)), 1e-20, 1.0, 0.0, "it is x"),
    _trap("sin at 0", np.sin, 0.0, 1.0, 0.0, "cos, -sin"),
    _trap("sin at subnormal", np.sin, 5e-324, 1.0, -5e-324, "cos, -sin"),
    _trap("cos at 0", np.cos, 0.0, 0.0, -1.0, "-sin, -cos"),
    _trap("arcsin at 1", np.arcsin, 1.0, INF, INF, "(1 - x^2)^(-1/2), x (1 - x^2)^(-3/2)"),
    _trap("arccos at -1", np.arccos, -1.0, -INF, INF, "-(1 - x^2)^(-1/2), -x (1 - x^2)^(-3/2)"),
    _trap("arctanh at 1", np.arctanh, 1.0, INF, INF, "1/(1 - x^2), 2 x/(1 - x^2)^2"),
    _trap("arccosh at 1", np.arccosh, 1.0, INF, -INF, "(x^2 - 1)^(-1/2), -x (x^2 - 1)^(-3/2)"),
    _trap("tan at pi/2 as a float", lambda x: np.tan(x) * 1e-40, math.pi / 2, 2.667093788113571e-08,
          2 * 1.633123935319537e16 * 2.667093788113571e-08, "1 + t^2, 2 t (1 + t^2) with t = 1.6e16"),
    _trap("sqrt of a subnormal", np.sqrt, 1e-310, 0.5 / math.sqrt(1e-310), -INF, "1.6e154, and 1e464 overflows"),
    _trap("maximum(x, 0) of a subnormal", lambda x: np.maximum(x, 0.0), 1e-310, 1.0, 0.0, "x is larger"),
    _trap("abs of a subnormal", np.abs, -1e-310, -1.0, 0.0, "x is negative"),
    _trap("x * subnormal", lambda x: x * 5e-324, 1.0, 5e-324, 0.0, "a constant factor"),
    _trap("where(x > 0) of a subnormal", lambda x: np.where(x > 0, 2 * x, -x), 5e-324, 2.0, 0.0, "x is positive"),
    _trap("j1 at 0", special.j1, 0.0, 0.5, 0.0, "x/2 - x^3/16"),
    _trap("i0 at 0", special.i0, 0.0, 0.0, 0.5, "1 + x^2/4"),
    _trap("jv(1, x) at 0", lambda x: special.jv(1.0, x), 0.0, 0.5, 0.0, "x/2 - x^3/16"),
    _trap("spence at 1", special.spence, 1.0, -1.0, 0.5, "-log(x)/(x - 1) as a limit: -(1 - (x-1)/2 + ...)")
    ,
    _trap("gamma at 1", special.gamma, 1.0, -0.5772156649015329, 1.9781119906559452, "-euler, euler^2 + pi^2/6", 64),
)  # fmt: skip

AXES = (
    _vector("arctan2(1, 0)", lambda x: np.arctan2(x[0], x[1]), [1, 0], [0, -1], [[0, 1], [1, 0]],
            "(x2, -x1)/r^2; the mixed derivative is (x1^2 - x2^2)/r^4"),
    _vector("arctan2(-1, 0)", lambda x: np.arctan2(x[0], x[1]), [-1, 0], [0, 1], [[0, 1], [1, 0]], "as at (1, 0)"),
    _vector("arctan2(0, 1)", lambda x: np.arctan2(x[0], x[1]), [0, 1], [1, 0], [[0, -1], [-1, 0]], "as at (1, 0)"),
    _vector("arctan2(0, -1)", lambda x: np.arctan2(x[0], x[1]), [0, -1], [-1, 0], [[0, -1], [-1, 0]], "as at (1, 0)"),
    _vector("arctan2 of tiny numbers", lambda x: np.arctan2(x[0], x[1]), [0.0, 1e-150], [1e150, 0],
            [[0, -1e300], [-1e300, 0]], "1/x2 and -1/x2^2, though x2^2 underflows"),
    _vector("arctan2(0, 0), masked", lambda x: np.where(x[0] > 0, np.arctan2(x[0], x[1]), 0.0), [0, 0], 0.0, 0.0,
            "the branch taken is a constant"),
    _vector("polar and back at the origin", lambda x: np.hypot(x[0], x[1]) * np.cos(np.arctan2(x[0], x[1])), [0, 3],
            [0, 1], 0.0, "it is x2"),
)  # fmt: skip

FUNCTIONS = (*EXPONENTIAL_SUMS, *LARGE, *TINY, *AXES)
