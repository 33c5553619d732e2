"""What commands are about: expressions and functions of files, with arguments from words and files."""

import numpy as np
import pytest

QUICK = ("--seconds", "0")


@pytest.mark.parametrize(
    ("words", "value", "gradient"),
    [
        (["x**2", "x=3"], 9.0, {"x": 6.0}),
        (["sum(x)", "x=@data.npy"], 6.0, {"x": [1.0, 1.0, 1.0]}),
        (["sum(x)", "x=@whole.npy"], 6.0, {"x": [1.0, 1.0, 1.0]}),
        (["sum(x*x)", "x=@data.json"], 30.0, {"x": [[2.0, 4.0], [6.0, 8.0]]}),
        (["sum(x*x)", "x=@data.csv"], 30.0, {"x": [[2.0, 4.0], [6.0, 8.0]]}),
        (["sum(x)", "x=@column.csv"], 6.0, {"x": [1.0, 1.0, 1.0]}),
        (["sum(x)", "x=@semicolons.csv"], 6.0, {"x": [1.0, 1.0, 1.0]}),
        (["x", "x=hypot(3, 4)"], 5.0, {"x": 1.0}),
        (["x*y", "--args", "x=2", "y=3", "--wrt", "y"], 6.0, {"y": 2.0}),
        (["model.py:square", "x=3"], 9.0, {"x": 6.0}),
        (["model.py:Model.loss", "x=3"], 9.0, {"x": 3.0}),
        (["model.py:loss", "w=1,2"], 5.0, {"w": [2.0, 4.0]}),
        (["model.py:loss", "w=1,2,3", "x=@data.npy"], 14.0, {"w": [1.0, 2.0, 3.0], "x": [1.0, 2.0, 3.0]}),
        (["model.py:loss", "w=1,2,3", "x=@data.npy", "--wrt", "w"], 14.0, {"w": [1.0, 2.0, 3.0]}),
        (["model.py:loss", "w=1,2", "n=3"], 5.0, {"w": [2.0, 4.0]}),
        (["model.py:loss", "w=1,2", "offset=4"], 9.0, {"w": [2.0, 4.0], "offset": 1.0}),
        (
            ["model.py:named", "parameters=@weights.json"],
            8.0,
            {"parameters['w']": [2.0, 4.0], "parameters['b']": 1.0},
        ),
        (["model.py:writes", "x=1,2"], 8.0, {"x": [8.0, 4.0]}),
        (["model.py:keywords", "x=3", "factor=2"], 6.0, {"x": 2.0, "factor": 3.0}),
        (["model.py:word", "x=3", "kind=square", "--static", "kind"], 9.0, {"x": 6.0}),
        (["model.py:count", "x=2", "n=2", "--static", "n"], 16.0, {"x": 32.0}),
    ],
)
def test_a_function_with_its_arguments(folder, data, words, value, gradient):
    found = data("run", *words, *QUICK)
    assert found["value"] == value
    assert found["gradient"] == gradient


def test_arrays_of_files_keep_their_types(folder, data):
    np.save("single.npy", np.array([1.0, 2.0], np.float32))
    graph = data("draw", "model.py:square", "x=@single.npy")
    assert graph["values"][0]["type"].startswith("f32")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["x", "x=@missing.npy"], "cannot be read: No such file"),
        (["x", "x=@data.txt"], "a file in .npy, .csv, .json"),
        (["x", "x=@objects.npy"], "cannot be read"),
        (["x", "x=@ragged.csv"], "line 2 has 1 numbers, line 1 has 2"),
        (["x", "x=@words.csv"], "line 2: 'four' is not a number"),
        (["x", "x=@broken.json"], "cannot be read"),
        (["x", "x=@deep.json"], "cannot be read"),
        (["x", "x=@weights.json"], "x holds dict"),
        (["x", "x="], "empty"),
        (["x", "2"], "NAME=VALUE"),
        (["model.py:square", "y=3"], "no parameter 'y'"),
        (["model.py:square"], "needs a value for x"),
        (["model.py:energy", "p=1"], "needs a value for q"),
        (["model.py:square", "x=3", "--wrt", "z"], "--wrt names 'z'"),
        (["model.py:square", "x=3", "--static", "z"], "--static names 'z'"),
        (["model.py:nothing", "x=3"], "no function 'nothing'"),
        (["model.py:__name__", "x=3"], "no function '__name__'"),
        (["model.py", "x=3"], "which of its functions?"),
        (["model.py:", "x=3"], "which of its functions?"),
        (["missing.py:f", "x=3"], "no file 'missing.py'"),
    ],
)
def test_wrong_input_is_one_block_and_code_2(folder, run, words, text):
    code, out, err = run("run", *words, *QUICK)
    assert (code, out) == (2, "")
    assert text in err
    assert err.startswith("error: ")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["model.py:fails", "x=1,2"], "in fails\n    return np.log(x) @ np.ones(7)"),
        (["broken.py:f", "x=1"], "SyntaxError"),
        (["raises.py:f", "x=1"], "ZeroDivisionError"),
        (["model.py:leaves", "x=1"], "ended itself with code 3"),
        (["model.py:count", "x=2", "n=2"], "cannot be interpreted as an integer"),
    ],
)
def test_what_the_program_raises_is_shown_as_its_own(folder, run, words, text):
    code, out, err = run("run", *words, *QUICK)
    assert (code, out) == (1, "")
    assert text in err
    assert "wengert/cli" not in err


def test_our_errors_name_the_line_of_the_program(folder, run):
    code, _, err = run("run", "model.py:python_only", "x=1", *QUICK)
    assert code == 2
    assert "model.py" in err
    assert "in python_only: return math.sin(x)" in err


def test_what_the_program_prints_does_not_disturb_json(folder, data, run):
    assert data("run", "model.py:prints", "x=2", *QUICK)["value"] == 4.0
    assert "hello" in run("run", "model.py:prints", "x=2", *QUICK)[1]


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["model.py:pair", "x=1"], "returned dict"),
        (["model.py:text", "x=1"], "returned str"),
        (["x > 1", "x=2"], "returned bool"),
        (["1 + 2"], "no argument"),
    ],
)
def test_where_there_is_no_derivative_run_says_why(folder, data, words, note):
    found = data("run", *words, *QUICK)
    assert found["gradient"] == {}
    assert note in found["note"]
