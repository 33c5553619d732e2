"""What a function reads beside its arguments: changes are noticed, and nothing is left behind."""

import gc
import threading
import warnings
import weakref
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import wengert as wg
from wengert.core.dispatch import active
from wengert.errors import ArgumentError
from wengert.jit import jit

factor = 2.0
TABLE = np.array([1.0, 2.0, 3.0])
settings = {"scale": 1.0}


def helper(x):
    return factor * x


class Model:
    shift = 0.0

    def __init__(self, w):
        self.w = w
        self.layers = [np.ones(2)]

    def inner(self, x):
        return self.w * x + self.shift

    @jit
    def predict(self, x):
        return self.inner(x) * self.layers[0][0]

    def __call__(self, x):
        return self.inner(x)


@dataclass
class Unhashable:
    w: float


def test_a_global_is_rebound(monkeypatch):
    compiled = jit(lambda x: helper(x) + factor)
    assert compiled(3.0) == 8.0
    monkeypatch.setitem(globals(), "factor", 10.0)
    assert compiled(3.0) == 40.0
    monkeypatch.setitem(globals(), "helper", lambda x: x)
    assert compiled(3.0) == 13.0


def test_a_global_of_a_differentiated_function_is_rebound(monkeypatch):
    compiled = jit(wg.value_and_grad(lambda x: helper(x) * x))
    assert compiled(3.0) == (18.0, 12.0)
    monkeypatch.setitem(globals(), "factor", 10.0)
    assert compiled(3.0) == (90.0, 60.0)


def test_wengerts_own_wrappers_are_not_watched(machine_code):
    compiled = jit(wg.value_and_grad(lambda x: 2.0 * x))
    compiled(3.0)
    assert compiled._direct.watch is None


def test_an_attribute_of_a_module_is_rebound(monkeypatch):
    import types

    module = types.ModuleType("settings_of_the_user")
    module.scale = 2.0

    def fun(x):
        return x * module.scale

    compiled = jit(fun)
    assert compiled(3.0) == 6.0
    module.scale = 5.0
    assert compiled(3.0) == 15.0


def test_a_variable_of_an_enclosing_function_is_rebound():
    a = 2.0

    def fun(x):
        return a * x

    compiled = jit(fun)
    assert compiled(3.0) == 6.0
    a = 5.0
    assert compiled(3.0) == 15.0
    a = np.ones(2)
    np.testing.assert_array_equal(compiled(3.0), [3.0, 3.0])


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: TABLE * x,  # an operand
        lambda x: TABLE[0] * x + TABLE[1:],  # a number and a view of it
        lambda x: np.sum(2 * TABLE) * x,  # what NumPy makes of it
        lambda x: x if TABLE[0] > 5 else -x,  # a decision
        partial(lambda t, x: t[0] * x, TABLE),
    ],
)
def test_an_array_is_changed_in_place(fun):
    compiled = jit(fun)
    before = TABLE.copy()
    try:
        for k in range(3):
            TABLE[0] = 4.0 * k
            np.testing.assert_array_equal(compiled(2.0), fun(2.0))
            np.testing.assert_array_equal(compiled(2.0), fun(2.0))
    finally:
        TABLE[:] = before


def test_a_large_array_is_read_anew_where_it_is_an_operand():
    data = np.ones(200_000)
    compiled = jit(lambda x: np.sum(data * x))
    assert compiled(2.0) == 400_000.0
    data[:] = 3.0
    assert compiled(2.0) == 1_200_000.0
    assert compiled.cache_info().misses == 1


def test_an_array_that_repeats_a_number_is_a_constant_unless_somebody_holds_it():
    x = np.linspace(-1.0, 1.0, 5)
    own = jit(lambda x: np.broadcast_to(2.0, 5) * x)
    np.testing.assert_array_equal(own(x), 2 * x)
    assert not any(const.live for const in own.graph(x).constants())

    number = np.array(2.0)
    theirs = jit(lambda x: np.broadcast_to(number, 5) * x)
    np.testing.assert_array_equal(theirs(x), 2 * x)
    number[()] = 3.0
    np.testing.assert_array_equal(theirs(x), 3 * x)


def test_views_of_an_array_that_nobody_else_holds_are_constants():
    def fun(x):
        table = np.arange(6.0)
        return table[:3] * x + table[3:] * x

    compiled = jit(fun)
    assert compiled(2.0).tolist() == [6.0, 10.0, 14.0]
    assert not any(const.live for const in compiled.graph(2.0).constants())


def test_views_of_an_array_are_read_anew_if_one_of_them_is_held():
    table = np.arange(6.0)
    held = table[2:4]
    del table
    compiled = jit(lambda x: held.base[:3] * x + held.base[3:] * x)  # notices what the views share
    assert compiled(2.0).tolist() == [6.0, 10.0, 14.0]
    held[:] = 10.0
    assert compiled(2.0).tolist() == [20.0, 10.0, 30.0]


def test_items_of_containers():
    items = [2.0, {"a": 3.0}]
    compiled = jit(lambda x: x * items[0] * items[1]["a"] * len(items))
    assert compiled(1.0) == 12.0
    items[0] = 1.0
    assert compiled(1.0) == 6.0
    items[1]["a"] = 5.0
    assert compiled(1.0) == 10.0
    items.append(None)
    assert compiled(1.0) == 15.0


def test_methods_and_attributes():
    model, other = Model(2.0), Model(7.0)
    assert model.predict(3.0) == 6.0
    assert other.predict(3.0) == 21.0
    model.w = 5.0
    assert model.predict(3.0) == 15.0
    Model.shift = 1.0
    try:
        assert model.predict(3.0) == 16.0
    finally:
        Model.shift = 0.0
    model.layers[0][0] = 2.0
    assert model.predict(3.0) == 30.0
    assert other.predict(3.0) == 21.0


def test_callable_objects_and_bound_methods():
    model = Model(2.0)
    compiled, bound = jit(model), jit(model.inner)
    assert compiled(3.0) == bound(3.0) == 6.0
    model.w = 4.0
    assert compiled(3.0) == bound(3.0) == 12.0


def test_an_object_that_cannot_be_hashed():
    state = Unhashable(2.0)
    compiled = jit(lambda s, x: s.w * x)
    assert compiled(state, 3.0) == 6.0
    state.w = 5.0
    assert compiled(state, 3.0) == 15.0
    assert compiled(Unhashable(1.0), 3.0) == 3.0


def test_going_back_to_an_earlier_state_needs_no_staging():
    model = Model(2.0)
    compiled = jit(model.inner)
    for w in (2.0, 3.0) * 10:
        model.w = w
        assert compiled(1.0) == w
    assert compiled.cache_info().misses == 2


def test_what_changes_in_every_call_runs_as_it_is_with_one_warning():
    count = [0.0]

    def fun(x):
        count[0] += 1.0
        return x * count[0]

    compiled = jit(fun)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(1, 20):
            assert compiled(2.0) == 2.0 * k
    assert [w.category for w in caught] == [RuntimeWarning]
    assert compiled.cache_info().eager > 0


@pytest.mark.parametrize("legacy", [False, True])
def test_random_numbers_are_drawn_anew(legacy):
    generator = np.random.RandomState(1) if legacy else np.random.default_rng(1)
    twin = np.random.RandomState(1) if legacy else np.random.default_rng(1)
    as_argument, twin2 = np.random.default_rng(2), np.random.default_rng(2)
    compiled = jit(lambda x: x * generator.normal(size=2))
    passed = jit(lambda x, g: x * g.normal())
    first = compiled(1.0)  # staging draws, and so does the run as it is
    draws = [twin.normal(size=2) for _ in range(2)]
    assert any(np.array_equal(first, d) for d in draws)
    assert not np.array_equal(compiled(1.0), compiled(1.0))
    assert passed(1.0, as_argument) != passed(1.0, as_argument)
    assert twin2.normal() is not None


def test_static_arguments():
    def fun(x, n, mode="plus"):
        return x * n if mode == "plus" else x - n

    compiled = jit(fun, static_argnums=1, static_argnames="mode")
    for _ in range(2):
        for n in (1, 1.0, True, 0.0, -0.0, 3):
            for mode in ("plus", "minus"):
                got, want = compiled(2, n, mode=mode), fun(2, n, mode=mode)
                assert (got, np.signbit(got), np.asarray(got).dtype) == (
                    want,
                    np.signbit(want),
                    np.asarray(want).dtype,
                )
    assert compiled(2.0, 3, "minus") == -1.0  # by place
    assert jit(lambda x, s: x * s[0], static_argnums=-1)(np.float32(2), (2.0,)).dtype == np.float32
    pair = jit(lambda x, s: x + s[0], static_argnums=(1,))
    assert [type(pair(1, (s,)).item()) for s in (1, 1.0, True)] == [int, float, int]


def test_keyword_arguments_and_defaults():
    compiled = jit(lambda x, *, y=2.0, z=None: x * y + (0 if z is None else z))
    assert compiled(3.0) == 6.0
    assert compiled(3.0, y=5.0) == 15.0
    assert compiled(3.0, z=np.float64(1), y=5.0) == 16.0
    assert compiled(x=1.0) == 2.0


def test_an_argument_that_is_neither_operand_nor_hashable():
    with pytest.raises(ArgumentError, match="set is neither an array or number nor hashable"):
        jit(lambda x, s: x)({1.0}, 2.0)


def test_nested():
    inner = jit(lambda x: x * x if x > 0 else x)
    outer = jit(lambda x: inner(x) + inner(-x))
    for x in (2.0, -3.0, 2.0):
        assert outer(x) == (lambda f: f(x) + f(-x))(lambda t: t * t if t > 0 else t)  # noqa: PLC3002


def test_exceptions_leave_no_state():
    def fun(x):
        y = x * 2
        if y > 3:
            message = "too large"
            raise ValueError(message)
        return y

    compiled = jit(fun)
    for x in (1.0, 2.0, 1.0, 5.0):
        if x > 1.5:
            with pytest.raises(ValueError, match="too large"):
                compiled(x)
            with pytest.raises(ValueError, match="too large"):
                wg.grad(compiled)(x)
        else:
            assert compiled(x) == 2 * x
            assert wg.grad(compiled)(x) == 2.0
        assert active() == ()


def test_threads(way):
    rtol = 0.0 if way == "by NumPy" else 32 * np.finfo(float).eps

    def fun(x, n):
        for _ in range(n):
            x = np.sin(x) + x
        return x

    compiled, wrong = jit(fun), []

    def work(seed):
        rng = np.random.default_rng(seed)
        for _ in range(40):
            x, n = rng.normal(size=3), int(rng.integers(5))
            if not np.allclose(compiled(x, n), fun(x, n), rtol=rtol, atol=rtol):
                wrong.append((x, n))
            if not np.allclose(
                wg.grad(lambda x: np.sum(compiled(x, n)))(x),  # noqa: B023
                wg.grad(lambda x: np.sum(fun(x, n)))(x),  # noqa: B023
            ):
                wrong.append((x, n))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_wrapping_a_compiled_function_does_not_take_over_its_state():
    compiled = jit(lambda x: x**3)
    assert compiled(2.0) == 8.0
    assert wg.jit(wg.grad(compiled))(2.0) == 12.0
    assert vars(compiled).keys() <= {"__wrapped__"} | set(vars(compiled.__wrapped__)) | {
        "__module__",
        "__name__",
        "__qualname__",
        "__doc__",
        "__type_params__",
        "__annotations__",
    }


def test_what_a_compiled_function_holds_is_freed_with_it():
    class Big:
        def __init__(self):
            self.array = np.ones(10)

    big = Big()
    alive = weakref.ref(big)
    compiled = jit(lambda x: x * big.array)  # noqa: F821
    compiled(2.0)
    del compiled, big
    gc.collect()
    assert alive() is None
