"""Opaque code: the short registry of rules, and functions whose derivatives come from the user or from differences."""

import math
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError, RuleMissingError, WengertError


def assert_four_parts(error: WengertError) -> None:
    message = str(error)
    assert __file__ in message, "where"
    assert "why: " in message
    assert "instead: " in message


# primitive, defvjp, defjvp --------------------------------------------------------------------------------------------


def _product() -> Any:
    return wg.primitive(
        lambda x, y: np.asarray(x) * y
    )  # np.asarray raises on traced values: it must not see any


def _by_vjp() -> Any:
    f = _product()
    wg.defvjp(f, lambda _out, _x, y: lambda g: g * y, lambda _out, x, _y: lambda g: g * x)
    return f


def _by_jvp() -> Any:
    f = _product()
    wg.defjvp(f, lambda dot, _out, _x, y: dot * y, lambda dot, _out, x, _y: x * dot)
    return f


def _by_both() -> Any:
    f = _by_vjp()
    wg.defjvp(f, "same", "same")
    return f


def _by_argnums() -> Any:
    f = _product()
    wg.defvjp(f, lambda _out, x, _y: lambda g: g * x, argnums=(1,))
    wg.defvjp(f, lambda _out, _x, y: lambda g: g * y, argnums=[0])
    return f


def _by_same() -> Any:
    f = _product()
    wg.defjvp(f, "same", lambda dot, _out, x, _y: x * dot)
    return f


DECLARED = {f.__name__: f() for f in (_by_vjp, _by_jvp, _by_both, _by_argnums, _by_same)}


@pytest.mark.parametrize("f", DECLARED.values(), ids=list(DECLARED))
def test_declared_rules_give_every_mode(f: Any) -> None:
    x, y = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    x_bar, y_bar = wg.grad(lambda x, y: np.sum(f(x, y)), (0, 1))(x, y)
    assert np.array_equal(x_bar, y)
    assert np.array_equal(y_bar, x)
    assert np.array_equal(wg.jvp(f, (x, y), (x, y))[1], 2 * x * y)
    assert np.array_equal(wg.jvp(lambda x: f(x, y), (x,), (x,))[1], x * y)
    assert np.array_equal(wg.vmap(f)(x, y), x * y)
    assert np.array_equal(wg.vmap(wg.grad(f, 1))(x, y), x)
    for jacobian in (wg.jacfwd, wg.jacrev):
        assert np.array_equal(jacobian(f)(x, y), np.diag(y))


@pytest.mark.parametrize("f", DECLARED.values(), ids=list(DECLARED))
def test_declared_rules_broadcast(f: Any) -> None:
    x, y = np.ones((2, 3)), 4.0
    assert wg.grad(lambda y: np.sum(f(x, y)))(y) == 6.0
    assert np.array_equal(wg.jvp(lambda y: f(x, y), (y,), (1.0,))[1], x)


@pytest.mark.parametrize("modes", ["ff", "fr", "rf", "rr"])
@pytest.mark.parametrize("f", DECLARED.values(), ids=list(DECLARED))
def test_declared_rules_differentiate_again(f: Any, modes: str) -> None:
    fun: Any = lambda x: f(x, f(x, x))
    for mode in modes:
        inner = fun
        fun = wg.grad(inner) if mode == "r" else lambda x, inner=inner: wg.jvp(inner, (x,), (1.0,))[1]
    assert fun(2.0) == pytest.approx(12.0, rel=1e-14)


def test_none_declares_no_derivative() -> None:
    f = wg.primitive(lambda x, n: x**n)
    wg.defvjp(f, lambda _y, x, n: lambda g: g * n * x ** (n - 1), None)
    wg.defjvp(f, lambda dot, _y, x, n: dot * n * x ** (n - 1), None)
    assert wg.grad(f, (0, 1))(2.0, 3.0) == (12.0, 0.0)
    assert wg.jvp(f, (2.0, 3.0), (0.0, 1.0))[1] == 0.0


def test_keyword_arguments_are_constants() -> None:
    f = wg.primitive(lambda x, p=2.0: x**p)
    wg.defvjp(f, lambda _y, x, p=2.0: lambda g: g * p * x ** (p - 1.0))
    assert wg.grad(lambda x: f(x, p=3.0))(2.0) == 12.0
    with pytest.raises(ArgumentError, match="keyword argument 'p'") as raised:
        wg.grad(lambda x: f(x, p=x))(2.0)
    assert_four_parts(raised.value)


def test_an_argument_without_rule_raises() -> None:
    f = wg.primitive(np.multiply)
    wg.defjvp(f, lambda dot, _out, _x, y: dot * y)
    assert wg.grad(f)(2.0, 3.0) == 3.0
    with pytest.raises(RuleMissingError, match="argument 1"):
        wg.jvp(f, (2.0, 3.0), (1.0, 1.0))


@pytest.mark.parametrize("register", [wg.defvjp, wg.defjvp])
def test_rules_are_for_primitives(register: Any) -> None:
    with pytest.raises(ArgumentError, match=r"wengert\.primitive") as raised:
        register(np.sin, lambda *_: None)
    assert_four_parts(raised.value)
    with pytest.raises(ValueError, match="zip"):
        register(_product(), lambda *_: None, argnums=(0, 1))


# external: differences ------------------------------------------------------------------------------------------------

# The central difference has error h^2 |f'''| / 6 + eps |f| / h with h = eps^(1/3): a few eps^(2/3) = 4e-11
# here.
CENTRAL = 1e-9
TOLERANCES = {"central": CENTRAL, "complex": 1e-15}
kinds = pytest.mark.parametrize("fd", ["central", "complex"])


def _opaque(x: Any, y: Any) -> Any:
    return np.asarray(x) ** 2 * np.sin(np.asarray(y))


@kinds
def test_differences(fd: str) -> None:
    f, rtol = wg.external(_opaque, fd=fd), TOLERANCES[fd]
    x, y = np.array([1.0, -2.0]), np.array([0.5, 3e-3])
    assert np.array_equal(f(x, y), _opaque(x, y))
    x_bar, y_bar = wg.grad(lambda x, y: np.sum(f(x, y)), (0, 1))(x, y)
    np.testing.assert_allclose(x_bar, 2 * x * np.sin(y), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(y_bar, x**2 * np.cos(y), rtol=rtol, atol=rtol)
    _, y_dot = wg.jvp(f, (x, y), (y, x))
    np.testing.assert_allclose(y_dot, 2 * x * y * np.sin(y) + x**3 * np.cos(y), rtol=10 * rtol, atol=rtol)


@kinds
def test_differences_under_vmap_and_in_jacobians(fd: str) -> None:
    f, rtol = wg.external(_opaque, fd=fd), TOLERANCES[fd]
    x, y = np.array([1.0, -2.0]), np.array([0.5, 0.3])
    np.testing.assert_allclose(wg.vmap(f)(x, y), _opaque(x, y), rtol=1e-15)
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(x, y), 2 * x * np.sin(y), rtol=rtol)
    for jacobian in (wg.jacfwd, wg.jacrev):
        found = jacobian(lambda x: f(x, y) * x)(x)
        np.testing.assert_allclose(found, np.diag(3 * x**2 * np.sin(y)), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("modes", ["ff", "fr", "rf", "rr"])
@kinds
def test_a_second_derivative_by_differences_raises(fd: str, modes: str) -> None:
    fun: Any = wg.external(lambda x: np.sin(np.asarray(x)), fd=fd)
    for mode in modes:
        inner = fun
        fun = wg.grad(inner) if mode == "r" else lambda x, inner=inner: wg.jvp(inner, (x,), (1.0,))[1]
    with pytest.raises(NotDifferentiableError, match="second derivative") as raised:
        fun(0.5)
    assert_four_parts(raised.value)


def test_a_second_derivative_around_differences_is_allowed() -> None:
    # the inner function of the outer derivative is linear in the external one
    f = wg.external(lambda x: math.sin(float(x)), fd="central")
    assert wg.grad(lambda a: a**2 * f(0.5))(3.0) == 6.0 * math.sin(0.5)


def test_arguments_of_differences_that_do_not_move() -> None:
    def opaque(x: Any, n: int, kind: str) -> Any:
        total = 0.0
        for _ in range(n):  # an int must stay one
            total = total + (x if kind == "plain" else -x)
        return total

    f = wg.external(opaque, fd="central")
    assert wg.grad(f)(2.0, 3, "plain") == pytest.approx(3.0, rel=CENTRAL)
    assert wg.jvp(lambda x: f(x, 3, "minus"), (2.0,), (1.0,))[1] == pytest.approx(-3.0, rel=CENTRAL)


def test_steps_of_arguments_of_different_size() -> None:
    f = wg.external(lambda x, y: math.sin(float(x)) * float(y), fd="central")
    x_bar, y_bar = wg.grad(f, (0, 1))(1e-3, 1e6)
    assert x_bar == pytest.approx(1e6 * math.cos(1e-3), rel=CENTRAL)
    assert y_bar == pytest.approx(math.sin(1e-3), rel=CENTRAL)


def test_differences_of_trees() -> None:
    f = wg.external(lambda d: {"s": d["a"] * d["b"], "n": 3, "v": np.array([d["a"], 1.0])}, fd="central")
    y, pull = wg.vjp(f, {"a": 2.0, "b": 3.0})
    assert y["s"] == 6.0
    (bars,) = pull({"s": 1.0, "n": 0, "v": np.array([10.0, 1.0])})
    assert bars["a"] == pytest.approx(13.0, rel=CENTRAL)
    assert bars["b"] == pytest.approx(2.0, rel=CENTRAL)
    _, dots = wg.jvp(f, ({"a": 2.0, "b": 3.0},), ({"a": 1.0, "b": 0.0},))
    assert dots["s"] == pytest.approx(3.0, rel=CENTRAL)
    assert dots["n"] == 0.0


def test_central_differences_of_complex_arguments() -> None:
    f = wg.external(lambda z: np.abs(z) ** 2, fd="central")
    assert wg.grad(f)(1.0 + 2.0j) == pytest.approx(2.0 - 4.0j, rel=CENTRAL)  # df/dx - i df/dy
    assert wg.jvp(f, (1.0 + 2.0j,), (1.0j,))[1] == pytest.approx(4.0, rel=CENTRAL)
    square = wg.external(lambda z: z * z, fd="central")
    assert wg.grad(square, holomorphic=True)(1.0 + 2.0j) == pytest.approx(2.0 + 4.0j, rel=CENTRAL)


def test_the_complex_step_says_where_it_does_not_hold() -> None:
    lost = wg.external(np.abs, fd="complex")
    for derivative in (wg.grad(lost), lambda x: wg.jvp(lost, (x,), (1.0,))):
        with pytest.raises(NotDifferentiableError, match="real number for a complex argument") as raised:
            derivative(2.0)
        assert_four_parts(raised.value)
    with pytest.raises(NotDifferentiableError, match="complex arguments"):
        wg.grad(wg.external(np.square, fd="complex"), holomorphic=True)(1.0j)


@kinds
def test_precision_is_kept(fd: str) -> None:
    f = wg.external(lambda x: np.sum(np.sin(x)), fd=fd)
    x = np.array([0.3, 1.2], np.float32)
    x_bar = wg.grad(f)(x)
    assert x_bar.dtype == np.float32
    np.testing.assert_allclose(x_bar, np.cos(x), rtol=2e-7)
    assert wg.jvp(f, (x,), (x,))[1].dtype == np.float32


# external: rules ------------------------------------------------------------------------------------------------------


def test_a_rule_of_either_kind_gives_both_modes_and_all_orders() -> None:
    def plain(x: Any) -> Any:
        return math.exp(float(x))

    by_jvp = wg.external(plain, jvp=lambda xs, dots: (by_jvp(*xs), by_jvp(*xs) * dots[0]))
    by_vjp = wg.external(plain, vjp=lambda xs, g: (g * by_vjp(*xs),))
    for f in (by_jvp, by_vjp):
        fun: Any = f
        for _ in range(3):
            fun = wg.grad(fun)
            assert fun(0.5) == pytest.approx(math.exp(0.5), rel=1e-15)
        assert wg.jvp(wg.grad(f), (0.5,), (1.0,))[1] == pytest.approx(math.exp(0.5), rel=1e-15)


def test_a_rule_is_preferred_to_differences() -> None:
    f = wg.external(np.sin, jvp=lambda xs, dots: (np.sin(xs[0]), 7.0 * dots[0]), fd="central")
    assert wg.jvp(f, (0.5,), (1.0,))[1] == 7.0
    g = wg.external(np.sin, vjp=lambda _xs, y_bar: (7.0 * y_bar,), fd="central")
    assert wg.grad(g)(0.5) == 7.0


@pytest.mark.parametrize("options", [{}, {"fd": "forward"}])
def test_external_needs_a_derivative(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError) as raised:
        wg.external(np.sin, **options)
    assert_four_parts(raised.value)
