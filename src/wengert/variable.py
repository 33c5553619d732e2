"""Define by run, as an object: NumPy on `Variable`s is recorded as it runs, and `y.backward()` fills in gradients."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.tracer import Tracer
from wengert.errors import ArgumentError, NotConcreteError, NotDifferentiableError, OverwriteError
from wengert.transforms.ambient import Ambient, Note, hook, is_leaf, note_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["HookHandle", "Variable"]


class Variable(Tracer):
    """An array that remembers how it was computed.

    Use it as a NumPy array: operators, methods, NumPy's functions, indexing, views, and writes (``x[i] = v``,
    ``x += y``, ``out=x``). Results are Variables too; what has no derivative, such as a comparison, is plain
    NumPy. ``y.backward()`` then adds dy/dx to ``x.grad`` of every leaf x that y depends on.

    Parameters
    ----------
    value : number, array, nested list of numbers, or Variable
        Copied. Python's integers become floats; NumPy's integer and boolean arrays raise, unless
        `requires_grad` is false.
    requires_grad : bool
        Whether derivatives with respect to this Variable are wanted.
    name : str, optional
        Shown by `repr` and in errors; kept by leaves that require a gradient.

    Raises
    ------
    NotDifferentiableError
        For a value that has no derivative, or is traced by a transformation.

    Notes
    -----
    *Leaves.* A leaf was made by the user, not computed: it has a gradient, `grad`, which is None before the
    first `backward`, and to which each `backward` adds until `zero_grad`. A computed Variable that depends on
    a leaf requires a gradient as well; it keeps its own only after `retain_grad()`, otherwise `grad` is None.
    A Variable that requires no gradient is a constant: NumPy and Python may take its value as they like.

    *Writes.* A write into a computed Variable is recorded. Values that a backward pass needs are never
    overwritten. A leaf that requires a gradient may be written to only under `no_grad`, where a write changes
    the value and leaves derivatives as they are: ``with no_grad(): w -= 0.1 * w.grad``. Graphs recorded
    before such a write stay right: they hold the old value. In-place operators change 0-d leaves too;
    computed scalars are NumPy scalars, and ``s += 1.0`` gives the name s a new one.

    *Graphs.* `backward` frees the graph it has passed, unless ``retain_graph=True``; a second one through any
    freed operation raises `GraphFreedError`, before any gradient has changed. What no Variable of the program
    depends on any more is freed at once, as the program runs.

    *Plain arrays* that take part are copied, or, when larger than 64 KiB, read-only until the graph is freed.

    *Transformations.* A Variable is a constant to `grad`, `jvp` and `vmap`, whose results are Variables
    again: ``grad(f)(t)`` of an f that uses w can be followed by `backward`, for the derivative with respect
    to w.

    For complex Variables `grad` is df/dx - i df/dy, as that of `wengert.grad`; its conjugate is the direction
    of steepest ascent.

    Examples
    --------
    >>> x = Variable(2.0)
    >>> y = np.sin(x) * x
    >>> y.backward()
    >>> x.grad  # sin 2 + 2 cos 2
    np.float64(0.0770037537313969)
    """

    __slots__ = ()
    __hash__ = Tracer.__hash__

    def __init__(self, value: Any, requires_grad: bool = True, name: str | None = None) -> None:
        array = _array(value, to_floats=requires_grad)
        self.interpreter, self.value, self.info = _AMBIENT, array, None
        if requires_grad:
            self.info = _AMBIENT.leaf(array, name)

    # What it is

    @property
    def requires_grad(self) -> bool:
        """Whether it is, or depends on, a leaf whose gradient is wanted; it can be set on leaves."""
        return self.info is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not self.is_leaf:
            raise ArgumentError(
                "requires_grad of a computed Variable was set",
                why="whether it requires a gradient follows from what it was computed from.",
                instead="use detach() for the same value without its past, and set requires_grad of that.",
            )
        if bool(wanted) != self.requires_grad:
            value, array = self.value, _array(self.value, to_floats=wanted) if wanted else None
            self.info = _AMBIENT.leaf(value if array is None else array, None) if wanted else None

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, not computed from Variables that require a gradient."""
        return self.info is None or is_leaf(self.info)

    @property
    def name(self) -> str | None:
        """The name given to a leaf."""
        note = self._note()
        return None if note is None else note.name

    @property
    def grad(self) -> Any:
        """Sum of the gradients of all `backward` calls since `zero_grad`: an array, a NumPy scalar, or None."""
        note = self._note()
        return None if note is None else note.grad

    @grad.setter
    def grad(self, gradient: Any) -> None:
        note = self._note()
        if note is None:
            raise ArgumentError(
                "grad of a Variable that keeps no gradient was set",
                why="only leaves that require a gradient keep one, and computed ones after retain_grad().",
                instead="set grad of a leaf.",
            )
        note.grad = None if gradient is None else _direction(gradient, self)

    def _note(self) -> Note | None:
        return None if self.info is None else note_of(self.info)

    # Gradients

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False
    ) -> None:
        """Add the gradient of this Variable to `grad` of every leaf it depends on.

        Parameters
        ----------
        gradient : array, optional
            The cotangent to start from, of the shape of this Variable: gradients are those of
            ``sum(gradient * self)``. It may be left out for a real Variable of size 1, and is 1 then.
        retain_graph : bool, optional
            Keep the graph for another `backward`; by default as `create_graph`.
        create_graph : bool
            Record the backward pass itself: gradients are then Variables that can be differentiated again.

        Raises
        ------
        ArgumentError
            If this Variable depends on no leaf, `gradient` is missing or does not fit.
        GraphFreedError
            If an earlier `backward` has freed a part of the graph.
        """
        if self.info is None:
            raise ArgumentError(
                "backward() was called on a Variable that requires no gradient",
                why="nothing it was computed from requires one, or recording was off (no_grad, detach).",
                instead="make the inputs with requires_grad=True, and compute this value outside of no_grad().",
            )
        y_bar = _one(self) if gradient is None else _direction(gradient, self)
        if create_graph:
            y_bar = y_bar if isinstance(y_bar, Variable) else _AMBIENT.handle(y_bar)
        elif isinstance(y_bar, Variable):
            y_bar = y_bar.value
        keep = create_graph if retain_graph is None else retain_graph
        _AMBIENT.backward(self.info, y_bar, keep=keep, differentiable=create_graph)

    def zero_grad(self) -> None:
        """Set `grad` to None, so that the next `backward` starts anew."""
        note = self._note()
        if note is not None:
            note.grad = None

    def retain_grad(self) -> None:
        """Keep the gradient of a computed Variable too, in `grad`."""
        self._hooked("retain_grad()").retains = True

    def register_hook(self, function: Callable[[Any], Any]) -> HookHandle:
        """Call a function with the gradient of this Variable whenever `backward` has computed it.

        Parameters
        ----------
        function : callable
            Gets the gradient (read-only), once for each `backward`, when all contributions are summed and
            before it is passed on or added to `grad`. What it returns takes the gradient's place, unless that
            is None.

        Returns
        -------
        HookHandle
            Its `remove()` takes the function away.
        """
        if not callable(function):
            raise ArgumentError(
                f"register_hook needs a function, not {type(function).__name__}",
                why="the function is called with the gradient.",
                instead="pass a function of one argument, e.g. x.register_hook(print).",
            )
        return HookHandle(self._hooked("register_hook()"), function)

    def _hooked(self, what: str) -> Note:
        if self.info is None:
            raise ArgumentError(
                f"{what} was called on a Variable that requires no gradient",
                why="it never gets one.",
                instead="make it, or what it is computed from, with requires_grad=True.",
            )
        return hook(self.info)

    # Its value

    def detach(self) -> Variable:
        """Return the same value as a constant; writes into one are not seen by the other."""
        return _AMBIENT.handle(self.value)  # type: ignore[no-any-return]

    def numpy(self) -> Any:
        """Return the value as an array of its own, or a NumPy scalar."""
        return self.value.copy()

    def item(self, *args: Any) -> Any:
        """Return one entry as a Python number: the only one, or that at an index."""
        return self.value.item(*args)

    def tolist(self) -> Any:
        """Return the entries as nested lists of Python numbers."""
        return self.value.tolist()

    def detached(self) -> Self:
        """Return another handle on the same value and the same past."""
        return _AMBIENT.handle(self.value, self.info)  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> Any:
        entry = _AMBIENT.entry(self, index)
        return super().__getitem__(index) if entry is None else entry

    def become(self, new: Any) -> None:
        """Take over what another handle is; refused for leaves, unless recording is paused."""
        if self.info is not None and is_leaf(self.info) and not _AMBIENT.suspended():
            raise OverwriteError(
                f"{_label(self)} was written to in place",
                why="it is a leaf that requires a gradient: after the write it would be computed, and have none.",
                instead="update it under wengert.no_grad(), which changes its value only, or write into a copy: "
                "y = x.copy().",
            )
        as_array = isinstance(self.value, np.ndarray)
        super().become(new)
        if as_array and not isinstance(self.value, np.ndarray):
            self.value = np.asarray(self.value)  # a 0-d array stays one, and can be written to again

    def _refuse_concrete(self, what: str, why: str, instead: str) -> NoReturn:
        del instead
        raise NotConcreteError(
            f"{what}, and it is a Variable that requires a gradient",
            why=why,
            instead="write x.numpy() for the array, x.item() for the number, or x.detach() for a constant Variable; "
            "to go on computing, use NumPy's functions (np.stack for np.array([...]), np.zeros_like(x) for buffers).",
        )

    def __deepcopy__(self, memo: Any) -> Any:
        if not self.is_leaf:
            return super().__deepcopy__(memo)
        return type(self)(self, self.requires_grad, self.name)

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self.value), separator=", ", prefix="Variable(")
        constant = "" if self.requires_grad else ", requires_grad=False"
        return f"Variable({text}{constant}{f', name={self.name!r}' if self.name else ''})"


_AMBIENT = Ambient(Variable)


class HookHandle:
    """A hook that can be removed; as a context manager, at the end of the block."""

    __slots__ = ("_key", "_note")
    _keys = count()

    def __init__(self, note: Note, function: Callable[[Any], Any]) -> None:
        self._note, self._key = note, next(self._keys)
        note.hooks[self._key] = function

    def remove(self) -> None:
        """Take the function away; once is enough."""
        self._note.hooks.pop(self._key, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


# helpers


def _label(x: Variable) -> str:
    return f"Variable {x.name!r}" if x.name else f"a Variable of shape {x.shape}"


def _array(value: Any, *, to_floats: bool) -> np.ndarray[Any, Any]:
    """Return a copy of a user's value as an array that can be differentiated, or of any dtype."""
    if isinstance(value, Variable):
        value = value.value
    if isinstance(value, Traced):
        raise NotDifferentiableError(
            f"a Variable would be made of a value that is traced by a {value.interpreter.name}",
            why="Variables live outside of all transformations, and would lose its derivative.",
            instead="make the Variable outside of the function, or use the traced value as it is.",
        )
    array = np.array(value)
    typed = isinstance(value, np.ndarray | np.generic)
    if to_floats and not typed and array.dtype.kind in "iu":
        array = array.astype(float)
    if array.dtype.kind not in ("fc" if to_floats else "fciub"):
        raise NotDifferentiableError(
            f"a Variable that requires a gradient would be made of {array.dtype}"
            if array.dtype.kind in "iub"
            else f"a Variable would be made of {type(value).__name__}, which is no array of numbers",
            why="a derivative needs entries that vary continuously.",
            instead="give x.astype(float), or requires_grad=False for integers and booleans.",
        )
    return array


def _direction(gradient: Any, x: Variable) -> Any:
    """Return a gradient in the dtype of its Variable, or raise if it does not fit."""
    if isinstance(gradient, Traced) and not isinstance(gradient, Variable):
        raise ArgumentError(
            f"a gradient is traced by a {gradient.interpreter.name}",
            why="gradients of Variables outlive the transformation.",
            instead="call backward() outside of it, or use wengert.vjp.",
        )
    shape, dtype = np.shape(gradient), getattr(gradient, "dtype", None) or np.asarray(gradient).dtype
    if shape != x.shape or not (np.can_cast(dtype, x.dtype, "same_kind") or dtype.kind in "iub"):
        raise ArgumentError(
            f"a gradient does not fit: it is {dtype} of shape {shape}, the Variable is {x.dtype} of shape {x.shape}",
            why="a gradient is a direction in the space of its Variable.",
            instead="give it the shape and dtype of the Variable.",
        )
    if isinstance(gradient, Variable):
        return gradient if dtype == x.dtype else gradient.astype(x.dtype)
    return np.array(gradient, x.dtype)[()]


def _one(x: Variable) -> Any:
    """Return the cotangent 1 of a real Variable of size 1."""
    if x.size != 1:
        raise ArgumentError(
            f"backward() without a gradient was called on a Variable of shape {x.shape}",
            why="the gradient is the derivative of a single number.",
            instead="sum it up first, or call backward(gradient) with weights of its shape.",
        )
    if x.dtype.kind == "c":
        raise ArgumentError(
            "backward() without a gradient was called on a complex Variable",
            why="the gradient is that of a real number; a complex one has two.",
            instead="call it on np.abs(y), y.real or y.imag, or give a gradient.",
        )
    return np.ones(x.shape, x.dtype)[()]
