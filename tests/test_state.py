"""State: however a call ends, and however many threads call, the next derivative is right and nothing is left."""

import contextvars
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import active
from wengert.core.primitive import Primitive

SLOPE = np.cos(0.5) * 0.5 + np.sin(0.5)


class Stop(Exception):  # noqa: N818 - not an error of ours
    """What the differentiated function raises."""


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    assert active() == ()
    yield
    assert active() == (), "interpreters are left on the trace stack"
    assert wg.grad(lambda x: np.sin(x) * x)(0.5) == pytest.approx(SLOPE, rel=1e-15)


TRANSFORMATIONS: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: wg.grad(f)(0.5),
    "value_and_grad": lambda f: wg.value_and_grad(f)(0.5),
    "vjp": lambda f: wg.vjp(f, 0.5)[1](1.0),
    "jvp": lambda f: wg.jvp(f, (0.5,), (1.0,)),
    "linearize": lambda f: wg.linearize(f, 0.5)[1](1.0),
    "jacfwd": lambda f: wg.jacfwd(f)(0.5),
    "jacrev": lambda f: wg.jacrev(f)(0.5),
    "hessian": lambda f: wg.hessian(f)(0.5),
    "vmap": lambda f: wg.vmap(f)(np.ones(3)),
    "grad of grad": lambda f: wg.grad(wg.grad(f))(0.5),
    "jvp of grad": lambda f: wg.jvp(wg.grad(f), (0.5,), (1.0,)),
    "vmap of grad": lambda f: wg.vmap(wg.grad(f))(np.ones(3)),
    "grad inside grad": lambda f: wg.grad(lambda x: x * wg.grad(lambda y: f(x * y))(1.0))(0.5),
}
transformations = pytest.mark.parametrize("transform", TRANSFORMATIONS.values(), ids=list(TRANSFORMATIONS))
errors = pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, SystemExit, GeneratorExit])


@transformations
@errors
def test_exception_in_the_function(transform: Any, error: type[BaseException]) -> None:
    def fun(x: Any) -> Any:
        y = np.sin(x)
        if y is not None:
            raise error
        return y

    with pytest.raises(error):
        transform(fun)


def _faulty(rule: str, error: type[BaseException]) -> Primitive:
    """A doubling primitive one rule of which raises."""

    def broken(*_args: Any, **_params: Any) -> Any:
        raise error

    rules: dict[str, Any] = {
        "eval": lambda x: 2.0 * x,
        "jvp": lambda xs, dots: (2.0 * xs[0], 2.0 * dots[0]),
        "vjp": lambda y_bar, _site: (2.0 * y_bar,),
        "batch": lambda _size, xs, _batched: 2.0 * xs[0],
    }
    return Primitive(name="faulty", doc="Twice x.", **{**rules, rule: broken})


@errors
@pytest.mark.parametrize(
    ("rule", "transform"),
    [("eval", "grad"), ("eval", "vjp"), ("vjp", "grad"), ("vjp", "vjp"), ("vjp", "grad of grad"), ("jvp", "jvp"),
     ("jvp", "jvp of grad"), ("jvp", "jacfwd"), ("batch", "vmap"), ("vjp", "vmap of grad")],
)  # fmt: skip
def test_exception_in_a_rule(rule: str, transform: str, error: type[BaseException]) -> None:
    faulty = _faulty(rule, error)
    if (rule, transform) == ("jvp", "jvp of grad"):
        faulty = faulty.with_rules(vjp=lambda y_bar, _site: (faulty(y_bar),))
    with pytest.raises(error):
        TRANSFORMATIONS[transform](lambda x: faulty(np.sin(x)))


def test_a_pullback_that_raised_can_be_called_again() -> None:
    tries = iter([True, False])

    def vjp(y_bar: Any, _site: Any) -> tuple[Any]:
        if next(tries):
            raise KeyboardInterrupt
        return (2.0 * y_bar,)

    moody = Primitive(name="moody", doc="Twice x.", eval=lambda x: 2.0 * x, vjp=vjp)
    _, pull = wg.vjp(lambda x: moody(x * x), 3.0)
    with pytest.raises(KeyboardInterrupt):
        pull(1.0)
    assert pull(1.0)[0] == 12.0


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
def test_ctrl_c_at_any_moment() -> None:
    """SIGINT, as Ctrl-C sends it, at 60 moments spread over nested derivatives."""

    def busy(x: Any) -> Any:
        for _ in range(40):
            x = np.sin(x) * x + wg.jvp(lambda y, x=x: y * x, (x,), (1.0,))[1]
        return x

    started = time.perf_counter()
    exact = wg.grad(busy)(0.5)
    duration = time.perf_counter() - started
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    stopped = 0
    try:
        for k in range(60):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
                signal.setitimer(signal.ITIMER_REAL, max(duration * (k + 1) / 60, 1e-5))
                with (
                    np.errstate()
                ):  # NumPy's own contexts, left by a signal while they are entered, do not restore
                    wg.grad(busy)(0.5)
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                stopped += 1
            assert active() == ()
            assert wg.grad(np.sin)(0.0) == 1.0
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, old)
    assert stopped > 10
    assert wg.grad(busy)(0.5) == exact


def _nested(x: float) -> tuple[float, ...]:
    """Derivatives of x sin x that nest modes, batches and closures; exact to a few units in the last place."""
    second = wg.grad(wg.grad(lambda t: np.sin(t) * t))(x)
    mixed = wg.jvp(wg.grad(lambda t: np.sin(t) * t), (x,), (1.0,))[1]
    confused = wg.grad(lambda a: a * wg.jvp(lambda b: a + b, (2.0,), (1.0,))[1])(x)
    batched = wg.vmap(wg.grad(lambda t: t * t * x))(np.array([x, 2.0 * x]))
    return second, mixed, confused, *batched


def test_threads_of_nested_gradients() -> None:
    points = [0.1 + 0.05 * k for k in range(32)]
    exact = [
        (2 * np.cos(x) - x * np.sin(x), 2 * np.cos(x) - x * np.sin(x), 1.0, 2 * x * x, 4 * x * x)
        for x in points
    ]
    deadline = time.perf_counter() + 6.0
    barrier = threading.Barrier(8)

    def work(k: int) -> tuple[int, int]:
        barrier.wait()
        wrong = done = 0
        while time.perf_counter() < deadline:
            index = (done * 7 + k) % len(points)
            wrong += not np.allclose(_nested(points[index]), exact[index], rtol=1e-13, atol=0.0)
            done += 1
        return wrong + bool(active()), done

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(work, range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert sum(done for _, done in outcomes) > 100
    assert sum(wrong for wrong, _ in outcomes) == 0


def test_a_function_that_starts_threads_inside_a_derivative() -> None:
    def fun(x: Any) -> Any:
        with ThreadPoolExecutor(4) as pool:
            parts = list(pool.map(lambda k: np.sin(x * k) * wg.grad(np.cos)(float(k)), range(4)))
        return parts[0] + parts[1] + parts[2] + parts[3]

    x = 0.3
    exact = sum(-k * np.cos(k * x) * np.sin(k) for k in range(4))
    assert wg.grad(fun)(x) == pytest.approx(exact, rel=1e-14)


def test_a_copied_context_keeps_its_own_stack() -> None:
    def fun(x: Any) -> Any:
        return contextvars.copy_context().run(lambda: wg.grad(lambda y: y * y * x)(x))

    assert wg.grad(fun)(3.0) == 12.0


def test_a_generator_suspended_inside_a_derivative() -> None:
    def steps(x: Any) -> Iterator[Any]:
        yield wg.grad(lambda y: y * y * x)(x)
        yield x * x

    def fun(x: Any) -> Any:
        generator = steps(x)
        return next(generator) + next(generator)

    assert wg.grad(fun)(2.0) == 12.0


def test_numpy_error_state_is_restored() -> None:
    before = np.geterr()
    with pytest.raises(Stop):
        wg.grad(lambda _x: (_ for _ in ()).throw(Stop()))(1.0)
    wg.grad(lambda x: np.sum(np.sqrt(x)))(np.zeros(3))
    assert np.geterr() == before
