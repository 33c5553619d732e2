"""The other ways to differentiate, independent of Wengert's rules: to compare with, and to check against."""

from wengert.methods import finite_difference

__all__ = ["finite_difference"]
