"""Losses: means over examples, in forms that stay finite and exact at large arguments.

Predictions come first, targets second; no two shapes are broadcast against each other in silence. `reduction` is
"mean", "sum" or "none", which gives the loss of each example. The classes lie along the last axis unless `axis` says
otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy import special

from wengert.core.dispatch import Traced
from wengert.errors import ArgumentError
from wengert.nn.activations import below_largest, log_softmax
from wengert.nn.embedding import beside, checked_later
from wengert.types import Array, type_of

__all__ = [
    "Reduction",
    "binary_cross_entropy",
    "cross_entropy",
    "hinge",
    "huber",
    "kl_div",
    "l1",
    "mse",
    "nll",
]

Reduction = Literal["mean", "sum", "none"]

_REDUCTIONS: dict[str, Callable[..., Any]] = {"mean": np.mean, "sum": np.sum, "none": lambda x: x}


# Distances --------------------------------------------------------------------------------------


def mse(prediction: Array, target: Array, reduction: Reduction = "mean") -> Array:
    """Mean of squared errors.

    Parameters
    ----------
    prediction, target : array
        Of equal shapes.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    array

    Examples
    --------
    >>> mse(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    np.float64(2.0)
    """
    error = _paired("mse", prediction, target)
    return _reduced("mse", error * error, reduction)


def l1(prediction: Array, target: Array, reduction: Reduction = "mean") -> Array:
    """Mean of absolute errors.

    Parameters
    ----------
    prediction, target : array
        Of equal shapes.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    array
        With derivative 0 where an error is 0.

    Examples
    --------
    >>> l1(np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    np.float64(1.0)
    """
    return _reduced("l1", np.absolute(_paired("l1", prediction, target)), reduction)


def huber(prediction: Array, target: Array, delta: float = 1.0, reduction: Reduction = "mean") -> Array:
    """Huber loss: e^2 / 2 for errors up to delta, delta (|e| - delta / 2) beyond.

    Parameters
    ----------
    prediction, target : array
        Of equal shapes.
    delta : float
        Positive.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    array

    Notes
    -----
    Huber, "Robust estimation of a location parameter" (1964).

    Examples
    --------
    >>> huber(np.array([0.0, 0.0]), np.array([1.0, 4.0]), reduction="none")
    array([0.5, 3.5])
    """
    return _reduced("huber", special.huber(delta, _paired("huber", prediction, target)), reduction)


def hinge(score: Array, target: Array, reduction: Reduction = "mean") -> Array:
    """Hinge loss max(0, 1 - target score) of a binary classifier.

    Parameters
    ----------
    score, target : array
        Of equal shapes; targets are -1 or 1.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    array

    Notes
    -----
    Cortes and Vapnik, "Support-vector networks" (1995).

    Examples
    --------
    >>> hinge(np.array([0.5, -2.0]), np.array([1.0, 1.0]), reduction="none")
    array([0.5, 3. ])
    """
    _same("hinge", score, target)
    margin = 1 - target * score
    return _reduced("hinge", np.where(margin <= 0, 0, margin), reduction)


# Likelihoods ------------------------------------------------------------------------------------


def cross_entropy(
    logits: Array,
    target: Array,
    *,
    axis: int = -1,
    weights: Array | None = None,
    smoothing: float = 0.0,
    reduction: Reduction = "mean",
) -> Array:
    """Cross entropy of softmax(logits) against labels or probabilities.

    Parameters
    ----------
    logits : (..., classes) array
        Logarithms of probabilities up to a constant for each example.
    target : (...) array of int, or (..., classes) array
        Labels from 0 to classes - 1, or probabilities of the classes.
    axis : int
        Axis of the classes.
    weights : (classes,) array, optional
        Weight of each class.
    smoothing : float
        Share s of probability spread evenly: targets become (1 - s) target + s / classes.
    reduction : {"mean", "sum", "none"}
        With labels and weights the mean is weighted by the labels' weights, as in PyTorch.

    Returns
    -------
    array

    Raises
    ------
    ArgumentError
        If shapes do not fit, or a label is out of range; under `vmap` and in loops the latter is an IndexError.

    Notes
    -----
    Sum over classes c of -q_c w_c log softmax(x)_c. Label smoothing: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna,
    "Rethinking the Inception architecture" (2016), section 7.

    Examples
    --------
    >>> logits = np.array([[0.0, 1000.0], [0.0, 0.0]])
    >>> cross_entropy(logits, np.array([0, 1]), reduction="none").round(6)
    array([1.00000e+03, 6.93147e-01])
    >>> cross_entropy(logits, np.array([[1.0, 0.0], [0.5, 0.5]]), reduction="none").round(6)
    array([1.00000e+03, 6.93147e-01])
    """
    name = "cross_entropy"
    logits = np.moveaxis(logits, axis, -1)
    _check_weights(name, weights, logits)
    if type_of(target).dtype.kind not in "iu":
        target = np.moveaxis(target, axis, -1)
        _same(name, logits, target)
        loss = _of_probabilities(logits, _smoothed(target, smoothing), weights)
        return _reduced(name, loss, reduction)
    _check_labels(name, target, logits)
    return _weighted(name, _of_labels(logits, target, weights, smoothing), target, weights, reduction)


def nll(
    log_probabilities: Array,
    labels: Array,
    *,
    axis: int = -1,
    weights: Array | None = None,
    reduction: Reduction = "mean",
) -> Array:
    """Negative log-likelihood of labels.

    Parameters
    ----------
    log_probabilities : (..., classes) array
        As `log_softmax` gives them.
    labels : (...) array of int
    axis : int
        Axis of the classes.
    weights : (classes,) array, optional
        Weight of each class; the mean is weighted by them.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    array

    Examples
    --------
    >>> nll(np.log([[0.25, 0.75]]), np.array([0])).round(6)
    np.float64(1.386294)
    """
    values = np.moveaxis(log_probabilities, axis, -1)
    _check_weights("nll", weights, values)
    _check_labels("nll", labels, values)
    loss = -_picked(values, labels)
    if weights is not None:
        loss = loss * _weight(weights, labels)
    return _weighted("nll", loss, labels, weights, reduction)


def binary_cross_entropy(
    logits: Array, target: Array, *, positive_weight: float = 1.0, reduction: Reduction = "mean"
) -> Array:
    """Cross entropy of sigmoid(logits) against probabilities.

    Parameters
    ----------
    logits, target : array
        Of equal shapes; targets from 0 to 1.
    positive_weight : float
        Weight of the positive class.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    array

    Notes
    -----
    -(t log sigmoid(x) + (1 - t) log sigmoid(-x)), exact for large |x|, where log(1 - sigmoid(x)) is not.

    Examples
    --------
    >>> binary_cross_entropy(np.array([0.0, 1000.0]), np.array([1.0, 0.0]), reduction="none").round(6)
    array([6.93147e-01, 1.00000e+03])
    """
    name = "binary_cross_entropy"
    _same(name, logits, target)
    loss = -(positive_weight * target * special.log_expit(logits) + (1 - target) * special.log_expit(-logits))
    return _reduced(name, loss, reduction)


def kl_div(
    log_prediction: Array,
    target: Array,
    *,
    axis: int = -1,
    log_target: bool = False,
    reduction: Reduction = "mean",
) -> Array:
    """Kullback-Leibler divergence sum p log(p / q) of predictions q from targets p, along an axis.

    Parameters
    ----------
    log_prediction : array
        Logarithms of q.
    target : array
        p, of the same shape; 0 log 0 is 0.
    axis : int
        Axis of the alternatives, summed over.
    log_target : bool
        `target` holds logarithms of p.
    reduction : {"mean", "sum", "none"}
        Over the other axes (PyTorch's "batchmean").

    Returns
    -------
    array

    Notes
    -----
    Kullback and Leibler, "On information and sufficiency" (1951).

    Examples
    --------
    >>> kl_div(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]])).round(6)
    np.float64(0.693147)
    """
    _same("kl_div", log_prediction, target)
    if log_target:
        p = np.exp(target)
        terms = p * _finite_where(p, target - log_prediction)
    else:
        terms = special.xlogy(target, target) - target * _finite_where(target, log_prediction)
    return _reduced("kl_div", np.sum(terms, axis=axis), reduction)


# Parts ------------------------------------------------------------------------------------------


def _of_labels(logits: Array, labels: Array, weights: Array | None, smoothing: float) -> Array:
    shifted = below_largest(logits, -1)
    loss = np.log(np.sum(np.exp(shifted), axis=-1)) - _picked(shifted, labels)
    if weights is not None:
        loss = loss * _weight(weights, labels)
    if not smoothing:
        return loss
    classes = np.shape(logits)[-1]
    spread = np.full(classes, smoothing / classes, type_of(logits).dtype)
    return (1.0 - smoothing) * loss + _of_probabilities(logits, spread, weights)


def _of_probabilities(logits: Array, probabilities: Array, weights: Array | None) -> Array:
    surprise = -log_softmax(logits)
    terms = probabilities * _finite_where(probabilities, surprise)
    return np.sum(terms if weights is None else terms * weights, axis=-1)


def _finite_where(p: Array, value: Array) -> Array:
    """Return a factor of p: 0 in place of infinities that p = 0 meets, where the limit of the product is 0.

    Finite factors stay, as they are the derivative in p.
    """
    return np.where((p == 0) & ~np.isfinite(value), 0, value)


def _smoothed(target: Array, smoothing: float) -> Array:
    return (1.0 - smoothing) * target + smoothing / np.shape(target)[-1] if smoothing else target


def _picked(values: Array, labels: Array) -> Array:
    """Return the entry of each row that its label names; a label outside the row is an IndexError."""
    labels = checked_later(labels, np.shape(values)[-1])
    values = beside(values, labels)
    return np.take_along_axis(values, np.expand_dims(labels, -1), axis=-1)[..., 0]


def _weight(weights: Array, labels: Array) -> Array:
    labels = checked_later(labels, np.shape(weights)[0])
    return np.take(beside(weights, labels), labels)


def _weighted(name: str, loss: Array, labels: Array, weights: Array | None, reduction: str) -> Array:
    if weights is None or reduction != "mean":
        return _reduced(name, loss, reduction)
    return np.sum(loss) / np.sum(_weight(weights, labels))


def _reduced(name: str, loss: Array, reduction: str) -> Array:
    if reduction not in _REDUCTIONS:
        raise ArgumentError(
            f"{name}: reduction is {reduction!r}",
            instead='give "mean", "sum" or "none".',
        )
    return _REDUCTIONS[reduction](loss)


def _paired(name: str, prediction: Array, target: Array) -> Array:
    _same(name, prediction, target)
    return prediction - target


def _same(name: str, prediction: Array, target: Array) -> None:
    if np.shape(prediction) != np.shape(target):
        raise ArgumentError(
            f"{name}: predictions of shape {np.shape(prediction)}, targets of shape {np.shape(target)}",
            why="each prediction has a target; broadcasting one against the other would mix examples.",
            instead="reshape one of them, or write np.broadcast_to where it is meant.",
        )


def _check_labels(name: str, labels: Array, values: Array) -> None:
    rows, classes = np.shape(values)[:-1], np.shape(values)[-1]
    if type_of(labels).dtype.kind not in "iu" or np.shape(labels) != rows:
        raise ArgumentError(
            f"{name}: labels {type_of(labels)} for {classes} classes of examples {rows}",
            why="each example has one integer label; the classes lie along `axis`.",
            instead=f"give integers of shape {rows}, or move the axis of the classes.",
        )
    if isinstance(labels, Traced) or not np.size(labels):
        return
    wrong = np.asarray(labels)[(np.asarray(labels) < 0) | (np.asarray(labels) >= classes)]
    if wrong.size:
        raise ArgumentError(
            f"{name}: label {wrong[0]} is out of range, with {wrong.size - 1} others",
            why=f"{classes} classes have labels 0 to {classes - 1}.",
            instead="number the classes from 0, and leave out examples that have none.",
        )


def _check_weights(name: str, weights: Array | None, values: Array) -> None:
    if weights is not None and np.shape(weights) != np.shape(values)[-1:]:
        raise ArgumentError(
            f"{name}: class weights of shape {np.shape(weights)} for {np.shape(values)[-1]} classes",
            instead="give one weight for each class.",
        )
