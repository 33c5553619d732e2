"""Elementary and special functions as LLVM functions of any number of lanes.

`define` gives the text of one function, `dependencies` what it calls, `module_text` and `module_parts` everything that
a set of functions needs, and `FUNCTIONS` the names there are, with the number of arguments.
"""

import importlib
import pkgutil

from wengert.compile.vector_math.definitions import (
    DEFINITIONS,
    define,
    dependencies,
    module_parts,
    module_text,
)

for _module in pkgutil.iter_modules(__path__):  # importing a module fills the table
    importlib.import_module(f"{__name__}.{_module.name}")

FUNCTIONS = {name: found.arity for name, found in sorted(DEFINITIONS.items()) if not found.is_rare}

__all__ = ["FUNCTIONS", "define", "dependencies", "module_parts", "module_text"]
