"""The evaluation trace of textbooks: every intermediate value of a function, with its tangent or its adjoint.

The numbers come from the same rules as every other derivative; the formulas are display.

References
----------
A. Griewank and A. Walther, Evaluating Derivatives, 2nd edition (2008), tables 1.2 to 1.4. A. G. Baydin et
al., Journal of Machine Learning Research 18 (2018), tables 2 and 3: the example log(x1) + x1*x2 - sin(x2)
at (2, 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.api.arguments import ArgNums, zeros_of
from wengert.control.unrolling import ALL, Steps
from wengert.errors import ArgumentError, check_callable
from wengert.explain.formulas import adjoint_term, expression, plus, tangent_sum, value_name
from wengert.explain.inputs import Inputs, recorded
from wengert.explain.seeds import cotangent, tangents
from wengert.explain.trace_report import AdjointStep, EvaluationTrace, TraceRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wengert.explain.recording import Contribution, Recording

__all__ = ["AdjointStep", "EvaluationTrace", "TraceRow", "evaluation_trace"]

_MOST_DIRECTIONS = 24


def evaluation_trace(
    fun: Callable[..., Any],
    *args: Any,
    mode: str = "forward",
    argnums: ArgNums | None = None,
    names: Sequence[str] | None = None,
    seed: Any = None,
    steps: int | str = 0,
) -> EvaluationTrace:
    """Evaluate a function and its derivative, keeping every intermediate value for display.

    Parameters
    ----------
    fun : callable
        Function of numbers, arrays, or containers of them, with one number or array as result.
    *args
        Its arguments.
    mode : str
        "forward": tangents v̇, one column for every entry of the chosen inputs. "reverse": adjoints v̄.
    argnums : int or tuple of int, optional
        Which arguments to differentiate; all by default.
    names : sequence of str, optional
        What to call the arguments.
    seed : pytree, optional
        Where the sweep starts. Forward: the tangents of the chosen arguments, for one column, the derivative along
        them. Reverse: the adjoint of the result, which may then be an array.
    steps : int or "all"
        The steps of `scan`, `fori_loop` and `while_loop` that are shown operation by operation: so many from the
        beginning, from the end if negative. By default a loop is one row.

    Returns
    -------
    EvaluationTrace
        Prints as a table in a terminal and in a notebook; `save` writes .html, .md, .tex, .json or .txt.

    Raises
    ------
    ArgumentError
        For an unknown mode, names or a seed that do not fit, or more than 24 columns of tangents.
    NotDifferentiableError
        For arguments without a derivative; in reverse mode without a seed for a result that is not one number.

    Examples
    --------
    >>> f = lambda x1, x2: np.log(x1) + x1 * x2 - np.sin(x2)
    >>> trace = evaluation_trace(f, 2.0, 5.0, mode="reverse")
    >>> [float(g) for g in trace.gradient]
    [5.5, 1.7163378145367738]
    """
    check_callable(fun, "evaluation_trace")
    if mode not in ("forward", "reverse"):
        raise ArgumentError(f"evaluation_trace: there is no mode {mode!r}", instead='"forward" or "reverse"')
    inputs = Inputs(fun, args, argnums, names, "evaluation_trace")
    recording = recorded(fun, inputs, "evaluation_trace", _steps(steps))
    with np.errstate(all="ignore"):  # derivatives at the edge of a domain are shown, not warned about
        return _forward(recording, inputs, seed) if mode == "forward" else _reverse(recording, inputs, seed)


# Sweeps -------------------------------------------------------------------------------------------------------------


def _steps(steps: int | str) -> Steps | None:
    if steps == "all":
        return ALL
    if not isinstance(steps, int):
        raise ArgumentError(f"evaluation_trace: steps is {steps!r}", instead='a number of steps, or "all"')
    return Steps(max(steps, 0), max(-steps, 0)) if steps else None


def _forward(recording: Recording, inputs: Inputs, seed: Any) -> EvaluationTrace:
    if seed is None:
        starts = list(_units(recording, inputs))
    else:
        given = tangents(
            [recording.values[i] for i in inputs.chosen], inputs.arguments, seed, "evaluation_trace"
        )
        starts = [dict(zip(inputs.chosen, given, strict=True))]
    columns = [recording.tangents(start) for start in starts]
    active = recording.active(inputs.chosen)
    rows = [
        TraceRow(
            number, name, text, value, formula, tuple(_dots(value, columns, k)), *_standing(recording, k)
        )
        for k, ((number, name, text, value), formula) in enumerate(
            zip(_primal(recording, inputs), _tangent_formulas(recording, inputs, active), strict=True)
        )
    ]
    if seed is not None:
        last = recording.output_index
        dot = zeros_of(recording.output) if last is None or columns[0][last] is None else columns[0][last]
        return _trace("forward", recording, inputs, rows, dot, {"t": dot}, directions=("t",))
    names = [(i, index) for i in inputs.chosen for index in np.ndindex(np.shape(recording.values[i]))]
    gradients = {
        i: _assemble(recording, [c for c, (j, _) in zip(columns, names, strict=True) if j == i], i)
        for i in inputs.chosen
    }
    directions = tuple([inputs.names[i] + (f"[{', '.join(map(str, x))}]" if x else "") for i, x in names])
    named = {inputs.names[i]: g for i, g in gradients.items()}
    return _trace("forward", recording, inputs, rows, inputs.restore(gradients), named, directions=directions)


def _units(recording: Recording, inputs: Inputs) -> Iterator[dict[int, Any]]:
    """Yield a tangent of 1 for each entry of the chosen inputs."""
    entries = sum(int(np.size(recording.values[i])) for i in inputs.chosen)
    if entries > _MOST_DIRECTIONS:
        raise ArgumentError(
            f"evaluation_trace: the inputs have {entries} entries, each a column of the forward trace",
            why=f"a table has at most {_MOST_DIRECTIONS} of them.",
            instead='mode="reverse", fewer inputs by argnums, or one direction by seed.',
        )
    for i in inputs.chosen:
        for index in np.ndindex(np.shape(recording.values[i])):
            yield {i: _unit(recording.values[i], index)}


def _reverse(recording: Recording, inputs: Inputs, seed: Any) -> EvaluationTrace:
    y_bar = cotangent(recording.output, seed, "evaluation_trace")
    start = "1" if seed is None else "seed"
    sweep = list(recording.adjoints(y_bar, recording.active(inputs.chosen)))
    bars = {c.target: c.total for c in sweep}
    n = recording.inputs
    steps = [
        AdjointStep(
            c.target - n + 1,
            value_name(c.target - n + 1, "bar"),
            formula,
            c.amount,
            c.total,
            None if c.operation is None else c.operation.results[0] - n + 1,
        )
        for c, formula in zip(sweep, _accumulations(sweep, n, start), strict=True)
    ]
    formulas = _totals(sweep, n, start)
    rows = [
        TraceRow(
            number,
            name,
            text,
            value,
            formulas.get(k, "0"),
            (bars.get(k, zeros_of(value)),),
            *_standing(recording, k),
        )
        for k, (number, name, text, value) in enumerate(_primal(recording, inputs))
    ]
    gradients = {i: bars.get(i, zeros_of(recording.values[i])) for i in inputs.chosen}
    named = {inputs.names[i]: g for i, g in gradients.items()}
    return _trace("reverse", recording, inputs, rows, inputs.restore(gradients), named, steps=tuple(steps))


def _trace(
    mode: str,
    recording: Recording,
    inputs: Inputs,
    rows: Sequence[TraceRow],
    gradient: Any,
    gradients: dict[str, Any],
    **parts: Any,
) -> EvaluationTrace:
    return EvaluationTrace(
        mode=mode,
        rows=tuple(rows),
        directions=parts.get("directions", ()),
        steps=parts.get("steps", ()),
        value=recording.output,
        output=None if recording.output_index is None else recording.output_index - recording.inputs + 1,
        gradient=gradient,
        gradients=gradients,
    )


# Rows ---------------------------------------------------------------------------------------------------------------


def _primal(recording: Recording, inputs: Inputs) -> Iterator[tuple[int, str, str, Any]]:
    """Yield number, name, expression and value of every value."""
    n = recording.inputs
    texts = list(inputs.names)
    for operation in recording.operations:
        texts += [expression(operation, n, item) for item in range(len(operation.results))]
    for k, (text, value) in enumerate(zip(texts, recording.values, strict=True)):
        yield k - n + 1, value_name(k - n + 1), text, value


def _standing(recording: Recording, k: int) -> tuple[str, str]:
    """Return file and line of a value's operation, and the steps of loops that it is in."""
    if k < recording.inputs:
        return "", ""
    standing = recording.maker(k).standing
    if standing is None:
        return "", ""
    return "" if standing.place is None else str(standing.place), ", ".join(standing.rounds)


def _tangent_formulas(recording: Recording, inputs: Inputs, active: frozenset[int]) -> Iterator[str]:
    """Yield the formula of the tangent of every value."""
    for i in range(recording.inputs):
        yield "seed" if i in inputs.chosen else "0"
    for operation in recording.operations:
        for item in range(len(operation.results)):
            yield tangent_sum(operation, recording.inputs, item, active)


def _accumulations(sweep: Sequence[Contribution], n: int, start: str) -> Iterator[str]:
    """Yield the right-hand side of every step of the reverse sweep."""
    seen: set[int] = set()
    for c in sweep:
        term = _contribution(c, n, start)
        name = value_name(c.target - n + 1, "bar")
        yield plus(name, term) if c.target in seen else term
        seen.add(c.target)


def _totals(sweep: Sequence[Contribution], n: int, start: str) -> dict[int, str]:
    """Return for every value the formula of its adjoint, the sum of all contributions."""
    totals: dict[int, str] = {}
    for c in sweep:
        term = _contribution(c, n, start)
        totals[c.target] = plus(totals[c.target], term) if c.target in totals else term
    return totals


def _contribution(c: Contribution, n: int, start: str) -> str:
    return start if c.operation is None else adjoint_term(c.operation, n, c.position)


def _unit(x: Any, index: tuple[int, ...]) -> Any:
    v = np.zeros(np.shape(x), x.dtype)
    v[index] = 1
    return v[()]


def _dots(value: Any, columns: Sequence[list[Any]], k: int) -> Iterator[Any]:
    for column in columns:
        yield zeros_of(value) if column[k] is None else column[k]


def _assemble(recording: Recording, columns: Sequence[list[Any]], i: int) -> Any:
    """Return the derivative of the output by input i, from the columns of its entries."""
    y, x = recording.output, recording.values[i]
    last = recording.output_index
    dots = [zeros_of(y) if last is None or column[last] is None else column[last] for column in columns]
    if not dots:
        return np.zeros(np.shape(y) + np.shape(x), x.dtype)
    return np.reshape(np.stack(dots, axis=-1), np.shape(y) + np.shape(x))[()]
