"""Programs whose loops threads share: the same results for every number of threads, whoever calls, and in children."""

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import wengert as wg
from wengert.compile.compiled import Native
from wengert.compile.parallel import share
from wengert.transforms.staging import stage
from wengert.tree import flatten
from wengert.types import type_of

from . import test_emission_random
from .graph_agreement import native_results
from .sharing import shared
from .test_random_programs import Kind, try_programs

SRC = Path(__file__).parents[2] / "src"
POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX")


@pytest.fixture
def rng():
    return np.random.default_rng(1964)


def graph_of(fun, *xs):
    return stage(lambda *xs: flatten(fun(*xs))[0], [type_of(x) for x in xs], "shared")[0]


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def entropy(x, labels):
    top = x.max(axis=1)
    sizes = np.exp(x - top[:, None]).sum(axis=1)
    return np.mean(np.log(sizes) + top - x[np.arange(len(x)), labels])


def normalised(x):
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


ENTRYWISE = {
    "a chain": (lambda x: np.tanh(x) * np.exp(-(x**2)) + 3.0 * x, (3000,)),
    "a matrix": (lambda x: np.sin(x) * x, (300, 11)),
    "few rows": (lambda x: np.sin(x) * x, (3, 1100)),
    "a transpose": (lambda x: np.exp(x.T) + 1.0, (50, 40)),
    "pieces": (lambda x: np.concatenate([x[5:] * 2.0, x[:9], -x]), (1000,)),
    "rows": (lambda x: x - x.max(axis=1, keepdims=True), (200, 31)),
}
JOINED = {
    "a sum": (np.sum, (5000,)),
    "a gradient": (wg.value_and_grad(rosenbrock), (4000,)),
    "softmax": (softmax, (100, 37)),
    "layer norm": (wg.value_and_grad(lambda x: (normalised(x) ** 3).sum()), (100, 37)),
    "columns": (lambda x: x.sum(axis=0), (100, 37)),
    "extremes": (lambda x: (x.max(), x.min(axis=1)), (100, 37)),
    "a product": (lambda x: np.prod(1.0 + 0.01 * x), (2000,)),
    "all": (lambda x: (x < 9.0).all(), (3000,)),
    "a loop of sums": (
        lambda x: wg.fori_loop(0, 5, lambda _, y: y * 0.5 + np.tanh(x) / y.shape[0], x),
        (2000,),
    ),
}


def flat(ys):
    return [np.array(y) for y in ys]


def of_one_thread(graph, xs):
    """Results of a program none of whose loops are shared."""
    with shared(1, WORTH=np.inf):
        return flat(native_results(graph, xs))


def of_threads(graph, xs, *counts):
    for n in counts:
        with shared(n):
            yield flat(native_results(graph, xs))


@pytest.mark.parametrize("name", ENTRYWISE)
def test_entries_are_those_of_one_thread(name, rng):
    fun, shape = ENTRYWISE[name]
    x = rng.standard_normal(shape)
    graph = graph_of(fun, x)
    expected = of_one_thread(graph, [x])
    for found in of_threads(graph, [x], 1, 2, 5):
        for y, z in zip(found, expected, strict=True):
            assert y.tobytes() == z.tobytes()


@pytest.mark.parametrize("name", JOINED)
def test_results_do_not_depend_on_how_many_threads_there_are(name, rng):
    fun, shape = JOINED[name]
    x = rng.standard_normal(shape)
    graph = graph_of(fun, x)
    plain = of_one_thread(graph, [x])
    first, *others = of_threads(graph, [x], 1, 2, 5, 5, 5)
    for found in others:
        for y, z in zip(found, first, strict=True):
            assert y.tobytes() == z.tobytes()
    for y, z in zip(first, plain, strict=True):
        np.testing.assert_allclose(y, z, rtol=1e-13, atol=1e-13 * np.abs(z).max())


def test_texts_do_not_depend_on_how_many_threads_there_are(rng):
    graph = graph_of(np.tanh, rng.standard_normal(1000))
    texts = set()
    for n in (1, 2, 7):
        with shared(n):
            native = Native(graph)
            assert "@wg.parallel" in native.text
            texts.add(native.text)
    assert len(texts) == 1


def test_short_loops_are_not_shared(rng):
    graph = graph_of(np.tanh, rng.standard_normal(1000))
    assert "parallel" not in Native(graph).text
    assert "@wg.parallel" in Native(graph_of(np.tanh, np.zeros(1_000_000))).text


@pytest.mark.usefixtures("machine_code")
def test_an_index_out_of_bounds_within_a_shared_loop(rng):
    x = rng.standard_normal((64, 5))
    labels = rng.integers(0, 5, 64)
    with shared():
        step = wg.jit(wg.value_and_grad(entropy))
        expected = wg.value_and_grad(entropy)(x, labels)
        for _ in range(3):
            value, slope = step(x, labels)
            np.testing.assert_allclose(value, expected[0], rtol=1e-13)
            np.testing.assert_allclose(slope, expected[1], rtol=0, atol=1e-15)
            wrong = labels.copy()
            wrong[[17, 40]] = 5, -6
            with pytest.raises(IndexError, match="5"):
                step(x, wrong)


def test_eight_threads_call_at_once(rng):
    xs = [rng.standard_normal((60, 50)) for _ in range(8)]
    graph = graph_of(lambda x: softmax(x) * x.sum(), xs[0])
    right = []
    with shared(3):
        function = Native(graph).flat([xs[0]])
        expected = [np.array(function(x)[0]) for x in xs]

        def body(k):
            right.append(all(function(xs[k])[0].tobytes() == expected[k].tobytes() for _ in range(200)))

        callers = [threading.Thread(target=body, args=(k,)) for k in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert right == [True] * 8


def doubled(x):
    return np.asarray(PROGRAM[0](x)[0])


PROGRAM = []


@POSIX
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forks beside threads: that is the point
def test_children_of_multiprocessing(rng):
    x = rng.standard_normal(5000)
    with shared(3):
        PROGRAM[:] = [Native(graph_of(lambda x: np.exp(x) * x.sum(), x)).flat([x])]
        expected = doubled(x)
        with multiprocessing.get_context("fork").Pool(2) as children:
            found = children.map(doubled, [x] * 8)
        assert all(y.tobytes() == expected.tobytes() for y in found)
        assert doubled(x).tobytes() == expected.tobytes()


# The rest of the process ----------------------------------------------------------------------------------------------

PRELUDE = """
import os, signal, threading, time
import numpy as np
import wengert as wg
from wengert.compile import threads
x = np.linspace(0.0, 1.0, 3_000_000)
step = wg.jit(lambda x: (np.tanh(x) * np.exp(-x)).sum())
first = step(x)
assert threads.running() == 2
"""


def python(script):
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PRELUDE + script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONPATH": str(SRC), "WENGERT_THREADS": "3"},
    )


@POSIX
def test_workers_sleep_beside_programs():
    result = python(
        "time.sleep(0.05); before = time.process_time(); time.sleep(0.5); print(time.process_time() - before)"
    )
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 0.1


@POSIX
def test_an_interrupt_is_delivered_behind_the_call():
    script = """
long = wg.jit(lambda x: wg.fori_loop(0, 60, lambda _, y: np.tanh(y) * 1.01, x).sum())
right = long(x)
try:
    threading.Timer(0.05, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    while True:
        long(x)
except KeyboardInterrupt:
    print("interrupted", long(x) == right)
"""
    result = python(script)
    assert (result.returncode, result.stdout) == (0, "interrupted True\n"), result.stderr


@POSIX
@pytest.mark.parametrize("end", ["step(x)", "threading.Thread(target=step, args=(x,), daemon=True).start()"])
def test_the_interpreter_ends(end):
    for _ in range(3):
        result = python(end)
        assert (result.returncode, result.stderr) == (0, "")


# Random programs and kernels ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def all_loops():
    with shared(3):
        yield


@pytest.mark.usefixtures("all_loops")
@hypothesis.given(test_emission_random.programs(), st.sampled_from([128, 512]))
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow])
def test_random_kernels(program, bits):
    test_emission_random.compare(share(program), bits, "inline")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.usefixtures("all_loops")
@pytest.mark.parametrize("kind", [Kind(150, (1, 12), exact=True), Kind(100, (1, 12), exact=False)])
def test_random_programs(kind, monkeypatch):
    monkeypatch.setenv("WENGERT_CACHE_DIR", "")
    try_programs(kind)
