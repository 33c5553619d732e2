"""Special functions: first derivatives against mpmath at 40 digits over their domains, and special values.

A derivative f'(x) is held to 1e-11 relative, or to what its own conditioning allows: it is computed from x and from
values of SciPy that are themselves good to a few ulp times their condition numbers.
"""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from scipy import special

import wengert as wg
from wengert.errors import RuleMissingError

ACCURACY = 1e-11
EPS = np.finfo(float).eps

TAILS = np.concatenate([-np.logspace(-6, 1.4, 15), np.logspace(-6, 1.4, 15)])
POSITIVE = np.logspace(-6, 2, 20)
WIDE = np.logspace(-6, 4, 25)
UNIT = np.concatenate([np.logspace(-12, -1, 8), [0.3, 0.5, 0.7], 1 - np.logspace(-8, -1, 8)])
LARGE = np.concatenate([-np.logspace(-6, 7, 14), np.logspace(-6, 7, 14)])


def root(x):
    return mp.sqrt(mp.mpf(x))


FIRST = {
    "gamma": (
        special.gamma,
        lambda x: mp.gamma(x) * mp.psi(0, x),
        np.array([1e-6, 0.1, 0.9, 2.5, 10.0, 150.0, -0.5, -3.3]),
    ),
    "gammaln": (special.gammaln, lambda x: mp.psi(0, x), WIDE),
    "digamma": (special.psi, lambda x: mp.psi(1, x), np.concatenate([WIDE, [-0.5, -3.3, -20.7]])),
    "rgamma": (
        special.rgamma,
        lambda x: -mp.psi(0, x) * mp.rgamma(x),
        np.array([-20.3, -3.3, -0.5, 0.2, 0.5, 0.9, 3.0, 20.0, 100.0]),
    ),
    "erf": (special.erf, lambda x: 2 / root(mp.pi) * mp.exp(-x * x), TAILS),
    "erfc": (special.erfc, lambda x: -2 / root(mp.pi) * mp.exp(-x * x), TAILS),
    "erfcx": (
        special.erfcx,
        lambda x: 2 * x * mp.exp(x * x) * mp.erfc(x) - 2 / root(mp.pi),
        np.concatenate([-np.logspace(-6, 1.3, 12), np.logspace(-6, 4, 30)]),
    ),
    "erfi": (special.erfi, lambda x: 2 / root(mp.pi) * mp.exp(x * x), TAILS),
    "dawsn": (
        special.dawsn,
        lambda x: 1 - x * root(mp.pi) * mp.exp(-x * x) * mp.erfi(x),
        np.concatenate([-np.logspace(-6, 1.5, 12), np.logspace(-6, 1.5, 12)]),
    ),
    "ndtr": (special.ndtr, mp.npdf, TAILS),
    "log_ndtr": (
        special.log_ndtr,
        lambda x: mp.npdf(x) / mp.ncdf(x),
        np.concatenate([-np.logspace(-6, 4, 21), np.logspace(-6, 1.4, 12), [-40.0]]),
    ),
    "fresnel S": (
        lambda x: special.fresnel(x)[0],
        lambda x: mp.sin(mp.pi * x * x / 2),
        np.array([1e-3, 0.5, 1.2, 3.1]),
    ),
    "fresnel C": (
        lambda x: special.fresnel(x)[1],
        lambda x: mp.cos(mp.pi * x * x / 2),
        np.array([1e-3, 0.5, 1.3, 3.2]),
    ),
    "expit": (
        special.expit,
        lambda x: mp.exp(-x) / (1 + mp.exp(-x)) ** 2,
        np.concatenate([TAILS, [-700.0, 700.0]]),
    ),
    "log_expit": (special.log_expit, lambda x: 1 / (1 + mp.exp(x)), np.concatenate([TAILS, [-700.0, 700.0]])),
    "logit": (special.logit, lambda x: 1 / (x * (1 - x)), UNIT),
    "entr": (special.entr, lambda x: -mp.log(x) - 1, POSITIVE),
    "exprel": (
        special.exprel,
        lambda x: (mp.exp(x) * (x - 1) + 1) / (x * x),
        np.concatenate([np.logspace(-8, 2.8, 30), -np.logspace(-8, 6, 30)]),
    ),
    "j0": (special.j0, lambda x: -mp.besselj(1, x), np.logspace(-6, 1.5, 15)),
    "j1": (special.j1, lambda x: mp.besselj(1, x, 1), np.logspace(-6, 1.5, 15)),
    "y0": (special.y0, lambda x: -mp.bessely(1, x), np.logspace(-6, 1.5, 15)),
    "y1": (special.y1, lambda x: mp.bessely(1, x, 1), np.logspace(-6, 1.5, 15)),
    "i0": (special.i0, lambda x: mp.besseli(1, x), TAILS),
    "i1": (special.i1, lambda x: mp.besseli(1, x, 1), TAILS),
    "i0e": (
        special.i0e,
        lambda x: mp.sign(x) * mp.exp(-abs(x)) * (mp.besseli(1, abs(x)) - mp.besseli(0, x)),
        LARGE,
    ),
    "i1e": (
        special.i1e,
        lambda x: mp.exp(-abs(x)) * (mp.besseli(1, abs(x), 1) - mp.besseli(1, abs(x))),
        np.concatenate([-np.logspace(-6, 3, 12), np.logspace(-6, 3, 12)]),
    ),
    "k0": (special.k0, lambda x: -mp.besselk(1, x), POSITIVE),
    "k1": (special.k1, lambda x: -(mp.besselk(0, x) + mp.besselk(2, x)) / 2, POSITIVE),
    "jv 2.5": (lambda x: special.jv(2.5, x), lambda x: mp.besselj(2.5, x, 1), np.logspace(-3, 1.5, 12)),
    "yv 1.5": (lambda x: special.yv(1.5, x), lambda x: mp.bessely(1.5, x, 1), np.logspace(-3, 1.5, 12)),
    "iv 0.5": (lambda x: special.iv(0.5, x), lambda x: mp.besseli(0.5, x, 1), np.logspace(-3, 2, 12)),
    "kv 0.5": (
        lambda x: special.kv(0.5, x),
        lambda x: -(mp.besselk(-0.5, x) + mp.besselk(1.5, x)) / 2,
        np.logspace(-3, 2, 12),
    ),
    "yn 0": (lambda x: special.yn(0, x), lambda x: -mp.bessely(1, x), np.logspace(-3, 1.5, 12)),
    "kn 0": (lambda x: special.kn(0, x), lambda x: -mp.besselk(1, x), np.logspace(-3, 1.5, 12)),
    "struve 0": (
        lambda x: special.struve(0, x),
        lambda x: 2 / mp.pi - mp.struveh(1, x),
        np.array([1e-3, 0.1, 1.0, 3.0, 10.0]),
    ),
    "airy Ai": (
        lambda x: special.airy(x)[0],
        lambda x: mp.airyai(x, derivative=1),
        np.array([-5.0, -1.0, 0.0, 1.0, 5.0]),
    ),
    "airy Bi'": (lambda x: special.airy(x)[3], lambda x: x * mp.airybi(x), np.array([-5.0, -1.0, 1.0, 5.0])),
    "exp1": (special.exp1, lambda x: -mp.exp(-x) / x, POSITIVE),
    "expi": (special.expi, lambda x: mp.exp(x) / x, np.concatenate([-POSITIVE, POSITIVE])),
    "expn 0": (lambda x: special.expn(0, x), lambda x: -mp.exp(-x) / x * (1 + 1 / x), POSITIVE),
    "expn 3": (lambda x: special.expn(3, x), lambda x: -mp.expint(2, x), POSITIVE),
    "Si": (
        lambda x: special.sici(x)[0],
        lambda x: mp.sinc(x),
        np.concatenate([[1e-8], np.logspace(-3, 1.3, 12)]),
    ),
    "Ci": (lambda x: special.sici(x)[1], lambda x: mp.cos(x) / x, np.logspace(-6, 1.3, 12)),
    "Shi": (lambda x: special.shichi(x)[0], lambda x: mp.sinh(x) / x, POSITIVE),
    "Chi": (lambda x: special.shichi(x)[1], lambda x: mp.cosh(x) / x, POSITIVE),
    "spence": (
        special.spence,
        lambda z: mp.log(z) / (1 - z),
        np.concatenate([np.logspace(-12, 8, 40), 1 + np.logspace(-9, -1, 9)]),
    ),
    "ellipk": (
        special.ellipk,
        lambda m: (mp.ellipe(m) - (1 - m) * mp.ellipk(m)) / (2 * m * (1 - m)),
        np.concatenate([-np.logspace(-8, 6, 20), np.logspace(-8, -0.01, 15), 1 - np.logspace(-8, -1, 8)]),
    ),
    "ellipe": (
        special.ellipe,
        lambda m: (mp.ellipe(m) - mp.ellipk(m)) / (2 * m),
        np.concatenate([-np.logspace(-8, 6, 20), np.logspace(-8, -0.01, 15), 1 - np.logspace(-8, -1, 8)]),
    ),
    "ellipkm1": (
        special.ellipkm1,
        lambda p: -(mp.ellipe(1 - p) - p * mp.ellipk(1 - p)) / (2 * (1 - p) * p),
        np.concatenate([np.logspace(-20, -0.5, 15), [0.6, 0.9, 1.2, 1.7, 5.0]]),
    ),
    "zeta 3": (lambda q: special.zeta(3.0, q), lambda q: -3 * mp.zeta(4, q), WIDE),
    "lambertw": (
        lambda x: np.real(special.lambertw(x)),
        lambda x: mp.exp(-mp.lambertw(x)) / (1 + mp.lambertw(x)),
        np.concatenate([[-0.3, -0.1, 0.0], np.logspace(-6, 6, 13)]),
    ),
    "wrightomega": (
        special.wrightomega,
        lambda z: (w := mp.lambertw(mp.exp(z))) / (1 + w),
        np.linspace(-10, 10, 9),
    ),
    "cosm1": (special.cosm1, lambda x: -mp.sin(x), np.logspace(-8, 0.4, 9)),
    "exp10": (special.exp10, lambda x: mp.log(10) * mp.mpf(10) ** x, np.linspace(-20, 20, 9)),
    "sindg": (
        special.sindg,
        lambda x: mp.cos(mp.radians(x)) * mp.pi / 180,
        np.array([1e-3, 10.0, 45.0, 60.0, 170.0]),
    ),
    "stdtr": (
        lambda t: special.stdtr(5.0, t),
        lambda t: mp.gamma(3) / (mp.sqrt(5 * mp.pi) * mp.gamma(2.5)) * (1 + t * t / 5) ** -3,
        TAILS,
    ),
    "gammainc 2.5": (
        lambda x: special.gammainc(2.5, x),
        lambda x: x**1.5 * mp.exp(-x) / mp.gamma(2.5),
        POSITIVE,
    ),
    "gammainc 1000": (
        lambda x: special.gammainc(1000.0, x),
        lambda x: x**999 * mp.exp(-x) / mp.gamma(1000),
        np.linspace(800.0, 1200.0, 9),
    ),
    "betainc": (
        lambda x: special.betainc(2.5, 30.0, x),
        lambda x: x**1.5 * (1 - x) ** 29 / mp.beta(2.5, 30),
        np.array([1e-8, 1e-3, 0.1, 0.5, 0.9, 0.999]),
    ),
}

# Where the derivative passes through zero or is a difference of larger terms, an ulp of those terms is what it has.
NEAR_ZEROS = {"entr", "j0", "j1", "y0", "y1", "jv 2.5", "yv 1.5", "yn 0", "gamma", "gammaln", "rgamma", "dawsn",
              "struve 0", "Ci", "Si", "airy Ai", "airy Bi'"}  # fmt: skip


@pytest.mark.parametrize("name", FIRST)
def test_first_derivative(name):
    fun, reference, points = FIRST[name]
    found = wg.elementwise_grad(fun)(points)
    for x, slope in zip(points, found, strict=True):
        with mp.workdps(60):
            expected = float(mp.re(reference(mp.mpf(float(x)))))
        floor = 8 * EPS * max(1.0, abs(float(fun(x)))) if name in NEAR_ZEROS else 0.0
        assert abs(slope - expected) <= ACCURACY * abs(expected) + floor, (x, slope, expected)


INVERSES = {
    "erfinv": (special.erfinv, special.erf, [-0.9, 0.0, 0.5, 1 - 1e-10]),
    "erfcinv": (special.erfcinv, special.erfc, [1e-200, 1e-3, 1.0, 1.9]),
    "ndtri": (special.ndtri, special.ndtr, [1e-200, 1e-3, 0.5, 0.9]),
    "ndtri_exp": (special.ndtri_exp, special.log_ndtr, [-500.0, -3.0, -0.1]),
    "gammaincinv": (
        lambda p: special.gammaincinv(2.0, p),
        lambda x: special.gammainc(2.0, x),
        [1e-8, 0.3, 0.9],
    ),
    "betaincinv": (
        lambda p: special.betaincinv(2.0, 3.0, p),
        lambda x: special.betainc(2.0, 3.0, x),
        [1e-8, 0.3, 0.9],
    ),
    "stdtrit": (lambda p: special.stdtrit(4.0, p), lambda t: special.stdtr(4.0, t), [1e-3, 0.3, 0.9]),
    "inv_boxcox": (lambda y: special.inv_boxcox(y, 0.3), lambda x: special.boxcox(x, 0.3), [-1.0, 0.0, 2.0]),
    "bdtri": (lambda y: special.bdtri(2, 7, y), lambda p: special.bdtr(2, 7, p), [0.1, 0.5]),
    "pdtri": (lambda y: special.pdtri(3, y), lambda m: special.pdtr(3, m), [0.1, 0.5]),
}


@pytest.mark.parametrize("name", INVERSES)
def test_slope_of_an_inverse_is_the_reciprocal(name):
    inverse, direct, points = INVERSES[name]
    for p in points:
        assert wg.grad(inverse)(p) * wg.grad(direct)(float(inverse(p))) == pytest.approx(1.0, rel=ACCURACY)


# Special values: gradient at a point, in both modes

POINTS = {
    "xlogy 0 0": (special.xlogy, [0.0, 0.0], [-np.inf, 0.0]),
    "xlogy 0 2": (special.xlogy, [0.0, 2.0], [np.log(2.0), 0.0]),
    "xlogy 1 0": (special.xlogy, [1.0, 0.0], [-np.inf, np.inf]),
    "xlog1py 0 -1": (special.xlog1py, [0.0, -1.0], [-np.inf, 0.0]),
    "entr 0": (special.entr, [0.0], [np.inf]),
    "rel_entr 0 2": (special.rel_entr, [0.0, 2.0], [-np.inf, 0.0]),
    "rel_entr 0 0": (special.rel_entr, [0.0, 0.0], [1.0, 0.0]),
    "kl_div 0 0": (special.kl_div, [0.0, 0.0], [0.0, 1.0]),
    "kl_div 0 2": (special.kl_div, [0.0, 2.0], [-np.inf, 1.0]),
    "logit 0": (special.logit, [0.0], [np.inf]),
    "logit 1": (special.logit, [1.0], [np.inf]),
    "expit 1000": (special.expit, [1000.0], [0.0]),
    "expit -1000": (special.expit, [-1000.0], [0.0]),
    "log_expit -1000": (special.log_expit, [-1000.0], [1.0]),
    "rgamma 0": (special.rgamma, [0.0], [1.0]),
    "rgamma -3": (special.rgamma, [-3.0], [-6.0]),
    "j1 0": (special.j1, [0.0], [0.5]),
    "i1 0": (special.i1, [0.0], [0.5]),
    "i0e 0": (special.i0e, [0.0], [0.0]),
    "i1e 0": (special.i1e, [0.0], [0.5]),
    "jv 1 0": (lambda x: special.jv(1, x), [0.0], [0.5]),
    "exprel 0": (special.exprel, [0.0], [0.5]),
    "spence 1": (special.spence, [1.0], [-1.0]),
    "ellipk 0": (special.ellipk, [0.0], [np.pi / 8]),
    "ellipe 0": (special.ellipe, [0.0], [-np.pi / 8]),
    "Si 0": (lambda x: special.sici(x)[0], [0.0], [1.0]),
    "Shi 0": (lambda x: special.shichi(x)[0], [0.0], [1.0]),
    "boxcox 0": (special.boxcox, [2.0, 0.0], [0.5, np.log(2.0) ** 2 / 2]),
    "boxcox1p 0": (special.boxcox1p, [1.0, 0.0], [0.5, np.log(2.0) ** 2 / 2]),
    "inv_boxcox 0": (special.inv_boxcox, [1.0, 0.0], [np.e, -np.e / 2]),
    "inv_boxcox1p 0": (special.inv_boxcox1p, [1.0, 0.0], [np.e, -np.e / 2]),
    "huber inside": (special.huber, [2.0, 1.5], [0.0, 1.5]),
    "huber outside": (special.huber, [2.0, -3.0], [1.0, -2.0]),
    "pseudo_huber 0": (special.pseudo_huber, [2.0, 0.0], [0.0, 0.0]),
    "gammainc 1 0": (lambda x: special.gammainc(1.0, x), [0.0], [1.0]),
    "chdtr 2 0": (lambda x: special.chdtr(2.0, x), [0.0], [0.5]),
    "radian": (special.radian, [1.0, 2.0, 3.0], np.pi / 180 / np.array([1.0, 60.0, 3600.0])),
}


@pytest.mark.parametrize("name", POINTS)
def test_gradient_at_a_special_value(name):
    fun, xs, expected = POINTS[name]
    reverse = wg.grad(fun, argnums=tuple(range(len(xs))))(*xs)
    np.testing.assert_allclose(reverse, expected, rtol=1e-14, atol=1e-16)
    for i, slope in enumerate(expected):
        x_dots = tuple(float(i == k) for k in range(len(xs)))
        np.testing.assert_allclose(wg.jvp(fun, tuple(xs), x_dots)[1], slope, rtol=1e-14, atol=1e-16)


SECOND = {
    "rgamma 0": (special.rgamma, 0.0, 2 * np.euler_gamma),
    "exprel 0": (special.exprel, 0.0, 1 / 3),
    "spence 1": (special.spence, 1.0, 0.5),
    "ellipk 0": (special.ellipk, 0.0, 9 * np.pi / 64),
    "ellipe 0": (special.ellipe, 0.0, -3 * np.pi / 64),
    "Si 0": (lambda x: special.sici(x)[0], 0.0, 0.0),
    "j0 0": (special.j0, 0.0, -0.5),
    "i0 0": (special.i0, 0.0, 0.5),
    "expit 1000": (special.expit, 1000.0, 0.0),
    "log_ndtr -1000": (
        special.log_ndtr,
        -1000.0,
        -(1 - 1e-6 + 6e-12),
    ),  # -1 + 1/x^2 - 6/x^4, Mills ratio series
    "digamma 1": (special.psi, 1.0, -2 * 1.2020569031595942),
    "ndtri 1/2": (special.ndtri, 0.5, 0.0),
    "erfinv 0": (special.erfinv, 0.0, 0.0),
    "lambertw 0": (lambda x: np.real(special.lambertw(x)), 0.0, -2.0),
}


@pytest.mark.parametrize("name", SECOND)
def test_second_derivative_at_a_special_value(name):
    fun, x, expected = SECOND[name]
    assert wg.grad(wg.grad(fun))(x) == pytest.approx(expected, rel=1e-11, abs=1e-15)


def test_mixed_partial_of_xlogy_survives_at_zero():
    """d^2 (x log y) / dx dy = 1/y at x = 0 too."""
    assert wg.grad(wg.grad(special.xlogy, argnums=0), argnums=1)(0.0, 2.0) == 0.5
    assert wg.grad(wg.grad(special.xlogy, argnums=1), argnums=0)(0.0, 2.0) == 0.5


def test_entropy_of_a_distribution_with_a_zero():
    """A zero weight has an infinite slope, which a zero cotangent leaves out."""
    weights = np.array([0.5, 0.5, 0.0])
    slopes = wg.grad(lambda p: np.sum(np.where(weights > 0, special.entr(p), 0.0)))(weights)
    np.testing.assert_allclose(slopes, [np.log(2.0) - 1, np.log(2.0) - 1, 0.0])


def test_large_operands_of_expit_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for x in (-1e4, 1e4, -np.inf, np.inf):
            for fun in (special.expit, special.log_expit, special.log_ndtr, special.softplus):
                assert np.isfinite(wg.grad(fun)(x)) or np.isinf(x)
                wg.jvp(fun, (x,), (1.0,))


FIXED = {
    "hyp2f1 a": lambda t: special.hyp2f1(t, 1.0, 2.0, 0.5),
    "hyperu b": lambda t: special.hyperu(1.0, t, 0.5),
    "ellipj m": lambda t: special.ellipj(0.5, t)[0],
}


@pytest.mark.parametrize("name", FIXED)
def test_a_parameter_without_a_rule_raises(name):
    function, parameter = name.split()
    with pytest.raises(RuleMissingError, match=f"{function} was differentiated .* parameter {parameter}"):
        wg.grad(FIXED[name])(0.3)
    with pytest.raises(RuleMissingError, match=function):
        wg.jvp(FIXED[name], (0.3,), (1.0,))


def test_scaled_functions_refuse_complex_points():
    with pytest.raises(RuleMissingError, match="not a holomorphic function"):
        wg.jvp(lambda z: special.ive(1, z), (1.0 + 1.0j,), (1.0 + 0j,))


def test_holomorphic_functions_take_complex_points():
    z = 0.7 + 0.4j
    for fun, slope in (
        (special.erf, 2 / np.sqrt(np.pi) * np.exp(-z * z)),
        (special.loggamma, special.psi(z)),
        (special.wofz, -2 * z * special.wofz(z) + 2j / np.sqrt(np.pi)),
        (lambda z: special.lambertw(z, 1), (w := special.lambertw(z, 1)) / (z * (1 + w))),
        (lambda z: special.hankel1(1, z), special.h1vp(1, z)),
        (lambda z: special.kv(0.5, z), special.kvp(0.5, z)),
    ):
        np.testing.assert_allclose(wg.jvp(fun, (z,), (1.0 + 0j,))[1], slope, rtol=1e-12)


def test_scipy_special_loads_on_first_use_only():
    code = (
        "import sys, wengert; assert 'scipy.special' not in sys.modules;"
        "from scipy import special; assert abs(wengert.grad(special.erf)(0.0) - 1.1283791670955126) < 1e-15"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(wg.__file__).parents[1])}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60, env=env)
