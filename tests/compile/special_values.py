"""Special values of every dtype, and how near to NumPy's the results of lowering rules have to be."""

from __future__ import annotations

import itertools

import numpy as np

import tests.laws.cases  # noqa: F401 - loads all primitives
from wengert.core.lowering import Pointwise
from wengert.core.primitive import PRIMITIVES

from .entrywise import DTYPES

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
