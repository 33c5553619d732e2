"""Modules: dataclasses of arrays and of other modules, which are functions as well.

A module is a value. Its fields are leaves of a pytree, so `grad`, `vmap` and `jit` go through whole models, and
training makes new models. Three kinds of fields:

    parameter   an array, or a container of arrays and modules: the default
    static()    part of the structure: sizes, functions, flags; hashable, no leaf
    buffer()    a leaf that is not trained, such as a running mean: kept in `Frozen`

Evaluation and training are two methods, so that neither is a hidden state:

    module(x)                  -> y
    module.train(x, key=key)   -> y, the module with its new buffers
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Self, dataclass_transform

from wengert import tree
from wengert.api.constants import stop_gradient
from wengert.errors import ArgumentError
from wengert.nn.frozen import Buffer, Frozen, read
from wengert.nn.representation import module_text
from wengert.nn.shapes import locate

__all__ = ["Module", "buffer", "modules_of", "observer", "static"]

# What looks on as modules are called (see `summary`); None nearly always.
observer: ContextVar[Callable[[Module, tuple[Any, ...], Any], None] | None] = ContextVar(
    "observer", default=None
)


def static(**options: Any) -> Any:
    """Return a dataclass field that is part of the structure of a module, not a leaf of it.

    Parameters
    ----------
    **options
        As for `dataclasses.field`: default, kw_only, repr.

    Returns
    -------
    field
        Its values must be hashable: `jit` compiles anew for each.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import tree
    >>> class Power(Module):
    ...     scale: np.ndarray
    ...     exponent: int = static(default=2)
    ...     def __call__(self, x):
    ...         return self.scale * x**self.exponent
    >>> tree.flatten(Power(3.0))[0]
    [3.0]
    """
    return dataclasses.field(metadata={"static": True}, **options)


def buffer(**options: Any) -> Any:
    """Return a dataclass field for an array that is not trained: it has no derivative, and no optimizer changes it.

    Parameters
    ----------
    **options
        As for `dataclasses.field`.

    Returns
    -------
    field

    Examples
    --------
    >>> import numpy as np
    >>> from wengert.api.gradients import grad
    >>> class Center(Module):
    ...     middle: np.ndarray = buffer()
    ...     def __call__(self, x):
    ...         return x - self.middle
    >>> grad(lambda m: m(2.0) ** 2)(Center(0.5))
    Center(middle=buffer 0.0)
    """
    return dataclasses.field(metadata={"buffer": True}, **options)


@dataclass_transform(eq_default=False, field_specifiers=(static, buffer, dataclasses.field))
@dataclasses.dataclass(
    eq=False, repr=False
)  # so that a decorator frozen=True on a subclass says that it cannot
class Module:
    """The base of layers and models: subclasses are dataclasses, and pytrees of their fields.

    Attributes
    ----------
    (fields)
        Each is given once, by the constructor; `replace` makes a module with others.

    Notes
    -----
    A subclass declares its fields as a dataclass does, and gets a constructor unless it writes its own. Two modules
    are equal if they are the same object: arrays have no single truth.

    Examples
    --------
    >>> import numpy as np
    >>> import wengert as wg
    >>> class Affine(Module):
    ...     slope: np.ndarray
    ...     offset: np.ndarray
    ...     def __call__(self, x):
    ...         return self.slope * x + self.offset
    >>> line = Affine(2.0, 1.0)
    >>> wg.grad(lambda model, x: model(x) ** 2)(line, 3.0)
    Affine(slope=42.0, offset=14.0)
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own = "__init__" in vars(cls)
        inherited = any(
            "__init__" in vars(base) for base in cls.__mro__[1:] if getattr(base, "_has_own_init", False)
        )
        adds_fields = bool(vars(cls).get("__annotations__"))
        dataclasses.dataclass(eq=False, repr=False, init=not own and (adds_fields or not inherited))(cls)
        cls._has_own_init = own or (inherited and not adds_fields)
        for name in (
            "__repr__",
            "__eq__",
            "__hash__",
        ):  # a decorator @dataclass would replace what is inherited
            setattr(cls, name, getattr(cls, name))
        for name in ("__call__", "train"):
            if name in vars(cls):
                setattr(cls, name, _located(vars(cls)[name]))

    _has_own_init = False  # not annotated: no field

    def __setattr__(self, name: str, value: Any) -> None:
        field = type(self).__dataclass_fields__.get(name)
        if field is None:
            raise ArgumentError(
                f"{type(self).__name__} has no field {name}",
                why="what a module holds is declared in its class: nothing else is saved or trained.",
                instead=f"write `{name}: np.ndarray`, or `{name}: int = nn.static()`, in the class.",
            )
        if name in vars(self):
            raise ArgumentError(
                f"the field {name} of {type(self).__name__} is set again",
                why="modules are values: a change in place would not be seen by gradients, nor by compiled functions.",
                instead=f"make a new module: model.replace({name}=...).",
            )
        object.__setattr__(self, name, _as_kept(self, field, value))

    def __getattribute__(self, name: str) -> Any:
        return read(object.__getattribute__(self, name))

    def __repr__(self) -> str:
        return module_text(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluate the module; what that means is up to the subclass."""
        raise NotImplementedError(f"{type(self).__name__} defines no __call__")

    def train(self, *args: Any, **kwargs: Any) -> tuple[Any, Self]:
        """Return the output in training, and the module with its new buffers.

        Parameters
        ----------
        *args, **kwargs
            As for a call; and `key`, for what draws random numbers, such as `Dropout`.

        Returns
        -------
        (y, module)

        Raises
        ------
        ArgumentError
            If a module in this one is different in training, and this one does not say how they go together.

        Notes
        -----
        A module in which nothing is different in training needs no method of its own: this one evaluates it.

        Examples
        --------
        >>> class Double(Module):
        ...     def __call__(self, x):
        ...         return 2.0 * x
        >>> Double().train(3.0)
        (6.0, Double())
        """
        different = [path for path, m in modules_of(self) if m is not self and m.differs_in_training()]
        if different:
            raise ArgumentError(
                f"{type(self).__name__} has no method `train`, and {different[0]} in it is different in training",
                why="it would be evaluated, without a word, as if training were over.",
                instead="write `def train(self, x, *, key=None)`, which returns the output and "
                "self.replace(...) with the new modules.",
            )
        kwargs.pop("key", None)  # nothing draws
        return self(*args, **kwargs), self

    def differs_in_training(self) -> bool:
        """Say whether `train` does anything else than a call.

        Returns
        -------
        bool
            By default whether the class has a method `train` of its own.

        Examples
        --------
        >>> Module.differs_in_training(Module())
        False
        """
        return type(self).train is not Module.train

    def replace(self, **fields: Any) -> Self:
        """Return a module with other values of some fields.

        Parameters
        ----------
        **fields
            New values by name.

        Returns
        -------
        Module
            Of the same class; what is not named is shared with this one.

        Raises
        ------
        ArgumentError
            If there is no such field.

        Examples
        --------
        >>> class Scale(Module):
        ...     factor: float
        >>> Scale(2.0).replace(factor=3.0)
        Scale(factor=3.0)
        """
        known = type(self).__dataclass_fields__
        unknown = sorted(set(fields) - set(known))
        if unknown:
            raise ArgumentError(
                f"{type(self).__name__} has no field {', '.join(unknown)}",
                why=f"its fields are {', '.join(known) or 'none'}.",
                instead="name one of these.",
            )
        new = object.__new__(type(self))
        for name, field in known.items():
            old = object.__getattribute__(self, name)
            object.__setattr__(new, name, _as_kept(self, field, fields[name]) if name in fields else old)
        return new


def modules_of(module: Any, path: str = "") -> list[tuple[str, Module]]:
    """Return the modules in a tree with their paths, each before those that it holds.

    Parameters
    ----------
    module : pytree
        Usually a module, which comes first.
    path : str
        Its own.

    Returns
    -------
    list of (str, Module)

    Examples
    --------
    >>> class Pair(Module):
    ...     parts: list
    >>> [path for path, _ in modules_of(Pair([Pair([]), Pair([])]))]
    ['', 'parts[0]', 'parts[1]']
    """
    found = [(path, module)] if isinstance(module, Module) else []
    level = tree.children(module)
    for child, entry in zip(*level, strict=True) if level is not None else ():
        found += modules_of(child, joined(path, module, entry))
    return found


def joined(path: str, parent: Any, entry: Any) -> str:
    """Return the path of a child, as Python would write it."""
    if isinstance(parent, Frozen):
        return path
    if isinstance(parent, Module) or dataclasses.is_dataclass(parent) or hasattr(parent, "_fields"):
        return f"{path}.{entry}" if path else str(entry)
    return f"{path}[{entry!r}]"


def _as_kept(owner: Any, field: dataclasses.Field[Any], value: Any) -> Any:
    """Return a value as its field holds it."""
    if field.metadata.get("buffer"):
        return value if isinstance(value, Frozen) else Buffer(stop_gradient(value))
    if not field.metadata.get("static"):
        return value
    value = _fixed(value)
    try:
        hash(value)
    except TypeError:
        raise ArgumentError(
            f"the static field {field.name} of {type(owner).__name__} holds a {type(value).__name__}",
            why="what is static is part of the structure, which is hashed and compared.",
            instead="give it numbers, text, functions and tuples of them; arrays stand in fields that are not static.",
        ) from None
    return value


def _fixed(value: Any) -> Any:
    return tuple([_fixed(x) for x in value]) if type(value) in (list, tuple) else value


def _located(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a method of a module add where it stands to errors of what it does, and tell who looks on."""

    @functools.wraps(method)
    def called(self: Module, *args: Any, **kwargs: Any) -> Any:
        try:
            y = method(self, *args, **kwargs)
        except (ValueError, TypeError, IndexError) as error:
            locate(error, self, modules_of)
            raise
        look = observer.get()
        if look is not None:
            look(self, args, y)
        return y

    return called
