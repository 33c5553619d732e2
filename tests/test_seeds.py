"""Textbook examples, in both modes: the functions, tables and numbers that introductions to the subject are built on.

Expected values are closed forms or exact arithmetic, never what the code under test printed.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import special

import wengert as wg

EPS = np.finfo(np.float64).eps


def forward_gradient(fun, *args):
    """One tangent per argument: the columns of the Jacobian."""
    units = [tuple(float(i == j) for j in range(len(args))) for i in range(len(args))]
    return tuple(wg.jvp(fun, args, unit)[1] for unit in units)


def reverse_gradient(fun, *args):
    """One sweep from the output: the row of the Jacobian."""
    y, pullback = wg.vjp(fun, *args)
    return pullback(np.ones_like(y)[()])


MODES = pytest.mark.parametrize("gradient", [forward_gradient, reverse_gradient], ids=["forward", "reverse"])


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


# Functions of one and two numbers. Each: function, point, value, gradient.

sigmoid1, tanh2 = 1 / (1 + math.exp(-1.0)), math.tanh(2.0)

FUNCTIONS = {
    "ln x1 + x1 x2 - sin x2": (
        lambda x1, x2: np.log(x1) + x1 * x2 - np.sin(x2),
        (2.0, 5.0),
        math.log(2) + 10 - math.sin(5),
        (5.5, 2 - math.cos(5)),
    ),
    "(x + y)(x - y)": (lambda x, y: (x + y) * (x - y), (3.0, 2.0), 5.0, (6.0, -4.0)),
    "x y + sin x": (lambda x, y: x * y + np.sin(x), (2.0, 3.0), 6 + math.sin(2), (3 + math.cos(2), 2.0)),
    "(x + sigmoid y) tanh x": (
        lambda x, y: (x + sigmoid(y)) * np.tanh(x),
        (2.0, 1.0),
        (2 + sigmoid1) * tanh2,
        (tanh2 + (2 + sigmoid1) * (1 - tanh2**2), sigmoid1 * (1 - sigmoid1) * tanh2),
    ),
    "x^2 + 2x": (lambda x: x**2 + 2 * x, (3.0,), 15.0, (8.0,)),
    "sin x^2 + e^x": (
        lambda x: np.sin(x**2) + np.exp(x),
        (1.5,),
        math.sin(2.25) + math.exp(1.5),
        (3 * math.cos(2.25) + math.exp(1.5),),
    ),
    "(x + 1)^10": (lambda x: (x + 1) ** 10, (0.5,), 1.5**10, (10 * 1.5**9,)),
}


@MODES
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_textbook_function(name, gradient):
    fun, point, value, expected = FUNCTIONS[name]
    assert fun(*point) == pytest.approx(value, rel=8 * EPS)
    assert gradient(fun, *point) == pytest.approx(expected, rel=16 * EPS)


@MODES
def test_the_printed_digits(gradient):
    """The numbers as texts print them: 5.5 and 1.7163; 1.157 where rounding halfway gave one text 1.158."""
    d1, d2 = gradient(FUNCTIONS["ln x1 + x1 x2 - sin x2"][0], 2.0, 5.0)
    assert (f"{d1:.4f}", f"{d2:.4f}") == ("5.5000", "1.7163")
    d1, _ = gradient(FUNCTIONS["(x + sigmoid y) tanh x"][0], 2.0, 1.0)
    assert f"{d1:.3f}" == "1.157"


def test_forward_difference_of_a_square():
    """(2.01^2 - 2^2) / 0.01 is 4.01; the derivative is 4."""
    quotient = ((2 + 0.01) ** 2 - 2**2) / 0.01
    assert quotient == pytest.approx(4.01, rel=2 * EPS / 0.01)  # rounding is divided by the step
    assert wg.grad(lambda x: x**2)(2.0) == 4.0


# The logistic map l_{n+1} = 4 l_n (1 - l_n), l_1 = x: a formula that swells, a program that does not.


def logistic(n):
    def run(x):
        for _ in range(n - 1):
            x = 4.0 * x * (1.0 - x)
        return x

    return run


@MODES
@pytest.mark.parametrize("n", range(1, 41))
def test_the_logistic_map_on_the_orbit_of_three_quarters(gradient, n):
    """3/4 is a fixed point, exact in binary, where each step multiplies the derivative by exactly -2."""
    assert logistic(n)(0.75) == 0.75
    assert gradient(logistic(n), 0.75) == ((-2.0) ** (n - 1),)


@MODES
@pytest.mark.parametrize("n", range(1, 41))
def test_the_logistic_map_against_exact_products_along_its_orbit(gradient, n):
    """The orbit is chaotic, so its derivative is that of the orbit that was computed: the product of 4 (1 - 2 l)."""
    orbit = [logistic(k)(0.2) for k in range(1, n)]
    expected = math.prod([4 * (1 - 2 * Fraction(point)) for point in orbit])
    # The program forms each factor as 4 (1 - l) - 4 l, two terms of at most 4 with 4 roundings each, whatever cancels.
    relative = sum(1 + 16 / abs(4 - 8 * point) for point in orbit) * EPS
    assert gradient(logistic(n), 0.2) == pytest.approx((float(expected),), rel=relative + EPS)


# The table of operation gradients. Each: function, operands, and for a cotangent y_bar the cotangents by the table.

X = np.array([0.5, 1.0, 2.5])
Y = np.array([-1.5, 2.0, 0.75])
Z = np.array([-1.5, 0.25, 2.0])
A, B = np.arange(6.0).reshape(2, 3) - 2.5, np.arange(12.0).reshape(3, 4) / 4
EXPX = np.exp(X - X.max())
SOFTMAX = EXPX / EXPX.sum()
PHI = special.ndtr(Z)  # Φ, the normal distribution, and φ, its density
PDF = np.exp(-(Z**2) / 2) / math.sqrt(2 * math.pi)


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)


TABLE = {
    # elementwise
    "x + c": (lambda x: x + 3.0, (X,), lambda g: (g,)),
    "x c": (lambda x: x * 3.0, (X,), lambda g: (3.0 * g,)),
    "x^2": (lambda x: x**2, (X,), lambda g: (2 * X * g,)),
    "e^x": (np.exp, (X,), lambda g: (np.exp(X) * g,)),
    "log x": (np.log, (X,), lambda g: (g / X,)),
    "sqrt x": (np.sqrt, (X,), lambda g: (g / (2 * np.sqrt(X)),)),
    # binary
    "x + y": (np.add, (X, Y), lambda g: (g, g)),
    "x - y": (np.subtract, (X, Y), lambda g: (g, -g)),
    "x y": (np.multiply, (X, Y), lambda g: (Y * g, X * g)),
    "x / y": (np.divide, (X, Y), lambda g: (g / Y, -X / Y**2 * g)),
    # activations
    "relu": (lambda x: np.maximum(0.0, x), (Z,), lambda g: ((Z > 0) * g,)),
    "sigmoid": (sigmoid, (Z,), lambda g: (sigmoid(Z) * (1 - sigmoid(Z)) * g,)),
    "tanh": (np.tanh, (Z,), lambda g: ((1 - np.tanh(Z) ** 2) * g,)),
    "gelu": (lambda x: x * special.ndtr(x), (Z,), lambda g: ((PHI + Z * PDF) * g,)),
    "softmax": (softmax, (X,), lambda g: ((np.diag(SOFTMAX) - np.outer(SOFTMAX, SOFTMAX)) @ g,)),
    # reductions
    "sum": (np.sum, (X,), lambda g: (np.full(3, g),)),
    "mean": (np.mean, (X,), lambda g: (np.full(3, g / 3),)),
    "max": (np.max, (X,), lambda g: (np.array([0.0, 0.0, g]),)),
    # matrices
    "A B": (np.matmul, (A, B), lambda g: (g @ B.T, A.T @ g)),
    "B^T": (np.transpose, (B,), lambda g: (g.T,)),
}

# A result is a sum of at most 4 products of numbers below 12, each with a few roundings.
TABLE_TOLERANCE = 4 * 12 * 8 * EPS


@pytest.mark.parametrize("name", TABLE)
def test_the_table_in_reverse_mode(name, rng):
    fun, operands, cotangents = TABLE[name]
    y, pullback = wg.vjp(fun, *operands)
    y_bar = rng.uniform(-1.0, 1.0, np.shape(y))[()]
    for x_bar, expected, x in zip(pullback(y_bar), cotangents(y_bar), operands, strict=True):
        np.testing.assert_allclose(x_bar, expected, rtol=0, atol=TABLE_TOLERANCE)
        assert (x_bar.shape, x_bar.dtype) == (x.shape, x.dtype)


@pytest.mark.parametrize("name", TABLE)
def test_the_table_in_forward_mode(name, rng):
    """The tangent, paired with a cotangent, must be what the table's cotangent gives when paired with the direction."""
    fun, operands, cotangents = TABLE[name]
    x_dots = tuple(rng.uniform(-1.0, 1.0, x.shape) for x in operands)
    y, y_dot = wg.jvp(fun, operands, x_dots)
    assert np.shape(y_dot) == np.shape(y)
    y_bar = rng.uniform(-1.0, 1.0, np.shape(y))[()]
    by_table = sum(np.sum(x_bar * x_dot) for x_bar, x_dot in zip(cotangents(y_bar), x_dots, strict=True))
    assert np.sum(y_bar * y_dot) == pytest.approx(by_table, abs=12 * TABLE_TOLERANCE)


@MODES
def test_relu_and_max_at_their_kinks(gradient):
    """maximum(0, x) shares a tie between its operands; `max` shares it among the largest entries."""
    assert gradient(lambda x: np.maximum(0.0, x), 0.0) == (0.5,)
    assert gradient(lambda x, y: np.max(np.stack([x, y])), 1.0, 1.0) == (0.5, 0.5)


# Graphs: a chain, a diamond, and the paths that programs take.


@MODES
def test_a_chain_multiplies_local_derivatives(gradient):
    """F = d(c(b(a(x)))) at x = 0.3, from the four local derivatives."""
    a = math.sin(0.3)
    b = math.exp(a)
    c = b * b
    expected = (1 / c) * (2 * b) * math.exp(a) * math.cos(0.3)
    assert gradient(lambda x: np.log(np.exp(np.sin(x)) ** 2), 0.3) == pytest.approx((expected,), rel=16 * EPS)


@MODES
def test_a_diamond_adds_its_two_sides(gradient):
    """h(f(x), g(x)): dL/dx = dL/df f' + dL/dg g', where x is used twice."""
    expected = math.cos(0.7) * math.exp(0.7) + math.sin(0.7) * math.exp(0.7)
    assert gradient(lambda x: np.sin(x) * np.exp(x), 0.7) == pytest.approx((expected,), rel=8 * EPS)
    assert gradient(lambda x: x * x + x, 3.0) == (7.0,)


@MODES
@pytest.mark.parametrize(("x", "expected"), [(2.0, 4.0), (-2.0, -1.0)])
def test_a_branch_differentiates_the_path_taken(gradient, x, expected):
    def fun(x):
        if x > 0:
            return x * x
        return -x

    assert gradient(fun, x) == (expected,)


@MODES
def test_a_loop_whose_length_depends_on_the_value(gradient):
    def fun(x):
        steps = 0
        while x < 100.0:
            x = 3.0 * x
            steps += 1
        return x + steps

    assert gradient(fun, 2.0) == (81.0,)  # 2, 6, 18, 54, 162: four steps


@MODES
def test_recursion(gradient):
    def power(x, n):
        if n == 0:
            return 1.0
        half = power(x, n // 2)
        return half * half * x if n % 2 else half * half

    assert gradient(lambda x: power(x, 13), 2.0) == (13 * 2.0**12,)


def test_a_product_and_a_sum():
    """L = sum(x * w): each operand's cotangent is the other operand."""
    x, w = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    _, pullback = wg.vjp(lambda x, w: np.sum(x * w), x, w)
    x_bar, w_bar = pullback(1.0)
    assert np.array_equal(x_bar, w)
    assert np.array_equal(w_bar, x)
    columns = [wg.jvp(lambda x: np.sum(x * w), (x,), (e,))[1] for e in np.eye(3)]
    assert np.array_equal(columns, w)


def test_log_sum_exp_is_stable_and_differentiable():
    """max(x) + log(sum(exp(x - max(x)))): its gradient is the softmax, where the naive form overflows."""

    def logsumexp(x):
        top = np.max(x)
        return top + np.log(np.sum(np.exp(x - top)))

    x = X + 1000.0
    np.testing.assert_allclose(wg.grad(logsumexp)(x), SOFTMAX, rtol=16 * EPS)


def test_gradient_clipping_by_norm():
    g = wg.grad(lambda x: np.sum(x**2))(np.array([3.0, 4.0]))  # (6, 8), of norm 10
    threshold = 5.0
    clipped = threshold * g / np.linalg.norm(g)
    np.testing.assert_allclose(clipped, [3.0, 4.0], rtol=4 * EPS)
