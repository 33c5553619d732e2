"""Branches under vmap: what an example does not take is not seen, neither in warnings nor in derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg

X = np.array([0.0, 4.0, -1.0])
CHOICES = {
    "log": lambda x: wg.cond(x > 0, np.log, lambda x: x * 0.0, x),
    "sqrt": lambda x: wg.cond(x > 0, np.sqrt, lambda x: 0.0 * x, x),
    "divide": lambda x: wg.cond(x != 0, lambda x: 1.0 / x, lambda x: 3.0 * x, x),
    "switch": lambda x: wg.switch(
        (x > 0) * 1 + (x > 2) * 1, [lambda x: 0.0 * x, np.log, lambda x: x**2.5], x
    ),
    "a loop": lambda x: wg.cond(
        x > 0, lambda x: wg.fori_loop(0, 3, lambda _, y: y + np.log(y + 2.0), x), lambda x: 0.0 * x, x
    ),
}


def summed(f):
    return lambda x: np.sum(wg.vmap(f)(x))


# Each with what it is made of example by example; pytest turns warnings into errors.
FORMS = {
    "value": (wg.vmap, lambda f: f),
    "batch of gradients": (lambda f: wg.vmap(wg.grad(f)), wg.grad),
    "gradient of a batch": (lambda f: wg.grad(summed(f)), wg.grad),
    "batch of hessians": (lambda f: wg.vmap(wg.hessian(f)), wg.hessian),
    "hessian of a batch": (lambda f: lambda x: np.diag(wg.hessian(summed(f))(x)), wg.hessian),
    "forward twice": (lambda f: wg.vmap(wg.jacfwd(wg.jacfwd(f))), wg.hessian),
    "third order": (lambda f: wg.vmap(wg.grad(wg.grad(wg.grad(f)))), lambda f: wg.grad(wg.grad(wg.grad(f)))),
    "jit vmap": (lambda f: wg.jit(wg.vmap(f)), lambda f: f),
    "jit vmap grad": (lambda f: wg.jit(wg.vmap(wg.grad(f))), wg.grad),
    "vmap grad jit": (lambda f: wg.vmap(wg.grad(wg.jit(f))), wg.grad),
    "grad jit vmap": (lambda f: wg.grad(lambda x: np.sum(wg.jit(wg.vmap(f))(x))), wg.grad),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CHOICES)
def test_branches_not_taken_are_not_seen(name, form):
    of_batch, of_one = FORMS[form]
    expected = [of_one(CHOICES[name])(x) for x in X.tolist()]
    assert np.all(np.isfinite(expected))
    # The same operations; sums of a few terms in another order.
    np.testing.assert_allclose(of_batch(CHOICES[name])(X), expected, rtol=1e-13)
