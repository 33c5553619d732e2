"""The tables: ways to write into an array, and to look at one array through several handles.

`x` is (3, 4), `v` is (4,), `s` is a scalar; see `programs.py`.
"""

from __future__ import annotations

from .programs import programs

ASSIGNMENTS = programs("""
    x[1] = v

    x[1] = s

    x[1, 2] = s

    x[-1, -2] = v[0] * s

    x[:, 2] = v[:3]

    x[1:, ::-2] = v[:2]

    x[...] = v

    x[:] = s

    x[()] = v

    x[..., 1] = v[1:]

    x[None, 0, :, None] = v[:, None]

    x[np.newaxis, 1] = v[None]

    x[1] = v[None, None]

    x[2] = [s, 1.0, v[0], 2.0]

    x[2] = 1, 2, 3, 4

    x[np.int64(1), np.int8(2)] = s

    x[1:1] = s

    x[[0, 2]] = v

    x[[0, 2, 0]] = v[:3, None]

    x[[0, 0, 0], [1, 1, 1]] = v[:3]

    x[np.array([0, 1, 0, 0]), 2] = v

    x[[[0], [2]], [1, 3]] = v[:2]

    x[:, [3, 0, 3]] = v[:3]

    x[1:, [0, 2]] = v[:2, None]

    x[np.ix_([0, 2], [3, 1])] = v[::2]

    x[-1, [0, -1, 0]] = v[:3] * s

    x[[], 0] = s

    x[[True, False, True]] = v

    x[np.eye(3, 4, dtype=bool)] = v[:3]

    x[np.eye(3, 4, dtype=bool)] = s

    x[:, [True, False, True, False]] = v[:2]

    x[x > 0] = s

    x[x > 0.5] *= s  # no vmap

    x[np.array(True)] = v

    x[np.zeros((3, 4), bool)] = s

    x[1, v > v.mean()] = 0.0  # no vmap

    x[np.nonzero(x < 0)] = v[0]  # no vmap

    x[np.where(v > 1.0)[0][:1]] = v  # no vmap

    x[:, np.argsort(v)[:2]] = v[:2]

    x[np.argmax(x, axis=0), np.arange(4)] = v

    x[slice(0, 2), slice(None, None, 3)] = s

    x.__setitem__((0, slice(1, 3)), v[:2])

    for i in range(3):
        x[i] = x[i - 1] * v

    for i in range(1, 4):
        v[i] = v[i - 1] * s + x[0, i]

    k = 0
    while v[k] > 1.0:  # no vmap
        v[k] = v[k] * 0.5
        k = (k + 1) % 4

    if x[0, 0] > 0:  # no vmap
        x[0] = v
    else:
        x[1] = v

    row = x[1]
    x[1] = 0.0
    del row
    x[1] += s

    x[np.arange(3) > 0] = v

    x[x[:, 0] > 0] = v

    x[x[:, 0] > 0] = s

    x[x < 0] = 0.0

    x[0], x[1] = v, s

    x[0, :2], x[1:, 3] = v[:2], v[2:]
    """)

AUGMENTED = programs("""
    x += v

    x -= s

    x *= x

    x /= v

    x **= 2

    x **= 2.0

    v **= s

    x //= 1  # differences

    x %= 0.7  # differences

    x @= np.eye(4)

    _m = x.T[:, :3] * 1.0
    _m @= x[:, 1:]
    y = _m

    x += [1.0, 2.0, 3.0, 4.0]

    x += x[0]

    x -= x

    x *= x[::-1]

    x += x.T[::-1, 0]

    s += v[0]

    t = s
    s *= 2.0

    y = x
    y += v

    y = x
    y = y + v

    y = x[0]
    y += v

    y = x[0]
    y = y + v

    x[0] += v

    x[0] -= x[1]

    x[:, 1] *= s

    x[1:, :2] /= v[:2]

    x[0] **= 2

    x[1] %= 0.3  # differences

    x[0, 0] += s

    x[[0, 0, 2]] += v

    x[[0, 0, 2]] *= v

    x[[2, 1, 2], [0, 0, 0]] -= v[:3]

    x[:, [1, 1]] += s

    x[x > 0] += s  # no vmap

    x[np.eye(3, 4, dtype=bool)] /= v[:3]

    x.T[1] += v[:3]

    x[1:][0] *= v

    x[1:][:, 2] -= s

    x.reshape(-1)[5] += s

    x[0][1:] += x[0][:-1]

    x[..., 0] **= 3

    v += v[::-1]

    v[1:] += v[:-1]

    v[:-1] += v[1:]

    v[::2] *= v[1::2]

    v += np.float32(1.5)

    v += 1

    v *= True

    for row in x:
        row += v

    for row, w in zip(x, v):
        row *= w

    for i, row in enumerate(x):
        row[i] = s

    for row in x:
        for w in row:
            w *= 2.0

    for row in x.T:
        row /= 2.0

    a, b, c = x
    b *= a
    c += b

    first, *rest = x
    rest[0] += first
    """)

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

# Handles on one array: what a write through one does to the others.
VIEWS = programs("""
    y = x[1]
    y[2] = s

    y = x[1]
    x[1, 2] = s

    y = x[1:]
    z = y[:, ::2]
    z[...] = s

    y = x[1:]
    z = y[0]
    x[1] = v
    z *= 2.0

    y = x[...]
    y[0] = v

    y = x[:]
    y += 1.0

    y = x[None]
    y[0, 1] = v

    y = x.reshape(4, 3)
    y[1] = v[:3]

    y = x.reshape(2, -1)
    x[1, 1:3] = s

    y = x.reshape(12)[::5]
    y *= s

    y = x.ravel()
    y[3] = s

    y = x.flatten()
    y[3] = s

    y = x.T.reshape(-1)
    y[3] = s

    y = x.T.ravel()
    y[3] = s

    y = x.T.ravel(order="F")
    y[3] = s

    y = x.reshape(12, order="F")
    y[3] = s

    y = x.T.reshape(12, order="F")
    y[3] = s

    y = np.reshape(x, (3, 2, 2))
    y[..., 0] = v[:2]

    y = x[:, :2].reshape(-1)
    y[0] = s

    y = x[:, :2].reshape(3, 1, 2)
    y[0] = s

    y = x[:, ::2].reshape(3, 2, 1)
    y[1] = s

    y = x.T
    y[0] = v[:3]

    y = x.transpose(1, 0)
    y[:, 0] *= v

    y = np.transpose(x)
    x[0] = v

    y = x.mT
    y += s

    y = x.swapaxes(0, 1)
    y[1] = s

    y = np.moveaxis(x[None], 0, -1)
    y[0, :, 0] = v

    y = np.rollaxis(x, 1)
    y[1] = s

    y = np.permute_dims(x, (1, 0))
    y[1] = s

    y = np.matrix_transpose(x)
    y[1] = s

    y = x[:1].squeeze()
    y[1:] = s

    y = np.squeeze(x[:, :1], axis=1)
    y *= 2.0

    y = np.expand_dims(x, (0, 3))
    y[0, 1, :, 0] = v

    y = np.flip(x)
    y[0] = v

    y = np.flip(x, 1)
    x[0] = v

    y = np.fliplr(x)
    y[:, 0] = s

    y = np.flipud(x)
    y[0] = v

    y = np.rot90(x)
    y[0] = s

    y = np.rot90(x, 2)
    y[0] = s

    y = np.rot90(x, -1)
    y[0] = s

    y = np.rot90(x, 4)
    y[0] = s

    y = np.atleast_1d(x)
    y[0] = s

    y = np.atleast_2d(v)
    y[0, 1] = s

    y = np.atleast_3d(x)
    y[0, :, 0] = v

    y, z = np.atleast_2d(v, x)
    y[0] = 2.0
    z[0] = 3.0

    a, b, c = np.split(x, 3)
    b[0] = v

    a, b = np.array_split(v, [1])
    b *= s

    a, b = np.hsplit(x, 2)
    b[0] = s

    a, b, c = np.vsplit(x, 3)
    c += v

    a, b = np.dsplit(x[None], 2)
    b[0, 1] = s

    a, b, c = np.unstack(x)
    a[0] = s
    x[1] = v

    a, b, c, d = np.unstack(x, axis=1)
    d *= 2.0

    d = x.diagonal()
    x[1, 1] = s

    d = np.diagonal(x, 1)
    x[0, 1] = s

    d = np.diag(x)
    x[0, 0] = s

    d = np.linalg.diagonal(x, offset=-1)
    x[1, 0] = s

    y = np.broadcast_to(v, (3, 4))
    v[1] = s

    y, z = np.broadcast_arrays(x, v)
    v[1] = s

    y = np.real(x)
    z = x.imag  # differences

    y = np.asarray(x, like=x)
    y[0] = v

    y = np.array(x, like=x)
    y[0] = v

    y = np.array(x, copy=None, like=x)
    y[0] = v

    y = np.asanyarray(x, like=x)
    y[0] = v

    y = np.require(x, like=x)
    y[0] = v

    y = np.ascontiguousarray(x, like=x)
    y[0] = v

    y = x.view()
    y[0] = v

    y = x.astype(x.dtype, copy=False)
    y[0] = v

    y = np.einsum("ij->ji", x)
    y[0] = s

    y = np.einsum("ii->i", x[:, :3])
    y[0] = s

    y = np.trim_zeros(v)  # no vmap
    y[0] = s

    y = np.nan_to_num(x, copy=False)
    y[0] = v

    y = np.fft.fftshift(v)
    y[0] = s

    y = np.roll(v, 1)
    y[0] = s

    y = np.repeat(v, 1)
    y[0] = s

    y = np.tile(v, 1)
    y[0] = s

    y = np.delete(v, [])
    y[0] = s

    y = np.concatenate([v])
    y[0] = s

    y = np.triu(x)
    y[0] = s

    y = np.sort(v)
    y[0] = s

    y = np.resize(v, 4)
    y[0] = s

    y = np.compress([True, True, True], x, axis=0)
    y[0] = s

    y = np.where(True, x, 0.0)
    y[0] = s

    y = +x
    y[0] = v

    y = x.copy()
    y[0] = v

    y = np.copy(x)
    x[0] = v

    import copy
    y, z = copy.copy(x), copy.deepcopy(x)
    y[0] = v
    z[1] = v

    y = x.astype(x.dtype)
    y[0] = v

    y = x[[0, 1, 2]]
    y[0] = v

    y = x[x > -9]  # no vmap
    y[0] = s

    y = x * 1.0
    y[0] = v

    y = np.positive(x)
    y[0] = v

    y = x.clip(-9, 9)
    y[0] = v

    y = x.conj()  # differences
    y[0] = v

    y = np.conjugate(x)  # differences
    y[0] = v

    y = np.sum(x[:1], axis=0)
    y[0] = s

    y = x.sum(axis=())
    y[0] = s

    w = v[0]
    v[0] = s

    w = v[0]
    w += 1.0

    w = v[0, ...]
    w += 1.0

    w = v[0, ...]
    w[...] = s

    w = v[1:2].reshape(())
    w[()] = s

    w = x[1, 2, ...]
    x[1] = v

    w = x.T[1]
    u = x[:, 1]
    w[0] = s
    u[1] = s

    u = x[::-1]
    w = u[::-1]
    w[0] = v
    u[0] *= 2.0

    a, b = x[:2], x[1:]
    a += b
    b *= 2.0

    a = v[:3]
    b = v[1:]
    a[1] = s
    b[1] = a[0]

    y = x
    x = x + 1.0
    y[0] = v

    y = x
    x += 1.0
    y[0] = v

    y = x[0]
    x = np.zeros_like(x)
    y[0] = s

    y = x[0]
    del x
    y[0] = s
    z = y[1:]
    z[0] = 2.0

    y = x.reshape(4, 3).T[1:, ::-1][0]
    y[:2] = v[:2]
    x[1] += 1.0

    y = x[1:].T.reshape(4, 2)[1]
    x *= y[0]
    y[1] = 5.0

    y = x[:, 1:3]
    z = y.reshape(-1)
    z[0] = s
    y[0] = v[:2]

    y = [x[0], x[1]]
    y[0] += y[1]

    _d = {"a": x[0], "b": x[0]}
    _d["a"] *= v
    y = _d["b"]

    y = np.stack([x[0], x[1]])
    y[0] = v

    rows = list(x)
    rows[0][:] = rows[1]

    y = x[0:0]
    y[...] = 1.0

    y = x[0]
    y.sort()
    y.fill(s)

    y = x.T[1:3]
    np.add(y, 1.0, out=y)
    np.copyto(y[0], v[:3])
    """)

OVERLAPS = programs("""
    v[1:] = v[:-1]

    v[:-1] = v[1:]

    v[::-1] = v

    v[:] = v[::-1]

    v[:] = v

    x[1:] = x[:-1]

    x[:-1, 1:] = x[1:, :-1]

    x[:, ::-1] = x

    x[:3, :3] = x[:3, :3].T

    x[...] = x[::-1, ::-1]

    x[[0, 1]] = x[[1, 0]]

    x[:, [0, 3]] = x[:, [3, 0]]

    x[[0, 1, 2]] = x[[2, 0, 1]]

    x[0], x[1] = x[1], x[0]

    x[0], x[1] = x[1].copy(), x[0].copy()

    v[0], v[1] = v[1], v[0]

    x[0, 0], x[2, 3] = x[2, 3], x[0, 0]

    a, b = x[0], x[1]
    a[:], b[:] = b, a

    t = x[0].copy()
    x[0] = x[1]
    x[1] = t

    t = x[0]
    x[0] = x[1]
    x[1] = t

    v[v.argsort()] = v

    x[0] = x.sum(axis=0)

    x[1] = x[0] + x[2]
    x[0] = x[1] - x[0]

    v[1:-1] = (v[2:] + v[:-2]) / 2

    x[1:-1, 1:-1] = (x[2:, 1:-1] + x[:-2, 1:-1] + x[1:-1, 2:] + x[1:-1, :-2]) / 4

    np.copyto(v[1:], v[:-1])

    np.copyto(x, x[::-1])

    x.flat[1:] = x.flat[:-1]

    x.T[:3] = x[:, :3]

    np.add(v, v[::-1], out=v[::-1])

    x += x[::-1]

    x -= x[0]

    x /= x[0, 0]

    for k in range(3):
        v[:-1] *= v[1:]

    old = v
    for k in range(3):
        old, v = v, np.convolve(v, [0.5, s, 0.5], "same")
        v[0] = old[0]
    """)

SCOPES = programs("""
    def _fill(a, b):
        a[0] = b
    _fill(x, v)

    def _outer(a):
        def inner():
            a[1] *= s
        inner()
        inner()
    _outer(x)

    def _count():
        total = np.zeros_like(v)
        def add(w):
            nonlocal total
            total += w
            return total
        return add
    _add = _count()
    y = _add(v)
    z = _add(x[0])

    class _Model:
        def __init__(self, w):
            self.w = w
        def step(self):
            self.w -= 0.1 * self.w**2
    _m = _Model(x)
    _m.step()
    y = _m.w

    def _rows(a):
        for row in a:
            yield row
    for r in _rows(x):
        r *= v

    def _default(a=x):
        a[0] = v
    _default()

    _cells = [x, x[0], x.T]
    for _c in _cells:
        _c *= s

    _memo = {}
    def _f(n):
        if n not in _memo:
            _memo[n] = v * n if n < 2 else _f(n - 1) * _f(n - 2)
            _memo[n][0] = s
        return _memo[n]
    y = _f(4)

    def _normalized(a):
        a = a.copy()
        a /= a.sum()
        return a
    y = _normalized(v)

    def _quick(a, lo, hi):
        if lo < hi:
            p = lo
            for i in range(lo, hi):
                if a[i] < a[hi]:  # no vmap
                    a[i], a[p] = a[p], a[i]
                    p += 1
            a[hi], a[p] = a[p], a[hi]
            _quick(a, lo, p - 1)
            _quick(a, p + 1, hi)
    _quick(v, 0, 3)

    a = x[:, :3] + 3 * np.eye(3)
    b = v[:3]
    for k in range(3):
        for i in range(k + 1, 3):
            a[i, k] /= a[k, k]
            a[i, k + 1:] -= a[i, k] * a[k, k + 1:]
    for i in range(1, 3):
        b[i] -= a[i, :i] @ b[:i]

    a = x[:, :3] @ x[:, :3].T + 4 * np.eye(3)
    _l = np.zeros_like(a)
    for i in range(3):
        for j in range(i + 1):
            t = a[i, j] - np.sum(_l[i, :j] * _l[j, :j])
            _l[i, j] = np.sqrt(t) if i == j else t / _l[j, j]
    y = _l

    u = np.zeros((6,), like=v)  # differences
    u[1:5] = v
    for _ in range(4):
        u[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0], u[-1] = u[-2], u[1]

    _queue = [v]
    while len(_queue) < 4:
        _queue.append(_queue[-1][::-1])
        _queue[-1][0] += s
    y = _queue[-1]
    """)

# Whether a reshaped array is a view depends on the order of its axes in memory.
LAYOUTS = programs("""
    y = x.T
    z = y.ravel()
    z[1] = s

    y = x.T.copy()
    z = y.ravel()
    z[1] = s

    y = np.copy(x.T)
    z = y.ravel()
    z[1] = s

    y = x.T.copy(order="K")
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    z = y.ravel()
    z[1] = s

    y = x.astype(x.dtype, order="F")
    z = y.ravel()
    z[1] = s

    y = x.T.astype(x.dtype, order="C")
    z = y.ravel()
    z[1] = s

    y = x.T.astype(x.dtype)
    z = y.ravel()
    z[1] = s

    y = x.T + 1.0
    z = y.ravel()
    z[1] = s

    y = np.exp(x.T)
    z = y.T.ravel()
    z[1] = s

    y = x.T[:3] * x[:, :3]
    z = y.ravel()
    z[1] = s

    y = x[:, :3] * x.T[:3]
    z = y.ravel()
    z[1] = s

    x[...] = np.sin(x.T).T[::-1]
    z = x.ravel()
    z[1] = s

    x[...] = np.sin(x.copy(order="F"))
    z = x.ravel()
    z[1] = s

    x += x.copy(order="F")
    z = x.ravel()
    z[1] = s

    y = x.copy(order="F")
    y += x
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    y[0] = v
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    y.flat[3] = s
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    y.T[0, 1] = s
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    y.sort()
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    np.add.at(y, 0, v)
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    np.multiply.at(y, 0, v)
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    np.copyto(y, x)
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    np.put(y, [1, 2], s)
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    np.add(x, 1.0, out=y)
    z = y.ravel()
    z[1] = s

    y = x.copy(order="F")
    np.fill_diagonal(y, v)
    z = y.T.ravel()
    z[1] = s

    y = np.zeros_like(x)
    z = y.ravel()
    z[1] = s

    y = np.zeros_like(x.T)
    z = y.ravel()
    z[1] = s

    y = np.zeros_like(x.T)
    z = y.T.ravel()
    z[1] = s

    y = np.ones_like(x, order="F")
    z = y.ravel()
    z[1] = s

    y = np.full_like(x.T, 2.0)
    z = y.T.ravel()
    z[1] = s

    y = np.full_like(x.T, s)
    z = y.T.ravel()
    z[1] = s

    y = np.zeros((3, 4), order="F", like=x)  # differences
    z = y.ravel()
    z[1] = s

    y = np.array(x, order="F", like=x)
    z = y.ravel()
    z[1] = s

    y = np.where(x.T > 0, x.T, 1.0)
    z = y.ravel()
    z[1] = s

    y = x[:, [2, 0]]
    z = y.ravel()
    z[1] = s

    y = x[[2, 0]]
    z = y.ravel()
    z[1] = s

    y = x.T[[2, 0]]
    z = y.ravel()
    z[1] = s

    y = x.T[:, [2, 0]]
    z = y.ravel()
    z[1] = s

    y = x.take([2, 0], axis=1)
    z = y.ravel()
    z[1] = s

    y = np.concatenate([x.T, x.T])
    z = y.ravel()
    z[1] = s

    y = np.concatenate([x.T, x.T], axis=1)
    z = y.T.ravel()
    z[1] = s

    y = np.stack([v, v], axis=1)
    z = y.ravel()
    z[1] = s

    y = np.stack([x, x], axis=-1)
    z = y.ravel()
    z[1] = s

    y = x.T @ x
    z = y.ravel()
    z[1] = s

    y = (x @ x.T).T
    z = y.ravel()
    z[1] = s

    y = np.sort(x, axis=0)
    z = y.ravel()
    z[1] = s

    y = np.sort(x.T, axis=0)
    z = y.ravel()
    z[1] = s

    y = np.cumsum(x, axis=0)
    z = y.ravel()
    z[1] = s

    y = np.cumsum(x.T, axis=0)
    z = y.ravel()
    z[1] = s

    y = np.sum(x[None] * x.T[:3, None, :1], axis=0)
    z = y.ravel()
    z[1] = s

    y = x.reshape(3, 2, 2).sum(axis=1)
    z = y.ravel()
    z[1] = s

    y = x.T.reshape(2, 2, 3).sum(axis=1, keepdims=True)
    z = y.ravel()
    z[1] = s

    y = np.einsum("ij,jk->ki", x, x.T)
    z = y.ravel()
    z[1] = s

    y = np.outer(v, v).T
    z = y.ravel()
    z[1] = s

    y = np.tensordot(x, x, (0, 0))
    z = y.ravel()
    z[1] = s

    y = np.linalg.inv(x @ x.T + np.eye(3))
    z = y.ravel()
    z[1] = s

    y = np.linalg.solve(x @ x.T + np.eye(3), x)
    z = y.ravel()
    z[1] = s

    y = np.roll(x.T, 1, axis=0)
    z = y.ravel()
    z[1] = s

    y = np.repeat(x.T, 2, axis=1)
    z = y.ravel()
    z[1] = s

    y = np.tile(x.T, (1, 2))
    z = y.ravel()
    z[1] = s

    y = np.pad(x.T, 1)
    z = y.ravel()
    z[1] = s

    y = np.triu(x.T)
    z = y.ravel()
    z[1] = s

    y = np.diff(x.T, axis=0)
    z = y.ravel()
    z[1] = s

    y = np.clip(x.T, -9, 9)
    z = y.ravel()
    z[1] = s

    y = np.delete(x.T, 1, axis=0)
    z = y.ravel()
    z[1] = s

    y = np.insert(x, 1, 0.0, axis=1)
    z = y.ravel()
    z[1] = s

    y = np.kron(x, v[:2])
    z = y.ravel()
    z[1] = s

    y = np.flip(x.T, 0) * 1.0
    z = y.ravel()
    z[1] = s

    y = -x[::-1, ::-1]
    z = y.ravel()
    z[1] = s

    y = np.broadcast_to(v, (3, 4)) * 1.0
    z = y.ravel()
    z[1] = s

    y = np.broadcast_to(v[:3, None], (3, 4)).copy()
    z = y.ravel()
    z[1] = s

    y = np.broadcast_to(v[:3, None], (3, 4)) + 0.0
    z = y.ravel()
    z[1] = s

    y = np.moveaxis(x.reshape(3, 2, 2), 0, -1) * 2.0
    z = y.reshape(2, -1)
    z[1] = s

    y = np.moveaxis(x.reshape(3, 2, 2), 0, 1) * 2.0
    z = y.reshape(6, 2)
    z[1] = s
    """)

TABLES = {
    "layout": LAYOUTS,
    "assignment": ASSIGNMENTS,
    "augmented": AUGMENTED,
    "function": FUNCTIONS,
    "view": VIEWS,
    "overlap": OVERLAPS,
    "scope": SCOPES,
}
