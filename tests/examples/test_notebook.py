"""The notebook runs from top to bottom, and shows what it showed when it was written."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "notebooks"

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
pytest.importorskip("matplotlib")
pytest.importorskip("sympy")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("notebook") / "tour.ipynb"
    command = [sys.executable, FOLDER / "execute.py", path]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=FOLDER)
    assert run.returncode == 0, run.stderr
    return json.loads(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def kept():
    return json.loads((FOLDER / "tour.ipynb").read_text("utf-8"))


def code(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def texts(cell):
    """What a cell printed or returned, as plain text."""
    return ["".join(out.get("text", out.get("data", {}).get("text/plain", ""))) for out in cell["outputs"]]


def test_outputs_are_current(made, kept):
    pairs = list(zip(code(kept), code(made), strict=True))
    assert len(pairs) > 12
    stale = [
        (texts(old), texts(new))
        for old, new in pairs
        if "measured" not in old["metadata"].get("tags", []) and texts(old) != texts(new)
    ]
    assert not stale, "run `make docs`"


def test_no_cell_warns(made):
    assert not [out for cell in code(made) for out in cell["outputs"] if out.get("name") == "stderr"]


@pytest.mark.parametrize(
    ("source", "form"),
    [
        ("wg.draw(f", "image/svg+xml"),
        ("wg.draw(loss", "image/svg+xml"),
        ("wg.trace(f)", "image/svg+xml"),
        ("wg.evaluation_trace(f", "text/html"),
        ("wg.compare(f", "text/html"),
        ("error_curve(np.exp", "text/html"),
        ("symbolic.expression_swell", "text/html"),
        ("wg.gradient_report", "text/html"),
    ],
)
def test_graphs_traces_and_reports_show_themselves(made, source, form):
    cells = [cell for cell in code(made) if source in "".join(cell["source"])]
    assert cells
    for cell in cells:
        assert any(form in out.get("data", {}) for out in cell["outputs"])


def test_the_kept_notebook_names_no_machine(kept):
    assert not re.search(r"/(?:hom[e]|tm[p]|roo[t])/", json.dumps(kept))  # written so as not to match itself
