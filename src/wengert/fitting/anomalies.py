"""What goes wrong in training: values that are not finite, gradients that explode, layers that are not trained."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import tree
from wengert.debug import debug_nans
from wengert.errors import NonFiniteError, warn
from wengert.nn.module import Module, observer

__all__ = ["Explosions", "Onlooker", "TrainingStoppedError", "cause_of"]


class TrainingStoppedError(NonFiniteError):
    """Training met a value that is not finite; nothing of what was learned before is lost.

    Attributes
    ----------
    model : pytree
        Before the step that failed.
    history : History
        Of all steps before.

    Examples
    --------
    >>> from wengert.fitting.fit import fit
    >>> from wengert.optim import sgd
    >>> try:
    ...     fit(np.array(-1.0), lambda w, x: np.mean(np.log(w * x)), np.ones(4), sgd(0.1))
    ... except TrainingStoppedError as error:
    ...     print(error.what, error.model)
    training stopped at step 1 (epoch 1, batch 1): the loss is nan: log gives nan at [0] -1.0
    """

    model: Any = None
    history: Any = None


def cause_of(
    place: str, what: str, gradient: Callable[[], Any], tensors: dict[str, Any]
) -> TrainingStoppedError:
    """Return the error of a step whose loss or gradient is not finite.

    Parameters
    ----------
    place : str
        Which step it was.
    what : str
        What is not finite.
    gradient : function
        Repeats the step, as it is, not compiled.
    tensors : dict
        What goes into the step, by name: trees.

    Returns
    -------
    TrainingStoppedError
        With the operation and the line at which the value was born, or the array that it came with.

    Examples
    --------
    >>> print(cause_of("step 3", "the loss is nan", lambda: None, {"batch": [np.array([1.0, np.nan])]}).why)
    batch[0] is nan at [1] before the step.
    """
    for name, value in tensors.items():
        for path, x in zip(tree.paths(value), tree.flatten(value)[0], strict=True):
            bad = _not_finite(x)
            if bad is not None:
                return TrainingStoppedError(
                    f"{place}: {what}",
                    why=f"{name}{path} is {bad} before the step.",
                    instead="clean the data: numbers that are missing are left out, or replaced and masked.",
                    where="the arguments of fit",
                )
    try:
        with debug_nans(), np.errstate(all="ignore"):
            gradient()
    except NonFiniteError as error:
        return TrainingStoppedError(
            f"{place}: {what}: {error.what}", where=error.where, why=error.why, instead=error.instead
        )
    except Exception as error:  # noqa: BLE001 - the step is repeated to learn more, and it is this that was learned
        return TrainingStoppedError(
            f"{place}: {what}", why=f"repeated without compilation it raises {error!r}."
        )
    return TrainingStoppedError(
        f"{place}: {what}",
        why="no operation of the loss or its gradient makes it of finite numbers: sums have overflowed.",
        instead="lower the learning rate, or clip: chain(clip_by_global_norm(1.0), optimizer).",
    )


def _not_finite(x: Any) -> str | None:
    if getattr(getattr(x, "dtype", None), "kind", "") not in {"f", "c"}:
        return None
    array = np.asarray(x)
    bad = ~np.isfinite(array)
    if not bad.any():
        return None
    index = tuple(map(int, np.unravel_index(np.argmax(bad), array.shape)))
    return f"{array[index]}" + (f" at [{', '.join(map(str, index))}]" if index else "")


class Explosions:
    """Watches norms of gradients, and tells of those that are far above what they were.

    Attributes
    ----------
    ratio : float
        Above this multiple of the geometric mean of the norms before is far; above its third power while few were seen.
    """

    _FIRST = 20  # norms that make a mean
    _KEPT = 0.95  # of the mean in a step

    def __init__(self, ratio: float = 100.0) -> None:
        self.ratio = ratio
        self.log_mean = 0.0
        self.seen = 0

    def exploded(self, norm: float) -> float | None:
        """Take note of a norm; return the multiple of the mean that it is, if that is far."""
        if not 0.0 < norm < math.inf:
            return None
        log = math.log(norm)
        power = 1 if self.seen >= self._FIRST else 3
        far = self.seen > 0 and log - self.log_mean > power * math.log(self.ratio)
        multiple = math.exp(min(log - self.log_mean, 700.0))
        kept = min(self._KEPT, self.seen / (self.seen + 1))
        self.log_mean = kept * self.log_mean + (1.0 - kept) * log
        self.seen += 1
        return multiple if far else None


class Onlooker:
    """Warns if a loss that runs inside calls layers that are different in training, and trains none."""

    def __init__(self) -> None:
        self._evaluated: list[Module] = []
        self._trained: list[Module] = []

    def __enter__(self) -> None:
        self._token = observer.set(self._look)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        observer.reset(self._token)
        different = next((module for module in self._evaluated if module.differs_in_training()), None)
        if kind is None and different is not None and not self._trained:
            warn(
                f"fit: the loss evaluates {type(different).__name__}, which is different in training, and no layer is "
                "trained: write y, model = model.train(x, key=key) in it, and return loss, metrics, model",
                RuntimeWarning,
            )

    def _look(self, module: Module, args: tuple[Any, ...], y: Any) -> None:
        gives_itself = isinstance(y, tuple) and len(y) == 2 and type(y[1]) is type(module)
        (self._trained if gives_itself else self._evaluated).append(module)
