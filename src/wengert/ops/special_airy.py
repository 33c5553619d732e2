"""Airy functions and parabolic cylinder functions: a solution and its slope, tied by an equation."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from wengert.errors import RuleMissingError
from wengert.ops.families import unary
from wengert.ops.multiple import elementwise_multiple
from wengert.ops.special_families import fixed, parameters

__all__: list[str] = []


# Results Ai, Ai', Bi, Bi' with w'' = x w (DLMF 9.2.1).
elementwise_multiple(
    special.airy,
    (
        (lambda ys, x: ys[1],),
        (lambda ys, x: x * ys[0],),
        (lambda ys, x: ys[3],),
        (lambda ys, x: x * ys[2],),
    ),
    samples=unary(-3.0, 2.0),
    complex=True,
    doc="Airy functions Ai and Bi of x, each with its derivative. DLMF 9.2.1.",
)


# Scaled by exp(zeta) and exp(-|Re zeta|) with zeta = 2/3 x sqrt(x), zeta' = sqrt(x). For real x < 0 the first pair is
# nan in SciPy and the second unscaled.


def _scaling(x: Any) -> Any:
    if np.result_type(x).kind == "c":
        raise RuleMissingError(
            "airye was differentiated at complex points",
            why="the scaling factor of Bi contains an absolute value, so it is not a holomorphic function.",
            instead="use airy and scale its results.",
        )
    return np.sqrt(np.where(x > 0, x, 0.0))


elementwise_multiple(
    special.airye,
    (
        (lambda ys, x: ys[1] + _scaling(x) * ys[0],),
        (lambda ys, x: x * ys[0] + _scaling(x) * ys[1],),
        (lambda ys, x: ys[3] - _scaling(x) * ys[2],),
        (lambda ys, x: x * ys[2] - _scaling(x) * ys[3],),
    ),
    samples=unary(0.5, 3.0),
    doc="Airy functions and derivatives, scaled by exp(2/3 x^(3/2)) and its reciprocal. DLMF 9.2.1.",
)


# Results w, w' with w'' = (x^2/4 - v - 1/2) w for D_v and V_v (DLMF 12.2.4), w'' = (a - x^2/4) w for W (DLMF 12.2.3).

elementwise_multiple(
    special.pbdv,
    (
        (fixed("pbdv", "v"), lambda ys, v, x: ys[1]),
        (fixed("pbdv", "v"), lambda ys, v, x: (0.25 * x * x - v - 0.5) * ys[0]),
    ),
    samples=parameters((0, 3), (-2.0, 2.0)),
    doc="Parabolic cylinder function D of order v, and its derivative. DLMF 12.2.4.",
)

elementwise_multiple(
    special.pbvv,
    (
        (fixed("pbvv", "v"), lambda ys, v, x: ys[1]),
        (fixed("pbvv", "v"), lambda ys, v, x: (0.25 * x * x - v - 0.5) * ys[0]),
    ),
    samples=parameters((0, 3), (0.5, 2.0)),
    doc="Parabolic cylinder function V of order v, and its derivative. DLMF 12.2.4.",
)

elementwise_multiple(
    special.pbwa,
    (
        (fixed("pbwa", "a"), lambda ys, a, x: ys[1]),
        (fixed("pbwa", "a"), lambda ys, a, x: (a - 0.25 * x * x) * ys[0]),
    ),
    samples=parameters((0, 3), (-2.0, 2.0)),
    doc="Parabolic cylinder function W with parameter a, and its derivative. DLMF 12.2.3.",
)
