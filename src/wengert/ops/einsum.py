"""einsum: sums of products over named axes, for any number of operands.

The front function reads every form that NumPy accepts (explicit and implicit output, ellipsis, lists of axis numbers)
and binds one primitive with canonical subscripts: letters only, no spaces, no ellipsis, the output always named.

    y[out] = sum over the labels not in out of the product of x_i[term_i]

The map is linear in each operand, and its cotangent is again an einsum,

    x_bar_i[term_i] = sum over the labels not in term_i of y_bar[out] * product over j != i of x_j[term_j],

but for three things: a label of term_i that nothing else has was summed out on its own, so x_bar_i is constant along
it; a label that stands twice in term_i picks a diagonal, so x_bar_i is zero off that diagonal; and an axis of length
1 that was broadcast against a longer one is summed in x_bar_i.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from wengert.core.linking import link_view
from wengert.core.lowering import Contraction
from wengert.core.numpy_protocol import implements, operand
from wengert.core.primitive import Primitive, Site, define
from wengert.core.views import Step
from wengert.ops.coefficients import multilinear_series
from wengert.ops.families import linear, match, spread
from wengert.ops.masking import contract
from wengert.types import Array, ArrayType

__all__ = ["einsum"]

Samples = Iterator[tuple[tuple[Any, ...], dict[str, Any]]]

LETTERS = string.ascii_uppercase + string.ascii_lowercase  # in the order in which NumPy sorts labels
LARGE = 2**15  # multiplications from which on a contraction is worth the search for a BLAS path


# Reading subscripts -------------------------------------------------------------------------------------------------


def _letters(sublist: Sequence[Any]) -> str:
    """Subscripts of the alternating form einsum(x, [0, 1], ...): axis number k is the k-th letter."""
    return "".join("..." if k is Ellipsis else LETTERS[k] for k in sublist)


def _split_operands(args: Sequence[Any]) -> tuple[str, list[Array]]:
    """Return subscripts and operands of either calling form."""
    if isinstance(args[0], str):
        return args[0].replace(" ", ""), [operand(x) for x in args[1:]]
    xs, sublists = args[: len(args) // 2 * 2 : 2], args[1::2]
    subscripts = ",".join(map(_letters, sublists))
    if len(args) % 2:
        subscripts += "->" + _letters(args[-1])
    return subscripts, [operand(x) for x in xs]


@lru_cache(maxsize=4096)
def _canonical(subscripts: str, ranks: tuple[int, ...], *, optimized: bool) -> str:
    """Return the subscripts with a letter for every axis and an explicit output; NumPy itself rejects what is wrong."""
    np.einsum(subscripts, *[np.ones((1,) * rank) for rank in ranks], optimize=optimized)
    inputs, arrow, output = subscripts.partition("->")
    terms = inputs.split(",")
    hidden = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    fresh = _fresh(subscripts, max(hidden))
    terms = [term.replace("...", fresh[len(fresh) - n :]) for term, n in zip(terms, hidden, strict=True)]
    if arrow:
        return ",".join(terms) + "->" + output.replace("...", fresh)
    labels = "".join(terms)
    once = sorted(label for label in set(labels) - set(fresh) if labels.count(label) == 1)
    return ",".join(terms) + "->" + fresh + "".join(once)


def _fresh(subscripts: str, count: int) -> str:
    """Return letters that the subscripts do not use."""
    free = [label for label in LETTERS if label not in subscripts]
    if len(free) < count:
        message = f"einsum {subscripts!r} needs {count} more labels, but only {len(free)} letters are left"
        raise ValueError(message)
    return "".join(free[:count])


def _parse(subscripts: str) -> tuple[list[str], str]:
    inputs, _, output = subscripts.partition("->")
    return inputs.split(","), output


# diagonal_embed -------------------------------------------------------------------------
# The adjoint of taking diagonals: with term "iij", y[i, i, j] = x[i, j] and zero elsewhere.


def _distinct(term: str) -> str:
    return "".join(dict.fromkeys(term))


def _embed_eval(x: Array, *, term: str) -> Array:
    sizes = dict(zip(_distinct(term), np.shape(x), strict=True))
    y = np.zeros([sizes[label] for label in term], x.dtype)
    np.einsum(f"{term}->{_distinct(term)}", y)[...] = x  # NumPy gives a writable view of the diagonal
    return y


def _embed_infer(t: ArrayType, *, term: str) -> ArrayType:
    sizes = dict(zip(_distinct(term), t.shape, strict=True))
    return ArrayType(tuple([sizes[label] for label in term]), t.dtype)


def _embed_samples(rng: np.random.Generator) -> Samples:
    for shape, term in (
        ((3,), "ii"),
        ((2, 3), "iij"),
        ((2, 3), "iji"),
        ((2,), "iii"),
        ((0,), "ii"),
        ((2, 3), "ijij"),
    ):
        yield (rng.normal(size=shape),), {"term": term}


_embed: Primitive = linear(
    "diagonal_embed",
    _embed_eval,
    lambda y_bar, x, *, term: match(np.einsum(f"{term}->{_distinct(term)}", y_bar), x),
    infer=_embed_infer,
    batch=lambda _size, xs, _batched, *, term: _embed(xs[0], term=_fresh(term, 1) + term),
    samples=_embed_samples,
    doc="Places x on the generalized diagonal that repeated labels name; zero elsewhere.",
)


# einsum ---------------------------------------------------------------------------------


def _einsum_eval(*xs: Array, subscripts: str, optimize: Any) -> Array:
    return np.einsum(subscripts, *xs, optimize=optimize)


def _einsum_infer(*types: ArrayType, subscripts: str, optimize: Any) -> ArrayType:
    terms, output = _parse(subscripts)
    sizes = _sizes(terms, [t.shape for t in types])
    return ArrayType(tuple([sizes[label] for label in output]), np.result_type(*[t.dtype for t in types]))


def _sizes(terms: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """Length of each label; axes of length 1 broadcast between operands, but not along a diagonal of one.

    NumPy takes the diagonal of a (0, 1) array to be of length 1, and reads what lies behind the array.
    """
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[str, int] = {}
        for label, n in zip(term, shape, strict=True):
            if own.setdefault(label, n) != n:
                message = f"einsum {term!r}: label {label!r} of one operand has lengths {own[label]} and {n}"
                raise ValueError(message)
            if sizes.setdefault(label, n) == 1:
                sizes[label] = n
            elif n not in {1, sizes[label]}:
                message = f"einsum {','.join(terms)!r}: label {label!r} has lengths {sizes[label]} and {n}"
                raise ValueError(message)
    return sizes


def _einsum_jvp(
    xs: Sequence[Array], x_dots: Sequence[Array], *, subscripts: str, optimize: Any
) -> tuple[Array, Array]:
    y = _einsum(*xs, subscripts=subscripts, optimize=optimize)
    y_dot = None
    for i, x_dot in enumerate(x_dots):
        if x_dot is not None:
            product = partial(_einsum, subscripts=subscripts, optimize=optimize)
            part = contract(product, *xs[:i], x_dot, *xs[i + 1 :])
            y_dot = part if y_dot is None else y_dot + part
    return y, y_dot


class _Plan(NamedTuple):
    """How to compute the cotangent of one operand."""

    subscripts: str  # of the contraction of y_bar with the other operands
    optimize: Any
    lengths: (
        tuple[int, ...] | None
    )  # shape of its result with an axis for every label; None if it has them all
    shape: tuple[int, ...]  # one axis for each label of the operand
    diagonal: bool  # whether the operand repeats a label


@lru_cache(maxsize=4096)
def _plan(subscripts: str, shapes: tuple[tuple[int, ...], ...], optimize: Any, i: int) -> _Plan:
    """Plan the cotangent of operand i: contract, spread along labels of its own, place on its diagonal."""
    terms, output = _parse(subscripts)
    sizes, own = _sizes(terms, shapes), dict(zip(terms[i], shapes[i], strict=True))
    labels, others = _distinct(terms[i]), [*terms[:i], *terms[i + 1 :]]
    # A label of length 1 stays out of the contraction's result, so that what was broadcast along it is summed.
    kept = "".join(
        label for label in labels if own[label] != 1 and any(label in name for name in (output, *others))
    )
    found = _sizes(
        [output, *others], [tuple([sizes[label] for label in output]), *shapes[:i], *shapes[i + 1 :]]
    )
    return _Plan(
        subscripts=f"{','.join([output, *others])}->{kept}",
        optimize=optimize or math.prod(sizes.values()) >= LARGE,
        lengths=None if kept == labels else tuple([found[label] if label in kept else 1 for label in labels]),
        shape=tuple([own[label] for label in labels]),
        diagonal=labels != terms[i],
    )


def _einsum_vjp(y_bar: Array, site: Site, *, subscripts: str, optimize: Any) -> list[Array]:
    if not isinstance(optimize, bool | str):
        optimize = True  # a path that was given for the value does not fit its adjoint
    shapes = tuple([np.shape(x) for x in site.xs])
    return [
        _operand_bar(y_bar, site.xs, i, _plan(subscripts, shapes, optimize, i), subscripts) if need else None
        for i, need in enumerate(site.needs)
    ]


def _operand_bar(y_bar: Array, xs: Sequence[Array], i: int, plan: _Plan, subscripts: str) -> Array:
    product = partial(_einsum, subscripts=plan.subscripts, optimize=plan.optimize)
    x_bar = contract(product, y_bar, *xs[:i], *xs[i + 1 :])
    if plan.lengths is not None:
        x_bar = np.reshape(x_bar, plan.lengths)
    if np.shape(x_bar) != plan.shape:
        x_bar = np.broadcast_to(x_bar, plan.shape)
    if plan.diagonal:
        x_bar = _embed(x_bar, term=_parse(subscripts)[0][i])
    return match(x_bar, xs[i])


def _einsum_batch(
    size: int, xs: Sequence[Array], batched: Sequence[bool], *, subscripts: str, optimize: Any
) -> Array:
    terms, output = _parse(subscripts)
    label = _fresh(subscripts, 1)
    if not isinstance(optimize, bool | str):
        optimize = True
    names = [label + term if on else term for term, on in zip(terms, batched, strict=True)]
    return _einsum(*xs, subscripts=f"{','.join(names)}->{label}{output}", optimize=optimize)


def _einsum_labels(shapes: Sequence[tuple[int, ...]], *, subscripts: str, optimize: Any) -> tuple[Any, Any]:
    terms, output = _parse(subscripts)
    return [tuple(term) for term in terms], tuple(output)


def _einsum_samples(rng: np.random.Generator) -> Samples:
    cases: list[tuple[str, list[tuple[int, ...]]]] = [
        ("ij,jk->ik", [(2, 3), (3, 2)]), ("i,i->", [(3,), (3,)]), ("ij->ji", [(2, 3)]),
        ("ij->", [(2, 3)]), ("ij->i", [(2, 3)]),
        ("ii->i", [(3, 3)]), ("ii->", [(3, 3)]), ("iij->ji", [(2, 2, 3)]), ("iij,j->i", [(2, 2, 3), (3,)]),
        ("iji,ii->j", [(2, 3, 2), (2, 2)]), ("i,j->ij", [(2,), (3,)]), ("ij,k->i", [(2, 3), (2,)]),
        (",i->i", [(), (3,)]),
        ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]), ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 3)]), ("->", [()]),
        ("i,i,i,i->i", [(3,), (3,), (3,), (3,)]), ("ij,ij->ij", [(1, 3), (2, 3)]), ("ij,ij->j", [(2, 1), (2, 3)]),
        ("i,i->", [(1,), (3,)]), ("ij,j->i", [(2, 0), (0,)]), ("i,ij->j", [(0,), (0, 2)]),
        ("ii,ii->", [(2, 2), (2, 2)]),
        ("i,i,j->ij", [(1,), (2,), (1,)]),
    ]  # fmt: skip
    for index, (subscripts, shapes) in enumerate(cases):
        xs = tuple(np.asarray(rng.normal(size=shape)) for shape in shapes)
        yield xs, {"subscripts": subscripts, "optimize": index % 2 == 1}


_einsum = define(
    name="einsum",
    doc="Sum of products over named axes, in Einstein's notation.",
    eval=_einsum_eval,
    infer=_einsum_infer,
    jvp=_einsum_jvp,
    taylor=multilinear_series("einsum", contract, spread),
    vjp=_einsum_vjp,
    batch=_einsum_batch,
    lower=Contraction(_einsum_labels),
    samples=_einsum_samples,
    complex=True,
    ordered=False,
)


@implements(np.einsum)
def einsum(
    *operands: Any, optimize: Any = False, dtype: Any = None, casting: str = "safe", order: str = "K"
) -> Array:
    """Sum of products over named axes, in all forms that NumPy accepts."""
    subscripts, xs = _split_operands(operands)
    if dtype is not None:
        xs = [_cast(x, np.dtype(dtype), casting) for x in xs]
    ranks = tuple([np.ndim(x) for x in xs])
    params = {
        "subscripts": _canonical(subscripts, ranks, optimized=optimize is not False),
        "optimize": optimize,
    }
    y = _einsum(*xs, **params)
    if len(xs) == 1:
        link_view(xs[0], y, Step(_einsum, (), params))  # axes permuted, or a diagonal
    return y


def _cast(x: Array, dtype: np.dtype[Any], casting: str) -> Array:
    if hasattr(x, "dtype") and not np.can_cast(x.dtype, dtype, casting):  # type: ignore[arg-type]
        message = f"Cannot cast operand from {x.dtype} to {dtype} according to the rule {casting!r}"
        raise TypeError(message)
    return x.astype(dtype) if hasattr(x, "astype") else np.asarray(x, dtype)


@implements(np.einsum_path)
def _einsum_path(*operands: Any, optimize: Any = "greedy", einsum_call: bool = False) -> Any:
    """Contraction order: it depends on the shapes alone."""
    subscripts, xs = _split_operands(operands)
    stand_ins = [np.broadcast_to(np.zeros((), np.result_type(x)), np.shape(x)) for x in xs]
    path: Any = np.einsum_path
    return path(subscripts, *stand_ins, optimize=optimize, einsum_call=einsum_call)
