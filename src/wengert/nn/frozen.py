"""Frozen values: leaves of a module that have no derivative and are not trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wengert import tree
from wengert.api.constants import stop_gradient

__all__ = ["Buffer", "Frozen", "frozen", "is_frozen", "read", "unfrozen"]

_CONTAINERS = (list, tuple, dict)


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """A value in a module that is not trained; the module's own methods see the value, without derivatives.

    Attributes
    ----------
    value : array or number
    """

    value: Any

    def __repr__(self) -> str:
        return f"{type(self).__name__.lower()} {self.value!r}"


class Buffer(Frozen):
    """A value that training sets by another rule than an optimizer's, such as a running mean; see `nn.buffer`."""

    __slots__ = ()


def read(value: Any) -> Any:
    """Return what a field of a module stands for: constants in place of frozen values."""
    kind = type(value)
    if kind is Frozen or kind is Buffer:
        return stop_gradient(value.value)
    if kind in _CONTAINERS and _holds_frozen(value):
        items = value.items() if kind is dict else enumerate(value)
        read_items = {k: read(x) for k, x in items}
        return read_items if kind is dict else kind(read_items.values())
    return value


def _holds_frozen(value: Any) -> bool:
    kind = type(value)
    if kind in _CONTAINERS:
        return any(_holds_frozen(x) for x in (value.values() if kind is dict else value))
    return kind is Frozen or kind is Buffer


def is_frozen(x: Any) -> bool:
    """Whether x is a frozen value."""
    return isinstance(x, Frozen)


def frozen(model: Any) -> Any:
    """Return a module, an array or a tree of them that is not trained.

    Parameters
    ----------
    model : pytree
        A model, one layer of it, or the value of a field.

    Returns
    -------
    pytree
        With each leaf in a `Frozen`. Its derivatives are zero; `partition` leaves it out.

    See Also
    --------
    unfrozen : The way back.

    Examples
    --------
    >>> import numpy as np
    >>> import wengert as wg
    >>> from wengert.nn.module import Module
    >>> class Affine(Module):
    ...     slope: np.ndarray
    ...     offset: np.ndarray
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Affine(frozen(2.0), 1.0)
    >>> wg.grad(lambda model: model(3.0) ** 2)(line)
    Affine(slope=frozen 0.0, offset=14.0)
    """
    leaves, structure = tree.flatten(model, is_leaf=is_frozen)
    return tree.unflatten(structure, [x if is_frozen(x) else Frozen(x) for x in leaves])


def unfrozen(model: Any) -> Any:
    """Return a module or a tree in which everything is trained again, but the buffers of modules.

    Parameters
    ----------
    model : pytree

    Returns
    -------
    pytree

    Examples
    --------
    >>> unfrozen(frozen([1.0, 2.0]))
    [1.0, 2.0]
    """
    leaves, structure = tree.flatten(model, is_leaf=is_frozen)
    return tree.unflatten(structure, [x.value if type(x) is Frozen else x for x in leaves])
