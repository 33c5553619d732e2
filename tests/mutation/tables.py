"""The tables: ways to write into an array, and to look at one array through several handles.

`x` is (3, 4), `v` is (4,), `s` is a scalar; see `programs.py`.
"""

from __future__ import annotations

from .table_assignments import ASSIGNMENTS, AUGMENTED
from .table_functions import FUNCTIONS
from .table_layouts import LAYOUTS
from .table_overlaps import OVERLAPS, SCALARS, SCOPES
from .table_views import VIEWS

TABLES = {
    "layout": LAYOUTS,
    "assignment": ASSIGNMENTS,
    "augmented": AUGMENTED,
    "function": FUNCTIONS,
    "view": VIEWS,
    "overlap": OVERLAPS,
    "scope": SCOPES,
    "scalar": SCALARS,
}
