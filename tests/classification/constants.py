"""Functions without a derivative: locally constant ones give NumPy's plain result, refused ones raise."""

import numpy as np

L = np.linalg

# Results depend on the operands through comparisons, shapes or types only.
ZERO = {
    np.all: [("m", lambda m: np.all(m > 0, axis=0))],
    np.allclose: [("m n", np.allclose)],
    np.any: [("m", lambda m: np.any(m > 0)), ("m", lambda m: (m > 0).any(axis=1))],
    np.argmax: [
        ("m", np.argmax),
        ("m", lambda m: np.argmax(m, axis=1, keepdims=True)),
        ("v", lambda v: v.argmax()),
    ],
    np.argmin: [("m", lambda m: np.argmin(m, axis=0))],
    np.argpartition: [("v", lambda v: np.argpartition(v, 2))],
    np.argsort: [("m", lambda m: np.argsort(m, axis=1)), ("v", lambda v: v.argsort())],
    np.argwhere: [("m", np.argwhere), ("m", lambda m: np.argwhere(m > 0))],
    np.around: [("m", np.around), ("m", lambda m: np.round(m, 1)), ("m", lambda m: m.round(2))],
    np.array_equal: [("m n", np.array_equal)],
    np.array_equiv: [("m n", np.array_equiv)],
    np.array_repr: [("m", np.array_repr)],
    np.array_str: [("m", np.array_str)],
    np.array2string: [("m", np.array2string)],
    np.can_cast: [],
    np.common_type: [("m", np.common_type)],
    np.count_nonzero: [("m", np.count_nonzero), ("m", lambda m: np.count_nonzero(m > 0, axis=0))],
    np.diag_indices_from: [("q", np.diag_indices_from)],
    np.digitize: [("v", lambda v: np.digitize(v, [-1.0, 0.0, 1.0]))],
    np.fix: [("v", np.fix)],
    np.flatnonzero: [("v", lambda v: np.flatnonzero(v > 0))],
    np.histogram_bin_edges: [],
    np.isclose: [("m n", np.isclose)],
    np.iscomplex: [("m", np.iscomplex), ("c", np.iscomplex)],
    np.iscomplexobj: [("m", np.iscomplexobj), ("c", np.iscomplexobj)],
    np.isin: [("v", lambda v: np.isin(v, [1.0, 2.0]))],
    np.isneginf: [("m", np.isneginf)],
    np.isposinf: [("m", np.isposinf)],
    np.isreal: [("c", np.isreal)],
    np.isrealobj: [("c", np.isrealobj)],
    np.ix_: [("v", lambda v: np.ix_(v > 0, [0, 1]))],
    np.lexsort: [("v w", lambda v, w: np.lexsort((v, w)))],
    np.may_share_memory: [("v", lambda v: np.may_share_memory(v, np.zeros(3)))],
    np.shares_memory: [("v", lambda v: np.shares_memory(v, np.zeros(3)))],
    np.min_scalar_type: [],
    np.nanargmax: [("m", np.nanargmax), ("x", lambda x: np.nanargmax(x, axis=1))],
    np.nanargmin: [("m", lambda m: np.nanargmin(m, axis=1))],
    np.ndim: [("m", np.ndim)],
    np.nonzero: [("m", np.nonzero), ("v", lambda v: v.nonzero())],
    np.result_type: [("m", np.result_type), ("m", lambda m: np.result_type(m, np.float32))],
    np.searchsorted: [
        ("v", lambda v: np.searchsorted([-1.0, 0.0, 1.0], v)),
        ("s", lambda s: np.searchsorted(np.arange(3.0), s)),
    ],
    np.shape: [("m", np.shape)],
    np.size: [("m", np.size), ("m", lambda m: np.size(m, 0))],
    np.tril_indices_from: [("q", np.tril_indices_from)],
    np.triu_indices_from: [("q", np.triu_indices_from)],
    np.einsum_path: [("q r", lambda q, r: np.einsum_path("ij,jk", q, r)[0])],
    L.matrix_rank: [("q", L.matrix_rank)],
}

# What a user may plausibly call on a traced value, and must hear a reason for.
REFUSED = {
    np.save: lambda v: np.save("/dev/null", v),
    np.savetxt: lambda v: np.savetxt("/dev/null", v),
    np.savez: lambda v: np.savez("/dev/null", v),
    np.savez_compressed: lambda v: np.savez_compressed("/dev/null", v),
    np.intersect1d: lambda v: np.intersect1d(v, [1.0]),
    np.histogram2d: lambda v: np.histogram2d(v, v),
    np.histogramdd: lambda v: np.histogramdd(v),
}

# Functions of integers, bits and dates: NumPy itself has no such function of floats.
NUMPY_RAISES = {
    np.packbits: np.packbits,
    np.unpackbits: np.unpackbits,
    np.ravel_multi_index: lambda v: np.ravel_multi_index((v, v), (3, 3)),
    np.unravel_index: lambda v: np.unravel_index(v, (3, 3)),
    np.busday_count: lambda v: np.busday_count("2020-01-01", v),
    np.busday_offset: lambda v: np.busday_offset("2020-01-01", v),
    np.is_busday: np.is_busday,
    np.datetime_as_string: np.datetime_as_string,
}

# Constructors, which are overloaded through like= only, and functions of strings, records and polynomial classes.
CONSTRUCTORS = {
    *(
        "arange",
        "array",
        "asanyarray",
        "asarray",
        "empty",
        "eye",
        "frombuffer",
        "fromfile",
        "fromfunction",
        "fromiter",
    ),
    *(
        "fromstring",
        "full",
        "genfromtxt",
        "identity",
        "loadtxt",
        "ones",
        "tri",
        "zeros",
        "require",
        "ascontiguousarray",
    ),
    "asfortranarray",
}
OTHER_MODULES = ("numpy.char", "numpy.strings", "numpy.lib.recfunctions", "numpy.polynomial", "numpy.ma")
