"""Every law holds for every primitive, on every sample it declares."""

import pytest

import wengert.jit  # noqa: F401 - control flow and calls of graphs are in the registry too
from wengert.core.primitive import PRIMITIVES

from .adjoint import adjoint, adjoint_complex, adjoint_single
from .batch import batch, vmap, vmap_of_vjp
from .cases import ALL, DIFFERENTIABLE, GRAPHS, TO_TOLERANCE, check
from .difference import difference, difference_complex
from .infer import infer
from .layout import layout, staged_layout
from .masked import masked
from .quick import quick, quick_special
from .quick_subsets import quick_subsets
from .saved import partial_cotangents, saved
from .second_order import second_order, second_order_complex, second_order_single
from .shapes import shapes
from .taylor import laplacian, taylor, taylor_complex, taylor_composed, taylor_of_graphs, taylor_single

OF_ALL = (infer, batch, vmap, layout, staged_layout)
OF_DIFFERENTIABLE = (
    adjoint,
    adjoint_single,
    adjoint_complex,
    difference,
    difference_complex,
    second_order,
    second_order_single,
    second_order_complex,
    shapes,
    saved,
    partial_cotangents,
    masked,
    quick,
    quick_special,
    quick_subsets,
    vmap_of_vjp,
    taylor,
    taylor_single,
    taylor_complex,
    taylor_composed,
    laplacian,
)


@pytest.mark.parametrize("law", OF_ALL, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", ALL)
def test_law(name: str, law: object) -> None:
    check(PRIMITIVES[name], law)


@pytest.mark.parametrize("law", OF_DIFFERENTIABLE, ids=lambda law: law.__name__)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_law_of_derivatives(name: str, law: object) -> None:
    check(PRIMITIVES[name], law)


@pytest.mark.parametrize("name", sorted(GRAPHS - TO_TOLERANCE))
def test_series_of_graphs(name: str) -> None:
    check(PRIMITIVES[name], taylor_of_graphs)
