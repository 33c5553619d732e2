"""wengert.scipy.signal: SciPy's values; derivatives agree with differences, in both modes, order 2 and batches."""

import itertools

import numpy as np
import pytest
from scipy import signal

import wengert as wg
import wengert.scipy.signal as ws
from tests.ops.matrix_agreement import agrees
from wengert.errors import RefusedError

RNG = np.random.default_rng(0)
LONG, SHORT, EVEN = RNG.normal(size=7), RNG.normal(size=3), RNG.normal(size=4)
IMAGE, KERNEL, EVEN_KERNEL = RNG.normal(size=(4, 5)), RNG.normal(size=(3, 2)), RNG.normal(size=(2, 4))
COMPLEX = LONG + 1j * RNG.normal(size=7)
B, A = np.array([0.4, -0.3, 0.2]), np.array([1.0, -0.5, 0.25])
SCALED = np.array([2.0, -0.6, 0.3, 0.1])
X, X2 = RNG.normal(size=8), RNG.normal(size=(2, 12))
Z, Z2 = RNG.normal(size=2), RNG.normal(size=(2, 3))
SOS = signal.butter(3, 0.4, output="sos")
MOVING = np.delete(SOS, 3, axis=1)  # the entries of sections that are not 1 by definition
LONGER = RNG.normal(size=20)
ZS = RNG.normal(size=(2, 2))


def sections(moving):
    """Second-order sections whose leading denominator coefficient is 1, as SciPy demands."""
    return np.concatenate((moving[:, :3], np.ones((len(moving), 1)), moving[:, 3:]), axis=1)


CONVOLUTIONS = {
    f"{name} {mode} {n} {m}": (lambda a, v, f=fun, mode=mode: f(a, v, mode=mode), a, v)
    for name, fun in (
        ("convolve", ws.convolve),
        ("correlate", ws.correlate),
        ("fft", ws.fftconvolve),
        ("overlap", ws.oaconvolve),
        ("correlate fft", lambda a, v, mode: ws.correlate(a, v, mode, method="fft")),
    )
    for mode in ("full", "same", "valid")
    for (n, a), (m, v) in itertools.product(
        {"long": LONG, "short": SHORT, "even": EVEN}.items(),
        {"short": SHORT, "even": EVEN, "long": LONG}.items(),
    )
}
IMAGES = {
    f"{name} {mode} {boundary} {label}": (
        lambda a, v, f=fun, mode=mode, boundary=boundary: f(a, v, mode, boundary), IMAGE, kernel
    )
    for name, fun in (("convolve2d", ws.convolve2d), ("correlate2d", ws.correlate2d))
    for mode, boundary in (
        ("full", "fill"), ("same", "fill"), ("valid", "fill"), ("same", "wrap"), ("full", "wrap"), ("same", "symm"),
        ("full", "symm"),
    )
    for label, kernel in (("odd", KERNEL), ("even", EVEN_KERNEL))
}  # fmt: skip
CASES = {
    "convolve images": (ws.convolve, IMAGE, KERNEL),
    "convolve complex": (ws.convolve, COMPLEX, SHORT),
    "correlate complex": (lambda a, v: ws.correlate(a, v, "same"), LONG, COMPLEX[:3]),
    "convolve direct": (lambda a, v: ws.convolve(a, v, "same", "direct"), IMAGE, KERNEL),
    "convolve numbers": (ws.convolve, np.asarray(2.0), np.asarray(3.0)),
    "fftconvolve axis": (lambda a, v: ws.fftconvolve(a, v, "same", axes=0), IMAGE, KERNEL[:, :1]),
    "fftconvolve axes": (lambda a, v: ws.fftconvolve(a, v, axes=(1, 0)), IMAGE, KERNEL),
    "oaconvolve axis": (lambda a, v: ws.oaconvolve(a, v, axes=1), IMAGE, KERNEL[:1]),
    "convolve2d fill": (lambda a, v: ws.convolve2d(a, v, fillvalue=1.5), IMAGE, KERNEL),
    "lfilter": (ws.lfilter, B, A, X),
    "lfilter scaled": (ws.lfilter, B, SCALED, X),
    "lfilter moving average": (lambda b, x: ws.lfilter(b, 1.0, x), B, X),
    "lfilter recursion": (lambda a, x: ws.lfilter([1.0], a, x), A, X),
    "lfilter axis": (lambda b, a, x: ws.lfilter(b, a, x, axis=0), B, A, X2.T),
    "lfilter state": (lambda b, a, x, z: ws.lfilter(b, a, x, zi=z), B, A, X, Z),
    "lfilter state scaled": (lambda b, a, x, z: ws.lfilter(b, a, x, zi=z), B, SCALED, X2, Z2),
    "lfilter state axis": (lambda b, a, x, z: ws.lfilter(b, a, x, axis=0, zi=z), B, SCALED, X2.T, Z2.T),
    "lfilter state outlasts": (lambda b, a, x, z: ws.lfilter(b, a, x, zi=z), B, SCALED, X[:2], Z2[0]),
    "lfilter complex": (ws.lfilter, B + 0.2j, A, X + 1j * X[::-1]),
    "lfilter_zi": (ws.lfilter_zi, B, SCALED),
    "sosfilt": (lambda c, x: ws.sosfilt(sections(c), x), MOVING, X2),
    "sosfilt axis": (lambda c, x: ws.sosfilt(sections(c), x, axis=0), MOVING, X2.T),
    "sosfilt state": (lambda c, x, z: ws.sosfilt(sections(c), x, zi=z), MOVING, X, ZS),
    "sosfilt_zi": (lambda c: ws.sosfilt_zi(sections(c)), MOVING),
    "filtfilt": (lambda b, a, x: ws.filtfilt(b, a, x), B, A, X2),
    **{
        f"filtfilt {how}": (lambda b, a, x, how=how: ws.filtfilt(b, a, x, padtype=how, padlen=3), B, A, X)
        for how in ("even", "constant", "odd", None)
    },
    "sosfiltfilt": (lambda x: ws.sosfiltfilt(SOS, x, padlen=5), X2),
    "sosfiltfilt sections": (lambda c: ws.sosfiltfilt(sections(c), X2, padlen=5), MOVING),
    "sosfiltfilt default": (lambda x: ws.sosfiltfilt(SOS, x), LONGER),
    "detrend": (ws.detrend, X2),
    "detrend mean": (lambda x: ws.detrend(x, axis=0, type="constant"), X2),
    "detrend pieces": (lambda x: ws.detrend(x, axis=1, bp=[4, 9]), X2),
    "hilbert": (ws.hilbert, X),
    "hilbert odd": (lambda x: ws.hilbert(x, axis=0), X2[:, :5].T),
    "hilbert padded": (lambda x: ws.hilbert(x, N=11), X2),
}
ALL = {**CONVOLUTIONS, **IMAGES, **CASES}


@pytest.mark.parametrize("name", ALL)
def test_values_and_derivatives(name):
    fun, *xs = ALL[name]
    agrees(fun, *xs)


PLAIN = {
    "convolve": (LONG, SHORT),
    "convolve2d": (IMAGE, KERNEL),
    "correlate": (LONG, SHORT),
    "correlate2d": (IMAGE, KERNEL),
    "detrend": (X2,),
    "fftconvolve": (IMAGE, KERNEL),
    "filtfilt": (B, A, X2),
    "hilbert": (X,),
    "lfilter": (B, A, X),
    "lfilter_zi": (B, A),
    "oaconvolve": (IMAGE, KERNEL),
    "sosfilt": (SOS, X),
    "sosfilt_zi": (SOS,),
    "sosfiltfilt": (SOS, LONGER),
}


def test_every_function_is_called_on_plain_values():
    assert set(PLAIN) == set(ws.__all__)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_values_are_those_of_scipy(name):
    np.testing.assert_array_equal(
        getattr(ws, name)(*PLAIN[name]), getattr(signal, name)(*PLAIN[name]), strict=True
    )


def test_a_recurrence_is_linear_in_time():
    b, a, x = signal.butter(4, 0.2), None, RNG.normal(size=200_000)
    b, a = b
    value, slopes = wg.value_and_grad(lambda b, a, x: np.sum(ws.lfilter(b, a, x) ** 2), argnums=(0, 1, 2))(
        b, a, x
    )
    assert np.isfinite(value)
    h = 1e-6
    along = RNG.normal(size=b.shape) * 1e-3
    energy = lambda t: np.sum(signal.lfilter(b + t * along, a, x) ** 2)
    np.testing.assert_allclose(slopes[0] @ along, (energy(h) - energy(-h)) / (2 * h), rtol=1e-6)


def test_single_precision_stays_single():
    x = X.astype(np.float32)
    for fun in (
        lambda x: ws.convolve(x, x),
        lambda x: ws.fftconvolve(x, x),
        lambda x: ws.lfilter(x[:2], x[2:5], x),
        ws.detrend,
        lambda x: ws.hilbert(x).real,
    ):
        y, pullback = wg.vjp(fun, x)
        assert y.dtype == pullback(y)[0].dtype == np.float32


def test_errors_are_those_of_scipy():
    for bad in (
        lambda m, x: m.convolve(x, x, mode="none"),
        lambda m, x: m.convolve(x, x[:0]),
        lambda m, x: m.convolve(x, x[np.newaxis]),
        lambda m, x: m.convolve2d(x[np.newaxis], x[np.newaxis], boundary="none"),
        lambda m, x: m.convolve(x[np.newaxis], x[:2, np.newaxis], mode="valid"),
        lambda m, x: m.lfilter(B, A, x, zi=np.zeros(5)),
        lambda m, x: m.sosfilt(np.ones((2, 5)), x),
        lambda m, x: m.sosfilt(2.0 * np.ones((2, 6)), x),
        lambda m, x: m.filtfilt(B, A, x[:5]),
        lambda m, x: m.filtfilt(B, A, x, padtype="none"),
        lambda m, x: m.detrend(x, type="none"),
        lambda m, x: m.detrend(x, bp=[100]),
        lambda m, x: m.hilbert(x, N=0),
    ):
        with pytest.raises(ValueError):  # noqa: PT011 - which message is SciPy's business
            bad(signal, X)
        with pytest.raises(ValueError):  # noqa: PT011
            wg.grad(lambda x, bad=bad: np.sum(bad(ws, x)))(X)


@pytest.mark.parametrize("fun", [ws.medfilt, lambda x: ws.filtfilt(B, A, x, method="gust"), ws.find_peaks])
def test_refused_in_four_parts(fun):
    with pytest.raises(RefusedError) as caught:
        wg.grad(lambda x: np.sum(fun(x)))(X)
    assert caught.value.where
    assert caught.value.why
    assert caught.value.instead


@pytest.mark.parametrize("fun", [ws.fftconvolve, ws.oaconvolve])
def test_of_nothing_there_is_nothing(fun):
    for x, v in ((X, X[:0]), (X2, X2[:, :0]), (X[:0], X)):
        y, pullback = wg.vjp(lambda x, v=v: fun(x, v), x)
        theirs = fun(x, v)
        assert y.shape == theirs.shape
        assert y.dtype == theirs.dtype
        np.testing.assert_array_equal(pullback(np.zeros(y.shape))[0], np.zeros(x.shape))


def test_final_state_of_an_infinite_signal():
    """A signal that overflows leaves the entries of the state that do not see it as they are."""
    x, state = np.array([np.inf]), np.array([1.0, 2.0, 3.0])
    b, a = np.array([1.0, 0.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])
    with np.errstate(invalid="ignore"):
        (_, found), _ = wg.vjp(lambda z: ws.lfilter(b, a, x, zi=z), state)
        expected = signal.lfilter(b, a, x, zi=state)[1]
    assert np.isfinite(found).tolist() == np.isfinite(expected).tolist()


def test_windows_are_those_of_scipy():
    assert ws.windows is signal.windows
    assert set(signal.__all__) <= set(dir(ws))
