"""Each method takes PyTorch's steps, to rounding, where PyTorch is installed."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import optim

torch = pytest.importorskip("torch")

STEPS = 100
R = np.random.default_rng(7)
X, Y = R.normal(size=(16, 5)), R.normal(size=(16, 3))
START = {"w": R.normal(size=(5, 3)), "b": R.normal(size=3)}

CASES = {
    "sgd": (optim.sgd(0.05), "SGD", {"lr": 0.05}),
    "sgd decay": (optim.sgd(0.05, weight_decay=0.1), "SGD", {"lr": 0.05, "weight_decay": 0.1}),
    "momentum": (optim.momentum(0.02, 0.9), "SGD", {"lr": 0.02, "momentum": 0.9}),
    "nesterov": (
        optim.nesterov(0.02, 0.9, weight_decay=0.01),
        "SGD",
        {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    "adam": (optim.adam(0.01), "Adam", {"lr": 0.01}),
    "adam decay": (
        optim.adam(0.01, 0.8, 0.99, 1e-6, weight_decay=0.1),
        "Adam",
        {"lr": 0.01, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1},
    ),
    "adamw": (optim.adamw(0.01, weight_decay=0.1), "AdamW", {"lr": 0.01, "weight_decay": 0.1}),
    "adagrad": (
        optim.adagrad(0.1, 0.5),
        "Adagrad",
        {"lr": 0.1, "initial_accumulator_value": 0.5},
    ),
    "rmsprop": (optim.rmsprop(0.01), "RMSprop", {"lr": 0.01}),
    "rmsprop centered": (
        # A mean over few gradients would see hardly any variance: square minus squared mean then cancels in both.
        optim.rmsprop(0.01, 0.999, momentum=0.5, centered=True, weight_decay=0.05),
        "RMSprop",
        {"lr": 0.01, "alpha": 0.999, "momentum": 0.5, "centered": True, "weight_decay": 0.05},
    ),
}


def loss(params, x, y):
    return np.mean((np.tanh(x @ params["w"]) + params["b"] - y) ** 2)


def torch_path(name, options, steps, schedule=None):
    params = {k: torch.tensor(v, requires_grad=True) for k, v in START.items()}
    x, y = torch.tensor(X), torch.tensor(Y)
    optimizer = getattr(torch.optim, name)(list(params.values()), **options)
    scheduler = schedule(optimizer) if schedule else None

    def closure():
        optimizer.zero_grad()
        value = torch.mean((torch.tanh(x @ params["w"]) + params["b"] - y) ** 2)
        value.backward()
        return value

    for _ in range(steps):
        optimizer.step(closure)
        if scheduler is not None:
            scheduler.step()
    return {k: v.detach().numpy() for k, v in params.items()}


def our_path(optimizer, steps):
    params, state = START, optimizer.init(START)

    @wg.jit
    def step(params, state):
        grads = wg.grad(loss)(params, X, Y)
        return optimizer.update(grads, state, params)

    for _ in range(steps):
        params, state = step(params, state)
    return params


# The problem contracts: a rounding of 1e-16 in a step is not amplified, so that a hundred steps stay below 1e-13; Adam
# divides by small roots, which costs two digits at most.
@pytest.mark.parametrize("case", CASES)
def test_a_hundred_steps_are_those_of_pytorch(case):
    optimizer, name, options = CASES[case]
    ours, theirs = our_path(optimizer, STEPS), torch_path(name, options, STEPS)
    for k, start in START.items():
        assert np.abs(theirs[k] - start).max() > 1e-2
        np.testing.assert_allclose(ours[k], theirs[k], rtol=1e-12, atol=1e-12)


def test_lbfgs_takes_the_steps_of_pytorch():
    options = {"lr": 0.5, "max_iter": 1, "history_size": 5, "tolerance_grad": 0.0, "tolerance_change": 0.0}
    ours, theirs = our_path(optim.lbfgs(0.5, memory=5), 20), torch_path("LBFGS", options, 20)
    for k in START:
        np.testing.assert_allclose(ours[k], theirs[k], rtol=1e-10, atol=1e-10)


SCHEDULES = {
    "cosine": (optim.cosine(0.1, 40, 0.01), "CosineAnnealingLR", {"T_max": 40, "eta_min": 0.01}, 40),
    "step": (optim.step(0.1, 7, 0.5), "StepLR", {"step_size": 7, "gamma": 0.5}, 40),
    "exponential": (optim.exponential(0.1, 0.9), "ExponentialLR", {"gamma": 0.9}, 40),
    "one cycle": (
        optim.one_cycle(0.1, 40, start=1 / 25, final=1 / 25 / 1e4),
        "OneCycleLR",
        {"max_lr": 0.1, "total_steps": 40},
        39,
    ),
}


@pytest.mark.parametrize("case", SCHEDULES)
def test_schedules_are_those_of_pytorch(case):
    ours, name, options, steps = SCHEDULES[case]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options)
    theirs = []
    for _ in range(steps):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose([float(ours(k)) for k in range(steps)], theirs, rtol=1e-12)


def test_plateaus_are_those_of_pytorch():
    losses = [
        5.0,
        4.0,
        4.0,
        4.1,
        3.9999,
        3.0,
        3.1,
        3.2,
        3.3,
        3.4,
        3.5,
        3.6,
        3.7,
        3.0,
        3.0,
        3.0,
        2.0,
        2.0,
        2.0,
        2.0,
    ]
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    options = {"factor": 0.5, "patience": 1, "cooldown": 2, "min_lr": 0.01}
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    ours = optim.sgd(optim.reduce_on_plateau(0.1, 0.5, 1, cooldown=2, minimum=0.01))
    plateau = optim.reduce_on_plateau(0.1, 0.5, 1, cooldown=2, minimum=0.01)
    state = ours.init(1.0)
    for value in losses:
        scheduler.step(value)
        state = ours.observe(value, state)
        assert float(plateau.rate(0, state.rate)) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-14)
    assert optimizer.param_groups[0]["lr"] < 0.1
