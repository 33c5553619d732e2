"""Define and run: build a graph of placeholders by ordinary NumPy, and make functions of it."""

from __future__ import annotations

import operator as python_operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert import tree
from wengert.api.arguments import disjoint
from wengert.control.call import call_
from wengert.core.dispatch import Traced
from wengert.core.graph import Atom, Graph
from wengert.core.numpy_protocol import operand
from wengert.core.views import staged_under
from wengert.errors import ArgumentError, NotDifferentiableError
from wengert.transforms.blueprint import BLUEPRINT, Wire, cut
from wengert.transforms.blueprint_sweep import pull_back
from wengert.transforms.execution import run
from wengert.transforms.simplify import simplify
from wengert.types import Array, ArrayType, type_of

__all__ = ["Function", "function", "gradients", "placeholder"]

_NUMBERS = (bool, int, float, complex)


def placeholder(shape: int | Sequence[int] = (), dtype: Any = float, name: str | None = None) -> Array:
    """Return a value that is given later, with which NumPy builds a graph.

    Parameters
    ----------
    shape : int or sequence of int
    dtype : dtype
    name : str, optional
        To give its value by, and for messages.

    Returns
    -------
    array
        NumPy's functions, operators and indexing work on it, and so do all transformations; it has a type and no
        numbers.

    See Also
    --------
    function : Makes a function of a graph.
    gradients : Adds derivatives to a graph.

    Examples
    --------
    >>> import numpy as np
    >>> x = placeholder(3, name="x")
    >>> np.sum(np.sin(x) ** 2)
    <sum: f64[]>
    """
    lengths = (shape,) if isinstance(shape, int | np.integer) else shape
    try:
        shape = tuple(map(python_operator.index, lengths))
    except TypeError:
        shape = (-1,)
    kind = np.dtype(dtype)
    if any(length < 0 for length in shape) or kind.kind not in "biufc":
        raise ArgumentError(
            f"a placeholder has shape {lengths} and dtype {kind}",
            why="a graph is made for arrays of numbers of known lengths.",
            instead="give integers >= 0 and a numeric dtype; for other lengths build another graph, or wengert.vmap.",
        )
    if name is not None and not str(name).isidentifier():
        raise ArgumentError(
            f"a placeholder cannot be named {name!r}",
            why="its name is that of an argument of the functions made of it.",
            instead="give a name such as x or w_1.",
        )
    return BLUEPRINT.placeholder(ArrayType(shape, kind), name)


# Functions ------------------------------------------------------------------------------------------------------------


class Function:
    """A function of placeholders: what it returns is computed from their values.

    Attributes
    ----------
    graph : Graph
        Its inputs are the placeholders, in order.
    names : tuple of str or None
        Of the placeholders.

    Examples
    --------
    >>> x = placeholder(name="x")
    >>> f = function([x], x * x)
    >>> f.names
    ('x',)
    """

    def __init__(self, graph: Graph, names: Sequence[str | None]) -> None:
        self.graph = graph
        self.names = tuple(names)
        self.__name__ = graph.name

    def __repr__(self) -> str:
        arguments = [f"{self._called(i)}: {t}" for i, t in enumerate(self.graph.in_types)]
        results = ", ".join(map(str, self.graph.out_types))
        return f"<function of ({', '.join(arguments)}) to ({results})>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outputs for values of the inputs, by position or by name."""
        fed = self._fed(args, kwargs)
        xs = [self._operand(i, x) for i, x in enumerate(fed)]
        if any(staged_under(x) is not None for x in xs):
            ys = self.graph.apply(xs)  # part of a larger graph
        elif any(isinstance(x, Traced) for x in xs):
            ys = list(call_(*xs, graph=self.graph, active=tuple([isinstance(x, Traced) for x in xs])))
        else:
            ys = run(self.graph, xs)
        return tree.unflatten(self.graph.structures[1], disjoint(ys, xs))  # type: ignore[index]

    def _called(self, i: int) -> str:
        return self.names[i] or f"argument {i}"

    def _fed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """Return the values of the inputs in order."""
        n = len(self.names)
        fed = dict(enumerate(args))
        places = {name: i for i, name in enumerate(self.names) if name is not None}
        unknown = [name for name in kwargs if name not in places]
        twice = [name for name in kwargs if places.get(name, n) in fed]
        fed.update((places[name], x) for name, x in kwargs.items() if name in places)
        missing = [self._called(i) for i in range(n) if i not in fed]
        if len(args) > n or unknown or twice or missing:
            problems = {
                "lacks": missing,
                "does not know": unknown,
                "was given twice": twice,
                "takes no": [f"argument {i}" for i in range(n, len(args))],
            }
            found = [f"{what} {', '.join(names)}" for what, names in problems.items() if names]
            raise ArgumentError(
                f"{self!r} {'; '.join(found)}",
                why="each input is given once, by its position or by its name.",
                instead=f"call it with ({', '.join([self._called(i) for i in range(n)])}).",
            )
        return [fed[i] for i in range(n)]

    def _operand(self, i: int, x: Any) -> Any:
        """Return the value of an input in its type."""
        wanted = self.graph.in_types[i]
        if type(x) in _NUMBERS:
            kept = type(x) is bool or wanted.dtype.kind in {int: "iufc", float: "fc", complex: "c"}[type(x)]
            value = np.asarray(x, wanted.dtype) if kept else np.asarray(x)
        elif isinstance(x, list | tuple):
            value = operand(x)
        else:
            value = operand(x) if isinstance(x, np.ndarray) else x
        if not hasattr(value, "dtype"):
            self._refuse(i, f"a {type(x).__name__}", "give an array or a number.")
        if tuple(np.shape(value)) != wanted.shape:
            self._refuse(
                i, str(type_of(value)), "give an array of that shape, or make a placeholder of another."
            )
        if value.dtype == wanted.dtype:
            return (
                value[()] if type(value) is np.ndarray and not value.shape and type(x) in _NUMBERS else value
            )
        if not np.can_cast(value.dtype, wanted.dtype, "safe"):
            self._refuse(
                i, str(type_of(value)), f"give x.astype({wanted.dtype.name!r}), which may lose digits."
            )
        return value.astype(wanted.dtype)

    def _refuse(self, i: int, given: str, instead: str) -> None:
        raise ArgumentError(
            f"{self._called(i)} of a function of placeholders was given {given}, and is {self.graph.in_types[i]}",
            why="the graph is made for arrays of one shape and dtype.",
            instead=instead,
        )


def _atom(x: Any, what: str) -> Atom:
    """Return what a handle stands for."""
    if isinstance(x, Traced) and x.interpreter is BLUEPRINT:
        return x.value  # type: ignore[no-any-return]
    raise ArgumentError(
        f"{what} is of type {type(x).__name__}, and nothing of a graph of placeholders",
        why="graphs are built of what wengert.placeholder returns.",
        instead="pass a placeholder, or what was computed from placeholders.",
    )


def _input(x: Any, i: int) -> Wire:
    wire = _atom(x, f"input {i}")
    if not isinstance(wire, Wire) or wire.source is not None:
        raise ArgumentError(
            f"input {i} is no placeholder, but {wire!r}",
            why="a value is given for placeholders; and x[i] = v or x += v makes x stand for a result.",
            instead="pass the placeholder itself; write into x.copy().",
        )
    return wire


def function(inputs: Sequence[Array], outputs: Any, name: str = "function") -> Function:
    """Return the function from placeholders to what was computed from them.

    Parameters
    ----------
    inputs : sequence of placeholders
    outputs : pytree
        Of values of the graph; plain arrays and numbers are constants.
    name : str
        For messages.

    Returns
    -------
    Function
        Takes values of the inputs by position or by name, and returns the outputs in their structure. It can be
        differentiated, batched and compiled; called on placeholders, it becomes part of a larger graph. Its `graph` can
        be printed and saved.

    Raises
    ------
    ArgumentError
        If an input is no placeholder, or outputs depend on a placeholder that is not among the inputs.

    See Also
    --------
    trace : The graph of a Python function.

    Examples
    --------
    >>> import numpy as np
    >>> x, w = placeholder(2, name="x"), placeholder(2, name="w")
    >>> y = np.tanh(np.sum(w * x))
    >>> f = function([x, w], {"y": y, "slope": gradients(y, w)})
    >>> f(w=[1.0, 2.0], x=[0.2, -0.1])
    {'y': np.float64(0.0), 'slope': array([ 0.2, -0.1])}
    """
    wires = [_input(x, i) for i, x in enumerate(inputs)]
    names = [wire.name for wire in wires]
    known = [n for n in names if n is not None]
    if len(set(wires)) < len(wires) or len(set(known)) < len(known):
        raise ArgumentError(
            f"the inputs ({', '.join([n or 'unnamed' for n in names])}) are not distinct",
            why="each input is given one value, by position or by its name.",
            instead="name each placeholder once, and give them different names.",
        )
    leaves, out_structure = tree.flatten(outputs)
    atoms = [_output(leaf) for leaf in leaves]
    graph, free = cut(wires, atoms, name)
    if free:
        raise ArgumentError(
            f"the outputs depend on {', '.join(map(repr, free))} beside the inputs",
            why="a function needs values for all placeholders that its outputs are computed from.",
            instead="name these among the inputs too.",
        )
    structure = tree.flatten((tuple(inputs), {}))[1]
    return Function(
        simplify(Graph(graph.inputs, graph.nodes, atoms, name, (structure, out_structure))), names
    )


def _output(y: Any) -> Any:
    if isinstance(y, Traced):
        return _atom(y, "an output")
    y = operand(y) if isinstance(y, np.ndarray) else y
    if isinstance(y, Traced | np.ndarray | np.generic | bool | int | float | complex):
        return BLUEPRINT.atom(y)
    return _atom(y, "an output")


# Derivatives ----------------------------------------------------------------------------------------------------------


def gradients(y: Array, xs: Any) -> Any:
    """Add the derivatives of a number to its graph.

    Parameters
    ----------
    y : array
        A real number of the graph.
    xs : pytree
        Placeholders or any other real or complex values of the graph.

    Returns
    -------
    pytree
        dy/dx for each x, in the structure of `xs`, as further values of the graph, which can be differentiated
        again. An x that y does not depend on has zeros. All ways from x to y count, also those through another x.

    See Also
    --------
    grad : The gradient of a Python function.

    Examples
    --------
    >>> x = placeholder(name="x")
    >>> y = x**3
    >>> slope = gradients(y, x)
    >>> curvature = gradients(slope, x)
    >>> function([x], [y, slope, curvature])(2.0)
    [np.float64(8.0), np.float64(12.0), np.float64(12.0)]
    """
    wire = _atom(y, "what is differentiated")
    if wire.shape or wire.dtype.kind != "f":
        raise NotDifferentiableError(
            f"gradients got {wire.type} to differentiate",
            why="a gradient is that of one real number.",
            instead="reduce it, as in gradients(np.sum(y), x), or take a weighted sum.",
        )
    leaves, structure = tree.flatten(xs)
    wires = [_atom(x, "what is differentiated with respect to") for x in leaves]
    for x in wires:
        if x.dtype.kind not in "fc":
            raise NotDifferentiableError(
                f"gradients got {x!r} to differentiate with respect to",
                why="a derivative needs entries that vary continuously; integers and booleans do not.",
                instead="make it of a floating dtype.",
            )
    found = pull_back(wire, wire.dtype.type(1.0), wires)
    bars = [_dense(x_bar, x) for x_bar, x in zip(found, wires, strict=True)]
    return tree.unflatten(structure, bars)


def _dense(x_bar: Any, x: Atom) -> Any:
    """Return a cotangent as a value of the graph, with memory of its own."""
    if x_bar is None:
        x_bar = np.zeros(x.shape, x.dtype)[()]
    return x_bar.detached() if isinstance(x_bar, Traced) else BLUEPRINT.hold(x_bar)
