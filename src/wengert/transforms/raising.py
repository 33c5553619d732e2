"""Operations that may raise: a program may catch that, so they are done whether or not anybody reads their results."""

from __future__ import annotations

from wengert.core.graph import Const, Node

__all__ = ["may_raise"]

# Operands before the arrays of integers by which these index.
_BEFORE_INDICES = {"getitem": 1, "index_update": 2, "index_add": 2}
_CALLS = frozenset({"custom"})  # of functions of the user


def may_raise(node: Node) -> bool:
    """Say whether the values of its operands decide whether an operation raises."""
    prim = node.prim
    if prim.raises or prim.name in _CALLS:
        return True
    if prim.name in _BEFORE_INDICES:
        return any(a.dtype.kind in "iu" for a in node.inputs[_BEFORE_INDICES[prim.name] :])
    if prim.name == "scatter":
        return any(a.dtype.kind in "iu" for a in node.inputs[len(node.params["indices"]) :])
    if prim.name == "choose":
        return bool(node.params["mode"] == "raise")
    if prim.name == "power":  # negative powers of integers
        exponent = node.inputs[1]
        return node.outputs[0].dtype.kind == "i" and not (
            isinstance(exponent, Const) and bool((exponent.value >= 0).all())
        )
    return False
