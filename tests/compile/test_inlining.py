"""Functions with rules of their own in programs: their operations, unless these cannot be staged."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg

pytestmark = pytest.mark.usefixtures("machine_code")


@wg.custom_derivative
def damped(x, y):
    return np.sin(x) * y


damped.defvjp(
    lambda x, y: (damped(x, y), (x, y)), lambda s, g: (g * np.cos(s[0]) * s[1], 3 * g * np.sin(s[0]))
)


@wg.custom_derivative
def signed(x):
    return 2 * x if np.sum(x) > 0 else -x


signed.defjvp(lambda x, d: (signed(x[0]), 2 * d[0]))


@wg.custom_derivative
def foreign(x):
    return np.asarray([float(v) ** 2 for v in x])


foreign.defjvp(lambda x, d: (foreign(x[0]), 2 * x[0] * d[0]))


X = np.linspace(0.1, 1, 5)


def test_operations_take_the_place_of_a_function_that_is_not_differentiated() -> None:
    fun = wg.jit(lambda x: damped(x, x) + 1)
    np.testing.assert_allclose(fun(X), np.sin(X) * X + 1, rtol=1e-15)
    assert "host" not in fun.kernels(X)


def test_its_rules_are_those_of_the_derivative() -> None:
    """The factor 3 is the rule's alone."""
    found = wg.jit(wg.grad(lambda y: np.sum(damped(X, y))))(X)
    np.testing.assert_allclose(found, 3 * np.sin(X), rtol=1e-15)


@pytest.mark.parametrize("fun", [signed, foreign])
def test_what_cannot_be_staged_is_called(fun) -> None:
    compiled = wg.jit(lambda x: fun(x) + 1)
    for x in (X, -X):
        np.testing.assert_array_equal(compiled(x), fun(x) + 1)
