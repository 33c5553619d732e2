"""Containers: modules in sequence, beside the identity, and functions as modules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self, overload

import numpy as np

from wengert import random
from wengert.errors import ArgumentError
from wengert.nn.module import Module, modules_of, static
from wengert.types import Array

__all__ = ["Flatten", "Lambda", "Residual", "Sequential", "keys_for"]


def keys_for(key: Array | None, n: int) -> list[Array | None]:
    """Split a random key among n modules; None stays None.

    Parameters
    ----------
    key : random key or None
    n : int

    Returns
    -------
    list

    Examples
    --------
    >>> keys_for(None, 2)
    [None, None]
    """
    return [None] * n if key is None else list(random.split(key, n))


class Lambda(Module):
    """A function as a module, without parameters.

    Parameters
    ----------
    function : callable
        Of one array; part of the structure, so `jit` compiles anew for another one.

    Examples
    --------
    >>> Lambda(np.tanh)
    Lambda(function=tanh)
    >>> Lambda(np.tanh)(0.0)
    np.float64(0.0)
    """

    function: Callable[..., Any] = static()

    def __call__(self, x: Any) -> Any:
        """Return the function of x."""
        return self.function(x)


class Flatten(Module):
    """Join all axes of each entry of a batch into one.

    Parameters
    ----------
    axes : int
        How many axes are joined: the last ones.

    Examples
    --------
    >>> Flatten()(np.zeros((8, 3, 5, 5))).shape
    (8, 75)
    """

    axes: int = static(default=3)

    def __call__(self, x: Array) -> Array:
        """Return x with its last axes as one."""
        kept = max(np.ndim(x) - self.axes, 0)
        return np.reshape(x, (*np.shape(x)[:kept], -1))


class Sequential(Module):
    """Modules one after the other.

    Parameters
    ----------
    *layers : Module or callable
        A plain function, such as `relu` or ``np.tanh``, becomes a `Lambda`.

    Attributes
    ----------
    layers : tuple of Module

    Examples
    --------
    >>> from wengert.nn.layers.linear import Linear
    >>> model = Sequential(Linear(3, 4, key=random.key(0)), np.tanh)
    >>> model
    Sequential(layers=(Linear(weight=f64[4,3], bias=f64[4]), Lambda(function=tanh)))
    >>> model[0](np.ones(3)).shape, len(model)
    ((4,), 2)
    """

    layers: tuple[Any, ...]

    def __init__(self, *layers: Any) -> None:
        self.layers = tuple([_as_module(layer, i) for i, layer in enumerate(layers)])

    def __call__(self, x: Any) -> Any:
        """Return x after all layers."""
        for layer in self.layers:
            x = layer(x)
        return x

    def train(self, x: Any, *, key: Array | None = None) -> tuple[Any, Self]:
        """Return x after all layers in training, and the sequence of the new ones; see `Module.train`."""
        layers = []
        for layer, own_key in zip(self.layers, keys_for(key, len(self.layers)), strict=True):
            x, new = layer.train(x, key=own_key)
            layers.append(new)
        return x, self.replace(layers=tuple(layers))

    def differs_in_training(self) -> bool:
        """Say whether `train` does anything else than a call: whether it does in a layer."""
        return any(m.differs_in_training() for _, m in modules_of(self.layers))

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequential: ...
    def __getitem__(self, index: int | slice) -> Any:
        """Return one layer, or a sequence of some."""
        chosen = self.layers[index]
        return Sequential(*chosen) if isinstance(index, slice) else chosen


class Residual(Module):
    """A module beside the identity: x + f(x).

    Parameters
    ----------
    body : Module or callable
        The f, which keeps the shape of x.

    Notes
    -----
    He, Zhang, Ren and Sun, "Deep residual learning for image recognition" (2016).

    Examples
    --------
    >>> Residual(np.tanh)(0.0)
    np.float64(0.0)
    """

    body: Any

    def __init__(self, body: Any) -> None:
        self.body = _as_module(body, 0)

    def __call__(self, x: Any) -> Any:
        """Return x + f(x)."""
        return x + self.body(x)

    def train(self, x: Any, *, key: Array | None = None) -> tuple[Any, Self]:
        """Return x + f(x) in training, and the new module; see `Module.train`."""
        y, body = self.body.train(x, key=key)
        return x + y, self.replace(body=body)

    def differs_in_training(self) -> bool:
        """Say whether `train` does anything else than a call: whether it does in the body."""
        return any(m.differs_in_training() for _, m in modules_of(self.body))


def _as_module(layer: Any, place: int) -> Module:
    if isinstance(layer, Module):
        return layer
    if callable(layer):
        return Lambda(layer)
    raise ArgumentError(
        f"layer {place} is a {type(layer).__name__}",
        why="layers are called one after the other.",
        instead="pass modules and functions: Sequential(Linear(3, 4, key=key), np.tanh); unpack a list with *layers.",
    )
