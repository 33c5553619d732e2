"""Shapes, orders, repetitions, diagonals and casts: values as NumPy's, and derivatives in every mode."""

import numpy as np
import pytest

import wengert as wg

from .functions import check, same_error

CASES = {
    "reshape": (lambda x: np.reshape(x, (3, 2)), (2, 3)),
    "reshape -1": (lambda x: np.reshape(x, (2, -1, 1)), (2, 3)),
    "reshape int": (lambda x: x.reshape(-1), (2, 3)),
    "reshape varargs": (lambda x: x.reshape(3, 2), (2, 3)),
    "reshape F": (lambda x: np.reshape(x, (3, 2), order="F"), (2, 3)),
    "ravel": (np.ravel, (2, 3)),
    "ravel F": (lambda x: np.ravel(x, "F"), (2, 3)),
    "ravel scalar": (np.ravel, ()),
    "flatten": (lambda x: x.flatten(), (2, 3)),
    "transpose": (np.transpose, (2, 3, 2)),
    "transpose axes": (lambda x: np.transpose(x, (1, -1, 0)), (2, 3, 2)),
    "T": (lambda x: x.T, (2, 3)),
    "permute_dims": (lambda x: np.permute_dims(x, (1, 0)), (2, 3)),
    "matrix_transpose": (np.matrix_transpose, (2, 3, 2)),
    "swapaxes": (lambda x: np.swapaxes(x, 0, -1), (2, 3, 2)),
    "moveaxis": (lambda x: np.moveaxis(x, 0, -1), (2, 3, 2)),
    "moveaxis many": (lambda x: np.moveaxis(x, (0, 1), (-1, 0)), (2, 3, 2)),
    "rollaxis": (lambda x: np.rollaxis(x, 2), (2, 3, 2)),
    "rollaxis up": (lambda x: np.rollaxis(x, 0, 2), (2, 3, 2)),
    "rollaxis end": (lambda x: np.rollaxis(x, 0, 3), (2, 3, 2)),
    "expand_dims": (lambda x: np.expand_dims(x, 1), (2, 3)),
    "expand_dims many": (lambda x: np.expand_dims(x, (0, -1)), (2, 3)),
    "squeeze": (np.squeeze, (1, 3, 1)),
    "squeeze axis": (lambda x: np.squeeze(x, -1), (1, 3, 1)),
    "squeeze axes": (lambda x: np.squeeze(x, (0, 2)), (1, 3, 1)),
    "flip": (np.flip, (2, 3)),
    "flip axis": (lambda x: np.flip(x, -1), (2, 3)),
    "flip axes": (lambda x: np.flip(x, (0, 1)), (2, 3, 2)),
    "fliplr": (np.fliplr, (2, 3)),
    "flipud": (np.flipud, (2, 3)),
    **{f"rot90 {k}": (lambda x, k=k: np.rot90(x, k), (2, 3)) for k in (-1, 0, 1, 2, 3, 6)},
    "rot90 axes": (lambda x: np.rot90(x, 1, (2, 0)), (2, 3, 2)),
    "roll": (lambda x: np.roll(x, 2), (2, 3)),
    "roll axis": (lambda x: np.roll(x, -4, axis=1), (2, 3)),
    "roll axes": (lambda x: np.roll(x, (1, 2), axis=(0, -1)), (2, 3)),
    "roll one shift": (lambda x: np.roll(x, 1, axis=(0, 1)), (2, 3)),
    "atleast_1d": (np.atleast_1d, ()),
    "atleast_2d": (np.atleast_2d, (3,)),
    "atleast_3d": (np.atleast_3d, (3,)),
    "atleast_3d matrix": (np.atleast_3d, (2, 3)),
    "atleast_1d many": (lambda x: np.atleast_1d(x, x * 2, x[0]), (3,)),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3)), (3,)),
    "broadcast_to int": (lambda x: np.broadcast_to(x, 4), ()),
    "broadcast_to ones": (lambda x: np.broadcast_to(x, (2, 2, 3)), (2, 1)),
    "broadcast_arrays": (lambda x: np.broadcast_arrays(x, x[:, None]), (3,)),
    "repeat": (lambda x: np.repeat(x, 2), (2, 3)),
    "repeat axis": (lambda x: np.repeat(x, 3, axis=-1), (2, 3)),
    "repeat none": (lambda x: np.repeat(x, 0, axis=0), (2, 3)),
    "repeat counts": (lambda x: np.repeat(x, [0, 2, 1], axis=1), (2, 3)),
    "tile": (lambda x: np.tile(x, 2), (2, 3)),
    "tile axes": (lambda x: np.tile(x, (2, 1, 3)), (2, 3)),
    "tile short": (lambda x: np.tile(x, (2,)), (2, 3)),
    "tile nothing": (lambda x: np.tile(x, (2, 0)), (2, 3)),
    "tile one": (lambda x: np.tile(x, 1), (2, 3)),
    "resize": (lambda x: np.resize(x, (2, 4)), (3,)),
    "resize smaller": (lambda x: np.resize(x, 2), (2, 3)),
    "meshgrid": (lambda x: np.meshgrid(x, 2 * x[:2]), (3,)),
    "meshgrid ij": (lambda x: np.meshgrid(x, x[:2], x[1:], indexing="ij"), (3,)),
    "meshgrid sparse": (lambda x: np.meshgrid(x, x[:2], sparse=True), (3,)),
    "meshgrid one": (lambda x: np.meshgrid(x), (3,)),
    "diagonal": (np.diagonal, (3, 3)),
    "diagonal offset": (lambda x: np.diagonal(x, 1, -1, 0), (2, 3, 2)),
    "diag matrix": (lambda x: np.diag(x, -1), (3, 2)),
    "diag vector": (lambda x: np.diag(x, 1), (3,)),
    "diagflat": (lambda x: np.diagflat(x, -1), (2, 2)),
    "trace": (np.trace, (3, 2)),
    "trace axes": (lambda x: np.trace(x, -1, 2, 0), (2, 3, 2)),
    "tril": (lambda x: np.tril(x, -1), (3, 3)),
    "triu": (lambda x: np.triu(x, 1), (2, 3, 3)),
    "tril vector": (np.tril, (3,)),
    "astype": (lambda x: np.astype(x, np.float64), (3,)),
    "astype method": (lambda x: x.astype(np.float64), (3,)),
    "copy": (np.copy, (2, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_movement(name: str, rng: np.random.Generator) -> None:
    fun, shape = CASES[name]
    check(fun, rng.normal(size=shape))


@pytest.mark.parametrize(
    ("fun", "shape"),
    [
        (lambda x: np.reshape(x, (4, 2)), (2, 3)),
        (lambda x: np.reshape(x, (-1, -1)), (2, 3)),
        (lambda x: np.reshape(x, (4, -1)), (2, 3)),
        (lambda x: np.reshape(x, (2, 3), order="Z"), (2, 3)),
        (lambda x: np.transpose(x, (0,)), (2, 3)),
        (lambda x: np.transpose(x, (0, 0)), (2, 3)),
        (lambda x: np.transpose(x, (0, 2)), (2, 3)),
        (np.matrix_transpose, (3,)),
        (lambda x: np.swapaxes(x, 0, 2), (2, 3)),
        (lambda x: np.moveaxis(x, (0, 1), 0), (2, 3)),
        (lambda x: np.rollaxis(x, 0, 4), (2, 3)),
        (lambda x: np.expand_dims(x, 4), (2, 3)),
        (lambda x: np.squeeze(x, 1), (1, 3)),
        (np.fliplr, (3,)),
        (lambda x: np.flip(x, 2), (2, 3)),
        (lambda x: np.rot90(x, 1, (0, 0)), (2, 3)),
        (lambda x: np.rot90(x, 1, (0, 5)), (2, 3)),
        (lambda x: np.roll(x, 1, 2), (2, 3)),
        (lambda x: np.broadcast_to(x, (2, 2)), (3,)),
        (lambda x: np.repeat(x, -1), (3,)),
        (lambda x: np.repeat(x, [1, 2]), (3,)),
        (lambda x: np.resize(x, (-1,)), (3,)),
        (lambda x: np.meshgrid(x, indexing="yx"), (3,)),
        (lambda x: np.diag(x), (2, 2, 2)),
        (np.diagonal, (3,)),
        (lambda x: np.diagonal(x, 0, 1, 1), (2, 2)),
        (lambda x: x.astype(np.float32, casting="safe"), (2, 2)),
    ],
)
def test_errors_are_those_of_numpy(fun: object, shape: tuple, rng: np.random.Generator) -> None:
    same_error(fun, rng.normal(size=shape))


@pytest.mark.parametrize("order", ["A", "K"])
def test_orders_that_follow_the_memory_layout_are_refused(order: str) -> None:
    with pytest.raises(wg.errors.RefusedError, match="memory layout"):
        wg.grad(lambda x: np.sum(np.ravel(x, order)))(np.ones((2, 3)))


def test_a_line_has_only_one_order() -> None:
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(np.ravel(x, "K")))(np.ones(3)), np.ones(3))


def test_casts_to_integers_have_derivative_zero() -> None:
    x = np.array([1.5, 2.5])
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x * x.astype(int)))(x), [1.0, 2.0])


def test_casts_between_precisions_return_cotangents_in_the_precision_of_the_operand() -> None:
    x = np.array([1.5, 2.5], np.float32)
    gradient = wg.grad(lambda x: np.sum(x.astype(np.float64) ** 2))(x)
    np.testing.assert_array_equal(gradient, np.array([3.0, 5.0], np.float32), strict=True)


def test_a_cast_to_complex_has_a_real_cotangent() -> None:
    x = np.array([1.5, 2.5])
    gradient = wg.grad(lambda x: np.sum(np.abs(x.astype(complex)) ** 2))(x)
    np.testing.assert_allclose(gradient, 2 * x, rtol=1e-15, strict=True)


def test_a_cast_from_complex_warns_as_numpy_does() -> None:
    with pytest.warns(np.exceptions.ComplexWarning):
        wg.grad(lambda x: np.sum(x.astype(float)))(np.array([1.0 + 1j]))
