"""What statements of kernels use, make and hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from wengert.compile.kernel import (
    Address,
    Call,
    Carried,
    Constant,
    Fail,
    For,
    Host,
    If,
    Index,
    Load,
    OfBlocks,
    Operation,
    Statement,
    Store,
    Value,
    While,
)

__all__ = ["bodies", "makes", "uses", "walk"]


def bodies(statement: Statement) -> Sequence[list[Statement]]:
    """Return the bodies of a statement, in the order in which they are written."""
    match statement:
        case For(body=body):
            return (body,)
        case While(ahead=ahead, body=body):
            return ahead, body
        case If(so=so, otherwise=otherwise):
            return so, otherwise
    return ()


def walk(body: Iterable[Statement]) -> Iterator[Statement]:
    """Return statements and all that they hold, as they are written."""
    for statement in body:
        yield statement
        for inner in bodies(statement):
            yield from walk(inner)


def makes(statement: Statement) -> Iterator[Value]:
    """Return the values that a statement makes, those of its bodies left out, but not what these begin with."""
    match statement:
        case Operation(result=result) | Load(result=result):
            yield result
        case For(counter=counter, carried=carried):
            yield counter
            yield from _begun(carried)
        case While(carried=carried):
            yield from _begun(carried)
        case If(chosen=chosen):
            yield from (one.result for one in chosen)


def uses(statement: Statement) -> Iterator[Value]:
    """Return the values that a statement uses, as often as it does; those of its bodies' statements left out."""
    return (value for value in _uses(statement) if not isinstance(value, Constant))


def _uses(statement: Statement) -> Iterator[Value]:
    match statement:
        case Operation(operands=operands):
            yield from operands
        case Load(index=index):
            yield from _of(index)
        case Store(value=value, index=index):
            yield value
            yield from _of(index)
        case OfBlocks():
            for block, _, _ in statement.blocks:
                yield from _of(block.at)
        case Call(operands=passed):
            for operand in passed:
                yield from _of(operand.at) if isinstance(operand, Address) else (operand,)
        case Host(program=program):
            yield program
        case Fail(condition=condition):
            yield condition
        case _:
            yield from _control(statement)


def _control(statement: For | While | If) -> Iterator[Value]:
    match statement:
        case For(extent=extent, carried=carried):
            if isinstance(extent, Value):
                yield extent
            yield from _handed_on(carried)
        case While(condition=condition, carried=carried):
            yield condition
            yield from _handed_on(carried)
        case If(condition=condition, chosen=chosen):
            yield condition
            for one in chosen:
                yield from (one.so, one.otherwise)


def _begun(carried: Iterable[Carried]) -> Iterator[Value]:
    for one in carried:
        yield from (one.entry, one.result)


def _handed_on(carried: Iterable[Carried]) -> Iterator[Value]:
    for one in carried:
        yield from (one.first, one.next)


def _of(index: Index) -> Iterator[Value]:
    return (value for value, _ in index.terms)
