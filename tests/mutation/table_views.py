"""Views: writes through one handle are seen by the others."""

from __future__ import annotations

from .programs import programs

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
