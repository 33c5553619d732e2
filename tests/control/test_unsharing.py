"""Results of loops have memory of their own: a write into one is seen nowhere else."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

import wengert as wg
from wengert import tree
from wengert.control.unsharing import unshared

A, B, XS = np.arange(3.0), np.arange(3.0) + 5.0, np.ones((4, 3))

LOOPS = {
    "no step": lambda: wg.fori_loop(0, 0, lambda _, x: x * 2, A),
    "untouched": lambda: wg.fori_loop(0, 2, lambda _, x: x, A),
    "swapped": lambda: wg.fori_loop(0, 3, lambda _, s: (s[1], s[0]), (A, B)),
    "twice": lambda: wg.fori_loop(0, 3, lambda _, s: (s[0] * 2,) * 2, (A, B)),
    "a view of another": lambda: wg.fori_loop(
        0, 3, lambda _, s: (s[0] * 2, np.reshape(s[0], (3, 1))[:, 0]), (A, B)
    ),
    "closed over": lambda: wg.fori_loop(0, 3, lambda _, x: A, B),
    "no step of a while loop": lambda: wg.while_loop(lambda x: np.sum(x) < 0, lambda x: x * 2, A),
    "a slice": lambda: wg.scan(lambda _, x: (x, x), A, XS),
    "the last slice": lambda: wg.scan(lambda c, x: (x, c), A, XS),
    "one start for two": lambda: wg.fori_loop(0, 0, lambda _, s: s, (A, A)),
    "under jit": lambda: wg.jit(lambda a, b: wg.fori_loop(0, 3, lambda _, s: (s[1], s[1]), (a, b)))(A, B),
}


@pytest.mark.parametrize("name", LOOPS)
def test_results_share_no_memory(name):
    results = tree.flatten(LOOPS[name]())[0]
    for y in results:
        assert y.flags.writeable
        assert not any(np.shares_memory(y, x) for x in (A, B, XS))
    for y, z in combinations(results, 2):
        assert not np.shares_memory(y, z)


def test_what_is_fresh_is_not_copied():
    y, z = A * 2, (B * 2)[1:]
    assert all(a is b for a, b in zip(unshared([y, z, 1.0], [A, B]), [y, z, 1.0], strict=True))
