"""One definition, any number of lanes: the same bits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from tests.compile.vector_math.native import DTYPES, apply
from tests.compile.vector_math.reference import sample
from wengert.compile.vector_math import FUNCTIONS, define, dependencies, module_text
from wengert.errors import ArgumentError

SPECIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    -5e-324,
    1e308,
    -1e308,
    1e22,
    0.5,
    -2.0,
]


def arguments(name, dtype):
    x = np.concatenate([sample(dtype, 600), special(dtype)])
    if FUNCTIONS[name] == 1:
        return (x,)
    pairs = np.array(list(itertools.product(x[-len(SPECIAL) :], repeat=2)), DTYPES[dtype])
    return np.concatenate([x, pairs[:, 0]]), np.concatenate([x[::-1], pairs[:, 1]])


def special(dtype):
    with np.errstate(over="ignore"):
        return np.array(SPECIAL).astype(DTYPES[dtype])


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_lanes_agree_bit_for_bit(name, dtype):
    bits = np.uint64 if dtype == "f64" else np.uint32
    columns = arguments(name, dtype)
    one = apply(name, dtype, 1, *columns)
    for lanes in (4, 8, 16):
        found = apply(name, dtype, lanes, *columns)
        differ = (found.view(bits) != one.view(bits)) & ~(np.isnan(found) & np.isnan(one))
        assert not differ.any(), (lanes, [c[differ][:3] for c in columns])


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh", "pow", "erf", "lgamma"])
def test_machines_agree_bit_for_bit(name, dtype):
    columns = arguments(name, dtype)
    found = apply(name, dtype, 4, *columns, oldest=True)
    assert np.array_equal(found, apply(name, dtype, 4, *columns), equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_flag_lets_llvm_change_a_result(name):
    words = set(define(name, "f64", 8).split())
    assert not words & {"fast", "nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc"}


def test_a_module_holds_everything_once_and_callees_first():
    uses = [("sin", "f64", 8), ("sin", "f32", 1), ("sin", "f64", 8), ("cos", "f64", 8)]
    text = module_text(uses)
    heads = [line.split("(")[0] for line in text.splitlines() if line.startswith(("define", "declare"))]
    assert len(heads) == len(set(heads))
    assert text.index("define internal float @wg.sin.far.f32x1(") < text.index("@wg.sin.f32x1(")


def test_dependencies_are_told():
    assert "@sin" in dependencies("sin", "f64", 8)
    assert dependencies("sin", "f32", 8)[0] == ("sin.far", "f32", 1)
    assert dependencies("log", "f32", 8)[0] == ("log.any", "f32", 8)


@pytest.mark.parametrize("use", [("sine", "f64", 8), ("sin", "float64", 8), ("sin", "f64", 0)])
def test_what_is_not_there_is_refused(use):
    with pytest.raises(ArgumentError, match="vector_math"):
        define(*use)
