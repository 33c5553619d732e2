"""A folder with a program and its data, in which command lines run."""

import json
import sys

import numpy as np
import pytest

from wengert.cli import main

PROGRAM = """\
import sys
from dataclasses import dataclass

import numpy as np

import neighbour


@dataclass
class Settings:
    scale: float = 1.0


def loss(w, x=None, n: int = 2, *, offset=0.0):
    z = w @ w if x is None else np.sum(w * np.asarray(x, like=w))
    for _ in range(n):
        z = z * Settings().scale
    return z + offset


def square(x):
    return x * x


def energy(q, p):
    return 0.5 * p**2 - np.cos(q)


def named(parameters):
    return np.sum(parameters["w"] ** 2) + parameters["b"]


def word(x, kind):
    return x**2 if kind == "square" else x


def count(x, n):
    for _ in range(n):
        x = x * x
    return x


def pair(x):
    return {"a": x, "b": 2 * x}


def text(x):
    return "text"


def fails(x):
    return np.log(x) @ np.ones(7)


def python_only(x):
    import math

    return math.sin(x)


def leaves(x):
    sys.exit(3)


def writes(x):
    x[0] = x[0] * 2.0
    return np.sum(x * x)


def keywords(x, **others):
    return x * others["factor"]


def prints(x):
    print("hello")
    return x * neighbour.FACTOR


class Model:
    @staticmethod
    def loss(x):
        return 3.0 * x
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "model.py").write_text(PROGRAM, "utf-8")
    (tmp_path / "neighbour.py").write_text("FACTOR = 2.0\n", "utf-8")
    (tmp_path / "broken.py").write_text("x = 1 +\n", "utf-8")
    (tmp_path / "raises.py").write_text("y = 1 / 0\n", "utf-8")
    np.save(tmp_path / "data.npy", np.array([1.0, 2.0, 3.0]))
    np.save(tmp_path / "whole.npy", np.array([1, 2, 3]))
    np.save(tmp_path / "objects.npy", np.array([{}, []], dtype=object))
    (tmp_path / "data.csv").write_text("# of a sensor\na,b\n1,2\n3,4\n", "utf-8")
    (tmp_path / "column.csv").write_text("\ufeff1\n2\n3\n", "utf-8")
    (tmp_path / "semicolons.csv").write_text("1;2;3\n", "utf-8")
    (tmp_path / "ragged.csv").write_text("1,2\n3\n", "utf-8")
    (tmp_path / "words.csv").write_text("1,2\n3,four\n", "utf-8")
    (tmp_path / "data.json").write_text("[[1, 2], [3, 4]]", "utf-8")
    (tmp_path / "weights.json").write_text(json.dumps({"w": [1, 2], "b": 3}), "utf-8")
    (tmp_path / "broken.json").write_text("[1, ", "utf-8")
    (tmp_path / "deep.json").write_text("[" * 100_000, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("wengert_program", "neighbour"):
        sys.modules.pop(name, None)


@pytest.fixture
def run(capsys):
    def call(*words):
        code = main(list(words))
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def data(run):
    """What a command line prints as JSON."""

    def call(*words):
        code, out, err = run(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    return call
