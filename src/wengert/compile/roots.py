"""Roots: the values of a graph that loops compute, one loop for each axis, and what each reads of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from wengert.compile.affine import Axis, Slots, symbol
from wengert.compile.definitions import Entries, Mapped, Memory, Placed, Reads
from wengert.compile.kernel import Buffer, Value
from wengert.core.graph import Atom

__all__ = ["NotCut", "Root", "Unit", "survey"]


class NotCut(Exception):  # noqa: N818 - a signal, not an error
    """The pieces of a value cannot be told apart where it is read: it has to be in memory."""

    def __init__(self, atom: Atom) -> None:
        super().__init__()
        self.atom = atom


class Root:
    """A value that loops compute.

    Attributes
    ----------
    atom : Atom
    body : Definition
        Of the entry that one step computes, at the index of the step.
    axes : tuple of Axis
        One loop for each, outermost first.
    kept : tuple of int
        Which of them index the result; the others are joined.
    operation, first :
        How they are joined, and what joining begins with; None if all are kept.
    reads : dict
        The roots and units that it reads, and at which indices.
    sources : set of Atom and Buffer
        The values in memory that it reads, and the memory that it touches: parts of complex arrays lie in one.
    cuts : dict
        For each axis, where its loop is to be cut.
    target : Memory or None
        Where it is to be put.
    in_memory : bool
        Whether somebody wants it in memory.
    drop : int
        How many of the outermost loops it shares with all that read it: it is kept for one step of these.
    order : int
        Of which node of the graph it comes.
    weight : int
        About how many additions a step takes.
    """

    __slots__ = (
        "atom",
        "axes",
        "body",
        "cuts",
        "drop",
        "first",
        "in_memory",
        "kept",
        "operation",
        "order",
        "path",
        "reads",
        "sources",
        "target",
        "weight",
    )

    def __init__(self, atom: Atom, body: Any, shape: Sequence[int]) -> None:
        self.atom = atom
        self.body = body
        self.axes = tuple([Axis(n) for n in shape])
        self.kept = tuple(range(len(shape)))
        self.operation: str | None = None
        self.first: Any = None
        self.reads: dict[Any, list[Slots]] = {}
        self.sources: set[Atom | Buffer] = set()
        self.cuts: dict[Axis, set[int]] = {}
        self.target: Memory | None = None
        self.in_memory = False
        self.drop = 0
        self.order = -1
        self.weight = 0
        self.path: tuple[Any, ...] = ()

    def joining(self, operation: str, first: Any, joined: Iterable[int]) -> Root:
        """Return the same with some axes joined."""
        self.operation, self.first = operation, first
        self.kept = tuple([i for i in range(len(self.axes)) if i not in set(joined)])
        return self

    @property
    def index(self) -> Slots:
        """The index of a step."""
        return tuple([symbol(axis) for axis in self.axes])

    @property
    def place(self) -> Slots:
        """The index of what a step computes in the result."""
        return tuple([symbol(self.axes[i]) for i in self.kept])

    @property
    def inner(self) -> int:
        """From which loop on all axes are joined: their result is carried from step to step."""
        k = len(self.axes)
        while k and k - 1 not in self.kept:
            k -= 1
        return k

    @property
    def outer(self) -> int | None:
        """The outermost loop that joins around one that does not: the result is added up in memory; or None."""
        joined = [k for k in range(self.inner) if k not in self.kept]
        return joined[0] if joined else None

    def entry(self, entries: Entries) -> Value:
        """Write what a step computes."""
        return self.body.entry(entries, tuple([entries.resolve(e) for e in self.index]))  # type: ignore[no-any-return]

    def first_reads(self) -> Reads:
        """Return what a step reads."""
        return self.body.reads(self.index)  # type: ignore[no-any-return]


class Unit:
    """What is no loop over entries, and reads and writes memory as a whole: a routine, a loop over steps, a branch.

    Attributes
    ----------
    operands, results : tuple of Atom
    write : callable
        Writes it, when all operands are in memory.
    is_alias : bool
        Whether the results lie in the memory of the operands.
    base : Atom or None
        An operand in whose memory the result may be written, if nobody reads it afterwards.
    bases : dict
        Of some results, operands in whose memory they may be written, as far as nobody reads these afterwards.
    taken : dict
        Of those that are, whose memory it was: a root or unit, or None for what a step starts from.
    order : int
        Of which node of the graph it comes.
    """

    __slots__ = (
        "axes",
        "base",
        "bases",
        "is_alias",
        "operands",
        "order",
        "path",
        "reads",
        "results",
        "sources",
        "taken",
        "write",
    )

    def __init__(
        self,
        operands: Iterable[Atom],
        results: Iterable[Atom],
        write: Callable[[], None],
        *,
        is_alias: bool = False,
        base: Atom | None = None,
        bases: dict[Atom, Atom] | None = None,
    ) -> None:
        self.base = base
        self.bases = bases or {}
        self.taken: dict[Atom, Any] = {}
        self.sources: set[Atom] = set()
        self.is_alias = is_alias
        self.order = -1
        self.operands = tuple(operands)
        self.results = tuple(results)
        self.write = write
        self.axes: tuple[Axis, ...] = ()
        self.reads: dict[Any, list[Slots]] = {}
        self.path: tuple[Any, ...] = ()


def survey(root: Root, entries: Entries, owners: dict[Atom, Any]) -> None:
    """Find out what a root reads, and where its loops are to be cut.

    Raises
    ------
    NotCut
        If a value of pieces is read in another way than piece by piece.
    """
    root.reads, root.cuts = {}, {}
    root.sources = set() if root.target is None else {root.target.buffer}
    seen: set[Any] = set()
    root.weight = 1 + _weight(root.body)
    _note_cuts(root, root.body, root.index)
    pending = list(root.first_reads())
    while pending:
        atom, index = pending.pop()
        if (atom, index) in seen:
            continue
        seen.add((atom, index))
        owner = owners.get(atom)
        if owner is not None:
            root.reads.setdefault(owner, []).append(index)
            continue
        definition = entries.definitions.get(atom)
        if definition is None:
            continue  # a constant number
        if isinstance(definition, Memory):
            root.sources |= {atom, definition.buffer}
            continue
        _note_cuts(root, definition, index)
        root.weight += _weight(definition)
        pending += definition.reads(index)


def _weight(definition: Any) -> int:
    return definition.kind.weight if isinstance(definition, Mapped) else 0


def _note_cuts(root: Root, definition: Any, index: Slots) -> None:
    if not isinstance(definition, Placed):
        return
    cuts = definition.cuts(index)
    if cuts is None:
        raise NotCut(definition.node.outputs[0])
    for axis, at in cuts:
        if 0 < at < axis.extent:
            root.cuts.setdefault(axis, set()).add(at)
