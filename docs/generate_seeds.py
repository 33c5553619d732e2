"""Write the outputs and figures of docs/seeds.md: its blocks of Python are run, in order, as the cells of a notebook.

What a block prints, and the value of its last line, stands between the comments behind it:

    <!-- output -->                             text, or a table of Markdown if the value is a report
    <!-- output measured -->                    the same; times and memory, which differ from run to run
    <!-- output figures/name.svg: a sentence --> a figure of the value, described by the sentence
    <!-- end -->

Run `make docs`; tests/test_seeds_page.py fails when the page on disk is not what this makes, measurements aside.
"""

from __future__ import annotations

import ast
import contextlib
import io
import linecache
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wengert.explain.figures import svg
from wengert.explain.report import Picture, Report

__all__ = ["PATH", "Block", "blocks", "page"]

PATH = Path(__file__).parent / "seeds.md"

_BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n"
    r"(?:\n<!-- output(?P<kind> measured)?(?: (?P<figure>figures/[\w-]+\.svg): (?P<words>[^\n]*?))? -->\n"
    r"(?P<old>.*?)<!-- end -->\n)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of Python and its output.

    Attributes
    ----------
    code : str
    measured : bool
        Whether the output differs from run to run.
    figure, words : str
        The file of the figure, and its description; empty for text.
    output : str or None
        As Markdown; None where the page asks for none.
    picture : str
        The figure as SVG.
    """

    code: str
    measured: bool
    figure: str
    words: str
    output: str | None
    picture: str = ""


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of a page with the outputs that stand in it."""
    for match in _BLOCK.finditer(text):
        yield Block(
            match["code"], bool(match["kind"]), match["figure"] or "", match["words"] or "", match["old"]
        )


def page(text: str) -> tuple[str, list[Block]]:
    """Run the blocks of a page.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        The page with new outputs.
    list of Block
    """
    names: dict[str, Any] = {"__name__": "__document__"}
    done: list[Block] = []

    def renewed(match: re.Match[str]) -> str:
        block = next(blocks(match.group()))
        done.append(_run(block, names, f"seeds.md, block {len(done) + 1}"))
        if block.output is None:
            return match.group()
        head, _, _ = match.group().partition("-->\n")
        return f"{head}-->\n{done[-1].output}<!-- end -->\n"

    return _BLOCK.sub(renewed, text), done


def _run(block: Block, names: dict[str, Any], name: str) -> Block:
    """Run a block, and return it with its output."""
    # as a notebook does for its cells, so that the lines of functions are known
    linecache.cache[name] = (len(block.code), None, block.code.splitlines(keepends=True), name)
    tree = ast.parse(block.code, name)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    value = None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, name, "exec"), names)  # noqa: S102 - the page's own code
        if last is not None:
            value = eval(compile(ast.Expression(last.value), name, "eval"), names)  # noqa: S307 - likewise
    if block.output is None:
        return block
    text = printed.getvalue()
    parts = [f"```text\n{_stripped(text)}```\n"] if text else []
    picture = ""
    if block.figure:
        picture = _picture(value)
        parts.append(f"![{block.words}]({block.figure})\n")
    elif value is not None:
        parts.append(_written(value))
    output = "\n" + "\n".join(parts) + "\n"
    return Block(block.code, block.measured, block.figure, block.words, output, picture)


def _stripped(text: str) -> str:
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


def _written(value: Any) -> str:
    """Return a value as Markdown: a report as its tables, anything else as Python prints it."""
    if isinstance(value, Report):
        _, _, text = value.to_markdown().partition("\n\n")  # without the title
        return re.sub(r"^#+ (.*)$", r"**\1**", text.rstrip(), flags=re.MULTILINE) + "\n"
    if hasattr(value, "markdown"):
        return str(value.markdown()).rstrip() + "\n"
    return f"```text\n{value!r}\n```\n"


def _picture(value: Any) -> str:
    """Return the figure that a value has: a drawing, the first plot of a report, a figure of Matplotlib."""
    if isinstance(value, Report):
        return svg(next(block for block in value.blocks() if isinstance(block, Picture)))
    if hasattr(value, "svg"):
        return str(value.svg())
    return svg(Picture("", value))


def main(folder: Path) -> None:
    """Write the page and its figures into a folder."""
    text, done = page(PATH.read_text(encoding="utf-8"))
    (folder / PATH.name).write_text(text, encoding="utf-8")
    (folder / "figures").mkdir(exist_ok=True)
    drawn = {block.figure: block.picture for block in done if block.figure}
    for name, picture in drawn.items():
        lines = [line.rstrip() for line in picture.splitlines()]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    for old in (folder / "figures").glob("*.svg"):
        if f"figures/{old.name}" not in drawn:
            old.unlink()
    sys.stdout.write(f"{PATH.name}: {len(done)} blocks, {len(drawn)} figures\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else PATH.parent)
