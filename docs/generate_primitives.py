"""Write docs/reference/primitives.md: every primitive, from its record and the source of its rules.

Run `make docs`; tests/test_coverage_page.py fails when the page on disk is not what this makes.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from wengert.core.numpy_protocol import find_ufunc  # noqa: E402
from wengert.core.primitive import PRIMITIVES, Primitive  # noqa: E402

__all__ = ["PATH", "page"]

PATH = ROOT / "docs" / "reference" / "primitives.md"
SRC = ROOT / "src"
PACKAGES = ("ops", "control", "numpy", "scipy")  # those that define primitives

find_ufunc(None)  # loads the modules that load late


def _load_all() -> None:
    """Import what may define primitives, all of it."""
    for package in PACKAGES:
        root = importlib.import_module(f"wengert.{package}")
        for module in pkgutil.walk_packages(root.__path__, f"{root.__name__}."):
            importlib.import_module(module.name)


# Sources --------------------------------------------------------------------------------------------------------------


def _argument(call: ast.Call, keyword: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == keyword), None)


def _partials(call: ast.Call) -> str:
    """Return the partial derivatives of a call of `elementwise`, as expressions of y and the operands."""
    if len(call.args) < 2 or not isinstance(call.args[1], ast.Tuple):
        return ""
    found = [_expression(item) for item in call.args[1].elts]
    return "" if None in found else "; ".join(f"`{text}`" for text in found)


def _expression(node: ast.expr) -> str | None:
    """Return the body of a one-line rule, a number, or None for a rule that is a function of its own."""
    if isinstance(node, ast.Lambda):
        return ast.unparse(node.body).replace("|", "\\|")
    text = ast.unparse(node)
    return text if text in {"0", "1", "-1"} else None


def _calls(tree: ast.Module, *makers: str) -> list[ast.Call]:
    return [n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) in makers]


def _elementwise(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Name the primitives that families make in a module of a ufunc, with their partial derivatives."""
    for node in _calls(tree, "elementwise", "nondifferentiable", "_register"):
        if node.args:
            named = _argument(node, "name")
            name = ast.literal_eval(named) if isinstance(named, ast.Constant) else ast.unparse(node.args[0])
            yield name.rpartition(".")[2], _partials(node)


def _names(tree: ast.Module) -> set[str]:
    """Return all strings and attribute names in a module: a record's name is one of them."""
    strings = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return strings | {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}


def _homes() -> tuple[dict[str, Path], dict[str, str], dict[Path, str]]:
    """Return the file of each primitive, the partials of the elementwise ones, and the first line of each file."""
    homes: dict[str, Path] = {}
    partials: dict[str, str] = {}
    titles: dict[Path, str] = {}
    modules = {path: ast.parse(path.read_text("utf-8")) for path in sorted((SRC / "wengert").rglob("*.py"))}
    for path, tree in modules.items():
        titles[path] = (ast.get_docstring(tree) or "").partition("\n")[0]
        for name, text in _elementwise(tree):
            homes[name], partials[name] = path, text
    for prim in PRIMITIVES.values():
        if prim.name not in homes:
            homes[prim.name] = _home(prim, modules)
    return homes, partials, titles


def _home(prim: Primitive, modules: dict[Path, ast.Module]) -> Path:
    """Return the file that makes a primitive: that of its rules, which speaks of it by name if any does."""
    rules = (prim.vjp, prim.jvp, prim.infer, prim.batch, prim.eval, prim.samples)
    written = [str(getattr(rule, "__module__", "")) for rule in rules]
    files = [SRC / (module.replace(".", "/") + ".py") for module in written if module.startswith("wengert.")]
    files = [file for file in files if "families" not in file.name]
    named = [file for file in files if prim.name in _names(modules[file])]
    return (named or files or [_search(prim, modules)])[0]


def _search(prim: Primitive, modules: dict[Path, ast.Module]) -> Path:
    """Return the first file of operations that makes such primitives and speaks of this one by name."""
    makers = ("elementwise",) if prim.differentiable else ("nondifferentiable",)
    files = [p for p, tree in modules.items() if p.parent.name == "ops" and prim.name in _names(tree)]
    return min(files, key=lambda path: (not _calls(modules[path], *makers), path))


# The page -------------------------------------------------------------------------------------------------------------


def _rules(prim: Primitive) -> str:
    """Say what a record has beside the common set of rules."""
    lowered = [type(prim.lower).__name__.lower()] if prim.lower is not None else []
    if not prim.differentiable:
        return ", ".join(["zero derivative", *lowered])
    found = ["complex"] if prim.complex else []
    found += ["no batch rule"] if prim.batch is None else []
    found += ["several results"] if prim.multiple else []
    found += ["series"] if prim.taylor is not None else []
    return ", ".join([*found, *lowered])


def _section(path: Path, title: str, prims: list[Primitive], partials: dict[str, str]) -> list[str]:
    link = f"[`{path.name}`](../../{path.relative_to(ROOT).as_posix()})"
    with_partials = any(partials.get(prim.name) for prim in prims)
    head = ["primitive", "what it is", *(["partial derivatives"] if with_partials else []), "rules"]
    lines = [f"## {title.rstrip('.')}", "", link, "", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for prim in prims:
        doc = prim.doc.replace("|", "\\|")
        cells = [
            f"`{prim.name}`",
            doc,
            *([partials.get(prim.name, "")] if with_partials else []),
            _rules(prim),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


INTRODUCTION = """\
# Primitives

The {count} operations that have rules of their own; everything else is made of them ([coverage](coverage.md)).
Generated by `make docs`; do not edit.

Each is one record in one file ([decision 2](../decisions/0002-one-record.md)) and has, unless a row says otherwise, a
type rule, a forward rule (`jvp`), a reverse rule (`vjp`), a rule for batches, and samples over which `tests/laws`
holds it to every law. *series*: a rule of its own for power series (`taylor`), where others go by `jvp`. *complex*:
the rules hold for complex operands. *pointwise*, *view*, *placement*, *reduction*: how it becomes loops in compiled
programs, which call NumPy for all others. A partial derivative is what stands in the source: `y` is the result, and a
zero cotangent times an infinite partial is zero.

"""


def page() -> str:
    """Return the text of the page."""
    _load_all()
    homes, partials, titles = _homes()
    files: dict[Path, list[Primitive]] = defaultdict(list)
    for name in sorted(PRIMITIVES, key=str.lower):
        files[homes[name]].append(PRIMITIVES[name])
    lines = INTRODUCTION.format(count=len(PRIMITIVES)).splitlines()
    for path in sorted(files):
        lines += _section(path, titles[path], files[path], partials)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"written to {PATH.relative_to(ROOT)}\n")
