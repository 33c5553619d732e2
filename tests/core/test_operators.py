"""Python's operators on traced values mean what they mean on NumPy's, with every kind of partner, from both sides."""

import decimal
import fractions
import operator as op
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.tracer import Tracer

ARITHMETIC = [op.add, op.sub, op.mul, op.truediv, op.floordiv, op.mod, op.pow, divmod]
COMPARISONS = [op.lt, op.le, op.gt, op.ge, op.eq, op.ne]
PARTNERS = {
    "float": 2.5,
    "int": 3,
    "bool": True,
    "complex": 1.0 + 2.0j,
    "np.float64": np.float64(2.5),
    "np.float32": np.float32(2.5),
    "np.int64": np.int64(3),
    "vector": np.array([1.0, 2.0, 0.5]),
    "float32 vector": np.array([1.0, 2.0, 0.5], np.float32),
    "integer vector": np.array([1, 2, 3]),
    "column": np.array([[1.0], [2.0]]),
    "0-d": np.array(2.5),
    "list": [1.0, 2.0, 0.5],
    "tuple": (1.0, 2.0, 0.5),
}
X = np.array([1.5, 2.5, 0.75])
partners = pytest.mark.parametrize("partner", PARTNERS.values(), ids=list(PARTNERS))
TRANSFORMS = {
    "forward": lambda f: wg.jvp(f, (X,), (np.ones(3),))[0],
    "reverse": lambda f: wg.vjp(f, X)[0],
    "batch": lambda f: wg.vmap(f)(np.stack([X, X]))[0],
    "nested": lambda f: wg.vjp(lambda x: wg.jvp(f, (x,), (np.ones(3),))[0], X)[0],
}
transforms = pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=list(TRANSFORMS))


def same(found: Any, expected: Any) -> None:
    assert np.array_equal(found, expected, equal_nan=True)
    assert np.shape(found) == np.shape(expected)
    assert np.result_type(found) == np.result_type(expected)


PAIRS = [
    pytest.param(operator, partner, id=f"{operator.__name__}-{name}")
    for operator in [*ARITHMETIC, *COMPARISONS]
    for name, partner in PARTNERS.items()
    if not (np.iscomplexobj(partner) and operator in {op.floordiv, op.mod, divmod})  # NumPy has none of these
]


@transforms
@pytest.mark.parametrize(("operator", "partner"), PAIRS)
def test_operators_with_every_partner(operator: Any, partner: Any, transform: Any) -> None:
    for fun in (lambda x: operator(x, partner), lambda x: operator(partner, x)):
        expected = fun(X)
        several = isinstance(expected, tuple)
        for k in range(2 if several else 1):
            one = (lambda x, k=k, fun=fun: fun(x)[k]) if several else fun
            same(transform(one), one(X))


@transforms
@pytest.mark.parametrize(
    "partner", [p for p in PARTNERS.values() if np.shape(p) == (3,)], ids=lambda p: type(p).__name__
)
def test_matmul(partner: Any, transform: Any) -> None:
    same(transform(lambda x: x @ np.asarray(partner)), X @ np.asarray(partner))
    same(
        transform(lambda x: partner @ x if isinstance(partner, np.ndarray) else np.asarray(partner) @ x),
        np.asarray(partner) @ X,
    )


@transforms
@pytest.mark.parametrize("operator", [op.neg, op.pos, abs], ids=lambda f: f.__name__)
def test_unary_operators(operator: Any, transform: Any) -> None:
    same(transform(operator), operator(X))


@transforms
@pytest.mark.parametrize(
    "operator", [op.and_, op.or_, op.xor, op.lshift, op.rshift], ids=lambda f: f.__name__
)
def test_integer_operators(operator: Any, transform: Any) -> None:
    def fun(x: Any) -> Any:
        i = np.floor(x * 4.0).astype(int)
        return operator(i, 3) + operator(3, i) + ~i

    same(transform(fun), fun(X))


INPLACE = [op.iadd, op.isub, op.imul, op.itruediv, op.ifloordiv, op.imod, op.ipow]


@transforms
@partners
@pytest.mark.parametrize("operator", INPLACE, ids=lambda f: f.__name__)
def test_augmented_assignment(operator: Any, partner: Any, transform: Any) -> None:
    def fun(x: Any) -> Any:
        y = x * 1.0
        other = y
        y = operator(y, partner)
        assert y is other
        return other

    try:
        expected = fun(X)
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error)):
            transform(fun)
        return
    same(transform(fun), expected)


def test_augmented_assignment_of_scalars_makes_a_new_value() -> None:
    def fun(x: Any) -> Any:
        y = x * 2.0
        other = y
        y += 1.0
        return other * y

    assert fun(3.0) == 42.0
    assert wg.value_and_grad(fun)(3.0) == (42.0, 2 * 7.0 + 2 * 6.0)
    assert wg.jvp(fun, (3.0,), (1.0,)) == (42.0, 26.0)


def test_augmented_assignment_of_arrays_of_no_axes_changes_them() -> None:
    def fun(x: Any) -> Any:
        other = x
        x += 1.0
        return other * 1.0

    assert fun(np.array(3.0)) == wg.value_and_grad(fun)(np.array(3.0))[0] == 4.0


def test_augmented_assignment_keeps_the_dtype() -> None:
    def fun(x: Any) -> Any:
        y = x * 1
        y += np.ones(3)  # float64 into float32: same kind
        return y

    x = X.astype(np.float32)
    assert wg.vjp(fun, x)[0].dtype == fun(x.copy()).dtype == np.float32


def test_a_plain_array_cannot_take_a_traced_value() -> None:
    def fun(x: Any) -> Any:
        y = np.zeros(3)
        y += x
        return np.sum(y)

    with pytest.raises(TypeError, match="plain"):
        wg.grad(fun)(X)


# Strangers ------------------------------------------------------------------------------------------------------------


class Stranger:
    """A class with operators of its own, which NumPy leaves to it."""

    __array_ufunc__ = None

    def __radd__(self, other: Any) -> str:
        return "stranger"

    def __add__(self, other: Any) -> str:
        return "stranger"


class Obedient:
    """A class without operators."""


def test_strangers_decide_for_themselves() -> None:
    def fun(x: Any) -> Any:
        assert x + Stranger() == Stranger() + x == "stranger"
        with pytest.raises(TypeError):
            x + Obedient()
        with pytest.raises(TypeError):
            Obedient() * x
        with pytest.raises(TypeError):
            x += Obedient()
        return np.sum(x)

    wg.grad(fun)(X)


@pytest.mark.parametrize(
    "partner", [decimal.Decimal(2), fractions.Fraction(1, 2), "text", b"bytes", None, {1}], ids=repr
)
def test_partners_that_are_no_numbers_raise(partner: Any) -> None:
    with pytest.raises(TypeError):
        wg.grad(lambda x: np.sum(x * partner))(X)


@pytest.mark.parametrize("partner", ["text", None, {1}], ids=repr)
def test_equality_with_what_is_no_number(partner: Any) -> None:
    def fun(x: Any) -> Any:
        assert not np.any(x == partner)
        assert np.all(x != partner)
        return np.sum(x)

    fun(X)
    wg.grad(fun)(X)


def test_operators_between_levels() -> None:
    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            seen.append([type(v) for v in (x + y, y + x, x * 1.0)])
            return np.sum(x * y + y / x - x**y)

        return np.sum(wg.grad(inner)(x))

    seen: list[Any] = []
    gradient = wg.grad(outer)(X)
    assert all(issubclass(t, Tracer) for types in seen for t in types)
    # d/dy (x y + y / x - x^y) at y = x is x + 1 / x - x^x log x
    h = 1e-30j
    at = lambda x: np.sum(x + 1 / x - x**x * np.log(x))
    np.testing.assert_allclose(gradient, [np.imag(at(X + h * e)) / 1e-30 for e in np.eye(3)], rtol=1e-12)
