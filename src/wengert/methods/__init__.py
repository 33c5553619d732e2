"""The other ways to differentiate, independent of Wengert's rules: to compare with, and to check against."""

from wengert.methods import finite_difference, symbolic

__all__ = ["finite_difference", "symbolic"]
