"""Loops and branches in C; what a loop of unknown length keeps for its reversal grows as it runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wengert.control.conditional import While
from wengert.control.reversal import plain_reversal
from wengert.control.scan import Loop, halves_of
from wengert.core.graph import Atom, Const, Graph, Node, Var
from wengert.explain.source.c_expressions import CValue, affine, c_type, indexed
from wengert.explain.source.c_writer import RULES, CStatements
from wengert.explain.source.liveness import Liveness
from wengert.types import ArrayType

__all__: list[str] = []


def _declared(
    writer: CStatements, atoms: Sequence[Atom], starts: Sequence[CValue], wishes: Sequence[str]
) -> list[CValue]:
    """Declare the variables that a loop carries, and set them."""
    found = []
    for a, x, wish in zip(atoms, starts, wishes, strict=True):
        v = writer.declare(a, wish or "c")
        writer.copy(v, x)
        found.append(v)
    return found


def _advance(writer: CStatements, variables: Sequence[CValue], values: Sequence[CValue]) -> None:
    """Set the variables to the values of the next step, all at once."""
    texts = {v.text for v in variables}
    fresh = []
    for v, x in zip(variables, values, strict=True):
        if x.text in texts and x.text != v.text:  # another variable, which changes, too
            kept = writer.declare(_like(v))
            writer.copy(kept, x)
            fresh.append(kept)
        else:
            fresh.append(x)
    for v, x in zip(variables, fresh, strict=True):
        if v.text != x.text:
            writer.copy(v, x)


def _like(v: CValue) -> Var:
    return Var(ArrayType(v.shape, v.dtype))


def _row(x: CValue, counter: str, a: Atom | None = None) -> CValue:
    """Return the slice of a step: an entry, or a pointer to its first one; where a loop counts, its counter."""
    shape = x.shape[1:]
    places = (
        affine(np.asarray(a.value)) if isinstance(a, Const) and a.ndim == 1 and a.dtype == np.int64 else None
    )
    if places is not None:
        text = indexed(*places, [counter])
        return CValue(f"(long long)({text})", (), x.dtype)
    if not shape:
        return CValue(f"{x.text}[{counter}]", (), x.dtype)
    return CValue(f"({x.text} + {int(np.prod(shape))} * {counter})", shape, x.dtype)


def _scan(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], live: Liveness
) -> list[CValue]:
    loop = live.loops[node]
    n, m = loop.n_consts, loop.n_carry
    consts, starts, slices = loop.parts(xs)
    carry = _declared(writer, node.outputs[:m], starts, names[:m])
    stacks = [
        writer.declare(a, name or "stack") if a in live.atoms else None
        for a, name in zip(node.outputs[m:], names[m:], strict=True)
    ]
    k = writer.names.fresh("k")
    ahead = f"for (int {k} = 0; {k} < {loop.length}; {k}++)"
    back = f"for (int {k} = {loop.length - 1}; {k} >= 0; {k}--)"
    with writer.block(back if loop.reverse else ahead):
        rows = [_row(x, k, a) for x, a in zip(slices, node.inputs[n + m :], strict=True)]
        ys = writer.graph(loop.body, [*consts, *carry, *rows])
        for stack, y in zip(stacks, ys[m:], strict=True):
            if stack is not None:
                writer.copy(_row(stack, k), y)
        _advance(writer, carry, ys[:m])
    return [
        *carry,
        *[s or CValue("", a.shape, a.dtype) for s, a in zip(stacks, node.outputs[m:], strict=True)],
    ]


def _scan_reversal(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], live: Liveness
) -> list[CValue]:
    graph = plain_reversal([a.type for a in node.inputs], node.params["loop"])
    return writer.graph(live.wanted(node, graph), xs)


# while ----------------------------------------------------------------------------------------------------------------


def _while(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], live: Liveness
) -> list[CValue]:
    loop: While = node.params["loop"]
    reversal = live.reversal_of(node)
    carry, kept = _run(writer, loop, xs, node.outputs, names, keeps=reversal is not None)
    if reversal is not None:
        writer.kept[reversal] = kept
    return carry


def _run(
    writer: CStatements,
    loop: While,
    xs: Sequence[CValue],
    outputs: Sequence[Atom],
    names: Sequence[str],
    *,
    keeps: bool,
) -> tuple[list[CValue], str]:
    """Write a loop; where it keeps what its reversal reads, return the name of the buffer."""
    n, m = loop.n_consts, len(loop.body.outputs)
    body = halves_of(Loop(loop.body, n, m, 0)).forward if keeps else loop.body
    carry = _declared(writer, outputs, xs[n : n + m], names)
    kept = writer.names.fresh("kept") if keeps else ""
    width = sum(int(np.prod(a.shape)) for a in body.outputs[m:])
    if keeps:
        writer.line(f"size_t {kept}_steps = 0;")
    if keeps and width:
        writer.line(f"double *{kept} = NULL;")
        writer.line(f"size_t {kept}_n = 0, {kept}_size = 0;")
        writer.open.append(kept)
    with writer.block("while (1)"):
        (going,) = writer.graph(loop.condition, [*xs[:n], *carry])
        writer.line(f"if (!({going.text})) break;")
        ys = writer.graph(body, [*xs[:n], *carry])
        if keeps:
            writer.line(f"{kept}_steps++;")
        if keeps and width:
            _push(writer, kept, width, ys[m:])
        _advance(writer, carry, ys[:m])
    return carry, kept


def _push(writer: CStatements, kept: str, width: int, ys: Sequence[CValue]) -> None:
    """Put what a step keeps behind what the steps before have kept."""
    with writer.block(f"if ({kept}_n + {width} > {kept}_size)"):
        writer.line(f"{kept}_size = 2 * {kept}_size + {width};")
        writer.line(f"{kept} = realloc({kept}, {kept}_size * sizeof(double));")
        writer.line(f"if (!{kept}) abort();")
    for y in ys:
        size = int(np.prod(y.shape))
        if y.shape:
            writer.line(f"for (int i = 0; i < {size}; i++) {kept}[{kept}_n + i] = {y.text}[i];")
            writer.line(f"{kept}_n += {size};")
        else:
            writer.line(f"{kept}[{kept}_n++] = {y.text};")


def _while_reversal(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], live: Liveness
) -> list[CValue]:
    loop: While = node.params["loop"]
    n, m = loop.n_consts, len(loop.body.outputs)
    made = halves_of(Loop(loop.body, n, m, 0))
    kept = writer.kept.get(node) or _run(writer, loop, xs, loop.body.outputs, [""] * m, keeps=True)[1]
    sums = [a for a, on in zip(node.inputs[:n], made.active[0], strict=True) if on]
    zeros = [writer.elementwise(a, lambda: "0.0", []) for a in sums]
    bars = _declared(writer, node.outputs, [*xs[n + m :], *zeros], names)
    rest = made.backward.inputs[made.n_fixed_consts + len(bars) :]
    width = sum(int(np.prod(a.shape)) for a in rest)
    with writer.block(f"while ({kept}_steps--)"):
        if width:
            writer.line(f"{kept}_n -= {width};")
        rows, at = [], 0
        for a in rest:
            text = f"({kept} + {kept}_n + {at})" if a.shape else _read(f"{kept}[{kept}_n + {at}]", a)
            rows.append(CValue(text, a.shape, a.dtype))
            at += int(np.prod(a.shape))
        fixed = [xs[i] for i in made.fixed[: made.n_fixed_consts]]
        _advance(writer, bars, writer.graph(made.backward, [*fixed, *bars, *rows]))
    if width:
        writer.line(f"free({kept});")
        writer.open.remove(kept)
    return bars


def _read(text: str, a: Atom) -> str:
    return text if a.dtype == np.float64 else f"({c_type(a.dtype)}){text}"


def _switch(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], live: Liveness
) -> list[CValue]:
    graphs: tuple[Graph, ...] = node.params["graphs"]
    ys = [writer.declare(y, name) for y, name in zip(node.outputs, names, strict=True)]
    for i, branch in enumerate(graphs):
        test = f"{xs[0].text} <= 0" if not i else f"{xs[0].text} == {i}"
        head = f"if ({test})" if i < len(graphs) - 1 else "else" if i else "if (1)"
        with writer.block(head if not i or i == len(graphs) - 1 else f"else {head}"):
            for y, x in zip(ys, writer.graph(branch, xs[1:]), strict=True):
                writer.copy(y, x)
    return ys


RULES.update({
    "scan": _scan,
    "scan_reversal": _scan_reversal,
    "while": _while,
    "while_reversal": _while_reversal,
    "switch": _switch,
})  # fmt: skip
