"""Formulas: to and from SymPy, derivatives in three forms, and the counts of their operations."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import sympy

import wengert as wg
from wengert.errors import ArgumentError, RefusedError
from wengert.methods import symbolic
from wengert.methods.symbolic.counting import naive_counts
from wengert.methods.symbolic.differentiation import unevaluated_derivative

FAMILIES = [symbolic.logistic_map, symbolic.power_product, symbolic.nested_product]

FUNCTIONS = {
    "textbook": (lambda x, y: np.log(x) + x * y - np.sin(y), (2.0, 5.0)),
    "powers": (lambda x, y: x**3 / y**2 + np.sqrt(x) * y**0.5 + x**-1.5, (2.0, 3.0)),
    "hyperbolic": (lambda x, y: np.tanh(x) * np.cosh(y) + np.arctan2(x, y), (0.3, 0.7)),
    "logarithms": (lambda x, y: np.logaddexp(x, y) + np.log2(x) * np.log1p(y) + np.expm1(x * y), (0.3, 0.7)),
    "kinks": (lambda x, y: np.maximum(x, y) * abs(x - y) + np.clip(x, 0.0, 1.0), (0.3, 0.7)),
    "pieces": (lambda x, y: np.where(x > y, x * x, np.sin(y)) + wg.cond(x < y, lambda: x, lambda: y), (0.3, 0.7)),
    "switch": (lambda x, y: wg.switch(1, [lambda: x, lambda: x * y, lambda: y]), (0.3, 0.7)),
    "constants": (lambda x, y: np.pi * x + np.e * y + 0.1 * x * y + 1 / 3, (0.3, 0.7)),
    "loop": (lambda x, y: wg.fori_loop(0, 4, lambda i, v: v * y + np.sin(v) * i, x), (0.3, 0.7)),
    "scan": (lambda x, y: np.sum(wg.scan(lambda c, t: (c * t, c + t), x, np.array([1.0, 2.0]))[1]) * y, (0.3, 0.7)),
    "compiled": (lambda x, y: wg.jit(lambda z: np.exp(-z * z))(x) * y, (0.3, 0.7)),
    "special": (lambda x, y: wg.numpy.float64(1.0) * x * y, (0.3, 0.7)),
}  # fmt: skip
ARRAYS = {
    "sum of squares": (lambda x: np.sum(x**2) + np.max(x), np.array([1.0, -2.0, 3.0])),
    "product": (lambda x: np.prod(x) * np.mean(x), np.array([1.0, -2.0, 3.0])),
    "matrix": (lambda x: np.sum(x @ x.T) + np.linalg.det(x), np.array([[1.0, 2.0], [0.5, 3.0]])),
    "inverse": (
        lambda x: np.sum(np.linalg.inv(x)) + np.linalg.solve(x, x[0])[1],
        np.array([[1.0, 2.0], [0.5, 3.0]]),
    ),
    "reads": (lambda x: x[0] * x[-1] + np.sum(x[[0, 0, 1]]) + np.sum(x[::2]), np.array([1.0, -2.0, 3.0])),
    "writes": (lambda x: written(x), np.array([1.0, -2.0, 3.0])),
    "mask": (lambda x: np.sum(np.where(x > 0, x * x, -x)), np.array([1.0, -2.0, 3.0])),
}


def written(x):
    y = np.zeros_like(x)
    y[1:] = x[:-1] * 2.0
    y[0] += x[2] ** 2
    return np.sum(y * y)


def number(e, symbols, values):
    return float(e.xreplace({s: sympy.Float(v, 30) for s, v in zip(symbols, values, strict=True)}).evalf(30))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_becomes_a_formula_and_its_derivative(name):
    fun, point = FUNCTIONS[name]
    f = symbolic.to_sympy(fun, *point)
    symbols = f.flat_symbols()
    assert [s.name for s in symbols] == ["x", "y"]
    assert number(f.expression, symbols, point) == pytest.approx(float(fun(*point)), rel=1e-14)
    for k in range(2):
        found = number(sympy.diff(f.expression, symbols[k]), symbols, point)
        assert found == pytest.approx(float(wg.grad(fun, k)(*point)), rel=1e-13, abs=1e-14)


@pytest.mark.parametrize("name", ARRAYS)
def test_a_function_of_an_array_becomes_a_formula(name):
    fun, x = ARRAYS[name]
    f = symbolic.to_sympy(fun, x)
    symbols = f.flat_symbols()
    assert number(f.expression, symbols, x.ravel()) == pytest.approx(float(fun(x)), rel=1e-13)
    found = [number(sympy.diff(f.expression, s), symbols, x.ravel()) for s in symbols]
    np.testing.assert_allclose(np.reshape(found, x.shape), wg.grad(fun)(x), rtol=1e-12)


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("kinks", "pieces")])
def test_there_and_back(name):
    fun, point = FUNCTIONS[name]
    f = symbolic.to_sympy(fun, *point)
    graph = symbolic.from_sympy(f.expression, f.flat_symbols())
    assert float(graph(*point)) == pytest.approx(float(fun(*point)), rel=1e-14)
    assert float(wg.grad(graph)(*point)) == pytest.approx(float(wg.grad(fun)(*point)), rel=1e-12)
    again = symbolic.to_sympy(graph, names=["x", "y"])
    other = tuple(v + 0.25 for v in point)
    values = [number(g.expression, g.flat_symbols(), other) for g in (f, again)]
    assert values[0] == pytest.approx(values[1], rel=1e-13)


def test_several_results_keep_their_structure():
    f = symbolic.to_sympy(lambda x: {"a": x, "b": (x * x, np.array([1.0, 2.0]) * x)}, 1.0)
    x = f.symbols["x"]
    assert f.expression["b"][0] == x**2
    assert f.expression["b"][1].tolist() == [x, 2 * x]


def test_from_sympy_shares_equal_parts():
    x = sympy.Symbol("x")
    e = sympy.sin(x) ** 2 + sympy.exp(sympy.sin(x))
    graph = symbolic.from_sympy(e, [x])
    assert sum(node.prim.name == "sin" for node in graph.nodes) == 1


def test_from_sympy_of_special_forms():
    x, y = sympy.symbols("x y", positive=True)
    e = sympy.Piecewise((sympy.erf(x), x > y), (sympy.gamma(y), True)) + sympy.Max(x, y, 2) / sympy.sqrt(x)
    graph = symbolic.from_sympy(e, [x, y])
    for point in ((0.5, 1.5), (2.5, 1.5)):
        assert float(graph(*point)) == pytest.approx(number(e, [x, y], point), rel=1e-14)


# Derivatives ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_every_form_is_the_derivative(family, n):
    fun = family(n)
    expected = float(wg.grad(fun)(0.3))
    f = symbolic.to_sympy(fun, 0.3, names=["x"])
    (x,) = f.flat_symbols()
    graph = wg.trace(fun)(0.3)
    forms = [symbolic.derivative(f.expression, x, form=form) for form in ("plain", "simplified")]
    forms += [symbolic.naive_derivative(graph, [x])]
    shared = symbolic.derivative(f.expression, x, form="shared")
    forms += [shared.expanded(), symbolic.share(forms[2]).expanded()]
    for form in forms:
        assert number(form, [x], [0.3]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_count_of_a_tree_is_that_of_the_tree_written_out(family):
    for n in range(1, 6):
        graph = wg.trace(family(n))(0.3)
        found = symbolic.naive_derivative(graph, [sympy.Symbol("x", real=True)])
        assert symbolic.operations(found) == naive_counts(graph)[1]


def test_operations_are_counted_as_they_are_written():
    x, y = sympy.symbols("x y")
    for text, n in {
        "x + y": 1,
        "x - y": 1,
        "-x": 1,
        "2*x*y": 2,
        "x**2": 1,
        "1/x": 1,
        "sin(x)*cos(y)": 3,
    }.items():
        assert symbolic.operations(sympy.sympify(text)) == n, text
    assert symbolic.operations(-x - y) == 2
    assert symbolic.operations((x + y) ** 3 * (x + y), limit=1) > 1


def test_a_large_naive_derivative_is_counted_not_written():
    graph = wg.trace(symbolic.logistic_map(14))(0.3)
    with pytest.raises(ArgumentError, match="operations") as caught:
        symbolic.naive_derivative(graph, [sympy.Symbol("x")])
    assert "shared" in caught.value.instead
    assert naive_counts(graph)[1] > 20_000


def test_sharing_evaluates_each_part_once():
    x = sympy.Symbol("x", real=True)
    shared = symbolic.share(unevaluated_derivative(wg.trace(symbolic.logistic_map(8))(0.3), [x]))
    known = {x: sympy.Float(0.3, 30)}
    for s, e in shared.steps:
        assert e.free_symbols <= set(known)
        known[s] = e.xreplace(known).evalf(30)
    value = float(shared.expression.xreplace(known).evalf(30))
    assert value == pytest.approx(float(wg.grad(symbolic.logistic_map(8))(0.3)), rel=1e-11)


# Swell ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def logistic():
    return symbolic.expression_swell("logistic map", simplify_up_to=30)


def test_the_naive_form_swells_and_the_shared_one_does_not(logistic):
    rows = logistic.rows
    assert [row.order for row in rows] == list(range(1, 11))
    # written out, l_n has t_n = 3 + 2 t_(n-1) operations: 3 (2^(n-1) - 1)
    assert [row.value for row in rows] == [3 * (2 ** (n - 1) - 1) for n in range(1, 11)]
    # of d/dx (4 u)(1 - u) = (4 u)(-u') + (1 - u)(4 u'): twice u' and twice u, and seven operations
    naive = [0, 5]
    for row in rows[1:-1]:
        naive.append(2 * naive[-1] + 2 * row.value + 7)
    assert [row.naive for row in rows] == naive
    steps = {b.shared - a.shared for a, b in pairwise(rows[2:])}
    assert len(steps) == 1  # a constant number of operations for each order
    assert len({b.program - a.program for a, b in pairwise(rows[2:])}) == 1


def test_a_power_is_simplified_to_one_formula():
    swell = symbolic.expression_swell("(x + 1)^n", [4, 8])
    assert [row.simplified for row in swell.rows] == [3, 3]  # n (x + 1)^(n - 1)


def test_the_table_prints_everywhere(logistic):
    for text in (str(logistic), logistic.markdown(), logistic._repr_html_()):
        assert "13,823" in text
        assert "too large" in text
    data = json.loads(json.dumps(logistic.to_dict()))
    assert data["rows"][9]["naive"] == 13_823
    assert "multiplied by 2.2" in data["verdict"] or "multiplied by 2.3" in data["verdict"]
    assert "shared it grows by 9" in data["verdict"]
    assert logistic.markdown().splitlines()[1].startswith("| ---:")


def test_a_function_of_ones_own():
    swell = symbolic.expression_swell(lambda x: np.exp(x) * x, None)
    assert swell.rows[0].value == 2
    family = symbolic.expression_swell(lambda n: lambda x: x**n, [2, 3])
    assert [row.simplified for row in family.rows] == [1, 2]


def test_html_escapes_names():
    swell = symbolic.ExpressionSwell("<b>", (symbolic.SwellRow(1, 1, 1, 1, 1, 1),))
    assert "<b>" not in swell._repr_html_()


# Errors ---------------------------------------------------------------------------------------------------------------


def endless(x):
    return wg.while_loop(lambda v: v < 9.0, lambda v: v * v, x)


def long(x):
    return wg.fori_loop(0, 10**6, lambda _, v: v * 2.0, x)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: symbolic.to_sympy(endless, 2.0), RefusedError, "no formula"),
        (lambda: symbolic.to_sympy(lambda x: np.sum(np.linalg.eigvalsh(x)), np.eye(2)), RefusedError, "eigvalsh"),
        (lambda: symbolic.to_sympy(lambda x: x, 2.0, names=["a", "b"]), ArgumentError, "2 names"),
        (lambda: symbolic.to_sympy(long, 2.0), RefusedError, "steps"),
        (lambda: symbolic.from_sympy(sympy.zeta(sympy.Symbol("x")), [sympy.Symbol("x")]), RefusedError, "zeta"),
        (lambda: symbolic.from_sympy(sympy.Symbol("z"), [sympy.Symbol("x")]), RefusedError, "symbol z"),
        (lambda: symbolic.expression_swell("hilbert"), ArgumentError, "no family"),
        (lambda: symbolic.derivative(sympy.Symbol("x"), sympy.Symbol("x"), form="long"), ArgumentError, "no form"),
        (lambda: symbolic.check_formula(np.sin, ["x"], "y"), ArgumentError, "depend on 'y'"),
        (lambda: symbolic.check_formula(np.sin, ["x"], "x", [{"x": np.ones(2)}]), ArgumentError, "2 numbers"),
    ],
)  # fmt: skip
def test_errors_say_what_and_why(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert caught.value.why
    assert caught.value.instead


def test_without_sympy_the_error_says_what_to_install():
    code = (
        "import sys; sys.modules['sympy'] = None\n"
        "import wengert as wg\n"
        "try: wg.methods.symbolic.to_sympy(lambda x: x, 1.0)\n"
        "except wg.errors.ArgumentError as error: print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install wengert[symbolic]" in result.stdout


def test_hostile_powers_take_no_time():
    x = sympy.Symbol("x")
    f = symbolic.to_sympy(lambda x: (x / x * 7.0) ** 1e9 + (x + 1.0) ** 1e9, 1.0)
    assert symbolic.derivative((x + 1) ** 10**9, x) == 10**9 * (x + 1) ** (10**9 - 1)
    assert f.expression.has(sympy.Float) or f.expression.has(sympy.oo)
