"""Filters and interpolation of images with SciPy's names and signatures, differentiable in images and weights.

filters.py         correlation, convolution, Gaussian, uniform and difference filters
interpolation.py   images at other points, B-splines
borders.py         the modes beyond the border

What has no rule here is SciPy's own, and refuses traced values.
"""

from typing import Any

import scipy.ndimage

from wengert.scipy.mirror import mirror
from wengert.scipy.ndimage.filters import (
    convolve,
    convolve1d,
    correlate,
    correlate1d,
    gaussian_filter,
    gaussian_filter1d,
    gaussian_laplace,
    laplace,
    prewitt,
    sobel,
    uniform_filter,
    uniform_filter1d,
)
from wengert.scipy.ndimage.interpolation import (
    affine_transform,
    map_coordinates,
    shift,
    spline_filter,
    spline_filter1d,
    zoom,
)

__all__ = [
    "affine_transform",
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_laplace",
    "laplace",
    "map_coordinates",
    "prewitt",
    "shift",
    "sobel",
    "spline_filter",
    "spline_filter1d",
    "uniform_filter",
    "uniform_filter1d",
    "zoom",
]


def __getattr__(name: str) -> Any:
    return mirror(scipy.ndimage, name)
