"""The derivative that others are held against: how it is found, and that it is right."""

import numpy as np
import pytest

from wengert.errors import ArgumentError
from wengert.methods.reference import reference


def test_many_digits_see_errors_below_rounding():
    found = reference(lambda x: np.sum(np.sin(x)), [np.array([1.0, 2.0])])
    assert found.method == "50 digits"
    assert 0 < found.error(np.cos([[1.0, 2.0]])) < 2e-16
    assert 0 < found.value_error < 2e-16


def test_an_error_is_seen():
    found = reference(lambda x: np.sum(np.sin(x)), [np.array([1.0, 2.0])])
    wrong = np.cos([[1.0, 2.0]]) + np.array([[0.0, 1e-9]])
    assert np.isclose(found.error(wrong), 1e-9 / np.cos(1.0), rtol=1e-5)
    assert np.isnan(found.error(wrong * np.nan))


@pytest.mark.parametrize(
    ("fun", "method"),
    [
        (lambda x: np.sum(np.fft.fft(x).real ** 2), "five-point|richardson"),
        (lambda x: np.linalg.slogdet(np.outer(x, x) + np.diag(x))[1], "richardson"),
    ],
)
def test_without_values_in_many_digits(fun, method):
    found = reference(fun, [np.array([1.0, 2.0, 4.0])])
    assert found.method in method.split("|")
    assert "has no value in many digits" in found.reason
    assert 0 < found.estimate < 1e-8


def test_a_branch_on_values_goes_its_way():
    found = reference(lambda x: x * x if x > 1 else x, [3.0])
    assert (found.method, float(found.values[0][0])) == ("50 digits", 6.0)


def test_columns_are_chosen_where_all_would_take_long():
    found = reference(lambda x: np.sum(x**3), [np.arange(3000.0)], seconds=0.2)
    assert 4 <= len(found.columns) < 3000
    assert found.error(3 * np.arange(3000.0)[None] ** 2) < 1e-15


def test_kinks_do_not_count():
    found = reference(lambda x: np.sum(np.abs(x)), [np.array([0.0, 2.0])])
    assert found.kinks == (0,)
    assert found.error(np.array([[123.0, 1.0]])) < 1e-40


def test_nothing_to_differentiate_by():
    with pytest.raises(ArgumentError, match="nothing to differentiate"):
        reference(np.sum, [np.zeros(0)])
