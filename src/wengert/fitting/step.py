"""One step of training, and one of validation: each a single compiled program."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wengert import random, tree
from wengert.api.gradients import value_and_grad
from wengert.errors import ArgumentError
from wengert.jit import jit
from wengert.nn.partition import combine, partition
from wengert.optim.clipping import global_norm
from wengert.optim.optimizer import Optimizer

__all__ = ["Objective", "canonical", "evaluation", "training_step"]

_TAKEN = ("loss", "gradient norm", "steps", "seconds")  # in rows of histories


class Objective:
    """A loss as its author wrote it, in one form: (value, metrics, what of the model is not trained).

    Parameters
    ----------
    loss : callable
        ``loss(model, *batch)``, with ``key=`` if it has such a parameter. It gives a number, or (number, metrics), or
        (number, metrics, model), where the model has new buffers.
    """

    def __init__(self, loss: Callable[..., Any]) -> None:
        self._loss = loss
        try:
            self.takes_key = "key" in inspect.signature(loss).parameters
        except (TypeError, ValueError):
            self.takes_key = False

    def __call__(
        self, params: Any, rest: Any, key: Any, batch: tuple[Any, ...]
    ) -> tuple[Any, dict[str, Any], Any]:
        """Return the loss, the metrics, and what of the model is not trained."""
        options = {"key": key} if self.takes_key else {}
        made = self._loss(combine(params, rest), *batch, **options)
        value, metrics, model = _three(made)
        return value, metrics, rest if model is None else _buffers(model, rest)


def _three(made: Any) -> tuple[Any, dict[str, Any], Any]:
    parts = made if isinstance(made, tuple) else (made,)
    value, metrics, model = (*parts, None, None)[:3]
    if not 1 <= len(parts) <= 3 or not (metrics is None or isinstance(metrics, Mapping)):
        raise ArgumentError(
            f"fit: the loss gives {type(made).__name__} of {', '.join([type(p).__name__ for p in parts])}",
            why="it gives a number, or (number, metrics), or (number, metrics, model), with metrics in a dict.",
            instead='write return loss, {"accuracy": accuracy}.',
        )
    if np.shape(value) != ():
        raise ArgumentError(
            f"fit: the loss has shape {np.shape(value)}",
            why="a step follows the gradient of one number.",
            instead="take its mean: np.mean(losses).",
        )
    return value, _checked(metrics or {}), model


def _checked(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics by name: numbers, in an order that does not depend on how they were written."""
    for name, x in metrics.items():
        if name in _TAKEN or np.shape(x) != ():
            raise ArgumentError(
                f"fit: the loss gives a metric {name!r}"
                + (f" of shape {np.shape(x)}" if np.shape(x) else ""),
                why=f"metrics are numbers, and {', '.join(_TAKEN)} are names of what fit itself notes.",
                instead='return loss, {"accuracy": np.mean(right)}.',
            )
    return {name: metrics[name] for name in sorted(metrics)}


def _buffers(model: Any, rest: Any) -> Any:
    new = partition(model)[1]
    if tree.flatten(new)[1] != tree.flatten(rest)[1]:
        raise ArgumentError(
            "fit: the loss gives a model of another structure than it was called with",
            why="training keeps the structure: what is returned replaces buffers only.",
            instead="return the model that module.train gives.",
        )
    return new


def training_step(objective: Objective, optimizer: Optimizer) -> Callable[..., Any]:
    """Return (params, rest, state, key, number, batch) -> (params, rest, state, value, norm, metrics)."""

    def step(params: Any, rest: Any, state: Any, key: Any, number: Any, batch: tuple[Any, ...]) -> Any:
        own = random.fold_in(key, number) if objective.takes_key else None
        scale = None if optimizer.loss_scale is None else optimizer.loss_scale(state)

        def scaled(params: Any) -> Any:
            value, metrics, new = objective(params, rest, own, batch)
            return value if scale is None else value * scale, (value, metrics, new)

        (_, (value, metrics, new)), grads = value_and_grad(scaled, has_aux=True)(params)
        norm = global_norm(grads)
        params, state = optimizer.update(grads, state, params)
        return params, new, state, value, norm if scale is None else norm / scale, metrics

    return step


def evaluation(objective: Objective) -> Callable[..., Any]:
    """Return (params, rest, batch) -> (value, metrics), compiled; the key is None."""

    def evaluate(params: Any, rest: Any, batch: tuple[Any, ...]) -> Any:
        value, metrics, _ = objective(params, rest, None, batch)
        return value, metrics

    compiled: Callable[..., Any] = jit(evaluate)
    return compiled


def canonical(x: Any) -> Any:
    """Return a tree whose leaves are as a step returns them, so that the first step and the second are one program."""
    made: dict[int, Any] = {}  # an array that stands at several places stays one

    def plain(v: Any) -> Any:
        if type(v) is float:
            return np.float64(v)
        if not isinstance(v, np.ndarray):
            return v
        return made.setdefault(id(v), np.ascontiguousarray(v).reshape(v.shape)[()])

    return tree.map_leaves(plain, x)
