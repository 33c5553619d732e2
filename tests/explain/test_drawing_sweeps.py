"""Values, tangents and adjoints on drawings: against `grad`, and inside loops against the loop written out."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import PRIMITIVES
from wengert.explain.drawing.observing import observe
from wengert.explain.drawing.sweeping import swept


def sweep(fun, *args, kind, seeds=None):
    observed = observe(fun, args, inexact=True)
    if seeds is None:
        seeds = [np.ones(a.shape)[()] for a in observed.graph.outputs]
    return observed, swept(observed.graph, observed.values, observed.chosen, kind, seeds)


def only_nested(made):
    (nested,) = list(made.nested.values())
    return nested


def bars_of_inputs(observed, made):
    return [made.bars.get(a) for a in observed.graph.inputs]


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("reverse", [False, True])
def test_the_last_step_of_a_scan(n, reverse):
    xs = np.linspace(0.5, 1.5, n)

    def written_out(w, xs):
        carry, found = 0.3, []
        for k in range(n - 1, -1, -1) if reverse else range(n):
            found.append(np.sin(carry * xs[k]) + w)
            carry = found[-1]
        return carry * sum(found[1:], found[0])

    def looped(w, xs):
        def step(carry, x):
            new = np.sin(carry * x) + w
            return new, new

        carry, ys = wg.scan(step, 0.3, xs, reverse=reverse)
        return carry * np.sum(ys)

    observed, made = sweep(looped, 0.7, xs, kind="reverse")
    bars = bars_of_inputs(observed, made)
    expected = wg.grad(written_out, argnums=(0, 1))(0.7, xs)
    np.testing.assert_allclose(bars[0], expected[0], rtol=1e-13)
    np.testing.assert_allclose(bars[1], expected[1], rtol=1e-13)
    (nested,) = only_nested(made)
    inner = nested.sweep
    values = dict(zip(nested.roles, [inner.values[a] for a in nested.graph.inputs], strict=True))
    last = 0 if reverse else n - 1
    assert values["slice"] == xs[last]
    before = 0.3
    for k in range(n - 1, 0, -1) if reverse else range(n - 1):
        before = np.sin(before * xs[k]) + 0.7
    assert values["carry"] == pytest.approx(before, rel=1e-14)
    # the adjoint of the slice is what the sweep through this step gives
    at = nested.roles.index("slice")
    np.testing.assert_allclose(inner.bars[nested.graph.inputs[at]], expected[1][last], rtol=1e-13)


def test_tangents_inside_the_last_step():
    def looped(w):
        return wg.fori_loop(0, 5, lambda k, x: np.sin(x) * w, 1.0)

    _, made = sweep(looped, 0.7, kind="forward", seeds=[np.float64(1.0)])
    (nested,) = only_nested(made)
    carry = nested.graph.inputs[nested.roles.index("carry")]
    expected = wg.grad(lambda w: wg.fori_loop(0, 4, lambda k, x: np.sin(x) * w, 1.0))(0.7)
    np.testing.assert_allclose(nested.sweep.dots[carry], expected, rtol=1e-14)


def test_a_while_loop_shows_its_last_round():
    def looped(x):
        return wg.while_loop(lambda s: s < 50.0, lambda s: s * s + x, x)

    observed, made = sweep(looped, 2.0, kind="reverse")
    (nested,) = only_nested(made)
    assert nested.title == "while, 3 steps; values of the last"  # 2, 6, 38, 1446
    carry = nested.graph.inputs[nested.roles.index("carry")]
    assert nested.sweep.values[carry] == 38.0
    assert nested.sweep.bars[carry] == 76.0
    np.testing.assert_allclose(bars_of_inputs(observed, made)[0], wg.grad(looped)(2.0), rtol=1e-14)


def test_a_loop_without_steps_shows_no_values():
    _, made = sweep(lambda x: wg.while_loop(lambda s: s < 0.0, lambda s: s * 2.0, x), 2.0, kind="reverse")
    (nested,) = only_nested(made)
    assert nested.sweep is None
    assert "while" in wg.draw(lambda x: wg.while_loop(lambda s: s < 0.0, lambda s: s * 2.0, x), 2.0).svg()


@pytest.mark.parametrize(("x", "taken"), [(2.0, 1), (0.5, 0)])
def test_the_branch_taken_has_values(x, taken):
    def chosen(x):
        return wg.cond(x > 1.0, np.sin, np.exp, x)

    observed, made = sweep(chosen, x, kind="reverse")
    nested = only_nested(made)
    assert [held.sweep is not None for held in nested] == [k == taken for k in range(2)]
    np.testing.assert_allclose(bars_of_inputs(observed, made)[0], wg.grad(chosen)(x), rtol=1e-15)


def test_loops_in_loops():
    def outer(w):
        return wg.fori_loop(0, 3, lambda k, x: wg.fori_loop(0, 2, lambda j, y: np.sin(y) * w, x), 1.0)

    _, made = sweep(outer, 0.9, kind="reverse")
    (nested,) = only_nested(made)
    (inner,) = only_nested(nested.sweep)
    carry = inner.graph.inputs[inner.roles.index("carry")]
    expected = 1.0
    for _ in range(5):
        expected = np.sin(expected) * 0.9
    assert inner.sweep.values[carry] == pytest.approx(expected, rel=1e-14)
    svg = wg.draw(outer, 0.9, derivative="reverse").svg()
    assert "w₁" in svg
    assert "u₁" in svg


@pytest.mark.parametrize(
    ("fun", "args"),
    [
        (lambda x: np.sum(np.sort(x)[::2] ** 3), (np.array([3.0, 1.0, 2.0]),)),
        (lambda x: np.sum(np.linalg.solve(x, np.ones(2))), (np.array([[2.0, 1.0], [0.0, 3.0]]),)),
        (lambda x, y: np.max(x @ y), (np.arange(6.0).reshape(2, 3), np.ones((3, 2)))),
        (lambda x: x[0] * x[1] + x[0] ** 2, (np.array([3.0, 4.0]),)),
    ],
)
def test_adjoints_equal_the_gradient(fun, args):
    observed, made = sweep(fun, *args, kind="reverse")
    expected = wg.grad(fun, argnums=tuple(range(len(args))))(*args)
    for bar, g in zip(bars_of_inputs(observed, made), expected, strict=True):
        np.testing.assert_allclose(bar, g, rtol=1e-13)


@pytest.mark.parametrize("name", sorted(name for name, prim in PRIMITIVES.items() if prim.samples))
def test_every_primitive_is_drawn(name):
    prim = PRIMITIVES[name]
    for xs, params in islice(prim.samples(np.random.default_rng(0)), 2):
        ys = prim.eval(*xs, **params)
        ones = [
            np.ones_like(y, y.dtype if y.dtype.kind in "fc" else float)
            for y in (ys if prim.multiple else (ys,))
        ]
        for kind, seed in ((None, None), ("reverse", tuple(ones))):
            drawing = wg.draw(lambda *xs, p=params: prim(*xs, **p), *xs, derivative=kind, seed=seed)
            assert drawing.svg().count("<rect") > len(xs)
        if any(np.asarray(x).dtype.kind in "fc" for x in xs):
            wg.draw(lambda *xs, p=params: prim(*xs, **p), *xs, derivative="forward").svg()


def test_amounts_sum_to_adjoints():
    observed, made = sweep(lambda x: x * x + np.sin(x), 1.3, kind="reverse")
    (x,) = observed.graph.inputs
    amounts = [amount for (node, k), amount in made.amounts.items() if node.inputs[k] is x]
    assert len(amounts) == 3
    np.testing.assert_allclose(sum(amounts), made.bars[x], rtol=1e-15)
