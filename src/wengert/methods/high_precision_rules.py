"""What primitives compute in arithmetic of many digits: a table beside their records, by name.

Numbers are mpmath's, held in NumPy arrays of objects, so that whatever moves, adds, multiplies or compares entries is
the record's own `eval`. The elementary and special functions are mpmath's. A primitive that stands in no table has no
value here, and whoever asks is told so: none is guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wengert.core.primitive import PRIMITIVES

__all__ = ["Rule", "rules"]

Rule = Callable[..., Any]

# Operators and comparisons of objects, and what moves entries: `eval` as it stands. Complex values do not occur.
_AS_THEY_STAND = frozenset(
    [
        *("add", "subtract", "multiply", "negative", "positive", "square", "reciprocal"),
        *(
            "equal",
            "not_equal",
            "less",
            "less_equal",
            "greater",
            "greater_equal",
            "maximum",
            "minimum",
            "clip",
        ),
        *("bitwise_and", "bitwise_or", "bitwise_xor", "invert"),
        *(
            "sum",
            "prod",
            "max",
            "min",
            "cumsum",
            "cumprod",
            "var",
            "all",
            "any",
            "argmax",
            "argmin",
            "argsort",
        ),
        *(
            "broadcast_to",
            "reshape",
            "transpose",
            "flip",
            "roll",
            "concatenate",
            "pad",
            "tril",
            "triu",
            "windows",
        ),
        *(
            "diagonal",
            "diagonal_embed",
            "embed_diagonal",
            "getitem",
            "index_update",
            "permute",
            "where",
            "choose",
        ),
        *("matmul", "tensordot", "einsum", "convolve", "cross"),
    ]
)
_LOGICAL = ("logical_and", "logical_or", "logical_xor", "logical_not")
_UNCHANGED = frozenset(["cast", "constant", "stop_gradient", "real", "conjugate"])


def rules(mp: Any) -> dict[str, Rule]:
    """Return the table for one context of mpmath: name of a primitive to (*xs, **params) -> y.

    Parameters
    ----------
    mp : mpmath context
        Whose numbers they compute with, at its precision.

    Returns
    -------
    dict
        By names of primitives.
    """
    number = np.frompyfunc(lambda v: mp.convert(v.item() if isinstance(v, np.ndarray) else v), 1, 1)
    table: dict[str, Rule] = {
        name: partial(_as_it_stands, PRIMITIVES[name].eval, number)
        for name in _AS_THEY_STAND
        if name in PRIMITIVES
    }
    table |= dict.fromkeys(_UNCHANGED, lambda x, **_: x)
    table |= {name: _entrywise(mp, f) for name, f in (_elementary(mp) | _special(mp)).items()}
    table |= {name: _asked(mp, f) for name, f in _questions(mp).items()}
    return table | _reductions(mp)


def _as_it_stands(evaluate: Rule, number: Any, *xs: Any, **params: Any) -> Any:
    y = evaluate(*xs, **params)
    # Zeros and ones that NumPy puts in are integers, and 1 / 3 of these would be a double.
    return number(y) if getattr(y, "dtype", np.dtype(object)).kind == "O" else y


def _entrywise(mp: Any, f: Callable[..., Any]) -> Rule:
    """Return a function of entries as one of arrays; nan where its value is no real number or not defined."""

    def entry(*xs: Any) -> Any:
        try:
            y = f(*map(mp.convert, xs))
        except (ValueError, ZeroDivisionError):
            return mp.nan
        return mp.nan if isinstance(y, mp.mpc) else mp.convert(y)

    return lambda *xs: np.frompyfunc(entry, len(xs), 1)(*xs)


def _asked(mp: Any, f: Callable[[Any], bool]) -> Rule:
    return lambda x: np.asarray(np.frompyfunc(lambda v: f(mp.convert(v)), 1, 1)(x)).astype(bool)


def _elementary(mp: Any) -> dict[str, Callable[..., Any]]:
    """Return NumPy's functions, by entry."""
    same = ("exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "expm1", "log1p", "sign", "hypot")
    table: dict[str, Callable[..., Any]] = {name: getattr(mp, name) for name in same}
    table |= {f"arc{f}": getattr(mp, f"a{f}") for f in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}
    table |= {f"special.{name}": table[name] for name in ("expm1", "log1p")}
    return table | {
        "absolute": abs,
        "arctan2": mp.atan2,
        "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
        "ceil": mp.ceil,
        "copysign": lambda x, y: abs(x) if y >= 0 else -abs(x),
        "deg2rad": lambda x: x * mp.pi / 180,
        "degrees": lambda x: x * 180 / mp.pi,
        "divide": lambda x, y: x / y,
        "exp2": lambda x: mp.power(2, x),
        "fabs": abs,
        "float_power": mp.power,
        "floor": mp.floor,
        "floor_divide": lambda x, y: mp.floor(x / y),
        "fmax": max,
        "fmin": min,
        "heaviside": lambda x, y: y if x == 0 else mp.mpf(x > 0),
        "log": lambda x: mp.ninf if x == 0 else mp.log(x),
        "log10": lambda x: mp.ninf if x == 0 else mp.log10(x),
        "log2": lambda x: mp.ninf if x == 0 else mp.log(x, 2),
        "logaddexp": lambda x, y: max(x, y) + mp.log1p(mp.exp(-abs(x - y))),
        "logaddexp2": lambda x, y: mp.log(mp.power(2, x) + mp.power(2, y), 2),
        "masked": lambda x, y: mp.zero if 0 in (x, y) else x * y,
        "power": mp.power,
        "rad2deg": lambda x: x * 180 / mp.pi,
        "radians": lambda x: x * mp.pi / 180,
        "remainder": lambda x, y: x - y * mp.floor(x / y),
        "rint": mp.nint,
        "trunc": lambda x: mp.floor(x) if x >= 0 else mp.ceil(x),
    }


def _special(mp: Any) -> dict[str, Callable[..., Any]]:
    """Return functions of scipy.special, by entry."""
    same = ("erf", "erfc", "erfi", "erfinv", "gamma", "rgamma", "digamma", "beta", "expi", "zeta")
    table: dict[str, Callable[..., Any]] = {name: getattr(mp, name) for name in same if hasattr(mp, name)}

    def log_normal(x: Any) -> Any:
        return mp.log(mp.ncdf(x))

    return table | {
        "betaln": lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b),
        "entr": lambda x: -x * mp.log(x) if x > 0 else mp.zero if x == 0 else mp.ninf,
        "exp10": lambda x: mp.power(10, x),
        "expit": lambda x: 1 / (1 + mp.exp(-x)),
        "exprel": lambda x: mp.expm1(x) / x if x else mp.one,
        "gammaln": lambda x: mp.log(abs(mp.gamma(x))),
        "i0": lambda x: mp.besseli(0, x),
        "i1": lambda x: mp.besseli(1, x),
        "j0": lambda x: mp.besselj(0, x),
        "j1": lambda x: mp.besselj(1, x),
        "kl_div": lambda x, y: x * mp.log(x / y) - x + y,
        "log_expit": lambda x: -mp.log1p(mp.exp(-x)),
        "log_ndtr": log_normal,
        "loggamma": mp.loggamma,
        "logit": lambda x: mp.log(x / (1 - x)),
        "ndtr": mp.ncdf,
        "numpy_i0": lambda x: mp.besseli(0, x),
        "rel_entr": lambda x, y: x * mp.log(x / y) if x else mp.zero,
        "xlog1py": lambda x, y: x * mp.log1p(y) if x else mp.zero,
        "xlogy": lambda x, y: x * mp.log(y) if x else mp.zero,
    }


def _questions(mp: Any) -> dict[str, Callable[[Any], bool]]:
    return {"isnan": mp.isnan, "isinf": mp.isinf, "isfinite": mp.isfinite, "signbit": lambda x: x < 0}


def _reductions(mp: Any) -> dict[str, Rule]:
    """Return what is more than one operation on entries."""
    entry = partial(_entrywise, mp)
    exp, log, root, power = entry(mp.exp), entry(_elementary(mp)["log"]), entry(mp.sqrt), entry(mp.power)

    def logsumexp(x: Any, *, axis: Any, keepdims: bool) -> Any:
        return log(np.sum(exp(x), axis=axis, keepdims=keepdims))  # mpmath's exponents do not overflow

    def weighted(x: Any, *b: Any, axes: Any) -> tuple[Any, Any]:
        total = np.sum(exp(x) * b[0] if b else exp(x), axis=axes, keepdims=True)
        return log(abs(total)), entry(mp.sign)(total)

    def vector_norm(x: Any, *, ord: float, axis: Any, keepdims: bool) -> Any:
        total = np.sum(power(abs(x), mp.convert(ord)), axis=axis, keepdims=keepdims)
        return power(total, 1 / mp.convert(ord))

    def sinc(x: Any, *, order: int) -> Any:
        return entry(lambda v: mp.sincpi(v) if not order else mp.diff(mp.sincpi, v, order))(x)

    def truth(f: Callable[..., Any]) -> Rule:
        return lambda *xs: f(*[np.asarray(x).astype(bool) for x in xs])

    return {
        **{name: truth(getattr(np, name)) for name in _LOGICAL},
        "discretize": lambda x, *, dtype: np.asarray(x).astype(dtype),
        "logsumexp": logsumexp,
        "matvec": lambda a, x: np.sum(a * x[..., None, :], axis=-1),
        "ones": entry(lambda _: mp.one),
        "sinc": sinc,
        "std": lambda x, **how: root(np.var(x, **how)),
        "vecdot": lambda x, y: np.sum(x * y, axis=-1),
        "vecmat": lambda x, a: np.sum(x[..., :, None] * a, axis=-2),
        "vector_norm": vector_norm,
        "weighted_logsumexp": weighted,
    }
