"""Matrix products: matmul and its vector forms vecdot, matvec and vecmat, NumPy's generalized ufuncs.

All are bilinear over the reals. Where nothing is conjugated the pairing Re sum(y_bar * y_dot) gives plain transposes,
never conjugate ones; vecdot and vecmat conjugate their first operand, and their rules say where that puts the
conjugates.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wengert.core.lowering import Contraction
from wengert.core.numpy_protocol import FUNCTIONS, UFUNCS
from wengert.core.primitive import Primitive
from wengert.ops.families import bilinear, match
from wengert.types import Array, ArrayType, type_of

__all__ = ["aligned", "conjugate", "matmul", "vecdot"]

Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]


def _swap(x: Array) -> Array:
    """Return the transposes of a stack of matrices, as a view: BLAS multiplies by them without a copy."""
    return np.swapaxes(x, -1, -2)


def conjugate(x: Array) -> Array:
    """Return the conjugate of a complex array, and a real one itself."""
    return np.conj(x) if type_of(x).dtype.kind == "c" else x


# matmul ---------------------------------------------------------------------------------
# C = A B over the last two axes; leading axes are a stack and broadcast.
#   C_dot = A_dot B + A B_dot
#   A_bar = C_bar B^T,   B_bar = A^T C_bar                                  (Giles 2008, section 2.2.1)
# A stack axis over which A was broadcast must be summed in A_bar. Summing after the product would build an array of
# the size of (stack, m, k); instead the axis joins the contracted one, and one larger matrix product does both.
#   B_bar^T = (A^T C_bar)^T = C_bar^T A  is the left rule of  C^T = B^T A^T, so one rule serves both operands.


def _matmul_left(y_bar: Array, a: Array, b: Array) -> Array:
    """Cotangent of the left operand, for every combination of ranks that matmul allows."""
    if np.ndim(b) == 1:
        if np.ndim(a) <= 2:
            return match(y_bar[..., np.newaxis] * b, a)
        b, y_bar = b[:, np.newaxis], y_bar[..., np.newaxis]
    if np.ndim(a) == 1:
        y_bar = y_bar[..., np.newaxis, :]
        return match(np.reshape(_times_transpose(y_bar, b, (1, *np.shape(a))), np.shape(a)), a)
    return match(_times_transpose(y_bar, b, np.shape(a)), a)


def _matmul_right(y_bar: Array, a: Array, b: Array) -> Array:
    """Cotangent of the right operand, as the left operand of the transposed product."""
    if np.ndim(a) == 1:
        if np.ndim(b) == 1:
            return match(y_bar * a, b)
        a, y_bar = a[np.newaxis, :], y_bar[..., np.newaxis, :]
    if np.ndim(b) == 1:
        row = _times_transpose(y_bar[..., np.newaxis, :], _swap(a), (1, *np.shape(b)))
        return match(np.reshape(row, np.shape(b)), b)
    *stack, k, n = np.shape(b)
    return match(_swap(_times_transpose(_swap(y_bar), _swap(a), (*stack, n, k))), b)


def _times_transpose(y: Array, b: Array, shape: tuple[int, ...]) -> Array:
    """Y B^T summed over the stack axes on which an operand of the given shape was broadcast."""
    stack = np.shape(y)[:-2]
    own = (1,) * (len(stack) + 2 - len(shape)) + shape[:-2]
    broadcast = [i for i, (n, m) in enumerate(zip(stack, own, strict=True)) if n != m]
    if broadcast:
        b = np.reshape(b, (1,) * (len(stack) + 2 - np.ndim(b)) + np.shape(b))
        y, b = _into_columns(y, broadcast), _into_columns(b, broadcast)
    if np.ndim(y) > np.ndim(b) == 2:  # one matrix for the whole stack: one product over all its rows
        y = np.reshape(y, (math.prod(np.shape(y)[:-1]), np.shape(y)[-1]))
    x_bar = y @ _swap(b)
    return x_bar if np.shape(x_bar) == shape else np.reshape(x_bar, shape)


def _into_columns(x: Array, axes: Sequence[int]) -> Array:
    """Join stack axes with the last axis. Before: (stack with axes, m, n). After: (stack without axes, m, axes * n)."""
    rank = np.ndim(x)
    rest = [i for i in range(rank - 1) if i not in axes]
    shape = np.shape(x)
    columns = math.prod([*[shape[i] for i in axes], shape[-1]])
    return np.reshape(np.transpose(x, (*rest, *axes, rank - 1)), (*[shape[i] for i in rest], columns))


def _axes_of(fun: np.ufunc) -> list[list[str]]:
    """Return the axes of the operands and of the result of a product, from its signature."""
    pattern = re.findall(r"\(([^)]*)\)", fun.signature or "")
    return [part.split(",") if part else [] for part in pattern]


def _gufunc_lowering(fun: np.ufunc) -> Contraction:
    """Return a product as a contraction: the axes of its signature, and those of a stack, counted from the last."""
    *cores, result = _axes_of(fun)

    def named(ndim: int, core: list[str]) -> tuple[Any, ...]:
        names = [name for name in core if ndim >= len(core) or not name.endswith("?")]
        return (*range(len(names) - ndim, 0), *names)

    def labels(shapes: Sequence[tuple[int, ...]]) -> tuple[Any, Any]:
        terms = [named(len(shape), core) for shape, core in zip(shapes, cores, strict=True)]
        present = set().union(*terms)
        stack = sorted([label for label in present if isinstance(label, int)])
        return terms, (*stack, *[name for name in result if name in present])

    return Contraction(labels)


def _gufunc_infer(fun: np.ufunc) -> Any:
    """Return the `infer` rule of a product, read from its signature, such as (n?,k),(k,m?)->(n?,m?)."""
    *cores, result = _axes_of(fun)

    def infer(*types: ArrayType) -> ArrayType:
        sizes: dict[str, int] = {}
        stacks = []
        for t, core in zip(types, cores, strict=True):
            names = [name for name in core if t.ndim >= len(core) or not name.endswith("?")]
            split = t.ndim - len(names)
            stacks.append(t.shape[: max(split, 0)])
            own = zip(names, t.shape[split:], strict=True) if split >= 0 else [("", -1), ("", 0)]
            if any(sizes.setdefault(name, n) != n for name, n in own):
                fun(*[np.broadcast_to(np.False_, u.shape) for u in types])  # NumPy says what does not fit
        dtype = fun.resolve_dtypes((*[t.dtype for t in types], None))[-1]
        return ArrayType(
            (*np.broadcast_shapes(*stacks), *[sizes[name] for name in result if name in sizes]), dtype
        )

    return infer


def aligned(xs: Sequence[Array], batched: Sequence[bool], cores: Sequence[int]) -> list[Array]:
    """Insert axes behind the batch axis, so that the stacks of all examples have equal rank."""
    ranks = [np.ndim(x) - core - b for x, core, b in zip(xs, cores, batched, strict=True)]
    top = max(ranks)
    return [
        np.reshape(x, (np.shape(x)[0], *([1] * (top - rank)), *np.shape(x)[1:])) if b and rank < top else x
        for x, rank, b in zip(xs, ranks, batched, strict=True)
    ]


def _matmul_batch(size: int, xs: Sequence[Array], batched: Sequence[bool]) -> Array:
    a, b = xs
    a_rank, b_rank = np.ndim(a) - batched[0], np.ndim(b) - batched[1]
    # A batch of vectors against one matrix or vector is a single product: the vectors are the rows of a matrix.
    if batched == (True, False) and a_rank == 1 and b_rank <= 2:
        return a @ b
    if batched == (False, True) and b_rank == 1 and a_rank <= 2:
        return b @ (_swap(a) if a_rank == 2 else a)
    if a_rank == 1:
        a = a[..., np.newaxis, :]
    if b_rank == 1:
        b = b[..., np.newaxis]
    a, b = aligned((a, b), batched, (2, 2))
    y = a @ b
    if b_rank == 1:
        y = y[..., 0]
    return y[..., 0, :] if a_rank == 1 and b_rank > 1 else y[..., 0] if a_rank == 1 else y


def _matmul_samples(rng: np.random.Generator) -> Samples:
    shapes = [
        ((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 2, 3), (2, 3, 2)), ((2, 2, 3), (3, 2)),
        ((2, 3), (4, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)), ((2, 2, 3), (3,)), ((3,), (2, 3, 2)), ((1, 2, 3), (2, 3, 1)),
        ((2, 0), (0, 3)), ((0, 3), (3, 2)), ((0,), (0,)), ((0, 2, 3), (3, 2)), ((1, 2, 3), (0, 3, 2)),
    ]  # fmt: skip
    for left, right in shapes:
        yield (rng.normal(size=left), rng.normal(size=right)), {}


matmul = bilinear(
    "matmul",
    np.matmul,
    _matmul_left,
    _matmul_right,
    infer=_gufunc_infer(np.matmul),
    batch=_matmul_batch,
    lower=_gufunc_lowering(np.matmul),
    samples=_matmul_samples,
    doc="Matrix product over the last two axes; leading axes broadcast. Giles 2008, section 2.2.1.",
)
UFUNCS[np.matmul] = matmul


# vecdot, matvec, vecmat -----------------------------------------------------------------
# The vector forms of matmul, with a stack before each operand's core axes. The first operand is conjugated in vecdot
# and vecmat. With y = sum_n conj(u_n) v_n,
#   Re(y_bar y_dot) = Re(y_bar conj(u_dot) v)   + Re(y_bar conj(u) v_dot)
#                   = Re(conj(y_bar v) u_dot)   + Re(y_bar conj(u) v_dot),
# so u_bar = conj(y_bar v) and v_bar = y_bar conj(u).


def _vecdot_left(y_bar: Array, u: Array, v: Array) -> Array:
    return match(conjugate(y_bar[..., np.newaxis] * v), u)


def _vecdot_right(y_bar: Array, u: Array, v: Array) -> Array:
    return match(y_bar[..., np.newaxis] * conjugate(u), v)


def _matvec_left(y_bar: Array, a: Array, v: Array) -> Array:
    return _matmul_left(y_bar[..., np.newaxis], a, v[..., np.newaxis])


def _matvec_right(y_bar: Array, a: Array, v: Array) -> Array:
    return match(_matmul_right(y_bar[..., np.newaxis], a, v[..., np.newaxis])[..., 0], v)


def _vecmat_left(y_bar: Array, u: Array, a: Array) -> Array:
    return match(
        conjugate(_matmul_left(y_bar[..., np.newaxis, :], conjugate(u)[..., np.newaxis, :], a)[..., 0, :]), u
    )


def _vecmat_right(y_bar: Array, u: Array, a: Array) -> Array:
    return _matmul_right(y_bar[..., np.newaxis, :], conjugate(u)[..., np.newaxis, :], a)


def _vector_form(
    name: str, cores: tuple[int, int], left: Any, right: Any, shapes: Any, doc: str
) -> Primitive | None:
    """Define one of the vector gufuncs, where this NumPy has it (vecdot since 2.0, the others since 2.2)."""
    fun = getattr(np, name, None)
    if fun is None:
        return None

    def samples(rng: np.random.Generator) -> Samples:
        for first, second in shapes:
            yield (rng.normal(size=first), rng.normal(size=second)), {}

    prim = bilinear(
        name,
        fun,
        left,
        right,
        infer=_gufunc_infer(fun),
        batch=lambda _size, xs, batched: fun(*aligned(xs, batched, cores)),
        lower=_gufunc_lowering(fun),
        samples=samples,
        doc=doc,
    )
    UFUNCS[fun] = prim
    return prim


vecdot = _vector_form(
    "vecdot",
    (1, 1),
    _vecdot_left,
    _vecdot_right,
    [
        ((3,), (3,)),
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((3,), (2, 3)),
        ((2, 1, 3), (2, 3)),
        ((0,), (0,)),
        ((2, 0), (0,)),
    ],
    "Sum of conj(u_n) v_n over the last axis; leading axes broadcast.",
)
_vector_form(
    "matvec",
    (2, 1),
    _matvec_left,
    _matvec_right,
    [
        ((2, 3), (3,)),
        ((2, 3), (4, 3)),
        ((2, 2, 3), (3,)),
        ((2, 1, 2, 3), (3, 3)),
        ((0, 3), (3,)),
        ((2, 0), (0,)),
    ],
    "Product of the matrices A and the vectors v; leading axes broadcast.",
)
_vector_form(
    "vecmat",
    (1, 2),
    _vecmat_left,
    _vecmat_right,
    [
        ((3,), (3, 2)),
        ((4, 3), (3, 2)),
        ((3,), (2, 3, 2)),
        ((3, 3), (2, 1, 3, 2)),
        ((3,), (3, 0)),
        ((0,), (0, 2)),
    ],
    "Product of the conjugated vectors u and the matrices A; leading axes broadcast.",
)


# Keywords of the gufuncs ----------------------------------------------------------------


def _with_axes(fun: np.ufunc, cores: tuple[int, int, int]) -> None:
    """Let a product accept `axes`, `axis` and `keepdims` on traced values: axes are moved to the end and back."""

    def front(
        a: Array, b: Array, /, *, axes: Any = None, axis: int | None = None, keepdims: bool = False
    ) -> Array:
        if axis is not None:
            if cores != (1, 1, 0):
                message = f"{fun.__name__}: axis can only be used with a single shared core dimension"
                raise TypeError(message)
            axes = [(axis,), (axis,), (axis,) if keepdims else ()]
        elif keepdims and axes is None:
            axes = [(-1,), (-1,), (-1,)]
        if keepdims and cores != (1, 1, 0):
            message = f"{fun.__name__} does not support keepdims: its operands differ in core dimensions"
            raise TypeError(message)
        if axes is None:
            return fun(a, b)
        sources = [(i,) if isinstance(i, int) else tuple(i) for i in axes]
        if len(sources) == 2:
            sources.append(tuple(range(-cores[2], 0)))
        moved = [
            np.moveaxis(x, at, range(-len(at), 0)) if at else x
            for x, at in zip((a, b), sources, strict=False)
        ]
        y = fun(*moved)
        if keepdims:
            y = y[..., np.newaxis]
        return np.moveaxis(y, range(-len(sources[2]), 0), sources[2]) if sources[2] else y

    FUNCTIONS[fun] = front


for _name, _cores in {
    "matmul": (2, 2, 2),
    "vecdot": (1, 1, 0),
    "matvec": (2, 1, 1),
    "vecmat": (1, 2, 1),
}.items():
    if hasattr(np, _name):
        _with_axes(getattr(np, _name), _cores)
