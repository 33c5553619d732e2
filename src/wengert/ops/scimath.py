"""NumPy's scimath: functions that turn complex where the real one is undefined.

Whether that happens anywhere decides the type of the whole result, so it is decided on the values: under `vmap` on
those of all examples. The derivative is that of the function on the side that was chosen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.dispatch import Traced
from wengert.core.numpy_protocol import implements, operand
from wengert.ops.locations import anywhere

if TYPE_CHECKING:
    from collections.abc import Callable

__all__: list[str] = []

_SINGLE = frozenset("bBhHfF")  # type codes of what NumPy makes complex64


def _array(x: Any) -> Any:
    return operand(x) if isinstance(x, Traced | list | tuple) else np.asarray(x)


def _complex(x: Any) -> Any:
    return x.astype(np.complex64 if x.dtype.char in _SINGLE else np.complex128)


def _complex_below_zero(x: Any) -> Any:
    x = _array(x)
    return _complex(x) if x.dtype.kind != "c" and anywhere(x < 0) else x


def _complex_beyond_one(x: Any) -> Any:
    x = _array(x)
    return _complex(x) if x.dtype.kind != "c" and anywhere(np.absolute(x) > 1) else x


def _front(function: Any, prepared: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: function(prepared(x))


for _name in ("sqrt", "log", "log2", "log10"):
    implements(getattr(np.emath, _name))(_front(getattr(np, _name), _complex_below_zero))
for _name in ("arccos", "arcsin", "arctanh"):
    implements(getattr(np.emath, _name))(_front(getattr(np, _name), _complex_beyond_one))


@implements(np.emath.logn)
def logn(n: Any, x: Any) -> Any:
    """Logarithm to base n."""
    return np.log(_complex_below_zero(x)) / np.log(_complex_below_zero(n))


@implements(np.emath.power)
def power(x: Any, p: Any) -> Any:
    """Power; integers to negative powers are floating."""
    x, p = _complex_below_zero(x), _array(p)
    return np.power(x, p * 1.0 if p.dtype.kind in "iu" and anywhere(p < 0) else p)
