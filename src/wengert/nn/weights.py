"""Weights of models in files: safetensors, which hold arrays and their names and nothing that runs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wengert import tree
from wengert.core.dispatch import Traced
from wengert.errors import ArgumentError
from wengert.nn.files import replace_file
from wengert.nn.frozen import Frozen, is_frozen

__all__ = [
    "MissingPackageError",
    "Place",
    "WeightsError",
    "load",
    "model_places",
    "read_file",
    "rebuilt",
    "save",
]


class WeightsError(ArgumentError):
    """A file of weights does not fit a model, or is not whole."""


class Place:
    """A leaf of a model, with its name in files.

    Attributes
    ----------
    entries : tuple
        That lead to it.
    name : str
        Entries with dots between: ``layers.0.weight``.
    leaf : array or number
    """

    __slots__ = ("entries", "leaf", "name")

    def __init__(self, entries: tuple[Any, ...], leaf: Any) -> None:
        self.entries, self.leaf = entries, leaf
        self.name = ".".join(map(str, entries))


def save(path: str | os.PathLike[str], model: Any) -> None:
    """Write the arrays of a model to a safetensors file.

    Parameters
    ----------
    path : str or path-like
        Replaced at once when all is written: a program that is killed leaves the old file whole.
    model : pytree
        Parameters, buffers and what is frozen; static fields are not written. Names are those of the fields,
        such as ``layers.0.weight``; what is shared is written once, under its first name.

    Returns
    -------
    None

    Raises
    ------
    ModuleNotFoundError
        If safetensors is not installed.
    ArgumentError
        If `path` is none.
    WeightsError
        If a leaf is no array or number, or two leaves have one name.

    See Also
    --------
    load : Reads it.

    Examples
    --------
    >>> import importlib.util, tempfile
    >>> def there_and_back(model):
    ...     with tempfile.TemporaryDirectory() as folder:
    ...         save(Path(folder, "model.safetensors"), model)
    ...         return load(Path(folder, "model.safetensors"), model)
    >>> model = {"slope": 2.0, "offset": 1.0}
    >>> there_and_back(model) if importlib.util.find_spec("safetensors") else model
    {'slope': 2.0, 'offset': 1.0}
    """
    _check_path("save", path)
    arrays = {group[0].name: _array(group[0]) for group in _groups(model_places(model))}
    writer = _safetensors().numpy
    replace_file(path, lambda part: writer.save_file(arrays, str(part)))


def load(path: str | os.PathLike[str], model: Any) -> Any:
    """Return a model with the arrays of a file.

    Parameters
    ----------
    path : str or path-like
        As `save` writes it.
    model : pytree
        Of the same structure; what its arrays hold does not matter.

    Returns
    -------
    pytree

    Raises
    ------
    ModuleNotFoundError
        If safetensors is not installed.
    ArgumentError
        If `path` is none.
    WeightsError
        If names, shapes or dtypes differ: it lists all that are missing, extra or different. Or if the file is
        not whole.

    See Also
    --------
    load_torch : Weights that PyTorch saved.

    Examples
    --------
    >>> try:
    ...     load("weights.that.are.not.there", {"w": 1.0})
    ... except (FileNotFoundError, ModuleNotFoundError) as error:
    ...     print("nothing is loaded")
    nothing is loaded
    """
    _check_path("load", path)
    places = model_places(model)
    return rebuilt(model, places, read_file(path), str(path), exact=True)


def _check_path(name: str, path: Any) -> None:
    if not isinstance(path, str | os.PathLike):
        raise ArgumentError(
            f"nn.{name}: the path is a {type(path).__name__}",
            why="the file comes first, and the model behind it.",
            instead=f'write nn.{name}("model.safetensors", model).',
        )


def model_places(model: Any) -> list[Place]:
    """Return the leaves of a model with their names; a frozen value has the name of its field."""
    leaves, _ = tree.flatten(model, is_leaf=is_frozen)
    entries = tree.places(model, is_leaf=is_frozen)
    found = []
    for where, leaf in zip(entries, leaves, strict=True):
        inner = leaf.value if isinstance(leaf, Frozen) else leaf
        found += [
            Place((*where, *rest), x)
            for rest, x in zip(tree.places(inner), tree.flatten(inner)[0], strict=True)
        ]
    names = [place.name for place in found]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise WeightsError(
            f"two leaves of the model have the name {twice[0]}",
            why="the keys of dicts and names of fields are joined by dots.",
            instead="leave dots out of keys.",
        )
    return found


def rebuilt(
    model: Any,
    places: Sequence[Place],
    arrays: dict[str, Any],
    source: str,
    *,
    exact: bool,
    sources: dict[str, str] | None = None,
) -> Any:
    """Return a model with arrays by name, or raise with a list of all that does not fit.

    Parameters
    ----------
    model : pytree
    places : sequence of Place
        Of the model.
    arrays : dict
        By the names of the places.
    source : str
        Where they come from.
    exact : bool
        Whether dtypes must be those of the model; else they are converted to these.
    sources : dict, optional
        What arrays are called in the file, where it is not what they are called in the model.
    """
    faults: list[str] = []
    values: dict[int, Any] = {}
    groups = _groups(places)
    for group in groups:
        named = [(place.name, arrays[place.name]) for place in group if place.name in arrays]
        if not named:
            called = (sources or {}).get(group[0].name, group[0].name)
            of = "" if called == group[0].name else f"{called}, of which would be made "
            faults.append(f"missing: {of}{group[0].name} {_kind(group[0].leaf)}")
            continue
        name, array = named[0]
        wrong = _difference(group[0].leaf, array, exact=exact)
        if wrong:
            faults.append(
                f"{wrong}: {name} is {_kind(array)} in the file, {_kind(group[0].leaf)} in the model"
            )
        elif any(not np.array_equal(array, other) for _, other in named[1:]):
            faults.append(
                f"not shared: {', '.join(n for n, _ in named)} differ, and are one array in the model"
            )
        else:
            value = _like(group[0].leaf, array)
            values.update({id(place): value for place in group})
    known = {place.name for place in places}
    faults += [f"extra: {name} {_kind(array)}" for name, array in arrays.items() if name not in known]
    if faults:
        raise WeightsError(
            f"{source} does not fit the model, which has {len(groups)} arrays:\n    " + "\n    ".join(faults),
            why="weights are loaded all or none, so that nothing keeps its random start unseen.",
            instead="build the model with the sizes that the file was written with, or map the names.",
        )
    return tree.unflatten(tree.flatten(model)[1], [values[id(place)] for place in places])


def read_file(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the arrays of a safetensors file by name; bfloat16, which NumPy lacks, as float32."""
    safetensors = _safetensors()
    data = Path(path).read_bytes()
    try:
        entries = safetensors.deserialize(data)
    except safetensors.SafetensorError as error:
        raise WeightsError(
            f"{path} is not a whole safetensors file: {error}",
            why="it was cut off, or is of another format; files that pickle wrote are never read.",
            instead="write it again with nn.save, or with safetensors.torch.save_file(model.state_dict(), path).",
        ) from None
    return {name: _decoded(name, entry) for name, entry in entries}


def _decoded(name: str, entry: dict[str, Any]) -> Any:
    shape, kind, data = entry["shape"], entry["dtype"], bytes(entry["data"])
    if kind == "BF16":  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32).reshape(shape)
    if kind not in _DTYPES:
        raise WeightsError(
            f"{name} is of the dtype {kind}, which NumPy does not have",
            why="it has no arrays of these.",
            instead="convert it before it is saved.",
        )
    return np.frombuffer(data, _DTYPES[kind]).astype(np.dtype(_DTYPES[kind]).newbyteorder("=")).reshape(shape)


_DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
    "C64": "<c8",
}


def _groups(places: Sequence[Place]) -> list[list[Place]]:
    """Return the places, those together that hold the same array."""
    groups: dict[Any, list[Place]] = {}
    for k, place in enumerate(places):
        shared = isinstance(place.leaf, np.ndarray)
        groups.setdefault(id(place.leaf) if shared else (k,), []).append(place)
    return list(groups.values())


def _array(place: Place) -> Any:
    x = place.leaf
    if isinstance(x, Traced) or not isinstance(x, np.ndarray | np.generic | int | float | complex):
        raise WeightsError(
            f"{place.name} is a {type(x).__name__}, which a file of weights cannot hold",
            why="safetensors hold arrays of numbers.",
            instead="make it a static field, or save outside of what traces the model.",
        )
    array = np.ascontiguousarray(x).reshape(np.shape(x))
    if array.dtype.newbyteorder("<").str not in [np.dtype(d).newbyteorder("<").str for d in _DTYPES.values()]:
        raise WeightsError(
            f"{place.name} is an array of {array.dtype}, which safetensors have not",
            why=f"they know {', '.join(str(np.dtype(d).newbyteorder('=')) for d in _DTYPES.values())}.",
            instead="save its parts, such as x.real and x.imag, as two fields.",
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _difference(leaf: Any, array: Any, *, exact: bool) -> str:
    if np.shape(leaf) != array.shape:
        return "wrong shape"
    dtype = np.asarray(leaf).dtype
    fits = dtype == array.dtype if exact else np.can_cast(array.dtype, dtype, "same_kind")
    return "" if fits else "wrong dtype"


def _like(leaf: Any, array: Any) -> Any:
    """Return an array as the kind of number that a leaf is."""
    if isinstance(leaf, np.ndarray):
        return np.array(array, leaf.dtype, order="C")
    return array.item() if not isinstance(leaf, np.generic) else leaf.dtype.type(array)


def _kind(x: Any) -> str:
    x = np.asarray(x)
    return f"{x.dtype}{list(x.shape)}"


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise MissingPackageError from None
    return safetensors


class MissingPackageError(ArgumentError, ModuleNotFoundError):
    """The package that reads and writes safetensors is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "weights are read and written by the package safetensors, which is not installed",
            why="it is optional: models are made and trained without it.",
            instead="pip install 'wengert[weights]', or pip install safetensors.",
        )
