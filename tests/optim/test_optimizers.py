"""Methods on trees: one compiled program with the gradient, dtypes, masks, wrappers, what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import optim
from wengert.errors import ArgumentError

METHODS = {
    "sgd": optim.sgd(0.1),
    "momentum": optim.momentum(0.1),
    "nesterov": optim.nesterov(0.1),
    "adam": optim.adam(0.1),
    "adamw": optim.adamw(0.1, mask=optim.matrices),
    "adagrad": optim.adagrad(0.1),
    "rmsprop": optim.rmsprop(0.1, momentum=0.5, centered=True),
    "lion": optim.lion(0.1),
    "lbfgs": optim.lbfgs(0.1),
    "scheduled": optim.adam(optim.warmup(optim.cosine(0.1, 100), 10)),
    "plateau": optim.adam(optim.reduce_on_plateau(0.1)),
    "clipped": optim.chain(optim.clip_by_global_norm(0.1), optim.clip_by_value(0.05), optim.adam(0.1)),
    "accumulated": optim.accumulate(optim.adam(0.1), 3),
    "averaged": optim.average(optim.momentum(0.1), 0.9),
    "scaled": optim.loss_scaling(optim.adam(0.1), 8.0, every=2),
    "everything": optim.average(
        optim.loss_scaling(
            optim.accumulate(optim.chain(optim.clip_by_global_norm(1.0), optim.lion(0.1)), 2), 4.0
        )
    ),
}


@dataclass
class Layer:
    w: Any
    b: Any


def model(dtype=np.float64):
    r = np.random.default_rng(3)
    return {
        "layers": [Layer(r.normal(size=(4, 3)).astype(dtype), np.zeros(3, dtype))],
        "scale": dtype(1.5),
        "nothing": None,
    }


def loss(params, x):
    layer = params["layers"][0]
    return np.mean((params["scale"] * np.tanh(x @ layer.w + layer.b) - 0.3) ** 2)


def stepper(optimizer):
    def step(params, state, x):
        scale = 1.0 if optimizer.loss_scale is None else optimizer.loss_scale(state)
        value, grads = wg.value_and_grad(lambda p: loss(p, x) * scale)(params)
        params, state = optimizer.update(grads, state, params)
        return params, state, value / scale

    return step


def trained(step, optimizer, dtype=np.float64, steps=7):
    params = model(dtype)
    state = optimizer.init(params)
    r = np.random.default_rng(4)
    for _ in range(steps):
        params, state, _ = step(params, state, r.normal(size=(6, 4)).astype(dtype))
    return params, state


@pytest.mark.parametrize("name", METHODS)
def test_a_step_with_its_gradient_is_one_native_program(name):
    optimizer = METHODS[name]
    step = wg.jit(stepper(optimizer))
    params, state = trained(step, optimizer)
    info = step.cache_info()
    assert (info.paths, info.misses, info.eager) == (1, 1, 0)
    text = step.kernels(params, state, np.ones((6, 4)))
    assert text.startswith("program step(")
    assert "host" not in text
    plain = trained(stepper(optimizer), optimizer)[0]
    for ours, theirs in zip(wg.tree.flatten(params)[0], wg.tree.flatten(plain)[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", METHODS)
def test_dtypes_and_structure_stay(name):
    optimizer = METHODS[name]
    first = optimizer.init(model(np.float32))
    params, state = trained(stepper(optimizer), optimizer, np.float32)
    assert wg.tree.flatten(params)[1] == wg.tree.flatten(model())[1]
    assert {x.dtype for x in wg.tree.flatten(params)[0]} == {np.dtype(np.float32)}
    for before, after in zip(wg.tree.flatten(first)[0], wg.tree.flatten(state)[0], strict=True):
        assert (np.shape(before), before.dtype) == (np.shape(after), after.dtype)


@pytest.mark.parametrize("name", METHODS)
def test_updates_are_pure(name):
    optimizer = METHODS[name]
    params, grads = model(), wg.grad(loss)(model(), np.ones((6, 4)))
    state = optimizer.init(params)
    kept = [np.array(x) for x in wg.tree.flatten((params, grads, state))[0]]
    one, two = optimizer.update(grads, state, params), optimizer.update(grads, state, params)
    for x, y in zip(wg.tree.flatten(one)[0], wg.tree.flatten(two)[0], strict=True):
        np.testing.assert_array_equal(x, y)
    for x, y in zip(wg.tree.flatten((params, grads, state))[0], kept, strict=True):
        np.testing.assert_array_equal(x, y)


def test_elementwise_work_of_a_step_is_fused():
    """Adam reads gradient, parameter and both means of a leaf in one loop."""
    optimizer = optim.adam(0.1)
    x = np.ones(50)
    update = wg.jit(optimizer.update)
    state = optimizer.init(x)
    text = update.kernels(x, state, x)
    assert text.count("for ") == 1


def test_lion_is_the_algorithm_of_its_paper():
    optimizer = optim.lion(0.01, 0.9, 0.99, weight_decay=0.1)
    r = np.random.default_rng(0)
    x = wanted = r.normal(size=5)
    m, state = np.zeros(5), optimizer.init(x)
    for _ in range(100):
        g = r.normal(size=5)
        x, state = optimizer.update(g, state, x)
        wanted = wanted - 0.01 * (np.sign(0.9 * m + 0.1 * g) + 0.1 * wanted)
        m = 0.99 * m + 0.01 * g
    np.testing.assert_allclose(x, wanted, rtol=1e-12)


def test_a_mask_spares_biases():
    params = {"w": np.ones((2, 2)), "b": np.ones(2)}
    zeros = wg.tree.map_leaves(np.zeros_like, params)
    for optimizer in (
        optim.sgd(0.5, weight_decay=0.5, mask=optim.matrices),
        optim.adamw(0.5, weight_decay=0.5, mask={"w": True, "b": False}),
    ):
        moved, _ = optimizer.update(zeros, optimizer.init(params), params)
        np.testing.assert_array_equal(moved["b"], 1.0)
        np.testing.assert_array_equal(moved["w"], 0.75)


def test_averages_have_exponential_weights_that_add_up_to_one():
    optimizer = optim.average(optim.sgd(0.5), 0.8)
    x = np.array([1.0, -2.0])
    state, seen = optimizer.init(x), []
    for k in range(12):
        x, state = optimizer.update(np.array([np.sin(k), 1.0]), state, x)
        seen.append(x)
        weights = 0.8 ** np.arange(k, -1, -1)
        # Of at most 12 terms of size 10, and divided by 0.2 at least.
        np.testing.assert_allclose(
            optim.averaged(state), weights @ np.array(seen) / weights.sum(), rtol=1e-13, atol=1e-13
        )


@pytest.mark.parametrize(
    "around",
    [
        lambda plain: optim.accumulate(plain, 2),
        optim.average,
        optim.loss_scaling,
        lambda plain: optim.chain(optim.clip_by_value(1.0), plain),
        lambda plain: optim.average(optim.loss_scaling(optim.accumulate(plain, 2))),
    ],
)
def test_learning_rates_listen_through_what_is_around(around):
    optimizer = around(optim.sgd(optim.reduce_on_plateau(1.0, factor=0.5, patience=0)))
    state = optimizer.init(1.0)
    for loss in (2.0, 2.0, 2.0):
        state = optimizer.observe(loss, state)
    while not hasattr(state, "rate"):
        state = state.inner if hasattr(state, "inner") else state[-1]
    assert state.rate.scale == 0.25


def test_accumulated_steps_are_those_of_whole_batches():
    r = np.random.default_rng(1)
    gradients = r.normal(size=(12, 3))
    whole, parts = optim.adam(0.1), optim.accumulate(optim.adam(0.1), 4)
    x = y = np.zeros(3)
    sx, sy = whole.init(x), parts.init(y)
    for k, g in enumerate(gradients):
        y, sy = parts.update(g, sy, y)
        if k % 4 == 3:
            x, sx = whole.update(gradients[k - 3 : k + 1].mean(0), sx, x)
        np.testing.assert_allclose(y, x, rtol=1e-13)
    assert int(sy.inner.count) == 3


def test_loss_scaling_skips_what_is_not_finite_and_grows_again():
    optimizer = optim.loss_scaling(optim.sgd(1.0), 8.0, every=2)
    x, state = np.zeros(2), optimizer.init(np.zeros(2))
    x, state = optimizer.update(np.array([np.nan, 1.0]), state, x)
    assert (float(state.scale), int(state.skipped)) == (4.0, 1)
    np.testing.assert_array_equal(x, 0.0)
    for scale in (4.0, 8.0):
        x, state = optimizer.update(np.array([4.0, 0.0]), state, x)
        assert float(state.scale) == scale
    np.testing.assert_array_equal(x, [-2.0, 0.0])


def test_scales_grow_after_so_many_good_steps_and_not_more_often():
    optimizer = optim.loss_scaling(optim.sgd(1.0), 8.0, every=3)
    x, state, scales = 0.0, optimizer.init(0.0), []
    for _ in range(7):
        x, state = optimizer.update(1.0, state, x)
        scales.append(float(state.scale))
    assert scales == [8.0, 8.0, 16.0, 16.0, 16.0, 32.0, 32.0]


@pytest.mark.parametrize("clip", [optim.clip_by_global_norm(2.0), optim.clip_by_value(2.0)])
def test_gradients_below_the_bound_are_left_alone(clip):
    for grads in ({"a": np.array([1.0, -0.5]), "b": 1.0}, {"a": np.zeros(2), "b": 0.0}):
        clipped, _ = clip.update(grads, (), grads)
        np.testing.assert_array_equal(clipped["a"], grads["a"])
        assert clipped["b"] == grads["b"]


def test_clipped_gradients_have_the_bound_as_their_norm():
    grads = {"a": np.array([3.0, -4.0], np.float32), "b": np.float32(12.0)}
    clipped, _ = optim.clip_by_global_norm(6.5).update(grads, (), grads)
    assert float(optim.global_norm(clipped)) == pytest.approx(6.5, rel=1e-6)
    assert clipped["a"].dtype == np.float32


def test_small_float32_gradients_survive_by_scaling():
    """A derivative of 1e-50 is 0 in float32; the same times 2^100 is not."""
    fun = optim.compute_in(lambda x, c: x * c * c, np.float32)
    c = np.float64(1e-25)
    assert wg.grad(fun)(np.float64(1.0), c) == 0.0
    optimizer = optim.loss_scaling(optim.sgd(1e50), 2.0**100)
    state = optimizer.init(1.0)
    scaled = wg.grad(lambda x: optimizer.loss_scale(state) * x * np.float64(1e-50))(1.0)
    x, _ = optimizer.update(scaled, state, 1.0)
    assert abs(float(x)) < 1e-12


@pytest.mark.parametrize(("kept", "inside"), [(np.float64, np.float32), (np.float32, np.float64)])
def test_mixed_precision_keeps_the_masters(kept, inside):
    seen = []

    def watching(params, x):
        seen.append((params["scale"].dtype, x.dtype))
        return loss(params, x)

    params = model(kept)
    value, grads = wg.value_and_grad(optim.compute_in(watching, inside))(params, np.ones((6, 4), kept))
    assert seen == [(np.dtype(inside), np.dtype(inside))]
    assert value.dtype == inside
    assert {g.dtype for g in wg.tree.flatten(grads)[0]} == {np.dtype(kept)}


@pytest.mark.parametrize("method", ["L-BFGS-B", "BFGS", "CG", "Newton-CG", "trust-ncg"])
def test_scipy_finds_the_minimum_of_a_tree(method):
    """Least squares: the minimum is known; its gradient vanishes to the tolerance of the method."""
    r = np.random.default_rng(2)
    a, y = r.normal(size=(20, 3)), r.normal(size=20)

    def fun(p, a, y):
        return np.sum((a @ p["w"] + p["b"] - y) ** 2)

    steps = []
    found = optim.minimize(fun, {"w": np.zeros(3), "b": 0.0}, a, y, method=method, callback=steps.append)
    exact = np.linalg.lstsq(np.c_[a, np.ones(20)], y, rcond=None)[0]
    np.testing.assert_allclose([*found.params["w"], found.params["b"]], exact, atol=1e-4)
    assert found.success
    assert steps
    assert set(steps[0]) == {"w", "b"}


REFUSED = [
    (lambda: optim.sgd(0.1).init({"n": 3, "w": 1.0}), r"\['n'\] is int"),
    (lambda: optim.sgd(0.1).init(np.ones(2, complex)), "complex128"),
    (lambda: optim.sgd(0.1).init([]), "no parameters"),
    (lambda: optim.sgd("fast"), "learning rate is 'fast'"),
    (lambda: optim.sgd(np.nan), "learning rate is nan"),
    (lambda: optim.sgd(-0.1), "sgd: the learning rate is -0.1"),
    (lambda: optim.adam(b1=1.0), "adam: b1 is 1.0"),
    (lambda: optim.adamw(b2=-0.1), "adamw: b2 is -0.1"),
    (lambda: optim.lion(b2=2.0), "lion: b2 is 2.0"),
    (lambda: optim.rmsprop(decay=1.5), "rmsprop: decay is 1.5"),
    (lambda: optim.rmsprop(momentum=1.0), "rmsprop: momentum is 1.0"),
    (lambda: optim.momentum(0.1, 1.1), "momentum: decay is 1.1"),
    (lambda: optim.nesterov(0.1, np.nan), "nesterov: decay is nan"),
    (lambda: optim.average(optim.adam(), 1.0), "average: decay is 1.0"),
    (lambda: optim.adamw(weight_decay=-1e-2), "adamw: weight_decay is -0.01"),
    (lambda: optim.loss_scaling(optim.adam(), factor=0.5), "changes by 0.5"),
    (lambda: optim.adam().update(1.0, optim.sgd(0.1).init(1.0), 1.0), "state is not one of its own"),
    (lambda: optim.adam().update(1.0, None, 1.0), "state is not one of its own"),
    (lambda: optim.adam().update(1.0, optim.adam().init([1.0, 2.0]), 1.0), "structure of the parameters"),
    (lambda: optim.lbfgs().update(1.0, optim.adam().init(1.0), 1.0), "state is not one of its own"),
    (lambda: optim.sgd(0.1).update({"w": 1.0}, optim.sgd(0.1).init(1.0), {"v": 1.0}), r"missing: \['v'\]"),
    (lambda: optim.chain(optim.sgd(0.1), optim.sgd(0.1)), "one optimiser"),
    (lambda: optim.chain(), "it got nothing"),
    (lambda: optim.chain(optim.clip_by_value(1.0), optim.loss_scaling(optim.sgd(0.1))), "stands behind"),
    (lambda: optim.clip_by_global_norm(-1.0), "bound is -1.0"),
    (lambda: optim.cosine(1.0, 0), "number of steps is 0"),
    (lambda: optim.reduce_on_plateau(0.1, 2.0), "factor is 2.0"),
    (lambda: optim.averaged(()), "no average"),
    (lambda: optim.minimize(np.sum, np.ones(2), method="Nelder-Mead"), "no method"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        call()
    assert caught.value.instead


def test_shapes_of_gradients_are_checked():
    optimizer = optim.sgd(0.1)
    with pytest.raises(ArgumentError, match=r"gradient at \['w'\] has shape \(3,\)"):
        optimizer.update({"w": np.ones(3)}, optimizer.init({"w": np.ones(2)}), {"w": np.ones(2)})
