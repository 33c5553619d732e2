"""no_grad: in its block nothing is recorded, in reverse and in forward mode; after it all is as before."""

import asyncio
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import errors
from wengert.core import attention

X = np.array([0.5, -1.0, 2.0])


def through(fun: Any) -> Any:
    """Call a function on traced values with the block around it."""

    def paused(x: Any) -> Any:
        with wg.no_grad():
            return fun(x)

    return paused


def total(x: Any) -> Any:
    return np.sum(x * x * through(lambda x: np.exp(x))(x))


TOTAL = 2 * X * np.exp(X)  # with exp(x) constant


@pytest.fixture(autouse=True)
def _no_block_is_left() -> Any:
    yield
    assert attention.mark() == 0
    assert wg.grad(lambda x: x * x)(3.0) == 6.0
    assert attention._active == 0
    assert all(interpreter.direct for interpreter in attention._open)


def test_reverse() -> None:
    np.testing.assert_allclose(wg.grad(total)(X), TOTAL, rtol=1e-15)


def test_forward() -> None:
    v = np.array([1.0, 2.0, -1.0])
    assert wg.jvp(total, (X,), (v,))[1] == pytest.approx(TOTAL @ v, rel=1e-15)


@pytest.mark.parametrize(
    "derivative", [wg.jacfwd, wg.jacrev, wg.jacobian, lambda f: lambda x: wg.vjp(f, x)[1](1.0)[0]]
)
def test_other_transformations(derivative: Any) -> None:
    np.testing.assert_allclose(derivative(total)(X), TOTAL, rtol=1e-15)


def test_linearize() -> None:
    y, push = wg.linearize(total, X)
    assert y == pytest.approx(np.sum(X * X * np.exp(X)), rel=1e-15)
    assert push(np.ones(3)) == pytest.approx(np.sum(TOTAL), rel=1e-15)


def test_second_derivatives() -> None:
    np.testing.assert_allclose(wg.hessian(total)(X), np.diag(2 * np.exp(X)), rtol=1e-15)


def test_under_vmap() -> None:
    found = wg.vmap(wg.grad(lambda t: t * t * through(np.exp)(t)))(X)
    np.testing.assert_allclose(found, TOTAL, rtol=1e-15)
    batched = wg.grad(lambda x: np.sum(wg.vmap(lambda t: t * through(np.exp)(t))(x)))(X)
    np.testing.assert_allclose(batched, np.exp(X), rtol=1e-15)


def test_evaluation_trace() -> None:
    trace = wg.evaluation_trace(lambda x: x * through(np.exp)(x), 1.0, mode="reverse")
    assert "exp" not in str(trace)


def test_results_are_plain_and_live_on() -> None:
    kept = []

    def fun(x: Any) -> Any:
        with wg.no_grad():
            kept.append(x.mean())
            kept.append(np.sort(x)[::-1] * 2.0)
        return np.sum(x) * kept[0]

    assert wg.grad(fun)(X).tolist() == [0.5] * 3
    assert type(kept[0]) is np.float64
    assert type(kept[1]) is np.ndarray


def test_numbers_and_plain_arrays_may_be_had() -> None:
    def fun(x: Any) -> Any:
        with wg.no_grad():
            scale = math.sqrt(float(x[2]) + 2.0) * int(x[2]) * len(np.asarray(x))
            buffer = np.zeros(3)
            buffer[0] = x[0]
            buffer += x
            np.add(buffer, x, out=buffer)
            assert type(buffer) is np.ndarray
            assert [10, 20, 30][round(x[2])] == 30
            table = [complex(x[0]), f"{float(x[1]):.1f}"]
        assert table == [0.5 + 0j, "-1.0"]
        return np.sum(x) * scale * buffer[0]

    for found in (wg.grad(fun)(X), wg.jacfwd(fun)(X)):
        np.testing.assert_allclose(found, np.full(3, 2.0 * 2 * 3 * 1.5), rtol=1e-15)
    with pytest.raises(errors.NotConcreteError):
        wg.grad(lambda x: float(x[0]))(X)


def test_batches_stay_batches() -> None:
    with pytest.raises(errors.NotConcreteError):
        wg.vmap(through(float))(X)


def test_a_view_of_a_traced_array_is_read_only() -> None:
    def fun(x: Any) -> Any:
        with wg.no_grad():
            part = x[1:]
            with pytest.raises(ValueError, match="read-only"):
                part[0] = 7.0
            with pytest.raises(ValueError, match="read-only"):
                x.reshape(3, 1)[0] = 7.0
            (x * 2.0)[0] = 7.0  # of its own
        return np.sum(x * x)

    np.testing.assert_array_equal(wg.grad(fun)(X), 2 * X)


def test_a_write_changes_the_value_and_no_derivative() -> None:
    def fun(x: Any) -> Any:
        y = x * 3.0
        view = y[1:]
        with wg.no_grad():
            y[0] = 10.0
            y += 1.0
            view_inside = float(view[0])
        return np.sum(y * y) + view[0] + 0.0 * view_inside

    y = np.array([10.0, 3 * X[1], 3 * X[2]]) + 1.0
    exact = 3 * 2 * y + np.array([0.0, 3.0, 0.0])
    for found in (wg.grad(fun)(X), wg.jacfwd(fun)(X), wg.jvp(wg.grad(lambda x: fun(x)), (X,), (X * 0.0,))[0]):
        np.testing.assert_allclose(found, exact, rtol=1e-15)
    assert fun(X) == wg.value_and_grad(fun)(X)[0]


def test_a_write_keeps_the_derivatives_of_all_levels() -> None:
    def inner(x: Any, y: Any) -> Any:
        z = x * y * 1.0
        with wg.no_grad():
            z[...] = 5.0
        return np.sum(z * z)

    # z has value 5 and derivatives x, y: d/dx d/dy of z^2 is 2 x_dot y_dot products and 2 * 5 * d2z
    x, y = np.array([2.0]), np.array([3.0])
    found = wg.grad(lambda x: wg.grad(inner, argnums=1)(x, y)[0])(x)
    assert found[0] == 2 * y[0] * x[0] + 2 * 5.0
    found = wg.jvp(lambda x: wg.grad(inner, argnums=1)(x, y), (x,), (np.ones(1),))[1]
    assert found[0] == 2 * y[0] * x[0] + 2 * 5.0


def test_new_arrays_are_plain() -> None:
    def fun(x: Any) -> Any:
        with wg.no_grad():
            buffer = np.zeros_like(x)
            buffer[0] = x[1]
            assert type(buffer) is np.ndarray
            assert type(np.zeros(3, like=x)) is np.ndarray
        return np.sum(x * buffer)

    assert wg.grad(fun)(X).tolist() == [-1.0, 0.0, 0.0]


def test_transformations_that_begin_in_the_block_work() -> None:
    with wg.no_grad():
        assert wg.grad(lambda x: x * x)(3.0) == 6.0
        assert wg.jvp(lambda x: x * x, (3.0,), (1.0,))[1] == 6.0
        assert wg.grad(wg.grad(lambda x: x**3))(2.0) == 12.0
        assert wg.grad(lambda x: x * through(np.exp)(x))(0.0) == 1.0

    def fun(x: Any) -> Any:
        with wg.no_grad():
            slope = wg.grad(lambda y: y * y * x)(x)  # 2 x^2, a constant outside
        return slope * x

    assert wg.grad(fun)(3.0) == 18.0


def test_nested_blocks_and_blocks_in_a_row() -> None:
    def fun(x: Any) -> Any:
        block = wg.no_grad()
        with block:
            a = x * x
            with block:
                b = x * x
            c = x * x
        d = x * x
        with block:
            e = x * x
        return x * (a + b + c + e) + d

    assert wg.grad(fun)(3.0) == 4 * 9.0 + 6.0


def test_an_exception_ends_the_block() -> None:
    def fun(x: Any) -> Any:
        with pytest.raises(KeyError), wg.no_grad():
            raise KeyError
        return x * x

    assert wg.grad(fun)(3.0) == 6.0


def test_decorators() -> None:
    @wg.no_grad
    def bare(x: Any) -> Any:
        """Return e to the x."""
        return np.exp(x)

    @wg.no_grad()
    def called(x: Any, *, scale: float) -> Any:
        return bare(x) * scale

    assert bare.__name__ == "bare"
    assert bare.__doc__ == "Return e to the x."
    assert wg.grad(lambda x: x * called(x, scale=2.0))(0.0) == 2.0
    assert called(0.0, scale=3.0) == 3.0


def generator() -> Any:
    yield 1


async def coroutine() -> None:
    pass


@pytest.mark.parametrize("bad", [3.0, generator, coroutine])
def test_what_cannot_be_decorated_is_refused(bad: Any) -> None:
    with pytest.raises(errors.ArgumentError) as caught:
        wg.no_grad(bad)
    assert caught.value.why
    assert caught.value.instead


def test_a_block_in_one_thread_is_none_in_another() -> None:
    inside, done = threading.Event(), threading.Event()

    def pause() -> None:
        with wg.no_grad():
            inside.set()
            done.wait(10)

    thread = threading.Thread(target=pause)
    thread.start()
    try:
        inside.wait(10)
        w = wg.Variable(2.0)
        (w * w).backward()
        assert w.grad == 4.0
        assert wg.grad(total)(X).tolist() == pytest.approx(TOTAL.tolist(), rel=1e-15)
    finally:
        done.set()
        thread.join()


def test_a_worker_pauses_the_derivative_of_the_thread_that_sent_it() -> None:
    def fun(x: Any) -> Any:
        with ThreadPoolExecutor(2) as pool:
            paused, recorded = pool.submit(through(np.exp), x), pool.submit(np.exp, x)
            return x * paused.result() + recorded.result()

    assert wg.grad(fun)(0.5) == pytest.approx(2 * np.exp(0.5), rel=1e-15)


def test_threads_that_pause_and_record_at_once() -> None:
    def work(k: int) -> bool:
        x = 0.1 * (k + 1)
        return all(
            wg.grad(lambda t: t * t * (through(np.exp)(t) if k % 2 else np.exp(t)))(x)
            == pytest.approx(2 * x * np.exp(x) + (0.0 if k % 2 else x * x * np.exp(x)), rel=1e-14)
            for _ in range(100)
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(8)))


def test_tasks_have_blocks_of_their_own() -> None:
    w = wg.Variable(3.0)

    async def paused() -> bool:
        with wg.no_grad():
            await asyncio.sleep(0.01)
            return (w * w).requires_grad

    async def recorded() -> bool:
        await asyncio.sleep(0.005)
        return (w * w).requires_grad

    async def both() -> Any:
        return await asyncio.gather(paused(), recorded())

    assert asyncio.run(both()) == [False, True]


# Variables


def test_variables_made_in_the_block_require_no_gradient() -> None:
    x = wg.Variable(X)
    with wg.no_grad():
        y = np.sum(x * x)
        parts = np.split(x, 3)
        leaf = wg.Variable(1.0)
    assert isinstance(y, wg.Variable)
    assert not y.requires_grad
    assert not parts[0].requires_grad
    assert leaf.requires_grad
    assert float(y) == y.item() == np.sum(X * X)
    (leaf * y).backward()
    assert leaf.grad == y.item()


def test_a_running_mean_in_a_plain_buffer() -> None:
    running = np.zeros(3)
    x = wg.Variable(X)
    y = x * 2.0
    with wg.no_grad():
        running *= 0.9
        running += 0.1 * y
        running[0] = y[0]
    np.testing.assert_allclose(running, [1.0, 0.2 * X[1], 0.2 * X[2]], rtol=1e-15)


def test_views_of_leaves_are_written_to_under_no_grad() -> None:
    w = wg.Variable(np.ones((2, 2)))
    with wg.no_grad():
        w[0] -= 0.5
        w.T[1] *= 4.0
        row = w[1]
        row[0] = 9.0
    assert w.tolist() == [[0.5, 2.0], [9.0, 4.0]]
    assert w.is_leaf
    np.sum(w * w).backward()
    assert w.grad.tolist() == [[1.0, 4.0], [18.0, 8.0]]
