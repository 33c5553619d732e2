"""Calls of NumPy functions that move, join, split, pick and sort entries; keyed by the function."""

import operator

import numpy as np

I3 = np.array([2, 0, 2, 1])


CALLS = {
    np.append: [
        ("v u", np.append),
        ("m n", lambda m, n: np.append(m, n, axis=0)),
        ("v", lambda v: np.append(v, [1.0, 2.0])),
    ],
    np.apply_along_axis: [
        ("m", lambda m: np.apply_along_axis(lambda r: r[0] * r, 1, m)),
        ("m", lambda m: np.apply_along_axis(np.sum, 0, m)),
    ],
    np.apply_over_axes: [("t", lambda t: np.apply_over_axes(np.sum, t, [0, 2]))],
    np.array_split: [
        ("v", lambda v: np.array_split(v, 3)),
        ("m", lambda m: np.array_split(m, [1, 3], axis=1)),
    ],
    np.astype: [("v", lambda v: np.astype(v, np.complex128)), ("v", lambda v: v.astype(float))],
    np.atleast_1d: [("s", np.atleast_1d), ("v", np.atleast_1d), ("s v", np.atleast_1d)],
    np.atleast_2d: [("s", np.atleast_2d), ("v", np.atleast_2d)],
    np.atleast_3d: [("v", np.atleast_3d), ("m", np.atleast_3d)],
    np.block: [
        ("q r", lambda q, r: np.block([[q, r], [r, q]])),
        ("s v", lambda s, v: np.block([s, v])),
        ("q", lambda q: np.block([[q, np.zeros((3, 1))], [np.ones((1, 4))]])),
    ],
    np.broadcast_arrays: [
        ("v s", lambda v, s: np.broadcast_arrays(v, s)),
        ("m v", lambda m, v: np.broadcast_arrays(m, v)),
    ],
    np.broadcast_to: [("v", lambda v: np.broadcast_to(v, (3, 4))), ("s", lambda s: np.broadcast_to(s, 3))],
    np.choose: [("v w", lambda v, w: np.choose([0, 1, 1, 0], [v, w])), ("m", lambda m: np.choose(I3, m))],
    np.column_stack: [
        ("v w", lambda v, w: np.column_stack([v, w])),
        ("m u", lambda m, u: np.column_stack((m, u))),
    ],
    np.compress: [
        ("m", lambda m: np.compress([True, False, True], m, axis=0)),
        ("v", lambda v: v.compress([0, 1, 1, 0])),
    ],
    np.concatenate: [
        ("v u", lambda v, u: np.concatenate([v, u])),
        ("m n", lambda m, n: np.concatenate((m, n, m), axis=1)),
        ("m", lambda m: np.concatenate([m, np.ones((1, 4))], axis=-2)),
        ("m v", lambda m, v: np.concatenate([m, v], axis=None)),
        ("v", lambda v: np.concatenate([v, [1.0, 2.0]])),
    ],
    np.copy: [("m", np.copy), ("m", lambda m: m.copy()), ("m", lambda m: np.copy(m, order="F"))],
    np.delete: [
        ("v", lambda v: np.delete(v, 1)),
        ("m", lambda m: np.delete(m, [0, 2], axis=1)),
        ("m", lambda m: np.delete(m, slice(0, 2), 0)),
        ("v", lambda v: np.delete(v, [True, False, False, True])),
    ],
    np.diag: [
        ("v", np.diag),
        ("q", np.diag),
        ("m", lambda m: np.diag(m, 1)),
        ("v", lambda v: np.diag(v, k=-1)),
    ],
    np.diagflat: [("v", np.diagflat), ("m", lambda m: np.diagflat(m, 1))],
    np.diagonal: [
        ("q", np.diagonal),
        ("t", lambda t: np.diagonal(t, 1, 1, 2)),
        ("q", lambda q: q.diagonal(offset=-1)),
    ],
    np.dsplit: [("t", lambda t: np.dsplit(t, 2))],
    np.dstack: [("v w", lambda v, w: np.dstack([v, w])), ("m n", lambda m, n: np.dstack((m, n)))],
    np.expand_dims: [("v", lambda v: np.expand_dims(v, 0)), ("m", lambda m: np.expand_dims(m, (0, -1)))],
    np.extract: [("m", lambda m: np.extract(np.eye(3, 4) > 0, m))],
    np.fill_diagonal: [
        ("q s", lambda q, s: _after(np.fill_diagonal, q * 1.0, s)),
        ("m u", lambda m, u: _after(np.fill_diagonal, m * 1.0, u)),
    ],
    np.copyto: [
        ("m v", lambda m, v: _after(np.copyto, m * 1.0, v)),
        ("v w", lambda v, w: _masked_copyto(v * 1.0, w)),
    ],
    np.put: [("v u", lambda v, u: _after(np.put, v * 1.0, [0, 2, 3], u))],
    np.put_along_axis: [
        ("m", lambda m: _after(np.put_along_axis, m * 1.0, np.array([[0], [1], [3]]), m[:, :1] * 2.0, 1))
    ],
    np.place: [("v u", lambda v, u: _after(np.place, v * 1.0, np.array([True, False, True, True]), u))],
    np.putmask: [("v w", lambda v, w: _after(np.putmask, v * 1.0, np.array([True, False, True, True]), w))],
    np.flip: [("m", np.flip), ("m", lambda m: np.flip(m, 1)), ("t", lambda t: np.flip(t, (0, -1)))],
    np.fliplr: [("m", np.fliplr)],
    np.flipud: [("m", np.flipud)],
    np.hsplit: [("m", lambda m: np.hsplit(m, 2)), ("v", lambda v: np.hsplit(v, [1, 3]))],
    np.hstack: [("v u", lambda v, u: np.hstack([v, u])), ("m n", lambda m, n: np.hstack((m, n)))],
    np.insert: [
        ("v s", lambda v, s: np.insert(v, 1, s)),
        ("m u", lambda m, u: np.insert(m, 2, u, axis=1)),
        ("v u", lambda v, u: np.insert(v, [0, 2, 4], u)),
        ("v", lambda v: np.insert(v, [1, 1], [5.0, 6.0])),
    ],
    np.linspace: [
        ("s g", lambda s, g: np.linspace(s, g, 5)),
        ("v w", lambda v, w: np.linspace(v, w, 3, axis=1)),
        ("s", lambda s: np.linspace(0.0, s, 4, endpoint=False, retstep=True)),
    ],
    np.logspace: [
        ("s g", lambda s, g: np.logspace(s, g, 4)),
        ("s", lambda s: np.logspace(0.0, s, 3, base=2.0)),
    ],
    np.geomspace: [
        ("a f", lambda a, f: np.geomspace(a, f, 4)),
        ("a", lambda a: np.geomspace(a, 10.0, 3, endpoint=False)),
    ],
    np.matrix_transpose: [("m", np.matrix_transpose), ("t", np.matrix_transpose), ("t", lambda t: t.mT)],
    np.meshgrid: [
        ("v u", lambda v, u: np.meshgrid(v, u)),
        ("v u", lambda v, u: np.meshgrid(v, u, indexing="ij", sparse=True)),
    ],
    np.moveaxis: [("t", lambda t: np.moveaxis(t, 0, -1)), ("t", lambda t: np.moveaxis(t, [0, 1], [-1, 0]))],
    np.pad: [
        ("v", lambda v: np.pad(v, 2)),
        ("m", lambda m: np.pad(m, ((1, 0), (2, 1)), constant_values=3.0)),
        ("v s", lambda v, s: np.pad(v, (1, 2), constant_values=s)),
        ("m", lambda m: np.pad(m, 1, mode="edge")),
        ("m", lambda m: np.pad(m, 2, mode="reflect")),
        ("m", lambda m: np.pad(m, 2, mode="symmetric")),
        ("m", lambda m: np.pad(m, 2, mode="wrap")),
        ("v", lambda v: np.pad(v, 2, mode="linear_ramp", end_values=1.0)),
        ("v", lambda v: np.pad(v, 2, mode="mean")),
        ("v", lambda v: np.pad(v, 2, mode="maximum", stat_length=3)),
    ],
    np.partition: [
        ("v", lambda v: np.partition(v, 2)),
        ("m", lambda m: np.partition(m, 1, axis=0)),
        ("m", lambda m: np.partition(m, (1, 3), axis=None)),
    ],
    np.ravel: [
        ("m", np.ravel),
        ("m", lambda m: np.ravel(m, order="F")),
        ("m", lambda m: m.ravel()),
        ("m", lambda m: m.flatten()),
    ],
    np.repeat: [
        ("v", lambda v: np.repeat(v, 3)),
        ("m", lambda m: np.repeat(m, [1, 0, 2], axis=0)),
        ("m", lambda m: m.repeat(2, axis=1)),
        ("m", lambda m: np.repeat(m, 2)),
    ],
    np.reshape: [
        ("m", lambda m: np.reshape(m, (2, 6))),
        ("m", lambda m: np.reshape(m, -1, order="F")),
        ("t", lambda t: t.reshape(4, -1)),
        ("s", lambda s: np.reshape(s, (1, 1))),
        ("m", lambda m: np.reshape(m, (4, 3), order="F")),
    ],
    np.resize: [
        ("v", lambda v: np.resize(v, (2, 3))),
        ("m", lambda m: np.resize(m, 5)),
        ("v", lambda v: np.resize(v, 9)),
    ],
    np.roll: [
        ("v", lambda v: np.roll(v, 1)),
        ("m", lambda m: np.roll(m, -2)),
        ("m", lambda m: np.roll(m, (1, 2), axis=(0, 1))),
    ],
    np.rollaxis: [("t", lambda t: np.rollaxis(t, 2)), ("t", lambda t: np.rollaxis(t, 0, 3))],
    np.rot90: [
        ("m", np.rot90),
        ("m", lambda m: np.rot90(m, 2)),
        ("t", lambda t: np.rot90(t, 3, axes=(1, 2))),
    ],
    np.select: [
        ("v w", lambda v, w: np.select([v > 0.5, v < -0.5], [v**2, w], default=0.25)),
        ("v s", lambda v, s: np.select([v > 0], [v], s)),
    ],
    np.sort: [
        ("v", np.sort),
        ("m", lambda m: np.sort(m, axis=0)),
        ("m", lambda m: np.sort(m, axis=None)),
        ("m", lambda m: np.sort(m, kind="stable")),
    ],
    np.sort_complex: [("c", lambda c: np.sort_complex(c[0])), ("v", np.sort_complex)],
    np.split: [("v", lambda v: np.split(v, 2)), ("m", lambda m: np.split(m, [1, 2], axis=1))],
    np.squeeze: [("m", lambda m: np.squeeze(m[:1])), ("m", lambda m: np.squeeze(m[:, :1], axis=1))],
    np.stack: [
        ("v w", lambda v, w: np.stack([v, w])),
        ("v w", lambda v, w: np.stack((v, w, v), axis=-1)),
        ("s g", lambda s, g: np.stack([s, g, 1.0])),
    ],
    np.swapaxes: [("t", lambda t: np.swapaxes(t, 0, 2)), ("m", lambda m: m.swapaxes(0, -1))],
    np.take: [
        ("v", lambda v: np.take(v, I3)),
        ("m", lambda m: np.take(m, [[0, 2], [1, 1]], axis=1)),
        ("m", lambda m: np.take(m, 5)),
        ("v", lambda v: np.take(v, [5, -7], mode="wrap")),
        ("v", lambda v: v.take([9, 0], mode="clip")),
    ],
    np.take_along_axis: [
        ("m", lambda m: np.take_along_axis(m, np.argsort(m, axis=1), axis=1)),
        ("m", lambda m: np.take_along_axis(m, np.array([[0, 2, 1, 1]]), axis=0)),
        ("v", lambda v: np.take_along_axis(v, I3, None)),
    ],
    np.tile: [
        ("v", lambda v: np.tile(v, 2)),
        ("m", lambda m: np.tile(m, (2, 1))),
        ("v", lambda v: np.tile(v, (2, 1, 3))),
    ],
    np.transpose: [
        ("m", np.transpose),
        ("t", lambda t: np.transpose(t, (1, 2, 0))),
        ("t", lambda t: t.T),
        ("t", lambda t: t.transpose(2, 0, 1)),
    ],
    np.tril: [("q", np.tril), ("m", lambda m: np.tril(m, 1)), ("t", lambda t: np.tril(t, -1))],
    np.triu: [("q", np.triu), ("m", lambda m: np.triu(m, k=1))],
    np.trim_zeros: [("v", lambda v: np.trim_zeros(np.concatenate([[0.0], v, [0.0, 0.0]])))],
    np.unstack: [("m", np.unstack), ("m", lambda m: np.unstack(m, axis=1))],
    np.vander: [
        ("v", np.vander),
        ("v", lambda v: np.vander(v, 3)),
        ("v", lambda v: np.vander(v, 3, increasing=True)),
    ],
    np.vsplit: [("m", lambda m: np.vsplit(m, 3))],
    np.vstack: [("v w", lambda v, w: np.vstack([v, w])), ("m v", lambda m, v: np.vstack((m, v)))],
    np.where: [
        ("v w", lambda v, w: np.where(v > 0, v, w)),
        ("m v", lambda m, v: np.where(m > 0, m, v)),
        ("v s", lambda v, s: np.where([True, False, True, False], v, s)),
        ("v", lambda v: np.where(v > 0, np.sqrt(np.abs(v)), 0.0)),
    ],
    np.lib.stride_tricks.sliding_window_view: [
        ("v", lambda v: np.lib.stride_tricks.sliding_window_view(v, 2)),
        ("m", lambda m: np.lib.stride_tricks.sliding_window_view(m, (2, 2))),
        ("m", lambda m: np.lib.stride_tricks.sliding_window_view(m, 3, axis=1)),
    ],
    np.histogram: [("p", lambda p: np.histogram([0.1, 0.4, 0.4, 0.9], bins=3, weights=p)[0])],
    np.bincount: [
        ("v", lambda v: np.bincount([0, 2, 2, 1], weights=v)),
        ("v", lambda v: np.bincount(I3, v, minlength=6)),
    ],
    np.setdiff1d: [("v w", np.setdiff1d)],
    np.setxor1d: [("v w", np.setxor1d)],
    np.union1d: [("v w", np.union1d)],
    np.unique: [
        ("m", np.unique),
        ("m", lambda m: np.unique(m, axis=0)),
        ("v", lambda v: np.unique(v, return_inverse=True)[0]),
    ],
    np.unique_all: [("v", lambda v: np.unique_all(v).values)],
    np.unique_counts: [("v", lambda v: np.unique_counts(v).values)],
    np.unique_inverse: [("v", lambda v: np.unique_inverse(v)[0])],
    np.unique_values: [("v", np.unique_values)],
    np.zeros_like: [
        ("m", np.zeros_like),
        ("m v", lambda m, v: _after(operator.setitem, np.zeros_like(m), 1, v)),
    ],
    np.ones_like: [("m", np.ones_like), ("m", lambda m: np.ones_like(m, shape=(2,)))],
    np.empty_like: [("m v", lambda m, v: _after(operator.setitem, np.empty_like(m), ..., v))],
    np.full_like: [("v", lambda v: np.full_like(v, 2.0)), ("v s", np.full_like)],
    operator.getitem: [
        ("m", lambda m: m[1]),
        ("m", lambda m: m[-1, ::2]),
        ("t", lambda t: t[..., None, 1]),
        ("m", lambda m: m[::-1, [0, 0, 3]]),
        ("m", lambda m: m[[0, 2, 0]]),
        ("m", lambda m: m[m > 0]),
        ("t", lambda t: t[:, [0, 1], [1, 1]]),
        ("t", lambda t: t[[0, 1], :, [1, 1]]),
        ("m", lambda m: m[np.eye(3, 4, dtype=bool)]),
        ("s", lambda s: s[()]),
        ("m", lambda m: m[2, 3]),
        ("m", lambda m: [row[0] for row in m]),
    ],
    operator.setitem: [
        ("m v", lambda m, v: _after(operator.setitem, m * 1.0, 1, v)),
        ("m s", lambda m, s: _after(operator.setitem, m * 1.0, (slice(None), 2), s)),
        ("v s", lambda v, s: _after(operator.setitem, v * 1.0, [0, 3], s)),
        ("v", lambda v: _after(operator.setitem, v * 1.0, np.array([True, False, True, False]), 2.0)),
        ("m v", lambda m, v: _after(operator.setitem, m * 1.0, ..., v)),
    ],
}


def _after(write: object, target: object, *args: object) -> object:
    """The target after a function wrote into it."""
    write(target, *args)
    return target


def _masked_copyto(target: object, source: object) -> object:
    np.copyto(target, source, where=[True, False, False, True])
    return target
