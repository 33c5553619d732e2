"""Operands by their letter: one fixed random array each, away from ties, kinks and the edge of a domain."""

from typing import Any

import numpy as np


def _make() -> dict[str, Any]:
    rng = np.random.default_rng(1964)
    q, r = (rng.normal(size=(3, 3)) + 2.0 * np.eye(3) for _ in range(2))
    m = rng.permutation(np.linspace(-1.5, 1.6, 12)).reshape(3, 4)
    x = m.copy()
    x[0, 1] = x[2, 3] = np.nan
    return {
        "a": np.float64(0.7),
        "b": rng.uniform(1.2, 2.0, 4),
        "c": rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4)),
        "e": np.array([0.2, 0.7]),
        "f": np.float64(5.3),
        "g": np.float64(1.3),
        "i": np.array([-0.6, 0.35, 0.1, 0.8]),
        "k": np.array([0.4, -1.1, 0.9]),
        "m": m,
        "n": rng.permutation(np.linspace(-1.4, 1.7, 12)).reshape(3, 4),
        "o": np.array([0.0, 0.4, 1.1, 2.0]),
        "p": np.array([0.6, 1.7, 0.9, 1.3]),
        "q": q,
        "r": r,
        "s": np.float64(0.45),
        "t": rng.permutation(np.linspace(-1.9, 2.0, 24)).reshape(2, 3, 4),
        "u": np.array([1.2, -0.7, 0.3]),
        "v": np.array([0.9, -1.3, 0.4, -0.2]),
        "w": np.array([-0.5, 1.1, 1.6, 0.7]),
        "x": x,
    }


OPERANDS = _make()


def operands(kinds: str) -> list[Any]:
    """Fresh operands for a string of letters such as "m v"."""
    return [OPERANDS[kind].copy() for kind in kinds.split()]
