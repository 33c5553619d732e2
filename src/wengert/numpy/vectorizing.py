"""`vectorize` in a trace: the user's function runs on traced entries, or uses traced values of its surroundings.

NumPy's version collects results in arrays of Python objects, and casts these to plain numbers. Here the
results are stacked; the calls, their order, and the types of the results are NumPy's.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Traced, active
from wengert.core.numpy_protocol import operand, traced_leaves
from wengert.numpy.constructors import hold, is_traced
from wengert.types import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["vectorize"]

_EMPTY = "cannot call `vectorize` on size 0 inputs unless `otypes` is set"  # NumPy's words


class vectorize(np.vectorize):  # noqa: N801 - NumPy's name
    """A function of entries as a function of arrays, with NumPy's options; inside a trace, one of traced arrays."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function on every entry; as a decorator with options, take the function."""
        decorates = not callable(self.pyfunc)  # a decorator with options is called with the function
        if decorates or not (active() or is_traced((*args, *kwargs.values()))):
            return super().__call__(*args, **kwargs)
        names = [name for name in kwargs if name not in self.excluded]
        places = [i for i in range(len(args)) if i not in self.excluded]

        def function(*entries: Any) -> Any:
            new_args, new_kwargs = list(args), dict(kwargs)
            for i, entry in zip(places, entries, strict=False):
                new_args[i] = entry
            new_kwargs.update(zip(names, entries[len(places) :], strict=True))
            return self.pyfunc(*new_args, **new_kwargs)

        varied = [args[i] for i in places] + [kwargs[name] for name in names]
        return hold(
            self._over_cores(function, varied) if self.signature else self._over_entries(function, varied)
        )

    def _over_entries(self, function: Callable[..., Any], args: Sequence[Any]) -> Any:
        if not args:
            return function()
        arrays = [_entries(a) for a in args]
        shape = np.broadcast_shapes(*[np.shape(a) for a in arrays])
        arrays = [np.broadcast_to(a, shape) for a in arrays]
        results = [function(*[a[index] for a in arrays]) for index in np.ndindex(*shape)]
        return self._collected(results, shape, len(self.otypes or "?"), scalars=True)

    def _over_cores(self, function: Callable[..., Any], args: Sequence[Any]) -> Any:
        ins, outs = self._in_and_out_core_dims  # type: ignore[attr-defined]  # NumPy parsed the signature
        if len(args) != len(ins):
            raise TypeError(f"wrong number of positional arguments: expected {len(ins)!r}, got {len(args)!r}")
        arrays = [operand(a) if is_traced(a) else np.asanyarray(a) for a in args]
        sizes: dict[str, int] = {}
        for a, core in zip(arrays, ins, strict=True):
            _update_sizes(sizes, np.shape(a), core)
        outer = np.broadcast_shapes(
            *[np.shape(a)[: np.ndim(a) - len(core)] for a, core in zip(arrays, ins, strict=True)]
        )
        arrays = [
            np.broadcast_to(a, (*outer, *[sizes[name] for name in core]))
            for a, core in zip(arrays, ins, strict=True)
        ]
        results = [function(*[a[index] for a in arrays]) for index in np.ndindex(*outer)]
        for result in results[:1]:
            for part, core in zip(result if isinstance(result, tuple) else (result,), outs, strict=False):
                _update_sizes(sizes, np.shape(part), core)
        if not results and any(name not in sizes for name in chain(*outs)):
            raise ValueError(
                "cannot call `vectorize` with a signature including new output dimensions on size 0 inputs"
            )
        cores = [tuple([sizes[name] for name in core]) for core in outs] if not results else None
        return self._collected(results, outer, len(outs), cores=cores)

    def _collected(
        self,
        results: list[Any],
        shape: tuple[int, ...],
        count: int,
        *,
        scalars: bool = False,
        cores: list[tuple[int, ...]] | None = None,
    ) -> Any:
        """Return the results as one array, or as a tuple of them where the function returns tuples."""
        if not results:
            if self.otypes is None:
                raise ValueError(_EMPTY)
            ys = [
                np.zeros((*shape, *core), t)
                for t, core in zip(self.otypes, cores or [()] * count, strict=True)
            ]
            return ys[0] if count == 1 else tuple(ys)
        several = isinstance(results[0], tuple)
        columns = list(zip(*[r if isinstance(r, tuple) else (r,) for r in results], strict=True))
        if not scalars or self.otypes is not None:
            _check_count(len(columns), count)
        types = self.otypes or [_dtype(column[0]) for column in columns]
        ys = [_joined(column, shape, dtype, scalars) for column, dtype in zip(columns, types, strict=True)]
        return tuple(ys) if several and len(ys) > 1 else ys[0]


def _entries(a: Any) -> Any:
    """Return an array whose entries are traced, or the Python numbers that NumPy passes on."""
    return operand(a) if is_traced(a) else np.asarray(a, dtype=object)


def _dtype(x: Any) -> Any:
    return type_of(x).dtype if isinstance(x, Traced) else np.asarray(x).dtype


def _joined(column: Sequence[Any], shape: tuple[int, ...], dtype: Any, scalars: bool) -> Any:
    if scalars and any(np.ndim(v) for v in column):
        raise ValueError("setting an array element with a sequence.")  # NumPy's words
    if not traced_leaves(list(column)):
        return np.reshape(np.array(column, dtype), (*shape, *np.shape(column[0])))
    y = np.stack([operand(v) for v in column])
    return np.reshape(y, (*shape, *np.shape(y)[1:])).astype(dtype)


def _update_sizes(sizes: dict[str, int], shape: tuple[int, ...], core: tuple[str, ...]) -> None:
    if len(shape) < len(core):
        raise ValueError(
            f"{len(shape)}-dimensional argument does not have enough dimensions for core dims {core!r}"
        )
    for name, length in zip(core, shape[len(shape) - len(core) :], strict=True):
        if sizes.setdefault(name, length) != length:
            raise ValueError(f"inconsistent size for core dimension {name!r}: {length!r} vs {sizes[name]!r}")


def _check_count(found: int, expected: int) -> None:
    if found != expected:
        raise ValueError(f"wrong number of outputs from pyfunc: expected {expected!r}, got {found!r}")
