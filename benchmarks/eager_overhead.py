"""What an operation costs, forward and backward, when nothing is compiled.

    python benchmarks/eager_overhead.py [--smoke] [--dated]

Four parts, each beside autograd and PyTorch where they are installed:

1. chains of elementwise operations in a Python loop on a vector of length 100: time per operation, forward + backward;
2. the gradient of a scalar function of 3 operations: time per call;
3. a chain of a million nodes: time to build and sweep it, and the memory that remains with the garbage collector off;
4. large arrays: time, and peak memory in units of one array.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import harness
import long_chain
import numpy as np

import wengert as wg

autograd = harness.optional("autograd")
anp = harness.optional("autograd.numpy")
torch = harness.optional("torch")

LENGTH = 100
LARGE = 4_000_000

PER_OPERATION_US = 2.5
SCALAR_GRADIENT_US = 25.0

# Part 1. Each step applies `count` elementwise operations; `xp` is the namespace of a library's functions.

Step = Callable[[Any, Any, Any, Any], Any]


def _mixed(xp: Any, x: Any, c: Any, d: Any) -> Any:
    x = x * c
    x = x + d
    x = xp.tanh(x)
    x = x * 2.0
    x = xp.exp(x * -0.5)
    x = x - d
    x = x / c
    x = -x
    return xp.tanh(x)


STEPS: dict[str, tuple[int, Step]] = {
    "chain, mixed": (10, _mixed),
    "chain, x * array": (1, lambda xp, x, c, d: x * c),
    "chain, x + array": (1, lambda xp, x, c, d: x + d),
    "chain, x * 2.0 * 0.5": (2, lambda xp, x, c, d: x * 2.0 * 0.5),
    "chain, tanh": (1, lambda xp, x, c, d: xp.tanh(x)),
    "chain, exp(-x)": (2, lambda xp, x, c, d: xp.exp(-x)),
    "chain, sin": (1, lambda xp, x, c, d: xp.sin(x)),
}
LIMITED = {"chain, mixed": PER_OPERATION_US}


def _chain(xp: Any, step: Step, steps: int, c: Any, d: Any) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for _ in range(steps):
            x = step(xp, x, c, d)
        return xp.sum(x)

    return run


def _torch_gradient(run: Callable[[Any], Any], x: Any) -> Any:
    leaf = x.clone().requires_grad_()
    run(leaf).backward()
    return leaf.grad


def _gradients(
    make: Callable[[Any, Callable[[Any], Any]], Callable[[Any], Any]], x: Any
) -> harness.Candidates:
    """Return a gradient call for each library; `make(xp, constant)` builds the function to differentiate.

    The libraries are asked for the same gradient, and a difference between them stops the benchmark.
    """
    calls: dict[str, Callable[[], Any]] = {}
    ours = wg.grad(make(np, lambda a: a))
    calls["wengert"] = lambda: ours(x)
    if autograd:
        theirs = autograd.grad(make(anp, lambda a: a))
        calls["autograd"] = lambda: theirs(x)
    if torch:
        run, leaf = make(torch, torch.as_tensor), torch.as_tensor(x)
        calls["torch"] = lambda: _torch_gradient(run, leaf)
    results = {who: np.asarray(call()) for who, call in calls.items()}
    for who, result in results.items():
        np.testing.assert_allclose(
            result, results["wengert"], rtol=1e-9, atol=1e-12, err_msg=f"{who} disagrees"
        )
    return calls


def chains(*, smoke: bool) -> list[harness.Row]:
    """Time forward + backward per operation, and the same program in plain NumPy without derivatives."""
    operations = 20 if smoke else 1000
    rng = np.random.default_rng(0)
    x, c, d = (
        rng.uniform(0.5, 1.5, LENGTH),
        rng.uniform(0.999, 1.001, LENGTH),
        rng.uniform(-1e-3, 1e-3, LENGTH),
    )
    found = []
    for name, (count, step) in STEPS.items():
        steps = operations // count

        def make(xp: Any, constant: Any, step: Step = step, steps: int = steps) -> Callable[[Any], Any]:
            return _chain(xp, step, steps, constant(c), constant(d))

        primal = make(np, lambda a: a)
        calls = {"numpy alone": lambda primal=primal: primal(x), **_gradients(make, x)}
        found.append(
            harness.timed(name, calls, rounds=11, smoke=smoke, per=steps * count, limit=LIMITED.get(name))
        )
    return found


# Part 2.


def scalars(*, smoke: bool) -> list[harness.Row]:
    """Time the gradient of a scalar function, everything included that a user pays for one call."""
    x = np.float64(0.7)
    functions = {
        "gradient, 3 operations": lambda xp, _: lambda x: xp.tanh(x * x) + x,
        "gradient, 5 operations": lambda xp, _: lambda x: xp.log(x) + x * 5.0 - xp.sin(x),
    }
    limits = {"gradient, 3 operations": SCALAR_GRADIENT_US}
    return [
        harness.timed(name, _gradients(make, x), rounds=15, smoke=smoke, limit=limits.get(name))
        for name, make in functions.items()
    ]


# Part 3 is `long_chain.py`.


# Part 4.


def _product(xp: Any, x: Any, c: Any) -> Any:
    return xp.sum(x * c)


def _composite(xp: Any, x: Any, c: Any) -> Any:
    return xp.sum(xp.tanh(x) * xp.exp(-x * x) + xp.sin(x) * xp.log1p(x * x))


def _read_part(xp: Any, x: Any, c: Any) -> Any:
    return xp.sum(x[1:] * c[1:]) + xp.sum(x[:-1])


# Arrays as large as x that are alive at the peak, x aside: those the derivative needs, counted by hand. A product of x
# with a constant keeps the product until it is summed (1), and makes the gradient (1) from a cotangent that is a number
# broadcast. The composite's 10 results are on the tape when the sweep starts; it frees them as it passes, and holds at
# most 2 more than those: a cotangent and the product that is formed. Reading parts: two products or their cotangents,
# and one buffer for both pieces.
LARGE_FUNCTIONS = {
    "sum(x * c)": (_product, 2),
    "composite of 10 operations": (_composite, 12),
    "two overlapping slices": (_read_part, 4),
}


def _peak(call: Callable[[], Any], array_bytes: int) -> float:
    """Return the peak of memory that a call allocates through Python and NumPy, in arrays."""
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1] / array_bytes
    finally:
        tracemalloc.stop()


def large(*, smoke: bool) -> list[harness.Row]:
    """Time gradients of large arrays, and count the arrays alive at the peak (PyTorch's are not visible)."""
    n = 10_000 if smoke else LARGE
    rng = np.random.default_rng(1)
    x, c = rng.uniform(0.1, 1.0, n), rng.uniform(0.9, 1.1, n)
    found = []
    for name, (function, expected) in LARGE_FUNCTIONS.items():

        def make(xp: Any, constant: Any, function: Any = function) -> Callable[[Any], Any]:
            coefficients = constant(c)
            return lambda x: function(xp, x, coefficients)

        calls = _gradients(make, x)
        primal = make(np, lambda a: a)
        timed = {"numpy alone": lambda primal=primal: primal(x), **calls}
        found.append(harness.timed(f"n={n}: {name}", timed, rounds=5, smoke=smoke, unit="ms"))
        peaks = {who: _peak(call, x.nbytes) for who, call in calls.items() if who != "torch"}
        limit = None if smoke else expected + 0.1
        found.append(harness.Row("  arrays alive at the peak", "arrays", peaks, limit=limit))
    return found


def rows(*, smoke: bool = False) -> list[harness.Row]:
    """Measure all four parts."""
    return [part for measure in (chains, scalars, long_chain.rows, large) for part in measure(smoke=smoke)]


if __name__ == "__main__":
    harness.report("eager_overhead", rows(smoke="--smoke" in sys.argv), dated="--dated" in sys.argv)
