"""Primitives as expressions of NumPy.

operators                 a + b, a @ b, x[i]
what NumPy calls so       np.sum(x, axis=0): the `eval` of the primitive is that function
a table                   reshape, transpose, ...: methods of arrays
all others                a function of the program, copied from the package (`transplant`)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.graph import Node
from wengert.explain.source.literals import Constants, number_text, python_number, value_text
from wengert.explain.source.transplant import Transplants
from wengert.ops.index_forms import SLOT, as_tuple

__all__ = ["Operand", "Speller", "counts", "index_text", "makes_new"]

_BINARY = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@",
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "floor_divide": "//", "remainder": "%",
}  # fmt: skip
_OF_PYTHON = frozenset(
    {"divide", "power", "floor_divide", "remainder"}
)  # its integers compute these otherwise


@dataclass(frozen=True, slots=True)
class Operand:
    """What stands for a value in an expression.

    Attributes
    ----------
    text : str
    dtype : numpy.dtype
    shape : tuple of int
    number : object
        The number, if it is a constant one.
    counts : bool
        Whether it is an integer of Python's: the index of a loop.
    """

    text: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...] = ()
    number: Any = None
    counts: bool = False

    @property
    def weak(self) -> Any:
        """A number of Python's that promotes as this one, or None."""
        if self.counts:
            return 1
        return None if self.number is None else python_number(self.number)

    @property
    def typed(self) -> str:
        """The expression with its type."""
        if self.counts:
            return f"np.int64({self.text})"
        return self.text if self.number is None else number_text(self.number, typed=True)


def makes_new(text: str) -> bool:
    """Whether an expression makes an array that nobody else holds."""
    return text.startswith(("np.zeros(", "np.ones(", "np.full("))


def counts(node: Node, xs: Sequence[Operand]) -> bool:
    """Whether an operation is one of Python's integers: of the index of a loop and other integers."""
    return (
        node.prim.name in ("add", "subtract", "multiply")
        and any(x.counts for x in xs)
        and all(x.weak is not None and x.dtype == np.int64 for x in xs)
    )


def index_text(index: Any, arrays: Sequence[str], constants: Constants) -> str:
    """Return an index as it stands between brackets."""
    rest = iter(arrays)
    items = [
        _item_text(next(rest) if item is SLOT else item, item is SLOT, constants) for item in as_tuple(index)
    ]
    if not items:
        return "()"
    return (
        f"{items[0]},"
        if isinstance(index, tuple) and len(items) == 1 and items[0] == "..."
        else ", ".join(items)
    )


def _item_text(item: Any, slot: bool, constants: Constants) -> str:
    if slot:
        return str(item)
    if isinstance(item, slice):
        bounds = ["" if v is None else str(v) for v in (item.start, item.stop)]
        return ":".join(bounds if item.step is None else [*bounds, str(item.step)])
    if isinstance(item, np.ndarray):
        return constants.text(item) if item.ndim else value_text(item[()])
    return value_text(item)


class Speller:
    """Writes operations as expressions.

    Parameters
    ----------
    constants : Constants
    transplants : Transplants
    guarded : bool
        Whether products leave out zeros times infinity.
    """

    def __init__(self, constants: Constants, transplants: Transplants, *, guarded: bool = True) -> None:
        self._constants, self._transplants = constants, transplants
        self._guarded = guarded

    def expression(self, node: Node, xs: Sequence[Operand]) -> str:
        """Return the expression of an operation of operands."""
        spell = _TABLE.get(node.prim.name)
        if spell is not None:
            return spell(self, node, xs)
        if node.prim.elementwise or node.prim.name in _BINARY or node.prim.name in ("where", "masked"):
            return self._elementwise(node, xs)
        return self._call(node, xs)

    # Entry by entry

    def _elementwise(self, node: Node, xs: Sequence[Operand]) -> str:
        """Return an operator or a call of a ufunc; numbers are typed where Python's would promote otherwise."""
        texts = self._promoted(node, xs)
        symbol = "*" if node.prim.name == "masked" and not self._guarded else _BINARY.get(node.prim.name)
        if symbol and not (node.prim.name in _OF_PYTHON and all(x.weak is not None for x in xs)):
            first = f"({texts[0]})" if texts[0].startswith("-") and symbol == "**" else texts[0]
            second = f"({texts[1]})" if texts[1].startswith("-") else texts[1]
            return f"{first} {symbol} {second}"
        if node.prim.name == "negative":
            return f"-{texts[0]}" if not texts[0].startswith("-") else f"-({texts[0]})"
        return f"{self._transplants.text(node.prim.eval, node.prim.name)}({', '.join(texts)})"

    def _promoted(self, node: Node, xs: Sequence[Operand]) -> list[str]:
        if counts(node, xs):
            return [x.text for x in xs]
        strong = [x.dtype for x in xs if x.weak is None]
        if not strong:
            return [x.typed for x in xs]
        weak = [x.weak for x in xs if x.weak is not None]
        agree = not weak or np.result_type(*strong, *weak) == np.result_type(*[x.dtype for x in xs])
        return [x.text if agree else x.typed for x in xs]

    # Calls

    def _call(self, node: Node, xs: Sequence[Operand]) -> str:
        """Return a call of the function that computes the value."""
        function = self._transplants.text(node.prim.eval, node.prim.name)
        texts = [x.typed if x.weak is not None else x.text for x in xs]
        return f"{function}({', '.join([*texts, *self._keywords(node, xs)])})"

    def _keywords(self, node: Node, xs: Sequence[Operand]) -> list[str]:
        """Return the parameters that are not what the function takes by default."""
        usual = _defaults(node.prim.eval)
        found = []
        for name, value in node.params.items():
            if name == "axis" and isinstance(value, tuple) and usual.get(name, 0) is None:
                if value == tuple(range(len(xs[0].shape))):
                    continue
                value = value[0] if len(value) == 1 else value  # noqa: PLW2901 - as one writes it
            if not (name in usual and _equal(usual[name], value)):
                found.append(f"{name}={self._parameter(value)}")
        return found

    def _parameter(self, value: Any) -> str:
        try:
            return value_text(value, self._constants.text)
        except TypeError:
            return self._transplants.text(value)

    def index(self, index: Any, xs: Sequence[Operand]) -> str:
        """Return an index whose slots hold operands."""
        return index_text(index, [x.text for x in xs], self._constants)


def _defaults(function: Any) -> dict[str, Any]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    found = {p.name: p.default for p in parameters if p.default is not p.empty}
    # np.sum takes no value at all for False; other functions of NumPy's take False
    return {name: False if name == "keepdims" else value for name, value in found.items()}


def _equal(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, bool | int | float | str | tuple) and a == b)


# The table ------------------------------------------------------------------------------------------------------------


def _getitem(speller: Speller, node: Node, xs: Sequence[Operand]) -> str:
    return f"{xs[0].typed}[{speller.index(node.params['index'], xs[1:])}]"


def _cast(speller: Speller, node: Node, xs: Sequence[Operand]) -> str:
    dtype = value_text(node.params["dtype"])
    if not node.outputs[0].shape:
        return f"{dtype}({xs[0].text})"
    return f"{xs[0].text}.astype({dtype})"


def _shape_text(shape: tuple[int, ...]) -> str:
    return str(shape[0]) if len(shape) == 1 else value_text(shape)


def _reshape(speller: Speller, node: Node, xs: Sequence[Operand]) -> str:
    order = node.params.get("order", "C")
    shape = _shape_text(node.outputs[0].shape)
    return f"np.reshape({xs[0].typed}, {shape}{'' if order == 'C' else f', order={order!r}'})"


def _transpose(speller: Speller, node: Node, xs: Sequence[Operand]) -> str:
    axes = node.params["axes"]
    if axes == tuple(range(len(axes)))[::-1]:
        return f"{xs[0].typed}.T"
    return f"np.transpose({xs[0].typed}, {value_text(axes)})"


def _broadcast_to(speller: Speller, node: Node, xs: Sequence[Operand]) -> str:
    shape = _shape_text(node.outputs[0].shape)
    if xs[0].number is not None:
        return f"np.full({shape}, {xs[0].typed if xs[0].dtype != float else xs[0].text})"
    return f"np.broadcast_to({xs[0].text}, {shape})"


def _same(speller: Speller, node: Node, xs: Sequence[Operand]) -> str:
    return xs[0].text


_TABLE: dict[str, Callable[[Speller, Node, Sequence[Operand]], str]] = {
    "getitem": _getitem,
    "cast": _cast,
    "discretize": _cast,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast_to": _broadcast_to,
    "stop_gradient": _same,
}
