"""Weights that PyTorch saved: its names and layouts, and those of modules.

    PyTorch                                        here
    Sequential: 0.weight                           layers.0.weight
    LayerNorm, BatchNorm: weight                   scale
    BatchNorm: running_mean, running_var           mean, variance
    MultiheadAttention.in_proj_weight (3 d, d)     query.weight, key.weight, value.weight, each (d, d)
    LSTM: bias_ih_l0, bias_hh_l0                   bias, their sum

The full table is `wengert.nn.torch_forms`. `num_batches_tracked` is counted by PyTorch, and not used here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from wengert import tree
from wengert.errors import ArgumentError
from wengert.nn.frozen import Frozen, is_frozen
from wengert.nn.torch_forms import FORMS, Form
from wengert.nn.weights import Place, WeightsError, model_places, read_file, rebuilt

__all__ = ["from_state", "load_torch"]

Names = Mapping[str, str | None] | Callable[[str], str | None]


def load_torch(path: str | os.PathLike[str], model: Any, names: Names | None = None) -> Any:
    """Return a model with weights that PyTorch wrote.

    Parameters
    ----------
    path : str or path-like
        A safetensors file of a ``state_dict``: ``safetensors.torch.save_file(model.state_dict(), path)``.
    model : pytree
        Of layers of the same sizes; dtypes are those of the model.
    names : dict or callable, optional
        From PyTorch's names, or their first parts, to those of the model: ``{"fc1": "first", "encoder.0": "body"}``.
        The longest that fits counts; None drops what it names. A function takes and gives whole names.

    Returns
    -------
    pytree

    Raises
    ------
    WeightsError
        With a list of all that is missing, extra, or of another shape; or if `names` map two arrays to one name.
    ModuleNotFoundError
        If safetensors is not installed.

    Notes
    -----
    Arrays are split, summed or renamed as the layers here have them: see the table at the top of the module.

    Examples
    --------
    >>> from wengert import random
    >>> from wengert.nn.layers.linear import Linear
    >>> model = Linear(2, 3, key=random.key(0))
    >>> try:
    ...     load_torch("weights.that.are.not.there", model, names={"fc1": ""})
    ... except (FileNotFoundError, ModuleNotFoundError) as error:
    ...     print("nothing is loaded")
    nothing is loaded
    """
    return from_state(read_file(path), model, names, str(path))


def from_state(
    arrays: dict[str, Any], model: Any, names: Names | None = None, source: str = "the state"
) -> Any:
    """Return a model with arrays that PyTorch has under these names; see `load_torch`."""
    found = _renamed(arrays, names)
    places = model_places(model)
    sources = dict(_sources(model))
    made: dict[str, Any] = {}
    used: set[str] = set()
    for place in places:
        origin = sources[place.entries]
        if all(name in found for name in origin.names):
            used.update(origin.names)
            made[place.name] = _converted(place, origin, found)
    extra = [n for n in found if n not in used and n.rpartition(".")[2] != "num_batches_tracked"]
    made.update({f"{name} (PyTorch's name)": found[name] for name in extra})
    wanted = {place.name: " + ".join(sources[place.entries].names) for place in places}
    return rebuilt(model, places, made, source, exact=False, sources=wanted)


class _Source(NamedTuple):
    """The arrays of PyTorch's that one of the model is made of."""

    names: tuple[str, ...]
    convert: Callable[..., Any] | None


def _converted(place: Place, source: _Source, found: dict[str, Any]) -> Any:
    arrays = [found[name] for name in source.names]
    try:
        return arrays[0] if source.convert is None else source.convert(*arrays)
    except (ValueError, IndexError):
        shapes = ", ".join(f"{name} {array.shape}" for name, array in zip(source.names, arrays, strict=True))
        raise WeightsError(
            f"{place.name} cannot be made of {shapes}",
            why=f"it has shape {getattr(place.leaf, 'shape', ())} in the model.",
            instead="build the model with the sizes of the saved one.",
        ) from None


def _renamed(arrays: dict[str, Any], names: Names | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for old, array in arrays.items():
        new = _mapped(old, names)
        if new in found:
            raise WeightsError(
                f"names map two arrays to {new}, of which {old} is one",
                why="each array of the model has one source.",
                instead="give them different names, or map one of them to None, which drops it.",
            )
        if new is not None:
            found[new] = array
    return found


def _mapped(name: str, names: Names | None) -> str | None:
    if names is None:
        return name
    if callable(names):
        return names(name)
    if not isinstance(names, Mapping):
        raise ArgumentError(
            f"names is a {type(names).__name__}",
            why="it maps PyTorch's names to those of the model.",
            instead='write a dict such as {"fc1": "first"}, or a function of a name.',
        )
    parts = name.split(".")
    for n in range(len(parts), -1, -1):
        prefix = ".".join(parts[:n])
        if prefix in names:
            target = names[prefix]
            return None if target is None else ".".join([*([target] if target else []), *parts[n:]])
    return name


class _Rule(NamedTuple):
    """A form that holds for a path below."""

    path: tuple[str, ...]
    source: _Source


def _sources(model: Any) -> Iterator[tuple[tuple[Any, ...], _Source]]:
    """Yield for each leaf its entries, and where it comes from."""
    pending: list[tuple[tuple[Any, ...], _Source, list[_Rule], Any]] = [((), _Source(("",), None), [], model)]
    while pending:
        entries, source, inherited, node = pending.pop()
        level = None if is_frozen(node) else tree.children(node)
        if level is None:
            inner = node.value if isinstance(node, Frozen) else node
            for rest in tree.places(inner):
                yield (*entries, *rest), (_below(source, *rest) if rest else source)
            continue
        rules = inherited + [_rule(source, form) for form in FORMS.get(type(node), _no_forms)(node)]
        for child, entry in zip(*level, strict=True):
            below = [_Rule(r.path[1:], r.source) for r in rules if r.path[:1] == (str(entry),)]
            here = next((r.source for r in below if not r.path), _below(source, entry))
            pending.append(((*entries, entry), here, [r for r in below if r.path], child))


def _rule(parent: _Source, form: Form) -> _Rule:
    names = tuple([_dotted(parent.names[0], name) for name in (form.name, *form.others)])
    return _Rule(tuple(form.path.split(".")), _Source(names, form.convert))


def _below(source: _Source, *entries: Any) -> _Source:
    return _Source((_dotted(source.names[0], *map(str, entries)),), None)


def _no_forms(_: Any) -> list[Form]:
    return []


def _dotted(*parts: str) -> str:
    return ".".join(part for part in parts if part)
