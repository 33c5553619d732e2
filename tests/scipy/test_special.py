"""wengert.scipy.special: derivatives in parameters against mpmath, and the functions that SciPy writes in Python."""

import itertools

import mpmath as mp
import numpy as np
import pytest
from scipy import special

import wengert as wg
import wengert.scipy.special as ws
from tests.ops.matrix_agreement import agrees
from wengert.errors import RefusedError

PARAMETER = 1e-9  # relative; the requirement is 1e-8
RNG = np.random.default_rng(0)


# Independent references: series summed with mpmath, term by term ---------------------------------------------------


def sum_terms(term, ratio, factor, step):
    """Sum of term * factor over n, with their recurrences, until the terms no longer count."""
    total = largest = mp.mpf(0)
    for n in itertools.count():
        total += term * factor
        largest = max(largest, abs(term * factor))
        grows = ratio(n)
        if grows < 1 and abs(term * factor) < mp.eps * abs(total) * (1 - grows):
            break
        term, factor = term * grows, factor + step(n)
    assert abs(total) > largest * mp.mpf(10) ** -45, "the reference cancels"
    return total


def gamma_reference(a, x):
    """DLMF 8.7.1: P = sum of x^(a+n) e^-x / Gamma(a+n+1), each term with the slope log x - psi(a+n+1)."""
    first = mp.exp(a * mp.log(x) - x - mp.loggamma(a + 1))
    return sum_terms(
        first, lambda n: x / (a + n + 1), mp.log(x) - mp.psi(0, a + 1), lambda n: -1 / (a + n + 1)
    )


def beta_reference_a(a, b, x):
    """DLMF 8.17.8: I = sum of x^(a+n) (1-x)^b Gamma(a+b+n) / (Gamma(a+n+1) Gamma(b))."""
    first = mp.exp(
        a * mp.log(x) + b * mp.log1p(-x) + mp.loggamma(a + b) - mp.loggamma(a + 1) - mp.loggamma(b)
    )
    slope = mp.log(x) + mp.psi(0, a + b) - mp.psi(0, a + 1)
    return sum_terms(
        first, lambda n: x * (a + b + n) / (a + n + 1), slope, lambda n: 1 / (a + b + n) - 1 / (a + n + 1)
    )


def beta_reference_b(a, b, x):
    """I_x(a, b) = 1 - I_(1-x)(b, a), DLMF 8.17.4."""
    return -beta_reference_a(b, a, 1 - x)


def order_reference(fun):
    return lambda v, x: mp.diff(lambda t: fun(t, x), v)


WIDE = np.logspace(-4, 3, 8)
GAMMA_POINTS = [
    (a, x)
    for a in WIDE
    for x in {*np.logspace(-4, 2.5, 6), *(a * np.array([0.1, 0.8, 1.0, 1.3]))}
    if special.gammainc(a, x) > 1e-290 and special.gammaincc(a, x) > 1e-30
]
BETA_POINTS = [
    (a, b, x)
    for a in (1e-3, 0.05, 1.0, 20.0, 500.0)
    for b in (1e-3, 0.05, 1.0, 20.0, 500.0)
    for x in {1e-6, 0.05, 0.5, 0.9, float(np.clip(a / (a + b), 1e-6, 0.97))}
    if special.betainc(a, b, x) > 1e-290 and special.betaincc(a, b, x) > 1e-25
]
ORDERS = [-2.5, -1.0, -0.3, 0.0, 1e-3, 0.1, 0.5, 1.0, 2.7, 10.0, 60.0]
ARGUMENTS = [1e-6, 1e-2, 0.5, 2.0, 10.0, 80.0, 400.0]
BESSEL_POINTS = [(v, x) for v in ORDERS for x in ARGUMENTS]


def slope_in(fun, place, point):
    """Our derivative of a ufunc in one of its operands."""
    return wg.grad(lambda t: fun(*point[:place], t, *point[place + 1 :]))(point[place])


def hold(fun, place, points, reference, scale=None, dps=60):
    bad = []
    for point in points:
        with mp.workdps(dps if isinstance(dps, int) else dps(*point)):
            expected = reference(*[mp.mpf(float(x)) for x in point])
        size = abs(float(expected))
        if scale is not None:
            size = max(size, scale(*point))
        if not 1e-290 < size < 1e290:
            continue
        off = abs(slope_in(fun, place, point) - float(expected)) / size
        if not off <= PARAMETER:
            bad.append((point, off))
    assert not bad


def test_incomplete_gamma_in_a():
    hold(special.gammainc, 0, GAMMA_POINTS, gamma_reference, dps=80)
    hold(special.gammaincc, 0, GAMMA_POINTS[::5], lambda a, x: -gamma_reference(a, x), dps=80)


def test_incomplete_beta_in_a_and_b():
    hold(special.betainc, 0, BETA_POINTS, beta_reference_a, dps=80)
    points = [(b, a, 1 - x) for a, b, x in BETA_POINTS if x >= 0.05][::2]
    hold(special.betainc, 1, points, beta_reference_b, dps=80)
    hold(special.betaincc, 1, points[::5], lambda *p: -beta_reference_b(*p), dps=80)


def envelope(v, x):
    """Size of J and Y where they oscillate: their zeros in v have no relative accuracy."""
    return np.hypot(special.jv(v, x), special.yv(v, x)) if x > abs(v) else 0.0


@pytest.mark.parametrize(
    ("fun", "reference", "scale"),
    [
        (special.iv, mp.besseli, None),
        (special.kv, mp.besselk, None),
        (special.jv, mp.besselj, envelope),
        (special.yv, mp.bessely, envelope),
    ],
    ids=["iv", "kv", "jv", "yv"],
)
def test_orders_of_bessel_functions(fun, reference, scale):
    points = [p for p in BESSEL_POINTS if not (fun is special.kv and p[0] == 0)]
    digits = lambda _v, x: 50 + int(0.9 * x)  # the derivative of I is smaller than I by exp(-2x)
    hold(fun, 0, points, order_reference(reference), scale, dps=digits if fun is special.iv else 50)


@pytest.mark.parametrize("name", ["ive", "kve", "jve", "yve"])
def test_scaled_functions_follow_from_the_others(name):
    fun, plain = getattr(special, name), getattr(special, name[:-1])
    for v, x in itertools.product(ORDERS, [0.5, 2.0, 10.0]):
        factor = {"i": np.exp(-x), "k": np.exp(x)}.get(name[0], 1.0)
        expected = slope_in(plain, 0, (v, x)) * factor
        np.testing.assert_allclose(slope_in(fun, 0, (v, x)), expected, rtol=1e-9, atol=1e-12)


def test_orders_at_complex_points():
    z = 1.3 + 0.7j
    for fun, reference in (
        (special.jv, mp.besselj),
        (special.yv, mp.bessely),
        (special.iv, mp.besseli),
        (special.kv, mp.besselk),
        (special.hankel1, mp.hankel1),
        (special.hankel2, mp.hankel2),
    ):
        _, y_dot = wg.jvp(lambda v, fun=fun: fun(v, z), (0.7,), (1.0,))
        expected = mp.diff(lambda v, f=reference: f(v, mp.mpc(z)), 0.7)
        np.testing.assert_allclose(y_dot, complex(expected), rtol=PARAMETER)


def test_edges_of_the_parameters():
    assert wg.grad(lambda a: special.gammainc(a, 0.0))(2.0) == 0
    assert wg.grad(lambda a: special.gammainc(a, np.inf))(2.0) == 0
    assert wg.grad(lambda a: special.gammainc(a, 1e-300))(300.0) == 0  # underflow
    assert wg.grad(lambda a: special.betainc(a, 2.0, 0.0))(2.0) == 0
    assert wg.grad(lambda a: special.betainc(a, 2.0, 1.0))(2.0) == 0
    for fun in (special.jv, special.iv):
        assert wg.grad(lambda v, fun=fun: fun(v, 0.0))(1.5) == 0
        assert wg.grad(lambda v, fun=fun: fun(v, 0.0))(0.0) == -np.inf
    assert wg.grad(lambda v: special.kv(v, 2.0))(0.0) == 0
    np.testing.assert_allclose(
        wg.grad(lambda v: special.iv(v, 300.0))(0.0), -special.kv(0, 300.0), rtol=1e-10
    )
    masked = wg.grad(lambda a: np.sum(np.where(a > 0, special.gammainc(np.where(a > 0, a, 1.0), 1.0), 0.0)))
    assert np.isfinite(masked(np.array([0.0, 1.0]))).all()


@pytest.mark.parametrize(
    ("fun", "point"),
    [
        (special.gammainc, (2.3, 1.7)),
        (special.gammaincc, (0.4, 2.2)),
        (special.gammaincinv, (2.3, 0.4)),
        (special.gammainccinv, (2.3, 0.4)),
        (special.betainc, (2.3, 0.7, 0.4)),
        (special.betaincc, (2.3, 0.7, 0.4)),
        (special.betaincinv, (2.3, 0.7, 0.4)),
        (special.jv, (1.3, 2.4)),
        (special.yv, (1.3, 2.4)),
        (special.iv, (1.3, 2.4)),
        (special.iv, (0.3, 2.4)),
        (special.iv, (-0.4, 2.4)),
        (special.kv, (-1.3, 2.4)),
        (special.ive, (0.3, 2.4)),
        (special.kve, (1.3, 2.4)),
        (special.stdtr, (3.5, -0.7)),
        (special.stdtr, (3.5, 0.7)),
        (special.stdtrit, (3.5, 0.2)),
        (special.fdtr, (3.5, 2.5, 0.7)),
        (special.fdtri, (3.5, 2.5, 0.7)),
        (special.chdtr, (3.5, 0.7)),
        (special.chdtrc, (3.5, 0.7)),
        (special.chdtri, (3.5, 0.7)),
        (special.gdtr, (1.5, 2.5, 0.7)),
        (special.gdtrix, (1.5, 2.5, 0.7)),
        (special.zeta, (2.5, 0.7)),
    ],
    ids=lambda item: getattr(item, "__name__", None),
)
def test_all_operands_to_second_order(fun, point):
    wg.check_grads(fun, point, order=2, rtol=1e-9)


def test_third_order_in_a_parameter():
    expected = mp.diff(lambda a: mp.gammainc(a, 0, 1.7, regularized=True), 2.3, 3)
    third = wg.grad(wg.grad(wg.grad(lambda a: special.gammainc(a, 1.7))))(2.3)
    np.testing.assert_allclose(third, float(expected), rtol=1e-8)


def test_parameters_in_single_precision():
    a = np.array([0.5, 2.0, 30.0], np.float32)
    slopes = wg.grad(lambda a: np.sum(special.gammainc(a, np.float32(1.5))))(a)
    assert slopes.dtype == np.float32
    expected = wg.grad(lambda a: np.sum(special.gammainc(a, 1.5)))(a.astype(float))
    np.testing.assert_allclose(slopes, expected, rtol=1e-6)


@pytest.mark.parametrize("s", [-4.5, -0.5, 0.3, 1.01, 1.5, 3.0, 10.0, 60.0])
def test_zeta(s):
    with mp.workdps(40):
        expected = float(mp.diff(mp.zeta, s))
    np.testing.assert_allclose(wg.grad(ws.zeta)(s), expected, rtol=1e-9)
    np.testing.assert_allclose(wg.grad(special.zetac)(s), expected, rtol=1e-9)


@pytest.mark.parametrize("q", [0.2, 1.0, 30.0])
def test_hurwitz_zeta(q):
    for s in (1.01, 2.0, 7.5):
        expected = float(mp.diff(lambda t, q=q: mp.zeta(t, q), s))
        np.testing.assert_allclose(wg.grad(lambda s: ws.zeta(s, q))(s), expected, rtol=1e-9)


# Functions that SciPy writes in Python ------------------------------------------------------------------------------

X, W = RNG.normal(size=(2, 3)), RNG.uniform(-1.0, 1.0, (2, 3)) + 0.3
PYTHON = {
    "logsumexp": (ws.logsumexp, X),
    "logsumexp axis": (lambda x: ws.logsumexp(x, axis=1), X),
    "logsumexp axes": (lambda x: ws.logsumexp(x, axis=(0, -1), keepdims=True), X),
    "logsumexp weights": (lambda x, w: ws.logsumexp(x, axis=-1, b=w, keepdims=True), X, np.abs(W)),
    "logsumexp weights broadcast": (lambda x, w: ws.logsumexp(x, axis=0, b=w), X, np.array([[0.5], [2.0]])),
    "logsumexp sign": (lambda x, w: ws.logsumexp(x, axis=-1, b=w, return_sign=True)[0], X, -W),
    "logsumexp complex": (ws.logsumexp, X + 1j * W),
    "logsumexp complex sign": (lambda x: ws.logsumexp(x, axis=0, return_sign=True), X + 1j * W),
    "logsumexp number": (ws.logsumexp, np.asarray(1.5)),
    "softmax": (ws.softmax, X),
    "softmax axis": (lambda x: ws.softmax(x, axis=0), X),
    "log_softmax": (lambda x: ws.log_softmax(x, axis=-1), X),
    "log_softmax all": (ws.log_softmax, X),
    "multigammaln": (lambda a: ws.multigammaln(a, 3), np.abs(X) + 2.0),
    "polygamma": (lambda x: ws.polygamma(2, x), np.abs(X) + 0.5),
    "polygamma 0": (lambda x: ws.polygamma(0, x), np.abs(X) + 0.5),
    "factorial": (ws.factorial, np.abs(X) + 0.5),
    "comb": (ws.comb, np.abs(X) + 4.0, np.abs(W) + 1.0),
    "comb repetition": (lambda n, k: ws.comb(n, k, repetition=True), np.abs(X) + 4.0, np.abs(W) + 1.0),
    "perm": (ws.perm, np.abs(X) + 4.0, np.abs(W) + 1.0),
    "jvp": (lambda x: ws.jvp(1.5, x, 2), np.abs(X) + 1.0),
    "lambertw": (lambda x: ws.lambertw(x).real, np.abs(X)),
    **{
        f"spherical_{name} {derivative}": (
            lambda z, name=name, derivative=derivative: getattr(ws, f"spherical_{name}")(2, z, derivative),
            np.abs(X) + 1.0,
        )
        for name in ("jn", "yn", "in", "kn")
        for derivative in (False, True)
    },
}


@pytest.mark.parametrize("name", PYTHON)
def test_functions_of_python(name):
    fun, *xs = PYTHON[name]
    agrees(fun, *xs)


@pytest.mark.parametrize("name", ws.__all__)
def test_plain_values_are_those_of_scipy(name):
    args = {
        "multigammaln": (3.0, 2),
        "comb": (5, 2),
        "perm": (5, 2),
        "polygamma": (1, X**2),
        "factorial": (4,),
    }
    args = args.get(name, (2, X**2) if name.startswith("spherical") else (X,))
    ours, theirs = getattr(ws, name)(*args), getattr(special, name)(*args)
    assert type(ours) is type(theirs)
    np.testing.assert_array_equal(ours, theirs, strict=True)


def test_every_name_of_scipy_is_here():
    assert [name for name in special.__all__ if not hasattr(ws, name)] == []
    assert set(special.__all__) <= set(dir(ws))
    assert ws.gammaln is special.gammaln
    assert ws.SpecialFunctionWarning is special.SpecialFunctionWarning


def test_logsumexp_at_infinities():
    inf = np.inf
    assert wg.value_and_grad(ws.logsumexp)(np.array([-inf, -inf]))[0] == -inf
    np.testing.assert_array_equal(wg.grad(ws.logsumexp)(np.array([-inf, -inf])), [0.0, 0.0])
    np.testing.assert_array_equal(wg.grad(ws.logsumexp)(np.array([-inf, 1.0])), [0.0, 1.0])
    np.testing.assert_array_equal(wg.grad(ws.logsumexp)(np.array([inf, 1.0, inf])), [0.5, 0.0, 0.5])
    np.testing.assert_array_equal(wg.jvp(ws.logsumexp, (np.array([-inf, -inf]),), (np.ones(2),))[1], 0.0)
    hessian = wg.hessian(ws.logsumexp)(np.array([-inf, 1.0, 1.0]))
    np.testing.assert_allclose(hessian, [[0, 0, 0], [0, 0.25, -0.25], [0, -0.25, 0.25]], atol=1e-15)
    weights = np.array([0.0, 1.0])
    np.testing.assert_array_equal(
        wg.grad(lambda x: ws.logsumexp(x, b=weights))(np.array([800.0, 1.0])), [0, 1]
    )


def test_logsumexp_of_far_apart_and_of_large_entries():
    value, slopes = wg.value_and_grad(ws.logsumexp)(np.array([0.0, -40.0]))
    assert value == special.logsumexp([0.0, -40.0]) > 0
    np.testing.assert_allclose(slopes, [1.0, np.exp(-40.0)], rtol=1e-14)
    slopes = wg.grad(ws.logsumexp)(np.array([1e6, 1e6 + 1.0]))
    np.testing.assert_allclose(slopes, special.softmax([0.0, 1.0]), rtol=1e-14)


def test_log_softmax_at_infinities():
    """An infinite entry takes all the derivative, as a huge one does; an entry of -inf takes none."""
    inf = np.inf
    for fun, at, expected in (
        (wg.jacrev, [inf, 1.0], [[0, 0], [-1, 1]]),
        (wg.jacfwd, [inf, 1.0], [[0, 0], [-1, 1]]),
        (wg.jacrev, [-inf, 1.0], [[1, -1], [0, 0]]),
        (wg.jacfwd, [-inf, 1.0], [[1, -1], [0, 0]]),
    ):
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(fun(ws.log_softmax)(np.array(at)), expected)
    np.testing.assert_array_equal(wg.jacrev(ws.softmax)(np.array([-inf, 1.0])), np.zeros((2, 2)))
    halves = np.array([-inf, 2.0, 2.0])
    for jacobian in (wg.jacrev, wg.jacfwd):
        np.testing.assert_array_equal(
            jacobian(ws.softmax)(halves), [[0, 0, 0], [0, 0.25, -0.25], [0, -0.25, 0.25]]
        )
    for inner, outer in ((wg.jacrev, wg.jacfwd), (wg.jacfwd, wg.jacrev)):
        second = outer(inner(lambda x: ws.log_softmax(x)[1]))(halves)
        np.testing.assert_allclose(second, [[0, 0, 0], [0, -0.25, 0.25], [0, 0.25, -0.25]], atol=1e-15)


def test_softmax_of_large_entries():
    np.testing.assert_allclose(wg.jacobian(ws.softmax)(np.array([1e4, 0.0])), np.zeros((2, 2)))
    np.testing.assert_allclose(wg.jacobian(ws.log_softmax)(np.array([1e4, 0.0])), [[0, 0], [-1, 1]])


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: ws.ellip_normal(3, 5, x),
        lambda x: ws.factorial(x, exact=True),
        lambda x: ws.diric(x, 3),
    ],
)
def test_refused_in_four_parts(fun):
    with pytest.raises(RefusedError) as caught:
        wg.grad(fun)(2.0)
    assert caught.value.where
    assert caught.value.why
    assert caught.value.instead
