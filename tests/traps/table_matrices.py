"""Matrices: singular, with repeated eigenvalues or singular values, or zero."""

import math

import numpy as np

from .trap import Trap

__all__ = ["MATRICES", "exchange", "symmetric", "symmetrizer"]

NAN = np.nan
EYE = np.eye(2)
UNIT = np.eye(4).reshape(2, 2, 2, 2)  # the Hessian of half the squared norm of a 2 by 2 matrix


def symmetric(a):
    """Return the symmetric part: eigh reads one triangle only, and this makes its derivatives symmetric."""
    return (a + a.T) / 2


def symmetrizer(n, mask=1.0):
    """Return the Hessian of the squared norm of the symmetric part, halved, for the entries in a symmetric mask."""
    d = np.eye(n)
    s = (np.einsum("ik,jl->ijkl", d, d) + np.einsum("il,jk->ijkl", d, d)) / 2
    return s * np.broadcast_to(mask, (n, n))[:, :, None, None]


def exchange(n):
    """Return the Hessian of half the squared norm of the skew part."""
    d = np.eye(n)
    return (np.einsum("ik,jl->ijkl", d, d) - np.einsum("il,jk->ijkl", d, d)) / 2


def _entries(n, **entries):
    """Return a symmetric Hessian from its entries: h0011 stands at (0, 0), (1, 1) and at (1, 1), (0, 0)."""
    h = np.zeros((n,) * 4)
    for name, value in entries.items():
        i, j, k, m = map(int, name[1:])
        h[i, j, k, m] = h[k, m, i, j] = value
    return h


def _minors(a):
    """Return the Hessian of det at a 3 by 3 matrix: the entry left over by two, with its sign."""
    h = np.zeros((3,) * 4)
    for i, j, k, m in np.ndindex(h.shape):
        if i != k and j != m:
            sign = np.linalg.det(np.eye(3)[[i, k, 3 - i - k]]) * np.linalg.det(np.eye(3)[[j, m, 3 - j - m]])
            h[i, j, k, m] = sign * a[3 - i - k, 3 - j - m]
    return h


def _trap(name, fun, x, first, second, why, **fields):
    return Trap(
        name=name, fun=fun, x=np.asarray(x, float), first=first, second=second, why=why, rounding=64, **fields
    )


def _repeated(name, fun, x, first, second, why, *pairs, **fields):
    """Declare a trap at repeated values: reverse over reverse knows nothing along directions that turn equal pairs."""
    second = np.array(np.broadcast_to(second, np.shape(x) * 2), float)
    blind = second.copy()
    for i, j in pairs:
        blind[i, j] = blind[j, i] = NAN
    return _trap(
        name, fun, x, first, second, why, exact=False, instead={"reverse over reverse": blind}, **fields
    )


TWO_BY_TWO = _entries(2, h0011=1, h0110=-1)
RANK_ONE = np.diag([1.0, 0.0, 0.0])

DETERMINANTS = (
    _trap("det of a singular matrix", np.linalg.det, [[1, 2], [2, 4]], [[4, -2], [-2, 1]], TWO_BY_TWO, "ad - bc"),
    _trap("det of zero", np.linalg.det, np.zeros((2, 2)), 0.0, TWO_BY_TWO, "ad - bc"),
    _trap("det of a zero number", np.linalg.det, [[0]], 1.0, 0.0, "a"),
    _trap("det of rank 1, 3 by 3", np.linalg.det, RANK_ONE, 0.0, _minors(RANK_ONE), "cofactors of rank 1 are 0"),
    _trap("det of rank 2, 3 by 3", np.linalg.det, np.diag([1.0, 2, 0]), np.diag([0.0, 0, 2]),
          _minors(np.diag([1.0, 2, 0])), "the one cofactor left is 1 * 2"),
    _trap("det of zero, 3 by 3", np.linalg.det, np.zeros((3, 3)), 0.0, 0.0, "of degree 3"),
    _trap("det of nothing", lambda x: np.linalg.det(x[:0, :0]), np.ones((2, 2)), 0.0, 0.0, "the constant 1"),
    _trap("square of a singular det", lambda a: np.linalg.det(a) ** 2, [[1, 2], [2, 4]], 0.0,
          2 * np.multiply.outer(np.array([[4, -2], [-2, 1.0]]), np.array([[4, -2], [-2, 1.0]])),
          "2 det d det; the second is 2 d det d det"),
    _trap("slogdet of a singular matrix, masked",
          lambda a: np.where(np.linalg.det(a) > 0, np.linalg.slogdet(a)[1], 0.0), [[1, 2], [2, 4]], 0.0, 0.0,
          "the branch taken is a constant"),
    _trap("slogdet of a negative determinant", lambda a: np.linalg.slogdet(a)[1], np.diag([1.0, -2.0]),
          np.diag([1, -0.5]), _entries(2, h0000=-1, h1111=-0.25, h0110=0.5),
          "d log|det| = A^-T, and its derivative is -(A^-1)_(ji) products"),
    _trap("sign of slogdet", lambda a: np.linalg.slogdet(a)[0], EYE, 0.0, 0.0, "locally constant"),
)  # fmt: skip

# tr f(A) of a symmetric matrix with the one eigenvalue w: f'(w) I and f''(w) times the symmetrizer.
LOWER = np.zeros((2,) * 4, bool)  # the row of a10, but for a01, which eigh does not read
LOWER[1, 0] = [[True, False], [True, True]]
PAIR, ALL_PAIRS = ((0, 1),), ((0, 1), (0, 2), (1, 2))


def _through_eigh(f):
    """Return a -> tr f(A), f on the eigenvalues between eigenvectors."""

    def trace(a):
        w, v = np.linalg.eigh(symmetric(a))
        return np.trace((v * f(w)) @ v.T)

    return trace


def _through(a):
    """Return the symmetric part of a matrix, put together again from its eigenvectors."""
    w, v = np.linalg.eigh(symmetric(a))
    return (v * w) @ v.T


def _whole_space(a):
    """Return the projector on the two larger of three eigenvalues."""
    _, v = np.linalg.eigh(symmetric(a))
    return v[:, 1:] @ v[:, 1:].T


TWINS = np.diag([1.0, 2.0, 2.0])
CROSS = np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0.0]])  # pairs of eigenvalues 1 and 2

EIGENVALUES = (
    _trap("sum of eigvalsh at I", lambda a: np.sum(np.linalg.eigvalsh(a)), EYE, EYE, 0.0, "the trace"),
    _trap("sum of eigvalsh squared at I, one triangle", lambda a: np.sum(np.linalg.eigvalsh(a) ** 2), EYE, 2 * EYE,
          _entries(2, h0000=2, h1111=2, h1010=4), "a00^2 + a11^2 + 2 a10^2",
          instead={"reverse over reverse": np.where(LOWER, NAN, 0) + _entries(2, h0000=2, h1111=2)}),
    _repeated("sum of eigvalsh squared at I", lambda a: np.sum(np.linalg.eigvalsh(symmetric(a)) ** 2), EYE, 2 * EYE,
          2 * symmetrizer(2), "the squared norm", *PAIR),
    _repeated("sum of eigvalsh squared at I, 3 by 3", lambda a: np.sum(np.linalg.eigvalsh(symmetric(a)) ** 2),
          np.eye(3), 2 * np.eye(3), 2 * symmetrizer(3), "the squared norm", *ALL_PAIRS),
    _repeated("sum of eigvalsh squared, two equal of three", lambda a: np.sum(np.linalg.eigvalsh(symmetric(a)) ** 2),
          TWINS, 2 * TWINS, 2 * symmetrizer(3), "the squared norm", (1, 2)),
    _repeated("sum of exp of eigvalsh at I", lambda a: np.sum(np.exp(np.linalg.eigvalsh(symmetric(a)))), EYE,
          math.e * EYE, math.e * symmetrizer(2), "tr exp(A)", *PAIR),
    _repeated("sum of log of eigvalsh at I", lambda a: np.sum(np.log(np.linalg.eigvalsh(symmetric(a)))), EYE, EYE,
          -symmetrizer(2), "log det A", *PAIR),
    _repeated("prod of eigvalsh at I", lambda a: np.prod(np.linalg.eigvalsh(symmetric(a))), EYE, EYE,
          _entries(2, h0011=1, h0101=-0.5, h1010=-0.5, h0110=-0.5), "a00 a11 - ((a01 + a10)/2)^2", *PAIR),
    _trap("the two larger of eigvalsh, equal", lambda a: np.sum(np.linalg.eigvalsh(symmetric(a))[1:]), TWINS,
          np.diag([0.0, 1, 1]), symmetrizer(3, CROSS), "second order: 2 sum |E_ik|^2 / (w_i - w_k) over pairs across"),
    _repeated("tr sqrt(A) through eigh at I", _through_eigh(np.sqrt), EYE, 0.5 * EYE, -0.25 * symmetrizer(2),
          "f', f''", *PAIR),
    _repeated("tr exp(A) through eigh at 0", _through_eigh(np.exp), np.zeros((2, 2)), EYE, symmetrizer(2),
          "f', f''", *PAIR),
    _repeated("tr A^2 through eigh at I", _through_eigh(np.square), np.eye(3), 2 * np.eye(3), 2 * symmetrizer(3),
          "f', f''", *ALL_PAIRS),
    _repeated("norm of V f(w) V^T at I", lambda a: np.linalg.norm(_through(a)), EYE, EYE / math.sqrt(2),
        (symmetrizer(2) - np.multiply.outer(EYE, EYE) / 2) / math.sqrt(2), "the norm of the symmetric part", *PAIR),
    _repeated("projector on a repeated pair, outside", lambda a: _whole_space(a)[0, 0], TWINS, 0.0,
          symmetrizer(3, CROSS), "Z Z^T with Z = E_(0t) / (2 - 1) to first order"),
    _repeated("tr of a projector on a repeated pair", lambda a: np.trace(_whole_space(a)), TWINS, 0.0, 0.0, "it is 2"),
    _trap("sum of eigvals at I", lambda a: np.sum(np.linalg.eigvals(a)), EYE, EYE, 0.0, "the trace"),
)  # fmt: skip

NORM_AT_I = (UNIT - np.multiply.outer(EYE, EYE) / 2) / math.sqrt(2)


def _rebuilt(a):
    u, s, vh = np.linalg.svd(a)
    return (u * s) @ vh


def _root_of_square(a):
    """Return (A A^T)^(1/2)."""
    u, s, _ = np.linalg.svd(a)
    return (u * s) @ u.T


SINGULAR_VALUES = (
    _repeated("norm of U S V^T at I", lambda a: np.linalg.norm(_rebuilt(a)), EYE, EYE / math.sqrt(2), NORM_AT_I,
          "the norm of A: (I - A A^T / n^2) / n", *PAIR),
    _repeated("sum of svdvals squared at I", lambda a: np.sum(np.linalg.svdvals(a) ** 2), EYE, 2 * EYE, 2 * UNIT,
          "the squared norm", *PAIR),
    _repeated("sum of singular values squared, through svd, at 2I", lambda a: np.sum(np.linalg.svd(a)[1] ** 2), 2 * EYE,
          4 * EYE, 2 * UNIT, "the squared norm", *PAIR),
    _trap("nuclear norm at I", lambda a: np.linalg.norm(a, "nuc"), EYE, EYE, exchange(2),
          "U V^T; |I + K|_* = 2 sqrt(1 + k^2) for skew K, and |I + H|_* = tr(I + H)"),
    _trap("2-norm at I", lambda a: np.linalg.norm(a, 2), EYE, EYE / 2, exchange(2) / 2,
          "ties are shared equally: half the nuclear norm"),
    _repeated("sum of log svdvals at I", lambda a: np.sum(np.log(np.linalg.svdvals(a))), EYE, EYE,
          _entries(2, h0000=-1, h1111=-1, h0110=-1), "log |det A|: -(A^-1)_(ji) products", *PAIR),
    _repeated("tr sqrt(A A^T) through svd at I", lambda a: np.trace(_root_of_square(a)), EYE, EYE,
          exchange(2), "the nuclear norm", *PAIR),
    _repeated("svdvals of a wide matrix of equal values", lambda a: np.sum(np.linalg.svdvals(a) ** 2), np.eye(2, 3),
          2 * np.eye(2, 3), 2 * np.eye(6).reshape(2, 3, 2, 3), "the squared norm", *PAIR),
)  # fmt: skip

OTHERS = (
    _trap("tr A^0", lambda a: np.trace(np.linalg.matrix_power(a, 0)), np.zeros((2, 2)), 0.0, 0.0, "a constant"),
    _trap("tr A^2 at 0", lambda a: np.trace(np.linalg.matrix_power(a, 2)), np.zeros((2, 2)), 0.0,
          2 * np.einsum("il,jk->ijkl", EYE, EYE), "sum a_ij a_ji"),
    _trap("tr A^3 at 0", lambda a: np.trace(np.linalg.matrix_power(a, 3)), np.zeros((2, 2)), 0.0, 0.0, "cubic"),
    _trap("tr inv at I", lambda a: np.trace(np.linalg.inv(a)), EYE, -EYE,
          2 * np.einsum("il,jk->ijkl", EYE, EYE), "-A^-T A^-T; 2 tr(E E) at I"),
    _trap("log det through cholesky at I", lambda a: 2 * np.sum(np.log(np.diagonal(np.linalg.cholesky(symmetric(a))))),
          EYE, EYE, -symmetrizer(2), "log det"),
    _trap("vdot of a matrix with itself at 0", lambda a: np.vdot(a, a), np.zeros((2, 2)), 0.0, 2 * UNIT, "|A|^2"),
)  # fmt: skip

MATRICES = (*DETERMINANTS, *EIGENVALUES, *SINGULAR_VALUES, *OTHERS)
