"""Functions of scipy.linalg on stacks of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.types import Array

__all__ = ["per_matrix"]


def per_matrix(fun: Callable[..., Any], xs: tuple[Array, ...]) -> Any:
    """Return fun(*xs) for matrices, and for stacks of them, which broadcast, the stack of its results.

    SciPy before 1.16 takes single matrices; an empty stack is asked about by the result for unit matrices.
    """
    for x in xs:
        if x.dtype.char not in "fdFD":
            message = f"array type {x.dtype} is unsupported in linalg"
            raise TypeError(message)
    if all(x.ndim == 2 for x in xs):
        return fun(*xs)
    stack = np.broadcast_shapes(*[x.shape[:-2] for x in xs])
    wide = [np.broadcast_to(x, (*stack, *x.shape[-2:])) for x in xs]
    if 0 in stack:
        ys = fun(*[np.eye(*x.shape[-2:], dtype=x.dtype) for x in xs])
        return _each(ys, lambda y: np.empty((*stack, *np.shape(y)), y.dtype))
    found = [fun(*[x[i] for x in wide]) for i in np.ndindex(*stack)]
    if not isinstance(found[0], tuple):
        return np.reshape(np.stack(found), (*stack, *found[0].shape))
    return tuple(np.reshape(np.stack(part), (*stack, *part[0].shape)) for part in zip(*found, strict=True))


def _each(ys: Any, fun: Callable[[Any], Any]) -> Any:
    return tuple(fun(y) for y in ys) if isinstance(ys, tuple) else fun(ys)
