"""Every planted error in a rule is found by a law: the kill rate is 100 %."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.laws.adjoint import adjoint, adjoint_complex, adjoint_single
from tests.laws.batch import SIZE, _examples, batch
from tests.laws.cases import ALL, DIFFERENTIABLE, Case, is_float, samples
from tests.laws.difference import difference
from tests.laws.infer import infer
from tests.laws.layout import layout
from tests.laws.masked import masked
from tests.laws.rules import cotangents, results, reverse
from tests.laws.saved import saved
from tests.laws.second_order import second_order
from tests.laws.shapes import shapes
from tests.laws.taylor import laplacian, taylor
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.types import ArrayType

from . import mutations as bent

Law = Callable[[Primitive, Case], None]


def killed(mutant: Primitive, *laws: Law) -> bool:
    """Whether some law fails on some sample."""
    for case in samples(mutant):
        for law in laws:
            try:
                with np.errstate(all="ignore"):
                    law(mutant, case)
            except Exception:  # noqa: BLE001 - a crash is a kill as well
                return True
    return False


def _moves(prim: Primitive) -> bool:
    """Whether the derivative is nonzero at some sample: heaviside and its kin have nothing to bend."""
    return any(_operands_that_move(prim))


def _operands_that_move(prim: Primitive) -> list[int]:
    """The operands whose cotangent is nonzero at some sample."""
    moving = set()
    for case in samples(prim):
        with np.errstate(all="ignore"):
            for i, x_bar in enumerate(reverse(prim, case, cotangents(prim, case))):
                if x_bar is not None and np.any(np.asarray(x_bar) != 0):
                    moving.add(i)
    return sorted(moving)


PLANTED = [(name, i) for name in DIFFERENTIABLE for i in _operands_that_move(PRIMITIVES[name])]
TANGENTS = sorted({name for name, _ in PLANTED})


@pytest.mark.parametrize("how", ["FACTOR", "SIGN", "SHIFT"])
@pytest.mark.parametrize(("name", "operand"), PLANTED)
def test_bent_vjp_is_killed(name: str, operand: int, how: str) -> None:
    assert killed(bent.bend_vjp(PRIMITIVES[name], getattr(bent, how), operand), adjoint)


@pytest.mark.parametrize("how", ["FACTOR", "SIGN", "SHIFT"])
@pytest.mark.parametrize("name", TANGENTS)
def test_bent_jvp_is_killed_twice(name: str, how: str) -> None:
    """By the adjoint law, and by differences alone, so that both rules cannot be wrong together."""
    mutant = bent.bend_jvp(PRIMITIVES[name], getattr(bent, how))
    assert killed(mutant, adjoint)
    assert killed(mutant, difference)


SERIES = [name for name in TANGENTS if PRIMITIVES[name].taylor is not None]

# Laplacians are by real numbers, and a linear function of one of them has no second coefficient that could be bent.
UNSEEN = {
    *((name, order) for name in ("conjugate", "imag", "irfft", "real") for order in (1, 2)),
    *(("negative", 2), ("positive", 2)),
}


@pytest.mark.parametrize("how", ["FACTOR", "SIGN", "SHIFT"])
@pytest.mark.parametrize("name", SERIES)
def test_bent_series_are_killed(name: str, how: str) -> None:
    """By nested forward modes and contours; where a Laplacian uses them, by that of nested forward modes, too."""
    for order in (1, 2, 3):
        assert killed(bent.bend_taylor(PRIMITIVES[name], getattr(bent, how), order), taylor)
        if order < 3 and (name, order) not in UNSEEN:
            assert killed(bent.bend_taylor(PRIMITIVES[name], getattr(bent, how), order), laplacian)


@pytest.mark.parametrize(("name", "operand"), PLANTED)
def test_forgotten_operand_is_killed(name: str, operand: int) -> None:
    assert killed(bent.drop_operand(PRIMITIVES[name], operand), adjoint)
    assert killed(bent.drop_tangent(PRIMITIVES[name], operand), adjoint)
    assert killed(bent.drop_tangent(PRIMITIVES[name], operand), difference)


@pytest.mark.parametrize("name", [name for name in ALL if PRIMITIVES[name].batch is not None])
def test_wrong_batch_axis_is_killed(name: str) -> None:
    """The batch axis at the back, one example too few, or the examples in another order."""
    for bend in (lambda y: np.moveaxis(y, 0, -1), lambda y: y[:-1], lambda y: np.roll(y, 1, axis=0)):
        mutant = bent.bend_batch(PRIMITIVES[name], bend)
        if any(_changes(y, bend) for y in _batches(PRIMITIVES[name])):
            assert killed(mutant, batch)


def _batches(prim: Primitive) -> list[Any]:
    found = []
    for case in samples(prim):
        which = tuple(range(len(case.xs)))
        with np.errstate(all="ignore"):
            stacked, _ = _examples(prim, case, which, 0)
            found += results(prim.batch(SIZE, stacked, (True,) * len(case.xs), **case.params))
    return found


def _changes(y: Any, bend: Any) -> bool:
    bent_y = bend(np.asarray(y))
    return bent_y.shape != np.shape(y) or not np.allclose(
        bent_y, y, rtol=1e-9, atol=0.0, equal_nan=is_float(y)
    )


@pytest.mark.parametrize("name", ALL)
def test_wrong_types_are_killed(name: str) -> None:
    """`infer` with an axis too many, or in half precision."""
    prim = PRIMITIVES[name]
    for change in (
        lambda t: ArrayType((*t.shape, 1), t.dtype),
        lambda t: ArrayType(t.shape, np.dtype(np.float16)),
    ):

        def wrong(*types: Any, change: Any = change, **params: Any) -> Any:
            ts = prim.infer(*types, **params)
            return tuple(map(change, ts)) if prim.multiple else change(ts)

        assert killed(prim.with_rules(infer=wrong), infer)


@pytest.mark.parametrize("name", [name for name in DIFFERENTIABLE if PRIMITIVES[name].complex])
def test_conjugated_cotangent_is_killed(name: str) -> None:
    prim = PRIMITIVES[name]
    for i in _operands_that_move(prim):
        if name != "real":  # the cotangent of a real part is real: it is its own conjugate
            assert killed(bent.bend_vjp(prim, bent.CONJUGATE, i), adjoint_complex, adjoint)


def _wrong(name: str, **rules: Any) -> Primitive:
    return PRIMITIVES[name].with_rules(**rules)


# One mutant for each mistake that is easily made by hand: (mutant, the law that must find it).
BY_HAND: dict[str, tuple[Callable[[], Primitive], Law]] = {
    "missing unbroadcast": (lambda: _wrong("multiply", vjp=lambda g, s: [g * s.xs[1], g * s.xs[0]]), adjoint),
    "unbroadcast of one axis only": (
        lambda: _wrong("add", vjp=lambda g, s: [_sum_first(g, x) for x in s.xs]),
        adjoint,
    ),
    "missing broadcast of y_dot": (
        lambda: _wrong("add", jvp=lambda xs, ds: (xs[0] + xs[1], _first(ds))),
        adjoint,
    ),
    "product without its second term": (
        lambda: _wrong("multiply", jvp=lambda xs, ds: (xs[0] * xs[1], _term(xs, ds))),
        difference,
    ),
    "derivative of another function": (
        lambda: bent.with_eval(PRIMITIVES["sin"], lambda x: np.sin(x) + 1e-9 * x),
        difference,
    ),
    "wrong branch of tanh": (
        lambda: _wrong("tanh", jvp=lambda xs, ds: (np.tanh(xs[0]), (1 - xs[0] ** 2) * ds[0])),
        difference,
    ),
    "float64 constant": (
        lambda: _wrong("sin", vjp=lambda g, s: [g * np.cos(s.xs[0].astype(np.float64))]),
        adjoint_single,
    ),
    "float64 tangent": (
        lambda: _wrong("exp", jvp=lambda xs, ds: (np.exp(xs[0]), np.float64(1.0) * ds[0] * np.exp(xs[0]))),
        adjoint_single,
    ),
    "write into the cotangent": (lambda: _wrong("negative", vjp=_negate_in_place), layout),
    "write into the operand": (lambda: _wrong("square", vjp=_double_in_place), layout),
    "nan from a masked entry": (lambda: _wrong("sqrt", vjp=lambda g, s: [g * 0.5 / s.y]), masked),
    "nan from a masked tangent": (
        lambda: _wrong("log", jvp=lambda xs, ds: (np.log(xs[0]), ds[0] / xs[0])),
        masked,
    ),
    "constant partial at second order": (
        lambda: _wrong("sin", vjp=lambda g, s: [g * np.cos(getattr(s.xs[0], "value", s.xs[0]))]),
        second_order,
    ),
    "sum over another axis": (
        lambda: bent.bend_vjp(PRIMITIVES["cumsum"], lambda z: z[::-1] if np.ndim(z) else 2 * z, 0),
        adjoint,
    ),
    "transposed cotangent": (
        lambda: bent.bend_vjp(PRIMITIVES["inv"], lambda z: np.swapaxes(z, -1, -2), 0),
        adjoint,
    ),
    "operands exchanged": (
        lambda: _wrong("divide", vjp=lambda g, s: PRIMITIVES["divide"].vjp(g, s)[::-1]),
        adjoint,
    ),
    "result for the operand": (lambda: _wrong("exp", vjp=lambda g, s: [g * s.xs[0]]), adjoint),
    "depends on needs": (lambda: _wrong("multiply", vjp=_selfish), saved),
    "fails when empty": (
        lambda: _wrong("sin", vjp=lambda g, s: [g * np.cos(s.xs[0]) + 0 * np.max(g)]),
        shapes,
    ),
    "fails for 0-d": (lambda: _wrong("sin", vjp=lambda g, s: [np.atleast_1d(g * np.cos(s.xs[0]))]), shapes),
}


def _sum_first(y_bar: Any, x: Any) -> Any:
    while np.ndim(y_bar) > np.ndim(x):
        y_bar = y_bar.sum(axis=0)
    return y_bar


def _first(x_dots: Any) -> Any:
    return sum(dot for dot in x_dots if dot is not None)


def _term(xs: Any, x_dots: Any) -> Any:
    return xs[1] * x_dots[0] + 0 * xs[0] if x_dots[0] is not None else 0 * (xs[0] * xs[1])


def _negate_in_place(y_bar: Any, _site: Any) -> Any:
    return [np.negative(y_bar, out=y_bar) if np.ndim(y_bar) else -y_bar]


def _double_in_place(y_bar: Any, site: Any) -> Any:
    x = site.xs[0]
    return [y_bar * (np.multiply(x, 2.0, out=x) if np.ndim(x) else 2.0 * x)]


def _selfish(y_bar: Any, site: Any) -> Any:
    x_bars = list(PRIMITIVES["multiply"].vjp(y_bar, site))
    return x_bars if all(site.needs) else [None if x_bar is None else 2.0 * x_bar for x_bar in x_bars]


@pytest.mark.parametrize("mistake", BY_HAND)
def test_mistake_by_hand_is_killed(mistake: str) -> None:
    mutant, law = BY_HAND[mistake]
    assert killed(mutant(), law)


@pytest.mark.parametrize("name", ["sin", "multiply", "add", "sqrt", "sum", "matmul"])
def test_the_original_survives(name: str) -> None:
    """The harness does not kill what is right."""
    assert not killed(
        PRIMITIVES[name].with_rules(), adjoint, difference, second_order, layout, infer, batch, saved
    )
