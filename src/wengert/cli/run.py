"""``wengert run``: the value of a function, its derivative, and how long they take."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.gradients import grad
from wengert.api.jacobians import jacobian
from wengert.cli.output import print_json, progress, spelled
from wengert.cli.subject import Subject, add_subject, subject
from wengert.explain.measuring import Timing, once, side_by_side
from wengert.explain.rendering import jsonable, precise
from wengert.explain.units import seconds_text
from wengert.jit import jit

if TYPE_CHECKING:
    import argparse

__all__ = ["DESCRIPTION", "EXAMPLES", "SUMMARY", "add_options", "run"]

SUMMARY = "the value of a function, its derivative, and how long they take"
DESCRIPTION = """\
Call a function, take its gradient (or its Jacobian, if the result is an array), and measure how long either
takes. With --jit both are compiled."""
EXAMPLES = (
    'wengert run "log(x1) + x1*x2 - sin(x2)" x1=2 x2=5',
    "wengert run model.py:loss --args w=1,2,3 x=@data.npy --wrt w --jit",
    "wengert run model.py:loss w=1,2,3 n=4 --static n --json",
)

_LARGEST = 1_000_000  # entries of a Jacobian


def add_options(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_subject(command)
    command.add_argument("--jit", action="store_true", help="compile the function and its derivative")
    command.add_argument(
        "--seconds", type=float, default=0.5, help="about how long to measure times (default 0.5); 0 for not"
    )
    command.add_argument("--json", action="store_true", help="print JSON")


@dataclass(slots=True)
class _Run:
    """What was computed and measured."""

    value: Any
    kind: str = ""
    derivatives: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    first: dict[str, float] = field(default_factory=dict)
    timings: dict[str, Timing] = field(default_factory=dict)


def run(args: argparse.Namespace) -> None:
    """Call, differentiate, measure and print."""
    about = subject(args)
    with about.running(), progress() as moved:
        work = _Work(about, jit if args.jit else lambda fun: fun)
        result = _called(about, work)
        if args.seconds > 0:
            again = args.jit or max(result.first.values()) < args.seconds
            result.timings = _timings(work.calls, args.seconds, moved) if again else {}
    if args.json:
        print_json(_data(about, result, args.jit))
    else:
        _print(result, args.jit)


class _Work:
    """The calls that are made, once and then to measure them."""

    def __init__(self, about: Subject, compiled: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        self._about, self._compiled = about, compiled
        self._made: dict[str, Callable[..., Any]] = {"value": compiled(about.fun)}

    @property
    def calls(self) -> dict[str, Callable[[], Any]]:
        """The calls, of the same arguments."""
        return {name: partial(made, *self._about.args) for name, made in self._made.items()}

    def fresh(self, name: str) -> Callable[[], Any]:
        """Return a call of copies of the arguments, which it may write into."""
        return partial(self._made[name], *copy.deepcopy(self._about.args))

    def differentiate(self, kind: str) -> None:
        """Add the call of a derivative: a Jacobian or a gradient."""
        of = jacobian if kind == "Jacobian" else grad
        self._made[kind] = self._compiled(of(self._about.fun, argnums=self._about.chosen))


def _called(about: Subject, work: _Work) -> _Run:
    """Return the value and the derivative, each computed once."""
    value, took = once(work.fresh("value"))
    result = _Run(value, first={"value": took})
    result.kind, result.note = _derivative_of(value, about)
    if result.kind:
        work.differentiate(result.kind)
        found, took = once(work.fresh(result.kind))
        result.first[result.kind] = took
        for k, part in zip(about.chosen, found, strict=True):
            leaves, paths = tree.flatten(part)[0], tree.paths(part)
            result.derivatives |= {
                about.names[k] + path: leaf for path, leaf in zip(paths, leaves, strict=True)
            }
    return result


def _derivative_of(value: Any, about: Subject) -> tuple[str, str]:
    """Return which derivative there is, and why there is none."""
    kind = getattr(value, "dtype", np.dtype(type(value) if isinstance(value, float) else object)).kind
    if kind != "f":
        return "", f"no derivative: the function returned {type(value).__name__}, not real numbers"
    if not about.chosen:
        return "", "no derivative: no argument is a real number or array"
    inputs = sum(np.size(leaf) for k in about.chosen for leaf in tree.flatten(about.args[k])[0])
    if np.ndim(value) and inputs * np.size(value) > _LARGEST:
        return "", f"no derivative: the Jacobian would have {inputs * np.size(value):,} entries"
    return ("Jacobian" if np.ndim(value) else "gradient"), ""


def _timings(
    calls: dict[str, Callable[[], Any]], seconds: float, moved: Callable[[str, float], None]
) -> dict[str, Timing]:
    for call in calls.values():  # guards and caches have settled, then
        call()
    return side_by_side(calls, seconds, lambda done: moved("measuring", done))


# Output -------------------------------------------------------------------------------------------------------------


def _data(about: Subject, result: _Run, compiled: bool) -> dict[str, Any]:
    return {
        "expression": about.text,
        "value": _jsonable(result.value),
        "derivative": result.kind or None,
        "gradient": {name: jsonable(part) for name, part in result.derivatives.items()},
        "note": result.note,
        "compiled": compiled,
        "seconds": {name: timing.seconds for name, timing in result.timings.items()},
        "first": result.first,
    }


def _jsonable(value: Any) -> Any:
    """Return a result as what JSON holds: a number, an array, or the leaves of a container by their paths."""
    leaves = tree.flatten(value)[0]
    if len(leaves) == 1 and leaves[0] is value:
        return jsonable(value)
    return {path or "value": jsonable(leaf) for path, leaf in zip(tree.paths(value), leaves, strict=True)}


def _print(result: _Run, compiled: bool) -> None:
    leaves, paths = tree.flatten(result.value)[0], tree.paths(result.value)
    lines = {f"value{path}": precise(leaf) for path, leaf in zip(paths, leaves, strict=True)}
    lines |= {f"d/d{name}": precise(part) for name, part in result.derivatives.items()}
    for name, timing in result.timings.items():
        lines[f"time of the {name}"] = f"{seconds_text(timing.seconds)}, the median of {timing.samples}"
    for name, took in result.first.items():
        if compiled or name not in result.timings:
            how = "staged, compiled and called" if compiled else "called once"
            lines[f"{name}, {how}"] = seconds_text(took)
    width = max(map(len, lines))
    for name, text in lines.items():
        indented = text.replace("\n", "\n" + " " * (width + 2))
        sys.stdout.write(spelled(f"{name:<{width}}  {indented}\n"))
    if result.note:
        sys.stdout.write(spelled(result.note + "\n"))
