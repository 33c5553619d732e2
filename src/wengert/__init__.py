"""Wengert differentiates NumPy programs: exact derivatives of every kind, of plain NumPy code.

What prints tables or needs a heavy library loads when it is first named, so that `import wengert` stays
quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

from wengert import errors, tree
from wengert.api.batching import vmap
from wengert.api.constants import no_grad, stop_gradient
from wengert.api.gradients import elementwise_grad, grad, value_and_grad
from wengert.api.jacobians import hessian, jacfwd, jacobian, jacrev
from wengert.api.products import hvp, jvp, linear_transpose, linearize, vhp, vjp
from wengert.control.custom import custom_derivative
from wengert.control.external import defjvp, defvjp, external, primitive

if TYPE_CHECKING:
    from wengert import explain, methods
    from wengert.debug import debug_nans
    from wengert.explain.evaluation_trace import evaluation_trace
    from wengert.testing import check_grads
    from wengert.variable import Variable

__all__ = [
    "Variable",
    "check_grads",
    "custom_derivative",
    "debug_nans",
    "defjvp",
    "defvjp",
    "elementwise_grad",
    "errors",
    "evaluation_trace",
    "explain",
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
    "methods",
    "no_grad",
    "primitive",
    "stop_gradient",
    "tree",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
]

__version__ = "0.1.0"

_LATE = {
    "Variable": "wengert.variable",
    "debug_nans": "wengert.debug",
    "check_grads": "wengert.testing",
    "evaluation_trace": "wengert.explain.evaluation_trace",
    "explain": "",
    "methods": "",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        message = f"module 'wengert' has no attribute {name!r}"
        raise AttributeError(message)
    module = importlib.import_module(_LATE[name] or f"wengert.{name}")
    return getattr(module, name) if _LATE[name] else module
