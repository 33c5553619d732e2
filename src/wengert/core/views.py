"""Views: writes through one handle are seen by the others, as NumPy's views of one buffer see each other's.

A view holds its base, the handle that owns the data, and the recipe (NumPy calls) that made it. A write to a
base rebinds the base and makes its living views stale: a stale handle takes its value anew from the base when
it is next looked at. A write to a view is a write to its base. Reading costs nothing until something is
written.

    link of a base   `Base`: weak references to its views
    link of a view   `View`: the base and the recipe
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert.core.attention import resumed
from wengert.core.dispatch import Traced
from wengert.core.graph import Atom
from wengert.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "STALE",
    "Base",
    "Step",
    "View",
    "as_handle",
    "axes_in_memory",
    "base_of",
    "example_of",
    "is_open",
    "is_scalar",
    "link_of",
    "plain_under",
    "positions",
    "require_array",
    "revalued",
    "root",
    "same_layout",
    "share_memory",
    "staged_under",
    "stale",
]


class Step(NamedTuple):
    """One call that makes a view: function(x, *args, **kwargs), and which item if that is a sequence."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    item: int | None = None

    def __call__(self, x: Any) -> Any:
        """Make the view."""
        y = self.function(x, *self.args, **self.kwargs)
        return y if self.item is None else y[self.item]


class View(NamedTuple):
    """What a view is a view of."""

    base: Any
    recipe: tuple[Step, ...]
    writeable: bool


class Base:
    """The living views of a handle."""

    __slots__ = ("_limit", "_views")

    def __init__(self) -> None:
        self._views: list[weakref.ref[Traced]] = []
        self._limit = 16

    def add(self, view: Traced) -> None:
        """Remember a view; now and then forget those that are gone."""
        self._views.append(weakref.ref(view))
        if len(self._views) > self._limit:
            self._views = [ref for ref in self._views if ref() is not None]
            self._limit = 2 * len(self._views) + 16

    def take(self) -> list[Traced]:
        """Return the living views and forget them."""
        views = [view for ref in self._views if (view := ref()) is not None and type(link_of(view)) is View]
        self._views = []
        return views


def link_of(x: Traced) -> Base | View | None:
    """Return the link of a handle; most have none, and never set the slot."""
    return getattr(x, "link", None)


def base_of(x: Traced) -> Base:
    """Return the link of a handle that owns its data."""
    link = link_of(x)
    if link is None:
        x.link = link = Base()
    return link  # type: ignore[return-value]  # a view is no base


def as_handle(interpreter: Any, value: Any) -> Any:
    """Return a constant array as a handle; it is marked where it has no axes, as a batch of scalars is not."""
    x = interpreter.hold(value)
    if not x.ndim:
        base_of(x)
    return x


def positions(recipe: tuple[Step, ...], shape: tuple[int, ...]) -> Any:
    """Return where in the flattened base the entries of a view lie."""
    n = 1
    for length in shape:
        n *= length
    places = np.arange(n).reshape(shape)
    for step in recipe:
        places = step(places)
    return places


def root(x: Any) -> Any:
    """Return the plain value under all tracers; the atom of a graph, if that is what they stand for."""
    while isinstance(x, Traced):
        x = x.value
    return x


def staged_under(x: Any) -> Any:
    """Return the tracer under all others, if it stands for an atom of a graph, or None."""
    while isinstance(x, Traced):
        if isinstance(x.value, Atom):
            return x
        x = x.value
    return None


def is_open(x: Any) -> bool:
    """Whether a value has not one value that Python may look at: in a graph, or where examples of a batch differ."""
    return isinstance(x, Traced) and (staged_under(x) is not None or np.shape(root(x)) != np.shape(x))  # type: ignore[call-overload]


def plain_under(x: Any, asked: str) -> Any:
    """Return the plain value under all tracers; for an atom of a graph, that for the actual inputs."""
    staged = staged_under(x)
    return root(x) if staged is None else staged.interpreter.plain(staged, asked)


def example_of(x: Any) -> Any:
    """Return a plain array that lies in memory as x does; for a batch, as one example would without the others."""
    plain, ndim = root(x), np.ndim(x)
    if not isinstance(plain, np.ndarray | Atom) or (isinstance(plain, np.ndarray) and plain.ndim == ndim):
        return plain
    link = link_of(x)
    if isinstance(link, View):
        example = example_of(link.base)
        for step in link.recipe:
            example = step(example)
        return example
    if isinstance(plain, Atom):
        return _example_of_atom(x, plain)
    return np.empty_like(
        plain[(0,) * (plain.ndim - ndim)] if plain.size else np.empty(np.shape(x), plain.dtype)
    )


def _example_of_atom(x: Any, atom: Atom) -> Any:
    """Return an array that lies as the value of an atom will; of a batch, in C's order."""
    if atom.ndim == np.ndim(x) > 1:
        return staged_under(x).interpreter.example(atom)
    example = np.empty(np.shape(x), atom.dtype)
    return example[()] if atom.scalar else example


def share_memory(x: Traced, y: Traced, step: Step) -> bool:
    """Whether y = step(x) is a view of x in NumPy."""
    a, b = root(x), root(y)
    if not (isinstance(a, np.ndarray | Atom) and isinstance(b, np.ndarray | Atom)):
        return False
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.ndim == np.ndim(x):  # type: ignore[arg-type]
        return np.may_share_memory(a, b)
    example = example_of(x)  # those of a batch may lie apart in memory, or intertwined
    return np.may_share_memory(example, step(example))


def is_scalar(x: Any) -> bool:
    """Whether a handle stands for a NumPy scalar (or a batch of them), which has no memory that a view could share."""
    if x.ndim or link_of(x) is not None:
        return False
    plain = root(x)
    if isinstance(plain, Atom):
        return plain.scalar or plain.ndim > 0
    return not isinstance(plain, np.ndarray) or plain.ndim > 0


def require_array(x: Any, what: str) -> None:
    """Refuse a method that writes where x may stand for a NumPy scalar, whose methods change a copy, and so nothing."""
    if is_scalar(x):
        raise RefusedError(
            f"{what} was called on what stands for a NumPy scalar, or for a batch of 0-d values",
            why="NumPy would write into a 0-d array, but not into a scalar, whose methods write into a copy.",
            instead="x = value for a scalar; x[...] = value for an array.",
        )


def axes_in_memory(x: Any) -> list[int]:
    """Return the axes of an array, or of one example of a batch, from the slowest to the quickest in memory.

    It decides whether a reshaped array is a view. As NumPy's, results keep the order of operands, and what is written
    into keeps its own.
    """
    plain, ndim = root(x), np.ndim(x)
    plain = example_of(x) if isinstance(plain, Atom) else plain
    strides = plain.strides[plain.ndim - ndim :] if isinstance(plain, np.ndarray) else (0,) * ndim
    lengths = np.shape(x)
    return sorted((i for i in range(ndim) if lengths[i] != 1), key=lambda i: -abs(strides[i]))


def same_layout(x: Any, y: Any) -> bool:
    """Whether two arrays of one shape lie in memory alike, as far as views of them are concerned."""
    if np.ndim(x) < 2:
        return True
    a, b = root(x), root(y)
    if isinstance(a, Atom) or isinstance(b, Atom):
        a, b = example_of(x), example_of(y)
    return getattr(a, "strides", None) == getattr(b, "strides", None)


# Stale views --------------------------------------------------------------------------------------------------------


def _refreshed(name: str) -> property:
    def read(self: Any) -> Any:
        link = self.link
        fresh = resumed(_replayed, link)
        self.__class__ = type(fresh)
        # reading `fresh` first refreshes it, should it be a stale view itself
        self.interpreter, self.value, self.info = fresh.interpreter, fresh.value, fresh.info
        base_of(link.base).add(self)
        return getattr(self, name)

    return property(read)


def _replayed(link: View) -> Any:
    y = link.base
    for step in link.recipe:
        y = step(y)
    return y


_FIELDS = {name: _refreshed(name) for name in ("interpreter", "value", "info")}
_stale_kinds: dict[type[Traced], type[Traced]] = {}
STALE: set[type[Traced]] = set()  # the classes of views that are to take their values anew


def stale(kind: type[Traced]) -> type[Traced]:
    """Return the class of a view whose base was written to: it takes its value anew when something of it is read."""
    found = _stale_kinds.get(kind)
    if found is None:
        found = type(f"Stale{kind.__name__}", (kind,), {"__slots__": (), **_FIELDS})
        found = _stale_kinds.setdefault(kind, found)
        STALE.add(found)
    return found


# Writes while recording is paused -----------------------------------------------------------------------------------


def revalued(old: Any, new: Any) -> Any:
    """Return a traced value with a new value and its old derivatives, in the transformations that are paused."""
    if isinstance(new, Traced) and (not isinstance(old, Traced) or new.interpreter.tag > old.interpreter.tag):
        return _holding(new, revalued(old, new.value))
    if not isinstance(old, Traced):
        return new
    paused = old.interpreter.suspended()
    if isinstance(new, Traced) and new.interpreter is old.interpreter:
        return _holding(old if paused else new, revalued(old.value, new.value))
    inner = revalued(old.value, new)
    return _holding(old, inner) if paused else old.interpreter.hold(inner)


def _holding(x: Traced, value: Any) -> Traced:
    other = x.detached()
    other.value = value
    return other
