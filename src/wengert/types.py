"""Types of arrays: what is known of a value before it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Array", "ArrayType", "type_of"]

Array = Any  # a value or a tracer: anything that speaks NumPy's protocols


@dataclass(frozen=True, slots=True)
class ArrayType:
    """Shape and dtype of an array; compared by value."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __str__(self) -> str:
        kind = f"{self.dtype.kind}{8 * self.dtype.itemsize}" if self.dtype.kind in "iufc" else str(self.dtype)
        return f"{kind}[{','.join(map(str, self.shape))}]"


def type_of(x: Array) -> ArrayType:
    """Return the type of a value or tracer; Python numbers have NumPy's default dtypes."""
    if hasattr(x, "dtype"):
        return ArrayType(tuple(x.shape), x.dtype)
    return ArrayType(np.shape(x), np.result_type(x))
