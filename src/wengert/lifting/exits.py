"""Exits as flags: break, continue and early return, which a loop in a graph does not know.

    if c: return a            if c: value = a
    rest; return b      =>    else: rest; value = b
                              return value

    while t:                  done = False
        if c: break     =>    while not done and t:
        rest                      if c: done = True
                                  else: rest

What follows a statement that may or may not leave is put under a condition on the flags; what follows one that leaves
in one of its branches is put into the other. What holds an exit in a `try` or a `match` is opaque: it stays as it is,
with everything around it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

__all__ = ["INTERNAL", "opaque", "structured"]

INTERNAL = "_wg_"  # how names begin that only rewritten code has
_VALUE = "_wg_value"
_RETURNED = "_wg_returned"

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.For, ast.While, ast.AsyncFor)


def structured(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a function with exits as flags, its own scope only."""
    last = body[-1]
    before = body[:-1] if isinstance(last, ast.Return) else body
    if not any(map(_has_return, before)):
        return [*_Flags().block(before), *body[len(before) :]]
    whole = body if _ends(body) else [*body, _at(ast.Return(_at(ast.Constant(None), last)), last)]
    result = _at(ast.Return(_at(ast.Name(_VALUE, ast.Load()), last)), last)
    return [_set(_RETURNED, value=False, at=body[0]), *_Flags().block(whole), result]


def opaque(node: ast.AST) -> bool:
    """Whether a statement must stay Python's: it holds an exit where no flag can stand for it, or a yield."""
    for child in _walk(node):
        if isinstance(child, ast.Yield | ast.YieldFrom | ast.Await | ast.AsyncFor | ast.AsyncWith):
            return True
        if isinstance(child, ast.Try | ast.TryStar | ast.Match) and _exits(child):
            return True
    return False


# What leaves ----------------------------------------------------------------------------------------------------------


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and those below it in the same scope."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _SCOPES):
            yield from _walk(child)


def _has_return(node: ast.AST) -> bool:
    return not isinstance(node, _SCOPES) and any(isinstance(child, ast.Return) for child in _walk(node))


def _leaves(node: ast.AST, kinds: tuple[type, ...]) -> bool:
    """Whether a node holds a statement of these kinds that is not one of a loop in it."""
    if isinstance(node, kinds):
        return True
    if isinstance(node, _SCOPES):
        return False
    below: Any = node.orelse if isinstance(node, _LOOPS) else ast.iter_child_nodes(node)
    return any(_leaves(child, kinds) for child in below)


def _exits(node: ast.AST) -> bool:
    """Whether a statement may leave the block that it stands in."""
    return _has_return(node) or _leaves(node, (ast.Break, ast.Continue))


def _ends(body: Sequence[ast.stmt]) -> bool:
    """Whether the end of a block is never reached."""
    return any(map(_never_passes, body))


def _never_passes(s: ast.stmt) -> bool:
    if isinstance(s, ast.If):
        return bool(s.orelse) and _ends(s.body) and _ends(s.orelse)
    if isinstance(s, ast.While):
        forever = isinstance(s.test, ast.Constant) and bool(s.test.value)
        return forever and not any(_leaves(child, (ast.Break,)) for child in s.body)
    return isinstance(s, ast.Return | ast.Break | ast.Continue | ast.Raise)


# Pieces of syntax -----------------------------------------------------------------------------------------------------


def _at(node: Any, place: ast.AST) -> Any:
    return ast.copy_location(node, place)


def _set(name: str, *, value: bool, at: ast.AST) -> ast.stmt:
    target = _at(ast.Name(name, ast.Store()), at)
    return _at(ast.Assign([target], _at(ast.Constant(value), at)), at)  # type: ignore[no-any-return]


def _none_of(flags: Sequence[str], at: ast.AST) -> Any:
    negated = [_at(ast.UnaryOp(ast.Not(), _at(ast.Name(flag, ast.Load()), at)), at) for flag in flags]
    return negated[0] if len(negated) == 1 else _at(ast.BoolOp(ast.And(), negated), at)


# Flags ----------------------------------------------------------------------------------------------------------------


class _Flags:
    """Rewrites blocks; knows which flags stand for the exits of the loop around."""

    def __init__(self) -> None:
        self._count = 0
        self._loops: list[tuple[str, str]] = []  # flags of break and continue

    def block(self, body: Sequence[ast.stmt]) -> list[ast.stmt]:
        """Return the statements of a block without exits."""
        out: list[ast.stmt] = []
        for k, s in enumerate(body):
            if isinstance(s, ast.Return | ast.Break | ast.Continue):
                return [*out, *self._exit(s)]
            rest = body[k + 1 :]
            flags = [] if opaque(s) else self._raised_by(s)
            if flags and isinstance(s, ast.If):
                rest = _moved_into_branch(s, rest)
            out += [s] if opaque(s) else self._inside(s)
            if flags:
                guarded = self.block(rest)
                return [*out, *([_at(ast.If(_none_of(flags, s), guarded, []), rest[0])] if guarded else [])]
        return out

    def _raised_by(self, s: ast.stmt) -> list[str]:
        """Return the flags that tell whether a statement has left its block."""
        flags = [_RETURNED] if _has_return(s) else []
        for stop, skip in self._loops[-1:]:
            flags += [stop] if _leaves(s, (ast.Break,)) else []
            flags += [skip] if _leaves(s, (ast.Continue,)) else []
        return flags

    def _inside(self, s: ast.stmt) -> list[ast.stmt]:
        """Rewrite the blocks of a statement."""
        if isinstance(s, ast.For | ast.While):
            return self._loop(s)
        if isinstance(s, ast.If):
            s.body, s.orelse = self.block(s.body), self.block(s.orelse)
        elif isinstance(s, ast.With):
            s.body = self.block(s.body)
        return [s]

    def _exit(self, s: ast.Return | ast.Break | ast.Continue) -> list[ast.stmt]:
        if isinstance(s, ast.Return):
            value = s.value or _at(ast.Constant(None), s)
            kept = _at(ast.Assign([_at(ast.Name(_VALUE, ast.Store()), s)], value), s)
            return [kept, _set(_RETURNED, value=True, at=s)]
        stop, skip = self._loops[-1]
        return [_set(stop if isinstance(s, ast.Break) else skip, value=True, at=s)]

    def _loop(self, s: ast.For | ast.While) -> list[ast.stmt]:
        """Rewrite a loop; `going`, an attribute of it, is the condition on flags under which it goes on."""
        self._count += 1
        if isinstance(s, ast.While) and not s.orelse and _assigns(s.test):
            _with_test_inside(s)
        stop, skip = f"{INTERNAL}break_{self._count}", f"{INTERNAL}continue_{self._count}"
        breaks = any(_leaves(child, (ast.Break,)) for child in s.body)
        skips = any(_leaves(child, (ast.Continue,)) for child in s.body)
        flags = [*([stop] if breaks else []), *([_RETURNED] if any(map(_has_return, s.body)) else [])]
        self._loops.append((stop, skip))
        body = self.block(s.body)
        self._loops.pop()
        s.body = [*([_set(skip, value=False, at=s)] if skips else []), *body]
        s.going = _none_of(flags, s) if flags else None  # type: ignore[union-attr]
        after, s.orelse = self.block(s.orelse), []
        out: list[ast.stmt] = [*([_set(stop, value=False, at=s)] if breaks else []), s]
        if after and flags:
            return [*out, _at(ast.If(_none_of(flags, s), after, []), after[0])]
        return [*out, *after]


def _assigns(e: ast.expr) -> bool:
    return any(isinstance(n, ast.NamedExpr) for n in ast.walk(e))


def _with_test_inside(s: ast.While) -> None:
    """Make a condition that assigns the first statement of the loop: what it assigns is part of the step."""
    negated = _at(ast.UnaryOp(ast.Not(), s.test), s.test)
    s.body = [_at(ast.If(negated, [_at(ast.Break(), s)], []), s), *s.body]
    s.test = _at(ast.Constant(True), s.test)


def _moved_into_branch(s: ast.If, rest: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    """Put what follows a branch that leaves into the other one; return what is left to follow."""
    if _ends(s.body):
        s.orelse = s.orelse if s.orelse and _ends(s.orelse) else [*s.orelse, *rest]
        return []
    if _ends(s.orelse):
        s.body = [*s.body, *rest]
        return []
    return rest
