"""debug_nans: the first NaN or infinity, forward or backward, names its operation, its operands and the user's line."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import errors
from wengert.core import attention

X = np.array([1.0, -1.0, 0.0])


@pytest.fixture(autouse=True)
def _quiet_and_left() -> Any:
    """In the block, NumPy's own warnings of what raises are off: they would raise here first."""
    yield
    assert attention.lenses.get() == ()
    assert attention._active == 0


def born(call: Any, **options: Any) -> errors.NonFiniteError:
    with pytest.raises(errors.NonFiniteError) as caught, wg.debug_nans(**options):
        call()
    error = caught.value
    assert isinstance(error, FloatingPointError)
    assert error.why
    assert error.instead
    return error


def variable_backward() -> None:
    v = wg.Variable(X)
    y = np.sum(np.sqrt(np.abs(v)))  # the line
    y.backward()


# call, what is said, the operands that are named, and a part of the user's line
CASES: dict[str, tuple[Any, str, str, str]] = {
    "forward value in reverse mode": (
        lambda: wg.grad(lambda x: np.sum(np.log(x)))(X),
        "log gives nan at [1]", "f64[3], -1.0 there", "np.log(x)",
    ),
    "infinity": (
        lambda: wg.grad(lambda x: np.sum(1.0 / x))(X), "divide gives inf at [2]", "f64[3], 0.0 there", "1.0 / x",
    ),
    "overflow": (lambda: wg.grad(lambda x: np.exp(x * 1e3))(1.0), "exp gives inf", "1000.0", "np.exp(x * 1e3)"),
    "value in forward mode": (
        lambda: wg.jvp(lambda x: np.arcsin(x), (2.0,), (1.0,)), "arcsin gives nan", "f64[], 2.0", "np.arcsin(x)",
    ),
    "tangent": (
        lambda: wg.jvp(lambda x: np.sqrt(x), (np.zeros(2),), (np.ones(2),)),
        "the derivative of sqrt gives inf at [0]", "the tangent that arrives is f64[2], 1.0", "np.sqrt(x)",
    ),
    "cotangent": (
        lambda: wg.grad(lambda x: np.sum(np.sqrt(np.abs(x))))(X),
        "the derivative of sqrt gives inf at [2]", "the cotangent that arrives is f64[3], 1.0", "np.sqrt(np.abs(x))",
    ),
    "batch": (
        lambda: wg.vmap(lambda x: np.log(x))(X), "log gives nan at [1]", "f64[3], -1.0 there", "np.log(x)",
    ),
    "broadcast operands": (
        lambda: wg.grad(lambda x: np.sum(x[:, None] / X))(np.ones(2)),
        "divide gives inf at [0, 2]", "f64[2,1], 1.0 there and f64[3], 0.0 there", "x[:, None] / X",
    ),
    "no elementwise operation": (
        lambda: wg.grad(lambda x: np.sum(np.linalg.norm(x, ord=-1) * 1e308))(np.full((2, 2), 1e300)),
        "gives inf", "f64[]", "np.linalg.norm",
    ),
    "products": (
        lambda: wg.grad(lambda x: (x @ x) * 1.0)(np.full(3, 1e200)), "matmul gives inf", "f64[3] and f64[3]", "x @ x",
    ),
    "second order": (
        lambda: wg.hessian(lambda x: np.sum(x**1.5))(np.array([0.0, 1.0])), "power gives inf", "0.0", "x**1.5",
    ),
    "a NaN of infinities": (
        lambda: wg.grad(lambda x: x - np.inf - (x - np.inf))(1.0), "subtract gives nan", "-inf", "x - np.inf - (",
    ),
    "Variable": (variable_backward, "the derivative of sqrt gives inf at [2]", "f64[3], 0.0 there", "# the line"),
    "Variable, forward": (
        lambda: np.log(wg.Variable(X)), "log gives nan at [1]", "f64[3], -1.0 there", "np.log(wg.Variable(X))",
    ),
    "grad of a Variable": (
        lambda: wg.grad(lambda t: t * np.log(wg.Variable(0.0)))(1.0), "log gives -inf", "f64[], 0.0", "np.log(wg.V",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_birth_is_named(case: str) -> None:
    call, what, why, line = CASES[case]
    error = born(call)
    assert what in error.what
    assert why in error.why
    assert "test_debug_nans.py" in str(error.where)
    assert line in str(error.where)


def test_the_line_of_a_derivative_is_that_of_its_operation() -> None:
    def loss(x: Any) -> Any:
        y = np.sqrt(x)  # forward
        z = y * 2.0
        return np.sum(z)

    error = born(lambda: wg.grad(loss)(np.zeros(2)))
    assert "y = np.sqrt(x)  # forward" in str(error.where)
    assert "in loss" in str(error.where)


FINE: dict[str, Any] = {
    "finite": lambda: wg.grad(lambda x: np.sum(np.tanh(x) @ np.ones((3, 3))))(X),
    "masked": lambda: wg.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 1.0)), 0.0)))(X),
    "a masked cotangent": lambda: wg.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(np.abs(x)), 0.0)))(X),
    "infinities that come in": lambda: wg.grad(lambda x: np.max(np.where(x > 0, x, -np.inf)))(X),
    "NaNs that come in": lambda: wg.grad(lambda x: np.sum(x * np.array([1.0, np.nan, 2.0])))(X),
    "NaN arguments": lambda: wg.grad(lambda x: np.sum(np.exp(x)))(np.array([np.nan, 1.0])),
    "plain NumPy": lambda: wg.grad(lambda x: x * np.array([np.inf - np.inf, 1.0])[1])(1.0),
    "integers": lambda: wg.grad(lambda x: np.sum(x[np.argsort(x)]))(X),
    "several results": lambda: wg.grad(lambda x: np.sum(np.linalg.eigh(np.outer(x, x) + np.diag(X))[0]))(X),
    "scattered reads": lambda: wg.grad(lambda x: sum(x[i] * x[i - 1] for i in range(3)))(X),
    "logsumexp of -inf": lambda: wg.grad(lambda x: np.logaddexp(x, -np.inf))(1.0),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("call", FINE.values(), ids=list(FINE))
def test_what_is_no_birth_passes_and_nothing_changes(call: Any) -> None:
    exact = call()
    with wg.debug_nans():
        found = call()
    np.testing.assert_array_equal(found, exact)


def test_infinities_may_be_allowed() -> None:
    with wg.debug_nans(infinities=False), np.errstate(divide="ignore"):
        assert np.isinf(wg.grad(lambda x: np.log(x))(0.0))
    error = born(lambda: wg.grad(lambda x: np.log(x))(-1.0), infinities=False)
    assert "nan" in error.what


def test_outside_of_the_block_nothing_is_watched() -> None:
    with wg.debug_nans():
        v = wg.Variable(0.0)
        y = np.sqrt(v)
    y.backward()
    assert v.grad == np.inf
    with np.errstate(invalid="ignore"):
        assert np.isnan(wg.grad(lambda x: np.log(x) * x)(-1.0))
    assert all(interpreter.direct for interpreter in attention._open)


def test_derivatives_are_the_same_under_watch(rng: np.random.Generator) -> None:
    a = rng.normal(size=(4, 4))

    def fun(x: Any) -> Any:
        y = np.zeros_like(x)
        y[0] = x[1] * x[2]
        y[1:] = np.sin(x[1:]) + x[0]
        return np.sum(np.linalg.solve(a, y) ** 2) + np.prod(x) + np.max(y)

    x = rng.normal(size=4)
    exact = wg.grad(fun)(x), wg.hessian(fun)(x), wg.vmap(wg.grad(fun))(np.stack([x, 2 * x]))
    with wg.debug_nans():
        found = wg.grad(fun)(x), wg.hessian(fun)(x), wg.vmap(wg.grad(fun))(np.stack([x, 2 * x]))
    for one, other in zip(found, exact, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def test_blocks_nest_with_no_grad() -> None:
    def fun(x: Any) -> Any:
        with wg.no_grad():
            return x * np.log(x)

    with wg.debug_nans(), np.errstate(all="ignore"):
        wg.grad(lambda x: fun(x) + x)(-1.0)  # not recorded, not watched
        with wg.debug_nans(), pytest.raises(errors.NonFiniteError):
            wg.grad(np.log)(-1.0)


def test_another_thread_is_not_watched() -> None:
    inside, done = threading.Event(), threading.Event()

    def watch() -> None:
        with wg.debug_nans():
            inside.set()
            done.wait(10)

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(watch)
        inside.wait(10)
        with np.errstate(all="ignore"):
            assert wg.grad(np.sqrt)(0.0) == np.inf
        done.set()
        future.result()


# Loops and compiled functions ---------------------------------------------------------------------------------------


def scanned(c: Any) -> Any:
    def body(c: Any, x: Any) -> Any:
        y = np.log(c - x)  # in the body
        return y, y

    return wg.scan(body, c, np.ones(4))[0]


def rooted(c: Any) -> Any:
    def body(i: Any, c: Any) -> Any:
        return np.sqrt(c - 1.0) + 2.0 + i  # the root

    return wg.fori_loop(0, 3, body, c)


def divided(x: Any) -> Any:
    return wg.while_loop(lambda y: y < 3, lambda y: y / (y - y), x)  # divided


def nested(x: Any) -> Any:
    return wg.fori_loop(0, 3, lambda i, s: scanned(s - i), x)


compiled = wg.jit(scanned)
compiled_log = wg.jit(lambda x: np.sum(np.log(x)))

LOOPS: dict[str, tuple[Any, str, str, str]] = {
    "gradient of scan": (lambda: wg.grad(scanned)(3.0), "log gives nan", "step 2 of 4", "# in the body"),
    "tangent of scan": (
        lambda: wg.jvp(scanned, (3.0,), (1.0,)), "log gives nan", "step 2 of 4", "# in the body",
    ),
    "batch": (lambda: wg.grad(lambda x: np.sum(np.stack([scanned(x), scanned(x + 9)])))(3.0), "log", "step 2", "# in"),
    "derivative in a loop": (
        lambda: wg.grad(rooted)(1.0), "the derivative of sqrt gives inf", "step 1 of 3", "# the root",
    ),
    "tangent in a loop": (
        lambda: wg.jvp(rooted, (1.0,), (1.0,)), "the derivative of sqrt gives inf", "step 1 of 3", "# the root",
    ),
    "array in a loop": (
        lambda: wg.grad(lambda x: np.sum(rooted(x)))(np.array([2.0, 1.0])),
        "the derivative of sqrt gives inf at [1]", "step 1 of 3", "# the root",
    ),
    "while": (lambda: wg.grad(divided)(1.0), "divide gives inf", "step 1 of 1", "# divided"),
    "loop in a loop": (lambda: wg.grad(nested)(4.5), "log gives nan", "step 1 of 3, step 3 of 4", "# in the body"),
    "compiled loop": (lambda: compiled(3.0), "log gives nan", "step 2 of 4", "# in the body"),
    "gradient of a compiled loop": (lambda: wg.grad(compiled)(3.0), "log gives nan", "step 2 of 4", "# in the body"),
    "compiled": (lambda: compiled_log(np.array([1.0, 0.0])), "log gives -inf", "at [1]", "compiled_log ="),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("case", LOOPS)
def test_inside_loops_and_compiled_functions(case: str, warm: bool) -> None:
    call, what, step, line = LOOPS[case]
    if warm:
        with np.errstate(all="ignore"):
            call()
    error = born(call)
    assert what in error.what
    assert step in error.what
    assert line in str(error.where)


def test_a_compiled_function_without_a_nan_is_run_once() -> None:
    calls = []

    def fun(x: Any) -> Any:
        calls.append(1)
        return np.sum(x)

    with wg.debug_nans():
        assert wg.jit(fun)(np.ones(3)) == 3.0
    assert len(calls) == 1
    with wg.debug_nans(infinities=False), np.errstate(all="ignore"):
        assert compiled_log(np.array([1.0, 0.0])) == -np.inf
