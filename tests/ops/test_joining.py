"""Joining, splitting and padding: values as NumPy's, and derivatives in every mode."""

import numpy as np
import pytest

import wengert as wg

from .functions import check, same_error

PLAIN = np.arange(1.0, 7.0).reshape(2, 3)

CASES = {
    "concatenate": (lambda x, y: np.concatenate([x, y]), (2, 3), (1, 3)),
    "concatenate axis": (lambda x, y: np.concatenate((x, PLAIN, y), axis=-1), (2, 1), (2, 2)),
    "concatenate flat": (lambda x, y: np.concatenate([x, y], axis=None), (2, 3), (2,)),
    "concatenate lists": (lambda x: np.concatenate([x, [1.0, 2.0], (3.0,)]), (2,)),
    "concatenate one": (lambda x: np.concatenate(x), (2, 3)),
    "concatenate empty": (lambda x: np.concatenate([x, np.zeros(0)]), (2,)),
    "concatenate twice": (lambda x: np.concatenate([x, x]), (2,)),
    "concatenate dtype": (lambda x: np.concatenate([x, x], dtype=np.float64), (2,)),
    "stack": (lambda x, y: np.stack([x, y, [1.0, 2.0, 3.0]]), (3,), (3,)),
    "stack last": (lambda x, y: np.stack((x, y), axis=-1), (2, 3), (2, 3)),
    "stack scalars": (lambda x, y: np.stack([x, y, 1.0]), (), ()),
    "vstack": (lambda x, y: np.vstack([x, y]), (3,), (2, 3)),
    "hstack": (lambda x, y: np.hstack([x, y]), (2,), (3,)),
    "hstack matrices": (lambda x, y: np.hstack([x, y]), (2, 1), (2, 3)),
    "hstack scalars": (lambda x, y: np.hstack([x, y]), (), ()),
    "dstack": (lambda x, y: np.dstack([x, y]), (2, 3), (2, 3)),
    "dstack vectors": (lambda x, y: np.dstack([x, y]), (3,), (3,)),
    "column_stack": (lambda x, y: np.column_stack([x, y]), (2,), (2, 3)),
    "append": (lambda x, y: np.append(x, y), (2, 3), (2,)),
    "append axis": (lambda x, y: np.append(x, y, axis=0), (2, 3), (1, 3)),
    "block": (lambda x, y: np.block([[x, y], [np.zeros((1, 2)), np.ones((1, 1))]]), (2, 2), (2, 1)),
    "block row": (lambda x, y: np.block([x, y, 1.0]), (2,), (3,)),
    "block column": (lambda x, y: np.block([[x], [y]]), (3,), (2, 3)),
    "block single": (lambda x: np.block(x), (2, 3)),
    "split": (lambda x: np.split(x, 3), (6,)),
    "split places": (lambda x: np.split(x, [1, 4], axis=1), (2, 5)),
    "split beyond": (lambda x: np.split(x, [2, 9]), (5,)),
    "array_split": (lambda x: np.array_split(x, 3), (5,)),
    "array_split axis": (lambda x: np.array_split(x, 2, axis=-1), (2, 3)),
    "hsplit": (lambda x: np.hsplit(x, 2), (3, 4)),
    "hsplit vector": (lambda x: np.hsplit(x, 2), (4,)),
    "vsplit": (lambda x: np.vsplit(x, [1]), (3, 4)),
    "dsplit": (lambda x: np.dsplit(x, 2), (1, 2, 4)),
    "unstack": (lambda x: np.unstack(x, axis=1), (2, 3)),
    "delete": (lambda x: np.delete(x, 1), (2, 3)),
    "delete many": (lambda x: np.delete(x, [0, -1], axis=1), (2, 4)),
    "delete slice": (lambda x: np.delete(x, np.s_[::2], axis=0), (3, 2)),
    "insert": (lambda x, y: np.insert(x, 1, y), (3,), ()),
    "insert many at one place": (lambda x, y: np.insert(x, 1, y), (3,), (2,)),
    "insert many": (lambda x, y: np.insert(x, [0, 2, 3], y), (3,), (3,)),
    "insert row": (lambda x, y: np.insert(x, 1, y, axis=0), (2, 3), (3,)),
    "insert column": (lambda x, y: np.insert(x, -1, y, axis=1), (2, 3), (2,)),
    "insert columns": (lambda x, y: np.insert(x, [1, 1], y, axis=1), (2, 3), (2, 2)),
    "insert one in a list": (lambda x, y: np.insert(x, [1], y, axis=1), (3, 3), (3, 1)),
    "insert wide": (lambda x, y: np.insert(x, [1], y, axis=1), (3, 3), (3, 2)),
    "insert slice": (lambda x, y: np.insert(x, slice(1, 3), y), (4,), (2,)),
    "pad": (lambda x: np.pad(x, 1), (2, 3)),
    "pad pair": (lambda x: np.pad(x, (1, 2)), (2, 3)),
    "pad widths": (lambda x: np.pad(x, ((0, 1), (2, 0))), (2, 3)),
    "pad column of widths": (lambda x: np.pad(x, [[1], [2]]), (2, 3)),
    "pad dict": (lambda x: np.pad(x, {-1: (1, 2)}), (2, 3)),
    "pad value": (lambda x: np.pad(x, 1, constant_values=2.5), (2, 3)),
    "pad values": (lambda x: np.pad(x, 1, constant_values=((1, 2), (3, 4))), (2, 3)),
    "pad traced value": (lambda x, y: np.pad(x, (1, 2), constant_values=y), (2, 3), ()),
    "pad traced pair": (lambda x, y: np.pad(x, 1, constant_values=(y, 2 * y)), (2, 3), ()),
    "pad scalar": (lambda x: np.pad(x, 3), ()),
    "pad edge": (lambda x: np.pad(x, (2, 1), mode="edge"), (2, 3)),
    "pad wrap": (lambda x: np.pad(x, ((0, 0), (5, 7)), mode="wrap"), (2, 3)),
    "pad reflect": (lambda x: np.pad(x, ((1, 0), (5, 4)), mode="reflect"), (2, 3)),
    "pad symmetric": (lambda x: np.pad(x, ((1, 0), (5, 4)), mode="symmetric"), (2, 3)),
    "pad reflect odd": (lambda x: np.pad(x, (9, 7), mode="reflect", reflect_type="odd"), (4,)),
    "pad symmetric odd": (lambda x: np.pad(x, (9, 11), mode="symmetric", reflect_type="odd"), (4,)),
    "pad odd planes": (lambda x: np.pad(x, ((1, 3), (2, 0)), mode="reflect", reflect_type="odd"), (2, 3)),
    "pad odd line": (lambda x: np.pad(x, 2, mode="reflect", reflect_type="odd"), (1,)),
    "pad linear_ramp": (lambda x: np.pad(x, ((2, 0), (1, 3)), mode="linear_ramp"), (2, 3)),
    "pad ramp ends": (lambda x: np.pad(x, 2, mode="linear_ramp", end_values=((1, 2), (3, 4))), (2, 3)),
    "pad traced ends": (lambda x, y: np.pad(x, 2, mode="linear_ramp", end_values=y), (3,), ()),
    "pad mean": (lambda x: np.pad(x, 2, mode="mean"), (2, 3)),
    "pad mean length": (lambda x: np.pad(x, (2, 1), mode="mean", stat_length=2), (2, 3)),
    "pad maximum": (lambda x: np.pad(x, 1, mode="maximum", stat_length=((1, 2), (2, 3))), (2, 3)),
    "pad minimum": (lambda x: np.pad(x, 1, mode="minimum"), (2, 3)),
    "pad median": (lambda x: np.pad(x, 1, mode="median"), (2, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_joining(name: str, rng: np.random.Generator) -> None:
    fun, *shapes = CASES[name]
    check(fun, *[rng.normal(size=shape) for shape in shapes])


@pytest.mark.parametrize(
    ("fun", "shape"),
    [
        (lambda x: np.concatenate([x, np.zeros((2, 2))]), (2, 3)),
        (lambda x: np.concatenate([x, np.zeros(3)]), (2, 3)),
        (lambda x: np.concatenate([x, x], axis=2), (2, 3)),
        (lambda x: np.concatenate([x, x]), ()),
        (lambda x: np.concatenate([x, x], dtype=np.int64), (2,)),
        (lambda x: np.stack([x, x[:1]]), (2,)),
        (lambda x: np.block([[x], x]), (2,)),
        (lambda x: np.block([[x], []]), (2,)),
        (lambda x: np.block(([x], [x])), (2,)),
        (lambda x: np.split(x, 2), (3,)),
        (lambda x: np.array_split(x, 0), (3,)),
        (lambda x: np.vsplit(x, 1), (3,)),
        (lambda x: np.dsplit(x, 1), (3, 3)),
        (lambda x: np.hsplit(x, 1), ()),
        (np.unstack, ()),
        (lambda x: np.delete(x, 7), (3,)),
        (lambda x: np.insert(x, 9, 1.0), (3,)),
        (lambda x: np.pad(x, 1.5), (3,)),
        (lambda x: np.pad(x, -1), (3,)),
        (lambda x: np.pad(x, 1, mode="nothing"), (3,)),
        (lambda x: np.pad(x, 1, mode="edge", stat_length=1), (3,)),
        (lambda x: np.pad(x, 1, mode="edge"), (0,)),
        (lambda x: np.pad(x, 1, mode="maximum", stat_length=0), (3,)),
    ],
)
def test_errors_are_those_of_numpy(fun: object, shape: tuple, rng: np.random.Generator) -> None:
    same_error(fun, rng.normal(size=shape))


def test_padding_by_a_function_is_refused() -> None:
    with pytest.raises(wg.errors.RefusedError, match="in place"):
        wg.grad(lambda x: np.sum(np.pad(x, 1, mode=lambda *_: None)))(np.ones(3))


def test_joining_precisions_promotes_and_each_operand_gets_its_own_back() -> None:
    single, double = np.ones(2, np.float32), np.ones(3)
    y, pull = wg.vjp(lambda a, b: np.concatenate([a, b]), single, double)
    assert y.dtype == np.float64
    assert [x_bar.dtype for x_bar in pull(np.ones(5))] == [np.float32, np.float64]


@pytest.mark.parametrize("mode", ["edge", "reflect", "wrap", "mean", "linear_ramp"])
def test_padding_of_nothing(mode: str) -> None:
    x = np.zeros((0, 2))
    y, _ = wg.vjp(lambda x: np.pad(x, ((0, 0), (1, 2)), mode=mode), x)
    np.testing.assert_array_equal(y, np.pad(x, ((0, 0), (1, 2)), mode=mode), strict=True)
