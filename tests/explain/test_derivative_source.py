"""Derivatives as source: the text is compiled from a file, run, and compared with what differentiation gives."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert import tree
from wengert.core.primitive import PRIMITIVES
from wengert.errors import ArgumentError, NotDifferentiableError, RefusedError
from wengert.scipy.integrate import solve_ivp

sys.path.insert(0, str(Path(__file__).parent))
from source_examples import EXAMPLES, examples, textbook

sys.path.pop(0)
ALL = examples()


@pytest.fixture
def load(tmp_path):
    """A function that writes a module to a file and imports it."""
    count = 0

    def load(text):
        nonlocal count
        count += 1
        path = tmp_path / f"module{count}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        name = next(n for n in vars(module) if n.startswith(("value_and_grad_", "jvp_")))
        return getattr(module, name)

    return load


def require_equal(found, expected):
    """Same structure, shapes and types; entries equal to 1e-13, of the largest, or to the type's rounding."""
    (xs, structure), (ys, wanted) = tree.flatten(found), tree.flatten(expected)
    assert structure == wanted
    for x, y in zip(map(np.asarray, xs), map(np.asarray, ys), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        rtol = max(1e-13, 4 * np.finfo(y.dtype).eps)
        np.testing.assert_allclose(x, y, rtol=0, atol=rtol * np.max(np.abs(y), initial=0.0))


@pytest.mark.parametrize("name", ALL)
def test_running_the_source_gives_value_and_gradient(name, load):
    fun, args, argnums = ALL[name]
    source = wg.derivative_source(fun, *args, argnums=argnums)
    assert "wengert" not in source
    with np.errstate(all="ignore"):
        require_equal(load(source)(*args), wg.value_and_grad(fun, argnums)(*args))


@pytest.mark.parametrize("name", EXAMPLES)
def test_running_the_source_gives_value_and_tangent(name, load):
    fun, args, argnums = EXAMPLES[name]
    if name == "rules of one's own":
        pytest.skip("its jvp rule is derived by transposition, which the eager derivative does as well")
    nums = (argnums,) if isinstance(argnums, int) else argnums
    rng = np.random.default_rng(0)
    chosen = [args[k] for k in nums]
    dots = tree.map_leaves(lambda x: np.asarray(rng.normal(size=np.shape(x)), np.result_type(x))[()], chosen)

    def restricted(*xs):
        full = list(args)
        for k, x in zip(nums, xs, strict=True):
            full[k] = x
        return fun(*full)

    source = wg.derivative_source(fun, *args, mode="forward", argnums=argnums)
    with np.errstate(all="ignore"):
        require_equal(load(source)(*args, *dots), wg.jvp(restricted, tuple(chosen), tuple(dots)))


@pytest.mark.parametrize("name", ["perceptron", "lstm", "Newton", "tridiagonal", "spectra"])
def test_plain_products_are_the_same_where_all_is_finite(name, load):
    fun, args, argnums = ALL[name]
    source = wg.derivative_source(fun, *args, argnums=argnums, guarded=False)
    assert "masked(" not in source
    assert "contract(" not in source
    require_equal(load(source)(*args), wg.value_and_grad(fun, argnums)(*args))


# Every primitive ------------------------------------------------------------------------------------------------------

CONTROL = {"numpy_call"}  # has no samples; it is in the example of rules of one's own
# SciPy's adaptive quadrature and solvers call back into functions that are differentiated.
REFUSED = {"deferred", "initial_value", "initial_value_adjoint", "integral"}


def samples(prim):
    return [] if prim.samples is None else list(prim.samples(np.random.default_rng(3)))


@pytest.mark.parametrize("name", sorted(set(PRIMITIVES) - CONTROL - REFUSED))
def test_every_primitive_can_be_written(name, load):
    prim = PRIMITIVES[name]
    found = samples(prim)
    for xs, params in found[:3]:
        places = [i for i, x in enumerate(xs) if np.asarray(x).dtype.kind in "fc"]
        if not places:
            continue

        def fun(*operands, params=params):
            return prim(*operands, **params)

        operands = [np.asarray(x) if isinstance(x, np.ndarray) else np.asarray(x)[()] for x in xs]
        dots = [np.zeros(np.shape(operands[i]), operands[i].dtype)[()] for i in places]
        source = wg.derivative_source(fun, *operands, mode="forward", argnums=tuple(places))
        assert "wengert" not in source
        with np.errstate(all="ignore"):
            ys, _ = load(source)(*operands, *dots)
            expected = prim.eval(*operands, **params)
        for y, wanted in zip(*((v if prim.multiple else (v,)) for v in (ys, expected)), strict=True):
            np.testing.assert_allclose(
                y, wanted, rtol=1e-13, atol=1e-13 * np.max(np.abs(wanted), initial=0.0)
            )


# What it looks like -------------------------------------------------------------------------------------------------


def test_the_textbook_example():
    lines = wg.derivative_source(textbook, 2.0, 5.0).splitlines()
    assert [line.strip().split("  #")[0] for line in lines[5:]] == [
        "x1 = np.float64(x1)",
        "x2 = np.float64(x2)",
        "# return np.log(x1) + x1 * x2 - np.sin(x2)",
        "v1 = np.log(x1)",
        "v2 = x1 * x2",
        "v3 = v1 + v2",
        "v4 = np.sin(x2)",
        "v5 = v3 - v4",
        "t1 = np.cos(x2)",
        "x2_bar = -1.0 * t1",
        "x2_bar = x2_bar + x1",
        "t2 = 1.0 / x1",
        "x1_bar = x2 + t2",
        "return v5, (x1_bar, x2_bar)",
    ]
    assert "t1 = np.cos(x2)  # v4 = np.sin(x2)" in "\n".join(lines)


def statements(source):
    function = ast.parse(source).body[-1]
    return [node for node in ast.walk(function) if isinstance(node, ast.stmt)]


def test_names_are_those_of_the_user():
    source = wg.derivative_source(ALL["(x + y)(x - y)"][0], 3.0, 2.0)
    assert "    a = x + y\n" in source
    assert "    b = x - y\n" in source
    assert "b_bar" not in source.split("return")[0].split("a_bar")[0] or "a_bar" in source
    assert source.rstrip().endswith("return v1, (x_bar, y_bar)")


def test_a_loop_stays_a_loop_of_any_length():
    def orbit(x, n):
        return wg.fori_loop(0, n, lambda _, v: 3.5 * v * (1.0 - v), x)

    short, long = (wg.derivative_source(orbit, 0.3, n).splitlines() for n in (10, 10_000))
    assert len(short) == len(long)
    assert any(line.strip() == "for k in range(10000):" for line in long)


def test_a_loop_writes_entries_in_place():
    fun, _, argnums = ALL["tridiagonal"]
    args = tuple(
        np.random.default_rng(0).uniform(lo, hi, 100) for lo, hi in ((0, 1), (3, 4), (0, 1), (-1, 1))
    )
    loops = [
        n for n in statements(wg.derivative_source(fun, *args, argnums=argnums)) if isinstance(n, ast.For)
    ]
    assert len(loops) == 4
    for loop in loops[:2]:
        assert "np.array(" not in ast.unparse(loop)


def test_the_arguments_are_left_alone(load):
    fun, _, argnums = ALL["tridiagonal"]
    args = tuple(
        np.random.default_rng(0).uniform(lo, hi, 100) for lo, hi in ((0, 1), (3, 4), (0, 1), (-1, 1))
    )
    before = [x.copy() for x in args]
    program = load(wg.derivative_source(fun, *args, argnums=argnums))
    first, second = program(*args), program(*args)
    require_equal(first, second)
    for x, y in zip(args, before, strict=True):
        np.testing.assert_array_equal(x, y)


def test_another_way_is_refused(load):
    program = load(wg.derivative_source(ALL["branch"][0], -1.5))
    assert program(-2.0) == (2.0, -1.0)
    with pytest.raises(ValueError, match="another way"):
        program(2.0)


def test_another_number_of_steps_is_refused(load):
    program = load(wg.derivative_source(lambda x, n: x**n, 2.0, 3))
    assert program(3.0, 3) == (27.0, 27.0)
    with pytest.raises(ValueError, match="n = 3"):
        program(3.0, 4)


def test_a_masked_product_leaves_out_zeros(load):
    fun, args, _ = ALL["masked root"]
    with np.errstate(all="ignore"):
        _, gradient = load(wg.derivative_source(fun, *args))(*args)
    assert gradient.tolist() == [0.0, 0.25, 0.0]


def test_large_constants_are_packed(load):
    weights = np.random.default_rng(0).normal(size=3000)
    source = wg.derivative_source(lambda x: np.sum(weights * x) ** 2, 2.0)
    assert "weights = np.frombuffer(zlib" in source
    require_equal(load(source)(1.5), wg.value_and_grad(lambda x: np.sum(weights * x) ** 2)(1.5))


def test_a_name_with_markup_stays_a_name(load):
    def f(x):
        return x * 1.0

    f.__name__ = 'f"):\n    import os  # '
    source = wg.derivative_source(f, 2.0)
    ast.parse(source)
    assert "\n    import os" not in source


# Errors -----------------------------------------------------------------------------------------------------------


def decayed(rate):
    return solve_ivp(lambda _, y: -rate * y, (0.0, 1.0), [1.0], t_eval=[1.0]).y[0, 0]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: wg.derivative_source(textbook, 2.0, 5.0, mode="sideways"), ArgumentError, "no mode"),
        (lambda: wg.derivative_source(textbook, 2.0, 5.0, language="cobol"), ArgumentError, "no language"),
        (lambda: wg.derivative_source(textbook, 2.0, 5.0, argnums=2), ArgumentError, "argnums is 2"),
        (lambda: wg.derivative_source(np.sin, np.ones(2)), NotDifferentiableError, "not one real number"),
        (lambda: wg.derivative_source(lambda n: 1.0 * n, 3), NotDifferentiableError, "floating numbers"),
        (
            lambda: wg.derivative_source(lambda x: np.sum(x * np.ones((1024, 1024)) * BIG), 1.0),
            ArgumentError,
            "bytes",
        ),
        (lambda: wg.derivative_source(lambda x: OPAQUE(x), 1.0), RefusedError, "cannot write"),
        (lambda: wg.derivative_source(decayed, 1.0), RefusedError, "cannot write solve_ivp down"),
    ],
)
def test_errors_say_what_and_why(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert caught.value.why
    assert caught.value.instead


BIG = np.random.default_rng(0).normal(size=(1024, 1024))
OPAQUE = wg.external(lambda x: float(x) ** 2, out=lambda x: x, vjp=lambda xs, y_bar: (2 * xs[0] * y_bar,))
