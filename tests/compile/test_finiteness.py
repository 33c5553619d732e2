"""Masks that are left out: where a nan would be hidden, they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.jit import jit

pytestmark = pytest.mark.usefixtures("machine_code")

X = np.array([0.0, 1.0, 4.0])  # where the slope of the root is infinite, and is multiplied by 0


def slope(x: Any, a: Any) -> Any:
    return wg.grad(lambda x: (np.sqrt(x) * a).sum())(x)


HIDING = {
    "a comparison": lambda x, a: slope(x, a) > -1.0,
    "a choice by a comparison": lambda x, a: np.where(slope(x, a) >= 0.0, x, -x),
    "a count": lambda x, a: (slope(x, a) == 0.0).sum(),
    "all": lambda x, a: (slope(x, a) <= 5.0).all(),
    "a sign": lambda x, a: np.sign(slope(x, a)),
    "a place": lambda x, a: np.argmax(slope(x, a)),
    "an order": lambda x, a: np.sort(slope(x, a))[0] + 1.0,
    "the larger that is not nan": lambda x, a: np.fmax(slope(x, a), -1.0),
    "a conversion": lambda x, a: slope(x, a).astype(int),
    "a branch": lambda x, a: wg.cond(slope(x, a).sum() >= 0.0, lambda x: x, lambda x: -x, x),
    "an entry that is not read": lambda x, a: slope(x, a)[1:],
    "a loop": lambda x, a: wg.while_loop(lambda c: c < 3.0, lambda c: c + 1.0, slope(x, a).sum()),
    "nothing": slope,
}


@pytest.mark.parametrize("name", HIDING)
def test_what_would_hide_a_nan(name: str) -> None:
    fun = HIDING[name]
    compiled = jit(fun)
    with np.errstate(all="ignore"):
        for a in (0.0, 2.0, np.array([0.0, 1.0, 0.0])):
            for _ in range(2):
                np.testing.assert_array_equal(compiled(X, a), fun(X, a))
