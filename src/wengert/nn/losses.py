"""Losses: means over examples, in forms that stay finite and exact at large arguments.

Predictions come first, targets second; no two shapes are broadcast against each other in silence. Targets that are
integers or bools, and weights, take the dtype of the predictions. `reduction` is "mean", "sum" or "none", which gives
the loss of each example. The classes lie along the last axis unless `axis` says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from scipy import special

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import operand
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
    error = _error("mse", prediction, target)
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
    return _reduced("l1", np.absolute(_error("l1", prediction, target)), reduction)


def huber(
    prediction: Array, target: Array, delta: float | Array = 1.0, reduction: Reduction = "mean"
) -> Array:
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
    if not isinstance(delta, Traced) and not delta > 0:
        raise ArgumentError(
            f"huber: delta is {delta}",
            why="it is the size of errors at which squares become straight lines.",
            instead="give a positive number.",
        )
    return _reduced("huber", special.huber(delta, _error("huber", prediction, target)), reduction)


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
    if type_of(operand(target)).dtype.kind == "b":
        raise ArgumentError(
            "hinge: the targets are bools",
            why="the two classes are -1 and 1, and False would be taken for 0, which is neither.",
            instead="give np.where(target, 1, -1).",
        )
    score, target = _pair("hinge", score, target)
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
    ignore: int | None = None,
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
    ignore : int, optional
        Label of examples that do not count, such as padding: their loss is 0, and the mean leaves them out.
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
    _check_smoothing(name, smoothing)
    (logits, weights), target = _classes_last(name, logits, axis, weights), operand(target)
    if type_of(target).dtype.kind == "f" and np.ndim(target) == np.ndim(logits) and ignore is None:
        logits, target = _pair(name, logits, np.moveaxis(target, axis, -1))
        return _reduced(name, _of_probabilities(logits, _smoothed(target, smoothing), weights), reduction)
    labels, counts = _counted(name, target, logits, ignore)
    loss = _of_labels(logits, labels, weights, smoothing)
    return _averaged(name, loss, _weight(weights, labels), counts, reduction)


def nll(
    log_probabilities: Array,
    labels: Array,
    *,
    axis: int = -1,
    weights: Array | None = None,
    ignore: int | None = None,
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
    ignore : int, optional
        Label of examples that do not count.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    array

    Examples
    --------
    >>> nll(np.log([[0.25, 0.75]]), np.array([0])).round(6)
    np.float64(1.386294)
    """
    values, weights = _classes_last("nll", log_probabilities, axis, weights)
    labels, counts = _counted("nll", operand(labels), values, ignore)
    own = _weight(weights, labels)
    loss = -_picked(values, labels) if own is None else -_picked(values, labels) * own
    return _averaged("nll", loss, own, counts, reduction)


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
    -(t log sigmoid(x) + (1 - t) log sigmoid(-x)), exact for large |x|, where log(1 - sigmoid(x)) is not; certainty
    that is right, an infinite logit, costs 0.

    Examples
    --------
    >>> binary_cross_entropy(np.array([0.0, 1000.0]), np.array([1.0, 0.0]), reduction="none").round(6)
    array([6.93147e-01, 1.00000e+03])
    """
    name = "binary_cross_entropy"
    logits, target = _pair(name, logits, target)
    other = 1 - target
    of_one = positive_weight * target * _finite_where(target, special.log_expit(logits))
    of_zero = other * _finite_where(other, special.log_expit(-logits))
    return _reduced(name, -(of_one + of_zero), reduction)


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
    log_prediction, target = _pair("kl_div", log_prediction, target)
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
    own = _weight(weights, labels)
    loss = loss if own is None else loss * own
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


def _weight(weights: Array | None, labels: Array) -> Array | None:
    """Return the weight of each example, that of its class."""
    if weights is None:
        return None
    labels = checked_later(labels, np.shape(weights)[0])
    return np.take(beside(weights, labels), labels)


def _counted(name: str, labels: Array, values: Array, ignore: int | None) -> tuple[Array, Array | None]:
    """Return labels that fit the values, with 0 for those that do not count, and which do; None means all."""
    counts = None if ignore is None else labels != ignore
    labels = labels if counts is None else np.where(counts, labels, 0)
    _check_labels(name, labels, values)
    return labels, counts


def _averaged(name: str, loss: Array, weight: Array | None, counts: Array | None, reduction: str) -> Array:
    """Reduce losses that are weighted already; their mean is over the sum of the weights."""
    if counts is not None:
        loss = np.where(counts, loss, 0)
        weight = counts.astype(type_of(loss).dtype) if weight is None else np.where(counts, weight, 0)
    if weight is None or reduction != "mean":
        return _reduced(name, loss, reduction)
    return np.sum(loss) / np.sum(weight)


def _reduced(name: str, loss: Array, reduction: str) -> Array:
    if reduction not in _REDUCTIONS:
        raise ArgumentError(
            f"{name}: reduction is {reduction!r}",
            instead='give "mean", "sum" or "none".',
        )
    return _REDUCTIONS[reduction](loss)


def _error(name: str, prediction: Array, target: Array) -> Array:
    prediction, target = _pair(name, prediction, target)
    return prediction - target


def _pair(name: str, prediction: Array, target: Array) -> tuple[Array, Array]:
    """Return predictions and their targets, of one shape."""
    prediction, target = operand(prediction), operand(target)
    if np.shape(prediction) != np.shape(target):
        raise ArgumentError(
            f"{name}: predictions of shape {np.shape(prediction)}, targets of shape {np.shape(target)}",
            why="each prediction has a target; broadcasting one against the other would mix examples.",
            instead="reshape one of them, or write np.broadcast_to where it is meant.",
        )
    return prediction, _real(target, prediction)


def _real(target: Array, prediction: Array) -> Array:
    """Return counts and truth values as reals of the precision of predictions, which they would raise otherwise."""
    if not hasattr(target, "dtype") or target.dtype.kind not in "iub":
        return target
    dtype = type_of(prediction).dtype
    return target.astype(dtype if dtype.kind == "f" else np.float64)


def _check_labels(name: str, labels: Array, values: Array) -> None:
    rows, classes = np.shape(values)[:-1], np.shape(values)[-1]
    if type_of(labels).dtype.kind not in "iu" or np.shape(labels) != rows:
        raise ArgumentError(
            f"{name}: labels {type_of(labels)} for {classes} classes of examples {rows}",
            why="each example has one integer label; the classes lie along `axis`.",
            instead=f"give integers of shape {rows} (labels.astype(int)), or move the axis of the classes.",
        )
    if isinstance(labels, Traced) or not np.size(labels):
        return
    wrong = np.asarray(labels)[(np.asarray(labels) < 0) | (np.asarray(labels) >= classes)]
    if wrong.size:
        raise ArgumentError(
            f"{name}: label {wrong[0]} is out of range" + f", and {wrong.size - 1} others" * (wrong.size > 1),
            why=f"{classes} classes have labels 0 to {classes - 1}.",
            instead="number the classes from 0, and name the label of examples that have none: ignore=-1.",
        )


def _classes_last(name: str, values: Array, axis: int, weights: Array | None) -> tuple[Array, Array | None]:
    """Return values with their classes along the last axis, and the weights of the classes in the same dtype."""
    values = np.moveaxis(operand(values), axis, -1)
    if weights is None:
        return values, None
    weights = operand(weights)
    if np.shape(weights) != np.shape(values)[-1:]:
        raise ArgumentError(
            f"{name}: class weights of shape {np.shape(weights)} for {np.shape(values)[-1]} classes",
            instead="give one weight for each class.",
        )
    dtype = type_of(values).dtype
    return values, weights if weights.dtype == dtype else weights.astype(dtype)


def _check_smoothing(name: str, smoothing: float) -> None:
    if not 0.0 <= smoothing <= 1.0:
        raise ArgumentError(
            f"{name}: the smoothing is {smoothing}",
            why="it is the share of probability that is spread over all classes.",
            instead="give a number from 0 to 1, such as 0.1.",
        )
