"""How reports become text and HTML: the same tables in a terminal, a file and a notebook."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["SUBSCRIPTS", "html_table", "jsonable", "plain", "precise", "short", "to_text"]

SUBSCRIPTS = str.maketrans("₋₀₁₂₃₄₅₆₇₈₉", "-0123456789")
_DOT = "\u0307"
_MARKED = re.compile("v([\u0304\u0307])([₋₀₁₂₃₄₅₆₇₈₉]*)")
_ASCII = SUBSCRIPTS | str.maketrans(
    {"·": "*", "∂": "d", "ᵀ": ".T", "≤": "<=", "≥": ">=", "≠": "!=", "×": "x", "‖": "|"}
)


def short(x: Any, digits: int = 6) -> str:
    """Return a number or array as text that fits a table: the entries of a small array, the shape of a large one."""
    x = np.asarray(x)
    if x.ndim == 0:
        return _number(x[()], digits)
    if x.size > 6:
        return f"{x.dtype}{list(x.shape)}"
    return _nested(x, min(digits, 4))


def precise(x: Any) -> str:
    """Return a number or array as text with all its digits."""
    x = np.asarray(x)
    if x.ndim == 0:
        return str(x[()]).strip("()")  # NumPy prints the fewest digits that give the number back
    return np.array2string(x, separator=", ", max_line_width=64)


def plain(text: str) -> str:
    """Return the notation of traces in ASCII, for terminals without Unicode: v1, v1_dot, v1_bar."""
    text = _MARKED.sub(lambda m: f"v{m.group(2)}_{'dot' if m.group(1) == _DOT else 'bar'}", text)
    return text.translate(_ASCII).encode("ascii", "replace").decode()


def jsonable(x: Any) -> Any:
    """Return a number or array as what JSON can hold; numbers that are not finite become "nan", "inf" or "-inf"."""
    x = np.asarray(x)
    if x.ndim:
        return [jsonable(row) for row in x]
    if x.dtype.kind == "c":
        return {"real": jsonable(x.real), "imag": jsonable(x.imag)}
    if x.dtype.kind in "fiub":
        number = x.item()
        return number if np.isfinite(number) else str(number)
    return str(x)


def to_text(report: Any, width: int = 80) -> str:
    """Return a rich renderable as plain text without color or trailing spaces."""
    buffer = io.StringIO()
    Console(file=buffer, width=width, color_system=None, highlight=False, legacy_windows=False).print(report)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())


def html_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, caption: str = "") -> str:
    """Return an HTML table of text cells, which are escaped."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in headers)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f'<table class="wengert">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _number(x: Any, digits: int) -> str:
    if np.iscomplexobj(x):
        sign = "-" if np.signbit(x.imag) else "+"
        return f"{_number(x.real, digits)}{sign}{_number(abs(x.imag), digits)}j"
    if isinstance(x, np.floating):
        return f"{float(x) + 0.0:.{digits}g}"  # + 0.0: not -0
    return str(x)


def _nested(x: Any, digits: int) -> str:
    return _number(x[()], digits) if x.ndim == 0 else "[" + ", ".join(_nested(row, digits) for row in x) + "]"
