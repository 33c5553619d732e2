"""Staging: run a function once, and keep what it did as a graph.

A staged tracer's value is an atom of the graph: it has a type, and no numbers. Python sees numbers only when it asks
for them (a branch, `float(x)`, a mask as an index, `print`). They are then computed from the actual inputs, once, and
what was asked is kept as a *guard*: the graph stands for the function as long as the guards come out the same. Staged
from types alone, the function can ask for nothing.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.core import attention, floating_errors
from wengert.core.check import checked
from wengert.core.dispatch import NO_PARAMS, Interpreter, Traced
from wengert.core.graph import Atom, Const, Graph, Node, Place, Var
from wengert.core.numpy_protocol import traced_leaves
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.core.tracer import Tracer
from wengert.core.views import is_scalar, root
from wengert.errors import NotConcreteError, place_of
from wengert.ops.casting import cast_, discretize_
from wengert.ops.masking import without_zero_terms
from wengert.ops.stopping import stop_
from wengert.transforms.layouts import Layouts
from wengert.transforms.numpy_calls import NumPyCall, numpy_call_, shaped_by_values
from wengert.transforms.promotion import ALL, ARITHMETIC, JOINT, PYTHON_TYPES, default, promoted
from wengert.transforms.raising import may_raise
from wengert.types import ArrayType, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Guard", "Stage", "Staged", "stage"]

_UNKNOWN: Any = object()  # in place of the value of an input that has none
_NUMBERS = (bool, int, float, complex)


class Guard(NamedTuple):
    """What Python asked of a value, and the answer that the graph depends on.

    Attributes
    ----------
    atom : Atom
    asked : str
        "shape", or "value" in the words of the program: bool, float, int, ...
    answer : tuple or array
        The shape, or the value.
    place : Place or None
        Where the program asked.
    """

    atom: Atom
    asked: str
    answer: Any
    place: Place | None

    def seen(self, value: Any) -> Any:
        """Return what a value answers, comparable and hashable; numbers by their bits, so that nan equals itself."""
        if self.asked == "shape":
            return np.shape(value)
        if self.asked == "bool":
            return bool(value)
        value = np.asarray(value)
        return value.shape, value.dtype.str, value.tobytes()

    @property
    def expected(self) -> Any:
        """What the value must answer."""
        return self.seen(self.answer) if self.asked != "shape" else self.answer


# Tracers ------------------------------------------------------------------------------------------------------------


class Staged(Tracer):
    """A value of a graph that is being made; in the eyes of `print`, the number itself."""

    __slots__ = ()

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if dtype == np.dtype(object) or (dtype is None and not self.ndim):
            return self._objects()
        if not self.interpreter.releases(self):
            return super().__array__(dtype, copy)
        return np.array(self.interpreter.plain(self, "array"), dtype)  # type: ignore[attr-defined]

    def _number(self, kind: str) -> Any:
        interpreter = self.interpreter
        return interpreter.plain(self, kind) if interpreter.releases(self) else super()._number(kind)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return repr(self._text())

    def __str__(self) -> str:
        return str(self._text())

    def __format__(self, spec: str) -> str:
        return format(self._text(), spec)

    def _text(self) -> Any:
        interpreter = self.interpreter
        return interpreter.plain(self, "print") if interpreter.releases(self) else self.value  # type: ignore[attr-defined]


# Results without axes that are arrays in NumPy, not scalars.
_ARRAYS = frozenset({"reshape", "transpose", "broadcast_to", "where", "index_update", "copy"})


def _place() -> Place | None:
    found = place_of(sys._getframe(2))  # noqa: SLF001 - there is no other way to walk the stack cheaply
    return None if found is None else Place(*found)


# The interpreter ------------------------------------------------------------------------------------------------------


class Stage(Interpreter):
    """Writes down what is applied to its tracers.

    Parameters
    ----------
    name : str
        Of the function, for messages.
    known : bool
        Whether the inputs have values that the function may ask for.
    """

    __slots__ = (
        "_arrays",
        "_inferred",
        "_layouts",
        "_memo",
        "_numbers",
        "_outer",
        "_producers",
        "_settled",
        "failed",
        "guards",
        "inputs",
        "known",
        "nodes",
        "watched",
    )
    name = "jit"

    def __init__(self, *, known: bool = False) -> None:
        super().__init__()
        self.known = known
        self.failed = (
            False  # an operation raised, and the function may have caught it: no guard can tell of that
        )
        self.watched = (
            False  # NumPy was told to raise on floating-point errors, or the like: no graph does that
        )
        self.inputs: list[Var] = []
        self.nodes: list[Node] = []
        self.guards: list[Guard] = []
        self._producers: dict[Var, Node] = {}
        self._settled: set[Atom] = set()  # results that do not depend on the inputs
        self._memo: dict[Var, Any] = {}
        self._layouts = Layouts(self._producers, self._memo, self._imagined)
        self._arrays: dict[int, tuple[Any, Const]] = {}
        self._numbers: dict[Any, Const] = {}
        self._outer: dict[Any, tuple[Any, Var]] = {}
        self._inferred: dict[Any, Any] = {}

    # Inputs and constants

    def lift(
        self, type: ArrayType, *, scalar: bool = False, weak: Any = None, value: Any = _UNKNOWN
    ) -> Staged:
        """Return a new input of a type, with its value for when the function asks."""
        var = Var(type, scalar=scalar, weak=weak)
        self.inputs.append(var)
        if value is _UNKNOWN:
            self.known = False
        else:
            self._memo[var] = value
        return Staged(self, var, None)

    def hold(self, value: Any) -> Staged:
        """Return a constant as a tracer, into which staged values can be written."""
        return Staged(self, self.atom(value), None)

    def captured(self) -> list[Any]:
        """Return the tracers of enclosing transformations that the function closed over: inputs behind the others."""
        return [x for x, _ in self._outer.values()]

    def atom(self, x: Any) -> Atom:
        """Return what stands for an operand in the graph."""
        if isinstance(x, Traced):
            return x.value if x.interpreter is self else self._capture(x)
        if isinstance(x, np.ndarray):
            return self._constant_array(x)
        value = x if isinstance(x, np.generic) else np.asarray(x)[()]
        key = (value.dtype, value.tobytes())
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = Const(value)
        return found

    def _capture(self, x: Traced) -> Var:
        key = (x.interpreter.tag, id(x.value), id(x.info))
        found = self._outer.get(key)
        if found is None:
            x = x.detached()  # keeps alive what the key names
            plain = root(x)
            known = isinstance(plain, np.ndarray | np.generic) and np.shape(plain) == np.shape(x)  # type: ignore[call-overload]
            weak = x.value.weak if isinstance(x.value, Atom) else None
            value = plain if known else _UNKNOWN
            lifted = self.lift(type_of(x), scalar=is_scalar(x), weak=weak, value=value)
            found = self._outer[key] = (x, lifted.value)
        return found[1]

    def _constant_array(self, x: Any) -> Const:
        """Return a constant with the contents that an array has now; the user may write into it later."""
        held = self._arrays.get(id(x))
        if held is not None and held[0] is x and _same(held[1].value, x):
            return held[1]
        const = Const(_snapshot(x))
        self._arrays[id(x)] = (x, const)
        return const

    def enliven(self) -> None:
        """Let constants that somebody outside still holds be read anew in every run."""
        arrays = list(self._arrays.values())
        self._arrays.clear()
        ours = Counter([id(array) for x, _ in arrays for array in (x, x.base)])  # references from here
        owners = {id(_owner(x)) for x, _ in arrays if _is_held(x, ours)}
        for x, const in arrays:
            if id(_owner(x)) in owners and _same(const.value, x):
                const.value, const.live = x, True

    # Operations

    def unary(self, prim: Primitive, x: Traced) -> Any:
        """Add an elementwise operation of one operand."""
        if not self.direct:
            return self.apply(prim, (x,), NO_PARAMS)
        atom = x.value
        y = self._add(prim, (atom,), NO_PARAMS, self._type(prim, (atom.type,)))
        if atom.weak and prim.name in ARITHMETIC:
            y.value.weak = PYTHON_TYPES[y.value.dtype.kind]
        return y

    def binary(self, prim: Primitive, a: Any, b: Any) -> Any:
        """Add an elementwise operation of two operands."""
        y = self.apply(prim, (a, b), NO_PARAMS)
        if not y.value.type.shape and prim.name in ARITHMETIC and self._is_weak(a) and self._is_weak(b):
            y.value.weak = PYTHON_TYPES[y.value.dtype.kind]
        return y

    def _is_weak(self, x: Any) -> bool:
        return type(x) in _NUMBERS or (self.owns(x) and x.value.weak is not None)

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Add a node."""
        if not self.direct:
            self.require_open()
            paused = self.tag < attention.mark()
        else:
            paused = False
        atoms = self._atoms(prim, xs)
        types = tuple([a.type for a in atoms])
        type = self._type(prim, types) if prim.elementwise else prim.infer(*types, **params)  # type: ignore[misc]
        y = self._add(prim, atoms, params, type)
        if self.known and may_raise(self.nodes[-1]):
            self.value_of(self.nodes[-1].outputs[0])  # now, where the program can catch what it raises
        if paused and prim.differentiable:
            return tuple(map(self._stopped, y)) if prim.multiple else self._stopped(y)
        return y

    def _stopped(self, y: Staged) -> Any:
        return self._add(stop_, (y.value,), NO_PARAMS, y.value.type)

    def _type(self, prim: Primitive, types: tuple[ArrayType, ...]) -> Any:
        key = (prim, types)
        found = self._inferred.get(key)
        if found is None:
            found = self._inferred[key] = prim.infer(*types)  # type: ignore[misc]
        return found

    def _atoms(self, prim: Primitive, xs: Sequence[Any]) -> tuple[Atom, ...]:
        """Return the operands as atoms; Python numbers take the dtype that NumPy's promotion gives them."""
        atoms = [None if type(x) in _NUMBERS else self.atom(x) for x in xs]
        weak = [type(x) if a is None else a.weak for x, a in zip(xs, atoms, strict=True)]
        if not any(weak):
            return tuple(atoms)  # type: ignore[arg-type]
        dtypes = [w or a.dtype for w, a in zip(weak, atoms, strict=True)]  # type: ignore[union-attr]
        joint = slice(0) if prim.multiple else JOINT.get(prim.name, ALL)
        wanted = [default(t) for t in dtypes]
        wanted[joint] = promoted(prim, dtypes[joint])
        return tuple(
            [
                self.atom(np.array(x, dtype)[()]) if a is None else self._cast(a, dtype) if a.weak else a
                for x, a, dtype in zip(xs, atoms, wanted, strict=True)
            ]
        )

    def _cast(self, atom: Atom, dtype: Any) -> Atom:
        """Return a Python number that is traced in the dtype that it takes beside others."""
        if atom.dtype == dtype:
            return atom
        prim = cast_ if dtype.kind in "fc" else discretize_
        return self._add(prim, (atom,), {"dtype": dtype}, ArrayType((), dtype)).value  # type: ignore[no-any-return]

    def _add(self, prim: Primitive, atoms: tuple[Atom, ...], params: dict[str, Any], type: Any) -> Any:
        place = _place()
        if prim.multiple:
            outputs = tuple([Var(t, scalar=not t.shape) for t in type])
        else:
            outputs = (Var(type, scalar=not type.shape and prim.name not in _ARRAYS),)
        node = Node(prim, atoms, params, outputs, place, quiet=floating_errors.are_ignored())
        self.watched = self.watched or floating_errors.are_watched()
        self.nodes.append(node)
        for var in outputs:
            self._producers[var] = node
        if not self.known and self._has_values(atoms):
            self._settled.update(outputs)
        if prim.multiple:
            return tuple([Staged(self, var, None) for var in outputs])
        return Staged(self, outputs[0], None)

    def constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Add a call of a function without derivative; where values decide on the shape of its result, guard it."""
        self.require_open()
        traced = traced_leaves((args, kwargs))
        call = NumPyCall(function, (args, kwargs), traced)
        atoms = tuple(map(self.atom, traced))
        known = self._has_values(atoms)
        if not known and shaped_by_values(function):
            self._refuse(f"numpy.{function.__name__} was called")
        values = [self.value_of(a) if known else np.zeros(a.shape, a.dtype) for a in atoms]
        leaves, structure = tree.flatten(call(*values))
        if not all(isinstance(leaf, np.ndarray | np.generic | bool) for leaf in leaves):
            return call(*[self.plain(x, call) for x in traced])
        types = tuple(map(type_of, leaves))
        ys = self._add(numpy_call_, atoms, {"call": call, "types": types}, types)
        if shaped_by_values(function):
            self.guards += [Guard(y.value, "shape", y.shape, _place()) for y in ys]
        return tree.unflatten(structure, ys)

    def contraction(self, product: Callable[..., Any], factors: Sequence[Any]) -> Any:
        """Add a sum of products without zero terms."""
        graph, captured = stage(lambda *xs: [product(*xs)], list(map(type_of, factors)), "product")
        if captured:
            return without_zero_terms(product, factors)
        return PRIMITIVES["contraction"](*factors, graph=graph)

    # What Python asks for

    def releases(self, x: Traced) -> bool:
        """Whether a value is known."""
        return self._has_values((x.value,))

    def plain(self, x: Traced, asked: Any) -> Any:
        """Return a value that Python asked for, and guard it."""
        value = self.value_of(x.value)
        if isinstance(value, np.ndarray):
            value = value.copy()
        self._guard(x.value, str(asked), value)
        return value

    def truth(self, x: Traced) -> bool:
        """Return which way the program goes, and guard it."""
        if not self.releases(x):
            self._refuse("Python asked for bool(x)")
        answer = bool(self.value_of(x.value))
        self._guard(x.value, "bool", answer)
        return answer

    def _guard(self, atom: Atom, asked: str, answer: Any) -> None:
        if isinstance(atom, Var) or atom.live:  # type: ignore[attr-defined]
            self.guards.append(Guard(atom, asked, answer, _place()))

    def _refuse(self, what: str) -> Any:
        raise NotConcreteError(
            f"{what} of a value that is only known by its type",
            why="the body of a loop or branch, and what runs under vmap, is staged once for all values.",
            instead="use np.where, wengert.cond or wengert.while_loop, which keep both ways open.",
        )

    def _has_values(self, atoms: Sequence[Atom]) -> bool:
        return self.known or all(isinstance(a, Const) or a in self._settled for a in atoms)

    def value_of(self, atom: Atom, memo: dict[Var, Any] | None = None) -> Any:
        """Return the value of an atom for the actual inputs, or those given; each node is computed once."""
        memo = self._memo if memo is None else memo
        if isinstance(atom, Const):
            return atom.value
        pending: list[Any] = [atom]
        with np.errstate(all="ignore"):  # the graph itself will warn
            while pending:
                a = pending[-1]
                if a in memo:
                    pending.pop()
                    continue
                node = self._producers[a]
                missing = [x for x in node.inputs if not isinstance(x, Const) and x not in memo]
                if missing:
                    pending += missing
                    continue
                xs = [x.value if isinstance(x, Const) else memo[x] for x in node.inputs]  # type: ignore[index]
                self.failed = True
                y = node.prim.eval(*xs, **node.params)
                self.failed = False
                memo.update(zip(node.outputs, y if node.prim.multiple else (y,), strict=True))
        return memo[atom]  # type: ignore[index]

    def example(self, atom: Atom) -> Any:
        """Return an array that lies in memory as the value of an atom will."""
        return self._layouts.example(atom)

    def _imagined(self, atom: Atom) -> Any:
        """Return the value of an atom for the actual inputs, or for ones where only types are known, or None."""
        if self._has_values((atom,)):
            return self.value_of(atom)
        ones = {x: np.ones(x.shape, x.dtype) for x in self.inputs}
        try:
            return self.value_of(atom, ones)
        except Exception:  # noqa: BLE001 - ones are no values that the program would see
            self.failed = False
            return None

    def suspended(self) -> bool:
        """Say no: a graph is no derivative."""
        return False

    def graph(self, outputs: Sequence[Any], name: str) -> Graph:
        """Return the graph of flat results."""
        return checked(Graph(self.inputs, self.nodes, [self.atom(y) for y in outputs], name))


def _snapshot(x: Any) -> Any:
    if x.size and not any(x.strides):  # one number, repeated
        return np.broadcast_to(x[(0,) * x.ndim].copy(), x.shape)
    y = x.copy("K")
    y.flags.writeable = False
    return y


def _is_held(x: Any, ours: Counter[int]) -> bool:
    """Whether somebody else holds an array, or one whose memory it is a view of."""
    others = 3  # references: the caller's, this function's, and the argument
    while x is not None and sys.getrefcount(x) <= ours[id(x)] + others:
        x, others = getattr(x, "base", None), 2
    return x is not None


def _owner(x: Any) -> Any:
    """Return what holds the memory of an array."""
    while getattr(x, "base", None) is not None:
        x = x.base
    return x


def _same(a: Any, b: Any) -> bool:
    """Whether two arrays hold the same numbers, bit by bit."""
    return a.shape == b.shape and a.dtype == b.dtype and (a is b or a.tobytes() == b.tobytes())


def stage(
    fun: Callable[..., Sequence[Any]], types: Sequence[ArrayType], name: str
) -> tuple[Graph, list[Any]]:
    """Return the graph of a function of flat operands, staged on their types, and the tracers it closed over.

    The latter are the graph's last inputs.
    """
    with Stage() as interpreter:
        ys = fun(*[interpreter.lift(t, scalar=not t.shape) for t in types])
        graph = interpreter.graph(ys, name)
    return graph, interpreter.captured()
