"""Compiled functions inside transformations, and transformations compiled, are equal to the eager ones."""

import numpy as np
import pytest

import wengert as wg
from wengert.jit import jit

from .agreement import assert_close, outcome


def program(x):
    """Branches on a value, fills an array, and reads views."""
    y = np.sin(x) * x
    if np.sum(y) > 0:
        y = y * 2
    z = np.zeros_like(x)
    z[0] = y[1]
    z[1:] = y[:-1] * np.exp(-x[1:])
    return np.sum(z * z)


def vector(x):
    return x * program(x) + np.cumsum(x[::-1])


def smooth(x):
    return np.sum(np.sin(x) ** 2 * x[0]) + np.prod(x) + np.where(x > 0, np.sqrt(np.abs(x)), 0.0)[1]


def scalar(x):
    return x**3 * np.sin(x) if x > 0 else np.cos(x) * x


POINTS = [
    np.array([0.3, -1.1, 0.7, 1.9]),
    np.array([-0.3, -1.1, -0.7, -1.9]),
    np.array([0.5, 0.25, 2.0, 0.125]),
]
V = np.array([1.0, -0.5, 0.25, 2.0])
VECTORS = {
    "grad(jit)": lambda f, j: (wg.grad(f), wg.grad(j)),
    "jit(grad)": lambda f, j: (wg.grad(f), jit(wg.grad(f))),
    "jit(grad(jit))": lambda f, j: (wg.grad(f), jit(wg.grad(j))),
    "jit(value_and_grad)": lambda f, j: (wg.value_and_grad(f), jit(wg.value_and_grad(f))),
    "value_and_grad(jit)": lambda f, j: (wg.value_and_grad(f), wg.value_and_grad(j)),
    "grad(grad(jit))": lambda f, j: (
        wg.grad(lambda x: np.sum(np.sin(wg.grad(f)(x)))),
        wg.grad(lambda x: np.sum(np.sin(wg.grad(j)(x)))),
    ),
    "hessian(jit)": lambda f, j: (wg.hessian(f), wg.hessian(j)),
    "jit(hessian)": lambda f, j: (wg.hessian(f), jit(wg.hessian(f))),
    "jvp": lambda f, j: (lambda x: wg.jvp(f, (x,), (V,)), lambda x: wg.jvp(j, (x,), (V,))),
    "jit(jvp)": lambda f, j: (lambda x: wg.jvp(f, (x,), (V,)), jit(lambda x: wg.jvp(f, (x,), (V,)))),
    "vjp": lambda f, j: (lambda x: wg.vjp(f, x)[1](np.float64(2)), lambda x: wg.vjp(j, x)[1](np.float64(2))),
    "linearize": lambda f, j: (lambda x: wg.linearize(f, x)[1](V), lambda x: wg.linearize(j, x)[1](V)),
    "jacfwd": lambda f, j: (wg.jacfwd(vector), wg.jacfwd(jit(vector))),
    "jacrev": lambda f, j: (wg.jacrev(vector), wg.jacrev(jit(vector))),
    "jit(jacfwd)": lambda f, j: (wg.jacfwd(vector), jit(wg.jacfwd(vector))),
    "jit(jacrev)": lambda f, j: (wg.jacrev(vector), jit(wg.jacrev(vector))),
    "jacfwd(jacrev(jit))": lambda f, j: (wg.jacfwd(wg.jacrev(f)), wg.jacfwd(wg.jacrev(j))),
    "laplacian(jit)": lambda f, j: (wg.laplacian(f), wg.laplacian(j)),
    "jit(laplacian)": lambda f, j: (wg.laplacian(f), jit(wg.laplacian(f))),
    "jit(grad(laplacian(jit)))": lambda f, j: (wg.grad(wg.laplacian(f)), jit(wg.grad(wg.laplacian(j)))),
    "taylor(jit)": lambda f, j: (
        lambda x: wg.taylor(f, (x,), ([V, V],)),
        lambda x: wg.taylor(j, (x,), ([V, V],)),
    ),
    "jit(taylor)": lambda f, j: (
        lambda x: wg.taylor(f, (x,), ([V, V],)),
        jit(lambda x: wg.taylor(f, (x,), ([V, V],))),
    ),
    "jit in jit in grad": lambda f, j: (
        wg.grad(lambda x: f(x) * f(2 * x)),
        wg.grad(jit(lambda x: j(x) * j(2 * x))),
    ),
}


@pytest.mark.parametrize("fun", [program, smooth])
@pytest.mark.parametrize("name", VECTORS)
def test_transformed(name, fun):
    eager, staged = VECTORS[name](fun, jit(fun))
    for x in (*POINTS, POINTS[0]):
        for _ in range(2):
            assert_close(outcome(staged, x), outcome(eager, x))


@pytest.mark.parametrize("x", [1.3, -0.7, np.float32(0.5), np.float64(-2)])
def test_scalars(x):
    compiled = jit(scalar)
    for eager, staged in (
        (wg.grad(scalar), wg.grad(compiled)),
        (wg.grad(scalar), jit(wg.grad(scalar))),
        (wg.grad(wg.grad(wg.grad(scalar))), wg.grad(wg.grad(wg.grad(compiled)))),
        (wg.grad(wg.grad(scalar)), jit(wg.grad(wg.grad(scalar)))),
    ):
        assert_close(outcome(staged, x), outcome(eager, x))


X = np.stack(POINTS)
BATCHES = {
    "vmap(jit)": lambda f, j: (wg.vmap(f), wg.vmap(j)),
    "jit(vmap)": lambda f, j: (wg.vmap(f), jit(wg.vmap(f))),
    "jit(vmap(grad))": lambda f, j: (wg.vmap(wg.grad(f)), jit(wg.vmap(wg.grad(f)))),
    "vmap(jit(grad))": lambda f, j: (wg.vmap(wg.grad(f)), wg.vmap(jit(wg.grad(f)))),
    "vmap(grad(jit))": lambda f, j: (wg.vmap(wg.grad(f)), wg.vmap(wg.grad(j))),
    "grad(vmap(jit))": lambda f, j: (
        wg.grad(lambda x: np.sum(wg.vmap(f)(x) ** 2)),
        wg.grad(lambda x: np.sum(wg.vmap(j)(x) ** 2)),
    ),
}


@pytest.mark.parametrize("name", BATCHES)
def test_batches(name):
    eager, staged = BATCHES[name](smooth, jit(smooth))
    for _ in range(2):
        assert_close(outcome(staged, X), outcome(eager, X))


def test_a_branch_under_vmap_is_refused_as_without():
    assert outcome(wg.vmap(jit(scalar)), X[0]) == outcome(wg.vmap(scalar), X[0]) == wg.errors.NotConcreteError


def test_an_unbatched_count_under_vmap():
    def power(x, n):
        return x ** int(n)

    for n in (2, 3):
        got = wg.vmap(jit(power), in_axes=(0, None))(X[0], n)
        np.testing.assert_array_equal(got, wg.vmap(power, in_axes=(0, None))(X[0], n))


@pytest.mark.parametrize("ask", [float, int, round, complex])
def test_a_derivative_is_never_dropped(ask):
    def fun(x):
        return x * abs(ask(x))

    compiled = jit(fun)
    assert compiled(2.5) == fun(2.5)
    for f in (wg.grad(compiled), jit(wg.grad(fun)), wg.grad(jit(compiled))):
        with pytest.raises(wg.errors.NotConcreteError):
            f(2.5)
    assert wg.grad(jit(lambda x: x * float(wg.stop_gradient(x))))(2.5) == 2.5


def test_a_number_that_no_derivative_is_asked_of():
    compiled = jit(lambda x, n: x ** int(n))
    assert wg.grad(compiled)(3.0, 2) == 6.0
    assert wg.grad(compiled)(3.0, 3) == 27.0
    assert wg.grad(compiled)(3.0, 2.5) == 6.0


def test_caught_errors_under_derivatives():
    def fun(x):
        try:
            return np.sum(np.linalg.cholesky(x))
        except np.linalg.LinAlgError:
            return np.sum(x * x)

    compiled = jit(fun)
    for x in (np.eye(2), -np.eye(2), 2 * np.eye(2)):
        for _ in range(2):
            assert_close(outcome(wg.grad(compiled), x), outcome(wg.grad(fun), x))
            assert_close(outcome(jit(wg.grad(fun)), x), outcome(wg.grad(fun), x))


def _paused(x):
    with wg.no_grad():
        y = x * x
    return x * y + wg.stop_gradient(x) * x


def test_no_grad_and_stop_gradient_inside():
    for x in (1.5, -2.0):
        assert_close(outcome(wg.grad(jit(_paused)), x), outcome(wg.grad(_paused), x))
        assert_close(outcome(jit(wg.grad(_paused)), x), outcome(wg.grad(_paused), x))
        assert_close(outcome(wg.grad(wg.grad(jit(_paused))), x), outcome(wg.grad(wg.grad(_paused)), x))


@wg.custom_derivative
def wave(x):
    return np.sin(x)


wave.defjvp(lambda xs, dots: (wave(xs[0]), 2.0 * np.cos(xs[0]) * dots[0]))


@wg.custom_derivative
def rounded(x):
    return np.round(x)


rounded.defvjp(lambda x: (rounded(x), x), lambda x, y_bar: (y_bar * x,))


@pytest.mark.parametrize("own", [wave, rounded])
def test_derivatives_of_the_users_own(own):
    def fun(x):
        return np.sum(own(x) * x)

    for x in POINTS:
        for f in (wg.grad(jit(fun)), jit(wg.grad(fun)), jit(wg.grad(jit(fun)))):
            assert_close(outcome(f, x), outcome(wg.grad(fun), x))


def test_no_grad_around():
    square = jit(lambda x: x * x)

    def fun(f):
        def paused(x):
            with wg.no_grad():
                y = f(x)
            return x * y

        return paused

    assert wg.grad(fun(square))(3.0) == wg.grad(fun(lambda x: x * x))(3.0) == 9.0


def test_a_closure_over_a_traced_value():
    def outer(make):
        return lambda a: make(lambda x: x * a + a)(a * 2)

    for a in (2.0, 3.0):
        assert_close(outcome(wg.grad(outer(jit)), a), outcome(wg.grad(outer(lambda f: f)), a))


def test_variables():
    w = wg.Variable(np.array([1.0, 2.0, 3.0, 4.0]))
    smooth_compiled = jit(smooth)
    smooth_compiled(w).backward()
    np.testing.assert_allclose(w.grad, wg.grad(smooth)(np.array([1.0, 2.0, 3.0, 4.0])), rtol=1e-15)


def test_debug_nans_around():
    compiled = jit(lambda x: np.sqrt(x) * 2)
    assert compiled(4.0) == 4.0
    with wg.debug_nans():
        assert compiled(4.0) == 4.0
        with pytest.raises(wg.errors.NonFiniteError, match="derivative of sqrt"):
            wg.grad(compiled)(0.0)


def test_an_array_of_a_traced_number_keeps_its_derivative():
    def fun(x):
        return np.sum(x * np.asarray(x))

    assert wg.grad(jit(fun))(2.5) == 5.0
    with pytest.raises(wg.errors.NotDifferentiableError):  # as without jit
        jit(wg.grad(fun))(2.5)


def test_the_trace_is_reused():
    calls = []

    def fun(x):
        calls.append(1)
        return np.sum(np.sin(x) ** 2)

    compiled = jit(fun)
    wg.jit(lambda x: x)  # nothing to do with it
    y, linear = wg.linearize(compiled, POINTS[0])
    n = len(calls)
    for x in POINTS:
        wg.vjp(compiled, x)[1](np.float64(1))
        wg.grad(compiled)(x)
        linear(V)
    assert len(calls) <= n + 8  # the list is watched: what grows with every staging is staged again
    plain = jit(smooth)
    wg.linearize(plain, POINTS[0])
    wg.vjp(plain, POINTS[0])
    wg.grad(plain)(POINTS[0])
    assert plain.cache_info().misses == 1
    assert y.shape == ()
