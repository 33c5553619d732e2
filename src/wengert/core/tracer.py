"""The tracer: a handle that acts as a NumPy array and hands every operation to its interpreter.

A handle can be rebound: `x[i] = v` and `x += y` give it a new value, as they give an array new contents. What
would turn a traced value into a plain number, and so lose its derivative without a word, raises.
"""

from __future__ import annotations

import operator
import sys
from dis import opname
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from wengert.core import attention
from wengert.core.dispatch import Traced, active
from wengert.core.flat import Flat
from wengert.core.linking import call_linked, is_basic, mark_stale, tie, write_through
from wengert.core.memory import MEMORY_ATTRIBUTES, refuse_memory, refused_attribute
from wengert.core.numpy_protocol import CREATORS, FUNCTIONS, UFUNCS, call_function, call_ufunc
from wengert.core.operators import apply, binary, general, inplace, unary
from wengert.core.views import STALE, Step, View, is_scalar, link_of, require_array, revalued, root
from wengert.errors import NotConcreteError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Tracer"]


def _method(function: Any) -> Callable[..., Any]:
    """Return the ndarray method that is NumPy's function of the same name."""
    return lambda self, *args, **kwargs: call_linked(function, (self, *args), kwargs)


class Tracer(Traced):
    """A traced value that acts as a NumPy array."""

    __slots__ = ()
    __array_priority__ = 1000.0

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *xs: Any, **kwargs: Any) -> Any:
        if method == "__call__" and not kwargs:
            prim = UFUNCS.get(ufunc)
            if prim is not None and prim.elementwise:
                return self.interpreter.unary(prim, self) if len(xs) == 1 else apply(ufunc, *xs)
        return call_ufunc(ufunc, method, xs, kwargs)

    def __array_function__(self, function: Any, _types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if function in CREATORS:
            return call_function(function, args, {**kwargs, "like": self})
        return call_linked(function, args, dict(kwargs))

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        del api_version
        return np

    # Attributes

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return self.value.shape  # type: ignore[no-any-return]

    @shape.setter
    def shape(self, shape: Any) -> NoReturn:
        refuse_memory("x.shape = ... was written on a traced array", f"x = x.reshape({shape}).")

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy dtype."""
        return self.value.dtype  # type: ignore[no-any-return]

    @dtype.setter
    def dtype(self, dtype: Any) -> NoReturn:
        refuse_memory(
            "x.dtype = ... was written on a traced array", f"x = x.astype({np.dtype(dtype).name!r})."
        )

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
        return call_linked(np.transpose, (self,), {})

    @property
    def mT(self) -> Any:  # noqa: N802 - NumPy's name
        """Transpose of the last two axes."""
        return call_linked(np.matrix_transpose, (self,), {})

    @property
    def real(self) -> Any:
        """Real part."""
        return call_linked(np.real, (self,), {})

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> Any:
        """Imaginary part."""
        return call_linked(np.imag, (self,), {})

    @imag.setter
    def imag(self, value: Any) -> None:
        if self.dtype.kind != "c":
            message = "array does not have imaginary part to set"
            raise TypeError(message)
        self.imag[...] = value

    @property
    def flat(self) -> Flat:
        """Entries in C order, to read and to write."""
        return Flat(self)

    @flat.setter
    def flat(self, values: Any) -> None:
        self.flat[:] = values

    # Operators

    __add__, __radd__ = binary(np.add)
    __sub__, __rsub__ = binary(np.subtract)
    __mul__, __rmul__ = binary(np.multiply)
    __truediv__, __rtruediv__ = binary(np.divide)
    __floordiv__, __rfloordiv__ = binary(np.floor_divide)
    __mod__, __rmod__ = binary(np.remainder)
    __divmod__, __rdivmod__ = general(np.divmod)
    __pow__, __rpow__ = binary(np.power)
    __matmul__, __rmatmul__ = general(np.matmul)
    __and__, __rand__ = binary(np.bitwise_and)
    __or__, __ror__ = binary(np.bitwise_or)
    __xor__, __rxor__ = binary(np.bitwise_xor)
    __lshift__, __rlshift__ = binary(np.left_shift)
    __rshift__, __rrshift__ = binary(np.right_shift)
    __lt__, __gt__ = binary(np.less)[0], binary(np.greater)[0]
    __le__, __ge__ = binary(np.less_equal)[0], binary(np.greater_equal)[0]
    __eq__, __ne__ = binary(np.equal)[0], binary(np.not_equal)[0]
    __neg__ = unary(np.negative)
    __pos__ = unary(np.positive)
    __abs__ = unary(np.absolute)
    __invert__ = unary(np.invert)
    __iadd__ = inplace(np.add)
    __isub__ = inplace(np.subtract)
    __imul__ = inplace(np.multiply)
    __itruediv__ = inplace(np.divide)
    __ifloordiv__ = inplace(np.floor_divide)
    __imod__ = inplace(np.remainder)
    __ipow__ = inplace(np.power)
    __imatmul__ = inplace(np.matmul)

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
        y = FUNCTIONS[operator.getitem](self, index)
        if is_basic(index) and (y.ndim or (type(index) is tuple and Ellipsis in index) or index is Ellipsis):
            if is_scalar(self):
                return y if y.ndim else call_function(np.copy, (y,), {})
            tie(self, y, Step(operator.getitem, (index,), {}))
        return y

    def __setitem__(self, index: Any, value: Any) -> None:
        if type(value) in STALE:
            _refuse_exchange(sys._getframe(1))  # noqa: SLF001 - Python says in no other way who writes
        link = link_of(self)
        in_place = not isinstance(link, View) and attention.writes.get() is None
        if in_place and self.interpreter.write(self, index, value):
            mark_stale(link)
            return
        if link is None and isinstance(root(self), np.generic):
            root(self)[index] = 0.0  # raises NumPy's error: a scalar cannot be written into
        self.rebind(FUNCTIONS[operator.setitem](self, index, value))

    def __delitem__(self, index: Any) -> NoReturn:
        message = "cannot delete array elements"
        raise ValueError(message)

    def rebind(self, new: Any) -> None:
        """Make this handle stand for a new value, as a write gives an array new contents; its base and views see it."""
        link = link_of(self)
        if isinstance(link, View):
            write_through(link, new)
            return
        self.become(new)
        mark_stale(link)

    def become(self, new: Any) -> None:
        """Take over what another handle is; its value alone where recording is paused."""
        if (told := attention.writes.get()) is not None:
            told(self)
        if attention.pauses.get():
            new = revalued(self, new)
        self.__class__ = type(new)
        self.interpreter, self.value, self.info = new.interpreter, new.value, new.info

    # What Python asks of a number

    def __bool__(self) -> bool:
        return self.interpreter.truth(self)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        del copy
        if dtype == np.dtype(object):
            return self._objects()
        if self.interpreter.releases(self):
            return np.array(self.value, dtype)
        kind = self.dtype.kind
        if kind in "iub":
            self._refuse_index("NumPy asked for traced integers as a plain array")
        if kind == "f" and dtype is None and not self.ndim and self.interpreter in active():
            return self._objects()  # np.array([x, y]) holds the handles, which `operand` finds
        return self._refuse_concrete(
            "NumPy asked for a traced value as a plain array",
            "np.array, np.asarray and writes into plain arrays (buffer[i] = x) copy numbers and lose the derivative.",
            "use np.stack([...]) or wengert.numpy.array([...]) for np.array([...]), make buffers with "
            "np.zeros_like(x), np.zeros(n, like=x) or wengert.numpy.zeros(n); "
            "for a constant, wengert.stop_gradient(x).",
        )

    def _objects(self) -> Any:
        """Return the traced entries as Python objects, for `dtype=object`: `operand` makes a traced array of them."""
        objects = np.empty(self.shape, object)
        for index in np.ndindex(*self.shape):
            objects[index] = self[index]
        return objects

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            return round(self._number("round"))  # to a Python int
        return call_function(np.round, (self, digits), {})

    def __index__(self) -> int:
        if self.dtype.kind in "iub" and not self.interpreter.releases(self):
            self._refuse_index("Python asked for a traced integer as an index or a count")
        return operator.index(self._number("index"))

    def item(self, *args: Any) -> Any:
        """Return one entry, still traced (a 0-d value), so that its derivative lives on."""
        if not args and self.size == 1:
            return call_linked(np.reshape, (self, ()), {})
        if not args:
            message = "can only convert an array of size 1 to a Python scalar"
            raise ValueError(message)
        index = args[0] if len(args) == 1 else args
        return self[index] if isinstance(index, tuple) else call_linked(np.ravel, (self,), {})[index]

    def tolist(self) -> Any:
        """Return nested lists of traced entries."""
        return self if not self.ndim else [row.tolist() for row in self]

    def _number(self, kind: str) -> Any:
        if self.interpreter.releases(self):
            return self.value
        return self._refuse_concrete(
            f"Python asked for {kind}(x) of a traced value",
            "a Python number cannot hold a derivative, and neither can an entry of a plain array.",
            "use NumPy's function (np.sin for math.sin), and wengert.numpy.array([...]) or np.zeros(n, like=x) to hold "
            "traced values; for a constant, wengert.stop_gradient(x).",
        )

    def _refuse_index(self, what: str) -> NoReturn:
        self._refuse_concrete(
            what,
            "it differs from example to example, but plain arrays and Python's ranges take one number for all.",
            "index a traced array: np.asarray(table, like=i)[i] for table[i] and np.take(table, i); for lengths and "
            "ranges, take the largest and mask with np.where.",
        )

    def _refuse_concrete(self, what: str, why: str, instead: str) -> NoReturn:
        raise NotConcreteError(f"{what} under {self.interpreter.name}", why=why, instead=instead)

    # Methods

    def reshape(self, *shape: Any, order: Any = "C", copy: bool | None = None) -> Any:
        """Return the entries in another shape."""
        del copy
        new = shape[0] if len(shape) == 1 else shape
        return call_linked(np.reshape, (self, new), {} if order == "C" else {"order": order})

    def transpose(self, *axes: Any) -> Any:
        """Return the axes permuted."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int | np.integer) else (axes or None)
        return call_linked(np.transpose, (self, order), {})

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        """Return the entries in another dtype."""
        del subok
        return call_linked(np.astype, (self, dtype), {"order": order, "casting": casting, "copy": copy})

    def flatten(self, order: Any = "C") -> Any:
        """Return the entries as a new vector."""
        return call_function(np.ravel, (self,), {"order": order}).detached()

    def copy(self, order: Any = "C") -> Any:
        """Return a new array with the same entries; of a scalar, the scalar."""
        if is_scalar(self):
            return self.astype(self.dtype)
        return call_linked(np.copy, (self, order), {})

    def view(self, *dtype: Any) -> Any:
        """Return another handle on the same array."""
        if dtype and dtype[0] != self.dtype:
            refuse_memory("x.view(dtype) was called on a traced array", "x.astype(dtype), x.real, x.imag.")
        return self[...]

    def resize(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: an array that others may hold would change its shape."""
        refuse_memory(
            "x.resize(...) was called on a traced array",
            "x = np.resize(x, shape), which repeats x, or np.concatenate with zeros.",
        )

    def __buffer__(self, flags: int) -> NoReturn:
        refuse_memory(
            "the buffer of a traced array was asked for (memoryview, np.frombuffer)",
            "wengert.stop_gradient(x).",
        )

    def fill(self, value: Any) -> None:
        """Set every entry to a value."""
        require_array(self, "x.fill(value)")
        self[...] = value

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """Sort in place."""
        if not self.ndim:
            np.empty(()).sort(axis)  # raises NumPy's error
        self[...] = call_linked(np.sort, (self, axis), kwargs)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return the slices at which a condition holds; NumPy's function takes the condition first."""
        return call_linked(np.compress, (condition, self, axis), {})

    def partition(self, kth: Any, axis: int = -1, **kwargs: Any) -> None:
        """Partition in place."""
        self[...] = call_linked(np.partition, (self, kth, axis), kwargs)

    def __copy__(self) -> Any:
        return call_function(np.copy, (self,), {})

    def __deepcopy__(self, memo: Any) -> Any:
        del memo
        return call_function(np.copy, (self,), {})

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else repr(self)


# NumPy's loops over arrays of Python objects call methods of these names on every entry.
_CALLED_AS_METHODS = (
    *(np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.arctan2, np.hypot, np.degrees, np.radians),
    *(
        np.sinh,
        np.cosh,
        np.tanh,
        np.arcsinh,
        np.arccosh,
        np.arctanh,
        np.deg2rad,
        np.rad2deg,
        np.fabs,
        np.fmod,
    ),
    *(np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.rint),
)


def _ufunc_method(ufunc: Any) -> Callable[..., Any]:
    return lambda self, *others: apply(ufunc, self, *others)


def _conjugate(x: Tracer) -> Any:
    """Return the complex conjugate; the method, unlike the ufunc, returns a real array itself."""
    return x.interpreter.unary(UFUNCS[np.conjugate], x) if x.dtype.kind == "c" else x


def _refuse_exchange(frame: FrameType) -> None:
    """Raise if rows are exchanged by a function in C: there, unlike in Python, NumPy's own functions copy rows."""
    if not opname[frame.f_code.co_code[frame.f_lasti]].startswith("STORE"):
        message = (
            "rows of a traced array are exchanged by a function in C, such as np.random.Generator.shuffle"
        )
        raise RefusedError(
            message,
            why="it reads two rows and writes them back; they are views, so the second write would repeat the first.",
            instead="x = x[rng.permutation(len(x))], or copies of what is written: x[i] = row.copy().",
        )


def _install_methods() -> None:
    names = (
        "all any argmax argmin argpartition argsort choose clip cumprod cumsum diagonal dot "
        "max mean min nonzero prod put ravel repeat round searchsorted squeeze std sum swapaxes take trace var"
    )
    for name in names.split():
        setattr(Tracer, name, _method(getattr(np, name)))
    for ufunc in _CALLED_AS_METHODS:
        setattr(Tracer, ufunc.__name__, _ufunc_method(ufunc))
    for name in MEMORY_ATTRIBUTES:
        setattr(Tracer, name, refused_attribute(name))
    Tracer.conj = Tracer.conjugate = _conjugate  # type: ignore[attr-defined]


_install_methods()
