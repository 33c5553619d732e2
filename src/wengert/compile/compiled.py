"""Compiled graphs: functions of Python that run a graph as machine code.

What the native program cannot do, or finds that it should not (an index out of bounds, a product that is not finite),
is left to NumPy: calls then return None, and change nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from wengert.compile import boundary, images, llvm, loading, symbols
from wengert.compile.context import NotLowered
from wengert.compile.emission import llvm_text
from wengert.compile.hosting import HostCalls
from wengert.compile.kernel import HOST_FAILED, NOT_FINITE, Program
from wengert.compile.kernel_check import is_asked_for
from wengert.compile.programs import Lowered, lowered
from wengert.compile.stopwatch import Stopwatch
from wengert.compile.structure import Dict, Leaf, List, Nothing, Structure, Tuple
from wengert.core.collector import collector_paused
from wengert.core.graph import Atom, Graph
from wengert.errors import warn

__all__ = ["Native", "leaf_of", "native", "of_calls", "result_leaf", "structure_of", "switched_on"]

switched_on = [os.environ.get("WENGERT_COMPILE", "1") != "0"]

_NUMBERS = {float: "float", int: "int", bool: "bool", complex: "complex"}
_DTYPES = {float: np.dtype(float), int: np.dtype(np.int64), bool: np.dtype(bool), complex: np.dtype(complex)}
# Lines of a text, and of a block, from which on registers are not assigned with care: that takes 60 us a line, more in
# longer blocks, and 17 without; what has next to no loops then runs 1.3 to 1.9 times as long.
_STRAIGHT, _BLOCK = 20_000, 200
_LONG = 1 << 15  # entries: a program that touches more lets other threads of Python run


class Native:
    """A graph as machine code.

    Parameters
    ----------
    graph : Graph
    guards : sequence of Guard
        On its last outputs: the program ends with a code where one has another answer.
    masks : bool
        Whether products are masked where finite results would tell that they need not be.
    """

    def __init__(self, graph: Graph, guards: Sequence[Any] = (), *, masks: bool = False) -> None:
        self.graph = graph
        self._guards = guards
        self._masks = masks
        self._clock = Stopwatch(graph.name)
        place = images.place_of(graph, guards, masks=masks)
        self._clock.lap("contents")
        image = None if place is None else place.load()
        self._host: HostCalls | None = None  # what NumPy does in it: none where there is an image
        if image is None:
            image = self._compiled(keep=place is None)
            self._host = self._lowered.host
            if place is not None and self._host is None:
                place.save(image)
        self._image = image
        self._library = loading.link(image.code, image.symbols)
        self._clock.lap("linking")
        self._clock.report(f"{len(graph.nodes)} nodes, {len(image.code)} bytes")
        self._careful: Native | None = None

    def _compiled(self, *, keep: bool) -> images.Image:
        """Return the program, made anew; its object is kept under the program's text if that is asked for."""
        program, constants, host, masks = self._lowered
        self._clock.lap("loops")
        text = self.text
        self._clock.lap("text")
        make = loading.kept if keep or host is not None else llvm.compile_text
        code = make(text, **self._effort)
        self._clock.lap("machine code")
        long = _touched(program) > _LONG
        imported = tuple(sorted(symbols.imported(text)))
        return images.Image(code, program.arena, long, masks, imported, tuple(constants))

    @cached_property
    def _lowered(self) -> Lowered:
        return lowered(self.graph, self._guards, masks=self._masks)

    @property
    def program(self) -> Program:
        """The loops, in the language of `kernel`."""
        return self._lowered.program

    @cached_property
    def text(self) -> str:
        """The module, in LLVM's assembly language."""
        return llvm_text(self.program)

    @property
    def _effort(self) -> dict[str, llvm.Level]:
        """How much LLVM is to do, as the arguments of `llvm.compile_text`."""
        # sin x and cos x have most steps in common, other functions next to none
        together = all(f"@wg.{name}." in self.text for name in ("sin", "cos"))
        optimise: llvm.Level = "simplify" if together else "inline"
        lines, blocks = self.text.count("\n"), self.text.count(":\n")
        straight = lines > max(_STRAIGHT, _BLOCK * blocks)
        return {"optimise": optimise, "generate": "none" if straight else optimise}

    @property
    def arena(self) -> int:
        """Bytes that the program works in, without its arguments and results."""
        return self._image.arena

    def function(
        self, arguments: Sequence[Structure], results: Structure, fallback: Callable[..., Any]
    ) -> Callable[..., Any]:
        """Return a function of arguments of some structure; others, and failures, are handed to a fallback."""
        careful: list[Callable[..., Any]] = []

        def failed(code: int, _: bytes, args: tuple[Any, ...]) -> Any:
            if code == HOST_FAILED and self._host is not None:
                self._host.resume()
            if code != NOT_FINITE or self._image.masks:
                return fallback(*args)
            if not careful:
                careful.append(self.careful.function(arguments, results, fallback))
            return careful[0](*args)

        return boundary.callable(
            self._library["wg_program"],
            Tuple(tuple(arguments)),
            results,
            self._image.arrays,
            self._image.arena,
            fallback,
            failed=failed,
            needs_gil=self._host is not None,
            release_gil=self._image.long,
            owner=(self._library, self._host),
            name=self.graph.name,
        )

    @property
    def careful(self) -> Native:
        """The same with masked products, for results that are not finite."""
        if self._careful is None:
            self._careful = Native(self.graph, self._guards, masks=True)
        return self._careful

    def flat(self, operands: Sequence[Any]) -> Callable[..., Any]:
        """Return a function of flat operands like these, which gives a tuple of results, or None."""
        arguments = [leaf_of(x) for x in operands]
        outputs = self.graph.outputs[: len(self.graph.outputs) - len(self._guards)]
        return self.function(arguments, Tuple(tuple(map(result_leaf, outputs))), _nothing)

    @property
    def assembly(self) -> str:
        """The machine code, in the assembly language of the machine."""
        return llvm.assembly(self.text, **self._effort)


def native(graph: Graph, guards: Sequence[Any] = ()) -> Native | None:
    """Return a graph as machine code, or None where it has operations that only NumPy does.

    Parameters
    ----------
    graph : Graph
    guards : sequence of Guard
        On the last outputs: the program ends with a code where one has another answer.
    """
    if not switched_on[0]:
        return None
    try:
        with collector_paused():
            return Native(graph, guards)
    except NotLowered:
        return None
    except Exception as fault:
        if is_asked_for():
            raise
        warn(
            f"{graph.name} could not be compiled, and is run by NumPy: {type(fault).__name__}: "
            f"{'; '.join([str(fault), *getattr(fault, '__notes__', ())])}. "
            "This is a fault of Wengert; results are right, only slower.",
            RuntimeWarning,
        )
        return None


def of_calls(graph: Graph, operands: Sequence[Any]) -> Callable[..., Any] | None:
    """Return a graph that is called again and again as a function of flat operands like these."""
    if not all(type(x) is np.ndarray or isinstance(x, np.generic) or type(x) in _NUMBERS for x in operands):
        return None
    made = native(graph)
    return None if made is None else made.flat(operands)


def _nothing(*_: Any) -> None:
    return None


def _touched(program: Program) -> int:
    return sum(buffer.size for buffer in program.buffers)


# Structures -----------------------------------------------------------------------------------------------------------


def leaf_of(x: Any) -> Leaf:
    """Return what the boundary is to expect of an argument like this."""
    kind = type(x)
    if kind in _NUMBERS:
        return Leaf(_DTYPES[kind], (), _NUMBERS[kind])  # type: ignore[arg-type]
    return Leaf(x.dtype, np.shape(x), "array" if isinstance(x, np.ndarray) else "scalar")


def result_leaf(atom: Atom) -> Leaf:
    """Return what the boundary is to make of a result."""
    return Leaf(atom.dtype, atom.shape, "scalar" if atom.scalar and not atom.shape else "array")


def structure_of(tree: Any, leaf: Callable[[Any], Leaf]) -> Structure | None:
    """Return a tree of arguments as the boundary sees it, or None where it holds what the boundary does not know.

    `leaf` is called for the leaves in order.
    """
    kind = type(tree)
    if tree is None:
        return Nothing()
    if kind is tuple or kind is list:
        parts = [structure_of(item, leaf) for item in tree]
        if None in parts:
            return None
        return (Tuple if kind is tuple else List)(tuple(parts))  # type: ignore[arg-type]
    if kind is dict:
        return _dict_of(tree, leaf)
    if kind in _NUMBERS or isinstance(tree, np.generic | Atom) or kind is np.ndarray:
        return leaf(tree)
    return None


def _dict_of(tree: dict[Any, Any], leaf: Callable[[Any], Leaf]) -> Structure | None:
    keys = list(tree)
    if not all(type(key) is str for key in keys) or keys != sorted(keys):
        return None
    parts = [structure_of(tree[key], leaf) for key in keys]
    return None if None in parts else Dict(tuple(keys), tuple(parts))  # type: ignore[arg-type]
