"""NumPy's settings for floating-point errors: compiled code does not warn, and does not run where more is asked for."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core import floating_errors
from wengert.jit import jit

pytestmark = pytest.mark.usefixtures("machine_code")

ACTIONS = ["raise", "call", "log", "print"]
X = np.array([0.0, 1.0, 2.0])
BREAKING = {
    "divide": lambda x: 1.0 / x,
    "over": lambda x: 1.0 / (1.0 + np.exp(800.0 + x)),  # the result is finite
    "invalid": lambda x: np.where(x > 0, np.sqrt(x - 1.0), 0.0),
    "under": lambda x: np.exp(x - 740.0),
}


def compiled(fun: Any, *args: Any) -> Any:
    found = jit(fun)
    with np.errstate(all="ignore"):
        for _ in range(3):
            found(*args)
    assert found.cache_info().eager == 0
    return found


@pytest.mark.parametrize("kind", BREAKING)
def test_what_is_to_raise_raises(kind: str) -> None:
    fun = compiled(BREAKING[kind], X)
    with np.errstate(**{kind: "raise"}):
        for _ in range(3):
            with pytest.raises(FloatingPointError):
                fun(X)
    with np.errstate(all="raise", **{kind: "ignore"}):
        assert np.all(fun(X[1:]) == BREAKING[kind](X[1:]))


def test_a_function_with_its_derivative_raises() -> None:
    both = compiled(wg.value_and_grad(lambda x: np.log(x).sum()), X)
    assert both(X)[0] == -np.inf
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        both(X)
    assert both(X)[0] == -np.inf


@pytest.mark.parametrize("action", ["call", "log"])
def test_what_is_to_be_told_is_told(action: str) -> None:
    told: list[Any] = []

    class Log:
        def write(self, message: str) -> None:
            told.append(message)

    fun = compiled(BREAKING["divide"], X)
    with np.errstate(divide=action, call=Log() if action == "log" else lambda *args: told.append(args)):
        fun(X)
    assert len(told) == 1


def test_what_is_to_be_printed_is_printed(capfd: Any) -> None:
    fun = compiled(BREAKING["divide"], X)
    with np.errstate(divide="print"):
        fun(X)
    found = capfd.readouterr()
    assert "divide by zero" in found.out + found.err


def test_the_setting_of_the_process_counts() -> None:
    fun = compiled(BREAKING["divide"], X)
    before = np.seterr(divide="raise")
    try:
        with pytest.raises(FloatingPointError):
            fun(X)
    finally:
        np.seterr(**before)
    assert fun(X)[0] == np.inf


def test_a_setting_inside_of_the_function_counts() -> None:
    def fun(x: Any) -> Any:
        with np.errstate(divide="raise"):
            return 1.0 / x

    staged = jit(fun)
    for _ in range(3):
        assert np.all(staged(X + 1.0) == 1.0 / (X + 1.0))
    for _ in range(2):
        with pytest.raises(FloatingPointError):
            staged(X)


def test_another_thread_has_its_own_setting() -> None:
    fun, found = compiled(BREAKING["divide"], X), []
    with np.errstate(all="raise"):
        thread = threading.Thread(target=lambda: found.append(fun(X)))
        thread.start()
        thread.join()
        with pytest.raises(FloatingPointError):
            fun(X)
    assert found[0][0] == np.inf


def test_graphs_that_were_compiled_meanwhile_raise() -> None:
    """A graph that is differentiated is run by NumPy twice, and is machine code from then on."""
    x = wg.placeholder((3,))
    fun = wg.function([x], np.exp(x).sum())
    value = lambda x: wg.jvp(fun, (x,), (x,))[0]
    for _ in range(4):
        value(X)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        value(X * 1000)


@pytest.mark.parametrize("action", ["warn", "ignore"])
def test_a_warning_is_no_reason_to_leave_machine_code(action: str) -> None:
    fun = compiled(BREAKING["divide"], X)
    before = fun.cache_info().eager
    with np.errstate(all=action), warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            assert fun(X)[0] == np.inf
    assert fun.cache_info().eager == before


def test_without_the_variable_of_numpys_every_call_asks(monkeypatch: Any) -> None:
    monkeypatch.setattr(floating_errors, "setting", object)
    assert not floating_errors.are_watched()
    with np.errstate(under="raise"):
        assert floating_errors.are_watched()
    assert not floating_errors.are_watched()
