"""Pictures as text: Graphviz's DOT and Mermaid, as far as their boxes are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wengert.explain.drawing.picture import Box, Card

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wengert.explain.drawing.picture import Picture

__all__ = ["dot", "mermaid"]

_MERMAID = str.maketrans(
    {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "\\": "#92;"}
)
_SHAPES = {"input": 'fillcolor="#e7f1fb"', "result": 'fillcolor="#f5f1fb"', "constant": 'fillcolor="#f3f3f3"'}


def dot(picture: Picture) -> str:
    """Return a picture in the language of Graphviz.

    Parameters
    ----------
    picture : Picture

    Returns
    -------
    str
    """
    lines = [
        f"digraph {_quoted(picture.root.title)} {{",
        '  node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=12];',
        '  edge [fontname="Helvetica", fontsize=11, fontcolor="#b3261e"];',
    ]
    lines += _dot_children(picture.root)
    for source, target, label in _edges(picture):
        lines.append(f"  n{source} -> n{target}" + (f" [label={_quoted(label)}];" if label else ";"))
    return "\n".join([*lines, "}"]) + "\n"


def _dot_children(root: Box) -> Iterator[str]:
    for depth, item, closing in _walk(root):
        indent = "  " * (depth + 1)
        if closing:
            yield indent + "}"
        elif isinstance(item, Box) and item.open:
            yield f"{indent}subgraph cluster_{item.id} {{ label={_quoted(_title(item))};"
        else:
            look = (
                _SHAPES.get(item.kind, "") if isinstance(item, Card) else 'fillcolor="#eceef1", peripheries=2'
            )
            if isinstance(item, Card) and item.tag:
                look = 'fillcolor="#eaf6ec", penwidth=2'
            label = _quoted("\n".join(_lines(item)))
            yield f"{indent}n{item.id} [label={label}{', ' + look if look else ''}];"


def mermaid(picture: Picture) -> str:
    """Return a picture in the language of Mermaid.

    Parameters
    ----------
    picture : Picture

    Returns
    -------
    str
    """
    lines = ["flowchart TD", *_mermaid_children(picture.root)]
    for source, target, label in _edges(picture):
        arrow = f'-->|"{label.translate(_MERMAID)}"|' if label else "-->"
        lines.append(f"  n{source} {arrow} n{target}")
    return "\n".join(lines) + "\n"


def _mermaid_children(root: Box) -> Iterator[str]:
    for depth, item, closing in _walk(root):
        indent = "  " * (depth + 1)
        if closing:
            yield indent + "end"
        elif isinstance(item, Box) and item.open:
            yield f'{indent}subgraph b{item.id}["{_title(item).translate(_MERMAID)}"]'
        else:
            text = "<br/>".join(line.translate(_MERMAID) for line in _lines(item))
            left, right = (
                ("([", "])") if item.kind == "input" else ("[[", "]]") if isinstance(item, Box) else "[]"
            )
            yield f'{indent}n{item.id}{left}"{text}"{right}'


# Both ---------------------------------------------------------------------------------------------------------------


def _walk(root: Box) -> Iterator[tuple[int, Card | Box, bool]]:
    """Yield depth, what is seen, and whether an open box ends."""
    pending: list[tuple[int, Card | Box, bool]] = [(0, child, False) for child in reversed(root.children)]
    while pending:
        depth, item, closing = pending.pop()
        yield depth, item, closing
        if isinstance(item, Box) and item.open and not closing:
            pending.append((depth, item, True))
            pending += [(depth + 1, child, False) for child in reversed(item.children)]


def _edges(picture: Picture) -> Iterator[tuple[int, int, str]]:
    """Yield links between what is seen, those into closed boxes once and without label."""
    seen_as: dict[int, int] = {}
    for _, item, closing in _walk(picture.root):
        if isinstance(item, Card):
            seen_as[item.id] = item.id
        elif not item.open and not closing:
            seen_as.update((card.id, item.id) for card in item.cards())
    drawn = set()
    for link in picture.links:
        source, target = seen_as[link.source], seen_as[link.target]
        whole = target == link.target
        if source == target or (not whole and (source, target) in drawn):
            continue
        drawn.add((source, target))
        yield source, target, link.label if whole else ""


def _title(box: Box) -> str:
    return f"{box.title} ({box.source})" if box.source else box.title


def _lines(item: Card | Box) -> list[str]:
    if isinstance(item, Card):
        return [text for text in (item.title, item.value, item.derivative, item.tag) if text]
    return [text for text in (_title(item), item.subtitle, item.value, item.derivative) if text]


def _quoted(text: str) -> str:
    """Return a string of DOT: lines end in a backslash and n."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
