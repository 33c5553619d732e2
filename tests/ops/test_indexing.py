"""Reading and writing at an index: NumPy's semantics, in every mode."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import wengert as wg
from wengert.core.dispatch import Traced
from wengert.errors import NotConcreteError, NotDifferentiableError
from wengert.ops.index_forms import layout
from wengert.ops.indexing import scatter
from wengert.ops.updating import index_add, index_update

from .agreement import check

SHAPE = (3, 4, 2)
REPEATED = np.array([2, 0, 2, -1])

INDICES = [
    1,
    -1,
    np.int64(2),
    np.array(1),
    slice(None),
    slice(None, None, -1),
    slice(np.int64(0), np.int8(2)),
    Ellipsis,
    None,
    (),
    (0, 1, 1),
    (Ellipsis, 0),
    (0, Ellipsis, None, 1),
    [0, 2],
    [],
    REPEATED,
    ([0, 1], [3, 3]),
    (slice(None), REPEATED),
    (0, slice(None), [1, 0, 1]),
    ([[0], [2]], Ellipsis, [0, 1, 1]),
    (slice(None), [1, 1], [0, 1]),
    ([0, 0], None, [1, 1]),
    np.arange(24).reshape(SHAPE) % 5 == 0,
    np.array([True, False, True]),
    [True, False, True],
    (slice(None), np.array([True, False, False, True]), [0, 1]),
    True,
    False,
    np.zeros(SHAPE, bool),
]


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_reading(index, rng):
    x = rng.normal(size=SHAPE)
    check(lambda x: np.sin(x[index]) * 2.0, x)


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_writing(index, rng):
    x = rng.normal(size=SHAPE)
    v = rng.normal(size=np.shape(x[index]))

    def plain(x, v):
        y = x.copy()
        y[index] = v
        return y

    check(lambda x, v: np.sin(index_update(x, index, v)), x, v, plain=lambda x, v: np.sin(plain(x, v)))


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_adding(index, rng):
    x = rng.normal(size=SHAPE)
    v = rng.normal(size=np.shape(x[index]))

    def plain(x, v):
        y = x.copy()
        np.add.at(y, index, v)
        return y

    check(lambda x, v: np.sin(index_add(x, index, v)), x, v, plain=lambda x, v: np.sin(plain(x, v)))


@given(st.data())
def test_any_index_of_numpy(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=4, max_side=4))
    basic = hnp.basic_indices(shape, allow_newaxis=True)
    integers = hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3))
    index = data.draw(st.one_of(basic, integers))
    x = np.random.default_rng(0).normal(size=shape)
    check(lambda x: x[index] ** 2, x)


@given(st.data())
def test_layout_is_where_numpy_puts_the_axes(data):
    entry = st.sampled_from(
        [slice(None), None, 0, np.array([0, 1, 1]), np.array([[0, 1, 1]]), np.array([True, True])]
    )
    items = tuple(data.draw(st.lists(entry, max_size=4)))
    place = data.draw(st.integers(0, len(items)))
    items = (*items[:place], Ellipsis, *items[place:]) if data.draw(st.booleans()) else items
    x = np.zeros((2, 2, 2, 2))
    try:
        y = x[items]
    except IndexError:  # arrays that do not broadcast: there is no layout
        return
    found = layout(items, 4)
    assert found.ndim == y.ndim
    lengths = {item.shape[-1] for item in items if isinstance(item, np.ndarray) and item.dtype == int}
    if found.rank and lengths == {3}:
        assert y.shape[found.start : found.start + found.rank][-1:] == (3,)


def test_reads_of_single_entries_add_up():
    x = np.arange(1.0, 4.0)
    gradient = wg.grad(lambda x: sum(x[i] * x[i] for i in range(3)) + x[0] * x[-1] + np.sum(x))(x)
    np.testing.assert_array_equal(gradient, 2 * x + [3.0, 0.0, 1.0] + 1.0)


def test_a_duplicate_is_read_twice():
    x = np.arange(4.0)
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(x[REPEATED]))(x), [1.0, 0.0, 2.0, 1.0])


def test_rows_of_a_table_add_up():
    table = np.zeros((50, 8))
    rows = np.arange(200) % 7
    gradient = wg.grad(lambda t: np.sum(t[rows] * np.arange(200.0)[:, None]))(table)
    expected = np.zeros(50)
    np.add.at(expected, rows, np.arange(200.0))
    np.testing.assert_array_equal(gradient, np.broadcast_to(expected[:, None], (50, 8)))


def test_the_last_write_wins():
    x, v = np.zeros(4), np.arange(1.0, 5.0)
    y, pullback = wg.vjp(lambda x, v: index_update(x, REPEATED, v), x, v)
    np.testing.assert_array_equal(y, [2.0, 0.0, 3.0, 4.0])
    x_bar, v_bar = pullback(np.array([10.0, 20.0, 30.0, 40.0]))
    np.testing.assert_array_equal(x_bar, [0.0, 20.0, 0.0, 0.0])
    np.testing.assert_array_equal(v_bar, [0.0, 10.0, 30.0, 40.0])


def test_values_broadcast_into_the_index(rng):
    x = rng.normal(size=(3, 4))
    for shape in ((), (1,), (4,), (1, 4), (3, 1), (1, 1, 3, 4)):
        v = rng.normal(size=shape)
        check(lambda x, v: index_update(x, slice(None), v) ** 2, x, v)
    check(lambda x, v: index_add(x, [0, 0], v), x, rng.normal(size=4))


def test_a_write_rebinds_the_handle(rng):
    def fun(x):
        y = x * 1.0
        y[0] = y[1] ** 2
        y[1:] += y[0]
        y[..., -1] = 5.0
        return y

    x = rng.normal(size=4)
    check(fun, x)


def test_add_at_counts_repetitions(rng):
    def fun(x, v):
        y = np.exp(x)
        np.add.at(y, REPEATED, v)
        np.subtract.at(y, [0, 0], v[:2])
        return y

    check(fun, rng.normal(size=4), rng.normal(size=4), batches=False)


def test_an_index_array_may_be_overwritten_afterwards():
    index = np.array([0, 1])

    def fun(x):
        y = x[index]
        index[:] = 2
        return np.sum(y)

    np.testing.assert_array_equal(wg.grad(fun)(np.zeros(3)), [1.0, 1.0, 0.0])


def test_index_arrays_differ_from_example_to_example(rng):
    x, batch = rng.normal(size=(3, 4, 2)), rng.normal(size=(5, 3, 4, 2))
    i, j = rng.integers(0, 3, (5, 2)), rng.integers(0, 2, (5,))
    for read in (
        lambda x, i, j: x[i],
        lambda x, i, j: x[:, i, j],
        lambda x, i, j: x[i, :, j],
        lambda x, i, j: x[0, :, i % 2],
        lambda x, i, j: x[j, None, ..., i % 2],
        lambda x, i, j: x[..., j],
        lambda x, i, j: x[[[0], [1]], i],
        lambda x, i, j: (
            np.sum(index_update(x, i, 2.0) * x) + np.sum(index_add(x, (slice(None), j), x[:, 0]) * x)
        ),
        lambda x, i, j: wg.grad(lambda x: np.sum(np.sin(x[i]) * x[j]))(x),
        lambda x, i, j: wg.vjp(lambda x, v: index_update(x, (slice(None), i), v), x, x[:, :2])[1](x)[1],
        lambda x, i, j: wg.grad(lambda x: np.sum(wg.grad(lambda x: np.sum(x[i] ** 3))(x)[j] ** 2))(x),
    ):
        loop = np.stack([read(b, p, q) for b, p, q in zip(batch, i, j, strict=True)])
        np.testing.assert_allclose(wg.vmap(read)(batch, i, j), loop, rtol=1e-14)
        loop = np.stack([read(x, p, q) for p, q in zip(i, j, strict=True)])
        same = lambda i, j, read=read: wg.vjp(lambda x: read(x, i, j), x)[0]
        np.testing.assert_allclose(wg.vmap(same)(i, j), loop, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_precision_is_kept(dtype):
    x = np.ones(3, dtype)
    for fun in (
        lambda x: x[REPEATED % 3],
        lambda x: index_update(x, 0, np.float64(2.0)),
        lambda x: index_add(x, 0, x[1]),
    ):
        y, pullback = wg.vjp(fun, x)
        (x_bar,) = pullback(np.ones_like(y))
        assert y.dtype == dtype
        assert x_bar.dtype == dtype


def test_scatter_adds_pieces_of_every_kind(rng):
    def fun(a, b, c):
        return (
            scatter(a, b, c, indices=(0, (slice(None), 1), ([0, 1, 1],)), shape=(2, 3), dtype=np.dtype(float))
            ** 2
        )

    check(fun, rng.normal(size=3), rng.normal(size=2), rng.normal(size=(3, 3)))


def test_entries_of_a_plain_array_stay_plain():
    assert not isinstance(index_update(np.zeros(3), 0, 1.0), Traced)
    np.testing.assert_array_equal(index_add(np.zeros(3, int), [0, 0], 1), [2, 0, 0])


@pytest.mark.parametrize("index", ["a", 1.5, (0, 0, 0, 0), [0.0], 7, ([0, 1], [0, 1, 2])])
def test_an_invalid_index_raises_what_numpy_raises(index):
    x = np.zeros((2, 3))
    with pytest.raises(IndexError):
        x[index]
    with pytest.raises(IndexError):
        wg.grad(lambda x: np.sum(x[index]))(x)


def test_values_that_do_not_fit_raise():
    with pytest.raises(ValueError, match="broadcast"):
        wg.grad(lambda x: np.sum(index_update(x, slice(None), np.ones(3))))(np.zeros(4))
    with pytest.raises(TypeError, match="same_kind"):
        index_add(np.zeros(2, int), 0, np.array(1.5))


def test_a_traced_float_is_no_index():
    with pytest.raises(NotDifferentiableError, match="astype"):
        wg.grad(lambda x: np.arange(3.0)[0] * x[x])(np.zeros(2))


def test_a_traced_float_is_not_rounded_into_integers():
    with pytest.raises(NotDifferentiableError, match="astype"):
        wg.grad(lambda x: np.sum(index_update(np.zeros(2, int), 0, x)))(1.5)


def test_a_mask_that_differs_between_examples_names_the_remedy():
    with pytest.raises(NotConcreteError, match=r"np\.where"):
        wg.vmap(lambda x: np.sum(x[x > 0]))(np.ones((2, 3)))


def test_a_plain_destination_raises():
    buffer = np.zeros(3)
    with pytest.raises(NotConcreteError, match="plain array"):
        wg.grad(lambda x: np.add.at(buffer, [0], x))(1.0)
    np.testing.assert_array_equal(buffer, 0.0)
