"""scipy.signal with derivatives: convolution and linear filters, in signals and in coefficients.

On plain values these are SciPy's own functions; those that are not here refuse traced values. `windows` is SciPy's.
"""

from typing import Any

from scipy import signal as _signal

from wengert.scipy.mirror import mirror as _mirror
from wengert.scipy.signal.convolutions import (
    convolve,
    convolve2d,
    correlate,
    correlate2d,
    fftconvolve,
    oaconvolve,
)
from wengert.scipy.signal.filters import (
    detrend,
    filtfilt,
    hilbert,
    lfilter,
    lfilter_zi,
    sosfilt,
    sosfilt_zi,
    sosfiltfilt,
)

__all__ = [
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "detrend",
    "fftconvolve",
    "filtfilt",
    "hilbert",
    "lfilter",
    "lfilter_zi",
    "oaconvolve",
    "sosfilt",
    "sosfilt_zi",
    "sosfiltfilt",
]


def __getattr__(name: str) -> Any:
    return _mirror(_signal, name)


def __dir__() -> list[str]:
    return sorted({*__all__, *_signal.__all__})
