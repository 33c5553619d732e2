"""Families: whole records from one formula.

    elementwise         y = f(x_1, ..., x_n) entry by entry, from its partial derivatives
    nondifferentiable   a ufunc whose derivative is zero wherever it exists
    linear              one operand, from the transpose
    bilinear            two operands, from the two transposes

Broadcasting and promotion are undone in one place, `match`. A zero tangent, cotangent or partial contributes
zero, even where the other factor is infinite or undefined: `masked` is the product with that rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.numpy_protocol import UFUNCS
from wengert.core.primitive import Primitive, Site, define
from wengert.ops.coefficients import coefficientwise, linear_series, multilinear_series
from wengert.ops.entries import masked_product, pointwise
from wengert.ops.masking import contract
from wengert.types import ArrayType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from wengert.core.lowering import Lowering, Pointwise

    Rule = str | Callable[..., Any] | None
    Partial = Callable[..., Any] | int
    Samples = Callable[[np.random.Generator], Iterator[tuple[tuple[Any, ...], dict[str, Any]]]]

__all__ = [
    "bilinear",
    "binary",
    "elementwise",
    "linear",
    "masked",
    "match",
    "nondifferentiable",
    "spread",
    "unary",
]


# Broadcasting -------------------------------------------------------------------------------------------------------


_SHORT, _MANY = (
    8,
    4096,
)  # np.sum over a last axis so short is up to 38 times slower than adding so many entries


def match(x_bar: Any, x: Any) -> Any:
    """Return a cotangent in the shape and dtype of its operand: the adjoint of broadcasting and promotion."""
    if (
        type(x) is type(x_bar) and x_bar.dtype is x.dtype and x_bar.shape == x.shape
    ):  # the short way, and the common one
        return x_bar
    shape = np.shape(x)
    if np.shape(x_bar) != shape:
        x_bar = _sum_to(x_bar, shape)
    dtype = getattr(x, "dtype", None)
    if dtype is None or dtype == x_bar.dtype:
        return x_bar
    if dtype.kind != "c" and x_bar.dtype.kind == "c":
        x_bar = np.real(x_bar)
    return x_bar if x_bar.dtype == dtype else x_bar.astype(dtype)


def _sum_to(x_bar: Any, shape: tuple[int, ...]) -> Any:
    extra = np.ndim(x_bar) - len(shape)
    if 0 in shape:
        return np.zeros(shape, x_bar.dtype)
    if extra < 0:
        return np.broadcast_to(x_bar, shape)
    ones = tuple([i + extra for i, n in enumerate(shape) if n == 1 and x_bar.shape[i + extra] != 1])
    axes = (*range(extra), *ones)
    if axes == (np.ndim(x_bar) - 1,) and 1 < x_bar.shape[-1] <= _SHORT and x_bar.size > _MANY:
        x_bar = sum([x_bar[..., i] for i in range(1, x_bar.shape[-1])], x_bar[..., 0])
    else:
        x_bar = np.sum(x_bar, axis=axes)
    return np.reshape(x_bar, shape) if ones else x_bar


def spread(y_dot: Any, y: Any) -> Any:
    """Return a tangent in the shape and dtype of its result: broadcasting and promotion."""
    if np.shape(y_dot) != np.shape(y):
        y_dot = np.broadcast_to(y_dot, np.shape(y))
    return y_dot if y_dot.dtype == y.dtype else y_dot.astype(y.dtype)


# masked: c * p, and 0 where either is 0 -------------------------------------------------------------------------


def _masked_eval(c: Any, p: Any) -> Any:
    y: Any = np.multiply(c, p)
    if type(y) is np.ndarray:
        # the cheapest way to ask whether everything is finite; for large arrays BLAS would wake threads
        norm: Any = np.vdot(y, y) if y.size < 4096 else np.add.reduce(y, axis=None)
        if norm - norm == 0:
            return y
    return np.where((c == 0) | (p == 0), np.zeros((), y.dtype), y)[()]


def _masked_jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
    (c, p), (c_dot, p_dot) = xs, x_dots
    y = masked(c, p)
    terms = []
    if c_dot is not None:
        terms.append(masked(c_dot, p))
    if p_dot is not None:
        terms.append(masked(c, p_dot))
    return y, spread(sum(terms[1:], terms[0]), y)


def _masked_vjp(y_bar: Any, site: Site) -> list[Any]:
    (c, p), (need_c, need_p) = site.xs, site.needs
    return [match(masked(y_bar, p), c) if need_c else None, match(masked(y_bar, c), p) if need_p else None]


def _masked_samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    return binary(-2.0, 2.0, -2.0, 2.0)(rng)


# Elementwise --------------------------------------------------------------------------------------------------------


def _resolve(fun: np.ufunc) -> Callable[..., Any]:
    """Return the `infer` rule of a ufunc: broadcast shapes, NumPy's own type resolution."""

    def infer(*types: ArrayType) -> Any:
        shape = np.broadcast_shapes(*[t.shape for t in types])
        dtypes = fun.resolve_dtypes((*[t.dtype for t in types], *([None] * fun.nout)))
        ys = tuple(ArrayType(shape, dtype) for dtype in dtypes[fun.nin :])
        return ys if fun.nout > 1 else ys[0]

    return infer


def align(xs: Sequence[Any], batched: Sequence[bool]) -> list[Any]:
    """Insert axes behind the batch axis so that batched operands broadcast example by example."""
    rank = max(np.ndim(x) - b for x, b in zip(xs, batched, strict=True))
    return [
        np.reshape(x, (x.shape[0], *([1] * (rank - np.ndim(x) + 1)), *x.shape[1:]))
        if b and np.ndim(x) - 1 < rank
        else x
        for x, b in zip(xs, batched, strict=True)
    ]


def _elementwise_batch(fun: Callable[..., Any]) -> Callable[..., Any]:
    return lambda _size, xs, batched: fun(*align(xs, batched))


def _masked_term(partial: Partial) -> Callable[..., Any] | None:
    """Return (c, y, *xs) -> c * partial, 0 where c is 0, and c itself or -c where the partial is 1 or -1."""
    if isinstance(partial, int):
        return {0: None, 1: lambda c, _y, *_: c, -1: lambda c, _y, *_: -c}[partial]
    return lambda c, y, *xs: masked(c, _weak(partial(y, *xs), y))


def _weak(partial: Any, y: Any) -> Any:
    """Return a partial that NumPy has computed of Python numbers alone as one: it promotes nothing."""
    return partial.item() if isinstance(partial, np.generic) and partial.dtype != y.dtype else partial


def _elementwise_jvp(fun: Callable[..., Any], terms: Sequence[Any]) -> Callable[..., Any]:
    def jvp(xs: Sequence[Any], x_dots: Sequence[Any]) -> tuple[Any, Any]:
        y = fun(*xs)
        y_dot = None
        with np.errstate(all="ignore"):
            for term, x_dot in zip(terms, x_dots, strict=True):
                if x_dot is not None and term is not None:
                    part = term(x_dot, y, *xs)
                    y_dot = part if y_dot is None else y_dot + part
        return y, None if y_dot is None else spread(y_dot, y)

    return jvp


def _elementwise_vjp(terms: Sequence[Any]) -> Callable[..., Any]:
    def vjp(y_bar: Any, site: Site) -> list[Any]:
        _, _, _, xs, y, _, parents = site
        return [
            match(term(y_bar, y, *xs), x) if parent is not None and term is not None else None
            for term, x, parent in zip(terms, xs, parents, strict=True)
        ]

    return vjp


# The quick rules do the same with plain products. They are written out for one and two operands, because they
# decide what an operation on a small array costs.

_WEAK = frozenset({float, int})  # Python numbers neither broadcast nor promote a floating operand


def _keeps_dtype(fun: np.ufunc) -> bool:
    """Whether a ufunc of one operand has its operand's dtype, for every floating and complex one."""
    loops = [loop for loop in fun.types if loop[0] in "efdgFDG"]
    return "e->e" in loops and all(loop[0] == loop[-1] for loop in loops)


def _quick_unary(fun: np.ufunc, partial: Partial) -> Callable[..., Any]:
    if not isinstance(partial, int) and _keeps_dtype(fun):
        return lambda y_bar, site: (y_bar * partial(site[4], site[3][0]),)
    if isinstance(partial, int):
        return {
            0: lambda _y_bar, _site: (None,),
            1: lambda y_bar, _site: (y_bar,),
            -1: lambda y_bar, _site: (-y_bar,),
        }[partial]
    return lambda y_bar, site: (match(y_bar * partial(site[4], site[3][0]), site[3][0]),)


def _quick_product(left: Callable[..., Any], right: Callable[..., Any]) -> Callable[..., Any]:
    """Return the quick rule of two operands whose partials are functions."""

    def quick(y_bar: Any, site: Any) -> tuple[Any, Any]:
        _, _, _, (a, b), y, _, (a_site, b_site) = site
        a_bar = b_bar = None
        if a_site is not None:
            a_bar = y_bar * _weak(left(y, a, b), y)
            if type(b) not in _WEAK or a_bar.dtype is not a.dtype:  # a partial may be wider
                a_bar = match(a_bar, a)
        if b_site is not None:
            b_bar = y_bar * _weak(right(y, a, b), y)
            if type(a) not in _WEAK or b_bar.dtype is not b.dtype:
                b_bar = match(b_bar, b)
        return a_bar, b_bar

    return quick


def _quick_sum(right: int) -> Callable[..., Any]:
    """Return the quick rule of a + b or a - b."""

    def quick(y_bar: Any, site: Any) -> tuple[Any, Any]:
        _, _, _, (a, b), _, _, (a_site, b_site) = site
        a_bar = b_bar = None
        if a_site is not None:
            a_bar = y_bar
            if type(b) not in _WEAK and (a_bar.shape != a.shape or a_bar.dtype is not a.dtype):
                a_bar = match(a_bar, a)
        if b_site is not None:
            b_bar = y_bar if right == 1 else -y_bar
            if type(a) not in _WEAK and (b_bar.shape != b.shape or b_bar.dtype is not b.dtype):
                b_bar = match(b_bar, b)
        return a_bar, b_bar

    return quick


def _quick_vjp(fun: np.ufunc, partials: Sequence[Partial]) -> Callable[..., Any] | None:
    if len(partials) == 1:
        return _quick_unary(fun, partials[0])
    if len(partials) == 2 and all(callable(p) for p in partials):
        return _quick_product(*partials)  # type: ignore[arg-type]
    if len(partials) == 2 and partials[0] == 1 and partials[1] in (1, -1):
        return _quick_sum(partials[1])
    return None


def _lowering(fun: np.ufunc, rule: Rule) -> Pointwise | None:
    """Return a rule as a lowering, which is weighed on doubles where the ufunc takes them, else on integers."""
    loops = [loop for letter in "dl" for loop in fun.types if loop.startswith(letter)]
    types = ["i64" if letter in "li" else "f64" for letter in loops[0][: fun.nin]] if rule else []
    return pointwise(rule, *types)


def elementwise(
    fun: np.ufunc,
    partials: Sequence[Partial],
    *,
    doc: str,
    samples: Samples,
    name: str | None = None,
    complex: bool = False,
    quick: Callable[..., Any] | None = None,
    taylor: Callable[..., Any] | None = None,
    lower: Rule = None,
    cheap: bool = False,
) -> Primitive:
    r"""Define the primitive of a ufunc from its partial derivatives.

    Parameters
    ----------
    fun : ufunc
        Any ufunc with one result.
    partials : sequence
        For each operand a function (y, \*xs) -> dy/dx_i, or the number 1, -1 or 0 where the partial is that
        constant.
    lower : str or (builder, *xs) -> y, optional
        The operation of kernels that it is, or how an entry is computed by such operations.
    doc, samples, name, complex, quick, taylor, cheap
        Fields of the record.

    Returns
    -------
    Primitive
    """
    terms = [_masked_term(p) for p in partials]
    jvp = _elementwise_jvp(fun, terms)
    if all(isinstance(p, int) for p in partials):
        taylor = coefficientwise(jvp)
    prim = define(
        name=name or fun.__name__,
        doc=doc,
        eval=fun,
        infer=_resolve(fun),
        jvp=jvp,
        taylor=taylor,
        vjp=_elementwise_vjp(terms),
        quick=quick or _quick_vjp(fun, partials),
        batch=_elementwise_batch(fun),
        lower=_lowering(fun, lower),
        samples=samples,
        elementwise=True,
        complex=complex,
        cheap=cheap,
    )
    UFUNCS[fun] = prim
    return prim


def nondifferentiable(
    fun: np.ufunc, *, doc: str, samples: Samples, name: str | None = None, lower: Rule = None
) -> Primitive:
    """Define the primitive of a ufunc whose derivative is zero wherever it exists."""
    prim = define(
        name=name or fun.__name__,
        doc=doc,
        eval=fun,
        infer=_resolve(fun),
        batch=_elementwise_batch(fun),
        lower=_lowering(fun, lower),
        samples=samples,
        multiple=fun.nout > 1,
        elementwise=fun.nout == 1,
        differentiable=False,
        cheap=True,
    )
    UFUNCS[fun] = prim
    return prim


masked: Primitive = define(
    name="masked",
    doc="Product c p that is 0 where a factor is 0, even if the other is infinite or undefined there.",
    eval=_masked_eval,
    infer=_resolve(np.multiply),
    jvp=_masked_jvp,
    taylor=multilinear_series("masked", lambda product, *xs: product(*xs), spread),
    vjp=_masked_vjp,
    batch=lambda _size, xs, batched: masked(*align(xs, batched)),
    lower=pointwise(masked_product, "f64", "f64"),
    samples=_masked_samples,
    complex=True,
    cheap=True,
)


# Linear and bilinear ------------------------------------------------------------------------------------------------


def linear(
    name: str,
    eval: Callable[..., Any],
    transpose: Callable[..., Any],
    *,
    infer: Callable[..., Any],
    batch: Callable[..., Any] | None,
    doc: str,
    samples: Samples,
    complex: bool = True,
    cheap: bool = False,
    lower: Lowering | None = None,
) -> Primitive:
    """Define a primitive that is linear in its one operand; `transpose(y_bar, x, **params)` gives x_bar."""

    def jvp(xs: Sequence[Any], x_dots: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        return prim(xs[0], **params), prim(x_dots[0], **params)

    def vjp(y_bar: Any, site: Site, **params: Any) -> tuple[Any]:
        return (transpose(y_bar, site.xs[0], **params),)

    prim = define(
        name=name,
        doc=doc,
        eval=eval,
        infer=infer,
        jvp=jvp,
        taylor=linear_series(name),
        vjp=vjp,
        batch=batch,
        lower=lower,
        samples=samples,
        shapes_only=True,
        complex=complex,
        cheap=cheap,
    )
    return prim


def bilinear(
    name: str,
    eval: Callable[..., Any],
    left: Callable[..., Any],
    right: Callable[..., Any],
    *,
    infer: Callable[..., Any],
    batch: Callable[..., Any] | None,
    doc: str,
    samples: Samples,
    complex: bool = True,
    alternating: bool = False,
    lower: Lowering | None = None,
) -> Primitive:
    """Define a primitive that is linear in each of two operands.

    `left(y_bar, a, b, **params)` gives a_bar, `right(y_bar, a, b, **params)` gives b_bar. All three are sums
    of products, in which zero factors make zero terms (see `masking`), but for `alternating` ones, whose
    products come with both signs.
    """
    apply: Callable[..., Any] = (lambda product, *factors: product(*factors)) if alternating else contract

    def jvp(xs: Sequence[Any], x_dots: Sequence[Any], **params: Any) -> tuple[Any, Any]:
        (a, b), (a_dot, b_dot) = xs, x_dots
        y = prim(a, b, **params)
        y_dot = None if a_dot is None else apply(lambda a, b: prim(a, b, **params), a_dot, b)
        if b_dot is not None:
            part = apply(lambda a, b: prim(a, b, **params), a, b_dot)
            y_dot = part if y_dot is None else y_dot + part
        return y, spread(y_dot, y)

    def vjp(y_bar: Any, site: Site, **params: Any) -> list[Any]:
        (a, b), (need_a, need_b) = site.xs, site.needs
        return [
            apply(lambda c, b: left(c, a, b, **params), y_bar, b) if need_a else None,
            apply(lambda c, a: right(c, a, b, **params), y_bar, a) if need_b else None,
        ]

    def quick(y_bar: Any, site: Any) -> tuple[Any, Any]:
        _, _, params, (a, b), _, _, (a_site, b_site) = site
        return (
            None if a_site is None else left(y_bar, a, b, **params),
            None if b_site is None else right(y_bar, a, b, **params),
        )

    prim = define(
        name=name,
        lower=lower,
        doc=doc,
        eval=eval,
        infer=infer,
        jvp=jvp,
        taylor=multilinear_series(name, apply, spread),
        vjp=vjp,
        quick=quick,
        batch=batch,
        samples=samples,
        complex=complex,
    )
    return prim


# Samples ------------------------------------------------------------------------------------------------------------


def unary(lo: float, hi: float) -> Samples:
    """Return samples of one operand in (lo, hi): a vector, a matrix, and 0-d."""

    def samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
        for shape in ((5,), (2, 3), ()):
            yield (np.asarray(rng.uniform(lo, hi, shape)),), {}

    return samples


def binary(lo: float, hi: float, lo2: float, hi2: float) -> Samples:
    """Return samples of two operands in (lo, hi) and (lo2, hi2): equal shapes and every kind of broadcasting."""

    def samples(rng: np.random.Generator) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
        for left, right in (
            ((4,), (4,)),
            ((2, 3), (3,)),
            ((2, 1), (1, 3)),
            ((), (3,)),
            ((2, 2), ()),
            ((), ()),
        ):
            yield (np.asarray(rng.uniform(lo, hi, left)), np.asarray(rng.uniform(lo2, hi2, right))), {}

    return samples
