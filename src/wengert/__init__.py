"""Wengert differentiates NumPy programs: exact derivatives of every kind, of plain NumPy code."""

from wengert import errors, tree
from wengert.api.batching import vmap
from wengert.api.constants import stop_gradient
from wengert.api.gradients import elementwise_grad, grad, value_and_grad
from wengert.api.jacobians import hessian, jacfwd, jacobian, jacrev
from wengert.api.products import hvp, jvp, linear_transpose, linearize, vhp, vjp
from wengert.control.custom import custom_derivative
from wengert.control.external import defjvp, defvjp, external, primitive
from wengert.testing import check_grads

__all__ = [
    "check_grads",
    "custom_derivative",
    "defjvp",
    "defvjp",
    "elementwise_grad",
    "errors",
    "external",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linear_transpose",
    "linearize",
    "primitive",
    "stop_gradient",
    "tree",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
]

__version__ = "0.1.0"
