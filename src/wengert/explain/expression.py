r"""Mathematical expressions read from text, safely: parsed to a syntax tree, checked against a list, then interpreted.

    expression ::= expression or expression | expression and expression | not expression
                 | expression (< | <= | > | >= | == | !=) expression ...
                 | expression if expression else expression
                 | expression (+ | - | * | / | // | % | **) expression | (+ | -) expression
                 | function(expression, ...) | [expression, ...] | (expression) | name | number

Precedence is Python's: ``-x**2`` is -(x**2), ``a < b < c`` is both. Numbers are double-precision. Functions
are those of `FUNCTIONS`, constants those of `CONSTANTS`, every other name is a variable. Operations are
NumPy's, so they broadcast over arrays and can be differentiated.

Nothing is ever compiled or evaluated by Python: what is not listed here does not exist, and size, depth and
exponents are bounded, so text from a stranger costs little time and can do no harm.
"""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.special

from wengert.errors import WengertError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["CONSTANTS", "FUNCTIONS", "Expression", "ExpressionError", "parse"]

MAX_LENGTH, MAX_DEPTH, MAX_NODES = 10_000, 100, 5_000
MAX_EXPONENT = 1_000_000  # numbers in double precision take any, but a formula of it may be written out

CONSTANTS: dict[str, float] = {"pi": np.pi, "e": np.e}

_UFUNCS = [
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "cbrt",
    "square",
    "reciprocal",
    "abs",
    "sign",
    "floor",
    "ceil",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "arctan2",
    "sinh",
    "cosh",
    "tanh",
    "arcsinh",
    "arccosh",
    "arctanh",
    "maximum",
    "minimum",
    "power",
    "hypot",
    "logaddexp",
]

# name: (function, number of arguments)
FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {
    **{name: (getattr(np, name), getattr(np, name).nin) for name in _UFUNCS},
    "asin": (np.arcsin, 1),
    "acos": (np.arccos, 1),
    "atan": (np.arctan, 1),
    "atan2": (np.arctan2, 2),
    "ln": (np.log, 1),
    "max": (np.maximum, 2),
    "min": (np.minimum, 2),
    "pow": (np.power, 2),
    "sigmoid": (scipy.special.expit, 1),
    "erf": (scipy.special.erf, 1),
    "erfc": (scipy.special.erfc, 1),
    "where": (np.where, 3),
    "sum": (np.sum, 1),
    "prod": (np.prod, 1),
    "mean": (np.mean, 1),
    "dot": (np.dot, 2),
}

_BINARY: dict[type, Callable[..., Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.remainder,
    ast.Pow: np.power,
}
_UNARY: dict[type, Callable[..., Any]] = {
    ast.USub: np.negative,
    ast.UAdd: np.positive,
    ast.Not: np.logical_not,
}
_BOOLEAN: dict[type, Callable[..., Any]] = {ast.And: np.logical_and, ast.Or: np.logical_or}
_COMPARISON: dict[type, Callable[..., Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}

_ALPHABET = re.compile(r"[^A-Za-z0-9_ .,+\-*/%<>=!()\[\]]")
_JUXTAPOSED = re.compile(r"(?<![\w.])(?:\d++\.?+\d*+|\.\d++)(?:[eE][+-]?\d++)?+([A-Za-z_])")
_REMEDIES = {"^": "** for powers", "&": "and", "|": "or", "~": "not", "{": "( )", "}": "( )"}


class ExpressionError(WengertError, ValueError):
    """A text is not an expression; `column` counts from 1.

    The message shows the text with a caret under the place.
    """

    def __init__(self, what: str, text: str, column: int, *, why: str = "", instead: str = "") -> None:
        self.text, self.column = text, column
        super().__init__(what, why=why, instead=instead, where=f"column {column}\n{_caret(text, column)}")


@dataclass(frozen=True, eq=False, slots=True)
class Expression:
    """A checked expression: a function of its variables, in the order of `names`.

    Attributes
    ----------
    text : str
        The expression as given, blanks at its ends removed.
    names : tuple of str
        The variables.
    """

    text: str
    names: tuple[str, ...]
    _root: ast.expr

    def __call__(self, *values: Any) -> Any:
        """Return the value for numbers or arrays, one for each name."""
        if len(values) != len(self.names):
            message = (
                f"{self.text} takes {len(self.names)} values ({', '.join(self.names)}), not {len(values)}"
            )
            raise TypeError(message)
        return _evaluate(self._root, dict(zip(self.names, values, strict=True)), self.text)

    def __str__(self) -> str:
        return self.text


def parse(text: str, variables: Sequence[str] | None = None) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text : str
        The expression; see the module for the grammar.
    variables : sequence of str, optional
        The names that may occur, in the order of arguments; by default those that do occur, in the order they do.

    Returns
    -------
    Expression
        A function of the variables.

    Raises
    ------
    ExpressionError
        If the text is not an expression; the message points at the place.

    Examples
    --------
    >>> parse("a*x**2 + 1").names
    ('a', 'x')
    >>> float(parse("a*x**2 + 1")(3.0, 2.0))
    13.0
    """
    if len(text) > _MOST_WITH_BLANKS:
        raise _too_long(text)
    text = " ".join(text.split())
    root = _parse(text)
    places: dict[str, int] = {}  # of the first occurrence
    for node in _nodes(root, text):
        _check(node, text)
        if isinstance(node, ast.Name) and node.id not in CONSTANTS:
            _check_variable(node, text, variables)
            places[node.id] = min(node.col_offset, places.get(node.id, len(text)))
    _check_exponents(root, text)
    names = sorted(places, key=places.__getitem__) if variables is None else variables
    return Expression(text, tuple(names), root)


# Reading ------------------------------------------------------------------------------------------------------------


def _parse(text: str) -> ast.expr:
    """Return Python's syntax tree of the text, once its length and characters are known to be harmless."""
    if not text:
        raise ExpressionError("The expression is empty", text, 1, instead='for instance "sin(x) + x**2"')
    if len(text) > MAX_LENGTH:
        raise _too_long(text)
    strange = _ALPHABET.search(text)
    if strange:
        character = strange.group()
        raise ExpressionError(
            f"The character {character!r} has no meaning here",
            text,
            strange.start() + 1,
            instead=_REMEDIES.get(character, ""),
        )
    juxtaposed = _JUXTAPOSED.search(text)
    if juxtaposed:
        number, letter = juxtaposed.group()[:-1], juxtaposed.group(1)
        raise ExpressionError(
            f"The number {_brief(number)} runs into {letter!r}",
            text,
            juxtaposed.start(1) + 1,
            why="a product needs its *, and numbers are decimal",
            instead=f"{_brief(number)}*{letter}...",
        )
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError as error:
        column = min(max(error.offset or 1, 1), len(text) + 1)
        raise ExpressionError(f"This is not an expression: {error.msg}", text, column) from None
    except (RecursionError, MemoryError, ValueError):
        raise _too_deep(text, 1) from None


def _nodes(root: ast.expr, text: str) -> Iterator[ast.expr]:
    """Yield all sub-expressions; raise when there are too many or they nest too deeply."""
    stack, count = [(root, 1)], 0
    while stack:
        node, depth = stack.pop()
        count += 1
        if count > MAX_NODES:
            raise ExpressionError(
                f"The expression has more than {MAX_NODES} terms", text, node.col_offset + 1
            )
        if depth > MAX_DEPTH:
            raise _too_deep(text, node.col_offset + 1)
        yield node
        if isinstance(node, ast.BinOp):  # a + b + c nests to the left, but is no deeper for that
            stack += [(node.left, depth), (node.right, depth + 1)]
            continue
        children = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if isinstance(node, ast.Call):
            children = children[1:]  # the function's name is not a variable; _check has seen it
        stack += [(child, depth + 1) for child in children]


def _check(node: ast.expr, text: str) -> None:
    """Raise unless a node is on the list."""
    match node:
        case ast.Name() | ast.IfExp() | ast.BoolOp():
            return
        case ast.UnaryOp(op=op) if type(op) in _UNARY:
            return
        case ast.BinOp(op=op) if type(op) in _BINARY:
            return
        case ast.Compare(ops=ops) if all(type(op) in _COMPARISON for op in ops):
            return
        case ast.List(elts=elements) if elements:
            return
        case ast.Constant():
            _number(node, text)
        case ast.Call():
            _check_call(node, text)
        case _:
            raise _refused(node, text)


def _check_call(node: ast.Call, text: str) -> None:
    """Raise unless a call names a function of the table with the right number of arguments."""
    if not isinstance(node.func, ast.Name):
        raise ExpressionError(
            "Only functions can be called", text, node.func.col_offset + 1, instead="a product with *"
        )
    name = node.func.id
    column = node.func.col_offset + 1
    if name not in FUNCTIONS:
        raise ExpressionError(
            f"There is no function {_brief(name)!r}",
            text,
            column,
            instead=_nearest(name, FUNCTIONS) or "one of " + ", ".join(FUNCTIONS),
        )
    expected = FUNCTIONS[name][1]
    if node.keywords or any(isinstance(x, ast.Starred) for x in node.args) or len(node.args) != expected:
        arguments = "one argument" if expected == 1 else f"{expected} arguments"
        raise ExpressionError(f"{name} takes {arguments}, given by position", text, column)


def _check_variable(node: ast.Name, text: str, variables: Sequence[str] | None) -> None:
    """Raise if a name cannot be a variable, or is none of the variables."""
    name, column = node.id, node.col_offset + 1
    if name in FUNCTIONS:
        raise ExpressionError(f"{name} is a function", text, column, instead=f"{name}(...)")
    if variables is not None and name not in variables:
        raise ExpressionError(
            f"The variable {_brief(name)!r} has no value",
            text,
            column,
            instead=_nearest(name, variables) or f"a value, {_brief(name)}=...",
        )


def _check_exponents(root: ast.expr, text: str) -> None:
    """Raise if an exponent without variables is too large; the tree has been checked, and is small."""
    fixed: dict[int, bool] = {}  # whether a node is without variables, by identity
    known: dict[int, Any] = {}  # values of exponents: those in exponents are not evaluated again
    for node in _upward(root):
        below = [child for child in ast.iter_child_nodes(node) if id(child) in fixed]
        fixed[id(node)] = all(fixed[id(child)] for child in below) and (
            not isinstance(node, ast.Name) or node.id in CONSTANTS
        )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and fixed[id(node.right)]:
            with np.errstate(all="ignore"):
                known[id(node.right)] = _exponent(node.right, text, known)
                largest = np.max(np.abs(known[id(node.right)]))
            if not largest <= MAX_EXPONENT:  # nor nan
                raise ExpressionError(
                    "The exponent is too large",
                    text,
                    node.right.col_offset + 1,
                    why=f"the limit is {MAX_EXPONENT}",
                )


def _exponent(node: ast.expr, text: str, known: dict[int, Any]) -> Any:
    try:
        return _evaluate(node, {}, text, known)
    except ValueError as error:  # lists of different shapes
        raise ExpressionError(f"The exponent has no value: {error}", text, node.col_offset + 1) from None


def _upward(root: ast.expr) -> Iterator[ast.expr]:
    """Yield all sub-expressions, each after its parts."""
    stack = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
            continue
        parts = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if isinstance(node, ast.Call):
            parts = parts[1:]
        stack += [(node, True), *[(part, False) for part in parts]]


def _number(node: ast.Constant, text: str) -> float:
    """Return a literal as a finite float."""
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(node, text)
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise ExpressionError("The number is too large for double precision", text, node.col_offset + 1)
    return number


# Evaluation ---------------------------------------------------------------------------------------------------------


def _evaluate(
    node: ast.expr, values: Mapping[str, Any], text: str, known: Mapping[int, Any] = MappingProxyType({})
) -> Any:
    """Return the value of a checked node; recursion is bounded by MAX_DEPTH."""

    def value(child: ast.expr) -> Any:
        return known[id(child)] if id(child) in known else _evaluate(child, values, text, known)

    result: Any
    match node:
        case ast.Constant():
            result = np.float64(_number(node, text))
        case ast.Name(id=name):
            result = values[name] if name in values else np.float64(CONSTANTS[name])
        case ast.UnaryOp(op=op, operand=operand):
            result = _UNARY[type(op)](value(operand))
        case ast.BinOp():
            result = _chain(node, value)
        case ast.BoolOp() | ast.Compare():
            result = _condition(node, value)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            result = _choose(value(test), lambda: value(body), lambda: value(orelse))
        case ast.Call(func=ast.Name(id=name), args=args):
            result = FUNCTIONS[name][0](*map(value, args))
        case ast.List(elts=elements):
            result = np.stack([value(x) for x in elements])
        case _:
            raise _refused(node, text)
    return result


def _chain(node: ast.expr, value: Callable[[ast.expr], Any]) -> Any:
    """Return the value of ((a + b) + c) + ..., however long, without recursion to the left."""
    links = []
    while isinstance(node, ast.BinOp):
        links.append(node)
        node = node.left
    total = value(node)
    for link in reversed(links):
        total = _BINARY[type(link.op)](total, value(link.right))
    return total


def _condition(node: ast.BoolOp | ast.Compare, value: Callable[[ast.expr], Any]) -> Any:
    """Return the truth of a and b and ..., a or b or ..., or of every neighbouring pair of a < b < ..."""
    if isinstance(node, ast.BoolOp):
        return reduce(_BOOLEAN[type(node.op)], map(value, node.values))
    terms = [value(term) for term in (node.left, *node.comparators)]
    pairs = zip(node.ops, terms[:-1], terms[1:], strict=True)
    return reduce(np.logical_and, [_COMPARISON[type(op)](a, b) for op, a, b in pairs])


def _choose(test: Any, body: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    """Return one branch for one condition, evaluating only that one; entry by entry for an array of conditions."""
    if np.ndim(test) == 0:
        return body() if test else orelse()
    return np.where(test, body(), orelse())


# Messages -----------------------------------------------------------------------------------------------------------


def _refused(node: ast.expr, text: str) -> ExpressionError:
    return ExpressionError(
        f"{_KINDS.get(type(node), 'This')} is not allowed in an expression",
        text,
        node.col_offset + 1,
        instead="numbers, variables, operators, functions and lists",
    )


def _too_long(text: str) -> ExpressionError:
    return ExpressionError(f"The expression is longer than {MAX_LENGTH} characters", text, MAX_LENGTH + 1)


def _too_deep(text: str, column: int) -> ExpressionError:
    return ExpressionError(
        "The expression is nested too deeply", text, column, why=f"the limit is {MAX_DEPTH}"
    )


def _nearest(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"{close[0]}, perhaps" if close else ""


def _brief(word: str) -> str:
    return word if len(word) <= 60 else f"{word[:57]}..."


def _caret(text: str, column: int, width: int = 60) -> str:
    """Return the part of the text around a column, with a caret below it."""
    start = max(0, min(column - 1 - width // 2, len(text) - width))
    return f"    {text[start : start + width]}\n    {' ' * (column - 1 - start)}^"


_MOST_WITH_BLANKS = 10 * MAX_LENGTH

_KINDS: dict[type, str] = {
    ast.Attribute: "An attribute",
    ast.Subscript: "An index",
    ast.Tuple: "A tuple",
    ast.List: "An empty list",
    ast.Starred: "A star",
    ast.Compare: "This comparison",
    ast.BinOp: "This operator",
    ast.UnaryOp: "This operator",
    ast.Constant: "This constant",
    ast.Lambda: "A lambda",
    ast.NamedExpr: "An assignment",
}
