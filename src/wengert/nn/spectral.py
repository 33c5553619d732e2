"""Spectral normalization: weights divided by their largest singular value, which power iteration follows."""

from __future__ import annotations

import numpy as np

from wengert.api.constants import stop_gradient
from wengert.errors import ArgumentError
from wengert.types import Array

__all__ = ["spectral_norm"]


def spectral_norm(w: Array, u: Array, *, iterations: int = 1, epsilon: float = 1e-12) -> tuple[Array, Array]:
    """Weights over their largest singular value sigma, estimated by power iteration from u.

    Parameters
    ----------
    w : (outputs, ...) array
        Weights; axes from the second on are taken as one.
    u : (outputs,) array
        Estimate of the left singular vector, kept from the last step; at first any vector, such as a normal draw.
    iterations : int
        Steps of power iteration; 0 keeps u, as when a model is used.
    epsilon : float
        Least norm that vectors are divided by.

    Returns
    -------
    normalized : array
        w / sigma.
    u : (outputs,) array
        The better estimate, without derivatives.

    Raises
    ------
    ArgumentError
        If u has not one entry for each output.

    Notes
    -----
    Miyato, Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial networks" (2018),
    algorithm 1: v = W^T u, then u = W v, both made unit vectors. With
    sigma = u^T W v and u, v constant, the derivative of sigma is u v^T, that of the singular value itself once the
    iteration has settled. Second derivatives leave out those of u and v.

    Examples
    --------
    >>> y, u = spectral_norm(np.diag([4.0, 1.0]), np.ones(2), iterations=20)
    >>> y.round(6)
    array([[1.  , 0.  ],
           [0.  , 0.25]])
    """
    if np.ndim(w) < 2 or np.shape(u) != np.shape(w)[:1]:
        raise ArgumentError(
            f"spectral_norm: weights of shape {np.shape(w)} with a vector of shape {np.shape(u)}",
            why="the left singular vector has one entry for each output.",
            instead=f"give a vector of shape {np.shape(w)[:1]}.",
        )
    matrix = np.reshape(w, (np.shape(w)[0], -1))
    fixed, u = stop_gradient(matrix), stop_gradient(u)
    v = _unit(np.matmul(u, fixed), epsilon)
    for i in range(iterations):
        v = _unit(np.matmul(u, fixed), epsilon) if i else v
        u = _unit(np.matmul(fixed, v), epsilon)
    sigma = np.matmul(u, np.matmul(matrix, v))
    return w / sigma, u


def _unit(x: Array, epsilon: float) -> Array:
    return x / np.maximum(np.sqrt(np.sum(x * x)), epsilon)
