"""A call as it was: what a function and its arguments held before it ran, to run it again later.

A function is more than its code. Between its first run and the next one the program may give another value to
a variable that it closes over (the loop variable of a `for` that makes functions), write into an array or a
traced value, append to a list, or draw random numbers. So a call is copied before it is made: cells of
closures, containers, traced handles and small arrays are new; large arrays are shared, to be locked; states of
random generators are noted.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import string_at
from functools import lru_cache, partial
from typing import Any

import numpy as np

from wengert import tree
from wengert.core.dispatch import Traced
from wengert.transforms.keeping import SMALL

__all__ = ["Copies", "Draws", "Frozen"]

_ATOMS = frozenset({bool, bytes, complex, float, int, str, type(None), *np.sctypeDict.values()})
_CONTAINERS = (list, dict, tuple)
_LONG = 1000  # entries; longer lists of numbers are taken as they are, longer containers not searched
_GENERATORS = (np.random.Generator, np.random.RandomState)
_OTHERS = ("numpy", "scipy", "wengert")  # packages whose functions keep no generators of the user's
_State = Any


class Copies:
    """Copies of values, alike where the originals are the same; `large` arrays are shared unless told otherwise."""

    def __init__(self, *, share: bool = True) -> None:
        self.originals: list[Traced] = []
        self.handles: list[Traced] = []
        self.large: list[Any] = []
        self._share = share
        self._memo: dict[int, tuple[Any, Any]] = {}  # holds the original too, so that its id stays its own

    def of(self, x: Any) -> Any:
        """Return the copy of a value."""
        if type(x) in _ATOMS:
            return x
        known = self._memo.get(id(x))
        if known is None:
            known = self._memo[id(x)] = (x, self._copy(x))
        return known[1]

    def _copy(self, x: Any) -> Any:
        if isinstance(x, Traced):
            self.originals.append(x)
            self.handles.append(x.detached())
            return self.handles[-1]
        special = _COPIED_BY.get(type(x))
        if special is not None:
            return special(self, x)
        return self._container(x)

    def _container(self, x: Any) -> Any:
        if isinstance(x, list | tuple) and len(x) > _LONG and type(x[0]) in _ATOMS:
            return x
        leaves, structure = tree.flatten(x)
        if len(leaves) == 1 and leaves[0] is x:
            return x
        return tree.unflatten(structure, [self.of(leaf) for leaf in leaves])

    def _array(self, x: Any) -> Any:
        if x.nbytes <= SMALL or not self._share:
            return x.copy("K")
        self.large.append(x)
        return x

    def _method(self, x: Any) -> Any:
        return types.MethodType(self.of(x.__func__), x.__self__)

    def _partial(self, x: Any) -> Any:
        return partial(
            self.of(x.func), *map(self.of, x.args), **{name: self.of(v) for name, v in x.keywords.items()}
        )

    def _function(self, f: Any) -> Any:
        """Return a function with cells and defaults of its own; it may close over itself."""
        if f.__closure__ is None and f.__defaults__ is None and f.__kwdefaults__ is None:
            return f
        cells = None if f.__closure__ is None else tuple([types.CellType() for _ in f.__closure__])
        new = types.FunctionType(f.__code__, f.__globals__, f.__name__, None, cells)
        self._memo[id(f)] = (f, new)
        new.__defaults__ = self.of(f.__defaults__)
        new.__kwdefaults__ = self.of(f.__kwdefaults__)
        new.__dict__.update(f.__dict__)
        for cell, old in zip(cells or (), f.__closure__ or (), strict=True):
            if _is_filled(old):
                cell.cell_contents = self.of(old.cell_contents)
        return new


_COPIED_BY: dict[type, Callable[[Copies, Any], Any]] = {
    np.ndarray: Copies._array,  # noqa: SLF001 - the table of the class above
    types.FunctionType: Copies._function,  # noqa: SLF001
    types.MethodType: Copies._method,  # noqa: SLF001
    partial: Copies._partial,  # noqa: SLF001
}


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:  # a variable that is assigned later
        return False
    return True


class Frozen:
    """A function and its arguments as they are now.

    Attributes
    ----------
    originals : list of Traced
        The handles that the call can reach; it may write into them.
    handles : list of Traced
        Their copies, which nobody writes into.
    """

    __slots__ = ("_call", "_large", "_leases", "draws", "handles", "originals", "states")

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...] = (), kwargs: Any = None) -> None:
        call = (fun, args, kwargs or {})
        copies = Copies()
        self._call = (copies.of(fun), copies.of(args), copies.of(kwargs or {}))
        self.originals, self.handles, self._large = copies.originals, copies.handles, copies.large
        self._leases: list[Any] = []
        self.draws = Draws(call)
        self.states = self.draws.now()

    def lock(self, locks: Any) -> None:
        """Keep the large arrays from being written to."""
        self._leases += [locks.keep(x) for x in self._large]

    def thawed(self) -> tuple[Any, Any, Any, list[Traced]]:
        """Return function, arguments and keyword arguments to call it with, and the handles that they hold."""
        copies = Copies()
        fun, args, kwargs = [copies.of(part) for part in self._call]
        return fun, args, kwargs, copies.handles


# Random numbers -----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def _names(code: types.CodeType) -> frozenset[str]:
    """Return the names that a function, and the functions in it, look up in modules or in objects."""
    inner = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return frozenset(code.co_names).union(*inner)


def _parts(x: Any) -> Iterator[Any]:
    """Yield what a generator may be found in."""
    if isinstance(x, types.FunctionType):
        if str(x.__module__).partition(".")[0] not in _OTHERS:
            yield from (cell.cell_contents for cell in x.__closure__ or () if _is_filled(cell))
            yield from x.__defaults__ or ()
            names = x.__globals__
            yield from (names[name] for name in _names(x.__code__) if name in names)
    elif isinstance(x, types.MethodType):
        yield from (x.__func__, x.__self__)
    elif isinstance(x, partial):
        yield from (x.func, *x.args, *x.keywords.values())
    elif isinstance(x, _CONTAINERS):
        if len(x) <= _LONG:
            yield from x.values() if isinstance(x, dict) else x
    elif not isinstance(x, np.ndarray | Traced | types.ModuleType | type):
        yield from getattr(x, "__dict__", {}).values()


class Draws:
    """The generators of random numbers that a call may draw from: NumPy's global one, and those that it can reach."""

    __slots__ = ("_generators", "_last")

    def __init__(self, call: Any) -> None:
        pending, seen, found = [call], {id(call)}, []
        while pending:
            for part in _parts(pending.pop()):
                if type(part) in _ATOMS or id(part) in seen:
                    continue
                seen.add(id(part))
                if isinstance(part, _GENERATORS):
                    found.append(part)
                else:
                    pending.append(part)
        self._generators = found
        self._last: _State = None

    def now(self) -> _State:
        """Return the states; the same object as long as nothing is drawn."""
        states = [_global_state()]
        states += [
            g.bit_generator.state if isinstance(g, np.random.Generator) else g.get_state(legacy=False)
            for g in self._generators
        ]
        if not _same(states, self._last):
            self._last = states
        return self._last

    def put(self, states: _State, now: _State) -> None:
        """Set the states, if they are not what they are now."""
        global _latest  # noqa: PLW0603
        if states is now:
            return
        _latest = b"", {}
        np.random.set_state(states[0])  # noqa: NPY002
        for g, state in zip(self._generators, states[1:], strict=True):
            if isinstance(g, np.random.Generator):
                g.bit_generator.state = state
            else:
                g.set_state(state)

    @contextmanager
    def again(self, states: _State) -> Iterator[None]:
        """Draw what was drawn from these states on; afterwards it is as if nothing had been drawn."""
        before = self.now()
        self.put(states, before)
        try:
            yield
        finally:
            self.put(before, self.now())


_latest: tuple[bytes, dict[str, Any]] = b"", {}


def _global_state() -> Any:
    """Return the state of NumPy's global generator; the same object as long as nothing is drawn.

    Asking NumPy for it takes longer than ten operations, so its memory is looked at first: 624 words and a position
    (mt19937_state in NumPy's mt19937.h). Beside it, there may be a second normal variate of a pair.
    """
    global _latest  # noqa: PLW0603 - one generator for the process
    bits = np.random.get_bit_generator()  # type: ignore[attr-defined]  # absent from NumPy's stubs
    memory = string_at(bits.ctypes.state_address, 625 * 4) if type(bits) is np.random.MT19937 else b""
    held, state = _latest
    if not memory or memory != held or state["has_gauss"]:
        state = np.random.get_state(legacy=False)  # noqa: NPY002 - programs use it
        _latest = memory, state
    return state


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else bool(a == b)
