"""Fit NIST's Thurber data, a reference problem of higher difficulty, and count the digits that are right.

The NIST Statistical Reference Datasets certify the least-squares fit of a rational model with seven
parameters to 37 measurements of electron mobility to 11 digits, and give two starting points. This program
runs SciPy's least_squares from both, with exact Jacobians by Wengert and with SciPy's own difference
quotients, and compares the digits of parameters and standard deviations, the work and the time.

A solver that compares sums of squares cannot see changes of the parameters below about 1e-8 of their size,
because the sum is flat at its minimum. Gauss-Newton steps to a zero of the gradient J^T r can, and their
limit is as exact as J is.

    python examples/fit_thurber.py

Source of the data: https://www.itl.nist.gov/div898/strd/nls/data/thurber.shtml (public domain), in data/thurber.dat.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from scipy.optimize import least_squares

import wengert as wg

DATA = Path(__file__).parent / "data" / "thurber.dat"
METHODS = ("Wengert", "3-point", "2-point")
EPS = float(np.finfo(float).eps)
CERTIFIED_DIGITS = 11


@dataclass(frozen=True)
class Problem:
    """Measurements, starting points and the certified solution."""

    x: np.ndarray  # (37,) natural logarithm of the density
    y: np.ndarray  # (37,) electron mobility
    starts: np.ndarray  # (2, 7)
    parameters: np.ndarray  # (7,) certified
    deviations: np.ndarray  # (7,) certified standard deviations of the parameters
    residual_sum: float  # certified sum of squared residuals


@dataclass(frozen=True)
class Fit:
    """What one run of the solver found, and what it cost."""

    method: str
    start: int
    parameters: np.ndarray
    parameter_digits: float
    deviation_digits: float
    residual_calls: int
    jacobian_calls: int
    seconds: float


def load(path: Path = DATA) -> Problem:
    """Read a file in NIST's format."""
    text = path.read_text(encoding="ascii")
    measured = np.array(
        [line.split() for line in text.split("Data:   y             x")[1].strip().splitlines()], float
    )
    table = np.array([line.split()[2:] for line in re.findall(r"^ *b\d =.*$", text, re.MULTILINE)], float)
    found = re.search(r"Residual Sum of Squares: *(\S+)", text)
    if found is None:
        message = f"{path} states no residual sum of squares"
        raise ValueError(message)
    y, x = measured.T
    return Problem(x, y, table[:, :2].T, table[:, 2], table[:, 3], float(found.group(1)))


def model(b: Any, x: Any) -> Any:
    """Return the rational function (b1 + b2 x + b3 x^2 + b4 x^3) / (1 + b5 x + b6 x^2 + b7 x^3)."""
    numerator = b[0] + x * (b[1] + x * (b[2] + x * b[3]))
    denominator = 1.0 + x * (b[4] + x * (b[5] + x * b[6]))
    return numerator / denominator


def residual(b: Any, problem: Problem) -> Any:
    """Return model minus measurement."""
    return model(b, problem.x) - problem.y


def fit(problem: Problem, method: str, start: int) -> Fit:
    """Fit from a starting point; tolerances are those of the arithmetic, so that the Jacobian decides."""
    calls = {"residual": 0, "jacobian": 0}
    fun = partial(residual, problem=problem)
    exact = wg.jacobian(fun)

    def counted(b: np.ndarray) -> np.ndarray:
        calls["residual"] += 1
        return fun(b)

    def counted_jacobian(b: np.ndarray) -> np.ndarray:
        calls["jacobian"] += 1
        return exact(b)

    jac = counted_jacobian if method == "Wengert" else method
    began = time.perf_counter()
    near = least_squares(
        counted, problem.starts[start], jac=jac, method="lm", ftol=EPS, xtol=EPS, gtol=EPS, max_nfev=5000
    )
    found = refine(counted, jac, near.x)
    seconds = time.perf_counter() - began
    return Fit(
        method=method,
        start=start + 1,
        parameters=found.x,
        parameter_digits=digits(found.x, problem.parameters),
        deviation_digits=digits(deviations(found.jac, found.fun), problem.deviations),
        residual_calls=calls["residual"],
        jacobian_calls=calls["jacobian"],
        seconds=seconds,
    )


def refine(fun: Any, jac: Any, b: np.ndarray, steps: int = 100) -> Any:
    """Take Gauss-Newton steps as long as they shrink; return SciPy's result at the last point."""
    previous = np.inf
    for _ in range(steps):
        here = least_squares(fun, b, jac=jac, max_nfev=1)  # one evaluation of residuals and Jacobian, no step
        lengths = np.linalg.norm(here.jac, axis=0)
        step = np.linalg.lstsq(here.jac / lengths, -here.fun)[0] / lengths
        size = float(np.max(np.abs(step / b)))
        if not size < previous:  # each step is 2/3 of the one before, down to rounding
            return here
        b, previous = b + step, size
    return here


def deviations(jacobian: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Return the standard deviations of the parameters, sqrt(diag((J^T J)^-1) |r|^2 / (m - n)).

    From the QR factorization J D = Q R with columns scaled to length one, as J^T J would square the condition number.
    """
    m, n = jacobian.shape
    lengths = np.linalg.norm(jacobian, axis=0)
    inverse = np.linalg.inv(np.linalg.qr(jacobian / lengths, mode="r"))
    return np.linalg.norm(inverse, axis=1) / lengths * np.sqrt(r @ r / (m - n))


def digits(found: np.ndarray, certified: np.ndarray) -> float:
    """Return how many digits agree in the worst entry: the log relative error, at most what is certified."""
    error = np.max(np.abs(found - certified) / np.abs(certified))
    return float(min(-np.log10(max(error, 10.0**-CERTIFIED_DIGITS)), CERTIFIED_DIGITS))


def table_of(fits: list[Fit]) -> Table:
    """Return the comparison as a table."""
    table = Table(title="Thurber, 37 observations, 7 parameters: digits that agree with NIST")
    for header in ("Jacobian", "start", "parameters", "std. dev.", "f calls", "J calls", "ms"):
        table.add_column(header, justify="left" if header == "Jacobian" else "right")
    for f in fits:
        table.add_row(
            f.method, str(f.start), f"{f.parameter_digits:.1f}", f"{f.deviation_digits:.1f}",
            str(f.residual_calls), str(f.jacobian_calls or "-"), f"{1e3 * f.seconds:.1f}",
        )  # fmt: skip
    return table


def parameters_of(best: Fit, problem: Problem) -> Table:
    """Return the parameters of a fit beside the certified ones."""
    table = Table(title=f"Parameters by {best.method} from start {best.start}")
    for header in ("", "found", "certified", "standard deviation"):
        table.add_column(header, justify="right")
    for i, row in enumerate(zip(best.parameters, problem.parameters, problem.deviations, strict=True)):
        table.add_row(f"b{i + 1}", *[f"{value:.10e}" for value in row])
    return table


def run(console: Console) -> list[Fit]:
    """Fit in all ways, showing progress, and print the tables."""
    problem = load()
    cases = [(method, start) for method in METHODS for start in range(len(problem.starts))]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    fits = []
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("fitting", total=len(cases))
        for method, start in cases:
            progress.update(task, description=f"{method}, start {start + 1}")
            fits.append(fit(problem, method, start))
            progress.advance(task)
    console.print(parameters_of(fits[0], problem))
    console.print(table_of(fits))
    return fits


def main() -> int:
    """Run the comparison."""
    console = Console(highlight=False)
    fits = run(console)
    exact = [f for f in fits if f.method == "Wengert"]
    minimum = min(min(f.parameter_digits, f.deviation_digits) for f in exact)
    console.print(f"Minimum digits with Wengert's Jacobian: {minimum:.1f} of {CERTIFIED_DIGITS} certified")
    return 0


if __name__ == "__main__":
    sys.exit(main())
