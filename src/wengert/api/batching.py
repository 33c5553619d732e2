"""vmap: a function of single examples becomes one of batches."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.arguments import as_output
from wengert.errors import ArgumentError, check_callable
from wengert.transforms.batching import batch

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["vmap"]


def vmap(fun: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Return a function that runs `fun` on every example of a batch at once.

    Parameters
    ----------
    fun : callable
        A function of single examples.
    in_axes : int, None or a tree of these
        The batch axis of each argument: one for all, or a tuple with an entry per argument, each of which may
        be a tree that is a prefix of its argument. None: the argument is the same for all examples.
    out_axes : int, None or a tree of these
        Where the batch axis goes in the results. None: the result must be the same for all examples.

    Returns
    -------
    callable
        With the arguments of `fun`, batched; keyword arguments are batched along axis 0.

    Raises
    ------
    ArgumentError
        If the axes do not fit the arguments, or the batch sizes differ.

    Examples
    --------
    >>> vmap(np.dot, in_axes=(0, None))(np.eye(2), np.array([3.0, 4.0]))
    array([3., 4.])
    """
    check_callable(fun, "vmap")

    @wraps(fun)
    def batched(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = tree.flatten((args, kwargs))
        given = _given_axes(in_axes, args, kwargs)
        axes = [_axis(a, np.ndim(x), "in_axes") for a, x in zip(given, leaves, strict=True)]
        xs = [
            x if a is None or hasattr(x, "shape") else np.asarray(x)
            for a, x in zip(axes, leaves, strict=True)
        ]
        size = _size(xs, axes)
        out_structure = None

        def flat(*operands: Any) -> list[Any]:
            nonlocal out_structure
            call_args, call_kwargs = tree.unflatten(structure, operands)
            ys, out_structure = tree.flatten(fun(*call_args, **call_kwargs))
            return [as_output(y, "vmap") for y in ys]

        interpreter, ys = batch(flat, xs, axes, size)
        y_axes = _axes(out_axes, tree.unflatten(out_structure, list(ys)), "out_axes")
        results = [_result(interpreter, y, a) for y, a in zip(ys, y_axes, strict=True)]
        return tree.unflatten(out_structure, results)

    return batched


def _given_axes(in_axes: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[int | None]:
    """Return what the user says of each leaf of the arguments."""
    if not isinstance(in_axes, tuple | list):
        return _axes((in_axes, 0), (args, kwargs), "in_axes")
    if len(in_axes) != len(args):
        raise ArgumentError(
            f"in_axes has {len(in_axes)} entries for {len(args)} positional arguments",
            why="a tuple of axes has one entry for each positional argument.",
            instead="give one int for all, or one entry per argument.",
        )
    return _axes((tuple(in_axes), 0), (args, kwargs), "in_axes")


def _result(interpreter: Any, y: Any, axis: int | None) -> Any:
    if axis is None and interpreter.owns(y):
        raise ArgumentError(
            "out_axes is None for a result that differs from example to example",
            instead="give the axis along which the results are to be stacked.",
        )
    return interpreter.lower(y, _axis(axis, np.ndim(y) + 1, "out_axes"))


def _axes(spec: Any, full: Any, what: str) -> list[int | None]:
    """Return an axis for each leaf of a tree, from a tree of axes that is a prefix of it."""
    if spec is None or isinstance(spec, int):
        return [spec] * len(tree.flatten(full)[0])
    outer, inner = tree.children(spec), tree.children(full)
    if outer is None or inner is None or outer[1] != inner[1] or not _same_container(spec, full):
        raise ArgumentError(
            f"{what} does not fit: {spec!r} stands for a {type(full).__name__}",
            why="axes are given by ints and None, in the containers of what they describe or of its outer part.",
            instead=f"give {what} as one int, or in those containers.",
        )
    return [axis for s, f in zip(outer[0], inner[0], strict=True) for axis in _axes(s, f, what)]


def _same_container(spec: Any, full: Any) -> bool:
    return type(spec) is type(full) or (isinstance(spec, tuple | list) and isinstance(full, tuple | list))


def _axis(axis: int | None, ndim: int, what: str) -> int | None:
    if axis is None:
        return None
    if not -ndim <= axis < ndim:
        raise ArgumentError(
            f"{what} names axis {axis} of an array with {ndim} axes",
            why="vmap runs over the entries of that axis.",
            instead="name an axis that exists, or None for what is the same in every example.",
        )
    return axis % ndim


def _size(arrays: list[Any], axes: list[int | None]) -> int:
    sizes = {np.shape(x)[axis] for x, axis in zip(arrays, axes, strict=True) if axis is not None}
    if len(sizes) != 1:
        raise ArgumentError(
            "vmap found " + (f"batch sizes {sorted(sizes)}" if sizes else "no batched argument"),
            why="all batched arguments have one batch axis of the same length.",
            instead="check in_axes and the shapes of the arguments.",
        )
    return int(sizes.pop())
