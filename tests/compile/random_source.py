"""Random programs as source text, of what has a lowering: many types, views, reductions, writes, loops and branches.

A program is drawn as numbers, as in tests/properties: each line takes a template and fills in names of arrays that
exist by then, and lines that NumPy refuses are left out.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import wengert as wg

__all__ = ["EXACT", "ROUNDED", "Source", "inputs", "source"]

# A, B: floating-point arrays; P, Q: arrays of integers; M: an array of booleans; S: a number; N: a new name; I, J:
# small indices; K: an axis; C: a number that is known.
EXACT = """
N = A + B
N = A - B * C
N = A * 1.0
N = -A
N = B - A
N = A * B
N = np.maximum(A, B)
N = np.minimum(A, C)
N = np.abs(A)
N = np.floor(A * 0.5)
N = np.where(A > B, A, B)
N = np.where(M, A, C)
N = np.where(M, A, P)
N = np.clip(A, -1.0, 2.0)
N = A > 0
N = A <= B
N = ~M
N = M & (A > C)
N = P + 1
N = P * Q
N = P - J
N = P // 2
N = P % 3
N = A + P
N = P > Q
N = A.astype(np.float32)
N = A.astype(np.int64)
N = A.astype(np.int32)
N = A.astype(np.int8)
N = np.abs(A).astype(np.uint16)
N = P.astype(np.int16)
N = P.astype(np.uint32)
N = P.astype(np.uint64)
N = M.astype(np.int8)
N = np.minimum(P, Q)
N = np.where(M, P, Q)
N = P & Q
N = P << 1
N = np.abs(P)
N = P * A.astype(np.float32)
N = M.astype(np.float64)
N = P.astype(np.float64) * A
N = P.astype(bool)
N = A.sum(axis=K)
N = A.sum(axis=K, keepdims=True)
N = A.sum()
N = A.sum(axis=(0, -1))
N = A.max(axis=K)
N = A.min(axis=K, keepdims=True)
N = A.max()
N = A - A.sum(axis=K, keepdims=True)
N = A - A.max(axis=K, keepdims=True)
N = P.sum(axis=K)
N = P.sum()
N = P.max()
N = M.any(axis=K)
N = M.all()
N = M.sum(axis=K)
N = np.prod(np.clip(A, -2.0, 2.0), axis=K)
N = A[I]
N = A[I:]
N = A[1:-1]
N = A[::-1]
N = A[..., ::2]
N = A[..., ::-2]
N = A[1:, ::-1]
N = A[:, I]
N = A[I, ...]
N = A[None]
N = A[..., None]
N = A[3:]
N = P[::-1]
N = A.T
N = A.reshape(-1)
N = A.reshape(2, -1)
N = A.reshape(-1, 3)
N = A.swapaxes(0, -1)
N = np.moveaxis(A, 0, -1)
N = A.squeeze()
N = A.diagonal()
N = np.flip(A, K)
N = np.broadcast_to(A, (2, *A.shape))
N = np.concatenate([A, B])
N = np.concatenate([A, B, A], axis=-1)
N = np.concatenate([A[1:], A[:1]])
N = np.stack([A, B], axis=K)
N = np.stack([A, A, B])
N = np.pad(A, 1)
N = np.pad(A, [(0, I)] * A.ndim)
N = A[1:] - A[:-1]
N = A[:-1] * A[1:]
N = A[..., 1:] + A[..., :-1]
N = A @ B
N = A @ A.T
N = np.outer(A, B)
N = np.einsum("ij,ij->i", A, B)
N = np.einsum("ij,kj->ki", A, B)
N = np.einsum("i,j->ji", A, B)
N = np.einsum("ii->i", A)
N = np.tensordot(A, B, 1)
N = np.einsum("ij,jk,k->i", A, B, v)
N = A.T @ A
N = np.cumsum(A, axis=K)
N = np.sort(A, axis=K)
N = np.argmax(A, axis=K)
N = np.roll(A, I, axis=K)
N = np.tril(A)
N = A.copy()
N = np.zeros_like(A)
N = np.ones_like(A)
N = np.zeros((0, 2)) + S
N = S * A
N = S + 1
N = A[[I, J]]
N = A[..., [I, J, I]]
N = A[:, [J, I]]
N = A[[I, -1], [J, 0]]
N = A[::-1, [I, J]]
N = A[[I, J, I], ::-2]
N = A[None, [J, I], 1:]
N = A[np.clip(P, 0, 1), ::-1]
A[::-1, [I, J]] = C
A[[I, J], ::-2] += C
N = A.take([I, J], axis=K)
N = A[np.clip(P, 0, 1)]
N = A[np.clip(P[0], -1, 2)]
N = A[..., np.clip(P.sum(), 0, 2)]
N = A[np.clip(P[:2], 0, 2), np.clip(P[1:3], -1, 1)]
A[I] = B
A[I] = C
A[...] = B
A[I:] = B
A[:, I] = B
A[::-1] = A
A[1:] = A[:-1]
A[::2] = A[::-2]
A[[I, J]] = A[[J, I]]
A[I], A[J] = A[J], A[I]
A += B
A -= B
A[I] += B
A[I:] -= B
A[[I, I]] += B
A[np.clip(P, 0, 2)] += C
A[np.clip(P[1], 0, 2)] = B
P[I] = P[J] + 1
np.fill_diagonal(A, C)
N = wg.scan(lambda c, r: (c - r, c + r), A[0], A)[1]
N = wg.scan(lambda c, r: (c - r, c + r), A[0], A, reverse=True)[0]
N = wg.scan(lambda c, r: (r, c), A[0], A)[1]
N = wg.scan(lambda c, r: ((c[1], c[0] + r), c[1]), (A[0], A[-1]), A)[0][1]
N = wg.scan(lambda c, r: ((c[1], c[0]), r - c[0]), (A[0], A[-1]), A)[1]
N = wg.scan(lambda c, r: (c + r.sum(), c * B), S, A)[1]
N = wg.scan(lambda c, r: (c + 1, r * 2), 0, A)[1]
N = wg.scan(lambda c, r: (np.maximum(c[::-1], r), c), A[0], A[:1])[1]
N = wg.scan(lambda c, r: (c, c + r), A[0], A[:0])[0]
N = wg.scan(lambda c, r: (c[::-1], c.sum() + r), A, B)[1]
N = wg.scan(lambda c, r: (np.sort(c) + r, np.cumsum(c) - r), A[0], A)[1]
N = wg.cond(S > 0, lambda a: np.sort(a), lambda a: np.cumsum(a, axis=-1), A)
N = wg.fori_loop(0, 3, lambda i, c: (c[1], c[0]), (A, B))[0]
N = wg.fori_loop(0, J, lambda i, c: c - A, A * C)
N = wg.fori_loop(0, I, lambda i, c: (c[1], c[0] + A[i], c[2] + i), (A[0], A[1], S))[1]
N = wg.fori_loop(0, 3, lambda i, c: c + A[i].sum(), S)
N = wg.fori_loop(0, np.clip(P[0], 0, 3), lambda i, c: c - B, A)
N = wg.while_loop(lambda c: c[0] < J, lambda c: (c[0] + 1, c[1] - B), (0, A))[1]
N = wg.while_loop(lambda c: c.sum() > 4.0, lambda c: c - 1.0, A)
N = wg.cond(A.sum() > 0, lambda a, b: a, lambda a, b: b, A, A * C)
N = wg.cond(A.sum() > 0, lambda a, b: (a, b), lambda a, b: (b, b), A[1:], A[:-1])[1]
N = wg.cond(S > 0, lambda a: a * C, lambda a: a[::-1], A)
N = wg.cond(S > 0, lambda: A - B, lambda: A * B)
N = wg.cond(M.any(), lambda s: s, lambda s: 0.0 * s, S)
N = wg.switch(np.clip(P[0], 0, 2), [lambda a: a, lambda a: -a, lambda a: a[::-1] + C], A)
""".strip().splitlines()

FUNCTIONS = [
    """
def _around(c, r):
    old = c[I] * 2
    c = c.copy()
    c[I] = r
    c[J] += old
    return c, old - c[I]
N = wg.scan(_around, B, A)[1]
""",
    """
def _same(c, r):
    return c - r.sum(), c * C + r
N = wg.scan(_same, S, A)[1] - wg.scan(_same, 1.0 - S, B)[1]
""",
    """
_same = lambda a, t: (a - t, t)
N = wg.cond(S > 0, _same, lambda a, t: (a, t * t), A, S)[0] + wg.cond(S > 1, _same, lambda a, t: (a, t * t), A, -S)[1]
""",
    """
def _write(i, c):
    c = c + 0.0
    c[i] = c[i - 1] + B[i]
    return c
N = wg.fori_loop(0, 3, _write, A)
""",
    """
def _shift(i, c):
    c = c.copy()
    old = c[0] * 1.0
    c[:-1] = c[1:]
    c[-1] = old
    return c
N = wg.fori_loop(0, J, _shift, A)
""",
    """
def _late(c, r):
    before = c
    c = c.copy()
    c[I] = r
    return c, before.sum() - c[J]
N = wg.scan(_late, A, B)[1]
""",
    """
def _two(c, r):
    a, b = c
    a = a.copy()
    a[I] += r
    return (b, a), a.sum()
N = wg.scan(_two, (A, A * 1.0), B)[0][0]
""",
    """
def _rows(c, r):
    inner = wg.fori_loop(0, 2, lambda i, t: t + c[i], r)
    return c[::-1], inner
N = wg.scan(_rows, A, B)[1]
""",
    """
def _branch(c, r):
    return wg.cond(r.sum() > 0, lambda a, b: (a, b), lambda a, b: (b, a), c, r)
N = wg.scan(_branch, A[0], A)[1]
""",
    """
def _gather(c, r):
    k = np.clip(r, 0, 1)
    d = c.copy()
    d[k] = c[-1] + 1
    return d, c[k]
N = wg.scan(_gather, A, P)[1]
""",
    """
def _count(c):
    n, a = c
    a = a.copy()
    a[n] = a[n - 1] + C
    return n + 1, a
N = wg.while_loop(lambda c: c[0] < I, _count, (0, A))[1]
""",
]

ROUNDED = """
N = np.linalg.solve(9.0 * np.eye(len(m)) + np.sin(m), A)
N = np.linalg.solve(9.0 * np.eye(len(A)) + np.sin(A), B)
N = A.var(axis=K)
N = np.exp(-(A[:, None] - A[None]) ** 2)
N = np.log(np.sum(np.exp(np.sin(A)), axis=-1))
N = np.sin(A)
N = np.tanh(A)
N = np.exp(np.sin(A))
N = np.sqrt(1.0 + A * A)
N = A / (2.0 + B * B)
N = np.log1p(A * A)
N = A.mean(axis=K)
N = A.mean(axis=K, keepdims=True)
N = np.exp(np.tanh(A)) / np.exp(np.tanh(A)).sum(axis=-1, keepdims=True)
N = (np.sin(A) - np.sin(A).mean(axis=K, keepdims=True)) ** 2
N = np.arctan2(A, 2.0 + np.cos(B))
N = np.cos(A) @ np.sin(B)
A *= np.cos(B)
A **= 2
N = wg.scan(lambda c, r: (np.sin(c) + r, np.cos(c) * r), A[0], A)[1]
N = wg.fori_loop(0, 4, lambda i, c: np.tanh(c @ np.sin(m)) + 0.5, A)
N = wg.while_loop(lambda c: np.abs(c[1]).sum() > 1.0, lambda c: (c[0] + 1, np.sin(c[1]) * 0.5), (0, A))[1]
""".strip().splitlines()

NUMBERS = (0.5, -1.0, 2.0, 1.0)
EXACT += FUNCTIONS
MOST = 250  # entries
# Of the axes of operands: short loops are written out, long ones have a remainder, the longest make products for BLAS.
LENGTHS = [(3, 4), (5, 9), (2, 6), (14, 16)]


def inputs(exact: bool, turn: int = 0) -> dict[str, Any]:
    """Fresh operands of every program; whole numbers if they are to be exact."""
    rng = np.random.default_rng(1964)
    n, m = LENGTHS[turn % len(LENGTHS)]
    shapes: dict[str, tuple[int, ...]] = {
        "s": (), "e": (0, m), "f": (n, m), "t": (2, n, 2), "v": (m,), "m": (n, n), "x": (n, m),
    }  # fmt: skip
    found: dict[str, Any] = {
        name: np.asarray(rng.integers(-3, 4, shape) * 1.0 if exact else rng.normal(size=shape))[()]
        for name, shape in shapes.items()
    }
    found["f"] = found["f"].astype(np.float32)
    found["k"] = rng.integers(-2, 4, n)
    found["j"] = rng.integers(-2, 4, (n, m)).astype(np.int32)
    found["b"] = rng.integers(0, 2, m) > 0
    found["c"] = rng.integers(-90, 90, m).astype(np.int8)
    found["u"] = rng.integers(0, 90, (n, 1)).astype(np.uint8)
    return found


KINDS: dict[str, Callable[[Any], bool]] = {
    "A": lambda y: isinstance(y, np.ndarray) and y.dtype.kind == "f",
    "B": lambda y: isinstance(y, np.ndarray) and y.dtype.kind == "f",
    "P": lambda y: isinstance(y, np.ndarray) and y.dtype.kind in "iu",
    "Q": lambda y: isinstance(y, np.ndarray) and y.dtype.kind in "iu",
    "M": lambda y: isinstance(y, np.ndarray) and y.dtype.kind == "b",
    "S": lambda y: np.ndim(y) == 0 and np.result_type(y).kind == "f",
}


def _line(template: str, space: dict[str, Any], names: list[str], numbers: Sequence[int]) -> str:
    """Fill in a template; the last names are the likeliest, so that a program goes on with what it has made."""
    a, b, c = numbers
    fills = {
        "N": f"p{len(names)}", "I": str(c % 3), "J": str(c // 3 % 3), "K": str(c % 2 - 1),
        "C": str(NUMBERS[c % len(NUMBERS)]),
    }  # fmt: skip
    for kind, n in zip(KINDS, (a, b, a, b, c, b), strict=True):
        fitting = [name for name in names if KINDS[kind](space[name])]
        fills[kind] = fitting[-1 - (n % len(fitting))]
    return re.sub(r"\b[ABPQMSNIJKC]\b", lambda found: fills[found[0]], template).strip()


class Source:
    """A program that grows by the lines that NumPy takes."""

    def __init__(self, exact: bool, turn: int) -> None:
        self.exact, self.turn = exact, turn
        self.lines: list[str] = []
        self.names = list(inputs(exact, turn))
        self.space = self._run([])

    def _run(self, lines: Sequence[str]) -> Any:
        space = {"np": np, "wg": wg, **inputs(self.exact, self.turn)}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                exec("\n".join(lines), space)  # noqa: S102 - the text is made here
        except (TypeError, ValueError, IndexError, AttributeError, OverflowError, Warning):
            return None
        return space if self._acceptable(space) else None

    def _acceptable(self, space: dict[str, Any]) -> bool:
        arrays = [y for y in space.values() if isinstance(y, np.ndarray | np.generic)]
        largest = 1e4 if self.exact else 1e2
        return all(np.size(y) <= MOST and np.all(np.abs(y) < largest) for y in arrays)

    def add(self, template: str, numbers: Sequence[int]) -> None:
        """Add a line, if it runs."""
        line = _line(template, self.space, self.names, numbers)
        space = self._run([*self.lines, line])
        if space is None:
            return
        self.lines.append(line)
        self.space = space
        new = f"p{len(self.names)}"
        if isinstance(space.get(new), np.ndarray | np.generic):
            self.names.append(new)


def source(
    draws: Sequence[tuple[int, int, int, int]],
    length: int,
    *,
    exact: bool,
    turn: int = 0,
    finite: bool = True,
) -> str:
    """Return the text of a function that numbers stand for, of at most so many lines.

    If operands may not be `finite`, there are no loops that end when a number is small.
    """
    made = Source(exact, turn)
    templates = EXACT if exact else EXACT + 4 * ROUNDED
    if not finite:
        templates = [t for t in templates if "while" not in t and "linalg" not in t and "P[0]" not in t]
    for which, *numbers in draws:
        if len(made.lines) == length:
            break
        made.add(templates[which % len(templates)], numbers)
    chosen = [made.names[-1 - draws[k][1] * k % len(made.names)] for k in range(4)]
    body = "\n".join([*made.lines, f"return [{', '.join(chosen)}]"])
    return f"def program({', '.join(inputs(exact))}):\n" + "".join(
        f"    {line}\n" for line in body.splitlines()
    )
