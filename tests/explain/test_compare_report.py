"""Reports: what the user named cannot break the format it stands in."""

import pytest

from wengert.explain.comparison import Comparison
from wengert.explain.gradient_report import GradientReport
from wengert.explain.report import Grid, Picture, Prose, Report
from wengert.explain.scaling_report import Scaling
from wengert.explain.trace_report import EvaluationTrace
from wengert.methods.error_curve import ErrorCurve

NASTY = "<script>|`x`</script>"


class Nasty(Report):
    title = NASTY

    def blocks(self):
        yield Prose(NASTY, strong=True)
        yield Grid(NASTY, ["", NASTY], [[NASTY, "1"], [NASTY, "2"]], best=frozenset({(0, 1)}))
        yield Picture(NASTY, lambda figure: figure.add_subplot().set_title(NASTY))

    def to_dict(self):
        return {"title": NASTY}


def test_html_is_escaped():
    pytest.importorskip("matplotlib")
    page = Nasty().to_html()
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 8


def test_markdown_is_escaped():
    rows = [line for line in Nasty().to_markdown().splitlines() if line.startswith("| ")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {3}
    assert "**1**" in rows[2]


def test_text_is_as_it_is():
    assert str(Nasty()).count(NASTY) == 6


@pytest.mark.parametrize("kind", [Comparison, ErrorCurve, EvaluationTrace, GradientReport, Scaling])
def test_the_prompt_shows_a_report_as_text(kind):
    assert kind.__repr__ is Report.__repr__
    assert repr(Nasty()) == str(Nasty())
