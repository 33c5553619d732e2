"""The rewriting of functions: control flow and calls become calls of the runtime.

    if t: A else: B      def true(): A; def false(): B; runtime.branch(t, true, false, get, put, site)
    while t: A           runtime.repeat(test, body, get, put, site)
    for i in xs: A       runtime.iterate(xs, bind, body, going, get, put, site)
    a if t else b        runtime.choose(t, lambda: a, lambda: b)
    a and b, a < b < c   runtime.both(lambda: a, lambda: b), runtime.compare(...)
    f(x), a[i]           runtime.call(f)(x), runtime.item(a, i)

The blocks become functions that share the variables with the function around them (`nonlocal`), so that in plain Python
they do what the statements did. `get` and `put` read and write the variables that the blocks write.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Sequence
from typing import Any

from wengert.lifting.exits import INTERNAL, opaque, structured
from wengert.lifting.liveness import (
    MUTATORS,
    Liveness,
    assigned,
    augmented,
    bound_names,
    maybe_unbound,
    mutated,
    plainly_assigned,
    reads,
)
from wengert.lifting.source import RUNTIME

__all__ = ["rewritten"]

_UNTOUCHED = frozenset({"super", "locals", "globals", "vars", "dir", "eval", "exec"})
_LAZY = frozenset({"range", "enumerate", "zip"})
_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def rewritten(node: ast.FunctionDef | ast.Lambda, code: types.CodeType) -> ast.FunctionDef:
    """Return a function whose control flow and calls go through the runtime.

    Parameters
    ----------
    node : ast.FunctionDef or ast.Lambda
        Is changed.
    code : code
        Of the function.
    """
    if isinstance(node, ast.Lambda):
        value = ast.copy_location(ast.Return(node.body), node.body)
        made = ast.FunctionDef(
            name="_lambda", args=node.args, body=[value], decorator_list=[], lineno=node.lineno
        )
        node = ast.copy_location(made, node)
    key = f"{code.co_filename}:{code.co_firstlineno}:{code.co_name}"
    _Function(node, key, frozenset()).rewrite()
    return node


def _located(node: Any, at: ast.AST) -> Any:
    """Return new syntax whose nodes without a place stand where another does."""
    for n in ast.walk(node):
        if not hasattr(n, "lineno"):
            ast.copy_location(n, at)
    return node


def _at(node: Any, place: ast.AST) -> Any:
    return ast.copy_location(node, place)


def _name(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _runtime(method: str, *args: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(_name(RUNTIME), method, ast.Load()), list(args), [])


def _thunk(value: ast.expr) -> ast.expr:
    return ast.Lambda(ast.arguments([], [], None, [], [], None, []), value)


def _tuple(names: Sequence[str], context: ast.expr_context) -> ast.expr:
    return ast.Tuple([ast.Name(name, context) for name in names], context)


def _block(
    name: str, body: list[ast.stmt], shared: Sequence[str], parameters: Sequence[str] = ()
) -> ast.stmt:
    nonlocal_ = [ast.Nonlocal(sorted(shared))] if shared else []
    args = ast.arguments([], [ast.arg(p) for p in parameters], None, [], [], None, [])
    return ast.FunctionDef(name, args, [*nonlocal_, *body], [])


class _Function(ast.NodeTransformer):
    """Rewrites one function; those inside of it get one of their own."""

    def __init__(self, node: ast.FunctionDef, key: str, outer: frozenset[str]) -> None:
        self.node = node
        self.key = key
        self.is_initializer = node.name == "__init__"
        self.outer = outer  # variables of the function around
        self.count = 0
        self.shared: frozenset[str] = frozenset()  # variables that blocks share
        self.plain = ""  # why control flow here stays Python's, if it does

    def rewrite(self) -> None:
        """Rewrite the function in place."""
        node = self.node
        doc = node.body[:1] if ast.get_docstring(node, clean=False) is not None else []
        body = structured(node.body[len(doc) :]) if len(node.body) > len(doc) else []
        args = node.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        self.parameters = frozenset(a.arg for a in every if a is not None)
        self._look(body)
        self.unbound = maybe_unbound(body, self.parameters, frozenset(self.shared))
        new = self._statements(body)
        start = [_runtime_statement("enter", self.key, node)]
        start += [self._unset(name, node) for name in sorted(self.shared - self.parameters)]
        node.body = [*doc, *start, *new]

    def _look(self, body: list[ast.stmt]) -> None:
        """Collect what decides on the fate of single statements."""
        nested = [n for s in body for n in ast.walk(s) if isinstance(n, _NESTED)]
        escaping = {
            name for n in nested for m in ast.walk(n) if isinstance(m, ast.Nonlocal) for name in m.names
        }
        declared = [n for s in body for n in ast.walk(s) if isinstance(n, ast.Nonlocal | ast.Global)]
        self.foreign = frozenset(name for n in declared for name in n.names) - escaping
        self.locals = (assigned(body) | self.parameters) - self.foreign
        self.escaping = frozenset(escaping) & self.locals
        always = frozenset[str]().union(*map(reads, nested)) | self.escaping
        loose = any(opaque(s) for s in body)
        everything = frozenset[str]().union(*map(reads, body)) if loose else frozenset()
        self.live = Liveness(body, always | everything)
        self.risky = (mutated(body)[0] | augmented(body)) & self.locals
        blocks = any(
            isinstance(n, ast.If | ast.IfExp | ast.While | ast.For) for s in body for n in ast.walk(s)
        )
        self.shared = self.locals if blocks else frozenset[str]()

    def _unset(self, name: str, at: ast.AST) -> ast.stmt:
        value = _runtime("unset", ast.Constant(name))
        return _located(ast.Assign([ast.Name(name, ast.Store())], value), at)  # type: ignore[no-any-return]

    # Statements

    def _statements(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for s in body:
            out += self._effects(s)
            made = self.visit(s)
            out += made if isinstance(made, list) else [made]
        return out

    def _effects(self, s: ast.stmt) -> list[ast.stmt]:
        """Return what tells the runtime that a statement assigns what is no local variable."""
        if not isinstance(s, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Delete) or self.is_initializer:
            return []
        names = sorted(bound_names([s]) & (self.foreign - self.outer))
        attributes = [f".{n.attr}" for n in ast.walk(s) if _assigns_attribute(n)]  # type: ignore[attr-defined]
        return [_runtime_statement("effect", what, s) for what in [*names, *attributes][:1]]

    def _reason(self, s: ast.stmt) -> str:
        """Return why a statement cannot be one of a graph, or nothing."""
        nodes = list(ast.walk(s))
        test = ast.walk(s.test) if isinstance(s, ast.While) else ()
        reasons = {
            self.plain: bool(self.plain),
            "it holds a yield, or leaves a try or match by return, break or continue": opaque(s),
            "it holds a try": any(isinstance(n, ast.Try | ast.TryStar) for n in nodes),
            "it raises": any(isinstance(n, ast.Raise) for n in nodes),
            "it assigns a variable that is global or nonlocal": bool(assigned([s]) & self.foreign),
            "it assigns an attribute": any(map(_assigns_attribute, nodes)),
            "its condition assigns a variable, and it has an else": any(
                isinstance(n, ast.NamedExpr) for n in test
            ),
        }
        return next((reason for reason, holds in reasons.items() if holds), "")

    def _site(self, s: ast.stmt, live: frozenset[str], reason: str) -> ast.expr:
        """Return what the runtime is told of a statement."""
        names, others = self._variables(s)
        written = (mutated([s])[0] | augmented([s])) & self.locals
        rebound = frozenset(names) - (written - plainly_assigned([s]))
        kept = tuple(n in live or n in written for n in names)
        n_read = len(reads(s) & frozenset(others))
        constants = [
            tuple(names),
            kept,
            tuple(others),
            n_read,
            rebound,
            written,
            self.risky,
            s.lineno,
            reason,
            self.key,
        ]
        return _runtime("site", *map(ast.Constant, constants))  # type: ignore[arg-type]

    def _variables(self, s: ast.stmt) -> tuple[list[str], list[str]]:
        """Return the variables that a statement writes, and the others: first those that it reads."""
        own = (mutated([s])[0] | assigned([s]) | self.escaping) & self.locals
        read = (reads(s) & self.locals) - own
        return sorted(own), [*sorted(read), *sorted(self.locals - own - read)]

    def _functions(
        self, n: int, s: ast.stmt, variables: tuple[list[str], list[str]], blocks: dict[str, list[ast.stmt]]
    ) -> list[ast.stmt]:
        """Return the blocks of a statement as functions, and those that read and write its variables."""
        names, others = variables
        values = _name(f"{INTERNAL}values")
        stored: list[ast.stmt] = [ast.Assign([_tuple(names, ast.Store())], values)] if names else [ast.Pass()]
        made = [_block(f"{INTERNAL}{k}_{n}", b or [ast.Pass()], names) for k, b in blocks.items()]
        made.append(_block(f"{INTERNAL}get_{n}", [ast.Return(_tuple([*names, *others], ast.Load()))], ()))
        made.append(_block(f"{INTERNAL}put_{n}", stored, names, [f"{INTERNAL}values"]))
        return [_located(f, s) for f in made]

    def _call(self, method: str, n: int, args: Sequence[ast.expr], site: ast.expr, at: ast.AST) -> ast.stmt:
        get, put = _name(f"{INTERNAL}get_{n}"), _name(f"{INTERNAL}put_{n}")
        return _located(ast.Expr(_runtime(method, *args, get, put, site)), at)  # type: ignore[no-any-return]

    def _stays(self, s: ast.stmt) -> bool:
        """Whether a statement is left to Python, values of conditions included."""
        return bool(self.plain) or opaque(s) or bool(assigned([s]) & self.foreign)

    def visit_If(self, s: ast.If) -> Any:
        """Make a branch of the runtime."""
        reason = self._reason(s)
        if self._stays(s):
            return self._in_python(s, reason)
        variables = self._variables(s)  # as the user wrote it, before its blocks are rewritten
        site = self._site(s, self.live.after[id(s)], reason)
        n = self._next()
        test = self._condition(s.test)
        made = self._functions(
            n, s, variables, {"true": self._statements(s.body), "false": self._statements(s.orelse)}
        )
        ways = [_name(f"{INTERNAL}true_{n}"), _name(f"{INTERNAL}false_{n}")]
        return [*made, self._call("branch", n, [test, *ways], site, s.test)]

    def visit_While(self, s: ast.While) -> Any:
        """Make a loop of the runtime."""
        reason = self._reason(s)
        if self._stays(s):
            return self._in_python(s, reason)
        variables = self._variables(s)  # as the user wrote it, before its blocks are rewritten
        site = self._site(s, self.live.head[id(s)], reason)
        n = self._next()
        going = getattr(s, "going", None)
        forever = isinstance(s.test, ast.Constant) and bool(s.test.value)
        test = (
            s.test
            if going is None
            else going
            if forever
            else _at(ast.BoolOp(ast.And(), [going, s.test]), s.test)
        )
        blocks = {
            "test": [_located(ast.Return(self._condition(test)), s.test)],
            "body": self._statements(s.body),
        }
        made = self._functions(n, s, variables, blocks)
        ways = [_name(f"{INTERNAL}test_{n}"), _name(f"{INTERNAL}body_{n}")]
        return [*made, self._call("repeat", n, ways, site, s.test)]

    def visit_For(self, s: ast.For) -> Any:
        """Make a loop of the runtime over the items of something."""
        reason = self._reason(s)
        if self._stays(s):
            return self._in_python(s, reason)
        variables = self._variables(s)  # as the user wrote it, before its blocks are rewritten
        site = self._site(s, self.live.head[id(s)], reason)
        n = self._next()
        going = getattr(s, "going", None)
        items = self._items(s.iter)
        blocks = {"body": self._statements(s.body)}
        if going is not None:
            blocks["going"] = [_located(ast.Return(self._condition(going)), s)]
        made = self._functions(n, s, variables, blocks)
        item = f"{INTERNAL}item"
        kept: list[ast.stmt] = [ast.Assign([self.visit(s.target)], _name(item))]
        made.append(
            _located(_block(f"{INTERNAL}bind_{n}", kept, sorted(bound_names([s.target])), [item]), s.target)
        )
        test = ast.Constant(None) if going is None else _name(f"{INTERNAL}going_{n}")
        ways = [items, _name(f"{INTERNAL}bind_{n}"), _name(f"{INTERNAL}body_{n}"), test]
        return [*made, self._call("iterate", n, ways, site, s.iter)]

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _in_python(self, s: Any, reason: str) -> ast.stmt:
        """Leave control flow to Python, which asks for the values of conditions."""
        outer, self.plain = self.plain, reason or "it stays Python's"
        if isinstance(s, ast.For):
            s.target, s.iter = self.visit(s.target), self.visit(s.iter)
        else:
            loop = self.key if isinstance(s, ast.While) else ""
            args = ast.Constant(self.plain), ast.Constant(s.lineno), ast.Constant(loop)
            s.test = _located(_runtime("decide", self._condition(s.test), *args), s.test)
        going = getattr(s, "going", None)
        s.body, s.orelse = self._statements(s.body), self._statements(s.orelse)
        self.plain = outer
        if going is not None:  # flags stay flags
            stop = ast.If(ast.UnaryOp(ast.Not(), going), [ast.Break()], [])
            s.body = [*s.body, _located(stop, s)]
        return s  # type: ignore[no-any-return]

    def _inside_python(self, s: Any) -> ast.stmt:
        outer, self.plain = self.plain, self.plain or "it stands in a try or match"
        self.generic_visit(s)
        self.plain = outer
        return s  # type: ignore[no-any-return]

    def visit_Try(self, s: ast.Try) -> ast.stmt:
        """Leave it to Python."""
        return self._inside_python(s)

    def visit_TryStar(self, s: ast.TryStar) -> ast.stmt:
        """Leave it to Python."""
        return self._inside_python(s)

    def visit_Match(self, s: ast.Match) -> ast.stmt:
        """Leave it to Python."""
        return self._inside_python(s)

    def visit_Assert(self, s: ast.Assert) -> ast.stmt:
        """Let the runtime look at what is asserted, if it has a value."""
        s.test = _located(_runtime("asserted", self._condition(s.test)), s.test)
        s.msg = None if s.msg is None else self.visit(s.msg)
        return s

    def visit_Delete(self, s: ast.Delete) -> Any:
        """Unset variables that blocks share."""
        names = [t.id for t in s.targets if isinstance(t, ast.Name) and t.id in self.shared]
        rest = [self.visit(t) for t in s.targets if not (isinstance(t, ast.Name) and t.id in self.shared)]
        kept = [ast.copy_location(ast.Delete(rest), s)] if rest else []
        return [*kept, *[self._unset(name, s) for name in names]]

    # Scopes inside

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        """Rewrite a function in the function."""
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        node.args = self._defaults(node.args)
        _Function(node, f"{self.key}.{node.name}", self.locals | self.outer).rewrite()
        return node

    def _defaults(self, args: ast.arguments) -> ast.arguments:
        args.defaults = [self.visit(d) for d in args.defaults]
        args.kw_defaults = [None if d is None else self.visit(d) for d in args.kw_defaults]
        return args

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.stmt:
        """Leave it."""
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        """Leave it."""
        return node

    # Expressions

    def visit_Name(self, e: ast.Name) -> ast.expr:
        """Read a variable that may have no value through the runtime, which then says so."""
        if id(e) in self.unbound:
            return _located(_runtime("read", e), e)  # type: ignore[no-any-return]
        return e

    def _condition(self, e: ast.expr) -> ast.expr:
        """Rewrite what only decides: of `a and b` the truth alone is wanted."""
        if isinstance(e, ast.BoolOp) and not _binds(e):
            method = "all_of" if isinstance(e.op, ast.And) else "any_of"
            thunks = [_thunk(self._condition(v)) for v in e.values]
            return _located(_runtime(method, ast.Constant(self.key), *thunks), e)  # type: ignore[no-any-return]
        return self.visit(e)  # type: ignore[no-any-return]

    def visit_IfExp(self, e: ast.IfExp) -> ast.expr:
        """Make a choice of the runtime."""
        if _binds(e):
            return self.generic_visit(e)  # type: ignore[return-value]
        ways = [_thunk(self.visit(e.body)), _thunk(self.visit(e.orelse))]
        return _located(_runtime("choose", ast.Constant(self.key), self._condition(e.test), *ways), e)  # type: ignore[no-any-return]

    def visit_BoolOp(self, e: ast.BoolOp) -> ast.expr:
        """Make a choice of the runtime between values."""
        if _binds(e):
            return self.generic_visit(e)  # type: ignore[return-value]
        method = "both" if isinstance(e.op, ast.And) else "either"
        thunks = [_thunk(self.visit(v)) for v in e.values]
        return _located(_runtime(method, ast.Constant(self.key), *thunks), e)  # type: ignore[no-any-return]

    def visit_UnaryOp(self, e: ast.UnaryOp) -> ast.expr:
        """Negate by the runtime."""
        if isinstance(e.op, ast.Not):
            return _located(_runtime("negate", self._condition(e.operand)), e)  # type: ignore[no-any-return]
        return self.generic_visit(e)  # type: ignore[return-value]

    def visit_Compare(self, e: ast.Compare) -> ast.expr:
        """Make a chain of comparisons one of the runtime."""
        self.generic_visit(e)
        if len(e.ops) == 1 or _binds(e):
            return e
        kinds = ast.Constant(tuple(type(op).__name__ for op in e.ops))  # type: ignore[arg-type]
        made = _runtime("compare", ast.Constant(self.key), e.left, kinds, *map(_thunk, e.comparators))
        return _located(made, e)  # type: ignore[no-any-return]

    def visit_Subscript(self, e: ast.Subscript) -> ast.expr:
        """Read an item by an index that may be traced."""
        local = self._is_local(_root(e))
        self.generic_visit(e)
        if not isinstance(e.ctx, ast.Load) and not local:
            e.value = _located(_runtime("target", e.value), e.value)
        if not isinstance(e.ctx, ast.Load) or _constant_index(e.slice):
            return e
        return _located(_runtime("item", e.value, _index(e.slice)), e)  # type: ignore[no-any-return]

    def visit_Call(self, e: ast.Call) -> ast.expr:
        """Call what the runtime puts in the place of a function."""
        if isinstance(e.func, ast.Name) and e.func.id in _UNTOUCHED:
            return self._super(e) if e.func.id == "super" and not e.args else e
        writes = isinstance(e.func, ast.Attribute) and e.func.attr in MUTATORS
        foreign = writes and not self._is_local(_root(e.func.value))  # type: ignore[attr-defined]
        self.generic_visit(e)
        if foreign and isinstance(e.func, ast.Attribute):
            e.func.value = _located(_runtime("target", e.func.value), e.func.value)
        e.func = _located(_runtime("call", e.func), e.func)
        return e

    def _is_local(self, e: ast.expr) -> bool:
        return isinstance(e, ast.Name) and e.id in self.locals | self.outer

    def _super(self, e: ast.Call) -> ast.expr:
        """Say what Python would look for: the call may end up in a function inside of the method."""
        args = self.node.args
        first = next(a.arg for a in (*args.posonlyargs, *args.args))
        e.args = [_name("__class__"), _name(first)]
        return _located(e, e)  # type: ignore[no-any-return]

    def _items(self, e: ast.expr) -> ast.expr:
        """Rewrite what a loop goes over: ranges may have traced ends."""
        if isinstance(e, ast.Call) and isinstance(e.func, ast.Name) and e.func.id in _LAZY:
            e.args = [self._items(a) for a in e.args]
            for keyword in e.keywords:
                keyword.value = self.visit(keyword.value)
            e.func = _located(_runtime("items", self.visit(e.func)), e.func)
            return e
        return self.visit(e)  # type: ignore[no-any-return]


def _assigns_attribute(n: ast.AST) -> bool:
    return isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load)


def _root(e: ast.expr) -> ast.expr:
    while isinstance(e, ast.Subscript):
        e = e.value
    return e


def _runtime_statement(method: str, constant: str, at: ast.AST) -> ast.stmt:
    return _located(ast.Expr(_runtime(method, ast.Constant(constant))), at)  # type: ignore[no-any-return]


def _binds(e: ast.expr) -> bool:
    """Whether an expression cannot become a function: it assigns, or gives its value to a generator."""
    return any(isinstance(n, ast.NamedExpr | ast.Yield | ast.YieldFrom | ast.Await) for n in ast.walk(e))


def _constant_index(e: ast.expr) -> bool:
    kinds = (ast.Constant, ast.Slice, ast.Tuple, ast.UnaryOp, ast.USub, ast.Load)
    return all(isinstance(n, kinds) for n in ast.walk(e))


def _index(e: ast.expr) -> ast.expr:
    """Return an index as a value: slices are objects there."""
    if isinstance(e, ast.Slice):
        parts = [ast.Constant(None) if part is None else part for part in (e.lower, e.upper, e.step)]
        return _runtime("slice", *parts)
    if isinstance(e, ast.Tuple):
        return ast.Tuple([_index(item) for item in e.elts], ast.Load())
    return e
