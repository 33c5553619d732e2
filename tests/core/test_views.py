"""Views: programs that write through views give NumPy's numbers, and their derivatives, in every mode."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.core.view_programs import PROGRAMS, Program

import wengert as wg

# Modes --------------------------------------------------------------------------------------------------------------


def point() -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    return rng.uniform(0.5, 1.5, (3, 4)), rng.uniform(0.5, 1.5, 4)


def directions() -> tuple[Any, Any]:
    rng = np.random.default_rng(6)
    return rng.normal(size=(3, 4)), rng.normal(size=4)


def on_copies(fun: Program) -> Program:
    """NumPy's own result, with the arguments left alone."""
    return lambda x, w: fun(np.array(x), np.array(w))


def complex_step(fun: Program, xs: Any, dots: Any) -> Any:
    """Derivative along a direction, exact to rounding (Squire and Trapp 1998)."""
    return np.imag(on_copies(fun)(*[x + 1e-30j * v for x, v in zip(xs, dots, strict=True)])) / 1e-30


programs = pytest.mark.parametrize("fun", PROGRAMS.values(), ids=list(PROGRAMS))


def test_there_are_enough_programs() -> None:
    assert len(PROGRAMS) >= 40


@programs
def test_forward(fun: Program) -> None:
    xs, dots = point(), directions()
    y, y_dot = wg.jvp(fun, xs, dots)
    assert np.array_equal(y, on_copies(fun)(*xs))
    np.testing.assert_allclose(y_dot, complex_step(fun, xs, dots), rtol=1e-13, atol=1e-13)


@programs
def test_reverse(fun: Program) -> None:
    xs, dots = point(), directions()
    y, pull = wg.vjp(fun, *xs)
    expected = on_copies(fun)(*xs)
    assert np.array_equal(y, expected)
    assert np.shape(y) == np.shape(expected)
    y_bar = np.random.default_rng(7).normal(size=np.shape(y))
    found = sum(np.sum(x_bar * v) for x_bar, v in zip(pull(y_bar), dots, strict=True))
    assert found == pytest.approx(np.sum(y_bar * complex_step(fun, xs, dots)), rel=1e-12, abs=1e-12)


@programs
def test_arguments_are_untouched(fun: Program) -> None:
    xs = point()
    wg.vjp(fun, *xs)
    wg.jvp(fun, xs, directions())
    wg.vmap(fun)(*[np.stack([x, x]) for x in xs])
    for x, fresh in zip(xs, point(), strict=True):
        assert np.array_equal(x, fresh)


@programs
def test_vmap(fun: Program) -> None:
    xs = [np.stack([x, x * 0.5, x + 0.25]) for x in point()]
    expected = np.stack([on_copies(fun)(*[x[i] for x in xs]) for i in range(3)])
    np.testing.assert_allclose(wg.vmap(fun)(*xs), expected, rtol=1e-15, atol=1e-15)


@programs
def test_vmap_of_reverse(fun: Program) -> None:
    xs = [np.stack([x, x * 0.5]) for x in point()]
    gradient = wg.grad(lambda x, w: np.sum(np.sin(fun(x, w))), (0, 1))
    found = wg.vmap(gradient)(*xs)
    for i in range(2):
        for batch, alone in zip(found, gradient(*[x[i] for x in xs]), strict=True):
            np.testing.assert_allclose(batch[i], alone, rtol=1e-13, atol=1e-13)


@programs
def test_forward_over_reverse(fun: Program) -> None:
    def total(x: Any, w: Any) -> Any:
        return np.sum(np.sin(fun(x, w)))

    xs, dots = point(), directions()
    h = 1e-4  # the gradient is exact, so a difference of gradients needs no small step: error h^4
    gradient = wg.grad(total, (0, 1))

    def at(t: float) -> Any:
        return gradient(*[x + t * v for x, v in zip(xs, dots, strict=True)])

    _, products = wg.hvp(total, xs, dots)
    _, other = wg.vhp(total, xs, dots)
    for p, q, a, b, c, d in zip(products, other, at(h), at(-h), at(2 * h), at(-2 * h), strict=True):
        np.testing.assert_allclose(p, (8 * (a - b) - (c - d)) / (12 * h), rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(p, q, rtol=1e-12, atol=1e-12)


# Read-only views, memory --------------------------------------------------------------------------------------------

READ_ONLY: dict[str, Callable[[Any], Any]] = {
    "broadcast_to": lambda x: np.broadcast_to(x, (2, 3, 4)),
    "diagonal": lambda x: np.diagonal(x),
    "diagonal method": lambda x: x.diagonal(),
    "diag": lambda x: np.diag(x),
    "linalg.diagonal": lambda x: np.linalg.diagonal(x),
    "sliding_window_view": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=1),
    "view of a read-only view": lambda x: np.broadcast_to(x, (2, 3, 4))[0, 1:].T,
}


@pytest.mark.parametrize("view", READ_ONLY.values(), ids=list(READ_ONLY))
@pytest.mark.parametrize("traced", [False, True], ids=["numpy", "traced"])
def test_a_read_only_view_raises(view: Any, traced: bool) -> None:
    def fun(x: Any) -> Any:
        view(x)[...] = 0.0
        return x.sum()

    with pytest.raises(ValueError, match="assignment destination is read-only"):
        (wg.grad(fun) if traced else fun)(np.ones((3, 4)))


def test_a_read_only_view_can_be_read() -> None:
    def fun(x: Any) -> Any:
        diagonal = np.diagonal(x)
        x[0, 0] = 2.0 * x[1, 1]
        return np.sum(diagonal**2)

    assert np.array_equal(np.diag(wg.grad(fun)(np.ones((2, 2)))), [0.0, 8.0 + 2.0])


def test_real_and_imaginary_parts_are_views() -> None:
    def fun(z: Any) -> Any:
        z.real[0] = z.imag[1]
        z.imag[...] *= 2.0
        return np.sum(z.real**2) + np.sum(z.imag**2)

    z = np.array([1.0 + 2.0j, 3.0 + 4.0j])
    value, gradient = wg.value_and_grad(fun)(z)
    assert value == fun(z.copy())
    # f = y2^2 + x2^2 + 4 y1^2 + 4 y2^2, and the gradient is df/dx - i df/dy
    np.testing.assert_allclose(gradient, [-1j * 8 * 2.0, 2 * 3.0 - 1j * 10 * 4.0])


def test_dead_views_are_forgotten() -> None:
    def fun(x: Any) -> Any:
        total = 0.0
        for _ in range(5000):
            total = total + x[1:].sum()
        assert len(x.link._views) < 200
        return total

    assert np.array_equal(wg.grad(fun)(np.ones(3)), [0.0, 5000.0, 5000.0])


def test_a_view_keeps_its_base_but_not_the_other_way_round() -> None:
    def fun(x: Any) -> Any:
        y = x * 2.0
        view = y[1:]
        dead, alive = weakref.ref(view), weakref.ref(y)
        del y
        gc.collect()
        assert alive() is not None
        del view
        gc.collect()
        assert dead() is None
        assert alive() is None
        return x.sum()

    assert np.array_equal(wg.grad(fun)(np.ones(3)), np.ones(3))


def test_forward_derivative_of_many_writes_keeps_nothing() -> None:
    def fun(x: Any) -> Any:
        for i in range(3000):
            x[i % 3] = x[(i + 1) % 3] * 0.999
        assert len(x.link._views) < 50 if hasattr(x, "link") else True
        return x.sum()

    y, y_dot = wg.jvp(fun, (np.ones(3),), (np.ones(3),))
    assert y == pytest.approx(y_dot, rel=1e-12)  # fun is linear and the tangent is the point
