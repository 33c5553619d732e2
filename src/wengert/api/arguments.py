"""Arguments and results of transformed functions: which are differentiated, and whether they can be.

Pytrees exist in this layer only: everything below works on flat sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import tree
from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError, NotDifferentiableError, TracerEscapedError

__all__ = [
    "ArgNums",
    "Arguments",
    "as_direction",
    "as_input",
    "as_output",
    "disjoint",
    "fresh",
    "own_results",
    "resolve_argnums",
    "settled",
    "zeros_of",
]

ArgNums = int | Sequence[int]


# Leaves -------------------------------------------------------------------------------------------------------------


def as_input(x: Any, place: Callable[[], str], *, to_integers: bool = True) -> Any:
    """Return an input as a value that can be differentiated, or raise; Python numbers become NumPy's."""
    kind = type(x)
    if kind is float or (kind is int and to_integers):
        return np.float64(x)
    if kind is complex:
        return np.complex128(x)
    if kind is np.ndarray and x.dtype.kind == "O":
        x = operand(x)
    dtype: Any = getattr(x, "dtype", None)
    if (dtype is not None and hasattr(x, "__array_function__")) or isinstance(x, np.generic):
        if dtype.kind in "fc":
            return x
        raise NotDifferentiableError(
            f"{place()} is an array of {dtype}, which has no derivative",
            why="a derivative needs entries that vary continuously; integers and booleans do not.",
            instead="pass x.astype(float), or leave it out of argnums.",
        )
    raise NotDifferentiableError(
        f"{place()} is of type {kind.__name__}, which is no number, array or container of them",
        why="derivatives are with respect to numbers, arrays, and tuples, lists, dicts, dataclasses of these.",
        instead="leave it out of argnums, pass it as a keyword argument, or register its class as a pytree with "
        "wengert.tree.register.",
    )


def as_output(y: Any, name: str) -> Any:
    """Return a leaf of a function's result as a value or tracer, or raise if it cannot be part of a derivative."""
    if isinstance(y, Traced):
        if not y.interpreter.open:
            raise TracerEscapedError(
                f"the function given to {name} returned a traced value of a finished {y.interpreter.name}",
                why="it was kept from an earlier call, and its derivative information is complete.",
                instead="return values computed in this call.",
            )
        _require_numbers(y, name)
        return y
    if isinstance(y, np.ndarray | np.generic) and y.dtype.kind in "fciub":
        return y
    if isinstance(y, bool | int | float | complex):
        return np.asarray(y)[()]
    if isinstance(y, np.ndarray) and y.dtype.kind == "O":
        recovered = operand(y)
        if isinstance(recovered, Traced):
            return recovered
        raise NotDifferentiableError(
            f"the function given to {name} returned an object array",
            why="none of its entries is traced, and what plain objects stand for is not known.",
            instead="return an array of numbers: y.astype(float).",
        )
    if hasattr(y, "__array_function__") and hasattr(y, "dtype"):
        return y
    raise NotDifferentiableError(
        f"the function given to {name} returned a {type(y).__name__}",
        why="only numbers, arrays and containers of them have derivatives.",
        instead="return those, and further results with has_aux=True.",
    )


def _require_numbers(y: Traced, name: str) -> None:
    """Raise if NumPy computed y from an array of traced objects: the derivative lacks what passed through these."""
    v = y.value
    if v.interpreter.tag >= y.interpreter.tag if isinstance(v, Traced) else v.dtype.kind == "O":
        raise NotDifferentiableError(
            f"the function given to {name} returned what was computed from an array of Python objects that are traced",
            why="operators on such an array go to its entries, which the traced array beside it does not see.",
            instead="make a traced array of it first: wengert.numpy.array(objects).",
        )


def settled(aux: Any) -> Any:
    """Return what a function handed through with its values in place of the tracers of finished transformations."""

    def value(x: Any) -> Any:
        if not isinstance(x, Traced) or x.interpreter.open:
            return x
        while isinstance(x, Traced) and not x.interpreter.open:
            x = x.value
        return fresh(x)

    return tree.map_leaves(value, aux)


def fresh(y: Any) -> Any:
    """Return a value that the caller may write into, although a tape or the user holds the one given."""
    if isinstance(y, Traced):
        return y.detached()
    return y.copy() if isinstance(y, np.ndarray) else y


def as_direction(v: Any, x: Any, what: str) -> Any:
    """Return a tangent or cotangent in the dtype of the value it belongs to, or raise if it does not fit."""
    v_shape, shape, dtype = np.shape(v), np.shape(x), x.dtype
    v_dtype = getattr(v, "dtype", None) or np.asarray(v).dtype
    if dtype.kind not in "fc":
        dtype = np.dtype(np.float64)
    if v_shape != shape or not (np.can_cast(v_dtype, dtype, "same_kind") or v_dtype.kind in "iub"):
        raise ArgumentError(
            f"a {what} does not fit: it is {v_dtype} of shape {v_shape}, the value is {dtype} of shape {shape}",
            why=f"a {what} is a direction in the space of its value.",
            instead="give it the shape and dtype of the value.",
        )
    if not hasattr(v, "astype"):
        return dtype.type(v)
    return v if v_dtype == dtype else v.astype(dtype)


def zeros_of(x: Any) -> Any:
    """Return a zero of the shape and dtype of a value (a NumPy scalar for a scalar)."""
    return np.zeros(np.shape(x), x.dtype)[()] if isinstance(x, np.generic) else np.zeros(np.shape(x), x.dtype)


def own_results(x_bars: Sequence[Any], xs: Sequence[Any], taken: Sequence[Any] = ()) -> list[Any]:
    """Return derivatives with respect to `xs`, disjoint; scalars stay scalars, None becomes zeros."""

    def like(x_bar: Any, x: Any) -> Any:
        if x_bar is None:
            return zeros_of(x)
        if isinstance(x_bar, np.generic) and isinstance(x, np.ndarray):
            return np.asarray(x_bar)
        return x_bar[()] if isinstance(x_bar, np.ndarray) and isinstance(x, np.generic) else x_bar

    return disjoint([like(x_bar, x) for x_bar, x in zip(x_bars, xs, strict=True)], (*xs, *taken))


def disjoint(values: Sequence[Any], taken: Sequence[Any] = ()) -> list[Any]:
    """Return values that the caller may write into, one without changing another.

    A rule may return a read-only broadcast view, or pass one array on to several operands; these are copied,
    as are arrays that share memory with those `taken`. Traced values get handles of their own.
    """
    holders = {id(_holder(y)) for y in taken if isinstance(y, np.ndarray)}
    results = []
    for value in values:
        own = value
        if isinstance(own, np.ndarray):
            if not own.flags.writeable or id(_holder(own)) in holders:
                own = own.copy()
            holders.add(id(_holder(own)))
        elif isinstance(own, Traced):
            own = own.detached()
        results.append(own)
    return results


def _holder(y: Any) -> Any:
    """Return the array that owns the memory of a view."""
    while isinstance(y, np.ndarray) and isinstance(y.base, np.ndarray):
        y = y.base
    return y


# Argument lists -----------------------------------------------------------------------------------------------------


def resolve_argnums(argnums: ArgNums, argnum: ArgNums | None) -> ArgNums:
    """Return argnums, for which `argnum` is an alias, checked to be an int or a sequence of distinct ints."""
    chosen = argnums if argnum is None else argnum
    if isinstance(chosen, int) and not isinstance(chosen, bool):
        return chosen
    if (
        isinstance(chosen, tuple | list)
        and all(isinstance(i, int) and not isinstance(i, bool) for i in chosen)
        and chosen
    ):
        return tuple(chosen)
    raise ArgumentError(
        f"argnums is {chosen!r}",
        why="it says which positional arguments are differentiated.",
        instead="give an int or a tuple of ints, counted from 0.",
    )


class Arguments:
    """The arguments of one call: the leaves that are differentiated, and how to call with others in their place."""

    __slots__ = ("_argnums", "_args", "_kwargs", "_structure", "leaves")

    def __init__(self, argnums: ArgNums, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
        self._args, self._kwargs, self._structure = args, kwargs, None
        if type(argnums) is int and 0 <= argnums < len(args) and type(args[argnums]) in (float, np.ndarray):
            self._argnums: tuple[int, ...] | int = argnums
            self.leaves = [
                as_input(args[argnums], lambda: f"argument {argnums} of the function given to {name}")
            ]
            return
        self._argnums = argnums if isinstance(argnums, int) else tuple(argnums)
        indices = [self._index(i, len(args), name) for i in self._positions()]
        if len(set(indices)) < len(indices):
            raise ArgumentError(
                f"argnums {argnums} names an argument twice",
                why="an argument has one derivative, and negative numbers count from the end.",
                instead="name each argument once.",
            )
        chosen = tuple([args[i] for i in indices])
        leaves, self._structure = tree.flatten(chosen)

        def place(k: int) -> Callable[[], str]:
            return lambda: (
                f"argument {_show_path(tree.paths(chosen)[k], indices)} of the function given to {name}"
            )

        self.leaves = [as_input(x, place(k)) for k, x in enumerate(leaves)]

    def _positions(self) -> tuple[int, ...]:
        return (self._argnums,) if isinstance(self._argnums, int) else self._argnums

    @staticmethod
    def _index(i: int, n: int, name: str) -> int:
        if not -n <= i < n:
            raise ArgumentError(
                f"argnums names argument {i}, but the function of {name} was called with {n} positional argument(s)",
                why="argnums counts positional arguments from 0; keyword arguments are constants.",
                instead="pass the argument by position, or correct argnums.",
            )
        return i % n

    def restore(self, leaves: Sequence[Any]) -> Any:
        """Return leaves in the structure of the differentiated arguments."""
        if self._structure is None:
            return leaves[0]
        chosen = tree.unflatten(self._structure, leaves)
        return chosen[0] if isinstance(self._argnums, int) else chosen

    def call(self, fun: Callable[..., Any], leaves: Sequence[Any]) -> Any:
        """Call the function with other leaves in place of the differentiated ones."""
        args = list(self._args)
        chosen = self.restore(leaves)
        for i, x in zip(
            self._positions(), (chosen,) if isinstance(self._argnums, int) else chosen, strict=True
        ):
            args[i] = x
        return fun(*args, **self._kwargs)


def _show_path(path: str, indices: Sequence[int]) -> str:
    """Return ``0['w']`` for the path ``[0]['w']`` into the chosen arguments."""
    head, _, rest = path[1:].partition("]")
    return f"{indices[int(head)]}{rest}"
