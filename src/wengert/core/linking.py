"""Views that NumPy functions make: which results are tied to an operand, and how a write to one reaches its base."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import FUNCTIONS, call_function, traced_leaves
from wengert.core.views import Step, View, base_of, is_scalar, link_of, positions, share_memory, stale

__all__ = ["call_linked", "is_basic", "link_view", "mark_stale", "tie", "write_through"]

_READ_ONLY = frozenset(
    {np.broadcast_to, np.diagonal, np.linalg.diagonal, np.diag, np.lib.stride_tricks.sliding_window_view}
)
_VIEWS = _READ_ONLY | {
    np.array_split,
    np.atleast_1d,
    np.atleast_2d,
    np.atleast_3d,
    np.dsplit,
    np.expand_dims,
    np.flip,
    np.fliplr,
    np.flipud,
    np.hsplit,
    np.imag,
    np.linalg.matrix_transpose,
    np.matrix_transpose,
    np.moveaxis,
    np.ravel,
    np.real,
    np.reshape,
    np.rollaxis,
    np.rot90,
    np.split,
    np.squeeze,
    np.swapaxes,
    np.transpose,
    np.unstack,
    np.vsplit,
}
_LINKED_BY_PARTS = frozenset(
    {np.broadcast_arrays, np.einsum, np.linalg.matrix_power, np.meshgrid, np.trim_zeros}
)  # views, if the calls that compose them make views
_BASIC = (int, np.integer, slice, type(None), type(Ellipsis))


def call_linked(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call what stands for a NumPy function, and tie views to their base."""
    y = call_function(function, args, dict(kwargs) if "out" in kwargs else kwargs)
    if function in _VIEWS:
        link_results(function, args, kwargs, y)
    elif function not in _LINKED_BY_PARTS:
        _unlink(y, (args, kwargs))
    return y


def _unlink(y: Any, given: Any) -> None:
    """Part a result that is a new array in NumPy from the operands, though the calls that compose it made a view."""
    if isinstance(y, Traced):
        if type(link_of(y)) is View and not any(y is x for x in traced_leaves(given)):
            y.link = None
    elif isinstance(y, list | tuple):
        for item in y:
            _unlink(item, given)


def is_basic(index: Any) -> bool:
    """Whether NumPy answers an index with a view."""
    if type(index) is tuple:
        return all(isinstance(item, _BASIC) and not isinstance(item, bool) for item in index)
    return isinstance(index, _BASIC) and not isinstance(index, bool)


def tie(x: Traced, y: Any, step: Step, *, writeable: bool = True) -> None:
    """Tie a view to its base; a result is plain where recording is paused."""
    if not isinstance(y, Traced):
        return
    link = link_of(x)
    if isinstance(link, View):
        base, recipe, writeable = link.base, (*link.recipe, step), writeable and link.writeable
    else:
        base, recipe = x, (step,)
    y.link = View(base, recipe, writeable)
    base_of(base).add(y)


def link_view(x: Any, y: Any, step: Step) -> None:
    """Tie a result of step(x) to x if NumPy made it as a view."""
    if isinstance(x, Traced) and isinstance(y, Traced) and not is_scalar(x) and share_memory(x, y, step):
        tie(x, y, step)


def mark_stale(link: Any) -> None:
    """Make the living views of a base take their values anew."""
    if link is not None:
        for view in link.take():
            view.__class__ = stale(type(view))


def link_results(function: Any, args: Any, kwargs: dict[str, Any], y: Any) -> None:
    """Tie the results of a NumPy function to its first argument where they are views of it."""
    if function not in _VIEWS or not args or not isinstance(args[0], Traced):
        return
    x, writeable = args[0], function not in _READ_ONLY
    if is_scalar(x):
        if function is not np.broadcast_to:
            return  # NumPy makes an array of its own of a scalar
        x = x.detached()
    if isinstance(y, Traced):
        step = Step(FUNCTIONS[function], args[1:], kwargs)
        if y is not x and (function is np.broadcast_to or share_memory(x, y, step)):
            tie(x, y, step, writeable=writeable)
    elif isinstance(y, list | tuple):
        for i, item in enumerate(y):
            step = Step(FUNCTIONS[function], args[1:], kwargs, i)
            if isinstance(item, Traced) and link_of(item) is None and share_memory(x, item, step):
                tie(x, item, step)


def write_through(link: View, new: Any) -> None:
    """Write the new value of a view into its base."""
    if not link.writeable:
        message = "assignment destination is read-only"
        raise ValueError(message)
    base, recipe = link.base, link.recipe
    setitem = FUNCTIONS[operator.setitem]
    function = recipe[0].function
    if len(recipe) == 1 and function is operator.getitem:
        base.rebind(setitem(base, recipe[0].args[0], new))
    elif base.dtype.kind == "c" and new.dtype.kind != "c":
        base[...] = _with_part(base, recipe, new)
    else:
        flat = setitem(np.reshape(base, -1), positions(recipe, base.shape).reshape(-1), np.reshape(new, -1))
        base[...] = np.reshape(flat, base.shape)


def _with_part(base: Any, recipe: tuple[Step, ...], new: Any) -> Any:
    """Return a complex base with new real or imaginary parts, where a view of one of them lies."""
    parts = [FUNCTIONS[np.real], FUNCTIONS[np.imag]]
    which = next(i for i, step in enumerate(recipe) if step.function in parts)
    index = positions(tuple(step for i, step in enumerate(recipe) if i != which), base.shape).reshape(-1)
    real, imag = np.reshape(np.real(base), -1), np.reshape(np.imag(base), -1)
    setitem = FUNCTIONS[operator.setitem]
    if recipe[which].function is parts[0]:
        real = setitem(real, index, np.reshape(new, -1))
    else:
        imag = setitem(imag, index, np.reshape(new, -1))
    return np.reshape(FUNCTIONS[complex](real, imag), base.shape)
