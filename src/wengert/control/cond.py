"""Branches that stay branches: cond and switch.

A branch is chosen when the value is known; in a graph both ways are kept, under vmap each example takes its own.

    jvp     the same choice among the tangent graphs
    taylor  the same choice among the graphs of values and coefficients
    vjp     the same choice among the backward halves; every forward half returns the residuals of all: its own, and
            zeros
    batch   the batched graphs; where the examples choose differently, all branches and a selection
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from wengert import tree
from wengert.control.bodies import as_operands, body_of, merged, require_same
from wengert.control.call import Flags, batched_graph, halves, series_graph, tangent_graph
from wengert.control.operand_types import require_types
from wengert.control.series import pattern_of, present, regrouped, union
from wengert.core.dispatch import Traced
from wengert.core.graph import Graph
from wengert.core.primitive import Primitive, Site, define
from wengert.core.views import root, staged_under
from wengert.errors import ArgumentError, check_callable
from wengert.transforms.execution import run
from wengert.transforms.staging import stage
from wengert.types import ArrayType, type_of

__all__ = ["cond", "switch", "switch_"]

Graphs = tuple[Graph, ...]


def _place(index: Any, n: int) -> int:
    return min(max(int(index), 0), n - 1)


def _adapted(graph: Graph, fun: Callable[..., Sequence[Any]], types: Sequence[Any]) -> Graph:
    made, _ = stage(fun, types, graph.name)
    return made


def _infer(index: ArrayType, *types: ArrayType, graphs: Graphs) -> tuple[ArrayType, ...]:
    if index.shape or index.dtype.kind not in "iu":
        require_types([index], [ArrayType((), np.dtype(np.int64))], "the choice of a branch")
    for graph in graphs:
        require_types(types, graph.in_types, "operands of a branch")
        require_types(graph.out_types, graphs[0].out_types, "results of a branch")
    return graphs[0].out_types


# Rules ----------------------------------------------------------------------------------------------------------------


def _jvp(xs: Sequence[Any], x_dots: Sequence[Any], *, graphs: Graphs) -> tuple[Any, Any]:
    on = tuple(x_dot is not None for x_dot in x_dots[1:])
    pairs = [tangent_graph(graph, on) for graph in graphs]
    moved = tuple(map(any, zip(*[flags for _, flags in pairs], strict=True)))
    n = len(graphs[0].outputs)
    made = tuple(_with_tangents(graph, flags, moved, n) for graph, flags in pairs)
    ys = switch_(*xs, *[x_dot for x_dot in x_dots[1:] if x_dot is not None], graphs=made)
    rest = iter(ys[n:])
    return ys[:n], tuple(next(rest) if has else None for has in moved)


def _with_tangents(graph: Graph, flags: Flags, moved: Flags, n: int) -> Graph:
    """Return a tangent graph that returns the tangents of all results that move in any branch."""
    if flags == moved:
        return graph

    def fun(*xs: Any) -> list[Any]:
        ys = graph.apply(xs)
        rest = iter(ys[n:])
        zeros = [np.zeros(t.shape, t.dtype) for t in graph.out_types[:n]]
        own = [next(rest) if has else zero for has, zero in zip(flags, zeros, strict=True)]
        return [*ys[:n], *[y_dot for y_dot, has in zip(own, moved, strict=True) if has]]

    return _adapted(graph, fun, graph.in_types)


def _taylor(xs: Sequence[Any], series: Sequence[Sequence[Any]], *, graphs: Graphs) -> tuple[Any, Any]:
    pattern = pattern_of(series[1:])
    found = reduce(union, [series_graph(graph, pattern)[1] for graph in graphs])
    made = tuple([series_graph(graph, pattern, found)[0] for graph in graphs])
    flat = switch_(*xs, *present(series[1:]), graphs=made)
    n = len(graphs[0].outputs)
    return flat[:n], regrouped(iter(flat[n:]), found)


def _save(*xs: Any, graphs: Graphs) -> tuple[Any, Any]:
    forwards, _ = _halves(graphs)
    flat = switch_(*xs, graphs=forwards)
    n = len(graphs[0].outputs)
    return flat[:n], flat[n:]


def _halves(graphs: Graphs) -> tuple[Graphs, Graphs]:
    """Return forward and backward halves of equal operands and results."""
    key = ("switch", graphs)
    found = graphs[0].derived.get(key)
    if found is None:
        found = graphs[0].derived[key] = _make_halves(graphs)
    return found


def _make_halves(graphs: Graphs) -> tuple[Graphs, Graphs]:
    active = tuple(t.dtype.kind in "fc" for t in graphs[0].in_types)
    parts = [halves(graph, active) for graph in graphs]
    n = len(graphs[0].outputs)
    types = [forward.out_types[n:] for forward, _, _, _ in parts]
    reached = [any(flags) for flags in zip(*[part[3] for part in parts], strict=True)]
    seeds = [t for t, has in zip(graphs[0].out_types, parts[0][2], strict=True) if has]
    forwards, backwards = [], []
    for k, (forward, backward, _, own) in enumerate(parts):
        forwards.append(_adapted(forward, _forward(forward, types, k, n), forward.in_types))
        fun = _backward(backward, types, k, graphs[0].in_types, (own, reached))
        backwards.append(_adapted(backward, fun, [*[t for ts in types for t in ts], *seeds]))
    return tuple(forwards), tuple(backwards)


def _forward(forward: Graph, types: Sequence[Sequence[Any]], k: int, n: int) -> Callable[..., Any]:
    def fun(*xs: Any) -> list[Any]:
        ys = forward.apply(xs)
        saved = [ys[n:] if j == k else [np.zeros(t.shape, t.dtype) for t in ts] for j, ts in enumerate(types)]
        return [*ys[:n], *[v for vs in saved for v in vs]]

    return fun


def _backward(
    backward: Graph, types: Sequence[Sequence[Any]], k: int, in_types: Sequence[Any], reach: tuple[Any, Any]
) -> Callable[..., Any]:
    start = sum(map(len, types[:k]))
    own, reached = reach

    def fun(*xs: Any) -> list[Any]:
        residuals, seeds = xs[start : start + len(types[k])], xs[sum(map(len, types)) :]
        x_bars = iter(backward.apply([*residuals, *seeds]))
        bars = [
            next(x_bars) if has else np.zeros(t.shape, t.dtype) for has, t in zip(own, in_types, strict=True)
        ]
        return [x_bar for x_bar, has in zip(bars, reached, strict=True) if has]

    return fun


def _vjp(y_bar: Sequence[Any], site: Site, *, graphs: Graphs) -> list[Any]:
    _, backwards = _halves(graphs)
    seeds = [
        np.zeros(t.shape, t.dtype) if seed is None else seed
        for seed, t in zip(y_bar, graphs[0].out_types, strict=True)
        if t.dtype.kind in "fc"
    ]
    x_bars = iter(switch_(site.xs[0], *site.saved, *seeds, graphs=backwards))
    active = tuple(t.dtype.kind in "fc" for t in graphs[0].in_types)
    reached = [any(flags) for flags in zip(*[halves(graph, active)[3] for graph in graphs], strict=True)]
    return [None, *[next(x_bars) if has else None for has in reached]]


def _batch(size: int, xs: Sequence[Any], batched: Sequence[bool], *, graphs: Graphs) -> Any:
    index, *operands = xs
    made = tuple(batched_graph(graph, size, tuple(batched[1:])) for graph in graphs)
    if not batched[0]:
        return switch_(index, *operands, graphs=made)
    place = np.clip(index, 0, len(graphs) - 1)
    with np.errstate(all="ignore"):  # of what a branch makes of the examples of others nobody shall hear
        results = [switch_(np.int64(0), *operands, graphs=(graph,)) for graph in made]
    ys = list(results[0])
    for k, others in enumerate(results[1:], start=1):
        ys = [_selected(place == k, other, y) for other, y in zip(others, ys, strict=True)]
    return tuple(ys)


def _selected(chosen: Any, a: Any, b: Any) -> Any:
    return np.where(np.reshape(chosen, (np.shape(chosen)[0], *[1] * (np.ndim(a) - 1))), a, b)


def _samples(rng: np.random.Generator) -> Any:
    x, y = rng.normal(size=3), np.asarray(rng.normal())
    types = [type_of(x), type_of(y)]
    graphs = tuple(
        stage(fun, types, "branch")[0]
        for fun in (lambda x, y: [x * y, np.sum(x)], lambda x, y: [np.sin(x), y * y], lambda x, y: [x, y])
    )
    for k in range(3):
        yield (np.array(k), x, y), {"graphs": graphs}


switch_: Primitive = define(
    name="switch",
    doc="The results of one of several graphs, chosen by an integer.",
    multiple=True,
    eval=lambda index, *xs, graphs: tuple(run(graphs[_place(index, len(graphs))], xs)),
    infer=_infer,
    jvp=_jvp,
    taylor=_taylor,
    save=_save,
    vjp=_vjp,
    batch=_batch,
    samples=_samples,
    complex=True,
)


# Functions ------------------------------------------------------------------------------------------------------------


def _known(x: Any) -> bool:
    """Whether a condition has one value that Python may look at."""
    return not isinstance(x, Traced) or (staged_under(x) is None and np.shape(root(x)) == type_of(x).shape)


def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Return the result of one of several functions, chosen by an integer.

    Parameters
    ----------
    index : int
        Traced or not; too small or too large numbers mean the first and last branch.
    branches : sequence of callable
        Take the operands; their results have one structure, and leaves of the same shapes and dtypes.
    *operands : pytree

    Returns
    -------
    pytree
        Of the branch that was chosen. All are differentiable, with respect to what they close over too.

    Examples
    --------
    >>> from wengert.api.gradients import grad
    >>> grad(lambda x: switch(1, [np.sin, np.square], x))(3.0)
    np.float64(6.0)
    """
    if not branches:
        raise ArgumentError(
            "switch got no branches", why="it chooses one.", instead="give it at least one function."
        )
    for branch in branches:
        check_callable(branch, "switch")
    if np.ndim(index) or type_of(index).dtype.kind not in "iub":
        raise ArgumentError(
            f"switch got {type_of(index)} to choose by",
            why="one integer chooses one branch.",
            instead="for many choices at once, np.choose or vmap.",
        )
    if _known(index):
        return branches[_place(root(index), len(branches))](*operands)
    leaves, structure = as_operands(operands, "the operands of switch")
    types = list(map(type_of, leaves))
    bodies = [body_of(branch, structure, types, f"branch {k} of switch") for k, branch in enumerate(branches)]
    first = bodies[0]
    for k, body in enumerate(bodies):
        require_same(
            (first.structure, first.graph.out_types),
            (body.structure, body.graph.out_types),
            f"the results of branch 0 and branch {k} differ",
            "what follows is made for one type of result.",
        )
    graphs, captured = merged(bodies, len(leaves))
    ys = switch_(index, *leaves, *captured, graphs=tuple(graphs))
    return tree.unflatten(first.structure, ys)


def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """Return the result of one of two functions, chosen by a condition.

    Parameters
    ----------
    pred : bool
        Traced or not.
    true_fun, false_fun : callable
        Take the operands; their results have one structure, and leaves of the same shapes and dtypes.
    *operands : pytree

    Returns
    -------
    pytree
        Of the function that was chosen. In a graph both are kept; under vmap each example takes its own.

    Examples
    --------
    >>> from wengert.api.gradients import grad
    >>> root = lambda x: cond(x > 0, np.sqrt, lambda x: 0.0 * x, x)
    >>> float(grad(root)(4.0)), float(grad(root)(-4.0))
    (0.25, 0.0)
    """
    if np.ndim(pred) or type_of(pred).dtype.kind != "b":
        raise ArgumentError(
            f"the condition of cond is {type_of(pred)}, not one boolean",
            why="it decides between two branches.",
            instead="compare, as in x > 0, or reduce with np.any or np.all; for many conditions, np.where or vmap.",
        )
    if _known(pred):
        return (true_fun if root(pred) else false_fun)(*operands)
    return switch(np.astype(pred, np.dtype(np.int64)), [false_fun, true_fun], *operands)
