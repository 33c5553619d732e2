"""Arithmetic, powers, magnitudes, ordering and division at their hard points, in both modes."""

import warnings

import numpy as np
import pytest

import wengert as wg
from wengert.core.numpy_protocol import UFUNCS, find_ufunc

from .functions import check

NUMPY_UFUNCS = sorted({f for f in vars(np).values() if isinstance(f, np.ufunc)}, key=lambda f: f.__name__)


def slopes(fun, *xs):
    """The gradient at a point by both modes, which must agree bit for bit up to nan."""
    xs = [np.float64(x) for x in xs]
    reverse = wg.grad(fun, argnums=tuple(range(len(xs))))(*xs)
    forward = [
        wg.jvp(fun, tuple(xs), tuple(float(i == k) for k in range(len(xs))))[1] for i in range(len(xs))
    ]
    np.testing.assert_array_equal(forward, reverse)
    return [float(x_bar) for x_bar in reverse]


def nth(fun, n):
    """The n-th derivative of a function of one number."""
    for _ in range(n):
        fun = wg.grad(fun)
    return fun


@pytest.mark.parametrize("ufunc", NUMPY_UFUNCS, ids=lambda f: f.__name__)
def test_every_ufunc_of_numpy_is_registered(ufunc):
    prim = find_ufunc(ufunc)
    assert prim is not None
    assert prim.multiple == (ufunc.nout > 1)


@pytest.mark.parametrize("ufunc", [np.bitwise_and, np.left_shift, np.gcd, np.lcm])
def test_operations_on_integers_refuse_floats_as_numpy_does(ufunc):
    with pytest.raises(TypeError, match="ufunc"):
        wg.grad(lambda x: 1.0 * ufunc(x, 2))(3.0)


# Ties, kinks, the edge of the domain

POINTS = {
    "abs 0": (np.abs, [0.0], [0.0]),
    "fabs 0": (np.fabs, [0.0], [0.0]),
    "abs -2": (np.abs, [-2.0], [-1.0]),
    "sign": (lambda x: np.sign(x) * x, [-3.0], [-1.0]),
    "maximum tie": (np.maximum, [2.0, 2.0], [0.5, 0.5]),
    "minimum tie": (np.minimum, [2.0, 2.0], [0.5, 0.5]),
    "maximum infinite tie": (np.maximum, [-np.inf, -np.inf], [0.5, 0.5]),
    "maximum": (np.maximum, [1.0, 2.0], [0.0, 1.0]),
    "fmax tie": (np.fmax, [2.0, 2.0], [0.5, 0.5]),
    "fmax nan": (np.fmax, [np.nan, 2.0], [0.0, 1.0]),
    "fmin nan": (np.fmin, [2.0, np.nan], [1.0, 0.0]),
    "heaviside 0": (np.heaviside, [0.0, 0.5], [0.0, 1.0]),
    "sqrt 0": (np.sqrt, [0.0], [np.inf]),
    "cbrt 0": (np.cbrt, [0.0], [np.inf]),
    "cbrt -8": (np.cbrt, [-8.0], [1.0 / 12.0]),
    "hypot 0": (np.hypot, [0.0, 0.0], [0.0, 0.0]),
    "hypot axis": (np.hypot, [0.0, -2.0], [0.0, -1.0]),
    "hypot huge": (np.hypot, [3e300, 4e300], [0.6, 0.8]),
    "power nan": (np.power, [np.nan, 2.0], [np.nan, np.nan]),
    "power 0 0": (np.power, [0.0, 0.0], [0.0, 0.0]),
    "power 0 1": (np.power, [0.0, 1.0], [1.0, 0.0]),
    "power 0 2": (np.power, [0.0, 2.0], [0.0, 0.0]),
    "power 0 1/2": (np.power, [0.0, 0.5], [np.inf, 0.0]),
    "power -2 3": (np.power, [-2.0, 3.0], [12.0, 0.0]),
    "power -2 -1": (np.power, [-2.0, -1.0], [-0.25, 0.0]),
    "float_power -2 2": (np.float_power, [-2.0, 2.0], [-4.0, 0.0]),
    "x ** 0": (lambda x: x**0, [0.0], [0.0]),
    "x ** 1": (lambda x: x**1, [0.0], [1.0]),
    "copysign -": (np.copysign, [3.0, -1.0], [-1.0, 0.0]),
    "copysign +": (np.copysign, [-3.0, 1.0], [-1.0, 0.0]),
    "copysign 0": (np.copysign, [0.0, -1.0], [0.0, 0.0]),
    "remainder": (np.remainder, [-7.0, 3.0], [1.0, 3.0]),
    "remainder negative": (np.remainder, [7.0, -3.0], [1.0, 3.0]),
    "fmod": (np.fmod, [-7.0, 3.0], [1.0, 2.0]),
    "fmod infinite": (np.fmod, [5.0, np.inf], [1.0, 0.0]),
    "floor_divide": (lambda x, y: x * (x // y), [7.0, 2.0], [3.0, 0.0]),
    "divmod": (lambda x, y: divmod(x, y)[1], [7.0, 2.0], [1.0, -3.0]),
    "modf": (lambda x: np.modf(x)[0] + x * np.modf(x)[1], [2.25], [3.0]),
    "frexp": (lambda x: np.frexp(x)[0], [12.0], [1.0 / 16.0]),
    "ldexp": (lambda x: np.ldexp(x, 3), [1.5], [8.0]),
    "nextafter": (np.nextafter, [1.5, 2.0], [1.0, 0.0]),
    "spacing": (lambda x: x + np.spacing(x), [1.5], [1.0]),
    "nan_to_num": (lambda x: np.nan_to_num(x), [3.0], [1.0]),
    "nan_to_num nan": (lambda x: np.nan_to_num(x, nan=1.0), [np.nan], [0.0]),
    "nan_to_num inf": (lambda x: np.nan_to_num(x), [-np.inf], [0.0]),
    "masked sqrt": (lambda x: np.where(x > 0, np.sqrt(x), 0.0), [0.0], [0.0]),
    "masked quotient": (lambda x: np.where(x != 0, 1.0 / np.where(x != 0, x, 1.0), 0.0), [0.0], [0.0]),
    "Python quotient": (lambda x: 1.0 / x, [2.0], [-0.25]),
    "Python power": (lambda x: 2.0**x, [3.0], [8.0 * np.log(2.0)]),
}


@pytest.mark.parametrize("name", POINTS)
def test_gradient_at_a_hard_point(name):
    fun, xs, expected = POINTS[name]
    np.testing.assert_allclose(slopes(fun, *xs), expected, rtol=4e-16, atol=0)


@pytest.mark.parametrize("n", range(7))
def test_whole_powers_have_all_derivatives_at_zero(n):
    """d^k x^n / dx^k at 0 is n! for k = n and 0 otherwise."""
    for k in range(1, 6):
        expected = float(np.prod(np.arange(1, n + 1))) if k == n else 0.0
        assert nth(lambda x: x**n, k)(0.0) == expected
        assert nth(lambda x: np.power(x, np.float64(n)), k)(0.0) == expected


def test_infinite_slope_times_zero_is_zero_in_reverse():
    """x sqrt(x) has slope 0 at 0: the cotangent that reaches sqrt is 0."""
    assert wg.grad(lambda x: x * x**0.5)(0.0) == 0.0


def test_powers_of_zero_in_one_array():
    """The sum of x^0, x^1, x^2 has slope 1 at 0."""
    assert wg.grad(lambda x: np.sum(x ** np.arange(3.0)))(0.0) == 1.0


def test_mixed_partial_of_power_at_exponent_zero():
    """d^2 (x^n) / dx dn = 1/x at n = 0."""
    mixed = wg.grad(wg.grad(np.power, argnums=0), argnums=1)
    assert mixed(4.0, 0.0) == 0.25
    assert wg.grad(wg.grad(np.power, argnums=1), argnums=0)(4.0, 0.0) == 0.25


def test_second_derivatives_at_kinks_are_zero():
    assert nth(np.abs, 2)(0.0) == 0.0
    np.testing.assert_array_equal(wg.hessian(lambda v: np.hypot(v[0], v[1]))(np.zeros(2)), np.zeros((2, 2)))


def test_derivatives_do_not_warn_where_the_value_does_not():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for fun in (
            np.sqrt,
            np.cbrt,
            lambda x: x**0.5,
            lambda x: np.hypot(x, 0.0),
            lambda x: np.maximum(x, np.inf),
        ):
            slopes(fun, 0.0)


# Complex numbers: x_bar pairs with x_dot as Re(sum(x_bar x_dot))

COMPLEX = {
    "absolute": (np.absolute, 0.6 - 0.8j),  # of 3 + 4i: conj(u)
    "real": (np.real, 1.0),
    "imag": (np.imag, -1.0j),
    "conjugate": (lambda z: np.real(np.conjugate(z)), 1.0),
    "angle": (np.angle, (-4.0 - 3.0j) / 25.0),  # (-y, x) / |z|^2 pairs as -y - i x
    "angle degrees": (lambda z: np.angle(z, deg=True), (-4.0 - 3.0j) / 25.0 * 180.0 / np.pi),
    "sign": (lambda z: np.real(np.sign(z)), 0.8 * (0.16 + 0.12j)),  # Re(i u s / r), s = Im(conj(u) x_dot)
    "square modulus": (lambda z: np.real(z * np.conjugate(z)), 6.0 - 8.0j),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_gradient_of_a_complex_operand(name):
    fun, expected = COMPLEX[name]
    np.testing.assert_allclose(wg.grad(fun)(3.0 + 4.0j), expected, rtol=4e-15)


@pytest.mark.parametrize("fun", [np.absolute, lambda z: np.real(np.sign(z)), np.angle])
def test_complex_zero_has_gradient_zero(fun):
    assert wg.grad(fun)(0j) == 0


def test_real_numbers_have_no_imaginary_part():
    x = np.array([1.0, -2.0])
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(np.real(x) + np.imag(x) * x))(x), np.ones(2))
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x * np.angle(x)))(x), [0.0, np.pi])


def test_real_if_close_follows_its_branch():
    assert wg.grad(lambda x: np.real_if_close(x * (1.0 + 1e-16j)) ** 2)(3.0) == pytest.approx(6.0, rel=1e-15)
    assert np.iscomplexobj(wg.vjp(lambda z: np.real_if_close(z), 1.0 + 1.0j)[0])


def test_classification_sees_plain_values():
    def fun(x):
        assert not np.iscomplexobj(x)
        assert np.isrealobj(x)
        assert not np.any(np.isposinf(x) | np.isneginf(x) | np.isnan(x) | np.iscomplex(x))
        assert np.all(np.isreal(x) & np.isfinite(x))
        return np.sum(x * np.round(x) * np.fix(x))

    np.testing.assert_array_equal(wg.grad(fun)(np.array([1.6, 2.2])), [2.0, 4.0])


# Composites

UNWRAPPED = {
    "rise": (np.array([0.0, 2.0, 4.5, 7.0, 9.9]) % 6.0, {}),
    "edges": (np.array([0.0, np.pi, 0.0, -np.pi, 2.0]), {}),
    "matrix": (np.arange(12.0).reshape(3, 4) ** 2 % 5.0, {"axis": 0, "period": 5.0}),
    "discont": (np.array([0.0, 3.5, 7.5, 1.0]), {"discont": 5.0}),
    "one": (np.array([4.0]), {}),
    "none": (np.zeros((0, 2)), {}),
}


@pytest.mark.parametrize("name", UNWRAPPED)
def test_unwrap_is_numpys_with_slope_one(name):
    p, kwargs = UNWRAPPED[name]
    value, pull = wg.vjp(lambda p: np.unwrap(p, **kwargs), p)
    np.testing.assert_allclose(value, np.unwrap(p, **kwargs), rtol=1e-15, atol=1e-15)
    np.testing.assert_array_equal(pull(np.ones_like(p))[0], np.ones_like(p))


def test_nan_to_num_is_numpys():
    x = np.array([1.0, np.nan, np.inf, -np.inf])
    for kwargs in ({}, {"nan": 2.0}, {"posinf": 5.0, "neginf": -6.0}):
        for z in (
            x,
            x.astype(np.float32),
            np.array([complex(a, b) for a, b in zip(x, x[::-1], strict=True)]),
        ):
            value, _ = wg.jvp(lambda z, kwargs=kwargs: np.nan_to_num(z, **kwargs), (z,), (np.ones_like(z),))
            np.testing.assert_array_equal(value, np.nan_to_num(z, **kwargs))
            assert value.dtype == z.dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_precision_stays_single(dtype):
    x = np.array([0.5, 1.5], dtype)
    for fun in (lambda x: x**2, lambda x: x**2.5, lambda x: 2.0**x, lambda x: np.maximum(x, 1.0), np.hypot):
        args = (x, x) if fun is np.hypot else (x,)
        y, y_dot = wg.jvp(fun, args, args)
        assert y.dtype == y_dot.dtype == dtype
        assert wg.grad(lambda *xs, fun=fun: np.sum(fun(*xs)))(*args).dtype == dtype


def test_every_mode_agrees_on_a_composite():
    check(lambda x: np.sum(np.unwrap(3.0 * x) * np.abs(x) ** 1.5), (4,))


def test_registered_primitives_are_shared_by_aliases():
    assert UFUNCS[np.abs] is UFUNCS[np.absolute]
    assert UFUNCS[np.true_divide] is UFUNCS[np.divide]
