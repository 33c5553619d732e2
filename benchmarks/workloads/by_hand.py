"""Derivatives by hand: the C files beside the benchmarks, built for this machine by gcc where there is one."""

from __future__ import annotations

import atexit
import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.linalg import cython_blas

FOLDER = Path(__file__).parents[1] / "c"
FLAGS = ("-O3", "-march=native", "-mprefer-vector-width=512", "-ffast-math", "-shared", "-fPIC")
LIBRARIES = (("-lmvec", "-lm"), ("-lm",))  # vector functions, where the C library has them


@cache
def library(file: str, *defined: str) -> ctypes.CDLL | None:
    """Return a C file, compiled with definitions and loaded, or None where there is no gcc."""
    gcc = shutil.which("gcc")
    if gcc is None:
        return None
    folder = tempfile.mkdtemp(prefix="wengert-benchmark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = Path(folder) / f"{file}.so"
    for libraries in LIBRARIES:
        command = [gcc, *FLAGS, *defined, str(FOLDER / f"{file}.c"), "-o", str(target), *libraries]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode == 0:
            return ctypes.CDLL(str(target))
    raise RuntimeError(found.stderr)


def blas(name: str) -> int:
    """Return the address of a routine of the BLAS that SciPy brings."""
    capsule = cython_blas.__pyx_capi__[name]
    ctypes.pythonapi.PyCapsule_GetName.restype = ctypes.c_char_p
    ctypes.pythonapi.PyCapsule_GetPointer.restype = ctypes.c_void_p
    what = ctypes.pythonapi.PyCapsule_GetName(ctypes.py_object(capsule))
    return ctypes.pythonapi.PyCapsule_GetPointer(ctypes.py_object(capsule), what)


def program(
    file: str,
    name: str,
    arrays: Sequence[np.ndarray],
    sizes: Sequence[int],
    routine: str = "",
    defined: Mapping[str, Any] = MappingProxyType({}),
) -> Callable[[int], Any] | None:
    """Return a function that runs a C program so many times, or None where there is no gcc.

    The program reads and writes the memory of the arrays; a routine of BLAS is given to it behind them.
    """
    found = library(file, *[f"-D{what}={value}" for what, value in defined.items()])
    if found is None:
        return None
    addresses = [*[a.ctypes.data for a in arrays], *([blas(routine)] if routine else [])]
    pointers = (ctypes.c_void_p * len(addresses))(*addresses)
    lengths = (ctypes.c_long * max(1, len(sizes)))(*sizes)
    repeat = found.repeat
    repeat.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_long]
    address = ctypes.cast(getattr(found, name), ctypes.c_void_p)

    def run(times: int, _kept: Any = arrays) -> None:
        repeat(address, pointers, lengths, times)

    return run
