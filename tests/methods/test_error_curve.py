"""The error of differences against the step, beside the bounds of theory."""

import numpy as np
import pytest

from wengert.errors import ArgumentError
from wengert.methods.finite_difference import error_curve

ORDERS = {"forward": 1, "central": 2, "five_point": 4, "richardson": 6, "complex": 2}


@pytest.fixture(scope="module")
def curve():
    return error_curve(np.exp, 1.0, np.e, kinds=[*ORDERS])


@pytest.mark.parametrize(("kind", "order"), ORDERS.items())
def test_truncation_branch_has_the_slope_of_the_order(curve, kind, order):
    assert abs(curve.slopes(kind)[0] - order) < 0.1
    assert curve.theory[kind].order == order


@pytest.mark.parametrize("kind", ["forward", "central", "five_point", "richardson"])
def test_round_off_branch_has_slope_minus_one(curve, kind):
    assert abs(curve.slopes(kind)[1] + 1) < 0.25


def test_the_complex_step_has_no_round_off_branch(curve):
    assert np.isnan(curve.slopes("complex")[1])
    assert np.max(curve.errors["complex"][curve.steps < 1e-8]) <= 2 * np.finfo(float).eps * np.e


@pytest.mark.parametrize(
    ("kind", "power"),
    [("forward", 1 / 2), ("central", 1 / 3), ("five_point", 1 / 5), ("richardson", 1 / 7)],
)
def test_best_step_is_where_the_theory_puts_it(curve, kind, power):
    step, error = curve.best(kind)
    assert 1e-2 < step / np.finfo(float).eps ** power < 1e2
    assert error == np.min(curve.errors[kind])


@pytest.mark.parametrize("kind", ORDERS)
def test_the_prediction_is_near_what_is_found(curve, kind):
    step, error = curve.predicted(kind)
    assert kind == "complex" or 1e-2 < step / curve.best(kind)[0] < 1e2
    assert curve.best(kind)[1] <= error < 1e4 * max(curve.best(kind)[1], 1e-16)


@pytest.mark.parametrize("kind", ORDERS)
def test_errors_stay_below_the_bound_where_the_step_is_small(curve, kind):
    bound = curve.theory[kind](curve.steps)
    small = curve.steps <= 0.1
    # At h = 0.1 the next term of the series adds less than a tenth.
    assert np.all(curve.errors[kind][small] <= 1.1 * bound[small])


def test_the_bound_of_an_exponential_by_hand(curve):
    # |C f'''| = e/6 for central differences; eps (w |f| + |x| |f'|) with w = 1.
    bound = curve.theory["central"]
    assert np.isclose(bound.truncation, np.e / 6, rtol=1e-9)
    assert np.isclose(bound.round_off, 2 * np.e * np.finfo(float).eps, rtol=1e-9)
    assert np.isclose(bound.best, (bound.round_off / (2 * bound.truncation)) ** (1 / 3))


def test_the_derivative_is_found_for_functions_of_vectors():
    def fun(x):
        return np.stack([np.sin(x[0] * x[1]), x[1] ** 3, np.exp(-x[0])])

    x = np.array([1.0, 2.0])
    jacobian = np.array([[2 * np.cos(2.0), np.cos(2.0)], [0.0, 12.0], [-np.exp(-1.0), 0.0]])
    found, given = error_curve(fun, x), error_curve(fun, x, jacobian)
    for kind, order in ORDERS.items():
        assert np.allclose(found.errors[kind], given.errors[kind], rtol=1e-3, atol=1e-14)
        right, left = found.slopes(kind)
        assert np.isnan(right) or abs(right - order) < 0.1 * order
        assert np.isnan(left) if kind == "complex" else abs(left + 1) < 0.25


def test_no_truncation_where_the_formula_is_exact():
    curve = error_curve(lambda x: x**2, 2.0)
    assert curve.predicted("central")[0] == 1.0  # the larger the better
    assert curve.theory["central"].truncation < 1e-9
    assert np.isclose(curve.theory["forward"].truncation, 1)


def test_without_many_digits_slopes_alone_are_known():
    def fun(x):
        return np.linalg.slogdet(x * np.eye(2) + 1)[1]

    curve = error_curve(fun, 1.0, steps=np.logspace(0, -12, 9))
    assert np.isnan(curve.predicted("central")[0])
    assert curve.to_dict()["kinds"]["central"]["predicted_step"] is None
    assert "(2)" in str(curve)


def test_steps_that_leave_the_domain():
    curve = error_curve(np.log, 0.5)
    assert np.isnan(curve.errors["central"][0])
    assert abs(curve.slopes("central")[0] - 2) < 0.1
    assert curve.to_dict()["kinds"]["central"]["errors"][0] is None
    nowhere = error_curve(lambda x: np.sqrt(x - 1), 0.0, 1.0)
    assert np.isnan(nowhere.slopes("central")[0])
    assert "inf" in str(nowhere) or "nan" in str(nowhere)


def test_it_prints(curve):
    text = str(curve)
    assert max(map(len, text.splitlines())) <= 80
    assert "five_point" in text
    assert text.count("*") >= 5
    assert "slope, large h" in text
    assert curve._repr_html_().count("<tr>") >= (1 + 6) + (1 + 33)


def test_steps_of_your_own_for_an_array():
    curve = error_curve(
        np.sin, np.array([0.1, 0.2]), np.cos([0.1, 0.2]), kinds=["central"], steps=[1e-3, 1e-2]
    )
    assert curve.steps.tolist() == [1e-2, 1e-3]
    # h^2/6 |cos| at the larger step
    assert abs(curve.errors["central"][0] - 1e-4 / 6 * np.cos(0.1)) < 1e-9


def test_refusals():
    with pytest.raises(ArgumentError, match="no kind"):
        error_curve(np.sin, 1.0, 0.5, kinds=["simpson"])
    with pytest.raises(ArgumentError, match="steps"):
        error_curve(np.sin, 1.0, 0.5, steps=[0.0])
