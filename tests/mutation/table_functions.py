"""NumPy's functions and methods that write."""

from __future__ import annotations

from .programs import programs

FUNCTIONS = programs("""
    np.add(x, v, out=x)

    y = np.add(x, v, x)

    y = np.multiply(x, s, out=(x,))

    np.subtract(x, v, out=x, where=np.eye(3, 4, dtype=bool))

    np.sqrt(v, out=v, where=v > 1.0)

    y = np.zeros_like(x)
    np.exp(x, out=y)
    np.exp(y, out=y, where=x < 0)

    np.sin(x[0], out=x[1])

    np.sin(x, out=x[::-1])

    np.add(v[:-1], v[1:], out=v[1:])

    np.add(v[1:], v[:-1], out=v[:-1])

    np.multiply(v, v[::-1], out=v)

    np.negative(x.T, out=x.T)

    y = np.empty_like(x)
    np.matmul(x, np.eye(4)[::-1], out=y)
    z = y.T

    np.dot(x, np.diag([1.0, 2.0, 3.0, 4.0]), out=x)

    np.sum(x, axis=0, out=v)

    np.cumsum(x, axis=1, out=x)

    np.cumprod(v, out=v)

    np.mean(x, axis=0, out=v)

    np.clip(x, -0.5, 0.5, out=x)  # differences

    np.take(v, [3, 2, 1, 0], out=x[0])

    np.concatenate([v[2:], v[:2]], out=x[1])

    np.stack([v, v * s, v], out=x)

    np.maximum(x, 0.1, out=x)  # differences

    np.add.reduce(x, axis=0, out=v)

    np.add.accumulate(v, out=v)

    y = np.zeros_like(x)
    np.multiply.outer(v[:3], v, out=y)

    y, z = np.zeros_like(x), np.zeros_like(x)
    np.modf(x, out=(y, z))  # differences

    np.einsum("ij,j->j", x, v, out=v)

    np.add.at(x, 1, v)

    np.add.at(v, [0, 0, 2], s)

    np.add.at(x, ([0, 0, 1], [1, 1, 1]), v[:3])

    np.add.at(x, (slice(None), [0, 0]), v[:2])

    np.add.at(x[0], [1, 1], v[:2])

    np.subtract.at(v, [1, 1, 3], v[:3])

    np.multiply.at(v, [0, 0, 2], v[1:])

    np.divide.at(x, ([0, 0], [1, 1]), v[:2])

    np.power.at(v, [1, 1], 2)

    np.maximum.at(v, [0, 0, 1], [0.1, 9.0, 0.2])  # differences

    np.minimum.at(v, [0, 0, 1], v[1:])  # differences

    np.negative.at(v, [0, 0, 3])

    np.exp.at(v, [1, 2])

    np.add.at(v, [], [])

    np.add.at(v, [True, False, True, False], s)

    np.add.at(x.T, (0, [1, 1]), v[:2])

    np.copyto(x, v)

    np.copyto(x[1:], v)

    np.copyto(x.T, v[:3])

    np.copyto(x, s, where=np.eye(3, 4, dtype=bool))

    np.copyto(x, v, where=x > 0)

    np.copyto(x, 2)

    np.copyto(v, [s, s, 1.0, 2.0])

    np.put(x, [0, 5, -1], v)

    np.put(x, [0, 5, 0], v[:2])

    np.put(x, [20, -20], v, mode="clip")

    x.put([13, 14], v, mode="wrap")

    np.put(x[1], [1, 2], s)

    np.put(x.T, [1, 2], v)

    np.place(x, x > 0, v)

    np.place(x[1:], np.ones((2, 4), bool), v[:3])

    np.putmask(x, x > 0, x * s)

    np.putmask(x, np.eye(3, 4, dtype=bool), v)

    np.putmask(x.T, np.eye(4, 3, dtype=bool), s)

    np.put_along_axis(x, np.array([[0], [2], [1]]), v[:3, None], axis=1)

    np.put_along_axis(x, np.argmax(x, axis=0)[None], v[None], axis=0)

    np.put_along_axis(x, np.array([[0, 0], [2, 2], [1, 1]]), v[:2][None], axis=-1)

    np.put_along_axis(x.T, np.array([[0, 0, 0]]), s, axis=0)

    np.fill_diagonal(x, v)

    np.fill_diagonal(x, s)

    np.fill_diagonal(x[1:], v[:2])

    np.fill_diagonal(x.T, v[:2], wrap=True)

    x.sort()

    x.sort(axis=0)

    x[1].sort()

    x[::-1].sort(axis=0)

    x.T.sort()

    x.sort(axis=None) if False else v.sort()

    v.partition(2)

    x.partition(1, axis=0)

    x.fill(s)

    x.fill(2)

    x[1:].fill(v[0])

    x.T[0].fill(s)

    x.flat[5] = s

    x.flat[1::3] = v

    x.flat[[0, 0, 3]] = v[:3]

    x.flat = v

    x.flat[:] = v[:3]

    x.flat[np.eye(3, 4, dtype=bool).ravel()] = v[:3]

    x.T.flat[1:4] = v[:3]

    x[1:].flat[0] = s

    f = x.flat[2:5]
    f *= 2.0

    y = np.where(x > 0, x, 0.0)
    y[0] = v

    np.nan_to_num(x, copy=False)

    np.nan_to_num(x[1:], copy=False, nan=1.0)

    np.lib.stride_tricks.sliding_window_view(v, 2)
    v[1] = s

    w = np.lib.stride_tricks.sliding_window_view(v, 2)
    v[1] = s

    y = x.take([0, 1], axis=0)
    y[0] = v

    y = np.ones((2, 2), like=x)  # differences
    y[0, 0] = s

    y = np.empty(3, like=v)  # differences
    y[:] = v[:3]
    y[1] *= 2.0

    y = np.full_like(x, 2.0)
    y[1] = v

    y = np.zeros_like(v)
    for i in range(4):
        y[i] = v[i] * s if i == 0 else y[i - 1] + v[i]

    y = np.zeros((2, 3, 4), like=x)  # differences
    y[0] = x
    y[1] = y[0] * s
    z = y[:, 1]
    z[:] += v
    """)
