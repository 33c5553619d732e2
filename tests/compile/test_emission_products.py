"""Products of matrices as machine code: all sizes, distances and widths of vectors.

On whole numbers, of which all sums are exact; what lies around a result stays as it is.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wengert.compile.kernel import INT, Block, For, Index, Multiply, Turn, Value
from wengert.compile.kernel_check import check
from wengert.compile.kernel_text import kernel_text
from wengert.compile.llvm import host
from wengert.compile.parallel import share
from wengert.errors import ArgumentError

from .kernels import DTYPES, Kernel, at, compiled, interpreted, number

WIDTHS = [bits for bits in (128, 256, 512) if bits <= host().vector_bits]


def whole(rng, size, type):
    return rng.integers(-9, 10, size).astype(DTYPES[type])


def product_kernel(sizes, gaps, type, *, turned=False, adds=False, offset=0):
    """A kernel y = a b, or y + a b; between rows there are gaps, in front of the blocks an offset."""
    m, n, k = sizes
    k_ = Kernel()
    down_a, across_a = (1, m + gaps[0]) if turned else (k + gaps[0], 1)
    ends = [
        (m - 1) * down_a + (k - 1) * across_a, (k - 1) * (n + gaps[1]) + n - 1, (m - 1) * (n + gaps[2]) + n - 1,
    ]  # fmt: skip
    a, b = [k_.argument(type, offset + end + 1, name) for end, name in zip(ends, "ab", strict=False)]
    y = k_.result(type, offset + ends[2] + 1, "y")
    k_.do(
        Multiply(
            Block(y, Index(offset), n + gaps[2], 1),
            Block(a, Index(offset), down_a, across_a),
            Block(b, Index(offset), n + gaps[1], 1),
            sizes,
            adds,
        )
    )
    return k_.program, a, b


def agree(program, a, b, type, seed=0, **options):
    rng = np.random.default_rng(seed)
    xs = whole(rng, a.size, type), whole(rng, b.size, type)
    code, (found,) = compiled(program, **options)(*xs)
    assert code == 0
    _, (expected,) = interpreted(program, *xs)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("type", ["f64", "f32"])
def test_every_number_of_columns_and_rows(type, bits) -> None:
    """Around one vector, and a panel of four; around the rows of one tile."""
    lanes = bits // int(type[1:])
    for n in (1, lanes - 1, lanes, lanes + 1, 3 * lanes + 2, 4 * lanes, 4 * lanes + 1, 9 * lanes):
        if n:
            agree(*product_kernel((7, n, 5), (0, 0, 0), type), type, n, width_bits=bits)
    for m in (1, 2, 5, 6, 7, 11, 12, 13, 25):
        agree(*product_kernel((m, lanes + 3, 4), (0, 0, 0), type), type, m, width_bits=bits)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 30), st.integers(1, 70), st.integers(1, 40)),
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
    st.sampled_from(["f64", "f32"]),
    st.sampled_from(WIDTHS),
    st.booleans(),
    st.integers(0, 3),
)
def test_any_matrices(sizes, gaps, type, bits, turned, offset) -> None:
    program, a, b = product_kernel(sizes, gaps, type, turned=turned, offset=offset)
    agree(program, a, b, type, sum(sizes), width_bits=bits)


def test_one_is_added_to_another() -> None:
    program, a, b = product_kernel((9, 20, 6), (0, 1, 2), "f64")
    (product,) = program.body
    again = Multiply(product.y, product.a, product.b, product.sizes, adds=True)
    program.body.append(again)
    assert "multiply y[0, 9 x 20 by 22, 1] = y[0, 9 x 20 by 22, 1] + a[0" in kernel_text(program)
    agree(program, a, b, "f64")


def test_several_products_are_added() -> None:
    """As those of a convolution: rows of the image that begin one and two entries further on, and in its next row."""
    taps = tuple((t, offset) for t, offset in enumerate((0, 1, 2, 10, 11, 12)))
    k = Kernel()
    a, b, y = k.argument("f64", 5 * 3 * 6, "a"), k.argument("f64", 3 * 40, "b"), k.result("f64", 5 * 28, "y")
    k.do(
        Multiply(
            Block(y, Index(0), 28, 1),
            Block(a, Index(0), 18, 6),
            Block(b, Index(0), 40, 1),
            (5, 28, 3),
            taps=taps,
        )
    )
    agree(k.program, a, b, "f64")
    weights, image = np.arange(90.0), np.arange(120.0) % 7
    windows = np.stack([image.reshape(3, 40)[:, at : at + 28] for _, at in taps], 1).reshape(18, 28)
    _, (found,) = compiled(k.program)(weights, image)
    np.testing.assert_array_equal(found.reshape(5, 28), weights.reshape(5, 18) @ windows)
    (product,) = k.program.body
    product.taps = (*taps, (6, 13))
    with pytest.raises(ArgumentError, match="of 90 entries"):
        check(k.program)


# Turns ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("type", ["f64", "f32"])
@pytest.mark.parametrize("sizes", [(1, 1), (1, 9), (8, 8), (7, 16), (17, 5), (24, 33), (4, 4), (2, 70)])
def test_turns(sizes, type, bits) -> None:
    """Whole squares and corners; between rows of the one, and columns of the other, there are gaps."""
    rows, columns = sizes
    k = Kernel()
    x = k.argument(type, 2 + (columns - 1) * (rows + 3) + rows, "x")
    y = k.result(type, 1 + (rows - 1) * (columns + 2) + columns, "y")
    k.do(Turn(Block(y, Index(1), columns + 2, 1), Block(x, Index(2), 1, rows + 3), sizes))
    entries = np.arange(1, x.size + 1).astype(DTYPES[type])
    code, (found,) = compiled(k.program, width_bits=bits)(entries)
    assert code == 0
    np.testing.assert_array_equal(found, interpreted(k.program, entries)[1][0])


# Threads --------------------------------------------------------------------------------------------------------------


def rows_in_blocks(count=16, rows=24, n=64, k=80, *, stride=None):
    k_ = Kernel()
    a, b = k_.argument("f32", count * rows * k, "a"), k_.argument("f32", k * n, "b")
    y = k_.result("f32", count * rows * n, "y")
    counter = Value(INT)
    stride = rows if stride is None else stride
    blocks = Block(y, at((counter, stride * n)), n, 1), Block(a, at((counter, rows * k)), k, 1)
    k_.do(For(counter, count, [Multiply(*blocks, Block(b, Index(0), n, 1), (rows, n, k))]))
    return k_.program, a, b


def test_threads_share_blocks_of_rows() -> None:
    program, a, b = rows_in_blocks()
    share(program)
    assert program.body[0].parallel is not None
    agree(program, a, b, "f32")


def test_threads_add_products_to_sums_of_their_own() -> None:
    k_ = Kernel()
    a, b, y = (
        k_.argument("f64", 64 * 40 * 30, "a"),
        k_.argument("f64", 30 * 24, "b"),
        k_.result("f64", 40 * 24, "y"),
    )
    counter = Value(INT)
    blocks = Block(y, Index(0), 24, 1), Block(a, at((counter, 40 * 30)), 30, 1), Block(b, Index(0), 24, 1)
    with k_.loop(y.size) as loop:
        k_.store(number(0.0), y, loop.counter)
    k_.do(For(counter, 64, [Multiply(*blocks, (40, 24, 30), adds=True)]))
    share(k_.program)
    (joined,) = k_.program.body[1].parallel.joined
    assert (joined.buffer, joined.reduction) == (y, "add")
    agree(k_.program, a, b, "f64")


def test_threads_do_not_share_products_that_replace_each_other() -> None:
    program, *_ = rows_in_blocks(stride=0)
    share(program)
    assert program.body[0].parallel is None


def test_threads_do_not_share_rows_that_overlap() -> None:
    program, *_ = rows_in_blocks(stride=23)
    share(program)
    assert program.body[0].parallel is None


# What is refused ------------------------------------------------------------------------------------------------------


def refused(change, what) -> None:
    program, *_ = product_kernel((3, 4, 5), (0, 0, 0), "f64")
    (product,) = program.body
    change(program, product)
    with pytest.raises(ArgumentError, match=what):
        check(program)


def test_entries_that_are_not_there() -> None:
    def grow(_, product):
        product.sizes = (3, 4, 6)

    refused(grow, "of 15 entries")


def test_columns_that_lie_apart() -> None:
    def turn(_, product):
        product.b = product.b._replace(down=1, across=5)

    refused(turn, "entries are not contiguous")


def test_rows_that_overlap() -> None:
    def shrink(_, product):
        product.y = product.y._replace(down=3)

    refused(shrink, "rows overlap")


def test_a_factor_that_is_overwritten() -> None:
    def same(_, product):
        product.a = product.y._replace(down=1)

    refused(same, "an operand is overwritten")


def test_numbers_of_two_types() -> None:
    def other(program, product):
        product.a.buffer.type = "f32"

    refused(other, "types differ")
