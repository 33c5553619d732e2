"""What rewritten functions call: decides, while the program runs, what becomes part of a graph.

A condition with a value is Python's to decide. One without (staged, or different from example to example of a batch)
makes a branch or loop of the graph. A loop of known length that takes more steps than a threshold becomes one loop of
the graph as well, if it does anything to traced values. Where that cannot be done, and the value can be had under a
guard, Python decides after all.
"""

from __future__ import annotations

import operator
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import numpy as np

from wengert.core.dispatch import Traced, active
from wengert.core.numpy_protocol import FUNCTIONS
from wengert.core.views import is_open, staged_under
from wengert.errors import LiftError, WengertError
from wengert.lifting.blocks import Site, Unset, Variables
from wengert.lifting.branches import fork
from wengert.lifting.calls import draws, replacement
from wengert.lifting.iteration import LAZY, Items, items_of
from wengert.lifting.loops import conditional_loop, counted_loop, truth

__all__ = ["Runtime"]

_DEPTH = 8  # of one function in branches of a graph: more is taken for recursion that only values end

_LIBRARIES = tuple(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib"))

_forks: ContextVar[tuple[str, ...]] = ContextVar("wengert_forks", default=())

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "Eq": operator.eq,
    "NotEq": operator.ne,
    "Lt": operator.lt,
    "LtE": operator.le,
    "Gt": operator.gt,
    "GtE": operator.ge,
    "Is": operator.is_,
    "IsNot": operator.is_not,
    "In": lambda a, b: a in b,
    "NotIn": lambda a, b: a not in b,
}


def _decidable(x: Any) -> bool:
    """Whether Python can have a value under a guard."""
    staged = staged_under(x)
    return staged is not None and staged.shape == x.shape and staged.interpreter.releases(staged)


def _insists(site: Site, x: Any) -> bool:
    """Whether a loop on a traced value must be one of a graph, or raise; in libraries guards decide where they can."""
    return is_open(x) and not (_decidable(x) and site.key.startswith(_LIBRARIES))


def _traced(values: Any) -> bool:
    return bool(active()) or any(isinstance(x, Traced) for x in values)


@contextmanager
def _staging(key: str) -> Iterator[None]:
    token = _forks.set((*_forks.get(), key))
    try:
        yield
    finally:
        _forks.reset(token)


@contextmanager
def _attempt(site: Site, *, strict: bool, forced: bool) -> Iterator[list[bool]]:
    """Try to make a part of a graph. Where that fails Python does it instead, unless what fails is said to the user.

    What the user's own code raises in a block, it raises again in Python if it gets there; `forced` says that Python
    cannot do it.
    """
    try:
        with _staging(site.key):
            yield []
    except WengertError:
        if strict:
            raise
    except Exception:
        if forced:
            raise


class Runtime:
    """What rewritten functions call.

    Parameters
    ----------
    threshold : int
        Loops of known length that take more steps become loops of a graph.
    lift : callable
        Lifts the functions that are called.
    """

    __slots__ = ("_lift", "_recursive", "_threshold")

    slice = staticmethod(slice)

    def __init__(self, threshold: int, lift: Callable[[Any], Any]) -> None:
        self._threshold = threshold
        self._lift = lift
        self._recursive: set[str] = set()

    # Variables and calls

    @staticmethod
    def site(*fields: Any) -> Site:
        """Return what is known of a statement."""
        return Site(*fields)

    @staticmethod
    def unset(name: str) -> Unset:
        """Return what a variable without a value holds."""
        return Unset(name)

    @staticmethod
    def read(value: Any) -> Any:
        """Return the value of a variable, or raise if it has none."""
        if not isinstance(value, Unset):
            return value
        if not value.why:
            message = f"cannot access local variable '{value.name}' where it is not associated with a value"
            raise UnboundLocalError(message)
        raise LiftError(
            f"{value.name} may have no value here: {value.why}",
            why="the graph is made for both ways, and on one of them there is nothing to go on with.",
            instead=f"assign {value.name} before.",
        )

    @staticmethod
    def effect(what: str) -> None:
        """Refuse a write that a graph would not repeat, in a block of one."""
        if _forks.get():
            raise LiftError(
                f"{what} is assigned in a loop or branch of a graph",
                why="the block is staged once, so that it would be assigned once, to a value of the graph.",
                instead="carry it in a local variable, and assign it after the loop.",
            )

    @staticmethod
    def target(x: Any) -> Any:
        """Return what is written into, no local variable; refuse it in a block of a graph unless it is traced."""
        if _forks.get() and isinstance(x, np.ndarray | list | dict | set):
            raise LiftError(
                f"{type(x).__name__} that is no local variable is written into in a loop or branch of a graph",
                why="the block is staged once, so that it would be written once.",
                instead="give it a local name before the loop, or make it there.",
            )
        return x

    def enter(self, key: str) -> None:
        """Note the call of a function."""
        if _forks.get().count(key) >= _DEPTH:
            self._recursive.add(key)
            raise LiftError(
                "a function calls itself in a branch of a graph, again and again",
                why="both branches are staged, so that only numbers known to Python can end the recursion.",
                instead="jit(f, lift=True) outside of loops decides such branches by guards; or write a while loop.",
            )

    def call(self, function: Any) -> Any:
        """Return what to call for a function."""
        found = replacement(function)
        if found is not None:
            return found
        if _forks.get() and draws(function):
            raise LiftError(
                f"{getattr(function, '__name__', function)} is called in a loop or branch of a graph",
                why="what it gives differs from call to call, and the body of the loop is staged once.",
                instead="draw all numbers before the loop.",
            )
        return self._lift(function)

    def items(self, function: Any) -> Any:
        """Return what makes the items of a loop: of ranges, with ends that may be traced."""
        lazy = LAZY.get(function) if isinstance(function, type) else None
        return self.call(function) if lazy is None else lazy

    @staticmethod
    def item(x: Any, index: Any) -> Any:
        """Return x[index]."""
        kinds = list(index) if isinstance(index, tuple) else [index]
        if not any(isinstance(i, Traced) for i in kinds) or isinstance(x, Traced):
            return x[index]
        if isinstance(x, list | tuple) and is_open(index) and x:
            x = np.stack(x) if any(isinstance(v, Traced) for v in x) else np.asarray(x)
        if isinstance(x, np.ndarray) and x.dtype.kind in "biufc":
            return FUNCTIONS[operator.getitem](x, index)
        return x[index]

    # Conditions

    def decide(self, test: Any, reason: str, line: int, loop: str = "") -> Any:
        """Return a condition that Python is to decide; that of a loop is given with the function that it is in."""
        if is_open(test) and not (_decidable(test) and (not loop or loop.startswith(_LIBRARIES))):
            raise LiftError(
                f"the {'loop' if loop else 'branch'} at line {line} cannot be lifted: {reason}",
                why="its condition is traced: it has to be part of a graph, which is staged once for all values.",
                instead="take that out of it, or use np.where, wengert.cond, wengert.while_loop.",
            )
        return test

    def asserted(self, test: Any) -> Any:
        """Return a condition, or true where it has no value yet."""
        return test if not is_open(test) or _decidable(test) else True

    def negate(self, x: Any) -> Any:
        """Return not x."""
        return np.logical_not(truth(x)) if is_open(x) else not x

    def all_of(self, key: str, *thunks: Callable[[], Any]) -> Any:
        """Return whether all conditions hold; later ones are asked for only where the earlier ones hold."""
        return self._chain(key, thunks, until=False, truths=True)

    def any_of(self, key: str, *thunks: Callable[[], Any]) -> Any:
        """Return whether any condition holds; later ones are asked for only where the earlier ones do not."""
        return self._chain(key, thunks, until=True, truths=True)

    def both(self, key: str, *thunks: Callable[[], Any]) -> Any:
        """Return the value of an `and`."""
        return self._chain(key, thunks, until=False, truths=False)

    def either(self, key: str, *thunks: Callable[[], Any]) -> Any:
        """Return the value of an `or`."""
        return self._chain(key, thunks, until=True, truths=False)

    def _chain(self, key: str, thunks: Sequence[Callable[[], Any]], *, until: bool, truths: bool) -> Any:
        """Return the first value of which the truth is `until`, or the last; or merely its truth."""
        first = thunks[0]()
        if len(thunks) == 1:
            return _as_truth(first) if truths and is_open(first) else first
        rest = partial(self._chain, key, thunks[1:], until=until, truths=truths)
        if not is_open(first):
            return first if bool(first) is until else rest()

        def asked() -> Any:
            return _as_truth(rest()) if truths else rest()

        def kept() -> Any:
            return until if truths else first

        return self.choose(key, truth(first), *((kept, asked) if until else (asked, kept)))

    def compare(self, key: str, left: Any, kinds: tuple[str, ...], *thunks: Callable[[], Any]) -> Any:
        """Return the value of a chain of comparisons."""
        right = thunks[0]()
        first = _COMPARISONS[kinds[0]](left, right)
        if len(kinds) == 1:
            return first
        return self.both(key, lambda: first, lambda: self.compare(key, right, kinds[1:], *thunks[1:]))

    def choose(self, key: str, test: Any, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
        """Return the value of one of two expressions."""
        if not is_open(test):
            return yes() if test else no()
        held: list[Any] = [Unset("_wg_choice")]

        def hold(way: Callable[[], Any]) -> Callable[[], None]:
            return lambda: held.__setitem__(0, way())

        def put(values: Sequence[Any]) -> None:
            held[:] = values

        none: frozenset[str] = frozenset()
        site = Site(("_wg_choice",), (True,), (), 0, frozenset({"_wg_choice"}), none, none, 0, "", key)
        self.branch(test, hold(yes), hold(no), lambda: tuple(held), put, site)
        return held[0]

    # Branches and loops

    def branch(
        self, test: Any, yes: Callable[[], Any], no: Callable[[], Any], get: Any, put: Any, site: Site
    ) -> None:
        """Do one of two blocks."""
        if not is_open(test):
            (yes if test else no)()
            return
        decidable = _decidable(test)
        if not site.reason and not (decidable and site.key in self._recursive):
            with _attempt(site, strict=not decidable, forced=not decidable) as done:
                fork(truth(test), (yes, no), Variables(get, put), site, forced=not decidable)
                done.append(True)
            if any(done):
                return
        (yes if self.decide(test, site.reason or "it calls itself", site.line) else no)()

    def repeat(
        self, test: Callable[[], Any], body: Callable[[], Any], get: Any, put: Any, site: Site
    ) -> None:
        """Do a block as long as a condition holds."""
        steps, tried = 0, False
        while True:
            going = test()
            opens = is_open(going)
            if not opens and not going:
                return
            if not tried and (opens or (steps >= self._threshold and _traced(get()))):
                tried = True
                insists = _insists(site, going)
                self._require_liftable(site, asked=insists)
                if not site.reason:
                    with _attempt(site, strict=insists, forced=opens and not _decidable(going)) as done:
                        done.append(conditional_loop(test, body, Variables(get, put), site, forced=opens))
                    if any(done):
                        return
            if opens and not self.decide(going, site.reason or "its body cannot be staged", site.line):
                return
            body()
            steps += 1

    def iterate(
        self,
        items: Any,
        bind: Callable[[Any], None],
        body: Callable[[], Any],
        going: Any,
        get: Any,
        put: Any,
        site: Site,
    ) -> None:
        """Do a block for each of some items, as long as a condition on flags holds."""
        source = items_of(items) if _traced(get()) else None
        loop = _For(bind, body, going, Variables(get, put), site)
        if source is not None:
            opens = is_open(source.length)
            insists = _insists(site, source.length)
            self._require_liftable(site, asked=insists)
            if not site.reason and (opens or source.length > self._threshold):
                with _attempt(site, strict=insists, forced=opens and not _decidable(source.length)) as done:
                    counted = going is None and not opens
                    done.append(
                        loop.counted(source) if counted else loop.conditional(source, 0, forced=opens)
                    )
                if any(done):
                    return
        for k, item in enumerate(items):
            goes = True if going is None else going()
            if not is_open(goes):
                if not goes:
                    return
                bind(item)
                body()
                continue
            self._require_liftable(site, asked=not _decidable(goes))
            if source is not None and not site.reason:
                with _attempt(site, strict=not _decidable(goes), forced=not _decidable(goes)) as done:
                    done.append(loop.conditional(source, k, forced=not _decidable(goes)))
                if any(done):
                    return
            self.branch(goes, partial(loop.step, item), _nothing, get, put, site)

    @staticmethod
    def _require_liftable(site: Site, *, asked: bool) -> None:
        if asked and site.reason:
            raise LiftError(
                f"the loop at line {site.line} cannot be lifted: {site.reason}",
                why="how often it runs depends on traced values, so that it has to be a loop of a graph.",
                instead="take that out of the loop, or use jit without lift=True, which decides loops by guards.",
            )


def _nothing() -> None:
    pass


def _as_truth(x: Any) -> Any:
    return truth(x) if is_open(x) else bool(x)


class _For:
    """A loop over items."""

    def __init__(
        self,
        bind: Callable[[Any], None],
        body: Callable[[], Any],
        going: Any,
        variables: Variables,
        site: Site,
    ) -> None:
        self._bind, self._body, self._going = bind, body, going
        self._variables, self._site = variables, site

    def step(self, item: Any) -> None:
        """Do the step of an item."""
        self._bind(item)
        self._body()

    def counted(self, source: Items) -> bool:
        """Make it a loop over slices."""
        return counted_loop(
            lambda leaves: self.step(source.build(leaves)),
            source.stacks,
            source.weak,
            self._variables,
            self._site,
        )

    def conditional(self, source: Items, first: int, *, forced: bool) -> bool:
        """Make it a loop over places from one on, as long as there are more and no flag says stop."""
        place: list[Any] = [first]
        get, put = self._variables

        def put_all(values: Sequence[Any]) -> None:
            place[0] = values[0]
            put(values[1:])

        def step() -> None:
            self.step(source.build(source.at(place[0])))
            place[0] = place[0] + 1

        def more() -> Any:
            going = True if self._going is None else self._going()
            return np.logical_and(place[0] < source.length, truth(going) if is_open(going) else bool(going))

        site = self._site
        whole = site._replace(
            names=("_wg_place", *site.names), kept=(True, *site.kept), rebound=site.rebound | {"_wg_place"}
        )
        return conditional_loop(
            more, step, Variables(lambda: (place[0], *get()), put_all), whole, forced=forced
        )
