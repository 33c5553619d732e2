"""Each command: what it prints and writes, its help, its completion."""

import json
import re
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

import wengert as wg
from wengert.cli import compare, completion, diff, draw, info, main, report, trace
from wengert.cli import run as run_command
from wengert.cli.completion import script
from wengert.cli.output import progress
from wengert.cli.parser import parser

COMMANDS = (trace, compare, draw, diff, report, run_command, info, completion)
EXAMPLES = [line for command in COMMANDS for line in command.EXAMPLES]
EXAMPLE = "log(x1) + x1*x2 - sin(x2)"


# Help -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_of_the_help_works(folder, run, line):
    words = shlex.split(line)[1:]
    if words[0] in {"compare", "run"}:
        words += ["--seconds", "0.02"]
    code, out, err = run(*words)
    assert code == 0, err
    assert out or "-o" in words


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(capsys, command):
    name = command.__name__.rpartition(".")[2]
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    out = capsys.readouterr().out
    assert "examples:" in out
    assert all(f"wengert {name}" in line for line in command.EXAMPLES)
    assert "--json" in out or name == "completion"


def test_the_help_lists_all_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    assert all(command.SUMMARY[:20] in out for command in COMMANDS)


# draw -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["svg", "html", "dot", "mmd", "png", "pdf"])
def test_draw_writes_a_file(folder, run, suffix):
    if suffix in {"png", "pdf"}:
        pytest.importorskip("matplotlib")
    path = folder / f"graph.{suffix}"
    code, out, _ = run("draw", EXAMPLE, "x1=2", "x2=5", "--derivative", "reverse", "-o", str(path))
    assert (code, out) == (0, "")
    assert path.stat().st_size > 200
    if suffix == "svg":
        root = ET.fromstring(path.read_text("utf-8"))  # noqa: S314 - our own
        assert EXAMPLE in "".join(root.itertext())
        assert "1.71634" in "".join(root.itertext())


@pytest.mark.parametrize(
    ("form", "start"), [("mermaid", "flowchart"), ("dot", "digraph"), ("svg", "<svg"), ("html", "<!")]
)
def test_draw_prints_text(run, form, start):
    code, out, _ = run("draw", "x*y", "x=2", "y=3", "--format", form)
    assert code == 0
    assert out.lower().startswith(start)


def test_draw_as_json(data):
    found = data("draw", "x*y", "x=2", "y=3", "--derivative", "reverse")
    assert [value["value"] for value in found["values"]] == ["2.0", "3.0", "6.0"]
    assert [value["derivative"] for value in found["values"]] == ["3.0", "2.0", "1.0"]
    assert {(link["source"], link["target"]) for link in found["links"]} == {(1, 3), (2, 3)}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["x*y", "x=2"], "'y' has no value"),
        (["x", "x=1,2", "--derivative", "reverse"], "f64[2]"),
        (["x*x", "x=1", "-o", "graph.jpeg"], "does not say how"),
        (["x*x", "x=1", "-o", "nowhere/graph.svg"], "cannot be written"),
    ],
)
def test_draw_refuses(folder, run, words, text):
    code, _, err = run("draw", *words)
    assert code == 2
    assert text in err


# run ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [[], ["--jit"]])
def test_run_prints_value_gradient_and_times(run, compiled):
    code, out, err = run("run", EXAMPLE, "x1=2", "x2=5", "--seconds", "0.05", *compiled)
    assert (code, err) == (0, "")
    assert "d/dx1" in out
    assert "5.5" in out
    assert "time of the gradient" in out
    assert ("compiled and called" in out) == bool(compiled)


def test_run_gives_jacobians_and_measures(data):
    found = data("run", "[x*x, x]", "x=3", "--seconds", "0.02")
    assert (found["derivative"], found["gradient"]) == ("Jacobian", {"x": [6.0, 1.0]})
    assert 0 < found["seconds"]["value"] < found["seconds"]["Jacobian"] < 1


# report ---------------------------------------------------------------------------------------------------------------


def test_report_prints_and_writes(folder, run, data):
    assert run("report", "log(x)", "x=1e-9")[0] == 0
    assert data("report", "x*y", "x=1", "y=2")["expression"] == "x*y"
    assert run("report", "x*y", "x=1", "y=2", "-o", "report.html")[0] == 0
    assert (folder / "report.html").read_text("utf-8").startswith("<!")


# trace ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["html", "md", "tex", "json", "txt"])
def test_trace_writes_a_file(folder, run, suffix):
    code, out, _ = run("trace", EXAMPLE, "x1=2", "x2=5", "--mode", "reverse", "-o", f"trace.{suffix}")
    assert (code, out) == (0, "")
    assert ("11.652" if suffix == "tex" else "1.7163378145367738") in (folder / f"trace.{suffix}").read_text(
        "utf-8"
    )


# Progress -------------------------------------------------------------------------------------------------------------


def test_progress_is_shown_on_terminals_only(capsys, monkeypatch):
    with progress() as moved:
        moved("measuring", 0.5)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes it for a terminal
    with progress() as moved:
        moved("reverse [mode]", 0.5)
    out, err = capsys.readouterr()
    assert out == ""
    assert "50%" in err
    assert "reverse [mode]" in err


def test_compare_tells_how_far_it_is():
    told = []
    wg.compare(lambda x: x * x, 2.0, seconds=0.02, progress=lambda what, done: told.append((what, done)))
    assert {"reverse mode", "times"} <= {what for what, _ in told}
    assert all(0 <= done <= 1 for _, done in told)
    assert [done for _, done in told] == sorted(done for _, done in told)


# Completion -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_knows_every_command_and_option(shell, run):
    code, text, _ = run("completion", shell)
    assert code == 0
    assert text == script(parser(), shell)
    for command in COMMANDS:
        assert command.__name__.rpartition(".")[2] in text
    for option in ("mode", "wrt", "derivative", "jit", "seconds", "folded"):
        assert (f"-l {option}" if shell == "fish" else f"--{option}") in text
    assert not re.search(r"\beval\b", text)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_reads_the_script(shell, tmp_path):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    path = tmp_path / "script"
    path.write_text(script(parser(), shell), "utf-8")
    done = subprocess.run([program, "-n", path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def complete(program, script_path, line):
    """Words that bash offers for a line that ends where the cursor is."""
    words = line.split(" ")
    code = (
        f'source "{script_path}"; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; _wengert; '
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run([program, "-c", code, "bash", *words], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("wengert tr", {"trace"}),
        ("wengert trace x --mode ", {"forward", "reverse"}),
        ("wengert draw x --der", {"--derivative"}),
        ("wengert draw x --format d", {"dot"}),
        ("wengert completion ", {"bash", "zsh", "fish"}),
        ("wengert run mod", set()),  # names of files, by readline
    ],
)
def test_bash_completes(tmp_path, line, offered):
    program = shutil.which("bash")
    if program is None:
        pytest.skip("bash is not installed")
    path = tmp_path / "script"
    path.write_text(script(parser(), "bash"), "utf-8")
    assert set(complete(program, path, line)) == offered


# As a process ---------------------------------------------------------------------------------------------------------


def test_a_program_runs_as_a_process(folder):
    command = [sys.executable, "-m", "wengert", "run", "model.py:square", "x=3", "--seconds", "0", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["gradient"] == {"x": 6.0}


@pytest.mark.parametrize(
    "words", [["run", "x*x", "x=2"], ["compare", "x*x", "x=2"], ["diff", "x*x"], ["info"]]
)
def test_ascii_terminals_are_served(monkeypatch, words):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    more = ["--seconds", "0.02"] if words[0] in {"run", "compare"} else []
    command = [sys.executable, "-m", "wengert", *words, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


def test_drawings_in_ascii_terminals_are_refused_with_a_remedy(folder, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    command = [sys.executable, "-m", "wengert", "draw", "x*x", "x=3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "-o FILE" in done.stderr
