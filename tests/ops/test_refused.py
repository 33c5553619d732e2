"""Refused functions say why and what to write instead; text and questions get plain answers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.lib.recfunctions as records
import pytest
from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs

import wengert as wg
from wengert.core.numpy_protocol import CREATORS, FUNCTIONS, UFUNCS, find_ufunc
from wengert.errors import RefusedError

V = np.array([0.4, -1.1, 0.9])


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda x: np.save("unwritten", x), "plain numbers"),
        (lambda x: np.savez("unwritten", x=x), "plain numbers"),
        (np.packbits, "bits"),
        (lambda x: np.busday_count(x, x), "dates"),
        (np.strings.upper, "strings"),
        (np.strings.find, "strings"),
        (np.strings.lstrip, "strings"),
        (lambda x: np.char.equal(x, x), "strings"),
        (lambda x: records.drop_fields(x, "a"), "records"),
        (lambda x: records.structured_to_unstructured(x), "records"),
    ],
)
def test_refusals(call: Callable[[Any], Any], reason: str) -> None:
    binary = (lambda x: call(x, "a")) if call is np.strings.find else call
    with pytest.raises(RefusedError) as caught:
        wg.grad(binary)(V)
    assert reason in caught.value.why
    assert "wengert.stop_gradient" in caught.value.instead or "field" in caught.value.instead
    assert "test_refused.py" in str(caught.value.where)


def test_nothing_is_unclassified() -> None:
    find_ufunc(None)  # fills the tables that fill late
    functions = get_overridable_numpy_array_functions()
    # NumPy lists a dispatcher for like=, but tells us of the function itself
    known = {*FUNCTIONS, *(f for f in functions if getattr(f, "_implementation", None) in CREATORS)}
    assert {f.__name__ for f in functions - known} == set()
    assert {
        f.__name__ for f in get_overridable_numpy_ufuncs() if f not in UFUNCS and f not in FUNCTIONS
    } == set()


def test_text_is_that_of_the_numbers() -> None:
    found: list[str] = []

    def fun(x: Any) -> Any:
        found.extend([np.array_str(x), np.array_repr(x, precision=2), np.array2string(x, separator=";")])
        return np.sum(x)

    wg.hessian(fun)(V)
    wg.jvp(fun, (V,), (V,))
    expected = [np.array_str(V), np.array_repr(V, precision=2), np.array2string(V, separator=";")]
    assert found == expected * (len(found) // 3)
    found.clear()
    wg.vmap(fun)(np.stack([V, V]))
    assert found[0] == np.array_str(np.stack([V, V]))
