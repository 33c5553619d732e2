"""Loops whose reverse sweep keeps a few states, and runs steps again from them by a schedule.

The loop runs once, and keeps the states that the schedule begins with. One site stands for it on the tape. When
the sweep arrives there, the last step is recorded, on the tape itself, and spliced in (see `splicing`). Its
input is a gate: a site that the sweep passes when the cotangent of that state is complete. The rule of the
gate goes on with the schedule until the step before can be reversed, and splices that in, behind a gate of its
own; and so on to the first step, whose input is the loop's.
"""

from __future__ import annotations

import operator
from functools import partial
from typing import TYPE_CHECKING, Any

from wengert.control.frozen import Copies, Frozen
from wengert.control.schedules import Advance, Restore, Reverse, Store, schedule
from wengert.control.splicing import Ports, by_tape, handles_in, own_locks, put, replaying, resited, stand_for
from wengert.core.dispatch import active
from wengert.core.primitive import Primitive
from wengert.errors import ArgumentError
from wengert.transforms.tape import older
from wengert.transforms.writing import stand_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from wengert.control.schedules import Snapshots
    from wengert.core.dispatch import Traced

__all__ = ["checkpointed_loop"]


def _copied(state: Any) -> Any:
    """Return a state with handles and arrays of its own."""
    return Copies(share=False).of(state)


def _cut_vjp(_y_bar: Any, _site: Any) -> Any:
    raise ArgumentError(
        "a traced value that a step of checkpointed_loop computed is used outside of it, but is not in its result",
        why="the states between the steps are not kept, and with them the way from that value back to the inputs.",
        instead="make it part of the state that the step returns.",
    )


_cut = Primitive(name="cut", doc="A state whose past is not kept.", vjp=_cut_vjp, eval=lambda: ())


def _without_past(state: Any, tapes: set[Any]) -> Any:
    """Return a state that holds nothing of how it was computed, on these tapes."""
    sites: dict[float, Any] = {}

    def site_of(x: Traced) -> Any:
        site = x.info
        if site is None or x.interpreter not in tapes:
            return site
        if site[0] not in sites:
            sites[site[0]] = type(site)((older(), _cut, {}, (), stand_in(x.value), None, ()))
        return sites[site[0]]

    return resited(state, site_of)


# One loop -----------------------------------------------------------------------------------------------------------


class _Loop:
    """What all sweeps through one loop share."""

    __slots__ = ("frozen", "initial", "name", "ready", "snapshots", "stack")

    def __init__(self, step: Callable[[int, Any], Any], state: Any, snapshots: Snapshots) -> None:
        self.name = f"the step {getattr(step, '__qualname__', repr(step))} of checkpointed_loop"
        self.initial = _copied(state)
        self.snapshots = snapshots
        self.frozen = Frozen(step)
        self.stack = active()
        self.ready: list[_Walk] = []  # that of the first run, for the first sweep

    def first(self, step: Callable[[int, Any], Any], state: Any, n: int) -> Any:
        """Run the loop; its results are given sites that stand for it."""
        start = older()
        walk = _Walk(self, n, step, state)
        result = walk.first()
        tapes = walk.tapes.union(x.interpreter for x in handles_in(result))
        for tape, handles in by_tape(handles_in(result)).items():
            ports = Ports(handles, start)
            if ports.sites:
                again = partial(self._again, tape, ports.without_sites(), n)
                put(handles, ports, stand_for(handles, ports, again, self._known(tape)))
                self.frozen.lock(tape.locks)
                if len(tapes) == 1:
                    walk.become(tape)
                    self.ready = [walk]
        self.frozen.originals = []
        return result

    def _known(self, tape: Any) -> tuple[Any, ...]:
        handles = handles_in(self.initial)
        return tuple([x.info for x in handles if x.interpreter is tape and x.info is not None])

    def _again(self, tape: Any, ports: Ports, n: int) -> list[Any]:
        try:
            walk = self.ready.pop()
        except IndexError:  # a second sweep, or one of several tapes
            walk = self.walk(tape, n)
        return walk.reverse(n - 1, ports)

    def walk(self, tape: Any, n: int) -> _Walk:
        """Return a new walk for the reversal of the first n steps."""
        return _Walk(self, n, self.frozen.thawed()[0], self.initial, tape)


class _Walk:
    """One way through the schedule: which states are kept, and which one is at hand."""

    __slots__ = ("_actions", "_drawn", "_end", "_kept", "_loop", "_state", "_step", "_tape", "tapes")

    def __init__(
        self, loop: _Loop, n: int, step: Callable[[int, Any], Any], state: Any, tape: Any = None
    ) -> None:
        self._loop, self._step, self._tape = loop, step, tape
        self._actions = schedule(n, loop.snapshots)
        self._end: int | None = (
            None  # the step to be reversed with the state at hand, or that was reversed last
        )
        self._state = state
        self._drawn = loop.frozen.states  # the states of the random generators that belong to it
        self._kept: dict[int, tuple[Any, Any]] = {}
        self.tapes: set[Any] = set()  # those that have traced a state

    def first(self) -> Any:
        """Run the loop and return its result; be ready to reverse its last step."""
        self._walk(None)
        self._drawn = self._loop.frozen.draws.now()
        with own_locks(self._loop.stack):
            return self._step(self._end, _copied(self._state))  # type: ignore[arg-type]

    def become(self, tape: Any) -> None:
        """Turn the walk of the first run into that of the sweep of a tape."""
        self._tape, self._step = tape, self._loop.frozen.thawed()[0]

    def _walk(self, cuts: set[Any] | None) -> None:
        """Follow the schedule until a step can be reversed; `cuts` are the tapes that record nothing, None for all."""
        draws = self._loop.frozen.draws
        for action in self._actions:
            match action:
                case Store(k):
                    self._kept[k] = _copied(self._state), draws.now()
                case Restore(k):
                    kept, self._drawn = self._kept[k]
                    self._state = _copied(kept)
                    draws.put(self._drawn, draws.now())
                case Advance(i, j):
                    for k in range(i, j):
                        self._advance(k, cuts)
                case Reverse(k):
                    self._end = k
                    return
                case _:
                    del self._kept[action.k]

    def _advance(self, k: int, cuts: set[Any] | None) -> None:
        state, self._state = self._state, None
        with own_locks(self._loop.stack):
            state = self._step(k, state)
        if cuts is None:
            cuts = {x.interpreter for x in handles_in(state)}
            self.tapes |= cuts
        self._state = _without_past(state, cuts)

    def reverse(self, k: int, ports: Ports) -> list[Any]:
        """Record step k, whose results are these ports, behind a gate; return the sites of its results."""
        loop = self._loop
        cuts = {self._tape, *[i for i in loop.stack if not i.open]}
        with replaying(loop.stack, loop.frozen.draws, self._drawn):
            if self._end != k or self._state is None:
                self._walk(cuts)
            state, self._state = _copied(self._state), None
            start = older()
            if k:
                state = self._gated(state, k)
            result = self._step(k, state)
            handles = by_tape(handles_in(result)).get(self._tape, [])
        if not k:
            self._kept.clear()
        return ports.repeated(Ports(handles, start), loop.name)

    def _gated(self, state: Any, k: int) -> Any:
        """Return state k with sites on our tape behind which the steps before k are reversed."""
        handles = [x for x in handles_in(state) if x.interpreter is self._tape]
        ports = Ports(handles, 0.0)
        if not ports.sites:
            return state
        sites = stand_for(handles, ports, partial(self._before, k, ports.without_sites()))
        new = {
            x.info[0]: sites[place]
            for x, place in zip(handles, ports.places, strict=True)
            if place is not None
        }
        return resited(state, lambda x: x.info if x.info is None else new.get(x.info[0], x.info))

    def _before(self, k: int, ports: Ports) -> list[Any]:
        """Reverse step k - 1; from a walk of its own if the sweep has come here before, in a stretch it took back."""
        walk = self if self._end == k else self._loop.walk(self._tape, k)
        return walk.reverse(k - 1, ports)


def checkpointed_loop(
    step: Callable[[int, Any], Any], state: Any, n: int, *, snapshots: Snapshots = None
) -> Any:
    """Return the state after ``for k in range(n): state = step(k, state)``, keeping few states for the reverse sweep.

    Parameters
    ----------
    step : callable
        From the number of the step and the state before it to the state after it.
    state : pytree
        The state before the first step.
    n : int
        Number of steps.
    snapshots : int, "binomial", "sqrt" or None
        How many states the reverse sweep keeps at once. With an int the steps that it runs again are the fewest
        possible; "binomial" is the same with about log2(n) states; "sqrt" keeps about 2 sqrt(n) states and runs each
        step at most three times in all; None keeps every state, and nothing of the operations between them.

    Returns
    -------
    pytree
        The state after the last step.

    Raises
    ------
    ArgumentError
        If `n` or `snapshots` is no such number; in the reverse sweep, if a step does something else when it is run
        again.

    Notes
    -----
    With s states and n <= C(s + r, s), no step runs more than r times before it is run for its reversal (Griewank &
    Walther 2000, ACM TOMS 26, Algorithm 799): 20 states and r = 6 suffice for 230 230 steps. Gradients are equal to
    those of the loop to the last bit. Forward mode runs the loop as it is. What `checkpoint` says of closures, random
    numbers and second runs holds here too.

    In a reverse sweep of a reverse sweep, the inner one is a program like others, and kept in full; nest reverse mode
    in forward mode (`hessian`, `hvp`) where memory counts.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import grad
    >>> def logistic(x):
    ...     return checkpointed_loop(lambda k, x: 3.7 * x * (1.0 - x), x, 100, snapshots=5)
    >>> grad(logistic)(0.3) == grad(lambda x: checkpointed_loop(lambda k, x: 3.7 * x * (1.0 - x), x, 100))(0.3)
    np.True_
    """
    steps = _checked(step, n)
    schedule(steps, snapshots)  # raises for what names no schedule
    return _Loop(step, state, snapshots).first(step, state, steps) if steps else state


def _checked(step: Any, n: Any) -> int:
    """Return the number of steps, or raise if there is none, or no step."""
    if not callable(step):
        raise ArgumentError(
            f"the step of checkpointed_loop is of type {type(step).__name__}",
            why="it is called once for every step.",
            instead="give a function of the number of the step and the state.",
        )
    steps = -1 if isinstance(n, bool) or not hasattr(n, "__index__") else operator.index(n)
    if steps < 0:
        raise ArgumentError(
            f"checkpointed_loop was asked for {n!r} steps",
            why="it is a loop over range(n).",
            instead="give a number of steps, an int that is not negative.",
        )
    return steps
