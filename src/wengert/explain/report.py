"""Reports: paragraphs, tables and plots, written for a terminal, as Markdown, as a page of HTML, or as JSON.

A report says what it consists of (`blocks`) and what its numbers are (`to_dict`); the rest follows. Where a terminal
knows only ASCII, symbols are spelled out.
"""

from __future__ import annotations

import html
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from wengert.errors import ArgumentError
from wengert.explain.figures import svg
from wengert.explain.rendering import to_text

__all__ = ["Grid", "Picture", "Prose", "Report"]

_ASCII = str.maketrans(
    {
        "µ": "u",
        "×": "x",
        "÷": "/",
        "·": "*",
        "≤": "<=",
        "≥": ">=",
        "…": "...",
        "–": "-",
        "−": "-",
        "∞": "inf",
        "ⁿ": "^n",
        "±": "+-",
    }
)


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph; the one that says what was found is `strong`."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of text.

    Attributes
    ----------
    title : str
    headers : sequence of str
    rows : sequence of sequences of str
    left : set of int
        Columns of words; the others hold numbers, which align on the right.
    best : set of (row, column)
        Cells that stand out; marked by more than color.
    sections : set of int
        Rows after which a line is drawn.
    """

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: frozenset[int] = frozenset({0})
    best: frozenset[tuple[int, int]] = frozenset()
    sections: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot: draws into an empty figure of matplotlib, of a size in inches."""

    title: str
    draw: Callable[[Any], None] = field(repr=False)
    size: tuple[float, float] = (7.2, 4.2)


Block = Prose | Grid | Picture


class Report(ABC):
    """What can be printed, shown in a notebook, and saved.

    Attributes
    ----------
    title : str
    width : int
        In letters, as text.
    """

    __slots__ = ()

    title = "Report"
    width = 80

    @abstractmethod
    def blocks(self) -> Iterator[Block]:
        """Yield the parts, in order."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, fit for JSON."""

    def __str__(self) -> str:
        return to_text(self, self.width)

    def __repr__(self) -> str:
        return str(self)  # what the prompt of Python shows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        """Yield what rich prints: the tables and paragraphs."""
        say = _spelled if options.ascii_only else _as_is
        yield Text(say(self.title) + "\n", style="bold underline")
        for block in self.blocks():
            if isinstance(block, Grid):
                if block.title:
                    yield Text(say(block.title), style="bold")
                yield _rich_table(block, say, 1 if options.ascii_only else 0)
            elif isinstance(block, Prose):
                yield Text(say(block.text) + "\n", style="bold" if block.strong else "")

    def _repr_html_(self) -> str:
        return "".join(map(_html_block, self.blocks()))

    def to_markdown(self) -> str:
        """Return the report as Markdown, without plots."""
        parts = [f"# {_markdown(self.title)}"]
        parts += [_markdown_block(block) for block in self.blocks() if not isinstance(block, Picture)]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """Return the report as one page that needs no other file, with plots if matplotlib is installed."""
        title = html.escape(self.title)
        return _PAGE.format(title=title, style=_STYLE, body=f"<h1>{title}</h1>{self._repr_html_()}")

    def to_json(self) -> str:
        """Return the numbers as JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def writers(self) -> dict[str, Callable[[], str]]:
        """Return what writes a file, by its suffix."""
        return {
            ".html": self.to_html,
            ".md": self.to_markdown,
            ".json": self.to_json,
            ".txt": self.__str__,
        }

    def save(self, path: str | Path) -> None:
        """Write the report to a file, in the format of its suffix: .html, .md, .json, .txt, and what else it has.

        Raises
        ------
        ArgumentError
            For another suffix.
        """
        path = Path(path)
        writers = self.writers()
        if path.suffix not in writers:
            raise ArgumentError(
                f"a report cannot be saved as {path.name!r}",
                instead="a name that ends in " + ", ".join(writers),
            )
        path.write_text(writers[path.suffix](), encoding="utf-8")


# helpers


def _as_is(text: str) -> str:
    return text


def _spelled(text: str) -> str:
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def _rich_table(grid: Grid, say: Callable[[str], str], right: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, right, 0, 1))
    for k, header in enumerate(grid.headers):
        table.add_column(say(header), justify="left" if k in grid.left else "right", no_wrap=True)
    for i, row in enumerate(grid.rows):
        cells = [
            Text(say(cell), style="bold green" if (i, k) in grid.best else "") for k, cell in enumerate(row)
        ]
        table.add_row(*cells, end_section=i in grid.sections)
    return table


def _markdown(text: str) -> str:
    for letter in "\\|*_`<>[]":
        text = text.replace(letter, "\\" + letter)
    return " ".join(text.split())


def _markdown_block(block: Block) -> str:
    if isinstance(block, Prose):
        text = _markdown(block.text)
        return f"**{text}**" if block.strong else text
    if isinstance(block, Picture):
        return ""
    rule = [":--" if k in block.left else "--:" for k in range(len(block.headers))]
    lines = [[_markdown(cell) for cell in row] for row in block.rows]
    for i, k in block.best:
        lines[i][k] = f"**{lines[i][k]}**"
    rows = [[_markdown(header) for header in block.headers], rule, *lines]
    title = f"## {_markdown(block.title)}\n\n" if block.title else ""
    return title + "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _html_block(block: Block) -> str:
    if isinstance(block, Prose):
        return (
            f'<p class="{"wengert-found" if block.strong else "wengert-note"}">{html.escape(block.text)}</p>'
        )
    if isinstance(block, Picture):
        return f'<figure class="wengert"><figcaption>{html.escape(block.title)}</figcaption>{svg(block)}</figure>'
    return _html_table(block)


def _html_table(grid: Grid) -> str:
    def cell(tag: str, k: int, text: str, style: str = "") -> str:
        side = "left" if k in grid.left else "right"
        return f'<{tag} style="text-align:{side}{style}">{html.escape(text)}</{tag}>'

    head = "".join(cell("th", k, header) for k, header in enumerate(grid.headers))
    rows = [
        "<tr>"
        + "".join(
            cell("td", k, text, ";font-weight:bold;color:#1b7837" if (i, k) in grid.best else "")
            for k, text in enumerate(row)
        )
        + "</tr>"
        for i, row in enumerate(grid.rows)
    ]
    title = f'<p class="wengert-title">{html.escape(grid.title)}</p>' if grid.title else ""
    return (
        f'{title}<table class="wengert"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


_STYLE = """
body { font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
p.wengert-found { font-size: 1.1rem; border-left: 4px solid #1b7837; padding: .2rem 0 .2rem .8rem; }
p.wengert-note { color: #444; }
p.wengert-title { font-weight: 600; margin: 1.5rem 0 .4rem; }
table.wengert { border-collapse: collapse; margin: 0 0 1.5rem; font-variant-numeric: tabular-nums; }
table.wengert th { border-bottom: 2px solid #999; padding: .25rem .7rem; white-space: nowrap; }
table.wengert td { border-bottom: 1px solid #e3e3e3; padding: .25rem .7rem; }
figure.wengert { margin: 1.5rem 0; } figure.wengert figcaption { font-weight: 600; padding-bottom: .4rem; }
figure.wengert svg { max-width: 100%; height: auto; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style></head>
<body>
{body}
</body>
</html>
"""
