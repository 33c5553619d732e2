"""Lowering rules, computed entry by entry: what kernels compute is what NumPy does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.laws.cases import samples, stream
from wengert.core.lowering import Pointwise
from wengert.core.primitive import PRIMITIVES

from .entrywise import DTYPES, Interpreter, computed

POINTWISE = sorted(name for name, prim in PRIMITIVES.items() if isinstance(prim.lower, Pointwise))

# Where a rule has other roundings than NumPy's or SciPy's function the results differ: by so many ulp of a number, of
# the result, or of the largest of the terms that it is the sum of, or of the result times the logarithm whose error an
# exponential magnifies. All other rules are exact: the same bits, but for those of nan.


def itself(y, *xs, **params):
    return abs(y)


def terms(y, *xs, **params):
    return max(abs(v) for v in (y, *xs, 1))


def magnified(y, *xs, **params):
    return abs(y) * (1 + abs(np.log(abs(y))))


ULPS = {
    "boxcox": (3, magnified),
    "boxcox1p": (3, magnified),
    "cosm1": (2, lambda y, x: 1.0),  # SciPy subtracts 1 from the cosine
    "entr": (2, itself),
    "exp10": (4, magnified),
    "exprel": (2, itself),
    "float_power": (2, itself),
    "huber": (2, terms),
    "inv_boxcox": (3, magnified),
    "inv_boxcox1p": (3, lambda y, *xs: magnified(1 + abs(y))),
    "kl_div": (4, lambda y, x1, x2: terms(y, x1, x2, x1 * np.log(x1 / x2) if x1 > 0 and x2 > 0 else 0)),
    "log_expit": (2, itself),
    "logaddexp": (2, terms),  # NumPy's own exp and log1p are not the same for numbers as for arrays
    "logaddexp2": (2, terms),
    "logit": (4, terms),
    "ndtr": (2, itself),
    "power": (2, itself),
    "pseudo_huber": (4, itself),
    "rel_entr": (4, itself),
    "sinc": (4, lambda y, x, order: np.pi**order * np.exp(max(1.0, 0.5 * order))),  # as its terms grow
    **{f"special.{name}": (2, itself) for name in ("cbrt", "exp2", "expm1", "log1p")},
    "xlog1py": (2, itself),
    "xlogy": (2, itself),
}

# The sign of a zero that depends, in NumPy, on the other entries, or on how many there are.
SIGN_OF_ZERO = {"clip", "fmax", "fmin", "masked", "maximum", "minimum"}

# Kinds of operands whose results have other dtypes than the records say, which nobody binds them to.
OUTSIDE = {"conjugate": "b", "constant": "iub"}


def floats(dtype):
    info = np.finfo(dtype)
    usual = [0.5, 1, 1.5, 2, 3, 7.25, 0.3, 100.7, 1e10, np.pi, 709.0]
    numbers = [0.0, *usual, info.max, info.tiny, info.smallest_subnormal, 3 * info.tiny / 4, np.inf, np.nan]
    return np.array([*numbers, *np.negative(numbers)], dtype)


def integers(dtype):
    info = np.iinfo(dtype)
    numbers = {0, 1, 2, 3, 7, 31, 32, 63, 64, 100, info.max, info.max - 1, info.min, info.min + 1}
    return np.array(sorted(numbers | ({-1, -2, -3, -7, -64} if info.min else set())), dtype)


def special(dtype):
    """Numbers at which operations differ from what one would write without thinking of them."""
    return {"f": floats, "b": lambda _: np.array([False, True])}.get(dtype.kind, integers)(dtype)


MATCHED = [DTYPES[name] for name in ("f64", "f32", "i64", "i32", "u8", "bool")]
MIXED = [DTYPES[name] for name in ("i64", "u64")]


def choices(n, rng):
    """Operands of special values, of one dtype, and of different ones; all combinations, if they are not too many."""
    kinds = [(dtype,) * n for dtype in MATCHED]
    if n > 1:
        kinds += [(*order,) + (MIXED[0],) * (n - 2) for order in itertools.permutations(MIXED)]
        kinds += [(MATCHED[0],) * (n - 1) + (MATCHED[3],), (MATCHED[1],) + (MATCHED[2],) * (n - 1)]
    for dtypes in kinds:
        found = list(itertools.product(*map(special, dtypes)))
        picked = rng.permutation(len(found))[:700]
        yield [np.array([found[i][k] for i in picked], dtype) for k, dtype in enumerate(dtypes)]


def evaluated(prim, xs, params):
    """The value, or None where NumPy has none for such dtypes."""
    try:
        with np.errstate(all="ignore"):
            return np.asarray(prim.eval(*xs, **params))
    except (TypeError, ValueError, OverflowError):
        return None


def agree(name, y, expected, xs, params):
    """Whether a result is the one that NumPy has."""
    assert y.dtype == expected.dtype
    if y != y or expected != expected:
        return y != y and expected != expected
    if y == expected:
        return y.dtype.kind != "f" or name in SIGN_OF_ZERO or np.signbit(y) == np.signbit(expected)
    if name not in ULPS or not np.isfinite(expected):
        return False
    ulps, scale = ULPS[name]
    with np.errstate(over="ignore"):
        return abs(y - expected) <= ulps * np.spacing(
            y.dtype.type(scale(*map(float, (expected, *xs)), **params))
        )


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
