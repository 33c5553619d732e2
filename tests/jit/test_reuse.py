"""`linearize` and `vjp` of compiled functions reuse the trace: the user's function runs once for all derivatives."""

import numpy as np
import pytest

import wengert as wg
from wengert.jit import jit
from wengert.transforms.staging import Stage

X, OTHER, V = np.array([0.3, -1.1, 0.7]), np.array([1.5, 0.2, -0.4]), np.array([1.0, -0.5, 2.0])


class Runs:
    """How often a function has run: a count that it does not read itself, or each would look like another program."""

    def __init__(self):
        self.count = 0

    def of(self, fun):
        def counted(x):
            tick()
            return fun(x)

        def tick():
            self.count += 1

        counted.__module__ = tick.__module__ = "numpy"  # names of libraries are not watched
        return counted


def smooth(x):
    return np.sum(np.sin(x) ** 2 * np.exp(x[::-1]))


def vector(x):
    return np.sin(x) * np.cumsum(x)


def pulled(y, pull):
    return pull(np.ones_like(y))


USES = {
    "value": lambda f, x: f(x),
    "grad": lambda f, x: wg.grad(lambda x: np.sum(f(x)))(x),
    "vjp": lambda f, x: pulled(*wg.vjp(f, x)),
    "jvp": lambda f, x: wg.jvp(f, (x,), (V,)),
    "linearize": lambda f, x: wg.linearize(f, x)[1](V),
    "jacfwd": lambda f, x: wg.jacfwd(f)(x),
    "jacrev": lambda f, x: wg.jacrev(f)(x),
    "hessian": lambda f, x: wg.hessian(lambda x: np.sum(f(x)))(x),
    "grad of grad": lambda f, x: wg.jacrev(wg.grad(lambda x: np.sum(f(x))))(x),
    "checkpoint": lambda f, x: wg.grad(wg.checkpoint(lambda x: np.sum(f(x))))(x),
}


@pytest.mark.parametrize("fun", [smooth, vector])
@pytest.mark.parametrize("use", USES)
def test_the_function_runs_once(use, fun):
    runs = Runs()
    compiled = jit(runs.of(fun))
    for x in (X, OTHER, X):
        for found, expected in zip(leaves(USES[use](compiled, x)), leaves(USES[use](fun, x)), strict=True):
            # sums of three terms below 10, in another order
            np.testing.assert_allclose(
                found, expected, rtol=0, atol=1e-14 * max(1.0, np.max(np.abs(expected)))
            )
    assert runs.count == 1


def leaves(y):
    return y if isinstance(y, tuple) else (y,)


def test_the_function_runs_once_for_all_uses():
    """Once for plain operands, and once for those that carry derivatives."""
    runs = Runs()
    compiled = jit(runs.of(smooth))
    for x in (X, OTHER):
        for use in USES.values():
            use(compiled, x)
    assert runs.count == 2
    assert compiled.cache_info().signatures == 2


def test_what_is_made_of_the_trace_is_made_once(monkeypatch):
    """Derivative graphs are kept with the graph: a second point stages nothing, not even of Wengert's own rules."""
    stages = []
    begin = Stage.__init__

    def counted(self, **kwargs):
        stages.append(kwargs)
        begin(self, **kwargs)

    compiled = jit(smooth)
    for use in ("grad", "jvp", "linearize", "hessian"):
        USES[use](compiled, X)
        monkeypatch.setattr(Stage, "__init__", counted)
        USES[use](compiled, OTHER)
        monkeypatch.undo()
        assert stages == []
        stages.clear()


def test_a_pullback_and_a_pushforward_do_not_run_the_function(way):
    """Graphs that are run again and again become machine code meanwhile, which rounds otherwise."""
    rtol = 0.0 if way == "by NumPy" else 32 * np.finfo(float).eps
    runs = Runs()
    fun = runs.of(smooth)
    for wrap in (jit, lambda f: f):
        wrapped = wrap(fun)
        _, pull = wg.vjp(wrapped, X)
        _, push = wg.linearize(wrapped, X)
        before = runs.count
        first = [pull(np.float64(2.0))[0], push(V)]
        for _ in range(3):
            np.testing.assert_allclose(pull(np.float64(2.0))[0], first[0], rtol=rtol)
            np.testing.assert_allclose(push(V), first[1], rtol=rtol)
        assert runs.count == before
    assert abs(2 * first[1] - first[0] @ V) <= 64 * np.finfo(float).eps * np.sum(np.abs(first[0] * V))


def test_another_way_runs_it_once_more():
    runs = Runs()
    compiled = jit(runs.of(lambda x: np.sum(x * x) if x[0] > 1 else np.prod(x)))
    for x in (X, OTHER, X, OTHER):
        for use in ("vjp", "linearize", "jvp"):
            USES[use](compiled, x)
    assert runs.count == 2


def test_compiled_derivatives_run_it_once():
    runs = Runs()
    slope = jit(wg.grad(runs.of(smooth)))
    for x in (X, OTHER, X):
        np.testing.assert_allclose(slope(x), wg.grad(smooth)(x), rtol=0, atol=1e-13)
    assert runs.count == 1
