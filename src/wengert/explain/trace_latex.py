"""Evaluation traces in LaTeX, in the layout of Baydin et al. (2018), tables 2 and 3.

Left the primal trace: v_i, what computes it, the same with numbers. Right the tangents, row by row, or the adjoints,
each beside the operation that contributes it: these are read from the bottom to the top.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain.drawing.labels import line_of
from wengert.explain.rendering import SUBSCRIPTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from wengert.explain.trace_report import AdjointStep, EvaluationTrace, TraceRow

__all__ = ["formula_latex", "number_latex", "to_latex"]

_NAME = re.compile("v([\u0304\u0307]?)([₋₀₁₂₃₄₅₆₇₈₉]+)")
_WORD = re.compile(
    "v[\u0304\u0307]?[₋₀₁₂₃₄₅₆₇₈₉]+|[A-Za-z_][A-Za-z_0-9]*|\\d+\\.?\\d*(?:e[+-]?\\d+)?|\\*\\*|//|\\s+|."
)
_FUNCTIONS = {
    name: f"\\{name}" for name in ("sin", "cos", "tan", "exp", "sinh", "cosh", "tanh", "max", "min")
} | {
    "log": "\\ln",
    "log2": "\\log_2",
    "log10": "\\log_{10}",
    "arcsin": "\\arcsin",
    "arccos": "\\arccos",
    "arctan": "\\arctan",
    "pi": "\\pi",
}
_SIGNS = {
    "·": "\\times ",
    "@": "\\,",
    "ᵀ": "^{\\mathsf T}",
    "∂": "\\partial ",
    "≤": "\\le ",
    "≥": "\\ge ",
    "≠": "\\ne ",
    "×": "\\times ",
    "…": "\\dots ",
    "‖": "\\|",
    "%": "\\%",
    "#": "\\#",
    "&": "\\&",
    "$": "\\$",
    "{": "\\{",
    "}": "\\}",
    "_": "\\_",
    "^": "\\hat{}",
    "~": "\\sim ",
    "\\": "\\backslash ",
    "//": "\\mathbin{//}",
    ";": ";\\ ",
    ",": ",\\,",
}
_DECIMALS = 3


def to_latex(trace: EvaluationTrace) -> str:
    """Return a trace as an array for math mode.

    Parameters
    ----------
    trace : EvaluationTrace

    Returns
    -------
    str
    """
    titles = (
        "Forward primal trace",
        "Forward tangent trace" if trace.mode == "forward" else "Reverse adjoint trace",
    )
    rows = list(_forward_rows(trace) if trace.mode == "forward" else _reverse_rows(trace))
    columns = len(rows[0])
    head = f"\\text{{{titles[0]}}} & & & \\text{{{titles[1]}}}" + " &" * (columns - 4)
    body = " \\\\\n".join([" & ".join(cells).rstrip() for cells in rows])
    return f"\\begin{{array}}{{lll|{'l' * (columns - 3)}}}\n{head} \\\\ \\hline\n{body}\n\\end{{array}}"


# Rows ---------------------------------------------------------------------------------------------------------------


def _forward_rows(trace: EvaluationTrace) -> Iterator[list[str]]:
    """Yield the primal cells, and of the tangents name, formula, and the same with numbers for each direction."""
    numbers = {row.name: row.value for row in trace.rows}
    for row in trace.rows:
        cells = [*_primal(row, numbers), _left(_marked(row.name, "\u0307"))]
        if row.formula == "seed":
            cells.append(f"= \\dot{{{_text(row.expression)}}}")
            cells += [f"= {number_latex(d)}" for d in row.derivatives]
        else:
            cells.append(f"= {formula_latex(row.formula)}")
            for k in range(len(row.derivatives)):
                dots = {_marked(other.name, "\u0307"): other.derivatives[k] for other in trace.rows}
                cells.append(_with_numbers(row.formula, numbers | dots, row.derivatives[k]))
        yield cells
    result = _result(trace)
    if result is not None:
        yield [
            "y",
            f"= {formula_latex(result.name)}",
            f"= {number_latex(result.value)}",
            "\\dot{y}",
            f"= {formula_latex(_marked(result.name, chr(0x307)))}",
            *[f"= {number_latex(d)}" for d in result.derivatives],
        ]


def _reverse_rows(trace: EvaluationTrace) -> Iterator[list[str]]:
    """Yield the primal cells, and beside each operation what it adds to its operands, the last first."""
    numbers = {row.name: row.value for row in trace.rows}
    bars = {_marked(row.name, "\u0304"): row.derivatives[0] for row in trace.rows}
    beside: dict[int | None, list[AdjointStep]] = {}
    for step in trace.steps:
        beside.setdefault(step.source, []).insert(0, step)
    for row in trace.rows:
        primal = _primal(row, numbers)
        if row.number <= 0:
            total = bars[_marked(row.name, "\u0304")]
            name = formula_latex(_marked(row.name, "\u0304"))
            yield [*primal, f"\\bar{{{_text(row.expression)}}}", f"= {name}", f"= {number_latex(total)}"]
            continue
        steps = beside.get(row.number, [])
        for k, step in enumerate(steps):
            before = {step.name: step.value - step.contribution}
            cells = [_left(step.name), f"= {formula_latex(step.formula)}"]
            cells.append(_with_numbers(step.formula, numbers | bars | before, step.value))
            yield [*(primal if k == 0 else ["", "", ""]), *cells]
        if not steps:
            yield [*primal, "", "", ""]
    result = _result(trace)
    for step in beside.get(None, []):
        value = trace.value if result is None else result.value
        primal = ["y", f"= {formula_latex(step.name.replace(chr(0x304), ''))}", f"= {number_latex(value)}"]
        yield [*primal, _left(step.name), "= \\bar{y}", f"= {number_latex(step.value)}"]


def _primal(row: TraceRow, numbers: Mapping[str, Any]) -> list[str]:
    if row.number <= 0:
        return [_left(row.name), f"= {_text(row.expression)}", f"= {number_latex(row.value)}"]
    return [
        _left(row.name),
        f"= {formula_latex(row.expression)}",
        _with_numbers(row.expression, numbers, row.value),
    ]


def _result(trace: EvaluationTrace) -> TraceRow | None:
    found = [row for row in trace.rows if row.number == trace.output]
    return found[0] if found else None


def _left(name: str) -> str:
    return formula_latex(name)


def _marked(name: str, mark: str) -> str:
    return "v" + mark + name[1:]


def _with_numbers(formula: str, values: Mapping[str, Any], value: Any) -> str:
    """Return a formula with numbers for names, and its value; of arrays the value only."""
    names = {m.group() for m in _NAME.finditer(formula)}
    result = f"= {number_latex(value)}"
    if (
        not names
        or formula in names
        or "∂" in formula
        or ";" in formula
        or any(np.ndim(values.get(name, np.zeros(1))) for name in names)
    ):
        return result
    written = formula_latex(formula, values)
    return f"= {written} {result}" if written != number_latex(value) else result


# Formulas -----------------------------------------------------------------------------------------------------------


def formula_latex(formula: str, values: Mapping[str, Any] | None = None) -> str:
    """Return a formula of a trace in LaTeX.

    Parameters
    ----------
    formula : str
    values : mapping, optional
        Numbers that stand for names.

    Returns
    -------
    str
    """
    return _join(_WORD.findall(formula), values)


def _join(words: Sequence[str], values: Mapping[str, Any] | None) -> str:
    parts: list[str] = []
    k = 0
    while k < len(words):
        word = words[k]
        if word == "**":
            k, exponent = _operand(words, k + 1)
            parts = ["".join(parts).rstrip(), "^{" + _join(_bare(exponent), values) + "}"]
        elif word in ("sqrt", *_FUNCTIONS) and k + 1 < len(words) and words[k + 1] == "(":
            k, argument = _operand(words, k + 1)
            inside = _join(_bare(argument), values)
            single = len(argument) == 3
            opened = f"{{{inside}}}" if word == "sqrt" else f" {inside}" if single else f"({inside})"
            parts.append(("\\sqrt" if word == "sqrt" else _FUNCTIONS[word]) + opened)
        else:
            power = k + 1 < len(words) and "**" in words[k + 1 : k + 3]
            parts.append(_letter(word, values, power=power))
            k += 1
    return "".join(parts).strip()


def _operand(words: Sequence[str], k: int) -> tuple[int, Sequence[str]]:
    """Return the place behind an operand that begins at k, and its words: one, or all in parentheses."""
    while k < len(words) and words[k].isspace():
        k += 1
    start, depth = k, 0
    while k < len(words):
        depth += {"(": 1, ")": -1}.get(words[k], 0)
        k += 1
        if depth <= 0:
            break
    return k, words[start:k]


def _bare(words: Sequence[str]) -> Sequence[str]:
    return words[1:-1] if words and words[0] == "(" and words[-1] == ")" else words


def _letter(word: str, values: Mapping[str, Any] | None, *, power: bool) -> str:
    named = _NAME.fullmatch(word)
    if named is not None:
        if values is not None:
            number = number_latex(values[word])
            return f"({number})" if number.startswith("-") or (power and not number.isdigit()) else number
        name = f"v_{{{named.group(2).translate(SUBSCRIPTS)}}}"
        mark = {"": "", "\u0307": "\\dot", "\u0304": "\\bar"}[named.group(1)]
        return f"{mark}{{v}}_{{{named.group(2).translate(SUBSCRIPTS)}}}" if mark else name
    if word in _FUNCTIONS:
        return _FUNCTIONS[word]
    if word in _SIGNS:
        return _SIGNS[word]
    if word[0].isalpha() or (word[0] == "_" and len(word) > 1):
        return _text(word) if len(word) == 1 else f"\\operatorname{{{word.replace('_', chr(92) + '_')}}}"
    return " " if word.isspace() else word


def _text(name: str) -> str:
    """Return what the user named: x1 with its number as subscript, other words upright."""
    counted = re.fullmatch("([A-Za-z])_?([0-9]+)", name)
    if counted:
        return f"{counted.group(1)}_{{{counted.group(2)}}}"
    if len(name) == 1 and name.isalpha():
        return name
    return "\\mathrm{" + "".join(_SIGNS.get(c, c) for c in name if c.isprintable()) + "}"


def number_latex(x: Any) -> str:
    """Return a number with three decimals, as the tables of textbooks do; an array by its entries or its norm."""
    x = np.asarray(x)
    if x.ndim == 1 and x.size <= _DECIMALS:
        return "(" + ",\\, ".join(map(number_latex, x)) + ")"
    if x.ndim:
        return "\\text{" + line_of(x).replace("×", "$\\times$") + "}"
    if x.dtype.kind == "c":
        sign = "-" if np.signbit(x.imag) else "+"
        return f"({number_latex(x.real)} {sign} {number_latex(abs(x.imag))}\\mathrm{{i}})"
    return _real(float(x)) if x.dtype.kind in "fiu" else f"\\text{{{x}}}"


def _real(value: float) -> str:
    if not np.isfinite(value):
        return {"inf": "\\infty", "-inf": "-\\infty"}.get(str(value), "\\text{nan}")
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value + 0.0:.{_DECIMALS}f}".rstrip("0").rstrip(".")
    mantissa, exponent = f"{value:.{_DECIMALS}e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')} \\cdot 10^{{{int(exponent)}}}"
