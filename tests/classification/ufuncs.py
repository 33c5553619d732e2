"""Calls of ufuncs: operands per ufunc, and the keywords and methods that all of them share."""

import numpy as np

# Kinds of operands at which the ufunc is smooth; see operands.py.
SMOOTH = {
    np.absolute: "v", np.add: "m v", np.arccos: "i", np.arccosh: "b", np.arcsin: "i", np.arcsinh: "v", np.arctan: "v",
    np.arctan2: "v w", np.arctanh: "i", np.cbrt: "v", np._core.umath.clip: "v i p", np.conjugate: "c", np.copysign: "v w",
    np.cos: "m", np.cosh: "v", np.deg2rad: "v", np.degrees: "v", np.divide: "m p", np.exp: "v", np.exp2: "v", np.expm1: "v",
    np.fabs: "v", np.float_power: "p v", np.fmax: "m v", np.fmin: "m v", np.fmod: "v p", np.heaviside: "v w", np.hypot: "v w", np.log: "p",
    np.log10: "p", np.log1p: "p", np.log2: "p", np.logaddexp: "m v", np.logaddexp2: "v w", np.matmul: "q m",
    np.matvec: "m v", np.maximum: "m v", np.minimum: "m v", np.multiply: "m v", np.negative: "v", np.positive: "v",
    np.power: "p v", np.rad2deg: "v", np.radians: "v", np.reciprocal: "p", np.remainder: "v p", np.sign: "c", np.sin: "m",
    np.sinh: "v",
    np.sqrt: "p", np.square: "v", np.subtract: "m v", np.tan: "i", np.tanh: "v", np.vecdot: "m n", np.vecmat: "u m",
}  # fmt: skip
# Several results, some of them smooth.
SEVERAL = {np.modf: "v", np.divmod: "v p", np.frexp: "v"}
# An integer operand beside the floating one.
LDEXP = np.ldexp
# Locally constant.
FLAT = {
    np.ceil: "v", np.equal: "v w", np.floor: "v", np.floor_divide: "v p", np.greater: "v w", np.greater_equal: "v w",
    np.isfinite: "v", np.isinf: "v", np.isnan: "v", np.less: "v w", np.less_equal: "v w",
    np.logical_and: "v w", np.logical_not: "v", np.logical_or: "v w", np.logical_xor: "v w", np.not_equal: "v w",
    np.rint: "v", np.signbit: "v", np.trunc: "v",
}  # fmt: skip
# One unit in the last place away: NumPy's rounding, not a function of real numbers; 1 or refused, never silently 0.
ROUNDING = {np.nextafter: "v w", np.spacing: "v"}
# Integers, bits, dates, strings: NumPy itself has no loop for floats.
NOT_FLOAT = {
    np.bitwise_and, np.bitwise_count, np.bitwise_or, np.bitwise_xor, np.gcd, np.invert, np.isnat, np.lcm, np.left_shift,
    np.right_shift, np._core.umath._ones_like,
}  # fmt: skip
