"""Dense Jacobians and Hessians: all directions at once, as one batch."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.arguments import ArgNums, Arguments, as_output, disjoint, resolve_argnums, zeros_of
from wengert.errors import ArgumentError, NotDifferentiableError, check_callable
from wengert.transforms.batching import batch
from wengert.transforms.forward import push
from wengert.transforms.reverse import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["hessian", "jacfwd", "jacobian", "jacrev"]


class _Call:
    """One call of a function whose Jacobian is wanted: flat leaves in, flat leaves out."""

    def __init__(self, fun: Callable[..., Any], argnums: ArgNums, args: Any, kwargs: Any, name: str) -> None:
        self.fun, self.name = fun, name
        self.arguments = Arguments(argnums, args, kwargs, name)
        self.leaves = self.arguments.leaves
        self.structure: Any = None

    def __call__(self, *leaves: Any) -> list[Any]:
        ys, self.structure = tree.flatten(self.arguments.call(self.fun, leaves))
        return [as_output(y, self.name) for y in ys]

    def check(self, ys: Sequence[Any], *, holomorphic: bool) -> None:
        """Raise unless the derivatives are matrices of one number per pair of entries."""
        for y in ys:
            if y.dtype.kind not in "fc":
                raise NotDifferentiableError(
                    f"the function given to {self.name} returned {y.dtype}",
                    why="integers and booleans are constant wherever they have a derivative.",
                    instead="return floats.",
                )
        if not holomorphic and any(v.dtype.kind == "c" for v in (*ys, *self.leaves)):
            raise NotDifferentiableError(
                f"the function given to {self.name} has complex arguments or results",
                why="the derivative of a complex function is one complex matrix only if the function is holomorphic.",
                instead="pass holomorphic=True if it is, or write it in terms of real and imaginary parts.",
            )

    def assemble(self, blocks: Sequence[Sequence[Any]]) -> Any:
        """Return blocks[output][input] in the structures of the result and the arguments."""
        flat = iter(disjoint([block for row in blocks for block in row]))
        return tree.unflatten(
            self.structure, [self.arguments.restore([next(flat) for _ in row]) for row in blocks]
        )


def _chunks(n: int, size: int | None) -> Iterator[slice]:
    step = n if size is None else size
    return (slice(start, min(start + step, n)) for start in range(0, n, max(step, 1)))


def _check_chunk(chunk_size: int | None) -> None:
    if chunk_size is not None and chunk_size < 1:
        raise ArgumentError(
            f"chunk_size is {chunk_size!r}", instead="give a positive int, or None for all at once."
        )


def _basis(like: Any, rows: slice) -> Any:
    """Return unit vectors of the space of an array, a batch of them along axis 0."""
    n = np.size(like)
    eye = np.zeros((rows.stop - rows.start, n), like.dtype)
    eye[np.arange(rows.stop - rows.start), np.arange(rows.start, rows.stop)] = 1
    return eye.reshape((-1, *np.shape(like)))


def jacfwd(
    fun: Callable[..., Any],
    argnums: ArgNums = 0,
    *,
    chunk_size: int | None = None,
    holomorphic: bool = False,
    argnum: ArgNums | None = None,
) -> Callable[..., Any]:
    """Return a function that computes the dense Jacobian by forward mode, one tangent per input entry.

    Parameters
    ----------
    fun, argnums, argnum
        As for `grad`, but any pytree of arrays may be returned.
    chunk_size : int, optional
        How many tangents are carried at once; bounds memory.
    holomorphic : bool
        Promise that `fun` is holomorphic, for complex arguments.

    Returns
    -------
    callable
        With the arguments of `fun`; returns for each output the Jacobian of shape out.shape + in.shape.

    Raises
    ------
    NotDifferentiableError, ArgumentError
        As for `grad`.

    Examples
    --------
    >>> jacfwd(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    check_callable(fun, "jacfwd")
    _check_chunk(chunk_size)
    chosen = resolve_argnums(argnums, argnum)

    @wraps(fun)
    def jacobian_forward(*args: Any, **kwargs: Any) -> Any:
        call = _Call(fun, chosen, args, kwargs, "jacfwd")
        ys: list[Any] = []
        columns = [
            [_columns(call, k, rows, ys, holomorphic=holomorphic) for rows in _chunks(np.size(x), chunk_size)]
            for k, x in enumerate(call.leaves)
        ]
        if not ys:  # every input is empty
            ys = list(call(*call.leaves))
        return call.assemble(
            [
                [_join_columns([part[j] for part in columns[k]], y, x) for k, x in enumerate(call.leaves)]
                for j, y in enumerate(ys)
            ]
        )

    return jacobian_forward


def _columns(call: _Call, k: int, rows: slice, ys: list[Any], *, holomorphic: bool) -> list[Any]:
    """Return for each output its tangents, along axis 0, for some unit tangents of input k."""
    x = call.leaves[k]

    def tangents(x_dot: Any) -> list[Any]:
        # the others are traced too, with a tangent of zeros: the function may write into them
        x_dots = [x_dot if i == k else zeros_of(v) for i, v in enumerate(call.leaves)]
        ys[:], y_dots = push(call, call.leaves, x_dots)
        call.check(ys, holomorphic=holomorphic)
        return [
            np.zeros(np.shape(y), y.dtype) if y_dot is None else y_dot
            for y, y_dot in zip(ys, y_dots, strict=True)
        ]

    interpreter, y_dots = batch(tangents, [_basis(x, rows)], [0], rows.stop - rows.start)
    return [interpreter.lower(y_dot, 0) for y_dot in y_dots]


def _join_columns(parts: list[Any], y: Any, x: Any) -> Any:
    if not parts:
        return np.zeros((*np.shape(y), *np.shape(x)), y.dtype)
    stacked = parts[0] if len(parts) == 1 else np.concatenate(parts)
    moved = np.moveaxis(stacked, 0, -1)
    return np.reshape(moved, (*np.shape(y), *np.shape(x)))[()]


def jacrev(
    fun: Callable[..., Any],
    argnums: ArgNums = 0,
    *,
    chunk_size: int | None = None,
    holomorphic: bool = False,
    argnum: ArgNums | None = None,
) -> Callable[..., Any]:
    """Return a function that computes the dense Jacobian by reverse mode, one cotangent per output entry.

    Parameters
    ----------
    fun, argnums, argnum
        As for `grad`, but any pytree of arrays may be returned.
    chunk_size : int, optional
        How many cotangents are carried at once; bounds memory.
    holomorphic : bool
        Promise that `fun` is holomorphic, for complex arguments.

    Returns
    -------
    callable
        With the arguments of `fun`; returns for each output the Jacobian of shape out.shape + in.shape.

    Raises
    ------
    NotDifferentiableError, ArgumentError
        As for `grad`.

    Examples
    --------
    >>> jacrev(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    check_callable(fun, "jacrev")
    _check_chunk(chunk_size)
    chosen = resolve_argnums(argnums, argnum)

    @wraps(fun)
    def jacobian_reverse(*args: Any, **kwargs: Any) -> Any:
        call = _Call(fun, chosen, args, kwargs, "jacrev")
        ys, pull = record(call, call.leaves)
        call.check(ys, holomorphic=holomorphic)
        return _reverse_blocks(call, ys, pull, chunk_size)

    return jacobian_reverse


def _reverse_blocks(call: _Call, ys: Sequence[Any], pull: Callable[..., Any], chunk_size: int | None) -> Any:
    blocks = []
    for j, y in enumerate(ys):
        parts = [_rows(call, pull, ys, j, rows) for rows in _chunks(np.size(y), chunk_size)]
        blocks.append([_join_rows([part[k] for part in parts], y, x) for k, x in enumerate(call.leaves)])
    return call.assemble(blocks)


def _rows(call: _Call, pull: Callable[..., Any], ys: Sequence[Any], j: int, rows: slice) -> list[Any]:
    """Return for each input its cotangents, along axis 0, for some unit cotangents of output j."""

    def cotangents(y_bar: Any) -> list[Any]:
        x_bars = pull([y_bar if i == j else None for i in range(len(ys))])
        return [
            np.zeros(np.shape(x), x.dtype) if g is None else g
            for x, g in zip(call.leaves, x_bars, strict=True)
        ]

    interpreter, x_bars = batch(cotangents, [_basis(ys[j], rows)], [0], rows.stop - rows.start)
    return [interpreter.lower(x_bar, 0) for x_bar in x_bars]


def _join_rows(parts: list[Any], y: Any, x: Any) -> Any:
    if not parts:
        return np.zeros((*np.shape(y), *np.shape(x)), x.dtype)
    stacked = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.reshape(stacked, (*np.shape(y), *np.shape(x)))[()]


def jacobian(
    fun: Callable[..., Any],
    argnums: ArgNums = 0,
    *,
    mode: str = "auto",
    chunk_size: int | None = None,
    holomorphic: bool = False,
    argnum: ArgNums | None = None,
) -> Callable[..., Any]:
    """Return a function that computes the dense Jacobian, by the cheaper mode.

    Parameters
    ----------
    fun, argnums, argnum
        As for `grad`, but any pytree of arrays may be returned.
    mode : {"auto", "forward", "reverse"}
        Forward mode costs a run per input entry, reverse mode one per output entry; "auto" takes the fewer.
    chunk_size : int, optional
        How many directions are carried at once; bounds memory.
    holomorphic : bool
        Promise that `fun` is holomorphic, for complex arguments.

    Returns
    -------
    callable
        With the arguments of `fun`; returns for each output the Jacobian of shape out.shape + in.shape.

    Raises
    ------
    NotDifferentiableError, ArgumentError
        As for `grad`.

    Examples
    --------
    >>> jacobian(lambda x: np.outer(x, x).ravel())(np.array([1.0, 2.0]))
    array([[2., 0.],
           [2., 1.],
           [2., 1.],
           [0., 4.]])
    """
    check_callable(fun, "jacobian")
    _check_chunk(chunk_size)
    chosen = resolve_argnums(argnums, argnum)
    options: dict[str, Any] = {"chunk_size": chunk_size, "holomorphic": holomorphic}
    if mode not in ("auto", "forward", "reverse"):
        raise ArgumentError(f"mode is {mode!r}", instead='give "auto", "forward" or "reverse".')
    if mode == "reverse":
        return jacrev(fun, chosen, **options)
    forward = jacfwd(fun, chosen, **options)
    return (
        forward if mode == "forward" else _cheaper(fun, chosen, forward, chunk_size, holomorphic=holomorphic)
    )


def _cheaper(
    fun: Callable[..., Any],
    chosen: ArgNums,
    forward: Callable[..., Any],
    chunk_size: int | None,
    *,
    holomorphic: bool,
) -> Callable[..., Any]:
    """Return the Jacobian by the mode that needs fewer directions, which one recorded run tells."""

    @wraps(fun)
    def jacobian_auto(*args: Any, **kwargs: Any) -> Any:
        call = _Call(fun, chosen, args, kwargs, "jacobian")
        ys, pull = record(call, call.leaves)
        if sum(map(np.size, ys)) >= sum(map(np.size, call.leaves)):
            del pull
            return forward(*args, **kwargs)
        call.check(ys, holomorphic=holomorphic)
        return _reverse_blocks(call, ys, pull, chunk_size)

    return jacobian_auto


def hessian(
    fun: Callable[..., Any], argnums: ArgNums = 0, *, argnum: ArgNums | None = None
) -> Callable[..., Any]:
    """Return a function that computes the dense Hessian of a real function, forward over reverse.

    Parameters
    ----------
    fun, argnums, argnum
        As for `grad`.

    Returns
    -------
    callable
        With the arguments of `fun`; returns blocks of shape out.shape + in.shape + in.shape, nested as the
        arguments are.

    Raises
    ------
    NotDifferentiableError, ArgumentError
        As for `grad`.

    Examples
    --------
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    chosen = resolve_argnums(argnums, argnum)
    return jacfwd(jacrev(fun, chosen), chosen)
