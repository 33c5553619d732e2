"""A module imports its own layer or lower, without cycles; nothing is imported late; nothing runs from strings."""

from __future__ import annotations

import ast
import graphlib
import symtable
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"

# The last layer also holds the package itself: importing `wengert` from below would import everything.
LAYERS = (
    {"errors", "types", "tree"},
    {"core"},
    {"ops"},
    {"transforms"},
    {"control"},
    {"compile"},
    {
        *{
            "",
            "__main__",
            "api",
            "cli",
            "debug",
            "distributed",
            "explain",
            "export",
            "fitting",
            "jit",
            "lift",
            "lifting",
            "methods",
            "paths",
            "signatures",
            "watching",
        },
        *{"nn", "numpy", "optim", "random", "scipy", "testing", "variable"},
    },
)

# Optional and heavy: imported by the function that needs them, so that `import wengert` neither needs nor
# loads them.
HEAVY = {"dask", "jax", "llvmlite", "matplotlib", "mpmath", "onnx", "safetensors", "scipy", "sympy", "torch"}

# Of ours, what few programs use: the compiler, and what reads sources.
LATE = {"wengert.compile", "wengert.lifting"}

# Modules that may refer to an evaluator.
EXCEPTIONS = {
    "wengert.lifting.source": {"compile"}
}  # of syntax trees, from the user's own file: never of text

EVALUATORS = {"eval", "exec", "compile", "__import__"}
SERIALIZERS = {"builtins", "cloudpickle", "dill", "marshal", "pickle", "shelve"}


class Import(NamedTuple):
    target: str  # dotted name
    line: int
    runtime: bool  # False under `if TYPE_CHECKING:`
    local: bool  # inside a function


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SRC.rglob("*.py"))}


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def targets(node: ast.Import | ast.ImportFrom, package: str, modules: set[str]) -> Iterator[str]:
    """Name what a statement imports: submodules where names are submodules, else the module itself."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        anchor = package.split(".")
        base = ".".join([*anchor[: len(anchor) - node.level + 1], *([base] if base else [])])
    for alias in node.names:
        full = f"{base}.{alias.name}"
        yield full if full in modules else base


def imports(source: str, package: str, modules: set[str]) -> list[Import]:
    found = []
    pending: list[tuple[ast.AST, bool, bool]] = [(ast.parse(source), True, False)]
    while pending:
        node, runtime, local = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found += [Import(name, node.lineno, runtime, local) for name in targets(node, package, modules)]
        runtime = runtime and not is_type_checking(node)
        local = local or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        pending += [(child, runtime, local) for child in ast.iter_child_nodes(node)]
    return found


def imports_of(module: str) -> list[Import]:
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return imports(path.read_text(encoding="utf-8"), package, set(MODULES))


def is_ours(name: str) -> bool:
    return name == "wengert" or name.startswith("wengert.")


def layer(module: str) -> int:
    """Index of the layer; a module the design does not know is an error, not a free pass."""
    top = module.split(".")[1] if "." in module else ""
    for index, names in enumerate(LAYERS):
        if top in names:
            return index
    message = f"{module} belongs to no layer: add it to LAYERS"
    raise LookupError(message)


def upward(module: str, found: list[Import]) -> list[str]:
    ours = [item for item in found if is_ours(item.target)]
    return [f"{module}:{i.line} imports {i.target}" for i in ours if layer(i.target) > layer(module)]


def late(module: str, found: list[Import]) -> list[str]:
    local = [item for item in found if item.local]
    return [
        f"{module}:{i.line} imports {i.target}"
        for i in local
        if i.target.split(".")[0] not in HEAVY and ".".join(i.target.split(".")[:2]) not in LATE
    ]


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of one cycle, or nothing."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def evaluators(source: str) -> list[str]:
    """Name the built-in evaluators a module refers to; parameters and attributes of those names are other things."""
    top = symtable.symtable(source, "<module>", "exec")
    own = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    found, pending = [], [top]
    while pending:
        table = pending.pop()
        pending += table.get_children()
        used = [s for s in table.get_symbols() if s.is_referenced() and s.is_global()]
        found += [f"{s.get_name()} in {table.get_name()}" for s in used if s.get_name() in EVALUATORS - own]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downward(module):
    assert not upward(module, imports_of(module))


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_imported_late_but_heavy_optional_packages(module):
    assert not late(module, imports_of(module))


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_evaluated_from_strings_or_unpickled(module):
    allowed = EXCEPTIONS.get(module, set())
    found = evaluators(MODULES[module].read_text(encoding="utf-8"))
    assert not [use for use in found if use.split()[0] not in allowed]
    assert not [i for i in imports_of(module) if i.target.split(".")[0] in SERIALIZERS]


def test_no_import_cycles():
    graph = {m: {i.target for i in imports_of(m) if i.runtime and i.target in MODULES} - {m} for m in MODULES}
    assert not cycle(graph)


def test_only_one_module_imports_llvmlite():
    users = {m for m in MODULES if any(i.target.split(".")[0] == "llvmlite" for i in imports_of(m))}
    assert users <= {"wengert.compile.llvm"}


# The checks themselves, on planted violations.


def planted(source: str, package: str = "wengert.core") -> list[Import]:
    return imports(
        source, package, {"wengert", "wengert.core", "wengert.core.tracer", "wengert.ops", "wengert.api"}
    )


@pytest.mark.parametrize(
    "source",
    [
        "import wengert",
        "import wengert.ops",
        "from wengert import api",
        "from wengert.api import grad",
        "from .. import api",
        "from ..ops import families",
        "def f():\n    from wengert.ops import families",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from wengert.ops import families",
    ],
)
def test_an_upward_import_is_seen(source):
    assert upward("wengert.core.tracer", planted(source))


@pytest.mark.parametrize(
    "source", ["from . import tracer", "from wengert import errors", "import numpy as np"]
)
def test_a_downward_import_passes(source):
    modules = {"wengert.errors", "wengert.core.tracer"}
    assert not upward("wengert.core.dispatch", imports(source, "wengert.core", modules))


def test_a_late_import_is_seen():
    assert late("m", planted("def f():\n    import json"))
    assert late("m", planted("class A:\n    def f(self):\n        from wengert.core import tracer"))
    assert not late("m", planted("def f():\n    import matplotlib.pyplot as plt"))


def test_a_cycle_is_seen():
    assert set(cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
    assert not cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_an_evaluator_is_seen():
    assert evaluators("def f(s):\n    return eval(s)")
    assert evaluators("run = exec")
    assert evaluators("f = lambda s: [compile(s, '', 'exec') for s in s]")
    assert not evaluators("def f(eval, x):\n    return eval(x) + x.exec")


def test_an_unknown_module_is_an_error():
    with pytest.raises(LookupError, match="belongs to no layer"):
        layer("wengert.utils")
