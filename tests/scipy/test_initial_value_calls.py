"""wengert.scipy.integrate.solve_ivp: options, events, solutions as functions, functions that ask, what is refused."""

import numpy as np
import pytest
import scipy.integrate
import scipy.sparse

import wengert as wg
from wengert.errors import ArgumentError, NotConcreteError, NotDifferentiableError, RefusedError
from wengert.scipy.integrate import solve_ivp
from wengert.scipy.integrate.right_side import UserFunction
from wengert.scipy.integrate.system import System

TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def decay(t, y, p):
    return -p * y


def oscillator(t, y, p):
    return np.stack([y[1], -p * y[0]])


# Options


@pytest.mark.parametrize(
    "options", [{}, {"max_step": 0.05}, {"first_step": 1e-3}, {"rtol": 1e-6, "atol": [1e-8, 1e-6]}]
)
@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853"])
def test_options_reach_the_solver(method, options):
    found = []

    def end(p):
        found.append(
            solve_ivp(oscillator, (0, 2), [1.0, 0.0], method, [0.3, 0.31, 2.0], args=(p,), **options)
        )
        return found[0].y[0, -1]

    wg.grad(end)(2.0)
    theirs = scipy.integrate.solve_ivp(
        oscillator, (0, 2), [1.0, 0.0], method, [0.3, 0.31, 2.0], args=(2.0,), **options
    )
    assert found[0].nfev == theirs.nfev


OF_JACOBIANS = [
    ("BDF", {"jac_sparsity": np.eye(2)}),
    ("Radau", {"jac_sparsity": np.eye(2)}),
    ("LSODA", {"lband": 0, "uband": 0, "min_step": 1e-9}),
    ("Radau", {"jac": lambda t, y, p: -p * np.eye(2)}),
    ("BDF", {"atol": [1e-12, 1e-10]}),
]


@pytest.mark.parametrize(("method", "options"), OF_JACOBIANS)
def test_options_of_jacobians(method, options):
    """They are passed on where nothing is traced, and give the same derivatives, of higher orders too."""
    options = TIGHT | options

    def end(p):
        return solve_ivp(decay, (0, 1), [1.0, 2.0], method, args=(p,), **options).y[0, -1]

    assert abs(end(1.0) - np.exp(-1.0)) < 1e-7
    assert abs(wg.grad(end)(1.0) + np.exp(-1.0)) < 1e-6
    assert abs(wg.grad(wg.grad(end))(1.0) - np.exp(-1.0)) < 1e-6


def test_the_pattern_of_a_system_with_tangents():
    """Of f and f_y s + f_p p_dot, by (y, s): what may be different from zero, and is."""
    function = UserFunction(
        lambda t, y, p: np.stack([p * y[0] ** 2, y[0] * y[1], y[2] ** 3]), (1.5,), 3, vectorized=False
    )
    right, ps = function.right_side()
    pattern = scipy.sparse.csc_matrix([[1, 0, 0], [1, 1, 0], [0, 0, 1]])
    system = System(right, scipy.integrate.BDF, {"atol": [1.0, 2.0, 3.0]}, "f", pattern).tangent((True,))
    z = np.arange(1.0, 7.0)
    jacobian = wg.jacobian(lambda z: system.right(0.0, z, *ps, np.float64(2.0)))(z)
    assert np.array_equal(jacobian != 0, system.sparsity.toarray() != 0)
    assert np.array_equal(system.options["atol"], [1.0, 2.0, 3.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize("method", ["RK45", "Radau"])
def test_functions_of_several_states(method):
    options = {"vectorized": True, **TIGHT}
    gradient = wg.grad(
        lambda p: solve_ivp(lambda t, y: -p * y, (0, 3), [1.0, 2.0], method, **options).y[0, -1]
    )
    assert abs(gradient(1.0) + 3.0 * np.exp(-3.0)) < 1e-7


@pytest.mark.parametrize(
    "fun", [lambda t, y, p: -p * y[0], lambda t, y, p: [-p * y[0]], lambda t, y, p: -p * y]
)
def test_what_a_right_side_may_return(fun):
    gradient = wg.grad(lambda p: solve_ivp(fun, (0, 1), [1.0], args=(p,), **TIGHT).y[0, -1])
    assert abs(gradient(1.0) + np.exp(-1.0)) < 1e-8


# Solutions as functions


@pytest.mark.parametrize(
    ("method", "adjoint"), [("RK45", "discrete"), ("DOP853", "discrete"), ("Radau", "continuous")]
)
def test_solutions_are_functions_of_time(method, adjoint):
    times = np.array([[1.0, 0.2], [0.2, 0.7]])  # in no order, one twice

    def solution(p):
        return solve_ivp(decay, (0, 1), [1.0], method, None, True, args=(p,), adjoint=adjoint, **TIGHT).sol

    by_p = wg.jacfwd(lambda p: solution(p)(times))(0.5)
    assert by_p.shape == (1, 2, 2)
    np.testing.assert_allclose(by_p[0], -times * np.exp(-0.5 * times), rtol=0, atol=1e-6)
    both = wg.grad(lambda p, t: solution(p)(t)[0], (0, 1))(0.5, 0.7)
    np.testing.assert_allclose(both, [-0.7 * np.exp(-0.35), -0.5 * np.exp(-0.35)], rtol=0, atol=1e-6)
    with pytest.raises(ArgumentError, match="outside of t_span"):
        wg.grad(lambda p: solution(p)(1.5)[0])(0.5)


# Events


def ground(t, y, g):
    return y[0]


ground.terminal = True
ground.direction = -1


def top(t, y, g):
    return y[1]


def fall(t, y, g):
    return [y[1], -g]


def landing(v, g):
    """When what is thrown up from height 1 comes down."""
    return (v + np.sqrt(v * v + 2.0 * g)) / g


@pytest.mark.parametrize("method", ["RK45", "DOP853", "Radau"])
def test_times_of_events(method):
    def throw(v, g):
        start = np.stack([np.ones_like(v), v])
        return solve_ivp(fall, (0, 100.0), start, method, events=[ground, top], args=(g,), **TIGHT)

    def when(v, g):
        return throw(v, g).t_events[0][0]

    at, both = (np.float64(5.0), np.float64(9.8)), (0, 1)
    np.testing.assert_allclose(wg.grad(when, both)(*at), wg.grad(landing, both)(*at), rtol=1e-9)
    np.testing.assert_allclose(wg.hessian(when, both)(*at), wg.hessian(landing, both)(*at), rtol=1e-8)
    third = [wg.grad(wg.grad(wg.grad(fun)))(*at) for fun in (when, landing)]
    assert abs(third[0] / third[1] - 1.0) < 1e-8

    def seen(v):
        found = throw(v, 9.8)
        assert found.status == 1
        assert [len(t) for t in found.t_events] == [1, 1]
        return found.t[-1], found.y[1, -1], found.y_events[1][0, 0]

    exact = wg.jacobian(lambda v: (landing(v, 9.8), -np.sqrt(v * v + 19.6), 1.0 + v * v / 19.6))(5.0)
    np.testing.assert_allclose(wg.jacobian(seen)(5.0), exact, rtol=1e-8)


def test_events_that_close_over_what_is_traced():
    def when(c):
        return solve_ivp(
            fall, (0, 9.0), [1.0, 5.0], events=lambda t, y, g: y[0] - c, args=(9.8,), **TIGHT
        ).t_events[0][0]

    exact = wg.grad(lambda c: (5.0 - np.sqrt(25.0 - 19.6 * (c - 1.0))) / 9.8)(2.0)
    assert abs(wg.grad(when)(2.0) - exact) < 1e-9


def test_times_before_an_event():
    def path(v):
        start, times = np.stack([1.0 + 0.0 * v, v]), np.linspace(0.0, 5.0, 26)
        return solve_ivp(fall, (0, 5.0), start, "RK45", times, events=ground, args=(9.8,), **TIGHT)

    y, by_v = wg.jvp(lambda v: path(v).y, (5.0,), (1.0,))
    assert y.shape == (2, 6)  # up to 1.19
    np.testing.assert_allclose(by_v[0], np.linspace(0.0, 1.0, 6), rtol=0, atol=1e-9)


def test_what_events_cannot():
    def when(v, event):
        return solve_ivp(fall, (0, 9.0), np.stack([1.0, v]), events=event, args=(9.8,), **TIGHT).t_events[0][
            0
        ]

    with pytest.raises(RefusedError, match="events in a graph or batch"):
        wg.vmap(lambda v: when(v, ground))(np.ones(2))
    with pytest.raises(NotDifferentiableError, match="does not change with time"):
        wg.grad(lambda v: when(v, lambda t, y, g: np.sign(y[1] + 4.8)))(5.0)


# Functions that ask for values


def kinked(t, y, p):
    if y[0] > 0.5:
        return -p * y
    return -0.5 * p * np.ones_like(y)


def test_a_function_that_asks_is_run_step_by_step():
    def end(fun, p):
        return solve_ivp(fun, (0, 2), [1.0], args=(p,), max_step=0.01).y[0, -1]

    found = wg.grad(lambda p: end(kinked, p))(0.6)
    assert abs(found - wg.grad(lambda p: end(wg.lift(kinked), p))(0.6)) < 1e-14
    assert (
        abs(found + 1.0) < 1e-4
    )  # of 0.5 (1 + log 2 - 2 p); a step over the kink is of second order in 0.01


def test_a_function_that_asks_has_no_continuous_derivative():
    for options in ({"method": "Radau"}, {"adjoint": "continuous"}):
        with pytest.raises(NotConcreteError, match="bool"):
            wg.grad(
                lambda p, options=options: solve_ivp(kinked, (0, 2), [1.0], args=(p,), **options).y[0, -1]
            )(2.0)


def test_a_function_that_asks_has_no_batches():
    with pytest.raises(NotConcreteError, match="bool"):
        wg.vmap(lambda p: solve_ivp(lambda t, y: kinked(t, y, p), (0, 1), [1.0], t_eval=[1.0]).y[0])(
            np.ones(2)
        )


def test_a_compiled_function_that_asks_is_no_less_solved():
    found = solve_ivp(wg.jit(kinked), (0, 2), [1.0], "Radau", args=(2.0,))
    assert found.success


# What goes wrong


@pytest.mark.parametrize("method", ["RK45", "Radau", "BDF"])
def test_an_integration_that_fails(method):
    def end(p):
        return solve_ivp(lambda t, y: p * y**2, (0, 3), [1.0], method, [3.0]).y[0, -1]

    assert scipy.integrate.solve_ivp(lambda t, y: y**2, (0, 3), [1.0], method).status == -1
    for gradient in (wg.grad(end), wg.jit(wg.grad(end))):
        with pytest.raises(NotDifferentiableError, match=r"stopped at t = (0.99|1)"):
            gradient(1.0)


@pytest.mark.parametrize("method", ["RK45", "Radau", "LSODA"])
def test_nan_at_the_start(method):
    with pytest.raises(NotDifferentiableError, match="not finite at the start"):
        wg.grad(lambda p: solve_ivp(decay, (0, 3), [1.0], method, args=(p,)).y[0, -1])(np.nan)
    with pytest.raises(NotDifferentiableError, match="not finite at the start"):
        wg.grad(lambda y: solve_ivp(decay, (0, 3), np.stack([y]), method, args=(1.0,)).y[0, -1])(np.nan)


def test_nan_on_the_way():
    def f(t, y, p):
        return np.sqrt(1.0 - p * t) * y

    with np.errstate(invalid="ignore"), pytest.raises(NotDifferentiableError, match="stopped at t = 1"):
        wg.grad(lambda p: solve_ivp(f, (0, 3), [1.0], args=(p,)).y[0, -1])(1.0)


def test_exceptions_are_the_functions_own():
    def f(t, y, p):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        wg.grad(lambda p: solve_ivp(f, (0, 3), [1.0], args=(p,)).y[0, -1])(1.0)

    def later(t, y, p):
        if t > 1:
            raise KeyError("later")
        return -p * y

    with pytest.raises(KeyError, match="later"):
        wg.grad(lambda p: solve_ivp(later, (0, 3), [1.0], args=(p,)).y[0, -1])(1.0)


REFUSED = [
    (ArgumentError, "adjoint is 'other'", {"adjoint": "other"}),
    (ArgumentError, "discrete.*Radau", {"adjoint": "discrete", "method": "Radau"}),
    (ArgumentError, "not in order", {"t_eval": [1.0, 0.5]}),
    (ArgumentError, "outside of t_span", {"t_eval": [1.0, 3.5]}),
    (ArgumentError, "shape", {"t_eval": [[1.0]]}),
    (RefusedError, "complex", {"y0": [1.0 + 0.0j]}),
    (RefusedError, "method", {"method": scipy.integrate.RK45}),
    (ArgumentError, r"y0 has shape \(1, 1\)", {"y0": [[1.0]]}),
    (ArgumentError, r"returned shape \(3,\)", {"fun": lambda t, y, p: np.ones(3) * p, "y0": [1.0, 1.0]}),
    (ArgumentError, "complex numbers", {"fun": lambda t, y, p: 1j * p * y}),
]


@pytest.mark.parametrize(("error", "match", "changed"), REFUSED)
def test_what_is_refused(error, match, changed):
    arguments = {"fun": decay, "t_span": (0, 3), "y0": [1.0]} | changed
    with pytest.raises(error, match=match):
        wg.grad(lambda p: solve_ivp(**arguments, args=(p,)).y[0, -1])(1.0)


def test_arrays_of_objects_are_seen_to_be_traced():
    gradient = wg.grad(
        lambda p: solve_ivp(lambda t, y: np.array([y[1], -p * y[0]]), (0, 1), [1.0, 0.0], **TIGHT).y[0, -1]
    )
    assert abs(gradient(4.0) + np.sin(2.0) / 4.0) < 1e-8  # cos(sqrt(p) t)


def test_arguments_are_a_sequence():
    for args in (lambda p: [p], lambda p: np.stack([p])):
        gradient = wg.grad(
            lambda p, args=args: solve_ivp(decay, (0, 1), [1.0], args=args(p), **TIGHT).y[0, -1]
        )
        assert abs(gradient(1.0) + np.exp(-1.0)) < 1e-8
    with pytest.raises(ArgumentError, match="args is of type"):
        wg.grad(lambda p: solve_ivp(decay, (0, 1), [1.0], args=p).y[0, -1])(1.0)


def test_traced_options_are_refused():
    with pytest.raises(RefusedError, match="option that is traced"):
        wg.grad(lambda r: solve_ivp(decay, (0, 3), [1.0], args=(1.0,), rtol=r).y[0, -1])(1e-3)


def test_batches_need_times():
    with pytest.raises(ArgumentError, match="without t_eval in a graph or batch"):
        wg.vmap(lambda p: solve_ivp(decay, (0, 3), [1.0], args=(p,)).y[0, -1])(np.ones(3))
    compiled = wg.jit(wg.grad(lambda p: solve_ivp(decay, (0, 1), [1.0], args=(p,), **TIGHT).y[0, -1]))
    assert abs(compiled(1.0) + np.exp(-1.0)) < 1e-8  # runs as it is
