"""scaling: costs against the number of inputs, and their exponents."""

import json

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError
from wengert.explain.scaling_report import exponent


def family(n):
    c = np.linspace(0.0, 1.0, n)
    return lambda x: np.sum(np.sin(x * c) ** 2), (np.linspace(0.1, 1.0, n),)


NAMES = ["central difference", "complex step", "forward mode", "reverse mode"]


@pytest.fixture(scope="module")
def report():
    return wg.scaling(family, [64, 4, 16], methods=NAMES, seconds=0.2)


def test_sizes_are_sorted_and_all_are_measured(report):
    assert report.primal.ns == [4, 16, 64]
    for name in NAMES:
        assert report.curve(name).ns == [4, 16, 64]
        assert min(report.curve(name).seconds) > 0


@pytest.mark.parametrize(
    ("name", "power"), [("central difference", 1), ("forward mode", 1), ("reverse mode", 0)]
)
def test_counted_costs_grow_as_theory_says(report, name, power):
    curve = report.curve(name)
    assert abs(exponent(curve.ns, curve.works) - power) < 0.15  # n + 1/2 is no power


def test_times_of_differences_grow(report):
    curve = report.curve("central difference")
    assert curve.works == [8, 32, 128]
    assert report.ratios(curve)[-1] > report.ratios(curve)[0]  # of 16 times as many calls


def test_a_fitted_exponent_is_the_exponent():
    assert np.isclose(exponent([1, 10, 100], [5, 50 * 10**0.5, 500 * 10]), 1.5)
    assert np.isnan(exponent([1], [1.0]))


def test_jacobians_by_reverse_mode_grow_with_the_outputs():
    report = wg.scaling(
        lambda n: (lambda x: x * x, (np.ones(n),)), [4, 16, 64], methods=["reverse mode"], seconds=0.1
    )
    assert [p.m for p in report.curve("reverse mode").points] == [4, 16, 64]
    assert exponent([4, 16, 64], report.curve("reverse mode").works) > 0.9


def test_slow_ways_are_left_out_from_there_on():
    report = wg.scaling(
        family, [4, 400, 4000], methods=["five-point difference", "reverse mode"], seconds=0.02
    )
    assert report.curve("reverse mode").ns == [4, 400, 4000]
    assert report.curve("five-point difference").ns[-1] < 4000
    assert "too slow from n =" in report.stopped["five-point difference"]
    assert "too slow from n =" in str(report)


def test_an_interrupt_keeps_what_was_measured(monkeypatch):
    def interrupted(n):
        if n == 16:
            raise KeyboardInterrupt
        return family(n)

    report = wg.scaling(interrupted, [4, 8, 16, 32], methods=NAMES, seconds=0.05)
    assert report.interrupted
    assert report.primal.ns == [4, 8]
    assert "Interrupted" in str(report)


def test_an_interrupt_before_anything_was_measured():
    def interrupted(n):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        wg.scaling(interrupted, [4])


def test_reports(report, tmp_path):
    data = json.loads(report.to_json())
    assert {method["name"] for method in data["methods"]} == set(NAMES)
    assert max(map(len, str(report).splitlines())) <= 100
    report.save(tmp_path / "report.md")
    assert "| forward mode |" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_plots(report):
    pytest.importorskip("matplotlib")
    assert report.to_html().count("<svg") == 1


def test_progress_is_shown_when_asked(capsys):
    wg.scaling(family, [2], methods=["reverse mode"], seconds=0.01, progress=True)
    assert "n = 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ns", "options", "text"),
    [
        ([], {}, "sizes"),
        ([0], {}, "sizes"),
        ([1], {"seconds": 0}, "seconds"),
        ([2], {"methods": ["magic"]}, "no method 'magic'"),
    ],
)
def test_refusals(ns, options, text):
    with pytest.raises(ArgumentError, match=text):
        wg.scaling(family, ns, **options)
