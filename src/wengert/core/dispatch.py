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
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from wengert.errors import TracerEscapedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.core.primitive import Primitive

__all__ = ["NO_PARAMS", "Interpreter", "Traced", "active", "bind", "innermost"]

NO_PARAMS: dict[str, Any] = {}

_tags = count(1)
_stack: ContextVar[tuple[Interpreter, ...]] = ContextVar("wengert_interpreters", default=())


def active() -> tuple[Interpreter, ...]:
    """Return the interpreters that are running in this context, outermost first."""
    return _stack.get()


class Interpreter:
    """What one call of a transformation does with primitives; a context manager that is open while it traces."""

    __slots__ = ("_token", "open", "tag")
    name = "transformation"

    def __init__(self) -> None:
        self.tag = next(_tags)
        self.open = False
        self._token: Token[tuple[Interpreter, ...]] | None = None

    def __enter__(self) -> Self:
        self._token = _stack.set((*_stack.get(), self))
        self.open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.open = False
        if self._token is not None:
            _stack.reset(self._token)
            self._token = None

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
