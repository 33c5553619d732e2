"""The page of a drawing: one file that loads nothing; in a browser, where one is found, it does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert.explain.drawing.picture import Card
from wengert.explain.drawing.placing import place

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1200,800",
]
in_browser = pytest.mark.skipif(BROWSER is None, reason="no browser")


def baydin(x1, x2):
    return np.log(x1) + x1 * x2 - np.sin(x2)


def layer(w, h):
    return np.tanh(h @ w)


def network(ws, x):
    for w in ws:
        x = layer(w, x)
    return np.sum(x)


def recurrence(w, xs):
    def step(h, x):
        h = np.tanh(h * w + x)
        return h, h

    last, hs = wg.scan(step, 0.0, xs)
    return np.where(last > 0, last, 2 * last) * np.sum(hs)


def weighted(ws, x):
    return sum((w * x for w in ws[1:]), ws[0] * x) * sum(ws[1:], ws[0])


def pages():
    return {
        "baydin": wg.draw(baydin, 2.0, 5.0, derivative="reverse"),
        "network": wg.draw(network, [np.eye(2)] * 30, np.ones(2), derivative="reverse"),
        "weighted": wg.draw(weighted, [float(k) for k in range(60)], 2.0, derivative="reverse"),
        "recurrence": wg.draw(recurrence, 0.7, np.ones(4), derivative="reverse"),
    }


def data_of(page: str) -> dict:
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1]
    )


def run(tmp_path: Path, page: str, script: str) -> dict:
    """What a script finds on a page: it fills `out`."""
    probe = (
        "<script>const out = {};"
        "const press = key => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));"
        "const click = e => e.dispatchEvent(new MouseEvent('click', {bubbles: true}));"
        'const item = id => document.querySelector(`.item[data-id="${id}"]`);'
        "const items = () => [...document.querySelectorAll('.item')].map(e => Number(e.dataset.id));"
        "const facts = () => document.getElementById('facts').textContent;"
        f"try {{ {script} }} catch (error) {{ out.error = String(error); }}"
        "const pre = document.createElement('pre'); pre.id = 'out'; pre.textContent = JSON.stringify(out);"
        "document.body.append(pre);</script></body>"
    )
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", probe), encoding="utf-8")
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    found = json.loads(unescape(re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.DOTALL)[1]))
    assert "error" not in found, found
    return found


# The file -------------------------------------------------------------------------------------------------------------


def test_a_page_loads_nothing():
    page = pages()["baydin"].html()
    assert "default-src 'none'" in page
    assert not re.findall(r"(?:src|href)=|@import|url\(|fetch\(|XMLHttpRequest|import\s*\(", page)
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", page)


def test_what_the_user_named_stays_text():
    name = "</script><script>alert(1)</script><!--"
    page = wg.draw(baydin, 2.0, 5.0, names=[name, "y"]).html()
    assert page.count("<script") == 2
    assert "<!--" not in page
    assert any(card["facts"]["title"].endswith(name) for card in data_of(page)["cards"].values())


def test_the_data_of_a_page():
    data = data_of(pages()["baydin"].html())
    cards = {card["facts"]["name"]: card for card in data["cards"].values()}
    assert cards["v₋₁"]["facts"]["derivative"] == "5.5"
    assert cards["v₂"]["facts"]["value"] == "10.0"
    assert cards["v₂"]["facts"]["source"].startswith("test_drawing_page.py:")
    assert cards["v₂"]["facts"]["code"] == "return np.log(x1) + x1 * x2 - np.sin(x2)"
    terms = {link["facts"]["term"] for link in data["links"]}
    assert terms == {"v̄₁/v₋₁", "v̄₂·v₀", "v̄₂·v₋₁", "v̄₄·cos(v₀)", "v̄₃", "v̄₅", "-v̄₅"}


def test_without_scripts_there_is_a_picture():
    page = pages()["baydin"].html()
    assert re.search(r"<noscript>.*<svg.*v₅ = v₃ - v₄.*</noscript>", page, re.DOTALL)


# In a browser ---------------------------------------------------------------------------------------------------------


@in_browser
@pytest.mark.parametrize("unfolded", [False, True])
@pytest.mark.parametrize("name", ["baydin", "network", "recurrence", "weighted"])
def test_the_page_places_as_python_does(tmp_path, name, unfolded):
    drawing = pages()[name]
    for box in drawing._picture.root.boxes() if unfolded else ():
        box.open = True
    script = (
        "for (const e of document.querySelectorAll('.item'))"
        "out[e.dataset.id] = e.getAttribute('transform').match(/-?[\\d.]+/g).map(Number)"
    )
    found = run(tmp_path, drawing.html(), script)
    expected = {}
    pending = [(place(drawing._picture, drawing._levels), 0.0, 0.0)]
    while pending:
        layout, x, y = pending.pop()
        expected.update({item.id: (x + dx, y + dy) for item, dx, dy, _, _ in layout.items})
        expected.update({box.id: (x + dx, y + dy) for box, dx, dy, _ in layout.boxes})
        pending += [(inner, x + dx, y + dy) for _, dx, dy, inner in layout.boxes]
    assert {int(key) for key in found} == set(expected)
    for key, (x, y) in expected.items():
        assert found[str(key)] == pytest.approx((x, y), abs=0.5)


@in_browser
def test_arrow_keys_step_through_both_sweeps(tmp_path):
    script = """
      const text = id => document.getElementById(id).textContent;
      const now = () => (document.querySelector('.item.now') || {ariaLabel: ''}).ariaLabel;
      const seen = () => [text('step'), now(), document.querySelectorAll('.item.later').length, text('said')];
      out.start = seen();
      press('ArrowRight'); out.first = seen();
      press('ArrowRight'); press('ArrowRight'); out.third = seen();
      for (let k = 0; k < 5; k++) press('ArrowRight');
      out.eighth = seen();
      press('ArrowLeft'); out.back = seen();
      press('End'); out.end = seen();
      press('Home'); out.home = seen();
      click(document.getElementById('next')); out.button = seen();
    """
    found = run(tmp_path, pages()["baydin"].html(), script)
    assert found["start"][:3] == ["all 14 steps", "", 0]
    assert found["first"][0] == "1 of 14: values"
    assert found["first"][2] == 6
    assert found["third"][1].startswith("v₁ = log(v₋₁)")
    assert found["third"][3] == "3 of 14: values. v₁ = log(v₋₁): 0.693147"
    assert found["eighth"][0] == "8 of 14: adjoints"
    assert found["eighth"][3] == "8 of 14: adjoints. v̄₅ = 1"
    assert found["back"][0] == "7 of 14: values"
    assert found["end"][0] == "all 14 steps"
    assert found["home"][0] == "1 of 14: values"
    assert found["button"][0] == "2 of 14: values"


@in_browser
def test_adjoints_are_hidden_until_the_sweep_has_been_there(tmp_path):
    script = """
      press('ArrowRight');
      const hidden = () => [...document.querySelectorAll('.item')].filter(
        e => getComputedStyle(e.querySelector('.derivative')).visibility === 'hidden').length;
      const labels = () => [...document.querySelectorAll('text.label')].filter(
        e => e.style.visibility === 'hidden').length;
      out.hidden = []; out.labels = [];
      for (let k = 0; k < 14; k++) { out.hidden.push(hidden()); out.labels.push(labels()); press('ArrowRight'); }
    """
    found = run(tmp_path, pages()["baydin"].html(), script)
    assert found["hidden"] == [7] * 7 + [6, 5, 4, 3, 2, 1, 0]
    assert found["labels"][6:9] == [8, 6, 5]  # v₅ sends to two, then v₄ to one


@in_browser
def test_a_click_tells_value_adjoint_formula_and_source(tmp_path):
    page = pages()["baydin"].html()
    multiply = next(key for key, card in data_of(page)["cards"].items() if card["facts"]["name"] == "v₂")
    x1 = next(key for key, card in data_of(page)["cards"].items() if card["facts"]["name"] == "v₋₁")
    script = f"click(item({multiply})); out.text = facts(); item({x1}).focus(); press('Enter'); out.input = facts();"
    found = run(tmp_path, page, script)
    for text in (
        "v₂ = v₋₁ · v₀",
        "10.0",
        "v̄₂·v₀ = 5.0",
        "v̄₂·v₋₁ = 2.0",
        "test_drawing_page.py",
        "np.log(x1)",
    ):
        assert text in found["text"]
    assert "v̄₁/v₋₁ = 0.5" in found["input"]
    assert "5.5" in found["input"]


@in_browser
def test_boxes_open_and_close(tmp_path):
    drawing = pages()["network"]
    box = next(b for b in drawing._picture.root.boxes() if b.kind == "function" and not b.open)
    parents = {c.id: b for b in drawing._picture.root.boxes() for c in b.children}
    above = []
    while parents[above[-1].id if above else box.id] is not drawing._picture.root:
        above.append(parents[above[-1].id if above else box.id])
    opening = "".join(f"if (!opened.has({b.id})) choose({b.id});" for b in reversed(above))
    inside = [c.id for c in box.children if isinstance(c, Card)]
    script = f"""
      {opening}
      out.before = items(); click(item({box.id})); out.open = items();
      out.expanded = item({box.id}).getAttribute('aria-expanded'); out.text = facts();
      item({box.id}).focus(); press('Enter'); out.closed = items();
      click(document.getElementById('unfold')); out.all = items().length;
      click(document.getElementById('fold')); out.none = items().length;
    """
    found = run(tmp_path, drawing.html(), script)
    assert not set(inside) & set(found["before"])
    assert set(inside) <= set(found["open"])
    assert found["expanded"] == "true"
    assert "layer" in found["text"]
    assert sorted(found["closed"]) == sorted(found["before"])
    n = len(drawing._picture.cards()) + sum(1 for _ in drawing._picture.root.boxes()) - 1
    assert found["all"] == n
    assert found["none"] == len(drawing._picture.root.children)


@in_browser
def test_zoom_pan_and_theme(tmp_path):
    script = """
      const at = () => stage.getAttribute('transform').match(/-?[\\d.]+/g).map(Number);
      out.start = at(); press('+'); out.large = at(); press('-'); out.back = at(); press('0'); out.fit = at();
      view.dispatchEvent(new PointerEvent('pointerdown', {clientX: 100, clientY: 100, bubbles: true}));
      window.dispatchEvent(new PointerEvent('pointermove', {clientX: 150, clientY: 120, bubbles: true}));
      window.dispatchEvent(new PointerEvent('pointerup', {bubbles: true})); out.moved = at();
      const dark = () => document.documentElement.classList.contains('dark');
      out.dark = [dark(), (click(document.getElementById('theme')), dark())];
    """
    found = run(tmp_path, pages()["baydin"].html(), script)
    assert found["large"][2] == pytest.approx(1.25 * found["start"][2], abs=1e-3)
    assert found["back"][2] == pytest.approx(found["start"][2], abs=1e-3)
    assert found["moved"][0] == pytest.approx(found["fit"][0] + 50, abs=0.2)
    assert found["moved"][1] == pytest.approx(found["fit"][1] + 20, abs=0.2)
    assert found["dark"][0] is not found["dark"][1]


@in_browser
def test_everything_is_reached_by_the_keyboard(tmp_path):
    script = """
      out.items = [...document.querySelectorAll('.item')].every(
        e => e.tabIndex === 0 && e.getAttribute('role') === 'button' && e.ariaLabel);
      out.buttons = [...document.querySelectorAll('header button')].every(
        e => (e.ariaLabel || e.textContent.trim()).length > 2);
    """
    assert run(tmp_path, pages()["recurrence"].html(), script) == {"items": True, "buttons": True}


@in_browser
def test_texts_fit_their_cards_in_a_browser(tmp_path):
    script = """
      out.wide = [...document.querySelectorAll('.item')].flatMap(e => {
        const f = [...e.querySelectorAll('rect')].pop().getBBox();
        return [...e.querySelectorAll('text')].filter(t => { const b = t.getBBox();
          return b.x < f.x || b.x + b.width > f.x + f.width || b.y < f.y || b.y + b.height > f.y + f.height + 1;
        }).map(t => t.textContent); });
    """
    for name, drawing in pages().items():
        assert run(tmp_path, drawing.html(), script)["wide"] == [], name
