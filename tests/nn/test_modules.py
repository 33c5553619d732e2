"""Modules: fields, trees, transformations, what is frozen, errors."""

from __future__ import annotations

import copy
import dataclasses
import functools
from dataclasses import dataclass

import numpy as np
import pytest

import wengert as wg
from wengert import nn, random, tree
from wengert.errors import ArgumentError


class Affine(nn.Module):
    slope: np.ndarray
    offset: np.ndarray

    def __call__(self, x):
        return self.slope * x + self.offset


class Network(nn.Module):
    first: nn.Linear
    second: nn.Linear
    activation: object = nn.static(default=np.tanh)

    def __call__(self, x):
        return self.second(self.activation(self.first(x)))


def network(dtype=np.float64):
    first, second = random.split(random.key(3))
    return Network(nn.Linear(3, 4, key=first, dtype=dtype), nn.Linear(4, 2, key=second, dtype=dtype))


def loss(model, x):
    return np.sum(model(x) ** 2)


X = np.linspace(-1.0, 1.0, 15).reshape(5, 3)


# Fields


def test_a_module_is_a_tree_of_its_fields():
    model = network()
    leaves, structure = tree.flatten(model)
    assert [np.shape(x) for x in leaves] == [(4, 3), (4,), (2, 4), (2,)]
    again = tree.unflatten(structure, leaves)
    assert type(again) is Network
    assert again.first.weight is model.first.weight
    assert again.activation is np.tanh


def test_static_fields_are_part_of_the_structure():
    a, b = network(), network().replace(activation=np.sin)
    assert tree.flatten(a)[1] != tree.flatten(b)[1]
    assert tree.flatten(a)[1] == tree.flatten(network())[1]
    assert hash(tree.flatten(a)[1]) == hash(tree.flatten(network())[1])


def test_static_fields_of_any_dataclass_are_no_leaves():
    @dataclasses.dataclass
    class Power:
        scale: float
        exponent: int = dataclasses.field(metadata={"static": True})

    leaves, structure = tree.flatten(Power(2.0, 3))
    assert leaves == [2.0]
    assert tree.unflatten(structure, [5.0]) == Power(5.0, 3)


def test_a_decorator_of_dataclasses_changes_nothing():
    @dataclass
    class Scale(nn.Module):
        by: float

    two = Scale(np.array([1.0, 2.0]))
    assert two == two
    assert two != Scale(two.by)
    assert hash(two)
    assert repr(two) == "Scale(by=f64[2])"
    with pytest.raises(TypeError, match="cannot inherit frozen"):
        dataclass(frozen=True)(Scale)


def test_a_field_is_set_once():
    line = Affine(1.0, 2.0)
    with pytest.raises(
        ArgumentError, match=r"slope of Affine is set again.*\n.*\n.*\n.*replace\(slope=...\)"
    ):
        line.slope = 2.0
    with pytest.raises(ArgumentError, match="Affine has no field color"):
        line.color = "red"
    with pytest.raises(ArgumentError, match="no field color"):
        line.replace(color="red")
    assert line.slope == 1.0


def test_what_is_static_is_hashable():
    class Holder(nn.Module):
        sizes: tuple = nn.static()

    assert Holder([1, [2, 3]]).sizes == (1, (2, 3))
    with pytest.raises(ArgumentError, match="static field sizes of Holder holds a ndarray"):
        Holder(np.zeros(3))


def test_constructors_are_those_of_dataclasses_or_ones_own():
    class Wider(nn.Linear):
        pass

    class Scaled(nn.Linear):
        factor: float

    wider = Wider(3, 4, key=random.key(0))
    assert wider(np.ones(3)).shape == (4,)
    assert isinstance(tree.map_leaves(lambda x: x, wider), Wider)
    scaled = Scaled(wider.weight, wider.bias, 2.0)
    assert scaled.factor == 2.0


def test_replace_shares_what_it_does_not_name():
    model = network()
    new = model.replace(first=model.first.replace(bias=np.ones(4)))
    assert new.second is model.second
    assert new.first.weight is model.first.weight
    assert not model.first.bias.all() or (model.first.bias != 1.0).any()


def test_modules_print_their_types():
    assert repr(network().first) == "Linear(weight=f64[4,3], bias=f64[4])"
    assert repr(network()).splitlines() == [
        "Network(",
        "  first=Linear(weight=f64[4,3], bias=f64[4]),",
        "  second=Linear(weight=f64[2,4], bias=f64[2]),",
        ")",
    ]
    assert (
        repr(nn.Lambda(functools.partial(nn.leaky_relu, slope=0.1)))
        == "Lambda(function=leaky_relu(slope=0.1))"
    )
    assert "frozen f64[4,3]" in repr(nn.frozen(network()))
    assert wg.trace(lambda m: repr(m) and m(X))(network())  # of traced arrays too


# Transformations


def test_gradients_have_the_structure_of_the_model():
    model = network()
    g = wg.grad(loss)(model, X)
    assert isinstance(g, Network)
    h = np.tanh(X @ model.first.weight.T + model.first.bias)
    y_bar = 2.0 * (h @ model.second.weight.T + model.second.bias)
    np.testing.assert_allclose(g.second.weight, y_bar.T @ h, rtol=1e-13)
    np.testing.assert_allclose(g.second.bias, y_bar.sum(0), rtol=1e-13)
    a_bar = (y_bar @ model.second.weight) * (1.0 - h * h)
    np.testing.assert_allclose(g.first.weight, a_bar.T @ X, rtol=1e-13)


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_of_whole_models_are_right(order):
    wg.check_grads(lambda m: loss(m, X), (network(),), order=order)


def test_compiled_models_are_the_models():
    model = network()
    step = wg.jit(wg.value_and_grad(loss))
    for m in (model, model.replace(activation=np.sin), model):
        value, g = step(m, X)
        expected, h = wg.value_and_grad(loss)(m, X)
        assert abs(value - expected) <= 1e-13 * abs(expected)
        for a, b in zip(tree.flatten(g)[0], tree.flatten(h)[0], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert step.cache_info().misses == 2  # the other activation is another structure


def test_an_ensemble_is_a_batched_model():
    models = [
        network().replace(activation=np.tanh, first=nn.Linear(3, 4, key=random.key(i))) for i in range(3)
    ]
    stacked = tree.map_leaves(lambda *xs: np.stack(xs), *models)
    values = wg.vmap(loss, in_axes=(0, None))(stacked, X)
    np.testing.assert_allclose(values, [loss(m, X) for m in models], rtol=1e-13)
    grads = wg.vmap(wg.grad(loss), in_axes=(0, None))(stacked, X)
    np.testing.assert_allclose(grads.first.weight[1], wg.grad(loss)(models[1], X).first.weight, rtol=1e-12)


def test_per_example_gradients():
    model = network()
    each = wg.vmap(wg.grad(loss), in_axes=(None, 0))(model, X)
    whole = wg.grad(loss)(model, X)
    np.testing.assert_allclose(each.first.weight.sum(0), whole.first.weight, rtol=1e-12)


def test_forward_mode_and_products_go_through_models():
    model = network()
    direction = tree.map_leaves(np.ones_like, model)
    value, y_dot = wg.jvp(lambda m: loss(m, X), (model,), (direction,))
    g = wg.grad(loss)(model, X)
    total = sum(float(np.sum(x)) for x in tree.flatten(g)[0])
    assert abs(y_dot - total) <= 1e-12 * abs(total)
    assert value == loss(model, X)


def test_float32_stays_float32():
    g = wg.grad(loss)(network(np.float32), X.astype(np.float32))
    assert {x.dtype for x in tree.flatten(g)[0]} == {np.dtype(np.float32)}


def test_layers_are_scanned_and_checkpointed():
    blocks = [nn.Linear(3, 3, key=random.key(i)) for i in range(4)]
    stacked = tree.map_leaves(lambda *xs: np.stack(xs), *blocks)

    def by_scan(stacked):
        return np.sum(wg.scan(lambda h, block: (np.tanh(block(h)), None), X, stacked)[0] ** 2)

    def by_hand(blocks, keep=lambda block: block):
        h = X
        for block in blocks:
            h = np.tanh(keep(block)(h))
        return np.sum(h**2)

    value, g = wg.jit(wg.value_and_grad(by_scan))(stacked)
    expected, parts = wg.value_and_grad(by_hand)(blocks)
    assert abs(value - expected) <= 1e-13 * expected
    np.testing.assert_allclose(g.weight, np.stack([p.weight for p in parts]), rtol=1e-11, atol=1e-13)
    again = wg.grad(lambda b: by_hand(b, lambda m: lambda h: wg.checkpoint(lambda m, h: m(h))(m, h)))(blocks)
    np.testing.assert_array_equal(again[0].weight, parts[0].weight)


def test_models_are_functions():
    model = network()
    np.testing.assert_allclose(wg.jit(model)(X), model(X), rtol=1e-13)
    np.testing.assert_allclose(wg.jacobian(model)(X[0]), wg.jacfwd(model)(X[0]), rtol=1e-12)
    np.testing.assert_allclose(wg.vmap(model)(X), model(X), rtol=1e-13)
    lifted = wg.grad(loss, lift=True)(model, X)
    np.testing.assert_array_equal(lifted.first.weight, wg.grad(loss)(model, X).first.weight)
    copied = copy.deepcopy(model)
    assert copied.first.weight is not model.first.weight
    np.testing.assert_array_equal(copied(X), model(X))


# Frozen values and buffers


def test_frozen_parameters_have_no_derivative():
    line = Affine(nn.frozen(2.0), 1.0)
    assert line.slope == 2.0
    g = wg.grad(lambda m: m(3.0) ** 2)(line)
    assert g.slope == 0.0
    assert g.offset == 14.0
    assert wg.jvp(lambda m: m(3.0), (line,), (Affine(nn.frozen(1.0), 0.0),))[1] == 0.0


def test_a_frozen_layer_passes_derivatives_on():
    model = network()
    half = model.replace(second=nn.frozen(model.second))
    g, free = wg.grad(loss)(half, X), wg.grad(loss)(model, X)
    np.testing.assert_array_equal(g.first.weight, free.first.weight)
    assert not g.second.weight.any()


def test_freezing_is_undone_but_for_buffers():
    norm = nn.unfrozen(nn.frozen(nn.BatchNorm(3)))
    chosen = nn.filter(norm)
    assert chosen.scale is not None
    assert chosen.mean is None
    assert nn.frozen(nn.frozen(2.0)).value == 2.0


def test_frozen_values_in_containers_are_read():
    class Stack(nn.Module):
        parts: list

        def __call__(self, x):
            return self.parts[0] * self.parts[1]["a"] * x

    stack = Stack([nn.frozen(2.0), {"a": nn.frozen(3.0)}])
    assert stack(1.0) == 6.0
    assert wg.grad(lambda m: m(1.0))(stack).parts == [0.0, {"a": 0.0}]


# Errors


def test_an_error_about_shapes_names_the_layer_and_both_shapes():
    k = random.split(random.key(0), 3)
    inner = nn.Sequential(np.tanh, nn.Linear(17, 4, key=k[1]))
    model = nn.Sequential(nn.Linear(3, 16, key=k[0]), nn.Residual(inner))
    with pytest.raises(nn.ShapeError) as caught:
        model(X)
    assert caught.value.what == (
        "Linear at layers[1].body.layers[1]: x has shape (5, 16), and must have (..., 17)"
    )
    assert "Linear(weight=f64[4,17], bias=f64[4])" in str(caught.value)
    assert "test_modules.py" in caught.value.where


@pytest.mark.parametrize("run", [lambda m: wg.jit(m)(X), lambda m: wg.grad(loss)(m, X), lambda m: m.train(X)])
def test_the_path_is_known_within_transformations(run):
    model = nn.Sequential(np.tanh, nn.Linear(17, 4, key=random.key(0)))
    with pytest.raises(nn.ShapeError, match=r"Linear at layers\[1\]: x has shape \(5, 3\)"):
        run(model)


def test_other_errors_get_a_note():
    model = nn.Sequential(np.tanh, nn.Residual(lambda x: x + np.zeros(7)))
    with pytest.raises(ValueError, match="broadcast") as caught:
        model(X)
    assert caught.value.__notes__ == ["  layer: Lambda at layers[1].body, in Sequential"]


def test_a_model_that_forgets_training_is_told():
    class Forgetful(nn.Module):
        drop: nn.Dropout

        def __call__(self, x):
            return self.drop(x)

    with pytest.raises(ArgumentError, match="Forgetful has no method `train`, and drop in it is different"):
        Forgetful(nn.Dropout(0.5)).train(X, key=random.key(0))
    y, same = Forgetful(nn.Dropout(0.0)).train(X)
    assert y is X
    assert isinstance(same, Forgetful)


def test_an_own_method_train_returns_the_new_modules():
    class Block(nn.Module):
        norm: nn.BatchNorm

        def __call__(self, x):
            return np.tanh(self.norm(x))

        def train(self, x, *, key=None):
            y, norm = self.norm.train(x)
            return np.tanh(y), self.replace(norm=norm)

    model = nn.Sequential(Block(nn.BatchNorm(3)))
    assert model.differs_in_training()
    _, new = model.train(X)
    np.testing.assert_allclose(new[0].norm.mean, 0.1 * X.mean(0), rtol=1e-12, atol=1e-15)
    assert not model[0].norm.mean.any()


# Compiled calls


def test_values_that_python_takes_for_equal_are_other_structures():
    class Signed(nn.Module):
        weight: float
        sign: object = nn.static()

        def __call__(self, x):
            return np.copysign(x * self.weight, self.sign)

    compiled = wg.jit(lambda m, x: m(x))
    for sign in (0.0, -0.0, 0.0):
        assert compiled(Signed(2.0, sign), 3.0) == np.copysign(6.0, sign)
    structures = [tree.flatten(Signed(1.0, sign))[1] for sign in (1, 1.0, True, (1,), (1.0,))]
    assert not any(a == b for i, a in enumerate(structures) for b in structures[:i])


@pytest.mark.usefixtures("machine_code")
def test_native_calls_take_models_as_they_come():
    step = wg.jit(lambda m, x: (m, loss(m, x)))
    model = network()
    for seed in range(3):
        m = model.replace(first=nn.Linear(3, 4, key=random.key(seed)))
        same, value = step(m, X)
        assert abs(value - loss(m, X)) <= 1e-13 * value
        np.testing.assert_array_equal(same.first.weight, m.first.weight)
        assert not np.shares_memory(same.first.weight, m.first.weight)
    assert step._direct is not None
    before = step.cache_info().misses
    other, _ = step(model.replace(activation=np.sin), X)  # another structure
    assert other.activation is np.sin
    small = model.replace(first=nn.Linear(3, 4, key=random.key(0), dtype=np.float32))
    assert step(small, X)[0].first.weight.dtype == np.float32  # other types
    assert step.cache_info().misses == before + 2
    assert abs(step(model, X)[1] - loss(model, X)) <= 1e-13 * loss(model, X)
    with pytest.raises(nn.ShapeError):
        step(model, X[:, :2])
