"""Random programs of writes, views and loops: what shares memory in NumPy must not share numbers in the source."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

import wengert as wg


class Program:
    """A function of an array of three numbers, drawn from a seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.steps = [self._step(2) for _ in range(4)]

    def _step(self, depth):
        kind = self.rng.choice(
            ["write", "add", "mix", "view", "swap", "loop", "while"]
            if depth
            else ["write", "add", "mix", "swap"]
        )
        i, j = self.rng.integers(0, 3, 2)
        inner = [self._step(depth - 1) for _ in range(2)] if kind in ("loop", "while") else []
        return str(kind), int(i), int(j), round(float(self.rng.uniform(0.3, 0.9)), 2), inner

    def __call__(self, x):
        a, b = self._run(self.steps, x * 1.0, x * 0.5)
        return np.sum(a * a) + np.sum(np.sin(b))

    def _run(self, steps, a, b):
        for kind, i, j, c, inner in steps:
            if kind == "write":
                a = a.copy()
                a[i] = b[j] * c
            elif kind == "add":
                b = b.copy()
                b[i:] += a[: 3 - i] * c
                b[[j, j]] = a[i] * b[j]
            elif kind == "mix":
                a = np.tanh(a * c) + b
            elif kind == "view":
                b = np.reshape(a[::-1], (3,))
            elif kind == "swap":
                a, b = b, a
            elif kind == "loop":
                a, b = wg.fori_loop(0, 3, lambda k, s, inner=inner: self._run(inner, *s), (a, b))
            else:
                _, a, b = wg.while_loop(
                    lambda s: s[0] < 3.0,
                    lambda s, inner=inner: (s[0] + 1.0, *self._run(inner, *s[1:])),
                    (0.0, a, b),
                )
        return a, b


@pytest.mark.parametrize("seed", range(60))
def test_a_random_program(seed, tmp_path):
    fun, x = Program(seed), np.array([0.4, -0.7, 0.9])
    for mode in ("reverse", "forward"):
        path = tmp_path / f"{mode}.py"
        path.write_text(wg.derivative_source(fun, x, mode=mode), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        before = x.copy()
        if mode == "reverse":
            value, found = module.value_and_grad_function(x)
            expected, derivative = wg.value_and_grad(fun)(x)
        else:
            v = np.array([1.0, 2.0, -0.5])
            value, found = module.jvp_function(x, v)
            expected, derivative = wg.jvp(fun, (x,), (v,))
        assert value == pytest.approx(float(expected), rel=1e-13)
        np.testing.assert_allclose(found, derivative, rtol=1e-11, atol=1e-12)
        np.testing.assert_array_equal(x, before)
