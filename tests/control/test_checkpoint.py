"""Checkpoints change what is kept, and no derivative: not by a bit, and not in its random numbers."""

import functools
import gc
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.control.schedules import fewest_advances
from wengert.errors import ArgumentError, OverwriteError, WengertError

rng = np.random.default_rng(7)
X, W = rng.normal(size=4), rng.normal(size=(4, 4))
XS, V = rng.normal(size=(5, 4)), rng.normal(size=4)


def plain(fun: Any) -> Any:
    return fun


def plain_loop(step: Any, state: Any, n: int) -> Any:
    for k in range(n):
        state = step(k, state)
    return state


def layers(ck: Any) -> Any:
    """Functions that use what they close over several times, some made in a loop over k, one in another."""

    def f(x: Any, w: Any) -> Any:
        layer = ck(lambda x: np.tanh(w @ x) + w[0] * x)
        for k in range(3):
            x = layer(x)
            x = ck(lambda x: ck(np.cos)(x * k) + w[1] * w[2] * x)(x)  # noqa: B023 - k as it is in this call
        return np.sum(x**2) + np.sum(w)

    return f


def looped(loop: Any) -> Any:
    def f(x: Any, w: Any) -> Any:
        def step(k: int, state: Any) -> Any:
            return {
                "x": np.tanh(w @ state["x"]) + w[0] * state["x"] * k,
                "sum": state["sum"] + state["x"][0] * w[k % 4],
            }

        end = loop(step, {"x": x, "sum": 0.0}, 7)
        return np.sum(end["x"] ** 2 * end["sum"]) + np.sum(w * w)

    return f


SNAPSHOTS = [None, 1, 2, 3, 20, "sqrt", "binomial"]
PAIRS = {"checkpoint": (layers(plain), layers(wg.checkpoint))} | {
    f"loop {s}": (looped(plain_loop), looped(functools.partial(wg.checkpointed_loop, snapshots=s)))
    for s in SNAPSHOTS
}
pairs = pytest.mark.parametrize(("unchecked", "checked"), PAIRS.values(), ids=list(PAIRS))

MODES = {
    "value": lambda f: f(X, W),
    "grad": lambda f: wg.grad(f, (0, 1))(X, W),
    "jvp": lambda f: wg.jvp(f, (X, W), (V, W)),
    "vmap": lambda f: wg.vmap(f, (0, None))(XS, W),
    "hessian": lambda f: wg.hessian(f, (0, 1))(X, W),
    "hvp": lambda f: wg.hvp(f, (X, W), (V, W)),
    "jacrev": lambda f: wg.jacrev(lambda x: f(x, W) * x)(X),
    "vmap of grad": lambda f: wg.vmap(wg.grad(f), (0, None))(XS, W),
    "grad of vmap": lambda f: wg.grad(lambda xs: np.sum(wg.vmap(f, (0, None))(xs, W)))(XS),
    "jacrev of vmap": lambda f: wg.jacrev(lambda xs: wg.vmap(f, (0, None))(xs, W))(XS),
}
# Here the checked program computes some values twice, and their cotangents meet in another order.
MODES_TO_ROUNDING = {
    "reverse over reverse": lambda f: wg.jacrev(wg.grad(f, (0, 1)), (0, 1))(X, W),
    "reverse over forward": lambda f: wg.grad(lambda x, w: wg.jvp(f, (x, w), (V, W))[1], (0, 1))(X, W),
    "third": lambda f: wg.grad(lambda x: np.sum(wg.grad(lambda x: np.sum(wg.grad(f)(x, W) ** 2))(x)))(X),
}


def assert_same(a: Any, b: Any) -> None:
    (xs, s), (ys, t) = wg.tree.flatten(a), wg.tree.flatten(b)
    assert s == t
    for x, y in zip(xs, ys, strict=True):
        assert type(x) is type(y)
        assert x.dtype == y.dtype
        assert x.tobytes() == y.tobytes()


@pytest.mark.parametrize("mode", MODES.values(), ids=list(MODES))
@pairs
def test_every_mode_is_equal_to_the_last_bit(unchecked, checked, mode):
    assert_same(mode(unchecked), mode(checked))


@pytest.mark.parametrize("mode", MODES_TO_ROUNDING.values(), ids=list(MODES_TO_ROUNDING))
@pairs
def test_reverse_of_a_derivative_is_equal_to_rounding(unchecked, checked, mode):
    for x, y in zip(wg.tree.flatten(mode(unchecked))[0], wg.tree.flatten(mode(checked))[0], strict=True):
        scale = np.max(np.abs(x))
        np.testing.assert_allclose(y, x, rtol=0, atol=200 * np.finfo(float).eps * scale)  # some 100 terms


@pytest.mark.parametrize("snapshots", SNAPSHOTS)
def test_staged(snapshots):
    def f(loop: Any, ck: Any) -> Any:
        return lambda x: np.sum(ck(np.cos)(loop(lambda _, x: np.sin(x) * ck(np.tanh)(x), x, 5)))

    unchecked = f(plain_loop, plain)
    checked = f(functools.partial(wg.checkpointed_loop, snapshots=snapshots), wg.checkpoint)
    for way in (lambda f: wg.jit(wg.grad(f))(X), lambda f: wg.grad(wg.jit(f))(X)):
        np.testing.assert_allclose(way(checked), way(unchecked), rtol=50 * np.finfo(float).eps)


def test_complex_numbers():
    def f(ck: Any) -> Any:
        return lambda z: np.sum(np.abs(ck(lambda z: np.exp(1j * z) * z)(z)))

    z = X + 1j * V
    assert_same(wg.grad(f(plain))(z), wg.grad(f(wg.checkpoint))(z))


@pairs
def test_variables(unchecked, checked):
    found = []
    for f in (unchecked, checked):
        x, w = wg.Variable(X), wg.Variable(W)
        f(x, w).backward()
        found.append((x.grad, w.grad))
    assert_same(*found)


@pairs
def test_variables_with_create_graph(unchecked, checked):
    found = []
    for f in (unchecked, checked):
        x, w = wg.Variable(X), wg.Variable(W)
        f(x, w).backward(create_graph=True)
        once = np.sum(x.grad**2)
        x.zero_grad()
        once.backward()
        found.append(x.grad if isinstance(x.grad, np.ndarray) else x.grad.value)
    np.testing.assert_allclose(
        found[1], found[0], rtol=0, atol=200 * np.finfo(float).eps * np.max(np.abs(found[0]))
    )


@pairs
def test_a_pullback_may_be_used_many_times_and_in_threads(unchecked, checked):
    y, pull = wg.vjp(checked, X, W)
    expected = wg.vjp(unchecked, X, W)[1](y)
    assert_same(expected, pull(y))
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: pull(y), range(8)):
            assert_same(expected, found)


class Counted:
    """A function that counts its calls, those of second runs too: an object is not copied for them."""

    def __init__(self, fun: Any) -> None:
        self.fun, self.calls = fun, 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        return self.fun(*args)


def test_the_function_runs_twice():
    f = Counted(np.sin)
    wg.grad(wg.checkpoint(f))(1.0)
    assert f.calls == 2
    wg.jvp(wg.checkpoint(f), (1.0,), (1.0,))
    assert f.calls == 3


def test_pytrees_keywords_and_methods():
    class Scale:
        def __init__(self, a: float) -> None:
            self.a = a

        @wg.checkpoint
        def __call__(self, p: Any, *, power: int) -> Any:
            return {"y": self.a * p["x"] ** power, "n": 3, "text": "unchanged"}

    def f(x: Any) -> Any:
        result = Scale(2.0)({"x": x, "unused": None}, power=3)
        assert result["n"] == 3
        assert result["text"] == "unchanged"
        return result["y"]

    assert wg.grad(f)(2.0) == 24.0


def test_results_that_are_inputs_or_equal():
    def f(ck: Any) -> Any:
        def g(x: Any) -> Any:
            y, z, same, c = ck(lambda x: (x, s := np.sin(x), s, 2.0))(x)
            return np.sum(y * z * same * c)

        return g

    assert_same(wg.grad(f(plain))(X), wg.grad(f(wg.checkpoint))(X))


def test_infinite_partials_behind_a_zero_cotangent():
    def f(ck: Any) -> Any:
        return lambda x: np.sum(ck(lambda x: np.where(x > 0, np.sqrt(np.abs(x)), 0.0))(x))

    x = np.array([0.0, 1.0, 4.0])
    assert_same(wg.grad(f(plain))(x), wg.grad(f(wg.checkpoint))(x))
    for s in SNAPSHOTS:  # the sweep takes a stretch back, and comes to the same gates again
        loop = functools.partial(wg.checkpointed_loop, snapshots=s)
        found = [
            wg.grad(lambda x: np.sum(l(lambda k, x: np.where(x > 0, np.sqrt(np.abs(x)), 0.0 * x), x, 9)))(x)  # noqa: B023
            for l in (plain_loop, loop)  # noqa: E741
        ]
        assert np.isfinite(found[0]).all()
        assert_same(*found)


# What the second run sees -------------------------------------------------------------------------------------------


def both(program: Any, *args: Any) -> None:
    """The gradient of a program of a checkpointing function is that of the program without."""
    assert_same(
        wg.grad(lambda *xs: program(plain, *xs))(*args),
        wg.grad(lambda *xs: program(wg.checkpoint, *xs))(*args),
    )


def test_writes_into_arguments():
    def program(ck: Any, x: Any) -> Any:
        def g(x: Any, y: Any) -> Any:
            x[0] = np.sin(x[1]) * x[0]
            y *= x
            return np.sum(x * y)

        y = x * 2.0
        z = x * 1.0
        total = ck(g)(z, y)
        return total + np.sum(z * y)

    both(program, X)


def test_writes_into_what_the_function_closes_over():
    def program(ck: Any, x: Any) -> Any:
        out = np.zeros_like(x)

        def put(k: int) -> None:
            out[k] = np.sin(x[k]) * x[k]

        for k in range(4):
            ck(put)(k)
        return np.sum(out**2)

    both(program, X)


def test_later_writes_into_arguments():
    def program(ck: Any, x: Any) -> Any:
        y, c = x * 1.0, np.ones(4)
        z = ck(lambda y, c: np.sin(y) * c)(y, c)
        y[:] = 0.0
        c[:] = 100.0
        return np.sum(z) + np.sum(y)

    both(program, X)


def test_later_writes_into_what_the_function_closes_over():
    def program(ck: Any, x: Any) -> Any:
        buffer, traced, parts, total = np.empty(4), x * 1.0, [], 0.0
        for k in range(3):
            buffer[:] = k + 1
            parts.append(k + 2.0)
            total += np.sum(ck(lambda x: np.sin(x * buffer) * traced * parts[-1])(x))  # noqa: B023 - as it is now
            traced *= 2.0
        return total

    both(program, X)


def test_long_lists():
    def program(ck: Any, x: Any) -> Any:
        xs = [x * k for k in range(1100)]
        numbers = [1.0] * 2000
        y = ck(lambda xs: np.sin(xs[1]) * xs[1099] * numbers[1500])(xs)
        xs[1] *= 3.0
        return np.sum(y) + np.sum(xs[1])

    both(program, X)


def test_a_recursive_function():
    def program(ck: Any, x: Any) -> Any:
        def power(x: Any, n: int) -> Any:
            return x if n == 0 else np.sin(x) * power(x, n - 1)

        return np.sum(ck(power)(x, 4))

    both(program, X)


def test_large_arrays_are_read_only_until_the_sweep():
    table = np.ones(20_000)

    def f(x: Any) -> Any:
        y = wg.checkpoint(lambda x: x * np.sin(table[:4]))(x)
        table[:] = 0.0
        return np.sum(y)

    with pytest.raises(OverwriteError):
        wg.grad(f)(X)
    table[:] = 2.0


def test_a_call_leaves_other_locks_alone():
    table = np.ones(20_000)

    def f(x: Any) -> Any:
        y = x * table
        y = wg.checkpoint(np.sin)(y)
        table[:] = 0.0
        return np.sum(y)

    with pytest.raises(OverwriteError):
        wg.grad(f)(np.ones(20_000))
    table[:] = 2.0


@pytest.mark.parametrize("way", ["checkpoint", "loop"])
def test_a_function_that_writes_into_what_it_needs_again_raises(way):
    table = np.ones(20_000)

    def g(x: Any) -> Any:
        y = x * np.sum(table)
        table[:] = 2.0
        return y

    def f(x: Any) -> Any:
        y = wg.checkpoint(g)(x) if way == "checkpoint" else wg.checkpointed_loop(lambda _, x: g(x), x, 2)
        return np.sum(y)

    with pytest.raises(OverwriteError, match="run twice") as caught:
        wg.grad(f)(X)
    assert four_parts(caught.value)
    table[:] = 2.0


def test_large_arrays_made_in_the_function_are_not_held():
    def noisy(x: Any) -> Any:
        return x * np.full(100_000, 1.01)

    def peak(ck: Any) -> int:
        def f(x: Any) -> Any:
            for _ in range(30):
                x = ck(noisy)(x)
            return np.sum(x)

        tracemalloc.start()
        wg.grad(f)(np.ones(100_000))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(plain) > 55 * 800_000  # states and factors
    assert peak(wg.checkpoint) < 40 * 800_000  # states


STREAM = np.random.default_rng(3)
OLD = np.random.RandomState(4)


class Noise:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(5)

    def __call__(self, x: Any) -> Any:
        return x * self.rng.normal(size=4)


def draws(kind: str) -> Any:
    stream, noise = np.random.default_rng(6), Noise()
    return {
        "global": lambda x: x * np.random.normal(size=4),  # noqa: NPY002
        "one of a pair": lambda x: x * np.random.randn(),  # noqa: NPY002
        "closure": lambda x: x * stream.normal(size=4),
        "module": lambda x: x * STREAM.normal(size=4) * OLD.uniform(),
        "attribute": noise,
        "method": noise.__call__,
        "argument": functools.partial(lambda g, x: x * g.normal(size=4), stream),
        "inner function": lambda x: [noise(x) for _ in range(2)][1],
    }[kind]


KINDS = ["global", "one of a pair", "closure", "module", "attribute", "method", "argument", "inner function"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["checkpoint", "nested", *SNAPSHOTS])
def test_random_draws(kind, way):
    def program(fun: Any, checked: bool) -> Any:
        ck = wg.checkpoint if checked else plain

        def f(x: Any) -> Any:
            if way == "checkpoint":
                for _ in range(3):
                    x = ck(fun)(np.sin(x))
            elif way == "nested":
                x = ck(lambda x: ck(fun)(np.sin(ck(fun)(x))))(x)
            else:
                loop = functools.partial(wg.checkpointed_loop, snapshots=way) if checked else plain_loop
                x = loop(lambda k, x: fun(np.sin(x) + k), x, 6)
            return np.sum(x)

        return f

    found, after = [], []
    for checked in (False, True):
        np.random.seed(8)  # noqa: NPY002
        STREAM.bit_generator.state = np.random.default_rng(9).bit_generator.state
        OLD.seed(10)
        fun = draws(kind)
        found.append(wg.grad(program(fun, checked))(X))
        after.append((np.random.normal(), fun(np.ones(4))))  # noqa: NPY002
    assert_same(*found)
    assert np.array_equal(after[0][0], after[1][0])
    assert np.array_equal(after[0][1], after[1][1])


# What goes wrong ----------------------------------------------------------------------------------------------------


def four_parts(error: WengertError) -> bool:
    return all((error.what, error.where, error.why, error.instead))


@pytest.mark.parametrize("how", ["another shape", "another value", "constant", "fewer"])
def test_a_second_run_that_differs_raises(how):
    runs = []

    class Elsewhere:
        def __call__(self, x: Any) -> Any:
            runs.append(1)
            if len(runs) == 1:
                return np.sin(x)
            return {
                "another shape": lambda: np.sin(x)[:2],
                "another value": lambda: np.sin(x) * 1.001,
                "constant": lambda: np.sin(X),
                "fewer": lambda: (),
            }[how]()

    with pytest.raises(ArgumentError, match="something else when it was run again") as caught:
        wg.grad(lambda x: np.sum(wg.checkpoint(Elsewhere())(x)))(X)
    assert four_parts(caught.value)


def test_a_step_that_differs_raises():
    class Count:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, k: int, x: Any) -> Any:
            self.calls += 1
            return np.sin(x) * self.calls

    with pytest.raises(ArgumentError, match="something else when it was run again") as caught:
        wg.grad(lambda x: np.sum(wg.checkpointed_loop(Count(), x, 5, snapshots=2)))(X)
    assert four_parts(caught.value)


def test_what_leaves_a_step_by_another_way_raises():
    def f(x: Any) -> Any:
        seen = []

        def step(k: int, x: Any) -> Any:
            seen.append(np.sin(x))
            return seen[-1]

        end = wg.checkpointed_loop(step, x, 4)
        return np.sum(end) + np.sum(seen[2])

    with pytest.raises(ArgumentError, match="used outside of it") as caught:
        wg.grad(f)(X)
    assert four_parts(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: wg.checkpoint(3.0),
        lambda: wg.checkpoint(np.sin, policy=3),
        lambda: wg.checkpointed_loop(3.0, X, 2),
        lambda: wg.checkpointed_loop(lambda k, x: x, X, -1),
        lambda: wg.checkpointed_loop(lambda k, x: x, X, 2.0),
        lambda: wg.checkpointed_loop(lambda k, x: x, X, 3, snapshots=0),
        lambda: wg.checkpointed_loop(lambda k, x: x, X, 3, snapshots="log"),
    ],
)
def test_arguments_that_do_not_fit_raise(call):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert four_parts(caught.value)


def test_an_error_of_the_function_comes_through():
    def broken(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        wg.grad(wg.checkpoint(broken))(1.0)
    assert wg.grad(np.sin)(0.0) == 1.0


# Policies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [{"exp"}, ["exp", "sin"], lambda name: name != "multiply", (), {"solve"}])
def test_a_policy_changes_no_derivative(policy):
    def program(ck: Any, x: Any) -> Any:
        return np.sum(ck(lambda x: np.sin(np.exp(x)) * np.linalg.solve(W, x) * np.exp(-x))(x))

    for mode in (wg.grad, wg.hessian, lambda f: wg.vmap(wg.grad(f))):
        x = XS if mode not in (wg.grad, wg.hessian) else X
        kept = mode(lambda x: program(functools.partial(wg.checkpoint, policy=policy), x))(x)
        assert_same(mode(lambda x: program(plain, x))(x), kept)


def test_a_policy_keeps_results(monkeypatch):
    calls = Counted(np.exp)
    prim = wg.core.primitive.PRIMITIVES["exp"].with_rules(eval=calls)
    for policy, expected in ((None, 2), ({"exp"}, 1)):
        calls.calls = 0
        wg.grad(wg.checkpoint(lambda x: prim(x) * x, policy=policy))(1.0)
        assert calls.calls == expected


# Loops --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "s"), [(1, 1), (2, 1), (10, 3), (57, 5), (100, 4), (300, 20)])
def test_a_loop_runs_the_fewest_steps(n, s):
    """Once for the result, then those of the schedule after its first way to step n - 1, and each for its reversal."""
    step = Counted(lambda k, x: np.sin(x))
    y, pull = wg.vjp(lambda x: wg.checkpointed_loop(step, x, n, snapshots=s), X)
    assert step.calls == n
    pull(y)
    assert step.calls == n + (fewest_advances(n, s) - (n - 1)) + n


def test_no_steps():
    assert wg.checkpointed_loop(lambda k, x: 1 / 0, "state", 0) == "state"


def test_states_without_derivative_and_of_changing_structure():
    def f(loop: Any) -> Any:
        def step(k: int, state: Any) -> Any:
            x, *past = state
            return (np.sin(x) * (1.0 if not past else past[-1]), *past, float(k), "text")[: 3 + k % 2]

        return lambda x: np.sum(loop(lambda k, s: step(k, s[:1] + s[2:2]), (x, 1.0), 6)[0])

    for s in SNAPSHOTS:
        loop = functools.partial(wg.checkpointed_loop, snapshots=s)
        assert_same(wg.grad(f(plain_loop))(X), wg.grad(f(loop))(X))


def test_steps_that_write_into_their_state():
    def f(loop: Any) -> Any:
        def step(k: int, state: Any) -> Any:
            x, counts = state
            counts[k % 3] += 1.0
            x[k % 4] = np.sin(x[(k + 1) % 4]) * counts[k % 3]
            return x, counts

        return lambda x: np.sum(loop(step, (x * 1.0, np.zeros(3)), 9)[0])

    for s in SNAPSHOTS:
        loop = functools.partial(wg.checkpointed_loop, snapshots=s)
        assert_same(wg.grad(f(plain_loop))(X), wg.grad(f(loop))(X))


def test_a_loop_whose_first_state_does_not_matter():
    def f(loop: Any) -> Any:
        return lambda w: np.sum(loop(lambda k, x: np.cos(w) if k == 3 else np.sin(x) * w, 1.0, 6))

    for s in SNAPSHOTS:
        loop = functools.partial(wg.checkpointed_loop, snapshots=s)
        assert_same(wg.grad(f(plain_loop))(X), wg.grad(f(loop))(X))


def test_loops_in_loops_and_in_checkpoints():
    def f(loop: Any, ck: Any) -> Any:
        def inner(x: Any, w: Any) -> Any:
            return loop(lambda k, x: np.sin(x * w) + k, x, 4)

        return lambda x: np.sum(ck(lambda x: loop(lambda k, y: inner(y, x) * x, x, 5))(x))

    loop = functools.partial(wg.checkpointed_loop, snapshots=2)
    for mode in (wg.grad, wg.hessian):
        assert_same(mode(f(plain_loop, plain))(X), mode(f(loop, wg.checkpoint))(X))


def peak_states(n: int, snapshots: Any, size: int) -> float:
    """Most memory at once in the gradient of a loop over a vector, in vectors."""
    x = np.linspace(0.0, 1.0, size)
    f = wg.grad(
        lambda x: np.sum(wg.checkpointed_loop(lambda k, x: x - 1e-3 * np.sin(x), x, n, snapshots=snapshots))
    )
    f(x)
    gc.collect()
    gc.disable()  # what is let go must go by itself
    tracemalloc.start()
    f(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    gc.enable()
    return peak / x.nbytes


def test_memory_is_that_of_the_snapshots():
    """With s snapshots the sweep needs s vectors, to within a tenth, and a few for one step and its reversal."""
    size = 40_000
    few, many = peak_states(100, 5, size), peak_states(100, 25, size)
    assert (
        few <= 5 + 12
    )  # 3 of the step, 3 cotangents, 2 of a rule, the state at hand, those a stretch may return to
    assert abs(many - few - 20) <= 2
    assert peak_states(400, 5, size) == pytest.approx(few, abs=1)


def scanned(n, snapshots):
    def f(x):
        carry, _ = wg.scan(lambda c, _: (np.sin(c) * 1.01, None), x, length=n, checkpoint=snapshots)
        return np.sum(carry)

    return f


@pytest.mark.parametrize("snapshots", [5, 20])
def test_the_memory_of_a_scan_is_its_snapshots_and_one_step(snapshots):
    """Theory: the snapshots, the last state and its cotangent, and what one step and its reversal hold at a time.

    The latter are the cotangent, the residual, and their product.
    """
    x = np.linspace(0.1, 1.0, 40_000)
    gradient = wg.grad(scanned(2_000 // snapshots, snapshots))
    gradient(x)
    gc.collect()
    tracemalloc.start()
    gradient(x)
    peak = tracemalloc.get_traced_memory()[1] / x.nbytes
    tracemalloc.stop()
    theory = snapshots + 2 + 3
    assert abs(peak - theory) <= 0.1 * theory
