"""How long `import wengert` takes, beside the NumPy import that it contains."""

from __future__ import annotations

import subprocess
import sys

import harness

LIMIT_MS = 150.0  # over Python's own start, NumPy excluded


def _import(statement: str) -> None:
    subprocess.run([sys.executable, "-c", statement], check=True)


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Time whole interpreters, and subtract one that imports NumPy alone."""
    programs = {"bare": "pass", "numpy": "import numpy", "wengert": "import wengert"}
    if harness.installed("autograd"):
        programs["autograd"] = "import autograd.numpy"
    candidates = {who: lambda code=code: _import(code) for who, code in programs.items()}
    row = harness.timed("interpreter with one import", candidates, rounds=15, smoke=smoke, unit="ms")
    base = row.values["numpy"]
    above = {who: value - base for who, value in row.values.items() if who not in {"bare", "numpy"}}
    return [row, harness.Row("import above NumPy", "ms", above, limit=LIMIT_MS)]


if __name__ == "__main__":
    harness.report("import_time", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)
