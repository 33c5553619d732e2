"""NumPy's namespace, with constructors that work on traced values: ``import wengert.numpy as np``.

Every public name of NumPy is here. Where NumPy lets us overload a function it is NumPy's own object, at no
cost; where it does not (`array`, `zeros`, `r_`, `vectorize`, ...) the name is ours: NumPy's own results
outside a trace, and inside one arrays that hold traced values and accept traced writes.
"""

from typing import Any

import numpy as np

from wengert.numpy import constructors, fft, grids, linalg, random, vectorizing

_OURS = {
    **{
        name: getattr(module, name)
        for module in (constructors, grids, vectorizing)
        for name in module.__all__
    },
    "fft": fft,
    "linalg": linalg,
    "random": random,
}
globals().update(_OURS)


def __getattr__(name: str) -> Any:
    try:
        value = getattr(np, name)
    except AttributeError as error:
        raise AttributeError(str(error).replace("'numpy'", f"{__name__!r}")) from None
    if not name.startswith("__"):
        globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*dir(np), *_OURS})
