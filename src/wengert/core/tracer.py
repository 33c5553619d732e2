"""The tracer: a handle that acts as a NumPy array and hands every operation to its interpreter.

A handle can be rebound: `x[i] = v` and `x += y` give it a new value, as they give an array new contents. What would turn
a traced value into a plain number, and so lose its derivative without a word, raises.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from wengert.core.dispatch import Traced, innermost
from wengert.core.numpy_protocol import FUNCTIONS, UFUNCS, call_function, call_ufunc, operand
from wengert.errors import NotConcreteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["PLAIN", "Tracer"]

PLAIN = frozenset({np.ndarray, float, int, complex, bool, *np.sctypeDict.values()} - {np.object_, np.str_, np.bytes_, np.void})


def _apply(ufunc: Any, *xs: Any) -> Any:
    """Apply a ufunc to operands of which at least one is traced."""
    prim = UFUNCS.get(ufunc)
    if prim is None or not prim.elementwise:
        return call_ufunc(ufunc, "__call__", xs, {})
    top = innermost(xs)
    if len(xs) == 1:
        return top.unary(prim, xs[0])  # type: ignore[union-attr]
    a, b = xs if len(xs) == 2 else (None, None)
    if len(xs) > 2 or type(a) is list or type(b) is list or type(a) is tuple or type(b) is tuple:
        return top.apply(prim, tuple(map(operand, xs)), {})  # type: ignore[union-attr]
    return top.binary(prim, a, b)  # type: ignore[union-attr]


def _understood(x: Any) -> bool:
    """Say whether an operand of an operator is an array of some kind, rather than a stranger with its own rules."""
    return (
        type(x) in PLAIN
        or isinstance(x, Traced | list | tuple)
        or getattr(x, "__array_ufunc__", None) is not None
        or isinstance(x, float | int | complex)
    )


def _binary(ufunc: Any) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    def forward(self: Tracer, other: Any) -> Any:
        if type(other) in PLAIN or (isinstance(other, Tracer) and other.interpreter is self.interpreter):
            return self.interpreter.binary(UFUNCS[ufunc], self, other)
        return _apply(ufunc, self, other) if _understood(other) else NotImplemented

    def reflected(self: Tracer, other: Any) -> Any:
        if type(other) in PLAIN:
            return self.interpreter.binary(UFUNCS[ufunc], other, self)
        return _apply(ufunc, other, self) if _understood(other) else NotImplemented

    return forward, reflected


def _inplace(ufunc: Any) -> Callable[[Any, Any], Any]:
    def update(self: Tracer, other: Any) -> Tracer:
        if not _understood(other):
            return NotImplemented  # type: ignore[no-any-return]
        y = _apply(ufunc, self, other)
        if self.ndim == 0:
            return y  # type: ignore[no-any-return]  # NumPy scalars are immutable: the name is rebound, not the handle
        if y.shape != self.shape or not np.can_cast(y.dtype, self.dtype, "same_kind"):
            np.add(np.empty(y.shape, y.dtype), 0, out=np.empty(self.shape, self.dtype))  # raises as NumPy does
        self.rebind(y if y.dtype == self.dtype else y.astype(self.dtype))
        return self

    return update


def _unary(ufunc: Any) -> Callable[[Any], Any]:
    return lambda self: self.interpreter.unary(UFUNCS[ufunc], self)


def _general(ufunc: Any) -> tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]:
    """Return the operator of a ufunc that is not elementwise or has several results (matmul, divmod)."""
    return (
        lambda self, other: _apply(ufunc, self, other) if _understood(other) else NotImplemented,
        lambda self, other: _apply(ufunc, other, self) if _understood(other) else NotImplemented,
    )


def _method(function: Any) -> Callable[..., Any]:
    """Return the ndarray method that is NumPy's function of the same name."""
    return lambda self, *args, **kwargs: call_function(function, (self, *args), kwargs)


class Tracer(Traced):
    """A traced value that acts as a NumPy array."""

    __slots__ = ()
    __array_priority__ = 1000.0

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *xs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            prim = UFUNCS.get(ufunc)
            if prim is not None and prim.elementwise:
                return self.interpreter.unary(prim, self) if len(xs) == 1 else _apply(ufunc, *xs)
        return call_ufunc(ufunc, method, xs, kwargs)

    def __array_function__(self, function: Any, _types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        return call_function(function, args, dict(kwargs))

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        del api_version
        return np

    # Attributes

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.value.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype."""
        return self.value.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        n = 1
        for length in self.shape:
            n *= length
        return n

    @property
    def itemsize(self) -> int:
        """Bytes per entry."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all entries."""
        return self.size * self.itemsize

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """Transpose: the axes reversed."""
        return call_function(np.transpose, (self,), {})

    @property
    def mT(self) -> Any:  # noqa: N802 - NumPy's name
        """Transpose of the last two axes."""
        return call_function(np.matrix_transpose, (self,), {})

    @property
    def real(self) -> Any:
        """Real part."""
        return call_function(np.real, (self,), {})

    @property
    def imag(self) -> Any:
        """Imaginary part."""
        return call_function(np.imag, (self,), {})

    @property
    def flat(self) -> Any:
        """Entries in C order; for reading."""
        return iter(call_function(np.ravel, (self,), {}))

    # Operators

    __add__, __radd__ = _binary(np.add)
    __sub__, __rsub__ = _binary(np.subtract)
    __mul__, __rmul__ = _binary(np.multiply)
    __truediv__, __rtruediv__ = _binary(np.divide)
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide)
    __mod__, __rmod__ = _binary(np.remainder)
    __divmod__, __rdivmod__ = _general(np.divmod)
    __pow__, __rpow__ = _binary(np.power)
    __matmul__, __rmatmul__ = _general(np.matmul)
    __and__, __rand__ = _binary(np.bitwise_and)
    __or__, __ror__ = _binary(np.bitwise_or)
    __xor__, __rxor__ = _binary(np.bitwise_xor)
    __lshift__, __rlshift__ = _binary(np.left_shift)
    __rshift__, __rrshift__ = _binary(np.right_shift)
    __lt__, __gt__ = _binary(np.less)[0], _binary(np.greater)[0]
    __le__, __ge__ = _binary(np.less_equal)[0], _binary(np.greater_equal)[0]
    __eq__, __ne__ = _binary(np.equal)[0], _binary(np.not_equal)[0]  # type: ignore[assignment]
    __neg__ = _unary(np.negative)
    __pos__ = _unary(np.positive)
    __abs__ = _unary(np.absolute)
    __invert__ = _unary(np.invert)
    __iadd__ = _inplace(np.add)
    __isub__ = _inplace(np.subtract)
    __imul__ = _inplace(np.multiply)
    __itruediv__ = _inplace(np.divide)
    __ifloordiv__ = _inplace(np.floor_divide)
    __imod__ = _inplace(np.remainder)
    __ipow__ = _inplace(np.power)
    __imatmul__ = _inplace(np.matmul)

    def __hash__(self) -> int:
        if self.ndim:
            message = "unhashable type: a traced array, as any NumPy array"
            raise TypeError(message)
        return id(self)

    # Container

    def __len__(self) -> int:
        if not self.ndim:
            message = "len() of unsized object"
            raise TypeError(message)
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.ndim:
            message = "iteration over a 0-d array"
            raise TypeError(message)
        return (self[i] for i in range(self.shape[0]))

    def __contains__(self, item: Any) -> bool:
        return bool((self == item).any())

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS[operator.getitem](self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        self.rebind(FUNCTIONS[operator.setitem](self, index, value))

    def rebind(self, new: Any) -> None:
        """Make this handle stand for a new value, as a write gives an array new contents."""
        self.__class__ = type(new)  # type: ignore[assignment]
        self.interpreter, self.value, self.info = new.interpreter, new.value, new.info

    # What Python asks of a number

    def __bool__(self) -> bool:
        return self.interpreter.truth(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> NoReturn:
        del dtype, copy
        self._refuse_concrete(
            "NumPy asked for a traced value as a plain array",
            "np.array, np.asarray and writes into plain arrays (buffer[i] = x) copy numbers and lose the derivative.",
            "use np.stack([...]) or np.concatenate for np.array([...]), and make buffers from traced arrays (x * 0.0), "
            "or build a list and stack it; for a constant, wengert.stop_gradient(x).",
        )

    def __float__(self) -> NoReturn:
        self._refuse_number("float")

    def __int__(self) -> NoReturn:
        self._refuse_number("int")

    def __complex__(self) -> NoReturn:
        self._refuse_number("complex")

    def __index__(self) -> NoReturn:
        self._refuse_number("index")

    def item(self, *args: Any) -> Any:
        """Return one entry, still traced (a 0-d value), so that its derivative lives on."""
        if not args and self.size == 1:
            return call_function(np.reshape, (self, ()), {})
        if not args:
            message = "can only convert an array of size 1 to a Python scalar"
            raise ValueError(message)
        index = args[0] if len(args) == 1 else args
        return self[index] if isinstance(index, tuple) else call_function(np.ravel, (self,), {})[index]

    def tolist(self) -> Any:
        """Return nested lists of traced entries."""
        return self if not self.ndim else [row.tolist() for row in self]

    def _refuse_number(self, kind: str) -> NoReturn:
        self._refuse_concrete(
            f"Python asked for {kind}(x) of a traced value",
            "a Python number cannot hold a derivative; functions of the math module take such numbers.",
            "use NumPy's function (np.sin for math.sin) and keep the value as it is; for a constant, "
            "wengert.stop_gradient(x).",
        )

    def _refuse_concrete(self, what: str, why: str, instead: str) -> NoReturn:
        raise NotConcreteError(f"{what} under {self.interpreter.name}", why=why, instead=instead)

    # Methods

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
        """Return the entries in another shape."""
        del copy
        new = shape[0] if len(shape) == 1 else shape
        return call_function(np.reshape, (self, new), {} if order == "C" else {"order": order})

    def transpose(self, *axes: Any) -> Any:
        """Return the axes permuted."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int | np.integer) else (axes or None)
        return call_function(np.transpose, (self, order), {})

    def astype(self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True) -> Any:  # noqa: FBT001, FBT002 - NumPy's signature
        """Return the entries in another dtype."""
        del order, subok
        return call_function(np.astype, (self, dtype), {"casting": casting, "copy": copy})

    def flatten(self, order: Any = "C") -> Any:
        """Return the entries as a new vector."""
        return call_function(np.ravel, (self,), {"order": order})

    def fill(self, value: Any) -> None:
        """Set every entry to a value."""
        self[...] = value

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """Sort in place."""
        self[...] = call_function(np.sort, (self, axis), kwargs)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return the slices at which a condition holds; NumPy's function takes the condition first."""
        return call_function(np.compress, (condition, self, axis), {})

    def partition(self, kth: Any, axis: int = -1, **kwargs: Any) -> None:
        """Partition in place."""
        self[...] = call_function(np.partition, (self, kth, axis), kwargs)

    def __copy__(self) -> Any:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> Any:
        del memo
        return self.copy()

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else repr(self)


def _install_methods() -> None:
    names = (
        "all any argmax argmin argpartition argsort choose clip copy cumprod cumsum diagonal dot "
        "max mean min nonzero prod put ravel repeat resize round searchsorted squeeze std sum swapaxes take trace var"
    )
    for name in names.split():
        setattr(Tracer, name, _method(getattr(np, name)))
    Tracer.conj = Tracer.conjugate = lambda self: self.interpreter.unary(UFUNCS[np.conjugate], self)  # type: ignore[attr-defined]


_install_methods()
