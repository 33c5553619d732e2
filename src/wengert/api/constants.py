"""Constants for every derivative."""

from __future__ import annotations

from typing import Any

from wengert import tree
from wengert.api.arguments import fresh
from wengert.core.dispatch import Traced
from wengert.transforms.batching import Batch

__all__ = ["stop_gradient"]


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
    while isinstance(x, Traced) and not isinstance(x.interpreter, Batch):
        x = x.value
    if isinstance(x, Traced):
        inner = _stop(x.value)
        return type(x)(x.interpreter, inner, x.info)
    return fresh(x)
