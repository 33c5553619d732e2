"""Fourier transforms: NumPy's own functions, which all take traced values."""

from numpy.fft import *  # noqa: F403 - the same names, whatever the version of NumPy
