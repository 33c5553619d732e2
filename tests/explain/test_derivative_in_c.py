"""Derivatives as C: compiled by gcc with all warnings as errors, called, and compared."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert import tree
from wengert.errors import RefusedError

sys.path.insert(0, str(Path(__file__).parent))
from source_examples import examples
from test_source_of_random_programs import Program

sys.path.pop(0)
ALL = examples()
WITHOUT = {
    "linear algebra", "spectra", "special functions", "Fourier", "sorting", "single precision", "mixed precision",
    "cross-entropy, 1024 x 1000 float32", "perceptron, float32",
}  # fmt: skip
GCC = shutil.which("gcc")
needs_gcc = pytest.mark.skipif(GCC is None, reason="there is no gcc")


@pytest.fixture
def build(tmp_path):
    """A function that compiles a file of C and returns its function."""

    def build(text, *more):
        source, library = tmp_path / "program.c", tmp_path / f"program{len(list(tmp_path.iterdir()))}.so"
        source.write_text(text, encoding="utf-8")
        flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC"]
        command = [GCC, *flags, *more, str(source), "-o", str(library), "-lm"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
        name = re.search(r"^double ((?:value_and_grad|jvp)_\w+)\(", text, re.MULTILINE).group(1)
        function = getattr(ctypes.CDLL(str(library)), name)
        function.restype = ctypes.c_double
        return function

    return build


def pointer(x):
    return x.ctypes.data_as(ctypes.c_void_p)


def call(function, args, wanted, dots=()):
    """Return the value, and the derivatives by the leaves of wanted arguments."""
    operands, outputs = [], []
    for k, arg in [*enumerate(args), *[(-1, d) for d in dots]]:
        for leaf in tree.flatten(arg)[0]:
            if isinstance(leaf, np.ndarray):
                plain = np.ascontiguousarray(leaf, np.int64 if leaf.dtype.kind in "iu" else np.float64)
                operands.append((plain, pointer(plain)))
            elif not isinstance(leaf, int):
                operands.append((leaf, ctypes.c_double(leaf)))
            if k in wanted:
                outputs.append(np.zeros(np.shape(leaf)))
    outputs = [np.zeros(())] if dots else outputs
    value = function(*[p for _, p in operands], *map(pointer, outputs))
    return value, outputs


@needs_gcc
@pytest.mark.parametrize("name", sorted(set(ALL) - WITHOUT))
def test_the_program_gives_value_and_gradient(name, build):
    fun, args, argnums = ALL[name]
    source = wg.derivative_source(fun, *args, argnums=argnums, language="c")
    wanted = (argnums,) if isinstance(argnums, int) else argnums
    value, gradients = call(build(source), args, wanted)
    with np.errstate(all="ignore"):
        expected, gradient = wg.value_and_grad(fun, argnums)(*args)
    assert value == pytest.approx(float(expected), rel=1e-13)
    for x, y in zip(gradients, tree.flatten(gradient)[0], strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=1e-12 * np.max(np.abs(y), initial=0.0))


@needs_gcc
@pytest.mark.parametrize("name", ["ln x1 + x1 x2 - sin x2", "Runge-Kutta", "Newton", "branches"])
def test_the_program_gives_value_and_tangent(name, build):
    fun, args, argnums = ALL[name]
    source = wg.derivative_source(fun, *args, argnums=argnums, language="c", mode="forward")
    dots = [np.full(np.shape(x), 0.5)[()] for x in args]
    value, (tangent,) = call(build(source), args, (), dots)
    expected, y_dot = wg.jvp(fun, args, tuple(dots))
    assert value == pytest.approx(float(expected), rel=1e-13)
    assert float(tangent) == pytest.approx(float(y_dot), rel=1e-12)


@needs_gcc
@pytest.mark.parametrize("seed", range(25))
def test_a_random_program(seed, build):
    fun, x = Program(seed), np.array([0.4, -0.7, 0.9])
    source = wg.derivative_source(fun, x, language="c")
    value, (gradient,) = call(build(source, "-Wno-unused-but-set-variable"), (x,), (0,))
    expected, wanted = wg.value_and_grad(fun)(x)
    assert value == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-10, atol=1e-12)


@needs_gcc
def test_another_way_gives_nan(build):
    function = build(wg.derivative_source(ALL["branch"][0], -1.5, language="c"))
    assert call(function, (-2.0,), (0,))[0] == 2.0
    assert np.isnan(call(function, (2.0,), (0,))[0])


def test_comments_cannot_be_left():
    def f(x):
        return x * 2.0 + len("*/ abort(); /*")

    source = wg.derivative_source(f, 1.0, language="c")
    assert "abort();" not in re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_what_has_no_c_is_refused(name):
    fun, args, argnums = ALL[name]
    with pytest.raises(RefusedError, match="in C") as caught:
        wg.derivative_source(fun, *args, argnums=argnums, language="c")
    assert caught.value.why
    assert "numpy" in caught.value.instead
