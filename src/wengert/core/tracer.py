"""The tracer: a handle that acts as a NumPy array and hands every operation to its interpreter.

A handle can be rebound: `x[i] = v` and `x += y` give it a new value, as they give an array new contents. What
would turn a traced value into a plain number, and so lose its derivative without a word, raises.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from wengert.core import attention
from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import CREATORS, FUNCTIONS, UFUNCS, call_function, call_ufunc, operand
from wengert.core.operators import apply, binary, general, inplace, unary
from wengert.core.views import Step, View, base_of, link_of, positions, revalued, share_memory, stale
from wengert.errors import NotConcreteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Tracer"]


def _method(function: Any) -> Callable[..., Any]:
    """Return the ndarray method that is NumPy's function of the same name."""
    return lambda self, *args, **kwargs: _call(function, (self, *args), kwargs)


def _call(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call what stands for a NumPy function, and tie views to their base."""
    y = call_function(function, args, kwargs)
    if function in _VIEWS:
        link_results(function, args, kwargs, y)
    return y


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
        return _call(function, args, dict(kwargs))

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
        return _call(np.transpose, (self,), {})

    @property
    def mT(self) -> Any:  # noqa: N802 - NumPy's name
        """Transpose of the last two axes."""
        return _call(np.matrix_transpose, (self,), {})

    @property
    def real(self) -> Any:
        """Real part."""
        return _call(np.real, (self,), {})

    @property
    def imag(self) -> Any:
        """Imaginary part."""
        return _call(np.imag, (self,), {})

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
        if _is_basic(index) and (y.ndim or (type(index) is tuple and Ellipsis in index) or index is Ellipsis):
            _link(self, y, Step(operator.getitem, (index,), {}))
        return y

    def __setitem__(self, index: Any, value: Any) -> None:
        link = link_of(self)
        if not isinstance(link, View) and self.interpreter.write(self, index, value):
            _mark_stale(link)
            return
        self.rebind(FUNCTIONS[operator.setitem](self, index, value))

    def rebind(self, new: Any) -> None:
        """Make this handle stand for a new value, as a write gives an array new contents; its base and views see it."""
        link = link_of(self)
        if isinstance(link, View):
            _write_through(link, new)
            return
        self.become(new)
        _mark_stale(link)

    def become(self, new: Any) -> None:
        """Take over what another handle is; its value alone where recording is paused."""
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
        if self.dtype.kind in "iub":
            self._refuse_index("NumPy asked for traced integers as a plain array")
        return self._refuse_concrete(
            "NumPy asked for a traced value as a plain array",
            "np.array, np.asarray and writes into plain arrays (buffer[i] = x) copy numbers and lose the derivative.",
            "use np.stack([...]), np.concatenate or np.array([...], like=x) for np.array([...]), make buffers with "
            "np.zeros_like(x) or np.zeros(n, like=x); for a constant, wengert.stop_gradient(x).",
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
            return _call(np.reshape, (self, ()), {})
        if not args:
            message = "can only convert an array of size 1 to a Python scalar"
            raise ValueError(message)
        index = args[0] if len(args) == 1 else args
        return self[index] if isinstance(index, tuple) else _call(np.ravel, (self,), {})[index]

    def tolist(self) -> Any:
        """Return nested lists of traced entries."""
        return self if not self.ndim else [row.tolist() for row in self]

    def _number(self, kind: str) -> Any:
        if self.interpreter.releases(self):
            return self.value
        return self._refuse_concrete(
            f"Python asked for {kind}(x) of a traced value",
            "a Python number cannot hold a derivative; functions of the math module take such numbers.",
            "use NumPy's function (np.sin for math.sin) and keep the value as it is; for a constant, "
            "wengert.stop_gradient(x).",
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
        return _call(np.reshape, (self, new), {} if order == "C" else {"order": order})

    def transpose(self, *axes: Any) -> Any:
        """Return the axes permuted."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int | np.integer) else (axes or None)
        return _call(np.transpose, (self, order), {})

    def astype(
        self, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
    ) -> Any:
        """Return the entries in another dtype."""
        del order, subok
        return _call(np.astype, (self, dtype), {"casting": casting, "copy": copy})

    def flatten(self, order: Any = "C") -> Any:
        """Return the entries as a new vector."""
        return call_function(np.ravel, (self,), {"order": order}).detached()

    def fill(self, value: Any) -> None:
        """Set every entry to a value."""
        self[...] = value

    def sort(self, axis: int = -1, **kwargs: Any) -> None:
        """Sort in place."""
        self[...] = _call(np.sort, (self, axis), kwargs)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """Return the slices at which a condition holds; NumPy's function takes the condition first."""
        return _call(np.compress, (condition, self, axis), {})

    def partition(self, kth: Any, axis: int = -1, **kwargs: Any) -> None:
        """Partition in place."""
        self[...] = _call(np.partition, (self, kth, axis), kwargs)

    def __copy__(self) -> Any:
        return call_function(np.copy, (self,), {})

    def __deepcopy__(self, memo: Any) -> Any:
        del memo
        return call_function(np.copy, (self,), {})

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else repr(self)


class Flat:
    """The entries of a traced array in C order, as `ndarray.flat`."""

    __slots__ = ("_x",)

    def __init__(self, x: Tracer) -> None:
        self._x = x

    def __iter__(self) -> Iterator[Any]:
        return iter(self._x.reshape(-1))

    def __len__(self) -> int:
        return self._x.size

    def __getitem__(self, index: Any) -> Any:
        return FUNCTIONS[operator.getitem](FUNCTIONS[np.ravel](self._x), index)  # a copy, as NumPy's

    def __setitem__(self, index: Any, values: Any) -> None:
        n = np.arange(self._x.size)[index].size
        repeated = (
            np.resize(operand(values), n) if np.ndim(values) else values
        )  # flat assignment repeats what is short
        flat = FUNCTIONS[operator.setitem](FUNCTIONS[np.ravel](self._x), index, repeated)
        self._x.rebind(flat.reshape(self._x.shape))


# Views --------------------------------------------------------------------------------------------------------------

_READ_ONLY = frozenset(
    {np.broadcast_to, np.diagonal, np.linalg.diagonal, np.diag, np.lib.stride_tricks.sliding_window_view}
)
_VIEWS = _READ_ONLY | {
    np.array_split,
    np.atleast_1d,
    np.atleast_2d,
    np.atleast_3d,
    np.dsplit,
    np.expand_dims,
    np.flip,
    np.fliplr,
    np.flipud,
    np.hsplit,
    np.imag,
    np.linalg.matrix_transpose,
    np.matrix_transpose,
    np.moveaxis,
    np.ravel,
    np.real,
    np.reshape,
    np.rollaxis,
    np.rot90,
    np.split,
    np.squeeze,
    np.swapaxes,
    np.transpose,
    np.unstack,
    np.vsplit,
}
_BASIC = (int, np.integer, slice, type(None), type(Ellipsis))


def _is_basic(index: Any) -> bool:
    if type(index) is tuple:
        return all(isinstance(item, _BASIC) and not isinstance(item, bool) for item in index)
    return isinstance(index, _BASIC) and not isinstance(index, bool)


def _link(x: Tracer, y: Any, step: Step, *, writeable: bool = True) -> None:
    """Tie a view to its base."""
    link = link_of(x)
    if isinstance(link, View):
        base, recipe, writeable = link.base, (*link.recipe, step), writeable and link.writeable
    else:
        base, recipe = x, (step,)
    y.link = View(base, recipe, writeable)
    base_of(base).add(y)


def _mark_stale(link: Any) -> None:
    """Make the living views of a base take their values anew."""
    if link is not None:
        for view in link.take():
            view.__class__ = stale(type(view))


def link_results(function: Any, args: Any, kwargs: dict[str, Any], y: Any) -> None:
    """Tie the results of a NumPy function to its first argument where they are views of it."""
    if function not in _VIEWS or not args or not isinstance(args[0], Tracer):
        return
    x, writeable = args[0], function not in _READ_ONLY
    if isinstance(y, Tracer):
        if y is not x and share_memory(x, y):
            _link(x, y, Step(FUNCTIONS[function], args[1:], kwargs), writeable=writeable)
    elif isinstance(y, list | tuple):
        for i, item in enumerate(y):
            if isinstance(item, Tracer) and link_of(item) is None and share_memory(x, item):
                _link(x, item, Step(FUNCTIONS[function], args[1:], kwargs, i))


def _write_through(link: View, new: Any) -> None:
    """Write the new value of a view into its base."""
    if not link.writeable:
        message = "assignment destination is read-only"
        raise ValueError(message)
    base, recipe = link.base, link.recipe
    setitem = FUNCTIONS[operator.setitem]
    function = recipe[0].function
    if len(recipe) == 1 and function is operator.getitem:
        base.rebind(setitem(base, recipe[0].args[0], new))
    elif base.dtype.kind == "c" and new.dtype.kind != "c":
        base.rebind(_with_part(base, recipe, new))
    else:
        flat = setitem(np.reshape(base, -1), positions(recipe, base.shape).reshape(-1), np.reshape(new, -1))
        base.rebind(np.reshape(flat, base.shape))


def _with_part(base: Any, recipe: tuple[Step, ...], new: Any) -> Any:
    """Return a complex base with new real or imaginary parts, where a view of one of them lies."""
    parts = [FUNCTIONS[np.real], FUNCTIONS[np.imag]]
    which = next(i for i, step in enumerate(recipe) if step.function in parts)
    index = positions(tuple(step for i, step in enumerate(recipe) if i != which), base.shape).reshape(-1)
    real, imag = np.reshape(np.real(base), -1), np.reshape(np.imag(base), -1)
    setitem = FUNCTIONS[operator.setitem]
    if recipe[which].function is parts[0]:
        real = setitem(real, index, np.reshape(new, -1))
    else:
        imag = setitem(imag, index, np.reshape(new, -1))
    return np.reshape(real + 1j * imag, base.shape).astype(base.dtype)


def _install_methods() -> None:
    names = (
        "all any argmax argmin argpartition argsort choose clip copy cumprod cumsum diagonal dot "
        "max mean min nonzero prod put ravel repeat resize round searchsorted squeeze std sum swapaxes take trace var"
    )
    for name in names.split():
        setattr(Tracer, name, _method(getattr(np, name)))
    Tracer.conj = Tracer.conjugate = lambda self: self.interpreter.unary(UFUNCS[np.conjugate], self)  # type: ignore[attr-defined]


_install_methods()
