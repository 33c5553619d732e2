"""numpy.fft: all 18 functions, every argument, values and exact derivatives."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.numpy_protocol import FUNCTIONS

from .agreement import check

NORMS = [None, "backward", "ortho", "forward"]


def real(*shape):
    return np.random.default_rng(5).normal(size=shape)


def complex_(*shape):
    rng = np.random.default_rng(6)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 1, 3, 4, 7, 8])
@pytest.mark.parametrize("fun", [np.fft.fft, np.fft.ifft, np.fft.hfft, np.fft.irfft])
def test_transforms_of_complex_vectors(fun, n, norm):
    check(lambda x: fun(x, n=n, norm=norm), complex_(5), batches=n is None)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 1, 4, 5, 8])
@pytest.mark.parametrize(
    "fun", [np.fft.rfft, np.fft.ihfft, np.fft.fft, np.fft.ifft, np.fft.hfft, np.fft.irfft]
)
def test_transforms_of_real_vectors(fun, n, norm):
    check(lambda x: fun(x, n=n, norm=norm), real(6), batches=n is None)


@pytest.mark.parametrize("axis", [0, 1, -2])
@pytest.mark.parametrize(
    "fun", [np.fft.fft, np.fft.ifft, np.fft.rfft, np.fft.irfft, np.fft.hfft, np.fft.ihfft]
)
def test_one_axis_of_a_stack(fun, axis):
    check(lambda x: fun(x, axis=axis), real(2, 4, 3))


SEVERAL = [
    {},
    {"axes": (0, 1)},
    {"axes": (1,)},
    {"s": (3, 4), "axes": (2, 0)},
    {"s": (-1, 5), "axes": (0, 1)},
    {"axes": (-1, 0), "norm": "ortho"},
]


@pytest.mark.parametrize("kwargs", SEVERAL, ids=str)
@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"])
def test_several_axes(name, kwargs):
    fun = getattr(np.fft, name)
    check(lambda x: fun(x, **kwargs), real(2, 3, 4), batches=not kwargs)
    if not name.startswith("r"):
        check(lambda x: fun(x, **kwargs), complex_(2, 3, 4), batches=False)


def test_an_axis_named_twice_is_transformed_twice():
    check(lambda x: np.fft.fftn(x, axes=(0, 0)), complex_(3, 2))
    check(lambda x: np.fft.fftn(x, s=(2, 4), axes=(0, 0)), complex_(3, 2))


@pytest.mark.parametrize("fun", [np.fft.fftshift, np.fft.ifftshift])
@pytest.mark.parametrize("axes", [None, 0, (1,), (0, 1)])
def test_shifts(fun, axes):
    check(lambda x: fun(x, axes=axes), real(3, 4))
    check(lambda x: fun(x, axes=axes), complex_(3, 4), batches=False)


@pytest.mark.parametrize("fun", [np.fft.fftfreq, np.fft.rfftfreq])
def test_frequencies_are_differentiable_in_the_sample_spacing(fun):
    check(lambda d: fun(5, d), np.array(0.3))


def test_all_of_numpy_fft_is_covered():
    without_operands = {"fftfreq", "rfftfreq"}
    assert {name for name in np.fft.__all__ if getattr(np.fft, name) not in FUNCTIONS} == without_operands


@pytest.mark.parametrize(
    "fun", [np.fft.fft, np.fft.rfft, np.fft.fftn, np.fft.rfft2, lambda x: np.fft.irfft(x)]
)
def test_single_precision_stays_single(fun):
    x = real(4, 4).astype(np.float32)
    y, pull = wg.vjp(fun, x)
    assert y.dtype == np.result_type(fun(x))
    [x_bar] = pull(np.ones_like(y))
    assert x_bar.dtype == np.float32


def test_gradient_of_the_power_spectrum():
    """Parseval: sum |F x|^2 = n sum |x|^2."""
    x = real(8)
    np.testing.assert_allclose(wg.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(x), 16 * x, rtol=1e-13)
    half = lambda x: np.sum(np.abs(np.fft.rfft(x, norm="ortho")[1:-1]) ** 2) * 2
    ends = lambda x: np.sum(np.abs(np.fft.rfft(x, norm="ortho")[[0, -1]]) ** 2)
    np.testing.assert_allclose(wg.grad(lambda x: half(x) + ends(x))(x), 2 * x, rtol=1e-13)


def test_what_irfft_ignores_gets_no_cotangent():
    """The imaginary parts at frequency zero and at the Nyquist frequency do not enter the result."""
    z_bar = wg.vjp(lambda z: np.fft.irfft(z), complex_(4))[1](real(6))[0]
    assert z_bar[0].imag == 0
    assert z_bar[-1].imag == 0


ERRORS = [
    (lambda x: np.fft.fft(x, n=0), "Invalid number of FFT data points"),
    (lambda x: np.fft.irfft(x, n=0), "Invalid number of FFT data points"),
    (lambda x: np.fft.irfft(x[:1]), "Invalid number of FFT data points"),
    (lambda x: np.fft.fft(x, norm="half"), "Invalid norm value"),
    (lambda x: np.fft.fftn(x, s=(2, 2), axes=(0,)), "Shape and axes have different lengths"),
]


@pytest.mark.parametrize(("fun", "match"), ERRORS)
def test_errors_are_numpys(fun, match):
    for run in (lambda: fun(real(4)), lambda: wg.vjp(fun, real(4))):
        with pytest.raises(ValueError, match=match):
            run()


def test_a_real_transform_refuses_complex_numbers_as_numpy_does():
    for run in (lambda: np.fft.rfft(complex_(4)), lambda: wg.vjp(np.fft.rfft, complex_(4))):
        with pytest.raises(TypeError):
            run()


def test_sizes_without_axes_warn_as_numpy_does():
    with pytest.warns(DeprecationWarning, match="`axes` should not be `None`") as caught:
        y = wg.vjp(lambda x: np.fft.fftn(x, s=(2, 2)), real(3, 3, 3))[0]
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="`axes` should not be `None`"):
        np.testing.assert_allclose(y, np.fft.fftn(real(3, 3, 3), s=(2, 2)))
