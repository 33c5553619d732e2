"""A primitive is one frozen record whose fields are its rules; a site is where one was applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from wengert.core.dispatch import bind

if TYPE_CHECKING:
    from collections.abc import Callable

    from wengert.core.lowering import Lowering

__all__ = ["PRIMITIVES", "LazyScatter", "Primitive", "Site", "define"]

PRIMITIVES: dict[str, Primitive] = {}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Primitive:
    """An operation and everything Wengert knows of it.

    Operands are positional arrays; whatever is static (axes, shapes, indices) is a keyword parameter. In
    every rule, None stands for a tangent or cotangent that is identically zero. Results, tangents and
    cotangents are tuples if `multiple`.

    Attributes
    ----------
    name, doc : str
        Unique name; one sentence with the source of the formula.
    eval : (*xs, **params) -> y
        The value, on plain arrays.
    infer : (*types, **params) -> type
        Shape and dtype of the result.
    jvp : (xs, x_dots, **params) -> (y, y_dot)
        Value and tangent; y_dot has the shape and dtype of y.
    save : (*xs, **params) -> (y, saved)
        Value, and what `vjp` wants besides operands and result.
    vjp : (y_bar, site, **params) -> x_bars
        Cotangents of the operands, each with its operand's shape and dtype; only those in `site.needs`.
    quick : (y_bar, site) -> x_bars
        The same without guarding zero cotangents against infinite partials: right if all it gives is finite. The
        sweep tries it first; `site` is a plain tuple.
    batch : (size, xs, batched, **params) -> y
        Batched operands carry the batch axis in front, and so does y. Absent: a loop over the examples.
    overwrite : (*xs, **params) -> y
        The value, in the memory of the first operand, which nobody else needs: for programs that own their values.
    lower : kind of lowering
        How it becomes loops over numbers: see `core.lowering`. Absent: compiled programs call `eval`.
    taylor : (xs, series, **params) -> (y, y_series)
        Value, and the coefficients (y_1, ..., y_K) of its power series from those of each operand. Absent: by `jvp`.
    sparsity, show
        Rules of later layers.
    samples : rng -> iterable of (xs, params)
        The test domain: the laws in tests/laws quantify over it.
    differentiable : bool
        False declares a zero derivative; tape and tangents then drop out.
    shapes_only : bool
        The vjp rule looks at the shapes and dtypes of operands and result only: the tape need not keep them.
    reuses : bool
        The quick rule may write into the cotangent it is given, and return it as that of the first operand.
    elementwise : bool
        A ufunc without parameters and with one result, which dispatches by itself.
    complex : bool
        The rules hold for complex operands.
    cheap : bool
        It costs little beside reading its operands: programs compute it again rather than keep it.
    ordered : bool
        Results lie in C's order where the operands, real numbers, do: asked of loops other than views.
    raises : bool
        Whether there is a value depends on the operands' values: a singular matrix has no inverse.
    """

    name: str
    doc: str
    eval: Callable[..., Any]
    infer: Callable[..., Any] | None = None
    jvp: Callable[..., Any] | None = None
    save: Callable[..., Any] | None = None
    vjp: Callable[..., Any] | None = None
    quick: Callable[..., Any] | None = None
    batch: Callable[..., Any] | None = None
    overwrite: Callable[..., Any] | None = None
    sparsity: Callable[..., Any] | None = None
    taylor: Callable[..., Any] | None = None
    lower: Lowering | None = None
    show: Callable[..., Any] | None = None
    samples: Callable[..., Any] | None = None
    multiple: bool = False
    differentiable: bool = True
    shapes_only: bool = False
    reuses: bool = False
    elementwise: bool = False
    complex: bool = False
    cheap: bool = False
    ordered: bool = True
    raises: bool = False

    def __call__(self, *xs: Any, **params: Any) -> Any:
        """Apply the primitive."""
        return bind(self, xs, params)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def with_rules(self, **rules: Any) -> Primitive:
        """Return a copy with some fields replaced; the registry is untouched."""
        return replace(self, **rules)


def define(**fields: Any) -> Primitive:
    """Build a primitive from its fields and register it under its name."""
    prim = Primitive(**fields)
    if prim.name in PRIMITIVES:
        message = f"a primitive named {prim.name!r} is already defined"
        raise ValueError(message)
    PRIMITIVES[prim.name] = prim
    return prim


class Site(NamedTuple):
    """Where a primitive was applied: all that its `vjp` rule may read, and the edges of the tape.

    `order` is minus the count of operations so far: sites compare youngest first, and an operand's site is
    older than its user's, so a heap of sites yields the reverse sweep's order. A leaf has no primitive. The
    tape keeps plain tuples of these fields.
    """

    order: int
    prim: Primitive | None
    params: dict[str, Any]
    xs: tuple[Any, ...]
    y: Any
    saved: Any
    parents: tuple[Site | None, ...]

    @property
    def needs(self) -> tuple[bool, ...]:
        """Which operands want a cotangent."""
        return tuple([parent is not None for parent in self.parents])


class LazyScatter:
    """A cotangent that is zero but for `piece` added at `index`.

    A program that reads n entries of an array one by one gets n of these, not n arrays: the reverse sweep
    adds them into one buffer.
    """

    __slots__ = ("index", "piece")

    def __init__(self, index: Any, piece: Any) -> None:
        self.index = index
        self.piece = piece
