"""Normalization: subtract a mean, divide by a standard deviation, scale and shift.

    y = (x - mean) / sqrt(variance + epsilon) * scale + bias

The variants differ in what mean and variance are taken over. Variances are means of squared deviations, computed from
the deviations, which cannot become negative.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from wengert.errors import ArgumentError
from wengert.types import Array

__all__ = ["batch_norm", "batch_statistics", "group_norm", "layer_norm", "rms_norm"]

Axes = int | Sequence[int]


def batch_statistics(x: Array, axis: int = 1) -> tuple[Array, Array]:
    """Mean and variance of each channel over a batch.

    Parameters
    ----------
    x : (batch, channels, *spatial) array
    axis : int
        Axis of the channels.

    Returns
    -------
    mean, variance : (channels,) array
        The variance divides by the number of entries, not one less.

    Examples
    --------
    >>> batch_statistics(np.array([[1.0, 5.0], [3.0, 5.0]]))
    (array([2., 5.]), array([1., 0.]))
    """
    axis = axis % np.ndim(x)
    others = tuple([i for i in range(np.ndim(x)) if i != axis])
    mean = np.mean(x, axis=others, keepdims=True)
    deviation = x - mean
    return np.reshape(mean, -1), np.mean(deviation * deviation, axis=others)


def batch_norm(
    x: Array,
    scale: Array | None = None,
    bias: Array | None = None,
    *,
    mean: Array | None = None,
    variance: Array | None = None,
    axis: int = 1,
    epsilon: float = 1e-5,
) -> Array:
    """Normalize each channel over the batch and the spatial axes.

    Parameters
    ----------
    x : (batch, channels, *spatial) array
    scale, bias : (channels,) array, optional
    mean, variance : (channels,) array, optional
        Running averages, when a model is used. Without them the statistics are those of the batch, and derivatives go
        through them.
    axis : int
        Axis of the channels.
    epsilon : float
        Added to the variance.

    Returns
    -------
    array

    Raises
    ------
    ArgumentError
        If a parameter has not one entry per channel, or only one of `mean` and `variance` is given.

    Notes
    -----
    Ioffe and Szegedy, "Batch normalization" (2015). `batch_statistics` gives what running averages are made of.

    Examples
    --------
    >>> batch_norm(np.array([[1.0], [3.0]]), epsilon=0.0)
    array([[-1.],
           [ 1.]])
    """
    if (mean is None) != (variance is None):
        raise ArgumentError(
            "batch_norm: only one of mean and variance is given",
            why="both are the batch's, or both are running averages.",
            instead="give both or none.",
        )
    axis = axis % np.ndim(x)
    shape = tuple([n if i == axis else 1 for i, n in enumerate(np.shape(x))])
    for name, value in {"scale": scale, "bias": bias, "mean": mean, "variance": variance}.items():
        _check("batch_norm", name, value, np.shape(x)[axis : axis + 1], x)
    if mean is None or variance is None:
        mean, variance = batch_statistics(x, axis)
    y = (x - np.reshape(mean, shape)) / np.sqrt(np.reshape(variance, shape) + epsilon)
    return _affine(y, _shaped(scale, shape), _shaped(bias, shape))


def layer_norm(
    x: Array,
    scale: Array | None = None,
    bias: Array | None = None,
    *,
    axes: Axes = -1,
    epsilon: float = 1e-5,
) -> Array:
    """Normalize each example over its features.

    Parameters
    ----------
    x : array
    scale, bias : array, optional
        Of the shape of the normalized axes.
    axes : int or tuple of ints
        Axes that are normalized over.
    epsilon : float
        Added to the variance.

    Returns
    -------
    array

    Raises
    ------
    ArgumentError
        If a parameter does not fit the axes.

    Notes
    -----
    Ba, Kiros and Hinton, "Layer normalization" (2016).

    Examples
    --------
    >>> layer_norm(np.array([[1.0, 3.0]]), epsilon=0.0)
    array([[-1.,  1.]])
    """
    over = _axes("layer_norm", x, axes)
    scale, bias = _fitted("layer_norm", x, over, scale, bias)
    return _affine(_standardized(x, over, epsilon), scale, bias)


def rms_norm(x: Array, scale: Array | None = None, *, axes: Axes = -1, epsilon: float = 1e-6) -> Array:
    """Divide each example by the root of its mean square.

    Parameters
    ----------
    x : array
    scale : array, optional
        Of the shape of the normalized axes.
    axes : int or tuple of ints
        Axes that are normalized over.
    epsilon : float
        Added to the mean square.

    Returns
    -------
    array

    Raises
    ------
    ArgumentError
        If the scale does not fit the axes.

    Notes
    -----
    Zhang and Sennrich, "Root mean square layer normalization" (2019).

    Examples
    --------
    >>> rms_norm(np.array([[3.0, 4.0]]), epsilon=0.0) * np.sqrt(12.5)
    array([[3., 4.]])
    """
    over = _axes("rms_norm", x, axes)
    scale, _ = _fitted("rms_norm", x, over, scale, None)
    return _affine(x / np.sqrt(np.mean(x * x, axis=over, keepdims=True) + epsilon), scale, None)


def group_norm(
    x: Array,
    groups: int,
    scale: Array | None = None,
    bias: Array | None = None,
    *,
    epsilon: float = 1e-5,
) -> Array:
    """Normalize each example over groups of channels and the spatial axes.

    Parameters
    ----------
    x : (batch, channels, *spatial) array
    groups : int
        Divides the channels; as many as channels makes instance normalization.
    scale, bias : (channels,) array, optional
    epsilon : float
        Added to the variance.

    Returns
    -------
    array

    Raises
    ------
    ArgumentError
        If the groups do not divide the channels, or a parameter has not one entry per channel.

    Notes
    -----
    Wu and He, "Group normalization" (2018).

    Examples
    --------
    >>> group_norm(np.array([[1.0, 3.0, 10.0, 30.0]]), 2, epsilon=0.0)
    array([[-1.,  1., -1.,  1.]])
    """
    shape = np.shape(x)
    if len(shape) < 2 or groups < 1 or shape[1] % groups:
        raise ArgumentError(
            f"group_norm: {groups} groups of the channels of an array of shape {shape}",
            why="axis 1 holds the channels, and groups are of equal sizes.",
            instead="choose a divisor of the number of channels.",
        )
    for name, value in {"scale": scale, "bias": bias}.items():
        _check("group_norm", name, value, shape[1:2], x)
    parts = np.reshape(x, (shape[0], groups, shape[1] // groups, *shape[2:]))
    y = np.reshape(_standardized(parts, tuple(range(2, np.ndim(parts))), epsilon), shape)
    column = (-1, *[1] * (len(shape) - 2))
    return _affine(y, _shaped(scale, column), _shaped(bias, column))


# Parts ------------------------------------------------------------------------------------------


def _standardized(x: Array, axes: tuple[int, ...], epsilon: float) -> Array:
    deviation = x - np.mean(x, axis=axes, keepdims=True)
    return deviation / np.sqrt(np.mean(deviation * deviation, axis=axes, keepdims=True) + epsilon)


def _affine(y: Array, scale: Array | None, bias: Array | None) -> Array:
    y = y if scale is None else y * scale
    return y if bias is None else y + bias


def _axes(name: str, x: Array, axes: Axes) -> tuple[int, ...]:
    try:
        return tuple(sorted(normalize_axis_tuple(axes, np.ndim(x))))
    except ValueError:
        raise ArgumentError(
            f"{name}: axes {axes} of an array of shape {np.shape(x)}",
            instead=f"name distinct axes from {-np.ndim(x)} to {np.ndim(x) - 1}.",
        ) from None


def _fitted(
    name: str, x: Array, axes: tuple[int, ...], scale: Array | None, bias: Array | None
) -> tuple[Array | None, Array | None]:
    """Reshape parameters of the normalized axes so that they broadcast against x."""
    shape = np.shape(x)
    normalized = tuple([shape[i] for i in axes])
    _check(name, "scale", scale, normalized, x)
    _check(name, "bias", bias, normalized, x)
    if axes == tuple(range(len(shape) - len(axes), len(shape))):
        return scale, bias
    spread = tuple([n if i in axes else 1 for i, n in enumerate(shape)])
    return _shaped(scale, spread), _shaped(bias, spread)


def _shaped(value: Array | None, shape: tuple[int, ...]) -> Array | None:
    return None if value is None else np.reshape(value, shape)


def _check(layer: str, name: str, value: Array | None, shape: tuple[int, ...], x: Array) -> None:
    if value is not None and np.shape(value) != shape:
        raise ArgumentError(
            f"{layer}: {name} has shape {np.shape(value)}, inputs have shape {np.shape(x)}",
            why=f"{name} has one entry for each normalized feature: shape {shape}.",
            instead=f"make {name} of shape {shape}, or move the features to where they are normalized.",
        )
