"""The polynomials of `wengert.compile.vector_math`, by Remez' algorithm.

python benchmarks/minimax.py            print every table
python benchmarks/minimax.py EXP LOG    print some

Each table approximates g(t) on an interval so that |g(t) - p(t)| w(t) is smallest in the maximum norm. Coefficients
are then rounded to the precision that they are used in: the terms before the polynomial carry most of the result,
so that this costs nothing.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import mpmath as mp
from mpmath import mpf

mp.mp.prec = 240
POINTS = 24  # candidates between two nodes, when extrema are looked for

Function = Callable[[mpf], mpf]


class Table(NamedTuple):
    """One polynomial: what it approximates, where, with which weight, and how many coefficients it has."""

    g: Function
    low: float
    high: float
    size: int
    weight: Function = lambda t: mpf(1)
    single: bool = False  # coefficients are rounded to float32


def rounded(value: mpf, *, single: bool) -> float:
    """The nearest float64, or float32."""
    return struct.unpack("f", struct.pack("f", float(value)))[0] if single else float(value)


def solve(table: Table, nodes: Sequence[mpf]) -> list[mpf]:
    """Coefficients whose weighted error alternates over the nodes, size + 1 of them."""
    n = table.size + 1
    rows = mp.matrix(n, n)
    values = mp.matrix(n, 1)
    for i, t in enumerate(nodes):
        for j in range(table.size):
            rows[i, j] = t**j
        rows[i, table.size] = (-1) ** i / table.weight(t)
        values[i] = table.g(t)
    return list(mp.lu_solve(rows, values))[: table.size]


def extrema(error: Function, low: mpf, high: mpf, count: int) -> list[mpf]:
    """Where |error| is largest between its changes of sign: `count` places at most."""
    n = count * POINTS
    grid = [low + (high - low) * (1 - mp.cos(mp.pi * i / n)) / 2 for i in range(n + 1)]
    values = [error(t) for t in grid]
    runs: list[list[int]] = []
    for i, v in enumerate(values):
        if not runs or (v > 0) != (values[runs[-1][-1]] > 0):
            runs.append([])
        runs[-1].append(i)
    best = [max(run, key=lambda i: abs(values[i])) for run in runs]
    while len(best) > count:  # the smaller end goes
        best.pop(0 if abs(values[best[0]]) < abs(values[best[-1]]) else -1)
    return [grid[i] for i in best]


def coefficients(table: Table) -> tuple[list[float], mpf]:
    """Rounded coefficients, constant term first, and the largest weighted error before rounding."""
    low, high = mpf(table.low), mpf(table.high)
    n = table.size
    nodes = [low + (high - low) * (1 - mp.cos(mp.pi * (i + mpf(1) / 2) / (n + 1))) / 2 for i in range(n + 1)]
    c: list[mpf] = []
    largest = mpf("inf")
    for _ in range(15):
        c = solve(table, nodes)

        def error(t: mpf, c: list[mpf] = c) -> mpf:
            return (table.g(t) - mp.polyval(c[::-1], t)) * table.weight(t)

        found = extrema(error, low, high, n + 1)
        previous, largest = largest, max(abs(error(t)) for t in found)
        if len(found) <= n or abs(previous - largest) < largest / 1000:
            break
        nodes = found
    return [rounded(value, single=table.single) for value in c], largest


def series(f: Function, at: Function) -> Function:
    """Evaluate f where it is defined, and its limit `at` where it is 0/0 or close to it."""
    return lambda t: at(t) if abs(t) < mpf(2) ** -60 else f(t)


def power(n: int) -> Function:
    """Weigh by |t|^n, but never by nothing."""
    return lambda t: abs(t) ** n + mpf("1e-4")


HALF_LN2 = 0.3466
R_LOG = 0.1716  # (sqrt 2 - 1)/(sqrt 2 + 1) = 0.17157
QUARTER_PI = 0.7860

# exp r = 1 + r + r^2/2 + r^3 p(r)
exp_p = series(lambda r: (mp.expm1(r) - r - r**2 / 2) / r**3, lambda r: mpf(1) / 6 + r / 24)
# log((1 + s)/(1 - s)) = 2 s + s z p(z), z = s^2
log_p = series(
    lambda z: (mp.log((1 + mp.sqrt(z)) / (1 - mp.sqrt(z))) / mp.sqrt(z) - 2) / z,
    lambda z: mpf(2) / 3 + 2 * z / 5,
)
# sin r = r + r z p(z);  cos r = 1 - z/2 + z^2 p(z)
sin_p = series(lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: -mpf(1) / 6 + z / 120)
cos_p = series(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, lambda z: mpf(1) / 24 - z / 720)
# tan r = r + r z p(z)
tan_p = series(lambda z: (mp.tan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: mpf(1) / 3 + 2 * z / 15)
# sinh r = r + r z p(z);  cosh r = 1 + z/2 + z^2 p(z)
sinh_p = series(lambda z: (mp.sinh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: mpf(1) / 6 + z / 120)
cosh_p = series(lambda z: (mp.cosh(mp.sqrt(z)) - 1 - z / 2) / z**2, lambda z: mpf(1) / 24 + z / 720)
# tanh x = x + x z p(z)
tanh_p = series(lambda z: (mp.tanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: -mpf(1) / 3 + 2 * z / 15)
# log(1 + f) = f - f^2/2 + f^3 p(f)
log_f = series(lambda f: (mp.log1p(f) - f + f**2 / 2) / f**3, lambda f: mpf(1) / 3 - f / 4)
# 2^r = 1 + r q(r)
exp2_q = series(lambda r: mp.expm1(r * mp.ln2) / r, lambda r: mp.ln2 + r * mp.ln2**2 / 2)

# asin x = x + x z p(z);  atan x = x + x z p(z)
asin_p = series(lambda z: (mp.asin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: mpf(1) / 6 + 3 * z / 40)
atan_p = series(lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: -mpf(1) / 3 + z / 5)
# log((1 + s)/(1 - s)) = 2 s (1 + z/3 + z^2 p(z))
pow_p = series(
    lambda z: ((mp.log((1 + mp.sqrt(z)) / (1 - mp.sqrt(z))) / mp.sqrt(z)) / 2 - 1 - z / 3) / z**2,
    lambda z: mpf(1) / 5 + z / 7,
)
# erf x = x + x p(z), z = x^2
erf_p = series(lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, lambda z: (2 - 2 * z / 3) / mp.sqrt(mp.pi) - 1)
ERFC_CENTRE = 4


def erfc_p(t: mpf) -> mpf:
    """(1 + 2 x) e^(x^2) erfc x, in t = (x - 4)/(x + 4)."""
    if t == 1:
        return 2 / mp.sqrt(mp.pi)
    x = ERFC_CENTRE * (1 + t) / (1 - t)
    scaled = mp.exp(x * x) * mp.erfc(x) if x < 1000 else (1 - 1 / (2 * x * x)) / (x * mp.sqrt(mp.pi))
    return (1 + 2 * x) * scaled


def erfc_low(far: float) -> float:
    """T where x = far."""
    return (far - ERFC_CENTRE) / (far + ERFC_CENTRE)


def mapped(g: Function, low: float, high: float) -> tuple[Function, float, float]:
    """Return g as a function of t = (x - a)/(x + a), a = sqrt(low high), and the interval, symmetric about 0.

    A singularity at x = 0 goes to t = -1, far from the interval.
    """
    a = mp.sqrt(mpf(low) * mpf(high))
    far = (high - a) / (high + a)
    return (lambda t: g(a * (1 + t) / (1 - t))), -far, far


# log Gamma x = (x - 1)(x - 2) p(t);  digamma x = (x - x0) p(t), x0 its zero
DIGAMMA_ZERO = mp.findroot(mp.digamma, 1.4616)


def lgamma_p(x: mpf) -> mpf:
    """Log Gamma without its zeros; the limits at 1 and 2 are -digamma(1) and digamma(2)."""
    if abs(x - 1) < mpf(2) ** -60:
        return -mp.digamma(1)
    return mp.digamma(2) if abs(x - 2) < mpf(2) ** -60 else mp.loggamma(x) / ((x - 1) * (x - 2))


def digamma_p(x: mpf) -> mpf:
    """Digamma without its zero."""
    return mp.digamma(x) / (x - DIGAMMA_ZERO)


# log Gamma x = (x - 1/2)(log x - 1) + (log(2 pi) - 1)/2 + p(u)/x;  digamma x = log x - 1/(2 x) - u p(u), u = 1/x^2
def stirling_p(u: mpf) -> mpf:
    """Binet's function times x."""
    if u < mpf(2) ** -60:
        return mpf(1) / 12
    x = 1 / mp.sqrt(u)
    return x * (mp.loggamma(x) - (x - mpf(1) / 2) * mp.log(x) + x - mp.log(2 * mp.pi) / 2)


def digamma_u(u: mpf) -> mpf:
    """The asymptotic part of digamma."""
    if u < mpf(2) ** -60:
        return mpf(1) / 12
    x = 1 / mp.sqrt(u)
    return (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) / u


ROOT_HALF, ROOT = 0.7071, 1.4143
SMALL_S = R_LOG**2
TABLES = {
    "EXP": Table(exp_p, -HALF_LN2, HALF_LN2, 9, weight=power(3)),
    "EXP_WIDE": Table(exp_p, -HALF_LN2, HALF_LN2, 4, weight=power(3)),
    "EXP_32": Table(exp_p, -HALF_LN2, HALF_LN2, 4, weight=power(3), single=True),
    "EXP2": Table(exp2_q, -0.5, 0.5, 11, weight=power(1)),
    "EXP2_32": Table(exp2_q, -0.5, 0.5, 6, weight=power(1), single=True),
    "LOG": Table(log_p, 0, SMALL_S, 7),
    "LOG_WIDE": Table(log_p, 0, SMALL_S, 3),
    "LOG_32": Table(log_f, -0.293, 0.4143, 8, single=True, weight=power(2)),
    "SIN": Table(sin_p, 0, QUARTER_PI**2, 6),
    "COS": Table(cos_p, 0, QUARTER_PI**2, 6),
    "SIN_32": Table(sin_p, 0, QUARTER_PI**2, 3, single=True),
    "COS_32": Table(cos_p, 0, QUARTER_PI**2, 3, single=True),
    "TAN": Table(tan_p, 0, QUARTER_PI**2, 14, weight=power(1)),
    "TAN_32": Table(tan_p, 0, QUARTER_PI**2, 6, weight=power(1), single=True),
    "SINH": Table(sinh_p, 0, HALF_LN2**2, 5),
    "COSH": Table(cosh_p, 0, HALF_LN2**2, 5),
    "SINH_32": Table(sinh_p, 0, HALF_LN2**2, 3, single=True),
    "COSH_32": Table(cosh_p, 0, HALF_LN2**2, 2, single=True),
    "TANH_32": Table(tanh_p, 0, 0.625**2, 5, weight=power(1), single=True),
    "ASIN": Table(asin_p, 0, 0.25, 12, weight=power(1)),
    "ASIN_32": Table(asin_p, 0, 0.25, 5, single=True),
    "ATAN": Table(atan_p, 0, 1, 19, weight=power(1)),
    "ATAN_32": Table(atan_p, 0, 1, 9, single=True),
    "POW": Table(pow_p, 0, SMALL_S, 8),
    "POW_WIDE": Table(pow_p, 0, SMALL_S, 4),
    "CBRT": Table(mp.cbrt, ROOT_HALF, ROOT, 6, weight=lambda t: 1 / mp.cbrt(t)),
    "CBRT_32": Table(mp.cbrt, ROOT_HALF, ROOT, 3, weight=lambda t: 1 / mp.cbrt(t), single=True),
    "ERF": Table(erf_p, 0, 1, 12),
    "ERF_WIDE": Table(erf_p, 0, 1, 7),
    "ERFC": Table(erfc_p, erfc_low(0.46), erfc_low(27.5), 21),
    "LGAMMA": Table(*mapped(lgamma_p, 0.5, 3), 23),
    "LGAMMA_WIDE": Table(*mapped(lgamma_p, 0.5, 3), 11),
    "STIRLING": Table(stirling_p, 0, 1 / 9, 10),
    "STIRLING_WIDE": Table(stirling_p, 0, 1 / 9, 3),
    "DIGAMMA": Table(*mapped(digamma_p, 1, 3), 19),
    "DIGAMMA_WIDE": Table(*mapped(digamma_p, 1, 3), 9),
    "DIGAMMA_FAR": Table(digamma_u, 0, 1 / 9, 11),
    "DIGAMMA_FAR_WIDE": Table(digamma_u, 0, 1 / 9, 3),
    "ERFC_WIDE": Table(erfc_p, erfc_low(0.46), erfc_low(10.5), 10),
}


def main() -> None:
    """Print the tables named on the command line, or all."""
    for name in sys.argv[1:] or TABLES:
        values, error = coefficients(TABLES[name])
        print(f"# error {mp.nstr(error, 3)}\n{name} = (")
        for value in values:
            print(f"    {value!r},")
        print(")")


if __name__ == "__main__":
    main()
