"""What is drawn: cards for values, links for operands, and boxes that hold cards and boxes. No places yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wengert.explain.drawing.observing import Call

__all__ = ["Box", "Card", "Link", "Picture"]


@dataclass(eq=False, slots=True)
class Card:
    """One value.

    Attributes
    ----------
    id : int
        Unique in its picture, boxes included, in the order of the primal sweep.
    kind : str
        "input", "constant", "operation" or "result" (of a loop or branch).
    title, value, derivative : str
        Lines on the card; empty ones are left out.
    tag : str
        Which output it is, if one.
    active : bool
        Whether it has a derivative.
    calls : tuple of Call
        The user's calls that it was computed in, the outermost first.
    facts : dict
        What else is known, for the page: of expression, value, derivative, formula, local, source, ...
    """

    id: int
    kind: str
    title: str
    value: str = ""
    derivative: str = ""
    tag: str = ""
    active: bool = False
    calls: tuple[Call, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Box:
    """Cards and boxes that belong together.

    Attributes
    ----------
    id : int
    kind : str
        "graph", "function", "lines", "round", "steps", "inputs", "loop", "branch" or "call".
    title, subtitle : str
    result : int
        The card that is read outside, if it is only one; -1 if not.
    value, derivative : str
        Of that card.
    children : list of Card and Box
        In the order of the primal sweep.
    source : str
        File and line.
    calls : tuple of Call
        Those of all cards inside, of a loop, branch or call.
    open : bool
        Whether a picture shows what is inside.
    """

    id: int
    kind: str
    title: str
    children: list[Card | Box] = field(default_factory=list)
    subtitle: str = ""
    value: str = ""
    derivative: str = ""
    result: int = -1
    source: str = ""
    calls: tuple[Call, ...] = ()
    open: bool = True

    def cards(self) -> Iterator[Card]:
        """Yield the cards inside, those of inner boxes too."""
        pending: list[Card | Box] = [self]
        while pending:
            item = pending.pop()
            if isinstance(item, Box):
                pending += reversed(item.children)
            else:
                yield item

    def boxes(self) -> Iterator[Box]:
        """Yield this box and those inside, outer ones first."""
        pending = [self]
        while pending:
            box = pending.pop()
            yield box
            pending += [child for child in reversed(box.children) if isinstance(child, Box)]


@dataclass(eq=False, slots=True)
class Link:
    """The use of a value as an operand.

    Attributes
    ----------
    source, target : int
        Cards.
    label : str
        What the operand's adjoint receives through it, or the local partial derivative.
    active : bool
        Whether a derivative flows.
    facts : dict
        For the page.
    """

    source: int
    target: int
    label: str = ""
    active: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Picture:
    """A graph as it is drawn.

    Attributes
    ----------
    root : Box
    links : list of Link
    derivative : "forward", "reverse" or None
    """

    root: Box
    links: list[Link]
    derivative: str | None = None

    def cards(self) -> dict[int, Card]:
        """Return all cards by number."""
        return {card.id: card for card in self.root.cards()}
