"""Complex numbers as pairs of real ones: a graph on complex arrays becomes one on their real and imaginary parts.

Kernels have no complex numbers. What is computed by entries follows `complex_rules`; what moves entries, or adds them
up, does so for both parts; products of matrices are four, of parts. All other operations are left to NumPy: they are
handed complex arrays that are put together from parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.compile.complex_rules import RULES, Pair, integer_power
from wengert.compile.context import NotLowered
from wengert.control.call import call_
from wengert.control.cond import switch_
from wengert.control.scan import scan_
from wengert.core.graph import Atom, Const, Graph, Node, Var, graphs_in
from wengert.core.lowering import Composed, Contraction, Placement, Reduction, View
from wengert.core.primitive import Primitive
from wengert.transforms.contraction import contraction_
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import ArrayType

__all__ = ["has_complex", "paired", "part_type"]

_CONJUGATED = frozenset({"vecdot", "vecmat"})  # contractions of the conjugate of their first operand
_MULTIPLIED_OUT = 100  # exponents: from here on, NumPy's powers are those of the C library
_DATA = {"index_update": 2, "index_add": 2}  # operands that are entries, in front of those that are indices


def part_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of the parts of complex numbers."""
    return np.empty(0, dtype).real.dtype


def has_complex(graph: Graph) -> bool:
    """Whether there are complex numbers in a graph, or in one inside it."""
    return any(_is_complex(a) for a in (*graph.inputs, *graph.outputs)) or any(map(_needs, graph.nodes))


def paired(graph: Graph) -> Graph:
    """Return the same graph on parts: two inputs and outputs for each complex one."""
    return _Pairing(graph).graph


def _is_complex(atom: Atom) -> bool:
    return atom.dtype.kind == "c"


def _needs(node: Node) -> bool:
    return any(map(_is_complex, (*node.inputs, *node.outputs))) or any(
        map(has_complex, graphs_in(node.params))
    )


class _Pairing:
    """What has become of the atoms of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._now: dict[Atom, tuple[Atom, ...]] = {}
        self._nodes: list[Node] = []
        inputs = [part for a in graph.inputs for part in self._made(a)]
        for node in graph.nodes:
            if _needs(node):
                self._node(node)
            else:
                inputs_now = tuple([self._parts(a)[0] for a in node.inputs])
                self._nodes.append(
                    node.with_inputs(inputs_now, tuple([self._made(y)[0] for y in node.outputs]))
                )
        outputs = [part for a in graph.outputs for part in self._parts(a)]
        self.graph = Graph(inputs, self._nodes, outputs, graph.name)

    # Atoms

    def _made(self, atom: Atom) -> tuple[Any, ...]:
        """Return what stands for a new value."""
        type = atom.type
        if _is_complex(atom):
            type = ArrayType(atom.shape, part_type(atom.dtype))
        made = tuple([Var(type, scalar=atom.scalar) for _ in range(1 + _is_complex(atom))])
        self._now[atom] = made
        return made

    def _parts(self, atom: Atom) -> tuple[Atom, ...]:
        """Return what stands for a value."""
        if atom not in self._now and isinstance(atom, Const):
            if _is_complex(atom):
                if atom.live:
                    raise NotLowered("complex numbers that the user may write")
                self._now[atom] = tuple(
                    [Const(np.array(part)[()]) for part in (atom.value.real, atom.value.imag)]
                )
            else:
                self._now[atom] = (atom,)
        return self._now[atom]

    def _flat(self, atoms: Sequence[Atom]) -> tuple[Atom, ...]:
        return tuple([part for a in atoms for part in self._parts(a)])

    # Nodes

    def _node(self, node: Node) -> None:
        kind = node.prim.lower
        if graphs_in(node.params):
            self._holding_graphs(node)
        elif node.prim.name in RULES:
            self._ruled(node, RULES[node.prim.name])
        elif node.prim.name in _OTHERS:
            _OTHERS[node.prim.name](self, node)
        elif isinstance(kind, Composed):
            self._composed(node, kind)
        elif isinstance(kind, View | Placement) or (isinstance(kind, Reduction) and kind.operation == "add"):
            self._moved(node)
        elif isinstance(kind, Contraction) and len(node.inputs) <= 2:
            self._contracted(node)
        else:
            self._left_to_numpy(node)

    def write(self, formula: Callable[..., Sequence[Any]], atoms: Sequence[Atom]) -> list[Atom]:
        """Write the nodes of a formula on real operands."""
        graph, _ = stage(formula, [a.type for a in atoms], "parts")
        return self._spliced(graph, atoms)

    def _spliced(self, graph: Graph, atoms: Sequence[Atom]) -> list[Atom]:
        names: dict[Atom, Atom] = dict(zip(graph.inputs, atoms, strict=True))
        for node in graph.nodes:
            outputs = tuple([Var(y.type, scalar=y.scalar) for y in node.outputs])
            self._nodes.append(node.with_inputs(tuple([names.get(a, a) for a in node.inputs]), outputs))
            names.update(zip(node.outputs, outputs, strict=True))
        return [names.get(a, a) for a in graph.outputs]

    def _ruled(self, node: Node, rule: Callable[..., Any], skipped: int = 0) -> None:
        """Apply a rule to operands of one type: those behind the first few, which are handed over as they are."""
        operands = node.inputs[skipped:]
        type = part_type(np.result_type(*[a.dtype for a in operands], np.complex64))
        if _is_complex(node.outputs[0]):
            type = part_type(node.outputs[0].dtype)

        def formula(*parts: Any) -> list[Any]:
            rest = iter(parts)
            first = [next(rest) for _ in range(skipped)]
            y = rule(*first, *[_pair(a, rest, type) for a in operands], **node.params)
            return [_filled(part, node.outputs[0]) for part in (y if isinstance(y, Pair) else (y,))]

        self._now[node.outputs[0]] = tuple(self.write(formula, self._flat(node.inputs)))

    def cast(self, node: Node) -> None:
        """Write a conversion between complex numbers, or between them and real ones."""
        (x,), (y,) = node.inputs, node.outputs
        type = part_type(y.dtype) if _is_complex(y) else y.dtype

        def formula(*parts: Any) -> list[Any]:
            found = [part.astype(type) for part in parts]
            return (
                found[:1] if not _is_complex(y) else [*found, *[np.zeros(x.shape, type)] * (2 - len(found))]
            )

        self._now[y] = tuple(self.write(formula, self._parts(x)))

    def put_together(self, node: Node) -> None:
        """Write a complex number of two real ones."""
        type = part_type(node.outputs[0].dtype)
        self._now[node.outputs[0]] = tuple(
            self.write(lambda *parts: [part.astype(type) for part in parts], self._flat(node.inputs))
        )

    def where(self, node: Node) -> None:
        """Write a choice."""
        self._ruled(node, lambda c, a, b: Pair(*map(lambda x, y: np.where(c, x, y), a, b)), skipped=1)

    def power(self, node: Node) -> None:
        """Write a power, if its exponent is an integer that is known."""
        n = _known_integer(node.inputs[1])
        if n is None:
            self._left_to_numpy(node)
        else:
            self._ruled(node.with_inputs(node.inputs[:1], node.outputs), lambda z: integer_power(z, n))

    def _composed(self, node: Node, kind: Composed) -> None:
        made, _ = stage(
            lambda *xs: [kind.formula(*xs, **node.params)], [a.type for a in node.inputs], node.prim.name
        )
        if made.out_types != (node.outputs[0].type,):
            self._left_to_numpy(node)
            return
        inner = simplify(made)
        if has_complex(inner):
            inner = paired(inner)
        self._now[node.outputs[0]] = tuple(self._spliced(inner, self._flat(node.inputs)))

    def _moved(self, node: Node) -> None:
        """Do with each part what is done with the whole."""
        (y,) = node.outputs
        if np.any(node.params.get("values", 0)):  # `pad`'s, which are not those of both parts
            self._left_to_numpy(node)
            return
        count = _DATA.get(node.prim.name, len(node.params.get("indices", ())) or len(node.inputs))
        if isinstance(node.prim.lower, View):
            count = 1
        type = part_type(y.dtype)
        data = [self._both(a, type) for a in node.inputs[:count]]
        indices = self._flat(node.inputs[count:])
        for part, made in enumerate(self._made(y)):
            self._nodes.append(node.with_inputs((*[pair[part] for pair in data], *indices), (made,)))

    def _both(self, atom: Atom, type: np.dtype[Any]) -> Sequence[Atom]:
        """Return the two parts of an operand, which may be real."""
        parts = self._parts(atom)
        cast = [p if p.dtype == type else self.write(lambda x: [x.astype(type)], [p])[0] for p in parts]
        return cast if len(cast) == 2 else [*cast, Const(np.zeros(atom.shape, type))]

    def _contracted(self, node: Node) -> None:
        """Multiply out: of (a + ib)(c + id), ac - bd and ad + bc; parts that are not there make no terms."""
        (y,) = node.outputs
        type = part_type(y.dtype)
        signs = (1.0, -1.0) if node.prim.name in _CONJUGATED else (1.0, 1.0)
        terms: list[list[tuple[float, Atom]]] = [[], []]
        operands = [self._both(a, type)[: len(self._parts(a))] for a in node.inputs]
        for places in np.ndindex(*map(len, operands)):
            made = Var(ArrayType(y.shape, type), scalar=y.scalar)
            inputs = tuple([parts[place] for parts, place in zip(operands, places, strict=True)])
            self._nodes.append(node.with_inputs(inputs, (made,)))
            sign = signs[places[0]] * (-1.0 if sum(places) == 2 else 1.0)
            terms[sum(places) % 2].append((sign, made))
        self._now[y] = tuple([self._total(part, y, type) for part in terms])

    def _total(self, terms: Sequence[tuple[float, Atom]], y: Atom, type: np.dtype[Any]) -> Atom:
        if not terms:
            return Const(np.zeros(y.shape, type)[()])

        def formula(*xs: Any) -> list[Any]:
            total = None
            for (sign, _), x in zip(terms, xs, strict=True):
                signed = x if sign > 0 else -x
                total = signed if total is None else total + signed
            return [total]

        return self.write(formula, [x for _, x in terms])[0]

    def _holding_graphs(self, node: Node) -> None:
        params = _params_on_parts(node)
        if params is None:
            self._left_to_numpy(node)
            return
        inputs = self._flat(node.inputs)
        outputs = tuple([part for y in node.outputs for part in self._made(y)])
        self._nodes.append(Node(node.prim, inputs, params, outputs, node.place, quiet=node.quiet))

    def _left_to_numpy(self, node: Node) -> None:
        inputs = self._flat(node.inputs)
        outputs = tuple([part for y in node.outputs for part in self._made(y)])
        self._nodes.append(Node(_WHOLE, inputs, {"node": node}, outputs, node.place, quiet=node.quiet))


_OTHERS: dict[str, Callable[[_Pairing, Node], None]] = {
    "cast": _Pairing.cast,
    "complex": _Pairing.put_together,
    "power": _Pairing.power,
    "where": _Pairing.where,
}


def _known_integer(atom: Atom) -> int | None:
    """Return the integer that all entries are, if it is an exponent that NumPy multiplies out."""
    if not isinstance(atom, Const) or atom.live or not np.size(atom.value):
        return None
    first = complex(np.ravel(atom.value)[0])
    whole = first.imag == 0 and first.real.is_integer() and abs(first.real) < _MULTIPLIED_OUT
    return int(first.real) if whole and np.all(atom.value == first) else None


def _pair(atom: Atom, parts: Iterator[Any], type: np.dtype[Any]) -> Pair:
    """Return the next operand of a formula as a complex number of some type."""
    re = next(parts).astype(type)
    return Pair(re, next(parts).astype(type) if _is_complex(atom) else type.type(0.0))


def _filled(part: Any, y: Atom) -> Any:
    """Return a part of a result in its shape and type: a constant may have neither."""
    type = part_type(y.dtype) if _is_complex(y) else y.dtype
    part = part.astype(type) if part.dtype != type else part
    return part if np.shape(part) == y.shape else np.broadcast_to(part, y.shape)


def _params_on_parts(node: Node) -> dict[str, Any] | None:
    """Return the params of an operation that holds graphs, with graphs on parts; None where NumPy has to do it."""
    params = node.params
    if node.prim in {call_, contraction_}:
        return {**params, "graph": paired(params["graph"])}
    if node.prim is switch_:
        return {**params, "graphs": tuple([paired(graph) for graph in params["graphs"]])}
    if node.prim is scan_:
        loop = params["loop"]
        consts, carry, _ = loop.parts(loop.body.inputs)
        body = paired(loop.body)
        return {**params, "loop": replace(loop, body=body, n_consts=_count(consts), n_carry=_count(carry))}
    return None


def _count(atoms: Sequence[Atom]) -> int:
    return sum(1 + _is_complex(a) for a in atoms)


# NumPy ----------------------------------------------------------------------------------------------------------------


def _whole_eval(*parts: Any, node: Node) -> list[Any]:
    """Do an operation on operands that are put together, and take its results apart."""
    rest = iter(parts)
    ys = node.prim.eval(*[_put_together(a, rest) for a in node.inputs], **node.params)
    found: list[Any] = []
    for atom, y in zip(node.outputs, ys if node.prim.multiple else (ys,), strict=True):
        found += [np.real(y), np.imag(y)] if _is_complex(atom) else [y]
    return found


def _put_together(atom: Atom, parts: Iterator[Any]) -> Any:
    if not _is_complex(atom):
        return next(parts)
    made = np.empty(atom.shape, atom.dtype)
    made.real, made.imag = next(parts), next(parts)
    return made[()] if atom.scalar and not atom.shape else made


_WHOLE = Primitive(
    name="whole",
    doc="An operation on complex numbers, given by their parts.",
    eval=_whole_eval,
    multiple=True,
)
