"""Paths: one way through a function each, as a graph and the guards under which it holds.

A path runs as machine code, or by NumPy where that does not do: what it has no code for, and where a guard has another
answer, so that the answers pick the path that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.control.call import call_, compilers
from wengert.core.dispatch import Traced
from wengert.core.graph import Graph
from wengert.core.views import root
from wengert.signatures import Arguments, Unstageable
from wengert.transforms.execution import Executor
from wengert.transforms.staging import Guard
from wengert.watching import Watch

if TYPE_CHECKING:
    from wengert.compile.compiled import Native

__all__ = ["Direct", "Path", "results"]

_CONCRETE = frozenset(
    {"float", "int", "complex", "index", "round", "array"}
)  # what no derivative gets through
_UNTRIED: Any = object()  # in place of what has not been compiled yet


class Direct(NamedTuple):
    """A native function of the arguments as they come, while what is watched, if anything, stays the same."""

    function: Callable[..., Any]
    watch: Watch | None


class Path:
    """One way through the function."""

    __slots__ = (
        "_executor",
        "_fixed",
        "_flat",
        "_structure",
        "_watch",
        "concrete",
        "expected",
        "graph",
        "guards",
        "live",
        "n_outputs",
        "native",
    )

    def __init__(
        self,
        graph: Graph,
        guards: Sequence[Guard],
        structure: Any,
        fixed: list[tuple[int, Any]],
        watch: Watch,
    ) -> None:
        self.graph = graph
        self.guards = tuple(guards)
        self._structure = structure
        self._fixed = fixed
        self._watch = watch
        self.n_outputs = len(graph.outputs) - len(guards)
        self.expected = [guard.expected for guard in guards]
        self.concrete = any(guard.asked in _CONCRETE and guard.atom.dtype.kind in "fc" for guard in guards)
        self.live = [const.value for const in graph.constants() if const.live]
        self._executor: Executor | None = None
        self._flat: Any = _UNTRIED
        self.native: Native | None = None  # machine code of the graph, once compiled

    def compile(self, operands: Sequence[Any]) -> None:
        """Make machine code of the graph, for operands like these, if that was not tried yet."""
        if self._flat is _UNTRIED:
            from wengert.compile.compiled import native  # the compiler, when something is compiled

            self._flat = None  # whatever happens, it is not tried again
            self.native = made = native(self.graph, self.guards)
            self._flat = None if made is None else made.flat(operands)

    def run(self, operands: Sequence[Any]) -> tuple[list[Any] | None, list[Any]]:
        """Return the results, or None, and the answers of the guards that were asked."""
        if self._flat is not None:
            ys = self._flat(*operands)
            if ys is not None:
                return list(ys), self.expected
        return self.executor(operands)

    def direct(self, call: Arguments, instead: Callable[..., Any]) -> Direct | None:
        """Return the native function of whole arguments, or None where there is none."""
        if self.native is None or self._fixed:
            return None
        # what only compiled code needs, when something is compiled
        from wengert.compile.compiled import leaf_of, result_leaf, structure_of
        from wengert.compile.structure import Tuple, leaves

        n = len(call.operands)
        args, kwargs = call.restore(call.operands)
        if kwargs:
            return None
        arguments = structure_of(args, leaf_of)
        results = structure_of(
            tree.unflatten(self._structure, self.graph.outputs[: self.n_outputs]), result_leaf
        )
        watch = None if self._watch.is_empty else self._watch
        if not isinstance(arguments, Tuple) or results is None:
            function = self._of_trees(call, args, instead)
            return None if function is None else Direct(function, watch)
        if len(list(leaves(arguments))) != n:
            return None
        return Direct(self.native.function(arguments.items, results, instead), watch)

    def _of_trees(
        self, call: Arguments, args: tuple[Any, ...], instead: Callable[..., Any]
    ) -> Callable[..., Any] | None:
        """Return a function of arguments in containers that the boundary does not know, such as dataclasses."""
        flat, result = self._flat, self._structure
        leaves, structure = tree.flatten(args)
        if flat is None or len(leaves) != len(call.operands):
            return None
        if any(x is not y for x, y in zip(leaves, call.operands, strict=True)):
            return None  # static arguments stand between

        def function(*args: Any) -> Any:
            leaves, seen = tree.flatten(args)
            if seen == structure:
                ys = flat(*leaves)
                if ys is not None:
                    return tree.unflatten(result, ys)
            return instead(*args)

        return function

    @property
    def executor(self) -> Executor:
        """The graph as NumPy runs it."""
        if self._executor is None:
            self._executor = Executor(self.graph, self.guards)
        return self._executor

    def fits(self, answers: Sequence[Any]) -> bool:
        """Whether the path goes the way that the answers tell of."""
        return self.expected[: len(answers)] == list(answers)

    def restore(self, ys: list[Any]) -> Any:
        """Return the result of the function with these leaves."""
        for i, y in self._fixed:
            ys.insert(i, y)
        return tree.unflatten(self._structure, ys)


# Runs -----------------------------------------------------------------------------------------------------------------


def results(path: Path, call: Arguments) -> tuple[list[Any] | None, list[Any]]:
    """Return the results of a path, or None and the answers of the guards, of which the last is another."""
    if not call.traced:
        path.compile(call.operands)
    try:
        if call.traced:
            return _differentiably(path, call.operands)
        ys, answers = path.run(call.operands)
    except Unstageable:
        raise
    except Exception:  # noqa: BLE001 - the function itself raises it where its own code can catch it
        raise Unstageable from None
    return (None if ys is None else _own(ys, [*call.operands, *path.live])), answers


def _own(ys: list[Any], held: list[Any]) -> list[Any]:
    """Return results that share memory with nothing else, so that the caller may write into them."""
    if not any([type(y) is np.ndarray for y in ys]):  # noqa: C419 - a list is quicker here
        return ys
    owners = {id(_owner(x)) for x in held if type(x) is np.ndarray}
    for i, y in enumerate(ys):
        if type(y) is np.ndarray:
            owner = id(_owner(y))
            if owner in owners or not y.flags.writeable:
                ys[i] = y.copy("K")
            owners.add(owner)
    return ys


def _owner(x: Any) -> Any:
    """Return the object that holds the memory of an array."""
    while type(x) is np.ndarray and x.base is not None:
        x = x.base
    return x


def _differentiably(path: Path, operands: Sequence[Any]) -> tuple[list[Any] | None, list[Any]]:
    """Run a path on traced operands; guards look at the values under the tracers."""
    if path.concrete:
        raise Unstageable  # a Python number cannot hold a derivative: the function itself says where it loses one
    active = tuple([isinstance(x, Traced) for x in operands])
    flat = call_(*operands, graph=path.graph, active=active)
    answers: list[Any] = []
    for guard, value, expected in zip(path.guards, flat[path.n_outputs :], path.expected, strict=True):
        plain = root(value)
        if np.shape(plain) != guard.atom.shape:
            raise Unstageable  # under vmap: examples may differ, and the function itself says where
        answers.append(guard.seen(plain))
        if answers[-1] != expected:
            return None, answers
    return list(flat[: path.n_outputs]), answers


def _compiled_call(graph: Graph, operands: Sequence[Any]) -> Callable[..., Any] | None:
    from wengert.compile.compiled import of_calls  # the compiler, when something is compiled

    return of_calls(graph, operands)


compilers.append(_compiled_call)
