"""What cannot be lifted says which line, why, and what to write instead; and leaves nothing behind."""

import functools
import inspect
import re

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import active
from wengert.errors import LiftError

LONG = np.sin(np.arange(40.0)) + 0.1
STATE = {"n": 0}
TOTAL = 0.0


def changes_shape(x):
    y = np.zeros(1) + x
    while y.sum() < 10:
        y = np.concatenate([y, y])
    return y


def changes_dtype(x):
    k = np.int64(1)
    while x < 10:
        k = k * 1.5
        x = x * 2
    return k


def changes_structure(x):
    y = (x,)
    while y[0] < 10:
        y = (y[0] * 2, x)
    return y


def tries(x):
    while x < 10:
        try:
            x = x * 2
        except ValueError:
            x = x + 1
    return x


def returns_from_try(x):
    while x < 10:
        try:
            return x * 2
        finally:
            x = x + 1
    return x


def writes_global(x):
    global TOTAL  # noqa: PLW0603
    while x < 10:
        TOTAL = x
        x = x * 2
    return x


def calls_global_writer(x):
    while x < 10:
        x = note(x)
    return x


def note(x):
    global TOTAL  # noqa: PLW0603
    TOTAL = x
    return x * 2


def writes_module_dict(x):
    while x < 10:
        STATE["n"] = 1
        x = x * 2
    return x


def writes_attribute(x):
    box = Box()
    while x < 10:
        box.x = x
        x = x * 2
    return x


class Box:
    """A thing with attributes."""


def appends(x):
    out = []
    while x < 10:
        out.append(x)
        x = x * 2
    return out


def appends_elsewhere(x):
    out = []
    while x < 10:
        push(out, x)
        x = x * 2
    return out


def push(out, v):
    out.append(v)


def raises(x):
    while x < 10:
        if x < 0:
            raise ValueError(x)
        x = x * 2
    return x


def unset(x):
    while x < 10:
        y = x
        x = x * 2
    return y


def aliases(x):
    y = np.zeros(3)
    best = y
    while x < 10:
        y[0] = x
        best = y
        x = x * 2
    return best


def aliases_later(x):
    y = np.zeros(3)
    best = np.ones(3)
    while x < 10:
        y[0] = x
        best = y
        x = x * 2
    return best + y


def appends_in_a_branch(x):
    out = [x]
    if x < 10:
        push(out, x)
    return sum(out)


def unbound(x):
    if x > 100:
        y = 1.0
    return y * x


REFUSED = [
    (changes_shape, "while y", "f64[1]"),
    (changes_dtype, "while x", "f64"),
    (changes_structure, "while y", "y is"),
    (tries, "while x", "try"),
    (returns_from_try, "while x", "try"),
    (writes_global, "while x", "global"),
    (calls_global_writer, "    TOTAL = x", "TOTAL"),
    (writes_module_dict, "STATE[", "dict"),
    (writes_attribute, "while x", "attribute"),
    (appends, "while x", "out is"),
    (appends_elsewhere, "while x", "argument"),
    (raises, "while x", "raises"),
    (unset, "return y", "y may have no value"),
    (aliases, "while x", "names"),
    (aliases_later, "while x", "names"),
]


def line_of(fun, text):
    lines, start = inspect.getsourcelines(fun)
    module = inspect.getsource(inspect.getmodule(fun)).splitlines()
    inside = [start + k for k, line in enumerate(lines) if text in line]
    return inside or [k + 1 for k, line in enumerate(module) if text in line]


@pytest.mark.parametrize("transformed", [wg.jit, wg.trace, lambda f: lambda x: wg.vmap(f)(np.array([x, x]))])
@pytest.mark.parametrize(("fun", "line", "word"), REFUSED, ids=lambda x: getattr(x, "__name__", ""))
def test_loops_that_cannot_be_lifted_say_so(fun, line, word, transformed):
    run = transformed(wg.lift(fun))
    with pytest.raises(LiftError) as caught:
        run(0.5)
    error = caught.value
    assert word in error.what
    place = re.search(r'File "(.*)", line (\d+)', error.where)
    assert place[1] == __file__
    assert int(place[2]) in line_of(fun, line), error.where
    assert error.why
    assert error.instead
    assert not active()
    assert STATE == {"n": 0}
    assert isinstance(TOTAL, float)


def test_branches_that_cannot_be_lifted_say_so_where_guards_cannot_decide():
    assert float(wg.jit(appends_in_a_branch, lift=True)(0.5)) == 1.0
    with pytest.raises(LiftError, match="writes into one of its arguments"):
        wg.trace(wg.lift(appends_in_a_branch))(0.5)
    with pytest.raises(LiftError, match="cannot be lifted: it raises"):
        wg.vmap(wg.lift(checked))(LONG)


def checked(x):
    if x < -2:
        raise ValueError(x)
    return x


def test_a_variable_that_was_never_set_is_unbound_as_in_python():
    for run in (wg.lift(unbound), wg.jit(unbound, lift=True)):
        with pytest.raises(UnboundLocalError, match="'y'"):
            run(1.0)
    assert wg.lift(unbound)(101.0) == 101.0


def generator(x):
    yield x


async def coroutine(x):
    return x


@pytest.mark.parametrize(
    ("fun", "word"),
    [
        (generator, "generator"),
        (coroutine, "coroutine"),
        (np.sin, "sin"),
        (len, "len"),
        (Box, "Box"),
        (3.0, "function"),
        (functools.partial(np.sin), "sin"),
    ],
    ids=["generator", "coroutine", "ufunc", "builtin", "class", "number", "partial"],
)
def test_what_has_no_source_is_refused_at_once(fun, word):
    with pytest.raises(wg.errors.WengertError) as caught:
        wg.lift(fun)
    assert word in caught.value.what
    assert caught.value.why
    assert caught.value.instead


def test_source_that_is_gone_is_refused(tmp_path):
    path = tmp_path / "gone.py"
    path.write_text("def f(x):\n    return x\n", encoding="utf-8")
    names = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)  # noqa: S102
    path.unlink()
    with pytest.raises(LiftError, match="source") as caught:
        wg.lift(names["f"])
    assert str(path) in caught.value.where


def test_lambdas_of_one_line_are_told_apart():
    pair = (lambda x: x + 1 if x > 0 else x, lambda x: x - 1 if x > 0 else x)
    assert [wg.lift(f)(2.0) for f in pair] == [3.0, 1.0]
    assert [float(wg.jit(f, lift=True)(2.0)) for f in pair] == [3.0, 1.0]


def failing(x):
    s = 0.0
    for k in range(3):
        s = s + x[k + 1]
    return s


def test_tracebacks_show_the_lines_of_the_user():
    for run in (wg.lift(failing), wg.jit(failing, lift=True)):
        with pytest.raises(IndexError) as caught:
            run(np.ones(3))
        entry = [e for e in caught.traceback if e.path.name == "test_refusals.py"][-1]
        assert entry.lineno + 1 in line_of(failing, "x[k + 1]")
        assert entry.name == "failing"


def test_errors_of_operations_in_a_loop_show_the_lines_of_the_user():
    def program(x):
        for _ in range(40):
            x = x[x > -5]
        return x

    with pytest.raises(wg.errors.WengertError) as caught:
        wg.vmap(wg.lift(program))(LONG.reshape(20, 2))
    assert "test_refusals.py" in caught.value.where


def test_the_lifted_function_is_the_function():
    lifted = wg.lift(changes_dtype)
    assert lifted.__name__ == "changes_dtype"
    assert lifted.__module__ == changes_dtype.__module__
    assert inspect.signature(lifted) == inspect.signature(changes_dtype)
    assert wg.lift(lifted) is lifted
