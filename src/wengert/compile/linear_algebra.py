"""Linear algebra: which routines of LAPACK operations on matrices call, and with what.

The routines are those of NumPy, given the same matrices, so that pivots, signs and failures are NumPy's. Matrices are
copied column by column, or taken for their transposes where that makes no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

import numpy as np

from wengert.compile.affine import symbol
from wengert.compile.definitions import Memory
from wengert.compile.host_calls import host_call
from wengert.compile.kernel import INT, NOT_FACTORED, Carried, Fail, For, If, Value
from wengert.compile.lapack import LETTERS, PIVOTS, Matrices, Work
from wengert.compile.lower import Body
from wengert.compile.nests import copy, loops
from wengert.compile.roots import Unit
from wengert.compile.writing import type_name
from wengert.core.graph import Node
from wengert.ops.determinants import most_regular

__all__ = ["factored"]


class Recipe(NamedTuple):
    """How an operation on one matrix calls LAPACK.

    Attributes
    ----------
    write : (matrices, **params) -> None
    columns : tuple of int
        Which results are computed column by column.
    operands : int
        How many operands it has; with others, the operation is NumPy's.
    free_signs : bool
        Whether the signs of vectors are the routine's choice. In single precision, the builds of OpenBLAS that NumPy
        and SciPy come with were seen to choose differently: there, vectors are left to NumPy.
    doubtful : bool
        Whether it may turn out that NumPy has to do the operation.
    """

    write: Callable[..., None]
    columns: tuple[int, ...] = ()
    operands: int = 1
    free_signs: bool = False
    doubtful: bool = False

    def takes(self, node: Node) -> bool:
        """Whether it does this operation, on these types."""
        atoms = (*node.inputs, *node.outputs)
        if any(type_name(a.dtype) is None or 0 in a.shape for a in atoms):
            return False
        type = type_name(node.outputs[0].dtype)
        chosen = self.free_signs and len(node.outputs) > 1 and type != "f64"
        return type in LETTERS and len(node.inputs) == self.operands and not chosen


def factored(body: Body, node: Node) -> Unit | None:
    """Return an operation on stacks of matrices as calls of LAPACK, or None where it is left to NumPy."""
    recipe = _RECIPES[node.prim.lower.routine]  # type: ignore[union-attr]
    if not recipe.takes(node):
        return None

    def write() -> None:
        matrices = Matrices(body, node, recipe.columns)
        if recipe.doubtful:
            matrices.expect_doubts()
        with loops(body.lowering.writer, np.broadcast_shapes(*[a.shape[:-2] for a in node.inputs])) as index:
            matrices.index = index
            recipe.write(matrices, **node.params)
        doubt = matrices.close()
        if doubt is not None:
            _ask_numpy(body, node, doubt)

    return Unit(node.inputs, node.outputs, write)


def _ask_numpy(body: Body, node: Node, doubt: Value) -> None:
    """Let NumPy do an operation in which there was a doubt."""
    w = body.lowering.writer
    w.open()
    for y, memory in zip(node.outputs, host_call(body, node), strict=True):
        copy(w, memory, body.in_memory(y), y.shape)
    w.append(If(doubt, w.close(), []))
    for y in node.outputs:
        w.wrote(body.in_memory(y).buffer)


# Recipes --------------------------------------------------------------------------------------------------------------


def _potrf(m: Matrices, *, upper: bool) -> None:
    """A = L L^T. The rows of the lower triangle are the columns of the upper one: no transpose is made."""
    n, y = m.shape[-1], m.result(0)
    m.copy(m.operand(0), y, m.shape)
    m.require(m.call("potrf", "L" if upper else "U", n, y, n))
    m.triangle(y, y, m.shape, lower=not upper)


def _gesv(m: Matrices) -> None:
    """A Y = B, by elimination with row pivots."""
    n, y = m.shape[-1], m.by_columns(0)
    columns = m.sizes(0)[1]
    m.copy(m.operand(1), y, (n, columns))
    m.require(m.call("gesv", n, columns, m.columns(0), n, m.room(n, type=PIVOTS), y, n))
    m.give(0)


def _getri(m: Matrices) -> None:
    """A Y = I: as NumPy does it, not by getri."""
    n, y = m.shape[-1], m.by_columns(0)
    _identity(m, y)
    m.require(m.call("gesv", n, n, m.columns(0), n, m.room(n, type=PIVOTS), y, n))
    m.give(0)


def _identity(m: Matrices, y: Memory) -> None:
    w = m.writer
    one, zero = (w.constant(x, y.buffer.type) for x in (1, 0))
    m.fill(y, m.shape, lambda index: w("select", w("eq", *map(w.integer, index)), one, zero))


def _getrf(m: Matrices) -> None:
    """The sign, and the logarithm of the modulus, of the determinant; 0 and -inf where a pivot is 0."""
    w, n, a, pivots = m.writer, m.shape[-1], m.columns(0), m.room(m.shape[-1], type=PIVOTS)
    singular = w("gt", m.call("getrf", n, n, a, n, pivots), w.constant(0, PIVOTS))
    for k, (found, otherwise) in enumerate(zip(_determinant(m, a, pivots), (0.0, -inf), strict=True)):
        target = m.result(k)
        w.store(w("select", singular, w.constant(otherwise, found), found), target.buffer, target.offset)


def _determinant(m: Matrices, factors: Memory, pivots: Memory) -> tuple[Value, Value]:
    """Return the sign, and the logarithm of the modulus, of the product of the pivots."""
    w, n, type = m.writer, m.shape[-1], factors.buffer.type
    w.open()
    i, sign, log = w.value(INT, within=(0, n - 1)), w.value(type), w.value(type)
    zero, at = w.constant(0, type), symbol(i)
    u, row = m.load(factors, (at, at)), w.convert(m.load(pivots, (at,)), INT)
    swapped = w("ne", row, w("add", i, w.constant(1, INT)))
    flipped = w("select", w("xor", w("lt", u, zero), swapped), w("neg", sign), sign)
    added = w("add", log, w("log", w("abs", u)))
    body = w.close()
    signs = Carried(w.constant(1, type), sign, flipped, w.value(type))
    logs = Carried(zero, log, added, w.value(type))
    w.append(For(i, n, body, [signs, logs]))
    return signs.result, logs.result


def _cofactor(m: Matrices) -> None:
    """C = det A A^-T if A is well conditioned: see `ops/determinants.py`; otherwise NumPy has other ways."""
    w, n, a, inverse = m.writer, m.shape[-1], m.columns(0), m.room(*m.shape)
    pivots, type = m.room(n, type=PIVOTS), a.buffer.type
    size = _squares(m, a)
    _identity(m, inverse)
    info = m.call("gesv", n, n, a, n, pivots, inverse, n)
    squared_condition = w("mul", size, _squares(m, inverse))
    sound = w("lt", squared_condition, w.constant(most_regular(m.dtype), type))
    m.doubt(w("not", w("and", sound, w("eq", info, w.constant(0, PIVOTS)))))
    sign, log = _determinant(m, a, pivots)
    det = w("mul", sign, w("exp", log))
    m.fill(m.result(0), m.shape, lambda index: w("mul", det, m.load(inverse, index[::-1])))


def _squares(m: Matrices, a: Memory) -> Value:
    """Return the sum of the squares of the entries of a matrix that is all that is in its memory."""
    w, n = m.writer, m.shape[-1] ** 2
    w.open()
    i, total = w.value(INT, within=(0, n - 1)), w.value(a.buffer.type)
    x = w.load_here(a.buffer, symbol(i))
    sum = w.joined("add", total, w("mul", x, x))
    body = w.close()
    carried = Carried(w.constant(0, x), total, sum, w.value(x.type), "add")
    w.append(For(i, n, body, [carried], lanes=True))
    return carried.result


def _trsm(m: Matrices, *, lower: bool, trans: int, unit: bool) -> None:
    """op(A) Y = B, as Y^T op(A)^T = B^T: both matrices are taken for their transposes."""
    w, n, y = m.writer, m.shape[-1], m.result(0)
    columns = m.sizes(0)[1]
    a = m.rows(0)
    if not unit:
        with loops(w, (n,)) as (i,):
            u = m.load(a, (i, i))
            w.append(Fail(w("eq", u, w.constant(0, u)), NOT_FACTORED))
    m.copy(m.operand(1), y, (n, columns))
    one = w.constant(1, y.buffer.type)
    sides = "R", "U" if lower else "L", "T" if trans else "N", "U" if unit else "N"
    m.product("trsm", *sides, columns, n, one, a, n, y, columns)


def _geqrf(m: Matrices, *, mode: str) -> None:
    """A = Q R by reflections."""
    (rows, columns), a, q = m.shape, m.columns(0), m.by_columns(0)
    k, width = min(m.shape), rows if mode == "complete" else min(m.shape)
    tau = m.room(k)
    m.require(m.call("geqrf", rows, columns, a, rows, tau, Work()))
    m.triangle(m.result(1), a, m.sizes(1), lower=False)
    m.copy(a, q, (rows, min(width, columns)))
    m.require(m.call("orgqr", rows, width, k, q, rows, tau, Work()))
    m.give(0)


def _syevd(m: Matrices, *, uplo: str, **_: Any) -> None:
    """A = V diag(w) V^T for symmetric A; the eigenvalues alone if that is the only result."""
    n, w = m.shape[-1], m.result(0)
    vectors = m.n_results > 1
    a = m.by_columns(1) if vectors else m.room(n, n)
    m.copy(m.operand(0), a, m.shape)
    work = Work(), Work(is_integer=True)
    m.require(m.call("syevd", "V" if vectors else "N", uplo, n, a, n, w, *work))
    if vectors:
        m.give(1)


def _gesdd(m: Matrices, *, full_matrices: bool = False, **_: Any) -> None:
    """A = U diag(s) V^T; the singular values alone if they are the only result."""
    (rows, columns), k, a = m.shape, min(m.shape), m.columns(0)
    integers = m.room(8 * k, type=PIVOTS)
    if m.n_results == 1:
        none = m.room(1)
        m.require(
            m.call("gesdd", "N", rows, columns, a, rows, m.result(0), none, 1, none, 1, Work(), integers)
        )
        return
    u, s, vt = m.by_columns(0), m.result(1), m.by_columns(2)
    height = columns if full_matrices else k
    job = "A" if full_matrices else "S"
    m.require(m.call("gesdd", job, rows, columns, a, rows, s, u, rows, vt, height, Work(), integers))
    m.give(0)
    m.give(2)


_RECIPES: dict[str, Recipe] = {
    "potrf": Recipe(_potrf),
    "gesv": Recipe(_gesv, (0,), operands=2),
    "getri": Recipe(_getri, (0,)),
    "getrf": Recipe(_getrf),
    "cofactor": Recipe(_cofactor, doubtful=True),
    "trsm": Recipe(_trsm, operands=2),
    "geqrf": Recipe(_geqrf, (0,)),
    "syevd": Recipe(_syevd, (1,), free_signs=True),
    "gesdd": Recipe(_gesdd, (0, 2), free_signs=True),
}
