"""Functions of the package in the program that is written: a value that NumPy has no function for brings its own.

The `eval` of a primitive is plain NumPy. Its source is copied, with the functions and constants of the package that it
reads, and without annotations; what NumPy and SciPy offer is imported. So every primitive can be written down.
"""

from __future__ import annotations

import ast
import dis
import functools
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core import numpy_protocol, views
from wengert.core.dispatch import Traced
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.errors import RefusedError
from wengert.explain.source.literals import value_text
from wengert.ops.families import masked
from wengert.ops.masking import contract, without_zero_terms
from wengert.types import type_of

__all__ = ["Transplants"]

_PUBLIC = ("numpy", "scipy", "math", "operator", "functools", "itertools", "collections", "string")

# What looks at traced values does nothing to plain ones.
_STAND_INS: dict[Any, str] = {
    views.root: "(lambda x: x)",
    views.staged_under: "(lambda x: None)",
    numpy_protocol.operand: "(lambda x: x)",
    type_of: "np.asarray",  # which has a shape and a dtype, too
    Traced: "()",  # of which nothing is an instance
    PRIMITIVES["clip"].eval: "np.clip",  # ufuncs without a public name
    PRIMITIVES["ones"].eval: "np.ones_like",
}


# Written anew, to be read.
_WRITTEN: dict[Any, tuple[str, str]] = {
    masked.eval: (
        "masked",
        '''def masked(c, p):
    """Return c * p, which is 0 where a factor is 0, even if the other is infinite or undefined there."""
    y = c * p
    return y if np.all(np.isfinite(y)) else np.where((c == 0) | (p == 0), np.zeros_like(y), y)[()]''',
    ),
    contract: (
        "contract",
        '''def contract(product, *factors):
    """Return a sum of products without the terms in which a factor is 0."""
    y = product(*factors)
    if np.all(np.isfinite(y)) or all(np.all(np.isfinite(x)) for x in factors):
        return y
    return {without}(product, factors)''',
    ),
}


class Transplants:
    """The functions that a program defines before its own.

    Parameters
    ----------
    name : callable
        Gives a name that is free.
    array : callable
        Gives the expression of a constant array.
    """

    def __init__(self, name: Callable[[str], str], array: Callable[[Any], str]) -> None:
        self._name, self._array = name, array
        self._names: dict[int, tuple[Any, str]] = {}
        self.imports: set[str] = {"import numpy as np"}
        self.definitions: list[str] = []

    def text(self, x: Any, what: str = "") -> str:
        """Return an expression for an object: a function, a module, a constant.

        Raises
        ------
        RefusedError
            If the object can only be reached by running the program that made it.
        """
        held = self._names.get(id(x))
        if held is not None:
            return held[1]
        found = self._public(x) or self._own(x, what)
        self._names[id(x)] = x, found
        return found

    # What others offer

    def _public(self, x: Any) -> str:
        """Return how NumPy, SciPy or Python's own library call an object, or nothing."""
        if isinstance(x, types.ModuleType):
            return self._module(x.__name__)
        name = getattr(x, "__name__", None)
        if not isinstance(name, str):
            return ""
        if getattr(x, "__module__", None) == "builtins" and isinstance(x, type | types.BuiltinFunctionType):
            return name
        for module in ("numpy", "numpy.linalg", "scipy.special", "scipy.special._ufuncs", *_named_modules(x)):
            if getattr(sys.modules.get(module), name, None) is x and module.split(".")[0] in _PUBLIC:
                return f"{self._module(module)}.{name}"
        return ""

    def _module(self, name: str) -> str:
        if name == "numpy":
            return "np"
        if name.startswith("numpy."):
            rest = name.removeprefix("numpy.")
            if getattr(np, rest, None) is not None:
                return f"np.{rest}"
        if name.split(".", maxsplit=1)[0] not in _PUBLIC:
            return ""
        package, _, last = name.rpartition(".")
        self.imports.add(f"from {package} import {last}" if package else f"import {name}")
        return last

    # What is copied

    def _own(self, x: Any, what: str) -> str:
        """Return the expression for an object of the package."""
        if x.__hash__ is not None and x in _STAND_INS:
            return _STAND_INS[x]
        if isinstance(x, types.FunctionType):
            return self._written(x) if x in _WRITTEN else self._function(x, what)
        if isinstance(x, functools.partial):
            return self._partial(x, what)
        if isinstance(x, dict | set | frozenset) or type(x) is tuple:
            return self._container(x)
        inside = x.eval if isinstance(x, Primitive) else getattr(x, "__wrapped__", None)
        if inside is not None:
            return self.text(inside, x.name if isinstance(x, Primitive) else what)
        try:
            return value_text(x, self._array)
        except (TypeError, ValueError):
            why = f"{x!r} can only be reached by running the program that made it"
            raise _refused(what or repr(x), why) from None

    def _partial(self, x: functools.partial[Any], what: str) -> str:
        self.imports.add("import functools")
        parts = [self.text(x.func, what), *map(self.text, x.args)]
        parts += [f"{name}={self.text(value)}" for name, value in x.keywords.items()]
        return f"functools.partial({', '.join(parts)})"

    def _written(self, x: Any) -> str:
        wish, text = _WRITTEN[x]
        name = self._name(wish)
        if "{without}" in text:
            text = text.replace("{without}", self.text(without_zero_terms))
        self.definitions.append(text.replace(f"def {wish}(", f"def {name}(", 1))
        return name

    def _container(self, x: Any) -> str:
        if isinstance(x, tuple):
            return "(" + "".join(f"{self.text(item)}, " for item in x).rstrip() + ")"
        if isinstance(x, dict):
            return "{" + ", ".join(f"{self.text(k)}: {self.text(v)}" for k, v in x.items()) + "}"
        return f"{type(x).__name__}([{', '.join(map(self.text, x))}])"

    def _function(self, function: types.FunctionType, what: str) -> str:
        """Define a function of the package in the program; return its name."""
        if not function.__module__.startswith("wengert"):
            raise _refused(
                what or function.__name__, "it is a function of yours that is not differentiated through"
            )
        tree = _tree(function)
        wish = function.__name__.strip("_<>")
        for ending in ("_eval", "eval_"):
            wish = wish.removesuffix(ending)
        wish = what if wish in ("lambda", "evaluate", "", "eval") else wish
        name = self._name(f"_{wish.replace('.', '_') or 'function'}")  # no local name of what is copied
        self._names[id(function)] = function, name
        outer = _outer_names(function)
        body = _Renamed(outer, self).visit(tree)
        self.definitions.append(ast.unparse(ast.fix_missing_locations(_defined(body, name))))
        return name


def _named_modules(x: Any) -> list[str]:
    module = getattr(x, "__module__", None)
    if not isinstance(module, str) or module.startswith("wengert"):
        return []
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


def _refused(what: str, why: str) -> RefusedError:
    return RefusedError(
        f"derivative_source cannot write {what} down",
        why=f"{why}.",
        instead="compute it before and pass it as an argument, or use operations of NumPy.",
    )


def _defined(body: ast.AST, name: str) -> ast.stmt:
    if isinstance(body, ast.FunctionDef):
        body.name = name
        return body
    return ast.Assign(targets=[ast.Name(name, ast.Store())], value=body, lineno=1)  # type: ignore[arg-type]


@functools.lru_cache(maxsize=64)
def _module_tree(file: str) -> ast.Module:
    with open(file, encoding="utf-8") as source:  # noqa: PTH123 - a name that Python gave
        return ast.parse(source.read())


def _tree(function: types.FunctionType) -> ast.AST:
    """Return a fresh syntax tree of a function: found by the place of its code, as a line may hold several."""
    code = function.__code__
    spans = set(code.co_positions())  # the operation at the root of a lambda spans its whole body
    for node in ast.walk(_module_tree(code.co_filename)):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            if code.co_firstlineno in {node.lineno, *[d.lineno for d in node.decorator_list]}:
                return ast.parse(ast.unparse(node)).body[0]
        elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>":
            body = node.body
            if (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in spans:
                return ast.parse(ast.unparse(node), mode="eval").body
    raise _refused(function.__name__, f"the source of {function.__qualname__} was not found")


def _outer_names(function: types.FunctionType) -> dict[str, Any]:
    """Return what the names stand for that a function reads from around it."""
    found: dict[str, Any] = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        found[name] = cell.cell_contents
    pending = [function.__code__]
    while pending:
        code = pending.pop()
        pending += [const for const in code.co_consts if isinstance(const, types.CodeType)]
        names = [i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"]
        found.update({name: function.__globals__[name] for name in names if name in function.__globals__})
    return found


class _Renamed(ast.NodeTransformer):
    """Replaces names of the package by those of the program, and drops annotations and decorators."""

    def __init__(self, outer: dict[str, Any], transplants: Transplants) -> None:
        self._outer, self._transplants = outer, transplants

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.decorator_list, node.returns = [], None
        for argument in (*node.args.args, *node.args.kwonlyargs, *node.args.posonlyargs):
            argument.annotation = None
        for more in (node.args.vararg, node.args.kwarg):
            if more is not None:
                more.annotation = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        if node.value is None:
            return None
        return self.visit(ast.Assign(targets=[node.target], value=node.value, lineno=node.lineno))

    def visit_Import(self, node: ast.Import) -> Any:
        return node

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        base = node.value
        if isinstance(base, ast.Name) and base.id in self._outer:
            module = self._outer[base.id]
            if isinstance(module, types.ModuleType) and module.__name__.startswith("wengert"):
                return self._expression(getattr(module, node.attr), node.attr)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> Any:
        if not isinstance(node.ctx, ast.Load) or node.id not in self._outer:
            return node
        return self._expression(self._outer[node.id], node.id)

    def _expression(self, x: Any, name: str) -> ast.expr:
        return ast.parse(self._transplants.text(x, name), mode="eval").body
