"""Polynomials by their coefficients: values as NumPy's, derivatives as differences say."""

import numpy as np
import pytest

import wengert as wg
from wengert.errors import RefusedError

from .agreement import check

P, Q = np.array([2.0, -1.0, 0.5, 3.0]), np.array([1.5, -0.7])


def test_polyval(rng):
    x = rng.normal(size=(2, 3))
    check(np.polyval, P, x)
    check(lambda p: np.polyval(p, [1.0, 2.0]), P)
    check(lambda x: np.polyval([3, 2, 1], x), x)
    check(lambda x: np.polyval(np.poly1d(P), x), x)
    with pytest.raises(RefusedError, match="polymul"):
        wg.grad(lambda p: np.polyval(p, np.poly1d([1.0, 2.0]))(0.0))(P)


def test_arithmetic():
    check(np.polyadd, P, Q)
    check(np.polysub, Q, P)
    check(np.polymul, P, Q)
    check(np.polydiv, P, Q, batches=False)
    check(lambda p: np.polydiv(Q, p)[1], P, batches=False)
    check(lambda p: np.polymul(np.polydiv(p, Q)[0], Q), P, batches=False)


def test_calculus():
    for m in range(5):
        check(lambda p, m=m: np.polyder(p, m), P)
        check(lambda p, m=m: np.polyint(p, m), P)
    check(lambda p, k: np.polyint(p, 2, k), P, Q, batches=False)
    check(lambda p, k: np.polyint(p, 2, k), P, np.array(0.7), batches=False)
    for fun, arguments in ((np.polyder, (-1,)), (np.polyint, (-1,)), (np.polyint, (3, [1.0, 2.0]))):
        with pytest.raises(ValueError, match=r"[Oo]rder|scalar"):
            wg.jvp(lambda p, f=fun, a=arguments: f(p, *a), (P,), (P,))


def test_vander():
    x = np.array([0.5, -1.0, 0.0, 2.0])
    for n in (None, 0, 1, 6):
        for increasing in (False, True):
            check(lambda x, n=n, i=increasing: np.vander(x, n, increasing=i), x)
    with pytest.raises(ValueError, match="one-dimensional"):
        wg.jvp(np.vander, (np.ones((2, 2)),), (np.ones((2, 2)),))


def test_poly_and_roots():
    z = np.array([1.0, 2.5, -0.5])
    check(np.poly, z)
    check(lambda z: np.poly(z * (1 + 1j)), z, batches=False)
    check(lambda a: np.poly(a + a.T), np.array([[1.0, 0.3], [0.2, 2.0]]), batches=False)
    check(lambda p: np.sort(np.real(np.roots(p))), np.poly(z), batches=False)
    y, y_dot = wg.jvp(np.roots, (np.array([1.0, 0.0, 4.0]),), (np.array([0.0, 0.0, 1.0]),))
    np.testing.assert_allclose(y, np.roots([1, 0, 4]), atol=1e-15)
    np.testing.assert_allclose(y_dot, -1 / (2 * y), rtol=1e-14)  # z^2 + c = 0: z' = -1 / (2 z)
    for p in ([0.0, 0.0, 1.0, -3.0, 2.0, 0.0], [5.0], [0.0, 0.0], [2.0, 0.0]):
        y = wg.jvp(np.roots, (np.array(p),), (np.zeros(len(p)),))[0]
        np.testing.assert_allclose(y, np.roots(p), atol=1e-14)


def test_lengths_that_differ_between_examples_are_refused():
    for fun in (np.roots, lambda p: np.polydiv(p, Q), lambda z: np.poly(z * 1j)):
        with pytest.raises(RefusedError, match="example to example"):
            wg.vmap(fun)(np.stack([P, P]))


def test_polyfit(rng):
    x, y, w = np.linspace(-1, 1, 8), rng.normal(size=8), rng.uniform(1.0, 2.0, 8)
    check(lambda x, y: np.polyfit(x, y, 2), x, y)
    check(lambda x, y, w: np.polyfit(x, y, 1, w=w), x, y, w)
    check(lambda y: np.polyfit(x, y, 2), rng.normal(size=(8, 3)))
    for bad in ({"full": True}, {"cov": True}):
        with pytest.raises(RefusedError, match="lstsq"):
            wg.grad(lambda y, bad=bad: np.sum(np.polyfit(x, y, 1, **bad)[0]))(y)
    with pytest.raises(ValueError, match="deg"):
        wg.grad(lambda y: np.sum(np.polyfit(x, y, -1)))(y)
