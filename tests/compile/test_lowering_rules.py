"""Lowering rules, computed entry by entry: what kernels compute is what NumPy does."""

from __future__ import annotations

import numpy as np
import pytest

from tests.laws.cases import samples, stream
from wengert.core.primitive import PRIMITIVES

from .entrywise import DTYPES, Interpreter, computed
from .special_values import MATCHED, OUTSIDE, POINTWISE, agree, choices, evaluated, floats, special


def check(prim, xs, params):
    """Hold a rule to `eval` on operands of one shape."""
    expected = evaluated(prim, xs, params)
    if expected is None:
        return
    for place in np.ndindex(expected.shape):
        entries = [x[place] for x in xs]
        found = computed(prim, entries, params)
        if found is None:
            return
        fits = agree(prim.name, found, expected[place], entries, params)
        assert fits, f"{prim.name}{tuple(entries)} is {expected[place]!r}, not {found!r}; {params}"


@pytest.mark.parametrize("name", POINTWISE)
def test_an_entry_of_a_sample_is_what_numpy_computes(name):
    prim = PRIMITIVES[name]
    for case in samples(prim):
        if not any(np.iscomplexobj(x) for x in case.xs):  # kernels know no complex numbers
            check(prim, np.broadcast_arrays(*case.xs), case.params)


@pytest.mark.parametrize("name", [name for name in POINTWISE if name not in {"cast", "discretize"}])
def test_an_entry_of_special_values_is_what_numpy_computes(name):
    prim = PRIMITIVES[name]
    case = next(samples(prim))
    for xs in choices(len(case.xs), case.rng):
        if xs[0].dtype.kind not in OUTSIDE.get(name, ""):
            check(prim, xs, case.params)


@pytest.mark.parametrize("old", MATCHED, ids=str)
def test_conversions(old):
    """Numbers that fit: what becomes of the others is the machine's affair, in NumPy too."""
    numbers = special(old)
    for new in DTYPES.values():
        name = "cast" if new.kind == "f" else "discretize"
        xs = numbers
        if old.kind == "f" and new.kind in "iu":
            xs = np.array(
                [0.0, -0.0, 0.5, 1.0, 1.75, 100.25, *([-0.5, -3.75] if new.kind == "i" else [])], old
            )
        check(PRIMITIVES[name], [xs], {"dtype": new})


@pytest.mark.parametrize("exponent", [-2, -1, 0, 0.5, 1, 2, 3, 4, 5, -3, 1.5, np.nan])
def test_a_power_of_a_known_exponent_is_what_numpy_computes(exponent):
    prim = PRIMITIVES["power"]
    for dtype in (np.float64, np.float32):
        xs = floats(dtype)
        with np.errstate(all="ignore"):
            expected = np.power(xs, exponent)
        for x, y in zip(xs, expected, strict=True):
            found = computed(prim, [x, dtype(exponent)], {}, known=(1,))
            assert agree("power", found, y, [x], {}), f"{x!r} ** {exponent}: {found!r} is not {y!r}"


class Counting(Interpreter):
    """An interpreter that knows how many operations it was asked for, and how many of them were powers."""

    def __init__(self):
        self.names = []

    def __call__(self, name, *xs):
        self.names.append(name)
        return super().__call__(name, *xs)


def test_a_known_exponent_makes_products():
    for exponent, powers in ((2.0, 0), (3.0, 0), (-2.0, 0), (2.5, 1)):
        b = Counting()
        PRIMITIVES["power"].lower.rule(b, b.constant(1.5, "f64"), b.constant(exponent, "f64"))
        assert b.names.count("pow") == powers


def test_scaling_rounds_once():
    """Numbers of all sizes are scaled over the whole range: results that are subnormal come of one rounding."""
    rng = stream("scaling_rounds_once")
    prim = PRIMITIVES["ldexp"]
    for dtype, reach in ((np.float64, 1020), (np.float32, 120)):
        xs = np.ldexp(rng.uniform(1, 2, 400).astype(dtype), rng.integers(-reach, 9 * reach // 10, 400))
        steps = rng.integers(-2 * reach, 2 * reach, 400)
        close = -np.frexp(xs)[1] - (1070 if dtype is np.float64 else 146) + rng.integers(0, 40, 400)
        for n in (steps, close):
            check(prim, [xs, n], {})
    small = np.ldexp(rng.uniform(1, 2, 400), rng.integers(-40, 0, 400))
    check(prim, [small, rng.integers(-1026, -1021, 400)], {})


def test_neighbors_all_the_way():
    rng = stream("neighbors_all_the_way")
    for dtype in (np.float64, np.float32):
        xs = rng.normal(size=200).astype(dtype)
        check(PRIMITIVES["nextafter"], [xs, xs[::-1]], {})
        check(PRIMITIVES["spacing"], [xs], {})


def test_quotients_and_remainders_near_whole_ratios():
    rng = stream("quotients_and_remainders_near_whole_ratios")
    for dtype in (np.float64, np.float32):
        divisors = rng.normal(size=300).astype(dtype)
        near = divisors * rng.integers(-50, 50, 300).astype(dtype)
        for name in ("floor_divide", "remainder", "fmod"):
            check(PRIMITIVES[name], [near, divisors], {})


@pytest.mark.parametrize("name", ["boxcox", "boxcox1p"])
def test_powers_that_overflow_and_quotients_that_do_not(name):
    order = np.array([100.0, 500.0, -500.0])
    x = np.exp(np.array([711.0, 712.0, -712.0]) / order) - (name == "boxcox1p")
    check(PRIMITIVES[name], [x, order], {})
    assert np.isfinite(PRIMITIVES[name].eval(x[:2], order[:2])).all()


def test_a_weight_counts_operations():
    weights = {name: PRIMITIVES[name].lower.weight for name in POINTWISE}
    for name in ("add", "where", "less", "negative", "square", "stop_gradient"):
        assert weights[name] == 1
    assert weights["divide"] == weights["sqrt"] == 4
    assert all(weights[name] >= 15 for name in ("exp", "sin", "tanh", "power", "erf", "logaddexp", "xlogy"))


# What has no lowering

ELEMENTWISE = {name for name, prim in PRIMITIVES.items() if prim.elementwise}
OTHERS = {
    "choose",
    "complex",
    "divmod",
    "frexp",
    "imag",
    "modf",
    "numpy_i0",
}  # entry by entry, and no such ufuncs

WITHOUT = {
    "times": {"isnat"},
    "complex numbers": {"complex", "imag", "wofz"},
    "a loop for each entry": {"gcd", "lcm"},
    "several results": {"divmod", "frexp", "modf"},
    "raises for an entry out of range": {"choose"},
    "degrees that SciPy reduces by tables of its own": {"cosdg", "cotdg", "sindg", "tandg"},
    "approximations, series or iterations of SciPy's or NumPy's own": {
        "bdtr", "bdtrc", "bdtri", "beta", "betainc", "betaincc", "betainccinv", "betaincinv", "betaln", "binom",
        "chdtr", "chdtrc", "chdtri", "dawsn", "ellipe", "ellipeinc", "ellipk", "ellipkinc", "ellipkm1", "erfcinv",
        "erfcx", "erfi", "erfinv", "exp1", "expi", "expn", "fdtr", "fdtrc", "fdtri", "gamma", "gammainc", "gammaincc",
        "gammainccinv", "gammaincinv", "gdtr", "gdtrc", "gdtrix", "hankel1", "hankel1e", "hankel2", "hankel2e",
        "hyp2f1", "hyperu", "i0", "i0e", "i1", "i1e", "it2struve0", "itmodstruve0", "itstruve0", "iv", "ive", "j0",
        "j1", "jv", "jve", "k0", "k0e", "k1", "k1e", "kn", "kv", "kve", "lambertw", "log_ndtr", "log_wright_bessel",
        "modstruve", "nbdtr", "nbdtrc", "nbdtri", "ndtri", "ndtri_exp", "numpy_i0", "owens_t", "pdtr", "pdtrc",
        "pdtri", "poch", "powm1", "rgamma", "riemann_zeta", "spence", "stdtr", "stdtrit", "struve", "voigt_profile",
        "wright_bessel", "wrightomega", "y0", "y1", "yn", "yv", "yve", "zeta", "zetac",
    },
}  # fmt: skip


def test_every_elementwise_primitive_is_lowered_or_named_with_the_reason():
    named = set().union(*WITHOUT.values())
    assert sum(map(len, WITHOUT.values())) == len(named)
    assert named == {name for name in ELEMENTWISE | OTHERS if PRIMITIVES[name].lower is None}
