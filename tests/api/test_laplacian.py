"""laplacian: against traces of Hessians and closed forms, nested, compiled and batched; what it costs."""

import math
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import NotDifferentiableError

EPS = float(np.finfo(float).eps)
RNG = np.random.default_rng(2025)
N, WIDTH = 5, 7
W1, B1 = RNG.normal(size=(WIDTH, N)), RNG.normal(size=WIDTH)
W2, B2 = RNG.normal(size=(WIDTH, WIDTH)) * 0.5, RNG.normal(size=WIDTH)
W3 = RNG.normal(size=WIDTH)
X = RNG.normal(size=N)


def network(x: Any) -> Any:
    return W3 @ np.tanh(W2 @ np.tanh(W1 @ x + B1) + B2)


def tangled(x: Any) -> Any:
    """Products of moving factors, roots, reductions, selections, writes and linear algebra."""
    y = np.outer(x, np.sin(x)) + 6.0 * np.eye(N)
    z = np.zeros_like(x)
    z[1:] = x[:-1] * np.exp(-(x[1:] ** 2))
    s = np.linalg.solve(y, z) @ x + np.max(x) * np.prod(x) / (1.0 + x @ x)
    return s + np.sum(np.where(x > 0, x**3, np.cos(x))) * np.linalg.norm(x) + np.linalg.slogdet(y)[1]


def loops(x: Any) -> Any:
    carry, ys = wg.scan(lambda c, w: (np.tanh(c * w) + x, np.sum(c * x)), x, np.array([0.5, -1.5, 0.7]))
    y = wg.while_loop(lambda c: np.sum(c * c) < 20.0, lambda c: c * 1.5 + np.sin(x), carry)
    return np.sum(y) * ys[-1] + wg.cond(x[0] > 0, np.sum, np.prod, x)


FUNCTIONS = {"network": network, "tangled": tangled, "loops": loops}


def close(found: Any, want: Any) -> None:
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_it_is_the_trace_of_the_hessian(name: str) -> None:
    fun = FUNCTIONS[name]
    want = np.trace(wg.hessian(fun)(X))
    close(wg.laplacian(fun)(X), want)
    compiled, inside = wg.jit(wg.laplacian(fun)), wg.laplacian(wg.jit(fun))
    for _ in range(4):
        close(compiled(X), want)
        close(inside(X), want)


@pytest.mark.parametrize("name", ["network", "tangled"])
def test_nested(name: str) -> None:
    fun = FUNCTIONS[name]
    trace = lambda x: np.trace(wg.hessian(fun)(x))
    want = wg.grad(trace)(X)
    close(wg.grad(wg.laplacian(fun))(X), want)
    close(wg.jit(wg.grad(wg.laplacian(fun)))(X), want)
    close(wg.jvp(wg.laplacian(fun), (X,), (X,))[1], want @ X)
    points = np.stack([X, 0.5 * X, X[::-1]])
    close(wg.vmap(wg.laplacian(fun))(points), [trace(x) for x in points])
    close(wg.vmap(wg.jit(wg.laplacian(fun)))(points), [trace(x) for x in points])


def test_of_itself_and_of_gradients() -> None:
    bump = lambda x: np.exp(-0.5 * np.sum(x * x))
    r2, x = float(X @ X), X
    # (nabla^2)^2 exp(-r^2 / 2) = (r^4 - 2 (n + 2) r^2 + n (n + 2)) exp(-r^2 / 2)
    want = (r2 * r2 - 2 * (N + 2) * r2 + N * (N + 2)) * np.exp(-0.5 * r2)
    close(wg.laplacian(wg.laplacian(bump))(x), want)
    close(wg.laplacian(wg.grad(bump))(x), wg.grad(wg.laplacian(bump))(x))
    # an inner Laplacian with respect to something else: confused perturbations would add to it
    close(wg.laplacian(lambda x: np.sum(x * x) * wg.laplacian(lambda y: np.sum(x * y * y))(x))(x),
          np.trace(wg.hessian(lambda x: np.sum(x * x) * 2.0 * np.sum(x))(x)))  # fmt: skip


def test_results_and_arguments_of_any_shape() -> None:
    x = RNG.normal(size=(2, 3))
    found = wg.laplacian(lambda x: {"x": x**3, "s": np.sum(x**2), "c": 1.0, "n": np.argmax(x)})(x)
    close(found["x"], 6.0 * x)
    assert found["s"] == pytest.approx(12.0)
    assert (found["c"], found["n"]) == (0.0, 0.0)
    assert (
        wg.laplacian(lambda p: p["a"] ** 2 * np.sum(p["b"] ** 2))({"a": 3.0, "b": np.ones(2)})
        == 2 * 2 + 4 * 9
    )
    assert wg.laplacian(lambda x, y, *, z: x**2 * y * z)(3.0, 5.0, z=2.0) == 20.0
    assert wg.laplacian(np.sum)(np.ones(0)) == 0.0


def test_points_move_together() -> None:
    points = RNG.normal(size=(6, N))
    u = lambda p: np.tanh(np.tanh(p @ W1.T + B1) @ W2.T + B2) @ W3
    shifted = wg.laplacian(lambda s: u(points + s))(np.zeros(N))
    close(shifted, wg.vmap(wg.laplacian(u))(points))


def test_single_precision_stays() -> None:
    x = X.astype(np.float32)
    found = wg.laplacian(lambda x: np.sum(np.tanh(x / 2.0) * x**2 + np.hypot(x, 1.0)))(x)
    assert found.dtype == np.float32
    want = wg.laplacian(lambda x: np.sum(np.tanh(x / 2.0) * x**2 + np.hypot(x, 1.0)))(x.astype(float))
    assert found == pytest.approx(want, rel=32 * N * float(np.finfo(np.float32).eps))


def test_complex_numbers_on_the_way() -> None:
    """|exp(i k x)|^2 x and the real part of a plane wave, whose Laplacian is -k^2 times it."""
    k = RNG.normal(size=N)
    close(wg.laplacian(lambda x: np.real(np.exp(1j * (k @ x))))(X), -(k @ k) * np.cos(k @ X))
    close(wg.laplacian(lambda x: np.abs(np.exp(1j * (k @ x)) * (1 + np.sum(x * x))))(X), 2.0 * N)


def test_kinks_and_poles_that_are_not_taken() -> None:
    x = np.array([0.0, 0.5, -0.25])
    with np.errstate(all="ignore"):
        assert wg.laplacian(lambda x: np.sum(np.where(x > 0, np.sqrt(np.abs(x)), x**2)))(x) == pytest.approx(
            2.0 + 2.0 - 0.25 * 0.5**-1.5
        )
    assert wg.laplacian(lambda x: np.sum(np.abs(x)))(x) == 0.0
    assert wg.laplacian(lambda x: np.sum(np.maximum(x, 0.0) ** 2))(np.array([1.0, -1.0])) == 2.0


@pytest.mark.parametrize(
    ("point", "words"), [(1j * X, "complex128"), (np.arange(3), "int64"), ("text", "type str")]
)
def test_errors_say_what_to_write(point: Any, words: str) -> None:
    with pytest.raises(NotDifferentiableError, match=words) as caught:
        wg.laplacian(np.sum)(point)
    assert "why:" in str(caught.value)
    assert "instead:" in str(caught.value)


def test_what_an_exception_leaves() -> None:
    def fail(x: Any) -> Any:
        raise KeyError(str(np.sum(x)))

    with pytest.raises(KeyError):
        wg.laplacian(fail)(X)
    with pytest.raises(KeyError):
        wg.derivative(fail, 3)(1.0)
    assert wg.laplacian(lambda x: np.sum(x**2))(X) == pytest.approx(2.0 * N)


# Cost ---------------------------------------------------------------------------------------------------------------


def test_constants_have_no_directions() -> None:
    """What does not depend on x is computed once, and so are values: only derivatives have an axis of directions."""
    heavy = RNG.normal(size=(40, 40))
    graph = wg.trace(wg.laplacian(lambda x: np.sum(np.sin(heavy @ heavy) * x[0]) + np.sum(np.tanh(x))))(X)
    assert max(math.prod(y.type.shape) for node in graph.nodes for y in node.outputs) == 1600


def test_second_derivatives_are_summed_where_they_arise() -> None:
    """A layer multiplies values, n slopes and one sum: n + 2 rows, where nesting has 4 n; the first one values only."""
    graph = wg.trace(wg.laplacian(network))(X)
    rows = sum(
        math.prod(y.type.shape) // WIDTH
        for node in graph.nodes
        for y in node.outputs
        if node.prim.name in ("matmul", "contraction") and y.type.shape and y.type.shape[-1] == WIDTH
    )
    assert rows == 1 + (N + 2)
