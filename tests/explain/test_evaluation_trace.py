"""Evaluation traces: the textbook's tables, on the rules that differentiate everything else."""

import json

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError
from wengert.explain.evaluation_trace import evaluation_trace
from wengert.explain.expression import parse


def f(x1, x2):
    """Return Baydin's example."""
    return np.log(x1) + x1 * x2 - np.sin(x2)


def names(trace):
    return [row.name for row in trace.rows]


# Baydin et al. (2018), tables 2 and 3, at x1 = 2, x2 = 5, to three digits as printed there.
PRIMAL = [2.0, 5.0, 0.693, 10.0, 10.693, -0.959, 11.652]
TANGENT_X1 = [1.0, 0.0, 0.5, 5.0, 5.5, 0.0, 5.5]
ADJOINT = [5.5, 1.716, 1.0, 1.0, 1.0, -1.0, 1.0]


def test_forward_table_of_the_textbook():
    trace = evaluation_trace(f, 2.0, 5.0)
    assert names(trace) == ["v₋₁", "v₀", "v₁", "v₂", "v₃", "v₄", "v₅"]
    assert [row.expression for row in trace.rows] == [
        "x1", "x2", "log(v₋₁)", "v₋₁ · v₀", "v₁ + v₂", "sin(v₀)", "v₃ - v₄",
    ]  # fmt: skip
    assert [row.formula for row in trace.rows] == [
        "seed", "seed", "v̇₋₁/v₋₁", "v̇₋₁·v₀ + v̇₀·v₋₁", "v̇₁ + v̇₂", "v̇₀·cos(v₀)", "v̇₃ - v̇₄",
    ]  # fmt: skip
    assert np.allclose([row.value for row in trace.rows], PRIMAL, atol=5e-4, rtol=0)
    assert np.allclose([row.derivatives[0] for row in trace.rows], TANGENT_X1, atol=5e-4, rtol=0)
    assert trace.directions == ("x1", "x2")
    assert trace.gradient == wg.grad(f, (0, 1))(2.0, 5.0)


def test_reverse_table_of_the_textbook():
    trace = evaluation_trace(f, 2.0, 5.0, mode="reverse")
    assert np.allclose([row.derivatives[0] for row in trace.rows], ADJOINT, atol=5e-4, rtol=0)
    assert [(step.name, step.formula) for step in trace.steps] == [
        ("v̄₅", "1"),
        ("v̄₃", "v̄₅"),
        ("v̄₄", "-v̄₅"),
        ("v̄₀", "v̄₄·cos(v₀)"),
        ("v̄₁", "v̄₃"),
        ("v̄₂", "v̄₃"),
        ("v̄₋₁", "v̄₂·v₀"),
        ("v̄₀", "v̄₀ + v̄₂·v₋₁"),
        ("v̄₋₁", "v̄₋₁ + v̄₁/v₋₁"),
    ]
    assert trace.rows[0].formula == "v̄₂·v₀ + v̄₁/v₋₁"
    assert trace.gradient == wg.grad(f, (0, 1))(2.0, 5.0)
    assert trace.gradients == dict(zip(("x1", "x2"), trace.gradient, strict=True))


def arrays(x, w):
    return np.sum(np.tanh(w * x[::-1]) ** 2) / x[0]


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_arrays(mode):
    x, w = np.array([1.0, 2.0, 3.0]), 0.5
    trace = evaluation_trace(arrays, x, w, mode=mode)
    for found, expected in zip(trace.gradient, wg.grad(arrays, (0, 1))(x, w), strict=True):
        assert np.allclose(found, expected, rtol=1e-14, atol=0)
    assert trace.value == arrays(x, w)
    expressions = [row.expression for row in trace.rows]
    assert "v₋₁[::-1]" in expressions
    assert "sum(v₄)" in expressions


def test_broadcast_and_indexed_adjoints_are_written_as_such():
    formulas = [
        step.formula for step in evaluation_trace(arrays, np.array([1.0, 2.0]), 0.5, mode="reverse").steps
    ]
    assert "sum(v̄₂·v₁)" in formulas
    assert "scatter(v̄₆)" in formulas
    assert "broadcast(v̄₅)" in formulas


FUNCTIONS = [
    "exp(x)*y", "log(x)/y", "x**y", "x**2 + y**3", "2**x", "sqrt(x) - cbrt(y)", "sin(x)*cos(y)",
    "tan(x)", "arcsin(x/2)", "arccos(x/2)", "arctan2(x, y)", "arctan(x)", "sinh(x) + cosh(y)",
    "tanh(x*y)", "arcsinh(x)", "arccosh(1 + x)", "arctanh(x/2)", "abs(-x)", "max(x, y) + min(x, y)",
    "hypot(x, y)", "logaddexp(x, y)", "log1p(x) + expm1(y)", "log2(x) + log10(y) + exp2(x)",
    "square(x) + reciprocal(y)", "sigmoid(x) + erf(y) - erfc(x)", "-x + +y", "x // y + x % y",
    "floor(x)*y", "x if x > y else y", "sum([x, y, x*y])", "prod([x, y])", "mean([x, y])",
    "dot([x, y], [y, 2])", "where(x > y, x, y*x)",
]  # fmt: skip


@pytest.mark.parametrize("text", FUNCTIONS)
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_numbers_are_those_of_grad(text, mode):
    fun = parse(text, ("x", "y"))
    trace = evaluation_trace(fun, 0.7, 0.4, mode=mode, names=("x", "y"))
    expected = wg.grad(fun, (0, 1))(0.7, 0.4)
    assert np.allclose(trace.gradient, expected, rtol=1e-14, atol=1e-15)
    assert str(trace)


NAMED = [
    "exp(x)", "log(x)", "x*y", "x/y", "x**y", "x**3", "sqrt(x)", "cbrt(x)", "sin(x)", "cos(x)", "tan(x)",
    "arcsin(x)", "arccos(x)", "arctan(x)", "arctan2(x, y)", "sinh(x)", "cosh(x)", "tanh(x)",
    "arcsinh(x)", "arccosh(x+1)", "arctanh(x)", "abs(x)", "hypot(x, y)", "logaddexp(x, y)", "log1p(x)",
    "expm1(x)", "log2(x)", "log10(x)", "exp2(x)", "square(x)", "reciprocal(x)", "sigmoid(x)", "erf(x)",
    "erfc(x)", "x-y", "-x",
]  # fmt: skip


@pytest.mark.parametrize("text", NAMED)
@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_formulas_say_what_the_rules_compute(text, mode):
    # Every formula is itself an expression: written in ASCII and evaluated on the trace's own numbers it must agree.
    trace = evaluation_trace(parse(text, ("x", "y")), 0.7, 0.4, mode=mode, names=("x", "y"))
    numbers = {f"v{_plain(row.number)}": row.value for row in trace.rows}
    suffix = "dot" if mode == "forward" else "bar"
    for column in range(len(trace.rows[0].derivatives)):
        known = numbers | {f"v{_plain(row.number)}_{suffix}": row.derivatives[column] for row in trace.rows}
        for row in trace.rows:
            if row.formula not in ("seed", "0", "1"):
                formula = _ascii(row.formula)
                found = parse(formula, tuple(known))(*known.values())
                assert np.allclose(found, row.derivatives[column], rtol=1e-13, atol=0), (
                    row.formula,
                    row.name,
                )


def _plain(number):
    return f"m{-number}" if number < 0 else str(number)


def _ascii(formula):
    text = formula.translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉·₋", "0123456789*m"))
    for mark, suffix in (("\u0307", "dot"), ("\u0304", "bar")):
        while mark in text:
            at = text.index(mark)
            end = at + 1
            while end < len(text) and (text[end].isdigit() or text[end] == "m"):
                end += 1
            text = text[:at] + text[at + 1 : end] + f"_{suffix}" + text[end:]
    return text


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_results_of_several_parts_have_rows_of_their_own(mode):
    def fun(a):
        q, r = np.linalg.qr(a)
        return np.sum(q * r)

    a = np.array([[2.0, 1.0], [0.5, 3.0]])
    trace = evaluation_trace(fun, a, mode=mode)
    assert np.allclose(trace.gradient, wg.grad(fun)(a), rtol=1e-13, atol=1e-13)
    assert sum(row.expression.endswith(("[0]", "[1]")) for row in trace.rows) >= 2


def test_containers_and_constants():
    def fun(params, n, scale):
        total = 0.0
        for _ in range(n):
            total = total + params["w"] * scale
        return np.sum(total + params["b"])

    params = {"w": np.array([1.0, 2.0]), "b": 3.0}
    for mode in ("forward", "reverse"):
        trace = evaluation_trace(fun, params, 2, 0.5, argnums=0, mode=mode)
        assert set(trace.gradients) == {"params['w']", "params['b']"}
        assert np.array_equal(trace.gradient["w"], [1.0, 1.0])
        assert trace.gradient["b"] == 2.0
        scale = next(row for row in trace.rows if row.expression == "scale")
        assert np.all(np.array(scale.derivatives) == 0)


def test_forward_mode_gives_jacobians():
    trace = evaluation_trace(lambda x: np.stack([x[0] * x[1], np.sin(x[0])]), np.array([0.5, 2.0]))
    assert np.allclose(trace.gradient, [[2.0, 0.5], [np.cos(0.5), 0.0]], rtol=1e-15, atol=0)
    assert trace.directions == ("x[0]", "x[1]")


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_outputs_that_depend_on_nothing(mode):
    assert evaluation_trace(lambda x: 3.0, 1.0, mode=mode).gradient == 0.0
    assert evaluation_trace(lambda x: x, 1.0, mode=mode).gradient == 1.0
    trace = evaluation_trace(lambda x, y: x * 2, 1.0, 5.0, mode=mode)
    assert trace.gradient == (2.0, 0.0)
    assert evaluation_trace(lambda x, y: y * 2, 1.0, 5.0, argnums=0, mode=mode).gradient == 0.0


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_it_prints_within_80_columns(mode):
    for trace in (
        evaluation_trace(f, 2.0, 5.0, mode=mode),
        evaluation_trace(arrays, np.arange(1.0, 6.0), 0.5, mode=mode),
    ):
        text = str(trace)
        assert all(len(line.replace("\u0307", "").replace("\u0304", "")) <= 80 for line in text.splitlines())
        assert "computed" in text
        assert "value" in text
        page = trace._repr_html_()
        assert page.count("<table") >= 1 + (mode == "reverse")
        assert "<script" not in page


def test_it_is_data():
    for mode in ("forward", "reverse"):
        data = json.loads(json.dumps(evaluation_trace(f, 2.0, 5.0, mode=mode).to_dict(), allow_nan=False))
        assert data["gradient"]["x1"] == 5.5
        assert data["rows"][0]["name"] == "v-1"
        assert len(data["steps"]) == (9 if mode == "reverse" else 0)
    with np.errstate(all="ignore"):
        data = evaluation_trace(lambda x: 1 / x, 0.0).to_dict()
    assert (data["value"], data["gradient"]["x"]) == ("inf", "-inf")


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: evaluation_trace(f, 1.0, 2.0, mode="backward"), ArgumentError, "no mode"),
        (lambda: evaluation_trace(f, 1.0, 2.0, names=("a",)), ArgumentError, "1 names for 2"),
        (lambda: evaluation_trace(np.sum, np.ones(25)), ArgumentError, "25 entries"),
        (lambda: evaluation_trace(np.sin, np.ones(2), mode="reverse"), NotDifferentiableError, "shape"),
        (lambda: evaluation_trace(f, 1.0, 2.0, argnums=2), ArgumentError, "argnums"),
        (lambda: evaluation_trace(np.sin, "x"), NotDifferentiableError, "type str"),
        (lambda: evaluation_trace(3.0, 1.0), ArgumentError, "needs a function"),
    ],
)
def test_refusals(call, error, text):
    with pytest.raises(error, match=text):
        call()
