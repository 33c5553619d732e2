"""Values of parameters as JSON: tagged lists for all that JSON lacks.

    ["float", hex]  ["complex", hex, hex]  ["scalar", array]  ["array", array]  ["dtype", text]  ["type", dtype, shape]
    ["tuple", value, ...]  ["list", value, ...]  ["dict", [key, value], ...]  ["slice", value, value, value]
    ["ellipsis"]  ["slot"]  ["graph", number]  ["record", class, {field: value}]
    ["numpy", dotted name]  ["numpy type", name]  ["call", dotted name, value, value, n]  ["operand", number]

What it refuses has no form here: functions of the user's own, above all, which are code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from types import EllipsisType
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.graph import Graph
from wengert.errors import ArgumentError
from wengert.export.format import DATACLASSES, KINDS, dtype_of, refuse_file
from wengert.ops.index_forms import SLOT, Slot
from wengert.transforms.numpy_calls import NumPyCall
from wengert.types import ArrayType

__all__ = ["FUNCTIONS", "Reader", "Writer", "shape_of"]

_MOST = 10_000  # operands of a call


def _numpy_functions() -> dict[str, Any]:
    """Return the functions of NumPy that compute, by their dotted names: none that reads, writes or evaluates."""
    found = {}
    for space, module in (("numpy", np), ("numpy.linalg", np.linalg), ("numpy.fft", np.fft)):
        for name in module.__all__:
            value = getattr(module, name, None)
            if isinstance(value, np.ufunc) or (callable(value) and hasattr(value, "_implementation")):
                found[f"{space}.{name}"] = value
    return {name: f for name, f in found.items() if name.rpartition(".")[2] not in _SIDE_EFFECTS}


# Functions that dispatch, but do more than compute: files, text, code of the caller's, memory of others.
_SIDE_EFFECTS = frozenset(
    [
        "apply_along_axis",
        "apply_over_axes",
        "array2string",
        "array_repr",
        "array_str",
        "copyto",
        "fill_diagonal",
        "fromfile",
        "genfromtxt",
        "load",
        "loadtxt",
        "piecewise",
        "place",
        "put",
        "put_along_axis",
        "putmask",
        "save",
        "savetxt",
        "savez",
        "savez_compressed",
        "set_string_function",
        "vectorize",
    ]
)
FUNCTIONS = _numpy_functions()
_NAMES = {id(f): name for name, f in FUNCTIONS.items()}
_SCALARS: dict[str, Any] = {
    np.dtype(letter).type.__name__: np.dtype(letter).type for letter in "?bBhHiIlLqQefdgFDG"
}


class Writer:
    """Turns values into JSON; `array` and `graph` note arrays and graphs, and return their numbers."""

    def __init__(self, array: Callable[[Any], int], graph: Callable[[Graph], int]) -> None:
        self._array = array
        self._graph = graph

    def value(self, x: Any, what: str) -> Any:
        """Return the form of a value; `what` it is, for the message where it has none."""
        if x is None or type(x) in {bool, int, str}:
            return x
        kind = next((kind for kind in _WRITERS if isinstance(x, kind)), None)
        found = None if kind is None else _WRITERS[kind](self, x, what)
        if found is None:
            raise ArgumentError(
                f"{what} is of type {type(x).__name__}, which cannot be saved",
                why="a file holds numbers, arrays and names of primitives and of NumPy's functions, and no code.",
                instead="leave out what the graph calls of your own (wengert.external, custom rules), or save what "
                "stands before and behind it.",
            )
        return found

    def values(self, xs: Any, what: str) -> list[Any]:
        """Return the forms of several values."""
        return [self.value(x, what) for x in xs]

    def array(self, x: Any, what: str) -> list[Any] | None:
        """Return the form of an array or NumPy scalar of numbers."""
        if x.dtype.kind not in KINDS:
            return None
        return ["scalar" if isinstance(x, np.generic) else "array", self._array(np.asarray(x))]

    def record(self, x: Any, what: str) -> list[Any] | None:
        """Return the form of a dataclass that holds graphs."""
        name = type(x).__name__
        return [
            "record",
            name,
            {f.name: self.value(getattr(x, f.name), f"{what}.{f.name}") for f in fields(x)},
        ]

    def graph(self, x: Graph, what: str) -> list[Any]:
        """Return the form of a graph."""
        return ["graph", self._graph(x)]

    def call(self, x: Any, what: str) -> list[Any] | None:
        """Return the form of a call of NumPy: the function, and arguments with numbers in place of the traced ones."""
        name = _NAMES.get(id(x.function))
        if name is None:
            return None
        places = {id(t): i for i, t in enumerate(x.traced)}
        inner = _CallWriter(self._array, self._graph, places)
        args, kwargs = x.arguments
        return ["call", name, inner.value(tuple(args), what), inner.value(kwargs, what), len(x.traced)]


class _CallWriter(Writer):
    """A writer of arguments, some of which are traced."""

    def __init__(self, array: Any, graph: Any, places: dict[int, int]) -> None:
        super().__init__(array, graph)
        self._places = places

    def value(self, x: Any, what: str) -> Any:
        return ["operand", self._places[id(x)]] if id(x) in self._places else super().value(x, what)


_WRITERS: dict[Any, Callable[[Writer, Any, str], Any]] = {
    np.ndarray | np.generic: Writer.array,  # before float: np.float64 is one
    float: lambda _, x, __: ["float", x.hex()],
    complex: lambda _, x, __: ["complex", x.real.hex(), x.imag.hex()],
    np.dtype: lambda _, x, __: ["dtype", x.str] if x.kind in KINDS else None,
    ArrayType: lambda _, x, __: ["type", x.dtype.str, list(x.shape)],
    tuple: lambda w, x, what: ["tuple", *w.values(x, what)] if type(x) is tuple else None,
    list: lambda w, x, what: ["list", *w.values(x, what)],
    dict: lambda w, x, what: ["dict", *[[w.value(k, what), w.value(v, what)] for k, v in x.items()]],
    slice: lambda w, x, what: ["slice", *w.values((x.start, x.stop, x.step), what)],
    EllipsisType: lambda _, __, ___: ["ellipsis"],
    Slot: lambda _, __, ___: ["slot"],
    Graph: Writer.graph,
    tuple(DATACLASSES.values()): Writer.record,
    NumPyCall: Writer.call,
    type: lambda _, x, __: ["numpy type", x.__name__] if x in _SCALARS.values() else None,
    Callable: lambda _, x, __: ["numpy", _NAMES[id(x)]] if id(x) in _NAMES else None,
}


class Reader:
    """Turns JSON into values; `array` and `graph` give those of a number."""

    def __init__(self, array: Callable[[Any], Any], graph: Callable[[Any], Graph]) -> None:
        self.array = array
        self.graph = graph
        self.operands: list[Traced] = []

    def value(self, form: Any) -> Any:
        """Return the value of a form."""
        if form is None or isinstance(form, bool | int | str):
            return form
        rule = _READERS.get(form[0]) if isinstance(form, list) and form and isinstance(form[0], str) else None
        if rule is None:
            return refuse_file(f"{str(form)[:40]!r} is no value")
        try:
            return rule(self, *form[1:])
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            if isinstance(error, ArgumentError):
                raise
            return refuse_file(f"{str(form)[:40]!r} is no {form[0]}")

    def scalar(self, k: Any) -> Any:
        """Return a NumPy scalar."""
        return self.array(k)[()]

    def record(self, name: str, parts: dict[str, Any]) -> Any:
        """Return a dataclass of graphs."""
        cls: Any = DATACLASSES[name]
        values = {key: self.value(form) for key, form in parts.items()}
        kinds = {f.name: str(f.type) for f in fields(cls)}
        if set(kinds) != set(values) or not all(_is_of(v, kinds[key]) for key, v in values.items()):
            refuse_file(f"a {name} has other fields")
        return cls(**values)

    def call(self, name: str, args: Any, kwargs: Any, n: int) -> Any:
        """Return a call of one of NumPy's functions; it is not made."""
        inner = Reader(self.array, self.graph)
        inner.operands = [_stand_in() for _ in range(n if 0 <= n <= _MOST else 0)]
        arguments = inner.value(args), inner.value(kwargs)
        if not isinstance(arguments[0], tuple) or not isinstance(arguments[1], dict):
            refuse_file("a call of NumPy has no arguments")
        return NumPyCall(FUNCTIONS[name], arguments, list(inner.operands))


def _is_of(value: Any, kind: str) -> bool:
    """Whether a value is what a dataclass declares, in words such as ``int | None``."""
    return type(value).__name__.removesuffix("Type") in kind.split(" | ")


def _stand_in() -> Traced:
    """Return what takes the place of an operand among arguments."""
    return Traced(None, None, None)  # type: ignore[arg-type]


def _float(hex: str) -> float:
    return float.fromhex(hex)


_READERS: dict[str, Callable[..., Any]] = {
    "float": lambda _, x: _float(x),
    "complex": lambda _, re, im: complex(_float(re), _float(im)),
    "scalar": Reader.scalar,
    "array": lambda r, k: r.array(k),
    "dtype": lambda _, text: dtype_of(text),
    "type": lambda _, text, shape: ArrayType(shape_of(shape), dtype_of(text)),
    "tuple": lambda r, *xs: tuple(map(r.value, xs)),
    "list": lambda r, *xs: list(map(r.value, xs)),
    "dict": lambda r, *pairs: {r.value(k): r.value(v) for k, v in pairs},
    "slice": lambda r, *bounds: slice(*[_bound(b) for b in bounds]),
    "ellipsis": lambda _: Ellipsis,
    "slot": lambda _: SLOT,
    "graph": lambda r, k: r.graph(k),
    "record": Reader.record,
    "numpy": lambda _, name: FUNCTIONS[name],
    "numpy type": lambda _, name: _SCALARS[name],
    "call": Reader.call,
    "operand": lambda r, k: r.operands[k],
}


def _bound(b: Any) -> Any:
    return b if b is None or type(b) is int else refuse_file(f"{b!r} bounds no slice")


def shape_of(form: Any) -> tuple[int, ...]:
    """Return the lengths of axes."""
    if (
        not isinstance(form, list)
        or len(form) > 64
        or not all(type(n) is int and 0 <= n < 1 << 48 for n in form)
    ):
        return refuse_file(f"{str(form)[:40]!r} is no shape")  # type: ignore[no-any-return]
    return tuple(form)
