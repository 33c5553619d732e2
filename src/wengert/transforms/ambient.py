"""The ambient tape: always open, under all transformations, for programs that are differentiated as they run.

It is a `Tape` of tag 0, so that to every transformation its values are those of somebody outside. Three
things differ. Its nodes are lists of the fields of `Site`, not tuples, because they change: a backward pass
lets go of what it has used, and a hook may be put on a node that already has users. Values that nobody asks
the derivative of have no node. And leaves are not listed by anyone: each has a note, which is found by the
order of its node when a sweep arrives there.
"""

from __future__ import annotations

import threading
import weakref
from heapq import heappop
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core import attention
from wengert.core.dispatch import NO_PARAMS, Traced, bind
from wengert.core.primitive import Primitive, Site
from wengert.errors import ArgumentError, GraphFreedError
from wengert.ops.indexing import getitem_
from wengert.transforms.accumulation import LAZY, Pending
from wengert.transforms.keeping import SMALL, Locks
from wengert.transforms.reverse import reach
from wengert.transforms.tape import Recorded, Tape, older
from wengert.transforms.writing import is_static, private_buffer, stand_in, writes_plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Ambient", "Note", "hook", "is_leaf", "note_of"]

Node = list[Any]  # the fields of a `Site`


class Note:
    """What is remembered at a node: its gradient, what is to be called with it, and a name."""

    __slots__ = ("__weakref__", "grad", "hooks", "name", "retains")

    def __init__(self, name: str | None = None) -> None:
        self.grad: Any = None
        self.hooks: dict[int, Callable[[Any], Any]] = {}
        self.retains = False
        self.name = name

    def replaced(self, y_bar: Any, y: Any) -> Any:
        """Return a cotangent as the hooks leave it."""
        for function in tuple(self.hooks.values()):
            new = function(_read_only(y_bar))
            if new is not None:
                y_bar = _checked(new, y)
        return y_bar

    def add(self, y_bar: Any) -> None:
        """Add to the gradient, in a new array: a gradient that was handed out stays what it is."""
        with _mutex:
            if self.grad is not None:
                self.grad = self.grad + y_bar
            else:
                self.grad = y_bar if isinstance(y_bar, Traced) else np.array(y_bar)[()]


_mutex = threading.Lock()
_leaves: weakref.WeakValueDictionary[int, Note] = weakref.WeakValueDictionary()  # by the order of the node
_hooked: weakref.WeakSet[Note] = weakref.WeakSet()  # of nodes that are no leaves


def _read_only(y_bar: Any) -> Any:
    if isinstance(y_bar, np.ndarray):
        y_bar = y_bar.view()
        y_bar.flags.writeable = False
    return y_bar


def _checked(new: Any, y: Any) -> Any:
    shape = np.shape(new)
    if shape != y.shape:
        raise ArgumentError(
            f"a hook returned a gradient of shape {shape} for a value of shape {y.shape}",
            why="what a hook returns takes the place of the gradient.",
            instead="return an array of the shape of the gradient, or None to leave it as it is.",
        )
    return new.astype(y.dtype, copy=False) if hasattr(new, "astype") else y.dtype.type(new)


# Nodes --------------------------------------------------------------------------------------------------------------


def is_leaf(node: Node) -> bool:
    """Whether a node stands for an input."""
    return node[1] is None


def note_of(node: Node) -> Note | None:
    """Return the note at a node, if it has one."""
    note: Note | None = node[5] if is_leaf(node) else node[2].get("note")
    return note


def _hooked_vjp(y_bar: Any, site: Site, *, note: Note) -> tuple[Any]:
    y_bar = note.replaced(y_bar, site.y)
    if note.retains:
        note.add(y_bar)
    return (y_bar,)


_identity = Primitive(
    name="hooked", doc="The identity, whose cotangent hooks see.", eval=lambda x, note: x, vjp=_hooked_vjp
)


def hook(node: Node) -> Note:
    """Return the note at a node, whatever its users; the operation moves to a new node, a bit older, behind it."""
    note = note_of(node)
    if note is None:
        note = Note()
        _hooked.add(note)
        behind = [node[0] + 0.5, *node[1:]]
        node[1:] = [_identity, {"note": note}, (node[4],), node[4], None, (behind,)]
    return note


def _freed_vjp(_y_bar: Any, _site: Site, **_params: Any) -> Any:
    raise GraphFreedError(
        "backward() arrives at a part of the graph that an earlier backward() has freed",
        why="a backward pass lets go of the values it has used, unless it is told to keep them.",
        instead="pass retain_graph=True to the earlier backward(), add the outputs and call backward() once, or cut "
        "the graph between them with detach().",
    )


_freed = Primitive(
    name="freed", doc="An operation whose values are gone.", eval=lambda *xs: xs, vjp=_freed_vjp
)


def _free(node: Node) -> None:
    """Let go of what a node and those before it hold; results stay, which belong to their handles, and notes."""
    pending = [node]
    while pending:
        node = pending.pop()
        prim, parents = node[1], node[6]
        if prim is None or prim is _freed:
            continue
        pending += [parent for parent in parents if parent is not None]
        node[1], node[3], node[5], node[6] = _freed, (), None, ()
        if prim is not _identity:
            node[2] = NO_PARAMS


# The tape -----------------------------------------------------------------------------------------------------------


class _Leases(Locks):
    """Keeps large plain operands from being written to for as long as a node holds them."""

    __slots__ = ()

    def keep(self, x: Any) -> Any:
        """Return a value that stays what it is now: a view whose end gives the array back."""
        if type(x) is not np.ndarray or x.nbytes <= SMALL:
            return super().keep(x)
        lock = Locks()
        lock.keep(x)
        view = x.view()
        if lock:
            weakref.finalize(view, lock.release).atexit = False
        return view


class Ambient(Tape):
    """Records operations on handles of one class, at any time and in any thread.

    Parameters
    ----------
    kind : type
        The class of its handles.
    """

    __slots__ = ("_kind",)
    name = "backward()"

    def __init__(self, kind: type[Traced]) -> None:
        super().__init__()
        self.tag, self.open, self.locks, self._kind = 0, True, _Leases(), kind
        attention.opened(self)

    def handle(self, value: Any, node: Node | None = None) -> Any:
        """Return a value as a handle; without a node it is a constant."""
        x = object.__new__(self._kind)
        x.interpreter, x.value, x.info = self, value, node
        return x

    def leaf(self, value: Any, name: str | None) -> Node:
        """Return a new node that stands for an input."""
        node = list(self.lift(stand_in(value)).info)
        node[5] = _leaves[node[0]] = Note(name)
        return node

    def hold(self, value: Any) -> Any:
        """Return a constant as a handle."""
        return self.handle(value)

    def unary(self, prim: Primitive, x: Traced) -> Any:
        """Record an elementwise operation of one operand."""
        if not self.direct or prim.vjp is None:
            return self.apply(prim, (x,), NO_PARAMS)
        value, node = x.value, x.info
        y = prim.eval(value)
        if node is None:
            return self.handle(y)
        return self.handle(y, [older(), prim, NO_PARAMS, (value,), y, None, (node,)])

    def binary(self, prim: Primitive, a: Any, b: Any) -> Any:
        """Record an elementwise operation of two operands; those that are traced are ours, as we are the outermost."""
        if not self.direct or prim.vjp is None:
            return self.apply(prim, (a, b), NO_PARAMS)
        a_node = b_node = None
        if isinstance(a, Traced):
            a, a_node = a.value, a.info
        elif type(a) is np.ndarray:
            a = self.locks.keep(a)
        if isinstance(b, Traced):
            b, b_node = b.value, b.info
        elif type(b) is np.ndarray:
            b = self.locks.keep(b)
        y = prim.eval(a, b)
        if a_node is b_node is None:
            return self.handle(y)
        return self.handle(y, [older(), prim, NO_PARAMS, (a, b), y, None, (a_node, b_node)])

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Evaluate, and record the site."""
        return self._adopted(super().apply(prim, xs, params))

    def _adopted(self, y: Any) -> Any:
        """Return what the tape recorded as handles of our class; what depends on no leaf is a constant."""
        if type(y) is Recorded:
            y.__class__ = self._kind  # type: ignore[assignment]  # of the same layout
            y.info = list(y.info) if any(parent is not None for parent in y.info[6]) else None
        elif type(y) is tuple and y and type(y[0]) is Recorded:
            whole = list(y[0].info[6][0])  # the results of one operation share its node
            constant = all(parent is None for parent in whole[6])
            return tuple([self.handle(v.value, None if constant else [*v.info[:6], (whole,)]) for v in y])
        return y

    def entry(self, x: Traced, index: Any) -> Any:
        """Return an entry of a vector, or None; the node does not keep the vector, so that it can be written to."""
        value, node = x.value, x.info
        if node is None or type(index) is not int or type(value) is not np.ndarray or value.ndim != 1:
            return None
        if not self.direct:
            return None
        y = value[index]
        return self.handle(y, [older(), getitem_, {"index": index}, (None,), y, None, (node,)])

    def unrecorded(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Apply a primitive to values alone; results that could have had a derivative are constants."""
        y = bind(prim, [x.value if self.owns(x) else x for x in xs], params)
        if not prim.differentiable:
            return y
        return tuple([self.handle(v) for v in y]) if prim.multiple else self.handle(y)

    def write(self, x: Any, index: Any, v: Any) -> bool:
        """Write into the buffer of a handle; a leaf has none that may be written to."""
        if x.info is not None:
            if is_leaf(x.info) or not super().write(x, index, v):
                return False
            x.info = list(x.info)
            return True
        if not (self.direct and type(x.value) is np.ndarray and is_static(index)):
            return False
        if isinstance(v, Traced) or not writes_plainly(x.value, v):
            return False
        buffer = private_buffer(x)
        buffer[index] = v
        x.value = buffer
        return True

    def releases(self, x: Traced) -> bool:
        """Whether a handle may become a plain number: a constant, or where recording is paused."""
        return x.info is None or self.suspended()

    # Backward

    def backward(self, node: Node, y_bar: Any, *, keep: bool, differentiable: bool) -> None:
        """Pull a cotangent back and add to the gradients of the leaves; nothing is added if something raises."""
        if differentiable:
            found = self._reach_differentiably(node, y_bar)
        else:
            found = reach(
                [(node, y_bar)], guarded=bool(_hooked)
            )  # a stretch taken back would call hooks twice
        reached = [
            (note, x_bar) for order, x_bar in found.items() if (note := _leaves.get(order)) is not None
        ]
        totals = [(note, note.replaced(x_bar, x_bar)) for note, x_bar in reached]
        for note, x_bar in totals:
            note.add(x_bar)
        if not keep:
            _free(node)

    def _reach_differentiably(self, node: Node, y_bar: Any) -> dict[int, Any]:
        """Sweep with rules that run on handles, so that what they do is recorded; return cotangents of leaves."""
        pending = Pending()
        pending.add(node, y_bar)
        found = {}
        with np.errstate(all="ignore"):
            while pending.heap:
                node = heappop(pending.heap)
                y_bar = pending.sums.pop(node[0])
                if type(y_bar) in LAZY:
                    y_bar = pending.total(y_bar, node)
                if is_leaf(node):
                    found[node[0]] = y_bar
                    continue
                x_bars = node[1].vjp(y_bar, self._reopened(node), **node[2])
                for parent, x_bar in zip(node[6], x_bars, strict=True):
                    if parent is not None and x_bar is not None:
                        pending.add(parent, x_bar)
        return found

    def _reopened(self, node: Node) -> Site:
        """Return a node as a site whose values are handles again, with what is saved computed from them."""
        order, prim, params, values, y, saved, parents = node
        pairs = zip(values, parents, strict=False)  # of several results as operands, one node is the parent
        xs = tuple([x if parent is None else self.handle(x, parent) for x, parent in pairs])
        if prim.save is not None:
            y, saved = prim.save(*xs, **params)
        elif prim.multiple:
            y = bind(prim, xs, params)
        else:
            y = self.handle(y, node)
        return Site(order, prim, params, xs, y, saved, parents)
