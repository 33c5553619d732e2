"""wengert.scipy.linalg: SciPy's values; derivatives agree with differences, in both modes, order 2 and batches."""

import numpy as np
import pytest
import scipy.linalg as sl

import wengert as wg
import wengert.scipy.linalg as wl
from tests.ops.matrix_agreement import agrees, matrix
from wengert.errors import RefusedError

RNG = np.random.default_rng(0)
A, B = matrix(3, 3, seed=1), matrix(3, 3, seed=2)
TALL, WIDE = matrix(4, 2, seed=3), matrix(2, 4, seed=4)
STACK = matrix(2, 3, 3, seed=5)
Z = matrix(3, 3, seed=6, dtype=complex)
V, COLUMNS = RNG.normal(size=3), RNG.normal(size=(3, 2))
SPD = A @ A.T
HPD = Z @ Z.conj().T
SMALL = RNG.uniform(-0.4, 0.4, (3, 3))
C, R = RNG.normal(size=4), RNG.normal(size=3)


def lu_system(a, b, trans=0):
    return wl.lu_solve(wl.lu_factor(a), b, trans=trans)


def cho_system(a, b, lower=False):
    return wl.cho_solve(wl.cho_factor(a, lower=lower), b)


CASES = {
    "solve": (wl.solve, A, V),
    "solve columns": (wl.solve, A, COLUMNS),
    "solve stack": (wl.solve, STACK, V),
    "solve complex": (wl.solve, Z, COLUMNS),
    "solve transposed": (lambda a, b: wl.solve(a, b, transposed=True), A, V),
    **{
        f"solve {how} lower={lower}": (
            lambda a, b, how=how, lower=lower: wl.solve(a, b, assume_a=how, lower=lower), SPD, V
        )
        for how in ("gen", "sym", "pos", "her", "upper triangular", "lower triangular", "diagonal", "tridiagonal")
        for lower in (False, True)
    },
    "solve her complex": (lambda a, b: wl.solve(a, b, assume_a="her"), HPD, COLUMNS),
    "solve sym complex": (lambda a, b: wl.solve(a, b, assume_a="sym", lower=True), Z + Z.T, V),
    "solve pos complex": (lambda a, b: wl.solve(a, b, assume_a="pos"), HPD, V),
    "solve upper transposed": (
        lambda a, b: wl.solve(a, b, assume_a="upper triangular", transposed=True), A, V
    ),
    **{
        f"solve_triangular {trans} lower={lower} unit={unit}": (
            lambda a, b, trans=trans, lower=lower, unit=unit: wl.solve_triangular(
                a, b, trans=trans, lower=lower, unit_diagonal=unit
            ),
            Z,
            V,
        )
        for trans in ("N", 1, "C")
        for lower in (False, True)
        for unit in (False, True)
    },
    "cholesky": (wl.cholesky, SPD),
    "cholesky lower": (lambda a: wl.cholesky(a, lower=True), HPD),
    "cho_solve": (cho_system, SPD, V),
    "cho_solve lower": (lambda a, b: cho_system(a, b, lower=True), HPD, COLUMNS),
    "lu_factor": (lambda a: wl.lu_factor(a)[0], A[::-1]),
    "lu_factor stack": (lambda a: wl.lu_factor(a)[0], STACK[:, ::-1]),
    "lu_solve": (lu_system, A[::-1], V),
    "lu_solve columns": (lu_system, Z[::-1], COLUMNS),
    "lu_solve transposed": (lambda a, b: lu_system(a, b, 1), A[::-1], V),
    "lu_solve adjoint": (lambda a, b: lu_system(a, b, 2), Z[::-1], COLUMNS),
    "lu": (lambda a: wl.lu(a)[1:], A[::-1]),
    "lu tall": (lambda a: wl.lu(a)[1:], TALL[::-1]),
    "lu wide": (lambda a: wl.lu(a)[1:], WIDE[::-1]),
    "lu permute_l": (lambda a: wl.lu(a, permute_l=True), STACK[:, ::-1]),
    "lu product": (lambda a: np.linalg.inv(wl.lu(a)[0]) @ a, A[::-1]),
    "expm": (wl.expm, A / 4),
    "expm stack": (wl.expm, STACK / 4),
    "expm complex": (wl.expm, Z / 4),
    "expm_frechet": (wl.expm_frechet, A / 4, B),
    "expm_frechet alone": (lambda a, e: wl.expm_frechet(a, e, compute_expm=False), A / 4, B),
    "logm": (wl.logm, A),
    "logm complex": (wl.logm, Z),
    "sqrtm": (wl.sqrtm, A),
    "sqrtm complex": (wl.sqrtm, Z),
    "cosm": (wl.cosm, A / 4),
    "sinm": (wl.sinm, A / 4),
    "cosm complex": (wl.cosm, Z / 4),
    "sinm complex": (wl.sinm, Z / 4),
    "tanm": (wl.tanm, SMALL),
    "coshm": (wl.coshm, A / 4),
    "sinhm": (wl.sinhm, A / 4),
    "tanhm": (wl.tanhm, A / 4),
    "fractional_matrix_power": (lambda a: wl.fractional_matrix_power(a, 0.3), A),
    "fractional_matrix_power whole": (lambda a: wl.fractional_matrix_power(a, 3), A),
    "block_diag": (wl.block_diag, A, TALL, np.array([[2.0]])),
    "toeplitz": (wl.toeplitz, C, R),
    "toeplitz alone": (wl.toeplitz, C + 1j * C[::-1]),
    "circulant": (wl.circulant, C),
    "hankel": (wl.hankel, C, R),
    "hankel alone": (wl.hankel, C),
    "companion": (wl.companion, C + 3.0),
    "khatri_rao": (wl.khatri_rao, TALL, WIDE[:, :2]),
    "solve_sylvester": (wl.solve_sylvester, A, TALL[:2] + 3 * np.eye(2), COLUMNS),
    "solve_sylvester complex": (wl.solve_sylvester, Z, A, Z),
    "solve_continuous_lyapunov": (wl.solve_continuous_lyapunov, A, SPD),
    "solve_continuous_lyapunov complex": (wl.solve_continuous_lyapunov, Z, HPD),
    "solve_discrete_lyapunov": (wl.solve_discrete_lyapunov, SMALL, SPD),
    "solve_discrete_lyapunov bilinear": (
        lambda a, q: wl.solve_discrete_lyapunov(a, q, method="bilinear"), SMALL + 0.1j * B, HPD
    ),
    "eigh": (wl.eigh, SPD),
    "eigh upper": (lambda a: wl.eigh(a, lower=False, driver="ev"), SPD),
    "eigh pencil": (wl.eigh, A, SPD),
    "eigh pencil upper": (lambda a, b: wl.eigh(a, b, lower=False), A, SPD),
    "eigh subset": (lambda a: wl.eigh(a, subset_by_index=[1, 2]), SPD),
    "eigvalsh": (wl.eigvalsh, SPD),
    "eigvalsh pencil": (wl.eigvalsh, A, SPD),
    "eigvalsh complex": (wl.eigvalsh, HPD),
    "eig": (wl.eig, Z),
    "eigvals": (wl.eigvals, Z),
    "svd": (lambda a: wl.svd(a, full_matrices=False), TALL),
    "svdvals": (wl.svdvals, Z),
    "svd values": (lambda a: wl.svd(a, compute_uv=False), WIDE),
    "qr": (wl.qr, A),
    "qr full": (wl.qr, TALL),
    "qr economic": (lambda a: wl.qr(a, mode="economic"), Z[:, :2]),
    "qr r": (lambda a: wl.qr(a, mode="r")[0], WIDE),
    "qr pivoting": (lambda a: wl.qr(a, pivoting=True)[:2], A),
    "polar": (wl.polar, A),
    "polar left": (lambda a: wl.polar(a, side="left"), Z),
    "polar tall": (wl.polar, TALL),
    "polar wide": (lambda a: wl.polar(a, side="left"), WIDE),
    "polar wide right": (wl.polar, WIDE),
    "inv": (wl.inv, A),
    "inv pos": (lambda a: wl.inv(a, assume_a="pos", lower=True), HPD),
    "det": (wl.det, Z),
    "pinv": (wl.pinv, TALL),
    "pinv rtol": (lambda a: wl.pinv(a, rtol=1e-10), WIDE),
    "norm": (wl.norm, Z),
    "norm nuc": (lambda a: wl.norm(a, "nuc"), A),
    "norm axis": (lambda a: wl.norm(a, 3, axis=1), A),
    "lstsq": (lambda a, b: wl.lstsq(a, b)[0], TALL, C),
    "lstsq all": (lambda a, b: tuple(wl.lstsq(a, b)[i] for i in (0, 1, 3)), TALL, RNG.normal(size=(4, 2))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_and_derivatives(name):
    fun, *xs = CASES[name]
    agrees(fun, *xs)


PLAIN = {
    "block_diag": (A, TALL, [[2.0]]),
    "cho_factor": (SPD,),
    "cho_solve": (sl.cho_factor(SPD), V),
    "cholesky": (SPD,),
    "circulant": (C,),
    "companion": (C,),
    "coshm": (A / 4,),
    "cosm": (A / 4,),
    "det": (A,),
    "eig": (A,),
    "eigh": (SPD,),
    "eigvals": (A,),
    "eigvalsh": (SPD,),
    "expm": (A,),
    "expm_frechet": (A, B),
    "fractional_matrix_power": (A, 0.3),
    "hankel": (C, R),
    "inv": (A,),
    "khatri_rao": (A, B),
    "logm": (A,),
    "lstsq": (TALL, C),
    "lu": (A,),
    "lu_factor": (A,),
    "lu_solve": (sl.lu_factor(A), V),
    "norm": (A,),
    "pinv": (TALL,),
    "polar": (A,),
    "qr": (A,),
    "sinhm": (A / 4,),
    "sinm": (A / 4,),
    "solve": (A, V),
    "solve_continuous_lyapunov": (A, SPD),
    "solve_discrete_lyapunov": (SMALL, SPD),
    "solve_lyapunov": (A, SPD),
    "solve_sylvester": (A, B, A),
    "solve_triangular": (A, V),
    "sqrtm": (A,),
    "svd": (A,),
    "svdvals": (A,),
    "tanhm": (A / 4,),
    "tanm": (SMALL,),
    "toeplitz": (C, R),
}


def test_every_function_is_called_on_plain_values():
    assert set(PLAIN) == set(wl.__all__)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_values_are_those_of_scipy(name):
    ours, theirs = (getattr(module, name)(*PLAIN[name]) for module in (wl, sl))
    for y, reference in zip(*[z if isinstance(z, tuple) else (z,) for z in (ours, theirs)], strict=True):
        assert type(y) is type(reference)
        assert np.array_equal(y, reference)


@pytest.mark.parametrize("pivots", ["lu_factor", "lu", "lu p_indices", "qr"])
def test_permutations_are_those_of_scipy_and_plain(pivots):
    name, *options = pivots.split()
    place = {"lu_factor": 1, "lu": 0, "qr": 2}[name]
    options = {"pivoting": True} if name == "qr" else dict.fromkeys(options, True)
    a = RNG.normal(size=(5, 4))
    found = []
    wg.vjp(lambda a: found.append(getattr(wl, name)(a, **options)[place]) or a, a)
    assert type(found[0]) is np.ndarray
    np.testing.assert_array_equal(found[0], getattr(sl, name)(a, **options)[place])


def test_polar_of_equal_singular_values():
    agrees(wl.polar, 2.0 * np.eye(3))
    agrees(lambda a: wl.polar(a)[1], np.eye(4)[:, :2])


def test_expm_to_third_order():
    wg.check_grads(wl.expm, (np.array([[0.3, -1.0], [0.5, 0.2]]),), order=3)


@pytest.mark.parametrize("scale", [1e-200, 1e-20, 1.0, 1e20, 1e200])
def test_directions_of_any_size(scale):
    a, e = A / 4, B * scale
    expected = sl.expm_frechet(a, B, compute_expm=False) * scale
    _, y_dot = wg.jvp(wl.expm, (a,), (e,))
    np.testing.assert_allclose(y_dot, expected, rtol=1e-13)
    _, second = wg.jvp(lambda a: wg.jvp(wl.expm, (a,), (e,))[1], (a,), (B,))
    _, reference = wg.jvp(lambda a: wg.jvp(wl.expm, (a,), (B,))[1], (a,), (B,))
    np.testing.assert_allclose(second, reference * scale, rtol=1e-12)
    _, root = wg.jvp(wl.sqrtm, (A,), (e,))
    np.testing.assert_allclose(root, sl.solve_sylvester(sl.sqrtm(A), sl.sqrtm(A), B) * scale, rtol=1e-12)
    _, log = wg.jvp(wl.logm, (A,), (e,))
    back = sl.expm_frechet(sl.logm(A), log / scale, compute_expm=False)
    np.testing.assert_allclose(back, B, atol=1e-12)


def test_derivative_of_the_logarithm_is_that_of_the_inverse_function():
    _, y_dot = wg.jvp(lambda a: wl.logm(wl.expm(a)), (A / 4,), (B,))
    np.testing.assert_allclose(y_dot, B, atol=1e-12)


def test_real_matrices_with_complex_roots():
    a = np.array([[-1.0, 0.2], [0.1, -2.0]])
    for fun in (wl.sqrtm, wl.logm):
        wg.check_grads(fun, (a,), order=1)
        assert wg.grad(lambda a, fun=fun: np.sum(np.abs(fun(a)) ** 2))(a).dtype == np.float64


def test_single_precision_stays_single():
    a, v = A.astype(np.float32), V.astype(np.float32)
    for fun in (
        wl.expm,
        wl.logm,
        wl.sqrtm,
        wl.cholesky,
        wl.polar,
        wl.eigh,
        wl.lu_factor,
        lambda a: wl.solve(a, v),
    ):
        first = lambda a, fun=fun: fun(a)[0] if isinstance(fun(a), tuple) else fun(a)
        y, pullback = wg.vjp(first, a + a.T)
        assert y.dtype == np.float32
        assert pullback(y)[0].dtype == np.float32


def test_singular_systems_raise_as_in_scipy():
    for fun in (wl.solve, wl.solve_triangular):
        with pytest.raises(np.linalg.LinAlgError):
            fun(np.zeros((2, 2)), np.ones(2))
        with pytest.raises(np.linalg.LinAlgError):
            wg.grad(lambda a, fun=fun: np.sum(fun(a, np.ones(2))))(np.zeros((2, 2)))


def test_large_systems_are_halved():
    a, b = matrix(150, 150) / 4, RNG.normal(size=(150, 3))
    for lower in (False, True):
        for trans in (0, 1):
            y, _ = wg.vjp(lambda a, lo=lower, tr=trans: wl.solve_triangular(a, b, trans=tr, lower=lo), a)
            np.testing.assert_allclose(
                y, sl.solve_triangular(a, b, trans=trans, lower=lower), rtol=1e-10, atol=1e-14
            )


REFUSED = {
    "null_space": lambda a: wl.null_space(a),
    "orth": lambda a: wl.orth(a),
    "schur": lambda a: wl.schur(a),
    "signm": lambda a: wl.signm(a),
    "qr raw": lambda a: wl.qr(a, mode="raw"),
    "eigh by value": lambda a: wl.eigh(a, subset_by_value=[0, 1]),
    "eigh type": lambda a: wl.eigh(a, np.eye(3), type=2),
    "eig left": lambda a: wl.eig(a, left=True),
    "sqrtm disp": lambda a: wl.sqrtm(a, disp=False),
    "logm disp": lambda a: wl.logm(a, disp=False),
    "pinv atol": lambda a: wl.pinv(a, atol=1e-3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_four_parts(name):
    with pytest.raises(RefusedError) as caught:
        wg.grad(lambda a: np.sum(REFUSED[name](a)[0]))(SPD)
    assert caught.value.where
    assert caught.value.why
    assert caught.value.instead


def test_the_rest_is_that_of_scipy():
    assert wl.LinAlgError is sl.LinAlgError
    assert np.array_equal(wl.hadamard(4), sl.hadamard(4))
    assert set(sl.__all__) <= set(dir(wl))
    with pytest.raises(AttributeError, match=r"wengert\.scipy\.linalg"):
        _ = wl.no_such_function
