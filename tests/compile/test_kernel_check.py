"""Each rule of kernels is checked: a program that breaks it is refused, and the statement is named."""

import pytest

from wengert.compile.kernel import (
    INT,
    Buffer,
    Call,
    Carried,
    Constant,
    Fail,
    For,
    Index,
    Load,
    Operation,
    Program,
    Store,
    Value,
)
from wengert.compile.kernel_check import always, check, checked
from wengert.errors import ArgumentError

from .kernels import Kernel, number


def wrong(*statements, buffers=(), arena=0):
    return Program("wrong", list(buffers), list(statements), arena)


X = Buffer("f64", 10, "argument", 0, "x")
A, B = Value("f64"), Value("f64")
ONE = Constant("f64", 1.0)
FLAG = Constant("bool", True)


def in_loop(*statements, extent=10, carried=(), lanes=True, buffers=(X,)):
    counter = Value(INT)
    made = [s(counter) if callable(s) else s for s in statements]
    return wrong(For(counter, extent, made, list(carried), lanes), buffers=buffers)


def load(stride, offset=0):
    return lambda counter: Load(Value("f64"), X, Index(offset, ((counter, stride),)))


def carrying(step, reduction="add"):
    """Return a loop over lanes with a reduction, and a statement made of what it carries."""
    entry, following, result = Value("f64"), Value("f64"), Value("f64")
    one = Carried(ONE, entry, following, result, reduction)
    return in_loop(*step(entry, following), carried=[one])


CASES = {
    "no such operation": wrong(Operation(A, "plus", (ONE, ONE))),
    "takes 2 operands": wrong(Operation(A, "add", (ONE,))),
    "sin of i64": wrong(Operation(Value(INT), "sin", (Constant(INT, 1),))),
    "sub of bool": wrong(Operation(Value("bool"), "sub", (FLAG, FLAG))),
    "and of f64": wrong(Operation(A, "and", (ONE, ONE))),
    "types differ: f64, f32, f64": wrong(Operation(A, "add", (ONE, Constant("f32", 1.0)))),
    "types differ: f64, bool": wrong(Operation(A, "lt", (ONE, ONE))),
    "types differ: i64, bool": wrong(Operation(A, "select", (Constant(INT, 1), ONE, ONE))),
    "bitcast between types of two widths": wrong(Operation(Value("f32"), "bitcast", (ONE,))),
    "no such type: f16": wrong(Operation(Value("f16"), "convert", (ONE,))),
    "used where nothing has made it": wrong(Operation(A, "neg", (B,))),
    "a value is made twice": wrong(Operation(A, "neg", (ONE,)), Operation(A, "neg", (ONE,))),
    "a constant is made": wrong(Operation(ONE, "neg", (ONE,))),
    "no buffer of the program": wrong(Load(A, X, Index(0))),
    "types differ: f32, f64": wrong(Load(Value("f32"), X, Index(0)), buffers=[X]),
    "index 10 to 10 of 10": wrong(Store(ONE, X, Index(10)), buffers=[X]),
    "index -1 to -1 of 10": wrong(Store(ONE, X, Index(-1)), buffers=[X]),
    "index 0 to 18 of 10": in_loop(load(2)),
    "index 1 to 10 of 10": in_loop(load(1, 1)),
    "index -8 to 1 of 10": in_loop(load(-1, 1)),
    "types differ: f64, i64": wrong(Load(A, X, Index(0, ((ONE, 1),))), buffers=[X]),
    "buffer ends at byte 24, behind": wrong(buffers=[Buffer("f64", 2, "arena", 8)], arena=16),
    "not aligned": wrong(buffers=[Buffer("f64", 1, "arena", 4)], arena=16),
    "no such home": wrong(buffers=[Buffer("f64", 1, "stack", 0)]),
    "no such type: c128": wrong(buffers=[Buffer("c128", 1, "result", 0)]),
    "at least 1": wrong(Fail(FLAG, 0)),
    "types differ: f64, bool ": wrong(Fail(ONE, 1)),
    "negative number of steps": in_loop(extent=-1),
    "holds a loop, branch or call": in_loop(Call("f", ())),
    "all lanes store to one place": in_loop(Store(ONE, X, Index(0))),
    "carries what is no reduction": carrying(lambda e, n: [Operation(n, "add", (e, ONE))], reduction=None),
    "no reduction: sub": carrying(lambda e, n: [Operation(n, "sub", (e, ONE))], reduction="sub"),
    "not joined once": carrying(lambda e, n: [Operation(n, "mul", (e, ONE))]),
    "not joined once by": carrying(lambda e, n: [Operation(n, "add", (e, e))]),
    "used by a step": carrying(
        lambda e, n: [Operation(n, "add", (e, ONE)), Operation(Value("f64"), "neg", (n,))]
    ),
}


@pytest.mark.parametrize("message", CASES)
def test_a_broken_rule_is_named(message):
    with pytest.raises(ArgumentError) as caught:
        check(CASES[message])
    assert message.strip() in str(caught.value)
    assert "kernel wrong: " in str(caught.value)


def test_the_statement_is_named():
    with pytest.raises(ArgumentError, match=r"in `store 1\.0, x\[10\]`"):
        check(CASES["index 10 to 10 of 10"])


def test_what_a_body_makes_ends_with_it():
    k = Kernel()
    with k.loop(3):
        inside = k("neg", number(1.0))
    k("neg", inside)
    with pytest.raises(ArgumentError, match="nothing has made it"):
        check(k.program)


def test_what_a_side_of_a_branch_makes_is_not_there_on_the_other():
    k = Kernel()
    made = []

    def so():
        made.append(k("neg", number(1.0)))
        return (made[0],)

    k.branch(number(True, "bool"), so, lambda: (k("abs", made[0]),))
    with pytest.raises(ArgumentError, match="nothing has made it"):
        check(k.program)


def test_a_loop_without_steps_may_have_any_index():
    check(in_loop(load(100), extent=0))


def test_an_index_that_a_value_has_a_part_in_is_not_bounded():
    k = Kernel()
    n, x = k.argument("i64", 1), k.argument("f64", 5)
    k.load(x, k.load(n), offset=100)
    check(k.program)


def test_programs_are_checked_when_somebody_has_asked():
    broken = CASES["takes 2 operands"]
    always(False)
    try:
        assert checked(broken) is broken
    finally:
        always(True)  # as all tests do
    with pytest.raises(ArgumentError):
        checked(broken)
