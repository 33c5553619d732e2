"""Drawings: a function's graph as a picture, with its values, and its tangents or adjoints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.arguments import as_direction
from wengert.errors import ArgumentError, NotDifferentiableError, check_callable
from wengert.explain.drawing.folding import FOLDED_FROM, fold, unfold
from wengert.explain.drawing.layering import levels
from wengert.explain.drawing.notation import dot, mermaid
from wengert.explain.drawing.observing import Observed, observe, observed_graph
from wengert.explain.drawing.ordering import order
from wengert.explain.drawing.page import page
from wengert.explain.drawing.painting import Scene, paint
from wengert.explain.drawing.picturing import pictured
from wengert.explain.drawing.placing import place
from wengert.explain.drawing.raster import save_raster
from wengert.explain.drawing.sweeping import swept
from wengert.explain.drawing.vector import svg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.core.graph import Graph
    from wengert.explain.drawing.picture import Picture

__all__ = ["Drawing", "draw", "draw_graph"]

_SHOWN = 64  # cards and closed boxes of a folded picture
_DERIVATIVES = (None, "forward", "reverse")


class Drawing:
    """A computational graph, drawn.

    Each value is a card: v₁, v₂, ... and what computes it, its number, and its tangent or adjoint in red. Links run
    from operands to results; beside a link stands what the operand's adjoint receives through it. Boxes are loops,
    branches, and the user's functions. In a notebook a drawing shows itself.

    Parameters
    ----------
    picture : Picture
        What is drawn.
    most : int
        Cards and closed boxes that are shown, about.
    """

    def __init__(self, picture: Picture, most: int) -> None:
        self._picture = picture
        unfold(picture, most)
        self._levels = levels(picture)
        order(self._levels)

    def __repr__(self) -> str:
        n = len(self._picture.cards())
        swept = f", {self._picture.derivative}" if self._picture.derivative else ""
        return f"<drawing of {self._picture.root.title}: {n} values{swept}>"

    def _scene(self) -> Scene:
        return paint(self._picture, place(self._picture, self._levels))

    def svg(self) -> str:
        """Return the drawing as SVG.

        Returns
        -------
        str
        """
        return svg(self._scene(), f"Computational graph of {self._picture.root.title}")

    def html(self) -> str:
        """Return a page on which the drawing can be moved, zoomed, folded, and stepped through.

        It is one file that loads nothing. Arrow keys step through the primal sweep and back through the adjoints.

        Returns
        -------
        str
        """
        return page(self._picture, self._levels, self.svg())

    def dot(self) -> str:
        """Return the drawing in the language of Graphviz.

        Returns
        -------
        str
        """
        return dot(self._picture)

    def mermaid(self) -> str:
        """Return the drawing in the language of Mermaid.

        Returns
        -------
        str
        """
        return mermaid(self._picture)

    def to_dict(self) -> dict[str, Any]:
        """Return values and links as texts, numbers, lists and dicts, fit for JSON.

        Returns
        -------
        dict
            With "title", "derivative", "values" and "links".
        """
        picture = self._picture
        return {
            "title": picture.root.title,
            "derivative": picture.derivative,
            "values": [
                {"id": card.id, "kind": card.kind, "title": card.title, "output": card.tag, **card.facts}
                for card in picture.root.cards()
            ],
            "links": [{"source": link.source, "target": link.target, **link.facts} for link in picture.links],
        }

    def save(self, path: str | Path) -> None:
        """Write the drawing to a file.

        Parameters
        ----------
        path : str or Path
            Its suffix says how: .svg, .html, .png, .pdf (both need Matplotlib), .dot, .mmd.

        Raises
        ------
        ArgumentError
            For another suffix, or without Matplotlib where it is needed.
        """
        path = Path(path)
        writers = {
            ".svg": self.svg,
            ".html": self.html,
            ".dot": self.dot,
            ".gv": self.dot,
            ".mmd": self.mermaid,
        }
        suffix = path.suffix.lower()
        if suffix in writers:
            path.write_text(writers[suffix](), encoding="utf-8")
        elif suffix in {".png", ".pdf"}:
            save_raster(self._scene(), path)
        else:
            raise ArgumentError(
                f"save: {path.name!r} does not say how to write the drawing",
                why="the suffix of the file's name chooses.",
                instead="use .svg, .html, .png, .pdf, .dot or .mmd.",
            )

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        return f'<div style="overflow:auto;max-height:80vh;background:#fff">{self.svg()}</div>'


def draw(
    fun: Callable[..., Any],
    *args: Any,
    derivative: str | None = None,
    argnums: int | Sequence[int] | None = None,
    names: Sequence[str] | None = None,
    seed: Any = None,
    folded: bool | None = None,
) -> Drawing:
    """Draw the computational graph of a function at its arguments, with every value.

    Parameters
    ----------
    fun : callable
        A function of arrays, numbers, and containers of them.
    *args
        Its arguments.
    derivative : "forward", "reverse" or None
        Whether to show tangents, adjoints, or values alone.
    argnums : int or tuple of int, optional
        Which arguments to differentiate; all by default.
    names : sequence of str, optional
        What to call the arguments; by default as the function does.
    seed : pytree, optional
        Forward: the tangents of the differentiated arguments, by default 1 for the entries of the first and 0 for the
        others. Reverse: the adjoint of the result, by default 1 for a result that is one number.
    folded : bool, optional
        Whether to gather operations in boxes for the functions and lines that made them; by default where there are
        many.

    Returns
    -------
    Drawing
        With methods `svg`, `html`, `dot`, `mermaid` and `save`; shows itself in a notebook.

    Raises
    ------
    ArgumentError
        For an unknown derivative, or names or a seed that do not fit.
    NotDifferentiableError
        If the reverse sweep has no number to start from.

    Notes
    -----
    Inside a loop stand the values of its last step, where the reverse sweep begins; of branches, the one taken.

    Examples
    --------
    >>> def f(x, y):
    ...     return (x + y) * (x - y)
    >>> draw(f, 3.0, 2.0, derivative="reverse")
    <drawing of f: 5 values, reverse>
    """
    check_callable(fun, "draw")
    _require_known(derivative)
    observed = observe(fun, args, argnums, names, inexact=derivative is not None)
    return _drawn(observed, derivative, seed, folded)


def draw_graph(
    graph: Graph,
    *args: Any,
    derivative: str | None = None,
    seed: Any = None,
    folded: bool | None = None,
) -> Drawing:
    """Draw a graph: its structure, and its values if arguments are given.

    Parameters
    ----------
    graph : Graph
    *args
        As for a call of the graph; without any, types stand in place of values.
    derivative, seed, folded
        As for `draw`.

    Returns
    -------
    Drawing

    Raises
    ------
    ArgumentError
        For arguments that do not fit, or a derivative without arguments.
    """
    _require_known(derivative)
    observed = observed_graph(graph, args)
    if derivative is not None and observed.values is None:
        raise ArgumentError(
            f"draw: the {derivative} derivative of the graph of {graph.name} was asked for without arguments",
            why="derivatives are numbers at a point.",
            instead="pass the arguments: graph.draw(x, y, derivative=...).",
        )
    return _drawn(observed, derivative, seed, folded)


def _drawn(observed: Observed, derivative: str | None, seed: Any, folded: bool | None) -> Drawing:
    sweep = None
    if observed.values is not None:
        seeds: list[Any] = []
        if derivative is not None:
            seeds = (_tangents if derivative == "forward" else _adjoints)(observed, seed)
        with np.errstate(all="ignore"):  # derivatives at the edge of a domain are shown, not warned about
            sweep = swept(observed.graph, observed.values, observed.chosen, derivative, seeds)
    picture = pictured(observed, sweep, derivative)
    if folded or (folded is None and len(picture.cards()) > FOLDED_FROM):
        fold(picture)
    every = len(picture.cards()) + sum(1 for _ in picture.root.boxes())
    return Drawing(picture, every if folded is False else _SHOWN)


# Seeds --------------------------------------------------------------------------------------------------------------


def _require_known(derivative: Any) -> None:
    if derivative not in _DERIVATIVES:
        raise ArgumentError(
            f"draw: there is no derivative {derivative!r}", instead='derivative="forward", "reverse" or None'
        )


def _tangents(observed: Observed, seed: Any) -> list[Any]:
    """Return the tangents of the inputs."""
    inputs, chosen = observed.graph.inputs, observed.chosen
    if not chosen:
        raise NotDifferentiableError(
            "draw: none of the arguments has a derivative",
            why="tangents belong to arrays and numbers of floating point.",
            instead="pass such arguments, or derivative=None.",
        )
    if seed is None:
        first = {i for i in chosen if observed.owners[i] == observed.owners[chosen[0]]}
        return [np.ones(a.shape, a.dtype)[()] if i in first else None for i, a in enumerate(inputs)]
    given = dict(zip(chosen, _leaves(seed, len(chosen), "tangent"), strict=True))
    values = observed.values or []
    return [as_direction(given[i], values[i], "tangent") if i in given else None for i in range(len(inputs))]


def _adjoints(observed: Observed, seed: Any) -> list[Any]:
    """Return the adjoints of the outputs."""
    outputs = observed.graph.outputs
    if seed is None:
        if len(outputs) != 1 or np.prod(outputs[0].shape) != 1 or outputs[0].dtype.kind != "f":
            found = ", ".join(str(a.type) for a in outputs) or "nothing"
            raise NotDifferentiableError(
                f"draw: the function returned {found}",
                why="the reverse sweep starts from one real number.",
                instead="give seed= an adjoint for each result, return one number, or choose "
                'derivative="forward".',
            )
        return [np.ones(outputs[0].shape, outputs[0].dtype)[()]]
    given = _leaves(seed, len(outputs), "adjoint")
    examples = [np.zeros(a.shape, a.dtype) for a in outputs]
    return [as_direction(bar, y, "adjoint")[()] for bar, y in zip(given, examples, strict=True)]


def _leaves(seed: Any, n: int, what: str) -> list[Any]:
    leaves, _ = tree.flatten(seed)
    if len(leaves) != n:
        raise ArgumentError(
            f"draw: the seed holds {len(leaves)} {what}{'' if len(leaves) == 1 else 's'}, {n} are needed",
            instead=f"give one {what} for each.",
        )
    return leaves
