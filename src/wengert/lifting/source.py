"""Sources of functions, and functions of rewritten sources.

A function is found in the source of its module by the position of its code, so that lambdas are found too and every
line and column stays the user's. The rewritten function is compiled inside a factory whose parameters are the names
that the function closes over; its code object is then given the cells, globals and defaults of the original.
"""

from __future__ import annotations

import ast
import linecache
import types
from collections.abc import Callable
from typing import Any

from wengert.errors import LiftError
from wengert.lifting.exits import INTERNAL

__all__ = ["RUNTIME", "compiled", "rebuilt", "syntax_of"]

RUNTIME = "_wengert_"  # the name under which rewritten code finds what it calls

Function = ast.FunctionDef | ast.Lambda

_trees: dict[str, tuple[str, dict[int, list[ast.AST]]]] = {}  # functions of each file, by line


def syntax_of(fun: types.FunctionType) -> Function:
    """Return the syntax of a function; raise if it cannot be found, or is none that can be rewritten."""
    code = fun.__code__
    for node in _functions(code, fun.__globals__).get(code.co_firstlineno, []):
        if _is_of(node, code):
            return node  # type: ignore[return-value]
    raise _refused(
        code,
        "its source cannot be found",
        "the function must stand in a file, a notebook or a doctest that has not changed since.",
    )


def _functions(code: types.CodeType, names: dict[str, Any]) -> dict[int, list[ast.AST]]:
    text = "".join(linecache.getlines(code.co_filename, names))
    found = _trees.get(code.co_filename)
    if found is not None and found[0] == text:
        return found[1]
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise _refused(
            code, "its source cannot be parsed", "lift needs the file it was defined in."
        ) from error
    places: dict[int, list[ast.AST]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
            places.setdefault(min([node.lineno, *[d.lineno for d in decorators]]), []).append(node)
    _trees[code.co_filename] = (text, places)
    return places


def _is_of(node: ast.AST, code: types.CodeType) -> bool:
    """Whether a code object is that of a function; several lambdas in a line differ by their columns."""
    if isinstance(node, ast.AsyncFunctionDef):
        return False
    args = node.args  # type: ignore[attr-defined]
    names = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    expected = [_mangled(a.arg, code) for a in names if a is not None]
    if list(code.co_varnames[: len(expected)]) != expected:
        return False
    if isinstance(node, ast.FunctionDef):
        return node.name == code.co_name
    columns = {(line, column) for line, _, column, _ in code.co_positions() if column is not None}
    body = {(n.lineno, n.col_offset) for n in ast.walk(node.body) if isinstance(n, ast.expr)}  # type: ignore[attr-defined]
    return code.co_name == "<lambda>" and (body & columns) != set() and columns <= body | {(node.lineno, 0)}  # type: ignore[attr-defined]


def _refused(code: types.CodeType, what: str, why: str) -> LiftError:
    return LiftError(
        f"{code.co_name} cannot be lifted: {what}",
        why=why,
        instead="use wengert.cond, wengert.fori_loop and wengert.while_loop, or jit without lift=True.",
        where=f'File "{code.co_filename}", line {code.co_firstlineno}',
    )


# Names of classes -----------------------------------------------------------------------------------------------------


def _class_of(code: types.CodeType) -> str | None:
    parts = code.co_qualname.split(".")
    return parts[-2].lstrip("_") if len(parts) > 1 and parts[-2] != "<locals>" else None


def _mangled(name: str, code: types.CodeType) -> str:
    """Return a name as Python stores it: private names of a class carry the name of the class."""
    owner = _class_of(code)
    private = name.startswith("__") and not name.endswith("__")
    return f"_{owner}{name}" if owner and private else name


def _mangle(tree: ast.AST, code: types.CodeType) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            node.attr = _mangled(node.attr, code)
        elif isinstance(node, ast.Name):
            node.id = _mangled(node.id, code)
        elif isinstance(node, ast.arg):
            node.arg = _mangled(node.arg, code)


# Functions of syntax --------------------------------------------------------------------------------------------------


def compiled(node: ast.FunctionDef, code: types.CodeType) -> types.CodeType:
    """Return the code object of a rewritten function, which closes over what the original closes over, and the runtime.

    Parameters
    ----------
    node : ast.FunctionDef
    code : code
        Of the original.
    """
    node.name = (
        f"{INTERNAL}function"  # its own name may be a variable of the module, which it calls itself by
    )
    node.decorator_list, node.returns = [], None
    node.args.defaults = []
    node.args.kw_defaults = [None] * len(node.args.kwonlyargs)
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    _mangle(node, code)
    free = [*code.co_freevars, RUNTIME]
    factory = ast.FunctionDef(
        name="_factory",
        args=ast.arguments([], [ast.arg(name) for name in free], None, [], [], None, []),
        body=[node],
        decorator_list=[],
    )
    module = ast.fix_missing_locations(ast.Module([ast.copy_location(factory, node)], []))
    made = compile(module, code.co_filename, "exec", dont_inherit=True)
    inner = _code_in(_code_in(made, "_factory"), node.name)
    return _renamed(inner, code).replace(co_name=code.co_name, co_qualname=code.co_qualname)


def _code_in(code: types.CodeType, name: str) -> types.CodeType:
    return next(c for c in code.co_consts if isinstance(c, types.CodeType) and c.co_name == name)


def _renamed(code: types.CodeType, user: types.CodeType) -> types.CodeType:
    """Let the blocks of a function go by its name, in tracebacks and errors."""
    consts = tuple(_renamed(c, user) if isinstance(c, types.CodeType) else c for c in code.co_consts)
    if not code.co_name.startswith(INTERNAL):
        return code.replace(co_consts=consts)
    return code.replace(co_consts=consts, co_name=user.co_name, co_qualname=user.co_qualname)


def rebuilt(fun: types.FunctionType, code: types.CodeType, runtime: Any) -> Callable[..., Any]:
    """Return a function of rewritten code with everything else as in the original."""
    cells = dict(zip(fun.__code__.co_freevars, fun.__closure__ or (), strict=True))
    cells[RUNTIME] = types.CellType(runtime)
    closure = tuple(cells[name] for name in code.co_freevars)
    made = types.FunctionType(code, fun.__globals__, fun.__name__, fun.__defaults__, closure)
    made.__kwdefaults__ = fun.__kwdefaults__
    made.__qualname__, made.__module__, made.__doc__ = fun.__qualname__, fun.__module__, fun.__doc__
    return made
