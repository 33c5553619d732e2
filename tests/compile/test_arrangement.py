"""Which loops roots join."""

import numpy as np
import pytest

import wengert as wg


def test_a_root_joins_the_loop_that_reads_the_same_data(machine_code):
    """Not the last loop, which shares a number for each row with it and no more."""

    def fun(z, w):
        return np.sum(z, axis=1), np.prod(w), np.sum(z * w[:, None], axis=1)

    z, w = np.arange(300.0).reshape(6, 50), np.arange(1.0, 7.0)
    compiled = wg.jit(fun)
    for found, expected in zip(compiled(z, w), fun(z, w), strict=True):
        np.testing.assert_array_equal(found, expected)  # integers: exact
    assert str(compiled.kernels(z, w)).count("load argument0") == 1


# Lanes: inside or outside ---------------------------------------------------------------------------------------------


def _rotated(r, x):
    """Rodrigues' formula: short axes, functions of single numbers, and a product of vectors."""
    angle = np.sqrt(np.sum(r * r))
    axis = r / angle
    c, s = np.cos(angle), np.sin(angle)
    return x * c + np.cross(axis, x) * s + axis * (np.sum(axis * x) * (1 - c))


def test_small_jacobians_of_many_are_computed_side_by_side(machine_code):
    """One loop over the examples, in lanes; what the basis is 0 for is left out."""
    random = np.random.default_rng(0)
    r, x = random.normal(size=(200, 3)), random.normal(size=(200, 3))
    fun = wg.vmap(wg.jacfwd(_rotated, (0, 1)))
    compiled = wg.jit(fun)
    for found, expected in zip(compiled(r, x), fun(r, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    text = str(compiled.kernels(r, x))
    assert text.count("for ") == 1
    assert "< 200 lanes" in text


def test_long_rows_have_the_lanes(machine_code):
    x = np.random.default_rng(0).normal(size=(100, 64))
    compiled = wg.jit(lambda x: np.exp(x - np.max(x, axis=1, keepdims=True)))
    np.testing.assert_allclose(compiled(x), np.exp(x - np.max(x, axis=1, keepdims=True)), rtol=1e-15)
    assert "< 64 lanes" in str(compiled.kernels(x))


def test_side_by_side_with_zeros_and_what_is_undefined(machine_code):
    """Masked products are 0 where a factor is, whichever lanes they are in."""
    r = np.zeros((100, 3))
    r[:50] = np.random.default_rng(0).normal(size=(50, 3))
    x = np.ones((100, 3))
    fun = wg.vmap(wg.jacfwd(lambda r, x: np.where(np.sum(r * r) == 0, x, _rotated(r, x)), (0, 1)))
    with np.errstate(all="ignore"):
        for found, expected in zip(wg.jit(fun)(r, x), fun(r, x), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


# Sums of products -----------------------------------------------------------------------------------------------------


def test_short_sums_of_products_are_written_out(machine_code):
    """No entry of the result is loaded again to have another product added."""
    random = np.random.default_rng(0)
    a, b = random.normal(size=(3, 3)), random.normal(size=(3, 100))
    compiled = wg.jit(lambda a, b: np.sin(a) @ b)
    np.testing.assert_allclose(compiled(a, b), np.sin(a) @ b, rtol=1e-14, atol=1e-15)
    text = str(compiled.kernels(a, b))
    assert "load result0" not in text
    assert "< 100 lanes" in text


def test_what_is_read_at_computed_indices_again_and_again_is_read_once(machine_code):
    faces = np.random.default_rng(0).integers(0, 40, (30, 3))
    seen = np.arange(0, 30, 2)
    x = np.random.default_rng(1).normal(size=(5, 40))

    def fun(x, faces, seen):
        a, b, c = (x[:, corner] for corner in faces[seen].T)
        return a * b - c

    compiled = wg.jit(fun)
    np.testing.assert_array_equal(compiled(x, faces, seen), fun(x, faces, seen))
    assert str(compiled.kernels(x, faces, seen)).count("load argument2") <= 2  # once, and once to be checked


def test_single_entries_of_short_vectors_cut_no_loops(machine_code):
    """The gradient of reads v[k] is one loop, whose steps ask whether they are at k."""
    v = np.linspace(0.1, 0.8, 8)

    def fun(v):
        return np.sum(v * v[2] + np.sin(v) * v[5] * v[-1])

    compiled = wg.jit(wg.grad(fun))
    np.testing.assert_allclose(compiled(v), wg.grad(fun)(v), rtol=1e-14)
    text = str(compiled.kernels(v))
    assert text.count("for ") == text.count("< 8 lanes")


@pytest.mark.parametrize(
    ("fun", "shapes"),
    [
        (lambda m, b: m * np.tanh(b), ((50, 16), (16,))),  # a row for all rows
        (lambda w, h: np.tanh(h) @ w, ((16, 30), (16,))),  # a vector for all columns
        (lambda m, b: m + np.broadcast_to(np.tanh(b), (50, 16)), ((50, 16), (16,))),
    ],
)
def test_what_is_dear_is_computed_once_for_all_that_is_made_of_it(fun, shapes, machine_code):
    xs = [np.linspace(-1, 1, np.prod(shape)).reshape(shape) for shape in shapes]
    compiled = wg.jit(fun)
    np.testing.assert_allclose(compiled(*xs), fun(*xs), rtol=1e-14, atol=1e-15)
    inside = [line for line in compiled.kernels(*xs).splitlines() if "tanh" in line]
    assert len(inside) == 1
    assert len(inside[0]) - len(inside[0].lstrip()) == 8  # in one loop
