"""Graphs as statements of C: loops over entries for each operation, loops as loops, branches as branches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from wengert.control.custom import custom_eval
from wengert.core.graph import Atom, Const, Graph, Node
from wengert.explain.source.c_expressions import (
    FORMULAS,
    HELPERS,
    Address,
    CValue,
    affine,
    c_number,
    c_type,
    indexed,
    refused,
)
from wengert.explain.source.liveness import Liveness
from wengert.explain.source.naming import Names, source_line
from wengert.explain.source.sweeps import Note
from wengert.ops.index_forms import SLOT, as_tuple
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage

__all__ = ["RULES", "CStatements"]

_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while main "
    "y0 y1 yn j0 j1 jn gamma NAN INFINITY NULL size_t memcpy malloc realloc free abort "
    + " ".join(
        [
            *FORMULAS,
            *HELPERS,
            "asin",
            "acos",
            "atan",
            "asinh",
            "acosh",
            "atanh",
            "atan2",
            "tgamma",
            "lgamma",
            "pow",
        ]
    )
).split()
_LARGEST = 100_000  # entries of an array in a function


class CStatements:
    """The statements of a function in C.

    Parameters
    ----------
    guarded : bool
        Whether products leave out zeros times infinity.
    """

    def __init__(self, *, guarded: bool = True) -> None:
        self.names = Names()
        self.names.used |= {*_WORDS}
        self.guarded = guarded
        self.lines: list[str] = []
        self.tables: list[str] = []
        self.watched: dict[Atom, Callable[[CValue], None]] = {}
        self.kept: dict[Any, str] = {}
        self.open: list[str] = []  # buffers that are to be freed
        self._known: dict[Any, str] = {}
        self._indent = 1
        self._said: Any = None

    # Lines

    def line(self, text: str, comment: str = "") -> None:
        """Write a line."""
        self.lines.append("    " * self._indent + text + (f"  /* {_quiet(comment)} */" if comment else ""))

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write what follows inside of braces."""
        self.line(f"{head} {{" if head else "{")
        self._indent += 1
        yield
        self._indent -= 1
        self.line("}")

    @contextmanager
    def over(self, shape: Sequence[int]) -> Iterator[list[str]]:
        """Write what follows for all indices of a shape; gives their names."""
        names = [
            f"i{self._indent}_{axis}" if len(shape) > 1 else f"i{self._indent}" for axis in range(len(shape))
        ]
        for name, n in zip(names, shape, strict=True):
            self.line(f"for (int {name} = 0; {name} < {n}; {name}++)")
            self._indent += 1
        yield names
        self._indent -= len(shape)

    # Values

    def declare(self, a: Atom, wish: str = "", start: str = "") -> CValue:
        """Declare a variable for a value."""
        name = self.names.fresh(wish)
        size = int(np.prod(a.shape))
        if size > _LARGEST:
            raise refused(f"an array of {size} entries", "arrays are variables of the function.")
        self.line(
            f"{c_type(a.dtype)} {name}{f'[{max(size, 1)}]' if a.shape else ''}{f' = {start}' if start else ''};"
        )
        return CValue(name, a.shape, a.dtype)

    def constant(self, value: Any) -> CValue:
        """Return a constant: a number, or an array before the function."""
        x = np.asarray(value)
        if not x.ndim:
            text = c_number(x)
            return CValue(f"({text})" if text.startswith("-") else text, (), x.dtype)
        return CValue(self.table(x), x.shape, x.dtype)

    def table(self, x: Any) -> str:
        """Write an array before the function; return its name."""
        x = np.ascontiguousarray(x)
        key = (x.dtype.str, x.tobytes())
        if key not in self._known:
            name = self._known[key] = self.names.fresh("table")
            entries = ", ".join(map(c_number, x.ravel())) or "0"
            self.tables.append(f"static const {c_type(x.dtype)} {name}[] = {{{entries}}};")
        return self._known[key]

    def value(self, values: dict[Atom, CValue], a: Atom) -> CValue:
        """Return what stands for an operand."""
        if isinstance(a, Const):
            return self.constant(a.value)
        return values.get(a) or CValue("", a.shape, a.dtype)  # that nobody reads

    def entry(self, x: CValue, names: Sequence[str]) -> str:
        """Return an entry of an operand that broadcasts to the shape of loops."""
        if not x.shape:
            return x.text
        own = names[len(names) - len(x.shape) :]
        strides = [int(np.prod(x.shape[k + 1 :])) if n > 1 else 0 for k, n in enumerate(x.shape)]
        return x.at(indexed(0, strides, own))

    def place(self, shape: Sequence[int], names: Sequence[str]) -> str:
        """Return the place of an entry of an array of a shape."""
        return indexed(0, [int(np.prod(shape[k + 1 :])) for k in range(len(shape))], names)

    def copy(self, to: CValue, x: CValue) -> None:
        """Set a variable to a value of its shape."""
        if not to.shape:
            self.line(f"{to.text} = {x.text};")
            return
        n = int(np.prod(to.shape))
        self.line(f"for (int i = 0; i < {n}; i++) {to.text}[i] = {x.text}[i];")

    # Graphs

    def graph(self, graph: Graph, xs: Sequence[CValue], *, wishes: bool = False) -> list[CValue]:
        """Write the operations of a graph; return its results."""
        values: dict[Atom, CValue] = dict(zip(graph.inputs, xs, strict=True))
        live = Liveness(graph)
        for node in graph.nodes:
            if not live.reads(node):
                continue
            self._say(node)
            operands = [self.value(values, a) for a in node.inputs]
            names = node.place.names if wishes and isinstance(node.place, Note) else ()
            ys = self._node(node, operands, list(names or [""] * len(node.outputs)), live)
            values.update(zip(node.outputs, ys, strict=True))
            for y in node.outputs:
                if y in self.watched:
                    self.watched[y](values[y])
        return [self.value(values, a) for a in graph.outputs]

    def _node(self, node: Node, xs: Sequence[CValue], names: Sequence[str], live: Liveness) -> list[CValue]:
        rule = RULES.get(node.prim.name)
        if rule is not None:
            return rule(self, node, xs, names, live)
        formula = FORMULAS.get(node.prim.name)
        if formula is None:
            raise refused(f"the operation {node.prim.name}", "there is no rule for it.")
        if node.prim.name == "masked" and not self.guarded:
            formula = FORMULAS["multiply"]
        return [self.elementwise(node.outputs[0], formula, xs, names[0])]

    def elementwise(
        self, y: Atom, formula: Callable[..., str], xs: Sequence[CValue], name: str = ""
    ) -> CValue:
        """Write an operation entry by entry."""
        if not y.shape:
            return self.declare(y, name, formula(*[x.text for x in xs]))
        made = self.declare(y, name)
        with self.over(y.shape) as at:
            self.line(f"{made.at(self.place(y.shape, at))} = {formula(*[self.entry(x, at) for x in xs])};")
        return made

    def _say(self, node: Node) -> None:
        """Say which line of the function comes next."""
        place = node.place
        if isinstance(place, Note) and place.file and self._indent == 1:
            here = place.file, place.line, place.part == "bar"
            text = source_line(place)
            if text and here != self._said:
                self._said = here
                self.line(f"/* {'adjoint of: ' if place.part == 'bar' else ''}{_quiet(text)} */")


def _quiet(text: str) -> str:
    """Return a text that does not end a comment, nor go on in the next line."""
    return text.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/").replace("?", " ?")


Rule = Callable[[CStatements, Node, Sequence[CValue], Sequence[str], Liveness], list[CValue]]
RULES: dict[str, Rule] = {}


# Arrays ---------------------------------------------------------------------------------------------------------------


def _moved(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    """Entries in other places: which, NumPy says of the places themselves."""
    x, y = xs[0], node.outputs[0]
    places = np.asarray(node.prim.eval(np.arange(int(np.prod(x.shape))).reshape(x.shape), **node.params))
    found = affine(places)
    if not y.shape:
        return [writer.declare(y, names[0], x.at(str(int(places))))]
    made = writer.declare(y, names[0])
    table = "" if found is not None else writer.table(places)
    with writer.over(y.shape) as at:
        own = writer.place(y.shape, at)
        source = indexed(*found, at) if found is not None else f"{table}[{own}]"
        writer.line(f"{made.at(own)} = {x.at(source)};")
    return [made]


def _getitem(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    x, y = xs[0], node.outputs[0]
    address = Address(x.shape, node.params["index"], xs[1:], writer.table)
    if not y.shape:
        return [writer.declare(y, names[0], x.at(address.at(())))]
    made = writer.declare(y, names[0])
    with writer.over(y.shape) as at:
        writer.line(f"{made.at(writer.place(y.shape, at))} = {x.at(address.at(at))};")
    return [made]


def _write(
    writer: CStatements, y: CValue, index: Any, piece: CValue, slots: Sequence[CValue], sign: str
) -> None:
    address = Address(y.shape, index, slots, writer.table)
    with writer.over(address.shape) as at:
        writer.line(f"{y.at(address.at(at))} {sign} {writer.entry(piece, at)};")


def _updated(sign: str) -> Rule:
    def rule(
        writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
    ) -> list[CValue]:
        y = writer.elementwise(node.outputs[0], lambda a: a, xs[:1], names[0])
        _write(writer, y, node.params["index"], xs[1], xs[2:], sign)
        return [y]

    return rule


def _scatter(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    y = writer.elementwise(node.outputs[0], lambda: "0.0", [], names[0])
    indices = node.params["indices"]
    arrays = iter(xs[len(indices) :])
    for piece, index in zip(xs, indices, strict=False):
        slots = [next(arrays) for item in as_tuple(index) if item is SLOT]
        _write(writer, y, index, piece, slots, "+=")
    return [y]


def _concatenate(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    y, axis, start = writer.declare(node.outputs[0], names[0]), node.params["axis"], 0
    for x in xs:
        index = (*[slice(None)] * axis, slice(start, start + x.shape[axis]))
        _write(writer, y, index, x, [], "=")
        start += x.shape[axis]
    return [y]


def _reduction(start: str, step: Callable[[str, str], str]) -> Rule:
    def rule(
        writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
    ) -> list[CValue]:
        x, y = xs[0], node.outputs[0]
        axes = node.params.get("axis")
        axes = tuple(range(len(x.shape))) if axes is None else (axes,) if isinstance(axes, int) else axes
        made = writer.elementwise(y, lambda: start, [], names[0])
        strides, stride = [0] * len(x.shape), 1
        for axis in reversed([a for a in range(len(x.shape)) if a not in {k % len(x.shape) for k in axes}]):
            strides[axis], stride = stride, stride * x.shape[axis]
        with writer.over(x.shape) as at:
            to = made.at(indexed(0, strides, at))
            writer.line(f"{to} = {step(to, writer.entry(x, at))};")
        return [made]

    return rule


def _cast(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    y = node.outputs[0]
    form = (lambda a: f"{a} != 0") if y.dtype == np.bool else (lambda a: f"({c_type(y.dtype)}){a}")
    return [writer.elementwise(y, form, xs, names[0])]


def _remainder(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    """The remainder with the sign of the divisor."""
    whole = node.outputs[0].dtype == np.int64
    form = (lambda a, b: f"({a} % {b} + {b}) % {b}") if whole else (lambda a, b: f"remainder_of({a}, {b})")
    return [writer.elementwise(node.outputs[0], form, xs, names[0])]


def _quotient(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    """The quotient rounded down."""
    whole = node.outputs[0].dtype == np.int64
    form = (
        (lambda a, b: f"({a} - ({a} % {b} + {b}) % {b}) / {b}")
        if whole
        else (lambda a, b: f"floor({a} / {b})")
    )
    return [writer.elementwise(node.outputs[0], form, xs, names[0])]


# Products -------------------------------------------------------------------------------------------------------------


def _subscripts(node: Node) -> str:
    """Return a product of two arrays in the notation of einsum."""
    a, b = (len(x.shape) for x in node.inputs)
    name = node.prim.name
    if name == "einsum":
        return str(node.params["subscripts"])
    if name == "tensordot":
        left, right = node.params["axes"]
        first, second = list("abcdefgh"[:a]), list("mnopqrst"[:b])
        for i, j in zip(left, right, strict=True):
            second[j] = first[i]
        out = [x for k, x in enumerate(first) if k not in left] + [
            x for k, x in enumerate(second) if k not in right
        ]
        return f"{''.join(first)},{''.join(second)}->{''.join(out)}"
    core = {"matmul": ("ij" if a > 1 else "j", "jk" if b > 1 else "j"), "vecdot": ("j", "j")}
    left, right = {**core, "matvec": ("ij", "j"), "vecmat": ("j", "jk")}[name]
    outer = max(a - len(left), b - len(right))
    batch = "uvwxyz"[:outer]
    kept = "".join([x for x in dict.fromkeys(left + right) if x != "j"])
    return f"{batch[outer - a + len(left) :]}{left},{batch[outer - b + len(right) :]}{right}->{batch}{kept}"


def _product(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    return [product(writer, node, xs, names[0], guarded=False)]


def product(writer: CStatements, node: Node, xs: Sequence[CValue], name: str, *, guarded: bool) -> CValue:
    """Write a sum of products over repeated labels."""
    terms, _, output = _subscripts(node).replace(" ", "").partition("->")
    labels = terms.split(",")
    sizes: dict[str, int] = {}
    for term, x in zip(labels, xs, strict=True):
        for label, n in zip(term, x.shape, strict=True):
            sizes[label] = max(n, sizes.get(label, 1))
    made = writer.elementwise(node.outputs[0], lambda: "0.0", [], name)
    order = [*output, *[label for label in sizes if label not in output]]
    with writer.over([sizes[label] for label in order]) as at:
        where = dict(zip(order, at, strict=True))
        factors = [
            writer.entry(x, [where[label] for label in term]) for term, x in zip(labels, xs, strict=True)
        ]
        text = factors[0]
        for factor in factors[1:]:
            text = f"masked({text}, {factor})" if guarded else f"{text} * {factor}"
        writer.line(
            f"{made.at(writer.place([sizes[label] for label in output], [where[x] for x in output]))} += {text};"
        )
    return made


_PRODUCTS = ("matmul", "vecdot", "matvec", "vecmat", "tensordot", "einsum")


def _contraction(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    """A sum of products without the terms in which a factor is 0."""
    graph = simplify(node.params["graph"])
    live = Liveness(graph)
    values: dict[Atom, CValue] = dict(zip(graph.inputs, xs, strict=True))
    for inner in graph.nodes:
        operands = [writer.value(values, a) for a in inner.inputs]
        if inner.prim.name in _PRODUCTS:
            values[inner.outputs[0]] = product(writer, inner, operands, "", guarded=writer.guarded)
        elif inner.prim.name == "multiply" and writer.guarded:
            values[inner.outputs[0]] = writer.elementwise(inner.outputs[0], FORMULAS["masked"], operands)
        else:
            (values[inner.outputs[0]],) = writer._node(inner, operands, [""], live)  # noqa: SLF001 - one class
    return [writer.value(values, graph.outputs[0])]


def _call(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    return writer.graph(node.params["graph"], xs)


def _custom(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], _: Liveness
) -> list[CValue]:
    call = node.params["call"]
    graph, _captured = stage(
        lambda *flat: custom_eval(*flat, call=call), [a.type for a in node.inputs], "custom"
    )
    return writer.graph(graph, xs)


def _norm(
    writer: CStatements, node: Node, xs: Sequence[CValue], names: Sequence[str], live: Liveness
) -> list[CValue]:
    """The square root of a sum of squares."""
    if node.params.get("ord", 2) != 2:
        raise refused(f"a norm of order {node.params['ord']}", "only Euclid's is written.")
    squares = writer.elementwise(node.inputs[0], FORMULAS["square"], xs)
    (total,) = _reduction("0.0", lambda y, x: f"{y} + {x}")(writer, node, [squares], [""], live)
    return [writer.elementwise(node.outputs[0], FORMULAS["sqrt"], [total], names[0])]


RULES.update(dict.fromkeys(("reshape", "transpose", "broadcast_to", "flip", "roll", "diagonal"), _moved))
RULES.update(dict.fromkeys(_PRODUCTS, _product))
RULES.update({
    "getitem": _getitem,
    "index_update": _updated("="),
    "index_add": _updated("+="),
    "scatter": _scatter,
    "concatenate": _concatenate,
    "sum": _reduction("0.0", lambda y, x: f"{y} + {x}"),
    "prod": _reduction("1.0", lambda y, x: f"{y} * {x}"),
    "max": _reduction("-INFINITY", lambda y, x: f"maximum({y}, {x})"),
    "min": _reduction("INFINITY", lambda y, x: f"minimum({y}, {x})"),
    "any": _reduction("0", lambda y, x: f"{y} || {x}"),
    "all": _reduction("1", lambda y, x: f"{y} && {x}"),
    "vector_norm": _norm,
    "remainder": _remainder,
    "floor_divide": _quotient,
    "cast": _cast,
    "discretize": _cast,
    "contraction": _contraction,
    "call": _call,
    "custom": _custom,
})  # fmt: skip
