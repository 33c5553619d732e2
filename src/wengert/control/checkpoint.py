"""Checkpoints: a function whose operations are not kept for the reverse sweep, but repeated in it."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from wengert.control.frozen import Frozen
from wengert.control.splicing import (
    Ports,
    another_path,
    by_tape,
    handles_in,
    own_locks,
    put,
    replaying,
    stand_for,
)
from wengert.core.attention import Blocks, lenses
from wengert.core.dispatch import active, innermost
from wengert.errors import ArgumentError
from wengert.transforms.tape import older

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from wengert.core.primitive import Primitive

__all__ = ["checkpoint"]


# Results that are kept ----------------------------------------------------------------------------------------------


class _Kept:
    """The results of some primitives, in the order in which the first run computes them."""

    __slots__ = ("_name", "_results", "_wanted")
    _blocks = Blocks(lenses)

    def __init__(self, policy: Callable[[str], Any] | Collection[str], name: str) -> None:
        self._wanted = policy if callable(policy) else frozenset(policy).__contains__
        self._results: list[Any] = []
        self._name = name

    def _kept(self, rule: Callable[..., Any], xs: tuple[Any, ...], params: dict[str, Any]) -> Any:
        self._results.append(rule(*xs, **params))
        return self._results[-1]

    @contextmanager
    def computed(self) -> Iterator[None]:
        """Keep what a block computes."""
        with self._seen_by(self._kept):
            yield

    @contextmanager
    def reused(self) -> Iterator[None]:
        """Take what was kept instead of computing it."""
        results = iter(self._results)

        def again(_rule: Callable[..., Any], _xs: tuple[Any, ...], _params: dict[str, Any]) -> Any:
            for result in results:
                return result
            raise another_path(self._name, "it computes more of the results that its policy keeps")

        with self._seen_by(again):
            yield

    @contextmanager
    def _seen_by(self, call: Callable[..., Any]) -> Iterator[None]:
        """Compute plain values of the wanted primitives by `call(rule, operands, params)`."""
        made: dict[Primitive, Primitive] = {}

        def through(rule: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *xs, **params: rule(*xs, **params) if innermost(xs) else call(rule, xs, params)

        def lens(prim: Primitive) -> Primitive:
            if prim in made or not self._wanted(prim.name):
                return prim
            save = None if prim.save is None else through(prim.save)
            new = prim.with_rules(eval=through(prim.eval), save=save)
            made[new] = prim
            return new

        self._blocks.push(lens)
        try:
            yield
        finally:
            self._blocks.pop()


# Calls --------------------------------------------------------------------------------------------------------------


class _Call:
    """One call, to be repeated."""

    __slots__ = ("_frozen", "_kept", "_name", "_stack")

    def __init__(
        self, fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], policy: Any
    ) -> None:
        self._frozen = Frozen(fun, args, kwargs)
        self._stack = active()
        self._name = f"the checkpointed function {getattr(fun, '__qualname__', repr(fun))}"
        self._kept = None if policy is None else _Kept(policy, self._name)

    def first(self, fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Make the call; its results, and the handles that it wrote into, are given sites that stand for it."""
        start = older()
        with own_locks(self._stack), nullcontext() if self._kept is None else self._kept.computed():
            result = fun(*args, **kwargs)
        frozen = self._frozen
        before = by_tape(handles_in(frozen.handles))
        for tape, handles in by_tape(handles_in([result, frozen.originals])).items():
            ports = Ports(handles, start)
            if ports.sites:
                known = tuple([x.info for x in before.get(tape, ()) if x.info is not None])
                again = partial(self._again, tape, ports.without_sites())
                put(handles, ports, stand_for(handles, ports, again, known))
                frozen.lock(tape.locks)
        frozen.originals = []
        return result

    def _again(self, tape: Any, ports: Ports) -> list[Any]:
        frozen = self._frozen
        with replaying(self._stack, frozen.draws, frozen.states):
            start = older()
            fun, args, kwargs, handles = frozen.thawed()
            with nullcontext() if self._kept is None else self._kept.reused():
                result = fun(*args, **kwargs)
            found = Ports(by_tape(handles_in([result, handles])).get(tape, []), start)
        return ports.repeated(found, self._name)


def checkpoint(fun: Callable[..., Any], *, policy: Any = None) -> Callable[..., Any]:
    """Return the same function, whose operations are repeated in the reverse sweep instead of kept.

    Parameters
    ----------
    fun : callable
        Takes and returns any pytrees.
    policy : callable or collection of str, optional
        Which results are kept all the same: ``policy(name)`` says so of a primitive, or the names are listed.
        Results are kept where their operands are plain, in the innermost derivative.

    Returns
    -------
    callable
        With the arguments of `fun`.

    Raises
    ------
    ArgumentError
        In the reverse sweep, if the second run does something else than the first.

    Notes
    -----
    A reverse sweep keeps what every operation saw. A checkpointed function keeps its inputs, and runs once more when
    the sweep arrives there: memory for time (Griewank & Walther 2008, chapter 12). Of a chain of n functions,
    checkpointed each, the sweep holds the operations of one at a time. Gradients are equal to the last bit; forward
    mode and `vmap` run `fun` as it is. Traced values that `fun` closes over have their derivatives.

    The second run sees what the first one saw: arguments, variables and arrays that the function closes over, and
    random numbers, from np.random and from generators that it can reach. Small arrays are copied, larger ones
    read-only until the sweep. What it reads from attributes of objects or from global variables must not change; a
    second run with other results raises.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import grad
    >>> layer = checkpoint(lambda x: np.sin(np.cos(x)))
    >>> grad(lambda x: layer(layer(x)))(1.0)
    np.float64(0.22877659067756415)
    """
    if not callable(fun):
        raise ArgumentError(
            f"checkpoint needs a function, not {type(fun).__name__}",
            why="it returns a function that is run again in the reverse sweep.",
            instead="write checkpoint(f)(x), not checkpoint(f(x)).",
        )

    if not (policy is None or callable(policy) or isinstance(policy, list | tuple | set | frozenset)):
        raise ArgumentError(
            f"the policy of checkpoint is of type {type(policy).__name__}",
            why="it says of which primitives the results are kept.",
            instead='give a function of their names, or a set of names: {"matmul", "exp"}.',
        )

    @wraps(fun)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        return _Call(fun, args, kwargs, policy).first(fun, args, kwargs)

    return checkpointed
