"""Forward mode: every value travels with its tangent, and nothing of the past is kept.

A tracer's `info` is its tangent x_dot. An operation's `jvp` rule gives the value and the tangent of its
result; values without a tangent are plain. Memory is that of the program itself, whatever its length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Interpreter, Traced, bind
from wengert.core.numpy_protocol import replace_traced
from wengert.core.tracer import Tracer
from wengert.errors import RuleMissingError
from wengert.transforms.writing import is_static, private_buffer, writes_plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.core.primitive import Primitive

__all__ = ["Forward", "push"]


class Forward(Interpreter):
    """Carries tangents beside values (dual numbers)."""

    __slots__ = ()
    name = "forward-mode derivative"

    def lift(self, x: Any, x_dot: Any) -> Tracer:
        """Return an input with its tangent."""
        return Tracer(self, x, x_dot)

    def write(self, x: Any, index: Any, v: Any) -> bool:
        """Write into the buffers of the value and the tangent of a handle."""
        v, v_dot = self.lower(v)
        if not (
            self.direct and type(x.value) is np.ndarray and type(x.info) is np.ndarray and is_static(index)
        ):
            return False
        if not (writes_plainly(x.value, v) and (v_dot is None or writes_plainly(x.info, v_dot))):
            return False
        value, x_dot = private_buffer(x), private_buffer(x, "info")
        value[index] = v
        x_dot[index] = 0.0 if v_dot is None else v_dot
        x.value, x.info = value, x_dot
        return True

    def hold(self, value: Any) -> Tracer:
        """Return a constant with a tangent of zeros."""
        return Tracer(self, value, np.zeros(np.shape(value), value.dtype))

    def lower(self, y: Any) -> tuple[Any, Any]:
        """Return the value and the tangent (None if zero) of an output."""
        return (y.value, y.info) if self.owns(y) else (y, None)

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Compute the value and the tangent."""
        if not self.direct:
            seen = self.consider(prim)
            if seen is None:
                return self.unrecorded(prim, xs, params)
            prim = seen
        pairs = [self.lower(x) for x in xs]
        values = [value for value, _ in pairs]
        if not prim.differentiable:
            return bind(prim, values, params)
        if prim.jvp is None:
            raise RuleMissingError(
                f"primitive {prim.name!r} has no jvp rule", instead="give its record a jvp rule."
            )
        y, y_dot = prim.jvp(values, [dot for _, dot in pairs], **params)
        if not prim.multiple:
            return self._result(y, y_dot)
        if y_dot is None:
            return y
        return tuple([self._result(v, v_dot) for v, v_dot in zip(y, y_dot, strict=True)])

    def _result(self, y: Any, y_dot: Any) -> Any:
        return y if y_dot is None else Tracer(self, y, y_dot)

    def constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Call the function on the values."""
        self.require_open()
        args, kwargs = replace_traced((args, kwargs), self, _value)
        return function(*args, **kwargs)


def _value(x: Traced) -> Any:
    return x.value


def push(
    fun: Callable[..., Sequence[Any]], xs: Sequence[Any], x_dots: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """Return the results and their tangents of a function of flat operands; None is a zero tangent."""
    forward = Forward()
    try:
        with forward:
            ys = fun(
                *[x if x_dot is None else forward.lift(x, x_dot) for x, x_dot in zip(xs, x_dots, strict=True)]
            )
            pairs = [forward.lower(y) for y in ys]
    except BaseException:
        forward.abandon()
        raise
    return [y for y, _ in pairs], [y_dot for _, y_dot in pairs]
