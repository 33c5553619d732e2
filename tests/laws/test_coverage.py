"""The registry is complete: every primitive has every rule and enough samples, or stands in a table with its reason."""

import numpy as np
import pytest

from wengert.core.primitive import PRIMITIVES

from .cases import ALL, DIFFERENTIABLE, is_float, samples

# Primitives whose batching is a loop over the examples, and why no rule does better.
LOOPS = {
    "custom": "a function with rules of the user's own has no batch rule; it is called once per example",
    "integral": "an adaptive integral takes points of its own in every example",
}


@pytest.mark.parametrize("name", ALL)
def test_has_samples(name: str) -> None:
    assert list(samples(PRIMITIVES[name])), f"{name} declares no samples"


@pytest.mark.parametrize("rule", ["jvp", "vjp"])
def test_has_derivative_rules(rule: str) -> None:
    assert [name for name in DIFFERENTIABLE if getattr(PRIMITIVES[name], rule) is None] == []


def test_has_types() -> None:
    assert [name for name in ALL if PRIMITIVES[name].infer is None] == []


def test_has_batch_rules() -> None:
    loops = {name for name in ALL if PRIMITIVES[name].batch is None}
    assert loops == set(LOOPS), "the table of loops and the registry differ"


def test_zero_derivative_is_declared_not_implied() -> None:
    """A primitive either has both rules or declares itself non-differentiable and has neither."""
    for name in ALL:
        prim = PRIMITIVES[name]
        assert (prim.jvp is not None) == prim.differentiable, name
        assert (prim.vjp is not None) == prim.differentiable, name


@pytest.mark.parametrize("name", ALL)
def test_has_a_documented_source(name: str) -> None:
    doc = PRIMITIVES[name].doc
    assert doc.strip().endswith("."), f"{name}: the doc is a sentence"
    assert len(doc) > len(name), f"{name}: the doc says something"


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_samples_are_finite_and_small(name: str) -> None:
    for case in samples(PRIMITIVES[name]):
        floats = [x for x in case.xs if is_float(x)]
        assert floats, f"{name} {case.label} has nothing to differentiate"
        assert all(np.all(np.isfinite(x)) for x in floats), f"{name} {case.label} is not finite"
        assert all(np.size(x) <= 64 for x in floats), f"{name} {case.label} is too large for Jacobians"
