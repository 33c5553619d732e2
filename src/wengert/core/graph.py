"""Graphs: a program as typed values, each computed once.

    graph ::= graph(var: type, ...): node* return atom, ...
    node  ::= var: type, ... = prim(atom, ..., param=value, ...)      at file:line of the user's call
    atom  ::= var | const                                             params may hold graphs

A graph is closed: its atoms are its inputs, results of earlier nodes, and constants. It is data: what is done with it
(text, checks, costs, passes, execution) lives elsewhere. Applying a graph binds its primitives one after another, so
that every transformation applies to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from wengert import tree
from wengert.core.atoms import Atom, Const, Place, Var
from wengert.core.dispatch import bind
from wengert.core.primitive import Primitive
from wengert.core.show import held, text
from wengert.errors import ArgumentError
from wengert.types import ArrayType

__all__ = ["Atom", "Const", "Graph", "Node", "Place", "Var", "atoms_type", "graphs_in", "measures"]

measures: dict[
    str, Callable[[Graph], Any]
] = {}  # what layers above, which know the primitives, can say of a graph


_DRAWN = 2000  # nodes that a notebook draws


class Node:
    """One application of a primitive.

    Attributes
    ----------
    prim, inputs, params, outputs
        outputs = prim(*inputs, **params)
    place : Place or None
    quiet : bool
        Whether it does not warn of overflow, division by zero and the like: derivatives do not where the value did not.
    """

    __slots__ = ("inputs", "outputs", "params", "place", "prim", "quiet")

    def __init__(
        self,
        prim: Primitive,
        inputs: tuple[Atom, ...],
        params: dict[str, Any],
        outputs: tuple[Var, ...],
        place: Place | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        self.prim = prim
        self.inputs = inputs
        self.params = params
        self.outputs = outputs
        self.place = place
        self.quiet = quiet

    def __repr__(self) -> str:
        return f"<node {self.prim.name}>"

    def with_inputs(self, inputs: tuple[Atom, ...], outputs: tuple[Var, ...]) -> Node:
        """Return the same operation on other operands."""
        return Node(self.prim, inputs, self.params, outputs, self.place, quiet=self.quiet)


class Graph:
    """A closed program in single assignment form.

    Attributes
    ----------
    inputs : tuple of Var
    nodes : tuple of Node
        In an order in which they can be computed.
    outputs : tuple of Atom
    name : str
        Of the function it was made from.
    structures : tuple or None
        Of the arguments (args, kwargs) and of the result of the function it was made from; without them, arguments are
        the inputs one by one, and the result is the only output, or a tuple.
    derived : dict
        What was made of it once and is kept: derivatives, executors.
    """

    __slots__ = ("__weakref__", "derived", "inputs", "name", "nodes", "outputs", "structures")

    def __init__(
        self,
        inputs: Sequence[Var],
        nodes: Sequence[Node],
        outputs: Sequence[Atom],
        name: str = "graph",
        structures: tuple[Any, Any] | None = None,
    ) -> None:
        self.inputs = tuple(inputs)
        self.nodes = tuple(nodes)
        self.outputs = tuple(outputs)
        self.name = name
        self.structures = structures
        self.derived: dict[Any, Any] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result, of traced arguments too."""
        if self.structures is None:
            ys = self.apply(args)
            return ys[0] if len(ys) == 1 else tuple(ys)
        leaves, structure = tree.flatten((args, kwargs))
        if structure != self.structures[0]:
            raise ArgumentError(
                f"the graph of {self.name} was called with arguments of another structure: {structure}",
                why=f"it was made for {self.structures[0]}.",
                instead="call it with arguments of that structure, or trace the function again.",
            )
        return tree.unflatten(self.structures[1], self.apply(leaves))

    def apply(self, xs: Sequence[Any]) -> list[Any]:
        """Apply the primitives to flat operands, traced ones too; return the flat results."""
        if len(xs) != len(self.inputs):
            raise ArgumentError(
                f"the graph of {self.name} takes {len(self.inputs)} operands, and got {len(xs)}",
                why="each input of a graph is one array or number.",
                instead="pass one operand for each input.",
            )
        values: dict[Atom, Any] = dict(zip(self.inputs, xs, strict=True))
        for node in self.nodes:
            operands = [a.value if isinstance(a, Const) else values[a] for a in node.inputs]
            y = bind(node.prim, operands, node.params)
            if node.prim.multiple:
                values.update(zip(node.outputs, y, strict=True))
            else:
                values[node.outputs[0]] = y
        return [a.value if isinstance(a, Const) else values[a] for a in self.outputs]

    def __str__(self) -> str:
        return text(self)

    def __repr__(self) -> str:
        return text(self)

    def cost(self) -> Any:
        """Return what one run takes: operations, bytes read and written, and the most memory at a time.

        Returns
        -------
        Cost
            See `wengert.transforms.cost`.
        """
        return measures["cost"](self)

    def draw(self, *args: Any, **options: Any) -> Any:
        """Draw the graph, with its values if arguments are given.

        Parameters
        ----------
        *args
            As for a call.
        **options
            derivative, seed, folded: as for `wengert.draw`.

        Returns
        -------
        Drawing
            See `wengert.explain.drawing`.
        """
        return measures["draw"](self, *args, **options)

    def _repr_svg_(self) -> str | None:
        # a notebook shows the text of what would take seconds to draw, unasked
        return None if len(self.nodes) > _DRAWN else str(self.draw().svg())

    def atoms(self) -> Iterator[Atom]:
        """Yield the inputs and the results of nodes, in order."""
        yield from self.inputs
        for node in self.nodes:
            yield from node.outputs

    def constants(self) -> list[Const]:
        """Return the constants that nodes and outputs take, each once."""
        found = {a: None for node in self.nodes for a in node.inputs if isinstance(a, Const)}
        found.update({a: None for a in self.outputs if isinstance(a, Const)})
        return list(found)

    @property
    def in_types(self) -> tuple[ArrayType, ...]:
        """Types of the inputs."""
        return tuple(a.type for a in self.inputs)

    @property
    def out_types(self) -> tuple[ArrayType, ...]:
        """Types of the outputs."""
        return tuple(a.type for a in self.outputs)


def atoms_type(outputs: Sequence[Atom], *, multiple: bool) -> Any:
    """Return the types of a node's results as an `infer` rule gives them."""
    return tuple(a.type for a in outputs) if multiple else outputs[0].type


def graphs_in(params: dict[str, Any]) -> list[Graph]:
    """Return the graphs among the parameters of a node, in their tuples and dataclasses too."""
    return [graph for name, value in params.items() for _, graph in held(name, value, Graph)]
