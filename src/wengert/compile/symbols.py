"""Addresses of what programs import by name.

    wg.blas.NAME, wg.lapack.NAME    the routines of SciPy's cython_blas and cython_lapack
    wg.numpy.NAME                   the entries of NumPy's C interface that the boundary uses

Other modules `register` what they provide. All other names are those of the process, which the linker knows.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from numpy._core import multiarray as _multiarray

__all__ = ["imported", "register", "resolve"]

_DECLARED: Final = re.compile(
    r"""^(?: declare\b [^@\n]* @"?(wg\.[\w.]+) | @"?(wg\.[\w.]+)"?\ =\ external\b )""",
    re.MULTILINE | re.VERBOSE,
)
_ARRAY_FUNCTIONS: Final = {
    "ndarray": 2,
    "scalar": 60,
    "empty": 184,
}  # slots of NumPy's table, fixed since 1.0
_TABLE: Final = 1 + max(_ARRAY_FUNCTIONS.values())

_registered: dict[str, Callable[[], int]] = {}


def register(name: str, address: Callable[[], int]) -> None:
    """Give a name, beginning with ``wg.``, to what a function returns the address of.

    Parameters
    ----------
    name : str
        What programs import.
    address : callable
        Asked once for each library that is linked.
    """
    _registered[name] = address


def imported(text: str) -> set[str]:
    """Return the names beginning with ``wg.`` that a module declares and does not define."""
    return {function or variable for function, variable in _DECLARED.findall(text)}


def resolve(name: str) -> int:
    """Return the address of a name beginning with ``wg.``.

    Parameters
    ----------
    name : str
        What a program imports.

    Returns
    -------
    int
        Its address in this process.

    Raises
    ------
    LookupError
        If there is no such symbol.
    """
    if name in _registered:
        return _registered[name]()
    _, family, *rest = name.split(".")
    if family in {"blas", "lapack"} and len(rest) == 1:
        return _routine(family, rest[0])
    if family == "numpy" and rest and rest[0] in _ARRAY_FUNCTIONS:
        return int(_numpy_table()[_ARRAY_FUNCTIONS[rest[0]]])
    message = f"no symbol {name}"
    raise LookupError(message)


@cache
def _routine(family: str, name: str) -> int:
    import scipy.linalg.cython_blas  # 60 ms, when a program first needs a product
    import scipy.linalg.cython_lapack

    modules: Any = {"blas": scipy.linalg.cython_blas, "lapack": scipy.linalg.cython_lapack}
    capsules = modules[family].__pyx_capi__
    if name not in capsules:
        message = f"SciPy's {family.upper()} has no routine {name}"
        raise LookupError(message)
    return _pointer(capsules[name])


@cache
def _numpy_table() -> Any:
    return (ctypes.c_size_t * _TABLE).from_address(_pointer(vars(_multiarray)["_ARRAY_API"]))


# Function objects of our own: those of `ctypes.pythonapi` are everybody's, with everybody's argument types.
_capsule_name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _pointer(capsule: object) -> int:
    """Return what a capsule points to."""
    address: int = _capsule_pointer(capsule, _capsule_name(capsule))
    return address
