"""Every trap has its declared derivatives, in every mode and in every nesting of two modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

from .table_functions import FUNCTIONS
from .table_indexing import INDEXING
from .table_kinks import KINKS
from .table_limits import LIMITS
from .table_masks import MASKS
from .table_matrices import MATRICES
from .table_numbers import NUMBERS
from .table_powers import POWERS
from .table_reductions import REDUCTIONS
from .trap import Trap

pytestmark = pytest.mark.filterwarnings("ignore:Degrees of freedom <= 0:RuntimeWarning")  # as NumPy warns

TRAPS = (*MASKS, *KINKS, *POWERS, *REDUCTIONS, *MATRICES, *FUNCTIONS, *INDEXING, *NUMBERS, *LIMITS)


# The derivatives of a function of one array, one entry at a time ----------------------------------------------------


def _units(x: Any) -> list[Any]:
    """Return the unit vectors in the shape and type of x."""
    x = np.asarray(x)
    eye = np.eye(x.size, dtype=x.dtype)
    return [unit.reshape(x.shape)[()] for unit in eye]


def _stack(rows: list[Any], x: Any) -> Any:
    """Join what belongs to the entries of x, as leading axes."""
    if not rows:
        return np.zeros(np.shape(x) * 2)
    return np.stack(rows).reshape(np.shape(x) + np.shape(rows[0]))


def _tangent(fun: Callable[..., Any], x: Any, x_dot: Any) -> Any:
    return wg.jvp(fun, (x,), (x_dot,))[1]


def reverse(fun: Callable[..., Any], x: Any) -> Any:
    return wg.grad(fun)(x)


def forward(fun: Callable[..., Any], x: Any) -> Any:
    if not np.size(x):
        return np.zeros(np.shape(x))
    return _stack([_tangent(fun, x, unit) for unit in _units(x)], x)


def reverse_over_reverse(fun: Callable[..., Any], x: Any) -> Any:
    _, pull = wg.vjp(wg.grad(fun), x)
    return _stack([pull(unit)[0] for unit in _units(x)], x)


def forward_over_reverse(fun: Callable[..., Any], x: Any) -> Any:
    return _stack([_tangent(wg.grad(fun), x, unit) for unit in _units(x)], x)


def reverse_over_forward(fun: Callable[..., Any], x: Any) -> Any:
    return _stack([wg.grad(lambda x, u=unit: _tangent(fun, x, u))(x) for unit in _units(x)], x)


def forward_over_forward(fun: Callable[..., Any], x: Any) -> Any:
    if not np.size(x):
        return np.zeros(np.shape(x) * 2)
    return _stack([forward(lambda x, u=unit: _tangent(fun, x, u), x) for unit in _units(x)], x)


FIRST = {"reverse": reverse, "forward": forward, "forward, batched": lambda fun, x: wg.jacfwd(fun)(x)}
SECOND = {
    "reverse over reverse": reverse_over_reverse,
    "forward over reverse": forward_over_reverse,
    "reverse over forward": reverse_over_forward,
    "forward over forward": forward_over_forward,
    "forward over reverse, batched": lambda fun, x: wg.hessian(fun)(x),
}


# The test -----------------------------------------------------------------------------------------------------------


def check(trap: Trap, what: str, found: Any, declared: Any, shape: tuple[int, ...]) -> None:
    """Demand the declared number, infinite and undefined ones too, in the type of the point."""
    dtype = np.asarray(trap.x).dtype
    declared = np.broadcast_to(np.asarray(declared, dtype), shape)
    assert np.shape(found) == shape, f"{trap.name}: {what} has shape {np.shape(found)}, not {shape}"
    assert np.asarray(found).dtype == dtype, f"{trap.name}: {what} is {np.asarray(found).dtype}"
    finite = np.abs(declared[np.isfinite(declared)])
    size = max(float(np.max(finite, initial=0.0)), float(np.finfo(dtype).tiny))
    np.testing.assert_allclose(
        found,
        declared,
        rtol=0,
        atol=trap.rounding * float(np.finfo(dtype).eps) * size,
        err_msg=f"{trap.name}: {what}, declared because {trap.why}",
    )


def test_there_are_at_least_200_traps_with_names_of_their_own():
    assert sum(trap.second is not None for trap in TRAPS) >= 200
    assert len({trap.name for trap in TRAPS}) == len(TRAPS)


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_value_is_that_of_numpy(trap):
    with np.errstate(all="ignore"):
        plain = trap.fun(np.asarray(trap.x)[()])
        np.testing.assert_array_equal(wg.vjp(trap.fun, trap.x)[0], plain)
        forward_value, _ = wg.jvp(trap.fun, (trap.x,), (np.ones_like(trap.x),))
    rounding = 0 if trap.exact else trap.rounding * np.finfo(float).eps
    np.testing.assert_allclose(forward_value, plain, rtol=rounding)


@pytest.mark.parametrize("mode", FIRST)
@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_first_derivative_is_the_declared_one(trap, mode):
    with np.errstate(all="ignore"):
        found = FIRST[mode](trap.fun, trap.x)
    check(trap, f"gradient ({mode})", found, trap.instead.get(mode, trap.first), np.shape(trap.x))


@pytest.mark.parametrize("mode", SECOND)
@pytest.mark.parametrize(
    "trap", [trap for trap in TRAPS if trap.second is not None], ids=lambda trap: trap.name
)
def test_second_derivative_is_the_declared_one(trap, mode):
    with np.errstate(all="ignore"):
        found = SECOND[mode](trap.fun, trap.x)
    check(trap, f"Hessian ({mode})", found, trap.instead.get(mode, trap.second), np.shape(trap.x) * 2)
