"""Reverse sweeps over what is there already: cotangents of wires, as further wires.

Each operation becomes a site, as a tape would have recorded it, on handles of the values that are there: nothing is
computed again but what rules want beside operands and results. Where a derivative with respect to an intermediate value
is asked for, its cotangent passes through a fork: one branch is noted, the other goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert.core.dispatch import NO_PARAMS
from wengert.core.graph import Atom, Const
from wengert.core.primitive import Primitive
from wengert.errors import RuleMissingError
from wengert.transforms.accumulation import select_item
from wengert.transforms.blueprint import BLUEPRINT, Source, ancestors
from wengert.transforms.reverse import reach
from wengert.transforms.staging import Staged

__all__ = ["pull_back"]

fork = Primitive(  # not in the registry: it is in no graph
    name="fork",
    doc="A value that is noted on its way.",
    eval=lambda x: (x, x),
    vjp=lambda y_bar, _site: [y_bar, y_bar],
)


def _handle(atom: Atom) -> Any:
    return atom.value if isinstance(atom, Const) else Staged(BLUEPRINT, atom, None)


class _Sites:
    """The sites of wires; `leaves` are those of the wires whose cotangents are asked for."""

    def __init__(self, wanted: Sequence[Atom]) -> None:
        self.of: dict[Atom, Any] = {}
        self.leaves: dict[Atom, Any] = {}
        self._wanted = set(wanted)
        self._order = 0

    def _site(
        self, prim: Primitive | None, params: dict[str, Any], xs: Any, y: Any, saved: Any, parents: Any
    ) -> Any:
        self._order -= 1
        return (self._order, prim, params, xs, y, saved, parents)

    def note(self, wire: Atom, site: Any) -> None:
        """Set the site of a wire, noting its cotangent if that is asked for."""
        if wire in self._wanted and wire not in self.leaves:
            y = _handle(wire)
            leaf = self.leaves[wire] = self._site(None, NO_PARAMS, (), y, None, ())
            site = leaf if site is None else self._site(fork, NO_PARAMS, (y,), (y, y), None, (leaf, site))
        if site is not None:
            self.of[wire] = site

    def add(self, source: Source) -> None:
        """Add the site of an operation, if anything asked for is behind it."""
        node = source.node()
        parents = tuple([self.of.get(a) for a in node.inputs])
        site = None
        if any(parents) and node.prim.differentiable:
            if node.prim.vjp is None:
                raise RuleMissingError(
                    f"primitive {node.prim.name!r} has no vjp rule", instead="give its record a vjp rule."
                )
            site = self._recorded(source, node.outputs, parents)
        for i, wire in enumerate(node.outputs):
            own = site
            if site is not None and node.prim.multiple:
                own = self._site(select_item, {"item": i}, site[4], site[4][i], None, (site,))
            self.note(wire, own if wire.dtype.kind in "fc" else None)

    def _recorded(self, source: Source, outputs: Sequence[Any], parents: Any) -> Any:
        prim, xs = source.prim, tuple(map(_handle, source.inputs))
        ys = tuple(map(_handle, outputs))
        saved = None
        if prim.save is not None:
            y, saved = prim.save(*xs, **source.params)
        else:
            y = ys if prim.multiple else ys[0]
        return self._site(prim, source.params, xs, y, saved, parents)


def pull_back(y: Atom, y_bar: Any, xs: Sequence[Atom]) -> list[Any]:
    """Return the cotangents of wires, None where they are zero, for that of y.

    Parameters
    ----------
    y : Atom
    y_bar : array or tracer
    xs : sequence of Atom
        Placeholders or intermediate values; a derivative counts all ways from x to y, also those through another x.
    """
    sources, free = ancestors([y])
    sites = _Sites(xs)
    for wire in free:
        sites.note(wire, None)
    for source in sources:
        sites.add(source)
    if y not in sites.of:
        return [None] * len(xs)
    found = reach([(sites.of[y], y_bar)], guarded=True)
    return [found.get(sites.leaves[x][0]) if x in sites.leaves else None for x in xs]
