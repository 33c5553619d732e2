"""When products need no mask: a program may leave it out, and ask in the end whether its results are finite.

A masked product, or a contraction of such, is 0 where a factor is 0, also where the other one is infinite or undefined.
The plain product is nan there, and the same everywhere else. If what comes after it hands nan on, results that are
finite tell that no mask was needed. What could hide a nan is a comparison, a rounding, or an operation that is not in
the table below; choices (where) drop it only where they would have dropped the 0 too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert.compile.inlining import graph_of
from wengert.control.call import call_
from wengert.control.cond import switch_
from wengert.control.conditional import while_
from wengert.control.conditional_reversal import while_reversal_
from wengert.control.scan import Loop, halves_of, scan_
from wengert.core.graph import Atom, Graph, Node, graphs_in
from wengert.core.lowering import Composed, Contraction, Placement, Reduction, View
from wengert.ops.convolution import conv_input_, conv_weight_
from wengert.ops.families import masked
from wengert.ops.selection import where_
from wengert.transforms.contraction import contraction_

__all__ = ["doubtful"]

_HANDED_ON = frozenset(
    {
        *(
            "absolute",
            "add",
            "arccos",
            "arccosh",
            "arcsin",
            "arcsinh",
            "arctan",
            "arctan2",
            "arctanh",
            "cast",
        ),
        *(
            "cbrt",
            "clip",
            "conv",
            "cos",
            "cosh",
            "deg2rad",
            "degrees",
            "divide",
            "exp",
            "exp2",
            "expm1",
            "fabs",
        ),
        *("index_add", "index_update", "log", "log10", "log1p", "log2", "maximum", "minimum", "multiply"),
        *("negative", "positive", "rad2deg", "radians", "reciprocal", "sin", "sinh", "sqrt", "square"),
        *("stop_gradient", "subtract", "tan", "tanh"),
    }
)


# What multiplies by 0 where nothing is to be added: `direct_convolutions` do, unless products are masked.
_MULTIPLIES_BY_ZERO = frozenset({masked, conv_input_, conv_weight_})


class _Hidden(Exception):  # noqa: N818 - a signal
    """A nan might not reach the results."""


def doubtful(graph: Graph) -> list[int] | None:
    """Return which outputs show whether a mask was needed, or None where they might not."""
    if not _has_masks(graph):
        return []
    try:
        touched = _touched(graph, [False] * len(graph.inputs))
    except _Hidden:
        return None
    return [k for k, on in enumerate(touched) if on]


def _has_masks(graph: Graph) -> bool:
    pending = [graph]
    while pending:
        inside = pending.pop()
        if any(node.prim in {*_MULTIPLIES_BY_ZERO, contraction_, while_reversal_} for node in inside.nodes):
            return True
        pending += [g for node in inside.nodes for g in graphs_in(node.params)]
    return False


def _touched(graph: Graph, inputs: Sequence[bool]) -> list[bool]:
    """Return which outputs a nan would reach, that a mask keeps out, or that comes in at some inputs."""
    found: set[Atom] = {a for a, on in zip(graph.inputs, inputs, strict=True) if on}
    for node in graph.nodes:
        flags = [a in found for a in node.inputs]
        found.update(y for y, on in zip(node.outputs, _through(node, flags), strict=True) if on)
    return [a in found for a in graph.outputs]


def _through(node: Node, flags: list[bool]) -> Sequence[bool]:
    rule = _INSIDE.get(node.prim)
    if rule is not None:
        return rule(node, flags)  # type: ignore[no-any-return]
    if node.prim in _MULTIPLIES_BY_ZERO:
        return [True]
    if not any(flags):
        return [False] * len(node.outputs)
    if node.prim is where_ and not flags[0]:
        return [True]
    kind = node.prim.lower
    composed = graph_of(node) if isinstance(kind, Composed) else None
    if composed is not None:
        return _touched(composed, flags)
    joins = isinstance(kind, Reduction) and kind.operation not in {"and", "or"}
    if joins or node.prim.name in _HANDED_ON or isinstance(kind, View | Placement | Contraction):
        return [True]
    raise _Hidden


# Graphs inside --------------------------------------------------------------------------------------------------------


def _inner(node: Node, flags: list[bool]) -> Sequence[bool]:
    return _touched(node.params["graph"], flags)


def _contraction(node: Node, flags: list[bool]) -> Sequence[bool]:
    _touched(node.params["graph"], [True] * len(flags))  # plain products, with terms that should be left out
    return [True] * len(node.outputs)


def _steps(graph: Graph, consts: list[bool], carry: list[bool], slices: list[bool]) -> list[bool]:
    """Return what is touched when all steps are done."""
    while True:
        ys = _touched(graph, [*consts, *carry, *slices])
        new = [a or b for a, b in zip(carry, ys, strict=False)]
        if new == carry:
            return [*carry, *ys[len(carry) :]]
        carry = new


def _scan(node: Node, flags: list[bool]) -> Sequence[bool]:
    loop = node.params["loop"]
    return _steps(loop.body, *loop.parts(flags))


def _while(node: Node, flags: list[bool]) -> Sequence[bool]:
    loop = node.params["loop"]
    consts, carry = flags[: loop.n_consts], flags[loop.n_consts :]
    carry = _steps(loop.body, consts, carry, [])
    _touched(loop.condition, [*consts, *carry])
    return carry


def _while_reversal(node: Node, flags: list[bool]) -> Sequence[bool]:
    loop = node.params["loop"]
    n, m = loop.n_consts, len(loop.body.outputs)
    if any(flags[: n + m]):
        raise _Hidden
    made = halves_of(Loop(loop.body, n, m, 0))
    if any(_touched(made.forward, [False] * (n + m))):
        raise _Hidden
    carry = [*flags[n + m :], *[False] * sum(made.active[0])]
    rest = len(made.backward.inputs) - made.n_fixed_consts - len(carry)
    return _steps(made.backward, [False] * made.n_fixed_consts, carry, [False] * rest)


def _switch(node: Node, flags: list[bool]) -> Sequence[bool]:
    if flags[0]:
        raise _Hidden
    found = [_touched(graph, flags[1:]) for graph in node.params["graphs"]]
    return [any(on) for on in zip(*found, strict=True)]


_INSIDE: dict[Any, Any] = {
    call_: _inner,
    contraction_: _contraction,
    scan_: _scan,
    while_: _while,
    while_reversal_: _while_reversal,
    switch_: _switch,
}
