"""An interpreter of lowering rules, on NumPy scalars: what kernels are held to, one operation at a time."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from wengert.compile.kernel import OPERATIONS
from wengert.types import type_of

DTYPES = {
    **{f"f{8 * n}": np.dtype(f"f{n}") for n in (4, 8)},
    **{f"{kind}{8 * n}": np.dtype(f"{kind}{n}") for kind in "iu" for n in (1, 2, 4, 8)},
    "bool": np.dtype(bool),
}
TYPES = {dtype: name for name, dtype in DTYPES.items()}


class Entry(NamedTuple):
    """A number with its type; `known` ones show their value to rules, as constants of kernels do."""

    number: Any
    type: str


class Known(NamedTuple):
    """A number that is known when the kernel is written."""

    number: Any
    type: str

    @property
    def value(self):
        return self.number.item()


def entry(x, known=False):
    x = np.asarray(x)[()]
    return (Known if known else Entry)(x, TYPES[x.dtype])


def _truncated(x, y):
    """The quotient of integers rounded to 0; kernels do not define it for 0, nor where it overflows."""
    info = np.iinfo(x.dtype)
    assert y != 0, "an integer is divided by 0"
    assert not (x == info.min < 0 and y == -1), "a quotient overflows"
    q = abs(int(x)) // abs(int(y))
    return x.dtype.type(-q if (x < 0) != (y < 0) else q)


def _shifted(shift):
    def shifted(x, n):
        assert 0 <= n < 8 * x.dtype.itemsize, "a shift is not by a number of bits"
        return shift(x, n.astype(x.dtype))

    return shifted


def _floats(function):
    def checked(*xs):
        assert all(x.dtype.kind == "f" for x in xs), function
        return function(*xs)

    return checked


def _numbers(function):
    def checked(*xs):
        assert all(x.dtype.kind != "b" for x in xs), f"{function} of booleans"
        return function(*xs)

    return checked


def _bits(function):
    def checked(*xs):
        assert all(x.dtype.kind in "biu" for x in xs), function
        return function(*xs)

    return checked


def _select(condition, x, y):
    assert condition.dtype == bool
    return x if condition else y


def _fma(x, y, z):
    return x.dtype.type(math.fma(float(x), float(y), float(z)))


def _power(x, n):
    """NumPy's on arrays of exponents: for a single one it does other things."""
    return np.power(np.full(2, x), np.full(2, n))[0]


_REAL = {
    **{
        name: getattr(np, name)
        for name in ("sqrt", "floor", "ceil", "trunc", "rint", "copysign", "fmin", "fmax")
    },
    **{name: getattr(np, name) for name in ("exp", "exp2", "expm1", "log", "log1p", "log2", "log10")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "cbrt", "hypot")},
    **{f"a{name}": getattr(np, f"arc{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "pow": _power,
    "atan2": np.arctan2,
    "div": np.divide,
    "rem": np.fmod,
    "erf": special.erf,
    "erfc": special.erfc,
    "lgamma": special.gammaln,
    "digamma": special.psi,
    "sigmoid": special.expit,
    "softplus": lambda x: np.logaddexp(x.dtype.type(0), x),
    "fma": _fma,
}
_ANY = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "neg": np.negative,
    "abs": np.absolute,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
_BITS = {
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
}
_INTEGERS = {
    "div": _truncated,
    "rem": lambda x, y: x - _truncated(x, y) * y,
    "shl": _shifted(np.left_shift),
    "shr": _shifted(np.right_shift),
}
MEANINGS = {
    **{name: _floats(function) for name, function in _REAL.items()},
    **{name: _numbers(function) for name, function in _ANY.items()},
    **{name: _bits(function) for name, function in _BITS.items()},
    "eq": np.equal,
    "ne": np.not_equal,
    "select": _select,
}


class Interpreter:
    """A builder that computes what it is told to build."""

    def __call__(self, name, *xs):
        assert len(xs) == OPERATIONS[name], f"{name} of {len(xs)} operands"
        numbers = [x.number for x in xs]
        types = {x.type for x in (xs[1:] if name == "select" else xs)}
        assert len(types) == 1, f"{name} of {sorted(types)}"
        integers = xs[0].type[0] in "iu"
        meaning = _INTEGERS[name] if integers and name in _INTEGERS else MEANINGS[name]
        with np.errstate(all="ignore"):
            return entry(meaning(*numbers))

    def constant(self, number, like):
        type = like if isinstance(like, str) else like.type
        return Known(DTYPES[type].type(number), type)

    def convert(self, x, type):
        with np.errstate(all="ignore"):
            return type_kept(x, Entry(x.number.astype(DTYPES[type]), type))

    def bitcast(self, x, type):
        return Entry(x.number.view(DTYPES[type]), type)


def type_kept(old, new):
    """A known number stays known."""
    return Known(*new) if isinstance(old, Known) else new


def operand_types(prim, types):
    """The dtypes that a ufunc takes for operands of some dtypes, or those of the operands."""
    if isinstance(prim.eval, np.ufunc):
        return prim.eval.resolve_dtypes((*types, *[None] * prim.eval.nout))[: prim.eval.nin]
    return types


def computed(prim, xs, params, known=()):
    """The result of a `Pointwise` lowering for one entry of each operand, or None where it does not apply."""
    xs = [np.asarray(x) for x in xs]
    types = operand_types(prim, [x.dtype for x in xs])
    result = prim.infer(*[type_of(x) for x in xs], **params).dtype
    if any(dtype not in TYPES for dtype in (*types, result)):
        return None
    b = Interpreter()
    entries = [
        entry(x.astype(dtype), known=i in known) for i, (x, dtype) in enumerate(zip(xs, types, strict=True))
    ]
    rule = prim.lower.rule
    y = b(rule, *entries) if isinstance(rule, str) else rule(b, *entries, **params)
    return None if y is None else b.convert(y, TYPES[result]).number
