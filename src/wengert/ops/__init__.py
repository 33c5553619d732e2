"""First-order primitives: importing this package fills NumPy's tables."""

import importlib
import pkgutil

from wengert.core import numpy_protocol

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    if ".special" in _module.name:
        numpy_protocol.LATE.append(_module.name)
    else:
        importlib.import_module(_module.name)
