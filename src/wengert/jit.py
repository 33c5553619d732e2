"""jit: run a function as the graph of its operations.

A call with new types stages the function on the actual inputs. Later calls run the graph, which asks its guards whether
the function would have gone the same way; the answers so far pick the path that fits, and where there is none the
function is staged again. Whatever a graph cannot stand for runs as it is.

    signature   structure of the arguments, types of arrays, values of what is static
    path        one way through the function: a graph, and the guards under which it holds
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import WRAPPER_ASSIGNMENTS, update_wrapper
from types import MethodType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.core import attention
from wengert.core.collector import collector_paused
from wengert.core.dispatch import Traced
from wengert.core.floating_errors import are_watched, harmless, setting
from wengert.core.graph import Graph
from wengert.core.numpy_protocol import operand
from wengert.core.views import is_scalar, root, staged_under
from wengert.debug import watched
from wengert.errors import ArgumentError, LiftError, check_callable, warn
from wengert.lift import lift as lifted
from wengert.paths import Direct, Path, results
from wengert.signatures import PYTHON_NUMBERS, Arguments, Unstageable, is_operand, positions
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import Stage
from wengert.types import type_of
from wengert.watching import Watch

if TYPE_CHECKING:
    from wengert.compile.compiled import Native

__all__ = ["CacheInfo", "Jitted", "jit"]

_PATHS = (
    8  # of one signature, and states of what the function reads beside its arguments; others run as they are
)
_FIXED = (str, bytes, bool, int, float, complex, type(None))  # results that are part of a path, as they are


class CacheInfo(NamedTuple):
    """How a compiled function has been used.

    Attributes
    ----------
    hits : int
        Calls that ran a graph.
    misses : int
        Calls that staged the function.
    eager : int
        Calls that ran the function as it is.
    signatures, paths : int
        How many there are.
    """

    hits: int
    misses: int
    eager: int
    signatures: int
    paths: int


class _Entry:
    """What is known of one signature, while all that the function reads beside its arguments stays the same."""

    __slots__ = ("closed", "failures", "paths", "watch")

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.watch: Watch | None = None
        self.failures = 0  # times that the function caught what an operation raised
        self.closed = False  # no more paths are staged


# The compiled function ------------------------------------------------------------------------------------------------


class Jitted:
    """A function that runs as graphs; made by `jit`."""

    __slots__ = (
        "__dict__",
        "__weakref__",
        "_direct",
        "_eager",
        "_entries",
        "_fun",
        "_hits",
        "_misses",
        "_mutex",
        "_names",
        "_nums",
    )

    def __init__(self, fun: Callable[..., Any], nums: Sequence[int], names: Sequence[str]) -> None:
        # not the attributes of `fun`: what wraps this function would take over its state
        update_wrapper(self, fun, [name for name in WRAPPER_ASSIGNMENTS if hasattr(fun, name)], ())
        self._fun = fun
        self._nums = frozenset(nums) | positions(fun, names)
        self._names = frozenset(names)
        self._entries: dict[Any, list[_Entry]] = {}
        self._mutex = threading.RLock()
        self._direct: Direct | None = None
        self._hits = self._misses = self._eager = 0

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<jit {getattr(self._fun, '__qualname__', self._fun)!s}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function with these arguments."""
        direct = self._direct
        if (
            direct is not None
            and not kwargs
            and not attention.lenses.get()
            and (setting() is harmless[0] or not are_watched())
            and (direct.watch is None or direct.watch.changed() is None)
        ):
            self._hits += 1
            return direct.function(*args)
        return self._called(args, kwargs)

    def _instead(self, *args: Any) -> Any:
        """Run the function where the native one does not take the arguments, or goes another way."""
        self._hits -= 1
        self._direct = None
        return self._called(args, {})

    def _called(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            if are_watched():
                raise Unstageable  # noqa: TRY301 - NumPy raises, or tells of, what compiled code passes over
            call = Arguments(args, kwargs, self._nums, self._names)
            _require_alone(call)
            path, ys = self._run(call)
        except Unstageable:
            self._eager += 1
        else:
            if not kwargs and not call.traced and self._direct is None:
                self._direct = path.direct(call, self._instead)
            return path.restore(ys)
        return watched(self._fun, args, kwargs) if attention.lenses.get() else self._fun(*args, **kwargs)

    def _run(self, call: Arguments) -> tuple[Path, list[Any]]:
        entry = self._entry(call)
        answers: list[Any] = []
        while True:
            path = next((p for p in entry.paths if p.fits(answers)), None)
            staged = path is None
            if path is None:
                path = self._staged(call, entry)
                self._misses += 1
            else:
                self._hits += 1
            ys, answers = results(path, call)
            if ys is not None:
                return path, ys
            if staged:  # not even here does it go the way it went: something that it reads changes by itself
                entry.paths.remove(path)
                raise Unstageable

    def _entry(self, call: Arguments) -> _Entry:
        entries = self._entries.get(call.key)
        if entries is None:
            entries = self._entries.setdefault(call.key, [])
        changed = None
        for entry in entries:
            changed = entry.watch.changed() if entry.watch is not None else None
            if changed is None:
                return entry
        if len(entries) >= _PATHS:
            if len(entries) == _PATHS:
                entries.append(_Entry())  # closed at once: never staged, never unchanged
                entries[-1].watch = entries[0].watch
                _warn_of_changes(self._fun, changed)
            raise Unstageable
        entries.append(_Entry())
        return entries[-1]

    def _staged(self, call: Arguments, entry: _Entry) -> Path:
        if entry.closed:
            raise Unstageable
        path = _stage(self._fun, call, entry)
        with self._mutex:
            entry.paths.append(path)
            full = len(entry.paths) >= _PATHS and not entry.closed
            entry.closed = entry.closed or full  # type: ignore[redundant-expr]
        if full:
            _warn_of_paths(self._fun, path)
        return path

    # What one can look at

    def graph(self, *args: Any, **kwargs: Any) -> Graph:
        """Return the graph that stands for the function with these arguments.

        Parameters
        ----------
        *args, **kwargs
            As for the function.

        Returns
        -------
        Graph
            Its last outputs are what its guards look at.
        """
        return self._run(Arguments(args, kwargs, self._nums, self._names))[0].graph

    def kernels(self, *args: Any, **kwargs: Any) -> str:
        """Return the loops that are run with these arguments, as text.

        Parameters
        ----------
        *args, **kwargs
            As for the function.

        Returns
        -------
        str
            In the language of `wengert.compile.kernel`.

        Raises
        ------
        ArgumentError
            If nothing of it is native.
        """
        from wengert.compile.kernel_text import kernel_text  # the compiler, when something is compiled

        return kernel_text(self._compiled(args, kwargs).program)

    def llvm(self, *args: Any, **kwargs: Any) -> str:
        """Return the program for these arguments in LLVM's assembly language; see `kernels`."""
        return self._compiled(args, kwargs).text

    def asm(self, *args: Any, **kwargs: Any) -> str:
        """Return the machine code for these arguments in the assembly language of the machine; see `kernels`."""
        return self._compiled(args, kwargs).assembly

    def memory(self, *args: Any, **kwargs: Any) -> int:
        """Return the bytes that the program for these arguments works in, without these and results; see `kernels`."""
        return self._compiled(args, kwargs).arena

    def cost(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operations, bytes and live memory of the graph for these arguments; see `Graph.cost`."""
        return self.graph(*args, **kwargs).cost()

    def _compiled(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Native:
        from wengert.compile.compiled import Native  # the compiler, when something is compiled
        from wengert.compile.context import NotLowered

        path = self._run(Arguments(args, kwargs, self._nums, self._names))[0]
        try:
            return path.native or Native(path.graph, path.guards)
        except NotLowered as reason:
            raise ArgumentError(
                f"{getattr(self._fun, '__name__', 'the function')} has no native program: {reason}",
                where=next(iter(getattr(reason, "__notes__", ())), None),
                why="such values or operations are NumPy's alone.",
                instead="look at its graph: compiled.graph(*args).",
            ) from None

    def cache_info(self) -> CacheInfo:
        """Return how the function has been used.

        Returns
        -------
        CacheInfo
        """
        paths = sum(len(entry.paths) for entries in self._entries.values() for entry in entries)
        return CacheInfo(self._hits, self._misses, self._eager, len(self._entries), paths)

    def cache_clear(self) -> None:
        """Forget all graphs."""
        self._entries.clear()


# Warnings -----------------------------------------------------------------------------------------------------------


def _warn_of_paths(fun: Callable[..., Any], path: Path) -> None:
    guard = path.guards[-1] if path.guards else None
    place = f" at {guard.place}" if guard is not None and guard.place is not None else ""
    asked = "" if guard is None else f" (the last asked for {guard.asked}{place})"
    warn(
        f"{getattr(fun, '__name__', 'a function')} has taken {_PATHS} different ways for arguments of one type{asked}; "
        "further ones run as they are, not compiled. Make integers that decide on them static arguments, or keep the "
        "ways in one graph with wengert.cond, wengert.while_loop or np.where.",
        RuntimeWarning,
    )


def _warn_of_changes(fun: Callable[..., Any], changed: str | None) -> None:
    warn(
        f"{getattr(fun, '__name__', 'a function')} reads {changed} beside its arguments, which has changed "
        f"{_PATHS} times; it runs as it is from now on, not compiled. Pass what changes from call to call.",
        RuntimeWarning,
    )


# Staging --------------------------------------------------------------------------------------------------------------


def _stage(fun: Callable[..., Any], call: Arguments, entry: _Entry) -> Path:
    """Run the function once on staged values."""
    with collector_paused(), Stage(known=True) as interpreter:
        tracers = [_lifted(interpreter, x) for x in call.operands]
        args, kwargs = call.restore(tracers)
        watch = Watch(fun, args, kwargs)
        entry.watch = entry.watch or watch
        try:
            y = fun(*args, **kwargs)
        except LiftError:
            raise
        except Exception:  # noqa: BLE001 - if it is the function's own, it raises it again
            interpreter.failed = True
            _require_stageable(entry, interpreter, watch, ())
        leaves, structure, fixed = _flattened(y)
        _require_stageable(entry, interpreter, watch, leaves)
        graph = interpreter.graph(leaves, getattr(fun, "__name__", "function"))
    if interpreter.captured():
        raise Unstageable  # values of a transformation around the call: they are others in every call
    decisive = [guard.atom for guard in interpreter.guards]
    whole = Graph(graph.inputs, graph.nodes, [*graph.outputs, *decisive], graph.name)
    interpreter.enliven()
    return Path(simplify(whole, decisive=decisive), interpreter.guards, structure, fixed, entry.watch)


def _require_alone(call: Arguments) -> None:
    """Raise for a call that is part of a larger graph, or of which every operation is to be seen."""
    staged = call.traced and any(staged_under(x) is not None for x in call.operands)
    if staged or attention.lenses.get():
        raise Unstageable


def _flattened(y: Any) -> tuple[list[Any], Any, list[tuple[int, Any]]]:
    """Return the leaves of a result that a graph computes, its structure, and the leaves that are always the same."""
    leaves, structure = tree.flatten(y)
    leaves = [operand(leaf) if isinstance(leaf, np.ndarray) else leaf for leaf in leaves]
    fixed = [(i, leaf) for i, leaf in enumerate(leaves) if type(leaf) in _FIXED]
    return [leaf for leaf in leaves if type(leaf) not in _FIXED], structure, fixed


def _require_stageable(entry: _Entry, interpreter: Stage, watch: Watch, leaves: Sequence[Any]) -> None:
    """Raise unless a graph can stand for what the function did; remember where none ever can."""
    if interpreter.failed:
        entry.failures += 1
        entry.closed = entry.closed or entry.failures >= _PATHS
        raise Unstageable
    if watch.drew() or interpreter.watched or not all(map(is_operand, leaves)):
        entry.closed = True
        raise Unstageable


def _lifted(interpreter: Stage, x: Any) -> Any:
    plain = root(x)
    scalar = is_scalar(x) if isinstance(x, Traced) else not isinstance(x, np.ndarray)
    if isinstance(x, Traced) and np.shape(plain) != np.shape(x):  # type: ignore[call-overload]
        return interpreter.lift(type_of(x), scalar=scalar)
    if type(plain) not in PYTHON_NUMBERS:
        return interpreter.lift(type_of(plain), scalar=scalar, value=plain)
    value = np.asarray(plain)[()]
    return interpreter.lift(type_of(value), scalar=True, weak=type(plain), value=value)


def jit(
    fun: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    lift: bool = False,
) -> Any:
    """Return a function that computes the same, compiled.

    Parameters
    ----------
    fun : callable
        Any Python function of numbers, arrays and containers of them.
    static_argnums : int or sequence of int, optional
    static_argnames : str or sequence of str, optional
        Arguments that are constants of the compiled function, made anew for each of their values. All that are neither
        numbers nor arrays always are.
    lift : bool
        Whether loops and branches on traced values stay such: ``jit(lift(fun))``.

    Returns
    -------
    Jitted
        Can be differentiated, batched, compiled further. `graph(*args)` shows what is run, `cache_info()` how often.

    Notes
    -----
    The function is run on stand-ins of its arguments to see what it does. Branches, loops and everything else that
    Python decides by values are kept as guards: the compiled program checks that it would go the same way, and the
    function is staged again where it does not. After 8 ways for arguments of the same types, further ones run
    uncompiled, with one warning.

    Arguments are not written into: an assignment ``x[i] = v`` in the function is to a copy. Results share memory with
    nothing else. Python's integers have 64 bits.

    What the function reads beside its arguments (variables of its module and of enclosing functions, attributes,
    items of lists) is compared with what it was; after 8 changes the function runs uncompiled, with one warning.
    Arrays of more than a megabyte are not compared: changes of their contents are seen where they meet traced values.
    A function that draws random numbers from a generator that it can reach runs uncompiled; those that it makes give
    what they gave first. Side effects happen when the function is staged.

    Examples
    --------
    >>> import numpy as np
    >>> @jit
    ... def newton(a):
    ...     x = a
    ...     while abs(x * x - a) > 1e-12:
    ...         x = 0.5 * (x + a / x)
    ...     return x
    >>> newton(2.0)
    np.float64(1.414213562373095)
    """
    if fun is None:
        return lambda f: jit(f, static_argnums=static_argnums, static_argnames=static_argnames, lift=lift)
    check_callable(fun, "jit")
    nums = [static_argnums] if isinstance(static_argnums, int) else static_argnums
    names = [static_argnames] if isinstance(static_argnames, str) else static_argnames
    return Jitted(lifted(fun) if lift else fun, nums, names)
