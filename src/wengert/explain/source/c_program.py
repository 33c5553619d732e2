"""A derivative as a function of C99 that needs math.h only."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from wengert.core.graph import Atom, Const
from wengert.explain.source import c_loops  # noqa: F401 - it knows more kinds of statements
from wengert.explain.source.c_expressions import HELPERS, CValue, c_number, c_type, refused
from wengert.explain.source.c_writer import CStatements
from wengert.explain.source.naming import identifier
from wengert.explain.source.sweeps import Program
from wengert.transforms.staging import Guard

__all__ = ["c_source"]


def c_source(fun: Callable[..., Any], program: Program, *, guarded: bool = True) -> str:
    """Return a C99 file with one function, which returns the value and writes the derivatives where it is told."""
    primal = program.primal
    types = primal.graph.out_types[: primal.n_results]
    if len(types) != 1 or types[0].shape:
        raise refused(
            f"a function that returns {', '.join(map(str, types))}", "the function of C returns one number."
        )
    writer = CStatements(guarded=guarded)
    head = f"{'value_and_grad' if program.mode == 'reverse' else 'jvp'}_{identifier(primal.graph.name)}"
    writer.names.used.add(head)
    inputs = [CValue(writer.names.fresh(program.names[a]), a.shape, a.dtype) for a in program.graph.inputs]
    outputs = [CValue(writer.names.fresh(name), a.shape, a.dtype) for name, a in _targets(program)]
    writer.names.skip("v", sum(bool(re.fullmatch(r"v\d+", name)) for name in program.wishes()))
    for guard, atom in zip(primal.guards, program.guarded, strict=True):
        if not isinstance(atom, Const):
            writer.watched[atom] = partial(_refuse, writer, guard)
    results = writer.graph(program.graph, inputs, wishes=True)
    for target, x in zip(outputs, results[1 : 1 + len(outputs)], strict=True):
        if target.shape:
            writer.copy(target, x)
        else:
            writer.line(f"*{target.text} = {x.text};")
    writer.line(f"return {results[0].text};")
    return _file(writer, program, head, inputs, outputs)


def _targets(program: Program) -> list[tuple[str, Atom]]:
    """Return the names of the derivatives."""
    if program.mode == "forward":
        return [("tangent", program.derivatives[0])]
    pairs = zip(program.graph.inputs, program.primal.operands, strict=False)
    wanted = [a for a, x in pairs if x.wanted]
    return [(f"grad_{program.names[a]}", a) for a in wanted]


def _refuse(writer: CStatements, guard: Guard, x: CValue) -> None:
    """Return nan for arguments for which the function would have gone another way."""
    if x.shape:
        raise refused("a decision by an array", "a branch is decided by a number.")
    if guard.asked == "bool":
        test = f"!({x.text})" if guard.answer else x.text
    else:
        test = f"{x.text} != {c_number(np.asarray(guard.answer))}"
    place = "" if guard.place is None else f", line {guard.place.line} of {identifier(guard.place.function)}"
    freed = "".join([f"free({kept}); " for kept in writer.open])
    writer.line(f"if ({test}) {{ {freed}return NAN; }}  /* the function goes another way here{place} */")


def _parameter(x: CValue, *, out: bool) -> str:
    kind = c_type(x.dtype)
    if x.shape:
        return f"{'' if out else 'const '}{kind} {x.text}[{max(int(np.prod(x.shape)), 1)}]"
    return f"{kind} *{x.text}" if out else f"{kind} {x.text}"


def _without_unread(lines: list[str]) -> list[str]:
    """Leave out numbers that are set and never read, such as the adjoint of what only counts the steps of a loop."""
    while True:
        body = "\n".join(lines)
        declared = re.findall(r"^ *(?:double|long long|int) (\w+)(?: = [^;]*)?;$", body, re.MULTILINE)
        unread = {
            name
            for name in declared
            if len(re.findall(rf"\b{name}\b", body))
            == len(
                re.findall(
                    rf"^ *(?:(?:double|long long|int) )?{name}(?: = (?:(?!\b{name}\b)[^;])*)?;$",
                    body,
                    re.MULTILINE,
                )
            )
        }
        if not unread:
            return lines
        alone = re.compile(rf"^ *(?:(?:double|long long|int) )?(?:{'|'.join(unread)})(?: = [^;]*)?;$")
        lines = [line for line in lines if not alone.match(line)]


def _file(
    writer: CStatements, program: Program, head: str, inputs: list[CValue], outputs: list[CValue]
) -> str:
    body = "\n".join(_without_unread(writer.lines))
    parameters = [*[_parameter(x, out=False) for x in inputs], *[_parameter(x, out=True) for x in outputs]]
    name = identifier(program.primal.graph.name)
    what = "the gradient" if program.mode == "reverse" else "the tangent"
    includes = ["#include <math.h>", *(["#include <stdlib.h>"] if "size_t" in body else [])]
    parts = ["\n".join(includes)]
    tables = [line for line in writer.tables if re.search(rf"\b{line.split('[')[0].split()[-1]}\b", body)]
    if tables:
        parts.append("\n".join(tables))
    parts += [text for helper, text in HELPERS.items() if re.search(rf"\b{helper}\(", body)]
    signature = f"double {head}({', '.join(parameters)})"
    parts.append(
        f"/* Returns the value of {name}, and sets {what}: {program.mode} mode. */\n{signature}\n{{\n{body}\n}}"
    )
    return "\n\n".join(parts) + "\n"
