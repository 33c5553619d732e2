"""Evaluation traces: Baydin's tables as printed, seeds, loops, local formulas of arrays, and files."""

import json

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError
from wengert.explain.evaluation_trace import evaluation_trace
from wengert.explain.trace_latex import formula_latex, number_latex


def baydin(x1, x2):
    """Return the example of Baydin et al. (2018), its operations in their order."""
    v1 = np.log(x1)
    v2 = x1 * x2
    v3 = np.sin(x2)
    v4 = v1 + v2
    return v4 - v3


def cells(latex):
    rows = latex.split("\\hline\n")[1].split("\n\\end")[0].split(" \\\\\n")
    return [[" ".join(cell.split()) for cell in row.split("&")] for row in rows]


def test_table_2_as_printed():
    trace = evaluation_trace(baydin, 2.0, 5.0, seed=(1.0, 0.0))
    assert cells(trace.to_latex()) == [
        ["v_{-1}", "= x_{1}", "= 2", r"\dot{v}_{-1}", r"= \dot{x_{1}}", "= 1"],
        ["v_{0}", "= x_{2}", "= 5", r"\dot{v}_{0}", r"= \dot{x_{2}}", "= 0"],
        ["v_{1}", r"= \ln v_{-1}", r"= \ln 2 = 0.693", r"\dot{v}_{1}", r"= \dot{v}_{-1}/v_{-1}", "= 1/2 = 0.5"],
        [
            "v_{2}", r"= v_{-1} \times v_{0}", r"= 2 \times 5 = 10", r"\dot{v}_{2}",
            r"= \dot{v}_{-1}\times v_{0} + \dot{v}_{0}\times v_{-1}", r"= 1\times 5 + 0\times 2 = 5",
        ],
        [
            "v_{3}", r"= \sin v_{0}", r"= \sin 5 = -0.959", r"\dot{v}_{3}", r"= \dot{v}_{0}\times \cos v_{0}",
            r"= 0\times \cos 5 = 0",
        ],
        [
            "v_{4}", "= v_{1} + v_{2}", "= 0.693 + 10 = 10.693", r"\dot{v}_{4}",
            r"= \dot{v}_{1} + \dot{v}_{2}", "= 0.5 + 5 = 5.5",
        ],
        [
            "v_{5}", "= v_{4} - v_{3}", "= 10.693 - (-0.959) = 11.652", r"\dot{v}_{5}",
            r"= \dot{v}_{4} - \dot{v}_{3}", "= 5.5 - 0 = 5.5",
        ],
        ["y", "= v_{5}", "= 11.652", r"\dot{y}", r"= \dot{v}_{5}", "= 5.5"],
    ]  # fmt: skip
    assert trace.gradient == 5.5


def test_table_3_as_printed():
    found = cells(evaluation_trace(baydin, 2.0, 5.0, mode="reverse").to_latex())
    assert [row[3:] for row in found] == [
        [r"\bar{x_{1}}", r"= \bar{v}_{-1}", "= 5.5"],
        [r"\bar{x_{2}}", r"= \bar{v}_{0}", "= 1.716"],
        [r"\bar{v}_{-1}", r"= \bar{v}_{-1} + \bar{v}_{1}/v_{-1}", "= 5 + 1/2 = 5.5"],
        [
            r"\bar{v}_{0}", r"= \bar{v}_{0} + \bar{v}_{2}\times v_{-1}",
            r"= (-0.284) + 1\times 2 = 1.716",
        ],
        [r"\bar{v}_{-1}", r"= \bar{v}_{2}\times v_{0}", r"= 1\times 5 = 5"],
        [r"\bar{v}_{0}", r"= \bar{v}_{3}\times \cos v_{0}", r"= (-1)\times \cos 5 = -0.284"],
        [r"\bar{v}_{2}", r"= \bar{v}_{4}", "= 1"],
        [r"\bar{v}_{1}", r"= \bar{v}_{4}", "= 1"],
        [r"\bar{v}_{3}", r"= -\bar{v}_{5}", "= -1"],
        [r"\bar{v}_{4}", r"= \bar{v}_{5}", "= 1"],
        [r"\bar{v}_{5}", r"= \bar{y}", "= 1"],
    ]  # fmt: skip
    assert [row[0] for row in found] == [
        "v_{-1}", "v_{0}", "v_{1}", "v_{2}", "", "v_{3}", "v_{4}", "", "v_{5}", "", "y",
    ]  # fmt: skip


def test_seeds():
    x, d = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0, 2.0])

    def fun(x):
        return np.sin(x) * x[::-1]

    forward = evaluation_trace(fun, x, seed=d)
    assert np.allclose(forward.gradient, wg.jvp(fun, (x,), (d,))[1], rtol=1e-14, atol=0)
    assert forward.directions == ("t",)
    reverse = evaluation_trace(fun, x, mode="reverse", seed=d)
    assert np.allclose(reverse.gradient, wg.vjp(fun, x)[1](d)[0], rtol=1e-14, atol=0)
    assert reverse.steps[0].formula == "seed"
    with pytest.raises(NotDifferentiableError, match="seed"):
        evaluation_trace(fun, x, mode="reverse")
    for mode, seed in (("forward", np.ones(2)), ("reverse", np.ones(4)), ("reverse", 1j * d)):
        with pytest.raises(ArgumentError, match="seed"):
            evaluation_trace(fun, x, mode=mode, seed=seed)
    with pytest.raises(ArgumentError, match="structure"):
        evaluation_trace(baydin, 2.0, 5.0, seed=1.0)


def looped(c, w):
    def step(state, x):
        new = np.tanh(w * state - x)
        return new, new

    last, all_ = wg.scan(step, c, np.linspace(0.1, 0.7, 7))
    return last + np.sum(all_) * 0.1


def newton(a, b):
    x = wg.while_loop(lambda x: abs(x * x - a) > 1e-10, lambda x: 0.5 * (x + a / x), a * 30.0)
    return x * b


def counted(x, y):
    return wg.fori_loop(0, 6, lambda i, s: np.sin(s) * y + i, x)


def backwards(c, w):
    def step(state, x):
        new = np.tanh(w * state - x)
        return new, new * x

    last, all_ = wg.scan(step, c, np.linspace(0.1, 0.7, 7), reverse=True)
    return last + all_ @ np.arange(7.0)


@pytest.mark.parametrize("fun", [looped, newton, counted, backwards])
@pytest.mark.parametrize("mode", ["forward", "reverse"])
@pytest.mark.parametrize("steps", [0, 1, 2, -1, -3, "all", 100])
def test_loops_are_one_row_or_some_of_their_steps(fun, mode, steps):
    trace = evaluation_trace(fun, 1.5, 0.8, mode=mode, steps=steps)
    expected = wg.grad(fun, (0, 1))(1.5, 0.8)
    assert np.allclose(trace.gradient, expected, rtol=1e-12, atol=1e-15)
    rounds = {row.round for row in trace.rows} - {""}
    if steps == 0:
        assert not rounds
    elif isinstance(steps, int) and steps < 10:
        assert len(rounds) == abs(steps)
        numbers = sorted(int(text.split()[1]) for text in rounds)
        n = int(next(iter(rounds)).split()[3])
        assert numbers == (list(range(1, steps + 1)) if steps > 0 else list(range(n + steps + 1, n + 1)))
    loops = [row for row in trace.rows if " steps)" in row.expression]
    assert bool(loops) == (steps not in ("all", 100))
    assert "graph" not in str(trace)


def test_a_loop_says_what_it_is():
    texts = [row.expression for row in evaluation_trace(counted, 1.5, 0.8).rows]
    assert any(text.startswith("fori_loop(") and text.endswith("; 6 steps)") for text in texts)
    with pytest.raises(ArgumentError, match="steps"):
        evaluation_trace(counted, 1.5, 0.8, steps="some")


def test_compiled_functions_and_branches_are_seen_through():
    compiled = wg.jit(lambda x: wg.cond(x > 0, np.exp, np.sin, x) * 2.0)
    trace = evaluation_trace(lambda x: compiled(x) + x, 0.5, mode="reverse")
    assert "exp(v₀)" in [row.expression for row in trace.rows]
    assert trace.gradient == pytest.approx(2 * np.exp(0.5) + 1, rel=1e-15)


@pytest.mark.parametrize(
    ("fun", "args", "formulas"),
    [
        (lambda a, b: np.sum(a @ b), (np.ones((2, 3)), np.ones((3, 4))), {"v̄₁ @ v₀ᵀ", "v₋₁ᵀ @ v̄₁"}),
        (lambda a, b: np.sum(a @ b), (np.ones((2, 3)), np.ones(3)), {"outer(v̄₁, v₀)", "v₋₁ᵀ @ v̄₁"}),
        (lambda a, b: np.sum(a @ b), (np.ones(3), np.ones((3, 2))), {"v₀ @ v̄₁", "outer(v₋₁, v̄₁)"}),
        (lambda a, b: a @ b, (np.ones(3), np.ones(3)), {"v̄₁·v₀", "v̄₁·v₋₁"}),
        (lambda a: np.mean(a), (np.ones((2, 3)),), {"v̄₂/6", "broadcast(v̄₁)"}),
        (lambda a: np.max(a), (np.array([1.0, 2.0]),), {"v̄₁·[v₀=v₁]"}),
        (lambda a: np.sum(a.T * 2), (np.ones((2, 3)),), {"v̄₁ᵀ"}),
        (lambda a: np.sum(np.where(a > 1, a, a**2)), (np.arange(3.0),), {"v̄₂·[v₀ > 1]", "v̄₂·[not v₀ > 1]"}),
        (lambda a, b: np.sum(np.concatenate([a, b]) ** 2), (np.ones(2), np.ones(3)), {"v̄₁[0:2]", "v̄₁[2:5]"}),
    ],
)  # fmt: skip
def test_local_formulas_of_arrays(fun, args, formulas):
    trace = evaluation_trace(fun, *args, mode="reverse")
    written = {step.formula.split(" + ")[-1] for step in trace.steps} | {step.formula for step in trace.steps}
    assert formulas <= written
    assert not any("∂" in text for text in written)
    assert "∂" not in str(evaluation_trace(fun, *args))


def test_matrix_adjoint_formulas_are_right():
    rng = np.random.default_rng(0)
    a, b, w = rng.normal(size=(2, 3)), rng.normal(size=3), rng.normal(size=2)
    trace = evaluation_trace(lambda a, b: np.sum(w * (a @ b)), a, b, mode="reverse")
    bar = {row.name: row.derivatives[0] for row in trace.rows}
    assert np.allclose(bar["v₋₁"], np.outer(bar["v₁"], b), rtol=1e-14)
    assert np.allclose(bar["v₀"], a.T @ bar["v₁"], rtol=1e-14)


def test_arrays_are_shapes_and_norms():
    trace = evaluation_trace(lambda x: np.sum(x**2), np.full((5, 4), 2.0), mode="reverse")
    text = str(trace)
    assert "(5×4), norm 8.944" in text
    assert "(5×4), norm 17.89" in text
    assert max(map(len, text.splitlines())) <= 80


def test_files(tmp_path):
    trace = evaluation_trace(baydin, 2.0, 5.0, mode="reverse", names=("<b>&", "x_2"))
    for suffix, part in {
        ".html": "&lt;b&gt;&amp;", ".md": "\\<b\\>", ".tex": "\\begin{array}", ".json": '"mode": "reverse"',
        ".txt": "v̄₋₁",
    }.items():  # fmt: skip
        path = tmp_path / f"trace{suffix}"
        trace.save(path)
        assert part in path.read_text("utf-8")
    assert "<b>" not in (tmp_path / "trace.html").read_text("utf-8")
    assert json.loads((tmp_path / "trace.json").read_text("utf-8")) == trace.to_dict()
    with pytest.raises(ArgumentError, match="saved"):
        trace.save(tmp_path / "trace.doc")
    assert trace._repr_latex_().startswith("$$\n\\begin{array}{lll|lll}")
    first = baydin.__code__.co_firstlineno + 2
    assert [row["place"] for row in trace.to_dict()["rows"][2:5]] == [
        f"{__file__}:{first + k}" for k in range(3)
    ]


def test_latex_of_formulas():
    assert formula_latex("v₁ ** 2 / sqrt(v₋₁)") == "v_{1}^{2} / \\sqrt{v_{-1}}"
    assert formula_latex("v̄₁·(1-v₁**2)") == "\\bar{v}_{1}\\times (1-v_{1}^{2})"
    assert formula_latex("v̇₂·2·v₂**(v₁-1)") == "\\dot{v}_{2}\\times 2\\times v_{2}^{v_{1}-1}"
    assert formula_latex("exp(v₁)", {"v₁": -2.0}) == "\\exp (-2)"
    assert formula_latex("my_fun(v₁, %)") == "\\operatorname{my\\_fun}(v_{1},\\, \\%)"
    assert number_latex(np.float64(1.25e-7)) == "1.25 \\cdot 10^{-7}"
    assert number_latex(-0.0) == "0"
    assert number_latex(np.inf) == "\\infty"


def test_latex_is_balanced_for_all_kinds_of_rows():
    for trace in (
        evaluation_trace(looped, 1.5, 0.8, mode="reverse", steps=-1),
        evaluation_trace(looped, 1.5, 0.8),
        evaluation_trace(lambda x: np.sum(np.where(x > 0, x, x @ x)), np.ones((5, 5)), mode="reverse"),
        evaluation_trace(lambda x: 3.0, 1.0),
        evaluation_trace(lambda x: 3.0, 1.0, mode="reverse"),
    ):
        text = trace.to_latex()
        assert text.count("{") - text.count("\\{") == text.count("}") - text.count("\\}")
        widths = {line.count("&") for line in text.splitlines()[1:-1]}
        assert len(widths) == 1
