"""Where a call cannot do what all others do, and why; each table is checked, so an entry that is not needed fails."""

import operator

import numpy as np

# The result's shape, or the way to compute it, depends on values: under vmap it would differ from example to example.
SHAPED_BY_VALUES = {
    (np.real_if_close, 0),
    (np.trim_zeros, 0),
    (np.roots, 0),
    (np.polydiv, 0),
    (operator.getitem, 5),
    (np.piecewise, 0),
    (np.setdiff1d, 0),
    (np.setxor1d, 0),
}

# NumPy does not tell us of the operand with this number when the others are plain: an error, never a silent zero.
NOT_DISPATCHED = {
    (np.dot, 5, 1): "ndarray.dot is a method of a plain array",
    (np.zeros_like, 1, 1): "a plain buffer cannot hold a traced value",
    (np.empty_like, 0, 1): "a plain buffer cannot hold a traced value",
    (np.full_like, 1, 1): "a plain buffer cannot hold a traced value",
    (np.pad, 2, 1): "only the array is dispatched on",
}

# Functions that write into their first operand: a plain one cannot hold a traced value, so all operands are traced.
WRITES = {operator.setitem, np.copyto, np.fill_diagonal, np.put, np.put_along_axis, np.place, np.putmask}

# The derivative needs factors that NumPy does not compute for the value alone: another driver rounds differently.
ANOTHER_DRIVER = {
    np.linalg.eigvalsh: "eigh instead of eigvalsh, which has no vectors",
    np.linalg.svd: "with vectors instead of compute_uv=False",
    np.linalg.svdvals: "with vectors instead of compute_uv=False",
    np.linalg.norm: "spectral and nuclear norms through svd with vectors",
    np.linalg.matrix_norm: "spectral and nuclear norms through svd with vectors",
    np.linalg.cond: "through svd with vectors",
}
