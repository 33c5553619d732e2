"""Assignments and augmented assignments."""

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
