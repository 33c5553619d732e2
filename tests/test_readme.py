"""The README's table of what works: what it says is there is there, and what it says is not yet is not."""

import importlib
import re
from pathlib import Path

import pytest

import wengert as wg

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
ROW = re.compile(r"^\| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = ROW.findall(README.partition("## What works")[2].partition("\n## ")[0])
ELSEWHERE = {"backward", "fft", "linalg", "scipy.special"}  # not names of ours; nor are commands


def exists(name: str) -> bool:
    if not name.startswith("wengert."):
        return hasattr(wg, name)
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def names(claim: str) -> list[str]:
    return [
        name
        for name in re.findall(r"`([^`]+)`", claim)
        if name not in ELSEWHERE and not name.startswith("wengert ")
    ]


def test_the_table_is_read():
    assert len(ROWS) > 10


@pytest.mark.parametrize(("claim", "answer"), ROWS, ids=[claim[:30] for claim, _ in ROWS])
def test_a_claim_names_what_exists(claim, answer):
    wrong = [name for name in names(claim) if exists(name) == (answer == "not yet")]
    assert not wrong, f"{answer}: {wrong}"


def test_every_public_function_is_in_the_table():
    said = {name for claim, _ in ROWS for name in names(claim)}
    modules = {"errors", "explain", "methods", "tree"}
    assert set(wg.__all__) - modules <= said | {"stop_gradient"}
