"""Optimisers: pure functions from gradients, a state and parameters to parameters and a state.

A step of any of them compiles together with the gradient, as one native program:

    optimizer = adam(cosine(1e-3, 1000))
    state = optimizer.init(params)

    @wg.jit
    def step(params, state, batch):
        value, gradient = wg.value_and_grad(loss)(params, batch)
        return value, *optimizer.update(gradient, state, params)
"""

from wengert.optim.accumulation import accumulate
from wengert.optim.adaptive import adagrad, adam, adamw, lion, rmsprop
from wengert.optim.averaging import average, averaged
from wengert.optim.chain import GradientTransform, chain
from wengert.optim.clipping import clip_by_global_norm, clip_by_value, global_norm
from wengert.optim.decay import matrices
from wengert.optim.full_batch import Minimum, minimize
from wengert.optim.gradient_descent import momentum, nesterov, sgd
from wengert.optim.lbfgs import lbfgs
from wengert.optim.optimizer import Optimizer
from wengert.optim.plateau import Plateau, reduce_on_plateau
from wengert.optim.precision import cast, compute_in, loss_scaling
from wengert.optim.schedules import constant, cosine, exponential, one_cycle, step, warmup

__all__ = [
    "GradientTransform",
    "Minimum",
    "Optimizer",
    "Plateau",
    "accumulate",
    "adagrad",
    "adam",
    "adamw",
    "average",
    "averaged",
    "cast",
    "chain",
    "clip_by_global_norm",
    "clip_by_value",
    "compute_in",
    "constant",
    "cosine",
    "exponential",
    "global_norm",
    "lbfgs",
    "lion",
    "loss_scaling",
    "matrices",
    "minimize",
    "momentum",
    "nesterov",
    "one_cycle",
    "reduce_on_plateau",
    "rmsprop",
    "sgd",
    "step",
    "warmup",
]
