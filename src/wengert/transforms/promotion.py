"""Promotion of Python's numbers, which yield to the types of arrays: NEP 50, for operands that have no values yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive

__all__ = ["ALL", "ARITHMETIC", "JOINT", "PYTHON_TYPES", "default", "promoted"]

# Python's operators on Python numbers give Python numbers, which go on to yield to the types of arrays.
ARITHMETIC = frozenset(
    {
        "add",
        "subtract",
        "multiply",
        "divide",
        "floor_divide",
        "remainder",
        "power",
        "negative",
        "positive",
        "absolute",
    }
)
# Operands that are promoted together, where others are indices or belong to graphs.
ALL = slice(None)
JOINT = {
    **dict.fromkeys(["getitem", "permute", "scatter"], slice(1)),
    **dict.fromkeys(["index_update", "index_add"], slice(2)),
    "choose": slice(1, None),
}
PYTHON_TYPES = {"b": bool, "i": int, "u": int, "f": float, "c": complex}


def default(t: Any) -> Any:
    """Return the dtype that a Python number has by itself."""
    return np.result_type(t()) if isinstance(t, type) else t


def promoted(prim: Primitive, types: Sequence[Any]) -> Sequence[Any]:
    """Return the dtypes that operands take; those that are Python numbers are given by their Python types."""
    if all(isinstance(t, type) for t in types) and prim.name in ARITHMETIC:
        types = [int if t is bool else t for t in types]
    else:
        types = [np.dtype(bool) if t is bool else t for t in types]
    if prim.elementwise and isinstance(prim.eval, np.ufunc):
        return prim.eval.resolve_dtypes((*types, None))[: len(types)]
    strong = [t for t in types if not isinstance(t, type)]
    return [np.result_type(t(), *strong) if isinstance(t, type) else t for t in types]
