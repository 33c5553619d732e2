"""`solve_tridiagonal`: A y = b for a tridiagonal A, in time linear in its size.

    y_dot = A^-1 (b_dot - A_dot y)          b_bar = A^-T y_bar,  A_bar = -b_bar y^T on the three diagonals

(Giles 2008, section 2.3.1). The transpose swaps the outer diagonals, so both rules call the primitive itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.linalg

from wengert.core.primitive import Primitive, Site, define
from wengert.ops.coefficients import solution_series
from wengert.ops.families import match
from wengert.types import ArrayType

__all__ = ["solve_tridiagonal"]


def _eval(lower: Any, diagonal: Any, upper: Any, b: Any) -> Any:
    n = np.shape(diagonal)[0]
    bands = np.zeros((3, n), np.result_type(lower, diagonal, upper, b))
    bands[0, 1:], bands[1], bands[2, :-1] = upper, diagonal, lower
    return scipy.linalg.solve_banded((1, 1), bands, b.astype(bands.dtype), check_finite=False)


def _product(matrix: Sequence[Any], y: Any) -> Any:
    """Return A y, leaving out diagonals that are None."""
    lower, diagonal, upper = matrix
    zero = np.zeros((1, np.shape(y)[1]), y.dtype)
    total = None
    for part in (
        None if diagonal is None else diagonal[:, None] * y,
        None if upper is None else np.concatenate([upper[:, None] * y[1:], zero]),
        None if lower is None else np.concatenate([zero, lower[:, None] * y[:-1]]),
    ):
        if part is not None:
            total = part if total is None else total + part
    return total


def _jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
    (lower, diagonal, upper, _), (*matrix_dot, b_dot) = xs, x_dots
    y = solve_tridiagonal(*xs)
    change = _product(matrix_dot, y)
    if change is not None:
        b_dot = -change if b_dot is None else b_dot - change
    return y, solve_tridiagonal(lower, diagonal, upper, b_dot)


def _vjp(y_bar: Any, site: Site) -> list[Any]:
    (lower, diagonal, upper, b), y = site.xs, site.y
    need_lower, need_diagonal, need_upper, need_b = site.needs
    b_bar = solve_tridiagonal(upper, diagonal, lower, y_bar)
    return [
        match(-np.sum(b_bar[1:] * y[:-1], axis=1), lower) if need_lower else None,
        match(-np.sum(b_bar * y, axis=1), diagonal) if need_diagonal else None,
        match(-np.sum(b_bar[:-1] * y[1:], axis=1), upper) if need_upper else None,
        match(b_bar, b) if need_b else None,
    ]


def _batch(size: int, xs: Sequence[Any], batched: Sequence[bool]) -> Any:
    """Solve the systems as one, whose blocks do not touch."""
    lower, diagonal, upper, b = (
        x if is_batched else np.broadcast_to(x, (size, *np.shape(x)))
        for x, is_batched in zip(xs, batched, strict=True)
    )
    (_, n), gap = np.shape(diagonal), np.zeros((size, 1))
    off = [np.reshape(np.concatenate([x, gap], axis=1), -1)[:-1] for x in (lower, upper)]
    y = solve_tridiagonal(off[0], np.reshape(diagonal, -1), off[1], np.reshape(b, (size * n, np.shape(b)[2])))
    return np.reshape(y, (size, n, -1))


def _samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for n, columns in ((1, 1), (2, 3), (4, 2)):
        off = rng.uniform(-1.0, 1.0, (2, n - 1))
        yield (off[0], rng.uniform(3.0, 4.0, n), off[1], rng.normal(size=(n, columns))), {}


solve_tridiagonal: Primitive = define(
    name="solve_tridiagonal",
    doc="Solution of A y = b for A of lower, main and upper diagonal; b is (n, columns). Giles (2008).",
    eval=_eval,
    infer=lambda *types: ArrayType(types[3].shape, np.result_type(*[t.dtype for t in types])),
    jvp=_jvp,
    taylor=solution_series("solve_tridiagonal", _product),
    vjp=_vjp,
    batch=_batch,
    samples=_samples,
    complex=True,
)
