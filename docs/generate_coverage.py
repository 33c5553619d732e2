"""Write docs/reference/coverage.md: what Wengert does with every function of NumPy and scipy.special.

Every mark is measured when the page is made: see `measure_support.py`. The classes come from the registry. Run
`make docs`; tests/test_coverage_page.py fails when the page on disk is not what this makes.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import measure_support
import numpy as np
import scipy
from measure_support import ROOT, Support, is_float, measure
from scipy import special
from tests.classification import algebra, constants, elements, structure, ufuncs
from tests.classification.operands import operands

from wengert.core.numpy_protocol import CREATORS, FUNCTIONS, REFUSED, UFUNCS, ZERO_DERIVATIVE, find_ufunc
from wengert.errors import RuleMissingError

__all__ = ["PATH", "VERSIONS", "page"]

PATH = ROOT / "docs" / "reference" / "coverage.md"
VERSIONS = f"NumPy {np.__version__.rpartition('.')[0]}, SciPy {scipy.__version__.rpartition('.')[0]}"
LISTED = 5  # parts of a composed function that are named

find_ufunc(None)  # fills the tables that fill late

CALLS: dict[Any, list[tuple[str, Callable[..., Any]]]] = {
    **elements.CALLS,
    **structure.CALLS,
    **algebra.CALLS,
}
CALLS |= {f: [(kinds, f)] for f, kinds in (ufuncs.SMOOTH | ufuncs.SEVERAL).items()}
CALLS[np.ldexp] = [("v", lambda v: np.ldexp(v, np.array([1, -2, 0, 3])))]
CALLS |= {np.nextafter: [("v w", np.nextafter)]}

MARKS = {
    "wrong": "WRONG",
    "yes": "✓",
    "loop": "loop",
    "": "",
    "NotConcreteError": "refused",
    "RefusedError": "refused",
}
HEADER = ("function", "class", "jvp", "vjp", "2nd", "batch", "compiled", "made of")


@dataclass
class Entry:
    """A line of the page."""

    name: str
    kind: str
    note: str = ""
    support: Support = field(default_factory=Support)

    def cells(self) -> list[str]:
        """Return the cells of the table."""
        marks = [MARKS.get(self.support.marks.get(mode, ""), "refused") for mode in measure_support.MODES]
        return [f"`{self.name}`", self.kind, *marks, "–", self.note]


# Classes --------------------------------------------------------------------------------------------------------------


def _entry(name: str, function: Any) -> Entry:
    """Return the line of a function of NumPy's."""
    if function in REFUSED:
        return Entry(name, "refused", REFUSED[function])
    if function in CALLS:
        return _differentiable(name, function)
    return Entry(name, _ufunc_kind(function) if isinstance(function, np.ufunc) else _plain_kind(function))


def _ufunc_kind(ufunc: Any) -> str:
    prim = UFUNCS.get(ufunc)
    return "no floats" if prim is None else "registered" if prim.differentiable else "zero derivative"


def _plain_kind(function: Any) -> str:
    """Return the class of a function for which no call is differentiated."""
    front = FUNCTIONS.get(function)
    kinds = {
        "plain inquiry": getattr(front, "__module__", "") == "wengert.ops.inquiries",
        "zero derivative": function in ZERO_DERIVATIVE or function in constants.ZERO,
        "constructor": function in CREATORS,
        "no floats": function in constants.NUMPY_RAISES,
        "not dispatched": front is None,
        "registered": True,
    }
    return next(kind for kind, holds in kinds.items() if holds)


def _differentiable(name: str, function: Any) -> Entry:
    support = Support()
    for kinds, call in CALLS[function]:
        support.join(measure(call, operands(kinds)))
    if support.nodes == 1:
        note = "" if support.parts[0] in name else support.parts[0]
        return Entry(name, "primitive", note, support)
    more = ", …" if len(support.parts) > LISTED else ""
    return Entry(name, "composed", ", ".join(support.parts[:LISTED]) + more, support)


def _ufunc_entry(name: str, ufunc: Any) -> Entry:
    """Return the line of a ufunc of scipy.special, measured at the samples of its record."""
    prim = UFUNCS.get(ufunc)
    if prim is None:
        return Entry(name, "refused", "no rule")
    if not prim.differentiable:
        return Entry(name, "zero derivative")
    fixed: list[str] = []
    xs = max((tuple(xs) for xs, _ in prim.samples(np.random.default_rng(1964))), key=_tracings)
    names = _operand_names(ufunc)
    free = []
    for i in range(len(xs)):
        if _has_rule(ufunc, xs, i):
            free.append(i)
        else:
            fixed.append(names[i])
    support = measure(
        lambda *moving: ufunc(*_placed(xs, free, moving)), [np.asarray(xs[i], float) for i in free]
    )
    note = f"in {', '.join(names[i] for i in free)}; {', '.join(fixed)} constant" if fixed else ""
    return Entry(name, "primitive", note, support)


def _tracings(xs: tuple[Any, ...]) -> int:
    return sum(map(is_float, xs))


def _placed(xs: Iterable[Any], free: list[int], moving: tuple[Any, ...]) -> list[Any]:
    args = list(xs)
    for i, x in zip(free, moving, strict=True):
        args[i] = x
    return args


def _has_rule(ufunc: Any, xs: tuple[Any, ...], i: int) -> bool:
    """Whether an operand can be traced: its partial derivative has a rule."""
    try:
        support = measure(lambda x: ufunc(*_placed(xs, [i], (x,))), [np.asarray(xs[i], float)])
    except (RuleMissingError, TypeError):
        return False
    return support.nodes > 0 and support.marks.get("vjp") in {"yes", "wrong"}


def _operand_names(ufunc: Any) -> list[str]:
    """Return the names of a ufunc's operands as its docstring has them; NumPy's own first line does not."""
    signatures = re.findall(rf"^ *{ufunc.__name__}\(([^)]*)", ufunc.__doc__ or "", re.MULTILINE)
    names = [part.strip(" /[]") for part in signatures[-1].split(",")] if signatures else []
    return names[: ufunc.nin] if len(names) >= ufunc.nin else [f"x{i + 1}" for i in range(ufunc.nin)]


# Namespaces -----------------------------------------------------------------------------------------------------------


def _public(module: Any) -> dict[str, Any]:
    """Return the public functions of a namespace, aliases after the name that a function has."""
    names = [name for name in module.__all__ if callable(getattr(module, name, None))]
    return {
        n: getattr(module, n) for n in sorted(names, key=str.lower) if not inspect.isclass(getattr(module, n))
    }


def _entries(module: Any, prefix: str, make: Callable[[str, Any], Entry]) -> list[Entry]:
    seen: dict[int, Entry] = {}
    for name, function in _public(module).items():
        known = seen.get(id(function))
        if known is None:
            seen[id(function)] = make(prefix + name, function)
        else:
            known.name += f"`, `{prefix}{name}"
    return list(seen.values())


def _special(name: str, function: Any) -> Entry:
    if isinstance(function, np.ufunc):
        return _ufunc_entry(name, function)
    if function in FUNCTIONS:
        return _entry(name, function)
    try:
        support = measure(function, [np.array([0.3, 0.1, 0.6])])
    except Exception:  # noqa: BLE001 - SciPy's functions raise whatever they raise for what they do not know
        return Entry(name, "not dispatched")
    works = support.nodes and set(support.marks.values()) <= {"yes", "loop"}
    return (
        Entry(name, "composed", ", ".join(support.parts), support) if works else Entry(name, "not dispatched")
    )


def _own(package: str, mirrored: str) -> list[str]:
    """Return an item for each public module of a package of ours: the names that are not the mirrored package's own."""
    root = importlib.import_module(package)
    items = []
    for name in sorted(module.name for module in pkgutil.iter_modules(root.__path__)):
        module = importlib.import_module(f"{package}.{name}")
        theirs = _theirs(mirrored, name)
        public = [n for n in getattr(module, "__all__", ()) if hasattr(theirs, n)]
        ours = [f"`{n}`" for n in public if getattr(theirs, n) is not getattr(module, n)]
        if ours:
            items.append(f"* `{module.__name__}`: {', '.join(ours)}")
    return items


def _theirs(mirrored: str, name: str) -> Any:
    """Return the module that one of ours mirrors: that of its name, or the whole package."""
    try:
        return importlib.import_module(f"{mirrored}.{name}")
    except ImportError:
        return importlib.import_module(mirrored)


# The page -------------------------------------------------------------------------------------------------------------


def _table(entries: list[Entry]) -> list[str]:
    lines = [f"| {' | '.join(HEADER)} |", f"|{'---|' * len(HEADER)}"]
    return lines + [f"| {' | '.join(entry.cells())} |" for entry in entries]


def _names(entries: list[Entry], kind: str) -> str:
    return ", ".join(f"`{entry.name}`" for entry in entries if entry.kind == kind)


KINDS = {
    "primitive": "one primitive: it has rules of its own",
    "composed": "differentiated through its parts, which are named",
    "zero derivative": "locally constant: NumPy's plain result, through which nothing passes",
    "plain inquiry": "answers by shape, dtype or text",
    "constructor": "NumPy dispatches it through `like=` only; `wengert.numpy` has it for traced values",
    "refused": "raises `RefusedError`, with the reason and what to write instead",
    "no floats": "a function of integers, bits, dates or strings: NumPy itself raises `TypeError` for floats",
    "not dispatched": "NumPy or SciPy never asks us; it wants plain numbers, and a traced value raises",
}


def _section(title: str, entries: list[Entry]) -> list[str]:
    counts = Counter(entry.kind for entry in entries)
    lines = [f"## {title}", "", " · ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind]), ""]
    shown = [entry for entry in entries if entry.kind in {"primitive", "composed"}]
    lines += _table(shown) if shown else []
    for kind in ("zero derivative", "plain inquiry", "constructor", "no floats", "not dispatched"):
        if counts[kind]:
            lines += ["", f"**{kind.capitalize()}:** {_names(entries, kind)}."]
    refused: dict[str, list[str]] = {}
    for entry in entries:
        if entry.kind == "refused":
            refused.setdefault(entry.note, []).append(f"`{entry.name}`")
    for reason, names in refused.items():
        lines += ["", f"**Refused:** {', '.join(names)}: {reason.rstrip('.')}."]
    return [*lines, ""]


INTRODUCTION = """\
# Coverage

What Wengert does with every public function of {versions}. Generated by `make docs`; do not edit.

A ✓ was measured while this page was made: the calls of the function in `tests/classification` (or the samples of its
record) were differentiated in that way, and forward and reverse mode gave the same numbers. The test suite holds the
same calls to differences and to NumPy's values.

* **jvp**, **vjp**: forward and reverse mode. **2nd**: both nestings of them.
* **batch**: `vmap`; *loop* where a primitive in it has no batch rule and runs once per example; *refused* where the
  shape of the result depends on values.
* **compiled**: –, there is no compiler yet.
"""


def page() -> str:
    """Return the text of the page."""
    lines = [
        *INTRODUCTION.format(versions=VERSIONS).splitlines(),
        *[f"* **{kind}**: {text}." for kind, text in KINDS.items()],
        "",
        *_section("NumPy", _entries(np, "", _entry)),
        *_section("numpy.linalg", _entries(np.linalg, "linalg.", _entry)),
        *_section("numpy.fft", _entries(np.fft, "fft.", _entry)),
        *_section("scipy.special", _entries(special, "", _special)),
    ]
    lines += ["## wengert.numpy", "", "NumPy's names, of which these are ours, for traced values:", ""]
    lines += _own("wengert.numpy", "numpy")
    lines += ["", "## wengert.scipy", "", "SciPy's names, for traced and plain values:", ""]
    lines += _own("wengert.scipy", "scipy")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"written to {PATH.relative_to(ROOT)}\n")
