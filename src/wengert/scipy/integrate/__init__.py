"""Integration with SciPy's names and signatures, differentiable in samples, limits and parameters.

samples.py         integrals of samples
quadrature.py      integrals of functions
initial_value.py   differential equations

What has no rule here is SciPy's own, and refuses traced values.
"""

from typing import Any

import scipy.integrate

from wengert.scipy.integrate.initial_value import solve_ivp
from wengert.scipy.integrate.quadrature import dblquad, fixed_quad, quad
from wengert.scipy.integrate.samples import cumulative_trapezoid, romb, simpson, trapezoid
from wengert.scipy.mirror import mirror

__all__ = [
    "cumulative_trapezoid",
    "dblquad",
    "fixed_quad",
    "quad",
    "romb",
    "simpson",
    "solve_ivp",
    "trapezoid",
]


def __getattr__(name: str) -> Any:
    return mirror(scipy.integrate, name)
