"""Derivatives by differences: values, accuracy, honest error estimates, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wengert.errors import ArgumentError, NotDifferentiableError
from wengert.methods import finite_difference
from wengert.methods.finite_difference import KINDS, derivative, directional, gradient, jacobian
from wengert.methods.stencils import STENCILS

EPS = np.finfo(float).eps

# name: (function, derivative), analytic and of moderate scale on [-2, 2]
SMOOTH = {
    "exp": (np.exp, np.exp),
    "sin(3x)": (lambda x: np.sin(3 * x), lambda x: 3 * np.cos(3 * x)),
    "rational": (lambda x: 1 / (1 + x**2), lambda x: -2 * x / (1 + x**2) ** 2),
    "polynomial": (lambda x: x**5 - 3 * x, lambda x: 5 * x**4 - 3),
}
KINKED = {
    "abs": (np.abs, np.sign),
    "x|x|": (lambda x: x * np.abs(x), lambda x: 2 * np.abs(x)),
    "real part": (lambda x: np.real(x) * x, lambda x: 2 * x),
    "float": (lambda x: float(x) ** 2, lambda x: 2 * x),
}


def test_the_textbook_example():
    # f = x^2 at 2: (2.01^2 - 2^2) / 0.01 = 4.01, up to the rounding of 4.0401 - 4, 2 eps * 4.04 / 0.01.
    assert abs(derivative(lambda x: x**2, 2.0, kind="forward", step=0.01) - 4.01) <= 2 * EPS * 4.05 / 0.01
    assert abs(derivative(lambda x: x**2, 2.0, kind="backward", step=0.01) - 3.99) <= 2 * EPS * 4.05 / 0.01


# bounds on [-2.01, 2.01] of the derivatives of order 0, 1, 2, 3 and 5
BOUNDS = {
    "exp": dict.fromkeys((0, 1, 2, 3, 5), 7.5),
    "sin(3x)": {0: 1, 1: 3, 2: 9, 3: 27, 5: 243},
    "rational": {0: 1, 1: 1, 2: 2, 3: 6, 5: 120},  # |f^(k)| <= k! as f = Im 1/(x - i)
    "polynomial": {0: 39, 1: 79, 2: 163, 3: 243, 5: 120},
}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("kind", STENCILS)
def test_default_steps_reach_the_stated_accuracy(name, kind):
    fun, exact = SMOOTH[name]
    x = np.linspace(-2.0, 2.0, 17)  # so the steps are one or two times the best one for numbers of size one
    stencil, bound = STENCILS[kind], BOUNDS[name]
    h = stencil.best_step(EPS)
    truncation = abs(stencil.constant) * (2 * h) ** stencil.order * bound[stencil.order + 1]
    # Values are good to a few eps; in the complex step that is a few eps of the imaginary part, f' h.
    size = bound[1] * h if kind == "complex" else bound[0]
    round_off = 8 * EPS * size * sum(map(abs, stencil.weights)) / h
    assert np.max(np.abs(derivative(fun, x, kind=kind) - exact(x))) <= 1.01 * truncation + round_off


@pytest.mark.parametrize("name", SMOOTH | KINKED)
@pytest.mark.parametrize("kind", ["auto", "richardson", "five_point", "central"])
@pytest.mark.parametrize("x", [0.3, -1.7])
def test_error_estimates_are_honest_and_small(name, kind, x):
    fun, exact = (SMOOTH | KINKED)[name]
    found = directional(fun, x, 1.0, kind)
    assert abs(found.value - exact(x)) <= 10 * found.error + 4 * EPS * abs(exact(x))
    size = abs(exact(x)) + abs(fun(x))
    assert (
        found.error <= {"auto": 1e-11, "richardson": 1e-11, "five_point": 1e-11, "central": 1e-8}[kind] * size
    )


@pytest.mark.parametrize("name", SMOOTH)
def test_auto_takes_the_complex_step_for_analytic_functions(name):
    fun, exact = SMOOTH[name]
    found = directional(fun, 0.3, 1.0)
    assert found.kind == "complex"
    assert abs(found.value - exact(0.3)) <= 8 * EPS * abs(exact(0.3))


@pytest.mark.parametrize("name", KINKED)
def test_auto_distrusts_the_complex_step_otherwise(name):
    assert directional(KINKED[name][0], 1.3, 1.0).kind == "five_point"


@given(
    x=st.floats(1e-9, 1e9),
    v=st.floats(-1e3, 1e3).filter(lambda v: abs(v) > 1e-3),
)
def test_the_estimate_holds_across_scales(x, v):
    cases = (
        (np.log, 1 / x, 1),
        # Complex division cancels all but 1/(1+x) of the derivative.
        (lambda t: t / (1 + t), 1 / (1 + x) ** 2, 1 + x),
        (lambda t: np.maximum(t, 0) ** 1.5, 1.5 * x**0.5, 1),
    )
    for fun, exact, condition in cases:
        found = directional(fun, x, v)
        assert abs(found.value - exact * v) <= 10 * found.error + 8 * EPS * condition * abs(exact * v)


@given(st.integers(0, 10**6))
def test_noise_shows_in_the_estimate(seed):
    # A function good to 1e-9 only: the estimate must not pretend more.
    rng = np.random.default_rng(seed)

    def noisy(x):
        return np.sin(x) + 1e-9 * rng.uniform(-1, 1, np.shape(x))

    found = directional(noisy, np.full(20, 0.4), np.ones(20), "five_point")
    errors = np.abs(found.value - np.cos(0.4))
    assert np.all(errors <= 10 * found.error)
    assert np.max(errors) < 1e-6


def test_entries_of_different_scale_have_steps_of_their_own():
    def fun(x):
        return np.stack([np.sin(200 * x), 1e8 * np.exp(x / 50)])

    found = directional(fun, 0.2, 1.0, "five_point")
    exact = np.array([200 * np.cos(40.0), 2e6 * np.exp(0.004)])
    assert found.step[0] < found.step[1]
    assert np.all(np.abs(found.value - exact) <= 1e-10 * np.abs(exact))


def test_steps_out_of_the_domain_do_not_count():
    def checked_log(x):
        if x <= 0:
            message = "not positive"
            raise ValueError(message)
        return np.log(x)

    for fun in (np.log, checked_log):
        for kind in ("five_point", "richardson", "central"):
            found = directional(fun, 0.01, 1.0, kind)
            assert abs(found.value - 100) <= 10 * found.error
            assert found.error < 1e-5

    def refuses(x):
        message = "always"
        raise ValueError(message)

    with pytest.raises(ValueError, match="always"):
        directional(refuses, 1.0, 1.0, "central")
    nowhere = directional(lambda x: x * np.nan, 1.0, 1.0)
    assert np.isnan(nowhere.value)
    assert nowhere.error == np.inf


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("forward", "backward")])
def test_single_precision(kind):
    x = np.float32([0.3, -1.2])
    v = np.float32([1.0, 0.5])
    found = directional(np.sin, x, v, kind)
    assert found.value.dtype == np.float32
    assert np.all(np.abs(found.value - np.cos(x) * v) <= 10 * found.error + 4 * np.finfo(np.float32).eps)
    assert np.all(found.error < 1e-3)
    assert derivative(np.sin, x, kind="central").dtype == np.float32


def test_derivative_gives_scalars_for_scalars():
    assert isinstance(derivative(np.sin, 1.0), np.float64)
    assert derivative(np.sin, 2).dtype == np.float64


def test_gradient_and_jacobian_shapes():
    x = np.arange(6.0).reshape(2, 3) + 1
    assert np.allclose(gradient(lambda x: np.sum(x**3), x), 3 * x**2, rtol=1e-8, atol=0)
    found = jacobian(lambda x: np.sin(x).sum(axis=1), x, kind="complex")
    exact = np.zeros((2, 2, 3))
    exact[0, 0], exact[1, 1] = np.cos(x)
    assert np.allclose(found, exact, rtol=4 * EPS, atol=0)
    assert jacobian(lambda x: np.ones(4), np.zeros(0)).shape == (4, 0)
    assert gradient(np.square, 3.0, kind="five_point").shape == ()
    assert gradient(lambda x: x[0] * x[1], np.array([2, 3]), kind="auto").tolist() == [3.0, 2.0]
    with pytest.raises(ArgumentError, match="result of the function has shape"):
        gradient(np.square, x)


@pytest.mark.parametrize("step", [None, 1e-3, "adaptive"])
@pytest.mark.parametrize("kind", ["forward", "central", "five_point"])
def test_steps_can_be_chosen(kind, step):
    assert abs(jacobian(np.exp, 0.5, kind=kind, step=step) - np.exp(0.5)) < 2e-3


def test_fixed_step_has_an_estimate_too():
    found = directional(np.exp, 0.5, 1.0, "central", step=1e-2)
    assert found.step == 1e-2
    assert abs(found.value - np.exp(0.5)) <= 1.1 * found.error
    assert found.error < 1e-4


def test_complex_points():
    z = 0.3 + 0.4j
    assert abs(directional(np.exp, z, 1j).value - 1j * np.exp(z)) < 1e-11
    with pytest.raises(NotDifferentiableError, match="complex point"):
        directional(np.exp, z, 1.0, "complex")


def test_empty_input():
    found = directional(lambda x: x.sum(), np.zeros(0), np.zeros(0))
    assert found.value == 0.0


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: directional(np.sin, 1.0, 1.0, "nice"), ArgumentError, "no kind 'nice'"),
        (lambda: directional(np.sin, 1.0, np.ones(2)), ArgumentError, "the direction"),
        (lambda: directional(np.sin, 1.0, 1.0, "central", step=0.0), ArgumentError, "step is 0.0"),
        (lambda: derivative(np.sin, 1.0, step="best"), ArgumentError, "step is 'best'"),
        (lambda: jacobian(np.sin, 1.0, kind="nice"), ArgumentError, "no kind"),
        (lambda: derivative(np.sin, "1"), NotDifferentiableError, "dtype"),
        (lambda: directional(np.abs, 1.0, 1.0, "complex"), NotDifferentiableError, "returns complex"),
    ],
)
def test_refusals(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_the_point_is_never_written():
    x = np.array([1.0, 2.0])
    x.flags.writeable = False
    for kind in KINDS:
        directional(np.sin, x, np.ones(2), kind)


def test_public_names():
    assert set(finite_difference.__all__) >= {
        "derivative",
        "gradient",
        "jacobian",
        "directional",
        "error_curve",
    }


@pytest.mark.parametrize(("kind", "calls"), [("forward", 4), ("backward", 4), ("central", 6), ("complex", 3)])
def test_columns_share_the_value_at_the_point(kind, calls):
    points = []

    def fun(x):
        points.append(x)
        return np.sum(x * x)

    found = finite_difference.jacobian(fun, np.array([1.0, 2.0, 3.0]), kind=kind)
    assert len(points) == calls
    assert np.allclose(found, [2.0, 4.0, 6.0], rtol=1e-6)
