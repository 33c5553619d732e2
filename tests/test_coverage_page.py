"""The generated pages of the reference are what their generators make of the code as it is."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module", autouse=True)
def _importable() -> Iterator[None]:
    before = list(sys.path)
    sys.path.insert(0, str(DOCS))
    yield
    sys.path[:] = before


def generator(name: str) -> Any:
    return importlib.import_module(name)


def made_alone(name: str) -> str:
    """The page as an interpreter of its own makes it: other tests define primitives, and those are global."""
    script = f"import {name}, sys; sys.stdout.buffer.write({name}.page().encode())"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, cwd=DOCS)
    assert not run.returncode, run.stderr.decode()
    return run.stdout.decode()


def test_the_coverage_page_is_not_stale() -> None:
    made = generator("generate_coverage")
    on_disk = made.PATH.read_text("utf-8")
    if made.VERSIONS not in on_disk:
        pytest.skip(f"the page on disk is of other versions than {made.VERSIONS}, which have other functions")
    assert made_alone("generate_coverage") == on_disk, "run `make docs`"


def test_the_page_of_primitives_is_not_stale() -> None:
    path = generator("generate_primitives").PATH
    assert made_alone("generate_primitives") == path.read_text("utf-8"), "run `make docs`"


def test_every_mark_is_measured_and_none_is_wrong() -> None:
    text = generator("generate_coverage").PATH.read_text("utf-8")
    assert "WRONG" not in text
    assert "| registered |" not in text, "a function is registered, but no call shows what it does"


def test_a_wrong_derivative_would_be_marked() -> None:
    """The measurement itself, on a planted rule whose two modes differ."""
    measure_support = generator("measure_support")
    wg, np = measure_support.wg, measure_support.np

    @wg.custom_derivative
    def f(x: Any) -> Any:
        return 2.0 * x

    f.defjvp(lambda primals, tangents: (2.0 * primals[0], 2.0 * tangents[0]))
    f.defvjp(lambda x: (2.0 * x, None), lambda _saved, y_bar: (3.0 * y_bar,))
    marks = measure_support.measure(f, [np.array([0.4, 1.3])]).marks
    assert marks["vjp"] == "wrong"
