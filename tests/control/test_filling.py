"""Loops that read and write entries of arrays: a step of the reverse sweep touches entries, never a whole array."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.core.graph import graphs_in

A = np.random.default_rng(0).normal(size=(9, 2)) * 0.3


def filled(k, z, a):
    z[k, 1] = z[k - 1, 0] * 0.5 + a[k, 0] * a[k, 1]
    z[k, 0] = z[k - 1, 1] + np.sin(a[k, 1] * z[k - 1, 0])
    return z


def added_to(k, z, a):
    z[k, 0] += a[k, 1] * z[k - 1, 1]
    z[k - 1, 1] += a[k, 0] * z[k, 0]
    return z


def rows(k, z, a):
    z[k] = z[k - 1] * a[k] + a[k - 1, 0] * a[k, k % 2]
    return z


BODIES = {"filled": filled, "added to": added_to, "rows": rows}


def loops(body):
    """Return the loop in Python, and the loops that stay loops."""

    def plain(a):
        z = wg.numpy.zeros(a.shape)
        for k in range(1, 9):
            z = body(k, z, a)
        return np.sum(z * z)

    def counted(a):
        z = wg.fori_loop(1, 9, lambda k, z: body(k, z, a), np.zeros(a.shape))
        return np.sum(z * z)

    def conditional(a):
        step = lambda s: (s[0] + 1, body(s[0], s[1], a))
        z = wg.while_loop(lambda s: s[0] < 9, step, (1, np.zeros(a.shape)))[1]
        return np.sum(z * z)

    return plain, counted, conditional


@pytest.mark.parametrize("name", BODIES)
def test_gradients_are_those_of_python_loops(name):
    plain, *others = loops(BODIES[name])
    expected = wg.grad(plain)(A)
    for fun in others:
        for gradient in (wg.grad(fun), wg.jit(wg.grad(fun))):
            np.testing.assert_allclose(gradient(A), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", BODIES)
def test_a_step_of_the_reverse_sweep_costs_entries(name):
    _, fun, _ = loops(BODIES[name])
    graph = wg.trace(wg.grad(fun))(A)
    nested = [body for node in graph.nodes for body in graphs_in(node.params)]
    assert len(nested) == 2
    for body in nested:
        whole = {node.prim.name for node in body.nodes if any(y.shape == A.shape for y in node.outputs)}
        assert whole <= {"index_add", "index_update"}
        scatters = [node for node in body.nodes if node.prim.name == "scatter"]
        assert not scatters


def test_stacked_residuals_are_entries():
    _, fun, _ = loops(filled)
    graph = wg.trace(wg.grad(fun))(A)
    forward = next(node for node in graph.nodes if node.prim.name == "scan")
    assert all(y.ndim <= 1 for y in forward.outputs if y.shape != A.shape)
