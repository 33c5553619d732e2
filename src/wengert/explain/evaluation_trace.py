"""The evaluation trace of textbooks: every intermediate value of a function, with its tangent or its adjoint.

References
----------
A. Griewank and A. Walther, Evaluating Derivatives, 2nd edition (2008), tables 1.2 to 1.4. A. G. Baydin et
al., Journal of Machine Learning Research 18 (2018), tables 2 and 3: the example log(x1) + x1*x2 - sin(x2)
at (2, 5).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.arguments import ArgNums, Arguments, as_output, zeros_of
from wengert.errors import ArgumentError, NotDifferentiableError, check_callable
from wengert.explain.formulas import adjoint_term, expression, plus, tangent_sum, value_name
from wengert.explain.recording import Contribution, Recorder, Recording
from wengert.explain.trace_report import AdjointStep, EvaluationTrace, TraceRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["AdjointStep", "EvaluationTrace", "TraceRow", "evaluation_trace"]

_MOST_DIRECTIONS = 24


def evaluation_trace(
    fun: Callable[..., Any],
    *args: Any,
    mode: str = "forward",
    argnums: ArgNums | None = None,
    names: Sequence[str] | None = None,
) -> EvaluationTrace:
    """Evaluate a function and its derivative, keeping every intermediate value for display.

    Parameters
    ----------
    fun : callable
        Function of numbers, arrays, or containers of them, with one number or array as result.
    *args
        Its arguments.
    mode : str
        "forward": tangents v̇, one column for every entry of the chosen inputs. "reverse": adjoints v̄, for
        a function with one number as result.
    argnums : int or tuple of int, optional
        Which arguments to differentiate; all by default.
    names : sequence of str, optional
        What to call the arguments; by default as the function does.

    Returns
    -------
    EvaluationTrace
        Prints as a table in a terminal and in a notebook.

    Raises
    ------
    ArgumentError
        For an unknown mode, names that do not fit, or more than 24 columns of tangents.
    NotDifferentiableError
        For arguments without a derivative, or a result that is not one number in reverse mode.

    Notes
    -----
    The numbers come from the same rules as every other derivative; the formulas are display.

    Examples
    --------
    >>> def f(x1, x2):
    ...     return np.log(x1) + x1 * x2 - np.sin(x2)
    >>> trace = evaluation_trace(f, 2.0, 5.0, mode="reverse")
    >>> [float(g) for g in trace.gradient]
    [5.5, 1.7163378145367738]
    """
    check_callable(fun, "evaluation_trace")
    if mode not in ("forward", "reverse"):
        raise ArgumentError(f"evaluation_trace: there is no mode {mode!r}", instead='"forward" or "reverse"')
    inputs = _Inputs(fun, args, argnums, names)
    recording = _record(fun, inputs)
    with np.errstate(all="ignore"):  # derivatives at the edge of a domain are shown, not warned about
        return _forward(recording, inputs) if mode == "forward" else _reverse(recording, inputs)


# Inputs -------------------------------------------------------------------------------------------------------------


class _Inputs:
    """The leaves of the arguments: their names, which are differentiated, and how results regain their structure."""

    def __init__(
        self,
        fun: Callable[..., Any],
        args: tuple[Any, ...],
        argnums: ArgNums | None,
        names: Sequence[str] | None,
    ) -> None:
        # `Arguments` validates argnums and the wanted arguments, in the words of every other transformation.
        self._result = Arguments(_argnums(argnums, len(args)), args, {}, "evaluation_trace")
        wanted = _positions(argnums, len(args))
        shown = tuple(i for i in range(len(args)) if i in wanted or _is_floating(args[i]))
        traced = Arguments(shown, args, {}, "evaluation_trace")
        self.call, self.leaves = traced.call, traced.leaves
        labels = _argument_names(fun, len(args), names)
        self.names: list[str] = []
        self.chosen: list[int] = []
        for i in shown:
            paths = tree.paths(args[i])
            if i in wanted:
                self.chosen += range(len(self.names), len(self.names) + len(paths))
            self.names += [labels[i] + path for path in paths]

    def restore(self, gradients: dict[int, Any]) -> Any:
        """Return derivatives by the chosen leaves in the structure of the chosen arguments."""
        return self._result.restore([gradients[i] for i in self.chosen])


def _argnums(argnums: ArgNums | None, n: int) -> ArgNums:
    """Return argnums for `Arguments`: a single argument is not wrapped in a tuple."""
    if argnums is not None:
        return argnums
    return 0 if n == 1 else tuple(range(n))


def _positions(argnums: ArgNums | None, n: int) -> set[int]:
    chosen = _argnums(argnums, n)
    return {i % n for i in ((chosen,) if isinstance(chosen, int) else chosen)}


def _is_floating(x: Any) -> bool:
    return all(
        isinstance(v, float) or getattr(v, "dtype", np.dtype(int)).kind in "fc" for v in tree.flatten(x)[0]
    )


def _argument_names(fun: Callable[..., Any], n: int, names: Sequence[str] | None) -> list[str]:
    if names is None:
        return _signature_names(fun, n)
    if len(names) != n:
        raise ArgumentError(
            f"evaluation_trace: {len(names)} names for {n} arguments", instead="one name for each"
        )
    return list(names)


def _signature_names(fun: Callable[..., Any], n: int) -> list[str]:
    """Return the parameter names of a function where Python knows them, x1, x2, ... otherwise."""
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [named[i] if i < len(named) else f"x{i + 1}" for i in range(n)]


# Sweeps -------------------------------------------------------------------------------------------------------------


def _record(fun: Callable[..., Any], inputs: _Inputs) -> Recording:
    with Recorder(inputs.leaves) as recorder:
        y = as_output(
            inputs.call(fun, [recorder.lift(i) for i in range(len(inputs.leaves))]), "evaluation_trace"
        )
        return recorder.finish(y)


def _forward(recording: Recording, inputs: _Inputs) -> EvaluationTrace:
    seeds = [(i, index) for i in inputs.chosen for index in np.ndindex(np.shape(recording.values[i]))]
    if len(seeds) > _MOST_DIRECTIONS:
        raise ArgumentError(
            f"evaluation_trace: the inputs have {len(seeds)} entries, each a column of the forward trace",
            why=f"a table has at most {_MOST_DIRECTIONS} of them.",
            instead='mode="reverse", or fewer inputs by argnums.',
        )
    columns = [recording.tangents({i: _unit(recording.values[i], index)}) for i, index in seeds]
    active = recording.active(inputs.chosen)
    rows = [
        TraceRow(number, name, text, value, formula, tuple(_dots(value, columns, k)))
        for k, ((number, name, text, value), formula) in enumerate(
            zip(_primal(recording, inputs), _tangent_formulas(recording, inputs, active), strict=True)
        )
    ]
    gradients = {
        i: _assemble(recording, [c for c, (j, _) in zip(columns, seeds, strict=True) if j == i], i)
        for i in inputs.chosen
    }
    directions = [
        inputs.names[i] + (f"[{', '.join(map(str, index))}]" if index else "") for i, index in seeds
    ]
    return _trace("forward", recording, inputs, rows, gradients, directions=tuple(directions))


def _reverse(recording: Recording, inputs: _Inputs) -> EvaluationTrace:
    y = recording.output
    if np.size(y) != 1 or y.dtype.kind == "c":
        raise NotDifferentiableError(
            f"evaluation_trace: the function returned {y.dtype} of shape {np.shape(y)}",
            why="the reverse sweep starts from one real number.",
            instead='a function that returns one, for instance a sum, or mode="forward".',
        )
    sweep = list(recording.adjoints(np.ones(np.shape(y), y.dtype)[()], recording.active(inputs.chosen)))
    bars = {c.target: c.total for c in sweep}
    n = recording.inputs
    steps = [
        AdjointStep(c.target - n + 1, value_name(c.target - n + 1, "bar"), formula, c.amount, c.total)
        for c, formula in zip(sweep, _accumulations(sweep, n), strict=True)
    ]
    formulas = _totals(sweep, n)
    rows = [
        TraceRow(number, name, text, value, formulas.get(k, "0"), (bars.get(k, zeros_of(value)),))
        for k, (number, name, text, value) in enumerate(_primal(recording, inputs))
    ]
    gradients = {i: bars.get(i, zeros_of(recording.values[i])) for i in inputs.chosen}
    return _trace("reverse", recording, inputs, rows, gradients, steps=tuple(steps))


def _trace(
    mode: str,
    recording: Recording,
    inputs: _Inputs,
    rows: Sequence[TraceRow],
    gradients: dict[int, Any],
    **parts: Any,
) -> EvaluationTrace:
    return EvaluationTrace(
        mode=mode,
        rows=tuple(rows),
        directions=parts.get("directions", ()),
        steps=parts.get("steps", ()),
        value=recording.output,
        gradient=inputs.restore(gradients),
        gradients={inputs.names[i]: g for i, g in gradients.items()},
    )


# Rows ---------------------------------------------------------------------------------------------------------------


def _primal(recording: Recording, inputs: _Inputs) -> Iterator[tuple[int, str, str, Any]]:
    """Yield number, name, expression and value of every value."""
    n = recording.inputs
    texts = list(inputs.names)
    for operation in recording.operations:
        texts += [expression(operation, n, item) for item in range(len(operation.results))]
    for k, (text, value) in enumerate(zip(texts, recording.values, strict=True)):
        yield k - n + 1, value_name(k - n + 1), text, value


def _tangent_formulas(recording: Recording, inputs: _Inputs, active: frozenset[int]) -> Iterator[str]:
    """Yield the formula of the tangent of every value."""
    for i in range(recording.inputs):
        yield "seed" if i in inputs.chosen else "0"
    for operation in recording.operations:
        for item in range(len(operation.results)):
            yield tangent_sum(operation, recording.inputs, item, active)


def _accumulations(sweep: Sequence[Contribution], n: int) -> Iterator[str]:
    """Yield the right-hand side of every step of the reverse sweep."""
    seen: set[int] = set()
    for c in sweep:
        term = _contribution(c, n)
        name = value_name(c.target - n + 1, "bar")
        yield plus(name, term) if c.target in seen else term
        seen.add(c.target)


def _totals(sweep: Sequence[Contribution], n: int) -> dict[int, str]:
    """Return for every value the formula of its adjoint, the sum of all contributions."""
    totals: dict[int, str] = {}
    for c in sweep:
        term = _contribution(c, n)
        totals[c.target] = plus(totals[c.target], term) if c.target in totals else term
    return totals


def _contribution(c: Contribution, n: int) -> str:
    return "1" if c.operation is None else adjoint_term(c.operation, n, c.position)


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
