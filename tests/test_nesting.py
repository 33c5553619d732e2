"""Nesting: derivatives of derivatives are right whatever closures, modes and mutation lie between them."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import wengert as wg


def forward(fun: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Derivative of a scalar function by forward mode."""
    return lambda x: wg.jvp(fun, (x,), (1.0,))[1]


def pullback(fun: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Derivative of a scalar function by reverse mode, through the pullback."""
    return lambda x: wg.vjp(fun, x)[1](1.0)[0]


MODES = {"forward": forward, "reverse": wg.grad, "pullback": pullback, "taylor": wg.derivative}
PAIRS = list(product(MODES.values(), repeat=2))
names = pytest.mark.parametrize(
    ("outer", "inner"), PAIRS, ids=["-".join(p) for p in product(MODES, repeat=2)]
)


@names
def test_inner_derivative_of_an_outer_variable(outer: Any, inner: Any) -> None:
    # d/dx (x * d/dy (x + y)) = d/dx (x * 1) = 1; confused perturbations give 2.
    assert outer(lambda x: x * inner(lambda y: x + y)(1.0))(1.0) == 1.0


@names
def test_inner_derivative_of_a_product(outer: Any, inner: Any) -> None:
    # d/dx (x * d/dy (x y)) = d/dx x^2 = 2 x
    assert outer(lambda x: x * inner(lambda y: x * y)(2.0))(3.0) == 6.0


@names
def test_inner_derivative_of_a_constant_is_zero(outer: Any, inner: Any) -> None:
    # The inner function does not use its argument: its derivative is 0, not the outer tangent.
    assert outer(lambda x: x + inner(lambda _y: x * x)(5.0))(3.0) == 1.0


@names
def test_evaluation_at_the_outer_variable(outer: Any, inner: Any) -> None:
    # d/dx (d/dy (x y^2) at y = x) = d/dx 2 x^2 = 4 x
    assert outer(lambda x: inner(lambda y: x * y * y)(x))(3.0) == 12.0


@names
def test_curried_function(outer: Any, inner: Any) -> None:
    # Siskind and Pearlmutter 2005: the inner derivative is a function that is differentiated again outside.
    def curried(x: Any) -> Callable[[Any], Any]:
        return lambda y: inner(lambda z: x * z * z)(y)

    assert outer(lambda x: curried(x)(2.0) * curried(x)(3.0))(5.0) == 2 * 5.0 * 4.0 * 6.0


@names
def test_mutated_closure(outer: Any, inner: Any) -> None:
    # Amazing bug (Manzyuk et al. 2019): an inner function keeps what an outer call left in a cell.
    cell: list[Any] = [1.0]

    def remember(x: Any) -> Any:
        cell[0] = x
        return x * cell[0]

    def total(x: Any) -> Any:
        inside = inner(lambda y: remember(y) * x)(2.0)  # d/dy x y^2 = 4 x
        cell[0] = x
        return inside + cell[0] * x

    assert outer(total)(3.0) == 4.0 + 6.0


@names
def test_shift_operator(outer: Any, inner: Any) -> None:
    # The "amazing bug": D (f -> f(x + .)) applied twice, each call with a tag of its own.
    def shift(offset: Any) -> Callable[[Any], Any]:
        return lambda f: lambda x: f(x + offset)

    value = outer(lambda h: inner(lambda k: shift(h)(shift(k)(np.exp))(1.0))(0.0))(0.0)
    assert value == pytest.approx(np.e, rel=1e-15)


def test_same_function_object_nested_in_itself() -> None:
    def cube(x: Any) -> Any:
        return x * x * x

    first = wg.grad(cube)
    second = wg.grad(first)
    assert wg.grad(lambda x: cube(x) * first(x) * second(x))(2.0) == pytest.approx(18 * 6 * 2.0**5, rel=1e-15)


@pytest.mark.parametrize("modes", list(product("fr", repeat=6))[::7], ids="".join)
def test_sixth_derivative_in_mixed_modes(modes: tuple[str, ...]) -> None:
    def fun(x: Any) -> Any:
        return np.exp(2.0 * x) * x**3

    derivative: Any = fun
    for mode in modes:
        derivative = {"f": forward, "r": wg.grad}[mode](derivative)
    x = 0.7
    # Leibniz: sum over k of C(6, k) 2^(6-k) exp(2x) (x^3)^(k)
    exact = np.exp(2 * x) * (64 * x**3 + 6 * 32 * 3 * x**2 + 15 * 16 * 6 * x + 20 * 8 * 6)
    assert derivative(x) == pytest.approx(exact, rel=1e-13)


def test_tags_do_not_depend_on_the_order_of_unrelated_calls() -> None:
    saved: list[Any] = []

    def fun(x: Any) -> Any:
        _, pull = wg.vjp(lambda y: x * y * y, 3.0)
        saved.append(pull)
        wg.grad(np.sin)(1.0)
        return pull(x)[0]  # x * 6 x

    assert wg.grad(fun)(2.0) == 24.0


def test_pullback_made_inside_and_called_outside_another_derivative() -> None:
    _, pull = wg.vjp(lambda y: np.sin(y) * y, 2.0)
    slope = wg.grad(lambda c: pull(c)[0] ** 2)(3.0)
    first = np.cos(2.0) * 2.0 + np.sin(2.0)
    assert slope == pytest.approx(2 * 3.0 * first**2, rel=1e-15)


def test_vmap_between_derivatives() -> None:
    xs = np.array([0.3, 0.7, 1.1])
    inner = wg.vmap(wg.grad(lambda x, w: np.sin(x * w)), in_axes=(0, None))
    slope = wg.grad(lambda w: np.sum(inner(xs, w)))(0.5)
    exact = np.sum(np.cos(xs * 0.5) - 0.5 * xs * np.sin(xs * 0.5))
    assert slope == pytest.approx(exact, rel=1e-14)
    curvatures = wg.vmap(wg.grad(wg.grad(np.sin)))(xs)
    np.testing.assert_allclose(curvatures, -np.sin(xs), rtol=1e-15)


def test_derivative_of_vmap_of_a_closure_over_the_outer_variable() -> None:
    slope = wg.grad(lambda a: np.sum(wg.vmap(lambda x: x * a * a)(np.arange(4.0))))(3.0)
    assert slope == 36.0


def test_hessian_product_orders_agree() -> None:
    def fun(x: Any) -> Any:
        return np.sum(np.exp(x) * np.roll(x, 1) ** 2)

    rng = np.random.default_rng(0)
    x, v = rng.normal(size=4), rng.normal(size=4)
    exact = wg.jacfwd(wg.jacfwd(fun))(x) @ v
    over_reverse = wg.jvp(wg.grad(fun), (x,), (v,))[1]
    reverse_over = wg.grad(lambda z: wg.jvp(fun, (z,), (v,))[1])(x)
    reverse_twice = wg.grad(lambda z: np.sum(wg.grad(fun)(z) * v))(x)
    for found in (over_reverse, reverse_over, reverse_twice, wg.hvp(fun, (x,), (v,))[1]):
        np.testing.assert_allclose(found, exact, rtol=1e-13)


def test_a_branch_on_a_nested_value_sees_the_number() -> None:
    def fun(x: Any) -> Any:
        slope = wg.grad(lambda y: y * y * x)(x)  # 2 x^2
        return slope * x if slope > 1.0 else x

    assert wg.grad(fun)(2.0) == 24.0
    assert wg.grad(fun)(0.1) == 1.0
