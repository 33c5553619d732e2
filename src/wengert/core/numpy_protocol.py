"""NumPy's two protocols: which NumPy function is which primitive or composition of them.

Both tables are keyed by the identity of NumPy's function objects, so aliases (np.abs, np.absolute) need no
second entry.

    UFUNCS      ufunc     -> primitive
    FUNCTIONS   function  -> front function with NumPy's own signature, which normalises its arguments and binds a
                             primitive, or composes other NumPy calls. `operator.getitem(x, index)` and
                             `operator.setitem(x, index, value)` (which returns the updated array) are keys
                             too.

Tables for heavy libraries fill on the first miss: LATE names modules to import then.
"""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Interpreter, Traced, bind, innermost
from wengert.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wengert.core.primitive import Primitive

__all__ = [
    "CREATORS",
    "FUNCTIONS",
    "LATE",
    "REFUSED",
    "UFUNCS",
    "UFUNC_METHODS",
    "ZERO_DERIVATIVE",
    "call_function",
    "call_ufunc",
    "creates",
    "find_ufunc",
    "implements",
    "refuse",
    "replace_traced",
    "require_same_kind",
    "traced_leaves",
    "zero_derivative",
]

UFUNCS: dict[Any, Primitive] = {}
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
UFUNC_METHODS: dict[tuple[str, Any], Callable[..., Any]] = {}  # ("reduce", np.add) -> np.sum-like
ZERO_DERIVATIVE: set[Any] = set()
REFUSED: dict[Any, str] = {}
CREATORS: set[Any] = set()  # functions that NumPy overloads through like=; their fronts are told what it was
LATE: list[str] = []


# Registration -------------------------------------------------------------------------------------------------------


def implements(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as what NumPy's functions do on traced values."""

    def register(front: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            FUNCTIONS[function] = front
        return front

    return register


def creates(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function for functions with `like=`, which NumPy keeps to itself: it gets the tracer."""
    CREATORS.update(functions)
    return implements(*functions)


def zero_derivative(*functions: Any) -> None:
    """Declare functions whose result is locally constant: they run on plain values and return plain values."""

    def front(function: Any) -> Callable[..., Any]:
        return lambda *args, **kwargs: _constant(function, args, kwargs)

    for function in functions:
        ZERO_DERIVATIVE.add(function)
        FUNCTIONS[function] = front(function)


def refuse(*functions: Any, reason: str, instead: str = "") -> None:
    """Declare functions that raise `RefusedError` on traced values."""

    def front(function: Any) -> Callable[..., Any]:
        def refused(*_args: Any, **_kwargs: Any) -> Any:
            raise RefusedError(f"{_name(function)} was called on a traced value", why=reason, instead=instead)

        return refused

    for function in functions:
        REFUSED[function] = reason
        FUNCTIONS[function] = front(function)


# Calls --------------------------------------------------------------------------------------------------------------


def _name(function: Any) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{getattr(function, '__name__', repr(function))}"


def _load_late() -> bool:
    """Import the modules that fill the tables late; say whether there were any."""
    modules, LATE[:] = list(LATE), []
    for module in modules:
        importlib.import_module(module)
    return bool(modules)


def find_ufunc(ufunc: Any) -> Primitive | None:
    """Return the primitive of a ufunc, or None."""
    prim = UFUNCS.get(ufunc)
    if prim is None and _load_late():
        prim = UFUNCS.get(ufunc)
    return prim


def call_function(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call what stands for a NumPy function on traced values; `out=` is written afterwards."""
    front = FUNCTIONS.get(function)
    if front is None:
        _load_late()
        front = FUNCTIONS.get(function)
    if front is None:
        raise RefusedError(
            f"{_name(function)} was called on a traced value, but has no derivative rule",
            why="Wengert differentiates NumPy functions by rules of its own, never by guessing.",
            instead="compose it of functions that have rules, or wrap it with wengert.external(fun, jvp=..., vjp=...).",
        )
    args, out = _without_out(function, args, kwargs)
    if out is None:
        return front(*args, **kwargs)
    return _write(function, out[0] if isinstance(out, tuple) else out, front(*args, **kwargs))


_OUT: dict[Any, tuple[int, list[str]] | None] = {np.dot: (2, []), np.concatenate: (2, ["dtype", "casting"])}


def _without_out(function: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Return the positional arguments without `out` and those behind it, which become keywords, and `out`."""
    if function not in _OUT:
        _OUT[function] = _place_of_out(function)
    place = _OUT[function]
    if place is None or len(args) <= place[0]:
        return args, kwargs.pop("out", None)
    n, behind = place
    kwargs.update(zip(behind, args[n + 1 :], strict=False))
    return args[:n], args[n]


def _place_of_out(function: Any) -> tuple[int, list[str]] | None:
    """Return the position of `out` in NumPy's signature, and the names behind it; None if it is keyword-only."""
    try:
        parameters = inspect.signature(function).parameters
    except ValueError:  # a function in C, before NumPy 2.4; `_OUT` names those that matter
        return None
    names = list(parameters)
    if "out" not in names or parameters["out"].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        return None
    n = names.index("out")
    return n, names[n + 1 :]


def call_ufunc(ufunc: Any, method: str, xs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a ufunc or one of its methods on traced values, with any of NumPy's keywords."""
    out = kwargs.pop("out", None)
    if out is not None and all(o is None for o in out):
        out = None
    if method == "__call__":
        y = _call(ufunc, xs, out=out, **kwargs)
    else:
        front = UFUNC_METHODS.get((method, ufunc)) or UFUNC_METHODS.get((method, None))
        if front is None:
            raise RefusedError(
                f"{ufunc.__name__}.{method} was called on a traced value",
                why="this method has no derivative rule.",
                instead="write the loop, or use wengert.external.",
            )
        y = front(*xs, **kwargs) if (method, ufunc) in UFUNC_METHODS else front(ufunc, *xs, **kwargs)
    if out is None:
        return y
    if isinstance(y, tuple):
        return tuple(v if o is None else _write(ufunc, o, v) for o, v in zip(out, y, strict=True))
    return _write(ufunc, out[0], y)


def _call(
    ufunc: Any,
    xs: tuple[Any, ...],
    *,
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    casting: str = "same_kind",
    order: str = "K",
    subok: bool = True,
    **unknown: Any,
) -> Any:
    prim = find_ufunc(ufunc)
    if ufunc in REFUSED:
        return FUNCTIONS[ufunc](*xs)
    if unknown and dtype is None and where is True and ufunc in FUNCTIONS:
        return FUNCTIONS[ufunc](
            *[operand(x) for x in xs], **unknown
        )  # axes, axis, keepdims of a generalized ufunc
    if prim is None or unknown:
        raise RefusedError(
            f"the ufunc {ufunc.__name__} was called on a traced value"
            + (f" with {', '.join(unknown)}" if unknown else ""),
            why="it has no derivative rule." if prim is None else "its rule does not know these keywords.",
            instead="wrap the operation with wengert.external(fun, jvp=..., vjp=...).",
        )
    del casting, order, subok  # memory layout and subclasses: a traced value has neither
    if dtype is not None:
        xs = tuple(x.astype(dtype) if hasattr(x, "astype") else np.asarray(x, dtype) for x in xs)
    xs = tuple(operand(x) for x in xs)
    if where is True:
        return bind(prim, xs, {})
    with np.errstate(all="ignore"):  # entries that `where` leaves out must not warn
        y = bind(prim, xs, {})
        if isinstance(y, tuple):
            return tuple(_blend(where, v, None if out is None else out[i]) for i, v in enumerate(y))
        return _blend(where, y, None if out is None else out[0])


def _blend(where: Any, y: Any, out: Any) -> Any:
    """Return y where the mask holds, elsewhere what `out` holds already (zeros when there is no `out`)."""
    return np.where(where, y, np.zeros((), y.dtype) if out is None else out)


def require_same_kind(function: Any, y: Any, out: Any) -> None:
    """Raise what NumPy raises for a result that does not fit the array it is written into."""
    if np.can_cast(y.dtype, out.dtype, "same_kind"):
        return
    for ufunc in (function, np.positive):
        if isinstance(ufunc, np.ufunc) and ufunc.signature is None:
            one, place = np.ones((), y.dtype), np.empty((), out.dtype)
            ufunc(*[one] * ufunc.nin, out=(place,) * ufunc.nout)


def _write(function: Any, out: Any, y: Any) -> Any:
    """Write a result into `out=`: a traced handle is rebound; a plain buffer cannot hold a traced value."""
    if isinstance(out, Traced):
        require_same_kind(function, y, out)
        out[...] = y  # type: ignore[index]
        return out
    if not isinstance(y, Traced) or y.interpreter.releases(y):
        out[...] = y
        return out
    raise RefusedError(
        "a traced value would be written into a plain array through out=",
        why="a plain NumPy array cannot hold derivative information; it would be lost.",
        instead="drop out=, or make the buffer from a traced array, e.g. out = x * 0.0.",
    )


def operand(x: Any) -> Any:
    """Return an operand as a value or tracer: sequences become arrays, and arrays of traced objects traced arrays."""
    if isinstance(x, list | tuple):
        return np.stack([operand(v) for v in x]) if traced_leaves(x) else np.asarray(x)
    if type(x) is np.ndarray and x.dtype.kind == "O":
        return _recovered(x)
    return x


def _recovered(objects: Any) -> Any:
    """Return the traced array that an array of Python objects stands for, if any of these is traced."""
    entries = list(objects.flat)
    if not traced_leaves(entries):
        return objects
    if not all(
        np.ndim(v) == 0 and isinstance(v, Traced | np.number | np.bool | int | float | complex)
        for v in entries
    ):
        raise RefusedError(
            "an array of Python objects holds traced values beside entries that are no numbers",
            why="it stands for a traced array only if every entry is a number, traced or plain.",
            instead="set every entry, and join traced arrays with np.stack or np.concatenate.",
        )
    return np.reshape(np.stack(entries), objects.shape)


# Locally constant functions -----------------------------------------------------------------------------------------


def traced_leaves(tree: Any) -> list[Traced]:
    """Return the tracers in nested lists, tuples and dicts of arguments."""
    if isinstance(tree, Traced):
        return [tree]
    if isinstance(tree, list | tuple):
        return [leaf for item in tree for leaf in traced_leaves(item)]
    if isinstance(tree, dict):
        return [leaf for item in tree.values() for leaf in traced_leaves(item)]
    return []


def replace_traced(tree: Any, interpreter: Interpreter, value: Callable[[Traced], Any]) -> Any:
    """Return the arguments with the tracers of one interpreter replaced."""
    if isinstance(tree, Traced):
        return value(tree) if tree.interpreter is interpreter else tree
    if isinstance(tree, list | tuple):
        return type(tree)([replace_traced(item, interpreter, value) for item in tree])
    if isinstance(tree, dict):
        return {key: replace_traced(item, interpreter, value) for key, item in tree.items()}
    return tree


def _constant(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    top = innermost(traced_leaves((args, kwargs)))
    if top is None:
        return function(*args, **kwargs)
    return top.constant(function, args, kwargs)
