"""Which variables of a function are read later, which a statement writes, and which may have no value yet.

The analyses run on structured programs, whose exits are flags (see `exits`); what is not structured counts as reading
everything that it mentions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "MUTATORS",
    "Liveness",
    "assigned",
    "augmented",
    "bound_names",
    "maybe_unbound",
    "mutated",
    "plainly_assigned",
    "reads",
]

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
MUTATORS = frozenset(
    "append extend insert pop remove clear sort reverse update add discard setdefault popitem fill put resize "  # noqa: SIM905
    "partition itemset".split()
)

Names = frozenset[str]


def reads(node: ast.AST | None) -> Names:
    """Return the names that an expression or statement mentions without assigning them."""
    if node is None:
        return frozenset()
    return frozenset(
        n.id for n in ast.walk(node) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store)
    )


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and those below it in the same scope."""
    yield node
    if isinstance(node, (*_SCOPES, ast.ClassDef)):
        return
    for child in ast.iter_child_nodes(node):
        yield from _own(child)


def _comprehended(node: ast.AST) -> Names:
    """Return the names that comprehensions in a node bind for themselves."""
    targets = [n.target for n in _own(node) if isinstance(n, ast.comprehension)]
    return frozenset(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))


def assigned(nodes: Iterable[ast.AST]) -> Names:
    """Return the names that statements bind in their own scope."""
    names: set[str] = set()
    for node in nodes:
        own = set()
        for n in _own(node):
            if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load):
                own.add(n.id)
            elif isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(n.name)
            elif isinstance(n, ast.Import | ast.ImportFrom):
                names |= {(alias.asname or alias.name).split(".")[0] for alias in n.names}
            elif isinstance(n, ast.ExceptHandler) and n.name:
                names.add(n.name)
        inner = _comprehended(node)
        walrus = {n.target.id for n in _own(node) if isinstance(n, ast.NamedExpr)}
        names |= (own - inner) | walrus | (own & inner & _bound_outside(node))
    return frozenset(names)


def _bound_outside(node: ast.AST) -> Names:
    """Return the names that a node binds outside of comprehensions."""
    if isinstance(node, ast.comprehension):
        return frozenset()
    if isinstance(node, ast.Name):
        return frozenset() if isinstance(node.ctx, ast.Load) else frozenset({node.id})
    if isinstance(node, (*_SCOPES, ast.ClassDef)):
        return frozenset()
    return frozenset[str]().union(*map(_bound_outside, ast.iter_child_nodes(node)))


def bound_names(targets: Iterable[ast.AST]) -> Names:
    """Return the names that targets of an assignment bind."""
    return frozenset(
        n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    )


def augmented(nodes: Iterable[ast.AST]) -> Names:
    """Return the names that augmented assignments in statements write: arrays in place."""
    return bound_names(n.target for node in nodes for n in _own(node) if isinstance(n, ast.AugAssign))


def plainly_assigned(nodes: Iterable[ast.AST]) -> Names:
    """Return the names that statements bind otherwise than by augmented assignments."""
    own = [n for node in nodes for n in _own(node)]
    inner = {id(n.target) for n in own if isinstance(n, ast.AugAssign)}
    targets = [
        n for n in own if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load) and id(n) not in inner
    ]
    rest = assigned(nodes) - {n.id for n in own if isinstance(n, ast.Name)}
    return frozenset(n.id for n in targets) | rest


def _root(node: ast.AST) -> str | None:
    """Return the variable whose contents ``x[i][j]`` are; None for those of an attribute."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def mutated(nodes: Iterable[ast.AST]) -> tuple[Names, str | None]:
    """Return the names whose contents statements write, and what they write that is no variable's, in words."""
    names: set[str] = set()
    other = None
    for n in (n for node in nodes for n in _own(node)):
        root: str | None = ""
        if isinstance(n, ast.Subscript) and not isinstance(n.ctx, ast.Load):
            root = _root(n)
        elif isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load):
            root = None
        elif isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in MUTATORS:
            root = _root(n.func.value) or (None if isinstance(n.func.value, ast.Attribute) else "")
        elif isinstance(n, ast.keyword) and n.arg == "out":
            root = _root(n.value) or ""
        if root is None:
            other = other or f"line {n.lineno} writes an attribute"  # type: ignore[attr-defined]
        elif root:
            names.add(root)
    return frozenset(names), other


class Liveness:
    """What is read after each statement of a function, and at the head of each loop.

    Attributes
    ----------
    after, head : dict
        By the id of the statement.
    """

    def __init__(self, body: Sequence[ast.stmt], always: Names) -> None:
        self.after: dict[int, Names] = {}
        self.head: dict[int, Names] = {}
        self._block(body, always)

    def _block(self, body: Sequence[ast.stmt], live: Names) -> Names:
        for s in reversed(body):
            self.after[id(s)] = live
            live = self._before(s, live)
        return live

    def _before(self, s: ast.stmt, live: Names) -> Names:
        match s:
            case ast.Assign() | ast.AnnAssign():
                targets = s.targets if isinstance(s, ast.Assign) else [s.target]
                killed = bound_names(targets) if s.value is not None else frozenset()
                before = (live - killed).union(reads(s.value), *map(reads, targets))
            case ast.AugAssign():
                before = live | reads(s.value) | reads(s.target) | bound_names([s.target])
            case ast.If():
                before = self._block(s.body, live) | self._block(s.orelse, live) | reads(s.test)
            case ast.While() | ast.For():
                before = self._loop(s, live)
            case ast.With():
                before = self._block(s.body, live).union(*[reads(i.context_expr) for i in s.items])
            case ast.Return():
                before = reads(s.value)
            case _:
                before = live | reads(s)
        return before

    def _loop(self, s: ast.While | ast.For, live: Names) -> Names:
        going = reads(getattr(s, "going", None))
        own = bound_names([s.target]) if isinstance(s, ast.For) else frozenset()
        head = live | going | (reads(s.test) if isinstance(s, ast.While) else frozenset())
        while True:
            before = self._block(s.body, head) - own
            if before <= head:
                break
            head |= before
        self.head[id(s)] = head
        return head | reads(s.iter) if isinstance(s, ast.For) else head


# Names that may have no value -----------------------------------------------------------------------------------------


def maybe_unbound(body: Sequence[ast.stmt], bound: Names, names: Names) -> set[int]:
    """Return the ids of the reads of some names at which they may have no value yet."""
    reader = _Binding(names)
    reader.block(body, bound)
    return reader.found


class _Binding:
    """Follows which names have a value for sure."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.found: set[int] = set()

    def block(self, stmts: Sequence[ast.stmt], known: Names) -> Names:
        """Return the names that have a value after statements."""
        for s in stmts:
            known = self._after(s, known)
        return known

    def _look(self, node: ast.AST, known: Names) -> None:
        loads = (n for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
        self.found.update(id(n) for n in loads if n.id in self._names and n.id not in known)

    def _after(self, s: ast.stmt, known: Names) -> Names:
        match s:
            case ast.If():
                self._look(s.test, known)
                known = self.block(s.body, known) & self.block(s.orelse, known)
            case ast.While():
                self._look(s.test, known)
                self.block(s.body, known)
            case ast.For():
                self._look(s.iter, known)
                self.block(s.body, known | bound_names([s.target]))
            case ast.With():
                targets = [item.optional_vars for item in s.items if item.optional_vars is not None]
                for item in s.items:
                    self._look(item.context_expr, known)
                known = self.block(s.body, known | bound_names(targets))
            case ast.FunctionDef() | ast.ClassDef():
                known |= {s.name}
            case ast.Try() | ast.TryStar() | ast.Match() | ast.Delete():
                self._look(s, known)
            case _:
                self._look(s, known)
                known |= assigned([s])
        return known
