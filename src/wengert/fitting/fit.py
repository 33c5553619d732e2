"""Training in one call."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypedDict, Unpack

import numpy as np

from wengert import random
from wengert.errors import ArgumentError, check_callable
from wengert.fitting.data import source_of
from wengert.fitting.history import History
from wengert.fitting.progress import Meter
from wengert.fitting.step import canonical
from wengert.fitting.training import Settings, Training
from wengert.nn.partition import partition
from wengert.optim.optimizer import Optimizer

__all__ = ["Options", "fit"]


class Options(TypedDict, total=False):
    """What `fit` may be told besides.

    Attributes
    ----------
    batch_size : int
        Examples of a step, 32 where it is absent.
    evaluate : callable
        What validation evaluates, as `loss` is called, with None for the key; `loss` where it is absent.
    shuffle : bool
        Whether examples come in another order in each epoch, as they do by default.
    prefetch : int
        How many batches another thread prepares; where it is absent 0 for arrays, and 2 for other data.
    checkpoint : path-like
        A file that is written after each epoch, and from which training goes on where it is there.
    checkpoint_every : int
        Write it after so many steps as well.
    resume : bool
        False begins anew, and replaces the checkpoint.
    progress : bool
        Whether to show how it goes; by default in terminals and notebooks.

    Examples
    --------
    >>> options = Options(batch_size=8, shuffle=False)
    >>> from wengert.optim import sgd
    >>> _, history = fit(np.array(0.0), lambda w, x: np.mean(w * x), np.ones(16), sgd(0.5), **options)
    >>> history.losses
    [0.0, -0.5]
    """

    batch_size: int
    evaluate: Callable[..., Any] | None
    shuffle: bool
    prefetch: int
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: int | None
    resume: bool
    progress: bool | None


def fit(
    model: Any,
    loss: Callable[..., Any],
    data: Any,
    optimizer: Optimizer,
    *,
    epochs: int = 1,
    validation: Any = None,
    callbacks: Sequence[Callable[[Training], Any]] = (),
    key: Any = 0,
    **options: Unpack[Options],
) -> tuple[Any, History]:
    """Train a model: minimise a loss over batches of data, each step one compiled program.

    Parameters
    ----------
    model : pytree
        Its floating-point arrays are trained, but those that `nn.frozen` and `nn.buffer` hold.
    loss : callable
        ``loss(model, *batch)`` gives a number, (number, metrics), or (number, metrics, model with new buffers), where
        metrics is a dict of numbers. A parameter `key`, if it has one, is a random key for each step.
    data : tuple or dict of arrays, array, data set, iterable, or function that makes one
        An iterable gives batches; of all else examples are shuffled and cut into batches. See `fitting.data`.
    optimizer : Optimizer
        Of `wengert.optim`.
    epochs : int
        How often all data are seen.
    validation : as data, optional
        Evaluated after each epoch.
    callbacks : sequence of callables
        Called with the `Training` after each epoch; what is true ends it. See `early_stopping`.
    key : int or random key
        Decides on the order of batches and all random numbers.
    **options
        batch_size, evaluate, shuffle, prefetch, checkpoint, checkpoint_every, resume, progress: see `Options`.

    Returns
    -------
    model : pytree
        Trained; after Ctrl-C, by the last whole step.
    history : History
        ``history.plot()`` draws it, ``history.state`` is that of the optimiser.

    Examples
    --------
    >>> from wengert.optim import adam
    >>> x = np.linspace(-1.0, 1.0, 64)
    >>> loss = lambda slope, x, y: np.mean((slope * x - y) ** 2)
    >>> slope, history = fit(np.array(0.0), loss, (x, 3.0 * x), adam(0.1), epochs=100)
    >>> round(float(slope), 3), len(history), history.stopped
    (3.0, 100, 'epochs')
    """
    _check(loss, optimizer, epochs, callbacks, options)
    training = _prepared(model, loss, data, optimizer, epochs, validation, callbacks, _key(key), options)
    if options.get("resume", True):
        training.resume()
    training.run(Meter(options.get("progress"), epochs, training.batches))
    return training.model, training.history


def _prepared(  # what fit takes, in its order
    model: Any,
    loss: Callable[..., Any],
    data: Any,
    optimizer: Optimizer,
    epochs: int,
    validation: Any,
    callbacks: Sequence[Callable[[Training], Any]],
    key: Any,
    options: Options,
) -> Training:
    size, shuffle = options.get("batch_size", 32), options.get("shuffle", True)
    params, rest = partition(canonical(model))
    source = source_of(data, size)
    checked = None if validation is None else source_of(validation, size, "validation")
    facts = {
        "key": [int(word) for word in key],
        "optimizer": optimizer.name,
        "batch_size": size,
        "batches": source.batches,
        "shuffle": shuffle,
    }
    settings = Settings(
        epochs,
        key,
        shuffle,
        options.get("prefetch", 0 if source.quick else 2),
        options.get("checkpoint"),
        options.get("checkpoint_every"),
        facts,
    )
    begin = (params, rest, optimizer.init(params))
    losses = (loss, options.get("evaluate") or loss)
    return Training(begin, losses, optimizer, (source, checked), tuple(callbacks), settings)


def _check(loss: Any, optimizer: Any, epochs: Any, callbacks: Any, options: Options) -> None:
    check_callable(loss, "fit")
    _check_options(options)
    if not isinstance(optimizer, Optimizer):
        raise ArgumentError(
            f"fit: {getattr(optimizer, '__name__', type(optimizer).__name__)} is no optimiser",
            why="it is a record with init and update, such as wengert.optim makes.",
            instead="write fit(model, loss, data, wengert.optim.adam(1e-3)).",
        )
    _check_count("epochs", epochs, 0, "it counts how often all data are seen.")
    if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise ArgumentError(
            f"fit: callbacks is {callbacks!r}",
            why="it is a list of functions, which are called after each epoch.",
            instead="write callbacks=[early_stopping(5)].",
        )


def _check_options(options: Options) -> None:
    unknown = sorted(set(options) - set(Options.__annotations__))
    if unknown:
        raise ArgumentError(
            f"fit has no option {', '.join(unknown)}",
            why=f"it has {', '.join(sorted(Options.__annotations__))}.",
            instead="name one of these.",
        )
    _check_count("batch_size", options.get("batch_size", 32), 1, "it counts the examples of a step.")
    _check_count("prefetch", options.get("prefetch", 0), 0, "it counts batches that are prepared.")
    every = options.get("checkpoint_every")
    if every is not None:
        _check_count("checkpoint_every", every, 1, "it counts steps from one checkpoint to the next.")


def _check_count(name: str, n: Any, least: int, why: str) -> None:
    if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < least:
        raise ArgumentError(
            f"fit: {name} is {n!r}",
            why=why,
            instead=f"pass a whole number, {least} or more.",
        )


def _key(key: Any) -> Any:
    if isinstance(key, int | np.integer) and not isinstance(key, bool):
        return random.key(int(key))
    words = np.asarray(key)
    if words.shape != (2,) or words.dtype != np.uint32:
        raise ArgumentError(
            f"fit: the key is {key!r}",
            why="it is a seed, or a key of two words.",
            instead="pass key=0, or key=wengert.random.key(0).",
        )
    return words
