"""Every primitive on its samples, with its derivatives, as machine code: the same as by NumPy.

All samples of a primitive are one program, and, marked slow, one more in float32. Values of operations by entry are
within `ULPS` ulp, or as far off as `special_values` allows; what only moves, joins or compares numbers is NumPy's to
the bit. The rules of derivatives, products and sums are held to 1e-13 of the largest number on the way: a sum of n
terms is off by at most about n eps times the sum of their sizes (Higham, Accuracy and Stability, section 3.1), and no
sample has more than some hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
import wengert.jit
from tests.laws.cases import ALL, GRAPHS, Case, cast, is_float, samples
from tests.laws.rules import like
from wengert.compile.lower import NotLowered
from wengert.compile.programs import lowered
from wengert.core.graph import Graph
from wengert.core.lowering import Placement, Pointwise, View
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.errors import RuleMissingError
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import type_of

from .graph_agreement import MISSED, coarsest, native_results, plain_results, require_equal_types, sizes
from .special_values import SIGN_OF_ZERO, terms
from .special_values import ULPS as LISTED

SAMPLED = [name for name in [*ALL, *sorted(GRAPHS)] if PRIMITIVES[name].samples is not None]
ULPS = 4
ROUNDING = 1e-13 / np.finfo(np.float64).eps  # in units of eps
NEAR = {
    **LISTED,
    **dict.fromkeys(("gammaln", "loggamma"), (ULPS, terms)),
}  # the digits of SciPy's near a zero are wrong
EXACT = {
    "add",
    "sub",
    "mul",
    "div",
    "neg",
    "abs",
    "sqrt",
    "floor",
    "ceil",
    "trunc",
    "rint",
    "minimum",
    "maximum",
}


# What NumPy does in the middle of a program, or instead of one, and why. A primitive that gets a lowering leaves this
# table: the test of a primitive that is here and needs NumPy for no sample fails, and so does that of one which is not
# here and needs it for all.
LEFT_TO_NUMPY = {
    "complex numbers, and times": {
        "conjugate", "eig", "eigvals", "fft", "hankel1", "hankel1e", "hankel2", "hankel2e", "imag", "irfft",
        "isnat", "lambertw", "real", "rfft", "wofz",
    },
    "factorizations of matrices, and what is made of them": {
        "cofactor", "eigh_pencil", "expm", "logm", "lstsq", "lu_factor", "pinv", "pivots_to_permutation", "polar",
        "solve_continuous_lyapunov", "solve_discrete_lyapunov", "solve_structured", "solve_sylvester",
        "solve_tridiagonal", "sqrtm",
    },
    "orders, and places of entries": {
        "argpartition", "argsort", "choose", "column_order", "permute", "roll", "searchsorted",
    },
    "recurrences along an axis": {"cumprod", "cumsum", "lfilter", "recurrence", "spline_filter1d"},
    "sums of products in windows": {
        "convolve", "convolve_full", "convolve_valid", "correlate_valid",
        "overlap_add", "windows",
    },
    "reductions of several passes": {"vector_norm", "weighted_logsumexp"},
    "parts of matrices": {"diagonal_embed"},
    "several results of an entry": {"divmod", "frexp", "modf"},
    "steps of SciPy's solvers": {"deferred", "initial_value", "initial_value_adjoint"},
    "integrals, series and iterations of SciPy's or NumPy's own": {
        "airy", "airye", "bdtr", "bdtrc", "bdtri", "beta", "betainc", "betainc_trend_0", "betainc_trend_1", "betaincc",
        "betaincc_trend_0", "betaincc_trend_1", "betainccinv", "betaincinv", "betaln", "binom", "chdtr", "chdtrc",
        "chdtri", "cosdg", "cotdg", "dawsn", "ellipe", "ellipeinc", "ellipj", "ellipk", "ellipkinc", "ellipkm1",
        "erfcinv", "erfcx", "erfi", "erfinv", "exp1", "expi", "expn", "fdtr", "fdtr_trend_0", "fdtr_trend_1", "fdtrc",
        "fdtrc_trend_0", "fdtrc_trend_1", "fdtri", "fresnel", "gamma", "gammainc", "gammainc_trend_0", "gammaincc",
        "gammaincc_trend_0", "gammainccinv", "gammaincinv", "gcd", "gdtr", "gdtrc", "gdtrix", "hyp2f1", "hyperu", "i0",
        "i0e", "i1", "i1e", "integral", "it2i0k0", "it2j0y0", "it2struve0", "iti0k0", "itj0y0", "itmodstruve0",
        "itstruve0", "iv", "ive", "j0", "j1", "jv", "jve", "k0", "k0e", "k1", "k1e", "kn", "kummer", "kv", "kve", "lcm",
        "log_ndtr", "log_wright_bessel", "modstruve", "nbdtr", "nbdtrc", "nbdtri", "ndtri", "ndtri_exp", "numpy_i0",
        "order_at_origin", "order_length", "order_rate", "oscillating_order_length", "oscillating_order_rate",
        "owens_t", "parameter_reach", "pbdv", "pbvv", "pbwa", "pdtr", "pdtrc", "pdtri", "poch", "powm1", "rgamma",
        "riemann_zeta", "shichi", "sici", "sindg", "spence", "stdtr", "stdtr_trend_0", "stdtrit", "struve", "tandg",
        "voigt_profile", "wright_bessel", "wrightomega", "y0", "y1", "yn", "yv", "yve", "zeta", "zeta_base",
        "zeta_decay", "zeta_pole_distance", "zetac",
    },
}  # fmt: skip
IN_DOUBLES = {"eigh", "svd"}  # native, and left to NumPy in single precision
LEFT = frozenset().union(*LEFT_TO_NUMPY.values())


class Sample(NamedTuple):
    """A sample as a graph: its value first, then what the rules of derivatives give."""

    case: Case
    graph: Graph
    n_values: int
    is_native: bool  # whether its value needs nothing of NumPy's


def is_real(case: Case) -> bool:
    """Whether programs have the types of the operands: no complex numbers, and no objects."""
    return all(np.result_type(x).kind in "fiub" and np.result_type(x).itemsize <= 8 for x in case.xs)


def flat(prim: Primitive, case: Case) -> Callable[..., list[Any]]:
    return lambda *xs: list(y) if isinstance(y := prim(*xs, **case.params), tuple | list) else [y]


def derived(prim: Primitive, case: Case) -> Callable[..., list[Any]]:
    """The value, the tangents and the cotangents along directions that are constants."""
    chosen = [i for i, x in enumerate(case.xs) if is_float(x)]
    dots = [like(case.rng, case.xs[i]) for i in chosen]
    bars = [like(case.rng, y) for y in flat(prim, case)(*case.xs)]

    def whole(*xs: Any) -> list[Any]:
        def floating(*moved: Any) -> list[Any]:
            operands = dict(enumerate(xs)) | dict(zip(chosen, moved, strict=True))
            ys = flat(prim, case)(*operands.values())
            return [y for y, bar in zip(ys, bars, strict=True) if bar is not None]

        points = [xs[i] for i in chosen]
        ys = flat(prim, case)(*xs)
        if not points or all(bar is None for bar in bars):
            return ys
        y_dots = wg.jvp(floating, tuple(points), tuple(dots))[1]
        x_bars = wg.vjp(floating, *points)[1]([bar for bar in bars if bar is not None])
        return [*ys, *y_dots, *x_bars]

    return whole


def sample(prim: Primitive, case: Case) -> Sample | None:
    """A sample with its derivatives, if it has some, or None if no program has such values."""
    types = [type_of(x) for x in case.xs]
    value = stage(flat(prim, case), types, prim.name)[0]
    graph = value
    if prim.differentiable:
        try:
            graph = simplify(stage(derived(prim, case), types, prim.name)[0])
        except (RuleMissingError, TypeError):
            graph = value
    is_native = is_all_native(value)
    for found in (graph, value):
        if is_all_native(found) is not None:
            return Sample(case, found, len(value.outputs), bool(is_native))
    return None


def is_all_native(graph: Graph) -> bool | None:
    """Whether a program needs nothing of NumPy's, or None if there is no program."""
    try:
        return lowered(graph).host is None
    except NotLowered:
        return None


def joined(found: Sequence[Sample], name: str) -> Graph:
    """All samples as one graph."""

    def whole(*xs: Any) -> list[Any]:
        rest = list(xs)
        ys = []
        for one in found:
            n = len(one.case.xs)
            ys += one.graph.apply(rest[:n])
            del rest[:n]
        return ys

    return stage(whole, [type_of(x) for one in found for x in one.case.xs], name)[0]


def check_value(prim: Primitive, case: Case, y: np.ndarray, expected: np.ndarray, size: float) -> None:
    """Hold one result to NumPy's."""
    same_zeros = prim.name not in SIGN_OF_ZERO and isinstance(prim.lower, Pointwise | View | Placement)
    rule = getattr(prim.lower, "rule", None)
    moves = isinstance(prim.lower, View | Placement) and not getattr(prim.lower, "adds", False)
    if y.dtype.kind != "f" or moves or rule in EXACT:
        np.testing.assert_array_equal(y, expected)
    elif isinstance(prim.lower, Pointwise):
        ulps, scale = NEAR.get(prim.name, (ULPS, lambda y, *_, **__: abs(y)))
        xs = np.broadcast_arrays(*case.xs)
        for at in np.ndindex(y.shape):
            if y[at] != expected[at] and not (np.isnan(y[at]) and np.isnan(expected[at])):
                size = scale(*map(float, (expected[at], *[x[at] for x in xs])), **case.params)
                assert abs(y[at] - expected[at]) <= max(ulps, ULPS) * np.spacing(y.dtype.type(size))
    else:
        check_sum(y, expected, size)
    if same_zeros and y.dtype.kind == "f":
        zero = (y == 0) & (expected == 0)
        np.testing.assert_array_equal(np.signbit(y[zero]), np.signbit(expected[zero]))


def check_sum(y: np.ndarray, expected: np.ndarray, size: float) -> None:
    """Hold a sum of products to NumPy's, relative to the rounding unit of the largest number on the way."""
    if y.dtype.kind == "c":
        check_sum(y.real, expected.real, size)
        check_sum(y.imag, expected.imag, size)
        return
    if y.dtype.kind != "f":
        np.testing.assert_array_equal(y, expected)
        return
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(y[~finite], expected[~finite])
    np.testing.assert_allclose(y[finite], expected[finite], rtol=0, atol=ROUNDING * size)


def check(prim: Primitive, cases: Sequence[Case]) -> None:
    """Hold a primitive to NumPy on all samples; report every one that differs."""
    with np.errstate(all="ignore"):
        found = [one for one in (sample(prim, case) for case in cases) if one is not None]
    needs_numpy = not any(one.is_native for one in found)
    assert needs_numpy == (prim.name in LEFT), "the table of what is left to NumPy says otherwise"
    if not found:
        return
    graph = joined(found, prim.name)
    ys = native_results(graph, [x for one in found for x in one.case.xs])
    assert ys is not MISSED, "the native program gives up"
    broken = []
    for one in found:
        own, ys = ys[: len(one.graph.outputs)], ys[len(one.graph.outputs) :]
        expected = plain_results(one.graph, one.case.xs)
        try:
            require_equal_types(own, expected)
            size = sizes(one.graph, one.case.xs) * coarsest(one.graph)
            for k, (y, e) in enumerate(zip(map(np.asarray, own), map(np.asarray, expected), strict=True)):
                if k < one.n_values:
                    check_value(prim, one.case, y, e, size)
                else:
                    check_sum(y, e, size)
        except AssertionError as error:
            broken.append(f"{one.case.label} {one.case.xs} {one.case.params}: {error}")
    assert not broken, f"{prim.name} is not NumPy's:\n" + "\n".join(broken)


def real_samples(prim: Primitive) -> list[Case]:
    return [case for case in samples(prim) if is_real(case)]


@pytest.mark.parametrize("name", sorted(set(SAMPLED) - LEFT))
def test_values_and_derivatives(name: str) -> None:
    prim = PRIMITIVES[name]
    check(prim, real_samples(prim))


@pytest.mark.parametrize("name", sorted(LEFT))
def test_what_is_left_to_numpy(name: str) -> None:
    prim = PRIMITIVES[name]
    check(prim, real_samples(prim)[:1])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(LEFT))
def test_all_samples_of_what_is_left_to_numpy(name: str) -> None:
    prim = PRIMITIVES[name]
    check(prim, real_samples(prim))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(SAMPLED) - LEFT - GRAPHS - IN_DOUBLES))
def test_in_single_precision(name: str) -> None:
    prim = PRIMITIVES[name]
    check(prim, [cast(case, np.float32) for case in real_samples(prim)])
