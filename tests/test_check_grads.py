"""check_grads accepts right derivatives and finds wrong ones, in the mode and at the order where they are wrong."""

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, GradientCheckError, NotDifferentiableError

X = np.array([0.3, 0.7, 1.1])

RIGHT: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "scalar": (np.sin, (0.5,)),
    "vector": (lambda x: np.sin(x) * x[::-1], (X,)),
    "several arguments": (lambda x, a: np.sum(x) ** a, (X, 2.5)),
    "trees": (lambda t: {"y": t["a"] * t["b"][0], "z": (t["a"] ** 2,)}, ({"a": X, "b": [2.0]},)),
    "complex": (lambda z: np.exp(z) * z, (X + 0.5j,)),
    "complex, not holomorphic": (lambda z: np.abs(z) * np.conj(z), (X + 0.5j,)),
    "complex to real": (lambda z: np.sum(np.abs(z) ** 2), (X + 0.5j,)),
    "real to complex": (lambda x: np.exp(1j * x), (X,)),
    "not analytic": (lambda x: np.abs(x) * np.maximum(x, 0.5), (X,)),
    "branches": (lambda x: x**2 if x[0] > 0 else -x, (X,)),
    "in place": (lambda x: _square_in_place(x * 1.0), (X,)),
    "linear algebra": (lambda a: np.linalg.inv(a), (np.diag(X) + 0.1,)),
    "constant": (lambda _x: np.ones(2), (X,)),
    "big values": (lambda x: 1e8 * np.sin(x), (X,)),
    "small values": (lambda x: 1e-8 * np.sin(x), (X,)),
    "empty": (np.sin, (np.zeros(0),)),
}


def _square_in_place(y: Any) -> Any:
    y *= y
    return y


@pytest.mark.parametrize(("fun", "args"), RIGHT.values(), ids=list(RIGHT))
@pytest.mark.parametrize("order", [1, 2])
def test_right_derivatives_pass(fun: Any, args: Any, order: int) -> None:
    wg.check_grads(fun, args, order=order)
    wg.check_grads(fun, args, order=order, modes=["fwd"])
    wg.check_grads(fun, args, order=order, modes=["rev"], seed=3)


def test_third_order() -> None:
    wg.check_grads(lambda x: np.sum(np.tanh(x) * x), (X,), order=3)


def _cube(*, jvp: float = 3.0, vjp: float = 3.0) -> Any:
    """x^3 whose derivatives are declared to be jvp x^2 and vjp x^2."""
    f = wg.custom_derivative(lambda x: x**3)
    f.defjvp(lambda xs, dots: (f(*xs), jvp * xs[0] ** 2 * dots[0]))
    return f.defvjp(lambda x: (f(x), x), lambda x, g: (vjp * x**2 * g,))


def test_wrong_rules_are_found_in_their_mode() -> None:
    wg.check_grads(_cube(), (X,), order=3)
    for wrong in (3.000001, 2.0, np.nan):
        with pytest.raises(GradientCheckError, match="forward derivative"):
            wg.check_grads(_cube(jvp=wrong), (X,), order=1)
        with pytest.raises(GradientCheckError, match="reverse derivative"):
            wg.check_grads(_cube(vjp=wrong), (X,), order=1)
        wg.check_grads(_cube(jvp=wrong), (X,), order=1, modes=("reverse",))
        wg.check_grads(_cube(vjp=wrong), (X,), order=1, modes=("forward",))


def test_one_wrong_entry_is_found() -> None:
    f = wg.custom_derivative(lambda x: x * 2.0)
    f.defvjp(lambda x: (f(x), None), lambda _, g: (np.where(np.arange(5) == 3, 2.1, 2.0) * g,))
    with pytest.raises(GradientCheckError):
        wg.check_grads(f, (np.ones(5),))


def test_wrong_second_derivatives_are_found() -> None:
    slope = wg.custom_derivative(lambda x: 3.0 * x**2).defvjp(
        lambda x: (3.0 * x**2, x), lambda x, g: (5.0 * x * g,)
    )
    f = wg.custom_derivative(lambda x: x**3).defvjp(lambda x: (f(x), x), lambda x, g: (slope(x) * g,))
    wg.check_grads(f, (X,), order=1)
    with pytest.raises(GradientCheckError, match="of "):
        wg.check_grads(f, (X,), order=2)


def test_stopped_gradients_are_found() -> None:
    with pytest.raises(GradientCheckError):
        wg.check_grads(lambda x: x * wg.stop_gradient(x), (X,))


def test_a_looser_tolerance_lets_small_errors_pass() -> None:
    wg.check_grads(_cube(jvp=3.000001, vjp=3.000001), (X,), order=1, rtol=1e-5)


def test_errors_of_the_call() -> None:
    with pytest.raises(ArgumentError, match="modes"):
        wg.check_grads(np.sin, (X,), modes=("sideways",))
    with pytest.raises(ArgumentError, match="modes"):
        wg.check_grads(np.sin, (X,), modes=())
    with pytest.raises(ArgumentError, match="tuple"):
        wg.check_grads(np.sin, X)
    with pytest.raises(NotDifferentiableError):
        wg.check_grads(np.sin, (np.array([1, 2]),))


def test_arguments_are_untouched() -> None:
    x = X.copy()

    def fun(x: Any) -> Any:
        x *= 2.0
        return x

    wg.check_grads(fun, (x,))
    assert np.array_equal(x, X)


# The operation at fault ---------------------------------------------------------------------------------------------

bad_cube = _cube(vjp=2.9)


def guilty_line(x: Any) -> Any:
    y = np.sin(x)
    z = bad_cube(y) + y  # guilty
    return np.sum(z * 2.0)


def guilty_loop(x: Any) -> Any:
    def step(c: Any, t: Any) -> Any:
        return bad_cube(c) * t, None  # looped

    return wg.scan(step, x, np.arange(1.0, 5.0))[0]


STOPPED: dict[str, tuple[Any, tuple[Any, ...], str, str]] = {
    "custom rule": (guilty_line, (X,), "it is the function <lambda>: alone", "# guilty"),
    "in a loop": (guilty_loop, (0.9,), "in step 1 of 4: alone", "# looped"),
    "compiled": (wg.jit(guilty_line), (X,), "it is the function <lambda>", "# guilty"),
    "stopped": (
        lambda x: x * wg.stop_gradient(x), (X,), "an operand of multiply changes with the arguments", "x * wg.stop",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STOPPED)
def test_the_operation_at_fault_is_named(case: str) -> None:
    fun, args, why, line = STOPPED[case]
    with pytest.raises(GradientCheckError) as caught:
        wg.check_grads(fun, args)
    assert why in caught.value.why
    assert line in str(caught.value.where)


def test_the_operation_at_fault_in_a_second_derivative() -> None:
    def slope_rule(x: Any) -> Any:
        return 3.0 * x**2

    slope = wg.custom_derivative(slope_rule).defvjp(lambda x: (3.0 * x**2, x), lambda x, g: (5.0 * x * g,))
    f = wg.custom_derivative(lambda x: x**3).defvjp(lambda x: (f(x), x), lambda x, g: (slope(x) * g,))
    with pytest.raises(GradientCheckError) as caught:
        wg.check_grads(lambda x: np.sum(f(x)), (X,), modes=("reverse",))
    assert "slope_rule" in caught.value.why


def test_what_is_no_operations_fault() -> None:
    with pytest.raises(GradientCheckError) as caught:
        wg.check_grads(lambda x: x if x > 0.5 else 0.5 * x * np.cos(x), (0.5,))
    assert "The rules of all its operations agree with differences" in caught.value.why
    rng = np.random.default_rng(0)
    with pytest.raises(GradientCheckError) as caught:
        wg.check_grads(lambda x: x * rng.normal(), (1.0,))
    assert "another result each time" in caught.value.why
