"""Timing side by side: candidates take turns in one run, and medians are compared."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

RESULTS = Path(__file__).parent / "results"
SAMPLE_S = 0.02  # a sample is as many calls as fill this
PATIENCE_S = 3.0  # a candidate that takes longer in all rounds sits some out
FEWEST = 3  # rounds, where a call does not take that long itself
PACKAGES = ("wengert", "numpy", "scipy", "jax", "torch", "autograd", "casadi")
# Read by OpenBLAS, by OpenMP and MKL (PyTorch), and by XLA's runtime (JAX) when they are loaded.
ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NPROC": "1",
    "WENGERT_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}

Candidates = Mapping[str, Callable[[], Any]]


@dataclass
class Row:
    """One question's answers: a number for each candidate, in one unit, and the bound that Wengert must keep."""

    name: str
    unit: str
    values: dict[str, float]
    spread: dict[str, float] = field(
        default_factory=dict
    )  # half the distance between the quartiles, relative
    limit: float | None = None

    def text(self) -> str:
        """Return a line of the table: each value, and its ratio to Wengert's."""
        ours = self.values.get("wengert")
        cells = []
        for who, value in self.values.items():
            ratio = "" if who == "wengert" or not ours else f" ({value / ours:.1f}x)"
            cells.append(f"{who} {value:.4g}{ratio}")
        bound = ""
        if self.limit is not None and ours is not None:
            bound = f"   [limit {self.limit:g}: {'met' if ours <= self.limit else 'MISSED'}]"
        return f"{self.name:<34} {self.unit:<8} {'   '.join(cells)}{bound}"


def optional(name: str) -> ModuleType | None:
    """Import a peer, or return None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def installed(name: str) -> bool:
    """Say whether a package could be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def interleaved(candidates: Candidates, *, rounds: int, sample_s: float) -> dict[str, list[float]]:
    """Return seconds per call of each candidate in each round.

    The first call of each warms it up and sets how often it is called per sample. Within a round the candidates take
    turns, so that a change of the machine's speed meets all of them. The garbage collector stays on, as for users, but
    runs before each sample, so that nobody pays for another's garbage.
    """
    number, turns = {}, {}
    for who, call in candidates.items():
        call()
        start = time.perf_counter()
        call()
        took = time.perf_counter() - start
        number[who] = max(1, round(sample_s / took))
        fewest = FEWEST if took < PATIENCE_S else 1
        turns[who] = min(rounds, max(fewest, round(PATIENCE_S / (took * number[who]))))
    times: dict[str, list[float]] = {who: [] for who in candidates}
    for k in range(rounds):
        for who, call in candidates.items():
            if k >= turns[who]:
                continue
            gc.collect()
            start = time.perf_counter()
            for _ in range(number[who]):
                call()
            times[who].append((time.perf_counter() - start) / number[who])
    return times


def timed(
    name: str,
    candidates: Candidates,
    *,
    rounds: int,
    smoke: bool = False,
    per: float | Mapping[str, float] = 1,
    unit: str = "us",
    limit: float | None = None,
) -> Row:
    """Measure candidates side by side; `per` divides the time of a call (of each candidate), for a cost per operation.

    `smoke` takes each once: not a measurement, but everything has run.
    """
    scale = {"ns": 1e9, "us": 1e6, "ms": 1e3, "s": 1.0}[unit]
    pers = per if isinstance(per, Mapping) else dict.fromkeys(candidates, per)
    times = interleaved(candidates, rounds=1 if smoke else rounds, sample_s=0.0 if smoke else SAMPLE_S)
    values = {who: median(ts) * scale / pers[who] for who, ts in times.items()}
    return Row(name, unit, values, {who: _spread(ts) for who, ts in times.items()}, limit)


def _spread(times: list[float]) -> float:
    ordered = sorted(times)
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    return (high - low) / 2 / median(times)


def alone(script: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Any:
    """Run a script in an interpreter of its own, and return the JSON that it prints on its last line."""
    command = [sys.executable, str(script), *arguments]
    env = os.environ | (environment or {})
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=env)
    return json.loads(result.stdout.splitlines()[-1])


def machine() -> dict[str, Any]:
    """Describe what a result depends on, and nothing that names the machine."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def report(question: str, rows: list[Row], *, dated: bool = False) -> Path:
    """Print the table and write it as JSON; dated results are kept in the repository."""
    for row in rows:
        print(row.text())
    RESULTS.mkdir(exist_ok=True)
    prefix = time.strftime("%Y-%m-%d-") if dated else ""
    path = RESULTS / f"{prefix}{question}.json"
    content = {"question": question, "machine": machine(), "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path
