"""Programs that write through views.

Each takes x of shape (3, 4) and w of shape (4,), writes into x through some view, and returns a result.
All operations are analytic, so that complex steps through NumPy's own views tell the derivative.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Program = Callable[[Any, Any], Any]

PROGRAMS: dict[str, Program] = {}


def program(fun: Program) -> Program:
    PROGRAMS[fun.__name__] = fun
    return fun


@program
def row(x: Any, w: Any) -> Any:
    row = x[1]
    row *= w
    return x


@program
def column(x: Any, w: Any) -> Any:
    x[:, 2] = x[:, 0] * w[:3]
    return x


@program
def row_sees_write_to_base(x: Any, w: Any) -> Any:
    row = x[1]
    x[1, 2] = w[0]
    return row * row


@program
def row_sees_augmented_base(x: Any, w: Any) -> Any:
    row = x[0]
    x *= w
    return row + 1.0


@program
def two_overlapping_slices(x: Any, w: Any) -> Any:
    a, b = x[0, :3], x[0, 1:]
    a *= w[:3]
    b += a
    return x * a.sum()


@program
def shifted_self_assignment(x: Any, w: Any) -> Any:
    x[:, 1:] = x[:, :-1]
    x[:, 0] = w[:3]
    return x


@program
def shifted_self_addition(x: Any, w: Any) -> Any:
    x[:, 1:] += x[:, :-1] * w[0]
    return x


@program
def view_of_a_view(x: Any, w: Any) -> Any:
    inner = x[1:][:, ::2][1]
    inner[...] = w[:2] * inner
    return x


@program
def negative_steps(x: Any, w: Any) -> Any:
    back = x[::-1, ::-1]
    back[0] *= w
    return x


@program
def transpose(x: Any, w: Any) -> Any:
    x.T[1] = w[:3]
    return x * x


@program
def transpose_twice(x: Any, w: Any) -> Any:
    same = x.T.T
    same += w
    return x


@program
def swapped_axes(x: Any, w: Any) -> Any:
    np.swapaxes(x, 0, 1)[2] *= w[:3]
    return x


@program
def moved_axis(x: Any, w: Any) -> Any:
    np.moveaxis(x, 1, 0)[3] += w[:3]
    return x


@program
def rolled_axis(x: Any, w: Any) -> Any:
    np.rollaxis(x, 1)[0] -= w[:3]
    return x


@program
def reshape(x: Any, w: Any) -> Any:
    flat = x.reshape(-1)
    flat[3:7] *= w
    return x


@program
def reshape_to_more_axes(x: Any, w: Any) -> Any:
    cube = x.reshape(3, 2, 2)
    cube[:, 1, :] = cube[:, 0, :] * w[:2]
    return x


@program
def reshape_of_a_transpose_is_a_copy(x: Any, w: Any) -> Any:
    copy = x.T.reshape(-1)
    copy[:] = w[0]
    return x * copy.sum()


@program
def reshape_of_a_column_is_a_view(x: Any, w: Any) -> Any:
    x[:, 1].reshape(3, 1)[:] = w[0]
    return x


@program
def ravel(x: Any, w: Any) -> Any:
    np.ravel(x)[5] = w[1] * x[0, 0]
    return x


@program
def ravel_method_of_a_slice_is_a_copy(x: Any, w: Any) -> Any:
    copy = x[:, :2].ravel()
    copy *= w[0]
    return x + copy.sum()


@program
def flatten_is_a_copy(x: Any, w: Any) -> Any:
    copy = x.flatten()
    copy *= w[0]
    return x + copy[3]


@program
def copy_is_a_copy(x: Any, w: Any) -> Any:
    copy = x[1].copy()
    copy *= w
    return x + copy


@program
def fancy_index_is_a_copy(x: Any, w: Any) -> Any:
    copy = x[[0, 2]]
    copy *= w
    return x * copy.sum()


@program
def fancy_assignment(x: Any, w: Any) -> Any:
    x[[0, 2]] *= w
    x[x.real.shape[0] - 1, [0, 3]] = w[:2]
    return x


@program
def mask_assignment(x: Any, w: Any) -> Any:
    mask = np.eye(3, 4, dtype=bool)
    x[mask] = w[:3]
    return x


@program
def fancy_write_through_a_view(x: Any, w: Any) -> Any:
    x[1:][:, [3, 0]] = w[:2]
    return x


@program
def mask_write_through_a_view(x: Any, w: Any) -> Any:
    x.T[np.array([True, False, True, False])] *= w[:3]
    return x


@program
def new_axis(x: Any, w: Any) -> Any:
    x[:, None, :][1, 0] *= w
    return x


@program
def expand_dims(x: Any, w: Any) -> Any:
    np.expand_dims(x, 0)[0, 0] = w
    return x


@program
def squeeze(x: Any, w: Any) -> Any:
    np.squeeze(x[:1])[1:] = w[1:]
    return x


@program
def ellipsis(x: Any, w: Any) -> Any:
    same = x[...]
    same[...] = same * w
    return x


@program
def flip(x: Any, w: Any) -> Any:
    np.flip(x, 1)[0] = w
    np.fliplr(x)[1, 0] = w[0]
    np.flipud(x)[0] += w
    return x


@program
def rot90(x: Any, w: Any) -> Any:
    np.rot90(x)[0] = w[:3]
    return x


@program
def at_least_3d(x: Any, w: Any) -> Any:
    np.atleast_3d(x)[0, :, 0] = w
    np.atleast_2d(w)[0, 0] *= 2.0
    np.atleast_1d(x)[1, 0] *= w[0]
    return x


@program
def split(x: Any, w: Any) -> Any:
    left, right = np.split(x, 2, axis=1)
    left += right * w[:2]
    return x


@program
def array_split(x: Any, w: Any) -> Any:
    for i, part in enumerate(np.array_split(x, 3, axis=1)):
        part *= w[i]  # noqa: PLW2901 - a write through the view
    return x


@program
def splits_of_other_names(x: Any, w: Any) -> Any:
    np.vsplit(x, 3)[1][0] = w
    np.hsplit(x, 2)[1][0] = w[:2]
    np.dsplit(x.reshape(1, 3, 4), 2)[0][0, 2] *= w[0]
    return x


@program
def unpacked_rows(x: Any, w: Any) -> Any:
    a, b, c = x
    a += b * w
    c[...] = a
    return x


@program
def rows_of_a_loop(x: Any, w: Any) -> Any:
    for i, row in enumerate(x):
        row *= w[i]  # noqa: PLW2901 - a write through the view
    return x


@program
def recurrence(x: Any, w: Any) -> Any:
    for i in range(1, 3):
        x[i] = x[i - 1] * w + x[i] * x[i]
    return x


@program
def scalars_are_copies(x: Any, w: Any) -> Any:
    entry = x[0, 0]
    entry *= w[0]
    total = x.sum()
    same = total
    total += w[1]
    return x * entry + same


@program
def zero_dimensional_view(x: Any, w: Any) -> Any:
    entry = x[0, 0, ...]
    entry *= w[0]
    return x


@program
def out_into_a_view(x: Any, w: Any) -> Any:
    np.multiply(x[1], w, out=x[2])
    np.add(x[:, :1], w[0], out=x[:, 3:])
    return x


@program
def sum_into_a_view(x: Any, w: Any) -> Any:
    np.sum(x, axis=0, out=x[0])
    return x * w


@program
def copyto_a_view(x: Any, w: Any) -> Any:
    np.copyto(x[:, 1:3], w[:2])
    return x


@program
def fill_a_view(x: Any, w: Any) -> Any:
    x[2].fill(w[1])
    return x


@program
def flat(x: Any, w: Any) -> Any:
    x.flat[2:5] = w[:3]
    x.T.flat[1] = w[3]
    return x


@program
def add_at_a_view(x: Any, w: Any) -> Any:
    np.add.at(x[1], [0, 0, 3], w[:3])
    return x


@program
def swapped_entries(x: Any, w: Any) -> Any:
    x[0], x[1] = x[1].copy(), x[0] * w
    return x


@program
def swapped_without_copy(x: Any, w: Any) -> Any:
    x[0], x[1] = x[1], x[0]  # the famous trap: both rows end up equal
    return x * w


@program
def name_of_the_same_array(x: Any, w: Any) -> Any:
    same = x
    same += w
    return x


@program
def a_new_array_by_operator(x: Any, w: Any) -> Any:
    other = x
    other = other + w
    other[0] = 0.0
    return x + other


@program
def view_of_an_intermediate(x: Any, w: Any) -> Any:
    y = x * w
    y[1:, :2].T[0] += w[:2]
    return y * x


@program
def saved_before_a_write(x: Any, w: Any) -> Any:
    y = x * x  # its rule needs the old x
    x[...] = w
    return y + x


@program
def saved_result_before_a_write(x: Any, w: Any) -> Any:
    y = np.exp(x)  # its rule needs the old y
    z = y * w
    y[1] = 0.0
    return y + z


@program
def view_taken_in_a_helper(x: Any, w: Any) -> Any:
    def corner(a: Any) -> Any:
        return a[:2, :2]

    corner(x)[...] = corner(x) @ w[:4].reshape(2, 2)
    return x


@program
def view_outlives_two_writes(x: Any, w: Any) -> Any:
    view = x.T[1:3]
    x[0] = w
    first = view.sum()
    x[1] *= first
    return view * first


@program
def write_through_a_stale_view(x: Any, w: Any) -> Any:
    a, b = x[1], x.reshape(-1)
    x[1, 0] = w[0]
    a[1] = w[1]
    b[6] = a[0] * a[1]
    return x
