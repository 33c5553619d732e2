"""Errors about shapes, which name the layer by its path in the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.errors import ArgumentError

__all__ = ["ShapeError", "locate", "require_shape"]


class ShapeError(ArgumentError):
    """An array does not fit a layer.

    Parameters
    ----------
    layer : Module
        That found it.
    argument : str
        What is wrong, as a noun.
    shape : tuple of int
        Its shape.
    wanted : str
        The shapes that fit.
    instead : str
        What to write.
    path : str
        Of the layer in a model. Modules around it set it, as the error passes through.
    where : str, optional
        The user's line.

    Examples
    --------
    >>> from wengert import random
    >>> from wengert.nn.layers.linear import Linear
    >>> try:
    ...     Linear(3, 2, key=random.key(0))(np.ones((5, 4)))
    ... except ShapeError as error:
    ...     print(error.what)
    Linear: x has shape (5, 4), and must have (..., 3)
    """

    def __init__(
        self,
        layer: Any,
        argument: str,
        shape: tuple[int, ...],
        wanted: str,
        instead: str,
        path: str = "",
        where: str | None = None,
    ) -> None:
        self.layer = layer
        self._says = (argument, tuple(shape), wanted, instead)
        name = type(layer).__name__
        super().__init__(
            f"{f'{name} at {path}' if path else name}: {argument} has shape {tuple(shape)}, and must have {wanted}",
            why=f"that layer is {layer!r}.",
            instead=instead,
            where=where,
        )

    def at(self, path: str) -> None:
        """Say where the layer stands."""
        ShapeError.__init__(self, self.layer, *self._says, path, self.where)


def locate(error: Exception, parent: Any, modules_of: Callable[[Any], list[tuple[str, Any]]]) -> None:
    """Let an error that passes a module say which layer of that module it comes from.

    Parameters
    ----------
    error : Exception
        A `ShapeError` names the layer in its message; others get a note.
    parent : Module
        Through whose method it passes.
    modules_of : callable
        Gives the modules in a module with their paths.
    """
    child, below, layer = getattr(error, "_passed", (parent, "", type(parent).__name__))
    path = next((p for p, m in modules_of(parent) if m is child and p), None) if child is not parent else None
    if child is not parent and path is None:
        below = ""  # no part of it, but made or called there: the place is that of the parent
    whole = below if path is None else path + (f".{below}" if below and below[0] != "[" else below)
    error._passed = parent, whole, layer  # type: ignore[attr-defined]  # noqa: SLF001 - a mark of this function's own
    if isinstance(error, ShapeError):
        error.at(whole)
    elif whole:
        notes = [note for note in getattr(error, "__notes__", []) if not note.startswith(_NOTE)]
        error.__notes__ = [*notes, f"{_NOTE}{layer} at {whole}, in {type(parent).__name__}"]


_NOTE = "  layer: "


def require_shape(
    module: Any,
    x: Any,
    *,
    last: tuple[int | None, ...],
    leading: str = "...",
    argument: str = "x",
    instead: str = "",
) -> None:
    """Raise unless the last axes of an array are as given; None stands for any length.

    Parameters
    ----------
    module : Module
        The layer that asks.
    x : array
    last : tuple
        Lengths of the last axes.
    leading : str
        What stands before them, separated by commas: ``...`` for any number of axes, ``batch`` for one.
    argument : str
        The name of `x`.
    instead : str
        What to write.
    """
    shape = np.shape(x)
    free = leading == "..."
    names = [] if free or not leading else leading.split(", ")
    n = len(last)
    fits = len(shape) >= n if free else len(shape) == n + len(names)
    tail = shape[len(shape) - n :]
    if not fits or any(want is not None and have != want for have, want in zip(tail, last, strict=True)):
        lengths = [*([leading] if leading else []), *("any" if want is None else str(want) for want in last)]
        raise ShapeError(
            module,
            argument,
            shape,
            f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})",
            instead or "make the sizes of the layer those of its input, or reshape the input.",
        )
