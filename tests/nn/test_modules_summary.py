"""Summaries: what the layers of a model take, hold and cost."""

from __future__ import annotations

import io
import json

import numpy as np
from rich.console import Console

from wengert import nn, random
from wengert.types import ArrayType


def model():
    k = random.split(random.key(0), 3)
    return nn.Sequential(
        nn.Conv(1, 4, 3, key=k[0], padding=1),
        nn.BatchNorm(4),
        nn.relu,
        nn.MaxPool(2),
        nn.Flatten(),
        nn.frozen(nn.Linear(64, 10, key=k[1])),
    )


def test_parameters_are_counted():
    table = nn.summary(model(), np.zeros((5, 1, 8, 8)))
    assert table.parameters == 4 * 9 + 4 + 4 + 4
    assert table.frozen == 4 + 4 + 64 * 10 + 10
    assert table.nbytes == 8 * (table.parameters + table.frozen)
    by_path = {layer.path: layer for layer in table.layers}
    assert by_path["layers[0]"].parameters == 40
    assert (by_path["layers[5]"].parameters, by_path["layers[5]"].frozen) == (0, 650)


def test_shapes_and_operations_are_those_of_an_evaluation():
    table = nn.summary(model(), ArrayType((5, 1, 8, 8), np.dtype(np.float64)))
    by_path = {layer.path: layer for layer in table.layers}
    assert by_path["layers[0]"].inputs == "f64[5,1,8,8]"
    assert by_path["layers[0]"].outputs == "f64[5,4,8,8]"
    # 9 products and sums for each entry of the result, and the bias
    assert by_path["layers[0]"].operations == 5 * 4 * 64 * (2 * 9 + 1)
    assert by_path["layers[5]"].operations == 5 * 10 * (2 * 64 + 1)
    assert by_path[""].operations == sum(layer.operations for path, layer in by_path.items() if path)
    assert table.operations == by_path[""].operations


def test_a_shared_layer_counts_once_and_is_called_twice():
    layer = nn.Linear(3, 3, key=random.key(0))
    table = nn.summary(nn.Sequential(layer, layer), np.zeros((2, 3)))
    assert table.parameters == 12
    assert table.layers[1].calls == 2
    assert "Linear × 2" in str(table)


def test_it_prints_as_text_html_and_json():
    table = nn.summary(model(), np.zeros((5, 1, 8, 8)))
    text = str(table)
    assert "Sequential: 48 parameters" in text
    assert "Lambda(relu)" in text
    assert "f64[5,4,8,8]" in text
    assert "<table" in table._repr_html_()
    assert "layers[1]" in table._repr_html_()
    numbers = json.loads(table.to_json())
    assert numbers["parameters"] == 48
    assert numbers["layers"][0]["name"] == "Sequential"
    out = io.StringIO()
    Console(file=out, width=120).print(table)
    assert "layers[5]" in out.getvalue()


def test_nothing_is_computed():
    class Counted(nn.Module):
        scale: float

        def __call__(self, x):
            assert not isinstance(x, np.ndarray)
            return self.scale * x

    assert nn.summary(Counted(2.0), np.zeros((1000, 1000))).operations == 10**6
