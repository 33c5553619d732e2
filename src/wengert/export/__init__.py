"""Graphs in files: saved and loaded without running anything that the file says."""

from wengert.export.reading import load
from wengert.export.writing import save

__all__ = ["load", "save"]
