"""wengert.numpy and wengert.scipy load when they are named, and not before."""

import os
import subprocess
import sys
from pathlib import Path

import wengert as wg

CODE = """
import sys
import wengert as wg
heavy = [name for name in ("scipy", "wengert.scipy", "wengert.numpy") if name in sys.modules]
assert not heavy, heavy
assert wg.numpy.linalg.inv
assert abs(wg.grad(wg.scipy.stats.norm.logpdf)(2.0) + 2.0) < 1e-15
assert "scipy.stats" not in sys.modules
for name in ("integrate", "interpolate", "linalg", "ndimage", "signal", "special", "stats"):
    assert getattr(wg.scipy, name).__name__ == f"wengert.scipy.{name}"
"""


def test_mirrors_load_when_they_are_named():
    env = {**os.environ, "PYTHONPATH": str(Path(wg.__file__).parents[1])}
    subprocess.run([sys.executable, "-W", "error", "-c", CODE], check=True, timeout=60, env=env)
