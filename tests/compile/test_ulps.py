"""Machine code of every elementwise operation against NumPy: 4 ulp, and the same nan, inf and signs of zeros.

Where NumPy, SciPy or a formula of theirs is less accurate, the result is held to the exact one: `EXACT` tells which
operations these are, and the errors that were found, in ulp, of machine code and of NumPy.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import mpmath
import numpy as np
import pytest

from tests.laws.cases import samples
from wengert.compile.compiled import Native
from wengert.core.graph import Graph, Node, Var
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.types import type_of

from .special_values import POINTWISE, SIGN_OF_ZERO, evaluated, floats
from .vector_math.reference import ulps

ULPS = 4
CONVERSIONS = {
    "cast",
    "discretize",
}  # have tests of their own: their results are of the dtypes that one asks for
NAMES = sorted(set(POINTWISE) - CONVERSIONS)
FLOATS = {"f64": np.dtype("f8"), "f32": np.dtype("f4")}
SIZE = 2000


def wide(rng: np.random.Generator, dtype: np.dtype, size: int) -> np.ndarray:
    """Numbers of usual sizes and, some, of all sizes, of both signs."""
    info = np.finfo(dtype)
    powers = rng.uniform(info.minexp - 5, info.maxexp - 0.01, size).astype(np.longdouble)
    usual = np.exp2(rng.uniform(-12, 8, size))
    x = np.where(rng.random(size) < 0.3, np.exp2(powers), usual)
    with np.errstate(over="ignore"):
        return np.asarray(x * rng.choice([-1, 1], size), dtype)


def operands(name: str, n: int, dtype: np.dtype, size: int = SIZE) -> list[np.ndarray]:
    """Random numbers, some of a pair close to each other, and combinations of special values."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    xs = [wide(rng, dtype, size) for _ in range(n)]
    k = size // 4
    if n > 1:
        with np.errstate(over="ignore"):
            xs[1][:k] = xs[0][:k] * (1 + rng.normal(size=k) * 10.0 ** rng.uniform(-12, 0, k))
        xs[0][k : 2 * k], xs[1][k : 2 * k] = rng.uniform(0, 3, (2, k))
    else:
        xs[0][:k] = rng.uniform(-3, 3, k)
    special = np.array(list(itertools.product(*[floats(dtype)] * n)), dtype)
    special = special[rng.permutation(len(special))[:SIZE]]
    return [np.concatenate([x, special[:, i]]) for i, x in enumerate(xs)]


def native(prim: Primitive, xs: list[Any], params: Any) -> Any:
    inputs = [Var(type_of(x)) for x in xs]
    output = Var(prim.infer(*[v.type for v in inputs], **params))
    program = Native(Graph(inputs, [Node(prim, tuple(inputs), params, (output,))], [output]))
    return program.flat(xs)(*xs)[0]


def both(name: str, dtype: np.dtype) -> tuple[list[np.ndarray], Any, Any]:
    """Operands, the results of machine code, and those of NumPy."""
    prim = PRIMITIVES[name]
    case = next(samples(prim))
    xs = operands(name, len(case.xs), dtype)
    expected = evaluated(prim, xs, case.params)
    return xs, None if expected is None else native(prim, xs, case.params), expected


def apart(y: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """How many ulp of the one the other is off; infinite where they are not numbers of one kind."""
    with np.errstate(all="ignore"):
        far = np.abs(y.astype(np.longdouble) - expected) / np.spacing(np.abs(expected))
        same = (y == expected) | (np.isnan(y) & np.isnan(expected))
        return np.where(same, 0.0, np.where(np.isfinite(y) & np.isfinite(expected), far, np.inf))


class Truth(NamedTuple):
    """The exact function, and the largest errors that were found, of machine code and of NumPy or SciPy.

    Errors are in ulp of the result, or of `scale`, where there is no formula without cancellation; operands are those
    for which `domain` holds.
    """

    exact: Callable[..., Any]
    found: float
    numpy: float
    scale: Callable[..., Any] | None = None
    domain: Callable[..., Any] = lambda *xs: True


def _lgamma(x: Any) -> Any:
    return mpmath.loggamma(x) if x > 30 else mpmath.log(abs(mpmath.gamma(x)))


def _log_of_sum(base: Any) -> Callable[..., Any]:
    return lambda x, y: max(x, y) + _growth(base(), x, y)


def _growth(base: Any, x: Any, y: Any) -> Any:
    """How much larger than the larger number the logarithm of a sum of powers is."""
    return mpmath.log1p(mpmath.power(base, -min(abs(x - y), 10_000))) / mpmath.log(base)


def _larger_term(base: Any) -> Callable[..., Any]:
    return lambda x, y: max(abs(max(x, y)), _growth(base(), x, y))


def _reflected(x: Any) -> Any:
    """The larger part of digamma(1 - x) - pi cot(pi x), and digamma itself where x > 0."""
    if x > 0:
        return mpmath.digamma(x)
    return max(abs(mpmath.digamma(1 - x)), abs(mpmath.pi * mpmath.cot(mpmath.pi * x)))


def _boxcox(logarithm: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, k: mpmath.expm1(k * logarithm(x)) / k if k else logarithm(x)


def _inverse_boxcox(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, k: function(mpmath.log1p(k * x) / k if k else x)


def _magnified(exact: Callable[..., Any], logarithm: Callable[..., Any]) -> Callable[..., Any]:
    """The error of an exponential is the absolute one of its argument."""
    return lambda *xs: abs(exact(*xs)) * (1 + abs(logarithm(*xs)))


def _kl_div(x: Any, y: Any) -> Any:
    return (x * mpmath.log(x / y) if x else 0) - x + y


def _normal(x: Any) -> Any:
    return mpmath.erfc(min(-x, 10_000) / mpmath.sqrt(2)) / 2


_PRODUCT_MATTERS = lambda x, k: (
    not k or abs(k * x) > 1e-150
)  # SciPy's formula divides a subnormal number, or takes x
EXACT = {
    # what SciPy computes less well
    "cosm1": Truth(lambda x: -2 * mpmath.sin(x / 2) ** 2, 2.0, 1.1e7),
    "erfc": Truth(lambda x: mpmath.erfc(min(x, 10_000)), 2.2, 5.5e12),
    "expit": Truth(lambda x: 1 / (1 + mpmath.exp(-x)), 1.1, 1.2e6),
    "gammaln": Truth(_lgamma, 2.4, 9.4e3),
    "loggamma": Truth(_lgamma, 2.4, 9.4e3),
    # the error of x / sqrt(2), of a logarithm or of a power is magnified, in SciPy's too
    "boxcox": Truth(
        _boxcox(mpmath.log), 1.8, 1.8, _magnified(_boxcox(mpmath.log), lambda x, k: k * mpmath.log(x))
    ),
    "boxcox1p": Truth(
        _boxcox(mpmath.log1p), 2.0, 2.2, _magnified(_boxcox(mpmath.log1p), lambda x, k: k * mpmath.log1p(x))
    ),
    "inv_boxcox": Truth(
        _inverse_boxcox(mpmath.exp), 2.0, 2.0,
        _magnified(_inverse_boxcox(mpmath.exp), _inverse_boxcox(lambda t: t)), _PRODUCT_MATTERS,
    ),
    "inv_boxcox1p": Truth(
        _inverse_boxcox(mpmath.expm1), 2.0, 2.0,
        _magnified(_inverse_boxcox(mpmath.exp), _inverse_boxcox(lambda t: t)), _PRODUCT_MATTERS,
    ),
    "ndtr": Truth(_normal, 1.7, 6.4e8, lambda x: _normal(x) * (1 + x * x)),
    # terms of both signs cancel, in SciPy's and NumPy's too
    "digamma": Truth(mpmath.digamma, 3.2, 190.0, _reflected),
    "kl_div": Truth(_kl_div, 1.4, 1.4, lambda x, y: max(abs(_kl_div(x, y) + x - y), x, y)),
    "logaddexp": Truth(_log_of_sum(lambda: mpmath.e), 2.5, 2.5, _larger_term(lambda: mpmath.e)),
    "logaddexp2": Truth(_log_of_sum(lambda: 2), 3.6, 4.1, _larger_term(lambda: 2)),
    "radian": Truth(
        lambda d, m, s: ((d * 60 + m) * 60 + s) * mpmath.pi / 648_000, 1.9, 2.0,
        lambda d, m, s: max(abs(d) * 3600, abs(m) * 60, abs(s)) * mpmath.pi / 648_000,
    ),
}  # fmt: skip
# Kinds of numbers that NumPy or SciPy has wrong, or which another rounding on the way decides on.
OTHER_KINDS = {
    "gammaln": "at subnormal numbers it is 710, and SciPy's inf; at -inf its singles are -inf and its doubles inf",
    "loggamma": "at subnormal numbers it is 710, and SciPy's inf",
    "gammasgn": "SciPy converts the floor to a C int, which overflows",
    "radian": "a sum of a product that is rounded once overflows later",
}


def require_kinds(name: str, xs: Any, y: Any, expected: Any) -> None:
    """Hold nan, inf and the signs of zeros to NumPy's."""
    kinds = [(np.isnan, "nan"), (np.isposinf, "inf"), (np.isneginf, "-inf")]
    if name not in SIGN_OF_ZERO:
        kinds.append((lambda v: (y == 0) & (expected == 0) & np.signbit(v), "-0.0"))
    for is_kind, word in kinds:
        wrong = np.flatnonzero(is_kind(y) != is_kind(expected))
        at = [x[wrong[:3]] for x in xs]
        assert not wrong.size, f"{name}{at} is {expected[wrong[:3]]}, not {y[wrong[:3]]}: {word}"


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", sorted(set(EXACT) - set(OTHER_KINDS)))
def test_kinds_of_numbers_are_numpys(name: str, dtype: str) -> None:
    require_kinds(name, *both(name, FLOATS[dtype]))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", sorted(set(NAMES) - {*EXACT, *OTHER_KINDS}))
def test_results_are_numpys_within_four_ulp(name: str, dtype: str) -> None:
    xs, y, expected = both(name, FLOATS[dtype])
    if expected is None:
        return  # of integers alone
    assert y.dtype == expected.dtype
    if y.dtype.kind != "f":
        np.testing.assert_array_equal(y, expected)
        return
    require_kinds(name, xs, y, expected)
    far = apart(y, expected)
    worst = int(np.argmax(far))
    assert far[worst] <= ULPS, ([x[worst] for x in xs], y[worst], expected[worst])


def errors(name: str, dtype: str, size: int) -> tuple[float, float]:
    """The largest errors of machine code and of NumPy: where they differ most, and elsewhere."""
    truth, (xs, y, expected) = EXACT[name], both(name, FLOATS[dtype])
    finite = np.isfinite(y) & np.isfinite(expected) & np.all([np.isfinite(x) for x in xs], axis=0)
    far = np.where(finite, apart(y, expected), -1.0)
    chosen = [*np.argsort(-far)[:size], *np.random.default_rng(0).permutation(np.flatnonzero(finite))[:size]]
    own, theirs = 0.0, 0.0
    for i in chosen:
        at = [mpmath.mpf(float(x[i])) for x in xs]
        if truth.domain(*at):
            exact = mpmath.re(truth.exact(*at))
            unit = 1.0 if truth.scale is None else _units(exact, truth.scale(*at), dtype)
            own = max(own, ulps(float(y[i]), exact, dtype) / unit)
            theirs = max(theirs, ulps(float(expected[i]), exact, dtype) / unit)
    return own, theirs


def _units(exact: Any, scale: Any, dtype: str) -> float:
    """How many ulp of an exact value an ulp of a larger number is."""
    digits = 53 if dtype == "f64" else 24
    ulp = lambda v: mpmath.mpf(2) ** max(mpmath.mag(v) - digits, -1074 if dtype == "f64" else -149)
    return float(max(1, ulp(scale) / ulp(exact)))


def measured(name: str, dtype: str, size: int) -> tuple[float, float]:
    with mpmath.workprec(2400 if "boxcox" in name else 400), np.errstate(all="ignore"):
        return errors(name, dtype, size)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", EXACT)
def test_results_are_exact_where_numpys_are_not(name: str, dtype: str) -> None:
    own, _ = measured(name, dtype, 50)
    assert own <= ULPS


@pytest.mark.slow
@pytest.mark.parametrize("name", EXACT)
def test_errors_are_what_was_found(name: str) -> None:
    found = [measured(name, dtype, 400) for dtype in FLOATS]
    print(name, max(found))  # noqa: T201 - the errors of the SciPy that is installed, for whoever raises its version
    assert max(own for own, _ in found) <= EXACT[name].found
