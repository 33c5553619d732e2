"""Signs change behind products, bit by bit as before."""

import itertools

import numpy as np
import pytest

import wengert as wg

NUMBERS = np.array([0.0, -0.0, 1.5, -2.5, 1e-320, -1e308, np.inf, -np.inf, np.nan])
PAIRS = np.array(list(itertools.product(NUMBERS, NUMBERS))).T

SIGNED = {
    "mul": lambda a, b: -a * b,
    "mul both": lambda a, b: -a * -b,
    "div": lambda a, b: a / -b,
    "add": lambda a, b: a + -b,
    "add to": lambda a, b: -a + b,
    "add both": lambda a, b: -a + -b,
    "sub": lambda a, b: a - -b,
    "sub from": lambda a, b: -a - b,
    "chain": lambda a, b: a - (-(-a * b)) * -b,
    "constant": lambda a, b: (-a * 3.0) - 2.0 * -b,
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_bit_tells(name, dtype, machine_code):
    a, b = PAIRS.astype(dtype)
    found, expected = wg.jit(SIGNED[name])(a, b), SIGNED[name](a, b)
    np.testing.assert_array_equal(found, expected)
    real = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found)[real], np.signbit(expected)[real])


def test_a_chain_of_products_has_no_signs(machine_code):
    def fun(a, b):
        return a + (-a * b) * b

    text = str(wg.jit(fun).kernels(1.5, 2.5))
    assert "sub(" in text
    assert "add(" not in text


def test_a_sum_of_negatives_is_joined_by_additions(machine_code):
    x = np.arange(40.0)
    compiled = wg.jit(lambda x: np.sum(-x))
    assert compiled(x) == -780.0
    assert "by add" in str(compiled.kernels(x))
