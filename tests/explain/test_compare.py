"""compare: what is measured, against what is known of it; and how it is reported."""

import json
import time

import numpy as np
import pytest
from rich.console import Console

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError
from wengert.explain import compare as module
from wengert.explain.report import Picture


def textbook(x1, x2):
    return np.log(x1) + x1 * x2 - np.sin(x2)


def textbook_by_hand(x1, x2):
    return 1 / x1 + x2, x1 - np.cos(x2)


@pytest.fixture(scope="module")
def report():
    return wg.compare(textbook, 2.0, 5.0, manual=textbook_by_hand, seconds=0.3)


EXACT = ["by hand", "complex step", "forward mode", "reverse mode", "reverse, compiled"]


@pytest.mark.parametrize("name", EXACT)
def test_exact_ways_are_exact(report, name):
    assert report.row(name).error < 2.0**-52


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("forward difference", 1e-10, 1e-7),
        ("central difference", 1e-13, 1e-9),
        ("five-point difference", 1e-14, 1e-11),
        ("Richardson", 0, 1e-12),
    ],
)
def test_differences_are_as_inexact_as_theory_says(report, name, low, high):
    assert low <= report.row(name).error < high


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("by hand", 0),
        ("central difference", 4),
        ("five-point difference", 8),
        ("complex step", 2),
        ("reverse mode", 1),
        ("reverse, compiled", 0),
    ],
)
def test_evaluations_are_counted(report, name, calls):
    assert report.row(name).calls == calls


def test_every_way_is_timed_and_weighed(report):
    for row in (report.primal, report.compiled, *[r for r in report.rows if r.group != "symbolic"]):
        assert row.seconds > 0
        assert row.peak > 0


def test_operations_are_those_of_the_programs(report):
    assert report.primal.operations == 5  # log, multiply, add, sin, subtract
    bounds = {bound.name: bound for bound in report.bounds}
    assert set(bounds) == {"forward mode", "reverse mode", "reverse, compiled"}
    assert (bounds["forward mode"].sweeps, bounds["reverse mode"].sweeps) == (2, 1)
    assert 1 < bounds["forward mode"].operations < 6
    assert 1 < bounds["reverse mode"].operations < 6
    assert bounds["reverse mode"].operations == report.row("reverse mode").operations / 5


def test_a_wrong_derivative_by_hand_is_found_out():
    report = wg.compare(lambda x: x**3, 2.0, manual=lambda x: 2 * x**2, seconds=0.1)
    assert np.isclose(report.row("by hand").error, 4 / 12)
    assert "by hand is wrong by 3.3e-01" in report.verdict


def test_a_derivative_by_hand_of_the_wrong_shape():
    with pytest.raises(ArgumentError, match=r"the derivative by hand gave arrays of shapes \(1, 3\)|\(2,\)"):
        wg.compare(np.sum, np.ones(3), manual=lambda x: np.ones(2), seconds=0.1)


def test_jacobians_and_containers():
    def fun(p):
        return np.stack([p["a"] * p["b"][0], p["a"] ** 2, np.sum(p["b"])])

    report = wg.compare(fun, {"a": 2.0, "b": np.array([1.0, 3.0])}, seconds=0.1)
    assert (report.n, report.m) == (3, 3)
    assert "The Jacobian of fun: 3 inputs, 3 outputs" in report.title
    assert report.row("reverse mode").error < 1e-15


def test_chosen_arguments_and_integers():
    report = wg.compare(lambda x, k, y: x**k * y, 2.0, 3, 5.0, argnums=2, seconds=0.1)
    assert report.n == 1
    assert wg.compare(lambda x, k: x**k, 2.0, 3, seconds=0.1).n == 1


def test_what_is_not_analytic_is_remarked():
    report = wg.compare(lambda x: np.sum(np.abs(x) * x), np.array([-1.0, 2.0]), seconds=0.1)
    assert report.row("complex step").error > 0.1
    assert "not analytic" in report.row("complex step").note


def test_a_kink_is_said():
    report = wg.compare(lambda x: np.sum(np.abs(x)), np.array([0.0, 2.0]), seconds=0.1)
    assert report.reference["kinks"] == [0]
    assert "kink" in str(report)


def test_another_reference_is_said():
    report = wg.compare(lambda x: np.linalg.slogdet(x)[1], np.eye(2) + 0.1, seconds=0.1)
    assert "slogdet" in report.reference["reason"]
    assert "Richardson" in str(report)


def test_what_takes_too_long_is_left_out():
    def slow(x):
        time.sleep(0.03)
        return np.sum(x**2)

    report = wg.compare(slow, np.arange(10.0), seconds=0.2)
    assert report.row("forward difference").note.startswith("left out: a call would take")
    assert np.isnan(report.row("forward difference").seconds)
    assert report.row("reverse mode").seconds >= 0.03


def test_control_flow_on_values():
    def root(a):
        x = a
        while abs(x * x - a) > 1e-12:
            x = 0.5 * (x + a / x)
        return x

    report = wg.compare(root, 2.0, seconds=0.1)
    assert report.reference["method"] == "arithmetic of 50 digits"
    assert report.row("reverse, compiled").error < 1e-13


@pytest.mark.parametrize(
    ("fun", "args", "error", "text"),
    [
        (lambda x: x, ("word",), ArgumentError, "nothing to differentiate"),
        (lambda x: x, (3,), ArgumentError, "nothing to differentiate"),
        (lambda x: x * 1j, (3.0,), NotDifferentiableError, "returned complex128"),
        (lambda x: x > 1, (3.0,), NotDifferentiableError, "returned bool"),
        (lambda x: (x, x), (3.0,), NotDifferentiableError, "tuple"),
    ],
)
def test_refusals(fun, args, error, text):
    with pytest.raises(error, match=text):
        wg.compare(fun, *args, seconds=0.1)


def test_an_interrupt_keeps_what_was_measured(monkeypatch):
    examined = module._Measurement._examined

    def interrupted(self, way, truth, took):
        if way.name == "complex step":
            raise KeyboardInterrupt
        return examined(self, way, truth, took)

    monkeypatch.setattr(module._Measurement, "_examined", interrupted)
    report = wg.compare(textbook, 2.0, 5.0, seconds=0.2)
    assert report.interrupted
    assert [row.name for row in report.rows][-1] == "Richardson"
    assert report.row("central difference").seconds > 0
    assert "Interrupted" in str(report)


# Reports --------------------------------------------------------------------------------------------------------------


def test_text_fits_a_terminal(report):
    lines = str(report).splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split()[:2] == ["reverse", "mode"] for line in lines)


def test_ascii_terminals(report, tmp_path):
    with (tmp_path / "terminal").open("w", encoding="ascii") as terminal:
        Console(file=terminal, width=80).print(report)
    assert " us" in (tmp_path / "terminal").read_text(encoding="ascii")


def test_json_holds_all_numbers(report):
    data = json.loads(report.to_json())
    methods = {method["name"]: method for method in data["methods"]}
    assert methods["reverse mode"]["calls"] == 1
    assert methods["central difference"]["error"] == report.row("central difference").error
    assert (data["inputs"], data["outputs"]) == (2, 1)


def test_markdown_is_a_table(report):
    text = report.to_markdown()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") - row.count("\\|") for row in rows[:8]}) == 1
    assert text.startswith("# The gradient of textbook: 2 inputs, 1 output")


def test_html_has_plots_and_no_other_files(report):
    pytest.importorskip("matplotlib")
    page = report.to_html()
    assert page.count("<svg") == sum(isinstance(block, Picture) for block in report.blocks()) == 3
    assert "src=" not in page
    assert "<script" not in page


def test_names_are_escaped():
    def fun(x):
        return x * x

    fun.__name__ = "<b>|`f`"
    report = wg.compare(fun, 2.0, seconds=0.05)
    assert "<b>" not in report.to_html()
    assert "\\<b\\>\\|\\`f\\`" in report.to_markdown()


def test_saving(report, tmp_path):
    for suffix in ("html", "md", "json", "txt"):
        report.save(tmp_path / f"report.{suffix}")
        assert "reverse mode" in (tmp_path / f"report.{suffix}").read_text(encoding="utf-8")
    with pytest.raises(ArgumentError, match="cannot be saved as"):
        report.save(tmp_path / "report.pdf")
