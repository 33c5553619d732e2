"""Texts of kernels, and of what is emitted for them, are what they were when somebody last looked at them.

To accept a change, write the texts anew: `python -m tests.compile.test_golden`, and read the difference.
"""

from pathlib import Path

import pytest

from wengert.compile.emission import llvm_text
from wengert.compile.kernel_check import check
from wengert.compile.kernel_text import kernel_text

from .kernel_programs import PROGRAMS

FOLDER = Path(__file__).parent / "golden"
TEXTS = {
    "kernel.txt": lambda program: kernel_text(program) + "\n",
    "ll": lambda program: llvm_text(program, width_bits=512).rstrip() + "\n",
}


@pytest.mark.parametrize("ending", TEXTS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_text_is_as_it_was(name, ending):
    assert TEXTS[ending](PROGRAMS[name]()) == (FOLDER / f"{name}.{ending}").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_valid(name):
    check(PROGRAMS[name]())


def test_every_text_has_a_program():
    texts = {f"{name}.{ending}" for name in PROGRAMS for ending in TEXTS}
    assert {path.name for path in FOLDER.iterdir()} == texts


if __name__ == "__main__":
    for each, program in PROGRAMS.items():
        for ending, text in TEXTS.items():
            (FOLDER / f"{each}.{ending}").write_text(text(program()), encoding="utf-8")
