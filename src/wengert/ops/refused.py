"""What NumPy lets us overload and Wengert refuses on traced values, with the reasons.

Strings and records have many functions, which are refused module by module; this file is imported late, since it
imports those modules.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.char
import numpy.lib.recfunctions
import numpy.strings
from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs

from wengert.core.numpy_protocol import FUNCTIONS, UFUNCS, refuse

__all__: list[str] = []

_CONSTANT = "wengert.stop_gradient(x), where a constant is meant."

refuse(
    *(np.save, np.savetxt, np.savez, np.savez_compressed),
    reason="a file holds plain numbers, and would lose the derivative.",
    instead="return the value from the function (has_aux=True) and save it then, or save wengert.stop_gradient(x).",
)
refuse(
    *(np.packbits, np.unpackbits),
    reason="it takes bits or small integers, which have no derivative.",
    instead=_CONSTANT,
)
refuse(
    *(np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string),
    reason="it takes dates, which have no derivative.",
    instead=_CONSTANT,
)


def _functions(*modules: str) -> list[Any]:
    functions = get_overridable_numpy_array_functions()
    return [f for f in functions if f.__module__ in modules and f not in FUNCTIONS]


def _string_ufuncs() -> list[Any]:
    """Return the ufuncs that have no loop for numbers."""
    return [f for f in get_overridable_numpy_ufuncs() if not f.types and f not in UFUNCS]


refuse(
    *_functions("numpy.strings", "numpy.char"),
    *_string_ufuncs(),
    reason="it takes strings, which have no derivative.",
    instead="wengert.stop_gradient(x), turned into strings by astype(str), where the text of the numbers is meant.",
)
refuse(
    *_functions("numpy.lib.recfunctions"),
    reason="it takes or makes records, and a traced array has entries of one floating type.",
    instead="one traced array for each field, or a dictionary of arrays: any argument may be one.",
)
