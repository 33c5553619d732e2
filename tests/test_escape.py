"""Escape: a traced value that leaves NumPy's dispatch raises and names the remedy; it never turns silent zero."""

import cmath
import json
import math
import operator
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import TracerEscapedError, WengertError

VECTOR, SCALAR = np.arange(1.0, 4.0), 2.0


def _assign(index: Any) -> Callable[[Any], Any]:
    def fun(t: Any) -> Any:
        buffer = np.zeros((3, 3))
        buffer[index] = t
        return buffer

    return fun


def _into(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    """Call a function that writes a traced value (where args say `...`) into a plain buffer."""
    return lambda t: function(
        *[t if a is ... else a for a in args], **{k: t if a is ... else a for k, a in kwargs.items()}
    )


def _augmented(t: Any) -> Any:
    buffer = np.ones(3)
    buffer += t
    return buffer


def _format_bytes(t: Any) -> Any:
    return struct.pack("d", t)


# On a vector: the escape in user code, each of which NumPy would run with numbers and without derivatives.
ROUTES: dict[str, Callable[[Any], Any]] = {
    "buffer[i] = t": _assign(0),
    "buffer[:, 1] = t": _assign((slice(None), 1)),
    "buffer[mask] = t": _assign(np.eye(3, dtype=bool)),
    "buffer[i, j] = t[0]": lambda t: _assign((0, 1))(t[0]),
    "np.asarray(t)": np.asarray,
    "np.array(t)": np.array,
    "np.array([t, t])": lambda t: np.array([t, t]),
    "np.array(t, dtype=float)": lambda t: np.array(t, dtype=float),
    "np.asanyarray(t)": np.asanyarray,
    "np.float64(t[0])": lambda t: np.float64(t[0]),
    "np.full_like(a, t[0])": lambda t: np.full_like(VECTOR, t[0]),
    "np.full_like(a, t)": lambda t: np.full_like(VECTOR, t),
    "np.copyto(a, t)": _into(np.copyto, np.zeros(3), ...),
    "np.put(a, i, t)": _into(np.put, np.zeros(3), [0, 1, 2], ...),
    "np.place(a, mask, t)": _into(np.place, np.zeros(3), np.ones(3, bool), ...),
    "np.putmask(a, mask, t)": _into(np.putmask, np.zeros(3), np.ones(3, bool), ...),
    "np.put_along_axis(a, i, t, 0)": _into(np.put_along_axis, np.zeros(3), np.arange(3), ..., 0),
    "np.fill_diagonal(a, t)": _into(np.fill_diagonal, np.zeros((3, 3)), ...),
    "np.add(a, t, out=b)": _into(np.add, VECTOR, ..., out=np.zeros(3)),
    "np.sin(t, out=b)": _into(np.sin, ..., out=np.zeros(3)),
    "np.sum(t, out=b)": lambda t: np.sum(t, out=np.zeros(())),
    "np.cumsum(t, out=b)": lambda t: np.cumsum(t, out=np.zeros(3)),
    "np.add.at(a, i, t)": _into(np.add.at, np.zeros(3), [0, 1, 2], ...),
    "buffer += t": _augmented,
    "ndarray.dot(t)": lambda t: VECTOR.dot(t),
    "buffer.fill(t[0])": lambda t: np.zeros(3).fill(t[0]),
    "operator.setitem": lambda t: operator.setitem(np.zeros(3), 1, t[1]),
    "float(t[0])": lambda t: float(t[0]),
    "int(t[0])": lambda t: int(t[0]),
    "complex(t[0])": lambda t: complex(t[0]),
    "range(t[0])": lambda t: range(t[0]),
    "list[t[0]]": lambda t: [1, 2, 3][t[0]],
    "round to int": lambda t: int(round(t[0])),  # noqa: RUF046
    "math.sin(t[0])": lambda t: math.sin(t[0]),
    "math.sqrt(t[0])": lambda t: math.sqrt(t[0]),
    "math.floor(t[0])": lambda t: math.floor(t[0]),
    "math.hypot(t[0], t[1])": lambda t: math.hypot(t[0], t[1]),
    "math.fsum(t)": math.fsum,
    "cmath.exp(t[0])": lambda t: cmath.exp(t[0]),
    "pow(2.0, float(t[0]))": lambda t: pow(2.0, float(t[0])),
    "struct.pack": lambda t: _format_bytes(t[0]),
    "np.arange(t[0])": lambda t: np.arange(t[0]),
    "np.r_[t]": lambda t: np.r_[t, 1.0],
    "np.c_[t]": lambda t: np.c_[t, t],
    "np.vectorize": lambda t: np.vectorize(lambda x: x * 2.0)(t),
    "np.frompyfunc": lambda t: np.frompyfunc(lambda x: x * 2.0, 1, 1)(t),
    "np.fromiter(t)": lambda t: np.fromiter(t, float),
    "np.random.normal(t)": lambda t: np.random.default_rng(0).normal(t),
    "np.zeros(3).__setitem__": lambda t: np.zeros(3).__setitem__(slice(None), t),
    "json": lambda t: json.dumps(t[0]),
    "np.save": lambda t: np.save("/dev/null", t),
    "a loop over a buffer": lambda t: [_assign((0, k))(t[k]) for k in range(3)],
}
TRANSFORMATIONS: dict[str, Callable[[Any], Any]] = {
    "reverse": lambda f: wg.grad(f)(VECTOR),
    "forward": lambda f: wg.jvp(f, (VECTOR,), (VECTOR,)),
    "batching": lambda f: wg.vmap(f)(np.stack([VECTOR, VECTOR])),
    "nested": lambda f: wg.jvp(wg.grad(f), (VECTOR,), (VECTOR,)),
}
# A foreign library raises its own TypeError for an object that it does not know.
FOREIGN = {"json", "np.frompyfunc", "struct.pack"}


@pytest.mark.parametrize("transform", TRANSFORMATIONS.values(), ids=list(TRANSFORMATIONS))
@pytest.mark.parametrize("route", ROUTES)
def test_escape_raises_and_names_the_line(route: str, transform: Any) -> None:
    with pytest.raises((TypeError, ValueError, struct.error)) as caught:
        transform(ROUTES[route])
    if route not in FOREIGN:
        # Where NumPy asks one entry for a float, it raises "setting an array element with a sequence" from our error.
        error = caught.value if isinstance(caught.value, WengertError) else caught.value.__cause__
        assert isinstance(error, WengertError)
        assert "test_escape.py" in str(error.where), error.where
        for part in (error.what, error.why, error.instead):
            assert part, f"a part is missing: {error}"
            assert part in str(error)


def _leak(transform: Callable[[Callable[[Any], Any]], Any]) -> Any:
    kept: list[Any] = []

    def fun(x: Any) -> Any:
        kept.append(x * 2.0)
        return np.sum(x * x)

    transform(fun)
    return kept[0]


USES: dict[str, Callable[[Any], Any]] = {
    "sin": np.sin,
    "add": lambda t: t + 1.0,
    "radd": lambda t: VECTOR * t,
    "matmul": lambda t: t @ t,
    "sum": np.sum,
    "index": lambda t: t[0],
    "reshape": lambda t: t.reshape(3, 1),
    "argmax": np.argmax,
    "compare": lambda t: t > 0,
    "truth": lambda t: bool(np.all(t > 0)),
    "inside another": lambda t: wg.grad(lambda y: np.sum(y * t))(VECTOR),
    "write": lambda t: operator.setitem(t, 0, 1.0),
    "float": lambda t: float(np.sum(t)),
}


@pytest.mark.parametrize("transform", ["reverse", "forward", "batching"])
@pytest.mark.parametrize("use", USES)
def test_a_tracer_used_after_its_transformation(use: str, transform: str) -> None:
    leaked = _leak(TRANSFORMATIONS[transform])
    with pytest.raises(TracerEscapedError) as caught:
        USES[use](leaked)
    assert "test_escape.py" in str(caught.value.where)
    assert caught.value.why
    assert caught.value.instead


def test_a_leaked_tracer_can_be_shown_and_dropped() -> None:
    leaked = _leak(TRANSFORMATIONS["reverse"])
    assert "2." in repr(leaked)
    assert "2." in f"{leaked}"
    assert leaked.shape == (3,)


def test_returning_the_tracer_of_another_transformation_is_found() -> None:
    leaked = _leak(TRANSFORMATIONS["reverse"])
    with pytest.raises(TracerEscapedError):
        wg.grad(lambda x: np.sum(x) + leaked[0])(VECTOR)


def test_the_same_routes_work_with_stop_gradient() -> None:
    def fun(x: Any) -> Any:
        scale = float(wg.stop_gradient(x)[0])
        return np.sum(x) * math.sqrt(scale + 3.0)

    assert wg.grad(fun)(VECTOR).tolist() == [2.0, 2.0, 2.0]


def test_truth_of_a_traced_value_is_allowed_where_it_is_known() -> None:
    def fun(x: Any) -> Any:
        return x * x if x > 1.0 else x

    assert wg.grad(fun)(3.0) == 6.0
    assert wg.jvp(fun, (3.0,), (1.0,))[1] == 6.0


def test_truth_of_a_batch_is_ambiguous() -> None:
    with pytest.raises(WengertError) as caught:
        wg.vmap(lambda x: x * x if x > 1.0 else x)(VECTOR)
    assert "where" in caught.value.instead
