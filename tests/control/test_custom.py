"""Rules of the user's own: either kind alone gives every mode, at every order, for any arguments."""

import dataclasses
from itertools import product
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, RuleMissingError, TracerEscapedError, WengertError

# One function, three declarations -----------------------------------------------------------------------------------
#
# f(x, a) = a sin(x). The rules are written with twice the true derivative in x, so that a test sees which
# rule ran.


def _declare(*kinds: str) -> Any:
    @wg.custom_derivative
    def wave(x: Any, a: Any) -> Any:
        return a * np.sin(x)

    def tangent(xs: Any, dots: Any) -> Any:
        (x, a), (x_dot, a_dot) = xs, dots
        return wave(x, a), 2.0 * a * np.cos(x) * x_dot + np.sin(x) * a_dot

    def bwd(saved: Any, y_bar: Any) -> Any:
        x, a = saved
        return 2.0 * a * np.cos(x) * y_bar, np.sin(x) * y_bar

    if "jvp" in kinds:
        wave.defjvp(tangent)
    if "vjp" in kinds:
        wave.defvjp(lambda x, a: (wave(x, a), (x, a)), bwd)
    return wave


WAVES = {"jvp": _declare("jvp"), "vjp": _declare("vjp"), "both": _declare("jvp", "vjp")}
waves = pytest.mark.parametrize("wave", WAVES.values(), ids=list(WAVES))


def _modes() -> dict[str, Any]:
    return {
        "f": lambda f: lambda x: wg.jvp(f, (x,), (1.0,))[1],
        "r": wg.grad,
        "p": lambda f: lambda x: wg.vjp(f, x)[1](1.0)[0],
        "l": lambda f: lambda x: wg.linearize(f, x)[1](1.0),
    }


@waves
@pytest.mark.parametrize(
    "modes",
    ["".join(m) for n in (1, 2, 3) for m in product("fr", repeat=n)] + ["p", "l", "pf", "lr", "fl", "rp"],
)
def test_every_order_and_mode(wave: Any, modes: str) -> None:
    fun: Any = lambda x: wave(x, 3.0)
    for mode in modes:
        fun = _modes()[mode](fun)
    x = 0.7
    # the rule's own derivative a sees the primitive cos, not the rule: f' = 2 a cos, f'' = -2 a sin, f''' =
    # -2 a cos
    exact = [6.0 * np.cos(x), -6.0 * np.sin(x), -6.0 * np.cos(x)][len(modes) - 1]
    assert fun(x) == pytest.approx(exact, rel=1e-14)


@waves
def test_both_arguments(wave: Any) -> None:
    x, a = np.array([0.1, 0.7]), np.array([2.0, -1.0])
    x_bar, a_bar = wg.grad(lambda *xs: np.sum(wave(*xs)), (0, 1))(x, a)
    np.testing.assert_allclose(x_bar, 2.0 * a * np.cos(x), rtol=1e-15)
    np.testing.assert_allclose(a_bar, np.sin(x), rtol=1e-15)
    _, y_dot = wg.jvp(wave, (x, a), (np.ones(2), np.ones(2)))
    np.testing.assert_allclose(y_dot, 2.0 * a * np.cos(x) + np.sin(x), rtol=1e-14)
    np.testing.assert_allclose(wg.grad(lambda a: np.sum(wave(x, a)))(a), np.sin(x), rtol=1e-15)


@waves
def test_a_plain_call_is_the_function(wave: Any) -> None:
    assert wave(0.5, 2.0) == 2.0 * np.sin(0.5)
    assert wave.__name__ == "wave"


@waves
def test_under_vmap(wave: Any) -> None:
    x, a = np.linspace(0.0, 1.0, 6).reshape(3, 2), np.array([2.0, 3.0])
    np.testing.assert_allclose(wg.vmap(wave, in_axes=(0, None))(x, a), a * np.sin(x), rtol=1e-15)
    gradient = wg.grad(lambda x, a: np.sum(wave(x, a)))
    np.testing.assert_allclose(wg.vmap(gradient, in_axes=(0, None))(x, a), 2 * a * np.cos(x), rtol=1e-15)
    total = wg.grad(lambda x: np.sum(wg.vmap(wave, in_axes=(0, None))(x, a)))
    np.testing.assert_allclose(total(x), 2 * a * np.cos(x), rtol=1e-15)
    pushed = wg.vmap(lambda x: wg.jvp(lambda u: wave(u, a), (x,), (x,))[1])(x)
    np.testing.assert_allclose(pushed, 2 * a * np.cos(x) * x, rtol=1e-15)
    assert wg.vmap(wave, in_axes=(0, None))(np.zeros((0, 2)), a).shape == (0, 2)


@waves
def test_jacobians(wave: Any) -> None:
    x, a = np.array([0.1, 0.7]), np.array([2.0, -1.0])
    for jacobian in (wg.jacfwd, wg.jacrev):
        np.testing.assert_allclose(jacobian(wave)(x, a), np.diag(2.0 * a * np.cos(x)), rtol=1e-15)
    hessian = wg.hessian(lambda x: np.sum(wave(x, a)))(x)
    np.testing.assert_allclose(hessian, np.diag(-2.0 * a * np.sin(x)), rtol=1e-14)


@waves
def test_precision_is_kept(wave: Any) -> None:
    x = np.array([0.1, 0.7], np.float32)
    assert wg.grad(lambda x: np.sum(wave(x, x)))(x).dtype == np.float32
    assert wg.jvp(wave, (x, x), (x, x))[1].dtype == np.float32


def test_without_rules_it_is_the_function() -> None:
    cube = wg.custom_derivative(lambda x: x**3)
    assert wg.grad(cube)(2.0) == 12.0


# Arguments ----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Layer:
    w: Any
    b: Any


def test_trees_in_and_out() -> None:
    @wg.custom_derivative
    def apply(layer: Any, data: Any) -> Any:
        return {"y": layer.w * data["x"] + layer.b, "w": layer.w}

    def bwd(saved: Any, bars: Any) -> Any:
        layer, data = saved
        y_bar, w_bar = bars["y"], bars["w"]
        return Layer(y_bar * data["x"] + w_bar, y_bar), {"x": y_bar * layer.w, "none": None}

    apply.defvjp(lambda layer, data: (apply(layer, data), (layer, data)), bwd)
    layer, data = Layer(2.0, 5.0), {"x": 3.0, "none": None}
    y, pull = wg.vjp(apply, layer, data)
    assert y == {"y": 11.0, "w": 2.0}
    assert pull({"y": 1.0, "w": 10.0}) == (Layer(13.0, 1.0), {"x": 2.0, "none": None})
    _, dots = wg.jvp(apply, (layer, data), (Layer(1.0, 0.0), {"x": 1.0, "none": None}))
    assert dots == {"y": 3.0 + 2.0, "w": 1.0}


def test_arguments_that_are_no_arrays() -> None:
    @wg.custom_derivative
    def power(x: Any, kind: str, flag: bool, function: Any) -> Any:
        return function(x) ** 2 if kind == "square" and flag else x

    power.defvjp(
        lambda x, kind, flag, function: (power(x, kind, flag, function), (x, kind)),
        lambda saved, g: (7.0 * g * saved[0], None, None, None),
    )
    assert power(3.0, "square", True, np.sin) == np.sin(3.0) ** 2
    assert wg.grad(power)(3.0, "square", True, np.sin) == 21.0
    assert wg.jvp(lambda x: power(x, "square", True, np.sin), (3.0,), (1.0,))[1] == 21.0


def test_integers_are_arguments_without_derivative() -> None:
    @wg.custom_derivative
    def take(x: Any, i: Any) -> Any:
        return x[i]

    def tangent(xs: Any, dots: Any) -> Any:
        return take(*xs), 5.0 * dots[0][xs[1]]

    take.defjvp(tangent)
    assert np.array_equal(wg.grad(take)(np.ones(3), 1), [0.0, 5.0, 0.0])
    assert np.array_equal(
        wg.vmap(wg.grad(take), in_axes=(None, 0))(np.ones(2), np.array([1, 0])), 5 * np.eye(2)[::-1]
    )


def test_keyword_arguments_become_positional() -> None:
    @wg.custom_derivative
    def power(x: Any, p: float = 2.0, scale: float = 1.0) -> Any:
        return scale * x**p

    power.defjvp(lambda xs, dots: (power(*xs), xs[2] * xs[1] * xs[0] ** (xs[1] - 1.0) * dots[0]))
    assert wg.grad(lambda x: power(x, scale=5.0))(3.0) == 30.0
    assert wg.grad(lambda x: power(p=3.0, x=x))(2.0) == 12.0


def test_keyword_only_arguments_raise() -> None:
    power = wg.custom_derivative(lambda x, *, p=2.0: x**p).defjvp(lambda xs, dots: (xs[0] ** 2, dots[0]))
    with pytest.raises(ArgumentError, match="keyword-only"):
        power(2.0, p=3.0)


class Model:
    """A class whose methods have rules of their own."""

    k = 3.0

    @wg.custom_derivative
    def method(self, x: Any) -> Any:
        return self.k * x

    method.defvjp(lambda self, x: (self.k * x, self.k), lambda k, g: (None, 10.0 * k * g))

    @staticmethod
    @wg.custom_derivative
    def static(x: Any) -> Any:
        return 2.0 * x

    @wg.primitive
    def opaque(self, x: Any) -> Any:
        return self.k * x**2

    wg.defvjp(opaque, None, lambda y, self, x: lambda g: 20.0 * self.k * x * g)


Model.static.defjvp(lambda xs, dots: (2.0 * xs[0], 20.0 * dots[0]))


def test_methods() -> None:
    model = Model()
    assert model.method(2.0) == 6.0
    assert wg.grad(model.method)(2.0) == 30.0
    assert wg.jvp(model.method, (2.0,), (1.0,)) == (6.0, 30.0)
    assert wg.grad(model.static)(2.0) == wg.grad(Model.static)(2.0) == 20.0
    assert wg.grad(model.opaque)(2.0) == 120.0
    assert wg.jvp(model.opaque, (2.0,), (1.0,)) == (12.0, 120.0)


# What raises --------------------------------------------------------------------------------------------------------


def _closures() -> dict[str, Any]:
    def by_jvp(x: Any) -> Any:
        f = wg.custom_derivative(lambda y: y * x)
        return f.defjvp(lambda ys, dots: (ys[0] * x, dots[0] * x))(x)

    def by_vjp(x: Any) -> Any:
        f = wg.custom_derivative(lambda y: y * x)
        return f.defvjp(lambda y: (y * x, None), lambda _, g: (g,))(x)

    def by_vjp_of_a_constant(x: Any) -> Any:
        f = wg.custom_derivative(lambda y: y * x)
        return f.defvjp(lambda y: (y * x, None), lambda _, g: (g,))(2.0)

    def by_primitive(x: Any) -> Any:
        f = wg.primitive(lambda y: y * x)
        wg.defvjp(f, lambda _y, _x: lambda g: g)
        wg.defjvp(f, lambda dot, _y, _x: dot)
        return f(x)

    def by_external(x: Any) -> Any:
        return wg.external(lambda y: y * x, fd="central")(x)

    return {f.__name__: f for f in (by_jvp, by_vjp, by_vjp_of_a_constant, by_primitive, by_external)}


@pytest.mark.parametrize("fun", _closures().values(), ids=list(_closures()))
@pytest.mark.parametrize("mode", "frpl")
def test_a_closure_over_a_traced_value_raises(fun: Any, mode: str) -> None:
    with pytest.raises(ArgumentError, match="not among its arguments") as raised:
        _modes()[mode](fun)(3.0)
    assert_four_parts(raised.value)
    with pytest.raises(ArgumentError, match="not among its arguments"):
        wg.vmap(fun)(np.ones(2))


def test_a_traced_value_in_the_bwd_rule_raises() -> None:
    def fun(x: Any) -> Any:
        f = wg.custom_derivative(lambda y: y * 2.0)
        return f.defvjp(lambda y: (y * 2.0, None), lambda _, g: (g * x,))(x)

    with pytest.raises(TracerEscapedError):
        wg.grad(fun)(3.0)


def assert_four_parts(error: WengertError) -> None:
    message = str(error)
    assert __file__ in message, "where"
    assert "why: " in message
    assert "instead: " in message


def _function(**rules: Any) -> Any:
    f = wg.custom_derivative(lambda x, s: (x * s, x))
    if "jvp" in rules:
        f.defjvp(rules["jvp"])
    else:
        f.defvjp(rules.get("fwd", lambda x, s: ((x * s, x), None)), rules["bwd"])
    return f


WRONG: dict[str, dict[str, Any]] = {
    "shape of a cotangent": {"bwd": lambda _, _g: (np.ones(2), 1.0)},
    "too few cotangents": {"bwd": lambda _, _g: (np.ones(3),)},
    "no tuple": {"bwd": lambda _, _g: np.ones(3)},
    "structure of a cotangent": {"bwd": lambda _, _g: ((np.ones(3), 1.0), 1.0)},
    "fwd without residuals": {"fwd": lambda x, s: x * s, "bwd": lambda _, _g: (np.ones(3), 1.0)},
    "shape of a tangent": {"jvp": lambda xs, _d: ((xs[0] * xs[1], xs[0]), (np.ones(2), xs[0]))},
    "structure of a tangent": {"jvp": lambda xs, _d: ((xs[0] * xs[1], xs[0]), xs[0])},
    "jvp without a pair": {"jvp": lambda xs, _d: xs[0] * xs[1]},
}


@pytest.mark.parametrize("mode", [wg.jacfwd, wg.jacrev], ids=["forward", "reverse"])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_results_of_rules_that_do_not_fit_raise(wrong: dict[str, Any], mode: Any) -> None:
    with pytest.raises(ArgumentError) as raised:
        mode(_function(**wrong))(np.ones(3), 2.0)
    assert_four_parts(raised.value)


def test_no_function_raises() -> None:
    with pytest.raises(ArgumentError) as raised:
        wg.custom_derivative(3.0)
    assert_four_parts(raised.value)


def test_an_absent_cotangent_is_zero() -> None:
    f = wg.custom_derivative(lambda x, y: x * y)
    f.defvjp(lambda x, y: (x * y, y), lambda y, g: (g * y, None))
    assert wg.grad(f, (0, 1))(2.0, 3.0) == (3.0, 0.0)
    assert wg.jvp(f, (2.0, 3.0), (0.0, 1.0))[1] == 0.0


def test_an_absent_cotangent_inside_a_tree_is_zero() -> None:
    f = wg.custom_derivative(lambda d, x: d["a"] * d["b"] * x)
    f.defvjp(
        lambda d, x: (f(d, x), (d, x)),
        lambda saved, g: ({"a": None, "b": g * saved[0]["a"] * saved[1]}, None),
    )
    assert wg.grad(f, (0, 1))({"a": 2.0, "b": 3.0}, 5.0) == ({"a": 0.0, "b": 10.0}, 0.0)


def test_an_absent_tangent_is_zero() -> None:
    f = wg.custom_derivative(lambda x: (np.sin(x), np.floor(x)))
    f.defjvp(lambda xs, dots: (f(*xs), (np.cos(xs[0]) * dots[0], None)))
    _, (sine, step) = wg.jvp(f, (0.5,), (1.0,))
    assert (sine, step) == (np.cos(0.5), 0.0)
    assert wg.grad(lambda x: f(x)[0] + f(x)[1])(0.5) == np.cos(0.5)


def test_rules_may_be_missing_until_they_are_asked_for() -> None:
    f = wg.primitive(lambda x, y: x * y)
    wg.defvjp(f, lambda _out, _x, y: lambda g: g * y)
    assert wg.grad(f)(2.0, 3.0) == 3.0
    with pytest.raises(RuleMissingError, match="argument 1"):
        wg.grad(f, 1)(2.0, 3.0)
