"""taylor and derivative: high orders against mpmath, nesting, kinks and limits, errors, and what they cost."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import special

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError, TracerEscapedError

EPS = float(np.finfo(float).eps)
ULPS = 8  # of a step of a recurrence, and of SciPy's functions


# High orders --------------------------------------------------------------------------------------------------------

# A function, the same in mpmath, a point, its distance from the nearest singularity, and an order.
FUNCTIONS = {
    "exp": (np.exp, mp.exp, 0.7, math.inf, 20),
    "sin": (np.sin, mp.sin, 1.2, math.inf, 20),
    "cosh": (np.cosh, mp.cosh, 0.4, math.inf, 20),
    "tanh": (np.tanh, mp.tanh, 0.3, math.hypot(0.3, math.pi / 2), 20),
    "tan": (np.tan, mp.tan, 0.5, math.pi / 2 - 0.5, 20),
    "log": (np.log, mp.log, 1.5, 1.5, 20),
    "log1p": (np.log1p, mp.log1p, 0.5, 1.5, 20),
    "arctan": (np.arctan, mp.atan, 0.5, math.hypot(0.5, 1.0), 20),
    "arcsin": (np.arcsin, mp.asin, 0.3, 0.7, 20),
    "arcsinh": (np.arcsinh, mp.asinh, 0.3, math.hypot(0.3, 1.0), 20),
    "sqrt": (np.sqrt, mp.sqrt, 2.0, 2.0, 20),
    "cube root": (np.cbrt, mp.cbrt, 2.0, 2.0, 12),
    "Runge": (
        lambda x: 1.0 / (1.0 + 25.0 * x**2),
        lambda x: 1 / (1 + 25 * x**2),
        0.3,
        math.hypot(0.3, 0.2),
        20,
    ),
    "x^x": (lambda x: x**x, lambda x: x**x, 1.3, 1.3, 16),
    "x^2.5": (lambda x: x**2.5, lambda x: x ** mp.mpf(2.5), 1.3, 1.3, 16),
    "sin(exp(x))": (lambda x: np.sin(np.exp(x)), lambda x: mp.sin(mp.exp(x)), 0.5, math.inf, 16),
    "gamma": (special.gamma, mp.gamma, 1.7, 1.7, 12),
    "gammaln": (special.gammaln, mp.loggamma, 2.3, 2.3, 12),
    "digamma": (special.digamma, mp.digamma, 2.3, 2.3, 12),
    "erf": (special.erf, mp.erf, 0.4, math.inf, 12),
    "expit": (special.expit, lambda x: 1 / (1 + mp.exp(-x)), 0.8, math.hypot(0.8, math.pi), 16),
    "J0": (special.j0, lambda x: mp.besselj(0, x), 1.1, math.inf, 12),
    "J2.5": (lambda x: special.jv(2.5, x), lambda x: mp.besselj(mp.mpf(2.5), x), 1.6, 1.6, 10),
    "log cosh": (lambda x: np.logaddexp(x, -x), lambda x: mp.log(2 * mp.cosh(x)), 0.4, math.pi / 2, 16),
    "angle": (lambda x: np.arctan2(x, 2.0 - x), lambda x: mp.atan(x / (2 - x)), 0.4, 1.0, 16),
    "length": (lambda x: np.hypot(x, 2.0 - x), lambda x: mp.sqrt(x**2 + (2 - x) ** 2), 0.4, 1.0, 16),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_coefficients_are_those_of_mpmath(name: str) -> None:
    """Rounding errors grow as the coefficients of a function with the same singularity do: Cauchy's estimate."""
    fun, exact, x, radius, order = FUNCTIONS[name]
    y, found = wg.taylor(fun, (x,), ([1.0, *[0.0] * (order - 1)],))
    with mp.workdps(60):
        want = [float(c) for c in mp.taylor(exact, mp.mpf(x), order)]
    r = min(radius, 1.0)
    bound = [max(abs(c) * r ** (j - k) for j, c in enumerate(want[: k + 1])) for k in range(order + 1)]
    for k, c in enumerate([y, *found]):
        assert abs(c - want[k]) <= ULPS * (k + 1) ** 2 * EPS * bound[k], f"coefficient {k}"


@pytest.mark.parametrize("order", [0, 1, 2, 5, 10, 20])
def test_derivatives_of_high_order(order: int) -> None:
    x = 0.3
    with mp.workdps(60):
        want = float(mp.diff(mp.tanh, mp.mpf(x), order))
    size = math.factorial(order) / math.hypot(x, math.pi / 2) ** order
    assert abs(wg.derivative(np.tanh, order)(x) - want) <= ULPS * (order + 1) ** 2 * EPS * size
    assert wg.derivative(np.exp, order)(x) == pytest.approx(math.exp(x), rel=ULPS * (order + 1) ** 2 * EPS)


def test_an_order_whose_factorial_is_no_double() -> None:
    # d^n/dx^n 1 / (2 - x) = n! / (2 - x)^(n+1), which at -18 is 20^-(n+1) n!.
    with mp.workdps(30):
        want = float(mp.factorial(180) / mp.mpf(20) ** 181)
    found = wg.derivative(lambda x: 1.0 / (2.0 - x), 180)(-18.0)
    assert found == pytest.approx(want, rel=ULPS * 181 * EPS)


def test_high_orders_without_a_rule_do_not_nest_deeply() -> None:
    # d^n/dx^n erf = 2 / sqrt(pi) (-1)^(n-1) H_(n-1)(x) exp(-x^2), which at 0 is left with (n - 1)! / ((n - 1) / 2)!.
    n = 121
    with mp.workdps(30):
        want = float(2 / mp.sqrt(mp.pi) * mp.factorial(n - 1) / mp.factorial((n - 1) // 2))
    assert wg.derivative(special.erf, n)(0.0) == pytest.approx(want, rel=ULPS * n * EPS)


def test_results_keep_their_structure() -> None:
    found = wg.derivative(lambda x: {"a": x**3 * np.arange(3.0), "b": (x, 7)}, 2)(2.0)
    np.testing.assert_array_equal(found["a"], [0.0, 12.0, 24.0])
    assert found["b"] == (0.0, 0.0)
    y, (first, second) = wg.taylor(
        lambda p: {"s": p["u"] * p["v"]},
        ({"u": np.ones(2), "v": 3.0},),
        ([{"u": np.array([1.0, 2.0]), "v": 4.0}, {"u": np.zeros(2), "v": 5.0}],),
    )
    np.testing.assert_array_equal(y["s"], [3.0, 3.0])
    np.testing.assert_array_equal(first["s"], [7.0, 10.0])
    np.testing.assert_array_equal(second["s"], [9.0, 13.0])


def test_results_are_the_callers_own() -> None:
    u = np.ones(2)
    _, (first,) = wg.taylor(lambda x: [x, x], (np.ones(2),), ([u],))
    first[0][:] = 7.0
    np.testing.assert_array_equal(first[1], 1.0)
    np.testing.assert_array_equal(u, 1.0)


def test_single_precision_stays() -> None:
    def fun(x: Any) -> Any:
        return np.hypot(x, 2) * np.tanh(x / 3.0) + x**2.5 / (1 + np.exp(-x)) + np.arctan2(x, 2.0) ** 3

    y, found = wg.taylor(fun, (np.float32(0.7),), ([np.float32(1.0), np.float32(0.0), np.float32(0.0)],))
    _, want = wg.taylor(fun, (np.float64(np.float32(0.7)),), ([1.0, 0.0, 0.0],))
    assert {np.result_type(c) for c in [y, *found]} == {np.dtype(np.float32)}
    np.testing.assert_allclose(found, want, rtol=0, atol=64 * np.finfo(np.float32).eps * np.max(np.abs(want)))
    assert wg.derivative(fun, 4)(np.float32(0.7)).dtype == np.float32


# Nesting ------------------------------------------------------------------------------------------------------------


def test_gradients_of_derivatives_and_derivatives_of_gradients() -> None:
    x = 1.3
    assert wg.grad(wg.derivative(np.sin, 3))(x) == pytest.approx(math.sin(x), rel=16 * EPS)
    assert wg.derivative(wg.grad(np.sin), 3)(x) == pytest.approx(math.sin(x), rel=16 * EPS)
    assert wg.derivative(wg.derivative(np.sin, 2), 2)(x) == pytest.approx(math.sin(x), rel=16 * EPS)
    assert wg.hessian(wg.derivative(lambda x: x**5, 2))(x) == pytest.approx(120 * x, rel=16 * EPS)


@pytest.mark.parametrize("order", [1, 2, 5])
def test_compiled_batched_and_in_loops(order: int) -> None:
    def fun(x: Any) -> Any:
        carry, _ = wg.scan(
            lambda c, w: ((c[0] * w + c[1], np.sin(c[1] * x)), c[0]), (x, x * x), np.array([0.5, 1.5, 2.5])
        )
        y = wg.while_loop(lambda s: s[0] < 4.0, lambda s: (s[0] + s[1], s[1] * x), (x, x))[1]
        return carry[0] * carry[1] + y + wg.fori_loop(0, 3, lambda i, z: np.tanh(z * x + i), x)

    def plain(x: Any) -> Any:
        a, b = x, x * x
        for w in (0.5, 1.5, 2.5):
            a, b = a * w + b, np.sin(b * x)
        s, t = x, x
        while s < 4.0:
            s, t = s + t, t * x
        z = x
        for i in range(3):
            z = np.tanh(z * x + i)
        return a * b + t + z

    x, d = 1.2, wg.derivative(fun, order)
    want = wg.derivative(plain, order)(x)
    close = {"rel": 1e-13, "abs": 1e-13 * math.factorial(order) * 2.0**order}  # the size of what is added
    assert d(x) == pytest.approx(want, **close)
    compiled = wg.jit(d)
    for _ in range(3):
        assert compiled(x) == pytest.approx(want, **close)
    assert wg.derivative(wg.jit(fun), order)(x) == pytest.approx(want, **close)
    np.testing.assert_allclose(wg.vmap(d)(np.array([x, 1.1]))[0], want, rtol=1e-13, atol=close["abs"])
    last, _ = wg.scan(lambda c, _x: (c + d(c), None), x, length=1)
    assert last == pytest.approx(x + want, **close)


def test_reversed_loops_are_expanded() -> None:
    """Taylor mode over reverse mode over loops, with and without checkpoints, of several carries and constants."""

    def fun(loop: Any) -> Any:
        def value(x: Any) -> Any:
            a, b = loop(x)
            return np.sum(a * b) * x[0]

        return value

    def scanned(checkpoint: Any) -> Any:
        return lambda x: wg.scan(
            lambda c, w: ((np.sin(c[0] * w) + x, c[1] * x + c[0]), None),
            (x, x * x),
            np.array([0.5, 1.5, 0.7]),
            checkpoint=checkpoint,
        )[0]

    def repeated(x: Any) -> Any:
        step = lambda s: (s[0] + 1, (np.sin(s[1][0] * 0.8) + x, s[1][1] * x + s[1][0] * x[0]))
        return wg.while_loop(lambda s: s[0] < 3, step, (0, (x, x * x)))[1]

    def unrolled(x: Any) -> Any:
        a, b = x, x * x
        for _ in range(3):
            a, b = np.sin(a * 0.8) + x, b * x + a * x[0]
        return a, b

    def unrolled_scan(x: Any) -> Any:
        a, b = x, x * x
        for w in (0.5, 1.5, 0.7):
            a, b = np.sin(a * w) + x, b * x + a
        return a, b

    x, series = np.array([0.7, -0.4]), [np.array([1.0, 0.5]), np.array([-0.3, 0.2]), np.array([0.1, 0.4])]
    pairs = [(repeated, unrolled), (scanned(None), unrolled_scan), (scanned("sqrt"), unrolled_scan)]
    for loop, plain in pairs:
        found = wg.taylor(wg.grad(fun(loop)), (x,), (series,))[1]
        want = wg.taylor(wg.grad(fun(plain)), (x,), (series,))[1]
        np.testing.assert_allclose(found, want, rtol=0, atol=1e-13 * np.max(np.abs(want)))


def test_branches_checkpoints_and_own_rules() -> None:
    @wg.custom_derivative
    def softplus(x: Any) -> Any:
        return np.logaddexp(x, 0.0)

    softplus.defjvp(lambda xs, dots: (softplus(*xs), dots[0] / (1.0 + np.exp(-xs[0]))))

    @wg.custom_derivative
    def square(x: Any) -> Any:
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, g: (2.0 * x * g,))

    def fun(x: Any) -> Any:
        y = wg.cond(x > 0, lambda x: np.sin(x) * x, lambda x: np.cos(x), x)
        return wg.checkpoint(lambda v: np.exp(v * x))(y) + softplus(x) * square(x)

    def plain(x: Any) -> Any:
        y = np.sin(x) * x if x > 0 else np.cos(x)
        return np.exp(y * x) + np.logaddexp(x, 0.0) * x * x

    for x in (0.6, -0.6):
        for order in (1, 3, 5):
            want = wg.derivative(plain, order)(x)
            for d in (wg.derivative(fun, order), wg.jit(wg.derivative(fun, order))):
                assert d(x) == pytest.approx(want, rel=1e-12)


def test_values_of_other_transformations_are_constants() -> None:
    # d/dx (x d/dy (x + y)) = 1; confused perturbations give 2.
    assert wg.derivative(lambda x: x * wg.derivative(lambda y: x + y)(1.0))(1.0) == 1.0
    with wg.no_grad():
        assert wg.derivative(lambda x: x * x, 2)(3.0) == 2.0
    assert wg.derivative(lambda x: x * wg.stop_gradient(x), 2)(3.0) == 0.0


# Kinks and limits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fun", "x", "want"),
    [
        (lambda x: x**3, 0.0, [0.0, 0.0, 1.0, 0.0]),
        (lambda x: x**2.5, 0.0, [0.0, 0.0, np.inf, -np.inf]),
        (lambda x: (-2.0 + x) ** 3, 0.0, [12.0, -6.0, 1.0, 0.0]),
        (lambda x: np.power(x, np.array([0.0, 1.0, 2.0])), 0.0, [[0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]]),
        (np.abs, 0.0, [0.0, 0.0, 0.0, 0.0]),
        (lambda x: np.maximum(x, 0.0) ** 2, 0.0, [0.0, 0.25, 0.0, 0.0]),
        (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0, [0.0, 0.0, 0.0, 0.0]),
        (lambda x: np.where(x > 0, np.log(x), x), -1.0, [1.0, 0.0, 0.0, 0.0]),
        (lambda x: np.hypot(x, x), 0.0, [0.0, 0.0, 0.0, 0.0]),
        (lambda x: np.arctan2(0.0 * x, 0.0 * x), 1.0, [0.0, 0.0, 0.0, 0.0]),
        (np.sinc, 0.0, [0.0, -(np.pi**2) / 6, 0.0, np.pi**4 / 120]),
        (np.sqrt, 0.0, [np.inf, -np.inf, np.inf, -np.inf]),
        (np.floor, 0.5, [0.0, 0.0, 0.0, 0.0]),
        (np.exp, -np.inf, [0.0, 0.0, 0.0, 0.0]),
        (lambda x: np.arctan(x * 1e200), 1.0, [1e-200, -1e-200, 1e-200, -1e-200]),
        (lambda x: np.hypot(x * 1e200, 1e200), 0.0, [0.0, 5e199, 0.0, -1.25e199]),
    ],
)
def test_where_functions_have_corners_and_poles(fun: Any, x: float, want: Any) -> None:
    with np.errstate(all="ignore"):
        _, found = wg.taylor(fun, (x,), ([1.0, 0.0, 0.0, 0.0],))
    np.testing.assert_allclose(np.asarray(found), want, rtol=1e-14, atol=1e-15)


def test_a_coefficient_that_is_zero_meets_infinity() -> None:
    """Along a curve that does not move, the root of 0 does not either; its second coefficient is infinite."""
    _, found = wg.taylor(np.sqrt, (0.0,), ([0.0, 0.0],))
    assert found == [0.0, 0.0]
    with np.errstate(all="ignore"):
        _, found = wg.taylor(np.sqrt, (0.0,), ([0.0, 1.0],))
    assert found == [0.0, np.inf]


# Errors -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: wg.taylor(np.sin, 0.0, [1.0]), ArgumentError, "primals as a tuple"),
        (lambda: wg.taylor(np.sin, (0.0,), (1.0,)), ArgumentError, "one list of coefficients"),
        (lambda: wg.taylor(np.sin, (0.0,), ([1.0], [1.0])), ArgumentError, "one list of coefficients"),
        (lambda: wg.taylor(np.add, (0.0, 1.0), ([1.0], [1.0, 2.0])), ArgumentError, "1 and 2 coefficients"),
        (lambda: wg.taylor(np.sin, (0.0,), ([],)), ArgumentError, "0 coefficients"),
        (lambda: wg.taylor(np.sin, (np.ones(2),), ([np.ones(3)],)), ArgumentError, "does not fit"),
        (lambda: wg.taylor(np.sin, (np.ones(2),), ([{"a": 1.0}],)), ArgumentError, "another structure"),
        (lambda: wg.taylor(np.sin, (np.arange(2),), ([np.ones(2)],)), NotDifferentiableError, "int64"),
        (lambda: wg.derivative(np.sin)(np.ones(3)), ArgumentError, "elementwise_grad"),
        (lambda: wg.derivative(np.sin)(1j), ArgumentError, "one real number"),
        (lambda: wg.derivative(np.sin)([1.0, 2.0]), ArgumentError, "one real number"),
        (lambda: wg.derivative(np.sin)(np.array(1)), NotDifferentiableError, "int64"),
        (lambda: wg.derivative(np.sin, -1), ArgumentError, "whole number of times"),
        (lambda: wg.derivative(np.sin, 1.5), ArgumentError, "whole number of times"),
        (lambda: wg.derivative(3.0), TypeError, "derivative"),
        (lambda: wg.derivative(lambda x: "no")(1.0), NotDifferentiableError, "str"),
    ],
)
def test_errors_say_what_to_write(call: Any, error: type, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    if error is not TypeError:
        assert "why:" in str(caught.value)
        assert "instead:" in str(caught.value)


def test_differences_of_differences_are_refused() -> None:
    opaque = wg.external(lambda x: math.sin(x), fd="central")
    with pytest.raises(NotDifferentiableError, match="second derivative"):
        wg.derivative(opaque, 2)(1.0)
    assert wg.derivative(opaque)(1.0) == pytest.approx(math.cos(1.0), rel=1e-9)


# Cost ---------------------------------------------------------------------------------------------------------------


def operations(fun: Any, order: int) -> int:
    """How many operations the coefficients take, by the length of their graph."""
    graph = wg.trace(lambda x: wg.taylor(fun, (x,), ([x, *[x * 0.5] * (order - 1)],)))(1.3)
    return len(graph.nodes)


@pytest.mark.parametrize("name", ["sin(exp(x))", "tanh", "Runge", "arcsinh", "log cosh", "length"])
def test_rules_cost_the_square_of_the_order(name: str) -> None:
    fun = FUNCTIONS[name][0]
    four, eight, sixteen = (operations(fun, k) for k in (4, 8, 16))
    assert sixteen - eight <= 4.5 * (eight - four)  # of a parabola, 4 times


@pytest.mark.parametrize("name", ["gamma", "digamma", "J0", "erf", "x^x", "x^2.5"])
def test_others_are_polynomial_too(name: str) -> None:
    """By jvp rules alone, and powers that may be at 0; without sharing, doubling the order would square the count."""
    fun = FUNCTIONS[name][0]
    three, six, twelve = (operations(fun, k) for k in (3, 6, 12))
    assert twelve <= 24 * six
    assert six <= 24 * three


# Traced values that escape, and threads -----------------------------------------------------------------------------


@pytest.mark.parametrize("transform", [lambda f: wg.derivative(f, 2)(1.0), lambda f: wg.laplacian(f)(1.0)])
def test_a_traced_value_that_escaped(transform: Any) -> None:
    kept: list[Any] = []
    transform(lambda x: kept.append(x * x) or x)
    with pytest.raises(TracerEscapedError):
        np.sin(kept[0])


def test_threads_do_not_meet() -> None:
    want = [wg.derivative(np.tanh, 5)(0.1 * k) for k in range(16)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda k: wg.derivative(np.tanh, 5)(0.1 * k), range(16))) == want
