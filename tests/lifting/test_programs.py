"""Random small programs with loops, branches, writes and exits: lifted ones agree with plain ones in every mode.

Programs are drawn as nested tuples of numbers and written into files, since lifting reads sources. All their operations
keep numbers below 2 or so, and they are piecewise smooth.
"""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import wengert as wg

from ..jit.agreement import assert_close, outcome  # noqa: TID252 - the same demands
from .agreement import assert_gradients_close

_numbers = itertools.count()

SIMPLE = """
a = math.sin(a + b)
b = 0.5 * b + a * x[I]
a, b = b, a
y[I] = a
y[I] += 0.5 * b
y[J] *= a
y[1:3] = 0.5 * y[2:4] + a
y = y * 0.5 + x
c += 1
a = y[c % 5] * 0.7
b = max(a, b) - min(a, 0.5)
a = b if b > a else a * 0.5
z = y
b = float(len(x)) * 0.1 + sum(y) * 0.1
a = helper(a, b)
k = round(3 * a)
b = abs(b) if k > 0 or a > b else -b
y = np.where(y > a, y, 0.5 * y)
""".strip().splitlines()

CONDITIONS = """
a > b
a > 0.3 and b < 0.5
0.0 < a < 0.8 or y[I] > 0
not a > 0.1
c % 2 == 0
y[J] > a
""".strip().splitlines()

LOOPS = """
for i in range(L)
for i in range(n)
for v in x
for i, v in enumerate(y * 1.0)
while c < L
while abs(a) > 0.2 and c < 40
for i in range(L, 0, -2)
""".strip().splitlines()

HEAD = """import math

import numpy as np


def helper(p, q):
    for _ in range(3):
        if p > q:
            return p - 0.5 * q
        p = p + 0.25
    return math.cos(p)


def f(x, n):
    y = np.zeros(5)
    a, b, c, i, k = 0.4, -0.3, 0, 0, 1
    v = 0.1
    z = y
"""

line = st.integers(0, len(SIMPLE) - 1)
exit_ = st.sampled_from(["break", "continue", "return a * b, y"])


def blocks(depth: int) -> Any:
    """Blocks of statements, nested so deep."""
    if not depth:
        return st.lists(line, min_size=1, max_size=3)
    inner = blocks(depth - 1)
    nested = st.tuples(st.sampled_from(["if", "loop"]), st.integers(0, 41), inner, inner, st.none() | exit_)
    return st.lists(st.one_of(nested, line, nested), min_size=1, max_size=3)


programs = st.one_of(blocks(1), blocks(2), blocks(3))


def text_of(block: Any, depth: int, *, in_loop: bool, picks: Any) -> list[str]:
    """The lines of a block."""
    pad = "    " * depth
    lines = []
    for s in block:
        i, j, length = next(picks), next(picks), 3 + 9 * next(picks)
        fill = lambda t, i=i, j=j, n=length: (
            t.replace("[I]", f"[{i}]")
            .replace("[J]", f"[{j}]")
            .replace("(L", f"({n}")
            .replace("< L", f"< {n}")
        )
        if isinstance(s, int):
            lines.append(pad + fill(SIMPLE[s]))
            continue
        kind, which, first, second, leave = s
        if kind == "if":
            lines.append(pad + fill(f"if {CONDITIONS[which % len(CONDITIONS)]}:"))
            lines += text_of(first, depth + 1, in_loop=in_loop, picks=picks)
            if leave is not None and (in_loop or leave.startswith("return")):
                lines.append(pad + "    " + leave)
            if which % 3:
                lines.append(pad + "else:")
                lines += text_of(second, depth + 1, in_loop=in_loop, picks=picks)
        elif depth < 4:
            head = LOOPS[which % len(LOOPS)]
            lines.append(pad + fill(head) + ":")
            lines += [pad + "    c += 1"] if head.startswith("while") else []
            lines += text_of(first, depth + 1, in_loop=True, picks=picks)
            if which % 5 == 0:
                lines.append(pad + "else:")
                lines += text_of(second, depth + 1, in_loop=in_loop, picks=picks)
        else:
            lines.append(pad + "a = 0.9 * a")
    return lines


def program(block: Any, folder: Path) -> Any:
    """The function of a program, from a file of its own."""
    picks = itertools.cycle([0, 3, 1, 2, 4, 0, 2, 4, 1, 3, 3])
    lines = text_of(block, 1, in_loop=False, picks=picks)
    text = HEAD + "\n".join(lines) + "\n    return a + b * c, y + z\n"
    note(text)
    path = folder / f"program_{next(_numbers)}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.f


def total(fun: Any) -> Any:
    def number(x: Any, n: int) -> Any:
        first, second = fun(x, n)
        return first + np.sum(second * np.cos(np.arange(5.0)))

    return number


def check_program(fun: Any, x: Any, n: int) -> None:
    want = outcome(fun, x, n)
    lifted = wg.lift(fun)
    assert_close(outcome(lifted, x, n), want, 0)
    eager = wg.value_and_grad(total(lifted))(x, n)
    assert_close(outcome(lambda: eager[0]), outcome(total(fun), x, n))
    compiled = wg.jit(lifted)
    try:
        got = compiled(x, n)
    except wg.errors.LiftError:
        return  # it says so
    assert_close(outcome(lambda: got), want)
    both = wg.grad(wg.jit(total(lifted)))(x, n)
    assert_gradients_close([both], [eager[1]], 4 * steps(eager[1]))
    other = wg.jit(wg.grad(total(lifted)))(x, n)
    assert_gradients_close([other], [eager[1]], 4 * steps(eager[1]))


def steps(gradient: Any) -> float:
    """Sums of cotangents in another order differ by rounding of their terms, which may cancel."""
    return 1.0 + np.size(gradient)


X = np.array([0.7, -0.6, 0.4, 0.9, -0.2])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(programs, st.integers(0, 6))
def test_random_programs(tmp_path: Path, block: Any, n: int) -> None:
    check_program(program(block, tmp_path), X, n)


@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(programs, st.integers(0, 20))
def test_many_random_programs(tmp_path: Path, block: Any, n: int) -> None:
    check_program(program(block, tmp_path), X, n)
