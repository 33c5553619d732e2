"""Losses against their definitions, to second order, at large arguments, and their errors."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.errors import ArgumentError

EPS = np.finfo(float).eps
RNG = np.random.default_rng(8)
LOGITS = RNG.normal(size=(4, 3)) * 2
LABELS = np.array([2, 0, 1, 2])
WEIGHTS = np.array([0.5, 2.0, 1.0])
PROBABILITIES = np.array([[0.1, 0.2, 0.7], [1.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.3, 0.3, 0.4]])
P, T = RNG.normal(size=(2, 5, 2))


def log_probabilities(x):
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def spread(labels, smoothing):
    return (1 - smoothing) * np.eye(3)[labels] + smoothing / 3


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_cross_entropy_of_labels(smoothing, weights, reduction):
    w = np.ones(3) if weights is None else weights
    each = -(spread(LABELS, smoothing) * w * log_probabilities(LOGITS)).sum(-1)
    wanted = {"mean": each.sum() / w[LABELS].sum(), "sum": each.sum(), "none": each}[reduction]
    for f in (nn.cross_entropy, wg.jit(nn.cross_entropy, static_argnames=("reduction", "smoothing"))):
        y = f(LOGITS, LABELS, weights=weights, smoothing=smoothing, reduction=reduction)
        np.testing.assert_allclose(y, wanted, rtol=64 * EPS)
    wg.check_grads(
        lambda x: nn.cross_entropy(x, LABELS, weights=weights, smoothing=smoothing, reduction=reduction),
        (LOGITS,),
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_cross_entropy_of_probabilities(smoothing, weights):
    w = np.ones(3) if weights is None else weights
    target = (1 - smoothing) * PROBABILITIES + smoothing / 3
    y = nn.cross_entropy(LOGITS, PROBABILITIES, weights=weights, smoothing=smoothing)
    np.testing.assert_allclose(y, -(target * w * log_probabilities(LOGITS)).sum(-1).mean(), rtol=64 * EPS)
    wg.check_grads(
        lambda x, p: nn.cross_entropy(x, p, weights=weights, smoothing=smoothing), (LOGITS, PROBABILITIES)
    )


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ignored_examples_do_not_count(weights, smoothing, reduction):
    labels, kept = np.array([2, -1, 1, -1]), np.array([0, 2])

    def f(x, labels, ignore=None):
        return nn.cross_entropy(
            x, labels, weights=weights, smoothing=smoothing, reduction=reduction, ignore=ignore
        )

    wanted = f(LOGITS[kept], labels[kept])
    if reduction == "none":
        wanted = np.array([wanted[0], 0.0, wanted[1], 0.0])
    for compiled in (f, wg.jit(f, static_argnames="ignore")):
        np.testing.assert_allclose(compiled(LOGITS, labels, ignore=-1), wanted, rtol=8 * EPS)
    slope = wg.grad(lambda x: np.sum(f(x, labels, -1)))(LOGITS)
    assert not slope[[1, 3]].any()
    np.testing.assert_allclose(
        slope[kept], wg.grad(lambda x: np.sum(f(x, labels[kept])))(LOGITS[kept]), rtol=32 * EPS, atol=EPS
    )


def test_nll_ignores_as_cross_entropy_does():
    x, labels = nn.log_softmax(LOGITS), np.array([2, 9, 1, 0], np.uint8)
    for weights in (None, WEIGHTS):
        a = nn.nll(x, labels, weights=weights, ignore=9)
        np.testing.assert_allclose(a, nn.cross_entropy(x, labels, weights=weights, ignore=9), rtol=8 * EPS)


@pytest.mark.parametrize("kind", [bool, np.int8, np.uint8, np.int64])
def test_targets_that_are_integers_take_the_precision_of_predictions(kind):
    x, target = P.astype(np.float32), (T > 0).astype(kind)
    for loss in (nn.mse, nn.l1, nn.huber, nn.binary_cross_entropy):
        assert loss(x, target).dtype == np.float32
        assert loss(x, target) == loss(x, target.astype(np.float32))
    # Differences of small integers do not wrap.
    assert nn.mse(np.array([1, 200], np.uint8), np.array([2, 1], np.uint8)) == (1 + 199**2) / 2


def test_class_weights_take_the_precision_of_logits():
    x = LOGITS.astype(np.float32)
    assert nn.cross_entropy(x, LABELS, weights=WEIGHTS).dtype == np.float32
    assert nn.nll(x, LABELS, weights=WEIGHTS).dtype == np.float32


def test_lists_are_arrays():
    assert nn.cross_entropy(LOGITS.tolist(), LABELS.tolist()) == nn.cross_entropy(LOGITS, LABELS)
    assert nn.mse([1.0, 2.0], [1.0, 4.0]) == 2


def test_one_hot_probabilities_are_labels():
    a = nn.cross_entropy(LOGITS, nn.one_hot(LABELS, 3), smoothing=0.2)
    np.testing.assert_allclose(a, nn.cross_entropy(LOGITS, LABELS, smoothing=0.2), rtol=16 * EPS)


def test_the_classes_may_lie_anywhere():
    x = RNG.normal(size=(2, 3, 4))
    labels = RNG.integers(0, 3, (2, 4))
    a = nn.cross_entropy(x, labels, axis=1)
    assert a == nn.cross_entropy(np.moveaxis(x, 1, -1), labels)
    assert a == pytest.approx(nn.nll(nn.log_softmax(x, 1), labels, axis=1), rel=16 * EPS)


@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
def test_cross_entropy_of_large_logits(size):
    x = np.array([[size, 0.0, -size]])
    for label, wanted in ((0, 0.0), (1, size), (2, 2 * size)):
        value, slope = wg.value_and_grad(nn.cross_entropy)(x, np.array([label]))
        np.testing.assert_allclose(value, wanted, atol=1e-40, rtol=4 * EPS)
        np.testing.assert_allclose(slope, np.array([[1.0, 0.0, 0.0]]) - np.eye(3)[[label]], atol=1e-40)


def test_cross_entropy_with_impossible_classes():
    x = np.array([[0.0, -np.inf, 1.0]])
    p = np.array([[0.4, 0.0, 0.6]])
    value, slope = wg.value_and_grad(nn.cross_entropy)(x, p)
    np.testing.assert_allclose(value, 0.4 * np.log1p(np.e) + 0.6 * np.log1p(np.exp(-1)), rtol=8 * EPS)
    np.testing.assert_allclose(slope, nn.softmax(x) - p, atol=4 * EPS)


def test_nll():
    logs = log_probabilities(LOGITS)
    picked = -logs[np.arange(4), LABELS]
    np.testing.assert_allclose(nn.nll(logs, LABELS), picked.mean(), rtol=8 * EPS)
    w = WEIGHTS[LABELS]
    np.testing.assert_allclose(
        nn.nll(logs, LABELS, weights=WEIGHTS), (w * picked).sum() / w.sum(), rtol=8 * EPS
    )
    wg.check_grads(lambda x: nn.nll(x, LABELS, weights=WEIGHTS, reduction="none"), (logs,))


DISTANCES = {
    "mse": (nn.mse, lambda e: e * e),
    "l1": (nn.l1, np.abs),
    "huber": (nn.huber, lambda e: np.where(np.abs(e) <= 1, e * e / 2, np.abs(e) - 0.5)),
    "huber of 0.3": (
        lambda p, t, **how: nn.huber(p, t, 0.3, **how),
        lambda e: np.where(np.abs(e) <= 0.3, e * e / 2, 0.3 * (np.abs(e) - 0.15)),
    ),
}


@pytest.mark.parametrize("name", DISTANCES)
def test_distances(name):
    f, of_error = DISTANCES[name]
    np.testing.assert_allclose(f(P, T, reduction="none"), of_error(P - T), rtol=8 * EPS)
    np.testing.assert_allclose(f(P, T), of_error(P - T).mean(), rtol=8 * EPS)
    np.testing.assert_allclose(f(P, T, reduction="sum"), of_error(P - T).sum(), rtol=8 * EPS)
    wg.check_grads(f, (P, T))
    assert f(P.astype(np.float32), T.astype(np.float32)).dtype == np.float32


def test_hinge():
    t = np.sign(T)
    np.testing.assert_allclose(nn.hinge(P, t, reduction="none"), np.maximum(0, 1 - t * P), rtol=4 * EPS)
    wg.check_grads(lambda s: nn.hinge(s, t), (P,))


@pytest.mark.parametrize("t", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("x", [-800.0, -40.0, -1.0, 0.0, 1e-3, 2.0, 40.0, 800.0])
def test_binary_cross_entropy(t, x):
    with mp.workdps(400):
        s = 1 / (1 + mp.exp(-mp.mpf(x)))
        value = -(mp.mpf(t) * mp.log(s) + (1 - mp.mpf(t)) * mp.log(1 - s))
        slope, second = s - mp.mpf(t), s * (1 - s)
    f = nn.binary_cross_entropy
    found = [f(np.array([x]), np.array([t]))]
    found += [wg.grad(f)(np.array([x]), np.array([t]))[0]]
    found += [wg.grad(lambda x: np.sum(wg.grad(f)(x, np.array([t]))))(np.array([x]))[0]]
    # exp(-x) has a relative error of |x| eps at most; the slope is a difference of numbers up to 1.
    for y, exact, size in zip(found, (value, slope, second), (0, 1, 0), strict=True):
        assert abs(y - float(exact)) <= 8 * EPS * ((1 + abs(x)) * abs(float(exact)) + size)


def test_binary_cross_entropy_of_certainty():
    def f(x, t):
        return nn.binary_cross_entropy(x, t, reduction="none")

    x, t = np.array([np.inf, -np.inf, np.inf, -np.inf, 1e4]), np.array([1.0, 0.0, 0.0, 1.0, 1.0])
    for g in (f, wg.jit(f)):
        np.testing.assert_array_equal(g(x, t), [0.0, 0.0, np.inf, np.inf, 0.0])
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(f(x, t)))(x)[[0, 1, 4]], np.zeros(3))
    assert np.isnan(f(np.array([np.nan]), np.ones(1))).all()


def test_weight_of_the_positive_class():
    t = np.array([1.0, 0.0, 0.25])
    x = np.array([0.5, -1.0, 2.0])
    s = 1 / (1 + np.exp(-x))
    wanted = -(3.0 * t * np.log(s) + (1 - t) * np.log(1 - s))
    np.testing.assert_allclose(
        nn.binary_cross_entropy(x, t, positive_weight=3.0, reduction="none"), wanted, rtol=16 * EPS
    )


@pytest.mark.parametrize("log_target", [False, True])
def test_kl_div(log_target):
    p, logs = np.array([[0.2, 0.5, 0.3]] * 4), log_probabilities(LOGITS)
    target = np.log(p) if log_target else p
    wanted = (p * (np.log(p) - logs)).sum(-1)
    y = nn.kl_div(logs, target, log_target=log_target, reduction="none")
    np.testing.assert_allclose(y, wanted, rtol=64 * EPS)
    wg.check_grads(lambda q, p: nn.kl_div(q, p, log_target=log_target), (logs, target))


def test_kl_div_of_impossible_alternatives():
    q, p = np.array([[-np.inf, 0.0]]), np.array([[0.0, 1.0]])
    assert nn.kl_div(q, p) == 0
    assert np.array_equal(wg.grad(nn.kl_div)(q, p), [[0.0, -1.0]])
    with np.errstate(divide="ignore", invalid="ignore"):
        assert nn.kl_div(q, np.log(p), log_target=True) == 0


# Errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [nn.mse, nn.l1, nn.huber, nn.hinge, nn.binary_cross_entropy, nn.kl_div])
def test_shapes_that_would_broadcast_are_refused(loss):
    with pytest.raises(
        ArgumentError, match=rf"{loss.__name__}: predictions of shape \(4, 1\), targets of shape \(4,\)"
    ):
        loss(np.ones((4, 1)), np.ones(4))
    with pytest.raises(ArgumentError, match="reduction is 'average'"):
        loss(np.ones((4, 1)), np.ones((4, 1)), reduction="average")


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll])
def test_labels_that_do_not_fit(loss):
    name = loss.__name__
    for labels, wrong in (([0, 1, 3, 2], 3), ([0, -1, 1, 2], -1), ([-100, 9, 1, 2], -100)):
        with pytest.raises(ArgumentError, match=rf"{name}: label {wrong} is out of range"):
            loss(LOGITS, np.array(labels))
        with pytest.raises(ArgumentError, match=rf"{name}: label {wrong} is out of range"):
            wg.grad(loss)(LOGITS, np.array(labels))
    with pytest.raises(ArgumentError, match=rf"{name}: labels i64\[3\] for 3 classes of examples \(4,\)"):
        loss(LOGITS, LABELS[:3])
    with pytest.raises(ArgumentError, match=rf"{name}: class weights of shape \(2,\) for 3 classes"):
        loss(LOGITS, LABELS, weights=np.ones(2))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: nn.huber(P, T, 0.0), "huber: delta is 0"),
        (lambda: nn.hinge(P, T > 0), "hinge: the targets are bools"),
        (lambda: nn.cross_entropy(LOGITS, LABELS, smoothing=1.5), "the smoothing is 1.5"),
        (lambda: nn.cross_entropy(LOGITS, LABELS.astype(float)), r"labels f64\[4\] for 3 classes"),
        (lambda: nn.cross_entropy(LOGITS, LABELS > 1), r"labels bool\[4\] for 3 classes"),
        (lambda: nn.cross_entropy(LOGITS, PROBABILITIES, ignore=0), r"labels f64\[4,3\] for 3 classes"),
        (lambda: nn.one_hot(np.ones(2), 3), r"one_hot: labels f64\[2\]"),
    ],
)
def test_what_no_loss_is_made_for(call, says):
    with pytest.raises(ArgumentError, match=says):
        call()


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll])
@pytest.mark.parametrize("labels", [[0, 1, 3, 2], [0, -1, 1, 2]])
def test_labels_out_of_range_in_compiled_programs(loss, labels):
    for f in (wg.jit(loss), wg.jit(wg.grad(loss))):
        f(LOGITS, LABELS)
        with pytest.raises(ArgumentError, match="is out of range"):
            f(LOGITS, np.array(labels))
    with pytest.raises(IndexError):  # not known before the batch is looked up
        wg.vmap(loss)(LOGITS, np.array(labels))


def test_labels_of_examples_in_a_batch():
    f = wg.vmap(lambda x, label: nn.cross_entropy(x, label))
    np.testing.assert_allclose(
        f(LOGITS, LABELS), nn.cross_entropy(LOGITS, LABELS, reduction="none"), rtol=4 * EPS
    )
    with_plain = wg.vmap(lambda label: nn.cross_entropy(LOGITS[0], label, weights=WEIGHTS, reduction="none"))
    assert with_plain(LABELS).shape == (4,)
