"""fit: what it learns, what it shows, and what it does when something goes wrong."""

from __future__ import annotations

import io
import threading
import warnings

import numpy as np
import pytest
from rich.console import Console

import wengert as wg
from wengert import nn, optim
from wengert.errors import ArgumentError, NonFiniteError
from wengert.fitting import History, TrainingStoppedError, early_stopping
from wengert.fitting.progress import Meter

R = np.random.default_rng(5)
X = R.normal(size=(50, 3))
TRUE = np.array([1.0, -2.0, 0.5])
Y = X @ TRUE + 0.25
LINE = {"w": np.zeros(3), "b": 0.0}


def loss(model, x, y):
    error = x @ model["w"] + model["b"] - y
    return np.mean(error**2), {"size": np.max(np.abs(error))}


def train(**options):
    given = {"epochs": 3, "batch_size": 8, "progress": False, **options}
    model, data, optimizer = (
        given.pop(k, v) for k, v in (("model", LINE), ("data", (X, Y)), ("optimizer", optim.adam(0.1)))
    )
    return wg.fit(model, given.pop("loss", loss), data, optimizer, **given)


def same(one, two):
    for x, y in zip(wg.tree.flatten(one)[0], wg.tree.flatten(two)[0], strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_line_is_learned():
    model, history = train(epochs=60, optimizer=optim.adam(optim.cosine(0.1, 400)), validation=(X[:9], Y[:9]))
    np.testing.assert_allclose(model["w"], TRUE, atol=1e-6)
    assert history["validation loss"][-1] < 1e-10
    assert history.names() == [
        *["loss", "size", "gradient norm", "validation loss", "validation size", "steps", "seconds"]
    ]
    assert len(history.losses) == 60 * 7


def test_a_step_is_what_one_would_write():
    model, history = train(epochs=1, batch_size=50, shuffle=False, optimizer=optim.sgd(0.1))
    value, grads = wg.value_and_grad(lambda m: loss(m, X, Y)[0])(LINE)
    np.testing.assert_allclose(model["w"], -0.1 * grads["w"], rtol=1e-12)
    assert history.losses == [pytest.approx(float(value), rel=1e-14)]
    norm = np.sqrt(np.sum(grads["w"] ** 2) + grads["b"] ** 2)
    assert history["gradient norm"][0] == pytest.approx(norm, rel=1e-12)


def test_steps_do_not_take_the_model_apart(monkeypatch):
    """To make modules of leaves takes longer than a small step: it is done where somebody looks."""

    class Line(nn.Module):
        w: np.ndarray
        b: np.ndarray

        def __call__(self, x):
            return x @ self.w + self.b

    def counted(epochs):
        begun = []
        plain = wg.tree.unflatten
        with monkeypatch.context() as patch:
            patch.setattr(wg.tree, "unflatten", lambda *a: begun.append(a[0]) or plain(*a))
            train(
                model=Line(np.zeros(3), 0.0),
                loss=lambda model, x, y: np.mean((model(x) - y) ** 2),
                data=lambda: [(X[:8], Y[:8])] * 50,
                epochs=epochs,
                prefetch=0,
            )
        return len(begun)

    # A structure for each batch, and some for each epoch.
    assert counted(3) - counted(2) < 2 * 50


def test_means_of_epochs_are_weighted_by_examples():
    _, history = train(epochs=1, optimizer=optim.sgd(0.0), batch_size=7)
    assert history["loss"][0] == pytest.approx(loss(LINE, X, Y)[0], rel=1e-13)


class Examples:
    def __len__(self):
        return len(X)

    def __getitem__(self, k):
        return X[k], Y[k]


SOURCES = {
    "data set": Examples(),
    "function": lambda: ((X[k : k + 8], Y[k : k + 8]) for k in range(0, 50, 8)),
    "list": [(X[k : k + 8], Y[k : k + 8]) for k in range(0, 50, 8)],
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("prefetch", [0, 2])
def test_all_kinds_of_data_give_the_same_batches(name, prefetch):
    wanted = train(shuffle=False)[0]
    same(train(data=SOURCES[name], shuffle=False, prefetch=prefetch)[0], wanted)


def test_arrays_in_a_dict_are_one_argument():
    model, _ = train(data={"x": X, "y": Y}, loss=lambda m, d: loss(m, d["x"], d["y"]))
    same(model, train()[0])


def test_the_key_decides():
    one, two, three = train(key=1)[0], train(key=wg.random.key(1))[0], train(key=2)[0]
    same(one, two)
    assert not np.array_equal(one["w"], three["w"])


def test_a_loss_that_takes_a_key_gets_one_for_each_step():
    seen = []

    def noisy(w, x, key):
        seen.append(key is None)
        return (w - 0.0 * x[0]) * wg.random.normal(key if key is not None else wg.random.key(0), ())

    _, history = train(
        model=np.array(1.0), loss=noisy, data=np.ones(8), batch_size=2, optimizer=optim.sgd(0.0)
    )
    assert len(set(history.losses)) == 12
    train(model=np.array(1.0), loss=noisy, data=np.ones(8), validation=np.ones(8), epochs=1)
    assert True in seen


def test_integers_functions_and_frozen_leaves_stay():
    model = {"w": np.zeros(3), "b": nn.frozen(np.array(0.25)), "n": np.arange(2), "f": np.tanh, "none": None}
    learned, _ = train(
        model=model,
        loss=lambda m, x, y: np.mean((x @ m["w"] + m["b"].value - y) ** 2) + 0.0 * m["n"][1],
        epochs=1,
    )
    assert learned["f"] is np.tanh
    assert learned["b"].value == 0.25
    assert learned["w"].any()
    np.testing.assert_array_equal(learned["n"], [0, 1])


def test_shared_weights_stay_shared():
    w = np.full(3, 0.1)
    model, _ = train(model=[w, w], loss=lambda m, x, y: np.mean((x @ (m[0] + m[1]) - y) ** 2))
    assert model[0] is model[1]


def test_buffers_come_back_from_the_loss():
    class Counter(nn.Module):
        w: np.ndarray
        seen: np.ndarray = nn.buffer()

    def counting(m, x, y):
        return np.mean((x @ m.w - y) ** 2), {}, m.replace(seen=m.seen + 1.0)

    model, history = train(model=Counter(np.zeros(3), np.array(0.0)), loss=counting, epochs=2)
    assert float(model.seen) == len(history.losses) == 14


def test_one_program_for_all_steps():
    calls = []

    def counted(m, x, y):
        calls.append(1)
        return loss(m, x, y)

    train(loss=counted, epochs=5, batch_size=10)
    assert len(calls) == 1


def test_early_stopping_gives_the_best_model_back():
    wanted = iter([3.0, 1.0, 2.0, 2.0, 2.0, 9.0])
    models = []

    def watch(training):
        training.history.epochs[-1]["validation loss"] = next(wanted)
        models.append(training.model)

    model, history = train(epochs=20, callbacks=[watch, early_stopping(3)])
    assert history.stopped == "early stopping: validation loss"
    assert len(history) == 5
    same(model, models[1])
    assert not np.array_equal(models[-1]["w"], models[1]["w"])


def test_a_callback_ends_training():
    _, history = train(epochs=9, callbacks=[lambda training: training.epoch == 2])
    assert (len(history), history.stopped) == (2, "callback")


def test_plateaus_are_told_of_the_validation():
    optimizer = optim.sgd(optim.reduce_on_plateau(0.5, 0.1, patience=0))
    _, history = train(epochs=4, optimizer=optimizer, loss=lambda m, x, y: 0.0 * m["b"] + 1.0)
    assert float(history.state.rate.scale) == pytest.approx(1e-3)


# What goes wrong


def test_ctrl_c_keeps_what_was_learned(tmp_path):
    path = tmp_path / "run"

    def batches():
        yield X[:8], Y[:8]
        yield X[8:16], Y[8:16]
        raise KeyboardInterrupt

    for prefetch in (0, 2):
        model, history = train(data=batches, checkpoint=path, prefetch=prefetch, resume=False)
        assert history.stopped == "interrupt"
        assert len(history.losses) == 2
        assert model["w"].any()
        assert path.exists()


def test_a_nan_names_operation_and_line():
    def bad(m, x, y):
        return np.mean(np.log(1.0 + x @ m["w"]))  # born here

    with pytest.raises(TrainingStoppedError, match="log gives nan") as caught:
        train(loss=bad, optimizer=optim.sgd(5.0), epochs=50)
    error = caught.value
    assert isinstance(error, NonFiniteError)
    assert "born here" in str(error)
    assert f"step {len(error.history.losses) + 1} " in error.what
    assert all(np.isfinite(error.history.losses))
    assert np.isfinite(error.model["w"]).all()


def test_a_nan_in_the_gradient_alone_stops():
    with pytest.raises(TrainingStoppedError, match="the derivative of sqrt gives"):
        train(loss=lambda m, x, y: np.sum(np.sqrt(m["w"])))


def test_a_nan_in_the_data_is_found():
    x = X.copy()
    x[3, 1] = np.nan
    with pytest.raises(TrainingStoppedError, match=r"batch\[0\] is nan at \[3, 1\]"):
        train(data=(x, Y), shuffle=False)


@pytest.mark.parametrize(("step", "factor"), [(41, 1e6), (3, 1e12)])
def test_exploding_gradients_are_reported(step, factor):
    scales = np.ones(60)
    scales[step - 1] = factor

    def scaled(w, c):
        return np.mean(w * c)

    says = rf"step {step} .*the gradient explodes: its norm is {factor:.0e}".replace("+", ".")
    with pytest.warns(RuntimeWarning, match=says) as told:
        _, history = wg.fit(
            np.array(1.0), scaled, scales, optim.sgd(1e-9), batch_size=1, shuffle=False, progress=False
        )
    assert len(history.events) == 1
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wg.fit(np.array(1.0), scaled, np.ones(60), optim.sgd(1e-9), batch_size=1, progress=False)


def test_layers_that_are_evaluated_in_training_are_reported():
    model = nn.Sequential(
        nn.Linear(3, 4, key=wg.random.key(0)), nn.Dropout(0.5), nn.Linear(4, 1, key=wg.random.key(1))
    )

    def evaluated(model, x, y):
        return np.mean((model(x)[:, 0] - y) ** 2)

    def trained(model, x, y, key):
        z, model = model.train(x, key=key)
        return np.mean((z[:, 0] - y) ** 2), {}, model

    with pytest.warns(RuntimeWarning, match="the loss evaluates Dropout, .* and no layer is trained") as told:
        train(model=model, loss=evaluated, epochs=2)
    assert [warning.filename for warning in told] == [__file__]
    train(model=model, loss=trained, evaluate=lambda model, x, y: evaluated(model, x, y), validation=(X, Y))
    train(model=model[0], loss=evaluated)


def test_scaled_losses_skip_overflows():
    def big(w, c):
        return np.mean(w * c)

    optimizer = optim.loss_scaling(optim.sgd(1.0), 2.0**1020)
    _, history = wg.fit(np.array(1.0), big, np.full(8, 1e3), optimizer, batch_size=1, progress=False)
    assert int(history.state.skipped) > 0


def test_labels_out_of_range_say_so():
    labels = np.array([0, 1, 2, 3, 7])
    with pytest.raises((IndexError, ArgumentError), match=r"7|range|bounds") as caught:
        wg.fit(
            np.zeros((3, 4)),
            lambda w, x, k: nn.cross_entropy(x @ w, k),
            (X[:5], labels),
            optim.adam(),
            batch_size=5,
            progress=False,
        )
    assert any("epoch 1" in note for note in caught.value.__notes__)


REFUSED = [
    ({"optimizer": optim.adam}, "adam is no optimiser"),
    ({"epochs": -1}, "epochs is -1"),
    ({"key": 0.5}, "key is 0.5"),
    ({"batchsize": 3}, "no option batchsize"),
    ({"batch_size": 0}, "batch_size is 0"),
    ({"data": (X, Y[:9])}, r"data\[1\]: 9"),
    ({"data": (X[:0], Y[:0])}, "no examples"),
    ({"data": 3}, "data is a int"),
    ({"data": list}, "has no batches"),
    ({"loss": lambda m, x, y: (m["w"], "a")}, "the loss gives tuple"),
    ({"loss": lambda m, x, y: m["w"]}, r"the loss has shape \(3,\)"),
    ({"model": {"n": 1}}, "no parameters"),
    ({"loss": 3}, "needs a function"),
    (
        {"optimizer": optim.Optimizer("odd", lambda p: (), lambda g, s, p: (p, (1.0,)))},
        "changes the structure",
    ),
    ({"batch_size": 8.0}, "batch_size is 8.0"),
    ({"prefetch": -1}, "prefetch is -1"),
    ({"checkpoint_every": 0}, "checkpoint_every is 0"),
    ({"callbacks": print}, "callbacks is <built-in"),
    ({"callbacks": [3]}, r"callbacks is \[3\]"),
    ({"validation": list}, "validation has no batches"),
    ({"loss": lambda m, x, y: (loss(m, x, y)[0], {"error": y})}, r"metric 'error' of shape \(8,\)"),
    ({"loss": lambda m, x, y: (loss(m, x, y)[0], {"loss": 1.0})}, "a metric 'loss'"),
    ({"callbacks": [early_stopping(monitor="accuracy")]}, "watches 'accuracy'"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        train(**options)
    assert caught.value.instead


def test_an_iterator_is_used_up_by_one_epoch():
    _, history = train(data=iter([(X, Y)]), epochs=1)
    assert len(history.losses) == 1
    with pytest.raises(ArgumentError, match="iterated once") as caught:
        train(data=iter([(X, Y)]), epochs=2)
    assert __file__ in caught.value.where  # not that of a thread


def test_errors_of_a_data_thread_arrive_and_threads_end():
    def broken():
        yield X[:8], Y[:8]
        message = "disk"
        raise OSError(message)

    with pytest.raises(OSError, match="disk"):
        train(data=broken)
    with pytest.raises(ZeroDivisionError):
        train(loss=lambda m, x, y: 1 / 0)
    for thread in threading.enumerate():
        if thread.name == "wengert-prefetch":
            thread.join(5.0)
            assert not thread.is_alive()


# What is shown


def test_a_terminal_shows_how_it_goes():
    out = io.StringIO()
    meter = Meter(None, 2, 5, Console(file=out, force_terminal=True, width=120))
    meter.begin(0)
    meter.step(0, 3, 0.25, {"accuracy": 0.5})
    meter.epoch(1, 5, {"loss": 0.125, "steps": 5.0, "seconds": 0.5})
    meter.end()
    text = out.getvalue()
    for part in ("epoch 1/2", "5/10", "loss 0.25", "accuracy 0.5", "steps/s", "loss 0.125", "10 steps/s"):
        assert part in text


def test_files_get_lines_only_if_asked():
    for shown, wanted in ((None, False), (True, True), (False, False)):
        out = io.StringIO()
        meter = Meter(shown, 2, 5, Console(file=out))
        meter.begin(0)
        meter.step(0, 3, 0.25, {})
        meter.epoch(1, 5, {"loss": 0.125, "steps": 5.0, "seconds": 0.5})
        meter.end()
        assert bool(out.getvalue()) == wanted


def test_a_history_prints_plots_and_saves(tmp_path):
    pytest.importorskip("matplotlib")
    _, history = train(epochs=20, validation=(X, Y))
    text = str(history)
    assert "Training: 20 epochs, 140 steps" in text
    assert "validation loss" in text
    figure = history.plot()
    assert {line.get_label() for line in figure.axes[0].lines} == {"step", "loss", "validation loss"}
    assert figure.axes[0].get_yscale() == "log"  # of a loss that falls by decades
    flat = History([{"loss": 1.5, "steps": 2}], [1.0, 2.0])
    assert flat.plot().axes[0].get_yscale() == "linear"
    row = {"loss": 1.5, "accuracy": 0.5, "validation accuracy": 0.4, "perplexity": 90.0}
    charts = History([row], [1.0]).plot().axes  # numbers of different size do not share an axis
    assert [chart.get_ylabel() for chart in charts] == ["loss", "accuracy", "perplexity"]
    assert [line.get_label() for line in charts[1].lines] == ["accuracy", "validation accuracy"]
    history.save(tmp_path / "history.html")
    history.save(tmp_path / "history.json")
    assert "<svg" in (tmp_path / "history.html").read_text()
    with pytest.raises(ArgumentError, match="no 'accuracy'"):
        history["accuracy"]


def test_memory_is_told_before_training():
    w = np.ones((200, 200))

    def deep(w, x):
        for _ in range(3):
            x = np.tanh(x @ w)
        return np.sum(x)

    x = np.ones((100, 200))
    report = wg.memory(wg.value_and_grad(deep), w, x)
    assert report.arguments == w.nbytes + x.nbytes
    assert report.results == w.nbytes + 8
    assert report.arena >= 2 * x.nbytes
    assert report.total == report.arguments + report.results + report.constants + report.arena
    assert report.largest[0][0] == w.nbytes
    assert "test_fit.py:" in str(report)
    assert report.values >= 3 * x.nbytes
    kept = wg.memory(wg.value_and_grad(wg.checkpoint(deep)), w, x)
    assert kept.values > 0
