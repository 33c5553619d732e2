"""Random NumPy programs as source text.

A program is drawn as numbers; each line takes a template and fills in names of arrays that exist by then. Lines are
tried on plain NumPy, and those that NumPy refuses are left out, so that all of NumPy's rules about shapes, views and
read-only arrays hold without being repeated here. A falsifying example is a program to read, and to paste into a table
of tests/mutation. `np.real` keeps comparisons the same under a complex step.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["BRANCHES", "TEMPLATES", "inputs", "source"]

# A, B: arrays; N: a new name; I, J: small indices; K: an axis; C: a number.
READS = """
N = np.sin(A)
N = np.tanh(A)
N = np.exp(np.sin(A))
N = np.sqrt(1.0 + A * A)
N = A * 1.0
N = A + B
N = A - 0.5 * B
N = A * B
N = A / (2.0 + B * B)
N = A @ B
N = np.outer(A, B)
N = A.sum(axis=K)
N = A.mean(axis=K, keepdims=True)
N = np.prod(A, axis=K)
N = np.cumsum(A, axis=K)
N = A[[I, J]]
N = A[..., [I, J, I]]
N = A.take([I, J], axis=K)
N = np.where(np.real(A) > 0, A, 0.5 * A)
N = A.copy()
N = np.concatenate([A, B])
N = np.stack([A, B], axis=K)
N = np.zeros_like(A)
N = np.array(A, like=A)
N = np.roll(A, I, axis=K)
N = (lambda t: t * A)(B)
N = np.stack([r * C for r in A])
""".strip().splitlines()

VIEWS = """
N = A[I]
N = A[I:]
N = A[1:-1]
N = A[::-1]
N = A[..., ::2]
N = A[:, I]
N = A[I, ...]
N = A[None]
N = A.T
N = A.reshape(-1)
N = A.reshape(2, -1)
N = A.ravel()
N = A.swapaxes(0, -1)
N = A.squeeze()
N = A.diagonal()
N = np.moveaxis(A, 0, -1)
N = np.flip(A, K)
N = np.rot90(A)
N = np.atleast_2d(A)
N = np.split(A, 2)[1]
N = np.broadcast_to(A, (2, *A.shape))
N = np.einsum("ij->ji", A)
""".strip().splitlines()

WRITES = """
A[I] = B
A[I] = C
A[...] = B
A[I:] = B
A[:, I] = B
A[I, J] = C
A[::-1] = A
A[1:] = A[:-1]
A[:-1] = A[1:]
A[[I, J]] = A[[J, I]]
A[[I, J, I]] = B
A[I], A[J] = A[J], A[I]
A[np.real(A) > 0] = C
A.T[I] = B
A += B
A -= 0.5 * B
A *= np.cos(B)
A *= B
A /= 2.0 + B * B
A **= 2
A @= np.eye(3)[::-1]
A[I] += B
A[I:] -= B
A[[I, I]] += B
A[::2] *= C
np.add(A, B, out=A)
np.multiply(A, C, out=B)
np.sin(A, out=A, where=np.real(A) > 0)
np.cumsum(A, axis=K, out=A)
np.copyto(A, B * 1.0)
np.put(A, [I, J], B)
np.putmask(A, np.real(A) < 0, B * 1.0)
np.fill_diagonal(A, C)
A[...].fill(C)
A[...].flat[I] = C
A[...].flat[:] = B * 1.0
for k in range(3): A[k] = 0.5 * A[k - 1] + B[k]
for row in A: row *= C
for row in A: row += B
for a, b in zip(A, B): a -= C * b
""".strip().splitlines()

FUNCTIONS = [
    "A[:0] = 0.0\nnp.add.at(A, [I, J, I], B * 1.0)",  # NumPy's `at` writes into read-only arrays
    "A[:0] = 0.0\nnp.multiply.at(A, [I, I], C)",
    """
def _set(a, b):
    a[0] = b
    return a * C
N = _set(A, B)
""",
    """
def _outer(a):
    def inner():
        a[I] *= C
    inner()
    inner()
_outer(A)
""",
    """
_total = np.zeros_like(A)
def _add(t):
    global _total
    _total += t
_add(A)
_add(B)
N = _total
""",
]

BRANCHES = """
if np.real(A).sum() > 0: A *= C
if bool(np.real(A[I] > A[J]).all()): A[I] = B
while np.real(A).sum() > 1.0: A *= 0.5
if np.unique(np.real(A)).size == A.size: A.sort()
A[np.real(A) > 0] *= C
np.place(A, np.real(A) > 0.5, B * 1.0)
N = A[np.real(A) > 0]
""".strip().splitlines()

TEMPLATES = [*READS, *VIEWS, *WRITES, *FUNCTIONS]
NUMBERS = (0.5, -0.25, 0.75, 1.0)
LARGEST, MOST = 1e2, 48  # entries: beyond, rounding errors would be large; and so would be the programs


def inputs() -> dict[str, Any]:
    """Fresh operands of every program."""
    rng = np.random.default_rng(1964)
    return {"x": rng.normal(size=(3, 4)), "v": rng.normal(size=4), "m": rng.normal(size=(3, 3))}


def _line(template: str, names: list[str], numbers: Sequence[int]) -> str:
    """Fill in a template; the last names are the likeliest, so that a program goes on with what it has made."""
    a, b, c = numbers
    first, second = (names[-1 - (n % len(names))] for n in (a, b))
    fills = {
        "A": first, "B": second, "N": f"p{len(names)}", "I": str(c % 3), "J": str(c // 3 % 3), "K": str(c % 2 - 1),
        "C": str(NUMBERS[c % len(NUMBERS)]),
    }  # fmt: skip
    return re.sub(r"\b[ABNIJKC]\b", lambda found: fills[found[0]], template).strip()


def _acceptable(space: dict[str, Any]) -> bool:
    arrays = [y for y in space.values() if isinstance(y, np.ndarray | np.inexact)]
    return all(np.size(y) <= MOST and np.all(np.abs(y) < LARGEST) for y in arrays)


def _runs(lines: Sequence[str]) -> dict[str, Any] | None:
    """Run lines on plain NumPy; return what they leave, or None if NumPy refuses or numbers grow."""
    space = {"np": np, **inputs()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec("\n".join(lines), space)  # noqa: S102 - the text is made above
    except (TypeError, ValueError, IndexError, AttributeError, Warning):
        return None
    return space if _acceptable(space) else None


def source(templates: Sequence[str], draws: Sequence[tuple[int, int, int, int]], length: int) -> str:
    """Return the program that numbers stand for, of at most so many lines."""
    lines: list[str] = []
    names = list(inputs())
    for which, *numbers in draws:
        if len(lines) == length:
            break
        line = _line(templates[which % len(templates)], names, numbers)
        space = _runs([*lines, line])
        if space is None:
            continue
        lines.append(line)
        new = f"p{len(names)}"
        if new in space and isinstance(space[new], np.ndarray | np.inexact) and space[new].dtype.kind == "f":
            names.append(new)
    return "\n".join(lines)
