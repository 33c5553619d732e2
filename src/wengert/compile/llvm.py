"""LLVM: text to objects, objects to addresses. The only module that imports llvmlite.

One just-in-time linker and one target machine for each level of code generation serve the process. They are made on
first use, and never disposed of: a finalizer may call a compiled program while the interpreter shuts down.

    text -> parse, verify -> optimise -> object      compile_text
    object, addresses of symbols -> Library          link

Names in a program that begin with ``wg.`` are resolved by `compile.symbols`; all others are those of the process: the C
library, its mathematics, Python. Objects hold no addresses, so that they may be kept on disk.

Measured for llvmlite 0.50 (LLVM 22, assertions on), AMD EPYC 9004: LLJIT links in 0.2 to 0.4 ms, with its older linker
and with JITLink alike, and keeps 9 kB of each library that was unloaded; an engine of MCJIT for each takes 3 ms and
keeps nothing. The large code model, llvmlite's default, is safe wherever memory happens to be; that its instructions
cannot name a constant in memory costs loops over 50 constants nothing.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any, Final, Literal, final

__all__ = ["Host", "Level", "Library", "assembly", "compile_text", "host", "link", "optimised"]

Level = Literal["none", "inline", "simplify", "O1", "O2", "O3"]

_SPEED: Final = {"none": 0, "inline": 1, "simplify": 1, "O1": 1, "O2": 2, "O3": 3}
# Of all work with LLVM. llvmlite has a lock of its own, around each of its calls; this one is also held across a fork,
# so that no child begins with LLVM in the middle of another thread's work.
_lock = threading.RLock()
_libraries = itertools.count()  # a linked library's name is never used again


@dataclass(frozen=True, slots=True)
class Host:
    """What code is generated for, and by what.

    Attributes
    ----------
    triple, cpu, features : str
        The machine, in LLVM's words.
    vector_bits : int
        Width of the widest vectors: the value of the function attribute ``prefer-vector-width``.
    llvm, llvmlite : str
        Versions.
    """

    triple: str
    cpu: str
    features: str
    vector_bits: int
    llvm: str
    llvmlite: str


@final
class Library:
    """Machine code in memory, for as long as this object lives.

    Parameters
    ----------
    tracker : llvmlite.binding.ResourceTracker
        Frees the memory when it is disposed of.
    names : iterable of str
        The exported symbols.
    """

    __slots__ = ("_addresses", "_tracker")

    def __init__(self, tracker: Any, names: Iterable[str]) -> None:
        self._tracker = tracker
        self._addresses = {name: int(tracker[name]) for name in names}

    def __del__(self) -> None:
        if not sys.is_finalizing():  # then others may still run the code, and the process frees it
            with _lock:
                self._tracker.close()

    def __getitem__(self, name: str) -> int:
        """Return the address of an exported symbol."""
        return self._addresses[name]


def compile_text(text: str, *, optimise: Level = "O2", generate: Level | None = None) -> bytes:
    """Compile a module to an object.

    Parameters
    ----------
    text : str
        The module, in LLVM's assembly language.
    optimise : {"none", "inline", "simplify", "O1", "O2", "O3"}
        Passes over the module. "inline" puts functions in the place of their calls where they ask for it, and does no
        more: for text that is as it should be, half the time of O1. "simplify" then computes once what several of these
        functions compute: as fast code as that of O1. Loops are vectorised from O2 on.
    generate : {"none", "inline", "simplify", "O1", "O2", "O3"}, optional
        Effort of instruction selection and register allocation; that of `optimise` by default.

    Returns
    -------
    bytes
        An object in the machine's format.

    Raises
    ------
    ValueError
        If the text is not a valid module. Its position is in LLVM's message.
    """
    with _lock:
        machine = _machine(generate or optimise)
        return bytes(machine.emit_object(_optimised(text, optimise, machine)))


def optimised(text: str, *, optimise: Level = "O2") -> str:
    """Return a module as LLVM's passes leave it, for reading."""
    with _lock:
        return str(_optimised(text, optimise, _machine(optimise)))


def assembly(text: str, *, optimise: Level = "O2", generate: Level | None = None) -> str:
    """Return the machine code of a module in the assembly language of the machine, for reading."""
    with _lock:
        machine = _machine(generate or optimise)
        return str(machine.emit_assembly(_optimised(text, optimise, machine)))


def link(code: bytes, symbols: Mapping[str, int], exports: Iterable[str]) -> Library:
    """Load an object.

    Parameters
    ----------
    code : bytes
        What `compile_text` returned, for this machine.
    symbols : mapping of str to int
        Addresses of what the object imports, beside the symbols of the process.
    exports : iterable of str
        Functions whose addresses are wanted.

    Returns
    -------
    Library
        Keep it for as long as the code may run.

    Raises
    ------
    RuntimeError
        If a symbol is defined nowhere, or an export is missing.
    """
    names = tuple(exports)
    builder = _binding().JITLibraryBuilder()
    builder.add_object_img(code).add_current_process()
    for name, address in symbols.items():
        builder.import_symbol(name, address)
    for name in names:
        builder.export_symbol(name)
    with _lock:
        return Library(builder.link(_linker(), f"wengert.{next(_libraries)}"), names)


@cache
def host() -> Host:
    """Describe the machine and the compiler."""
    llvm = _binding()
    features = llvm.get_host_cpu_features()
    widths = ((512, "avx512f"), (256, "avx"))
    return Host(
        triple=llvm.get_process_triple(),
        cpu=llvm.get_host_cpu_name(),
        features=features.flatten(),
        vector_bits=next((bits for bits, name in widths if features.get(name)), 128),
        llvm=".".join(map(str, llvm.llvm_version_info)),
        llvmlite=metadata.version("llvmlite"),
    )


# Made once ----------------------------------------------------------------------------------------------------------


@cache
def _binding() -> Any:
    import llvmlite.binding  # 50 to 120 ms, and most programs never compile

    with _lock:
        llvmlite.binding.initialize_native_target()
        llvmlite.binding.initialize_native_asmprinter()
    return llvmlite.binding


@cache
def _machine(level: Level) -> Any:
    """Return the target machine that generates code with one level of effort."""
    target = _binding().Target.from_triple(host().triple)
    return target.create_target_machine(cpu=host().cpu, features=host().features, opt=_SPEED[level], jit=True)


@cache
def _linker() -> Any:
    # A machine of its own, which it takes over.
    made = _binding().create_lljit_compiler(_machine.__wrapped__("O2"), suppress_errors=True)
    made._owned = True  # noqa: SLF001 - by the process: `close`, at exit or by the collector, leaves it
    return made


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def _optimised(text: str, level: Level, machine: Any) -> Any:
    llvm = _binding()
    module = _parsed(text)
    if level in {"inline", "simplify"}:
        options = llvm.create_pipeline_tuning_options(speed_level=1)
        options.loop_vectorization = options.slp_vectorization = options.loop_unrolling = False
        passes = llvm.create_pass_builder(machine, options)
        manager = llvm.create_new_module_pass_manager()
        manager.add_always_inliner_pass()
        manager.add_global_dead_code_eliminate_pass()
        manager.run(module, passes)
        for function in module.functions if level == "simplify" else ():
            if not function.is_declaration:
                passes.getFunctionPassManager().run(function, passes)
    elif level != "none":
        options = llvm.create_pipeline_tuning_options(speed_level=_SPEED[level])
        options.loop_vectorization = options.slp_vectorization = level != "O1"
        passes = llvm.create_pass_builder(machine, options)
        passes.getModulePassManager().run(module, passes)
    return module


def _parsed(text: str) -> Any:
    """Parse into a context of its own: the shared one keeps every type and constant it has seen."""
    llvm = _binding()
    try:
        module = llvm.parse_assembly(text, context=llvm.create_context())
        module.verify()
    except RuntimeError as error:
        message = f"LLVM rejects the module: {error}"
        raise ValueError(message) from None
    module.triple = host().triple
    module.data_layout = str(_machine("none").target_data)
    return module
