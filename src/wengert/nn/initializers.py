"""Initial values of parameters, each a function (key, shape, dtype) of a key of `wengert.random`.

Weights are (outputs, inputs, *kernel), as in PyTorch: fan_in = inputs size(kernel), fan_out = outputs size(kernel).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert import random
from wengert.errors import ArgumentError
from wengert.types import Array

__all__ = [
    "fan_in_uniform",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "orthogonal",
]


def glorot_uniform(key: Array, shape: Sequence[int], dtype: Any = np.float64, *, gain: float = 1.0) -> Array:
    """Uniform with variance gain^2 2 / (fan_in + fan_out): layers between linear or tanh units.

    Parameters
    ----------
    key : (2,) array of uint32
    shape : tuple of ints
    dtype : dtype
    gain : float

    Returns
    -------
    array

    Notes
    -----
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010), equation 16.

    Examples
    --------
    >>> w = glorot_uniform(random.key(0), (30, 20))
    >>> bool(abs(w).max() <= np.sqrt(6 / 50))
    True
    """
    fan_in, fan_out = _fans("glorot_uniform", shape)
    return _uniform(key, shape, dtype, gain * math.sqrt(2.0 / (fan_in + fan_out)))


def glorot_normal(key: Array, shape: Sequence[int], dtype: Any = np.float64, *, gain: float = 1.0) -> Array:
    """Normal with variance gain^2 2 / (fan_in + fan_out).

    Parameters
    ----------
    key : (2,) array of uint32
    shape : tuple of ints
    dtype : dtype
    gain : float

    Returns
    -------
    array

    Notes
    -----
    Glorot and Bengio (2010), equation 12.

    Examples
    --------
    >>> glorot_normal(random.key(0), (30, 20)).shape
    (30, 20)
    """
    fan_in, fan_out = _fans("glorot_normal", shape)
    return _normal(key, shape, dtype, gain * math.sqrt(2.0 / (fan_in + fan_out)))


def he_uniform(
    key: Array, shape: Sequence[int], dtype: Any = np.float64, *, gain: float = math.sqrt(2.0)
) -> Array:
    """Uniform with variance gain^2 / fan_in: layers before rectifiers.

    Parameters
    ----------
    key : (2,) array of uint32
    shape : tuple of ints
    dtype : dtype
    gain : float
        Square root of 2 for `relu`.

    Returns
    -------
    array

    Notes
    -----
    He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015), equation 10.

    Examples
    --------
    >>> w = he_uniform(random.key(0), (30, 20))
    >>> bool(abs(w).max() <= np.sqrt(6 / 20))
    True
    """
    return _uniform(key, shape, dtype, gain / math.sqrt(_fans("he_uniform", shape)[0]))


def he_normal(
    key: Array, shape: Sequence[int], dtype: Any = np.float64, *, gain: float = math.sqrt(2.0)
) -> Array:
    """Normal with variance gain^2 / fan_in: layers before rectifiers.

    Parameters
    ----------
    key : (2,) array of uint32
    shape : tuple of ints
    dtype : dtype
    gain : float
        Square root of 2 for `relu`.

    Returns
    -------
    array

    Notes
    -----
    He, Zhang, Ren and Sun (2015), equation 10.

    Examples
    --------
    >>> he_normal(random.key(0), (30, 20)).shape
    (30, 20)
    """
    return _normal(key, shape, dtype, gain / math.sqrt(_fans("he_normal", shape)[0]))


def lecun_normal(key: Array, shape: Sequence[int], dtype: Any = np.float64) -> Array:
    """Normal with variance 1 / fan_in: layers before `selu`, or without a rectifier.

    Parameters
    ----------
    key : (2,) array of uint32
    shape : tuple of ints
    dtype : dtype

    Returns
    -------
    array

    Notes
    -----
    LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998), equation 16.

    Examples
    --------
    >>> lecun_normal(random.key(0), (30, 20)).shape
    (30, 20)
    """
    return _normal(key, shape, dtype, 1.0 / math.sqrt(_fans("lecun_normal", shape)[0]))


def fan_in_uniform(
    key: Array, shape: Sequence[int], dtype: Any = np.float64, *, fan_in: int | None = None
) -> Array:
    """Uniform between -1 / sqrt(fan_in) and 1 / sqrt(fan_in): PyTorch's default for layers and their biases.

    Parameters
    ----------
    key : (2,) array of uint32
    shape : tuple of ints
    dtype : dtype
    fan_in : int, optional
        That of the shape by default; a bias takes the one of its weights.

    Returns
    -------
    array

    Examples
    --------
    >>> bool(abs(fan_in_uniform(random.key(0), (30,), fan_in=25)).max() <= 0.2)
    True
    """
    n = _fans("fan_in_uniform", shape)[0] if fan_in is None else fan_in
    return _uniform(key, shape, dtype, math.sqrt(1.0 / (3.0 * n)))


def orthogonal(key: Array, shape: Sequence[int], dtype: Any = np.float64, *, gain: float = 1.0) -> Array:
    """Matrix with orthonormal rows, or columns where there are fewer of them, all such being equally likely.

    Parameters
    ----------
    key : (2,) array of uint32
    shape : tuple of ints
        Axes from the second on are taken as one.
    dtype : dtype
    gain : float

    Returns
    -------
    array

    Notes
    -----
    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks"
    (2014). The signs that make QR unique make it uniform: Mezzadri, "How to generate random matrices from the classical
    compact groups" (2007).

    Examples
    --------
    >>> w = orthogonal(random.key(0), (2, 3))
    >>> (w @ w.T).round(12) + 0.0
    array([[1., 0.],
           [0., 1.]])
    """
    _fans("orthogonal", shape)
    rows, columns = shape[0], math.prod(shape[1:])
    long, short = max(rows, columns), min(rows, columns)
    q, r = np.linalg.qr(random.normal(key, (long, short)))
    q = q * np.sign(np.diagonal(r))
    return (gain * np.reshape(q if rows >= columns else q.T, shape)).astype(dtype)


# Parts ------------------------------------------------------------------------------------------


def _fans(name: str, shape: Sequence[int]) -> tuple[int, int]:
    if len(shape) < 2 or min(shape) < 1:
        raise ArgumentError(
            f"{name}: weights of shape {tuple(shape)}",
            why="weights are (outputs, inputs, *kernel), and both numbers set their size.",
            instead="give such a shape; biases begin as np.zeros, or fan_in_uniform with fan_in of the weights.",
        )
    size = math.prod(shape[2:])
    return shape[1] * size, shape[0] * size


def _uniform(key: Array, shape: Sequence[int], dtype: Any, deviation: float) -> Array:
    bound = math.sqrt(3.0) * deviation
    return random.uniform(key, shape, dtype, -bound, bound)


def _normal(key: Array, shape: Sequence[int], dtype: Any, deviation: float) -> Array:
    return random.normal(key, shape, dtype) * deviation
