"""The arguments of a call: flat operands, and a key of everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import tree
from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
from wengert.core.views import is_scalar, root
from wengert.errors import ArgumentError

__all__ = ["PYTHON_NUMBERS", "Arguments", "Unstageable", "is_operand", "positions"]

PYTHON_NUMBERS = (bool, int, float, complex)

_LEAVES = frozenset({np.ndarray, bool, float, complex, np.float64, np.float32, np.int64, np.bool_})
_INT64 = range(-(2**63), 2**63)


class Unstageable(Exception):  # noqa: N818 - a signal
    """The call is to run as it is."""


def is_operand(x: Any) -> bool:
    """Whether a leaf is an array or a number, which a graph takes as an input; integers as long as they fit."""
    kind = type(x)
    if kind is int:
        return x in _INT64
    if not isinstance(x, np.ndarray | np.generic | Traced):
        return kind in PYTHON_NUMBERS
    if x.dtype.kind not in "biufc" or (isinstance(x, np.ndarray) and kind is not np.ndarray):  # type: ignore[union-attr]
        raise Unstageable  # strings, dates, objects, and subclasses with rules of their own
    return True


def _type_key(x: Any) -> Any:
    kind = type(x)
    if kind is np.ndarray:
        return x.shape, x.dtype, x.flags.c_contiguous
    if kind in PYTHON_NUMBERS:
        return kind
    if isinstance(x, Traced):
        below = type(root(x))
        return Traced, x.dtype, x.shape, is_scalar(x), below if below in PYTHON_NUMBERS else None  # type: ignore[attr-defined]
    return x.dtype, ()


class _Same:
    """An object of the user's that cannot be hashed, as a key: equal to itself alone."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


def _value_key(x: Any) -> Any:
    """Return a key of a value that is not an operand: Python takes 1, 1.0 and True for equal, and 0.0 and -0.0."""
    if isinstance(x, float):
        return float, x.hex()
    if isinstance(x, complex):
        return complex, x.real.hex(), x.imag.hex()
    if type(x) in {tuple, frozenset}:
        return type(x), type(x)(map(_value_key, x))
    try:
        hash(x)
    except TypeError:
        if hasattr(x, "__dict__"):
            return _Same(x)
        raise ArgumentError(
            f"an argument of type {type(x).__name__} is neither an array or number nor hashable",
            why="a compiled function is kept for each value of the arguments that are not arrays.",
            instead="pass arrays, numbers, or containers of them; make static arguments hashable (a tuple for a list).",
        ) from None
    return type(x), x


class Arguments:
    """The arguments of one call.

    Parameters
    ----------
    args, kwargs
        As the function takes them.
    nums, names
        Places and names of the static ones.

    Attributes
    ----------
    operands : list
        Arrays and numbers, in order.
    key : hashable
        Of the structure, the types of operands, and the values of all others.
    traced : bool
        Whether an operand is traced.
    """

    __slots__ = ("_args", "_kwargs", "_static", "_structure", "key", "operands", "traced")

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], nums: frozenset[int], names: frozenset[str]
    ) -> None:
        self._args: dict[int, Any] = {}
        self._kwargs: dict[str, Any] = {}
        self._static: list[tuple[int, Any]] = []
        self._structure: Any = None
        if not kwargs and not nums and all([type(x) in _LEAVES for x in args]):  # noqa: C419 - a list is quicker here
            self.operands = list(args)
            for x in args:
                if type(x) is np.ndarray and x.dtype.kind not in "biufc":
                    self._flatten(args, kwargs, nums, names)
                    return
            self.traced = False
            self.key = tuple([_type_key(x) for x in args])
        else:
            self._flatten(args, kwargs, nums, names)

    def _flatten(
        self, args: Any, kwargs: dict[str, Any], nums: frozenset[int], names: frozenset[str]
    ) -> None:
        n = len(args)
        static = {i: args[i] for i in [i + n if i < 0 else i for i in nums] if 0 <= i < n}
        named = {name: x for name, x in kwargs.items() if name in names}
        dynamic = tuple([None if i in static else x for i, x in enumerate(args)])
        leaves, self._structure = tree.flatten((dynamic, {k: x for k, x in kwargs.items() if k not in named}))
        leaves = [operand(x) if type(x) is np.ndarray and x.dtype.kind == "O" else x for x in leaves]
        flags = [is_operand(x) for x in leaves]
        self._args, self._kwargs = static, named
        self._static = [(i, x) for i, (x, on) in enumerate(zip(leaves, flags, strict=True)) if not on]
        self.operands = [x for x, on in zip(leaves, flags, strict=True) if on]
        self.traced = any(isinstance(x, Traced) for x in self.operands)
        self.key = (
            self._structure,
            tuple(map(_type_key, self.operands)),
            tuple([(i, _value_key(x)) for i, x in self._static]),
            tuple([(k, _value_key(x)) for k, x in (*static.items(), *named.items())]),
        )

    def restore(self, operands: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments with other operands."""
        if self._structure is None:
            return tuple(operands), {}
        leaves = list(operands)
        for i, x in self._static:
            leaves.insert(i, x)
        args, kwargs = tree.unflatten(self._structure, leaves)
        if self._args:
            args = tuple([self._args.get(i, x) for i, x in enumerate(args)])
        return args, {**kwargs, **self._kwargs}


def positions(fun: Callable[..., Any], names: Sequence[str]) -> frozenset[int]:
    """Return the places of the parameters of these names, at which they may also be passed."""
    code = getattr(fun, "__code__", None)
    if code is None:
        return frozenset()
    return frozenset(i for i, name in enumerate(code.co_varnames[: code.co_argcount]) if name in names)
