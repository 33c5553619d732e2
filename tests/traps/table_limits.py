"""Declared limits: what no rule on values can know, and what is given instead; each is said where the rule is.

A rule sees a value and a cotangent, not how the cotangent depends on the value. Where the declared derivative
of a kink is 0, or a zero meets an infinite partial, what is smooth only in the composition keeps that 0 in
its derivatives.
"""

import numpy as np

from .table_matrices import symmetric, symmetrizer
from .trap import Trap

__all__ = ["LIMITS"]

NAN = np.nan
KINK = "the derivative of the kink is declared 0, and with it that of the square: mathematics says 2 I"


def _kinked(name, fun, x):
    return Trap(name=name, fun=fun, x=x, first=0.0, second=0.0, why=KINK)


def _eigenfunction(a):
    """Return the sum of the entries of sqrt(A), computed from eigenvectors."""
    w, v = np.linalg.eigh(symmetric(a))
    return np.sum((v * np.sqrt(w)) @ v.T)


LIMITS = (
    _kinked("norm(x)**2 at 0", lambda x: np.linalg.norm(x) ** 2, np.zeros(2)),
    _kinked("abs(x)**2 at 0", lambda x: np.abs(x) ** 2, 0.0),
    _kinked("hypot(x, y)**2 at 0", lambda x: np.hypot(x[0], x[1]) ** 2, np.zeros(2)),
    _kinked("complex abs(z)**2 at 0", lambda x: np.abs(x[0] + 1j * x[1]) ** 2, np.zeros(2)),
    Trap(
        name="std(x)**2 of a constant", fun=lambda x: np.std(x) ** 2, x=np.full(2, 2.0), first=0.0, second=0.0,
        why="as the norm of the deviations",
    ),
    Trap(
        name="sqrt(x)**2 at 0", fun=lambda x: np.sqrt(x) ** 2, x=0.0, first=0.0, second=np.inf,
        why="0 inf = 0, where the limit of 2 sqrt(x) / (2 sqrt(x)) is 1",
    ),
    Trap(
        name="sqrt(x**2) at 0", fun=lambda x: np.sqrt(x**2), x=0.0, first=0.0, second=np.inf,
        why="0 inf = 0 as for abs, and the slope jumps",
    ),
    Trap(
        name="sum of svdvals squared at rank 1", fun=lambda a: np.sum(np.linalg.svdvals(a) ** 2),
        x=np.diag([1.0, 0.0]), first=np.diag([2.0, 0.0]),
        second=2 * np.eye(4).reshape(2, 2, 2, 2) * (1 - np.diag([0.0, 1.0]))[:, :, None, None],
        why="a singular value 0 is a modulus at 0: its own entry of 2 I is lost",
    ),
    Trap(
        name="sum of eigvalsh squared at 0", fun=lambda a: np.sum(np.linalg.eigvalsh(symmetric(a)) ** 2),
        x=np.zeros((2, 2)), first=0.0, second=2 * symmetrizer(2), why="the squared norm", rounding=64,
        instead={"reverse over reverse": 2 * symmetrizer(2) * np.eye(2)[:, :, None, None]},
    ),
    Trap(
        name="entries of sqrt(A) through eigh at I", fun=_eigenfunction, x=np.eye(2), first=0.5, second=None,
        why="f'(1) = 1/2 times the ones; reverse mode cannot know f' off the diagonal, and second derivatives of"
        " anything but traces are lost there", rounding=64, exact=False, instead={"reverse": NAN},
    ),
)  # fmt: skip
