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
from wengert.api.staging import trace
from wengert.api.taylor import derivative, laplacian, taylor
from wengert.control.checkpoint import checkpoint
from wengert.control.checkpointed_loop import checkpointed_loop
from wengert.control.cond import cond, switch
from wengert.control.custom import custom_derivative
from wengert.control.external import defjvp, defvjp, external, primitive
from wengert.control.loop import fori_loop, scan
from wengert.control.while_loop import while_loop
from wengert.jit import jit
from wengert.lift import lift

if TYPE_CHECKING:
    from wengert import explain, export, fitting, methods, nn, optim, random
    from wengert import numpy as numpy
    from wengert import scipy as scipy
    from wengert.api.placeholders import function, gradients, placeholder
    from wengert.debug import debug_nans
    from wengert.explain.compare import compare
    from wengert.explain.derivative_source import derivative_source
    from wengert.explain.drawing.drawing import draw
    from wengert.explain.evaluation_trace import evaluation_trace
    from wengert.explain.gradient_report import gradient_report
    from wengert.explain.scaling import scaling
    from wengert.fitting.fit import fit
    from wengert.fitting.memory import memory
    from wengert.testing import check_grads
    from wengert.variable import Variable

__all__ = [
    "Variable",
    "check_grads",
    "checkpoint",
    "checkpointed_loop",
    "compare",
    "cond",
    "custom_derivative",
    "debug_nans",
    "defjvp",
    "defvjp",
    "derivative",
    "derivative_source",
    "draw",
    "elementwise_grad",
    "errors",
    "evaluation_trace",
    "explain",
    "export",
    "external",
    "fit",
    "fitting",
    "fori_loop",
    "function",
    "grad",
    "gradient_report",
    "gradients",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "laplacian",
    "lift",
    "linear_transpose",
    "linearize",
    "memory",
    "methods",
    "nn",
    "no_grad",
    "optim",
    "placeholder",
    "primitive",
    "random",
    "scaling",
    "scan",
    "stop_gradient",
    "switch",
    "taylor",
    "trace",
    "tree",
    "value_and_grad",
    "vhp",
    "vjp",
    "vmap",
    "while_loop",
]

__version__ = "0.1.0"

_LATE = {
    "Variable": "wengert.variable",
    "debug_nans": "wengert.debug",
    "check_grads": "wengert.testing",
    "compare": "wengert.explain.compare",
    "draw": "wengert.explain.drawing.drawing",
    "derivative_source": "wengert.explain.derivative_source",
    "evaluation_trace": "wengert.explain.evaluation_trace",
    "explain": "",
    "export": "",
    "fit": "wengert.fitting.fit",
    "fitting": "",
    "gradient_report": "wengert.explain.gradient_report",
    "function": "wengert.api.placeholders",
    "gradients": "wengert.api.placeholders",
    "memory": "wengert.fitting.memory",
    "methods": "",
    "nn": "",
    "numpy": "",
    "optim": "",
    "placeholder": "wengert.api.placeholders",
    "random": "",
    "scaling": "wengert.explain.scaling",
    "scipy": "",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        message = f"module 'wengert' has no attribute {name!r}"
        raise AttributeError(message)
    module = importlib.import_module(_LATE[name] or f"wengert.{name}")
    return getattr(module, name) if _LATE[name] else module
