"""The loop of training.

All that a step changes is in one immutable `Point`, which is replaced as a whole: whenever training is broken off, the
point is that of a step that was taken entirely. Checkpoints hold a point; what follows from it is the same whether or
not it was saved in between, since the order of batches and all random numbers are functions of the key, the epoch and
the step.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from wengert import random
from wengert.errors import ArgumentError, warn
from wengert.fitting.anomalies import Explosions, Onlooker, TrainingStoppedError, cause_of
from wengert.fitting.checkpoints import load_checkpoint, save_checkpoint
from wengert.fitting.compiled_step import CompiledStep, Leaves
from wengert.fitting.data import Source, weight
from wengert.fitting.history import History
from wengert.fitting.prefetch import prefetched
from wengert.fitting.progress import Meter
from wengert.fitting.step import Objective, evaluation, training_step
from wengert.nn.partition import combine
from wengert.optim.optimizer import Optimizer

__all__ = ["Point", "Settings", "Training"]

_PARTS = ("params", "rest", "state")  # in checkpoints


class Point(NamedTuple):
    """Where training stands.

    Attributes
    ----------
    leaves : Leaves
        The arrays in the model and in the state of the optimiser.
    step, epoch, batch : int
        Steps taken, epochs ended, batches of this epoch seen.
    sums : dict
        Of this epoch: losses and metrics times the examples of their batches, and these as ``""``.
    """

    leaves: Leaves
    step: int
    epoch: int
    batch: int
    sums: dict[str, float]


class Settings(NamedTuple):
    """What does not change in a training.

    Attributes
    ----------
    epochs : int
    key : (2,) array of uint32
    shuffle : bool
    prefetch : int
    checkpoint : path-like or None
    checkpoint_every : int or None
        Steps; None means epochs.
    facts : dict
        What must be equal for a checkpoint to be gone on from.
    """

    epochs: int
    key: Any
    shuffle: bool
    prefetch: int
    checkpoint: str | os.PathLike[str] | None
    checkpoint_every: int | None
    facts: dict[str, Any]


class Training:
    """A training that is under way; callbacks are given it after each epoch.

    Attributes
    ----------
    point : Point
        Where it stands.
    history : History
        What has happened.

    Examples
    --------
    >>> from wengert.fitting.fit import fit
    >>> from wengert.optim import sgd
    >>> def callback(training):
    ...     print(training.epoch, training.step, training.model)
    >>> _ = fit(np.array(0.0), lambda w, x: np.mean((w - x) ** 2), np.ones(8), sgd(0.5), callbacks=[callback])
    1 1 1.0
    """

    def __init__(
        self,
        begin: tuple[Any, Any, Any],
        losses: tuple[Callable[..., Any], Callable[..., Any]],
        optimizer: Optimizer,
        sources: tuple[Source, Source | None],
        callbacks: Sequence[Callable[[Any], Any]],
        settings: Settings,
    ) -> None:
        self.optimizer, self.history = optimizer, History()
        self._plain_step = training_step(Objective(losses[0]), optimizer)
        self._step = CompiledStep(self._plain_step, *begin)
        self.point = Point(self._step.leaves(*begin), 0, 0, 0, {})
        self._evaluate = evaluation(Objective(losses[1]))
        self._data, self._validation = sources
        self._callbacks, self._settings = callbacks, settings
        self._keys = random.split(settings.key)  # of the order of examples, and of the steps
        self._explosions = Explosions()
        self._begun = 0.0
        self._done = self._looked = False
        for callback in self._with("begin"):
            callback.begin(self)

    # What callbacks look at

    @property
    def batches(self) -> int | None:
        """Batches of an epoch; None where nobody knows."""
        return self._data.batches

    @property
    def parts(self) -> tuple[Any, Any, Any]:
        """What is trained of the model as it stands, the rest of it, and the state of the optimiser."""
        return self._step.trees(self.point.leaves)

    @parts.setter
    def parts(self, parts: tuple[Any, Any, Any]) -> None:
        self.point = self.point._replace(leaves=self._step.leaves(*parts))

    @property
    def model(self) -> Any:
        """The model as it stands."""
        return combine(*self.parts[:2])

    @property
    def step(self) -> int:
        """Steps taken."""
        return self.point.step

    @property
    def epoch(self) -> int:
        """Epochs ended."""
        return self.point.epoch

    def _with(self, name: str) -> list[Any]:
        return [callback for callback in self._callbacks if hasattr(callback, name)]

    # The loop

    def run(self, meter: Meter) -> None:
        """Train until the last epoch, a callback, or Ctrl-C."""
        meter.begin(self.point.step)
        try:
            while not self._done and self.point.epoch < self._settings.epochs:
                self._epoch(meter)
            self.history.stopped = self.history.stopped if self._done else "epochs"
        except KeyboardInterrupt:
            self.history.stopped = "interrupt"
            self._trim()
            self.save()
        finally:
            meter.end()
        for callback in self._with("end"):
            callback.end(self)
        self.history.state = self.parts[2]

    def _epoch(self, meter: Meter) -> None:
        self._begun = perf_counter()
        s = self._settings
        # What is not finite is noticed here, with its cause: NumPy need not warn of it as well. What else it was told
        # to do about such errors, it does.
        warned: dict[str, Any] = {kind: "ignore" for kind, action in np.geterr().items() if action == "warn"}
        order = random.fold_in(self._keys[0], self.point.epoch) if s.shuffle else None
        batches = prefetched(self._data.epoch(order, self.point.batch), s.prefetch)
        try:
            with np.errstate(**warned):
                self._steps(batches, meter)
        finally:
            batches.close()  # type: ignore[attr-defined]
        self._end_epoch(meter)

    def _steps(self, batches: Iterator[Any], meter: Meter) -> None:
        every = self._settings.checkpoint_every
        for batch in batches:
            loss, metrics = self._take(batch)
            meter.step(self.point.epoch, self.point.step, loss, metrics)
            if every and self.point.step % every == 0:
                self.save()

    def _take(self, batch: tuple[Any, ...]) -> tuple[float, dict[str, float]]:
        p = self.point
        given = (self._keys[1], np.int64(p.step), batch)
        try:
            with self._first_looked_at():
                leaves, value, norm, metrics = self._step(p.leaves, *given)
        except Exception as error:
            error.add_note(f"{self._place()} of fit. The checkpoint and what callbacks saved are untouched.")
            raise
        loss, norm = float(value), float(norm)
        numbers = {name: float(v) for name, v in metrics.items()}
        self._check(loss, norm, given)
        n = weight(batch)
        sums = dict(p.sums)
        for name, v in {"": 1.0, "loss": loss, **numbers, "gradient norm": norm}.items():
            sums[name] = sums.get(name, 0.0) + n * v
        del self.history.losses[p.step :]  # what an interrupted step may have left
        self.history.losses.append(loss)
        self.point = Point(leaves, p.step + 1, p.epoch, p.batch + 1, sums)
        return loss, numbers

    def _end_epoch(self, meter: Meter) -> None:
        p = self.point
        if not p.batch:
            raise ArgumentError(
                f"fit: epoch {p.epoch + 1} has no batches",
                why="the data gave none.",
                instead="an iterator is used up by one epoch: pass a function that makes one.",
            )
        row = {name: total / p.sums[""] for name, total in p.sums.items() if name}
        row |= self._validated()
        params, rest, state = self.parts
        state = self.optimizer.observe(row.get("validation loss", row["loss"]), state)
        row |= {"steps": float(p.batch), "seconds": perf_counter() - self._begun}
        del self.history.epochs[p.epoch :]
        self.history.epochs.append(row)
        self.point = Point(self._step.leaves(params, rest, state), p.step, p.epoch + 1, 0, {})
        self._call_back(p)
        meter.epoch(self.point.epoch, self.point.step, row)
        self.save()

    def _call_back(self, before: Point) -> None:
        """Call the callbacks; Ctrl-C among them leaves the epoch to be ended again, when all are called."""
        states = [(callback, callback.state) for callback in self._with("state")]
        try:
            for callback in self._callbacks:
                reason = callback(self)
                if reason:
                    self.history.stopped = reason if isinstance(reason, str) else "callback"
                    self._done = True
        except KeyboardInterrupt:
            self.point, self._done = before, False
            _restore(states)
            raise

    def _validated(self) -> dict[str, float]:
        if self._validation is None:
            return {}
        sums: dict[str, float] = {}
        total = 0
        params, rest, _ = self.parts
        for batch in self._validation.epoch(None):
            value, metrics = self._evaluate(params, rest, batch)
            n = weight(batch)
            total += n
            for name, v in {"loss": value, **metrics}.items():
                sums[name] = sums.get(name, 0.0) + n * float(v)
        if not total:
            raise ArgumentError(
                "fit: the validation has no batches",
                why="its data gave none.",
                instead="an iterator is used up by one epoch: pass a function that makes one.",
            )
        return {f"validation {name}": v / total for name, v in sums.items()}

    # Anomalies

    def _first_looked_at(self) -> AbstractContextManager[None]:
        """Return what looks on as the first step runs: the loss itself runs in no other, as long as shapes stay."""
        looked, self._looked = self._looked, True
        return nullcontext() if looked else Onlooker()

    def _place(self) -> str:
        p = self.point
        return f"step {p.step + 1} (epoch {p.epoch + 1}, batch {p.batch + 1})"

    def _check(self, loss: float, norm: float, given: tuple[Any, ...]) -> None:
        scaled = self.optimizer.loss_scale is not None  # then it is the optimiser's to skip such gradients
        what = None if math.isfinite(loss) else f"the loss is {loss}"
        if what is None and not scaled and not math.isfinite(norm):
            what = f"the norm of the gradient is {norm}"
        if what is not None:
            params, rest, state = self.parts
            tensors = {"parameters": params, "buffers": rest, "batch": given[-1]}
            stopped: TrainingStoppedError = cause_of(
                f"training stopped at {self._place()}",
                what,
                lambda: self._plain_step(params, rest, state, *given),
                tensors,
            )
            self._trim()
            stopped.model, stopped.history = self.model, self.history
            self.history.stopped, self.history.state = what, state
            raise stopped
        multiple = self._explosions.exploded(norm)
        if multiple is not None:
            text = f"{self._place()}: the gradient explodes: its norm is {norm:.3g}, {multiple:.3g} times the usual one"
            if not any("explodes" in event for event in self.history.events):
                warn(f"{text}; clip_by_global_norm bounds it.", RuntimeWarning)
            self.history.events.append(text)

    # Checkpoints

    def _trim(self) -> None:
        del self.history.losses[self.point.step :], self.history.epochs[self.point.epoch :]

    def _numbers(self) -> dict[str, Any]:
        states = [callback.state for callback in self._with("state")]
        return {**dict(zip(_PARTS, self.parts, strict=True)), "callbacks": states}

    def save(self) -> None:
        """Write the checkpoint, if there is to be one."""
        if self._settings.checkpoint is None:
            return
        p, h = self.point, self.history
        watched = [self._explosions.log_mean, self._explosions.seen]
        facts = {
            **self._settings.facts,
            "step": p.step,
            "epoch": p.epoch,
            "batch": p.batch,
            "sums": p.sums,
            "norms": watched,
            "epochs": h.epochs,
            "events": h.events,
            "stopped": h.stopped,
            "done": self._done,
        }
        save_checkpoint(self._settings.checkpoint, self._numbers(), facts, {"losses": h.losses})

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        path = self._settings.checkpoint
        if path is None or not Path(path).exists():
            return
        numbers, facts = load_checkpoint(path, self._numbers())
        for name, value in self._settings.facts.items():
            if facts.get(name) != value:
                raise ArgumentError(
                    f"{path} was made with {name} {facts.get(name)}, and fit is called with {value}",
                    why="training would not go on as it would have gone.",
                    instead=f"pass {name} as it was, or resume=False to begin anew and replace the file.",
                )
        leaves = self._step.leaves(*[numbers[k] for k in _PARTS])
        self.point = Point(leaves, *[facts[k] for k in ("step", "epoch", "batch", "sums")])
        self.history = History(facts["epochs"], facts["losses"], facts["events"], facts["stopped"])
        self._explosions.log_mean, self._explosions.seen = facts["norms"]
        self._done = facts["done"]
        _restore(zip(self._with("state"), numbers["callbacks"], strict=True))


def _restore(states: Iterable[tuple[Any, Any]]) -> None:
    for callback, state in states:
        with suppress(AttributeError):  # of a state that is computed
            callback.state = state
