"""A derivative as a function of Python: its head, its statements, and what it returns."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from wengert.core.graph import Atom, Const
from wengert.errors import NotDifferentiableError
from wengert.explain.source import assignments, loops  # noqa: F401 - they know more kinds of statements
from wengert.explain.source.naming import identifier
from wengert.explain.source.primal import Input
from wengert.explain.source.spelling import Operand
from wengert.explain.source.sweeps import Program
from wengert.explain.source.writer import Statements
from wengert.transforms.staging import Guard

__all__ = ["numpy_source"]


def numpy_source(fun: Callable[..., Any], program: Program, *, guarded: bool = True) -> str:
    """Return a module of Python with one function: the derivative."""
    writer = Statements(_known_arrays(fun), guarded=guarded)
    primal = program.primal
    reverse = program.mode == "reverse"
    head = f"{'value_and_grad' if reverse else 'jvp'}_{identifier(primal.graph.name)}"
    parameters = [writer.names.fresh(name) for name in primal.parameters]
    dots = [] if reverse else [writer.names.fresh(f"{parameters[k]}_dot") for k in primal.argnums]
    operands = _operands(writer, program, parameters, dots)
    _guards_of_statics(writer, primal.inputs)
    writer.names.skip("v", sum(bool(re.fullmatch(r"v\d+", name)) for name in program.wishes()))
    _watch(writer, program, dict(zip(program.graph.inputs, operands, strict=True)))
    scope = writer.graph(program.graph, operands)
    results = writer.results(scope)
    n = program.n_results
    values = [_typed(x) for x in results[:n]]
    derivatives = [_typed(x) for x in results[n : n + len(program.derivatives)]]
    value = structure_text(primal.out_structure, values)
    derivative = (
        _gradient(program, derivatives) if reverse else structure_text(primal.out_structure, derivatives)
    )
    writer.line(f"return {value}, {derivative}")
    return _module(writer, head, [*parameters, *dots], _title(program))


def _title(program: Program) -> str:
    name = identifier(program.primal.graph.name)
    if program.mode == "reverse":
        of = ", ".join(program.primal.parameters[k] for k in program.primal.argnums)
        return f"Return the value of {name} and its gradient by {of}: reverse mode."
    return f"Return the value of {name} and its tangent: forward mode."


def _module(writer: Statements, head: str, parameters: Sequence[str], title: str) -> str:
    constants = writer.constants.lines("\n".join([*writer.lines, *writer.transplants.definitions]))
    if any("np.frombuffer" in line for line in constants):
        writer.transplants.imports |= {"import base64", "import zlib"}
    imports = sorted(writer.transplants.imports, key=lambda line: (not _is_standard(line), line))
    standard = [line for line in imports if _is_standard(line)]
    parts = [*standard, *([""] if standard else []), *[line for line in imports if not _is_standard(line)]]
    if constants:
        parts += ["", *constants]
    for definition in writer.transplants.definitions:
        parts += ["", "", definition]
    parts += ["", "", f"def {head}({', '.join(parameters)}):", f'    """{title}"""', *writer.lines]
    return "\n".join(parts) + "\n"


def _is_standard(line: str) -> bool:
    return line.split()[1].split(".", maxsplit=1)[0] not in ("numpy", "scipy")


def _typed(x: Operand) -> str:
    return x.typed if x.number is not None or x.counts else x.text


# Arguments ------------------------------------------------------------------------------------------------------------


def _operands(
    writer: Statements, program: Program, parameters: Sequence[str], dots: Sequence[str]
) -> list[Operand]:
    """Take the operands out of the arguments; return what stands for the inputs of the graph."""
    primal = program.primal
    places: dict[int, list[Operand]] = {0: [], 1: []}
    tangents = dict(zip(primal.argnums, dots, strict=False))
    atoms = iter(program.graph.inputs)
    for x in primal.operands:
        old = primal.parameters[x.argument]
        path = x.text.removeprefix(old)
        places[0].append(_taken(writer, program, next(atoms), parameters[x.argument], path, x))
    for x in primal.operands:
        if x.wanted and program.mode == "forward":
            path = x.text.removeprefix(primal.parameters[x.argument])
            places[1].append(_taken(writer, program, next(atoms), tangents[x.argument], path, x))
    return [*places[0], *places[1]]


def _taken(writer: Statements, program: Program, atom: Atom, parameter: str, path: str, x: Input) -> Operand:
    """Take one operand out of an argument: a number as NumPy's, which may be divided by zero."""
    name = parameter if not path else writer.names.fresh(program.names[atom])
    text = f"{parameter}{path}"
    if not isinstance(x.value, np.ndarray):
        writer.line(f"{name} = np.{atom.dtype.name}({text})")
    elif path:
        writer.line(f"{name} = {text}")
    return Operand(name, atom.dtype, atom.shape)


def _guards_of_statics(writer: Statements, inputs: Sequence[Input]) -> None:
    """Refuse other values of what the program was made for."""
    for x in inputs:
        if x.static and isinstance(x.value, bool | int | str):
            with writer.block(f"if {x.text} != {x.value!r}:"):
                message = f"this program is for {x.text} = {x.value!r}"
                writer.line(f"raise ValueError({message!r})")


def _watch(writer: Statements, program: Program, inputs: dict[Atom, Operand]) -> None:
    """Refuse arguments for which the function would have gone another way, as soon as that is known."""
    for guard, atom in zip(program.primal.guards, program.guarded, strict=True):
        if isinstance(atom, Const):
            continue
        refuse = partial(_refuse, writer, guard)
        if atom in inputs:
            refuse(inputs[atom])
        else:
            writer.watched[atom] = _both(writer.watched.get(atom), refuse)


def _both(
    first: Callable[[Operand], None] | None, second: Callable[[Operand], None]
) -> Callable[[Operand], None]:
    def both(x: Operand) -> None:
        if first is not None:
            first(x)
        second(x)

    return both


def _refuse(writer: Statements, guard: Guard, x: Operand) -> None:
    place = "" if guard.place is None else f" (line {guard.place.line} of {guard.place.function})"
    if guard.asked == "bool":
        test = f"not {x.text}" if guard.answer else x.text
    elif guard.asked == "shape":
        test = f"np.shape({x.text}) != {guard.answer!r}"
    else:
        test = f"not np.array_equal({x.text}, {_answer(writer, guard.answer)}, equal_nan=True)"
    with writer.block(f"if {test}:"):
        writer.line(f"raise ValueError({f'the function goes another way here{place}'!r})")


def _answer(writer: Statements, answer: Any) -> str:
    value = np.asarray(answer)
    return writer.constants.text(value) if value.ndim else _typed(Operand("", value.dtype, (), value[()]))


# Results --------------------------------------------------------------------------------------------------------------


def _gradient(program: Program, derivatives: Sequence[str]) -> str:
    """Return the expression of the gradient, in the structure of the arguments."""
    primal, rest = program.primal, iter(derivatives)
    found = []
    for k in primal.argnums:
        structure = primal.structures[k]
        found.append(structure_text(structure, [next(rest) for _ in range(structure.num_leaves)]))
    return found[0] if primal.single else f"({', '.join(found)}{',' if len(found) == 1 else ''})"


def structure_text(structure: Any, leaves: Sequence[str]) -> str:
    """Return the expression of a tuple, list or dict of leaves."""
    if structure.num_nodes == 1 and structure.num_leaves == 1:
        return leaves[0]
    children, rest, texts = structure.children(), list(leaves), []
    for child in children:
        texts.append(structure_text(child, rest[: child.num_leaves]))
        del rest[: child.num_leaves]
    kind = structure.type
    if kind is tuple:
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"
    if kind is list:
        return f"[{', '.join(texts)}]"
    if kind is dict:
        pairs = zip(structure.entries(), texts, strict=True)
        return "{" + ", ".join([f"{key!r}: {text}" for key, text in pairs]) + "}"
    if kind is None or kind is type(None):
        return "None"
    raise NotDifferentiableError(
        f"derivative_source cannot write a {getattr(kind, '__name__', kind)} down",
        why="a program that stands by itself knows no classes of yours.",
        instead="pass and return tuples, lists and dicts.",
    )


def _known_arrays(fun: Callable[..., Any]) -> dict[Any, str]:
    """Return the names of the arrays that a function reads around it, by type and contents."""
    try:
        found = inspect.getclosurevars(inspect.unwrap(fun))
    except TypeError:
        return {}
    arrays = {**found.globals, **found.nonlocals}
    return {
        (x.dtype.str, x.shape, x.tobytes()): name for name, x in arrays.items() if isinstance(x, np.ndarray)
    }
