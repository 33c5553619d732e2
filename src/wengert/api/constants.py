"""Constants for every derivative: values, and what a block of the program computes."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from wengert import tree
from wengert.api.arguments import fresh
from wengert.core.attention import Blocks, next_tag, pauses
from wengert.core.dispatch import Traced
from wengert.errors import ArgumentError
from wengert.ops.stopping import stop_
from wengert.transforms.batching import Batch
from wengert.transforms.staging import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["no_grad", "stop_gradient"]


def stop_gradient(x: Any) -> Any:
    """Return x, as a constant for every derivative, of any order and mode.

    Parameters
    ----------
    x : pytree
        Any values.

    Returns
    -------
    pytree
        The same values, without derivatives; under `vmap` they stay batched.

    Examples
    --------
    >>> from wengert.api.gradients import grad
    >>> grad(lambda x: x * stop_gradient(x))(3.0)
    np.float64(3.0)
    """
    return tree.map_leaves(lambda leaf: _stop(leaf) if isinstance(leaf, Traced) else leaf, x)


def _stop(x: Any) -> Any:
    while isinstance(x, Traced) and not isinstance(x.interpreter, Batch | Stage):
        x = x.value
    if not isinstance(x, Traced):
        return fresh(x)
    if isinstance(x.interpreter, Stage):
        return stop_(x)
    inner = _stop(x.value)
    return type(x)(x.interpreter, inner, x.info)


class no_grad:  # noqa: N801 - used as a function
    """Record no derivatives in a block: as a context manager, or as a decorator of a function.

    Parameters
    ----------
    fun : callable, optional
        A function to be decorated, for ``@no_grad`` without parentheses.

    Notes
    -----
    It holds for every transformation that has begun outside of the block, in reverse and in forward mode, and
    for `Variable`. There, results are plain NumPy (of Variables: Variables that require no gradient), and
    ``float(x)``, ``np.asarray(x)`` and the functions of `math` take traced values. Transformations that begin
    in the block work as ever. Batches of `vmap` stay batches.

    A write into a traced array changes its value and leaves its derivative as it was; that is how parameters
    are updated: ``with no_grad(): w -= rate * w.grad``. Plain arrays that view a traced one are read-only.

    The block is that of its thread, or task of `asyncio`; threads started in it record.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert.api.gradients import grad
    >>> def loss(x):
    ...     with no_grad():
    ...         scale = np.max(np.abs(x))  # a constant
    ...     return np.sum(x * x) / scale
    >>> grad(loss)(np.array([3.0, 4.0]))
    array([1.5, 2. ])
    """

    _blocks = Blocks(pauses)

    def __new__(cls, fun: Any = None) -> Any:
        """Return a context manager, or the decorated function."""
        return super().__new__(cls) if fun is None else super().__new__(cls)(fun)

    def __enter__(self) -> None:
        self._blocks.push(next_tag())

    def __exit__(self, *_: object) -> None:
        self._blocks.pop()

    def __call__(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        """Decorate a function: its body is a block."""
        if not callable(fun):
            raise ArgumentError(
                f"no_grad decorates functions, not {type(fun).__name__}",
                why="it is a block in which no derivatives are recorded.",
                instead="write `with no_grad():`, or @no_grad above a function; for a value, stop_gradient(x).",
            )
        if (
            inspect.isgeneratorfunction(fun)
            or inspect.iscoroutinefunction(fun)
            or inspect.isasyncgenfunction(fun)
        ):
            raise ArgumentError(
                "no_grad decorates plain functions, not generators or coroutines",
                why="their body runs in pieces, between which the block would hold for the caller.",
                instead="write `with no_grad():` in the body, around what lies between two yields.",
            )

        @functools.wraps(fun)
        def unrecorded(*args: Any, **kwargs: Any) -> Any:
            with self:
                return fun(*args, **kwargs)

        return unrecorded
