"""Names for values: those of the user's lines where they can be told, v1, v2, ... elsewhere.

An assignment names what its line computed last, provided that this is the operation at the root of its right-hand
side: of ``y = np.sin(a * b)`` the sine, and nothing of ``y = layer(a * b)``, whose operations stand in other lines.
"""

from __future__ import annotations

import ast
import functools
import keyword
import linecache
import re
from collections.abc import Iterator

from wengert.core.graph import Atom, Node, Place
from wengert.explain.source.primal import Primal

__all__ = ["Names", "assigned_names", "identifier", "source_line", "user_names"]

_ROOTS: dict[type, str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.MatMult: "matmul",
    ast.USub: "negative",
}
# What programs read: a value that is called so would hide it.
_READ = (
    "np special linalg math functools itertools base64 zlib abs all any bool bytes callable complex dict enumerate "
    "filter float frozenset getattr hasattr int isinstance iter len list map max min next object property range "
    "reversed round set slice sorted str sum super tuple type zip ValueError TypeError True False None"
)
_TAKEN = frozenset({*_READ.split(), *keyword.kwlist, *keyword.softkwlist})


class Names:
    """Names that are used once each."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self.used: set[str] = set()

    def fresh(self, wish: str = "", prefix: str = "v") -> str:
        """Return a name that is not used yet: the wish itself or one like it, or a prefix with a number."""
        if not wish:
            self._counts[prefix] = n = self._counts.get(prefix, 0) + 1
            name = f"{prefix}{n}"
            return self.fresh("", prefix) if name in self.used else self.fresh(name)
        name, n = wish, 1
        while name in self.used or name in _TAKEN:
            n += 1
            name = f"{wish}_{n}"
        self.used.add(name)
        return name

    def skip(self, prefix: str, n: int) -> None:
        """Leave the first numbers behind a prefix to those who wish for them."""
        self._counts[prefix] = max(self._counts.get(prefix, 0), n)


def identifier(text: str) -> str:
    """Return a name made of an expression: params_w of ``params['w']``."""
    name = re.sub(r"[^0-9A-Za-z_]+", "_", text).strip("_")
    return name if name and not name[0].isdigit() else f"x_{name}".rstrip("_")


def user_names(primal: Primal) -> dict[Atom, str]:
    """Return the names of inputs and operations of a function, as far as its source tells them."""
    named: dict[Atom, str] = {
        a: identifier(x.text) for a, x in zip(primal.graph.inputs, primal.operands, strict=True)
    }
    named.update(assigned_names(primal.graph.nodes))
    count = 0
    for node in primal.graph.nodes:
        for y in node.outputs:
            if y not in named:
                count += 1
                named[y] = f"v{count}"
    return named


def assigned_names(nodes: tuple[Node, ...]) -> dict[Atom, str]:
    """Return the names that lines give to what operations compute."""
    found = {node.outputs[0]: _assigned(node) for node in _last_of_lines(nodes) if node.outputs}
    return {y: name for y, name in found.items() if name}


def _last_of_lines(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Yield the operations after which another line goes on."""
    for node, behind in zip(nodes, (*nodes[1:], None), strict=False):
        if behind is None or behind.place != node.place:
            yield node


def _assigned(node: Node) -> str:
    """Return the name that a line gives to its last operation, or nothing."""
    place = node.place
    if place is None or len(node.outputs) != 1:
        return ""
    found = _assignments(place.file).get(place.line)
    if found is None:
        return ""
    name, root = found
    return name if root in ("*", node.prim.name) else ""


@functools.lru_cache(maxsize=64)
def _assignments(file: str) -> dict[int, tuple[str, str]]:
    """Return, for the lines of a file that assign, the name and the operation that gives its value."""
    try:
        module = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[int, tuple[str, str]] = {}
    for statement in ast.walk(module):
        name, root = _target(statement)
        if name and root:
            for line in range(statement.lineno, (statement.end_lineno or statement.lineno) + 1):  # type: ignore[attr-defined]
                found[line] = name, root
    return found


def _target(statement: ast.AST) -> tuple[str, str]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target, value = statement.target, statement.value
    elif isinstance(statement, ast.AugAssign):
        target = statement.target
        return (target.id, _ROOTS.get(type(statement.op), "")) if isinstance(target, ast.Name) else ("", "")
    else:
        return "", ""
    return (target.id, _root(value)) if isinstance(target, ast.Name) else ("", "")


def _root(value: ast.expr) -> str:
    """Return what computes an expression last: the name of a primitive, "*" for a function of NumPy's, or nothing."""
    if isinstance(value, ast.BinOp):
        return _ROOTS.get(type(value.op), "")
    if isinstance(value, ast.UnaryOp):
        return _ROOTS.get(type(value.op), "")
    if isinstance(value, ast.Subscript):
        return "getitem"
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        base = value.func.value
        while isinstance(base, ast.Attribute):
            base = base.value
        if isinstance(base, ast.Name) and base.id in {"np", "numpy", "special", "scipy", "wnp"}:
            return "*"
    return ""


def source_line(place: Place | None) -> str:
    """Return the user's line, without what surrounds it."""
    line = "" if place is None or not place.file else linecache.getline(place.file, place.line)
    return " ".join(line.split())  # a carriage return would end a comment
