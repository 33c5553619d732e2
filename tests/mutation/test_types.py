"""Writes convert as NumPy's do: into float32, complex, integers; the real and imaginary parts are views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.errors import WengertError

from .agreement import agree, bits, require_same_bits
from .programs import Program, compiled, programs

RNG = np.random.default_rng(1964)
X = RNG.normal(size=(3, 4))
V = np.array([1.25, 0.5, 1.75, 0.8])
Z = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))

# `x` is real, `z` is complex, both (3, 4); `v` is (4,).
COMPLEX = programs("""
    z[1] = v

    z[1] = x[0] * 1j

    z.real[0] = v

    z.imag[0] = v

    z.real = x

    z.imag = x

    z.real *= 2.0

    z.imag += x

    z.real[1:, ::2] = v[:2]

    z.T.real[0] = v[:3]

    z[1].imag[...] = v

    z[1:].real.T[2] = s

    z.real.reshape(-1)[3] = s

    a = z.real
    b = z.imag
    z[0] = v * 1j
    a[1] = v
    b[2] = a[1]

    a = z.real
    a += z.imag

    np.copyto(z.imag, x)

    np.add(z.real, 1.0, out=z.real)

    z.real.fill(s)

    z.real.flat[2] = s

    z.real, z.imag = z.imag, z.real

    z.real, z.imag = z.imag.copy(), z.real.copy()

    np.real(z)[0] = v

    np.imag(z)[0] = v

    z *= 1j

    z += x

    z *= z.conj()

    w = z.conj()
    w[0] = v

    w = x.astype(complex)
    w[0] = z[0]

    w = np.zeros_like(z)
    w.real = x
    w.imag[1] = v

    w = np.zeros_like(x, dtype=complex)
    w[...] = x
    w[0] *= z[0]

    z[0], z[1] = z[1], z[0]

    z.sort() if False else z.real[0].sort()

    z[:, 0] = z[:, 1].real

    x.real[0] = v

    x.real = v

    y = x.real
    y[0] = v

    y = z.view()
    y.imag[...] = 1.0

    z.imag[z.real > 0] = 0.0

    np.add.at(z.real, [0, 0], v)

    np.putmask(z.real, x > 0, 3.0)
    """)

CASTS = programs("""
    f[1] = v

    f += v.sum()

    f *= 1.5

    f[0] *= v

    f[...] = x

    f[[0, 0]] = x[:2]

    np.add(x, v, out=f)

    np.multiply(f, f, out=x)

    np.copyto(f, x)

    x[0] = f[1]

    x += f

    f.fill(1.0)

    f.flat[3] = v[0]

    np.put(f, [0, 1], v)

    np.add.at(f, ([0, 0], [1, 1]), f[1, :2])

    f[f > 0] = 0.1

    f.T[0] = v[:3]

    y = f.astype(float)
    y[0] = v

    y = f.astype(np.float32)
    y[0] = v

    y = np.zeros_like(f)
    y[0] = v
    y[1] = y[0] * 3.0

    f[0] = np.float64(0.1)

    f[0] = 0.1

    f[0, 0] = True

    x[0] = np.arange(4)

    x[0] = np.array([True, False, True, True])

    x += np.arange(4)

    f -= np.int8(1)
    """)


@pytest.mark.parametrize("program", COMPLEX, ids=str)
def test_complex_arrays_and_their_parts(program: Program) -> None:
    agree(
        compiled(program, "x", "v", "z", "s"),
        X,
        V,
        Z,
        np.float64(0.7),
        step="difference",
        batches=program.batches,
    )


@pytest.mark.parametrize("program", CASTS, ids=str)
def test_values_take_the_dtype_of_what_they_are_written_into(program: Program) -> None:
    """In float32, where differences are too coarse: the derivatives are those of the same program in float64."""
    fun = compiled(program, "f", "x", "v")
    f = X.astype(np.float32)
    expected = fun(f.copy(), X.copy(), V.copy())
    double = f.astype(float)
    f_dot, x_dot, v_dot = (
        RNG.normal(size=(3, 4)).astype(np.float32),
        RNG.normal(size=(3, 4)),
        RNG.normal(size=4),
    )
    y, y_dot = wg.jvp(fun, (f, X, V), (f_dot, x_dot, v_dot))
    require_same_bits(y, expected)
    assert [bits(a)[1:3] for a in y_dot] == [bits(a)[1:3] for a in expected]
    _, exact = wg.jvp(fun, (double, X, V), (f_dot.astype(float), x_dot, v_dot))
    for found, reference in zip(y_dot, exact, strict=True):
        np.testing.assert_allclose(found, reference, rtol=16 * np.finfo(np.float32).eps, atol=1e-6)
    y, pull = wg.vjp(fun, f, X, V)
    require_same_bits(y, expected)
    bars = [RNG.normal(size=a.shape).astype(a.dtype) for a in y]
    found_bars = pull(bars)
    assert [a.dtype for a in found_bars] == [np.float32, np.float64, np.float64]
    references = wg.vjp(fun, double, X, V)[1]([bar.astype(float) for bar in bars])
    for found, reference in zip(found_bars, references, strict=True):
        np.testing.assert_allclose(found, reference, rtol=16 * np.finfo(np.float32).eps, atol=1e-6)


def test_complex_into_real_warns_as_numpy_does() -> None:
    def fun(x: Any) -> Any:
        y = np.zeros_like(x)
        y[0] = x[0] * (1.0 + 2.0j)
        return y

    with pytest.warns(np.exceptions.ComplexWarning):
        expected = fun(X)
    with pytest.warns(np.exceptions.ComplexWarning):
        y, y_dot = wg.jvp(fun, (X,), (X,))
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(y_dot, expected)


def test_rounding_a_traced_value_into_integers_is_refused() -> None:
    def fun(x: Any) -> Any:
        y = np.zeros(4, int, like=x)
        y[0] = x[0, 0]
        return x.sum()

    for mode in (wg.grad(fun), lambda x: wg.jvp(fun, (x,), (x,))):
        with pytest.raises(WengertError):
            mode(X)


@pytest.mark.parametrize("special", [np.inf, -np.inf, np.nan, -0.0])
def test_parts_keep_special_values(special: float) -> None:
    def fun(z: Any) -> Any:
        w = z * 1.0
        w.imag[0] = special
        w.real[1] = special
        return w

    require_same_bits([wg.vjp(fun, Z)[0], wg.jvp(fun, (Z,), (Z,))[0]], [fun(Z), fun(Z)])
