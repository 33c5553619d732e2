"""What primitives are in SymPy: functions of expressions, and arrays of expressions moved about.

An array is one of NumPy's whose entries are expressions. NumPy itself moves, adds and multiplies such arrays; what is
entry by entry stands in `ELEMENTWISE`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from wengert.core.graph import Const, Node
from wengert.errors import RefusedError
from wengert.methods.symbolic.loading import load_sympy
from wengert.ops.index_forms import SLOT, as_tuple, fill

__all__ = ["elementwise", "formula_of", "moved", "number", "partial_derivative", "refused"]

_EXPONENT = 64
_DENOMINATOR = 1000  # up to which a fraction is what somebody meant


def number(x: Any) -> Any:
    """Return a number as an exact one, if it is the nearest double to a short fraction, to pi or to e."""
    sympy = load_sympy()
    x = np.asarray(x).item()
    if isinstance(x, bool | int):
        return sympy.sympify(x)
    if isinstance(x, complex):
        return number(x.real) + sympy.I * number(x.imag)
    if not np.isfinite(x):
        return sympy.nan if np.isnan(x) else sympy.oo if x > 0 else -sympy.oo
    for value, symbol in ((np.pi, sympy.pi), (np.e, sympy.E)):
        if abs(x) == value:
            return symbol if x > 0 else -symbol
    fraction = Fraction(x).limit_denominator(_DENOMINATOR)
    if float(fraction) == x:
        return sympy.Rational(fraction.numerator, fraction.denominator)
    return sympy.Float(x, 17)


@functools.cache
def _table() -> dict[str, Callable[..., Any]]:
    """Return what operations entry by entry are; made once SymPy is there."""
    return {**_arithmetic(), **_functions(), **_decisions()}


def _arithmetic() -> dict[str, Callable[..., Any]]:
    s = load_sympy()
    return {
        "add": lambda a, b: a + b,
        "subtract": lambda a, b: a - b,
        "multiply": lambda a, b: a * b,
        "masked": lambda a, b: a * b,
        "divide": lambda a, b: a / b,
        "power": _power,
        "float_power": _power,
        "negative": lambda a: -a,
        "positive": lambda a: a,
        "reciprocal": lambda a: 1 / a,
        "square": lambda a: a**2,
        "sqrt": s.sqrt,
        "cbrt": lambda a: s.sign(a) * s.Abs(a) ** s.Rational(1, 3),
        "conjugate": s.conjugate,
        "real": s.re,
        "imag": s.im,
        "stop_gradient": lambda a: a,
        "cast": lambda a, **_: a,
        "discretize": _discretized,
    }


def _functions() -> dict[str, Callable[..., Any]]:
    s = load_sympy()
    half = s.Rational(1, 2)
    return {
        "exp": s.exp,
        "exp2": lambda a: _power(s.Integer(2), a),
        "expm1": lambda a: s.exp(a) - 1,
        "log": s.log,
        "log2": lambda a: s.log(a) / s.log(2),
        "log10": lambda a: s.log(a) / s.log(10),
        "log1p": lambda a: s.log(1 + a),
        "logaddexp": lambda a, b: s.log(s.exp(a) + s.exp(b)),
        **{n: getattr(s, n) for n in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "erfc", "gamma")},
        **{f"arc{n}": getattr(s, f"a{n}") for n in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
        "arctan2": s.atan2,
        "hypot": lambda a, b: s.sqrt(a**2 + b**2),
        "degrees": lambda a: a * 180 / s.pi,
        "radians": lambda a: a * s.pi / 180,
        "gammaln": s.loggamma,
        "expit": lambda a: 1 / (1 + s.exp(-a)),
        "log_expit": lambda a: -s.log(1 + s.exp(-a)),
        "ndtr": lambda a: half * s.erfc(-a / s.sqrt(2)),
        "xlogy": lambda a, b: a * s.log(b),
    }


def _decisions() -> dict[str, Callable[..., Any]]:
    s = load_sympy()
    return {
        "absolute": s.Abs,
        "fabs": s.Abs,
        "sign": s.sign,
        "floor": s.floor,
        "ceil": s.ceiling,
        "remainder": lambda a, b: a - b * s.floor(a / b),
        "floor_divide": lambda a, b: s.floor(a / b),
        "maximum": s.Max,
        "minimum": s.Min,
        "fmax": s.Max,
        "fmin": s.Min,
        "clip": lambda x, low, high: s.Min(s.Max(x, low), high),
        "heaviside": s.Heaviside,
        "equal": s.Eq,
        "not_equal": s.Ne,
        "less": s.Lt,
        "less_equal": s.Le,
        "greater": s.Gt,
        "greater_equal": s.Ge,
        "logical_and": s.And,
        "logical_or": s.Or,
        "logical_not": s.Not,
        "logical_xor": s.Xor,
        "where": lambda c, a, b: s.Piecewise((a, c), (b, True)),
    }


def _power(a: Any, b: Any) -> Any:
    """Return a^b; of numbers as a floating one, where an exact one would have thousands of digits."""
    if a.is_Number and b.is_Number and abs(b) > _EXPONENT:
        return load_sympy().Float(a, 17) ** load_sympy().Float(b, 17)
    return a**b


def _discretized(a: Any, *, dtype: Any) -> Any:
    s = load_sympy()
    if isinstance(a, s.logic.boolalg.Boolean):
        return a if dtype.kind == "b" else s.Piecewise((1, a), (0, True))
    return s.Ne(a, 0) if dtype.kind == "b" else s.sign(a) * s.floor(s.Abs(a))


def elementwise(node: Node, xs: Sequence[Any]) -> Any:
    """Return the result of an operation entry by entry, or None if it is no such operation."""
    formula = _table().get(node.prim.name)
    if formula is None:
        return None
    return _each(lambda *entries: formula(*entries, **node.params), xs)


def formula_of(node: Node) -> tuple[Any, list[Any]]:
    """Return the formula of an operation on numbers, and the symbols that stand for its operands; constants are put in.

    Raises
    ------
    RefusedError
        If it is no operation on numbers, or none that SymPy knows.
    """
    s = load_sympy()
    formula = _table().get(node.prim.name)
    if formula is None or any(a.shape for a in (*node.inputs, *node.outputs)):
        raise refused(
            f"the operation {node.prim.name} on {node.inputs[0].type}", "operations on numbers are counted."
        )
    symbols = [s.Dummy(f"u{i}", real=True) for i in range(len(node.inputs))]
    xs = [number(a.value) if isinstance(a, Const) else u for u, a in zip(symbols, node.inputs, strict=True)]
    return formula(*xs, **node.params), symbols


def _each(formula: Callable[..., Any], xs: Sequence[Any]) -> Any:
    wide = np.broadcast_arrays(*xs)
    y = np.empty(wide[0].shape, object)
    for index in np.ndindex(y.shape):
        y[index] = formula(*[x[index] for x in wide])
    return y


def partial_derivative(e: Any, symbol: Any) -> Any:
    """Return the derivative of an expression, in which steps are constant: it is that almost everywhere.

    SymPy gives Dirac's delta for the derivative of a sign, and none for that of floor.
    """
    s = load_sympy()
    steps: list[tuple[Any, Any]] = []

    def held(step: Any) -> Any:
        steps.append((s.Dummy(real=True), step))
        return steps[-1][0]

    kinds = (s.floor, s.ceiling, s.sign, s.Heaviside)
    found = (
        e.replace(lambda part: isinstance(part, kinds), held).diff(symbol)
        if e.has(*kinds)
        else e.diff(symbol)
    )
    for dummy, step in reversed(steps):
        found = found.xreplace({dummy: step})
    return found


# Arrays ---------------------------------------------------------------------------------------------------------------


def moved(node: Node, xs: Sequence[Any]) -> Any:
    """Return the result of an operation that moves, adds or multiplies entries; None if it is no such operation."""
    name = node.prim.name
    if name in _OF_NUMPY:
        return node.prim.eval(*xs, **node.params)
    rule = _ARRAYS.get(name)
    return None if rule is None else rule(xs, **node.params)


# These only call what NumPy has for arrays of objects, too.
_OF_NUMPY = frozenset({
    "reshape", "transpose", "broadcast_to", "flip", "roll", "concatenate", "matmul", "vecdot", "tensordot", "diagonal",
    "cumsum", "cumprod",
})  # fmt: skip


def _reduced(function: Callable[..., Any], x: Any, axis: Any, *, keepdims: bool) -> Any:
    """Return the result of a function of lists of entries, along axes."""
    axes = (
        tuple(range(x.ndim))
        if axis is None
        else tuple(a % x.ndim for a in ((axis,) if isinstance(axis, int) else axis))
    )
    kept = [a for a in range(x.ndim) if a not in axes]
    rows = np.transpose(x, [*kept, *axes]).reshape([x.shape[a] for a in kept] + [-1])
    y = np.empty(rows.shape[:-1], object)
    for index in np.ndindex(y.shape):
        y[index] = function(*rows[index])
    return np.expand_dims(y, axes) if keepdims else y


def _reduction(name: str) -> Callable[..., Any]:
    def reduce(xs: Sequence[Any], *, axis: Any = None, keepdims: bool = False, **_: Any) -> Any:
        return _reduced(getattr(load_sympy(), name), xs[0], axis, keepdims=keepdims)

    return reduce


def _getitem(xs: Sequence[Any], *, index: Any) -> Any:
    return np.asarray(xs[0][_filled(index, xs[1:])], object)


def _filled(index: Any, slots: Sequence[Any]) -> Any:
    """Return an index whose slots hold integers; they must be constant."""
    s = load_sympy()
    arrays = []
    for slot in slots:
        if any(not isinstance(v, s.Integer) for v in np.ravel(slot)):
            raise refused("an index that depends on values", "which entry is read is not known.")
        arrays.append(np.vectorize(int, otypes=[np.int64])(slot))
    return fill(index, arrays)


def _update(xs: Sequence[Any], *, index: Any) -> Any:
    y = xs[0].copy()
    y[_filled(index, xs[2:])] = xs[1] if xs[1].ndim else xs[1][()]
    return y


def _add(xs: Sequence[Any], *, index: Any) -> Any:
    y = xs[0].copy()
    np.add.at(y, _filled(index, xs[2:]), xs[1] if xs[1].ndim else xs[1][()])
    return y


def _scatter(xs: Sequence[Any], *, indices: Any, shape: Any) -> Any:
    y = np.full(shape, load_sympy().Integer(0), object)
    slots = iter(xs[len(indices) :])
    for piece, index in zip(xs, indices, strict=False):
        own = [next(slots) for item in as_tuple(index) if item is SLOT]
        np.add.at(y, _filled(index, own), piece if piece.ndim else piece[()])
    return y


def _of_matrices(function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(xs: Sequence[Any], **_: Any) -> Any:
        if any(x.ndim > 2 for x in xs):
            raise refused("a stack of matrices", "formulas are of single matrices.")
        return function(load_sympy(), *xs)

    return apply


def _array(x: Any, shape: Any = None) -> Any:
    y = np.array(x.tolist(), object)
    return y if shape is None else y.reshape(shape)


_ARRAYS: dict[str, Callable[..., Any]] = {
    "sum": _reduction("Add"),
    "prod": _reduction("Mul"),
    "max": _reduction("Max"),
    "min": _reduction("Min"),
    "any": _reduction("Or"),
    "all": _reduction("And"),
    "getitem": _getitem,
    "index_update": _update,
    "index_add": _add,
    "scatter": _scatter,
    "det": _of_matrices(lambda s, a: np.asarray(s.Matrix(a).det(), object)),
    "inv": _of_matrices(lambda s, a: _array(s.Matrix(a).inv())),
    "solve": _of_matrices(lambda s, a, b: _array(s.Matrix(a).LUsolve(s.Matrix(b)), b.shape)),
}


def refused(what: str, why: str) -> RefusedError:
    """Return the error for what has no formula."""
    return RefusedError(
        f"there is no formula for {what}",
        why=why,
        instead="differentiate the program: wengert.grad, or wengert.derivative_source to read its derivative.",
    )
