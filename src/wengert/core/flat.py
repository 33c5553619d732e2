"""The entries of a traced array in row-major order, to read and to write: `ndarray.flat`."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from wengert.core.numpy_protocol import FUNCTIONS, operand
from wengert.core.views import require_array

__all__ = ["Flat"]


class Flat:
    """The entries of a traced array in C order, as `ndarray.flat`."""

    __slots__ = ("_x",)

    def __init__(self, x: Any) -> None:
        self._x = x

    def __iter__(self) -> Iterator[Any]:
        return iter(self._x.reshape(-1))

    def __len__(self) -> int:
        return int(self._x.size)

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS[operator.getitem](FUNCTIONS[np.ravel](self._x), index)  # a copy, as NumPy's

    def __setitem__(self, index: Any, values: Any) -> None:
        require_array(self._x, "x.flat[index] = values")
        if not np.size(values):
            nothing = np.empty(np.shape(values))
            np.zeros(self._x.size).flat[index] = nothing  # writes nothing, or raises NumPy's error
            return
        n = np.arange(self._x.size)[index].size
        repeated = np.resize(operand(values), n) if np.ndim(values) else values  # what is short is repeated
        flat = FUNCTIONS[operator.setitem](FUNCTIONS[np.ravel](self._x), index, repeated)
        self._x[...] = np.reshape(flat, self._x.shape)
