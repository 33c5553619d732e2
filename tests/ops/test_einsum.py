"""einsum: every form that NumPy accepts, with exact derivatives of every operand."""

import numpy as np
import pytest

import wengert as wg
from wengert.jit import jit
from wengert.transforms.staging import stage
from wengert.types import type_of

from .agreement import check


def normal(*shapes):
    rng = np.random.default_rng(7)
    return [np.asarray(rng.normal(size=shape)) for shape in shapes]


FORMS = [
    ("ij,jk->ik", (2, 3), (3, 2)), ("ij,jk", (2, 3), (3, 2)), ("ba", (2, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)),
    ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->j", (2, 2, 3)), ("iji->ij", (2, 3, 2)), ("iiii->i", (2, 2, 2, 2)),
    ("i,i", (3,), (3,)), ("i,j", (2,), (3,)), ("i,", (2,), ()), (",", (), ()), ("...", (2, 3)), ("...->...", (2, 3)),
    ("...i->...", (2, 3)), ("i...->i...", (2, 3)), ("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
    ("...ij,...jk", (1, 2, 3), (4, 3, 2)),
    ("...,...", (2, 3), (3,)), ("i...,i->...", (2, 3), (2,)), ("...ii->...i", (2, 3, 3)),
    ("a...b,b...->a...", (2, 3, 2), (2, 3)),
    ("ij,ij->i", (2, 1), (2, 3)), ("i,i->", (1,), (3,)), ("ij,kl->", (2, 3), (2, 2)), ("i,i,i->i", (3,), (3,), (3,)),
    ("ij,jk,kl,lm->im", (2, 3), (3, 2), (2, 3), (3, 1)), ("bhqd,bhkd->bhqk", (1, 2, 3, 2), (1, 2, 2, 2)),
    (" i j , j k -> i k ", (2, 3), (3, 2)), ("Ab,bC", (2, 3), (3, 2)), ("ij,j->", (2, 3), (3,)),
    ("ii,jj->ij", (2, 2), (3, 3)),
    ("ij,ji->", (2, 3), (3, 2)), ("ijk,ijk->", (2, 2, 2), (2, 2, 2)),
]  # fmt: skip


@pytest.mark.parametrize("optimize", [False, True])
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form[0])
def test_strings(form, optimize):
    subscripts, *shapes = form
    check(lambda *xs: np.einsum(subscripts, *xs, optimize=optimize), *normal(*shapes), batches=not optimize)


SUBLISTS = [
    ([0, 1], [1, 2], [0, 2]), ([0, 1], [1, 2], None), ([Ellipsis, 0], [0, 1], [Ellipsis, 1]), ([30, 1], [1, 2], None),
]  # fmt: skip


@pytest.mark.parametrize("lists", SUBLISTS)
def test_sublists(lists):
    left, right, out = lists
    tail = [] if out is None else [out]
    check(lambda a, b: np.einsum(a, left, b, right, *tail), *normal((2, 3), (3, 2)))


@pytest.mark.parametrize("optimize", ["greedy", "optimal", ("greedy", 100), ["einsum_path", (1, 2), (0, 1)]])
def test_paths(optimize):
    check(lambda *xs: np.einsum("ij,jk,kl->il", *xs, optimize=optimize), *normal((2, 3), (3, 2), (2, 2)))


def test_complex_operands_and_mixed_types():
    a, b = normal((2, 3), (3, 2))
    product = lambda a, b: np.einsum("ij,jk->ik", a, b)
    check(product, a + 1j * a[::-1], b)
    check(product, a, b - 2j * b)
    y_bar = np.ones((2, 2))
    [a_bar] = wg.vjp(lambda a: product(a, b), a.astype(np.float32))[1](y_bar)
    assert a_bar.dtype == np.float32
    np.testing.assert_allclose(a_bar, y_bar @ b.T, rtol=1e-6)


def test_dtype_casts_the_operands():
    a, b = normal((2, 3), (3, 2))
    y_bar = np.ones((2, 2), complex)
    [a_bar] = wg.vjp(lambda a: np.einsum("ij,jk", a, b, dtype=complex), a)[1](y_bar)
    np.testing.assert_allclose(a_bar, np.ones((2, 2)) @ b.T)
    assert a_bar.dtype == a.dtype
    with pytest.raises(TypeError, match="Cannot cast"):
        wg.grad(lambda a: np.einsum("ij->", a, dtype=np.float32))(a)
    assert wg.grad(lambda a: np.einsum("ij->", a, dtype=np.float32, casting="same_kind"))(a).dtype == a.dtype


BAD = [
    ("ij", (2,)),
    ("ij,jk->iz", (2, 2), (2, 2)),
    ("i->ii", (2,)),
    ("i,i", (2,)),
    ("i...->i", (2, 3)),
    ("i,i->i", (2,), (3,)),
    ("i$", (2, 2)),
]


@pytest.mark.parametrize("form", BAD, ids=lambda form: form[0])
def test_errors_are_numpys(form):
    subscripts, *shapes = form
    xs = normal(*shapes)
    with pytest.raises(ValueError, match=r".") as plain:
        np.einsum(subscripts, *xs)
    with pytest.raises(ValueError, match=r".") as traced:
        wg.vjp(lambda *xs: np.einsum(subscripts, *xs), *xs)
    assert str(traced.value) == str(plain.value)


def test_only_the_differentiated_operand_gets_a_cotangent():
    a, b = normal((2, 3), (3, 2))
    np.testing.assert_allclose(
        wg.grad(lambda b: np.einsum("ij,jk->", a, b))(b), np.outer(a.sum(0), np.ones(2))
    )


def test_one_operand_in_both_places():
    [a] = normal((3, 3))
    np.testing.assert_allclose(wg.grad(lambda a: np.einsum("ij,ji->", a, a))(a), 2 * a.T)


def test_large_contractions_have_exact_cotangents():
    """Beyond a size the cotangents go through BLAS; NumPy's own contraction is the reference."""
    a, b = normal((60, 40), (40, 50))
    a_bar, b_bar = wg.grad(lambda a, b: np.einsum("ij,jk->ik", a, b).sum(), argnums=(0, 1))(a, b)
    np.testing.assert_allclose(a_bar, np.ones((60, 50)) @ b.T, rtol=1e-12)
    np.testing.assert_allclose(b_bar, a.T @ np.ones((60, 50)), rtol=1e-12)


def test_path_is_a_matter_of_shapes():
    a, b = normal((2, 3), (3, 2))
    found = []
    wg.grad(lambda a: found.append(np.einsum_path("ij,jk", a, b)) or a.sum())(a)
    assert found[0] == np.einsum_path("ij,jk", a, b)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ii->i", [(0, 1)]),  # NumPy gives one number, which nobody wrote
        ("ii->i", [(1, 0)]),
        ("ii", [(1, 3)]),
        ("ij,jj->i", [(2, 3), (1, 3)]),
        ("ij,jj->i", [(2, 3), (3, 1)]),
    ],
)
def test_a_diagonal_of_axes_of_unequal_lengths_is_refused(subscripts, shapes):
    operands = [np.ones(shape) for shape in shapes]
    fun = lambda *xs: np.einsum(subscripts, *xs)
    with pytest.raises(ValueError, match=r"lengths \d and \d"):
        stage(fun, [type_of(x) for x in operands], "product")
    if shapes != [(0, 1)]:
        for form in (fun, jit(fun), wg.grad(lambda *xs: fun(*xs).sum())):
            with pytest.raises(ValueError, match="don't match"):
                form(*operands)
