"""Arguments that the functions on images share: the input, `output`, axes, sequences, numbers that must be known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.errors import NotConcreteError, NotDifferentiableError, RefusedError
from wengert.types import type_of

__all__ = ["axes_of", "cast_to", "image", "known", "per_axis"]


def image(input: Any) -> Any:
    """Return the input as an array of its own."""
    x = operand(input)
    return x if hasattr(x, "dtype") else np.asarray(x)


def cast_to(y: Any, x: Any, output: Any) -> Any:
    """Return a result in the dtype that SciPy gives it: `output`, or that of the input.

    Raises
    ------
    RefusedError
        If `output` is an array: it could not hold a derivative.
    NotDifferentiableError
        If the result would be rounded to integers.
    """
    if hasattr(output, "dtype") and not isinstance(output, type):
        raise RefusedError(
            "output= is an array, into which a traced value would be written",
            why="a plain array cannot hold derivative information; it would be lost.",
            instead="drop output=, or pass a dtype.",
        )
    dtype = type_of(x).dtype if output is None else np.dtype(output)
    found = type_of(y).dtype
    if dtype.kind not in "fc":
        raise NotDifferentiableError(
            f"a traced result would be rounded to {dtype}",
            why="scipy.ndimage gives results the dtype of the input.",
            instead="pass the input as floats, input.astype(float), or output=float.",
        )
    if found.kind == "c" and dtype.kind != "c":
        dtype = np.result_type(dtype, np.complex64)
    return y if found == dtype else np.astype(y, dtype)


def axes_of(axes: Any, ndim: int) -> tuple[int, ...]:
    """Return axes as distinct numbers from 0 on; all of them for None."""
    if axes is None:
        return tuple(range(ndim))
    return tuple(np.lib.array_utils.normalize_axis_tuple(axes, ndim))


def per_axis(x: Any, n: int) -> list[Any]:
    """Return one entry for each of n axes, from a sequence or one for all."""
    if isinstance(x, str) or x is None or np.ndim(x) == 0:
        return [x] * n
    entries: Sequence[Any] = [x[i] for i in range(len(x))]
    if len(entries) != n:
        message = "sequence argument must have length equal to input rank"
        raise RuntimeError(message)
    return list(entries)


def known(x: Any) -> float:
    """Return the number that a traced value stands for; raise where there are many (under `vmap`)."""
    number: Any = x
    while isinstance(number, Traced):
        if np.ndim(number.value) != type_of(number).ndim:
            raise NotConcreteError(
                "the width of a filter is traced under vmap",
                why="it decides how many weights the filter has, and that differs from example to example.",
                instead="pass radius=, the same for all.",
            )
        number = number.value
    return float(number)
