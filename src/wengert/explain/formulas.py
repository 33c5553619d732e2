"""What operations and their local derivatives are called on paper.

A template is the product of a derivative d with a local partial derivative. With d = v̇ of an operand it is
a term of the forward sweep, with d = v̄ of the result a contribution to the operand's adjoint: one table
serves both modes. Its other names are the operands a and b and the result y. Operations without an entry
are shown by their partial derivatives' names, ∂v₃/∂v₁; the numbers always come from the primitives' own
rules.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.rendering import short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wengert.explain.recording import Operation

__all__ = ["adjoint_term", "expression", "plus", "spoken_name", "tangent_sum", "value_name"]

_SUBSCRIPTS = str.maketrans("-0123456789", "₋₀₁₂₃₄₅₆₇₈₉")
_DOT, _BAR = "\u0307", "\u0304"  # combining: v̇ and v̄

_INFIX = {
    "add": "+",
    "subtract": "-",
    "multiply": "·",
    "divide": "/",
    "floor_divide": "//",
    "remainder": "mod",
    "power": "**",
    "matmul": "@",
    "less": "<",
    "less_equal": "≤",
    "greater": ">",
    "greater_equal": "≥",
    "equal": "=",
    "not_equal": "≠",
    "logical_and": "and",
    "logical_or": "or",
}
_PREFIX = {"negative": "-", "positive": "+", "logical_not": "not "}
_CHOICES = frozenset(
    ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_and", "logical_or")
)
_SPOKEN = {"absolute": "abs", "expit": "sigmoid", "getitem": "item"}

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "add": ("{d}", "{d}"),
    "subtract": ("{d}", "-{d}"),
    "multiply": ("{d}·{b}", "{d}·{a}"),
    "divide": ("{d}/{b}", "-{d}·{y}/{b}"),
    "power": ("{d}·{b}·{a}**({b}-1)", "{d}·{y}·log({a})"),
    "negative": ("-{d}",),
    "positive": ("{d}",),
    "exp": ("{d}·{y}",),
    "exp2": ("{d}·{y}·log(2)",),
    "expm1": ("{d}·({y}+1)",),
    "log": ("{d}/{a}",),
    "log2": ("{d}/({a}·log(2))",),
    "log10": ("{d}/({a}·log(10))",),
    "log1p": ("{d}/(1+{a})",),
    "sqrt": ("{d}/(2·{y})",),
    "cbrt": ("{d}/(3·{y}**2)",),
    "square": ("{d}·2·{a}",),
    "reciprocal": ("-{d}·{y}**2",),
    "absolute": ("{d}·sign({a})",),
    "sin": ("{d}·cos({a})",),
    "cos": ("-{d}·sin({a})",),
    "tan": ("{d}·(1+{y}**2)",),
    "arcsin": ("{d}/sqrt(1-{a}**2)",),
    "arccos": ("-{d}/sqrt(1-{a}**2)",),
    "arctan": ("{d}/(1+{a}**2)",),
    "arctan2": ("{d}·{b}/({a}**2+{b}**2)", "-{d}·{a}/({a}**2+{b}**2)"),
    "sinh": ("{d}·cosh({a})",),
    "cosh": ("{d}·sinh({a})",),
    "tanh": ("{d}·(1-{y}**2)",),
    "arcsinh": ("{d}/sqrt({a}**2+1)",),
    "arccosh": ("{d}/sqrt({a}**2-1)",),
    "arctanh": ("{d}/(1-{a}**2)",),
    "maximum": ("{d}·[{a}>{b}]", "{d}·[{b}>{a}]"),
    "minimum": ("{d}·[{a}<{b}]", "{d}·[{b}<{a}]"),
    "hypot": ("{d}·{a}/{y}", "{d}·{b}/{y}"),
    "logaddexp": ("{d}·exp({a}-{y})", "{d}·exp({b}-{y})"),
    "expit": ("{d}·{y}·(1-{y})",),
    "erf": ("{d}·2/sqrt(pi)·exp(-{a}**2)",),
    "erfc": ("-{d}·2/sqrt(pi)·exp(-{a}**2)",),
    "fmax": ("{d}·[{a}>{b}]", "{d}·[{b}>{a}]"),
    "fmin": ("{d}·[{a}<{b}]", "{d}·[{b}<{a}]"),
    "fabs": ("{d}·sign({a})",),
    "degrees": ("{d}·180/pi",),
    "rad2deg": ("{d}·180/pi",),
    "radians": ("{d}·pi/180",),
    "deg2rad": ("{d}·pi/180",),
    "float_power": ("{d}·{b}·{a}**({b}-1)", "{d}·{y}·log({a})"),
    "cast": ("{d}",),
}

# Linear operations of one operand: the tangent goes through the operation itself.
_LINEAR = frozenset(
    (
        "sum",
        "getitem",
        "reshape",
        "transpose",
        "broadcast_to",
        "cumsum",
        "flip",
        "roll",
        "diagonal",
        "tril",
        "triu",
        "scatter",
        "permute",
        "real",
        "imag",
        "conjugate",
        "fft",
    )
)
_ADJOINTS = {
    "sum": "broadcast({d})",
    "broadcast_to": "sum({d})",
    "getitem": "scatter({d})",
    "reshape": "reshape({d})",
    "cumsum": "flip(cumsum(flip({d})))",
    "flip": "flip({d})",
    "roll": "roll back({d})",
    "tril": "tril({d})",
    "triu": "triu({d})",
    "diagonal": "embed diagonal({d})",
    "diagonal_embed": "diagonal({d})",
    "scatter": "item({d})",
}


_SAID = (
    bool,
    int,
    float,
    complex,
    str,
    tuple,
    np.ndarray,
    np.dtype,
    np.generic,
)  # parameters that text can show


# Names --------------------------------------------------------------------------------------------------------------


def value_name(number: int, mark: str = "") -> str:
    """Return v with a number as subscript, with a dot ("dot") or bar ("bar") above."""
    return "v" + {"": "", "dot": _DOT, "bar": _BAR}[mark] + str(number).translate(_SUBSCRIPTS)


def expression(operation: Operation, inputs: int, item: int) -> str:
    """Return what an operation computes, as text; `item` is the position among its results."""
    operands = _operands(operation, inputs)
    text = _written(operation, operands)
    return f"{text}[{item}]" if len(operation.results) > 1 else text


def spoken_name(operation: Operation) -> str:
    """Return what an operation is called: a loop as the function that made it, a user's function by its name."""
    name, loop, call = operation.prim.name, operation.params.get("loop"), operation.params.get("call")
    body = getattr(loop, "body", None)
    if body is not None and body.name.startswith("the body of "):
        return str(body.name.removeprefix("the body of "))
    if name == "custom":
        return str(getattr(getattr(call, "rules", None), "name", name))
    return _SPOKEN.get(name, name)


# Formulas -----------------------------------------------------------------------------------------------------------


def tangent_sum(operation: Operation, inputs: int, item: int, active: frozenset[int]) -> str:
    """Return the formula of a result's tangent: the sum over active operands."""
    if operation.prim.name == "concatenate" and active.intersection(operation.results):
        dots = [value_name(i - inputs + 1, "dot") if i in active else "0" for i in operation.operands]
        return _written(operation, dots)
    terms = []
    for position, i in enumerate(operation.operands):
        if i in active:
            d = value_name(i - inputs + 1, "dot")
            linear = operation.prim.name in _LINEAR and position == 0
            term = (
                _written(operation, [d, *_operands(operation, inputs)[1:]])
                if linear
                else _term(operation, inputs, position, d, item)
            )
            terms.append(term)
    if not terms or not operation.prim.differentiable:
        return "0"
    return reduce(plus, terms)


def adjoint_term(operation: Operation, inputs: int, position: int) -> str:
    """Return the formula of what an operand's adjoint receives from an operation."""
    if operation.prim.multiple:
        terms = [
            _term(operation, inputs, position, value_name(i - inputs + 1, "bar"), item)
            for item, i in enumerate(operation.results)
        ]
        return " + ".join(terms)
    d = value_name(operation.results[0] - inputs + 1, "bar")
    special = _special_adjoint(operation, inputs, position, d)
    if special is not None:
        return special
    term = _term(operation, inputs, position, d, 0)
    spread = operation.prim.elementwise or operation.prim.name == "where"
    if not spread or np.shape(operation.xs[position]) == np.shape(operation.y):
        return term
    return f"-sum({term[1:]})" if term.startswith("-") else f"sum({term})"  # the adjoint of broadcasting


def _special_adjoint(operation: Operation, inputs: int, position: int, d: str) -> str | None:
    """Return the adjoint of an operation whose transpose has a name; None for others."""
    name = operation.prim.name
    if name in _ADJOINTS:
        return _ADJOINTS[name].format(d=d)
    if name == "transpose":
        return f"{d}ᵀ" if operation.params.get("axes") in (None, (1, 0)) else f"transpose({d})"
    if name == "concatenate":
        return f"{d}[{_part(operation, position)}]"
    if name == "matmul":
        return _matmul_adjoint(operation, inputs, position, d)
    return None


def _part(operation: Operation, position: int) -> str:
    """Return the index of an operand's part of what it was joined to."""
    axis = operation.params.get("axis") or 0
    start = sum(np.shape(x)[axis] for x in operation.xs[:position])
    stop = start + np.shape(operation.xs[position])[axis]
    return ", ".join([":"] * (axis % np.ndim(operation.y)) + [f"{start}:{stop}"])


def _matmul_adjoint(operation: Operation, inputs: int, position: int, d: str) -> str:
    """Return the adjoint of an operand of a product of vectors or matrices: of A B, they are C̄ Bᵀ and Aᵀ C̄."""
    a, b = _operands(operation, inputs)
    left, right = np.ndim(operation.xs[0]), np.ndim(operation.xs[1])
    if left == right == 1:
        return f"{d}·{(b, a)[position]}"
    if position == 0:
        term = f"outer({d}, {b})" if right == 1 else f"{b} @ {d}" if left == 1 else f"{d} @ {b}ᵀ"
    else:
        term = f"outer({a}, {d})" if left == 1 else f"{a}ᵀ @ {d}"
    stacked = max(left, right) > 2 and np.ndim(operation.xs[position]) < np.ndim(operation.y)
    return f"sum({term})" if stacked else term


def plus(left: str, term: str) -> str:
    """Return a sum as text; a term with a minus in front is subtracted."""
    return f"{left} - {term[1:]}" if term.startswith("-") else f"{left} + {term}"


def _swapped(operands: Sequence[str], position: int, d: str) -> str:
    """Return a product with one factor's derivative in its place."""
    return " @ ".join([d if k == position else text for k, text in enumerate(operands)])


def _term(operation: Operation, inputs: int, position: int, d: str, item: int) -> str:
    operands = _operands(operation, inputs)
    y = value_name(operation.results[item] - inputs + 1)
    template = _template(operation, position)
    if template is None:
        return f"{d}·∂{y}/∂{operands[position]}"
    a, b = (operands * 2)[:2]
    return template.format(d=d, a=a, b=b, y=y, product=_swapped(operands, position, d))


def _template(operation: Operation, position: int) -> str | None:
    """Return the template of one operand; a constant exponent gives what one would write by hand."""
    name = operation.prim.name
    if name == "power" and position == 0 and operation.operands[1] is None and np.ndim(operation.xs[1]) == 0:
        exponent = operation.xs[1]
        if exponent == 2:
            return "{d}·2·{a}"
        return f"{{d}}·{{b}}·{{a}}**{_constant(exponent - 1)}"
    if name == "where":
        return (None, "{d}·[{a}]", "{d}·[not {a}]")[position]
    if name in ("matmul", "vecdot", "matvec", "vecmat"):
        return "{product}"
    if name in ("max", "min"):
        return "{d}·[{a}={y}]"  # shared by entries that tie
    templates = _TEMPLATES.get(name)
    return templates[position] if templates is not None else None


# Writing ------------------------------------------------------------------------------------------------------------


def _written(operation: Operation, operands: Sequence[str]) -> str:
    name = operation.prim.name
    special = _specially_written(operation, operands)
    if special is not None:
        return special
    if name in _INFIX and len(operands) == 2:
        return f"{operands[0]} {_INFIX[name]} {operands[1]}"
    if name in _PREFIX:
        return f"{_PREFIX[name]}{operands[0]}"
    arguments = [*operands, *_parameters(operation)]
    return f"{spoken_name(operation)}({', '.join(arguments)})"


def _specially_written(operation: Operation, operands: Sequence[str]) -> str | None:
    """Return an operation whose parameters are written otherwise than by name; None for others."""
    name, n = operation.prim.name, operation.steps
    if n is not None:
        return f"{spoken_name(operation)}({', '.join(operands)}; {n} step{'' if n == 1 else 's'})"
    if name == "custom":
        return f"{spoken_name(operation)}({', '.join(operands)})"
    if name == "transpose" and operation.params.get("axes") in (None, (1, 0)):
        return f"{operands[0]}ᵀ"
    if name == "getitem" and len(operands) == 1:
        return f"{operands[0]}[{_index(operation.params['index'])}]"
    return None


def _parameters(operation: Operation) -> Iterator[str]:
    """Yield the parameters that say something: not those left out, and no axis where it is all of them."""
    everything = tuple(range(np.ndim(operation.xs[0]))) if operation.xs else None
    for key, value in operation.params.items():
        whole = key == "axis" and isinstance(value, tuple | int) and value == everything
        if isinstance(value, _SAID) and value is not False and not whole:
            yield f"{key}={_parameter(value)}"


def _operands(operation: Operation, inputs: int) -> list[str]:
    made_by = operation.decisions or (None,) * len(operation.xs)
    texts = []
    for i, x, decision in zip(operation.operands, operation.xs, made_by, strict=True):
        if i is not None:
            texts.append(value_name(i - inputs + 1))
        elif decision is not None and decision.prim.name in _CHOICES:
            texts.append(_written(decision, _operands(decision, inputs)))
        else:
            texts.append(_constant(x))
    return texts


def _constant(x: Any) -> str:
    text = short(x)
    return f"({text})" if text.startswith("-") else text


def _index(index: Any) -> str:
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(_slice(part) for part in parts) or "()"


def _slice(part: Any) -> str:
    if isinstance(part, slice):
        ends = ":".join("" if end is None else str(end) for end in (part.start, part.stop))
        return ends if part.step is None else f"{ends}:{part.step}"
    if part is Ellipsis:
        return "..."
    return short(part) if isinstance(part, np.ndarray) else str(part)


def _parameter(value: Any) -> str:
    return short(value) if isinstance(value, np.ndarray | float) else str(value)
