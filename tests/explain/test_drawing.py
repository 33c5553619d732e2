"""Drawings: what stands on them, that it can be read, and what they are written as."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError
from wengert.explain.drawing.labels import trimmed, width
from wengert.explain.drawing.painting import Curve, Frame, Text

SVG = "{http://www.w3.org/2000/svg}"


def product(x, y):
    a = x + y
    b = x - y
    return a * b


def baydin(x1, x2):
    return np.log(x1) + x1 * x2 - np.sin(x2)


def perceptron(params, x, y):
    h = x
    for p in params:
        h = np.tanh(h @ p["w"] + p["b"])
    return np.mean((h - y) ** 2)


def weights(*sizes):
    rng = np.random.default_rng(0)
    return [{"w": rng.normal(size=(n, m)), "b": rng.normal(size=m)} for n, m in pairwise(sizes)]


def lstm(p, xs):
    n = p["b"].shape[0] // 4

    def sigmoid(t):
        return 1 / (1 + np.exp(-t))

    def step(carry, x):
        h, c = carry
        i, f, g, o = np.split(x @ p["wx"] + h @ p["wh"] + p["b"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return (h, c), h

    _, hs = wg.scan(step, (np.zeros(n), np.zeros(n)), xs)
    return np.sum(hs**2)


def branches(x, y):
    z = wg.cond(x > 1.0, lambda a, b: np.sin(a) * b, lambda a, b: a + b, x, y)
    return wg.while_loop(lambda s: s < 100.0, lambda s: s * s + y, z + 3.0) * x


def many(x):
    return np.sum(np.concatenate([x * k for k in range(20)]))


RNG = np.random.default_rng(1)
LSTM = (
    {"wx": RNG.normal(size=(3, 16)), "wh": RNG.normal(size=(4, 16)), "b": np.zeros(16)},
    RNG.normal(size=(20, 3)),
)
DRAWINGS = {
    "product": lambda: wg.draw(product, 3.0, 2.0, derivative="reverse"),
    "baydin": lambda: wg.draw(baydin, 2.0, 5.0, derivative="reverse"),
    "baydin forward": lambda: wg.draw(baydin, 2.0, 5.0, derivative="forward"),
    "perceptron": lambda: wg.draw(
        perceptron, weights(4, 8, 8, 2), np.ones((5, 4)), np.zeros((5, 2)), derivative="reverse", argnums=0
    ),
    "deep perceptron": lambda: wg.draw(
        perceptron, weights(*[4] * 21), np.ones((5, 4)), np.zeros((5, 4)), derivative="reverse", argnums=0
    ),
    "lstm": lambda: wg.draw(lstm, *LSTM, derivative="reverse"),
    "branches": lambda: wg.draw(branches, 2.0, 5.0, derivative="reverse"),
    "many operands": lambda: wg.draw(many, np.ones(2), derivative="reverse"),
    "graph": lambda: wg.trace(baydin)(2.0, 5.0).draw(),
}


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - written by this program


def texts_of(svg: str) -> list[str]:
    return [element.text for element in parsed(svg).iter(SVG + "text")]


def texts(drawing) -> list[str]:
    return texts_of(drawing.svg())


# What stands on a drawing ---------------------------------------------------------------------------------------------


def test_the_textbook_graph_with_adjoints():
    found = texts(wg.draw(baydin, 2.0, 5.0, derivative="reverse"))
    for text in ("v₋₁ = x1", "v₀ = x2", "v₁ = log(v₋₁)", "v₂ = v₋₁ · v₀", "v₄ = sin(v₀)", "v₅ = v₃ - v₄"):
        assert text in found
    assert {"0.693147", "10", "-0.958924", "11.6521"} <= set(found)
    assert {"v̄₅ = 1", "v̄₄ = -1", "v̄₋₁ = 5.5", "v̄₀ = 1.71634"} <= set(found)
    assert sorted(t for t in found if t in {"0.5", "5", "2", "-0.2837", "-1"}) == sorted(
        ["0.5", "5", "2", "-0.2837", "-1", "2", "5"]  # on links, and the inputs 2 and 5
    )


def test_tangents_follow_the_seed():
    found = texts(wg.draw(baydin, 2.0, 5.0, derivative="forward"))
    assert "v̇₅ = 5.5" in found
    found = texts(wg.draw(baydin, 2.0, 5.0, derivative="forward", seed=(0.0, 1.0)))
    assert f"v̇₅ = {2 - np.cos(5):.6g}" in found


def test_values_alone():
    found = texts(wg.draw(product, 3, 2))
    assert "v₃ = v₁ · v₂" in found
    assert "5" in found
    assert not [t for t in found if "\u0304" in t or "\u0307" in t]


def test_adjoints_of_a_vector_result_need_a_seed():
    with pytest.raises(NotDifferentiableError, match="returned f64"):
        wg.draw(np.sin, np.ones(3), derivative="reverse")
    found = texts(wg.draw(np.sin, np.zeros(3), derivative="reverse", seed=np.array([1.0, 2.0, 3.0])))
    assert "v̄₀ = [1, 2, 3]" in found


def test_argnums_choose_what_is_differentiated():
    found = texts(wg.draw(baydin, 2.0, 5.0, derivative="reverse", argnums=1))
    assert "v̄₀ = 1.71634" in found
    assert not [t for t in found if t.startswith("v̄₋₁")]


def test_python_may_branch_loop_and_call_on_values():
    def f(x, n):
        y = x
        for _ in range(n):
            y = np.sin(y) if y > 0 else y
        return y

    found = texts(wg.draw(f, 2.0, 3, derivative="reverse", argnums=0))
    assert "v₃ = sin(v₂)" in found
    assert not [t for t in found if "greater" in t]  # what only the branch asked for is no part of the graph


def test_names_of_the_leaves_of_containers():
    found = texts(wg.draw(perceptron, weights(2, 2), np.ones((1, 2)), np.ones((1, 2))))
    assert "v₋₃ = params[0]['b']" in found
    assert "v₋₂ = params[0]['w']" in found


def test_names_are_given():
    assert "v₋₁ = α" in texts(wg.draw(product, 1.0, 2.0, names=["α", "β"]))


def test_a_constant_result_is_drawn():
    assert "3" in texts(wg.draw(lambda x: 3.0, 1.0))


def test_a_graph_without_arguments_shows_types():
    found = texts(wg.trace(baydin)(2.0, 5.0).draw())
    assert "f64[]" in found
    assert "v₅ = v₃ - v₄" in found
    assert "<svg" in wg.trace(baydin)(2.0, 5.0)._repr_svg_()


def test_a_graph_with_arguments_shows_values():
    found = texts(wg.trace(baydin)(2.0, 5.0).draw(2.0, 5.0, derivative="reverse"))
    assert "v̄₋₁ = 5.5" in found


def test_derivatives_of_derivatives_are_programs_too():
    found = texts(wg.draw(wg.grad(lambda x: np.sin(x) * x), 1.0, derivative="forward"))
    second = 2 * np.cos(1.0) - np.sin(1.0)
    assert [t for t in found if t.endswith(f"= {second:.6g}")]


# Errors ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: wg.draw(product, 1.0, 2.0, derivative="backward"), ArgumentError),
        (lambda: wg.draw(product, 1.0, 2.0, names=["x"]), ArgumentError),
        (lambda: wg.draw(product, 1.0, 2.0, argnums=2), ArgumentError),
        (lambda: wg.draw(product, 1.0, 2.0, derivative="forward", seed=(1.0,)), ArgumentError),
        (lambda: wg.draw(product, 1.0, 2.0, derivative="forward", seed=(1.0, np.ones(2))), ArgumentError),
        (lambda: wg.draw(np.cumsum, np.arange(3), derivative="forward"), NotDifferentiableError),
        (lambda: wg.trace(product)(1.0, 2.0).draw(1.0), ArgumentError),
        (lambda: wg.trace(product)(1.0, 2.0).draw(derivative="reverse"), ArgumentError),
        (lambda: wg.draw(product, 1.0, 2.0).save("graph.bmp"), ArgumentError),
        (lambda: wg.grad(lambda x: wg.draw(lambda y: y * x, 1.0) and x)(1.0), ArgumentError),
        (lambda: wg.draw(3.0), ArgumentError),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, error):
    with pytest.raises((error, TypeError) if error is ArgumentError else error):
        call()


# Legibility -----------------------------------------------------------------------------------------------------------


def box_of(text: Text) -> tuple[float, float, float, float]:
    w = width(text.text, text.size, bold=text.style == "title")
    left = text.x - {"start": 0, "middle": w / 2, "end": w}[text.anchor]
    return left, text.y - 0.75 * text.size, left + w, text.y + 0.2 * text.size


def overlap(a, b, slack=0.5) -> bool:
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


def outline(frame: Frame) -> tuple[float, float, float, float]:
    return frame.x, frame.y, frame.x + frame.width, frame.y + frame.height


@pytest.fixture(params=DRAWINGS)
def scene(request):
    return DRAWINGS[request.param]()._scene()


def test_no_texts_overlap_and_none_is_clipped(scene):
    boxes = [(shape.text, box_of(shape)) for shape in scene.shapes if isinstance(shape, Text)]
    assert not [(s, t) for (s, a), (t, b) in combinations(boxes, 2) if overlap(a, b)]
    assert not [t for t, b in boxes if b[0] < 0 or b[1] < 0 or b[2] > scene.width or b[3] > scene.height]


def test_letters_are_large_enough(scene):
    assert min(shape.size for shape in scene.shapes if isinstance(shape, Text)) >= 11


def test_cards_do_not_overlap_and_hold_their_text(scene):
    frames = [
        outline(s)
        for s in scene.shapes
        if isinstance(s, Frame)
        and s.style.startswith(("card", "closed"))
        and (s.hint or "closed" not in s.style)
    ]
    assert not [1 for a, b in combinations(frames, 2) if overlap(a, b)]
    for text in scene.shapes:
        if (
            isinstance(text, Text)
            and text.style in {"title", "value", "derivative"}
            and text.anchor == "middle"
        ):
            b = box_of(text)
            assert any(f[0] <= b[0] and f[1] <= b[1] and b[2] <= f[2] and b[3] <= f[3] for f in frames), (
                text.text
            )


def test_lines_run_beside_cards(scene):
    frames = [outline(s) for s in scene.shapes if isinstance(s, Frame) and s.style.startswith("card")]
    for line in scene.shapes:
        if isinstance(line, Curve):
            assert line.top <= line.turn <= line.back + 1e-9 <= line.bottom + 1e-9
            straight = [(line.x, line.top, line.x, line.turn), (line.end, line.back, line.end, line.bottom)]
            assert not [1 for a in straight for f in frames if inside(a, f)]


def inside(line, frame) -> bool:
    return frame[0] + 1 < line[0] < frame[2] - 1 and line[1] < frame[3] - 1 and frame[1] + 1 < line[3]


def test_wide_and_strange_names_fit():
    names = ["漢字" * 8, "<b>&\"'\n\t" + "w" * 90]
    drawing = wg.draw(product, 1.0, 2.0, names=names)
    assert "…" in texts(drawing)[3] or any("…" in t for t in texts(drawing))
    boxes = [box_of(s) for s in drawing._scene().shapes if isinstance(s, Text)]
    assert not [1 for a, b in combinations(boxes, 2) if overlap(a, b)]


def test_a_text_is_cut_at_letters_not_at_marks():
    assert trimmed("v̄₁ = v̄₂", 4) == "v̄₁…"
    assert trimmed("short", 5) == "short"


# Formats --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAWINGS)
def test_svg_is_well_formed_and_alone(name):
    text = DRAWINGS[name]().svg()
    assert parsed(text).tag == SVG + "svg"
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_svg_escapes_what_the_user_named():
    text = wg.draw(product, 1.0, 2.0, names=["</text><script>alert(1)</script>", "&amp;"]).svg()
    assert "<script" not in text
    assert any("</text><script>" in (t or "") for t in texts_of(text))
    assert "v₀ = &amp;" in texts_of(text)


def test_dot():
    text = wg.draw(product, 3.0, 2.0, derivative="reverse", names=['a"b\\', "y"]).dot()
    assert text.startswith('digraph "product" {')
    assert 'label="v₋₁ = a\\"b\\\\\\n3\\nv̄₋₁ = 6"' in text
    assert 'n1 -> n4 [label="5"];' in text
    assert text.count("->") == 6


def test_dot_shows_loops_as_clusters():
    text = DRAWINGS["lstm"]().dot()
    assert text.count("subgraph cluster_") == 1
    assert text.count("{") == text.count("}")


def test_mermaid():
    text = wg.draw(product, 3.0, 2.0, derivative="reverse", names=['a"b#<', "y"]).mermaid()
    lines = text.splitlines()
    assert lines[0] == "flowchart TD"
    assert '  n1(["v₋₁ = a#quot;b#35;#lt;<br/>3<br/>v̄₋₁ = 6"])' in lines
    assert '  n1 -->|"5"| n4' in lines


@pytest.mark.parametrize("notation", ["dot", "mermaid"])
@pytest.mark.parametrize("name", DRAWINGS)
def test_links_of_texts_join_what_is_declared(name, notation):
    text = getattr(DRAWINGS[name](), notation)()
    arrow = "->" if notation == "dot" else "-->"
    declared = {
        line.split("[")[0].split("(")[0].strip() for line in text.splitlines() if line.strip().startswith("n")
    }
    for line in text.splitlines():
        if arrow in line:
            ends = line.replace(";", "").split("[label")[0].split(arrow)
            source, target = ends[0].strip(), ends[1].split("|")[-1].strip()
            assert {source, target} <= declared


@pytest.mark.parametrize("suffix", ["svg", "html", "dot", "mmd"])
def test_files(tmp_path, suffix):
    drawing = wg.draw(product, 3.0, 2.0)
    drawing.save(tmp_path / f"graph.{suffix}")
    text = (tmp_path / f"graph.{suffix}").read_text(encoding="utf-8")
    assert (
        text
        == {"svg": drawing.svg, "html": drawing.html, "dot": drawing.dot, "mmd": drawing.mermaid}[suffix]()
    )


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_raster_files(tmp_path, suffix, start):
    pytest.importorskip("matplotlib")
    wg.draw(branches, 2.0, 5.0, derivative="reverse", names=["$x$", "y"]).save(tmp_path / f"graph.{suffix}")
    content = (tmp_path / f"graph.{suffix}").read_bytes()
    assert content.startswith(start)
    assert len(content) > 5000


def test_a_drawing_shows_itself():
    drawing = wg.draw(product, 3.0, 2.0)
    assert drawing._repr_svg_() == drawing.svg()
    assert drawing.svg() in drawing._repr_html_()
    assert repr(drawing) == "<drawing of product: 5 values>"
