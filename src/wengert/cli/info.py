"""``wengert info``: versions, the machine, and what is compiled for it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

import wengert
from wengert.cli.output import console, print_json
from wengert.compile import cache
from wengert.compile.llvm import host

if TYPE_CHECKING:
    import argparse

__all__ = ["DESCRIPTION", "EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "versions and machine"
DESCRIPTION = "Print versions, the machine, and where compiled programs are kept."
EXAMPLES = ("wengert info", "wengert info --json")

_PACKAGES = ("numpy", "scipy", "optree", "rich", "llvmlite", "matplotlib", "sympy", "mpmath")


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> None:
    """Print what is known."""
    facts = {
        "wengert": wengert.__version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        **{name: _version(name) for name in _PACKAGES},
        "blas": _blas(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        **_compiler(),
    }
    if args.json:
        print_json(facts)
        return
    table = Table(show_header=False, box=None)
    for name, fact in facts.items():
        table.add_row(name, str(fact))
    console().print(table)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _blas() -> str:
    config: Any = np.show_config(mode="dicts")
    blas = config.get("Build Dependencies", {}).get("blas", {})
    return f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip()


def _compiler() -> dict[str, Any]:
    """Return what is compiled for, and what is kept of it."""
    machine, store = host(), cache.default()
    entries = [] if store is None else store.entries()
    return {
        "llvm": machine.llvm,
        "compiled for": f"{machine.cpu}, vectors of {machine.vector_bits} bits",
        "cache": "off" if store is None else str(store.path),
        "cached objects": len(entries),
        "cached bytes": sum(entry.size for entry in entries),
    }


def _processor() -> str:
    """Return the processor's name, where Linux or Python knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
