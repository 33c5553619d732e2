"""The cases a law is checked on: the samples of a primitive, and the same sample in other types."""

import importlib
import pkgutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

import wengert
import wengert.ops
import wengert.scipy
from wengert.core.primitive import PRIMITIVES, Primitive

for _package in (wengert.ops, wengert.scipy):
    for _module in pkgutil.walk_packages(_package.__path__, f"{_package.__name__}."):
        importlib.import_module(_module.name)

# The parameters of these hold graphs, which fix the dtypes of operands: tests/laws/test_staged.py and tests/control
# hold them to their own laws. The others call Python on plain values, and have no rules.
GRAPHS = {
    "call",
    "contraction",
    "deferred",
    "initial_value",
    "initial_value_adjoint",
    "scan",
    "scan_reversal",
    "switch",
    "while",
    "while_reversal",
}
# Their derivatives solve equations of their own, to the solver's tolerance: see tests/scipy.
TO_TOLERANCE = {"initial_value", "initial_value_adjoint"}
WITHOUT_LAWS = {*GRAPHS, "numpy_call"}

ALL = sorted(set(PRIMITIVES) - WITHOUT_LAWS)
DIFFERENTIABLE = [name for name in ALL if PRIMITIVES[name].differentiable]
ELEMENTWISE = [name for name in ALL if PRIMITIVES[name].elementwise]


@dataclass(frozen=True)
class Case:
    """Operands and parameters at which a law is checked, and the random stream of that check."""

    xs: tuple[Any, ...]
    params: dict[str, Any]
    label: str
    rng: np.random.Generator = field(compare=False)

    def with_xs(self, xs: Any, label: str) -> "Case":
        return replace(self, xs=tuple(xs), label=f"{self.label} {label}")


def stream(name: str) -> np.random.Generator:
    """One fixed random stream per name, the same in every process."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def samples(prim: Primitive) -> Iterator[Case]:
    """Every declared sample, as it was declared."""
    assert prim.samples is not None, f"{prim.name} declares no samples, so no law can hold it to anything"
    for index, (xs, params) in enumerate(prim.samples(stream(prim.name))):
        yield Case(tuple(xs), dict(params), f"sample {index}", stream(f"{prim.name}/{index}"))


def is_float(x: Any) -> bool:
    """Whether x can carry a derivative: its type is real or complex floating point."""
    return np.issubdtype(np.result_type(x), np.inexact)


def cast(case: Case, dtype: type) -> Case:
    """The sample with its real operands in another precision (and complex ones in the matching one)."""
    pair = np.result_type(dtype, np.complex64)
    return case.with_xs(
        [np.asarray(x).astype(pair if np.iscomplexobj(x) else dtype) if is_float(x) else x for x in case.xs],
        np.dtype(dtype).name,
    )


def complexes(case: Case) -> Iterator[Case]:
    """The sample with imaginary parts added: to all floating operands, then to one at a time."""
    floats = [i for i, x in enumerate(case.xs) if is_float(x)]
    for chosen in [floats] + ([[i] for i in floats] if len(floats) > 1 else []):
        xs = list(case.xs)
        for i in chosen:
            xs[i] = xs[i] + 0.1j * case.rng.normal(size=np.shape(xs[i]))
        yield case.with_xs(xs, f"complex operands {chosen}")


def check(prim: Primitive, law: Callable[[Primitive, Case], None]) -> None:
    """Hold one primitive to one law on all its samples, and report every sample that breaks it."""
    broken = []
    for case in samples(prim):
        try:
            with np.errstate(all="ignore"):
                law(prim, case)
        except Exception as error:  # noqa: BLE001 - a law reports what broke, whatever it was
            shapes = [np.shape(x) for x in case.xs]
            broken.append(f"{case.label} {shapes} {case.params}: {type(error).__name__}: {error}")
    assert not broken, f"{prim.name} breaks the law of {law.__name__}:\n" + "\n".join(broken)
