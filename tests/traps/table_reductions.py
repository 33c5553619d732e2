"""Reductions and scans: zeros in products, nan that is skipped, one entry or none, ties in order statistics."""

import numpy as np

from wengert.ops.extremes import logsumexp

from .trap import Trap, diagonal

__all__ = ["REDUCTIONS"]

INF, NAN = np.inf, np.nan


def _trap(name, fun, x, first, second, why):
    return Trap(name=name, fun=fun, x=np.asarray(x, float), first=first, second=second, why=why)


def _pairs(n, **entries):
    """Return a symmetric Hessian from its entries above the diagonal: h01 stands in row 0 and column 1."""
    h = np.zeros((n, n))
    for name, value in entries.items():
        i, j = int(name[1]), int(name[2])
        h[i, j] = h[j, i] = value
    return h


PARTIAL = "the partials of a product are the products of the other entries"

PRODUCTS = (
    _trap("prod with one zero", np.prod, [0, 2, 3], [6, 0, 0], _pairs(3, h01=3, h02=2), PARTIAL),
    _trap("prod with two zeros", np.prod, [0, 0, 3], 0.0, _pairs(3, h01=3), PARTIAL),
    _trap("prod with three zeros", np.prod, [0, 0, 0, 5], 0.0, 0.0, PARTIAL),
    _trap("prod of one zero alone", np.prod, [0.0], 1.0, 0.0, PARTIAL),
    _trap("prod of negatives", np.prod, [-1, 2], [2, -1], _pairs(2, h01=1), PARTIAL),
    _trap("prod with inf", np.prod, [INF, 2], [2, INF], _pairs(2, h01=1), PARTIAL),
    _trap("prod that underflows", np.prod, [1e-200, 1e-200], [1e-200, 1e-200], _pairs(2, h01=1), PARTIAL),
    _trap("prod over rows, one with a zero", lambda x: np.sum(np.prod(x, axis=1)), [[0.0, 2.0], [3.0, 5.0]],
          [[2, 0], [5, 3]], np.einsum("rs,ij->risj", np.eye(2), _pairs(2, h01=1)), PARTIAL),
    _trap("prod over both axes with a zero", np.prod, [[0.0, 2.0]], [[2, 0]],
          _pairs(2, h01=1).reshape(1, 2, 1, 2), PARTIAL),
    _trap("multiply.reduce with a zero", np.multiply.reduce, [0, 2, 3], [6, 0, 0], _pairs(3, h01=3, h02=2), PARTIAL),
    _trap("nanprod with nan and zero", np.nanprod, [NAN, 2, 0], [0, 0, 2], _pairs(3, h12=1), PARTIAL),
    _trap("cumprod with a zero", lambda x: np.sum(np.cumprod(x)), [2, 0, 3, 4], [1, 32, 0, 0],
          _pairs(4, h01=16, h12=10, h13=6), "the sum is a + ab + abc + abcd"),
    _trap("cumprod with two zeros", lambda x: np.sum(np.cumprod(x)), [0, 0, 3], [1, 0, 0],
          _pairs(3, h01=4), "the sum is a + ab + abc"),
    _trap("cumprod before a nan", lambda x: np.cumprod(x)[1], [2, 3, NAN], [3, 2, 0], _pairs(3, h01=1), "it is ab"),
    _trap("cumprod before an inf", lambda x: np.cumprod(x)[1], [2, 3, INF], [3, 2, 0], _pairs(3, h01=1), "it is ab"),
    _trap("multiply.accumulate with a zero", lambda x: np.multiply.accumulate(x)[-1], [0, 2, 3], [6, 0, 0],
          _pairs(3, h01=3, h02=2), PARTIAL),
)  # fmt: skip

SKIPPED = (
    _trap("cumsum before a nan", lambda x: np.cumsum(x)[1], [1, 2, NAN], [1, 1, 0], 0.0, "it is a + b"),
    _trap("cumsum of squares before a nan", lambda x: np.cumsum(x**2)[1], [1, 2, NAN], [2, 4, 0], diagonal(2, 2, 0),
          "it is a^2 + b^2"),
    _trap("cumulative maximum with ties", lambda x: np.sum(np.maximum.accumulate(x)), [1, 1], [1.5, 0.5], 0.0,
          "a + max(a, b), the tie with 1/2 each"),
    _trap("nancumsum", lambda x: np.sum(np.nancumsum(x)), [1, NAN, 2], [3, 0, 1], 0.0, "a + a + (a + c)"),
    _trap("nancumprod", lambda x: np.sum(np.nancumprod(x)), [2, NAN, 3], [5, 0, 2], _pairs(3, h02=1), "a + a + ac"),
    _trap("nansum", np.nansum, [1, NAN, 2], [1, 0, 1], 0.0, "nan entries are skipped"),
    _trap("nansum of nan alone", np.nansum, [NAN, NAN], 0.0, 0.0, "nothing is summed"),
    _trap("nansum of squares", lambda x: np.nansum(x**2), [NAN, 2], [0, 4], diagonal(0, 2), "b^2 alone is summed"),
    _trap("nansum of log of a negative", lambda x: np.nansum(np.log(x)), [-1, 2], [0, 0.5], diagonal(0, -0.25),
          "log(b) alone is summed"),
    _trap("nanmean", np.nanmean, [1, NAN, 3], [0.5, 0, 0.5], 0.0, "the mean of two"),
    _trap("nanvar", np.nanvar, [1, NAN, 3], [-1, 0, 1], 0.5 * np.array([[1, 0, -1], [0, 0, 0], [-1, 0, 1.0]]),
          "(a - c)^2 / 4"),
    _trap("nanmax", np.nanmax, [1, NAN, 3], [0, 0, 1], 0.0, "the largest number"),
    _trap("nanmax with ties", np.nanmax, [3, NAN, 3], [0.5, 0, 0.5], 0.0, "ties are shared"),
    _trap("nanmin", np.nanmin, [1, NAN, 3], [1, 0, 0], 0.0, "the smallest number"),
    _trap("nanmedian", np.nanmedian, [1, NAN, 3], [0.5, 0, 0.5], 0.0, "the mean of two"),
    _trap("nanquantile", lambda x: np.nanquantile(x, 0.25), [1, NAN, 3], [0.75, 0, 0.25], 0.0, "3/4 a + 1/4 c"),
    _trap("mean with a nan beside it", lambda x: np.sum(np.where([True, False], np.mean(x, axis=1), 0)),
          [[1.0, 2.0], [NAN, 1.0]], [[0.5, 0.5], [0, 0]], 0.0, "the first row alone is asked for"),
)  # fmt: skip

# The deviation of one element is the constant 0: its tangent is zero, and contributes zero whatever it meets.
FROM_FORWARD = ("forward over reverse", "forward over forward", "forward over reverse, batched")

SMALL = (
    _trap("mean of one element", np.mean, [3], 1.0, 0.0, "it is x"),
    _trap("var of one element", np.var, [3], 0.0, 0.0, "it is 0"),
    Trap(name="var with ddof=1 of one element", fun=lambda x: np.var(x, ddof=1), x=np.array([3.0]), first=NAN,
         second=NAN, why="0/0 has no value",
         instead=dict.fromkeys(FROM_FORWARD, 0.0)),
    _trap("var with ddof=1 of two", lambda x: np.var(x, ddof=1), [1, 3], [-2, 2], [[1, -1], [-1, 1]], "(a - b)^2 / 2"),
    _trap("var of a constant", np.var, [2, 2], 0.0, [[0.5, -0.5], [-0.5, 0.5]], "(a - b)^2 / 4"),
    _trap("cov of two pairs", lambda x: np.cov(x)[0, 1], [[1.0, 2.0], [5.0, 5.0]], [[0, 0], [-0.5, 0.5]],
          0.5 * np.einsum("rs,ij->risj", 1 - np.eye(2), np.array([[1, -1], [-1, 1.0]])), "(a - b)(c - d) / 2"),
    _trap("sum of nothing", np.sum, np.zeros(0), 0.0, 0.0, "nothing to differentiate"),
    _trap("prod of nothing", np.prod, np.zeros((2, 0)), 0.0, 0.0, "nothing to differentiate"),
    _trap("sum of an empty slice", lambda x: np.sum(x[:0] ** 2), [1, 2], 0.0, 0.0, "the constant 0"),
    _trap("prod of an empty slice", lambda x: np.prod(x[:0]), [1, 2], 0.0, 0.0, "the constant 1"),
    _trap("norm of an empty slice", lambda x: np.linalg.norm(x[:0]), [1, 2], 0.0, 0.0, "the constant 0"),
    _trap("logsumexp of an empty slice", lambda x: logsumexp(x[:0]), [1, 2], 0.0, 0.0, "the constant -inf"),
    _trap("max of an empty slice with initial", lambda x: np.max(x[:0], initial=1.0), [1, 2], 0.0, 0.0, "constant"),
    _trap("dot of empty slices", lambda x: np.dot(x[:0], x[:0]), [1, 2], 0.0, 0.0, "the constant 0"),
    _trap("matmul over an empty axis", lambda x: np.sum(x[:, :0] @ x[:0, :]), np.ones((2, 2)), 0.0, 0.0, "constant 0"),
    _trap("cumsum of an empty slice", lambda x: np.sum(np.cumsum(x[:0])), [1, 2], 0.0, 0.0, "the constant 0"),
    _trap("einsum over an empty axis", lambda x: np.einsum("i,i->", x[:0], x[:0]), [1, 2], 0.0, 0.0, "constant 0"),
    _trap("mean of no rows", lambda x: np.sum(np.mean(x, axis=1)), np.zeros((0, 3)), 0.0, 0.0, "nothing to do"),
    _trap("concatenate with an empty slice", lambda x: np.sum(np.concatenate([x[:0], x]) ** 2), [1, 2], [2, 4],
          2 * np.eye(2), "the sum of squares"),
)  # fmt: skip

ORDER = (
    _trap("median with ties in the middle", np.median, [1, 2, 2, 3], [0, 0.5, 0.5, 0], 0.0, "(b + c) / 2"),
    _trap("median of an odd constant", np.median, [2, 2, 2], [0, 1, 0], 0.0, "the sort is stable: b is in the middle"),
    _trap("median of two equal", np.median, [2, 2], [0.5, 0.5], 0.0, "(a + b) / 2"),
    _trap("median of squares", lambda x: np.median(x**2), [3, -1, 2], [0, 0, 4], diagonal(0, 0, 2), "c^2"),
    _trap("quantile on a sample", lambda x: np.quantile(x, 0.25), [5, 1, 2, 4, 3], [0, 0, 1, 0, 0], 0.0,
          "0.25 (n - 1) = 1: the second smallest"),
    _trap("percentile between samples", lambda x: np.percentile(x, 10), [1, 2], [0.9, 0.1], 0.0, "0.9 a + 0.1 b"),
    _trap("quantile 0 with ties", lambda x: np.quantile(x, 0.0), [1, 1], [1, 0], 0.0, "stable: the first"),
    _trap("quantile 1", lambda x: np.quantile(x, 1.0), [1, 3, 2], [0, 1, 0], 0.0, "the largest"),
    _trap("sort with ties, first", lambda x: np.sort(x)[0], [2, 2], [1, 0], 0.0, "the sort is stable"),
    _trap("sort with ties, last", lambda x: np.sort(x)[-1], [2, 2, 1], [0, 1, 0], 0.0, "the sort is stable"),
    _trap("sort with nan at the end", lambda x: np.sort(x)[0] ** 2, [NAN, 3], [0, 6], diagonal(0, 2), "b^2"),
    _trap("partition with ties", lambda x: np.sum(np.partition(x, 1)[:2]), [1, 1, 3], [1, 1, 0], 0.0, "a + b"),
    _trap("argsort, then read", lambda x: x[np.argsort(x, stable=True)][0], [2, 2], [1, 0], 0.0, "stable"),
    _trap("read at argmax with ties", lambda x: x[np.argmax(x)] ** 2, [2, 2], [4, 0], diagonal(2, 0),
          "argmax is the first"),
)  # fmt: skip

REDUCTIONS = (*PRODUCTS, *SKIPPED, *SMALL, *ORDER)
