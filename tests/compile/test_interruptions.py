"""Ctrl-C, and the like, while a native program runs: it reaches the user, and nothing is run again."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import Primitive
from wengert.jit import jit

from .programs import force

pytestmark = pytest.mark.usefixtures("machine_code")

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows delivers Ctrl-C otherwise")
X = np.array([3.0, 1.0, 2.0])
RIGHT = np.array([7.0, 3.0, 5.0])


class Operation:
    """An operation that only NumPy does, and before that something else, where the test wants it."""

    def __init__(self) -> None:
        self.calls, self.first = 0, lambda: None
        self.prim = Primitive(name="interrupted", doc="Its operand.", eval=self.eval, infer=lambda t: t)

    def eval(self, x: Any) -> Any:
        self.calls += 1
        self.first()
        return x.copy()

    def among_others(self, x: Any) -> Any:
        return self.prim(x * 2.0) + 1.0


@pytest.fixture(params=["native", "checked"])
def operation(request: Any, monkeypatch: Any) -> Operation:
    force(monkeypatch, request.param)
    return Operation()


def raising(error: BaseException) -> Any:
    def first() -> None:
        raise error

    return first


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_reaches_the_user(operation: Operation, kind: type[BaseException]) -> None:
    compiled = jit(operation.among_others)
    for _ in range(3):
        np.testing.assert_array_equal(compiled(X), RIGHT)
    operation.first, operation.calls = raising(kind("now")), 0
    for _ in range(2):
        with pytest.raises(kind, match="now"):
            compiled(X)
    assert operation.calls == 2, "it was run again"
    operation.first = lambda: None
    np.testing.assert_array_equal(compiled(X), RIGHT)


def test_an_error_is_raised_by_the_function_itself(operation: Operation) -> None:
    compiled = jit(operation.among_others)
    for _ in range(3):
        compiled(X)
    operation.first, operation.calls = raising(FloatingPointError("here")), 0
    with pytest.raises(FloatingPointError, match="here"):
        compiled(X)
    assert operation.calls >= 2


def test_an_interruption_is_that_of_its_thread(operation: Operation) -> None:
    compiled = jit(operation.among_others)
    compiled(X)
    main, found = threading.get_ident(), []
    operation.first = lambda: None if threading.get_ident() == main else raising(SystemExit(5))()

    def beside() -> None:
        try:
            compiled(X)
        except SystemExit as signal:
            found.append(signal.code)

    thread = threading.Thread(target=beside)
    thread.start()
    thread.join()
    assert found == [5]
    np.testing.assert_array_equal(compiled(X), RIGHT)


@POSIX
def test_a_signal_in_the_middle_of_an_operation(operation: Operation) -> None:
    compiled = jit(operation.among_others)
    for _ in range(3):
        compiled(X)
    operation.first, operation.calls = lambda: os.kill(os.getpid(), signal.SIGINT), 0
    with pytest.raises(KeyboardInterrupt):
        compiled(X)
    assert operation.calls == 1


@POSIX
@pytest.mark.parametrize("way", ["native", "checked"])
def test_a_signal_that_came_between_operations(way: str, monkeypatch: Any) -> None:
    """Python would handle it where it enters the function that is called natively, and lose it there."""
    force(monkeypatch, way)
    operation = Operation()

    def long(x: Any, n: Any) -> Any:
        return operation.prim(wg.fori_loop(0, n, lambda i, c: np.sin(c), x))

    def alarm(*_: Any) -> None:
        raise KeyboardInterrupt

    compiled = jit(long)
    once = []
    for _ in range(5):  # the least counts: a busy machine makes a few steps look like many
        start = time.process_time()
        compiled(X, 100_000)
        once.append(time.process_time() - start)
    steps = int(100_000 * max(1.0, 0.5 / min(once)))
    operation.calls = 0
    before = signal.signal(signal.SIGALRM, alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            compiled(X, steps)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert operation.calls == 0


def test_a_program_that_may_end_in_every_way(operation: Operation) -> None:
    """By a guard, by an index out of bounds, by an exception: none is taken for another."""

    prim = operation.prim

    def fun(x: Any, i: Any) -> Any:
        return prim(x[i] * 2.0 if x.sum() > 0 else -x[i])

    compiled = jit(fun)
    for _ in range(3):
        assert compiled(X, 1) == 2.0
        assert compiled(-X, 1) == 1.0
        with pytest.raises(IndexError, match="index 3 is out of bounds"):
            compiled(X, 3)
    operation.first = raising(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        compiled(X, 1)
    assert compiled.cache_info().paths == 2
