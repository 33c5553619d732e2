"""The tape: sites recorded while the program runs.

A tracer's `info` is the site that made it; sites point to the sites of their operands, so what the program
drops is freed while it runs. There is no list of everything: the tape is the graph that the outputs hold.
Sites are made by the million: on the tape they are plain tuples of the fields of `Site`, which Python makes
and takes apart at twice the speed.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import NO_PARAMS, Interpreter, Traced, bind
from wengert.core.numpy_protocol import UFUNCS, replace_traced
from wengert.core.operators import PLAIN
from wengert.core.tracer import Tracer
from wengert.errors import RuleMissingError
from wengert.ops.indexing import getitem_
from wengert.ops.updating import index_update_
from wengert.transforms.accumulation import select_item
from wengert.transforms.keeping import SMALL, Locks
from wengert.transforms.writing import is_static, private_buffer, stand_in, writes_plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wengert.core.primitive import Primitive

__all__ = ["Recorded", "Tape", "older"]

older = count(-1, -1).__next__
_NOTHING = (None,)  # the operands of a read that its rule does not look at


# The short way ------------------------------------------------------------------------------------------------------
#
# An operator with a plain operand, and a ufunc of one operand, are most of what a program does. Their way
# from NumPy to a new site is written out here: it decides what an operation on a small array costs.


def _operator(name: str, ufunc: Any, *, reflected: bool) -> Callable[[Any, Any], Any]:
    general, prim = getattr(Tracer, name), UFUNCS[ufunc]
    keeps = name.strip("_") not in ("add", "radd", "sub", "rsub")  # the rules of sums look at shapes only

    def operator(self: Recorded, other: Any) -> Any:
        tape: Any = self.interpreter
        if type(other) not in PLAIN or not tape.direct:
            return general(self, other)
        if keeps and type(other) is np.ndarray:
            other = other.copy("K") if other.nbytes <= SMALL else tape.locks.keep(other)
        x = self.value
        y = ufunc(x, other)
        return Recorded(tape, y, (older(), prim, NO_PARAMS, (x, other), y, None, (self.info, None)))

    def reflected_operator(self: Recorded, other: Any) -> Any:
        tape: Any = self.interpreter
        if type(other) not in PLAIN or not tape.direct:
            return general(self, other)
        if keeps and type(other) is np.ndarray:
            other = other.copy("K") if other.nbytes <= SMALL else tape.locks.keep(other)
        x = self.value
        y = ufunc(other, x)
        return Recorded(tape, y, (older(), prim, NO_PARAMS, (other, x), y, None, (None, self.info)))

    return reflected_operator if reflected else operator


class Recorded(Tracer):
    """A value on the tape."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *xs: Any, **kwargs: Any) -> Any:
        tape: Any = self.interpreter
        if len(xs) == 1 and not kwargs and method == "__call__" and tape.direct:
            prim = UFUNCS.get(ufunc)
            if prim is not None and prim.elementwise and prim.vjp is not None:
                x = self.value
                y = ufunc(x)
                return Recorded(tape, y, (older(), prim, NO_PARAMS, (x,), y, None, (self.info,)))
        return Tracer.__array_ufunc__(self, ufunc, method, *xs, **kwargs)

    def __getitem__(self, index: Any) -> Any:
        tape: Any = self.interpreter
        x = self.value
        if type(index) is int and type(x) is np.ndarray and x.ndim == 1 and tape.direct:
            site = (older(), getitem_, {"index": index}, _NOTHING, y := x[index], None, (self.info,))
            return Recorded(tape, y, site)
        return Tracer.__getitem__(self, index)


for _name, _ufunc in (
    ("add", np.add),
    ("sub", np.subtract),
    ("mul", np.multiply),
    ("truediv", np.divide),
    ("pow", np.power),
):
    setattr(Recorded, f"__{_name}__", _operator(f"__{_name}__", _ufunc, reflected=False))
    setattr(Recorded, f"__r{_name}__", _operator(f"__r{_name}__", _ufunc, reflected=True))


class Tape(Interpreter):
    """Records what is applied to its tracers."""

    __slots__ = ("locks",)
    name = "reverse-mode derivative"

    def __init__(self) -> None:
        super().__init__()
        self.locks = Locks()

    def lift(self, x: Any) -> Recorded:
        """Return an input as a leaf of the tape."""
        x = self.locks.keep(x)
        return Recorded(self, x, (older(), None, NO_PARAMS, (), x, None, ()))

    def write(self, x: Any, index: Any, v: Any) -> bool:
        """Write into the buffer of a handle; the site holds stand-ins."""
        v_site = None
        if self.owns(v):
            v, v_site = v.value, v.info
        if not (
            self.direct and type(x.value) is np.ndarray and is_static(index) and writes_plainly(x.value, v)
        ):
            return False
        buffer = private_buffer(x)
        buffer[index] = v
        before = x.info
        like = before[4] if before[1] is index_update_ else stand_in(buffer)
        x.value = buffer
        x.info = (older(), index_update_, {"index": index}, (like, v), like, None, (before, v_site))
        return True

    def hold(self, value: Any) -> Recorded:
        """Return a constant as a leaf that nobody asks for."""
        return self.lift(value)

    def lower(self, y: Any) -> tuple[Any, Any]:
        """Return the value and the site (None if constant) of an output."""
        return (y.value, y.info) if self.owns(y) else (y, None)

    def unary(self, prim: Primitive, x: Traced) -> Any:
        """Record an elementwise operation of one operand."""
        if not self.direct:
            return self.apply(prim, (x,), NO_PARAMS)
        v = x.value
        y = prim.eval(v)
        if prim.vjp is None:
            return y if not prim.differentiable else self.apply(prim, (x,), NO_PARAMS)
        return Recorded(self, y, (older(), prim, NO_PARAMS, (v,), y, None, (x.info,)))

    def binary(self, prim: Primitive, a: Any, b: Any) -> Any:
        """Record an elementwise operation of two operands."""
        if not self.direct:
            return self.apply(prim, (a, b), NO_PARAMS)
        a_site = b_site = None
        if isinstance(a, Traced) and a.interpreter is self:
            a_site = a.info
            a = a.value
        if isinstance(b, Traced) and b.interpreter is self:
            b_site = b.info
            b = b.value
        if a_site is None:
            a = self.locks.keep(a)
        elif b_site is None:
            b = self.locks.keep(b)
        y = prim.eval(a, b)
        if prim.vjp is None:
            return y
        return Recorded(self, y, (older(), prim, NO_PARAMS, (a, b), y, None, (a_site, b_site)))

    def apply(self, prim: Primitive, xs: Sequence[Any], params: dict[str, Any]) -> Any:
        """Evaluate, and record the site."""
        if not self.direct:
            seen = self.consider(prim)
            if seen is None:
                return self.unrecorded(prim, xs, params)
            prim = seen
        pairs = [self.lower(x) for x in xs]
        if not prim.differentiable:
            return bind(prim, [value for value, _ in pairs], params)
        values = tuple([self.locks.keep(x) if site is None else x for x, site in pairs])
        if prim.vjp is None:
            raise RuleMissingError(
                f"primitive {prim.name!r} has no vjp rule", instead="give its record a vjp rule."
            )
        if prim.save is None:
            y, saved = bind(prim, values, params), None
        else:
            y, saved = prim.save(*values, **params)
        kept = y
        if prim.shapes_only:
            values, kept = tuple(map(_light, values)), _light(y)
        site = (older(), prim, params, values, kept, saved, tuple([parent for _, parent in pairs]))
        if not prim.multiple:
            return Recorded(self, y, site)
        return tuple(
            [
                Recorded(self, v, (older(), select_item, {"item": i}, y, v, None, (site,)))
                for i, v in enumerate(y)
            ]
        )

    def constant(self, function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
        """Call the function on the values."""
        self.require_open()
        args, kwargs = replace_traced((args, kwargs), self, _value)
        return function(*args, **kwargs)


def _light(x: Any) -> Any:
    """Return what stands for a large array where only its shape and dtype matter."""
    return stand_in(x) if type(x) is np.ndarray and x.nbytes > SMALL else x


def _value(x: Traced) -> Any:
    return x.value
