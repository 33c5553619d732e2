"""Dispatch: who handles an operation.

A transformation runs the user's function on *tracers*, each owned by the transformation's *interpreter*.
Every interpreter carries an integer tag that is fresh for each call, so an inner transformation always has a
higher tag than the ones around it, whatever closures or threads do. `bind` hands an operation to the
interpreter with the highest tag among its operands; values of all other interpreters are constants to it. Its
rules then run on the operands' values, which may be tracers of an outer interpreter: that is all there is to
nesting.
"""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from wengert.core import attention
from wengert.errors import TracerEscapedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.core.primitive import Primitive

__all__ = ["NO_PARAMS", "Interpreter", "Traced", "active", "bind", "innermost"]

NO_PARAMS: dict[str, Any] = {}

_stack: ContextVar[tuple[Interpreter, ...]] = ContextVar("wengert_interpreters", default=())


def active() -> tuple[Interpreter, ...]:
    """Return the interpreters that are running in this context, outermost first."""
    return _stack.get()


class Interpreter:
    """What one call of a transformation does with primitives; a context manager that is open while it traces.

    `direct` is true while it is open and no block of the program asks for anything else: the one flag that
    the short ways read.
    """

    __slots__ = ("_before", "_token", "direct", "open", "tag")
    name = "transformation"

    def __init__(self) -> None:
        self.tag = attention.next_tag()
        self.open = False
        self.direct = False
        self._token: Token[tuple[Interpreter, ...]] | None = None
        self._before: tuple[Interpreter, ...] = ()

    def __enter__(self) -> Self:
        self._before = _stack.get()
        try:
            self._token = _stack.set((*self._before, self))
            self.open = True
            attention.opened(self)
        except BaseException:  # a signal between two calls: whoever enters never comes to leave
            self.abandon()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open = False
        attention.closed(self)
        token, self._token = self._token, None
        if token is not None:
            _stack.reset(token)

    def abandon(self) -> None:
        """Leave the stack, if a signal came before `__exit__` could do so; nothing otherwise."""
        self.open = False
        self._token = None
        attention.closed(self)
        if self in _stack.get():
            _stack.set(self._before)

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Apply a primitive to operands of which at least one is ours."""
        raise NotImplementedError

    def unary(self, prim: Primitive, x: Traced) -> Any:
        """Apply an elementwise primitive of one operand: the short way for eager speed."""
        return self.apply(prim, (x,), NO_PARAMS)

    def binary(self, prim: Primitive, a: Any, b: Any) -> Any:
        """Apply an elementwise primitive of two operands, at least one ours."""
        return self.apply(prim, (a, b), NO_PARAMS)

    def constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Call a NumPy function whose result has zero derivative."""
        raise NotImplementedError

    def hold(self, value: Any) -> Traced:
        """Return a constant as a tracer of ours: an array into which traced values can be written."""
        raise NotImplementedError

    def write(self, x: Any, index: Any, v: Any) -> bool:
        """Do x[index] = v in place if that is safe, and say whether it was done."""
        return False

    def suspended(self) -> bool:
        """Whether this context asks not to record (`no_grad`)."""
        return self.tag < attention.mark()

    def consider(self, prim: Primitive) -> Primitive | None:
        """Return the primitive to apply when not `direct`: as the lenses show it; None if suspended."""
        self.require_open()
        if self.suspended():
            return None
        for lens in attention.lenses.get():
            prim = lens(prim)
        return prim

    def unrecorded(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Apply a primitive to values alone."""
        values = [x.value if self.owns(x) else x for x in xs]
        return attention.shielded(bind(prim, values, params), values)

    def releases(self, x: Traced) -> bool:
        """Whether a value of ours may become a plain number: where nobody asks for its derivative."""
        del x
        return self.suspended()

    def truth(self, x: Traced) -> bool:
        """Return bool(x), for a branch of the user's program."""
        return bool(x.value)

    def owns(self, x: Any) -> bool:
        """Say whether a value is a tracer of this interpreter."""
        return isinstance(x, Traced) and x.interpreter is self

    def require_open(self) -> None:
        """Raise unless this transformation is still running."""
        if not self.open:
            raise TracerEscapedError(
                f"A traced value of a finished {self.name} is used",
                why="its derivative information was completed when the differentiated function returned",
                instead="return the value from the function (has_aux=True for extra results), or store "
                "wengert.stop_gradient(value).",
            )


class Traced:
    """A value owned by an interpreter, which keeps what it needs to know about it in `info`.

    `link` ties a handle to its views or its base (see `core/views.py`); it stays unset on the many that have
    neither.
    """

    __slots__ = ("__weakref__", "info", "interpreter", "link", "value")

    interpreter: Interpreter
    value: Any
    info: Any
    link: Any

    def __init__(self, interpreter: Interpreter, value: Any, info: Any) -> None:
        self.interpreter = interpreter
        self.value = value
        self.info = info

    def detached(self) -> Self:
        """Return another handle on the same value: writes through one are not seen by the other."""
        interpreter = self.interpreter  # first: a stale view takes its value, and its class, anew
        return type(self)(interpreter, self.value, self.info)


def innermost(xs: Sequence[Any]) -> Interpreter | None:
    """Return the interpreter with the highest tag among the operands, or None if none is traced."""
    top = None
    for x in xs:
        if isinstance(x, Traced):
            interpreter = x.interpreter
            if top is None or interpreter.tag > top.tag:
                top = interpreter
    return top


def bind(prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
    """Apply a primitive: hand it to the innermost interpreter among its operands, or evaluate it."""
    top = innermost(xs)
    if top is None:
        return prim.eval(*xs, **params)
    return top.apply(prim, xs, params)
