"""Activation functions, in forms that neither overflow nor cancel, derivatives included.

At 0 the derivative of a rectifier is that of its left side: relu'(0) = 0, and relu6'(6) = 0. The ends of what
`np.clip` cuts off belong to the middle: hard_tanh'(1) = 1. NaN stays NaN.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np
from scipy import special

from wengert.api.constants import stop_gradient
from wengert.core.numpy_protocol import operand
from wengert.errors import ArgumentError
from wengert.ops.extremes import logsumexp as log_sum_exp
from wengert.types import Array, type_of

__all__ = [
    "elu",
    "gelu",
    "glu",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "one_hot",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
]

# Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks" (2017), equation 14: the values that
# make zero mean and unit variance a fixed point.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


# Rectifiers -------------------------------------------------------------------------------------


def relu(x: Array) -> Array:
    """Positive part max(x, 0).

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Examples
    --------
    >>> relu(np.array([-1.0, 2.0]))
    array([0., 2.])
    """
    return np.where(x <= 0, 0, x)


def relu6(x: Array) -> Array:
    """Positive part, not above 6: min(max(x, 0), 6).

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Examples
    --------
    >>> relu6(np.array([-1.0, 2.0, 9.0]))
    array([0., 2., 6.])
    """
    return np.where(x >= 6, 6, relu(x))


def leaky_relu(x: Array, slope: float = 0.01) -> Array:
    """Rectifier with a small slope left of zero.

    Parameters
    ----------
    x : array
    slope : float

    Returns
    -------
    array

    Examples
    --------
    >>> leaky_relu(np.array([-1.0, 2.0]))
    array([-0.01,  2.  ])
    """
    return np.where(x <= 0, slope * x, x)


def elu(x: Array, alpha: float = 1.0) -> Array:
    """Exponential linear unit: x right of zero, alpha (exp(x) - 1) left of it.

    Parameters
    ----------
    x : array
    alpha : float

    Returns
    -------
    array

    Notes
    -----
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units" (2015).

    Examples
    --------
    >>> elu(np.array([-np.inf, 2.0]))
    array([-1.,  2.])
    """
    return np.where(x <= 0, alpha * np.expm1(np.where(x <= 0, x, 0)), x)


def selu(x: Array) -> Array:
    """Scaled exponential linear unit, which keeps mean 0 and variance 1 through layers.

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Notes
    -----
    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks" (2017).

    Examples
    --------
    >>> selu(np.array([1.0])).round(6)
    array([1.050701])
    """
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


# Smooth units -----------------------------------------------------------------------------------


def gelu(x: Array, *, approximate: bool = False) -> Array:
    """Gaussian error linear unit x Phi(x), with Phi the normal distribution function.

    Parameters
    ----------
    x : array
    approximate : bool
        Use x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3), the form with tanh without its cancellation.

    Returns
    -------
    array

    Notes
    -----
    Hendrycks and Gimpel, "Gaussian error linear units" (2016).

    Examples
    --------
    >>> gelu(np.array([-40.0, 0.0, 1.0])).round(6)
    array([-0.      ,  0.      ,  0.841345])
    """
    if approximate:
        return x * special.expit((2.0 * sqrt(2.0 / pi)) * (x + 0.044715 * (x * x * x)))
    return x * special.ndtr(x)


def silu(x: Array) -> Array:
    """Sigmoid linear unit x sigmoid(x), also called swish.

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Notes
    -----
    Ramachandran, Zoph and Le, "Searching for activation functions" (2017).

    Examples
    --------
    >>> silu(np.array([0.0, 40.0]))
    array([ 0., 40.])
    """
    return x * special.expit(x)


def softplus(x: Array) -> Array:
    """Smooth rectifier log(1 + exp(x)).

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Examples
    --------
    >>> softplus(np.array([-800.0, 800.0]))
    array([  0., 800.])
    """
    return np.logaddexp(x, 0.0)


def sigmoid(x: Array) -> Array:
    """Logistic function 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Examples
    --------
    >>> sigmoid(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    return special.expit(x)


def log_sigmoid(x: Array) -> Array:
    """Logarithm of the logistic function, -softplus(-x).

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Examples
    --------
    >>> log_sigmoid(np.array([-800.0, 0.0])).round(6)
    array([-8.00000e+02, -6.93147e-01])
    """
    return special.log_expit(x)


def glu(x: Array, axis: int = -1) -> Array:
    """Gated linear unit: the first half of an axis times the sigmoid of the second.

    Parameters
    ----------
    x : array
        Of even length along `axis`.
    axis : int

    Returns
    -------
    array
        Of half that length.

    Notes
    -----
    Dauphin, Fan, Auli and Grangier, "Language modeling with gated convolutional networks" (2017).

    Examples
    --------
    >>> glu(np.array([1.0, 2.0, 0.0, 40.0]))
    array([0.5, 2. ])
    """
    if np.shape(x)[axis] % 2:
        raise ArgumentError(
            f"glu: axis {axis} of shape {np.shape(x)} has no two halves",
            why="the first half holds values, the second their gates.",
            instead="give an even number of features.",
        )
    value, gate = np.split(x, 2, axis=axis)
    return value * special.expit(gate)


# Piecewise linear approximations ----------------------------------------------------------------


def hard_tanh(x: Array) -> Array:
    """Clip to [-1, 1].

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Examples
    --------
    >>> hard_tanh(np.array([-3.0, 0.5, 3.0]))
    array([-1. ,  0.5,  1. ])
    """
    return np.clip(x, -1, 1)


def hard_sigmoid(x: Array) -> Array:
    """Piecewise linear sigmoid, clip(x / 6 + 1/2, 0, 1).

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Examples
    --------
    >>> hard_sigmoid(np.array([-3.0, 0.0, 3.0]))
    array([0. , 0.5, 1. ])
    """
    return np.clip(x / 6 + 0.5, 0, 1)


def hard_silu(x: Array) -> Array:
    """Piecewise quadratic silu, x clip(x / 6 + 1/2, 0, 1), also called hard swish.

    Parameters
    ----------
    x : array

    Returns
    -------
    array

    Notes
    -----
    Howard et al., "Searching for MobileNetV3" (2019).

    Examples
    --------
    >>> hard_silu(np.array([-4.0, 0.0, 4.0]))
    array([-0.,  0.,  4.])
    """
    return x * hard_sigmoid(x)


# Distributions over an axis ---------------------------------------------------------------------


def logsumexp(x: Array, axis: Any = -1, *, keepdims: bool = False) -> Array:
    """Logarithm of the sum of exponentials over axes.

    Parameters
    ----------
    x : array
    axis : int, tuple of ints or None
        None for all axes.
    keepdims : bool
        Leave the reduced axes in place, of length 1.

    Returns
    -------
    array
        -inf where all entries are, with derivative 0.

    Examples
    --------
    >>> float(logsumexp(np.array([1000.0, 1000.0])) - 1000.0)
    0.693147...
    """
    return log_sum_exp(operand(x), axis, keepdims=keepdims)


def log_softmax(x: Array, axis: int = -1) -> Array:
    """Logarithm of the softmax.

    Parameters
    ----------
    x : array
    axis : int

    Returns
    -------
    array

    Notes
    -----
    s - log sum exp(s) with s = x - max(x): the digits of an entry near 0 are not lost to the size of x, as they are in
    x - logsumexp(x).

    Examples
    --------
    >>> log_softmax(np.array([0.0, 1000.0]))
    array([-1000.,     0.])
    """
    shifted = below_largest(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def below_largest(x: Array, axis: int) -> Array:
    """Entries minus the largest along an axis: what softmax is unchanged by, and exp cannot overflow on.

    Parameters
    ----------
    x : array
    axis : int

    Returns
    -------
    array

    Examples
    --------
    >>> below_largest(np.array([1.0, 3.0]), -1)
    array([-2.,  0.])
    """
    return x - stop_gradient(np.max(x, axis=axis, keepdims=True))


def softmax(x: Array, axis: int = -1, *, where: Any = None) -> Array:
    """Exponentials over their sum along an axis.

    Parameters
    ----------
    x : array
    axis : int
    where : array of bool, optional
        Entries that take part; others are 0, also where none does.

    Returns
    -------
    array

    Examples
    --------
    >>> softmax(np.array([0.0, 1000.0]))
    array([0., 1.])
    >>> softmax(np.array([[1.0, 1.0, 5.0], [1.0, 1.0, 1.0]]), where=np.array([[True, True, False], [False] * 3]))
    array([[0.5, 0.5, 0. ],
           [0. , 0. , 0. ]])
    """
    if where is None:
        e = np.exp(below_largest(x, axis))
        return e / np.sum(e, axis=axis, keepdims=True)
    # Entries left out are replaced before exp, so that neither value nor derivative of theirs can spoil the row.
    largest = np.max(np.where(where, x, -np.inf), axis=axis, keepdims=True)
    largest = stop_gradient(np.where(np.isfinite(largest), largest, 0))
    e = np.where(where, np.exp(np.where(where, x - largest, 0)), 0)
    total = np.sum(e, axis=axis, keepdims=True)
    return e / np.where(total == 0, 1, total)


def one_hot(labels: Array, classes: int, dtype: Any = np.float64) -> Array:
    """Rows of the unit matrix.

    Parameters
    ----------
    labels : (...) array of int
        From 0 to classes - 1; a label outside gives a row of zeros.
    classes : int
    dtype : dtype

    Returns
    -------
    (..., classes) array

    Examples
    --------
    >>> one_hot(np.array([2, 0]), 3)
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    labels = operand(labels)
    if type_of(labels).dtype.kind not in "iu":
        raise ArgumentError(
            f"one_hot: labels {type_of(labels)}",
            why="integers name the classes.",
            instead="give labels.astype(int).",
        )
    return (np.expand_dims(labels, -1) == np.arange(classes)).astype(dtype)
