"""The benchmarks run, at tiny sizes, and write what they say they write."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = """
import sys, pathlib
import harness
harness.RESULTS = pathlib.Path(sys.argv.pop(1))
import run
run.main()
"""


def run(results: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, str(results), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    folder = ROOT / "benchmarks"
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)


@pytest.mark.parametrize(
    "question",
    [
        "boundary",
        "compile_time",
        "compiled",
        "eager_overhead",
        "fork_join",
        "gradient_cost",
        "import_time",
        "kernels",
        "mutation",
        "staging",
        "vector_math",
    ],
)
def test_a_benchmark_runs_and_writes_its_rows(question, tmp_path):
    require_rows(question, tmp_path)


def test_networks_by_hand_stand_beside_each_of_them(tmp_path):
    rows = require_rows("learning", tmp_path)
    times = [row for row in rows if row["unit"] == "us"]
    assert len(times) == 4 * 2 * 2  # networks, types, and the gradient alone or a step
    if shutil.which("gcc"):
        assert all("C" in row["values"] for row in times)
        names = {row["name"] for row in rows}
        assert all(f"{row['name']}, in units of C" in names for row in times)


def require_rows(question: str, tmp_path: Path) -> list[dict[str, Any]]:
    """Run a benchmark at tiny sizes and return its rows, once they are what they should be."""
    result = run(tmp_path, question, "--smoke")
    assert result.returncode == 0, result.stderr
    (path,) = tmp_path.iterdir()
    content = json.loads(path.read_text(encoding="utf-8"))
    assert path.name == f"{question}.json"
    assert content["question"] == question
    assert content["machine"]["versions"]["numpy"]
    rows = content["rows"]
    assert all("wengert" in row["values"] for row in rows)
    assert all(row["name"].strip() in result.stdout for row in rows)
    return rows


def test_an_unknown_question_is_named(tmp_path):
    result = run(tmp_path, "speed_of_light")
    assert result.returncode != 0
    assert "no such question: speed_of_light" in result.stderr
