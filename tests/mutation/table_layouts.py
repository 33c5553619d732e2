"""Order in memory, which decides whether a reshaped array is a view."""

from __future__ import annotations

from .programs import programs

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
