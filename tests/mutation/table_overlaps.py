"""Writes that overlap what they read, writes from other scopes, and arrays without axes."""

from __future__ import annotations

from .programs import programs

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

SCALARS = programs("""
    y = np.where(np.real(s) > 0, s, 2.0 * s)
    z = y
    z += v[0]

    y = np.copy(s)
    z = y
    z *= v[0]

    y = np.array(s, like=x)
    y[...] = v[1] * s

    y = np.array(s, like=x)
    y.fill(v[0])

    y = np.asarray(s, like=x)
    z = y.reshape(-1)
    z[0] = v[2] * s

    y = np.copy(s)
    y.flat[0] = v[2]
    np.put(y, [0], v[1] * y)

    y = np.copy(s)
    np.copyto(y, v[0] * s)
    np.add(y, v[1], out=y)

    y = s[...]
    y[()] = v[1]

    y = s[...]
    z = y[None]
    z[0] = v[1] * s

    y = s[None]
    y[0] = v[1] * s

    y = s.copy()
    y += v[0]

    y = s
    y += v[0]

    y = np.zeros_like(s)
    y[...] = s
    z = y[None]
    z[0] *= v[1]

    y = np.full((), s, like=x)
    z = y[..., None]
    z += v[:1]

    y = np.squeeze(v[:1] * 1.0)
    z = y
    z *= s

    y = v[1, ...]
    y[...] = s

    y = v[1]
    y += s

    y = np.broadcast_to(s, 3).copy()
    y[1] = v[0]

    y = np.atleast_1d(s)
    y[0] *= v[0]

    y = v[0, ...]
    a = np.sin(y)
    b = np.sin(y.reshape(-1))
    y **= 2

    y = v[0, ...]
    a = np.sin(y)
    b = np.sin(y[np.array(True)])
    y **= 2

    y = x[1:1].take([0, 9], axis=-1)
    x[1] = v
    """)
