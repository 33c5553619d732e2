"""The right-hand side f(t, y, *ps) of a differential equation, as a graph, and the systems derived from it.

A graph takes whatever the user's function closes over as further parameters: traced values, which may have derivatives,
and arrays, so that other numbers in them make no other graph. What is made of a graph once is kept with it, and equal
functions have one graph (see `control.interning`).

    jacobian    f_y
    tangent     z = (y, s):  s' = f_y s + f_p p_dot        forward sensitivities
    adjoint     a' = -f_y^T a                              with y(t) known
    gathered    sum over times t_j of f_p^T a_j
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import tree
from wengert.api.jacobians import jacfwd
from wengert.control.bodies import body_of
from wengert.control.call import batched_graph, call_, tangent_graph
from wengert.control.carry_types import weak_type
from wengert.control.interning import interned
from wengert.core.dispatch import Traced
from wengert.core.graph import Atom, Graph, Var
from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError
from wengert.scipy.integrate.parameters import as_double, is_number, replaced
from wengert.scipy.integrate.trajectory import clenshaw
from wengert.transforms.reverse import record
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import ArrayType, type_of

__all__ = ["RightSide", "UserFunction", "called", "kept"]

_TIME = ArrayType((), np.dtype(float))
_FOLDED = 8  # entries of constant arrays that stay in a graph, where they may make it simpler

Flags = tuple[bool, ...]


def kept(graph: Graph, key: Any, make: Callable[[], Any]) -> Any:
    """Return what was made of a graph, or make and keep it."""
    found = graph.derived.get(key)
    if found is None:
        found = graph.derived[key] = make()
    return found


def called(graph: Graph, xs: Sequence[Any]) -> Any:
    """Return the results of a graph, in one operation that is compiled when it comes again and again."""
    return call_(*xs, graph=graph, active=tuple([isinstance(x, Traced) for x in xs]))


def _vector(n: int) -> ArrayType:
    return ArrayType((n,), np.dtype(float))


# The user's function ------------------------------------------------------------------------------------------------


class UserFunction:
    """fun(t, y, *args), as a function of t, y and those leaves of the arguments that may have a derivative.

    Attributes
    ----------
    parameters : list
        These leaves.
    size : int
        Entries of y.
    name : str
        For messages.
    """

    def __init__(self, fun: Callable[..., Any], args: Any, size: int, *, vectorized: bool) -> None:
        self.size = size
        self._fun, self._vectorized = fun, vectorized
        self._leaves, self._structure = tree.flatten(args)
        self._places = [i for i, leaf in enumerate(self._leaves) if is_number(leaf)]
        self.parameters = [self._leaves[i] for i in self._places]
        self.name: str = getattr(fun, "__name__", repr(fun))

    def __call__(self, t: Any, y: Any, *ps: Any) -> Any:
        """Return the derivative of the state as a vector of doubles."""
        args = tree.unflatten(self._structure, replaced(self._leaves, self._places, ps))
        y_dot = operand(self._fun(t, y[:, None] if self._vectorized else y, *args))
        y_dot = np.reshape(y_dot, (-1,)) if self._vectorized else y_dot
        if np.shape(y_dot) not in {(), (1,), (self.size,)}:
            raise ArgumentError(
                f"the right-hand side {self.name} returned shape {np.shape(y_dot)} for a state of {self.size} entries",
                why="it gives the derivative of each entry of the state.",
                instead=f"return an array of shape {(self.size,)}.",
            )
        if type_of(y_dot).dtype.kind == "c":
            raise ArgumentError(
                f"the right-hand side {self.name} returned complex numbers for a real state",
                why="solve_ivp integrates real systems where it is differentiated.",
                instead="integrate real and imaginary parts as a state of twice the length.",
            )
        return np.broadcast_to(as_double(y_dot), (self.size,))

    def right_side(self) -> tuple[RightSide, list[Any]]:
        """Return the graph of the function and its parameters.

        Raises
        ------
        NotConcreteError
            If Python asks for values of t and y.
        """
        weak = [None, None, *map(weak_type, self.parameters)]
        types = [_TIME, _vector(self.size), *map(type_of, self.parameters)]
        structure = tree.flatten((0.0,) * len(types))[1]
        body = body_of(self, structure, types, self.name, weak=weak)
        graph, constants = _hoisted(body.graph)
        return RightSide(graph, self.size), [*self.parameters, *body.captured, *constants]


def _hoisted(graph: Graph) -> tuple[Graph, list[Any]]:
    """Return a graph whose arrays of constants are further inputs, and their values."""
    found = [
        const
        for const in graph.constants()
        if const.live or (const.type.dtype.kind == "f" and np.size(const.value) > _FOLDED)
    ]
    if not found:
        return graph, []
    inputs: dict[Atom, Var] = {const: Var(const.type, scalar=const.scalar) for const in found}
    nodes = [
        node.with_inputs(tuple([inputs.get(a, a) for a in node.inputs]), node.outputs) for node in graph.nodes
    ]
    outputs = [inputs.get(a, a) for a in graph.outputs]
    whole = Graph([*graph.inputs, *inputs.values()], nodes, outputs, graph.name)
    return interned(whole), [const.value for const in found]


# Graphs -------------------------------------------------------------------------------------------------------------


class RightSide:
    """f(t, y, *ps) as a graph.

    Attributes
    ----------
    graph : Graph
        From t, y and the parameters to the derivative of y.
    size : int
        Entries of y.
    """

    __slots__ = ("graph", "size")

    def __init__(self, graph: Graph, size: int) -> None:
        self.graph = graph
        self.size = size

    def __call__(self, t: Any, y: Any, *ps: Any) -> Any:
        """Return the derivative of y."""
        return called(self.graph, [t, y, *ps])[0]

    @property
    def types(self) -> tuple[ArrayType, ...]:
        """Types of the parameters."""
        return self.graph.in_types[2:]

    def _made(self, key: Any, fun: Callable[..., Any], types: Sequence[ArrayType]) -> Graph:
        def make() -> Graph:
            graph, captured = stage(fun, types, f"{key[0]} of {self.graph.name}")
            if captured:
                message = "a derived system closed over traced values"
                raise AssertionError(message)
            return interned(simplify(graph))

        found: Graph = kept(self.graph, key, make)
        return found

    def along(self, times: Any, states: Any, ps: Sequence[Any]) -> Any:
        """Return f at several times, with states and results in columns."""
        on = (True, True, *[False] * len(ps))
        graph = batched_graph(self.graph, np.shape(times)[0], on)
        return called(graph, [times, np.transpose(states), *ps])[0].T

    def jacobian(self) -> Graph:
        """Return the graph of f_y."""

        def fun(t: Any, y: Any, *ps: Any) -> list[Any]:
            return [jacfwd(lambda y: self.graph.apply([t, y, *ps])[0])(y)]

        return self._made(("jacobian",), fun, self.graph.in_types)

    def tangent(self, on: Flags) -> RightSide:
        """Return the system of a state and its tangent; tangents of parameters that are on follow these."""
        n, m = self.size, len(self.types)
        made, _ = tangent_graph(self.graph, (False, True, *on))

        def fun(t: Any, z: Any, *ps: Any) -> list[Any]:
            ys = made.apply([t, z[:n], *ps[:m], z[n:], *ps[m:]])
            return [np.concatenate([ys[0], ys[1] if len(ys) > 1 else np.zeros(n)])]

        moved = [t for t, has in zip(self.types, on, strict=True) if has]
        graph = self._made(("tangent", on), fun, [_TIME, _vector(2 * n), *self.types, *moved])
        return RightSide(graph, 2 * n)

    def adjoint(self, degree: int) -> Graph:
        """Return the graph of -f_y^T a on a piece of a trajectory of some degree.

        It takes a time, the coefficients, the middle and half the length of the piece, a and the parameters.
        """

        def fun(t: Any, c: Any, mid: Any, half: Any, a: Any, *ps: Any) -> list[Any]:
            y = clenshaw(c, (t - mid) / half)
            _, pull = record(lambda y: self.graph.apply([t, y, *ps]), [y])
            y_bar = pull.once([a])[0]
            return [np.zeros(self.size) if y_bar is None else -y_bar]

        return self._made(("adjoint", degree), fun, self._on_piece(degree))

    def adjoint_jacobian(self, degree: int) -> Graph:
        """Return the graph of -f_y^T on a piece of a trajectory, of the same operands."""
        jacobian = self.jacobian()

        def fun(t: Any, c: Any, mid: Any, half: Any, a: Any, *ps: Any) -> list[Any]:
            del a
            return [-jacobian.apply([t, clenshaw(c, (t - mid) / half), *ps])[0].T]

        return self._made(("adjoint jacobian", degree), fun, self._on_piece(degree))

    def _on_piece(self, degree: int) -> list[ArrayType]:
        c = ArrayType((degree + 1, self.size), np.dtype(float))
        return [_TIME, c, _TIME, _TIME, _vector(self.size), *self.types]

    def gathered(self, moving: Sequence[int], count: int) -> Graph:
        """Return the graph of sums of f_p^T a over so many times, for some of the parameters.

        It takes times, states and adjoints, one in each row, then the parameters.
        """
        batched = batched_graph(self.graph, count, (True, True, *[False] * len(self.types)))

        def fun(t: Any, y: Any, a: Any, *ps: Any) -> list[Any]:
            _, pull = record(
                lambda *new: batched.apply([t, y, *replaced(ps, moving, new)]), [ps[i] for i in moving]
            )
            bars = pull.once([a])
            return [
                np.zeros(np.shape(ps[i]), ps[i].dtype) if bar is None else bar
                for i, bar in zip(moving, bars, strict=True)
            ]

        rows = ArrayType((count, self.size), np.dtype(float))
        types = [ArrayType((count,), np.dtype(float)), rows, rows, *self.types]
        return self._made(("gathered", tuple(moving), count), fun, types)
