"""A solution as a function of time, in Chebyshev polynomials: what the adjoint equation reads at each evaluation.

SciPy's solvers give polynomials in forms of their own, one object for each step. Their values at d + 1 points determine
them, d being the degree; in this one form, a compiled function takes the coefficients of a step and the time.

    y(t) = sum_k c_k T_k(x),  x = (t - mid) / half        Clenshaw (1955) sums without the T_k
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

__all__ = ["DEGREES", "Trajectory", "clenshaw"]

# Of the polynomials within a step: SciPy's formulas, and the orders at most (BDF 5, LSODA's Adams methods 12).
DEGREES = {"RK23": 3, "RK45": 4, "DOP853": 7, "Radau": 3, "BDF": 5, "LSODA": 12}


def clenshaw(c: Any, x: Any) -> Any:
    """Return the sum of Chebyshev polynomials with coefficients along the first axis, two at least."""
    b, b_next = c[-1], np.zeros_like(c[-1])
    for k in range(c.shape[0] - 2, 0, -1):
        b, b_next = c[k] + 2.0 * x * b - b_next, b
    return c[0] + x * b - b_next


class Trajectory:
    """A solution of SciPy's.

    Parameters
    ----------
    sol : OdeSolution
    method : str
        Of which it is.

    Attributes
    ----------
    knots : array
        Ends of steps, in increasing order.
    degree : int
    """

    def __init__(self, sol: Any, method: str) -> None:
        order = 1 if sol.ascending else -1
        self.knots = np.asarray(sol.ts, float)[::order]
        self.degree = DEGREES[method]
        nodes = chebyshev.chebpts1(self.degree + 1)
        fit = np.linalg.inv(chebyshev.chebvander(nodes, self.degree))
        self._mid = (self.knots[1:] + self.knots[:-1]) / 2
        self._half = np.diff(self.knots) / 2
        pieces = zip(sol.interpolants[::order], self._mid, self._half, strict=True)
        self._coefficients = np.stack([fit @ piece(mid + half * nodes).T for piece, mid, half in pieces])
        self._inner = self.knots[1:-1].tolist()

    def piece(self, t: float) -> tuple[Any, Any, Any]:
        """Return the coefficients of the step that a time is in, and the middle and half the length of it."""
        i = bisect_right(self._inner, t)
        return self._coefficients[i], self._mid[i], self._half[i]

    def __call__(self, times: Any) -> Any:
        """Return the states at times, in rows."""
        places = np.searchsorted(self.knots[1:-1], times, side="right")
        x = (times - self._mid[places]) / self._half[places]
        return clenshaw(np.moveaxis(self._coefficients[places], 1, 0), x[:, None])
