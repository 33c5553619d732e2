"""Every public function says, under NumPy's headings, what it takes and gives, and has an example.

The examples themselves run under `--doctest-modules`.
"""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from typing import Any, is_typeddict

import pytest

import wengert as wg
from wengert import fitting, nn, optim, random
from wengert.methods import finite_difference, symbolic

NAMESPACES = {
    "wengert": wg,
    "wengert.fitting": fitting,
    "wengert.methods.finite_difference": finite_difference,
    "wengert.methods.symbolic": symbolic,
    "wengert.nn": nn,
    "wengert.optim": optim,
    "wengert.random": random,
    "wengert.tree": wg.tree,
}
RETURNS_NOTHING = {
    "wengert.check_grads",
    "wengert.defjvp",
    "wengert.defvjp",
    "wengert.fitting.save_checkpoint",
    "wengert.tree.register",
}
# The arguments of these are those of the function before them, which they name.
SHARED = {"wengert.methods.finite_difference.gradient", "wengert.methods.finite_difference.jacobian"}


def public() -> dict[str, Any]:
    """The public callables by their dotted names."""
    found = {
        f"{space}.{name}": getattr(module, name)
        for space, module in NAMESPACES.items()
        for name in module.__all__
    }
    # The records that functions return describe their fields.
    return {n: v for n, v in found.items() if callable(v) and not is_dataclass(v) and not is_typeddict(v)}


PUBLIC = public()


def sections(value: Any) -> dict[str, str]:
    """The text under each heading."""
    parts = (inspect.getdoc(value) or "").split("\n---")
    heads = [part.rsplit("\n", 1)[-1] for part in parts[:-1]]
    return dict(zip(heads, parts[1:], strict=True))


def missing(name: str, value: Any) -> list[str]:
    found = sections(value)
    wanted = {"Examples"}
    described = inspect.isclass(value) and "Attributes" in found
    if inspect.signature(value).parameters and not described and name not in SHARED:
        wanted.add("Parameters")
    if not inspect.isclass(value) and name not in RETURNS_NOTHING | SHARED:
        wanted.add("Yields" if inspect.isgeneratorfunction(inspect.unwrap(value)) else "Returns")
    return sorted(wanted - set(found))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_described(name):
    assert not missing(name, PUBLIC[name])


@pytest.mark.parametrize("name", PUBLIC)
def test_its_example_runs_something(name):
    assert ">>>" in sections(PUBLIC[name])["Examples"]


@pytest.mark.parametrize("name", PUBLIC)
def test_its_first_line_is_one_sentence(name):
    first = (inspect.getdoc(PUBLIC[name]) or "").split("\n\n")[0]
    assert first.endswith(".")
    assert "\n" not in first


def test_missing_parts_are_seen():
    def undescribed(x):
        """Do something."""

    assert missing("planted", undescribed) == ["Examples", "Parameters", "Returns"]
