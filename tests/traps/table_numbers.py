"""Numbers: Python floats that act as NumPy's, remainders, single precision, complex parts, shapes of one and none."""

import numpy as np
from scipy import special

from .trap import Trap, diagonal

__all__ = ["NUMBERS"]

INF, NAN = np.inf, np.nan


def _trap(name, fun, x, first, second, why):
    return Trap(name=name, fun=fun, x=x, first=first, second=second, why=why)


def _complex(name, fun, x, first, second, why):
    """Take z = x1 + i x2 as a point of the plane."""
    return Trap(name=name, fun=lambda x: fun(x[0] + 1j * x[1]), x=np.array(x, float), first=first, second=second,
                why=why)  # fmt: skip


def _single(name, fun, x, first, second, why):
    return Trap(name=name, fun=fun, x=np.float32(x), first=first, second=second, why=why)


PYTHON = (
    _trap("x**-0.5 of a Python float 0", lambda x: x**-0.5, 0.0, -INF, INF, "no ZeroDivisionError"),
    _trap("x / 0.0", lambda x: x / 0.0, 1.0, INF, 0.0, "1/0 = inf, a constant slope"),
    _trap("(x - 1)/(x - 1) at 1", lambda x: (x - 1) / (x - 1), 1.0, NAN, NAN, "0/0 has no value"),
    _trap("(x**2 - 1)/(x - 1) at 1, guarded", lambda x: np.where(x != 1, (x**2 - 1) / (x - 1), x + 1), 1.0, 1.0, 0.0,
          "the branch taken is x + 1"),
    _trap("x % 1 at 2", lambda x: x % 1, 2.0, 1.0, 0.0, "slope 1 on both sides"),
    _trap("x % 1 at -0.5", lambda x: x % 1.0, -0.5, 1.0, 0.0, "x + 1"),
    _trap("5 % y at 2", lambda y: 5.0 % y, 2.0, -2.0, 0.0, "5 - 2 y"),
    _trap("-5 % y at 2", lambda y: -5.0 % y, 2.0, 3.0, 0.0, "-5 + 3 y"),
    _trap("fmod(-3, y) at 2", lambda y: np.fmod(-3.0, y), 2.0, 1.0, 0.0, "-3 + y"),
    _trap("x // 1 at 2", lambda x: x // 1, 2.0, 0.0, 0.0, "constant on both sides"),
    _trap("divmod(x, 1)[1] at 2.5", lambda x: divmod(x, 1.0)[1], 2.5, 1.0, 0.0, "x - 2"),
    _trap("round(x) at 1.5", lambda x: np.round(x) * x, 1.5, 2.0, 0.0, "2 x"),
    _trap("builtin max(x, 0) at 0", lambda x: max(x, 0.0), 0.0, 1.0, 0.0, "Python returns x itself"),
    _trap("builtin abs at 0", lambda x: abs(x), 0.0, 0.0, 0.0, "the declared table"),
    _trap("builtin pow(x, 2) at 0", lambda x: pow(x, 2), 0.0, 0.0, 2.0, "2 x, 2"),
    _trap("builtin sum of a list", lambda x: sum([x, x**2, 1.0]), 0.0, 1.0, 2.0, "x + x^2 + 1"),
    _trap("-x at -0.0", lambda x: -x, -0.0, -1.0, 0.0, "linear"),
    _trap("x + inf", lambda x: x + INF, 1.0, 1.0, 0.0, "slope 1"),
    _trap("x * inf at 1", lambda x: x * INF, 1.0, INF, 0.0, "a constant slope"),
    _trap("x - x at inf", lambda x: x - x, INF, 0.0, 0.0, "1 - 1"),
    _trap("unused argument", lambda x: 3.0 + 0 * x, 1.0, 0.0, 0.0, "a constant"),
    _trap("x if x > 0 else 0 at 0", lambda x: x**2 if x >= 0 else -x, 0.0, 0.0, 2.0, "the branch taken is x^2"),
)  # fmt: skip

SINGLE = (
    _single("float32: exp at 89", np.exp, 89.0, INF, INF, "e^89 = 4.5e38 overflows"),
    _single("float32: exp at -104", np.exp, -104.0, 0.0, 0.0, "e^-104 = 6.8e-46 underflows"),
    _single("float32: x * x at 1e30", lambda x: x * x, 1e30, np.float32(2e30), 2.0, "2 x does not overflow"),
    _single("float32: x / 3", lambda x: x / 3, 1.0, 1 / 3, 0.0, "stays single"),
    _single("float32: sqrt at 0", np.sqrt, 0.0, INF, -INF, "x^(-1/2)/2, -x^(-3/2)/4"),
    _single("float32: expit at 80", special.expit, 80.0, np.exp(-80.0), -np.exp(-80.0), "s (1 - s) = e^-80 to 1e-35"),
    _single("float32: softplus at 80", lambda x: np.logaddexp(np.float32(0), x), 80.0, 1.0, np.exp(-80.0),
            "s, s (1 - s)"),
    _single("float32: tanh at 50", np.tanh, 50.0, 0.0, 0.0, "1 - tanh^2 underflows"),
    _single("float32: log of a subnormal", np.log, 1e-45, INF, -INF, "1e45 overflows"),
    _single("float32: x**2 at 0", lambda x: x**2, 0.0, 0.0, 2.0, "2 x, 2"),
    _single("float32: where past log at 0", lambda x: np.where(x > 0, np.log(x), np.float32(0)), 0.0, 0.0, 0.0,
            "the branch taken is a constant"),
    _trap("float32: mean, var and norm", lambda x: np.mean(x) + np.var(x) + np.linalg.norm(x) * 0,
          np.array([1, 3], np.float32), [-0.5, 1.5], [[0.5, -0.5], [-0.5, 0.5]], "1/2 + d; (a - b)^2 / 4"),
)  # fmt: skip

COMPLEX = (
    _complex("complex abs at 0", np.abs, [0, 0], 0.0, 0.0, "the declared table"),
    _complex("complex abs at 3 + 4i", np.abs, [3, 4], [0.6, 0.8], np.array([[0.64, -0.48], [-0.48, 0.36]]) / 5,
             "x/r, (I - x x^T/r^2)/r"),
    _complex("|z|^2 as z conj(z) at 0", lambda z: np.real(z * np.conj(z)), [0, 0], 0.0, 2 * np.eye(2), "x^2 + y^2"),
    _complex("angle at 0", np.angle, [0, 0], 0.0, 0.0, "the declared gradient of the origin"),
    _complex("angle at 1", np.angle, [1, 0], [0, 1], [[0, -1], [-1, 0]], "(-y, x)/r^2"),
    _complex("angle on the branch cut", np.angle, [-1, 0], [0, -1], [[0, -1], [-1, 0]],
             "(-y, x)/r^2; the mixed derivative (y^2 - x^2)/r^4"),
    _complex("real part of sqrt on the branch cut", lambda z: np.sqrt(z).real, [-1, 0], [0, 0.5],
             [[0, 0.25], [0.25, 0]], "1/(2i) and -z^(-3/2)/4 = -i/4, from above"),
    _complex("imaginary part of sqrt on the branch cut", lambda z: np.sqrt(z).imag, [-1, 0], [-0.5, 0],
             diagonal(-0.25, 0.25), "1/(2i) and -z^(-3/2)/4 = -i/4, from above"),
    _complex("real part of log at i", lambda z: np.log(z).real, [0, 1], [0, 1], diagonal(1, -1), "1/z, -1/z^2"),
    _complex("real part of z**2 at 0", lambda z: (z**2).real, [0, 0], 0.0, diagonal(2, -2), "x^2 - y^2"),
    _complex("real part of z**0 at 0", lambda z: (z**0).real, [0, 0], 0.0, 0.0, "it is 1"),
    _complex("real part of z z at 0", lambda z: (z * z).real, [0, 0], 0.0, diagonal(2, -2), "x^2 - y^2"),
    _complex("real part of exp at -1000", lambda z: np.exp(z).real, [-1000, 0], 0.0, 0.0, "underflows"),
    _complex("where past log of 0", lambda z: np.where(np.abs(z) > 0, np.log(z), 0.0).real, [0, 0], 0.0, 0.0,
             "the branch taken is a constant"),
    _complex("where past sqrt of 0", lambda z: np.where(z.real > 0, np.sqrt(z), 0.0).real, [0, 0], 0.0, 0.0,
             "the branch taken is a constant"),
    _complex("where past complex abs of 0", lambda z: np.where(z != 0, np.abs(z), 1.0), [0, 0], 0.0, 0.0,
             "the branch taken is a constant"),
    _complex("complex sign at 0", lambda z: np.sign(z).real, [0, 0], 0.0, 0.0, "the declared table"),
    _complex("complex norm at 0", lambda z: np.linalg.norm(np.stack([z, z])), [0, 0], 0.0, 0.0, "the declared table"),
)  # fmt: skip

SHAPES = (
    _trap("0-d array", lambda x: np.sum(x * np.ones(3)) ** 2, np.array(2.0), 36.0, 18.0, "(3 x)^2"),
    _trap("size 1 against 3", lambda x: np.sum(x * np.arange(3.0)) ** 2, np.array([2.0]), 36.0, 18.0, "(3 x)^2"),
    _trap("(1, 1) against (2, 3)", lambda x: np.sum(x**2 * np.ones((2, 3))), np.array([[2.0]]), 24.0, 12.0, "6 x^2"),
    _trap("size 1 against size 0", lambda x: np.sum(x * np.ones(0)), np.array([2.0]), 0.0, 0.0, "the constant 0"),
    _trap("broadcast to no rows", lambda x: np.sum(np.broadcast_to(x, (0, 2)) ** 2), np.ones(2), 0.0, 0.0, "0"),
    _trap("size 0 against 1", lambda x: np.sum(x * np.ones(1)), np.zeros(0), 0.0, 0.0, "nothing to differentiate"),
    _trap("row against column", lambda x: np.sum(x[:, None] * x[None, :]), np.array([1.0, 2.0]), 6.0, 2.0,
          "(a + b)^2"),
    _trap("0-d index of 0-d", lambda x: x[()] ** 2 * x[None][0], np.array(2.0), 12.0, 12.0, "x^3"),
    _trap("0-d prod of 0", np.prod, np.array(0.0), 1.0, 0.0, "it is x"),
    _trap("0-d norm at 0", np.linalg.norm, np.array([0.0]), 0.0, 0.0, "the declared table"),
    _trap("0-d matmul through size 1", lambda x: (x[None, None] @ x[None, None])[0, 0], np.array(3.0), 6.0, 2.0, "x^2"),
    _trap("masked broadcast", lambda x: np.sum(np.where([True, False], x, 1 / x)), np.array([0.0]), -INF, INF,
          "x + 1/x"),
    _trap("masked broadcast, infinite branch not taken", lambda x: np.sum(np.where([True, True], x, 1 / x)),
          np.array([0.0]), 2.0, 0.0, "x + x"),
)  # fmt: skip

NUMBERS = (*PYTHON, *SINGLE, *COMPLEX, *SHAPES)
