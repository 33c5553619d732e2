"""Weights in files: whole or not at all, with a list of what does not fit."""

from __future__ import annotations

import builtins
import json
import re

import numpy as np
import pytest

from wengert import nn, random, tree
from wengert.errors import ArgumentError
from wengert.nn import weights
from wengert.nn.torch_weights import from_state
from wengert.nn.weights import WeightsError

KEY = random.key(2)


def model(seed=0, width=4):
    k = random.split(random.key(seed), 3)
    return nn.Sequential(
        nn.Linear(3, width, key=k[0]),
        nn.BatchNorm(width, dtype=np.float32),
        np.tanh,
        nn.frozen(nn.Linear(width, 2, key=k[1], bias=False)),
    )


class Mixed(nn.Module):
    number: float
    scalar: np.float32
    count: np.ndarray
    parts: dict
    size: int = nn.static(default=3)


def mixed(offset):
    return Mixed(1.5 + offset, np.float32(2.5 + offset), np.arange(3) + offset, {"a": [np.ones(2) + offset]})


def same(a, b):
    xs, structure = tree.flatten(a)
    ys, other = tree.flatten(b)
    assert structure == other
    for x, y in zip(xs, ys, strict=True):
        assert type(x) is type(y)
        assert np.asarray(x).dtype == np.asarray(y).dtype
        np.testing.assert_array_equal(x, y)


class TestFiles:
    @pytest.fixture(autouse=True)
    def _installed(self):
        pytest.importorskip("safetensors")

    def test_what_was_saved_is_loaded(self, tmp_path):
        nn.save(tmp_path / "m.safetensors", model(0))
        same(nn.load(tmp_path / "m.safetensors", model(1)), model(0))
        nn.save(tmp_path / "x.safetensors", mixed(0))
        same(nn.load(tmp_path / "x.safetensors", mixed(1)), mixed(0))
        assert sorted(p.name for p in tmp_path.iterdir()) == ["m.safetensors", "x.safetensors"]

    def test_names_are_those_of_fields(self, tmp_path):
        nn.save(tmp_path / "m", model())
        assert sorted(weights.read_file(tmp_path / "m")) == [
            *["layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.mean", "layers.1.scale"],
            *["layers.1.variance", "layers.3.weight"],
        ]

    def test_views_and_other_byte_orders_are_written_as_they_are(self, tmp_path):
        x = np.arange(12.0).reshape(3, 4)
        nn.save(tmp_path / "v", {"t": x.T, "s": x[::2, 1:], "big": x.astype(">f8"), "none": np.zeros((0, 3))})
        found = weights.read_file(tmp_path / "v")
        np.testing.assert_array_equal(found["t"], x.T)
        np.testing.assert_array_equal(found["s"], x[::2, 1:])
        np.testing.assert_array_equal(found["big"], x)
        assert found["none"].shape == (0, 3)

    def test_what_is_shared_is_written_once_and_shared_again(self, tmp_path):
        w = np.ones(3)
        nn.save(tmp_path / "m", {"a": w, "b": w})
        assert list(weights.read_file(tmp_path / "m")) == ["a"]
        v = np.zeros(3)
        loaded = nn.load(tmp_path / "m", {"a": v, "b": v})
        assert loaded["a"] is loaded["b"]
        np.testing.assert_array_equal(loaded["b"], w)

    def test_the_old_file_stays_if_writing_fails(self, tmp_path, monkeypatch):
        path = tmp_path / "m"
        nn.save(path, model(0))
        before = path.read_bytes()

        def cut_off(arrays, file):
            with open(file, "wb") as f:  # noqa: PTH123
                f.write(before[:20])
            raise KeyboardInterrupt

        monkeypatch.setattr("safetensors.numpy.save_file", cut_off)
        with pytest.raises(KeyboardInterrupt):
            nn.save(path, model(1))
        assert path.read_bytes() == before
        assert [p.name for p in tmp_path.iterdir()] == ["m"]

    @pytest.mark.parametrize("cut", [0, 4, 20, -1])
    def test_half_a_file_is_refused(self, tmp_path, cut):
        path = tmp_path / "m"
        nn.save(path, model())
        path.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(WeightsError, match="is not a whole safetensors file"):
            nn.load(path, model())

    def test_all_that_does_not_fit_is_listed(self, tmp_path):
        nn.save(
            tmp_path / "m",
            {"a": np.zeros(3), "b": np.zeros((2, 2)), "c": np.zeros(2, np.float32), "e": np.ones(1)},
        )
        with pytest.raises(WeightsError) as caught:
            nn.load(
                tmp_path / "m", {"a": np.zeros(3), "b": np.zeros((2, 3)), "c": np.zeros(2), "d": np.zeros(5)}
            )
        assert caught.value.what.splitlines()[1:] == [
            "    wrong shape: b is float64[2, 2] in the file, float64[2, 3] in the model",
            "    wrong dtype: c is float32[2] in the file, float64[2] in the model",
            "    missing: d float64[5]",
            "    extra: e float64[1]",
        ]

    def test_bfloat16_is_read_as_float32(self, tmp_path):
        numbers = np.array([1.0, -2.5, 3.140625], np.float32)  # all have eight bits
        upper = (numbers.view(np.uint32) >> 16).astype("<u2").tobytes()
        header = json.dumps({"x": {"dtype": "BF16", "shape": [3], "data_offsets": [0, 6]}}).encode()
        (tmp_path / "b").write_bytes(len(header).to_bytes(8, "little") + header + upper)
        np.testing.assert_array_equal(weights.read_file(tmp_path / "b")["x"], numbers)

    def test_pytorchs_files_are_loaded(self, tmp_path):
        safetensors = pytest.importorskip("safetensors.numpy")
        w, b = np.arange(6.0).reshape(2, 3), np.ones(2)
        safetensors.save_file({"fc1.weight": w, "fc1.bias": b}, tmp_path / "t")
        layer = nn.load_torch(tmp_path / "t", nn.Sequential(nn.Linear(3, 2, key=KEY)), names={"fc1": "0"})
        np.testing.assert_array_equal(layer[0].weight, w)


def test_without_the_package_one_is_told(monkeypatch, tmp_path):
    real = builtins.__import__

    def missing(name, *args, **kwargs):
        if name.startswith("safetensors"):
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    for call in (lambda: nn.save(tmp_path / "m", model()), lambda: nn.load(tmp_path / "m", model())):
        with pytest.raises(
            ModuleNotFoundError, match=r"(?s)safetensors, which is not installed.*pip install"
        ) as e:
            call()
        assert isinstance(e.value, ArgumentError)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"w": "text"}, "w is a str, which a file of weights cannot hold"),
        ({"w": np.zeros(2, complex)}, "w is an array of complex128, which safetensors have not"),
        ({"a": {"b.c": 1.0}, "a.b": {"c": 2.0}}, "two leaves of the model have the name a.b.c"),
    ],
)
def test_what_cannot_be_saved_is_named(bad, message, tmp_path):
    with pytest.raises(WeightsError, match=re.escape(message)):
        nn.save(tmp_path / "m", bad)


# PyTorch's names, without PyTorch


def test_names_are_mapped_by_their_longest_first_part():
    w, b = np.ones((2, 3)), np.zeros(2)
    net = nn.Sequential(nn.Linear(3, 2, key=KEY), nn.Linear(2, 2, key=KEY))
    arrays = {"net.a.weight": w, "net.a.bias": b, "net.b.weight": w[:, :2], "net.b.bias": b + 1, "seen": b}
    loaded = from_state(arrays, net, {"net.a": "0", "net": "", "net.b": "1", "seen": None})
    np.testing.assert_array_equal(loaded[1].bias, b + 1)
    again = from_state(arrays, net, lambda n: {"a": "0", "b": "1"}[n[4]] + n[5:] if n[0] == "n" else None)
    same(again, loaded)
    with pytest.raises(WeightsError, match=r"names map two arrays to 0\.weight"):
        from_state(arrays, net, {"net.a": "0", "net.b": "0"})
    with pytest.raises(ArgumentError, match="names is a list"):
        from_state(arrays, net, ["net"])


def test_what_pytorch_lacks_or_has_beside_is_listed():
    net = nn.Sequential(nn.LayerNorm(2), nn.MultiHeadAttention(4, 2, key=KEY))
    arrays = {"0.weight": np.ones(3), "1.in_proj_weight": np.ones((12, 4)), "2.weight": np.ones(1)}
    with pytest.raises(WeightsError) as caught:
        from_state(arrays, net)
    text = str(caught.value)
    assert "wrong shape: layers.0.scale is float64[3] in the file, float64[2] in the model" in text
    assert "missing: 0.bias, of which would be made layers.0.bias float64[2]" in text
    assert "missing: 1.in_proj_bias, of which would be made layers.1.key.bias float64[4]" in text
    assert "extra: 2.weight (PyTorch's name) float64[1]" in text
    assert text.startswith("the state does not fit the model, which has 10 arrays")


def test_pytorchs_numbers_take_the_dtype_of_the_model():
    arrays = {"weight": np.ones((2, 3), np.float32), "bias": np.zeros(2, np.float32)}
    assert from_state(arrays, nn.Linear(3, 2, key=KEY)).weight.dtype == np.float64
    double = {name: x.astype(np.float64) for name, x in arrays.items()}
    assert from_state(double, nn.Linear(3, 2, key=KEY, dtype=np.float32)).weight.dtype == np.float32


def test_counts_of_batches_are_passed_over():
    arrays = {name: np.ones(2) for name in ("weight", "bias", "running_mean", "running_var")}
    layer = from_state({**arrays, "num_batches_tracked": np.array(3)}, nn.BatchNorm(2))
    np.testing.assert_array_equal(layer.mean, np.ones(2))


@pytest.mark.parametrize(("call", "args"), [(nn.save, (model(), "x")), (nn.load, (model(), "x"))])
def test_the_path_comes_first(call, args):
    with pytest.raises(ArgumentError, match="the path is a Sequential") as caught:
        call(*args)
    assert '("model.safetensors", model)' in caught.value.instead
