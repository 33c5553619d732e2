"""Questions that a traced array answers by its shape and dtype alone, and its text; the answers are plain."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.numpy_protocol import implements, traced_leaves
from wengert.core.tracer import Tracer
from wengert.core.views import plain_under

__all__: list[str] = []


def _stand_in(x: Any) -> Any:
    """Return an empty array of the dtype of a traced value, for functions that look at nothing else."""
    return np.empty(0, x.dtype) if isinstance(x, Tracer) else x


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """Shape of a traced value, or of a sequence with traced entries."""
    return a.shape if isinstance(a, Tracer) else np.stack(a).shape


@implements(np.ndim)
def ndim(a: Any) -> int:
    """Number of axes."""
    return len(shape(a))


@implements(np.size)
def size(a: Any, axis: int | tuple[int, ...] | None = None) -> int:
    """Number of entries, in all or along axes."""
    lengths = shape(a)
    axes = range(len(lengths)) if axis is None else (axis,) if isinstance(axis, int) else axis
    n = 1
    for i in axes:
        n *= lengths[i]
    return n


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Whether the dtype is complex."""
    return bool(x.dtype.kind == "c")


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Whether the dtype is not complex."""
    return bool(x.dtype.kind != "c")


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """Dtype of an operation on the arguments."""
    return np.result_type(*map(_stand_in, arrays_and_dtypes))


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Whether a cast is allowed."""
    return np.can_cast(from_.dtype if isinstance(from_, Tracer) else from_, to, casting)


@implements(np.min_scalar_type)
def min_scalar_type(a: Any) -> np.dtype[Any]:
    """Dtype: an array's own."""
    return a.dtype  # type: ignore[no-any-return]


@implements(np.common_type)
def common_type(*arrays: Any) -> Any:
    """Inexact dtype that holds all arguments."""
    return np.common_type(*map(_stand_in, arrays))


@implements(np.shares_memory, np.may_share_memory)
def shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    """Whether two traced handles are one; a traced value never shares memory with a plain array."""
    del max_work
    return a is b and bool(traced_leaves([a]))


@implements(np.array2string)
def array2string(a: Any, *args: Any, **kwargs: Any) -> str:
    """Text of the numbers; under `vmap` those of all examples."""
    return np.array2string(plain_under(a, "print"), *args, **kwargs)


@implements(np.array_repr)
def array_repr(arr: Any, *args: Any, **kwargs: Any) -> str:
    """Text of the numbers, and what they are."""
    return np.array_repr(plain_under(arr, "print"), *args, **kwargs)


@implements(np.array_str)
def array_str(a: Any, *args: Any, **kwargs: Any) -> str:
    """Text of the numbers."""
    return np.array_str(plain_under(a, "print"), *args, **kwargs)
