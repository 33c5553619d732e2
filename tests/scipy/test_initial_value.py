"""wengert.scipy.integrate.solve_ivp on smooth problems: SciPy's values, and derivatives against independent ones.

Independent are: closed forms; the complex step through SciPy's own solver, which takes the same steps for complex
states (their sizes come from moduli), and so gives the derivative of the numbers computed; differences of tight
solutions.
"""

import numpy as np
import pytest
import scipy.integrate
import scipy.linalg

import wengert as wg
from wengert import nn
from wengert.scipy.integrate import solve_ivp

EXPLICIT = ["RK23", "RK45", "DOP853"]
IMPLICIT = ["Radau", "BDF", "LSODA"]
TIGHT = {"rtol": 1e-9, "atol": 1e-11}
LOOSE = {"rtol": 1e-5, "atol": 1e-8}
EPS = np.finfo(float).eps

WAYS = [(m, "discrete") for m in EXPLICIT[1:]] + [(m, "continuous") for m in ["RK45", "DOP853", *IMPLICIT]]


def prey(t, z, a, b, c, d):
    """Lotka and Volterra's equations, as SciPy's documentation has them."""
    x, y = z
    return [a * x - b * x * y, -c * y + d * x * y]


RATES = (1.5, 1.0, 3.0, 1.0)


def rotation(t, y, m):
    return m @ y


# Values


@pytest.mark.parametrize("method", [*EXPLICIT, *IMPLICIT])
@pytest.mark.parametrize("times", [None, np.linspace(0.1, 2.0, 7)])
def test_plain_values_are_scipys_bit_by_bit(method, times):
    ours = solve_ivp(prey, (0, 2), [10.0, 5.0], method, times, args=RATES, dense_output=True)
    theirs = scipy.integrate.solve_ivp(
        prey, (0, 2), [10.0, 5.0], method, times, args=RATES, dense_output=True
    )
    assert np.array_equal(ours.t, theirs.t)
    assert np.array_equal(ours.y, theirs.y)
    assert (ours.nfev, ours.njev, ours.nlu) == (theirs.nfev, theirs.njev, theirs.nlu)
    assert np.array_equal(ours.sol(0.7), theirs.sol(0.7))
    assert ours.message == theirs.message


def test_a_plain_function_is_run_as_it_is():
    calls = []
    found = solve_ivp(lambda t, y: calls.append(t) or -y, (0, 1), [1.0])
    assert len(calls) == found.nfev


@pytest.mark.parametrize("method", [*EXPLICIT, *IMPLICIT])
@pytest.mark.parametrize("has_times", [False, True])
def test_traced_values_are_scipys(method, has_times):
    """The same steps; sums of stages in another order differ by rounding, which 2 units of time enlarge e^6 at most.

    For implicit methods the Jacobian is another one, exact, so that values agree to tolerances.
    """
    times = np.linspace(0.0, 2.0, 7) if has_times else None
    theirs = scipy.integrate.solve_ivp(prey, (0, 2), [10.0, 5.0], method, times, args=RATES, **TIGHT)
    found = []

    def end(y0):
        found.append(solve_ivp(prey, (0, 2), y0, method, times, args=RATES, **TIGHT))
        return found[0].y[0, -1]

    y0 = np.array([10.0, 5.0])
    last = wg.vjp(end, y0)[0]
    if method in EXPLICIT:
        assert abs(last - theirs.y[0, -1]) < 1e4 * EPS
        assert np.shape(found[0].y) == theirs.y.shape
        assert found[0].nfev == theirs.nfev
    assert abs(last - theirs.y[0, -1]) < 1e-5
    assert found[0].status == 0
    assert found[0].success
    assert found[0].message == theirs.message


def test_a_compiled_function_has_its_jacobian_compiled():
    """Differences cost an evaluation for each entry of the state and Jacobian."""
    compiled = solve_ivp(wg.jit(prey), (0, 2), [10.0, 5.0], "Radau", args=RATES)
    plain = scipy.integrate.solve_ivp(prey, (0, 2), [10.0, 5.0], "Radau", args=RATES)
    np.testing.assert_allclose(compiled.y[:, -1], plain.y[:, -1], rtol=1e-3)
    assert compiled.nfev <= plain.nfev - 2 * plain.njev + 10


# The discrete derivative is that of the numbers computed


def complex_step(fun, x):
    """The Jacobian by the complex step of Squire and Trapp (1998), which rounds but does not cancel."""
    h = 1e-100
    columns = [fun(x + 1j * h * e).imag / h for e in np.eye(len(x))]
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("times", [None, np.linspace(0.0, 2.0, 7), np.array([0.3, 0.31, 1.9])])
def test_the_discrete_derivative_is_that_of_the_steps_taken(method, times):
    """Rounding of a derivative as of values: thousands of units in the last place of the largest entry.

    Rounding of error estimates, small differences of large numbers, moves the ends of steps more: the last one is held.
    """
    x = np.array([10.0, 5.0, *RATES])

    def path(x, solve):
        found = solve(prey, (0, 2), x[:2], method, times, args=tuple(x[i] for i in range(2, 6)), **LOOSE).y
        return found[:, -1] if times is None else found

    exact = complex_step(lambda x: path(x, scipy.integrate.solve_ivp), x)
    for jacobian in (wg.jacrev, wg.jacfwd):
        found = jacobian(lambda x: path(x, solve_ivp))(x)
        assert np.max(np.abs(found - exact)) < 1e4 * EPS * np.max(np.abs(exact))


@pytest.mark.parametrize("method", EXPLICIT)
def test_ends_move_the_last_step_and_all_times(method):
    """By steps of constant lengths, t0 shifts all but the last end, and the last step takes what is left."""

    def f(t, y):
        return np.cos(3.0 * t) * y**2

    first = 0.1

    def end(t0, t1):  # steps of 0.1, the last of 0.05
        options = {"first_step": first, "max_step": first, "rtol": 0.1, "atol": 1.0}
        return solve_ivp(f, (t0, t1), np.array([0.5]), method, **options).y[0, -1]

    h = 1e-6
    found = wg.grad(end, (0, 1))(0.2, 0.75)
    differences = [
        (end(0.2 + h, 0.75) - end(0.2 - h, 0.75)) / (2 * h),
        (end(0.2, 0.75 + h) - end(0.2, 0.75 - h)) / (2 * h),
    ]
    np.testing.assert_allclose(found, differences, rtol=0, atol=1e-9)  # eps / h, and h^2


# Closed forms


def by_closed_form(m, y0, t0, t1):
    return wg.scipy.linalg.expm(m * (t1 - t0)) @ y0


@pytest.mark.parametrize(("method", "adjoint"), WAYS)
def test_linear_systems(method, adjoint):
    """First and second derivatives by matrix, start and both ends of time; errors are of the tolerance."""

    def end(m, y0, t0, t1):
        times = np.stack([0.5 * (t0 + t1), t1])
        found = solve_ivp(rotation, (t0, t1), y0, method, times, args=(m,), adjoint=adjoint, **TIGHT)
        return found.y[:, -1] @ np.array([1.0, 2.0])

    def exact(*args):
        return by_closed_form(*args) @ np.array([1.0, 2.0])

    at = np.array([[-0.5, 1.0], [-2.0, -0.3]]), np.array([1.0, 0.5]), 0.1, 1.5
    every = (0, 1, 2, 3)
    pairs = [
        (wg.grad(end, every)(*at), wg.grad(exact, every)(*at)),
        (wg.jacfwd(end, every)(*at), wg.jacfwd(exact, every)(*at)),
        (wg.hessian(end, (1, 3))(*at), wg.hessian(exact, (1, 3))(*at)),
        (wg.jacrev(wg.grad(end), 2)(*at), wg.jacrev(wg.grad(exact), 2)(*at)),
    ]
    for found, expected in pairs:
        for x, y in zip(wg.tree.flatten(found)[0], wg.tree.flatten(expected)[0], strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=200 * TIGHT["rtol"])


@pytest.mark.parametrize(("method", "adjoint"), WAYS)
def test_logistic_growth_at_times_that_move(method, adjoint):
    def f(t, y, r, k):
        return r * y * (1.0 - y / k)

    def path(times, y0, r, k):
        span = (0.0, 4.0)
        return solve_ivp(f, span, y0, method, times, args=(r, k), adjoint=adjoint, **TIGHT).y[0]

    def exact(times, y0, r, k):
        return k / (1.0 + (k / y0[0] - 1.0) * np.exp(-r * times))

    at = np.array([0.5, 1.0, 3.7]), np.array([0.2]), 1.3, 2.0
    found, expected = wg.jacrev(path, (0, 1, 2, 3))(*at), wg.jacrev(exact, (0, 1, 2, 3))(*at)
    for x, y in zip(found, expected, strict=True):
        # polynomials between steps are of lower order than steps, their slopes of one less
        np.testing.assert_allclose(
            x, y, rtol=0, atol=3e-5 if adjoint == "discrete" and method == "RK45" else 2e-6
        )


@pytest.mark.parametrize(
    ("method", "adjoint"), [("RK45", "discrete"), ("DOP853", "continuous"), ("BDF", "continuous")]
)
def test_third_derivatives(method, adjoint):
    def end(p):
        times = [2.0]
        return solve_ivp(lambda t, y: -p * y, (0, 2), [1.0], method, times, adjoint=adjoint, **TIGHT).y[0, 0]

    for derivative in (
        wg.grad(wg.grad(wg.grad(end))),
        wg.grad(lambda p: wg.jvp(wg.grad(end), (p,), (1.0,))[1]),
    ):
        assert abs(derivative(0.5) + 8.0 * np.exp(-1.0)) < 3e-6


@pytest.mark.parametrize("adjoint", ["discrete", "continuous"])
def test_backwards_in_time(adjoint):
    def start(p, t1, times=None):
        found = solve_ivp(lambda t, y: -p * y, (2.0, t1), [1.0], t_eval=times, adjoint=adjoint, **TIGHT)
        return found.y[0, -1]

    d_p, d_t1 = wg.grad(start, (0, 1))(1.0, 0.2)
    assert abs(d_p - 1.8 * np.exp(1.8)) < 1e-6
    assert abs(d_t1 + np.exp(1.8)) < 1e-6
    assert abs(wg.grad(lambda p: start(p, 0.1, [1.5, 1.0, 0.2]))(1.0) - 1.8 * np.exp(1.8)) < 1e-6


@pytest.mark.parametrize("adjoint", ["discrete", "continuous"])
def test_an_empty_span(adjoint):
    y0 = np.array([1.0, 2.0])
    by_start = wg.jacobian(lambda y: solve_ivp(lambda t, y: -y, (0, 0), y, adjoint=adjoint).y[:, -1])
    assert np.array_equal(by_start(y0), np.eye(2))


# Continuous against discrete


@pytest.mark.parametrize("method", EXPLICIT)
def test_both_ways_agree_to_tolerances(method):
    times = np.linspace(0.5, 4.0, 8)

    def loss(rates, adjoint, options):
        found = solve_ivp(prey, (0, 4), [10.0, 5.0], method, times, args=rates, adjoint=adjoint, **options)
        return np.sum(found.y**2)

    def apart(**options):
        a, b = (np.array(wg.grad(loss)(RATES, way, options)) for way in ("discrete", "continuous"))
        return np.max(np.abs(a - b)) / np.max(np.abs(a))

    assert apart(rtol=1e-9, atol=1e-11) < 1e-6
    assert apart(rtol=1e-5, atol=1e-7) > 1e-9  # they are not the same computation


def test_an_adjoint_follows_a_scale():
    """The adjoint equation is linear: a cotangent a million times smaller has a gradient as many times smaller."""

    def gradient(scale):
        def loss(rates):
            times = [1.0, 2.0]
            found = solve_ivp(prey, (0, 2), [10.0, 5.0], "RK45", times, args=rates, adjoint="continuous")
            return scale * np.sum(found.y)

        return np.array(wg.grad(loss)(RATES))

    np.testing.assert_allclose(gradient(1e-9), 1e-9 * gradient(1.0), rtol=1e-10)


# Stiff systems


def van_der_pol(t, y, mu):
    return [y[1], mu * (1.0 - y[0] ** 2) * y[1] - y[0]]


@pytest.mark.parametrize("method", IMPLICIT)
def test_stiff_oscillations(method):
    """Against differences: the truth of Radau at 1e-11, whose error over h = 1e-4 is 1e-7."""
    times = np.array([0.4, 0.8])

    def path(mu, y0, **options):
        return solve_ivp(van_der_pol, (0.0, 0.8), y0, args=(mu,), t_eval=times, **options).y[0] @ np.array(
            [1.0, 3.0]
        )

    tight = {"method": "Radau", "rtol": 1e-11, "atol": 1e-12}
    y0, h = np.array([2.0, 0.0]), 1e-3
    exact = (path(100.0 + h, y0, **tight) - path(100.0 - h, y0, **tight)) / (2 * h)
    by_mu, by_y0 = wg.grad(path, (0, 1))(100.0, y0, method=method, rtol=1e-7, atol=1e-9)
    e = np.array([1e-5, 0.0])
    exact_y0 = (path(100.0, y0 + e, **tight) - path(100.0, y0 - e, **tight)) / 2e-5
    assert abs(by_mu - exact) < 1e-4 * abs(exact)
    assert abs(by_y0[0] - exact_y0) < 1e-4 * abs(exact_y0)
    pushed = wg.jvp(lambda mu: path(mu, y0, method=method, rtol=1e-7, atol=1e-9), (100.0,), (1.0,))[1]
    assert abs(pushed - exact) < 1e-4 * abs(exact)


def test_robertsons_kinetics():
    """Three rates over eleven orders of magnitude; mass is conserved, so that derivatives of it vanish."""

    def f(t, y, k):
        fast, slow = k[0] * y[0] - k[1] * y[1] * y[2], k[2] * y[1] ** 2
        return np.stack([-fast, fast - slow, slow])

    def path(k, method):
        options = {"rtol": 1e-7, "atol": np.array([1e-9, 1e-12, 1e-9])}
        return solve_ivp(f, (0, 40.0), [1.0, 0.0, 0.0], method, [0.4, 40.0], args=(k,), **options).y

    k = np.array([0.04, 1e4, 3e7])
    for method in IMPLICIT:
        jacobian = wg.jacrev(lambda k, method=method: path(k, method))(k) * k
        assert np.max(np.abs(np.sum(jacobian, axis=0))) < 1e-5
        forward = wg.jacfwd(lambda k, method=method: path(k, method))(k) * k
        np.testing.assert_allclose(jacobian, forward, rtol=0, atol=1e-5)
    steps = 1e-4 * np.diag(k)
    differences = [(path(k + e, "Radau") - path(k - e, "Radau")) / 2e-4 for e in steps]
    np.testing.assert_allclose(jacobian, np.stack(differences, axis=-1), rtol=0, atol=1e-3)


# Parameters of all kinds


@pytest.mark.parametrize("adjoint", ["discrete", "continuous"])
def test_parameters_are_trees_modules_and_closures(adjoint):
    first, second = wg.random.split(wg.random.key(0))
    net = nn.Sequential(nn.Linear(2, 5, key=first), np.tanh, nn.Linear(5, 2, key=second))
    table, options = np.linspace(0.0, 1.0, 40), {"adjoint": adjoint, **TIGHT}

    def end(solution):
        return np.sum(solution.y[:, -1] ** 2)

    def given(net, p):
        def f(t, y, net, extra, name):
            assert name == "name"
            return net(y) + extra["p"] * np.sin(t) + np.mean(table) * extra["k"]

        return end(solve_ivp(f, (0, 1), [1.0, 0.5], args=(net, {"p": p, "k": 2}, "name"), **options))

    def closed_over(net, p):
        def f(t, y):
            return net(y) + p * np.sin(t) + np.mean(table) * 2

        return end(solve_ivp(f, (0, 1), [1.0, 0.5], **options))

    results = [wg.value_and_grad(loss, (0, 1))(net, 0.7) for loss in (given, closed_over)]
    for x, y in zip(*[wg.tree.flatten(result)[0] for result in results], strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-14)
    h = 1e-6
    assert abs(results[0][1][1] - (given(net, 0.7 + h) - given(net, 0.7 - h)) / (2 * h)) < 1e-6


def test_arrays_that_are_closed_over_are_read_anew():
    matrix = -np.eye(6)
    gradient = wg.grad(lambda y0: np.sum(solve_ivp(lambda t, y: matrix @ y, (0, 1), y0, **TIGHT).y[:, -1]))
    np.testing.assert_allclose(gradient(np.ones(6)), np.exp(-1.0), rtol=1e-8)
    matrix *= 2.0
    np.testing.assert_allclose(gradient(np.ones(6)), np.exp(-2.0), rtol=1e-8)


@pytest.mark.parametrize("adjoint", ["discrete", "continuous"])
def test_single_precision_goes_in_and_gradients_come_out_so(adjoint):
    y0, p = np.array([1.0, 2.0], np.float32), np.float32(0.5)

    def end(y0, p):
        found = solve_ivp(lambda t, y, p: -p * y, (0, 1), y0, args=(p,), adjoint=adjoint, **TIGHT)
        assert found.y.dtype == np.float64  # SciPy integrates in double precision
        return np.sum(found.y[:, -1])

    by_y0, by_p = wg.grad(end, (0, 1))(y0, p)
    assert by_y0.dtype == by_p.dtype == np.float32
    np.testing.assert_allclose(by_y0, np.exp(-0.5), rtol=1e-6)
    np.testing.assert_allclose(by_p, -3.0 * np.exp(-0.5), rtol=1e-6)


# Graphs and batches


@pytest.mark.parametrize(
    ("method", "adjoint"), [("RK45", "discrete"), ("RK45", "continuous"), ("Radau", "continuous")]
)
def test_compiled_and_batched(method, adjoint):
    def loss(p, y0):
        found = solve_ivp(lambda t, y: -p * y, (0, 1), y0, method, [0.5, 1.0], adjoint=adjoint, **TIGHT)
        return np.sum(found.y[:, -1])

    def exact(p, y0):
        return (-np.sum(y0) * np.exp(-p), np.exp(-p) * np.ones_like(y0))

    def check(found, p, y0):
        for x, y in zip(found, exact(p, y0), strict=True):
            np.testing.assert_allclose(x, y, rtol=0, atol=1e-7)

    y0 = np.array([1.0, 2.0])
    compiled, around = wg.jit(wg.grad(loss, (0, 1))), wg.grad(wg.jit(loss), (0, 1))
    for p in (0.5, 0.9, 1.4):  # one graph, other steps
        check(compiled(p, y0), p, y0)
        check(around(p, y0), p, y0)
    assert compiled.cache_info().eager == 0
    once = wg.trace(loss)(0.5, y0)  # its one operation is differentiated by this and by that
    assert abs(wg.jvp(lambda p: once(p, y0), (0.5,), (1.0,))[1] + 3.0 * np.exp(-0.5)) < 1e-7
    assert abs(wg.jvp(lambda y0: once(0.5, y0), (y0,), (np.ones(2),))[1] - 2.0 * np.exp(-0.5)) < 1e-7
    check(wg.grad(once, (0, 1))(0.5, y0), 0.5, y0)
    assert abs(wg.grad(once)(0.9, y0) + 3.0 * np.exp(-0.9)) < 1e-7
    hessian = wg.jit(wg.hessian(loss))(0.5, y0)
    assert abs(hessian - 3.0 * np.exp(-0.5)) < 1e-7
    ps = np.array([0.5, 0.9, 1.4])
    by_p, by_y0 = wg.vmap(wg.grad(loss, (0, 1)), (0, None))(ps, y0)
    for i, p in enumerate(ps):
        check((by_p[i], by_y0[i]), p, y0)
    total = wg.grad(lambda ps: np.sum(wg.vmap(lambda p: loss(p, y0))(ps)))(ps)
    np.testing.assert_allclose(total, -3.0 * np.exp(-ps), rtol=0, atol=1e-7)
    np.testing.assert_allclose(
        wg.jit(wg.vmap(lambda p: loss(p, y0)))(ps), 3.0 * np.exp(-ps), rtol=0, atol=1e-7
    )


# Steps chosen by compiled loops


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize(
    "options", [LOOSE, {"max_step": 0.03}, {"rtol": 1e-7, "atol": [1e-9, 1e-6], "first_step": 0.5}]
)
@pytest.mark.parametrize("method", EXPLICIT)
@pytest.mark.parametrize("span", [(0.0, 3.0), (1.0, -0.5)])
def test_a_function_that_comes_again_takes_the_same_steps(method, options, span, monkeypatch):
    """Estimates of errors are differences of stages, and lose digits; lengths go with roots of them."""
    theirs = scipy.integrate.solve_ivp(prey, span, [10.0, 5.0], method, args=RATES, **options)
    found = []

    def last(y0):
        found.append(solve_ivp(prey, span, y0, method, args=RATES, **options))
        return found[-1].y[0, -1]

    for solved in range(4):
        if solved == 2:
            monkeypatch.delattr(scipy.integrate.OdeSolver, "step")  # SciPy's are not taken any more
        wg.grad(last)(np.array([10.0, 5.0]))
        assert found[-1].nfev == theirs.nfev
        np.testing.assert_allclose(found[-1].t, theirs.t, rtol=0, atol=1e-6)


@pytest.mark.usefixtures("machine_code")
def test_more_steps_than_a_loop_takes_at_once():
    def end(p):
        options = {"max_step": 1e-3, **LOOSE}
        return solve_ivp(lambda t, y: -p * y, (0.0, 2.5), [1.0], t_eval=[2.5], **options).y[0, 0]

    for _ in range(4):
        assert abs(wg.grad(end)(1.0) + 2.5 * np.exp(-2.5)) < 1e-9


@pytest.mark.usefixtures("machine_code")
def test_a_loop_that_cannot_go_on_leaves_it_to_scipy():
    gradient = wg.grad(lambda p: solve_ivp(lambda t, y: p * y**2, (0, 3), [1.0]).y[0, -1])
    for _ in range(4):
        with pytest.raises(wg.errors.NotDifferentiableError, match=r"stopped at t = 0\.9999"):
            gradient(1.0)


@pytest.mark.parametrize(
    ("method", "adjoint"), [("RK45", "discrete"), ("RK45", "continuous"), ("Radau", "continuous")]
)
def test_higher_derivatives_and_laplacians(method, adjoint):
    """Of 1.5 exp(-2 p), the end of y' = -p y from 1.5: each solves a system to the same tolerance."""

    def end(p):
        return solve_ivp(lambda _, y: -p * y, (0.0, 2.0), [1.5], method, adjoint=adjoint, **TIGHT).y[0, -1]

    value, tolerance = 1.5 * np.exp(-1.0), 100 * TIGHT["rtol"]
    for order in (1, 2, 3):
        np.testing.assert_allclose(wg.derivative(end, order)(0.5), (-2.0) ** order * value, rtol=tolerance)
    laplacian = wg.laplacian(lambda p: end(np.sum(p)))(np.array([0.2, 0.3]))
    np.testing.assert_allclose(laplacian, 2 * 4.0 * value, rtol=tolerance)
