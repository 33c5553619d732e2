"""Products: NumPy's values and exact derivatives in every form that NumPy accepts."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.numpy_protocol import FUNCTIONS
from wengert.ops.contractions import _cheapest_splits

from .agreement import check


def normal(*shapes):
    rng = np.random.default_rng(7)
    return [np.asarray(rng.normal(size=shape)) for shape in shapes]


def wide(*xs):
    """The operands in double precision."""
    return [x.astype(np.result_type(x, np.float64)) for x in xs]


RANKS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)),
    ((2, 2, 3), (3, 2)), ((2, 3), (2, 3, 2)), ((2, 2, 3), (2, 3, 2)), ((2, 1, 2, 3), (3, 3, 1)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", RANKS)
@pytest.mark.parametrize("fun", [np.matmul, np.dot, lambda a, b: a @ b, np.linalg.matmul])
def test_matmul_and_dot_of_all_ranks(fun, shapes):
    check(fun, *normal(*shapes))


@pytest.mark.parametrize("shapes", [((), ()), ((), (2, 3)), ((2,), ())])
@pytest.mark.parametrize("fun", [np.dot, np.inner])
def test_dot_and_inner_with_a_number_multiply(fun, shapes):
    check(fun, *normal(*shapes))


@pytest.mark.parametrize(
    "shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 3), (4, 3)), ((2, 1, 3), (2, 2, 3))]
)
def test_inner(shapes):
    check(np.inner, *normal(*shapes))


@pytest.mark.parametrize("fun", [np.vdot, np.kron, np.outer])
@pytest.mark.parametrize("shapes", [((2, 3), (2, 3)), ((6,), (6,)), ((6,), (2, 3))])
def test_products_that_ravel(fun, shapes):
    check(fun, *normal(*shapes))


def test_vdot_conjugates_its_first_operand():
    a, b, c, d = normal((3,), (3,), (3,), (3,))
    check(np.vdot, a + 1j * b, c + 1j * d)
    check(np.vdot, a + 1j * b, c)
    check(np.vdot, a, c + 1j * d)


@pytest.mark.parametrize("shapes", [((), (2,)), ((2, 1), (3,)), ((2,), (1, 2, 2)), ((), ())])
def test_kron_of_unequal_ranks(shapes):
    check(np.kron, *normal(*shapes))


def test_linalg_outer_takes_vectors_only():
    check(np.linalg.outer, *normal((2,), (3,)))
    with pytest.raises(ValueError, match="one-dimensional"):
        wg.grad(lambda a: np.linalg.outer(a, np.ones(2)).sum())(np.ones((2, 2)))


@pytest.mark.parametrize("axes", [0, 1, 2, (1, 0), ([1, 2], [0, 1]), ((-1, 0), (1, 2)), ([], [])])
def test_tensordot_axes(axes):
    check(lambda a, b: np.tensordot(a, b, axes=axes), *normal((2, 2, 2), (2, 2, 2)), batches=axes in (1, 2))


def test_tensordot_raises_what_numpy_raises():
    a = np.ones((2, 3))
    for axes in (((0,), (0, 1)), ((0,), (1,))):
        with pytest.raises(ValueError, match="shape-mismatch for sum"):
            wg.grad(lambda x, axes=axes: np.tensordot(x, a, axes=axes).sum())(a)


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3))])
def test_cross_of_three_vectors(shapes):
    check(np.cross, *normal(*shapes))


def test_cross_axes():
    a, b = normal((3, 2), (2, 3))
    check(lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0), a, b)
    check(lambda a, b: np.cross(a, b, axis=0), a, b.T)
    check(lambda a, b: np.linalg.cross(a, b, axis=0), a, b.T)
    with pytest.raises(ValueError, match="3-dimensional vectors"):
        wg.grad(lambda a: np.linalg.cross(a, a).sum())(a)


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
@pytest.mark.parametrize("shapes", [((2,), (2,)), ((2,), (3,)), ((3,), (2,)), ((4, 2), (2,))])
def test_cross_of_two_vectors(shapes):
    check(np.cross, *normal(*shapes))


def test_cross_of_two_vectors_warns_as_numpy_does():
    with pytest.warns(DeprecationWarning, match="2-dimensional vectors") as caught:
        wg.grad(lambda a: np.cross(a, np.ones(2)))(np.ones(2))
    assert caught[0].filename == __file__


GUFUNCS = {
    "vecdot": [((2, 3), (3,)), ((3,), (3,))],
    "matvec": [((2, 3), (4, 3))],
    "vecmat": [((4, 3), (3, 2))],
}


@pytest.mark.parametrize("name", GUFUNCS)
def test_vector_forms_of_matmul(name):
    fun = getattr(np, name, None)
    if fun is None:
        pytest.skip("this NumPy has no such ufunc")
    for shapes in GUFUNCS[name]:
        a, b = normal(*shapes)
        check(fun, a, b)
        check(fun, a + 0.5j * a[::-1], b - 1.5j * b)


def test_axes_of_generalized_ufuncs():
    a, b = normal((3, 2), (3, 2))
    check(lambda a, b: np.vecdot(a, b, axis=0), a, b)
    check(lambda a, b: np.vecdot(a, b, axis=0, keepdims=True), a, b)
    check(lambda a, b: np.vecdot(a, b, keepdims=True), a, b)
    check(lambda a, b: np.linalg.vecdot(a, b, axis=0), a, b)
    check(lambda a, b: np.matmul(a, b, axes=[(1, 0), (0, 1), (1, 0)]), a, b)
    check(lambda a, b: np.matmul(a, b, axes=[(0, 1), (1, 0), (-2, -1)]), a, b)
    with pytest.raises(TypeError):
        wg.grad(lambda a: np.matmul(a, b.T, axis=0).sum())(a)


def test_keywords_of_ufuncs():
    a, b = normal((2, 3), (3, 2))
    single = wg.grad(lambda a: np.matmul(a, b, dtype=np.float32).sum())(a)
    np.testing.assert_allclose(single, np.ones((2, 2)) @ b.T, rtol=1e-6)
    assert single.dtype == a.dtype


@pytest.mark.parametrize(
    "shapes", [((2, 3), (3, 4)), ((3,), (3, 2), (2, 4), (4,)), ((2, 3), (3, 5), (5, 1)), ((3,), (3,))]
)
def test_multi_dot(shapes):
    check(lambda *xs: np.linalg.multi_dot(xs), *normal(*shapes))


def test_multi_dot_multiplies_in_the_cheapest_order():
    """Chains whose best order is known: a thin one from the right, and the example of Cormen et al., figure 15.5."""
    assert _cheapest_splits([50, 2, 50, 1])[0, 2] == 0
    textbook = _cheapest_splits([30, 35, 15, 5, 10, 20, 25])
    assert (textbook[0, 5], textbook[0, 2], textbook[3, 5]) == (2, 0, 4)


def test_multi_dot_refuses_stacks():
    with pytest.raises(np.linalg.LinAlgError):
        wg.grad(lambda a: np.linalg.multi_dot([a, a]).sum())(np.ones((2, 2, 2)))


def test_lists_are_operands():
    t = np.array([1.0, 2.0])
    for fun in (np.dot, np.inner, np.vdot, np.outer, np.kron, np.matmul):
        np.testing.assert_allclose(
            wg.grad(lambda x, fun=fun: np.sum(fun([3.0, 4.0], x)))(t),
            wg.grad(lambda x, fun=fun: np.sum(fun(np.array([3.0, 4.0]), x)))(t),
        )


@pytest.mark.parametrize("fun", [np.matmul, np.dot, np.inner, np.kron, np.outer])
def test_mixed_types_keep_each_operands_type(fun):
    a, b = normal((2, 2), (2, 2))
    c = b + 1j * a
    check(fun, a, c)
    for left, right in (
        (a.astype(np.float32), b),
        (a.astype(np.float32), c.astype(np.complex64)),
        (c, b.astype(np.float32)),
    ):
        y, pull = wg.vjp(fun, left, right)
        single, y_bars = (
            pull(np.ones_like(y)),
            wg.vjp(fun, *wide(left, right))[1](np.ones_like(fun(*wide(left, right)))),
        )
        for x, x_bar, y_bar in zip((left, right), single, y_bars, strict=True):
            assert x_bar.dtype == x.dtype
            np.testing.assert_allclose(x_bar, y_bar, rtol=1e-5, atol=1e-5)


def test_integers_are_constants():
    counts = np.array([[1, 2], [3, 4]])
    np.testing.assert_array_equal(wg.grad(lambda x: (counts @ x).sum())(np.ones(2)), [4.0, 6.0])


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_movements_of_linalg(offset):
    [x] = normal((2, 3, 4))
    check(lambda x: np.linalg.trace(x, offset=offset), x)
    check(lambda x: np.linalg.diagonal(x, offset=offset), x)
    check(np.linalg.matrix_transpose, x)


def test_a_shared_matrix_gets_its_cotangent_from_one_product():
    """The cotangent of broadcast weights contracts the stack at once: no array of size (stack, k, n) is built."""
    images, weights = normal((200, 3, 40), (40, 50))
    peak = []

    class Watch(np.ndarray):
        def __array_ufunc__(self, ufunc, method, *xs, **kwargs):
            y = getattr(ufunc, method)(*[np.asarray(x) for x in xs], **kwargs)
            peak.append(np.size(y))
            return np.asarray(y).view(Watch)

    y_bar = np.ones((200, 3, 50)).view(Watch)
    [w_bar] = wg.vjp(lambda w: images @ w, weights)[1](y_bar)
    np.testing.assert_allclose(
        np.asarray(w_bar), np.einsum("sik,sin->kn", images, np.ones((200, 3, 50))), rtol=1e-12
    )
    assert max(peak) <= 40 * 50


def test_every_product_is_registered():
    for name in ("dot", "vdot", "inner", "outer", "tensordot", "einsum", "kron", "cross"):
        assert getattr(np, name) in FUNCTIONS
