"""SciPy's names and signatures where SciPy itself does not dispatch; every submodule loads when it is first named."""

import importlib
from typing import Any

__all__: list[str] = []

_SUBMODULES = frozenset({"integrate", "interpolate", "linalg", "ndimage", "signal", "special", "stats"})


def __getattr__(name: str) -> Any:
    if name not in _SUBMODULES:
        message = f"module 'wengert.scipy' has no attribute {name!r}"
        raise AttributeError(message)
    return importlib.import_module(f"wengert.scipy.{name}")
