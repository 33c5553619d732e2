"""Blocks of statements, staged.

A block reads and writes two things: what variables stand for, and the contents of arrays. Before it is staged `put`
gives variables stand-ins of their values, and afterwards `get` says what they became. Traced arrays are handles, which
may go by many names and have views; so a handle that a block writes into is itself made to stand for an input, and is
set back when the block is done.
"""

from __future__ import annotations

import gc
import operator
import weakref
from collections.abc import Callable, Sequence
from contextvars import Token
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from wengert import tree
from wengert.core import attention
from wengert.core.dispatch import Traced
from wengert.core.linking import mark_stale
from wengert.core.views import View, is_scalar, link_of
from wengert.errors import LiftError
from wengert.lifting.exits import INTERNAL
from wengert.transforms.staging import Stage, Staged
from wengert.types import ArrayType, type_of

__all__ = [
    "Block",
    "Bystanders",
    "Site",
    "StandIns",
    "Unset",
    "Variables",
    "commit",
    "common_type",
    "differ",
    "is_array",
    "is_mutable",
    "is_operand",
    "owner",
    "require_distinct",
    "require_one_name",
    "require_own",
    "same_object",
    "settled",
    "shared",
    "weak_type",
]

_SHOWN = {
    f"{INTERNAL}value": "the returned value",
    f"{INTERNAL}choice": "the value of a conditional expression",
}
_NUMBERS = (bool, int, float, complex)
_PLAIN = (*_NUMBERS, str, bytes, np.generic)


class Unset:
    """The value of a variable that has none."""

    __slots__ = ("name", "why")

    def __init__(self, name: str, why: str = "") -> None:
        self.name = name
        self.why = why


class Site(NamedTuple):
    """A statement.

    Attributes
    ----------
    names : tuple of str
        The variables that it assigns, or whose contents it writes.
    kept : tuple of bool
        Whether their values are wanted afterwards, or by the next step.
    others : tuple of str
        The other variables of the function.
    n_read : int
        How many of these it reads: the first ones.
    rebound : frozenset of str
        Variables that it assigns plainly: to another object.
    written : frozenset of str
        Variables whose contents it writes.
    risky : frozenset of str
        Variables whose contents the function writes anywhere.
    line : int
    reason : str
        Why it cannot be part of a graph, if so.
    key : str
        The function that it is in.
    """

    names: tuple[str, ...]
    kept: tuple[bool, ...]
    others: tuple[str, ...]
    n_read: int
    rebound: frozenset[str]
    written: frozenset[str]
    risky: frozenset[str]
    line: int
    reason: str
    key: str


class Variables(NamedTuple):
    """Reading and writing the variables of a statement.

    Attributes
    ----------
    get : callable
        Returns the values of those that the statement writes, then of the others.
    put : callable
        Takes the values of the former.
    """

    get: Callable[[], tuple[Any, ...]]
    put: Callable[[Sequence[Any]], None]


# Values ---------------------------------------------------------------------------------------------------------------


def is_array(x: Any) -> bool:
    """Whether a value is an array, or a traced value."""
    return isinstance(x, Traced) or (type(x) is np.ndarray and x.dtype.kind in "biufc")


def is_operand(x: Any) -> bool:
    """Whether a value may be an operand of a graph."""
    return is_array(x) or isinstance(x, np.number | np.bool_) or type(x) in _NUMBERS


def weak_type(x: Any) -> Any:
    """Return the Python type of a number, or of what stands for one."""
    if type(x) in _NUMBERS:
        return type(x)
    return x.value.weak if isinstance(x, Staged) else None


def same_object(a: Any, b: Any) -> bool:
    """Whether two values that are not traced are one and the same for the program."""
    return a is b or (type(a) is type(b) and isinstance(a, _PLAIN) and repr(a) == repr(b))


def common_type(x: Any, y: Any) -> ArrayType | None:
    """Return the type of two values of one shape; only Python numbers change theirs."""
    s, t = type_of(x), type_of(y)
    if s.dtype == t.dtype:
        return s
    weak_x, weak_y = weak_type(x), weak_type(y)
    dtype = np.result_type(weak_x() if weak_x else s.dtype, weak_y() if weak_y else t.dtype)
    if (weak_x is None and dtype != s.dtype) or (weak_y is None and dtype != t.dtype):
        return None
    return ArrayType(s.shape, dtype)


def owner(x: Any) -> Any:
    """Return the handle whose contents a handle shows: the base of a view."""
    link = link_of(x)
    return link.base if isinstance(link, View) else x


def is_mutable(x: Any) -> bool:
    """Whether a value is an array that can be written into."""
    return isinstance(x, np.ndarray) or (isinstance(x, Traced) and not is_scalar(x))


# Errors ---------------------------------------------------------------------------------------------------------------


def _described(values: Any) -> str:
    if isinstance(values, Unset):
        return "no value"
    leaves, structure = tree.flatten(values)
    return str(tree.unflatten(structure, [type_of(x) if is_operand(x) else x for x in leaves])).replace(
        "'", ""
    )


def differ(name: str, what: str, first: Any, second: Any) -> LiftError:
    """Return the error that a variable has two types."""
    shown = _SHOWN.get(name, name)
    return LiftError(
        f"{shown} is {_described(first)} {what} {_described(second)}",
        why="what follows is made for one type of it, whatever way the program goes.",
        instead="give it one structure, shape and dtype: x.astype, np.reshape, np.broadcast_to, a buffer of full size.",
    )


def shared(name: str) -> LiftError:
    """Return the error that a write would be seen under one name only."""
    return LiftError(
        f"a loop or branch writes into an array that goes by more names than one ({name})",
        why="in a graph they would be two arrays, and a write to one would not be seen in the other.",
        instead="make a copy where the second name is given: y = x.copy().",
    )


# Staging --------------------------------------------------------------------------------------------------------------


class Block(Stage):
    """Stages a block, and looks after the handles from around it that it writes.

    Attributes
    ----------
    written : dict
        By its id: a handle, and what it was before.
    """

    __slots__ = ("_told", "written")
    name = "lifted block"

    def __init__(self) -> None:
        super().__init__()
        self.written: dict[int, tuple[Traced, Traced]] = {}
        self._told: Token[Any] | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        self._told = attention.writes.set(self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._told is not None:
            attention.writes.reset(self._told)
            self._told = None
        super().__exit__(kind, error, trace)

    def _note(self, x: Traced) -> None:
        if x.interpreter.tag < self.tag and id(x) not in self.written:
            self.written[id(x)] = (x, x.detached())

    def place(self, x: Traced) -> Staged:
        """Make a handle stand for a new input of its type; return that."""
        self._note(x)
        new = self.lift(type_of(x), scalar=False)
        _turn(x, new)
        return new

    def restore(self) -> dict[int, Traced]:
        """Set the handles back; return what they had become, by their ids."""
        ends = {key: x.detached() for key, (x, _) in self.written.items()}
        for x, before in self.written.values():
            _turn(x, before)
        return ends


def _turn(x: Traced, new: Traced) -> None:
    """Make a handle, which is no view, be what another is; without telling anybody."""
    x.__class__ = type(new)
    x.interpreter, x.value, x.info = new.interpreter, new.value, new.info
    mark_stale(link_of(x))


class StandIns:
    """Variables of a block with stand-ins for their arrays and numbers.

    Attributes
    ----------
    values : list
        Of the variables; containers are copies.
    tracers, operands : list
        The stand-ins, and what they stand for.
    places : list of (int, int)
        Of which variable and of which leaf of it each is.
    """

    def __init__(self, values: Sequence[Any], chosen: Sequence[Callable[[Any], bool]], make: Any) -> None:
        self.values: list[Any] = []
        self.tracers: list[Staged] = []
        self.operands: list[Any] = []
        self.places: list[tuple[int, int]] = []
        self._originals: list[int] = []
        self._first: list[tuple[list[Any], Any]] = []  # leaves and structure of each variable
        for k, (value, wanted) in enumerate(zip(values, chosen, strict=True)):
            leaves, structure = tree.flatten(value)
            for j, x in enumerate(leaves):
                if wanted(x):
                    leaves[j] = make(x)
                    self._note(x, leaves[j], (k, j))
            self._first.append((leaves, structure))
            alone = len(leaves) == 1 and leaves[0] is value
            self.values.append(value if alone else tree.unflatten(structure, leaves))
        self._atoms = {id(t): t.value for t in self.tracers}

    def _note(self, x: Any, tracer: Staged, place: tuple[int, int]) -> None:
        self.tracers.append(tracer)
        # not the array itself: see `commit`
        self.operands.append(
            x.detached() if isinstance(x, Traced) else x.copy() if type(x) is np.ndarray else x
        )
        self.places.append(place)
        self._originals.append(id(x))

    def _is_written(self, x: Any) -> bool:
        atom = self._atoms.get(id(x))
        return atom is not None and x.value is not atom

    def is_untouched(self, k: int, after: Any) -> bool:
        """Whether a variable stands for what it stood for, and nothing was written there."""
        (old, structure), (new, other) = self._first[k], tree.flatten(after)
        return structure == other and all(
            a is b and not self._is_written(b) for a, b in zip(old, new, strict=True)
        )

    def written(self) -> set[int]:
        """Return the ids of the arrays whose stand-ins were written into: who else holds them would not see it."""
        pairs = zip(self._originals, self.tracers, strict=True)
        return {key for key, t in pairs if self._is_written(t)}


# Who else sees a write ------------------------------------------------------------------------------------------------


def settled(old: Any, new: Any, *, in_place: bool) -> Any:
    """Return the value of a variable after a statement; other holders of a container see what is written."""
    if in_place and type(old) is list and type(new) is list:
        old[:] = new
        return old
    if in_place and type(old) is dict and type(new) is dict:
        old.clear()
        old.update(new)
        return old
    return new


class Bystanders:
    """What a block only reads, as far as functions that it calls could write there: containers, plain arrays."""

    def __init__(self, values: Sequence[Any]) -> None:
        self._held = [(x, x.copy()) for x in values if type(x) in {list, dict, set, np.ndarray}]

    def require_same(self) -> None:
        """Raise if one was written into, after setting it back."""
        changed = [(x, old) for x, old in self._held if not _equal(x, old)]
        for x, old in changed:
            if isinstance(x, np.ndarray):
                x[...] = old
            else:
                x.clear()
                (x.extend if isinstance(x, list) else x.update)(old)
        if changed:
            raise LiftError(
                "a function that is called in a loop or branch writes into one of its arguments",
                why="the loop is staged once, so that it would be written once.",
                instead="return what is to be written, and assign it in the loop.",
            )


def _equal(x: Any, old: Any) -> bool:
    if isinstance(x, np.ndarray):
        return bool(x.tobytes() == old.tobytes())
    if isinstance(x, set):
        return bool(x == old)
    if isinstance(x, dict):
        return list(x) == list(old) and all(map(operator.is_, x.values(), old.values()))
    return len(x) == len(old) and all(map(operator.is_, x, old))


def require_one_name(site: Site, before: Sequence[Any]) -> None:
    """Raise if a container or plain array that a statement writes into goes by another name too."""
    seen: dict[int, int] = {}
    for x in before:
        for leaf in (x, *tree.flatten(x)[0]) if isinstance(x, list | dict | tuple) else (x,):
            if isinstance(leaf, list | dict | np.ndarray):
                seen[id(leaf)] = seen.get(id(leaf), 0) + 1
    for name, x in zip(site.names, before, strict=False):
        if name in site.written and seen.get(id(x), 0) > 1:
            raise shared(name)


def require_own(site: Site, k: int, x: Any, everything: Sequence[Any]) -> None:
    """Raise if an array of a variable is one of another variable too, and the function writes into one of them."""
    if not (isinstance(x, Traced) and is_mutable(x)):
        return
    for j, (name, y) in enumerate(zip((*site.names, *site.others), everything, strict=True)):
        for leaf in (y,) if isinstance(y, Traced) else tree.flatten(y)[0]:
            same = j != k and isinstance(leaf, Traced) and owner(leaf) is owner(x)
            if same and {name, site.names[k]} & site.risky:
                raise shared(f"{site.names[k]}, {name}")


def require_distinct(after: Sequence[Any], cells: Sequence[Any], *, wrote: bool) -> None:
    """Raise if two of the arrays that a loop carries are one, and it writes into arrays."""
    handles = [
        x for value in after for x in tree.flatten(value)[0] if isinstance(x, Traced) and is_mutable(x)
    ]
    ids = [id(owner(x)) for x in (*handles, *cells)]
    if wrote and len(set(ids)) < len(ids):
        raise shared("carried from step to step")


def commit(
    variables: Variables, before: list[Any], new: Sequence[tuple[Any, bool]], stand_ins: Sequence[StandIns]
) -> None:
    """Set variables to new values, containers in place where that is said.

    Arrays whose stand-ins were written into must have no other holder: if they have one, the old values are put back,
    and that is raised. `before` is emptied.
    """
    written = set[int]().union(*[s.written() for s in stand_ins])
    weak = [_Weakened(x, written) for x in before]
    values = [settled(old, value, in_place=on) for old, (value, on) in zip(before, new, strict=True)]
    before.clear()
    variables.put(values)
    if any(w.is_held() for w in weak):
        gc.collect()  # an attempt that failed may have left cycles
    if any(w.is_held() for w in weak):
        variables.put([w.restored() for w in weak])
        raise shared("the other is outside of the lifted function, or is not read in the loop")


class _Weakened:
    """A value that does not keep some of its arrays alive."""

    def __init__(self, value: Any, arrays: set[int]) -> None:
        leaves, self._structure = tree.flatten(value)
        self._container = value if type(value) in {list, dict} else None
        self._leaves = [weakref.ref(x) if is_mutable(x) and id(x) in arrays else x for x in leaves]

    def is_held(self) -> bool:
        return any(isinstance(x, weakref.ref) and x() is not None for x in self._leaves)

    def restored(self) -> Any:
        leaves = [x() if isinstance(x, weakref.ref) else x for x in self._leaves]
        return settled(self._container, tree.unflatten(self._structure, leaves), in_place=True)
