"""The text of a graph is the same in every run, and what it was when somebody last looked at it.

To accept a change, write the texts anew: `python -m tests.golden.test_golden`, and read the difference.
"""

from pathlib import Path

import pytest

import wengert as wg

from .programs import PROGRAMS

FOLDER = Path(__file__).parent


def text(name):
    fun, args = PROGRAMS[name]
    return f"{wg.trace(fun)(*args)}\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_text_is_as_it_was(name):
    assert text(name) == (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_text_is_the_same_when_the_program_is_staged_again(name):
    assert text(name) == text(name)


def test_every_text_has_a_program():
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(PROGRAMS)


if __name__ == "__main__":
    for each in PROGRAMS:
        (FOLDER / f"{each}.txt").write_text(text(each), encoding="utf-8")
