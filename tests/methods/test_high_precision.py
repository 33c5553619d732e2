"""Values and derivatives in many digits: against NumPy's for every primitive in the table, and against closed forms."""

import mpmath
import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import PRIMITIVES
from wengert.errors import RuleMissingError
from wengert.methods.high_precision import HighPrecision
from wengert.methods.high_precision_rules import rules

MP = mpmath.MPContext()
MP.dps = 40
TABLE = rules(MP)


def boxed(x):
    x = np.asarray(x)
    return np.asarray(np.frompyfunc(MP.convert, 1, 1)(x)) if x.dtype.kind == "f" else x


def real_samples(prim):
    for xs, params in prim.samples(np.random.default_rng(7)) if prim.samples else ():
        dtypes = [np.asarray(x).dtype for x in xs] + (
            [np.dtype(params["dtype"])] if params.get("dtype") else []
        )
        if all(t.kind != "c" for t in dtypes):
            yield xs, params


@pytest.mark.parametrize("name", sorted(set(TABLE) & set(PRIMITIVES)))
def test_a_value_in_many_digits_rounds_to_the_value(name):
    prim = PRIMITIVES[name]
    for xs, params in real_samples(prim):
        with np.errstate(all="ignore"):
            want = prim.eval(*xs, **params)
        found = TABLE[name](*map(boxed, xs), **params)
        for w, y in zip(
            want if prim.multiple else (want,), found if prim.multiple else (found,), strict=True
        ):
            np.testing.assert_allclose(np.asarray(y).astype(float), w, rtol=1e-12, atol=1e-13)
            assert np.shape(y) == np.shape(w)


def test_the_table_is_large():
    assert len(set(TABLE) & set(PRIMITIVES)) > 100


def digits(fun, x, v, n=50):
    exact = HighPrecision(wg.trace(fun)(x))
    return exact, exact.derivative([x], [v]).value


@pytest.mark.parametrize("x", [1e-300, 1e-20, 0.7, 3.0, 1e250])
def test_fifty_digits_of_a_logarithm_at_any_size(x):
    exact, value = digits(np.log, x, 1.0)
    assert abs(value.item() * exact.mp.mpf(x) - 1) < exact.mp.mpf(10) ** -50


def test_fifty_digits_of_a_program():
    exact, value = digits(
        lambda x: np.sum(np.exp(np.sin(x)) * x[::-1]), np.array([0.3, 0.9]), np.array([1.0, 0.0])
    )
    mp = exact.mp
    a, b = mp.mpf(0.3), mp.mpf(0.9)
    want = mp.exp(mp.sin(a)) * mp.cos(a) * b + mp.exp(mp.sin(b))
    assert abs(value.item() - want) < mp.mpf(10) ** -50


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: wg.fori_loop(0, 5, lambda k, s: s * np.sin(x) + k, 1.0),
        lambda x: wg.while_loop(lambda s: s < 10, lambda s: s * x, 1.0),
        lambda x: wg.cond(x > 1, np.sin, np.cos, x) * wg.cond(x > 2, np.sin, np.cos, x),
        lambda x: np.sum(wg.scan(lambda s, a: (s * a + x, s), 1.0, np.arange(4.0), reverse=True)[1]),
    ],
)
def test_loops_and_branches(fun):
    _, value = digits(fun, 1.7, 1.0)
    assert abs(float(value.item()) - wg.grad(fun)(1.7)) < 1e-13


def test_higher_derivatives_along_a_direction():
    exact = HighPrecision(wg.trace(lambda x: np.prod(np.exp(x)))(np.zeros(2)))
    x, v = np.array([0.1, 0.2]), np.array([1.0, 2.0])
    for k in range(8):
        assert np.isclose(exact.along([x], [v], k), 3.0**k * np.exp(0.3), rtol=1e-9)


@pytest.mark.parametrize(("x", "kink"), [(0.0, True), (1e-12, False), (-2.0, False)])
def test_a_kink_is_seen(x, kink):
    assert HighPrecision(wg.trace(np.abs)(x)).derivative([x], [1.0]).kink is kink


@pytest.mark.parametrize(
    "fun", [lambda x: x * np.sin(x), lambda x: x**3, lambda x: x * np.abs(x), lambda x: x * 0]
)
def test_a_flat_place_is_no_kink(fun):
    assert not HighPrecision(wg.trace(fun)(0.0)).derivative([0.0], [1.0]).kink


def test_what_has_no_value_is_named():
    with pytest.raises(RuleMissingError, match="'fft' has no value in many digits"):
        HighPrecision(wg.trace(lambda x: np.fft.fft(x).real)(np.ones(4))).evaluate([np.ones(4)])


def test_a_limit_ends_it():
    exact = HighPrecision(wg.trace(lambda x: wg.fori_loop(0, 10**7, lambda k, s: s * x, 1.0))(0.5), limit=0.2)
    with pytest.raises(TimeoutError, match=r"longer than 0.2 s"):
        exact.evaluate([0.5])


def test_precision_of_others_is_left_alone():
    before = mpmath.mp.dps
    digits(np.sin, 1.0, 1.0)
    assert mpmath.mp.dps == before
