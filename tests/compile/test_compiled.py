"""What surrounds a native program: masks and their absence, many calls of functions, looking inside, the log."""

import numpy as np
import pytest

import wengert as wg
from wengert.compile import compiled
from wengert.compile.compiled import Native
from wengert.compile.finiteness import doubtful
from wengert.compile.kernel_text import kernel_text
from wengert.errors import ArgumentError
from wengert.transforms.simplify import simplify


def traced(fun, *args):
    return simplify(wg.trace(fun)(*args))


def guarded_root(x):
    return np.sum(np.where(x > 0, np.sqrt(np.maximum(x, 0.0)), 0.0))


X = np.array([4.0, 0.0, -1.0, 0.25])
SLOPE = np.array([0.25, 0.0, 0.0, 1.0])


def test_masks_are_left_out_where_results_tell():
    graph = traced(wg.grad(lambda x: np.sum(np.sin(x) ** 2)), X)
    assert doubtful(graph) == [0]
    made = Native(graph)
    assert "select" not in kernel_text(made.program)
    assert "select" in kernel_text(made.careful.program)
    (found,) = made.flat([X])(X)
    np.testing.assert_allclose(found, np.sin(2.0 * X), rtol=1e-15)


def test_the_careful_program_answers_where_a_mask_was_needed():
    graph = traced(wg.grad(guarded_root), X)
    made = Native(graph)
    (found,) = made.flat([X])(X)
    np.testing.assert_array_equal(found, SLOPE)
    assert made.careful.program is not made.program


def test_a_contraction_that_is_not_finite_is_left_to_numpy():
    weights = np.array([[1.0, np.inf], [2.0, 3.0]])

    def fun(x):
        return np.sum(np.where(np.array([True, False]), x @ weights, 0.0))

    graph = traced(wg.grad(fun), np.ones(2))
    x = np.ones(2)
    expected = wg.grad(fun)(x)
    found = Native(graph).flat([x])(x)
    assert found is None or np.array_equal(found[0], expected)


@pytest.mark.parametrize(
    "hides",
    [lambda g: g > 0, np.sign, np.isnan, lambda g: np.fmax(g, 0.0), lambda g: np.where(g < 1.0, 1.0, 2.0)],
)
def test_masks_stay_where_a_nan_could_hide(hides):
    graph = traced(lambda x: hides(wg.grad(guarded_root)(x)), X)
    assert doubtful(graph) is None
    (found,) = Native(graph).flat([X])(X)
    np.testing.assert_array_equal(found, hides(SLOPE))


def test_many_calls_of_functions_are_calls():
    def fun(x):
        for _ in range(40):
            x = np.sin(x) + 0.5 * x
        return x

    few, many = Native(traced(np.sin, 0.5)), Native(traced(fun, 0.5))
    assert "alwaysinline" in few.text
    assert "alwaysinline" not in many.text
    x = np.float64(0.5)
    # every step adds an error of 4 ulp at most, and hands on those before it by a factor of 1.5
    np.testing.assert_allclose(many.flat([x])(x)[0], fun(x), rtol=4 * 2**-52 * 1.5**40)


def test_long_programs_without_loops_are_compiled_quickly(monkeypatch):
    """And give the same; those with loops take the time they take."""
    monkeypatch.setattr(compiled, "_STRAIGHT", 400)

    def fun(x):
        for k in range(60):
            x = 0.5 * x - 0.1 * x * x[k % 3]
        return x

    x = np.array([0.5, 0.25, -0.5])
    short, long = Native(traced(lambda x: x * x[0], x)), Native(traced(fun, x))
    looped = Native(traced(lambda x: wg.fori_loop(0, 2, lambda _, c: fun(c), x), x))
    assert [made._effort["generate"] == "none" for made in (short, long, looped)] == [False, True, False]
    # a round adds two errors of half an ulp at most, and hands on less than it was given
    np.testing.assert_allclose(long.flat([x])(x)[0], fun(x), rtol=0, atol=2 * 60 * 2**-53)
    np.testing.assert_allclose(looped.flat([x])(x)[0], fun(fun(x)), rtol=0, atol=4 * 60 * 2**-53)


def test_looking_inside():
    step = wg.jit(wg.value_and_grad(lambda x: np.sum(np.tanh(x))))
    assert "tanh" in step.kernels(X)
    assert "define i32 @wg_program" in step.llvm(X)
    assert "wg_program" in step.asm(X)
    assert step.memory(X) >= 64
    assert step.cost(X).nodes == len(step.graph(X).nodes)


def test_what_is_not_native_says_so():
    with pytest.raises(ArgumentError, match="has no native program") as caught:
        wg.jit(lambda x: x.astype(np.float16).astype(float) * 2).kernels(X)
    assert "cast at" in str(caught.value)
    assert "test_compiled.py" in str(caught.value)


def test_the_log_names_the_stages(monkeypatch, capsys):
    monkeypatch.setenv("WENGERT_LOG", "compile")
    monkeypatch.setenv("WENGERT_CACHE_DIR", "")  # an image would be found
    Native(traced(np.cos, 0.5))
    line = capsys.readouterr().err
    assert all(stage in line for stage in ("cos", "loops", "text", "machine code", "linking"))
    monkeypatch.delenv("WENGERT_LOG")
    Native(traced(np.cos, 0.5))
    assert not capsys.readouterr().err


@pytest.mark.usefixtures("machine_code")
def test_halves_of_a_compiled_function_are_compiled_when_they_are_called_again():
    gradient = wg.grad(wg.jit(lambda x: np.sum(np.tanh(x) ** 2)))
    for _ in range(5):  # 1 - tanh^2 is computed to 2 ulp of 1
        np.testing.assert_allclose(gradient(X), 2 * np.tanh(X) / np.cosh(X) ** 2, atol=4 * 2**-52)


@pytest.mark.parametrize("n", [100, 1001])
def test_slices_run_with_their_array(n):
    """Value and gradient of Rosenbrock's function are one pass over the data, with two steps beside the loop."""

    def rosenbrock(x):
        return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    x = np.random.default_rng(1).normal(size=n)
    made = Native(traced(wg.value_and_grad(rosenbrock), x))
    assert kernel_text(made.program).count("for ") == 1
    value, slope = made.flat([x])(x)
    expected = np.zeros(n)
    d = x[1:] - x[:-1] ** 2
    expected[1:] += 200.0 * d
    expected[:-1] += -400.0 * x[:-1] * d - 2.0 * (1.0 - x[:-1])
    np.testing.assert_allclose(value, rosenbrock(x), rtol=1e-13)
    np.testing.assert_allclose(slope, expected, rtol=0, atol=8 * 2**-52 * np.abs(expected).max())


@pytest.mark.usefixtures("machine_code")
def test_a_fault_of_the_compiler_is_survived_with_a_warning(monkeypatch):
    def faulty(*_, **__):
        message = "a loop was not cut"
        raise AssertionError(message)

    monkeypatch.setenv("WENGERT_CACHE_DIR", "")  # an image would be found
    monkeypatch.setattr(compiled, "lowered", faulty)
    with pytest.raises(AssertionError, match="not cut"):  # the tests want to see it
        wg.jit(np.cos)(0.5)
    monkeypatch.setattr(compiled, "is_asked_for", lambda: False)
    function = wg.jit(lambda x: np.cos(x) * 2.0)
    with pytest.warns(RuntimeWarning, match="could not be compiled"):
        assert function(0.5) == np.cos(0.5) * 2.0
    assert function(1.5) == np.cos(1.5) * 2.0
