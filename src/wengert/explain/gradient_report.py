"""A search for faults of a gradient: what matters, what vanishes, explodes, ends, or stands on a kink; and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.arguments import ArgNums
from wengert.control.unrolling import Steps
from wengert.errors import NotDifferentiableError, check_callable
from wengert.explain.faults.births import Birth, births
from wengert.explain.faults.blockages import Blockage, blockages
from wengert.explain.faults.cancellations import Cancellation, cancellations
from wengert.explain.faults.influence import Influence, influences
from wengert.explain.faults.kinks import Kink, kinks
from wengert.explain.faults.observed import Observed
from wengert.explain.faults.tables import tables
from wengert.explain.faults.trends import Descent, Trend, adjoint_sizes, descent, trends
from wengert.explain.faults.verdict import verdict
from wengert.explain.inputs import Inputs, recorded
from wengert.explain.rendering import jsonable
from wengert.explain.report import Block, Prose, Report
from wengert.explain.seeds import cotangent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["GradientReport", "gradient_report"]

_STEPS = Steps(256, 256)  # of a loop, that are looked into; those between are one operation


def gradient_report(
    fun: Callable[..., Any],
    *args: Any,
    argnums: ArgNums | None = None,
    names: Sequence[str] | None = None,
    seed: Any = None,
) -> GradientReport:
    """Run a function and its reverse sweep once, and tell what is remarkable about the gradient, with lines.

    Parameters
    ----------
    fun : callable
        Function of numbers, arrays, or containers of them, with one number as result, or an array and a seed.
    *args
        Its arguments.
    argnums : int or tuple of int, optional
        Which arguments to differentiate; by default all that hold floating-point numbers.
    names : sequence of str, optional
        What to call the arguments; by default as the function does.
    seed : array, optional
        The adjoint of the result; 1 by default.

    Returns
    -------
    GradientReport
        Its first sentence is the verdict; sections follow where something was found. Prints in a terminal and in a
        notebook; `save` writes a page, Markdown, JSON or text.

    Raises
    ------
    NotDifferentiableError
        For arguments without a derivative, or a result that is not one number where there is no seed.

    Notes
    -----
    Python's loops and branches are seen as they ran, those of `scan`, `fori_loop`, `while_loop` and `cond` too; of
    loops with more than 512 steps the first and the last 256. What is told of holds at this point, not everywhere.

    Examples
    --------
    >>> def f(x, y):
    ...     return np.maximum(x - 2.0, 0.0) * y
    >>> report = gradient_report(f, 1.0, 3.0)
    >>> print(report.verdict)
    The gradient is zero: nothing passes maximum (...:2), the other is larger.
    """
    check_callable(fun, "gradient_report")
    inputs = Inputs(fun, args, _floating(args) if argnums is None else argnums, names, "gradient_report")
    with np.errstate(all="ignore"):  # what the warnings would say is in the report, with lines
        seen = _observed(fun, inputs, seed)
        name = str(getattr(fun, "text", "") or getattr(fun, "__name__", "the function"))
        return _report(name, seen)


def _floating(args: Sequence[Any]) -> ArgNums:
    """Return the positions of arguments that can be differentiated; all where there are none, which then raise."""
    found = tuple([i for i, x in enumerate(args) if _has_floats(x)]) or tuple(range(len(args)))
    return 0 if len(args) == 1 else found


def _has_floats(x: Any) -> bool:
    leaves = tree.flatten(x)[0]
    return bool(leaves) and all(np.asarray(v).dtype.kind in "fc" for v in leaves)


def _observed(fun: Callable[..., Any], inputs: Inputs, seed: Any) -> Observed:
    recording = recorded(fun, inputs, "gradient_report", _STEPS)
    y_bar = cotangent(recording.output, seed, "gradient_report")
    if np.iscomplexobj(recording.output) or any(np.iscomplexobj(recording.values[i]) for i in inputs.chosen):
        raise NotDifferentiableError(
            "gradient_report: the function has complex arguments or results",
            why="norms, kinks and conditions are those of real functions.",
            instead="write it as a function of real and imaginary parts.",
        )
    bars: dict[int, Any] = {}
    amounts: dict[tuple[int, int], Any] = {}
    places = {id(operation): k for k, operation in enumerate(recording.operations)}
    for c in recording.adjoints(y_bar, recording.active(inputs.chosen)):
        bars[c.target] = c.total
        if c.operation is not None:
            amounts[places[id(c.operation)], c.position] = c.amount
    return Observed(recording, inputs.names, inputs.chosen, bars, amounts)


def _report(name: str, seen: Observed) -> GradientReport:
    found = {
        "births": tuple(births(seen)),
        "inputs": tuple(influences(seen)),
        "trends": tuple(trends(seen)),
        "path": descent(seen),
        "blockages": tuple(blockages(seen)),
        "kinks": tuple(kinks(seen)),
        "cancellations": tuple(cancellations(seen)),
    }
    sizes = tuple([(site.where, size) for site, size in adjoint_sizes(seen)])
    return GradientReport(
        function=name,
        value=seen.recording.output,
        operations=len(seen.recording.operations),
        sizes=sizes,
        **found,  # type: ignore[arg-type]
    )


@dataclass(frozen=True, eq=False, repr=False, slots=True)
class GradientReport(Report):
    """What is remarkable about a gradient.

    Attributes
    ----------
    function : str
    value : number or array
        Its result.
    operations : int
        How many were looked at.
    births : tuple of Birth
        Where numbers stop being finite.
    inputs : tuple of Influence
        The arguments, by what they do to the result.
    trends : tuple of Trend
        Lines along which adjoints vanish or explode.
    path : Descent or None
        The strongest path back, if the adjoint changes much along it.
    blockages : tuple of Blockage
        Where derivatives end.
    kinks : tuple of Kink
        Points without a derivative that the evaluation hits.
    cancellations : tuple of Cancellation
        Operations that lose digits.
    sizes : tuple of (str, float)
        Line and root mean square of the adjoint of each operation's result, in the order of evaluation.
    """

    function: str
    value: Any
    operations: int
    births: tuple[Birth, ...]
    inputs: tuple[Influence, ...]
    trends: tuple[Trend, ...]
    path: Descent | None
    blockages: tuple[Blockage, ...]
    kinks: tuple[Kink, ...]
    cancellations: tuple[Cancellation, ...]
    sizes: tuple[tuple[str, float], ...]

    @property
    def title(self) -> str:  # type: ignore[override]
        """What was looked at."""
        count = len(self.inputs)
        of = f"{count} input{'' if count == 1 else 's'}"
        return f"The gradient of {self.function}: {of}, {self.operations} operations"

    @property
    def verdict(self) -> str:
        """What matters most, in a sentence or two."""
        return verdict(self)

    @property
    def faultless(self) -> bool:
        """Whether nothing remarkable was found."""
        stopped = [b for b in self.blockages if b.kind != "stopped"]
        return not (self.births or self.trends or self.path or stopped or self.kinks or self.cancellations)

    def blocks(self) -> Iterator[Block]:
        """Yield the verdict, and a section for each kind of finding."""
        yield Prose(self.verdict, strong=True)
        yield from tables(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the findings, fit for JSON."""
        lists = ("births", "inputs", "trends", "blockages", "kinks", "cancellations")
        found = {name: [_plain(one.to_dict()) for one in getattr(self, name)] for name in lists}
        return {
            "function": self.function,
            "verdict": self.verdict,
            "value": jsonable(self.value),
            "operations": self.operations,
            **found,
            "path": None if self.path is None else _plain(self.path.to_dict()),
        }


def _plain(x: Any) -> Any:
    """Return data without infinities and NaNs."""
    if isinstance(x, dict):
        return {key: _plain(v) for key, v in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(v) for v in x]
    return jsonable(x) if isinstance(x, float) else x
