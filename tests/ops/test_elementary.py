"""Elementary functions: first and second derivatives against mpmath over their domains, and special values.

A derivative may be off by a few units in the last place, times the condition number |x f''(x) / f'(x)| of the
derivative itself (rounding of x and of what is computed from it). Where a function is as good as constant (tanh) the
unit is that of its value: 1 - y^2 has no digits that y lacks.
"""

import mpmath as mp
import numpy as np
import pytest

import wengert as wg

EPS = np.finfo(float).eps
UNITS = 16  # a partial is at most a handful of operations, each of at most 2 ulp


def spread_out(low, high, n=25):
    """Points log-spaced in size, of both signs."""
    x = np.logspace(np.log10(low), np.log10(high), n)
    return np.concatenate([-x[::-1], x])


POSITIVE = np.logspace(-300, 300, 31)
UNIT = np.concatenate([spread_out(1e-12, 0.99), 1 - np.logspace(-12, -2, 11), -1 + np.logspace(-12, -2, 11)])
REAL = {
    "exp": (np.exp, mp.exp, spread_out(1e-8, 700)),
    "exp2": (np.exp2, lambda x: mp.mpf(2) ** x, spread_out(1e-8, 1000)),
    "expm1": (np.expm1, mp.expm1, spread_out(1e-8, 200)),
    "log": (np.log, mp.log, POSITIVE),
    "log2": (np.log2, lambda x: mp.log(x, 2), POSITIVE),
    "log10": (np.log10, mp.log10, POSITIVE),
    "log1p": (np.log1p, mp.log1p, np.concatenate([np.logspace(-12, 12, 25), -1 + np.logspace(-12, -1, 12)])),
    "sin": (np.sin, mp.sin, spread_out(1e-8, 1e4)),
    "cos": (np.cos, mp.cos, spread_out(1e-8, 1e4)),
    "tan": (np.tan, mp.tan, spread_out(1e-8, 1.57)),
    "arcsin": (np.arcsin, mp.asin, UNIT),
    "arccos": (np.arccos, mp.acos, UNIT),
    "arctan": (np.arctan, mp.atan, spread_out(1e-8, 1e8)),
    "sinh": (np.sinh, mp.sinh, spread_out(1e-8, 700)),
    "cosh": (np.cosh, mp.cosh, spread_out(1e-8, 700)),
    "tanh": (np.tanh, mp.tanh, spread_out(1e-8, 5)),
    "arcsinh": (np.arcsinh, mp.asinh, spread_out(1e-8, 1e150)),
    "arccosh": (np.arccosh, mp.acosh, 1 + np.logspace(-12, 12, 25)),
    "arctanh": (np.arctanh, mp.atanh, UNIT),
    "degrees": (np.degrees, mp.degrees, spread_out(1e-3, 1e3)),
    "radians": (np.radians, mp.radians, spread_out(1e-3, 1e3)),
    "sqrt": (np.sqrt, mp.sqrt, POSITIVE),
    "cbrt": (np.cbrt, mp.cbrt, np.logspace(-150, 150, 31)),
    "reciprocal": (np.reciprocal, lambda x: 1 / x, np.logspace(-100, 100, 31)),
}


def exact(fun, x, order):
    """The derivative of a function of mpmath and its condition number in x.

    The step is relative: mpmath's own is absolute, and useless for operands of size 1e-300.
    """
    with mp.workdps(200):
        x = mp.mpf(float(x))
        h = mp.mpf(10) ** -30 * min(abs(x), abs(1 - abs(x)) or 1)
        slope = [mp.diff(fun, x, k, h=h) for k in (order, order + 1)]
        condition = abs(x * slope[1] / slope[0]) if slope[0] else mp.mpf(0)
        return float(slope[0]), float(condition)


@pytest.mark.parametrize("name", REAL)
def test_first_derivative(name):
    fun, reference, points = REAL[name]
    found = wg.elementwise_grad(fun)(points)
    for x, slope in zip(points, found, strict=True):
        expected, condition = exact(reference, x, 1)
        error = abs(slope - expected)
        assert error <= UNITS * EPS * (1 + condition) * abs(expected) + 2 * EPS * (name == "tanh"), (
            x,
            slope,
            expected,
        )


@pytest.mark.parametrize(
    "name", ["exp", "log", "tan", "arcsin", "arctan", "sinh", "arcsinh", "arccosh", "arctanh", "sqrt"]
)
def test_second_derivative(name):
    fun, reference, points = REAL[name]
    points = points[(np.abs(points) > 1e-3) & (np.abs(points) < 1e3)][::2]
    found = wg.elementwise_grad(wg.elementwise_grad(fun))(points)
    for x, slope in zip(points, found, strict=True):
        expected, condition = exact(reference, x, 2)
        first, _ = exact(reference, x, 1)
        # its terms have the size of the first derivative over that of x or 1, and may cancel
        allowed = UNITS * EPS * ((1 + condition) * abs(expected) + abs(first) / max(abs(x), 1))
        assert abs(slope - expected) <= allowed, (x, slope, expected)


# Complex: holomorphic functions, on and beside their branch cuts, signed zeros included

CUTS = {
    "arcsin": (np.arcsin, lambda z, s: 1j * s * np.sign(z) / np.sqrt(z * z - 1), [2.0, -3.0]),
    "arccos": (np.arccos, lambda z, s: -1j * s * np.sign(z) / np.sqrt(z * z - 1), [2.0, -3.0]),
    "log": (np.log, lambda z, s: 1 / z, [-2.0]),
    "sqrt": (np.sqrt, lambda z, s: -0.5j * s / np.sqrt(-z), [-4.0]),
    "arctanh": (np.arctanh, lambda z, s: 1 / (1 - z * z), [2.0, -3.0]),
    "arccosh": (np.arccosh, lambda z, s: -1j * s / np.sqrt(1 - z * z), [0.5, -0.5]),
}


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("name", CUTS)
def test_derivative_on_a_branch_cut(name, side):
    """On a cut the sign of the zero imaginary part chooses the side, for the derivative as for the value."""
    fun, expected, points = CUTS[name]
    for x in points:
        z = np.complex128(complex(x, np.copysign(0.0, side)))
        _, slope = wg.jvp(fun, (z,), (1.0 + 0j,))
        np.testing.assert_allclose(slope, expected(x, side), rtol=1e-14, atol=1e-15)


# Special values

POINTS = {
    "logaddexp tie": (np.logaddexp, [1.0, 1.0], [0.5, 0.5]),
    "logaddexp both -inf": (np.logaddexp, [-np.inf, -np.inf], [0.5, 0.5]),
    "logaddexp one -inf": (np.logaddexp, [-np.inf, 1.0], [0.0, 1.0]),
    "logaddexp both inf": (np.logaddexp, [np.inf, np.inf], [0.5, 0.5]),
    "logaddexp one inf": (np.logaddexp, [np.inf, 1.0], [1.0, 0.0]),
    "logaddexp far": (np.logaddexp, [1e300, -1e300], [1.0, 0.0]),
    "logaddexp2 both -inf": (np.logaddexp2, [-np.inf, -np.inf], [0.5, 0.5]),
    "arctan2 right": (np.arctan2, [0.0, 2.0], [0.5, 0.0]),
    "arctan2 left": (np.arctan2, [0.0, -2.0], [-0.5, 0.0]),
    "arctan2 up": (np.arctan2, [2.0, 0.0], [0.0, -0.5]),
    "arctan2 down": (np.arctan2, [-2.0, 0.0], [0.0, 0.5]),
    "arctan2 origin": (np.arctan2, [0.0, 0.0], [0.0, 0.0]),
    "arctan2 huge": (np.arctan2, [1e200, 1e200], [0.5e-200, -0.5e-200]),
    "arctan2 tiny": (np.arctan2, [1e-200, 1e-200], [0.5e200, -0.5e200]),
    "arcsin 1": (np.arcsin, [1.0], [np.inf]),
    "arccosh 1": (np.arccosh, [1.0], [np.inf]),
    "tanh inf": (np.tanh, [np.inf], [0.0]),
    "sinc 0": (np.sinc, [0.0], [0.0]),
}


@pytest.mark.parametrize("name", POINTS)
def test_gradient_at_a_special_value(name):
    fun, xs, expected = POINTS[name]
    xs = [np.float64(x) for x in xs]
    reverse = wg.grad(fun, argnums=tuple(range(len(xs))))(*xs)
    np.testing.assert_allclose(reverse, expected, rtol=4 * EPS, atol=0)
    for i, slope in enumerate(expected):
        x_dots = tuple(float(i == k) for k in range(len(xs)))
        np.testing.assert_allclose(wg.jvp(fun, tuple(xs), x_dots)[1], slope, rtol=4 * EPS, atol=0)


def test_logaddexp_keeps_its_curvature_at_a_tie():
    hessian = wg.hessian(lambda v: np.logaddexp(v[0], v[1]))(np.ones(2))
    np.testing.assert_allclose(hessian, [[0.25, -0.25], [-0.25, 0.25]], rtol=4 * EPS)


def test_the_branch_not_taken_stays_out():
    """softplus by cases: exp(1000) overflows in the branch that `where` drops."""

    def softplus(x):
        with np.errstate(over="ignore"):
            return np.where(x > 30, x, np.log1p(np.exp(x)))

    assert wg.grad(softplus)(1000.0) == 1.0
    assert wg.jvp(softplus, (1000.0,), (1.0,))[1] == 1.0


@pytest.mark.parametrize("order", range(7))
def test_sinc_has_all_derivatives_at_zero(order):
    """The series of sin(t)/t: the even derivatives at 0 are (-1)^m pi^(2m) / (2m + 1)."""
    fun = np.sinc
    for _ in range(order):
        fun = wg.grad(fun)
    expected = 0.0 if order % 2 else (-1.0) ** (order // 2) * np.pi**order / (order + 1)
    assert fun(0.0) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_sinc_is_accurate_where_its_formulas_meet(order):
    fun = np.sinc
    for _ in range(order):
        fun = wg.elementwise_grad(fun)
    x = np.concatenate([np.logspace(-8, 1.5, 40), [0.318, 0.3185, 0.79, 0.8]])
    for point, slope in zip(x, fun(x), strict=True):
        with mp.workdps(60):
            t = mp.pi * mp.mpf(float(point))
            exact = mp.quad(
                lambda u, t=t: u**order * mp.cos(t * u + order * mp.pi / 2), mp.linspace(0, 1, 10 + int(t))
            )
            size = mp.pi**order / (order + 1)
            assert abs(slope - exact * mp.pi**order) <= 50 * EPS * size * (1 + t / 10)
