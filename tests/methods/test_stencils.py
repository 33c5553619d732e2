"""Difference formulas: order, constant, and steps."""

import mpmath
import numpy as np
import pytest

from wengert.methods.stencils import COMPLEX, FIVE_POINT, STENCILS, epsilon, power_of_two, scale


@pytest.mark.parametrize("kind", STENCILS)
def test_truncation_error_is_the_stated_term(kind):
    # In 60 digits there is no round-off: [D(h) - f'] / h^p must tend to C f^(p+1), with an error of relative size O(h).
    stencil = STENCILS[kind]
    with mpmath.workdps(60):
        x, h = mpmath.mpf("0.7"), mpmath.mpf(10) ** -8
        if stencil.imaginary:
            difference = mpmath.sin(x + 1j * h).imag / h
        else:
            # Exact, where doubles are not.
            weights = [mpmath.mpf(round(12 * w)) / 12 for w in stencil.weights]
            difference = (
                sum(w * mpmath.sin(x + c * h) for w, c in zip(weights, stencil.offsets, strict=True)) / h
            )
        found = (difference - mpmath.cos(x)) / h**stencil.order
        expected = stencil.constant * mpmath.diff(mpmath.sin, x, stencil.order + 1)
        assert abs(found - expected) < 1e-7


@pytest.mark.parametrize("kind", STENCILS)
def test_best_step_is_a_power_of_two_near_the_balance(kind):
    stencil = STENCILS[kind]
    step = stencil.best_step(2.0**-52)
    assert np.log2(step) == round(np.log2(step))
    exponent = 1.25 if stencil is COMPLEX else 1 / (stencil.order + 1)
    assert 2**-0.51 < step / 2.0 ** (-52 * exponent) < 2**0.51


def test_epsilon_is_that_of_the_least_precise():
    assert epsilon(np.float32(1), np.float64(1)) == np.finfo(np.float32).eps
    assert epsilon(1, np.arange(3)) == np.finfo(float).eps


def test_scale_is_the_shortest_move_by_the_size_of_an_entry():
    assert scale(np.array([8.0, 0.0, 100.0]), np.array([1.0, 0.0, 0.5])) == 8.0
    assert scale(np.array([8.0, 0.5]), np.array([1.0, 4.0])) == 0.25
    assert scale(np.zeros(0), np.zeros(0)) == 1.0
    assert scale(np.array(3.0), np.array(0.0)) == 1.0


def test_power_of_two():
    assert [power_of_two(x) for x in (1.0, 1.4, 1.5, 3.0, 0.3)] == [1.0, 1.0, 2.0, 4.0, 0.25]


def test_a_power_of_two_step_moves_the_point_exactly():
    x = np.array([0.1, 1.7, -123.456])
    for point, offset in zip(FIVE_POINT.points(x, np.ones(3), 2.0**-20), FIVE_POINT.offsets, strict=True):
        assert np.array_equal(point - x, np.full(3, offset * 2.0**-20))
