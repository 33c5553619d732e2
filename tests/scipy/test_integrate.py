"""wengert.scipy.integrate: SciPy's values; derivatives in samples, limits and parameters; what is refused."""

import numpy as np
import pytest
import scipy.integrate

import wengert as wg
from wengert.errors import ArgumentError, RefusedError
from wengert.scipy import integrate

RULES = ["trapezoid", "simpson", "cumulative_trapezoid"]


def traced(fun, *args):
    """The value of a function while it is traced: on plain arguments the mirrors are SciPy itself."""
    return wg.vjp(fun, *args)[0]


@pytest.mark.parametrize("n", range(1, 9))
@pytest.mark.parametrize("rule", RULES)
def test_integrals_of_samples(rng, rule, n):
    ours, theirs = getattr(integrate, rule), getattr(scipy.integrate, rule)
    for shape, axis in (((n,), -1), ((2, n), -1), ((n, 3), 0)):
        y, each = rng.normal(size=shape), np.cumsum(rng.uniform(0.3, 1.0, shape), axis=axis)
        for x in (
            (None, each) if len(shape) == 2 and axis == 0 else (None, each, each[..., :].reshape(-1, n)[0])
        ):
            expected = theirs(y, x, dx=0.3, axis=axis)
            found = traced(lambda y, x=x, axis=axis: ours(y, x, dx=0.3, axis=axis), y)
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
    if n > 1:
        y, x = rng.normal(size=n), np.cumsum(rng.uniform(0.3, 1.0, n))
        wg.check_grads(lambda y, x: ours(y, x), (y, x))
        wg.check_grads(lambda y, dx: ours(y, dx=dx), (y, np.float64(0.4)))


def test_cumulative_trapezoid_with_its_start(rng):
    y = rng.normal(size=(3, 4))
    found = traced(lambda y: integrate.cumulative_trapezoid(y, axis=0, initial=0), y)
    np.testing.assert_allclose(found, scipy.integrate.cumulative_trapezoid(y, axis=0, initial=0), rtol=1e-15)
    with pytest.raises(ValueError, match="initial"):
        traced(lambda y: integrate.cumulative_trapezoid(y, initial=1), y)


@pytest.mark.parametrize("k", [0, 1, 3])
def test_romb(rng, k):
    y = rng.normal(size=(2**k + 1, 2))
    found = traced(lambda y: integrate.romb(y, 0.2, 0), y)
    np.testing.assert_allclose(found, scipy.integrate.romb(y, 0.2, 0), rtol=1e-13)
    wg.check_grads(lambda y, dx: integrate.romb(y, dx, 0), (y, np.float64(0.2)))
    with pytest.raises(ValueError, match="power of 2"):
        traced(integrate.romb, np.ones(4))


# quad


def wave(t, p, q):
    return np.exp(-p["a"] * t) * np.sin(q[0] * t) + q[1]


def integral(a, b, p, q):
    return integrate.quad(wave, a, b, args=(p, q))[0]


POINT = (np.float64(0.3), np.float64(1.7), {"a": np.float64(0.7)}, np.array([1.3, 0.2]))


def test_quad_is_scipys():
    assert integrate.quad(wave, 0.3, 1.7, POINT[2:]) == scipy.integrate.quad(wave, 0.3, 1.7, POINT[2:])


def test_quad_is_differentiable_in_limits_and_parameters():
    wg.check_grads(integral, POINT, order=2)
    wg.check_grads(integral, POINT, order=3, modes=("forward",))


@pytest.mark.parametrize("order", [1, 2, 3])
def test_infinite_limits(order):
    f = lambda p: integrate.quad(lambda t, p: np.exp(-p * t), 0.0, np.inf, args=(p,))[0]
    exact = {1: -1 / 4, 2: 2 / 8, 3: -6 / 16}[order]
    for _ in range(order):
        f = wg.grad(f)
    assert f(2.0) == pytest.approx(exact, rel=1e-9)
    assert wg.grad(lambda b: integrate.quad(lambda t: np.exp(-t), 0.0, b)[0])(np.inf) == 0.0


def test_a_singular_integrand():
    f = lambda p: integrate.quad(lambda t, p: t**p, 0.0, 1.0, args=(p,))[0]
    assert wg.grad(f)(-0.5) == pytest.approx(-4.0, rel=1e-9)  # 1/(p + 1)


def test_quad_in_batches():
    f = lambda p, b: integrate.quad(lambda t, p: np.exp(-p * t), 0.0, b, args=(p,))[0]
    p, b = np.array([1.0, 2.0]), np.array([0.5, 3.0])
    np.testing.assert_allclose(wg.vmap(f)(p, b), (1.0 - np.exp(-p * b)) / p, rtol=1e-12)
    np.testing.assert_allclose(wg.vmap(wg.grad(f, 1))(p, b), np.exp(-p * b), rtol=1e-12)


def test_a_closure_over_a_traced_value_raises():
    with pytest.raises(ArgumentError, match="not among its arguments") as caught:
        wg.grad(lambda p: integrate.quad(lambda t: np.exp(-p * t), 0.0, 1.0)[0])(2.0)
    assert "test_integrate.py" in str(caught.value)


def test_other_options_are_refused_on_traced_values_only():
    arguments = (lambda t, p: np.exp(-p * t), 0.0, 1.0)
    plain = integrate.quad(*arguments, args=(2.0,), weight="cos", wvar=1.0)
    assert plain == scipy.integrate.quad(*arguments, args=(2.0,), weight="cos", wvar=1.0)
    with pytest.raises(RefusedError, match="weight"):
        wg.grad(lambda p: integrate.quad(*arguments, args=(p,), weight="cos", wvar=1.0)[0])(2.0)


def test_an_integrand_gives_one_number():
    with pytest.raises(ArgumentError, match="shape"):
        integrate.quad(lambda t: np.ones(2), 0.0, 1.0)


def test_dblquad():
    f = lambda p, b: integrate.dblquad(
        lambda y, x, p: np.exp(-p * x * y * y), 0.0, b, 0.0, lambda x: x, args=(p,)
    )[0]
    expected = scipy.integrate.dblquad(lambda y, x: np.exp(-2.0 * x * y * y), 0.0, 1.1, 0.0, lambda x: x)[0]
    assert f(2.0, 1.1) == pytest.approx(expected, rel=1e-14)
    wg.check_grads(f, (np.float64(2.0), np.float64(1.1)), order=1)


def test_fixed_quad():
    f = lambda t, p: np.exp(-p * t)
    ours = lambda a, b, p: integrate.fixed_quad(f, a, b, (p,), n=7)[0]
    assert ours(0.1, 1.1, 2.0) == pytest.approx(
        scipy.integrate.fixed_quad(f, 0.1, 1.1, (2.0,), 7)[0], rel=1e-14
    )
    wg.check_grads(ours, (np.float64(0.1), np.float64(1.1), np.float64(2.0)))
    with pytest.raises(ValueError, match="finite"):
        ours(0.0, np.inf, 2.0)


def test_what_has_no_rule_is_refused():
    with pytest.raises(RefusedError, match="cumulative_simpson"):
        wg.grad(lambda y: integrate.cumulative_simpson(y).sum())(np.ones(5))
    assert integrate.solve_ivp(lambda t, y: -y, (0.0, 1.0), [1.0]).success
