"""Lowering rules, computed entry by entry: what kernels compute is what NumPy does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.laws.cases import samples
from wengert.core.lowering import Pointwise
from wengert.core.primitive import PRIMITIVES

from .entrywise import DTYPES, computed

POINTWISE = sorted(name for name, prim in PRIMITIVES.items() if isinstance(prim.lower, Pointwise))

# Where a rule has other roundings than NumPy's function the results differ by as many ulp: of the result, or of the
# largest of it and the operands where the last operation is a sum. All other rules are exact: the same bits, but for
# those of nan.
ULPS = {
    "float_power": 2,
    "logaddexp": 2,  # NumPy's own exp and log1p are not the same for numbers as for arrays
    "logaddexp2": 2,
    "power": 2,
}
SUMS = {"logaddexp", "logaddexp2"}

# The sign of a zero that depends, in NumPy, on the other entries, or on how many there are.
SIGN_OF_ZERO = {"clip", "fmax", "fmin", "masked", "maximum", "minimum"}


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


def agree(name, y, expected, xs):
    """Whether a result is the one that NumPy has."""
    assert y.dtype == expected.dtype
    if y != y or expected != expected:
        return y != y and expected != expected
    if y == expected:
        return y.dtype.kind != "f" or name in SIGN_OF_ZERO or np.signbit(y) == np.signbit(expected)
    if name not in ULPS or not np.isfinite(expected):
        return False
    scale = max([abs(expected), *([abs(x) for x in xs] if name in SUMS else [])])
    return abs(y - expected) <= ULPS[name] * np.spacing(y.dtype.type(scale))


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
        fits = agree(prim.name, found, expected[place], entries)
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
        if name != "conjugate" or xs[0].dtype != np.bool_:  # NumPy's are integers
            check(prim, xs, case.params)
