"""Whether objects lie in memory as the native entry expects, found out on objects whose contents are known.

The entry reads arrays, numbers, tuples and lists at fixed offsets (native/objects.ll). They are those of 64-bit CPython
with a global lock and NumPy 2; the probes below are the authority. Where one fails, calls go through `checked` instead.
"""

from __future__ import annotations

import ctypes
import struct
import sys
import sysconfig
from functools import cache

import numpy as np

__all__ = ["is_known"]


@cache
def is_known() -> bool:
    """Say whether the native entry may be used in this process."""
    return (
        sys.implementation.name == "cpython"
        and struct.calcsize("P") == 8
        and sys.byteorder == "little"
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
        and not hasattr(sys, "getobjects")  # a build that traces references: longer headers
        and _array_is_known()
        and _dtype_is_known()
        and _numbers_are_known()
        and _sequences_are_known()
    )


def _word(address: int, offset: int) -> int:
    return ctypes.c_ssize_t.from_address(address + offset).value


def _array_is_known() -> bool:
    array = np.arange(15.0).reshape(3, 5)[:, ::2]
    address = id(array)
    data, shape, strides = (_word(address, offset) for offset in (16, 32, 40))
    return (
        np.ndarray.__basicsize__ >= 72
        and _word(address, 8) == id(np.ndarray)
        and data == array.ctypes.data
        and ctypes.c_int.from_address(address + 24).value == 2
        and (_word(shape, 0), _word(shape, 8)) == array.shape
        and (_word(strides, 0), _word(strides, 8)) == array.strides
        and _word(address, 56) == id(array.dtype)
        and all(_flags_are_known(a) for a in (array, array.T, np.zeros((2, 3)), np.zeros((2, 3), order="F")))
    )


def _flags_are_known(array: np.ndarray) -> bool:
    flags = ctypes.c_int.from_address(id(array) + 64).value
    return flags & 257 == array.flags.c_contiguous + 256 * array.flags.aligned


def _dtype_is_known() -> bool:
    known = {"d": b"=", "f": b"=", "l": b"=", "?": b"|", "b": b"|"}
    swapped = np.dtype("d").newbyteorder()
    dtypes = [*map(np.dtype, known), swapped]
    orders = [*known.values(), b">"]
    return all(
        ctypes.c_char.from_address(id(dtype) + 26).value == order
        and ctypes.c_int.from_address(id(dtype) + 28).value == dtype.num
        for dtype, order in zip(dtypes, orders, strict=True)
    )


def _numbers_are_known() -> bool:
    numbers = [0.1, 1.5 - 2.5j, *(np.dtype(char).type(113) for char in "?bhilqBHILQefdgFDG")]
    return all(
        ctypes.string_at(id(number) + 16, len(expected)) == expected
        for number in numbers
        for expected in [np.asarray(number).tobytes()[: 8 if np.asarray(number).dtype.char in "gG" else None]]
    )


def _sequences_are_known() -> bool:
    items = ([1], [2], [3])
    pair = list(items)
    addresses = [id(item) for item in items]
    return (
        _word(id(items), 16) == _word(id(pair), 16) == 3
        and [_word(id(items), 24 + 8 * i) for i in range(3)] == addresses
        and [_word(_word(id(pair), 24), 8 * i) for i in range(3)] == addresses
    )
