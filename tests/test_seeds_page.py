"""docs/seeds.md: its code runs, its outputs are those of today's code, its figures are there."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "seeds.md"
OUTPUT = re.compile(
    r"<!-- output(?P<kind> measured)?(?P<figure> figures/[^:]+)?[^\n]*-->\n(?P<text>.*?)<!-- end -->",
    re.DOTALL,
)

pytest.importorskip("matplotlib")
pytest.importorskip("sympy")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The page, made again: in a process of its own, for its blocks define rules, and those are global."""
    folder = tmp_path_factory.mktemp("page")
    command = [sys.executable, "-W", "error", ROOT / "docs" / "generate_seeds.py", folder]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT / "src")
    assert run.returncode == 0, run.stderr
    return folder


def outputs(text):
    return [(bool(m["kind"]), m["text"]) for m in OUTPUT.finditer(text)]


def test_outputs_are_current(made):
    old, new = (outputs(path.read_text("utf-8")) for path in (PAGE, made / "seeds.md"))
    assert len(old) == len(new) > 30
    stale = [(a, b) for (measured, a), (_, b) in zip(old, new, strict=True) if a != b and not measured]
    assert not stale, "run `make docs`"


def test_nothing_but_outputs_changes(made):
    old, new = (OUTPUT.sub("", path.read_text("utf-8")) for path in (PAGE, made / "seeds.md"))
    assert old == new


def test_every_output_is_filled():
    assert not [text for _, text in outputs(PAGE.read_text("utf-8")) if not text.strip()]


def test_figures_are_current(made):
    kept, new = ({path.name for path in (f / "figures").glob("*.svg")} for f in (ROOT / "docs", made))
    assert kept == new
    for name in kept:
        old, again = ((folder / "figures" / name).read_text("utf-8") for folder in (ROOT / "docs", made))
        assert ET.fromstring(old).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own
        if 'id="figure_1"' not in old:  # Matplotlib's differ between its versions; drawings are ours
            assert old == again, f"{name}: run `make docs`"
