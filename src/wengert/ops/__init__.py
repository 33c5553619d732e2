"""First-order primitives: importing this package fills NumPy's tables."""

import importlib
import pkgutil

from wengert.core import numpy_protocol

_LATE = ("polynomial_series", "refused", "special")  # they import what most programs never need
_ON_DEMAND = ("linalg_", "signal_")  # primitives of wengert.scipy alone, which imports them

for _module in pkgutil.iter_modules(__path__):
    if _module.name.startswith(_LATE):
        numpy_protocol.LATE.append(f"{__name__}.{_module.name}")
    elif not _module.name.startswith(_ON_DEMAND):
        importlib.import_module(f"{__name__}.{_module.name}")
