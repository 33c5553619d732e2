"""SymPy, loaded when it is first needed."""

from __future__ import annotations

from typing import Any

from wengert.errors import ArgumentError

__all__ = ["load_sympy"]


def load_sympy() -> Any:
    """Return the module sympy."""
    try:
        import sympy
    except ImportError:
        raise ArgumentError(
            "the symbolic method needs SymPy, which is not installed",
            why="formulas are SymPy's, an optional dependency.",
            instead="pip install wengert[symbolic], or pip install sympy.",
        ) from None
    return sympy
