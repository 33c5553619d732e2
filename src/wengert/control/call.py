"""The call of a graph: a primitive whose derivatives are graphs too, made once and kept.

jvp     the graph of values and tangents
taylor  the graph of values and coefficients
vjp     the joint graph of results and cotangents, split into a forward half, which also returns what the backward
        half wants of it, and that half
batch   the graph of batches
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.control.operand_types import require_types
from wengert.control.series import Pattern, filled, pattern_of, present, regrouped, types_of
from wengert.core.collector import collector_paused
from wengert.core.floating_errors import are_watched
from wengert.core.graph import Graph
from wengert.core.primitive import Primitive, Site, define
from wengert.transforms import contraction  # noqa: F401 - defines a primitive that staging binds by name
from wengert.transforms.batching import batch
from wengert.transforms.execution import run
from wengert.transforms.forward import push
from wengert.transforms.partition import split_at_cotangents
from wengert.transforms.reverse import record
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.transforms.taylor import expand
from wengert.types import ArrayType, type_of

__all__ = ["batched_graph", "call_", "compilers", "halves", "series_graph", "tangent_graph", "tangent_halves"]

Flags = tuple[bool, ...]


def _kept(graph: Graph, key: Any, make: Callable[[], Any]) -> Any:
    """Return what was made of a graph, or make and keep it."""
    found = graph.derived.get(key)
    if found is None:
        with collector_paused():
            found = graph.derived[key] = make()
    return found


def _closed(fun: Callable[..., Sequence[Any]], types: Sequence[ArrayType], name: str) -> Graph:
    graph, captured = stage(fun, types, name)
    if captured:
        message = f"a rule of {name} closed over traced values"
        raise AssertionError(message)
    return simplify(graph)


def _infer(*types: ArrayType, graph: Graph, active: Flags) -> tuple[ArrayType, ...]:
    del active
    require_types(types, graph.in_types, "operands of a call")
    return graph.out_types


# Value ----------------------------------------------------------------------------------------------------------------

compilers: list[Callable[[Graph, Sequence[Any]], Callable[..., Any] | None]] = []  # of the layer above
_PYTHON_NUMBERS = (bool, int, float, complex)
_RUNS = 2  # by NumPy, before a graph is compiled: most are called once


def _eval(*xs: Any, graph: Graph, active: Flags) -> tuple[Any, ...]:
    function = graph.derived.get("native")
    if function is None and compilers:
        runs = graph.derived["runs"] = graph.derived.get("runs", 0) + 1
        if runs == 1 + _RUNS:
            function = graph.derived["native"] = compilers[0](graph, xs)
    ys = None if function is None or are_watched() else function(*xs)
    return tuple([_as_result(y) for y in run(graph, xs)]) if ys is None else ys


def _as_result(y: Any) -> Any:
    """Return an input of Python's that the graph hands through as the number of NumPy's that it stands for."""
    return np.asarray(y)[()] if type(y) in _PYTHON_NUMBERS else y


# Forward ------------------------------------------------------------------------------------------------------------


def tangent_graph(graph: Graph, active: Flags) -> tuple[Graph, Flags]:
    """Return the graph of results and their tangents, and which results have tangents.

    Its inputs are those of the graph, then the tangents of the active ones.
    """
    return _kept(graph, ("jvp", active), lambda: _tangent_graph(graph, active))  # type: ignore[no-any-return]


def _tangent_graph(graph: Graph, active: Flags) -> tuple[Graph, Flags]:
    n = len(graph.inputs)
    moved: list[bool] = []

    def fun(*flat: Any) -> list[Any]:
        rest = iter(flat[n:])
        ys, y_dots = push(
            lambda *xs: graph.apply(xs), flat[:n], [next(rest) if on else None for on in active]
        )
        moved[:] = [y_dot is not None for y_dot in y_dots]
        return [*ys, *[y_dot for y_dot in y_dots if y_dot is not None]]

    types = [*graph.in_types, *[t for t, on in zip(graph.in_types, active, strict=True) if on]]
    return _closed(fun, types, f"jvp of {graph.name}"), tuple(moved)


def tangent_halves(graph: Graph, active: Flags) -> tuple[Graph, Graph, Flags]:
    """Return the graph of values and tangents in two halves, and which results have tangents.

    The first gives the results, then the residuals; the second takes these, then the tangents of the active inputs. So
    results are computed once for a batch of tangents, and do not become batches.
    """
    return _kept(graph, ("linear", active), lambda: _tangent_halves(graph, active))  # type: ignore[no-any-return]


def _tangent_halves(graph: Graph, active: Flags) -> tuple[Graph, Graph, Flags]:
    made, moved = tangent_graph(graph, active)
    return *split_at_cotangents(made, len(graph.inputs), len(graph.outputs)), moved


def _jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, graph: Graph, active: Flags) -> tuple[Any, Any]:
    on = tuple(x_dot is not None for x_dot in x_dots)
    made, moved = tangent_graph(graph, on)
    if not _is_separable(made, len(xs), len(graph.outputs)):
        return _joint_jvp(xs, x_dots, made, moved)
    first, second, moved = tangent_halves(graph, on)
    flat = call_(*xs, graph=first, active=active)
    n = len(graph.outputs)
    operands = [*flat[n:], *[x_dot for x_dot in x_dots if x_dot is not None]]
    y_dots = iter(call_(*operands, graph=second, active=(True,) * len(operands)))
    return flat[:n], tuple(next(y_dots) if has else None for has in moved)


def _is_separable(made: Graph, n_inputs: int, n_outputs: int) -> bool:
    """Whether no operation gives results and tangents at once, as a loop does."""
    late = set(made.inputs[n_inputs:])
    for node in made.nodes:
        if any(a in late for a in node.inputs):
            late.update(node.outputs)
    return not any(a in late for a in made.outputs[:n_outputs])


def _joint_jvp(xs: Sequence[Any], x_dots: Sequence[Any], made: Graph, moved: Flags) -> tuple[Any, Any]:
    operands = [*xs, *[x_dot for x_dot in x_dots if x_dot is not None]]
    flat = call_(*operands, graph=made, active=(True,) * len(operands))
    n = len(moved)
    y_dots = iter(flat[n:])
    return flat[:n], tuple(next(y_dots) if has else None for has in moved)


# Power series -------------------------------------------------------------------------------------------------------


def series_graph(graph: Graph, pattern: Pattern, least: Pattern = ()) -> tuple[Graph, Pattern]:
    """Return the graph of results and their coefficients, and which ones these are.

    Its inputs are those of the graph, then the coefficients that `pattern` has. The first results have at least the
    coefficients that `least` has.
    """
    return _kept(graph, ("taylor", pattern, least), lambda: _series_graph(graph, pattern, least))  # type: ignore[no-any-return]


def _series_graph(graph: Graph, pattern: Pattern, least: Pattern) -> tuple[Graph, Pattern]:
    n, order = len(graph.inputs), len(pattern[0])
    at_least = (*least, *[(False,) * order] * (len(graph.outputs) - len(least)))
    found: list[Pattern] = []

    def fun(*flat: Any) -> list[Any]:
        series = regrouped(iter(flat[n:]), pattern)
        ys, y_series = expand(lambda *xs: graph.apply(xs), flat[:n], series, order)
        whole = filled(y_series, graph.out_types, at_least)
        found[:] = [pattern_of(whole)]
        return [*ys, *present(whole)]

    types = [*graph.in_types, *types_of(graph.in_types, pattern)]
    return _closed(fun, types, f"series of {graph.name}"), found[0]


def _taylor(xs: Sequence[Any], series: Sequence[Sequence[Any]], *, graph: Graph, active: Flags) -> Any:
    del active
    made, found = series_graph(graph, pattern_of(series))
    operands = [*xs, *present(series)]
    flat = call_(*operands, graph=made, active=(True,) * len(operands))
    n = len(graph.outputs)
    return flat[:n], regrouped(iter(flat[n:]), found)


# Reverse ------------------------------------------------------------------------------------------------------------


def halves(graph: Graph, active: Flags) -> tuple[Graph, Graph, Flags, Flags]:
    """Return the two halves of the graph of results and cotangents of the active inputs.

    Returns
    -------
    forward : Graph
        From the inputs to the results, then the residuals.
    backward : Graph
        From the residuals, then the cotangents of the results that have one, to the cotangents that are not zero.
    seeded, reached : tuple of bool
        Which results have a cotangent; which inputs get one.
    """
    return _kept(graph, ("vjp", active), lambda: _halves(graph, active))  # type: ignore[no-any-return]


def _halves(graph: Graph, active: Flags) -> tuple[Graph, Graph, Flags, Flags]:
    n, reached = len(graph.inputs), [False] * len(graph.inputs)
    seeded = tuple(t.dtype.kind in "fc" for t in graph.out_types)
    places = [i for i, on in enumerate(active) if on]

    def fun(*flat: Any) -> list[Any]:
        rest = iter(flat[n:])

        def primal(*leaves: Any) -> list[Any]:
            xs = list(flat[:n])
            for i, leaf in zip(places, leaves, strict=True):
                xs[i] = leaf
            return graph.apply(xs)

        ys, pull = record(primal, [flat[i] for i in places])
        x_bars = pull.once([next(rest) if seed else None for seed in seeded])
        for i, x_bar in zip(places, x_bars, strict=True):
            reached[i] = x_bar is not None
        return [*ys, *[x_bar for x_bar in x_bars if x_bar is not None]]

    types = [*graph.in_types, *[t for t, seed in zip(graph.out_types, seeded, strict=True) if seed]]
    joint = _closed(fun, types, f"vjp of {graph.name}")
    forward, backward = split_at_cotangents(joint, n, len(graph.outputs))
    return forward, backward, seeded, tuple(reached)


def _save(*xs: Any, graph: Graph, active: Flags) -> tuple[Any, Any]:
    forward, _, _, _ = halves(graph, active)
    flat = call_(*xs, graph=forward, active=active)
    n = len(graph.outputs)
    return flat[:n], flat[n:]


def _vjp(y_bar: Sequence[Any], site: Site, *, graph: Graph, active: Flags) -> list[Any]:
    _, backward, seeded, reached = halves(graph, active)
    seeds = [
        np.zeros(t.shape, t.dtype) if seed is None else seed
        for seed, t, has in zip(y_bar, graph.out_types, seeded, strict=True)
        if has
    ]
    operands = [*site.saved, *seeds]
    x_bars = iter(call_(*operands, graph=backward, active=(True,) * len(operands)))
    return [next(x_bars) if on else None for on in reached]


# Batches ------------------------------------------------------------------------------------------------------------


def batched_graph(graph: Graph, size: int, batched: Flags) -> Graph:
    """Return the graph of batches: batched operands carry the batch axis in front, and so do all results."""
    return _kept(graph, ("batch", size, batched), lambda: _batched_graph(graph, size, batched))  # type: ignore[no-any-return]


def _batched_graph(graph: Graph, size: int, batched: Flags) -> Graph:
    def fun(*xs: Any) -> list[Any]:
        interpreter, ys = batch(
            lambda *flat: graph.apply(flat), xs, [0 if on else None for on in batched], size
        )
        return [interpreter.lower(y, 0) for y in ys]

    types = [
        ArrayType((size, *t.shape), t.dtype) if on else t
        for t, on in zip(graph.in_types, batched, strict=True)
    ]
    return _closed(fun, types, f"vmap of {graph.name}")


def _batch(size: int, xs: Sequence[Any], batched: Sequence[bool], *, graph: Graph, active: Flags) -> Any:
    made = batched_graph(graph, size, tuple(batched))
    return tuple(call_(*xs, graph=made, active=active))


def _samples(rng: np.random.Generator) -> Any:
    def fun(x: Any, y: Any) -> list[Any]:
        z = np.sin(x) * y
        return [z, np.sum(z * x)]

    x, y = rng.normal(size=3), np.asarray(rng.normal())
    graph, _ = stage(fun, [type_of(x), type_of(y)], "sample")
    yield (x, y), {"graph": graph, "active": (True, True)}


call_: Primitive = define(
    name="call",
    doc="The results of a graph.",
    multiple=True,
    eval=_eval,
    infer=_infer,
    jvp=_jvp,
    taylor=_taylor,
    save=_save,
    vjp=_vjp,
    batch=_batch,
    samples=_samples,
    complex=True,
)
