"""Symbolic derivatives beside the others, where SymPy is installed."""

import importlib.util

import numpy as np
import pytest

import wengert as wg
from wengert.explain import symbolic_candidates as module

AVAILABLE = bool(importlib.util.find_spec("sympy") and importlib.util.find_spec("wengert.methods.symbolic"))
needs_sympy = pytest.mark.skipif(not AVAILABLE, reason="the symbolic method is not installed")


def logistic(steps):
    def fun(x):
        for _ in range(steps):
            x = 4 * x * (1 - x)
        return x

    return fun


@needs_sympy
def test_formulas_are_exact_and_swell():
    report = wg.compare(logistic(5), 0.3, seconds=0.2)
    written, shared = report.row("symbolic"), report.row("symbolic, shared")
    assert max(written.error, shared.error) < 1e-13
    assert written.expression > 3 * shared.expression > 0
    assert "derivation" in shared.note


@needs_sympy
def test_jacobians_of_arrays():
    report = wg.compare(lambda x, a: a * np.sin(x), np.array([0.5, 1.0]), 2.0, seconds=0.1)
    assert report.row("symbolic").error < 1e-15


@needs_sympy
def test_what_would_be_written_out_forever_is_not():
    report = wg.compare(logistic(20), 0.3, seconds=0.1)
    assert "more than 5,000 operations" in report.row("symbolic, shared").note


@pytest.mark.parametrize(
    ("package", "text"), [("sympy", "pip install"), ("wengert.methods.symbolic", "lacks")]
)
def test_what_is_missing_is_said(monkeypatch, package, text):
    real = importlib.util.find_spec
    found = lambda name: None if name == package else real(name) or "there"
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: found(name))
    report = wg.compare(np.sin, 1.0, seconds=0.05)
    assert text in report.row("symbolic").note


def test_large_functions_are_left_out(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: "there")
    report = wg.compare(lambda x: np.sum(x * x), np.ones(3000), seconds=0.05)
    assert report.row("symbolic").note.startswith("left out: the function is 6,000 operations")
