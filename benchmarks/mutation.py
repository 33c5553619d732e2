"""What writing into arrays costs while a program is differentiated, and what views cost those who only read.

Three questions, each about the forward part alone, which a tape records:

* What does one write `x[i] = v` cost beyond NumPy's own?
* Is reading through a view slower than reading the array itself?
* Does a loop of n writes `out[i] = f(out[i - 1])`, with its gradient, take time linear in n?
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import harness
import numpy as np

import wengert as wg

WRITE_US = 4.0  # beyond NumPy's own
READ_RATIO = (
    1.05  # through a view, relative to the array itself: a tie, within what a median of rounds resolves
)
LINEAR = (
    1.5  # time per write, most to fewest: 1 but for caches and the garbage collector; 4 if it were quadratic
)
LENGTHS = (25_000, 50_000, 100_000)
LOOP = 1000  # statements per call, so that the loop itself and starting a trace do not count

X = np.linspace(0.5, 1.5, 64)
MATRIX = np.linspace(0.5, 1.5, 4096).reshape(64, 64)


# Writes -------------------------------------------------------------------------------------------------------------


def _write_number(x: Any) -> None:
    for i in range(LOOP):
        x[i & 63] = 2.0


def _write_value(x: Any) -> None:
    v = x[3] * 1.0
    for i in range(LOOP):
        x[i & 63] = v


def _write_slice(x: Any) -> None:
    v = x[:8] * 1.0
    for i in range(LOOP):
        x[i & 31 : (i & 31) + 8] = v


def _write_row(x: Any) -> None:
    v = x[0] * 1.0
    for i in range(LOOP):
        x[i & 63] = v


def _empty(x: Any) -> None:
    for _ in range(LOOP):
        pass


WRITES: dict[str, tuple[Callable[[Any], None], Any]] = {
    "x[i] = number": (_write_number, X),
    "x[i] = traced number": (_write_value, X),
    "x[i:j] = traced vector": (_write_slice, X),
    "x[i] = traced row": (_write_row, MATRIX),
}


def _traced(program: Callable[[Any], None], x: Any) -> Callable[[], Any]:
    """Return a call that runs a program on an array of a running tape, and drops what was recorded."""

    def run(x: Any) -> Any:
        program(x * 1.0)
        return 0.0 * x[(0,) * x.ndim]

    return lambda: wg.vjp(run, x)


def writes(*, smoke: bool) -> list[harness.Row]:
    """Time writes into a traced array beyond those of plain NumPy."""
    found = []
    for name, (program, x) in WRITES.items():
        calls = {
            "traced": _traced(program, x),
            "numpy": lambda program=program, x=x: program(x * 1.0),
            "trace alone": _traced(_empty, x),
            "loop alone": lambda x=x: _empty(x * 1.0),
        }
        row = harness.timed(name, calls, rounds=15, smoke=smoke, per=LOOP)
        ours = row.values["traced"] - row.values["trace alone"]
        theirs = row.values["numpy"] - row.values["loop alone"]
        values = {"wengert": ours - theirs, "numpy alone": theirs}
        found.append(
            harness.Row(f"{name}, beyond NumPy", "us", values, row.spread, None if smoke else WRITE_US)
        )
    return found


# Reads --------------------------------------------------------------------------------------------------------------


def _read_number(x: Any) -> None:
    for i in range(LOOP):
        x[i & 31]


def _read_slice(x: Any) -> None:
    for i in range(LOOP):
        x[i & 15 : 30]


def _use(x: Any) -> None:
    for _ in range(LOOP):
        np.sin(x)


READS = {"x[i]": _read_number, "x[i:j]": _read_slice, "np.sin(x)": _use}


def _reading(program: Callable[[Any], None], *, through_view: bool) -> Callable[[], Any]:
    def run(x: Any) -> Any:
        y = x * 1.0
        program(y[8:40] if through_view else y)
        return 0.0 * x[0]

    start = X if through_view else X[8:40].copy()
    return lambda: wg.vjp(run, start)


def reads(*, smoke: bool) -> list[harness.Row]:
    """Time reads of an array of 32 entries, and of a view of 32 entries of a larger one."""
    found = []
    for name, program in READS.items():
        calls = {
            "view": _reading(program, through_view=True),
            "array": _reading(program, through_view=False),
            "trace alone": _reading(_empty, through_view=False),
        }
        row = harness.timed(name, calls, rounds=25, smoke=smoke, per=LOOP)
        view, array = (row.values[who] - row.values["trace alone"] for who in ("view", "array"))
        found.append(
            harness.Row(f"{name} of a view, of an array", "us", {"wengert": view, "array": array}, row.spread)
        )
        found.append(
            harness.Row("  ratio", "", {"wengert": view / array}, limit=None if smoke else READ_RATIO)
        )
    return found


# Growth -------------------------------------------------------------------------------------------------------------


def _filled(n: int) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        out = np.zeros(n, like=x)
        out[0] = x
        for i in range(1, n):
            out[i] = 0.999 * out[i - 1] + 0.001
        return np.sum(out)

    return run


def growth(*, smoke: bool) -> list[harness.Row]:
    """Time gradients of loops that fill an array entry by entry."""
    lengths = (100, 200) if smoke else LENGTHS
    calls = {}
    for n in lengths:
        gradient = wg.grad(_filled(n))
        np.testing.assert_allclose(gradient(0.3), (1.0 - 0.999**n) / (1.0 - 0.999), rtol=1e-9)
        calls[str(n)] = lambda gradient=gradient: gradient(0.3)
    times = harness.interleaved(calls, rounds=1 if smoke else 5, sample_s=0.0)
    costs = [median(times[str(n)]) / n * 1e6 for n in lengths]
    found = [
        harness.Row(f"{n} writes, with the gradient", "us/write", {"wengert": cost})
        for n, cost in zip(lengths, costs, strict=True)
    ]
    ratio = {"wengert": costs[-1] / costs[0]}
    return [*found, harness.Row("  most to fewest", "", ratio, limit=None if smoke else LINEAR)]


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Answer the three questions."""
    return [*writes(smoke=smoke), *reads(smoke=smoke), *growth(smoke=smoke)]


if __name__ == "__main__":
    harness.report("mutation", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)
