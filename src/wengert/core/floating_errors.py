"""What NumPy has been told to do about overflow, division by zero, invalid operations and underflow.

Unless told otherwise it warns, and compiled code does not. But who asks NumPy to raise, to call a function, to print or
to log counts on it: compiled code is not used then. What NumPy was told is one object in a context variable, another
one for each `np.errstate` that is entered: so it costs the reading of the variable to see that nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy._core import umath

__all__ = ["are_ignored", "are_watched", "harmless", "setting"]

_variable = getattr(umath, "_extobj_contextvar", None)  # of all versions since 2.0, and nobody's promise
setting: Callable[[], Any] = object if _variable is None else _variable.get
harmless: list[Any] = [None]  # the last setting seen under which nothing but warnings is asked for


def are_watched() -> bool:
    """Return whether NumPy is to do more about floating-point errors than to warn of them."""
    now = setting()
    if now is harmless[0]:
        return False
    if any(action not in {"ignore", "warn"} for action in np.geterr().values()):
        return True
    harmless[0] = now
    return False


def are_ignored() -> bool:
    """Return whether NumPy is to be silent about some floating-point error that it warns of by default."""
    errors = np.geterr()
    return errors["invalid"] == "ignore" or errors["divide"] == "ignore" or errors["over"] == "ignore"
