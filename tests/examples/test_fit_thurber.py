"""The Thurber example: its data are NIST's, and its digits are as many as it says."""

import importlib.util
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import wengert as wg

PATH = Path(__file__).parents[2] / "examples" / "fit_thurber.py"


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("fit_thurber", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def fits(example):
    return example.run(Console(file=io.StringIO(), width=100))


def test_data_have_the_certified_residual_sum(example):
    problem = example.load()
    r = example.residual(problem.parameters, problem)
    assert problem.x.shape == (37,)
    # Certified to 11 digits; parameters rounded in the 11th change a minimum only to second order.
    assert abs(r @ r / problem.residual_sum - 1) < 1e-10


def test_jacobian_is_that_of_the_rational_function(example):
    problem = example.load()
    b, x = problem.starts[1], problem.x
    q = 1 + x * (b[4] + x * (b[5] + x * b[6]))
    y = example.model(b, x)
    exact = np.stack([1 / q, x / q, x**2 / q, x**3 / q, -y * x / q, -y * x**2 / q, -y * x**3 / q], axis=1)
    found = wg.jacobian(lambda b: example.residual(b, problem))(b)
    assert np.allclose(found, exact, rtol=1e-13, atol=0)


def test_ten_digits_from_both_starts(fits):
    exact = [f for f in fits if f.method == "Wengert"]
    assert {f.start for f in exact} == {1, 2}
    for f in exact:
        # The certified parameters are rounded to 11 digits: an error of up to 5e-11 relative, 10.3 digits.
        assert f.parameter_digits >= 10
        assert f.deviation_digits >= 10


def test_differences_have_fewer_digits_for_more_calls(fits):
    best = {f.start: f for f in fits if f.method == "Wengert"}
    for f in fits:
        if f.method != "Wengert":
            assert f.parameter_digits < best[f.start].parameter_digits - 1
            assert f.residual_calls > 2 * best[f.start].residual_calls


def test_it_ends_with_the_minimum(example, capsys):
    assert example.main() == 0
    last = capsys.readouterr().out.strip().splitlines()[-1]
    assert last.startswith("Minimum digits with Wengert's Jacobian: 10.")
