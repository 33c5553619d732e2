"""How modules print: names of fields, types of arrays; nested modules indented."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from wengert.nn.frozen import Frozen
from wengert.types import type_of

__all__ = ["array_text", "module_text"]

_WIDTH = 88  # longer ones are broken


def module_text(module: Any) -> str:
    """Return a module as text: its class, and its fields.

    Parameters
    ----------
    module : Module

    Returns
    -------
    str
        On one line if it fits and holds no other modules.
    """
    parts = []
    for field in dataclasses.fields(module):
        value = object.__getattribute__(module, field.name)
        if not field.repr or (field.metadata.get("static") and _is_default(field, value)):
            continue
        parts.append(f"{field.name}={_text(value)}")
    return _joined(f"{type(module).__name__}(", parts, ")")


def array_text(x: Any) -> str:
    """Return the type of an array as text, a number as it is."""
    if isinstance(x, np.generic):
        return str(x.item())
    return str(type_of(x))


def _is_default(field: dataclasses.Field[Any], value: Any) -> bool:
    return type(value) is type(field.default) and value == field.default


def _text(value: Any) -> str:
    if isinstance(value, Frozen):
        return f"{type(value).__name__.lower()} {_text(value.value)}"
    if isinstance(value, tuple | list):
        opening, closing = ("(", ")") if isinstance(value, tuple) else ("[", "]")
        plain = all(isinstance(x, int | float | str | tuple) for x in value)
        return repr(value) if plain else _joined(opening, [_text(x) for x in value], closing)
    if isinstance(value, dict):
        return _joined("{", [f"{k!r}: {_text(x)}" for k, x in value.items()], "}")
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return array_text(value)
    return _function_text(value) if callable(value) else repr(value)


def _function_text(value: Any) -> str:
    if isinstance(value, functools.partial):
        options = [f"{k}={v!r}" for k, v in value.keywords.items()]
        return f"{_function_text(value.func)}({', '.join([*map(repr, value.args), *options])})"
    return str(getattr(value, "__name__", None) or repr(value))


def _joined(opening: str, parts: list[str], closing: str) -> str:
    line = f"{opening}{', '.join(parts)}{closing}"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    inner = "".join(f"  {line}\n" for part in parts for line in f"{part},".split("\n"))
    return f"{opening}\n{inner}{closing}"
