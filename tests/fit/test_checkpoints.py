"""Checkpoints: whole or not at all, and training goes on from them bit for bit."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert import optim
from wengert.errors import ArgumentError
from wengert.fitting import early_stopping, load_checkpoint, save_checkpoint

R = np.random.default_rng(6)
X, Y = R.normal(size=(40, 3)), R.normal(size=40)
MODEL = {"w": np.zeros(3, np.float32), "b": 0.0}


def loss(model, x, y, key):
    noise = wg.random.normal(key if key is not None else wg.random.key(0), (x.shape[0],))
    return np.mean((x @ model["w"] + model["b"] + 0.1 * noise - y) ** 2), {"bias": model["b"]}


def optimizer():
    return optim.average(optim.chain(optim.clip_by_global_norm(1.0), optim.adam(optim.cosine(0.1, 200))), 0.9)


def train(path, epochs=4, **options):
    given = {
        "batch_size": 8,
        "progress": False,
        "key": 3,
        "validation": (X, Y),
        "checkpoint": path,
        **options,
    }
    return wg.fit(
        given.pop("model", MODEL), loss, (X, Y), given.pop("optimizer", optimizer()), epochs=epochs, **given
    )


def numbers(model, history):
    rows = [{k: v for k, v in row.items() if k != "seconds"} for row in history.epochs]
    leaves = wg.tree.flatten((model, history.state, rows, history.losses))[0]
    return [(np.asarray(x).dtype, np.asarray(x).tobytes()) for x in leaves]


@pytest.mark.parametrize("epochs", [1, 3])
def test_training_goes_on_as_it_would_have_gone(tmp_path, epochs):
    wanted = numbers(*train(tmp_path / "whole"))
    train(tmp_path / "parts", epochs=epochs)
    assert numbers(*train(tmp_path / "parts")) == wanted


def test_training_goes_on_in_the_middle_of_an_epoch(tmp_path):
    stopper = []

    def batches():
        for k in range(0, 40, 8):
            stopper.append(1)
            if len(stopper) == 9:
                raise KeyboardInterrupt
            yield X[k : k + 8], Y[k : k + 8]

    def run(path):
        return wg.fit(
            MODEL, loss, batches, optimizer(), epochs=3, progress=False, checkpoint=path, prefetch=0, key=3
        )

    _, history = run(tmp_path / "parts")
    assert history.stopped == "interrupt"
    assert len(history.losses) == 8
    stopper += [1] * 9
    parts = numbers(*run(tmp_path / "parts"))
    assert parts == numbers(*run(tmp_path / "whole"))


def test_ctrl_c_among_callbacks_calls_all_of_them_again(tmp_path):
    def run(path, times):
        def stop(training):
            if training.epoch == 3 and times:
                times.pop()
                raise KeyboardInterrupt

        watching = early_stopping(2, least=1e9)  # no epoch is an improvement but the first
        return train(path, 9, callbacks=[watching, stop])

    whole, history = run(tmp_path / "whole", [])
    assert history.stopped == "early stopping: validation loss"
    _, broken = run(tmp_path / "parts", [1])
    assert broken.stopped == "interrupt"
    assert len(broken) == 2
    assert len(broken.losses) == len(history.losses)
    assert numbers(*run(tmp_path / "parts", [])) == numbers(whole, history)


SCRIPT = """
import sys, time
sys.path[:0] = [{tests!r}]
import test_checkpoints as t
def slow(training):
    time.sleep(0.05)
t.train({path!r}, 16, checkpoint_every=2, callbacks=[slow])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_training_that_is_killed_goes_on_bit_for_bit(tmp_path, way):
    path = tmp_path / "run"
    script = SCRIPT.format(tests=str(Path(__file__).parent), path=str(path))
    compiled = {} if way == "as machine code" else {"WENGERT_COMPILE": "0"}
    environment = {**os.environ, **compiled, "PYTHONPATH": str(Path(wg.__file__).parents[1])}
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=environment)
        before = path.stat().st_mtime_ns if path.exists() else 0
        deadline = time.monotonic() + 60.0
        while process.poll() is None and time.monotonic() < deadline:
            if path.exists() and path.stat().st_mtime_ns != before:
                time.sleep(0.02)
                break
            time.sleep(0.001)
        process.kill()
        assert process.wait(10) == -signal.SIGKILL
    killed = json.loads(zipfile.ZipFile(path).read("header.json"))["facts"]["step"]
    assert 0 < killed < 80
    parts = numbers(*train(path, 16))
    assert parts == numbers(*train(tmp_path / "whole", 16))


def test_a_training_that_has_ended_stays_ended(tmp_path):
    model, history = train(tmp_path / "run", 30, optimizer=optim.sgd(0.5), callbacks=[early_stopping(1)])
    assert history.stopped.startswith("early")
    again, also = train(tmp_path / "run", 30, optimizer=optim.sgd(0.5), callbacks=[early_stopping(1)])
    assert numbers(again, also)[:2] == numbers(model, history)[:2]
    assert len(also) == len(history)


def test_resume_can_be_declined(tmp_path):
    wanted = numbers(*train(tmp_path / "run", 2))
    assert numbers(*train(tmp_path / "run", 2, resume=False)) == wanted


DAMAGE = {
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "flipped": lambda data: data[:700] + bytes([data[700] ^ 255]) + data[701:],
    "other": lambda data: b"epoch,loss\n1,2\n",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_refused_and_left(tmp_path, name):
    path = tmp_path / "run"
    train(path, 1)
    data = DAMAGE[name](path.read_bytes())
    path.write_bytes(data)
    with pytest.raises(ArgumentError, match="damaged, half-written, or something else"):
        train(path)
    assert path.read_bytes() == data


def test_every_truncation_is_noticed(tmp_path):
    path = tmp_path / "run"
    save_checkpoint(path, {"w": np.arange(3.0)}, {"step": 1}, {"losses": [1.0, 2.0]})
    data = path.read_bytes()
    for n in range(0, len(data), 7):
        path.write_bytes(data[:n])
        with pytest.raises(ArgumentError, match="damaged"):
            load_checkpoint(path, {"w": np.zeros(3)})
    path.write_bytes(data)
    tree, facts = load_checkpoint(path, {"w": np.zeros(3)})
    np.testing.assert_array_equal(tree["w"], [0.0, 1.0, 2.0])
    assert facts == {"step": 1, "losses": [1.0, 2.0]}


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "run"
    save_checkpoint(path, [np.ones(2)], {})
    old = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(OSError, match="No space"):
        save_checkpoint(path, [np.zeros(2)], {})
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


MISFITS = [
    ({"model": {"w": np.zeros(4, np.float32), "b": 0.0}}, r"w.* is float32\[3\], not float32\[4\]"),
    ({"model": {"w": np.zeros(3), "b": 0.0}}, r"float32\[3\], not float64\[3\]"),
    ({"model": {"v": np.zeros(3, np.float32), "b": 0.0}}, "it lacks .*'v'"),
    ({"optimizer": optim.adam(0.1)}, "another model, optimiser or callbacks"),
    # AdamW has the state of Adam.
    (
        {"optimizer": dataclasses.replace(optimizer(), name="adamw")},
        "made with optimizer .*, and .* with adamw",
    ),
    ({"callbacks": [early_stopping()]}, "another model, optimiser or callbacks"),
    ({"key": 4}, r"key \[0, 3\]"),
    ({"batch_size": 10}, "batch_size 8"),
]


@pytest.mark.parametrize(("options", "message"), MISFITS)
def test_a_checkpoint_of_another_training_is_refused(tmp_path, options, message):
    path = tmp_path / "run"
    train(path, 1)
    old = path.read_bytes()
    with pytest.raises(ArgumentError, match=message):
        train(path, **options)
    assert path.read_bytes() == old


def test_files_hold_no_objects(tmp_path):
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        save_checkpoint(tmp_path / "run", [np.array([object()])], {})
    assert not list(tmp_path.iterdir())


INTERRUPTED = """
import sys
sys.path[:0] = [{tests!r}]
import test_checkpoints as t
model, history = t.train({path!r}, 10**6)
assert history.stopped == "interrupt", history.stopped
print(len(history.losses), model["w"].tobytes().hex())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_ctrl_c_ends_a_process_with_its_last_step_saved(tmp_path, way):
    path = tmp_path / "run"
    script = INTERRUPTED.format(tests=str(Path(__file__).parent), path=str(path))
    environment = {**os.environ, "PYTHONPATH": str(Path(wg.__file__).parents[1])}
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 60.0
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    steps, bits = out.split()
    model, history = train(path, json.loads(zipfile.ZipFile(path).read("header.json"))["facts"]["epoch"])
    assert len(history.losses) == int(steps) > 0
    assert model["w"].tobytes().hex() == bits
