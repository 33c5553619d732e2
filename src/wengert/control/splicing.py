"""A stretch of a tape that is not kept: one site stands for it, and the sweep records it again when it arrives.

The rule of that site runs the program again, on the same tape, and names the new sites as its parents. The
sweep goes on through them and from there to what was recorded before the stretch, as if the stretch had
always been there: it runs the same rules and adds in the same order, so that derivatives are equal to the
last bit, also those with respect to traced values that the program closes over.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.core.attention import pauses
from wengert.core.dispatch import Interpreter, Traced
from wengert.core.primitive import Primitive, Site
from wengert.core.views import root
from wengert.errors import ArgumentError, OverwriteError, origin
from wengert.transforms.accumulation import select_item
from wengert.transforms.keeping import Locks
from wengert.transforms.tape import Tape, older
from wengert.transforms.writing import stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from wengert.control.frozen import Draws

__all__ = [
    "Ports",
    "another_path",
    "by_tape",
    "handles_in",
    "own_locks",
    "put",
    "replaying",
    "resited",
    "stand_for",
]


# Handles ------------------------------------------------------------------------------------------------------------


def handles_in(values: Any) -> Iterator[Traced]:
    """Yield the handles of tapes in a tree of values, those inside of other tracers too, always in the same order."""
    pending = tree.flatten(values)[0][::-1]
    while pending:
        x = pending.pop()
        if isinstance(x, Traced):
            if isinstance(x.interpreter, Tape):
                yield x
            else:
                pending.append(x.info)  # a tangent
            pending.append(x.value)


def by_tape(handles: Iterable[Traced]) -> dict[Any, list[Traced]]:
    """Return the handles of each tape that is open."""
    found: dict[Any, list[Traced]] = {}
    for x in handles:
        if x.interpreter.open:
            found.setdefault(x.interpreter, []).append(x)
    return found


def resited(values: Any, site_of: Callable[[Traced], Any]) -> Any:
    """Return a tree of values whose handles on tapes, at any depth, are new ones with other sites."""
    memo: dict[int, Any] = {}
    leaves, structure = tree.flatten(values)
    return tree.unflatten(structure, [_resited(leaf, site_of, memo) for leaf in leaves])


def _resited(x: Any, site_of: Callable[[Traced], Any], memo: dict[int, Any]) -> Any:
    if not isinstance(x, Traced):
        return x
    if id(x) not in memo:
        new = memo[id(x)] = x.detached()
        new.value = _resited(x.value, site_of, memo)
        new.info = site_of(x) if isinstance(x.interpreter, Tape) else _resited(x.info, site_of, memo)
    return memo[id(x)]


class Ports:
    """The handles of one tape that were given sites after `start`; those of one site are one port."""

    __slots__ = ("marks", "places", "shapes", "sites")

    def __init__(self, handles: Sequence[Traced], start: float) -> None:
        self.places: list[int | None] = []
        self.sites: list[Any] = []
        self.shapes: list[Any] = []
        self.marks: list[Any] = []
        found: dict[float, int] = {}
        for x in handles:
            site = x.info
            if site is None or site[0] > start:
                self.places.append(None)
                continue
            place = found.setdefault(site[0], len(found))
            self.places.append(place)
            if place == len(self.sites):
                self.sites.append(site)
                self.shapes.append((x.value.shape, x.value.dtype))
                self.marks.append(_mark(root(x)))

    def without_sites(self) -> Ports:
        """Return what is to be remembered of them."""
        new = Ports((), 0.0)
        new.places, new.shapes, new.marks = self.places, self.shapes, self.marks
        return new

    def repeated(self, other: Ports, name: str) -> list[Any]:
        """Return the sites of the same ports in another run, or raise if it did something else."""
        if (other.places, other.shapes) != (self.places, self.shapes):
            raise another_path(name, "its results differ in number, shape, dtype, or in what they depend on")
        if not all(map(_alike, self.marks, other.marks)):
            raise another_path(name, "its results have other values")
        return other.sites


def _mark(x: Any) -> Any:
    """Return what tells two results apart, but not two roundings of one: sums, their size, and the precision."""
    if not isinstance(x, np.ndarray | np.generic) or x.dtype.kind not in "fc":
        return None
    with np.errstate(all="ignore"):
        return np.sum(x), float(np.sum(np.abs(x))), float(np.sqrt(np.finfo(x.dtype).eps))


def _alike(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return a is b
    if not np.isfinite(a[1]):
        return not np.isfinite(b[1])
    return bool(abs(a[0] - b[0]) <= a[2] * a[1])


def another_path(name: str, how: str) -> ArgumentError:
    """Return the error of a second run that differs from the first."""
    return ArgumentError(
        f"{name} did something else when it was run again for its derivative: {how}",
        why="its operations are not kept but repeated, which needs the same operations on the same values.",
        instead="pass what changes between calls as an argument, not through objects or global variables, and draw "
        "random numbers from np.random or from a generator that is an argument or closed over.",
    )


# Sites --------------------------------------------------------------------------------------------------------------


class _Parents:
    """The parents of a site that stands for a stretch: those known, and once after each repetition the new sites."""

    __slots__ = ("_found", "_known")

    def __init__(self, known: tuple[Any, ...]) -> None:
        self._known = known
        self._found: dict[int, list[Any]] = {}

    def hand_over(self, sites: list[Any]) -> None:
        """Be these sites for the sweep of this thread, which asks next."""
        self._found[threading.get_ident()] = sites

    def __iter__(self) -> Iterator[Any]:
        return iter(self._found.pop(threading.get_ident(), self._known))


def _stretch_vjp(y_bars: Sequence[Any], site: Site, *, again: Callable[[], list[Any]]) -> Sequence[Any]:
    site.parents.hand_over(again())  # type: ignore[attr-defined]
    return y_bars


_stretch = Primitive(  # not in the registry: it stands for operations, and is none
    name="stretch",
    doc="Operations that are recorded again when the sweep arrives.",
    vjp=_stretch_vjp,
    eval=lambda: (),
)


def put(handles: Sequence[Traced], ports: Ports, sites: Sequence[Any]) -> None:
    """Give the handles of ports these sites."""
    for x, place in zip(handles, ports.places, strict=True):
        if place is not None:
            x.info = sites[place]


def stand_for(
    handles: Sequence[Traced], ports: Ports, again: Callable[[], list[Any]], known: tuple[Any, ...] = ()
) -> list[Any]:
    """Return sites for the ports of a stretch that `again` repeats; `again` returns the new sites of the ports."""
    node = type(ports.sites[0])  # tuples, or the lists of the ambient tape
    n = len(ports.sites)
    whole = node((older(), _stretch, {"again": again}, (), (None,) * n, None, _Parents(known)))
    sites: list[Any] = [None] * n
    for x, place in zip(handles, ports.places, strict=True):
        if place is not None and sites[place] is None:
            y = stand_in(x.value) if type(x.value) is np.ndarray else x.value
            sites[place] = node((older(), select_item, {"item": place}, (), y, None, (whole,)))
    return sites


# Running again ------------------------------------------------------------------------------------------------------

_mutex = threading.RLock()  # the states of interpreters and of NumPy's generator are those of the process


@contextmanager
def own_locks(stack: Sequence[Interpreter]) -> Iterator[None]:
    """Lock plain arrays for the time of a run only: what it records is not kept."""
    tapes = [i for i in stack if isinstance(i, Tape) and type(i.locks) is Locks]
    before = [tape.locks for tape in tapes]
    for tape in tapes:
        tape.locks = Locks()
    try:
        yield
    except ValueError as error:
        if "read-only" not in str(error) or isinstance(error, OverwriteError):
            raise
        raise OverwriteError(
            "a plain array that is needed for a derivative is written to in a function that is run twice",
            why="the second run, in the reverse sweep, needs the old contents.",
            instead="write into a fresh array, e.g. buffer = buffer.copy() before the write.",
            where=origin(error),
        ) from error
    finally:
        for tape, locks in zip(tapes, before, strict=True):
            tape.locks.release()
            tape.locks = locks


@contextmanager
def replaying(stack: Sequence[Interpreter], draws: Draws, states: Any) -> Iterator[None]:
    """Be where the first run was: in the same transformations, with the same random numbers to come."""
    with _mutex, ExitStack() as around:
        token = pauses.set(())
        around.callback(pauses.reset, token)
        for interpreter in stack:
            if not interpreter.open:
                around.enter_context(interpreter)
        around.enter_context(own_locks(stack))
        around.enter_context(draws.again(states))
        yield
