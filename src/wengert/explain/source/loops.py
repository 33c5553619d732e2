"""Loops as loops: scan and fori_loop as ``for``, while_loop as ``while``, their reversals over what was kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.control.conditional import While
from wengert.control.reversal import plain_reversal
from wengert.control.scan import Loop, halves_of
from wengert.core.graph import Atom, Const, Graph, Node, Var
from wengert.explain.source.literals import number_text, value_text
from wengert.explain.source.scope import Scope
from wengert.explain.source.spelling import Operand, makes_new
from wengert.explain.source.sweeps import Note
from wengert.explain.source.writer import STATEMENTS, Statements

__all__: list[str] = []


class _Carry:
    """The variables that a loop carries: named before it, set at the end of each step."""

    def __init__(
        self,
        writer: Statements,
        scope: Scope,
        k: int,
        operands: Sequence[Operand],
        atoms: Sequence[Atom],
        wishes: Sequence[str],
    ) -> None:
        self._writer, self._scope = writer, scope
        self._starts, self._atoms = list(operands), list(atoms)
        self.variables: list[Operand] = []
        self._free: list[bool] = []
        taken: set[str] = set()
        for x, atom, wish in zip(operands, atoms, wishes, strict=True):
            reused = isinstance(atom, Var) and x.text not in taken and scope.ends(atom, k)
            name = x.text if reused else writer.names.fresh(wish or _base(x, _word(scope, k)))
            taken.add(name)
            self._free.append(reused and scope.is_free(atom, k))
            self.variables.append(Operand(name, atom.dtype, atom.shape))

    def start(self, written: Sequence[bool]) -> None:
        """Set the variables before the loop; those that are written into get memory of their own."""
        writer = self._writer
        for atom, free, own in zip(self._atoms, self._free, written, strict=True):
            if own and free:
                self._scope.touch(atom)  # which may be what an outer loop carries
        for v, x, free, own in zip(self.variables, self._starts, self._free, written, strict=True):
            if own and v.shape and not free and not makes_new(x.text):
                writer.line(f"{v.text} = np.array({x.typed})")
            elif v.text != x.text:
                writer.line(f"{v.text} = {_start(x)}")

    def advance(self, values: Sequence[Operand], written: Sequence[bool]) -> None:
        """Set the variables to the values of the next step, all at once.

        Where the next step writes into one, none of them is a view of another: they get memory of their own.
        """
        copies = any(written)
        pairs = [
            (v.text, f"np.array({x.typed})" if copies and v.shape else x.text)
            for v, x in zip(self.variables, values, strict=True)
            if v.text != x.text
        ]
        if pairs:
            names, texts = zip(*pairs, strict=True)
            self._writer.line(f"{', '.join(names)} = {', '.join(texts)}")


def _word(scope: Scope, k: int) -> str:
    """Return what to call a variable that starts with a number."""
    place = scope.graph.nodes[k].place if k >= 0 else None
    return "bar" if isinstance(place, Note) and place.part == "bar" else "carry"


def _base(x: Operand, word: str = "y") -> str:
    """Return the name of a value without the number that tells it from others of that name."""
    return re.sub(r"_\d+$", "", x.text) if x.text.isidentifier() and x.number is None else word


def _start(x: Operand) -> str:
    """Return a start as an expression: a number in its own type, as it meets others."""
    return x.typed if x.number is not None or x.counts else x.text


# scan -----------------------------------------------------------------------------------------------------------------


def _scan(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    loop = scope.live.loops[node]
    n, m = loop.n_consts, loop.n_carry
    consts, starts, slices = loop.parts(xs)
    read = scope.live.slices(node)[n + m :]
    carry = _Carry(writer, scope, k, starts, node.inputs[n : n + m], wished[:m])
    wants = [y in scope.live.atoms for y in node.outputs[m:]]
    with (
        writer.aside() as body,
        writer.counter() as counter,
        writer.block(f"for {counter} in {_range(loop)}:"),
    ):
        pairs = zip(slices, node.inputs[n + m :], read, strict=True)
        rows = [_row(writer, counter, x, a) if wanted else x for x, a, wanted in pairs]
        inner = writer.graph(loop.body, [*consts, *carry.variables, *rows], loop.body.inputs[n : n + m])
        ys = writer.results(inner)
        stacks = _stacks(writer, node.outputs[m:], ys[m:], wished[m:], wants)
        for stack, y, wanted in zip(stacks, ys[m:], wants, strict=True):
            if wanted:
                writer.line(f"{stack.text}[{counter}] = {y.text}")
        written = [a in inner.written for a in loop.body.inputs[n : n + m]]
        carry.advance(ys[:m], written)
    carry.start(written)
    for stack, wanted in zip(stacks, wants, strict=True):
        if wanted:
            writer.line(f"{stack.text} = np.empty({value_text(stack.shape)}{_dtype(stack.dtype)})")
    writer.lines += body
    return [*carry.variables, *stacks]


def _range(loop: Loop) -> str:
    return f"reversed(range({loop.length}))" if loop.reverse else f"range({loop.length})"


def _dtype(dtype: Any) -> str:
    return "" if dtype == np.dtype(float) else f", {value_text(dtype)}"


def _stacks(
    writer: Statements,
    atoms: Sequence[Atom],
    ys: Sequence[Operand],
    wished: Sequence[str],
    wants: Sequence[bool],
) -> list[Operand]:
    """Return the arrays that the results of the steps are put into."""
    names = [
        writer.names.fresh(wish or f"{_base(y)}_stack") if wanted else "_"
        for y, wish, wanted in zip(ys, wished, wants, strict=True)
    ]
    return [Operand(name, a.dtype, a.shape) for name, a in zip(names, atoms, strict=True)]


def _row(writer: Statements, counter: str, x: Operand, atom: Atom) -> Operand:
    """Return the slice of a step: the counter itself, where a loop counts."""
    progress = _progression(atom)
    if progress == (0, 1):
        return Operand(counter, atom.dtype, (), None, counts=True)
    if progress is not None:
        first, step = progress
        name = writer.names.fresh("n")
        factor = "" if abs(step) == 1 else f"{abs(step)} * "
        moved = f"{first} {'-' if step < 0 else '+'} {factor}{counter}"
        writer.line(f"{name} = {f'{factor}{counter}' if not first and step > 0 else moved}")
        return Operand(name, atom.dtype, (), None, counts=True)
    if isinstance(atom, Const) and atom.ndim == 1 and atom.value.size and _is_repeated(atom.value):
        number = atom.value[0]
        return Operand(number_text(number), atom.dtype, (), number)
    name = writer.names.fresh(
        f"{_base(x).removesuffix('_stack')}_{counter}" if x.text.isidentifier() else "row"
    )
    writer.line(f"{name} = {x.text}[{counter}]")
    return Operand(name, atom.dtype, atom.shape[1:])


def _is_repeated(x: Any) -> bool:
    return bool(x.tobytes() == np.full_like(x, x[0]).tobytes())


def _progression(atom: Atom) -> tuple[int, int] | None:
    """Return the first of integers and the step by which they go on, or None."""
    if not isinstance(atom, Const) or atom.ndim != 1 or atom.dtype != np.int64 or not atom.shape[0]:
        return None
    first, n = int(atom.value[0]), atom.shape[0]
    step = int(atom.value[1]) - first if n > 1 else 1
    return (first, step) if np.array_equal(atom.value, first + step * np.arange(n)) else None


def _scan_reversal(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    """The reversal of a loop that keeps few states, written as that of a loop that keeps all: it computes the same."""
    loop: Loop = node.params["loop"]
    writer.line("# (kept whole here; the program itself keeps few states, and runs steps again)")
    graph = plain_reversal([a.type for a in node.inputs], loop)
    return writer.results(writer.graph(scope.live.wanted(node, graph), xs))


# while ----------------------------------------------------------------------------------------------------------------


def _while(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    loop: While = node.params["loop"]
    n = loop.n_consts
    reversal = scope.live.reversal_of(node)
    body, keeps = loop.body, 0
    if reversal is not None:
        halves = halves_of(Loop(body, n, len(body.outputs), 0))
        keeps, body = len(halves.forward.outputs) - len(body.outputs), halves.forward
    carry = _Carry(writer, scope, k, xs[n:], node.inputs[n:], wished)
    kept = writer.names.fresh("kept") if reversal is not None else ""
    with writer.aside() as lines, writer.block("while True:"):
        condition = writer.graph(loop.condition, [*xs[:n], *carry.variables])
        (going,) = writer.results(condition)
        with writer.block(f"if not {going.text}:"):
            writer.line("break")
        owned = body.inputs[n:] if reversal is None else ()
        inner = writer.graph(body, [*xs[:n], *carry.variables], owned)
        ys = writer.results(inner)
        m = len(ys) - keeps
        if reversal is not None:
            texts = [y.text for y in ys[m:]]
            writer.line(f"{kept}.append(({', '.join(texts)}{',' if len(texts) == 1 else ''}))")
        written = [a in inner.written for a in body.inputs[n:]]
        carry.advance(ys[:m], written)
    carry.start(written)
    if reversal is not None:
        writer.line(f"{kept} = []")
        writer.kept[reversal] = kept
    writer.lines += lines
    return carry.variables


def _while_reversal(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    loop: While = node.params["loop"]
    n, m = loop.n_consts, len(loop.body.outputs)
    made = halves_of(Loop(loop.body, n, m, 0))
    kept = writer.kept.get(node) or _kept_again(writer, scope, k, node, xs, made.forward)
    consts = node.inputs[:n]
    sums = [a for a, on in zip(consts, made.active[0], strict=True) if on]
    zeros = [writer.operand(scope, Const(np.zeros(a.shape, a.dtype)[()])) for a in sums]
    atoms = [*node.inputs[n + m :], *[Const(np.zeros(a.shape, a.dtype)) for a in sums]]
    carry = _Carry(writer, scope, k, [*xs[n + m :], *zeros], atoms, wished)
    graph = made.backward
    before, fixed = graph.inputs[: made.n_fixed_consts], made.fixed[: made.n_fixed_consts]
    n_bars = len(carry.variables)
    residuals = graph.inputs[len(before) + n_bars :]
    with writer.aside() as lines, writer.block(f"for {_targets(writer, residuals)} in reversed({kept}):"):
        rows = [
            Operand(name, a.dtype, a.shape) for name, a in zip(writer.kept["targets"], residuals, strict=True)
        ]
        operands = [*[xs[i] for i in fixed], *carry.variables, *rows]
        inner = writer.graph(graph, operands, graph.inputs[len(before) : len(before) + n_bars])
        written = [a in inner.written for a in graph.inputs[len(before) : len(before) + n_bars]]
        carry.advance(writer.results(inner), written)
    carry.start(written)
    writer.lines += lines
    return carry.variables


def _targets(writer: Statements, residuals: Sequence[Atom]) -> str:
    names = [writer.names.fresh("", "r") for _ in residuals]
    writer.kept["targets"] = names
    return f"{', '.join(names)}{',' if len(names) == 1 else ''}" if names else "_"


def _kept_again(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], forward: Graph
) -> str:
    """Run a loop once more, keeping what its reversal takes; return the name of the list."""
    loop: While = node.params["loop"]
    n, m = loop.n_consts, len(loop.body.outputs)
    carry = _Carry(writer, scope, -1, xs[n : n + m], node.inputs[n : n + m], [""] * m)
    carry.start([False] * m)
    kept = writer.names.fresh("kept")
    writer.line(f"{kept} = []")
    with writer.block("while True:"):
        (going,) = writer.results(writer.graph(loop.condition, [*xs[:n], *carry.variables]))
        with writer.block(f"if not {going.text}:"):
            writer.line("break")
        ys = writer.results(writer.graph(forward, [*xs[:n], *carry.variables]))
        texts = [y.text for y in ys[m:]]
        writer.line(f"{kept}.append(({', '.join(texts)}{',' if len(texts) == 1 else ''}))")
        carry.advance(ys[:m], [False] * m)
    return kept


# switch ---------------------------------------------------------------------------------------------------------------


def _switch(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    """A choice: the last branch for greater numbers, the first for smaller ones."""
    graphs: tuple[Graph, ...] = node.params["graphs"]
    ys = [Operand(writer.names.fresh(w), y.dtype, y.shape) for w, y in zip(wished, node.outputs, strict=True)]
    last = len(graphs) - 1
    for i, graph in enumerate(graphs):
        head = f"if {xs[0].text} <= 0:" if not i else f"elif {xs[0].text} == {i}:"
        with writer.block(head if i < last else "else:" if i else "if True:"):
            results = writer.results(writer.graph(graph, xs[1:]))
            if ys:
                writer.line(f"{', '.join([y.text for y in ys])} = {', '.join([_start(x) for x in results])}")
    return ys


def _numpy_call(
    writer: Statements, scope: Scope, k: int, node: Node, xs: Sequence[Operand], wished: Sequence[str]
) -> list[Operand]:
    """A call of one of NumPy's functions that has no derivative."""
    call = node.params["call"]
    stand_ins = [_Text(x.text) for x in xs]
    args, kwargs = call.filled(stand_ins)
    texts = [_argument(writer, a) for a in args] + [
        f"{key}={_argument(writer, a)}" for key, a in kwargs.items()
    ]
    ys = [
        Operand(writer.name(scope, k, w), y.dtype, y.shape) for w, y in zip(wished, node.outputs, strict=True)
    ]
    function = writer.transplants.text(call.function)
    targets = ", ".join([y.text for y in ys]) + ("," if _gives_tuple(call.function) and len(ys) == 1 else "")
    writer.statement(node, f"{targets} = {function}({', '.join(texts)})")
    return ys


class _Text(str):
    """The expression of an operand among arguments that are plain values."""

    __slots__ = ()


def _argument(writer: Statements, value: Any) -> str:
    if isinstance(value, _Text):
        return str(value)
    if isinstance(value, list | tuple):
        inside = ", ".join(_argument(writer, v) for v in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' if len(value) == 1 else ''})"
    return value_text(value, writer.constants.text)


def _gives_tuple(function: Any) -> bool:
    return getattr(function, "__name__", "") == "nonzero"


STATEMENTS["scan"] = _scan
STATEMENTS["scan_reversal"] = _scan_reversal
STATEMENTS["while"] = _while
STATEMENTS["while_reversal"] = _while_reversal
STATEMENTS["switch"] = _switch
STATEMENTS["numpy_call"] = _numpy_call
