"""stop_gradient: a constant for every derivative, of the same value, in every nesting."""

from itertools import product
from typing import Any

import numpy as np
import pytest

import wengert as wg

X = np.array([1.0, 2.0])


def forward(fun: Any) -> Any:
    return lambda x: wg.jvp(fun, (x,), (1.0,))[1]


def linear(fun: Any) -> Any:
    return lambda x: wg.linearize(fun, x)[1](1.0)


MODES = {
    "forward": forward,
    "reverse": wg.grad,
    "linearize": linear,
    "jacfwd": wg.jacfwd,
    "jacrev": wg.jacrev,
}


@pytest.mark.parametrize("derivative", MODES.values(), ids=list(MODES))
def test_in_every_mode(derivative: Any) -> None:
    assert derivative(lambda x: wg.stop_gradient(x) * x)(3.0) == 3.0
    assert derivative(lambda x: wg.stop_gradient(np.sin(x)) + 0.0 * x)(3.0) == 0.0
    assert derivative(lambda x: wg.stop_gradient(x * x))(3.0) == 0.0


@pytest.mark.parametrize(("outer", "inner"), list(product(MODES.values(), repeat=2)))
def test_in_every_nesting(outer: Any, inner: Any) -> None:
    # the inner derivative of s(x) x^2 is 2 s x, the outer of that 2 s: with s the value of x
    assert outer(inner(lambda x: wg.stop_gradient(x) * x * x))(3.0) == 6.0
    # stopping inside stops the outer derivative as well
    assert outer(lambda x: inner(lambda y: wg.stop_gradient(x * y) * y)(2.0) + x)(3.0) == 1.0


def test_under_vmap_values_stay_batched() -> None:
    x = np.array([1.0, 2.0, 3.0])
    assert np.array_equal(wg.vmap(wg.stop_gradient)(x), x)
    assert np.array_equal(wg.vmap(wg.grad(lambda x: x * wg.stop_gradient(x)))(x), x)
    assert np.array_equal(wg.grad(lambda x: np.sum(wg.vmap(lambda a: a * wg.stop_gradient(a))(x)))(x), x)
    both = wg.grad(lambda w: np.sum(wg.vmap(lambda a: w * wg.stop_gradient(w * a))(x)))(2.0)
    assert both == np.sum(2.0 * x)


def test_of_trees_and_plain_values() -> None:
    tree = {"a": [X, 1.0, None], "s": "text", "f": np.sin}
    found = wg.stop_gradient(tree)
    assert found["a"][0] is X
    assert found["s"] == "text"
    assert wg.grad(lambda t: np.sum(wg.stop_gradient(t)["x"] * t["x"]))({"x": X})["x"] == pytest.approx(X)


def test_the_constant_can_be_written_to() -> None:
    x = X.copy()

    def fun(x: Any) -> Any:
        y = x * x
        constant = wg.stop_gradient(x)
        constant += 10.0
        return np.sum(y + 0.0 * constant)

    assert np.array_equal(wg.grad(fun)(x), 2 * X)
    assert np.array_equal(wg.jvp(fun, (x,), (np.ones(2),))[1], np.sum(2 * X))
    assert np.array_equal(wg.hessian(fun)(x), 2 * np.eye(2))
    assert np.array_equal(x, X)


def test_python_may_see_the_constant() -> None:
    def fun(x: Any) -> Any:
        return x * int(wg.stop_gradient(x[0])) + float(wg.stop_gradient(x)[1])

    assert np.array_equal(wg.jacrev(fun)(X), np.eye(2))
