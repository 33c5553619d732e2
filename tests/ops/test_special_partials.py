"""Every partial derivative of every special function with a rule, against mpmath over log-spaced domains.

The walk is over the registry: a function, or an operand of one, that no table names fails the last test here. Variables
are held to 1e-11, parameters whose derivatives are interpolated to 1e-9. The references are formulas of their own,
evaluated at 60 digits; those of inverse functions are taken at SciPy's value.
"""

import itertools

import mpmath as mp
import numpy as np
import pytest
from scipy import special
from scipy.special import _ufuncs

import wengert as wg
from tests.ops.test_special import FIRST
from tests.scipy.test_special import gamma_reference
from wengert.core.numpy_protocol import UFUNCS, find_ufunc
from wengert.errors import RuleMissingError

VARIABLE, PARAMETER = 1e-11, 1e-9
EPS = np.finfo(float).eps
INTERPOLATED = (
    8.0  # ulps of SciPy's values, of which a slope in a parameter is a sum with weights of up to a dozen
)


def grid(*axes):
    return list(itertools.product(*[[x if type(x) is int else float(x) for x in axis] for axis in axes]))


def logs(low, high, count=7):
    return np.logspace(low, high, count)


def both(low, high, count=5):
    return np.concatenate([-logs(low, high, count), logs(low, high, count)])


# References ---------------------------------------------------------------------------------------------------------


def gamma_density(a, x):
    return mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))


def beta_density(a, b, x):
    logarithm = (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) + mp.loggamma(a + b)
    return mp.exp(logarithm - mp.loggamma(a) - mp.loggamma(b))


def student_density(v, t):
    scale = mp.gamma((v + 1) / 2) / (mp.sqrt(v * mp.pi) * mp.gamma(v / 2))
    return scale * (1 + t * t / v) ** (-(v + 1) / 2)


def student_share(v, t):
    """F(t) - 1/2 of Student's distribution."""
    half = mp.mpf(1) / 2
    scale = mp.gamma((v + 1) / 2) / (mp.sqrt(v * mp.pi) * mp.gamma(v / 2))
    return t * scale * mp.hyp2f1(half, (v + 1) / 2, 3 * half, -t * t / v)


def f_density(m, n, x):
    return beta_density(m / 2, n / 2, m * x / (n + m * x)) * m * n / (n + m * x) ** 2


def beta_share(a, b, x):
    return mp.betainc(a, b, 0, x, regularized=True)


def f_share(m, n, x):
    return beta_share(m / 2, n / 2, m * x / (n + m * x))


def binomial_density(k, n, p):
    return beta_density(k + 1, n - k, p)


def of(fun, place=0, dps=60):
    """The partial derivative of a function of mpmath's, by its differences at several times the precision."""

    def slope(*xs):
        with mp.workdps(dps):
            return mp.diff(lambda t: fun(*xs[:place], t, *xs[place + 1 :]), xs[place])

    return slope


student_slope = of(student_share, 0, 150)  # in the tails, these are differences of numbers that are nearly 1
f_slope_m, f_slope_n = of(f_share, 0, 150), of(f_share, 1, 150)
beta_slope_a, beta_slope_b = of(beta_share, 0, 150), of(beta_share, 1, 150)


def recurrence(fun, below, above, rest=0):
    """(below C_(v-1) + above C_(v+1)) / 2 + rest C_v."""
    return lambda v, x: (below * fun(v - 1, x) + above * fun(v + 1, x)) / 2 + rest * fun(v, x)


def scaled(fun, sign=1):
    return lambda v, x: fun(v, x) * mp.exp(sign * x)


def faddeeva(z):
    return mp.exp(-z * z) * mp.erfc(-1j * z)


def voigt(x, sigma, gamma):
    return mp.re(faddeeva((x + 1j * gamma) / (sigma * mp.sqrt(2)))) / (sigma * mp.sqrt(2 * mp.pi))


def wright(a, b, x):
    return mp.nsum(lambda k: x**k * mp.rgamma(k + 1) * mp.rgamma(a * k + b), [0, mp.inf])


def airy_factor(x):
    return mp.exp(2 * x * mp.sqrt(x) / 3)


# Tables: (name, operand): (reference, points, part of the result) ----------------------------------------------------

FAR = logs(-6, 4, 6)
SHAPES = logs(-2, 3, 6)
SHARES = [1e-8, 1e-3, 0.1, 0.5, 0.9, 0.999]
ORDERS, ARGUMENTS = [0.0, 0.5, 1.0, 2.7, 10.0], logs(-3, 2, 8)
HANKEL = grid([0.3, 1.0, 2.7, 10.0], [0.5, 2.0, 10.0, 80.0])
WHOLE = [0, 1, 3]
GAMMA = [(a, x) for a in SHAPES for x in {*logs(-4, 3, 5), *(a * np.array([0.5, 1.0, 1.5]))}]
INSIDE = [(a, x) for a, x in GAMMA if special.gammainc(a, x) > 1e-290 and special.gammaincc(a, x) > 1e-30]
RATES = [(r, a, x / r) for (a, x), r in itertools.product(GAMMA[::4], [0.1, 3.0])]
CHI, CHI_INSIDE = ([(2 * a, 2 * x) for a, x in points] for points in (GAMMA, INSIDE))
RATES_INSIDE = [(r, a, x / r) for (a, x), r in itertools.product(INSIDE[::4], [0.1, 3.0])]
DEGREES = grid([0.3, 2.0, 30.0], [0.7, 5.0, 200.0], logs(-3, 1.5, 5))
STUDENT = grid([0.3, 2.0, 7.5, 100.0], both(-3, 1.5, 4))
BETA = grid([0.05, 1.0, 20.0, 500.0], [0.05, 1.0, 20.0, 500.0], SHARES)
PAIRS = grid(FAR, FAR)
PEAK = grid([0.1, 1.0, 3.0], both(-3, 1, 4))


VARIABLES = {
    # Gamma functions
    ("loggamma", 0): (lambda x: mp.psi(0, x), grid(FAR)),
    ("betaln", 0): (lambda a, b: mp.psi(0, a) - mp.psi(0, a + b), PAIRS),
    ("betaln", 1): (lambda a, b: mp.psi(0, b) - mp.psi(0, a + b), PAIRS),
    ("binom", 0): (of(mp.binomial, 0), grid(logs(-2, 2, 5), logs(-4, 0, 4))),
    ("binom", 1): (of(mp.binomial, 1), grid(logs(-2, 2, 5), logs(-4, 0, 4))),
    ("gammaincc", 1): (lambda a, x: -gamma_density(a, x), GAMMA),
    ("betaincc", 2): (lambda *p: -beta_density(*p), BETA),
    # Distributions
    ("chdtr", 1): (lambda v, x: gamma_density(v / 2, x / 2) / 2, CHI),
    ("chdtrc", 1): (lambda v, x: -gamma_density(v / 2, x / 2) / 2, CHI),
    ("gdtr", 0): (lambda a, b, x: x * gamma_density(b, a * x), RATES),
    ("gdtr", 2): (lambda a, b, x: a * gamma_density(b, a * x), RATES),
    ("gdtrc", 0): (lambda a, b, x: -x * gamma_density(b, a * x), RATES),
    ("gdtrc", 2): (lambda a, b, x: -a * gamma_density(b, a * x), RATES),
    ("fdtr", 2): (f_density, DEGREES),
    ("fdtrc", 2): (lambda *p: -f_density(*p), DEGREES),
    ("stdtr", 1): (student_density, STUDENT),
    ("bdtr", 2): (lambda *p: -binomial_density(*p), grid(WHOLE, [5, 40], SHARES)),
    ("bdtrc", 2): (binomial_density, grid(WHOLE, [5, 40], SHARES)),
    ("nbdtr", 2): (lambda k, n, p: beta_density(n, k + 1, p), grid(WHOLE, [2, 9], SHARES)),
    ("nbdtrc", 2): (lambda k, n, p: -beta_density(n, k + 1, p), grid(WHOLE, [2, 9], SHARES)),
    ("pdtr", 1): (lambda k, m: -gamma_density(k + 1, m), grid(WHOLE, logs(-6, 2))),
    ("pdtrc", 1): (lambda k, m: gamma_density(k + 1, m), grid(WHOLE, logs(-6, 2))),
    ("owens_t", 0): (
        lambda h, a: -mp.exp(-h * h / 2) * mp.erf(a * h / mp.sqrt(2)) / mp.sqrt(8 * mp.pi),
        grid(both(-4, 1), both(-4, 2)),
    ),
    ("owens_t", 1): (
        lambda h, a: mp.exp(-h * h * (1 + a * a) / 2) / (2 * mp.pi * (1 + a * a)), grid(both(-4, 1), both(-4, 0))
    ),
    ("voigt_profile", 0): (of(voigt, 0), grid(both(-2, 2), [0.1, 2.0], [0.01, 0.1, 2.0])),
    ("voigt_profile", 1): (of(voigt, 1), grid(both(-2, 2), [0.1, 2.0], [0.01, 0.1, 2.0])),
    ("voigt_profile", 2): (of(voigt, 2), grid(both(-2, 2), [0.1, 2.0], [0.01, 0.1, 2.0])),
    ("wofz", 0): (of(faddeeva), grid(both(-4, 1))),
    # Bessel functions and their kin
    **{(f"hankel{k}", 1): (recurrence(fun, 1, -1), grid(ORDERS, ARGUMENTS))
       for k, fun in ((1, mp.hankel1), (2, mp.hankel2))},
    ("hankel1e", 1): (of(lambda v, x: mp.hankel1(v, x) * mp.expj(-x), 1), grid(ORDERS, ARGUMENTS)),
    ("hankel2e", 1): (of(lambda v, x: mp.hankel2(v, x) * mp.expj(x), 1), grid(ORDERS, ARGUMENTS)),
    ("jve", 1): (recurrence(mp.besselj, 1, -1), grid(ORDERS, ARGUMENTS)),
    ("yve", 1): (recurrence(mp.bessely, 1, -1), grid(ORDERS, ARGUMENTS)),
    ("ive", 1): (scaled(recurrence(mp.besseli, 1, 1, -1), -1), grid(ORDERS, ARGUMENTS)),
    ("kve", 1): (scaled(recurrence(mp.besselk, -1, -1, 1)), grid(ORDERS, ARGUMENTS)),
    ("k0e", 0): (lambda x: scaled(recurrence(mp.besselk, -1, -1, 1))(0, x), grid(logs(-6, 4, 11))),
    ("k1e", 0): (lambda x: scaled(recurrence(mp.besselk, -1, -1, 1))(1, x), grid(logs(-6, 4, 11))),
    ("struve", 1): (of(mp.struveh, 1), grid(WHOLE, logs(-2, 1.5, 8))),
    ("modstruve", 1): (of(mp.struvel, 1), grid(WHOLE, logs(-2, 1.5, 8))),
    ("itstruve0", 0): (lambda x: mp.struveh(0, x), grid(logs(-3, 1.5))),
    ("it2struve0", 0): (lambda x: -mp.struveh(0, x) / x, grid(logs(-3, 1.5))),
    ("itmodstruve0", 0): (lambda x: mp.struvel(0, x), grid(logs(-3, 1))),
    ("itj0y0", 0): ((lambda x: mp.besselj(0, x), lambda x: mp.bessely(0, x)), grid(logs(-6, 1.5, 9))),
    ("iti0k0", 0): ((lambda x: mp.besseli(0, x), lambda x: mp.besselk(0, x)), grid(logs(-6, 1.5, 9))),
    ("it2j0y0", 0): (
        (lambda x: (1 - mp.besselj(0, x)) / x, lambda x: -mp.bessely(0, x) / x), grid(logs(-6, 1.5, 9))
    ),
    ("it2i0k0", 0): (
        (lambda x: (mp.besseli(0, x) - 1) / x, lambda x: -mp.besselk(0, x) / x), grid(logs(-6, 1.5, 9))
    ),
    ("airy", 0): (
        (lambda x: mp.airyai(x, derivative=1), lambda x: x * mp.airyai(x),
         lambda x: mp.airybi(x, derivative=1), lambda x: x * mp.airybi(x)),
        grid(both(-4, 0.9)),
    ),
    ("airye", 0): (
        (of(lambda x: mp.airyai(x) * airy_factor(x)), of(lambda x: mp.airyai(x, derivative=1) * airy_factor(x)),
         of(lambda x: mp.airybi(x) / airy_factor(x)), of(lambda x: mp.airybi(x, derivative=1) / airy_factor(x))),
        grid(logs(-4, 2, 10)),
    ),
    ("pbdv", 1): ((of(mp.pcfd, 1), lambda v, x: mp.diff(lambda t: mp.pcfd(v, t), x, 2)), grid(WHOLE, both(-2, 0.7))),
    ("pbvv", 1): (
        (of(lambda v, x: mp.pcfv(-v - mp.mpf(1) / 2, x), 1),
         lambda v, x: mp.diff(lambda t: mp.pcfv(-v - mp.mpf(1) / 2, t), x, 2)),
        grid(WHOLE, logs(-2, 0.7)),
    ),
    ("pbwa", 1): ((of(mp.pcfw, 1), lambda a, x: mp.diff(lambda t: mp.pcfw(a, t), x, 2)), grid(WHOLE, both(-2, 0.5, 2))),
    # Hypergeometric and elliptic functions
    ("hyp2f1", 3): (
        lambda a, b, c, z: a * b / c * mp.hyp2f1(a + 1, b + 1, c + 1, z),
        grid([0.3, 2.0], [1.5], [0.7, 4.0], [*-logs(-6, 1), *logs(-6, -0.1)]),
    ),
    ("wright_bessel", 2): (lambda a, b, x: wright(a, a + b, x), grid([0.5, 2.0], [0.7, 3.0], logs(-4, 1, 5))),
    ("log_wright_bessel", 2): (
        lambda a, b, x: wright(a, a + b, x) / wright(a, b, x), grid([0.5, 2.0], [0.7, 3.0], logs(-4, 1, 5))
    ),
    ("ellipkinc", 0): (
        lambda phi, m: 1 / mp.sqrt(1 - m * mp.sin(phi) ** 2), grid(both(-6, 0.1), [*-logs(-6, 4), *logs(-6, -0.05)])
    ),
    ("ellipeinc", 0): (
        lambda phi, m: mp.sqrt(1 - m * mp.sin(phi) ** 2), grid(both(-6, 0.1), [*-logs(-6, 4), *logs(-6, -0.05)])
    ),
    ("ellipj", 0): (
        (lambda u, m: mp.ellipfun("cn", u, m=m) * mp.ellipfun("dn", u, m=m),
         lambda u, m: -mp.ellipfun("sn", u, m=m) * mp.ellipfun("dn", u, m=m),
         lambda u, m: -m * mp.ellipfun("sn", u, m=m) * mp.ellipfun("cn", u, m=m),
         lambda u, m: mp.ellipfun("dn", u, m=m)),
        grid(both(-4, 0.6), logs(-6, -0.05)),
    ),
    # Elementary functions
    ("xlogy", 0): (lambda x, y: mp.log(y), PAIRS),
    ("xlogy", 1): (lambda x, y: x / y, PAIRS),
    ("xlog1py", 0): (lambda x, y: mp.log1p(y), PAIRS),
    ("xlog1py", 1): (lambda x, y: x / (1 + y), PAIRS),
    ("rel_entr", 0): (lambda x, y: mp.log(x / y) + 1, grid(FAR, 1.3 * FAR)),
    ("rel_entr", 1): (lambda x, y: -x / y, PAIRS),
    ("kl_div", 0): (lambda x, y: mp.log(x / y), PAIRS),
    ("kl_div", 1): (lambda x, y: 1 - x / y, PAIRS),
    ("huber", 0): (lambda d, r: max(abs(r) - d, mp.mpf(0)), PEAK),
    ("huber", 1): (lambda d, r: min(max(r, -d), d), PEAK),
    ("pseudo_huber", 0): (of(lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1), 0), PEAK),
    ("pseudo_huber", 1): (lambda d, r: r / mp.sqrt(1 + (r / d) ** 2), PEAK),
    ("boxcox", 0): (lambda x, k: x ** (k - 1), grid(FAR, both(-6, 0.5))),
    ("boxcox", 1): (of(lambda x, k: mp.expm1(k * mp.log(x)) / k, 1), grid(FAR, both(-6, 0.5))),
    ("boxcox1p", 0): (lambda x, k: (1 + x) ** (k - 1), grid(FAR, both(-6, 0.5))),
    ("boxcox1p", 1): (of(lambda x, k: mp.expm1(k * mp.log1p(x)) / k, 1), grid(FAR, both(-6, 0.5))),
    ("inv_boxcox", 0): (lambda y, k: (1 + k * y) ** (1 / k - 1), grid(logs(-4, 1, 5), logs(-4, 0.5, 5))),
    ("inv_boxcox", 1): (of(lambda y, k: mp.exp(mp.log1p(k * y) / k), 1), grid(logs(-4, 1, 5), logs(-4, 0.5, 5))),
    ("inv_boxcox1p", 0): (lambda y, k: (1 + k * y) ** (1 / k - 1), grid(logs(-4, 1, 5), logs(-4, 0.5, 5))),
    ("inv_boxcox1p", 1): (of(lambda y, k: mp.exp(mp.log1p(k * y) / k), 1), grid(logs(-4, 1, 5), logs(-4, 0.5, 5))),
    ("powm1", 0): (lambda x, n: n * x ** (n - 1), grid(logs(-3, 3), both(-4, 1))),
    ("powm1", 1): (lambda x, n: x**n * mp.log(x), grid([1e-3, 0.5, 1.001, 7.0, 1e3], both(-4, 1))),
    ("special.expm1", 0): (mp.exp, grid(both(-6, 2.5))),
    ("special.log1p", 0): (lambda x: 1 / (1 + x), grid([*-logs(-8, -0.05), *logs(-8, 8)])),
    ("special.cbrt", 0): (of(mp.cbrt), grid(logs(-20, 20))),
    ("special.exp2", 0): (lambda x: mp.log(2) * 2**x, grid(both(-4, 2.5))),
    ("radian", 0): (lambda d, m, s: mp.pi / 180, [(1.0, 2.0, 3.0)]),
    ("radian", 1): (lambda d, m, s: mp.pi / 180 / 60, [(1.0, 2.0, 3.0)]),
    ("radian", 2): (lambda d, m, s: mp.pi / 180 / 3600, [(1.0, 2.0, 3.0)]),
    ("cosdg", 0): (lambda x: -mp.sin(mp.radians(x)) * mp.pi / 180, grid(logs(-3, 2.2))),
    ("tandg", 0): (lambda x: mp.sec(mp.radians(x)) ** 2 * mp.pi / 180, grid(logs(-3, 1.9))),
    ("cotdg", 0): (lambda x: -(mp.csc(mp.radians(x)) ** 2) * mp.pi / 180, grid(logs(-3, 2.2))),
}  # fmt: skip


# Functions whose derivative is a multiple of SciPy's own value y, or, of inverses, is taken there: the references have
# the operands (*operands, y).


def reciprocal(density, sign=1):
    """1 / f(*parameters, y), for the inverse in its last operand."""
    return lambda *xs: sign / density(*xs[:-2], xs[-1])


def implicit(slope, density):
    """-F_a / f at (*parameters, y)."""
    return lambda *xs: -slope(*xs[:-2], xs[-1]) / density(*xs[:-2], xs[-1])


def chi_density(v, x):
    return gamma_density(v / 2, x / 2) / 2


def chi_slope(v, x):
    return gamma_reference(v / 2, x / 2) / 2


LOW = [1e-8, 1e-3, 0.1, 0.5, 0.9]
OF_GAMMA = grid([0.3, 2.0, 50.0], LOW)
OF_BETA = grid([0.3, 2.0, 20.0], [0.7, 5.0], LOW)
OF_F = [point for point in OF_BETA if point[-1] > 1e-8]  # below, dfd has no influence
VALUED_VARIABLES = {
    ("beta", 0): (lambda a, b, y: y * (mp.psi(0, a) - mp.psi(0, a + b)), PAIRS),
    ("beta", 1): (lambda a, b, y: y * (mp.psi(0, b) - mp.psi(0, a + b)), PAIRS),
    ("poch", 0): (lambda z, m, y: y * (mp.psi(0, z + m) - mp.psi(0, z)), grid(FAR, logs(-6, 1, 6))),
    ("poch", 1): (lambda z, m, y: y * mp.psi(0, z + m), grid(FAR, logs(-6, 1, 6))),
    ("erfinv", 0): (lambda p, y: mp.sqrt(mp.pi) / 2 * mp.exp(y * y), grid([*-logs(-8, -0.1), *logs(-8, -0.1)])),
    ("erfcinv", 0): (lambda p, y: -mp.sqrt(mp.pi) / 2 * mp.exp(y * y), grid(logs(-12, 0.2))),
    ("ndtri", 0): (lambda p, y: 1 / mp.npdf(y), grid(logs(-12, -0.1))),
    ("ndtri_exp", 0): (lambda p, y: mp.ncdf(y) / mp.npdf(y), grid(-logs(-2, 3))),
    ("gammaincinv", 1): (reciprocal(gamma_density), OF_GAMMA),
    ("gammainccinv", 1): (reciprocal(gamma_density, -1), OF_GAMMA),
    ("betaincinv", 2): (reciprocal(beta_density), OF_BETA),
    ("betainccinv", 2): (reciprocal(beta_density, -1), OF_BETA),
    ("stdtrit", 1): (reciprocal(student_density), grid([0.5, 2.0, 7.5, 100.0], [1e-3, 0.1, 0.4, 0.9])),
    ("fdtri", 2): (reciprocal(f_density), OF_BETA),
    ("chdtri", 1): (reciprocal(chi_density, -1), OF_GAMMA),
    ("gdtrix", 0): (lambda a, b, p, y: -y / a, grid([0.1, 3.0], [0.3, 5.0], LOW)),
    ("gdtrix", 2): (lambda a, b, p, y: 1 / (a * gamma_density(b, a * y)), grid([0.1, 3.0], [0.3, 5.0], LOW)),
    ("bdtri", 2): (reciprocal(binomial_density, -1), grid(WHOLE, [5, 40], LOW)),
    ("nbdtri", 2): (reciprocal(lambda k, n, y: beta_density(n, k + 1, y)), grid(WHOLE, [2, 9], LOW)),
    ("pdtri", 1): (reciprocal(lambda k, y: gamma_density(k + 1, y), -1), grid(WHOLE, LOW)),
}  # fmt: skip

PARAMETERS = {
    ("stdtr", 0): (student_slope, STUDENT),
    ("chdtr", 0): (chi_slope, CHI_INSIDE),
    ("chdtrc", 0): (lambda *p: -chi_slope(*p), CHI_INSIDE),
    ("gdtr", 1): (lambda a, b, x: gamma_reference(b, a * x), RATES_INSIDE),
    ("gdtrc", 1): (lambda a, b, x: -gamma_reference(b, a * x), RATES_INSIDE),
    ("betaincc", 0): (lambda *p: -beta_slope_a(*p), grid([0.3, 2.0, 20.0], [0.7, 5.0], SHARES)),
    ("hankel1", 0): (of(mp.hankel1), HANKEL),
    ("hankel2", 0): (of(mp.hankel2), HANKEL),
    ("hankel1e", 0): (lambda v, x: mp.diff(lambda t: mp.hankel1(t, x), v) * mp.expj(-x), HANKEL),
    ("hankel2e", 0): (lambda v, x: mp.diff(lambda t: mp.hankel2(t, x), v) * mp.expj(x), HANKEL),
    ("fdtr", 0): (f_slope_m, DEGREES),
    ("fdtr", 1): (f_slope_n, DEGREES),
    ("fdtrc", 0): (lambda *p: -f_slope_m(*p), DEGREES),
    ("fdtrc", 1): (lambda *p: -f_slope_n(*p), DEGREES),
}
VALUED_PARAMETERS = {
    ("gammaincinv", 0): (implicit(gamma_reference, gamma_density), OF_GAMMA),
    ("gammainccinv", 0): (implicit(gamma_reference, gamma_density), OF_GAMMA),
    ("betaincinv", 0): (implicit(beta_slope_a, beta_density), OF_BETA),
    ("betaincinv", 1): (implicit(beta_slope_b, beta_density), OF_BETA),
    ("betainccinv", 0): (implicit(beta_slope_a, beta_density), OF_BETA),
    ("betainccinv", 1): (implicit(beta_slope_b, beta_density), OF_BETA),
    ("stdtrit", 0): (implicit(student_slope, student_density), grid([0.5, 2.0, 7.5, 100.0], [1e-3, 0.1, 0.4, 0.9])),
    ("fdtri", 0): (implicit(f_slope_m, f_density), OF_F),
    ("fdtri", 1): (implicit(f_slope_n, f_density), OF_F),
    ("chdtri", 0): (implicit(chi_slope, chi_density), OF_GAMMA),
    ("gdtrix", 1): (
        lambda a, b, p, y: -gamma_reference(b, a * y) / (a * gamma_density(b, a * y)),
        grid([0.1, 3.0], [0.3, 5.0], LOW),
    ),
}  # fmt: skip

find_ufunc(None)  # fills the registry
UFUNC = {
    UFUNCS[fun].name: fun
    for module in (special, _ufuncs)
    for fun in vars(module).values()
    if isinstance(fun, np.ufunc) and fun in UFUNCS and UFUNCS[fun].differentiable
}


def slopes(name, place, points):
    """Our partial derivatives at points, a list of arrays: one for each result."""
    fun, xs = UFUNC[name], [np.array(column) for column in zip(*points, strict=True)]
    moved = lambda t: fun(*xs[:place], t, *xs[place + 1 :])
    with np.errstate(all="ignore"):
        _, found = wg.jvp(moved, (xs[place],), (np.ones(len(points)),))
    return list(found) if isinstance(found, tuple) else [found]


def hold(name, place, reference, points, tolerance, *, valued=False, ulps=0.0):
    values = UFUNC[name](*[np.array(column) for column in zip(*points, strict=True)])
    references = reference if isinstance(reference, tuple) else (reference,)
    bad = []
    for found, exact in zip(slopes(name, place, points), references, strict=True):
        for i, point in enumerate(points):
            with mp.workdps(60):
                at = [mp.mpf(x) for x in point] + ([mp.mpmathify(values[i])] if valued else [])
                expected = complex(exact(*at))
            if not 1e-290 < abs(expected) < 1e290:
                continue
            off = abs(found[i] - expected)
            if not off <= tolerance * abs(expected) + (ulps * EPS * abs(values[i]) if ulps else 0.0):
                bad.append((point, complex(found[i]), expected, float(off / abs(expected))))
    assert not bad, "\n".join(map(str, [len(bad), *bad]))


COARSE = {  # variables where SciPy's own values, of neighboring functions, are good to fewer digits
    ("hyperu", 2): (
        lambda a, b, x: -a * mp.hyperu(a + 1, b + 1, x), grid([1.0, 2.0, 3.0], [0.7, 3.0], logs(-2, 2))
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "place"), VARIABLES)
def test_variables(name, place):
    hold(name, place, *VARIABLES[name, place], VARIABLE)


@pytest.mark.parametrize(("name", "place"), COARSE)
def test_variables_of_functions_that_scipy_knows_to_nine_digits(name, place):
    hold(name, place, *COARSE[name, place], PARAMETER)


@pytest.mark.parametrize(("name", "place"), VALUED_VARIABLES)
def test_variables_at_values_of_scipy(name, place):
    hold(name, place, *VALUED_VARIABLES[name, place], VARIABLE, valued=True)


@pytest.mark.parametrize(("name", "place"), PARAMETERS)
def test_parameters(name, place):
    hold(name, place, *PARAMETERS[name, place], PARAMETER, ulps=INTERPOLATED)


@pytest.mark.parametrize(("name", "place"), VALUED_PARAMETERS)
def test_parameters_at_values_of_scipy(name, place):
    hold(name, place, *VALUED_PARAMETERS[name, place], PARAMETER, valued=True, ulps=INTERPOLATED)


# The walk -------------------------------------------------------------------------------------------------------------

LABELS = {  # of tests/ops/test_special.py, where they are not the name of a function of one operand
    "fresnel S": ("fresnel", 0), "fresnel C": ("fresnel", 0), "jv 2.5": ("jv", 1), "yv 1.5": ("yv", 1),
    "iv 0.5": ("iv", 1), "kv 0.5": ("kv", 1), "yn 0": ("yn", 1), "kn 0": ("kn", 1), "struve 0": ("struve", 1),
    "airy Ai": ("airy", 0), "airy Bi'": ("airy", 0), "expn 0": ("expn", 1), "expn 3": ("expn", 1),
    "Si": ("sici", 0), "Ci": ("sici", 0), "Shi": ("shichi", 0), "Chi": ("shichi", 0), "zeta 3": ("zeta", 1),
    "stdtr": ("stdtr", 1), "gammainc 2.5": ("gammainc", 1), "gammainc 1000": ("gammainc", 1), "betainc": ("betainc", 2),
}  # fmt: skip
ORDERS_AND_SHAPES = {  # held to mpmath in tests/scipy/test_special.py
    ("gammainc", 0), ("gammaincc", 0), ("betainc", 0), ("betainc", 1), ("betaincc", 1), ("iv", 0), ("kv", 0), ("jv", 0),
    ("yv", 0), ("ive", 0), ("kve", 0), ("jve", 0), ("yve", 0), ("zeta", 0), ("riemann_zeta", 0), ("zetac", 0),
}  # fmt: skip
WITHOUT_RULE = {  # differentiating in these raises RuleMissingError: no closed form, and not interpolated
    ("bdtr", 1), ("bdtrc", 1), ("bdtri", 1), ("nbdtr", 1), ("nbdtrc", 1), ("nbdtri", 1), ("yn", 0), ("kn", 0),
    ("expn", 0), ("struve", 0), ("modstruve", 0), ("pbdv", 0), ("pbvv", 0), ("pbwa", 0), ("hyp2f1", 0), ("hyp2f1", 1),
    ("hyp2f1", 2), ("hyperu", 0), ("hyperu", 1), ("wright_bessel", 0), ("wright_bessel", 1), ("log_wright_bessel", 0),
    ("log_wright_bessel", 1), ("ellipj", 1), ("ellipkinc", 1), ("ellipeinc", 1),
}  # fmt: skip
ZERO = {  # counts, which SciPy rounds down, a branch and a tolerance
    ("bdtr", 0), ("bdtrc", 0), ("bdtri", 0), ("nbdtr", 0), ("nbdtrc", 0), ("nbdtri", 0), ("pdtr", 0), ("pdtrc", 0),
    ("pdtri", 0), ("lambertw", 1), ("lambertw", 2),
}  # fmt: skip


def kind_of(prim, place):
    """What the record says of an operand: a rule, none, or a derivative that is zero."""
    xs = next(iter(prim.samples(np.random.default_rng(0))))[0]
    try:
        _, y_dot = prim.jvp(xs, [np.ones(np.shape(x)) if i == place else None for i, x in enumerate(xs)])
    except RuleMissingError:
        return "none"
    parts = y_dot if isinstance(y_dot, tuple) else (y_dot,)
    return "zero" if all(part is None for part in parts) else "rule"


def test_every_partial_derivative_is_in_a_table():
    held = {LABELS.get(label, (label, 0)) for label in FIRST} | ORDERS_AND_SHAPES
    held |= {*VARIABLES, *COARSE, *VALUED_VARIABLES, *PARAMETERS, *VALUED_PARAMETERS}
    found = {"rule": set(), "none": set(), "zero": set()}
    for name, fun in UFUNC.items():
        for place in range(fun.nin):
            found[kind_of(UFUNCS[fun], place)].add((name, place))
    assert sorted(found["rule"]) == sorted(held)
    assert found["none"] == WITHOUT_RULE
    assert found["zero"] == ZERO
