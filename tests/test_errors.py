"""Errors: bad input raises an error of our tree that says what, where, why, and what to write instead."""

import enum
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import errors
from wengert.core.numpy_protocol import FUNCTIONS
from wengert.core.primitive import Primitive

X = np.array([1.0, 2.0])


def total(x: Any) -> Any:
    return np.sum(x * x)


class Opaque:
    """A class that no one has registered as a container."""


class Color(enum.Enum):
    RED = 1


ARGUMENT, DIFFERENTIABLE = errors.ArgumentError, errors.NotDifferentiableError

# what is wrong: (what is called, the error, a word that `what` must contain)
CASES: dict[str, tuple[Callable[[], Any], type[errors.WengertError], str]] = {
    # argnums
    "argnums too large": (lambda: wg.grad(total, argnums=1)(X), ARGUMENT, "argnums"),
    "argnums too negative": (lambda: wg.grad(total, argnums=-2)(X), ARGUMENT, "argnums"),
    "argnums is a string": (lambda: wg.grad(total, argnums="x")(X), ARGUMENT, "argnums"),
    "argnums is a float": (lambda: wg.grad(total, argnums=0.0)(X), ARGUMENT, "argnums"),
    "argnums is a bool": (lambda: wg.grad(total, argnums=True)(X), ARGUMENT, "argnums"),
    "argnums is empty": (lambda: wg.grad(total, argnums=())(X), ARGUMENT, "argnums"),
    "argnums twice": (lambda: wg.grad(lambda x, y: total(x + y), argnums=(0, 0))(X, X), ARGUMENT, "argnums"),
    "argnums of a keyword": (lambda: wg.grad(total)(x=X), ARGUMENT, "argnums"),
    "argnums of jacfwd": (lambda: wg.jacfwd(total, argnums=3)(X), ARGUMENT, "argnums"),
    "argnums of hessian": (lambda: wg.hessian(total, argnums=3)(X), ARGUMENT, "argnums"),
    # what is differentiated
    "no function": (lambda: wg.grad(3.0), ARGUMENT, "function"),
    "a value for a function": (lambda: wg.jvp(X, (X,), (X,)), ARGUMENT, "function"),
    # inputs
    "integer array": (lambda: wg.grad(total)(np.arange(3)), DIFFERENTIABLE, "int64"),
    "bool array": (lambda: wg.grad(total)(np.array([True, False])), DIFFERENTIABLE, "bool"),
    "bool": (lambda: wg.grad(total)(True), DIFFERENTIABLE, "bool"),
    "string": (lambda: wg.grad(total)("abc"), DIFFERENTIABLE, "str"),
    "string array": (lambda: wg.grad(total)(np.array(["a"])), DIFFERENTIABLE, "U1"),
    "object array": (lambda: wg.grad(total)(np.array([1.0, None])), DIFFERENTIABLE, "object"),
    "date array": (lambda: wg.grad(total)(np.array(["2020-01-01"], "M8[D]")), DIFFERENTIABLE, "datetime64"),
    "fraction": (lambda: wg.grad(total)(Fraction(1, 2)), DIFFERENTIABLE, "Fraction"),
    "unknown class": (lambda: wg.grad(lambda _x: 1.0)(Opaque()), DIFFERENTIABLE, "Opaque"),
    "enum in a tree": (
        lambda: wg.grad(lambda t: total(t["w"]))({"w": X, "c": Color.RED}),
        DIFFERENTIABLE,
        "'c'",
    ),
    "string in a tree": (lambda: wg.grad(lambda t: total(t[0]))([X, "name"]), DIFFERENTIABLE, "[1]"),
    "integers in a tree": (
        lambda: wg.grad(lambda t: total(t["a"]))({"a": X, "n": np.arange(2)}),
        DIFFERENTIABLE,
        "'n'",
    ),
    "integers in jvp": (lambda: wg.jvp(total, (np.arange(2),), (X,)), DIFFERENTIABLE, "int64"),
    "integers in vjp": (lambda: wg.vjp(total, np.arange(2)), DIFFERENTIABLE, "int64"),
    "integers in jacfwd": (lambda: wg.jacfwd(total)(np.arange(2)), DIFFERENTIABLE, "int64"),
    "integers in jacrev": (lambda: wg.jacrev(total)(np.arange(2)), DIFFERENTIABLE, "int64"),
    "complex in grad to complex": (lambda: wg.grad(lambda z: z * z)(1j), DIFFERENTIABLE, "complex"),
    # outputs
    "vector output": (lambda: wg.grad(lambda x: x * x)(X), DIFFERENTIABLE, "(2,)"),
    "vector output of value_and_grad": (
        lambda: wg.value_and_grad(lambda x: x * x)(X),
        DIFFERENTIABLE,
        "(2,)",
    ),
    "empty output": (lambda: wg.grad(lambda x: x[:0])(X), DIFFERENTIABLE, "(0,)"),
    "tuple output": (lambda: wg.grad(lambda x: (total(x), x))(X), DIFFERENTIABLE, ""),
    "complex output": (lambda: wg.grad(lambda x: 1j * total(x))(X), DIFFERENTIABLE, "complex"),
    "integer output": (lambda: wg.grad(lambda x: np.argmax(x))(X), DIFFERENTIABLE, ""),
    "bool output": (lambda: wg.grad(lambda x: np.all(x > 0))(X), DIFFERENTIABLE, ""),
    "no output": (lambda: wg.grad(lambda _x: None)(X), DIFFERENTIABLE, ""),
    "string output": (lambda: wg.grad(lambda _x: "loss")(X), DIFFERENTIABLE, "str"),
    "class output": (lambda: wg.jvp(lambda _x: Opaque(), (X,), (X,)), DIFFERENTIABLE, "Opaque"),
    "aux missing": (lambda: wg.grad(total, has_aux=True)(X), ARGUMENT, "has_aux"),
    "aux with three": (lambda: wg.grad(lambda x: (total(x), 1, 2), has_aux=True)(X), ARGUMENT, "has_aux"),
    # tangents and cotangents
    "tangent of another shape": (lambda: wg.jvp(total, (X,), (np.ones(3),)), ARGUMENT, "(3,)"),
    "tangent to broadcast": (lambda: wg.jvp(total, (X,), (1.0,)), ARGUMENT, "tangent"),
    "complex tangent of a real value": (lambda: wg.jvp(total, (X,), (1j * X,)), ARGUMENT, "complex128"),
    "too few tangents": (lambda: wg.jvp(lambda x, y: total(x + y), (X, X), (X,)), ARGUMENT, "tangent"),
    "tangent of another structure": (
        lambda: wg.jvp(lambda t: total(t["a"]), ({"a": X},), ({"b": X},)),
        ARGUMENT,
        "tangent",
    ),
    "tangents not a tuple": (lambda: wg.jvp(total, X, X), ARGUMENT, ""),
    "string tangent": (lambda: wg.jvp(total, (X,), ("v",)), ARGUMENT, "tangent"),
    "cotangent of another shape": (lambda: wg.vjp(lambda x: x * x, X)[1](np.ones(3)), ARGUMENT, "(3,)"),
    "cotangent of another structure": (lambda: wg.vjp(lambda x: (x, x), X)[1](X), ARGUMENT, "cotangent"),
    "complex cotangent of a real value": (
        lambda: wg.vjp(lambda x: x * x, X)[1](1j * X),
        ARGUMENT,
        "complex128",
    ),
    "hvp with a vector of another shape": (lambda: wg.hvp(total, (X,), (np.ones(3),)), ARGUMENT, "(3,)"),
    # vmap
    "vmap over nothing": (lambda: wg.vmap(total, in_axes=None)(X), ARGUMENT, ""),
    "vmap over sizes that differ": (
        lambda: wg.vmap(lambda x, y: x + y)(np.ones(2), np.ones(3)),
        ARGUMENT,
        "",
    ),
    "vmap over an axis that is not there": (lambda: wg.vmap(total, in_axes=2)(X), ARGUMENT, ""),
    "vmap over a number": (lambda: wg.vmap(total)(1.0), ARGUMENT, ""),
    "vmap with too many axes": (lambda: wg.vmap(total, in_axes=(0, 0))(X), ARGUMENT, ""),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input_raises_in_four_parts(case: str) -> None:
    call, kind, word = CASES[case]
    with pytest.raises(errors.WengertError) as caught:
        call()
    error = caught.value
    assert type(error) is kind, f"{type(error).__name__}: {error}"
    assert word in error.what, error.what
    assert "test_errors.py" in str(error.where), error.where
    assert error.why, error
    assert error.instead, error
    assert str(error).splitlines()[0] == error.what
    assert re.search(r"where: File .*test_errors.py\", line \d+", str(error))


def test_where_is_the_users_line() -> None:
    def loss(x: Any) -> Any:
        y = x * 2.0
        return float(y[0])  # the line to be named

    with pytest.raises(errors.NotConcreteError) as caught:
        wg.grad(loss)(X)
    assert "return float(y[0])" in str(caught.value.where)
    assert "in loss" in str(caught.value.where)


def test_unknown_numpy_functions_name_external(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(FUNCTIONS, np.sinc)  # as a function of a later NumPy would be
    with pytest.raises(errors.RefusedError) as caught:
        wg.grad(lambda x: np.sum(np.sinc(x)))(X)
    assert "sinc" in caught.value.what
    assert "wengert.external" in caught.value.instead


def test_unknown_ufuncs_name_external() -> None:
    strange = np.frompyfunc(lambda x: x, 1, 1)
    with pytest.raises(errors.RefusedError) as caught:
        wg.grad(lambda x: np.sum(strange(x)))(X)
    assert "wengert.external" in caught.value.instead


def test_missing_rules_name_the_primitive_and_the_rule() -> None:
    bare = Primitive(name="bare", doc="Twice x.", eval=lambda x: 2.0 * x)
    for transform, rule in ((lambda f: wg.grad(f)(1.0), "vjp"), (lambda f: wg.jvp(f, (1.0,), (1.0,)), "jvp")):
        with pytest.raises(errors.RuleMissingError) as caught:
            transform(bare)
        assert "bare" in caught.value.what
        assert rule in caught.value.what
        assert caught.value.instead


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda x: np.sum(x, axis=2), np.exceptions.AxisError),
        (lambda x: np.reshape(x, (3,)), ValueError),
        (lambda x: x[5], IndexError),
        (lambda x: x @ np.ones((3, 3)), ValueError),
        (lambda x: x + np.ones(3), ValueError),
        (lambda x: np.sum(x, nonsense=1), TypeError),
        (lambda x: np.linalg.solve(np.ones((2, 2)), x), np.linalg.LinAlgError),
        (lambda x: x.nonsense, AttributeError),
        (lambda x: np.concatenate([x, np.ones((2, 2))]), ValueError),
        (lambda x: np.linalg.inv(x), np.linalg.LinAlgError),
        (lambda x: np.sum(x, axis="a"), TypeError),
        (lambda x: np.transpose(x, (0, 1)), ValueError),
        (lambda x: x.reshape("a"), TypeError),
        (lambda x: x["a"], IndexError),
        (lambda x: x[0.5], IndexError),
        (lambda x: np.max(x[:0]), ValueError),
        (lambda x: len(x[0]), TypeError),
        (lambda x: np.stack([]), ValueError),
        (lambda x: x & x, TypeError),
    ],
)
@pytest.mark.parametrize("transform", ["reverse", "forward"])
def test_numpys_own_errors_stay_numpys(transform: str, call: Any, kind: type[Exception]) -> None:
    """A wrong argument of a NumPy function raises what NumPy raises, traced or not."""
    with pytest.raises(kind):
        call(X)
    with pytest.raises(kind):
        wg.grad(call)(X) if transform == "reverse" else wg.jvp(call, (X,), (X,))


def test_the_tree_of_errors_fits_pythons() -> None:
    kinds = {
        errors.ArgumentError: (TypeError, ValueError),
        errors.NotDifferentiableError: (TypeError,),
        errors.NotConcreteError: (TypeError,),
        errors.TracerEscapedError: (RuntimeError,),
        errors.RefusedError: (TypeError,),
        errors.RuleMissingError: (NotImplementedError,),
        errors.GradientCheckError: (AssertionError,),
    }
    for error, bases in kinds.items():
        assert issubclass(error, (errors.WengertError, *bases))
        for base in bases:
            assert issubclass(error, base)
