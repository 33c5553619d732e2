"""Documents: their Python runs, their links lead somewhere, they speak of no particular machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("benchmarks", "examples")
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(path for f in FOLDERS for path in (ROOT / f).glob("*.md")),
    ]
)
IDS = [str(path.relative_to(ROOT)) for path in DOCUMENTS]

PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
# Written so that this file does not match itself.
MACHINE = re.compile(
    r"/(?:wor[k]|hom[e]|tm[p]|roo[t]|farm[s]?)/|loca[l]host|127\.0\.0\.[1]|\bpyp[i]\.|pythonhoste[d]"
)

# Runs the blocks of one document in order, in one namespace, in an interpreter of its own: a document may define
# primitives, and those are global. Blocks of a session (>>>) are checked against the results that they show.
RUNNER = """
import doctest, sys
def run(name, text):
    blocks = text.split("\\0")
    names = {"__name__": "__document__"}
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for number, block in enumerate(blocks, 1):
        if ">>>" in block:
            test = doctest.DocTestParser().get_doctest(block, names, f"{name}, block {number}", name, 0)
            result = doctest.DocTestRunner(optionflags=flags).run(test, clear_globs=False)
            names.update(test.globs)
            if result.failed:
                sys.exit(1)
        else:
            exec(compile(block, f"{name}, block {number}", "exec"), names)
run(sys.argv[1], sys.stdin.read())
"""


def blocks(path: Path) -> list[str]:
    return PYTHON.findall(path.read_text(encoding="utf-8"))


def run_blocks(name: str, found: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-c", RUNNER, name]
    return subprocess.run(
        command, input="\0".join(found), capture_output=True, text=True, check=False, cwd=ROOT / "src"
    )


# tests/test_seeds_page.py runs this one, and compares its outputs.
ELSEWHERE = {ROOT / "docs" / "seeds.md"}
WITH_PYTHON = [path for path in DOCUMENTS if blocks(path) and path not in ELSEWHERE]


@pytest.mark.parametrize("path", WITH_PYTHON, ids=[str(path.relative_to(ROOT)) for path in WITH_PYTHON])
def test_python_in_a_document_runs(path):
    result = run_blocks(path.name, blocks(path))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_links_lead_somewhere(path):
    links = LINK.findall(path.read_text(encoding="utf-8"))
    assert not [link for link in links if not (path.parent / link).exists()]


@pytest.mark.parametrize("path", DOCUMENTS, ids=IDS)
def test_a_document_names_no_machine(path):
    assert not MACHINE.findall(path.read_text(encoding="utf-8"))


def test_the_sources_name_no_machine():
    files = [ROOT / "Makefile", ROOT / "pyproject.toml", ROOT / ".ci" / "run"]
    for folder in ("src", "tests", "benchmarks", "examples"):
        files += (ROOT / folder).rglob("*.py")
    assert not {
        str(f.relative_to(ROOT)): found for f in files if (found := MACHINE.findall(f.read_text("utf-8")))
    }


def test_the_readme_shows_python():
    assert blocks(ROOT / "README.md")


def test_the_changelog_knows_the_version():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


# The checks themselves, on planted violations.


@pytest.mark.parametrize(
    "bad", ["1 / 0", "import warnings; warnings.warn('w')", ">>> 1 + 1\n3\n", ">>> 1 / 0\n"]
)
def test_a_block_that_fails_is_seen(bad):
    assert run_blocks("planted", ["x = 1\n", bad]).returncode != 0


def test_blocks_share_a_namespace():
    good = ["x = 2\n", ">>> y = x + 1\n>>> y\n3\n", "assert y == 3\n"]
    assert run_blocks("planted", good).returncode == 0


def test_a_machine_is_seen():
    assert MACHINE.search("see /" + "home/user/file")
    assert not MACHINE.search("docs/home.md, a/b/c, https://numpy.org")
