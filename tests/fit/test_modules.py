"""fit on modules: buffers, dropout, frozen layers, and checkpoints of all of them."""

from __future__ import annotations

import numpy as np

import wengert as wg
from wengert import nn, optim

R = np.random.default_rng(8)
X = R.normal(size=(64, 6))
LABELS = (X[:, 0] + X[:, 1] > 0).astype(int)


def made():
    first, second, third = wg.random.split(wg.random.key(0), 3)
    return nn.Sequential(
        nn.frozen(nn.Linear(6, 6, key=first)),
        nn.Linear(6, 16, key=second),
        nn.BatchNorm(16),
        nn.Lambda(nn.relu),
        nn.Dropout(0.2),
        nn.Linear(16, 2, key=third),
    )


def loss(model, x, labels, key):
    if key is None:
        logits, new = model(x), model
    else:
        logits, new = model.train(x, key=key)
    return nn.cross_entropy(logits, labels), {"accuracy": np.mean(np.argmax(logits, -1) == labels)}, new


def train(epochs, path=None):
    return wg.fit(
        made(),
        loss,
        (X, LABELS),
        optim.adam(0.02),
        epochs=epochs,
        validation=(X, LABELS),
        checkpoint=path,
        progress=False,
    )


def test_a_module_learns_and_its_buffers_follow():
    before, (model, history) = made(), train(20)
    assert history["validation accuracy"][-1] > 0.9
    changed = [
        not np.array_equal(x, y)
        for x, y in zip(wg.tree.flatten(before)[0], wg.tree.flatten(model)[0], strict=True)
    ]
    assert not any(changed[:2])  # the frozen layer
    assert all(changed[2:])  # weights, biases, running statistics
    assert repr(model) == repr(before)


def test_modules_go_on_from_checkpoints_bit_for_bit(tmp_path):
    train(2, tmp_path / "parts")
    model, history = train(4, tmp_path / "parts")
    whole, also = train(4)
    for x, y in zip(wg.tree.flatten(model)[0], wg.tree.flatten(whole)[0], strict=True):
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()
    assert history.losses == also.losses
