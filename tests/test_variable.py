"""Variables: define by run. Values are NumPy's, gradients those of `wengert.grad`, and the manners those of PyTorch."""

import copy
import gc
import importlib
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import errors

X, Y = np.array([0.3, -1.2, 2.0]), np.array([1.5, 0.4, -0.7])
M = np.array([[2.0, 0.3, 0.1], [0.2, 1.5, -0.4], [0.0, 0.6, 1.1]])

# Programs in plain NumPy ---------------------------------------------------------------------------------------------


def written(x: Any, y: Any) -> Any:
    z = (x * y + x[::-1]).copy()
    z[0] = 5.0 * x[1]
    z += y
    z[1:] *= 2.0
    return np.sum(z**2)


def recurrence(x: Any, y: Any) -> Any:
    out = np.zeros_like(x, shape=(20,))
    out[0] = x[0]
    for i in range(1, 20):
        out[i] = np.sin(out[i - 1]) * y[i % 3] + x[2]
    return np.sum(out * out)


def into_out(x: Any, y: Any) -> Any:
    z = x * 1.0
    np.multiply(z, y, out=z)
    np.add(z, x, out=z, where=np.array([True, False, True]))
    return z.sum()


def views(x: Any, y: Any) -> Any:
    z = np.outer(x, y)
    row = z[1]
    z.T[0] = x * x
    row[2] = y[0] ** 2
    return np.sum(z.reshape(-1) * np.arange(9.0))


def several_results(x: Any, y: Any) -> Any:
    values, vectors = np.linalg.eigh(np.outer(x, x) + np.diag(y) + M + M.T)
    first, rest = np.split(values, [1])
    return first[0] * np.sum(vectors[:, 0] ** 4) + np.sum(rest) + np.modf(x)[0][0]


PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "operators": lambda x, y: np.sum(3.0 * x * y - y / (2.0 + x * x) + x**3 - (-y)),
    "functions": lambda x, y: np.sum(np.tanh(x) * np.exp(-y) + np.logaddexp(x, y)),
    "methods": lambda x, y: (x.reshape(3, 1) * y).T.mean(axis=0).max() + x.dot(y) + x.std(),
    "products": lambda x, y: x @ M @ y + np.linalg.solve(M, x) @ y + np.einsum("i,ij,j", x, M, y),
    "indexing": lambda x, y: np.sum(x[[0, 0, 2]] * y[1:].sum()) + x[y > 0].sum() + x[-1],
    "branches": lambda x, y: np.sum(x * x) if x[0] > 0.0 else np.sum(y),
    "where": lambda x, y: np.sum(np.where(x > 0, np.sqrt(np.abs(x)), y)),
    "plain operands": lambda x, y: np.sum(X * x) + np.sum(Y.tolist() - y) + 2.0 ** y[0],
    "writes": written,
    "a recurrence": recurrence,
    "out": into_out,
    "views": views,
    "several results": several_results,
    "special": lambda x, y: np.sum(np.hypot(x, y)) + np.prod(x) + np.cumsum(y)[1],
    "a sort": lambda x, y: np.sum(np.sort(x * y) * np.arange(3.0)) + np.linalg.norm(x),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=list(PROGRAMS))
def test_values_are_numpys_and_gradients_those_of_grad(program: Any) -> None:
    x, y = wg.Variable(X), wg.Variable(Y)
    z = program(x, y)
    assert isinstance(z, wg.Variable)
    assert z.item() == pytest.approx(program(X.copy(), Y.copy()), rel=1e-15)
    z.backward()
    for found, exact in zip((x.grad, y.grad), wg.grad(program, argnums=(0, 1))(X, Y), strict=True):
        np.testing.assert_allclose(0.0 if found is None else found, exact, rtol=1e-14, atol=1e-15)
    assert x.numpy().tolist() == X.tolist()


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=list(PROGRAMS))
def test_created_graphs_give_second_derivatives(program: Any) -> None:
    x, y = wg.Variable(X), wg.Variable(Y)
    program(x, y).backward(create_graph=True)
    g = x.grad
    if not isinstance(g, wg.Variable) or not g.requires_grad:
        exact = wg.hessian(program)(X, Y) if g is not None else np.zeros((3, 3))
        assert not exact.any()
        return
    direction = np.array([0.2, -0.5, 1.0])
    x.zero_grad()
    np.sum(g * direction).backward()
    exact = wg.hvp(lambda x: program(x, Y), (X,), (direction,))[1]
    np.testing.assert_allclose(np.zeros(3) if x.grad is None else x.grad, exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, np.complex64])
@pytest.mark.parametrize("shape", [(), (3,), (0,), (2, 1)])
def test_gradients_have_the_dtype_and_shape_of_their_leaf(dtype: Any, shape: Any) -> None:
    x = wg.Variable(np.ones(shape, dtype))
    np.sum(np.real(x * x)).backward()
    assert x.grad.dtype == dtype
    assert x.grad.shape == shape
    np.testing.assert_array_equal(x.grad, np.full(shape, 2.0, dtype))


def test_complex_gradients_follow_grad() -> None:
    z = wg.Variable(3.0 + 4.0j)
    np.abs(z * z).backward()
    assert z.grad == wg.grad(lambda z: np.abs(z * z))(3.0 + 4.0j)


# Making Variables ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [2, 2.0, np.float64(2.0), [1, 2], [[1.0, 2.0]], (1, 2.5)])
def test_python_numbers_become_floats(value: Any) -> None:
    x = wg.Variable(value)
    assert x.dtype == np.float64
    assert x.numpy().tolist() == np.array(value, float).tolist()


def test_a_variable_copies_what_it_is_made_of() -> None:
    a = np.ones(3)
    x = wg.Variable(a)
    y = np.sum(x * x)
    a[:] = 7.0
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    x.numpy()[:] = 5.0
    assert x.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "value", [np.arange(3), np.array([True]), True, "a", None, np.array(["a"]), object()]
)
def test_what_has_no_derivative_is_refused(value: Any) -> None:
    with pytest.raises(errors.NotDifferentiableError) as caught:
        wg.Variable(value)
    assert caught.value.instead


def test_integers_may_be_constants() -> None:
    i = wg.Variable(np.array([2, 0]), requires_grad=False)
    x = wg.Variable(X)
    assert i.dtype.kind == "i"
    np.sum(x[np.asarray(i)]).backward()
    assert x.grad.tolist() == [1.0, 0.0, 1.0]


def test_a_traced_value_makes_no_variable() -> None:
    with pytest.raises(errors.NotDifferentiableError, match="traced by a reverse-mode"):
        wg.grad(lambda x: wg.Variable(x) * 2.0)(1.0)


def test_plain_operands_may_change_after_their_use() -> None:
    x, c = wg.Variable(X), Y.copy()
    y = np.sum(x * x * c)
    c[:] = 0.0
    y.backward()
    np.testing.assert_allclose(x.grad, 2 * X * Y, rtol=1e-15)


def test_large_plain_operands_are_read_only_until_the_graph_is_freed() -> None:
    c = np.ones(100_000)
    x = wg.Variable(2.0)
    y = np.sum(x * x * c)
    with pytest.raises(ValueError, match="read-only"):
        c[0] = 3.0
    y.backward()
    c[0] = 3.0
    y = np.sum(x * c)
    del y
    c[0] = 4.0


# Leaves, constants and computed Variables ----------------------------------------------------------------------------


def test_leaves_and_constants() -> None:
    x, c = wg.Variable(X, name="x"), wg.Variable(Y, requires_grad=False)
    y, k = x * c, c * c
    assert [v.is_leaf for v in (x, c, y, k)] == [True, True, False, True]
    assert [v.requires_grad for v in (x, c, y, k)] == [True, False, True, False]
    assert x.name == "x"
    assert y.name is None
    np.sum(y + k).backward()
    assert x.grad.tolist() == Y.tolist()
    assert c.grad is None
    assert y.grad is None


def test_requires_grad_can_be_set_on_leaves() -> None:
    x = wg.Variable(X, requires_grad=False)
    x.requires_grad = True
    np.sum(x).backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]
    x.requires_grad = False
    assert not np.sum(x).requires_grad
    with pytest.raises(errors.ArgumentError, match="computed"):
        (wg.Variable(X) * 2.0).requires_grad = False
    with pytest.raises(errors.NotDifferentiableError):
        wg.Variable(np.arange(3), requires_grad=False).requires_grad = True


def test_gradients_accumulate_until_zero_grad() -> None:
    x = wg.Variable(3.0)
    for k in (1, 2, 3):
        (x * x).backward()
        assert x.grad == 6.0 * k
    x.zero_grad()
    assert x.grad is None
    (x * x).backward()
    assert x.grad == 6.0


def test_a_gradient_that_was_handed_out_stays_what_it_is() -> None:
    x = wg.Variable(X)
    np.sum(x * x).backward()
    first = x.grad
    np.sum(x * x).backward()
    np.testing.assert_array_equal(first, 2 * X)
    first[:] = 0.0
    np.testing.assert_array_equal(x.grad, 4 * X)


def test_gradients_share_no_memory() -> None:
    x, y = wg.Variable(X), wg.Variable(Y)
    np.sum(x + y).backward()
    x.grad[:] = 9.0
    assert y.grad.tolist() == [1.0, 1.0, 1.0]


def test_grad_can_be_set() -> None:
    x = wg.Variable(X)
    x.grad = [1.0, 2.0, 3.0]
    np.sum(x).backward()
    assert x.grad.tolist() == [2.0, 3.0, 4.0]
    x.grad = None
    assert x.grad is None
    with pytest.raises(errors.ArgumentError, match="does not fit"):
        x.grad = np.ones(2)
    with pytest.raises(errors.ArgumentError, match="keeps no gradient"):
        np.sum(x).grad = 1.0


def test_detach_stops_and_does_not_alias() -> None:
    x = wg.Variable(X)
    y = x * x
    d = y.detach()
    assert not d.requires_grad
    d[0] = 100.0
    assert y.numpy()[0] == X[0] ** 2
    np.sum(d * x).backward()
    assert x.grad.tolist() == d.tolist()
    assert float(d[0]) == 100.0
    assert np.asarray(d).tolist() == d.tolist()
    assert np.array([1.0, d[0]]).tolist() == [1.0, 100.0]


def test_item_numpy_tolist() -> None:
    x = wg.Variable([[1.0, 2.0]])
    assert type(x.item(1)) is float
    assert x.item(0, 1) == 2.0
    assert x.tolist() == [[1.0, 2.0]]
    assert type(np.sum(x).numpy()) is np.float64
    with pytest.raises(ValueError, match="size 1"):
        x.item()


@pytest.mark.parametrize(
    "convert",
    [float, int, complex, round, np.asarray, np.array, lambda x: np.array([x, x]), lambda x: [1, 2][x]],
)
def test_plain_numbers_are_had_by_item_and_numpy_only(convert: Any) -> None:
    x = wg.Variable(1.0)
    with pytest.raises((errors.NotConcreteError, ValueError)) as caught:
        convert(x)
    error = caught.value if isinstance(caught.value, errors.WengertError) else caught.value.__cause__
    assert isinstance(error, errors.NotConcreteError)
    assert "item()" in error.instead
    assert "test_variable.py" in str(error.where)


def test_comparisons_and_positions_are_plain() -> None:
    x = wg.Variable(X)
    assert type(x > 0.0) is np.ndarray
    assert np.argmax(x) == 2
    assert bool(x[0] > 0.0)


def test_repr() -> None:
    assert repr(wg.Variable([1.0, 2.5], name="w")) == "Variable([1. , 2.5], name='w')"
    assert repr(wg.Variable(2.0, requires_grad=False)) == "Variable(2., requires_grad=False)"


def test_copies() -> None:
    x = wg.Variable(X, name="x")
    (x * 2.0).sum().backward()
    deep = copy.deepcopy({"x": x})["x"]
    assert (deep.is_leaf, deep.requires_grad, deep.name, deep.grad) == (True, True, "x", None)
    np.sum(copy.copy(x) * x).backward()
    np.testing.assert_allclose(x.grad, 2.0 + 2 * X, rtol=1e-15)
    assert not copy.deepcopy(x * 2.0).is_leaf


# Writes --------------------------------------------------------------------------------------------------------------

WRITES: dict[str, Callable[[Any], Any]] = {
    "x += 1": lambda x: x.__iadd__(1.0),
    "x[0] = 1": lambda x: x.__setitem__(0, 1.0),
    "x[[0]] = 1": lambda x: x.__setitem__([0], 1.0),
    "x.T[0] = 1": lambda x: x.T.__setitem__(0, 1.0),
    "x[1:][0] = 1": lambda x: x[1:].__setitem__(0, 1.0),
    "x.fill(1)": lambda x: x.fill(1.0),
    "x.sort()": lambda x: x.sort(),
    "out=x": lambda x: np.add(x, 1.0, out=x),
    "copyto": lambda x: np.copyto(x, 1.0),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_a_leaf_is_written_to_only_under_no_grad(write: Any) -> None:
    x = wg.Variable(X, name="w")
    y = np.sum(x * x)
    with pytest.raises(errors.OverwriteError) as caught:
        write(x)
    assert "'w'" in caught.value.what
    assert "no_grad" in caught.value.instead
    assert x.tolist() == X.tolist()
    plain = X.copy()
    write(plain)
    with wg.no_grad():
        write(x)
    np.testing.assert_array_equal(x.numpy(), plain)
    assert x.is_leaf
    assert x.requires_grad
    y.backward()  # the graph was recorded before the write, and holds the old value
    np.testing.assert_array_equal(x.grad, 2 * X)
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, 2 * X + 2 * plain)


def test_zero_dimensional_leaves_are_updated_in_place() -> None:
    w = wg.Variable(np.float32(1.0))
    alias = w
    for _ in range(3):
        with wg.no_grad():
            w -= 0.25
    assert alias is w
    assert w.item() == 0.25
    assert w.dtype == np.float32
    (w * 2.0).backward()
    assert w.grad == 2.0


def test_a_write_never_changes_what_backward_needs() -> None:
    x = wg.Variable(X)
    y = x * 1.0
    z = np.sum(y * y) + np.sum(np.exp(y))
    y[:] = 0.0
    y += 7.0
    z.backward()
    np.testing.assert_allclose(x.grad, 2 * X + np.exp(X), rtol=1e-15)


def test_a_constant_buffer_takes_in_a_graph() -> None:
    x = wg.Variable(X)
    buffer = wg.Variable(np.zeros(3), requires_grad=False)
    buffer[1] = 2.0
    assert not buffer.requires_grad
    buffer[0] = x[2]
    assert buffer.requires_grad
    np.sum(buffer * buffer).backward()
    np.testing.assert_allclose(x.grad, [0.0, 0.0, 2 * X[2]], rtol=1e-15)


def test_filling_a_buffer_entry_by_entry_takes_linear_memory() -> None:
    n = 2000
    x = wg.Variable(1.0)
    tracemalloc.start()
    out = np.zeros_like(x, shape=(n,))
    out[0] = x * 1.0
    for i in range(1, n):
        out[i] = 0.999 * out[i - 1] + 0.001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4000 * n  # a copy for each write would be 8 n^2 bytes
    out[-1].backward()
    assert x.grad == pytest.approx(0.999 ** (n - 1), rel=1e-12)


# Backward ------------------------------------------------------------------------------------------------------------


def test_a_gradient_may_be_given() -> None:
    x = wg.Variable(X)
    for gradient in (Y, Y.tolist(), wg.Variable(Y, requires_grad=False), Y.astype(np.float32)):
        x.zero_grad()
        (x * x).backward(gradient)
        np.testing.assert_allclose(x.grad, 2 * X * Y, rtol=1e-6)


BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "vector": (lambda: (wg.Variable(X) * 2.0).backward(), errors.ArgumentError, "(3,)"),
    "empty": (lambda: (wg.Variable(X)[:0]).backward(), errors.ArgumentError, "(0,)"),
    "complex": (lambda: wg.Variable(1j).backward(), errors.ArgumentError, "complex"),
    "constant": (lambda: wg.Variable(1.0, requires_grad=False).backward(), errors.ArgumentError, "requires no"),
    "wrong shape": (lambda: wg.Variable(X).backward(np.ones(2)), errors.ArgumentError, "(2,)"),
    "wrong dtype": (lambda: wg.Variable(X).backward(1j * X), errors.ArgumentError, "complex128"),
    "text": (lambda: wg.Variable(1.0).backward("a"), errors.ArgumentError, "does not fit"),
    "traced gradient": (
        lambda: wg.grad(lambda t: wg.Variable(1.0).backward(t) or t)(1.0), errors.ArgumentError, "traced by"
    ),
    "hook on a constant": (
        lambda: wg.Variable(1.0, requires_grad=False).register_hook(print), errors.ArgumentError, "register_hook"
    ),
    "hook that is none": (lambda: wg.Variable(1.0).register_hook(3), errors.ArgumentError, "register_hook"),
    "retain_grad of a constant": (
        lambda: wg.Variable(1.0, requires_grad=False).retain_grad(), errors.ArgumentError, "retain_grad"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_calls_raise_in_four_parts(case: str) -> None:
    call, kind, word = BAD[case]
    with pytest.raises(errors.WengertError) as caught:
        call()
    assert type(caught.value) is kind
    assert word in caught.value.what
    assert "test_variable.py" in str(caught.value.where)
    assert caught.value.why
    assert caught.value.instead


def test_a_second_backward_raises_unless_the_graph_is_kept() -> None:
    x = wg.Variable(3.0)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad == 12.0
    with pytest.raises(errors.GraphFreedError) as caught:
        y.backward()
    assert "retain_graph=True" in caught.value.instead
    assert caught.value.why
    assert "test_variable.py" in str(caught.value.where)
    assert x.grad == 12.0


@pytest.mark.parametrize(
    "read", [lambda y: y[0], np.sum, lambda y: y[:2].sum() + y[0], lambda y: np.split(y, 3)[1][0]]
)
def test_a_freed_part_is_found_and_nothing_is_added(read: Any) -> None:
    x, w = wg.Variable(X), wg.Variable(2.0)
    y = x * x
    np.sum(y).backward()
    before = x.grad.tolist()
    with pytest.raises(errors.GraphFreedError):
        (read(y) * w).backward()
    assert x.grad.tolist() == before
    assert w.grad is None
    (read(y.detach()) * w).backward()
    assert w.grad is not None


def test_freed_values_are_let_go() -> None:
    class Big(np.ndarray):
        """An array that can be watched."""

    x = wg.Variable(X)
    seen = []

    def loss() -> Any:
        y = np.exp(x)
        seen.append(weakref.ref(y.value))
        return np.sum(y * y)

    z = loss()
    assert seen[0]() is not None
    z.backward(retain_graph=True)
    assert seen[0]() is not None
    z.backward()
    assert seen[0]() is None


def test_what_is_dropped_is_freed_without_the_garbage_collector() -> None:
    x = wg.Variable(X)
    gc.collect()
    gc.disable()
    try:
        y = np.exp(x) * x
        ref = weakref.ref(y.value)
        z = np.sum(y * y)
        del y
        assert ref() is not None
        del z
        assert ref() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("swept", [True, False])
def test_long_chains(swept: bool) -> None:
    x = wg.Variable(1.0)
    y = x
    for _ in range(200_000):
        y = y * 1.0
    if swept:
        y.backward()
        assert x.grad == 1.0
    del y


def test_backward_works_under_no_grad() -> None:
    x = wg.Variable(3.0)
    y = x * x
    with wg.no_grad():
        y.backward()
    assert x.grad == 6.0


def test_third_derivatives() -> None:
    x = wg.Variable(0.7)
    y = np.sin(x)
    for _ in range(3):
        x.zero_grad()
        y.backward(create_graph=True)
        y = x.grad
    assert y.item() == pytest.approx(-np.cos(0.7), rel=1e-15)


def test_a_cotangent_that_is_a_variable_is_differentiated() -> None:
    # the double-backward trick: J v is the derivative of J^T u with respect to u
    x, u = wg.Variable(X), wg.Variable(np.zeros(3))
    (np.exp(x) * x[::-1]).backward(u, create_graph=True)
    np.sum(x.grad * Y).backward()
    np.testing.assert_allclose(u.grad, wg.jvp(lambda x: np.exp(x) * x[::-1], (X,), (Y,))[1], rtol=1e-14)


# Hooks ---------------------------------------------------------------------------------------------------------------


def test_hooks_see_the_whole_gradient_whenever_they_were_put_on() -> None:
    x = wg.Variable(X)
    y = x * x
    z = np.sum(3.0 * y) + np.sum(y * y)  # users before the hook
    seen: list[Any] = []
    y.register_hook(seen.append)
    x.register_hook(seen.append)
    (z + np.sum(y)).backward()  # and after it
    np.testing.assert_allclose(seen[0], 4.0 + 2 * X**2, rtol=1e-15)
    np.testing.assert_allclose(seen[1], (4.0 + 2 * X**2) * 2 * X, rtol=1e-15)
    assert len(seen) == 2


def test_hooks_replace_in_order_and_can_be_removed() -> None:
    x = wg.Variable(1.0)
    y = x * 1.0
    first = y.register_hook(lambda g: g * 2.0)
    y.register_hook(lambda g: g + 1.0)
    x.register_hook(lambda g: 10.0 * g)
    y.retain_grad()
    y.backward(retain_graph=True)
    assert (y.grad, x.grad) == (3.0, 30.0)
    first.remove()
    first.remove()
    y.backward(retain_graph=True)
    assert (y.grad, x.grad) == (5.0, 50.0)
    with y.register_hook(lambda g: 0.0 * g):
        y.backward(retain_graph=True)
    y.backward()
    assert (y.grad, x.grad) == (7.0, 70.0)


def test_hooks_are_called_once_where_the_sweep_has_to_guard_products() -> None:
    x = wg.Variable(np.array([0.0, 4.0]))
    y = np.where(x > 0, np.sqrt(x), 0.0)  # an unguarded product is 0 inf = nan
    calls: list[Any] = []
    y.register_hook(calls.append)
    np.sum(y).backward()
    assert len(calls) == 1
    assert x.grad.tolist() == [0.0, 0.25]


def test_a_hook_cannot_write_into_the_gradient() -> None:
    def write(g: Any) -> None:
        g[0] = 0.0

    x = wg.Variable(X)
    x.register_hook(write)
    with pytest.raises(ValueError, match="read-only"):
        np.sum(x * x).backward()
    assert x.grad is None


def test_a_hook_must_keep_the_shape() -> None:
    x = wg.Variable(X)
    (x * 1.0).register_hook(lambda g: g[0])
    y = x * 1.0
    y.register_hook(lambda g: g[0])
    with pytest.raises(errors.ArgumentError, match="shape"):
        np.sum(y).backward()


def test_hooks_of_one_result_among_several() -> None:
    x = wg.Variable(np.diag([1.0, 2.0, 4.0]))
    values, vectors = np.linalg.eigh(x)
    values.register_hook(lambda g: g * 0.0)
    (np.sum(values) + vectors[0, 0] ** 2).backward()
    exact = wg.grad(lambda x: np.linalg.eigh(x)[1][0, 0] ** 2)(np.diag([1.0, 2.0, 4.0]))
    np.testing.assert_allclose(x.grad, exact, atol=1e-15)


def test_gradients_of_views_that_became_stale_are_kept() -> None:
    x = wg.Variable(X)
    y = x * 1.0
    view = y[:2]
    y[0] = 5.0
    view.retain_grad()
    np.sum(view * view).backward()
    assert view.grad.tolist() == [10.0, 2 * X[1]]
    assert x.grad.tolist() == [0.0, 2 * X[1], 0.0]


# Among transformations -----------------------------------------------------------------------------------------------


def test_a_variable_is_a_constant_to_grad_and_differentiates_its_result() -> None:
    w = wg.Variable(2.0)
    g = wg.grad(lambda t: t**3 * w * w)(3.0)  # 27 w^2
    assert g.item() == 27.0 * 4.0
    g.backward()
    assert w.grad == 27.0 * 4.0


def test_transformations_of_functions_of_variables() -> None:
    x = wg.Variable(X)
    for derivative in (
        wg.grad(lambda t: np.sum(np.sin(t)))(x),
        wg.jvp(np.sin, (x,), (np.ones(3),))[1],
        wg.vmap(wg.grad(np.sin))(x),
        wg.vjp(np.sin, x)[1](np.ones(3))[0],
        np.diagonal(wg.jacobian(np.sin)(x)),
    ):
        assert isinstance(derivative, wg.Variable)
        x.zero_grad()
        np.sum(derivative).backward()
        np.testing.assert_allclose(x.grad, -np.sin(X), rtol=1e-15)


def test_a_penalty_on_a_gradient() -> None:
    w = wg.Variable(M)

    def penalty(w: Any) -> Any:
        return np.sum(wg.grad(lambda x: np.sum(np.tanh(w @ x) ** 2))(X) ** 2)

    penalty(w).backward()
    np.testing.assert_allclose(w.grad, wg.grad(penalty)(M), rtol=1e-13)


def test_variables_made_inside_a_transformation() -> None:
    def fun(t: Any) -> Any:
        w = wg.Variable(3.0)
        (w * w).backward()
        return t * t * w.grad

    assert wg.grad(fun)(2.0) == 24.0


def test_custom_derivatives() -> None:
    @wg.custom_derivative
    def double(x: Any) -> Any:
        return 2.0 * x

    double.defvjp(lambda x: (2.0 * x, None), lambda _saved, g: (20.0 * g,))
    x = wg.Variable(1.0)
    double(x).backward()
    assert x.grad == 20.0


def test_threads_add_to_one_leaf() -> None:
    w = wg.Variable(np.ones(4))
    barrier = threading.Barrier(4)

    def work(k: int) -> None:
        barrier.wait()
        for _ in range(50):
            np.sum(w * float(k)).backward()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert w.grad.tolist() == [300.0] * 4


# A training loop -----------------------------------------------------------------------------------------------------


def test_linear_regression_without_an_optimizer(rng: np.random.Generator) -> None:
    features = rng.normal(size=(50, 3))
    exact = np.array([1.0, -2.0, 0.5])
    targets = features @ exact + 0.7
    weights, bias = wg.Variable(np.zeros(3)), wg.Variable(0.0)
    losses = []
    for _ in range(400):
        loss = np.mean((features @ weights + bias - targets) ** 2)
        loss.backward()
        with wg.no_grad():
            weights -= 0.1 * weights.grad
            bias -= 0.1 * bias.grad
        weights.zero_grad()
        bias.zero_grad()
        losses.append(loss.item())
    assert losses[-1] < 1e-12 * losses[0]
    np.testing.assert_allclose(weights.numpy(), exact, atol=1e-6)
    assert bias.item() == pytest.approx(0.7, abs=1e-6)


# Beside PyTorch ------------------------------------------------------------------------------------------------------


@pytest.fixture
def torch() -> Any:
    pytest.importorskip("torch")
    return importlib.import_module("torch")


class Wengert:
    """The calls in which the two differ by name."""

    no_grad = staticmethod(wg.no_grad)
    Freed = errors.GraphFreedError

    @staticmethod
    def leaf(x: Any) -> Any:
        return wg.Variable(x)

    @staticmethod
    def plain(x: Any) -> Any:
        return None if x is None else x.tolist()


def _beside(torch: Any) -> Any:
    class Torch:
        no_grad = staticmethod(torch.no_grad)
        Freed = RuntimeError

        @staticmethod
        def leaf(x: Any) -> Any:
            return torch.tensor(x, dtype=torch.float64, requires_grad=True)

        @staticmethod
        def plain(x: Any) -> Any:
            return None if x is None else x.tolist()

    return Torch


def accumulation(lib: Any) -> Any:
    x = lib.leaf([1.0, 2.0])
    for _ in range(3):
        (x * x).sum().backward()
    first = lib.plain(x.grad)
    x.grad = None
    (x * 5.0).sum().backward()
    return first, lib.plain(x.grad)


def detaching(lib: Any) -> Any:
    x = lib.leaf([1.0, 2.0])
    y = (x * x).detach() * x
    y.sum().backward()
    return lib.plain(x.grad), y.detach().requires_grad, y.requires_grad


def pausing(lib: Any) -> Any:
    x = lib.leaf([1.0, 2.0])
    with lib.no_grad():
        y = x * x
    (y * x).sum().backward()
    return lib.plain(x.grad), y.requires_grad, y.is_leaf, x.requires_grad


def updating(lib: Any) -> Any:
    w = lib.leaf([1.0, 2.0])
    for _ in range(3):
        (w * w).sum().backward()
        with lib.no_grad():
            w -= 0.1 * w.grad
        w.grad = None
    return lib.plain(w.detach()), w.is_leaf, w.requires_grad


def hooking(lib: Any) -> Any:
    x = lib.leaf([1.0, 2.0])
    y = x * x
    z = (y * 3.0).sum()
    seen: list[Any] = []
    handle = y.register_hook(lambda g: seen.append(lib.plain(g)))
    y.register_hook(lambda g: g * 2.0)
    x.register_hook(lambda g: seen.append(lib.plain(g)))
    y.retain_grad()
    z.backward(retain_graph=True)
    handle.remove()
    z.backward()
    return seen, lib.plain(x.grad), lib.plain(y.grad)


def freeing(lib: Any) -> Any:
    x = lib.leaf([1.0, 2.0])
    y = (x * x).exp() if hasattr(x, "exp") else np.exp(x * x)
    z = y.sum()
    z.backward(retain_graph=True)
    z.backward()
    with pytest.raises(lib.Freed):
        z.backward()
    return [round(v, 9) for v in lib.plain(x.grad)]


def writing(lib: Any) -> Any:
    x = lib.leaf([1.0, 2.0, 3.0])
    y = x * 2.0
    y[0] = x[2]
    y[1:] += x[:2] * 3.0
    y += 1.0
    (y + 4.0).sum().backward()
    return lib.plain(x.grad), y.is_leaf


def data_behind_the_graph(lib: Any) -> Any:
    x = lib.leaf([1.0, 2.0])
    y = x * 3.0
    with lib.no_grad():
        y += 10.0
    y.sum().backward()
    return lib.plain(x.grad), lib.plain(y.detach()), y.requires_grad


def twice(lib: Any) -> Any:
    x = lib.leaf([1.0, 2.0])
    (x * x * x).sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    (g * g).sum().backward()
    return lib.plain(x.grad)


def weighted(lib: Any) -> Any:
    x, v = lib.leaf([1.0, 2.0]), lib.leaf([3.0, 5.0])
    (x * x).backward(v.detach())
    return lib.plain(x.grad), lib.plain(v.grad)


MANNERS = (
    accumulation, detaching, pausing, updating, hooking, freeing, writing, data_behind_the_graph, twice, weighted
)  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using backward.. with create_graph")
@pytest.mark.parametrize("manner", MANNERS)
def test_the_manners_are_pytorchs(manner: Any, torch: Any) -> None:
    assert manner(Wengert) == manner(_beside(torch))
