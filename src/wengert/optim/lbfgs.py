"""L-BFGS as an optimiser with `init` and `update`, one evaluation per step; `minimize` has the one with a line search.

With s_k = x_k+1 - x_k and y_k = g_k+1 - g_k the inverse of the Hessian is approximated by

    H = gamma I, gamma = s^T y / y^T y,  changed for each pair, oldest first, to  V^T H V + rho s s^T,
    V = I - rho y s^T,  rho = 1 / y^T s,

which is applied to a gradient by the two loops of Nocedal and Wright (2006), algorithm 7.4, without being formed.
Places of the memory that hold no pair yet have rho = 0, and drop out of both loops.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.errors import ArgumentError
from wengert.optim.optimizer import (
    Optimizer,
    Rate,
    check_parameters,
    check_rate,
    check_state,
    check_structure,
    rate_at,
    rate_observer,
    rate_state,
    typed,
    unknown_state,
)

__all__ = ["Memory", "lbfgs", "row_of", "tree_like"]

_CURVATURE = 1e-10  # of y^T s, below which a pair is not taken: H would not stay positive definite


class Memory(NamedTuple):
    """The state of `lbfgs`; vectors hold all parameters in a row, the oldest pair stands first.

    Attributes
    ----------
    count : integer
        Steps taken.
    rate : pytree
        What a learning rate that listens remembers.
    gradient, moved : (n,) array
        Of the last step, and what it added to the parameters.
    s, y : (m, n) array
    rho : (m,) array
    gamma : float
    """

    count: Any
    rate: Any
    gradient: Any
    moved: Any
    s: Any
    y: Any
    rho: Any
    gamma: Any


def lbfgs(learning_rate: Rate = 1.0, memory: int = 10) -> Optimizer:
    """L-BFGS: steps along an inverse Hessian that is approximated from the last gradients.

    Parameters
    ----------
    learning_rate : float, step -> float, or Plateau
        The length of steps; 1 is that of Newton's method. The first step is at most this long in the sum of
        magnitudes.
    memory : int
        How many pairs of steps and changes of the gradient are kept.

    Returns
    -------
    Optimizer
        For gradients of one function, not of batches. It does not search along a line: `minimize` does.

    Notes
    -----
    Liu and Nocedal (1989), "On the limited memory BFGS method for large scale optimization"; the same steps as
    ``torch.optim.LBFGS`` with one iteration per step and no line search.

    Examples
    --------
    >>> import wengert as wg
    >>> slope = wg.grad(lambda x: np.sum((x - np.array([1.0, 2.0])) ** 2))
    >>> optimizer = lbfgs()
    >>> x = np.zeros(2)
    >>> state = optimizer.init(x)
    >>> for _ in range(4):
    ...     x, state = optimizer.update(slope(x), state, x)
    >>> x.round(9)
    array([1., 2.])
    """
    check_rate("lbfgs", learning_rate)
    if memory < 1:
        raise ArgumentError(
            f"lbfgs: a memory of {memory!r} pairs",
            why="the Hessian is approximated from so many steps.",
            instead="pass a whole number, 1 or more; 5 to 20 are usual.",
        )

    return Optimizer(
        "lbfgs",
        lambda params: _first(learning_rate, memory, params),
        lambda grads, state, params: _updated(learning_rate, memory, grads, state, params),
        rate_observer(learning_rate),
    )


def _first(learning_rate: Rate, memory: int, params: Any) -> Memory:
    check_parameters("lbfgs", params)
    x = row_of(params)
    pairs, zeros = np.zeros((memory, x.size), x.dtype), np.zeros_like(x)
    rate, rho, one = rate_state(learning_rate), np.zeros(memory, x.dtype), x.dtype.type(1.0)
    return Memory(np.int64(0), rate, zeros, zeros, pairs, pairs, rho, one)


def _updated(learning_rate: Rate, memory: int, grads: Any, state: Any, params: Any) -> tuple[Any, Memory]:
    check_state("lbfgs", state, Memory)
    check_structure("lbfgs", grads, params)
    g, x = row_of(grads), row_of(params)
    if state.s.shape != (memory, x.size):
        found = (
            f"it remembers {state.s.shape[0]} steps of {state.s.shape[1]} numbers, not {memory} of {x.size}"
        )
        raise unknown_state("lbfgs", found)
    g = typed(g, state.gradient)
    s, y, rho, gamma = _remembered(state, g)
    first = np.minimum(1.0, 1.0 / np.maximum(np.sum(np.abs(g)), np.finfo(g.dtype).tiny))
    length = typed(rate_at(learning_rate, state) * np.where(state.count == 0, first, 1.0), g)
    moved = -length * _applied(g, s, y, rho, gamma)
    memory_now = Memory(state.count + 1, state.rate, g, moved, s, y, rho, typed(gamma, g))
    return tree_like(params, x + moved), memory_now


def _remembered(state: Memory, g: Any) -> tuple[Any, Any, Any, Any]:
    """Return the pairs with that of the last step, if its curvature is positive, in place of the oldest."""
    s, y = state.moved, g - state.gradient
    ys = np.sum(y * s)
    good = (ys > _CURVATURE) & (state.count > 0)
    safe = np.where(good, ys, 1.0)
    square = np.where(good, np.sum(y * y), 1.0)

    def pushed(old: Any, new: Any) -> Any:
        return np.where(good, np.concatenate([old[1:], new[None]]), old)

    gamma = np.where(good, safe / square, state.gamma)[()]
    return pushed(state.s, s), pushed(state.y, y), pushed(state.rho, 1.0 / safe), gamma


def _applied(g: Any, s: Any, y: Any, rho: Any, gamma: Any) -> Any:
    """Return H g."""
    q = g
    alphas = []
    for k in reversed(range(s.shape[0])):
        alpha = rho[k] * np.sum(s[k] * q)
        q = q - alpha * y[k]
        alphas.append(alpha)
    r = gamma * q
    for k, alpha in enumerate(reversed(alphas)):
        beta = rho[k] * np.sum(y[k] * r)
        r = r + s[k] * (alpha - beta)
    return r


def row_of(params: Any) -> Any:
    """Return all entries of a tree in one vector."""
    return np.concatenate([np.ravel(leaf) for leaf in tree.flatten(params)[0]])


def tree_like(params: Any, row: Any) -> Any:
    """Return the tree like another whose entries are those of a vector."""
    leaves, structure = tree.flatten(params)
    parts, start = [], 0
    for leaf in leaves:
        stop = start + int(np.size(leaf))
        parts.append(typed(row[start:stop].reshape(np.shape(leaf)), leaf)[()])
        start = stop
    return tree.unflatten(structure, parts)
