"""Budgets: sizes, public names, docstrings, and what `import wengert` loads."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
FILES = sorted(SRC.rglob("*.py"))
IDS = [str(path.relative_to(SRC)) for path in FILES]

FILE_LINES = 500
FUNCTION_LINES = 60

# These cost more to import than all the rest, and most programs never need them.
LOADED_ON_FIRST_USE = ("llvmlite", "matplotlib", "mpmath", "scipy.linalg", "scipy.optimize", "sympy")

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | FUNCTIONS


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def long_functions(module: ast.Module) -> list[str]:
    sizes = [(n.name, n.end_lineno - n.lineno + 1) for n in ast.walk(module) if isinstance(n, FUNCTIONS)]
    return [f"{name}: {lines} lines" for name, lines in sizes if lines > FUNCTION_LINES]


def is_public(name: str) -> bool:
    return not name.startswith("_")


def public(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Documented]]:
    """Name every public class, function and method reachable through public names."""
    yield prefix or "module", node
    for child in node.body:
        if isinstance(child, ast.ClassDef) and is_public(child.name):
            yield from public(child, f"{prefix}{child.name}.")
        elif isinstance(child, FUNCTIONS) and is_public(child.name) and not is_variant(child):
            yield prefix + child.name, child


def is_variant(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Say whether a definition is an overload or a setter, documented where the first one stands."""
    return any(ast.unparse(d).endswith(("overload", ".setter", ".deleter")) for d in node.decorator_list)


def undocumented(module: ast.Module) -> list[str]:
    return [name for name, node in public(module) if not ast.get_docstring(node)]


def exported(module: ast.Module) -> list[str] | None:
    """Return the literal `__all__` of a module, or None where it has none."""
    for node in module.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            names = node.targets if isinstance(node, ast.Assign) else [node.target]
            if [ast.unparse(name) for name in names] == ["__all__"]:
                return ast.literal_eval(node.value)
    return None


def defined(module: ast.Module) -> list[str]:
    """Name the public functions and classes of a module's top level."""
    return [n.name for n in module.body if isinstance(n, ast.ClassDef | FUNCTIONS) and is_public(n.name)]


def order(name: str) -> tuple[int, list[tuple[int, int | str]]]:
    """CONSTANTS, then Classes, then functions, numbers by value: as the linter sorts them."""
    parts = [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, parts)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_file_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_function_is_short(path):
    assert not long_functions(tree(path))


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_public_objects_have_docstrings(path):
    assert not undocumented(tree(path))


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_public_names_are_sorted_and_exist(path):
    names = exported(tree(path))
    assert names is not None or not defined(tree(path)), "a module that defines public names declares __all__"
    if names is not None:
        assert names == sorted(set(names), key=order)
        parts = path.relative_to(SRC).with_suffix("").parts
        module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
        assert not [name for name in names if not hasattr(module, name)]


def test_import_loads_nothing_heavy():
    script = "import json, sys, wengert; print(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=SRC)
    loaded = set(json.loads(run.stdout))
    assert "wengert" in loaded
    assert not loaded.intersection(LOADED_ON_FIRST_USE)


# The checks themselves, on planted violations.


def test_a_long_function_is_seen():
    body = "\n".join(["    x = 1"] * FUNCTION_LINES)
    assert long_functions(ast.parse(f"class A:\n  def f():\n{body}"))
    assert not long_functions(ast.parse("def f():\n" + body[: body.rindex("\n")]))


def test_a_missing_docstring_is_seen():
    assert undocumented(ast.parse("'''doc'''\ndef f(): pass")) == ["f"]
    assert undocumented(ast.parse("'''doc'''\nclass A:\n  '''doc'''\n  def f(self): pass")) == ["A.f"]
    assert undocumented(ast.parse("class A:\n  '''doc'''")) == ["module"]
    assert not undocumented(ast.parse("'''doc'''\ndef _f(): pass\nclass _A:\n  def f(self): pass"))
