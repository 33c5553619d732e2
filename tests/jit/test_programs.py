"""Ordinary Python programs, unchanged: compiled, differentiated, and both, on inputs that take other ways.

Every form is made once from the first inputs and then called with all the others, twice; results are those of the plain
program, and derivatives are also those of a source that knows nothing of derivative rules.
"""

from functools import partial

import numpy as np
import pytest

import wengert as wg
from wengert import tree
from wengert.jit import jit

from .agreement import assert_close, assert_same_bits, outcome
from .ordinary import EPS, PROGRAMS, TREES, adaptive, bezout, euclid, evaluate, newton

DERIVATIVES = {
    "grad(jit)": lambda f: wg.grad(jit(f)),
    "jit(grad)": lambda f: jit(wg.grad(f)),
    "jit(grad(jit))": lambda f: jit(wg.grad(jit(f))),
}


def dots(args):
    """A direction in which all numbers of the first argument move."""
    leaves, structure = tree.flatten(args[0])
    return tree.unflatten(structure, [np.ones_like(x) * (0.5 + k) for k, x in enumerate(leaves)])


def forward(f):
    return lambda x, *rest: wg.jvp(lambda x: f(x, *rest), (x,), (dots((x,)),))


def flat(y):
    return np.concatenate([np.ravel(leaf) for leaf in tree.flatten(y)[0]] or [[]])


def is_close(found, expected, rtol):
    expected = flat(expected)
    np.testing.assert_allclose(flat(found), expected, rtol=0, atol=rtol * np.max(np.abs(expected), initial=0))


def is_indefinite(x):
    return x[0] <= 0 or x[0] * x[2] <= x[1] ** 2


@pytest.mark.parametrize("name", PROGRAMS)
def test_values(name, way):
    program = PROGRAMS[name]
    compiled = jit(program.fun)
    by_numpy = way == "by NumPy"
    require = (
        assert_same_bits if by_numpy else partial(assert_close, ulps=max(program.ulps, program.rtol / EPS))
    )
    for _ in range(2):
        for args in program.argss:
            require(outcome(compiled, *args), outcome(program.fun, *args))
    info = compiled.cache_info()
    assert info.paths == program.ways
    caught = 2 * sum(is_indefinite(*args) for args in program.argss) if name == "try" else 0
    assert info.eager == caught  # what the program caught has no graph


@pytest.mark.parametrize("form", DERIVATIVES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients(name, form):
    program = PROGRAMS[name]
    eager, staged = wg.grad(program.fun), DERIVATIVES[form](program.fun)
    for _ in range(2):
        for args in program.argss:
            assert_close(outcome(staged, *args), outcome(eager, *args), program.ulps)
            is_close(staged(*args), program.gradient(*args), program.rtol)


@pytest.mark.parametrize("name", PROGRAMS)
def test_directional_derivatives(name):
    program = PROGRAMS[name]
    compiled = jit(program.fun)
    for args in program.argss * 2:
        want = outcome(forward(program.fun), *args)
        assert_close(outcome(forward(compiled), *args), want, program.ulps)
        expected = np.dot(flat(program.gradient(*args)), flat(dots(args)))
        size = np.dot(np.abs(flat(program.gradient(*args))), np.abs(flat(dots(args))))
        assert abs(forward(compiled)(*args)[1] - expected) <= (program.rtol + 4 * np.finfo(float).eps) * size


@pytest.mark.parametrize("name", [name for name in PROGRAMS if name != "tree"])
def test_second_derivatives(name):
    program = PROGRAMS[name]
    compiled = jit(program.fun)
    second = program.second or differences(program.gradient)
    for form in (wg.hessian(compiled), jit(wg.hessian(program.fun)), wg.jacrev(wg.grad(compiled))):
        for args in program.argss * 2:
            assert_close(outcome(form, *args), outcome(wg.hessian(program.fun), *args), 4 * program.ulps)
            expected = second(*args)
            size = max(1.0, np.max(np.abs(expected)))
            tolerance = 16 * program.rtol if program.second else 1e-7
            np.testing.assert_allclose(form(*args), expected, rtol=0, atol=tolerance * size)


def differences(gradient, h=1e-3):
    """Second derivatives from exact first ones by five points.

    Truncation h⁴ |g⁗'| / 30 < 1e-8 for a fifth derivative below 3e5, rounding
    1.5 rtol / h < 1e-9: below 1e-7 together.
    """

    def second(x, *rest):
        x = np.asarray(x)
        columns = []
        for e in np.eye(x.size):
            step = h * e.reshape(x.shape)
            g = [np.asarray(gradient((x + k * step)[()], *rest)) for k in (-2, -1, 1, 2)]
            columns.append((g[0] - 8 * g[1] + 8 * g[2] - g[3]) / (12 * h))
        return np.reshape(columns, (*x.shape, *x.shape))

    return second


def test_the_programs_do_what_they_are_made_for():
    rejected = []
    adaptive(20.0, rejected=rejected)
    assert rejected  # steps were done again
    steps = [jit(newton), jit(euclid)]
    for x in (10.0, 1e4):
        steps[0](x)
    guards = [len(path.guards) for entry in steps[0]._entries.values() for path in entry[0].paths]
    assert len(set(guards)) == 2  # other numbers of steps
    assert euclid(12.0, 4.5) == 12 * bezout(12.0, 4.5) + 4.5 * 3 == 1.5


def test_trees_are_trees():
    compiled = jit(evaluate)
    for (x,) in TREES:
        got = wg.grad(compiled)(x)
        assert tree.flatten(got)[1] == tree.flatten(x)[1]
    assert compiled.cache_info().signatures == 2


def test_prints_are_those_of_the_program(capsys):
    """Once when it is staged; the function says the same when it is staged for another number."""
    compiled, program = jit(PROGRAMS["print"].fun), PROGRAMS["print"]
    for args in program.argss:
        compiled(*args)
    staged = capsys.readouterr().out
    for args in program.argss:
        program.fun(*args)
    assert staged == capsys.readouterr().out


@pytest.mark.parametrize(
    "name", [name for name, p in PROGRAMS.items() if isinstance(p.argss[0][0], np.ndarray)]
)
def test_batches_are_refused_or_right(name):
    """A batch has no one answer for Python: both refuse, or where nothing is asked both give the same."""
    program = PROGRAMS[name]
    x = np.stack([args[0] for args in program.argss])
    for f in (lambda g: g, wg.grad):
        want = outcome(wg.vmap(f(program.fun)), x)
        assert_close(outcome(wg.vmap(f(jit(program.fun))), x), want)
        assert_close(outcome(jit(wg.vmap(f(program.fun))), x), want)


def test_a_batch_beside_what_decides():
    """What decides is the same for all examples: the ways are taken by it."""

    def horner(x, coefficients, degree):
        y = 0.0
        for k in range(int(degree), -1, -1):
            y = y * x + coefficients[k]
            if coefficients[k] == 0:
                break
        return y

    x = np.array([0.5, -1.0, 2.0])
    compiled = jit(horner)
    for coefficients in (np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 3.0])):
        for degree in (0, 1, 2):
            for f in (lambda g: g, wg.grad, lambda g: wg.grad(wg.grad(g))):
                want = outcome(wg.vmap(f(horner), (0, None, None)), x, coefficients, degree)
                got = outcome(wg.vmap(f(compiled), (0, None, None)), x, coefficients, degree)
                assert_close(got, want)
                assert not isinstance(got, type)
