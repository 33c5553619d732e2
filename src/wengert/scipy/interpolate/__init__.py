"""Interpolation with SciPy's names and signatures, differentiable in points, data and grid.

piecewise.py    piecewise polynomials, the Hermite spline
cubic.py        cubic spline (any end condition), PCHIP, Akima
bspline.py      B-splines
grid.py         a line, rectangular grids

What has no rule here is SciPy's own, and refuses traced values.
"""

from typing import Any

import scipy.interpolate

from wengert.scipy.interpolate.bspline import BSpline, make_interp_spline
from wengert.scipy.interpolate.cubic import Akima1DInterpolator, CubicSpline, PchipInterpolator
from wengert.scipy.interpolate.grid import RegularGridInterpolator, griddata, interp1d, interpn
from wengert.scipy.interpolate.piecewise import CubicHermiteSpline, PPoly
from wengert.scipy.mirror import mirror

__all__ = [
    "Akima1DInterpolator",
    "BSpline",
    "CubicHermiteSpline",
    "CubicSpline",
    "PPoly",
    "PchipInterpolator",
    "RegularGridInterpolator",
    "griddata",
    "interp1d",
    "interpn",
    "make_interp_spline",
]


def __getattr__(name: str) -> Any:
    return mirror(scipy.interpolate, name)
