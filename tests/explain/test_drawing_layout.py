"""Folding and layout: boxes can be folded, crossings are counted right, large graphs are quick and stay readable."""

from __future__ import annotations

from graphlib import TopologicalSorter
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.work import calls

import wengert as wg
from wengert.explain.drawing.layering import Level, Segment, Slot, levels
from wengert.explain.drawing.ordering import crossings, order
from wengert.explain.drawing.picture import Box
from wengert.explain.drawing.placing import isotonic

# Folding --------------------------------------------------------------------------------------------------------------


def layer(w, h):
    z = h @ w
    return np.tanh(z)


def network(ws, x):
    h = x
    for w in ws:
        h = layer(w, h)
    return np.sum(h)


def orbit(x):
    for _ in range(1000):
        x = 3.2 * x * (1.0 - x)
    return x


def descent(x, n):
    return x if n == 0 else np.sin(descent(x, n - 1)) + x


def interleaved(x):
    a, b = x, x + 1.0
    for _ in range(60):
        a, b = np.sin(a), b * 2.0
        a = a + 1.0
        b = b - a
    return a * b


def boxes(drawing) -> list[Box]:
    return list(drawing._picture.root.boxes())


PROGRAMS = {
    "network": lambda: wg.draw(network, [np.eye(2)] * 40, np.ones(2), derivative="reverse"),
    "orbit": lambda: wg.draw(orbit, 0.3, derivative="reverse"),
    "descent": lambda: wg.draw(descent, 0.3, 100, argnums=0, derivative="reverse"),
    "interleaved": lambda: wg.draw(interleaved, 0.3, derivative="reverse"),
}


@pytest.fixture(params=PROGRAMS)
def drawing(request):
    return PROGRAMS[request.param]()


def test_levels_are_short(drawing):
    for box in boxes(drawing):
        assert len(box.children) <= 60
        assert len([c for c in box.children if isinstance(c, Box)]) <= 50


def test_boxes_can_be_folded(drawing):
    """Links between what stands on one level run one way: no value leaves a box and comes back."""
    for box in boxes(drawing):
        home = {}
        for child in box.children:
            inside = child.cards() if isinstance(child, Box) else [child]
            home.update((card.id, child.id) for card in inside)
        before = {child.id: set() for child in box.children}
        for link in drawing._picture.links:
            a, b = home.get(link.source), home.get(link.target)
            if a is not None and b is not None and a != b:
                before[b].add(a)
        assert len(list(TopologicalSorter(before).static_order())) == len(box.children)


def test_nothing_is_lost_by_folding():
    whole = wg.draw(network, [np.eye(2)] * 40, np.ones(2), folded=False)
    folded = wg.draw(network, [np.eye(2)] * 40, np.ones(2))
    assert [card.title for card in sorted(whole._picture.cards().values(), key=lambda c: c.id)] == [
        card.title for card in sorted(folded._picture.cards().values(), key=lambda c: c.id)
    ]
    assert len({card.id for card in folded._picture.root.cards()} | {b.id for b in boxes(folded)}) == len(
        list(folded._picture.root.cards())
    ) + len(boxes(folded))


def test_calls_of_functions_are_boxes():
    made = PROGRAMS["network"]()
    calls = [box for box in boxes(made) if box.kind == "function"]
    assert {box.title for box in calls} == {"layer"}
    assert len(calls) == 40
    assert all(box.source.startswith("test_drawing_layout.py:") for box in calls)
    assert "layer" in made.svg()


def test_rounds_of_a_loop_are_boxes():
    rounds = [box for box in boxes(PROGRAMS["orbit"]()) if box.kind == "round"]
    assert len(rounds) == 1000
    assert {len(box.children) for box in rounds} == {3}


def test_many_inputs_are_one_box():
    def weighted(ws, x):
        return sum((w * x for w in ws[1:]), ws[0] * x) * sum(ws[1:], ws[0])

    made = wg.draw(weighted, [float(k) for k in range(60)], 2.0, derivative="reverse")
    inputs = [box for box in boxes(made) if box.kind == "inputs"]
    assert [(box.title, box.subtitle, len(box.children)) for box in inputs] == [("ws", "60 inputs", 60)]
    assert len(made._picture.root.children) < 40


def test_deep_recursion_is_drawn():
    assert "descent" in wg.draw(descent, 0.3, 300, argnums=0).svg()


# Speed ----------------------------------------------------------------------------------------------------------------


def chain(x):
    for _ in range(1000):
        x = np.sin(x) * 1.01
    return x


def lattice(x):
    row = [x * k for k in range(1, 41)]
    for _ in range(25):
        row = [np.sin(a) + b for a, b in zip(row, row[1:] + row[:1], strict=True)]
    return sum(row[1:], row[0])


@pytest.mark.parametrize(("fun", "folded"), [(chain, None), (chain, False), (lattice, None)])
def test_two_thousand_nodes_draw_within_three_seconds(fun, folded):
    drawings = []

    def draw():
        drawings.append(wg.draw(fun, 0.5, derivative="reverse", folded=folded))
        drawings[-1].svg()

    draw()
    assert len(drawings[-1]._picture.cards()) >= 2000
    assert calls(draw) <= 10_000_000  # 0.3 us each, measured


# Crossings ------------------------------------------------------------------------------------------------------------


@st.composite
def two_rows(draw):
    n, m = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    ends = st.tuples(st.integers(0, n - 1), st.integers(0, m - 1))
    return n, m, draw(st.lists(ends, max_size=14))


def counted(lines) -> int:
    return sum((a - c) * (b - d) < 0 for (a, b), (c, d) in combinations(lines, 2))


@given(two_rows())
def test_crossings_are_counted_right(case):
    n, m, lines = case
    downs = [[(n + b, 0.0) for a, b in lines if a == i] for i in range(n)] + [[] for _ in range(m)]
    rows = [list(range(n)), list(range(n, n + m))]
    assert crossings(rows, downs) == counted(lines)


@given(two_rows())
@settings(max_examples=50)
def test_ordering_never_adds_crossings(case):
    n, m, lines = case
    level = Level([Slot("card", i) for i in range(n + m)], [list(range(n)), list(range(n, n + m))])
    level.segments = [Segment(a, n + b, a, k) for k, (a, b) in enumerate(lines)]
    order({0: level})
    places = {slot: k for row in level.rows for k, slot in enumerate(row)}
    assert counted([(places[a], places[n + b]) for a, b in lines]) <= counted(lines)
    assert sorted(level.rows[0] + level.rows[1]) == list(range(n + m))


def test_crossings_that_need_not_be_are_removed():
    n = 8
    level = Level([Slot("card", i) for i in range(2 * n)], [list(range(n)), list(range(n, 2 * n))])
    level.segments = [Segment(i, 2 * n - 1 - (3 * i % n), i, i) for i in range(n)]
    order({0: level})
    places = {slot: k for row in level.rows for k, slot in enumerate(row)}
    assert counted([(places[s.upper], places[s.lower]) for s in level.segments]) == 0


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0.1, 5)), min_size=1, max_size=7))
def test_isotonic_regression_is_the_best(pairs):
    wanted, weights = map(list, zip(*pairs, strict=True))
    found = isotonic(wanted, weights)
    assert all(a <= b + 1e-9 for a, b in pairwise(found))

    def cost(x):
        return sum(w * (a - b) ** 2 for w, a, b in zip(weights, x, wanted, strict=True))

    # a least point of a convex function on a cone: no step along a feasible direction lowers the cost
    for i in range(len(found)):
        for step in (1e-4, -1e-4):
            moved = list(found)
            for j in range(i, len(found)) if step > 0 else range(i + 1):
                moved[j] += step
            assert cost(moved) >= cost(found) - 1e-9


def test_lines_join_neighboring_rows(drawing):
    for level in levels(drawing._picture).values():
        row = {slot: k for k, slots in enumerate(level.rows) for slot in slots}
        assert len(row) == len(level.slots)
        assert all(row[s.lower] == row[s.upper] + 1 for s in level.segments)
