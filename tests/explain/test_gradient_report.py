"""gradient_report finds the fault that was planted, names its line, and finds none where there is none."""

import json
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError
from wengert.explain.gradient_report import gradient_report

RNG = np.random.default_rng(0)


def line_of(part):
    """Return the number of the line of this file that ends in a comment."""
    lines = Path(__file__).read_text("utf-8").splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.rstrip().endswith(f"# {part}"))


def kinds(report):
    found = set()
    for name in ("births", "trends", "blockages", "kinks", "cancellations"):
        found |= {name} if getattr(report, name) else set()
    return found | ({"path"} if report.path else set())


def test_no_fault():
    report = gradient_report(lambda a, b: np.sin(a) * np.exp(b), 1.0, 2.0)
    assert kinds(report) == set()
    assert report.faultless
    assert report.verdict.startswith("Nothing suspicious. b matters most: 76 %")
    assert "Kinks" not in str(report)


def test_influence_is_the_gradient_scaled():
    def fun(w, x, k):
        return np.sum(w * x) * k

    w, x = RNG.normal(size=(3, 2)), RNG.normal(size=2)
    report = gradient_report(fun, w, x, 3)
    dw, dx = wg.grad(fun, (0, 1))(w, x, 3)
    by_name = {one.name: one for one in report.inputs}
    assert set(by_name) == {"w", "x"}
    assert by_name["w"].effect == pytest.approx(np.linalg.norm(w * dw), rel=1e-14)
    assert by_name["x"].gradient == pytest.approx(np.sqrt(np.mean(dx**2)), rel=1e-14)
    assert sum(one.share for one in report.inputs) == pytest.approx(1.0)


def test_an_input_without_path_and_one_with_zero_derivative():
    report = gradient_report(lambda a, b, c: a + 0.0 * b, 1.0, 2.0, 3.0)
    by_name = {one.name: one for one in report.inputs}
    assert (by_name["b"].reached, by_name["b"].gradient) == (True, 0.0)
    assert not by_name["c"].reached
    assert "no path" in str(report)


def recurrent(w, h, xs):
    for x in xs:
        h = np.tanh(w @ h + x)  # recurrent
    return np.sum(h**2)


def scanned(w, h, xs):
    def step(h, x):
        return np.tanh(w @ h + x), None  # scanned

    return np.sum(wg.scan(step, h, xs)[0] ** 2)


@pytest.mark.parametrize("fun", [recurrent, scanned, wg.jit(scanned)])
def test_vanishing(fun):
    w = 0.1 * np.eye(4)
    report = gradient_report(fun, w, np.ones(4), np.zeros((30, 4)))
    name = "recurrent" if fun is recurrent else "scanned"
    trend = next(t for t in report.trends if t.site.line == line_of(name))
    assert trend.vanishing
    assert trend.rounds == 30
    assert trend.factor == pytest.approx(0.1, rel=0.05)
    assert f":{line_of(name)}" in report.verdict
    assert "vanishes" in report.verdict


def test_exploding_and_the_rounds_of_a_line_with_one_operation_twice():
    def logistic(a, x):
        for _ in range(40):
            x = a * x * (1 - x)  # logistic
        return x

    report = gradient_report(logistic, 3.9, 0.3)
    assert (report.trends[0].rounds, report.trends[0].vanishing) == (40, False)
    assert report.trends[0].site.line == line_of("logistic")
    assert "explodes" in report.verdict


def test_a_leap_along_the_path():
    def fun(x):
        y = np.sin(x) * 1e-9  # leap
        return np.exp(y) + 1.0

    report = gradient_report(fun, 0.5)
    assert report.path.leaps[0].site.line == line_of("leap")
    assert report.path.ratio == pytest.approx(1e-9 * np.cos(0.5), rel=1e-6)
    assert gradient_report(lambda x: np.sin(x) * 1e-3, 0.5).path is None


def blocked_relu(x):
    return np.sum(np.maximum(x - 2.0, 0.0) * 3.0)


@pytest.mark.parametrize(
    ("fun", "x", "kind", "operation"),
    [
        (blocked_relu, np.ones(3), "blocked", "maximum"),
        (lambda x: np.sum(np.clip(x, 3.0, 4.0)), np.ones(3), "blocked", "clip"),
        (lambda x: np.sum(np.where(x > 0, 1.0, x)), np.ones(3), "blocked", "where"),
        (lambda x: np.sum(np.floor(x * 1.5)), np.ones(3), "steps", "floor"),
        (lambda x: np.sum(np.round(x * 1.7) * x), np.ones(3), "constant", "round"),
        (lambda x: np.sum(np.tanh(9 * x)), np.ones(3), "saturated", "tanh"),
        (lambda x: np.sum((x @ np.zeros((3, 2))) ** 2 + 1), np.ones(3), "blocked", "power"),
        (lambda x: np.sum(x @ np.zeros((3, 2)) + 1), np.ones(3), "blocked", "matmul"),
    ],
)
def test_dead_branches(fun, x, kind, operation):
    found = [(b.kind, b.site.operation) for b in gradient_report(fun, x).blockages]
    assert (kind, operation) in found


def test_the_verdict_on_a_zero_gradient_names_the_line():
    report = gradient_report(blocked_relu, np.ones(3))
    assert report.verdict.startswith("The gradient is zero: nothing passes maximum (test_gradient_rep…:")
    assert gradient_report(lambda x: 3.0, 1.0).verdict == "The result does not depend on any input."


def test_dead_units():
    def layer(w, b, x):
        return np.sum(np.maximum(x @ w + b, 0.0) ** 2)

    b = np.where(np.arange(8) < 3, -50.0, 0.0)
    report = gradient_report(layer, RNG.normal(size=(3, 8)), b, RNG.normal(size=(40, 3)))
    (units,) = [one for one in report.blockages if one.kind == "dead units"]
    assert (units.count, units.of) == (3, 8)
    alive = gradient_report(layer, RNG.normal(size=(3, 8)), np.zeros(8), RNG.normal(size=(40, 3)))
    assert not alive.blockages


def test_unused_results():
    def fun(x):
        y = np.exp(x)  # unused
        return np.sin(x) if y is not None else y

    (one,) = gradient_report(fun, 1.0).blockages
    assert (one.kind, one.site.line) == ("unused", line_of("unused"))


def branch(x):
    return x * 2 if x > 0 else x


KINKS = {
    "tie": (lambda x: np.sum(np.maximum(x, x[::-1])), np.array([1.0, 2.0, 2.0, 3.0]), "maximum", 2),
    "abs": (lambda x: np.sum(np.abs(x)), np.array([0.0, 1.0, 0.0]), "abs", 2),
    "relu": (lambda x: np.sum(np.maximum(x, 0.0)), np.array([0.0, 1.0]), "maximum", 1),
    "max": (lambda x: np.max(x), np.array([2.0, 1.0, 2.0]), "max", 1),
    "max along an axis": (lambda x: np.sum(np.max(x, axis=1)), np.array([[2.0, 2.0], [1.0, 0.0]]), "max", 1),
    "sort": (lambda x: np.sort(x)[0], np.array([2.0, 1.0, 1.0]), "argsort", 1),
    "where": (lambda x: np.sum(np.where(x > 1.0, x, x**2)), np.array([1.0, 2.0]), "greater", 1),
    "branch": (branch, 0.0, "greater", 1),
    "norm": (lambda x: np.linalg.norm(x), np.zeros(2), "vector_norm", 1),
    "sqrt": (lambda x: np.sum(np.sqrt(x)), np.array([0.0, 1.0]), "sqrt", 1),
    "clip": (lambda x: np.sum(np.clip(x, 0.0, 1.0)), np.array([0.0, 0.5, 1.0]), "clip", 2),
    "power": (lambda x: np.sum(x**0.5), np.array([0.0, 1.0]), "power", 1),
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks(name):
    fun, x, operation, count = KINKS[name]
    found = {kink.site.operation: kink for kink in gradient_report(fun, x).kinks}
    assert found[operation].count == count
    assert found[operation].site.file == __file__
    assert not gradient_report(fun, x + np.linspace(0.05, 0.25, np.size(x)).reshape(np.shape(x))).kinks


def test_a_masked_kink_is_none():
    assert not gradient_report(lambda x: np.sum(np.abs(x) * np.array([0.0, 1.0])), np.array([0.0, 1.0])).kinks


LOSSY = {
    "cosine": (lambda x: (1 - np.cos(x)) / x**2, 1e-5, "subtract", "np.sin(x/2)"),
    "expm1": (lambda x: (np.exp(x) - 1) / x, 1e-8, "subtract", "np.expm1"),
    "log1p": (lambda x: np.log(1 + x) / x, 1e-8, "log", "np.log1p"),
    "variance": (lambda x: np.mean(x**2) - np.mean(x) ** 2, 1e6 + RNG.normal(size=50), "subtract", "np.var"),
    "roots": (lambda x: np.sqrt(x + 1) - np.sqrt(x), 1e12, "subtract", "sqrt(a)+sqrt(b)"),
    "sum": (lambda x: np.sum(np.sin(x)), np.array([1.0, -1.0 - 1e-9]), "sum", ""),
}


@pytest.mark.parametrize("name", LOSSY)
def test_cancellations(name):
    fun, x, operation, hint = LOSSY[name]
    (one,) = gradient_report(fun, x).cancellations
    assert one.site.operation == operation
    assert hint in one.hint
    assert one.digits > 4


def test_what_is_exact_or_does_not_matter_is_no_cancellation():
    assert not gradient_report(lambda x: (x - 1.0) ** 2, 1.0 + 1e-9).cancellations
    assert not gradient_report(lambda x: np.exp(x) - 1, 1.0).cancellations
    assert not gradient_report(lambda x: np.sum(np.exp(x - np.max(x))), RNG.normal(size=9)).cancellations
    assert not gradient_report(lambda x: 5.0 + (np.exp(x) - 1), 1e-7).cancellations
    assert not gradient_report(lambda x: np.expm1(x) / x, 1e-8).cancellations


def test_the_digits_lost_are_those_that_are_lost():
    report = gradient_report(LOSSY["cosine"][0], 1e-5)
    relative = abs((1 - np.cos(1e-5)) / 1e-10 - 0.5) / 0.5
    assert report.cancellations[0].digits == pytest.approx(16 + np.log10(relative), abs=1.5)


def test_births():
    def fun(x):
        y = np.sqrt(x)  # born
        return np.sum(y) + np.sum(np.log(x + 1.0))

    report = gradient_report(fun, np.array([0.0, 1.0]))
    (one,) = report.births
    assert (one.what, one.site.line, one.count) == ("derivative", line_of("born"), 1)
    (value,) = [b for b in gradient_report(fun, np.array([-0.5, 1.0])).births if b.what == "value"]
    assert value.site.operation == "sqrt"
    json.loads(report.to_json())


def test_outputs(tmp_path):
    report = gradient_report(
        recurrent, 0.1 * np.eye(4), np.ones(4), np.zeros((30, 4)), names=("<w>", "h", "x|s")
    )
    assert max(map(len, str(report).splitlines())) <= 80
    for suffix in (".html", ".md", ".json", ".txt"):
        report.save(tmp_path / f"r{suffix}")
    assert "&lt;w&gt;" in (tmp_path / "r.html").read_text("utf-8")
    assert "<w>" not in (tmp_path / "r.html").read_text("utf-8")
    assert "x\\|s" in (tmp_path / "r.md").read_text("utf-8")
    data = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert data["trends"][0]["kind"] == "vanishing"
    assert data["verdict"] == report.verdict


def test_long_loops_are_looked_into_at_both_ends():
    def fun(x):
        return wg.fori_loop(0, 5000, lambda i, s: s * 0.99 + x, x)

    report = gradient_report(fun, 1.0)
    assert 2 * 256 * 2 <= report.operations < 2000
    assert report.inputs[0].gradient == pytest.approx(wg.grad(fun)(1.0), rel=1e-10)


def test_arguments():
    with pytest.raises(NotDifferentiableError, match="seed"):
        gradient_report(np.sin, np.ones(3))
    assert gradient_report(np.sin, np.ones(3), seed=np.ones(3)).inputs[0].entries == 3
    with pytest.raises(ArgumentError, match="seed"):
        gradient_report(np.sin, np.ones(3), seed=np.ones(2))
    with pytest.raises(NotDifferentiableError, match="complex"):
        gradient_report(lambda z: np.abs(z), 1j)
    with pytest.raises(ArgumentError, match="needs a function"):
        gradient_report(3.0, 1.0)
    assert [one.name for one in gradient_report(lambda a, b: a * b, 1.0, 2.0, argnums=1).inputs] == ["b"]
