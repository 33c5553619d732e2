"""What Wengert does with a function, found out by calling it: the facts of the coverage page.

A call is a function and floating operands. It is differentiated forward, backward, twice and in a batch, and
what runs is reported; forward and reverse mode must give one number, at first and second order. Whether that
number is right is the business of the tests, which make the same calls.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

import wengert as wg  # noqa: E402
from wengert.core.dispatch import Traced  # noqa: E402
from wengert.core.primitive import PRIMITIVES  # noqa: E402
from wengert.errors import WengertError  # noqa: E402
from wengert.transforms.tape import Tape  # noqa: E402

__all__ = ["ROOT", "Support", "float_positions", "is_float", "measure", "same_number", "through"]

TOLERANCE = 1e-9  # of numbers that are equal but for rounding
MODES = ("jvp", "vjp", "second", "batch")

Call = Callable[..., Any]


@dataclass
class Support:
    """What ran: a mark per mode, and the primitives that the call is made of."""

    marks: dict[str, str] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    nodes: int = 0

    def join(self, other: Support) -> None:
        """Take in another call of the same function: a mode is supported if it is in any."""
        for mode, mark in other.marks.items():
            if self.marks.get(mode) not in {"yes", "loop"}:
                self.marks[mode] = mark
        self.parts += [part for part in other.parts if part not in self.parts]
        self.nodes = min(self.nodes, other.nodes) if self.nodes else other.nodes


def is_float(x: Any) -> bool:
    """Whether a value can carry a derivative."""
    return hasattr(x, "dtype") and np.issubdtype(x.dtype, np.inexact)


def float_positions(xs: Sequence[Any]) -> list[int]:
    """Return the positions of the operands that can be traced."""
    return [i for i, x in enumerate(xs) if is_float(x)]


def leaves(y: Any) -> list[Any]:
    """Return the arrays of a result."""
    return [leaf for item in y for leaf in leaves(item)] if isinstance(y, tuple | list) else [y]


def _random(rng: np.random.Generator, x: Any) -> Any:
    z = rng.normal(size=np.shape(x)) + (1j * rng.normal(size=np.shape(x)) if x.dtype.kind == "c" else 0.0)
    return np.asarray(z).astype(x.dtype)[()]


def _pair(bars: Sequence[Any], dots: Sequence[Any]) -> float:
    products = [np.asarray(bar) * np.asarray(dot) for bar, dot in zip(bars, dots, strict=True)]
    return float(sum(np.nansum(product.real) for product in products))


def same_number(a: float, b: float) -> bool:
    """Whether two numbers that should be one are, but for rounding."""
    return abs(a - b) <= TOLERANCE * (1.0 + abs(a) + abs(b))


def _smooth(call: Call) -> Call:
    return lambda *xs: tuple(y for y in leaves(call(*xs)) if is_float(y))


def _first_order(call: Call, xs: Any, rng: np.random.Generator) -> Iterator[tuple[str, bool]]:
    dots = tuple(_random(rng, x) for x in xs)
    ys, y_dots = wg.jvp(call, xs, dots)
    yield "jvp", bool(ys)
    ys, pull = wg.vjp(call, *xs)
    bars = tuple(_random(rng, y) for y in ys)
    agree = same_number(
        _pair(bars, y_dots),
        _pair(pull(bars), [np.where(np.isnan(x), 0, d) for x, d in zip(xs, dots, strict=True)]),
    )
    yield "vjp", agree


def _second_order(call: Call, xs: Any, rng: np.random.Generator) -> Iterator[tuple[str, bool]]:
    bars = tuple(_random(rng, y) for y in call(*xs))
    v, u = (tuple(_random(rng, x) for x in xs) for _ in range(2))
    forward = wg.jvp(lambda *z: wg.vjp(call, *z)[1](bars), xs, u)[1]
    reverse = wg.vjp(lambda *z: wg.jvp(call, z, v)[1], *xs)[1](bars)
    yield "second", same_number(_pair(v, forward), _pair(reverse, u))


def _batch(call: Call, xs: Any, rng: np.random.Generator) -> Iterator[tuple[str, bool]]:
    del rng
    one = call(*xs)
    ys = wg.vmap(call)(*[np.stack([x, x]) for x in xs])
    yield "batch", all(np.shape(y) == (2, *np.shape(a)) for y, a in zip(ys, one, strict=True))


def measure(call: Call, xs: Sequence[Any]) -> Support:
    """Differentiate a call with respect to its floating operands, in every way."""
    floats = float_positions(xs)
    operands = tuple(xs[i] for i in floats)

    def fun(*moving: Any) -> Any:
        args = list(xs)
        for i, x in zip(floats, moving, strict=True):
            args[i] = x
        return _smooth(call)(*args)

    found = Support()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for way, modes in (
            (_first_order, ("jvp", "vjp")),
            (_second_order, ("second",)),
            (_batch, ("batch",)),
        ):
            try:
                for mode, agrees in way(fun, operands, np.random.default_rng(1964)):
                    found.marks[mode] = "yes" if agrees else "wrong"
            except WengertError as error:
                found.marks |= {mode: type(error).__name__ for mode in modes if mode not in found.marks}
        found.parts, found.nodes = through(fun, operands)
    if found.marks.get("batch") == "yes" and any(_loops(part) for part in found.parts):
        found.marks["batch"] = "loop"
    return found


def _loops(name: str) -> bool:
    return name in PRIMITIVES and PRIMITIVES[name].batch is None


def through(call: Call, xs: Sequence[Any]) -> tuple[list[str], int]:
    """Return the names of the primitives on the tape of a call, oldest first, and how many sites it has."""
    tape = Tape()
    with tape:
        ys = call(*[tape.lift(x) for x in xs])
        pending = [y.info for y in leaves(ys) if isinstance(y, Traced)]
    sites: dict[int, Any] = {}
    while pending:
        site = pending.pop()
        if site is not None and site[0] not in sites:
            sites[site[0]] = site
            pending += site[6]
    names = [sites[order][1].name for order in sorted(sites, reverse=True) if sites[order][1] is not None]
    names = [name for name in names if name in PRIMITIVES]  # not the edges of several results
    return list(dict.fromkeys(names)), len(names)
