r"""Derivatives from function values alone: forward, backward, central, five-point and complex-step differences.

These functions only call the function they differentiate. They know nothing of Wengert's rules and can
therefore check them; that is also why they are slow (one or more evaluations for each of n inputs) and
inexact.

    kind          formula                                        order   best relative error
    forward       [f(x+h) - f(x)] / h                            1       eps^(1/2)
    backward      [f(x) - f(x-h)] / h                            1       eps^(1/2)
    central       [f(x+h) - f(x-h)] / 2h                         2       eps^(2/3)
    five_point    [f(x-2h) - 8f(x-h) + 8f(x+h) - f(x+2h)] / 12h  4       eps^(4/5)
    richardson    central differences extrapolated to h = 0      -       about eps^(9/10)
    complex       Im f(x + ih) / h                               2       eps

The step is max(|x|, 1) times eps^(1/(order+1)), rounded to a power of two, with the eps of the precision of
x; or any number you give; or, with step="adaptive", the best of a ladder of steps by an estimate of the
error. Derivations, error bounds and sources: `wengert.methods.stencils` and `wengert.methods.adaptive`.

Examples
--------
>>> from wengert.methods import finite_difference
>>> round(float(finite_difference.derivative(lambda x: x**2, 2.0, kind="forward", step=0.01)), 10)
4.01
"""

from wengert.methods.adaptive import Estimate
from wengert.methods.differences import KINDS, derivative, directional, gradient, jacobian
from wengert.methods.error_curve import ErrorCurve, error_curve

__all__ = [
    "KINDS",
    "ErrorCurve",
    "Estimate",
    "derivative",
    "directional",
    "error_curve",
    "gradient",
    "jacobian",
]
