"""Random numbers: NumPy's own generators. They draw constants, and refuse traced parameters: scale and shift draws."""

from numpy.random import *  # noqa: F403 - the same names, whatever the version of NumPy
