"""A function that looks at numbers, as an operation of graphs and batches: it runs when its operands are plain.

How many steps a solver takes depends on values, so that its operations cannot be staged; what is known before are the
types of its results. The derivatives are functions of the same kind: of values and tangents, of values and cotangents,
and so on to any order. Batches take their examples one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive, Site, define
from wengert.transforms.forward import push
from wengert.transforms.reverse import record
from wengert.types import ArrayType, type_of

__all__ = ["Deferred", "deferred_"]

Flags = tuple[bool, ...]


class Deferred:
    """A function of flat operands that may look at the numbers under tracers, and its derivatives.

    Parameters
    ----------
    fun : callable
        Of arrays, or tracers over plain ones, to a list of results.
    types : sequence of ArrayType
        Of the results.
    name : str
        For messages.
    """

    __slots__ = ("_kept", "fun", "name", "types")

    def __init__(self, fun: Callable[..., Sequence[Any]], types: Sequence[ArrayType], name: str) -> None:
        self.fun = fun
        self.name = name
        self.types = tuple(types)
        self._kept: dict[Any, Deferred] = {}

    def __repr__(self) -> str:
        return self.name

    @property
    def inexact(self) -> Flags:
        """Which results may have a derivative."""
        return tuple([t.dtype.kind in "fc" for t in self.types])

    def tangent(self, on: Flags) -> Deferred:
        """Return the function of operands, then tangents of those that are `on`, to results, then their tangents."""
        found = self._kept.get(on)
        if found is None:
            moved = [t for t, has in zip(self.types, self.inexact, strict=True) if has]
            found = self._kept[on] = Deferred(
                lambda *flat: self._push(flat, on), [*self.types, *moved], self.name
            )
        return found

    def _push(self, flat: Sequence[Any], on: Flags) -> list[Any]:
        rest = iter(flat[len(on) :])
        ys, y_dots = push(self.fun, flat[: len(on)], [next(rest) if has else None for has in on])
        dots = [d for d, has in zip(y_dots, self.inexact, strict=True) if has]
        moved = [t for t, has in zip(self.types, self.inexact, strict=True) if has]
        return [*ys, *[_filled(d, t) for d, t in zip(dots, moved, strict=True)]]

    def cotangent(self, needs: Flags, types: Sequence[ArrayType]) -> Deferred:
        """Return the function of operands of these types, then cotangents, to cotangents of what needs one."""
        found = self._kept.get((needs, "bar"))
        if found is None:
            wanted = [t for t, need in zip(types, needs, strict=True) if need]
            made = Deferred(lambda *flat: self._pull(flat, needs, wanted), wanted, self.name)
            found = self._kept[needs, "bar"] = made
        return found

    def _pull(self, flat: Sequence[Any], needs: Flags, wanted: Sequence[ArrayType]) -> list[Any]:
        xs, seeds = list(flat[: len(needs)]), iter(flat[len(needs) :])
        places = [i for i, need in enumerate(needs) if need]

        def fun(*moving: Any) -> Sequence[Any]:
            ys = dict(enumerate(xs)) | dict(zip(places, moving, strict=True))
            return self.fun(*ys.values())

        _, pull = record(fun, [xs[i] for i in places])
        x_bars = pull.once([next(seeds) if has else None for has in self.inexact])
        return [_filled(x_bar, t) for x_bar, t in zip(x_bars, wanted, strict=True)]


def _filled(x: Any, t: ArrayType) -> Any:
    return np.zeros(t.shape, t.dtype)[()] if x is None else x


def _eval(*xs: Any, function: Deferred) -> tuple[Any, ...]:
    ys = function.fun(*xs)
    return tuple([np.asarray(y, t.dtype)[()] for y, t in zip(ys, function.types, strict=True)])


def _jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, function: Deferred) -> tuple[Any, Any]:
    on = tuple([x_dot is not None for x_dot in x_dots])
    made = function.tangent(on)
    flat = deferred_(*xs, *[x_dot for x_dot in x_dots if x_dot is not None], function=made)
    n = len(function.types)
    dots = iter(flat[n:])
    return flat[:n], tuple([next(dots) if has else None for has in function.inexact])


def _vjp(y_bars: Sequence[Any], site: Site, *, function: Deferred) -> list[Any]:
    made = function.cotangent(site.needs, list(map(type_of, site.xs)))
    seeds = [
        _filled(y_bar, t)
        for y_bar, t, has in zip(y_bars, function.types, function.inexact, strict=True)
        if has
    ]
    x_bars = iter(deferred_(*site.xs, *seeds, function=made))
    return [next(x_bars) if need else None for need in site.needs]


def _samples(rng: np.random.Generator) -> Any:
    function = Deferred(lambda x, y: [np.sin(x) * y], [ArrayType((3,), np.dtype(float))], "a function")
    yield (rng.normal(size=3), np.float64(rng.normal())), {"function": function}


deferred_: Primitive = define(
    name="deferred",
    doc="A function that looks at numbers, and so runs when they are known.",
    multiple=True,
    eval=_eval,
    infer=lambda *_types, function: function.types,
    jvp=_jvp,
    vjp=_vjp,
    samples=_samples,
    raises=True,
)
