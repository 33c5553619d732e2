"""Linear algebra by LAPACK: NumPy's results, signs and errors, for stacks, layouts and types; nothing left to NumPy.

Both call the same routines, which are backward stable: with matrices A of order n, results differ by about n eps times
the condition of what is asked for (Higham, Accuracy and Stability, chapters 9, 10 and 19; for eigenvectors and singular
vectors the norm of A over the least gap, LAPACK Users' Guide, 4.7 and 4.9).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compile.compiled import Native
from wengert.compile.kernel_check import check
from wengert.compile.programs import lowered
from wengert.core.primitive import PRIMITIVES
from wengert.transforms.staging import stage
from wengert.types import type_of

SHAPES = ((3, 3), (1, 1), (10, 10), (2, 3, 3), (2, 1, 4, 4))


def compiled(fun: Callable[..., Any], *xs: np.ndarray) -> Any:
    """Return what machine code that needs nothing of NumPy's makes of a function, or None where it fails."""

    def flat(*xs: Any) -> list[Any]:
        y = fun(*xs)
        return list(y) if isinstance(y, tuple) else [y]

    graph, _ = stage(flat, [type_of(x) for x in xs], "linear_algebra")
    assert lowered(graph).host is None
    native = Native(graph)
    check(native.program)
    return native.flat(xs)(*xs)


def matrix(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
    """Random matrices with singular values 1, 2, ..., n: their gaps are 1, and their condition is n."""
    k = min(shape[-2:])
    u, v = (np.linalg.qr(rng.normal(size=(*shape[:-2], n, k)))[0] for n in shape[-2:])
    return ((u * np.arange(1.0, k + 1)) @ np.swapaxes(v, -1, -2)).astype(dtype)


def definite(rng: np.random.Generator, shape: tuple[int, ...], dtype: Any = np.float64) -> np.ndarray:
    q = np.linalg.qr(rng.normal(size=shape))[0]
    return ((q * np.arange(1.0, shape[-1] + 1)) @ np.swapaxes(q, -1, -2)).astype(dtype)


def tolerance(*xs: np.ndarray) -> float:
    """16 n eps times the condition n, times the size of results: at most n."""
    n = xs[0].shape[-1]
    return 16 * n**3 * float(np.finfo(xs[0].dtype).eps)


def require_equal(fun: Callable[..., Any], *xs: np.ndarray) -> None:
    found, expected = compiled(fun, *xs), fun(*xs)
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert found is not None
    for y, e in zip(found, expected, strict=True):
        assert (np.shape(y), np.result_type(y)) == (np.shape(e), np.result_type(e))
        np.testing.assert_allclose(y, e, rtol=0, atol=tolerance(*xs))


OF_ONE = {
    "cholesky": (np.linalg.cholesky, definite),
    "cholesky upper": (lambda a: np.linalg.cholesky(a, upper=True), definite),
    "inv": (np.linalg.inv, matrix),
    "slogdet": (lambda a: tuple(np.linalg.slogdet(a)), matrix),
    "eigh": (lambda a: tuple(np.linalg.eigh(a)), definite),
    "eigh upper": (lambda a: tuple(np.linalg.eigh(a, "U")), definite),
    "eigvalsh": (np.linalg.eigvalsh, definite),
    "svd": (lambda a: tuple(np.linalg.svd(a)), matrix),
    "svdvals": (np.linalg.svdvals, matrix),
    "qr": (lambda a: tuple(np.linalg.qr(a)), matrix),
}
FREE_SIGNS = {"eigh", "eigh upper", "svd"}  # of vectors
OF_RECTANGLES = {
    "svd": lambda a: tuple(np.linalg.svd(a, full_matrices=False)),
    "full svd": lambda a: tuple(np.linalg.svd(a)),
    "svdvals": np.linalg.svdvals,
    "qr": lambda a: tuple(np.linalg.qr(a)),
    "complete qr": lambda a: tuple(np.linalg.qr(a, "complete")),
}
SYSTEMS = (
    ((3, 3), (3, 2)),
    ((3, 3), (3, 1)),
    ((2, 3, 3), (3, 4)),
    ((3, 3), (2, 3, 1)),
    ((2, 1, 3, 3), (5, 3, 2)),
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize("name", OF_ONE)
def test_results_are_numpys(name, rng):
    fun, make = OF_ONE[name]
    for shape in SHAPES:
        require_equal(fun, make(rng, shape))


@pytest.mark.parametrize("name", sorted(set(OF_ONE) - FREE_SIGNS))
def test_results_in_single_precision_are_numpys(name, rng):
    fun, make = OF_ONE[name]
    for shape in SHAPES:
        require_equal(fun, make(rng, shape, np.float32))


@pytest.mark.parametrize("name", sorted(FREE_SIGNS))
def test_signs_in_single_precision_are_left_to_numpy(name, rng, machine_code):
    fun, make = OF_ONE[name]
    a = make(rng, (10, 10), np.float32)
    f = wg.jit(lambda a: (fun(a), a + 1.0))
    f(a)
    for y, e in zip(f(a)[0], fun(a), strict=True):
        np.testing.assert_array_equal(y, e)


@pytest.mark.parametrize("name", OF_RECTANGLES)
@pytest.mark.parametrize("shape", [(5, 2), (2, 5), (2, 4, 3), (20, 3), (1, 4), (4, 1)])
def test_results_of_rectangles_are_numpys(name, shape, rng):
    require_equal(OF_RECTANGLES[name], matrix(rng, shape))


@pytest.mark.parametrize(("a", "b"), SYSTEMS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_solutions_are_numpys(a, b, dtype, rng):
    require_equal(np.linalg.solve, matrix(rng, a, dtype), rng.uniform(-1, 1, b).astype(dtype))


@pytest.mark.parametrize("fun", [np.linalg.solve, np.linalg.inv, np.linalg.cholesky, np.linalg.svd])
def test_integers_count_as_float64(fun, rng):
    a = np.array([[4, 1, 0], [1, 5, 2], [0, 2, 6]])
    xs = (a, rng.uniform(-1, 1, (3, 2)).astype(np.float32)) if fun is np.linalg.solve else (a,)
    found, expected = compiled(fun, *xs), fun(*xs)
    for y, e in zip(found, expected if isinstance(expected, tuple) else (expected,), strict=True):
        assert np.asarray(y).dtype == np.asarray(e).dtype == np.float64
        np.testing.assert_allclose(y, e, rtol=0, atol=16 * 27 * np.finfo(float).eps)


@pytest.mark.parametrize("name", OF_ONE)
def test_matrices_may_lie_anyhow_in_memory(name, rng):
    fun, make = OF_ONE[name]
    a = make(rng, (2, 4, 4))
    wide = rng.normal(size=(2, 9, 9))
    wide[:, 1:9:2, 8:0:-2] = a
    require_equal(lambda a: fun(np.swapaxes(a, -1, -2)), np.ascontiguousarray(np.swapaxes(a, -1, -2)))
    require_equal(lambda wide: fun(wide[:, 1:9:2, 8:0:-2]), wide)
    require_equal(lambda a: fun(np.moveaxis(a, -1, 0)), np.ascontiguousarray(np.moveaxis(a, 0, -1)))


def test_what_reads_results_reads_them_as_they_lie(rng):
    a, b = matrix(rng, (2, 4, 4)), rng.uniform(-1, 1, (4, 4))

    def whole(a, b):
        x = np.linalg.solve(a, b)
        w, v = np.linalg.eigh(x + np.swapaxes(x, -1, -2))
        return (
            x @ b,
            np.sin(x),
            x.sum(axis=-1),
            x.reshape(2, 16),
            v[:, 1:, ::2],
            np.linalg.inv(x),
            x[0].T,
            w,
            2 * np.linalg.svdvals(x),
        )

    require_equal(whole, a, b)


@pytest.mark.parametrize(
    ("fun", "xs"),
    [
        (np.linalg.cholesky, (np.array([[1.0, 2.0], [2.0, 1.0]]),)),
        (np.linalg.cholesky, (np.stack([np.eye(2), -np.eye(2)]),)),
        (np.linalg.solve, (np.ones((2, 2)), np.ones((2, 1)))),
        (np.linalg.solve, (np.stack([np.eye(2), np.zeros((2, 2))]), np.ones((2, 1)))),
        (np.linalg.inv, (np.zeros((3, 3)),)),
        (np.linalg.svdvals, (np.full((3, 3), np.nan),)),
        (np.linalg.eigvalsh, (np.full((3, 3), np.nan),)),
        (np.linalg.cholesky, (np.full((3, 3), np.nan),)),
        (np.linalg.inv, (np.full((3, 3), np.nan),)),
        (np.linalg.qr, (np.full((3, 3), np.nan),)),
    ],
)
def test_matrices_without_a_result_end_as_numpys(fun, xs, machine_code):
    def ending(f: Callable[..., Any]) -> Any:
        try:
            with np.errstate(all="ignore"):
                return [np.asarray(y).tolist() for y in np.atleast_1d(*f(*xs))]
        except np.linalg.LinAlgError as error:
            return str(error)

    f = wg.jit(lambda *xs: fun(*xs))
    sound = [np.broadcast_to(np.eye(x.shape[-2]), x.shape).copy() if k == 0 else x for k, x in enumerate(xs)]
    f(*sound)
    np.testing.assert_allclose(
        np.atleast_1d(*f(*sound)), np.atleast_1d(*fun(*sound)), rtol=0, atol=tolerance(xs[0])
    )
    expected = ending(fun)
    assert repr(ending(f)) == repr(expected)
    assert repr(ending(f)) == repr(expected)


def test_a_zero_on_the_diagonal_is_no_solution(rng):
    solve = PRIMITIVES["solve_triangular"]
    a, b = np.tril(matrix(rng, (3, 3))), np.ones((3, 1))
    a[1, 1] = 0.0
    params = {"lower": True, "trans": 0}
    assert compiled(lambda a, b: solve(a, b, unit=False, **params), a, b) is None
    assert compiled(lambda a, b: solve(a, b, unit=True, **params), a, b) is not None


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("trans", [0, 1, 2])
@pytest.mark.parametrize(("a", "b"), SYSTEMS)
def test_triangular_systems(a, b, lower, trans, rng):
    """The other triangle is not read."""
    solve, eye = PRIMITIVES["solve_triangular"], 3 * np.eye(3)
    a, b = rng.uniform(-1, 1, a) + eye, rng.uniform(-1, 1, b)
    a[..., *np.triu_indices(3, 1) if lower else np.tril_indices(3, -1)] = np.nan
    require_equal(lambda a, b: solve(a, b, lower=lower, trans=trans, unit=False), a, b)


def test_singular_matrices_have_determinant_zero():
    a = np.stack([np.ones((2, 2)), np.eye(2), np.array([[0.0, 1.0], [1.0, 0.0]])])
    sign, log = compiled(lambda a: tuple(np.linalg.slogdet(a)), a)
    np.testing.assert_array_equal(sign, [0.0, 1.0, -1.0])
    np.testing.assert_array_equal(log, [-np.inf, 0.0, 0.0])
    (det,) = compiled(np.linalg.det, a)
    np.testing.assert_array_equal(det, [0.0, 1.0, -1.0])


def test_determinants_are_numpys(rng):
    """exp of a logarithm l has the error of l, which is |l| eps."""
    for shape in SHAPES:
        a = matrix(rng, shape)
        (det,) = compiled(np.linalg.det, a)
        expected = np.linalg.det(a)
        logs = np.log(np.abs(expected))
        relative = (16 * a.shape[-1] ** 3 + 8 * np.max(np.abs(logs))) * np.finfo(float).eps
        np.testing.assert_allclose(det, expected, rtol=relative, atol=0)


@pytest.mark.parametrize("fun", [np.linalg.inv, np.linalg.det, np.linalg.svdvals, np.linalg.cholesky])
@pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2), (2, 0, 0)])
def test_empty_matrices(fun, shape, machine_code):
    f = wg.jit(lambda a: fun(a) * 2.0)
    for _ in range(2):
        np.testing.assert_array_equal(f(np.zeros(shape)), fun(np.zeros(shape)) * 2.0)


def test_in_loops_and_branches(rng):
    """A matrix that has no factor stops nothing where no factor is asked for."""
    a = definite(rng, (5, 3, 3))
    a[2] = -np.eye(3)

    def step(total, a):
        sound = a[0, 0] > 0
        added = wg.cond(sound, lambda a: np.linalg.cholesky(a), lambda a: a, a)
        return total + added, np.linalg.slogdet(a)[1]

    require_equal(lambda a: wg.scan(step, np.zeros((3, 3)), a), a)


def test_gradients_need_nothing_of_numpys(rng):
    a, b = definite(rng, (4, 4)), rng.uniform(-1, 1, (4,))

    def likelihood(a, b):
        factor = np.linalg.cholesky(a)
        z = np.linalg.solve(factor, b)
        return np.sum(z * z) / 2 + np.sum(np.log(np.diagonal(factor)))

    gradient = wg.grad(likelihood, argnums=(0, 1))
    require_equal(lambda a, b: tuple(gradient(a, b)), a, b)


@pytest.mark.parametrize("worst", [1.0, 1e-6, 0.0])
@pytest.mark.parametrize("fun", [np.linalg.det, lambda a: np.sum(np.linalg.slogdet(a)[1])])
def test_gradients_of_determinants_of_any_condition(worst, fun, rng, machine_code):
    """Badly conditioned matrices are left to NumPy, in the middle of the program."""
    u, v = np.linalg.qr(rng.normal(size=(2, 3, 3)))[0]
    a = (u * [3.0, 2.0, worst]) @ v
    gradient = wg.grad(lambda a: fun(a) * 2.0)
    f = wg.jit(gradient)
    with np.errstate(all="ignore"):
        expected, _, found = gradient(a), f(a), f(a)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isfinite(found), finite)
    largest = np.max(np.abs(expected), where=finite, initial=1.0)
    np.testing.assert_allclose(
        found[finite], expected[finite], rtol=0, atol=largest * tolerance(a) / (worst or 1.0)
    )


def test_one_bad_matrix_leaves_the_whole_stack_to_numpy(rng):
    a = matrix(rng, (3, 3, 3))
    a[1, 0] = a[1, 1]
    cofactor = PRIMITIVES["cofactor"]
    native = Native(stage(lambda a: [cofactor(a)], [type_of(a)], "cofactors")[0])
    (found,) = native.flat([a])(a)
    np.testing.assert_array_equal(found, cofactor.eval(a))
    (found,) = native.flat([a])(a[[0, 2, 0]])
    np.testing.assert_allclose(found, cofactor.eval(a[[0, 2, 0]]), rtol=0, atol=tolerance(a))
