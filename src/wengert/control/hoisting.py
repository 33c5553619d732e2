"""Moving out of a loop what every step computes alike."""

from __future__ import annotations

from wengert.core.graph import Atom, Const, Graph, Node, Var

__all__ = ["hoisted"]


def hoisted(body: Graph, n_consts: int) -> tuple[Graph, Graph]:
    """Split a body, whose first inputs are constants of the loop, into what they alone determine and the rest.

    Parameters
    ----------
    body : Graph
    n_consts : int

    Returns
    -------
    before : Graph
        From the constants to the values that steps read, some of them constants themselves.
    step : Graph
        From these and the other inputs to the results of the body.
    """
    found = body.derived.get(("hoisted", n_consts))
    if found is None:
        found = body.derived["hoisted", n_consts] = _split(body, n_consts)
        if "interned" in body.derived:  # then these are as good as interned: they are made once for it
            for part in found:
                part.derived["interned"] = True
    return found


def _split(body: Graph, n_consts: int) -> tuple[Graph, Graph]:
    consts, others = body.inputs[:n_consts], body.inputs[n_consts:]
    fixed: set[Atom] = set(consts)
    before: list[Node] = []
    steps: list[Node] = []
    for node in body.nodes:
        # an operation that may raise stays: there may be no step
        if (
            not node.prim.raises
            and node.inputs
            and all(a in fixed or isinstance(a, Const) for a in node.inputs)
        ):
            fixed.update(node.outputs)
            before.append(node)
        else:
            steps.append(node)
    if not before:
        return Graph(consts, [], consts, body.name), body
    read = dict.fromkeys(a for node in steps for a in node.inputs if a in fixed)
    read.update(dict.fromkeys(a for a in body.outputs if a in fixed))
    passed: list[Var] = [a for a in read if isinstance(a, Var)]
    return Graph(consts, before, passed, body.name), Graph([*passed, *others], steps, body.outputs, body.name)
