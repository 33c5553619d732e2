"""The error of differences against the step."""

import numpy as np
import pytest

from wengert.errors import ArgumentError
from wengert.methods.finite_difference import error_curve


@pytest.fixture(scope="module")
def curve():
    return error_curve(np.exp, 1.0, np.e, kinds=["forward", "central", "five_point", "complex"])


@pytest.mark.parametrize(
    ("kind", "order"), [("forward", 1), ("central", 2), ("five_point", 4), ("complex", 2)]
)
def test_truncation_branch_has_the_slope_of_the_order(curve, kind, order):
    assert abs(curve.slopes(kind)[0] - order) < 0.1


@pytest.mark.parametrize("kind", ["forward", "central", "five_point"])
def test_round_off_branch_has_slope_minus_one(curve, kind):
    assert abs(curve.slopes(kind)[1] + 1) < 0.25


def test_the_complex_step_has_no_round_off_branch(curve):
    assert np.isnan(curve.slopes("complex")[1])
    assert np.max(curve.errors["complex"][curve.steps < 1e-8]) <= 2 * np.finfo(float).eps * np.e


@pytest.mark.parametrize(("kind", "power"), [("forward", 1 / 2), ("central", 1 / 3), ("five_point", 1 / 5)])
def test_best_step_is_where_the_theory_puts_it(curve, kind, power):
    step, error = curve.best(kind)
    assert 1e-2 < step / np.finfo(float).eps ** power < 1e2
    assert error == np.min(curve.errors[kind])


def test_it_prints(curve):
    text = str(curve)
    assert max(map(len, text.splitlines())) <= 80
    assert "five_point" in text
    assert "*" in text
    assert text.count("\n") > 33
    assert curve._repr_html_().count("<tr>") == 1 + 33 + 3


def test_steps_of_your_own_for_an_array():
    curve = error_curve(
        np.sin, np.array([0.1, 0.2]), np.cos([0.1, 0.2]), kinds=["central"], steps=[1e-3, 1e-2]
    )
    assert curve.steps.tolist() == [1e-2, 1e-3]
    # h^2/6 |cos| at the larger step
    assert abs(curve.errors["central"][0] - 1e-4 / 6 * np.cos(0.1)) < 1e-9


def test_refusals():
    with pytest.raises(ArgumentError, match="no kind"):
        error_curve(np.sin, 1.0, 0.5, kinds=["richardson"])
    with pytest.raises(ArgumentError, match="steps"):
        error_curve(np.sin, 1.0, 0.5, steps=[0.0])
