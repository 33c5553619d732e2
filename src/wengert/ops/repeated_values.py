"""Repeated eigenvalues and singular values: what derivatives mean there, and what the rules do.

Where an eigenvalue repeats, any basis of its eigenspace is one of eigenvectors; LAPACK's choice is arbitrary.
What does not depend on that choice, U f(w) U^H or the sum of f(w), is smooth all the same. Its derivative
within the eigenspace is f'(w) times the tangent M = V^H A_dot V, the limit of M_ij (f(w_j) - f(w_i)) / (w_j -
w_i).

Forward mode knows M, and takes the basis in which M is diagonal within each eigenspace: V Q. In that basis
the eigenvectors do not turn at first order, the eigenvalues move by w_dot = diag(M), and both make up f'(w)
M. It is the basis that the eigenvectors of A + t A_dot tend to as t goes to 0 (Kato 1995, Perturbation theory
for linear operators, section II.5). Sorted eigenvalues get their one-sided derivatives along A_dot. A
derivative of a derivative keeps the basis of the first direction: that is why it is an operand of the
decomposition (`eigh_(a, a_dot)`), so that forward over reverse (`hessian`, `hvp`), reverse over forward and
forward over forward are right.

Reverse mode has no direction to choose a basis by, and sees neither f nor f', only the cotangents at the
basis that LAPACK took. They tell the derivative
    if V^T V_bar has no entry within an eigenspace off the diagonal: norms, traces, determinants and the like,
    if w is not used: then f' = 0 (projectors on whole eigenspaces).
Elsewhere the derivative is not known, or does not exist (a function of one eigenvector), and is nan. So is
that of the sum of all entries of sqrt(A) computed as U sqrt(w) U^T at A = I, and that of a gradient, in
reverse over reverse, along directions off the diagonal (but where that cotangent happens to be 0: sum(w**2)
at A = 0).

How the basis turns within an eigenspace at second order is taken as 0. So second derivatives are right for
what is made of sums of f(w), written with or without eigenvectors, but not for single entries of U f(w) U^H,
and third derivatives are not right.
"""

from __future__ import annotations

import numpy as np

from wengert.ops.locations import anywhere
from wengert.ops.matrix_parts import adjoint, inverse_gaps
from wengert.types import Array

__all__ = ["adapted", "groups", "repeats", "turn"]

_NOISE = 128  # units of n eps: what rounding leaves of a zero in V^T V_bar


# Which values are equal -----------------------------------------------------------------


def _resolution(w: Array) -> Array:
    """Return n eps max|w|, the accuracy of the w that LAPACK computes (Anderson et al. 1999, section 4.7)."""
    size = np.max(np.abs(w), axis=-1, keepdims=True, initial=0.0)
    return np.shape(w)[-1] * float(np.finfo(w.dtype).eps) * size


def _numbers(w: Array) -> Array:
    """Number the groups of equal values: in sorted order, a new one starts where a step can be told from 0."""
    n = np.shape(w)[-1]
    first = np.zeros((*np.shape(w)[:-1], min(n, 1)), np.intp)
    steps = np.abs(w[..., 1:] - w[..., :-1]) > _resolution(w)
    return np.concatenate((first, np.cumsum(steps, axis=-1)), axis=-1)


def groups(w: Array) -> Array:
    """Return which pairs of sorted values are equal, as a matrix."""
    number = _numbers(w)
    return number[..., np.newaxis, :] == number[..., :, np.newaxis]


def repeats(w: Array) -> bool:
    """Say whether any value repeats, in any matrix of the stack."""
    return np.shape(w)[-1] > 1 and anywhere(np.abs(w[..., 1:] - w[..., :-1]) <= _resolution(w))


# Forward: the basis of a direction ------------------------------------------------------


def adapted(w: Array, m: Array) -> Array:
    """Return Q, unitary within each group of equal values, for which Q^H M Q is diagonal there; plain arrays only.

    The blocks of M, scaled into [-1, 1], are shifted apart by 4 and diagonalized together: groups do not mix.
    """
    block = np.where(groups(w), m, 0.0)
    size = np.max(np.abs(block), axis=(-2, -1), keepdims=True, initial=0.0)
    shift = (4 * np.eye(np.shape(w)[-1], dtype=w.dtype)) * _numbers(w)[..., np.newaxis, :]
    q = np.linalg.eigh(block / np.where(size == 0, 1, size) + shift)[1]
    return q.astype(m.dtype, copy=False)


# Reverse: what the cotangents tell -------------------------------------------------------


def turn(w: Array, p: Array, shapes: tuple[Array, ...], *, values: bool) -> Array:
    """Return F * P, F_ij = 1 / (w_j - w_i); where w_i and w_j are equal 0, or nan if that is not known to be right.

    P is the cotangent of the turn of the vectors, a sum of `shapes`. Their Hermitian parts tell by how much
    f'(w) counts, which matters if the `values` are used too.
    """
    same = groups(w)
    gaps = inverse_gaps(w, same)
    if not repeats(w):
        return gaps * p
    noise = _noise(shapes)
    unknown = np.abs(p - adjoint(p)) > noise
    for shape in shapes if values else ():
        unknown = unknown | (np.abs(shape + adjoint(shape)) > noise)
    return np.where(same & ~np.eye(np.shape(w)[-1], dtype=bool) & unknown, np.nan, gaps) * p


def _noise(shapes: tuple[Array, ...]) -> Array:
    """Return how large the rounding errors of these matrices may be."""
    sizes = [np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0.0) for x in shapes]
    x = shapes[0]
    return _NOISE * np.shape(x)[-1] * float(np.finfo(x.dtype).eps) * sum(sizes[1:], sizes[0])
