"""Dense Jacobians and Hessians: three modes, one matrix, for any containers, shapes and chunks."""

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import ArgumentError, NotDifferentiableError

MODES = {
    "forward": wg.jacfwd,
    "reverse": wg.jacrev,
    "auto": wg.jacobian,
    "mode=forward": lambda f, *a, **k: wg.jacobian(f, *a, mode="forward", **k),
    "mode=reverse": lambda f, *a, **k: wg.jacobian(f, *a, mode="reverse", **k),
}
modes = pytest.mark.parametrize("jacobian", MODES.values(), ids=list(MODES))
chunks = pytest.mark.parametrize("chunk_size", [None, 1, 2, 5, 100])
X = np.array([0.3, 0.7, 1.1])
M = np.arange(6.0).reshape(2, 3)


@modes
@chunks
@pytest.mark.parametrize("wide", [True, False])
def test_a_matrix(jacobian: Any, chunk_size: Any, wide: bool) -> None:
    matrix = M if wide else M.T
    found = jacobian(lambda x: matrix @ x, chunk_size=chunk_size)(np.ones(matrix.shape[1]))
    assert np.array_equal(found, matrix)


@modes
@chunks
def test_shapes_are_those_of_the_output_then_the_input(jacobian: Any, chunk_size: Any) -> None:
    found = jacobian(lambda x: np.einsum("ij,k->kji", x, X), chunk_size=chunk_size)(M)
    assert found.shape == (3, 3, 2, 2, 3)
    np.testing.assert_allclose(found, np.einsum("k,ip,jq->kjipq", X, np.eye(2), np.eye(3)), rtol=1e-15)


@modes
def test_scalars(jacobian: Any) -> None:
    assert jacobian(np.sin)(0.5) == np.cos(0.5)
    assert type(jacobian(np.sin)(0.5)) is np.float64
    assert np.array_equal(jacobian(lambda a: a * X)(2.0), X)
    assert np.array_equal(jacobian(np.sum)(X), np.ones(3))
    assert jacobian(lambda x: x * x)(np.array(3.0)) == 6.0
    assert jacobian(lambda x: x[:, None])(X).shape == (3, 1, 3)


@modes
def test_several_arguments_and_containers(jacobian: Any) -> None:
    def fun(p: Any, x: Any) -> Any:
        return {"y": p["w"] @ x + p["b"], "s": np.sum(x)}

    p = {"w": M, "b": 1.0, "none": None}
    blocks = jacobian(fun, (0, 1))(p, X)
    assert np.array_equal(blocks["y"][0]["w"], np.einsum("ip,q->ipq", np.eye(2), X))
    assert np.array_equal(blocks["y"][0]["b"], np.ones(2))
    assert blocks["y"][0]["none"] is None
    assert np.array_equal(blocks["y"][1], M)
    assert np.array_equal(blocks["s"][0]["w"], np.zeros((2, 3)))
    assert blocks["s"][0]["b"] == 0.0
    assert np.array_equal(blocks["s"][1], np.ones(3))
    assert np.array_equal(jacobian(fun, -1)(p, X)["y"], M)
    assert np.array_equal(jacobian(fun, argnum=1)(p, X)["y"], M)


@modes
@pytest.mark.parametrize("n", [0, 3])
@pytest.mark.parametrize("m", [0, 2])
def test_empty_arrays(jacobian: Any, n: int, m: int) -> None:
    found = jacobian(lambda x: np.zeros((m, n)) @ x)(np.ones(n))
    assert found.shape == (m, n)
    assert found.dtype == np.float64
    found = jacobian(lambda x: {"a": np.ones((m, 0)), "b": x})((np.ones(n), 1.0))
    assert found["a"][0].shape == (m, 0, n)
    assert found["b"][0][0].shape == (n, n)
    assert found["b"][1][1] == 1.0


@modes
def test_constant_results_give_zeros_to_write_into(jacobian: Any) -> None:
    for fun in (
        lambda _x: np.ones(2),
        lambda x: np.ones(2) + 0.0 * np.sum(np.floor(x)),
        lambda x: wg.stop_gradient(x)[:2],
    ):
        found = jacobian(fun)(X)
        assert np.array_equal(found, np.zeros((2, 3)))
        found[...] = 1.0


@modes
def test_blocks_own_their_memory(jacobian: Any) -> None:
    first, second = jacobian(lambda x, y: (x + y, x - y), (0, 1))(X, X)
    blocks = [*first, *second]
    for i, a in enumerate(blocks):
        assert a.flags.writeable
        for b in blocks[:i]:
            assert not np.shares_memory(a, b)


@modes
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_precision_is_kept(jacobian: Any, dtype: Any) -> None:
    assert jacobian(lambda x: np.sin(x) * x)(X.astype(dtype)).dtype == dtype
    assert jacobian(lambda x: x * 2.0)(dtype(3.0)).dtype == dtype


@modes
def test_holomorphic(jacobian: Any) -> None:
    z = X + 1j
    found = jacobian(lambda z: np.exp(z) * z[::-1], holomorphic=True)(z)
    exact = np.diag(np.exp(z) * z[::-1]) + np.diag(np.exp(z))[:, ::-1]
    np.testing.assert_allclose(found, exact, rtol=1e-14)
    with pytest.raises(NotDifferentiableError, match="holomorphic"):
        jacobian(np.exp)(z)
    with pytest.raises(NotDifferentiableError, match="holomorphic"):
        jacobian(lambda x: 1j * x)(X)


@modes
def test_errors(jacobian: Any) -> None:
    with pytest.raises(NotDifferentiableError):
        jacobian(lambda x: x > 0.5)(X)
    with pytest.raises(NotDifferentiableError):
        jacobian(np.sin)(np.array([1, 2]))
    with pytest.raises(ArgumentError, match="chunk_size"):
        jacobian(np.sin, chunk_size=0)
    with pytest.raises(ArgumentError, match="argnums"):
        jacobian(np.sin, 1)(X)
    with pytest.raises(ArgumentError, match="function"):
        jacobian(X)


def test_auto_takes_the_cheaper_mode() -> None:
    runs = []

    def fun(x: Any) -> Any:
        runs.append(type(x).__name__)
        return np.resize(x, 5) if len(x) == 3 else x[:2]

    wg.jacobian(fun)(X)
    assert "Tracer" in runs  # five outputs of three inputs: forward
    runs.clear()
    wg.jacobian(fun)(np.ones(9))
    assert "Tracer" not in runs
    with pytest.raises(ArgumentError, match="mode"):
        wg.jacobian(fun, mode="sideways")


@modes
def test_programs_that_write_into_their_arguments(jacobian: Any) -> None:
    def fun(x: Any, y: Any) -> Any:
        x[0] = y[1] * y[1]
        y *= x
        return y

    x, y = X.copy(), X.copy()
    to_x, to_y = jacobian(fun, (0, 1))(x, y)
    assert np.array_equal(x, X)
    assert np.array_equal(y, X)
    np.testing.assert_allclose(to_x, np.diag([0.0, X[1], X[2]]), rtol=1e-15)
    exact = np.diag([X[1] ** 2, X[1], X[2]])
    exact[0, 1] = 2 * X[0] * X[1]
    np.testing.assert_allclose(to_y, exact, rtol=1e-15)


@modes
def test_in_place_programs_and_branches(jacobian: Any) -> None:
    def fun(x: Any) -> Any:
        y = np.zeros_like(x)
        for i in range(3):
            y[i] = x[i] ** 2 if x[i] > 0.5 else -x[i]
        return y

    np.testing.assert_allclose(jacobian(fun)(X), np.diag([-1.0, 1.4, 2.2]), rtol=1e-15)


@pytest.mark.parametrize("outer", MODES.values(), ids=list(MODES))
@pytest.mark.parametrize("inner", [wg.jacfwd, wg.jacrev, wg.grad])
def test_nested(outer: Any, inner: Any) -> None:
    fun = lambda x: np.prod(x) * np.sum(x)
    np.testing.assert_allclose(outer(inner(fun))(X), wg.hessian(fun)(X), rtol=1e-13)


# Hessians -------------------------------------------------------------------------------------------------------------


def test_hessian_blocks() -> None:
    def fun(x: Any, p: Any) -> Any:
        return np.sum(x**2) * p["a"] ** 3

    blocks = wg.hessian(fun, (0, 1))(X, {"a": 2.0})
    np.testing.assert_allclose(blocks[0][0], 16.0 * np.eye(3), rtol=1e-15)
    np.testing.assert_allclose(blocks[0][1]["a"], 24.0 * X, rtol=1e-15)
    np.testing.assert_allclose(blocks[1]["a"][0], 24.0 * X, rtol=1e-15)
    assert blocks[1]["a"][1]["a"] == pytest.approx(12.0 * np.sum(X**2), rel=1e-15)
    assert blocks[0][0].flags.writeable
    assert not np.shares_memory(blocks[0][1]["a"], blocks[1]["a"][0])


def test_hessian_of_several_results() -> None:
    found = wg.hessian(lambda x: np.stack([x[0] * x[1], x[2] ** 2]))(X)
    assert found.shape == (2, 3, 3)
    assert np.array_equal(found[0], [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    assert np.array_equal(found[1], np.diag([0, 0, 2]))


def test_hessian_keeps_types() -> None:
    assert wg.hessian(lambda x: np.sum(x**2))(X.astype(np.float32)).dtype == np.float32
    assert wg.hessian(np.sin)(0.5) == -np.sin(0.5)
    assert np.array_equal(wg.hessian(np.sum)(X), np.zeros((3, 3)))
    assert wg.hessian(np.sum)(np.zeros((0,))).shape == (0, 0)


def test_third_derivative() -> None:
    found = wg.jacfwd(wg.hessian(np.prod))(X)
    assert found.shape == (3, 3, 3)
    i, j, k = np.indices((3, 3, 3))
    np.testing.assert_allclose(found, ((i != j) & (j != k) & (i != k)) * 1.0, atol=1e-15)
