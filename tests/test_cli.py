"""The command line, from inside and as a process."""

import json
import subprocess
import sys

import pytest

from wengert.cli import main

EXAMPLE = "log(x1) + x1*x2 - sin(x2)"


def run(capsys, *words):
    code = main(list(words))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_trace_prints_the_textbook(capsys, mode):
    code, out, err = run(capsys, "trace", EXAMPLE, "x1=2", "x2=5", "--mode", mode)
    assert (code, err) == (0, "")
    assert "11.6521" in out
    assert "d/dx1  5.5" in out
    assert "1.7163378145367738" in out
    assert ("v̄₋₁ + v̄₁/v₋₁" in out) == (mode == "reverse")


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_json(capsys, mode):
    code, out, _ = run(capsys, "trace", EXAMPLE, "--mode", mode, "x1=2", "--json", "x2=5")
    data = json.loads(out)
    assert code == 0
    assert data["gradient"] == {"x1": 5.5, "x2": 1.7163378145367738}
    assert data["expression"] == EXAMPLE


@pytest.mark.parametrize(
    ("words", "gradient"),
    [
        (["-x**2", "x=3"], {"x": -6.0}),
        (["-(x)", "x=-1.5e0"], {"x": -1.0}),
        (["sum(x*y)", "x=1,2,3", "y=pi/pi", "--wrt", "y"], {"y": 6.0}),
        (["sum(x*x)", "x=[[1,2],[3,4]]"], {"x": [[2.0, 4.0], [6.0, 8.0]]}),
        (["x*y*z", "x=1", "y=2", "z=3", "--wrt", "z,x"], {"z": 2.0, "x": 6.0}),
        (["1/x", "x=0"], {"x": "-inf"}),
    ],
)
def test_values_and_choices(capsys, words, gradient):
    code, out, _ = run(capsys, "trace", *words, "--json")
    assert code == 0
    assert json.loads(out)["gradient"] == gradient


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["x+*2", "x=1"], "not an expression"),
        (["x*y", "x=1"], "'y' has no value"),
        (["x", "x"], "NAME=VALUE"),
        (["x", "x=1", "x=2"], "twice"),
        (["pi", "pi=3"], "name of a constant"),
        (["sin(2)", "sin=3"], "name of a function"),
        (["x", "x=two"], "'two' has no value"),
        (["x", "x="], "empty"),
        (["1 + 2"], "no variable"),
        (["x", "x=1", "--wrt", "y"], "--wrt names 'y'"),
        (["x*y", "x=1,2,3", "y=1,2"], "cannot be evaluated"),
        (["x", "x=1,2", "--mode", "reverse"], "shape (2,)"),
        (["__import__('os').system('true')", "x=1"], "character"),
    ],
)
def test_bad_input_is_one_block_and_code_2(capsys, words, text):
    code, out, err = run(capsys, "trace", *words)
    assert code == 2
    assert out == ""
    assert text in err
    assert err.startswith("error: ")
    assert "Traceback" not in err
    assert "cli.py" not in err


def test_errors_point_into_the_expression(capsys):
    _, _, err = run(capsys, "trace", "x + sn(x)", "x=1")
    lines = err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == "x + sn(x)")
    assert lines[at + 1].index("^") == lines[at].index("sn")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["trace"],
        ["trace", "x", "x=1", "--mode", "up"],
        ["info", "x"],
        ["trace", "x", "--foo"],
    ],
)
def test_usage_errors(capsys, words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_info(capsys):
    code, out, _ = run(capsys, "info", "--json")
    facts = json.loads(out)
    assert code == 0
    assert {"wengert", "python", "numpy", "scipy", "processor"} <= set(facts)
    assert {"llvm", "compiled for", "cache", "cached objects", "cached bytes"} <= set(facts)
    code, out, _ = run(capsys, "info")
    assert facts["numpy"] in out


def test_interrupt(monkeypatch):
    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("wengert.cli.trace.evaluation_trace", interrupted)
    assert main(["trace", "x", "x=1"]) == 130


# As a process -------------------------------------------------------------------------------------------------------


def process(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "wengert", *words], capture_output=True, timeout=60, check=False, **options
    )


def test_module_runs_without_unicode(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    done = process("trace", EXAMPLE, "x1=2", "x2=5", "--mode", "reverse")
    assert done.returncode == 0
    text = done.stdout.decode("ascii")
    assert "v-1_bar + v1_bar/v-1" in text
    assert "1.7163378145367738" in text


def test_a_reader_that_goes_away_is_no_error():
    terms = "+".join(["sin(x)*x"] * 400)
    with subprocess.Popen(
        [sys.executable, "-m", "wengert", "trace", terms, "x=1", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        running.stdout.read(10)
        running.stdout.close()
        assert running.wait(timeout=60) in (141, 0)
        assert running.stderr.read() == b""


# compare --------------------------------------------------------------------------------------------------------------


def test_compare_prints_a_table(capsys):
    code, out, _ = run(capsys, "compare", EXAMPLE, "x1=2", "x2=5", "--seconds", "0.1")
    assert code == 0
    assert "The gradient of log(x1) + x1*x2 - sin(x2): 2 inputs, 1 output" in out
    assert "reverse mode" in out


def test_compare_as_json(capsys):
    code, out, _ = run(capsys, "compare", "x*y", "x=2", "y=3", "--wrt", "y", "--json", "--seconds", "0.05")
    data = json.loads(out)
    assert code == 0
    assert (data["expression"], data["inputs"]) == ("x*y", 1)
    assert {"forward mode", "reverse mode"} <= {method["name"] for method in data["methods"]}


def test_compare_writes_a_report(capsys, tmp_path):
    path = tmp_path / "report.md"
    code, out, _ = run(capsys, "compare", "-x**2", "x=3", "-o", str(path), "--seconds", "0.05")
    assert (code, out) == (0, "")
    assert path.read_text(encoding="utf-8").startswith("# The derivative of -x")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["x+*2", "x=1"], "not an expression"),
        (["1 + 2"], "no variable"),
        (["x", "x=1", "-o", "report.pdf"], "cannot be saved"),
        (["x", "x=1", "-o", "nowhere/report.md"], "cannot be written"),
        (["x", "x=1", "--seconds", "0"], "seconds"),
        (["x > 1", "x=1"], "returned bool"),
    ],
)
def test_compare_refuses(capsys, words, text):
    code, _, err = run(capsys, "compare", *words, *([] if "--seconds" in words else ["--seconds", "0.02"]))
    assert code == 2
    assert text in err


# diff ---------------------------------------------------------------------------------------------------------------


def test_diff_prints_formula_latex_and_check(capsys):
    code, out, err = run(capsys, "diff", "x**2*sin(x)", "--wrt", "x", "--at", "x=2")
    assert (code, err) == (0, "")
    assert "x*(x*cos(x) + 2*sin(x))" in out
    assert r"\cos{\left(x \right)}" in out
    assert "x = 2" in out
    assert "agree" in out


@pytest.mark.parametrize(
    ("words", "derivative"),
    [
        (["-x**2"], "-2*x"),
        (["log(x1) + x1*x2 - sin(x2)", "--wrt", "x1"], "x2 + 1/x1"),
        (["sum(x*y)", "--wrt", "x", "--at", "x=1,2", "y=3,4"], "[y[0], y[1]]"),
        (["sqrt(x - 1)", "--at", "x=2", "--at", "x=0.5"], "1/(2*sqrt(x - 1))"),
        (["(x + 1)**10"], "10*(x + 1)**9"),
        (["floor(x)*abs(x) + ceil(3*x)"], "floor(x)*sign(x)"),
        (["x%2 + sign(x)"], "1"),
        (["max(x, 0.5)"], "Heaviside(x - 1/2)"),
    ],
)
def test_diff_as_json(capsys, words, derivative):
    code, out, _ = run(capsys, "diff", *words, "--json")
    data = json.loads(out)
    assert code == 0
    assert data["derivative"] == derivative
    assert data["agrees"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["x*y"], "--wrt with one of x, y"),
        (["3"], "0 variables"),
        (["x*y", "--wrt", "z"], "depend on 'z'"),
        (["x*y", "--wrt", "x", "--at", "x=1"], "no value for y"),
        (["x if x > 0 else 0"], "where(x > 0, a, b)"),
        (["sin(x"], "not an expression"),
        (["x*[1,2]", "--wrt", "x"], "2 numbers"),
    ],
)
def test_diff_refuses(capsys, words, text):
    code, out, err = run(capsys, "diff", *words)
    assert (code, out) == (2, "")
    assert text in err


def test_diff_says_when_a_formula_is_wrong(capsys, monkeypatch):
    monkeypatch.setattr("wengert.methods.symbolic.check.derivative", lambda e, s: e)
    code, out, _ = run(capsys, "diff", "x**3")
    assert code == 1
    assert "DIFFER" in out
