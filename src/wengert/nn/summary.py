"""Summaries of models: what each layer takes and gives, holds and costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import tree
from wengert.api.staging import trace
from wengert.explain.report import Grid, Prose, Report
from wengert.explain.units import bytes_text
from wengert.nn.frozen import Frozen, is_frozen
from wengert.nn.layers.containers import Lambda
from wengert.nn.module import Module, modules_of, observer
from wengert.nn.partition import is_trainable, leaf_paths
from wengert.types import ArrayType, type_of

__all__ = ["Layer", "Summary", "summary"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One module of a model.

    Attributes
    ----------
    path : str
        Its place in the model; empty for the model.
    name : str
        Its class.
    inputs, outputs : str
        Types of the arrays that it took and gave; empty if it was not called.
    parameters, frozen : int
        Numbers that are trained, and that are not, in it and the modules in it.
    operations : int
        Arithmetic on single numbers in all its calls; see `Cost`.
    calls : int
        How many there were.
    """

    path: str
    name: str
    inputs: str
    outputs: str
    parameters: int
    frozen: int
    operations: int
    calls: int


class Summary(Report):
    """The layers of a model, as a table; made by `summary`.

    Attributes
    ----------
    layers : list of Layer
        The model first; each module before those that it holds.
    parameters, frozen : int
        Numbers that are trained, and that are not; what is shared counts once.
    nbytes : int
        Of both.
    operations, peak_bytes : int
        Of one evaluation.

    Examples
    --------
    >>> from wengert import random
    >>> from wengert.nn.layers.linear import Linear
    >>> table = summary(Linear(8, 2, key=random.key(0)), np.zeros((32, 8)))
    >>> table.to_dict()["layers"][0]["outputs"], table.nbytes
    ('f64[32,2]', 144)
    """

    __slots__ = ("frozen", "layers", "nbytes", "operations", "parameters", "peak_bytes", "title")

    width = 110

    def __init__(self, layers: list[Layer], nbytes: int, peak_bytes: int) -> None:
        self.layers, self.nbytes, self.peak_bytes = layers, nbytes, peak_bytes
        whole = layers[0]
        self.title = f"{whole.name}: {whole.parameters:,} parameters"
        self.parameters, self.frozen, self.operations = whole.parameters, whole.frozen, whole.operations

    def blocks(self) -> Iterator[Grid | Prose]:
        """Yield the table and the totals."""
        rows = [
            (
                f"{'  ' * _depth(layer.path)}{layer.path or '(model)'}",
                layer.name if layer.calls < 2 else f"{layer.name} × {layer.calls}",
                layer.inputs,
                layer.outputs,
                f"{layer.parameters:,}",
                f"{layer.frozen:,}" if layer.frozen else "",
                f"{layer.operations:,}" if layer.calls else "",
            )
            for layer in self.layers
        ]
        headers = ("layer", "class", "takes", "gives", "parameters", "frozen", "operations")
        yield Grid("", headers, rows, left=frozenset({0, 1, 2, 3}), sections=frozenset({0}))
        yield Prose(
            f"{self.parameters:,} parameters are trained, {self.frozen:,} numbers are not: {bytes_text(self.nbytes)}. "
            f"One evaluation takes {self.operations:,} operations, and holds up to {bytes_text(self.peak_bytes)} of "
            "results."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""
        return {
            "parameters": self.parameters,
            "frozen": self.frozen,
            "bytes": self.nbytes,
            "operations": self.operations,
            "peak_bytes": self.peak_bytes,
            "layers": [{name: getattr(layer, name) for name in Layer.__slots__} for layer in self.layers],
        }

    def __repr__(self) -> str:
        return str(self)


def summary(model: Module, *inputs: Any) -> Summary:
    """Return a table of the layers of a model: shapes, parameters and operations of an evaluation.

    Parameters
    ----------
    model : Module
    *inputs : array or ArrayType
        What the model is called with. Only types count; nothing is computed.

    Returns
    -------
    Summary
        Prints as a table, in a notebook too; `to_dict` has the numbers.

    Raises
    ------
    NotConcreteError
        If the model asks for the value of something that depends on its input.

    Examples
    --------
    >>> from wengert import random
    >>> from wengert.nn.layers.containers import Sequential
    >>> from wengert.nn.layers.linear import Linear
    >>> first, second = random.split(random.key(0))
    >>> model = Sequential(Linear(8, 16, key=first), np.tanh, Linear(16, 2, key=second))
    >>> table = summary(model, np.zeros((32, 8)))
    >>> table.parameters, table.operations
    (178, 10816)
    """
    types = list(map(_type, inputs))
    paths: dict[int, list[str]] = {}
    for path, module in modules_of(model):
        paths.setdefault(id(module), []).append(path)
    calls: dict[str, list[tuple[Module, list[Any], str]]] = {}

    def look(module: Module, args: tuple[Any, ...], y: Any) -> None:
        for path in paths.get(id(module), ())[:1]:
            shapes = tree.map_leaves(lambda x: _type(x) if _is_number(x) else x, args)
            calls.setdefault(path, []).append((module, shapes, _types_text(y)))

    token = observer.set(look)
    try:
        trace(model.__call__)(*types)
    finally:
        observer.reset(token)
    layers = []
    for path, module in modules_of(model):
        own = calls.get(path, [])
        operations = sum(_operations(m, args) for m, args, _ in own)
        parameters, rest, _ = _sizes(module)
        takes, gives = (_types_text(own[-1][1]), own[-1][2]) if own else ("", "")
        name = _name(module)
        layers.append(Layer(path, name, takes, gives, parameters, rest, operations, len(own)))
    peak = trace(lambda m, *args: m(*args))(model, *types).cost().peak_bytes
    return Summary(layers, _sizes(model)[2], peak)


def _name(module: Module) -> str:
    if isinstance(module, Lambda):
        return f"Lambda({getattr(module.function, '__name__', '')})"
    return type(module).__name__


def _operations(module: Module, args: Any) -> int:
    # the module is an argument too: what it computes of its parameters alone is counted
    operations: int = trace(lambda m, args: m(*args))(module, args).cost().operations
    return operations


def _sizes(module: Module) -> tuple[int, int, int]:
    """Return how many numbers of a module are trained and not trained, and the bytes of all; each array once."""
    seen: set[int] = set()
    trained = rest = nbytes = 0
    leaves = tree.flatten(module, is_leaf=lambda x: x is None or is_frozen(x), none_is_leaf=True)[0]
    for path, leaf in zip(leaf_paths(module), leaves, strict=True):
        for x in tree.flatten(leaf.value if isinstance(leaf, Frozen) else leaf)[0]:
            if not _is_number(x) or id(x) in seen:
                continue
            seen.add(id(x))
            size = int(np.size(x))
            nbytes += size * type_of(x).dtype.itemsize
            if is_trainable(path, leaf):
                trained += size
            else:
                rest += size
    return trained, rest, nbytes


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float | complex) or hasattr(x, "dtype")


def _type(x: Any) -> ArrayType:
    return x if isinstance(x, ArrayType) else type_of(x)


def _types_text(y: Any) -> str:
    return ", ".join(str(_type(x)) for x in tree.flatten(y)[0] if _is_number(x))


def _depth(path: str) -> int:
    return 0 if not path else 1 + path.count(".")
