"""Calls of NumPy's products, linear algebra, polynomials and Fourier transforms; keyed by the function."""

import numpy as np

L, F = np.linalg, np.fft


def _spd(q: object) -> object:
    return q @ np.swapaxes(q, -1, -2) + 0.5 * np.eye(3)


CALLS = {
    np.dot: [
        ("v w", np.dot),
        ("m v", lambda m, v: np.dot(m, v)),
        ("q m", np.dot),
        ("s m", np.dot),
        ("t m", lambda t, m: np.dot(t, m.T)),
        ("q r", lambda q, r: q.dot(r)),
    ],
    np.einsum: [
        ("q r", lambda q, r: np.einsum("ij,jk->ik", q, r)),
        ("q", lambda q: np.einsum("ii", q)),
        ("q", lambda q: np.einsum("ii->i", q)),
        ("t m", lambda t, m: np.einsum("...ij,ij->...", t, m)),
        ("q r u", lambda q, r, u: np.einsum("ij,jk,k->i", q, r, u, optimize=True)),
        ("m", lambda m: np.einsum("ij->ji", m)),
        ("v w", lambda v, w: np.einsum("i,j", v, w)),
        ("q r", lambda q, r: np.einsum(q, [0, 1], r, [1, 2], [0, 2])),
    ],
    np.inner: [("v w", np.inner), ("m n", np.inner), ("s m", np.inner)],
    np.kron: [("q r", np.kron), ("v u", np.kron), ("m v", np.kron)],
    np.outer: [("v u", np.outer), ("m u", np.outer)],
    np.tensordot: [
        ("q r", lambda q, r: np.tensordot(q, r)),
        ("t m", lambda t, m: np.tensordot(t, m, axes=([1, 2], [0, 1]))),
        ("v u", lambda v, u: np.tensordot(v, u, axes=0)),
        ("q r", lambda q, r: np.tensordot(q, r, 1)),
    ],
    np.trace: [
        ("q", np.trace),
        ("m", lambda m: np.trace(m, 1)),
        ("t", lambda t: np.trace(t, 0, 1, 2)),
        ("q", lambda q: q.trace()),
    ],
    np.vdot: [("v w", np.vdot), ("m n", np.vdot), ("c", lambda c: np.vdot(c, 1j * c))],
    np.poly: [("v", np.poly), ("q", lambda q: np.poly(_spd(q)))],
    np.polyadd: [("v u", np.polyadd)],
    np.polysub: [("v u", np.polysub)],
    np.polymul: [("v u", np.polymul)],
    np.polyder: [("v", np.polyder), ("v", lambda v: np.polyder(v, 2))],
    np.polyint: [
        ("v", np.polyint),
        ("v s", lambda v, s: np.polyint(v, k=s)),
        ("v", lambda v: np.polyint(v, m=2, k=[1.0, 2.0])),
    ],
    np.polyval: [("v u", np.polyval), ("v s", np.polyval)],
    np.polydiv: [("v k", lambda v, k: np.polydiv(v, k[:2] + np.array([3.0, 0.0])))],
    np.polyfit: [
        ("o v", lambda o, v: np.polyfit(o, v, 2)),
        ("m", lambda m: np.polyfit(np.arange(3.0), m, 1)),
    ],
    np.roots: [("v", lambda v: np.sort_complex(np.roots(v)))],
    L.cholesky: [("q", lambda q: L.cholesky(_spd(q))), ("q", lambda q: L.cholesky(_spd(q), upper=True))],
    L.cond: [
        ("q", L.cond),
        ("q", lambda q: L.cond(q, "fro")),
        ("q", lambda q: L.cond(q, 1)),
        ("q", lambda q: L.cond(q, -2)),
    ],
    L.cross: [("u k", lambda u, k: L.cross(u, k))],
    L.det: [("q", L.det), ("q r", lambda q, r: L.det(np.stack([q, r])))],
    L.diagonal: [("q", L.diagonal), ("t", lambda t: L.diagonal(t, offset=1))],
    L.eig: [("q", lambda q: L.eig(q).eigenvalues), ("q", lambda q: np.abs(L.eig(q)[1]))],
    L.eigh: [
        ("q", lambda q: L.eigh(q + q.T).eigenvalues),
        ("q", lambda q: L.eigh(q + q.T)[1] ** 2),
        ("q", lambda q: L.eigh(q, UPLO="U")[0]),
    ],
    L.eigvals: [("q", lambda q: np.sort_complex(L.eigvals(q)))],
    L.eigvalsh: [("q", lambda q: L.eigvalsh(q + q.T)), ("q", lambda q: L.eigvalsh(q, "U"))],
    L.inv: [("q", L.inv), ("q r", lambda q, r: L.inv(np.stack([q, r])))],
    L.lstsq: [("m v", lambda m, v: L.lstsq(m.T, v, rcond=None)[0]), ("m v", lambda m, v: L.lstsq(m.T, v)[1])],
    L.matmul: [("q r", L.matmul)],
    L.matrix_norm: [
        ("m", L.matrix_norm),
        ("t", lambda t: L.matrix_norm(t, keepdims=True)),
        ("m", lambda m: L.matrix_norm(m, ord="nuc")),
    ],
    L.matrix_power: [
        ("q", lambda q: L.matrix_power(q, 3)),
        ("q", lambda q: L.matrix_power(q, -2)),
        ("q", lambda q: L.matrix_power(q, 0)),
    ],
    L.matrix_transpose: [("m", L.matrix_transpose)],
    L.multi_dot: [
        ("q r m", lambda q, r, m: L.multi_dot([q, r, m])),
        ("u q k", lambda u, q, k: L.multi_dot([u, q, k])),
    ],
    L.norm: [
        ("v", L.norm),
        ("m", L.norm),
        ("m", lambda m: L.norm(m, axis=0)),
        ("m", lambda m: L.norm(m, ord=1, axis=1, keepdims=True)),
        ("v", lambda v: L.norm(v, 3)),
        ("v", lambda v: L.norm(v, np.inf)),
        ("v", lambda v: L.norm(v, -np.inf)),
        ("m", lambda m: L.norm(m, 2)),
        ("m", lambda m: L.norm(m, -2)),
        ("m", lambda m: L.norm(m, "nuc")),
        ("m", lambda m: L.norm(m, "fro")),
        ("m", lambda m: L.norm(m, 1)),
        ("m", lambda m: L.norm(m, np.inf)),
        ("t", lambda t: L.norm(t, axis=(0, 2))),
        ("c", L.norm),
    ],
    L.outer: [("v u", L.outer)],
    L.pinv: [("m", L.pinv), ("q", L.pinv), ("m", lambda m: L.pinv(m.T))],
    L.qr: [
        ("q", L.qr),
        ("m", lambda m: L.qr(m.T)),
        ("m", lambda m: L.qr(m.T, mode="r")),
        ("m", lambda m: L.qr(m)),
    ],
    L.slogdet: [("q", L.slogdet), ("q r", lambda q, r: L.slogdet(np.stack([q, r])).logabsdet)],
    L.solve: [
        ("q u", L.solve),
        ("q m", L.solve),
        ("q r", L.solve),
        ("q r u", lambda q, r, u: L.solve(np.stack([q, r]), u[:, None])),
    ],
    L.svd: [
        ("m", lambda m: L.svd(m, compute_uv=False)),
        ("m", lambda m: _rebuilt(*L.svd(m, full_matrices=False))),
        ("q", lambda q: L.svd(q).S),
        ("q", lambda q: L.svd(q)[0] ** 2),
    ],
    L.svdvals: [("m", L.svdvals)],
    L.tensordot: [("q r", L.tensordot)],
    L.tensorinv: [
        ("q", lambda q: L.tensorinv(q, ind=1)),
        ("q r", lambda q, r: L.tensorinv(np.reshape(np.kron(q, r[:2, :2]), (2, 3, 6)))),
    ],
    L.tensorsolve: [("q u", L.tensorsolve)],
    L.trace: [("q", L.trace), ("t", lambda t: L.trace(t, offset=1))],
    L.vecdot: [("m n", L.vecdot), ("m v", L.vecdot)],
    L.vector_norm: [
        ("m", L.vector_norm),
        ("m", lambda m: L.vector_norm(m, axis=1, ord=3)),
        ("m", lambda m: L.vector_norm(m, axis=0, keepdims=True)),
    ],
    F.fft: [
        ("v", F.fft),
        ("m", lambda m: F.fft(m, n=6, axis=0, norm="ortho")),
        ("c", F.fft),
        ("m", lambda m: F.fft(m, 3)),
    ],
    F.ifft: [("v", F.ifft), ("c", lambda c: F.ifft(c, axis=0, norm="forward"))],
    F.rfft: [("v", F.rfft), ("u", F.rfft), ("m", lambda m: F.rfft(m, n=5, axis=0, norm="ortho"))],
    F.irfft: [
        ("c", F.irfft),
        ("c", lambda c: F.irfft(c, n=5)),
        ("c", lambda c: F.irfft(c, axis=0, norm="ortho")),
        ("v", F.irfft),
    ],
    F.hfft: [("c", F.hfft), ("c", lambda c: F.hfft(c, n=5))],
    F.ihfft: [("v", F.ihfft), ("m", lambda m: F.ihfft(m, n=6, norm="ortho"))],
    F.fft2: [("m", F.fft2), ("t", lambda t: F.fft2(t, s=(3, 5), axes=(0, 2)))],
    F.ifft2: [("c", F.ifft2)],
    F.rfft2: [("m", F.rfft2)],
    F.irfft2: [("c", F.irfft2), ("c", lambda c: F.irfft2(c, s=(3, 5)))],
    F.fftn: [("t", F.fftn), ("t", lambda t: F.fftn(t, axes=(0, 2), norm="ortho")), ("c", F.fftn)],
    F.ifftn: [("c", F.ifftn)],
    F.rfftn: [("t", F.rfftn), ("t", lambda t: F.rfftn(t, s=(3, 3), axes=(1, 2)))],
    F.irfftn: [("c", F.irfftn), ("c", lambda c: F.irfftn(c, s=(2, 4), axes=(0, 1), norm="forward"))],
    F.fftshift: [("v", F.fftshift), ("m", lambda m: F.fftshift(m, axes=1))],
    F.ifftshift: [("v", F.ifftshift), ("m", F.ifftshift)],
}


def _rebuilt(u: object, s: object, vh: object) -> object:
    return u * s @ vh
