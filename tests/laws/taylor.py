"""Taylor mode: coefficients are the derivatives of a curve divided by factorials, however these are computed.

nested      order by order by forward mode over forward mode
contour     by values alone, on a circle in the complex plane, where a primitive is holomorphic
laplacian   the collapsed sum of second derivatives against one forward mode over another for each entry
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import wengert as wg
from wengert.core.primitive import Primitive
from wengert.transforms.execution import run
from wengert.transforms.forward import push
from wengert.transforms.laplacian import collapse
from wengert.transforms.staging import stage
from wengert.transforms.taylor import expand
from wengert.types import type_of

from .cases import Case, cast, complexes, is_float
from .rules import UNITS, assert_type, like, pair, results

ORDER = 3

# The rules of these are series, integrals or functions of larger matrices, which each order differentiates again: the
# third order takes seconds to minutes, in either way.
SECOND_ORDER_ONLY = {
    *("betainc", "betaincc", "betaincinv", "betainccinv", "cofactor", "expm", "fdtr", "fdtrc", "fdtri"),
    *("chdtr", "chdtrc", "chdtri", "gammainc", "gammaincc", "gammaincinv", "gammainccinv", "gdtr", "gdtrc"),
    *("gdtrix", "riemann_zeta", "stdtr", "stdtrit", "zeta", "logm", "sqrtm", "integral"),
}

FEW = {"logm": 1}  # entries, of samples of these on which laws are checked; 8 of the others

NOT_HOLOMORPHIC = {
    "absolute",
    "conjugate",
    "real",
    "imag",
    "sign",
    "vecdot",
    "vecmat",
    "vector_norm",
    "var",
    "std",
}


def taylor(prim: Primitive, case: Case) -> None:
    """The law on a sample as it is declared."""
    if not _is_long(prim, case):
        agree(prim, case)


def taylor_single(prim: Primitive, case: Case) -> None:
    """Coefficients have the types of the results, in float32 too."""
    case = cast(case, np.float32)
    ys, found = _expanded(prim, case, _moving(prim, case)[1])
    for y, coefficients in zip(ys, found, strict=True):
        for c in coefficients:
            if c is not None:
                assert_type(c, y, "a coefficient")


def taylor_complex(prim: Primitive, case: Case) -> None:
    """The law with complex operands, where a primitive declares that its rules hold for them."""
    if prim.complex and not _is_long(prim, case):
        for variant in complexes(case):
            agree(prim, variant, by_values=False)


def _is_long(prim: Primitive, case: Case) -> bool:
    return prim.name in SECOND_ORDER_ONLY and sum(map(np.size, case.xs)) > FEW.get(prim.name, 8)


def agree(prim: Primitive, case: Case, *, by_values: bool = True) -> None:
    """Coefficients of a random curve, against nested forward mode and against a contour."""
    order, series = _moving(prim, case)
    ys, found = _expanded(prim, case, series)
    sizes = _sizes(prim, case, series)
    references = [("nested", _nested(prim, case, series, order))]
    if by_values and prim.complex and prim.name not in NOT_HOLOMORPHIC:
        references.append(("contour", _contour(prim, case, series, order)))
    for i, (y, coefficients) in enumerate(zip(ys, found, strict=True)):
        if not is_float(y):
            assert all(c is None for c in coefficients), f"result {i} is {np.result_type(y)} and moves"
            continue
        eps = float(np.finfo(np.result_type(y)).eps)
        for how, reference in references:
            for k in range(order):
                c = np.zeros(np.shape(y)) if coefficients[k] is None else coefficients[k]
                want, noise = reference[i][k]
                off, allowed = np.max(np.abs(c - want), initial=0.0), UNITS * eps * sizes[i][k] + noise
                assert off <= allowed, f"{how}: y_{k + 1} of result {i} is off by {off:.1e} > {allowed:.1e}"


def _moving(prim: Primitive, case: Case) -> tuple[int, list[tuple[Any, ...]]]:
    """Random coefficients of the floating operands, and how many."""
    order = 2 if prim.name in SECOND_ORDER_ONLY else ORDER
    return order, [tuple([like(case.rng, x) for _ in range(order)]) for x in case.xs]


def _fun(prim: Primitive, case: Case) -> Callable[..., list[Any]]:
    return lambda *xs: list(results(prim(*xs, **case.params)))


def _expanded(prim: Primitive, case: Case, series: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    return expand(_fun(prim, case), case.xs, series, len(series[0]))


def _sizes(prim: Primitive, case: Case, series: Sequence[Any]) -> list[list[float]]:
    """Sizes of the terms that a coefficient is the sum of: what single coefficients and pairs of them contribute."""
    order = len(series[0])
    chosen = [{j} for j in range(order)] + [{0, 1}, set(range(order))]
    sizes: list[list[float]] = []
    for which in chosen:
        part = [tuple([c if j in which else None for j, c in enumerate(s)]) for s in series]
        ys, found = _expanded(prim, case, part)
        sizes = sizes or [[float(np.max(np.abs(y), initial=0.0))] * order for y in ys]
        for row, coefficients in zip(sizes, found, strict=True):
            for k, c in enumerate(coefficients):
                row[k] += 0.0 if c is None else float(np.max(np.abs(c), initial=0.0))
    return sizes


def _at(case: Case, series: Sequence[Any], t: Any) -> list[Any]:
    """The operands at t."""
    return [
        x if s[0] is None else x + sum(c * t**k for k, c in enumerate(s, start=1))
        for x, s in zip(case.xs, series, strict=True)
    ]


def _nested(prim: Primitive, case: Case, series: Sequence[Any], order: int) -> list[list[Any]]:
    """Derivatives by forward mode over forward mode, divided by factorials."""

    def derived(fun: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
        def derivative(t: Any) -> list[Any]:
            ys, dots = push(lambda s: fun(s), [t], [np.ones((), np.float64)[()]])
            return [np.zeros(np.shape(y)) if dot is None else dot for y, dot in zip(ys, dots, strict=True)]

        return derivative

    fun = lambda t: list(results(prim(*_at(case, series, t), **case.params)))
    rows: list[list[Any]] = []
    for k in range(1, order + 1):
        fun = derived(fun)
        rows.append([(y / math.factorial(k), 0.0) for y in fun(np.float64(0.0))])
    return [list(column) for column in zip(*rows, strict=True)]


def taylor_of_graphs(prim: Primitive, case: Case) -> None:
    """The laws of a primitive whose parameters hold graphs, which take operands of their own types only."""
    agree(prim, case, by_values=False)
    laplacian(prim, case)


def taylor_composed(prim: Primitive, case: Case) -> None:
    """Coefficients staged, batched, and differentiated by both modes: the rules dispatch as those of derivatives do.

    The first sample stands for all, which differ in shapes.
    """
    if case.label != "sample 0" or _is_long(prim, case):
        return
    moving = [i for i, x in enumerate(case.xs) if is_float(x)]
    operands = [like(case.rng, case.xs[i]) for _ in range(2) for i in moving]
    operands = [*[case.xs[i] for i in moving], *operands]
    fun = _flat(prim, case, moving)
    ys = fun(*operands)
    scales = [1e-10 * max(1.0, float(np.max(np.abs(y), initial=0.0))) for y in ys]
    graph, _ = stage(fun, [type_of(x) for x in operands], prim.name)
    batched = wg.vmap(fun)(*[np.stack([x, x]) for x in operands])
    for y, staged, batch, scale in zip(ys, run(graph, operands), batched, scales, strict=True):
        assert_type(staged, y, "a staged coefficient")
        assert np.all(np.abs(staged - y) <= scale)
        assert np.all(np.abs(batch[1] - y) <= scale)
    if not any(map(np.iscomplexobj, [*operands, *ys])):
        bars, dots = [like(case.rng, y) for y in ys], [like(case.rng, x) for x in operands]
        pushed, size = pair(bars, wg.jvp(fun, tuple(operands), tuple(dots))[1])
        pulled, other = pair(wg.vjp(fun, *operands)[1](bars), dots)
        assert abs(pushed - pulled) <= 1e-10 * (size + other)


def _flat(prim: Primitive, case: Case, moving: list[int]) -> Callable[..., list[Any]]:
    """The first two coefficients of all results, as a function of values, then first, then second coefficients."""

    def fun(*flat: Any) -> list[Any]:
        xs, series, n = list(case.xs), [(None, None)] * len(case.xs), len(moving)
        for place, i in enumerate(moving):
            xs[i], series[i] = flat[place], (flat[n + place], flat[2 * n + place])
        found = expand(_fun(prim, case), xs, series, 2)[1]
        return [c for coefficients in found for c in coefficients if c is not None]

    return fun


CIRCLE, RADIUS = 64, 0.0625


def _contour(prim: Primitive, case: Case, series: Sequence[Any], order: int) -> list[list[Any]]:
    """Cauchy's integrals over a circle by the trapezoidal rule (Lyness and Moler 1967), with their noise."""
    points = RADIUS * np.exp(2j * np.pi * np.arange(CIRCLE) / CIRCLE)
    values = zip(*[results(prim.eval(*_at(case, series, t), **case.params)) for t in points], strict=True)
    found = []
    for column in values:
        stack = np.stack([np.asarray(v, dtype=complex) for v in column])
        coefficients = np.fft.fft(stack, axis=0) / CIRCLE
        # rounding, and what other orders leave; a function that is not analytic so far out shows in the high orders
        noise = np.max(np.abs(coefficients[CIRCLE // 4 :]), initial=0.0) * CIRCLE
        noise += 10 * np.finfo(float).eps * np.max(np.abs(stack), initial=0.0)
        found.append([(coefficients[k] / RADIUS**k, noise / RADIUS**k) for k in range(1, order + 1)])
    return found


def laplacian(prim: Primitive, case: Case) -> None:
    """The sum of second derivatives by all entries of all real operands, of a primitive between curved functions.

    So operands have second derivatives, and the first ones of the results matter.
    """
    moving = [i for i, x in enumerate(case.xs) if is_float(x) and not np.iscomplexobj(x)]
    if not moving or _is_long(prim, case):
        return
    points = [case.xs[i] for i in moving]
    bends = [like(case.rng, x) for x in points]

    def fun(*flat: Any) -> list[Any]:
        xs = list(case.xs)
        for i, x, bend in zip(moving, flat, bends, strict=True):
            xs[i] = x + bend * (x - case.xs[i]) ** 2
        return [y * (1.0 + y) if is_float(y) else y for y in results(prim(*xs, **case.params))]

    ys, sums = collapse(fun, points)
    totals, sizes = [0.0] * len(ys), [0.0] * len(ys)
    for i, x in enumerate(points):
        for place in np.ndindex(np.shape(x)):
            for k, second in enumerate(_second(fun, points, i, place)):
                totals[k] = totals[k] + second
                sizes[k] += float(np.max(np.abs(second), initial=0.0))
    for y, found, total, size in zip(ys, sums, totals, sizes, strict=True):
        if is_float(y):
            off = np.max(np.abs((0.0 if found is None else found) - total), initial=0.0)
            allowed = UNITS * np.finfo(np.result_type(y)).eps * (size + np.max(np.abs(y), initial=0.0))
            assert off <= allowed, f"the Laplacian is off by {off:.1e} > {allowed:.1e}"
            assert found is None or np.shape(found) == np.shape(y)


def _second(fun: Callable[..., list[Any]], points: list[Any], i: int, place: Any) -> list[Any]:
    one = np.zeros(np.shape(points[i]))
    one[place] = 1.0

    def along(x: Any) -> list[Any]:
        ys, dots = push(lambda v: fun(*points[:i], v, *points[i + 1 :]), [x], [one[()]])
        return [np.zeros(np.shape(y)) if dot is None else dot for y, dot in zip(ys, dots, strict=True)]

    firsts, dots = push(along, [points[i]], [one[()]])
    return [np.zeros(np.shape(y)) if dot is None else dot for y, dot in zip(firsts, dots, strict=True)]
